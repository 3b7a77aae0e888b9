//! The one way to leave a supply: from any state, as often as one likes, and honest about what it saw.

use proto::quantity::Volts;

use super::Supply;
use super::set::POLL;
use crate::psu::error::SupplyError;

/// What a shut-down could confirm. Nothing that was not read back counts.
#[derive(Debug, Default)]
pub struct ShutDown {
    /// the supply says that its output is off
    pub output_off: bool,
    /// its voltage setting reads back as zero
    pub voltage_zero: bool,
    /// the terminals were measured at this, below the safe voltage
    pub safe_at: Option<Volts>,
    /// remote control was given back, or there is none to give back
    pub unlocked: bool,
    /// what went wrong on the way
    pub problems: Vec<SupplyError>,
}

impl ShutDown {
    /// Whether the terminals are known to be without power: output read back as off, voltage measured as safe.
    #[must_use]
    pub const fn is_safe(&self) -> bool {
        self.output_off && self.safe_at.is_some()
    }

    /// Itself where the terminals are known to be without power, or what is wrong.
    pub(crate) fn confirmed(self) -> Result<Self, String> {
        if self.is_safe() {
            return Ok(self);
        }
        let mut problems: Vec<String> = self.problems.iter().map(ToString::to_string).collect();
        problems.dedup();
        let state = if self.output_off { "its terminals are" } else { "its output is" };
        Err(format!(
            "supply: {state} not known to be without power, SWITCH IT OFF BY HAND: {}",
            problems.join("; ")
        ))
    }

    /// That the supply did not say in time what it did, where it is without power: nothing that it said before counts.
    pub(crate) fn stood_still(&self) -> Option<&SupplyError> {
        self.problems.iter().find(|problem| matches!(problem, SupplyError::StoodStill { .. }))
    }

    fn note(&mut self, result: Result<(), SupplyError>) -> bool {
        match result {
            Ok(()) => true,
            Err(error) => {
                self.problems.push(error);
                false
            }
        }
    }
}

impl Supply {
    /// Output off and confirmed, voltage to zero, terminals watched until they are safe, then watchdog and remote
    /// control given up. Remote control is kept where the output could not be confirmed off, so that it can be tried
    /// again.
    pub fn shut_down(&mut self) -> ShutDown {
        let mut done = ShutDown::default();
        // Time counts now, and off is said again and again by itself.
        self.repeats = false;
        // First of all the words that matter, whatever state the line is in.
        let blind = self.plain(&self.profile.output.off).and_then(|off| self.wire.blurt(&off));
        done.note(blind);
        // Without remote control they were refused: that entry of the queue is no news.
        let _ = self.see_alarms().and_then(|_| self.drain_errors());
        let control = self.take_control();
        done.note(control);
        let off = self.switch_off();
        // Errors in the queue are told, but the output is what counts.
        done.output_off = done.note(off) || matches!(self.is_on(), Ok(false));
        let zero = self.set_voltage(Volts::ZERO);
        done.note(zero);
        let seen = self.known.voltage;
        done.voltage_zero = seen.is_some_and(|seen| seen.accepted <= self.profile.voltage.resolution);
        match self.fall() {
            Ok(volts) => done.safe_at = Some(volts),
            Err(error) => done.problems.push(error),
        }
        if done.is_safe() {
            let unlocked = self.let_go();
            done.unlocked = done.note(unlocked);
        }
        self.repeats = true;
        done
    }

    /// Measures until the terminals are below the safe voltage.
    fn fall(&mut self) -> Result<Volts, SupplyError> {
        let (safe, within) = (self.limits.safe_voltage, self.limits.safe_within);
        let until = self.wire.now() + within;
        loop {
            let found = self.terminals()?;
            if found.abs() <= safe {
                return Ok(found);
            }
            if self.wire.now() >= until {
                return Err(SupplyError::StillCharged { found, safe, within });
            }
            self.wait(POLL);
        }
    }

    /// Gives up remote control; everything else stays as it is.
    ///
    /// # Errors
    /// When the supply does not answer or refuses.
    pub fn release(&mut self) -> Result<(), SupplyError> {
        if let Some(lock) = self.profile.lock.clone() {
            self.all(&lock.release)?;
        }
        self.reported("giving up remote control")
    }

    fn let_go(&mut self) -> Result<(), SupplyError> {
        self.disarm_watchdog()?;
        self.release()
    }
}
