//! From bytes to blocks and HEX frames, whatever came before.
//!
//! A record is `CR LF label TAB value`; a block ends with the record `Checksum`, whose value is one byte of any kind that
//! makes the sum of all bytes since the CR before the first label zero. A HEX frame, from `:` to its line feed, may stand
//! between blocks and anywhere inside; its bytes are in no sum.

use super::block::Block;
use super::hex::{Hex, HexError};

const CR: u8 = b'\r';
const LF: u8 = b'\n';
const TAB: u8 = b'\t';

/// What a byte completed.
#[derive(Debug, PartialEq)]
pub enum Piece<'a> {
    /// a block whose sum is right
    Block(&'a Block),
    /// a HEX frame whose sum is right
    Hex(Hex),
    /// a HEX frame that is none
    BadHex(HexError),
    /// a block that is none; nothing of it is a value
    BadBlock(Fault),
}

/// Why a block is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// its sum is wrong: bytes were lost or changed
    #[error("the sum of a block is wrong")]
    Sum,
    /// a record without a tab, or an empty one
    #[error("a record of a block has no value")]
    Record,
    /// a label stands twice under a sum that happens to be right: two blocks ran together
    #[error("a label stands twice in a block")]
    Twice,
    /// more than 512 bytes without a sum
    #[error("a block does not end")]
    TooLong,
    /// what was heard first began in the middle of a block: no fault of the line
    #[error("the first block was heard from its middle")]
    Cut,
}

/// What was heard so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// bytes of any kind
    pub bytes: u64,
    /// blocks whose sum is right
    pub blocks: u64,
    /// blocks that are none, without the first where it was cut. More than 1 in 1 000 is a fault of the wiring
    pub bad_blocks: u64,
    /// HEX frames whose sum is right
    pub hex: u64,
    /// HEX frames that are none
    pub bad_hex: u64,
    /// bytes that belong to no block and to no HEX frame: another bit rate, an inverted line, another instrument
    pub noise: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// between blocks
    Idle,
    /// a CR that may begin a block
    Began,
    Name,
    Value,
    /// the byte that makes the sum
    Sum,
}

/// Takes bytes one by one. Holds no more than a block and a HEX frame, however long noise lasts.
#[derive(Debug, Clone)]
pub struct Decoder {
    state: State,
    /// of the text so far
    sum: u8,
    /// bytes of the block so far
    length: usize,
    block: Block,
    /// a HEX frame that the text waits for
    hex: Option<usize>,
    digits: [u8; Hex::LONGEST],
    /// whether a whole block, or the remains of one, went by
    is_in_step: bool,
    counters: Counters,
}

impl Default for Decoder {
    fn default() -> Self {
        Self {
            state: State::Idle,
            sum: 0,
            length: 0,
            block: Block::new(),
            hex: None,
            digits: [0; Hex::LONGEST],
            is_in_step: false,
            counters: Counters::default(),
        }
    }
}

/// Whether bytes are of a VE.Direct line: a block, or some HEX frames of a product that sends nothing else.
#[must_use]
pub fn is_vedirect(bytes: &[u8]) -> bool {
    const ENOUGH_FRAMES: u64 = 3;
    let mut decoder = Decoder::default();
    bytes.iter().any(|&byte| {
        decoder.push(byte);
        decoder.counters.blocks > 0 || decoder.counters.hex >= ENOUGH_FRAMES
    })
}

impl Decoder {
    /// What was heard so far.
    #[must_use]
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Takes the next byte; says what it completed.
    pub fn push(&mut self, byte: u8) -> Option<Piece<'_>> {
        self.counters.bytes += 1;
        match self.hex {
            Some(count) => self.hex(count, byte),
            // Behind `Checksum TAB` any byte is the sum, also a colon.
            None if byte == b':' && self.state != State::Sum => {
                self.hex = Some(0);
                None
            }
            None => self.text(byte),
        }
    }

    fn hex(&mut self, count: usize, byte: u8) -> Option<Piece<'_>> {
        match byte {
            LF => {
                self.hex = None;
                Some(Self::frame(&mut self.counters, &self.digits[..count]))
            }
            // The line feed was lost. A CR is text in any case: that of the next record.
            CR => {
                self.hex = None;
                let frame = Self::frame(&mut self.counters, &self.digits[..count]);
                // Where it ends a block that is none, that goes first: both are counted.
                self.text(byte).map_or(Some(frame), Some)
            }
            b':' => {
                self.hex = Some(0);
                self.counters.bad_hex += 1;
                Some(Piece::BadHex(HexError::Form))
            }
            _ => {
                // Some chargers end one frame in thousands with 0xFE instead of a line feed.
                let is_over = !byte.is_ascii() || count == self.digits.len();
                if is_over {
                    self.hex = None;
                    self.counters.bad_hex += 1;
                    return Some(Piece::BadHex(HexError::Form));
                }
                self.digits[count] = byte;
                self.hex = Some(count + 1);
                None
            }
        }
    }

    fn frame<'a>(counters: &mut Counters, digits: &[u8]) -> Piece<'a> {
        match Hex::parse(digits) {
            Ok(hex) => {
                counters.hex += 1;
                Piece::Hex(hex)
            }
            Err(error) => {
                counters.bad_hex += 1;
                Piece::BadHex(error)
            }
        }
    }

    fn text(&mut self, byte: u8) -> Option<Piece<'_>> {
        self.sum = self.sum.wrapping_add(byte);
        self.length += 1;
        match (self.state, byte) {
            (State::Idle | State::Began, CR) => {
                self.counters.noise += u64::from(self.state == State::Began);
                self.begin();
                None
            }
            (State::Began, LF) => {
                self.state = State::Name;
                None
            }
            (State::Idle | State::Began, _) => {
                self.counters.noise += if self.state == State::Began { 2 } else { 1 };
                self.state = State::Idle;
                None
            }
            (State::Sum, _) => {
                self.state = State::Idle;
                self.end()
            }
            (State::Name, TAB) if self.block.record().eq_ignore_ascii_case(b"Checksum") => {
                self.block.drop_record();
                self.state = State::Sum;
                None
            }
            (State::Name, TAB) if !self.block.record().is_empty() => {
                self.state = State::Value;
                self.add(byte)
            }
            // An empty line before the first record is the line feed of something else.
            (State::Name, CR) if self.block.record().is_empty() && self.length == 3 => {
                self.begin();
                None
            }
            (State::Name, CR | LF | TAB) => self.fault(Fault::Record, byte),
            (State::Value, CR) => None,
            (State::Value, LF) => {
                self.state = State::Name;
                if self.block.next() { None } else { self.fault(Fault::TooLong, byte) }
            }
            (State::Name | State::Value, _) => self.add(byte),
        }
    }

    fn add(&mut self, byte: u8) -> Option<Piece<'_>> {
        if self.block.add(byte) && self.length <= Block::LONGEST {
            return None;
        }
        self.fault(Fault::TooLong, byte)
    }

    /// A CR that a block may begin with.
    fn begin(&mut self) {
        (self.state, self.sum, self.length) = (State::Began, CR, 1);
        self.block.clear();
    }

    /// The sum has come.
    fn end(&mut self) -> Option<Piece<'_>> {
        match (self.sum, self.block.has_twins()) {
            (0, false) => {
                self.is_in_step = true;
                self.counters.blocks += 1;
                Some(Piece::Block(&self.block))
            }
            (0, true) => Some(self.bad(Fault::Twice)),
            _ => Some(self.bad(Fault::Sum)),
        }
    }

    /// What came is no block; the byte at hand may begin one.
    fn fault(&mut self, fault: Fault, byte: u8) -> Option<Piece<'_>> {
        self.state = State::Idle;
        if byte == CR {
            self.begin();
        }
        Some(self.bad(fault))
    }

    fn bad<'a>(&mut self, fault: Fault) -> Piece<'a> {
        let is_cut = !core::mem::replace(&mut self.is_in_step, true);
        self.counters.bad_blocks += u64::from(!is_cut);
        Piece::BadBlock(if is_cut { Fault::Cut } else { fault })
    }
}
