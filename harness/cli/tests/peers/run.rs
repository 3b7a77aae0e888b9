//! Every file of a run, and of its exports, opens in every program that the documents name.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

use libtest_mimic::Failed;

use crate::{busbar, output};

/// One where the battery leaves the bus, so that there are error frames and states of the interface.
const CASES: [&str; 2] = ["links/bus-off", "keep-alive"];

/// Suites in which the rig disturbs nothing that is said.
const ALWAYS: [&str; 3] = ["feed-in", "imbalance", "excess-pv"];

pub(crate) fn opens_in_every_tool(python: &Path) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut played = busbar();
    played.arg("run").args(CASES).arg("--quiet").arg("--out").arg(folder.path());
    output(played.env("BUSBAR_HOME", project))?;
    let run = folder.path().join(fs::read_link(folder.path().join("latest"))?);
    for form in ["asc", "blf", "trc", "csv"] {
        let file = folder.path().join("run").with_extension(form);
        output(busbar().arg("export").arg(&run).args(["--to", form, "--out"]).arg(&file))?;
    }
    fs::write(folder.path().join("bms.dbc"), output(busbar().arg("dbc"))?)?;

    let lines = fs::read_to_string(run.join("can.log"))?.lines().count();
    let mut long = Command::new("log2long");
    let long = output(long.stdin(Stdio::from(File::open(run.join("can.log"))?)))?;
    let shown = long.split(|&b| b == b'\n').filter(|line| !line.is_empty()).count();
    if shown != lines || !String::from_utf8_lossy(&long).contains("ERRORFRAME") {
        return Err(format!("log2long shows {shown} of {lines} lines").into());
    }
    let asc = folder.path().join("log2asc.asc");
    output(Command::new("log2asc").arg("-I").arg(run.join("can.log")).arg("-O").arg(&asc).arg("can0"))?;

    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/open_run.py");
    let said = output(Command::new(python).arg(script).arg(&run).arg(folder.path()))?;
    let said = String::from_utf8_lossy(&said).into_owned();
    if said.starts_with(&format!("{lines} frames")) { Ok(()) } else { Err(said.into()) }
}

/// What holds at all times has the margin that RTAMT finds in the raw log, to 1e-9.
pub(crate) fn has_the_margins_of_temporal_logic(python: &Path) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut played = busbar();
    played.arg("run").args(ALWAYS).arg("--quiet").arg("--out").arg(folder.path());
    output(played.env("BUSBAR_HOME", project))?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/robustness.py");
    let said = output(Command::new(python).arg(script).arg(folder.path().join("latest")))?;
    let said = String::from_utf8_lossy(&said).into_owned();
    if said.contains("always(highest cell <= limit)") && said.contains("always(age of 0x351 <= limit)") {
        return Ok(());
    }
    Err(said.into())
}
