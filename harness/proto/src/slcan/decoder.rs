//! From bytes to lines, whatever came before.

use super::{BEL, CR};

/// The longest line: a data frame of 8 bytes with 29 bits of identifier and a time.
pub const LONGEST: usize = 1 + 8 + 1 + 16 + 4;

/// What a byte completed.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// a line, without its end
    Line(&'a [u8]),
    /// BEL: a command was refused; what stood before it on its line was noise
    Refused,
    /// a line longer than any, thrown away but for how it began
    Noise(&'a [u8]),
}

/// Takes bytes one by one; holds no more than one line, so noise without an end costs no memory.
#[derive(Debug, Clone)]
pub struct Decoder {
    line: [u8; LONGEST],
    len: usize,
    too_long: bool,
    /// the last byte was CR: a line feed right behind it belongs to it
    after_cr: bool,
}

impl Default for Decoder {
    fn default() -> Self {
        Self { line: [0; LONGEST], len: 0, too_long: false, after_cr: false }
    }
}

impl Decoder {
    /// Takes the next byte; says what it completed. A line ends with CR; some firmware adds a line feed, and some sends a
    /// line feed instead. NUL is padding: where a bad line made it of another byte, the line is one short, and no frame.
    pub fn push(&mut self, byte: u8) -> Option<Piece<'_>> {
        if byte == 0 {
            return None;
        }
        let after_cr = std::mem::replace(&mut self.after_cr, byte == CR);
        match byte {
            b'\n' if after_cr => None,
            CR | b'\n' => {
                let (len, too_long) = (self.len, self.too_long);
                (self.len, self.too_long) = (0, false);
                let line = &self.line[..len];
                Some(if too_long { Piece::Noise(line) } else { Piece::Line(line) })
            }
            BEL => {
                (self.len, self.too_long) = (0, false);
                Some(Piece::Refused)
            }
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
