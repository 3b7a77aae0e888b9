//! What the folds keep of frames: where, how often, how low and how high.

use proto::frame::Frame;
use proto::quantity::Micros;

use crate::verdict::Evidence;

/// Where a frame was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spot {
    /// when
    pub at: Micros,
    /// the line of the log, where it came from one
    pub line: Option<u64>,
    /// the frame itself, so that evidence can show it
    pub frame: Option<Frame>,
}

impl Spot {
    /// Of a frame that is yet to be taken: the fold adds the frame.
    #[must_use]
    pub const fn new(at: Micros, line: Option<u64>) -> Self {
        Self { at, line, frame: None }
    }
}

impl Evidence {
    /// Seen in a frame.
    #[must_use]
    pub(super) fn in_frame(mut self, spot: Option<Spot>) -> Self {
        if let Some(spot) = spot {
            self = self.seen(spot.at, spot.line);
            self.frame = spot.frame;
        }
        self
    }
}

/// How often something was seen, where first, and when last.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    pub(super) count: u64,
    pub(super) first: Option<Spot>,
    pub(super) last: Micros,
}

impl Tally {
    #[inline]
    pub(super) fn hit(&mut self, spot: Spot) {
        self.count += 1;
        self.first.get_or_insert(spot);
        self.last = spot.at;
    }

    #[inline]
    pub(super) fn hit_if(&mut self, condition: bool, spot: Spot) {
        if condition {
            self.hit(spot);
        }
    }

    pub(super) fn any(&self) -> bool {
        self.count > 0
    }

    /// As evidence, pointing at the first one.
    pub(super) fn evidence(&self, what: &str) -> Evidence {
        let count = format!("{} frame{}", self.count, if self.count == 1 { "" } else { "s" });
        Evidence::fact(what, count).in_frame(self.first)
    }

    /// `at 0:00:10` or `in line 7`: where the first one is.
    pub(super) fn place(&self) -> String {
        match self.first {
            Some(Spot { line: Some(line), .. }) => format!("first in line {line}"),
            Some(Spot { at, .. }) => format!("first at {at}"),
            None => "nowhere".to_owned(),
        }
    }
}

/// The lowest and the highest value, and where.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Range {
    low: Option<(f64, Spot)>,
    high: Option<(f64, Spot)>,
}

impl Range {
    #[inline]
    pub(super) fn take(&mut self, value: f64, spot: Spot) {
        if self.low.is_none_or(|(low, _)| value < low) {
            self.low = Some((value, spot));
        }
        if self.high.is_none_or(|(high, _)| value > high) {
            self.high = Some((value, spot));
        }
    }

    pub(super) fn bounds(&self) -> Option<(f64, f64)> {
        Some((self.low?.0, self.high?.0))
    }

    /// Where the highest value was first.
    pub(super) fn highest(&self) -> Option<Spot> {
        Some(self.high?.1)
    }

    /// Where the lowest value was first.
    pub(super) fn lowest(&self) -> Option<Spot> {
        Some(self.low?.1)
    }

    pub(super) fn evidence(&self, what: &str, unit: &str) -> Option<Evidence> {
        let (low, high) = self.bounds()?;
        let text =
            if high - low < 1e-9 { format!("{low} {unit}") } else { format!("{low} to {high} {unit}") };
        Some(Evidence::fact(what, text))
    }
}
