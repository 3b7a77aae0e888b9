//! VE.Direct, as Victron's battery monitors, solar chargers and small inverters speak it on a serial line (19200 Bd, 8N1):
//! blocks of text once a second, and HEX frames between and inside of them. The text protocol of the BMV-600 is the same
//! without a product id.
//!
//! [`Decoder`] takes bytes and says what they completed, [`Device`] folds blocks into what is known of the instrument and
//! the [samples](crate::samples::Samples) that it tells. Labels, registers, products and codes are tables.
//!
//! Sources: Victron's own register header `ve_regs.h`, `regs_payload.h` (victronenergy/gui-v2) and `charger_error.h`
//! (victronenergy/veutil); the public readers hoylabs/OpenDTU-OnBattery, krahabb/esphome-victron-vedirect and
//! SignalK/vedirect-serial-usb; dumps of instruments in public threads. `docs/witnesses.md` says what was seen on
//! instruments, and what is built from descriptions alone.
//!
//! ```
//! use proto::channel::Channel;
//! use proto::vedirect::{Decoder, Device, Piece};
//!
//! let (mut decoder, mut device) = (Decoder::default(), Device::default());
//! let mut volts = None;
//! for &byte in b"\r\nPID\t0x203\r\nV\t26201\r\nI\t0\r\nSOC\t1000\r\nChecksum\t\xA3" {
//!     if let Some(Piece::Block(block)) = decoder.push(byte) {
//!         volts = device.take(block).and_then(|said| said.number(Channel::ShuntVoltage));
//!     }
//! }
//! assert_eq!(volts, Some(26.201));
//! ```

/// The quantity that a label or a register tells of one kind of instrument, as the tables of both write it.
macro_rules! told {
    (none) => {
        None
    };
    ($Channel:ident) => {
        Some(Channel::$Channel)
    };
}

mod block;
mod code;
mod decoder;
mod device;
mod hex;
mod label;
mod product;
mod register;

pub use block::{Block, Field, Said};
pub use code::{ALARM_REASONS, ERRORS, MODES, MONITORED, OFF_REASONS, STATES, STOPPED_BY_BMS, bits, word};
pub use decoder::{Counters, Decoder, Fault, Piece, is_vedirect};
pub use device::{Auxiliary, Device};
pub use hex::{Answer, Hex, HexError};
pub use label::{LABELS, Label, Value};
pub use product::{Family, Product};
pub use register::{Raw, Register};

/// Bits per second of the serial line; 8 data bits, no parity, one stop bit, no flow control.
pub const BAUD: u32 = 19_200;

#[cfg(test)]
mod tests;
