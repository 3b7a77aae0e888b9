//! The tolerance tube: whether two traces of CVL are the same but for a little voltage and a little time.
//!
//! A battery never repeats itself sample by sample. Two traces match when they can be walked through together, neither
//! ever backwards, never further apart in time than the lag and never further apart in voltage than the tolerance: the
//! Fréchet distance of two signals within a band (Alt and Godau 1995; for samples, Eiter and Mannila 1994). A trace holds
//! its value between two frames, so what is walked through are the signals, not their samples: a lost frame, a jitter or
//! another phase of the period is no difference. Every part of either trace needs a partner, so a step that is missing is
//! found like one too many.
//!
//! Silence is compared first: a value that nobody sent is no evidence.

mod band;
mod steps;
#[cfg(test)]
mod tests;
mod text;
mod walk;

use proto::quantity::Micros;

pub use band::{Band, Bound};
pub use steps::Steps;
pub use text::TraceError;

use crate::window::Window;

/// How far two traces may be apart and still match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tolerance {
    /// voltage, in steps of the wire: 0.1 V (P 2 §0x351)
    pub decivolts: i32,
    /// how far one may lead or lag
    pub lag: Micros,
}

impl Tolerance {
    /// The tightest there is. A value between two steps of the wire may be sent as either. A frame comes once a second
    /// (P 1.4), and a few of them may be lost: 5 s, half of what counts as silence.
    pub const LEAST: Self = Self { decivolts: 1, lag: Micros::from_secs(5) };

    /// The longest lag that is tried: what comes later than this has another cause.
    pub const MOST_LAG: Micros = Micros::from_secs(120);

    /// From so many repeat runs on, how far they are apart is widened only by what rounding may hide.
    pub const ENOUGH: usize = 8;

    /// The spread of repeat runs, widened by how few they are: the range of a few is no bound, the next run falls outside
    /// it again and again. Two results differ by no more than 2.8 standard deviations with 95 % (the repeatability limit,
    /// ISO 5725-6), and the range of n results is d2(n) standard deviations wide in the mean (ISO 7870-2). Rounded up to
    /// a step of the wire, and one step more, for both ends of the range were rounded to one. The lag is no longer than
    /// [`Self::MOST_LAG`]. One run has no spread.
    #[must_use]
    pub fn widened(self, runs: usize) -> Self {
        /// 2.8 standard deviations, in thousandths of one.
        const LIMIT: u64 = 2_800;
        /// d2 of 2 to 7 results, in thousandths; from 8 on it is more than the limit.
        const MEAN_RANGE: [u64; Tolerance::ENOUGH - 2] = [1_128, 1_693, 2_059, 2_326, 2_534, 2_704];
        let Some(few) = runs.checked_sub(2) else { return self };
        let mean = MEAN_RANGE.get(few).copied().unwrap_or(LIMIT);
        let decivolts = (u64::from(self.decivolts.unsigned_abs()) * LIMIT).div_ceil(mean) + 1;
        // As golden files have it, to a tenth of a second.
        let lag = self.lag.0.saturating_mul(LIMIT).div_ceil(mean).next_multiple_of(100_000);
        Self {
            decivolts: i32::try_from(decivolts).unwrap_or(i32::MAX),
            lag: Micros(lag).min(Self::MOST_LAG).max(self.lag),
        }
    }

    /// The wider of two, in each direction.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self { decivolts: self.decivolts.max(other.decivolts), lag: self.lag.max(other.lag) }
    }
}

/// How two traces differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mismatch {
    /// One was silent where the other was not: they cannot be compared.
    Silence {
        /// when
        window: Window,
        /// it is the new trace that was silent, not the golden one
        new: bool,
    },
    /// Their values are apart.
    Apart(Apart),
}

/// Where two traces part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Apart {
    /// the first moment that cannot be matched
    pub at: Micros,
    /// the golden value there, in 0.1 V; nothing where that trace is over
    pub golden: Option<i32>,
    /// the new value there, in 0.1 V; nothing where that trace is over
    pub new: Option<i32>,
    /// the voltage that it would have taken at this lag, in 0.1 V; nothing where none does, for one trace ends or begins
    /// later
    pub needed: Option<i32>,
    /// the lag that it would have taken at this voltage; nothing where even [`Tolerance::MOST_LAG`] is too short
    pub needed_lag: Option<Micros>,
}

/// Holds a new trace against a golden one.
///
/// # Errors
/// With how they differ.
pub fn compare(golden: &Steps, new: &Steps, within: Tolerance) -> Result<(), Mismatch> {
    silences(golden, new, within.lag)?;
    let reached = walk::walk(golden, new, within);
    if reached.whole {
        return Ok(());
    }
    let at = reached.golden.min(reached.new);
    Err(Mismatch::Apart(Apart {
        at,
        golden: golden.at(at),
        new: new.at(at),
        needed: needed(golden, new, within.lag),
        needed_lag: needed_lag(golden, new, within.decivolts),
    }))
}

/// The least voltage in 0.1 V at which two traces match with this lag; nothing where none does, for they do not begin
/// and end together.
#[must_use]
pub fn needed(golden: &Steps, new: &Steps, lag: Micros) -> Option<i32> {
    let ((low, high), (other_low, other_high)) = (golden.range(), new.range());
    let all = high.max(other_high) - low.min(other_low);
    least(0, i64::from(all), |decivolts| {
        let decivolts = i32::try_from(decivolts).unwrap_or(i32::MAX);
        walk::walk(golden, new, Tolerance { decivolts, lag }).whole
    })
    .and_then(|decivolts| i32::try_from(decivolts).ok())
}

/// The least lag, to a tenth of a second, at which two traces match within this voltage; nothing above
/// [`Tolerance::MOST_LAG`].
#[must_use]
pub fn needed_lag(golden: &Steps, new: &Steps, decivolts: i32) -> Option<Micros> {
    const TENTH: u64 = 100_000;
    let lag = |tenths: i64| Micros(tenths.unsigned_abs() * TENTH);
    let most = i64::try_from(Tolerance::MOST_LAG.0 / TENTH).unwrap_or(i64::MAX);
    least(0, most, |tenths| walk::walk(golden, new, Tolerance { decivolts, lag: lag(tenths) }).whole).map(lag)
}

/// How far traces of the same battery are apart: the least voltage at which all of them match each other with any lag
/// that is tried, but no less than the wire resolves, and the least lag that this takes.
///
/// # Errors
/// With the places of two traces that no tolerance makes match, and why.
pub fn spread(traces: &[Steps]) -> Result<Tolerance, (usize, usize, Mismatch)> {
    let pairs = || (0..traces.len()).flat_map(|i| (0..i).map(move |j| (j, i)));
    let mut spread = Tolerance { decivolts: 0, lag: Micros::ZERO };
    for (i, j) in pairs() {
        let widest = Tolerance { decivolts: Tolerance::LEAST.decivolts, lag: Tolerance::MOST_LAG };
        match compare(&traces[i], &traces[j], widest) {
            Ok(()) => {}
            Err(Mismatch::Apart(Apart { needed: Some(needed), .. })) => {
                spread.decivolts = spread.decivolts.max(needed);
            }
            Err(other) => return Err((i, j, other)),
        }
    }
    let decivolts = spread.decivolts.max(Tolerance::LEAST.decivolts);
    for (i, j) in pairs() {
        let lag = needed_lag(&traces[i], &traces[j], decivolts).unwrap_or(Tolerance::MOST_LAG);
        spread.lag = spread.lag.max(lag);
    }
    // What is within the resolution of the wire is told as it is.
    if spread.decivolts == 0 {
        let apart = pairs().filter_map(|(i, j)| needed(&traces[i], &traces[j], spread.lag));
        spread.decivolts = apart.max().unwrap_or(0);
    }
    Ok(spread)
}

/// The least number of a range at which a condition holds that stays true above it.
fn least(mut low: i64, mut high: i64, holds: impl Fn(i64) -> bool) -> Option<i64> {
    if !holds(high) {
        return None;
    }
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) { high = middle } else { low = middle + 1 }
    }
    Some(high)
}

/// Each silence of one trace needs one of the other, both ends within the lag.
fn silences(golden: &Steps, new: &Steps, lag: Micros) -> Result<(), Mismatch> {
    let close = |a: Micros, b: Micros| a.0.abs_diff(b.0) <= lag.0;
    let (ours, theirs) = (golden.silences(), new.silences());
    for k in 0..ours.len().max(theirs.len()) {
        let (window, new) = match (ours.get(k), theirs.get(k)) {
            (Some(a), Some(b)) if close(a.from, b.from) && close(a.to, b.to) => continue,
            // The earlier of the two has no partner.
            (Some(a), Some(b)) if b.from < a.from => (*b, true),
            (Some(a), _) => (*a, false),
            (None, Some(b)) => (*b, true),
            (None, None) => break,
        };
        return Err(Mismatch::Silence { window, new });
    }
    Ok(())
}
