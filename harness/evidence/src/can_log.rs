//! `can.log`: everything on the battery's bus, in the form of `candump -L`:
//!
//! ```text
//! (0000000012.000250) can0 351#480200050005AE01
//! (0000000012.100000) can0 20000088#0000000000000000
//! ```
//!
//! Times are since the start of the run, above the `epoch` of its first event. Earlier versions kept the state of the
//! harness's own interface here too, as comments, at which other programs stop; it is read still:
//!
//! ```text
//! # (12.500000) can0 500 kbit/s error-active
//! ```

use proto::bus::{BusReading, BusState, ErrorFrame};
use proto::candump::{self, Content, Line, Record};
use proto::frame::Frame;
use proto::quantity::Micros;

use crate::raw::Fault;
use crate::stamp;

/// What a line holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// a frame
    Frame(Frame),
    /// an error frame
    Error(ErrorFrame),
    /// the state of the interface, in a file of an earlier version
    Bus(BusReading),
}

/// Appends a frame.
pub fn frame(out: &mut Vec<u8>, at: Micros, interface: &str, frame: &Frame) {
    candump::write_line(out, at, interface, frame);
}

/// Appends an error frame, as `candump -e` logs it.
pub fn error(out: &mut Vec<u8>, at: Micros, interface: &str, error: &ErrorFrame) {
    candump::write_record(out, &Record { at, interface, direction: None, content: error.content() });
}

/// A line read back, without its line break; nothing where it is blank or a comment of somebody else.
///
/// # Errors
/// When it is none of these.
pub fn parse(line: &[u8]) -> Result<Option<(Micros, Heard)>, Fault> {
    let wrong = |expected: &str| Fault::new(&String::from_utf8_lossy(line), expected);
    let record = match candump::parse(line) {
        Ok(Line::Record(record)) => record,
        Ok(Line::Comment(text)) => return comment(text),
        Ok(Line::Blank) => return Ok(None),
        Ok(Line::Dropped(_)) => return Err(wrong("a frame as `candump -L` writes it")),
        Err(error) => return Err(wrong(&format!("a frame as `candump -L` writes it: {error}"))),
    };
    let heard = match (record.content, ErrorFrame::of(&record.content)) {
        (Content::Data(frame), _) => Heard::Frame(frame),
        (_, Some(error)) => Heard::Error(error),
        _ => return Err(wrong("a data frame of classic CAN, or an error frame")),
    };
    Ok(Some((record.at, heard)))
}

fn comment(text: &[u8]) -> Result<Option<(Micros, Heard)>, Fault> {
    let text = String::from_utf8_lossy(text);
    if !text.starts_with(" (") {
        return Ok(None);
    }
    state(&text[1..])
        .map(|(at, reading)| Some((at, Heard::Bus(reading))))
        .ok_or_else(|| Fault::new(&text, "`# (12.500000) can0 500 kbit/s error-active`"))
}

fn state(text: &str) -> Option<(Micros, BusReading)> {
    let (at, rest) = stamp::bracketed(text)?;
    let (_, reading) = rest.split_once(' ')?;
    let (bit_rate, state) = reading.rsplit_once(' ')?;
    let state = BusState::ALL.into_iter().find(|s| s.name() == state)?;
    Some((at, BusReading { bit_rate: bit_rate.parse().ok()?, state }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proto::quantity::BitRate;
    use rstest::rstest;

    fn read(line: &[u8]) -> Result<Option<(Micros, Heard)>, Fault> {
        parse(line.strip_suffix(b"\n").expect("a line break"))
    }

    #[rstest]
    #[case::state_cut("# (12.500000) can0 500 kbit/s error-act")]
    #[case::no_rate("# (12.500000) can0 fast error-active")]
    #[case::no_time("# (12.5) can0 500 kbit/s error-active")]
    #[case::frame_cut("(0000000012.000250) can0 351#48020")]
    #[case::remote("(0000000012.000250) can0 351#R")]
    #[case::more("(0000000012.000250) can0 351#00 x")]
    #[case::words("what")]
    fn what_is_no_line_is_refused(#[case] line: &str) {
        assert!(parse(line.as_bytes()).is_err());
    }

    #[test]
    fn comments_of_others_are_passed_over() {
        assert_eq!(parse(b"# made by hand"), Ok(None));
        assert_eq!(parse(b""), Ok(None));
    }

    proptest! {
        #[test]
        fn reads_back_the_same(
            at: u64, id in 0..0x800_u16, data in prop::collection::vec(any::<u8>(), 0..=8), class in 0..0x2000_0000_u32,
            details: [u8; 8], rate in 1.0..1000.0, state in 0..4_usize,
        ) {
            let (at, mut line) = (Micros(at), Vec::new());
            let what = Frame::standard(id, &data);
            frame(&mut line, at, "can0", &what);
            prop_assert_eq!(read(&line), Ok(Some((at, Heard::Frame(what)))));
            line.clear();
            let what = ErrorFrame { class, data: details };
            error(&mut line, at, "can0", &what);
            prop_assert_eq!(read(&line), Ok(Some((at, Heard::Error(what)))));
            let what = BusReading { bit_rate: BitRate(rate), state: BusState::ALL[state] };
            let line = format!("# ({}) can0 {} {}\n", stamp::write(at), what.bit_rate, what.state.name());
            prop_assert_eq!(read(line.as_bytes()), Ok(Some((at, Heard::Bus(what)))));
        }

        #[test]
        fn no_bytes_panic(line in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = parse(&line);
        }
    }
}
