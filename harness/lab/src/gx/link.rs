//! One connection to a device on Modbus-TCP. Nothing that comes from there is trusted: answers are held against
//! questions here. After an error other than a refusal it is out of step, and to be opened anew.

use std::borrow::Cow;
use std::fmt;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use proto::quantity::Micros;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_modbus::client::{Client as _, Context, tcp};
use tokio_modbus::slave::{Slave, SlaveContext as _};
use tokio_modbus::{Error, ProtocolError, Request, Response};

use super::error::{Asked, GxError, What};

/// The port of Modbus-TCP.
const PORT: u16 = 502;

/// A connection.
pub struct Link {
    address: String,
    context: Context,
    within: Micros,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Link {
    /// Connects; `address` is a host or host:port. Connection and every answer may take as long as `within`.
    ///
    /// # Errors
    /// When there is no such host, or no connection in time.
    pub async fn open(address: &str, within: Micros) -> Result<Self, GxError> {
        let unreachable =
            |source| GxError::Unreachable { address: address.to_owned(), source: Arc::new(source) };
        let connect = async {
            let no_host = |source| GxError::NoHost { address: address.to_owned(), source: Arc::new(source) };
            let found: Vec<_> = lookup_host(&*with_port(address)).await.map_err(no_host)?.collect();
            let stream = TcpStream::connect(found.as_slice()).await.map_err(unreachable)?;
            // One short message at a time: waiting to fill a packet only delays it.
            stream.set_nodelay(true).map_err(unreachable)?;
            Ok(stream)
        };
        let connected = timeout(Duration::from_micros(within.0), connect).await;
        let stream = connected.unwrap_or_else(|_| Err(unreachable(ErrorKind::TimedOut.into())))?;
        Ok(Self { address: address.to_owned(), context: tcp::attach(stream), within })
    }

    /// So many registers from an address on, function 3.
    ///
    /// # Errors
    /// When they are refused, or there is no good answer in time.
    pub async fn read(&mut self, unit: u8, first: u16, count: u16) -> Result<Vec<u16>, GxError> {
        let asked = Asked { unit, what: What::Read(first, last(first, count)) };
        match self.ask(asked, Request::ReadHoldingRegisters(first, count)).await? {
            Response::ReadHoldingRegisters(cells) if cells.len() == usize::from(count) => Ok(cells),
            Response::ReadHoldingRegisters(cells) => {
                Err(self.garbled(asked, format!("{} registers instead of {count}", cells.len())))
            }
            other => Err(self.garbled(asked, format!("{other:?}"))),
        }
    }

    /// Writes registers from an address on: function 6 for one, 16 for several. That it is acknowledged does not mean
    /// that the value was taken.
    ///
    /// # Errors
    /// When it is refused, or not acknowledged in time; whether it was written is not known then.
    pub async fn write(&mut self, unit: u8, first: u16, cells: &[u16]) -> Result<(), GxError> {
        let count = u16::try_from(cells.len()).unwrap_or(u16::MAX);
        let asked = Asked { unit, what: What::Write(first, last(first, count)) };
        let (request, expected) = match *cells {
            [cell] => (Request::WriteSingleRegister(first, cell), Response::WriteSingleRegister(first, cell)),
            _ => (
                Request::WriteMultipleRegisters(first, cells.into()),
                Response::WriteMultipleRegisters(first, count),
            ),
        };
        self.acknowledged(asked, request, &expected).await
    }

    /// Switches a coil, function 5.
    ///
    /// # Errors
    /// When it is refused, or not acknowledged in time; whether it was switched is not known then.
    pub async fn switch(&mut self, unit: u8, coil: u16, on: bool) -> Result<(), GxError> {
        let asked = Asked { unit, what: What::Switch(coil) };
        let expected = Response::WriteSingleCoil(coil, on);
        self.acknowledged(asked, Request::WriteSingleCoil(coil, on), &expected).await
    }

    /// Whether a coil is on, function 1.
    ///
    /// # Errors
    /// When it is refused, or there is no good answer in time.
    pub async fn coil(&mut self, unit: u8, coil: u16) -> Result<bool, GxError> {
        let asked = Asked { unit, what: What::Coil(coil) };
        match self.ask(asked, Request::ReadCoils(coil, 1)).await? {
            // Eight to a byte, of which one was asked for.
            Response::ReadCoils(coils) if coils.len() == 8 || coils.len() == 1 => Ok(coils[0]),
            other => Err(self.garbled(asked, format!("{other:?}"))),
        }
    }

    async fn acknowledged(
        &mut self,
        asked: Asked,
        request: Request<'_>,
        expected: &Response,
    ) -> Result<(), GxError> {
        let said = self.ask(asked, request).await?;
        if said == *expected { Ok(()) } else { Err(self.garbled(asked, format!("{said:?}"))) }
    }

    async fn ask(&mut self, asked: Asked, request: Request<'_>) -> Result<Response, GxError> {
        self.context.set_slave(Slave(asked.unit));
        let address = || self.address.clone();
        let Ok(answered) = timeout(Duration::from_micros(self.within.0), self.context.call(request)).await
        else {
            return Err(GxError::Silent { address: address(), asked, within: self.within });
        };
        Err(match answered {
            Ok(Ok(response)) => return Ok(response),
            Ok(Err(code)) => GxError::Refused { asked, code: code.into() },
            Err(Error::Protocol(ProtocolError::HeaderMismatch { message, .. })) => {
                let why = format!("it belongs to another request ({message})");
                GxError::Garbled { address: address(), asked, why }
            }
            Err(Error::Protocol(ProtocolError::FunctionCodeMismatch { .. })) => {
                let why = "it is one to another function".to_owned();
                GxError::Garbled { address: address(), asked, why }
            }
            Err(Error::Transport(error)) => match error.kind() {
                ErrorKind::InvalidData | ErrorKind::UnexpectedEof => {
                    GxError::Garbled { address: address(), asked, why: error.to_string() }
                }
                ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => {
                    GxError::Closed { address: address(), asked, how: "reset" }
                }
                // The library has no error of its own for the end of the stream.
                _ => GxError::Closed { address: address(), asked, how: "closed" },
            },
        })
    }

    fn garbled(&self, asked: Asked, why: String) -> GxError {
        GxError::Garbled { address: self.address.clone(), asked, why }
    }
}

const fn last(first: u16, count: u16) -> u16 {
    first.saturating_add(count.saturating_sub(1))
}

/// An address with the port of Modbus-TCP where it names none.
pub(crate) fn with_port(address: &str) -> Cow<'_, str> {
    let named = match address.rsplit_once(':') {
        // An IPv6 address has colons of its own, and brackets where a port follows.
        Some((host, _)) => !host.contains(':') || host.ends_with(']'),
        None => false,
    };
    if named {
        address.into()
    } else if address.contains(':') && !address.starts_with('[') {
        format!("[{address}]:{PORT}").into()
    } else {
        format!("{address}:{PORT}").into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("192.168.1.20", "192.168.1.20:502")]
    #[case("192.168.1.20:1502", "192.168.1.20:1502")]
    #[case("venus.local", "venus.local:502")]
    #[case("venus.local:5020", "venus.local:5020")]
    #[case("fe80::1", "[fe80::1]:502")]
    #[case("[fe80::1]", "[fe80::1]:502")]
    #[case("[fe80::1]:1502", "[fe80::1]:1502")]
    fn addresses(#[case] address: &str, #[case] expected: &str) {
        assert_eq!(with_port(address), expected);
    }
}
