//! Logs of a second per cycle: how CVL moves against the voltage, and CCL in a full battery, whichever message of a cycle
//! comes first.

use proto::message::{AlarmKind, Alarms, Message, Pair, StateOfCharge};
use proto::quantity::{Amps, Celsius, Percent, Volts};
use rstest::rstest;

use super::*;
use crate::catalogue::row;
use crate::verdict::{Outcome, Verdict};
use crate::verdicts::in_log;
use crate::wire::Wire;

/// CVL, CCL, measured voltage and state of charge of a second.
type Second = (f64, f64, f64, f64);

fn log(seconds: u64, at: impl Fn(u64) -> Second) -> Wire {
    in_order(false, seconds, at)
}

fn in_order(limits_first: bool, seconds: u64, at: impl Fn(u64) -> Second) -> Wire {
    let mut wire = Wire::default();
    for s in 0..seconds {
        let (cvl, ccl, voltage, soc) = at(s);
        let mut messages: [Message; 3] = [
            StateOfCharge::new(Percent(soc), Percent(100.0), Percent(soc)).into(),
            Measurements::new(Volts(voltage), Amps(0.0), Celsius(20.0)).into(),
            Limits::new(Volts(cvl), Amps(ccl), Amps(100.0), Volts(44.0)).into(),
        ];
        if limits_first {
            messages.reverse();
        }
        for (k, message) in messages.into_iter().enumerate() {
            let at = Micros::from_secs(s) + Micros::from_millis(10 * k as u64);
            wire.frame(Spot::new(at, Some(3 * s + k as u64 + 1)), &message.encode(), Some(&message));
        }
    }
    wire
}

fn judged(wire: &Wire, id: &str) -> Verdict {
    let row = row(id).expect("a row of the catalogue");
    in_log(row, wire, &Terms::of_a_log()).expect("judged by logs")
}

/// A voltage that a load and the sun move up and down.
fn moved(s: u64) -> f64 {
    54.0 + 0.6 * (s as f64 / 70.0).sin() + 0.25 * (s as f64 / 11.0).sin()
}

fn on_the_wire(volts: f64) -> f64 {
    (volts * 10.0).floor() / 10.0
}

#[rstest]
fn a_copy_of_the_voltage_is_suspected_never_convicted(
    #[values(1, 20)] period: u64,
    #[values(false, true)] limits_first: bool,
    #[values(0, 1)] cycles_ago: u64,
) {
    // What a cycle makes of it besides: the noise of the voltmeter.
    let noisy = |s: u64| moved(s) + 0.1 * (s as f64 * 12.9).sin();
    let verdict = judged(
        &in_order(limits_first, 1200, |s| {
            let decided_on = noisy((s / period * period).saturating_sub(cycles_ago));
            (on_the_wire(decided_on - 0.3), 100.0, noisy(s), 97.0)
        }),
        "CVL-05",
    );
    assert_eq!(verdict.outcome, Outcome::Inconclusive, "{}", verdict.reason);
    assert!(
        verdict.reason.contains("suspicion") && verdict.reason.contains("minus 0.3"),
        "{}",
        verdict.reason
    );
    assert!(verdict.evidence[0].frame.is_some());
}

/// A copy in a system that feeds in ratchets down and then dithers, here on steps that were seen in the simulated one.
#[test]
fn a_copy_that_ratchets_down_is_suspected() {
    let voltage = |s: u64| 52.65 + 2.3 * (-(s as f64) / 900.0).exp() + 0.06 * (s as f64 / 31.0).sin();
    let copy = |s: u64| (voltage(s / 20 * 20) * 10.0 - 2.0).round() / 10.0;
    let verdict =
        judged(&log(6000, |s| (if s < 60 { 56.0 } else { copy(s) }, 100.0, voltage(s), 97.0)), "CVL-05");
    assert_eq!(verdict.outcome, Outcome::Inconclusive, "{}", verdict.reason);
}

/// The inverter holds the battery at CVL: both go together, but CVL goes first.
#[rstest]
fn a_voltage_that_follows_cvl_is_no_copy(#[values(false, true)] limits_first: bool) {
    let cvl = |s: u64| 54.0 + 0.2 * ((s / 24 * 7919) % 11) as f64 / 2.0;
    let cvl = |s: u64| on_the_wire(cvl(s) + 0.001);
    let verdict = judged(
        &in_order(limits_first, 1200, |s| (cvl(s), 100.0, cvl(s.saturating_sub(3)) - 0.02, 97.0)),
        "CVL-05",
    );
    assert_eq!(verdict.outcome, Outcome::NotApplicable, "{}", verdict.reason);
}

#[rstest]
#[case::constant(|_| 56.8)]
#[case::down_and_up_again(|s: u64| 56.0 - 0.1 * (s.min(1200 - s) / 24) as f64)]
fn a_cvl_of_its_own_is_not_suspected(#[case] cvl: fn(u64) -> f64) {
    let followed = judged(&log(1200, |s| (cvl(s), 100.0, cvl(s.saturating_sub(5)) - 0.1, 97.0)), "CVL-05");
    assert_eq!(followed.outcome, Outcome::NotApplicable, "{}", followed.reason);
    let free = judged(&log(1200, |s| (cvl(s), 100.0, moved(s), 97.0)), "CVL-05");
    assert_eq!(free.outcome, Outcome::NotApplicable, "{}", free.reason);
}

/// P 1.5.3: not more than once every 20 s.
#[rstest]
#[case::every_second(1, Outcome::Fail)]
#[case::every_10_seconds(10, Outcome::Fail)]
#[case::as_advised(20, Outcome::Pass)]
#[case::slow(60, Outcome::Pass)]
fn changes_of_cvl(#[case] period: u64, #[case] expected: Outcome) {
    let verdict = judged(&log(1200, |s| (56.0 - 0.2 * (s / period % 4) as f64, 100.0, 54.0, 97.0)), "CVL-03");
    assert_eq!(verdict.outcome, expected, "{}", verdict.reason);
}

#[test]
fn dither_and_one_protective_step_are_exempt() {
    let dither = judged(&log(600, |s| (55.0 + 0.1 * (s % 2) as f64, 100.0, 54.0, 97.0)), "CVL-03");
    assert_eq!(
        dither.outcome,
        Outcome::Inconclusive,
        "one step back and forth is no control: {}",
        dither.reason
    );
    let protective = |s: u64| 56.0 - 0.1 * (s / 100) as f64 - if s % 100 < 10 { 0.0 } else { 0.5 };
    let verdict = judged(&log(1200, |s| (protective(s), 100.0, 54.0, 97.0)), "CVL-03");
    assert_eq!(verdict.outcome, Outcome::Pass, "{}", verdict.reason);
}

/// P 1.5.2: a full battery reduces CVL, it does not set CCL to 0.
#[rstest]
#[case::curtails(0.0, 100.0, Outcome::Fail)]
#[case::accepts(20.0, 100.0, Outcome::Pass)]
#[case::not_full(0.0, 90.0, Outcome::Inconclusive)]
fn ccl_of_a_full_battery(
    #[case] ccl: f64,
    #[case] soc: f64,
    #[case] expected: Outcome,
    #[values(false, true)] limits_first: bool,
) {
    let verdict = judged(&in_order(limits_first, 60, |_| (55.0, ccl, 54.0, soc)), "CCL-02");
    assert_eq!(verdict.outcome, expected, "{}", verdict.reason);
}

#[test]
fn a_protection_may_set_ccl_to_zero() {
    let mut wire = Wire::default();
    let alarms = Alarms::ALL_OK.with_alarm(AlarmKind::HighVoltage, Pair::Active);
    for s in 0..60 {
        for message in [
            StateOfCharge::new(Percent(100.0), Percent(100.0), Percent(100.0)).into(),
            Message::Alarms(alarms),
            Limits::new(Volts(56.0), Amps(0.0), Amps(100.0), Volts(44.0)).into(),
        ] {
            wire.frame(Spot::new(Micros::from_secs(s), None), &message.encode(), Some(&message));
        }
    }
    assert_eq!(judged(&wire, "CCL-02").outcome, Outcome::Inconclusive);
}
