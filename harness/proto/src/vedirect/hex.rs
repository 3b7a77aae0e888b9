//! HEX frames: a question to an instrument, its answer, or what it says unasked.
//!
//! `:` command nibble, data as pairs of hexadecimal digits, a pair that makes the sum of command and bytes 0x55, line feed.
//! An older instrument stops its text for some seconds when it is asked anything (solar chargers up to firmware 1.52).

use core::fmt;

use crate::digits;

/// Why a HEX frame is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HexError {
    /// not a nibble and pairs of hexadecimal digits, or too many
    #[error("a HEX frame has what is no hexadecimal digit, half a byte, or too much")]
    Form,
    /// its sum is wrong
    #[error("the sum of a HEX frame is wrong")]
    Sum,
}

/// A frame: what stands between `:` and the sum.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hex {
    command: u8,
    len: u8,
    data: [u8; Self::MOST],
}

/// What an instrument says in a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer<'a> {
    /// a register: the answer to a question (7), to a setting (8), or unasked (A)
    Register {
        /// which
        register: u16,
        /// its value, the low byte first
        value: &'a [u8],
        /// whether it was asked for
        asked: bool,
    },
    /// a register that it does not give: a flag other than zero carries no value
    Refused {
        /// which
        register: u16,
        /// 1 unknown, 2 not supported, 4 out of range; they may stand together
        flags: u8,
    },
    /// done (1): what was asked follows, such as a product id
    Done(&'a [u8]),
    /// the version of its firmware (5), the answer to a ping
    Version(u16),
    /// a command that it does not know (3), or a frame that it could not read (4)
    NotUnderstood,
    /// anything else
    Other,
}

impl Hex {
    /// The most bytes of data. Histories of days, the longest that are known, have 38.
    pub const MOST: usize = 64;
    /// Digits of a frame: the nibble, the data and the sum.
    pub const LONGEST: usize = 1 + 2 * Self::MOST + 2;

    /// A frame; nothing where the command is no nibble or the data are too long.
    #[must_use]
    pub fn new(command: u8, bytes: &[u8]) -> Option<Self> {
        let mut data = [0; Self::MOST];
        data.get_mut(..bytes.len())?.copy_from_slice(bytes);
        (command <= 0xF).then_some(Self { command, len: bytes.len() as u8, data })
    }

    /// The question for a register.
    #[must_use]
    pub const fn get(register: u16) -> Self {
        let mut data = [0; Self::MOST];
        [data[0], data[1]] = register.to_le_bytes();
        Self { command: 7, len: 3, data }
    }

    /// The question that every instrument answers: which firmware it has.
    pub const PING: Self = Self { command: 1, len: 0, data: [0; Self::MOST] };

    /// Reads what stands between `:` and the end of the line.
    ///
    /// # Errors
    /// When it is no frame, or its sum is wrong.
    pub fn parse(digits: &[u8]) -> Result<Self, HexError> {
        let byte = |high: u8, low: u8| digits::byte(high, low).ok_or(HexError::Form);
        let (&first, pairs) = digits.split_first().ok_or(HexError::Form)?;
        let command = byte(b'0', first)?;
        if pairs.is_empty() || pairs.len() % 2 == 1 || pairs.len() / 2 > Self::MOST + 1 {
            return Err(HexError::Form);
        }
        let (mut data, mut sum) = ([0; Self::MOST], command);
        let len = pairs.len() / 2 - 1;
        for (k, pair) in pairs.chunks_exact(2).enumerate() {
            let value = byte(pair[0], pair[1])?;
            sum = sum.wrapping_add(value);
            if k < len {
                data[k] = value;
            }
        }
        if sum == 0x55 { Ok(Self { command, len: len as u8, data }) } else { Err(HexError::Sum) }
    }

    /// The command or the kind of answer, 0 to 15.
    #[must_use]
    pub const fn command(&self) -> u8 {
        self.command
    }

    /// The bytes between command and sum.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data[..usize::from(self.len)]
    }

    /// What an instrument says by it.
    #[must_use]
    pub fn answer(&self) -> Answer<'_> {
        match (self.command, self.data()) {
            (7 | 8 | 0xA, &[low, high, 0, ref value @ ..]) => Answer::Register {
                register: u16::from_le_bytes([low, high]),
                value,
                asked: self.command != 0xA,
            },
            (7 | 8 | 0xA, &[low, high, flags, ..]) => {
                Answer::Refused { register: u16::from_le_bytes([low, high]), flags }
            }
            (1, data) => Answer::Done(data),
            (5, &[low, high]) => Answer::Version(u16::from_le_bytes([low, high])),
            (3 | 4, _) => Answer::NotUnderstood,
            _ => Answer::Other,
        }
    }
}

/// As it goes over the line, without its end: `:7F0ED0071`.
impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, ":{:X}", self.command)?;
        let sum = self.data().iter().fold(self.command, |sum, &byte| sum.wrapping_add(byte));
        self.data().iter().try_for_each(|byte| write!(f, "{byte:02X}"))?;
        write!(f, "{:02X}", 0x55_u8.wrapping_sub(sum))
    }
}

impl fmt::Debug for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
