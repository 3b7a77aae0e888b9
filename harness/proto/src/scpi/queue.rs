//! Entries of the error queue (SCPI-99 Vol. 2, 21.8): `-113,"Undefined header"`.

use core::fmt;

/// One entry of the error queue, or what an empty queue answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedError {
    /// 0 where the queue is empty, negative where SCPI defines it, positive where the maker does
    pub code: i32,
    /// what the supply says of it
    pub text: String,
}

impl QueuedError {
    /// Reads `-113,"Undefined header"`, `0,None`, `0 No Error`, `+0,"No error"` and a bare `0`.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        let line = line.trim();
        let end = line.find([',', ' ']).unwrap_or(line.len());
        let (number, rest) = line.split_at(end);
        let digits = number.strip_prefix(['+', '-']).unwrap_or(number);
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let code = number.parse().ok()?;
        let text = rest.trim_start_matches([',', ' ']);
        let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
        Some(Self { code, text: inner.replace("\"\"", "\"") })
    }

    /// Whether there was nothing in the queue.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.code == 0
    }

    /// −350, "queue overflow": earlier errors were lost (SCPI-99 Vol. 2, 21.8.11).
    #[must_use]
    pub fn says_that_errors_were_lost(&self) -> bool {
        self.code == -350
    }
}

impl fmt::Display for QueuedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.text.escape_debug())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("-113,\"Undefined header\"", -113, "Undefined header")]
    #[case("0,None", 0, "None")]
    #[case("0 No Error", 0, "No Error")]
    #[case("+0,\"No error\"", 0, "No error")]
    #[case("0", 0, "")]
    #[case("-350,\"Queue overflow\"", -350, "Queue overflow")]
    #[case("-100, \"Command \"\"FOO\"\" unknown\"", -100, "Command \"FOO\" unknown")]
    #[case("201,\"", 201, "\"")]
    fn entries(#[case] line: &str, #[case] code: i32, #[case] text: &str) {
        assert_eq!(QueuedError::parse(line), Some(QueuedError { code, text: text.to_owned() }));
    }

    #[rstest]
    #[case("")]
    #[case("48.00 V")]
    #[case("ON")]
    #[case("--1,x")]
    #[case("99999999999,x")]
    fn what_is_no_entry(#[case] line: &str) {
        assert_eq!(QueuedError::parse(line), None);
    }

    proptest! {
        #[test]
        fn a_written_entry_is_read_the_same(code in -500..500_i32, text in "[ -~]{0,30}") {
            let line = format!("{code},\"{}\"", text.replace('"', "\"\""));
            prop_assert_eq!(QueuedError::parse(&line), Some(QueuedError { code, text }));
        }

        #[test]
        fn no_line_panics(line in "\\PC{0,30}") {
            let _ = QueuedError::parse(&line).map(|entry| entry.to_string());
        }
    }
}
