//! M7, M9 and M11: charge taken from a full battery, sun not used, and the DC bus above CVL.

use core::fmt;

use proto::quantity::{AmpHours, Amps, Micros, Percent, PercentPerHour, Volts, Watts};

use super::export::dips;
use crate::battery::Battery;
use crate::site::Site;
use crate::thresholds::fixed::{EXCESS, LOSSES, POLL, ROOM, SUN};
use crate::trace::{Channel, Trace};
use crate::window::{Window, extremes, hours, integral, stretches, times, without};

/// M7: what was taken from the battery.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Discharge {
    /// charge that flowed out, as share of capacity per hour; charge that flowed in does not make up for it
    pub rate: PercentPerHour,
    /// mean current, positive when charging
    pub mean: Amps,
}

/// M7 over windows in which nothing but CVL can ask for a discharge, see [`covered`] and [`unscanned`].
#[must_use]
pub fn discharge(trace: &Trace, windows: &[Window], capacity: AmpHours) -> Option<Discharge> {
    let current = trace.series(Channel::PackCurrent);
    let (out, secs) = integral(current, windows, |i| (-i).max(0.0))?;
    let (sum, _) = integral(current, windows, |i| i)?;
    Some(Discharge { rate: PercentPerHour(100.0 * out / secs / capacity.0), mean: Amps(sum / secs) })
}

/// The windows in which PV covers the loads and the grid is there: the battery need not discharge.
#[must_use]
pub fn covered(trace: &Trace, window: Window) -> Vec<Window> {
    let channels = [Channel::PvAvailable, Channel::AcLoads, Channel::GridConnected];
    times(channels.map(|c| trace.series(c)), window, |[pv, load, grid]| {
        grid > 0.5 && pv > 100.0 && pv * LOSSES >= load
    })
}

/// M9: share of the available PV that was not used while the inverter had room for all of it beside what the battery gives; nothing
/// where it never had. *"Will result in the solar chargers being curtailed"* (P 1.5.3). What the tracker gives away by its own scans is
/// left out: that is no curtailment.
///
/// A battery that is brought down to a lower CVL fills the inverter, and then no charger has room, however CVL is sent: M7
/// judges what such a CVL takes from the battery.
#[must_use]
pub fn curtailed(trace: &Trace, windows: &[Window], site: &Site) -> Option<(Percent, Micros)> {
    let channels = [Channel::PvAvailable, Channel::PvPower, Channel::AcLoads, Channel::GridConnected];
    let limit = trace.series(Channel::InputCurrentLimit);
    let (mut offered, mut used, mut time) = (0.0, 0.0, 0.0);
    let battery = [Channel::PackCurrent, Channel::PackVoltage].map(|c| trace.series(c));
    let unscanned = unscanned(trace, windows);
    for s in unscanned.iter().flat_map(|&w| stretches(channels.map(|c| trace.series(c)), w)) {
        let [available, taken, load, grid] = s.values;
        let left = site.room(Watts(load), limit.at(s.window.from).map(Amps)).0 - available - ROOM;
        if grid < 0.5 || available < SUN || left < 0.0 {
            continue;
        }
        let brought_down = times(battery, s.window, |[amps, volts]| -amps * volts > left);
        let secs: f64 = without(s.window, &brought_down).iter().map(|w| w.secs()).sum();
        offered += available * secs;
        used += taken.min(available) * secs;
        time += secs;
    }
    (time > 0.0).then(|| (Percent(100.0 * (1.0 - used / offered)), Micros((time * 1e6) as u64)))
}

/// Windows without the scans of the tracker. A scan takes the sun away for seconds, and CVL has no part in it.
#[must_use]
pub fn unscanned(trace: &Trace, windows: &[Window]) -> Vec<Window> {
    windows.iter().flat_map(|&w| without(w, &scans(trace, w))).collect()
}

/// What register 791 of a solar charger says while it is off, and while a limit of voltage or current holds it back.
const STOPPED: [f64; 2] = [0.0, 1.0];

/// The scans of the tracker: dips as short and as rare as those are, in which it was not off or held back all the time.
/// Where the tracker does not say what it does, the shape alone tells.
fn scans(trace: &Trace, window: Window) -> Vec<Window> {
    let tracker = trace.series(Channel::Tracker);
    let stopped = |dip: &Window| {
        let mut modes = stretches([tracker], *dip).peekable();
        let stops = |mode: f64| STOPPED.iter().any(|stop| (mode - stop).abs() < 0.5);
        modes.peek().is_some() && modes.all(|s| stops(s.values[0]))
    };
    let own = dips(trace, window).into_iter().filter(|dip| !stopped(dip));
    own.map(|w| Window::new(Micros(w.from.0.saturating_sub(POLL.0)), w.to)).collect()
}

/// M11: the DC bus above CVL. *"The DC voltage on the battery terminals of the inverter/charger is expected to rise
/// to CVL + 0.4V"* (P 1.5.3.3).
#[derive(Debug, Clone, PartialEq)]
pub struct Excess {
    /// time within the band around CVL + 0.4 V, or above it
    pub time: Micros,
    /// the windows of it
    pub windows: Vec<Window>,
    /// highest bus voltage above CVL that lasted
    pub highest: Volts,
}

/// How far above CVL solar chargers lift the DC bus, and how near to that it must come to count: both half as much on a
/// 24 V system and a quarter on a 12 V one, where the inverter adds so much less. What lifts it further counts too.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lift {
    /// above CVL
    pub offset: Volts,
    /// what it may fall short by
    pub band: Volts,
}

impl Lift {
    /// On the system that a battery is for; `band` is that of a 48 V system.
    #[must_use]
    pub fn of(battery: &Battery, band: Volts) -> Self {
        let share = battery.share_of_48_v();
        Self { offset: EXCESS * share, band: band * share }
    }
}

/// In words, such as `CVL + 0.4 V`.
impl fmt::Display for Lift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CVL + {}", self.offset)
    }
}

/// M11 over a window: how long the bus stood where solar chargers lift it to, or above.
#[must_use]
pub fn excess(trace: &Trace, window: Window, lift: Lift) -> Excess {
    let channels = [Channel::BusVoltage, Channel::Cvl].map(|c| trace.series(c));
    let reached = (lift.offset - lift.band).0;
    // A float difference of two decimal voltages misses the border by rounding.
    let windows = times(channels, window, |[bus, cvl]| cvl > 1.0 && bus - cvl > reached - 1e-6);
    let highest = windows
        .iter()
        .flat_map(|&w| stretches(channels, w))
        .filter(|s| s.window.secs() >= 1.0)
        .map(|s| s.values[0] - s.values[1])
        .fold(0.0, f64::max);
    Excess { time: Micros(windows.iter().map(|w| w.length().0).sum()), windows, highest: Volts(highest) }
}

/// M10: how far the highest cell stayed below the voltage at which the battery says it disconnects.
#[must_use]
pub fn headroom(trace: &Trace, windows: &[Window], over_voltage: Volts) -> Option<Volts> {
    extremes(trace.series(Channel::MaxCell), windows).map(|(_, high)| over_voltage - Volts(high))
}

/// The fall of the state of charge from the first to the last value of windows, in percent of capacity.
#[must_use]
pub fn soc_fall(trace: &Trace, windows: &[Window]) -> Option<Percent> {
    let soc = trace.series(Channel::Soc);
    // A window that ends is asked just before its end: the value at the end belongs to what follows.
    let fall: Option<Vec<f64>> =
        windows.iter().map(|w| Some(soc.at(w.from)? - soc.at(Micros(w.to.0.saturating_sub(1)))?)).collect();
    (hours(windows) > 0.0).then_some(())?;
    fall.map(|f| Percent(f.iter().sum()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const LIFT: Lift = Lift { offset: EXCESS, band: Volts(0.15) };

    fn s(t: u64) -> Micros {
        Micros::from_secs(t)
    }
    fn trace(points: &[(Channel, u64, f64)]) -> Trace {
        let mut t = Trace::default();
        points.iter().for_each(|&(c, at, v)| t.push(c, s(at), v));
        t
    }
    fn hour() -> Window {
        Window::new(s(0), s(3600))
    }
    fn site() -> Site {
        Site { ac_voltage: Volts(230.0), inverter_power: Watts(4000.0), ..Site::default() }
    }

    /// 2.8 A out of 280 Ah is 1 % an hour; a charge before it does not make up for it.
    #[test]
    fn a_known_discharge() {
        let t = trace(&[(Channel::PackCurrent, 0, 2.8), (Channel::PackCurrent, 1800, -5.6)]);
        let found = discharge(&t, &[hour()], AmpHours(280.0)).expect("known");
        assert!((found.rate.0 - 1.0).abs() < 1e-9, "{found:?}");
        assert!((found.mean.0 + 1.4).abs() < 1e-9, "{found:?}");
        assert_eq!(discharge(&Trace::default(), &[hour()], AmpHours(280.0)), None);
    }

    #[test]
    fn sun_covers_the_load_while_the_grid_is_there() {
        let t = trace(&[
            (Channel::PvAvailable, 0, 3500.0),
            (Channel::AcLoads, 0, 0.0),
            (Channel::GridConnected, 0, 1.0),
            (Channel::AcLoads, 600, 3400.0),
            (Channel::AcLoads, 1200, 2000.0),
            (Channel::GridConnected, 1800, 0.0),
        ]);
        assert_eq!(covered(&t, hour()), [Window::new(s(0), s(600)), Window::new(s(1200), s(1800))]);
    }

    #[test]
    fn a_known_curtailment() {
        let t = trace(&[
            (Channel::PvAvailable, 0, 3000.0),
            (Channel::PvPower, 0, 3000.0),
            (Channel::AcLoads, 0, 0.0),
            (Channel::GridConnected, 0, 1.0),
            (Channel::InputCurrentLimit, 0, 16.0),
            (Channel::PvPower, 1800, 2400.0),
        ]);
        let (share, time) = curtailed(&t, &[hour()], &site()).expect("there was room");
        assert!((share.0 - 10.0).abs() < 1e-9, "{share:?}");
        assert_eq!(time, s(3600));
    }

    /// Half an hour of 3 kW, of which PV gives 20 % for 5 s in every so many; the tracker says its mode.
    fn dipping(every: u64, mode: Option<f64>) -> Trace {
        let mut t = trace(&[
            (Channel::PvAvailable, 0, 3000.0),
            (Channel::AcLoads, 0, 0.0),
            (Channel::GridConnected, 0, 1.0),
        ]);
        for at in 0..1800 {
            let low = at % every >= every - 5;
            t.push(Channel::PvPower, s(at), if low { 600.0 } else { 3000.0 });
            if let Some(mode) = mode {
                t.push(Channel::Tracker, s(at), if low { mode } else { 2.0 });
            }
        }
        t
    }

    /// The extremes of what trackers do: 60 s from scan to scan, 5 s long, down to 20 %.
    #[rstest]
    #[case::tracking(65, Some(2.0), 0.1)]
    #[case::silent(65, None, 0.1)]
    #[case::seldom(600, Some(2.0), 0.1)]
    #[case::held_back(65, Some(1.0), 6.1)]
    #[case::off(65, Some(0.0), 6.1)]
    #[case::too_often(20, Some(2.0), 20.0)]
    fn what_a_scan_gives_away_is_no_curtailment(
        #[case] every: u64,
        #[case] mode: Option<f64>,
        #[case] unused: f64,
    ) {
        let half_an_hour = Window::new(s(0), s(1800));
        let (share, _) = curtailed(&dipping(every, mode), &[half_an_hour], &site()).expect("there was room");
        assert!((share.0 - unused).abs() < 0.15, "{share}");
    }

    /// While PV is low the battery gives 2.8 A, 1 % of its capacity an hour: for 5 s in 65 that is 0.077 %/h.
    #[rstest]
    #[case::scans(Some(2.0), 65, 0.0)]
    #[case::held_back(Some(1.0), 65, 0.077)]
    #[case::too_often(Some(2.0), 20, 0.25)]
    fn what_the_battery_gives_in_a_scan_is_not_asked_for_by_cvl(
        #[case] mode: Option<f64>,
        #[case] every: u64,
        #[case] rate: f64,
    ) {
        let mut t = dipping(every, mode);
        for at in 0..1800 {
            t.push(Channel::PackCurrent, s(at), if at % every >= every - 5 { -2.8 } else { 0.0 });
        }
        let windows = unscanned(&t, &[Window::new(s(0), s(1800))]);
        let found = discharge(&t, &windows, AmpHours(280.0)).expect("known");
        assert!((found.rate.0 - rate).abs() < 0.005, "{found:?}");
    }

    #[test]
    fn no_room_no_blame() {
        let t = trace(&[
            (Channel::PvAvailable, 0, 3000.0),
            (Channel::PvPower, 0, 900.0),
            (Channel::AcLoads, 0, 0.0),
            (Channel::GridConnected, 0, 1.0),
            (Channel::InputCurrentLimit, 0, 4.0),
        ]);
        assert_eq!(curtailed(&t, &[hour()], &site()), None);
    }

    /// For a half of the hour 700 W of 3.5 kW are not used. Of 4 kW the inverter has no room for them while the battery gives 1.1 kW;
    /// it has while the battery is charged, or gives 55 W.
    #[rstest]
    #[case::brought_down(-20.0, 0.0)]
    #[case::charged(20.0, 10.0)]
    #[case::at_rest(-1.0, 10.0)]
    fn what_the_battery_gives_takes_the_room(#[case] amps: f64, #[case] unused: f64) {
        let t = trace(&[
            (Channel::PvAvailable, 0, 3500.0),
            (Channel::PvPower, 0, 2800.0),
            (Channel::AcLoads, 0, 0.0),
            (Channel::GridConnected, 0, 1.0),
            (Channel::PackVoltage, 0, 55.0),
            (Channel::PackCurrent, 0, amps),
            (Channel::PvPower, 1800, 3500.0),
            (Channel::PackCurrent, 1800, 0.0),
        ]);
        let (share, _) = curtailed(&t, &[hour()], &site()).expect("there was room");
        assert!((share.0 - unused).abs() < 1e-9, "{share}");
    }

    #[test]
    fn the_bus_above_cvl() {
        let t = trace(&[
            (Channel::Cvl, 0, 55.2),
            (Channel::BusVoltage, 0, 55.2),
            (Channel::BusVoltage, 600, 55.6),
            (Channel::BusVoltage, 1500, 55.4),
        ]);
        let found = excess(&t, hour(), LIFT);
        assert_eq!(found.time, s(900));
        assert!((found.highest.0 - 0.4).abs() < 1e-9);
        assert_eq!(excess(&t, Window::new(s(0), s(600)), LIFT).time, Micros::ZERO);
    }

    /// The least that a bus must stand above CVL: 0.2 V at 48 V, half of it at 24 V, a quarter at 12 V.
    #[rstest]
    #[case::sixteen_cells(58.4, 0.2)]
    #[case::fourteen_of_nmc(58.8, 0.2)]
    #[case::thirteen_of_nmc(54.6, 0.2)]
    #[case::eight_cells(29.2, 0.1)]
    #[case::seven_of_nmc(29.4, 0.1)]
    #[case::twelve_of_lto(33.6, 0.1)]
    #[case::four_cells(14.6, 0.05)]
    #[case::four_of_nmc(16.8, 0.05)]
    fn the_lift_of_the_bus_is_that_of_the_system(#[case] charge: f64, #[case] least: f64) {
        let battery = Battery { max_charge_voltage: Volts(charge), ..crate::behaviour::declared() };
        let lift = Lift::of(&battery, Volts(0.2));
        assert!(((lift.offset - lift.band).0 - least).abs() < 1e-9, "{lift:?}");
    }

    #[test]
    fn headroom_and_fall_of_charge() {
        let t = trace(&[
            (Channel::MaxCell, 0, 3.45),
            (Channel::MaxCell, 10, 3.60),
            (Channel::MaxCell, 11, 3.45),
            (Channel::Soc, 0, 100.0),
            (Channel::Soc, 1800, 98.5),
        ]);
        let found = headroom(&t, &[hour()], Volts(3.65)).expect("cells are sent");
        assert!((found.0 - 0.05).abs() < 1e-9);
        assert!((soc_fall(&t, &[hour()]).expect("known").0 - 1.5).abs() < 1e-9);
        assert_eq!(soc_fall(&t, &[]), None);
    }
}
