//! A run in the forms of other programs: what was on the bus as ASC or BLF of Vector or TRC of PEAK, and everything that
//! was measured as one table.

mod asc;
mod blf;
mod calendar;
mod table;
#[cfg(test)]
mod tests;
mod trc;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;

use proto::quantity::Micros;

use crate::can_log::{self, Heard};
use crate::manifest::plain;
use crate::names::{CAN, RAW};
use crate::raw::{Lines, RawError};
use crate::replay::Replay;

pub(crate) use table::told;

/// Why a run cannot be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// Its raw evidence is not what a run writes.
    #[error(transparent)]
    Raw(#[from] RawError),
    /// Nobody takes it.
    #[error("cannot be written: {0}")]
    Write(#[from] io::Error),
}

/// A form for what was on the bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bus {
    /// ASC of Vector
    Asc,
    /// BLF of Vector
    Blf,
    /// TRC of PEAK, version 2.1
    Trc,
}

/// What writes one of them. Times are since the beginning of the log.
trait Log {
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()>;
    fn heard(&mut self, at: Micros, heard: &Heard, out: &mut dyn Write) -> io::Result<()>;
    fn end(self: Box<Self>, out: &mut dyn Write) -> io::Result<()>;
}

/// Writes what was on the bus in a run in another form.
///
/// # Errors
/// When the folder is not what a run leaves, or nobody takes what is written.
pub fn bus(folder: &Path, form: Bus, out: &mut dyn Write) -> Result<(), ExportError> {
    let epoch = Replay::open(folder)?.begun().epoch;
    let file = RAW[CAN];
    let shown = folder.join(file).display().to_string();
    let can = plain(folder, file).and_then(File::open);
    let can = can.map_err(|source| RawError::Unreadable { file: shown.clone(), source })?;
    heard(form, epoch, &mut Lines::new(shown, BufReader::new(can)), out)
}

fn heard<R: BufRead>(
    form: Bus,
    epoch: Micros,
    lines: &mut Lines<R>,
    out: &mut dyn Write,
) -> Result<(), ExportError> {
    /// These forms say to the millisecond when they began.
    const MILLISECOND: u64 = 1000;
    let began = Micros(epoch.0 - epoch.0 % MILLISECOND);
    let mut log: Box<dyn Log> = match form {
        Bus::Asc => Box::new(asc::Asc::new(began)),
        Bus::Blf => Box::new(blf::Blf::new(began)),
        Bus::Trc => Box::new(trc::Trc::new(began)),
    };
    log.begin(out)?;
    while let Some(line) = lines.next()? {
        let heard = can_log::parse(line);
        if let Some((at, heard)) = heard.map_err(|fault| lines.wrong(fault))? {
            log.heard(at.since(began), &heard, out)?;
        }
    }
    Ok(log.end(out)?)
}

/// Writes everything that was measured in a run as one table: a row each `every`, and one for each event; a column for
/// each quantity, with its unit, empty where nobody tells it.
///
/// # Errors
/// When the folder is not what a run leaves, or nobody takes what is written.
pub fn table(folder: &Path, every: Micros, out: &mut dyn Write) -> Result<(), ExportError> {
    let mut replay = Replay::open(folder)?;
    out.write_all(table::header().as_bytes())?;
    let epoch = replay.begun().epoch;
    while let Some(recorded) = replay.next_case()? {
        table::rows(&recorded, epoch, every, out)?;
    }
    Ok(())
}
