//! CVL from a sum over all cells, renewed every minute: management systems of the dbus-serialbattery class.
//!
//! A cell above its limit counts: by what it is above, which is taken off CVL again and again (a penalty), or by
//! being counted with the limit only (clipped). Neither lets CVL follow a voltage that falls: with no cell above the
//! limit CVL stands, and rises by small steps once the highest cell is well below.

use proto::quantity::{CRate, Micros, Ohms, Volts};
use schemars::JsonSchema;
use serde::Deserialize;

use super::step_down::{StepDown, StepDownParams};
use super::{followed, to_wire};
use crate::bms::params::{ParamsError, positive, positive_time};
use crate::bms::view::{LowPass, View};

/// Numbers of the strategy.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CellSumParams {
    /// what a cell above the limit does to CVL
    pub law: SumLaw,
    /// CVL while charging, the highest it ever is
    pub bulk: Volts,
    /// the lowest it ever is
    pub floor: Volts,
    /// the most that a cell may have
    pub limit: Volts,
    /// with the highest cell below this CVL rises again
    pub rise_below: Volts,
    /// time between updates
    pub period: Micros,
    /// largest rise in one update
    pub max_rise: Volts,
    /// largest fall in one update
    pub max_fall: Volts,
    /// a discharge stronger than this says nothing of how full a cell is: CVL does not rise meanwhile
    pub hold_when_discharging: CRate,
    /// the step that protects where a minute is too long
    pub step_down: StepDownParams,
}

/// What is done with the cells above the limit.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum SumLaw {
    /// the sum of what they are above, times this, is taken off CVL
    Penalty {
        /// volts of CVL for a volt of the sum, each update
        gain: f64,
    },
    /// CVL is the sum of all cells, each counted with the limit at most, without what the charge current drops over
    /// this resistance; while a cell stays above, each update takes off as much again
    Clipped {
        /// the part of the pack's resistance that answers at once
        resistance: Ohms,
    },
}

impl CellSumParams {
    pub(in crate::bms) fn check(&self) -> Result<(), ParamsError> {
        ParamsError::order("cell-sum.floor", self.floor, "cell-sum.bulk", self.bulk)?;
        ParamsError::order("cell-sum.rise-below", self.rise_below, "cell-sum.limit", self.limit)?;
        positive("cell-sum.floor", self.floor.0)?;
        positive("cell-sum.max-rise", self.max_rise.0)?;
        positive("cell-sum.max-fall", self.max_fall.0)?;
        positive_time("cell-sum.period", self.period)?;
        match self.law {
            SumLaw::Penalty { gain } => positive("cell-sum.law", gain)?,
            SumLaw::Clipped { resistance } => positive("cell-sum.law", resistance.0)?,
        }
        self.step_down.check()
    }
}

/// The strategy at work.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::bms) struct CellSum {
    params: CellSumParams,
    /// what is wanted, finer than the wire
    wanted: f64,
    /// what the wire carries
    cvl: f64,
    highest: LowPass,
    next_update: Micros,
    step_down: StepDown,
}

/// The highest cell is averaged over this time, s (assumption: longer than the edge of a load step).
const FILTER: f64 = 10.0;

impl CellSum {
    pub(super) fn new(params: CellSumParams) -> Self {
        Self {
            wanted: params.bulk.0,
            cvl: to_wire(params.bulk.0),
            highest: LowPass::default(),
            next_update: Micros::ZERO,
            step_down: StepDown::new(params.step_down.clone()),
            params,
        }
    }

    pub(super) const fn cvl(&self) -> f64 {
        self.cvl
    }

    pub(super) fn sample(&mut self, view: &View, cells: &[Volts]) -> f64 {
        let highest = self.highest.push(view.highest, view.dt, FILTER);
        let stop = self.step_down.due(view).filter(|stop| *stop < self.cvl);
        if let Some(stop) = stop {
            self.wanted = stop;
            self.publish(view.at);
        } else if view.at >= self.next_update && view.connected {
            let change = self.goal(view, cells, highest) - self.wanted;
            self.wanted += change.clamp(-self.params.max_fall.0, self.params.max_rise.0);
            self.publish(view.at);
        }
        self.cvl
    }

    /// Where CVL should go.
    fn goal(&self, view: &View, cells: &[Volts], highest: f64) -> f64 {
        let p = &self.params;
        let above: f64 = cells.iter().map(|v| (v.0 - p.limit.0).max(0.0)).sum();
        let discharging = -view.current > p.hold_when_discharging.0 * view.capacity;
        if above > 0.0 {
            let bounded = self.wanted.min(view.pack);
            match p.law {
                SumLaw::Penalty { gain } => bounded - gain * above,
                SumLaw::Clipped { resistance } => {
                    let clipped = view.pack - above - view.current.max(0.0) * resistance.0;
                    // Where the chargers' offset holds the pack above CVL, the sum alone would stand still.
                    (bounded - above).min(clipped)
                }
            }
        } else if highest < p.rise_below.0 && !discharging {
            p.bulk.0
        } else {
            self.wanted
        }
    }

    /// Brings what is wanted within bounds and onto the wire.
    fn publish(&mut self, at: Micros) {
        self.wanted = self.wanted.clamp(self.params.floor.0, self.params.bulk.0);
        self.cvl = followed(self.cvl, self.wanted);
        self.next_update = at + self.params.period;
    }
}
