//! What is worth knowing of a log and breaks no requirement: identifiers outside the document, bytes outside its
//! fields, short frames, unusual but legal content.

use proto::frame::CanId;
use proto::log::foreign;
use proto::message::{FieldSpec, Message, MessageSpec, Padding, Pair, Sender, Value, WireType, id};

use super::{last, text};
use crate::wire::{CORE, Sent, Wire};

pub(super) fn remarks(wire: &Wire) -> Vec<String> {
    let mut out = Vec::new();
    out.extend(vendor(wire));
    out.extend(wide(wire));
    out.extend(short(wire));
    for sent in wire.sent() {
        let Some(spec) = MessageSpec::of(CanId::Standard(sent.id)) else { continue };
        if spec.sender == Sender::Battery {
            out.extend(unknown_bytes(sent, spec));
        }
    }
    out.extend(content(wire));
    out
}

/// *"ids outside the table are vendor ids"*: listed and never failed.
fn vendor(wire: &Wire) -> Option<String> {
    let ids: Vec<String> = wire
        .sent()
        .into_iter()
        .filter(|s| MessageSpec::of(CanId::Standard(s.id)).is_none())
        .map(|s| match foreign(CanId::Standard(s.id)) {
            Some(known) => format!("0x{:03X} ({known})", s.id),
            None => format!("0x{:03X}", s.id),
        })
        .collect();
    let more = ids.len().saturating_sub(32);
    let shown = ids.get(..32).unwrap_or(&ids).join(", ");
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    (!ids.is_empty()).then(|| format!("not in the document, ignored: {shown}{more}"))
}

fn wide(wire: &Wire) -> Option<String> {
    let [(ve_can, ids), _] = wire.extended();
    let first = ids.first().and_then(|&id| foreign(CanId::Extended(id)))?;
    Some(format!("{ve_can} frames of VE.Can on the same wires, such as {first}"))
}

/// How many bytes the fields of a message reach.
fn documented(spec: &MessageSpec) -> u8 {
    let end = |f: &FieldSpec| f.byte + f.wire.bits().div_ceil(8);
    spec.fields.iter().map(end).max().unwrap_or(8)
}

/// Frames of fewer than 8 bytes that carry all they must, which is legal, with the fields they leave out.
fn short(wire: &Wire) -> Option<String> {
    let shown: Vec<String> = wire.sent().into_iter().filter_map(short_message).collect();
    (!shown.is_empty()).then(|| format!("shorter than 8 bytes, which is legal: {}", shown.join(", ")))
}

fn short_message(sent: &Sent) -> Option<String> {
    let spec = MessageSpec::of(CanId::Standard(sent.id)).filter(|spec| spec.sender == Sender::Battery)?;
    let (shortest, _) = sent.lengths;
    // What the minimum lacks is no remark: MSG-04.
    if shortest >= 8 || (shortest < spec.required && CORE.contains(&spec.id)) {
        return None;
    }
    let end = |f: &FieldSpec| f.byte + f.wire.bits().div_ceil(8);
    let left: Vec<&str> = spec.fields.iter().filter(|f| end(f) > shortest).map(|f| f.label).collect();
    let without = match left.as_slice() {
        [] => String::new(),
        _ if spec.fields[0].wire == WireType::String8 => ", text not padded with zeros".to_owned(),
        left => format!(", without {}", left.join(" and ")),
    };
    Some(format!("0x{:03X} ({shortest}{without})", sent.id))
}

/// Bytes behind the last field that are used all the same.
fn unknown_bytes(sent: &Sent, spec: &MessageSpec) -> Option<String> {
    let from = usize::from(documented(spec));
    let used = sent.ever_set.get(from..)?;
    if used.iter().all(|&byte| byte == 0) {
        return None;
    }
    let frame = sent.last.frame?;
    let bytes: String = frame.data().get(from..)?.iter().map(|b| format!("{b:02X} ")).collect();
    Some(format!(
        "0x{:03X} uses bytes from {from} on that the document does not define (last {})",
        sent.id,
        bytes.trim_end()
    ))
}

fn content(wire: &Wire) -> Vec<String> {
    let mut out = Vec::new();
    match last(wire, id::ALARMS) {
        Some(Message::Alarms(alarms)) => {
            if alarms.any_alarm() || alarms.any_warning() {
                let frame = Message::Alarms(alarms).encode();
                out.push(format!("0x35A at the end: {}", super::says(&frame)));
            }
            if alarms.reserved() != 0 {
                out.push("0x35A sets bits that are reserved (harmless)".to_owned());
            }
            if matches!(alarms.system_status(), Pair::NotSupported0 | Pair::NotSupported3) {
                out.push("0x35A does not say whether the main switch is closed".to_owned());
            }
        }
        _ if wire.has_battery() => {
            out.push("0x35A, by which the GX recognises a battery (P 5.1), is not in the log".to_owned());
        }
        _ => {}
    }
    if let (Some(Message::BatteryIdentity(identity)), Some(Message::InstalledCapacity(installed))) =
        (last(wire, id::BATTERY_IDENTITY), last(wire, id::INSTALLED_CAPACITY))
        && let (Some(online), Some(installed)) = (identity.online_capacity(), installed.capacity())
        && online < installed
    {
        out.push(format!("{online} of {installed} are online: the rest is offline or derated (legal)"));
    }
    if let (Some(Message::NamePart1(_)), Some(Message::NamePart2(second))) =
        (last(wire, id::NAME_PART_1), last(wire, id::NAME_PART_2))
        && second.padding() == Padding::Full
    {
        out.push("the name takes all 16 characters of 0x370 and 0x371: no zero ends it (legal)".to_owned());
    }
    if let Some(Message::Manufacturer(maker)) = last(wire, id::MANUFACTURER)
        && text(wire, id::MANUFACTURER).is_none()
        && !maker.text().is_empty()
    {
        out.push(format!("0x35E is no text as a whole: {maker:?}"));
    }
    if let Some(Message::Limits(limits)) = last(wire, id::LIMITS)
        && let Some(low) = limits.discharge_voltage().filter(|low| low.0 > 1000.0)
    {
        out.push(format!(
            "0x351: a discharge voltage of {low} is no voltage of this battery (the GX does not use it)"
        ));
    }
    if let Some(Message::StateOfCharge(state)) = last(wire, id::STATE_OF_CHARGE)
        && state.soh == Some(0)
    {
        out.push("0x355: the state of health is 0 %".to_owned());
    }
    if let Some(Message::ForceCharge(force)) = last(wire, id::FORCE_CHARGE) {
        let asked = if force.forced() == Some(true) { "asked for" } else { "not asked for (legal)" };
        out.push(format!("0x360: force charge is {asked}"));
    }
    for pair in [id::BATTERY_IDENTITY, id::CELLS] {
        let Some(message) = last(wire, pair) else { continue };
        let absent: Vec<&str> = message
            .fields()
            .filter(|f| matches!(f.value, Value::Unsupported(_)))
            .map(|f| f.spec.label)
            .collect();
        if !absent.is_empty() {
            out.push(format!("0x{pair:03X} says `not supported` for: {}", absent.join(", ")));
        }
    }
    out
}
