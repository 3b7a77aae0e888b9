//! How a case ended, and why it did early.

use core::fmt;

use judge::failure::Failure;
use proto::quantity::Micros;

use crate::interlock::Trip;

/// How a case ended.
#[derive(Debug, Clone, PartialEq)]
pub enum End {
    /// every step was done
    Completed,
    /// it ended early
    Aborted(Abort),
}

/// Why a case ended early.
#[derive(Debug, Clone, PartialEq)]
pub enum Abort {
    /// a `wait` or an `expect` took too long
    NotMet {
        /// line of the suite file
        line: u32,
        /// the condition in words
        until: String,
        /// what was seen of it last
        seen: String,
        /// the time allowed
        allowed: Micros,
        /// for an `expect`: the requirement that failed; without one the case is inconclusive
        requirement: Option<&'static str>,
    },
    /// a never-exceed limit tripped
    Interlock(Trip),
    /// the rig failed, the battery did by itself, or somebody wanted it to end
    Fault(Failure),
    /// the operator could not do what was asked
    Operator {
        /// line of the suite file
        line: u32,
        /// what was asked
        text: String,
        /// why not
        what: &'static str,
    },
}

impl fmt::Display for Abort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotMet { line, until, seen, allowed, requirement: Some(id) } => {
                write!(f, "{id}: {until} was not reached within {allowed}, last seen: {seen} (line {line})")
            }
            Self::NotMet { line, until, seen, allowed, requirement: None } => {
                write!(f, "{until} did not come within {allowed}, last seen: {seen} (line {line})")
            }
            Self::Interlock(Trip { what, value, limit, by }) => {
                write!(f, "interlock: {what} {value} ({by}), the rig's limit is {limit}")
            }
            Self::Fault(failure) => f.write_str(&failure.behind("the bench failed")),
            Self::Operator { line, text, what } => write!(f, "the operator {what}: {text} (line {line})"),
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Completed => f.write_str("completed"),
            Self::Aborted(abort) => write!(f, "ended early: {abort}"),
        }
    }
}
