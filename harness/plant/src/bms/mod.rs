//! The battery's management system, as the world sees it: it senses cells, closes the contactor and sends frames.
//!
//! It is put together from small parts, each a file with its parameters and its state: a strategy that
//! makes CVL, current limits, protection, balancing, the gauge, the sensors, the wire, and defects over it all.

mod alarms;
mod balancing;
mod defect;
mod gauge;
mod identity;
mod limits;
mod params;
mod protection;
mod sensors;
mod strategy;
mod view;
mod wire;

#[cfg(test)]
mod tests;

use proto::fault::{Fault, FaultKind};
use proto::frame::{CanId, Frame};
use proto::message::id;
use proto::quantity::{AmpHours, Amps, Celsius, Micros, Percent, Volts, WattHours};

pub use self::balancing::BalancingParams;
pub use self::defect::{AlarmMixUp, Defect, Miscoding};
pub use self::gauge::GaugeParams;
pub use self::identity::Identity;
pub use self::limits::LimitParams;
pub use self::params::{BmsParams, BmsSheet, ParamsError};
pub use self::protection::ProtectionParams;
pub use self::sensors::SensorParams;
pub use self::strategy::{
    BlocksBy, CellLoopParams, CellPiParams, CellSumParams, FixedParams, FloatParams, LowerWhenFullParams,
    StepDownParams, StrategyParams, SumLaw, TrackMinusParams,
};
pub use self::wire::{AlarmStyle, FrameLength, WireParams};

use self::alarms::{ALARMS_OK, Feedback, alarms};
use self::balancing::Balancer;
use self::defect::{Defects, Events, Wanted};
use self::gauge::Gauge;
use self::limits::Limiter;
use self::protection::{Protection, Trip};
use self::sensors::Sensors;
use self::strategy::{Demand, Strategy};
use self::view::View;
use self::wire::{Status, Wire};

/// What the sensors of the battery are exposed to, before their noise and offset.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sensed<'a> {
    /// each cell's terminal voltage in V
    pub cells: &'a [f64],
    /// the sum of the cells
    pub pack: Volts,
    /// positive charges
    pub current: Amps,
    /// coldest cell
    pub min_temperature: Celsius,
    /// warmest cell
    pub max_temperature: Celsius,
    /// DC bus outside the contactor
    pub bus: Volts,
    /// time since the last sample
    pub dt: Micros,
}

/// The management system of a simulated battery.
#[derive(Debug, Clone)]
pub struct Bms {
    strategy: Strategy,
    limiter: Limiter,
    protection: Protection,
    balancer: Balancer,
    gauge: Gauge,
    sensors: Sensors,
    feedback: Feedback,
    wire: Wire,
    defects: Defects,
    /// the contactor is to be closed
    closed: bool,
    status: Status,
}

/// Voltage of a cell before the first sample, V: the middle of the LFP plateau.
const NOMINAL_CELL: f64 = 3.27;
/// Temperature before the first sample, °C (assumption).
const NOMINAL_TEMPERATURE: f64 = 25.0;

impl Bms {
    /// A battery of `cells` in series, switched on at time zero.
    #[must_use]
    pub fn new(params: &BmsParams, cells: usize, capacity: AmpHours, soc: Percent, seed: u64) -> Self {
        let defects = Defects::new(params.faults.clone());
        let strategy = params.strategy.start();
        let limiter = Limiter::new(params.limits.clone());
        let keep_alive = defects.keep_alive_timeout(params.protection.keep_alive);
        let limits = limiter.initial();
        let gauge = Gauge::new(params.gauge.clone(), soc.0);
        let status = Status {
            cvl: Volts(strategy.initial().cvl),
            ccl: Amps(limits.charge),
            dcl: Amps(limits.discharge),
            min_voltage: params.limits.stop_cell * cells as f64,
            soc: Percent(gauge.soc()),
            pack: Volts(NOMINAL_CELL * cells as f64),
            current: Amps::ZERO,
            min_temperature: Celsius(NOMINAL_TEMPERATURE),
            max_temperature: Celsius(NOMINAL_TEMPERATURE),
            lowest: (0, Volts(NOMINAL_CELL)),
            highest: (0, Volts(NOMINAL_CELL)),
            alarms: ALARMS_OK,
            connected: true,
            energy_in: WattHours::ZERO,
            energy_out: WattHours::ZERO,
            capacity,
        };
        Self {
            strategy,
            limiter,
            protection: Protection::new(params.protection.clone(), keep_alive),
            balancer: Balancer::new(params.balancing.clone(), cells),
            gauge,
            sensors: Sensors::new(params.sensors.clone(), cells, seed),
            feedback: Feedback::default(),
            wire: Wire::new(params.identity.clone(), params.wire.clone(), &defects, seed),
            defects,
            closed: true,
            status,
        }
    }

    /// Called every second of simulated time, also while the contactor is open.
    pub fn sample(&mut self, at: Micros, sensed: &Sensed<'_>) {
        let readings = self.sensors.sample(at, sensed);
        let Some((lowest, highest)) = extremes(&readings.cells) else { return };
        let view = View {
            at,
            dt: sensed.dt.secs(),
            pack: readings.pack,
            current: readings.current,
            highest: highest.1,
            lowest: lowest.1,
            min_temperature: readings.min_temperature,
            max_temperature: readings.max_temperature,
            bus: sensed.bus.0,
            soc: self.gauge.soc(),
            capacity: self.status.capacity.0,
            connected: self.closed,
            diagnosis: readings.diagnosis,
        };
        self.feedback.sample(&view);
        self.balancer.sample(at, &readings.cells, view.lowest);
        self.gauge.sample(&view);
        self.protection.sample(&view);
        let demand = self.strategy.sample(&view, &readings.cells);
        let limits = wanted(&mut self.limiter, &self.protection, &view, demand);
        let empty = self.limiter.empty() || self.protection.tripped(Trip::UnderVoltage);
        let limits = self.defects.limits(&view, Events { empty, open: !self.protection.closed() }, limits);
        self.closed = self.protection.closed() && !self.defects.open();
        if self.defects.frozen(at) {
            return;
        }

        let energy = WattHours(view.pack * view.current * view.dt / 3600.0);
        let s = &mut self.status;
        s.cvl = Volts(limits.cvl);
        (s.ccl, s.dcl) = (Amps(limits.charge), Amps(limits.discharge));
        s.soc = Percent(self.gauge.soc());
        (s.pack, s.current) = (Volts(view.pack), Amps(view.current));
        (s.min_temperature, s.max_temperature) =
            (Celsius(view.min_temperature), Celsius(view.max_temperature));
        s.lowest = (lowest.0, Volts(lowest.1));
        s.highest = (highest.0, Volts(highest.1));
        s.energy_in += energy.max(WattHours::ZERO);
        s.energy_out += (-energy).max(WattHours::ZERO);
        s.connected = self.closed;
        let truth = alarms(&self.protection, self.closed, self.feedback, self.limiter.params(), &view);
        s.alarms = self.defects.alarms(truth);
    }

    /// A frame of the GX reached the battery.
    pub fn hear(&mut self, at: Micros, frame: &Frame) {
        self.defects.hear(at, frame);
        if frame.id() == CanId::Standard(id::KEEP_ALIVE) {
            self.protection.keep_alive(at);
        }
    }

    /// Whether the pack is connected to the DC bus.
    #[must_use]
    pub const fn contactor_closed(&self) -> bool {
        self.closed
    }

    /// Which cells bleed now.
    #[must_use]
    pub fn balancing(&self) -> &[bool] {
        self.balancer.bleeding()
    }

    /// The current with which a bleeding cell is discharged.
    #[must_use]
    pub fn balance_current(&self) -> Amps {
        self.balancer.current()
    }

    /// When the next frame leaves; never, for a battery that sends nothing.
    #[must_use]
    pub fn next_frame_at(&self) -> Micros {
        self.wire.next_at()
    }

    /// The frame that is due now, where a defect does not keep it back; [`Self::next_frame_at`] moves on.
    pub fn send(&mut self) -> Option<Frame> {
        let (at, message) = self.wire.next(&self.status, &self.defects)?;
        if self.defects.holds_back(at, &self.status) {
            return None;
        }
        Some(self.defects.message(at, message).encode())
    }

    /// Whether a fault is the battery's own, to be given to [`Self::inject`]; any other is one of the world.
    #[must_use]
    pub const fn has(kind: &FaultKind) -> bool {
        Sensors::carry(kind)
    }

    /// A fault of the sensors or the electronics, from now on for its span.
    pub fn inject(&mut self, at: Micros, fault: Fault) {
        self.sensors.inject(at, fault);
    }
}

/// The limits after everything but a defect has had its say.
fn wanted(limiter: &mut Limiter, protection: &Protection, view: &View, demand: Demand) -> Wanted {
    let limits = limiter.sample(view);
    let (no_charge, no_discharge) = protection.forbids(view);
    Wanted {
        cvl: demand.cvl,
        charge: if no_charge || demand.block_charge { 0.0 } else { limits.charge },
        discharge: if no_discharge { 0.0 } else { limits.discharge },
    }
}

/// The lowest and the highest cell with their places, the first of equals.
fn extremes(cells: &[f64]) -> Option<((usize, f64), (usize, f64))> {
    let first = (0, *cells.first()?);
    let pick = |better: fn(f64, f64) -> bool| {
        cells
            .iter()
            .copied()
            .enumerate()
            .fold(first, |best, cell| if better(cell.1, best.1) { cell } else { best })
    };
    Some((pick(|a, b| a < b), pick(|a, b| a > b)))
}
