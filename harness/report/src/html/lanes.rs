//! What happened during a case, as the figure shows it above the panels: steps, marks, changes, evidence.

use judge::trace::EventKind;
use proto::quantity::Micros;
use proto::stimulus::Stimulus;

use evidence::mark::Mark;
use evidence::run::CaseResult;
use evidence::words;

/// A step of the suite with its time.
pub(crate) struct Step {
    pub(crate) from: Micros,
    pub(crate) to: Micros,
    pub(crate) line: u32,
    pub(crate) text: String,
}

/// A moment with a name.
pub(crate) struct Moment {
    pub(crate) at: Micros,
    pub(crate) text: String,
    /// name in the style sheet: `mark`, `change` or `alert`
    pub(crate) class: &'static str,
}

/// Where the evidence of a requirement that does not hold lies.
pub(crate) struct Finding {
    pub(crate) id: &'static str,
    pub(crate) mark: Mark,
    pub(crate) windows: Vec<(Micros, Micros)>,
}

/// A stretch of the figure that is tinted because something does not hold there.
pub(crate) struct Shade {
    pub(crate) mark: Mark,
    pub(crate) from: Micros,
    pub(crate) to: Micros,
}

/// Changes of one kind closer together than this are one ramp.
const RAMP: Micros = Micros::from_secs(90);

/// Rows of evidence a figure has room for; the table below it has all.
const FINDINGS: usize = 8;

pub(crate) fn steps(case: &CaseResult) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for event in &case.trace.events {
        if let EventKind::Step { line, text } = &event.kind {
            if let Some(before) = steps.last_mut() {
                before.to = event.at;
            }
            steps.push(Step { from: event.at, to: case.length, line: *line, text: text.clone() });
        }
    }
    steps
}

/// Marks, changes of the world and what cut the case short; a ramp is one moment.
pub(crate) fn moments(case: &CaseResult) -> Vec<Moment> {
    let mut moments: Vec<Moment> = Vec::new();
    let mut ramp: Option<(usize, Micros, Stimulus)> = None;
    for event in &case.trace.events {
        let class = match &event.kind {
            EventKind::Mark(_) => "mark",
            EventKind::Stimulus(s) => {
                if let Some((first, last, before)) = &mut ramp
                    && ramps(before, s)
                    && event.at.since(*last) <= RAMP
                {
                    let moment = &mut moments[*first];
                    // The second change in a row decides that it is a ramp; its end names it.
                    moment.text = format!("{s} (ramp)");
                    (*last, *before) = (event.at, *s);
                    continue;
                }
                ramp = Some((moments.len(), event.at, *s));
                "change"
            }
            // What aborted the case has its own label at that moment.
            EventKind::Aborted(_)
                if moments.last().is_some_and(|m| m.class == "alert" && m.at == event.at) =>
            {
                continue;
            }
            EventKind::Interlock { .. } | EventKind::DriverFault(_) | EventKind::Aborted(_) => "alert",
            EventKind::Wait(w) if !w.met => "alert",
            _ => continue,
        };
        let text = match &event.kind {
            EventKind::Interlock { what, .. } => format!("interlock: {what}"),
            EventKind::DriverFault(_) => "driver fault".to_owned(),
            EventKind::Aborted(_) => "aborted".to_owned(),
            EventKind::Wait(w) => format!("not met: {}", w.until),
            _ => words::event(event).1,
        };
        moments.push(Moment { at: event.at, text, class });
    }
    moments
}

/// Whether one change continues the other towards a higher or lower power.
fn ramps(a: &Stimulus, b: &Stimulus) -> bool {
    match (a, b) {
        (Stimulus::Pv(a), Stimulus::Pv(b))
        | (Stimulus::AcPv(a), Stimulus::AcPv(b))
        | (Stimulus::AcLoad(a), Stimulus::AcLoad(b)) => a.0 > 0.0 && b.0 > 0.0,
        _ => false,
    }
}

/// Failures before warnings, each with its windows.
pub(crate) fn findings(case: &CaseResult) -> Vec<Finding> {
    let mut found: Vec<Finding> = case
        .verdicts
        .iter()
        .filter(|v| matches!(Mark::of(v), Mark::Fail | Mark::Warning))
        .map(|v| Finding {
            id: v.requirement.id,
            mark: Mark::of(v),
            windows: v.evidence.iter().filter_map(|e| e.at).collect(),
        })
        .filter(|f| !f.windows.is_empty())
        .collect();
    found.sort_by_key(|f| core::cmp::Reverse(f.mark));
    found.truncate(FINDINGS);
    found
}

/// The windows of all findings without overlap, a failure before a warning: tints never pile up.
pub(crate) fn shades(findings: &[Finding]) -> Vec<Shade> {
    let mut shades: Vec<Shade> = Vec::new();
    for mark in [Mark::Fail, Mark::Warning] {
        let taken = shades.len();
        let mut windows: Vec<(Micros, Micros)> =
            findings.iter().filter(|f| f.mark == mark).flat_map(|f| f.windows.iter().copied()).collect();
        windows.sort_unstable();
        for (from, to) in windows {
            if shades[..taken].iter().any(|s| from < s.to && s.from < to) {
                continue;
            }
            match shades[taken..].last_mut() {
                Some(s) if from <= s.to => s.to = s.to.max(to),
                _ => shades.push(Shade { mark, from, to }),
            }
        }
    }
    shades
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(mark: Mark, windows: &[(u64, u64)]) -> Finding {
        let windows = windows.iter().map(|w| (Micros(w.0), Micros(w.1))).collect();
        Finding { id: "CVL-04", mark, windows }
    }

    #[test]
    fn tints_do_not_pile_up() {
        let found = [
            finding(Mark::Fail, &[(10, 30), (50, 60)]),
            finding(Mark::Fail, &[(20, 40)]),
            finding(Mark::Warning, &[(35, 45), (70, 80)]),
        ];
        let shown: Vec<_> = shades(&found).iter().map(|s| (s.mark, s.from.0, s.to.0)).collect();
        assert_eq!(shown, [(Mark::Fail, 10, 40), (Mark::Fail, 50, 60), (Mark::Warning, 70, 80)]);
    }
}
