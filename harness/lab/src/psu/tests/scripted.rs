//! A supply that a test plays: what it says to each message, byte by byte, and how long after it.

use std::collections::VecDeque;

use proto::quantity::Micros;

use super::super::{Link, LinkError};

/// What is said to a message.
type Says = Box<dyn FnMut(&[u8]) -> Vec<(Micros, u8)> + Send>;

pub(super) struct Scripted {
    now: Micros,
    coming: VecDeque<(Micros, u8)>,
    says: Says,
}

impl Scripted {
    pub(super) fn new(says: impl FnMut(&[u8]) -> Vec<(Micros, u8)> + Send + 'static) -> Self {
        Self { now: Micros::ZERO, coming: VecDeque::new(), says: Box::new(says) }
    }
}

impl Link for Scripted {
    fn name(&self) -> &str {
        "scripted"
    }

    fn now(&self) -> Micros {
        self.now
    }

    fn write(&mut self, bytes: &[u8], _: Micros) -> Result<(), LinkError> {
        let said = (self.says)(bytes).into_iter().map(|(after, byte)| (self.now + after, byte));
        self.coming.extend(said);
        Ok(())
    }

    fn read(&mut self, buffer: &mut [u8], until: Micros) -> Result<usize, LinkError> {
        match self.coming.front() {
            Some(&(ready, _)) if ready <= until.max(self.now) => self.now = self.now.max(ready),
            _ => {
                self.now = self.now.max(until);
                return Ok(0);
            }
        }
        let ready = self.coming.iter().take_while(|(ready, _)| *ready <= self.now).count().min(buffer.len());
        for (place, (_, byte)) in buffer.iter_mut().zip(self.coming.drain(..ready)) {
            *place = byte;
        }
        Ok(ready)
    }

    fn wait(&mut self, until: Micros) {
        self.now = self.now.max(until);
    }
}
