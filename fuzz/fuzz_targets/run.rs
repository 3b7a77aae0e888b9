//! Any bytes as the files of a run folder with a supply and a GX, one after the other with `%%` between them.

#![no_main]

use evidence::can_log::{self, Heard};
use evidence::events::{self, Begun, What};
use evidence::replay::{Replay, Sources};
use evidence::samples_csv::{self, header};
use libfuzzer_sys::fuzz_target;
use proto::channel::Instrument;
use proto::quantity::Micros;

/// What was read is the same when written and read again.
fn lines(file: &[u8]) {
    for line in file.split(|&b| b == b'\n') {
        if let Ok(Some((at, heard))) = can_log::parse(line) {
            let mut again = Vec::new();
            match &heard {
                Heard::Frame(frame) => can_log::frame(&mut again, at, "can0", frame),
                Heard::Error(error) => can_log::error(&mut again, at, "can0", error),
                // Only earlier versions wrote it.
                Heard::Bus(_) => again.extend(line.iter().chain(b"\n")),
            }
            again.pop();
            assert_eq!(can_log::parse(&again), Ok(Some((at, heard))));
        }
        let Ok(text) = std::str::from_utf8(line) else { continue };
        for from in Instrument::ALL {
            if let Ok((at, input, said)) = samples_csv::parse(from, text) {
                let mut again = Vec::new();
                samples_csv::row(&mut again, at, input, &said);
                let again = std::str::from_utf8(&again).expect("a row is text");
                assert_eq!(samples_csv::parse(from, again.trim_end_matches('\n')), Ok((at, input, said)));
            }
        }
        if let Ok(events::Line { at, inputs, what: What::Event(kind) }) = events::parse(line, Micros::ZERO) {
            let event = judge::trace::Event { at, kind };
            let again = events::line(Micros::ZERO, inputs, &event);
            let again = events::parse(again.trim_end().as_bytes(), Micros::ZERO);
            assert_eq!(again, Ok(events::Line { at, inputs, what: What::Event(event.kind) }));
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    let mut files = Vec::new();
    let mut rest = bytes;
    while files.len() < 3 {
        let end = rest.windows(2).position(|two| two == b"%%").unwrap_or(rest.len());
        files.push(&rest[..end]);
        rest = rest.get(end + 2..).unwrap_or_default();
    }
    files.push(rest);
    files.iter().for_each(|file| lines(file));
    // The lines in front that every run has.
    let cases = [events::run(&Begun::default()).as_bytes(), files[0]].concat();
    let of = |instrument, file| (instrument, [header(instrument).as_bytes(), file].concat());
    let said = [of(Instrument::Gx, files[2]), of(Instrument::Supply, files[3])];
    let instruments = said.iter().map(|(instrument, file)| (*instrument, &file[..])).collect();
    let sources = Sources { events: &cases[..], can: files[1], instruments };
    let Ok(mut replay) = Replay::new("", sources) else { return };
    let mut ended = false;
    while let Ok(Some(case)) = replay.next_case() {
        assert!(!ended, "nothing comes after a case that was cut off");
        ended = case.broken.as_deref().is_some_and(|why| why.starts_with("the run was cut off"));
    }
    assert!(!(ended && replay.is_whole()), "a run with an unfinished case is not whole");
});
