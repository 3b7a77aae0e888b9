//! Whoever does what a rig cannot do by itself: a person at the terminal, or a program that listens on loopback.
//!
//! The program gets one [`Request`] a line and answers each with one [`Reply`] a line, both as JSON, the next request
//! only after the reply to the last. Quantities are written as in suites:
//!
//! ```text
//! {"prepare":{"soc":"97 %","grid":true,"feed-in":true,"pv":"0 W","ac-pv":"0 W","ac-load":"0 W","imbalance":"0 %","input-current-limit":null}}
//! "done"
//! {"apply":{"ac-load":"3000 W"}}
//! "done"
//! {"apply":{"inject":{"current":{"by":"5 A","for":"20 s"}}}}
//! {"refused":"the shunt of this bench cannot be reached"}
//! {"ask":"Reset the battery, then confirm."}
//! "done"
//! "finish"
//! "done"
//! ```
//!
//! `prepare` asks for everything that is to be so when the case begins, `finish` for the state in which a bench may be
//! left alone: no load, no fault, mains connected.

mod client;
mod terminal;
mod words;

pub use client::Client;
pub use terminal::Terminal;

use proto::quantity::Micros;
use proto::stimulus::{Start, Stimulus};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// What an operator is asked to do. Its `Display` are the words for a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// bring about the initial conditions of a case
    Prepare(Start),
    /// change the world
    Apply(Stimulus),
    /// a prompt of the suite
    Ask(String),
    /// the case is over: no load, no fault, mains connected
    Finish,
}

/// What an operator answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// it is so now
    Done,
    /// it cannot be done, and why
    Refused(String),
}

/// Why an operator gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// Nobody listens.
    #[error(
        "no operator at {address}: {source}; start the program that is to listen there, or correct `operator:` of the rig file"
    )]
    Absent {
        /// where
        address: String,
        /// what the system said
        source: std::io::Error,
    },
    /// The connection broke.
    #[error("the operator {who} is gone: {source}; look at the program that answered there")]
    Gone {
        /// address, or the terminal
        who: String,
        /// what the system said
        source: std::io::Error,
    },
    /// No answer in time.
    #[error("the operator {who} did not answer within {}: {asked}", within.span())]
    Late {
        /// address, or the terminal
        who: String,
        /// what was asked
        asked: String,
        /// how long it was waited for
        within: Micros,
    },
    /// An answer that is none.
    #[error("the operator {who} answered {error}")]
    Senseless {
        /// address
        who: String,
        /// what is wrong with it
        error: LineError,
    },
}

/// A line that is not of this protocol.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// No such request or reply.
    #[error("`{line}`, which makes no sense: {why}")]
    Senseless {
        /// the line, cut short
        line: String,
        /// what is wrong with it
        why: serde_json::Error,
    },
    /// Too long.
    #[error("a line of more than {LONGEST} bytes")]
    TooLong,
}

/// Does what a rig cannot do by itself.
pub trait Operator: Send {
    /// Asks, and waits for the answer. After an error nothing more is to be expected of this operator.
    ///
    /// # Errors
    /// When there is no answer, or none that makes sense.
    fn ask(&mut self, request: &Request) -> Result<Reply, OperatorError>;
}

/// Longest line, in bytes: far above any request.
pub const LONGEST: usize = 4096;

/// A request or a reply as a line, with its end.
#[must_use]
pub fn line(message: &impl Serialize) -> String {
    // Only maps whose keys are no texts fail, and there are none.
    let mut line = serde_json::to_string(message).unwrap_or_default();
    line.push('\n');
    line
}

/// Cuts received bytes into requests or replies.
#[derive(Debug, Default)]
pub struct Lines(Vec<u8>);

impl Lines {
    /// Takes in what was received.
    pub fn push(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// The next message, once its line is complete.
    ///
    /// # Errors
    /// When the line is no such message, or too long: the peer speaks something else.
    pub fn take<T: DeserializeOwned>(&mut self) -> Result<Option<T>, LineError> {
        let Some(end) = self.0.iter().position(|&byte| byte == b'\n') else {
            return if self.0.len() > LONGEST { Err(LineError::TooLong) } else { Ok(None) };
        };
        let line: Vec<u8> = self.0.drain(..=end).collect();
        if line.len() > LONGEST {
            return Err(LineError::TooLong);
        }
        serde_json::from_slice(&line).map(Some).map_err(|why| {
            let line = String::from_utf8_lossy(&line).trim().chars().take(80).collect();
            LineError::Senseless { line, why }
        })
    }
}

#[cfg(test)]
mod tests;
