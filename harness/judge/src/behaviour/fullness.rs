//! From when on a battery takes no more charge.

use proto::quantity::{Amps, Micros, PercentPerHour, Volts, Watts};

use super::Subject;
use crate::thresholds::fixed::{AFTER_SCAN, ENDED, LONGEST_SCAN, POSSIBLE, SUN, TAPERED};
use crate::trace::{Channel, Trace};
use crate::window::{Window, bridged, stretches, times};

/// A scan of the tracker, and the charge that it took and that is given back, are over within this.
pub const SCANNED: Micros = Micros(LONGEST_SCAN.0 + AFTER_SCAN.0);

/// Whether a charge current is the last trickle into a full battery: below the tail current, and not because the sun
/// gives no more.
#[must_use]
pub fn trickles(current: Amps, tail: Amps, sun: Watts, volts: Volts) -> bool {
    current <= tail && (sun < Watts(SUN) || volts * current <= sun * TAPERED)
}

/// From when on a battery takes no more charge, looked at from a moment on: its CVL is lowered, its CCL leaves nothing
/// to charge with, or the current has ended. State of charge is a count and may be wrong by percents: a battery that says
/// 100 % while it is charged with 0.2 C is not full (P 1.5.3.1: *"wait for the battery to fully charge"*).
pub(super) fn takes_no_more(
    subject: &Subject<'_>,
    trace: &Trace,
    from: Micros,
    to: Micros,
) -> Option<Micros> {
    let (thresholds, capacity) = (&subject.thresholds, subject.battery.capacity.0);
    let share = |rate: PercentPerHour| capacity * rate.0 / 100.0;
    let (usable, tail) = (share(thresholds.usable_ccl.limit), share(thresholds.tail.limit));
    let window = Window::new(from, to);
    let cvl = trace.series(Channel::Cvl);
    let highest = cvl.points().iter().filter(|&&(_, v)| v <= POSSIBLE);
    let before = highest.clone().filter(|&&(at, _)| at <= from).map(|p| p.1).fold(0.0, f64::max);
    // Wire values are binary fractions of decimals.
    let reduction = subject.battery.of_system(thresholds.reduction.limit).0;
    let low_enough = |highest: f64| highest - reduction + 1e-6;
    let lowered = stretches([cvl], window)
        .scan(before, |top, s| {
            *top = if s.values[0] <= POSSIBLE { top.max(s.values[0]) } else { *top };
            Some((s.window.from, s.values[0] <= low_enough(*top)))
        })
        .find_map(|(at, low)| low.then_some(at));
    let first = |windows: Vec<Window>| windows.first().map(|w| w.from);
    let refused = first(times([trace.series(Channel::Ccl)], window, |[ccl]| ccl < usable));
    let (current, sun) = (trace.series(Channel::PackCurrent), trace.series(Channel::PvAvailable));
    let highest = subject.battery.max_charge_voltage.0;
    let ended = if sun.points().is_empty() {
        times([current], window, |[current]| current <= tail)
    } else {
        let is_over = |current, sun| trickles(Amps(current), Amps(tail), Watts(sun), Volts(highest));
        times([current, sun], window, |[current, sun]| is_over(current, sun))
    };
    let mut ended = bridged(ended, SCANNED);
    ended.retain(|w| w.length() >= ENDED);
    [lowered, refused, first(ended)].into_iter().flatten().min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    /// 12 A are little for 280 Ah. Of 2 kW of sun they are a third, of 3 kW a quarter.
    #[rstest]
    #[case::of_much(12.0, 3000.0, true)]
    #[case::of_little(12.0, 2000.0, false)]
    #[case::of_none(12.0, 0.0, true)]
    #[case::too_much(15.0, 5500.0, false)]
    #[case::discharges(-20.0, 300.0, true)]
    fn a_trickle(#[case] amps: f64, #[case] sun: f64, #[case] expected: bool) {
        assert_eq!(trickles(Amps(amps), Amps(14.0), Watts(sun), Volts(56.0)), expected);
    }
}
