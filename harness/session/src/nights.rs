//! Every case over as many nights as it takes: the first of them tries what must hold, the others the rest.

use std::collections::BTreeMap;

use evidence::plan::Planned;
use files::{Library, full_name};
use judge::requirement::Severity;
use proto::quantity::Micros;

use crate::attempt::Unseen;
use crate::setup::{Setup, rig_for};
use crate::{Entry, Error};

/// A case with the time that it is expected to take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Load {
    /// `suite/case`
    pub name: String,
    /// in the time of the rig
    pub length: Micros,
    /// the requirements that must hold and that it judges
    pub musts: Vec<&'static str>,
}

/// A night of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Night {
    /// its cases, `suite/case`, in the order of the suites
    pub cases: Vec<String>,
    /// what they are expected to take together
    pub length: Micros,
}

/// Every case, in nights.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Nights {
    /// in their order
    pub nights: Vec<Night>,
    /// how many of them it takes until each requirement that must hold was tried
    pub covered: usize,
}

/// Lays cases out so that no night takes longer than this, but for one whose only case does. What is needed to try every
/// requirement that must hold comes first, the shortest cases that do it; where that fits into one night it is one.
#[must_use]
pub fn nights(loads: &[Load], within: Micros) -> Nights {
    let mut chosen = needed(loads);
    let needed = chosen.len();
    chosen.extend((0..loads.len()).filter(|case| !chosen.contains(case)).collect::<Vec<_>>());
    let mut filled: Vec<(Vec<usize>, Micros)> = Vec::new();
    let mut covered = 0;
    for (place, &case) in chosen.iter().enumerate() {
        let length = loads[case].length;
        let room = filled.iter_mut().position(|(_, used)| *used + length <= within);
        let night = room.unwrap_or_else(|| {
            filled.push((Vec::new(), Micros::ZERO));
            filled.len() - 1
        });
        filled[night].0.push(case);
        filled[night].1 += length;
        if place < needed {
            covered = covered.max(night + 1);
        }
    }
    let night = |(mut cases, length): (Vec<usize>, Micros)| {
        cases.sort_unstable();
        Night { cases: cases.into_iter().map(|case| loads[case].name.clone()).collect(), length }
    };
    Nights { nights: filled.into_iter().map(night).collect(), covered }
}

/// Cases that together judge every requirement that any of them judges and that must hold: each next one is that which takes
/// least for what it adds. What another one makes needless is left out at the end.
fn needed(loads: &[Load]) -> Vec<usize> {
    let mut open: Vec<&str> = loads.iter().flat_map(|load| load.musts.iter().copied()).collect();
    open.sort_unstable();
    open.dedup();
    let mut chosen = Vec::new();
    while !open.is_empty() {
        let adds = |load: &Load| load.musts.iter().filter(|id| open.contains(id)).count();
        let cost = |load: &Load| load.length.0 as f64 / adds(load) as f64;
        let best = (0..loads.len())
            .filter(|&case| adds(&loads[case]) > 0)
            .min_by(|&a, &b| cost(&loads[a]).total_cmp(&cost(&loads[b])));
        let Some(best) = best else { break };
        open.retain(|id| !loads[best].musts.contains(id));
        chosen.push(best);
    }
    let mut at = 0;
    while at < chosen.len() {
        let others = || chosen.iter().enumerate().filter(|&(k, _)| k != at).map(|(_, &case)| &loads[case]);
        let needless =
            loads[chosen[at]].musts.iter().all(|id| others().any(|other| other.musts.contains(id)));
        if needless {
            chosen.remove(at);
        } else {
            at += 1;
        }
    }
    chosen.sort_unstable();
    chosen
}

/// The cases that these words select and that this rig can try with this battery, each with what it is expected to take:
/// what it took when it was last tried, where that is `known`; else what it takes in the simulated world; else, with a battery
/// that is only hardware, the longest that it can take.
///
/// # Errors
/// When rig, battery or suites are not what they must be.
pub fn loads(
    library: &Library,
    (rig, battery): (&str, &str),
    words: &[String],
    known: &BTreeMap<String, Micros>,
) -> Result<Vec<Load>, Error> {
    let setup = Setup::read(library, rig, battery)?;
    let world = match setup.rig.live {
        Some(_) => Setup::read(library, rig_for(library, battery)?, battery)?,
        None => setup.clone(),
    };
    let suites = library.read_suites()?;
    let mut loads = Vec::new();
    for Entry { suite, case, planned } in setup.plan(suites.select(words)?)? {
        let Planned::Ready(ready) = planned else { continue };
        let name = full_name(suite, case);
        let played = || {
            let planned = world.plan([(suite, case)]).ok()?.pop()?.planned;
            let attempt = world.attempt(planned, &name, 1, &mut Unseen);
            Some(attempt.length).filter(|length| *length > Micros::ZERO)
        };
        let length = known.get(&name).copied().or_else(played).unwrap_or_else(|| ready.runnable.longest());
        let musts = case.requirements.iter().filter(|r| r.severity == Severity::Must).map(|r| r.id);
        loads.push(Load { length, musts: musts.collect(), name });
    }
    Ok(loads)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(name: &str, hours: u64, musts: &[&'static str]) -> Load {
        Load { name: name.to_owned(), length: Micros::from_secs(hours * 3600), musts: musts.to_vec() }
    }

    fn within(hours: u64, loads: &[Load]) -> (Vec<Vec<String>>, usize) {
        let plan = nights(loads, Micros::from_secs(hours * 3600));
        assert_eq!(plan.nights.iter().map(|night| night.cases.len()).sum::<usize>(), loads.len());
        (plan.nights.into_iter().map(|night| night.cases).collect(), plan.covered)
    }

    #[test]
    fn the_first_night_tries_what_must_hold_and_the_rest_follows() {
        let loads = [
            load("long", 8, &["A", "B"]),
            load("a", 2, &["A"]),
            load("b", 3, &["B"]),
            load("none", 2, &[]),
            load("c", 4, &["C"]),
        ];
        let (nights, covered) = within(12, &loads);
        assert_eq!(nights, [vec!["a", "b", "none", "c"], vec!["long"]]);
        assert_eq!(covered, 1);
    }

    #[test]
    fn what_does_not_fit_into_one_night_takes_more_and_says_so() {
        let loads = [load("a", 8, &["A"]), load("b", 8, &["B"]), load("c", 30, &["C"])];
        let (nights, covered) = within(12, &loads);
        assert_eq!(nights, [vec!["a"], vec!["b"], vec!["c"]], "one that is longer has a night of its own");
        assert_eq!(covered, 3);
    }

    #[test]
    fn one_case_for_two_requirements_is_enough() {
        let loads = [load("a", 1, &["A"]), load("ab", 3, &["A", "B"]), load("c", 1, &["C"])];
        let (nights, covered) = within(4, &loads);
        assert_eq!((nights, covered), (vec![vec!["ab".to_owned(), "c".into()], vec!["a".into()]], 1));
    }
}
