//! Questions and answers: one message in flight, one absolute deadline per reply, and back in step after a loss.

use std::collections::VecDeque;
use std::fmt;

use proto::quantity::Micros;
use proto::scpi::{Chaff, Ending, Lines, QueuedError, Terminator};

use super::error::{SupplyError, hint};
use super::link::Link;
use files::profile::LineRules;

/// Which way a line went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// to the supply
    Sent,
    /// from the supply
    Received,
}

/// Sees every line with its time, for the evidence.
pub type Witness = Box<dyn FnMut(Micros, Direction, &str) + Send>;

/// Most entries that are read from the error queue at once.
pub(super) const MOST_ERRORS: usize = 64;
/// Most unsolicited lines that are kept; older ones go.
const MOST_NOTICES: usize = 64;

/// How often the identity is asked for until nothing else comes.
const ATTEMPTS: usize = 4;

/// The words that bring a line back into step.
#[derive(Debug, Clone, Default)]
pub(super) struct Recovery {
    /// sent first, such as the address on the line
    pub(super) begin: Vec<String>,
    /// the question that empties the error queue; absent where that would lose alarms
    pub(super) errors: Option<String>,
    /// what only this very supply answers: questions and answers
    pub(super) identity: Vec<(String, String)>,
}

/// A link on which lines are exchanged.
pub(super) struct Wire {
    link: Box<dyn Link>,
    rules: LineRules,
    lines: Lines,
    /// false after anything that may have left an answer on the way
    in_step: bool,
    /// whether it was brought back into step since somebody asked
    recovered: bool,
    /// end of the last message or reply
    last: Micros,
    pub(super) recovery: Recovery,
    notices: VecDeque<String>,
    pub(super) witness: Option<Witness>,
}

/// A number without the name of what it is in front: `V1 12.00`.
fn without_header(line: String) -> String {
    let named = line.starts_with(|c: char| c.is_ascii_alphabetic());
    let is_number = |text: &str| text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
    match line.split_once(' ') {
        Some((_, number)) if named && !line.contains(',') && is_number(number.trim_start()) => {
            number.trim_start().to_owned()
        }
        _ => line,
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").field("link", &self.link.name()).field("in_step", &self.in_step).finish()
    }
}

impl Wire {
    /// A line of which it is not known what is on the way.
    pub(super) fn new(link: Box<dyn Link>, rules: LineRules) -> Self {
        let terminator = match rules.receive {
            Ending::Line(terminator) => terminator,
            Ending::Pause(_) => Terminator::None,
        };
        let chaff = Chaff { prompt: rules.prompt.clone(), nul: rules.nul_padding };
        let (lines, last) = (Lines::new(terminator).without(chaff), link.now());
        let (recovery, notices) = (Recovery::default(), VecDeque::new());
        Self { link, rules, lines, in_step: false, recovered: false, last, recovery, notices, witness: None }
    }

    /// Another way to the same supply.
    pub(super) fn replace(&mut self, link: Box<dyn Link>) {
        self.last = link.now();
        self.link = link;
        self.lines.clear();
        self.in_step = false;
    }

    pub(super) fn name(&self) -> &str {
        self.link.name()
    }

    pub(super) fn is_serial(&self) -> bool {
        self.link.is_serial()
    }

    pub(super) fn now(&self) -> Micros {
        self.link.now()
    }

    pub(super) fn wait(&mut self, until: Micros) {
        self.link.wait(until);
    }

    /// What the supply sent without being asked since the last call.
    pub(super) fn notices(&mut self) -> Vec<String> {
        self.notices.drain(..).collect()
    }

    /// Sends a question and takes its answer.
    pub(super) fn ask(&mut self, question: &str) -> Result<String, SupplyError> {
        self.step()?;
        let until = self.send(question)?;
        self.answer(question, until)
    }

    /// Sends a question once more whose answer was lost or made no sense, with the gap before it doubled.
    pub(super) fn ask_again(&mut self, question: &str) -> Result<String, SupplyError> {
        self.step()?;
        self.link.wait(self.last + self.rules.gap * 2);
        let until = self.send(question)?;
        self.answer(question, until)
    }

    /// Sends a command, and takes its acknowledgement where there is one.
    pub(super) fn command(&mut self, command: &str) -> Result<(), SupplyError> {
        self.step()?;
        let until = self.send(command)?;
        if self.rules.echo {
            self.echoed(command, until)?;
        }
        let Some(acknowledge) = self.rules.acknowledge.clone() else { return Ok(()) };
        let said = self.answer(command, until)?;
        if said == acknowledge.done {
            return Ok(());
        }
        if !acknowledge.refused.iter().any(|refused| said.starts_with(refused.as_str())) {
            self.in_step = false;
        }
        Err(SupplyError::Refused { command: command.to_owned(), said })
    }

    /// Sends a command whatever the state of the line, and waits for nothing.
    pub(super) fn blurt(&mut self, command: &str) -> Result<(), SupplyError> {
        self.in_step = false;
        self.send(command).map(drop)
    }

    /// Notes that an answer made no sense: the next message first brings the line back into step.
    pub(super) fn lose_step(&mut self) {
        self.in_step = false;
    }

    /// In step, or brought back.
    pub(super) fn step(&mut self) -> Result<(), SupplyError> {
        if self.in_step {
            // Whatever is there now was not asked for.
            let now = self.link.now();
            while let Some(line) = self.line(now)? {
                self.in_step &= self.is_none(line);
            }
            self.in_step &= self.lines.is_empty();
        }
        if self.in_step { Ok(()) } else { self.recover() }
    }

    /// Drains, sends a bare terminator, drains, empties the error queue, and asks for the identity until exactly this
    /// supply answers and nothing follows.
    pub(super) fn recover(&mut self) -> Result<(), SupplyError> {
        self.drain()?;
        self.send("")?;
        self.drain()?;
        let recovery = self.recovery.clone();
        for command in &recovery.begin {
            self.send(command)?;
            self.drain()?;
        }
        if let Some(errors) = &recovery.errors {
            self.empty(errors)?;
        }
        // Earlier attempts may have left the same question on the way: its answer must be the last thing to come.
        for attempt in 1.. {
            for (question, expected) in &recovery.identity {
                self.expect(question, expected)?;
            }
            if recovery.identity.is_empty() {
                break;
            }
            let Some(more) = self.drain()? else { break };
            if attempt == ATTEMPTS {
                let found = format!(
                    "more comes than was asked for, `{}` (a prompt is named by `prompt` under `line` of its profile)",
                    more.escape_debug()
                );
                return Err(SupplyError::OutOfStep { asked: "the identity".to_owned(), found });
            }
        }
        self.in_step = true;
        self.recovered = true;
        Ok(())
    }

    /// Whether step was lost and found since the last call: what the supply does may have changed meanwhile.
    pub(super) fn was_recovered(&mut self) -> bool {
        std::mem::take(&mut self.recovered)
    }

    fn empty(&mut self, question: &str) -> Result<(), SupplyError> {
        for _ in 0..MOST_ERRORS {
            let until = self.send(question)?;
            match self.line_but(question, until)? {
                Some(line) if QueuedError::parse(&line).is_none_or(|error| !error.is_empty()) => {}
                // Empty, or silent: the identity will tell.
                _ => return Ok(()),
            }
        }
        Ok(())
    }

    fn expect(&mut self, question: &str, expected: &str) -> Result<(), SupplyError> {
        let until = self.send(question)?;
        let mut found = "there was no reply".to_owned();
        while let Some(line) = self.line(until)? {
            if line == expected {
                return Ok(());
            }
            found = format!("the reply was `{}`{}", line.escape_debug(), hint(&line));
        }
        Err(SupplyError::OutOfStep { asked: question.to_owned(), found })
    }

    /// Takes in and forgets until the line is quiet; gives the first that came and nobody asked for.
    fn drain(&mut self) -> Result<Option<String>, SupplyError> {
        let mut came = None;
        let limit = self.link.now() + self.rules.reply_within + self.rules.quiet;
        let mut buffer = [0; 256];
        loop {
            let until = self.link.now() + self.rules.quiet;
            let many = self.link.read(&mut buffer, until)?;
            self.lines.push(&buffer[..many]);
            // A line without an end is forgotten like the others.
            while let Ok(Some(line)) = self.lines.next_line() {
                self.saw(&line);
                if !self.is_none(line.clone()) {
                    came.get_or_insert(line);
                }
            }
            if many == 0 {
                break;
            }
            if self.link.now() > limit {
                let found = "it never falls silent".to_owned();
                return Err(SupplyError::OutOfStep { asked: "a pause".to_owned(), found });
            }
        }
        if !self.lines.is_empty() {
            came.get_or_insert(self.lines.rest());
        }
        self.lines.clear();
        Ok(came)
    }

    /// Sends a line; gives the deadline of its reply.
    fn send(&mut self, line: &str) -> Result<Micros, SupplyError> {
        self.link.wait(self.last + self.rules.gap);
        let until = self.link.now() + self.rules.reply_within;
        let at = self.link.now();
        if let Some(witness) = &mut self.witness {
            witness(at, Direction::Sent, line);
        }
        let bytes = [line.as_bytes(), self.rules.send.bytes()].concat();
        if let Err(error) = self.link.write(&bytes, until) {
            self.in_step = false;
            return Err(error.into());
        }
        self.last = self.link.now();
        Ok(until)
    }

    fn answer(&mut self, asked: &str, until: Micros) -> Result<String, SupplyError> {
        while let Some(line) = self.line_but(asked, until)? {
            if line == asked {
                self.in_step = false;
                return Err(SupplyError::Echo(line));
            }
            if !line.is_empty() {
                return Ok(if self.rules.header { without_header(line) } else { line });
            }
        }
        self.in_step = false;
        let (rest, within) = (self.lines.rest(), self.rules.reply_within);
        let came = (!rest.is_empty()).then_some(rest);
        Err(SupplyError::Silent { asked: asked.to_owned(), within, came, queue: None })
    }

    /// Takes the echo of a command. One that does not come is no loss of the command: what it set is read back.
    fn echoed(&mut self, command: &str, until: Micros) -> Result<(), SupplyError> {
        while let Some(line) = self.line(until)? {
            if line == command {
                return Ok(());
            }
            if !self.is_none(line) {
                break;
            }
        }
        self.in_step = false;
        Ok(())
    }

    /// The next line that may answer: not the echo of what was asked, where this supply sends one, and no line of its own.
    fn line_but(&mut self, asked: &str, until: Micros) -> Result<Option<String>, SupplyError> {
        loop {
            match self.line(until)? {
                Some(line) if self.rules.echo && line == asked || self.is_none(line.clone()) => {}
                line => return Ok(line),
            }
        }
    }

    /// The next line, or none when the deadline has passed.
    fn line(&mut self, until: Micros) -> Result<Option<String>, SupplyError> {
        let mut buffer = [0; 256];
        loop {
            let whole = match self.rules.receive {
                Ending::Line(_) => self.lines.next_line(),
                Ending::Pause(_) => Ok(None),
            };
            match whole {
                Ok(Some(line)) => return Ok(Some(self.ended(line))),
                Ok(None) => {}
                Err(overlong) => {
                    self.in_step = false;
                    let found = overlong.to_string();
                    return Err(SupplyError::OutOfStep { asked: "a line".to_owned(), found });
                }
            }
            let until = match self.rules.receive {
                Ending::Pause(pause) if !self.lines.is_bare() => self.link.now() + pause,
                _ => until,
            };
            match self.link.read(&mut buffer, until) {
                Ok(0) if matches!(self.rules.receive, Ending::Pause(_)) && !self.lines.is_bare() => {
                    let line = self.lines.take_rest();
                    return Ok(Some(self.ended(line)));
                }
                Ok(0) => return Ok(None),
                Ok(many) => self.lines.push(&buffer[..many]),
                Err(error) => {
                    self.in_step = false;
                    return Err(error.into());
                }
            }
        }
    }

    /// A line that came to its end now.
    fn ended(&mut self, line: String) -> String {
        self.last = self.link.now();
        self.saw(&line);
        line
    }

    fn saw(&mut self, line: &str) {
        let at = self.link.now();
        if let Some(witness) = &mut self.witness {
            witness(at, Direction::Received, line);
        }
    }

    /// Whether a line answers nothing: one that the supply sends by itself, or the empty one of a console.
    fn is_none(&mut self, line: String) -> bool {
        let console = self.rules.echo || !self.rules.prompt.is_empty();
        console && line.trim().is_empty() || self.is_notice(line)
    }

    /// Keeps a line that the supply sends by itself; says whether it is one.
    fn is_notice(&mut self, line: String) -> bool {
        let notice = self.rules.unsolicited.iter().any(|start| line.starts_with(start.as_str()));
        if notice {
            if self.notices.len() == MOST_NOTICES {
                self.notices.pop_front();
            }
            self.notices.push_back(line);
        }
        notice
    }
}
