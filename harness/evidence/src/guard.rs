//! The decision rule: how a measured figure is held against its limit for a certificate (ISO/IEC 17025 7.8.6,
//! ILAC-G8:09/2019), and what a figure within the guard band does to it.
//!
//! The judge holds values against limits as measured. A certificate may ask for more: that the figure keeps away from
//! the limit by as much as it is uncertain. It never asks for less: what fails, fails.

use files::DecisionRule;
use judge::requirement::{Requirement, Severity};
use judge::thresholds::{Row, Sense, measured};
use judge::verdict::{Measure, Verdict};

use crate::certificate::Certificate;
use crate::run::{CaseResult, Run};
use crate::words::amount;

/// What is said of a figure, and so of the verdict that rests on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statement {
    /// it holds, outside of the guard band
    Pass,
    /// it holds as measured, and lies within the guard band
    ConditionalPass,
    /// it does not hold as measured, and lies within the guard band
    ConditionalFail,
    /// it does not hold, outside of the guard band
    Fail,
}

/// The table: what is said, and whether that refuses a certificate where the requirement must hold; where it only
/// should, it never does. `docs/certificate.md` shows it.
pub const STATEMENTS: [(Statement, &str, bool); 4] = [
    (Statement::Pass, "pass", false),
    (Statement::ConditionalPass, "conditional pass", true),
    (Statement::ConditionalFail, "conditional fail", true),
    (Statement::Fail, "fail", true),
];

impl Statement {
    /// What is said of a value that is held against a limit with a guard band of this width, all in one unit.
    #[must_use]
    pub fn of(sense: Sense, value: f64, limit: f64, width: f64) -> Self {
        let room = sense.margin(value, limit);
        if room >= width && room >= 0.0 {
            Self::Pass
        } else if room >= 0.0 {
            Self::ConditionalPass
        } else if room > -width {
            Self::ConditionalFail
        } else {
            Self::Fail
        }
    }

    fn row(self) -> (Statement, &'static str, bool) {
        // The table has every one of them.
        STATEMENTS.into_iter().find(|(statement, ..)| *statement == self).unwrap_or((self, "fail", true))
    }

    /// In words.
    #[must_use]
    pub fn text(self) -> &'static str {
        self.row().1
    }

    /// Whether it refuses a certificate, where it is said of this requirement.
    #[must_use]
    pub fn refuses(self, requirement: &Requirement) -> bool {
        self.row().2 && requirement.severity == Severity::Must
    }
}

/// A figure that instruments of the rig have a part in, and that decided a requirement.
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
    /// what was measured
    pub value: f64,
    /// the limit in force
    pub limit: f64,
    /// its expanded uncertainty, where the laboratory says one
    pub uncertainty: Option<f64>,
    /// what is said of it
    pub statement: Statement,
}

impl Figure<'_> {
    /// Up to where, or from where, it is accepted.
    #[must_use]
    pub fn acceptance(&self, rule: DecisionRule) -> f64 {
        let width = width(rule, self.uncertainty);
        match self.threshold.sense {
            Sense::AtMost => self.limit - width,
            Sense::AtLeast => self.limit + width,
        }
    }

    /// A number of this figure, with the sign of a limit: `≤ 9.50 %`.
    #[must_use]
    pub fn bound(&self, number: f64) -> String {
        format!("{} {}", self.threshold.sense.sign(), amount(number, self.threshold.unit))
    }

    /// How far it is from its limit, as a share of that; negative beyond it.
    fn room(&self) -> f64 {
        self.threshold.sense.room(self.value, self.limit)
    }
}

fn width(rule: DecisionRule, uncertainty: Option<f64>) -> f64 {
    match rule {
        DecisionRule::SimpleAcceptance => 0.0,
        DecisionRule::GuardBand => uncertainty.unwrap_or(0.0),
    }
}

/// Every figure of a run that decided something, in the order of the cases.
#[must_use]
pub fn figures<'r>(run: &'r Run, certificate: &Certificate) -> Vec<Figure<'r>> {
    let mut found = Vec::new();
    for case in &run.cases {
        for verdict in &case.verdicts {
            found.extend(
                verdict.figures().filter_map(|(_, measure)| figure(case, verdict, measure, certificate)),
            );
        }
    }
    found
}

fn figure<'r>(
    case: &'r CaseResult,
    verdict: &'r Verdict,
    measure: Measure,
    certificate: &Certificate,
) -> Option<Figure<'r>> {
    let (threshold, with) = measured().find(|(row, _)| row.name == measure.threshold)?;
    let uncertainty =
        certificate.uncertainty.iter().find(|u| u.figure == measure.threshold).map(|u| u.amount);
    let width = width(certificate.rule, uncertainty);
    let statement = Statement::of(threshold.sense, measure.value, measure.limit, width);
    let (value, limit) = (measure.value, measure.limit);
    Some(Figure { threshold, with, case, verdict, value, limit, uncertainty, statement })
}

/// Of each threshold the figure that came nearest to its limit, or went farthest beyond it.
#[must_use]
pub fn nearest<'r>(run: &'r Run, certificate: &Certificate) -> Vec<Figure<'r>> {
    let mut nearest: Vec<Figure<'r>> = Vec::new();
    for figure in figures(run, certificate) {
        match nearest.iter_mut().find(|other| other.threshold.name == figure.threshold.name) {
            Some(other) if figure.room() < other.room() => *other = figure,
            Some(_) => {}
            None => nearest.push(figure),
        }
    }
    nearest
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::well_below(Sense::AtMost, 9.0, 0.5, Statement::Pass)]
    #[case::at_the_acceptance_limit(Sense::AtMost, 9.5, 0.5, Statement::Pass)]
    #[case::within_the_band(Sense::AtMost, 9.6, 0.5, Statement::ConditionalPass)]
    #[case::at_the_limit(Sense::AtMost, 10.0, 0.5, Statement::ConditionalPass)]
    #[case::beyond_it(Sense::AtMost, 10.4, 0.5, Statement::ConditionalFail)]
    #[case::far_beyond_it(Sense::AtMost, 10.5, 0.5, Statement::Fail)]
    #[case::enough(Sense::AtLeast, 10.5, 0.5, Statement::Pass)]
    #[case::hardly_enough(Sense::AtLeast, 10.2, 0.5, Statement::ConditionalPass)]
    #[case::not_quite_enough(Sense::AtLeast, 9.8, 0.5, Statement::ConditionalFail)]
    #[case::not_enough(Sense::AtLeast, 9.0, 0.5, Statement::Fail)]
    #[case::without_a_band(Sense::AtMost, 10.0, 0.0, Statement::Pass)]
    #[case::without_a_band(Sense::AtMost, 10.1, 0.0, Statement::Fail)]
    fn what_is_said_of_a_figure(
        #[case] sense: Sense,
        #[case] value: f64,
        #[case] width: f64,
        #[case] said: Statement,
    ) {
        assert_eq!(Statement::of(sense, value, 10.0, width), said);
    }

    #[test]
    fn the_tables_name_what_there_is() {
        let told = include_str!("../../../docs/certificate.md");
        let must = judge::catalogue::find("CVL-04").expect("a must of the catalogue");
        let should = judge::catalogue::find("CVL-03").expect("a should of the catalogue");
        for (statement, text, _) in STATEMENTS {
            assert!(told.contains(&format!("| {text} |")), "docs/certificate.md has no row of {text}");
            assert_eq!(statement.refuses(must), statement != Statement::Pass);
            assert!(!statement.refuses(should));
        }
    }
}
