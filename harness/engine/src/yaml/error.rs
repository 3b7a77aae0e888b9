//! What is wrong with a file, shown in its line.

use core::fmt;

use proto::text::shown;
use serde_yaml::Location;

/// A place in a file; lines and columns count characters from 1, as editors do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// line, from 1
    pub line: u32,
    /// column in characters, from 1
    pub column: u32,
    /// characters that the value takes, at least 1
    pub width: u32,
}

impl Position {
    /// The first character of a file.
    pub const START: Self = Self { line: 1, column: 1, width: 1 };
}

impl From<Location> for Position {
    fn from(at: Location) -> Self {
        let clamp = |n: u64| u32::try_from(n).unwrap_or(u32::MAX).max(1);
        Self { line: clamp(at.line()), column: clamp(at.column()), width: clamp(at.span().len()) }
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// where
    pub at: Position,
    /// what is wrong
    pub message: String,
    /// what would have been right; empty where the message says it all
    pub expected: String,
    /// the line itself, filled in by [`YamlError::new`]
    line: String,
}

impl Problem {
    /// A problem at a place.
    pub fn new(at: Position, message: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { at, message: message.into(), expected: expected.into(), line: String::new() }
    }
}

/// A file that is refused: everything that was found wrong with it, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct YamlError {
    /// name of the file, as the messages show it
    pub file: String,
    problems: Vec<Problem>,
}

impl YamlError {
    /// Problems of a file with this text.
    #[must_use]
    pub fn new(file: &str, text: &str, mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|p| p.at);
        problems.dedup();
        for problem in &mut problems {
            let line = lines(text).nth(problem.at.line as usize - 1).unwrap_or_default();
            problem.line = line.chars().map(shown).collect();
        }
        Self { file: file.to_owned(), problems }
    }

    /// What is wrong, in the order of the file; never empty.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

/// The lines as YAML counts them: a carriage return alone ends one, too.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
    lines.flat_map(|line| line.split('\r'))
}

/// Most characters of a line that are shown.
const SHOWN: usize = 120;

impl fmt::Display for YamlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.problems.iter().enumerate() {
            if i > 0 {
                f.write_str("\n\n")?;
            }
            self.show(problem, f)?;
        }
        Ok(())
    }
}

impl YamlError {
    fn show(&self, problem: &Problem, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Position { line, column, width } = problem.at;
        let message: String = problem.message.chars().map(shown).collect();
        write!(f, "{}:{line}:{column}: {message}", proto::text::plain(&self.file))?;
        let expected: String = problem.expected.chars().map(shown).collect();
        let length = problem.line.chars().count();
        if length == 0 {
            return match expected.as_str() {
                "" => Ok(()),
                expected => write!(f, ", expected {expected}"),
            };
        }
        // A long line is shown from a little before the place.
        let before = (column as usize - 1).min(length);
        let cut = if length > SHOWN { before.saturating_sub(SHOWN / 2) } else { 0 };
        let part: String = problem.line.chars().skip(cut).take(SHOWN).collect();
        let carets = (width as usize).min((cut + part.chars().count()).saturating_sub(before)).max(1);
        write!(f, "\n{line:>5} | {}\n{:>5} | ", part.trim_end(), "")?;
        write!(f, "{:1$}", "", before - cut)?;
        f.write_str(&"^".repeat(carets))?;
        match expected.as_str() {
            "" => Ok(()),
            expected => write!(f, " expected {expected}"),
        }
    }
}
