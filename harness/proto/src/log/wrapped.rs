//! Logs that are no text as they stand: text in UTF-16, as PowerShell writes what it redirects, BLF of Vector, captures of Wireshark. Bytes
//! go in as they are read, lines come out; no more than one object of the log is held.

mod blf;
mod pcap;

use blf::Blf;
use pcap::Pcap;

/// Why it cannot be read on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WrappedError {
    /// something is not as the form has it
    #[error("the {form} is damaged behind byte {at}: {what}")]
    Damaged {
        /// what it is
        form: &'static str,
        /// where, counted from 0
        at: u64,
        /// what is wrong there
        what: &'static str,
    },
    /// a capture of another network
    #[error(
        "it is a capture of a network that is no CAN bus (link type {link}): capture the interface itself, such as `tcpdump -i can0 -w \
         battery.pcap`"
    )]
    NotCan {
        /// the number that tcpdump.org has for it
        link: u16,
    },
}

/// What unwraps a log.
#[derive(Debug)]
pub struct Unwrap(Kind);

#[derive(Debug)]
enum Kind {
    Utf16 { big_endian: bool, odd: Option<u8>, high: Option<u16> },
    Blf(Box<Blf>),
    Pcap(Box<Pcap>),
}

impl Unwrap {
    /// So many bytes tell whether a log is wrapped.
    pub const HEAD: usize = 4;

    /// Of the first bytes of a log; nothing where it is text as it stands, or of a kind that is not known here.
    #[must_use]
    pub fn of(head: &[u8]) -> Option<Self> {
        let utf16 = |big_endian| Some(Self(Kind::Utf16 { big_endian, odd: None, high: None }));
        match head {
            [0xFF, 0xFE, ..] => utf16(false),
            [0xFE, 0xFF, ..] => utf16(true),
            [1..=0xFF, 0, 1..=0xFF, 0, ..] => utf16(false),
            [0, 1..=0xFF, 0, 1..=0xFF, ..] => utf16(true),
            [b'L', b'O', b'G', b'G', ..] => Some(Self(Kind::Blf(Box::default()))),
            _ => Pcap::of(head).map(|pcap| Self(Kind::Pcap(Box::new(pcap)))),
        }
    }

    /// The form of what is inside, where it has a name of its own.
    #[must_use]
    pub const fn name(&self) -> Option<&'static str> {
        match self.0 {
            Kind::Utf16 { .. } => None,
            Kind::Blf(_) => Some("Vector BLF"),
            Kind::Pcap(_) => Some("Wireshark capture"),
        }
    }

    /// Takes the next bytes and appends the text that they make.
    ///
    /// # Errors
    /// Where the log is damaged; what was appended before stands.
    pub fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), WrappedError> {
        match &mut self.0 {
            Kind::Utf16 { big_endian, odd, high } => {
                for &byte in bytes {
                    let Some(first) = odd.take() else {
                        *odd = Some(byte);
                        continue;
                    };
                    let unit = if *big_endian { [first, byte] } else { [byte, first] };
                    letter(u16::from_be_bytes(unit), high, out);
                }
                Ok(())
            }
            Kind::Blf(blf) => blf.take(bytes, out),
            Kind::Pcap(pcap) => pcap.take(bytes, out),
        }
    }
}

/// Appends a letter of UTF-16 in UTF-8, once it is whole; the mark at the beginning is none.
fn letter(unit: u16, high: &mut Option<u16>, out: &mut Vec<u8>) {
    let pair = high.take().map(|high| [high, unit]);
    if pair.is_none() && (0xD800..0xDC00).contains(&unit) {
        *high = Some(unit);
        return;
    }
    let single = [unit];
    let units = pair.as_ref().map_or(&single[..], |pair| &pair[..]);
    for letter in char::decode_utf16(units.iter().copied()) {
        let letter = letter.unwrap_or(char::REPLACEMENT_CHARACTER);
        if letter != '\u{FEFF}' {
            out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
}

#[cfg(test)]
mod tests;
