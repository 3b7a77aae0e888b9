//! Absorption for a while, then float, as lead-acid chargers have it, but reached by a slow ramp: a step of a volt
//! would dump the battery into the grid. Where one cell stands high absorption ends at once, and the ramp goes on
//! below float until the cell stops rising.

use proto::quantity::{Micros, Percent, Volts};
use schemars::JsonSchema;
use serde::Deserialize;

use super::step_down::{StepDown, StepDownParams};
use super::{down_to_wire, to_wire};
use crate::bms::params::{ParamsError, positive, positive_time};
use crate::bms::view::{LowPass, View};

/// Numbers of the strategy.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FloatParams {
    /// CVL while charging
    pub absorption: Volts,
    /// CVL after it
    pub float: Volts,
    /// the lowest it ever is, reached only where one cell stands high above the others
    pub floor: Volts,
    /// a pack this near to absorption is in it
    pub margin: Volts,
    /// how long absorption lasts
    pub span: Micros,
    /// a cell above this ends absorption, and while it rises the ramp goes on below float
    pub high_cell: Volts,
    /// one step of the ramp
    pub step: Volts,
    /// time between steps
    pub period: Micros,
    /// once so much charge has been taken out CVL goes back to absorption, a step at a time
    pub rebulk: Percent,
    /// the step that protects where the ramp is too slow
    pub step_down: StepDownParams,
}

impl FloatParams {
    pub(in crate::bms) fn check(&self) -> Result<(), ParamsError> {
        ParamsError::order("float.float", self.float, "float.absorption", self.absorption)?;
        ParamsError::order("float.floor", self.floor, "float.float", self.float)?;
        positive("float.floor", self.floor.0)?;
        positive("float.step", self.step.0)?;
        positive_time("float.period", self.period)?;
        self.step_down.check()
    }
}

/// Where the battery is between empty and full.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Stage {
    Bulk,
    /// since when
    Absorption(Micros),
    /// the highest state of charge since it began
    Float(f64),
}

/// The strategy at work.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::bms) struct Float {
    params: FloatParams,
    cvl: f64,
    stage: Stage,
    highest: LowPass,
    pack: LowPass,
    /// the highest cell at the last step
    last_highest: f64,
    next_step: Micros,
    step_down: StepDown,
}

/// Cells and pack are judged on their mean over this time, s (assumption: longer than the edge of a load step).
const FILTER: f64 = 10.0;

impl Float {
    pub(super) fn new(params: FloatParams) -> Self {
        Self {
            cvl: to_wire(params.absorption.0),
            stage: Stage::Bulk,
            highest: LowPass::default(),
            pack: LowPass::default(),
            last_highest: 0.0,
            next_step: Micros::ZERO,
            step_down: StepDown::new(params.step_down.clone()),
            params,
        }
    }

    pub(super) const fn cvl(&self) -> f64 {
        self.cvl
    }

    pub(super) fn sample(&mut self, view: &View) -> f64 {
        let highest = self.highest.push(view.highest, view.dt, FILTER);
        let pack = self.pack.push(view.pack, view.dt, FILTER);
        if let Some(stop) = self.step_down.due(view) {
            self.stage = Stage::Float(view.soc);
            if stop < self.cvl {
                self.set(view.at, down_to_wire(stop), highest);
            }
        } else if view.at >= self.next_step && view.connected {
            self.stage = self.next_stage(view, highest, pack);
            let step = self.params.step.0;
            let goal = self.goal(highest).clamp(self.cvl - step, self.cvl + step);
            self.set(view.at, goal, highest);
        }
        self.cvl
    }

    fn next_stage(&self, view: &View, highest: f64, pack: f64) -> Stage {
        let p = &self.params;
        let absorbs = pack >= p.absorption.0 - p.margin.0;
        match self.stage {
            Stage::Float(top) if view.soc <= top - p.rebulk.0 => Stage::Bulk,
            Stage::Float(top) => Stage::Float(top.max(view.soc)),
            _ if highest >= p.high_cell.0 => Stage::Float(view.soc),
            Stage::Absorption(since) if view.at.since(since) >= p.span => Stage::Float(view.soc),
            Stage::Absorption(since) => Stage::Absorption(since),
            Stage::Bulk if absorbs => Stage::Absorption(view.at),
            Stage::Bulk => Stage::Bulk,
        }
    }

    /// Where the ramp goes. In float it never goes up again: what it went below float for is still there.
    fn goal(&self, highest: f64) -> f64 {
        let p = &self.params;
        let rises = highest > self.last_highest;
        match self.stage {
            Stage::Float(_) if highest > p.high_cell.0 && rises => p.floor.0,
            Stage::Float(_) => p.float.0.min(self.cvl),
            Stage::Bulk | Stage::Absorption(_) => p.absorption.0,
        }
    }

    fn set(&mut self, at: Micros, volts: f64, highest: f64) {
        self.cvl = to_wire(volts.max(self.params.floor.0));
        self.last_highest = highest;
        self.next_step = at + self.params.period;
    }
}
