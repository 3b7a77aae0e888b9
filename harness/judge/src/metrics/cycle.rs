//! M16: the power that a cycle of CVL moves to and fro in the battery.

use proto::quantity::{Micros, Volts, Watts};

use super::swings::turns;
use crate::thresholds::fixed::{CVL_STEP, CYCLE_SHARE, CYCLE_TURNS};
use crate::trace::{Channel, Trace};
use crate::window::{Window, mean, stretches};

/// A cycle of CVL that goes on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cycle {
    /// when
    pub window: Window,
    /// how often CVL turned
    pub turns: usize,
    /// median time of a full cycle
    pub period: Micros,
    /// power of the battery in one half of a cycle less that in the other, the median of all
    pub moved: Watts,
}

/// M16: of several windows the cycle that moves the most, whatever its period; nothing where CVL did not go on turning.
///
/// Each step of CVL to and fro counts here, for it is not the volts that hurt: the mean power of the battery between one
/// turn and the next is compared with that between the next two. What CVL does not move is the same in both. A cycle
/// that is slow for the battery moves it by how fast CVL goes and not by how high it stands, so halves from the middle
/// between two turns to the next middle are looked at too.
///
/// A change by one step of the wire to and fro that turns no sooner than `slow_step` does not count: a battery cannot send what lies
/// between two steps, and a decision each ten minutes is no oscillation.
#[must_use]
pub fn cycle(trace: &Trace, windows: &[Window], slow_step: Micros) -> Option<Cycle> {
    let one = |&window: &Window| {
        let (turns, heights): (Vec<Micros>, Vec<Volts>) =
            turns(trace.series(Channel::Cvl), window, Volts(CVL_STEP / 2.0)).into_iter().unzip();
        let (first, last) = (*turns.first()?, *turns.last()?);
        let goes_on = last.since(first).secs() >= CYCLE_SHARE * window.secs();
        if turns.len() < CYCLE_TURNS || !goes_on {
            return None;
        }
        let mut halves: Vec<u64> = turns.windows(2).map(|t| t[1].since(t[0]).0).collect();
        halves.sort_unstable();
        let half = Micros(halves[halves.len() / 2]);
        let one_step = heights.iter().all(|height| height.0 < 1.5 * CVL_STEP);
        if one_step && half >= slow_step {
            return None;
        }
        let middles: Vec<Micros> = turns.windows(2).map(|t| Micros((t[0].0 + t[1].0) / 2)).collect();
        let moved = [&turns, &middles].into_iter().filter_map(|cuts| moved(trace, cuts)).fold(0.0, f64::max);
        let period = Micros(2 * half.0);
        Some(Cycle { window: Window::new(first, last), turns: turns.len(), period, moved: Watts(moved) })
    };
    windows.iter().filter_map(one).max_by(|a, b| a.moved.0.total_cmp(&b.moved.0))
}

/// Median of the differences between the mean powers of halves that follow each other, every other with its sign turned.
fn moved(trace: &Trace, cuts: &[Micros]) -> Option<f64> {
    let (current, pack) = (trace.series(Channel::PackCurrent), trace.series(Channel::PackVoltage));
    let powers: Option<Vec<f64>> = cuts
        .windows(2)
        .map(|cut| {
            let half = Window::new(cut[0], cut[1]);
            stretches([current], half).next()?;
            Some(mean(current, &[half])? * mean(pack, &[half])?)
        })
        .collect();
    let powers = powers?;
    let sign = |k: usize| if k.is_multiple_of(2) { 1.0 } else { -1.0 };
    let mut steps: Vec<f64> = powers.windows(2).enumerate().map(|(k, p)| sign(k) * (p[1] - p[0])).collect();
    steps.sort_by(f64::total_cmp);
    (!steps.is_empty()).then(|| 0.5 * (steps[(steps.len() - 1) / 2] + steps[steps.len() / 2]).abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    /// An hour and fifty minutes in which CVL and the current follow functions of time.
    fn seen(cvl: impl Fn(f64) -> f64, amps: impl Fn(f64) -> f64) -> Option<Cycle> {
        let mut t = Trace::default();
        for at in 0..6600 {
            let now = Micros::from_secs(at);
            t.push(Channel::Cvl, now, (cvl(at as f64) * 10.0).round() / 10.0);
            t.push(Channel::PackCurrent, now, amps(at as f64));
            t.push(Channel::PackVoltage, now, 50.0);
        }
        cycle(&t, &[Window::new(Micros::ZERO, Micros::from_secs(6600))], Micros::from_secs(600))
    }
    fn square(period: f64) -> impl Fn(f64) -> f64 {
        move |t| if t % period < period / 2.0 { -1.0 } else { 1.0 }
    }
    fn sine(period: f64) -> impl Fn(f64) -> f64 {
        move |t| (core::f64::consts::TAU * t / period).sin()
    }
    fn cosine(period: f64) -> impl Fn(f64) -> f64 {
        move |t| (core::f64::consts::TAU * t / period).cos()
    }

    /// 12 A to and fro at 50 V are 600 W. Steps of 0.1 V blur when a slow cycle turns. It does not matter whether the current follows the steps or the slope of CVL.
    #[test]
    fn a_known_power() {
        let step =
            seen(|t| 55.0 + 0.05 * square(180.0)(t) + 0.001, |t| 6.0 * square(180.0)(t)).expect("a cycle");
        assert!((step.moved.0 - 600.0).abs() < 10.0, "{step:?}");
        assert_eq!(step.period, Micros::from_secs(180));
        let slow = seen(|t| 55.0 - 0.3 * cosine(2400.0)(t), |t| 6.0 * sine(2400.0)(t)).expect("a cycle");
        let expected = 2.0 * 6.0 * 50.0 * core::f64::consts::FRAC_2_PI;
        assert!((slow.moved.0 - expected).abs() < 0.2 * expected, "{slow:?} {expected}");
    }

    /// Nothing moves, or it moves to another beat: no power belongs to the cycle.
    #[rstest]
    #[case::still(0.0)]
    #[case::another_beat(77.0)]
    fn a_cycle_that_moves_nothing(#[case] beat: f64) {
        let amps = move |t: f64| if beat > 0.0 { 6.0 * square(beat)(t) } else { 1.0 };
        let found = seen(|t| 55.0 + 0.05 * square(180.0)(t) + 0.001, amps).expect("a cycle");
        assert!(found.moved.0 < 100.0, "{found:?}");
    }

    /// One step of the wire each eleven minutes is the least that a battery can do between two of them; two steps are not, nor
    /// is one each nine minutes.
    #[rstest]
    #[case::slow(0.05, 1320.0, false)]
    #[case::two_steps(0.1, 1320.0, true)]
    #[case::sooner(0.05, 1080.0, true)]
    fn one_step_now_and_then_is_a_decision(#[case] by: f64, #[case] period: f64, #[case] counts: bool) {
        let found = seen(|t| 55.0 + by * square(period)(t) + 0.001, square(period));
        assert_eq!(found.is_some(), counts, "{found:?}");
    }

    #[test]
    fn what_does_not_go_on_is_no_cycle() {
        assert_eq!(seen(|_| 55.2, square(180.0)), None);
        assert_eq!(seen(|t| 56.0 - t / 6600.0, square(180.0)), None);
        assert_eq!(
            seen(|t| if t < 900.0 { 55.0 + 0.05 * square(180.0)(t) } else { 55.0 }, square(180.0)),
            None
        );
    }
}
