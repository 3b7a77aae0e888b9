//! Raw text over TCP, as supplies offer it on a port of their own.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use proto::quantity::Micros;

use super::{Clock, Link, LinkError};

/// A TCP connection.
#[derive(Debug)]
pub struct Tcp {
    address: String,
    stream: TcpStream,
    clock: Clock,
}

impl Tcp {
    /// Connects.
    ///
    /// # Errors
    /// When nobody answers in time.
    pub fn open(address: SocketAddr, within: Micros) -> Result<Self, LinkError> {
        let closed = |source| LinkError::Closed { link: address.to_string(), source };
        let stream = TcpStream::connect_timeout(&address, Duration::from_micros(within.0)).map_err(closed)?;
        // One short message at a time: waiting to fill a packet only delays it.
        stream.set_nodelay(true).map_err(closed)?;
        Ok(Self { address: address.to_string(), stream, clock: Clock::start() })
    }

    fn gone(&self, source: std::io::Error) -> LinkError {
        LinkError::Gone { link: self.address.clone(), source }
    }

    /// What is left, at least so much that the system takes it for a time-out.
    fn left(&self, until: Micros) -> Option<Duration> {
        let left = self.clock.left(until);
        (!left.is_zero()).then_some(left.max(Duration::from_micros(1)))
    }
}

impl Link for Tcp {
    fn name(&self) -> &str {
        &self.address
    }

    fn now(&self) -> Micros {
        self.clock.now()
    }

    fn write(&mut self, mut bytes: &[u8], until: Micros) -> Result<(), LinkError> {
        while !bytes.is_empty() {
            let Some(left) = self.left(until) else {
                return Err(LinkError::Stuck { link: self.address.clone() });
            };
            self.stream.set_write_timeout(Some(left)).map_err(|error| self.gone(error))?;
            match self.stream.write(bytes) {
                Ok(0) => return Err(self.gone(ErrorKind::WriteZero.into())),
                Ok(sent) => bytes = &bytes[sent..],
                Err(error) if is_late(&error) => {}
                Err(error) => return Err(self.gone(error)),
            }
        }
        Ok(())
    }

    fn read(&mut self, buffer: &mut [u8], until: Micros) -> Result<usize, LinkError> {
        let mut first = true;
        loop {
            let left = self.left(until);
            if left.is_none() && !first {
                return Ok(0);
            }
            first = false;
            // A deadline that has passed still takes what is there.
            self.stream.set_nonblocking(left.is_none()).map_err(|error| self.gone(error))?;
            if left.is_some() {
                self.stream.set_read_timeout(left).map_err(|error| self.gone(error))?;
            }
            let read = self.stream.read(buffer);
            if left.is_none() {
                self.stream.set_nonblocking(false).map_err(|error| self.gone(error))?;
            }
            match read {
                Ok(0) => return Err(self.gone(ErrorKind::UnexpectedEof.into())),
                Ok(received) => return Ok(received),
                Err(error) if is_late(&error) => {}
                Err(error) => return Err(self.gone(error)),
            }
        }
    }

    fn wait(&mut self, until: Micros) {
        self.clock.wait(until);
    }

    fn second_writer(&self) -> Option<Box<dyn std::io::Write + Send>> {
        let stream = self.stream.try_clone().ok()?;
        // Whoever uses it waits for nothing.
        stream.set_write_timeout(Some(Duration::from_millis(100))).ok()?;
        Some(Box::new(stream))
    }
}

fn is_late(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
