//! The bench of real instruments against a served rig, and against wires that fail.
#![cfg(unix)]

mod bench;
mod gx;
mod hands;
mod proxy;
mod settle;
mod witness;

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use judge::verdict::Outcome;
use proto::quantity::Micros;
use rstest::rstest;

use bench::Bench;
use proxy::Mode;

/// Sun, a load, no sun: what the instruments say follows, and everything is off at the end.
#[test]
fn a_case_runs_on_wires_as_it_does_in_memory() {
    let bench = Bench::new();
    let steps = "- pv: { power: 3 kW }\n      - hold: 60 s\n      - ac-load: 1 kW\n      - hold: 20 s\n      \
                 - ac-load: off\n      - pv: off\n      - hold: 10 s";
    let (attempt, seen) = bench.run(steps, |_, _| {});
    assert!(!attempt.reason.contains("failed"), "{}", attempt.reason);
    // The steps take 90 s; what is more is the wall clock's.
    assert!(
        attempt.length >= Micros::from_secs(90) && attempt.length < Micros::from_secs(100),
        "{:?}",
        attempt.length
    );
    assert!((seen.available - 3000.0).abs() < 30.0, "{seen:?}");
    assert!(seen.taken > 2500.0 && seen.load > 900.0, "{seen:?}");
    assert!(seen.frames > 90 * 5 && seen.readings_of_gx > 40, "{seen:?}");
    assert!(!bench.supply_is_on());
}

/// What a test breaks in the middle of a case.
#[derive(Debug, Clone, Copy)]
enum Broken {
    Supply(Mode),
    Gx(Mode),
    Operator(Mode),
    Can,
    Stop,
}

/// Whatever breaks: the case is inconclusive, the message says what and where, what came in before is kept, and the
/// output is off where it can be reached.
#[rstest]
#[case::supply_unplugged_and_plugged_in_again(Broken::Supply(Mode::Cut), "is gone", true)]
#[case::supply_resets_its_connection(Broken::Supply(Mode::Reset), "supply: ", true)]
#[case::supply_unplugged(Broken::Supply(Mode::Dead), "not confirmed off", false)]
#[case::supply_does_not_answer(Broken::Supply(Mode::Mute), "no reply to", true)]
#[case::gx_gone(Broken::Gx(Mode::Dead), "time without an answer of the GX", true)]
#[case::gx_does_not_answer(Broken::Gx(Mode::Mute), "the GX is lost", true)]
#[case::can_unplugged(Broken::Can, "CAN: ", true)]
#[case::operator_gone(Broken::Operator(Mode::Dead), "operator", true)]
#[case::told_to_stop(Broken::Stop, "stopped by you at ", true)]
fn what_breaks_ends_the_case(#[case] broken: Broken, #[case] says: &str, #[case] reachable: bool) {
    let bench = Bench::new();
    let steps = "- pv: { power: 3 kW }\n      - hold: 40 s\n      - ac-load: 1 kW\n      - hold: 10 min";
    let began = Instant::now();
    let (attempt, seen) = bench.run(steps, |bench, seen| {
        // Once, when the sun is seen to shine and the battery is heard.
        if seen.available < 2900.0 || seen.frames <= 10 || seen.broken {
            return;
        }
        seen.broken = true;
        match broken {
            Broken::Supply(mode) => bench.supply.set(mode),
            Broken::Gx(mode) => bench.gx.set(mode),
            Broken::Operator(mode) => bench.operator.set(mode),
            Broken::Can => bench.can.unplug(),
            Broken::Stop => bench.stop.store(true, Ordering::Relaxed),
        }
    });
    assert!(seen.broken, "the sun did not shine: {}", attempt.reason);
    assert_eq!(attempt.outcome, Outcome::Inconclusive, "{}", attempt.reason);
    assert!(attempt.reason.contains(says), "{}", attempt.reason);
    assert!(seen.frames > 10, "{seen:?}");
    assert!(!attempt.trace.events.is_empty());
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    if reachable {
        assert!(!bench.supply_is_on(), "{}", attempt.reason);
    }
}

/// A connection that is reset while the output is off is made again: the case goes on, and has its sun later. (With the
/// output on it ends: what a supply does meanwhile is not known.)
#[test]
fn a_connection_that_is_reset_while_nothing_is_on_is_made_again() {
    let bench = Bench::new();
    let steps = "- hold: 60 s\n      - pv: { power: 3 kW }\n      - hold: 60 s";
    let (attempt, seen) = bench.run(steps, |bench, seen| {
        if seen.readings_of_gx == 10 && !seen.broken {
            seen.broken = true;
            bench.supply.set(Mode::Reset);
        }
    });
    assert!(seen.broken && seen.available > 2900.0, "{seen:?}: {}", attempt.reason);
    assert!(!attempt.reason.contains("failed"), "{}", attempt.reason);
    assert!(bench.supply.was_made_again(), "it was reset");
    assert!(!bench.supply_is_on());
}

#[test]
fn another_supply_than_expected_is_not_touched() {
    let mut bench = Bench::new();
    bench.profile = "ea".to_owned();
    let (attempt, seen) = bench.run("- hold: 1 s", |_, _| {});
    assert_eq!(attempt.outcome, Outcome::Inconclusive);
    assert!(attempt.reason.contains("supply: "), "{}", attempt.reason);
    assert_eq!(seen.frames, 0);
}

#[test]
fn a_port_that_is_not_there_is_named() {
    let mut bench = Bench::new();
    bench.can_path = "/dev/serial/by-id/nowhere".to_owned();
    let (attempt, _) = bench.run("- hold: 1 s", |_, _| {});
    assert_eq!(attempt.outcome, Outcome::Inconclusive);
    assert!(attempt.reason.contains("/dev/serial/by-id/nowhere"), "{}", attempt.reason);
    assert!(!bench.supply_is_on());
}
