//! What the battery sends: its identity, its messages with their periods, and the moment at which each leaves.

use proto::frame::Frame;
use proto::message::{
    Alarms, BatteryIdentity, Cells, Energy, ForceCharge, InstalledCapacity, Limits, Measurements, Message,
    Modules, StateOfCharge, Text8,
};
use proto::quantity::{AmpHours, Micros, Percent};
use schemars::JsonSchema;
use serde::Deserialize;

use super::defect::Defects;
use super::identity::Identity;
use super::params::{ParamsError, positive_time};
use super::status::Status;
use crate::rng::Rng;

/// When and in what form messages leave.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct WireParams {
    /// period of limits, state, measurements, alarms and cells (P 1.4 advises one second)
    pub period: Micros,
    /// period of everything else
    pub slow_period: Micros,
    /// distance between one message and the next of a cycle
    pub spacing: Micros,
    /// each frame leaves up to this much late
    pub jitter: Micros,
    /// whether optional fields at the end of a message are sent
    pub frames: FrameLength,
    /// what 0x35A says
    pub alarms: AlarmStyle,
    /// identifiers that it does not send
    pub omit: Vec<u16>,
}

/// Slots of 10 ms and a slow cycle of 10 s are what captures of real devices show; the jitter is an assumption.
impl Default for WireParams {
    fn default() -> Self {
        Self {
            period: Micros::from_secs(1),
            slow_period: Micros::from_secs(10),
            spacing: Micros::from_millis(10),
            jitter: Micros::from_millis(2),
            frames: FrameLength::Full,
            alarms: AlarmStyle::Pairs,
            omit: Vec::new(),
        }
    }
}

/// A set of messages fills the bus at 500 kbit/s for about this long; nothing can be sent more often.
const SHORTEST_PERIOD: Micros = Micros::from_millis(10);

impl WireParams {
    pub(super) fn check(&self) -> Result<(), ParamsError> {
        for (key, period) in [("wire.period", self.period), ("wire.slow-period", self.slow_period)] {
            positive_time(key, period)?;
            if period < SHORTEST_PERIOD {
                return Err(ParamsError::Range { key, found: period.to_string(), expected: "10 ms or more" });
            }
        }
        if self.jitter > self.spacing {
            return Err(ParamsError::Range {
                key: "wire.jitter",
                found: self.jitter.to_string(),
                expected: "no more than `wire.spacing`",
            });
        }
        Ok(())
    }
}

/// Whether optional fields are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FrameLength {
    /// every field
    Full,
    /// only the fields that must be there, as many real batteries do
    Short,
}

/// What 0x35A says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AlarmStyle {
    /// 01 active, 10 OK (P 2 §0x35A)
    Pairs,
    /// all zero, which many makers send and mean OK by; the document says "not supported"
    AllZero,
}

/// How often a message leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pace {
    Fast,
    Slow,
}

/// A message that a battery may send: its identifier, how often it leaves, and what it says.
type Entry = (u16, Pace, fn(&Speaker<'_>) -> Message);

/// Every message a battery may send, in the order of a cycle.
const CYCLE: [Entry; 20] = [
    (0x351, Pace::Fast, limits),
    (0x355, Pace::Fast, state_of_charge),
    (0x356, Pace::Fast, |say| {
        let s = say.status;
        Measurements::new(s.pack, s.current, (s.min_temperature + s.max_temperature) / 2.0).into()
    }),
    (0x35A, Pace::Fast, |say| {
        Message::Alarms(match say.params.alarms {
            AlarmStyle::Pairs => say.status.alarms,
            AlarmStyle::AllZero => Alarms::NONE_SUPPORTED,
        })
    }),
    (0x373, Pace::Fast, cells),
    (FORCE_CHARGE, Pace::Fast, |_| ForceCharge::new(true).into()),
    (0x35E, Pace::Slow, |say| Message::Manufacturer(text(&say.identity.manufacturer))),
    (0x35F, Pace::Slow, |say| {
        let online = if say.status.connected { say.status.capacity } else { AmpHours::ZERO };
        BatteryIdentity::new(0, say.identity.version().unwrap_or_default(), online).into()
    }),
    (0x370, Pace::Slow, |say| Message::NamePart1(halves(&say.identity.name).0)),
    (0x371, Pace::Slow, |say| Message::NamePart2(halves(&say.identity.name).1)),
    // A battery with a contactor only has nothing to say of modules that block one direction (P 2 §0x372).
    (0x372, Pace::Slow, |say| {
        let connected = say.status.connected;
        Modules::new(u16::from(connected), 0xFFFF, 0xFFFF, u16::from(!connected)).into()
    }),
    (0x374, Pace::Slow, |say| Message::MinCellVoltageId(which(say.status.lowest.0))),
    (0x375, Pace::Slow, |say| Message::MaxCellVoltageId(which(say.status.highest.0))),
    (0x376, Pace::Slow, |_| Message::MinCellTemperatureId(text("T1"))),
    (0x377, Pace::Slow, |_| Message::MaxCellTemperatureId(text("T2"))),
    (0x378, Pace::Slow, |say| Energy::new(say.status.energy_in, say.status.energy_out).into()),
    (0x379, Pace::Slow, |say| InstalledCapacity::new(say.status.capacity).into()),
    (0x380, Pace::Slow, |say| Message::SerialPart1(halves(&say.identity.serial).0)),
    (0x381, Pace::Slow, |say| Message::SerialPart2(halves(&say.identity.serial).1)),
    (FAMILY, Pace::Slow, |say| Message::Family(text(say.identity.family.as_deref().unwrap_or_default()))),
];
/// 0x360 asks for charge: no sound battery of these does.
const FORCE_CHARGE: u16 = 0x360;
/// Stands where a message has its identifier, for frames that are none: no message has more than 11 bits.
const NO_MESSAGE: u16 = u16::MAX;
/// 0x382 is sent where there is a family name.
const FAMILY: u16 = 0x382;

/// What messages are made from.
struct Speaker<'a> {
    identity: &'a Identity,
    params: &'a WireParams,
    status: &'a Status,
}

impl Speaker<'_> {
    fn short(&self) -> bool {
        self.params.frames == FrameLength::Short
    }
}

fn limits(say: &Speaker<'_>) -> Message {
    let s = say.status;
    let mut limits = Limits::new(s.cvl, s.ccl, s.dcl, s.min_voltage);
    if say.short() {
        limits.discharge_voltage = None;
    }
    limits.into()
}

fn state_of_charge(say: &Speaker<'_>) -> Message {
    let soc = say.status.soc;
    let mut state = StateOfCharge::new(soc, Percent(100.0), soc);
    if say.short() {
        state.high_res_soc = None;
    }
    state.into()
}

fn cells(say: &Speaker<'_>) -> Message {
    let s = say.status;
    let mut cells = Cells::new(s.lowest.1, s.highest.1, s.min_temperature, s.max_temperature);
    if say.short() {
        (cells.min_temperature, cells.max_temperature) = (None, None);
    }
    cells.into()
}

fn text(text: &str) -> Text8 {
    Text8::new(text).unwrap_or_default()
}

/// A long text in the two messages that carry it.
fn halves(text: &Option<String>) -> (Text8, Text8) {
    text.as_deref().and_then(Text8::pair).unwrap_or_default()
}

/// A cell by its number, counted from 1.
fn which(cell: usize) -> Text8 {
    text(&(cell + 1).to_string())
}

/// What a slot sends.
#[derive(Debug, Clone, Copy)]
enum Says {
    Message(fn(&Speaker<'_>) -> Message),
    Frame(Frame),
}

/// What leaves.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Sent {
    /// a message of the document
    Message(Message),
    /// a frame that no document asks for
    Frame(Frame),
}

/// One message and its clock.
#[derive(Debug, Clone)]
struct Slot {
    /// of a message of the document; another frame has none of those
    id: u16,
    says: Says,
    period: Micros,
    /// when the next one is due, before jitter
    due: Micros,
}

/// The sender at work.
#[derive(Debug, Clone)]
pub(super) struct Wire {
    identity: Identity,
    params: WireParams,
    slots: Vec<Slot>,
    /// when each of them leaves, the first one first; of two at the same time the first of the cycle
    leaves: Vec<(Micros, usize)>,
    jitter: Rng,
}

/// Keeps the jitter apart from other users of the seed.
const STREAM: u64 = 0x717E;

impl Wire {
    pub(super) fn new(identity: Identity, params: WireParams, defects: &Defects, seed: u64) -> Self {
        let mut jitter = Rng::new(seed, STREAM);
        let sends = |id: u16| {
            !params.omit.contains(&id)
                && match id {
                    0x370 | 0x371 => identity.name.is_some(),
                    0x380 | 0x381 => identity.serial.is_some(),
                    FAMILY => identity.family.is_some(),
                    FORCE_CHARGE => defects.forces_charge(),
                    _ => true,
                }
        };
        let cycle = CYCLE.into_iter().map(|(id, pace, says)| {
            let period = if pace == Pace::Fast { params.period } else { params.slow_period };
            (id, period, Says::Message(says))
        });
        let extras = defects.extras().map(|(frame, every)| (NO_MESSAGE, every, Says::Frame(frame)));
        let mut leaves = Vec::new();
        let slots: Vec<Slot> = (1_u64..)
            .zip(cycle.chain(extras))
            .filter(|&(_, (id, ..))| sends(id))
            .map(|(place, (id, period, says))| {
                // The first cycle waits for the first sample: nothing is sent that was not measured.
                let due = params.period + params.spacing * place;
                let mut slot = Slot { id, says, period, due };
                leaves.push((slot.settle(params.jitter, &mut jitter, defects), leaves.len()));
                slot
            })
            .collect();
        leaves.sort_unstable();
        Self { identity, params, slots, leaves, jitter }
    }

    /// The slot that left has its place behind those that leave before it now: few, for what is sent often.
    fn queue(&mut self, own: (Micros, usize)) {
        let mut place = 0;
        while let Some(&(at, slot)) = self.leaves.get(place + 1)
            && (at < own.0 || at == own.0 && slot < own.1)
        {
            self.leaves[place] = (at, slot);
            place += 1;
        }
        self.leaves[place] = own;
    }

    /// When the next frame leaves.
    pub(super) fn next_at(&self) -> Micros {
        self.leaves.first().map_or(Micros::NEVER, |&(at, _)| at)
    }

    /// The message that is due, as the battery is now, and when it leaves.
    pub(super) fn next(&mut self, status: &Status, defects: &Defects) -> Option<(Micros, Sent)> {
        let &(at, which) = self.leaves.first()?;
        let slot = &mut self.slots[which];
        let says = slot.says;
        slot.due += slot.period;
        let next = slot.settle(self.params.jitter, &mut self.jitter, defects);
        self.queue((next, which));
        let speaker = Speaker { identity: &self.identity, params: &self.params, status };
        Some((
            at,
            match says {
                Says::Message(says) => Sent::Message(says(&speaker)),
                Says::Frame(frame) => Sent::Frame(frame),
            },
        ))
    }
}

impl Slot {
    /// Finds the next time at which no defect silences it, and when it leaves then, by its jitter.
    fn settle(&mut self, jitter: Micros, noise: &mut Rng, defects: &Defects) -> Micros {
        // A period that always falls into a stall would never end: after a few thousand it is silent for good.
        for _ in 0..10_000 {
            if !defects.silences(self.due, self.id) {
                let late = (noise.unit() * (jitter.0 + 1) as f64) as u64;
                return self.due + Micros(late);
            }
            self.due += self.period;
        }
        Micros::NEVER
    }
}
