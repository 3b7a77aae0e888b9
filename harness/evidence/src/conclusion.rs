//! From the recording of a case to what came of it: one way for a case that just ran and for one that is judged again.

use engine::bench::Capability;
use engine::suite::{Case, Suite};
use judge::battery::Battery;
use judge::behaviour::{Subject, hindered, missed_sun};
use judge::portrait::{SeenPage, beside};
use judge::recording::Recording;
use judge::requirement::Severity;
use judge::trace::{EventKind, Trace};
use judge::verdict::{Outcome, Verdict, outcome_of_case};
use judge::verdicts::of_run;
use proto::quantity::{Micros, Percent};

use files::{BatteryFile, RigFile};

use crate::gaps::NOT_TRIED;
use crate::plan::{Planned, Refused, fitted, plan};
use crate::run::{CaseResult, expected};

/// What came of a case.
#[derive(Debug)]
pub struct Attempt {
    /// pass, fail, inconclusive or not applicable
    pub outcome: Outcome,
    /// whether it was tried at all
    pub tried: bool,
    /// why, in one plain sentence; empty when it passed
    pub reason: String,
    /// the requirement that says so; nothing where the case did not begin, ended early, or passed
    pub judged_by: Option<&'static str>,
    /// one for each requirement of the case
    pub verdicts: Vec<Verdict>,
    /// measured values and events
    pub trace: Trace,
    /// what the battery said of itself on CAN, as (what, value)
    pub identity: Vec<(String, String)>,
    /// the pages of the GX as the battery sent them, beside what the GX showed, at the end of the case (P 6)
    pub pages: Vec<SeenPage>,
    /// how long it took in the time of the rig
    pub length: Micros,
}

impl Attempt {
    /// What a run keeps of it: an attempt at a case of a suite that began at this time, after what the run keeps already.
    #[must_use]
    pub fn into_result(
        self,
        (suite, case): (&Suite, &Case),
        began: Micros,
        before: &[CaseResult],
    ) -> CaseResult {
        let earlier = before.iter().filter(|other| other.suite == suite.name && other.case == case.name);
        let Self { outcome, tried, reason, judged_by, verdicts, trace, length, .. } = self;
        CaseResult {
            suite: suite.name.clone(),
            case: case.name.clone(),
            attempt: 1 + earlier.count(),
            title: case.title.clone(),
            section: case.spec.clone(),
            outcome,
            tried,
            reason,
            judged_by,
            file: suite.file.clone(),
            line: case.line,
            began,
            length,
            verdicts,
            trace,
            inner: Vec::new(),
        }
    }
}

/// Judges a case again from its recording, which took `length` in the time of the rig. `broken` says why the recording
/// is not whole: then nothing is decided.
///
/// # Errors
/// When nothing may have run on this rig: see [`plan`].
pub fn again(
    case: &Case,
    rig: &RigFile,
    battery: &BatteryFile,
    recording: Recording,
    length: Micros,
    broken: Option<String>,
) -> Result<Attempt, Refused> {
    if let Some(reason) = broken {
        return Ok(undecided(reason, case, recording, length));
    }
    if !recording.trace().events.is_empty() {
        return Ok(judged(&fitted(case, rig, &battery.declared), rig, battery, recording, length));
    }
    Ok(match plan(case, rig, battery)? {
        Planned::NotTried { reason, case } => not_tried(reason, &case),
        Planned::Ready(_) => {
            let reason = "nothing was recorded of it, though it could have run".to_owned();
            undecided(reason, case, recording, length)
        }
    })
}

/// What came of a case that ran, as it was fitted to this battery.
#[must_use]
pub fn judged(
    case: &Case,
    rig: &RigFile,
    battery: &BatteryFile,
    recording: Recording,
    length: Micros,
) -> Attempt {
    let end = match End::of(recording.trace()) {
        End::NotBegun(why) => return undecided(why, case, recording, length),
        End::Began(end) => end,
    };
    let subject = subject(case, &battery.declared, rig);
    let verdicts = of_run(&subject, &recording);
    let end = end.hindered_by(hindered(&subject, &recording));
    let Concluded { outcome, mut reason, judged_by } = end.conclude(&verdicts);
    if outcome == Outcome::Inconclusive
        && let Some(missed) = missed_sun(&subject, &recording)
        && !reason.contains(&missed)
    {
        reason = format!("{reason}; {missed}");
    }
    let (identity, pages) = (recording.portrait().identity(), beside(&recording));
    let trace = recording.into_trace();
    Attempt { outcome, tried: true, reason, judged_by, verdicts, trace, identity, pages, length }
}

/// A case that this rig cannot try with this battery: undecided, however good the reason.
#[must_use]
pub fn not_tried(reason: String, case: &Case) -> Attempt {
    let reason = format!("{NOT_TRIED}{reason}");
    Attempt { tried: false, ..undecided(reason, case, Recording::new(), Micros::ZERO) }
}

/// A case of which nothing is judged.
fn undecided(reason: String, case: &Case, recording: Recording, length: Micros) -> Attempt {
    let outcome = Outcome::Inconclusive;
    let verdicts = case
        .requirements
        .iter()
        .map(|requirement| Verdict { requirement, outcome, reason: reason.clone(), evidence: Vec::new() })
        .collect();
    let (identity, pages) = (recording.portrait().identity(), beside(&recording));
    let trace = recording.into_trace();
    Attempt { outcome, tried: true, reason, judged_by: None, verdicts, trace, identity, pages, length }
}

fn subject<'a>(case: &Case, battery: &'a Battery, rig: &RigFile) -> Subject<'a> {
    Subject {
        requirements: case.requirements.clone(),
        thresholds: rig.with_uncertainty(case.thresholds),
        battery,
        site: rig.site_of(battery),
        sun: case.start.pv,
        imbalance: if rig.capabilities.contains(&Capability::Imbalance) {
            case.start.imbalance
        } else {
            Percent::ZERO
        },
    }
}

/// How a case ended, by its events.
enum End {
    /// it ended before its first step, for this reason
    NotBegun(String),
    Began(Ended),
}

#[derive(Default)]
struct Ended {
    /// why it ended early; nothing where every step was done
    early: Option<String>,
    /// the requirement whose condition did not come true, where that ended it
    expected: Option<&'static str>,
    /// what instruments had to say
    trouble: Option<String>,
    /// why the rig may not be off
    not_off: Option<String>,
}

/// What a case comes to.
struct Concluded {
    outcome: Outcome,
    reason: String,
    judged_by: Option<&'static str>,
}

impl End {
    fn of(trace: &Trace) -> Self {
        let mut end = Ended { expected: expected(trace), ..Ended::default() };
        let (mut begun, mut completed) = (false, false);
        for event in &trace.events {
            match &event.kind {
                EventKind::Step { .. } | EventKind::Stimulus(_) | EventKind::Mark(_) => begun = true,
                EventKind::Completed => completed = true,
                EventKind::NotBegun(failure) => end.early = Some(failure.what.clone()),
                EventKind::Aborted(why) => end.early = Some(why.clone()),
                EventKind::Trouble(what) => end.trouble = Some(what.clone()),
                EventKind::NotOff(what) => end.not_off = Some(what.clone()),
                _ => {}
            }
        }
        if !completed && end.early.is_none() {
            end.early = Some("the run was cut off".to_owned());
        }
        if begun || completed { Self::Began(end) } else { Self::NotBegun(end.conclude(&[]).reason) }
    }
}

impl Ended {
    /// The same, with what the rig could not do.
    fn hindered_by(self, what: Option<String>) -> Self {
        let early = self.early.map(|early| what.map_or(early.clone(), |what| format!("{early}: {what}")));
        Self { early, ..self }
    }

    /// The verdict on the case from those on its requirements and from how it ended.
    fn conclude(self, verdicts: &[Verdict]) -> Concluded {
        let mut concluded = match &self.not_off {
            Some(why) => {
                let before = self.early.as_ref().map_or(String::new(), |early| format!("{early}; then "));
                let reason = format!("{before}the rig was not confirmed off: {why}");
                Concluded { outcome: Outcome::Inconclusive, reason, judged_by: None }
            }
            None => self.confirmed_off(verdicts),
        };
        if let (Outcome::Inconclusive, Some(trouble)) = (concluded.outcome, self.trouble) {
            concluded.reason = format!("{}; {trouble}", concluded.reason);
        }
        concluded
    }

    fn confirmed_off(&self, verdicts: &[Verdict]) -> Concluded {
        let outcome = match (outcome_of_case(verdicts), &self.early) {
            // What was cut short has not passed, whatever was seen until then.
            (Outcome::Pass | Outcome::NotApplicable, Some(_)) => Outcome::Inconclusive,
            (outcome, _) => outcome,
        };
        let worst = verdicts
            .iter()
            .filter(|v| v.outcome == outcome && v.requirement.severity == Severity::Must)
            .map(|v| (format!("{}: {}", v.requirement.id, v.reason), Some(v.requirement.id)))
            .next();
        let (reason, judged_by) = match (outcome, &self.early) {
            (Outcome::Pass, _) => (String::new(), None),
            (Outcome::Fail, _) | (_, None) => worst.unwrap_or_default(),
            (_, Some(early)) => (early.clone(), self.expected),
        };
        Concluded { outcome, reason, judged_by }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use judge::failure::Failure;
    use rstest::rstest;

    fn verdicts(outcome: Outcome) -> Vec<Verdict> {
        let requirement = judge::catalogue::find("CVL-04").expect("a must of the catalogue");
        vec![Verdict { requirement, outcome, reason: "seen".to_owned(), evidence: Vec::new() }]
    }

    /// How it ended and what the requirements say; what is said of the case.
    #[rstest]
    #[case(&[EventKind::Completed], Outcome::Pass, (Outcome::Pass, ""))]
    #[case(&[EventKind::Completed], Outcome::Fail, (Outcome::Fail, "CVL-04: seen"))]
    #[case(&[EventKind::Mark("full".into()), EventKind::Aborted("waited".into())], Outcome::Pass, (Outcome::Inconclusive, "waited"))]
    #[case(&[EventKind::Mark("full".into()), EventKind::Aborted("waited".into())], Outcome::Fail, (Outcome::Fail, "CVL-04: seen"))]
    #[case(&[EventKind::Mark("full".into())], Outcome::Pass, (Outcome::Inconclusive, "the run was cut off"))]
    #[case(&[EventKind::Completed, EventKind::Trouble("lost".into())], Outcome::Pass, (Outcome::Pass, ""))]
    #[case(
        &[EventKind::Mark("full".into()), EventKind::Aborted("waited".into()), EventKind::Trouble("lost".into())],
        Outcome::Pass,
        (Outcome::Inconclusive, "waited; lost")
    )]
    #[case(
        &[EventKind::Mark("full".into()), EventKind::Aborted("waited".into()), EventKind::NotOff("on".into())],
        Outcome::Fail,
        (Outcome::Inconclusive, "waited; then the rig was not confirmed off: on")
    )]
    fn how_a_case_ended_decides_with_its_verdicts(
        #[case] events: &[EventKind],
        #[case] outcome: Outcome,
        #[case] expected: (Outcome, &str),
    ) {
        let mut trace = Trace::default();
        events.iter().for_each(|kind| trace.note(Micros::ZERO, kind.clone()));
        let End::Began(end) = End::of(&trace) else { panic!("it began") };
        let Concluded { outcome, reason, .. } = end.conclude(&verdicts(outcome));
        assert_eq!((outcome, reason.as_str()), expected);
    }

    /// A case that ended at a condition of a requirement says that by this requirement; one that is not off does not.
    #[rstest]
    #[case(None, Some("CVL-04"))]
    #[case(Some(EventKind::NotOff("on".into())), None)]
    fn who_says_why_a_case_is_undecided(#[case] more: Option<EventKind>, #[case] by: Option<&str>) {
        let mut trace = Trace::default();
        let wait = judge::trace::WaitResult {
            line: 1,
            until: "full".to_owned(),
            began: Micros::ZERO,
            met: false,
            seen: String::new(),
            allowed: Micros::ZERO,
            requirement: Some("CVL-04"),
        };
        let events =
            [EventKind::Mark("full".into()), EventKind::Wait(wait), EventKind::Aborted("never".into())];
        events.into_iter().chain(more).for_each(|kind| trace.note(Micros::ZERO, kind));
        let End::Began(end) = End::of(&trace) else { panic!("it began") };
        assert_eq!(end.conclude(&verdicts(Outcome::Inconclusive)).judged_by, by);
    }

    /// A case that ended before its first step has the reason of its end, and no verdict of its requirements.
    #[rstest]
    #[case(&[EventKind::NotBegun(Failure::of_rig("no supply"))], "no supply")]
    #[case(&[EventKind::DriverFault(Failure::of_rig("gone")), EventKind::Aborted("gone".into())], "gone")]
    #[case(&[EventKind::Aborted("gone".into()), EventKind::Trouble("lost".into())], "gone; lost")]
    #[case(
        &[EventKind::Aborted("gone".into()), EventKind::NotOff("on".into())],
        "gone; then the rig was not confirmed off: on"
    )]
    fn a_case_that_ended_before_its_first_step_was_not_begun(
        #[case] events: &[EventKind],
        #[case] expected: &str,
    ) {
        let mut trace = Trace::default();
        events.iter().for_each(|kind| trace.note(Micros::ZERO, kind.clone()));
        let End::NotBegun(why) = End::of(&trace) else { panic!("it did not begin") };
        assert_eq!(why, expected);
    }
}
