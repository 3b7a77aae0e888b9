//! What is read from the history.

use std::collections::BTreeMap;
use std::path::PathBuf;

use judge::verdict::Outcome;
use rusqlite::params;

use super::changes::Past;
use super::night::Standing;
use super::{History, HistoryError, Known};
use crate::json::outcome;

type Requirements = BTreeMap<(String, String), String>;
type Figures = BTreeMap<(String, String), (f64, String)>;

impl History {
    /// The last nights of a battery on a rig, the oldest first; of any rig and battery where they are not named.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn nights(
        &self,
        rig: Option<&str>,
        battery: Option<&str>,
        last: usize,
    ) -> Result<Vec<Past>, HistoryError> {
        let failed = self.failed();
        let mut find = self
            .db
            .prepare(
                "SELECT id, name, started, firmware, standing FROM nights \
                 WHERE (?1 IS NULL OR rig = ?1) AND (?2 IS NULL OR battery = ?2) ORDER BY id DESC LIMIT ?3",
            )
            .map_err(&failed)?;
        let rows = find
            .query_map(params![rig, battery, i64::try_from(last).unwrap_or(i64::MAX)], |row| {
                Ok((row.get::<_, i64>(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get::<_, String>(4)?))
            })
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(&failed)?;
        let mut nights = Vec::with_capacity(rows.len());
        for (id, name, started, firmware, standing) in rows.into_iter().rev() {
            let (requirements, figures) = self.of_night(id).map_err(&failed)?;
            let (standing, cases) = (self.standing(&standing)?, self.standings(id)?);
            nights.push(Past { name, started, firmware, standing, cases, requirements, figures });
        }
        Ok(nights)
    }

    fn standing(&self, word: &str) -> Result<Standing, HistoryError> {
        Standing::parse(word).ok_or_else(|| HistoryError::Input {
            path: self.path.clone(),
            what: format!("`{word}` is no standing of a case"),
        })
    }

    fn standings(&self, night: i64) -> Result<BTreeMap<String, (Standing, String)>, HistoryError> {
        let failed = self.failed();
        let mut find = self
            .db
            .prepare("SELECT case_name, standing, reason FROM standings WHERE night = ?")
            .map_err(&failed)?;
        let rows = find
            .query_map([night], |row| Ok((row.get(0)?, row.get::<_, String>(1)?, row.get(2)?)))
            .and_then(Iterator::collect::<Result<Vec<(String, String, String)>, _>>)
            .map_err(&failed)?;
        rows.into_iter().map(|(name, word, reason)| Ok((name, (self.standing(&word)?, reason)))).collect()
    }

    /// Requirements that do not hold or are undecided, and figures: of each case in the last run that tried it.
    fn of_night(&self, night: i64) -> Result<(Requirements, Figures), rusqlite::Error> {
        let mut find = self.db.prepare(
            "SELECT v.case_name, v.requirement, v.severity, v.outcome FROM verdicts v JOIN runs r ON r.id = v.run \
             WHERE r.night = ? AND v.outcome IN ('fail', 'inconclusive') ORDER BY r.attempt",
        )?;
        let mut requirements = Requirements::new();
        let mut rows = find.query([night])?;
        while let Some(row) = rows.next()? {
            let key = (row.get(0)?, row.get(1)?);
            let (severity, outcome): (String, String) = (row.get(2)?, row.get(3)?);
            requirements
                .insert(key, if severity == "must" { outcome } else { format!("{outcome} ({severity})") });
        }
        let mut find = self.db.prepare(
            "SELECT f.case_name, f.name, f.unit, f.value FROM figures f JOIN runs r ON r.id = f.run \
             WHERE r.night = ? ORDER BY r.attempt",
        )?;
        let mut figures = Figures::new();
        let mut rows = find.query([night])?;
        while let Some(row) = rows.next()? {
            figures.insert((row.get(0)?, row.get(1)?), (row.get(3)?, row.get(2)?));
        }
        Ok((requirements, figures))
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
                passed: row.get::<_, String>(4)? == outcome(Outcome::Pass),
            })
        })
        .and_then(Iterator::collect)
        .map_err(&failed)
    }
}
