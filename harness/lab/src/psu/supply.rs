//! The driver: what is set is read back, what is asked is checked, and the output is never energised unguarded.

mod ask;
mod output;
mod rating;
mod set;
mod setting;
mod shut_down;
mod watchdog;

use std::collections::BTreeSet;

use proto::channel::{Channel, Instrument};
use proto::quantity::{Amps, Micros, Volts, Watts};
use proto::samples::{Samples, Value};
use proto::scpi::{Alarm, Arguments, Identity, QueuedError, Template, Word};

use super::error::SupplyError;
use super::link::Link;
use super::wire::{Recovery, Wire, Witness};
use files::Profile;
use files::live::PsuPlace;
use files::profile::Bit;

pub use rating::Rated;
pub use set::{Accepted, Target};
pub use shut_down::ShutDown;

/// Never-exceed limits, whatever is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// highest voltage setting
    pub voltage: Volts,
    /// highest current limit
    pub current: Amps,
    /// highest level of the over-voltage protection
    pub over_voltage: Volts,
    /// highest level of the over-current protection
    pub over_current: Amps,
    /// below this the terminals may be touched
    pub safe_voltage: Volts,
    /// how long the terminals may take to fall below it
    pub safe_within: Micros,
}

/// What the driver must know besides the profile.
#[derive(Debug, Clone)]
pub struct Settings {
    /// never-exceed limits
    pub limits: Limits,
    /// number of the output or address on the line, where it is not that of the profile
    pub channel: Option<Word>,
    /// the one supply that may answer; any of the profile where absent
    pub expected: Option<Identity>,
    /// how long it may take until it answers at all when it is opened: adapters and supplies that were plugged in a moment
    /// ago take up to 10 s
    pub first_answer: Micros,
}

/// How long a run and the doctor wait for a first answer.
pub(crate) const FIRST_ANSWER: Micros = Micros::from_secs(12);

impl Settings {
    /// Those of a rig, with its limit of the current.
    #[must_use]
    pub fn of(place: &PsuPlace, current_max: Amps) -> Self {
        let limits = Limits {
            voltage: place.voltage,
            current: current_max,
            over_voltage: place.over_voltage,
            over_current: place.over_current,
            safe_voltage: place.safe_voltage,
            safe_within: place.safe_within,
        };
        Self { limits, channel: None, expected: None, first_answer: Micros::ZERO }
    }

    /// The same where nothing is known to be energised, so that there is time for a first answer.
    pub(crate) fn patient(self) -> Self {
        Self { first_answer: FIRST_ANSWER, ..self }
    }
}

/// What was found when a supply was opened.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// who answered
    pub identity: Identity,
    /// whether the output was on
    pub output: bool,
    /// what had tripped
    pub alarms: BTreeSet<Alarm>,
    /// what stood in the error queue
    pub errors: Vec<QueuedError>,
    /// the first line that it said before it said who it is: it starts when its port is opened
    pub greeting: Option<String>,
}

/// What is measured, and what is set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// whether the output is on
    pub output: bool,
    /// at the terminals
    pub voltage: Volts,
    /// output current
    pub current: Amps,
    /// what the supply would give if the charger took it all: voltage setting × current limit
    pub available: Watts,
}

impl From<Reading> for Samples {
    fn from(reading: Reading) -> Self {
        let mut said = Self::new(Instrument::Supply);
        said.put(Channel::SupplyOutput, Value::Flag(reading.output));
        said.tell(Channel::SupplyVoltage, reading.voltage.0);
        said.tell(Channel::SupplyCurrent, reading.current.0);
        // An output that is off offers nothing, whatever it is set to.
        said.tell(Channel::PvAvailable, if reading.output { reading.available.0 } else { 0.0 });
        said
    }
}

/// One poll.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// what is measured
    pub reading: Reading,
    /// what has tripped and was not cleared
    pub alarms: BTreeSet<Alarm>,
    /// what the supply sent without being asked
    pub notices: Vec<String>,
}

/// What the supply was seen to have accepted; nothing after a restart, a trip, or another opening.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    voltage: Option<Seen<Volts>>,
    current: Option<Seen<Amps>>,
    power: Option<Seen<Watts>>,
    over_voltage: Option<Seen<Volts>>,
    /// set, where the profile has it, or known to be without
    over_current: Option<Option<Seen<Amps>>>,
    over_power: Option<Seen<Watts>>,
    /// the range of the output is the one that fits
    in_range: bool,
    /// what trips at the current limit itself is off
    without_foldback: bool,
    /// its rated voltage
    rated: Option<Volts>,
}

/// One setting.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Seen<Q> {
    /// by us; nothing where it was only read
    asked: Option<Q>,
    /// what was read back
    accepted: Q,
}

/// A programmable supply.
#[derive(Debug)]
pub struct Supply {
    wire: Wire,
    profile: Profile,
    limits: Limits,
    channel: Option<Word>,
    expected: Option<Identity>,
    identity: Identity,
    known: Known,
    /// seen since the last trip was cleared: reading them may make the supply forget
    alarms: BTreeSet<Alarm>,
    /// cleared, but shown by the supply until its output is switched on again
    lingering: BTreeSet<Alarm>,
    restarted: bool,
    /// the output was switched on, and not seen to be off since
    lit: bool,
    /// which setting was read back again last
    looked: u8,
    /// how long a first answer is waited for
    first_answer: Micros,
    /// whether a question is asked again whose answer was lost
    repeats: bool,
}

impl Supply {
    /// Takes a supply over: checks who answers, takes remote control, and reads what there is. The output is left as it
    /// was found: [`Supply::shut_down`] before anything else.
    ///
    /// # Errors
    /// When nobody answers, another supply answers, or it does not give control.
    pub fn open(
        link: Box<dyn Link>,
        profile: Profile,
        settings: Settings,
    ) -> Result<(Self, Found), SupplyError> {
        let unknown = Identity {
            maker: String::new(),
            model: String::new(),
            serial: String::new(),
            firmware: String::new(),
            note: None,
        };
        let mut supply = Self {
            wire: Wire::new(link, profile.line.clone()),
            channel: settings.channel.or_else(|| profile.channel.clone()),
            profile,
            limits: settings.limits,
            expected: settings.expected,
            identity: unknown,
            known: Known::default(),
            alarms: BTreeSet::new(),
            lingering: BTreeSet::new(),
            restarted: false,
            lit: false,
            looked: 0,
            first_answer: settings.first_answer,
            repeats: true,
        };
        let found = supply.take_over()?;
        Ok((supply, found))
    }

    /// What answers when it is asked who it is, in the words of a profile: the first line; nothing where no line comes.
    /// Nothing else is said to it.
    pub(crate) fn who(link: Box<dyn Link>, profile: &Profile) -> Option<String> {
        let mut wire = Wire::new(link, profile.line.clone());
        let channel = profile.channel.as_ref();
        let question = |template: &Template| template.command(&Arguments { channel, ..Arguments::default() });
        let begin = profile.begin.iter().map(question).collect::<Result<_, _>>().ok()?;
        wire.recovery = Recovery { begin, ..Recovery::default() };
        wire.ask(&question(profile.identify.ask.first()?).ok()?).ok()
    }

    /// Goes on over another link after the old one was lost. Only the same model and serial number is accepted, and
    /// everything counts as unknown until it is read.
    ///
    /// # Errors
    /// As [`Supply::open`].
    pub fn reopen(&mut self, link: Box<dyn Link>) -> Result<Found, SupplyError> {
        self.wire.replace(link);
        if !self.identity.model.is_empty() {
            self.expected = Some(self.identity.clone());
        }
        self.take_over()
    }

    /// Shows every line that is sent and received to a witness.
    pub fn show_to(&mut self, witness: Witness) {
        self.wire.witness = Some(witness);
    }

    /// Who it is.
    #[must_use]
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The words it understands.
    #[must_use]
    pub const fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The time of the link.
    #[must_use]
    pub fn now(&self) -> Micros {
        self.wire.now()
    }

    /// Waits on the clock of the link.
    pub fn wait(&mut self, span: Micros) {
        self.wire.wait(self.wire.now() + span);
    }

    /// What switches the output off, as the bytes of a whole line.
    ///
    /// # Errors
    /// When the profile needs a channel and there is none.
    pub fn off_line(&self) -> Result<Vec<u8>, SupplyError> {
        Ok(self.profile.off_line(self.channel.as_ref())?)
    }

    /// Takes remote control again after [`Supply::shut_down`] gave it back. Everything counts as unknown until it is
    /// read.
    ///
    /// # Errors
    /// As [`Supply::open`].
    pub fn take_over(&mut self) -> Result<Found, SupplyError> {
        self.known = Known::default();
        self.alarms.clear();
        self.lingering.clear();
        self.restarted = false;
        let begin = self.profile.begin.clone();
        let begin = begin.iter().map(|template| self.plain(template)).collect::<Result<Vec<_>, _>>()?;
        self.wire.recovery = Recovery { begin, ..Recovery::default() };
        let greeting = self.meet()?;
        let alarms = self.see_alarms()?;
        let errors = self.drain_errors()?;
        self.take_control()?;
        self.check_selected()?;
        if let Some(events) = self.profile.events.clone() {
            // Clears what happened before.
            self.question(&events, |reply| reply.register())?;
        }
        self.wire.was_recovered();
        Ok(Found { identity: self.identity.clone(), output: self.is_on()?, alarms, errors, greeting })
    }

    /// Who answers. One that was never met may be starting: for as long as a first answer may take it is asked again while
    /// nobody answers, and while what comes is a text and no identity, such as the log of its start. The first of that is
    /// given back.
    fn meet(&mut self) -> Result<Option<String>, SupplyError> {
        let patience = if self.identity.model.is_empty() { self.first_answer } else { Micros::ZERO };
        let until = self.wire.now() + patience;
        let (mut greeting, mut other) = (None, None);
        loop {
            let met = self.wire.recover().and_then(|()| self.identify());
            let in_time = self.wire.now() < until;
            match met {
                // The answers to earlier questions are on the way, and a line of its log may look like an identity.
                Ok(()) if patience > Micros::ZERO => match self.met_again() {
                    Err(SupplyError::OutOfStep { .. }) if in_time => {
                        greeting.get_or_insert_with(|| self.identity.to_string());
                        self.wire.recovery.identity.clear();
                    }
                    recovered => return recovered.map(|()| greeting),
                },
                Ok(()) => return Ok(greeting),
                Err(SupplyError::Silent { .. } | SupplyError::OutOfStep { .. }) if in_time => {}
                Err(SupplyError::NoIdentity(said)) if in_time => {
                    greeting.get_or_insert(said);
                }
                // Another one says so twice.
                Err(SupplyError::WrongSupply { found, .. }) if in_time && other.as_ref() != Some(&found) => {
                    greeting.get_or_insert_with(|| found.to_string());
                    other = Some(found);
                }
                Err(silent @ SupplyError::Silent { .. }) => {
                    return Err(greeting.map_or(silent, SupplyError::NoIdentity));
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Asks once more who it is. What stands in its error queue is left to whoever reads it.
    fn met_again(&mut self) -> Result<(), SupplyError> {
        let errors = self.wire.recovery.errors.take();
        let again = self.wire.recover();
        self.wire.recovery.errors = errors;
        again
    }

    fn identify(&mut self) -> Result<(), SupplyError> {
        let mut answers = Vec::new();
        for template in &self.profile.identify.ask.clone() {
            let question = self.plain(template)?;
            let answer = self.wire.ask(&question)?;
            answers.push((question, answer));
        }
        let line = answers.iter().map(|(_, answer)| answer.as_str()).collect::<Vec<_>>().join(",");
        let identity = match &self.profile.identify.order {
            Some(order) => Identity::parse_as(&line, order),
            None => Identity::parse(&line),
        };
        let identity = identity.ok_or(SupplyError::NoIdentity(line))?;
        let begins = &self.profile.identify.begins;
        let begins_with = |name: &str, start: &str| {
            name.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start))
        };
        let fits =
            |start: &String| begins_with(&identity.model, start) || begins_with(&identity.maker, start);
        let wrong =
            |expected: String| SupplyError::WrongSupply { found: Box::new(identity.clone()), expected };
        if !begins.is_empty() && !begins.iter().any(fits) {
            return Err(wrong(format!("a supply of the profile `{}`", self.profile.psu_profile)));
        }
        if let Some(expected) = self.expected.as_ref().filter(|expected| !expected.is_same_supply(&identity))
        {
            return Err(wrong(expected.to_string()));
        }
        self.identity = identity;
        self.wire.recovery.identity = answers;
        let errors = self.profile.errors.as_ref().filter(|errors| !errors.acknowledges_alarms);
        self.wire.recovery.errors = errors.map(|errors| self.plain(&errors.ask)).transpose()?;
        Ok(())
    }

    fn take_control(&mut self) -> Result<(), SupplyError> {
        let Some(lock) = self.profile.lock.clone() else { return Ok(()) };
        self.all(&lock.take)?;
        self.reported("taking remote control")?;
        let Some(verify) = lock.verify else { return Ok(()) };
        let asked = self.until_it_agrees(None, |this| this.ask(&verify.ask), |owner| *owner == verify.answer);
        match asked? {
            (_, true) => Ok(()),
            (owner, false) => Err(SupplyError::NotInControl(owner)),
        }
    }

    /// Fails where another output than ours would take what is said now.
    fn check_selected(&mut self) -> Result<(), SupplyError> {
        let Some(selected) = self.profile.selected.clone() else { return Ok(()) };
        let answer = self.ask(&selected.ask)?;
        if answer == selected.answer {
            return Ok(());
        }
        // What is said next goes to the right one again.
        self.wire.lose_step();
        let asked = selected.ask.text().to_owned();
        Err(SupplyError::OtherOutput { asked, expected: selected.answer, found: answer })
    }

    /// Reads output, terminals and alarms, and with the output on one of the settings again.
    ///
    /// # Errors
    /// When the supply does not answer, has restarted, or a setting is not what it was set to any more.
    pub fn read(&mut self) -> Result<Status, SupplyError> {
        self.or_restarted(Self::status)
    }

    fn status(&mut self) -> Result<Status, SupplyError> {
        self.check_restart()?;
        let measure = self.profile.measure.clone();
        let units = self.profile.line.units;
        let output = self.is_on()?;
        let voltage = self.question(&measure.voltage, |reply| reply.volts(units))?;
        let current = self.question(&measure.current, |reply| reply.amps(units))?;
        self.see_alarms()?;
        if output && self.alarms.is_empty() {
            self.look_again()?;
        }
        let setting = self.voltage_setting()?;
        let corner = setting * self.current_setting()?;
        let available = self.power_setting()?.map_or(corner, |limit| corner.min(limit));
        let reading = Reading { output, voltage, current, available };
        Ok(Status { reading, alarms: self.alarms.clone(), notices: self.wire.notices() })
    }

    /// Whether the output is on, as the supply says.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn is_on(&mut self) -> Result<bool, SupplyError> {
        let (ask, state) = (self.profile.output.ask.clone(), self.profile.output.state);
        self.question(&ask, |reply| {
            let Some(Bit { bit, form, inverted }) = state else { return reply.state() };
            Ok((form.read(reply)? >> bit & 1 == 1) != inverted)
        })
    }

    /// What the terminals are at.
    ///
    /// # Errors
    /// When the supply does not answer.
    pub fn terminals(&mut self) -> Result<Volts, SupplyError> {
        let (ask, units) = (self.profile.measure.voltage.clone(), self.profile.line.units);
        self.question(&ask, |reply| reply.volts(units))
    }

    /// Does something. What a supply that restarts under way reads back is no setting that somebody moved and none that
    /// it refuses: where it fails, the supply is asked for a restart first.
    fn or_restarted<T>(
        &mut self,
        what: impl FnOnce(&mut Self) -> Result<T, SupplyError>,
    ) -> Result<T, SupplyError> {
        what(self).map_err(|error| match error {
            SupplyError::Rebooted
            | SupplyError::Link(_)
            | SupplyError::Silent { .. }
            | SupplyError::Garbled { .. } => error,
            _ => match self.check_restart() {
                Err(rebooted @ SupplyError::Rebooted) => rebooted,
                _ => error,
            },
        })
    }

    /// Fails once the supply has restarted, until it is opened again. Where the line was out of step it may have
    /// restarted unseen: what it accepted before does not count.
    fn check_restart(&mut self) -> Result<(), SupplyError> {
        /// Power on, IEEE 488.2, 11.5.1.1.2.
        const POWER_ON: u32 = 1 << 7;
        self.wire.step()?;
        self.check_selected()?;
        if let Some(events) = self.profile.events.clone().filter(|_| !self.restarted) {
            self.restarted = self.question(&events, |reply| reply.register())? & POWER_ON != 0;
        }
        if self.wire.was_recovered() || self.restarted {
            self.known = Known::default();
        }
        if self.restarted {
            return Err(SupplyError::Rebooted);
        }
        Ok(())
    }
}
