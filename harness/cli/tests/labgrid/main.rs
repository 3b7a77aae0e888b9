//! labgrid, which nobody here wrote, hands out a rig: its coordinator on loopback, its client program, and runs that contend.
//!
//! It needs the Python that `BUSBAR_PYTHON` names, or `target/venv/bin/python` of the workspace, with labgrid 26
//! (`target/venv/bin/pip install 'labgrid>=26,<27'`). Without it the tests are listed as ignored, with the reason; with
//! `BUSBAR_PYTHON` set they run, and fail where something is missing.
#![cfg_attr(unix, expect(clippy::print_stdout, reason = "the tests print how long each step took"))]

#[cfg(unix)]
#[path = "../serve/process.rs"]
#[allow(dead_code, reason = "the tests of served rigs use the rest of it")]
mod process;
#[cfg(unix)]
mod scene;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

/// A test, which is told where the programs of labgrid are.
#[cfg(unix)]
type Test = fn(&std::path::Path);

#[cfg(unix)]
fn main() -> ExitCode {
    let tests: [(&str, Test); 3] = [
        ("one of two runs has the place", scene::one_of_two_runs_has_the_place),
        ("a place that is taken away is found", scene::a_place_that_is_taken_away_is_found),
        ("a quarantined place is kept from all", scene::a_quarantined_place_is_kept_from_all),
    ];
    let folder = scene::programs();
    let trials = tests.into_iter().map(|(name, test)| match folder.clone() {
        Some(folder) => Trial::test(name, move || {
            test(&folder);
            Ok(())
        }),
        None => Trial::test(name, || Err("not run".into()))
            .with_kind("not run: no Python with labgrid")
            .with_ignored_flag(true),
    });
    // Each measures time on its own.
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

#[cfg(not(unix))]
fn main() -> ExitCode {
    libtest_mimic::run(&Arguments::from_args(), Vec::<Trial>::new()).exit_code()
}
