//! M4: whether CVL oscillates regularly, by the zero crossings of its autocorrelation.

use proto::quantity::{Micros, Volts};

use crate::trace::Series;
use crate::window::{Window, stretches};

/// A regular oscillation, or its absence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Regularity {
    /// Thornhill's regularity: mean over three times the spread of the intervals between zero crossings of the
    /// autocorrelation. Above 1 the oscillation is regular: a limit cycle.
    pub r: f64,
    /// period of the oscillation
    pub period: Micros,
    /// standard deviation of CVL
    pub deviation: Volts,
}

const SAMPLE: Micros = Micros::from_secs(2);
/// Twelve crossings are six periods; more blur the estimate.
const CROSSINGS: usize = 12;
/// Below this CVL stands still, and the autocorrelation is one of quantisation noise.
const STILL: f64 = 0.05;
/// Bounds the work on windows of many hours.
const SAMPLES: usize = 2700;

/// Regularity of CVL in a window: nothing where it stands still (standard deviation below 0.05 V) or does not swing
/// often enough to say. A diagnosis beside M3 and M5, never a verdict: on its own it misses a relay under load steps.
#[must_use]
pub fn regularity(cvl: &Series, window: Window) -> Option<Regularity> {
    let x = sampled(cvl, window.last(Micros(SAMPLE.0 * SAMPLES as u64)));
    let n = x.len();
    if n < 60 {
        return None;
    }
    let mean = x.iter().sum::<f64>() / n as f64;
    let x: Vec<f64> = x.iter().map(|v| v - mean).collect();
    let power: f64 = x.iter().map(|v| v * v).sum();
    let deviation = (power / n as f64).sqrt();
    if deviation < STILL {
        return None;
    }
    let mut crossings: Vec<f64> = Vec::with_capacity(CROSSINGS);
    let mut before = 1.0;
    for lag in 1..n / 2 {
        let now = x[lag..].iter().zip(&x).map(|(a, b)| a * b).sum::<f64>() / power;
        if (before > 0.0) != (now > 0.0) {
            crossings.push(lag as f64 - now / (now - before));
        }
        before = now;
        if crossings.len() == CROSSINGS {
            break;
        }
    }
    let gaps: Vec<f64> = crossings.windows(2).map(|c| c[1] - c[0]).collect();
    if gaps.len() < 4 {
        return None;
    }
    let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
    let spread = (gaps.iter().map(|g| (g - mean).powi(2)).sum::<f64>() / gaps.len() as f64).sqrt();
    // A spread below a tenth of a sample is perfect regularity as far as sampling can tell.
    let r = mean / (3.0 * spread.max(0.1));
    Some(Regularity {
        r,
        period: Micros((2.0 * mean * SAMPLE.0 as f64).round() as u64),
        deviation: Volts(deviation),
    })
}

fn sampled(series: &Series, window: Window) -> Vec<f64> {
    let mut out = Vec::new();
    let mut at = window.from;
    for s in stretches([series], window) {
        at = at.max(s.window.from);
        while at < s.window.to {
            out.push(s.values[0]);
            at += SAMPLE;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn made(f: impl Fn(u64) -> f64) -> Series {
        let mut out = Series::default();
        (0..3600).for_each(|t| out.push(Micros::from_secs(t), (f(t) * 10.0).round() / 10.0));
        out
    }
    fn hour() -> Window {
        Window::new(Micros::ZERO, Micros::from_secs(3600))
    }

    #[rstest]
    #[case(40)]
    #[case(90)]
    #[case(300)]
    fn a_sine_is_regular_and_its_period_is_found(#[case] period: u64) {
        let x = made(|t| 55.0 + 0.4 * (core::f64::consts::TAU * t as f64 / period as f64).sin());
        let found = regularity(&x, hour()).expect("it swings");
        assert!(found.r > 1.0, "{found:?}");
        assert!((found.period.secs() - period as f64).abs() < 0.06 * period as f64, "{found:?}");
        assert!((found.deviation.0 - 0.4 / 2f64.sqrt()).abs() < 0.03, "{found:?}");
    }

    #[test]
    fn wandering_is_not_regular() {
        // A fixed linear congruential sequence: the same wander every time.
        let mut state = 12_345u64;
        let mut level = 55.0;
        let wander: Vec<f64> = (0..3600)
            .map(|t| {
                if t % 30 == 0 {
                    state =
                        state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    level = 55.0 + ((state >> 33) % 1000) as f64 / 1000.0;
                }
                level
            })
            .collect();
        let found = regularity(&made(|t| wander[t as usize]), hour());
        assert!(found.is_none_or(|f| f.r < 1.0), "{found:?}");
    }

    #[test]
    fn a_still_cvl_has_none() {
        assert_eq!(regularity(&made(|_| 55.2), hour()), None);
        assert_eq!(
            regularity(
                &made(|t| 55.0 + 0.1 * ((t / 900) % 2) as f64),
                Window::new(Micros::ZERO, Micros::from_secs(800))
            ),
            None
        );
        assert_eq!(regularity(&Series::default(), hour()), None);
    }
}
