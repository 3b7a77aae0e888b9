//! What can be wrong with a battery whatever its strategy. A defect is one small part with the hooks it needs;
//! a new one is a variant here, an arm in the hook it uses, and a battery file that must be found out.

use proto::quantity::Micros;
use schemars::JsonSchema;
use serde::Deserialize;

use super::limits::CurrentLimits;
use super::params::{ParamsError, positive_time};

/// A defect, as the battery file names it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Defect {
    /// once the battery was empty it forbids discharge and charge for ever: nothing can wake it (P 5.6)
    DeadlockAfterUndervoltage,
    /// the contactor opens when 0x305 is missing this long; the protocol asks for 10 min at least (P 1.4)
    KeepAliveTrip {
        /// time without 0x305
        after: Micros,
    },
    /// one message stops for a while, again and again, while the others go on (P 1.4)
    Stall {
        /// identifier of the message
        id: u16,
        /// time from the start of one stall to the start of the next
        every: Micros,
        /// how long it lasts, at the end of that time
        span: Micros,
    },
}

impl Defect {
    pub(super) fn check(&self) -> Result<(), ParamsError> {
        match self {
            Self::DeadlockAfterUndervoltage => Ok(()),
            Self::KeepAliveTrip { after } => positive_time("keep-alive-trip.after", *after),
            Self::Stall { every, span, .. } => {
                if span < every {
                    return positive_time("stall.span", *span);
                }
                Err(ParamsError::Range {
                    key: "stall.span",
                    found: span.to_string(),
                    expected: "less than `stall.every`",
                })
            }
        }
    }
}

/// The defects of one battery at work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Defects {
    list: Vec<Defect>,
    was_empty: bool,
}

impl Defects {
    pub(super) const fn new(list: Vec<Defect>) -> Self {
        Self { list, was_empty: false }
    }

    /// What becomes of the current limits; `empty` while the battery forbids discharge because it is.
    pub(super) fn limits(&mut self, empty: bool, limits: CurrentLimits) -> CurrentLimits {
        self.was_empty |= empty;
        if self.was_empty && self.list.contains(&Defect::DeadlockAfterUndervoltage) {
            return CurrentLimits { charge: 0.0, discharge: 0.0 };
        }
        limits
    }

    /// The time without 0x305 after which the contactor opens.
    pub(super) fn keep_alive_timeout(&self, sound: Option<Micros>) -> Option<Micros> {
        let defect = self.list.iter().find_map(|d| match d {
            Defect::KeepAliveTrip { after } => Some(*after),
            _ => None,
        });
        defect.or(sound)
    }

    /// Whether a message that is due is not sent.
    pub(super) fn silences(&self, at: Micros, id: u16) -> bool {
        self.list.iter().any(|d| match *d {
            Defect::Stall { id: stalled, every, span } => stalled == id && at.0 % every.0 >= every.0 - span.0,
            _ => false,
        })
    }
}
