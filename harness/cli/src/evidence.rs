//! Everything that passes between engine and bench goes into the run folder, and the steps to the progress bar.

use std::sync::atomic::{AtomicBool, Ordering};

use engine::bench::{Input, Witness};
use judge::trace::{Event, EventKind};
use proto::quantity::Micros;
use report::folder::RunFolder;

use crate::progress::Progress;

/// Writes down what comes in, before anything is concluded from it.
pub(crate) struct Evidence<'a> {
    pub(crate) folder: &'a mut RunFolder,
    pub(crate) progress: &'a Progress,
    pub(crate) case: &'a str,
    /// ends the case on a real rig: without evidence it would prove nothing, and only wear the battery
    pub(crate) stop: Option<&'a AtomicBool>,
}

impl Evidence<'_> {
    fn look(&self) {
        if let (Some(stop), Err(_)) = (self.stop, self.folder.health()) {
            // What is wrong is told when the case is closed.
            stop.store(true, Ordering::Relaxed);
        }
    }
}

impl Witness for Evidence<'_> {
    fn input(&mut self, at: Micros, input: &Input) {
        match input {
            Input::Can(frame) => self.folder.can(at, frame),
            Input::CanError(error) => self.folder.can_error(at, error),
            Input::Bus(reading) => self.folder.bus(at, reading),
            Input::Psu(reading) => self.folder.psu(at, reading),
            Input::Gx(reading) => {
                self.folder.gx(at, reading);
                // Once a poll, for a real rig: in the box nothing wears while nobody writes it down.
                if self.stop.is_some() {
                    self.folder.flush();
                }
                self.look();
            }
            // The engine notes these as events.
            Input::Operator(_) | Input::Fault(_) | Input::Tick => {}
        }
        if self.stop.is_some() {
            // Nobody can run a real rig again as it was: not a frame is lost to whatever kills this process.
            self.folder.hand_over();
        }
    }

    fn event(&mut self, event: &Event) {
        self.folder.event(event);
        self.look();
        if let EventKind::Step { text, .. } = &event.kind {
            self.progress.step(self.case, event.at, text);
        }
    }
}
