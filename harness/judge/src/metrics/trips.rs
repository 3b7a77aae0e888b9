//! M1: how a battery that switched off looks from outside, and its high-voltage alarms.

use core::fmt;

use proto::message::AlarmKind;
use proto::quantity::Micros;

use crate::trace::{Channel, Series, Trace};
use crate::window::{Window, times};

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
    /// no current at all while the DC bus leaves the battery voltage by more than 1 V
    Parted,
    /// the battery's unit on the GX does not answer any more
    LostOnGx,
}

impl How {
    /// Whether it is a disconnect rather than an alarm.
    #[must_use]
    pub fn is_disconnect(self) -> bool {
        self != Self::HighVoltageAlarm
    }
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Offline => "0x35A says the main switch is open",
            Self::HighVoltageAlarm => "0x35A raises a high-voltage alarm",
            Self::Parted => "no current flows while the DC bus leaves the battery voltage by more than 1 V",
            Self::LostOnGx => "the GX has lost the battery",
        })
    }
}

/// M1: every trip in a window. The threshold is none: *"the battery does not switch off in an over-voltage error"*
/// (P 1.5.3.1).
#[must_use]
pub fn trips(trace: &Trace, window: Window) -> Vec<Trip> {
    let one = |channel| trace.series(channel);
    let high_voltage = |[mask]: [f64; 1]| mask as u32 & (1 << AlarmKind::HighVoltage as u32) != 0;
    let parted = |[current, pack, bus]: [f64; 3]| current.abs() < 0.05 && (bus - pack).abs() > 1.0;
    let parts = [one(Channel::PackCurrent), one(Channel::PackVoltage), one(Channel::BusVoltage)];
    // The GX is polled and CAN is not: after a fast change the two voltages differ for a poll or two.
    let lasting = |w: &Window| w.length() >= Micros::from_secs(5);
    let mut out: Vec<Trip> = Vec::new();
    let mut take =
        |how, windows: Vec<Window>| out.extend(windows.into_iter().map(|window| Trip { window, how }));
    take(How::Offline, times([one(Channel::Online)], window, |[v]| v < 0.5));
    take(How::HighVoltageAlarm, times([one(Channel::Alarms)], window, high_voltage));
    take(How::Parted, times(parts, window, parted).into_iter().filter(lasting).collect());
    take(How::LostOnGx, lost(one(Channel::GxBattery), window));
    out.sort_by_key(|t| t.window);
    out
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
        assert_eq!(trips(&healthy(), hour()), []);
        assert_eq!(trips(&Trace::default(), hour()), []);
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
        let found = trips(&t, hour());
        assert_eq!(found, [Trip { window: Window::new(s(100), s(3600)), how }]);
    }

    #[test]
    fn a_low_voltage_alarm_is_no_over_voltage() {
        let mut t = healthy();
        t.push(Channel::Alarms, s(100), 4.0);
        assert_eq!(trips(&t, hour()), []);
    }

    /// A charger that rests at the battery voltage moves no current either.
    #[test]
    fn rest_is_no_disconnect() {
        let mut t = healthy();
        t.push(Channel::PackCurrent, s(100), 0.0);
        assert_eq!(trips(&t, hour()), []);
    }

    #[test]
    fn a_battery_not_yet_on_the_gx_is_not_lost() {
        let mut t = Trace::default();
        t.push(Channel::GxBattery, s(0), 0.0);
        t.push(Channel::GxBattery, s(20), 1.0);
        assert_eq!(trips(&t, hour()), []);
    }
}
