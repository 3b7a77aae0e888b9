//! The way around everything else for the one command that must not wait.
//!
//! A driver in the middle of a question waits for its answer, up to seconds. [`Brake::pull`] sends the command for
//! output off past it, at once and from whatever thread, and makes it give up what it is doing. Nothing is confirmed by
//! this: the driver then shuts down in the ordinary way.

use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use proto::quantity::Micros;

use super::{Link, LinkError};

/// How long the driver may go on waiting after the brake was pulled.
const STEP: Micros = Micros::from_millis(2);

/// Stops a driver.
#[derive(Clone, Default)]
pub(crate) struct Brake(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    pulled: bool,
    writer: Option<Box<dyn Write + Send>>,
    off: Vec<u8>,
}

impl Brake {
    /// A brake for what goes over `link` from now on.
    pub(crate) fn on(&self, link: Box<dyn Link>) -> Box<dyn Link> {
        self.state().writer = link.second_writer();
        Box::new(Braked { inner: link, brake: self.clone() })
    }

    /// Says what is sent when it is pulled.
    pub(crate) fn sends(&self, off: Vec<u8>) {
        self.state().off = off;
    }

    /// Sends output off, and makes the driver give up. The lock is held while a command is on its way to the system, so
    /// that none that switches on can follow.
    pub(crate) fn pull(&self) {
        let State { pulled, writer, off } = &mut *self.state();
        *pulled = true;
        if let Some(writer) = writer {
            // The orderly way follows and tells what is wrong.
            let _ = writer.write_all(off);
        }
    }

    /// Lets the driver work again.
    pub(crate) fn release(&self) {
        self.state().pulled = false;
    }

    pub(crate) fn is_pulled(&self) -> bool {
        self.state().pulled
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Braked {
    inner: Box<dyn Link>,
    brake: Brake,
}

impl Braked {
    fn given_up(&self) -> LinkError {
        LinkError::GivenUp { link: self.inner.name().to_owned() }
    }
}

impl Link for Braked {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn is_serial(&self) -> bool {
        self.inner.is_serial()
    }

    fn now(&self) -> Micros {
        self.inner.now()
    }

    fn write(&mut self, bytes: &[u8], until: Micros) -> Result<(), LinkError> {
        let state = self.brake.state();
        if state.pulled {
            drop(state);
            return Err(self.given_up());
        }
        self.inner.write(bytes, until)
    }

    fn read(&mut self, buffer: &mut [u8], until: Micros) -> Result<usize, LinkError> {
        loop {
            if self.brake.is_pulled() {
                return Err(self.given_up());
            }
            let step = until.min(self.inner.now() + STEP);
            let many = self.inner.read(buffer, step)?;
            if many > 0 || step == until {
                return Ok(many);
            }
        }
    }

    fn wait(&mut self, until: Micros) {
        while self.inner.now() < until && !self.brake.is_pulled() {
            self.inner.wait(until.min(self.inner.now() + STEP));
        }
    }
}
