//! One case, run and judged.

use std::sync::atomic::{AtomicBool, Ordering};

use engine::bench::{Action, Bench, BenchError, Capability, Input, Witness};
use engine::run::Record;
use engine::suite::{Case, Runnable};
use evidence::conclusion::{Attempt, judged, not_tried};
use evidence::plan::{Planned, Ready};
use files::{BatteryFile, RigFile};
use judge::recording::Recording;
use judge::trace::{Event, EventKind};
use lab::live::Lab;
use proto::quantity::Micros;
use sim::Simulation;

/// A witness that looks away.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unseen;

impl Witness for Unseen {
    fn input(&mut self, _: Micros, _: &Input) {}
    fn event(&mut self, _: &Event) {}
}

/// Runs a case and judges it. The seed of the run and the name of the case together seed its world, so that a case
/// does the same alone and among others.
pub fn attempt(
    planned: Planned,
    simulation: Option<&Simulation>,
    named: (&str, u64),
    witness: &mut dyn Witness,
) -> Attempt {
    attempt_until(planned, simulation, named, None, witness)
}

/// The same until somebody wants it to end.
pub(crate) fn attempt_until(
    planned: Planned,
    simulation: Option<&Simulation>,
    (name, seed): (&str, u64),
    stop: Option<&AtomicBool>,
    witness: &mut dyn Witness,
) -> Attempt {
    let Ready { runnable, rig, battery } = match planned {
        Planned::Ready(ready) => *ready,
        Planned::NotTried { reason, case } => return not_tried(reason, &case),
    };
    let Some(simulation) = simulation else {
        let reason =
            "a real rig has no seed and no simulated battery: `busbar run` runs cases on it".to_owned();
        return not_tried(reason, &runnable.case);
    };
    let bench = simulation.bench(seed_of(seed, name));
    let mut bench = Stoppable { bench, stop };
    match bench.stopped("before this case began") {
        Ok(()) => witnessed(runnable, &rig, &battery, &mut bench, witness),
        Err(error) => not_begun(&runnable.case, &rig, &battery, error, witness),
    }
}

/// A simulated bench that somebody may want to end.
struct Stoppable<'s, B> {
    bench: B,
    stop: Option<&'s AtomicBool>,
}

impl<B> Stoppable<'_, B> {
    fn stopped(&self, when: &str) -> Result<(), BenchError> {
        let stop = self.stop.is_some_and(|stop| stop.load(Ordering::Relaxed));
        if stop { Err(BenchError::stopped(when)) } else { Ok(()) }
    }
}

impl<B: Bench> Bench for Stoppable<'_, B> {
    fn capabilities(&self) -> &[Capability] {
        self.bench.capabilities()
    }

    fn now(&self) -> Micros {
        self.bench.now()
    }

    fn next(&mut self, until: Option<Micros>) -> Result<(Micros, Input), BenchError> {
        if self.stop.is_some_and(|stop| stop.load(Ordering::Relaxed)) {
            self.stopped(&format!("at {}", self.bench.now().whole()))?;
        }
        self.bench.next(until)
    }

    fn act(&mut self, action: &Action) -> Result<(), BenchError> {
        self.bench.act(action)
    }

    fn identities(&self) -> Vec<(&'static str, String)> {
        self.bench.identities()
    }

    fn trouble(&self) -> Option<String> {
        self.bench.trouble()
    }

    fn told(&mut self) -> Option<String> {
        self.bench.told()
    }
}

fn not_begun(
    case: &Case,
    rig: &RigFile,
    battery: &BatteryFile,
    error: BenchError,
    witness: &mut dyn Witness,
) -> Attempt {
    let mut recording = Recording::new();
    recording.note(Micros::ZERO, EventKind::NotBegun(error.into()));
    recording.trace().events.iter().for_each(|event| witness.event(event));
    judged(case, rig, battery, recording, Micros::ZERO)
}

/// Runs a case on a real rig and judges it. Its instruments are opened for this case alone, and closed after it.
pub fn attempt_in(lab: &Lab, planned: Planned, witness: &mut dyn Witness) -> Attempt {
    let Ready { runnable, rig, battery } = match planned {
        Planned::Ready(ready) => *ready,
        Planned::NotTried { reason, case } => return not_tried(reason, &case),
    };
    let mut bench = match lab.open() {
        Ok(bench) => bench,
        Err(error) => {
            return not_begun(&runnable.case, &rig, &battery, error, witness);
        }
    };
    witnessed(runnable, &rig, &battery, &mut bench, witness)
}

fn witnessed(
    runnable: Runnable,
    rig: &RigFile,
    battery: &BatteryFile,
    bench: &mut dyn Bench,
    witness: &mut dyn Witness,
) -> Attempt {
    let case = runnable.case.clone();
    let Record { recording, .. } = engine::run::run(runnable, bench, witness);
    judged(&case, rig, battery, recording, bench.now())
}

/// FNV-1a over the name, folded into the seed: stable for ever, unlike the standard library's hashes.
fn seed_of(seed: u64, name: &str) -> u64 {
    let offset = 0xcbf2_9ce4_8422_2325 ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    name.bytes().fold(offset, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use evidence::plan::plan;

    use super::*;

    /// What an `expect` of BEH-BO gets on the simulated rig, with five seeds: met or not.
    fn met(steps: &str) -> Vec<bool> {
        let text = format!(
            "suite: s\ntitle: t\nspec: P 1.5\nneeds: [pv, gx, grid, ac-load, inject]\ncases:\n  - case: c\n    title: t\n    \
             requirements: [BEH-BO]\n    start: {{ soc: 50 %, grid: on, feed-in: on, pv: off, ac-load: 300 W }}\n    \
             steps: [ {steps} ]\n"
        );
        let suite = engine::suite::Suite::parse("s.yaml", &text).unwrap_or_else(|error| panic!("{error}"));
        let rig = include_str!("../../../rigs/simulated.yaml");
        let rig = RigFile::parse("rig", rig).expect("a good rig");
        let battery = include_str!("../../../rigs/batteries/reference.yaml");
        let battery = BatteryFile::parse("b", battery).expect("a good battery");
        let simulation = Simulation::of(&rig, &battery).expect("sound files");
        let one = |seed| {
            let planned = plan(&suite.cases[0], &rig, &battery).expect("the limits leave room");
            let attempt = attempt(planned, simulation.as_ref(), ("s/c", seed), &mut Unseen);
            let wait = attempt.trace.events.iter().find_map(|event| match &event.kind {
                EventKind::Wait(wait) => Some(wait.met),
                _ => None,
            });
            wait.unwrap_or_else(|| panic!("{}", attempt.reason))
        };
        (1..=5).map(one).collect()
    }

    /// A battery at 50 % of which 0x355 is garbled met `soc ≤ 20 %` with every seed.
    #[test]
    fn a_garbled_state_of_charge_passed_with_5_of_5_seeds_and_passes_with_none() {
        let steps = "{ hold: 1 min }, { inject: { garble: { id: 0x355, for: 30 min } } }, \
                     { expect: { that: { soc: { at-most: 20 % } }, within: 30 min, requirement: BEH-BO } }";
        assert_eq!(met(steps), [false; 5]);
    }

    /// CVL stands still; a garbled one of an hour ago was the highest, with some seeds.
    #[test]
    fn a_garbled_cvl_of_an_hour_ago_lowers_none() {
        let steps = "{ hold: 1 min }, { inject: { garble: { id: 0x351, for: 1 min } } }, { hold: 1 h }, \
                     { expect: { that: { cvl: lowered }, within: 5 min, requirement: BEH-BO } }";
        assert_eq!(met(steps), [false; 5]);
    }
}
