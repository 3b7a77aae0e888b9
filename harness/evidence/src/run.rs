//! The result of a run: what was tested on what, and what came out of every case.

use core::time::Duration;

use judge::catalogue::requirements;
use judge::identify::Law;
use judge::portrait::SeenPage;
use judge::requirement::{Requirement, Severity};
use judge::root::{Root, root};
use judge::trace::{EventKind, Trace};
use judge::verdict::{Evidence, Measure, Outcome, Verdict};
use proto::quantity::Micros;

use crate::certificate::Certificate;
use crate::finding::Held;
use crate::gaps::{self, Demand, Gaps, Tried};
use crate::mark::Mark;

/// Everything the reports are made of.
#[derive(Debug, Clone)]
pub struct Run {
    /// what was tested, on what, with what
    pub meta: RunMeta,
    /// every case that was asked for, in the order it ran, those that could not run included
    pub cases: Vec<CaseResult>,
}

/// What was tested, on what, with what.
#[derive(Debug, Clone, Default)]
pub struct RunMeta {
    /// headline of the report, such as `Acme LFP-16 on the simulated rig`
    pub title: String,
    /// unique id of the run: the name of its folder. Not part of `verdicts.json`.
    pub id: String,
    /// seed of everything random
    pub seed: u64,
    /// the rig
    pub rig: Rig,
    /// the battery under test
    pub battery: BatteryUnderTest,
    /// version of the harness
    pub harness: String,
    /// commit that the harness was built from; empty where it does not know. Not part of `verdicts.json`.
    pub commit: String,
    /// instruments that said who they are while the run lasted: (what, what it said)
    pub instruments: Vec<(String, String)>,
    /// the suite files, in the order they were read
    pub suites: Vec<SuiteFile>,
    /// time of day at which the run began, as text (RFC 3339). Not part of `verdicts.json`.
    pub started: Option<String>,
    /// how long the run took on the wall clock. Not part of `verdicts.json`.
    pub took: Option<Duration>,
    /// what a certificate carries beside the results, of a run that was made to certify
    pub certificate: Option<Certificate>,
    /// the runs that it was put together from, and what of them was left out; empty where it is one run
    pub merged: Vec<String>,
    /// what must have been tried before the run may pass
    pub demand: Demand,
    /// requirements that are not tried on this rig, as its file says under `not-here`, each with the reason
    pub not_here: Vec<(String, String)>,
    /// every case of the suites that the run was made from and of those of this version, `suite/case`: a certificate needs
    /// them all
    pub every: Vec<String>,
    /// cases that are otherwise than in this version, each with what is otherwise: a certificate needs them as they are here
    pub altered: Vec<(String, String)>,
    /// suite files that are none, each with what is wrong: their cases were not run
    pub broken: Vec<String>,
    /// what else is otherwise than in this version, in words
    pub differs: Vec<String>,
    /// what of the battery lies outside of what the verdicts were proven on, in words
    pub outside: Option<String>,
    /// why the run is not whole, if it was cut off: then it has not passed
    pub cut_off: Option<String>,
    /// what was held against what in its evidence, and what does not fit
    pub held: Held,
    /// what its traces tell of the law by which the battery sets CVL: a diagnosis that decides nothing
    pub law: Law,
    /// what whoever relies on the run must know: limits that a suite made milder, a battery that changed its name on the
    /// way. Each of them refuses a certificate
    pub doubts: Vec<String>,
}

/// What a battery that is a program is called among the instruments.
pub const PROGRAM: &str = "program of the battery";

impl RunMeta {
    /// The program that the battery was, with its hash; nothing where it was a model or hardware.
    #[must_use]
    pub fn program(&self) -> Option<&str> {
        self.instruments.iter().find(|(what, _)| what == PROGRAM).map(|(_, says)| says.as_str())
    }

    /// The harness: its version, and the commit it was built from.
    #[must_use]
    pub fn made_by(&self) -> String {
        let commit = if self.commit.is_empty() { "unknown" } else { &self.commit };
        format!("busbar {}, commit {commit}", self.harness)
    }
}

/// The rig a run took place on.
#[derive(Debug, Clone, Default)]
pub struct Rig {
    /// file name without ending
    pub name: String,
    /// in words
    pub title: String,
    /// no hardware was involved, also where what is simulated is served on real wires
    pub simulated: bool,
    /// its instruments were reached over wires: no run of it repeats another to the bit
    pub live: bool,
    /// what switches the supply off when everything that speaks to it is dead; empty where there is none
    pub last_resort: String,
}

/// The battery under test.
#[derive(Debug, Clone, Default)]
pub struct BatteryUnderTest {
    /// file name without ending
    pub name: String,
    /// in words
    pub title: String,
    /// what the battery says of itself on CAN, as (what, value), such as (`Manufacturer, 0x35E`, `ACME`)
    pub identity: Vec<(String, String)>,
    /// the pages of the GX as the battery sent them, beside what the GX showed, at the end of the case in which it said
    /// most of itself (P 6)
    pub pages: Vec<SeenPage>,
    /// that case, `suite/case`
    pub pages_of: String,
}

/// A suite file and its content's hash.
#[derive(Debug, Clone, Default)]
pub struct SuiteFile {
    /// path as the harness was given it, relative to the project
    pub path: String,
    /// SHA-256 of the content, hexadecimal
    pub sha256: String,
}

/// One key of the inner state that a program told of itself, over a case.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Inner {
    /// the key
    pub name: String,
    /// its value from each of these times of the case on; a text is its place in `texts`, true is 1
    pub points: Vec<(Micros, f64)>,
    /// the texts that it was, in the order in which they came; empty for numbers
    pub texts: Vec<String>,
}

/// What came out of one case.
#[derive(Debug, Clone)]
pub struct CaseResult {
    /// the suite it belongs to
    pub suite: String,
    /// its id within the suite
    pub case: String,
    /// which attempt at it in this run, from 1: what was undecided may have been repeated
    pub attempt: usize,
    /// in words
    pub title: String,
    /// section of the specification, such as `P 1.5.3.1`
    pub section: String,
    /// pass, fail, inconclusive or not applicable
    pub outcome: Outcome,
    /// whether it was tried at all: what the rig cannot do with this battery is undecided without a try
    pub tried: bool,
    /// why, in one plain sentence; empty when it passed
    pub reason: String,
    /// the requirement that says so; nothing where the case did not begin, ended early, or passed
    pub judged_by: Option<&'static str>,
    /// suite file
    pub file: String,
    /// line of the case in the suite file
    pub line: u32,
    /// when it began, since the start of the run
    pub began: Micros,
    /// how long it took in the time of the rig
    pub length: Micros,
    /// one verdict for each requirement of the case
    pub verdicts: Vec<Verdict>,
    /// measured values and events; empty when it did not run
    pub trace: Trace,
    /// what a program behind the battery told of its inner state, for the figure; nothing follows from it
    pub inner: Vec<Inner>,
}

impl CaseResult {
    /// The first attempt at a case of this name, of which nothing else is known: it decides nothing. What is known of it
    /// is written over that.
    #[must_use]
    pub fn named(suite: &str, case: &str) -> Self {
        Self {
            suite: suite.to_owned(),
            case: case.to_owned(),
            attempt: 1,
            title: String::new(),
            section: String::new(),
            outcome: Outcome::Inconclusive,
            tried: true,
            reason: String::new(),
            judged_by: None,
            file: String::new(),
            line: 1,
            began: Micros::ZERO,
            length: Micros::ZERO,
            verdicts: Vec::new(),
            trace: Trace::default(),
            inner: Vec::new(),
        }
    }

    /// `suite/case`, how a case is named on the command line; with the number of the attempt where it is not the first,
    /// so that each has a name of its own.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}/{}", self.suite, self.attempted())
    }

    /// The case alone, with the number of the attempt where it is not the first.
    #[must_use]
    pub fn attempted(&self) -> String {
        match self.attempt {
            0 | 1 => self.case.clone(),
            n => format!("{} (attempt {n})", self.case),
        }
    }

    /// How the case is marked in a report.
    #[must_use]
    pub fn mark(&self) -> Mark {
        match self.outcome {
            Outcome::Pass => Mark::Pass,
            Outcome::Fail => Mark::Fail,
            Outcome::Inconclusive => Mark::Inconclusive,
            Outcome::NotApplicable => Mark::NotApplicable,
        }
    }

    /// Why it was not decided, or not all of it, where that is not for one of its requirements to say: it did not begin, or
    /// ended early.
    #[must_use]
    pub fn ended_early(&self) -> Option<&str> {
        let why = match self.outcome {
            Outcome::Inconclusive => self.judged_by.is_none().then_some(&self.reason)?,
            Outcome::Fail if expected(&self.trace).is_some() => return None,
            Outcome::Fail => self.trace.events.iter().find_map(|event| match &event.kind {
                EventKind::Aborted(why) => Some(why),
                _ => None,
            })?,
            Outcome::Pass | Outcome::NotApplicable => return None,
        };
        (self.tried && !why.is_empty()).then_some(why.as_str())
    }

    /// Requirements that only warn and do not hold.
    pub fn warnings(&self) -> impl Iterator<Item = &Verdict> {
        self.verdicts.iter().filter(|v| Mark::of(v) == Mark::Warning)
    }
}

/// The requirement of the `expect` that did not come true, where one ended the case.
pub(crate) fn expected(trace: &Trace) -> Option<&'static str> {
    trace.events.iter().find_map(|event| match &event.kind {
        EventKind::Wait(wait) if !wait.met => wait.requirement,
        _ => None,
    })
}

impl Run {
    /// The outcome of the whole run. A run in which nothing passed or failed decides nothing, and so does one that was
    /// cut off before anything failed, or that did not try what was demanded of it.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        self.held_to(self.meta.demand)
    }

    /// The outcome where this is demanded of it.
    #[must_use]
    pub fn held_to(&self, demand: Demand) -> Outcome {
        let any = |outcome| self.count(outcome) > 0;
        // A run that somebody certifies has to fit together; what a night makes of it, a person decides.
        let fits = demand != Demand::Certificate || !self.meta.held.contradicts();
        let whole = self.meta.cut_off.is_none() && fits && gaps_of([self], demand).is_closed();
        if any(Outcome::Fail) {
            Outcome::Fail
        } else if any(Outcome::Inconclusive) || !any(Outcome::Pass) || !whole {
            Outcome::Inconclusive
        } else {
            Outcome::Pass
        }
    }

    /// What was demanded of the run and not tried.
    #[must_use]
    pub fn gaps(&self) -> Gaps {
        gaps_of([self], self.meta.demand)
    }

    /// How many cases were tried and came out so.
    #[must_use]
    pub fn count(&self, outcome: Outcome) -> usize {
        self.cases.iter().filter(|c| c.tried && c.outcome == outcome).count()
    }

    /// How many cases were not tried.
    #[must_use]
    pub fn not_tried(&self) -> usize {
        self.cases.iter().filter(|c| !c.tried).count()
    }

    /// Time of the rig that all cases took together.
    #[must_use]
    pub fn simulated(&self) -> Micros {
        self.cases.iter().fold(Micros::ZERO, |sum, c| Micros(sum.0.saturating_add(c.length.0)))
    }

    /// Every verdict on a requirement, with its case.
    pub fn verdicts_on<'a>(
        &'a self,
        requirement: &'static Requirement,
    ) -> impl Iterator<Item = (&'a CaseResult, &'a Verdict)> {
        self.cases
            .iter()
            .flat_map(|c| c.verdicts.iter().map(move |v| (c, v)))
            .filter(move |(_, v)| v.requirement.id == requirement.id)
    }

    /// How close a requirement came to the other verdict, in the case in which it came closest: the evidence with its figure.
    /// Of a requirement that failed only failures count. Nothing where no figure decided.
    #[must_use]
    pub fn closest(&self, requirement: &'static Requirement) -> Option<Closest<'_>> {
        let failed = self.verdicts_on(requirement).any(|(_, v)| v.outcome == Outcome::Fail);
        let own = self.verdicts_on(requirement).filter(|(_, v)| !failed || v.outcome == Outcome::Fail);
        let found = own.filter_map(|(case, verdict)| {
            let (evidence, measure) = verdict.closest()?;
            Some(Closest { requirement: verdict.requirement, case, evidence, measure })
        });
        found.min_by(|a, b| a.measure.room().total_cmp(&b.measure.room()))
    }

    /// The cause of what failed in the cases of the run, whose places it has; nothing where nothing failed.
    #[must_use]
    pub fn root(&self) -> Option<Root<'_>> {
        let cases: Vec<&[Verdict]> = self.cases.iter().map(|case| case.verdicts.as_slice()).collect();
        root(&cases)
    }

    /// The requirements that must hold, do, and were measured: the one with the least room first.
    #[must_use]
    pub fn closest_passes(&self) -> Vec<Closest<'_>> {
        let musts = self.requirements(Mark::Pass).into_iter().filter(|r| r.severity == Severity::Must);
        let mut found: Vec<Closest<'_>> = musts.filter_map(|requirement| self.closest(requirement)).collect();
        found.sort_by(|a, b| a.measure.room().total_cmp(&b.measure.room()));
        found
    }

    /// How a requirement stands over all cases: the worst that was seen. What was not applicable in one case does not
    /// hide what was judged in another, and a case that was not tried counts where no other was.
    #[must_use]
    pub fn standing(&self, requirement: &'static Requirement) -> Mark {
        let worst = |tried: bool| {
            let own = self.verdicts_on(requirement).filter(|(case, _)| case.tried == tried);
            own.map(|(_, v)| Mark::of(v)).max()
        };
        worst(true).or_else(|| worst(false)).unwrap_or(Mark::NotJudged)
    }

    /// The catalogue, each requirement with its standing.
    pub fn matrix(&self) -> impl Iterator<Item = (&'static Requirement, Mark)> + '_ {
        requirements().map(|r| (r, self.standing(r)))
    }

    /// Requirements that were judged and stand so, `must` before `should`, else in the order of the cases. A battery
    /// that is silent (TIM-01) comes before everything that its silence spoils.
    #[must_use]
    pub fn requirements(&self, mark: Mark) -> Vec<&'static Requirement> {
        let mut found: Vec<&'static Requirement> = Vec::new();
        for verdict in self.cases.iter().flat_map(|c| &c.verdicts) {
            if self.standing(verdict.requirement) == mark
                && !found.iter().any(|r| r.id == verdict.requirement.id)
            {
                found.push(verdict.requirement);
            }
        }
        found.sort_by_key(|r| (core::cmp::Reverse(r.severity), r.id != SILENCE));
        found
    }
}

/// A figure that decided a requirement, and how near it came to its limit.
#[derive(Debug, Clone, Copy)]
pub struct Closest<'r> {
    /// the requirement
    pub requirement: &'static Requirement,
    /// the case in which it was measured
    pub case: &'r CaseResult,
    /// what was measured
    pub evidence: &'r Evidence,
    /// the same in numbers
    pub measure: Measure,
}

/// What runs that belong together leave open, such as the tries of a night.
#[must_use]
pub fn gaps_of<'a>(runs: impl IntoIterator<Item = &'a Run>, demand: Demand) -> Gaps {
    let runs: Vec<&Run> = runs.into_iter().collect();
    let Some(first) = runs.first().map(|run| &run.meta) else { return Gaps::default() };
    let cases: Vec<Tried> = runs.iter().flat_map(|run| &run.cases).map(tried).collect();
    let every = gaps::Every { names: &first.every, altered: &first.altered, broken: &first.broken };
    gaps::of(&cases, demand, &first.not_here, every)
}

/// What came of a case.
fn tried(case: &CaseResult) -> Tried {
    Tried {
        name: format!("{}/{}", case.suite, case.case),
        requirements: case.verdicts.iter().map(|verdict| verdict.requirement).collect(),
        not_tried: (!case.tried).then(|| case.reason.clone()),
    }
}

/// The requirement that a silent battery does not hold: whatever else it fails or leaves undecided may follow from that
/// (P 1.4).
const SILENCE: &str = "TIM-01";

/// A severity in one word.
#[must_use]
pub fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Must => "must",
        Severity::Should => "should",
        Severity::Information => "information",
    }
}
