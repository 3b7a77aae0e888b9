//! Faults of the physical world: each does what its name says, and is gone when it is over.

use plant::bms::BmsParams;
use plant::params::Params;
use plant::world::{PackSize, World};
use proto::channel::Channel;
use proto::fault::{Fault, FaultKind};
use proto::quantity::{AmpHours, Amps, Celsius, Micros, Ohms, Percent, Volts, Watts};
use proto::stimulus::{Start, Stimulus};
use rstest::rstest;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
struct File {
    simulated: BmsParams,
}

/// The reference at half charge in an island with sun, whose charge current is about 55 A.
fn world() -> World {
    let text = include_str!("../../../rigs/batteries/reference.yaml");
    let battery = serde_yaml::from_str::<File>(text).expect("the reference battery").simulated;
    let size = PackSize { cells: 16, capacity: AmpHours(280.0) };
    let start = Start { grid: false, feed_in: false, pv: Watts(3000.0), ..Start::AT_REST };
    let mut world = World::new(&Params::default(), &battery, &size, &start, 1).expect("a model starts");
    run(&mut world, 120);
    world
}

fn run(world: &mut World, seconds: u64) {
    let until = world.now() + Micros::from_secs(seconds);
    world.pass(until).expect("a model goes on");
}

fn inject(world: &mut World, kind: FaultKind, seconds: u64) {
    let fault = Fault { kind, span: Micros::from_secs(seconds) };
    world.apply(&Stimulus::Inject(fault)).expect("the simulated rig can do it");
}

/// Charge through the battery in a time, as a mean current.
fn current(world: &mut World, seconds: u64) -> f64 {
    let before = world.ledger().charged;
    run(world, seconds);
    (world.ledger().charged - before).0 * 3600.0 / seconds as f64
}

fn shows(world: &World, channel: Channel) -> f64 {
    world.gx().number(channel).expect("told")
}

fn solar(world: &World) -> Amps {
    Amps(shows(world, Channel::SolarCurrent))
}

/// A trip opens the contactor; a welded one lets the current go on, a slow one for as long as it is slow. Seen on a
/// discharge: a tripped battery forbids the charge by its limits as well.
#[rstest]
#[case::sound(None, 0.0)]
#[case::welded(Some(FaultKind::ContactorWelded {}), 60.0)]
#[case::slow(Some(FaultKind::ContactorSlow { by: Micros::from_secs(20) }), 13.0)]
fn a_contactor_that_does_not_open_as_it_should_lets_current_flow(
    #[case] fault: Option<FaultKind>,
    #[case] expected: f64,
) {
    let mut world = world();
    world.apply(&Stimulus::Pv(Watts::ZERO)).expect("possible");
    world.apply(&Stimulus::AcLoad(Watts(2500.0))).expect("possible");
    run(&mut world, 10);
    if let Some(kind) = fault {
        inject(&mut world, kind, 200);
    }
    let amps = current(&mut world, 10);
    assert!(amps < -45.0, "{amps}");
    // Three seconds until the trip; the 60 s that are measured begin ten seconds after the cell went high.
    inject(&mut world, FaultKind::CellVoltage { by: Volts(0.5) }, 90);
    run(&mut world, 10);
    let flowed = current(&mut world, 60) * 60.0 / amps;
    assert!((flowed - expected).abs() < 2.0, "{flowed} s for {expected} s");
}

#[test]
fn a_contactor_that_opens_by_itself_comes_back() {
    let mut world = world();
    inject(&mut world, FaultKind::ContactorOpen {}, 30);
    run(&mut world, 1);
    assert!(current(&mut world, 28).abs() < 1e-9);
    run(&mut world, 60);
    assert!(current(&mut world, 10) > 45.0);
}

/// The battery's own voltage is far below what hangs on a cable that resists.
#[test]
fn a_cable_that_resists_drops_voltage() {
    let apart = |world: &mut World| {
        run(world, 20);
        shows(world, Channel::BusVoltage) - shows(world, Channel::GxPackVoltage)
    };
    let mut world = world();
    let before = apart(&mut world);
    inject(&mut world, FaultKind::CableResistance { by: Ohms(20e-3) }, 60);
    let dropped = apart(&mut world) - before;
    let amps = current(&mut world, 5);
    assert!((dropped - amps * 20e-3).abs() < 0.1, "{dropped} V at {amps} A");
    run(&mut world, 60);
    assert!((apart(&mut world) - before).abs() < 0.05);
}

#[test]
fn one_cell_that_resists_stands_out() {
    let spread = |world: &World| shows(world, Channel::GxMaxCell) - shows(world, Channel::GxMinCell);
    let mut world = world();
    let before = spread(&world);
    inject(&mut world, FaultKind::CellResistance { by: Percent(500.0) }, 300);
    run(&mut world, 200);
    let amps = current(&mut world, 10);
    // R0 and R1, six times 0.42 mΩ instead of once, and some of R2.
    let expected = amps * 5.0 * 0.42e-3;
    assert!((expected - 0.01..expected + 0.06).contains(&(spread(&world) - before)), "{}", spread(&world));
    run(&mut world, 200);
    assert!(spread(&world) - before < 0.03);
}

#[test]
fn the_room_cools_the_cells_and_lets_them_be_warm_again() {
    let coldest = |world: &mut World| {
        run(world, 5);
        Celsius(shows(world, Channel::GxMinCellTemperature))
    };
    let mut world = world();
    inject(&mut world, FaultKind::Ambient { at: Celsius(-10.0) }, 60);
    assert!(coldest(&mut world) < Celsius(-9.0));
    run(&mut world, 60);
    assert!(coldest(&mut world) > Celsius(22.0));
}

#[test]
fn a_supply_that_trips_gives_nothing_until_it_is_over() {
    let mut world = world();
    inject(&mut world, FaultKind::PsuTrip {}, 30);
    run(&mut world, 1);
    let said = world.psu().expect("it answers");
    assert!(!said.is(Channel::SupplyOutput) && solar(&world) == Amps::ZERO);
    assert_eq!(said.number(Channel::PvAvailable), Some(0.0));
    run(&mut world, 60);
    assert!(world.psu().expect("it answers").is(Channel::SupplyOutput) && solar(&world) > Amps(45.0));
}

#[test]
fn a_silent_supply_works_on() {
    let mut world = world();
    inject(&mut world, FaultKind::PsuSilent {}, 30);
    run(&mut world, 5);
    assert!(world.psu().is_none() && solar(&world) > Amps(45.0));
    run(&mut world, 30);
    assert!(world.psu().is_some());
}

#[test]
fn a_scan_takes_the_power_down_while_it_lasts() {
    let mut world = world();
    let before = solar(&world);
    inject(&mut world, FaultKind::TrackerScan {}, 5);
    run(&mut world, 2);
    assert!(solar(&world) < before * 0.5);
    run(&mut world, 10);
    assert!(solar(&world) > before * 0.95);
}

/// P 1.5.4: in an island a full battery with PV on the AC side is charged for seconds after a load is dropped.
#[test]
fn a_dropped_load_charges_on_until_the_pv_inverter_has_answered() {
    let mut world = world();
    world.apply(&Stimulus::Pv(Watts::ZERO)).expect("possible");
    world.apply(&Stimulus::AcLoad(Watts(3500.0))).expect("possible");
    world.apply(&Stimulus::AcPv(Watts(3500.0))).expect("possible");
    world.apply(&Stimulus::GxWrite { register: 2705, value: 10 }).expect("possible");
    run(&mut world, 120);
    let before = current(&mut world, 5);
    assert!(before.abs() < 12.0, "the sun carries the load: {before}");
    world.apply(&Stimulus::AcLoad(Watts::ZERO)).expect("possible");
    let (first, second) = (current(&mut world, 1), current(&mut world, 1));
    run(&mut world, 10);
    let later = current(&mut world, 5);
    assert!(first > 30.0 && second > 12.0, "{first}, then {second}");
    assert!(later < 11.0, "and what is allowed at last: {later}");
}
