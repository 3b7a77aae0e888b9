//! What is identified of the law of CVL, held against the battery files that made the traces: periods, gains, slopes and
//! resistances within 10 %, on the rig as its file says and on draws of its sweep; the margin of the loop against the gain at
//! which it really begins to swing. And of good batteries nothing bad is said.

use std::path::Path;

use files::{BatteryFile, Library};
use judge::identify::{CellLaw, Follows, Law, identify};
use judge::trace::{Channel, EventKind, Trace};
use judge::window::Window;
use proto::quantity::{Micros, Volts};
use rstest::rstest;
use session::Setup;
use session::attempt::Unseen;

const REFERENCE: &str = include_str!("../../../rigs/batteries/reference.yaml");
const SUITES: [&str; 3] = ["feed-in", "imbalance", "tracking"];

fn library() -> Library {
    Library::find(Path::new(env!("CARGO_MANIFEST_DIR"))).expect("inside the project")
}

/// The traces of these suites, each by the name of its case; seed 1 is the rig as its file says.
fn played(battery: BatteryFile, seed: u64, suites: &[&str]) -> Vec<(String, Trace)> {
    let library = library();
    let rig = session::rig(&library, "simulated").expect("a rig of the project");
    let setup = Setup::of(rig, battery).expect("simulated");
    let setup = if seed == 1 { setup } else { setup.swept(seed) };
    let all = library.read_suites().expect("the suites of the project");
    let cases = all.cases().filter(|(suite, _)| suites.contains(&suite.name.as_str()));
    let entries = setup.plan(cases).expect("a simulated rig");
    let traces = entries.into_iter().map(|entry| {
        let name = entry.name();
        let trace = setup.attempt(entry.planned, &name, seed, &mut Unseen).trace;
        (name, trace)
    });
    traces.collect()
}

fn law(battery: BatteryFile, seed: u64) -> Law {
    let declared = battery.declared.clone();
    let traces = played(battery, seed, &SUITES);
    identify(traces.iter().map(|(_, trace)| trace), &declared)
}

fn of_the_catalogue(name: &str) -> BatteryFile {
    session::battery(&library(), name).expect("a battery of the project")
}

fn near(found: f64, expected: f64) -> bool {
    (found / expected - 1.0).abs() <= 0.1
}

/// Batteries whose CVL changes on a clock, with its period in s.
#[rstest]
fn the_clock_is_found(
    #[values(
        ("reference", 24.0),
        ("lower-when-full", 24.0),
        ("float-after-absorption", 24.0),
        ("penalty-sum", 60.0),
        ("tracks-voltage", 20.0),
        ("oscillating", 5.0)
    )]
    (name, period): (&str, f64),
    #[values(1, 2, 3)] seed: u64,
) {
    let clock = law(of_the_catalogue(name), seed).clock.expect("a clock");
    assert!(near(clock.period.secs(), period), "{name}: {clock:?}");
}

#[rstest]
fn a_copy_of_the_voltage_has_a_slope_of_1(#[values(1, 2, 3, 4)] seed: u64) {
    match law(of_the_catalogue("tracks-voltage"), seed).follows {
        Some(Follows::Voltage { slope, .. }) => assert!(near(slope, 1.0), "{slope}"),
        other => panic!("{other:?}"),
    }
}

#[rstest]
fn a_sag_has_its_resistance(#[values(1, 2, 3, 4)] seed: u64) {
    match law(of_the_catalogue("sagging-cvl"), seed).follows {
        Some(Follows::Current { slope, .. }) => assert!(near(slope.0, 0.014), "{slope}"),
        other => panic!("{other:?}"),
    }
}

/// 40 V for a volt each 5 s, on draws of the sweep. Where the swing is so wide that an integrator alone does not explain it no
/// gain is told, and never a wrong one.
#[test]
fn the_gain_of_the_loop_that_swings_is_found() {
    let answers: Vec<_> = (1..=6).map(|seed| law(of_the_catalogue("oscillating"), seed).answer).collect();
    for answer in answers.iter().flatten() {
        match answer.law {
            CellLaw::Integral { gain, .. } => assert!(near(gain, 40.0), "{gain}"),
            other @ CellLaw::Proportional { .. } => panic!("{other:?}"),
        }
    }
    assert!(answers.iter().flatten().count() >= 4, "{answers:?}");
}

/// The reference with a straight line of the highest cell, V down for a volt of the cell, each 5 s behind a filter of 10 s.
fn ramp(gain: f64) -> BatteryFile {
    let (before, rest) = REFERENCE.split_once("  strategy:").expect("it stands there");
    let (_, after) = rest.split_once("  limits:").expect("it stands there");
    let end = 3.40 + 4.0 / gain;
    let text = format!(
        "{before}  strategy:\n    ramp: {{ bulk: 56.0 V, floor: 52.0 V, start: 3.40 V, end: {end:.5} V, filter: 10 s, period: 5 s }}\n  limits:{after}"
    );
    BatteryFile::parse("battery.yaml", &text).unwrap_or_else(|error| panic!("{error}"))
}

/// Median height of the swings of CVL with one cell 5 % above the others, beyond a step and a half of the wire.
fn swing(gain: f64) -> Volts {
    let traces = played(ramp(gain), 1, &["imbalance"]);
    let (_, trace) = traces.iter().find(|(name, _)| name.ends_with("five-percent")).expect("a case");
    let full = |kind: &EventKind| matches!(kind, EventKind::Mark(name) if name == "full");
    let at = trace.events.iter().find(|event| full(&event.kind)).expect("it gets full").at;
    let window = Window::new(at + Micros::from_secs(900), at + Micros::from_secs(6300));
    judge::metrics::swings(trace.series(Channel::Cvl), &[window], Volts(0.15)).amplitude
}

/// The loop is said to swing where its gain is so much larger than it is; it does where the swing is more than the two steps
/// that a quantiser makes by itself.
#[test]
fn the_onset_of_swinging_is_foretold() {
    let gains = [42.0, 48.0, 54.0, 60.0, 66.0, 72.0];
    let begins = gains.into_iter().find(|gain| swing(*gain).0 > 0.25).expect("one of them swings");
    let mut told = 0;
    for gain in gains {
        let law = law(ramp(gain), 1);
        let Some(found) = law.answer else { continue };
        let CellLaw::Proportional { gain: line, .. } = found.law else { panic!("{found:?}") };
        assert!(near(line, gain), "{line} of {gain}");
        let Some(margin) = law.margin else { continue };
        let onset = line * margin.gain;
        println!(
            "gain {gain}: found {line:.1}, onset foretold at {onset:.1}, period {}, begins at {begins}",
            margin.period
        );
        assert!((onset / begins - 1.0).abs() <= 0.25, "foretold at {onset}, begins at {begins}");
        told += 1;
    }
    assert!(told >= 3, "told of {told} only");
}

/// Batteries that do right: how they work may be told, and no fault.
#[rstest]
fn nothing_bad_is_said_of_a_good_battery(
    #[values(
        "reference",
        "cell-pi",
        "penalty-sum",
        "clipped-sum",
        "lower-when-full",
        "float-after-absorption",
        "timed-absorption",
        "no-discharge-voltage"
    )]
    name: &str,
    #[values(1, 2)] seed: u64,
) {
    let law = law(of_the_catalogue(name), seed);
    assert!(law.follows.is_none() && law.drift.is_none() && law.cycle.is_none(), "{:?}", law.sentences());
    assert!(law.margin.is_none_or(|margin| margin.gain > 1.0), "{:?}", law.sentences());
}
