//! A small battery meets the same test as a large one: what it is tried with is less, and comes as fast.

use std::fs;

use files::Library;
use judge::verdict::Outcome;
use rstest::rstest;
use session::Setup;
use session::attempt::Unseen;

/// 700 W: the load that is dropped charges it with 18 A for less than a second.
const SMALL: &str = "
title: 7 cells of NMC, 50 Ah
declared:
  chemistry: nmc
  cells: 7
  capacity: 50 Ah
  max-charge-voltage: 29.0 V
  min-voltage: 22.4 V
  cell-over-voltage: 4.22 V
  cell-under-voltage: 2.70 V
  max-charge-current: 25 A
  max-discharge-current: 50 A
  max-temperature: 55 °C
";

/// P 1.5.4, in several worlds: the surge is over before the next sample of the battery in most of them.
#[rstest]
#[case::good("expect: pass", Outcome::Pass)]
#[case::opens(
    "expect: { fail: [BEH-AC] }\nsimulated: { faults: [ { opens-on-surge: { soc: 99.5 %, current: 7 A } } ] }",
    Outcome::Fail
)]
fn a_dropped_load_reaches_it(#[case] more: &str, #[case] expected: Outcome) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("small.yaml");
    fs::write(&path, format!("battery: small{SMALL}{more}\n")).expect("written");
    let library = Library::shipped();
    let battery = session::battery(&library, &path.to_string_lossy()).expect("a good battery");
    let rig = session::rig(&library, "simulated-24v").expect("a good rig");
    let setup = Setup::of(rig, battery).expect("a good pair");
    let suites = library.read_suites().expect("good suites");
    for seed in 1..=3 {
        let world = if seed == 1 { setup.clone() } else { setup.swept(seed) };
        let entries = world.plan(suites.cases()).expect("limits");
        let entries = entries.into_iter().filter(|entry| entry.suite.name == "load-dump");
        let found = entries.map(|entry| {
            let name = entry.name();
            let attempt = world.attempt(entry.planned, &name, seed, &mut Unseen);
            let own = attempt.verdicts.into_iter().find(|verdict| verdict.requirement.id == "BEH-AC");
            own.expect("judged").outcome
        });
        let worst = found.max().expect("cases");
        assert_eq!(worst, expected, "seed {seed}");
    }
}
