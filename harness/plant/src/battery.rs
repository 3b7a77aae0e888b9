//! The battery as the world holds it: a management system behind its sensors. What is measured, and what is wrong with
//! it, is the same for every [`Management`].

use proto::fault::{Fault, FaultKind};
use proto::frame::Frame;
use proto::quantity::{Amps, Micros};

use crate::bus::Controller;
use crate::management::{Design, Installed, Management, ManagementError};
use crate::sensors::{Exposed, Sensors};

/// A management system with its sensors and its supply.
#[derive(Debug)]
pub(crate) struct Battery {
    management: Box<dyn Management>,
    sensors: Sensors,
    /// of all modules
    cells: usize,
    powered: bool,
    /// when it wants its next turn
    turn_at: Micros,
    /// when its next frame leaves
    frame_at: Micros,
}

impl Battery {
    /// A battery whose management wants its first turn.
    pub(crate) fn new(design: &dyn Design, installed: &Installed) -> Result<Self, ManagementError> {
        Ok(Self {
            management: design.start(installed)?,
            sensors: Sensors::new(design.sensors().clone(), installed.seed),
            cells: installed.cells * installed.modules,
            powered: true,
            turn_at: Micros::ZERO,
            frame_at: Micros::NEVER,
        })
    }

    /// Lets management look at the sensors of each module and decide.
    pub(crate) fn turn<'a>(
        &mut self,
        at: Micros,
        exposed: impl IntoIterator<Item = Exposed<'a>>,
        controller: Controller,
    ) -> Result<(), ManagementError> {
        let readings = self.sensors.read(at, exposed, controller.state, controller.lost);
        self.management.turn(at, &readings)?;
        let next = self.management.next_turn();
        if next <= at {
            return Err(ManagementError::NoTime { at, next });
        }
        self.look();
        self.check_balance()
    }

    /// Nothing of a management system makes the physics of the cells impossible.
    fn check_balance(&self) -> Result<(), ManagementError> {
        let drains = self.management.balance();
        if drains.len() != self.cells && !drains.is_empty() {
            return Err(ManagementError::Balance { found: drains.len(), cells: self.cells });
        }
        match drains.iter().position(|drain| !drain.0.is_finite()) {
            Some(cell) => Err(ManagementError::NoCurrent { cell: cell + 1, found: drains[cell] }),
            None => Ok(()),
        }
    }

    /// A frame of another node reached it.
    pub(crate) fn hear(&mut self, at: Micros, frame: &Frame) {
        if self.powered {
            self.management.hear(at, frame);
            self.look();
        }
    }

    /// The frame that is due, where it is not kept back.
    pub(crate) fn send(&mut self) -> Option<Frame> {
        let frame = self.management.send();
        self.look();
        frame
    }

    /// Switches the supply of its management.
    pub(crate) fn power(&mut self, at: Micros, on: bool) -> Result<(), ManagementError> {
        if on == self.powered {
            return Ok(());
        }
        self.management.power(at, on)?;
        self.powered = on;
        (self.turn_at, self.frame_at) = if on { (at, Micros::NEVER) } else { (Micros::NEVER, Micros::NEVER) };
        Ok(())
    }

    /// When it wants to be called next.
    fn look(&mut self) {
        (self.turn_at, self.frame_at) = (self.management.next_turn(), self.management.next_frame_at());
    }

    /// When its next turn is; never, without supply.
    pub(crate) const fn turn_at(&self) -> Micros {
        self.turn_at
    }

    /// When its next frame leaves; never, for one that sends nothing.
    pub(crate) const fn frame_at(&self) -> Micros {
        self.frame_at
    }

    /// Whether the contactor of a module is held closed.
    pub(crate) fn closes(&self, module: usize) -> bool {
        self.powered && self.management.closes(module)
    }

    /// What drains each cell now; empty where nothing does.
    pub(crate) fn balance(&self) -> &[Amps] {
        if self.powered { self.management.balance() } else { &[] }
    }

    /// Whether a fault is one of the sensors, to be given to [`Self::inject`]; any other is one of the world.
    pub(crate) fn has(kind: FaultKind) -> bool {
        Sensors::carry(kind)
    }

    /// A fault of the sensors, from now on for its span.
    pub(crate) fn inject(&mut self, at: Micros, fault: Fault) {
        self.sensors.inject(at, fault);
    }

    /// The case is over; what management would have kept.
    pub(crate) fn end(&mut self) -> Result<Option<String>, ManagementError> {
        self.management.end()
    }
}
