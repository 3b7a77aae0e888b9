//! SLCAN, the lines by which serial CAN adapters speak with their host: LAWICEL's CANUSB manual defined them, CANable
//! and many others follow it, and so do Linux (`slcand`) and python-can on the host's side.
//!
//! A line ends with CR; BEL in place of an answer refuses a command. A data frame is `t`, three digits of identifier, one of
//! length, two for each byte and, where the host asked for it (`Z1`), four of milliseconds within a minute:
//!
//! ```
//! use proto::frame::Frame;
//! use proto::slcan::{Carried, Reply, Stamp, reply, write};
//!
//! let limits = Carried::Data(Frame::standard(0x351, &[0x48, 0x02]));
//! let mut line = Vec::new();
//! write(&mut line, &limits, Stamp::new(1234));
//! assert_eq!(line, b"t3512480204D2\r");
//! assert_eq!(reply(&line[..13]), Ok(Reply::Frame(limits, Stamp::new(1234))));
//! ```

mod adapter;
mod decoder;
mod flags;
mod stamp;

#[cfg(test)]
mod tests;

pub use adapter::{Adapter, Request};
pub use decoder::{Decoder, LONGEST, Piece};
pub use flags::Flags;
pub use stamp::{Stamp, StampClock};

use crate::candump::hex_digit;
use crate::frame::{CanId, Frame};
use crate::quantity::BitRate;

/// Ends every line.
pub const CR: u8 = b'\r';
/// Refuses a command.
pub const BEL: u8 = 7;

/// The bit rates that have a number: `S6` is that of P 1.2, `S5` the other one that it knows.
pub const RATES: [BitRate; 9] = [
    BitRate(10.0),
    BitRate(20.0),
    BitRate(50.0),
    BitRate(100.0),
    BitRate(125.0),
    BitRate(250.0),
    BitRate(500.0),
    BitRate(800.0),
    BitRate(1000.0),
];

/// What travels over the bus and over SLCAN alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carried {
    /// a data frame
    Data(Frame),
    /// a remote frame: a request without data
    Remote {
        /// the identifier asked for
        id: CanId,
        /// the data length it asks for, 0 to 8
        dlc: u8,
    },
}

impl Carried {
    /// Its identifier.
    #[must_use]
    pub const fn id(&self) -> CanId {
        match self {
            Self::Data(frame) => frame.id(),
            Self::Remote { id, .. } => *id,
        }
    }
}

/// What an adapter says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// a frame of the bus, with its time where the host asked for it
    Frame(Carried, Option<Stamp>),
    /// done (nothing but CR)
    Done,
    /// a frame was taken to be sent (`z`, `Z`)
    Taken,
    /// status flags (`F`), all of them since they were asked for last
    Flags(Flags),
    /// version of hardware and firmware (`V`), two digits each
    Version([u8; 4]),
    /// serial number (`N`), four characters
    Serial([u8; 4]),
}

/// What a host says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// send a frame (`t`, `T`, `r`, `R`)
    Send(Carried),
    /// set the bit rate (`S`), an index of [`RATES`]
    Rate(u8),
    /// take part in the bus (`O`)
    Open,
    /// hear and acknowledge nothing (`L`)
    Listen,
    /// leave the bus (`C`)
    Close,
    /// tell the status flags (`F`)
    Flags,
    /// put times behind frames, or not (`Z`)
    Stamps(bool),
    /// tell the versions (`V`)
    Version,
    /// tell the serial number (`N`)
    Serial,
    /// nothing: a host that ends whatever was begun
    Empty,
}

/// Why a line is none of SLCAN: a part of a line, another program's, or noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {expected}")]
pub struct LineError {
    /// counted from 1
    pub column: usize,
    /// what was expected there
    pub expected: &'static str,
}

/// Reads what an adapter says, without the CR at its end.
///
/// # Errors
/// Where it is no line of SLCAN.
pub fn reply(line: &[u8]) -> Result<Reply, LineError> {
    let mut read = Reader { line, at: 1 };
    match line.first() {
        None => Ok(Reply::Done),
        Some(b'z' | b'Z') => read.end(Reply::Taken),
        Some(b'F') => {
            let flags = read.number(2)? as u8;
            read.end(Reply::Flags(Flags(flags)))
        }
        Some(b'V') => read.four().map(Reply::Version),
        Some(b'N') => read.four().map(Reply::Serial),
        Some(b't' | b'T' | b'r' | b'R') => {
            let carried = read.carried(line[0])?;
            if read.at == line.len() {
                return Ok(Reply::Frame(carried, None));
            }
            let stamp = Stamp::new(read.number(4)? as u16);
            if stamp.is_none() {
                return Err(LineError { column: read.at - 3, expected: "milliseconds of a minute" });
            }
            read.end(Reply::Frame(carried, stamp))
        }
        Some(_) => Err(LineError { column: 1, expected: "an answer or a frame" }),
    }
}

/// Reads what a host says, without the CR at its end.
///
/// # Errors
/// Where it is no line of SLCAN, or one that only some adapters know.
pub fn command(line: &[u8]) -> Result<Command, LineError> {
    let mut read = Reader { line, at: 1 };
    match line.first() {
        None => Ok(Command::Empty),
        Some(b't' | b'T' | b'r' | b'R') => {
            let carried = read.carried(line[0])?;
            read.end(Command::Send(carried))
        }
        Some(b'S') => match read.number(1)? as u8 {
            rate if usize::from(rate) < RATES.len() => read.end(Command::Rate(rate)),
            _ => Err(LineError { column: 2, expected: "a bit rate, 0 to 8" }),
        },
        Some(b'Z') => match read.number(1)? {
            on @ 0..=1 => read.end(Command::Stamps(on == 1)),
            _ => Err(LineError { column: 2, expected: "0 or 1" }),
        },
        Some(b'O') => read.end(Command::Open),
        Some(b'L') => read.end(Command::Listen),
        Some(b'C') => read.end(Command::Close),
        Some(b'F') => read.end(Command::Flags),
        Some(b'V') => read.end(Command::Version),
        Some(b'N') => read.end(Command::Serial),
        Some(_) => Err(LineError { column: 1, expected: "a command" }),
    }
}

/// The number of a bit rate among [`RATES`]; nothing where SLCAN has none for it.
#[must_use]
pub fn rate_number(rate: BitRate) -> Option<u8> {
    RATES.iter().position(|known| *known == rate).map(|at| at as u8)
}

/// Writes a frame: as a command without, as an adapter's line with or without its time.
pub fn write(out: &mut Vec<u8>, carried: &Carried, stamp: Option<Stamp>) {
    let (letters, id, dlc) = match carried {
        Carried::Data(frame) => (*b"tT", frame.id(), frame.dlc()),
        Carried::Remote { id, dlc } => (*b"rR", *id, *dlc),
    };
    match id {
        CanId::Standard(id) => {
            out.push(letters[0]);
            digits(out, u32::from(id), 3);
        }
        CanId::Extended(id) => {
            out.push(letters[1]);
            digits(out, id, 8);
        }
    }
    digits(out, u32::from(dlc), 1);
    if let Carried::Data(frame) = carried {
        frame.data().iter().for_each(|byte| digits(out, u32::from(*byte), 2));
    }
    if let Some(stamp) = stamp {
        digits(out, u32::from(stamp.millis()), 4);
    }
    out.push(CR);
}

/// Upper-case hexadecimal digits, the highest first.
fn digits(out: &mut Vec<u8>, value: u32, count: u32) {
    let digit = |place: u32| b"0123456789ABCDEF"[(value >> (4 * place) & 0xF) as usize];
    out.extend((0..count).rev().map(digit));
}

struct Reader<'a> {
    line: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    /// So many hexadecimal digits.
    fn number(&mut self, count: usize) -> Result<u32, LineError> {
        let mut value = 0;
        for _ in 0..count {
            let digit = self.line.get(self.at).copied().and_then(hex_digit);
            let Some(digit) = digit else {
                return Err(LineError { column: self.at + 1, expected: "a hexadecimal digit" });
            };
            value = value << 4 | u32::from(digit);
            self.at += 1;
        }
        Ok(value)
    }

    /// Identifier, length and data.
    fn carried(&mut self, letter: u8) -> Result<Carried, LineError> {
        let id = if letter.is_ascii_lowercase() {
            CanId::Standard(self.number(3)? as u16)
        } else {
            CanId::Extended(self.number(8)?)
        };
        let column = self.at + 1;
        let dlc = self.number(1)? as u8;
        if dlc > 8 {
            return Err(LineError { column, expected: "a length, 0 to 8" });
        }
        let mut data = [0; 8];
        let remote = letter.eq_ignore_ascii_case(&b'r');
        if !remote {
            for byte in &mut data[..usize::from(dlc)] {
                *byte = self.number(2)? as u8;
            }
        }
        let len = if remote { 0 } else { usize::from(dlc) };
        match Frame::new(id, &data[..len]) {
            None => Err(LineError { column: 2, expected: "an identifier of 11 or 29 bits" }),
            Some(_) if remote => Ok(Carried::Remote { id, dlc }),
            Some(frame) => Ok(Carried::Data(frame)),
        }
    }

    fn four(&mut self) -> Result<[u8; 4], LineError> {
        match self.line[1..].try_into() {
            Ok(four) => Ok(four),
            Err(_) => Err(LineError { column: 2, expected: "four characters" }),
        }
    }

    fn end<T>(&self, value: T) -> Result<T, LineError> {
        if self.at == self.line.len() {
            Ok(value)
        } else {
            Err(LineError { column: self.at + 1, expected: "the end of the line" })
        }
    }
}
