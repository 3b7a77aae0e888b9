//! One run per rig: lock files below a folder of this user, one for each thing that only one run can have.
//!
//! The system frees a lock when its process ends, however it ends. What stands in the file outlives it: who held the
//! rig, and whether its output is not known to be off. Whoever takes a rig over from a dead holder switches it off first.

mod holder;

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use files::live::{CanPlace, Live, PsuPort};

pub use holder::Holder;

/// Names the folder of the locks, where it shall not be `/tmp/busbar-<user id>`.
pub const FOLDER_VARIABLE: &str = "BUSBAR_RUNTIME";

/// What stands in a lock file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Record {
    /// none after an orderly end
    holder: Option<Holder>,
    /// why nobody may use it
    quarantine: Option<String>,
    /// its guard, as long as that still tries to switch off, and until when
    trying: Option<String>,
    /// what the last guard had to do
    last: Option<String>,
    /// of a pseudo-terminal: which of those that had this name one after the other
    device: Option<String>,
}

/// What only one run can have.
#[derive(Debug, Clone)]
struct Thing {
    /// name of its lock file
    file: String,
    /// as [`Record::device`]
    device: Option<String>,
}

/// A lock file that is locked, and for what.
type Locked = (File, Thing);

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
    /// its output is not known to be off, and its guard still tries
    #[error(
        "the rig is quarantined: {why}; its guard ({guard}) still tries to switch the supply off and holds the rig: help it, or \
         switch off by hand and wait for its end"
    )]
    Trying {
        /// why nobody may use it
        why: String,
        /// its process, and until when
        guard: String,
    },
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
    files: Vec<Locked>,
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
        Self::take_in(folder()?, &things(live), holder)
    }

    fn take_in(folder: PathBuf, things: &[Thing], holder: Holder) -> Result<Self, LeaseError> {
        let (files, records) = lock(&folder, things)?;
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

    /// The same by a guard that goes on trying to switch off for that long.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn quarantine_and_try(&mut self, why: &str, span: Duration) -> Result<(), LeaseError> {
        let until = humantime::format_rfc3339_seconds(SystemTime::now() + span);
        self.record.trying = Some(format!("process {}, until {until}", std::process::id()));
        self.quarantine(why)
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
        let written = write(&mut self.files, &self.record);
        written.map_err(|source| LeaseError::System { path: self.folder.clone(), source })
    }
}

/// Whether the rig could be taken now, for whoever only wants to know.
///
/// # Errors
/// As [`Lease::take`].
pub fn look(live: &Live) -> Result<(), LeaseError> {
    let (_, records) = lock(&folder()?, &things(live))?;
    let quarantine = records.into_iter().find_map(|record| record.quarantine);
    quarantine.map_or(Ok(()), |why| Err(LeaseError::Quarantined(why)))
}

/// Lifts a quarantine, and says what it was for. The caller has seen that the output is off.
///
/// # Errors
/// When somebody has the rig, or the system refuses.
pub fn clear(live: &Live) -> Result<Option<String>, LeaseError> {
    clear_in(folder()?, &things(live))
}

fn clear_in(folder: PathBuf, things: &[Thing]) -> Result<Option<String>, LeaseError> {
    let (mut files, records) = lock(&folder, things)?;
    let why = records.into_iter().find_map(|record| record.quarantine);
    let cleared = why.as_ref().map(|why| format!("cleared by hand {}: {why}", now()));
    let record = Record { last: cleared, ..Record::default() };
    write(&mut files, &record).map_err(|source| LeaseError::System { path: folder, source })?;
    Ok(why)
}

/// Locks all or none. They are taken in the order of their names, so that two runs never wait for each other.
fn lock(folder: &Path, things: &[Thing]) -> Result<(Vec<Locked>, Vec<Record>), LeaseError> {
    let (mut files, mut records) = (Vec::new(), Vec::new());
    for thing in things {
        let path = folder.join(&thing.file);
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
                Record { quarantine: Some(why), trying: Some(guard), .. } => {
                    LeaseError::Trying { why, guard }
                }
                Record { quarantine: Some(why), .. } => LeaseError::Quarantined(why),
                Record { holder, .. } => LeaseError::Busy(Box::new(holder.unwrap_or_else(Holder::unknown))),
            });
        }
        // What became of another one that had this name says nothing of this one.
        let is_another = thing.device.is_some() && record.device.is_some() && thing.device != record.device;
        files.push((file, thing.clone()));
        records.push(if is_another { Record::default() } else { record });
    }
    Ok((files, records))
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
        .unwrap_or_else(|_| Record { holder: Some(Holder::unknown()), ..Record::default() }))
}

fn write(files: &mut [Locked], record: &Record) -> io::Result<()> {
    files.iter_mut().try_for_each(|(file, thing)| {
        let record = Record { device: thing.device.clone(), ..record.clone() };
        let text = format!("{}\n", serde_json::to_string(&record)?);
        // Cut off only after it is written: on a full disk, or a machine that loses its power in between, a rig is never
        // free because its record is empty.
        file.rewind()?;
        file.write_all(text.as_bytes())?;
        file.set_len(text.len() as u64)
    })
}

/// What of a rig only one run can have.
fn things(live: &Live) -> Vec<Thing> {
    let thing = |name: &str, device| {
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
        Thing { file: format!("{}.lease", name.chars().map(plain).collect::<String>()), device }
    };
    let port = |kind: &str, path: &str| {
        // Two links to one port are one port.
        let whole = std::fs::canonicalize(path).unwrap_or_else(|_| PathBuf::from(path));
        thing(&format!("{kind} {}", whole.display()), device(&whole))
    };
    let mut things = vec![match &live.can {
        CanPlace::Interface(name) => thing(&format!("can {name}"), None),
        CanPlace::Slcan(path) => port("can", path),
    }];
    things.extend(live.psu.as_ref().map(|psu| match &psu.port {
        PsuPort::Serial { serial, .. } => port("psu", serial),
        PsuPort::Tcp { tcp } => thing(&format!("psu {tcp}"), None),
    }));
    things.extend(live.gx.as_ref().map(|gx| thing(&format!("gx {}", gx.address), None)));
    things.sort_by(|a, b| a.file.cmp(&b.file));
    things
}

/// When a pseudo-terminal was made: its name comes again, and the time does not. Any other port keeps what is known of
/// it, however often it is plugged in.
fn device(path: &Path) -> Option<String> {
    let made = path.starts_with("/dev/pts").then(|| path.metadata().ok()).flatten()?;
    Some(format!("{}.{:09}", made.ctime(), made.ctime_nsec()))
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
