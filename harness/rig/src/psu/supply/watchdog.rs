//! The watchdog: the output goes off when nobody speaks to the supply.

use proto::quantity::Micros;
use proto::scpi::Arguments;

use super::Supply;
use crate::psu::error::SupplyError;

impl Supply {
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
}
