//! Current limits: CCL tapers with the highest cell and stays usable, DCL is all or nothing.

use proto::quantity::{Amps, CRate, Micros, Percent, Volts};
use proto::rounding::round;
use schemars::JsonSchema;
use serde::Deserialize;

use super::params::{ParamsError, positive};
use super::view::{LowPass, View};

/// How the current limits are made.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct LimitParams {
    /// CCL of a battery that is neither full nor cold nor hot
    pub charge: Amps,
    /// CCL while full: small, but never 0 (P 2 §0x351: "avoid sending CCL=0 when the battery is full")
    pub charge_while_full: CRate,
    /// highest cell at which CCL begins to fall
    pub taper_from: Volts,
    /// highest cell at which it has fallen to `charge-while-full`
    pub taper_to: Volts,
    /// DCL of a battery that is not empty
    pub discharge: Amps,
    /// lowest cell at which DCL becomes 0
    pub stop_cell: Volts,
    /// lowest cell from which it returns
    pub resume_cell: Volts,
    /// state of charge from which it returns; both must be reached
    pub resume_soc: Percent,
}

/// A 280 Ah battery of LFP cells: 0.5 C in, 0.7 C out (data sheets of such cells allow 0.5–1 C; the taper, the stop
/// and the resume level are assumptions).
impl Default for LimitParams {
    fn default() -> Self {
        Self {
            charge: Amps(140.0),
            charge_while_full: CRate(0.1),
            taper_from: Volts(3.45),
            taper_to: Volts(3.55),
            discharge: Amps(200.0),
            stop_cell: Volts(2.80),
            resume_cell: Volts(3.10),
            resume_soc: Percent(3.0),
        }
    }
}

impl LimitParams {
    pub(super) fn check(&self) -> Result<(), ParamsError> {
        positive("limits.charge", self.charge.0)?;
        positive("limits.charge-while-full", self.charge_while_full.0)?;
        positive("limits.discharge", self.discharge.0)?;
        ParamsError::order("limits.taper-from", self.taper_from, "limits.taper-to", self.taper_to)?;
        ParamsError::order("limits.stop-cell", self.stop_cell, "limits.resume-cell", self.resume_cell)
    }
}

/// Current limits as they go on the wire, A.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct CurrentLimits {
    pub(super) charge: f64,
    pub(super) discharge: f64,
}

/// The current limits at work.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Limiter {
    params: LimitParams,
    charge: f64,
    next_charge: Micros,
    highest: LowPass,
    empty_samples: u32,
    empty: bool,
}

/// Temperatures (°C) and the share of CCL there, straight lines between them: no charge below freezing, and none
/// above the limit of the cell (data sheets of LFP cells: charge at 0–55 °C; the slopes are an assumption).
const DERATING: [(f64, f64); 5] = [(0.0, 0.1), (10.0, 1.0), (45.0, 1.0), (55.0, 0.1), (60.0, 0.1)];

/// CCL is looked at this often and moved only by a real change, so that noise does not reach the wire (assumption).
const CHARGE_PERIOD: Micros = Micros::from_secs(10);
const CHARGE_DEAD_BAND: f64 = 2.0;
/// The highest cell is averaged over this time, s (assumption).
const FILTER: f64 = 15.0;
/// DCL becomes 0 after this many samples at or below the stop level (assumption).
const EMPTY_SAMPLES: u32 = 5;

impl Limiter {
    pub(super) fn new(params: LimitParams) -> Self {
        Self {
            charge: params.charge.0,
            next_charge: Micros::ZERO,
            highest: LowPass::default(),
            empty_samples: 0,
            empty: false,
            params,
        }
    }

    pub(super) fn sample(&mut self, view: &View) -> CurrentLimits {
        self.watch_empty(view);
        let highest = self.highest.push(view.highest, view.dt, FILTER);
        if view.at >= self.next_charge {
            self.next_charge = view.at + CHARGE_PERIOD;
            let charge = round(self.charge_at(highest, view));
            if (charge - self.charge).abs() >= CHARGE_DEAD_BAND || charge == 0.0 {
                self.charge = charge;
            }
        }
        CurrentLimits {
            charge: self.charge,
            discharge: if self.empty { 0.0 } else { self.params.discharge.0 },
        }
    }

    /// The limits before the first sample.
    pub(super) fn initial(&self) -> CurrentLimits {
        CurrentLimits { charge: self.params.charge.0, discharge: self.params.discharge.0 }
    }

    pub(super) const fn params(&self) -> &LimitParams {
        &self.params
    }

    /// DCL is 0 because the battery is empty.
    pub(super) const fn empty(&self) -> bool {
        self.empty
    }

    fn charge_at(&self, highest: f64, view: &View) -> f64 {
        let p = &self.params;
        if view.too_cold_to_charge() || view.too_hot_to_charge() {
            return 0.0;
        }
        let span = p.taper_to.0 - p.taper_from.0;
        let fullness = ((highest - p.taper_from.0) / span).clamp(0.0, 1.0);
        let floor = p.charge_while_full.0 * view.capacity;
        let derated = p.charge.0 * derating(view.min_temperature).min(derating(view.max_temperature));
        // The floor of a full battery is small against any derating but the coldest, which wins.
        derated.min(p.charge.0 + (floor - p.charge.0) * fullness)
    }

    fn watch_empty(&mut self, view: &View) {
        let p = &self.params;
        if self.empty {
            self.empty = view.lowest < p.resume_cell.0 || view.soc < p.resume_soc.0;
            self.empty_samples = 0;
            return;
        }
        self.empty_samples = if view.lowest <= p.stop_cell.0 { self.empty_samples + 1 } else { 0 };
        self.empty = self.empty_samples >= EMPTY_SAMPLES;
    }
}

impl View {
    /// No charge below freezing.
    pub(super) fn too_cold_to_charge(&self) -> bool {
        self.min_temperature < DERATING[0].0
    }

    /// No charge above the limit of the cell.
    pub(super) fn too_hot_to_charge(&self) -> bool {
        self.max_temperature > DERATING[DERATING.len() - 1].0
    }
}

/// The share of CCL at a temperature.
fn derating(celsius: f64) -> f64 {
    let after = DERATING.partition_point(|&(t, _)| t <= celsius);
    match (after.checked_sub(1).map(|i| DERATING[i]), DERATING.get(after)) {
        (Some((t0, s0)), Some(&(t1, s1))) => s0 + (s1 - s0) * (celsius - t0) / (t1 - t0),
        (Some((_, share)), None) => share,
        (None, _) => DERATING[0].1,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn view(at: u64, cell: f64, celsius: f64, soc: f64) -> View {
        View { min_temperature: celsius, max_temperature: celsius, soc, ..View::sound(at, cell, 0.0) }
    }

    #[rstest]
    #[case::plateau(3.33, 25.0, 140.0)]
    #[case::half_way(3.50, 25.0, 84.0)]
    #[case::full(3.55, 25.0, 28.0)]
    #[case::above(3.64, 25.0, 28.0)]
    #[case::cool(3.33, 5.0, 77.0)]
    #[case::freezing(3.33, 0.0, 14.0)]
    #[case::below_freezing(3.33, -1.0, 0.0)]
    #[case::warm(3.33, 50.0, 77.0)]
    #[case::hot(3.33, 61.0, 0.0)]
    fn ccl_follows_the_highest_cell_and_temperature(
        #[case] cell: f64,
        #[case] celsius: f64,
        #[case] amps: f64,
    ) {
        let mut limiter = Limiter::new(LimitParams::default());
        let charge = limiter.sample(&view(0, cell, celsius, 50.0)).charge;
        assert!((charge - amps).abs() < 1e-9, "{charge}");
    }

    #[test]
    fn dcl_goes_after_five_samples_and_returns_with_both_voltage_and_charge() {
        let mut limiter = Limiter::new(LimitParams::default());
        let mut discharge = |at, cell, soc| limiter.sample(&view(at, cell, 25.0, soc)).discharge;
        assert!((0..4).all(|s| discharge(s, 2.79, 1.0) > 0.0));
        assert!(discharge(4, 2.85, 1.0) > 0.0, "one good sample starts the count again");
        assert!((5..9).all(|s| discharge(s, 2.79, 1.0) > 0.0));
        assert!(discharge(9, 2.79, 1.0) == 0.0);
        assert!(discharge(10, 3.20, 1.0) == 0.0, "voltage alone does not do");
        assert!(discharge(11, 3.05, 5.0) == 0.0, "charge alone does not do");
        assert!(discharge(12, 3.10, 3.0) > 0.0);
    }
}
