//! A GX on Modbus-TCP, for drivers and for other people's tools: whatever has [`Registers`] answers several clients at
//! once.
//!
//! ```
//! use std::net::Ipv4Addr;
//! use proto::gx::Exception;
//! use sim::served::gx::{Registers, on_tcp};
//!
//! struct Constant;
//! impl Registers for Constant {
//!     fn read(&mut self, _unit: u8, _function: u8, _first: u16, count: u16) -> Option<Result<Vec<u16>, Exception>> {
//!         Some(Ok(vec![42; usize::from(count)]))
//!     }
//!     fn write(&mut self, _unit: u8, _function: u8, _first: u16, _cells: &[u16]) -> Option<Result<(), Exception>> {
//!         Some(Err(Exception::Address))
//!     }
//! }
//! let served = on_tcp(Constant, (Ipv4Addr::LOCALHOST, 0).into())?; // port 0 takes a free one
//! println!("mbpoll -1 -p {} 127.0.0.1", served.address().port());
//! # Ok::<(), std::io::Error>(())
//! ```

mod adu;

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};

use plant::world::World;
use proto::gx::Exception;
use rustix::event::{PollFd, PollFlags, poll};

use super::Served;

/// What answers for a GX. Nothing as an answer is silence, as of a GX that reboots.
pub trait Registers: Send {
    /// Functions 3 and 4: so many cells from an address on.
    fn read(
        &mut self,
        unit: u8,
        function: u8,
        address: u16,
        count: u16,
    ) -> Option<Result<Vec<u16>, Exception>>;

    /// Functions 6 and 16: values for cells from an address on.
    fn write(
        &mut self,
        unit: u8,
        function: u8,
        address: u16,
        values: &[u16],
    ) -> Option<Result<(), Exception>>;
}

impl Registers for World {
    fn read(
        &mut self,
        unit: u8,
        function: u8,
        address: u16,
        count: u16,
    ) -> Option<Result<Vec<u16>, Exception>> {
        self.modbus_read(unit, function, address, count)
    }

    fn write(
        &mut self,
        unit: u8,
        function: u8,
        address: u16,
        values: &[u16],
    ) -> Option<Result<(), Exception>> {
        self.modbus_write(unit, function, address, values)
    }
}

impl<R: Registers> Registers for Arc<Mutex<R>> {
    fn read(
        &mut self,
        unit: u8,
        function: u8,
        address: u16,
        count: u16,
    ) -> Option<Result<Vec<u16>, Exception>> {
        self.lock().unwrap_or_else(PoisonError::into_inner).read(unit, function, address, count)
    }

    fn write(
        &mut self,
        unit: u8,
        function: u8,
        address: u16,
        values: &[u16],
    ) -> Option<Result<(), Exception>> {
        self.lock().unwrap_or_else(PoisonError::into_inner).write(unit, function, address, values)
    }
}

/// Clients beyond this displace the one that said nothing for the longest time. Assumption: more than any bench has.
const MOST_CLIENTS: usize = 64;

/// Serves over Modbus-TCP, several clients at once, in the order in which their requests come. Port 0 takes a free one.
///
/// # Errors
/// When the address is taken.
pub fn on_tcp(
    mut registers: impl Registers + 'static,
    address: SocketAddr,
) -> io::Result<Served<SocketAddr>> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Served::start(address, "served GX", move |stopped| serve(&listener, &stopped, &mut registers))
}

fn serve(listener: &TcpListener, stopped: &UnixStream, registers: &mut impl Registers) {
    let mut clients: Vec<Client> = Vec::new();
    let mut round: u64 = 0;
    loop {
        round += 1;
        let own = [PollFd::new(stopped, PollFlags::IN), PollFd::new(listener, PollFlags::IN)];
        let of_clients = clients.iter().map(|client| PollFd::new(&client.stream, client.awaits()));
        let mut fds: Vec<_> = own.into_iter().chain(of_clients).collect();
        match poll(&mut fds, None) {
            Err(rustix::io::Errno::INTR) => continue,
            Err(_) => return,
            Ok(_) => {}
        }
        let ready: Vec<bool> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
        if ready[0] {
            return;
        }
        let mut of_client = ready[2..].iter();
        clients.retain_mut(|client| {
            of_client.next() != Some(&true) || {
                client.spoke = round;
                client.serve(registers).is_ok()
            }
        });
        // A client that gave up before it was accepted is nobody's fault.
        if ready[1]
            && let Ok((stream, _)) = listener.accept()
            && let Ok(client) = Client::new(stream, round)
        {
            if clients.len() == MOST_CLIENTS
                && let Some(silent) = (0..clients.len()).min_by_key(|&index| clients[index].spoke)
            {
                clients.swap_remove(silent);
            }
            clients.push(client);
        }
    }
}

/// One connection.
#[derive(Debug)]
struct Client {
    stream: TcpStream,
    received: Vec<u8>,
    /// what it has not taken yet; nothing more is read from it before it has
    answers: Vec<u8>,
    /// the round in which it said something last
    spoke: u64,
}

impl Client {
    fn new(stream: TcpStream, round: u64) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, received: Vec::new(), answers: Vec::new(), spoke: round })
    }

    fn awaits(&self) -> PollFlags {
        if self.answers.is_empty() { PollFlags::IN } else { PollFlags::OUT }
    }

    /// Does what can be done without waiting; an error ends the connection.
    fn serve(&mut self, registers: &mut impl Registers) -> io::Result<()> {
        if self.answers.is_empty() {
            let mut buffer = [0; 512];
            match self.stream.read(&mut buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(many) => self.received.extend_from_slice(&buffer[..many]),
                Err(error) => return later(error),
            }
            let mut done = 0;
            while let Some(request) = adu::split(&self.received[done..])? {
                done += request.length();
                self.answers.extend(request.answer(registers).into_iter().flatten());
            }
            self.received.drain(..done);
        }
        while !self.answers.is_empty() {
            match self.stream.write(&self.answers) {
                Ok(sent) => drop(self.answers.drain(..sent)),
                Err(error) => return later(error),
            }
        }
        Ok(())
    }
}

/// What only means that it is too early is no error.
fn later(error: io::Error) -> io::Result<()> {
    let early = matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted);
    if early { Ok(()) } else { Err(error) }
}

#[cfg(test)]
mod tests;
