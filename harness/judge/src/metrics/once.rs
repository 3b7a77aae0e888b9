//! A shift of CVL that happens once: the charge strategy of the battery, by its clock or its charge, and no answer to steps.

use proto::quantity::{Micros, Percent, Volts};

use crate::thresholds::fixed::{AFTERMATH, CVL_STEP, ONCE_AMONG, RECHARGE};
use crate::trace::Series;
use crate::window::{Window, extremes, stretches};

/// A way of CVL down, or up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shift {
    /// from its first step to its last
    pub window: Window,
    /// how far
    pub by: Volts,
}

/// The lowering of CVL that began within one of these windows, each from a step of load or sun to the next one, and within no
/// other; nothing where there are fewer than three others, or where CVL comes back before the end of `within`.
///
/// Absorption that ends by the clock ends at some moment, and where a case steps all the time that is soon after one of the
/// steps. A battery that lowers CVL for the step does so after the next one too, or takes it back.
#[must_use]
pub fn lowered_once(cvl: &Series, within: Window, after_steps: &[Window]) -> Option<Shift> {
    let once = only_one(&ways(cvl, within, Way::Down), after_steps)?;
    let then = Window::new(once.window.to, within.to);
    let (low, high) = extremes(cvl, &[then])?;
    // Regulated by one step of the wire it may go on.
    (high - low < 1.5 * CVL_STEP).then_some(once)
}

/// The rise of CVL that began within one of these windows and within no other, once the battery had lost so much charge that it
/// may be charged anew. Charge must follow it, half as much where CVL is lowered again. Nothing where there are fewer than three
/// other windows.
///
/// A battery that gives back what a high cell took is below full for an hour, and then begins anew with bulk.
#[must_use]
pub fn raised_once(cvl: &Series, soc: &Series, within: Window, after_steps: &[Window]) -> Option<Shift> {
    let once = only_one(&ways(cvl, within, Way::Up), after_steps)?;
    let (begins, ends) = (once.window.from, once.window.to);
    let (_, most) = extremes(soc, &[Window::new(within.from, begins)])?;
    let charge = soc.at(begins)?;
    let lowered = ways(cvl, Window::new(ends, within.to), Way::Down);
    let until = lowered.first().map_or(within.to, |down| down.window.from);
    let least = if lowered.is_empty() { Percent::ZERO } else { RECHARGE / 2.0 };
    let charged = Percent(soc.at(until)? - charge);
    let begins_anew = Percent(most - charge) >= RECHARGE && charged > Percent::ZERO && charged >= least;
    begins_anew.then_some(once)
}

/// The shift that began within one of the windows, where no other began within one, and three windows have none of it.
fn only_one(shifts: &[Shift], after_steps: &[Window]) -> Option<Shift> {
    let mut begun =
        shifts.iter().filter(|shift| after_steps.iter().any(|window| window.contains(shift.window.from)));
    let once = *begun.next().filter(|_| begun.next().is_none())?;
    let others = after_steps.iter().filter(|w| w.to <= once.window.from || w.from > once.window.to).count();
    (others >= ONCE_AMONG).then_some(once)
}

/// Where CVL goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// its steps follow each other within two minutes
    Down,
    /// it has not fallen between its steps
    Up,
}

/// Each way of CVL by more than a step of the wire.
fn ways(cvl: &Series, within: Window, way: Way) -> Vec<Shift> {
    let (sign, pause) = match way {
        Way::Down => (1.0, AFTERMATH),
        Way::Up => (-1.0, Micros::NEVER),
    };
    let parts: Vec<_> = stretches([cvl], within).collect();
    let mut found: Vec<Shift> = Vec::new();
    let mut goes_on = false;
    for pair in parts.windows(2) {
        let (at, by) = (pair[1].window.from, sign * (pair[0].values[0] - pair[1].values[0]));
        if by.abs() < CVL_STEP / 2.0 {
            continue;
        }
        match found.last_mut() {
            Some(last) if goes_on && by > 0.0 && at.since(last.window.to) <= pause => {
                *last = Shift { window: Window::new(last.window.from, at), by: last.by + Volts(by) };
            }
            _ if by > 0.0 => found.push(Shift { window: Window::new(at, at), by: Volts(by) }),
            _ => {}
        }
        goes_on = by > 0.0;
    }
    found.retain(|shift| shift.by.0 > 1.5 * CVL_STEP);
    found
}

impl Shift {
    /// What of a window after a step comes before each of them; nothing where the step lies in one.
    #[must_use]
    pub fn all_before(shifts: &[Self], after_step: Window) -> Option<Window> {
        shifts.iter().try_fold(after_step, |window, shift| shift.before(window))
    }

    /// What of a window after a step comes before it: nothing where the step itself lies in it.
    #[must_use]
    pub fn before(self, after_step: Window) -> Option<Window> {
        if self.window.from >= after_step.to || self.window.to <= after_step.from {
            return Some(after_step);
        }
        let until = Window::new(after_step.from, self.window.from);
        (until.length() > Micros::ZERO).then_some(until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn s(t: u64) -> Micros {
        Micros::from_secs(t)
    }
    /// Ten steps, 300 s apart, and what CVL does in the hour from 600 s on.
    fn seen(cvl: impl Fn(u64) -> f64) -> Option<Shift> {
        let mut series = Series::default();
        (600..4200).for_each(|t| series.push(s(t), (cvl(t) * 10.0).round() / 10.0));
        let steps: Vec<_> = (0..10).map(|k| Window::new(s(900 + 300 * k), s(1200 + 300 * k))).collect();
        lowered_once(&series, Window::new(s(600), s(4200)), &steps)
    }
    /// Down by 0.8 V in steps of the wire each 24 s.
    fn ramp(since: u64) -> f64 {
        0.1 * (since / 24 + 1).min(8) as f64
    }

    /// 58 s after the fourth step; long after it; across the next one; a CVL that then goes to and fro by one step.
    #[rstest]
    #[case::soon(1858)]
    #[case::late(1990)]
    #[case::across(2090)]
    fn a_float_that_begins_once(#[case] at: u64) {
        let fall = |t: u64| if t >= at { ramp(t - at) } else { 0.0 };
        let found = seen(|t| 56.0 - fall(t)).expect("once");
        assert_eq!(found.window, Window::new(s(at), s(at + 7 * 24)));
        assert!((found.by.0 - 0.8).abs() < 1e-9);
        let wiggle = |t: u64| if t > 3000 { 0.1 * (t / 40 % 2) as f64 } else { 0.0 };
        assert!(seen(|t| 56.0 - fall(t) + wiggle(t)).is_some());
        let back = |t: u64| if t > 3000 { 0.3 } else { 0.0 };
        assert_eq!(seen(|t| 56.0 - fall(t) + back(t)), None, "it comes back");
    }

    /// After each step, after two of them, in two parts; one step of the wire; before the first step; among too few.
    #[test]
    fn what_is_no_single_decision() {
        assert_eq!(seen(|t| 58.0 - if t < 900 { 0.0 } else { 0.3 * ((t - 900) / 300) as f64 }), None);
        let twice =
            |t: u64| [1858, 3058].iter().filter(|&&at| t >= at).map(|at| 0.5 * ramp(t - at)).sum::<f64>();
        assert_eq!(seen(|t| 56.0 - twice(t)), None);
        assert_eq!(seen(|t| if t < 1858 { 56.0 } else { 55.9 }), None);
        assert_eq!(seen(|t| if t < 700 { 56.0 } else { 55.2 }), None);
        let mut series = Series::default();
        (600..4200).for_each(|t| series.push(s(t), if t < 1858 { 56.0 } else { 55.0 }));
        let few =
            [Window::new(s(1500), s(1800)), Window::new(s(1800), s(2100)), Window::new(s(2100), s(2400))];
        assert_eq!(lowered_once(&series, Window::new(s(600), s(4200)), &few), None);
    }

    /// State of charge falls by 4 % in the hour; CVL rises by half a volt each two minutes from so many seconds on.
    fn rises(at: u64, soc: impl Fn(u64) -> f64, cvl: impl Fn(u64, f64) -> f64) -> Option<Shift> {
        let (mut limit, mut charge) = (Series::default(), Series::default());
        let up = |t: u64| if t >= at { 0.5 * ((t - at) / 120 + 1).min(6) as f64 } else { 0.0 };
        for t in 600..4200 {
            limit.push(s(t), (cvl(t, 52.8 + up(t)) * 10.0).round() / 10.0);
            charge.push(s(t), soc(t));
        }
        let steps: Vec<_> = (0..6).map(|k| Window::new(s(900 + 300 * k), s(1200 + 300 * k))).collect();
        let steps: Vec<_> = steps.into_iter().chain([Window::new(s(2700), s(4200))]).collect();
        raised_once(&limit, &charge, Window::new(s(600), s(4200)), &steps)
    }
    fn emptied(t: u64) -> f64 {
        if t < 3000 { 95.0 - (t - 600) as f64 / 600.0 } else { 91.0 + (t - 3000) as f64 / 600.0 }
    }

    #[test]
    fn a_battery_that_lost_charge_begins_anew_once() {
        let found = rises(3000, emptied, |_, v| v).expect("once");
        assert_eq!(found.window, Window::new(s(3000), s(3600)));
        assert!((found.by.0 - 3.0).abs() < 1e-9);
        // It is full again before the case ends, and lowered again.
        assert!(rises(3000, emptied, |t, v| if t > 4000 { 52.8 } else { v }).is_some());
    }

    /// With the charge it had; without charge after it; back at once; after two steps.
    #[test]
    fn what_is_no_recharge() {
        assert_eq!(rises(3000, |_| 95.0, |_, v| v), None);
        assert_eq!(rises(3000, |t| 95.0 - (t - 600) as f64 / 600.0, |_, v| v), None);
        assert_eq!(rises(3000, emptied, |t, v| if t > 3010 { 52.8 } else { v }), None);
        assert_eq!(rises(3000, emptied, |t, v| if (1300..1320).contains(&t) { 56.0 } else { v }), None);
    }

    #[rstest]
    #[case::before_it(100, 200, Some((100, 200)))]
    #[case::it_begins_within(900, 1200, Some((900, 1000)))]
    #[case::within_it(1050, 1300, None)]
    #[case::after_it(1200, 1500, Some((1200, 1500)))]
    fn what_comes_before_it(#[case] from: u64, #[case] to: u64, #[case] expected: Option<(u64, u64)>) {
        let lowering = Shift { window: Window::new(s(1000), s(1200)), by: Volts(0.8) };
        let expected = expected.map(|(from, to)| Window::new(s(from), s(to)));
        assert_eq!(lowering.before(Window::new(s(from), s(to))), expected);
    }
}
