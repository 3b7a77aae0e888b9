//! The verdicts on a run and on a log: every row of the catalogue has its judge look at the evidence.

use crate::behaviour::tripped::{Doing, doing};
use crate::behaviour::{self, Beside, Scene, Subject};
use crate::catalogue::{self, CATALOGUE, Row};
use crate::recording::Recording;
use crate::requirement::Requirement;
use crate::verdict::{Opinion, Outcome, Verdict};
use crate::wire::{Terms, Wire};

/// The verdicts on a case: one for each requirement of the subject, in its order, and last what an interlock fails that
/// the case does not name.
#[must_use]
pub fn of_run(subject: &Subject<'_>, recording: &Recording) -> Vec<Verdict> {
    let scene = Scene::new(subject, recording);
    let beside = Beside::of(&scene);
    let seen = beside.as_ref().map(|beside| (beside, Scene::new(subject, beside.recording())));
    let seen = seen.as_ref().map(|(beside, scene)| (*beside, scene));
    let judged = |requirement: &&'static Requirement| in_run(&scene, requirement, seen);
    let mut verdicts: Vec<Verdict> = subject.requirements.iter().map(judged).collect();
    // The line of a witness is told whether the case names it or not.
    for id in ["D-VD", "D-BT", "D-N2K"] {
        let unnamed = verdicts.iter().all(|verdict| verdict.requirement.id != id);
        let told = catalogue::find(id).filter(|_| unnamed).map(|link| in_run(&scene, link, None));
        verdicts.extend(told.filter(|verdict| verdict.outcome != Outcome::NotApplicable));
    }
    blame(&scene, &mut verdicts);
    verdicts
}

/// The verdicts on every requirement that a log decides, in the order of the catalogue.
#[must_use]
pub fn of_log(wire: &Wire, terms: &Terms<'_>) -> Vec<Verdict> {
    CATALOGUE.iter().filter_map(|row| in_log(row, wire, terms)).collect()
}

fn in_run(
    scene: &Scene<'_>,
    requirement: &'static Requirement,
    beside: Option<(&Beside, &Scene<'_>)>,
) -> Verdict {
    let row = catalogue::row(requirement.id);
    let beside = beside.filter(|_| row.is_some_and(|row| row.witnessed));
    behaviour::verdict(scene, requirement, row.and_then(|row| row.run), row.and_then(|row| row.log), beside)
}

pub(crate) fn in_log(row: &'static Row, wire: &Wire, terms: &Terms<'_>) -> Option<Verdict> {
    let mut opinion = Opinion::of(&row.requirement);
    wire.judge(row.log?, terms, &mut opinion);
    Some(opinion.verdict())
}

/// Fails what a trip of the battery's doing forbids, whether the case names it or not.
fn blame(scene: &Scene<'_>, verdicts: &mut Vec<Verdict>) {
    let blamed = match doing(scene) {
        None => None,
        Some(Doing::Silence) => catalogue::find("TIM-01")
            .filter(|silence| verdicts.iter().all(|verdict| verdict.requirement.id != silence.id))
            .map(|silence| in_run(scene, silence, None))
            .filter(|verdict| verdict.outcome == Outcome::Fail),
        Some(Doing::Battery { requirement, reason, evidence }) => catalogue::find(requirement)
            .map(|requirement| Verdict { requirement, outcome: Outcome::Fail, reason, evidence }),
    };
    let Some(blamed) = blamed else { return };
    match verdicts.iter_mut().find(|verdict| verdict.requirement.id == blamed.requirement.id) {
        // What it fails for anyhow says more.
        Some(verdict) if verdict.outcome == Outcome::Fail => verdict.evidence.extend(blamed.evidence),
        Some(verdict) => *verdict = blamed,
        None => verdicts.push(blamed),
    }
}
