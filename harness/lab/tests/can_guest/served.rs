//! Cases through a real Linux CAN stack: the served rig on one controller, the harness on the other, beside
//! them SCPI on a pseudo-terminal, Modbus-TCP and the operator. The commands are those that a user types.

use std::collections::BTreeMap;
use std::fs;
use std::iter;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use serde_json::Value;

use super::Test;
use super::guest::Outcome;

pub(crate) const TESTS: &[Test] = &[
    ("the doctor finds a served rig fit, and its bus", doctor),
    ("what is run on wires ends as it does in the box", compare),
];

/// That of `rigs/served.yaml`. The clock of the guest counts its instructions, so nothing outside makes it late.
const SPEED: u32 = 60;
/// A whole suite, in which the GX starts, loses the battery and restarts, and the case in which cells break: 84 minutes
/// of the rig, a minute and a half of the guest.
const RUNS: &[&str] = &["gx", "blackout-recovery/after-over-voltage"];

struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The rig on can0, and the file that drives it from can1.
fn serve(name: &str) -> Result<(Serving, String), Failed> {
    let at = format!("/tmp/{name}");
    // One that was ended by force leaves its names.
    let _ = fs::remove_dir_all(&at);
    let speed = SPEED.to_string();
    let words = ["serve", "--can", "can0", "--at", &at, "--speed", &speed];
    let serving = Serving(Command::new("busbar").args(words).stdout(Stdio::null()).spawn()?);
    let end = Instant::now() + Duration::from_secs(60);
    while !Path::new(&at).join("addresses.json").is_file() {
        if Instant::now() > end {
            return Err("the rig did not begin".into());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let text = fs::read_to_string("/busbar/rigs/served.yaml")?;
    let text = text
        .replace("slcan: /tmp/busbar/can", "interface: can1")
        .replace("/tmp/busbar/psu", &format!("{at}/psu"))
        .replace("speed: 60", &format!("speed: {SPEED}"));
    let file = format!("{at}/served.yaml");
    fs::write(&file, text)?;
    Ok((serving, file))
}

fn doctor() -> Outcome {
    let (_serving, rig) = serve("doctor")?;
    let done = Command::new("busbar").args(["doctor", "--rig", &rig]).output()?;
    let said = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    println!("{said}");
    for part in ["can1: 500 kbit/s, error-active", "error counters 0", "a GX: 0x305", "fit to run"] {
        if !said.contains(part) {
            return Err(format!("{part} is missing").into());
        }
    }
    Ok(())
}

/// A case, with the outcome of each of its verdicts, its own first.
#[derive(Debug, PartialEq)]
struct Case {
    name: String,
    reason: String,
    verdicts: Vec<(String, String)>,
}

impl Case {
    /// `pass: 11 pass, 1 not-applicable`.
    fn shown(&self) -> String {
        let mut counts = BTreeMap::new();
        for (_, outcome) in &self.verdicts[1..] {
            *counts.entry(outcome.as_str()).or_insert(0) += 1;
        }
        let counts: Vec<String> =
            counts.iter().map(|(outcome, count)| format!("{count} {outcome}")).collect();
        format!("{}: {}", self.verdicts[0].1, counts.join(", "))
    }
}

/// Runs a suite or a case on a rig.
fn run(wanted: &str, rig: &str) -> Result<Vec<Case>, Failed> {
    let words = ["run", wanted, "--quiet", "--format", "json", "--out", "/tmp/reports", "--rig", rig];
    let done = Command::new("busbar").args(words).output()?;
    let json: Value = serde_json::from_slice(&done.stdout)
        .map_err(|_| format!("busbar run {wanted}: {}", String::from_utf8_lossy(&done.stderr)))?;
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let case = |case: &Value| {
        let own = ("the case".to_owned(), word(&case["outcome"]));
        let verdicts = case["verdicts"].as_array().into_iter().flatten();
        let verdicts = verdicts.map(|verdict| (word(&verdict["requirement"]), word(&verdict["outcome"])));
        Case {
            name: format!("{}/{}", word(&case["suite"]), word(&case["case"])),
            reason: word(&case["reason"]),
            verdicts: iter::once(own).chain(verdicts).collect(),
        }
    };
    Ok(json["cases"].as_array().into_iter().flatten().map(case).collect())
}

fn compare() -> Outcome {
    let mut differ = Vec::new();
    println!("\n  {:<38}{:<32}{:<32}", "case", "in the box", "on wires");
    for wanted in RUNS {
        let in_the_box = run(wanted, "simulated")?;
        let (_serving, rig) = serve("wires")?;
        let began = Instant::now();
        let on_wires = run(wanted, &rig)?;
        let took = began.elapsed().as_secs_f64();
        if in_the_box.is_empty() || in_the_box.len() != on_wires.len() {
            let (box_, wires) = (in_the_box.len(), on_wires.len());
            return Err(format!("{wanted}: {box_} cases in the box, {wires} on wires").into());
        }
        for (box_, wires) in in_the_box.iter().zip(&on_wires) {
            let equal = (&box_.name, &box_.verdicts) == (&wires.name, &wires.verdicts);
            let word = if equal { "equal" } else { "DIFFERS" };
            println!("  {:<38}{:<32}{:<32}{word}", box_.name, box_.shown(), wires.shown());
            if !equal {
                differ.push(format!("{}: {} on wires: {}", box_.name, wires.shown(), wires.reason));
            }
        }
        println!("  {wanted}: on wires in {took:.0} s of the guest");
    }
    if differ.is_empty() { Ok(()) } else { Err(differ.join("\n").into()) }
}
