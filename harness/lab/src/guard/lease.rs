//! The locks of this machine, which allow one run per instrument: files in a folder that all users share, one for each instrument,
//! named by its port or address.
//!
//! The system frees a lock when its process ends, however it ends. What stands in the file outlives it: who held the
//! rig, and whether its output is not known to be off. Whoever takes a rig over from a dead holder switches it off first.

mod given;
mod holder;

use std::fs::{DirBuilder, File, Metadata, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::kept::Kept;
use crate::lease::Engine;
use files::lease::Lease as Plan;
use files::live::{CanPlace, Live, PsuPort, Switch};

pub use holder::Holder;

use given::{Given, Marking};

/// Folders that belong to all users of a machine; the first that does is taken. Nothing in the second stays for long on
/// some machines.
const SHARED: [&str; 2] = ["/run/lock", "/tmp"];
/// The folder of the locks below that.
const FOLDER: &str = "busbar-locks";
/// Everybody may write, and nobody may take away what is another's.
const OPEN_TO_ALL: u32 = 0o1777;

/// How long a name server may take.
const NAMED_WITHIN: Duration = Duration::from_secs(2);

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
    /// what the engine of a shared rig gave, until it is given back
    lease: Option<Given>,
    /// of a GX: registers that are not as they were found, and what they held
    left: Vec<Kept>,
}

/// What only one run can have.
#[derive(Debug, Clone)]
struct Thing {
    /// name of its lock file
    file: String,
    /// as [`Record::device`]
    device: Option<String>,
    /// what is left of a GX stands in its own file: another rig may have another supply beside it
    is_gx: bool,
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
        "the rig is quarantined: {0}; look at the supply, SWITCH IT OFF BY HAND, then `busbar doctor --rig … --clear`"
    )]
    Quarantined(String),
    /// its output is not known to be off, and its guard still tries
    #[error(
        "the rig is quarantined: {why}; its guard ({guard}) still tries to switch the supply off and holds the rig: help it, or \
         SWITCH IT OFF BY HAND and wait for its end"
    )]
    Trying {
        /// why nobody may use it
        why: String,
        /// its process, and until when
        guard: String,
    },
    /// the system refuses
    #[error(
        "cannot lock the rig in {}: {source}; the folder belongs to all users (mode 1777), its files are open to all (0666)",
        path.display()
    )]
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
    /// who handed it out, of a rig that several people share
    engine: Option<Engine>,
    /// everybody is being told that it is quarantined
    marking: Option<Marking>,
}

impl Lease {
    /// Takes everything of a rig that only one run can have, or nothing.
    ///
    /// # Errors
    /// When somebody has a part of it, or it is quarantined.
    pub fn take(live: &Live, holder: Holder) -> Result<Self, LeaseError> {
        let mut lease = Self::take_in(folder()?, &things(live), holder)?;
        lease.handed_out_by(live.lease.as_ref());
        Ok(lease)
    }

    fn take_in(folder: PathBuf, things: &[Thing], holder: Holder) -> Result<Self, LeaseError> {
        let (files, records) = lock(&folder, things)?;
        if let Some(why) = records.iter().find_map(|record| record.quarantine.clone()) {
            return Err(LeaseError::Quarantined(why));
        }
        let left = left_of(&records);
        let lease = given::of(&records, &holder.rig);
        let before = records.into_iter().find_map(|record| record.holder);
        let record = Record { holder: Some(holder), left, lease, ..Record::default() };
        let mut lease = Self { folder, files, record, before, engine: None, marking: None };
        lease.write()?;
        Ok(lease)
    }

    /// Who had the rig before and died without freeing it: the output is unknown.
    #[must_use]
    pub const fn before(&self) -> Option<&Holder> {
        self.before.as_ref()
    }

    /// Registers of the GX that are not as they were found, and what they held: of whoever had the rig before, until
    /// [`Lease::leaves`] says otherwise.
    pub(super) fn left(&self) -> &[Kept] {
        &self.record.left
    }

    /// Notes that registers of the GX are not as they were found. It outlives this process.
    ///
    /// # Errors
    /// When that cannot be written.
    pub(super) fn leaves(&mut self, left: &[Kept]) -> Result<(), LeaseError> {
        left.clone_into(&mut self.record.left);
        self.write()
    }

    /// Nobody may use the rig from now on, until somebody clears it or it is seen to be off. Who hands it out is told, and
    /// does not get it back.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn quarantine(&mut self, why: &str) -> Result<(), LeaseError> {
        let written = self.quarantined(why);
        self.mark().iter_mut().for_each(Marking::wait);
        written
    }

    fn quarantined(&mut self, why: &str) -> Result<(), LeaseError> {
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
        let written = self.quarantined(why);
        // Nothing is waited for: it is tried again to switch off.
        self.marking = self.mark();
        written
    }

    /// Gives the rig back in an orderly state, with what there was to do; first to who handed it out.
    ///
    /// # Errors
    /// When that cannot be written: the next run then takes it for a dead holder's.
    pub fn free(mut self, last: Option<String>) -> Result<(), LeaseError> {
        // Whoever wants to know what came of it has done this before.
        let _ = self.give_back();
        let left = std::mem::take(&mut self.record.left);
        let lease = self.record.lease.take();
        self.record = Record { last, left, lease, ..Record::default() };
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

/// Gives what is left of the GX to somebody who may write it back, of a rig that nobody has; what remains of it, and
/// whether anything does.
pub(super) fn with_left<T>(
    live: &Live,
    what: impl FnOnce(&mut Vec<Kept>) -> T,
) -> Result<(T, bool), LeaseError> {
    let folder = folder()?;
    let things: Vec<Thing> = things(live).into_iter().filter(|thing| thing.is_gx).collect();
    let (mut files, mut records) = lock(&folder, &things)?;
    let mut left = left_of(&records);
    let before = left.clone();
    let done = what(&mut left);
    if left != before
        && let Some(record) = records.pop()
    {
        let record = Record { left: left.clone(), ..record };
        write(&mut files, &record).map_err(|source| LeaseError::System { path: folder, source })?;
    }
    Ok((done, !left.is_empty()))
}

/// Forgets what could not be put back on the GX: a person has done it.
///
/// # Errors
/// When somebody has the rig, or the system refuses.
pub fn forget_gx(live: &Live) -> Result<(), LeaseError> {
    with_left(live, Vec::clear).map(drop)
}

fn left_of(records: &[Record]) -> Vec<Kept> {
    records.iter().find(|record| !record.left.is_empty()).map_or_else(Vec::new, |record| record.left.clone())
}

/// Lifts a quarantine, and says what it was for; a rig that somebody hands out is given back. The caller has seen that the
/// output is off.
///
/// # Errors
/// When somebody has the rig, or the system refuses.
pub fn clear(live: &Live) -> Result<Option<String>, LeaseError> {
    clear_in(folder()?, &things(live), live.lease.as_ref())
}

fn clear_in(folder: PathBuf, things: &[Thing], lease: Option<&Plan>) -> Result<Option<String>, LeaseError> {
    let (mut files, records) = lock(&folder, things)?;
    let left = left_of(&records);
    let given = records.iter().find_map(|record| record.lease.clone());
    let (lease, told) = given::given_back(given, lease);
    let why = records.into_iter().find_map(|record| record.quarantine);
    let cleared = why.as_ref().map(|why| format!("cleared by hand {}: {why}", now()));
    let record = Record { last: cleared, left, lease, ..Record::default() };
    write(&mut files, &record).map_err(|source| LeaseError::System { path: folder, source })?;
    Ok(match (why, told) {
        (Some(why), Some(told)) => Some(format!("{why}; {told}")),
        (why, told) => why.or(told),
    })
}

/// Locks all or none. They are taken in the order of their names, so that two runs never wait for each other.
fn lock(folder: &Path, things: &[Thing]) -> Result<(Vec<Locked>, Vec<Record>), LeaseError> {
    let (mut files, mut records) = (Vec::new(), Vec::new());
    for thing in things {
        let path = folder.join(&thing.file);
        let system = |source| LeaseError::System { path: path.clone(), source };
        let (mut file, busy) = open_locked(&path).map_err(system)?;
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

/// Opens a lock file and tries to lock it; whether somebody else has it.
fn open_locked(path: &Path) -> io::Result<(File, bool)> {
    loop {
        let file = open(path)?;
        let busy = match file.try_lock() {
            Ok(()) => false,
            Err(TryLockError::WouldBlock) => true,
            Err(TryLockError::Error(source)) => return Err(source),
        };
        // Somebody may have cleaned up meanwhile: a file without a name locks nobody out.
        let (named, this) = (path.symlink_metadata().ok(), file.metadata()?);
        // Nor is a link to somewhere else one, or a pipe.
        if !this.is_file() || named.as_ref().is_some_and(Metadata::is_symlink) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        if named.is_some_and(|named| (named.dev(), named.ino()) == (this.dev(), this.ino())) {
            return Ok((file, busy));
        }
    }
}

/// A file of whoever came first. In a folder of all users the system opens the file of another one only when it is not
/// asked to make it (`fs.protected_regular`).
fn open(path: &Path) -> io::Result<File> {
    /// Whoever makes it opens it to all in the next moment.
    const TRIES: usize = 20;
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o666);
    let mut refused = io::ErrorKind::PermissionDenied.into();
    for _ in 0..TRIES {
        match options.open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                refused = error;
                std::thread::sleep(Duration::from_millis(10));
                continue;
            }
            opened => return opened,
        }
        match options.clone().create_new(true).open(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Ok(file) => {
                file.set_permissions(Permissions::from_mode(0o666))?;
                return Ok(file);
            }
            Err(error) => return Err(error),
        }
    }
    Err(refused)
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
        let left = if thing.is_gx { record.left.clone() } else { Vec::new() };
        let record = Record { device: thing.device.clone(), left, ..record.clone() };
        let text = format!("{}\n", serde_json::to_string(&record)?);
        // Cut off only after it is written: on a full disk, or a machine that loses its power in between, a rig is never
        // free because its record is empty.
        file.rewind()?;
        file.write_all(text.as_bytes())?;
        file.set_len(text.len() as u64)
    })
}

/// What of a rig only one run can have: each by the device or the address behind its name.
fn things(live: &Live) -> Vec<Thing> {
    let mut things = match &live.can {
        CanPlace::Interface(name) => vec![thing(&format!("can {name}"), None)],
        CanPlace::Slcan(path) => port(path),
    };
    things.extend(live.psu.as_ref().into_iter().flat_map(|psu| match &psu.port {
        PsuPort::Serial { serial, .. } => port(serial),
        PsuPort::Tcp { tcp } => vec![address(&tcp.to_string())],
    }));
    things.extend(live.gx.as_ref().map(|gx| Thing { is_gx: true, ..address(&gx.address) }));
    // Two rigs may share a box of relays, and not one of its coils.
    things.extend(live.switches.all().filter_map(|switch| match switch {
        Switch::Coil { address: at, unit, number } => {
            Some(thing(&format!("{} unit {unit} coil {number}", host(at)), None))
        }
        Switch::GxRelay(_) => None,
    }));
    things.sort_by(|a, b| a.file.cmp(&b.file));
    things.dedup_by(|a, b| a.file == b.file);
    things
}

fn thing(name: &str, device: Option<String>) -> Thing {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    Thing { file: format!("{}.lease", name.chars().map(plain).collect::<String>()), device, is_gx: false }
}

/// A serial port, whatever link leads to it. An adapter that has a name of its own is also known by that: its number may be
/// another one when it is plugged in again, and what is known of it stays.
fn port(path: &str) -> Vec<Thing> {
    let whole = std::fs::canonicalize(path).unwrap_or_else(|_| PathBuf::from(path));
    let number = crate::same::device(&whole);
    // The guard of a terminal that is gone keeps its lock, and the number of that comes again.
    let made = device(&whole).map_or_else(String::new, |made| format!(" {made}"));
    let name =
        number.map_or_else(|| format!("port {}", whole.display()), |number| format!("device {number}{made}"));
    let own = path.starts_with("/dev/serial/").then(|| thing(&format!("port {path}"), None));
    [thing(&name, device(&whole))].into_iter().chain(own).collect()
}

fn address(address: &str) -> Thing {
    thing(&format!("net {}", host(address)), None)
}

/// Address and port of a host, in numbers where it has any: `gx.local` and `192.168.1.20:502` are one GX.
fn host(address: &str) -> String {
    let full = crate::gx::with_port(address).into_owned();
    let found = full.parse().map_or_else(|_| named(full.clone()), |at: SocketAddr| vec![at]);
    let numbers = found.iter().map(|at| (at.ip().to_canonical(), at.port()));
    // One and the same of those that a name has.
    let first = numbers.min_by_key(|(ip, _)| (ip.is_ipv6(), *ip));
    first.map_or(full, |(ip, port)| format!("{ip} {port}"))
}

/// The addresses of a name, as far as a name server answers soon.
fn named(full: String) -> Vec<SocketAddr> {
    let (sender, found) = sync_channel(1);
    let asking = std::thread::Builder::new().name("name".to_owned()).spawn(move || {
        let _ = sender.send(full.to_socket_addrs().map(Iterator::collect).unwrap_or_default());
    });
    asking.ok().and_then(|_| found.recv_timeout(NAMED_WITHIN).ok()).unwrap_or_default()
}

/// When a pseudo-terminal was made: its name comes again, and the time does not. Any other port keeps what is known of
/// it, however often it is plugged in.
fn device(path: &Path) -> Option<String> {
    let made = path.starts_with("/dev/pts").then(|| path.metadata().ok()).flatten()?;
    Some(format!("{}.{:09}", made.ctime(), made.ctime_nsec()))
}

/// The folder of the locks: the same for every user, for a login and for a nightly job. No variable moves it: a run that
/// looks elsewhere would switch off what another one has on.
fn folder() -> Result<PathBuf, LeaseError> {
    let is_shared =
        |path: &Path| path.metadata().is_ok_and(|found| found.mode() & OPEN_TO_ALL == OPEN_TO_ALL);
    let home = SHARED.into_iter().find(|path| is_shared(Path::new(path))).unwrap_or(SHARED[1]);
    // The terminals of tests get the names of others that are gone, and with them what became of those.
    let own = if cfg!(test) { format!("-test-{}", std::process::id()) } else { String::new() };
    let path = Path::new(home).join(format!("{FOLDER}{own}"));
    shared_folder(&path).map_err(|source| LeaseError::System { path: path.clone(), source })?;
    Ok(path)
}

/// Makes a folder of all users, or sees that it is one.
fn shared_folder(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(OPEN_TO_ALL).create(path) {
        // Whatever the mask of this user is.
        Ok(()) => std::fs::set_permissions(path, Permissions::from_mode(OPEN_TO_ALL))?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    for _ in 0..10 {
        let found = path.symlink_metadata()?;
        if found.is_dir() && found.mode() & OPEN_TO_ALL == OPEN_TO_ALL {
            return Ok(());
        }
        // Whoever makes it opens it to all in the next moment.
        std::thread::sleep(Duration::from_millis(10));
    }
    Err(io::ErrorKind::PermissionDenied.into())
}

pub(crate) fn now() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}

#[cfg(test)]
mod tests;
