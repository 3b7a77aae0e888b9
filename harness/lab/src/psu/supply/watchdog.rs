//! The watchdog: the output goes off when nobody speaks to the supply.

use proto::quantity::Micros;
use proto::scpi::Arguments;

use super::Supply;
use crate::psu::error::SupplyError;
use crate::psu::link::LinkError;
use files::profile::Watchdog;
use proto::scpi::Alarm;

/// How long it is kept silent at once.
const STEP: Micros = Micros::from_millis(20);

impl Supply {
    /// Proves that the watchdog trips, with the output off: arms it, says nothing until it must have tripped, reads that
    /// it has, and clears the trip. It is not armed afterwards. `given_up` is asked all the while whether to end.
    ///
    /// # Errors
    /// When the output is on, something has tripped already, the supply has no watchdog or does not tell of it, or it
    /// did not trip.
    pub fn prove_watchdog(
        &mut self,
        span: Micros,
        mut given_up: impl FnMut() -> bool,
    ) -> Result<(), SupplyError> {
        if self.profile.watchdog.is_none() {
            return Err(SupplyError::Lacks("watchdog"));
        }
        if !self.profile.tells_of(Alarm::Watchdog) {
            return Err(SupplyError::Lacks("alarm that tells whether its watchdog has tripped"));
        }
        self.check_restart()?;
        if self.is_on()? {
            return Err(SupplyError::OutputIs(true));
        }
        // What has tripped before is for a person to clear, and proves nothing.
        self.see_alarms()?;
        self.check_trip()?;
        self.arm_watchdog(span)?;
        let silence = Watchdog::silence(span);
        let until = self.now() + silence;
        while self.now() < until {
            if given_up() {
                return Err(LinkError::GivenUp { link: self.wire.name().to_owned() }.into());
            }
            self.wire.wait(until.min(self.now() + STEP));
        }
        let tripped = self.see_alarms()?.contains(&Alarm::Watchdog);
        // Some note the trip there too.
        self.drain_errors()?;
        self.disarm_watchdog()?;
        if !tripped {
            return Err(SupplyError::WatchdogAsleep { span, silence });
        }
        self.clear_trip()
    }

    pub(super) fn disarm_watchdog(&mut self) -> Result<(), SupplyError> {
        let watchdog = self.profile.watchdog.clone();
        watchdog.map_or(Ok(()), |watchdog| self.all(std::slice::from_ref(&watchdog.disarm)))
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
        if let Some(armed) = &watchdog.armed {
            let state = |this: &mut Self| this.question(armed, |reply| reply.state());
            if !self.until_it_agrees(None, state, |armed| *armed)?.1 {
                return Err(SupplyError::NotActive(armed.text().to_owned()));
            }
        }
        let step = if watchdog.set.slots().any(|slot| slot == proto::scpi::Slot::Seconds) {
            1_000_000
        } else {
            1000
        };
        Ok(Micros(span.0 / step * step))
    }
}
