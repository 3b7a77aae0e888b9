//! No suite lifts a limit of a live rig, and no instrument that falls silent does: the supply is off in time.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use tempfile::TempDir;

use crate::days::was_on;
use crate::disk::output_of;
use crate::night::project;
use crate::process::{Serving, busbar};

/// How much faster than the clock the rig runs.
const SPEED: f64 = 60.0;

/// A served rig whose supply is on TCP, and the rig file for it.
fn served(more: &[&str], good: &str, other: &str) -> (Serving, String) {
    let serving = Serving::start(&[&["--speed", "60", "--psu-port", "0"], more].concat());
    let rig = serving.rig(good, other);
    let serial = format!("{{ serial: {} }}", serving.address("psu"));
    let tcp = format!("{{ tcp: \"{}\" }}", serving.address("psu"));
    let text = fs::read_to_string(&rig).expect("written a moment ago").replace(&serial, &tcp);
    fs::write(&rig, text).expect("written");
    (serving, rig)
}

/// A project whose one case has these steps from line 12 on.
fn case(steps: &str) -> TempDir {
    let home = project();
    let suite = format!(
        "suite: short\ntitle: t\nspec: P 5.3\nneeds: [pv, gx, grid, silence, inject]\ncases:\n  - case: sun\n    title: t\n    \
         requirements: [CVL-01]\n    start: {{ soc: 60 %, grid: on, feed-in: off, pv: off, ac-load: off }}\n    steps:\n      \
         - hold: 10 s\n{steps}"
    );
    fs::write(home.path().join("suites/short/short.yaml"), suite).expect("written");
    home
}

fn run(home: &TempDir, rig: &str) -> (Output, Option<PathBuf>) {
    let out = home.path().join("out");
    let mut command = busbar(&["run", "--quiet", "--rig", rig, "--out", out.to_str().expect("a plain path")]);
    let done = command.env("BUSBAR_HOME", home.path()).output().expect("it ends");
    let folder = fs::read_dir(&out).ok().and_then(|runs| {
        let mut runs = runs.flatten().map(|run| run.path());
        runs.find(|path| path.is_dir() && !path.is_symlink())
    });
    (done, folder)
}

/// What was validated once, and left a live supply on at 120 °C, 8.7 V a cell and 3100 A.
#[test]
fn a_suite_that_would_lift_a_limit_is_refused_with_its_line_before_anything_starts() {
    let (serving, rig) = served(&[], "speed: 60", "speed: 60");
    for (step, says) in [
        ("inject: { cell-voltage: { by: 5 V, for: 700 h } }", "`limits.faking.cell-voltage`"),
        ("inject: { cell-voltage: { by: 500 mV, for: 700 h } }", "`battery.highest-cell`"),
        ("inject: { current: { by: 3000 A, for: 700 h } }", "`limits.faking.current`"),
        ("inject: { temperature-open: { for: 700 h } }", "`battery.temperature`"),
        ("silence: { id: 0x351, for: 700 h }", "`battery.cvl`"),
    ] {
        let (done, folder) = run(&case(&format!("      - {step}\n      - hold: 1 min\n")), &rig);
        let said = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(65), "{said}");
        assert!(said.contains("suites/short/short.yaml:12: ") && said.contains(says), "{said}");
        assert_eq!(folder, None, "nothing began");
    }
    assert_eq!(output_of(&serving.address("psu")), "0");
}

/// The first interlock of a run, as its line of evidence.
fn interlock(folder: &Path) -> String {
    let events = fs::read_to_string(folder.join("events.jsonl")).expect("events");
    let line =
        events.lines().find(|line| line.contains("\"interlock\"")).unwrap_or_else(|| panic!("{events}"));
    line.to_owned()
}

/// The battery is made to read 30 A less than flow: what inverter and charger measure is held against the limit.
#[test]
fn a_current_that_a_suite_fakes_is_watched_by_inverter_and_charger() {
    let (serving, rig) = served(&[], "battery.current: { at-most: 200 A", "battery.current: { at-most: 20 A");
    let home = case(
        "      - inject: { current: { by: -30 A, for: 30 min } }\n      - pv: 2 kW\n      - hold: 20 min\n",
    );
    let (done, folder) = run(&home, &rig);
    let said = String::from_utf8_lossy(&done.stdout);
    assert_eq!(done.status.code(), Some(2), "{said}{}", String::from_utf8_lossy(&done.stderr));
    let line = interlock(&folder.expect("a run"));
    assert!(line.contains("charge current") && line.contains("(inverter and solar charger)"), "{line}");
    assert_eq!(output_of(&serving.address("psu")), "0");
}

/// The battery no longer sends what a limit rests on: the age of that, and no more than 2 s of the clock beyond it.
#[test]
fn a_reading_that_comes_no_more_switches_off() {
    // Ages at 60 times the speed of the clock: two minutes, and twice that.
    for (stalled, what, age) in [
        (&["0x351"][..], "time without 0x351", 120.0),
        (&["0x373"][..], "time without a highest cell", 240.0),
        (&["0x356", "0x373"][..], "time without a temperature", 240.0),
    ] {
        let battery = tempfile::tempdir().expect("a folder");
        let rigs = Path::new(crate::process::PROJECT).join("rigs/batteries/reference.yaml");
        fs::copy(rigs, battery.path().join("reference.yaml")).expect("a copy");
        let path = battery.path().join("mute.yaml");
        let stall: Vec<_> = stalled
            .iter()
            .map(|id| format!("{{ stall: {{ id: {id}, every: 100 h, span: 99.99 h }} }}"))
            .collect();
        let text = format!(
            "battery: mute\ntitle: t\nexpect: pass\nlike: reference\nsimulated: {{ faults: [ {} ] }}\n",
            stall.join(", ")
        );
        fs::write(&path, text).expect("written");
        let path = path.to_str().expect("a plain path");
        let (serving, rig) = served(&["--battery", path], "speed: 60", "speed: 60");
        let home = case("      - pv: 2 kW\n      - hold: 60 min\n");
        let (done, folder) = run(&home, &rig);
        let said = String::from_utf8_lossy(&done.stdout);
        assert!(matches!(done.status.code(), Some(1 | 2)), "{said}{}", String::from_utf8_lossy(&done.stderr));
        let folder = folder.expect("a run");
        let line = interlock(&folder);
        assert!(line.contains(what), "{line}");
        assert!(was_on(&folder), "it was on");
        let wire = fs::read_to_string(folder.join("psu-wire.log")).expect("psu-wire.log");
        let time = |line: &str| -> Option<f64> { line.strip_prefix('(')?.split(')').next()?.parse().ok() };
        let mut lines = wire.lines().skip_while(|line| !line.contains("> OUTP ON"));
        let on = lines.next().and_then(time).expect("it was switched on");
        let off = lines.find(|line| line.contains("> OUTP OFF")).and_then(time).expect("it was switched off");
        println!("{what}: off {:.1} s of the rig after it was on, age {age} s", off - on);
        assert!(off - on <= age + 2.0 * SPEED, "{what}: {}", off - on);
        assert_eq!(output_of(&serving.address("psu")), "0");
    }
}
