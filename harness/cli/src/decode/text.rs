//! A frame as a line for people, in columns: when, where, identifier, data, message, fields.

use std::io::Write;

use proto::bus::{ErrorFrame, ErrorKind};
use proto::frame::{CanId, Frame};
use proto::log::{Content, Entry, Reader};
use proto::message::{MessageSpec, Pair, Value, fields};
use proto::nmea2000;

/// Appends the line, with a `*` behind each byte that is marked. Writing into memory cannot fail, so results are not looked at.
pub(super) fn frame(
    out: &mut Vec<u8>,
    entry: &Entry,
    reader: &Reader,
    changed: u8,
    whole: Option<&nmea2000::Message>,
) {
    let seconds = entry.at.0 / 1_000_000;
    let micros = entry.at.0 % 1_000_000;
    let _ = write!(
        out,
        "{seconds:>10}.{micros:06}  {:<5} ",
        evidence::text::plain(reader.interface(entry.interface))
    );
    match &entry.content {
        Content::Data(frame) => {
            head(out, frame.id(), frame.data(), changed);
            message(out, frame, entry);
            if let Some(whole) = whole {
                ve_can(out, whole);
            }
        }
        Content::Remote { id, dlc } => {
            head(out, *id, &[], 0);
            let _ = write!(out, "remote request for {dlc} bytes");
        }
        Content::Error { class, data } => {
            head(out, CanId::Extended(*class), data.as_bytes(), 0);
            let error = ErrorFrame::of(&entry.content);
            let kinds =
                error.iter().flat_map(|error| error.kinds().map(ErrorKind::words).collect::<Vec<_>>());
            let kinds: Vec<&str> = kinds.collect();
            let _ = write!(out, "error frame: {}", kinds.join(", "));
        }
        Content::Fd(frame) => {
            head(out, frame.id(), &[], 0);
            let _ = write!(
                out,
                "CAN FD, which the protocol does not know (P 1.2): {} bytes ",
                frame.data().len()
            );
            frame.data().iter().for_each(|byte| drop(write!(out, "{byte:02X}")));
        }
    }
    while out.last() == Some(&b' ') {
        out.pop();
    }
    out.push(b'\n');
}

/// Identifier and data; 29-bit identifiers are as wide as they are, so that they stand out.
fn head(out: &mut Vec<u8>, id: CanId, data: &[u8], changed: u8) {
    let _ = write!(out, "{:>8}  ", id.to_string());
    for place in 0..8 {
        let _ = match data.get(place) {
            Some(byte) if changed >> place & 1 == 1 => write!(out, "{byte:02X}*"),
            Some(byte) => write!(out, "{byte:02X} "),
            None => write!(out, "   "),
        };
    }
    out.push(b' ');
}

fn message(out: &mut Vec<u8>, frame: &Frame, entry: &Entry) {
    let Some(spec) = MessageSpec::of(frame.id()) else {
        let width = match frame.id() {
            CanId::Standard(_) => "not in the document",
            CanId::Extended(_) => "29-bit identifier",
        };
        let _ = write!(out, "{width}");
        if let Some(note) = super::note(entry) {
            let _ = write!(out, "; {note}");
        }
        return;
    };
    let _ = write!(out, "{:<20} ", spec.name);
    let mut pairs: [Vec<&str>; 4] = Default::default();
    let mut first = true;
    for field in fields(frame) {
        if let Value::Pair(pair) = field.value {
            pairs[pair as usize].push(field.spec.name);
            continue;
        }
        let separator = if first { "" } else { ", " };
        let _ = write!(out, "{separator}{} ", field.spec.name);
        let _ = match field.value {
            Value::Text(text) => write!(out, "\"{text}\""),
            _ => write!(out, "{field}"),
        };
        first = false;
    }
    // 32 pairs are read best by what they say, the urgent ones first.
    for pair in [Pair::Active, Pair::Ok, Pair::NotSupported0, Pair::NotSupported3] {
        let names = &pairs[pair as usize];
        if names.len() == spec.fields.len() {
            let _ = write!(out, "all {} pairs {pair}", names.len());
        } else if !names.is_empty() {
            let _ = write!(out, "{}{pair}: {}", if first { "" } else { "; " }, names.join(" "));
            first = false;
        }
    }
}

/// What a message of VE.Can says, behind its name: of many equal fields, such as the indicators of a bank of switches, those that
/// are available.
fn ve_can(out: &mut Vec<u8>, message: &nmea2000::Message) {
    let mut separator = ": ";
    for told in message.fields() {
        let value = match &told.value {
            nmea2000::Value::Unavailable => continue,
            nmea2000::Value::Number(number) if told.unit.is_empty() => number.to_string(),
            nmea2000::Value::Number(number) => format!("{number} {}", told.unit),
            nmea2000::Value::Word(_, Some(word)) => (*word).to_owned(),
            nmea2000::Value::Word(code, None) => code.to_string(),
            nmea2000::Value::Text(text) => format!("\"{text}\""),
            nmea2000::Value::OutOfRange => "out of range".to_owned(),
        };
        let index = if told.index == 0 { String::new() } else { format!(" {}", told.index) };
        let _ = write!(out, "{separator}{}{index} {value}", told.name);
        separator = ", ";
    }
    if let Some(number) = message.register().map(|(register, _)| register) {
        let _ = write!(out, "; register 0x{number:04X}");
        if number == 0xEEFF {
            let _ = write!(out, ", which the document calls PGN 61439");
        }
    }
}
