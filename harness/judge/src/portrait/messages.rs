//! Which messages were sent and how often, and what the last of each says.

use proto::frame::{CanId, Frame};
use proto::log::foreign;
use proto::message::{Message, MessageSpec, Padding, Pair, Sender, TABLE, Value, fields, id};
use proto::quantity::Micros;

use crate::wire::{Sent, Wire};

/// One message.
#[derive(Debug, Clone, PartialEq)]
pub struct MessageRow {
    /// its identifier
    pub id: u16,
    /// its name in the document, or what it is known for
    pub title: String,
    /// whose it is, and whether it is asked for
    pub kind: Kind,
    /// how many frames
    pub count: u64,
    /// the usual time from frame to frame; nothing for a single frame, or without real times
    pub period: Option<Micros>,
    /// the shortest and the longest time from frame to frame
    pub gaps: Option<(Micros, Micros)>,
    /// how many gaps of each length, from the shortest to the longest
    pub histogram: Vec<u64>,
    /// what the last frame says
    pub last: String,
}

/// What a message is to the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// the minimum for the core functionality (P 2)
    Core,
    /// needed of an officially supported battery (P 2)
    Supported,
    /// optional (P 2)
    Optional,
    /// the GX sends it (P 3)
    Gx,
    /// not in the document
    Vendor,
}

impl Kind {
    /// In a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Supported => "supported",
            Self::Optional => "optional",
            Self::Gx => "GX",
            Self::Vendor => "vendor",
        }
    }

    fn of(spec: &MessageSpec) -> Self {
        match spec.id {
            _ if spec.sender == Sender::Gx => Self::Gx,
            id::LIMITS | id::STATE_OF_CHARGE | id::MEASUREMENTS | id::ALARMS => Self::Core,
            id::MANUFACTURER | id::BATTERY_IDENTITY => Self::Supported,
            _ => Self::Optional,
        }
    }
}

/// Columns of a histogram.
const COLUMNS: usize = 8;

/// The messages of the document in its order, those of the battery first, then all other identifiers.
pub(super) fn messages(wire: &Wire, timed: bool) -> Vec<MessageRow> {
    let mut rows: Vec<MessageRow> =
        TABLE.iter().map(|m| row(m.id, m.title.to_owned(), Kind::of(m), wire.of(m.id), timed)).collect();
    let others = wire.sent().into_iter().filter(|s| MessageSpec::of(CanId::Standard(s.id)).is_none());
    rows.extend(others.map(|sent| {
        let known = foreign(CanId::Standard(sent.id));
        row(sent.id, known.map_or_else(String::new, |k| k.to_string()), Kind::Vendor, Some(sent), timed)
    }));
    rows.sort_by_key(|row| (row.kind, row.id));
    rows
}

fn row(id: u16, title: String, kind: Kind, sent: Option<&Sent>, timed: bool) -> MessageRow {
    let gaps = sent.filter(|_| timed).map(|s| &s.gaps);
    MessageRow {
        id,
        title,
        kind,
        count: sent.map_or(0, |s| s.count),
        period: gaps.and_then(|g| g.median()),
        gaps: gaps.and_then(|g| g.range()),
        histogram: gaps.map_or_else(Vec::new, |g| g.columns(COLUMNS)),
        last: sent.and_then(|s| s.last.frame).map_or_else(String::new, |frame| says(&frame)),
    }
}

/// What a frame says, in one line: its fields by name, 0x35A by what is not OK, an unknown one by its bytes.
#[must_use]
pub fn says(frame: &Frame) -> String {
    if let Some(Message::Alarms(alarms)) = Message::decode(frame) {
        let raised: Vec<String> = (alarms.active_alarms().map(|kind| format!("{kind} alarm")))
            .chain(alarms.active_warnings().map(|kind| format!("{kind} warning")))
            .collect();
        let count = |pair: Pair| fields(frame).filter(|f| f.value == Value::Pair(pair)).count();
        return match (raised.is_empty(), count(Pair::Ok)) {
            (false, _) => format!("active: {}", raised.join(", ")),
            (true, 0) => "no alarm supported".to_owned(),
            (true, n) => format!("none active, {n} pairs OK"),
        };
    }
    let said: Vec<String> = fields(frame)
        .map(|field| match field.value {
            // What stands behind the first zero is shown where it is not nothing.
            Value::Text(text) if text.padding() == Padding::Garbage => format!("{text:?}"),
            Value::Text(text) => format!("\"{text}\""),
            Value::Bytes(_) => field.to_string(),
            _ => format!("{} {field}", field.spec.name.replace('_', " ")),
        })
        .collect();
    if said.is_empty() {
        frame.data().iter().map(|byte| format!("{byte:02X}")).collect()
    } else {
        said.join(", ")
    }
}

/// A histogram as a line of blocks, `▁▂▅█`; an empty column is a dot.
#[must_use]
pub fn sparkline(histogram: &[u64]) -> String {
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = histogram.iter().copied().max().unwrap_or(0).max(1);
    let block = |&count: &u64| match count {
        0 => '·',
        _ => BLOCKS[((u128::from(count) * 8).div_ceil(u128::from(most)) as usize).clamp(1, 8) - 1],
    };
    histogram.iter().map(block).collect()
}
