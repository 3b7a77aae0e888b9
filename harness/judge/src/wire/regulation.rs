//! CVL-03 and CVL-05 as far as a log alone tells: how CVL moves, and whether it copies the voltage (P 1.5.3). A behaviour
//! run judges them with what the plant did beside them.

use proto::message::{Limits, Measurements};
use proto::quantity::Micros;

use super::Terms;
use super::seen::{Range, Spot, Tally};
use crate::thresholds::fixed::{CVL_STEP, CYCLE, ENOUGH_CHANGES, HASTY, LARGE_STEP, QUIET};
use crate::verdict::{Evidence, Opinion};

#[derive(Debug, Clone, Default)]
pub(crate) struct Regulation {
    /// raw CVL: the latest, and the one before it
    cvl: Option<u16>,
    before: Option<u16>,
    changed: Option<Micros>,
    hurried: Option<Micros>,
    changes: Tally,
    hasty: Tally,
    protective: Tally,
    copy: Copying,
    /// the same with the voltage measured just after
    after: Copying,
    /// and with the last but one before: a battery may decide on what it sent a cycle ago
    earlier: Copying,
    /// a change of CVL that no voltage followed yet
    pending: Option<(Spot, f64, f64)>,
}

/// What CVL and the voltage have to do with each other, at every change of CVL.
///
/// A control loop decides on CVL and the voltage follows, so that CVL less the voltage measured just before differs
/// by every step it makes. A copy has the voltage decide: CVL less the voltage stays the same to a step of the wire,
/// whichever way both go. The voltage that decided is the one sent just before, the one sent just after where 0x351 comes
/// first in a cycle, or that of the cycle before.
#[derive(Debug, Clone, Default)]
struct Copying {
    voltage: Option<f64>,
    /// changes up, and down
    ways: (u64, u64),
    /// the voltage at the changes
    range: Range,
    /// sums of CVL less voltage and of its square
    rest: (f64, f64),
    /// sums of the steps of CVL and of their squares
    steps: (f64, f64),
    first: Option<Spot>,
}

impl Copying {
    fn change(&mut self, spot: Spot, from: f64, to: f64) {
        let Some(voltage) = self.voltage else { return };
        if to > from {
            self.ways.0 += 1
        } else {
            self.ways.1 += 1
        }
        self.range.take(voltage, spot);
        let (rest, step) = (to - voltage, (to - from).clamp(-LARGE_STEP, LARGE_STEP));
        self.rest = (self.rest.0 + rest, self.rest.1 + rest * rest);
        self.steps = (self.steps.0 + step, self.steps.1 + step * step);
        self.first.get_or_insert(spot);
    }

    fn count(&self) -> u64 {
        self.ways.0 + self.ways.1
    }

    /// Mean and spread of CVL less voltage, and the spread of its steps, all in volts.
    fn spread(&self) -> (f64, f64, f64) {
        let n = self.count().max(1) as f64;
        let spread = |(sum, squares): (f64, f64)| (squares / n - (sum / n).powi(2)).max(0.0).sqrt();
        (self.rest.0 / n, spread(self.rest), spread(self.steps))
    }

    fn is_suspected(&self) -> bool {
        let (_, spread, step) = self.spread();
        let moved = self.range.bounds().is_some_and(|(low, high)| high - low >= 2.0 * CVL_STEP);
        // Steps that are all alike leave CVL less voltage the same whoever decides.
        let fewer = self.ways.0.min(self.ways.1);
        let both_ways = fewer >= 3 && fewer * 10 >= self.count();
        self.count() >= ENOUGH_CHANGES && both_ways && moved && spread <= CVL_STEP && spread <= 0.5 * step
    }
}

impl Regulation {
    #[inline]
    pub(super) fn limits(&mut self, spot: Spot, m: &Limits) {
        // 0 is no decision about the charge voltage, and CVL-01 names it.
        let Some(new) = m.cvl.filter(|&cvl| cvl != 0) else { return };
        match self.cvl {
            Some(old) if old != new => self.change(spot, old, new),
            _ => {}
        }
        self.cvl = Some(new);
    }

    fn change(&mut self, spot: Spot, old: u16, new: u16) {
        let interval = self.changed.map_or(Micros(u64::MAX), |at| spot.at.since(at));
        // A step of 0.1 V that undoes the one before is how a steady integrator looks on the wire.
        let dither = self.before == Some(new) && old.abs_diff(new) == 1;
        let (from, to) = (f64::from(old) * CVL_STEP, f64::from(new) * CVL_STEP);
        self.copy.change(spot, from, to);
        self.earlier.change(spot, from, to);
        self.pending = Some((spot, from, to));
        self.before = Some(old);
        if dither {
            return;
        }
        self.changes.hit(spot);
        self.changed = Some(spot.at);
        if interval >= HASTY {
            return;
        }
        let quiet = self.hurried.is_none_or(|at| spot.at.since(at) >= QUIET);
        self.hurried = Some(spot.at);
        if quiet && new < old { self.protective.hit(spot) } else { self.hasty.hit(spot) }
    }

    #[inline]
    pub(super) fn measured(&mut self, spot: Spot, m: &Measurements) {
        let Some(voltage) = m.voltage().map(|v| v.0) else { return };
        self.earlier.voltage = self.copy.voltage.replace(voltage);
        // What the inverter does about a CVL takes longer than a cycle, so it is not taken for what decided it.
        if let Some((change, from, to)) = self.pending.take()
            && spot.at.since(change.at) < CYCLE
        {
            self.after.voltage = Some(voltage);
            self.after.change(change, from, to);
        }
    }

    /// CVL-03: *"it is probably not helpful to update the parameters more than once every 20 seconds"*.
    pub(crate) fn is_not_hasty(&self, terms: &Terms<'_>, opinion: &mut Opinion) {
        if let Some(why) = &terms.untimed {
            opinion.unclear(format!("{why}: no interval can be told"));
            return;
        }
        let (changes, hasty) = (self.changes.count, self.hasty.count);
        if changes < ENOUGH_CHANGES {
            opinion.unclear(format!(
                "CVL changed {changes} times: {ENOUGH_CHANGES} changes tell how it is controlled, such as an hour with a full \
                 battery and more sun than load"
            ));
            return;
        }
        let share = 100.0 * hasty as f64 / changes as f64;
        let limit = terms.thresholds.hasty_changes.limit;
        opinion
            .show(
                self.hasty
                    .evidence("changes of CVL less than 20 s after the one before")
                    .against(format!("≤ {limit} of {changes} changes")),
            )
            .show(self.protective.evidence("of others, hasty steps down that protect the cells"));
        if share > limit.0 {
            opinion.fail(format!(
                "{hasty} of {changes} changes of CVL come in less than 20 s, {}: it cannot be stable that way",
                self.hasty.place()
            ));
        } else {
            opinion.pass(format!("{hasty} of {changes} changes of CVL come in less than 20 s"));
        }
    }

    /// CVL-05: a suspicion at most, because a log does not show which of the two moved the other.
    pub(crate) fn is_no_copy_of_the_voltage(&self, _terms: &Terms<'_>, opinion: &mut Opinion) {
        let copies = [(&self.copy, "before"), (&self.after, "after"), (&self.earlier, "last but one before")];
        let suspected = copies.iter().find(|(copy, _)| copy.is_suspected());
        let (copy, when) = *suspected.unwrap_or(&copies[0]);
        let (mean, spread, step) = copy.spread();
        let test = "the active test decides (`busbar run tracking`)";
        if copy.is_suspected() {
            let (low, high) = copy.range.bounds().unwrap_or_default();
            let words = if mean < 0.0 { "minus" } else { "plus" };
            opinion.show(
                Evidence::fact(
                    format!("CVL less the voltage {when} each change"),
                    format!("{mean:.2} ± {spread:.2} V"),
                )
                .against(format!("a spread of more than {:.2} V", 0.5 * step))
                .in_frame(copy.first),
            );
            opinion.unclear(format!(
                "suspicion: over {} changes ({} up, {} down) while the voltage went between {low:.2} and {high:.2} V, \
                 CVL was the voltage {words} {:.2} V to within {spread:.2} V; {test}",
                copy.count(),
                copy.ways.0,
                copy.ways.1,
                mean.abs()
            ));
        } else {
            opinion.absent(format!(
                "a log alone never decides it; no sign in {} changes of CVL, {test}",
                copy.count()
            ));
        }
    }
}

#[cfg(test)]
mod tests;
