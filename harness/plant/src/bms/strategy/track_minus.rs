//! CVL := measured voltage minus a constant, renewed on a clock: what P 1.5.3 says to avoid.
//! Below the inverter's power it ratchets down and discharges the battery; above it, the solar charger's
//! 0.4 V offset is more than the constant and it ratchets up.

use proto::quantity::{Micros, Percent, Volts};
use schemars::JsonSchema;
use serde::Deserialize;

use super::to_wire;
use crate::bms::params::{ParamsError, positive, positive_time};
use crate::bms::view::View;

/// Numbers of the strategy.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TrackMinusParams {
    /// CVL while charging, and the highest it ever is
    pub bulk: Volts,
    /// highest cell at which tracking begins
    pub engage_cell: Volts,
    /// state of charge below which it ends
    pub release: Percent,
    /// what is taken off the measured voltage
    pub minus: Volts,
    /// time between measurements
    pub period: Micros,
}

impl TrackMinusParams {
    pub(in crate::bms) fn check(&self) -> Result<(), ParamsError> {
        positive("track-minus.bulk", self.bulk.0)?;
        positive_time("track-minus.period", self.period)
    }
}

/// The strategy at work.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::bms) struct TrackMinus {
    params: TrackMinusParams,
    cvl: f64,
    engaged: bool,
    next_update: Micros,
}

impl TrackMinus {
    pub(super) fn new(params: TrackMinusParams) -> Self {
        Self { cvl: to_wire(params.bulk.0), engaged: false, next_update: Micros::ZERO, params }
    }

    pub(super) const fn cvl(&self) -> f64 {
        self.cvl
    }

    pub(super) fn sample(&mut self, view: &View) -> f64 {
        let p = &self.params;
        if self.engaged && view.soc < p.release.0 {
            self.engaged = false;
        } else if view.highest >= p.engage_cell.0 {
            self.engaged = true;
        }
        if !self.engaged {
            self.cvl = to_wire(p.bulk.0);
        } else if view.at >= self.next_update {
            self.cvl = to_wire((view.pack - p.minus.0).min(p.bulk.0));
            self.next_update = view.at + p.period;
        }
        self.cvl
    }
}
