//! Staged faults and the alarms that answer them, rightly and wrongly.

use super::super::staged::{Stage, good};
use super::*;
use crate::verdict::Outcome::{self, Fail, Inconclusive, Pass};
use proto::quantity::{Amps, Celsius, Volts};
use rstest::rstest;

const AT: u64 = 1000;
const CELL_HIGH: FaultKind = FaultKind::CellVoltage { by: Volts(0.5) };

fn mask(kind: AlarmKind) -> f64 {
    f64::from(1u32 << kind as u32)
}

/// A fault of 60 s, and what the battery raises until 5 minutes after it.
fn faulty(kind: FaultKind, alarm: Option<AlarmKind>, warning: Option<AlarmKind>) -> Stage {
    let raised = |t: u64, kind: Option<AlarmKind>, late: u64| {
        let on = (AT + 3 + late..AT + 360 + late).contains(&t);
        kind.filter(|_| on).map_or(0.0, mask)
    };
    let lasts = |t: u64| (AT..AT + 60).contains(&t);
    let moved = move |by: f64| move |t: u64, v: f64| if lasts(t) { v + by } else { v };
    let stage = match kind {
        FaultKind::CellVoltage { by } if by.0 > 0.0 => good().shaped(Channel::MaxCell, moved(by.0)),
        FaultKind::CellVoltage { by } => good().shaped(Channel::MinCell, moved(by.0)),
        FaultKind::Current { by } => good().shaped(Channel::PackCurrent, moved(by.0)),
        FaultKind::Temperature { by } => {
            let both = [Channel::MinCellTemperature, Channel::MaxCellTemperature];
            both.into_iter().fold(good(), |stage, channel| stage.shaped(channel, moved(by.0)))
        }
        _ => good(),
    };
    let mut stage = stage
        .shaped(Channel::Alarms, move |t, _| raised(t, alarm, 0))
        .shaped(Channel::GxAlarms, move |t, _| raised(t, alarm, 2))
        .shaped(Channel::Warnings, move |t, _| raised(t, warning, 0));
    let span = Micros::from_secs(60);
    stage.note(AT, EventKind::Stimulus(Stimulus::Inject(Fault { kind, span })));
    stage
}

/// A warning of a charge current is true where it flowed, and wrong where it did not.
#[rstest]
#[case::flowed(139.0, Pass)]
#[case::did_not(100.0, Fail)]
fn a_true_warning_is_no_wrong_answer(#[case] amps: f64, #[case] expected: Outcome) {
    let stage = faulty(FaultKind::Internal {}, Some(BmsInternal), Some(HighChargeCurrent));
    let stage = stage.shaped(Channel::PackCurrent, |t, i| if t == AT + 20 { amps } else { i });
    let verdict = stage.verdict("BEH-AL");
    assert_eq!(verdict.outcome, expected, "{}", verdict.reason);
}

#[rstest]
#[case::right(CELL_HIGH, Some(HighVoltage), None, Pass)]
#[case::right_with_its_warning(CELL_HIGH, Some(HighVoltage), Some(CellImbalance), Pass)]
#[case::swapped(CELL_HIGH, Some(LowVoltage), None, Fail)]
#[case::swapped_besides(CELL_HIGH, Some(HighVoltage), Some(LowVoltage), Fail)]
#[case::a_warning_for_an_alarm(CELL_HIGH, None, Some(HighVoltage), Fail)]
#[case::never_set(CELL_HIGH, None, None, Fail)]
#[case::below(FaultKind::CellVoltage { by: Volts(-1.5) }, Some(LowVoltage), None, Pass)]
#[case::below_swapped(FaultKind::CellVoltage { by: Volts(-1.5) }, Some(HighVoltage), None, Fail)]
#[case::only_an_imbalance(FaultKind::CellVoltage { by: Volts(0.15) }, None, Some(CellImbalance), Pass)]
#[case::no_imbalance(FaultKind::CellVoltage { by: Volts(0.15) }, None, None, Fail)]
#[case::charge(FaultKind::Current { by: Amps(400.0) }, Some(HighChargeCurrent), None, Pass)]
#[case::direction_inverted(FaultKind::Current { by: Amps(400.0) }, Some(HighCurrent), None, Fail)]
#[case::discharge(FaultKind::Current { by: Amps(-400.0) }, Some(HighCurrent), None, Pass)]
#[case::hot(FaultKind::Temperature { by: Celsius(60.0) }, Some(HighTemperature), None, Pass)]
#[case::hot_for_cold(FaultKind::Temperature { by: Celsius(60.0) }, Some(LowTemperature), None, Fail)]
#[case::cold(FaultKind::Temperature { by: Celsius(-60.0) }, Some(LowTemperatureCharge), None, Pass)]
#[case::internal(FaultKind::Internal {}, Some(BmsInternal), None, Pass)]
#[case::internal_as_contactor(FaultKind::Internal {}, Some(Contactor), None, Fail)]
#[case::sensor_open(FaultKind::TemperatureOpen {}, Some(BmsInternal), None, Pass)]
#[case::no_alarm_is_named_for_it(FaultKind::CellStuck {}, None, None, Inconclusive)]
fn a_fault_is_answered(
    #[case] kind: FaultKind,
    #[case] alarm: Option<AlarmKind>,
    #[case] warning: Option<AlarmKind>,
    #[case] expected: Outcome,
) {
    let verdict = faulty(kind, alarm, warning).verdict("BEH-AL");
    assert_eq!(verdict.outcome, expected, "{}", verdict.reason);
}

fn both(one: AlarmKind, other: AlarmKind) -> impl Fn(u64, f64) -> f64 {
    move |_, v| if v > 0.0 { mask(one) + mask(other) } else { v }
}

/// A sensor that the battery does not believe is told beside the alarm that its reading asks for, as warning or alarm,
/// and never instead of it.
#[rstest]
#[case::a_cell_too_high(CELL_HIGH, HighVoltage)]
#[case::a_cell_too_low(FaultKind::CellVoltage { by: Volts(-1.5) }, LowVoltage)]
#[case::too_much_current(FaultKind::Current { by: Amps(400.0) }, HighChargeCurrent)]
#[case::too_hot(FaultKind::Temperature { by: Celsius(60.0) }, HighTemperature)]
fn a_sensor_that_is_not_believed_may_be_told_besides(#[case] kind: FaultKind, #[case] right: AlarmKind) {
    let warned = faulty(kind, Some(right), Some(BmsInternal));
    let alarmed = [Channel::Alarms, Channel::GxAlarms]
        .into_iter()
        .fold(faulty(kind, Some(right), None), |stage, c| stage.shaped(c, both(right, BmsInternal)));
    for stage in [warned, alarmed] {
        for id in ["BEH-AL", "ALM-05"] {
            let verdict = stage.verdict(id);
            assert_eq!(verdict.outcome, Pass, "{id}: {}", verdict.reason);
        }
    }
    let instead = faulty(kind, Some(BmsInternal), None).verdict("BEH-AL");
    assert_eq!(instead.outcome, Fail, "{}", instead.reason);
}

/// Two faults, of which the second is answered wrongly: what is printed beside the reason is of the second.
#[test]
fn the_evidence_is_that_of_the_fault_that_was_answered_wrongly() {
    const LATER: u64 = 4000;
    let raised = |t: u64, v: f64| if (LATER + 3..LATER + 360).contains(&t) { mask(Contactor) } else { v };
    let mut stage = faulty(CELL_HIGH, Some(HighVoltage), None)
        .shaped(Channel::Alarms, raised)
        .shaped(Channel::GxAlarms, raised);
    let fault = Fault { kind: FaultKind::Internal {}, span: Micros::from_secs(60) };
    stage.note(LATER, EventKind::Stimulus(Stimulus::Inject(fault)));
    for (id, begins) in [("BEH-AL", "internal at 1:06:40: alarms"), ("ALM-05", "internal at 1:06:40: the GX")]
    {
        let verdict = stage.verdict(id);
        assert_eq!(verdict.outcome, Fail, "{id}: {}", verdict.reason);
        assert!(verdict.reason.starts_with("internal at 1:06:40"), "{id}: {}", verdict.reason);
        assert!(verdict.evidence[0].what.starts_with(begins), "{id}: {:#?}", verdict.evidence);
    }
}

#[test]
fn an_alarm_that_stays_is_found() {
    let right = faulty(CELL_HIGH, Some(HighVoltage), None);
    let stuck =
        |channel| right.clone().shaped(channel, |t, v| if t > AT + 5 { mask(HighVoltage) } else { v });
    let verdict = stuck(Channel::Alarms).verdict("BEH-AL");
    assert_eq!(verdict.outcome, Fail, "{}", verdict.reason);
    for id in ["BEH-AL", "ALM-05"] {
        let verdict = stuck(Channel::GxAlarms).verdict(id);
        assert_eq!(verdict.outcome, Fail, "{}", verdict.reason);
    }
    let soon = stuck(Channel::Alarms).cut(AT + 600).verdict("BEH-AL");
    assert_eq!(soon.outcome, Inconclusive, "{}", soon.reason);
}

#[rstest]
#[case(faulty(CELL_HIGH, Some(HighVoltage), None), Pass)]
#[case(faulty(CELL_HIGH, Some(HighVoltage), None).shaped(Channel::GxAlarms, |_, _| 0.0), Fail)]
#[case(faulty(CELL_HIGH, Some(HighVoltage), None).shaped(Channel::GxAlarms, |_, v| 2.0 * v), Fail)]
#[case(faulty(CELL_HIGH, Some(HighVoltage), None).deaf(Channel::GxAlarms), Inconclusive)]
#[case(good().shaped(Channel::GxAlarms, |t, _| if t > 500 { 4.0 } else { 0.0 }), Fail)]
#[case(good().shaped(Channel::GxAlarms, |_, _| 0.0), Inconclusive)]
fn alarms_reach_the_gx(#[case] stage: Stage, #[case] expected: Outcome) {
    let verdict = stage.verdict("ALM-05");
    assert_eq!(verdict.outcome, expected, "{}", verdict.reason);
}

#[test]
fn a_detail_that_does_not_move_is_found() {
    let still = faulty(CELL_HIGH, Some(HighVoltage), None).shaped(Channel::MaxCell, |_, _| 3.40);
    let verdict = still.verdict("BEH-AL");
    assert_eq!(verdict.outcome, Fail, "{}", verdict.reason);
}

/// A battery that raises an alarm, and a limit of it that is this share of what it was, from a time on.
fn limited(kind: AlarmKind, channel: Channel, from: u64, share: f64) -> Stage {
    faulty(CELL_HIGH, Some(kind), None)
        .shaped(channel, move |t, v| if (from..AT + 300).contains(&t) { share * v } else { v })
}

/// Each limit counts, also one that was lowered before; one that is hardly lower does not. An internal fault has no limit to move.
#[rstest]
#[case::charge(limited(HighVoltage, Channel::Ccl, AT, 0.0), Pass)]
#[case::discharge(limited(LowVoltage, Channel::Dcl, AT, 0.5), Pass)]
#[case::charge_voltage(limited(HighVoltage, Channel::Cvl, AT, 0.99), Pass)]
#[case::in_time_before_it(limited(HighVoltage, Channel::Ccl, AT - 120, 0.0), Pass)]
#[case::hardly(limited(HighVoltage, Channel::Ccl, AT, 0.95), Fail)]
#[case::nothing(faulty(CELL_HIGH, Some(HighVoltage), None), Fail)]
#[case::no_protection(faulty(FaultKind::Internal {}, Some(BmsInternal), None), Inconclusive)]
#[case::no_alarm(good(), Inconclusive)]
fn what_raises_an_alarm_moves_a_limit(#[case] stage: Stage, #[case] expected: Outcome) {
    let verdict = stage.verdict("ALM-08");
    assert_eq!(verdict.outcome, expected, "{} {:#?}", verdict.reason, verdict.evidence);
}
