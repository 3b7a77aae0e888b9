//! The way to the supply through the guard.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use proto::quantity::Micros;

use super::shared::{Shared, State};
use super::words::Ask;
use crate::psu::{Link, LinkError};
use files::live::{PsuPlace, PsuPort};

/// A port that the guard holds.
pub(super) struct Guarded {
    shared: Arc<Shared>,
    name: String,
    serial: bool,
    generation: u64,
    start: Instant,
}

/// Longest message: half a line of hexadecimal, with room for its word.
const PIECE: usize = 4096;

impl Guarded {
    pub(super) fn new(shared: Arc<Shared>, place: &PsuPlace, generation: u64) -> Self {
        let (name, serial) = match &place.port {
            PsuPort::Serial { serial, .. } => (serial.clone(), true),
            PsuPort::Tcp { tcp } => (tcp.to_string(), false),
        };
        Self { shared, name, serial, generation, start: Instant::now() }
    }

    /// Why nothing gets through.
    fn lost(&self, state: &State) -> Option<LinkError> {
        let why = state
            .loss()
            .or_else(|| state.gone.clone())
            .or_else(|| (state.generation != self.generation).then(|| "it was opened anew".to_owned()))?;
        Some(LinkError::Gone { link: self.name.clone(), source: io::Error::other(why) })
    }
}

impl Link for Guarded {
    fn name(&self) -> &str {
        &self.name
    }

    fn is_serial(&self) -> bool {
        self.serial
    }

    fn now(&self) -> Micros {
        Micros(u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    fn write(&mut self, bytes: &[u8], _: Micros) -> Result<(), LinkError> {
        if let Some(lost) = self.lost(&self.shared.state()) {
            return Err(lost);
        }
        let said = Writer(self.shared.clone()).write_all(bytes);
        said.map_err(|source| LinkError::Gone { link: self.name.clone(), source })
    }

    fn read(&mut self, buffer: &mut [u8], until: Micros) -> Result<usize, LinkError> {
        let within = Duration::from_micros(until.since(self.now()).0);
        let mut state =
            self.shared.wait(within, |state| !state.input.is_empty() || self.lost(state).is_some());
        if let Some(lost) = self.lost(&state) {
            return Err(lost);
        }
        let many = state.input.len().min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(state.input.drain(..many)) {
            *to = from;
        }
        Ok(many)
    }

    fn wait(&mut self, until: Micros) {
        std::thread::sleep(Duration::from_micros(until.since(self.now()).0));
    }

    fn second_writer(&self) -> Option<Box<dyn Write + Send>> {
        Some(Box::new(Writer(self.shared.clone())))
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        if self.shared.state().generation == self.generation {
            // Where it cannot be said, the guard switches off anyway.
            let _ = self.shared.say(&Ask::Close);
        }
    }
}

/// Sends to the supply; needs nothing of the link.
struct Writer(Arc<Shared>);

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let piece = &bytes[..bytes.len().min(PIECE)];
        self.0.say(&Ask::Write(piece.to_vec()))?;
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
