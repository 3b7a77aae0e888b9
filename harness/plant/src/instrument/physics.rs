//! Terminals, protections and the watchdog over time.

use proto::quantity::{Amps, Micros, Volts};

use proto::scpi::Alarm;

use super::{Instrument, Regulation, Settings, Watchdog};

impl Instrument {
    /// Lets time pass.
    pub(super) fn advance(&mut self, at: Micros) {
        let awake = match self.watchdog {
            Watchdog::Works => true,
            Watchdog::OnlyWhileOn => self.on,
            Watchdog::Broken => false,
        };
        if let Some(delay) = self.set.watchdog
            && awake
            && at.since(self.heard) > delay
        {
            // The terminals begin to fall then, not at the next question.
            let moment = (self.heard + delay).max(self.at);
            self.settle(moment);
            self.trip(Alarm::Watchdog);
        }
        self.settle(at.max(self.at));
    }

    /// What was told, and takes its time.
    fn obey(&mut self, at: Micros) {
        if let Some((_, set)) = self.coming.take_if(|(from, _)| *from <= at) {
            self.set = set;
        }
        if let Some((_, on)) = self.moving.take_if(|(from, _)| *from <= at) {
            self.power(on);
        }
    }

    /// Changes settings, as soon as it takes them.
    pub(super) fn change(&mut self, what: impl FnOnce(&mut Settings)) {
        let mut set = self.coming.map_or(self.set, |(_, set)| set);
        what(&mut set);
        if self.temper.takes == Micros::ZERO {
            self.set = set;
        } else {
            self.coming = Some((self.at + self.temper.takes, set));
        }
    }

    fn settle(&mut self, at: Micros) {
        let fallen = self.terminals - Volts(self.surroundings.fall.0 * at.since(self.at).secs());
        self.at = at;
        self.obey(at);
        self.terminals = self.driven().0.max(fallen).max(Volts::ZERO);
        self.guard();
    }

    /// Voltage and current that the output drives: constant voltage up to the current limit, constant current from there.
    fn driven(&self) -> (Volts, Amps) {
        if !self.on {
            return (Volts::ZERO, Amps::ZERO);
        }
        let load = self.surroundings.load;
        let wanted = Amps(self.set.voltage.0 / load.0);
        if wanted <= self.set.current {
            (self.set.voltage, wanted)
        } else {
            (load * self.set.current, self.set.current)
        }
    }

    /// What the current meter shows.
    pub(super) fn current(&self) -> Amps {
        let (volts, amps) = self.driven();
        // While the terminals are above what the output drives, it gives nothing.
        if self.terminals > volts { Amps::ZERO } else { amps }
    }

    /// Whether the voltage is what limits.
    pub(super) fn is_constant_voltage(&self) -> bool {
        self.driven().0 >= self.set.voltage
    }

    /// Trips where a protection says so.
    pub(super) fn guard(&mut self) {
        if self.set.guards_voltage && self.terminals > self.set.over_voltage {
            self.trip(Alarm::OverVoltage);
        }
        let over =
            self.current() > self.set.over_current || self.dialect.folds_back && !self.is_constant_voltage();
        if self.on && self.set.guards_current && over {
            self.trip(Alarm::OverCurrent);
        }
        let limits = if self.is_constant_voltage() { Regulation::Voltage } else { Regulation::Current };
        if self.on && self.set.folds_back_at == Some(limits) {
            self.trip(Alarm::OverCurrent);
        }
        if self.on && self.terminals * self.current() > self.set.over_power {
            self.trip(Alarm::OverPower);
        }
    }

    pub(super) fn trip(&mut self, alarm: Alarm) {
        if self.tripped.is_empty() {
            self.resume = self.on;
        }
        self.tripped.insert(alarm);
        self.moving = None;
        self.power(false);
    }

    pub(super) fn power(&mut self, on: bool) {
        if self.on != on {
            self.switched = self.at;
        }
        self.on = on;
    }

    /// Switches the output, as far as nothing has tripped.
    pub(super) fn switch(&mut self, on: bool) {
        if self.dialect.clears_by_switching_on && on {
            self.tripped.clear();
        }
        if self.tripped.is_empty() {
            let relay = self.temper.relay.max(self.dialect.relay);
            if relay == Micros::ZERO {
                self.power(on);
            } else {
                self.moving = Some((self.at + relay, on));
            }
        } else if on {
            self.complain(-221, "Settings conflict");
        }
        if !on {
            self.resume = false;
        }
        self.settle(self.at);
    }

    /// Forgets what has tripped.
    pub(super) fn clear(&mut self) {
        if self.tripped.is_empty() {
            return;
        }
        self.tripped.clear();
        if self.dialect.clearing_resumes && self.resume || self.dialect.clearing_energises {
            self.power(true);
        }
        self.resume = false;
        self.settle(self.at);
    }
}
