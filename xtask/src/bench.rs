//! How fast the harness is. What a person waits for is measured first; figures are for this machine, and
//! only ratios between two runs of one machine mean anything.

mod lint;

use std::time::{Duration, Instant};

use crate::process::{Failure, Workspace};

/// Takes one measurement and says it, with its unit.
type Take = fn(&Workspace) -> Result<String, Failure>;

/// One figure of the harness.
struct Measure {
    /// what is measured
    what: &'static str,
    /// how it is measured
    how: Take,
}

/// Every figure that matters, in the order in which people wait for them.
const MEASURES: &[Measure] = &[
    Measure { what: "every suite on the simulated rig, wall time", how: suites },
    Measure { what: "the same with a program in C, two cores, no evidence", how: program },
    Measure { what: "CAN log decoded and judged, frames per second", how: lint::speed },
    Measure { what: "recorded run judged again, wall time", how: again },
    Measure { what: "Modbus-TCP poll of the GX, requests per second", how: modbus },
];

/// Builds in release and takes every measurement.
pub(crate) fn bench(workspace: &Workspace) -> Result<(), Failure> {
    workspace.cargo("build").args(["--release", "--package", "cli", "--bin", "busbar"]).run()?;
    for measure in MEASURES {
        println!("{:<56} {}", measure.what, (measure.how)(workspace)?);
    }
    // These print their own figures.
    workspace.cargo("bench").args(["--quiet", "--package", "sim", "--bench", "program"]).run()?;
    workspace.cargo("bench").args(["--quiet", "--package", "sim", "--bench", "witness"]).run()?;
    workspace.cargo("bench").args(["--quiet", "--package", "lab", "--bench", "speed"]).run()
}

/// How often a run is repeated; the middle one counts.
const RUNS: usize = 5;

/// Wall time of `busbar run`, the process included.
fn suites(workspace: &Workspace) -> Result<String, Failure> {
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let began = Instant::now();
        workspace.busbar().arg("run").output()?;
        times.push(began.elapsed());
    }
    Ok(middle(times))
}

/// Wall time of `busbar judge` on a run of every suite.
fn again(workspace: &Workspace) -> Result<String, Failure> {
    let folder = workspace.path("target/bench-again");
    let _ = std::fs::remove_dir_all(&folder);
    workspace.busbar().args(["run", "--quiet", "--out"]).arg(&folder).output()?;
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let began = Instant::now();
        workspace.busbar().arg("judge").arg(folder.join("latest")).output()?;
        times.push(began.elapsed());
    }
    Ok(middle(times))
}

/// Wall time of every suite with the kit's battery in C, one turn a second, its cases shared by two threads.
fn program(workspace: &Workspace) -> Result<String, Failure> {
    let folder = workspace.path("target/bench-program");
    let _ = std::fs::remove_dir_all(&folder);
    let at = folder.display().to_string();
    workspace.busbar().args(["init", "--program", "c", "--name", "bench", &at]).output()?;
    let built = std::process::Command::new("cc")
        .args(["-std=c99", "-O2", "-o", "bms", "bms.c", "-lm"])
        .current_dir(&folder)
        .status();
    if !built.is_ok_and(|status| status.success()) {
        return Ok("not measured: no C compiler".to_owned());
    }
    let battery = format!("{at}/bench.yaml");
    let mut times = Vec::new();
    for run in 0..RUNS {
        let out = format!("{at}/matrix-{run}");
        let of =
            ["--batteries", &battery, "--rigs", "simulated", "--seeds", "1", "--jobs", "2", "--out", &out];
        let began = Instant::now();
        workspace.busbar().args(["matrix", "--quiet"]).args(of).output()?;
        times.push(began.elapsed());
    }
    Ok(middle(times))
}

/// One line of its own, beside libmodbus where it is installed.
fn modbus(workspace: &Workspace) -> Result<String, Failure> {
    let bench = workspace.cargo("bench").args(["--quiet", "--package", "lab", "--bench", "modbus"]);
    Ok(String::from_utf8_lossy(&bench.output()?).trim().to_owned())
}

/// The middle of some times, with the fastest and the slowest.
fn middle(mut times: Vec<Duration>) -> String {
    times.sort();
    let seconds = |at: usize| times.get(at).map_or(0.0, Duration::as_secs_f64);
    let last = times.len().saturating_sub(1);
    format!("{:.2} s ({:.2} to {:.2} s, {} runs)", seconds(last / 2), seconds(0), seconds(last), times.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_counts() {
        let times = [3, 1, 2, 9, 2].map(Duration::from_secs).to_vec();
        assert_eq!(middle(times), "2.00 s (1.00 to 9.00 s, 5 runs)");
    }
}
