//! One setting: put into a command, and read out of the answer.

use std::fmt;
use std::ops::Add;

use proto::quantity::{Amps, Volts};
use proto::scpi::{Arguments, Reply, ReplyError, Units};

use super::{Seen, Supply};
use crate::psu::error::SupplyError;
use files::profile::{Enable, Setting};

/// A voltage or a current: how it is put into a command and read out of a reply.
pub(super) trait Quantity: Copy + PartialOrd + fmt::Display + Add<Output = Self> {
    fn argument(self) -> Arguments<'static>;
    fn read(reply: Reply<'_>, units: Units) -> Result<Self, ReplyError>;
}

impl Quantity for Volts {
    fn argument(self) -> Arguments<'static> {
        Arguments { volts: Some(self), ..Arguments::default() }
    }
    fn read(reply: Reply<'_>, units: Units) -> Result<Self, ReplyError> {
        reply.volts(units)
    }
}

impl Quantity for Amps {
    fn argument(self) -> Arguments<'static> {
        Arguments { amps: Some(self), ..Arguments::default() }
    }
    fn read(reply: Reply<'_>, units: Units) -> Result<Self, ReplyError> {
        reply.amps(units)
    }
}

impl Supply {
    pub(super) fn enable(&mut self, enable: Option<Enable>) -> Result<(), SupplyError> {
        let Some(enable) = enable else { return Ok(()) };
        let command = self.plain(&enable.set)?;
        self.wire.command(&command)?;
        let active = self.question(&enable.ask, |reply| reply.state())?;
        self.reported(&command)?;
        if active { Ok(()) } else { Err(SupplyError::NotActive(enable.ask.text().to_owned())) }
    }

    /// Sets one number; gives what the supply accepted.
    pub(super) fn set<Q: Quantity>(&mut self, setting: &Setting<Q>, value: Q) -> Result<Q, SupplyError> {
        self.set_as(setting, value, value.argument())
    }

    pub(super) fn set_as<Q: Quantity>(
        &mut self,
        setting: &Setting<Q>,
        value: Q,
        arguments: Arguments<'_>,
    ) -> Result<Q, SupplyError> {
        let command = self.with(&setting.set, arguments)?;
        self.wire.command(&command)?;
        let now = self.read_back(setting)?;
        self.reported(&command)?;
        if now > value + setting.resolution {
            return Err(SupplyError::MoreThanAsked { command, now: now.to_string() });
        }
        Ok(now)
    }

    pub(super) fn read_back<Q: Quantity>(&mut self, setting: &Setting<Q>) -> Result<Q, SupplyError> {
        let units = self.profile.line.units;
        self.question(&setting.ask, |Reply(said)| {
            let number = match &setting.answer_ends {
                Some(end) => said.strip_suffix(end.as_str()).ok_or(ReplyError::NotANumber)?,
                None => said,
            };
            Q::read(Reply(number), units)
        })
    }

    pub(super) fn voltage_setting(&mut self) -> Result<Volts, SupplyError> {
        if let Some(seen) = self.known.voltage {
            return Ok(seen.accepted);
        }
        let setting = self.profile.voltage.clone();
        let accepted = self.read_back(&setting)?;
        self.known.voltage = Some(Seen { asked: None, accepted });
        Ok(accepted)
    }

    pub(super) fn current_setting(&mut self) -> Result<Amps, SupplyError> {
        if let Some(seen) = self.known.current {
            return Ok(seen.accepted);
        }
        let setting = self.profile.current.clone();
        let accepted = self.read_back(&setting)?;
        self.known.current = Some(Seen { asked: None, accepted });
        Ok(accepted)
    }

    /// Where the over-voltage protection trips now. What was only read does not count as set.
    pub(super) fn over_voltage_level(&mut self) -> Result<Volts, SupplyError> {
        if let Some(seen) = self.known.over_voltage {
            return Ok(seen.accepted);
        }
        let setting = self.profile.protection.over_voltage.level.clone();
        self.read_back(&setting.ok_or(SupplyError::Lacks("level of the over-voltage protection"))?)
    }

    pub(super) fn over_current_level(&mut self) -> Result<Option<Amps>, SupplyError> {
        if let Some(seen) = self.known.over_current {
            return Ok(seen.map(|seen| seen.accepted));
        }
        let guard = self.profile.protection.over_current.clone();
        guard.and_then(|guard| guard.level).map(|setting| self.read_back(&setting)).transpose()
    }
}
