//! A model at work: one sample through all of its parts. Time is its own, since it was switched on.

use proto::frame::{CanId, Frame};
use proto::message::id;
use proto::quantity::{Amps, Celsius, Micros, Percent, Volts, WattHours};

use super::alarms::{ALARMS_OK, Feedback, alarms};
use super::balancing::Balancer;
use super::defect::{Defects, Events, Wanted};
use super::diagnosis::Doubt;
use super::gauge::Gauge;
use super::limits::Limiter;
use super::protection::{Protection, Trip};
use super::sheet::BmsParams;
use super::status::Status;
use super::strategy::{Demand, Strategy};
use super::view::View;
use super::wire::{Sent, Wire};
use crate::management::{Installed, Readings};

/// The parts of a management system, put together.
#[derive(Debug)]
pub(super) struct Model {
    strategy: Strategy,
    limiter: Limiter,
    protection: Protection,
    balancer: Balancer,
    gauge: Gauge,
    doubt: Doubt,
    feedback: Feedback,
    wire: Wire,
    defects: Defects,
    /// the contactor is to be closed
    closed: bool,
    /// when it took its last sample
    sampled: Option<Micros>,
    status: Status,
}

/// Voltage of a cell before the first sample, V: the middle of the LFP plateau.
const NOMINAL_CELL: f64 = 3.27;
/// Temperature before the first sample, °C (assumption).
const NOMINAL_TEMPERATURE: f64 = 25.0;

impl Model {
    /// One that was just switched on.
    pub(super) fn new(params: &BmsParams, battery: &Installed) -> Self {
        let &Installed { cells, modules: _, capacity, soc, seed } = battery;
        let defects = Defects::new(params.faults.clone());
        let strategy = params.strategy.start();
        let limiter = Limiter::new(params.limits.clone());
        let keep_alive = defects.keep_alive_timeout(params.protection.keep_alive);
        let limits = limiter.initial();
        let gauge = Gauge::new(params.gauge.clone(), soc.0);
        let status = Status {
            cvl: Volts(strategy.initial(cells).cvl),
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
            doubt: Doubt::default(),
            feedback: Feedback::default(),
            wire: Wire::new(params.identity.clone(), params.wire.clone(), &defects, seed),
            defects,
            closed: true,
            sampled: None,
            status,
        }
    }

    /// Takes a sample, also while the contactor is open.
    pub(super) fn sample(&mut self, at: Micros, seen: &Readings<'_>) {
        let dt = self.sampled.map_or(Micros::ZERO, |last| at.since(last));
        self.sampled = Some(at);
        let Some((lowest, highest)) = extremes(seen.cells) else { return };
        let ((min_temperature, max_temperature), diagnosis) = self.doubt.sample(seen);
        let view = View {
            at,
            dt: dt.secs(),
            pack: seen.pack.0,
            current: self.defects.current(seen.current.0),
            mean_current: self.defects.current(seen.mean_current.0),
            most_current: self.defects.current(seen.most_current.0),
            highest: highest.1.0,
            lowest: lowest.1.0,
            min_temperature,
            max_temperature,
            bus: seen.terminals.0,
            soc: self.gauge.soc(),
            capacity: self.status.capacity.0,
            connected: self.closed,
            diagnosis,
        };
        self.feedback.sample(&view);
        self.balancer.sample(at, seen.cells, view.lowest);
        self.gauge.sample(&view);
        self.protection.sample(&view);
        let demand = self.strategy.sample(&view, seen.cells);
        let limits = wanted(&mut self.limiter, &self.protection, &view, demand);
        let empty = self.limiter.empty() || self.protection.tripped(Trip::UnderVoltage);
        let open = !self.protection.closed();
        let protects = open || view.too_hot_to_charge() || view.too_cold_to_charge();
        let limits = self.defects.limits(&view, Events { empty, open, protects }, limits);
        self.closed = !open && !self.defects.open();
        if self.defects.frozen(at) {
            return;
        }

        let energy = WattHours(view.pack * view.mean_current * view.dt / 3600.0);
        let s = &mut self.status;
        s.cvl = Volts(limits.cvl);
        (s.ccl, s.dcl) = (Amps(limits.charge), Amps(limits.discharge));
        s.soc = Percent(self.gauge.soc());
        (s.pack, s.current) = (Volts(view.pack), Amps(view.current));
        (s.min_temperature, s.max_temperature) =
            (Celsius(view.min_temperature), Celsius(view.max_temperature));
        (s.lowest, s.highest) = (lowest, highest);
        s.energy_in += energy.max(WattHours::ZERO);
        s.energy_out += (-energy).max(WattHours::ZERO);
        s.connected = self.closed;
        let truth = alarms(&self.protection, self.closed, self.feedback, self.limiter.params(), &view);
        s.alarms = self.defects.alarms(at, truth);
    }

    /// A frame of the GX reached the battery.
    pub(super) fn hear(&mut self, at: Micros, frame: &Frame) {
        self.defects.hear(at, frame);
        if frame.id() == CanId::Standard(id::KEEP_ALIVE) {
            self.protection.keep_alive(at);
        }
    }

    /// State of charge as it counts it, 0 to 100 %.
    pub(super) const fn soc(&self) -> f64 {
        self.gauge.soc()
    }

    /// Whether the pack is connected to the DC bus.
    pub(super) const fn contactor_closed(&self) -> bool {
        self.closed
    }

    /// The current with which each cell is bled.
    pub(super) fn balance(&self) -> &[Amps] {
        self.balancer.drains()
    }

    /// When the next frame leaves; never, for a battery that sends nothing.
    pub(super) fn next_frame_at(&self) -> Micros {
        self.wire.next_at()
    }

    /// The frame that is due now, where a defect does not keep it back; [`Self::next_frame_at`] moves on.
    pub(super) fn send(&mut self) -> Option<Frame> {
        match self.wire.next(&self.status, &self.defects)? {
            (at, Sent::Message(message)) => (!self.defects.holds_back(at, &self.status))
                .then(|| self.defects.frame(at, self.defects.message(at, message).encode())),
            (_, Sent::Frame(frame)) => Some(frame),
        }
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
fn extremes(cells: &[Volts]) -> Option<((usize, Volts), (usize, Volts))> {
    let first = (0, *cells.first()?);
    let pick = |better: fn(Volts, Volts) -> bool| {
        cells
            .iter()
            .copied()
            .enumerate()
            .fold(first, |best, cell| if better(cell.1, best.1) { cell } else { best })
    };
    Some((pick(|a, b| a < b), pick(|a, b| a > b)))
}
