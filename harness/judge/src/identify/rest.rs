//! Where CVL begins to fall, how it falls, where it comes to rest, and whether it drifts while nothing flows.

use proto::quantity::{Amps, Micros, Volts, VoltsPerHour};

use super::fit::{Sums, quantile, spread};
use super::samples::{Part, Row, STEP, Seen};
use crate::battery::Battery;
use crate::thresholds::fixed::CVL_STEP;

/// The highest cell as CVL first fell, of cases in which it was about the same.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Onset {
    /// median
    pub cell: Volts,
    /// half of the distance between the quartiles
    pub scatter: Volts,
    /// cases
    pub cases: usize,
}

/// A value at which CVL ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rest {
    /// CVL
    pub cvl: Volts,
    /// cases that end there
    pub cases: usize,
    /// of so many
    pub of: usize,
}

/// Steps of one size on one beat.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ramp {
    /// of each step, V
    pub step: Volts,
    /// from step to step
    pub every: Micros,
    /// steps that were seen
    pub steps: usize,
}

/// A straight line of CVL while next to nothing flows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drift {
    /// positive when it rises
    pub slope: VoltsPerHour,
    /// share that the line explains, 0 to 1
    pub straight: f64,
    /// how long it was watched
    pub length: Micros,
    /// mean current meanwhile
    pub current: Amps,
}

/// The highest cell as CVL first fell.
pub(super) fn onset(cases: &[Seen]) -> Option<Onset> {
    let mut cells: Vec<f64> = cases
        .iter()
        .filter_map(|seen| {
            let part = seen.near.first()?;
            let edge = part.edges.iter().find(|edge| edge.by < -0.5 * CVL_STEP)?;
            Some(part.rows[edge.row].cell)
        })
        .collect();
    let cases = cells.len();
    let (cell, scatter) = (quantile(&mut cells, 0.5)?, spread(&mut cells)?);
    (cases >= 3 && scatter <= 0.005).then_some(Onset { cell: Volts(cell), scatter: Volts(scatter), cases })
}

/// The value at which most cases end, though their cells do not all end alike.
pub(super) fn rest(cases: &[Seen]) -> Option<Rest> {
    let seen = cases.len();
    let ends: Vec<i64> = cases.iter().filter_map(|seen| end(seen.near.last()?)).collect();
    let count = |value: i64| ends.iter().filter(|end| **end == value).count();
    let most = ends.iter().copied().max_by_key(|value| count(*value))?;
    let cases = count(most);
    let cvl = Volts((most as f64) * CVL_STEP);
    (cases >= 3 && 3 * cases >= 2 * seen).then_some(Rest { cvl, cases, of: seen })
}

/// CVL in steps, where a part ends with ten minutes of it.
fn end(part: &Part) -> Option<i64> {
    const LASTS: usize = (600.0 / STEP) as usize;
    let last = part.rows.get(part.rows.len().checked_sub(LASTS)?..)?;
    let cvl = last.first()?.cvl;
    last.iter().all(|row| (row.cvl - cvl).abs() < 0.5 * CVL_STEP).then(|| (cvl / CVL_STEP).round() as i64)
}

/// Steps down of one size that follow each other on one beat, three at least in a row.
pub(super) fn ramp(cases: &[Seen]) -> Option<Ramp> {
    let (mut gaps, mut sizes) = (Vec::new(), Vec::new());
    for part in cases.iter().flat_map(|seen| &seen.near) {
        for three in part.edges.windows(3) {
            let [a, b] = [three[1].at - three[0].at, three[2].at - three[1].at];
            let alike = (three[1].by - three[2].by).abs() < 0.5 * CVL_STEP && three[2].by < 0.0;
            if alike && (a - b).abs() <= 1.2 && (three[0].by < 0.0) {
                gaps.push(b);
                sizes.push(three[2].by);
            }
        }
    }
    let steps = gaps.len();
    let (every, step) = (quantile(&mut gaps, 0.5)?, quantile(&mut sizes, 0.5)?);
    let (uneven, unlike) = (spread(&mut gaps)?, spread(&mut sizes)?);
    let all: usize = cases.iter().flat_map(|s| &s.near).flat_map(|p| &p.edges).filter(|e| e.by < 0.0).count();
    let steady = uneven <= 1.0 && unlike < 0.5 * CVL_STEP && 2 * steps >= all;
    (steps >= 6 && steady).then(|| Ramp {
        step: Volts(-step),
        every: Micros((every * 1e6).round() as u64),
        steps,
    })
}

/// CVL on a straight line over at least this, s.
const WATCHED: f64 = 6000.0;
/// So many steps of the wire make a line.
const STEPS: f64 = 4.0;
/// Next to nothing: such a share of the capacity in an hour.
const FLOWS: f64 = 0.02;

/// The steepest straight line of CVL in the last part of a long time in which nothing is switched and next to nothing flows.
pub(super) fn drift(cases: &[Seen], battery: &Battery) -> Option<Drift> {
    let parts = cases.iter().flat_map(|seen| &seen.quiet);
    let drifts = parts.filter_map(|part| line(part, Amps(battery.capacity.0 * FLOWS)));
    drifts.max_by(|a, b| a.slope.0.abs().total_cmp(&b.slope.0.abs()))
}

fn line(part: &Part, least: Amps) -> Option<Drift> {
    let length = (WATCHED / STEP) as usize;
    if part.rows.len() < length {
        return None;
    }
    // A ramp on its way to a rest ends: what goes on goes on to the end of the part.
    let rows = &part.rows[(part.rows.len() - length).min(part.rows.len() / 3)..];
    let fitted = |rows: &[Row]| {
        let mut sums = Sums::default();
        sums.group(rows.iter().enumerate().map(|(k, row)| [k as f64 * STEP / 3600.0, 0.0, row.cvl]))?;
        sums.one()
    };
    let fit = fitted(rows)?;
    let halves = rows.split_at(rows.len() / 2);
    let (early, late) = (fitted(halves.0)?, fitted(halves.1)?);
    let slope = fit.slope[0];
    let steady = [early, late].iter().all(|half| (half.slope[0] / slope - 1.0).abs() < 0.3);
    let current = rows.iter().map(|row| row.current).sum::<f64>() / rows.len() as f64;
    let moved = slope.abs() * rows.len() as f64 * STEP / 3600.0;
    let told = fit.explained >= 0.95 && steady && current.abs() <= least.0 && moved >= STEPS * CVL_STEP;
    told.then(|| Drift {
        slope: VoltsPerHour(slope),
        straight: fit.explained,
        length: Micros::from_secs((rows.len() as f64 * STEP) as u64),
        current: Amps(current),
    })
}
