//! What a test does to the world: the same words for a real bench and the simulated one.

use crate::fault::Fault;
use crate::quantity::{Amps, Micros, Percent, Watts};

/// One change of the world.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stimulus {
    /// PV power made available; zero is night.
    Pv(Watts),
    /// Power made available to a PV inverter on the AC side.
    AcPv(Watts),
    /// AC load switched to this power.
    AcLoad(Watts),
    /// Mains connected or not.
    Grid(bool),
    /// AC input current limit of the inverter.
    InputCurrentLimit(Amps),
    /// Feed in excess DC-coupled PV.
    FeedIn(bool),
    /// Frames of this id are kept from their receivers for a time.
    Silence {
        /// the 11-bit id
        id: u16,
        /// for how long
        span: Micros,
    },
    /// A fault was injected.
    Inject(Fault),
    /// One cell is charged this much above the others.
    Imbalance(Percent),
    /// A register of the GX was written.
    GxWrite {
        /// Modbus address; it selects the kind of product
        register: u16,
        /// raw value
        value: u16,
    },
}

/// Initial conditions of a case.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Start {
    /// state of charge of the pack
    pub soc: Percent,
    /// mains connected
    pub grid: bool,
    /// feed in excess DC-coupled PV
    pub feed_in: bool,
    /// PV power available
    pub pv: Watts,
    /// power available to a PV inverter on the AC side
    pub ac_pv: Watts,
    /// AC load
    pub ac_load: Watts,
    /// one cell is charged this much above the others
    pub imbalance: Percent,
    /// AC input current limit, where it differs from the rig's
    pub input_current_limit: Option<Amps>,
}
