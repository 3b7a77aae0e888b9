//! The GX for callers that wait: a thread that polls and takes commands between two polls.

use std::io;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use proto::gx::{REGISTERS, Register};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::driver::{Coil, Command, Driver};
use super::{GxError, GxSettings, Timed};
use crate::can::RunClock;

/// A GX that is polled until this is dropped.
#[derive(Debug)]
pub struct GxPort {
    /// closed to end the thread
    commands: Option<UnboundedSender<Command>>,
    thread: Option<JoinHandle<()>>,
}

impl GxPort {
    /// Begins to poll. A GX that is not there yet is an event and no error: it may come.
    ///
    /// # Errors
    /// When the system has no thread or no socket left.
    pub fn open<E>(settings: &GxSettings, clock: RunClock, events: SyncSender<E>) -> io::Result<Self>
    where
        E: From<Timed> + Send + 'static,
    {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (commands, taken) = unbounded_channel();
        let driver = Driver::new(settings.clone(), clock, events);
        let thread = std::thread::Builder::new().name("GX".to_owned()).spawn(move || {
            runtime.block_on(driver.run(taken));
            // A name server that does not answer keeps nobody waiting.
            runtime.shutdown_background();
        })?;
        Ok(Self { commands: Some(commands), thread: Some(thread) })
    }

    /// Writes a value, and gives what the GX holds after that: it acknowledges also what it refuses. A value that is not
    /// the one written is read again and again for three seconds, while polls go on.
    /// Relays are registers too, 806 and 807 ([`proto::gx::system`]).
    ///
    /// # Errors
    /// When the register cannot hold the value, the GX says no, or it is not there; [`GxError::Uncertain`] where it was
    /// lost between.
    pub fn write(&self, register: Register, value: f64) -> Result<f64, GxError> {
        let setting = register.setting(value)?;
        let cells = setting[..usize::from(register.kind.cells())].to_vec();
        let held = self.write_cells(register, cells, true)?;
        register.read(register.address, &held).ok_or(GxError::UnknownRegister(register.address))
    }

    /// What a register holds, as it is.
    ///
    /// # Errors
    /// When the rig has no such product, the GX says no, or it is not there.
    pub fn held(&self, register: Register) -> Result<Vec<u16>, GxError> {
        self.command(|reply| Command::Read { register, reply })
    }

    /// Writes what a register held before, and gives what it holds after that. It is not told again, though it may fade.
    ///
    /// # Errors
    /// As [`GxPort::write`].
    pub fn put_back(&self, register: Register, cells: Vec<u16>) -> Result<Vec<u16>, GxError> {
        self.write_cells(register, cells, false)
    }

    /// Writes a raw value to a register of one cell, as suites do, and gives what the GX holds after that.
    ///
    /// # Errors
    /// As [`GxPort::write`].
    pub fn write_raw(&self, address: u16, value: u16) -> Result<u16, GxError> {
        let register = writable(address)?;
        self.write_cells(register, vec![value], true)?
            .first()
            .copied()
            .ok_or(GxError::UnknownRegister(address))
    }

    /// Switches a coil of another device over a connection of its own, and gives what it is after that.
    ///
    /// # Errors
    /// When the device is not there or says no.
    pub fn switch(&self, coil: &Coil, on: bool) -> Result<bool, GxError> {
        self.command(|reply| Command::Switch { coil: coil.clone(), on, reply })
    }

    fn write_cells(&self, register: Register, cells: Vec<u16>, lasts: bool) -> Result<Vec<u16>, GxError> {
        self.command(|reply| Command::Write { register, cells, lasts, reply })
    }

    /// Waits for the answer, which comes: every step of the driver ends in time.
    fn command<T>(
        &self,
        command: impl FnOnce(SyncSender<Result<T, GxError>>) -> Command,
    ) -> Result<T, GxError> {
        let (reply, answer) = sync_channel(1);
        let commands = self.commands.as_ref().ok_or(GxError::Ended)?;
        commands.send(command(reply)).map_err(|_| GxError::Ended)?;
        answer.recv().map_err(|_| GxError::Ended)?
    }
}

/// The register of one cell at this address that a suite may write to.
///
/// # Errors
/// When there is none.
pub(crate) fn writable(address: u16) -> Result<Register, GxError> {
    let known = REGISTERS.iter().find(|r| r.address == address && r.writable && r.kind.cells() == 1);
    known.copied().ok_or(GxError::UnknownRegister(address))
}

impl Drop for GxPort {
    fn drop(&mut self) {
        drop(self.commands.take());
        // It has nothing left to say; a panic in it was shown where it happened.
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
