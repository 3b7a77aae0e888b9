//! What a battery's management system is to the simulated world: [`Management`]. The models of [`crate::bms`]
//! implement it, and so can anything else that decides what a management system decides.
//!
//! The world owns the cells, the contactor's path, the bus and the sensors; management gets what its sensors read, with
//! their noise and their faults in them. A program behind it is treated exactly as a model.

use core::fmt::Debug;

use proto::frame::Frame;
use proto::quantity::{AmpHours, Amps, Micros, Percent};

pub use crate::readings::{Electronics, ModuleReadings, Readings};
use crate::sensors::SensorParams;

/// The management system of a battery, at work.
///
/// Time is that of the world. The world calls [`Self::turn`] at the start and whenever [`Self::next_turn`] is reached, and
/// [`Self::send`] whenever [`Self::next_frame_at`] is; it looks at everything else after each of these calls.
pub trait Management: Debug + Send {
    /// Takes what the sensors read at this time and decides: contactor, balancing, what is sent until the next turn.
    ///
    /// # Errors
    /// When it cannot go on: the sentence says what it did and what was expected.
    fn turn(&mut self, at: Micros, seen: &Readings<'_>) -> Result<(), ManagementError>;

    /// A frame of another node reached it. It may ask for an earlier turn.
    fn hear(&mut self, at: Micros, frame: &Frame);

    /// When it wants its next turn: later than its last one.
    fn next_turn(&self) -> Micros;

    /// When its next frame leaves; [`Micros::NEVER`] while it has nothing to send.
    fn next_frame_at(&self) -> Micros;

    /// The frame that is due, or nothing where it is kept back; [`Self::next_frame_at`] moves on.
    fn send(&mut self) -> Option<Frame>;

    /// Whether the contactor of a module, counted from 0, is to be closed.
    fn closes(&self, module: usize) -> bool;

    /// The current that drains each cell, module by module, until the next turn, positive; empty where none is drained.
    fn balance(&self) -> &[Amps];

    /// Its supply is switched. Without it the world opens the contactor, drains no cell and calls nothing else; with it
    /// the next call is a turn.
    ///
    /// # Errors
    /// When it does not come up.
    fn power(&mut self, at: Micros, on: bool) -> Result<(), ManagementError>;

    /// The case is over; what it would have kept in its own storage, where it has one.
    ///
    /// # Errors
    /// When it does not end.
    fn end(&mut self) -> Result<Option<String>, ManagementError> {
        Ok(None)
    }
}

/// The battery that a management system is built into.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Installed {
    /// cells in series
    pub cells: usize,
    /// strings of so many cells side by side, each behind a contactor of its own
    pub modules: usize,
    /// of all modules together
    pub capacity: AmpHours,
    /// what it is to believe of its state of charge
    pub soc: Percent,
    /// of all that is scattered in it
    pub seed: u64,
}

/// A management system as a battery file describes it: what it measures with, and how one is started.
pub trait Design: Debug {
    /// How well it measures.
    fn sensors(&self) -> &SensorParams;

    /// How many modules side by side it manages.
    fn modules(&self) -> usize {
        1
    }

    /// One that is switched on at time zero.
    ///
    /// # Errors
    /// When it does not start.
    fn start(&self, battery: &Installed) -> Result<Box<dyn Management>, ManagementError>;
}

/// Why a management system cannot go on.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ManagementError {
    /// It failed by itself.
    #[error("{0}")]
    Failed(String),
    /// The simulated rig cannot do what it takes to prepare a case for it: none of its own doing.
    #[error("{0}")]
    Rig(String),
    /// It drains other cells than there are.
    #[error("it gave {found} balancing currents, expected one for each of the {cells} cells, or none at all")]
    Balance {
        /// how many
        found: usize,
        /// of all modules
        cells: usize,
    },
    /// It drains a cell with what is no current.
    #[error("it drains cell {cell} with {found}, expected a finite current")]
    NoCurrent {
        /// counted from 1
        cell: usize,
        /// what it said
        found: Amps,
    },
    /// Time would stand still.
    #[error("it asked at {at} for its next turn at {next}, expected a later time")]
    NoTime {
        /// its turn
        at: Micros,
        /// the turn it asked for
        next: Micros,
    },
}
