//! `busbar matrix` as its users meet it: what it keeps, what it refuses, its exit codes.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use judge::catalogue::requirements;
use judge::requirement::Severity;
use tempfile::TempDir;

const PROJECT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// A project with one short case, one rig and two batteries, so that a cell takes a moment.
fn project() -> TempDir {
    let home = TempDir::new().expect("a temporary folder");
    for folder in ["suites/s", "rigs/batteries"] {
        fs::create_dir_all(home.path().join(folder)).expect("a folder");
    }
    let battery = "rigs/batteries/reference.yaml";
    fs::copy(Path::new(PROJECT).join(battery), home.path().join(battery)).expect("a copy");
    // What only behaviour or a GX shows is not tried here, and the rig file says so.
    let musts: Vec<_> = requirements().filter(|row| row.severity == Severity::Must).collect();
    let of = |by_log: bool| musts.iter().filter(move |row| row.by_log() == by_log).map(|row| row.id);
    let not_here: String = of(false).map(|id| format!("  {id}: one short case\n")).collect();
    let rig = fs::read_to_string(Path::new(PROJECT).join("rigs/simulated.yaml")).expect("the rig");
    let rig = rig.replacen("\ncan:\n", &format!("\nnot-here:\n{not_here}\ncan:\n"), 1);
    fs::write(home.path().join("rigs/simulated.yaml"), rig).expect("a rig");
    let by_log = of(true).collect::<Vec<_>>().join(", ");
    // 0x351 every 5 s, where the GX waits for 3 s.
    let reference =
        fs::read_to_string(home.path().join("rigs/batteries/reference.yaml")).expect("the battery");
    let slow = reference
        .replace("battery: reference", "battery: slow")
        .replace("expect: pass", "expect: { fail: [TIM-01] }")
        .replace("    period: 1 s ", "    period: 5 s ");
    fs::write(home.path().join("rigs/batteries/slow.yaml"), slow).expect("a battery");
    fs::write(
        home.path().join("suites/s/s.yaml"),
        format!(
            "suite: s\ntitle: t\nspec: P 2\nneeds: [pv, gx, grid]\ncases:\n  - case: c\n    title: t\n    \
             requirements: [{by_log}]\n    \
             start: {{ soc: 50 %, grid: on, feed-in: on, pv: off, ac-load: off }}\n    steps:\n      - hold: 2 min\n"
        ),
    )
    .expect("a suite");
    home
}

fn busbar(home: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_busbar"));
    command.args(arguments).env("BUSBAR_HOME", home).output().expect("the binary was built for this test")
}

fn matrix(home: &Path, out: &Path, arguments: &[&str]) -> (i32, String, String) {
    let out = out.to_string_lossy();
    let all = [&["matrix", "--quiet", "--out", &out], arguments].concat();
    let Output { status, stdout, stderr } = busbar(home, &all);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (status.code().expect("it ended by itself"), text(stdout), text(stderr))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn what_was_stopped_goes_on_and_comes_to_the_same() {
    let (home, out) = (project(), TempDir::new().expect("a temporary folder"));
    let (whole, cut) = (out.path().join("whole"), out.path().join("cut"));
    let (code, said, _) = matrix(home.path(), &whole, &["--seeds", "3"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("failures caught 1/1, compliant refused 0/1 over 3 seeds x 1 rig"), "{said}");

    matrix(home.path(), &cut, &["--seeds", "1"]);
    // As if the program had been killed while it wrote its last line.
    let kept = read(&cut.join("cells.jsonl"));
    fs::write(cut.join("cells.jsonl"), &kept[..kept.len() - 40]).expect("written");
    let (code, again, _) = matrix(home.path(), &cut, &["--seeds", "3"]);
    assert_eq!(code, 0);
    assert_eq!(read(&cut.join("matrix.json")), read(&whole.join("matrix.json")));
    assert_eq!(again.lines().last(), said.replace("whole", "cut").lines().last());
    assert_eq!(read(&cut.join("cells.jsonl")).lines().count(), 7, "a head and six cells");
}

#[test]
fn shards_come_to_the_same_as_the_whole() {
    let (home, out) = (project(), TempDir::new().expect("a temporary folder"));
    let at = |name: &str| out.path().join(name);
    matrix(home.path(), &at("whole"), &["--seeds", "4"]);
    matrix(home.path(), &at("one"), &["--seeds", "4", "--shard", "1/2"]);
    matrix(home.path(), &at("two"), &["--seeds", "4", "--shard", "2/2", "--jobs", "2"]);
    let folders = [at("two"), at("one")].map(|path| path.to_string_lossy().into_owned());
    let (code, _, said) = matrix(home.path(), &at("sum"), &["--merge", &folders[0], &folders[1]]);
    assert_eq!(code, 0, "{said}");
    for file in ["matrix.json", "cells.csv"] {
        assert_eq!(read(&at("sum").join(file)), read(&at("whole").join(file)), "{file}");
    }

    matrix(home.path(), &at("third"), &["--seeds", "4", "--shard", "1/3"]);
    let third = at("third").to_string_lossy().into_owned();
    let (code, _, said) = matrix(home.path(), &at("part"), &["--merge", &third]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("cells are missing, such as "), "{said}");

    // Without a place for the report nothing is written, least of all to what is put together.
    let before = read(&at("one").join("matrix.json"));
    let asked = ["matrix", "--quiet", "--merge", &folders[1], &folders[0]];
    let Output { status, stderr, .. } = busbar(home.path(), &asked);
    assert_eq!(status.code(), Some(64));
    assert!(String::from_utf8_lossy(&stderr).contains("Name a folder with --out"), "{stderr:?}");
    assert_eq!(read(&at("one").join("matrix.json")), before);
}

#[test]
fn results_of_other_files_are_refused() {
    let (home, out) = (project(), TempDir::new().expect("a temporary folder"));
    matrix(home.path(), out.path(), &["--seeds", "1"]);
    let rig = home.path().join("rigs/simulated.yaml");
    fs::write(&rig, read(&rig).replace("ambient: 25 °C", "ambient: 20 °C")).expect("written");
    let (code, _, said) = matrix(home.path(), out.path(), &["--seeds", "1"]);
    assert_eq!(code, 65);
    assert!(
        said.contains("results of other suites, rigs or batteries") && said.contains("cells.jsonl"),
        "{said}"
    );
}

#[test]
fn a_battery_that_is_not_as_its_file_says_fails_the_matrix() {
    let (home, out) = (project(), TempDir::new().expect("a temporary folder"));
    let battery = home.path().join("rigs/batteries/slow.yaml");
    let sound = read(&battery).replace("    period: 5 s ", "    period: 1 s ");
    fs::write(&battery, &sound).expect("written");
    let (code, said, _) = matrix(home.path(), &out.path().join("missed"), &["--seeds", "2"]);
    assert_eq!(code, 1);
    assert!(said.contains("slow on simulated, seed 1: not found by TIM-01"), "{said}");
    assert!(said.contains("faults not caught    1 of 1 battery: 100.00 %"), "{said}");

    // A compliant battery that stays undecided fails too, unless that is allowed.
    let suite = home.path().join("suites/s/s.yaml");
    fs::write(&suite, read(&suite).replace("TIM-01, ", "CVL-06, ")).expect("written");
    let out = out.path().join("open");
    let only = ["--seeds", "1", "--batteries", "reference"];
    let (code, said, _) = matrix(home.path(), &out, &only);
    assert_eq!(code, 1);
    assert!(said.contains("reference on simulated, seed 1: undecided: CVL-06"), "{said}");
    let (code, ..) = matrix(home.path(), &out, &[&only[..], &["--allow-undecided"]].concat());
    assert_eq!(code, 0);
}

/// A vendor may expect of his battery what he likes: the matrix of somebody else tells how it came out, and is not moved.
#[test]
fn the_file_of_a_stranger_expects_nothing_here() {
    let (home, out) = (project(), TempDir::new().expect("a temporary folder"));
    // It is refused by TIM-01 and its file says `pass`; a copy says that it must be found by what it holds.
    let slow = read(&home.path().join("rigs/batteries/slow.yaml"));
    for (name, expect) in [("vain", "expect: pass"), ("meek", "expect: { fail: [CVL-01] }")] {
        let file = slow.replace("battery: slow", &format!("battery: {name}"));
        let file = file.replace("expect: { fail: [TIM-01] }", expect);
        let path = out.path().join(format!("{name}.yaml"));
        fs::write(&path, file).expect("written");
        let asked = ["--seeds", "1", "--batteries", &format!("reference,{}", path.display())];
        let folder = out.path().join(name);
        let (code, said, told) = matrix(home.path(), &folder, &asked);
        assert_eq!(code, 0, "{said}{told}");
        assert!(said.contains("failures caught 0/0, compliant refused 0/1"), "{said}");
        let told = |line: &str| line.split_whitespace().eq(["i", name, "nothing", "0/1", "passed"]);
        assert!(said.lines().any(told), "{said}");
        let cell = read(&folder.join("cells.jsonl"));
        assert!(cell.contains("\"expect\":null,\"outcome\":\"fail\""), "{cell}");
    }
}

#[test]
fn one_failure_is_enough_where_that_is_asked_for() {
    let (home, out) = (project(), TempDir::new().expect("a temporary folder"));
    let battery = home.path().join("rigs/batteries/reference.yaml");
    fs::write(&battery, read(&battery).replace("expect: pass", "expect: { fail: [CVL-01] }"))
        .expect("written");
    let (code, ..) = matrix(home.path(), out.path(), &["--seeds", "20", "--fail-fast", "--jobs", "1"]);
    assert_eq!(code, 1);
    let cells = read(&out.path().join("cells.jsonl"));
    let wrong = |line: &str| line.contains("\"battery\":\"reference\"");
    assert_eq!(cells.lines().filter(|line| wrong(line)).count(), 1, "{cells}");
    assert!(cells.lines().last().is_some_and(wrong), "nothing comes after it: {cells}");
}
