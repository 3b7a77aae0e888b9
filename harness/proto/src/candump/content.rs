//! What a line of a log says was on the bus.

use core::fmt;

use crate::frame::{CanId, Frame};
use crate::message::Payload;

/// What was on the bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// a classic data frame
    Data(Frame),
    /// a remote frame: a request without data
    Remote {
        /// the identifier asked for
        id: CanId,
        /// the data length it asks for, 0 to 8
        dlc: u8,
    },
    /// an error frame, as SocketCAN makes them of controller states and bus errors
    Error {
        /// error classes, bits as in `linux/can/error.h` without the flag 0x20000000; 0 where the log says no more
        class: u32,
        /// details
        data: Payload,
    },
    /// a CAN FD frame, which the protocol does not know (P 1.2)
    Fd(FdFrame),
}

/// Which way a frame went, seen from the machine that wrote the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// received
    Received,
    /// sent
    Sent,
}

/// A CAN FD frame of 0 to 64 bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FdFrame {
    id: CanId,
    flags: u8,
    len: u8,
    data: [u8; 64],
}

impl FdFrame {
    /// A frame, or nothing when the identifier exceeds its width, the flags 4 bits or the data 64 bytes.
    #[must_use]
    pub fn new(id: CanId, flags: u8, data: &[u8]) -> Option<Self> {
        // The identifier is checked where all of them are.
        Frame::new(id, &[])?;
        let mut bytes = [0; 64];
        bytes.get_mut(..data.len())?.copy_from_slice(data);
        (flags < 16).then_some(Self { id, flags, len: data.len() as u8, data: bytes })
    }

    /// For readers that have checked every part; bytes behind the length must be zero.
    pub(crate) const fn from_parts(id: CanId, flags: u8, len: u8, data: [u8; 64]) -> Self {
        Self { id, flags, len, data }
    }

    /// Its identifier.
    #[must_use]
    pub const fn id(&self) -> CanId {
        self.id
    }

    /// Bit 0: bit rate switch; bit 1: error state; 4 bits.
    #[must_use]
    pub const fn flags(&self) -> u8 {
        self.flags
    }

    /// The payload.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data[..usize::from(self.len)]
    }
}

/// As candump writes it: `351##1480200050005AE01`.
impl fmt::Debug for FdFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}##{:X}", self.id, self.flags)?;
        self.data().iter().try_for_each(|b| write!(f, "{b:02X}"))
    }
}
