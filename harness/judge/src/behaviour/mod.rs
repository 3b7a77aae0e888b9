//! Verdicts on behaviour: what a recording of a case says about each requirement the case names.
//!
//! Nothing that was not seen passes: too little time, a silent instrument or a case that ended early leaves a
//! requirement undecided, with what would decide it. A failure that was seen stays a failure however the case ended.

pub(crate) mod alarms;
mod beside;
pub(crate) mod bus;
pub(crate) mod charge_voltage;
pub(crate) mod current_limits;
pub(crate) mod discharging;
pub(crate) mod feed_in;
pub(crate) mod following;
pub mod fullness;
pub(crate) mod grid_loss;
pub(crate) mod gx;
mod held_down;
pub(crate) mod imbalance;
pub(crate) mod keep_alive;
pub(crate) mod links;
pub(crate) mod load_dump;
mod meter;
mod reach;
mod scene;
pub(crate) mod silence;
#[cfg(test)]
mod staged;
#[cfg(test)]
pub(crate) use staged::declared;
mod standing;
pub(crate) mod state;
pub(crate) mod steps;
mod sun;
pub mod tripped;
mod votes;

use proto::quantity::{Percent, Watts};

use crate::battery::Battery;
use crate::recording::Recording;
use crate::requirement::Requirement;
use crate::site::Site;
use crate::thresholds::Thresholds;
use crate::verdict::{Evidence, Opinion, Outcome, Sign, Verdict};
use crate::window::Window;
use crate::wire;

pub(crate) use beside::Beside;
pub(crate) use scene::Scene;

/// What is judged, and against what.
#[derive(Debug, Clone)]
pub struct Subject<'a> {
    /// the requirements the case names
    pub requirements: Vec<&'static Requirement>,
    /// the thresholds in force
    pub thresholds: Thresholds,
    /// what is declared about the battery
    pub battery: &'a Battery,
    /// the plant around it
    pub site: Site,
    /// PV power that the case begins with
    pub sun: Watts,
    /// what the rig itself charged one cell above the others before the case began
    pub imbalance: Percent,
}

/// How the sun of a case was another than the suite asked for, in words, if it was: then the case shows nothing.
#[must_use]
pub fn missed_sun(subject: &Subject<'_>, recording: &Recording) -> Option<String> {
    sun::missed(&Scene::new(subject, recording))
}

/// Why a case that ended with a condition that did not come true ended so, where the rig could not make it true: in
/// words, with the number of the rig.
#[must_use]
pub fn hindered(subject: &Subject<'_>, recording: &Recording) -> Option<String> {
    let scene = Scene::new(subject, recording);
    let unmet = scene.waits().find(|(_, wait)| !wait.met);
    unmet.and_then(|(at, wait)| scene.obstacle(at, wait)).map(|obstacle| obstacle.to_string())
}

/// Judges a run.
pub(crate) type Judge = fn(&Scene<'_>, &mut Opinion);

/// The verdict on one requirement: what the suite expected for it, and what is found by who judges a run, or else by who
/// judges its frames; with the second opinion of a witness, where there is one.
pub(crate) fn verdict(
    scene: &Scene<'_>,
    requirement: &'static Requirement,
    run: Option<Judge>,
    frames: Option<wire::Judge>,
    beside: Option<(&Beside, &Scene<'_>)>,
) -> Verdict {
    let mut opinion = Opinion::of(requirement);
    let expected = expectations(scene, &mut opinion);
    if let Some(judge) = run {
        judge(scene, &mut opinion);
    } else if let Some(judge) = frames {
        scene.recording.wire().judge(judge, &scene.terms(), &mut opinion);
    } else if !expected {
        opinion.unclear(
            "only what a case expects decides this (`expect:` with this requirement), and this case expects nothing",
        );
    }
    let mut verdict = opinion.verdict();
    if let Some((beside, seen)) = beside {
        let second = run.map(|judge| {
            let mut opinion = Opinion::of(requirement);
            judge(seen, &mut opinion);
            opinion.verdict()
        });
        beside.weigh(&mut verdict, second);
    }
    if verdict.outcome == Outcome::Pass
        && let Some(why) = scene.cut_short()
    {
        verdict.outcome = Outcome::Inconclusive;
        verdict.reason = format!("the case ended early ({why}); until then: {}", verdict.reason);
    }
    sun::hold(scene, &mut verdict);
    verdict
}

/// What the suite expected for this requirement; whether it expected anything.
fn expectations(scene: &Scene<'_>, opinion: &mut Opinion) -> bool {
    let id = opinion.requirement().id;
    let mut any = false;
    for (at, wait) in scene.waits().filter(|(_, w)| w.requirement == Some(id)) {
        any = true;
        let window = Window::new(wait.began, at);
        let took = if wait.met { format!("after {}", window.about()) } else { "never".to_owned() };
        let evidence = Evidence::fact(format!("expected: {}", wait.until), took)
            .against(format!("within {}", wait.allowed))
            .within(window);
        let evidence = if wait.met { evidence } else { evidence.tells(Sign::Unmet { alone: false }) };
        if wait.met {
            opinion.show(evidence);
            opinion.pass(format!("{} came true after {}", wait.until, window.about()));
        } else if let Some(obstacle) = scene.obstacle(at, wait) {
            opinion.prove(evidence);
            opinion.unclear(format!(
                "{} was expected within {} and could not come true on this rig: {obstacle}",
                wait.until, wait.allowed
            ));
        } else {
            opinion.prove(evidence);
            opinion.unmet(format!(
                "{} was expected within {} and did not come true; last seen: {} (line {} of the suite)",
                wait.until, wait.allowed, wait.seen, wait.line
            ));
        }
    }
    any
}

#[cfg(test)]
mod tests {
    use super::staged::{Stage, good};
    use super::*;
    use crate::catalogue;
    use crate::failure::Failure;
    use crate::trace::{EventKind, WaitResult};
    use proto::quantity::Micros;

    fn outcome(stage: &Stage, id: &str) -> (Outcome, String) {
        let verdict = stage.verdict(id);
        (verdict.outcome, verdict.reason)
    }
    fn waited(met: bool, requirement: Option<&'static str>) -> EventKind {
        EventKind::Wait(WaitResult {
            line: 20,
            until: "inverter on".to_owned(),
            began: Micros::from_secs(100),
            met,
            seen: if met { "inverter on" } else { "inverter off" }.to_owned(),
            allowed: Micros::from_secs(600),
            requirement,
        })
    }

    /// The numbers agree with the verdict that the texts explain, and carry the name of their threshold.
    #[test]
    fn a_threshold_leaves_its_numbers_behind() {
        let relay = |t: u64, v: f64| if t % 40 < 20 { v } else { v + 0.5 };
        for (stage, holds) in [(good(), true), (good().shaped(crate::trace::Channel::Cvl, relay), false)] {
            let verdict = stage.verdict("CVL-04");
            let measures: Vec<_> = verdict.evidence.iter().filter_map(|e| e.measure).collect();
            let limit = Thresholds::default().limit("reversals");
            assert!(measures.iter().any(|m| m.threshold == "reversals" && Some(m.limit) == limit));
            assert!(measures.iter().any(|m| m.threshold == "travel"), "{measures:?}");
            assert_eq!(measures.iter().all(|m| m.value <= m.limit), holds, "{measures:?}");
        }
    }

    #[test]
    fn an_expectation_decides_a_row_without_a_judge() {
        let mut stage = good();
        stage.note(700, waited(true, Some("BEH-BO")));
        assert_eq!(outcome(&stage, "BEH-BO").0, Outcome::Pass);
        stage.note(800, waited(false, Some("BEH-BO")));
        let (result, reason) = outcome(&stage, "BEH-BO");
        assert_eq!(result, Outcome::Fail);
        assert!(reason.contains("inverter on") && reason.contains("line 20"), "{reason}");
        assert_eq!(outcome(&good(), "BEH-BO").0, Outcome::Inconclusive, "expects nothing, judges nothing");
    }

    #[test]
    fn an_early_end_takes_passes_away_and_leaves_failures() {
        for end in [
            EventKind::Aborted("the operator went home".to_owned()),
            EventKind::DriverFault(Failure::of_rig("PSU does not answer")),
            waited(false, None),
        ] {
            let mut stage = good();
            assert_eq!(outcome(&stage, "CVL-06").0, Outcome::Pass);
            stage.note(9000, end);
            let (result, reason) = outcome(&stage, "CVL-06");
            assert_eq!(result, Outcome::Inconclusive, "{reason}");
            assert!(reason.contains("ended early"), "{reason}");
        }
        let mut stage = good();
        stage.set(crate::trace::Channel::Online, 7000, 0.0);
        stage.note(9000, EventKind::Aborted("enough".to_owned()));
        assert_eq!(outcome(&stage, "BEH-FI").0, Outcome::Fail);
    }

    #[test]
    fn a_recording_that_breaks_off_passes_nothing() {
        let mut stage = good();
        stage.uncompleted();
        for row in catalogue::CATALOGUE.iter().filter(|row| row.run.is_some()) {
            let requirement = &row.requirement;
            assert_ne!(outcome(&stage, requirement.id).0, Outcome::Pass, "{}", requirement.id);
        }
    }

    #[test]
    fn nothing_seen_passes_nothing() {
        let empty = Stage::empty();
        for requirement in catalogue::requirements() {
            let (result, reason) = outcome(&empty, requirement.id);
            assert!(
                matches!(result, Outcome::Inconclusive | Outcome::NotApplicable),
                "{} {reason}",
                requirement.id
            );
            // Nothing of the second document takes part in a case.
            let second = requirement.section.starts_with("D ");
            assert!(!second || result == Outcome::NotApplicable, "{} {reason}", requirement.id);
        }
    }
}
