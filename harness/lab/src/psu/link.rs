//! The way to a supply: a stream of bytes with absolute deadlines.

mod brake;
#[cfg(test)]
mod memory;
mod serial;
mod tcp;

use proto::quantity::Micros;

pub(crate) use brake::Brake;
#[cfg(test)]
pub(crate) use memory::InMemory;
pub use serial::Serial;
pub use tcp::Tcp;

/// Why bytes do not get through.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// It cannot be opened.
    #[error(
        "cannot open {link}: {source}; is it plugged in, may this user open it, does another program hold it?"
    )]
    Closed {
        /// path or address
        link: String,
        /// what the system said
        source: std::io::Error,
    },
    /// It was open and is no more.
    #[error(
        "{link} is gone: {source}; the adapter was unplugged or the connection closed, and the output is unknown"
    )]
    Gone {
        /// path or address
        link: String,
        /// what the system said
        source: std::io::Error,
    },
    /// What was going on was given up, because the output must go off.
    #[error("{link}: given up, the output is being switched off")]
    GivenUp {
        /// path or address
        link: String,
    },
    /// The guard that holds the port cannot do what was asked.
    #[error("{0}")]
    Guard(String),
    /// The guard has switched off by itself, and read that back.
    #[error("the guard has switched the supply off and read that back: {0}")]
    OffAlready(String),
    /// It takes no bytes.
    #[error("{link} takes no bytes; the supply or the adapter holds the line")]
    Stuck {
        /// path or address
        link: String,
    },
}

/// A stream of bytes with a clock. Times are absolute: a reply in many pieces has one deadline.
pub trait Link: Send {
    /// Path or address, for messages.
    fn name(&self) -> &str;

    /// Whether it is a serial line: some watchdogs only see the network.
    fn is_serial(&self) -> bool {
        false
    }

    /// The time, since some fixed start.
    fn now(&self) -> Micros;

    /// Sends all bytes.
    ///
    /// # Errors
    /// When the link is gone, or does not take them in time.
    fn write(&mut self, bytes: &[u8], until: Micros) -> Result<(), LinkError>;

    /// Receives some bytes, at least one; none only when the time has come.
    ///
    /// # Errors
    /// When the link is gone.
    fn read(&mut self, buffer: &mut [u8], until: Micros) -> Result<usize, LinkError>;

    /// Waits until a time.
    fn wait(&mut self, until: Micros);

    /// Another way to send on the same wire, for the one command that waits for nothing; nothing where there is none.
    fn second_writer(&self) -> Option<Box<dyn std::io::Write + Send>> {
        None
    }
}

/// A clock for links that are real.
#[derive(Debug, Clone, Copy)]
struct Clock(std::time::Instant);

impl Clock {
    fn start() -> Self {
        Self(std::time::Instant::now())
    }

    fn now(self) -> Micros {
        Micros(u64::try_from(self.0.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    /// What is left until a time.
    fn left(self, until: Micros) -> std::time::Duration {
        std::time::Duration::from_micros(until.since(self.now()).0)
    }

    fn wait(self, until: Micros) {
        std::thread::sleep(self.left(until));
    }
}
