//! A program at work as what manages the cells: turns in lockstep, in the time of the world.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use plant::management::{Installed, Management, ManagementError, Readings};
use proto::frame::Frame;
use proto::quantity::{Amps, Micros};
use proto::text::plain;

use super::kept::Kept;
use super::link::{Broken, LONGEST, Link};
use super::load::Load;
use super::one_cpu::Share;
use super::process::{Process, told};
use super::words::{self, Answer, Farewell, Greeting, PROTOCOL};

/// The shortest time between two turns that frames of the bus bring about.
const WAKES: Micros = Micros::from_millis(1);
/// How long a program that did wrong may take to read why.
const LAST_WORD: Duration = Duration::from_millis(200);
/// What is wrong with a line that is meant for people.
const NO_ANSWER: &str =
    "expected one JSON object; what is for people belongs into `log` or on standard error";
/// To what it answers first.
const HELLO: &str = "to hello";
/// So much of a line is shown in a message.
const SHOWN: usize = 160;

/// A program at work.
#[derive(Debug)]
pub(super) struct Talk {
    link: Link,
    /// nothing where the program runs by itself and is reached over TCP
    process: Option<Process>,
    /// the CPU that harness and program share, where they do
    share: Option<Share>,
    kept: Kept,
    within: Duration,
    modules: usize,
    cells: usize,
    /// the line that is written, used again and again
    line: Vec<u8>,
    /// frames that came since the last turn, as they are told
    heard: Vec<u8>,
    leaving: VecDeque<(Micros, Frame)>,
    balance: Vec<Amps>,
    /// each module's contactor
    closes: Vec<bool>,
    wakes: bool,
    turned: Micros,
    next: Micros,
    load: Load,
    /// it is over, with its account
    over: bool,
}

impl Talk {
    /// A program that has said hello.
    ///
    /// # Errors
    /// When it says something else, or nothing.
    pub(super) fn begin(
        (link, process): (Link, Option<Process>),
        (declared, bit_rate): (&str, u32),
        battery: &Installed,
        kept: &Kept,
        within: Duration,
    ) -> Result<(Self, String), ManagementError> {
        let mut talk = Self {
            link,
            process,
            share: None,
            kept: kept.clone(),
            within,
            modules: battery.modules,
            cells: battery.cells,
            line: Vec::new(),
            heard: Vec::new(),
            leaving: VecDeque::new(),
            balance: Vec::new(),
            // The world is one that has been at work.
            closes: vec![true; battery.modules],
            wakes: false,
            turned: Micros::ZERO,
            next: Micros::ZERO,
            load: Load::on(bit_rate),
            over: false,
        };
        let memory = kept.open().memory.take();
        words::hello(&mut talk.line, declared, bit_rate, battery, memory.as_deref());
        // A program that must load an interpreter first takes longer than its turns do.
        let patience = 10 * within;
        if let Err(broken) = talk.link.ask(&talk.line, patience) {
            return Err(talk.broke(Micros::ZERO, HELLO, broken, patience));
        }
        // Some runtimes begin what they write in UTF-8 with a byte order mark.
        let line = talk.link.line();
        let line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
        let greeting = serde_json::from_slice::<Greeting<'_>>(line);
        let wrong = match &greeting {
            Err(error) => {
                Some(format!("{error}; expected {{\"hello\":\"{PROTOCOL}\",\"name\":…,\"can_set_soc\":…}}"))
            }
            Ok(greeting) if greeting.hello != PROTOCOL => {
                Some(format!("it speaks `{}`; this Busbar speaks {PROTOCOL}", plain(&greeting.hello)))
            }
            Ok(_) => None,
        };
        let said = greeting.map(|greeting| (plain(&greeting.name).into_owned(), greeting.can_set_soc)).ok();
        match (wrong, said) {
            (None, Some((name, can_set_soc))) => {
                kept.open().cannot_set_soc = !can_set_soc;
                Ok((talk, name))
            }
            (wrong, _) => Err(talk.refuse(Micros::ZERO, HELLO, &wrong.unwrap_or_default())),
        }
    }

    /// The same, sharing a CPU with the harness.
    pub(super) fn sharing(mut self, share: Option<Share>) -> Self {
        self.share = share;
        self
    }

    /// Lets the program go where it works for long in its turns.
    fn took(&mut self, long: Duration) {
        if self.share.as_mut().is_some_and(|share| share.is_in_the_way(long))
            && let (Some(share), Some(process)) = (self.share.take(), &self.process)
        {
            share.let_go(process);
        }
    }

    /// Takes the answer to a turn.
    fn obey(&mut self, at: Micros) -> Result<(), String> {
        let line = self.link.line();
        if !line.trim_ascii_start().starts_with(b"{") {
            return Err(NO_ANSWER.to_owned());
        }
        let answer: Answer<'_> = serde_json::from_slice(line).map_err(|error| misread(&error, line))?;
        let next = answer.check(self.modules, self.cells)?;
        self.load.turn(at);
        for sent in answer.sends() {
            let (after, frame) = sent?;
            self.load.frame(&frame);
            // What a turn before sent and has not left yet keeps its time.
            let place = self.leaving.partition_point(|(leaves, _)| *leaves <= at + after);
            self.leaving.insert(place, (at + after, frame));
        }
        self.load.check(at + Micros(next))?;
        self.balance.clear();
        self.balance.extend(answer.balance.amps());
        if let Some(contactor) = &answer.contactor {
            self.closes.copy_from_slice(contactor.all());
        }
        self.wakes = answer.wake;
        (self.turned, self.next) = (at, at + Micros(next));
        if !answer.log.is_empty() || answer.state.is_some() {
            let mut kept = self.kept.open();
            answer.log.iter().for_each(|text| kept.log(at, text));
            answer.state.iter().for_each(|state| kept.state(at, state));
        }
        Ok(())
    }

    /// What it answered cannot be taken: it is told, and ended.
    fn refuse(&mut self, at: Micros, to: &str, what: &str) -> ManagementError {
        let line = shown(self.link.line());
        self.tell(what);
        let ended = self.stop(at, LAST_WORD, false);
        ManagementError::Failed(format!("the battery's program answered {to} with `{line}`: {what}{ended}"))
    }

    /// There is no answer.
    fn broke(&mut self, at: Micros, to: &str, broken: Broken, within: Duration) -> ManagementError {
        let within = format!("{} s (`within` of the battery file)", within.as_secs_f64());
        let line = shown(self.link.heard());
        let what = match broken {
            Broken::Late if line.is_empty() && to == HELLO => format!(
                "did not answer {to} within {within}; what stays in a buffer is not there: it has to flush standard \
                 output after each line"
            ),
            Broken::Late if line.is_empty() => format!("did not answer {to} within {within}"),
            Broken::Late => {
                format!("did not end its answer {to} with a line break within {within}: `{line}`")
            }
            Broken::Unread => format!("did not read its standard input {to} within {within}"),
            Broken::Ended if line.is_empty() => format!("ended before it answered {to}"),
            Broken::Ended => format!("ended in the middle of its answer {to}: `{line}`"),
            Broken::TooLong => format!("answered {to} with a line of more than {LONGEST} bytes: `{line}`"),
            Broken::Unasked => format!(
                "wrote more than one line {to}: `{line}`; expected one answer, and what is for people in `log` or on \
                 standard error"
            ),
            Broken::Io(ref error) => format!("cannot be reached any more: {error}"),
        };
        let gone = matches!(broken, Broken::Ended);
        if !gone {
            self.tell(&what);
        }
        let ended = self.stop(at, if gone { self.within } else { LAST_WORD }, gone);
        ManagementError::Failed(format!("the battery's program {what}{ended}"))
    }

    fn tell(&mut self, what: &str) {
        let line = format!("{{\"error\":{}}}\n", super::kept::quoted(what));
        let _ = self.link.tell(line.as_bytes(), LAST_WORD);
    }

    /// Ends it at the latest after so long; how, and its last words, to be added to a sentence.
    fn stop(&mut self, at: Micros, within: Duration, by_itself: bool) -> String {
        if self.over {
            return String::new();
        }
        self.over = true;
        self.link.hang_up(within);
        let status =
            self.process.as_mut().map(|process| process.end(if by_itself { within } else { Duration::ZERO }));
        let ended = match &status {
            None => "the connection was closed".to_owned(),
            Some(Ok(status)) => told(*status),
            Some(Err(error)) => format!("how it ended is not known: {error}"),
        };
        self.share = None;
        // What it wrote until it was killed.
        self.link.hang_up(LAST_WORD);
        self.kept.open().end(at, &mut self.link.tail, &ended);
        let last = self.link.tail.last_line();
        let last = last.map_or_else(String::new, |line| {
            format!("; last on standard error: `{}`", shown(line.as_bytes()))
        });
        let ended = if by_itself { format!("; {ended}") } else { String::new() };
        format!("{ended}{last}")
    }
}

/// Why it is no answer, with what stands there where it is no JSON.
fn misread(error: &serde_json::Error, line: &[u8]) -> String {
    let rest = line.get(error.column().saturating_sub(1)..).unwrap_or_default();
    match shown(&rest[..rest.len().min(24)]) {
        there if error.is_syntax() && !there.is_empty() => format!("{error}, where `{there}` stands"),
        _ => error.to_string(),
    }
}

/// The beginning of what it wrote, fit for a message.
fn shown(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(&line[..line.len().min(4 * SHOWN)]);
    let text = text.trim_end();
    let mut short: String = text.chars().take(SHOWN).collect();
    if short.len() < text.len() || line.len() > 4 * SHOWN {
        short.push('…');
    }
    plain(&short).into_owned()
}

impl Management for Talk {
    fn turn(&mut self, at: Micros, seen: &Readings<'_>) -> Result<(), ManagementError> {
        words::turn(&mut self.line, at, seen, &self.heard);
        self.heard.clear();
        let asked = Instant::now();
        if let Err(broken) = self.link.ask(&self.line, self.within) {
            return Err(self.broke(at, &format!("to its turn at {at}"), broken, self.within));
        }
        self.took(asked.elapsed());
        self.obey(at).map_err(|what| self.refuse(at, &format!("to its turn at {at}"), &what))
    }

    fn hear(&mut self, at: Micros, frame: &Frame) {
        words::frame(&mut self.heard, at, frame);
        if self.wakes {
            self.next = self.next.min(at.max(self.turned + WAKES));
        }
    }

    fn next_turn(&self) -> Micros {
        self.next
    }

    fn next_frame_at(&self) -> Micros {
        self.leaving.front().map_or(Micros::NEVER, |(leaves, _)| *leaves)
    }

    fn send(&mut self) -> Option<Frame> {
        self.leaving.pop_front().map(|(_, frame)| frame)
    }

    fn closes(&self, module: usize) -> bool {
        self.closes[module]
    }

    fn balance(&self) -> &[Amps] {
        &self.balance
    }

    fn power(&mut self, at: Micros, on: bool) -> Result<(), ManagementError> {
        self.leaving.clear();
        self.heard.clear();
        self.closes.fill(false);
        self.wakes = false;
        words::power(&mut self.line, at, on);
        let to = format!("to power {} at {at}", if on { "on" } else { "off" });
        if let Err(broken) = self.link.ask(&self.line, self.within) {
            return Err(self.broke(at, &to, broken, self.within));
        }
        let any = serde_json::from_slice::<serde::de::IgnoredAny>(self.link.line());
        any.map(drop)
            .map_err(|error| self.refuse(at, &to, &format!("{error}; expected any object, such as {{}}")))
    }

    fn end(&mut self) -> Result<Option<String>, ManagementError> {
        if self.over {
            return Ok(None);
        }
        let at = self.turned;
        if let Err(broken) = self.link.ask(b"{\"bye\":true}\n", self.within) {
            // A program may simply end then: it has stored nothing.
            if matches!(broken, Broken::Ended) && self.link.heard().is_empty() {
                self.stop(at, self.within, true);
                return Ok(None);
            }
            return Err(self.broke(at, "to bye", broken, self.within));
        }
        let farewell = serde_json::from_slice::<Farewell<'_>>(self.link.line());
        let memory = farewell.map(|farewell| farewell.memory.map(|memory| memory.get().to_owned()));
        let memory = memory.map_err(|error| error.to_string());
        let memory = memory
            .map_err(|what| self.refuse(at, "to bye", &format!("{what}; expected {{\"memory\":…}}")))?;
        self.stop(at, self.within, true);
        Ok(memory)
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        self.stop(self.turned, Duration::ZERO, false);
    }
}
