//! `busbar decode` against an independent program: cantools decodes every frame of the logs here, and frames of
//! random bytes, with the database of `busbar dbc`; every field must agree.
//!
//! It needs a Python with cantools: the one that `BUSBAR_PYTHON` names, or `target/venv/bin/python` of the workspace
//! (`python3 -m venv target/venv && target/venv/bin/pip install cantools`). Without one the tests are listed as
//! ignored, with the reason; with `BUSBAR_PYTHON` set they run, and fail where it has no cantools.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Failed, Trial};
use proto::candump::write_line;
use proto::frame::Frame;
use proto::message::TABLE;
use proto::quantity::Micros;

fn main() -> ExitCode {
    let python = python();
    let logs = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/logs");
    let mut paths: Vec<PathBuf> = fs::read_dir(&logs)
        .expect("the logs lie beside the tests")
        .flatten()
        .map(|entry| entry.path())
        .collect();
    paths.sort();
    let mut trials = Vec::new();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let python = python.clone();
        trials.push(Trial::test(name, move || compare(python.as_deref(), &path, 1)));
    }
    let random = python.clone();
    trials.push(Trial::test("random bytes", move || random_bytes(random.as_deref())));
    if python.is_none() {
        let ignored =
            |trial: Trial| trial.with_kind("not run: no Python with cantools").with_ignored_flag(true);
        trials = trials.into_iter().map(ignored).collect();
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn python() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("BUSBAR_PYTHON") {
        return Some(named.into());
    }
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/venv/bin/python");
    let has = Command::new(&beside)
        .args(["-c", "import cantools"])
        .output()
        .is_ok_and(|done| done.status.success());
    has.then_some(beside)
}

/// Decodes a log with both and compares. `least` is how many fields there must be at least.
fn compare(python: Option<&Path>, log: &Path, least: u64) -> Result<(), Failed> {
    let python = python.ok_or("no Python with cantools: set BUSBAR_PYTHON")?;
    let folder = tempfile::tempdir()?;
    let (database, decoded) = (folder.path().join("bms.dbc"), folder.path().join("decoded.jsonl"));
    let busbar = || Command::new(env!("CARGO_BIN_EXE_busbar"));
    fs::write(&database, output(busbar().arg("dbc"))?)?;
    fs::write(&decoded, output(busbar().args(["decode", "--format", "jsonl"]).arg(log))?)?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cantools_compare.py");
    let said = output(Command::new(python).arg(script).arg(database).arg(decoded))?;
    let said = String::from_utf8_lossy(&said).into_owned();
    let fields = said.split(' ').nth(2).and_then(|count| count.parse::<u64>().ok());
    if fields.is_some_and(|fields| fields >= least) {
        Ok(())
    } else {
        Err(format!("too little: {said}").into())
    }
}

fn output(command: &mut Command) -> Result<Vec<u8>, Failed> {
    let done = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if done.status.success() {
        return Ok(done.stdout);
    }
    Err(format!("{command:?}: {}\n{}", done.status, String::from_utf8_lossy(&done.stderr)).into())
}

/// Every message in every length, with bytes that include what means "not supported".
fn random_bytes(python: Option<&Path>) -> Result<(), Failed> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut next = || {
        // xorshift64
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut log = Vec::new();
    for message in TABLE {
        for len in 0..=8 {
            for round in 0..25 {
                let bytes = match round {
                    0 => [0; 8],
                    1 => [0xFF; 8],
                    _ => next().to_le_bytes(),
                };
                write_line(&mut log, Micros(0), "can0", &Frame::standard(message.id, &bytes[..len]));
            }
        }
    }
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("random.log");
    fs::write(&path, log)?;
    compare(python, &path, 9_000)
}
