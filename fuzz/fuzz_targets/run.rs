//! Any bytes as the four files of a run folder, one after the other with `%%` between them.

#![no_main]

use evidence::can_log::{self, Heard};
use evidence::events::{self, Begun, What};
use evidence::replay::{Replay, Sources};
use evidence::{gx_csv, psu_log};
use libfuzzer_sys::fuzz_target;
use proto::quantity::Micros;

/// What was read is the same when written and read again.
fn lines(file: &[u8]) {
    for line in file.split(|&b| b == b'\n') {
        if let Ok(Some((at, heard))) = can_log::parse(line) {
            let mut again = Vec::new();
            match &heard {
                Heard::Frame(frame) => can_log::frame(&mut again, at, "can0", frame),
                Heard::Error(error) => can_log::error(&mut again, at, "can0", error),
                Heard::Bus(reading) => can_log::bus(&mut again, at, "can0", reading),
            }
            again.pop();
            assert_eq!(can_log::parse(&again), Ok(Some((at, heard))));
        }
        let Ok(text) = std::str::from_utf8(line) else { continue };
        if let Ok((at, input, reading)) = gx_csv::parse(text) {
            assert_eq!(gx_csv::parse(&gx_csv::row(at, input, &reading)), Ok((at, input, reading)));
        }
        if let Ok((at, input, reading)) = psu_log::parse(text) {
            let again = psu_log::reading(at, input, &reading);
            assert_eq!(psu_log::parse(again.trim_end()), Ok((at, input, reading)));
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
    let gx = [gx_csv::header().as_bytes(), files[2]].concat();
    let sources = Sources { events: &cases[..], can: files[1], gx: &gx[..], psu: files[3] };
    let Ok(mut replay) = Replay::new("", sources) else { return };
    let mut ended = false;
    while let Ok(Some(case)) = replay.next_case() {
        assert!(!ended, "nothing comes after a case that was cut off");
        ended = case.broken.as_deref().is_some_and(|why| why.starts_with("the run was cut off"));
    }
    assert!(!(ended && replay.is_whole()), "a run with an unfinished case is not whole");
});
