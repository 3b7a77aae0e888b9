//! A night: every case once, and what ended undecided once more.

use std::fmt;

use judge::verdict::Outcome;
use serde::{Deserialize, Serialize};

use evidence::gaps::Gaps;
use evidence::mark::Mark;
use evidence::run::{CaseResult, Run};

/// How a case stands after all its tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// passed at the first try
    Pass,
    /// the battery does not offer what it is about
    NotApplicable,
    /// the rig cannot try it with this battery
    NotTried,
    /// passed only when it was repeated: that is no pass
    Flaky,
    /// nothing was decided
    Inconclusive,
    /// failed
    Fail,
}

impl Standing {
    /// All of them, the most urgent first.
    pub const ALL: [Self; 6] =
        [Self::Fail, Self::Inconclusive, Self::Flaky, Self::NotTried, Self::NotApplicable, Self::Pass];

    /// What the outcomes of all tries come to.
    #[must_use]
    pub fn of(tries: &[Outcome]) -> Self {
        match tries {
            [Outcome::Pass] => Self::Pass,
            [Outcome::NotApplicable] => Self::NotApplicable,
            tries if tries.contains(&Outcome::Fail) => Self::Fail,
            tries if tries.contains(&Outcome::Pass) => Self::Flaky,
            _ => Self::Inconclusive,
        }
    }

    /// As files and tables write it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::NotApplicable => "not-applicable",
            Self::NotTried => "not-tried",
            Self::Flaky => "flaky",
            Self::Inconclusive => "inconclusive",
            Self::Fail => "fail",
        }
    }

    /// The standing of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|standing| standing.word() == word)
    }

    /// Its shape and colour in a report; the word says the rest.
    #[must_use]
    pub const fn mark(self) -> Mark {
        match self {
            Self::Pass => Mark::Pass,
            Self::NotApplicable => Mark::NotApplicable,
            Self::Flaky => Mark::Warning,
            Self::NotTried | Self::Inconclusive => Mark::Inconclusive,
            Self::Fail => Mark::Fail,
        }
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A case in a night.
#[derive(Debug, Clone)]
pub struct NightCase<'a> {
    /// how it stands
    pub standing: Standing,
    /// why, in one plain sentence; empty for a pass
    pub reason: String,
    /// every try, with the number of its run
    pub tries: Vec<(usize, &'a CaseResult)>,
}

impl NightCase<'_> {
    /// `suite/case`
    #[must_use]
    pub fn name(&self) -> String {
        self.last().name()
    }

    /// The last try.
    ///
    /// # Panics
    /// Never: [`cases`] makes none without a try.
    #[must_use]
    pub fn last(&self) -> &CaseResult {
        self.tries.last().expect("a case of a night was tried").1
    }
}

/// The cases of a night, in the order in which they were first run. `runs` are its tries, the first one first; where a night
/// was interrupted, what it had come to and then the rest.
#[must_use]
pub fn cases(runs: &[Run]) -> Vec<NightCase<'_>> {
    let same = |a: &CaseResult, b: &CaseResult| a.suite == b.suite && a.case == b.case;
    let mut tried: Vec<Vec<(usize, &CaseResult)>> = Vec::new();
    for (k, run) in runs.iter().enumerate() {
        for case in &run.cases {
            match tried.iter_mut().find(|tries| same(tries[0].1, case)) {
                Some(tries) => tries.push((k, case)),
                None => tried.push(vec![(k, case)]),
            }
        }
    }
    tried
        .into_iter()
        .map(|tries| {
            let case = tries[0].1;
            let standing = match tries.iter().any(|(_, case)| case.tried) {
                true => Standing::of(&tries.iter().map(|(_, case)| case.outcome).collect::<Vec<_>>()),
                false => Standing::NotTried,
            };
            let said = |outcome| tries.iter().find(|(_, case)| case.outcome == outcome).map(|t| t.1);
            let reason = match standing {
                Standing::Flaky => {
                    let why = said(Outcome::Inconclusive).map_or("", |case| case.reason.as_str());
                    format!("passed when it was repeated; at first it was undecided: {why}")
                }
                Standing::Fail => said(Outcome::Fail).map_or_else(String::new, |case| case.reason.clone()),
                _ => case.reason.clone(),
            };
            NightCase { standing, reason, tries }
        })
        .collect()
}

/// What a night comes to: the worst standing of its cases; a night in which nothing passed is undecided, and so is one
/// that did not try what was demanded of it.
#[must_use]
pub fn verdict(cases: &[NightCase<'_>], gaps: &Gaps) -> Standing {
    let worst = cases.iter().map(|case| case.standing).max().unwrap_or(Standing::Inconclusive);
    let any = cases.iter().any(|case| case.standing == Standing::Pass);
    match worst {
        Standing::Pass | Standing::NotApplicable | Standing::NotTried if any && gaps.is_closed() => {
            Standing::Pass
        }
        Standing::Pass | Standing::NotApplicable | Standing::NotTried => Standing::Inconclusive,
        worst => worst,
    }
}

/// The night as one run, for reports that know no tries: a flaky case is undecided there.
#[must_use]
pub fn as_run(runs: &[Run], id: &str) -> Option<Run> {
    let mut run = runs.first()?.clone();
    id.clone_into(&mut run.meta.id);
    run.meta.title = format!("{}, nightly", run.meta.title);
    run.cases = cases(runs)
        .into_iter()
        .map(|case| CaseResult {
            outcome: match case.standing {
                Standing::Pass => Outcome::Pass,
                Standing::NotApplicable => Outcome::NotApplicable,
                Standing::Flaky | Standing::Inconclusive | Standing::NotTried => Outcome::Inconclusive,
                Standing::Fail => Outcome::Fail,
            },
            reason: if case.standing == Standing::Flaky {
                format!("flaky: {}", case.reason)
            } else {
                case.reason.clone()
            },
            judged_by: case.last().judged_by.filter(|_| case.standing != Standing::Flaky),
            ..case.last().clone()
        })
        .collect();
    Some(run)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Outcome::{Fail, Inconclusive, NotApplicable, Pass};
    use rstest::rstest;

    #[rstest]
    #[case(&[Pass], Standing::Pass)]
    #[case(&[Fail], Standing::Fail)]
    #[case(&[NotApplicable], Standing::NotApplicable)]
    #[case(&[Inconclusive], Standing::Inconclusive)]
    #[case(&[Inconclusive, Pass], Standing::Flaky)]
    #[case(&[Inconclusive, Fail], Standing::Fail)]
    #[case(&[Inconclusive, Inconclusive], Standing::Inconclusive)]
    #[case(&[Inconclusive, NotApplicable], Standing::Inconclusive)]
    #[case(&[], Standing::Inconclusive)]
    fn tries_come_to(#[case] tries: &[Outcome], #[case] standing: Standing) {
        assert_eq!(Standing::of(tries), standing);
        assert_eq!(Standing::parse(standing.word()), Some(standing));
    }
}
