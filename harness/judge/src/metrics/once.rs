//! A lowering of CVL that happens once: the charge strategy of the battery, by its clock or its charge, and no answer to steps.

use proto::quantity::{Micros, Volts};

use crate::thresholds::fixed::{AFTERMATH, CVL_STEP, ONCE_AMONG};
use crate::trace::Series;
use crate::window::{Window, extremes, stretches};

/// A way down of CVL.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lowering {
    /// from its first step down to its last
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
pub fn lowered_once(cvl: &Series, within: Window, after_steps: &[Window]) -> Option<Lowering> {
    let begun: Vec<Lowering> = lowerings(cvl, within)
        .into_iter()
        .filter(|lowering| after_steps.iter().any(|w| w.contains(lowering.window.from)))
        .collect();
    let [once] = begun[..] else { return None };
    let others = after_steps.iter().filter(|w| w.to <= once.window.from || w.from > once.window.to).count();
    let then = Window::new(once.window.to, within.to);
    let (low, high) = extremes(cvl, &[then])?;
    // Regulated by one step of the wire it may go on.
    (others >= ONCE_AMONG && high - low < 1.5 * CVL_STEP).then_some(once)
}

/// Each way down of CVL by more than a step of the wire, whose own steps follow each other within two minutes.
fn lowerings(cvl: &Series, within: Window) -> Vec<Lowering> {
    let parts: Vec<_> = stretches([cvl], within).collect();
    let mut found: Vec<Lowering> = Vec::new();
    let mut falling = false;
    for pair in parts.windows(2) {
        let (at, by) = (pair[1].window.from, pair[0].values[0] - pair[1].values[0]);
        if by.abs() < CVL_STEP / 2.0 {
            continue;
        }
        match found.last_mut() {
            Some(last) if falling && by > 0.0 && at.since(last.window.to) <= AFTERMATH => {
                *last = Lowering { window: Window::new(last.window.from, at), by: last.by + Volts(by) };
            }
            _ if by > 0.0 => found.push(Lowering { window: Window::new(at, at), by: Volts(by) }),
            _ => {}
        }
        falling = by > 0.0;
    }
    found.retain(|lowering| lowering.by.0 > 1.5 * CVL_STEP);
    found
}

impl Lowering {
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
    fn seen(cvl: impl Fn(u64) -> f64) -> Option<Lowering> {
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

    #[rstest]
    #[case::before_it(100, 200, Some((100, 200)))]
    #[case::it_begins_within(900, 1200, Some((900, 1000)))]
    #[case::within_it(1050, 1300, None)]
    #[case::after_it(1200, 1500, Some((1200, 1500)))]
    fn what_comes_before_it(#[case] from: u64, #[case] to: u64, #[case] expected: Option<(u64, u64)>) {
        let lowering = Lowering { window: Window::new(s(1000), s(1200)), by: Volts(0.8) };
        let expected = expected.map(|(from, to)| Window::new(s(from), s(to)));
        assert_eq!(lowering.before(Window::new(s(from), s(to))), expected);
    }
}
