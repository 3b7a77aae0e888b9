//! The protective step: what both compliant strategies do when charge arrives faster than slow control can follow.

use proto::quantity::{Ohms, Volts};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::bms::params::{ParamsError, positive};
use crate::bms::view::View;

/// When and how far CVL steps down at once.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct StepDownParams {
    /// highest cell at which the step is due; between the target and the over-voltage trip
    pub cell: Volts,
    /// the highest cell below which the next step may come
    pub rearm: Volts,
    /// the part of the pack's resistance that answers at once. The step takes off what the charge current
    /// drops over it and no more: with the polarisation, which takes minutes to fade, it would discharge.
    pub resistance: Ohms,
}

impl StepDownParams {
    pub(in crate::bms) fn check(&self) -> Result<(), ParamsError> {
        positive("step-down.resistance", self.resistance.0)?;
        ParamsError::order("step-down.rearm", self.rearm, "step-down.cell", self.cell)
    }
}

/// The step at work: one per approach to the limit.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct StepDown {
    params: StepDownParams,
    spent: bool,
}

impl StepDown {
    pub(super) fn new(params: StepDownParams) -> Self {
        Self { params, spent: false }
    }

    /// The pack voltage at which charge would stop now, in the one second in which a step is due.
    pub(super) fn due(&mut self, view: &View) -> Option<f64> {
        if view.highest < self.params.rearm.0 {
            self.spent = false;
        }
        if self.spent || view.highest < self.params.cell.0 {
            return None;
        }
        self.spent = true;
        Some(view.pack - view.current.max(0.0) * self.params.resistance.0)
    }
}
