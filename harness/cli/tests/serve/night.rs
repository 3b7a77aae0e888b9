//! A night on real wires: what ended undecided is tried once more, with the supply off and everything opened anew in between,
//! and a case that passes only then is flaky.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;

use crate::days::{Bench, Day, Run, holds, shines, was_on};
use crate::disk::output_of;
use crate::process::{PROJECT, busbar, within};
use crate::wire::Mode;

const SUITE: &str = "suite: short
title: A moment of sun
spec: P 5.1
needs: [pv, gx, grid]
cases:
  - case: sun
    title: The battery is charged for three minutes
    requirements: [CVL-01]
    start: { soc: 60 %, grid: on, feed-in: off, pv: 2 kW, ac-load: off }
    steps:
      - hold: 3 min
";

fn copied(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder of the project").flatten() {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copied(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).expect("a copy");
        }
    }
}

/// A project with all rigs and one short case.
pub(crate) fn project() -> TempDir {
    let home = TempDir::new().expect("a temporary folder");
    copied(&Path::new(PROJECT).join("rigs"), &home.path().join("rigs"));
    fs::create_dir_all(home.path().join("suites/short")).expect("a folder");
    fs::write(home.path().join("suites/short/short.yaml"), SUITE).expect("written");
    home
}

#[test]
fn what_was_undecided_is_tried_again_with_the_supply_off_in_between() {
    let (bench, home) = (Bench::new("speed: 60", "speed: 60"), project());
    let out = home.path().join("out");
    let night = ["nightly", "--quiet", "--rig", &bench.rig, "--out", out.to_str().expect("a plain path")];
    let mut night = busbar(&night);
    let mut night =
        Run(night.env("BUSBAR_HOME", home.path()).stdout(Stdio::piped()).spawn().expect("it starts"));

    // The GX says no more until the first try has come to its end: nothing is decided.
    within(Duration::from_secs(60), || shines(&out), "the sun");
    bench.strike(Day::Gx(Mode::Silent));
    // It is back before the second try opens anything: the rig is given back and the run concluded in between.
    within(Duration::from_secs(60), || holds(&out, "events.jsonl", "inconclusive"), "the first try");
    bench.strike(Day::Gx(Mode::Whole));
    let mut code = None;
    let ended = || {
        code = night.0.try_wait().expect("it is ours");
        code.is_some()
    };
    within(Duration::from_secs(90), ended, "its end");
    let (mut said, mut told) = (String::new(), String::new());
    night.0.stdout.take().expect("piped").read_to_string(&mut said).expect("text");
    night.0.stderr.take().expect("piped").read_to_string(&mut told).expect("text");
    assert_eq!(code.and_then(|status| status.code()), Some(2), "flaky is no pass: {said}{told}");
    assert!(
        told.contains("undecided, once more with everything switched off and opened anew: short/sun"),
        "{told}"
    );
    assert!(said.starts_with("# FLAKY") && said.contains("0 of 1 case passed, 1 flaky"), "{said}");
    assert!(holds(&out.join("nights"), "junit.xml", "<error"), "no pass for a machine either");
    assert!(holds(&out.join("nights"), "index.html", "scope=rowgroup>Flaky"), "nor on the page");

    // The first try ended with the supply off, read back; the second switched it on anew and off again.
    let run = |begins: &str| -> PathBuf {
        let runs = fs::read_dir(&out).expect("runs").flatten().map(|entry| entry.path());
        let mut own = runs
            .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(begins)));
        own.next().unwrap_or_else(|| panic!("{begins}: {told}"))
    };
    for (run, outcome) in [(run("night-reference"), "inconclusive"), (run("night-again"), "pass")] {
        assert!(was_on(&run), "{}: it was on", run.display());
        let wire = fs::read_to_string(run.join("psu-wire.log")).expect("psu-wire.log");
        let on = wire.rfind("OUTP ON").expect("it was switched on");
        // It may be switched off more than once: whoever leaves it makes sure.
        let off = on + wire[on..].find("OUTP OFF").expect("it was switched off, and stayed off");
        assert!(wire[off..].contains("OUTP?"), "and read back: {}", &wire[off..]);
        let verdicts = fs::read_to_string(run.join("verdicts.json")).expect("verdicts");
        let verdicts: serde_json::Value = serde_json::from_str(&verdicts).expect("JSON");
        assert_eq!(verdicts["cases"][0]["outcome"], outcome);
    }
    assert_eq!(output_of(&bench.serving.address("psu")), "0");
}
