//! Everything that passes between engine and bench goes into the run folder, and the steps to the progress bar.

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
}

impl Witness for Evidence<'_> {
    fn input(&mut self, at: Micros, input: &Input) {
        match input {
            Input::Can(frame) => self.folder.can(at, frame),
            Input::CanError(error) => self.folder.can_error(at, error),
            Input::Bus(reading) => self.folder.bus(at, reading),
            Input::Psu(reading) => self.folder.psu(at, reading),
            Input::Gx(reading) => self.folder.gx(at, reading),
            // The engine notes these as events.
            Input::Operator(_) | Input::Fault(_) | Input::Tick => {}
        }
    }

    fn event(&mut self, event: &Event) {
        self.folder.event(event);
        if let EventKind::Step { text, .. } = &event.kind {
            self.progress.step(self.case, event.at, text);
        }
    }
}
