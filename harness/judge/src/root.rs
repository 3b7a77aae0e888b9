//! Cause before consequence: of all that a run failed the one requirement that is told first, and what follows from it.
//!
//! A wrong ammeter makes every requirement fail that counts its current, in every case. What follows from what is physics and stands
//! in one table ([`LAWS`]): a requirement that does not hold, what fails with it, and why. Of those that failed and follow
//! from no other the one is told first from which most follows that must hold, then most of all; among equals what must hold
//! before what should, what lies nearest to the wire (frames, what they say, the law by which CVL is set, how the system
//! behaves), and last what failed first. A condition of a suite that did not come true says that something went wrong, not
//! what: nothing that was measured follows from it.

mod found;
mod laws;

use std::collections::VecDeque;

use crate::catalogue;
use crate::requirement::{Requirement, Severity};
use crate::verdict::{Outcome, Verdict};

use found::Found;
pub use laws::{LAWS, Law};

/// The cause of what a run failed.
#[derive(Debug, Clone)]
pub struct Root<'a> {
    /// the requirement that is told first
    pub requirement: &'static Requirement,
    /// where it failed: the place of each case among those that were given, and its verdict
    pub seen: Vec<(usize, &'a Verdict)>,
    /// what else failed and follows from it, in the order of the catalogue
    pub follows: Vec<Consequence>,
    /// what else failed and does not, in the order of the catalogue: each may have a cause of its own
    pub apart: Vec<&'static Requirement>,
}

/// A requirement that failed because another did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Consequence {
    /// what failed
    pub requirement: &'static Requirement,
    /// why that follows, in words that go on behind a colon
    pub why: &'static str,
    /// in how many cases it failed
    pub cases: usize,
}

impl Root<'_> {
    /// What is wrong, in a sentence: of the reasons in the first case as many as a few lines hold, and always one.
    #[must_use]
    pub fn sentence(&self) -> &str {
        let reason = self.seen.first().map_or("", |(_, verdict)| verdict.reason.as_str());
        if reason.len() <= SENTENCE {
            return reason;
        }
        let ends = reason.match_indices("; ").map(|(at, _)| at);
        // What was last seen of a condition belongs to it.
        let mut ends = ends.filter(|at| !reason[at + 2..].starts_with("last seen"));
        let first = ends.next().unwrap_or(reason.len());
        &reason[..ends.take_while(|end| *end <= SENTENCE).last().unwrap_or(first)]
    }

    /// The same with its requirement, what follows from it and what does not.
    #[must_use]
    pub fn told(&self) -> String {
        let mut text = format!("{}: {}", self.requirement.id, self.sentence().trim_end_matches('.'));
        let listed = |rows: Vec<&'static str>, one: &str, many: &str| match rows.len() {
            0 => String::new(),
            1 => format!("; 1 {one}: {}", rows[0]),
            n => format!("; {n} {many}: {}", rows.join(", ")),
        };
        let follows = self.follows.iter().map(|other| other.requirement.id).collect();
        text += &listed(follows, "other finding follows from it", "other findings follow from it");
        let apart = self.apart.iter().map(|row| row.id).collect();
        text += &listed(apart, "may have a cause of its own", "may have causes of their own");
        text
    }

    /// Whether this failed because the cause did.
    #[must_use]
    pub fn explains(&self, id: &str) -> bool {
        self.follows.iter().any(|other| other.requirement.id == id)
    }

    /// What follows, by why it does: each reason once.
    #[must_use]
    pub fn reasons(&self) -> Vec<(&'static str, Vec<&Consequence>)> {
        let mut all: Vec<(&'static str, Vec<&Consequence>)> = Vec::new();
        for one in &self.follows {
            match all.iter_mut().find(|(why, _)| *why == one.why) {
                Some((_, own)) => own.push(one),
                None => all.push((one.why, vec![one])),
            }
        }
        all
    }
}

/// Bytes of a sentence that has more than one reason.
const SENTENCE: usize = 180;

/// The cause of what these cases failed, the verdicts of each in the order in which they ran; nothing where nothing failed.
/// What is only reported is no failure.
#[must_use]
pub fn root<'a>(cases: &[&'a [Verdict]]) -> Option<Root<'a>> {
    let found = found(cases);
    let reached: Vec<Vec<Option<&'static str>>> = (0..found.len()).map(|from| follow(&found, from)).collect();
    let follows = |other: usize, from: usize| reached[from][other].is_some();
    let is_cause = |at: &usize| (0..found.len()).all(|other| !follows(*at, other) || follows(other, *at));
    let weight = |at: &usize| {
        let one = &found[*at];
        let from: Vec<usize> = (0..found.len()).filter(|other| other == at || follows(*other, *at)).collect();
        let is_must = |at: &usize| found[*at].requirement.severity == Severity::Must;
        let musts = from.iter().filter(|at| is_must(at)).count();
        let (first, place) = (core::cmp::Reverse(one.first()), core::cmp::Reverse(place(one.requirement)));
        (
            musts,
            from.len(),
            !one.is_unmet(),
            is_must(at),
            place,
            one.seen.len(),
            first,
            core::cmp::Reverse(*at),
        )
    };
    let first = (0..found.len()).filter(is_cause).max_by_key(weight)?;
    let (mut consequences, mut apart) = (Vec::new(), Vec::new());
    for (at, one) in found.iter().enumerate().filter(|(at, _)| *at != first) {
        match reached[first][at] {
            Some(why) => {
                consequences.push(Consequence { requirement: one.requirement, why, cases: one.seen.len() });
            }
            None => apart.push(one.requirement),
        }
    }
    let Found { requirement, seen } = found[first].clone();
    Some(Root { requirement, seen, follows: consequences, apart })
}

/// What failed, in the order of the catalogue, and last tests of one's own.
fn found<'a>(cases: &[&'a [Verdict]]) -> Vec<Found<'a>> {
    let mut all: Vec<Found<'a>> = Vec::new();
    for (place, verdict) in cases.iter().enumerate().flat_map(|(n, own)| own.iter().map(move |v| (n, v))) {
        if verdict.outcome != Outcome::Fail || verdict.requirement.severity == Severity::Information {
            continue;
        }
        match all.iter_mut().find(|one| one.requirement.id == verdict.requirement.id) {
            Some(one) => {
                one.seen.push((place, verdict));
                // Cases judge some requirements more or less severely: the most severe one counts.
                if verdict.requirement.severity > one.requirement.severity {
                    one.requirement = verdict.requirement;
                }
            }
            None => all.push(Found { requirement: verdict.requirement, seen: vec![(place, verdict)] }),
        }
    }
    let row = |id: &str| catalogue::requirements().position(|other| other.id == id).unwrap_or(usize::MAX);
    all.sort_by_key(|one| row(one.requirement.id));
    all
}

/// Why each of what was found follows from one of it, directly or through others; nothing where it does not, and of itself.
fn follow(found: &[Found<'_>], from: usize) -> Vec<Option<&'static str>> {
    let mut reached = vec![None; found.len()];
    let mut next = VecDeque::from([from]);
    while let Some(cause) = next.pop_front() {
        for (at, other) in found.iter().enumerate() {
            if at != from
                && at != cause
                && reached[at].is_none()
                && let Some(law) = explains(&found[cause], other)
            {
                reached[at] = Some(law.why);
                next.push_back(at);
            }
        }
    }
    reached
}

/// The law by which one follows from the other, if any does.
fn explains(cause: &Found<'_>, other: &Found<'_>) -> Option<&'static Law> {
    let measured = !other.is_unmet() && place(other.requirement) < SYSTEM;
    if cause.is_unmet() && measured {
        return None;
    }
    LAWS.iter().filter(|law| law.cause == cause.requirement.id).find(|law| {
        law.follow().any(|id| id == other.requirement.id) && law.when.is_none_or(|when| when(cause, other))
    })
}

/// How far from the wire a requirement lies: frames, what they say, by which law the limits are set, what is tried of the
/// whole system, how it behaves.
fn place(requirement: &Requirement) -> usize {
    let id = requirement.id;
    let family = id.split('-').next().unwrap_or_default();
    if APART.contains(&id) {
        PLACES.len()
    } else if TRIED.contains(&id) {
        SYSTEM
    } else {
        PLACES.iter().position(|families| families.contains(&family)).unwrap_or(PLACES.len())
    }
}

/// The families of requirements, from the wire on.
const PLACES: [&[&str]; 5] = [
    &["BUS", "MSG", "TIM", "IDN"],
    &["SOC", "MEA", "ALM", "CEL", "ENE", "FRC", "MOD"],
    &["CVL", "CCL", "DCL"],
    &["GXD"],
    &["BEH"],
];
/// The first place of what is tried of the whole system.
const SYSTEM: usize = 3;
/// What is tried of the whole system and stands in a family of the wire.
const TRIED: [&str; 4] = ["TIM-03", "TIM-04", "TIM-06", "ALM-05"];
/// A rhythm that the GX bears: where it does not, TIM-01 and MSG-01 tell of it.
const APART: [&str; 2] = ["TIM-02", "TIM-05"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::{Evidence, Measure, Sign};
    use rstest::rstest;

    fn failed(id: &str, evidence: Vec<Evidence>) -> Verdict {
        let requirement = catalogue::find(id).expect("a row of the catalogue");
        Verdict { requirement, outcome: Outcome::Fail, reason: format!("{id} is wrong; and more"), evidence }
    }

    /// Verdicts by their ids: with a threshold behind a `/`, by that; with a `?`, by a condition that did not come true.
    fn case(ids: &[&str]) -> Vec<Verdict> {
        let verdict = |id: &&str| match (id.split_once('/'), id.strip_suffix('?')) {
            (Some((id, threshold)), _) => {
                let row = crate::thresholds::find(threshold).expect("a threshold");
                let beyond = match row.sense {
                    crate::thresholds::Sense::AtMost => 2.0,
                    crate::thresholds::Sense::AtLeast => 0.5,
                };
                let measure = Measure { threshold: row.name, value: beyond, limit: 1.0, band: 0.0 };
                failed(id, vec![Evidence { measure: Some(measure), ..Evidence::fact("figure", "2") }])
            }
            (_, Some(id)) => failed(
                id,
                vec![
                    Evidence::fact("expected: battery current ≥ 5 A", "never")
                        .tells(Sign::Unmet { alone: true }),
                ],
            ),
            _ => failed(id, Vec::new()),
        };
        ids.iter().map(verdict).collect()
    }

    fn told(cases: &[Vec<Verdict>]) -> Option<(&'static str, Vec<&'static str>, Vec<&'static str>)> {
        let cases: Vec<&[Verdict]> = cases.iter().map(Vec::as_slice).collect();
        root(&cases).map(|root| {
            let follows = root.follows.iter().map(|one| one.requirement.id).collect();
            (root.requirement.id, follows, root.apart.iter().map(|r| r.id).collect())
        })
    }

    /// What failed in each of two cases; the cause, what follows, what does not.
    #[rstest]
    #[case::nothing(&[], &[], None)]
    #[case::alone(&["TIM-02"], &[], Some(("TIM-02", vec![], vec![])))]
    #[case::an_ammeter(&["SOC-03", "MEA-04"], &["MEA-04", "ENE-01"], Some(("MEA-04", vec!["SOC-03", "ENE-01"], vec![])))]
    #[case::through_another(&["MEA-01", "TIM-04?"], &["BEH-KA?"], Some(("MEA-01", vec!["TIM-04", "BEH-KA"], vec![])))]
    #[case::two_causes(&["MEA-04", "SOC-03", "IDN-05"], &[], Some(("MEA-04", vec!["SOC-03"], vec!["IDN-05"])))]
    #[case::of_musts(&["IDN-01", "IDN-02", "MSG-01"], &[], Some(("MSG-01", vec![], vec!["IDN-01", "IDN-02"])))]
    #[case::near_the_wire(&["CVL-10", "IDN-05"], &[], Some(("IDN-05", vec![], vec!["CVL-10"])))]
    #[case::a_rhythm_that_is_borne(&["CVL-10", "TIM-02"], &[], Some(("CVL-10", vec![], vec!["TIM-02"])))]
    #[case::a_must(&["IDN-05", "BUS-01"], &[], Some(("BUS-01", vec![], vec!["IDN-05"])))]
    #[case::swinging(&["CVL-03", "CVL-04/reversals", "CVL-06", "CVL-09/step"], &["BEH-FI"],
        Some(("CVL-04", vec!["CVL-03", "CVL-06", "CVL-09", "BEH-FI"], vec![])))]
    #[case::jumping(&["CVL-03", "CVL-04/travel", "CVL-06", "CVL-09/step"], &["BEH-FI"],
        Some(("CVL-09", vec!["CVL-03", "CVL-04", "CVL-06", "BEH-FI"], vec![])))]
    #[case::sinking(&["CVL-06/sink", "CVL-04/cycle-power"], &[], Some(("CVL-06", vec!["CVL-04"], vec![])))]
    #[case::emptied_by_a_swing(&["CVL-06/discharge", "CVL-04/cycle-power"], &[], Some(("CVL-04", vec!["CVL-06"], vec![])))]
    #[case::off_the_bus(&["TIM-01", "BUS-03"], &[], Some(("BUS-03", vec!["TIM-01"], vec![])))]
    #[case::unmet(&["TIM-01"], &["BUS-03?"], Some(("TIM-01", vec!["BUS-03"], vec![])))]
    #[case::only_reported(&["GXD-06"], &[], None)]
    fn the_cause_is_told_before_what_follows(
        #[case] first: &[&str],
        #[case] second: &[&str],
        #[case] expected: Option<(&str, Vec<&str>, Vec<&str>)>,
    ) {
        assert_eq!(told(&[case(first), case(second)]), expected);
    }

    /// A CVL of 0 is no copy of a voltage, and one above what is declared may be.
    #[test]
    fn a_cvl_of_zero_follows_from_nothing() {
        let zero = failed("CVL-01", vec![Evidence::fact("CVL = 0", "10 frames").tells(Sign::ZeroCvl)]);
        assert_eq!(told(&[vec![zero, failed("CVL-05", vec![])]]), Some(("CVL-01", vec!["CVL-05"], vec![])));
        let high = failed("CVL-01", vec![Evidence::fact("CVL", "58 V")]);
        assert_eq!(told(&[vec![high, failed("CVL-05", vec![])]]), Some(("CVL-05", vec!["CVL-01"], vec![])));
    }

    /// One message of four, or none of them.
    #[test]
    fn a_message_that_is_missing_is_no_silence() {
        let missing = |others| {
            let heard =
                |id, count: u64| Evidence::fact(id, format!("{count} frames")).tells(Sign::Heard(count));
            failed("MSG-01", vec![heard("0x351", 0), heard("0x355", others)])
        };
        let cause = |others| told(&[vec![failed("TIM-01", vec![]), missing(others)]]).map(|told| told.0);
        assert_eq!((cause(14), cause(0)), (Some("MSG-01"), Some("TIM-01")));
    }

    /// The reasons of a verdict, and what of them is told.
    #[rstest]
    #[case(&["it swings", "reversals: 73 /h, at most 20 /h is allowed"], 2)]
    #[case(&["it swings", &"long ".repeat(40), "and so on"], 1)]
    #[case(&[&"long ".repeat(40), "and so on"], 1)]
    #[case(&["5 A was expected and did not come true", &format!("last seen: 1 A ({})", "line ".repeat(40)), "and so on"], 2)]
    fn a_sentence_holds_what_a_few_lines_do(#[case] reasons: &[&str], #[case] told: usize) {
        let verdict = Verdict { reason: reasons.join("; "), ..failed("BEH-BO", vec![]) };
        let sentence = root(&[&[verdict]]).map(|root| root.sentence().to_owned());
        assert_eq!(sentence, Some(reasons[..told].join("; ")));
    }

    #[test]
    fn laws_are_of_the_catalogue_and_say_why() {
        for law in LAWS {
            for id in law.follow().chain([law.cause]) {
                let row = catalogue::find(id).unwrap_or_else(|| panic!("{id} is no requirement"));
                assert_ne!(row.severity, Severity::Information, "{id}");
            }
            assert!(!law.why.is_empty() && !law.why.ends_with('.'), "{}: {}", law.cause, law.why);
            let mut own: Vec<_> = law.follow().collect();
            own.sort_unstable();
            let many = own.len();
            own.dedup();
            assert_eq!(own.len(), many, "{} names one twice", law.cause);
        }
    }
}
