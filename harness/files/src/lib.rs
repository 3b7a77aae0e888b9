//! The files that describe benches, batteries, supplies and golden traces: how they are read and checked, and where
//! they are found. What only the simulated rig understands stays a [`Section`] here.

mod battery;
pub mod built_in;
mod declared;
pub mod from_log;
pub mod golden;
mod laboratory;
pub mod lease;
mod library;
mod like;
pub mod live;
pub mod profile;
mod rig;
mod section;
pub mod suites;
pub mod sweep;
mod witness;

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

pub use battery::{BatteryFile, Expectation};
pub use golden::GoldenFile;
pub use laboratory::{DecisionRule, Instrument, Laboratory, Uncertainty, is_day};
pub use library::{Fault, Library, nearest};
pub use like::Kind;
pub use profile::Profile;
pub use rig::{CanBus, GxStated, OnOff, Polling, RigFile, Svs};
pub use section::Section;
pub use suites::{Broken, Suites, full_name};
pub use sweep::{Draw, Range, Sweep};
pub use witness::{CalibrationPlace, Measures, Polarity, WitnessPlace};

/// Whether what an instrument says of itself is what only a simulated one says: the served GX in place of its serial
/// number, the served supply in its answer to `*IDN?`. One that is served in the language of a maker answers as that.
#[must_use]
pub fn is_simulated(says: &str) -> bool {
    says.contains("SIMULATED")
}

/// Why a file could not be taken in. Nothing has been started when one of these is reported.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// Not inside a project.
    #[error(
        "no folder with `suites/` and `rigs/` at {} or above it; run busbar inside a project, or name one with BUSBAR_HOME",
        from.display()
    )]
    NoProject {
        /// where the search began
        from: PathBuf,
    },
    /// The file or folder cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// which
        path: PathBuf,
        /// what the system said
        source: std::io::Error,
    },
    /// The file is larger than any honest one.
    #[error("{} has {size} bytes, more than the {limit} that such a file may have", path.display())]
    TooLarge {
        /// which
        path: PathBuf,
        /// its size
        size: u64,
        /// the limit
        limit: u64,
    },
    /// No such name.
    #[error("no {kind} is called `{name}`; the nearest are: {}", nearest.join(", "))]
    Unknown {
        /// battery, rig, suite or case
        kind: &'static str,
        /// what was asked for
        name: String,
        /// what may have been meant
        nearest: Vec<String>,
    },
    /// A rig file names a supply that nobody has described.
    #[error(
        "the rig `{rig}` names the PSU profile `{name}` (`live.psu.profile`), which is not in rigs/psu; the nearest are: {}",
        nearest.join(", ")
    )]
    NoProfile {
        /// the rig
        rig: String,
        /// the profile
        name: String,
        /// what may have been meant
        nearest: Vec<String>,
    },
    /// A rig file counts on a watchdog that its supply does not have.
    #[error(
        "the rig `{rig}` counts on a watchdog (`live.psu.watchdog`) that a supply of the profile `{profile}` does not have; \
         leave it out, and name what else cuts the supply (`interlock:`), or accept the risk (`accepted-risk:`)"
    )]
    NoWatchdog {
        /// the rig
        rig: String,
        /// the profile
        profile: String,
    },
    /// The text is not what such a file must be.
    #[error("{0}")]
    Yaml(#[from] engine::yaml::YamlError),
}

/// The largest suite, rig or battery file that is read: far above any written by hand.
const LARGEST_FILE: u64 = 4 << 20;

/// How long what is no file, such as a pipe, may take to say everything.
const SPEAKS_WITHIN: Duration = Duration::from_secs(10);

/// Reads a text file within the budget; what is no file, such as a pipe, within 10 s.
///
/// # Errors
/// When it cannot be read, is not UTF-8, is too large or does not end.
pub fn read_text(path: &Path) -> Result<String, InputError> {
    if let Some(text) = built_in::text(path) {
        return Ok(text.to_owned());
    }
    let unreadable = |source| InputError::Unreadable { path: path.to_owned(), source };
    let there = std::fs::metadata(path).map_err(unreadable)?;
    if there.len() > LARGEST_FILE {
        return Err(too_large(path, there.len()));
    }
    if there.is_file() {
        return read_whole(path);
    }
    let (sender, said) = sync_channel(1);
    let of = path.to_owned();
    std::thread::spawn(move || {
        // Whoever asked may have given up.
        let _ = sender.send(read_whole(&of));
    });
    said.recv_timeout(SPEAKS_WITHIN).unwrap_or_else(|_| {
        let what = format!("it is no file, and did not end within {} s", SPEAKS_WITHIN.as_secs());
        Err(unreadable(std::io::Error::new(std::io::ErrorKind::TimedOut, what)))
    })
}

fn read_whole(path: &Path) -> Result<String, InputError> {
    let unreadable = |source| InputError::Unreadable { path: path.to_owned(), source };
    // A device has no size and may have no end.
    let mut text = String::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(LARGEST_FILE + 1).read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > LARGEST_FILE {
        return Err(too_large(path, text.len() as u64));
    }
    Ok(text)
}

fn too_large(path: &Path, size: u64) -> InputError {
    InputError::TooLarge { path: path.to_owned(), size, limit: LARGEST_FILE }
}

/// Whether there is such a file, on the disk or built in.
fn is_there(path: &Path) -> bool {
    built_in::text(path).is_some() || path.is_file()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_an_end_is_refused() {
        let error = read_text(Path::new("/dev/zero")).expect_err("refused");
        assert!(matches!(error, InputError::TooLarge { .. }), "{error}");
    }
}
