//! Suites on the served rig, through CAN, SCPI and Modbus-TCP, against the same suites in the box: every verdict must be
//! the same. Each case has a rig of its own, so that they run beside each other.

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::process::{Failure, Workspace};

/// Where everything lands.
const FOLDER: &str = "target/served";

/// The suites with which a manufacturer begins (P 1.5.3).
const FIRST: &[&str] = &["feed-in", "imbalance", "excess-pv", "blackout-recovery"];

/// So many cases run beside each other: a served rig and its run hardly need a processor, but must not wait for one.
const BESIDE: usize = 6;

/// How often a case is tried: a machine that stands still for a moment is late by minutes of the rig.
const TRIES: u32 = 3;

/// How long a rig may take to begin.
const BEGIN: Duration = Duration::from_secs(20);

/// Compares suites, those of [`FIRST`] where none is named.
pub(crate) fn served(workspace: &Workspace, speed: u32, suites: &[String]) -> Result<(), Failure> {
    let began = Instant::now();
    workspace.remove(FOLDER)?;
    let busbar =
        workspace.built(workspace.cargo("build").args(["--release", "--package", "cli"]), "busbar")?;
    let names = if suites.is_empty() {
        FIRST.iter().map(|name| (*name).to_owned()).collect()
    } else {
        suites.to_vec()
    };
    let bench = Bench { workspace, busbar: &busbar, speed };
    let expected = bench.run("simulated", &names)?;
    let waiting = Mutex::new(expected.iter().rev().collect::<Vec<_>>());
    let next = || waiting.lock().map_or(None, |mut cases| cases.pop());
    let work = || {
        let mut found = Vec::new();
        while let Some(case) = next() {
            found.push(bench.compare(case));
        }
        found
    };
    let found: Vec<Result<Compared, Failure>> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..BESIDE).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap_or_default()).collect()
    });
    let found = found.into_iter().collect::<Result<Vec<_>, _>>()?;
    let verdicts: usize = expected.iter().map(|case| case.verdicts.len()).sum();
    let differ: Vec<&str> =
        found.iter().filter(|case| !case.differs.is_empty()).map(|case| case.name.as_str()).collect();
    let again = found.iter().filter(|case| case.tries > 1).count();
    println!(
        "{} cases, {verdicts} verdicts, {} times as fast as the clock: {} cases differ, {again} were tried again; {:.0} s",
        found.len(),
        speed,
        differ.len(),
        began.elapsed().as_secs_f64()
    );
    if found.len() == expected.len() && differ.is_empty() {
        return Ok(());
    }
    Err(Failure::Found(format!("the verdicts on wires differ from those in the box: {}", differ.join(", "))))
}

/// What came of a case.
#[derive(Debug, PartialEq)]
struct Case {
    /// `suite/case`
    name: String,
    reason: String,
    /// requirement and outcome, the case itself first
    verdicts: Vec<(String, String)>,
}

struct Compared {
    name: String,
    tries: u32,
    differs: Vec<String>,
}

struct Bench<'a> {
    workspace: &'a Workspace,
    busbar: &'a Path,
    speed: u32,
}

impl Bench<'_> {
    /// Runs on a rig and gives what came of it.
    fn run(&self, rig: &str, cases: &[String]) -> Result<Vec<Case>, Failure> {
        // A disk that makes the end of one run lasting holds the others up, for longer than a rig bears.
        let memory = Path::new("/dev/shm");
        let folder = self.workspace.path(&format!("{FOLDER}/reports"));
        let out = if memory.is_dir() { memory.join("busbar-served") } else { folder };
        let run =
            self.workspace.program(self.busbar).args(["run", "--quiet", "--format", "json", "--rig", rig]);
        let said = run.arg("--out").arg(out).args(cases).said()?;
        Ok(read(&String::from_utf8_lossy(&said)))
    }

    fn compare(&self, expected: &Case) -> Result<Compared, Failure> {
        let mut tries = 0;
        loop {
            tries += 1;
            let began = Instant::now();
            let found = self.on_wires(expected)?;
            let differs = differences(expected, &found);
            println!(
                "{:<9} {:<42} {:>3} verdicts {:>6.0} s",
                if differs.is_empty() { "the same" } else { "DIFFERS" },
                expected.name,
                expected.verdicts.len(),
                began.elapsed().as_secs_f64()
            );
            for line in &differs {
                println!("          {line}");
            }
            if differs.is_empty() || tries == TRIES {
                return Ok(Compared { name: expected.name.clone(), tries, differs });
            }
        }
    }

    /// The same case on a rig that is served for it alone.
    fn on_wires(&self, case: &Case) -> Result<Vec<Case>, Failure> {
        let folder = format!("{FOLDER}/{}", case.name.replace('/', "-"));
        self.workspace.remove(&folder)?;
        let at = self.workspace.path(&folder);
        let serve =
            self.workspace.program(self.busbar).args(["serve", "--gx-port", "0", "--operator-port", "0"]);
        let serve = serve.args(["--speed", &self.speed.to_string(), "--at"]).arg(&at);
        let (child, command) = serve.spawn(Stdio::null(), Stdio::null())?;
        let _serving = Serving(child);
        let end = Instant::now() + BEGIN;
        let addresses = loop {
            let text = fs::read_to_string(at.join("addresses.json")).unwrap_or_default();
            if let Ok(addresses) = serde_json::from_str::<Value>(&text) {
                break addresses;
            }
            if Instant::now() > end {
                return Err(Failure::Found(format!(
                    "`{command}` did not begin within {} s",
                    BEGIN.as_secs()
                )));
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        let rig = driven(&self.workspace.read("rigs/served.yaml")?, &addresses, self.speed);
        self.workspace.write(&format!("{folder}/served.yaml"), &rig)?;
        let path = at.join("served.yaml").display().to_string();
        self.run(&path, std::slice::from_ref(&case.name))
    }
}

/// `rigs/served.yaml` for a rig that is served elsewhere, at another speed.
fn driven(text: &str, addresses: &Value, speed: u32) -> String {
    let named = [
        ("/tmp/busbar/can", "can"),
        ("/tmp/busbar/psu", "psu"),
        ("127.0.0.1:1502", "gx"),
        ("127.0.0.1:1503", "operator"),
    ];
    let moved = named.iter().fold(text.to_owned(), |text, (usual, name)| {
        text.replace(usual, addresses[name].as_str().unwrap_or_default())
    });
    moved.replace("speed: 60", &format!("speed: {speed}"))
}

/// The cases of `busbar run --format json`.
fn read(text: &str) -> Vec<Case> {
    let json: Value = serde_json::from_str(text).unwrap_or_default();
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let case = |case: &Value| {
        let verdicts = case["verdicts"].as_array().into_iter().flatten();
        let verdicts = verdicts.map(|verdict| (word(&verdict["requirement"]), word(&verdict["outcome"])));
        Case {
            name: format!("{}/{}", word(&case["suite"]), word(&case["case"])),
            reason: word(&case["reason"]),
            verdicts: std::iter::once(("the case".to_owned(), word(&case["outcome"])))
                .chain(verdicts)
                .collect(),
        }
    };
    json["cases"].as_array().into_iter().flatten().map(case).collect()
}

/// What is not the same, a line each.
fn differences(expected: &Case, found: &[Case]) -> Vec<String> {
    let [found] = found else { return vec![format!("{} cases came of it, not one", found.len())] };
    if found.verdicts.len() != expected.verdicts.len() {
        return vec![format!("{} verdicts, not {}", found.verdicts.len(), expected.verdicts.len())];
    }
    let pairs = expected.verdicts.iter().zip(&found.verdicts).filter(|(box_, wires)| box_ != wires);
    let line = |((what, box_), (_, wires)): (&(String, String), &(String, String))| {
        format!("{what}: {box_} in the box, {wires} on wires; {}", found.reason)
    };
    pairs.map(line).collect()
}

/// Ends a rig that was started here.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: &str = r#"{"cases":[{"suite":"s","case":"c","outcome":"pass","reason":"",
        "verdicts":[{"requirement":"CVL-01","outcome":"pass"}]}]}"#;

    #[test]
    fn what_differs_is_named() {
        let expected = read(RUN);
        assert_eq!(differences(&expected[0], &read(RUN)), Vec::<String>::new());
        let failed = read(
            &RUN.replace("\"reason\":\"\"", "\"reason\":\"late\"")
                .replace("01\",\"outcome\":\"pass", "01\",\"outcome\":\"fail"),
        );
        assert_eq!(differences(&expected[0], &failed), ["CVL-01: pass in the box, fail on wires; late"]);
        assert_eq!(differences(&expected[0], &[]), ["0 cases came of it, not one"]);
    }

    #[test]
    fn the_shipped_rig_file_can_be_moved() {
        let text = Workspace::find().read("rigs/served.yaml").expect("it is shipped");
        let addresses =
            serde_json::json!({ "can": "/c", "psu": "/p", "gx": "127.0.0.1:7", "operator": "127.0.0.1:8" });
        let moved = driven(&text, &addresses, 20);
        for part in ["slcan: /c", "serial: /p", "address: 127.0.0.1:7", "\"127.0.0.1:8\"", "speed: 20"] {
            assert!(moved.contains(part), "{part} is missing in\n{moved}");
        }
    }
}
