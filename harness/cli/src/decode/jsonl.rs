//! A line of a log as a JSON object. Numbers are written with the decimals of their scale, so that 58.4 is `58.4`.

use std::io::Write;

use proto::frame::CanId;
use proto::log::{Content, Direction, Entry, Item, Reader};
use proto::message::{Field, MessageSpec, Pair, Value, fields};
use proto::nmea2000;

/// Appends the object and its line end. Writing into memory cannot fail, so results are not looked at.
pub(super) fn line(
    out: &mut Vec<u8>,
    log: Option<&str>,
    number: u64,
    (item, changed, message): (&Item, Option<u8>, Option<&nmea2000::Message>),
    reader: &Reader,
) {
    out.push(b'{');
    if let Some(log) = log {
        let _ = write!(out, "\"log\":{},", text(log));
    }
    let _ = write!(out, "\"line\":{number},");
    match item {
        Item::Frame(entry) => frame(out, entry, reader, changed, message),
        Item::Problem(error) => {
            let _ = write!(out, "\"kind\":\"problem\",\"message\":{}", text(&error.to_string()));
        }
        Item::Lost(frames) => {
            let _ = write!(out, "\"kind\":\"lost\",\"frames\":{frames}");
        }
        Item::Nothing => {}
    }
    let _ = out.write_all(b"}\n");
}

fn frame(
    out: &mut Vec<u8>,
    entry: &Entry,
    reader: &Reader,
    changed: Option<u8>,
    message: Option<&nmea2000::Message>,
) {
    let (seconds, micros) = (entry.at.0 / 1_000_000, entry.at.0 % 1_000_000);
    let interface = text(reader.interface(entry.interface));
    let _ = write!(out, "\"t\":{seconds}.{micros:06},\"if\":{interface},");
    let (kind, id, len, data) = match &entry.content {
        Content::Data(frame) => ("data", frame.id(), frame.data().len(), frame.data()),
        Content::Remote { id, dlc } => ("remote", *id, usize::from(*dlc), &[][..]),
        Content::Error { class, data } => {
            ("error", CanId::Extended(*class), data.as_bytes().len(), data.as_bytes())
        }
        Content::Fd(frame) => ("fd", frame.id(), frame.data().len(), frame.data()),
    };
    let _ = write!(out, "\"kind\":\"{kind}\",");
    if let Some(direction) = entry.direction {
        let _ = write!(out, "\"dir\":\"{}\",", if direction == Direction::Received { "rx" } else { "tx" });
    }
    if let Some(changed) = changed {
        let places: Vec<String> =
            (0..8).filter(|place| changed >> place & 1 == 1).map(|place| place.to_string()).collect();
        let _ = write!(out, "\"changed\":[{}],", places.join(","));
    }
    let _ = write!(out, "\"id\":\"{id}\",\"len\":{len},\"data\":\"{}\",", hexadecimal(data));
    let Content::Data(frame) = &entry.content else {
        let _ = write!(out, "\"name\":null,\"fields\":{{}}");
        return;
    };
    match (MessageSpec::of(frame.id()), super::note(entry)) {
        (Some(message), _) => drop(write!(out, "\"name\":\"{}\",", message.name)),
        (None, Some(note)) => drop(write!(out, "\"name\":null,\"note\":{},", text(&note))),
        (None, None) => drop(write!(out, "\"name\":null,")),
    }
    if let Some(message) = message {
        ve_can(out, message);
        return;
    }
    let _ = out.write_all(b"\"fields\":{");
    for (field, separator) in fields(frame).zip(core::iter::once("").chain(core::iter::repeat(","))) {
        let _ = write!(out, "{separator}\"{}\":{{", field.spec.name);
        value(out, &field);
        out.push(b'}');
    }
    out.push(b'}');
}

/// A message of VE.Can.
fn ve_can(out: &mut Vec<u8>, message: &nmea2000::Message) {
    let nmea2000::Id { pgn, source, destination, .. } = message.id;
    let _ = write!(out, "\"pgn\":{pgn},\"source\":{source},\"destination\":{destination},");
    if let Some(row) = message.row() {
        let _ = write!(out, "\"message\":{},", text(row.name));
    }
    let _ = out.write_all(b"\"fields\":{");
    let mut separator = "";
    for told in message.fields() {
        let index = if told.index == 0 { String::new() } else { format!(" {}", told.index) };
        let value = match &told.value {
            nmea2000::Value::Number(number) => format!("\"value\":{number}"),
            nmea2000::Value::Word(code, Some(word)) => format!("\"value\":{},\"raw\":{code}", text(word)),
            nmea2000::Value::Word(code, None) => format!("\"value\":null,\"raw\":{code}"),
            nmea2000::Value::Text(shown) => format!("\"value\":{}", text(shown)),
            nmea2000::Value::Unavailable => "\"value\":null".to_owned(),
            nmea2000::Value::OutOfRange => "\"value\":null,\"out-of-range\":true".to_owned(),
        };
        let _ = write!(out, "{separator}{}:{{{value}", text(&format!("{}{index}", told.name)));
        if !told.unit.is_empty() {
            let _ = write!(out, ",\"unit\":{}", text(told.unit));
        }
        out.push(b'}');
        separator = ",";
    }
    out.push(b'}');
}

fn value(out: &mut Vec<u8>, field: &Field) {
    let unit = field.spec.unit;
    let _ = match field.value {
        Value::Number(number) => write!(out, "\"value\":{number:.*}", field.spec.scale.decimals()),
        Value::Unsupported(raw) => write!(out, "\"value\":null,\"raw\":{raw}"),
        Value::Firmware(version) => write!(out, "\"value\":\"{version}\""),
        Value::Flag(flag) => write!(out, "\"value\":{flag}"),
        Value::Pair(pair) => write!(out, "\"value\":\"{}\",\"raw\":{}", pair_word(pair), pair as u8),
        Value::Text(shown) => {
            write!(out, "\"value\":{},\"raw\":\"{}\"", text(&shown.to_string()), hexadecimal(shown.raw()))
        }
        Value::Bytes(bytes) => write!(out, "\"value\":\"{bytes}\""),
    };
    if !unit.is_empty() {
        let _ = write!(out, ",\"unit\":\"{unit}\"");
    }
}

const fn pair_word(pair: Pair) -> &'static str {
    match pair {
        Pair::Active => "active",
        Pair::Ok => "ok",
        Pair::NotSupported0 | Pair::NotSupported3 => "not supported",
    }
}

pub(super) fn text(text: &str) -> String {
    proto::text::json(serde_json::Value::from(text).to_string())
}

fn hexadecimal(data: &[u8]) -> String {
    data.iter().map(|byte| format!("{byte:02X}")).collect()
}
