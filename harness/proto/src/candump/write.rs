//! Writing logs.

use super::{Content, Direction, ERROR_FLAG, Record};
use crate::digits::fill;
use crate::frame::{CanId, Frame};
use crate::quantity::Micros;

/// Appends one data frame and its line end. The interface must be a name without white space.
pub fn write_line(out: &mut Vec<u8>, at: Micros, interface: &str, frame: &Frame) {
    write_head(out, at, interface);
    // Identifier, `#`, 16 digits and the line end.
    let mut text = [0; 26];
    let mut len = put_id(&mut text, frame.id());
    text[len] = b'#';
    len += 1;
    for &byte in frame.data() {
        text[len..len + 2].copy_from_slice(&HEX_PAIRS[usize::from(byte)]);
        len += 2;
    }
    text[len] = b'\n';
    out.extend_from_slice(&text[..=len]);
}

/// Appends one frame of any kind and its line end.
pub fn write_record(out: &mut Vec<u8>, record: &Record<'_>) {
    match (record.content, record.direction) {
        (Content::Data(frame), None) => return write_line(out, record.at, record.interface, &frame),
        (content, _) => {
            write_head(out, record.at, record.interface);
            write_content(out, &content);
        }
    }
    out.extend_from_slice(match record.direction {
        None => b"\n",
        Some(Direction::Received) => b" R\n",
        Some(Direction::Sent) => b" T\n",
    });
}

fn write_content(out: &mut Vec<u8>, content: &Content) {
    let (id, data) = match content {
        Content::Data(frame) => (frame.id(), frame.data()),
        Content::Remote { id, .. } => (*id, &[][..]),
        Content::Error { class, data } => (CanId::Extended(class | ERROR_FLAG), data.as_bytes()),
        Content::Fd(frame) => (frame.id(), frame.data()),
    };
    let mut text = [0; 8];
    let len = put_id(&mut text, id);
    out.extend_from_slice(&text[..len]);
    out.push(b'#');
    match content {
        Content::Remote { dlc: 0, .. } => out.push(b'R'),
        Content::Remote { dlc, .. } => out.extend_from_slice(&[b'R', b'0' + dlc.min(&8)]),
        Content::Fd(frame) => out.extend_from_slice(&[b'#', HEX_PAIRS[usize::from(frame.flags())][1]]),
        Content::Data(_) | Content::Error { .. } => {}
    }
    data.iter().for_each(|&byte| out.extend_from_slice(&HEX_PAIRS[usize::from(byte)]));
}

/// `(1436509052.249713) can0 `: seconds have ten digits or more, as in can-utils.
fn write_head(out: &mut Vec<u8>, at: Micros, interface: &str) {
    /// `(`, 14 digits of seconds, `.`, 6 digits, `)` and a space; the largest time has just 14 digits of seconds.
    const POINT: usize = 15;
    let mut text = *b"               .      ) ";
    let seconds = at.0 / 1_000_000;
    let count = seconds.checked_ilog10().map_or(0, |log| log as usize + 1).max(10);
    let first = POINT - count;
    text[first - 1] = b'(';
    fill(&mut text[first..POINT], seconds);
    fill(&mut text[POINT + 1..POINT + 7], at.0 % 1_000_000);
    out.extend_from_slice(&text[first - 1..]);
    out.extend_from_slice(interface.as_bytes());
    out.push(b' ');
}

fn put_id(text: &mut [u8], id: CanId) -> usize {
    match id {
        CanId::Standard(id) => {
            let [high, low] = id.to_be_bytes();
            text[0] = HEX_PAIRS[usize::from(high)][1];
            text[1..3].copy_from_slice(&HEX_PAIRS[usize::from(low)]);
            3
        }
        CanId::Extended(id) => {
            for (pair, byte) in text.chunks_exact_mut(2).zip(id.to_be_bytes()) {
                pair.copy_from_slice(&HEX_PAIRS[usize::from(byte)]);
            }
            8
        }
    }
}

/// The two upper-case digits of every byte.
static HEX_PAIRS: [[u8; 2]; 256] = {
    let digits = b"0123456789ABCDEF";
    let mut pairs = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        pairs[byte] = [digits[byte >> 4], digits[byte & 15]];
        byte += 1;
    }
    pairs
};
