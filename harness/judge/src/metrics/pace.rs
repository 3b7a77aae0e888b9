//! M2 and M6: how hastily CVL changes, and how large its steps are.

use proto::quantity::{Micros, Percent, Volts};

use crate::thresholds::fixed::{CVL_STEP, HASTY};
use crate::trace::Series;
use crate::window::Window;

/// M2: the intervals between changes of CVL.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Pace {
    /// changes that count
    pub changes: usize,
    /// how many of them came in less than 20 s
    pub hasty: usize,
    /// the same as a share; zero when nothing changed
    pub share: Percent,
    /// protective steps down that were exempt
    pub protective: usize,
    /// median interval between changes; zero with fewer than two
    pub median: Micros,
}

/// Counts the changes of CVL within windows. Exempt are one step down after each of `disturbances` (sorted) and one
/// at the very start, which protect the cells; and steps of 0.1 V that only undo the one before, which is how a
/// steady integrator looks on the wire.
#[must_use]
pub fn pace(cvl: &Series, windows: &[Window], disturbances: &[Micros]) -> Pace {
    let mut out = Pace::default();
    let mut intervals = Vec::new();
    let mut spent_at: Option<usize> = None;
    for (before, &[old, new]) in changes(cvl).filter(|(_, c)| windows.iter().any(|w| w.contains(c[1].0))) {
        if before.is_some_and(|v| is_dither(v, old.1, new.1)) {
            continue;
        }
        let interval = new.0.since(old.0);
        intervals.push(interval);
        out.changes += 1;
        if interval >= HASTY {
            continue;
        }
        let episode = disturbances.partition_point(|&d| d <= new.0);
        if new.1 < old.1 && spent_at != Some(episode) {
            spent_at = Some(episode);
            out.protective += 1;
        } else {
            out.hasty += 1;
        }
    }
    intervals.sort_unstable();
    out.median = intervals.get(intervals.len() / 2).copied().unwrap_or_default();
    if out.changes > 0 {
        out.share = Percent(100.0 * out.hasty as f64 / out.changes as f64);
    }
    out
}

/// M6: the largest steps of CVL within windows.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Steps {
    /// largest step up, and when
    pub up: Option<(Micros, Volts)>,
    /// largest step down, and when: a protective one is no fault
    pub down: Option<(Micros, Volts)>,
}

/// Finds the largest steps of CVL.
#[must_use]
pub fn steps(cvl: &Series, windows: &[Window]) -> Steps {
    let mut out = Steps::default();
    for (_, [old, new]) in changes(cvl).filter(|(_, c)| windows.iter().any(|w| w.contains(c[1].0))) {
        let height = Volts((new.1 - old.1).abs());
        let largest = if new.1 > old.1 { &mut out.up } else { &mut out.down };
        if largest.is_none_or(|(_, v)| height > v) {
            *largest = Some((new.0, height));
        }
    }
    out
}

type Point = (Micros, f64);

/// Every change, with the value before the old one.
fn changes(cvl: &Series) -> impl Iterator<Item = (Option<f64>, &[Point; 2])> {
    let points = cvl.points();
    (1..points.len()).filter_map(move |i| {
        let before = i.checked_sub(2).map(|b| points[b].1);
        Some((before, points[i - 1..=i].first_chunk::<2>()?))
    })
}

fn is_dither(before: f64, old: f64, new: f64) -> bool {
    (new - old).abs() < 1.5 * CVL_STEP && (new - before).abs() < 0.5 * CVL_STEP
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(points: &[(u64, f64)]) -> Series {
        let mut out = Series::default();
        points.iter().for_each(|&(t, v)| out.push(Micros::from_secs(t), v));
        out
    }
    fn all() -> [Window; 1] {
        [Window::new(Micros::ZERO, Micros::from_secs(3600))]
    }

    #[test]
    fn every_20_seconds_is_as_advised() {
        let slow: Vec<_> = (0..100).map(|k| (k * 20, 56.0 - 0.2 * (k % 3) as f64)).collect();
        let found = pace(&series(&slow), &all(), &[]);
        assert_eq!((found.hasty, found.median), (0, Micros::from_secs(20)));
        assert!(found.changes > 90);
    }

    #[test]
    fn every_second_is_not() {
        let fast: Vec<_> = (0..100).map(|k| (k, 56.0 - 0.3 * (k % 3) as f64)).collect();
        let found = pace(&series(&fast), &all(), &[]);
        assert!(found.share.0 > 95.0, "{found:?}");
        assert_eq!(found.protective, 1);
    }

    /// At 110 A the highest cell rises some 55 mV in 20 s: one fast step down is what a safe battery does.
    #[test]
    fn one_protective_step_down_after_a_disturbance_is_exempt() {
        let x = series(&[(0, 56.0), (100, 55.9), (105, 55.2), (400, 55.3), (500, 55.4), (505, 54.8)]);
        let found = pace(&x, &all(), &[Micros::from_secs(450)]);
        assert_eq!((found.hasty, found.protective), (0, 2));
        let undisturbed = pace(&x, &all(), &[]);
        assert_eq!((undisturbed.hasty, undisturbed.protective), (1, 1));
    }

    #[test]
    fn one_step_back_and_forth_is_still() {
        let dither: Vec<_> = (0..100).map(|k| (k, 55.0 + 0.1 * (k % 2) as f64)).collect();
        assert_eq!(pace(&series(&dither), &all(), &[]).changes, 1);
    }

    #[test]
    fn the_largest_steps() {
        let x = series(&[(0, 56.0), (100, 54.8), (200, 55.0), (300, 55.7), (4000, 53.0)]);
        let found = steps(&x, &all());
        let (at, up) = found.up.expect("rose");
        assert_eq!(at, Micros::from_secs(300));
        assert!((up.0 - 0.7).abs() < 1e-9);
        let (at, down) = found.down.expect("fell");
        assert_eq!(at, Micros::from_secs(100));
        assert!((down.0 - 1.2).abs() < 1e-9);
    }
}
