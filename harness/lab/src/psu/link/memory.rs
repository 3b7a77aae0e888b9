//! An instrument in the same process, with a clock that jumps.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use proto::quantity::Micros;

use super::{Link, LinkError};
use plant::instrument::Instrument;

/// A link to an instrument in memory. Waiting moves its clock and takes no time.
#[derive(Debug)]
pub(crate) struct InMemory {
    instrument: Arc<Mutex<Instrument>>,
    now: Micros,
    received: Vec<u8>,
}

impl InMemory {
    /// A link whose clock stands at zero.
    #[must_use]
    pub(crate) const fn new(instrument: Arc<Mutex<Instrument>>) -> Self {
        Self { instrument, now: Micros::ZERO, received: Vec::new() }
    }

    fn instrument(&self) -> MutexGuard<'_, Instrument> {
        // What a panicking test left is still a state of an instrument.
        self.instrument.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Link for InMemory {
    fn name(&self) -> &str {
        "memory"
    }

    fn now(&self) -> Micros {
        self.now
    }

    fn write(&mut self, bytes: &[u8], _until: Micros) -> Result<(), LinkError> {
        self.instrument().receive(self.now, bytes);
        Ok(())
    }

    fn read(&mut self, buffer: &mut [u8], until: Micros) -> Result<usize, LinkError> {
        if self.received.is_empty() {
            let ready = self.instrument().ready_at();
            match ready {
                Some(at) if at <= until.max(self.now) => self.now = self.now.max(at),
                _ => {
                    self.now = self.now.max(until);
                    return Ok(0);
                }
            }
            let answers = self.instrument().answers(self.now);
            self.received = answers;
        }
        let many = buffer.len().min(self.received.len());
        buffer[..many].copy_from_slice(&self.received[..many]);
        self.received.drain(..many);
        Ok(many)
    }

    fn wait(&mut self, until: Micros) {
        self.now = self.now.max(until);
    }
}
