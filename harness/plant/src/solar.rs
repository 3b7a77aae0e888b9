//! The solar charger, and the supply that plays the sun on its input.

use proto::quantity::{Micros, Volts, Watts};
use proto::reading::{GxSolar, PsuReading};

use crate::pack::STEP;
use crate::params::{PsuParams, SolarParams};

/// A charger whose tracker sits at the corner of a rectangular supply, or below it where a limit holds it back.
#[derive(Debug, Clone)]
pub(crate) struct Solar {
    p: SolarParams,
    psu: PsuParams,
    /// what the supply would give
    available: f64,
    /// battery side, A
    amps: f64,
    /// PV side, W
    watts: f64,
    /// A per V of error per second, so that the loop through the battery has its time constant
    gain: f64,
    input_since: Option<Micros>,
    running: bool,
    limited: bool,
    next_scan: Micros,
    volts: f64,
}

/// What holds the charger back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SolarOrders {
    /// it may charge at all: battery there, limits not stale
    pub(crate) enabled: bool,
    /// voltage setpoint, V
    pub(crate) volts: f64,
    /// current limit, A
    pub(crate) amps: f64,
}

impl Solar {
    /// `ohms`: of battery and cables, which the voltage loop acts through; `phase` of the scans, 0 to 1.
    pub(crate) fn new(p: &SolarParams, psu: &PsuParams, ohms: f64, phase: f64) -> Self {
        Self {
            gain: 1.0 / (ohms * p.voltage_loop.secs()),
            next_scan: Micros((p.scan_period.0 as f64 * phase) as u64),
            p: p.clone(),
            psu: psu.clone(),
            available: 0.0,
            amps: 0.0,
            watts: 0.0,
            input_since: None,
            running: false,
            limited: false,
            volts: 0.0,
        }
    }

    /// The sun, as a current limit at the supply's voltage.
    pub(crate) fn shine(&mut self, watts: Watts) {
        self.available = watts.0;
    }

    /// One step at `volts` of its battery terminals; returns the current into the bus.
    pub(crate) fn step(&mut self, at: Micros, volts: f64, orders: &SolarOrders) -> f64 {
        let dt = STEP.secs();
        let volts = volts.max(1.0);
        self.volts = volts;
        let margin = if self.available > 0.0 { self.psu.voltage.0 - volts } else { -volts };
        let wanted = if self.running { self.p.stop_below.0 } else { self.p.start_above.0 };
        if margin <= wanted {
            self.input_since = None;
        } else if self.input_since.is_none() {
            self.input_since = Some(at);
        }
        let ready =
            self.input_since.is_some_and(|since| self.running || at.since(since) >= self.p.start_delay);
        let running = ready && orders.enabled;
        if !running {
            if self.running {
                // Whatever stopped it, it starts again from the beginning.
                self.input_since = None;
            }
            (self.running, self.limited) = (false, false);
            (self.amps, self.watts) = (0.0, 0.0);
            return 0.0;
        }
        self.running = true;

        let at_corner = self.available * self.p.tracking.0 / 100.0 * self.scan(at);
        let efficiency = self.p.efficiency.0 / 100.0;
        let sun = at_corner * efficiency / volts;
        let rating = self.p.maximum_current.0.min(self.p.maximum_power.0 / volts);
        let limit = sun.min(rating).min(orders.amps);
        let error = orders.volts - (volts + self.p.calibration.0);
        let rise = self.p.rise.0 / volts * dt;
        let change = (error * self.gain * dt).min(rise);
        self.limited = self.amps + change < sun;
        self.amps = (self.amps + change).clamp(0.0, limit.max(0.0));
        self.watts = self.amps * volts / efficiency;
        self.amps
    }

    /// Share of power left by the full scan, which only a tracker at the maximum makes.
    fn scan(&mut self, at: Micros) -> f64 {
        if at < self.next_scan || self.limited {
            return 1.0;
        }
        if at.since(self.next_scan) >= self.p.scan_time {
            self.next_scan = at + self.p.scan_period;
            return 1.0;
        }
        self.p.scan_level.0 / 100.0
    }

    /// What the supply shows: 10 mV, 10 mA.
    pub(crate) fn psu(&self) -> PsuReading {
        let output = self.available > 0.0;
        let voltage = if output { self.psu.voltage.0 } else { 0.0 };
        PsuReading {
            output,
            voltage: Volts(voltage),
            current: proto::quantity::Amps(super::gx::round(self.watts / self.psu.voltage.0, 100.0)),
            available: Watts(self.available),
        }
    }

    /// What the GX shows of the charger.
    pub(crate) fn reading(&self) -> GxSolar {
        use super::gx::round;
        use proto::quantity::Amps;
        GxSolar {
            battery_voltage: Volts(round(self.volts + self.p.calibration.0, 100.0)),
            battery_current: Amps(round(self.amps, 10.0)),
            pv_power: self.shown_power(),
            pv_voltage: self.psu().voltage,
            tracker: match (self.running, self.limited) {
                (false, _) => 0,
                (true, true) => 1,
                (true, false) => 2,
            },
        }
    }

    /// In tenths of a watt, or whole watts where tenths do not fit into the register.
    fn shown_power(&self) -> Watts {
        let whole = Watts(self.watts.round());
        if whole > proto::gx::MOST_PV_TENTHS { whole } else { Watts(super::gx::round(self.watts, 10.0)) }
    }

    /// Current into the bus at the last step, A.
    pub(crate) fn amps(&self) -> f64 {
        self.amps
    }
}
