//! How well a battery measures: noise, offsets, resolution, and the faults that are injected into what it sees. They lie
//! between the cells and whatever manages them.

use proto::bus::BusState;
use proto::fault::{Fault, FaultKind};
use proto::quantity::{Amps, Celsius, Micros, Volts};
use proto::rounding::round;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::readings::{Electronics, ModuleReadings, Readings};
use crate::rng::Rng;

/// Errors of the sensors. Noise is a standard deviation.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct SensorParams {
    /// noise of each cell voltage
    pub cell_noise: Volts,
    /// noise of the pack voltage
    pub pack_noise: Volts,
    /// constant error of the pack voltage, as between two instruments that were never compared
    pub pack_offset: Volts,
    /// noise of the current
    pub current_noise: Amps,
    /// constant error of the current
    pub current_offset: Amps,
    /// smallest difference of a cell voltage that is told apart; 0 V, every one
    pub cell_step: Volts,
    /// smallest difference of the pack voltage that is told apart; 0 V, every one
    pub pack_step: Volts,
    /// smallest difference of the current that is told apart; 0 A, every one
    pub current_step: Amps,
    /// smallest difference of a temperature that is told apart; 0 °C, every one
    pub temperature_step: Celsius,
}

/// A common analogue front end and shunt: cells to 1 mV, which is what 0x373 carries; noise to go with it (assumption).
impl Default for SensorParams {
    fn default() -> Self {
        Self {
            cell_noise: Volts(0.0005),
            pack_noise: Volts(0.005),
            pack_offset: Volts(0.0),
            current_noise: Amps(0.05),
            current_offset: Amps(0.0),
            cell_step: Volts(0.001),
            pack_step: Volts(0.0),
            current_step: Amps(0.0),
            temperature_step: Celsius(0.0),
        }
    }
}

impl SensorParams {
    /// The first number that no sensor has: its key below `sensors`, and what it is.
    #[must_use]
    pub fn nonsense(&self) -> Option<(&'static str, f64)> {
        let not_negative = [
            ("sensors.cell-noise", self.cell_noise.0),
            ("sensors.pack-noise", self.pack_noise.0),
            ("sensors.current-noise", self.current_noise.0),
            ("sensors.cell-step", self.cell_step.0),
            ("sensors.pack-step", self.pack_step.0),
            ("sensors.current-step", self.current_step.0),
            ("sensors.temperature-step", self.temperature_step.0),
        ];
        not_negative.into_iter().find(|&(_, value)| value < 0.0)
    }
}

/// What the sensors of a module are exposed to: what is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Exposed<'a> {
    /// each cell's terminal voltage, V
    pub(crate) cells: &'a [f64],
    /// the sum of the cells
    pub(crate) pack: Volts,
    /// the DC bus outside the contactor
    pub(crate) bus: Volts,
    /// positive charges
    pub(crate) current: Amps,
    /// its mean since the last look
    pub(crate) mean_current: Amps,
    /// the most that charged since the last look
    pub(crate) most_current: Amps,
    pub(crate) coldest: Celsius,
    pub(crate) warmest: Celsius,
    /// the contactor
    pub(crate) closed: bool,
}

/// What they read, V, A and °C.
#[derive(Debug, Clone, PartialEq, Default)]
struct Values {
    cells: Vec<Volts>,
    temperatures: Vec<Celsius>,
    modules: Vec<ModuleReadings>,
    electronics: Electronics,
}

/// The sensors at work.
#[derive(Debug, Clone)]
pub(crate) struct Sensors {
    params: SensorParams,
    noise: Rng,
    injected: Vec<(Micros, Fault)>,
    /// the reading at which one cell of each module stands still, while it does
    stuck: Vec<Volts>,
    values: Values,
}

/// Keeps the noise of the sensors apart from other users of the seed.
const STREAM: u64 = 0x5E45;
/// What an open and a shorted temperature sensor read: the ends of a usual NTC circuit (assumption).
const OPEN: Celsius = Celsius(-60.0);
const SHORTED: Celsius = Celsius(150.0);

/// The nearest value that can be told apart.
fn resolved(value: f64, step: f64) -> f64 {
    if step > 0.0 { round(value / step) * step } else { value }
}

impl Sensors {
    pub(crate) fn new(params: SensorParams, seed: u64) -> Self {
        let (noise, values) = (Rng::new(seed, STREAM), Values::default());
        Self { params, noise, injected: Vec::new(), stuck: Vec::new(), values }
    }

    /// Whether a fault is one of the sensors and of the electronics behind them.
    pub(crate) fn carry(kind: FaultKind) -> bool {
        Values::default().suffer(kind, &mut Vec::new())
    }

    /// From now on, for the span of the fault, the readings carry it.
    pub(crate) fn inject(&mut self, at: Micros, fault: Fault) {
        self.injected.push((at, fault));
    }

    /// What is read of each module now.
    pub(crate) fn read<'a>(
        &mut self,
        at: Micros,
        exposed: impl IntoIterator<Item = Exposed<'a>>,
        controller: BusState,
        lost: u32,
    ) -> Readings<'_> {
        let (p, v, noise) = (&self.params, &mut self.values, &mut self.noise);
        v.cells.clear();
        v.temperatures.clear();
        v.modules.clear();
        let (mut terminals, mut apart, mut above) = (Volts::ZERO, Amps::ZERO, Amps::ZERO);
        for module in exposed {
            let cell = |cell: &f64| Volts(resolved(cell + noise.normal() * p.cell_noise.0, p.cell_step.0));
            v.cells.extend(module.cells.iter().map(cell));
            let pack = module.pack.0 + p.pack_offset.0 + noise.normal() * p.pack_noise.0;
            let current = module.current.0 + p.current_offset.0 + noise.normal() * p.current_noise.0;
            let ends = [module.coldest, module.warmest];
            v.temperatures.extend(ends.map(|end| Celsius(resolved(end.0, p.temperature_step.0))));
            v.modules.push(ModuleReadings {
                current: Amps(resolved(current, p.current_step.0)),
                pack: Volts(resolved(pack, p.pack_step.0)),
                closed: module.closed,
            });
            terminals = module.bus;
            apart += module.mean_current - module.current;
            above += module.most_current - module.current;
        }
        v.electronics = Electronics::default();
        if !self.injected.is_empty() {
            self.suffer(at);
        }
        let v = &self.values;
        let current = Amps(v.modules.iter().map(|module| module.current.0).sum());
        Readings {
            cells: &v.cells,
            temperatures: &v.temperatures,
            modules: &v.modules,
            current,
            mean_current: current + apart,
            most_current: current + above,
            pack: Volts(v.modules.iter().map(|module| module.pack.0).sum::<f64>() / v.modules.len() as f64),
            terminals,
            closed: v.modules.iter().any(|module| module.closed),
            controller,
            lost,
            electronics: v.electronics,
        }
    }

    /// Every fault does its work on what was read.
    fn suffer(&mut self, at: Micros) {
        self.injected.retain(|(since, fault)| at.since(*since) < fault.span);
        if !self.injected.iter().any(|(_, fault)| fault.kind == FaultKind::CellStuck {}) {
            self.stuck.clear();
        }
        for (_, fault) in &self.injected {
            self.values.suffer(fault.kind, &mut self.stuck);
        }
    }
}

impl Values {
    /// What a fault makes of them: of one cell, one sensor and the meters of each module, so that a battery of several does
    /// as a whole what its protection does. Whether it is a fault that does.
    fn suffer(&mut self, kind: FaultKind, stuck: &mut Vec<Volts>) -> bool {
        let modules = self.modules.len().max(1);
        let (cells, sensors) = (self.cells.len() / modules, self.temperatures.len() / modules);
        let module = self.modules.iter_mut();
        let cell = self.cells.iter_mut().step_by(cells.max(1));
        let sensor = self.temperatures.iter_mut().step_by(sensors.max(1));
        match kind {
            FaultKind::CellVoltage { by } => cell.for_each(|cell| *cell += by),
            FaultKind::CellStuck {} if stuck.is_empty() => stuck.extend(cell.map(|cell| *cell)),
            FaultKind::CellStuck {} => cell.zip(stuck).for_each(|(cell, stuck)| *cell = *stuck),
            FaultKind::PackVoltage { by } => module.for_each(|module| module.pack += by),
            FaultKind::Current { by } => module.for_each(|module| module.current.0 += by.0 / modules as f64),
            FaultKind::CurrentGain { by } => module.for_each(|module| module.current.0 *= 1.0 + by.0 / 100.0),
            FaultKind::ShuntReversed {} => module.for_each(|module| module.current = -module.current),
            FaultKind::Temperature { by } => self.temperatures.iter_mut().for_each(|t| *t += by),
            FaultKind::TemperatureOpen {} => sensor.for_each(|sensor| *sensor = OPEN),
            FaultKind::TemperatureShort {} => sensor.for_each(|sensor| *sensor = SHORTED),
            FaultKind::Internal {} => self.electronics.failed = true,
            FaultKind::ShortCircuit {} => self.electronics.short_circuit = true,
            _ => return false,
        }
        true
    }
}
