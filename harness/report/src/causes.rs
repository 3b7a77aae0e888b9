//! What does not hold, by its cause: requirements that are so for one reason are told together.

use evidence::mark::Mark;
use evidence::run::{CaseResult, Run};
use judge::requirement::Requirement;
use judge::verdict::Verdict;

/// Requirements that stand so for one reason.
pub(crate) struct Cause<'a> {
    /// the one that is told
    pub(crate) first: &'static Requirement,
    /// where it is so, and why
    pub(crate) seen: Vec<(&'a CaseResult, &'a Verdict)>,
    /// others that are so in no other case and for no other reason
    pub(crate) others: Vec<&'static Requirement>,
}

/// What stands so in the run, each cause once, in the order of [`Run::requirements`]. What no case tried is left out: it
/// stands under what was not tried, with the reason.
pub(crate) fn causes(run: &Run, mark: Mark) -> Vec<Cause<'_>> {
    let mut causes: Vec<Cause<'_>> = Vec::new();
    for requirement in run.requirements(mark) {
        let seen: Vec<_> = run.verdicts_on(requirement).filter(|(_, v)| Mark::of(v) == mark).collect();
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
