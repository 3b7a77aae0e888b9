//! What is left of a run that was struck: it must read well, and claim nothing that it did not earn.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

/// What a run left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Left {
    /// it was struck before it wrote anything down
    Nothing,
    /// `busbar judge` reads it, and no verdict is wrong
    Readable,
}

/// Judges the one run in `out` again, by `busbar judge`.
///
/// # Errors
/// With `WRONG VERDICT` where something passed that did not end, otherwise with why it is not readable.
pub(crate) fn judged(out: &Path, home: &Path) -> Result<Left, String> {
    let runs = fs::read_dir(out).map(|runs| runs.filter_map(|run| Some(run.ok()?.path())).collect());
    let runs: Vec<_> = runs.unwrap_or_default();
    let Some(folder) = runs.iter().find(|path| path.is_dir() && !path.is_symlink()) else {
        return Ok(Left::Nothing);
    };
    let events = fs::read_to_string(folder.join("events.jsonl")).unwrap_or_default();
    if events.is_empty() {
        return Ok(Left::Nothing);
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_busbar"));
    command.args(["judge", "--format", "json"]).arg(folder).env("BUSBAR_HOME", home).stdin(Stdio::null());
    let said = command.output().map_err(|error| error.to_string())?;
    if !matches!(said.status.code(), Some(0..=2)) {
        return Err(format!("NOT READABLE: {}", String::from_utf8_lossy(&said.stderr)));
    }
    let verdicts: Value =
        serde_json::from_slice(&said.stdout).map_err(|error| format!("NOT READABLE: {error}"))?;
    let cases = verdicts["cases"].as_array().ok_or("NOT READABLE: no cases")?;
    let ended = |kind: &str| events.matches(&format!("\"kind\":\"{kind}\"")).count();
    let (whole, whole_run) = (ended("completed").min(ended("case-end")), ended("run-end"));
    let passed = cases.iter().filter(|case| case["outcome"] == "pass").count();
    if passed > whole || (said.status.code() == Some(0) && whole_run == 0) {
        return Err(format!("WRONG VERDICT: {passed} passed, {whole} ended: {events}"));
    }
    Ok(Left::Readable)
}
