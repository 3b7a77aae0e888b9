//! Batteries that do right and are unlike the reference in one trait, through the suites that this trait is met in: none
//! is refused for it, and what the rig cannot make true is not held against them.

use engine::suite::{Case, Suite};
use evidence::conclusion::Attempt;
use evidence::plan::plan;
use files::{BatteryFile, RigFile};
use judge::verdict::Outcome;
use rstest::rstest;
use session::attempt::{Unseen, attempt};
use sim::Simulation;

const REFERENCE: &str = include_str!("../../../rigs/batteries/reference.yaml");
const RIG: &str = include_str!("../../../rigs/simulated.yaml");
const SUITES: [(&str, &str); 6] = [
    ("feed-in", include_str!("../../../suites/feed-in/feed-in.yaml")),
    ("imbalance", include_str!("../../../suites/imbalance/imbalance.yaml")),
    ("tracking", include_str!("../../../suites/tracking/tracking.yaml")),
    ("blackout-recovery", include_str!("../../../suites/blackout-recovery/blackout-recovery.yaml")),
    ("grid-loss", include_str!("../../../suites/grid-loss/grid-loss.yaml")),
    ("load-dump", include_str!("../../../suites/load-dump/load-dump.yaml")),
];

/// A file with some of its text replaced by another.
fn changed(text: &str, changes: &[(&str, &str)]) -> String {
    changes.iter().fold(text.to_owned(), |text, (from, to)| {
        assert_eq!(text.matches(from).count(), 1, "`{from}` stands there once");
        text.replace(from, to)
    })
}

fn case(name: &str) -> Case {
    let (suite, case) = name.split_once('/').expect("a suite and a case");
    let (_, text) = SUITES.iter().find(|(known, _)| *known == suite).expect("a suite of the list");
    let suite = Suite::parse(suite, text).expect("it is shipped");
    suite.cases.into_iter().find(|c| c.name == case).expect("a case of the suite")
}

fn run(name: &str, rig: &[(&str, &str)], battery: &[(&str, &str)], seed: u64) -> Attempt {
    let rig = RigFile::parse("rig.yaml", &changed(RIG, rig)).unwrap_or_else(|e| panic!("{e}"));
    let battery =
        BatteryFile::parse("battery.yaml", &changed(REFERENCE, battery)).unwrap_or_else(|e| panic!("{e}"));
    let planned = plan(&case(name), &rig, &battery).expect("the limits of the rig make sense");
    let simulation = Simulation::of(&rig, &battery).unwrap_or_else(|e| panic!("{e}"));
    attempt(planned, simulation.as_ref(), (name, seed), &mut Unseen)
}

/// A count of charge that reads 5 % too high, or 3 % too low.
const READS_HIGH: &[(&str, &str)] = &[("gauge: { full-cell", "gauge: { offset: 5 %, full-cell")];
const READS_LOW: &[(&str, &str)] = &[("gauge: { full-cell", "gauge: { offset: -3 %, full-cell")];
const LARGE: &[(&str, &str)] = &[("capacity: 280 Ah", "capacity: 1000 Ah")];
/// 15 cells in series: empty at 42.0 V.
const FIFTEEN: &[(&str, &str)] = &[
    ("cells: 16", "cells: 15"),
    ("max-charge-voltage: 56.8 V", "max-charge-voltage: 53.25 V"),
    ("min-voltage: 44.8 V", "min-voltage: 42.0 V"),
    ("bulk: 56.0 V", "bulk: 52.5 V"),
    ("floor: 52.0 V", "floor: 48.8 V"),
];
/// CVL stands at 55.2 V, 3.45 V per cell, and comes down for one high cell only.
const CONSTANT: &[(&str, &str)] = &[
    ("bulk: 56.0 V", "bulk: 55.2 V"),
    ("target: 3.45 V", "target: 3.52 V"),
    ("cell: 3.49 V, rearm: 3.45 V", "cell: 3.56 V, rearm: 3.50 V"),
];
/// The tracker scans as often, as long and as deep as the sweep of the rig has it.
const SCANS: &[(&str, &str)] = &[
    ("scan-period: 600 s ", "scan-period: 60 s "),
    ("scan-time: 2 s ", "scan-time: 5 s "),
    ("scan-level: 40 % ", "scan-level: 20 % "),
];

#[rstest]
#[case::count_reads_high(READS_HIGH, "feed-in/hold-while-full")]
#[case::count_reads_high(READS_HIGH, "feed-in/load-steps")]
#[case::count_reads_high(READS_HIGH, "imbalance/one-percent")]
#[case::count_reads_low(READS_LOW, "feed-in/hold-while-full")]
#[case::constant(CONSTANT, "feed-in/hold-while-full")]
#[case::constant(CONSTANT, "feed-in/load-steps")]
#[case::constant(CONSTANT, "feed-in/setpoint-change")]
#[case::constant(CONSTANT, "imbalance/one-percent")]
#[case::constant(CONSTANT, "tracking/active-tracking")]
#[case::large(LARGE, "feed-in/cloud-train")]
#[case::large(LARGE, "imbalance/five-percent")]
#[case::large(LARGE, "grid-loss/empty-off-grid")]
#[case::large(LARGE, "blackout-recovery/overnight-shutdown")]
#[case::large(LARGE, "blackout-recovery/after-over-current")]
fn a_good_battery_passes(#[case] battery: &[(&str, &str)], #[case] name: &str) {
    let found = run(name, &[], battery, 1);
    assert_eq!(found.outcome, Outcome::Pass, "{}", found.reason);
}

/// 5 s of each minute at 20 % are 6 % of the sun: the tracker's, not the battery's.
#[rstest]
#[case("feed-in/hold-while-full")]
#[case("feed-in/load-steps")]
#[case("feed-in/cloud-train")]
#[case("feed-in/setpoint-change")]
#[case("imbalance/one-percent")]
fn scans_at_the_extreme_of_the_sweep_are_no_curtailment(#[case] name: &str) {
    for seed in [1, 2, 3] {
        let found = run(name, SCANS, &[], seed);
        assert_eq!(found.outcome, Outcome::Pass, "seed {seed}: {}", found.reason);
    }
}

/// What keeps these conditions from coming true is a number of the rig, which the reason names.
#[rstest]
#[case::cut_off("grid-loss/empty-on-the-grid", &[], FIFTEEN, "switches off below 44.0 V")]
#[case::cut_off("grid-loss/empty-off-grid", &[], FIFTEEN, "switches off below 44.0 V")]
#[case::restart(
    "blackout-recovery/overnight-shutdown",
    &[("restart: 47 V ", "restart: 54 V ")],
    FIFTEEN,
    "on from 54.0 V"
)]
#[case::little_sun(
    "blackout-recovery/overnight-shutdown",
    &[("maximum: 7.2 kW ", "maximum: 800 W ")],
    LARGE,
    "of the declared 1000 Ah"
)]
fn what_the_rig_cannot_do_is_not_held_against_a_battery(
    #[case] name: &str,
    #[case] rig: &[(&str, &str)],
    #[case] battery: &[(&str, &str)],
    #[case] says: &str,
) {
    let found = run(name, rig, battery, 1);
    assert_eq!(found.outcome, Outcome::Inconclusive, "{}", found.reason);
    assert!(found.reason.contains(says), "{}", found.reason);
}
