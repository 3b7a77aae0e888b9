//! Charge and energy of the simulated world are accounted for, whatever happens in it.

use plant::bms::BmsParams;
use plant::ledger::Ledger;
use plant::params::{Params, PsuSource};
use plant::world::{PackSize, World};
use proptest::prelude::{Strategy, prop_oneof, proptest};
use proptest::test_runner::Config;
use proto::fault::{Fault, FaultKind};
use proto::quantity::{AmpHours, Amps, Celsius, Micros, Ohms, Percent, Volts, Watts};
use proto::stimulus::{Start, Stimulus};
use rstest::rstest;
use serde::Deserialize;

/// The most that a balance may be off, as a share of what was moved.
const TOLERANCE: f64 = 1e-6;
const CELLS: usize = 16;

#[derive(Debug, Deserialize)]
struct File {
    simulated: BmsParams,
}

fn reference() -> BmsParams {
    let text = include_str!("../../../rigs/batteries/reference.yaml");
    serde_yaml::from_str::<File>(text).expect("the reference battery").simulated
}

fn world(params: &Params, start: &Start, seed: u64) -> World {
    let size = PackSize { cells: CELLS, capacity: AmpHours(280.0) };
    World::new(params, &reference(), &size, start, seed).expect("a model starts").counted()
}

fn run(world: &mut World, seconds: u64) {
    let until = world.now() + Micros::from_secs(seconds);
    world.pass(until).expect("a model goes on");
}

fn start(soc: f64, grid: bool) -> Start {
    Start { soc: Percent(soc), grid, pv: Watts(3000.0), ac_load: Watts(500.0), ..Start::AT_REST }
}

/// How far charge and energy are off between two moments, as shares of what was moved.
fn errors(a: &Ledger, b: &Ledger) -> (f64, f64) {
    let held = (b.held - a.held).0;
    let put = (b.charged - a.charged).0 * CELLS as f64 + (b.placed - a.placed).0;
    let lost = (b.bled - a.bled).0 + (b.leaked - a.leaked).0;
    let came = (b.pv - a.pv) + (b.grid - a.grid) + (b.ac_pv - a.ac_pv) + (b.placed_energy - a.placed_energy);
    let went = (b.loads - a.loads) + (b.heat.total() - a.heat.total()) + (b.stored - a.stored);
    let moved = (b.pv - a.pv) + (b.grid - a.grid).abs() + (b.ac_pv - a.ac_pv) + (b.loads - a.loads);
    let moved = moved + (b.heat.total() - a.heat.total());
    ((held - put + lost).abs() / b.held.0, (came - went).0.abs() / moved.0)
}

fn assert_balanced(a: &Ledger, b: &Ledger) {
    let (charge, energy) = errors(a, b);
    assert!(charge < TOLERANCE && energy < TOLERANCE, "charge {charge:e}, energy {energy:e}: {a:?} {b:?}");
}

const fn fault(kind: FaultKind, seconds: u64) -> Stimulus {
    Stimulus::Inject(Fault { kind, span: Micros::from_secs(seconds) })
}

/// One thing of each kind that can happen, with its seconds.
#[rstest]
#[case::feed_in(97.0, true, &[(Stimulus::AcLoad(Watts(3000.0)), 1800), (Stimulus::AcLoad(Watts(0.0)), 5400)])]
#[case::more_than_the_inverter_takes(97.0, true, &[(Stimulus::Pv(Watts(5500.0)), 7200)])]
#[case::imbalance(92.0, true, &[(Stimulus::Imbalance(Percent(5.0)), 7200)])]
#[case::grid_loss(60.0, true, &[(Stimulus::Grid(false), 1200), (Stimulus::Grid(true), 1200), (Stimulus::Grid(false), 1200)])]
#[case::trips_under_charge(80.0, false, &[(Stimulus::Pv(Watts(5000.0)), 60),
    (fault(FaultKind::CellVoltage { by: Volts(0.5) }, 20), 300), (fault(FaultKind::Current { by: Amps(400.0) }, 20), 300)])]
#[case::trips_under_load(80.0, false, &[(Stimulus::Pv(Watts(0.0)), 60), (Stimulus::AcLoad(Watts(4000.0)), 60),
    (fault(FaultKind::CellVoltage { by: Volts(-2.0) }, 20), 900)])]
#[case::empty(9.0, false, &[(Stimulus::Pv(Watts(0.0)), 60), (Stimulus::AcLoad(Watts(3000.0)), 7200), (Stimulus::Pv(Watts(2000.0)), 3600)])]
#[case::overload(60.0, false, &[(Stimulus::AcLoad(Watts(6500.0)), 600)])]
#[case::collapse(30.0, false, &[(Stimulus::AcLoad(Watts(90_000.0)), 200), (Stimulus::AcLoad(Watts(500.0)), 200)])]
#[case::cold(50.0, true, &[(fault(FaultKind::Ambient { at: Celsius(-10.0) }, 1800), 3600)])]
#[case::resistances(50.0, true, &[(Stimulus::AcLoad(Watts(3000.0)), 600), (fault(FaultKind::CableResistance { by: Ohms(0.02) }, 600), 300),
    (fault(FaultKind::CellResistance { by: Percent(400.0) }, 600), 1800)])]
#[case::contactor(70.0, true, &[(fault(FaultKind::ContactorOpen {}, 30), 120), (fault(FaultKind::ContactorSlow { by: Micros::from_millis(437) }, 300), 1),
    (fault(FaultKind::ContactorOpen {}, 30), 120)])]
#[case::supply(70.0, true, &[(fault(FaultKind::PsuTrip {}, 30), 120), (fault(FaultKind::TrackerScan {}, 30), 60)])]
#[case::ac_pv_on_the_mains(70.0, true, &[(Stimulus::AcPv(Watts(4000.0)), 900), (Stimulus::AcLoad(Watts(3000.0)), 300), (Stimulus::Grid(false), 900)])]
#[case::ac_pv_in_an_island(97.0, false, &[(Stimulus::AcPv(Watts(4000.0)), 900), (Stimulus::AcLoad(Watts(4000.0)), 900),
    (Stimulus::AcLoad(Watts(0.0)), 900), (fault(FaultKind::ContactorOpen {}, 30), 300)])]
fn what_comes_in_goes_out_or_stays(
    #[case] soc: f64,
    #[case] grid: bool,
    #[case] events: &[(Stimulus, u64)],
    #[values(1, 2)] seed: u64,
) {
    let mut world = world(&Params::default(), &start(soc, grid), seed);
    let begin = world.ledger();
    run(&mut world, 60);
    for (stimulus, seconds) in events {
        let before = world.ledger();
        world.apply(stimulus).expect("the simulated rig can do it");
        run(&mut world, *seconds);
        assert_balanced(&before, &world.ledger());
    }
    assert_balanced(&begin, &world.ledger());
}

/// A balance is worth something only where everything that it counts was moved.
#[test]
fn a_day_moves_every_entry() {
    let mut world = world(&Params::default(), &Start { imbalance: Percent(3.0), ..start(90.0, true) }, 1);
    let begin = world.ledger();
    world.apply(&Stimulus::AcPv(Watts(1000.0))).expect("possible");
    world.apply(&Stimulus::Imbalance(Percent(3.0))).expect("possible");
    run(&mut world, 4 * 3600);
    let end = world.ledger();
    let heat = end.heat;
    for (what, wh) in [
        ("pv", end.pv),
        ("ac pv", end.ac_pv),
        ("loads", end.loads),
        ("grid", -end.grid),
        ("cells", heat.cells),
        ("cables", heat.cables),
        ("converters", heat.converters),
        ("balancing", heat.balancing),
        ("leakage", heat.leakage),
    ] {
        assert!(wh.0 > 0.01, "{what}: {wh:.4}");
    }
    assert!(end.bled > AmpHours::ZERO && end.leaked > AmpHours::ZERO && end.placed.abs() > AmpHours::ZERO);
    assert_balanced(&begin, &end);
}

fn event() -> impl Strategy<Value = (Stimulus, u64)> {
    let stimulus = prop_oneof![
        (0.0..7000.0).prop_map(|w| Stimulus::Pv(Watts(w))),
        (0.0..4000.0).prop_map(|w| Stimulus::AcPv(Watts(w))),
        (0.0..6000.0).prop_map(|w| Stimulus::AcLoad(Watts(w))),
        (0u8..2).prop_map(|there| Stimulus::Grid(there == 1)),
        (0u8..2).prop_map(|on| Stimulus::FeedIn(on == 1)),
        (1.0..32.0).prop_map(|a| Stimulus::InputCurrentLimit(Amps(a))),
        (0.1..3.0).prop_map(|p| Stimulus::Imbalance(Percent(p))),
        (1u64..60).prop_map(|s| fault(FaultKind::CellVoltage { by: Volts(0.5) }, s)),
        (1u64..60).prop_map(|s| fault(FaultKind::ContactorOpen {}, s)),
        (1u64..60).prop_map(|s| fault(FaultKind::ContactorWelded {}, s)),
        (1u64..60).prop_map(|s| fault(FaultKind::PsuTrip {}, s)),
        (0.0..0.03).prop_map(|r| fault(FaultKind::CableResistance { by: Ohms(r) }, 100)),
        (0.0..500.0).prop_map(|p| fault(FaultKind::CellResistance { by: Percent(p) }, 100)),
        (-20.0..45.0).prop_map(|c| fault(FaultKind::Ambient { at: Celsius(c) }, 100)),
    ];
    (stimulus, 1u64..400)
}

proptest! {
    #![proptest_config(Config { cases: 48, failure_persistence: None, ..Config::default() })]

    #[test]
    fn nothing_is_lost_whatever_happens(
        seed in 0u64..1_000_000,
        soc in 5.0f64..99.5,
        grid in 0u8..2,
        curve in 0u8..2,
        events in proptest::collection::vec(event(), 1..12),
    ) {
        let mut params = Params::default();
        if curve == 1 {
            params.psu.source = PsuSource::Curve { open_circuit: Volts(150.0), knee: Volts(8.0) };
        }
        let mut world = world(&params, &start(soc, grid == 1), seed);
        let begin = world.ledger();
        run(&mut world, 10);
        for (stimulus, seconds) in events {
            world.apply(&stimulus).expect("within bounds");
            run(&mut world, seconds);
        }
        assert_balanced(&begin, &world.ledger());
    }
}
