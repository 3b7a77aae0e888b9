//! The decision rule, as a certificate shows it: how far a figure that instruments have a part in must stay from its limit
//! (ISO/IEC 17025 7.8.6, ILAC-G8:09/2019).
//!
//! The judge decides with the same band in every run ([`judge::thresholds`]): a figure within it decides nothing. Here stands what a certificate
//! says of it beside the uncertainty that the laboratory states.

use judge::requirement::{Requirement, Severity};
use judge::thresholds::{Row, Sense, Stands, measured};
use judge::verdict::{Measure, Verdict};

use crate::certificate::{Certificate, Uncertainty};
use crate::run::{CaseResult, Run};
use crate::words::amount;

/// The table: what is said of a figure, and whether that refuses a certificate where the requirement must hold; where it only
/// should, it never does. `docs/certificate.md` shows it.
pub const STATEMENTS: [(Stands, &str, bool); 3] =
    [(Stands::Within, "pass", false), (Stands::Near, "undecided", true), (Stands::Beyond, "fail", true)];

/// A figure that instruments of the rig have a part in, and that decided a requirement or left it undecided.
#[derive(Debug)]
pub struct Figure<'r> {
    /// its threshold: name, unit, sense
    pub threshold: &'static Row,
    /// what was measured with
    pub with: &'static str,
    /// the case
    pub case: &'r CaseResult,
    /// the verdict that rests on it
    pub verdict: &'r Verdict,
    /// what was measured, the limit in force, and the half of the band around it
    pub measure: Measure,
    /// how uncertain it is, where the laboratory says that
    pub stated: Option<&'r Uncertainty>,
}

impl Figure<'_> {
    /// Up to where, or from where, it is accepted.
    #[must_use]
    pub fn acceptance(&self) -> f64 {
        let Measure { limit, band, .. } = self.measure;
        match self.threshold.sense {
            Sense::AtMost => limit - band,
            Sense::AtLeast => limit + band,
        }
    }

    /// A number of this figure, with the sign of a limit: `≤ 9.50 %`.
    #[must_use]
    pub fn bound(&self, number: f64) -> String {
        format!("{} {}", self.threshold.sense.sign(), amount(number, self.threshold.unit))
    }

    /// What is said of it, in words.
    #[must_use]
    pub fn statement(&self) -> &'static str {
        self.row().1
    }

    /// Whether it refuses a certificate.
    #[must_use]
    pub fn refuses(&self) -> bool {
        refuses(self.row().2, self.verdict.requirement)
    }

    /// Whether the laboratory states more than the widest band is: it measures too badly to say on which side of the limit it is.
    #[must_use]
    pub fn is_too_uncertain(&self) -> bool {
        self.stated.is_some_and(|stated| stated.amount > self.measure.band * (1.0 + f64::EPSILON.sqrt()))
    }

    fn row(&self) -> (Stands, &'static str, bool) {
        let stands = self.measure.stands();
        // The table has every one of them.
        STATEMENTS.into_iter().find(|(row, ..)| *row == stands).unwrap_or((stands, "fail", true))
    }
}

fn refuses(statement: bool, requirement: &Requirement) -> bool {
    statement && requirement.severity == Severity::Must
}

/// Every figure of a run that decided something or was too near to decide, in the order of the cases.
#[must_use]
pub fn figures<'r>(run: &'r Run, certificate: &'r Certificate) -> Vec<Figure<'r>> {
    let mut found = Vec::new();
    for case in &run.cases {
        for verdict in &case.verdicts {
            found.extend(verdict.figures().filter_map(|(_, measure)| {
                let (threshold, with) = measured().find(|(row, _)| row.name == measure.threshold)?;
                let stated = certificate.uncertainty.iter().find(|u| u.figure == measure.threshold);
                Some(Figure { threshold, with, case, verdict, measure, stated })
            }));
        }
    }
    found
}

/// Of each threshold the figure that came nearest to its limit, or went farthest beyond it.
#[must_use]
pub fn nearest<'r>(run: &'r Run, certificate: &'r Certificate) -> Vec<Figure<'r>> {
    let mut nearest: Vec<Figure<'r>> = Vec::new();
    for figure in figures(run, certificate) {
        match nearest.iter_mut().find(|other| other.threshold.name == figure.threshold.name) {
            Some(other) if figure.measure.room() < other.measure.room() => *other = figure,
            Some(_) => {}
            None => nearest.push(figure),
        }
    }
    nearest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_name_what_there_is() {
        let told = include_str!("../../../docs/certificate.md");
        let must = judge::catalogue::find("CVL-04").expect("a must of the catalogue");
        let should = judge::catalogue::find("CVL-03").expect("a should of the catalogue");
        for (stands, text, against) in STATEMENTS {
            assert!(told.contains(&format!("| {text} |")), "docs/certificate.md has no row of {text}");
            assert_eq!(refuses(against, must), stands != Stands::Within);
            assert!(!refuses(against, should));
        }
    }
}
