//! An SLCAN adapter of the served bus, at the end of a pseudo-terminal.

use std::collections::VecDeque;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use plant::bus::Heard;
use proto::bus::{BusState, ErrorKind as BusError};
use proto::frame::Frame;
use proto::quantity::BitRate;
use proto::slcan::{self, Carried, Flags, Request};

use super::again;
use super::pace::OnBus;
use super::pty::Pty;

/// An adapter with its host's end.
pub(crate) struct Adapter {
    pty: std::fs::File,
    _held: OwnedFd,
    adapter: slcan::Adapter,
    /// of the bus that the adapter is on
    rate: BitRate,
    /// the host has chosen another: it hears nothing but disturbance
    mistuned: bool,
    out: VecDeque<u8>,
}

/// Bytes that wait for a host that does not read; frames beyond are lost, as in a real adapter.
const WAITING: usize = 16 << 10;

impl Adapter {
    /// An adapter on a new pseudo-terminal, and the path to open.
    pub(crate) fn open(adapter: slcan::Adapter, rate: BitRate) -> io::Result<(Self, PathBuf)> {
        let Pty { master, held, path } = Pty::open()?;
        rustix::io::ioctl_fionbio(&master, true)?;
        Ok((Self { pty: master, _held: held, adapter, rate, mistuned: false, out: VecDeque::new() }, path))
    }

    /// What is readable when the host says something.
    pub(super) fn end(&self) -> BorrowedFd<'_> {
        self.pty.as_fd()
    }

    /// The state of the bus.
    pub(super) fn state(&mut self, state: BusState) {
        if state >= BusState::ErrorWarning {
            self.adapter.raise(Flags::WARNING);
        }
        if state >= BusState::ErrorPassive {
            self.adapter.raise(Flags::PASSIVE);
        }
    }

    /// Something was on the bus.
    pub(super) fn hear(&mut self, (at, heard): &OnBus) {
        match heard {
            Heard::Frame(_) if self.mistuned => self.adapter.raise(Flags::BUS_ERROR),
            Heard::Frame(_) if self.out.len() > WAITING => self.adapter.raise(Flags::RECEIVE_FULL),
            Heard::Frame(frame) => {
                let mut line = Vec::new();
                self.adapter.bus(*at, &Carried::Data(*frame), &mut line);
                self.out.extend(line);
            }
            Heard::Error(error) if error.kinds().any(|kind| kind == BusError::BusError) => {
                self.adapter.raise(Flags::BUS_ERROR);
            }
            Heard::Error(_) => {}
        }
    }

    /// What the host sent.
    pub(super) fn read(&mut self) -> io::Result<Vec<Frame>> {
        let (mut buffer, mut frames, mut answer) = ([0; 1024], Vec::new(), Vec::new());
        let many = match self.pty.read(&mut buffer) {
            Err(error) if again(&error) => 0,
            read => read?,
        };
        for &byte in &buffer[..many] {
            match self.adapter.host(byte, &mut answer) {
                Some(Request::Open { rate, .. }) => self.mistuned = rate != self.rate,
                Some(Request::Send(Carried::Data(frame))) if !self.mistuned => frames.push(frame),
                // Nobody acknowledges with another bit rate.
                Some(Request::Send(_)) if self.mistuned => self.adapter.raise(Flags::PASSIVE),
                // The end of a channel: what waited for its host is of no use to the next.
                Some(Request::Close) => self.out.clear(),
                Some(Request::Send(_)) | None => {}
            }
        }
        self.out.extend(answer);
        self.flush()?;
        Ok(frames)
    }

    /// Hands over as much as the host takes.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        while !self.out.is_empty() {
            match self.pty.write(self.out.as_slices().0) {
                Err(error) if again(&error) => return Ok(()),
                written => drop(self.out.drain(..written?)),
            }
        }
        Ok(())
    }
}
