//! A supply that a test plays: what it says to each message, byte by byte, and how long after it.

use std::collections::VecDeque;

use proto::quantity::Micros;

use super::super::{Link, LinkError};

/// What is said to a message.
type Says = Box<dyn FnMut(&[u8]) -> Vec<(Micros, u8)> + Send>;

/// Bytes on their way, each with when it arrives, and a clock that jumps to what is waited for.
#[derive(Default)]
pub(super) struct Coming {
    pub(super) now: Micros,
    pub(super) bytes: VecDeque<(Micros, u8)>,
}

impl Coming {
    /// As [`Link::wait`].
    pub(super) fn wait(&mut self, until: Micros) {
        self.now = self.now.max(until);
    }

    /// As [`Link::read`].
    pub(super) fn read(&mut self, buffer: &mut [u8], until: Micros) -> usize {
        match self.bytes.front() {
            Some(&(ready, _)) if ready <= until.max(self.now) => self.wait(ready),
            _ => {
                self.wait(until);
                return 0;
            }
        }
        let ready = self.bytes.iter().take_while(|(ready, _)| *ready <= self.now).count().min(buffer.len());
        for (place, (_, byte)) in buffer.iter_mut().zip(self.bytes.drain(..ready)) {
            *place = byte;
        }
        ready
    }
}

pub(super) struct Scripted {
    coming: Coming,
    says: Says,
}

impl Scripted {
    pub(super) fn new(says: impl FnMut(&[u8]) -> Vec<(Micros, u8)> + Send + 'static) -> Self {
        Self { coming: Coming::default(), says: Box::new(says) }
    }
}

impl Link for Scripted {
    fn name(&self) -> &str {
        "scripted"
    }

    fn now(&self) -> Micros {
        self.coming.now
    }

    fn write(&mut self, bytes: &[u8], _: Micros) -> Result<(), LinkError> {
        let now = self.coming.now;
        self.coming.bytes.extend((self.says)(bytes).into_iter().map(|(after, byte)| (now + after, byte)));
        Ok(())
    }

    fn read(&mut self, buffer: &mut [u8], until: Micros) -> Result<usize, LinkError> {
        Ok(self.coming.read(buffer, until))
    }

    fn wait(&mut self, until: Micros) {
        self.coming.wait(until);
    }
}
