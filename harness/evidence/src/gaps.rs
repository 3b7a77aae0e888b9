//! What a run leaves open: requirements that must hold and that no case of it tried, and cases that could not be tried.
//!
//! One function decides it, [`of`], for `run`, `nightly`, `certify`, `verify`, `judge`, the matrix and every report. What
//! was tried and stayed undecided is no gap: its case is undecided, and says why.

use judge::catalogue::requirements;
use judge::requirement::{Requirement, Severity};

use crate::names::named;

/// What a run must have tried before it may pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Demand {
    /// what the cases that somebody named judge, and nothing else
    #[default]
    Named,
    /// every requirement that must hold, but for those that the rig file names under `not-here`
    Whole,
    /// every requirement that must hold and every case of every suite, whatever the rig file says
    Certificate,
}

/// A case as it was tried, or not.
#[derive(Debug, Clone)]
pub struct Tried {
    /// `suite/case`
    pub name: String,
    /// what it judges
    pub requirements: Vec<&'static Requirement>,
    /// why it was not tried; nothing where it was
    pub not_tried: Option<String>,
}

/// What is left open.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Gaps {
    /// requirements that must hold and were not tried, in the order of the catalogue, each with the reason
    pub open: Vec<(&'static Requirement, String)>,
    /// the same, where the rig file names them under `not-here`, with its reason
    pub not_here: Vec<(&'static Requirement, String)>,
    /// cases that were not tried, each with the reason
    pub not_tried: Vec<(String, String)>,
    /// cases of the suites that are not among the results
    pub left_out: Vec<String>,
    /// cases that are otherwise than in this version, each with what is otherwise
    pub altered: Vec<(String, String)>,
    /// suite files that are none, each with what is wrong
    pub broken: Vec<String>,
    /// how many requirements were to be judged
    demanded: usize,
    /// how many cases there are
    cases: usize,
    demand: Demand,
}

/// What there was to run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Every<'a> {
    /// the names of all cases of the suites
    pub names: &'a [String],
    /// those of them that are otherwise than in this version, each with what is otherwise
    pub altered: &'a [(String, String)],
    /// suite files that are none, each with what is wrong
    pub broken: &'a [String],
}

/// What cases leave open. `not_here` is what the rig file says of requirements.
#[must_use]
pub fn of(cases: &[Tried], demand: Demand, not_here: &[(String, String)], every: Every<'_>) -> Gaps {
    let mut gaps = Gaps { demand, ..Gaps::default() };
    let named_by = |requirement: &'static Requirement| {
        cases.iter().filter(move |case| case.requirements.iter().any(|r| r.id == requirement.id))
    };
    for requirement in requirements().filter(|r| r.severity == Severity::Must) {
        let first = named_by(requirement).next();
        if demand == Demand::Named && first.is_none() {
            continue;
        }
        gaps.demanded += 1;
        if named_by(requirement).any(|case| case.not_tried.is_none()) {
            continue;
        }
        let stated = not_here.iter().find(|(id, _)| id == requirement.id);
        match (stated, first) {
            (Some((_, why)), _) if demand != Demand::Certificate => {
                gaps.not_here.push((requirement, why.clone()));
            }
            (_, Some(case)) => {
                let why = case.not_tried.as_deref().unwrap_or_default();
                gaps.open.push((requirement, format!("{}: {why}", case.name)));
            }
            (_, None) => gaps.open.push((requirement, NO_CASE.to_owned())),
        }
    }
    let mut seen: Vec<&str> = Vec::new();
    for case in cases {
        if seen.contains(&case.name.as_str()) {
            continue;
        }
        seen.push(&case.name);
        let mut attempts = cases.iter().filter(|other| other.name == case.name);
        if attempts.all(|attempt| attempt.not_tried.is_some()) {
            gaps.not_tried.push((case.name.clone(), case.not_tried.clone().unwrap_or_default()));
        }
    }
    gaps.cases = seen.len();
    if demand != Demand::Named {
        gaps.broken = every.broken.to_vec();
    }
    if demand == Demand::Certificate {
        gaps.left_out = every.names.iter().filter(|name| !seen.contains(&name.as_str())).cloned().collect();
        gaps.altered = every.altered.to_vec();
        gaps.cases += gaps.left_out.len();
    }
    gaps
}

/// Reasons that are told at the front; the others stand with their cases.
const TOLD: usize = 3;

impl Gaps {
    /// Whether what was demanded was tried: without that nothing passes.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        let every_case = self.not_tried.is_empty() && self.left_out.is_empty() && self.altered.is_empty();
        self.open.is_empty() && self.broken.is_empty() && (every_case || self.demand != Demand::Certificate)
    }

    /// What stands before everything else: what was not tried, why, and what the rig file leaves out. At most four lines, and one
    /// for each suite file that is none; no line where all was tried.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let untried = self.not_tried.len() + self.left_out.len();
        let mut lines: Vec<String> = self
            .broken
            .iter()
            .map(|why| {
                format!("NOT TRIED: a suite file cannot be read: {}", why.lines().next().unwrap_or_default())
            })
            .collect();
        if !self.open.is_empty() {
            let ids: Vec<&str> = self.open.iter().map(|(requirement, _)| requirement.id).collect();
            lines.push(format!(
                "NOT TRIED: {} of {} requirements that must hold, {untried} of {} cases: {}",
                ids.len(),
                self.demanded,
                self.cases,
                ids.join(", ")
            ));
        } else if untried > 0 {
            let names: Vec<&str> = self
                .not_tried
                .iter()
                .map(|(name, _)| name)
                .chain(&self.left_out)
                .map(String::as_str)
                .collect();
            let rest = if self.not_here.is_empty() { "other cases judged" } else { "the others judged" };
            let rest = if self.is_closed() {
                format!("; {rest} what must hold")
            } else {
                "; a certificate needs every case".to_owned()
            };
            let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
            lines.push(format!("NOT TRIED: {untried} of {} cases{rest}: {}", self.cases, named(&names)));
        }
        if !self.altered.is_empty() {
            let told: Vec<String> =
                self.altered.iter().map(|(name, what)| format!("{name} ({what})")).collect();
            lines.push(format!(
                "NOT AS IN THIS VERSION: {} of its cases: {}",
                self.altered.len(),
                named(&told)
            ));
        }
        let why = self.why();
        if !why.is_empty() {
            lines.push(format!("Why: {why}"));
        }
        if !self.not_here.is_empty() {
            let stated: Vec<String> =
                self.not_here.iter().map(|(requirement, why)| format!("{}: {why}", requirement.id)).collect();
            lines.push(format!("NOT HERE, as the rig file says (`not-here`): {}", stated.join("; ")));
        }
        lines
    }

    /// Each reason once, the one of most cases first. Reasons that differ in their numbers only are one.
    fn why(&self) -> String {
        let kind = |why: &str| why.replace(|c: char| c.is_ascii_digit(), "");
        let mut reasons: Vec<(&str, usize, bool)> = Vec::new();
        for (_, why) in &self.not_tried {
            let why = why.strip_prefix(NOT_TRIED).unwrap_or(why);
            match reasons.iter_mut().find(|(known, ..)| kind(known) == kind(why)) {
                Some((known, count, same)) => {
                    *count += 1;
                    *same &= *known == why;
                }
                None => reasons.push((why, 1, true)),
            }
        }
        reasons.sort_by_key(|(_, count, _)| core::cmp::Reverse(*count));
        let more = reasons.len().saturating_sub(TOLD);
        let mut told: Vec<String> = reasons
            .iter()
            .take(TOLD)
            .map(|(why, count, same)| match (count, same) {
                (1, _) => format!("{why} (1 case)"),
                (n, true) => format!("{why} ({n} cases)"),
                (n, false) => format!("{why} (and the like, {n} cases)"),
            })
            .collect();
        match more {
            0 => {}
            1 => told.push("1 more reason stands with its cases".to_owned()),
            n => told.push(format!("{n} more reasons stand with their cases")),
        }
        let unnamed: Vec<&str> =
            self.open.iter().filter(|(_, why)| why == NO_CASE).map(|(r, _)| r.id).collect();
        // All of them stand in the line before.
        if unnamed.len() == self.open.len() && unnamed.len() > TOLD {
            told.push("no case judges any of them".to_owned());
        } else if !unnamed.is_empty() {
            told.push(format!("no case judges {}", unnamed.join(", ")));
        }
        if !self.left_out.is_empty() {
            told.push(format!("not among the results: {}", named(&self.left_out)));
        }
        told.join("; ")
    }
}

/// Why a requirement is open that no case names.
const NO_CASE: &str = "no case judges it";

/// How the reason of a case begins that was not tried.
pub const NOT_TRIED: &str = "not tried: ";

#[cfg(test)]
mod tests {
    use super::*;
    use judge::catalogue::find;
    use rstest::rstest;

    fn case(name: &str, ids: &[&str], not_tried: Option<&str>) -> Tried {
        let requirements = ids.iter().map(|id| find(id).expect("a row of the catalogue")).collect();
        Tried { name: name.to_owned(), requirements, not_tried: not_tried.map(str::to_owned) }
    }

    /// A run in which every requirement that must hold is judged but for what `leave` names.
    fn all_but(leave: &[&str]) -> Tried {
        let musts = requirements().filter(|r| r.severity == Severity::Must && !leave.contains(&r.id));
        Tried { name: "s/all".to_owned(), requirements: musts.collect(), not_tried: None }
    }

    fn ids(open: &[(&'static Requirement, String)]) -> Vec<&'static str> {
        open.iter().map(|(requirement, _)| requirement.id).collect()
    }

    fn names(names: &[String]) -> Every<'_> {
        Every { names, ..Every::default() }
    }

    /// Its cases are in nobody's way, and nobody knows what they would have said.
    #[rstest]
    #[case(Demand::Named, true)]
    #[case(Demand::Whole, false)]
    #[case(Demand::Certificate, false)]
    fn a_suite_that_is_none_leaves_a_whole_run_open(#[case] demand: Demand, #[case] closed: bool) {
        let broken = ["suites/a/a.yaml:3:1: no such key".to_owned()];
        let gaps = of(&[all_but(&[])], demand, &[], Every { broken: &broken, ..Every::default() });
        assert_eq!(
            (gaps.is_closed(), gaps.lines().join("\n").contains("suites/a/a.yaml:3:1")),
            (closed, !closed)
        );
    }

    /// A case under its name that does something else is none of this version.
    #[rstest]
    #[case(Demand::Whole, true)]
    #[case(Demand::Certificate, false)]
    fn a_case_that_was_altered_refuses_only_a_certificate(#[case] demand: Demand, #[case] closed: bool) {
        let altered = [("s/all".to_owned(), "its steps".to_owned())];
        let gaps = of(&[all_but(&[])], demand, &[], Every { altered: &altered, ..Every::default() });
        assert_eq!(gaps.is_closed(), closed);
        assert_eq!(
            gaps.lines().join("\n").contains("NOT AS IN THIS VERSION: 1 of its cases: s/all (its steps)"),
            !closed
        );
    }

    const NOT_HERE: &str = "cells cannot be charged singly";

    /// What is demanded, what the rig file says, what stays open, whether it may pass.
    #[rstest]
    #[case::everything_is_asked_for(Demand::Whole, false, &["BEH-IM"], false)]
    #[case::the_rig_file_says_so(Demand::Whole, true, &[], true)]
    #[case::a_certificate_does_not_listen(Demand::Certificate, true, &["BEH-IM"], false)]
    #[case::named_and_not_tried(Demand::Named, false, &["BEH-IM"], false)]
    #[case::named_and_the_rig_file_says_so(Demand::Named, true, &[], true)]
    fn a_must_that_no_case_tried_is_open(
        #[case] demand: Demand,
        #[case] stated: bool,
        #[case] open: &[&str],
        #[case] closed: bool,
    ) {
        let cases = [all_but(&["BEH-IM"]), case("s/im", &["BEH-IM", "CVL-02"], Some("no cell heater"))];
        let not_here = [("BEH-IM".to_owned(), NOT_HERE.to_owned())];
        let gaps = of(&cases, demand, if stated { &not_here } else { &[] }, Every::default());
        assert_eq!((ids(&gaps.open), gaps.is_closed()), (open.to_vec(), closed));
        assert_eq!(gaps.not_tried, [("s/im".to_owned(), "no cell heater".to_owned())]);
        let said = gaps.lines().join("\n");
        assert!(gaps.lines().len() <= 3 && said.contains("no cell heater"), "{said}");
        assert_eq!(said.contains(NOT_HERE), stated && demand != Demand::Certificate, "{said}");
    }

    #[test]
    fn cases_that_are_named_are_judged_alone() {
        let gaps = of(&[case("s/a", &["CVL-02"], None)], Demand::Named, &[], names(&["s/b".to_owned()]));
        assert!(gaps.is_closed() && gaps.lines().is_empty(), "{gaps:?}");
    }

    #[test]
    fn what_no_case_names_is_open_in_a_whole_run() {
        let gaps = of(&[all_but(&["BEH-FI"])], Demand::Whole, &[], Every::default());
        assert_eq!(ids(&gaps.open), ["BEH-FI"]);
        assert!(gaps.lines().join("\n").contains("no case judges BEH-FI"), "{:?}", gaps.lines());
    }

    /// Every requirement is judged by another case: enough for a run, and not for a certificate.
    #[rstest]
    #[case(Demand::Named, true)]
    #[case(Demand::Whole, true)]
    #[case(Demand::Certificate, false)]
    fn a_case_that_was_not_tried_refuses_only_a_certificate(#[case] demand: Demand, #[case] closed: bool) {
        let cases = [all_but(&[]), case("s/b", &["CVL-02"], Some("too much sun"))];
        let gaps = of(&cases, demand, &[], Every::default());
        assert_eq!((gaps.open.is_empty(), gaps.is_closed()), (true, closed));
        assert!(
            gaps.lines()[0].contains("s/b") && gaps.lines()[1].contains("too much sun"),
            "{:?}",
            gaps.lines()
        );
    }

    #[test]
    fn a_case_that_is_not_among_the_results_refuses_a_certificate() {
        let every = ["s/all".to_owned(), "s/b".to_owned()];
        let gaps = of(&[all_but(&[])], Demand::Certificate, &[], names(&every));
        assert_eq!((gaps.left_out.as_slice(), gaps.is_closed()), (&every[1..], false));
        assert!(of(&[all_but(&[])], Demand::Whole, &[], names(&every)).is_closed());
    }
}
