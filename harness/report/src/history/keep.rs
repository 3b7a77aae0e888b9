//! What is written into the history.

use rusqlite::{OptionalExtension as _, Transaction, params};

use super::night::{self, NightCase};
use super::{History, HistoryError, Kept, Known, figures, firmware};
use evidence::run::gaps_of;
use evidence::run::severity;

impl History {
    /// Takes in a run. One that is there already (same name, begun at the same time) is replaced.
    ///
    /// # Errors
    /// When it cannot be written: then nothing of it is.
    pub fn add(&mut self, kept: Kept<'_>) -> Result<(), HistoryError> {
        let failed = self.failed();
        let add = self.db.transaction().map_err(&failed)?;
        add_run(&add, kept, None, 1).map_err(&failed)?;
        add.commit().map_err(&failed)
    }

    /// Takes in a night with all its runs.
    ///
    /// # Errors
    /// When it cannot be written: then nothing of it is.
    pub fn add_night(
        &mut self,
        name: &str,
        runs: &[Kept<'_>],
        cases: &[NightCase<'_>],
    ) -> Result<(), HistoryError> {
        let failed = self.failed();
        let Some(first) = runs.first().map(|kept| &kept.run.meta) else { return Ok(()) };
        let add = self.db.transaction().map_err(&failed)?;
        let written: Result<(), rusqlite::Error> = (|| {
            add.execute(
                "INSERT INTO nights (name, started, rig, battery, firmware, standing) VALUES (?, ?, ?, ?, ?, ?)",
                params![
                    name,
                    first.started.as_deref().unwrap_or_default(),
                    first.rig.name,
                    first.battery.name,
                    firmware(first),
                    night::verdict(cases, &gaps_of(runs.iter().map(|kept| kept.run), first.demand)).word()
                ],
            )?;
            let night = add.last_insert_rowid();
            let mut insert = add
                .prepare("INSERT INTO standings (night, case_name, standing, reason) VALUES (?, ?, ?, ?)")?;
            for case in cases {
                insert.execute(params![night, case.name(), case.standing.word(), case.reason])?;
            }
            for (attempt, kept) in (1..).zip(runs) {
                add_run(&add, *kept, Some(night), attempt)?;
            }
            Ok(())
        })();
        written.map_err(&failed)?;
        add.commit().map_err(&failed)
    }

    /// Notes that a run's folder is no more. What it came to stays known.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn removed(&mut self, run: &Known, when: &str) -> Result<(), HistoryError> {
        let failed = self.failed();
        self.db
            .execute("UPDATE runs SET removed = ? WHERE id = ?", params![when, run.id])
            .map(drop)
            .map_err(failed)
    }
}

fn add_run(add: &Transaction<'_>, kept: Kept<'_>, night: Option<i64>, attempt: i64) -> rusqlite::Result<()> {
    let Kept { run, folder } = kept;
    let meta = &run.meta;
    let started = meta.started.as_deref().unwrap_or_default();
    let there: Option<(i64, Option<i64>, i64)> = add
        .query_row(
            "SELECT id, night, attempt FROM runs WHERE name = ? AND started = ?",
            params![meta.id, started],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .optional()?;
    // A run that is taken in again keeps its night.
    let (night, attempt) = match there {
        Some((id, before, try_before)) => {
            add.execute("DELETE FROM runs WHERE id = ?", [id])?;
            if night.is_some() { (night, attempt) } else { (before, try_before) }
        }
        None => (night, attempt),
    };
    add.execute(
        "INSERT INTO runs (night, attempt, name, folder, started, took_ms, harness, rig, simulated, battery, firmware, \
         seed, outcome) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            night,
            attempt,
            meta.id,
            folder.to_string_lossy(),
            started,
            meta.took.map_or(0, |took| i64::try_from(took.as_millis()).unwrap_or(i64::MAX)),
            meta.harness,
            meta.rig.name,
            meta.rig.simulated,
            meta.battery.name,
            firmware(meta),
            // The same 64 bits: SQLite has no unsigned numbers.
            meta.seed.cast_signed(),
            run.outcome().name()
        ],
    )?;
    let id = add.last_insert_rowid();
    let mut insert = add.prepare("INSERT OR REPLACE INTO identity VALUES (?, ?, ?)")?;
    for (what, value) in &meta.battery.identity {
        insert.execute(params![id, what, value])?;
    }
    let mut case_row = add.prepare("INSERT OR REPLACE INTO cases VALUES (?, ?, ?, ?, ?)")?;
    let mut verdict_row = add.prepare("INSERT OR REPLACE INTO verdicts VALUES (?, ?, ?, ?, ?, ?)")?;
    for case in &run.cases {
        let length = i64::try_from(case.length.0).unwrap_or(i64::MAX);
        case_row.execute(params![id, case.name(), case.outcome.name(), case.reason, length])?;
        for verdict in &case.verdicts {
            let requirement = verdict.requirement;
            verdict_row.execute(params![
                id,
                case.name(),
                requirement.id,
                severity(requirement.severity),
                verdict.outcome.name(),
                verdict.reason
            ])?;
        }
    }
    let mut insert = add.prepare("INSERT INTO figures VALUES (?, ?, ?, ?, ?)")?;
    for figure in figures::figures(run) {
        insert.execute(params![id, figure.case, figure.name, figure.unit, figure.value])?;
    }
    Ok(())
}
