//! What was sent with one identifier: how often, at what gaps, how long, what last. Constant memory for each.

use proto::frame::Frame;
use proto::quantity::Micros;

use super::seen::Spot;

/// Everything kept of one 11-bit identifier.
#[derive(Debug, Clone)]
pub struct Sent {
    /// the identifier
    pub id: u16,
    /// how many frames
    pub count: u64,
    /// the first of them
    pub first: Spot,
    /// the last of them
    pub last: Spot,
    /// the smallest and the largest number of data bytes
    pub lengths: (u8, u8),
    /// every bit that was ever set, bytes that were not sent being zero
    pub ever_set: [u8; 8],
    /// the time from frame to frame
    pub gaps: Gaps,
}

impl Sent {
    #[inline]
    pub(super) fn new(id: u16, spot: Spot, frame: &Frame) -> Self {
        let lengths = (frame.dlc(), frame.dlc());
        let ever_set = frame.padded();
        Self { id, count: 1, first: spot, last: spot, lengths, ever_set, gaps: Gaps::default() }
    }

    #[inline]
    pub(super) fn again(&mut self, spot: Spot, frame: &Frame) {
        self.gaps.take(spot.at.since(self.last.at));
        self.count += 1;
        self.last = spot;
        self.lengths = (self.lengths.0.min(frame.dlc()), self.lengths.1.max(frame.dlc()));
        self.ever_set =
            (u64::from_ne_bytes(self.ever_set) | u64::from_ne_bytes(frame.padded())).to_ne_bytes();
    }

    /// Mean time from frame to frame; nothing for a single one.
    #[must_use]
    pub fn mean_gap(&self) -> Option<Micros> {
        Some(Micros(self.last.at.since(self.first.at).0.checked_div(self.count - 1)?))
    }
}

/// A histogram of gaps: eight bins for each doubling from 1 ms to four minutes, and the mean within each bin.
#[derive(Debug, Clone)]
pub struct Gaps {
    counts: [u32; Self::BINS],
    sums: [u64; Self::BINS],
    /// the shortest and the longest
    range: Option<(Micros, Micros)>,
}

impl Default for Gaps {
    fn default() -> Self {
        Self { counts: [0; Self::BINS], sums: [0; Self::BINS], range: None }
    }
}

impl Gaps {
    const BINS: usize = 1 + 18 * 8;
    /// 2^10 µs is about 1 ms; what is shorter shares the first bin.
    const FIRST_OCTAVE: u32 = 10;

    #[inline]
    fn take(&mut self, gap: Micros) {
        let octave = gap.0.checked_ilog2().unwrap_or(0);
        let bin = match octave.checked_sub(Self::FIRST_OCTAVE) {
            Some(above) => 1 + above as usize * 8 + (gap.0 >> (octave - 3) & 7) as usize,
            None => 0,
        }
        .min(Self::BINS - 1);
        self.counts[bin] = self.counts[bin].saturating_add(1);
        self.sums[bin] += gap.0;
        let (low, high) = self.range.unwrap_or((gap, gap));
        self.range = Some((low.min(gap), high.max(gap)));
    }

    /// The shortest and the longest gap.
    #[must_use]
    pub fn range(&self) -> Option<(Micros, Micros)> {
        self.range
    }

    /// The gap that half of all do not exceed: the mean of its bin, which is right to some per cent, and exact where
    /// all gaps are nearly the same.
    #[must_use]
    pub fn median(&self) -> Option<Micros> {
        let total: u64 = self.counts.iter().map(|&c| u64::from(c)).sum();
        let mut seen = 0;
        for (&count, &sum) in self.counts.iter().zip(&self.sums) {
            seen += u64::from(count);
            if count > 0 && 2 * seen >= total {
                return Some(Micros(sum / u64::from(count)));
            }
        }
        None
    }

    /// The counts from the shortest gap to the longest in at most so many columns, each as wide as its neighbour
    /// on a logarithmic scale.
    #[must_use]
    pub fn columns(&self, most: usize) -> Vec<u64> {
        let used = |&bin: &usize| self.counts[bin] > 0;
        let (Some(from), Some(to)) = ((0..Self::BINS).find(used), (0..Self::BINS).rev().find(used)) else {
            return Vec::new();
        };
        let wide = (to - from + 1).div_ceil(most.max(1));
        let of = |bins: &[u32]| bins.iter().map(|&c| u64::from(c)).sum();
        self.counts[from..=to].chunks(wide).map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn gaps(millis: &[u64]) -> Gaps {
        let mut gaps = Gaps::default();
        millis.iter().for_each(|&ms| gaps.take(Micros::from_millis(ms)));
        gaps
    }

    #[test]
    fn equal_gaps_are_exact() {
        let second = gaps(&[1000; 50]);
        assert_eq!(second.median(), Some(Micros::from_secs(1)));
        assert_eq!(second.columns(12), [50]);
        assert_eq!(Gaps::default().median(), None);
        assert!(Gaps::default().columns(12).is_empty());
    }

    #[test]
    fn a_stall_shows_at_the_far_end() {
        let stalled = gaps(&[[1000; 30].as_slice(), &[3000]].concat());
        assert_eq!(stalled.median(), Some(Micros::from_secs(1)));
        let columns = stalled.columns(12);
        assert_eq!((columns[0], columns.last()), (30, Some(&1)));
        assert!(columns.len() > 2 && columns.len() <= 12, "{columns:?}");
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_the_median_is_near(mut millis in proptest::collection::vec(2u64..200_000, 1..200), most in 1usize..40) {
            let found = gaps(&millis);
            millis.sort_unstable();
            let exact = millis[(millis.len() - 1) / 2] as f64 / 1e3;
            let median = found.median().expect("at least one").secs();
            prop_assert!((median / exact - 1.0).abs() < 0.13, "{median} {exact}");
            let columns = found.columns(most);
            prop_assert!(columns.len() <= most);
            prop_assert_eq!(columns.iter().sum::<u64>(), millis.len() as u64);
        }
    }
}
