//! CVL as a straight line of the highest cell: bulk up to one voltage of that cell, the floor from another one on. Small
//! management systems that people build themselves do so; there is no integral and no state but the filter, and a hysteresis
//! where somebody saw CVL flutter: one step of 0.1 V moves a cell that stands alone by far more than brings the step about.

use proto::quantity::{Micros, Volts};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{followed, to_wire};
use crate::bms::params::{ParamsError, positive, positive_time, zero_or_more};
use crate::bms::view::{LowPass, View};

/// Numbers of the strategy.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RampParams {
    /// CVL while charging, the highest it ever is
    pub bulk: Volts,
    /// the lowest it ever is: below what holds the fullest cell, or the ramp ends before that cell stops
    pub floor: Volts,
    /// highest cell at which CVL begins to fall
    pub start: Volts,
    /// highest cell at which it has fallen to the floor
    pub end: Volts,
    /// time constant of the filter on the highest cell
    pub filter: Micros,
    /// time between updates
    pub period: Micros,
    /// CVL rises again once the cell has fallen by this; 0 without it
    #[serde(default)]
    pub hysteresis: Volts,
}

impl RampParams {
    pub(in crate::bms) fn check(&self) -> Result<(), ParamsError> {
        ParamsError::order("ramp.floor", self.floor, "ramp.bulk", self.bulk)?;
        ParamsError::order("ramp.start", self.start, "ramp.end", self.end)?;
        positive("ramp.floor", self.floor.0)?;
        zero_or_more("ramp.hysteresis", self.hysteresis.0)?;
        positive_time("ramp.period", self.period)
    }
}

/// The strategy at work.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::bms) struct Ramp {
    params: RampParams,
    cvl: f64,
    highest: LowPass,
    /// the highest cell, as CVL follows it
    followed: f64,
    next_update: Micros,
}

impl Ramp {
    pub(super) fn new(params: RampParams) -> Self {
        let (highest, followed) = (LowPass::default(), 0.0);
        Self { cvl: to_wire(params.bulk.0), highest, followed, next_update: Micros::ZERO, params }
    }

    pub(super) const fn cvl(&self) -> f64 {
        self.cvl
    }

    pub(super) fn sample(&mut self, view: &View) -> f64 {
        let p = &self.params;
        let highest = self.highest.push(view.highest, view.dt, p.filter.secs());
        if view.at >= self.next_update {
            self.next_update = view.at + p.period;
            self.followed = self.followed.clamp(highest, highest + p.hysteresis.0);
            let share = ((self.followed - p.start.0) / (p.end.0 - p.start.0)).clamp(0.0, 1.0);
            let wanted = p.bulk.0 - (p.bulk.0 - p.floor.0) * share;
            self.cvl = followed(self.cvl, wanted);
        }
        self.cvl
    }
}
