//! What a management system sees of its battery.

use proto::bus::BusState;
use proto::quantity::{Amps, Celsius, Volts};

/// What the sensors of a battery read. Values are what the management system sees, not what is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Readings<'a> {
    /// of each cell
    pub cells: &'a [Volts],
    /// of each sensor between the cells; the first sits at the coldest, the last at the warmest
    pub temperatures: &'a [Celsius],
    /// positive charges
    pub current: Amps,
    /// on the battery's side of the contactor
    pub pack: Volts,
    /// on the side of the bus
    pub terminals: Volts,
    /// what the auxiliary contact says: whether the contactor is closed
    pub closed: bool,
    /// of its own CAN controller
    pub controller: BusState,
    /// frames that nobody acknowledged since the turn before
    pub lost: u32,
    /// what its electronics report of themselves
    pub electronics: Electronics,
}

/// What a self-test and comparators report, beside what is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Electronics {
    /// the self-test fails
    pub failed: bool,
    /// the current is beyond what the ammeter can tell
    pub short_circuit: bool,
}
