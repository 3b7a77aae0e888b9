//! The CAN bus of the world on a wire: an adapter on a pseudo-terminal, or an interface of the kernel. Its thread is the
//! heart of a served rig: the world goes on at least once in a [`TICK`].

use std::collections::VecDeque;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use plant::bus::Heard;
use proto::bus::{BusState, ErrorKind as BusError};
use proto::frame::Frame;
use proto::quantity::{BitRate, Micros};
use proto::slcan::{Adapter, Carried, Flags, Request};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::again;
use super::pace::Shared;
use super::pty::Pty;
use lab::can::{CanPort, Kind, RunClock};

/// How often the world goes on: a frame is late by this at most.
pub(crate) const TICK: Micros = Micros::from_millis(1);

/// Where frames go and come from.
pub(crate) enum Wire {
    /// an interface of the kernel, or any other port
    Port(Box<dyn CanPort>),
    /// an adapter on a pseudo-terminal
    Terminal(Terminal),
}

/// Carries frames between world and wire until it is told to stop. What a real node sends is heard by battery and GX.
///
/// Returns why it ended early: the port was lost, or the battery's management cannot go on.
pub(crate) fn serve(
    wire: &mut Wire,
    shared: &Shared,
    clock: RunClock,
    stop: &AtomicBool,
) -> Result<(), String> {
    while !stop.load(Ordering::Relaxed) {
        let (heard, state) = {
            let mut world = shared.now();
            if let Some(error) = world.failed() {
                return Err(format!("the management of the battery: {error}"));
            }
            (world.take_heard(), world.world().bus())
        };
        let received = match wire {
            Wire::Port(port) => exchange(port.as_mut(), &heard, clock).map_err(|error| error.to_string())?,
            Wire::Terminal(terminal) => terminal
                .exchange(&heard, state)
                .map_err(|error| format!("the pseudo-terminal of CAN: {error}"))?,
        };
        if !received.is_empty() {
            let mut world = shared.now();
            received.into_iter().for_each(|frame| world.hear(frame));
        }
    }
    Ok(())
}

/// Error frames of the world stay there: a real controller tells its own.
fn exchange(
    port: &mut dyn CanPort,
    heard: &[(Micros, Heard)],
    clock: RunClock,
) -> Result<Vec<Frame>, lab::can::CanError> {
    for (_, heard) in heard {
        if let Heard::Frame(frame) = heard {
            port.send(frame)?;
        }
    }
    let (mut frames, until) = (Vec::new(), clock.now() + TICK);
    while let Some(received) = port.next(until)? {
        if let Kind::Data(frame) = received.kind {
            frames.push(frame);
        }
    }
    Ok(frames)
}

/// An SLCAN adapter at the end of a pseudo-terminal.
pub(crate) struct Terminal {
    pty: std::fs::File,
    _held: OwnedFd,
    adapter: Adapter,
    /// of the bus that the adapter is on
    rate: BitRate,
    /// the host has chosen another: it hears nothing but disturbance
    mistuned: bool,
    out: VecDeque<u8>,
}

/// Bytes that wait for a host that does not read; frames beyond are lost, as in a real adapter.
const WAITING: usize = 16 << 10;

impl Terminal {
    /// An adapter on a new pseudo-terminal, and the path to open.
    pub(crate) fn open(rate: BitRate) -> io::Result<(Self, PathBuf)> {
        let Pty { master, held, path } = Pty::open()?;
        rustix::io::ioctl_fionbio(&master, true)?;
        let adapter = Adapter::default();
        let out = VecDeque::new();
        Ok((Self { pty: master, _held: held, adapter, rate, mistuned: false, out }, path))
    }

    /// Hands over what was heard, and waits for a tick; what the host sent.
    fn exchange(&mut self, heard: &[(Micros, Heard)], state: BusState) -> io::Result<Vec<Frame>> {
        if state >= BusState::ErrorWarning {
            self.adapter.raise(Flags::WARNING);
        }
        if state >= BusState::ErrorPassive {
            self.adapter.raise(Flags::PASSIVE);
        }
        for (at, heard) in heard {
            match heard {
                Heard::Frame(_) if self.mistuned => self.adapter.raise(Flags::BUS_ERROR),
                Heard::Frame(frame) => self.offer(*at, &Carried::Data(*frame)),
                Heard::Error(error) if error.kinds().any(|kind| kind == BusError::BusError) => {
                    self.adapter.raise(Flags::BUS_ERROR);
                }
                Heard::Error(_) => {}
            }
        }
        self.flush()?;
        let mut fds = [PollFd::new(&self.pty, PollFlags::IN)];
        let tick = Timespec { tv_sec: 0, tv_nsec: (TICK.0 * 1000) as _ };
        match poll(&mut fds, Some(&tick)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => return Ok(Vec::new()),
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        let frames = self.read()?;
        self.flush()?;
        Ok(frames)
    }

    fn offer(&mut self, at: Micros, carried: &Carried) {
        if self.out.len() > WAITING {
            return self.adapter.raise(Flags::RECEIVE_FULL);
        }
        let mut line = Vec::new();
        self.adapter.bus(at, carried, &mut line);
        self.out.extend(line);
    }

    fn read(&mut self) -> io::Result<Vec<Frame>> {
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
        Ok(frames)
    }

    fn flush(&mut self) -> io::Result<()> {
        while !self.out.is_empty() {
            match self.pty.write(self.out.as_slices().0) {
                Err(error) if again(&error) => return Ok(()),
                written => drop(self.out.drain(..written?)),
            }
        }
        Ok(())
    }
}

/// A thread that serves a wire; ended when this is dropped.
pub(crate) struct Serving {
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<Result<(), String>>>,
}

impl Serving {
    pub(crate) fn start(mut wire: Wire, shared: Shared, clock: RunClock) -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::Builder::new()
            .name("served bus".to_owned())
            .spawn(move || serve(&mut wire, &shared, clock, &stopped))?;
        Ok(Self { stop, thread: Some(thread) })
    }

    /// Why it ended by itself, if it did.
    pub(crate) fn lost(&mut self) -> Option<String> {
        let ended = self.thread.take_if(|thread| thread.is_finished())?.join();
        Some(ended.map_or_else(|_| "the bus panicked".to_owned(), |end| end.err().unwrap_or_default()))
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Its panic was shown where it happened.
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
