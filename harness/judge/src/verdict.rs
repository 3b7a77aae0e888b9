//! Verdicts and the evidence they stand on.

use proto::frame::Frame;
use proto::quantity::{Micros, Watts};

use crate::requirement::{Requirement, Severity};
use crate::thresholds::{self, Bound, Graded, Row, Stands};
use crate::window::Window;

/// The answer to one requirement in one case. Nothing that was not seen is ever [`Outcome::Pass`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// The evidence shows that the requirement holds.
    Pass,
    /// The battery does not offer the optional feature that this is about, as was seen.
    NotApplicable,
    /// The evidence does not decide, or nobody tried.
    Inconclusive,
    /// The evidence shows that it does not hold.
    Fail,
}

impl Outcome {
    /// As the files of a run write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Inconclusive => "inconclusive",
            Self::NotApplicable => "not-applicable",
        }
    }
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
    /// that frame
    pub frame: Option<Frame>,
    /// value and limit as numbers, where a threshold of the table was applied
    pub measure: Option<Measure>,
    /// what it is a sign of, where something follows from that: nothing is ever read from the words
    pub sign: Option<Sign>,
}

/// What follows from a piece of evidence, beside the verdict: which failure is the cause, what is told from night to night.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Sign {
    /// a condition that a case expected did not come true
    Unmet {
        /// whether nothing else speaks against the requirement
        alone: bool,
    },
    /// a CVL of 0 was sent
    ZeroCvl,
    /// a message that must be there was heard so many times
    Heard(u64),
    /// the median gap between two 0x351
    Period(Micros),
    /// the mean power that was fed into the grid
    Export(Watts),
}

/// A measured value beside the threshold it was held against: what margins over many runs are made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measure {
    /// a name of [`crate::thresholds::Thresholds::NAMES`], whose unit both numbers have
    pub threshold: &'static str,
    /// what was measured
    pub value: f64,
    /// the limit in force
    pub limit: f64,
    /// half of the band around the limit in which it decides nothing: its expanded uncertainty, at most a tenth of the limit
    pub band: f64,
}

impl Measure {
    /// Its threshold.
    #[must_use]
    pub fn row(&self) -> Option<&'static Row> {
        thresholds::find(self.threshold)
    }

    /// How far it lies on the right side of its limit, in the unit of the threshold; negative beyond it.
    #[must_use]
    pub fn margin(&self) -> f64 {
        self.row().map_or(0.0, |row| row.sense.margin(self.value, self.limit))
    }

    /// How it stands to its limit.
    #[must_use]
    pub fn stands(&self) -> Stands {
        Stands::of(self.margin(), self.band)
    }

    /// The same as a share of the limit.
    #[must_use]
    pub fn room(&self) -> f64 {
        self.row().map_or(0.0, |row| row.sense.room(self.value, self.limit))
    }
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

impl Verdict {
    /// The measured facts that decided it, each with its figure: of a pass those within their limits, of a failure those
    /// beyond them, and where nothing is decided those that are too near. A good figure beside the bad one that failed a requirement
    /// decided nothing.
    pub fn figures(&self) -> impl Iterator<Item = (&Evidence, Measure)> {
        self.evidence.iter().filter_map(|evidence| {
            let measure = evidence.measure?;
            let decided = match self.outcome {
                Outcome::Pass => measure.margin() >= 0.0,
                Outcome::Fail => measure.margin() < 0.0,
                Outcome::Inconclusive => measure.stands() == Stands::Near,
                Outcome::NotApplicable => false,
            };
            decided.then_some((evidence, measure))
        })
    }

    /// How close it was: of the facts that decided it the one with the least room. Nothing where no figure did, such as of a
    /// requirement that is only yes or no.
    #[must_use]
    pub fn closest(&self) -> Option<(&Evidence, Measure)> {
        self.figures().min_by(|a, b| a.1.room().total_cmp(&b.1.room()))
    }
}

/// What a case comes to: a requirement that must hold and does not fails it, one that is undecided leaves it
/// undecided. Failures of `S` rows are warnings, `I` rows are reports; neither decides a case. A case of which no
/// requirement that must hold was applicable is itself not applicable, or undecided when nothing was judged at all.
#[must_use]
pub fn outcome_of_case(verdicts: &[Verdict]) -> Outcome {
    let decisive = |v: &&Verdict| v.requirement.severity == Severity::Must;
    let mut outcomes = verdicts.iter().filter(decisive).map(|v| v.outcome).peekable();
    if outcomes.peek().is_none() {
        // Only advice was judged: the case passes when any of it was really seen.
        return if verdicts.iter().any(|v| matches!(v.outcome, Outcome::Pass | Outcome::Fail)) {
            Outcome::Pass
        } else if !verdicts.is_empty() && verdicts.iter().all(|v| v.outcome == Outcome::NotApplicable) {
            Outcome::NotApplicable
        } else {
            Outcome::Inconclusive
        };
    }
    over_cases(outcomes)
}

/// One requirement over several cases: one failure fails it, one undecided case leaves it undecided, and cases in
/// which it was not applicable do not count. Nothing at all is undecided.
#[must_use]
pub fn over_cases(outcomes: impl IntoIterator<Item = Outcome>) -> Outcome {
    let (mut worst, mut any) = (Outcome::NotApplicable, false);
    let mut passed = false;
    for outcome in outcomes {
        any = true;
        passed |= outcome == Outcome::Pass;
        worst = worst.max(outcome);
    }
    match worst {
        _ if !any => Outcome::Inconclusive,
        Outcome::NotApplicable if passed => Outcome::Pass,
        worst => worst,
    }
}

impl Evidence {
    /// A plain fact.
    pub fn fact(what: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            at: None,
            value: value.into(),
            limit: String::new(),
            line: None,
            frame: None,
            measure: None,
            sign: None,
        }
    }

    /// A sign of something that more follows from.
    #[must_use]
    pub(crate) fn tells(mut self, sign: Sign) -> Self {
        self.sign = Some(sign);
        self
    }

    /// Keeps the numbers behind the text.
    #[must_use]
    pub(crate) fn measured<T: Bound>(mut self, value: T, threshold: Graded<T>) -> Self {
        let (value, limit) = (value.number(), threshold.limit.number());
        self.measure = Some(Measure { threshold: threshold.name, value, limit, band: threshold.band() });
        self
    }

    /// Held against a limit.
    #[must_use]
    pub fn against(mut self, limit: impl Into<String>) -> Self {
        self.limit = limit.into();
        self
    }

    /// Seen in a window.
    #[must_use]
    pub fn within(mut self, window: Window) -> Self {
        self.at = Some((window.from, window.to));
        self
    }

    /// Seen at a moment, in a line of the log where there is one.
    #[must_use]
    pub fn seen(mut self, at: Micros, line: Option<u64>) -> Self {
        self.at = Some((at, at));
        self.line = line;
        self
    }
}

/// A verdict in the making: each finding adds its evidence, the worst one decides and gives the reason.
#[derive(Debug)]
pub(crate) struct Opinion {
    requirement: &'static Requirement,
    /// whether it only warns
    advises: bool,
    findings: Vec<Finding>,
    /// with the part that it belongs to
    evidence: Vec<(Part, Evidence)>,
    /// how many at the front of the evidence speak against it
    proofs: usize,
    /// what is being looked at
    part: Part,
    /// how many parts there were
    parts: usize,
}

/// One of several alike that an opinion is made of, such as one of several injected faults; 0 is the whole.
type Part = usize;

#[derive(Debug)]
struct Finding {
    part: Part,
    outcome: Outcome,
    reason: String,
    /// whether it is a condition of the suite that did not come true
    unmet: bool,
}

impl Opinion {
    pub(crate) fn of(requirement: &'static Requirement) -> Self {
        Self {
            requirement,
            advises: false,
            findings: Vec::new(),
            evidence: Vec::new(),
            proofs: 0,
            part: 0,
            parts: 0,
        }
    }

    /// Looks at one of several alike: what is found and shown meanwhile belongs together, so that the evidence beside
    /// the reason of the verdict is that of the one which decided.
    pub(crate) fn part<T>(&mut self, look: impl FnOnce(&mut Self) -> T) -> T {
        self.parts += 1;
        let around = core::mem::replace(&mut self.part, self.parts);
        let result = look(self);
        self.part = around;
        result
    }

    pub(crate) fn find(&mut self, outcome: Outcome, reason: impl Into<String>) -> &mut Self {
        self.findings.push(Finding { part: self.part, outcome, reason: reason.into(), unmet: false });
        self
    }
    /// Fails, since a condition that the suite expected did not come true.
    pub(crate) fn unmet(&mut self, reason: impl Into<String>) -> &mut Self {
        let finding = Finding { part: self.part, outcome: Outcome::Fail, reason: reason.into(), unmet: true };
        self.findings.push(finding);
        self
    }
    pub(crate) fn pass(&mut self, reason: impl Into<String>) -> &mut Self {
        self.find(Outcome::Pass, reason)
    }
    pub(crate) fn fail(&mut self, reason: impl Into<String>) -> &mut Self {
        self.find(Outcome::Fail, reason)
    }
    pub(crate) fn unclear(&mut self, reason: impl Into<String>) -> &mut Self {
        self.find(Outcome::Inconclusive, reason)
    }
    pub(crate) fn absent(&mut self, reason: impl Into<String>) -> &mut Self {
        self.find(Outcome::NotApplicable, reason)
    }
    pub(crate) fn show(&mut self, evidence: Evidence) -> &mut Self {
        self.evidence.push((self.part, evidence));
        self
    }

    /// Shows what speaks against it before everything else: where there is room for one line, this is it.
    pub(crate) fn prove(&mut self, evidence: Evidence) -> &mut Self {
        self.evidence.insert(self.proofs, (self.part, evidence));
        self.proofs += 1;
        self
    }

    pub(crate) fn show_all(&mut self, evidence: impl IntoIterator<Item = Option<Evidence>>) -> &mut Self {
        self.evidence.extend(evidence.into_iter().flatten().map(|e| (self.part, e)));
        self
    }

    /// Whether what is found only warns, where the requirement has such a side.
    pub(crate) fn advise(&mut self, only: bool) {
        self.advises = only;
    }

    /// What is judged.
    pub(crate) const fn requirement(&self) -> &'static Requirement {
        self.requirement
    }

    /// Whether nothing speaks against it so far.
    pub(crate) fn is_good(&self) -> bool {
        self.findings.iter().all(|finding| finding.outcome == Outcome::Pass)
    }

    /// Whether something of it is undecided so far.
    pub(crate) fn is_open(&self) -> bool {
        self.findings.iter().any(|finding| finding.outcome == Outcome::Inconclusive)
    }

    /// What it comes to so far.
    pub(crate) fn outcome(&self) -> Outcome {
        self.findings.iter().map(|f| f.outcome).max().unwrap_or(Outcome::Inconclusive)
    }

    /// Something else explains all that was found: this counts alone, and the evidence stays.
    pub(crate) fn only(&mut self, outcome: Outcome, reason: impl Into<String>) -> &mut Self {
        self.findings.clear();
        self.find(outcome, reason)
    }

    /// The verdict: the worst finding, with the reasons of all findings as bad as it, and before all other evidence that
    /// of the parts they were made in, in the order of the reasons.
    pub(crate) fn verdict(mut self) -> Verdict {
        let outcome = self.outcome();
        let decisive = self.findings.iter().filter(|f| f.outcome == outcome);
        let mut reasons: Vec<&str> = decisive.clone().map(|f| f.reason.as_str()).collect();
        reasons.dedup();
        if outcome != Outcome::Pass {
            let place = |part: Part| decisive.clone().position(|f| f.part == part).unwrap_or(usize::MAX);
            self.evidence.sort_by_key(|(part, _)| place(*part));
        }
        let reason = if reasons.is_empty() {
            "nothing was seen that decides it".to_owned()
        } else {
            reasons.join("; ")
        };
        let alone = decisive.clone().all(|finding| finding.unmet);
        let signed = |evidence: Evidence| match evidence.sign {
            Some(Sign::Unmet { .. }) => evidence.tells(Sign::Unmet { alone }),
            _ => evidence,
        };
        let evidence = self.evidence.into_iter().map(|(_, evidence)| signed(evidence)).collect();
        let requirement = self.requirement.advice.filter(|_| self.advises).unwrap_or(self.requirement);
        Verdict { requirement, outcome, reason, evidence }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::find;
    use Outcome::{Fail, Inconclusive, NotApplicable, Pass};
    use rstest::rstest;

    fn on(id: &str) -> Opinion {
        Opinion::of(find(id).expect("a row of the catalogue"))
    }
    fn verdict(id: &str, outcome: Outcome) -> Verdict {
        let mut opinion = on(id);
        opinion.find(outcome, "because");
        opinion.verdict()
    }

    #[rstest]
    #[case(&[("CVL-01", Pass), ("CVL-03", Fail)], Pass)]
    #[case(&[("CVL-01", Pass), ("CVL-03", Inconclusive)], Pass)]
    #[case(&[("CVL-01", Pass), ("CVL-02", Inconclusive)], Inconclusive)]
    #[case(&[("CVL-01", Fail), ("CVL-02", Inconclusive)], Fail)]
    #[case(&[("CVL-01", NotApplicable), ("CVL-02", Pass)], Pass)]
    #[case(&[("CVL-01", NotApplicable)], NotApplicable)]
    #[case(&[("CVL-03", Fail)], Pass)]
    #[case(&[("CVL-03", Inconclusive)], Inconclusive)]
    #[case(&[("CVL-03", NotApplicable)], NotApplicable)]
    #[case(&[], Inconclusive)]
    fn what_decides_a_case(#[case] verdicts: &[(&str, Outcome)], #[case] expected: Outcome) {
        let verdicts: Vec<_> = verdicts.iter().map(|&(id, o)| verdict(id, o)).collect();
        assert_eq!(outcome_of_case(&verdicts), expected);
    }

    #[rstest]
    #[case(&[Pass, Pass, NotApplicable], Pass)]
    #[case(&[Pass, Inconclusive], Inconclusive)]
    #[case(&[Inconclusive, Fail, Pass], Fail)]
    #[case(&[NotApplicable], NotApplicable)]
    #[case(&[], Inconclusive)]
    fn over_several_cases(#[case] outcomes: &[Outcome], #[case] expected: Outcome) {
        assert_eq!(over_cases(outcomes.iter().copied()), expected);
    }

    #[test]
    fn the_worst_finding_gives_the_reason() {
        let mut o = on("CVL-06");
        o.pass("all is well").fail("it discharges").unclear("too short").fail("it falls");
        let v = o.verdict();
        assert_eq!((v.outcome, v.reason.as_str()), (Fail, "it discharges; it falls"));
        assert_eq!(on("CVL-06").verdict().outcome, Inconclusive, "no finding is no pass");
    }

    #[test]
    fn what_speaks_against_it_is_shown_first() {
        let mut o = on("CVL-04");
        o.show(Evidence::fact("fine", "0"));
        o.prove(Evidence::fact("bad", "1")).prove(Evidence::fact("worse", "2"));
        o.show(Evidence::fact("fine too", "3"));
        let shown: Vec<_> = o.verdict().evidence.into_iter().map(|e| e.what).collect();
        assert_eq!(shown, ["bad", "worse", "fine", "fine too"]);
    }

    /// Of three alike the second fails: its evidence comes first, then the rest as it was shown.
    #[test]
    fn the_evidence_of_the_one_that_decides_is_shown_first() {
        let mut o = on("BEH-AL");
        o.show(Evidence::fact("all", "0"));
        for (name, outcome) in [("first", Pass), ("second", Fail), ("third", Inconclusive), ("fourth", Fail)]
        {
            o.part(|o| {
                o.show(Evidence::fact(name, "1")).find(outcome, name);
            });
        }
        o.pass("the whole");
        let verdict = o.verdict();
        let shown: Vec<_> = verdict.evidence.iter().map(|e| e.what.as_str()).collect();
        assert_eq!(verdict.reason, "second; fourth");
        assert_eq!(shown, ["second", "fourth", "all", "first", "third"]);
    }
}
