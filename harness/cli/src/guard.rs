//! `busbar guard`: the process that holds the supply of a rig and switches off when the run that started it dies.
//!
//! Nobody types it: `busbar run` starts it on a rig of real instruments, with a socket on its standard input.

use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

use lab::guard::{Post, stand};
use proto::channel::Channel;
use proto::quantity::Amps;

use crate::console::{ENDS, stopped_by};
use crate::{Exit, Failure};

/// What to guard.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The rig, by name or file
    #[arg(long)]
    pub(crate) rig: String,
    /// In a session of its own already
    #[arg(long)]
    apart: bool,
}

pub(crate) fn guard(args: &Args) -> Result<Exit, Failure> {
    if !args.apart {
        return start(args);
    }
    // A terminal that closes, and whoever ends the group of the run, do not reach it. It fails only for a leader of a
    // group, which has been started by hand and may be reached.
    let _ = rustix::process::setsid();
    let stop = stopped_by(&ENDS).map_err(failed)?;
    let library = crate::library()?;
    let rig = session::rig(&library, &args.rig)?;
    let live = rig.live.clone().ok_or_else(|| Failure::usage("a simulated rig needs no guard"))?;
    let profile = library.profile_of(&rig)?;
    let socket = UnixStream::from(std::io::stdin().as_fd().try_clone_to_owned().map_err(failed)?);
    socket
        .peer_addr()
        .map_err(|_| Failure::usage("`busbar run` starts the guard; there is nothing to do by hand"))?;
    // The folder of the run may be on a disk that somebody wants back.
    std::env::set_current_dir("/").map_err(failed)?;
    stand(
        Post { live, profile, current_max: Amps(rig.limits.at_most(Channel::SupplyCurrent)), stop },
        socket,
    );
    Ok(Exit::Pass)
}

/// Starts it once more and ends: the guard is then nobody's child.
fn start(args: &Args) -> Result<Exit, Failure> {
    let program = std::env::current_exe().map_err(failed)?;
    let mut command = Command::new(program);
    command.args(["guard", "--apart", "--rig", &args.rig]);
    command.stdin(Stdio::inherit()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().map_err(failed)?;
    Ok(Exit::Pass)
}

fn failed(error: impl ToString) -> Failure {
    Failure::open(format!("cannot guard the supply: {}", error.to_string()))
}
