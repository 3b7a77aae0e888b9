//! What a VE.Direct instrument sent: a line for each block and each HEX frame.

use std::io::{self, Read, Write};

use proto::vedirect::{
    ALARM_REASONS, Answer, Block, Counters, Decoder, Device, ERRORS, Hex, MODES, MONITORED, OFF_REASONS,
    Piece, Register, STATES, Said, bits, word,
};

use super::jsonl::text;
use super::{Args, Ended, Format};
use ::lint::input::InputError;

/// Prints bytes until they end.
pub(super) fn decode(
    name: &str,
    mut bytes: Box<dyn Read>,
    args: &Args,
    out: &mut impl Write,
) -> Result<(), Ended> {
    if let (true, Format::Text) = (args.logs.len() > 1, args.format) {
        writeln!(out, "{}:", evidence::text::plain(name)).map_err(Ended::Output)?;
    }
    let log = (args.logs.len() > 1).then_some(name);
    let (mut decoder, mut device) = (Decoder::default(), Device::default());
    let (mut block, mut line, mut at) = (vec![0; 1 << 16], Vec::new(), 0_u64);
    loop {
        let count = match bytes.read(&mut block) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(source) => {
                return Err(InputError::Read { name: name.to_owned(), line: 0, source }.into());
            }
        };
        for &byte in &block[..count] {
            at += 1;
            let Some(piece) = decoder.push(byte) else { continue };
            if let Piece::Block(block) = &piece {
                device.take(block);
            }
            line.clear();
            match args.format {
                Format::Text => shown(&mut line, at, &piece),
                Format::Jsonl => object(&mut line, log, at, &piece),
            }
            out.write_all(&line).map_err(Ended::Output)?;
        }
        out.flush().map_err(Ended::Output)?;
    }
    for remark in remarks(decoder.counters(), &device) {
        crate::warn(&format!("{}: {remark}", evidence::text::plain(name)));
    }
    Ok(())
}

/// What a reader has to know of the instrument and its line.
fn remarks(counters: &Counters, device: &Device) -> Vec<String> {
    let Counters { bytes, blocks, bad_blocks, hex, bad_hex, noise } = *counters;
    let s = |count: u64| if count == 1 { "" } else { "s" };
    let mut who: Vec<String> = Vec::new();
    who.extend(device.product.map(|product| product.to_string()));
    who.extend(device.model.clone().filter(|_| device.product.is_none()));
    who.extend(device.firmware.as_ref().map(|firmware| format!("firmware {firmware}")));
    who.extend(device.serial.as_ref().map(|serial| format!("serial number {serial}")));
    let mut remarks = Vec::new();
    if !who.is_empty() {
        remarks.push(who.join(", "));
    }
    remarks.push(format!("{blocks} block{} and {hex} HEX frame{} in {bytes} bytes", s(blocks), s(hex)));
    if bad_blocks + bad_hex + noise > 0 {
        remarks.push(format!(
            "{bad_blocks} block{} and {bad_hex} HEX frame{} could not be read, {noise} byte{} belong to none",
            s(bad_blocks),
            s(bad_hex),
            s(noise)
        ));
    }
    if let Some(measures) = device.measures.filter(|&measures| measures != 0) {
        let what = word(MONITORED, measures).unwrap_or("something else");
        remarks.push(format!("it is set to measure a {what}: it is no battery monitor"));
    }
    remarks
}

/// What a value stands for, where it is a code or bits.
fn meaning(label: &str, said: &Said) -> Option<String> {
    let Said::Word(code) = *said else {
        let Said::Number(number) = *said else { return None };
        return (label == "MON").then(|| word(MONITORED, number as i8).map(str::to_owned))?;
    };
    let small = || u8::try_from(code).ok();
    let listed = |table: &'static [&'static str]| {
        let words: Vec<_> = bits(table, code).map(|word| word.unwrap_or("unknown")).collect();
        if words.is_empty() { "none".to_owned() } else { words.join(", ") }
    };
    match label {
        "CS" => word(STATES, small()?).map(str::to_owned),
        "MODE" => word(MODES, small()?).map(str::to_owned),
        "ERR" => word(ERRORS, small()?).map(str::to_owned),
        "OR" => Some(listed(OFF_REASONS)),
        "AR" | "WARN" => Some(listed(ALARM_REASONS)),
        "PID" => u16::try_from(code).ok().map(|id| proto::vedirect::Product(id).to_string()),
        _ => None,
    }
}

/// Writing into memory cannot fail, so results are not looked at.
fn shown(out: &mut Vec<u8>, at: u64, piece: &Piece) {
    let _ = write!(out, "{at:>10}  ");
    let _ = match piece {
        Piece::Block(block) => {
            let _ = write!(out, "block  ");
            fields(out, block);
            Ok(())
        }
        Piece::Hex(hex) => write!(out, "HEX    {}", said(hex)),
        Piece::BadHex(error) => write!(out, "       {error}"),
        Piece::BadBlock(fault) => write!(out, "       {fault}"),
    };
    out.push(b'\n');
}

fn fields(out: &mut Vec<u8>, block: &Block) {
    for (k, field) in block.fields().enumerate() {
        let separator = if k == 0 { "" } else { ", " };
        let name = String::from_utf8_lossy(field.name);
        let _ = write!(out, "{separator}{} ", evidence::text::plain(&name));
        let said = field.said();
        let label = field.label();
        let unit = label.and_then(|label| match label.value {
            proto::vedirect::Value::Number { unit, .. } => Some(unit).filter(|unit| !unit.is_empty()),
            _ => None,
        });
        let _ = match (&said, unit) {
            (Some(Said::Number(number)), Some(unit)) => write!(out, "{number} {unit}"),
            (Some(Said::Unknown), _) => write!(out, "not known"),
            _ => write!(out, "{}", evidence::text::plain(&String::from_utf8_lossy(field.value))),
        };
        let meaning = label.zip(said.as_ref()).and_then(|(label, said)| meaning(label.name, said));
        if let Some(meaning) = meaning {
            let _ = write!(out, " ({meaning})");
        }
    }
}

/// A HEX frame in words.
fn said(hex: &Hex) -> String {
    let what = match hex.answer() {
        Answer::Register { register, value, asked } => {
            let who = if asked { "asked" } else { "unasked" };
            let row = Register::of(register);
            let number = row.and_then(|row| Some(format!("{} {}", row.number(value)?, row.unit)));
            let meaning = row.map_or("not known", |row| row.meaning);
            format!("0x{register:04X} {meaning}, {who}: {}", number.as_deref().unwrap_or("-").trim_end())
        }
        Answer::Refused { register, flags } => format!("0x{register:04X} refused, flags {flags}"),
        Answer::Done(_) => "done".to_owned(),
        Answer::Version(version) => format!("firmware {version:04X}"),
        Answer::NotUnderstood => "not understood".to_owned(),
        Answer::Other => format!("command {:X}", hex.command()),
    };
    format!("{hex}  {what}")
}

fn object(out: &mut Vec<u8>, log: Option<&str>, at: u64, piece: &Piece) {
    out.push(b'{');
    if let Some(log) = log {
        let _ = write!(out, "\"log\":{},", text(log));
    }
    let _ = write!(out, "\"byte\":{at},");
    let _ = match piece {
        Piece::Block(block) => {
            let _ = out.write_all(b"\"kind\":\"block\",\"fields\":{");
            for (k, field) in block.fields().enumerate() {
                let separator = if k == 0 { "" } else { "," };
                let _ = write!(out, "{separator}{}:{{", text(&String::from_utf8_lossy(field.name)));
                values(out, field);
                out.push(b'}');
            }
            out.write_all(b"}")
        }
        Piece::Hex(hex) => {
            let _ = write!(out, "\"kind\":\"hex\",\"frame\":\"{hex}\"");
            match hex.answer() {
                Answer::Register { register, value, asked } => {
                    let _ = write!(out, ",\"register\":{register},\"asked\":{asked}");
                    let row = Register::of(register);
                    match row.and_then(|row| Some((row.number(value)?, row.unit))) {
                        Some((number, "")) => write!(out, ",\"value\":{number}"),
                        Some((number, unit)) => write!(out, ",\"value\":{number},\"unit\":{}", text(unit)),
                        None => write!(out, ",\"value\":null"),
                    }
                }
                Answer::Refused { register, flags } => {
                    write!(out, ",\"register\":{register},\"value\":null,\"flags\":{flags}")
                }
                _ => Ok(()),
            }
        }
        Piece::BadHex(error) => write!(out, "\"kind\":\"problem\",\"message\":{}", text(&error.to_string())),
        Piece::BadBlock(fault) => {
            write!(out, "\"kind\":\"problem\",\"message\":{}", text(&fault.to_string()))
        }
    };
    out.extend_from_slice(b"}\n");
}

fn values(out: &mut Vec<u8>, field: proto::vedirect::Field) {
    let raw = text(&String::from_utf8_lossy(field.value));
    let label = field.label();
    let said = field.said();
    let _ = match &said {
        Some(Said::Number(number)) => write!(out, "\"value\":{number}"),
        Some(Said::Flag(flag)) => write!(out, "\"value\":{flag}"),
        Some(Said::Word(word)) => write!(out, "\"value\":{word}"),
        Some(Said::Text(_)) => write!(out, "\"value\":{raw}"),
        Some(Said::Unknown) | None => write!(out, "\"value\":null,\"raw\":{raw}"),
    };
    if let (Some(proto::vedirect::Value::Number { unit, .. }), Some(Said::Number(_))) =
        (label.map(|label| label.value), &said)
        && !unit.is_empty()
    {
        let _ = write!(out, ",\"unit\":{}", text(unit));
    }
    let meaning = label.zip(said.as_ref()).and_then(|(label, said)| meaning(label.name, said));
    if let Some(meaning) = meaning {
        let _ = write!(out, ",\"meaning\":{}", text(&meaning));
    }
}
