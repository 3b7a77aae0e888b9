//! One run per rig: lock files below a folder of this user, one for each thing that only one run can have.
//!
//! The system frees a lock when its process ends, however it ends. What stands in the file outlives it: who held the
//! rig, and whether its output is not known to be off. Whoever takes a rig over from a dead holder switches it off first.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::live::{CanPlace, Live, PsuPort};

/// Names the folder of the locks, where it shall not be `/tmp/busbar-<user id>`.
pub const FOLDER_VARIABLE: &str = "BUSBAR_RUNTIME";

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
            since: now(),
        }
    }
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { rig, pid, user, from, command, since } = self;
        write!(f, "process {pid} of {user} ({from}) since {since}, on the rig `{rig}`: {command}")
    }
}

/// What stands in a lock file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Record {
    /// none after an orderly end
    holder: Option<Holder>,
    /// why nobody may use it
    quarantine: Option<String>,
    /// what the last guard had to do
    last: Option<String>,
}

/// Why a rig is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// somebody has it
    #[error("the rig is in use by {0}; wait for its end with `busbar run --wait 10m`")]
    Busy(Box<Holder>),
    /// its output is not known to be off
    #[error(
        "the rig is quarantined: {0}; look at the supply, switch it off by hand, then `busbar doctor --rig … --clear`"
    )]
    Quarantined(String),
    /// the system refuses
    #[error("cannot lock the rig in {}: {source}; the folder must belong to you alone (mode 0700)", path.display())]
    System {
        /// file or folder
        path: PathBuf,
        /// what the system said
        source: io::Error,
    },
}

/// A rig that is ours until this is dropped or the process ends.
#[derive(Debug)]
pub struct Lease {
    folder: PathBuf,
    files: Vec<File>,
    record: Record,
    /// who had it and died without freeing it
    before: Option<Holder>,
}

impl Lease {
    /// Takes everything of a rig that only one run can have, or nothing.
    ///
    /// # Errors
    /// When somebody has a part of it, or it is quarantined.
    pub fn take(live: &Live, holder: Holder) -> Result<Self, LeaseError> {
        Self::take_in(folder()?, &names(live), holder)
    }

    fn take_in(folder: PathBuf, names: &[String], holder: Holder) -> Result<Self, LeaseError> {
        let (files, records) = lock(&folder, names)?;
        if let Some(why) = records.iter().find_map(|record| record.quarantine.clone()) {
            return Err(LeaseError::Quarantined(why));
        }
        let before = records.into_iter().find_map(|record| record.holder);
        let record = Record { holder: Some(holder), ..Record::default() };
        let mut lease = Self { folder, files, record, before };
        lease.write()?;
        Ok(lease)
    }

    /// Who had the rig before and died without freeing it: the output is unknown.
    #[must_use]
    pub const fn before(&self) -> Option<&Holder> {
        self.before.as_ref()
    }

    /// Nobody may use the rig from now on, until somebody clears it or it is seen to be off.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn quarantine(&mut self, why: &str) -> Result<(), LeaseError> {
        self.record.quarantine = Some(format!("{why} ({})", now()));
        self.write()
    }

    /// Gives the rig back in an orderly state, with what there was to do.
    ///
    /// # Errors
    /// When that cannot be written: the next run then takes it for a dead holder's.
    pub fn free(mut self, last: Option<String>) -> Result<(), LeaseError> {
        self.record = Record { last, ..Record::default() };
        self.write()
    }

    fn write(&mut self) -> Result<(), LeaseError> {
        let written = self.files.iter_mut().try_for_each(|file| write(file, &self.record));
        written.map_err(|source| LeaseError::System { path: self.folder.clone(), source })
    }
}

/// Whether the rig could be taken now, for whoever only wants to know.
///
/// # Errors
/// As [`Lease::take`].
pub fn look(live: &Live) -> Result<(), LeaseError> {
    let (_, records) = lock(&folder()?, &names(live))?;
    let quarantine = records.into_iter().find_map(|record| record.quarantine);
    quarantine.map_or(Ok(()), |why| Err(LeaseError::Quarantined(why)))
}

/// Lifts a quarantine, and says what it was for. The caller has seen that the output is off.
///
/// # Errors
/// When somebody has the rig, or the system refuses.
pub fn clear(live: &Live) -> Result<Option<String>, LeaseError> {
    clear_in(folder()?, &names(live))
}

fn clear_in(folder: PathBuf, names: &[String]) -> Result<Option<String>, LeaseError> {
    let (mut files, records) = lock(&folder, names)?;
    let why = records.into_iter().find_map(|record| record.quarantine);
    let cleared = why.as_ref().map(|why| format!("cleared by hand {}: {why}", now()));
    let record = Record { last: cleared, ..Record::default() };
    files
        .iter_mut()
        .try_for_each(|file| write(file, &record))
        .map_err(|source| LeaseError::System { path: folder, source })?;
    Ok(why)
}

/// Locks all or none. They are taken in the order of their names, so that two runs never wait for each other.
fn lock(folder: &Path, names: &[String]) -> Result<(Vec<File>, Vec<Record>), LeaseError> {
    let (mut files, mut records) = (Vec::new(), Vec::new());
    for name in names {
        let path = folder.join(name);
        let system = |source| LeaseError::System { path: path.clone(), source };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(&path).map_err(system)?;
        let busy = match file.try_lock() {
            Ok(()) => false,
            Err(TryLockError::WouldBlock) => true,
            Err(TryLockError::Error(source)) => return Err(system(source)),
        };
        let record = read(&mut file).map_err(system)?;
        if busy {
            return Err(match record {
                Record { quarantine: Some(why), .. } => LeaseError::Quarantined(why),
                Record { holder, .. } => LeaseError::Busy(Box::new(holder.unwrap_or_else(unknown))),
            });
        }
        files.push(file);
        records.push(record);
    }
    Ok((files, records))
}

/// It has the lock, and has not yet said who it is.
fn unknown() -> Holder {
    let unknown = || "unknown".to_owned();
    Holder { rig: unknown(), pid: 0, user: unknown(), from: unknown(), command: unknown(), since: unknown() }
}

/// What cannot be read, such as half a record of a machine that lost its power, counts as a dead holder's.
fn read(file: &mut File) -> io::Result<Record> {
    let mut text = String::new();
    file.rewind()?;
    file.take(1 << 16).read_to_string(&mut text)?;
    if text.is_empty() {
        return Ok(Record::default());
    }
    Ok(serde_json::from_str(&text)
        .unwrap_or_else(|_| Record { holder: Some(unknown()), ..Record::default() }))
}

fn write(file: &mut File, record: &Record) -> io::Result<()> {
    let text = format!("{}\n", serde_json::to_string(record)?);
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(text.as_bytes())
}

/// What only one run can have, as names of files.
fn names(live: &Live) -> Vec<String> {
    let whole = |path: &str| {
        // Two links to one port are one port.
        std::fs::canonicalize(path).map_or_else(|_| path.to_owned(), |path| path.display().to_string())
    };
    let mut names = vec![match &live.can {
        CanPlace::Interface(name) => format!("can {name}"),
        CanPlace::Slcan(path) => format!("can {}", whole(path)),
    }];
    names.extend(live.psu.as_ref().map(|psu| match &psu.port {
        PsuPort::Serial { serial, .. } => format!("psu {}", whole(serial)),
        PsuPort::Tcp { tcp } => format!("psu {tcp}"),
    }));
    names.extend(live.gx.as_ref().map(|gx| format!("gx {}", gx.address)));
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    let mut names: Vec<_> =
        names.iter().map(|name| format!("{}.lease", name.chars().map(plain).collect::<String>())).collect();
    names.sort();
    names
}

/// The folder of the locks. It is the same for a login and for a nightly job, which `XDG_RUNTIME_DIR` is not.
fn folder() -> Result<PathBuf, LeaseError> {
    let user = rustix::process::getuid().as_raw();
    // The terminals of tests get the names of others that are gone, and with them what became of those.
    let own = if cfg!(test) { format!("-test-{}", std::process::id()) } else { String::new() };
    let path = std::env::var_os(FOLDER_VARIABLE)
        .map_or_else(|| PathBuf::from(format!("/tmp/busbar-{user}{own}")), PathBuf::from);
    let system = |source| LeaseError::System { path: path.clone(), source };
    match DirBuilder::new().mode(0o700).create(&path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(system(error)),
        _ => {}
    }
    // Whoever could write there could make one believe anything.
    let found = path.symlink_metadata().map_err(system)?;
    if !found.is_dir() || found.uid() != user || found.mode() & 0o077 != 0 {
        return Err(system(io::ErrorKind::PermissionDenied.into()));
    }
    Ok(path)
}

pub(crate) fn now() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}

#[cfg(test)]
mod tests;
