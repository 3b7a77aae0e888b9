//! What a test does to the world: the same words for a real bench and the simulated one.

mod text;

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
