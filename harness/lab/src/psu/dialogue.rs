//! What was said between driver and supply, as a file that a laboratory can send: `busbar doctor --record`.
//!
//! A line for each message: seconds since the beginning, which way it went, and its bytes as they are, those that are no
//! printable ASCII escaped. Serial numbers are replaced by zeros. It plays again as a supply ([`Dialogue::answers`]): that
//! is how a profile becomes confirmed by a supply that stands elsewhere.

mod heard;

pub use heard::Heard;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use proto::digits;
use proto::gx::system;
use proto::quantity::Micros;

use super::link::{Link, LinkError};
use super::wire::Direction;
use files::Profile;

/// How a file begins.
const HEAD: &str = "# busbar dialogue 1";
/// Where the name of the profile stands.
const PROFILE: &str = "# profile: ";
/// The name where there was none.
const NO_SUPPLY: &str = "none";

/// A dialogue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dialogue {
    /// name of the profile by which it was held
    pub profile: String,
    /// questions for who it is, as they are sent
    identifies: Vec<Vec<u8>>,
    /// whether the serial number was known and is hidden
    hidden: bool,
    turns: Vec<Turn>,
    /// what the GX of the rig answered to each request
    pub gx: Vec<Registers>,
    /// who was heard on the bus of the rig
    pub can: Vec<Heard>,
}

/// Registers of a GX, as they were read in one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registers {
    /// unit id
    pub unit: u8,
    /// first address
    pub first: u16,
    /// how many
    pub count: u16,
    /// the cells, or the number of the exception
    pub said: Result<Vec<u16>, u8>,
}

/// How its lines begin.
const GX: &str = "gx ";

/// What went one way without a break.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Turn {
    at: Micros,
    direction: Direction,
    bytes: Vec<u8>,
}

/// Why a file is no dialogue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DialogueError {
    /// Another file.
    #[error("no dialogue: it does not begin with `{HEAD}` and the name of a profile")]
    Head,
    /// A line that makes no sense.
    #[error("line {0} is none of a dialogue: seconds, `>` or `<`, and bytes")]
    Line(usize),
}

impl Dialogue {
    /// Reads a file.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, DialogueError> {
        let mut lines = text.lines().enumerate();
        if lines.next().is_none_or(|(_, line)| line != HEAD) {
            return Err(DialogueError::Head);
        }
        let mut dialogue = Self::default();
        for (number, line) in lines {
            if let Some(name) = line.strip_prefix(PROFILE) {
                name.clone_into(&mut dialogue.profile);
            } else if let Some(rest) = line.strip_prefix(GX) {
                dialogue.gx.push(Registers::parse(rest).ok_or(DialogueError::Line(number + 1))?);
            } else if let Some(rest) = line.strip_prefix(heard::CAN) {
                dialogue.can.push(Heard::parse(rest).ok_or(DialogueError::Line(number + 1))?);
            } else if !line.starts_with('#') && !line.trim().is_empty() {
                dialogue.turns.push(Turn::parse(line).ok_or(DialogueError::Line(number + 1))?);
            }
        }
        if dialogue.profile.is_empty() { Err(DialogueError::Head) } else { Ok(dialogue) }
    }

    /// What each message was answered with, in order: how long after it, and the bytes; nothing where it was not.
    #[must_use]
    pub fn answers(&self) -> BTreeMap<Vec<u8>, VecDeque<(Micros, Vec<u8>)>> {
        let mut answers: BTreeMap<Vec<u8>, VecDeque<(Micros, Vec<u8>)>> = BTreeMap::new();
        let mut asked: Option<&Turn> = None;
        for turn in &self.turns {
            match (turn.direction, asked) {
                (Direction::Sent, _) => {
                    answers.entry(turn.bytes.clone()).or_default().push_back((Micros::ZERO, Vec::new()));
                    asked = Some(turn);
                }
                (Direction::Received, Some(question)) => {
                    let of_question = answers.entry(question.bytes.clone()).or_default();
                    if let Some(last) = of_question.back_mut().filter(|last| last.1.is_empty()) {
                        *last = (turn.at.since(question.at), turn.bytes.clone());
                    }
                }
                (Direction::Received, None) => {}
            }
        }
        answers
    }

    /// Puts zeros where this serial number stands. A short one is only looked for where the supply says who it is, since
    /// it may be a number of something else.
    fn hide(&mut self, serial: &str) {
        /// Shorter ones stand in other answers too.
        const LONG: usize = 5;
        let serial = serial.trim().as_bytes();
        self.hidden = true;
        if serial.is_empty() {
            return;
        }
        for (bytes, of_identity) in self.answers_mut() {
            if of_identity || serial.len() >= LONG {
                hide(bytes, serial);
            }
        }
    }

    /// The same where nobody knows which part of its answers is the serial number: every word with four digits or more.
    fn hide_numbers(&mut self) {
        for (bytes, _) in self.answers_mut().filter(|(_, of_identity)| *of_identity) {
            for word in bytes.split_mut(|byte| !byte.is_ascii_alphanumeric()) {
                if word.iter().filter(|byte| byte.is_ascii_digit()).count() > 3 {
                    word.fill(b'0');
                }
            }
        }
    }

    /// The bytes of each answer, and whether it says who the supply is.
    fn answers_mut(&mut self) -> impl Iterator<Item = (&mut [u8], bool)> {
        let (identifies, mut of_identity) = (&self.identifies, false);
        self.turns.iter_mut().filter_map(move |turn| match turn.direction {
            Direction::Sent => {
                of_identity = identifies.contains(&turn.bytes);
                None
            }
            Direction::Received => Some((&mut turn.bytes[..], of_identity)),
        })
    }
}

/// Zeros for every letter and digit of it.
fn hide(bytes: &mut [u8], serial: &[u8]) {
    let mut from = 0;
    while let Some(found) = bytes[from..].windows(serial.len()).position(|part| part == serial) {
        let found = from + found;
        let part = &mut bytes[found..found + serial.len()];
        part.iter_mut().filter(|byte| byte.is_ascii_alphanumeric()).for_each(|byte| *byte = b'0');
        from = found + serial.len();
    }
}

impl fmt::Display for Dialogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEAD}\n{PROFILE}{}", self.profile)?;
        writeln!(f, "# seconds, > to the supply, < from it; serial numbers are replaced by zeros")?;
        for Turn { at, direction, bytes } in &self.turns {
            let sign = if *direction == Direction::Sent { '>' } else { '<' };
            writeln!(f, "{}.{:06} {sign} {}", at.0 / 1_000_000, at.0 % 1_000_000, bytes.escape_ascii())?;
        }
        if !self.gx.is_empty() {
            writeln!(
                f,
                "# the GX: unit, first register, how many; = and each in hexadecimal digits, or ! and the exception"
            )?;
        }
        self.gx.iter().try_for_each(|registers| writeln!(f, "{GX}{registers}"))?;
        if !self.can.is_empty() {
            writeln!(
                f,
                "# the bus: identifier, frames, milliseconds from one to the next, and the data of the last; serial numbers are \
                 replaced by zeros, and the data of what the protocol does not know is left out"
            )?;
        }
        self.can.iter().try_for_each(|heard| writeln!(f, "{}{heard}", heard::CAN))
    }
}

impl fmt::Display for Registers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} ", self.unit, self.first, self.count)?;
        match &self.said {
            Ok(cells) => {
                cells.iter().try_fold((), |(), cell| write!(f, "{cell:04x} ")).and_then(|()| write!(f, "="))
            }
            Err(exception) => write!(f, "! {exception}"),
        }
    }
}

impl Registers {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let unit = words.next()?.parse().ok()?;
        let first = words.next()?.parse().ok()?;
        let count = words.next()?.parse().ok()?;
        let rest: Vec<&str> = words.collect();
        let said = match rest.as_slice() {
            ["!", exception] => Err(exception.parse().ok()?),
            [cells @ .., "="] if cells.len() == usize::from(count) => {
                let cells = cells.iter().map(|cell| u16::from_str_radix(cell, 16).ok());
                Ok(cells.collect::<Option<_>>()?)
            }
            _ => return None,
        };
        Some(Self { unit, first, count, said })
    }

    /// Zeros for the serial number of the GX.
    fn hide(&mut self) {
        let serial = system::SERIAL;
        let cells = serial.address..serial.address + serial.kind.cells();
        if let Ok(said) = &mut self.said {
            (self.first..).zip(said).filter(|(at, _)| cells.contains(at)).for_each(|(_, cell)| *cell = 0);
        }
    }
}

impl Turn {
    fn parse(line: &str) -> Option<Self> {
        let (at, rest) = line.split_once(' ')?;
        let (seconds, micros) = at.split_once('.')?;
        let (sign, text) = rest.split_once(' ').unwrap_or((rest, ""));
        let direction = match sign {
            ">" => Direction::Sent,
            "<" => Direction::Received,
            _ => return None,
        };
        let micros: u64 = Some(micros).filter(|micros| micros.len() == 6)?.parse().ok()?;
        let at = seconds.parse::<u64>().ok()?.checked_mul(1_000_000)?.checked_add(micros)?;
        Some(Self { at: Micros(at), direction, bytes: unescape(text)? })
    }
}

fn unescape(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while !rest.is_empty() {
        let (byte, after) = digits::unescape(rest)?;
        bytes.push(byte);
        rest = after;
    }
    Some(bytes)
}

/// Takes down a dialogue.
#[derive(Debug, Clone, Default)]
pub struct Tape(Arc<Mutex<Dialogue>>);

impl Tape {
    fn dialogue(&self) -> MutexGuard<'_, Dialogue> {
        // A list of turns is whole between two of them.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The words of this profile are used from now on.
    pub(crate) fn begins(&self, profile: &Profile) {
        let questions = profile
            .identify
            .ask
            .iter()
            .filter_map(|ask| ask.command(&proto::scpi::Arguments::default()).ok());
        let identifies = questions.map(|ask| [ask.as_bytes(), profile.line.send.bytes()].concat()).collect();
        *self.dialogue() =
            Dialogue { profile: profile.psu_profile.clone(), identifies, ..Dialogue::default() };
    }

    /// A link of which everything is taken down.
    pub(crate) fn on(&self, link: Box<dyn Link>) -> Box<dyn Link> {
        let began = link.now();
        Box::new(Taped { link, began, tape: self.clone() })
    }

    /// This is the serial number of the supply.
    pub(crate) fn hides(&self, serial: &str) {
        self.dialogue().hide(serial);
    }

    /// What the GX of the rig answered.
    pub(crate) fn saw(&self, mut registers: Registers) {
        registers.hide();
        self.dialogue().gx.push(registers);
    }

    /// What was heard on the bus.
    pub(crate) fn heard(&self, all: Vec<Heard>) {
        self.dialogue().can = all;
    }

    /// What was taken down until now, without serial numbers; nothing where nobody was spoken to.
    #[must_use]
    pub fn told(&self) -> Option<Dialogue> {
        let mut dialogue = self.dialogue().clone();
        if !dialogue.hidden {
            dialogue.hide_numbers();
        }
        if dialogue.profile.is_empty() {
            NO_SUPPLY.clone_into(&mut dialogue.profile);
        }
        let told = !dialogue.turns.is_empty() || !dialogue.gx.is_empty() || !dialogue.can.is_empty();
        told.then_some(dialogue)
    }

    fn takes_down(&self, at: Micros, direction: Direction, bytes: &[u8]) {
        let turns = &mut self.dialogue().turns;
        match turns.last_mut() {
            // One answer comes in pieces.
            Some(last) if last.direction == direction && direction == Direction::Received => {
                last.bytes.extend_from_slice(bytes);
            }
            _ => turns.push(Turn { at, direction, bytes: bytes.to_vec() }),
        }
    }
}

struct Taped {
    link: Box<dyn Link>,
    began: Micros,
    tape: Tape,
}

impl Link for Taped {
    fn name(&self) -> &str {
        self.link.name()
    }

    fn is_serial(&self) -> bool {
        self.link.is_serial()
    }

    fn now(&self) -> Micros {
        self.link.now()
    }

    fn write(&mut self, bytes: &[u8], until: Micros) -> Result<(), LinkError> {
        self.tape.takes_down(self.link.now().since(self.began), Direction::Sent, bytes);
        self.link.write(bytes, until)
    }

    fn read(&mut self, buffer: &mut [u8], until: Micros) -> Result<usize, LinkError> {
        let many = self.link.read(buffer, until)?;
        if many > 0 {
            self.tape.takes_down(self.link.now().since(self.began), Direction::Received, &buffer[..many]);
        }
        Ok(many)
    }

    fn wait(&mut self, until: Micros) {
        self.link.wait(until);
    }

    fn second_writer(&self) -> Option<Box<dyn Write + Send>> {
        self.link.second_writer()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn a_file_comes_back() {
        let text = "# busbar dialogue 1\n# profile: korad\n0.000000 > *IDN?\n0.031000 < KORAD\\x00\\r\\n\n1.000007 > \n";
        let dialogue = Dialogue::parse(text).expect("a dialogue");
        assert_eq!(Dialogue::parse(&dialogue.to_string()), Ok(dialogue.clone()));
        let answers = dialogue.answers();
        assert_eq!(answers[&b"*IDN?"[..]], [(Micros(31_000), b"KORAD\0\r\n".to_vec())]);
        assert_eq!(answers[&b""[..]], [(Micros::ZERO, Vec::new())]);
    }

    /// What a GX said comes back too, exceptions included, and its serial number does not.
    #[test]
    fn registers_come_back() {
        let tape = Tape::default();
        let cells: Vec<u16> = (0x4841..0x484B).collect();
        tape.saw(Registers { unit: 100, first: 800, count: 10, said: Ok(cells) });
        tape.saw(Registers { unit: 225, first: 327, count: 3, said: Err(2) });
        let text = tape.told().expect("it was spoken to").to_string();
        assert!(
            text.contains("gx 100 800 10 0000 0000 0000 0000 0000 0000 4847 4848 4849 484a =\n"),
            "{text}"
        );
        let dialogue = Dialogue::parse(&text).expect("a dialogue");
        assert_eq!((dialogue.profile.as_str(), dialogue.gx.len()), ("none", 2));
        assert_eq!(dialogue.gx[1], Registers { unit: 225, first: 327, count: 3, said: Err(2) });
    }

    #[rstest]
    #[case("# busbar dialogue 1\n# profile: a\ngx 225 327 3 0000 =\n", DialogueError::Line(3))]
    #[case("# busbar dialogue 1\n# profile: a\ngx 225 327 3 ! x\n", DialogueError::Line(3))]
    #[case("", DialogueError::Head)]
    #[case("# busbar dialogue 1\n", DialogueError::Head)]
    #[case("# busbar dialogue 1\n# profile: a\n0.1 > x\n", DialogueError::Line(3))]
    #[case("# busbar dialogue 1\n# profile: a\n0.100000 ? x\n", DialogueError::Line(3))]
    #[case("# busbar dialogue 1\n# profile: a\n0.100000 < \\x4\n", DialogueError::Line(3))]
    #[case("# busbar dialogue 1\n# profile: a\n99999999999999999.000000 < \n", DialogueError::Line(3))]
    fn what_is_no_dialogue(#[case] text: &str, #[case] why: DialogueError) {
        assert_eq!(Dialogue::parse(text), Err(why));
    }

    /// A serial number goes wherever it stands; a short one only where it is one.
    #[rstest]
    #[case("SN12345", "A,B,0000000,1\n", "0000000\n")]
    #[case("48", "A,B,SN12345,1\n", "SN12345\n")]
    fn serial_numbers_are_hidden(#[case] serial: &str, #[case] identity: &str, #[case] elsewhere: &str) {
        let tape = Tape::default();
        tape.dialogue().identifies = vec![b"*IDN?\n".to_vec()];
        let said = [("*IDN?\n", "A,B,SN12345,1\n"), ("X?\n", "SN12345\n")];
        for (question, answer) in said {
            tape.takes_down(Micros::ZERO, Direction::Sent, question.as_bytes());
            tape.takes_down(Micros::ZERO, Direction::Received, answer.as_bytes());
        }
        // Where nobody knows it, what may be one is hidden.
        let unknown = tape.told().expect("something was said");
        assert_eq!(unknown.turns[1].bytes, b"A,B,0000000,1\n");
        tape.hides(serial);
        let told = tape.told().expect("something was said");
        assert_eq!(
            (&told.turns[1].bytes[..], &told.turns[3].bytes[..]),
            (identity.as_bytes(), elsewhere.as_bytes())
        );
    }
}
