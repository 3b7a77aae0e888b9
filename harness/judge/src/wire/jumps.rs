//! SOC-04: the state of charge makes no jump that current cannot explain (P 2 §0x355).

use proto::message::StateOfCharge;
use proto::quantity::Percent;

use super::Terms;
use super::moment::told;
use super::seen::{Spot, Tally};
use crate::thresholds::Thresholds;
use crate::thresholds::fixed::{ENOUGH_FRAMES, SOON};
use crate::verdict::{Evidence, Opinion};

/// A jump by more than this, %.
const JUMP: f64 = Thresholds::DEFAULT.soc_jump.limit.0;

/// The state of charge over the last ten seconds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Jumps {
    frames: u64,
    last: Option<(f64, Spot)>,
    /// an older one, up to ten seconds old
    earlier: Option<(f64, Spot)>,
    /// where it stood before the last jump, until that is ten seconds ago
    before: Option<(f64, Spot)>,
    jumps: Tally,
    /// jumps that were taken back within ten seconds, and from where to where the first went
    glitches: Tally,
    glitch: Option<(f64, f64)>,
    /// from where to where the largest went
    largest: Option<(f64, f64, Spot)>,
    /// the one before the last, and single frames that both neighbours contradict, whenever they came
    second: Option<f64>,
    lone: Tally,
    first_lone: Option<(f64, f64)>,
}

impl Jumps {
    #[inline]
    pub(super) fn state(&mut self, spot: Spot, m: &StateOfCharge) {
        let Some(soc) = told(m) else { return };
        self.frames += 1;
        if let (Some(second), Some((last, at))) = (self.second, self.last)
            && (soc - second).abs() <= 1.0
            && (last - second).abs() > JUMP
        {
            self.lone.hit(at);
            self.first_lone.get_or_insert((second, last));
        }
        self.second = self.last.map(|(last, _)| last);
        let near = |then: Spot| spot.at.since(then.at) <= SOON;
        if let Some((last, at)) = self.last {
            // A frame after a hole in the log may be anything.
            if !near(at) {
                (self.earlier, self.before) = (None, None);
            } else if (soc - last).abs() > JUMP {
                self.jump(last, soc, spot);
            } else if let Some((earlier, _)) =
                self.earlier.filter(|&(earlier, at)| near(at) && (soc - earlier).abs() > JUMP)
            {
                self.jump(earlier, soc, spot);
            }
        }
        if self.earlier.is_none_or(|(_, at)| !near(at)) {
            self.earlier = self.last.or(Some((soc, spot)));
        }
        self.last = Some((soc, spot));
    }

    fn jump(&mut self, from: f64, to: f64, spot: Spot) {
        // Back to where it stood: the jump before was a glitch.
        if let Some((before, at)) = self.before.take()
            && spot.at.since(at.at) <= SOON
            && (to - before).abs() <= JUMP
        {
            self.glitches.hit(at);
            self.glitch.get_or_insert((before, from));
        } else {
            self.jumps.hit(spot);
            self.before = Some((from, spot));
        }
        if self.largest.is_none_or(|(a, b, _)| (to - from).abs() > (b - a).abs()) {
            self.largest = Some((from, to, spot));
        }
        self.earlier = Some((to, spot));
    }

    /// SOC-04.
    pub(crate) fn judge(&self, terms: &Terms<'_>, opinion: &mut Opinion) {
        if let Some(why) = &terms.untimed {
            if let Some((around, odd)) = self.first_lone {
                opinion.show(
                    self.lone.evidence("single frames that both neighbours contradict").against("none"),
                );
                opinion.fail(format!(
                    "the state of charge jumps and comes back {} times, such as {around}-{odd}-{around} %, {}: single \
                     wrong frames (glitches)",
                    self.lone.count,
                    self.lone.place()
                ));
            }
            opinion.unclear(format!("{why}: how fast the state of charge moves cannot be told"));
            return;
        }
        let limit = terms.thresholds.soc_jump;
        if let Some((from, to, spot)) = self.largest {
            let size = Percent((to - from).abs());
            opinion.show(
                Evidence::fact(
                    "largest change of the state of charge within 10 s",
                    format!("{from} to {to} %"),
                )
                .against(format!("≤ {}", limit.limit))
                .measured(size, limit)
                .in_frame(Some(spot)),
            );
            let lasting = self.jumps.count - self.glitches.count;
            if self.glitches.any() {
                let (before, odd) = self.glitch.unwrap_or_default();
                opinion.fail(format!(
                    "the state of charge jumps and comes back {} times, such as {before}-{odd}-{before} %, {}: single \
                     wrong frames (glitches)",
                    self.glitches.count,
                    self.glitches.place()
                ));
            }
            if lasting > 0 {
                opinion.fail(format!(
                    "the state of charge jumps from {from} to {to} % within 10 s, which no current explains; {lasting} \
                     such jumps, {}",
                    self.jumps.place()
                ));
            }
        } else if self.frames >= ENOUGH_FRAMES {
            opinion.pass(format!("the state of charge makes no jump in {} frames", self.frames));
        } else {
            opinion.unclear(format!(
                "{} frames of 0x355 are too few to say: {ENOUGH_FRAMES} decide",
                self.frames
            ));
        }
    }
}
