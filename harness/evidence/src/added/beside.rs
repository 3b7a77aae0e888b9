//! An export on the clock of a run, column by column, and how far it is from what the run recorded.

use std::io::Read;

use proto::channel::Channel;
use proto::quantity::Micros;

use super::record::Record;
use crate::export::told;
use crate::run::CaseResult;
use crate::vrm::{Cell, Column, Export, Local, Remark, VrmError, recorded_as};

/// An export beside a run.
#[derive(Debug)]
pub struct Beside {
    /// how it was laid there
    pub record: Record,
    /// rows that it has
    pub rows: usize,
    /// rows that lie in a case of the run
    pub within: usize,
    /// rows whose time comes twice: of two equal hours nobody knows which they are, so they are held against nothing
    pub doubtful: usize,
    /// its first and last time, as it is written in it
    pub span: (Local, Local),
    /// what is to be known of its times, with the line
    pub remarks: Vec<(u64, Remark)>,
    /// a lane for each column
    pub lanes: Vec<Lane>,
}

/// A column of an export.
#[derive(Debug)]
pub struct Lane {
    /// what it is
    pub column: Column,
    /// so many numbers
    pub numbers: usize,
    /// so many texts: states, alarms
    pub texts: usize,
    /// so many cells in which nothing stands
    pub missing: usize,
    /// who of the run tells the same; nobody for a column that the table does not have
    pub channels: &'static [Channel],
    /// how far it is from each of those that told it in the same cases
    pub against: Vec<Against>,
}

/// How far a column is from what one instrument of the run told.
#[derive(Debug, Clone, PartialEq)]
pub struct Against {
    /// what it told
    pub channel: Channel,
    /// so many samples of the export were held against what held at their time
    pub samples: usize,
    /// the median of all differences, without their signs
    pub usual: f64,
    /// the largest one
    pub largest: Difference,
}

/// Two who say different things at a time.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// since the start of the run
    pub at: Micros,
    /// the time as it is written in the export
    pub local: Local,
    /// the case
    pub case: String,
    /// what the export says
    pub export: f64,
    /// what the run recorded
    pub run: f64,
}

impl Difference {
    /// Without its sign.
    #[must_use]
    pub fn size(&self) -> f64 {
        (self.export - self.run).abs()
    }
}

/// A number of a column: when, on both clocks.
struct Point {
    local: Local,
    at: i64,
    value: f64,
}

/// Lays an export beside the cases of a run.
///
/// # Errors
/// When a row of it cannot be read.
pub fn beside(
    record: Record,
    mut export: Export<impl Read>,
    cases: &[CaseResult],
) -> Result<Beside, VrmError> {
    let mut lanes: Vec<Lane> = export.columns().iter().cloned().map(Lane::new).collect();
    let mut points: Vec<Vec<Point>> = lanes.iter().map(|_| Vec::new()).collect();
    let (mut times, mut remarks, mut twice) = (Vec::new(), Vec::new(), Vec::new());
    while let Some(row) = export.row()? {
        let before: Option<Local> = times.last().copied();
        times.push(row.at);
        if let Some(remark) = row.remark {
            remarks.push((row.line, remark));
            if let (Remark::Backwards(_), Some(before)) = (remark, before) {
                twice.push((row.at, before));
            }
        }
        for ((lane, points), cell) in lanes.iter_mut().zip(&mut points).zip(row.cells) {
            match cell {
                Cell::Missing => lane.missing += 1,
                Cell::Text(_) => lane.texts += 1,
                Cell::Number(value) => {
                    lane.numbers += 1;
                    if !lane.channels.is_empty() {
                        points.push(Point { local: row.at, at: record.in_run(row.at), value });
                    }
                }
            }
        }
    }
    let first = times.iter().min().copied().ok_or(VrmError::Head("no row follows its head"))?;
    let span = (first, times.iter().max().copied().unwrap_or(first));
    let twice = joined(twice);
    let is_doubtful = |at: Local| {
        let begun = twice.partition_point(|&(from, _)| from <= at);
        begun.checked_sub(1).is_some_and(|k| at <= twice[k].1)
    };
    let doubtful = times.iter().filter(|&&at| is_doubtful(at)).count();
    let is_within = |at: &&Local| case_at(cases, record.in_run(**at)).is_some();
    let within = times.iter().filter(is_within).count();
    for (lane, points) in lanes.iter_mut().zip(&mut points) {
        points.retain(|point| !is_doubtful(point.local));
        let held = lane.channels.iter().filter_map(|&channel| against(channel, points, cases));
        lane.against = held.collect();
    }
    Ok(Beside { record, rows: times.len(), within, doubtful, span, remarks, lanes })
}

impl Lane {
    fn new(column: Column) -> Self {
        let channels = recorded_as(&column);
        Self { column, numbers: 0, texts: 0, missing: 0, channels, against: Vec::new() }
    }
}

/// Spans in the order of time, those that overlap as one.
fn joined(mut spans: Vec<(Local, Local)>) -> Vec<(Local, Local)> {
    spans.sort_unstable();
    let mut joined: Vec<(Local, Local)> = Vec::new();
    for (from, to) in spans {
        match joined.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => joined.push((from, to)),
        }
    }
    joined
}

/// The case that a moment of the run lies in, and that moment since its start.
fn case_at(cases: &[CaseResult], at: i64) -> Option<(&CaseResult, Micros)> {
    let at = Micros(u64::try_from(at).ok()?);
    let is_in = |case: &&CaseResult| case.tried && at >= case.began && at.since(case.began) <= case.length;
    cases.iter().find(is_in).map(|case| (case, at.since(case.began)))
}

/// How far numbers of a column are from what held in the run at their times. Nothing where nobody told that.
fn against(channel: Channel, points: &[Point], cases: &[CaseResult]) -> Option<Against> {
    let mut found: Vec<Difference> = Vec::new();
    for point in points {
        let Some((case, since)) = case_at(cases, point.at) else { continue };
        let Some(run) = told(case.trace.series(channel), since) else { continue };
        found.push(Difference {
            at: case.began + since,
            local: point.local,
            case: case.name(),
            export: point.value,
            run,
        });
    }
    // Of equal ones the first.
    found.sort_by(|a, b| b.size().total_cmp(&a.size()).then(a.at.cmp(&b.at)));
    let usual = found.get(found.len() / 2)?.size();
    let samples = found.len();
    found.into_iter().next().map(|largest| Against { channel, samples, usual, largest })
}

#[cfg(test)]
mod tests;
