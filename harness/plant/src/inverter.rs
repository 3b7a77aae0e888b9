//! The inverter/charger: transfer, island, ESS, and its hold on the DC voltage.

use proto::channel::Channel;
use proto::quantity::{Amps, Micros, Volts, Watts};
use proto::samples::{Samples, Value};

use crate::ac_pv::{AcPv, Island, Line};
use crate::display::round;
use crate::params::{AcPvParams, InverterParams, LIFT};

/// One unit between DC bus, AC input (mains) and AC output (loads).
#[derive(Debug, Clone)]
pub(crate) struct Inverter {
    p: InverterParams,
    /// on its AC output
    pub(crate) pv: AcPv,
    /// AC power, positive from battery to AC, negative when charging
    watts: f64,
    /// W per V of error per second
    gain: f64,
    running: bool,
    /// since when nothing keeps it from working
    ready_since: Option<Micros>,
    mains: bool,
    mains_since: Micros,
    connected: bool,
    low: bool,
    low_since: Option<Micros>,
    overload_since: Option<Micros>,
    rest_until: Micros,
    load: f64,
    /// share of the load that was supplied
    supplied: f64,
    /// of the transfer that is still to pass, s
    transfer: f64,
    input_limit: f64,
    volts: f64,
    amps: f64,
}

/// What the GX wants of it, and whether there is a battery.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InverterOrders {
    /// battery there, limits not stale
    pub(crate) enabled: bool,
    /// setpoint of the DC bus, V
    pub(crate) volts: f64,
    /// the most to charge with, A
    pub(crate) charge: f64,
    /// the most to discharge with, A; exact on the mains, in an island only zero counts (P 2 §0x351)
    pub(crate) discharge: f64,
    /// the mains are to carry the loads: state of charge at its minimum
    pub(crate) spare: bool,
    /// export to hold the bus down at `volts`
    pub(crate) feed_in: bool,
    /// power to draw from the mains where there is a choice, W
    pub(crate) setpoint: f64,
    /// charge from the mains with this, W on the AC side
    pub(crate) recharge: f64,
}

/// Powers on the AC side, W: `grid + pv + given = loads + own`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ac {
    pub(crate) grid: f64,
    pub(crate) pv: f64,
    pub(crate) loads: f64,
    /// from the DC side, negative when it charges
    pub(crate) given: f64,
    pub(crate) own: f64,
}

impl Inverter {
    /// `nominal` voltage of the system.
    pub(crate) fn new(p: &InverterParams, pv: &AcPvParams, nominal: Volts, mains: bool) -> Self {
        let watts_per_volt = p.maximum_power.0 / (LIFT * nominal.0);
        Self {
            gain: watts_per_volt / p.voltage_loop.secs(),
            pv: AcPv::new(pv, watts_per_volt),
            p: p.clone(),
            watts: 0.0,
            running: true,
            ready_since: Some(Micros::ZERO),
            mains,
            mains_since: Micros::ZERO,
            connected: mains,
            low: false,
            low_since: None,
            overload_since: None,
            rest_until: Micros::ZERO,
            load: 0.0,
            supplied: 1.0,
            transfer: 0.0,
            input_limit: p.input_current_limit.0,
            volts: 0.0,
            amps: 0.0,
        }
    }

    /// Mains come or go. Their loss is seen at once, their return only after the reconnect time.
    pub(crate) fn mains(&mut self, at: Micros, there: bool) {
        if there != self.mains {
            (self.mains, self.mains_since) = (there, at);
            if self.connected {
                self.transfer = self.p.transfer.secs();
            }
            self.connected = false;
        }
    }

    /// What its voltage control does to its current at `volts`, A per V of error per second.
    pub(crate) fn gain(&self, volts: f64) -> f64 {
        self.gain / volts.max(1.0)
    }

    /// AC load on the output.
    pub(crate) fn load(&mut self, watts: Watts) {
        self.load = watts.0;
    }

    /// AC input current limit; it bounds feed-in too (P 1.5.3.3).
    pub(crate) fn limit_input(&mut self, amps: Amps) {
        self.input_limit = amps.0;
    }

    /// A slice of `secs` that ends at `at`, at `volts` of its DC terminals, with `solar` amps on the bus; returns the
    /// power that it takes from the bus, W. `left`: as [`Solar::step`](crate::solar::Solar::step) has it.
    pub(crate) fn step(
        &mut self,
        at: Micros,
        secs: f64,
        volts: f64,
        solar: f64,
        left: f64,
        orders: &InverterOrders,
    ) -> f64 {
        let volts = volts.max(1.0);
        self.volts = volts;
        if self.mains && !self.connected && at.since(self.mains_since) >= self.p.reconnect {
            self.connected = true;
        }
        self.watch_voltage(at, volts, orders.enabled);
        self.watch_load(at);
        let island_ok = orders.discharge > 0.0 && !self.low && at >= self.rest_until;
        self.start_or_stop(at, orders.enabled && (self.connected || island_ok));
        let pv = if self.pv.is_dark() { 0.0 } else { self.pv.step(at, secs, &self.line(volts, orders)) };

        let gap = smaller(self.transfer, secs);
        self.transfer -= gap;
        self.supplied = if self.connected || self.running { 1.0 - gap / secs } else { 0.0 };
        self.watts = match (self.running, self.connected) {
            (false, _) => 0.0,
            (true, false) => self.load * self.supplied - pv,
            (true, true) => self.towards(secs, volts, solar, left, orders),
        };
        let efficiency = self.p.efficiency.0 / 100.0;
        let dc = if self.watts >= 0.0 { self.watts / efficiency } else { self.watts * efficiency };
        dc + if self.running && !self.connected { self.p.standby.0 } else { 0.0 }
    }

    fn line(&self, volts: f64, orders: &InverterOrders) -> Line {
        match (self.connected, self.running) {
            (true, _) => Line::Mains,
            (false, false) => Line::Dead,
            (false, true) => Line::Island(Island {
                load: self.load,
                volts: volts + self.p.calibration.0,
                setpoint: orders.volts,
                rating: self.p.maximum_charge.0,
                charge: orders.charge,
                most: self.p.maximum_power.0,
            }),
        }
    }

    /// The current that the power turned out to be; none where the bus collapsed, which switches it off for a while.
    pub(crate) fn settle(&mut self, at: Micros, amps: Option<f64>) -> f64 {
        self.amps = amps.unwrap_or(0.0);
        if amps.is_none() {
            (self.watts, self.supplied, self.running, self.ready_since) = (0.0, 0.0, false, None);
            if self.connected {
                self.supplied = 1.0;
            } else {
                self.pv.step(at, 0.0, &Line::Dead);
            }
            self.rest_until = at + self.p.overload_time;
        }
        self.amps
    }

    /// Power in parallel with the mains: an integral control of the DC voltage between two bounds that move. The
    /// lower one covers the loads (or recharges); the upper one is what may be exported.
    fn towards(&self, dt: f64, volts: f64, solar: f64, left: f64, orders: &InverterOrders) -> f64 {
        let efficiency = self.p.efficiency.0 / 100.0;
        let discharges = orders.discharge > 0.0 && !orders.spare && !self.low;
        let from_battery = if discharges { orders.discharge } else { 0.0 };
        let source = (solar + from_battery) * volts * efficiency;
        let most = self.p.maximum_power.0;
        let own = self.p.standby.0;
        let charge = smaller(orders.charge, self.p.maximum_charge.0) * volts / efficiency;
        // Where PV on the AC side exceeds the loads, that much of it may charge.
        let (surplus, pv) = (larger(-charge, -most), self.pv.watts());
        let missing = within(larger(self.load + own - orders.setpoint - pv, -pv), surplus.min(0.0), most);
        let cover = smaller(missing.max(0.0), source);
        let lower = if orders.recharge > 0.0 {
            -orders.recharge.min(charge).min(most)
        } else if discharges {
            cover + missing.min(0.0)
        } else {
            missing.min(0.0)
        };
        let upper = if orders.feed_in {
            let mains = self.load + own - pv + self.input_limit * self.p.mains_voltage.0;
            smaller(smaller(most, mains), source)
        } else {
            cover
        };
        let error = volts + self.p.calibration.0 - orders.volts;
        let wanted = within(self.watts + error * left * self.gain * dt, lower, larger(upper, lower));
        let ramp = self.p.ramp.0 * dt;
        self.watts + within(wanted - self.watts, -ramp, ramp)
    }

    fn watch_voltage(&mut self, at: Micros, volts: f64, battery: bool) {
        let shown = volts + self.p.calibration.0;
        if shown >= self.p.shutdown.0 || !battery {
            self.low_since = None;
        } else if at.since(*self.low_since.get_or_insert(at)) >= self.p.shutdown_delay {
            self.low = true;
        }
        if shown >= self.p.restart.0 {
            self.low = false;
        }
    }

    fn watch_load(&mut self, at: Micros) {
        let drawn = self.load - self.pv.watts();
        let over = self.running && !self.connected && drawn > self.p.overload_power.0;
        if !over {
            self.overload_since = None;
        } else if at.since(*self.overload_since.get_or_insert(at)) >= self.p.overload_time {
            self.rest_until = at + self.p.overload_time;
        }
    }

    fn start_or_stop(&mut self, at: Micros, can: bool) {
        if !can {
            (self.running, self.ready_since) = (false, None);
        } else if !self.running {
            self.running = at.since(*self.ready_since.get_or_insert(at)) >= self.p.restart_delay;
        }
    }

    /// Whether the AC input is connected.
    pub(crate) fn connected(&self) -> bool {
        self.connected
    }

    /// Current drawn from the bus at the last step, A.
    pub(crate) fn amps(&self) -> f64 {
        self.amps
    }

    /// Power from the mains, negative when it exports; the own consumption comes from there too.
    pub(crate) fn grid_watts(&self) -> f64 {
        if self.connected { self.load + self.p.standby.0 - self.watts - self.pv.watts() } else { 0.0 }
    }

    /// What the last slice did on the AC side.
    pub(crate) fn ac(&self) -> Ac {
        Ac {
            grid: self.grid_watts(),
            pv: self.pv.watts(),
            loads: self.load * self.supplied,
            given: self.watts,
            own: if self.connected { self.p.standby.0 } else { 0.0 },
        }
    }

    /// Power that reaches the loads.
    pub(crate) fn load_watts(&self) -> f64 {
        if self.connected || self.running { self.load } else { 0.0 }
    }

    /// At the AC input, 0 V without mains.
    pub(crate) fn mains_voltage(&self) -> Volts {
        if self.mains { self.p.mains_voltage } else { Volts::ZERO }
    }

    /// At the AC output, 0 V while it supplies nothing.
    pub(crate) fn output_voltage(&self) -> Volts {
        if self.connected || self.running { self.p.mains_voltage } else { Volts::ZERO }
    }

    /// Whether it works.
    pub(crate) fn running(&self) -> bool {
        self.running
    }

    /// At its DC terminals, as it shows it, V.
    pub(crate) fn volts(&self) -> f64 {
        self.volts + self.p.calibration.0
    }

    /// What the GX shows of it.
    pub(crate) fn tell(&self, to: &mut Samples) {
        to.tell(Channel::BusVoltage, round(self.volts(), 100.0));
        to.tell(Channel::InverterCurrent, round(-self.amps, 10.0));
        to.tell(Channel::InputCurrentLimit, round(self.input_limit, 10.0));
        to.put(Channel::InverterRunning, Value::Flag(self.running));
        // In tens of watts.
        to.tell(Channel::AcOut, round(self.load_watts() / 10.0, 1.0) * 10.0);
        to.tell(Channel::AcIn, round(self.grid_watts() / 10.0, 1.0) * 10.0);
    }
}

/// The smaller of two numbers, each of which is one. [`f64::min`] looks whether they are, in six times as many
/// instructions, and this is done ten times a second of the world.
pub(crate) fn smaller(a: f64, b: f64) -> f64 {
    if b < a { b } else { a }
}

/// The larger of two numbers, in the same way.
pub(crate) fn larger(a: f64, b: f64) -> f64 {
    if b > a { b } else { a }
}

/// A number held between two others, in the same way.
pub(crate) fn within(value: f64, least: f64, most: f64) -> f64 {
    larger(smaller(value, most), least)
}
