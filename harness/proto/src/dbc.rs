//! The whole protocol as a DBC database, so that cantools, SavvyCAN and CANalyzer decode it too. It is made of the
//! same table as everything else and is plain ASCII, which every tool reads alike (units: `degC`).
//!
//! What DBC has no words for is said so in comments: a text is a row of byte signals, since a string type does not
//! exist and a short frame then still shows its first characters; a raw value that means "not supported" has a name
//! in a value table.

use core::fmt::Write as _;

use crate::message::{FieldSpec, MessageSpec, Pair, Sender, TABLE, WireType};

/// The database.
#[must_use]
pub fn dbc() -> String {
    let mut out = String::new();
    write(&mut out).expect("a String takes any text");
    out
}

/// Repetition of the messages of which the document says it: 0x351 (P 1.4), 0x305 and 0x307 (P 3).
const EVERY_SECOND: &[u16] = &[0x305, 0x307, 0x351];

fn write(out: &mut String) -> core::fmt::Result {
    out.push_str("VERSION \"\"\n\nNS_ :\n\nBS_:\n\nBU_: Battery GX\n\n");
    for message in TABLE {
        let sender = node(message.sender);
        writeln!(out, "BO_ {} {}: {} {sender}", message.id, message.name, length(message))?;
        for signal in message.fields.iter().flat_map(signals) {
            writeln!(out, " {signal} {}", receiver(message.sender))?;
        }
        out.push('\n');
    }

    writeln!(
        out,
        "CM_ \"CAN-bus BMS Protocol of Victron Energy, 11-bit identifiers, 500 kbit/s (P 1.2).\";"
    )?;
    for message in TABLE {
        let section = match message.sender {
            Sender::Battery => 2,
            Sender::Gx => 3,
        };
        let title = message.title;
        writeln!(out, "CM_ BO_ {0} \"{title} (P {section}, 0x{0:X}).\";", message.id)?;
        for field in message.fields {
            for signal in signals(field) {
                let name = &signal.name;
                writeln!(out, "CM_ SG_ {} {name} \"{}.\";", message.id, signal.comment(field))?;
            }
        }
    }

    out.push_str("BA_DEF_ BO_ \"GenMsgCycleTime\" INT 0 65535;\nBA_DEF_DEF_ \"GenMsgCycleTime\" 0;\n");
    for id in EVERY_SECOND {
        writeln!(out, "BA_ \"GenMsgCycleTime\" BO_ {id} 1000;")?;
    }
    for message in TABLE {
        for field in message.fields {
            write_names(out, message.id, field)?;
        }
    }
    Ok(())
}

/// Bytes up to the end of the last field.
fn length(message: &MessageSpec) -> u16 {
    message
        .fields
        .iter()
        .map(|field| (start(field) + u16::from(field.wire.bits())).div_ceil(8))
        .max()
        .unwrap_or(0)
}

fn start(field: &FieldSpec) -> u16 {
    u16::from(field.byte) * 8 + u16::from(field.bit)
}

const fn node(sender: Sender) -> &'static str {
    match sender {
        Sender::Battery => "Battery",
        Sender::Gx => "GX",
    }
}

const fn receiver(sender: Sender) -> &'static str {
    match sender {
        Sender::Battery => "GX",
        Sender::Gx => "Battery",
    }
}

struct Signal {
    name: String,
    start: u16,
    bits: u8,
    /// which of the characters of a text, counted from 1
    character: Option<u16>,
    layout: &'static str,
    factor: f64,
    offset: f64,
    decimals: usize,
    unit: &'static str,
}

/// The signals of a field: one, or one for each byte of a text or a pattern.
fn signals(field: &FieldSpec) -> Vec<Signal> {
    let one = Signal {
        name: field.name.to_owned(),
        start: start(field),
        bits: field.wire.bits(),
        character: None,
        layout: "1+",
        factor: field.scale.factor(),
        offset: field.scale.offset(),
        decimals: field.scale.decimals(),
        unit: if field.unit == "\u{B0}C" { "degC" } else { field.unit },
    };
    match field.wire {
        WireType::Un8 | WireType::Un16 | WireType::Un32 | WireType::Pair => vec![one],
        WireType::Sn16 => vec![Signal { layout: "1-", ..one }],
        // The first bit of a big-endian signal is its most significant one, counted within its byte.
        WireType::Un16Be => vec![Signal { layout: "0+", start: one.start + 7, ..one }],
        WireType::String8 | WireType::Bytes8 => (1..=8)
            .map(|character| Signal {
                name: format!("{}_{character}", field.name),
                start: one.start + 8 * (character - 1),
                bits: 8,
                character: Some(character),
                layout: one.layout,
                factor: one.factor,
                offset: one.offset,
                decimals: one.decimals,
                unit: one.unit,
            })
            .collect(),
    }
}

impl Signal {
    /// The smallest and the largest value that the bits can hold.
    fn range(&self) -> (f64, f64) {
        let span = (1u64 << self.bits) as f64;
        let first = if self.layout.ends_with('-') { -span / 2.0 } else { 0.0 };
        let value = |raw: f64| raw * self.factor + self.offset;
        (value(first), value(first + span - 1.0))
    }

    fn comment(&self, field: &FieldSpec) -> String {
        let what = match (field.wire, self.character) {
            (WireType::String8, Some(n)) => format!(", character {n} of 8, 7-bit ASCII, unused ones zero"),
            (_, Some(n)) => format!(", byte {n} of 8"),
            (WireType::Un16Be, _) => ", most significant byte first: major, minor".to_owned(),
            _ => String::new(),
        };
        format!("{}{what}", field.label)
    }
}

/// `SG_ cvl : 0|16@1+ (0.1,0) [0|6553.5] "V"`
impl core::fmt::Display for Signal {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { name, start, bits, layout, factor, offset, decimals, unit, .. } = self;
        let (min, max) = self.range();
        write!(f, "SG_ {name} : {start}|{bits}@{layout} ({factor},{offset}) ")?;
        write!(f, "[{min:.decimals$}|{max:.decimals$}] \"{unit}\"")
    }
}

/// Names of raw values: pairs of 0x35A, force charge, and what means "not supported".
fn write_names(out: &mut String, id: u16, field: &FieldSpec) -> core::fmt::Result {
    let mut names: Vec<(u32, String)> =
        field.absent.iter().map(|&raw| (raw, "not supported".to_owned())).collect();
    match field.wire {
        WireType::Pair => names.extend((0..4).map(|raw| (raw, Pair::from_bits(raw as u8).to_string()))),
        // P 2, 0x360: any other value does not force.
        WireType::Un8 => names.push((0xFF, "force charge".to_owned())),
        _ => {}
    }
    if names.is_empty() {
        return Ok(());
    }
    write!(out, "VAL_ {id} {}", field.name)?;
    for (raw, name) in names {
        write!(out, " {raw} \"{name}\"")?;
    }
    out.push_str(" ;\n");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// P 2: the row of CVL, a signed one, the big-endian one, one in kelvin, one pair, one character.
    #[test]
    fn rows_of_the_document() {
        let text = dbc();
        for line in [
            "BO_ 849 Limits: 8 Battery",
            " SG_ cvl : 0|16@1+ (0.1,0) [0.0|6553.5] \"V\" GX",
            " SG_ current : 16|16@1- (0.1,0) [-3276.8|3276.7] \"A\" GX",
            " SG_ firmware : 23|16@0+ (1,0) [0|65535] \"\" GX",
            " SG_ min_temperature : 32|16@1+ (1,-273.15) [-273.15|65261.85] \"degC\" GX",
            " SG_ energy_out : 32|32@1+ (100,0) [0|429496729500] \"Wh\" GX",
            " SG_ system_status : 58|2@1+ (1,0) [0|3] \"\" GX",
            " SG_ family_8 : 56|8@1+ (1,0) [0|255] \"\" GX",
            "BO_ 773 KeepAlive: 8 GX",
            "CM_ BO_ 849 \"Charge and discharge limits (P 2, 0x351).\";",
            "CM_ SG_ 849 cvl \"Charge voltage limit (CVL).\";",
            "VAL_ 858 high_voltage_alarm 0 \"not supported (00)\" 1 \"active\" 2 \"OK\" 3 \"not supported (11)\" ;",
            "VAL_ 863 online_capacity 0 \"not supported\" ;",
            "BA_ \"GenMsgCycleTime\" BO_ 849 1000;",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }

    /// Names of DBC are identifiers of C with at most 32 characters; texts must not end early.
    #[test]
    fn every_tool_can_read_it() {
        let text = dbc();
        assert!(text.is_ascii());
        assert!(text.lines().all(|line| line.matches('"').count() % 2 == 0));
        for message in TABLE {
            for signal in message.fields.iter().flat_map(signals) {
                let name = signal.name;
                let fits = name.len() <= 32 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
                assert!(fits && !name.as_bytes()[0].is_ascii_digit(), "{name}");
            }
        }
        assert_eq!(text.lines().filter(|line| line.starts_with("BO_ ")).count(), TABLE.len());
    }
}
