//! What a management system believes of what its sensors read, and what it concludes of its own electronics.

use crate::management::Readings;

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

/// What is taken from the readings where they cannot be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Doubt {
    /// samples in a row in which pack and cells did not agree
    disagree: u32,
    /// the last temperatures that can be, coldest and warmest, °C
    believed: (f64, f64),
}

/// What the temperature sensors are taken to read before their first sample, °C.
const NOMINAL: f64 = 25.0;
/// What a temperature sensor may read at all, °C (assumption).
const POSSIBLE: core::ops::RangeInclusive<f64> = -45.0..=120.0;
/// Pack and cells may differ by this share (assumption: two calibrations of 1 %), and for so many samples.
const AGREEMENT: f64 = 0.02;
const AGREEMENT_SAMPLES: u32 = 10;

impl Default for Doubt {
    fn default() -> Self {
        Self { disagree: 0, believed: (NOMINAL, NOMINAL) }
    }
}

impl Doubt {
    /// Coldest and warmest cell as they are believed: sensors that work speak for those that do not, and where none
    /// works the last good reading stands. With it, what is wrong with the electronics.
    pub(super) fn sample(&mut self, seen: &Readings<'_>) -> ((f64, f64), Diagnosis) {
        let good = |&t: &f64| POSSIBLE.contains(&t);
        let (mut works, mut coldest, mut warmest) = (0, f64::INFINITY, f64::NEG_INFINITY);
        for t in seen.temperatures.iter().map(|t| t.0).filter(good) {
            (works, coldest, warmest) = (works + 1, coldest.min(t), warmest.max(t));
        }
        if works > 0 {
            self.believed = (coldest, warmest);
        }
        let sum: f64 = seen.cells.iter().map(|cell| cell.0).sum();
        let agree = (seen.pack.0 - sum).abs() <= AGREEMENT * sum.abs();
        self.disagree = if agree { 0 } else { self.disagree.saturating_add(1) };
        let diagnosis = Diagnosis {
            self_test: seen.electronics.failed,
            sensor: works < seen.temperatures.len(),
            doubtful: self.disagree >= AGREEMENT_SAMPLES,
            short_circuit: seen.electronics.short_circuit,
        };
        (self.believed, diagnosis)
    }
}
