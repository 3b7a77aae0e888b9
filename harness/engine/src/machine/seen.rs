//! What was measured last, and whether a condition holds on it.

use judge::behaviour::fullness::trickles;
use judge::thresholds::Thresholds;
use proto::frame::Frame;
use proto::message::{Message, Pair};
use proto::quantity::{AmpHours, Amps, Micros, Volts, Watts};
use proto::reading::GxReading;

use crate::suite::{Bounds, Condition, Observable, Test};

/// Older than this a value is history: some batteries send a message once a minute.
const FRESH: Micros = Micros::from_secs(65);
/// A battery that sent no 0x351 for this long is not called online, whatever it said before (P 1.4: the system
/// has stopped charging and discharging after 3 s).
const ALIVE: Micros = Micros::from_secs(10);
/// How far CVL must be below its highest to count as lowered, in volts: two steps of the wire, so that the last
/// digit may move.
const LOWERED: f64 = 0.2;
/// A current is not over because a tracker scans for some seconds, or a cloud passes (assumption).
const ENDED: Micros = Micros::from_secs(60);
/// State of charge of a full battery, %: counters stop a percent short until they are sure.
const FULL: f64 = 99.0;
/// One that reads low, but still is of a nearly full battery, %.
const NEARLY: f64 = 90.0;
/// A CVL that is no further above the battery voltage limits it, V: two steps of the wire, and the calibration of the
/// chargers (assumption).
const AT_CVL: f64 = 0.25;
/// Wire values are binary fractions of decimals: 3450 × 0.001 is 3.45 give or take 1e-16.
const SLACK: f64 = 1e-6;

/// The last value of everything that a condition can ask about.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    values: [Option<(Micros, f64)>; Observable::COUNT],
    /// highest CVL since the start of the case
    highest_cvl: Option<f64>,
    inverter: Option<(Micros, bool)>,
    grid: Option<(Micros, bool)>,
    /// 0x35A, system status
    status: Option<(Micros, Pair)>,
    /// whether the battery's unit answered on the GX
    on_gx: Option<(Micros, bool)>,
    /// last 0x351
    limits: Option<Micros>,
    /// what the battery declares
    capacity: Option<AmpHours>,
    /// PV power asked for last
    sun: Watts,
    /// since when the charge current is no more than a trickle
    trickles: Option<Micros>,
}

impl Seen {
    /// Nothing yet, of a battery that declares this capacity.
    pub(super) fn of(capacity: Option<AmpHours>) -> Self {
        Self { capacity, ..Self::default() }
    }

    /// So much PV power is asked for.
    pub(super) fn shine(&mut self, sun: Watts) {
        self.sun = sun;
    }

    /// Takes a frame.
    pub(super) fn can(&mut self, at: Micros, frame: &Frame) {
        match Message::decode(frame) {
            Some(Message::Limits(m)) => {
                self.limits = Some(at);
                self.put(Observable::Cvl, at, m.cvl().map(|v| v.0));
                self.put(Observable::Ccl, at, m.ccl().map(|v| v.0));
                self.put(Observable::Dcl, at, m.dcl().map(|v| v.0));
                if let Some((_, cvl)) = self.values[Observable::Cvl as usize] {
                    self.highest_cvl = Some(self.highest_cvl.map_or(cvl, |highest| highest.max(cvl)));
                }
            }
            Some(Message::StateOfCharge(m)) => self.put(Observable::Soc, at, m.finest_soc().map(|v| v.0)),
            Some(Message::Measurements(m)) => {
                self.put(Observable::Voltage, at, m.voltage().map(|v| v.0));
                self.put(Observable::Current, at, m.current().map(|v| v.0));
                self.trickles = self.trickle(at).then(|| self.trickles.unwrap_or(at));
            }
            Some(Message::Cells(m)) => {
                self.put(Observable::CellMax, at, m.max_cell().map(|v| v.0));
                self.put(Observable::CellMin, at, m.min_cell().map(|v| v.0));
            }
            Some(Message::Alarms(m)) => self.status = Some((at, m.system_status())),
            _ => {}
        }
    }

    /// Takes a poll of the GX.
    pub(super) fn gx(&mut self, at: Micros, reading: &GxReading) {
        self.on_gx = Some((at, reading.battery.is_some()));
        if let Some(inverter) = &reading.inverter {
            self.inverter = Some((at, inverter.running));
            self.put(Observable::Bus, at, Some(inverter.dc_voltage.0));
        }
        if let Some(solar) = &reading.solar {
            self.put(Observable::PvPower, at, Some(solar.pv_power.0));
        }
        if let Some(system) = &reading.system {
            self.grid = Some((at, system.grid_connected));
            self.put(Observable::GridPower, at, Some(system.grid.0));
        }
    }

    /// What cannot be is not taken: a garbled start-up frame must not become the highest CVL.
    fn put(&mut self, which: Observable, at: Micros, value: Option<f64>) {
        let (low, high) = which.observed().range;
        if let Some(value) = value.filter(|v| (low..=high).contains(v)) {
            self.values[which as usize] = Some((at, value));
        }
    }

    /// Whether a condition holds. What is unknown, or too old, holds nothing.
    pub(super) fn holds(&self, condition: &Condition, now: Micros) -> bool {
        match &condition.0 {
            Test::CvlLowered => self.lowered(now),
            Test::Full => self.lowered(now) || self.charged(now),
            &Test::Within(which, Bounds { at_least, at_most }) => self
                .value(which, now)
                .is_some_and(|value| (at_least - SLACK..=at_most + SLACK).contains(&value)),
            Test::Inverter(on) => fresh(self.inverter, now) == Some(*on),
            Test::Grid(on) => fresh(self.grid, now) == Some(*on),
            Test::Battery(online) => self.battery(now) == Some(*online),
            Test::Any(items) => items.iter().any(|item| self.holds(item, now)),
            Test::All(items) => items.iter().all(|item| self.holds(item, now)),
        }
    }

    /// What is known of everything that a condition asks about, in words.
    pub(super) fn told(&self, condition: &Condition, now: Micros) -> String {
        let word = |what: &str, value: Option<bool>, words: [&str; 2]| match value {
            Some(true) => format!("{what} {}", words[0]),
            Some(false) => format!("{what} {}", words[1]),
            None => format!("{what} unknown"),
        };
        match &condition.0 {
            Test::CvlLowered => {
                let cvl = self.told_value(Observable::Cvl, now);
                self.highest_cvl.map_or(cvl.clone(), |highest| format!("{cvl}, its highest {highest:.1} V"))
            }
            &Test::Within(which, _) => self.told_value(which, now),
            Test::Inverter(_) => word("inverter", fresh(self.inverter, now), ["on", "off"]),
            Test::Grid(_) => word("grid", fresh(self.grid, now), ["on", "off"]),
            Test::Battery(_) => word("battery", self.battery(now), ["online", "offline"]),
            Test::Full => [Observable::Soc, Observable::Current, Observable::Voltage, Observable::Cvl]
                .map(|which| self.told_value(which, now))
                .join(", "),
            Test::Any(items) | Test::All(items) => {
                let told: Vec<String> = items.iter().map(|item| self.told(item, now)).collect();
                told.join(", ")
            }
        }
    }

    fn told_value(&self, which: Observable, now: Micros) -> String {
        let observed = which.observed();
        match self.value(which, now) {
            Some(value) => {
                // Three decimals show a cell's millivolts; what the wire does not carry is not shown.
                let text = format!("{value:.3}");
                let text = text.trim_end_matches('0').trim_end_matches('.');
                format!("{} {text} {}", observed.words, observed.kind.unit())
            }
            None => format!("{} unknown", observed.words),
        }
    }

    fn value(&self, which: Observable, now: Micros) -> Option<f64> {
        fresh(self.values[which as usize], now)
    }

    fn lowered(&self, now: Micros) -> bool {
        match (self.value(Observable::Cvl, now), self.highest_cvl) {
            (Some(cvl), Some(highest)) => cvl <= highest - LOWERED + SLACK,
            _ => false,
        }
    }

    /// Whether the current is what ends the charge of a battery of this capacity.
    fn trickle(&self, now: Micros) -> bool {
        let tail = Thresholds::default().tail.limit.0 / 100.0;
        let measured = self.value(Observable::Current, now).zip(self.value(Observable::Voltage, now));
        measured.zip(self.capacity).is_some_and(|((current, pack), capacity)| {
            trickles(Amps(current), Amps(tail * capacity.0), self.sun, Volts(pack))
        })
    }

    /// Whether charge has ended in a battery that says it is full, or that stands at its CVL: state of charge alone is a
    /// count, and may be wrong while it is charged on.
    fn charged(&self, now: Micros) -> bool {
        let value = |which| self.value(which, now);
        let ended = self.trickles.is_some_and(|since| now.since(since) >= ENDED);
        let at_cvl = value(Observable::Cvl)
            .zip(value(Observable::Voltage))
            .is_some_and(|(cvl, pack)| cvl - pack <= AT_CVL);
        let full = |soc: f64| soc >= FULL || (soc >= NEARLY && at_cvl);
        ended && value(Observable::Current).is_some() && value(Observable::Soc).is_some_and(full)
    }

    /// Whether the battery is online: its own word (P 2 §0x35A, pair 1 offline, 2 online), the GX, and life.
    fn battery(&self, now: Micros) -> Option<bool> {
        let says = fresh(self.status, now);
        let on_gx = fresh(self.on_gx, now);
        if says == Some(Pair::Active) || on_gx == Some(false) {
            return Some(false);
        }
        let alive = self.limits.is_some_and(|heard| now.since(heard) <= ALIVE);
        let known = says.is_some() || on_gx.is_some();
        (alive && known).then_some(true)
    }
}

fn fresh<T>(value: Option<(Micros, T)>, now: Micros) -> Option<T> {
    value.filter(|(at, _)| now.since(*at) <= FRESH).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::message::{Limits, Measurements, StateOfCharge};
    use proto::quantity::{Celsius, Percent};
    use rstest::rstest;

    /// A battery of 280 Ah under 3 kW of sun: SoC, pack voltage and current, as they stand for so many seconds.
    fn standing(soc: f64, volts: f64, amps: f64, seconds: u64) -> (Seen, Micros) {
        let mut seen = Seen::of(Some(AmpHours(280.0)));
        seen.shine(Watts(3000.0));
        for at in 0..=seconds {
            let sent: [Message; 3] = [
                Limits::new(Volts(55.2), Amps(140.0), Amps(200.0), Volts(44.8)).into(),
                StateOfCharge::new(Percent(soc), Percent(100.0), Percent(soc)).into(),
                Measurements::new(Volts(volts), Amps(amps), Celsius(25.0)).into(),
            ];
            sent.iter().for_each(|message| seen.can(Micros::from_secs(at), &message.encode()));
        }
        (seen, Micros::from_secs(seconds))
    }

    /// A count that says 100 % while it is charged with 55 A is no full battery (P 1.5.3.1), and neither is a scan of
    /// the tracker, or a battery that nobody charges.
    #[rstest]
    #[case::charged_on(100.0, 54.6, 55.0, 600, false)]
    #[case::tapered(100.0, 55.2, 8.0, 600, true)]
    #[case::reads_low(96.0, 55.2, 8.0, 600, true)]
    #[case::below_cvl(96.0, 54.0, 8.0, 600, false)]
    #[case::half_way(60.0, 55.2, 8.0, 600, false)]
    #[case::for_a_moment(100.0, 55.2, 8.0, 5, false)]
    fn full_is_a_battery_whose_charge_has_ended(
        #[case] soc: f64,
        #[case] volts: f64,
        #[case] amps: f64,
        #[case] seconds: u64,
        #[case] expected: bool,
    ) {
        let (seen, now) = standing(soc, volts, amps, seconds);
        assert_eq!(
            seen.holds(&Condition(Test::Full), now),
            expected,
            "{}",
            seen.told(&Condition(Test::Full), now)
        );
    }

    /// What is unknown holds nothing: the capacity of the battery says what a small current is.
    #[test]
    fn without_a_capacity_no_current_has_ended() {
        let (mut seen, now) = standing(100.0, 55.2, 0.1, 600);
        assert!(seen.holds(&Condition(Test::Full), now));
        (seen.capacity, seen.trickles) = (None, None);
        assert!(!seen.holds(&Condition(Test::Full), now));
        let later = now + Micros::from_secs(1);
        let lowered: Message = Limits::new(Volts(55.0), Amps(140.0), Amps(200.0), Volts(44.8)).into();
        seen.can(later, &lowered.encode());
        assert!(seen.holds(&Condition(Test::Full), later), "CVL is lowered");
    }
}
