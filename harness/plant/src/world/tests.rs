//! Time, frames and stimuli. What a test of the electrics needs stands with the site.

use proto::channel::{Block, Channel, Source};
use proto::fault::{Fault, FaultKind};
use proto::frame::CanId;
use proto::message::{Message, id};
use proto::samples::Value;
use rstest::rstest;

use super::*;
use crate::bms::BmsParams;

#[derive(serde::Deserialize)]
struct File {
    simulated: BmsParams,
}

fn reference() -> BmsParams {
    let text = include_str!("../../../../rigs/batteries/reference.yaml");
    serde_yaml::from_str::<File>(text).expect("the reference battery").simulated
}

pub(in crate::world) fn start() -> Start {
    Start { soc: Percent(97.0), pv: Watts(3000.0), ac_load: Watts(500.0), ..Start::AT_REST }
}

pub(in crate::world) fn world(start: &Start, seed: u64) -> World {
    world_of(&Params::default(), start, seed)
}

fn world_of(params: &Params, start: &Start, seed: u64) -> World {
    let size = PackSize { cells: 16, capacity: AmpHours(280.0) };
    World::new(params, &reference(), &size, start, seed).expect("a model starts")
}

/// Every frame until a time, with its time.
fn frames(world: &mut World, until: Micros) -> Vec<(Micros, Frame)> {
    let mut all = Vec::new();
    while let Some(Heard::Frame(frame)) = world.advance(until).expect("a model goes on") {
        all.push((world.now(), frame));
    }
    assert_eq!(world.now(), until);
    all
}

fn of(all: &[(Micros, Frame)], id: u16) -> Vec<(Micros, Frame)> {
    all.iter().filter(|(_, f)| f.id() == CanId::Standard(id)).copied().collect()
}

const TEN_MINUTES: Micros = Micros::from_secs(600);

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let run = |seed| frames(&mut world(&start(), seed), TEN_MINUTES);
    let first = run(1);
    assert_eq!(first, run(1));
    let other = run(2);
    assert_ne!(of(&first, id::MEASUREMENTS), of(&other, id::MEASUREMENTS));
    assert_ne!(of(&first, id::KEEP_ALIVE)[0].0, of(&other, id::KEEP_ALIVE)[0].0);
}

/// However a bench slices time, the world does the same.
#[test]
fn the_steps_of_the_bench_do_not_matter() {
    let mut sliced = world(&start(), 1);
    let mut all = Vec::new();
    for i in 1..=60_000 / 37 {
        all.extend(frames(&mut sliced, Micros::from_millis(i * 37)));
    }
    let end = sliced.now();
    assert_eq!(all, frames(&mut world(&start(), 1), end));
}

/// P 3: 0x305 with eight zero bytes and 0x307 with `VIC`, every second.
#[test]
fn the_gx_keeps_the_battery_alive() {
    let all = frames(&mut world(&start(), 1), TEN_MINUTES);
    assert!(all.windows(2).all(|w| w[0].0 <= w[1].0));
    for (id, text) in
        [(id::KEEP_ALIVE, "305#0000000000000000"), (id::INVERTER_IDENTITY, "307#1234567856494300")]
    {
        let seen = of(&all, id);
        assert_eq!(seen.len(), 600);
        assert!(seen.windows(2).all(|w| w[1].0.since(w[0].0) == Micros::from_secs(1)));
        assert_eq!(seen[0].1.to_string(), text);
    }
}

/// Silence keeps frames from their receivers and from the bench; afterwards they are back.
#[rstest]
#[case::limits(id::LIMITS)]
#[case::keep_alive(id::KEEP_ALIVE)]
fn silence_passes(#[case] id: u16) {
    let mut w = world(&start(), 1);
    let minute = Micros::from_secs(60);
    assert!(of(&frames(&mut w, minute), id).len() >= 59);
    w.apply(&Stimulus::Silence { id, span: minute }).expect("possible");
    assert!(of(&frames(&mut w, minute * 2), id).is_empty());
    assert_eq!(w.gx().is(Channel::InverterRunning), id == id::KEEP_ALIVE);
    assert!(of(&frames(&mut w, minute * 3), id).len() >= 59);
    assert!(w.gx().is(Channel::InverterRunning));
}

/// Exception 10 on the battery's unit after all of it is silent; the system block goes on.
#[test]
fn a_battery_that_says_nothing_leaves_the_gx() {
    let mut w = world(&start(), 1);
    let mut ids = std::collections::BTreeSet::new();
    for (_, frame) in frames(&mut w, Micros::from_secs(60)) {
        if let CanId::Standard(id) = frame.id() {
            ids.insert(id);
        }
    }
    assert!(w.gx().tells(Source::Gx(Block::Battery)));
    for id in ids {
        w.apply(&Stimulus::Silence { id, span: TEN_MINUTES }).expect("possible");
    }
    assert!(frames(&mut w, Micros::from_secs(75)).is_empty());
    assert!(!w.gx().tells(Source::Gx(Block::Battery)) && w.gx().tells(Source::Gx(Block::System)));
}

/// What the GX shows is what the battery said.
#[test]
fn the_gx_shows_the_battery() {
    let mut w = world(&start(), 1);
    let all = frames(&mut w, Micros::from_secs(120));
    let limits = of(&all, id::LIMITS).last().copied().expect("sent");
    let Some(Message::Limits(limits)) = Message::decode(&limits.1) else { panic!("limits") };
    let shows = |channel| w.gx().number(channel).expect("told");
    assert_eq!(limits.cvl(), Some(Volts(shows(Channel::GxCvl))));
    assert!(shows(Channel::GxSoc) >= 96.0, "{:?}", w.gx());
    assert_eq!(w.gx().get(Channel::GxCapacity), Some(Value::Number(280.0)));
    let (battery, dc) = (shows(Channel::GxPackVoltage), shows(Channel::BusVoltage));
    assert!((battery - dc).abs() < 0.6, "{battery} and {dc}");
}

/// BEH-FI in small: full, it feeds in at its own CVL and nothing trips.
#[test]
fn a_full_battery_feeds_in() {
    let mut w = world(&start(), 1);
    frames(&mut w, Micros::from_secs(3600));
    let gx = w.gx();
    let shows = |channel| gx.number(channel).expect("told");
    assert!((shows(Channel::BusVoltage) - shows(Channel::GxCvl)).abs() < 0.1, "{gx:?}");
    assert!(shows(Channel::GridPower) < -2000.0, "{gx:?}");
    assert_eq!(gx.get(Channel::GxAlarms), Some(Value::Word(0)));
}

/// An injected over-voltage opens the contactor: no current, no loads in an island.
#[test]
fn a_trip_disconnects() {
    let mut w = world(&Start { grid: false, soc: Percent(80.0), ..start() }, 1);
    frames(&mut w, Micros::from_secs(60));
    assert!(w.gx().is(Channel::InverterRunning));
    let fault = Fault { kind: FaultKind::CellVoltage { by: Volts(0.5) }, span: Micros::from_secs(20) };
    w.apply(&Stimulus::Inject(fault)).expect("possible");
    frames(&mut w, Micros::from_secs(75));
    let gx = w.gx();
    assert!(!gx.is(Channel::InverterRunning));
    assert_eq!(gx.get(Channel::SolarCurrent), Some(Value::Number(0.0)));
}

/// The times at which 0x305 was on the bus.
fn kept_alive(w: &mut World, until: Micros) -> Vec<f64> {
    let mut heard = Vec::new();
    while let Some(frame) = w.advance(until).expect("it goes on") {
        if matches!(frame, Heard::Frame(frame) if frame.id() == CanId::Standard(id::KEEP_ALIVE)) {
            heard.push(w.now().secs());
        }
    }
    heard
}

/// A GX that runs from the DC bus goes with it and has to boot; one with a supply of its own, or an inverter with mains,
/// stays.
#[rstest]
#[case::from_the_bus(8.0, false, true)]
#[case::own_supply(0.0, false, false)]
#[case::on_the_mains(8.0, true, false)]
fn a_gx_dies_with_the_bus_that_feeds_it(#[case] runs_from: f64, #[case] grid: bool, #[case] dies: bool) {
    let mut params = Params::default();
    params.gx.runs_from = Volts(runs_from);
    let start = Start { grid, soc: Percent(80.0), ..start() };
    let mut w = world_of(&params, &start, 1);
    let trip = FaultKind::CellVoltage { by: Volts(0.5) };
    assert_eq!(kept_alive(&mut w, Micros::from_secs(60)).len(), 60);
    w.apply(&Stimulus::Inject(Fault { kind: trip, span: Micros::from_secs(20) })).expect("possible");
    let heard = kept_alive(&mut w, Micros::from_secs(3600));
    let gap = heard.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max);
    // The bus is dead while the cells are held to be too high, less what the battery takes to act; then it boots.
    assert_eq!(gap > 10.0 + params.gx.boot.secs(), dies, "{gap} s without 0x305");
    assert!(w.gx().is(Channel::InverterRunning), "all is as before");
}

#[rstest]
#[case(22, 40)]
#[case(2700, 100)]
#[case(2705, 50)]
#[case(2705, 0xFFFF)]
#[case(2707, 0)]
#[case(2710, 550)]
#[case(2901, 200)]
fn known_registers_are_taken(#[case] register: u16, #[case] value: u16) {
    assert_eq!(world(&start(), 1).apply(&Stimulus::GxWrite { register, value }), Ok(()));
}

/// Registers 22, 2707 and 2710 show at once, or in what the system does.
#[test]
fn registers_do_what_they_say() {
    let mut w = world(&start(), 1);
    let mut write = |register, value| w.apply(&Stimulus::GxWrite { register, value }).expect("known");
    write(22, 40);
    write(2710, 530);
    frames(&mut w, TEN_MINUTES);
    let gx = w.gx();
    let grid = |w: &World| w.gx().number(Channel::GridPower).expect("told");
    assert_eq!(gx.get(Channel::InputCurrentLimit), Some(Value::Number(4.0)));
    let dc = gx.number(Channel::BusVoltage).expect("told");
    assert!((dc - 53.4).abs() < 0.1, "the user's limit holds, exceeded by 0.4 V for the input limit: {dc}");
    assert!(grid(&w) >= -925.0);
    w.apply(&Stimulus::GxWrite { register: 2707, value: 0 }).expect("known");
    frames(&mut w, TEN_MINUTES * 2);
    assert!(!w.gx().is(Channel::FeedIn));
    assert!(grid(&w) >= 0.0, "{:?}", w.gx());
}

#[test]
fn what_the_rig_cannot_do_is_refused() {
    let mut w = world(&start(), 1);
    let error = w.apply(&Stimulus::GxWrite { register: 806, value: 1 }).expect_err("unknown").to_string();
    assert!(error.contains("806") && error.contains("2710"), "{error}");
    let error = w.apply(&Stimulus::Pv(Watts(9000.0))).expect_err("too much").to_string();
    assert!(error.contains("9000 W") && error.contains("7200 W"), "{error}");
    assert!(w.apply(&Stimulus::Pv(Watts(-1.0))).is_err());
    assert!(w.apply(&Stimulus::AcLoad(Watts(f64::NAN))).is_err());
    assert!(w.apply(&Stimulus::Imbalance(Percent(-1.0))).is_err());
}

/// 1 to 256 cells.
#[rstest]
#[case(1)]
#[case(8)]
#[case(256)]
fn any_number_of_cells(#[case] cells: usize) {
    let size = PackSize { cells, capacity: AmpHours(100.0) };
    let still = Start {
        pv: Watts::ZERO,
        ac_pv: Watts::ZERO,
        ac_load: Watts::ZERO,
        soc: Percent(50.0),
        imbalance: Percent(1.0),
        ..start()
    };
    let mut w = World::new(&Params::default(), &reference(), &size, &still, 1).expect("a model starts");
    frames(&mut w, Micros::from_secs(10));
    let cell = w.gx().number(Channel::GxMinCell).expect("told");
    assert!((cell - 3.265).abs() < 0.03, "{cell}");
}
