//! CCL-04: CCL and DCL do not swing to and fro (P 1.5.2).

use proto::message::Limits;
use proto::quantity::Micros;

use super::Terms;
use super::moment::Largest;
use super::seen::Spot;
use crate::thresholds::fixed::{ALIKE, CYCLES, ENOUGH_FRAMES, LONGEST_CYCLE, SWING};
use crate::verdict::{Evidence, Opinion};
use crate::window::about;

/// Cycles of one length in a row.
#[derive(Debug, Clone, Copy)]
struct Train {
    from: Spot,
    to: Micros,
    cycles: u64,
    low: u16,
    high: u16,
}

impl Train {
    fn mean(&self) -> f64 {
        self.to.since(self.from.at).secs() / self.cycles.max(1) as f64
    }
}

/// How one of the two limits goes up and down.
#[derive(Debug, Clone, Default)]
struct Swing {
    largest: Largest,
    /// the lowest and the highest since it last turned
    low: u16,
    high: u16,
    rising: bool,
    /// when it last began to rise
    rose: Option<Spot>,
    train: Option<Train>,
    longest: Option<Train>,
}

impl Swing {
    #[inline]
    fn take(&mut self, raw: u16, spot: Spot) {
        self.largest.take(raw);
        let step = (u32::from(self.largest.most) * SWING / 100) as u16;
        self.low = self.low.min(raw);
        self.high = self.high.max(raw);
        if self.rising {
            if raw < self.high.saturating_sub(step) {
                self.rising = false;
                self.low = raw;
            }
        } else if raw > self.low.saturating_add(step) {
            self.rising = true;
            self.turn(spot);
            self.high = raw;
        }
    }

    /// It rises again: a cycle is over.
    fn turn(&mut self, spot: Spot) {
        let Some(before) = self.rose.replace(spot) else { return };
        let length = spot.at.since(before.at);
        let one = Train { from: before, to: spot.at, cycles: 1, low: self.low, high: self.high };
        let alike = |train: &Train| {
            let (mean, length) = (train.mean(), length.secs());
            length < mean * ALIKE && mean < length * ALIKE
        };
        self.train = (length <= LONGEST_CYCLE).then(|| match self.train.filter(|train| alike(train)) {
            Some(train) => Train {
                to: spot.at,
                cycles: train.cycles + 1,
                low: train.low.min(self.low),
                high: train.high.max(self.high),
                ..train
            },
            None => one,
        });
        if let Some(train) = self.train
            && self.longest.is_none_or(|longest| train.cycles > longest.cycles)
        {
            self.longest = Some(train);
        }
    }
}

/// CCL and DCL.
#[derive(Debug, Clone, Default)]
pub(crate) struct Alternation {
    frames: u64,
    limits: [Swing; 2],
}

impl Alternation {
    #[inline]
    pub(super) fn limits(&mut self, spot: Spot, m: &Limits) {
        self.frames += 1;
        for (swing, raw) in self.limits.iter_mut().zip([m.ccl, m.dcl]) {
            // A negative number is another fault: CCL-01, DCL-01.
            if let Some(raw) = raw.filter(|&raw| raw < 0x8000) {
                swing.take(raw, spot);
            }
        }
    }

    /// CCL-04: what CCL and DCL do, chargers and inverter follow.
    pub(crate) fn judge(&self, terms: &Terms<'_>, opinion: &mut Opinion) {
        if let Some(why) = &terms.untimed {
            opinion.unclear(format!("{why}: no period can be told"));
            return;
        }
        for (swing, name, what) in [(&self.limits[0], "CCL", "charge"), (&self.limits[1], "DCL", "discharge")]
        {
            let Some(train) = swing.longest.filter(|train| train.cycles >= CYCLES) else { continue };
            let (low, high) = (f64::from(train.low) * 0.1, f64::from(train.high) * 0.1);
            let time = about(train.to.since(train.from.at));
            opinion.show(
                Evidence::fact(
                    format!("{name} to and fro"),
                    format!("{low:.1} to {high:.1} A, {} times", train.cycles),
                )
                .against(format!("< {CYCLES} times of one length by more than {SWING} %"))
                .in_frame(Some(train.from)),
            );
            opinion.fail(format!(
                "{name} alternates between {low:.1} and {high:.1} A, {} times in {time} (every {:.1} s) from {} on: {what} \
                 is throttled with it",
                train.cycles,
                train.mean(),
                about(train.from.at)
            ));
        }
        if self.frames >= ENOUGH_FRAMES {
            opinion.pass("neither CCL nor DCL goes to and fro regularly");
        } else {
            opinion.unclear(format!(
                "{} frames of 0x351 are too few to say: {ENOUGH_FRAMES} decide",
                self.frames
            ));
        }
    }
}
