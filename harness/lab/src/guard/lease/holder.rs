//! Who has a rig, for whoever wants it too.

use std::io;

use serde::{Deserialize, Serialize};

/// Who has a rig.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// the rig, as its file calls it
    pub rig: String,
    /// process of the harness
    pub pid: u32,
    /// name of the user
    pub user: String,
    /// terminal and machine it was started from
    pub from: String,
    /// the command line
    pub command: String,
    /// time of day (RFC 3339)
    pub since: String,
}

impl Holder {
    /// This process.
    #[must_use]
    pub fn this(rig: &str) -> Self {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let id = rustix::process::getuid().as_raw();
        let terminal = rustix::termios::ttyname(io::stdin(), Vec::new())
            .map_or_else(|_| "no terminal".to_owned(), |name| name.to_string_lossy().into_owned());
        // SSH names the client first.
        let client = variable("SSH_CONNECTION").and_then(|text| text.split(' ').next().map(str::to_owned));
        let command: Vec<_> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
        Self {
            rig: rig.to_owned(),
            pid: std::process::id(),
            user: variable("USER").or_else(|| variable("LOGNAME")).unwrap_or_else(|| format!("user {id}")),
            from: client.map_or_else(|| terminal.clone(), |host| format!("{terminal}, {host}")),
            command: command.join(" "),
            since: super::now(),
        }
    }

    /// It has the lock, and has not yet said who it is.
    pub(super) fn unknown() -> Self {
        let unknown = || "unknown".to_owned();
        Self {
            rig: unknown(),
            pid: 0,
            user: unknown(),
            from: unknown(),
            command: unknown(),
            since: unknown(),
        }
    }
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { rig, pid, user, from, command, since } = self;
        write!(f, "process {pid} of {user} ({from}) since {since}, on the rig `{rig}`: {command}")
    }
}
