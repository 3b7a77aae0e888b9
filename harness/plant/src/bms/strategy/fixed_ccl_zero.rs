//! Constant CVL, and CCL = 0 once full: made for AC-coupled systems, where it works (P 1.5.2).
//! On a GX without feed-in it stops solar production; with feed-in it stops nothing, for the GX ignores CCL there.

use proto::quantity::{Percent, Volts};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Demand, to_wire};
use crate::bms::params::{ParamsError, positive};
use crate::bms::view::View;

/// Numbers of the strategy.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FixedCclZeroParams {
    /// CVL, always
    pub cvl: Volts,
    /// highest cell at which charge is blocked
    pub block_cell: Volts,
    /// state of charge at which charge is blocked
    pub block_soc: Percent,
    /// highest cell below which it is allowed again …
    pub release_cell: Volts,
    /// … if the state of charge is below this too
    pub release_soc: Percent,
}

impl FixedCclZeroParams {
    pub(in crate::bms) fn check(&self) -> Result<(), ParamsError> {
        positive("fixed-ccl-zero.cvl", self.cvl.0)?;
        let (release, block) = (self.release_cell, self.block_cell);
        ParamsError::order("fixed-ccl-zero.release-cell", release, "fixed-ccl-zero.block-cell", block)
    }
}

/// The strategy at work.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::bms) struct FixedCclZero {
    params: FixedCclZeroParams,
    blocked: bool,
}

impl FixedCclZero {
    pub(super) const fn new(params: FixedCclZeroParams) -> Self {
        Self { params, blocked: false }
    }

    pub(super) fn cvl(&self) -> f64 {
        to_wire(self.params.cvl.0)
    }

    pub(super) fn sample(&mut self, view: &View) -> Demand {
        let p = &self.params;
        self.blocked = if self.blocked {
            view.highest >= p.release_cell.0 || view.soc >= p.release_soc.0
        } else {
            view.highest >= p.block_cell.0 || view.soc >= p.block_soc.0
        };
        Demand { cvl: self.cvl(), block_charge: self.blocked }
    }
}
