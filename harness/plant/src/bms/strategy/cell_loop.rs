//! Slow control of the highest cell: the strategy of the reference battery.
//!
//! CVL is the output of a PI controller on the highest cell, and every part of it is there for a reason of the plant:
//! - **slow**: an update each `period`, at least 20 s (P 1.5.3), on a filtered cell voltage;
//! - **a band instead of a point**: one step of CVL (0.1 V) moves a balanced cell by 6 mV, but one that stands alone
//!   on the steep end of its curve by up to 90 mV. A controller that insists on a point hunts for ever there;
//! - **bounded by the pack**: above the target CVL is never left higher than the pack voltage, where it limits nothing,
//!   so it need not be wound down first;
//! - **proportional only downwards**: a cell that rises is answered at once, one that sags under load is not;
//! - **a floor**, so that it never calls for a deep discharge;
//! - **one protective step** where charge comes faster than all this.

use proto::quantity::{CRate, Micros, Volts};
use schemars::JsonSchema;
use serde::Deserialize;

use super::step_down::{StepDown, StepDownParams};
use super::{followed, to_wire};
use crate::bms::params::{ParamsError, positive, positive_time, zero_or_more};
use crate::bms::view::{LowPass, View};

/// Numbers of the loop.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CellLoopParams {
    /// CVL while charging, the highest it ever is
    pub bulk: Volts,
    /// the lowest it ever is
    pub floor: Volts,
    /// where the highest cell is held
    pub target: Volts,
    /// so far above the target nothing is done
    pub band_above: Volts,
    /// so far below the target nothing is done
    pub band_below: Volts,
    /// time between updates; the protocol advises 20 s or more
    pub period: Micros,
    /// time constant of the filter on the highest cell
    pub filter: Micros,
    /// volts of CVL for a volt of rise above the band
    pub proportional: f64,
    /// volts of CVL for a volt outside the band, each update
    pub integral: f64,
    /// largest rise in one update
    pub max_rise: Volts,
    /// largest fall in one update
    pub max_fall: Volts,
    /// a discharge stronger than this says nothing of how full a cell is: CVL does not rise meanwhile
    pub hold_when_discharging: CRate,
    /// a highest cell below this that is not being discharged is far from full: CVL goes back to bulk, `max-rise`
    /// at a time
    pub clear: Volts,
    /// the step that protects where the loop is too slow; absent, there is none
    pub step_down: Option<StepDownParams>,
}

impl CellLoopParams {
    pub(in crate::bms) fn check(&self) -> Result<(), ParamsError> {
        ParamsError::order("cell-loop.floor", self.floor, "cell-loop.bulk", self.bulk)?;
        ParamsError::order("cell-loop.clear", self.clear, "cell-loop.target", self.target)?;
        positive("cell-loop.floor", self.floor.0)?;
        zero_or_more("cell-loop.proportional", self.proportional)?;
        positive("cell-loop.integral", self.integral)?;
        positive("cell-loop.max-rise", self.max_rise.0)?;
        positive("cell-loop.max-fall", self.max_fall.0)?;
        positive_time("cell-loop.period", self.period)?;
        self.step_down.as_ref().map_or(Ok(()), StepDownParams::check)
    }
}

/// The loop at work.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::bms) struct CellLoop {
    params: CellLoopParams,
    /// what the controller wants, finer than the wire
    wanted: f64,
    /// what the wire carries
    cvl: f64,
    highest: LowPass,
    pack: LowPass,
    /// how far the highest cell was above the band at the last update
    last_excess: f64,
    next_update: Micros,
    step_down: Option<StepDown>,
}

impl CellLoop {
    pub(super) fn new(params: CellLoopParams) -> Self {
        Self {
            wanted: params.bulk.0,
            cvl: to_wire(params.bulk.0),
            highest: LowPass::default(),
            pack: LowPass::default(),
            last_excess: 0.0,
            next_update: Micros::ZERO,
            step_down: params.step_down.clone().map(StepDown::new),
            params,
        }
    }

    pub(super) const fn cvl(&self) -> f64 {
        self.cvl
    }

    pub(super) fn sample(&mut self, view: &View) -> f64 {
        let tau = self.params.filter.secs();
        let highest = self.highest.push(view.highest, view.dt, tau);
        let pack = self.pack.push(view.pack, view.dt, tau);

        if let Some(stop) = self.step_down.as_mut().and_then(|s| s.due(view))
            && stop < self.cvl
        {
            self.wanted = stop;
            self.last_excess = (highest - self.ceiling()).max(0.0);
            self.publish(view.at);
        } else if view.at >= self.next_update && view.connected {
            let change = self.change(view, highest, pack);
            self.wanted += change;
            self.publish(view.at);
        }
        self.cvl
    }

    /// Top of the band.
    fn ceiling(&self) -> f64 {
        self.params.target.0 + self.params.band_above.0
    }

    /// One update of the controller: by how much CVL should change.
    fn change(&mut self, view: &View, highest: f64, pack: f64) -> f64 {
        let p = &self.params;
        let excess = (highest - self.ceiling()).max(0.0);
        let shortfall = (p.target.0 - p.band_below.0 - highest).max(0.0);
        let rise_of_excess = excess - self.last_excess;
        self.last_excess = excess;

        if excess > 0.0 {
            self.wanted = self.wanted.min(pack);
        }
        let discharging = -view.current > p.hold_when_discharging.0 * view.capacity;
        if highest < p.clear.0 && !discharging {
            return p.max_rise.0;
        }
        let integral = if discharging { 0.0 } else { p.integral * shortfall } - p.integral * excess;
        (integral - p.proportional * rise_of_excess).clamp(-p.max_fall.0, p.max_rise.0)
    }

    /// Brings what the controller wants within bounds and onto the wire.
    fn publish(&mut self, at: Micros) {
        self.wanted = self.wanted.clamp(self.params.floor.0, self.params.bulk.0);
        self.cvl = followed(self.cvl, self.wanted);
        self.next_update = at + self.params.period;
    }
}
