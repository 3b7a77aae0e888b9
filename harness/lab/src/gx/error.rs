//! What goes wrong with a GX, in words for whoever stands beside it.

use std::io;
use std::sync::Arc;

use proto::gx::{Exception, RegisterError};
use proto::quantity::Micros;

/// Why the GX did not answer, or not as it was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum GxError {
    /// Nobody knows the host.
    #[error(
        "{address}: no such host ({source}); is the address in the rig file right, does this machine have a name server?"
    )]
    NoHost {
        /// as the rig file names it
        address: String,
        /// what the system says
        source: Arc<io::Error>,
    },
    /// No connection.
    #[error(
        "{address}: no connection ({source}); is the device on and in this network, is Modbus TCP enabled on it (GX: \
         Settings, Integrations, Modbus TCP server)?"
    )]
    Unreachable {
        /// as the rig file names it
        address: String,
        /// what the system says
        source: Arc<io::Error>,
    },
    /// Connected, and no answer.
    #[error(
        "{address}: {asked} was not answered within {} ms; is the device restarting, or the network overloaded?",
        within.0 / 1000
    )]
    Silent {
        /// as the rig file names it
        address: String,
        /// what was asked for
        asked: Asked,
        /// how long it was waited for
        within: Micros,
    },
    /// The connection ended before the answer did.
    #[error(
        "{address}: the connection was {how} instead of an answer to {asked}; did the device restart, or has it too many clients?"
    )]
    Closed {
        /// as the rig file names it
        address: String,
        /// what was asked for
        asked: Asked,
        /// `closed` or `reset`
        how: &'static str,
    },
    /// An answer that cannot be one.
    #[error(
        "{address}: the answer to {asked} is none: {why}; does something else than Modbus-TCP listen there, or stand between?"
    )]
    Garbled {
        /// as the rig file names it
        address: String,
        /// what was asked for
        asked: Asked,
        /// what is wrong with it
        why: String,
    },
    /// The device said no.
    #[error("{asked}: {}{}", refusal(*code), remedy(*code, asked))]
    Refused {
        /// what was asked for
        asked: Asked,
        /// number of the exception
        code: u8,
    },
    /// It was sent, and cannot be read back.
    #[error("{0}. Whether the value was taken is not known")]
    Uncertain(Box<GxError>),
    /// A value that no register can carry.
    #[error("{0}; nothing was written")]
    Register(#[from] RegisterError),
    /// No register of the table.
    #[error("register {0} is none that Busbar knows to be writable; nothing was written")]
    UnknownRegister(u16),
    /// The rig does not have it.
    #[error("the rig file names no unit id for the {0}")]
    NoUnit(&'static str),
    /// The thread of the port is gone.
    #[error("the driver of the GX has ended; see what was reported before")]
    Ended,
}

impl GxError {
    /// Whether the device is there and said no: the connection is good.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Refused { .. } => true,
            Self::Uncertain(why) => why.is_refusal(),
            _ => false,
        }
    }
}

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// of which unit
    pub unit: u8,
    /// what
    pub what: What,
}

/// What a unit is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// to read registers, from first to last
    Read(u16, u16),
    /// to write registers, from first to last
    Write(u16, u16),
    /// to read a coil
    Coil(u16),
    /// to switch a coil
    Switch(u16),
}

impl std::fmt::Display for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.what {
            What::Read(first, last) if first == last => write!(f, "reading register {first}")?,
            What::Read(first, last) => write!(f, "reading registers {first} to {last}")?,
            What::Write(first, last) if first == last => write!(f, "writing register {first}")?,
            What::Write(first, last) => write!(f, "writing registers {first} to {last}")?,
            What::Coil(coil) => write!(f, "reading coil {coil}")?,
            What::Switch(coil) => write!(f, "switching coil {coil}")?,
        }
        write!(f, " of unit {}", self.unit)
    }
}

/// An exception by its number and its words.
pub(crate) fn refusal(code: u8) -> String {
    /// Those of Modbus that a GX is not known to give, but whoever stands between (Modbus Application Protocol 1.1b3, 7).
    const OF_OTHERS: [(u8, &str); 5] = [
        (4, "the device failed"),
        (5, "it takes its time"),
        (6, "the device is busy"),
        (8, "its memory is damaged"),
        (11, "the device behind a gateway does not answer"),
    ];
    let known = Exception::of(code).map(|exception| exception.to_string());
    let other = || {
        let words = OF_OTHERS.iter().find(|(known, _)| *known == code).map(|(_, words)| format!(": {words}"));
        format!("exception {code}{}, which a GX is not known to give", words.unwrap_or_default())
    };
    known.unwrap_or_else(other)
}

/// What to do about it.
const fn remedy(code: u8, asked: &Asked) -> &'static str {
    match (code, asked.what) {
        (2, What::Write(..)) => "; is writing enabled on the GX (Settings, Integrations, Modbus TCP server)?",
        (2, _) => "; does the firmware of the GX have these registers?",
        (4..=6 | 11, _) => "; does a gateway or another program stand between?",
        (10, _) => "; is it connected and on, and does the rig file name the unit id that the GX lists?",
        _ => "",
    }
}
