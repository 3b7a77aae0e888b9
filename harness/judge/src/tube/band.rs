//! The tube itself: where a partner of each moment of a trace can be. What is drawn is what [`compare`](super::compare)
//! allows, value by value; that the values must also come in order no drawing shows.

use proto::quantity::Micros;

use super::{Steps, Tolerance};
use crate::window::Window;

/// The values that have a partner in a trace, over time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Band {
    bounds: Vec<Bound>,
    end: Micros,
}

/// What has a partner from a moment on, until the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// from when on
    pub from: Micros,
    /// the lowest value, in 0.1 V
    pub low: i32,
    /// the highest value, in 0.1 V
    pub high: i32,
}

impl Band {
    /// The tube around a trace: at each moment from the lowest to the highest value that the trace has within the lag
    /// before and after it, wider by the voltage.
    #[must_use]
    pub fn around(trace: &Steps, within: Tolerance) -> Self {
        let points = trace.points();
        let ends = |k: usize| points.get(k + 1).map_or(trace.end(), |next| next.0) + within.lag;
        let begins = |k: usize| points[k].0.since(within.lag);
        let mut times: Vec<Micros> = (0..points.len()).flat_map(|k| [begins(k), ends(k)]).collect();
        times.sort_unstable();
        times.dedup();
        let end = times.pop().unwrap_or_default();
        let mut bounds: Vec<Bound> = Vec::new();
        let mut first = 0;
        for from in times {
            while ends(first) <= from {
                first += 1;
            }
            let near = (first..points.len()).take_while(|&k| begins(k) <= from).map(|k| points[k].1);
            let (low, high) = near.fold((i32::MAX, i32::MIN), |(low, high), v| (low.min(v), high.max(v)));
            let bound = Bound {
                from,
                low: low.saturating_sub(within.decivolts),
                high: high.saturating_add(within.decivolts),
            };
            if bounds.last().is_none_or(|last| (last.low, last.high) != (bound.low, bound.high)) {
                bounds.push(bound);
            }
        }
        Self { bounds, end }
    }

    /// Its bounds in the order of time; never empty.
    #[must_use]
    pub fn bounds(&self) -> &[Bound] {
        &self.bounds
    }

    /// Where it ends.
    #[must_use]
    pub const fn end(&self) -> Micros {
        self.end
    }

    /// The stretches of a trace that have no partner, in the order of time.
    #[must_use]
    pub fn without(&self, trace: &Steps) -> Vec<Window> {
        let mut times: Vec<Micros> = trace.points().iter().map(|point| point.0).collect();
        let begin = times.first().copied().unwrap_or_default();
        times.extend(self.bounds.iter().map(|bound| bound.from).chain([self.end]));
        times.retain(|&at| begin <= at && at < trace.end());
        times.sort_unstable();
        times.dedup();
        times.push(trace.end());
        let mut without: Vec<Window> = Vec::new();
        for pair in times.windows(2) {
            let (from, to) = (pair[0], pair[1]);
            if trace.at(from).is_none_or(|value| self.holds(from, value)) {
                continue;
            }
            match without.last_mut() {
                Some(last) if last.to == from => last.to = to,
                _ => without.push(Window { from, to }),
            }
        }
        without
    }

    /// Whether a value has a partner right after a moment.
    fn holds(&self, at: Micros, value: i32) -> bool {
        let after = self.bounds.partition_point(|bound| bound.from <= at);
        at < self.end
            && after
                .checked_sub(1)
                .map(|k| self.bounds[k])
                .is_some_and(|bound| bound.low <= value && value <= bound.high)
    }
}
