//! CSV of python-can: `timestamp,arbitration_id,extended,remote,error,dlc,data`, the data in base64.

use super::cursor::{hex_number, identifier, seconds};
use super::{Parsed, Reader, Stamp};
use crate::candump::{Content, Expected, FdFrame, LineError};
use crate::frame::{CanId, Frame};
use crate::message::Payload;

const HEADER: &[u8] = b"timestamp,arbitration_id,extended,remote,error,dlc,data";
const COLUMNS: usize = 7;

pub(super) fn parse(line: &[u8]) -> Result<Parsed<'_>, LineError> {
    if line == HEADER {
        return Ok(Parsed::Nothing);
    }
    let fail = |at: usize, expected: Expected| Err(LineError::new(line, at, expected));
    let mut columns = [&line[..0]; COLUMNS];
    let mut starts = [0; COLUMNS];
    let (mut count, mut start) = (0, 0);
    for column in line.split(|&b| b == b',') {
        if count == COLUMNS {
            return fail(start, Expected::CsvRow);
        }
        (columns[count], starts[count]) = (column, start);
        count += 1;
        start += column.len() + 1;
    }
    if count < COLUMNS {
        return fail(line.len(), Expected::CsvRow);
    }

    let Some(at) = seconds(columns[0]) else { return fail(0, Expected::DecimalSeconds) };
    let flag = |column: usize| match columns[column] {
        b"0" => Ok(false),
        b"1" => Ok(true),
        _ => Err(LineError::new(line, starts[column], Expected::ZeroOrOne)),
    };
    let (extended, remote, error) = (flag(2)?, flag(3)?, flag(4)?);
    let number = columns[1].strip_prefix(b"0x").and_then(hex_number);
    // Error classes need the width of 29 bits, whatever the row says of it.
    let Some(id) = number.and_then(|id| identifier(id, extended || error)) else {
        return fail(starts[1], Expected::CsvIdentifier);
    };
    let dlc = match *columns[5] {
        [ones @ b'0'..=b'9'] => ones - b'0',
        [tens @ b'1'..=b'6', ones @ b'0'..=b'9'] => (tens - b'0') * 10 + (ones - b'0'),
        _ => return fail(starts[5], Expected::SixtyFourBytes),
    };
    if remote {
        return match dlc {
            0..=8 => Ok(frame(at, Content::Remote { id, dlc })),
            _ => fail(starts[5], Expected::EightBytes),
        };
    }
    let mut data = [0; 64];
    let Some(data) = data.get_mut(..usize::from(dlc)) else {
        return fail(starts[5], Expected::SixtyFourBytes);
    };
    if base64(columns[6], data).is_none() {
        return fail(starts[6], Expected::Base64);
    }
    let content = match (id, error) {
        (CanId::Extended(class), true) => {
            Payload::from_slice(data).map(|data| Content::Error { class, data })
        }
        _ => match Frame::new(id, data) {
            Some(frame) => Some(Content::Data(frame)),
            // The row does not say CAN FD; its length does, where it is more than 8. Its flags are not written.
            None => FdFrame::new(id, 0, data).map(Content::Fd),
        },
    };
    content.map_or_else(|| fail(starts[5], Expected::EightBytes), |content| Ok(frame(at, content)))
}

fn frame(at: crate::quantity::Micros, content: Content) -> Parsed<'static> {
    Parsed::Frame(Stamp::At(at), Reader::UNNAMED, None, content)
}

/// Fills the places with the bytes of a text that holds exactly as many, padding included.
fn base64(text: &[u8], places: &mut [u8]) -> Option<()> {
    if text.len() != places.len().div_ceil(3) * 4 {
        return None;
    }
    for (four, three) in text.chunks_exact(4).zip(places.chunks_mut(3)) {
        let (used, padding) = four.split_at(three.len() + 1);
        if padding.iter().any(|&b| b != b'=') {
            return None;
        }
        let bits = used.iter().try_fold(0, |bits, &b| Some(bits << 6 | u32::from(six_bits(b)?)))?;
        let unused = used.len() * 6 - three.len() * 8;
        if bits & ((1 << unused) - 1) != 0 {
            return None;
        }
        let [_, bytes @ ..] = (bits << (32 - used.len() * 6) >> 8).to_be_bytes();
        three.copy_from_slice(&bytes[..three.len()]);
    }
    Some(())
}

const fn six_bits(byte: u8) -> Option<u8> {
    Some(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
}
