//! CCL-02 as far as a log alone tells: what CCL does in a full battery (P 1.5.2, P 1.5.3).

use proto::message::Limits;
use proto::quantity::Micros;

use super::Terms;
use super::moment::{Full, Moment};
use super::seen::{Spot, Tally};
use super::spell::Spell;
use crate::thresholds::fixed::{ENOUGH_FRAMES, NO_CCL};
use crate::verdict::Opinion;

/// What CCL did while the battery was full and protected nothing.
#[derive(Debug, Clone, Default)]
pub(super) struct FullCcl {
    frames: u64,
    /// CCL at 0, or near it by what was the largest until then
    near: Tally,
    outage: Spell,
    /// the lowest CCL, which may turn out to be near 0 when a larger one comes later
    lowest: Option<u16>,
    low: Spell,
    /// what made the battery full while CCL was near 0
    why: [u64; 4],
}

/// Whether a CCL is 0 or near it, of a largest one.
#[inline]
fn is_near_zero(ccl: u16, most: u16) -> bool {
    ccl == 0 || u32::from(ccl) * 100 < u32::from(most) * NO_CCL
}

impl FullCcl {
    /// A 0x351 that held for a while, in a battery that is full for a reason, or is not.
    #[inline]
    pub(super) fn take(&mut self, m: &Limits, full: Option<Full>, now: &Moment, spot: Spot, held: Micros) {
        let (Some(full), Some(ccl)) = (full, m.ccl) else {
            self.outage.take(false, spot, held);
            self.low.take(false, spot, held);
            return;
        };
        self.frames += 1;
        let near = is_near_zero(ccl, now.ccl.most);
        if near {
            self.near.hit(spot);
            self.why[full as usize] += 1;
        }
        self.outage.take(near, spot, held);
        if self.lowest.is_none_or(|lowest| ccl < lowest) {
            self.lowest = Some(ccl);
            self.low = Spell::default();
        }
        self.low.take(self.lowest == Some(ccl), spot, held);
    }

    pub(super) fn end(&mut self) {
        self.outage.end();
        self.low.end();
    }

    /// CCL-02: *"Our advice is to avoid sending CCL=0 when the battery is full. Send a reduced CVL instead"*.
    pub(crate) fn judge(&self, most: u16, terms: &Terms<'_>, opinion: &mut Opinion) {
        let (full, near) = (self.frames, self.near.count);
        if full == 0 {
            opinion.unclear(
                "the battery never was full (state of charge of 99 % or more, CVL reduced, highest cell in the charge \
                 knee, or voltage at CVL with the current ended) without an active alarm; a log with a full battery \
                 decides",
            );
            return;
        }
        let share = 100.0 * near as f64 / full as f64;
        let limit = terms.thresholds.ccl_outage.limit;
        opinion.show(
            self.near
                .evidence(
                    "CCL at 0 or below 2 % of its largest value, in a full battery that protects nothing",
                )
                .against(format!("≤ {limit} of {full} frames")),
        );
        let why = Full::ALL.into_iter().filter(|&why| self.why[why as usize] > 0).map(Full::words);
        let why = why.collect::<Vec<_>>().join(", or ");
        let what = match self.lowest {
            Some(lowest) if lowest > 0 => format!("CCL is near 0 ({:.1} A)", f64::from(lowest) * 0.1),
            _ => "CCL is 0".to_owned(),
        };
        let low = self.lowest.filter(|&lowest| is_near_zero(lowest, most)).map(|_| &self.low);
        let outage = [Some(&self.outage), low].into_iter().flatten().find(|spell| spell.is_long(terms));
        if let Some(outage) = outage {
            outage.evidence("CCL at or near 0 in a full battery at a stretch", terms).into_iter().for_each(
                |e| {
                    opinion.show(e);
                },
            );
        }
        if near >= 3 && share > limit.0 {
            opinion.fail(format!(
                "{what} in {near} of {full} frames while the battery is full and no alarm is active ({why}), {}: solar \
                 chargers are curtailed; reduce CVL instead",
                self.near.place()
            ));
        } else if let Some(outage) = outage {
            opinion.fail(format!(
                "{what} {} while the battery is full and no alarm is active: a minute at a stretch is an outage, \
                 however rare; solar chargers are curtailed; reduce CVL instead",
                outage.words(terms)
            ));
        } else if full >= ENOUGH_FRAMES {
            opinion.pass(format!("CCL is at or near 0 in {near} of {full} frames of the full battery"));
        } else if near > 0 {
            opinion.unclear(format!(
                "suspicion: {what} in {near} of {full} frames of a full battery ({why}): {ENOUGH_FRAMES} frames decide"
            ));
        } else {
            opinion.unclear(format!(
                "{full} frames of the full battery are too few to say: {ENOUGH_FRAMES} decide"
            ));
        }
    }
}
