//! A battery that was not tried never passes: the verdict of a run covers what the run was to judge.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rstest::rstest;
use serde_json::Value;
use tempfile::TempDir;

const PROJECT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// A folder with batteries of 16 cells that are smaller than the rig, and with suites that ask as much of every battery: the
/// sun would charge them with more than they bear.
struct Bench(TempDir);

impl Bench {
    fn new() -> Self {
        let bench = Self(TempDir::new().expect("a temporary folder"));
        copied(&Path::new(PROJECT).join("rigs"), &bench.at("home/rigs"));
        copied(&Path::new(PROJECT).join("suites"), &bench.at("home/suites"));
        for (name, capacity, current) in [("small", "100 Ah", "50 A"), ("tiny", "50 Ah", "25 A")] {
            let text = shipped("rigs/batteries/reference.yaml");
            let text = replaced(&text, "battery: reference", &format!("battery: {name}"));
            let text = replaced(&text, "capacity: 280 Ah", &format!("capacity: {capacity}"));
            let text =
                replaced(&text, "max-charge-current: 140 A", &format!("max-charge-current: {current}"));
            let text = replaced(&text, "    charge: 140 A", &format!("    charge: {current}"));
            bench.put(&format!("{name}.yaml"), &text);
        }
        bench
    }

    fn put(&self, name: &str, text: &str) {
        fs::write(self.at(name), text).expect("written");
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn shown(&self, name: &str) -> String {
        self.at(name).display().to_string()
    }

    /// Busbar with this battery; what it writes goes below `out`.
    fn busbar(&self, verb: &str, battery: &str, more: &[&str]) -> Output {
        let (battery, out) = (self.shown(&format!("{battery}.yaml")), self.shown("out"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_busbar"));
        command.args([verb, "--quiet", "--battery", &battery, "--out", &out]).args(more);
        command.env("BUSBAR_HOME", self.at("home")).output().expect("the binary was built for this test")
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.at(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn verdicts(&self, run: &str) -> Value {
        serde_json::from_str(&self.read(&format!("out/{run}/verdicts.json"))).expect("JSON")
    }

    /// A simulated rig whose file names these requirements, each with a reason.
    fn rig_without(&self, ids: &[&str]) -> String {
        let rows: String = ids.iter().map(|id| format!("  {id}: \"no rig for {id} here\"\n")).collect();
        let rig = shipped("rigs/simulated.yaml");
        self.put("simulated.yaml", &replaced(&rig, "\ncan:\n", &format!("\nnot-here:\n{rows}\ncan:\n")));
        self.shown("simulated.yaml")
    }
}

fn busbar(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_busbar"));
    command.args(arguments).env("BUSBAR_HOME", PROJECT).output().expect("the binary was built for this test")
}

/// YAML files with everything below; what suites say of the battery that their powers are for is left out.
fn copied(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for path in
        fs::read_dir(from).expect("a folder of the project").map(|entry| entry.expect("an entry").path())
    {
        let to = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copied(&path, &to);
        } else if path.extension().is_some_and(|ending| ending == "yaml") {
            let text = fs::read_to_string(path).expect("it is shipped");
            let kept = text.lines().filter(|line| !line.starts_with("powers-for:"));
            fs::write(to, kept.map(|line| format!("{line}\n")).collect::<String>()).expect("written");
        }
    }
}

fn shipped(name: &str) -> String {
    fs::read_to_string(Path::new(PROJECT).join(name)).expect("it is shipped")
}

fn replaced(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from} stands in the file");
    text.replacen(from, to, 1)
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The exit code, and that nothing says that it passed.
fn not_passed(output: &Output, what: &str) -> String {
    let text = said(output);
    assert_eq!(output.status.code(), Some(2), "{what}: {text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(!text.contains("PASSED") && !text.contains("Verdict: PASS"), "{what}: {text}");
    text
}

/// The verdict and the three lines below it.
fn first_lines(text: &str) -> String {
    text.lines().take(4).collect::<Vec<_>>().join("\n")
}

fn open(verdicts: &Value, key: &str) -> Vec<String> {
    let rows = verdicts["not_tried"][key].as_array().map(Vec::as_slice).unwrap_or_default();
    rows.iter().map(|row| row["requirement"].as_str().expect("an id").to_owned()).collect()
}

#[rstest]
#[case::one_hundred_ampere_hours("small", "50 A")]
#[case::fifty_ampere_hours("tiny", "25 A")]
fn a_battery_that_the_rig_cannot_try_never_passes(#[case] battery: &str, #[case] declares: &str) {
    let bench = Bench::new();
    let ran = bench.busbar("run", battery, &[]);
    let text = not_passed(&ran, "run");
    let (first, run) = (first_lines(&text), format!("all-{battery}-seed1-001"));
    for words in ["NOT TRIED", "BEH-FI", "BEH-IM", "BEH-XP", declares, "plant.solar.maximum-current"] {
        assert!(first.contains(words), "{words} in the first lines: {text}");
    }
    let verdicts = bench.verdicts(&run);
    assert_eq!(verdicts["outcome"], "inconclusive");
    assert!(open(&verdicts, "open").contains(&"BEH-FI".to_owned()), "{:#}", verdicts["not_tried"]);
    let cases = verdicts["cases"].as_array().expect("cases");
    assert!(
        cases.iter().all(|case| case["outcome"] != "not-applicable"),
        "what the rig cannot do is undecided"
    );
    let page = bench.read(&format!("out/{run}/report.html"));
    let place = |what: &str| page.find(what).unwrap_or_else(|| panic!("{what} is not in the page"));
    assert!(place("<section id=verdict") < place("NOT TRIED"), "the page says it below the verdict");
    assert!(place("NOT TRIED") < place("<section id=cases"), "and above the cases");
    let junit = bench.read(&format!("out/{run}/junit.xml"));
    assert!(
        junit.contains("name=\"BEH-FI\"") && junit.contains("<error message="),
        "JUnit has an error for each"
    );

    // Judged again, signed and verified it is the same.
    let folder = bench.shown(&format!("out/{run}"));
    assert_eq!(first_lines(&not_passed(&busbar(&["judge", &folder]), "judge")), first);
    let key = bench.shown("key.pem");
    assert_eq!(busbar(&["keygen", &key]).status.code(), Some(0));
    let bundle = bench.shown("bundle.tar");
    assert_eq!(busbar(&["sign", &folder, "--key", &key, "--out", &bundle]).status.code(), Some(0));
    let verified = not_passed(&busbar(&["verify", &bundle]), "verify");
    assert!(first_lines(&verified).contains("NOT TRIED"), "{verified}");

    let certified = not_passed(&bench.busbar("certify", battery, &["--rig", "simulated"]), "certify");
    assert!(first_lines(&certified).contains("NOT TRIED"), "{certified}");
    let bundle = bench.shown(&format!("out/certify-{battery}-seed1-001.busbar.tar"));
    not_passed(&busbar(&["verify", &bundle]), "verify of a certification");

    let night = not_passed(&bench.busbar("nightly", battery, &[]), "nightly");
    assert!(night.starts_with("# INCONCLUSIVE") && first_lines(&night).contains("NOT TRIED"), "{night}");
}

/// The rig file may say what is not tried on it. A run then passes and says so first; a certificate never does.
#[test]
fn what_the_rig_file_names_is_said_first_and_certifies_nothing() {
    let bench = Bench::new();
    not_passed(&bench.busbar("run", "small", &[]), "run");
    let rows = open(&bench.verdicts("all-small-seed1-001"), "open");
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let rig = bench.rig_without(&rows);
    let ran = bench.busbar("run", "small", &["--rig", &rig]);
    let text = said(&ran);
    assert_eq!(ran.status.code(), Some(0), "{text}{}", String::from_utf8_lossy(&ran.stderr));
    let first = first_lines(&text);
    for words in ["NOT TRIED: ", "NOT HERE", "BEH-IM: no rig for BEH-IM here"] {
        assert!(first.contains(words), "{words}: {first}");
    }
    let verdicts = bench.verdicts("all-small-seed1-002");
    assert_eq!((open(&verdicts, "open"), open(&verdicts, "not_here").len()), (Vec::new(), rows.len()));
    let night = bench.busbar("nightly", "small", &["--rig", &rig]);
    assert_eq!(night.status.code(), Some(0), "{}", said(&night));

    let certified = not_passed(&bench.busbar("certify", "small", &["--rig", &rig]), "certify");
    assert!(certified.contains("judged by no case: "), "{certified}");
    let (key, bundle) = (bench.shown("key.pem"), bench.shown("bundle.tar"));
    assert_eq!(busbar(&["keygen", &key]).status.code(), Some(0));
    let run = bench.shown("out/all-small-seed1-002");
    assert_eq!(busbar(&["sign", &run, "--key", &key, "--out", &bundle]).status.code(), Some(0));
    not_passed(&busbar(&["verify", &bundle]), "verify");

    // One row less than is open: undecided.
    let rig = bench.rig_without(&rows[1..]);
    let ran = bench.busbar("run", "small", &["--rig", &rig]);
    assert!(first_lines(&not_passed(&ran, "run")).contains(rows[0]), "{}", said(&ran));
}

/// Cases that somebody names are judged alone; one of them that cannot be tried is undecided.
#[test]
fn what_is_named_is_judged_alone() {
    let bench = Bench::new();
    let ran = bench.busbar("run", "small", &["keep-alive/just-below-ten-minutes", "gx/start-up"]);
    assert_eq!(ran.status.code(), Some(0), "{}", said(&ran));
    assert!(!said(&ran).contains("NOT TRIED"), "{}", said(&ran));
    let ran = bench.busbar("run", "small", &["keep-alive/just-below-ten-minutes", "feed-in/load-steps"]);
    assert!(first_lines(&not_passed(&ran, "run")).contains("BEH-FI"), "{}", said(&ran));
}

/// A log is judged by what a log can decide: nothing of it is open because no rig tried the rest.
#[test]
fn a_log_is_judged_by_what_a_log_decides() {
    let bench = Bench::new();
    bench.busbar("run", "small", &["gx/start-up"]);
    let linted = busbar(&["lint", &bench.shown("out/latest/can.log")]);
    assert_eq!(linted.status.code(), Some(0), "{}", said(&linted));
    assert!(!said(&linted).contains("NOT TRIED"), "{}", said(&linted));
}
