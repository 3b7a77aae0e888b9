//! Programs that nobody here wrote, against `busbar`: cantools decodes what it decodes; python-can, pandas and can-utils
//! open every file of a run, and of its exports; RTAMT finds the same margins in its raw log.
//!
//! They need a Python with these packages: the one that `BUSBAR_PYTHON` names, or `target/venv/bin/python` of the workspace
//! (`python3 -m venv target/venv && target/venv/bin/pip install cantools python-can pandas rtamt`), and can-utils on the path.
//! Without them the tests are listed as ignored, with the reason; with `BUSBAR_PYTHON` set they run, and fail where
//! something is missing.

mod decode;
mod run;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Failed, Trial};

type Test = Box<dyn FnOnce(&Path) -> Result<(), Failed> + Send>;

fn main() -> ExitCode {
    let python = python();
    let logs = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/logs");
    let mut paths: Vec<PathBuf> =
        logs.read_dir().expect("the logs lie beside the tests").flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let mut tests: Vec<(String, Test)> = Vec::new();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        tests.push((name, Box::new(move |python| decode::compare(python, &path, 1))));
    }
    tests.push(("random bytes".to_owned(), Box::new(decode::random_bytes)));
    tests.push(("every file of a run".to_owned(), Box::new(run::opens_in_every_tool)));
    tests.push(("margins of temporal logic".to_owned(), Box::new(run::has_the_margins_of_temporal_logic)));
    let trials = tests.into_iter().map(|(name, test)| match python.clone() {
        Some(python) => Trial::test(name, move || test(&python)),
        None => Trial::test(name, || Err("not run".into()))
            .with_kind("not run: no Python with cantools, python-can, pandas and rtamt, or no can-utils")
            .with_ignored_flag(true),
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

fn python() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("BUSBAR_PYTHON") {
        return Some(named.into());
    }
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/venv/bin/python");
    let works = |command: &mut Command| command.output().is_ok_and(|done| done.status.success());
    let has = works(Command::new(&beside).args(["-c", "import can, cantools, pandas, rtamt"]))
        && works(Command::new("sh").args(["-c", "command -v log2long && command -v log2asc"]));
    has.then_some(beside)
}

fn busbar() -> Command {
    Command::new(env!("CARGO_BIN_EXE_busbar"))
}

fn output(command: &mut Command) -> Result<Vec<u8>, Failed> {
    let done = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if done.status.success() {
        return Ok(done.stdout);
    }
    Err(format!("{command:?}: {}\n{}", done.status, String::from_utf8_lossy(&done.stderr)).into())
}
