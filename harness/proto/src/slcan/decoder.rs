//! From bytes to lines, whatever came before.

use super::{BEL, CR};

/// The longest line: a data frame of 8 bytes with 29 bits of identifier and a time.
pub const LONGEST: usize = 1 + 8 + 1 + 16 + 4;

/// What a byte completed.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// a line, without its CR
    Line(&'a [u8]),
    /// BEL: a command was refused; what stood before it on its line was noise
    Refused,
    /// a line longer than any, thrown away
    Noise,
}

/// Takes bytes one by one; holds no more than one line, so noise without an end costs no memory.
#[derive(Debug, Clone)]
pub struct Decoder {
    line: [u8; LONGEST],
    len: usize,
    too_long: bool,
}

impl Default for Decoder {
    fn default() -> Self {
        Self { line: [0; LONGEST], len: 0, too_long: false }
    }
}

impl Decoder {
    /// Takes the next byte; says what it completed. Line feeds, which some firmware adds, are left out.
    pub fn push(&mut self, byte: u8) -> Option<Piece<'_>> {
        match byte {
            CR => {
                let (len, too_long) = (self.len, self.too_long);
                (self.len, self.too_long) = (0, false);
                Some(if too_long { Piece::Noise } else { Piece::Line(&self.line[..len]) })
            }
            BEL => {
                (self.len, self.too_long) = (0, false);
                Some(Piece::Refused)
            }
            b'\n' => None,
            _ => {
                match self.line.get_mut(self.len) {
                    Some(place) => {
                        *place = byte;
                        self.len += 1;
                    }
                    None => self.too_long = true,
                }
                None
            }
        }
    }
}
