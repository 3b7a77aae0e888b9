//! What is read from the history.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use judge::verdict::Outcome;
use proto::quantity::Micros;
use rusqlite::{OptionalExtension as _, params};

use super::changes::Past;
use super::night::Standing;
use super::{History, HistoryError, Known};

/// Which nights are asked for; all where nothing is named.
#[derive(Debug, Clone, Copy)]
pub struct Which<'a> {
    /// only on this rig
    pub rig: Option<&'a str>,
    /// only of this battery
    pub battery: Option<&'a str>,
    /// only with this firmware
    pub firmware: Option<&'a str>,
    /// runs that belong to no night, too
    pub alone: bool,
    /// at most so many, the last ones
    pub last: usize,
}

/// What nights and runs are told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// name of the rig
    Rig,
    /// name of the battery file
    Battery,
    /// what the battery said of its firmware
    Firmware,
}

impl By {
    /// The word of the command line, which is the name of the column too.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Rig => "rig",
            Self::Battery => "battery",
            Self::Firmware => "firmware",
        }
    }
}

impl History {
    /// The last nights, the oldest first; with runs that belong to none in their place in time, where these are asked for.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn nights(&self, which: Which<'_>) -> Result<Vec<Past>, HistoryError> {
        let failed = self.failed();
        // Nights alone stand in the order in which they were written, whatever the clock did meanwhile.
        let mut find = self
            .db
            .prepare(
                "SELECT id, alone, name, started, rig, battery, firmware, standing FROM ( \
                 SELECT id, 0 AS alone, name, started, rig, battery, firmware, standing FROM nights UNION ALL \
                 SELECT id, 1 AS alone, name, started, rig, battery, firmware, outcome FROM runs WHERE ?4 AND night IS NULL) \
                 WHERE (?1 IS NULL OR rig = ?1) AND (?2 IS NULL OR battery = ?2) AND (?3 IS NULL OR firmware = ?3) \
                 ORDER BY iif(?4, started, '') DESC, id DESC LIMIT ?5",
            )
            .map_err(&failed)?;
        let last = i64::try_from(which.last).unwrap_or(i64::MAX);
        let rows = find
            .query_map(params![which.rig, which.battery, which.firmware, which.alone, last], |row| {
                let past = Past {
                    alone: row.get(1)?,
                    name: row.get(2)?,
                    started: row.get(3)?,
                    rig: row.get(4)?,
                    battery: row.get(5)?,
                    firmware: row.get(6)?,
                    standing: Standing::Inconclusive,
                    cases: BTreeMap::new(),
                    requirements: BTreeMap::new(),
                    held: BTreeSet::new(),
                    figures: BTreeMap::new(),
                };
                Ok((row.get::<_, i64>(0)?, row.get::<_, String>(7)?, past))
            })
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(&failed)?;
        let mut nights = Vec::with_capacity(rows.len());
        for (id, standing, mut past) in rows.into_iter().rev() {
            past.standing = self.standing(&standing)?;
            past.cases = self.standings(id, past.alone)?;
            self.measured(id, &mut past).map_err(&failed)?;
            nights.push(past);
        }
        Ok(nights)
    }

    /// Every rig, battery or firmware that the history knows, in the order of their names.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn known(&self, by: By) -> Result<Vec<String>, HistoryError> {
        let failed = self.failed();
        let column = by.word();
        let sql = format!("SELECT {column} FROM nights UNION SELECT {column} FROM runs ORDER BY 1");
        let mut find = self.db.prepare(&sql).map_err(&failed)?;
        find.query_map([], |row| row.get(0)).and_then(Iterator::collect).map_err(&failed)
    }

    fn standing(&self, word: &str) -> Result<Standing, HistoryError> {
        Standing::parse(word).ok_or_else(|| HistoryError::Input {
            path: self.path.clone(),
            what: format!("`{word}` is no standing of a case"),
        })
    }

    /// How each case of a night, or of a run that is none's, stood.
    fn standings(&self, id: i64, alone: bool) -> Result<BTreeMap<String, (Standing, String)>, HistoryError> {
        let failed = self.failed();
        let mut find = self
            .db
            .prepare(if alone {
                "SELECT name, outcome, reason FROM cases WHERE run = ?"
            } else {
                "SELECT case_name, standing, reason FROM standings WHERE night = ?"
            })
            .map_err(&failed)?;
        let rows = find
            .query_map([id], |row| Ok((row.get(0)?, row.get::<_, String>(1)?, row.get(2)?)))
            .and_then(Iterator::collect::<Result<Vec<(String, String, String)>, _>>)
            .map_err(&failed)?;
        rows.into_iter().map(|(name, word, reason)| Ok((name, (self.standing(&word)?, reason)))).collect()
    }

    /// Requirements and figures of each case: what did not hold in any of its tries, and the figures of the last one.
    fn measured(&self, id: i64, past: &mut Past) -> Result<(), rusqlite::Error> {
        let own = if past.alone { "r.id = ?" } else { "r.night = ?" };
        let mut find = self.db.prepare(&format!(
            "SELECT v.case_name, v.requirement, v.severity, v.outcome FROM verdicts v JOIN runs r ON r.id = v.run \
             WHERE {own} AND v.outcome IN ('pass', 'fail', 'inconclusive') ORDER BY r.attempt",
        ))?;
        let mut rows = find.query([id])?;
        while let Some(row) = rows.next()? {
            let key = (row.get(0)?, row.get(1)?);
            let (severity, outcome): (String, String) = (row.get(2)?, row.get(3)?);
            if outcome == "pass" {
                past.held.insert(key);
                continue;
            }
            let told = if severity == "must" { outcome } else { format!("{outcome} ({severity})") };
            past.requirements.insert(key, told);
        }
        past.held.retain(|key| !past.requirements.contains_key(key));
        let mut find = self.db.prepare(&format!(
            "SELECT f.case_name, f.name, f.unit, f.value FROM figures f JOIN runs r ON r.id = f.run \
             WHERE {own} ORDER BY r.attempt",
        ))?;
        let mut rows = find.query([id])?;
        while let Some(row) = rows.next()? {
            past.figures.insert((row.get(0)?, row.get(1)?), (row.get(3)?, row.get(2)?));
        }
        Ok(())
    }

    /// How long each case took when it was last tried with this battery on this rig, in the time of the rig.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn lengths(&self, rig: &str, battery: &str) -> Result<BTreeMap<String, Micros>, HistoryError> {
        let failed = self.failed();
        let mut find = self
            .db
            .prepare(
                "SELECT c.name, c.length_us FROM cases c JOIN runs r ON r.id = c.run \
                 WHERE r.rig = ? AND r.battery = ? AND c.length_us > 0 AND c.outcome IN ('pass', 'fail') ORDER BY r.id",
            )
            .map_err(&failed)?;
        let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, Micros(row.get::<_, i64>(1)?.unsigned_abs())));
        find.query_map([rig, battery], row).and_then(Iterator::collect).map_err(&failed)
    }

    /// Where the folder of a run lies, as far as the history knows that run; nothing where it was removed.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn folder(&self, name: &str, started: &str) -> Result<Option<PathBuf>, HistoryError> {
        self.db
            .query_row(
                "SELECT folder FROM runs WHERE name = ? AND started = ? AND removed IS NULL",
                params![name, started],
                |row| row.get::<_, String>(0),
            )
            .optional()
            .map(|folder| folder.map(PathBuf::from))
            .map_err(self.failed())
    }

    /// Runs of nights whose folders are still there, the oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn kept(&self) -> Result<Vec<Known>, HistoryError> {
        let failed = self.failed();
        let mut find = self
            .db
            .prepare(
                "SELECT id, name, folder, started, outcome FROM runs WHERE removed IS NULL AND night IS NOT NULL ORDER BY id",
            )
            .map_err(&failed)?;
        find.query_map([], |row| {
            Ok(Known {
                id: row.get(0)?,
                name: row.get(1)?,
                folder: PathBuf::from(row.get::<_, String>(2)?),
                started: row.get(3)?,
                passed: row.get::<_, String>(4)? == Outcome::Pass.name(),
            })
        })
        .and_then(Iterator::collect)
        .map_err(&failed)
    }
}
