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
    in_a_block(bytes);
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

/// Lines of candump that are read where they stand in a block: as when they are read by themselves.
fn in_a_block(bytes: &[u8]) {
    let block = [bytes, &[b'\n'; 80]].concat();
    let (mut fast, mut slow) = (Reader::new(Format::Candump), Reader::new(Format::Candump));
    let (mut from, mut number) = (0, 0);
    while from < bytes.len() {
        number += 1;
        let end = from + block[from..].iter().position(|&b| b == b'\n').expect("it ends in line feeds");
        let expected = slow.line(number, &block[from..end]);
        match fast.line_of(number, &block[from..]) {
            Some((length, entry)) => {
                assert_eq!(from + length, end + 1);
                let Item::Frame(slowly) = expected else { panic!("{expected:?}") };
                assert_eq!(slowly.content, Content::Data(entry.content));
                assert_eq!(
                    (slowly.at, slowly.interface, slowly.direction),
                    (entry.at, entry.interface, entry.direction)
                );
            }
            None => assert_eq!(fast.line(number, &block[from..end]), expected),
        }
        from = end + 1;
    }
    assert_eq!(fast.report(), slow.report());
}
