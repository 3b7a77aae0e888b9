//! What can be wrong with a battery whatever its strategy. A defect is one small part with the hooks it needs;
//! a new one is a variant here, an arm in the hook it uses, and a battery file that must be found out.

mod alarms;
mod limits;
mod wire;

use proto::frame::Frame;
use proto::message::{Alarms, Message};
use proto::quantity::{Amps, Celsius, Micros, Ohms, Percent, Volts};
use schemars::JsonSchema;
use serde::Deserialize;

use super::params::{ParamsError, positive, positive_time, zero_or_more};
use super::status::Status;
use super::view::View;

pub use self::alarms::AlarmMixUp;
pub(super) use self::limits::{Events, Wanted};
pub use self::wire::Miscoding;

/// A defect, as the battery file names it.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Defect {
    /// once the battery was empty it forbids discharge and charge for ever: nothing can wake it (P 5.6)
    DeadlockAfterUndervoltage,
    /// once the battery was empty it forbids charge for ever; discharge comes back (P 5.6)
    NoChargeAfterUndervoltage,
    /// once the battery was empty its contactor is open for ever (P 5.6)
    OpenAfterUndervoltage,
    /// once the contactor was open CVL is 0 for ever
    ZeroCvlAfterTrip,
    /// once the contactor was open CVL is no more than this for ever: CCL returns and nothing is charged
    LowCvlAfterTrip {
        /// what CVL is then
        cvl: Volts,
    },
    /// CVL is never more than this, and nothing is the cause
    DeratedCvl {
        /// the most that CVL is
        cvl: Volts,
    },
    /// CVL of a full battery sinks by a step, again and again: it discharges it slowly (P 1.5.3)
    SinkingCvl {
        /// one step
        by: Volts,
        /// from one to the next
        every: Micros,
        /// how long the battery is full before the first
        after: Micros,
    },
    /// CVL goes down and up again as a sine does, below what it should be (P 1.5.3)
    WavingCvl {
        /// from the highest to the lowest
        by: Volts,
        /// from one highest to the next
        period: Micros,
    },
    /// again and again CVL is this for a while, whatever it should be (P 1.5.3)
    ResetsCvl {
        /// what CVL is then
        to: Volts,
        /// time from the start of one to the start of the next
        every: Micros,
        /// how long it lasts, at the end of that time
        span: Micros,
    },
    /// CVL sags by what the discharge current drops on this resistance (P 1.5.3)
    SaggingCvl {
        /// what the pack is taken to have
        resistance: Ohms,
    },
    /// again and again CCL is 0 for a while, and nothing is the cause (P 1.5.2)
    PausingCharge {
        /// time from the start of one pause to the start of the next
        every: Micros,
        /// how long it lasts, at the end of that time
        span: Micros,
    },
    /// DCL = 0 from this temperature of the warmest cell on
    NoDischargeWhenWarm {
        /// where it begins
        temperature: Celsius,
    },
    /// the current is measured as this share of what flows; state of charge and energy are counted from it
    CurrentGain {
        /// 100 % is right
        share: Percent,
    },
    /// the current is measured without its sign where it is smaller than this; state of charge and energy are counted from it
    UnsignedBelow {
        /// from here on it has one
        current: Amps,
    },
    /// an alarm is gone after this time, though its cause lasts
    BriefAlarms {
        /// how long an alarm is raised
        span: Micros,
    },
    /// every other second CVL is so much lower, CCL and DCL half as large
    SwingingLimits {
        /// what is taken off CVL
        by: Volts,
    },
    /// CVL, CCL and DCL stay what they were while a protection works and its alarm is raised (P 2 §0x35A)
    KeepsLimitsInAlarm,
    /// DCL = 0 from this state of charge on
    NoDischargeWhenFull {
        /// where it begins
        soc: Percent,
    },
    /// a full battery opens its contactor for a minute when it is charged with more than this, for however short (P 1.5.4)
    OpensOnSurge {
        /// where full begins
        soc: Percent,
        /// what it bears
        current: Amps,
    },
    /// the contactor opens when 0x305 is missing this long; the protocol asks for 10 min at least (P 1.4)
    KeepAliveTrip {
        /// time without 0x305
        after: Micros,
    },
    /// one message, or every one, stops for a while, again and again (P 1.4)
    Stall {
        /// identifier of the message; absent, all of them
        id: Option<u16>,
        /// time from the start of one stall to the start of the next
        every: Micros,
        /// how long it lasts, at the end of that time
        span: Micros,
    },
    /// nothing is sent while CCL is 0 (P 1.4)
    SilentWithoutCharge,
    /// nothing is sent until 0x305 was heard, nor when it is missing this long (P 1.4)
    SilentWithoutKeepAlive {
        /// time without 0x305
        after: Micros,
    },
    /// once the GX was not heard for this long, so that nobody acknowledged a frame, nothing is ever sent again: the
    /// queue is full, or the controller bus-off, and nobody clears it
    NeverBackOnBus {
        /// time without a frame of the GX
        after: Micros,
    },
    /// from this time on every message repeats what it said then
    Frozen {
        /// time since the start
        after: Micros,
    },
    /// so long after the start −150 °C is sent, CCL = 0 and DCL = 0
    BootGarbage {
        /// time since the start
        span: Micros,
    },
    /// once in this time one frame of 0x356 says 46 V
    GlitchFrames {
        /// from one to the next
        every: Micros,
    },
    /// 0x360 is sent, and asks for charge for ever
    ForceCharge,
    /// the manufacturer's name is another one every other such time, and the limits come in its byte order
    IdentitySwitches {
        /// from one to the other
        every: Micros,
        /// the other name, up to 8 characters
        manufacturer: String,
    },
    /// once 0x305 was missing this long the contactor is open for ever, whatever comes back (P 1.4)
    OpenAfterSilence {
        /// time without 0x305
        after: Micros,
    },
    /// the contactor opens for a minute when the pack is so far above its CVL, as chargers may lift it (P 1.5.3.3)
    OpensAboveCvl {
        /// what it bears
        by: Volts,
    },
    /// a message is not sent before this time
    SentLate {
        /// identifier of the message
        id: u16,
        /// time since the start
        after: Micros,
    },
    /// a message ends before its fields do
    CutShort {
        /// identifier of the message
        id: u16,
        /// how many bytes it has
        length: usize,
    },
    /// some bytes of a message are always the same, or now and then
    Overwritten {
        /// identifier of the message
        id: u16,
        /// the first of them, counted from 0
        from: usize,
        /// what they are
        bytes: Vec<u8>,
        /// from one such time to the next; absent, always
        every: Option<Micros>,
        /// how long it lasts, at the end of that time
        span: Option<Micros>,
    },
    /// a frame that no document asks for is sent too: by another protocol in it, or by another node
    SendsAlso {
        /// its identifier
        id: u32,
        /// whether that has 29 bits
        #[serde(default)]
        extended: bool,
        /// its bytes
        bytes: Vec<u8>,
        /// from one to the next
        every: Micros,
    },
    /// a field is sent in another form than the document's
    Miscoded(Miscoding),
    /// alarms are not what they say
    MixedUpAlarms(AlarmMixUp),
}

impl Defect {
    pub(super) fn check(&self) -> Result<(), ParamsError> {
        match self {
            Self::LowCvlAfterTrip { cvl } => positive("low-cvl-after-trip.cvl", cvl.0),
            Self::DeratedCvl { cvl } => positive("derated-cvl.cvl", cvl.0),
            Self::OpensOnSurge { current, .. } => positive("opens-on-surge.current", current.0),
            Self::SwingingLimits { by } => zero_or_more("swinging-limits.by", by.0),
            Self::OpensAboveCvl { by } => positive("opens-above-cvl.by", by.0),
            Self::OpenAfterSilence { after } => positive_time("open-after-silence.after", *after),
            Self::CutShort { length, .. } => wire::bytes("cut-short.length", *length),
            Self::Overwritten { from, bytes, every, span, .. } => {
                wire::bytes("overwritten.bytes", from + bytes.len())?;
                match (every, span) {
                    (None, None) => Ok(()),
                    (every, span) => {
                        repeated("overwritten.span", every.unwrap_or_default(), span.unwrap_or_default())
                    }
                }
            }
            Self::SendsAlso { bytes, every, .. } => {
                wire::bytes("sends-also.bytes", bytes.len())?;
                self.extra().map_or_else(
                    || Err(wire::no_identifier("sends-also.id", self)),
                    |_| positive_time("sends-also.every", *every),
                )
            }
            Self::SinkingCvl { by, every, .. } => {
                positive("sinking-cvl.by", by.0)?;
                positive_time("sinking-cvl.every", *every)
            }
            Self::WavingCvl { by, period } => {
                positive("waving-cvl.by", by.0)?;
                positive_time("waving-cvl.period", *period)
            }
            Self::ResetsCvl { to, every, span } => {
                positive("resets-cvl.to", to.0)?;
                repeated("resets-cvl.span", *every, *span)
            }
            Self::SaggingCvl { resistance } => positive("sagging-cvl.resistance", resistance.0),
            Self::PausingCharge { every, span } => repeated("pausing-charge.span", *every, *span),
            Self::CurrentGain { share } => positive("current-gain.share", share.0),
            Self::UnsignedBelow { current } => positive("unsigned-below.current", current.0),
            Self::KeepAliveTrip { after } => positive_time("keep-alive-trip.after", *after),
            Self::SilentWithoutKeepAlive { after } => {
                positive_time("silent-without-keep-alive.after", *after)
            }
            Self::NeverBackOnBus { after } => positive_time("never-back-on-bus.after", *after),
            Self::GlitchFrames { every } => positive_time("glitch-frames.every", *every),
            Self::IdentitySwitches { every, manufacturer } => {
                wire::name("identity-switches.manufacturer", manufacturer)?;
                positive_time("identity-switches.every", *every)
            }
            Self::Stall { every, span, .. } => repeated("stall.span", *every, *span),
            _ => Ok(()),
        }
    }
}

/// What lasts for a span again and again ends before it begins anew.
fn repeated(key: &'static str, every: Micros, span: Micros) -> Result<(), ParamsError> {
    if span < every {
        return positive_time(key, span);
    }
    Err(ParamsError::Range { key, found: span.to_string(), expected: "less than `every`" })
}

/// The defects of one battery at work.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Defects {
    list: Vec<Defect>,
    memory: limits::Memory,
    bus: wire::Bus,
    raised: alarms::Raised,
}

impl Defects {
    pub(super) fn new(list: Vec<Defect>) -> Self {
        Self {
            list,
            memory: limits::Memory::default(),
            bus: wire::Bus::default(),
            raised: alarms::Raised::default(),
        }
    }

    /// What becomes of the limits.
    pub(super) fn limits(&mut self, view: &View, events: Events, wanted: Wanted) -> Wanted {
        self.memory.note(events, wanted);
        self.memory.watch(&self.list, view, wanted.cvl);
        self.list.iter().fold(wanted, |wanted, defect| defect.limits(&self.memory, view, wanted))
    }

    /// The frames that no document asks for, and how often each is sent.
    pub(super) fn extras(&self) -> impl Iterator<Item = (Frame, Micros)> + '_ {
        self.list.iter().filter_map(Defect::extra)
    }

    /// Whether the contactor is open whatever the protection says.
    pub(super) fn open(&self) -> bool {
        self.memory.surged()
            || self.bus.latched()
            || self.memory.was_empty && self.list.contains(&Defect::OpenAfterUndervoltage)
    }

    /// What becomes of 0x35A.
    pub(super) fn alarms(&mut self, at: Micros, alarms: Alarms) -> Alarms {
        let raised = &mut self.raised;
        self.list.iter().fold(alarms, |alarms, defect| match defect {
            Defect::MixedUpAlarms(mix_up) => mix_up.apply(alarms),
            Defect::BriefAlarms { span } => raised.brief(at, alarms, *span),
            _ => alarms,
        })
    }

    /// What becomes of the measured current, A.
    pub(super) fn current(&self, current: f64) -> f64 {
        self.list.iter().fold(current, |current, defect| match defect {
            Defect::CurrentGain { share } => current * share.0 / 100.0,
            Defect::UnsignedBelow { current: border } if current.abs() < border.0 => current.abs(),
            _ => current,
        })
    }

    /// The time without 0x305 after which the contactor opens.
    pub(super) fn keep_alive_timeout(&self, sound: Option<Micros>) -> Option<Micros> {
        let defect = self.list.iter().find_map(|d| match d {
            Defect::KeepAliveTrip { after } => Some(*after),
            _ => None,
        });
        defect.or(sound)
    }

    /// Whether what is sent stands still at this time.
    pub(super) fn frozen(&self, at: Micros) -> bool {
        self.list.iter().any(|d| matches!(d, Defect::Frozen { after } if at >= *after))
    }

    /// Whether 0x360 is sent.
    pub(super) fn forces_charge(&self) -> bool {
        self.list.contains(&Defect::ForceCharge)
    }

    /// A frame of the GX was heard.
    pub(super) const fn hear(&mut self, at: Micros, frame: &Frame) {
        self.bus.hear(at, frame);
    }

    /// Whether a message that is due at this time is never sent: what is known long before.
    #[inline]
    pub(super) fn silences(&self, at: Micros, id: u16) -> bool {
        self.list.iter().any(|defect| defect.silences(at, id))
    }

    /// Whether a message that is due now is kept back: what is only known now.
    #[inline]
    pub(super) fn holds_back(&mut self, at: Micros, status: &Status) -> bool {
        self.bus.watch(&self.list, at);
        self.list.iter().any(|defect| defect.holds_back(&self.bus, at, status))
    }

    /// What becomes of a message.
    #[inline]
    pub(super) fn message(&self, at: Micros, message: Message) -> Message {
        self.list.iter().fold(message, |message, defect| defect.message(at, message))
    }

    /// What becomes of its frame.
    #[inline]
    pub(super) fn frame(&self, at: Micros, frame: Frame) -> Frame {
        self.list.iter().fold(frame, |frame, defect| defect.frame(at, frame))
    }
}
