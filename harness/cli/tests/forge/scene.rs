//! A run on the served rig, signed, and what a forger makes of it.

use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use evidence::again::again;
use evidence::bundle::key::{self, SigningKey};
use evidence::bundle::open::open;
use evidence::bundle::{ATTESTATION, KEY, SIGNATURE, SUMS, archive, seal};
use evidence::conclusions::conclude;
use evidence::manifest::{inputs, sha256};
use serde_json::Value;
use tempfile::TempDir;

use crate::counts::put_right;
use crate::operator::{Operator, Text};
use crate::random::Random;

const PROJECT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Stands for every file of the run.
pub(crate) const ALL: &str = "(all)";

/// What a table of the campaign calls a file.
pub(crate) fn kind(file: &str) -> String {
    match file.rsplit_once('/') {
        Some((folder, _)) => format!("{folder}/"),
        None => file.to_owned(),
    }
}

/// Sun and load within a quarter of an hour of a rig.
const SUITE: &str = "suite: mine
title: A quarter of an hour of everything
spec: P 1.5
needs: [pv, gx, grid, ac-load]
cases:
  - case: day
    title: Sun and load come and go
    requirements: [CVL-01, TIM-01, MSG-01, GXD-02, GXD-03, SOC-01, MEA-01]
    start: { soc: 60 %, grid: on, feed-in: off, pv: 2 kW, ac-load: off }
    steps:
      - hold: 3 min
      - ac-load: 1 kW
      - hold: 2 min
      - pv: 1 kW
      - hold: 4 min
      - pv: off
      - hold: 4 min
";

/// What came of a forgery until it could be verified.
pub(crate) enum Forged {
    /// the forger himself could make no run of it
    Refused,
    /// a bundle, and the verdicts that it holds
    Signed { bundle: Vec<u8>, verdicts: Vec<(String, String)> },
}

pub(crate) struct Verified {
    pub(crate) code: i32,
    pub(crate) said: String,
}

pub(crate) struct Scene {
    home: TempDir,
    /// what `verify` says of the run as it was
    pub(crate) said: String,
    pub(crate) verdicts: Vec<(String, String)>,
    bundle: Vec<u8>,
    key: SigningKey,
    stranger: SigningKey,
    /// raw files and inputs of the run, and of another one of the same case
    files: BTreeMap<String, String>,
    other: BTreeMap<String, String>,
}

/// Ended with the test.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn busbar(home: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_busbar"));
    command.args(arguments).env("BUSBAR_HOME", home).current_dir("/");
    command.output().expect("the binary was built for this test")
}

fn copied(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder of the project").flatten() {
        let to = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copied(&entry.path(), &to),
            false => drop(fs::copy(entry.path(), to).expect("a copy")),
        }
    }
}

/// Every raw file and input of a run folder.
fn texts(run: &Path) -> BTreeMap<String, String> {
    let raw = ["can.log", "events.jsonl", "supply.csv", "gx.csv", "psu-wire.log", "manifest.json"];
    let inputs = inputs(run).expect("a run folder");
    let names = raw.into_iter().map(str::to_owned).chain(inputs);
    names.filter_map(|name| Some((name.clone(), fs::read_to_string(run.join(name)).ok()?))).collect()
}

impl Scene {
    pub(crate) fn new() -> Self {
        let home = TempDir::new().expect("a temporary folder");
        copied(&Path::new(PROJECT).join("rigs"), &home.path().join("rigs"));
        fs::create_dir_all(home.path().join("suites/mine")).expect("made");
        fs::write(home.path().join("suites/mine/mine.yaml"), SUITE).expect("written");
        let at = |name: &str| home.path().join(name);
        let shown = |name: &str| at(name).display().to_string();

        let serve =
            ["serve", "--speed", "60", "--gx-port", "0", "--operator-port", "0", "--at", &shown("wires")];
        let mut command = Command::new(env!("CARGO_BIN_EXE_busbar"));
        command.args(serve).env("BUSBAR_HOME", home.path()).stdout(Stdio::null()).stderr(Stdio::null());
        let _serving = Serving(command.spawn().expect("it starts"));
        let began = Instant::now();
        let addresses: Value = loop {
            let text = fs::read_to_string(at("wires/addresses.json")).unwrap_or_default();
            match serde_json::from_str(&text) {
                Ok(addresses) => break addresses,
                Err(_) => assert!(began.elapsed() < Duration::from_secs(20), "nothing is served"),
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        let usual = [
            ("/tmp/busbar/can", "can"),
            ("/tmp/busbar/psu", "psu"),
            ("127.0.0.1:1502", "gx"),
            ("127.0.0.1:1503", "operator"),
        ];
        let rig = fs::read_to_string(at("rigs/served.yaml")).expect("it is shipped");
        let rig = usual
            .iter()
            .fold(rig, |rig, (usual, name)| rig.replace(usual, addresses[name].as_str().unwrap_or_default()));
        fs::write(at("rigs/served.yaml"), rig).expect("written");
        // A busy machine that stands still for a moment is late by a minute of the rig.
        let mut run = PathBuf::new();
        for attempt in 1..=3 {
            let ran = busbar(
                home.path(),
                &["run", "--quiet", "--rig", "served", "--out", &shown("runs"), "mine/day"],
            );
            run = fs::canonicalize(at("runs/latest")).expect("a run");
            if ran.status.code() == Some(0) {
                break;
            }
            assert!(attempt < 3, "{}", String::from_utf8_lossy(&ran.stdout));
        }
        let ran =
            busbar(home.path(), &["run", "--quiet", "--seed", "7", "--out", &shown("others"), "mine/day"]);
        assert!(ran.status.code().is_some());

        let (key, stranger) = (key::random().expect("random"), key::random().expect("random"));
        let files = texts(&run);
        let bundle = seal::seal(&run, &again(&run).expect("it was run").run, &key).expect("signed");
        let verdicts = verdicts_of(&run);
        let mut scene = Self {
            said: String::new(),
            other: texts(&fs::canonicalize(at("others/latest")).expect("a run")),
            home,
            verdicts,
            bundle,
            key,
            stranger,
            files,
        };
        let verified = scene.verify(&scene.bundle.clone(), 0);
        assert!(!verified.said.contains("contradicts"), "of a good run: {}", verified.said);
        scene.said = verified.said;
        scene
    }

    /// Every file of the bundle.
    pub(crate) fn files(&self) -> Vec<String> {
        let concluded = ["verdicts.json", "junit.xml", "report.html", KEY, SUMS, SIGNATURE, ATTESTATION];
        let others = concluded.into_iter().chain([ALL]).map(str::to_owned);
        self.files.keys().cloned().chain(others).collect()
    }

    /// What `verify` says of a bundle; each thread has a file of its own for it.
    pub(crate) fn verify(&self, bundle: &[u8], by: usize) -> Verified {
        let path = self.home.path().join(format!("forged-{by}.tar"));
        fs::write(&path, bundle).expect("written");
        let key = self.home.path().join(format!("lab-{by}.pub"));
        fs::write(&key, key::pem(&self.key.verifying_key())).expect("written");
        let [path, key] = [path, key].map(|path| path.display().to_string());
        let output = busbar(Path::new("/nowhere"), &["verify", &path, "--key", &key]);
        let said = [&output.stdout[..], &output.stderr].map(String::from_utf8_lossy).concat();
        Verified { code: output.status.code().unwrap_or(-1), said }
    }

    /// Changes a file and makes a run of it again; nothing where the operator has nothing to change there.
    pub(crate) fn forge(&self, file: &str, operator: Operator, random: &mut Random) -> Option<Forged> {
        if file == ALL {
            return (operator == Operator::Splice).then(|| self.laundered(&self.other, &self.key));
        }
        if !self.files.contains_key(file) {
            return self.of_the_bundle(file, operator, random);
        }
        let mut files = self.files.clone();
        let mut text = Text::of(file, &files[file]);
        let other =
            self.other.get(file).or_else(|| self.files.get("inputs/rigs/batteries/reference.yaml"))?;
        let changed = text.apply(operator, &Text::of(file, other), random);
        if !changed && operator != Operator::Resign {
            return None;
        }
        files.insert(file.to_owned(), text.text());
        let raw = ["can.log", "supply.csv", "gx.csv", "events.jsonl"].contains(&file);
        // Every second forger is careful.
        if raw && random.below(2) == 0 && operator != Operator::Count {
            put_right(&mut files);
        }
        let key = if operator == Operator::Resign { &self.stranger } else { &self.key };
        Some(self.laundered(&files, key))
    }

    /// Judges the files again and signs what came out: whoever holds a key can.
    fn laundered(&self, files: &BTreeMap<String, String>, key: &SigningKey) -> Forged {
        let folder = TempDir::new().expect("a temporary folder");
        let run = folder.path();
        for (name, text) in files {
            let path = run.join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, text).expect("written");
        }
        let Ok(again) = again(run) else { return Forged::Refused };
        let run_again = again.run;
        if conclude(run, &run_again.meta, &report::conclusions(&run_again)).is_err() {
            return Forged::Refused;
        }
        match seal::seal(run, &run_again, key) {
            Ok(bundle) => Forged::Signed { bundle, verdicts: verdicts_of(run) },
            Err(_) => Forged::Refused,
        }
    }

    /// Changes what vouches for the run or is concluded from it, and signs that.
    fn of_the_bundle(&self, file: &str, operator: Operator, random: &mut Random) -> Option<Forged> {
        let (run, mut files) = archive::read(Cursor::new(&self.bundle)).expect("whole");
        let vouches = [KEY, SUMS, SIGNATURE, ATTESTATION].contains(&file);
        let name = if vouches { file.to_owned() } else { format!("run/{file}") };
        let content = files.get(&name)?.clone();
        let mut text = Text::of(file, &String::from_utf8_lossy(&content));
        let other = text.clone();
        let mut changed = match text.apply(operator, &other, random) {
            true => text.text().into_bytes(),
            false => content.clone(),
        };
        if changed == content {
            // What has no lines has bytes.
            let at = random.below(content.len());
            changed = [&content[..at], &[content[at] ^ 1], &content[at + 1..]].concat();
        }
        files.insert(name.clone(), changed.clone());
        if !vouches {
            let manifest = files.get_mut("run/manifest.json").expect("there");
            let mut said: Value = serde_json::from_slice(manifest).expect("JSON");
            for entry in
                said["files"].as_array_mut().expect("files").iter_mut().filter(|entry| entry["name"] == file)
            {
                entry["sha256"] = sha256(&changed).into();
                entry["bytes"] = changed.len().into();
            }
            *manifest = serde_json::to_vec_pretty(&said).expect("JSON");
            files.retain(|name, _| ![SUMS, SIGNATURE, ATTESTATION].contains(&name.as_str()));
            let opened = open(Cursor::new(&self.bundle), None).expect("whole");
            files = seal::vouched(files, &self.key, |sums| {
                let mut said = opened.statement.clone();
                said["subject"][0]["digest"]["sha256"] = sha256(sums.as_bytes()).into();
                said
            });
        }
        let bundle = archive::write(&run, &files).expect("packed");
        Some(Forged::Signed { bundle, verdicts: Vec::new() })
    }
}

/// Requirement and outcome of every case of a run folder, the cases first.
fn verdicts_of(run: &Path) -> Vec<(String, String)> {
    let text = fs::read_to_string(run.join("verdicts.json")).expect("verdicts.json");
    let json: Value = serde_json::from_str(&text).expect("JSON");
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut found = Vec::new();
    for case in json["cases"].as_array().expect("cases") {
        found.push((word(&case["case"]), word(&case["outcome"])));
        for verdict in case["verdicts"].as_array().expect("verdicts") {
            found.push((word(&verdict["requirement"]), word(&verdict["outcome"])));
        }
    }
    found
}
