//! The decision rule, as a certificate shows it: how far a figure that instruments have a part in must stay from its limit
//! (ISO/IEC 17025 7.8.6, ILAC-G8:09/2019).
//!
//! The judge applies the same band in every run ([`judge::thresholds`]): a figure within it is undecided. This module adds the uncertainty that
//! the laboratory states, and the words of the certificate.

use judge::thresholds::{Row, Sense, Stands, measured};
use judge::verdict::{Measure, Verdict};

use crate::certificate::{Certificate, Uncertainty};
use crate::run::{CaseResult, Run};
use crate::words::amount;

/// What a certificate says of a figure. `docs/certificate.md` shows it.
const fn statement(stands: Stands) -> &'static str {
    match stands {
        Stands::Within => "pass",
        Stands::Near => "undecided",
        Stands::Beyond => "fail",
    }
}

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
        statement(self.measure.stands())
    }

    /// Whether the laboratory states more than the widest band, a tenth of the limit.
    #[must_use]
    pub fn is_too_uncertain(&self) -> bool {
        self.stated.is_some_and(|stated| stated.amount > self.measure.band * (1.0 + f64::EPSILON.sqrt()))
    }
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
    fn the_page_has_a_row_for_each_statement() {
        let told = include_str!("../../../docs/certificate.md");
        for stands in [Stands::Within, Stands::Near, Stands::Beyond] {
            let text = statement(stands);
            assert!(told.contains(&format!("| {text} |")), "docs/certificate.md has no row of {text}");
        }
    }
}
