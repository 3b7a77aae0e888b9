//! A trace as text, a line for each change, made to be read in a diff.
//!
//! ```text
//! 0:00:00.0  56.0 V
//! 0:31:10.4  55.9 V
//! 0:50:00.0  silent until 0:50:30.2
//! 1:50:00.0  end
//! ```
//!
//! Times are rounded to a tenth of a second, which no tolerance is tighter than.

use core::fmt;
use core::str::FromStr;

use proto::quantity::Micros;

use super::Steps;
use crate::window::Window;

const TENTH: u64 = 100_000;

/// Why a text is not a trace.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the trace: `{found}` is not {expected}")]
pub struct TraceError {
    /// counted from 1
    pub line: usize,
    /// what stands there
    pub found: String,
    /// what belongs there
    pub expected: &'static str,
}

impl Steps {
    /// The same trace with its times to a tenth of a second, as its text has them.
    #[must_use]
    pub fn rounded(&self) -> Self {
        let time = |at: Micros| Micros(rounded(at) * TENTH);
        Self {
            points: self.points.iter().map(|&(at, value)| (time(at), value)).collect(),
            end: time(self.end),
            silences: self.silences.iter().map(|w| Window { from: time(w.from), to: time(w.to) }).collect(),
        }
    }
}

fn rounded(at: Micros) -> u64 {
    at.0.saturating_add(TENTH / 2) / TENTH
}

/// A time as the text has it.
fn clock(at: Micros) -> String {
    let (seconds, tenths) = (rounded(at) / 10, rounded(at) % 10);
    format!("{}:{:02}:{:02}.{tenths}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

impl fmt::Display for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut silences = self.silences.iter().peekable();
        for &(at, value) in &self.points {
            while let Some(silence) = silences.next_if(|silence| silence.from < at) {
                writeln!(f, "{}  silent until {}", clock(silence.from), clock(silence.to))?;
            }
            let sign = if value < 0 { "-" } else { "" };
            let value = value.unsigned_abs();
            writeln!(f, "{}  {sign}{}.{} V", clock(at), value / 10, value % 10)?;
        }
        for silence in silences {
            writeln!(f, "{}  silent until {}", clock(silence.from), clock(silence.to))?;
        }
        writeln!(f, "{}  end", clock(self.end))
    }
}

impl FromStr for Steps {
    type Err = TraceError;

    fn from_str(text: &str) -> Result<Self, TraceError> {
        let (mut points, mut silences, mut end) = (Vec::new(), Vec::new(), None);
        let mut before = Micros::ZERO;
        let mut last = 0;
        for (k, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let wrong = |expected| TraceError { line: k + 1, found: line.to_owned(), expected };
            last = k + 1;
            if end.is_some() {
                return Err(wrong("nothing, for the trace has ended"));
            }
            let (at, what) = line
                .split_once("  ")
                .and_then(|(at, what)| Some((time(at)?, what)))
                .ok_or_else(|| wrong("a time such as `0:31:10.4` and, after two spaces, what happened"))?;
            if at < before {
                return Err(wrong("later than the line before it"));
            }
            before = at;
            if what == "end" {
                end = Some(at);
            } else if let Some(until) = what.strip_prefix("silent until ") {
                let to =
                    time(until).filter(|&to| to >= at).ok_or_else(|| wrong("a silence that ends later"))?;
                silences.push(Window { from: at, to });
            } else {
                let value = what.strip_suffix(" V").and_then(decivolts);
                points
                    .push((at, value.ok_or_else(|| wrong("a CVL such as `55.9 V`, a silence or the end"))?));
            }
        }
        let end = end.ok_or_else(|| TraceError {
            line: last,
            found: text.lines().last().unwrap_or_default().to_owned(),
            expected: "the end of the trace: it is cut off",
        })?;
        Self::new(points, end, silences).ok_or_else(|| TraceError {
            line: last,
            found: "end".to_owned(),
            expected: "the end of a trace with a value, whose silences do not overlap or outlast it",
        })
    }
}

/// `h:mm:ss.t`
fn time(text: &str) -> Option<Micros> {
    let mut parts = text.split(':');
    let (hours, minutes, rest) = (parts.next()?, parts.next()?, parts.next()?);
    let (seconds, tenths) = rest.split_once('.')?;
    let number = |text: &str, below: u64| {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        text.parse::<u64>().ok().filter(|&n| digits && n < below)
    };
    let seconds = number(hours, 1_000_000)? * 3600 + number(minutes, 60)? * 60 + number(seconds, 60)?;
    parts.next().is_none().then_some(())?;
    Some(Micros((seconds * 10 + number(tenths, 10)?) * TENTH))
}

/// `55.9`
fn decivolts(text: &str) -> Option<i32> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (volts, tenth) = digits.split_once('.')?;
    let plain =
        |text: &str, most| (1..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    (plain(volts, 6) && plain(tenth, 1)).then_some(())?;
    Some(sign * (volts.parse::<i32>().ok()? * 10 + tenth.parse::<i32>().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    const TEXT: &str =
        "0:00:00.0  56.0 V\n0:31:10.4  55.9 V\n0:50:00.0  silent until 0:50:30.2\n1:50:00.0  end\n";

    #[test]
    fn a_trace_reads_as_it_is_written() {
        let steps: Steps = TEXT.parse().expect("a trace");
        assert_eq!(steps.points(), [(Micros::ZERO, 560), (Micros(1_870_400_000), 559)]);
        assert_eq!(steps.silences(), [Window { from: Micros(3_000_000_000), to: Micros(3_030_200_000) }]);
        assert_eq!(steps.end(), Micros::from_secs(6600));
        assert_eq!(steps.to_string(), TEXT);
    }

    #[rstest]
    #[case("", 0, "cut off")]
    #[case("0:00:00.0  56.0 V\n", 1, "cut off")]
    #[case("0:00:00.0  end\n", 1, "with a value")]
    #[case("0:00:00.0  56.0 V\n0:00:09.0  end\n0:00:10.0  56.0 V\n", 3, "has ended")]
    #[case("0:00:05.0  56.0 V\n0:00:04.0  55.0 V\n", 2, "later")]
    #[case("0:00:05.0 56.0 V\n", 1, "two spaces")]
    #[case("0:61:05.0  56.0 V\n", 1, "a time")]
    #[case("0:00:05.0  56 V\n", 1, "a CVL")]
    #[case("0:00:05.0  99999999999.0 V\n", 1, "a CVL")]
    #[case("0:00:00.0  56.0 V\n0:00:05.0  silent until 0:00:01.0\n", 2, "ends later")]
    #[case("0:00:00.0  56.0 V\n0:00:05.0  silent until 0:00:30.0\n0:00:09.0  end\n", 3, "outlast")]
    fn what_is_no_trace_is_refused(#[case] text: &str, #[case] line: usize, #[case] says: &str) {
        let error = text.parse::<Steps>().expect_err("no trace");
        assert_eq!(error.line, line, "{error}");
        assert!(error.to_string().contains(says), "{error}");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            points in proptest::collection::vec((0_u64..50_000_000, -10..7000_i32), 1..40), more in 0_u64..9_000_000_000,
        ) {
            let mut at = 0;
            let points: Vec<_> = points.iter().map(|&(dt, v)| { at += dt; (Micros(at), v) }).collect();
            let end = Micros(at + more);
            let silence = Window { from: Micros(at / 3), to: Micros(at / 2) };
            let steps = Steps::new(points, end, vec![silence]).expect("steps");
            prop_assert_eq!(steps.to_string().parse::<Steps>(), Ok(steps.rounded()));
        }

        #[test]
        fn no_text_breaks_the_reader(text in "(0:0[0-9]:[0-9]{2}.[0-9]  ([0-9.]{1,9} V|end|silent until .{0,9}|.{0,9})\n){0,9}") {
            let _ = text.parse::<Steps>();
        }
    }
}
