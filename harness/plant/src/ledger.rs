//! Where charge and energy came from and went: what a physical world must be able to account for.

use proto::quantity::{AmpHours, WattHours};

use crate::pack::Account;

/// Sums since the start, and what is stored now. For any two moments, with Δ for the difference between them:
/// `Δheld = cells · Δcharged − Δbled − Δleaked + Δplaced`, and
/// `Δpv + Δgrid + Δac_pv + Δplaced_energy = Δloads + Δheat.total() + Δstored`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Ledger {
    /// ∫ I dt at the battery's terminals
    pub charged: AmpHours,
    /// by balancing, over all cells
    pub bled: AmpHours,
    /// by self-discharge, over all cells
    pub leaked: AmpHours,
    /// put into the cells by a stimulus, over all cells
    pub placed: AmpHours,
    /// in the cells now, summed
    pub held: AmpHours,
    /// from the supply into the solar charger
    pub pv: WattHours,
    /// from the mains, negative when more was exported
    pub grid: WattHours,
    /// from the PV inverter on the AC side
    pub ac_pv: WattHours,
    /// put into the cells by a stimulus
    pub placed_energy: WattHours,
    /// into the AC loads
    pub loads: WattHours,
    /// turned to heat
    pub heat: Heat,
    /// in cells (from the lowest point of their curve), RC pairs, hysteresis and on the DC bus now
    pub stored: WattHours,
}

/// What became warm.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Heat {
    /// resistances and hysteresis of the cells
    pub cells: WattHours,
    /// cables, contactor and whatever charges the bus
    pub cables: WattHours,
    /// solar charger and inverter, own consumption included
    pub converters: WattHours,
    /// balancing resistors
    pub balancing: WattHours,
    /// self-discharge
    pub leakage: WattHours,
}

impl Heat {
    /// All of it.
    #[must_use]
    pub fn total(&self) -> WattHours {
        self.cells + self.cables + self.converters + self.balancing + self.leakage
    }
}

/// What crosses the borders of the DC bus, J since the start.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Flows {
    pub(crate) pv: f64,
    pub(crate) grid: f64,
    pub(crate) ac_pv: f64,
    pub(crate) loads: f64,
    pub(crate) cables: f64,
    pub(crate) converters: f64,
}

impl Ledger {
    /// `held` in C, `stored` in J.
    pub(crate) fn new(flows: &Flows, pack: &Account, held: f64, stored: f64) -> Self {
        let charge = |coulombs: f64| AmpHours(coulombs / 3600.0);
        let energy = |joules: f64| WattHours(joules / 3600.0);
        Self {
            charged: charge(pack.passed),
            bled: charge(pack.bled),
            leaked: charge(pack.leaked),
            placed: charge(pack.placed),
            held: charge(held),
            pv: energy(flows.pv),
            grid: energy(flows.grid),
            ac_pv: energy(flows.ac_pv),
            placed_energy: energy(pack.placed_energy),
            loads: energy(flows.loads),
            heat: Heat {
                cells: energy(pack.heat),
                cables: energy(flows.cables),
                converters: energy(flows.converters),
                balancing: energy(pack.balancing),
                leakage: energy(pack.leakage),
            },
            stored: energy(stored),
        }
    }
}
