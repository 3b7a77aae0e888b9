//! M17: a CVL that falls and falls in a battery at rest.

use proto::quantity::{Micros, VoltsPerHour};

use crate::thresholds::fixed::{CVL_STEP, SINK_FOLLOWED, SINK_STEPS, SINK_TIME};
use crate::trace::{Channel, Trace};
use crate::window::{Window, slope};

/// A fall of CVL.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sink {
    /// over what it was looked at
    pub window: Window,
    /// the slower of its two halves, positive for a fall; 0 where the highest cell does not come down with it
    pub fall: VoltsPerHour,
    /// the least fall of the pack that steps of the wire let tell in so long
    pub resolved: VoltsPerHour,
}

/// M17: over the last half of an undisturbed window, or of what it takes to tell; nothing where that is too short. A ramp
/// that ends falls in the first half only, and a control of the highest cell lowers CVL without moving that cell.
#[must_use]
pub fn sink(trace: &Trace, undisturbed: Window, cells: u16) -> Option<Sink> {
    let window = undisturbed.last(SINK_TIME.max(half(undisturbed)));
    if window.length() < SINK_TIME {
        return None;
    }
    let second = window.last(half(window));
    let halves = [Window::new(window.from, second.from), second];
    let cvl = trace.series(Channel::Cvl);
    let falls: Option<Vec<f64>> = halves.iter().map(|&half| Some(-slope(cvl, half)?)).collect();
    let fall = falls?.into_iter().fold(f64::INFINITY, f64::min).max(0.0);
    let cells = f64::from(cells.max(1));
    let highest = slope(trace.series(Channel::MaxCell), window)
        .or_else(|| slope(trace.series(Channel::PackVoltage), window).map(|pack| pack / cells));
    let followed = highest.is_none_or(|highest| -highest * cells >= SINK_FOLLOWED * fall);
    let resolved = VoltsPerHour(SINK_STEPS * CVL_STEP / second.hours());
    Some(Sink { window, fall: VoltsPerHour(if followed { fall } else { 0.0 }), resolved })
}

fn half(window: Window) -> Micros {
    Micros(window.length().0 / 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn seen(hours: f64, cvl: impl Fn(f64) -> f64, cell: impl Fn(f64) -> f64) -> Option<Sink> {
        let mut t = Trace::default();
        let end = (hours * 3600.0) as u64;
        for at in 0..end {
            let (now, hour) = (Micros::from_secs(at), at as f64 / 3600.0);
            t.push(Channel::Cvl, now, (cvl(hour) * 10.0).round() / 10.0);
            t.push(Channel::MaxCell, now, cell(hour));
        }
        sink(&t, Window::new(Micros::ZERO, Micros::from_secs(end)), 16)
    }

    /// 0.1 V each 20 minutes; a ramp that ends, a single step, one that the highest cell does not follow.
    #[rstest]
    #[case::sinks(1.9, |h: f64| 55.2 - 0.3 * h, |h: f64| 3.45 - 0.3 / 16.0 * h, 0.25..0.35)]
    #[case::later(10.0, |h: f64| 55.2 - 0.1 * (h - 3.0).max(0.0), |h: f64| 3.45 - 0.1 / 16.0 * (h - 3.0).max(0.0), 0.08..0.12)]
    #[case::ramps(1.9, |h: f64| 55.2 - 1.6 * h.min(0.9), |h: f64| 3.45 - 0.1 * h.min(0.9), 0.0..0.01)]
    #[case::one_step(1.9, |h: f64| if h < 0.7 { 55.2 } else { 55.1 }, |_| 3.45, 0.0..0.01)]
    #[case::holds_a_cell(1.9, |h: f64| 55.2 - 0.3 * h, |_| 3.45, 0.0..0.01)]
    fn a_known_fall(
        #[case] hours: f64,
        #[case] cvl: fn(f64) -> f64,
        #[case] cell: fn(f64) -> f64,
        #[case] expected: core::ops::Range<f64>,
    ) {
        let found = seen(hours, cvl, cell).expect("long enough");
        assert!(expected.contains(&found.fall.0), "{found:?}");
    }

    #[test]
    fn an_hour_says_nothing() {
        assert_eq!(seen(1.0, |_| 55.2, |_| 3.45), None);
    }
}
