//! What does not hold, by its cause: the one that is told first with all that follows from it; requirements that are so for
//! one reason are told together, and so are cases that ended early for one reason.

use evidence::mark::Mark;
use evidence::run::{CaseResult, Run};
use judge::requirement::Requirement;
use judge::root::{Consequence, Root};
use judge::verdict::{Outcome, Verdict};

use crate::matrix::tally;

/// Requirements that stand so for one reason.
pub(crate) struct Cause<'a> {
    /// the one that is told
    pub(crate) first: &'static Requirement,
    /// where it is so, and why
    pub(crate) seen: Vec<(&'a CaseResult, &'a Verdict)>,
    /// others that are so in no other case and for no other reason
    pub(crate) others: Vec<&'static Requirement>,
}

/// The cause that is told before all else: of a run that failed, or where something follows from it.
pub(crate) fn told_first(run: &Run) -> Option<Root<'_>> {
    run.root().filter(|root| run.outcome() == Outcome::Fail || !root.follows.is_empty())
}

/// Requirements, each with the number of cases in which it failed: `CVL-03 (9 cases), BEH-FI (1 case)`.
pub(crate) fn counted(rows: &[&Consequence]) -> String {
    let one = |row: &&Consequence| format!("{} ({})", row.requirement.id, tally::counted(row.cases, "case"));
    rows.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// What else stands so in the run than the cause that is told first and what follows from it, each cause once, in the order of
/// [`Run::requirements`]. What no case tried is left out: it stands under what was not tried, with the reason, and what is
/// undecided in cases that ended early under [`early`].
pub(crate) fn causes(run: &Run, mark: Mark) -> Vec<Cause<'_>> {
    let mut causes: Vec<Cause<'_>> = Vec::new();
    let root = told_first(run);
    let told = |id: &str| root.as_ref().is_some_and(|root| root.requirement.id == id || root.explains(id));
    let failed = matches!(mark, Mark::Fail | Mark::Warning);
    for requirement in run.requirements(mark).into_iter().filter(|row| !(failed && told(row.id))) {
        let seen: Vec<_> = run
            .verdicts_on(requirement)
            .filter(|(case, v)| Mark::of(v) == mark && !spoilt(case, v))
            .collect();
        if seen.iter().all(|(case, _)| !case.tried) {
            continue;
        }
        let known = |cause: &&mut Cause<'_>| {
            seen.iter().all(|one| cause.seen.iter().any(|other| reason(*one) == reason(*other)))
        };
        match causes.iter_mut().find(known) {
            Some(cause) => cause.others.push(requirement),
            None => causes.push(Cause { first: requirement, seen, others: Vec::new() }),
        }
    }
    causes
}

/// Cases that ended early for one reason.
pub(crate) struct Early<'a> {
    /// why
    pub(crate) reason: &'a str,
    /// all of them
    pub(crate) cases: Vec<&'a CaseResult>,
    /// nothing of them is decided
    pub(crate) whole: bool,
    /// what else the run leaves undecided and only cases that ended early would have decided, each told once
    pub(crate) undecided: Vec<&'static Requirement>,
}

/// Why cases ended early or did not begin, each reason once, in the order of the cases.
pub(crate) fn early(run: &Run) -> Vec<Early<'_>> {
    let mut all: Vec<Early<'_>> = Vec::new();
    for (case, reason) in run.cases.iter().filter_map(|case| Some((case, case.ended_early()?))) {
        match all.iter_mut().find(|other| other.reason == reason) {
            Some(known) => known.cases.push(case),
            None => all.push(Early { reason, cases: vec![case], whole: false, undecided: Vec::new() }),
        }
    }
    for early in &mut all {
        let mut verdicts = early.cases.iter().flat_map(|case| &case.verdicts);
        early.whole = verdicts.all(|verdict| verdict.outcome == Outcome::Inconclusive);
    }
    for requirement in run.requirements(Mark::Inconclusive) {
        let mut seen =
            run.verdicts_on(requirement).filter(|(case, v)| case.tried && Mark::of(v) == Mark::Inconclusive);
        let first = seen.next().and_then(|(case, _)| case.ended_early());
        if seen.all(|(case, v)| spoilt(case, v))
            && let Some(known) = all.iter_mut().find(|other| Some(other.reason) == first && !other.whole)
        {
            known.undecided.push(requirement);
        }
    }
    all
}

/// Whether these are all cases that were tried, and so many that nobody wants them by name.
pub(crate) fn all_tried(run: &Run, cases: &[&CaseResult]) -> bool {
    cases.len() > 2 && cases.len() == run.cases.iter().filter(|case| case.tried).count()
}

/// Whether this is undecided and its case ended early.
fn spoilt(case: &CaseResult, verdict: &Verdict) -> bool {
    Mark::of(verdict) == Mark::Inconclusive && case.ended_early().is_some()
}

/// The case, and what the reason begins with: what follows from that stands behind it.
fn reason<'a>((case, verdict): (&'a CaseResult, &'a Verdict)) -> (&'a str, &'a str, usize, &'a str) {
    let first = verdict.reason.split("; ").next().unwrap_or(&verdict.reason);
    (&case.suite, &case.case, case.attempt, first)
}

/// `undecided by it`, for those that are told with another.
pub(crate) const fn by_it(mark: Mark) -> &'static str {
    match mark {
        Mark::Fail => "failed by it",
        Mark::Warning => "warned of by it",
        _ => "undecided by it",
    }
}
