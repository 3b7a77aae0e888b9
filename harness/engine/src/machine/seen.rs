//! What was measured last, and whether a condition holds on it.

use judge::thresholds::Thresholds;
use proto::frame::Frame;
use proto::message::{Message, Pair};
use proto::quantity::{AmpHours, Micros};
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
}

impl Seen {
    /// Nothing yet, of a battery that declares this capacity.
    pub(super) fn of(capacity: Option<AmpHours>) -> Self {
        Self { capacity, ..Self::default() }
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

    /// Whether charge has ended in a battery that says it is full, or that stands at its CVL: state of charge alone is a
    /// count, and may be wrong while it is charged on.
    fn charged(&self, now: Micros) -> bool {
        let value = |which| self.value(which, now);
        let tail = Thresholds::default().tail.limit.0 / 100.0;
        let (Some(soc), Some(current), Some(capacity)) =
            (value(Observable::Soc), value(Observable::Current), self.capacity)
        else {
            return false;
        };
        let at_cvl = value(Observable::Cvl)
            .zip(value(Observable::Voltage))
            .is_some_and(|(cvl, pack)| cvl - pack <= AT_CVL);
        current <= tail * capacity.0 && (soc >= FULL || (soc >= NEARLY && at_cvl))
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
