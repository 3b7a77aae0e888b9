//! How sure a rate is: exact bounds on a share of which some events were seen in some trials.
//!
//! A trial is what is decided anew: a draw of the plant, which each battery on each rig has for itself, or a battery, which somebody
//! made. The rigs as their files say, seed 1, are one draw for all. Draws say how often what the plant decides goes wrong with
//! batteries like these; batteries say how often it does with one that is not among them. Where nothing is said of which, the wider
//! of both is meant.

use std::collections::BTreeMap;

use serde::Serialize;

use super::cell::Cell;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trial {
    /// draws of the plant
    Draw,
    /// batteries
    Battery,
}

/// How often the judge was wrong, by both kinds of trials.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Rates {
    /// the one that promises less
    #[serde(flatten)]
    pub wide: Rate,
    /// a battery counts where it happened in any of its cells
    pub by_batteries: Rate,
    /// a draw of the plant counts where it happened in any cell of it
    pub by_draws: Rate,
}

impl Rates {
    /// Cells, and whether it happened in each.
    pub(super) fn of<'c>(cells: impl Iterator<Item = (&'c Cell, bool)>) -> Self {
        let mut batteries: BTreeMap<&str, bool> = BTreeMap::new();
        let mut draws: BTreeMap<Option<(&str, &str, u64)>, bool> = BTreeMap::new();
        for (cell, happened) in cells {
            *batteries.entry(&cell.battery).or_default() |= happened;
            // The rigs as their files say are the same for all batteries.
            let draw = (cell.seed != 1).then_some((&*cell.battery, &*cell.rig, cell.seed));
            *draws.entry(draw).or_default() |= happened;
        }
        let rate = |of, trials: Vec<bool>| {
            Rate::of(of, trials.iter().filter(|happened| **happened).count() as u64, trials.len() as u64)
        };
        let by_batteries = rate(Trial::Battery, batteries.into_values().collect());
        let by_draws = rate(Trial::Draw, draws.into_values().collect());
        let wide = if by_draws.at_most > by_batteries.at_most { by_draws } else { by_batteries };
        Self { wide, by_batteries, by_draws }
    }
}

/// Events in trials, with the bounds of Clopper and Pearson (Biometrika 26, 1934): exact, never too narrow.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Rate {
    /// what a trial is
    pub of: Trial,
    /// how often it happened
    pub events: u64,
    /// how often it could have
    pub trials: u64,
    /// lower end of the two-sided 95 % interval, as a share
    pub low: f64,
    /// upper end of it
    pub high: f64,
    /// one-sided 95 % upper bound: what can be promised. About 3/n where nothing happened in n trials.
    pub at_most: f64,
}

impl Rate {
    /// So many events in so many trials.
    #[must_use]
    pub fn of(of: Trial, events: u64, trials: u64) -> Self {
        let events = events.min(trials);
        Self {
            of,
            events,
            trials,
            low: lower(events, trials, 0.025),
            high: upper(events, trials, 0.025),
            at_most: upper(events, trials, 0.05),
        }
    }
}

/// The share at which so few events would be seen with probability `tail` only.
fn upper(events: u64, trials: u64, tail: f64) -> f64 {
    if events >= trials { 1.0 } else { solve(|share| at_most(events, trials, share) > tail) }
}

/// The share at which so many events would be seen with probability `tail` only.
fn lower(events: u64, trials: u64, tail: f64) -> f64 {
    if events == 0 { 0.0 } else { solve(|share| 1.0 - at_most(events - 1, trials, share) < tail) }
}

/// The share up to which `holds`: halved until nothing is left between.
fn solve(holds: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if holds(middle) { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// Probability of at most so many events: the binomial sum, in logarithms, because its terms leave the range of
/// numbers from some thousand trials on.
fn at_most(events: u64, trials: u64, share: f64) -> f64 {
    let odds = (share / (1.0 - share)).ln();
    let mut term = trials as f64 * (1.0 - share).ln();
    let mut sum = term;
    for i in 0..events {
        term += ((trials - i) as f64 / (i + 1) as f64).ln() + odds;
        let (small, large) = if term < sum { (term, sum) } else { (sum, term) };
        sum = large + (small - large).exp().ln_1p();
    }
    sum.exp()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    /// `scipy.stats.binomtest(k, n).proportion_ci(0.95, "exact")`, and with `alternative="less"` for the last.
    #[rstest]
    #[case(0, 50, 0.0, 0.07112173646420458, 0.05815507911697595)]
    #[case(1, 50, 0.0005062279831152354, 0.10646954571150097, 0.0913981307196973)]
    #[case(3, 50, 0.01254858783533406, 0.1654819466037729, 0.1478371763641841)]
    #[case(50, 50, 0.9288782635357954, 1.0, 1.0)]
    #[case(0, 100, 0.0, 0.03621669264519054, 0.02951304960715664)]
    #[case(2, 4300, 5.63327033602653e-05, 0.00167913949870437, 0.0014634068702915285)]
    #[case(137, 6000, 0.01920384169736575, 0.026936360430092073, 0.026266402106853663)]
    #[case(5999, 6000, 0.9990717464624074, 0.999995780374253, 0.9999914511541366)]
    #[case(0, 1, 0.0, 0.975, 0.95)]
    fn known_intervals(
        #[case] events: u64,
        #[case] trials: u64,
        #[case] low: f64,
        #[case] high: f64,
        #[case] at_most: f64,
    ) {
        let rate = Rate::of(Trial::Draw, events, trials);
        for (found, known) in [(rate.low, low), (rate.high, high), (rate.at_most, at_most)] {
            assert!((found - known).abs() < 1e-9, "{events} in {trials}: {found}, known is {known}");
        }
    }

    proptest! {
        #[test]
        fn the_rate_lies_between_its_bounds(trials in 1_u64..3000, share in 0.0..1.0_f64) {
            let events = (share * trials as f64) as u64;
            let rate = Rate::of(Trial::Draw, events, trials);
            let seen = events as f64 / trials as f64;
            prop_assert!(rate.low <= seen && seen <= rate.high, "{rate:?}");
            prop_assert!(rate.at_most <= rate.high && rate.at_most >= seen);
            prop_assert!(Rate::of(Trial::Draw, events, trials + 1).high < rate.high || events == trials);
        }

        #[test]
        fn nothing_in_n_trials_is_the_rule_of_three(trials in 30_u64..5000) {
            let exact = 1.0 - 0.05_f64.powf(1.0 / trials as f64);
            let rate = Rate::of(Trial::Draw, 0, trials);
            prop_assert!((rate.at_most - exact).abs() < 1e-12);
            prop_assert!((rate.at_most * trials as f64 - 3.0).abs() < 0.15);
        }
    }
}
