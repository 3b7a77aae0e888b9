//! What was added beside a run after it ended: exports of VRM, in the folder `added` of the run folder. No manifest lists
//! them, no bundle holds them, nothing is judged by them, and no file of the run is touched.
//!
//! `added/vrm-1.csv` is the export as it was given, `added/vrm-1.json` the [`Record`] of how it lies beside the run. [`add`]
//! writes both, [`all`] reads them back and lays each export beside the run anew.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

mod beside;
mod record;

pub use beside::{Against, Beside, Difference, Lane, beside};
pub use record::{Record, SCHEMA, Says, Start};

use crate::again::Again;
use crate::manifest::{plain, sha256};
use crate::names::ADDED;
use crate::vrm::{Export, Local, VrmError, Zone};

/// The largest export: a year of minutes with a hundred columns is less.
const LARGEST: u64 = 256 << 20;
/// So many exports lie beside one run.
const MOST: usize = 100;

/// What to add.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// the export
    pub file: &'a Path,
    /// microseconds by which its clock is ahead of the run's; none where that is not known
    pub offset: Option<i64>,
    /// seconds east of UTC of its times; its head says so where nobody does
    pub zone: Option<i32>,
}

/// Why an export cannot lie beside a run.
#[derive(Debug, thiserror::Error)]
pub enum AddError {
    /// It is JSON of VRM.
    #[error(
        "{0}: JSON of VRM is not offered, since its CSV holds the same: export the log of the installation as CSV and add that"
    )]
    Json(String),
    /// It is no file, or larger than any export.
    #[error("{file}: {why}")]
    NoFile {
        /// the file
        file: String,
        /// why
        why: String,
    },
    /// It is no export, or not whole.
    #[error("{file}: {source}")]
    Export {
        /// the file
        file: String,
        /// where and what
        source: VrmError,
    },
    /// Its head names a zone without an offset.
    #[error(
        "{file}: line 2: how far `{zone}` is from UTC in its rows is not said, expected such as Europe/Berlin (+01:00); state \
         it: --zone +01:00"
    )]
    Zone {
        /// the file
        file: String,
        /// the zone of its head
        zone: String,
    },
    /// Nothing says when the run began.
    #[error(
        "{0}: nothing says when this run began: neither events.jsonl has its epoch nor manifest.json its start, so no clock can be held against it"
    )]
    NoStart(String),
    /// The run was put together from several, which have a clock each.
    #[error(
        "{0}: it was put together from several runs, which have a clock each: add the export to one of those"
    )]
    Merged(String),
    /// It is of another time than the run.
    #[error(
        "{file}: it has no row within a case of the run: it spans {export}, the run {run} on the same clock, {zone}; where its \
         rows are of another season, say --zone +02:00; where its clock differs from the run's, say by how much: --offset +1m30s"
    )]
    Apart {
        /// the file
        file: String,
        /// what it spans
        export: String,
        /// what the run spans
        run: String,
        /// how times were taken
        zone: String,
    },
    /// The same file lies there.
    #[error(
        "{file}: it lies beside this run already, as {kept}; nothing was written. To align it otherwise, remove {kept} and its \
         .json first"
    )]
    Twice {
        /// the file
        file: String,
        /// the one that is there
        kept: String,
    },
    /// What lies beside the run is not what was added.
    #[error("{file}: {why}; remove it, and add the export again")]
    Changed {
        /// which
        file: String,
        /// how that is known
        why: String,
    },
    /// It cannot be written.
    #[error("cannot write {file}: {source}; nothing of the run was touched")]
    Write {
        /// which
        file: String,
        /// what the system says
        source: io::Error,
    },
}

/// Copies an export into the run folder, with how it lies beside the run, and reads it there.
///
/// # Errors
/// When it is no export, has no row within the run, or lies there already; nothing is written then.
pub fn add(folder: &Path, again: &Again, asked: Asked<'_>) -> Result<Beside, AddError> {
    let shown = asked.file.display().to_string();
    let content = content(asked.file, &shown)?;
    let there = records(folder)?;
    let sum = sha256(&content);
    if let Some(kept) = there.iter().find(|record| record.sha256 == sum) {
        return Err(AddError::Twice { file: shown, kept: within(folder, &kept.file) });
    }
    let wrong = |source| AddError::Export { file: shown.clone(), source };
    let export = Export::new(&content[..]).map_err(wrong)?;
    let (zone_offset_s, zone_offset_by) = offset(&asked, export.zone(), &shown)?;
    let (run_began_us, run_began_by) = start(folder, again)?;
    let number = free(folder)?;
    let record = Record {
        schema: SCHEMA.to_owned(),
        run: again.run.meta.id.clone(),
        manifest_sha256: manifest_sum(folder),
        file: format!("vrm-{number}.csv"),
        given_as: asked
            .file
            .file_name()
            .map_or_else(String::new, |name| crate::text::plain(&name.to_string_lossy()).into_owned()),
        bytes: content.len() as u64,
        sha256: sum,
        zone: export.zone().name.clone(),
        zone_offset_s,
        zone_offset_by,
        offset_us: asked.offset.unwrap_or(0),
        offset_stated: asked.offset.is_some(),
        run_began_us,
        run_began_by,
    };
    let found = beside(record, export, &again.run.cases).map_err(wrong)?;
    if found.within == 0 {
        return Err(apart(&found, again, shown));
    }
    write(folder, &found.record, &content)?;
    Ok(found)
}

/// Every export that lies beside a run, in the order in which they were added.
///
/// # Errors
/// When one is not what was added.
pub fn all(folder: &Path, again: &Again) -> Result<Vec<Beside>, AddError> {
    records(folder)?.into_iter().map(|record| one(folder, again, record)).collect()
}

fn one(folder: &Path, again: &Again, record: Record) -> Result<Beside, AddError> {
    let file = within(folder, &record.file);
    let changed = |why: String| AddError::Changed { file: file.clone(), why };
    let name = format!("{ADDED}/{}", record.file);
    let path = plain(folder, &name).map_err(|error| changed(error.to_string()))?;
    let content = content(&path, &file)?;
    if sha256(&content) != record.sha256 {
        return Err(changed("it is not what was added: its .json has another sum".to_owned()));
    }
    if record.run != again.run.meta.id {
        return Err(changed(format!("it was added to the run {}", crate::text::plain(&record.run))));
    }
    let wrong = |source| AddError::Export { file: file.clone(), source };
    let export = Export::new(&content[..]).map_err(wrong)?;
    beside(record, export, &again.run.cases).map_err(wrong)
}

/// What lies beside a run, by name within its folder; nothing where nothing was added, or what is there cannot be read.
#[must_use]
pub fn names(folder: &Path) -> Vec<String> {
    let records = records(folder).unwrap_or_default();
    records.into_iter().map(|record| format!("{ADDED}/{}", record.file)).collect()
}

fn within(folder: &Path, name: &str) -> String {
    folder.join(ADDED).join(name).display().to_string()
}

fn content(path: &Path, shown: &str) -> Result<Vec<u8>, AddError> {
    let no = |why: String| AddError::NoFile { file: shown.to_owned(), why };
    let cannot = |error: io::Error| no(format!("it cannot be read: {error}"));
    // What is no file (a device, a pipe) may never end.
    if !fs::metadata(path).map_err(cannot)?.is_file() {
        return Err(no("it is no file, expected a log export of VRM as CSV".to_owned()));
    }
    let (mut content, file) = (Vec::new(), fs::File::open(path).map_err(cannot)?);
    file.take(LARGEST + 1).read_to_end(&mut content).map_err(cannot)?;
    if content.len() as u64 > LARGEST {
        return Err(no(format!("it is larger than {} MB: export a shorter span", LARGEST >> 20)));
    }
    let is_json = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json"))
        || content.trim_ascii_start().starts_with(b"{");
    if is_json { Err(AddError::Json(shown.to_owned())) } else { Ok(content) }
}

/// Seconds east of UTC of the rows, and who says so.
fn offset(asked: &Asked<'_>, zone: &Zone, shown: &str) -> Result<(i32, Says), AddError> {
    const UTC: [&str; 4] = ["UTC", "Etc/UTC", "GMT", "Etc/GMT"];
    match (asked.zone, zone.offset) {
        (Some(stated), _) => Ok((stated, Says::Stated)),
        (None, Some(offset)) => Ok((offset, Says::Head)),
        (None, None) if UTC.contains(&zone.name.as_str()) => Ok((0, Says::Name)),
        (None, None) => Err(AddError::Zone { file: shown.to_owned(), zone: zone.name.clone() }),
    }
}

/// When the run began, in microseconds since 1970, and where that stands.
fn start(folder: &Path, again: &Again) -> Result<(u64, Start), AddError> {
    let shown = || folder.display().to_string();
    if !again.run.meta.merged.is_empty() {
        return Err(AddError::Merged(shown()));
    }
    match again.begun.epoch.0 {
        0 => {
            let started = again.run.meta.started.as_deref();
            let started = started.and_then(|text| humantime::parse_rfc3339(text).ok());
            let since = started.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
            let micros = since.and_then(|since| u64::try_from(since.as_micros()).ok());
            micros.map(|micros| (micros, Start::Manifest)).ok_or_else(|| AddError::NoStart(shown()))
        }
        epoch => Ok((epoch, Start::Events)),
    }
}

fn apart(found: &Beside, again: &Again, file: String) -> AddError {
    let span = |from: Local, to: Local| format!("{} to {}", from.shown(), to.shown());
    let end = again.run.cases.iter().map(|case| (case.began + case.length).0).max().unwrap_or(0);
    let record = &found.record;
    let run = span(record.on_export(0), record.on_export(i64::try_from(end).unwrap_or(i64::MAX)));
    AddError::Apart {
        file,
        export: span(found.span.0, found.span.1),
        run,
        zone: format!("{} at {}", record.zone, east(record.zone_offset_s)),
    }
}

/// `+01:00`.
#[must_use]
pub fn east(seconds: i32) -> String {
    let (sign, size) = (if seconds < 0 { '-' } else { '+' }, seconds.unsigned_abs());
    format!("{sign}{:02}:{:02}", size / 3600, size / 60 % 60)
}

fn manifest_sum(folder: &Path) -> Option<String> {
    plain(folder, "manifest.json").and_then(fs::read).ok().map(|content| sha256(&content))
}

/// The records of the folder, by their numbers.
fn records(folder: &Path) -> Result<Vec<Record>, AddError> {
    let mut found = Vec::new();
    for number in 1..=MOST {
        let name = format!("vrm-{number}.json");
        let changed = |why: String| AddError::Changed { file: within(folder, &name), why };
        match plain(folder, &format!("{ADDED}/{name}")).and_then(fs::read) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(changed(error.to_string())),
            Ok(text) => {
                let record: Record =
                    serde_json::from_slice(&text).map_err(|error| changed(format!("no record: {error}")))?;
                if record.schema != SCHEMA || record.file != format!("vrm-{number}.csv") {
                    return Err(changed(format!("no record of {SCHEMA} of the file beside it")));
                }
                found.push(record);
            }
        }
    }
    Ok(found)
}

/// The first number that no file has.
fn free(folder: &Path) -> Result<usize, AddError> {
    let is_free = |number: &usize| {
        ["csv", "json"].iter().all(|ending| {
            folder.join(ADDED).join(format!("vrm-{number}.{ending}")).symlink_metadata().is_err()
        })
    };
    (1..=MOST).find(is_free).ok_or_else(|| AddError::NoFile {
        file: folder.join(ADDED).display().to_string(),
        why: format!("{MOST} exports lie there, and no more can"),
    })
}

/// The record comes last: without it, what lies there was not added.
fn write(folder: &Path, record: &Record, content: &[u8]) -> Result<(), AddError> {
    let failed = |path: &Path| {
        let file = path.display().to_string();
        move |source| AddError::Write { file, source }
    };
    let place = folder.join(ADDED);
    match fs::create_dir(&place) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(failed(&place)(error)),
        _ => {}
    }
    if !place.symlink_metadata().is_ok_and(|there| there.is_dir()) {
        let no_folder = io::Error::new(ErrorKind::InvalidInput, "something that is no folder has that name");
        return Err(failed(&place)(no_folder));
    }
    let mut text = serde_json::to_string_pretty(record).expect("plain structs with text keys serialise");
    text.push('\n');
    let csv = place.join(&record.file);
    fresh(&csv, content).map_err(failed(&csv))?;
    let json = csv.with_extension("json");
    fresh(&json, text.as_bytes()).map_err(|error| {
        // The export without its record was not added. If it cannot be removed, its number stays taken.
        let _ = fs::remove_file(&csv);
        failed(&json)(error)
    })
}

/// Writes a file that is not there yet, whole or not at all.
fn fresh(path: &PathBuf, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(content).and_then(|()| file.sync_all()).inspect_err(|_| {
        // A reader would take half a file for a whole one. If it cannot be removed, the caller still tells the failure.
        let _ = fs::remove_file(path);
    })
}
