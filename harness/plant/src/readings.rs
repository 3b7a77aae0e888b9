//! What a management system sees of its battery.

use proto::bus::BusState;
use proto::quantity::{Amps, Celsius, Volts};

/// What the sensors of a battery read. Values are what the management system sees, not what is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Readings<'a> {
    /// of each cell, module by module
    pub cells: &'a [Volts],
    /// of each sensor between the cells, module by module; the first of each sits at the coldest, its last at the warmest
    pub temperatures: &'a [Celsius],
    /// of each module
    pub modules: &'a [ModuleReadings],
    /// of all modules, positive charges
    pub current: Amps,
    /// its mean since the last turn, as a converter that counts charge has it
    pub mean_current: Amps,
    /// the most that charged since the last turn, as a comparator sees it
    pub most_current: Amps,
    /// on the battery's side of the contactors, the mean of all modules
    pub pack: Volts,
    /// on the side of the bus
    pub terminals: Volts,
    /// what the auxiliary contacts say: whether a contactor is closed
    pub closed: bool,
    /// of its own CAN controller
    pub controller: BusState,
    /// frames that nobody acknowledged since the turn before
    pub lost: u32,
    /// what its electronics report of themselves
    pub electronics: Electronics,
}

/// What is measured of one string of cells behind its contactor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ModuleReadings {
    /// positive charges
    pub current: Amps,
    /// on its side of its contactor
    pub pack: Volts,
    /// whether its contactor is closed
    pub closed: bool,
}

/// What a self-test and comparators report, beside what is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Electronics {
    /// the self-test fails
    pub failed: bool,
    /// the current is beyond what the ammeter can tell
    pub short_circuit: bool,
}
