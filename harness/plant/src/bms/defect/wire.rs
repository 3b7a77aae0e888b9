//! Defects of what is sent: when it is not, and what the bytes say instead (P 1.4, P 2).

use proto::frame::{CanId, Frame};
use proto::message::{AlarmKind, Alarms, Message, Pair, Text8, id};
use proto::quantity::Micros;
use schemars::JsonSchema;
use serde::Deserialize;

use super::Defect;
use crate::bms::params::ParamsError;
use crate::bms::status::Status;

/// A field that is sent in another form than the document's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Miscoding {
    /// CVL in 0.01 V instead of 0.1 V: ten times as large
    CvlTimesTen,
    /// CVL in whole volts: a tenth
    CvlByTen,
    /// high-resolution state of charge in 0.1 % instead of 0.01 %: a tenth
    SocByTen,
    /// state of charge in 0.1 % instead of 1 %: ten times as large
    SocTimesTen,
    /// all of 0x351 most significant byte first
    BigEndianLimits,
    /// CCL and DCL with a minus
    NegativeLimits,
    /// CCL with a minus
    NegativeCharge,
    /// discharge voltage of all ones
    NoDischargeVoltage,
    /// current without a sign
    UnsignedCurrent,
    /// current with the other sign
    InvertedCurrent,
    /// 0x356 in kelvin instead of °C
    KelvinTemperature,
    /// 0x373 in °C instead of kelvin
    CelsiusCells,
    /// cell voltages of 0x373 a tenth too small
    SmallCells,
    /// online capacity of 0x35F most significant byte first
    BigEndianCapacity,
    /// 0x379 is half of what 0x35F says is online
    HalfInstalled,
    /// the counters of 0x378 in 1 kWh instead of 100 Wh
    EnergyByTen,
    /// every alarm and warning that is OK is 00 instead of 10
    OkAsZero,
}

impl Miscoding {
    fn apply(self, message: &mut Message) {
        match (self, message) {
            (Self::CvlTimesTen, Message::Limits(m)) => m.cvl = m.cvl.map(|raw| raw.saturating_mul(10)),
            (Self::CvlByTen, Message::Limits(m)) => m.cvl = m.cvl.map(|raw| raw / 10),
            (Self::BigEndianLimits, Message::Limits(m)) => {
                let fields = [&mut m.cvl, &mut m.ccl, &mut m.dcl, &mut m.discharge_voltage];
                fields.into_iter().for_each(|field| *field = field.map(u16::swap_bytes));
            }
            (Self::NegativeLimits, Message::Limits(m)) => {
                [&mut m.ccl, &mut m.dcl].into_iter().for_each(|field| *field = field.map(u16::wrapping_neg));
            }
            (Self::NegativeCharge, Message::Limits(m)) => m.ccl = m.ccl.map(u16::wrapping_neg),
            (Self::SmallCells, Message::Cells(m)) => {
                let fields = [&mut m.min_cell, &mut m.max_cell];
                fields.into_iter().for_each(|field| *field = field.map(|raw| raw / 10 * 9));
            }
            (Self::BigEndianCapacity, Message::BatteryIdentity(m)) => {
                m.online_capacity = m.online_capacity.map(u16::swap_bytes);
            }
            (Self::HalfInstalled, Message::InstalledCapacity(m)) => {
                m.capacity = m.capacity.map(|raw| raw / 2)
            }
            (Self::EnergyByTen, Message::Energy(m)) => {
                (m.energy_in, m.energy_out) =
                    (m.energy_in.map(|raw| raw / 10), m.energy_out.map(|raw| raw / 10));
            }
            (Self::OkAsZero, Message::Alarms(m)) => *m = without_ok(*m),
            (Self::NoDischargeVoltage, Message::Limits(m)) => m.discharge_voltage = Some(0xFFFF),
            (Self::SocByTen, Message::StateOfCharge(m)) => {
                m.high_res_soc = m.high_res_soc.map(|raw| raw / 10)
            }
            (Self::SocTimesTen, Message::StateOfCharge(m)) => m.soc = m.soc.map(|raw| raw.saturating_mul(10)),
            (Self::UnsignedCurrent, Message::Measurements(m)) => {
                m.current = m.current.map(i16::saturating_abs)
            }
            (Self::InvertedCurrent, Message::Measurements(m)) => {
                m.current = m.current.map(i16::saturating_neg)
            }
            (Self::KelvinTemperature, Message::Measurements(m)) => {
                m.temperature = m.temperature.map(|raw| raw.saturating_add(2731));
            }
            (Self::CelsiusCells, Message::Cells(m)) => {
                let fields = [&mut m.min_temperature, &mut m.max_temperature];
                fields.into_iter().for_each(|field| *field = field.map(|raw| raw.wrapping_sub(273)));
            }
            _ => {}
        }
    }
}

/// What the battery knows of the bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Bus {
    /// when anything of the GX was heard
    heard: Micros,
    /// when 0x305 was
    keep_alive: Option<Micros>,
    /// nobody acknowledged for too long
    lost: bool,
    /// 0x305 was missing for so long that the contactor never closes again
    latched: bool,
}

impl Bus {
    pub(super) const fn hear(&mut self, at: Micros, frame: &Frame) {
        self.heard = at;
        if let CanId::Standard(id::KEEP_ALIVE) = frame.id() {
            self.keep_alive = Some(at);
        }
    }

    /// Looks whether the bus is lost.
    #[inline]
    pub(super) fn watch(&mut self, defects: &[Defect], at: Micros) {
        let silence = at.since(self.heard);
        let lost = |d: &Defect| matches!(d, Defect::NeverBackOnBus { after } if silence >= *after);
        self.lost |= defects.iter().any(lost);
        let missing = self.keep_alive.map_or(Micros::ZERO, |heard| at.since(heard));
        let latched = |d: &Defect| matches!(d, Defect::OpenAfterSilence { after } if missing >= *after);
        self.latched |= defects.iter().any(latched);
    }

    pub(super) const fn latched(&self) -> bool {
        self.latched
    }
}

/// Every pair that says OK says nothing (P 2 §0x35A).
fn without_ok(alarms: Alarms) -> Alarms {
    let not_ok = |pair: Pair| if pair == Pair::Ok { Pair::NotSupported0 } else { pair };
    AlarmKind::ALL.into_iter().fold(alarms, |made, kind| {
        made.with_alarm(kind, not_ok(alarms.alarm(kind))).with_warning(kind, not_ok(alarms.warning(kind)))
    })
}

/// What an analogue front end says that has not started yet, in 0.1 °C.
const BOOT_TEMPERATURE: i16 = -1500;
/// What a glitch says, in 0.01 V.
const GLITCH: i16 = 4600;
/// A glitch is in what is sent within so long, s: one frame of a battery that sends each second.
const GLITCH_SPAN: Micros = Micros::from_secs(1);

impl Defect {
    /// Whether a message that is due at this time is never sent.
    pub(super) fn silences(&self, at: Micros, id: u16) -> bool {
        match *self {
            Self::Stall { id: stalled, every, span } => {
                stalled.is_none_or(|stalled| stalled == id) && at.0 % every.0 >= every.0 - span.0
            }
            Self::SentLate { id: late, after } => late == id && at < after,
            _ => false,
        }
    }

    /// Whether a message that is due now is kept back.
    pub(super) fn holds_back(&self, bus: &Bus, at: Micros, status: &Status) -> bool {
        match *self {
            Self::SilentWithoutCharge => status.ccl.0 <= 0.0,
            Self::SilentWithoutKeepAlive { after } => {
                bus.keep_alive.is_none_or(|heard| at.since(heard) >= after)
            }
            Self::NeverBackOnBus { .. } => bus.lost,
            _ => false,
        }
    }

    /// What becomes of a message.
    pub(super) fn message(&self, at: Micros, mut message: Message) -> Message {
        match (self, &mut message) {
            (Self::Miscoded(miscoding), message) => miscoding.apply(message),
            (Self::BootGarbage { span }, Message::Limits(m)) if at < *span => {
                (m.ccl, m.dcl) = (Some(0), Some(0));
            }
            (Self::BootGarbage { span }, Message::Measurements(m)) if at < *span => {
                m.temperature = Some(BOOT_TEMPERATURE);
            }
            (Self::GlitchFrames { every }, Message::Measurements(m))
                if at >= *every && at.0 % every.0 < GLITCH_SPAN.0 =>
            {
                m.voltage = Some(GLITCH);
            }
            (Self::IdentitySwitches { every, manufacturer }, Message::Manufacturer(text))
                if odd(at, *every) =>
            {
                *text = Text8::new(manufacturer).unwrap_or_default();
            }
            (Self::IdentitySwitches { every, .. }, message) if odd(at, *every) => {
                Miscoding::BigEndianLimits.apply(message);
            }
            _ => {}
        }
        message
    }
}

impl Defect {
    /// The frame that is sent too, and how often; nothing where its identifier is none.
    pub(super) fn extra(&self) -> Option<(Frame, Micros)> {
        let Self::SendsAlso { id, extended, bytes, every } = self else { return None };
        let id = if *extended {
            (*id < 1 << 29).then_some(CanId::Extended(*id))
        } else {
            u16::try_from(*id).ok().filter(|id| *id < 1 << 11).map(CanId::Standard)
        };
        Some((Frame::new(id?, bytes)?, *every))
    }

    /// What becomes of a frame.
    pub(super) fn frame(&self, at: Micros, frame: Frame) -> Frame {
        let is = |id: u16| frame.id() == CanId::Standard(id);
        match self {
            Self::CutShort { id, length } if is(*id) => {
                let length = frame.data().len().min(*length);
                Frame::standard(*id, &frame.data()[..length])
            }
            Self::Overwritten { id, from, bytes, every, span } if is(*id) => {
                let now = every
                    .zip(*span)
                    .is_none_or(|(every, span)| at.0 % every.0 >= every.0.saturating_sub(span.0));
                let mut data = frame.data().to_vec();
                if now && let Some(place) = data.get_mut(*from..from + bytes.len()) {
                    place.copy_from_slice(bytes);
                }
                Frame::standard(*id, &data)
            }
            _ => frame,
        }
    }
}

/// Refuses what no frame has room for.
pub(super) fn bytes(key: &'static str, count: usize) -> Result<(), ParamsError> {
    if count <= 8 {
        return Ok(());
    }
    Err(ParamsError::Range {
        key,
        found: format!("{count} bytes"),
        expected: "within the 8 bytes of a frame",
    })
}

/// Refuses an identifier that has too many bits.
pub(super) fn no_identifier(key: &'static str, defect: &Defect) -> ParamsError {
    let found = if let Defect::SendsAlso { id, .. } = defect { format!("{id:#X}") } else { String::new() };
    ParamsError::Range { key, found, expected: "11 bits, or 29 with `extended: true`" }
}

/// Whether it is the second, fourth, … of such spans.
const fn odd(at: Micros, span: Micros) -> bool {
    !(at.0 / span.0).is_multiple_of(2)
}

/// Refuses what 0x35E cannot carry.
pub(super) fn name(key: &'static str, text: &str) -> Result<(), ParamsError> {
    match Text8::new(text) {
        Some(_) => Ok(()),
        None => Err(ParamsError::Range {
            key,
            found: text.to_owned(),
            expected: "up to 8 printable ASCII characters",
        }),
    }
}
