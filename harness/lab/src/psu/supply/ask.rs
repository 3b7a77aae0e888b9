//! Questions and commands of a profile, and what the supply has to say after each.

use std::collections::BTreeSet;

use proto::quantity::Micros;
use proto::scpi::{Arguments, QueuedError, Reply, ReplyError, Template};

use super::Supply;
use crate::psu::error::{SupplyError, Trips};
use crate::psu::wire::MOST_ERRORS;
use files::profile::{AlarmQuestion, Form};
use proto::scpi::Alarm;

/// From an answer that is not the right one yet to the next question.
const AGAIN: Micros = Micros::from_millis(50);

impl Supply {
    /// Asks what has tripped; what was seen is kept until a trip is cleared.
    pub(super) fn see_alarms(&mut self) -> Result<BTreeSet<Alarm>, SupplyError> {
        for question in &self.profile.protection.alarms.clone() {
            let tripped = self.told_by(question)?;
            self.alarms.extend(tripped.into_iter().filter(|alarm| !self.lingering.contains(alarm)));
        }
        Ok(self.alarms.clone())
    }

    /// What has tripped, as one question tells.
    fn told_by(&mut self, question: &AlarmQuestion) -> Result<Vec<Alarm>, SupplyError> {
        if let Some(alarm) = question.yes {
            let tripped = match &question.answer {
                Some(answer) => self.ask(&question.ask)? == *answer,
                None => self.question(&question.ask, |reply| reply.state())?,
            };
            return Ok(tripped.then_some(alarm).into_iter().collect());
        }
        self.question(&question.ask, |reply| {
            if !question.fields.is_empty() {
                let states =
                    question.fields.iter().map(|(alarm, field)| Ok((*alarm, reply.field(*field)?.state()?)));
                let states: Vec<(Alarm, bool)> = states.collect::<Result<_, ReplyError>>()?;
                return Ok(states
                    .into_iter()
                    .filter(|(_, tripped)| *tripped)
                    .map(|(alarm, _)| alarm)
                    .collect());
            }
            let reply = question.field.map_or(Ok(reply), |field| reply.field(field))?;
            let form = if question.hexadecimal { Form::Hexadecimal } else { question.form };
            let register = form.read(reply)?;
            let set = |(_, bit): &(&Alarm, &u8)| register >> **bit & 1 == 1;
            Ok(question.bits.iter().filter(set).map(|(alarm, _)| *alarm).collect())
        })
    }

    /// Reads the error queue until it is empty. Alarms come first wherever this is called.
    pub(super) fn drain_errors(&mut self) -> Result<Vec<QueuedError>, SupplyError> {
        let Some(queue) = self.profile.errors.clone() else { return Ok(Vec::new()) };
        let mut errors = Vec::new();
        for _ in 0..MOST_ERRORS {
            let said = self.ask(&queue.ask)?;
            if said == queue.empty {
                return Ok(errors);
            }
            match QueuedError::parse(&said) {
                Some(entry) if entry.is_empty() => return Ok(errors),
                Some(entry) => errors.push(entry),
                None => return Err(self.garbled(queue.ask.text(), said, ReplyError::NotANumber)),
            }
        }
        Err(SupplyError::EndlessErrors(MOST_ERRORS))
    }

    /// Takes the alarm state, then fails with whatever stands in the error queue.
    pub(super) fn reported(&mut self, after: &str) -> Result<(), SupplyError> {
        self.see_alarms()?;
        match self.drain_errors()? {
            // That some were lost, and nothing else: somebody else filled the queue. What was told here is read back.
            errors if errors.iter().all(QueuedError::says_that_errors_were_lost) => Ok(()),
            // A supply that has tripped refuses what it is told: that is the echo of the trip, and no news.
            _ if !self.alarms.is_empty() => Err(self.tripped()),
            errors => Err(SupplyError::Reported { after: after.to_owned(), errors }),
        }
    }

    /// What has tripped, as an error.
    pub(crate) fn tripped(&self) -> SupplyError {
        let known = &self.known;
        let volts = known.over_voltage.map(|seen| (Alarm::OverVoltage, seen.accepted.to_string()));
        let amps = known.over_current.flatten().map(|seen| (Alarm::OverCurrent, seen.accepted.to_string()));
        let watts = known.over_power.map(|seen| (Alarm::OverPower, seen.accepted.to_string()));
        let levels = volts.into_iter().chain(amps).chain(watts).collect();
        SupplyError::Tripped(Trips { alarms: self.alarms.clone(), levels })
    }

    /// Asks until the answer is the right one, or the time to settle is over: the one way in which this driver believes
    /// that the supply did what it was told. Gives the last answer, and whether it is the right one.
    ///
    /// Where `told` names the command, the supply is asked after the first answer what it has to say about it: an error
    /// of its is the reason, and what has tripped does not settle. An answer that is right at once costs one question,
    /// and nothing is waited for.
    pub(super) fn until_it_agrees<T>(
        &mut self,
        told: Option<&str>,
        mut ask: impl FnMut(&mut Self) -> Result<T, SupplyError>,
        agrees: impl Fn(&T) -> bool,
    ) -> Result<(T, bool), SupplyError> {
        let until = self.wire.now() + self.profile.settle;
        let mut answer = ask(self)?;
        if let Some(command) = told {
            self.reported(command)?;
        }
        while !agrees(&answer) {
            let tripped = told.is_some() && !self.alarms.is_empty();
            if tripped || self.wire.now() >= until {
                return Ok((answer, false));
            }
            self.wire.wait(until.min(self.wire.now() + AGAIN));
            answer = ask(self)?;
        }
        Ok((answer, true))
    }

    /// A command without a value.
    pub(super) fn plain(&self, template: &Template) -> Result<String, SupplyError> {
        self.with(template, Arguments::default())
    }

    pub(super) fn with(&self, template: &Template, arguments: Arguments<'_>) -> Result<String, SupplyError> {
        let arguments = Arguments { channel: self.channel.as_ref(), ..arguments };
        Ok(template.command(&arguments)?)
    }

    /// Asks, and once more where no answer comes and the question changes nothing.
    pub(super) fn ask(&mut self, template: &Template) -> Result<String, SupplyError> {
        let question = self.plain(template)?;
        match self.wire.ask(&question) {
            Err(silent @ SupplyError::Silent { .. }) if self.may_repeat(template) => {
                self.wire.ask_again(&question).map_err(|error| first_cause(silent, error))
            }
            answer => answer,
        }
    }

    /// Whether a question may be asked again: one that empties a queue or a register would give another answer.
    fn may_repeat(&self, template: &Template) -> bool {
        let consumes = self.profile.errors.iter().map(|errors| &errors.ask).chain(&self.profile.events);
        let tells_of_trips = self.profile.protection.alarms.iter().map(|question| &question.ask);
        self.repeats && consumes.chain(tells_of_trips).all(|other| other.text() != template.text())
    }

    /// The same error with what the supply itself says of it: one that does not know a question gives no reply, and keeps
    /// why in its error queue. With the output on nobody waits for an explanation.
    #[must_use]
    pub(crate) fn explained(&mut self, error: SupplyError) -> SupplyError {
        match error {
            SupplyError::Silent { asked, within, came, queue: None } if !self.lit => {
                SupplyError::Silent { asked, within, came, queue: self.first_entry() }
            }
            error => error,
        }
    }

    fn first_entry(&mut self) -> Option<String> {
        let queue = self.profile.errors.clone()?;
        let question = self.plain(&queue.ask).ok()?;
        let said = self.wire.ask(&question).ok()?;
        QueuedError::parse(&said).filter(|entry| said != queue.empty && !entry.is_empty()).map(|_| said)
    }

    /// A question whose answer is read; one that makes no sense was the answer to something else, and it is asked once
    /// more.
    pub(super) fn question<T>(
        &mut self,
        template: &Template,
        read: impl Fn(Reply<'_>) -> Result<T, ReplyError>,
    ) -> Result<T, SupplyError> {
        let said = self.ask(template)?;
        let garbled = match read(Reply(&said)) {
            Ok(value) => return Ok(value),
            Err(why) => self.garbled(template.text(), said, why),
        };
        let an_overload =
            matches!(garbled, SupplyError::Garbled { why: ReplyError::Infinite | ReplyError::Undefined, .. });
        if an_overload || !self.may_repeat(template) {
            return Err(garbled);
        }
        let question = self.plain(template)?;
        match self.wire.ask_again(&question) {
            Ok(said) => read(Reply(&said)).map_err(|why| self.garbled(template.text(), said, why)),
            Err(error) => Err(first_cause(garbled, error)),
        }
    }

    pub(super) fn garbled(&mut self, asked: &str, said: String, why: ReplyError) -> SupplyError {
        // An overload is a true answer; anything else may have been meant for another question.
        if !matches!(why, ReplyError::Infinite | ReplyError::Undefined) {
            self.wire.lose_step();
        }
        SupplyError::Garbled { asked: asked.to_owned(), said, why }
    }

    /// Sends commands one after the other; the answer to a question among them is taken and forgotten.
    pub(super) fn all(&mut self, templates: &[Template]) -> Result<(), SupplyError> {
        for template in templates {
            let line = self.plain(template)?;
            if template.is_query() {
                self.wire.ask(&line)?;
            } else {
                self.wire.command(&line)?;
            }
        }
        Ok(())
    }
}

/// What to tell where asking again failed too: that the line could not be brought back says less than why it was lost.
fn first_cause(first: SupplyError, then: SupplyError) -> SupplyError {
    if matches!(then, SupplyError::OutOfStep { .. }) { first } else { then }
}
