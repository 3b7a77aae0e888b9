//! Verdicts and the evidence they stand on.

use proto::quantity::Micros;

use crate::catalogue::Requirement;

/// The answer to one requirement in one case. Nothing that was not seen is ever [`Outcome::Pass`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// The evidence shows that the requirement holds.
    Pass,
    /// The optional feature is absent, or the rig cannot try it; the reason says which.
    NotApplicable,
    /// The evidence does not decide.
    Inconclusive,
    /// The evidence shows that it does not hold.
    Fail,
}

/// One measured fact behind a verdict.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// what was measured, in words, with the metric's id where there is one (`M7 discharge while PV covers the load`)
    pub what: String,
    /// the window or moment, since the start of the case
    pub at: Option<(Micros, Micros)>,
    /// measured value with its unit, such as `1.8 %/h`
    pub value: String,
    /// the threshold it was held against, such as `≤ 1.5 %/h`; empty for plain facts
    pub limit: String,
    /// line of the log, where one frame is the proof
    pub line: Option<u64>,
}

/// The verdict on one requirement.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// which requirement
    pub requirement: &'static Requirement,
    /// pass, fail, inconclusive or not applicable
    pub outcome: Outcome,
    /// why, in one plain sentence
    pub reason: String,
    /// what it stands on
    pub evidence: Vec<Evidence>,
}
