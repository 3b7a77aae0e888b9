//! M3 and M5: how often CVL turns, and how far it travels.

use proto::quantity::{Micros, PerHour, Volts, VoltsPerHour};

use crate::trace::Series;
use crate::window::{Window, hours, stretches};

/// The turns of a series beyond a dead band.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Swings {
    /// how often it turned
    pub reversals: usize,
    /// M3: reversals per hour
    pub rate: PerHour,
    /// M5: total travel up and down, counting only movements beyond the dead band
    pub travel: VoltsPerHour,
    /// median height of a movement between two turns, zero when there was none
    pub amplitude: Volts,
    /// median time of a full cycle; zero when it turned less than twice
    pub period: Micros,
}

/// Follows CVL through windows and counts the turns that exceed `dead_band`. *"It needs to be very stable and slow
/// to prevent oscillations"* (P 1.5.3).
///
/// A movement counts once it has come back by more than the dead band, so the ±1 step limit cycle of a quantised
/// integrator (0.1 V) turns nowhere and travels nothing. Each window starts anew: what happens between two windows,
/// a load step for instance, is not held against the battery here.
#[must_use]
pub fn swings(cvl: &Series, windows: &[Window], dead_band: Volts) -> Swings {
    let (mut reversals, mut heights, mut half_periods, mut travel) = (0, Vec::new(), Vec::new(), 0.0);
    for &window in windows {
        let mut zigzag = Zigzag::new(dead_band.0);
        for s in stretches([cvl], window) {
            if let Some(turn) = zigzag.follow(s.window.from, s.values[0]) {
                reversals += 1;
                heights.push(turn.height);
                half_periods.extend(turn.since_last.map(|t| t.0));
            }
        }
        travel += zigzag.travelled();
    }
    let hours = hours(windows);
    let per_hour = |x: f64| if hours > 0.0 { x / hours } else { 0.0 };
    heights.sort_by(f64::total_cmp);
    half_periods.sort_unstable();
    Swings {
        reversals,
        rate: PerHour(per_hour(reversals as f64)),
        travel: VoltsPerHour(per_hour(travel)),
        amplitude: Volts(heights.get(heights.len() / 2).copied().unwrap_or(0.0)),
        period: Micros(half_periods.get(half_periods.len() / 2).map_or(0, |t| 2 * t)),
    }
}

/// Where a series turned by more than `dead_band` within a window: when it was highest or lowest, and how far it had come to there.
#[must_use]
pub(super) fn turns(series: &Series, window: Window, dead_band: Volts) -> Vec<(Micros, Volts)> {
    let mut zigzag = Zigzag::new(dead_band.0);
    let mut out = Vec::new();
    for s in stretches([series], window) {
        if let Some(turn) = zigzag.follow(s.window.from, s.values[0]) {
            out.extend(zigzag.last_turn.map(|at| (at, Volts(turn.height))));
        }
    }
    out
}

struct Turn {
    height: f64,
    since_last: Option<Micros>,
}

/// Follows a value from turn to turn.
struct Zigzag {
    band: f64,
    low: (Micros, f64),
    high: (Micros, f64),
    /// up or down, once the band was left
    rising: Option<bool>,
    start: f64,
    last_turn: Option<Micros>,
    done: f64,
}

impl Zigzag {
    fn new(band: f64) -> Self {
        let nowhere = (Micros::ZERO, f64::NAN);
        Self { band, low: nowhere, high: nowhere, rising: None, start: 0.0, last_turn: None, done: 0.0 }
    }

    fn follow(&mut self, at: Micros, value: f64) -> Option<Turn> {
        if self.low.1.is_nan() {
            (self.low, self.high, self.start) = ((at, value), (at, value), value);
            return None;
        }
        if value < self.low.1 {
            self.low = (at, value);
        }
        if value > self.high.1 {
            self.high = (at, value);
        }
        match self.rising {
            None => {
                if value > self.low.1 + self.band {
                    (self.rising, self.start, self.high) = (Some(true), self.low.1, (at, value));
                } else if value < self.high.1 - self.band {
                    (self.rising, self.start, self.low) = (Some(false), self.high.1, (at, value));
                }
                None
            }
            Some(true) if value < self.high.1 - self.band => {
                let turn = self.turn(self.high);
                (self.rising, self.low) = (Some(false), (at, value));
                Some(turn)
            }
            Some(false) if value > self.low.1 + self.band => {
                let turn = self.turn(self.low);
                (self.rising, self.high) = (Some(true), (at, value));
                Some(turn)
            }
            Some(_) => None,
        }
    }

    fn turn(&mut self, (at, value): (Micros, f64)) -> Turn {
        let height = (value - self.start).abs();
        self.done += height;
        self.start = value;
        let since_last = self.last_turn.map(|last| at.since(last));
        self.last_turn = Some(at);
        Turn { height, since_last }
    }

    fn travelled(&self) -> f64 {
        self.done
            + match self.rising {
                Some(true) => self.high.1 - self.start,
                Some(false) => self.start - self.low.1,
                None => 0.0,
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn hour() -> [Window; 1] {
        [Window::new(Micros::ZERO, Micros::from_secs(3600))]
    }
    fn sampled(f: impl Fn(f64) -> f64) -> Series {
        let mut out = Series::default();
        (0..3600).for_each(|t| out.push(Micros::from_secs(t), (f(t as f64) * 10.0).round() / 10.0));
        out
    }
    fn square(period: u64, low: f64, high: f64) -> Series {
        sampled(|t| if (t as u64 % period) < period / 2 { low } else { high })
    }

    /// A relay between two levels turns twice a period; its travel is twice its height a period.
    #[rstest]
    #[case(40, 55.0, 55.5)]
    #[case(120, 55.0, 55.3)]
    #[case(600, 54.0, 55.0)]
    fn a_relay_of_known_period(#[case] period: u64, #[case] low: f64, #[case] high: f64) {
        let found = swings(&square(period, low, high), &hour(), Volts(0.15));
        let turns = 3600.0 / period as f64 * 2.0;
        assert!((found.rate.0 - turns).abs() <= 2.0, "{found:?}");
        assert!((found.amplitude.0 - (high - low)).abs() < 1e-9, "{found:?}");
        assert_eq!(found.period, Micros::from_secs(period));
        assert!((found.travel.0 - turns * (high - low)).abs() <= 2.0 * (high - low), "{found:?}");
    }

    /// A good integrator after quantisation: back and forth by one step.
    #[test]
    fn one_step_back_and_forth_is_still() {
        let found = swings(&square(2, 55.0, 55.1), &hour(), Volts(0.15));
        assert_eq!((found.reversals, found.travel), (0, VoltsPerHour(0.0)));
    }

    #[test]
    fn a_ramp_travels_and_never_turns() {
        let found = swings(&sampled(|t| 56.0 - t / 3600.0), &hour(), Volts(0.15));
        assert_eq!(found.reversals, 0);
        assert!((found.travel.0 - 1.0).abs() < 0.01, "{found:?}");
    }

    #[test]
    fn a_constant_is_never_blamed() {
        let found = swings(&sampled(|_| 55.2), &hour(), Volts(0.15));
        assert_eq!((found.reversals, found.travel, found.period), (0, VoltsPerHour(0.0), Micros::ZERO));
        assert_eq!(swings(&Series::default(), &hour(), Volts(0.15)).reversals, 0);
    }
}
