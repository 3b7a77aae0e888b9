//! One setting: put into a command, and read out of the answer.

use std::fmt;
use std::ops::Add;

use proto::quantity::{Amps, Volts, Watts};
use proto::scpi::{Arguments, Reply, ReplyError, Units};

use super::{Known, Seen, Supply};
use crate::psu::error::SupplyError;
use files::profile::{Enable, Setting};

/// A voltage, a current or a power: how it is put into a command and read out of a reply.
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

impl Quantity for Watts {
    fn argument(self) -> Arguments<'static> {
        Arguments { watts: Some(self), ..Arguments::default() }
    }
    fn read(reply: Reply<'_>, units: Units) -> Result<Self, ReplyError> {
        reply.watts(units)
    }
}

/// Whether what is read back is what was asked for, up to a step of the supply.
fn near<Q: Quantity>(found: Q, asked: Q, step: Q) -> bool {
    found <= asked + step && asked <= found + step
}

impl Supply {
    pub(super) fn enable(&mut self, enable: Option<Enable>) -> Result<(), SupplyError> {
        let Some(enable) = enable else { return Ok(()) };
        let command = self.plain(&enable.set)?;
        self.wire.command(&command)?;
        let state = |this: &mut Self| this.question(&enable.ask, |reply| reply.state());
        let (_, active) = self.until_it_agrees(Some(&command), state, |active| *active)?;
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
        let read_back = |this: &mut Self| this.read_back(setting);
        let (now, agrees) =
            self.until_it_agrees(Some(&command), read_back, |now| near(*now, value, setting.resolution))?;
        if agrees {
            return Ok(now);
        }
        self.check_trip()?;
        let (asked, now, tolerance) = (value.to_string(), now.to_string(), setting.resolution.to_string());
        Err(SupplyError::NotTaken { command, asked, now, tolerance, settle: self.profile.settle })
    }

    pub(super) fn read_back<Q: Quantity>(&mut self, setting: &Setting<Q>) -> Result<Q, SupplyError> {
        let units = self.profile.line.units;
        self.question(&setting.ask, |Reply(said)| {
            // A number alone says no less; what stands behind one must be this.
            let number = match setting.answer_ends.as_ref().filter(|_| said.contains(',')) {
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

    /// The power limit; nothing where the profile knows of none.
    pub(super) fn power_setting(&mut self) -> Result<Option<Watts>, SupplyError> {
        let Some(setting) = self.profile.power.clone() else { return Ok(None) };
        if let Some(seen) = self.known.power {
            return Ok(Some(seen.accepted));
        }
        let accepted = self.read_back(&setting)?;
        self.known.power = Some(Seen { asked: None, accepted });
        Ok(Some(accepted))
    }

    /// Reads back one of the settings that make the sun, another one with each call: a knob, a range or a second program
    /// may change it under way, and the supply tells nobody.
    pub(super) fn look_again(&mut self) -> Result<(), SupplyError> {
        let known = self.known;
        self.looked = (self.looked + 1) % 3;
        match self.looked {
            0 => self.holds(known.voltage, &self.profile.voltage.clone()),
            1 => self.holds(known.current, &self.profile.current.clone()),
            _ => self.profile.power.clone().map_or(Ok(()), |setting| self.holds(known.power, &setting)),
        }
    }

    fn holds<Q: Quantity>(&mut self, seen: Option<Seen<Q>>, setting: &Setting<Q>) -> Result<(), SupplyError> {
        let Some(Seen { accepted, .. }) = seen else { return Ok(()) };
        let read_back = |this: &mut Self| this.read_back(setting);
        let (now, holds) =
            self.until_it_agrees(None, read_back, |now| near(*now, accepted, setting.resolution))?;
        if holds {
            return Ok(());
        }
        self.known = Known::default();
        let (was, now, tolerance) = (accepted.to_string(), now.to_string(), setting.resolution.to_string());
        Err(SupplyError::Moved { asked: setting.ask.text().to_owned(), was, now, tolerance })
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

    /// The level of the protection against more power; nothing where the profile knows of none. Nobody else moves it while
    /// it is driven, so it is asked for once.
    pub(super) fn over_power_level(&mut self) -> Result<Option<Watts>, SupplyError> {
        let guard = self.profile.protection.over_power.clone();
        let Some(setting) = guard.and_then(|guard| guard.level) else { return Ok(None) };
        if let Some(seen) = self.known.over_power {
            return Ok(Some(seen.accepted));
        }
        let accepted = self.read_back(&setting)?;
        self.known.over_power = Some(Seen { asked: None, accepted });
        Ok(Some(accepted))
    }
}
