//! The numbers of a run that are worth following from night to night.

use judge::thresholds::{Sense, Thresholds};
use judge::trace::{Channel, EventKind, Trace};
use judge::verdict::{Evidence, Sign};
use proto::quantity::Micros;

use evidence::run::{CaseResult, Run};

/// One number of one case.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// `suite/case`
    pub case: String,
    /// name of the threshold it is held against, or one of [`PLATEAU`], [`PERIOD`], [`EXPORT`]
    pub name: String,
    /// its unit, such as `V`
    pub unit: String,
    /// the number, in that unit
    pub value: f64,
}

/// CVL that stood longest while the battery was full, V.
pub const PLATEAU: &str = "cvl-plateau";
/// Median gap between two 0x351, s.
pub const PERIOD: &str = "0x351-period";
/// Mean power fed into the grid, W.
pub const EXPORT: &str = "export";

/// Every figure of a run. Where a case measures the same thing several times the worst one counts.
#[must_use]
pub fn figures(run: &Run) -> Vec<Figure> {
    let mut all: Vec<Figure> = Vec::new();
    for case in &run.cases {
        let evidence = case.verdicts.iter().flat_map(|verdict| &verdict.evidence);
        let found = evidence.filter_map(figure).chain(plateau(case));
        for (name, unit, value, worse) in found.filter(|found| found.2.is_finite()) {
            let figure = Figure { case: case.name(), name: name.to_owned(), unit, value };
            match all.iter_mut().find(|kept| kept.case == figure.case && kept.name == figure.name) {
                Some(kept) if worse(figure.value, kept.value) => *kept = figure,
                Some(_) => {}
                None => all.push(figure),
            }
        }
    }
    all
}

/// Name, unit, value, and which of two values is the worse one.
type Found = (&'static str, String, f64, fn(f64, f64) -> bool);

fn figure(evidence: &Evidence) -> Option<Found> {
    if let Some(measure) = evidence.measure {
        let name = Thresholds::NAMES.iter().find(|name| name.name == measure.threshold)?;
        let worse: fn(f64, f64) -> bool = match name.sense {
            Sense::AtMost => |a, b| a > b,
            Sense::AtLeast => |a, b| a < b,
        };
        return Some((name.name, name.unit.to_owned(), measure.value, worse));
    }
    // What has no threshold and is followed all the same, as exactly as it is told.
    let (name, unit, value) = match evidence.sign? {
        Sign::Period(gap) => (PERIOD, "s", (gap.secs() * 100.0).round() / 100.0),
        Sign::Export(power) => (EXPORT, "W", power.0.round()),
        Sign::Unmet { .. } | Sign::ZeroCvl | Sign::Heard(_) => return None,
    };
    Some((name, unit.to_owned(), value, |_, _| false))
}

fn plateau(case: &CaseResult) -> Option<Found> {
    let full = case.trace.events.iter().find(|event| event.kind == EventKind::Mark("full".to_owned()))?;
    let value = longest_held(&case.trace, full.at, case.length)?;
    Some((PLATEAU, "V".to_owned(), value, |_, _| false))
}

/// The CVL that stood longest in all between two moments.
fn longest_held(trace: &Trace, from: Micros, to: Micros) -> Option<f64> {
    let cvl = trace.series(Channel::Cvl);
    let to = to.min(cvl.last_seen()?);
    let points = cvl.points();
    let mut held: Vec<(f64, u64)> = Vec::new();
    for (k, &(at, value)) in points.iter().enumerate() {
        let until = points.get(k + 1).map_or(to, |next| next.0).min(to);
        let span = until.since(at.max(from)).0;
        match held.iter_mut().find(|(other, _)| (other - value).abs() < 0.05) {
            Some((_, sum)) => *sum += span,
            None => held.push((value, span)),
        }
    }
    held.into_iter().filter(|&(_, span)| span > 0).max_by_key(|&(_, span)| span).map(|(value, _)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plateau_is_what_stood_longest_after_full() {
        let mut trace = Trace::default();
        for (at, volts) in [(0, 56.8), (100, 55.2), (130, 55.3), (140, 55.2), (170, 55.2)] {
            trace.push(Channel::Cvl, Micros::from_secs(at), volts);
        }
        let held = |from, to| longest_held(&trace, Micros::from_secs(from), Micros::from_secs(to));
        assert_eq!(held(0, 170), Some(56.8));
        assert_eq!(held(100, 170), Some(55.2));
        assert_eq!(held(131, 139), Some(55.3));
        assert_eq!(held(170, 170), None);
    }
}
