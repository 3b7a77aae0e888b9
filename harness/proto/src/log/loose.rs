//! A console whose form nobody knows: a line that ends in data bytes behind an identifier, with words between that programs
//! put there, is a frame. It is tried where no form that is known reads anything.

use super::cursor::{hex_number, identifier};
use super::pattern::{byte, find, time_of_day};
use super::{Parsed, Reader, Stamp};
use crate::candump::{Content, Expected, LineError};
use crate::frame::Frame;

/// Words between identifier and data, in lower case.
const WORDS: [&[u8]; 18] = [
    b"data", b"hex", b"buffer", b"buf", b"dlc", b"len", b"length", b"size", b"payload", b"bytes", b"rx",
    b"tx", b"std", b"ext", b"rtr", b"false", b"l", b"d",
];

/// How an identifier may be announced, in lower case; `0x` before it says enough.
const NAMES: [&[u8]; 5] = [b"id", b"canid", b"can_id", b"can-id", b"identifier"];

pub(super) fn parse(line: &[u8]) -> Result<Parsed<'_>, LineError> {
    match read(line) {
        Some(parsed) => Ok(parsed),
        // Consoles say much else.
        None if find(line, b"0x").is_none() => Ok(Parsed::Nothing),
        None => Err(LineError::new(line, 0, Expected::AnyFrame)),
    }
}

/// A piece of the line between what separates.
#[derive(Clone, Copy)]
struct Token<'a> {
    text: &'a [u8],
    at: usize,
}

fn read(line: &[u8]) -> Option<Parsed<'_>> {
    let mut named = false;
    let mut found = None;
    let mut rest = Some(Token { text: &line[..0], at: 0 });
    // The first identifier behind which nothing but announced words and bytes stands.
    while let Some(token) = rest {
        let next = token_from(line, token.at + token.text.len());
        if let Some(id) = id(token.text, named)
            && let Some(frame) = frame(line, token, id)
        {
            found = Some(frame);
            break;
        }
        if !token.text.is_empty() {
            named = NAMES.iter().any(|name| token.text.eq_ignore_ascii_case(name));
        }
        rest = next;
    }
    let stamp = (0..line.len().min(24)).find_map(|at| time_of_day(&line[at..])).and_then(|(_, time)| time);
    Some(Parsed::Frame(stamp.map_or(Stamp::Absent, Stamp::At), Reader::UNNAMED, None, Content::Data(found?)))
}

fn token_from(line: &[u8], from: usize) -> Option<Token<'_>> {
    let is_part = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.') || *b >= 0x80;
    let start = from + line.get(from..)?.iter().position(is_part)?;
    let length = line[start..].iter().position(|b| !is_part(b)).unwrap_or(line.len() - start);
    Some(Token { text: &line[start..start + length], at: start })
}

fn id(text: &[u8], named: bool) -> Option<(u32, bool)> {
    let bare = text.strip_prefix(b"0x").or_else(|| text.strip_prefix(b"0X"));
    let digits = bare.or(named.then_some(text))?;
    let value = hex_number(digits).filter(|_| digits.len() >= 3)?;
    Some((value, value > 0x7FF || digits.len() > 4))
}

fn frame(line: &[u8], id: Token<'_>, (number, extended): (u32, bool)) -> Option<Frame> {
    let mut at = id.at + id.text.len();
    let (mut announced, mut length) = (false, None);
    loop {
        let token = token_from(line, at)?;
        let known = WORDS.iter().any(|word| token.text.eq_ignore_ascii_case(word));
        let is_length = matches!(token.text, [b'0'..=b'8']) && length.is_none();
        if known {
            announced = matches!(
                token.text.to_ascii_lowercase().as_slice(),
                b"dlc" | b"len" | b"length" | b"size" | b"l"
            );
        } else if is_length && (announced || line.get(token.at.wrapping_sub(1)) == Some(&b'[')) {
            length = Some(usize::from(token.text[0] - b'0'));
            announced = false;
        } else {
            at = token.at;
            break;
        }
        at = token.at + token.text.len();
    }
    let mut rest = &line[at..];
    let (mut data, mut count) = ([0; 8], 0);
    while count < length.unwrap_or(8) {
        let Some(value) = byte(&mut rest) else { break };
        data[count] = value;
        count += 1;
    }
    let whole = length.is_none_or(|length| length == count) && count > 0 && byte(&mut rest).is_none();
    Frame::new(identifier(number, extended)?, data.get(..count).filter(|_| whole)?)
}
