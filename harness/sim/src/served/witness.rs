//! The meters beside the battery, each on a pseudo-terminal: what a VE.Direct cable is to a host.

use std::collections::VecDeque;
use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use proto::channel::Instrument;
use proto::slcan::{self, Adapter, Request};
use proto::spoken::Protocol;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::pace::Shared;
use super::pty::Pty;
use super::{Served, again};

/// How often its line goes on.
const STEP: Duration = Duration::from_millis(10);
/// Bits on the line for a byte: start, eight, stop.
const BITS: u32 = 10;
/// Bytes that a meter holds back: what its line could not carry is never said.
const HELD: usize = 4096;

/// The serial line of an adapter.
const ADAPTER: u32 = 115_200;

/// An adapter on the bus of a meter.
#[derive(Default)]
struct Hears {
    adapter: Adapter,
    is_open: bool,
}

impl Hears {
    /// Bytes of the host: what answers them goes to the host, frames that it sends pass to the bus.
    fn host(&mut self, bytes: &[u8], out: &mut VecDeque<u8>, passes: &mut Vec<u8>) {
        for &byte in bytes {
            let mut answer = Vec::new();
            match self.adapter.host(byte, &mut answer) {
                Some(Request::Open { .. }) => self.is_open = true,
                Some(Request::Close) => self.is_open = false,
                Some(Request::Send(carried)) => slcan::write(passes, &carried, None),
                None => {}
            }
            out.extend(answer);
        }
    }
}

/// Serves a meter at the speed of its line, so many times faster than the clock on the wall. What is on a bus is served as the
/// SLCAN adapter that hears it, at the speed of its serial line.
///
/// # Errors
/// When the system has no pseudo-terminal left.
pub(super) fn on_pty(
    which: Instrument,
    protocol: Protocol,
    shared: Shared,
    speed: u32,
) -> io::Result<Served<PathBuf>> {
    let Pty { mut master, held, path } = Pty::open()?;
    rustix::io::ioctl_fionbio(&master, true)?;
    shared.now().serves_witness(which);
    Served::start(path, which.words(), move |stopped| {
        let baud = protocol.row().baud.unwrap_or(ADAPTER);
        let rate = f64::from(baud / BITS) * f64::from(speed);
        let mut adapter = protocol.is_bus().then(Hears::default);
        let (mut out, mut carried, mut last) = (VecDeque::new(), 0.0, Instant::now());
        let timeout = Timespec { tv_sec: 0, tv_nsec: STEP.as_nanos() as _ };
        while let Ok(0) | Err(rustix::io::Errno::INTR) =
            poll(&mut [PollFd::new(&stopped, PollFlags::IN)], Some(&timeout))
        {
            let mut asked = [0; 256];
            match master.read(&mut asked) {
                Ok(many) => {
                    let mut passes = Vec::new();
                    match &mut adapter {
                        Some(adapter) => adapter.host(&asked[..many], &mut out, &mut passes),
                        None => passes.extend(&asked[..many]),
                    }
                    shared.now().world().ask_witness(which, &passes);
                }
                Err(error) if again(&error) => {}
                Err(_) => break,
            }
            let said = shared.now().take_said(which);
            if adapter.as_ref().is_none_or(|adapter| adapter.is_open) {
                out.extend(said);
            }
            let surplus = out.len().saturating_sub(HELD * speed as usize);
            out.drain(..surplus);
            // What the line carries in this time, and no more.
            let now = Instant::now();
            carried = (carried + rate * now.duration_since(last).as_secs_f64()).min(rate);
            last = now;
            let due = out.len().min(carried as usize);
            carried = if out.is_empty() { 0.0 } else { carried - due as f64 };
            let now: Vec<u8> = out.drain(..due).collect();
            match master.write(&now) {
                // A host that does not read misses what it does not read.
                Ok(_) => {}
                Err(error) if again(&error) => {}
                Err(_) => break,
            }
        }
        drop(held);
    })
}
