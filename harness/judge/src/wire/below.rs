//! CVL-01 and CVL-06 as far as a log alone tells: a CVL below the battery's own voltage, which orders a discharge
//! (P 1.5.3).

use proto::message::Limits;
use proto::quantity::Micros;

use super::Terms;
use super::moment::Moment;
use super::seen::Spot;
use super::spell::Spell;
use crate::thresholds::fixed::{BELOW, DISCHARGE, ENOUGH_FRAMES, FAR_BELOW};
use crate::verdict::Opinion;

/// How long CVL stood below the voltage.
#[derive(Debug, Clone, Default)]
pub(crate) struct Below {
    /// more than 10 % below, or below the plateau
    far: Spell,
    /// more than 5 % below
    some: Spell,
    /// the lowest share, with CVL and voltage
    worst: Option<(f64, f64, f64)>,
    /// the sum of the current in the frames of `some`
    current: f64,
    plateau: u64,
    /// frames that could be compared
    frames: u64,
}

impl Below {
    #[inline]
    pub(super) fn take(&mut self, m: &Limits, now: &Moment, spot: Spot, held: Micros) {
        let (Some(raw), Some(voltage)) = (m.cvl.filter(|&cvl| cvl != 0), now.voltage()) else { return };
        self.frames += 1;
        let cvl = f64::from(raw) * 0.1;
        let share = cvl / voltage;
        // Far above is most of all there is.
        if share >= 0.99 {
            self.far.take(false, spot, held);
            self.some.take(false, spot, held);
            return;
        }
        let plateau = now.is_below_plateau(cvl);
        let (far, some) = (share < FAR_BELOW || plateau, share < BELOW || plateau);
        self.far.take(far, spot, held);
        self.some.take(some, spot, held);
        if some {
            self.plateau += u64::from(plateau);
            self.current += now.current.unwrap_or(0.0);
            if self.worst.is_none_or(|(worst, ..)| share < worst) {
                self.worst = Some((share, cvl, voltage));
            }
        }
    }

    pub(super) fn end(&mut self) {
        self.far.end();
        self.some.end();
    }

    /// Whether CVL stood far below the voltage until the log ended, for less than a minute but more than a moment.
    fn ends_below(&self, terms: &Terms<'_>) -> bool {
        self.far.ends_early(terms) && self.far.frames >= ENOUGH_FRAMES
    }

    fn numbers(&self) -> String {
        let (share, cvl, voltage) = self.worst.unwrap_or_default();
        format!("CVL of {cvl:.1} V beside a measured {voltage:.2} V, {:.1} % below", 100.0 * (1.0 - share))
    }

    /// CVL-01: CVL far below the battery's own voltage. Returns whether that is all there is to say.
    pub(super) fn is_no_order_to_discharge(&self, terms: &Terms<'_>, opinion: &mut Opinion) -> bool {
        let show = |spell: &Spell, what: &str, opinion: &mut Opinion| {
            for mut evidence in spell.evidence(what, terms) {
                evidence.value = format!("{}, {}", evidence.value, self.numbers());
                opinion.show(evidence);
            }
        };
        if self.far.is_long(terms) {
            show(&self.far, "CVL far below the battery's own voltage", opinion);
            let plateau = if self.plateau > 0 { ", and below 3.2 V for each LFP cell of it" } else { "" };
            opinion.fail(format!(
                "{}{plateau}, {}: it orders a discharge at full power",
                self.numbers(),
                self.far.words(terms)
            ));
            return true;
        }
        if !terms.alone {
            return false;
        }
        if self.ends_below(terms) || self.some.is_long(terms) {
            let short = self.ends_below(terms);
            let spell = if short { &self.far } else { &self.some };
            show(spell, "CVL below the battery's own voltage", opinion);
            opinion.advise(true);
            opinion.fail(format!(
                "{}, {}{}: it orders a discharge; whether the battery is discharged is decided by CVL-06",
                self.numbers(),
                spell.words(terms),
                if short { " to the end of the log (a minute of more than 10 % fails)" } else { "" },
            ));
            return true;
        }
        false
    }

    /// CVL-06: a suspicion at most, because a log does not show what the sun and the loads did.
    pub(crate) fn may_discharge(&self, terms: &Terms<'_>, opinion: &mut Opinion) {
        let test = "a behaviour run decides (`busbar run feed-in`)";
        let mean = self.current / self.some.frames.max(1) as f64;
        let discharges = self.some.is_long(terms) && mean < DISCHARGE;
        if self.far.is_long(terms) || self.ends_below(terms) || discharges {
            let current =
                if mean < DISCHARGE { format!(" and {mean:.1} A on average") } else { String::new() };
            opinion.unclear(format!(
                "suspicion: {}, {}{current}; {test}",
                self.numbers(),
                self.some.words(terms)
            ));
        } else {
            opinion.absent(format!(
                "a log alone never decides it; no sign in {} frames of a CVL that discharges, {test}",
                self.frames
            ));
        }
    }
}
