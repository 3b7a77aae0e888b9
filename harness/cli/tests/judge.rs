//! `busbar judge` and `busbar report`: a run judged again from its folder alone, whole, cut off and changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rstest::rstest;
use tempfile::TempDir;

const PROJECT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
const WITNESSED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../rigs/witnessed/simulated-witnessed.yaml");
const MEASUREMENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/measurements.yaml");
const RAW: [&str; 5] = ["can.log", "gx.csv", "supply.csv", "bus.csv", "events.jsonl"];

/// The folder is all that it takes: there is no project where this runs.
fn busbar(home: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_busbar"))
        .args(arguments)
        .env("BUSBAR_HOME", home)
        .current_dir("/")
        .output()
        .expect("the binary was built for this test")
}

fn run(arguments: &[&str]) -> (TempDir, PathBuf, Output) {
    let out = TempDir::new().expect("a temporary folder");
    let folder = out.path().to_string_lossy().into_owned();
    let output = busbar(Path::new(PROJECT), &[&["run", "--quiet", "--out", &folder], arguments].concat());
    let run = fs::read_link(out.path().join("latest"))
        .unwrap_or_else(|_| panic!("a run: {}", String::from_utf8_lossy(&output.stderr)));
    let run = out.path().join(run);
    (out, run, output)
}

fn again(verb: &str, run: &Path, more: &[&str]) -> Output {
    busbar(Path::new("/nowhere"), &[&[verb, &run.to_string_lossy()], more].concat())
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Good and bad batteries, faults of the links and the instruments, numbers drawn by a seed, and a rig that is like
/// another one.
#[rstest]
#[case(&["links", "keep-alive", "grid-loss"])]
#[case(&["alarms", "gx"])]
#[case(&["feed-in/load-steps", "--sweep", "--seed", "7"])]
#[case(&["feed-in/load-steps", "blackout-recovery", "--battery", "oscillating"])]
#[case(&["blackout-recovery", "--battery", "blackout-deadlock"])]
#[case(&["tracking", "--battery", "tracks-voltage", "--rig", "simulated-tight"])]
#[case::bytes_of_witnesses(&[MEASUREMENTS, "--rig", WITNESSED, "--battery", "current-reads-low"])]
fn a_run_is_judged_again_to_the_byte(#[case] arguments: &[&str]) {
    let (_keep, run, first) = run(arguments);
    let table = again("judge", &run, &[]);
    assert!(said(&table).contains("same verdicts as in verdicts.json"), "{}", said(&table));
    assert_eq!(table.status.code(), first.status.code(), "{}", said(&table));
    let json = again("judge", &run, &["--format", "json"]);
    assert!(json.stdout == fs::read(run.join("verdicts.json")).expect("verdicts.json"), "not the same bytes");

    let files = ["report.html", "junit.xml", "verdicts.json", "manifest.json"];
    let read = || files.map(|name| fs::read(run.join(name)).expect(name));
    let before = read();
    for name in &files[..3] {
        fs::remove_file(run.join(name)).expect(name);
    }
    let rendered = again("report", &run, &[]);
    assert_eq!(rendered.status.code(), Some(0), "{}", said(&rendered));
    for ((before, after), name) in before.iter().zip(read()).zip(files) {
        assert!(*before == after, "{name} is rendered another way");
    }
}

/// A copy of a run in which one file ends after so many bytes, with no conclusion, as a lost power leaves it.
fn cut(run: &Path, name: &str, length: u64) -> TempDir {
    let copy = copied(run);
    let file = fs::OpenOptions::new().write(true).open(copy.path().join(name)).expect(name);
    file.set_len(length).expect("cut");
    copy
}

fn copied(run: &Path) -> TempDir {
    let copy = TempDir::new().expect("a temporary folder");
    for name in RAW {
        fs::copy(run.join(name), copy.path().join(name)).expect(name);
    }
    // The inputs are only read.
    #[cfg(unix)]
    std::os::unix::fs::symlink(run.join("inputs"), copy.path().join("inputs")).expect("a link");
    copy
}

/// The process at some places of each file; every place is tried where it is quick, in the tests of `report`.
#[rstest]
fn a_run_that_was_cut_off_has_not_passed(
    #[values("can.log", "gx.csv", "supply.csv", "bus.csv", "events.jsonl")] name: &str,
) {
    let (_keep, run, first) = run(&["keep-alive"]);
    assert_eq!(first.status.code(), Some(0), "{}", said(&first));
    let length = fs::metadata(run.join(name)).expect(name).len();
    for part in 0..12 {
        let copy = cut(&run, name, length * part / 12);
        let output = again("judge", copy.path(), &["--format", "json"]);
        let said = said(&output);
        match output.status.code() {
            Some(65) => assert!(
                name == "events.jsonl" && part == 0 && said.contains("nothing was recorded"),
                "{said}"
            ),
            Some(2) => {
                let verdicts: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
                assert_eq!(verdicts["outcome"], "inconclusive", "{name} after {part}/12: {said}");
                // Where the events end between two cases, the case before is whole.
                let cases = verdicts["cases"].as_array().expect("cases");
                // Where they end before the first, there is none.
                let last = cases.last().map(|case| case["outcome"].as_str().expect("a word"));
                assert!(
                    name == "events.jsonl" || last == Some("inconclusive"),
                    "{name} after {part}/12: {said}"
                );
                assert_eq!(name == "events.jsonl", verdicts["cut_off"].is_string(), "{verdicts:#}");
            }
            other => panic!("{name} after {part}/12 ends with {other:?}: {said}"),
        }
    }
}

#[test]
fn a_run_that_ended_between_two_cases_has_not_passed() {
    let (_keep, run, _) = run(&["keep-alive"]);
    let copy = copied(&run);
    let path = copy.path().join("events.jsonl");
    let text = fs::read_to_string(&path).expect("events");
    let end = text.find("\"kind\":\"case-end\"").expect("an end");
    let end = end + text[end..].find('\n').expect("a line") + 1;
    fs::write(&path, &text[..end]).expect("written");
    let output = again("judge", copy.path(), &[]);
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(2), "{table}");
    assert!(table.contains("the run was cut off: 1 of its") && table.contains("1 passed"), "{table}");
}

/// Evidence that was changed: what it decides is shown, that it differs is said, and nothing new vouches for it.
#[test]
fn changed_evidence_does_not_give_the_same_verdicts() {
    let (_keep, run, _) = run(&["feed-in/load-steps"]);
    let path = run.join("can.log");
    let text = fs::read_to_string(&path).expect("can.log");
    // CCL and DCL at 0 A from somewhere on.
    let (before, after) = text.split_at(text.len() / 2);
    let start = after.find('\n').expect("lines") + 1;
    let changed: String = after[start..]
        .lines()
        .map(|line| match line.split_once(" 351#") {
            Some((head, data)) => format!("{head} 351#{}00000000{}\n", &data[..4], &data[12..]),
            None => format!("{line}\n"),
        })
        .collect();
    fs::write(&path, format!("{before}{}{changed}", &after[..start])).expect("written");
    let output = again("judge", &run, &[]);
    let said_now = said(&output);
    assert_eq!(output.status.code(), Some(65), "{said_now}");
    assert!(said_now.contains("changed since manifest.json was written: can.log"), "{said_now}");
    assert!(
        said_now.contains("NOT the verdicts of verdicts.json") && said_now.contains("feed-in/load-steps"),
        "{said_now}"
    );
    let manifest = fs::read(run.join("manifest.json")).expect("manifest");
    let output = again("report", &run, &[]);
    assert_eq!(output.status.code(), Some(65));
    assert!(said(&output).contains("Nothing was rendered"), "{}", said(&output));
    assert_eq!(manifest, fs::read(run.join("manifest.json")).expect("manifest"));
}

#[test]
fn what_is_no_run_is_refused_with_what_is_missing() {
    let empty = TempDir::new().expect("a temporary folder");
    let output = again("judge", empty.path(), &[]);
    assert_eq!(output.status.code(), Some(65));
    assert!(said(&output).contains("events.jsonl cannot be read"), "{}", said(&output));

    let (_keep, run, _) = run(&["keep-alive"]);
    let bad = |name: &str, change: &dyn Fn(&Path), says: &str| {
        let copy = copied(&run);
        change(&copy.path().join(name));
        for verb in ["judge", "report"] {
            let output = again(verb, copy.path(), &[]);
            assert_eq!(output.status.code(), Some(65), "{}", said(&output));
            assert!(said(&output).contains(says), "{}", said(&output));
        }
    };
    bad("can.log", &|path| fs::remove_file(path).expect("removed"), "can.log cannot be read");
    let before = |path: &Path| fs::rename(path.with_file_name("supply.csv"), path).expect("renamed");
    bad("psu.log", &before, concat!("psu.log is a file of Busbar ", env!("CARGO_PKG_VERSION")));
    bad("inputs", &|path| fs::remove_file(path).expect("removed"), "does not hold the suites and rigs");
    let spoil = |path: &Path| {
        let text = fs::read_to_string(path).expect("text").replacen("\n", "\nwhat is this\n", 1);
        fs::write(path, text).expect("written");
    };
    for (name, place) in [
        ("can.log", "can.log:2:"),
        ("gx.csv", "gx.csv:2:"),
        ("supply.csv", "supply.csv:2:"),
        ("bus.csv", "bus.csv:2:"),
        ("events.jsonl", "events.jsonl:2:"),
    ] {
        bad(name, &spoil, place);
    }
}
