//! `busbar watch`: starts `busbar-watch`, a program of its own, so that what runs a rig links no server and no terminal view.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::Command;

use crate::{Exit, Failure};

/// What to watch, as `busbar watch --help` tells.
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Args {
    /// Runs, folders of runs, and options: `busbar watch --help` lists them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "RUN|FOLDER|OPTION")]
    rest: Vec<OsString>,
}

const PROGRAM: &str = "busbar-watch";

pub(crate) fn watch(args: &Args) -> Result<Exit, Failure> {
    let program = beside().unwrap_or_else(|| PROGRAM.into());
    let mut command = Command::new(&program);
    command.args(&args.rest);
    // Where it takes the place of this process, it gets the signals that are meant for it.
    #[cfg(unix)]
    let error = std::os::unix::process::CommandExt::exec(&mut command);
    #[cfg(not(unix))]
    let error = match command.status() {
        Ok(status) => std::process::exit(status.code().unwrap_or(Exit::Inconclusive as i32)),
        Err(error) => error,
    };
    let message = if error.kind() == ErrorKind::NotFound {
        format!(
            "there is no {PROGRAM} beside this program or on the PATH; it is built apart: cargo build --release -p watch, or \
             take it from the package that this program is from"
        )
    } else {
        format!("{} cannot be started: {error}", program.display())
    };
    Err(Failure { exit: Exit::Missing, message })
}

/// The program beside this one, where it is there.
fn beside() -> Option<PathBuf> {
    let own = std::env::current_exe().ok()?;
    let beside = own.with_file_name(format!("{PROGRAM}{}", std::env::consts::EXE_SUFFIX));
    beside.is_file().then_some(beside)
}
