//! The log export of VRM as CSV: what a GX logged each minute to quarter of an hour. Evidence of energy, of drift of the state
//! of charge, of steps of limits; never of reactions, and never a verdict alone.
//!
//! Three rows of head: devices with their instance (`Battery Monitor [512]`), the time zone and the parameters, the units.
//! Then a row for each time, local, without an offset. No original export was seen: this is the shape that three public
//! readers of it agree on, of sites in Estonia and France and of a field study; `docs/witnesses.md` says so.
//!
//! ```
//! let export = b"timestamp,Battery Monitor [512]\nEurope/Berlin (+01:00),Voltage\n,V\n2026-01-05 12:00:00,53.42\n";
//! let mut export = evidence::vrm::Export::new(&export[..]).expect("an export");
//! assert_eq!(export.columns()[0].instance, Some(512));
//! let row = export.row().expect("readable").expect("a row");
//! assert_eq!(row.cells[0], evidence::vrm::Cell::Number(53.42));
//! ```

use std::io::Read;

mod quantity;
mod time;

pub use quantity::recorded_as;
pub use time::{Local, Zone, seconds};

/// An export that is being read, row by row.
#[derive(Debug)]
pub struct Export<R> {
    rows: csv::Reader<R>,
    record: csv::StringRecord,
    zone: Zone,
    columns: Vec<Column>,
    before: Option<Local>,
}

/// A column: one parameter of one device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// the device, such as `Battery Monitor`
    pub device: String,
    /// its VRM instance, such as 512
    pub instance: Option<u32>,
    /// the parameter, such as `State of charge`
    pub parameter: String,
    /// of its numbers, such as `V`; empty for texts
    pub unit: String,
}

/// What stands at a time.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// line of the file, from 1
    pub line: u64,
    /// local time of the site
    pub at: Local,
    /// what is to be known of that time
    pub remark: Option<Remark>,
    /// one for each column
    pub cells: Vec<Cell>,
}

/// What a column says at a time.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// nothing was logged
    Missing,
    /// a number in the unit of the column
    Number(f64),
    /// a state or an alarm in words, such as `Bulk`
    Text(String),
}

/// What makes a time doubtful.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remark {
    /// earlier than the row before, by so many seconds: an hour that came twice in autumn, or files that were joined. Which
    /// of two equal hours it is, only the order of rows tells
    Backwards(u64),
    /// an hour or more after the row before: a gap, or the hour that is left out in spring
    Gap(u64),
}

/// Why a text is no export.
#[derive(Debug, thiserror::Error)]
pub enum VrmError {
    /// one of the three rows of head is not as it should be
    #[error("no log export of VRM: {0}")]
    Head(&'static str),
    /// the time of a row
    #[error(
        "line {line}: `{found}` is no time such as 2026-01-05 12:00:00; a file that went through a spreadsheet has others: \
         export it again"
    )]
    Time {
        /// line of the file, from 1
        line: u64,
        /// what stood there
        found: String,
    },
    /// a row has more or fewer cells than the head
    #[error(
        "line {line}: {found} cells, {expected} columns: it is not whole, or something else wrote it; export it again"
    )]
    Cells {
        /// line of the file, from 1
        line: u64,
        /// how many it has
        found: usize,
        /// how many there must be
        expected: usize,
    },
    /// a number with a comma, as a spreadsheet of many countries writes it
    #[error(
        "line {line}: `{found}` of {parameter} is a number with a comma, expected a point: a spreadsheet wrote this file; export \
         it again"
    )]
    Comma {
        /// line of the file, from 1
        line: u64,
        /// the parameter of its column
        parameter: String,
        /// what stood there
        found: String,
    },
    /// it is no text in UTF-8
    #[error(
        "line {0}: no text in UTF-8, as a workbook of a spreadsheet, expected a log export of VRM as CSV: export it as CSV"
    )]
    NoText(u64),
    /// it cannot be read
    #[error("{0}")]
    Csv(csv::Error),
}

impl From<csv::Error> for VrmError {
    fn from(error: csv::Error) -> Self {
        match error.kind() {
            csv::ErrorKind::Utf8 { pos, .. } => Self::NoText(pos.as_ref().map_or(1, csv::Position::line)),
            _ => Self::Csv(error),
        }
    }
}

/// A step that no interval of logging, 1 to 15 minutes, makes.
const GAP: u64 = 3600;

impl<R: Read> Export<R> {
    /// Reads the head.
    ///
    /// # Errors
    /// When it is none of an export.
    pub fn new(source: R) -> Result<Self, VrmError> {
        // Of lines that end as those of Windows csv counts one too few; cells are trimmed anyway.
        let mut rows = csv::ReaderBuilder::new();
        rows.has_headers(false).flexible(true).terminator(csv::Terminator::Any(b'\n'));
        let mut rows = rows.from_reader(source);
        let mut head = || -> Result<csv::StringRecord, VrmError> {
            let mut record = csv::StringRecord::new();
            if rows.read_record(&mut record)? {
                Ok(record)
            } else {
                Err(VrmError::Head(
                    "it ends in its head, expected three rows: devices, parameters with the time zone, units",
                ))
            }
        };
        let (devices, parameters, units) = (head()?, head()?, head()?);
        if devices.len() == 1 && devices[0].contains(';') {
            return Err(VrmError::Head(
                "its cells are parted by semicolons, expected commas: a spreadsheet wrote it; export it again",
            ));
        }
        if !matches!(devices.get(0).map(|cell| cell.trim_start_matches('\u{feff}')), Some("timestamp" | "")) {
            return Err(VrmError::Head(
                "line 1: its first cell is not `timestamp`: the three rows of the head are missing, or it is another file",
            ));
        }
        let zone = parameters.get(0).and_then(Zone::parse);
        let zone = zone.ok_or(VrmError::Head(
            "line 2: it does not begin with a time zone, such as Europe/Berlin (+01:00)",
        ))?;
        if devices.len() != parameters.len() || units.len() > devices.len() || devices.len() < 2 {
            return Err(VrmError::Head(
                "its rows of devices, parameters and units have no columns, or not as many",
            ));
        }
        let columns = devices.iter().zip(&parameters).enumerate().skip(1).map(|(k, (device, parameter))| {
            let unit = units.get(k).unwrap_or_default();
            Column::of(device, parameter, unit)
        });
        let columns = columns.collect();
        Ok(Self { rows, record: csv::StringRecord::new(), zone, columns, before: None })
    }

    /// The time zone of its times. Its offset is that of the moment of export, not of the rows.
    #[must_use]
    pub const fn zone(&self) -> &Zone {
        &self.zone
    }

    /// What it has columns of.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The next row; nothing at the end.
    ///
    /// # Errors
    /// When a row cannot be read; the next one can be.
    pub fn row(&mut self) -> Result<Option<Row>, VrmError> {
        loop {
            if !self.rows.read_record(&mut self.record)? {
                return Ok(None);
            }
            if self.record.len() > 1 || !self.record[0].trim().is_empty() {
                break;
            }
        }
        let line = self.record.position().map_or(0, csv::Position::line);
        let time = self.record.get(0).unwrap_or_default();
        let at = Local::parse(time).ok_or_else(|| VrmError::Time {
            line,
            found: crate::text::plain(time).chars().take(40).collect(),
        })?;
        let (found, expected) = (self.record.len() - 1, self.columns.len());
        if found != expected {
            return Err(VrmError::Cells { line, found, expected });
        }
        let remark = self.before.replace(at).and_then(|before| match at.0 - before.0 {
            step @ ..0 => Some(Remark::Backwards(step.unsigned_abs())),
            step if step.unsigned_abs() >= GAP => Some(Remark::Gap(step.unsigned_abs())),
            _ => None,
        });
        let columns = || self.record.iter().skip(1).zip(&self.columns);
        if let Some((cell, column)) = columns().find(|(cell, column)| column.is_comma(cell)) {
            return Err(VrmError::Comma {
                line,
                parameter: column.parameter.clone(),
                found: cell.trim().to_owned(),
            });
        }
        let cells = columns().map(|(cell, column)| column.cell(cell)).collect();
        Ok(Some(Row { line, at, remark, cells }))
    }
}

impl Column {
    fn of(device: &str, parameter: &str, unit: &str) -> Self {
        let plain = |text: &str| crate::text::plain(text.trim()).into_owned();
        let split = device.trim().strip_suffix(']').and_then(|rest| rest.rsplit_once('['));
        let numbered = split.and_then(|(name, number)| Some((name, number.trim().parse().ok()?)));
        let (name, instance) = numbered.map_or((device, None), |(name, number)| (name, Some(number)));
        Self { device: plain(name), instance, parameter: plain(parameter), unit: plain(unit) }
    }

    fn cell(&self, text: &str) -> Cell {
        let text = text.trim();
        let number = || text.parse::<f64>().ok().filter(|number| number.is_finite());
        match text {
            "" => Cell::Missing,
            _ => number().map_or_else(|| Cell::Text(crate::text::plain(text).into_owned()), Cell::Number),
        }
    }

    /// `53,42` in a column that has a unit.
    fn is_comma(&self, cell: &str) -> bool {
        let number = || cell.trim().replacen(',', ".", 1).parse::<f64>().is_ok();
        !self.unit.is_empty() && cell.contains(',') && number()
    }

    /// Where its values come from, such as `vrm:Battery Monitor [512]`.
    #[must_use]
    pub fn source(&self) -> String {
        match self.instance {
            Some(instance) => format!("vrm:{} [{instance}]", self.device),
            None => format!("vrm:{}", self.device),
        }
    }

    /// Whether it repeats what the battery says on CAN, and so witnesses nothing: the monitor that the GX makes of a CAN-bus
    /// BMS, and the overview of the system that takes its numbers from there.
    #[must_use]
    pub fn repeats_battery(&self) -> bool {
        /// The instance of a CAN-bus BMS on the first port of a GX.
        const CAN_BMS: u32 = 512;
        (self.device == "Battery Monitor" && self.instance == Some(CAN_BMS))
            || self.device == "System overview"
    }
}

#[cfg(test)]
mod tests;
