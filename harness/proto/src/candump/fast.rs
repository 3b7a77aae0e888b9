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

/// Reads a line without its end if it has that form. `likely` is the interface to try first.
#[inline]
pub(crate) fn fast<'a>(line: &'a [u8], likely: &[u8]) -> Option<Fast<'a>> {
    /// `(`, ten digits, `.`, six digits, `)` and a space
    const HEAD: usize = 20;
    let (head, rest) = line.split_first_chunk::<HEAD>()?;
    if (head[0], head[11], head[18], head[19]) != (b'(', b'.', b')', b' ') {
        return None;
    }
    let high = eight_digits(word(head, 1))?;
    // Two digits of seconds and six of the fraction, with the point between them taken out.
    let low = eight_digits(word(head, 10) & !0xFFFF | u64::from(head[9]) | u64::from(head[10]) << 8)?;
    let at = Micros(high * 100_000_000 + low);

    let (len, is_likely) = match rest.get(likely.len()) {
        Some(b' ') if rest.starts_with(likely) => (likely.len(), true),
        _ => (rest.iter().position(|&b| b <= b' ').filter(|&len| len > 0 && rest[len] == b' ')?, false),
    };
    let (interface, rest) = rest.split_at(len);
    let (&[_, a, b, c, b'#'], digits) = rest.split_first_chunk::<5>()? else { return None };
    let [a, b, c] = [a, b, c].map(|digit| HEX[usize::from(digit)]);
    if a > 7 || b == NOT_HEX || c == NOT_HEX {
        return None;
    }
    let id = CanId::Standard(u16::from(a) << 8 | u16::from(b) << 4 | u16::from(c));

    let (digits, direction) = match digits {
        [digits @ .., b' ', b'R'] => (digits, Some(Direction::Received)),
        [digits @ .., b' ', b'T'] => (digits, Some(Direction::Sent)),
        _ => (digits, None),
    };
    let mut text = [b'0'; 16];
    if digits.len() % 2 == 1 {
        return None;
    }
    match digits.first_chunk::<16>() {
        Some(all) if digits.len() == 16 => text = *all,
        _ => text.get_mut(..digits.len())?.copy_from_slice(digits),
    }
    let (first, last) = (four_bytes(word(&text, 0))?, four_bytes(word(&text, 8))?);
    let data = (u64::from(last) << 32 | u64::from(first)).to_le_bytes();
    Some(Fast {
        at,
        interface,
        is_likely,
        direction,
        frame: Frame::from_parts(id, (digits.len() / 2) as u8, data),
    })
}

#[inline]
fn word<const N: usize>(bytes: &[u8; N], at: usize) -> u64 {
    let mut eight = [0; 8];
    eight.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(eight)
}

/// One in every byte of a word.
const ONES: u64 = 0x0101_0101_0101_0101;

/// The number that eight decimal digits write, the first of them in the lowest byte.
#[inline]
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
            at in 0..48usize, byte in any::<u8>(), cut in 0..48usize, which in 0..4usize, likely in 0..3usize,
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
            let likely = [&b"can0"[..], b"", b"can11"][likely];
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
