//! A supply that takes its time, takes less than it is told, or changes by itself, on wires.

use judge::trace::EventKind;
use judge::verdict::Outcome;
use plant::instrument::Temper;
use proto::quantity::{Amps, Micros};
use rstest::rstest;

use super::bench::Bench;

const SUN: &str = "- pv: { power: 3 kW }\n      - hold: 2 min\n      - pv: { power: 1 kW }\n      - hold: 2 min\n      \
                   - pv: off\n      - hold: 30 s";

/// 0.5 s are 10 s of this rig, and what a relay takes; 0.4 s is a front panel that gives way.
#[rstest]
#[case::relay(Temper { relay: Micros::from_millis(500), ..Temper::default() })]
#[case::settings(Temper { takes: Micros::from_millis(400), ..Temper::default() })]
fn what_takes_its_time_is_no_fault(#[case] temper: Temper) {
    let bench = Bench::new();
    bench.served.supply().set_temper(temper);
    let (attempt, seen) = bench.run(SUN, |_, _| {});
    let completed = attempt.trace.events.iter().any(|event| event.kind == EventKind::Completed);
    assert!(completed && (seen.available - 3000.0).abs() < 30.0, "{} {seen:?}", attempt.reason);
    let why = &attempt.verdicts[0].reason;
    assert!(!why.contains("did not shine"), "{why}");
    assert!(!bench.served.supply_is_on());
}

/// A clamp at 10 A ends the case with both numbers, and so does a setting that is never taken.
#[rstest]
#[case::clamped(Temper { most_current: Amps(10.0), ..Temper::default() }, "asked for 25 A", "reads back 10 A")]
#[case::never(Temper { takes: Micros::from_secs(3600), ..Temper::default() }, "asked for 120 V", "reads back 0 V")]
fn what_is_not_taken_ends_the_case(#[case] temper: Temper, #[case] asked: &str, #[case] now: &str) {
    let bench = Bench::new();
    let (attempt, _) = bench.run(SUN, |bench, _| bench.served.supply().set_temper(temper));
    assert_eq!(attempt.outcome, Outcome::Inconclusive);
    // Where nothing is taken, what is asked for first is the protection.
    let both = attempt.reason.contains(asked) && attempt.reason.contains(now);
    let protection =
        temper.takes > Micros::ZERO && attempt.reason.contains("`VOLT:PROT 200.000` asked for 200 V");
    assert!(both || protection, "{}", attempt.reason);
    assert!(!bench.served.supply_is_on());
}

/// A profile so coarse that the driver takes what it gets: then the judge sees that the sun did not shine.
#[test]
fn a_clamp_that_no_setting_shows_passes_nothing() {
    let mut bench = Bench::new();
    bench.profile = "coarse".to_owned();
    bench.served.supply().set_temper(Temper { most_current: Amps(10.0), ..Temper::default() });
    let (attempt, seen) = bench.run(SUN, |_, _| {});
    assert!((seen.available - 1200.0).abs() < 10.0, "{seen:?}");
    assert_eq!(attempt.outcome, Outcome::Inconclusive, "{}", attempt.reason);
    assert!(attempt.reason.contains("the supply offered 1200 W of 3000 W"), "{}", attempt.reason);
}

/// What somebody does at the front panel while the sun shines ends the case, and is named.
#[rstest]
#[case::the_current_is_turned_down(|bench: &Bench| bench.served.supply().turn_current(Amps(5.0)), "and 5 A now")]
#[case::the_output_is_switched_off(|bench: &Bench| bench.served.supply().press_output(false), "went off by itself")]
fn what_changes_by_itself_ends_the_case(#[case] change: fn(&Bench), #[case] says: &str) {
    let bench = Bench::new();
    let (attempt, seen) = bench.run(SUN, |bench, seen| {
        if seen.available > 2900.0 && !seen.broken {
            seen.broken = true;
            change(bench);
        }
    });
    assert!(seen.broken && attempt.reason.contains(says), "{}", attempt.reason);
    assert_eq!(attempt.outcome, Outcome::Inconclusive);
    assert!(!bench.served.supply_is_on());
}

/// The output comes on by itself at night: nothing asked for that sun.
#[test]
fn an_output_that_comes_on_by_itself_ends_the_case() {
    let bench = Bench::new();
    let night = "- pv: { power: 3 kW }\n      - hold: 30 s\n      - pv: off\n      - hold: 3 min";
    let (attempt, _) = bench.run(night, |bench, seen| {
        let dark = seen.available > 2900.0 && !bench.served.supply_is_on();
        if dark && !seen.broken {
            seen.broken = true;
            bench.served.supply().press_output(true);
        }
    });
    assert!(attempt.reason.contains("switched off and reads back on"), "{}", attempt.reason);
    assert!(!bench.served.supply_is_on());
}
