//! What changed since the last nights.

use std::collections::{BTreeMap, BTreeSet};

use super::night::Standing;

/// A night as history keeps it.
#[derive(Debug, Clone, PartialEq)]
pub struct Past {
    /// name of its folder
    pub name: String,
    /// a run of its own, of no night
    pub alone: bool,
    /// time of day at which it began (RFC 3339)
    pub started: String,
    /// name of the rig
    pub rig: String,
    /// name of the battery file
    pub battery: String,
    /// what the battery said of its firmware; empty when it said nothing
    pub firmware: String,
    /// what the night came to
    pub standing: Standing,
    /// each case with its standing and reason
    pub cases: BTreeMap<String, (Standing, String)>,
    /// requirements that did not hold or were not decided, by case and id, with their outcome
    pub requirements: BTreeMap<(String, String), String>,
    /// requirements that held, by case and id
    pub held: BTreeSet<(String, String)>,
    /// figures by case and name: value and unit
    pub figures: BTreeMap<(String, String), (f64, String)>,
}

/// How a case changed against the night before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// fails, and did not
    NewlyFailing,
    /// fails as before
    StillFailing,
    /// is not decided, and was
    NewlyUndecided,
    /// is not decided, as before
    StillUndecided,
    /// passed only when repeated
    Flaky,
    /// passes, and did not
    NewlyPassing,
    /// was tried before and is not any more
    Gone,
    /// is tried for the first time
    New,
}

impl Change {
    /// All of them, the most urgent first, with their headline.
    pub const ALL: [(Self, &'static str); 8] = [
        (Self::NewlyFailing, "Newly failing"),
        (Self::NewlyUndecided, "Newly undecided"),
        (Self::Flaky, "Flaky"),
        (Self::NewlyPassing, "Newly passing"),
        (Self::Gone, "No longer tried"),
        (Self::New, "Tried for the first time"),
        (Self::StillFailing, "Still failing"),
        (Self::StillUndecided, "Still undecided"),
    ];

    fn of(before: Option<Standing>, now: Option<Standing>) -> Option<Self> {
        use Standing::{Fail, Flaky, Inconclusive, NotApplicable, NotTried, Pass};
        let tried = |standing: &Standing| !matches!(standing, NotApplicable | NotTried);
        match (before.filter(tried), now.filter(tried)) {
            (Some(Fail), Some(Fail)) => Some(Self::StillFailing),
            (_, Some(Fail)) => Some(Self::NewlyFailing),
            (Some(Inconclusive), Some(Inconclusive)) => Some(Self::StillUndecided),
            (_, Some(Inconclusive)) => Some(Self::NewlyUndecided),
            (_, Some(Flaky)) => Some(Self::Flaky),
            (Some(Fail | Inconclusive | Flaky), Some(Pass)) => Some(Self::NewlyPassing),
            (Some(_), None) => Some(Self::Gone),
            (None, Some(Pass)) => Some(Self::New),
            _ => None,
        }
    }
}

/// Whether what changed is for the better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// it stands worse than before, or is not tried any more
    Worse,
    /// it stands better
    Better,
    /// it stands as before
    Same,
    /// nothing is known of before
    First,
}

impl Turn {
    /// Of a standing before, and now.
    #[must_use]
    pub fn of(before: Option<Standing>, now: Option<Standing>) -> Self {
        use core::cmp::Ordering;
        let worth = |standing: Option<Standing>| match standing? {
            Standing::Fail => Some(0),
            Standing::Inconclusive => Some(1),
            Standing::Flaky => Some(2),
            Standing::Pass => Some(3),
            Standing::NotApplicable | Standing::NotTried => None,
        };
        match (worth(before), worth(now)) {
            (None, _) => Self::First,
            (Some(_), None) => Self::Worse,
            (Some(before), Some(now)) => match now.cmp(&before) {
                Ordering::Less => Self::Worse,
                Ordering::Equal => Self::Same,
                Ordering::Greater => Self::Better,
            },
        }
    }

    /// In words.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Worse => "worse",
            Self::Better => "better",
            Self::Same => "as before",
            Self::First => "first try",
        }
    }
}

/// How every case stood when it was last tried: the nights, the oldest first, laid over each other. A night that tried
/// only some cases says nothing of the others.
#[must_use]
pub fn latest<'a>(nights: impl IntoIterator<Item = &'a Past>) -> Option<Past> {
    let mut nights = nights.into_iter();
    let mut all = nights.next()?.clone();
    for night in nights {
        let tried = |case: &String| night.cases.contains_key(case);
        all.requirements.retain(|(case, _), _| !tried(case));
        all.held.retain(|(case, _)| !tried(case));
        all.figures.retain(|(case, _), _| !tried(case));
        all.cases.extend(night.cases.clone());
        all.requirements.extend(night.requirements.clone());
        all.held.extend(night.held.clone());
        all.figures.extend(night.figures.clone());
        all.name.clone_from(&night.name);
        all.started.clone_from(&night.started);
        all.firmware.clone_from(&night.firmware);
        all.standing = night.standing;
    }
    Some(all)
}

/// The cases that changed, the most urgent first.
#[must_use]
pub fn changes(before: &Past, now: &Past) -> Vec<(Change, String)> {
    let names: BTreeSet<&String> = before.cases.keys().chain(now.cases.keys()).collect();
    let standing = |past: &Past, name: &str| past.cases.get(name).map(|case| case.0);
    let mut all: Vec<(Change, String)> = names
        .into_iter()
        .filter_map(|name| Some((Change::of(standing(before, name), standing(now, name))?, name.clone())))
        .collect();
    let urgency = |change: Change| Change::ALL.iter().position(|(other, _)| *other == change);
    all.sort_by_key(|(change, _)| urgency(*change));
    all
}

/// How every case stood with the firmware that the battery said last before the one of tonight; nothing where it never
/// said another.
#[must_use]
pub fn firmware_before(nights: &[Past], now: &Past) -> Option<Past> {
    let other = &nights.iter().rev().find(|night| night.firmware != now.firmware)?.firmware;
    latest(nights.iter().filter(|night| night.firmware == *other))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use Standing::{Fail, Flaky, Inconclusive, NotApplicable, Pass};
    use rstest::rstest;

    #[rstest]
    #[case(Some(Pass), Some(Fail), Some(Change::NewlyFailing))]
    #[case(None, Some(Fail), Some(Change::NewlyFailing))]
    #[case(Some(Fail), Some(Fail), Some(Change::StillFailing))]
    #[case(Some(Fail), Some(Pass), Some(Change::NewlyPassing))]
    #[case(Some(Flaky), Some(Pass), Some(Change::NewlyPassing))]
    #[case(Some(Pass), Some(Flaky), Some(Change::Flaky))]
    #[case(Some(Flaky), Some(Flaky), Some(Change::Flaky))]
    #[case(Some(Pass), Some(Inconclusive), Some(Change::NewlyUndecided))]
    #[case(Some(Inconclusive), Some(Inconclusive), Some(Change::StillUndecided))]
    #[case(Some(Pass), None, Some(Change::Gone))]
    #[case(Some(Pass), Some(NotApplicable), Some(Change::Gone))]
    #[case(None, Some(Pass), Some(Change::New))]
    #[case(Some(Pass), Some(Pass), None)]
    #[case(Some(NotApplicable), Some(NotApplicable), None)]
    #[case(Some(NotApplicable), None, None)]
    fn a_case_changes(
        #[case] before: Option<Standing>,
        #[case] now: Option<Standing>,
        #[case] change: Option<Change>,
    ) {
        assert_eq!(Change::of(before, now), change);
    }

    #[rstest]
    #[case(Some(Pass), Some(Fail), Turn::Worse)]
    #[case(Some(Pass), Some(Flaky), Turn::Worse)]
    #[case(Some(Pass), None, Turn::Worse)]
    #[case(Some(Fail), Some(Flaky), Turn::Better)]
    #[case(Some(Inconclusive), Some(Fail), Turn::Worse)]
    #[case(Some(Fail), Some(Fail), Turn::Same)]
    #[case(Some(NotApplicable), Some(Fail), Turn::First)]
    #[case(None, Some(Pass), Turn::First)]
    fn a_change_is_for_better_or_worse(
        #[case] before: Option<Standing>,
        #[case] now: Option<Standing>,
        #[case] turn: Turn,
    ) {
        assert_eq!(Turn::of(before, now), turn);
    }

    /// A night of which nothing is known.
    pub(in crate::history) fn past() -> Past {
        Past {
            name: String::new(),
            alone: false,
            started: String::new(),
            rig: String::new(),
            battery: String::new(),
            firmware: String::new(),
            standing: Pass,
            cases: BTreeMap::new(),
            requirements: BTreeMap::new(),
            held: BTreeSet::new(),
            figures: BTreeMap::new(),
        }
    }

    #[test]
    fn a_night_of_some_cases_says_nothing_of_the_others() {
        let night = |cases: &[(&str, Standing)]| Past {
            cases: cases
                .iter()
                .map(|(name, standing)| ((*name).to_owned(), (*standing, String::new())))
                .collect(),
            requirements: cases
                .iter()
                .map(|(name, _)| (((*name).to_owned(), "R".to_owned()), "fail".to_owned()))
                .collect(),
            ..past()
        };
        let nights = [
            night(&[("a", Pass), ("b", Fail)]),
            Past { requirements: BTreeMap::new(), ..night(&[("b", Pass)]) },
        ];
        let all = latest(&nights).expect("two nights");
        assert_eq!((all.cases["a"].0, all.cases["b"].0), (Pass, Pass));
        assert_eq!(all.requirements.len(), 1, "those of b are of a night before");
        assert_eq!(changes(&all, &night(&[("a", Pass), ("b", Pass)])), []);
    }

    #[test]
    fn another_firmware_is_the_last_one_with_all_its_nights() {
        let night = |firmware: &str, case: &str, standing| Past {
            firmware: firmware.to_owned(),
            cases: [(case.to_owned(), (standing, String::new()))].into(),
            ..past()
        };
        let nights = [
            night("1.0", "a", Fail),
            night("1.1", "a", Pass),
            night("1.1", "b", Fail),
            night("1.2", "a", Fail),
        ];
        let before = firmware_before(&nights, &night("1.2", "a", Fail)).expect("1.1");
        assert_eq!((before.firmware.as_str(), before.cases["a"].0, before.cases["b"].0), ("1.1", Pass, Fail));
        assert_eq!(firmware_before(&nights[1..3], &night("1.1", "a", Pass)), None);
    }
}
