//! Any bytes as a log, in every form.

#![no_main]

use libfuzzer_sys::fuzz_target;
use proto::candump::{Line, Record, parse, write_record};
use proto::log::wrapped::Unwrap;
use proto::log::{Content, Format, Item, Reader, foreign, sniff};

fuzz_target!(|bytes: &[u8]| {
    if let Some(mut unwrap) = Unwrap::of(bytes) {
        let mut text = Vec::new();
        if bytes.chunks(7).all(|chunk| unwrap.take(chunk, &mut text).is_ok()) {
            let _ = sniff(&text, true);
        }
    }
    match sniff(bytes, true) {
        Ok(reader) => assert!(reader.is_some(), "a whole head decides"),
        Err(error) => assert_eq!(error.to_string().lines().count(), 1, "one sentence"),
    }
    for format in Format::all() {
        let mut reader = Reader::new(format);
        let (mut frames, mut problems, mut lost) = (0, 0, 0);
        for (line, number) in bytes.split(|&b| b == b'\n').zip(1..) {
            match reader.line(number, line) {
                Item::Frame(entry) => {
                    frames += 1;
                    assert!(entry.interface < reader.interfaces().len());
                    let interface = reader.interface(entry.interface);
                    let record = Record {
                        at: entry.at,
                        interface,
                        direction: entry.direction,
                        content: entry.content,
                    };
                    let mut written = Vec::new();
                    write_record(&mut written, &record);
                    // Names that begin with a blank cannot be, so every frame can be written.
                    assert_eq!(parse(&written), Ok(Line::Record(record)), "{}", written.escape_ascii());
                    if let Content::Data(frame) = entry.content {
                        let _ = foreign(frame.id());
                    }
                }
                Item::Problem(error) => {
                    problems += 1;
                    assert!((1..=line.len() + 1).contains(&error.column), "{error}");
                }
                Item::Lost(count) => lost += u64::from(count),
                Item::Nothing => {}
            }
        }
        let report = reader.report();
        assert_eq!((report.frames(), report.problems, report.lost), (frames, problems, lost));
    }
});
