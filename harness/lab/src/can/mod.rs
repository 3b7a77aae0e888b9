//! CAN on real wires: one port, whatever the hardware behind it.
//!
//! [`SocketCan`] is an interface of the Linux kernel, [`Slcan`] an adapter on a serial port. Both block the thread that
//! calls and no other: a live bench gives each port a thread of its own, and every port the same [`RunClock`].

mod clock;
mod error;
#[cfg(target_os = "linux")]
mod kernel_clock;
#[cfg(target_os = "linux")]
mod kernel_frame;
#[cfg(target_os = "linux")]
mod losses;
mod slcan;
#[cfg(target_os = "linux")]
mod socketcan;

pub use clock::RunClock;
pub use error::CanError;
pub use slcan::Slcan;
#[cfg(target_os = "linux")]
pub use socketcan::SocketCan;

use files::live::CanPlace;
use proto::bus::{BusReading, BusState, ErrorFrame};
use proto::frame::{CanId, Frame};
use proto::quantity::{BitRate, Micros};

/// A CAN bus, as the harness takes part in it.
pub trait CanPort: Send {
    /// What is received next; nothing when `deadline` comes first. Times never run back.
    ///
    /// # Errors
    /// When the port is lost, or did not do what it was asked for.
    fn next(&mut self, deadline: Micros) -> Result<Option<Received>, CanError>;

    /// Hands over a frame to be sent. It is sent when the bus lets it, after this has returned.
    ///
    /// # Errors
    /// When it cannot be handed over within [`SEND_WITHIN`].
    fn send(&mut self, frame: &Frame) -> Result<(), CanError>;

    /// What is known of the port now.
    ///
    /// # Errors
    /// When the port is lost.
    fn info(&mut self) -> Result<PortInfo, CanError>;
}

/// The port of a CAN bus, whose state is read once in `period`.
pub(crate) fn open_can(
    place: &CanPlace,
    rate: BitRate,
    period: Micros,
    clock: RunClock,
) -> Result<Box<dyn CanPort>, CanError> {
    Ok(match place {
        #[cfg(target_os = "linux")]
        CanPlace::Interface(name) => Box::new(SocketCan::open(name, rate, clock)?),
        #[cfg(not(target_os = "linux"))]
        CanPlace::Interface(name) => return Err(CanError::NoKernelCan { port: name.clone() }),
        CanPlace::Slcan(path) => Box::new(Slcan::open(path, rate, clock)?.read_every(period)),
    })
}

/// How long a full queue may keep a frame from being handed over: at 250 kbit/s a frame takes less than 1 ms, and no
/// message of the document is later than a tenth of a second by this. Assumption.
pub const SEND_WITHIN: Micros = Micros::from_millis(100);

/// Something received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received {
    /// when it was on the bus, as exactly as the port knows
    pub at: Micros,
    /// what it is
    pub kind: Kind,
}

/// What is received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// a data frame
    Data(Frame),
    /// a remote frame, which the protocol does not know (P 1.2)
    Remote {
        /// the identifier asked for
        id: CanId,
        /// the data length it asks for
        dlc: u8,
    },
    /// what the controller says of itself and of the bus, also that it lost frames ([`ErrorFrame::tells_loss`])
    Error(ErrorFrame),
    /// at least so many frames were lost between the bus and here
    Overflow(u32),
}

/// What is known of a port.
#[derive(Debug, Clone, PartialEq)]
pub struct PortInfo {
    /// as a user names it: `can0`, `/dev/ttyACM0`
    pub name: String,
    /// the bit rate it is set to; nothing for a virtual bus
    pub bit_rate: Option<BitRate>,
    /// the state of its controller, where it tells
    pub state: Option<BusState>,
    /// its error counters, where it tells
    pub counters: Option<Counters>,
    /// frames lost since it was opened, at least
    pub lost: u64,
    /// what is not known of it, or is odd, in words
    pub notes: Vec<String>,
}

/// Error counters of a controller (ISO 11898-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counters {
    /// of sent frames
    pub tx: u16,
    /// of received frames
    pub rx: u16,
}

impl PortInfo {
    /// As the evidence keeps it; nothing where the port tells too little.
    #[must_use]
    pub fn reading(&self) -> Option<BusReading> {
        Some(BusReading { bit_rate: self.bit_rate?, state: self.state? })
    }
}
