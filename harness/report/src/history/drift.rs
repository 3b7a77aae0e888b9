//! Figures that left the place where they stood, against the last nights and against the last firmware.

use judge::thresholds::{Sense, Thresholds};

use super::changes::{Past, Turn};
use super::figures::{PERIOD, PLATEAU};
use super::night::Standing;

/// A figure that left the place where it stood.
#[derive(Debug, Clone, PartialEq)]
pub struct Drift {
    /// `suite/case`
    pub case: String,
    /// name of the figure
    pub name: String,
    /// its unit
    pub unit: String,
    /// median of the nights that it is held against
    pub usual: f64,
    /// how far the nights lie from it: three standard deviations as their median deviation gives them, or the least that counts
    pub spread: f64,
    /// what it is now
    pub now: f64,
    /// every night that has it, the oldest first, tonight last: its place in the list of nights, and its value
    pub trend: Vec<(usize, f64)>,
}

impl Drift {
    /// Whether it moved to the better, where a limit says which way that is: a plateau or a period is neither good nor bad.
    #[must_use]
    pub fn turn(&self) -> Option<Turn> {
        let row = Thresholds::NAMES.iter().find(|row| row.name == self.name)?;
        let better = match row.sense {
            Sense::AtMost => self.now < self.usual,
            Sense::AtLeast => self.now > self.usual,
        };
        Some(if better { Turn::Better } else { Turn::Worse })
    }
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
    moved(nights, now, |_| "")
}

/// Figures of tonight that are not where they were with another firmware, as [`drifts`] gives them. One night with it is
/// enough: how far figures lie apart is known from all nights, each against those of its own firmware.
#[must_use]
pub fn drifts_from(nights: &[Past], now: &Past, firmware: &str) -> Vec<Drift> {
    let mut held = now.clone();
    firmware.clone_into(&mut held.firmware);
    moved(nights, &held, |night| &night.firmware)
}

/// Holds each figure of tonight against the nights of its group.
fn moved(nights: &[Past], now: &Past, group: impl Fn(&Past) -> &str) -> Vec<Drift> {
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
        let of = |wanted: &str| {
            let own = trend.iter().filter(|(k, _)| group(&nights[*k]) == wanted);
            median(own.map(|point| point.1).collect())
        };
        let Some(usual) = of(group(now)) else { continue };
        let off =
            trend.iter().filter_map(|(k, value)| Some((value - of(group(&nights[*k]))?).abs())).collect();
        // 1.4826 makes the median deviation of normal numbers their standard deviation.
        let spread = (3.0 * 1.4826 * median(off).unwrap_or(0.0)).max(least(name, unit, usual));
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

/// Drifts by the name of their figure, in their order; those of [`FOLLOWED`] first.
#[must_use]
pub fn by_figure(drifts: &[Drift]) -> Vec<Vec<&Drift>> {
    let mut all: Vec<Vec<&Drift>> = Vec::new();
    for drift in drifts {
        match all.iter_mut().find(|of| of[0].name == drift.name) {
            Some(of) => of.push(drift),
            None => all.push(vec![drift]),
        }
    }
    all.sort_by_key(|of| FOLLOWED.iter().position(|name| *name == of[0].name).unwrap_or(FOLLOWED.len()));
    all
}

/// What says most of a battery: plateau of CVL, how long CVL and the power fed in take to settle, how much that power
/// ripples, and the period of 0x351.
pub const FOLLOWED: [&str; 5] = [PLATEAU, "cvl-settling", "settling", "export-ripple", PERIOD];

/// The middle one; nothing of nothing.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        n if n % 2 == 1 => Some(values[middle]),
        _ => Some(f64::midpoint(values[middle - 1], values[middle])),
    }
}

#[cfg(test)]
mod tests {
    use super::super::changes::tests::past as a_night;
    use super::*;
    use rstest::rstest;

    fn past(value: f64) -> Past {
        Past {
            figures: [(("s/c".to_owned(), "settling".to_owned()), (value, "s".to_owned()))].into(),
            ..a_night()
        }
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

    #[rstest]
    // Three nights with 1.1 made its 30 s usual; against the 20 s of 1.0, of which there was one night, they moved.
    #[case(&[("1.0", 20.0), ("1.1", 30.0), ("1.1", 30.0), ("1.1", 30.0)], 30.0, false, true)]
    #[case(&[("1.0", 20.0), ("1.1", 21.0), ("1.1", 22.0), ("1.1", 21.0)], 21.0, false, false)]
    // Nights that lie 8 s apart with either firmware say nothing of 9 s.
    #[case(&[("1.0", 20.0), ("1.0", 28.0), ("1.0", 12.0), ("1.1", 21.0), ("1.1", 29.0)], 29.0, false, false)]
    #[case(&[("1.1", 20.0), ("1.1", 20.0), ("1.1", 20.0)], 90.0, true, false)]
    fn a_figure_is_held_against_the_last_firmware_too(
        #[case] before: &[(&str, f64)],
        #[case] now: f64,
        #[case] of_nights: bool,
        #[case] of_firmware: bool,
    ) {
        let night = |&(firmware, value): &(&str, f64)| Past { firmware: firmware.to_owned(), ..past(value) };
        let nights: Vec<Past> = before.iter().map(night).collect();
        let now = night(&("1.1", now));
        assert_eq!(!drifts(&nights, &now).is_empty(), of_nights);
        assert_eq!(!drifts_from(&nights, &now, "1.0").is_empty(), of_firmware);
    }

    /// From 1 to 2.
    fn drift(case: &str, name: &str) -> Drift {
        let (case, name, unit) = (case.to_owned(), name.to_owned(), "s".to_owned());
        Drift { case, name, unit, usual: 1.0, spread: 0.1, now: 2.0, trend: Vec::new() }
    }

    #[rstest]
    #[case("settling", Some(Turn::Worse))]
    #[case("cell-margin", Some(Turn::Better))]
    #[case(PLATEAU, None)]
    #[case(PERIOD, None)]
    fn a_limit_says_which_way_is_better(#[case] name: &str, #[case] turn: Option<Turn>) {
        assert_eq!(drift("s/c", name).turn(), turn);
    }

    #[test]
    fn what_is_followed_comes_first() {
        let all = [drift("a", "travel"), drift("b", "travel"), drift("c", PERIOD)];
        let told: Vec<(&str, usize)> =
            by_figure(&all).iter().map(|of| (of[0].name.as_str(), of.len())).collect();
        assert_eq!(told, [(PERIOD, 1), ("travel", 2)]);
    }
}
