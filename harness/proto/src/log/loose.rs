//! A console whose form nobody knows: a line that ends in data bytes behind an identifier, with words between that programs
//! put there, is a frame. It is tried where no form that is known reads anything.

use super::cursor::identifier;
use super::numbers::Numbers;
use super::pattern::{clock_of, find};
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

pub(super) fn parse(line: &[u8], numbers: Numbers) -> Result<Parsed<'_>, LineError> {
    match read(line, numbers) {
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

fn read(line: &[u8], numbers: Numbers) -> Option<Parsed<'_>> {
    let mut named = false;
    let mut found = None;
    let mut rest = Some(Token { text: &line[..0], at: 0 });
    // The first identifier behind which nothing but announced words and bytes stands.
    while let Some(token) = rest {
        let next = token_from(line, token.at + token.text.len());
        if let Some(id) = id(token.text, named, numbers)
            && let Some(frame) = frame(line, token, id, numbers)
        {
            found = Some(frame);
            break;
        }
        if !token.text.is_empty() {
            named = NAMES.iter().any(|name| token.text.eq_ignore_ascii_case(name));
        }
        rest = next;
    }
    Some(Parsed::Frame(
        clock_of(line).map_or(Stamp::Absent, Stamp::At),
        Reader::UNNAMED,
        None,
        Content::Data(found?),
    ))
}

fn token_from(line: &[u8], from: usize) -> Option<Token<'_>> {
    let is_part = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.') || *b >= 0x80;
    let start = from + line.get(from..)?.iter().position(is_part)?;
    let length = line[start..].iter().position(|b| !is_part(b)).unwrap_or(line.len() - start);
    Some(Token { text: &line[start..start + length], at: start })
}

fn id(text: &[u8], named: bool, numbers: Numbers) -> Option<u32> {
    let bare = text.strip_prefix(b"0x").or_else(|| text.strip_prefix(b"0X"));
    let digits = bare.or(named.then_some(text))?;
    numbers.id.number(text).filter(|_| digits.len() >= 3)
}

fn frame(line: &[u8], id: Token<'_>, number: u32, numbers: Numbers) -> Option<Frame> {
    let mut at = id.at + id.text.len();
    let (mut announced, mut length) = (false, None);
    loop {
        let token = token_from(line, at)?;
        let is_name = line.get(token.at + token.text.len()) == Some(&b'=');
        let known = is_name || WORDS.iter().any(|word| token.text.eq_ignore_ascii_case(word));
        let is_length = matches!(token.text, [b'0'..=b'8']) && length.is_none();
        if known {
            announced = matches!(
                token.text.to_ascii_lowercase().as_slice(),
                b"dlc" | b"len" | b"length" | b"size" | b"l"
            );
        } else if is_length
            && (announced
                || line.get(token.at.wrapping_sub(1)) == Some(&b'[')
                || counts(line, token, numbers))
        {
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
        let Some(value) = numbers.data.byte(&mut rest) else { break };
        data[count] = value;
        count += 1;
    }
    let whole =
        length.is_none_or(|length| length == count) && count > 0 && numbers.data.byte(&mut rest).is_none();
    // Nobody knows whether the digits of an unknown program tell the width.
    Frame::new(identifier(number, number > 0x7FF)?, data.get(..count).filter(|_| whole)?)
}

/// Whether a digit counts the bytes behind it, each of which has two digits: `8 48 02 00 05 00 05 AE 01`.
fn counts(line: &[u8], digit: Token<'_>, numbers: Numbers) -> bool {
    let mut rest = &line[digit.at + 1..];
    let mut count = 0;
    loop {
        let before = rest.len();
        match numbers.data.byte(&mut rest) {
            Some(_) if before - rest.len() >= 3 => count += 1,
            Some(_) => return false,
            None => return count == digit.text[0] - b'0' && count > 0,
        }
    }
}
