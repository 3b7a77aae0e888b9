//! Recorded dialogues play again as supplies: those of every simulated one, and each file that somebody sent in.

use std::collections::{BTreeMap, VecDeque};

use super::super::{Dialogue, Link, LinkError, Tape};
use super::*;
use files::profile::Status;

/// A supply that says what one has said. Of several answers to one question the last is repeated.
struct Replay {
    now: Micros,
    answers: BTreeMap<Vec<u8>, VecDeque<(Micros, Vec<u8>)>>,
    coming: VecDeque<(Micros, u8)>,
}

impl Replay {
    fn of(dialogue: &Dialogue) -> Self {
        Self { now: Micros::ZERO, answers: dialogue.answers(), coming: VecDeque::new() }
    }
}

impl Link for Replay {
    fn name(&self) -> &str {
        "recorded"
    }

    fn now(&self) -> Micros {
        self.now
    }

    fn write(&mut self, bytes: &[u8], _: Micros) -> Result<(), LinkError> {
        let Some(answers) = self.answers.get_mut(bytes) else { return Ok(()) };
        let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        let (after, said) = answer.expect("each question has one, if an empty one");
        self.coming.extend(said.into_iter().map(|byte| (self.now + after, byte)));
        Ok(())
    }

    fn read(&mut self, buffer: &mut [u8], until: Micros) -> Result<usize, LinkError> {
        match self.coming.front() {
            Some(&(ready, _)) if ready <= until.max(self.now) => self.now = self.now.max(ready),
            _ => {
                self.now = self.now.max(until);
                return Ok(0);
            }
        }
        let ready = self.coming.iter().take_while(|(ready, _)| *ready <= self.now).count().min(buffer.len());
        for (place, (_, byte)) in buffer.iter_mut().zip(self.coming.drain(..ready)) {
            *place = byte;
        }
        Ok(ready)
    }

    fn wait(&mut self, until: Micros) {
        self.now = self.now.max(until);
    }
}

/// What the doctor says to a supply, in order.
fn looked_at(link: Box<dyn Link>, name: &str) -> (String, Accepted, Rated) {
    let (mut supply, found) =
        Supply::open(link, profile(name), SETTINGS).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(!found.output, "{name}");
    let accepted = supply.accepted().unwrap_or_else(|error| panic!("{name}: {error}"));
    let rated = supply.rated().unwrap_or_else(|error| panic!("{name}: {error}"));
    supply.rehearse().unwrap_or_else(|error| panic!("{name}: {error}"));
    supply.terminals().unwrap_or_else(|error| panic!("{name}: {error}"));
    supply.release().unwrap_or_else(|error| panic!("{name}: {error}"));
    (found.identity.serial, accepted, rated)
}

/// Every family: recorded, written, read, played, and the driver finds what it found; but no serial number.
#[test]
fn what_was_recorded_plays_as_the_supply() {
    for name in &names() {
        let tape = Tape::default();
        tape.begins(&profile(name));
        let (serial, accepted, rated) = looked_at(tape.on(Box::new(InMemory::new(instrument(name)))), name);
        tape.hides(&serial);
        let text = tape.told().expect("it was spoken to").to_string();
        assert!(serial.len() < 5 || !text.contains(&serial), "{name}: {text}");
        let dialogue = Dialogue::parse(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(dialogue.profile, *name);
        let (hidden, again, can) = looked_at(Box::new(Replay::of(&dialogue)), name);
        assert_eq!((again, can), (accepted, rated), "{name}");
        assert!(
            hidden.bytes().filter(u8::is_ascii_alphanumeric).all(|byte| byte == b'0'),
            "{name}: {hidden}"
        );
    }
}

/// The files of the folder, as `busbar doctor --record` writes them: each plays by the profile that it names.
#[test]
fn recorded_files_play() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/psu/tests/dialogues");
    let mut by = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("a file").path();
        let text = std::fs::read_to_string(&path).expect("text");
        let dialogue = Dialogue::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        looked_at(Box::new(Replay::of(&dialogue)), &dialogue.profile);
        if !text.contains("SIMULATED") {
            by.push(dialogue.profile);
        }
    }
    // A profile is confirmed by the dialogue with a real supply.
    for name in names() {
        let confirmed = profile(&name).status == Status::Confirmed;
        assert!(!confirmed || by.contains(&name), "{name}: no dialogue of a real supply is there");
    }
}
