//! M12: the active test of whether CVL follows the battery voltage.

use proto::quantity::{Micros, Percent, Volts};

use crate::thresholds::fixed::{
    BEFORE_PULL, COPIED_CHANGES, COPIED_MOVED, COPIED_NEAR, COPY_REFRESH, CVL_STEP, END_OF_PULL,
    FEWEST_PULLS, FLICKER, ON_ITS_WAY, SCATTER, SHORTEST_PULL, STILL,
};
use crate::trace::{Channel, Trace};
use crate::window::{Window, extremes, mean};

/// How CVL answers when the battery voltage is moved on purpose.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tracking {
    /// windows that could be used
    pub windows: usize,
    /// root mean square of the changes of battery voltage
    pub excitation: Volts,
    /// slope of ΔCVL over ΔV: the share of a change of voltage that CVL follows; negative when it works against it
    pub slope: Percent,
    /// correlation of the two
    pub correlation: Percent,
    /// root mean square of what CVL moved, from its lowest to its highest value, in each window and the 30 s before
    pub moved: Volts,
}

impl Tracking {
    /// How far CVL may move for the slope to tell all of its answer. A CVL that moves further answers something else,
    /// or the voltage of another time: one that is refreshed more slowly than the windows hardly has a slope.
    #[must_use]
    pub fn explained(&self) -> Volts {
        let share = (self.slope.0.abs() / 100.0 * SCATTER).max(STILL);
        Volts((self.excitation.0 * share).max(FLICKER.0))
    }
}

/// M12: `slope = Σ ΔV ΔCVL / Σ ΔV²` over windows that each begin with a pull at the battery. ΔV and ΔCVL compare the
/// mean of the last minute of the window with the mean of the 30 s before it; the regression goes through zero, because
/// a CVL that is a decision does not move when only the voltage does. Windows shorter than 90 s are left out. A CVL
/// that is refreshed less often than a window is long has followed by the end of each.
///
/// *"Implementations that set the CVL to the currently measured battery voltages minus some constant should be
/// avoided"* (P 1.5.3).
#[must_use]
pub fn tracking(trace: &Trace, windows: &[Window]) -> Tracking {
    let (cvl, pack) = (trace.series(Channel::Cvl), trace.series(Channel::PackVoltage));
    let moves: Vec<[f64; 3]> = windows
        .iter()
        .filter(|w| w.length() >= SHORTEST_PULL && w.from >= BEFORE_PULL)
        .filter_map(|w| {
            let rest = Micros(w.from.0 - BEFORE_PULL.0);
            let before = [Window::new(rest, w.from)];
            let after = [w.last(END_OF_PULL)];
            let (low, high) = extremes(cvl, &[Window::new(rest, w.to)])?;
            let change = |series| Some(mean(series, &after)? - mean(series, &before)?);
            Some([change(pack)?, change(cvl)?, high - low])
        })
        .collect();
    let sum = |f: fn(&[f64; 3]) -> f64| moves.iter().map(f).sum::<f64>();
    let (vv, cc, vc) = (sum(|m| m[0] * m[0]), sum(|m| m[1] * m[1]), sum(|m| m[0] * m[1]));
    let share = |x: f64, y: f64| if y > 1e-12 { Percent(100.0 * x / y) } else { Percent(0.0) };
    let rms = |squares: f64| Volts((squares / moves.len().max(1) as f64).sqrt());
    Tracking {
        windows: moves.len(),
        excitation: rms(vv),
        slope: share(vc, vv),
        correlation: share(vc, (vv * cc).sqrt()),
        moved: rms(sum(|m| m[2] * m[2])),
    }
}

/// Pulls without those that caught CVL on its way down: it fell before, by two steps of the wire at least, and goes on at the
/// same pace, which answers nothing. All of them where too few others remain.
#[must_use]
pub fn answered(trace: &Trace, pulls: &[Window]) -> Vec<Window> {
    // Just before: what comes with the pull is an answer to it.
    let cvl = |at: u64| trace.series(Channel::Cvl).at(Micros(at.saturating_sub(1)));
    let fell = |from: u64| Some(cvl(from)? - cvl(from + ON_ITS_WAY.0)?);
    let is_on_its_way = |pull: &&Window| {
        let both = fell(pull.from.0.saturating_sub(ON_ITS_WAY.0)).zip(fell(pull.from.0));
        // At one pace a step more or less is caught. Decimals of the wire are binary fractions.
        both.is_some_and(|(before, after)| {
            before > 1.99 * CVL_STEP && (after - before).abs() < 1.01 * CVL_STEP
        })
    };
    let answered: Vec<Window> = pulls.iter().filter(|pull| !is_on_its_way(pull)).copied().collect();
    if answered.len() >= FEWEST_PULLS { answered } else { pulls.to_vec() }
}

/// M12: of the hasty changes of CVL in windows in which the voltage moves, the share that lands on the voltage of that
/// moment plus one and the same constant. A battery that copies its voltage only now and then, while it blocks charge,
/// has no steady slope over whole windows, but it has this. Nothing where CVL changed too seldom to say.
#[must_use]
pub fn copies(trace: &Trace, windows: &[Window]) -> Option<Percent> {
    let (cvl, pack) = (trace.series(Channel::Cvl), trace.series(Channel::PackVoltage));
    let within = |at: Micros| windows.iter().any(|w| w.contains(at));
    let changes: Vec<(f64, f64)> = cvl
        .points()
        .windows(2)
        .filter(|pair| within(pair[1].0) && pair[1].0.since(pair[0].0) <= COPY_REFRESH)
        .filter_map(|pair| Some((pack.at(pair[1].0)?, pair[1].1)))
        .collect();
    if changes.len() < COPIED_CHANGES {
        return None;
    }
    let mut apart: Vec<f64> = changes.iter().map(|(pack, cvl)| cvl - pack).collect();
    apart.sort_by(f64::total_cmp);
    let constant = apart[apart.len() / 2];
    let lands = |&&(pack, cvl): &&(f64, f64)| (cvl - pack - constant).abs() <= COPIED_NEAR;
    let landing: Vec<_> = changes.iter().filter(lands).collect();
    let low = landing.iter().map(|c| c.0).fold(f64::INFINITY, f64::min);
    let high = landing.iter().map(|c| c.0).fold(f64::NEG_INFINITY, f64::max);
    // A CVL that changes while the voltage stands still is near it for other reasons.
    let share = if high - low >= COPIED_MOVED { landing.len() as f64 / changes.len() as f64 } else { 0.0 };
    Some(Percent(100.0 * share))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::thresholds::fixed::COPIES;

    /// Pulled from 55 V down to 54 V in ten minutes: a copy is found though it jumps away now and then, a controller
    /// that answers the fall is not, and one that hardly moves says nothing.
    #[test]
    fn a_copy_lands_on_the_voltage_of_the_moment() {
        let pulled = |cvl: fn(u64, f64) -> f64| {
            let mut t = Trace::default();
            for at in 0..600u64 {
                let v = 55.0 - at as f64 / 600.0;
                t.push(Channel::PackVoltage, s(at), v);
                t.push(Channel::Cvl, s(at), (cvl(at, v) * 10.0).round() / 10.0);
            }
            copies(&t, &[Window::new(s(0), s(600))])
        };
        assert_eq!(pulled(|_, v| v), None, "ten steps of 0.1 V are too few to say");
        let falling = |from: u64| {
            let mut t = Trace::default();
            for at in 0..1200u64 {
                // A load that comes and goes, each time for 15 s.
                let v = 54.0 + if at / 15 % 2 == 0 { 0.5 } else { 0.0 };
                t.push(Channel::PackVoltage, s(at), v);
                t.push(
                    Channel::Cvl,
                    s(at),
                    if at % 100 < from { 56.0 } else { v + if at % 3 == 0 { 0.05 } else { 0.0 } },
                );
            }
            copies(&t, &[Window::new(s(0), s(1200))])
        };
        let copied = falling(0).expect("many changes");
        assert!((copied.0 - 100.0).abs() < 1e-9, "{copied}");
        assert!(falling(3).is_some_and(|share| share >= COPIES), "it jumps away now and then");
        let answering = pulled(|at, v| 55.2 + 0.4 * (55.0 - v) + if at % 20 < 10 { 0.1 } else { 0.0 });
        assert!(answering.is_some_and(|share| share < COPIES), "{answering:?}");
        assert_eq!(pulled(|_, _| 55.2), None);
    }

    fn s(t: u64) -> Micros {
        Micros::from_secs(t)
    }

    /// Every 10 minutes a load pulls the battery down by `dip` for 2 minutes; CVL follows a share of it.
    fn pulled(dip: f64, follows: f64) -> (Trace, Vec<Window>) {
        let mut t = Trace::default();
        let mut windows = Vec::new();
        for at in 0..4200u64 {
            let low = at % 600 >= 480;
            let v = 55.0 - if low { dip } else { 0.0 };
            t.push(Channel::PackVoltage, s(at), v);
            t.push(Channel::Cvl, s(at), 55.2 + follows * (v - 55.0));
            if at % 600 == 480 {
                windows.push(Window::new(s(at), s(at + 120)));
                windows.push(Window::new(s(at + 120), s(at + 600)));
            }
        }
        (t, windows)
    }

    #[test]
    fn a_known_slope() {
        for follows in [1.0, 0.5, 0.2] {
            let (t, windows) = pulled(0.8, follows);
            let found = tracking(&t, &windows[..13]);
            assert!((found.slope.0 - 100.0 * follows).abs() < 1e-6, "{found:?}");
            assert!((found.correlation.0 - 100.0).abs() < 1e-6, "{found:?}");
            assert!((found.excitation.0 - 0.8).abs() < 1e-6, "{found:?}");
            assert_eq!(found.windows, 13);
        }
    }

    #[test]
    fn a_cvl_of_its_own_does_not_follow() {
        let (t, windows) = pulled(0.8, 0.0);
        let found = tracking(&t, &windows);
        assert!(found.slope.0.abs() < 1e-6 && found.correlation.0.abs() < 1e-6, "{found:?}");
    }

    /// A controller of the highest cell raises CVL when the voltage falls.
    #[test]
    fn working_against_it_is_negative() {
        let (t, windows) = pulled(0.8, -0.3);
        assert!(tracking(&t, &windows).slope.0 < 0.0);
    }

    /// A share of the voltage explains the movement; a voltage of another time does not.
    #[test]
    fn how_far_cvl_moved() {
        for follows in [1.0, 0.2, 0.0, -0.3] {
            let (t, windows) = pulled(0.8, follows);
            let found = tracking(&t, &windows[..13]);
            assert!((found.moved.0 - 0.8 * f64::abs(follows)).abs() < 1e-6, "{found:?}");
            assert!(found.moved <= found.explained(), "{found:?}");
        }
        let (t, windows) = pulled(0.8, 0.0);
        let mut late = Trace::default();
        for at in 0..4200u64 {
            let seen = at - at % 410;
            late.push(Channel::PackVoltage, s(at), t.series(Channel::PackVoltage).at(s(at)).expect("pushed"));
            late.push(Channel::Cvl, s(at), t.series(Channel::PackVoltage).at(s(seen)).expect("pushed") - 0.2);
        }
        let pulls: Vec<Window> = windows.into_iter().step_by(2).collect();
        let found = tracking(&late, &pulls);
        assert!(found.slope.0 < 40.0 && found.moved > found.explained(), "{found:?}");
    }

    #[test]
    fn short_windows_and_empty_traces_say_nothing() {
        let (t, _) = pulled(0.8, 1.0);
        assert_eq!(tracking(&t, &[Window::new(s(480), s(540))]).windows, 0);
        assert_eq!(tracking(&Trace::default(), &[Window::new(s(480), s(600))]).windows, 0);
    }
}
