//! A fixed lower CVL once the battery is full, reached by a slow ramp: the simplest strategy that works (P 1.5.3).

use proto::quantity::{CRate, Micros, Percent, Volts};
use schemars::JsonSchema;
use serde::Deserialize;

use super::step_down::{StepDown, StepDownParams};
use super::{down_to_wire, to_wire};
use crate::bms::params::{ParamsError, positive, positive_time};
use crate::bms::view::{LowPass, View};

/// Numbers of the strategy.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LowerWhenFullParams {
    /// CVL while charging
    pub bulk: Volts,
    /// CVL once full
    pub full: Volts,
    /// the lowest it ever is, reached only where one cell stands high above the others
    pub floor: Volts,
    /// full, once the highest cell stands above this and the current is below `tail`
    pub full_cell: Volts,
    /// see `full-cell`
    pub tail: CRate,
    /// with a cell above this, and rising, the ramp goes on below `full`
    pub high_cell: Volts,
    /// one step of the ramp down to `full`: small, because a step of a volt dumps the battery into the grid; below `full` at most
    /// a step of the wire
    pub step: Volts,
    /// time between steps
    pub period: Micros,
    /// once so much charge has been taken out CVL goes back to bulk, a step at a time
    pub release: Percent,
    /// the step that protects where the ramp is too slow
    pub step_down: StepDownParams,
}

impl LowerWhenFullParams {
    pub(in crate::bms) fn check(&self) -> Result<(), ParamsError> {
        ParamsError::order("lower-when-full.full", self.full, "lower-when-full.bulk", self.bulk)?;
        ParamsError::order("lower-when-full.floor", self.floor, "lower-when-full.full", self.full)?;
        positive("lower-when-full.floor", self.floor.0)?;
        positive("lower-when-full.step", self.step.0)?;
        positive_time("lower-when-full.period", self.period)?;
        self.step_down.check()
    }
}

/// The strategy at work.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::bms) struct LowerWhenFull {
    params: LowerWhenFullParams,
    cvl: f64,
    /// while full: the highest state of charge since
    full: Option<f64>,
    highest: LowPass,
    current: LowPass,
    /// the highest cell at the last update
    last_highest: f64,
    next_update: Micros,
    step_down: StepDown,
}

/// A cell is judged on its mean over this time, s: shorter than the ramp, longer than a load step's edge (assumption).
const FILTER: f64 = 10.0;

/// A step of 0x351, V.
const SMALL_STEP: f64 = 0.1;

impl LowerWhenFull {
    pub(super) fn new(params: LowerWhenFullParams) -> Self {
        Self {
            cvl: to_wire(params.bulk.0),
            full: None,
            highest: LowPass::default(),
            current: LowPass::default(),
            last_highest: 0.0,
            next_update: Micros::ZERO,
            step_down: StepDown::new(params.step_down.clone()),
            params,
        }
    }

    pub(super) const fn cvl(&self) -> f64 {
        self.cvl
    }

    pub(super) fn sample(&mut self, view: &View) -> f64 {
        let highest = self.highest.push(view.highest, view.dt, FILTER);
        let current = self.current.push(view.current, view.dt, FILTER);

        if let Some(stop) = self.step_down.due(view) {
            self.full = Some(view.soc);
            if stop < self.cvl {
                self.set(view.at, down_to_wire(stop), highest);
            }
        } else if view.at >= self.next_update && view.connected {
            self.latch(view, highest, current);
            let goal = if self.full.is_some() { self.goal(highest) } else { self.params.bulk.0 };
            let (step, period) = self.ramp_to(goal);
            self.set(view.at, goal.clamp(self.cvl - step, self.cvl + step), highest);
            self.next_update = view.at + period;
        }
        self.cvl
    }

    fn latch(&mut self, view: &View, highest: f64, current: f64) {
        let p = &self.params;
        self.full = match self.full {
            Some(top) => (view.soc > top - p.release.0).then_some(top.max(view.soc)),
            None => {
                let tail = current.abs() <= p.tail.0 * view.capacity;
                (highest >= p.full_cell.0 && tail).then_some(view.soc)
            }
        };
    }

    /// Where the ramp of a full battery goes: down to `full`, further while a cell is high and rises, never up again.
    fn goal(&self, highest: f64) -> f64 {
        let p = &self.params;
        let rises = highest > self.last_highest;
        if highest > p.high_cell.0 && rises { p.floor.0 } else { p.full.0.min(self.cvl) }
    }

    /// How far it goes at once, and the time until it looks again. Below `full` half a volt is 30 mV of each cell, some percent of charge
    /// that a battery gives away and never takes back at that CVL: there the same ramp comes in small steps, and ends with the rise of
    /// the cell that it is for.
    fn ramp_to(&self, goal: f64) -> (f64, Micros) {
        let p = &self.params;
        if goal < self.cvl && self.cvl <= p.full.0 && p.step.0 > SMALL_STEP {
            (SMALL_STEP, Micros((p.period.0 as f64 * SMALL_STEP / p.step.0) as u64))
        } else {
            (p.step.0, p.period)
        }
    }

    fn set(&mut self, at: Micros, volts: f64, highest: f64) {
        self.cvl = to_wire(volts.max(self.params.floor.0));
        self.last_highest = highest;
        self.next_update = at + self.params.period;
    }
}
