//! A simulated supply on a pseudo-terminal or a TCP port: drivers, terminals and other people's tools can use it.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use proto::quantity::Micros;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::pty::Pty;
use super::{Served, again};
use lab::can::RunClock;
use plant::instrument::Instrument;

/// The name of its thread.
const NAME: &str = "served supply";

/// Serves an instrument over TCP, one connection after the other, as supplies do. Port 0 takes a free one.
///
/// # Errors
/// When the address is taken.
pub fn on_tcp(instrument: Arc<Mutex<Instrument>>, address: SocketAddr) -> io::Result<Served<SocketAddr>> {
    on_tcp_by(instrument, address, RunClock::start())
}

/// The same with a clock that the instrument goes by.
pub(super) fn on_tcp_by(
    instrument: Arc<Mutex<Instrument>>,
    address: SocketAddr,
    clock: RunClock,
) -> io::Result<Served<SocketAddr>> {
    let listener = TcpListener::bind(address)?;
    let address = listener.local_addr()?;
    Served::start(address, NAME, move |stopped| {
        let server = Server { instrument, stopped, clock };
        loop {
            match server.wait_for(listener.as_fd(), Some(server.now() + TICK)) {
                Ready::Stop => return,
                // Its watchdog runs on without a client.
                Ready::Time => drop(server.instrument().answers(server.now())),
                // A client that gave up before it was accepted is nobody's fault.
                Ready::Wire => {
                    if let Ok((stream, _)) = listener.accept() {
                        let _ = stream.set_nodelay(true);
                        server.serve(&stream, stream.as_fd());
                    }
                }
            }
        }
    })
}

/// Serves an instrument on a new pseudo-terminal.
///
/// # Errors
/// When the system has none left.
pub fn on_pty(instrument: Arc<Mutex<Instrument>>) -> io::Result<Served<PathBuf>> {
    on_pty_by(instrument, RunClock::start())
}

/// The same with a clock that the instrument goes by.
pub(super) fn on_pty_by(instrument: Arc<Mutex<Instrument>>, clock: RunClock) -> io::Result<Served<PathBuf>> {
    let Pty { master, held, path } = Pty::open()?;
    Served::start(path, NAME, move |stopped| {
        let server = Server { instrument, stopped, clock };
        server.serve(&master, master.as_fd());
        drop(held);
    })
}

/// How often its own time goes on when nobody speaks to it.
const TICK: Micros = Micros::from_millis(100);
/// Bytes that wait for a client that does not read; answers beyond are lost (deadlocked, SCPI error -430).
const MOST_UNREAD: usize = 4096;

#[derive(Debug, PartialEq)]
enum Ready {
    Wire,
    Time,
    Stop,
}

#[derive(Debug)]
struct Server {
    instrument: Arc<Mutex<Instrument>>,
    stopped: UnixStream,
    clock: RunClock,
}

impl Server {
    fn now(&self) -> Micros {
        self.clock.now()
    }

    fn instrument(&self) -> MutexGuard<'_, Instrument> {
        self.instrument.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until something comes, a time has come, or all ends.
    fn wait_for(&self, wire: BorrowedFd<'_>, until: Option<Micros>) -> Ready {
        loop {
            let left = until.map(|at| at.since(self.now()).0);
            let timeout = left.map(|us| Timespec {
                tv_sec: i64::try_from(us / 1_000_000).unwrap_or(i64::MAX),
                tv_nsec: (us % 1_000_000 * 1000) as _,
            });
            let mut fds = [PollFd::new(&self.stopped, PollFlags::IN), PollFd::new(&wire, PollFlags::IN)];
            match poll(&mut fds, timeout.as_ref()) {
                Ok(0) => return Ready::Time,
                Ok(_) if !fds[0].revents().is_empty() => return Ready::Stop,
                Ok(_) => return Ready::Wire,
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return Ready::Stop,
            }
        }
    }

    /// Serves one client until it leaves. One that does not read is heard all the same: it may say output off.
    fn serve<W>(&self, wire: &W, fd: BorrowedFd<'_>)
    where
        for<'w> &'w W: Read + Write,
    {
        if rustix::io::ioctl_fionbio(fd, true).is_err() {
            return;
        }
        let mut wire = wire;
        let (mut buffer, mut unread) = ([0; 512], Vec::new());
        loop {
            let ready = self.instrument().ready_at().unwrap_or_else(|| self.now() + TICK);
            match self.wait_for(fd, Some(ready)) {
                Ready::Stop => return,
                Ready::Wire => match wire.read(&mut buffer) {
                    Ok(0) => return,
                    Ok(many) => self.instrument().receive(self.now(), &buffer[..many]),
                    Err(error) if again(&error) => {}
                    Err(_) => return,
                },
                Ready::Time => {}
            }
            let answers = self.instrument().answers(self.now());
            if unread.len() + answers.len() <= MOST_UNREAD {
                unread.extend(answers);
            }
            while !unread.is_empty() {
                match wire.write(&unread) {
                    Ok(sent) => drop(unread.drain(..sent)),
                    Err(error) if again(&error) => break,
                    Err(_) => return,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
