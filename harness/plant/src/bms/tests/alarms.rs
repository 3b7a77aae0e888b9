//! Faults of the sensors: what the battery makes of them, says of them, and says no more when they are gone (P 5.3).

use proto::fault::{Fault, FaultKind};
use proto::message::{AlarmKind, Alarms, Message, Pair};
use proto::quantity::{Amps, Celsius, Micros, Percent, Volts};
use rstest::rstest;

use super::bench::{Bench, battery};

const SPAN: u64 = 30;

/// A reference that charges and discharges by day off-grid, into which a fault is injected after five minutes; it
/// has half an hour to come back.
fn with(kind: FaultKind) -> Bench {
    let mut bench = Bench::new(&battery("reference"), 80.0, 0.0);
    (bench.grid, bench.sun, bench.load) = (false, 40.0, 20.0);
    bench.run(300);
    bench.bms.inject(Micros::from_secs(300), Fault { kind, span: Micros::from_secs(SPAN) });
    bench.run(1800);
    bench
}

/// The messages sent while the fault lasts and its effect is there, and those of the last minute.
fn said<T>(bench: &Bench, of: fn(Message) -> Option<T>) -> (Vec<T>, Vec<T>) {
    let between = |from: u64, to: u64| {
        let span = Micros::from_secs(from)..Micros::from_secs(to);
        let sent = bench.frames.iter().filter(move |(at, _)| span.contains(at));
        sent.filter_map(|(_, frame)| Message::decode(frame)).filter_map(of).collect()
    };
    (between(315, 300 + SPAN), between(2040, 2100))
}

fn alarms(message: Message) -> Option<Alarms> {
    if let Message::Alarms(alarms) = message { Some(alarms) } else { None }
}

#[rstest]
#[case(FaultKind::CellVoltage { by: Volts(0.5) }, AlarmKind::HighVoltage)]
#[case(FaultKind::CellVoltage { by: Volts(-1.0) }, AlarmKind::LowVoltage)]
#[case(FaultKind::CellVoltage { by: Volts(0.55) }, AlarmKind::CellImbalance)]
#[case(FaultKind::Current { by: Amps(300.0) }, AlarmKind::HighChargeCurrent)]
#[case(FaultKind::Current { by: Amps(-300.0) }, AlarmKind::HighCurrent)]
#[case(FaultKind::Temperature { by: Celsius(40.0) }, AlarmKind::HighTemperature)]
#[case(FaultKind::Temperature { by: Celsius(40.0) }, AlarmKind::HighTemperatureCharge)]
#[case(FaultKind::Temperature { by: Celsius(-50.0) }, AlarmKind::LowTemperature)]
#[case(FaultKind::Temperature { by: Celsius(-30.0) }, AlarmKind::LowTemperatureCharge)]
#[case(FaultKind::Temperature { by: Celsius(-150.0) }, AlarmKind::BmsInternal)]
#[case(FaultKind::TemperatureOpen {}, AlarmKind::BmsInternal)]
#[case(FaultKind::TemperatureShort {}, AlarmKind::BmsInternal)]
#[case(FaultKind::Internal {}, AlarmKind::BmsInternal)]
#[case(FaultKind::ShortCircuit {}, AlarmKind::ShortCircuit)]
fn an_alarm_is_raised_while_its_fault_is_there_and_cleared_after(
    #[case] fault: FaultKind,
    #[case] kind: AlarmKind,
) {
    let bench = with(fault);
    let (during, after) = said(&bench, alarms);
    assert!(during.len() >= 14 && during.iter().all(|a| a.alarm(kind) == Pair::Active), "{during:?}");
    assert!(after.len() >= 59 && after.iter().all(|a| !a.any_alarm() && !a.any_warning()), "{after:?}");
    assert!(after.iter().all(|a| a.alarm(kind) == Pair::Ok && a.system_status() == Pair::Ok));
    assert!(bench.last(60).iter().all(|p| p.closed && p.ccl > 0.0 && p.dcl > 0.0), "it works again");
}

#[rstest]
#[case(FaultKind::CellVoltage { by: Volts(0.32) }, AlarmKind::HighVoltage)]
#[case(FaultKind::CellVoltage { by: Volts(-0.6) }, AlarmKind::LowVoltage)]
#[case(FaultKind::CellVoltage { by: Volts(0.32) }, AlarmKind::CellImbalance)]
#[case(FaultKind::Current { by: Amps(130.0) }, AlarmKind::HighChargeCurrent)]
#[case(FaultKind::Current { by: Amps(-230.0) }, AlarmKind::HighCurrent)]
#[case(FaultKind::Temperature { by: Celsius(31.0) }, AlarmKind::HighTemperature)]
#[case(FaultKind::Temperature { by: Celsius(31.0) }, AlarmKind::HighTemperatureCharge)]
#[case(FaultKind::Temperature { by: Celsius(-36.0) }, AlarmKind::LowTemperature)]
#[case(FaultKind::Temperature { by: Celsius(-20.0) }, AlarmKind::LowTemperatureCharge)]
#[case(FaultKind::PackVoltage { by: Volts(3.0) }, AlarmKind::BmsInternal)]
fn a_warning_comes_before_and_opens_nothing(#[case] fault: FaultKind, #[case] kind: AlarmKind) {
    let bench = with(fault);
    let (during, after) = said(&bench, alarms);
    let warns = |a: &Alarms| a.warning(kind) == Pair::Active && a.alarm(kind) == Pair::Ok;
    assert!(during.len() >= 14 && during.iter().all(warns), "{during:?}");
    assert!(!after.is_empty() && after.iter().all(|a| a.warning(kind) == Pair::Ok));
    assert!(bench.trace.iter().all(|p| p.closed));
}

/// Two instruments differ by some tenths of a volt, and a shunt by some percent: no battery can know.
#[rstest]
#[case(FaultKind::PackVoltage { by: Volts(0.5) })]
#[case(FaultKind::CurrentGain { by: Percent(-3.0) })]
#[case(FaultKind::ShuntReversed {})]
#[case(FaultKind::CellStuck {})]
fn what_cannot_be_seen_is_not_said(#[case] fault: FaultKind) {
    let (during, _) = said(&with(fault), alarms);
    assert!(!during.is_empty() && during.iter().all(|a| !a.any_alarm() && !a.any_warning()));
}

#[rstest]
#[case(FaultKind::CurrentGain { by: Percent(50.0) }, 1.5)]
#[case(FaultKind::ShuntReversed {}, -1.0)]
fn an_ammeter_that_is_wrong_reads_wrong(#[case] fault: FaultKind, #[case] factor: f64) {
    let amps = |message| match message {
        Message::Measurements(m) => m.current(),
        _ => None,
    };
    let (during, after) = said(&with(fault), amps);
    let (wrong, right) = (during.last().expect("sent").0, after.last().expect("sent").0);
    assert!(right > 5.0 && (wrong / right - factor).abs() < 0.1, "{wrong} A, then {right} A");
}

#[test]
fn a_reading_that_stands_still_does_so_while_its_cell_moves_on() {
    let lowest = |message| match message {
        Message::Cells(m) => m.min_cell,
        _ => None,
    };
    let mut bench = Bench::new(&battery("reference"), 80.0, 0.0);
    (bench.grid, bench.load) = (false, 20.0);
    bench.run(300);
    let stuck = Fault { kind: FaultKind::CellStuck {}, span: Micros::from_secs(60) };
    bench.bms.inject(Micros::from_secs(300), stuck);
    bench.load = 0.0;
    bench.run(60);
    let within = bench.frames.iter().filter(|(at, _)| *at > Micros::from_secs(315));
    let seen: Vec<_> = within.filter_map(|(_, f)| Message::decode(f)).filter_map(lowest).collect();
    assert!(seen.len() > 40 && seen.iter().all(|v| *v == seen[0]), "the one that does not recover: {seen:?}");
}

/// One sensor of two that fails is told, and the other speaks for both.
#[rstest]
#[case(FaultKind::TemperatureOpen {})]
#[case(FaultKind::TemperatureShort {})]
fn a_sensor_that_reads_what_cannot_be_is_not_believed(#[case] fault: FaultKind) {
    let temperatures = |message| match message {
        Message::Cells(m) => Some((m.min_temperature, m.max_temperature)),
        _ => None,
    };
    let bench = with(fault);
    let (during, after) = said(&bench, temperatures);
    assert!(!during.is_empty() && during.iter().all(|t| *t == (Some(299), Some(299))), "{during:?}");
    assert!(after.iter().all(|t| *t == (Some(297), Some(299))));
    assert!(bench.trace.iter().all(|p| p.closed));
}
