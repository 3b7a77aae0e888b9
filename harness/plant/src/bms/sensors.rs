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

/// What the battery believes it sees, V and A.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Readings {
    pub(super) cells: Vec<f64>,
    pub(super) pack: f64,
    pub(super) current: f64,
}

/// The sensors at work.
#[derive(Debug, Clone)]
pub(super) struct Sensors {
    params: SensorParams,
    noise: Rng,
    injected: Vec<(Micros, Fault)>,
    readings: Readings,
}

/// Keeps the noise of the sensors apart from other users of the seed.
const STREAM: u64 = 0x5E45;
/// Smallest cell voltage that the front end tells apart, V (0x373 carries no less).
const CELL_STEP: f64 = 0.001;

impl Sensors {
    pub(super) fn new(params: SensorParams, cells: usize, seed: u64) -> Self {
        Self {
            params,
            noise: Rng::new(seed, STREAM),
            injected: Vec::new(),
            readings: Readings { cells: vec![0.0; cells], pack: 0.0, current: 0.0 },
        }
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

        self.injected.retain(|(since, fault)| at.since(*since) < fault.span);
        for (_, fault) in &self.injected {
            match fault.kind {
                FaultKind::CellVoltage { by } => {
                    if let Some(first) = r.cells.first_mut() {
                        *first += by.0;
                    }
                }
                FaultKind::Current { by } => r.current += by.0,
                _ => {}
            }
        }
        r
    }
}
