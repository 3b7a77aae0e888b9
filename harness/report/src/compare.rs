//! Two runs beside each other: what came out differently.

use judge::catalogue::requirements;
use judge::verdict::Outcome;

use crate::history::drift::least;
use crate::history::figures::{Figure, figures};
use crate::history::firmware;
use crate::history::shift::Shift;
use evidence::mark::Mark;
use evidence::run::{CaseResult, Run};

/// Two runs, and what differs.
#[derive(Debug)]
pub struct Comparison<'a> {
    /// the one that is compared with
    pub a: &'a Run,
    /// the one that is looked at
    pub b: &'a Run,
    /// what differs around them: what, in A, in B
    pub facts: Vec<(String, String, String)>,
    /// every case that either has, in the order of B, then what only A has
    pub pairs: Vec<Pair<'a>>,
}

/// A case in both runs.
#[derive(Debug)]
pub struct Pair<'a> {
    /// the case in A
    pub a: Option<&'a CaseResult>,
    /// the case in B
    pub b: Option<&'a CaseResult>,
    /// requirements that stand otherwise: id, in A, in B
    pub verdicts: Vec<(&'static str, Mark, Mark)>,
    /// requirements that hold in both, with other room
    pub margins: Vec<Shift>,
    /// figures that differ by more than what counts as the same
    pub figures: Vec<Moved>,
}

/// A figure in both runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Moved {
    /// its name
    pub name: String,
    /// its unit
    pub unit: String,
    /// in A
    pub a: f64,
    /// in B
    pub b: f64,
}

impl Pair<'_> {
    /// Whether the case came out otherwise: as a whole or in a requirement.
    #[must_use]
    pub fn differs(&self) -> bool {
        let outcome = |case: Option<&CaseResult>| case.map(|case| case.outcome);
        outcome(self.a) != outcome(self.b) || !self.verdicts.is_empty()
    }

    /// Whether nothing is to be told of it.
    #[must_use]
    pub fn is_same(&self) -> bool {
        !self.differs() && self.margins.is_empty() && self.figures.is_empty()
    }
}

/// Why two runs cannot be compared.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CompareError {
    /// A suite that both ran is not the same file: its cases ask for other things.
    #[error(
        "the runs are of other suites: {0} changed between them, so that a difference would say nothing of the battery. \
         Run both with the same suites"
    )]
    Suites(String),
    /// They have no case in common.
    #[error("the runs have no case in common: there is nothing to compare")]
    Nothing,
}

/// Compares B with A.
///
/// # Errors
/// When a suite that both ran changed, or nothing is in both.
pub fn compare<'a>(a: &'a Run, b: &'a Run) -> Result<Comparison<'a>, CompareError> {
    let find = |run: &'a Run, case: &CaseResult| {
        run.cases.iter().find(|other| other.suite == case.suite && other.case == case.case)
    };
    let shared: Vec<&CaseResult> = b.cases.iter().filter(|case| find(a, case).is_some()).collect();
    if shared.is_empty() {
        return Err(CompareError::Nothing);
    }
    let hash = |run: &Run, file: &str| {
        run.meta.suites.iter().find(|suite| suite.path == file).map(|suite| suite.sha256.clone())
    };
    let mut changed: Vec<&str> =
        shared.iter().map(|case| case.file.as_str()).filter(|file| hash(a, file) != hash(b, file)).collect();
    changed.dedup();
    if !changed.is_empty() {
        return Err(CompareError::Suites(changed.join(", ")));
    }
    let (of_a, of_b) = (figures(a), figures(b));
    let mut pairs: Vec<Pair<'a>> =
        b.cases.iter().map(|case| pair(find(a, case), Some(case), &of_a, &of_b)).collect();
    pairs.extend(
        a.cases.iter().filter(|case| find(b, case).is_none()).map(|case| pair(Some(case), None, &[], &[])),
    );
    Ok(Comparison { a, b, facts: facts(a, b), pairs })
}

fn facts(a: &Run, b: &Run) -> Vec<(String, String, String)> {
    let of = |run: &Run| {
        let meta = &run.meta;
        [
            ("Battery file", meta.battery.name.clone()),
            ("Firmware", firmware(meta).to_owned()),
            ("Rig", meta.rig.name.clone()),
            ("Seed", meta.seed.to_string()),
            ("Harness", meta.harness.clone()),
        ]
    };
    let both = of(a).into_iter().zip(of(b));
    both.filter(|(a, b)| a.1 != b.1).map(|(a, b)| (a.0.to_owned(), a.1, b.1)).collect()
}

fn pair<'a>(
    a: Option<&'a CaseResult>,
    b: Option<&'a CaseResult>,
    of_a: &[Figure],
    of_b: &[Figure],
) -> Pair<'a> {
    let find = |case: Option<&'a CaseResult>, id: &str| {
        case.and_then(|case| case.verdicts.iter().find(|verdict| verdict.requirement.id == id))
    };
    let standing = |case, id: &str| find(case, id).map_or(Mark::NotJudged, Mark::of);
    let room = |case, id: &str| {
        let passed = find(case, id).filter(|verdict| verdict.outcome == Outcome::Pass)?;
        passed.closest().map(|(_, measure)| measure)
    };
    let both = a.is_some() && b.is_some();
    let verdicts = requirements()
        .map(|requirement| (requirement.id, standing(a, requirement.id), standing(b, requirement.id)))
        .filter(|(_, a, b)| both && a != b)
        .collect();
    let margins =
        requirements().filter_map(|row| Shift::of(row.id, room(a, row.id)?, room(b, row.id)?)).collect();
    let name = b.or(a).map(CaseResult::name).unwrap_or_default();
    let own = |figures: &[Figure]| -> Vec<Figure> {
        figures.iter().filter(|figure| figure.case == name).cloned().collect()
    };
    let before = own(of_a);
    let figures = own(of_b)
        .into_iter()
        .filter_map(|now| {
            let then = before.iter().find(|then| then.name == now.name && then.unit == now.unit)?;
            let moved = (now.value - then.value).abs() > least(&now.name, &now.unit, then.value);
            moved.then_some(Moved { name: now.name, unit: now.unit, a: then.value, b: now.value })
        })
        .collect();
    Pair { a, b, verdicts, margins, figures }
}
