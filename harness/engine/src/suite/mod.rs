//! Suites: what a test does, in the words of a lab engineer. A file is read into [`Suite`] only when every
//! line of it makes sense; a case then meets a rig in [`Case::bind`].

mod bind;
mod check;
mod condition;
mod json;
mod page;
mod patience;
mod read;
mod same;
mod scale;
mod schema;
mod step;
mod value;
mod verb;

use judge::requirement::Requirement;
use judge::thresholds::Thresholds;
use judge::trace::Channel;
use proto::quantity::Watts;
use proto::stimulus::Start;

use crate::bench::Capability;
pub use crate::yaml::YamlError as SuiteError;
pub(crate) use bind::Operation;
pub use bind::{BindError, Lasts, Runnable};
pub use condition::Condition;
pub(crate) use condition::{Bounds, Test, words};
pub use page::page;
pub use patience::Patience;
pub use schema::schema;
pub use step::{Op, Step, each};
pub use verb::meaning;

/// A suite file: one test of the specification, in one or more cases.
#[derive(Debug, Clone, PartialEq)]
pub struct Suite {
    /// the file, as messages show it
    pub file: String,
    /// name, as given on the command line
    pub name: String,
    /// one line for reports
    pub title: String,
    /// section of the specification, such as `P 1.5.3.1`
    pub spec: String,
    /// its cases, in the order of the file; never empty
    pub cases: Vec<Case>,
}

impl Suite {
    /// Reads and validates a suite. `file` is what messages call it.
    ///
    /// # Errors
    /// Everything that is wrong, each with its line. Where the file is no YAML, the first thing only.
    pub fn parse(file: &str, text: &str) -> Result<Self, SuiteError> {
        read::suite(file, text)
    }
}

/// One case: initial conditions, steps, and the requirements that it decides.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// name, unique in its suite
    pub name: String,
    /// one line for reports
    pub title: String,
    /// section of the specification
    pub spec: String,
    /// line of the file on which it begins
    pub line: u32,
    /// what the rig must have, sorted
    pub needs: Vec<Capability>,
    /// the requirements that it decides
    pub requirements: Vec<&'static Requirement>,
    /// what the battery takes that its powers are written for; nothing where they are the same for every battery
    pub powers_for: Option<Watts>,
    /// initial conditions
    pub start: Start,
    /// what is done, in order
    pub steps: Vec<Step>,
    /// the thresholds it is judged by: the defaults, and what its `limits:` change
    pub thresholds: Thresholds,
    /// reasons given for thresholds milder than the default
    pub reasons: Vec<Reason>,
    /// what of its trace is snapshot
    pub snapshot: Option<Snapshot>,
}

/// Why a threshold is not the default's: a report shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// name of the threshold
    pub threshold: String,
    /// its value in this case
    pub value: String,
    /// the reason that the suite gives
    pub because: String,
}

/// What of a trace is snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// which channels
    pub channels: Vec<Channel>,
    /// from which mark on; from the start where there is none
    pub from: Option<String>,
}

#[cfg(test)]
mod tests;
