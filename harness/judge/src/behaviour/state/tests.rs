//! Staged charge, currents and voltages, and what is said of them.

use super::super::staged::{Stage, declared, good};
use crate::battery::Battery;
use crate::requirement::Severity;
use crate::trace::Channel;
use crate::verdict::Outcome::{self, Fail, Inconclusive, Pass};
use proto::quantity::AmpHours;
use rstest::rstest;

/// 28 A into 280 Ah for two hours is 20 %.
fn charging(soc_rises: f64) -> Stage {
    good()
        .shaped(Channel::PackCurrent, |t, _| if t < 7200 { 28.0 } else { 0.0 })
        .shaped(Channel::Soc, move |t, _| (50.0 + soc_rises * t.min(7200) as f64 / 7200.0).round())
}

/// 5.6 % of capacity out and in again: the net is nothing, a state of charge that stands still is wrong all the same.
fn out_and_in() -> Stage {
    good()
        .shaped(Channel::PackCurrent, |t, _| {
            if t < 2000 {
                -28.0
            } else if t < 4000 {
                28.0
            } else {
                0.0
            }
        })
        .shaped(Channel::Soc, |_, _| 60.0)
}

#[rstest]
#[case(out_and_in(), Fail)]
#[case(out_and_in().shaped(Channel::Soc, |t, _| 60.0 - (2000 - t.min(4000).abs_diff(2000)) as f64 * 5.6 / 2000.0), Pass)]
#[case(charging(0.0).cut(1900), Fail)]
#[case(charging(20.0), Pass)]
#[case(charging(17.0), Pass)]
#[case(charging(0.0), Fail)]
#[case(charging(40.0), Fail)]
#[case(charging(20.0).cut(600), Inconclusive)]
#[case(charging(20.0).deaf(Channel::PackCurrent), Inconclusive)]
fn state_of_charge(#[case] stage: Stage, #[case] expected: Outcome) {
    let verdict = stage.verdict("SOC-03");
    assert_eq!(verdict.outcome, expected, "{}", verdict.reason);
}

#[rstest]
#[case(good(), Pass)]
#[case(good().shaped(Channel::PackCurrent, |_, i| -i), Fail)]
#[case(good().shaped(Channel::PackCurrent, |_, i| i.abs()), Fail)]
#[case(good().cut(6000), Inconclusive)]
#[case(good().deaf(Channel::InverterCurrent), Inconclusive)]
fn sign_of_the_current(#[case] stage: Stage, #[case] expected: Outcome) {
    let verdict = stage.verdict("MEA-01");
    assert_eq!(verdict.outcome, expected, "{}", verdict.reason);
}

/// What charges and discharges 50 Ah with less than 5 A has a sign too; of 280 Ah it has none.
#[rstest]
#[case(50.0, 1.0, Pass)]
#[case(50.0, -1.0, Fail)]
#[case(280.0, 1.0, Inconclusive)]
fn sign_of_the_current_of_a_small_battery(#[case] ah: f64, #[case] sign: f64, #[case] expected: Outcome) {
    let amps = |t: u64| if t < 5000 { 4.0_f64 } else { -4.0 };
    let stage = good()
        .shaped(Channel::SolarCurrent, move |t, _| amps(t).max(0.0))
        .shaped(Channel::InverterCurrent, move |t, _| amps(t).min(0.0))
        .shaped(Channel::PackCurrent, move |t, _| sign * amps(t));
    let battery = Battery { capacity: AmpHours(ah), ..declared() };
    let verdict = stage.verdict_on("MEA-01", &battery);
    assert_eq!(verdict.outcome, expected, "{}", verdict.reason);
}

/// 10 A discharge for a while, and 66 A in the pulls: which of the two have no sign.
#[rstest]
#[case::both_have_one(0.0, Pass)]
#[case::lost_in_small_ones(15.0, Fail)]
fn sign_of_small_currents(#[case] lost_below: f64, #[case] expected: Outcome) {
    let little = |t: u64| (4000..4300).contains(&t);
    let stage = good()
        .shaped(Channel::SolarCurrent, move |t, i| if little(t) { 0.0 } else { i })
        .shaped(Channel::InverterCurrent, move |t, i| if little(t) { -10.0 } else { i })
        .shaped(Channel::PackCurrent, move |t, i| if little(t) { -10.0 } else { i })
        .shaped(Channel::PackCurrent, move |_, i| if i.abs() < lost_below { i.abs() } else { i });
    let verdict = stage.verdict("MEA-01");
    assert_eq!(verdict.outcome, expected, "{}", verdict.reason);
    assert!(expected == Pass || verdict.reason.contains("lost in small currents"), "{}", verdict.reason);
}

/// The sign is lost below 5 A. Ten minutes at 12 A have theirs and hide nothing. A current that comes and goes each 20 s is not counted:
/// meters tell it one after the other.
#[rstest]
#[case::lasting(3.0, 60, Fail)]
#[case::with_a_sign(3.0, 0, Pass)]
#[case::below_what_meters_know(0.8, 60, Pass)]
#[case::coming_and_going(3.0, 20, Pass)]
fn sign_of_the_smallest_currents(#[case] amps: f64, #[case] each: u64, #[case] expected: Outcome) {
    let small = move |t: u64| match t {
        4000..4600 => Some(-12.0),
        4600..4900 if each == 20 && (t / each).is_multiple_of(2) => Some(0.0),
        4600..4900 => Some(-amps),
        _ => None,
    };
    let stage = good()
        .shaped(Channel::SolarCurrent, move |t, i| if small(t).is_some() { 0.0 } else { i })
        .shaped(Channel::InverterCurrent, move |t, i| small(t).unwrap_or(i))
        .shaped(Channel::PackCurrent, move |t, i| small(t).unwrap_or(i))
        .shaped(Channel::PackCurrent, move |_, i| if each > 0 && i.abs() < 5.0 { i.abs() } else { i });
    let verdict = stage.verdict("MEA-01");
    assert_eq!(verdict.outcome, expected, "{} {:#?}", verdict.reason, verdict.evidence);
}

/// The sun gives 54 A and the inverter takes 38 A, so 16 A charge the battery; later 66 A discharge it.
#[rstest]
#[case::right(1.0, 0.0, Pass)]
#[case::a_calibration(0.98, 0.0, Pass)]
#[case::a_tenth_low(0.88, 0.0, Fail)]
#[case::a_tenth_high(1.12, 0.0, Fail)]
#[case::an_offset(1.0, 0.2, Pass)]
fn size_of_the_current(#[case] gain: f64, #[case] offset: f64, #[case] expected: Outcome) {
    let stage = good().shaped(Channel::PackCurrent, move |_, i| gain * i + offset);
    let verdict = stage.verdict("MEA-04");
    assert_eq!(verdict.outcome, expected, "{} {:#?}", verdict.reason, verdict.evidence);
    assert_eq!(good().deaf(Channel::InverterCurrent).verdict("MEA-04").outcome, Inconclusive);
}

/// Of 55.2 V 1 % is 0.55 V: more must not be, and more than 0.28 V warns.
#[rstest]
#[case::right(1.0, Pass, Severity::Must)]
#[case::a_calibration(0.997, Pass, Severity::Must)]
#[case::a_little_low(0.993, Fail, Severity::Should)]
#[case::two_percent_high(1.02, Fail, Severity::Must)]
#[case::two_percent_low(0.98, Fail, Severity::Must)]
fn size_of_the_voltage(#[case] gain: f64, #[case] expected: Outcome, #[case] severity: Severity) {
    let verdict = good().shaped(Channel::PackVoltage, move |_, v| gain * v).verdict("MEA-04");
    assert_eq!(verdict.outcome, expected, "{} {:#?}", verdict.reason, verdict.evidence);
    assert!(expected == Pass || verdict.requirement.severity == severity, "{}", verdict.reason);
}

#[rstest]
#[case(good(), Pass)]
#[case(good().shaped(Channel::PackVoltage, |_, v| v - 1.0), Fail)]
#[case(good().deaf(Channel::BusVoltage), Inconclusive)]
fn bus_and_battery(#[case] stage: Stage, #[case] expected: Outcome) {
    let verdict = stage.verdict("MEA-03");
    assert_eq!(verdict.outcome, expected, "{}", verdict.reason);
}
