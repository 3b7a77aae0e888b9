//! The snapshot of a case: its traces as segments, its marks and verdicts, made to be read as a diff.
//!
//! A trace is cut into segments of one value, quantised to what CAN can carry and what a reader cares about: the
//! resolution of the channel and whole seconds. What the suite did stands between the segments it caused.

use std::fmt::{self, Write};

use judge::requirement::Severity;
use judge::trace::{Channel, EventKind, Series, Trace};
use proto::quantity::Micros;

use evidence::run::CaseResult;
use evidence::words::clock;

/// The snapshot of a case: `channels` from the mark `from` on, or from the start.
#[must_use]
pub fn snapshot(case: &CaseResult, channels: &[Channel], from: Option<&str>) -> String {
    let mut out = String::new();
    render(&mut out, case, channels, from).expect("a String takes every write");
    out
}

fn render(out: &mut String, case: &CaseResult, channels: &[Channel], from: Option<&str>) -> fmt::Result {
    let trace = &case.trace;
    let origin = from.and_then(|mark| marked(trace, mark)).unwrap_or(Micros::ZERO);
    let outcome = case.outcome.name();
    writeln!(out, "{}: {outcome}", case.name())?;
    if let Some(mark) = from {
        writeln!(out, "times count from the mark `{mark}`, {} into the case", clock(origin))?;
    }
    for &channel in channels {
        writeln!(out, "\n{}", heading(channel))?;
        segments(out, trace, channel, origin, case.length)?;
    }
    writeln!(out, "\nverdicts")?;
    for verdict in &case.verdicts {
        let severity = match verdict.requirement.severity {
            Severity::Must => "must",
            Severity::Should => "should",
            Severity::Information => "info",
        };
        writeln!(out, "  {:<7} {severity:<6}  {}", verdict.requirement.id, verdict.outcome.name())?;
    }
    Ok(())
}

/// The moment of a mark.
fn marked(trace: &Trace, mark: &str) -> Option<Micros> {
    trace.events.iter().find_map(|event| match &event.kind {
        EventKind::Mark(name) if name == mark => Some(event.at),
        _ => None,
    })
}

fn heading(channel: Channel) -> String {
    let (name, unit) = match channel {
        Channel::Cvl => ("CVL", "V"),
        Channel::Ccl => ("CCL", "A"),
        Channel::Dcl => ("DCL", "A"),
        other => return format!("{other:?}"),
    };
    format!("{name} in {unit}")
}

/// One line a segment: when it begins, its value, how long it holds. Marks stand between them.
fn segments(
    out: &mut String,
    trace: &Trace,
    channel: Channel,
    origin: Micros,
    length: Micros,
) -> fmt::Result {
    let mut marks = trace.events.iter().filter_map(|event| match &event.kind {
        EventKind::Mark(name) if event.at >= origin => Some((event.at, name)),
        _ => None,
    });
    let mut mark = marks.next();
    for (from, to, value) in held(trace.series(channel), origin, length) {
        while let Some((_, name)) = mark.filter(|&(at, _)| seconds(at) <= seconds(from)) {
            writeln!(out, "  -- {name}")?;
            mark = marks.next();
        }
        let at = clock(Micros::from_secs(seconds(from) - seconds(origin)));
        let held = clock(Micros::from_secs(seconds(to) - seconds(from)));
        writeln!(out, "  {at:>8}  {value:>6.1}  for {held}")?;
    }
    for (_, name) in mark.into_iter().chain(marks) {
        writeln!(out, "  -- {name}")?;
    }
    Ok(())
}

/// The segments of a series from `origin` on; one that lasts less than a second after rounding is still shown.
fn held(series: &Series, origin: Micros, length: Micros) -> Vec<(Micros, Micros, f64)> {
    let mut segments: Vec<(Micros, Micros, f64)> = Vec::new();
    let points = series.points();
    for (i, &(at, value)) in points.iter().enumerate() {
        let to = points.get(i + 1).map_or(length, |&(next, _)| next);
        if to > origin {
            segments.push((at.max(origin), to, value));
        }
    }
    segments
}

/// Rounded to whole seconds: frames leave a few milliseconds off the second.
fn seconds(at: Micros) -> u64 {
    (at.0 + 500_000) / 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;
    use judge::verdict::Outcome;

    #[test]
    fn a_trace_reads_as_segments_between_marks() {
        let mut trace = Trace::default();
        for (ms, cvl) in [(20, 56.8), (60_013, 56.4), (120_006, 56.3)] {
            trace.push(Channel::Cvl, Micros::from_millis(ms), cvl);
        }
        trace.note(Micros::from_secs(30), EventKind::Mark("full".to_owned()));
        trace.note(Micros::from_secs(120), EventKind::Mark("late".to_owned()));
        let length = Micros::from_secs(180);
        let case =
            CaseResult { outcome: Outcome::Pass, length, trace, ..CaseResult::named("feed-in", "hold") };
        let expected = "\
feed-in/hold: pass
times count from the mark `full`, 0:00:30 into the case

CVL in V
  -- full
   0:00:00    56.8  for 0:00:30
   0:00:30    56.4  for 0:01:00
  -- late
   0:01:30    56.3  for 0:01:00

verdicts
";
        assert_eq!(snapshot(&case, &[Channel::Cvl], Some("full")), expected);
    }
}
