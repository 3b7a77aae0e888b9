//! An operator that is a program.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use proto::quantity::Micros;

use super::{Lines, Operator, OperatorError, Reply, Request, line};

/// A connection to a program that does what it is asked.
#[derive(Debug)]
pub struct Client {
    address: SocketAddr,
    stream: TcpStream,
    lines: Lines,
    within: Micros,
}

/// How long a program may take to accept a connection.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

impl Client {
    /// Connects. Each request must be answered `within` this time.
    ///
    /// # Errors
    /// When nobody listens there.
    pub fn connect(address: SocketAddr, within: Micros) -> Result<Self, OperatorError> {
        let absent = |source| OperatorError::Absent { address: address.to_string(), source };
        let stream = TcpStream::connect_timeout(&address, CONNECT_WITHIN).map_err(absent)?;
        stream.set_nodelay(true).map_err(absent)?;
        Ok(Self { address, stream, lines: Lines::default(), within })
    }

    fn gone(&self, source: std::io::Error) -> OperatorError {
        OperatorError::Gone { who: self.address.to_string(), source }
    }
}

impl Operator for Client {
    fn ask(&mut self, request: &Request) -> Result<Reply, OperatorError> {
        let (who, begun) = (self.address.to_string(), Instant::now());
        let left = |within: Micros| {
            let left = Duration::from_micros(within.0).checked_sub(begun.elapsed());
            left.filter(|left| !left.is_zero()).ok_or_else(|| OperatorError::Late {
                who: who.clone(),
                asked: request.to_string(),
                within,
            })
        };
        let within = Some(left(self.within)?);
        self.stream.set_write_timeout(within).map_err(|error| self.gone(error))?;
        self.stream.write_all(line(request).as_bytes()).map_err(|error| self.gone(error))?;
        let mut buffer = [0; 1024];
        loop {
            let reply = self.lines.take();
            if let Some(reply) =
                reply.map_err(|error| OperatorError::Senseless { who: who.clone(), error })?
            {
                return Ok(reply);
            }
            self.stream.set_read_timeout(Some(left(self.within)?)).map_err(|error| self.gone(error))?;
            match self.stream.read(&mut buffer) {
                Ok(0) => return Err(self.gone(ErrorKind::UnexpectedEof.into())),
                Ok(many) => self.lines.push(&buffer[..many]),
                Err(error) if is_late(&error) => {}
                Err(error) => return Err(self.gone(error)),
            }
        }
    }
}

fn is_late(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
