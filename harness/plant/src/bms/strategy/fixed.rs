//! Constant CVL, and charge blocked once full: made for AC-coupled systems, where it works (P 1.5.2).
//! By CCL = 0, on a GX without feed-in, it stops solar production; with feed-in it stops nothing, for the GX ignores
//! CCL there. By a CVL of 0, or of the measured voltage, it discharges the battery (P 1.5.3).

use proto::quantity::{Micros, Percent, Volts};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Demand, to_wire};
use crate::bms::params::{ParamsError, positive};
use crate::bms::view::View;

/// Numbers of the strategy.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FixedParams {
    /// CVL while charge is not blocked
    pub cvl: Volts,
    /// how charge is blocked
    pub blocks_by: BlocksBy,
    /// highest cell at which charge is blocked
    pub block_cell: Volts,
    /// state of charge at which charge is blocked
    pub block_soc: Percent,
    /// highest cell below which it is allowed again …
    pub release_cell: Volts,
    /// … if the state of charge is below this too
    pub release_soc: Percent,
}

/// What a battery sends that wants no more charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BlocksBy {
    /// CCL = 0, which a GX that feeds in ignores
    CclZero,
    /// CVL = 0, which is passed on
    CvlZero,
    /// CVL = the measured voltage, each second
    MeasuredVoltage,
    /// CVL = 0 for 10 s, then the measured voltage
    ZeroThenMeasured,
}

impl FixedParams {
    pub(in crate::bms) fn check(&self) -> Result<(), ParamsError> {
        positive("fixed.cvl", self.cvl.0)?;
        ParamsError::order("fixed.release-cell", self.release_cell, "fixed.block-cell", self.block_cell)
    }
}

/// The strategy at work.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::bms) struct Fixed {
    params: FixedParams,
    /// since when charge is blocked
    blocked: Option<Micros>,
}

/// How long [`BlocksBy::ZeroThenMeasured`] sends 0.
const ZERO: Micros = Micros::from_secs(10);

impl Fixed {
    pub(super) const fn new(params: FixedParams) -> Self {
        Self { params, blocked: None }
    }

    pub(super) fn cvl(&self) -> f64 {
        to_wire(self.params.cvl.0)
    }

    pub(super) fn sample(&mut self, view: &View) -> Demand {
        let p = &self.params;
        let blocked = if self.blocked.is_some() {
            view.highest >= p.release_cell.0 || view.soc >= p.release_soc.0
        } else {
            view.highest >= p.block_cell.0 || view.soc >= p.block_soc.0
        };
        self.blocked = if blocked { self.blocked.or(Some(view.at)) } else { None };
        let free = Demand { cvl: self.cvl(), block_charge: false };
        let Some(since) = self.blocked else { return free };
        match p.blocks_by {
            BlocksBy::CclZero => Demand { block_charge: true, ..free },
            BlocksBy::CvlZero => Demand { cvl: 0.0, ..free },
            BlocksBy::ZeroThenMeasured if view.at.since(since) < ZERO => Demand { cvl: 0.0, ..free },
            BlocksBy::MeasuredVoltage | BlocksBy::ZeroThenMeasured => {
                Demand { cvl: to_wire(view.pack), ..free }
            }
        }
    }
}
