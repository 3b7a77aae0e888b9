//! Every limit trips just above itself and not at it.

mod age;
mod apart;
mod fake;
mod still;

use proto::fault::{Fault, FaultKind, Id};
use proto::message::{Cells, Limits, Measurements, Pair, id};
use proto::quantity::{Amps, Celsius, Percent, Volts};
use rstest::rstest;

use super::*;

/// Limits of a bench with a 16-cell LFP battery.
const LIMITS: &str = "
battery.cvl: { silence: 10 s }
gx.answer: { silence: 30 s }
battery.voltage: { at-most: 58.4 V, at-least: 40 V }
battery.current: { at-most: 150 A, at-least: -200 A }
battery.temperature: { at-most: 55 °C, at-least: -10 °C }
battery.highest-cell: { at-most: 3.70 V }
battery.lowest-cell: { at-least: 2.40 V }
inverter.dc-voltage: { at-most: 62 V }
supply.voltage: { at-most: 160 V }
supply.current: { at-most: 60 A }
pv-power-max: 6 kW
ac-load-max: 4 kW
input-current-limit-max: 32 A
energised-max: 1 h
";

pub(crate) fn limits() -> RigLimits {
    crate::yaml::parse("limits.yaml", LIMITS).unwrap_or_else(|e| panic!("{e}"))
}

/// The same with another limit of one quantity.
pub(crate) fn with_limit(channel: Channel, change: impl Fn(&mut Limit)) -> RigLimits {
    let mut limits = limits();
    change(limits.rows.entry(channel).or_default());
    limits
}

/// No reading is waited for but 0x351, and the GX where there is one.
pub(crate) fn bare(gx: bool) -> Instruments {
    let unwatched = Unwatched::read(Unwatched::names()).expect("its own names");
    Instruments { gx, inverter: gx, solar: false, supply: None, cells: true, unwatched }
}

fn measured(voltage: f64, current: f64, temperature: f64) -> Input {
    let message = Measurements::new(Volts(voltage), Amps(current), Celsius(temperature));
    Input::Can(Message::from(message).encode())
}

fn cells(min: f64, max: f64, coldest: f64, hottest: f64) -> Input {
    let message = Cells::new(Volts(min), Volts(max), Celsius(coldest), Celsius(hottest));
    Input::Can(Message::from(message).encode())
}

fn limits_frame() -> Input {
    Input::Can(Message::from(Limits::new(Volts(56.0), Amps(100.0), Amps(100.0), Volts(44.0))).encode())
}

fn psu(voltage: f64, current: f64) -> Input {
    supply(true, voltage, current, 0.0)
}

fn supply(output: bool, voltage: f64, current: f64, available: f64) -> Input {
    let said = Samples::new(Instrument::Supply)
        .with(Channel::SupplyOutput, f64::from(u8::from(output)))
        .with(Channel::SupplyVoltage, voltage)
        .with(Channel::SupplyCurrent, current)
        .with(Channel::PvAvailable, available);
    Input::Samples(said)
}

fn gx(told: &[(Channel, f64)]) -> Input {
    Input::Samples(told.iter().fold(Samples::new(Instrument::Gx), |said, &(of, value)| said.with(of, value)))
}

/// A supply that is read once a second, and when it trips.
#[rstest]
#[case::gives_what_it_is_set_to(true, 3000.0, 3300.0, None)]
#[case::gives_more(true, 3000.0, 3310.0, Some((11, "power of the supply beyond its setting", "310.000 W", "300.000 W")))]
#[case::takes_less(true, 3000.0, 0.0, Some((3601, "time with the output on", "1:00:01", "1:00:00")))]
#[case::gives_while_off(false, 3000.0, 400.0, Some((11, "power of the supply beyond its setting", "400.000 W", "300.000 W")))]
#[case::is_off(false, 0.0, 0.0, None)]
fn a_supply_is_held_to_its_setting(
    #[case] output: bool,
    #[case] available: f64,
    #[case] given: f64,
    #[case] trips: Option<(u64, &str, &str, &str)>,
) {
    let mut interlocks = Interlocks::new(limits(), bare(false), Micros::ZERO);
    let reading = supply(output, 100.0, given / 100.0, available);
    let most = if trips.is_some() { 4000 } else { 3600 };
    let tripped = (0..=most).find_map(|secs| {
        interlocks.check(Micros::from_secs(secs), &limits_frame());
        interlocks.check(Micros::from_secs(secs), &reading).map(|trip| (secs, trip))
    });
    let tripped =
        tripped.as_ref().map(|(secs, trip)| (*secs, trip.what, trip.value.as_str(), trip.limit.as_str()));
    assert_eq!(tripped, trips);
}

/// The time of a break does not count, and a moment is no deviation.
#[test]
fn a_break_starts_both_clocks_again() {
    let mut interlocks = Interlocks::new(limits(), bare(false), Micros::ZERO);
    for secs in 0..=8000 {
        let on = secs % 3000 != 0;
        let current = if secs % 10 == 0 { 10.0 } else { 35.0 };
        let reading = if on { supply(on, 100.0, current, 3000.0) } else { supply(on, 0.0, 0.0, 0.0) };
        interlocks.check(Micros::from_secs(secs), &limits_frame());
        assert_eq!(interlocks.check(Micros::from_secs(secs), &reading), None, "{secs}");
    }
}

fn bus(dc_voltage: f64) -> Input {
    gx(&[(Channel::BusVoltage, dc_voltage), (Channel::InverterCurrent, 0.0)])
}

/// A reboot that the suite makes may last as long as it does; the clock starts again when it is over.
#[test]
fn a_gx_that_reboots_may_be_silent() {
    let mut interlocks = Interlocks::new(limits(), bare(true), Micros::ZERO);
    let fault = Fault { kind: FaultKind::GxReboot {}, span: Micros::from_secs(120) };
    interlocks.stimulus(Micros::ZERO, &Stimulus::Inject(fault));
    let mut at = |secs: u64| {
        interlocks.check(Micros::from_secs(secs), &limits_frame());
        interlocks.check(Micros::from_secs(secs), &gx(&[])).map(|trip| trip.what)
    };
    assert!((1..=150).all(|secs| at(secs).is_none()));
    assert_eq!(at(151), Some("time without an answer of the GX"));
}

#[rstest]
#[case(measured(58.40, 0.0, 25.0), measured(58.41, 0.0, 25.0), "pack voltage", "58.410 V", "58.400 V")]
#[case(measured(40.00, 0.0, 25.0), measured(39.99, 0.0, 25.0), "pack voltage", "39.990 V", "40.000 V")]
#[case(measured(52.0, 150.0, 25.0), measured(52.0, 150.1, 25.0), "charge current", "150.100 A", "150.000 A")]
#[case(measured(52.0, -200.0, 25.0), measured(52.0, -200.1, 25.0), "discharge current", "200.100 A", "200.000 A")]
#[case(measured(52.0, 0.0, 55.0), measured(52.0, 0.0, 55.1), "temperature", "55.100 °C", "55.000 °C")]
#[case(measured(52.0, 0.0, -10.0), measured(52.0, 0.0, -10.1), "temperature", "-10.100 °C", "-10.000 °C")]
#[case(cells(3.3, 3.70, 20.0, 25.0), cells(3.3, 3.701, 20.0, 25.0), "highest cell", "3.701 V", "3.700 V")]
#[case(cells(2.40, 3.3, 20.0, 25.0), cells(2.399, 3.3, 20.0, 25.0), "lowest cell", "2.399 V", "2.400 V")]
#[case(cells(3.3, 3.3, 20.0, 54.0), cells(3.3, 3.3, 20.0, 56.85), "temperature", "56.850 °C", "55.000 °C")]
#[case(cells(3.3, 3.3, -9.15, 20.0), cells(3.3, 3.3, -11.15, 20.0), "temperature", "-11.150 °C", "-10.000 °C")]
#[case(psu(160.0, 0.0), psu(160.1, 0.0), "output voltage of the supply", "160.100 V", "160.000 V")]
#[case(psu(100.0, 60.0), psu(100.0, 60.5), "output current of the supply", "60.500 A", "60.000 A")]
#[case(bus(62.0), bus(62.1), "DC voltage at the inverter", "62.100 V", "62.000 V")]
fn trips_above_and_not_at(
    #[case] at: Input,
    #[case] beyond: Input,
    #[case] what: &str,
    #[case] value: &str,
    #[case] limit: &str,
) {
    let mut interlocks = Interlocks::new(limits(), bare(true), Micros::ZERO);
    assert_eq!(interlocks.check(Micros(1), &at), None);
    let trip = interlocks.check(Micros(2), &beyond).expect("trips");
    assert_eq!((trip.what, trip.value.as_str(), trip.limit.as_str()), (what, value, limit));
}

/// 0x373 of a battery that measures no cells (P 2: 0x0000 and 0xFFFF are "not supported"), and short frames.
#[rstest]
#[case(&[0, 0, 0, 0, 0, 0, 0, 0])]
#[case(&[0xFF; 8])]
#[case(&[0x10, 0x0E, 0x74, 0x0E])]
#[case(&[])]
fn unsupported_fields_trip_nothing(#[case] data: &[u8]) {
    let mut interlocks = Interlocks::new(limits(), bare(false), Micros::ZERO);
    assert_eq!(interlocks.check(Micros(1), &Input::Can(Frame::standard(id::CELLS, data))), None);
}

#[test]
fn silence_of_0x351_trips_after_its_limit_and_other_frames_do_not_help() {
    let mut interlocks = Interlocks::new(limits(), bare(false), Micros::ZERO);
    assert_eq!(interlocks.check(Micros::from_secs(5), &limits_frame()), None);
    assert_eq!(interlocks.deadline(), Some(Micros(15_000_001)));
    assert_eq!(interlocks.check(Micros::from_secs(15), &measured(52.0, 0.0, 25.0)), None);
    let trip = interlocks.check(Micros(15_000_001), &Input::Tick).expect("trips");
    assert_eq!(trip.what, "time without 0x351");
}

#[test]
fn silence_of_the_gx_trips_only_where_there_is_one() {
    let mut without = Interlocks::new(limits(), bare(false), Micros::ZERO);
    let mut with = Interlocks::new(limits(), bare(true), Micros::ZERO);
    for second in 1..=30 {
        assert_eq!(with.check(Micros::from_secs(second), &limits_frame()), None);
        assert_eq!(without.check(Micros::from_secs(second), &limits_frame()), None);
    }
    assert_eq!(with.deadline(), Some(Micros(30_000_001)));
    assert_eq!(without.check(Micros::from_secs(31), &limits_frame()), None);
    let trip = with.check(Micros::from_secs(31), &limits_frame()).expect("trips");
    assert_eq!(trip.what, "time without an answer of the GX");
}

#[test]
fn a_poll_without_any_answer_counts_as_silence_of_the_gx() {
    let mut interlocks = Interlocks::new(limits(), bare(true), Micros::ZERO);
    let deaf = gx(&[]);
    for second in 1..=30 {
        assert_eq!(interlocks.check(Micros::from_secs(second), &limits_frame()), None);
        assert_eq!(interlocks.check(Micros::from_secs(second), &deaf), None);
    }
    assert_eq!(
        interlocks.check(Micros::from_secs(31), &deaf).map(|t| t.what),
        Some("time without an answer of the GX")
    );
}

#[test]
fn a_value_that_is_not_a_number_trips() {
    let mut interlocks = Interlocks::new(limits(), bare(false), Micros::ZERO);
    assert!(interlocks.check(Micros::ZERO, &supply(false, f64::NAN, 0.0, 0.0)).is_some());
}

#[test]
fn a_commanded_silence_does_not_trip_and_its_end_is_watched() {
    let mut interlocks = Interlocks::new(limits(), bare(false), Micros::ZERO);
    let span = Micros::from_secs(20);
    interlocks.stimulus(Micros::from_secs(5), &Stimulus::Silence { id: id::LIMITS, span });
    assert_eq!(interlocks.check(Micros::from_secs(25), &Input::Tick), None);
    assert_eq!(interlocks.check(Micros::from_secs(35), &Input::Tick), None);
    assert!(interlocks.check(Micros::from_secs(36), &Input::Tick).is_some());
}

#[test]
fn the_silence_of_another_id_suspends_nothing() {
    let mut interlocks = Interlocks::new(limits(), bare(false), Micros::ZERO);
    let span = Micros::from_secs(60);
    interlocks.stimulus(Micros::ZERO, &Stimulus::Silence { id: id::KEEP_ALIVE, span });
    assert!(interlocks.check(Micros::from_secs(11), &Input::Tick).is_some());
}

/// A step that waits for it lifts the limit for the time that the rig allows, and 10 s for what echoes; not for ever.
#[test]
fn a_battery_expected_offline_may_be_silent_for_a_time_or_until_it_is_heard_again() {
    let mut interlocks = Interlocks::new(limits(), bare(false), Micros::ZERO);
    interlocks.expect_offline(true);
    assert_eq!(interlocks.check(Micros::from_secs(60), &Input::Tick), None);
    interlocks.expect_offline(false);
    assert_eq!(
        interlocks.check(Micros::from_secs(320), &Input::Tick),
        None,
        "it went silent while expected to"
    );
    let never_back = interlocks.clone().check(Micros(320_000_001), &Input::Tick).expect("trips");
    assert_eq!(never_back.what, "time without 0x351");
    assert_eq!(interlocks.check(Micros::from_secs(320), &limits_frame()), None);
    assert!(interlocks.check(Micros::from_secs(331), &Input::Tick).is_some(), "back, it is watched again");
}

/// The battery is made to see 300 mV and 400 A too much: what it then reports is not what the cells have.
#[test]
fn an_injected_fault_widens_its_own_limit_for_its_time() {
    let mut interlocks = Interlocks::new(limits(), bare(false), Micros::ZERO);
    let span = Micros::from_secs(5);
    let by = Volts(0.3);
    interlocks.stimulus(Micros::ZERO, &Stimulus::Inject(Fault { kind: FaultKind::CellVoltage { by }, span }));
    assert_eq!(interlocks.check(Micros::from_secs(4), &cells(3.3, 3.95, 20.0, 25.0)), None);
    assert!(interlocks.check(Micros::from_secs(4), &cells(3.3, 4.01, 20.0, 25.0)).is_some());
    assert!(interlocks.check(Micros::from_secs(4), &cells(2.3, 3.5, 20.0, 25.0)).is_some());
    assert!(interlocks.check(Micros::from_secs(16), &cells(3.3, 3.95, 20.0, 25.0)).is_some());
    let by = Amps(400.0);
    interlocks
        .stimulus(Micros::from_secs(20), &Stimulus::Inject(Fault { kind: FaultKind::Current { by }, span }));
    let seen = |current| measured(52.0, current, 25.0);
    interlocks.check(Micros::from_secs(20), &limits_frame());
    assert_eq!(interlocks.check(Micros::from_secs(24), &seen(-590.0)), None);
    assert!(interlocks.check(Micros::from_secs(24), &seen(-601.0)).is_some());
    interlocks.check(Micros::from_secs(30), &limits_frame());
    assert!(interlocks.check(Micros::from_secs(36), &seen(-590.0)).is_some());
}

/// A GX that has lost its inverter still answers: that must not hide a silent battery.
#[test]
fn a_poll_without_an_inverter_does_not_hide_silence() {
    let mut interlocks = Interlocks::new(limits(), bare(true), Micros::ZERO);
    let trip = interlocks.check(Micros::from_secs(11), &gx(&[])).expect("trips");
    assert_eq!(trip.what, "time without 0x351");
}

/// What a fault makes the battery report, or keeps from being heard, does not trip; the same without it does.
#[rstest]
#[case(FaultKind::Temperature { by: Celsius(45.0) }, measured(52.0, 0.0, 70.0))]
#[case(FaultKind::Temperature { by: Celsius(-50.0) }, measured(52.0, 0.0, -25.0))]
#[case(FaultKind::TemperatureOpen {}, measured(52.0, 0.0, -60.0))]
#[case(FaultKind::PackVoltage { by: Volts(-20.0) }, measured(33.0, 0.0, 25.0))]
#[case(FaultKind::CurrentGain { by: Percent(50.0) }, measured(52.0, 240.0, 25.0))]
#[case(FaultKind::Garble { id: Id(0x356) }, measured(327.0, 3000.0, 500.0))]
fn what_a_fault_shows_is_not_what_is(#[case] kind: FaultKind, #[case] reported: Input) {
    let span = Micros::from_secs(5);
    let mut interlocks = Interlocks::new(limits(), bare(false), Micros::ZERO);
    assert!(interlocks.check(Micros::ZERO, &reported).is_some());
    interlocks.stimulus(Micros::ZERO, &Stimulus::Inject(Fault { kind, span }));
    assert_eq!(interlocks.check(Micros::from_secs(4), &reported), None);
    interlocks.check(Micros::from_secs(16), &limits_frame());
    assert!(interlocks.check(Micros::from_secs(16), &reported).is_some(), "over");
}

#[rstest]
#[case(FaultKind::WireCut {})]
#[case(FaultKind::BusOff {})]
#[case(FaultKind::FrameLoss { share: Percent(100.0), id: None })]
#[case(FaultKind::FrameLoss { share: Percent(100.0), id: Some(Id(0x351)) })]
fn a_silence_that_the_rig_makes_is_none_of_the_battery(#[case] kind: FaultKind) {
    let mut interlocks = Interlocks::new(limits(), bare(false), Micros::ZERO);
    let span = Micros::from_secs(30);
    interlocks.stimulus(Micros::ZERO, &Stimulus::Inject(Fault { kind, span }));
    assert_eq!(interlocks.check(Micros::from_secs(39), &Input::Tick), None);
    assert!(interlocks.check(Micros::from_secs(41), &Input::Tick).is_some(), "it must be back by then");
}
