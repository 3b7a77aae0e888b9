//! `busbar run` as its users meet it: the process, its exit codes, its files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rstest::rstest;
use tempfile::TempDir;

const PROJECT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

fn busbar(home: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_busbar"))
        .args(arguments)
        .env("BUSBAR_HOME", home)
        .env_remove("NO_COLOR")
        .output()
        .expect("the binary was built for this test")
}

/// Runs cases of the project into a folder of their own; the run folder and the exit code.
fn run(arguments: &[&str]) -> (TempDir, PathBuf, i32) {
    let out = TempDir::new().expect("a temporary folder");
    let folder = out.path().to_string_lossy().into_owned();
    let all = [&["run", "--quiet", "--out", &folder], arguments].concat();
    let output = busbar(Path::new(PROJECT), &all);
    let code = output.status.code().expect("it ended by itself");
    let run = fs::read_dir(out.path())
        .expect("the folder is there")
        .map(|entry| entry.expect("an entry").path())
        .find(|path| path.file_name().is_some_and(|name| name != "latest"));
    let run = run.unwrap_or_else(|| panic!("a run folder: {}", String::from_utf8_lossy(&output.stderr)));
    (out, run, code)
}

fn verdicts(run: &Path) -> serde_json::Value {
    let text = fs::read_to_string(run.join("verdicts.json")).expect("verdicts.json");
    serde_json::from_str(&text).expect("JSON")
}

/// A project of its own, to be spoiled.
fn project() -> TempDir {
    fn copy(from: &Path, to: &Path) {
        fs::create_dir_all(to).expect("a folder");
        for entry in fs::read_dir(from).expect("a folder") {
            let path = entry.expect("an entry").path();
            let target = to.join(path.file_name().expect("a name"));
            if path.is_dir() {
                copy(&path, &target);
            } else if path.extension().is_some_and(|e| e == "yaml") {
                fs::copy(&path, &target).expect("a copy");
            }
        }
    }
    let home = TempDir::new().expect("a temporary folder");
    for folder in ["suites", "rigs"] {
        copy(&Path::new(PROJECT).join(folder), &home.path().join(folder));
    }
    home
}

/// CI is told how long each case took on the clock of the wall, and how long on that of the rig.
#[test]
fn junit_goes_to_the_file_that_is_named() {
    let named = TempDir::new().expect("a temporary folder");
    let file = named.path().join("junit.xml");
    let (_out, run, code) = run(&["--junit", &file.to_string_lossy(), "gx/start-up"]);
    assert_eq!(code, 0);
    let text = fs::read_to_string(&file).expect("it was written");
    assert!(text.contains("<property name=\"simulated-time\" value=\"600."), "{text}");
    let time = |text: &str| {
        let case = text.split("<testcase ").nth(1).expect("a case").to_owned();
        case.split("time=\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next()?.parse::<f64>().ok())
            .expect("a time")
    };
    let kept = fs::read_to_string(run.join("junit.xml")).expect("it is kept");
    assert!(time(&text) < 300.0 && time(&kept) >= 600.0, "{} and {}", time(&text), time(&kept));
}

#[test]
fn a_copy_that_keeps_the_name_of_its_model_is_refused() {
    let home = project();
    let (reference, copy) = ("rigs/batteries/reference.yaml", "rigs/batteries/my.yaml");
    fs::copy(home.path().join(reference), home.path().join(copy)).expect("a copy");
    let output = busbar(home.path(), &["run", "--quiet", "--battery", "my"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(65), "{said}");
    assert!(said.contains("my.yaml:2:") && said.contains("expected `my`"), "{said}");
}

#[test]
fn two_suites_of_one_name_are_refused() {
    let home = project();
    let (suite, copy) = ("suites/tracking/tracking.yaml", "suites/tracking/twice.yaml");
    fs::copy(home.path().join(suite), home.path().join(copy)).expect("a copy");
    let output = busbar(home.path(), &["list", "suites"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(65), "{said}");
    assert!(said.contains("twice.yaml") && said.contains("tracking.yaml is called `tracking`"), "{said}");
}

#[test]
fn one_seed_is_one_run_to_the_byte_and_another_seed_comes_to_the_same_verdicts() {
    let (_a, first, _) = run(&["--seed", "7", "feed-in/load-steps"]);
    let (_b, second, _) = run(&["--seed", "7", "feed-in/load-steps"]);
    let (_c, other, _) = run(&["--seed", "8", "feed-in/load-steps"]);
    for file in ["can.log", "bus.csv", "gx.csv", "supply.csv", "events.jsonl", "verdicts.json"] {
        let bytes = |run: &Path| fs::read(run.join(file)).expect(file);
        assert!(bytes(&first) == bytes(&second), "{file} differs between two runs of one seed");
    }
    let log = |run: &Path| fs::read(run.join("can.log")).expect("can.log");
    assert!(log(&first) != log(&other), "another seed gives other frames");
    let outcomes = |run: &Path| {
        verdicts(run)["cases"][0]["verdicts"]
            .as_array()
            .expect("verdicts of the case")
            .iter()
            .map(|v| (v["requirement"].clone(), v["outcome"].clone()))
            .collect::<Vec<_>>()
    };
    assert!(!outcomes(&first).is_empty());
    assert_eq!(outcomes(&first), outcomes(&other));
}

#[rstest]
#[case("reference")]
#[case("lower-when-full")]
#[case("penalty-sum")]
#[case("clipped-sum")]
#[case("cell-pi")]
#[case("float-after-absorption")]
fn a_compliant_battery_passes_everything(#[case] battery: &str) {
    let (_keep, run, code) = run(&["--battery", battery]);
    assert_eq!(code, 0, "{:#}", verdicts(&run)["cases"]);
}

#[rstest]
#[case("ccl-zero-when-full")]
#[case("tracks-voltage")]
#[case("oscillating")]
#[case("blackout-deadlock")]
#[case("cvl-zero-when-full")]
#[case("cvl-stuck-at-zero")]
#[case("jumping-limits")]
#[case("cvl-copies-voltage")]
#[case("mute-without-charge")]
#[case("no-charge-after-empty")]
#[case("contactor-stays-open")]
#[case("negative-limits")]
#[case("boot-garbage")]
#[case("celsius-in-cells")]
#[case("big-endian-limits")]
#[case("glitch-frames")]
#[case("identity-switches")]
fn a_faulty_battery_fails_by_the_requirement_that_its_file_names(#[case] battery: &str) {
    let file = Path::new(PROJECT).join(format!("rigs/batteries/{battery}.yaml"));
    let parsed = files::BatteryFile::load(&file, &|path| path.display().to_string()).expect("a good file");
    let files::Expectation::Fail(expected) = parsed.expect else { panic!("{battery} is expected to fail") };
    let (_keep, run, code) = run(&["--battery", battery]);
    assert_eq!(code, 1);
    let verdicts = verdicts(&run);
    let cause = verdicts["cause"]["requirement"].as_str().expect("a cause");
    assert!(expected.iter().any(|id| id == cause), "{battery}: {cause} is told first");
    for id in expected {
        let failed = verdicts["cases"].as_array().expect("cases").iter().any(|case| {
            case["verdicts"]
                .as_array()
                .expect("verdicts")
                .iter()
                .any(|v| v["requirement"] == id.as_str() && v["outcome"] == "fail")
        });
        assert!(failed, "{battery} fails {id}");
    }
}

#[rstest]
#[case(&["run", "feed-in/load-step"], "feed-in/load-steps")]
#[case(&["run", "fed-in"], "feed-in")]
#[case(&["run", "--battery", "referense"], "reference")]
#[case(&["run", "--rig", "simulate"], "simulated")]
#[case(&["runn"], "run")]
#[case(&["run", "--sed", "1"], "--seed")]
fn an_unknown_name_is_bad_usage_with_the_nearest(#[case] arguments: &[&str], #[case] nearest: &str) {
    let output = busbar(Path::new(PROJECT), arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(64), "{said}");
    assert!(said.contains(nearest), "{said}");
}

/// Each spoils one line of a file; the message names file, line and column, shows the line and says what was expected.
#[rstest]
#[case(
    "suites/feed-in/feed-in.yaml",
    "timeout: 3 h",
    "timeout: 3",
    "`timeout` has no unit",
    "such as `20 s`"
)]
#[case(
    "suites/feed-in/feed-in.yaml",
    "timeout: 3 h",
    "timeout: 3 V",
    "the unit `V` does not fit",
    "such as `20 s`"
)]
#[case("suites/feed-in/feed-in.yaml", "hold: 2 h", "hodl: 2 h", "hodl", "hold")]
#[case("suites/feed-in/feed-in.yaml", "[BEH-FI,", "[BEH-FO,", "BEH-FO", "BEH-FI")]
#[case("suites/blackout-recovery/blackout-recovery.yaml", "at-least: 10 %", "at-least: 101 %", "101", "")]
#[case(
    "suites/feed-in/feed-in.yaml",
    "spec: P 1.5.3.1",
    "spec: P 1\nspec: P 2",
    "second time",
    "every key once"
)]
#[case(
    "rigs/simulated.yaml",
    "battery.voltage: { at-most: 60 V",
    "battery.voltage: { at-most: 60 A",
    "`A` does not fit",
    "56.4 V"
)]
#[case("rigs/simulated.yaml", "battery.voltage: {", "battery.voltag: {", "battery.voltag", "battery.voltage")]
#[case("rigs/batteries/reference.yaml", "capacity: 280 Ah", "capacity: 280", "no unit", "280 Ah")]
#[case("rigs/batteries/reference.yaml", "expect: pass", "expect: *all", "alias", "")]
fn a_bad_file_is_refused_before_anything_starts(
    #[case] file: &str,
    #[case] good: &str,
    #[case] bad: &str,
    #[case] says: &str,
    #[case] expected: &str,
) {
    let home = project();
    let path = home.path().join(file);
    let text = fs::read_to_string(&path).expect("the file");
    assert!(text.contains(good), "{file} holds {good}");
    fs::write(&path, text.replacen(good, bad, 1)).expect("written");
    let suite = file.split('/').nth(1).filter(|_| file.starts_with("suites/")).unwrap_or("feed-in");
    let output = busbar(home.path(), &["run", suite]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(65), "{said}");
    assert!(said.contains(&format!("{file}:")), "{said}");
    assert!(said.contains(says) && said.contains(expected), "{said}");
    assert!(output.stdout.is_empty(), "no verdict");
    assert!(!home.path().join("reports").exists(), "nothing was started");
}

/// The suite of one does not keep the others from their night; what it would have judged is open, and a certification does
/// not begin.
#[test]
fn a_broken_suite_stops_only_itself() {
    let home = TempDir::new().expect("a temporary folder");
    for name in ["rigs/simulated.yaml", "rigs/batteries/reference.yaml", "suites/keep-alive/keep-alive.yaml"]
    {
        let path = home.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::copy(Path::new(PROJECT).join(name), path).expect("a copy");
    }
    fs::create_dir_all(home.path().join("suites/mine")).expect("made");
    fs::write(home.path().join("suites/mine/mine.yaml"), "suite: mine\nno-such: key\n").expect("written");
    let text = |output: &Output| [&output.stdout[..], &output.stderr].map(String::from_utf8_lossy).concat();
    let ran = busbar(home.path(), &["run", "--quiet", "keep-alive/just-below-ten-minutes"]);
    assert_eq!(ran.status.code(), Some(0), "{}", text(&ran));
    assert!(
        text(&ran).contains("a suite file cannot be read, its cases are left out: suites/mine/mine.yaml:"),
        "{}",
        text(&ran)
    );
    let ran = busbar(home.path(), &["run", "--quiet"]);
    assert_eq!(ran.status.code(), Some(2), "{}", text(&ran));
    assert!(
        text(&ran).contains("NOT TRIED: a suite file cannot be read: suites/mine/mine.yaml:"),
        "{}",
        text(&ran)
    );
    let judged = busbar(home.path(), &["judge", &home.path().join("reports/latest").display().to_string()]);
    assert!(text(&judged).contains("same verdicts as in verdicts.json"), "{}", text(&judged));
    for arguments in [&["run", "mine/any"][..], &["certify", "--quiet", "--rig", "simulated"]] {
        let refused = busbar(home.path(), arguments);
        assert_eq!(refused.status.code(), Some(65), "{}", text(&refused));
        assert!(text(&refused).contains("suites/mine/mine.yaml:"), "{}", text(&refused));
    }
}

#[test]
fn a_bomb_is_refused_in_no_time() {
    let deep = "[".repeat(100_000);
    let mut laughs = "a: &a [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (name, before) in "bcdefgh".chars().zip("abcdefg".chars()) {
        laughs += &format!("{name}: &{name} [{}]\n", vec![format!("*{before}"); 9].join(", "));
    }
    for bomb in [deep, laughs, "\0\u{1}\u{2}".to_owned(), String::new()] {
        let home = project();
        fs::write(home.path().join("suites/feed-in/feed-in.yaml"), &bomb).expect("written");
        let output = busbar(home.path(), &["run", "feed-in/load-steps"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(65), "{said}");
        assert!(said.contains("feed-in.yaml:1:"), "{said}");
        assert!(said.len() < 2_000, "one clear message, not the whole bomb");
    }
}

#[test]
fn outside_a_project_the_message_says_so() {
    let empty = TempDir::new().expect("a temporary folder");
    let output = busbar(empty.path(), &["run"]);
    assert_eq!(output.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&output.stderr).contains("suites/"));
}

#[test]
fn a_folder_that_cannot_be_written_is_said_before_anything_runs() {
    let output = busbar(Path::new(PROJECT), &["run", "--out", "/proc/busbar"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("/proc/busbar") && said.contains("nothing was run"), "{said}");
}

#[cfg(target_os = "linux")]
#[rstest]
#[case(&["schema", "suite"])]
#[case(&["list", "requirements"])]
fn an_answer_that_cannot_be_written_is_no_success(#[case] arguments: &[&str]) {
    let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("Linux has it");
    let output = Command::new(env!("CARGO_BIN_EXE_busbar"))
        .args(arguments)
        .env("BUSBAR_HOME", PROJECT)
        .stdout(full)
        .output()
        .expect("the binary was built for this test");
    let words = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{words}");
    assert!(words.contains("standard output"), "{words}");
}

#[test]
fn the_report_shows_the_pages_of_the_gx_beside_what_it_showed() {
    let (_out, run, code) = run(&["feed-in/hold-while-full"]);
    assert_eq!(code, 0);
    let report = fs::read_to_string(run.join("report.html")).expect("a report");
    let page = report.split_once("<section id=pages>").expect("the pages").1;
    // The label of P 6.1, what was sent, and the registers 1290, 305 and 304 (facts of the GX).
    for (label, sent, shown) in [
        ("Charge Voltage Limit (CVL)", "55.3V", "55.3V"),
        ("State of charge", "100%", "100%"),
        ("Internal failure", "Ok", "no alarm"),
    ] {
        let row = format!("{label}<td>{sent}<td>{shown}");
        assert!(page.contains(&row), "{row}");
    }
}

/// A test of one's own, by its path and without a project: what it expects is judged by itself, under its own name.
#[rstest]
#[case::it_holds("at-most: 57 V", 0, "pass")]
#[case::it_does_not("at-most: 40 V", 1, "fail")]
fn a_suite_of_ones_own_is_run_by_its_path(#[case] bound: &str, #[case] code: i32, #[case] outcome: &str) {
    let home = TempDir::new().expect("a temporary folder");
    let busbar = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_busbar"));
        let command = command.args(arguments).env_remove("BUSBAR_HOME").current_dir(&home);
        command.output().expect("the binary was built for this test")
    };
    let suite = format!(
        "suite: my-suite\ntitle: t\nspec: P 1.5\nneeds: [pv, gx, grid]\ncases:\n  - case: stays-low\n    title: t\n    \
         start: {{ soc: 60 %, grid: on, feed-in: off, pv: 1 kW, ac-load: off }}\n    steps:\n      - hold: 2 min\n      \
         - expect: {{ that: {{ cvl: {{ {bound} }} }}, within: 1 min, as: keeps-its-limit }}\n      - hold: 1 min\n"
    );
    let path = home.path().join("tests of mine/my-suite.yaml");
    fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    fs::write(&path, suite).expect("written");
    let (path, out) = (path.to_string_lossy().into_owned(), home.path().join("out"));
    let output = busbar(&["run", "-q", "--out", &out.to_string_lossy(), &path]);
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{text}");
    let folder = out.join("my-suite-reference-seed1-001");
    let verdicts = verdicts(&folder);
    let verdict = &verdicts["cases"][0]["verdicts"][0];
    assert_eq!(
        (verdict["requirement"].as_str(), verdict["outcome"].as_str()),
        (Some("keeps-its-limit"), Some(outcome))
    );
    // The folder holds the suite, and is judged again as any other.
    let again = busbar(&["judge", &folder.to_string_lossy()]);
    assert_eq!(again.status.code(), Some(code), "{}", String::from_utf8_lossy(&again.stderr));
    let missing = busbar(&["run", "-q", "nowhere.yaml"]);
    assert!(String::from_utf8_lossy(&missing.stderr).contains("nowhere.yaml"), "{missing:?}");
}
