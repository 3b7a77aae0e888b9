//! Settings: clamped, in the order that never trips and never leaves a gap, and read back.

use std::fmt;
use std::ops::Add;

use proto::quantity::{Amps, Micros, Volts};
use proto::scpi::{Arguments, Curve, Reply, ReplyError, Units};

use super::Supply;
use crate::psu::error::SupplyError;
use crate::psu::profile::{Enable, Setting};

/// How often the terminals are measured while they fall.
pub(super) const POLL: Micros = Micros::from_millis(100);

/// What the supply shall do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Target {
    /// voltage setting
    pub voltage: Volts,
    /// current limit
    pub current: Amps,
    /// where the over-voltage protection trips
    pub over_voltage: Volts,
    /// where the over-current protection trips
    pub over_current: Amps,
}

/// What the supply accepted, as it reads back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Accepted {
    /// voltage setting
    pub voltage: Volts,
    /// current limit
    pub current: Amps,
    /// level of the over-voltage protection
    pub over_voltage: Volts,
    /// level of the over-current protection; absent where it trips at the current limit, or there is none
    pub over_current: Option<Amps>,
}

/// A voltage or a current: how it is put into a command and read out of a reply.
trait Quantity: Copy + PartialOrd + fmt::Display + Add<Output = Self> {
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
    /// Sets voltage, current limit and both protections, clamped to the limits. The protection is moved first where it
    /// rises and last where it falls, so that it is never below the setting.
    ///
    /// # Errors
    /// When the protection would be below its setting, the supply refuses or reads back more than was asked for, has
    /// restarted, or has tripped.
    pub fn apply(&mut self, target: Target) -> Result<Accepted, SupplyError> {
        let limits = self.limits;
        let voltage = target.voltage.min(limits.voltage);
        let current = target.current.min(limits.current);
        let over_voltage = target.over_voltage.min(limits.over_voltage);
        let over_current = target.over_current.min(limits.over_current);
        fits("over-voltage", over_voltage, voltage)?;
        fits("over-current", over_current, current)?;
        self.check_restart()?;
        if over_voltage >= self.over_voltage_level()? {
            self.protect_voltage(over_voltage)?;
            self.set_voltage(voltage)?;
        } else {
            self.set_voltage(voltage)?;
            self.fall_below(over_voltage)?;
            self.protect_voltage(over_voltage)?;
        }
        let level = self.over_current_level()?;
        if level.is_none_or(|level| over_current >= level) {
            self.protect_current(over_current)?;
            self.set_current(current)?;
        } else {
            self.set_current(current)?;
            self.protect_current(over_current)?;
        }
        self.check_trip()?;
        self.accepted()
    }

    /// Reads back what is set, whoever has set it.
    ///
    /// # Errors
    /// When the supply does not answer.
    pub fn accepted(&mut self) -> Result<Accepted, SupplyError> {
        Ok(Accepted {
            voltage: self.voltage_setting()?,
            current: self.current_setting()?,
            over_voltage: self.over_voltage_level()?,
            over_current: self.over_current_level()?,
        })
    }

    /// A setting is accepted at once, but terminals fall slowly: a protection that is lowered before them trips.
    fn fall_below(&mut self, level: Volts) -> Result<(), SupplyError> {
        let within = self.limits.safe_within;
        let until = self.wire.now() + within;
        loop {
            let found = self.terminals()?;
            if found < level {
                return Ok(());
            }
            if self.wire.now() >= until {
                return Err(SupplyError::NotFallen { found, level, within });
            }
            self.wait(POLL);
        }
    }

    /// Makes the supply play a solar array by itself. The voltage setting's limits hold for the open-circuit voltage,
    /// those of the current for the short-circuit current. A curve that is refused leaves the old one active.
    ///
    /// # Errors
    /// When the supply has no such function or refuses a number.
    pub fn set_curve(&mut self, curve: Curve) -> Result<(), SupplyError> {
        let commands = self.profile.curve.clone().ok_or(SupplyError::Lacks("solar array function"))?;
        let curve = Curve {
            voc: curve.voc.min(self.limits.voltage),
            isc: curve.isc.min(self.limits.current),
            vmp: curve.vmp.min(self.limits.voltage),
            imp: curve.imp.min(self.limits.current),
        };
        fits("over-voltage", self.over_voltage_level()?, curve.voc)?;
        let arguments = Arguments { curve: Some(curve), ..Arguments::default() };
        self.check_restart()?;
        self.all(&commands.before)?;
        self.set_as(&commands.voc, curve.voc, arguments)?;
        self.set_as(&commands.isc, curve.isc, arguments)?;
        self.set_as(&commands.vmp, curve.vmp, arguments)?;
        self.set_as(&commands.imp, curve.imp, arguments)?;
        self.all(&commands.after)?;
        self.reported("activating the solar curve")?;
        self.check_trip()
    }

    /// Arms the watchdog: the output goes off when nobody speaks to the supply for that long. Gives the time that was
    /// set, in the steps of the supply.
    ///
    /// # Errors
    /// When the supply has none, cannot wait that long, or does not say that it is armed.
    pub fn arm_watchdog(&mut self, span: Micros) -> Result<Micros, SupplyError> {
        let watchdog = self.profile.watchdog.clone().ok_or(SupplyError::Lacks("watchdog"))?;
        if watchdog.network_only && self.wire.is_serial() {
            return Err(SupplyError::Lacks("watchdog on a serial line"));
        }
        if !(watchdog.shortest..=watchdog.longest).contains(&span) {
            let (shortest, longest) = (watchdog.shortest, watchdog.longest);
            return Err(SupplyError::WatchdogRange { asked: span, shortest, longest });
        }
        let set = self.with(&watchdog.set, Arguments { span: Some(span), ..Arguments::default() })?;
        self.wire.command(&set)?;
        if let Some(arm) = &watchdog.arm {
            self.all(std::slice::from_ref(arm))?;
        }
        self.reported(&set)?;
        if let Some(armed) = &watchdog.armed
            && !self.question(armed, |reply| reply.state())?
        {
            return Err(SupplyError::NotActive(armed.text().to_owned()));
        }
        let step = if watchdog.set.slots().any(|slot| slot == proto::scpi::Slot::Seconds) {
            1_000_000
        } else {
            1000
        };
        Ok(Micros(span.0 / step * step))
    }

    fn check_trip(&self) -> Result<(), SupplyError> {
        if self.alarms.is_empty() { Ok(()) } else { Err(SupplyError::Tripped(self.alarms.clone())) }
    }

    pub(super) fn set_voltage(&mut self, voltage: Volts) -> Result<(), SupplyError> {
        self.known.voltage = None;
        let setting = self.profile.voltage.clone();
        self.known.voltage = Some(self.set(&setting, voltage)?);
        Ok(())
    }

    fn set_current(&mut self, current: Amps) -> Result<(), SupplyError> {
        self.known.current = None;
        let setting = self.profile.current.clone();
        self.known.current = Some(self.set(&setting, current)?);
        Ok(())
    }

    fn protect_voltage(&mut self, level: Volts) -> Result<(), SupplyError> {
        self.known.over_voltage = None;
        let guard = self.profile.protection.over_voltage.clone();
        let setting = guard.level.ok_or(SupplyError::Lacks("level of the over-voltage protection"))?;
        let accepted = self.set(&setting, level)?;
        self.enable(guard.enable)?;
        self.known.over_voltage = Some(accepted);
        Ok(())
    }

    fn protect_current(&mut self, level: Amps) -> Result<(), SupplyError> {
        self.known.over_current = None;
        let mut accepted = None;
        if let Some(guard) = self.profile.protection.over_current.clone() {
            accepted = guard.level.map(|setting| self.set(&setting, level)).transpose()?;
            self.enable(guard.enable)?;
        }
        self.known.over_current = Some(accepted);
        Ok(())
    }

    fn enable(&mut self, enable: Option<Enable>) -> Result<(), SupplyError> {
        let Some(enable) = enable else { return Ok(()) };
        let command = self.plain(&enable.set)?;
        self.wire.command(&command)?;
        let active = self.question(&enable.ask, |reply| reply.state())?;
        self.reported(&command)?;
        if active { Ok(()) } else { Err(SupplyError::NotActive(enable.ask.text().to_owned())) }
    }

    /// Sets one number; gives what the supply accepted.
    fn set<Q: Quantity>(&mut self, setting: &Setting<Q>, value: Q) -> Result<Q, SupplyError> {
        self.set_as(setting, value, value.argument())
    }

    fn set_as<Q: Quantity>(
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

    fn read_back<Q: Quantity>(&mut self, setting: &Setting<Q>) -> Result<Q, SupplyError> {
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
        if self.known.voltage.is_none() {
            let setting = self.profile.voltage.clone();
            self.known.voltage = Some(self.read_back(&setting)?);
        }
        Ok(self.known.voltage.unwrap_or_default())
    }

    pub(super) fn current_setting(&mut self) -> Result<Amps, SupplyError> {
        if self.known.current.is_none() {
            let setting = self.profile.current.clone();
            self.known.current = Some(self.read_back(&setting)?);
        }
        Ok(self.known.current.unwrap_or_default())
    }

    /// Where the over-voltage protection trips now. What was only read does not count as set.
    fn over_voltage_level(&mut self) -> Result<Volts, SupplyError> {
        if let Some(level) = self.known.over_voltage {
            return Ok(level);
        }
        let setting = self.profile.protection.over_voltage.level.clone();
        self.read_back(&setting.ok_or(SupplyError::Lacks("level of the over-voltage protection"))?)
    }

    fn over_current_level(&mut self) -> Result<Option<Amps>, SupplyError> {
        if let Some(level) = self.known.over_current {
            return Ok(level);
        }
        let guard = self.profile.protection.over_current.clone();
        guard.and_then(|guard| guard.level).map(|setting| self.read_back(&setting)).transpose()
    }
}

fn fits<Q: Quantity>(what: &'static str, level: Q, setting: Q) -> Result<(), SupplyError> {
    if level > setting {
        return Ok(());
    }
    Err(SupplyError::ProtectionBelowSetting { what, level: level.to_string(), setting: setting.to_string() })
}
