//! What harness and guard say to each other: a line each, never longer than [`LONGEST`].
//!
//! Bytes for and from the supply go through as they are, in hexadecimal: the harness keeps its driver, the guard only
//! listens whether the harness is alive.

use std::io::{self, BufRead, Read as _};
use std::path::PathBuf;

use proto::digits;
use proto::quantity::Micros;

use super::lease::Holder;

/// The longest line, its end included.
pub(super) const LONGEST: u64 = 16 << 10;

/// What the harness says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ask {
    /// who it is; the first word
    Hello(Box<Holder>),
    /// the file in which what goes over the wire is written down
    Record(PathBuf),
    /// the time of the run, and how many times faster than the clock it goes from here
    Time(Micros, u32),
    /// words for the evidence
    Note(String),
    /// it is alive
    Beat,
    /// open the port of the supply, anew where it is open
    Open,
    /// bytes for the supply
    Write(Vec<u8>),
    /// it has done with the supply for now
    Close,
    /// what a register of the GX holds where it is left alone: unit, address and cells; said before it is written
    Keep(u8, u16, Vec<u16>),
    /// all of them hold that again
    PutBack,
    /// it has done
    End,
}

/// What the guard says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tell {
    /// it is there, and makes sure of the rig; its process
    Here(u32),
    /// it has the rig; its process
    Ready(u32),
    /// whoever hands the rig out does not give it, and why
    NotGiven(String),
    /// the rig is not ours any more, and why
    Lost(String),
    /// it was not given back, and why
    NotReturned(String),
    /// somebody else has it
    Busy(String),
    /// what it found that a person must know of
    Found(String),
    /// it is alive
    Beat,
    /// it does not guard, and why
    Refused(String),
    /// the port is open
    Opened,
    /// the port does not open
    Closed(String),
    /// what a register held is on the disk
    Kept,
    /// bytes of the supply
    Read(Vec<u8>),
    /// the port is gone
    Gone(String),
    /// it has switched off by itself, and why; whether that was confirmed comes with the end
    Off(String),
    /// it is not known to be off, and why; it is tried again and again
    Trying(String),
    /// it fails itself, and why: its last word
    Fails(String),
    /// the end: off and read back
    Safe,
    /// the end: not known to be off, and why
    Unsafe(String),
}

impl Ask {
    pub(super) fn line(&self) -> String {
        match self {
            Self::Hello(holder) => format!("hello {}\n", serde_json::json!(holder)),
            Self::Record(path) => format!("record {}\n", serde_json::json!(path)),
            Self::Time(Micros(at), speed) => format!("time {at} {speed}\n"),
            Self::Note(what) => format!("note {}\n", serde_json::json!(what)),
            Self::Beat => "beat\n".to_owned(),
            Self::Open => "open\n".to_owned(),
            Self::Write(bytes) => format!("write {}\n", hex(bytes)),
            Self::Close => "close\n".to_owned(),
            Self::Keep(unit, first, cells) => format!("keep {}\n", serde_json::json!((unit, first, cells))),
            Self::PutBack => "put-back\n".to_owned(),
            Self::End => "end\n".to_owned(),
        }
    }

    pub(super) fn parse(line: &str) -> Option<Self> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        Some(match word {
            "hello" => Self::Hello(serde_json::from_str(rest).ok()?),
            "record" => Self::Record(serde_json::from_str(rest).ok()?),
            "time" => {
                let (at, speed) = rest.split_once(' ')?;
                Self::Time(Micros(at.parse().ok()?), speed.parse().ok()?)
            }
            "note" => Self::Note(serde_json::from_str(rest).ok()?),
            "beat" => Self::Beat,
            "open" => Self::Open,
            "write" => Self::Write(bytes(rest)?),
            "close" => Self::Close,
            "keep" => {
                let (unit, first, cells) = serde_json::from_str(rest).ok()?;
                Self::Keep(unit, first, cells)
            }
            "put-back" => Self::PutBack,
            "end" => Self::End,
            _ => return None,
        })
    }
}

impl Tell {
    pub(super) fn line(&self) -> String {
        let text = |word: &str, text: &str| format!("{word} {}\n", serde_json::json!(text));
        match self {
            Self::Here(pid) => format!("here {pid}\n"),
            Self::Ready(pid) => format!("ready {pid}\n"),
            Self::Lost(why) => text("lost", why),
            Self::NotGiven(why) => text("not-given", why),
            Self::NotReturned(why) => text("not-returned", why),
            Self::Busy(who) => text("busy", who),
            Self::Found(what) => text("found", what),
            Self::Beat => "beat\n".to_owned(),
            Self::Kept => "kept\n".to_owned(),
            Self::Refused(why) => text("refused", why),
            Self::Opened => "opened\n".to_owned(),
            Self::Closed(why) => text("closed", why),
            Self::Read(bytes) => format!("read {}\n", hex(bytes)),
            Self::Gone(why) => text("gone", why),
            Self::Off(why) => text("off", why),
            Self::Trying(why) => text("trying", why),
            Self::Fails(why) => text("fails", why),
            Self::Safe => "safe\n".to_owned(),
            Self::Unsafe(why) => text("unsafe", why),
        }
    }

    pub(super) fn parse(line: &str) -> Option<Self> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let text = || serde_json::from_str::<String>(rest).ok();
        Some(match word {
            "here" => Self::Here(rest.parse().ok()?),
            "ready" => Self::Ready(rest.parse().ok()?),
            "lost" => Self::Lost(text()?),
            "not-given" => Self::NotGiven(text()?),
            "not-returned" => Self::NotReturned(text()?),
            "busy" => Self::Busy(text()?),
            "found" => Self::Found(text()?),
            "beat" => Self::Beat,
            "kept" => Self::Kept,
            "refused" => Self::Refused(text()?),
            "opened" => Self::Opened,
            "closed" => Self::Closed(text()?),
            "read" => Self::Read(bytes(rest)?),
            "gone" => Self::Gone(text()?),
            "off" => Self::Off(text()?),
            "trying" => Self::Trying(text()?),
            "fails" => Self::Fails(text()?),
            "safe" => Self::Safe,
            "unsafe" => Self::Unsafe(text()?),
            _ => return None,
        })
    }
}

/// The next line without its end; nothing at the end of the stream, or where a line is too long or no text.
pub(super) fn next_line(stream: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    stream.take(LONGEST).read_until(b'\n', &mut line)?;
    if line.pop() != Some(b'\n') {
        return Ok(None);
    }
    Ok(String::from_utf8(line).ok())
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let pairs = hex.as_bytes().chunks(2);
    pairs.map(|pair| digits::byte(*pair.first()?, *pair.get(1)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(Ask::Beat)]
    #[case(Ask::Write(b"OUTP OFF\n\xFF\0".to_vec()))]
    #[case(Ask::Write(Vec::new()))]
    #[case(Ask::Note("two\nlines".to_owned()))]
    #[case(Ask::Record(PathBuf::from("/a folder/with\na break")))]
    #[case(Ask::Time(Micros(12_000_000), 60))]
    #[case(Ask::Hello(Box::new(Holder::this("lab"))))]
    #[case(Ask::Keep(100, 2700, vec![50]))]
    #[case(Ask::Keep(227, 96, vec![65_535, 1]))]
    #[case(Ask::PutBack)]
    #[case(Ask::End)]
    fn the_words_of_the_harness_come_back_from_one_line(#[case] ask: Ask) {
        let line = ask.line();
        assert_eq!((line.matches('\n').count(), Ask::parse(line.trim_end())), (1, Some(ask)));
    }

    #[rstest]
    #[case(Tell::Here(7))]
    #[case(Tell::Ready(7))]
    #[case(Tell::Kept)]
    #[case(Tell::Read(b"1\n".to_vec()))]
    #[case(Tell::Off("no heartbeat\nfor 1 s".to_owned()))]
    #[case(Tell::Found("it was on".to_owned()))]
    #[case(Tell::Trying("it does not answer".to_owned()))]
    #[case(Tell::Fails("it panicked".to_owned()))]
    #[case(Tell::Lost("anna has it".to_owned()))]
    #[case(Tell::NotGiven("`acquire` exited with 1".to_owned()))]
    #[case(Tell::NotReturned("no route\nto host".to_owned()))]
    #[case(Tell::Safe)]
    fn the_words_of_the_guard_come_back_from_one_line(#[case] tell: Tell) {
        let line = tell.line();
        assert_eq!((line.matches('\n').count(), Tell::parse(line.trim_end())), (1, Some(tell)));
    }

    #[rstest]
    #[case("")]
    #[case("write 4")]
    #[case("write zz")]
    #[case("record")]
    #[case("time 7")]
    #[case("keep [100, 70000, [1]]")]
    #[case("shutdown")]
    fn what_is_no_word_is_nothing(#[case] line: &str) {
        assert_eq!(Ask::parse(line), None);
    }

    #[test]
    fn a_line_without_an_end_is_the_end() {
        let mut endless = io::BufReader::new(io::repeat(b'x'));
        assert_eq!(next_line(&mut endless).expect("readable"), None);
    }
}
