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

/// Assembles received bytes into lines.
#[derive(Debug, Clone)]
pub struct Lines {
    terminator: Terminator,
    pending: Vec<u8>,
}

impl Lines {
    /// Nothing received yet.
    #[must_use]
    pub const fn new(terminator: Terminator) -> Self {
        Self { terminator, pending: Vec::new() }
    }

    /// Takes in received bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
    }

    /// Whether nothing is left, not even part of a line.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// What came in and is no whole line, decoded as latin-1.
    #[must_use]
    pub fn rest(&self) -> String {
        self.pending.iter().copied().map(char::from).collect()
    }

    /// What came in until now as one answer that nothing ends. A line feed behind it is none of it.
    pub fn take_rest(&mut self) -> String {
        let rest = self.rest();
        self.clear();
        match rest.len() {
            // One byte may be a register.
            0 | 1 => rest,
            _ => rest.trim_end_matches(['\r', '\n']).to_owned(),
        }
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
        let Some(end) = self.pending.iter().position(|&b| b == self.terminator.last()) else {
            if self.pending.len() > LONGEST_LINE {
                self.clear();
                return Err(Overlong);
            }
            return Ok(None);
        };
        let line: Vec<u8> = self.pending.drain(..=end).collect();
        if line.len() > LONGEST_LINE {
            return Err(Overlong);
        }
        let text: String = line.iter().copied().map(char::from).collect();
        Ok(Some(text.trim_matches(['\r', '\n']).to_owned()))
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
    #[case(Terminator::Lf, b"\xB0C\n", &["°C"])]
    #[case(Terminator::Lf, b"\n", &[""])]
    fn a_line_ends_where_the_profile_says(
        #[case] terminator: Terminator,
        #[case] bytes: &[u8],
        #[case] expected: &[&str],
    ) {
        assert_eq!(lines(terminator, bytes), expected);
    }

    #[test]
    fn a_line_without_an_end_is_refused_and_forgotten() {
        let mut lines = Lines::new(Terminator::Lf);
        lines.push(&[b'x'; LONGEST_LINE + 1]);
        assert_eq!(lines.next_line(), Err(Overlong));
        lines.push(b"48.0\n");
        assert_eq!(lines.next_line(), Ok(Some("48.0".to_owned())));
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
