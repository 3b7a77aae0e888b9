//! The solar charger: a tracker at the supply's best point, or below it where a limit holds it back.

use proto::channel::Channel;
use proto::quantity::{Micros, Volts, Watts};
use proto::samples::{Samples, Value};

use crate::display::round;
use crate::inverter::{smaller, within};
use crate::meter::Measured;
use crate::params::{LIFT, PsuParams, SolarParams};
use crate::supply::Supply;

/// A charger with its input.
#[derive(Debug, Clone)]
pub(crate) struct Solar {
    p: SolarParams,
    pub(crate) supply: Supply,
    /// battery side, A
    amps: f64,
    /// PV side, W
    watts: f64,
    /// A per V of error per second
    gain: f64,
    input_since: Option<Micros>,
    running: bool,
    limited: bool,
    next_scan: Micros,
    forced_scan: bool,
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
    /// `nominal` voltage of the system; `phase` of the scans, 0 to 1.
    pub(crate) fn new(p: &SolarParams, psu: &PsuParams, nominal: Volts, phase: f64) -> Self {
        Self {
            gain: p.maximum_current.0 / (LIFT * nominal.0 * p.voltage_loop.secs()),
            next_scan: Micros((p.scan_period.0 as f64 * phase) as u64),
            p: p.clone(),
            supply: Supply::new(psu),
            amps: 0.0,
            watts: 0.0,
            input_since: None,
            running: false,
            limited: false,
            forced_scan: false,
            volts: 0.0,
        }
    }

    /// What its voltage control does to its current, A per V of error per second.
    pub(crate) fn gain(&self) -> f64 {
        self.gain
    }

    /// The sun.
    pub(crate) fn shine(&mut self, watts: Watts) {
        self.supply.set(watts);
    }

    /// A scan that goes on until it is called off.
    pub(crate) fn force_scan(&mut self, on: bool) {
        self.forced_scan = on;
    }

    /// A slice of `secs` that ends at `at`, at `volts` of its battery terminals; returns the current into the bus.
    /// `left`: share of its voltage error that is there on average, while all controls of the bus work it off.
    pub(crate) fn step(&mut self, at: Micros, secs: f64, volts: f64, left: f64, orders: &SolarOrders) -> f64 {
        let volts = volts.max(1.0);
        self.volts = volts;
        self.supply.step(secs);
        let wanted = if self.running { self.p.stop_below.0 } else { self.p.start_above.0 };
        if self.supply.volts() - volts <= wanted {
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
            self.amps = 0.0;
            return 0.0;
        }
        self.running = true;

        let best = self.supply.gives() * self.p.tracking.0 / 100.0 * self.scan(at);
        let sun = best * self.p.efficiency.0 / 100.0 / volts;
        let rating = smaller(self.p.maximum_current.0, self.p.maximum_power.0 / volts);
        let error = orders.volts - (volts + self.p.calibration.0);
        let wanted = smaller(smaller(self.amps + error * left * self.gain * secs, rating), orders.amps);
        let (rise, fall) = (self.p.rise.0 / volts * secs, self.p.fall.0 / volts * secs);
        let next = within(wanted, self.amps - fall, self.amps + rise).max(0.0);
        self.limited = next < sun;
        self.amps = smaller(next, sun);
        self.amps
    }

    /// What the slice took from the supply, W, now that the mean voltage at the battery terminals is known.
    pub(crate) fn settle(&mut self, volts: f64) -> f64 {
        self.watts = self.amps * volts / (self.p.efficiency.0 / 100.0);
        self.supply.take(self.watts);
        self.watts
    }

    /// Share of power left by the full scan, which only a tracker at the maximum makes.
    fn scan(&mut self, at: Micros) -> f64 {
        let level = self.p.scan_level.0 / 100.0;
        if self.forced_scan {
            return level;
        }
        if at < self.next_scan || self.limited {
            return 1.0;
        }
        if at.since(self.next_scan) >= self.p.scan_time {
            self.next_scan = at + self.p.scan_period;
            return 1.0;
        }
        level
    }

    /// What it says over its own port; of the battery and the inverter nothing.
    pub(crate) fn measured(&self) -> Measured {
        Measured {
            charger_volts: self.volts + self.p.calibration.0,
            charger_amps: self.amps,
            pv_volts: self.supply.input().0,
            pv_watts: self.watts,
            tracker: self.tracker() as u8,
            ..Measured::default()
        }
    }

    /// 0 off, 1 held back by a limit, 2 tracking.
    fn tracker(&self) -> u16 {
        match (self.running, self.limited) {
            (false, _) => 0,
            (true, true) => 1,
            (true, false) => 2,
        }
    }

    /// What the GX shows of the charger.
    pub(crate) fn tell(&self, to: &mut Samples) {
        to.tell(Channel::SolarVoltage, round(self.volts + self.p.calibration.0, 100.0));
        to.tell(Channel::SolarCurrent, round(self.amps, 10.0));
        to.tell(Channel::PvPower, self.shown_power().0);
        to.tell(Channel::PvVoltage, self.supply.input().0);
        to.put(Channel::Tracker, Value::Word(self.tracker()));
    }

    /// In tenths of a watt, or whole watts where tenths do not fit into the register.
    fn shown_power(&self) -> Watts {
        let whole = Watts(round(self.watts, 1.0));
        if whole > proto::gx::MOST_PV_TENTHS { whole } else { Watts(round(self.watts, 10.0)) }
    }

    /// Current into the bus at the last step, A.
    pub(crate) fn amps(&self) -> f64 {
        self.amps
    }
}
