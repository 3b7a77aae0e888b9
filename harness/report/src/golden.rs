//! A run beside a golden trace: what is compared, the answer in words, and both traces drawn over each other as text;
//! [`crate::html::golden`] draws them with the tube.

use std::fmt::{self, Write};

use judge::trace::{Channel, EventKind};
use judge::tube::{Apart, Mismatch, Steps, Tolerance, compare};
use judge::verdict::Outcome;
use judge::window::Window;
use proto::quantity::Micros;

use evidence::run::CaseResult;
use evidence::words::clock;

/// A case held against its golden trace.
#[derive(Debug, Clone)]
pub struct Held {
    /// `suite/case`
    pub name: String,
    /// what was kept
    pub golden: Golden,
    /// what this run sent; nothing where no CVL was heard from the mark on
    pub new: Option<Steps>,
    /// what came of it
    pub found: Found,
}

/// A golden trace as it was kept.
#[derive(Debug, Clone)]
pub struct Golden {
    /// the CVL that was accepted
    pub trace: Steps,
    /// how far a later run may be from it
    pub tolerance: Tolerance,
    /// the mark that times count from; the start of the case without one
    pub from: Option<String>,
    /// by whom it was accepted, when, why, from which runs: what and its value
    pub facts: Vec<(&'static str, String)>,
}

/// What came of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// inside the tube
    Match,
    /// outside
    Apart(Apart),
    /// not compared, with the reason
    Open(String),
}

impl Held {
    /// Holds a case against its golden trace.
    #[must_use]
    pub fn of(case: &CaseResult, golden: Golden) -> Self {
        let from = golden.from.as_deref();
        // As a golden file has it, to a tenth of a second: whoever compares, the answer is the same.
        let new = trace(case, from).map(|new| new.rounded());
        let found = match &new {
            _ if case.outcome == Outcome::Inconclusive => {
                Found::Open(format!("the case is undecided: {}", case.reason))
            }
            None => {
                let since = from.map_or(String::new(), |mark| format!(" from the mark `{mark}` on"));
                Found::Open(format!("no CVL was heard{since}"))
            }
            Some(new) => match compare(&golden.trace, new, golden.tolerance) {
                Ok(()) => Found::Match,
                Err(Mismatch::Apart(apart)) => Found::Apart(apart),
                Err(silence @ Mismatch::Silence { .. }) => Found::Open(words(&silence, golden.tolerance)),
            },
        };
        Self { name: case.name(), golden, new, found }
    }

    /// What came of it, in a sentence.
    #[must_use]
    pub fn words(&self) -> String {
        let within = self.golden.tolerance;
        match &self.found {
            Found::Match => format!("matches within {}", tolerance(within)),
            Found::Apart(apart) => apart_in_words(apart, within),
            Found::Open(why) => why.clone(),
        }
    }

    /// Both traces around the moment at which they part, as text; nothing where they do not part.
    #[must_use]
    pub fn overlay(&self) -> String {
        match (&self.found, &self.new) {
            (Found::Apart(apart), Some(new)) => {
                overlay(&self.golden.trace, new, apart, self.golden.tolerance.lag)
            }
            _ => String::new(),
        }
    }
}

/// The CVL of a case from a mark on, or from its start. Nothing where the mark was not reached or nothing was heard.
#[must_use]
pub fn trace(case: &CaseResult, from: Option<&str>) -> Option<Steps> {
    let origin = match from {
        Some(mark) => case.trace.events.iter().find_map(|event| match &event.kind {
            EventKind::Mark(name) if name == mark => Some(event.at),
            _ => None,
        })?,
        None => Micros::ZERO,
    };
    Steps::of(case.trace.series(Channel::Cvl), Window::new(origin, case.length))
}

/// How two traces differ, in a line.
#[must_use]
pub fn words(mismatch: &Mismatch, within: Tolerance) -> String {
    match mismatch {
        Mismatch::Silence { window, new } => {
            let (silent, other) =
                if *new { ("this run", "the golden trace") } else { ("the golden trace", "this run") };
            format!(
                "nothing was heard in {silent} from {} to {}, while {other} goes on: it cannot be compared",
                fine(window.from),
                fine(window.to)
            )
        }
        Mismatch::Apart(apart) => apart_in_words(apart, within),
    }
}

fn apart_in_words(apart: &Apart, within: Tolerance) -> String {
    let Apart { at, golden, new, needed, needed_lag } = apart;
    let value = |value: Option<i32>| value.map_or("over".to_owned(), volts);
    let mut text = format!("at {}: golden {}, this run {}", fine(*at), value(*golden), value(*new));
    let needed = needed.map(|needed| format!("{} at a lag of {}", volts(needed), seconds(within.lag)));
    let lag = needed_lag.map(|lag| format!("a lag of {} at {}", seconds(lag), volts(within.decivolts)));
    let would = [needed, lag].into_iter().flatten().collect::<Vec<_>>().join(", or ");
    text += "; ";
    text += &if would.is_empty() {
        format!("no tolerance makes them match: they begin or end more than {} apart", seconds(within.lag))
    } else {
        format!("they would match with {would}")
    };
    text
}

/// A tolerance in words: `0.1 V and 5 s`.
#[must_use]
pub fn tolerance(tolerance: Tolerance) -> String {
    format!("{} and {}", volts(tolerance.decivolts), seconds(tolerance.lag))
}

pub(crate) fn volts(decivolts: i32) -> String {
    format!("{:.1} V", f64::from(decivolts) / 10.0)
}

pub(crate) fn seconds(time: Micros) -> String {
    format!("{} s", evidence::words::trim(time.secs(), 1))
}

/// A time to a tenth of a second, as golden files have it.
pub(crate) fn fine(at: Micros) -> String {
    judge::window::about(at).to_string()
}

/// Columns of the drawing.
const COLUMNS: u64 = 72;

/// Rows of the drawing at most: a row is one step of the wire, or more where there is no room.
const ROWS: i32 = 16;

/// Both traces around the moment at which they part, as text.
fn overlay(golden: &Steps, new: &Steps, apart: &Apart, lag: Micros) -> String {
    let mut out = String::new();
    draw(&mut out, golden, new, apart.at, lag).expect("a String takes every write");
    out
}

fn draw(out: &mut String, golden: &Steps, new: &Steps, at: Micros, lag: Micros) -> fmt::Result {
    let Window { from, to } = around(at, lag, golden.end().max(new.end()));
    let to = to.max(from + Micros(COLUMNS));
    let column = |k: u64| from + Micros(to.since(from).0 * k / COLUMNS);
    let spans = |trace: &Steps| -> Vec<Option<(i32, i32)>> {
        (0..COLUMNS).map(|k| range(trace, column(k), column(k + 1))).collect()
    };
    let (ours, theirs) = (spans(golden), spans(new));
    let all = || ours.iter().chain(&theirs).flatten();
    let (Some(low), Some(high)) = (all().map(|s| s.0).min(), all().map(|s| s.1).max()) else { return Ok(()) };
    let step = ((high - low) / ROWS + 1).max(1);
    writeln!(out, "        CVL in V: - golden, + this run, # both")?;
    let mut row = high;
    while row > low - step {
        let inside = |span: Option<(i32, i32)>| span.is_some_and(|(a, b)| b > row - step && a <= row);
        let line: String = (0..COLUMNS as usize)
            .map(|k| match (inside(ours[k]), inside(theirs[k])) {
                (true, true) => '#',
                (true, false) => '-',
                (false, true) => '+',
                (false, false) => ' ',
            })
            .collect();
        writeln!(out, "{:>6.1} |{}", f64::from(row) / 10.0, line.trim_end())?;
        row -= step;
    }
    let place = (0..COLUMNS).find(|&k| at < column(k + 1)).unwrap_or(COLUMNS - 1);
    writeln!(out, "        {:>width$} {}", "^", clock(at), width = place as usize + 1)?;
    let width = COLUMNS as usize - clock(from).len();
    writeln!(out, "        {}{:>width$}", clock(from), clock(to))
}

/// The part of a trace in which a reader sees how two part: twenty lags to both sides, a minute at least.
pub(crate) fn around(at: Micros, lag: Micros, end: Micros) -> Window {
    let reach = Micros((20 * lag.0).max(60_000_000));
    Window::new(at.since(reach), (at + reach).min(end))
}

/// The lowest and the highest value within a time.
pub(crate) fn range(trace: &Steps, from: Micros, to: Micros) -> Option<(i32, i32)> {
    let points = trace.points();
    let first = points.partition_point(|&(at, _)| at <= from);
    let after = points[first..].iter().take_while(|&&(at, _)| at < to).map(|&(_, value)| value);
    let values = trace.at(from).into_iter().chain(after);
    values.fold(None, |range, value| {
        let (low, high) = range.unwrap_or((value, value));
        Some((value.min(low), value.max(high)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(secs: u64) -> Micros {
        Micros::from_secs(secs)
    }

    #[test]
    fn a_step_that_never_came_is_told_and_drawn() {
        let steps = |points: &[(u64, i32)]| {
            Steps::new(points.iter().map(|&(t, v)| (s(t), v)).collect(), s(7200), Vec::new()).expect("steps")
        };
        let (golden, new) = (steps(&[(0, 568), (3600, 564)]), steps(&[(0, 568), (3660, 567)]));
        let within = Tolerance::LEAST;
        let found = compare(&golden, &new, within).expect_err("they differ");
        assert_eq!(
            words(&found, within),
            "at 1:00:00: golden 56.4 V, this run 56.8 V; they would match with 0.4 V at a lag of 5 s"
        );
        let Mismatch::Apart(apart) = found else { panic!("{found:?}") };
        let expected = "
        CVL in V: - golden, + this run, # both
  56.8 |####################################++++++++++++++++++++++
  56.7 |                                                         +++++++++++++++
  56.6 |
  56.5 |
  56.4 |                                    ------------------------------------
                                            ^ 1:00:00
        0:58:20                                                          1:01:40
";
        assert_eq!(overlay(&golden, &new, &apart, within.lag), &expected[1..]);
    }

    #[test]
    fn what_no_tolerance_covers_is_told_so() {
        let steps = |end| Steps::new(vec![(s(0), 568)], s(end), Vec::new()).expect("steps");
        let found = compare(&steps(900), &steps(300), Tolerance::LEAST).expect_err("cut off");
        let text = words(&found, Tolerance::LEAST);
        assert_eq!(
            text,
            "at 0:05:00: golden 56.8 V, this run over; no tolerance makes them match: they begin or end more than 5 s apart"
        );
        let Mismatch::Apart(apart) = found else { panic!("{found:?}") };
        assert!(overlay(&steps(900), &steps(300), &apart, s(5)).contains("####-----"));
    }
}
