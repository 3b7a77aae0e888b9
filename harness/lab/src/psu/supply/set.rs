//! Settings: clamped, in the order that never trips and never leaves a gap, and read back.

use proto::quantity::{Amps, Micros, Volts, Watts};

use super::setting::Quantity;
use super::{Known, Seen, Supply};
use crate::psu::error::SupplyError;
use files::profile::Setting;

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
    /// where the over-power protection trips; absent: it stays as it is, where there is one
    pub over_power: Option<Watts>,
}

impl Target {
    /// Voltage and current, and where their protections trip; that of power stays as it is.
    #[must_use]
    pub const fn new((voltage, current): (Volts, Amps), (over_voltage, over_current): (Volts, Amps)) -> Self {
        Self { voltage, current, over_voltage, over_current, over_power: None }
    }
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
    /// level of the over-power protection; absent where the profile knows of none
    pub over_power: Option<Watts>,
}

impl Supply {
    /// Sets voltage, current limit and both protections, clamped to the limits. The protection is moved first where it
    /// rises and last where it falls, so that it is never below the setting. What stands as it is asked for is not set
    /// again; whether the supply has restarted or tripped is asked each time.
    ///
    /// # Errors
    /// When the protection would be below its setting, the supply refuses or goes on reading back something else than was
    /// asked for, has restarted, or has tripped.
    pub fn apply(&mut self, target: Target) -> Result<Accepted, SupplyError> {
        self.or_restarted(|this| this.settle_on(target))
    }

    fn settle_on(&mut self, target: Target) -> Result<Accepted, SupplyError> {
        let limits = self.limits;
        let voltage = target.voltage.min(limits.voltage);
        let current = target.current.min(limits.current);
        let over_voltage = target.over_voltage.min(limits.over_voltage);
        let over_current = target.over_current.min(limits.over_current);
        fits("over-voltage", over_voltage, voltage)?;
        fits("over-current", over_current, current)?;
        self.check_restart()?;
        self.has_room(over_voltage, voltage)?;
        self.choose_range()?;
        self.without_foldback()?;
        let mut power_moved = self.guard_power(target.over_power, voltage * current)?;
        power_moved |= self.raise_power(voltage * current)?;
        let voltage_moved = self.follow_voltage(voltage, over_voltage)?;
        let current_moved = self.follow_current(current, over_current)?;
        if !power_moved && !voltage_moved && !current_moved {
            // Else whatever was set last has asked.
            self.see_alarms()?;
        }
        self.check_trip()?;
        self.accepted()
    }

    /// Whoever had it before may have left it on: it would trip as soon as the charger takes all of the sun.
    fn without_foldback(&mut self) -> Result<(), SupplyError> {
        let Some(foldback) =
            self.profile.protection.foldback.clone().filter(|_| !self.known.without_foldback)
        else {
            return Ok(());
        };
        let command = self.plain(&foldback.set)?;
        self.wire.command(&command)?;
        let ask = |this: &mut Self| this.ask(&foldback.ask);
        let is = |now: &String| now.trim().eq_ignore_ascii_case(&foldback.answer);
        let (now, agrees) = self.until_it_agrees(Some(&command), ask, is)?;
        if !agrees {
            let (asked, settle) = (foldback.answer, self.profile.settle);
            return Err(SupplyError::NotTaken {
                command,
                asked,
                now,
                tolerance: "nothing".to_owned(),
                settle,
            });
        }
        self.known.without_foldback = true;
        Ok(())
    }

    /// A power limit below what voltage and current make would take the rest of the sun away, and no other setting would
    /// show it: it is raised to that. One that leaves room stays as it is.
    fn raise_power(&mut self, needed: Watts) -> Result<bool, SupplyError> {
        let (Some(setting), Some(limit)) = (self.profile.power.clone(), self.power_setting()?) else {
            return Ok(false);
        };
        if needed <= limit + setting.resolution {
            return Ok(false);
        }
        self.known.power = None;
        self.known.power = Some(Seen { asked: Some(needed), accepted: self.set(&setting, needed)? });
        Ok(true)
    }

    /// Sets the protection against more power, once: a rig has one level for it, above all of its sun. Where the rig file has
    /// none, the level that somebody has set stays, and must be above what voltage and current make.
    fn guard_power(&mut self, level: Option<Watts>, needed: Watts) -> Result<bool, SupplyError> {
        let guard = self.profile.protection.over_power.clone();
        let Some((guard, setting)) = guard.and_then(|guard| Some((guard.clone(), guard.level?))) else {
            return level
                .map_or(Ok(false), |_| Err(SupplyError::Lacks("level of the over-power protection")));
        };
        let Some(level) = level else {
            // At zero there is none.
            let found = self.over_power_level()?.filter(|level| *level > Watts::ZERO);
            return found.map_or(Ok(()), |level| fits("over-power", level, needed)).map(|()| false);
        };
        fits("over-power", level, needed)?;
        if self.stands(level, self.known.over_power, &setting)? {
            return Ok(false);
        }
        self.known.over_power = None;
        let accepted = self.set(&setting, level)?;
        self.enable(guard.enable)?;
        self.known.over_power = Some(Seen { asked: Some(level), accepted });
        Ok(true)
    }

    /// Moves voltage and its protection where they are not there yet; says whether anything was set.
    fn follow_voltage(&mut self, voltage: Volts, level: Volts) -> Result<bool, SupplyError> {
        let setting = self.profile.voltage.clone();
        let guard = self.profile.protection.over_voltage.level.clone();
        let guard = guard.ok_or(SupplyError::Lacks("level of the over-voltage protection"))?;
        let guarded = self.stands(level, self.known.over_voltage, &guard)?;
        if guarded && self.stands(voltage, self.known.voltage, &setting)? {
            return Ok(false);
        }
        if guarded {
            self.set_voltage(voltage)?;
        } else if level >= self.over_voltage_level()? {
            self.protect_voltage(level)?;
            self.set_voltage(voltage)?;
        } else {
            self.set_voltage(voltage)?;
            self.fall_below(level)?;
            self.protect_voltage(level)?;
        }
        Ok(true)
    }

    /// As [`Supply::follow_voltage`], of the current.
    fn follow_current(&mut self, current: Amps, level: Amps) -> Result<bool, SupplyError> {
        let setting = self.profile.current.clone();
        let guarded = match self.profile.protection.over_current.clone().and_then(|guard| guard.level) {
            Some(guard) => self.stands(level, self.known.over_current.flatten(), &guard)?,
            // Active, or not there: there is no level to move.
            None => self.known.over_current.is_some(),
        };
        if guarded && self.stands(current, self.known.current, &setting)? {
            return Ok(false);
        }
        if guarded {
            self.set_current(current)?;
        } else if self.over_current_level()?.is_none_or(|now| level >= now) {
            self.protect_current(level)?;
            self.set_current(current)?;
        } else {
            self.set_current(current)?;
            self.protect_current(level)?;
        }
        Ok(true)
    }

    /// Whether a setting is as it was asked for. A supply that would tell of a restart has been asked for that; of any
    /// other it is read back, and where that differs nothing counts any more.
    fn stands<Q: Quantity>(
        &mut self,
        asked: Q,
        seen: Option<Seen<Q>>,
        setting: &Setting<Q>,
    ) -> Result<bool, SupplyError> {
        let Some(seen) = seen.filter(|seen| seen.asked == Some(asked)) else { return Ok(false) };
        if self.profile.events.is_some() || self.read_back(setting)? == seen.accepted {
            return Ok(true);
        }
        self.known = Known::default();
        Ok(false)
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
            over_power: self.over_power_level()?,
        })
    }

    /// Gives each setting what it holds: its words are seen to work, and nothing changes. Only with the output off.
    ///
    /// # Errors
    /// When it does not answer, refuses, or holds something else then.
    pub fn rehearse(&mut self) -> Result<(), SupplyError> {
        self.switch_off()?;
        let profile = self.profile.clone();
        self.holds_on(&profile.voltage)?;
        self.holds_on(&profile.current)?;
        if let Some(power) = &profile.power {
            self.holds_on(power)?;
        }
        if let Some(level) = &profile.protection.over_voltage.level {
            self.holds_on(level)?;
        }
        if let Some(level) = profile.protection.over_current.and_then(|guard| guard.level) {
            self.holds_on(&level)?;
        }
        if let Some(level) = profile.protection.over_power.and_then(|guard| guard.level) {
            self.holds_on(&level)?;
        }
        Ok(())
    }

    fn holds_on<Q: Quantity>(&mut self, setting: &Setting<Q>) -> Result<(), SupplyError> {
        let held = self.read_back(setting)?;
        self.set(setting, held).map(drop)
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

    pub(super) fn check_trip(&self) -> Result<(), SupplyError> {
        if self.alarms.is_empty() { Ok(()) } else { Err(self.tripped()) }
    }

    pub(super) fn set_voltage(&mut self, voltage: Volts) -> Result<(), SupplyError> {
        self.known.voltage = None;
        let setting = self.profile.voltage.clone();
        self.known.voltage = Some(Seen { asked: Some(voltage), accepted: self.set(&setting, voltage)? });
        Ok(())
    }

    fn set_current(&mut self, current: Amps) -> Result<(), SupplyError> {
        self.known.current = None;
        let setting = self.profile.current.clone();
        self.known.current = Some(Seen { asked: Some(current), accepted: self.set(&setting, current)? });
        Ok(())
    }

    fn protect_voltage(&mut self, level: Volts) -> Result<(), SupplyError> {
        self.known.over_voltage = None;
        let guard = self.profile.protection.over_voltage.clone();
        let setting = guard.level.ok_or(SupplyError::Lacks("level of the over-voltage protection"))?;
        let accepted = self.set(&setting, level)?;
        self.enable(guard.enable)?;
        self.known.over_voltage = Some(Seen { asked: Some(level), accepted });
        Ok(())
    }

    fn protect_current(&mut self, level: Amps) -> Result<(), SupplyError> {
        self.known.over_current = None;
        let mut accepted = None;
        if let Some(guard) = self.profile.protection.over_current.clone() {
            accepted = guard.level.map(|setting| self.set(&setting, level)).transpose()?;
            self.enable(guard.enable)?;
        }
        self.known.over_current = Some(accepted.map(|accepted| Seen { asked: Some(level), accepted }));
        Ok(())
    }
}

fn fits<Q: Quantity>(what: &'static str, level: Q, setting: Q) -> Result<(), SupplyError> {
    if level > setting {
        return Ok(());
    }
    Err(SupplyError::ProtectionBelowSetting { what, level: level.to_string(), setting: setting.to_string() })
}
