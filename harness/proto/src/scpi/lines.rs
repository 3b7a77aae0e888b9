//! Lines out of the fragments in which a serial port hands them over.

use schemars::JsonSchema;
use serde::Deserialize;

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
}

impl Terminator {
    /// The bytes that are sent.
    #[must_use]
    pub const fn bytes(self) -> &'static [u8] {
        match self {
            Self::Lf => b"\n",
            Self::CrLf => b"\r\n",
            Self::Cr => b"\r",
        }
    }

    /// The byte that ends a received line.
    #[must_use]
    pub const fn last(self) -> u8 {
        match self {
            Self::Lf | Self::CrLf => b'\n',
            Self::Cr => b'\r',
        }
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
