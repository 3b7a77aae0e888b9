//! The output: on only when it is guarded and the terminals are safe, off always.

use super::{Known, Supply};
use crate::psu::error::SupplyError;
use files::profile::AfterClear;

/// How often switching off is tried before it is given up.
const ATTEMPTS: usize = 3;

impl Supply {
    /// Switches the output on. Both protections were set and read back before, nothing has tripped, and the terminals
    /// are below the safe voltage; else it stays off.
    ///
    /// # Errors
    /// When one of these is not so, or the supply does not confirm.
    pub fn switch_on(&mut self) -> Result<(), SupplyError> {
        self.or_restarted(Self::light)
    }

    fn light(&mut self) -> Result<(), SupplyError> {
        self.check_restart()?;
        if self.known.over_voltage.is_none() {
            return Err(SupplyError::Unprotected("over-voltage"));
        }
        if self.known.over_current.is_none() {
            return Err(SupplyError::Unprotected("over-current"));
        }
        let on = self.plain(&self.profile.output.on)?;
        self.see_alarms()?;
        if !self.alarms.is_empty() {
            return Err(self.tripped());
        }
        if !self.is_on()? {
            let (found, safe) = (self.terminals()?, self.limits.safe_voltage);
            if found > safe {
                return Err(SupplyError::Residual { found, safe });
            }
            self.lit = true;
            self.wire.command(&on)?;
            self.lingering.clear();
        }
        let (_, is_on) = self.until_it_agrees(Some(&on), Self::is_on, |on| *on)?;
        if !self.alarms.is_empty() {
            return Err(self.tripped());
        }
        if is_on { Ok(()) } else { Err(SupplyError::OutputIs(false)) }
    }

    /// Switches the output off and reads back that it is.
    ///
    /// # Errors
    /// When the supply does not confirm, even after some attempts, or did not before its time to settle was over.
    pub fn switch_off(&mut self) -> Result<(), SupplyError> {
        let off = self.plain(&self.profile.output.off)?;
        let (began, mut said_on) = (self.wire.now(), None);
        let mut last = SupplyError::OutputIs(true);
        for _ in 0..ATTEMPTS {
            let asked = match self.wire.command(&off) {
                Ok(()) => self.until_it_agrees(None, Self::is_on, |on| !on),
                // Nothing may come back, and yet the command may arrive.
                Err(error) => self.wire.blurt(&off).and(Err(error)),
            };
            match asked {
                Ok((_, true)) => {
                    self.lit = false;
                    self.reported(&off)?;
                    return said_on
                        .map_or(Ok(()), |for_so_long| Err(SupplyError::StoodStill { for_so_long }));
                }
                Ok((_, false)) => {
                    said_on = Some(self.wire.now().since(began));
                    last = SupplyError::OutputIs(true);
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Clears a trip with the output off before and after, and forgets the alarms that were seen.
    ///
    /// # Errors
    /// When the output cannot be confirmed off, comes on, or the trip stays.
    pub fn clear_trip(&mut self) -> Result<(), SupplyError> {
        self.switch_off()?;
        self.known = Known::default();
        let clear = self.profile.protection.clear.clone();
        self.all(&clear.commands)?;
        if self.is_on()? {
            self.switch_off()?;
            return Err(SupplyError::ClearEnergised);
        }
        let cleared = std::mem::take(&mut self.alarms);
        if clear.then == AfterClear::WhenSwitchedOn {
            self.lingering.extend(cleared);
        }
        self.reported("clearing the trip")?;
        if self.alarms.is_empty() { Ok(()) } else { Err(self.tripped()) }
    }
}
