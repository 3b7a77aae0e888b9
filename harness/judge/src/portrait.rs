//! What a battery says of itself on the bus, as a person reads it: its name as the GX would show it, the pages of the
//! GX (P 6), which alarms it supports, which messages it sends and how often, and what else is to know.
//!
//! A portrait is taken of the facts that the wire checks keep anyhow, so that it costs nothing while frames come.

mod beside;
mod messages;
mod pages;
mod remarks;

#[cfg(test)]
mod tests;

use proto::frame::Frame;
use proto::message::{AlarmKind, Message, Pair, id};
use proto::quantity::Percent;

use crate::wire::Wire;

pub use beside::{SeenPage, SeenRow, beside};
pub use messages::{Kind, MessageRow, says, sparkline};
pub use pages::{Page, Row};

/// All of it, as texts in the order in which they are to be read.
#[derive(Debug, Clone, PartialEq)]
pub struct Portrait {
    /// the name as the GX would show it
    pub name: String,
    /// where the name comes from, such as `named by 0x370 and 0x371`
    pub named_by: String,
    /// the pages of the GX: battery, details, alarms, device, parameters
    pub pages: Vec<Page>,
    /// every alarm and warning of 0x35A
    pub alarms: Vec<AlarmRow>,
    /// every message of the document, sent or not, then what else was sent
    pub messages: Vec<MessageRow>,
    /// load of the bus at 500 kbit/s, without and with as many stuffed bits as there can be
    pub load: Option<(Percent, Percent)>,
    /// what is legal or harmless and worth knowing, and what the judge does not weigh
    pub remarks: Vec<String>,
    identity: Vec<(String, String)>,
}

/// One kind of alarm, as an alarm and as a warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlarmRow {
    /// what it is about
    pub kind: AlarmKind,
    /// the alarm
    pub alarm: Support,
    /// the warning
    pub warning: Support,
}

/// What was seen of a pair of bits over the whole log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    /// active at the end
    Active,
    /// OK at the end, active before
    WasActive,
    /// OK (10) and never active
    Ok,
    /// 00 or 11 throughout
    No,
    /// 0x35A was not sent
    Unknown,
}

impl Support {
    /// In a word, as the GX would: `Ok`, `Alarm`, `--` where it is not supported.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::WasActive => "Ok, was active",
            Self::Ok => "Ok",
            Self::No => "--",
            Self::Unknown => "not sent",
        }
    }

    fn of(wire: &Wire, kind: AlarmKind, warning: bool) -> Self {
        let Some(Message::Alarms(alarms)) = last(wire, id::ALARMS) else { return Self::Unknown };
        let seen = wire.alarm_seen(kind, warning);
        match if warning { alarms.warning(kind) } else { alarms.alarm(kind) } {
            Pair::Active => Self::Active,
            _ if seen[Pair::Active as usize] => Self::WasActive,
            _ if seen[Pair::Ok as usize] => Self::Ok,
            _ => Self::No,
        }
    }
}

impl Portrait {
    /// Of the facts of a log; without real times no period is told.
    #[must_use]
    pub fn of(wire: &Wire, timed: bool) -> Self {
        let (name, named_by) = name(wire);
        Self {
            pages: pages::pages(wire, &name),
            alarms: AlarmKind::ALL
                .into_iter()
                .map(|kind| AlarmRow {
                    kind,
                    alarm: Support::of(wire, kind, false),
                    warning: Support::of(wire, kind, true),
                })
                .collect(),
            messages: messages::messages(wire, timed),
            load: wire.load().filter(|_| timed),
            remarks: remarks::remarks(wire),
            identity: identity(wire, &name),
            name,
            named_by,
        }
    }

    /// What the battery says of itself, as (what, value), such as (`Manufacturer, 0x35E`, `ACME`).
    #[must_use]
    pub fn identity(&self) -> Vec<(String, String)> {
        self.identity.clone()
    }
}

/// What the last frame of an identifier says.
fn last(wire: &Wire, id: u16) -> Option<Message> {
    Message::decode(&last_frame(wire, id)?)
}

fn last_frame(wire: &Wire, id: u16) -> Option<Frame> {
    wire.of(id)?.last.frame
}

/// A text as it is, or nothing where it was not sent, is empty or holds bytes that are no text.
fn text(wire: &Wire, id: u16) -> Option<String> {
    let message = last(wire, id)?;
    let text = message.fields().next().and_then(|field| match field.value {
        proto::message::Value::Text(text) => text.as_ascii().map(str::to_owned),
        _ => None,
    })?;
    (!text.trim().is_empty()).then_some(text)
}

/// A text over two messages.
fn two_parts(wire: &Wire, first: u16, second: u16) -> Option<String> {
    let head = text(wire, first)?;
    wire.of(second)?;
    // A second part that is empty or no text adds nothing.
    Some(format!("{head}{}", text(wire, second).unwrap_or_default()))
}

/// The name, and where it comes from: 0x370 and 0x371, then 0x35E, then a name for all (P 4 Q2).
fn name(wire: &Wire) -> (String, String) {
    if let Some(name) = two_parts(wire, id::NAME_PART_1, id::NAME_PART_2) {
        return (name, "named by 0x370 and 0x371".to_owned());
    }
    if let Some(name) = text(wire, id::MANUFACTURER) {
        return (name, "named by 0x35E; the GX may show a more readable name".to_owned());
    }
    let why = match wire.of(id::MANUFACTURER) {
        Some(_) => "0x35E is no text: the GX may take it for another make",
        None => "it names itself neither in 0x370 and 0x371 nor in 0x35E",
    };
    ("CAN-bus BMS battery".to_owned(), why.to_owned())
}

/// What the name is called under which a GX lists it, in its account of itself.
pub const NAME_ON_GX: &str = "Name on the GX";
/// What its firmware is called there (P 2 §0x35F).
pub const FIRMWARE: &str = "Firmware, 0x35F";
/// What the capacity of the modules is called there that are on line (P 2 §0x35F).
pub const ONLINE_CAPACITY: &str = "Online capacity, 0x35F";

fn identity(wire: &Wire, name: &str) -> Vec<(String, String)> {
    let mut rows = vec![(NAME_ON_GX.to_owned(), name.to_owned())];
    let raw = |id: u16| last(wire, id).and_then(|m| m.fields().next()).map(|field| field.to_string());
    let mut row = |what: &str, value: Option<String>| {
        rows.extend(value.filter(|v| !v.is_empty()).map(|value| (what.to_owned(), value)));
    };
    row("Manufacturer, 0x35E", text(wire, id::MANUFACTURER).or_else(|| raw(id::MANUFACTURER)));
    row("Name, 0x370 and 0x371", two_parts(wire, id::NAME_PART_1, id::NAME_PART_2));
    row("Family, 0x382", text(wire, id::FAMILY));
    row("Serial number, 0x380 and 0x381", two_parts(wire, id::SERIAL_PART_1, id::SERIAL_PART_2));
    if let Some(Message::BatteryIdentity(identity)) = last(wire, id::BATTERY_IDENTITY) {
        row("Model, 0x35F", identity.model.map(|model| format!("{model} (0x{model:04X})")));
        row(FIRMWARE, identity.firmware().map(|firmware| firmware.to_string()));
        row(ONLINE_CAPACITY, identity.online_capacity().map(|capacity| capacity.to_string()));
    }
    if let Some(Message::InstalledCapacity(installed)) = last(wire, id::INSTALLED_CAPACITY) {
        row("Installed capacity, 0x379", installed.capacity().map(|capacity| capacity.to_string()));
    }
    rows
}
