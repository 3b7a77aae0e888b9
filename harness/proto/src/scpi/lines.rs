//! Lines out of the fragments in which a serial port hands them over.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::StrDeserializer;
use serde::{Deserialize, Deserializer};

use crate::quantity::Micros;

/// What ends a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Terminator {
    /// line feed, the terminator of IEEE 488.2
    #[default]
    Lf,
    /// carriage return and line feed
    CrLf,
    /// carriage return alone
    Cr,
    /// nothing: the supply takes what comes as one message (Korad)
    None,
}

impl Terminator {
    /// The bytes that are sent.
    #[must_use]
    pub const fn bytes(self) -> &'static [u8] {
        match self {
            Self::Lf => b"\n",
            Self::CrLf => b"\r\n",
            Self::Cr => b"\r",
            Self::None => b"",
        }
    }

    /// The byte that ends a received line.
    #[must_use]
    pub const fn last(self) -> u8 {
        match self {
            Self::Lf | Self::CrLf | Self::None => b'\n',
            Self::Cr => b'\r',
        }
    }
}

/// What ends an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// bytes
    Line(Terminator),
    /// nothing but a pause: what came until then is the answer
    Pause(Micros),
}

impl<'de> Deserialize<'de> for Ending {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.strip_prefix("pause ") {
            Some(span) => Micros::deserialize(StrDeserializer::new(span)).map(Self::Pause),
            None => Terminator::deserialize(StrDeserializer::new(text.as_str())).map(Self::Line),
        }
    }
}

impl JsonSchema for Ending {
    fn schema_name() -> Cow<'static, str> {
        "Ending".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "what ends an answer: lf, cr-lf, cr, or a pause such as `pause 30 ms` where nothing does",
            "type": "string",
            "pattern": "^(lf|cr-lf|cr|pause [0-9.]+ ?(us|ms|s))$"
        })
    }
}

/// Most bytes of a line; the longest replies, identities and errors, have a tenth of it.
pub const LONGEST_LINE: usize = 4096;

/// A line that does not end: noise, another baud rate, or not a supply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more than {LONGEST_LINE} bytes without an end of line")]
pub struct Overlong;

/// What stands among the answers of a supply and is none of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chaff {
    /// what it prints before or after each answer, as a console does (`>`); empty: nothing
    pub prompt: String,
    /// NUL bytes, which its firmware sends behind texts
    pub nul: bool,
}

/// Assembles received bytes into lines.
#[derive(Debug, Clone)]
pub struct Lines {
    terminator: Terminator,
    chaff: Chaff,
    pending: Vec<u8>,
}

impl Lines {
    /// Nothing received yet.
    #[must_use]
    pub const fn new(terminator: Terminator) -> Self {
        Self { terminator, chaff: Chaff { prompt: String::new(), nul: false }, pending: Vec::new() }
    }

    /// The same without what stands among the answers.
    #[must_use]
    pub fn without(mut self, chaff: Chaff) -> Self {
        self.chaff = Chaff { prompt: chaff.prompt.trim().to_owned(), ..chaff };
        self
    }

    /// Takes in received bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
    }

    /// Whether not one byte is left, whatever it may mean.
    #[must_use]
    pub const fn is_bare(&self) -> bool {
        self.pending.is_empty()
    }

    /// Whether nothing is left, not even part of a line; a prompt, or the beginning of one, is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let rest = self.beyond_prompts(&self.pending);
        // What stands between two lines is the other half of an end: LF CR, or CR LF of one that ends with CR.
        let is_end = rest.iter().all(|byte| matches!(byte, b'\r' | b'\n'));
        is_end || self.chaff.prompt.as_bytes().starts_with(rest) || self.is_padding(rest)
    }

    fn is_padding(&self, rest: &[u8]) -> bool {
        self.chaff.nul && rest.iter().all(|&byte| byte == 0)
    }

    /// What follows the prompts in front, and the blanks behind each.
    fn beyond_prompts<'a>(&self, mut line: &'a [u8]) -> &'a [u8] {
        let prompt = self.chaff.prompt.as_bytes();
        if prompt.is_empty() {
            return line;
        }
        loop {
            while let [b' ', rest @ ..] = line {
                line = rest;
            }
            match line.strip_prefix(prompt) {
                Some(rest) => line = rest,
                None => return line,
            }
        }
    }

    /// Where an answer ends that a prompt follows and no end of line: what stands before the prompt.
    fn before_prompt(&self) -> Option<usize> {
        let prompt = self.chaff.prompt.as_bytes();
        let rest = self.beyond_prompts(&self.pending);
        let answer = rest.trim_ascii_end().strip_suffix(prompt).filter(|answer| !answer.is_empty())?;
        (!prompt.is_empty()).then_some(self.pending.len() - rest.len() + answer.len())
    }

    /// As text, without what is none of it.
    fn text(&self, line: &[u8]) -> String {
        let line = self.beyond_prompts(line);
        line.iter().filter(|&&byte| !(self.chaff.nul && byte == 0)).copied().map(char::from).collect()
    }

    /// What came in and is no whole line, decoded as latin-1.
    #[must_use]
    pub fn rest(&self) -> String {
        self.pending.iter().copied().map(char::from).collect()
    }

    /// What came in until now as one answer that nothing ends. A line feed behind it is none of it.
    pub fn take_rest(&mut self) -> String {
        // One byte may be a register, also one of which no bit is set.
        let rest = match self.pending.as_slice() {
            [_] => self.rest(),
            [first, ..] if self.is_padding(&self.pending) => char::from(*first).to_string(),
            line => self.text(line).trim_end_matches(['\r', '\n']).to_owned(),
        };
        self.clear();
        rest
    }

    /// Forgets what came in.
    pub fn clear(&mut self) {
        self.pending.clear();
    }

    /// The next whole line, decoded as latin-1, without terminator and without the other half of CR LF.
    ///
    /// # Errors
    /// When a line does not end; what came in is forgotten then.
    pub fn next_line(&mut self) -> Result<Option<String>, Overlong> {
        let ended = self.pending.iter().position(|&b| b == self.terminator.last()).map(|end| end + 1);
        let Some(end) = ended.or_else(|| self.before_prompt()) else {
            if self.pending.len() > LONGEST_LINE {
                self.clear();
                return Err(Overlong);
            }
            return Ok(None);
        };
        let line: Vec<u8> = self.pending.drain(..end).collect();
        if line.len() > LONGEST_LINE {
            return Err(Overlong);
        }
        Ok(Some(self.text(&line).trim_matches(['\r', '\n']).to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn lines(terminator: Terminator, bytes: &[u8]) -> Vec<String> {
        let mut lines = Lines::new(terminator);
        lines.push(bytes);
        core::iter::from_fn(|| lines.next_line().expect("short")).collect()
    }

    #[rstest]
    #[case(Terminator::Lf, b"48.0\r\nON\n", &["48.0", "ON"])]
    #[case(Terminator::CrLf, b"48.0\nON\r\n", &["48.0", "ON"])]
    #[case(Terminator::Cr, b"OK\r48.0\rpart", &["OK", "48.0"])]
    #[case(Terminator::Cr, b"OK\r\n48.0\r\n", &["OK", "48.0"])]
    #[case(Terminator::Lf, b"OK\n\r48.0\n\r", &["OK", "48.0"])]
    #[case(Terminator::Lf, b"\xB0C\n", &["°C"])]
    #[case(Terminator::Lf, b"\n", &[""])]
    fn a_line_ends_where_the_profile_says(
        #[case] terminator: Terminator,
        #[case] bytes: &[u8],
        #[case] expected: &[&str],
    ) {
        assert_eq!(lines(terminator, bytes), expected);
    }

    #[rstest]
    #[case(Terminator::Cr, b"OK\r\n")]
    #[case(Terminator::Lf, b"OK\n\r")]
    fn the_other_half_of_an_end_is_nothing(#[case] terminator: Terminator, #[case] bytes: &[u8]) {
        let mut lines = Lines::new(terminator);
        lines.push(bytes);
        assert_eq!(lines.next_line(), Ok(Some("OK".to_owned())));
        assert!(lines.is_empty());
    }

    #[test]
    fn a_line_without_an_end_is_refused_and_forgotten() {
        let mut lines = Lines::new(Terminator::Lf);
        lines.push(&[b'x'; LONGEST_LINE + 1]);
        assert_eq!(lines.next_line(), Err(Overlong));
        lines.push(b"48.0\n");
        assert_eq!(lines.next_line(), Ok(Some("48.0".to_owned())));
    }

    /// A console: its prompt stands before an answer, after it, or ends it; a blank behind it belongs to it.
    #[rstest]
    #[case(">", b"> 48.0\r\n> ", &["48.0"])]
    #[case("> ", b"48.0\r\n> ON\r\n>", &["48.0", "ON"])]
    #[case(">", b"48.0> ", &["48.0"])]
    #[case(">", b"> > 48.0 > ", &["48.0 "])]
    #[case("SCPI>", b"SCPI> VOLT?\r\n48.0\r\nSCPI> ", &["VOLT?", "48.0"])]
    #[case("=>", b"=>\r\n=>48.0\n", &["", "48.0"])]
    fn a_prompt_is_none_of_an_answer(#[case] prompt: &str, #[case] bytes: &[u8], #[case] expected: &[&str]) {
        let prompt = prompt.to_owned();
        let mut lines = Lines::new(Terminator::Lf).without(Chaff { prompt, nul: false });
        let mut said = Vec::new();
        for byte in bytes {
            lines.push(&[*byte]);
            said.extend(core::iter::from_fn(|| lines.next_line().expect("short")));
        }
        assert_eq!(said, expected);
        assert!(lines.is_empty(), "{:?}", lines.rest());
    }

    /// NUL bytes stay in an answer, so that it is refused, unless they are known to be padding.
    #[rstest]
    #[case(false, b"48.0\0\n\0ON\n", &["48.0\0", "\0ON"])]
    #[case(true, b"48.0\0\n\0ON\n\0\0", &["48.0", "ON"])]
    fn nul_is_padding_where_it_is_said(#[case] nul: bool, #[case] bytes: &[u8], #[case] expected: &[&str]) {
        let mut lines = Lines::new(Terminator::Lf).without(Chaff { prompt: String::new(), nul });
        lines.push(bytes);
        let said: Vec<String> = core::iter::from_fn(|| lines.next_line().expect("short")).collect();
        assert_eq!(said, expected);
        assert!(lines.is_empty());
        for (bytes, is) in [(&b"\0"[..], "\0"), (b"\0\0", "\0"), (b"Q\0", "Q"), (b"KA\0\r\n", "KA")] {
            lines.push(bytes);
            assert!(!nul || lines.take_rest() == is, "{bytes:?}");
            lines.clear();
        }
    }

    proptest! {
        #[test]
        fn fragments_make_no_difference(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0..200_usize) {
            let cut = cut.min(bytes.len());
            for terminator in [Terminator::Lf, Terminator::CrLf, Terminator::Cr] {
                let mut split = Lines::new(terminator);
                let mut got = Vec::new();
                for part in [&bytes[..cut], &bytes[cut..]] {
                    split.push(part);
                    got.extend(core::iter::from_fn(|| split.next_line().expect("short")));
                }
                prop_assert_eq!(got, lines(terminator, &bytes));
            }
        }
    }
}
