//! Raw evidence line by line: within a budget, with the number of each line, and a last line that was cut off told
//! from a whole one.

use std::io::{self, BufRead, Read as _};

/// Longer than any line that is ever written: a prompt of the largest suite file, every character of it escaped.
const LONGEST: u64 = 32 << 20;

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("found `{found}`, expected {expected}")]
pub struct Fault {
    /// what stands there, its beginning where it is long
    pub found: String,
    /// what would have been right
    pub expected: String,
}

impl Fault {
    pub(crate) const A_ROW: &'static str = "a time and one cell for each column of the header";

    pub(crate) fn new(found: &str, expected: &str) -> Self {
        let shown: String = crate::text::plain(found.trim_end()).chars().take(120).collect();
        Self { found: shown, expected: expected.to_owned() }
    }

    /// A cell that is not what its column holds.
    pub(crate) fn cell(column: &str, cell: &str, expected: &str) -> Self {
        Self::new(&format!("{column}: {cell}"), expected)
    }
}

/// Why raw evidence cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RawError {
    /// A file is not there or cannot be read.
    #[error(
        "{file} cannot be read: {source}; a run folder holds can.log, events.jsonl and a file of each instrument"
    )]
    Unreadable {
        /// the file
        file: String,
        /// what the system says
        source: io::Error,
    },
    /// A whole line is not what belongs there: somebody changed the file, or it is of another version.
    #[error("{file}:{line}: {fault}")]
    Line {
        /// the file
        file: String,
        /// counted from 1
        line: u64,
        /// what is wrong
        fault: Fault,
    },
    /// The folder is of a version that kept the readings of the supply in another way.
    #[error(
        "{file} is a file of Busbar {harness}; this version reads what the supply said from supply.csv: judge this run \
         with Busbar {harness}"
    )]
    Before {
        /// the file
        file: String,
        /// the version that wrote it
        harness: String,
    },
    /// Nothing at all is known of the run.
    #[error(
        "{file} breaks off in its first line: the run was ended before its first case began, nothing was recorded"
    )]
    Nothing {
        /// `events.jsonl`
        file: String,
    },
}

/// The lines of one file.
#[derive(Debug)]
pub(crate) struct Lines<R> {
    file: String,
    source: R,
    number: u64,
    line: Vec<u8>,
    cut: bool,
}

impl<R: BufRead> Lines<R> {
    pub(crate) fn new(file: String, source: R) -> Self {
        Self { file, source, number: 0, line: Vec::new(), cut: false }
    }

    /// The next whole line without its line break; nothing at the end. A last line without its break is left out.
    pub(crate) fn next(&mut self) -> Result<Option<&[u8]>, RawError> {
        self.line.clear();
        let read = self.source.by_ref().take(LONGEST).read_until(b'\n', &mut self.line);
        let read = read.map_err(|source| RawError::Unreadable { file: self.file.clone(), source })?;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        match self.line.split_last() {
            Some((b'\n', line)) => Ok(Some(line)),
            _ if read as u64 == LONGEST => {
                let line = String::from_utf8_lossy(&self.line[..200]).into_owned();
                Err(self.wrong(Fault::new(&line, "a line that ends within 32 MiB")))
            }
            _ => {
                self.cut = true;
                Ok(None)
            }
        }
    }

    /// The error that the line read last is.
    pub(crate) fn wrong(&self, fault: Fault) -> RawError {
        RawError::Line { file: self.file.clone(), line: self.number, fault }
    }

    pub(crate) fn file(&self) -> &str {
        &self.file
    }

    /// Number of the line read last, counted from 1.
    pub(crate) const fn number(&self) -> u64 {
        self.number
    }

    /// Whether the file ended in the middle of a line.
    pub(crate) const fn is_cut(&self) -> bool {
        self.cut
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_is_whole_or_left_out() {
        let mut lines = Lines::new("a.log".to_owned(), &b"one\n\ntwo"[..]);
        assert_eq!(lines.next().expect("readable"), Some(&b"one"[..]));
        assert_eq!(lines.next().expect("readable"), Some(&b""[..]));
        assert_eq!(lines.next().expect("readable"), None);
        assert!(lines.is_cut());
        assert_eq!(lines.number(), 3);
    }

    #[test]
    fn a_line_without_an_end_is_refused() {
        let mut lines = Lines::new("a.log".to_owned(), io::BufReader::new(io::repeat(b'x')));
        let error = lines.next().expect_err("refused").to_string();
        assert!(error.starts_with("a.log:1: found `xxx"), "{error}");
    }
}
