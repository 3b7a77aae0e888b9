//! The line that nearly every line of a log is, read eight characters at a time:
//! `(1436509052.249713) can0 351#480200050005AE01`. Whatever differs from that is left to the careful reader.

use super::{Direction, HEX, NOT_HEX};
use crate::frame::{CanId, Frame};
use crate::quantity::Micros;

/// A data frame with an 11-bit identifier, its time with ten digits of seconds and six of their fraction.
pub(crate) struct Fast<'a> {
    pub(crate) at: Micros,
    /// printable bytes, not checked further
    pub(crate) interface: &'a [u8],
    /// whether that is the one that was tried first
    pub(crate) is_likely: bool,
    pub(crate) direction: Option<Direction>,
    pub(crate) frame: Frame,
}

/// `(`, ten digits, `.`, six digits, `)` and a space
const HEAD: usize = 20;

/// Reads a line without its end if it has that form. `likely` is the interface to try first.
#[inline]
pub(crate) fn fast<'a>(line: &'a [u8], likely: &[u8]) -> Option<Fast<'a>> {
    let (head, rest) = line.split_first_chunk::<HEAD>()?;
    let at = time(head, eight_digits(word(head, 1))?)?;
    let (len, is_likely) = match rest.get(likely.len()) {
        Some(b' ') if rest.starts_with(likely) => (likely.len(), true),
        _ => (rest.iter().position(|&b| b <= b' ').filter(|&len| len > 0 && rest[len] == b' ')?, false),
    };
    let (interface, rest) = rest.split_at(len);
    let (&[_, a, b, c, hash], digits) = rest.split_first_chunk::<5>()?;
    let id = identifier([a, b, c, hash])?;

    let (digits, direction) = directed(digits);
    let mut text = [b'0'; 16];
    if digits.len() % 2 == 1 {
        return None;
    }
    match digits.first_chunk::<16>() {
        Some(all) if digits.len() == 16 => text = *all,
        _ => text.get_mut(..digits.len())?.copy_from_slice(digits),
    }
    let data = eight_bytes([word(&text, 0), word(&text, 8)])?;
    let frame = Frame::from_parts(CanId::Standard(id), (digits.len() / 2) as u8, data);
    Some(Fast { at, interface, is_likely, direction, frame })
}

/// What most lines of a log have in common with those before them: the interface, the first digits of the time, and the
/// data of their identifier.
#[derive(Debug, Clone)]
pub(crate) struct Recent {
    /// the name of the interface with the blank behind it, and which bytes of the word it fills
    name: u64,
    mask: u64,
    length: usize,
    /// eight digits of the time, and their value
    time: (u64, u64),
    /// what every identifier last said: the text, and the bytes that it writes
    said: Box<[([u64; 2], [u8; 8]); 2048]>,
}

/// Such a line at the beginning of a block.
pub(crate) struct InBlock {
    pub(crate) at: Micros,
    pub(crate) direction: Option<Direction>,
    pub(crate) frame: Frame,
    /// how long the line is with its end
    pub(crate) length: usize,
}

impl Recent {
    pub(crate) fn new() -> Self {
        // No interface has this name, and no text is all zeros.
        let said = Box::new([([0; 2], [0; 8]); 2048]);
        Self { name: u64::MAX, mask: u64::MAX, length: 0, time: (0, 0), said }
    }

    /// The interface of the lines to come; a long name is left to the careful reader.
    pub(crate) fn of(&mut self, name: &str) {
        let (mut word, length) = ([0; 8], name.len() + 1);
        (self.name, self.mask, self.length) = match word.get_mut(..length) {
            Some(place) => {
                place.copy_from_slice(&[name.as_bytes(), b" "].concat());
                (u64::from_le_bytes(word), u64::MAX >> (64 - 8 * length), length)
            }
            None => (u64::MAX, u64::MAX, 0),
        };
    }

    /// Reads the line at the beginning of a block, whose end is a line feed, if it has that form and this interface.
    #[inline(always)]
    pub(crate) fn line_of(&mut self, block: &[u8]) -> Option<InBlock> {
        /// no such line is longer, with the longest name, a direction and its end
        const LONGEST: usize = 64;
        let block = block.first_chunk::<LONGEST>()?;
        if (word(block, HEAD) ^ self.name) & self.mask != 0 {
            return None;
        }
        let at = self.time(block.first_chunk()?)?;
        let place = HEAD + self.length;
        let (head, text) = block.get(place..)?.split_first_chunk::<4>()?;
        let id = identifier(*head)?;
        let text = text.first_chunk::<19>()?;
        let place = place + 4;
        if text[16] == b'\n' {
            let frame =
                Frame::from_parts(CanId::Standard(id), 8, self.data(id, [word(text, 0), word(text, 8)])?);
            return Some(InBlock { at, direction: None, frame, length: place + 17 });
        }
        self.shorter(id, at, text, place)
    }

    /// The same for fewer bytes than eight, or with a direction behind them.
    #[inline]
    fn shorter(&mut self, id: u16, at: Micros, text: &[u8; 19], place: usize) -> Option<InBlock> {
        let end =
            line_feed(word(text, 0), word(text, 8)).or_else(|| text.iter().position(|&b| b == b'\n'))?;
        let (digits, direction) = directed(text[..end].strip_suffix(b"\r").unwrap_or(&text[..end]));
        let count = digits.len();
        if count % 2 == 1 || count > 16 {
            return None;
        }
        // What stands behind the digits is taken for zeros.
        let cut = |text: u64, digits: usize| match digits {
            0 => ONES * 0x30,
            1..8 => text & !(u64::MAX << (8 * digits)) | (ONES * 0x30) << (8 * digits),
            _ => text,
        };
        let data = self.data(id, [cut(word(text, 0), count), cut(word(text, 8), count.saturating_sub(8))])?;
        let frame = Frame::from_parts(CanId::Standard(id), (count / 2) as u8, data);
        Some(InBlock { at, direction, frame, length: place + end + 1 })
    }

    #[inline(always)]
    fn time(&mut self, head: &[u8; HEAD]) -> Option<Micros> {
        let first = word(head, 1);
        if first != self.time.0 {
            self.time = (first, eight_digits(first)?);
        }
        time(head, self.time.1)
    }

    #[inline(always)]
    fn data(&mut self, id: u16, now: [u64; 2]) -> Option<[u8; 8]> {
        let (said, data) = &mut self.said[usize::from(id & 0x7FF)];
        if *said != now {
            *data = eight_bytes(now)?;
            *said = now;
        }
        Some(*data)
    }
}

/// `(1436509052.249713) `, where the first eight digits are known.
#[inline(always)]
fn time(head: &[u8; HEAD], high: u64) -> Option<Micros> {
    if (head[0], head[11], head[18], head[19]) != (b'(', b'.', b')', b' ') {
        return None;
    }
    // Two digits of seconds and six of the fraction, with the point between them taken out.
    let low = eight_digits(word(head, 10) & !0xFFFF | u64::from(head[9]) | u64::from(head[10]) << 8)?;
    Some(Micros(high * 100_000_000 + low))
}

/// `351#`
#[inline(always)]
fn identifier([a, b, c, hash]: [u8; 4]) -> Option<u16> {
    let [a, b, c] = [a, b, c].map(|digit| HEX[usize::from(digit)]);
    if a > 7 || b == NOT_HEX || c == NOT_HEX || hash != b'#' {
        return None;
    }
    Some(u16::from(a) << 8 | u16::from(b) << 4 | u16::from(c))
}

/// The digits, without the direction behind them.
#[inline(always)]
fn directed(text: &[u8]) -> (&[u8], Option<Direction>) {
    match text {
        [digits @ .., b' ', b'R'] => (digits, Some(Direction::Received)),
        [digits @ .., b' ', b'T'] => (digits, Some(Direction::Sent)),
        _ => (text, None),
    }
}

/// The bytes that sixteen digits write.
#[inline]
fn eight_bytes([first, last]: [u64; 2]) -> Option<[u8; 8]> {
    let (first, last) = (four_bytes(first)?, four_bytes(last)?);
    Some((u64::from(last) << 32 | u64::from(first)).to_le_bytes())
}

#[inline(always)]
fn word<const N: usize>(bytes: &[u8; N], at: usize) -> u64 {
    let mut eight = [0; 8];
    eight.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(eight)
}

/// One in every byte of a word.
const ONES: u64 = 0x0101_0101_0101_0101;

/// Where the first line feed is in two words.
#[inline(always)]
fn line_feed(first: u64, last: u64) -> Option<usize> {
    // The lowest byte that is zero has its top bit set, and none below it.
    let found = |word: u64| {
        let other = word ^ (ONES * 0x0A);
        other.wrapping_sub(ONES) & !other & (ONES * 0x80)
    };
    let place = |found: u64| (found != 0).then(|| found.trailing_zeros() as usize / 8);
    place(found(first)).or_else(|| place(found(last)).map(|place| 8 + place))
}

/// The number that eight decimal digits write, the first of them in the lowest byte.
#[inline(always)]
fn eight_digits(text: u64) -> Option<u64> {
    let digits = text ^ (ONES * 0x30);
    // A digit stays below 16 also with 6 added; no sum reaches the next byte before this has seen it.
    if (digits | digits.wrapping_add(ONES * 6)) & (ONES * 0xF0) != 0 {
        return None;
    }
    // Pairs, then fours, then all: each step multiplies the earlier half and adds the later one.
    let pairs = digits * 10 + (digits >> 8);
    let (even, odd) = (pairs & 0x0000_00FF_0000_00FF, pairs >> 16 & 0x0000_00FF_0000_00FF);
    Some(
        (even.wrapping_mul(100 + (1_000_000 << 32)).wrapping_add(odd.wrapping_mul(1 + (10_000 << 32)))) >> 32,
    )
}

/// The four bytes that eight hexadecimal digits of either case write, the first of each in the lowest byte.
#[inline(always)]
fn four_bytes(text: u64) -> Option<u32> {
    let is_letter = text >> 6 & ONES;
    let low = text & (ONES * 0x0F);
    // `0` to `9` are 30 to 39, letters 41 to 46 and 61 to 66. So exactly one of the bits 10 and 40 is set, a digit
    // has bit 20, the top bit is clear; the lower half is at most 9 or 6, and not 0 in a letter.
    let shape = (text >> 4 ^ text >> 6) & (text >> 5 | text >> 6) & !(text >> 7);
    let too_large = low + ONES * 6 + is_letter * 3;
    let not_zero = (low + ONES * 0x0F) >> 4 | !is_letter;
    if shape & !(too_large >> 4) & not_zero & ONES != ONES {
        return None;
    }
    let digits = low + is_letter * 9;
    let bytes = (digits << 4 | digits >> 8) & 0x00FF_00FF_00FF_00FF;
    let pairs = (bytes | bytes >> 8) & 0x0000_FFFF_0000_FFFF;
    Some((pairs | pairs >> 16) as u32)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::candump::{Content, Reader};

    /// Every byte in every place, against the table.
    #[test]
    fn only_digits_are_digits() {
        for place in 0..8 {
            for byte in 0..=255u8 {
                let mut text = *b"00000000";
                text[place] = byte;
                let decimal = (byte as char).to_digit(10).map(|d| u64::from(d) * 10u64.pow(7 - place as u32));
                assert_eq!(eight_digits(word(&text, 0)), decimal, "{byte:#x} at {place}");
                let hexadecimal = (byte as char).to_digit(16).map(|d| d.wrapping_shl(4 * (7 - place as u32)));
                let read = four_bytes(word(&text, 0)).map(|bytes| u32::from_be_bytes(bytes.to_le_bytes()));
                assert_eq!(read, hexadecimal, "{byte:#x} at {place}");
            }
        }
    }

    proptest! {
        /// Where the fast reader reads a line, the careful one reads the same.
        #[test]
        fn never_another_opinion(
            at in 0..48usize, byte in any::<u8>(), cut in 0..48usize, which in 0..4usize, likely in 0..3usize, cr in any::<bool>(),
        ) {
            let mut line = [
                "(1436509052.249713) vcan0 044#2A366C2BBA",
                "(1436509052.249713) can0 351#480200050005AE01 R",
                "(0000000000.000001) can0 35e#",
                "(9999999999.999999) can11 7FF#aAbBcCdDeEfF0123",
            ][which].as_bytes().to_vec();
            if let Some(place) = line.get_mut(at) {
                *place = byte;
            }
            line.truncate(line.len() - cut.min(8));
            let likely = ["can0", "", "can11"][likely];
            let mut recent = Recent::new();
            recent.of(likely);
            let likely = likely.as_bytes();
            let mut block = [&line, &b"\r\n"[usize::from(!cr)..], &[b'x'; 64]].concat();
            // Once more: what it has seen before changes nothing.
            for _ in 0..2 {
                let Some(InBlock { at, direction, frame, length }) = recent.line_of(&block) else { continue };
                let end = block.iter().position(|&b| b == b'\n').expect("a line");
                prop_assert_eq!(length, end + 1);
                let record = Reader { line: block[..end].trim_ascii_end(), at: 1 }.record().expect("read before");
                prop_assert_eq!((record.at, record.interface.as_bytes(), record.direction), (at, likely, direction));
                prop_assert_eq!(record.content, Content::Data(frame));
            }
            // Another line of the same identifier.
            if let Some(place) = block.get_mut(at) {
                *place = place.wrapping_add(1);
                prop_assert_eq!(
                    recent.line_of(&block).map(|found| (found.at, found.frame, found.length)),
                    Recent { said: Recent::new().said, ..recent.clone() }.line_of(&block).map(|found| (found.at, found.frame, found.length))
                );
            }
            if let Some(Fast { at, interface, is_likely, direction, frame }) = fast(line.trim_ascii_end(), likely)
                && core::str::from_utf8(interface).is_ok()
            {
                prop_assert_eq!(is_likely, interface == likely);
                let record = Reader { line: line.trim_ascii_end(), at: 1 }.record().expect("the fast reader read it");
                prop_assert_eq!((record.at, record.interface.as_bytes(), record.direction), (at, interface, direction));
                prop_assert_eq!(record.content, Content::Data(frame));
            }
        }

        #[test]
        fn numbers(number in 0..100_000_000u64, bytes in any::<u32>()) {
            prop_assert_eq!(eight_digits(word(format!("{number:08}").as_bytes().first_chunk::<8>().expect("eight"), 0)), Some(number));
            for text in [format!("{bytes:08x}"), format!("{bytes:08X}")] {
                let read = four_bytes(word(text.as_bytes().first_chunk::<8>().expect("eight"), 0));
                prop_assert_eq!(read, Some(bytes.swap_bytes()));
            }
        }
    }
}
