//! What changed since the last nights.

use std::collections::BTreeMap;

use judge::thresholds::Thresholds;

use super::night::Standing;

/// A night as history keeps it.
#[derive(Debug, Clone, PartialEq)]
pub struct Past {
    /// name of its folder
    pub name: String,
    /// time of day at which it began (RFC 3339)
    pub started: String,
    /// what the battery said of its firmware; empty when it said nothing
    pub firmware: String,
    /// what the night came to
    pub standing: Standing,
    /// each case with its standing and reason
    pub cases: BTreeMap<String, (Standing, String)>,
    /// requirements that did not hold or were not decided, by case and id, with their outcome
    pub requirements: BTreeMap<(String, String), String>,
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
        use Standing::{Fail, Flaky, Inconclusive, NotApplicable, Pass};
        let tried = |standing: &Standing| *standing != NotApplicable;
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

/// How every case stood when it was last tried: the nights, the oldest first, laid over each other. A night that tried
/// only some cases says nothing of the others.
#[must_use]
pub fn latest(nights: &[Past]) -> Option<Past> {
    let (first, rest) = nights.split_first()?;
    let mut all = first.clone();
    for night in rest {
        let tried = |case: &String| night.cases.contains_key(case);
        all.requirements.retain(|(case, _), _| !tried(case));
        all.figures.retain(|(case, _), _| !tried(case));
        all.cases.extend(night.cases.clone());
        all.requirements.extend(night.requirements.clone());
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
    let names: std::collections::BTreeSet<&String> = before.cases.keys().chain(now.cases.keys()).collect();
    let standing = |past: &Past, name: &str| past.cases.get(name).map(|case| case.0);
    let mut all: Vec<(Change, String)> = names
        .into_iter()
        .filter_map(|name| Some((Change::of(standing(before, name), standing(now, name))?, name.clone())))
        .collect();
    let urgency = |change: Change| Change::ALL.iter().position(|(other, _)| *other == change);
    all.sort_by_key(|(change, _)| urgency(*change));
    all
}

/// A figure that left the place where it stood.
#[derive(Debug, Clone, PartialEq)]
pub struct Drift {
    /// `suite/case`
    pub case: String,
    /// name of the figure
    pub name: String,
    /// its unit
    pub unit: String,
    /// median of the nights before
    pub usual: f64,
    /// how far they lie from it: three standard deviations as their median deviation gives them, or the least that counts
    pub spread: f64,
    /// what it is now
    pub now: f64,
    /// every night that has it, the oldest first, tonight last: its place in the list of nights, and its value
    pub trend: Vec<(usize, f64)>,
}

/// So many nights before this one must have a figure before it can drift.
pub const NIGHTS: usize = 3;

/// This part of a value, and of the limit it is held against, always counts as the same (assumption).
const SAME: f64 = 0.05;

/// So many volts always count as the same: two steps of CVL on the wire (assumption).
const VOLTS: f64 = 0.2;

/// What always counts as the same.
pub(crate) fn least(name: &str, unit: &str, usual: f64) -> f64 {
    if unit == "V" {
        return VOLTS;
    }
    let limit = Thresholds::default().limit(name).unwrap_or(0.0);
    (SAME * usual.abs()).max(SAME * limit.abs()).max(f64::MIN_POSITIVE)
}

/// Figures of tonight that are not where they were in the nights before it. Those of cases that pass come first: they
/// say what has not failed yet. Then the farthest first. `nights` are the nights before, the oldest first.
#[must_use]
pub fn drifts(nights: &[Past], now: &Past) -> Vec<Drift> {
    let mut all = Vec::new();
    for ((case, name), (value, unit)) in &now.figures {
        let key = (case.clone(), name.clone());
        let mut trend: Vec<(usize, f64)> = nights
            .iter()
            .enumerate()
            .filter_map(|(k, night)| {
                night.figures.get(&key).filter(|kept| kept.1 == *unit).map(|kept| (k, kept.0))
            })
            .collect();
        if trend.len() < NIGHTS {
            continue;
        }
        let mut values: Vec<f64> = trend.iter().map(|point| point.1).collect();
        let usual = median(&mut values);
        let mut off: Vec<f64> = values.iter().map(|value| (value - usual).abs()).collect();
        // 1.4826 makes the median deviation of normal numbers their standard deviation.
        let spread = (3.0 * 1.4826 * median(&mut off)).max(least(name, unit, usual));
        trend.push((nights.len(), *value));
        if (value - usual).abs() > spread {
            let (case, name, unit) = (case.clone(), name.clone(), unit.clone());
            all.push(Drift { case, name, unit, usual, spread, now: *value, trend });
        }
    }
    let passes = |drift: &Drift| now.cases.get(&drift.case).is_some_and(|case| case.0 == Standing::Pass);
    let far = |drift: &Drift| (drift.now - drift.usual).abs() / drift.spread;
    all.sort_by(|a, b| passes(b).cmp(&passes(a)).then_with(|| far(b).total_cmp(&far(a))));
    all
}

/// The nights since the battery last said another firmware than tonight, and what it said then.
#[must_use]
pub fn firmware_before<'a>(nights: &'a [Past], now: &Past) -> Option<&'a Past> {
    nights.iter().rev().find(|night| night.firmware != now.firmware)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => 0.0,
        n if n % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

#[cfg(test)]
mod tests {
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

    fn past(value: f64) -> Past {
        Past {
            name: String::new(),
            started: String::new(),
            firmware: String::new(),
            standing: Pass,
            cases: BTreeMap::new(),
            requirements: BTreeMap::new(),
            figures: [(("s/c".to_owned(), "settling".to_owned()), (value, "s".to_owned()))].into(),
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
            ..past(1.0)
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

    #[rstest]
    #[case(&[20.0, 20.0, 20.0], 25.9, false)]
    #[case(&[20.0, 20.0, 20.0], 26.1, true)]
    #[case(&[200.0, 200.0, 200.0], 209.0, false)]
    #[case(&[20.0, 24.0, 16.0, 22.0], 28.0, false)]
    #[case(&[20.0, 24.0, 16.0, 22.0], 40.0, true)]
    #[case(&[20.0, 20.0], 90.0, false)]
    fn a_figure_drifts_beyond_the_spread_of_the_nights_before(
        #[case] before: &[f64],
        #[case] now: f64,
        #[case] drifts_now: bool,
    ) {
        let nights: Vec<Past> = before.iter().map(|&value| past(value)).collect();
        let found = drifts(&nights, &past(now));
        assert_eq!(!found.is_empty(), drifts_now, "{found:?}");
        assert!(found.iter().all(|drift| drift.trend.len() == before.len() + 1));
    }
}
