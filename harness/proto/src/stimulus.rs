//! What a test does to the world: the same words for a real bench and the simulated one.

mod text;

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::fault::{Fault, FaultKind, Id};
use crate::quantity::{Amps, Micros, Percent, Watts};

/// One change of the world. As text it is what suites write: `{"pv": "4000 W"}`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Stimulus {
    /// PV power made available; zero is night.
    Pv(Watts),
    /// Power made available to a PV inverter on the AC side.
    AcPv(Watts),
    /// AC load switched to this power.
    AcLoad(Watts),
    /// Mains connected or not.
    Grid(bool),
    /// AC input current limit of the inverter.
    InputCurrentLimit(Amps),
    /// Feed in excess DC-coupled PV.
    FeedIn(bool),
    /// Frames of this id are kept from their receivers for a time.
    Silence {
        /// the 11-bit id
        #[serde(with = "text::id")]
        id: u16,
        /// for how long
        #[serde(rename = "for", with = "text::span")]
        span: Micros,
    },
    /// A fault was injected.
    Inject(#[serde(with = "text::fault")] Fault),
    /// One cell is charged this much above the others.
    Imbalance(Percent),
    /// A register of the GX was written.
    GxWrite {
        /// Modbus address; it selects the kind of product
        register: u16,
        /// raw value
        value: u16,
    },
}

/// In the words of a suite: `pv 4 kW`, `ac-load off`, `silence 0x351 for 3 s`.
impl fmt::Display for Stimulus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let on_off = |on: &bool| if *on { "on" } else { "off" };
        match self {
            Self::Pv(power) => write!(f, "pv {}", Power(*power)),
            Self::AcPv(power) => write!(f, "ac-pv {}", Power(*power)),
            Self::AcLoad(power) => write!(f, "ac-load {}", Power(*power)),
            Self::Grid(on) => write!(f, "grid {}", on_off(on)),
            Self::InputCurrentLimit(limit) => write!(f, "input-current-limit {limit}"),
            Self::FeedIn(on) => write!(f, "feed-in {}", on_off(on)),
            Self::Silence { id, span } => write!(f, "silence {} for {}", Id(*id), span.span()),
            Self::Inject(fault) => write!(f, "inject {fault}"),
            Self::Imbalance(by) => write!(f, "imbalance {by}"),
            Self::GxWrite { register, value } => write!(f, "gx-write {register} = {value}"),
        }
    }
}

/// A power as people say it: `4 kW`, `850 W`, or `off`; to a watt, below a kilowatt to a milliwatt.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Power(pub Watts);

impl fmt::Display for Power {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Watts(watts) = self.0;
        let (value, unit) = if watts.abs() >= 1000.0 { (watts / 1000.0, "kW") } else { (watts, "W") };
        if watts == 0.0 {
            f.write_str("off")
        } else {
            write!(f, "{} {unit}", (value * 1000.0).round() / 1000.0)
        }
    }
}

/// What a change of the world does to frames on their way: they say nothing of their sender then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tampering {
    /// frames of this identifier, or all of them
    pub id: Option<u16>,
    /// for how long
    pub span: Micros,
    /// whether what arrives meanwhile is not what was sent
    pub forged: bool,
    /// whether what arrives meanwhile comes later than it was sent
    pub late: bool,
    /// whether nothing of it arrives meanwhile
    pub withheld: bool,
}

impl Tampering {
    /// Whether it concerns frames of an identifier.
    #[must_use]
    pub fn is_of(&self, id: u16) -> bool {
        self.id.is_none_or(|own| own == id)
    }
}

impl Stimulus {
    /// What it does to frames, if anything.
    #[must_use]
    pub fn tampering(&self) -> Option<Tampering> {
        let (kind, span) = match *self {
            Self::Silence { id, span } => {
                return Some(Tampering { id: Some(id), span, forged: false, late: false, withheld: true });
            }
            Self::Inject(Fault { kind, span }) => (kind, span),
            _ => return None,
        };
        let one = |id: Option<Id>| id.map(|Id(id)| id);
        let plain = Tampering { id: None, span, forged: false, late: false, withheld: false };
        Some(match kind {
            // Where only a share is lost, what arrives is what was sent, when it was sent.
            FaultKind::FrameLoss { id, share } => {
                Tampering { id: one(id), withheld: share >= Percent(100.0), ..plain }
            }
            // What arrives between two gaps is what was sent, when it was sent.
            FaultKind::FrameGap { id, .. } => Tampering { id: one(id), ..plain },
            FaultKind::FrameDelay { by, id } | FaultKind::FrameJitter { by, id } => {
                Tampering { id: one(id), span: span + by, late: true, ..plain }
            }
            FaultKind::WireCut {} | FaultKind::BusOff {} => Tampering { withheld: true, ..plain },
            FaultKind::Garble { id } | FaultKind::Babble { id, .. } => {
                Tampering { id: Some(id.0), forged: true, ..plain }
            }
            _ => return None,
        })
    }

    /// For how long it keeps the keep-alive of the GX from the battery, all of it or some, if it does (P 1.4).
    #[must_use]
    pub fn keep_alive_lost(&self) -> Option<Micros> {
        match *self {
            Self::Silence { id: crate::message::id::KEEP_ALIVE, span } => Some(span),
            Self::Inject(Fault { kind: FaultKind::WireCut {} | FaultKind::BusOff {}, span }) => Some(span),
            Self::Inject(Fault { kind: FaultKind::GxReboot {}, span }) => Some(span),
            Self::Inject(Fault { kind: FaultKind::FrameLoss { id: None, .. }, span }) => Some(span),
            _ => None,
        }
    }
}

/// Initial conditions of a case.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Start {
    /// state of charge of the pack
    pub soc: Percent,
    /// mains connected
    pub grid: bool,
    /// feed in excess DC-coupled PV
    pub feed_in: bool,
    /// PV power available
    pub pv: Watts,
    /// power available to a PV inverter on the AC side
    pub ac_pv: Watts,
    /// AC load
    pub ac_load: Watts,
    /// one cell is charged this much above the others
    pub imbalance: Percent,
    /// AC input current limit, where it differs from the rig's
    pub input_current_limit: Option<Amps>,
}

impl Start {
    /// Half full, with mains that may be fed, and no sun, load or fault.
    pub const AT_REST: Self = Self {
        soc: Percent(50.0),
        grid: true,
        feed_in: true,
        pv: Watts::ZERO,
        ac_pv: Watts::ZERO,
        ac_load: Watts::ZERO,
        imbalance: Percent::ZERO,
        input_current_limit: None,
    };
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::quantity::Volts;

    #[rstest]
    #[case(Stimulus::Pv(Watts(4000.0)), "pv 4 kW")]
    #[case(Stimulus::Pv(Watts(0.0)), "pv off")]
    #[case(Stimulus::Pv(Watts(4000.0 / 3.0)), "pv 1.333 kW")]
    #[case(Stimulus::AcLoad(Watts(850.0)), "ac-load 850 W")]
    #[case(Stimulus::Grid(false), "grid off")]
    #[case(Stimulus::InputCurrentLimit(Amps(4.0)), "input-current-limit 4 A")]
    #[case(Stimulus::Silence { id: 0x351, span: Micros::from_millis(2900) }, "silence 0x351 for 2.9 s")]
    #[case(
        Stimulus::Inject(Fault { kind: FaultKind::CellVoltage { by: Volts(0.3) }, span: Micros::from_secs(10) }),
        "inject cell-voltage by 0.3 V for 10 s"
    )]
    #[case(Stimulus::Imbalance(Percent(5.0)), "imbalance 5 %")]
    #[case(Stimulus::GxWrite { register: 2705, value: 40 }, "gx-write 2705 = 40")]
    fn changes_in_the_words_of_a_suite(#[case] stimulus: Stimulus, #[case] shown: &str) {
        assert_eq!(stimulus.to_string(), shown);
    }
}
