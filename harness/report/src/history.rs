//! The history of a lab: every run, case, requirement and figure, in one SQLite file beside the reports.
//!
//! It is an index: what it says of a run follows from the run's folder, and can be made from it again. Start at
//! [`History::open`]; [`changes`] says what is new, [`drift`] what moved, [`night`] what a night is, [`figures`] which numbers are followed.

pub mod changes;
pub mod drift;
pub mod figures;
mod keep;
pub mod night;
mod recall;
pub mod shift;

use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, OpenFlags};

pub use recall::{By, Which};

use evidence::run::{Run, RunMeta};
use judge::portrait::FIRMWARE;

/// What the file is, in the words of SQLite: `BSBR`.
const APPLICATION: i64 = 0x4253_4252;
/// Version of the tables.
const VERSION: i64 = 1;
const SCHEMA: &str = include_str!("history/schema.sql");
/// Somebody else may write for so long before we give up.
const BUSY: std::time::Duration = std::time::Duration::from_secs(30);

/// Why the history cannot be used. Whatever it was, nothing of it was changed.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The file is something else, or broken.
    #[error("{}: {what}. Nothing in it was changed: move it away, or name another with --history", path.display())]
    Input {
        /// the file
        path: PathBuf,
        /// what is wrong with it
        what: String,
    },
    /// It could not be read or written.
    #[error("{}: {source}. Nothing in it was changed; the run folders hold everything, `busbar history add` takes them in later", path.display())]
    Failed {
        /// the file
        path: PathBuf,
        /// what SQLite says
        source: rusqlite::Error,
    },
}

impl HistoryError {
    /// The file is not what it should be: bad input, no accident.
    #[must_use]
    pub const fn is_input(&self) -> bool {
        matches!(self, Self::Input { .. })
    }
}

/// The database.
#[derive(Debug)]
pub struct History {
    path: PathBuf,
    db: Connection,
}

/// A run folder that is to be remembered.
#[derive(Debug, Clone, Copy)]
pub struct Kept<'a> {
    /// what came of it
    pub run: &'a Run,
    /// where it lies
    pub folder: &'a Path,
}

/// A run that history knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    id: i64,
    /// name of its folder
    pub name: String,
    /// where it lies
    pub folder: PathBuf,
    /// time of day at which it began (RFC 3339)
    pub started: String,
    /// whether it passed as a whole
    pub passed: bool,
}

/// What the battery said of its firmware; empty when it said nothing.
#[must_use]
pub fn firmware(meta: &RunMeta) -> &str {
    let said = meta.battery.identity.iter().find(|(what, _)| what == FIRMWARE);
    said.map_or("", |(_, value)| value.as_str())
}

impl History {
    /// Opens the database, and makes it where there is none.
    ///
    /// # Errors
    /// When the file is no history of Busbar, is damaged, was made by a newer Busbar, or cannot be read or written.
    pub fn open(path: &Path) -> Result<Self, HistoryError> {
        Self::with(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)
    }

    /// Opens a database that must be there.
    ///
    /// # Errors
    /// As [`History::open`], and when there is none.
    pub fn existing(path: &Path) -> Result<Self, HistoryError> {
        Self::with(path, OpenFlags::SQLITE_OPEN_READ_WRITE)
    }

    fn with(path: &Path, flags: OpenFlags) -> Result<Self, HistoryError> {
        let wrong = |what: String| HistoryError::Input { path: path.to_path_buf(), what };
        let failed = |source: rusqlite::Error| match source.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => wrong("this is no database".to_owned()),
            Some(ErrorCode::DatabaseCorrupt) => wrong("the database is damaged".to_owned()),
            Some(ErrorCode::CannotOpen) if path.is_dir() => wrong("this is a folder".to_owned()),
            Some(ErrorCode::CannotOpen)
                if !flags.contains(OpenFlags::SQLITE_OPEN_CREATE) && !path.exists() =>
            {
                wrong(
                    "there is no history yet: `busbar nightly` and `busbar history add` begin one".to_owned(),
                )
            }
            // What SQLite has no word for is a file that it does not understand.
            Some(ErrorCode::Unknown) => wrong(format!("this is no database that can be read: {source}")),
            _ => HistoryError::Failed { path: path.to_path_buf(), source },
        };
        let mut db = Connection::open_with_flags(path, flags).map_err(failed)?;
        db.busy_timeout(BUSY).map_err(failed)?;
        let pragma =
            |name: &str| db.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(failed);
        let (application, version) = (pragma("application_id")?, pragma("user_version")?);
        let tables = db
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))
            .map_err(failed)?;
        match (application, version, tables) {
            (0, 0, 0) => {
                let make = db.transaction().map_err(failed)?;
                make.execute_batch(SCHEMA).map_err(failed)?;
                make.pragma_update(None, "application_id", APPLICATION).map_err(failed)?;
                make.pragma_update(None, "user_version", VERSION).map_err(failed)?;
                make.commit().map_err(failed)?;
            }
            (APPLICATION, VERSION, _) => {
                let sound: String =
                    db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(failed)?;
                if sound != "ok" {
                    return Err(wrong(format!("the database is damaged: {sound}")));
                }
            }
            (APPLICATION, newer, _) if newer > VERSION => {
                return Err(wrong(format!(
                    "made by a newer busbar (tables {newer}, this one knows {VERSION})"
                )));
            }
            _ => return Err(wrong("this is the database of another program".to_owned())),
        }
        db.pragma_update(None, "foreign_keys", true).map_err(failed)?;
        Ok(Self { path: path.to_path_buf(), db })
    }

    /// Whether something could be written now: neither locked by somebody else nor read-only.
    ///
    /// # Errors
    /// When it could not.
    pub fn try_to_write(&self) -> Result<(), HistoryError> {
        self.db.execute_batch("BEGIN IMMEDIATE; ROLLBACK").map_err(self.failed())
    }

    fn failed(&self) -> impl Fn(rusqlite::Error) -> HistoryError + use<> {
        let path = self.path.clone();
        move |source| match source.sqlite_error_code() {
            // What SQLite has no word for is a table or a column that is not there.
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::Unknown) => {
                HistoryError::Input { path: path.clone(), what: format!("the database is damaged: {source}") }
            }
            _ => HistoryError::Failed { path: path.clone(), source },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Which<'_> = Which { rig: None, battery: None, firmware: None, alone: true, last: 9 };

    #[test]
    fn a_database_without_its_tables_is_bad_input() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("history.db");
        drop(History::open(&path).expect("a new one"));
        let db = Connection::open(&path).expect("it opens");
        db.execute_batch("DROP TABLE figures").expect("dropped");
        drop(db);
        // Nothing is in it, so nothing is missed; what asks for a table of its own does.
        let history = History::existing(&path).expect("it is one of ours");
        assert_eq!(history.nights(ALL).expect("none"), []);
        history.db.execute_batch("DROP TABLE standings; DROP TABLE nights").expect("dropped");
        let error = history.nights(ALL).expect_err("no such table");
        assert!(error.is_input() && error.to_string().contains("no such table: nights"), "{error}");
        let error = history.known(By::Rig).expect_err("no such table");
        assert!(error.is_input(), "{error}");
    }

    #[test]
    fn a_folder_is_no_history() {
        let folder = tempfile::tempdir().expect("a folder");
        for open in [History::open, History::existing] {
            let error = open(folder.path()).expect_err("a folder");
            assert!(error.is_input() && error.to_string().contains("this is a folder"), "{error}");
        }
    }
}
