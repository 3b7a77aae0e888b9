//! A serial port.

use std::io::{ErrorKind, Read as _, Write as _};
use std::time::Duration;

use proto::quantity::Micros;
use serialport::StopBits;

use super::{Clock, Link, LinkError};
use files::profile::SerialPort;

/// A serial port. Name it by `/dev/serial/by-id/…`: `ttyUSB0` is whichever adapter came first.
#[derive(Debug)]
pub struct Serial {
    path: String,
    port: Box<dyn serialport::SerialPort>,
    clock: Clock,
}

impl Serial {
    /// Opens a port for this process alone, 8 data bits, no parity.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn open(path: &str, settings: SerialPort) -> Result<Self, LinkError> {
        let stop = if settings.stop_bits == 2 { StopBits::Two } else { StopBits::One };
        let builder = serialport::new(path, settings.baud).stop_bits(stop).timeout(Duration::ZERO);
        let closed =
            |error: serialport::Error| LinkError::Closed { link: path.to_owned(), source: error.into() };
        let mut port = builder.open().map_err(closed)?;
        if settings.dtr {
            // A pseudo-terminal has no such wire, and an adapter without it fails at the first question.
            let _ = port.write_data_terminal_ready(true);
        }
        Ok(Self { path: path.to_owned(), port, clock: Clock::start() })
    }

    /// Forgets what was received and not read.
    pub(crate) fn forget(&self) {
        // What cannot be forgotten is read.
        let _ = self.port.clear(serialport::ClearBuffer::Input);
    }

    fn gone(&self, source: std::io::Error) -> LinkError {
        LinkError::Gone { link: self.path.clone(), source }
    }
}

/// Longest wait in one call of the system.
const STEP: Duration = Duration::from_secs(1);

impl Link for Serial {
    fn name(&self) -> &str {
        &self.path
    }

    fn is_serial(&self) -> bool {
        true
    }

    fn now(&self) -> Micros {
        self.clock.now()
    }

    fn write(&mut self, mut bytes: &[u8], until: Micros) -> Result<(), LinkError> {
        while !bytes.is_empty() {
            let left = self.clock.left(until);
            let _ = self.port.set_timeout(left.min(STEP));
            match self.port.write(bytes) {
                Ok(0) => return Err(self.gone(ErrorKind::WriteZero.into())),
                Ok(sent) => bytes = &bytes[sent..],
                Err(error) if is_late(&error) && left.is_zero() => {
                    return Err(LinkError::Stuck { link: self.path.clone() });
                }
                Err(error) if is_late(&error) => {}
                Err(error) => return Err(self.gone(error)),
            }
        }
        Ok(())
    }

    fn read(&mut self, buffer: &mut [u8], until: Micros) -> Result<usize, LinkError> {
        loop {
            let left = self.clock.left(until);
            // Setting a time-out cannot fail: it is only kept.
            let _ = self.port.set_timeout(left.min(STEP));
            match self.port.read(buffer) {
                Ok(0) => return Err(self.gone(ErrorKind::UnexpectedEof.into())),
                Ok(received) => return Ok(received),
                Err(error) if is_late(&error) && left.is_zero() => return Ok(0),
                Err(error) if is_late(&error) => {}
                Err(error) => return Err(self.gone(error)),
            }
        }
    }

    fn wait(&mut self, until: Micros) {
        self.clock.wait(until);
    }

    fn second_writer(&self) -> Option<Box<dyn std::io::Write + Send>> {
        let mut port = self.port.try_clone().ok()?;
        let _ = port.set_timeout(Duration::from_millis(20));
        Some(Box::new(port))
    }
}

fn is_late(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
