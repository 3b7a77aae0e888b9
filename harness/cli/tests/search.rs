//! `busbar search` as its users meet it: what it finds is run again to the bit, what was stopped goes on, what makes no sense is
//! said.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

const PROJECT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// A project with two short cases, one rig that has ranges and one battery, so that a point takes a moment.
fn project() -> TempDir {
    let home = TempDir::new().expect("a temporary folder");
    for folder in ["suites/s", "rigs/batteries"] {
        fs::create_dir_all(home.path().join(folder)).expect("a folder");
    }
    for file in ["rigs/batteries/reference.yaml", "rigs/simulated.yaml"] {
        fs::copy(Path::new(PROJECT).join(file), home.path().join(file)).expect("a copy");
    }
    let own = "battery: own\nlike: reference\ntitle: o\nexpect: pass\n\
               sweep: { sensors: { cell-noise: [0.1 mV, 2 mV] }, wire: { jitter: [0 ms, 9 ms] } }\n";
    fs::write(home.path().join("rigs/batteries/own.yaml"), own).expect("a battery");
    let case = |name: &str, rows: &str| {
        format!(
            "  - case: {name}\n    title: t\n    requirements: [{rows}]\n    \
             start: {{ soc: 50 %, grid: on, feed-in: on, pv: 1 kW, ac-load: off }}\n    steps:\n      - ac-load: 2 kW\n      - hold: 2 min\n"
        )
    };
    let suite = format!(
        "suite: s\ntitle: t\nspec: P 2\nneeds: [pv, gx, grid, ac-load]\ncases:\n{}{}",
        case("other", "MSG-01"),
        case("c", "TIM-01, TIM-02, MEA-02")
    );
    fs::write(home.path().join("suites/s/s.yaml"), suite).expect("a suite");
    home
}

fn busbar(home: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_busbar"));
    let output = command.args(arguments).env("BUSBAR_HOME", home).output();
    let Output { status, stdout, stderr } = output.expect("the binary was built for this test");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (status.code().expect("it ended by itself"), text(stdout), text(stderr))
}

fn search(home: &Path, out: &Path, arguments: &[&str]) -> (i32, String, String) {
    let out = out.to_string_lossy();
    let all = ["search", "--quiet", "--battery", "own", "--case", "s/c", "--out", &out];
    busbar(home, &[&all[..], arguments].concat())
}

fn json(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn anybody_runs_the_worst_and_has_its_margin_to_the_bit() {
    let (home, out) = (project(), TempDir::new().expect("a folder"));
    let (code, said, told) =
        search(home.path(), out.path(), &["--budget", "20", "--requirement", "TIM-01,MEA-02"]);
    assert_eq!(code, 0, "{said}{told}");
    let worst = &json(&out.path().join("search.json"))["worst"]["worst"];
    let again = said.lines().find_map(|line| line.split_once("busbar run ")).expect("the command");
    let runs = out.path().join("runs").to_string_lossy().into_owned();
    let words: Vec<&str> =
        again.1.split(' ').chain(["--quiet", "--format", "json", "--out", &runs]).collect();
    let (code, verdicts, told) = busbar(home.path(), &[&["run"], &words[..]].concat());
    assert_eq!(code, 0, "{told}");
    let verdicts: Value = serde_json::from_str(&verdicts).expect("JSON");
    let verdicts = verdicts["cases"][0]["verdicts"].as_array().expect("verdicts").clone();
    let own = verdicts.iter().find(|verdict| verdict["requirement"] == worst["requirement"]);
    let margin = &own.expect("its requirement")["margin"];
    for key in ["value", "limit", "margin", "room"] {
        let [run, found] =
            [&margin[key], &worst["figure"][key]].map(|number| number.as_f64().expect("a number"));
        assert_eq!(run.to_bits(), found.to_bits(), "{key}: {margin} {worst}");
    }
}

#[test]
fn what_was_stopped_goes_on_and_comes_to_the_same() {
    let (home, out) = (project(), TempDir::new().expect("a folder"));
    let [whole, cut] = ["whole", "cut"].map(|name| out.path().join(name));
    let (code, said, told) = search(home.path(), &whole, &["--budget", "40", "--jobs", "1"]);
    assert_eq!(code, 0, "{said}{told}");
    search(home.path(), &cut, &["--budget", "11", "--jobs", "2"]);
    // As if the program had been killed while it wrote its last line.
    let points = fs::read_to_string(cut.join("points.jsonl")).expect("points");
    assert_eq!(points.lines().count(), 13, "a head, the files as they are, eleven points");
    fs::write(cut.join("points.jsonl"), &points[..points.len() - 40]).expect("written");
    let (code, ..) = search(home.path(), &cut, &["--budget", "40", "--jobs", "2"]);
    assert_eq!(code, 0);
    for file in ["search.json", "worst.yaml", "worst-battery.yaml", "worst-s.yaml"] {
        let read = |folder: &Path| fs::read_to_string(folder.join(file)).expect("written");
        assert_eq!(read(&cut), read(&whole), "{file}");
    }
    let (code, _, told) = search(home.path(), &cut, &["--budget", "40", "--seed", "2"]);
    assert!(code == 65 && told.contains("of another search"), "{told}");
}

#[test]
fn what_makes_no_sense_is_said_before_anything_is_played() {
    let (home, out) = (project(), TempDir::new().expect("a folder"));
    let refused =
        |arguments: &[&str]| search(home.path(), out.path(), &[&["--budget", "2"], arguments].concat());
    let (code, _, told) = refused(&["--requirement", "CVL-44"]);
    assert!(
        code == 64 && told.contains("there is no requirement `CVL-44`; the nearest are: CVL-0"),
        "{told}"
    );
    let (code, _, told) = refused(&["--requirement", "MSG-01"]);
    assert!(
        code == 64 && told.contains("no case that was asked for judges MSG-01; these do: s/other"),
        "{told}"
    );
    let (code, _, told) = refused(&["--requirement", "BEH-BO"]);
    assert!(code == 64 && told.contains("judges BEH-BO; no case of this project does"), "{told}");
    let (code, _, told) = search(home.path(), out.path(), &["--budget", "0"]);
    assert!(code == 64 && told.contains("--budget"), "{told}");

    let battery = home.path().join("rigs/batteries/own.yaml");
    let good = fs::read_to_string(&battery).expect("a battery");
    fs::write(&battery, good.replace("[0.1 mV, 2 mV]", "[2 mV, 0.1 mV]")).expect("written");
    let (code, _, told) = refused(&[]);
    assert!(code == 65 && told.contains("own.yaml:5:") && told.contains("is the higher one"), "{told}");
    fs::write(&battery, good).expect("written");
    let rig = home.path().join("rigs/simulated.yaml");
    let text = fs::read_to_string(&rig).expect("a rig");
    fs::write(&rig, text.replace("r0: [0.154 mΩ, 0.286 mΩ]", "r0: [0.286 mΩ, 0.154 mΩ]")).expect("written");
    let (code, _, told) = refused(&[]);
    assert!(code == 65 && told.contains("simulated.yaml:") && told.contains("is the higher one"), "{told}");
    fs::write(&rig, text.split("\n# What nobody knows").next().expect("a head")).expect("written");
    let reference = ["search", "--battery", "reference", "--case", "s/c", "--as-written"];
    let (code, _, told) = busbar(home.path(), &reference);
    assert!(code == 64 && told.contains("nothing has a range to search in"), "{told}");
}

/// A program that dies at one point decides nothing there, and the search goes on and says so.
#[cfg(unix)]
#[test]
fn a_program_that_dies_leaves_its_points_undecided() {
    let (home, out) = (project(), TempDir::new().expect("a folder"));
    let program = "battery: dies\nlike: reference\ntitle: d\nexpect: pass\nsimulated: { program: { command: [\"/bin/false\"] } }\n";
    fs::write(home.path().join("rigs/batteries/dies.yaml"), program).expect("a battery");
    let place = out.path().to_string_lossy().into_owned();
    let arguments =
        ["search", "--quiet", "--battery", "dies", "--case", "s/c", "--budget", "3", "--out", &place];
    let (code, said, told) = busbar(home.path(), &arguments);
    assert_eq!(code, 2, "{said}{told}");
    assert!(said.contains("Nothing was decided at any point"), "{said}");
    assert!(said.contains("something at 3 of 3 points, first at point 1: "), "{said}");
}

/// A battery that sends its limits each 2.9 s has little room; what turns that is told, held elsewhere too, and written as a file.
#[test]
fn what_to_turn_is_told_and_written() {
    let (home, out) = (project(), TempDir::new().expect("a folder"));
    let slow =
        "battery: own\nlike: reference\ntitle: o\nexpect: pass\nsimulated: { wire: { period: 2.9 s } }\n";
    fs::write(home.path().join("rigs/batteries/own.yaml"), slow).expect("a battery");
    let turned = ["--tune", "wire.period=0.5 s..2.9 s", "--tune", "strategy.cell-loop.target=3.44V..3.46V"];
    let (code, said, told) = search(
        home.path(),
        out.path(),
        &[&["--budget", "8", "--requirement", "TIM-01"], &turned[..]].concat(),
    );
    assert_eq!(code, 0, "{said}{told}");
    assert!(said.contains("wire.period                  down from 2.9 s to 2.3 s: room 2"), "{said}");
    assert!(said.contains("strategy.cell-loop.target    stays at 3.45 V: room "), "{said}");
    assert!(said.contains("at 24 other points of the ranges 0 failed"), "{said}");
    let tuning = &json(&out.path().join("search.json"))["tuning"];
    assert!(tuning["now"].as_f64().expect("a number") < 0.2, "{tuning}");
    assert!(tuning["elsewhere"]["room"].as_f64().expect("a number") >= 0.2, "{tuning}");
    let tuned = out.path().join("tuned.yaml");
    let battery = tuned.to_string_lossy().into_owned();
    let runs = out.path().join("runs").to_string_lossy().into_owned();
    let (code, said, told) =
        busbar(home.path(), &["run", "--quiet", "--battery", &battery, "--out", &runs, "s/c"]);
    assert_eq!(code, 0, "{said}{told}");
}

#[test]
fn what_cannot_be_turned_is_refused_before_anything_is_played() {
    let (home, out) = (project(), TempDir::new().expect("a folder"));
    let refused = |tune: &str| search(home.path(), out.path(), &["--budget", "2", "--tune", tune]);
    let (code, _, told) = refused("strategy.cell-loop.target");
    assert!(code == 64 && told.contains("expected PATH=LOW..HIGH"), "{told}");
    let (code, _, told) = refused("strategy.cell-loop.goal=3.4V..3.5V");
    assert!(
        code == 64 && told.contains("with `strategy.cell-loop.goal: 3.4V`") && told.contains("target"),
        "{told}"
    );
    let (code, _, told) = refused("strategy.cell-loop.target=3400mV..3500mV");
    assert!(
        code == 64 && told.contains("is 3.45 V in the files") && told.contains("in the same unit"),
        "{told}"
    );
    let (code, _, told) = refused("sensors.cell-noise=1mV..2mV");
    assert!(code == 64 && told.contains("varied by `sweep:`"), "{told}");
    assert!(!out.path().join("points.jsonl").exists(), "nothing was played");
}
