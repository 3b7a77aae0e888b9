//! What each 0x351 meant beside all else that the battery said while it held. It is taken when the next one comes, so that
//! the order of messages in a cycle does not matter.

use proto::message::Limits;
use proto::quantity::Micros;

use super::Terms;
use super::below::Below;
use super::forbidden::Forbidden;
use super::full::FullCcl;
use super::moment::Moment;
use super::seen::Spot;
use super::unheeded::Unheeded;
use crate::verdict::Opinion;

/// The facts about 0x351 in its surroundings.
#[derive(Debug, Clone, Default)]
pub(crate) struct Held {
    /// the latest of everything
    pub(super) now: Moment,
    pub(crate) below: Below,
    pub(crate) forbidden: Forbidden,
    pub(crate) unheeded: Unheeded,
    full: FullCcl,
}

impl Held {
    #[inline]
    pub(super) fn limits(&mut self, spot: Spot, m: &Limits) {
        if let Some((before, since, held)) = self.now.limits(spot, m) {
            self.take(&before, since, held);
        }
    }

    #[inline]
    fn take(&mut self, m: &Limits, spot: Spot, held: Micros) {
        let held = self.now.weigh(m, held);
        let full = self.now.full(m);
        let unprotected = full.filter(|_| !self.now.protecting && !self.now.is_too_cold_or_hot_to_charge());
        self.full.take(m, unprotected, &self.now, spot, held);
        self.forbidden.take(m, full.is_some(), &self.now, spot, held);
        self.below.take(m, &self.now, spot, held);
        self.unheeded.take(m, &self.now, spot, held);
    }

    /// The same with the last 0x351, which held to the end of the log.
    pub(crate) fn closed(&self, end: Micros) -> Self {
        let mut closed = self.clone();
        if let Some((last, since, held)) = self.now.last(end) {
            closed.take(&last, since, held);
        }
        closed.below.end();
        closed.forbidden.end();
        closed.full.end();
        closed.unheeded.end();
        closed
    }

    /// CCL-02.
    pub(crate) fn leaves_ccl_to_a_full_battery(&self, terms: &Terms<'_>, opinion: &mut Opinion) {
        self.full.judge(self.now.ccl.most, terms, opinion);
    }
}
