//! State of charge: a coulomb count that is put right where the battery shows that it is full or empty.

use proto::quantity::{CRate, Micros, Percent, PercentPerHour, Volts};
use schemars::JsonSchema;
use serde::Deserialize;

use super::params::{ParamsError, positive};
use super::view::View;

/// Where the count is put right.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct GaugeParams {
    /// full: the highest cell stands above this …
    pub full_cell: Volts,
    /// … and the current is no more than this …
    pub full_tail: CRate,
    /// … for this long
    pub full_after: Micros,
    /// empty: the lowest cell stands below this
    pub empty_cell: Volts,
    /// how much too high the count is at the start: it drifts until it is put right
    pub offset: Percent,
    /// how fast it is put right: nobody likes a state of charge that jumps
    pub correction: PercentPerHour,
}

/// 3.38 V at rest is above 99 % of an LFP cell (knee of the APR18650M1B at C/32), 2.80 V below 1 % (LibreSolar's
/// curve); tail current, time and rate of correction are assumptions.
impl Default for GaugeParams {
    fn default() -> Self {
        Self {
            full_cell: Volts(3.38),
            full_tail: CRate(0.03),
            full_after: Micros::from_secs(60),
            empty_cell: Volts(2.80),
            offset: Percent(0.0),
            correction: PercentPerHour(60.0),
        }
    }
}

impl GaugeParams {
    pub(super) fn check(&self) -> Result<(), ParamsError> {
        positive("gauge.correction", self.correction.0)?;
        ParamsError::order("gauge.empty-cell", self.empty_cell, "gauge.full-cell", self.full_cell)
    }
}

/// The count at work.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Gauge {
    params: GaugeParams,
    soc: f64,
    full_since: Option<Micros>,
}

/// Short of the proof of full the count stops here, % (assumption; common practice).
const UNPROVEN: f64 = 99.0;

impl Gauge {
    pub(super) fn new(params: GaugeParams, soc: f64) -> Self {
        let soc = (soc + params.offset.0).clamp(0.0, 100.0);
        Self { params, soc, full_since: None }
    }

    /// State of charge, 0–100 %.
    pub(super) const fn soc(&self) -> f64 {
        self.soc
    }

    /// Counts one sample. The state of charge in `view` is the one before.
    pub(super) fn sample(&mut self, view: &View) {
        let p = &self.params;
        let counted = self.soc + view.mean_current * view.dt / 3600.0 / view.capacity * 100.0;

        let resting = view.current.abs() <= p.full_tail.0 * view.capacity;
        self.full_since = if view.highest >= p.full_cell.0 && resting && view.connected {
            self.full_since.or(Some(view.at))
        } else {
            None
        };
        let full = self.full_since.is_some_and(|since| view.at.since(since) >= p.full_after);

        let step = p.correction.0 / 3600.0 * view.dt;
        self.soc = if full {
            (self.soc + step).max(counted)
        } else if view.lowest <= p.empty_cell.0 {
            (self.soc - step).min(counted)
        } else {
            counted.min(self.soc.max(UNPROVEN))
        }
        .clamp(0.0, 100.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where the count stands after so many seconds of the same.
    fn after(soc: f64, seconds: u64, cell: f64, current: f64) -> f64 {
        let mut gauge = Gauge::new(GaugeParams::default(), soc);
        (0..seconds).for_each(|at| gauge.sample(&View::sound(at, cell, current)));
        gauge.soc()
    }

    #[test]
    fn it_counts_ampere_hours() {
        assert!((after(50.0, 3600, 3.3, 28.0) - 60.0).abs() < 1e-6);
        assert!((after(50.0, 3600, 3.2, -28.0) - 40.0).abs() < 1e-6);
    }

    /// What the sample catches is not what flowed since the one before.
    #[test]
    fn it_counts_what_flowed_and_not_what_it_saw() {
        let mut gauge = Gauge::new(GaugeParams::default(), 50.0);
        let view = |at| View { mean_current: 28.0, ..View::sound(at, 3.3, -100.0) };
        (0..3600).for_each(|at| gauge.sample(&view(at)));
        assert!((gauge.soc() - 60.0).abs() < 1e-6, "{}", gauge.soc());
    }

    #[test]
    fn a_count_may_begin_wrong() {
        let begins = |offset, soc| {
            Gauge::new(GaugeParams { offset: Percent(offset), ..GaugeParams::default() }, soc).soc()
        };
        assert!((begins(5.0, 80.0) - 85.0).abs() < 1e-9 && (begins(-3.0, 80.0) - 77.0).abs() < 1e-9);
        assert!((begins(5.0, 98.0) - 100.0).abs() < 1e-9 && begins(-3.0, 1.0).abs() < 1e-9);
    }

    #[test]
    fn full_is_proven_by_a_high_cell_without_current() {
        assert!((after(98.0, 7200, 3.36, 28.0) - 99.0).abs() < 1e-6, "a count alone stops short of full");
        assert!(
            (after(98.0, 7200, 3.45, 28.0) - 99.0).abs() < 1e-6,
            "a high cell under current proves nothing"
        );
        assert!((after(95.0, 60 + 6 * 60, 3.45, 1.0) - 100.0).abs() < 1e-6, "one percent a minute");
    }

    #[test]
    fn it_may_be_put_right_at_once() {
        let params = GaugeParams { correction: PercentPerHour(36_000.0), ..GaugeParams::default() };
        let mut gauge = Gauge::new(params, 85.0);
        (0..63).for_each(|at| gauge.sample(&View::sound(at, 3.45, 1.0)));
        assert!((gauge.soc() - 100.0).abs() < 1e-6, "{}", gauge.soc());
    }

    #[test]
    fn empty_is_shown_by_a_low_cell() {
        assert!(after(4.0, 300, 2.79, 0.0).abs() < 1e-6);
        assert!(after(0.1, 3600, 3.0, -100.0).abs() < 1e-6, "never below zero");
    }
}
