//! A PI controller on the highest cell, every second, of which the wire carries steps of 0.1 V: management systems of
//! the YamBMS class. Without a dead zone it goes up and down by one step for ever, as any integrator before a quantiser.

use proto::quantity::{CRate, Micros, Volts};
use schemars::JsonSchema;
use serde::Deserialize;

use super::step_down::{StepDown, StepDownParams};
use super::{LSB, followed, to_wire};
use crate::bms::params::{ParamsError, positive, positive_time, zero_or_more};
use crate::bms::view::{LowPass, View};

/// Numbers of the controller.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CellPiParams {
    /// CVL while charging, the highest it ever is
    pub bulk: Volts,
    /// the lowest it ever is
    pub floor: Volts,
    /// where the highest cell is held
    pub target: Volts,
    /// time constant of the filter on the highest cell
    pub filter: Micros,
    /// volts of CVL for a volt that the cell is off its target
    pub proportional: f64,
    /// time after which the integral has done as much as the proportional part
    pub reset: Micros,
    /// an error up to this counts as none: one step of CVL moves a cell that stands alone by up to 90 mV, and a
    /// controller that insists on a point there goes up and down for ever
    pub dead_zone: Volts,
    /// an error above this counts as this: a cell far below its target says nothing of how fast CVL may rise
    pub most_error: Volts,
    /// a discharge stronger than this says nothing of how full a cell is: CVL stands meanwhile
    pub hold_when_discharging: CRate,
    /// the step that protects where the controller is too slow
    pub step_down: StepDownParams,
}

impl CellPiParams {
    pub(in crate::bms) fn check(&self) -> Result<(), ParamsError> {
        ParamsError::order("cell-pi.floor", self.floor, "cell-pi.bulk", self.bulk)?;
        positive("cell-pi.floor", self.floor.0)?;
        positive("cell-pi.target", self.target.0)?;
        zero_or_more("cell-pi.proportional", self.proportional)?;
        zero_or_more("cell-pi.dead-zone", self.dead_zone.0)?;
        positive("cell-pi.most-error", self.most_error.0)?;
        positive_time("cell-pi.reset", self.reset)?;
        self.step_down.check()
    }
}

/// The controller at work.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::bms) struct CellPi {
    params: CellPiParams,
    /// the integral part: what CVL is while the cell stands at its target
    integral: f64,
    /// what the wire carries
    cvl: f64,
    highest: LowPass,
    pack: LowPass,
    step_down: StepDown,
}

impl CellPi {
    pub(super) fn new(params: CellPiParams) -> Self {
        Self {
            integral: params.bulk.0,
            cvl: to_wire(params.bulk.0),
            highest: LowPass::default(),
            pack: LowPass::default(),
            step_down: StepDown::new(params.step_down.clone()),
            params,
        }
    }

    pub(super) const fn cvl(&self) -> f64 {
        self.cvl
    }

    pub(super) fn sample(&mut self, view: &View) -> f64 {
        let p = &self.params;
        let tau = p.filter.secs();
        let highest = self.highest.push(view.highest, view.dt, tau);
        let pack = self.pack.push(view.pack, view.dt, tau);
        let discharging = -view.current > p.hold_when_discharging.0 * view.capacity;

        if let Some(stop) = self.step_down.due(view) {
            self.integral = self.integral.min(stop);
        } else if !view.connected || discharging {
            return self.cvl;
        }
        let off = p.target.0 - highest;
        let error = off - off.clamp(-p.dead_zone.0, p.dead_zone.0);
        let error = error.clamp(-p.most_error.0, p.most_error.0);
        // Above the pack voltage CVL limits nothing and need not be wound down first.
        if error < 0.0 {
            self.integral = self.integral.min(pack + LSB);
        }
        self.integral += p.proportional * error * view.dt / p.reset.secs();
        self.integral = self.integral.clamp(p.floor.0, p.bulk.0);
        let wanted = (self.integral + p.proportional * error).clamp(p.floor.0, p.bulk.0);
        self.cvl = followed(self.cvl, wanted);
        self.cvl
    }
}
