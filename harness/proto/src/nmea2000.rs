//! NMEA 2000, and VE.Can, which is the same on another plug: 29-bit identifiers at 250 kbit/s, as the battery monitors,
//! chargers and interfaces of *Data communication with Victron Energy products* (cited as `D`) speak it.
//!
//! [`Network`] takes frames, puts fast packets together and knows who claimed which address. [`Message::fields`] reads a
//! message by the one table of PGNs. [`Witness`] says which quantities a source tells, by what it is.
//!
//! The document gives the consumed charge as "PGN 61439". There can be none: 0xEEFF has a first byte below 240, so the
//! second is a destination, and the identifier is an address claim to all. It is Victron's register 0xEEFF inside of the
//! proprietary PGN 61184, and is read there.
//!
//! Sources: `D`; canboat/canboat `database/*.yaml`, against whose published expectations the table is tested;
//! ttlappalainen/NMEA2000; Victron's own register header. No VE.Can bus of Victron products was seen but for two frames of
//! 61184: what `docs/witnesses.md` marks so is built from descriptions.
//!
//! ```
//! use proto::frame::{CanId, Frame};
//! use proto::nmea2000::{Network, Value};
//! use proto::quantity::Micros;
//!
//! let frame = Frame::new(CanId::Extended(0x19F2_143C), &[0x00, 0x1C, 0x0A, 0x07, 0x00, 0xFF, 0x70, 0xFF]);
//! let message = Network::default().take(Micros::ZERO, &frame.expect("a frame")).expect("one frame");
//! let volts = message.fields().find(|field| field.name == "voltage").expect("a battery status");
//! assert_eq!(volts.value, Value::Number(25.88));
//! ```

mod claim;
mod fast;
mod group;
mod id;
mod message;
mod name;
mod network;
mod table;
mod witness;

pub use claim::Claim;
pub use fast::{FastPackets, frames};
pub use group::{CLAIM, enable, request, requested, who_is_there, write};
pub use id::Id;
pub use message::{LONGEST, Message, Told, Value};
pub use name::{Name, VICTRON};
pub use network::{Network, Node};
pub use table::{Count, Field, Group, Kind, PGNS, Pgn, pgn};
pub use witness::{AcSide, INSTANCES, Instance, Role, Witness};

use crate::frame::Frame;
use crate::quantity::{BitRate, Micros};

/// The bit rate of the bus.
pub const BIT_RATE: BitRate = BitRate(250.0);
/// The address of who has none: what cannot claim may send from it (D Q21).
pub const NO_ADDRESS: u8 = 0xFE;
/// The destination of what is for all.
pub const TO_ALL: u8 = 0xFF;

/// How often a bus is asked who is there: a device that is switched on later claims its address by itself, and tells its
/// product only when it is asked.
pub const ASK_EVERY: Micros = Micros::from_secs(60);

/// Whether a frame is one of a message that the table of PGNs has.
#[must_use]
pub fn is_known(frame: &Frame) -> bool {
    Id::of(frame.id()).is_some_and(|id| pgn(id.pgn).is_some())
}

#[cfg(test)]
mod tests;
