//! M1: how a battery that switched off looks from outside, and its high-voltage alarms.

use core::fmt;

use proto::message::AlarmKind;
use proto::quantity::{Micros, Volts};

use crate::thresholds::fixed::{CLOSED_CURRENT, CURRENT_ZERO, PARTED_FOR, USUAL_TIME};
use crate::trace::{Channel, Series, Trace};
use crate::window::{Window, heard, stretches, times};

/// The battery was gone, or raised a high-voltage alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trip {
    /// from when to when
    pub window: Window,
    /// how it showed
    pub how: How,
}

/// How a trip shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// 0x35A says that the main switch is open
    Offline,
    /// a high-voltage alarm on CAN
    HighVoltageAlarm,
    /// no current at all while the DC bus leaves the battery voltage by far, seen against their usual
    /// difference
    Parted,
    /// the same while 0x35A says all the time that the main switch is closed: a battery that hides it, or instruments
    /// that disagree
    PartedUnsaid,
    /// the battery's unit on the GX does not answer any more
    LostOnGx,
}

impl How {
    /// Whether it is a disconnect rather than an alarm.
    #[must_use]
    pub fn is_disconnect(self) -> bool {
        self != Self::HighVoltageAlarm
    }
    /// Whether it shows by itself that the battery tripped; what does not is a question only.
    #[must_use]
    pub fn convicts(self) -> bool {
        self != Self::PartedUnsaid
    }
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Offline => "0x35A says the main switch is open",
            Self::HighVoltageAlarm => "0x35A raises a high-voltage alarm",
            Self::Parted => "no current flows while the DC bus leaves the battery voltage by far",
            Self::PartedUnsaid => {
                "no current flows while the DC bus leaves the battery voltage by far, yet 0x35A says the main switch is closed"
            }
            Self::LostOnGx => "the GX has lost the battery",
        })
    }
}

/// M1: every trip in a window. The threshold is none: *"the battery does not switch off in an over-voltage error"*
/// (P 1.5.3.1). A battery has parted from the bus where their voltages differ by more than `apart` beyond what is usual.
#[must_use]
pub fn trips(trace: &Trace, window: Window, apart: Volts) -> Vec<Trip> {
    let one = |channel| trace.series(channel);
    let high_voltage = |[mask]: [f64; 1]| mask as u32 & (1 << AlarmKind::HighVoltage as u32) != 0;
    let parts = [one(Channel::PackCurrent), one(Channel::PackVoltage), one(Channel::BusVoltage)];
    let usual = usual_difference(parts);
    let parted = |[current, pack, bus]: [f64; 3]| {
        current.abs() < CURRENT_ZERO && usual.is_some_and(|usual| (bus - pack - usual).abs() > apart.0)
    };
    // The GX is polled and CAN is not: after a fast change the two voltages differ for a poll or two.
    let lasting = |w: &Window| w.length() >= PARTED_FOR;
    let (unsaid, parted): (Vec<Window>, Vec<Window>) = times(parts, window, parted)
        .into_iter()
        .filter(lasting)
        .partition(|&w| says_closed(one(Channel::Online), w));
    let mut out: Vec<Trip> = Vec::new();
    let mut take =
        |how, windows: Vec<Window>| out.extend(windows.into_iter().map(|window| Trip { window, how }));
    take(How::Offline, times([one(Channel::Online)], window, |[v]| v < 0.5));
    take(How::HighVoltageAlarm, times([one(Channel::Alarms)], window, high_voltage));
    take(How::Parted, parted);
    take(How::PartedUnsaid, unsaid);
    take(How::LostOnGx, lost(one(Channel::GxBattery), window));
    out.sort_by_key(|t| t.window);
    out
}

/// Median over the case, V, of what the DC bus stands above the battery voltage: while current flows, which a battery
/// that is off cannot fake, or over all the time where it hardly ever flows.
fn usual_difference(parts: [&Series; 3]) -> Option<f64> {
    let end = parts.iter().filter_map(|s| s.last_seen()).max()?;
    let all: Vec<_> = stretches(parts, Window::new(Micros::ZERO, end)).collect();
    let weighed = |least: f64| -> Vec<(f64, f64)> {
        let enough = all.iter().filter(|s| s.values[0].abs() >= least);
        enough.map(|s| (s.values[2] - s.values[1], s.window.secs())).collect()
    };
    let flowing = weighed(CLOSED_CURRENT);
    let total: f64 = flowing.iter().map(|d| d.1).sum();
    median(if total >= USUAL_TIME { flowing } else { weighed(0.0) })
}

/// Median of values that each come with a weight.
fn median(mut weighed: Vec<(f64, f64)>) -> Option<f64> {
    weighed.sort_by(|a, b| a.0.total_cmp(&b.0));
    let half = weighed.iter().map(|w| w.1).sum::<f64>() / 2.0;
    let mut below = 0.0;
    let middle = weighed.iter().find(|w| {
        below += w.1;
        below >= half
    });
    middle.map(|w| w.0)
}

/// Whether 0x35A was heard throughout and said throughout that the main switch is closed.
fn says_closed(online: &Series, window: Window) -> bool {
    let closed: f64 = times([online], window, |[v]| v > 0.5).iter().map(|w| w.secs()).sum();
    let heard = heard(online, &[window]) * window.secs();
    closed.min(heard) > window.secs() - 1e-6
}

/// Lost means it was there before.
fn lost(on_gx: &Series, window: Window) -> Vec<Window> {
    let seen = on_gx.points().iter().find(|p| p.1 > 0.5).map(|p| p.0);
    let gone = times([on_gx], window, |[v]| v < 0.5);
    gone.into_iter().filter(|w| seen.is_some_and(|seen| seen < w.from)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::thresholds::fixed::PARTED;
    use rstest::rstest;

    fn s(t: u64) -> Micros {
        Micros::from_secs(t)
    }
    fn healthy() -> Trace {
        let mut t = Trace::default();
        for (channel, value) in [
            (Channel::Online, 1.0),
            (Channel::Alarms, 0.0),
            (Channel::PackCurrent, 12.0),
            (Channel::PackVoltage, 55.0),
            (Channel::BusVoltage, 55.1),
            (Channel::GxBattery, 1.0),
        ] {
            t.push(channel, s(0), value);
        }
        t
    }
    fn hour() -> Window {
        Window::new(s(0), s(3600))
    }

    #[test]
    fn a_healthy_battery_never_trips() {
        assert_eq!(trips(&healthy(), hour(), PARTED), []);
        assert_eq!(trips(&Trace::default(), hour(), PARTED), []);
    }

    #[rstest]
    #[case(&[(Channel::Online, 0.0)], How::Offline)]
    #[case(&[(Channel::Alarms, 2.0)], How::HighVoltageAlarm)]
    #[case(&[(Channel::PackCurrent, 0.0), (Channel::BusVoltage, 57.0)], How::Parted)]
    #[case(&[(Channel::GxBattery, 0.0)], How::LostOnGx)]
    fn each_sign_is_seen(#[case] changes: &[(Channel, f64)], #[case] how: How) {
        let mut t = healthy();
        for &(channel, value) in changes {
            t.push(channel, s(100), value);
        }
        let found = trips(&t, hour(), PARTED);
        assert_eq!(found, [Trip { window: Window::new(s(100), s(3600)), how }]);
    }

    #[test]
    fn a_low_voltage_alarm_is_no_over_voltage() {
        let mut t = healthy();
        t.push(Channel::Alarms, s(100), 4.0);
        assert_eq!(trips(&t, hour(), PARTED), []);
    }

    /// A charger that rests at the battery voltage moves no current either.
    #[test]
    fn rest_is_no_disconnect() {
        let mut t = healthy();
        t.push(Channel::PackCurrent, s(100), 0.0);
        assert_eq!(trips(&t, hour(), PARTED), []);
    }

    /// An hour once a second: current flows for the first half, and is regulated to nothing in the second.
    fn resting(f: impl Fn(u64, Channel, f64) -> Option<f64>) -> Trace {
        let mut t = Trace::default();
        for at in 0..3600 {
            for (channel, value) in [
                (Channel::Online, 1.0),
                (Channel::PackCurrent, if at < 1800 { 12.0 } else { 0.0 }),
                (Channel::PackVoltage, 55.0),
                (Channel::BusVoltage, 55.1),
            ] {
                if let Some(value) = f(at, channel, value) {
                    t.push(channel, s(at), value);
                }
            }
        }
        t
    }
    fn only(t: &Trace) -> Vec<How> {
        trips(t, hour(), PARTED).iter().map(|t| t.how).collect()
    }

    /// The battery's voltmeter reads 1.5 V too low or too high, whether or not current ever flows.
    #[rstest]
    #[case(-1.5, 1.0)]
    #[case(1.5, 1.0)]
    #[case(1.5, 0.0)]
    fn a_voltmeter_that_is_off_is_no_disconnect(#[case] off: f64, #[case] current: f64) {
        for online in [Some(1.0), None] {
            let t = resting(|_, channel, v| match channel {
                Channel::PackVoltage => Some(v + off),
                Channel::PackCurrent => Some(v * current),
                Channel::Online => online,
                _ => Some(v),
            });
            assert_eq!(only(&t), []);
        }
    }

    /// The same battery switches off: the bus leaves the usual difference, even towards the shown voltage.
    #[rstest]
    #[case(53.5, 57.0)]
    #[case(53.5, 53.5)]
    #[case(56.5, 56.6)]
    fn a_departure_from_the_usual_difference_is_one(#[case] pack: f64, #[case] bus: f64) {
        let parting = |online: fn(u64) -> Option<f64>| {
            resting(move |at, channel, v| match channel {
                Channel::PackVoltage => Some(pack),
                Channel::BusVoltage if at >= 3000 => Some(bus),
                Channel::Online => online(at),
                _ => Some(v),
            })
        };
        assert_eq!(only(&parting(|_| None)), [How::Parted], "0x35A is not sent");
        assert_eq!(only(&parting(|at| (at < 2990).then_some(1.0))), [How::Parted], "0x35A falls silent");
        let open = parting(|at| Some(if at < 3100 { 1.0 } else { 0.0 }));
        assert_eq!(only(&open), [How::Parted, How::Offline], "0x35A says it late");
        assert_eq!(only(&parting(|_| Some(1.0))), [How::PartedUnsaid], "0x35A says closed");
        assert!(!How::PartedUnsaid.convicts() && How::Parted.convicts());
    }

    #[test]
    fn a_battery_not_yet_on_the_gx_is_not_lost() {
        let mut t = Trace::default();
        t.push(Channel::GxBattery, s(0), 0.0);
        t.push(Channel::GxBattery, s(20), 1.0);
        assert_eq!(trips(&t, hour(), PARTED), []);
    }
}
