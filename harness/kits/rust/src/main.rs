//! A battery of LFP cells that does what the protocol asks for; with `--follow` its CVL is the measured voltage - 0.2 V.

use std::process::ExitCode;

use busbar_bms::Alarm::{self, *};
use busbar_bms::{Answer, Bms, Hello, Turn, run};
use serde_json::Value;

const CAPACITY: f64 = 280.0;
#[derive(Default)]
struct Example {
    t: f64,
    turns: u64,
    soc: f64,
    cvl: f64,
    wanted: f64,
    mean: f64,
    excess: f64,
    next_cvl: f64,
    heard: f64,
    apart: u32,
    low_samples: u32,
    empty: bool,
    stepped: bool,
    /// samples beyond the level of an alarm, and since when it holds the contactor open
    trips: [(u32, Option<f64>); 13],
}

impl Bms for Example {
    fn start(hello: &Hello) -> Self {
        let bulk = 3.50 * hello.cells as f64;
        let soc = hello.soc_pct.or(hello.memory.as_f64()).unwrap_or(50.0);
        Self { soc, cvl: bulk, wanted: bulk, ..Self::default() }
    }

    fn memory(&self) -> Value {
        self.soc.into()
    }

    fn turn(&mut self, seen: &Turn, answer: &mut Answer) {
        let ((lowest, low), (highest, high)) = seen.extremes();
        let t = seen.t_us as f64 / 1e6;
        if self.turns == 0 {
            (self.t, self.next_cvl, self.heard, self.mean) = (t, t, t, high);
        }
        let dt = t - core::mem::replace(&mut self.t, t);
        let cold = seen.temperatures.iter().copied().fold(f64::INFINITY, f64::min);
        let hot = seen.temperatures.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        self.heard = if seen.frames.iter().any(|frame| frame.id == 0x305) { t } else { self.heard };
        self.apart = if seen.closed == answer.contactor { 0 } else { self.apart + 1 };
        self.trip(HighVoltage, 3, high >= 3.65, high <= 3.45, 600.0);
        self.trip(LowVoltage, 3, low <= 2.50, low >= 2.90 || seen.terminals > seen.pack + 1.0, 600.0);
        self.trip(HighChargeCurrent, 5, seen.current > 180.0, false, 60.0);
        self.trip(HighCurrent, 5, seen.current < -260.0, false, 60.0);
        self.trip(HighTemperature, 3, hot >= 60.0, hot <= 50.0, f64::INFINITY);
        self.trip(ShortCircuit, 1, seen.short_circuit, false, 60.0);
        self.trip(Internal, 3, seen.self_test_failed, true, f64::INFINITY);
        answer.contactor = self.trips.iter().all(|trip| trip.1.is_none()) && t - self.heard < 900.0;
        self.count(seen.current, dt, low, high);
        self.regulate(seen, dt, answer.contactor, high);
        let stop = self.is_open(&[ShortCircuit, Internal]);
        let no_charge = stop || self.is_open(&[HighVoltage, HighChargeCurrent]) || cold < 0.0 || hot > 60.0;
        let no_discharge = stop || self.is_open(&[LowVoltage, HighCurrent]) || self.empty || cold <= -20.0;
        let (ccl, dcl) = (if no_charge { 0.0 } else { 140.0 }, if no_discharge { 0.0 } else { 200.0 });
        let cvl = if std::env::args().any(|word| word == "--follow") { seen.pack - 0.2 } else { self.cvl };
        answer.limits(cvl, ccl, dcl, 2.80 * seen.cells.len() as f64);
        answer.state_of_charge(self.soc, 100.0);
        answer.measurements(seen.pack, seen.current, (cold + hot) / 2.0);
        let alarms = [
            (LowTemperature, cold <= -20.0),
            (HighTemperatureCharge, hot > 60.0),
            (LowTemperatureCharge, cold < 0.0),
            (Contactor, self.apart >= 3),
            (Imbalance, high - low >= 0.3),
        ];
        let tripped = Alarm::ALL.map(|alarm| (alarm, self.is_open(&[alarm])));
        answer.alarms(&[&tripped[..], &alarms].concat(), &[], seen.closed);
        answer.cells((low, high), (cold, hot));
        if self.turns.is_multiple_of(10) {
            let bleeds = |&cell: &f64| if cell >= 3.37 && cell - low >= 0.01 { 0.15 } else { 0.0 };
            answer.balance = seen.cells.iter().map(bleeds).collect();
            let online = u16::from(answer.contactor);
            answer.text(0x35E, "BusbarRs");
            answer.identity(0, (1, 0), CAPACITY * f64::from(online));
            answer.modules(online, 0xFFFF, 0xFFFF, 1 - online);
            answer.text(0x374, &lowest.to_string());
            answer.text(0x375, &highest.to_string());
        }
        self.turns += 1;
    }
}

impl Example {
    /// Opens the contactor after so many samples beyond a level, for 10 s at least, until it is released.
    fn trip(&mut self, alarm: Alarm, samples: u32, beyond: bool, released: bool, retry: f64) {
        let (count, since) = &mut self.trips[alarm as usize];
        *count = if beyond { *count + 1 } else { 0 };
        let open_for = since.map_or(0.0, |since| self.t - since);
        if since.is_none() && *count >= samples {
            *since = Some(self.t);
        } else if !beyond && open_for >= 10.0 && (released || open_for >= retry) {
            *since = None;
        }
    }

    fn is_open(&self, alarms: &[Alarm]) -> bool {
        alarms.iter().any(|&alarm| self.trips[alarm as usize].1.is_some())
    }

    /// State of charge by counting, put right where the battery shows that it is full; empty until it was charged again.
    fn count(&mut self, current: f64, dt: f64, low: f64, high: f64) {
        let full = high >= 3.38 && current.abs() <= 0.03 * CAPACITY;
        let counted = current * dt / 36.0 / CAPACITY;
        self.soc = (self.soc + if full { counted.max(dt / 60.0) } else { counted }).clamp(0.0, 100.0);
        self.low_samples = if low <= 2.80 { self.low_samples + 1 } else { 0 };
        self.empty = if self.empty { low < 3.10 || self.soc < 3.0 } else { self.low_samples >= 5 };
    }

    /// CVL: a slow loop holds the highest cell between 3.39 and 3.47 V; one step down where charge is too fast.
    fn regulate(&mut self, seen: &Turn, dt: f64, closed: bool, high: f64) {
        let cells = seen.cells.len() as f64;
        self.mean = high + (-dt / 10.0).exp() * (self.mean - high);
        let excess = (self.mean - 3.47).max(0.0);
        let stop = seen.pack - seen.current.max(0.0) * 0.00022 * cells;
        let before = self.stepped;
        self.stepped = high >= 3.45 && (before || high >= 3.49);
        if self.stepped && !before && stop < self.cvl {
            self.wanted = stop;
        } else if self.t >= self.next_cvl && closed {
            let loaded = seen.current < -0.1 * CAPACITY; // then no cell shows how full it is
            let rise = if loaded { 0.0 } else { 0.3 * (3.39 - self.mean).max(0.0) };
            let change = (rise - 0.3 * excess - 4.0 * (excess - self.excess)).clamp(-0.4, 0.1);
            let bound = if excess > 0.0 { seen.pack } else { f64::INFINITY };
            self.wanted = self.wanted.min(bound) + if self.mean < 3.36 && !loaded { 0.1 } else { change };
        } else {
            return;
        }
        self.wanted = self.wanted.clamp(3.25 * cells, 3.50 * cells);
        if (self.wanted - self.cvl).abs() >= 0.075 {
            self.cvl = (self.wanted * 10.0).round() / 10.0;
        }
        (self.excess, self.next_cvl) = (excess, self.t + 24.0);
    }
}

fn main() -> ExitCode {
    run::<Example>("Busbar Rust example 1.0", true)
}
