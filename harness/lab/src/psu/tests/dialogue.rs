//! Recorded dialogues play again as supplies: those of every simulated one, and each file that somebody sent in.

use super::super::{Dialogue, Link, Tape};
use super::scripted::Scripted;
use super::*;
use files::profile::Status;

/// A supply that says what one has said. Of several answers to one question the last is repeated.
fn replay(dialogue: &Dialogue) -> Scripted {
    let mut answers = dialogue.answers();
    Scripted::new(move |bytes| {
        let Some(answers) = answers.get_mut(bytes) else { return Vec::new() };
        let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        let (after, said) = answer.expect("each question has one, if an empty one");
        said.into_iter().map(|byte| (after, byte)).collect()
    })
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
        let (hidden, again, can) = looked_at(Box::new(replay(&dialogue)), name);
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
        looked_at(Box::new(replay(&dialogue)), &dialogue.profile);
        if !dialogue.gx.is_empty() {
            let poll = crate::gx::tests::recorded::polled(&dialogue.gx);
            let there = dialogue.gx.iter().filter(|request| request.said.is_ok()).count();
            assert!(
                poll.answers.iter().filter(|answer| answer.cells.is_ok()).count() >= there,
                "{}",
                path.display()
            );
        }
        if !text.contains("SIMULATED") {
            let file = path.file_name().expect("a file").to_string_lossy().into_owned();
            by.push((file, dialogue.profile));
        }
    }
    // A profile is confirmed by the dialogue with a real supply.
    for name in names() {
        let profile = profile(&name);
        let is_there = profile.dialogue.is_some_and(|file| by.contains(&(file, name.clone())));
        assert!(
            profile.status != Status::Confirmed || is_there,
            "{name}: no dialogue of a real supply is there"
        );
    }
}
