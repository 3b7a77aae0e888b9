//! `busbar evidence`: a log export of VRM beside a run that has ended, which stays what it was.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rstest::rstest;
use serde_json::Value;
use tempfile::TempDir;

const PROJECT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
const HEAD: &str =
    "timestamp,Battery Monitor [512],Battery Monitor [288],Battery Monitor [512],Solar Charger [279]
Europe/Berlin (+01:00),Voltage,Voltage,State of charge,Charge state
,V DC,V DC,%,
";

/// A run, with what it takes to add to it.
struct Bench {
    folder: TempDir,
    run: PathBuf,
    /// seconds since 1970 at the start of the run
    began: u64,
}

impl Bench {
    fn new() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let out = folder.path().join("out").display().to_string();
        busbar(&["run", "feed-in/load-steps", "--quiet", "--out", &out]);
        let run = folder.path().join("out/latest").canonicalize().expect("a run");
        let manifest = fs::read_to_string(run.join("manifest.json")).expect("a manifest");
        let manifest: Value = serde_json::from_str(&manifest).expect("JSON");
        let started = manifest["started"].as_str().expect("when it began");
        let began = humantime::parse_rfc3339(started).expect("a time");
        let began = began.duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
        Self { folder, run, began }
    }

    /// An export with rows each minute of the run, by a clock in Berlin that is ahead by so many seconds.
    fn export(&self, name: &str, ahead: u64, row: impl Fn(u64) -> String) -> String {
        let rows = (1..=20).map(|minute| {
            let at = std::time::Duration::from_secs(self.began + 3600 + ahead + minute * 60);
            let at = humantime::format_rfc3339_seconds(std::time::UNIX_EPOCH + at).to_string();
            format!("{},{}\n", at.trim_end_matches('Z').replace('T', " "), row(minute))
        });
        self.put(name, format!("{HEAD}{}", rows.collect::<String>()))
    }

    fn put(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.folder.path().join(name);
        fs::write(&path, content).expect("written");
        path.display().to_string()
    }

    fn evidence(&self, verb: &str, more: &[&str]) -> Output {
        busbar(&[&["evidence", verb, &self.run.display().to_string()], more].concat())
    }

    /// What the run holds, but what was added.
    fn held(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut held = Vec::new();
        let mut folders = vec![self.run.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("readable") {
                let path = entry.expect("readable").path();
                match path.is_dir() {
                    true if path.ends_with("added") => {}
                    true => folders.push(path),
                    false => held.push((path.clone(), fs::read(&path).expect("readable"))),
                }
            }
        }
        held.sort();
        held
    }
}

fn busbar(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_busbar"))
        .args(arguments)
        .env("BUSBAR_HOME", Path::new(PROJECT))
        .output()
        .expect("the binary was built for this test")
}

fn answer(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", said(output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The voltage of a battery that is not in the run's: 10 V is far from any.
fn row(minute: u64) -> String {
    let charge = if minute == 3 { String::new() } else { "55.5".to_owned() };
    format!("10.00,10.25,{charge},Bulk")
}

#[test]
fn an_export_stands_beside_a_run_and_the_run_stays_what_it_was() {
    let bench = Bench::new();
    let key = bench.folder.path().join("key.pem").display().to_string();
    answer(&busbar(&["keygen", &key]));
    let before = bench.held();
    let run = bench.run.display().to_string();

    let first = answer(&bench.evidence("add", &[&bench.export("first.csv", 90, row), "--offset", "+1m30s"]));
    assert!(first.contains("stated to be 90 s ahead of the run's"), "{first}");
    assert!(first.contains("20 rows, 20 of them in a case of the run"), "{first}");
    assert!(
        first.contains("vrm:Battery Monitor [512] State of charge [%]: 19 numbers, 1 missing"),
        "{first}"
    );
    assert!(first.contains("vrm:Solar Charger [279] Charge state: 20 texts"), "{first}");
    assert!(first.contains("10 V in the export"), "{first}");
    assert!(first.contains("(battery.voltage)") && first.contains("(gx.battery.voltage)"), "{first}");
    assert!(first.contains(" of the run (feed-in/load-steps)"), "{first}");

    // Another file, whose clock nobody stated.
    let second = answer(&bench.evidence("add", &[&bench.export("second.csv", 0, row)]));
    assert!(second.contains("taken to be the run's own") && second.contains("added/vrm-2.csv"), "{second}");

    assert!(before == bench.held(), "adding touched the run");
    let shown = answer(&bench.evidence("show", &[]));
    assert!(shown.contains("first.csv") && shown.contains("second.csv"), "{shown}");
    assert!(first.lines().filter(|line| !line.is_empty()).all(|line| shown.contains(line)), "{shown}");

    let judged = busbar(&["judge", &run]);
    assert!(said(&judged).contains("same verdicts as in verdicts.json"), "{}", said(&judged));
    assert!(said(&judged).contains("not judged, and in no manifest: added/vrm-1.csv, added/vrm-2.csv"));
    answer(&busbar(&["report", &run]));
    assert!(before == bench.held(), "the report says the same as without");

    let signed = busbar(&["sign", &run, "--key", &key]);
    assert!(
        said(&signed).contains("not signed, and not in the bundle: added/vrm-1.csv"),
        "{}",
        said(&signed)
    );
    let bundle = answer(&signed).lines().next().expect("its name").to_owned();
    let verified = busbar(&["verify", &bundle]);
    assert!(String::from_utf8_lossy(&verified.stdout).contains("Whole"), "{}", said(&verified));
    assert!(said(&verified).contains("not covered by this bundle: added/vrm-1.csv"), "{}", said(&verified));
    let extracted = bench.folder.path().join("extracted");
    busbar(&["verify", &bundle, "--extract", &extracted.display().to_string()]);
    assert!(extracted.join("manifest.json").exists() && !extracted.join("added").exists());
}

#[test]
fn the_same_file_is_added_once() {
    let bench = Bench::new();
    let export = bench.export("export.csv", 0, row);
    answer(&bench.evidence("add", &[&export]));
    for more in [&[][..], &["--zone", "+01:00"]] {
        let again = bench.evidence("add", &[&[export.as_str()], more].concat());
        assert_eq!(again.status.code(), Some(65));
        assert!(said(&again).contains("it lies beside this run already, as"), "{}", said(&again));
    }
    assert_eq!(fs::read_dir(bench.run.join("added")).expect("there").count(), 2);

    let kept = bench.run.join("added/vrm-1.csv");
    fs::write(&kept, format!("{HEAD}2026-01-05 12:00:00,1,2,3,Bulk\n")).expect("written");
    let changed = bench.evidence("show", &[]);
    assert_eq!(changed.status.code(), Some(65));
    assert!(said(&changed).contains("it is not what was added"), "{}", said(&changed));
}

#[rstest]
#[case::json("export.json", "{\"records\":{}}", "JSON of VRM is not offered")]
#[case::json_by_another_name("export.csv", " {\"success\":true}", "JSON of VRM is not offered")]
#[case::no_head(
    "export.csv",
    "2026-01-05 12:00:00,1\n2026-01-05 12:01:00,1\n2026-01-05 12:02:00,1\n",
    "export.csv: no log export of VRM: line 1: its first cell is not `timestamp`"
)]
#[case::empty("export.csv", "", "export.csv: no log export of VRM: it ends in its head")]
#[case::no_rows("export.csv", HEAD, "export.csv: no log export of VRM: no row follows its head")]
#[case::semicolons(
    "export.csv",
    "timestamp;A [1]\nEurope/Berlin (+01:00);V\n;V\n",
    "parted by semicolons, expected commas"
)]
#[case::no_offset(
    "export.csv",
    "timestamp,A [1]\nEurope/Berlin,V\n,V\n2026-01-05 12:00:00,1\n",
    "line 2: how far `Europe/Berlin` is from UTC in its rows is not said, expected such as Europe/Berlin (+01:00); state it: --zone +01:00"
)]
#[case::no_zone("export.csv", "timestamp,A [1]\n?,V\n,V\n", "line 2: it does not begin with a time zone")]
#[case::apart(
    "export.csv",
    "timestamp,A [1]\nEurope/Berlin (+01:00),V\n,V\n2021-01-05 12:00:00,1\n2021-01-05 12:01:00,1\n",
    "it spans 2021-01-05 12:00:00 to 2021-01-05 12:01:00, the run 2"
)]
#[case::spreadsheet(
    "export.csv",
    "timestamp,A [1]\nEurope/Berlin (+01:00),V\n,V\n05/01/2026 12:00,1\n",
    "line 4: `05/01/2026 12:00` is no time such as 2026-01-05 12:00:00"
)]
fn what_is_no_export_is_told_in_a_sentence(#[case] name: &str, #[case] content: &str, #[case] says: &str) {
    let bench = Bench::new();
    let refused = bench.evidence("add", &[&bench.put(name, content)]);
    assert_eq!(refused.status.code(), Some(65), "{}", said(&refused));
    assert!(said(&refused).contains(says), "{}", said(&refused));
    assert_eq!(said(&refused).trim_end().lines().count(), 1, "{}", said(&refused));
    assert!(!bench.run.join("added").exists(), "nothing is written");
}

#[test]
fn what_is_no_run_takes_nothing() {
    let folder = TempDir::new().expect("a temporary folder");
    let export = folder.path().join("export.csv");
    fs::write(&export, HEAD).expect("written");
    let (none, export) = (folder.path().display().to_string(), export.display().to_string());
    let refused = busbar(&["evidence", "add", &none, &export]);
    assert_eq!(refused.status.code(), Some(65));
    assert!(said(&refused).contains("events.jsonl"), "{}", said(&refused));
    for wrong in [["--offset", "soon"], ["--zone", "CET"]] {
        let usage = busbar(&[&["evidence", "add", &none, &export][..], &wrong].concat());
        assert_eq!(usage.status.code(), Some(64), "{}", said(&usage));
    }
}
