//! How well the battery measures: noise, offsets, and the faults that are injected into what it sees.

use proto::fault::{Fault, FaultKind};
use proto::quantity::{Amps, Micros, Volts};
use schemars::JsonSchema;
use serde::Deserialize;

use super::Sensed;
use super::params::ParamsError;
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
}

/// A common analogue front end and shunt: cells to 1 mV, current to 0.1 A (assumption).
impl Default for SensorParams {
    fn default() -> Self {
        Self {
            cell_noise: Volts(0.0005),
            pack_noise: Volts(0.005),
            pack_offset: Volts(0.0),
            current_noise: Amps(0.05),
            current_offset: Amps(0.0),
        }
    }
}

impl SensorParams {
    pub(super) fn check(&self) -> Result<(), ParamsError> {
        for (key, value) in [
            ("sensors.cell-noise", self.cell_noise.0),
            ("sensors.pack-noise", self.pack_noise.0),
            ("sensors.current-noise", self.current_noise.0),
        ] {
            if value < 0.0 {
                return Err(ParamsError::Range { key, found: value.to_string(), expected: "zero or more" });
            }
        }
        Ok(())
    }
}

/// What the battery believes it sees, V, A and °C.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Readings {
    pub(super) cells: Vec<f64>,
    pub(super) pack: f64,
    pub(super) current: f64,
    pub(super) min_temperature: f64,
    pub(super) max_temperature: f64,
    pub(super) diagnosis: Diagnosis,
}

/// What the battery knows of its own electronics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Diagnosis {
    /// the self-test fails
    pub(super) self_test: bool,
    /// a sensor reads what no cell can have: it is open or shorted, and not believed
    pub(super) sensor: bool,
    /// the voltmeter of the pack and the sum of the cells do not agree
    pub(super) doubtful: bool,
    /// the current is beyond what the ammeter can tell
    pub(super) short_circuit: bool,
}

fn shift<'a>(values: impl Iterator<Item = &'a mut f64>, by: f64) {
    values.for_each(|value| *value += by);
}

/// The sensors at work.
#[derive(Debug, Clone)]
pub(super) struct Sensors {
    params: SensorParams,
    noise: Rng,
    injected: Vec<(Micros, Fault)>,
    /// the reading at which one cell stands still, while it does
    stuck: Option<f64>,
    /// samples in a row in which pack and cells did not agree
    disagree: u32,
    readings: Readings,
}

/// Keeps the noise of the sensors apart from other users of the seed.
const STREAM: u64 = 0x5E45;
/// Smallest cell voltage that the front end tells apart, V (0x373 carries no less).
const CELL_STEP: f64 = 0.001;
/// What the temperature sensors are taken to read before their first sample, °C.
const NOMINAL: f64 = 25.0;
/// What an open and a shorted temperature sensor read, °C: the ends of a usual NTC circuit (assumption).
const OPEN: f64 = -60.0;
const SHORTED: f64 = 150.0;
/// What a temperature sensor may read at all, °C (assumption).
const POSSIBLE: core::ops::RangeInclusive<f64> = -45.0..=120.0;
/// Pack and cells may differ by this share (assumption: two calibrations of 1 %), and for so many samples.
const AGREEMENT: f64 = 0.02;
const AGREEMENT_SAMPLES: u32 = 10;

impl Sensors {
    pub(super) fn new(params: SensorParams, cells: usize, seed: u64) -> Self {
        Self {
            params,
            noise: Rng::new(seed, STREAM),
            injected: Vec::new(),
            stuck: None,
            disagree: 0,
            readings: Readings {
                cells: vec![0.0; cells],
                pack: 0.0,
                current: 0.0,
                min_temperature: NOMINAL,
                max_temperature: NOMINAL,
                diagnosis: Diagnosis::default(),
            },
        }
    }

    /// Whether a fault is one of the sensors and of the electronics behind them.
    pub(super) const fn carry(kind: &FaultKind) -> bool {
        matches!(
            kind,
            FaultKind::CellVoltage { .. }
                | FaultKind::CellStuck {}
                | FaultKind::PackVoltage { .. }
                | FaultKind::Current { .. }
                | FaultKind::CurrentGain { .. }
                | FaultKind::ShuntReversed {}
                | FaultKind::Temperature { .. }
                | FaultKind::TemperatureOpen {}
                | FaultKind::TemperatureShort {}
                | FaultKind::Internal {}
                | FaultKind::ShortCircuit {}
        )
    }

    /// From now on, for the span of the fault, the readings carry it.
    pub(super) fn inject(&mut self, at: Micros, fault: Fault) {
        self.injected.push((at, fault));
    }

    pub(super) fn sample(&mut self, at: Micros, sensed: &Sensed<'_>) -> &Readings {
        let (p, r) = (&self.params, &mut self.readings);
        r.cells.resize(sensed.cells.len(), 0.0);
        for (seen, &cell) in r.cells.iter_mut().zip(sensed.cells) {
            *seen = ((cell + self.noise.normal() * p.cell_noise.0) / CELL_STEP).round() * CELL_STEP;
        }
        r.pack = sensed.pack.0 + p.pack_offset.0 + self.noise.normal() * p.pack_noise.0;
        r.current = sensed.current.0 + p.current_offset.0 + self.noise.normal() * p.current_noise.0;

        let mut temperatures = [sensed.min_temperature.0, sensed.max_temperature.0];
        let mut diagnosis = Diagnosis::default();
        self.injected.retain(|(since, fault)| at.since(*since) < fault.span);
        if !self.injected.iter().any(|(_, fault)| fault.kind == FaultKind::CellStuck {}) {
            self.stuck = None;
        }
        for (_, fault) in &self.injected {
            match fault.kind {
                FaultKind::CellVoltage { by } => shift(r.cells.iter_mut().take(1), by.0),
                FaultKind::CellStuck {} => {
                    if let Some(cell) = r.cells.first_mut() {
                        *cell = *self.stuck.get_or_insert(*cell);
                    }
                }
                FaultKind::PackVoltage { by } => r.pack += by.0,
                FaultKind::Current { by } => r.current += by.0,
                FaultKind::CurrentGain { by } => r.current *= 1.0 + by.0 / 100.0,
                FaultKind::ShuntReversed {} => r.current = -r.current,
                FaultKind::Temperature { by } => shift(temperatures.iter_mut(), by.0),
                FaultKind::TemperatureOpen {} => temperatures[0] = OPEN,
                FaultKind::TemperatureShort {} => temperatures[0] = SHORTED,
                FaultKind::Internal {} => diagnosis.self_test = true,
                FaultKind::ShortCircuit {} => diagnosis.short_circuit = true,
                _ => {}
            }
        }
        self.doubt(temperatures, diagnosis);
        &self.readings
    }

    /// Takes from the readings what cannot be: of two temperature sensors the one that works speaks for both, and
    /// where none does the last good reading stands.
    fn doubt(&mut self, temperatures: [f64; 2], diagnosis: Diagnosis) {
        let r = &mut self.readings;
        let good = temperatures.map(|t| POSSIBLE.contains(&t).then_some(t));
        if let Some(any) = good[0].or(good[1]) {
            let [first, second] = good.map(|t| t.unwrap_or(any));
            (r.min_temperature, r.max_temperature) = (first.min(second), first.max(second));
        }
        let sum: f64 = r.cells.iter().sum();
        let agree = (r.pack - sum).abs() <= AGREEMENT * sum.abs();
        self.disagree = if agree { 0 } else { self.disagree.saturating_add(1) };
        r.diagnosis = Diagnosis {
            sensor: good.contains(&None),
            doubtful: self.disagree >= AGREEMENT_SAMPLES,
            ..diagnosis
        };
    }
}
