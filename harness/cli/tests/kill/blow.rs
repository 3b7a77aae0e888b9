//! What is done to a run, and when.

use std::fs::File;
use std::io::Write as _;
use std::process::Child;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// What is done to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Kill,
    Terminate,
    Interrupt,
    InterruptTwice,
    HangUp,
    CloseTerminal,
    Panic,
    CloseSocket,
    Stop,
    KillGuard,
    StopGuard,
    TerminateGuard,
    Both,
}

impl Kind {
    pub(crate) const ALL: [Self; 13] = [
        Self::Kill,
        Self::Terminate,
        Self::Interrupt,
        Self::InterruptTwice,
        Self::HangUp,
        Self::CloseTerminal,
        Self::Panic,
        Self::CloseSocket,
        Self::Stop,
        Self::KillGuard,
        Self::StopGuard,
        Self::TerminateGuard,
        Self::Both,
    ];

    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Kill => "harness: SIGKILL",
            Self::Terminate => "harness: SIGTERM",
            Self::Interrupt => "harness: SIGINT",
            Self::InterruptTwice => "harness: SIGINT, and once more",
            Self::HangUp => "harness: SIGHUP",
            Self::CloseTerminal => "harness: terminal closed",
            Self::Panic => "harness: panic",
            Self::CloseSocket => "harness: socket closed",
            Self::Stop => "harness: SIGSTOP (limit 1 s)",
            Self::KillGuard => "guard: SIGKILL",
            Self::StopGuard => "guard: SIGSTOP (limit 1 s)",
            Self::TerminateGuard => "guard: SIGTERM",
            Self::Both => "both: SIGKILL (watchdog of 1 s)",
        }
    }

    /// Whether it takes the program that panics when it is told to, in place of `busbar run`.
    pub(crate) const fn is_told(self) -> bool {
        matches!(self, Self::Panic | Self::CloseSocket)
    }

    /// Whether the harness comes to an end of its own, with an exit code that says so.
    pub(crate) const fn ends_by_itself(self) -> bool {
        !matches!(self, Self::Kill | Self::Both | Self::Panic | Self::CloseSocket)
    }

    /// Whether there must be a guard for it.
    pub(crate) const fn is_for_guard(self) -> bool {
        matches!(self, Self::KillGuard | Self::StopGuard | Self::TerminateGuard)
    }
}

/// In the middle of what it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Start,
    Ramp,
    Hold,
    Switch,
    ShutDown,
}

impl Phase {
    pub(crate) const ALL: [Self; 5] = [Self::Start, Self::Ramp, Self::Hold, Self::Switch, Self::ShutDown];

    /// What `events.jsonl` holds once it has begun; a run begins with its process.
    pub(crate) const fn begins_with(self) -> Option<&'static str> {
        match self {
            Self::Start => None,
            Self::Ramp => Some("\"text\":\"pv"),
            Self::Hold => Some("\"text\":\"hold"),
            Self::Switch => Some("\"text\":\"ac-load"),
            Self::ShutDown => Some("\"kind\":\"completed\""),
        }
    }

    /// How long it goes on, at least: a blow falls anywhere in it.
    pub(crate) const fn length(self) -> Duration {
        Duration::from_millis(match self {
            Self::Start => 400,
            Self::Ramp | Self::Hold | Self::Switch => 480,
            Self::ShutDown => 150,
        })
    }

    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Ramp => "ramp",
            Self::Hold => "hold",
            Self::Switch => "load switch",
            Self::ShutDown => "shut-down",
        }
    }
}

/// A run, with what it hangs on.
pub(crate) struct Running {
    pub(crate) process: Child,
    /// the terminal that it was started from
    pub(crate) terminal: Option<File>,
}

impl Drop for Running {
    fn drop(&mut self) {
        // Ended with its test, by its id; it may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Strikes; `again` is how long after the first a second Ctrl-C comes.
pub(crate) fn strike(
    kind: Kind,
    run: &mut Running,
    guard: Option<u32>,
    again: Duration,
) -> Result<(), String> {
    let harness = run.process.id();
    let of_guard = guard.ok_or("there is no guard");
    match kind {
        Kind::Kill => signal(harness, Signal::KILL),
        Kind::Terminate => signal(harness, Signal::TERM),
        Kind::Interrupt => signal(harness, Signal::INT),
        Kind::InterruptTwice => {
            signal(harness, Signal::INT)?;
            std::thread::sleep(again);
            signal(harness, Signal::INT)
        }
        Kind::HangUp => signal(harness, Signal::HUP),
        Kind::CloseTerminal => run.terminal.take().map(drop).ok_or("there is no terminal".to_owned()),
        Kind::Panic | Kind::CloseSocket => {
            let word = if kind == Kind::Panic { "panic\n" } else { "hang-up\n" };
            let mut stdin = run.process.stdin.take().ok_or("no way to tell it")?;
            stdin.write_all(word.as_bytes()).map_err(|error| error.to_string())
        }
        Kind::Stop => signal(harness, Signal::STOP),
        Kind::KillGuard => signal(of_guard?, Signal::KILL),
        Kind::StopGuard => signal(of_guard?, Signal::STOP),
        Kind::TerminateGuard => signal(of_guard?, Signal::TERM),
        Kind::Both => {
            // Before there is a guard, there is one to kill.
            guard.map_or(Ok(()), |guard| signal(guard, Signal::KILL))?;
            signal(harness, Signal::KILL)
        }
    }
}

/// Lets a process that was stopped go on.
pub(crate) fn go_on(id: u32) -> Result<(), String> {
    signal(id, Signal::CONT)
}

fn signal(id: u32, signal: Signal) -> Result<(), String> {
    let pid = i32::try_from(id).ok().and_then(Pid::from_raw).ok_or("no process")?;
    // A process that has just ended needs no blow; one of ours is a zombie until it is waited for.
    match kill_process(pid, signal) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(format!("cannot signal {id}: {error}")),
    }
}
