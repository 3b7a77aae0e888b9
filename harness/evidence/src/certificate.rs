//! What a certificate carries beside the results: who tested what for whom, with which instruments, and how it was
//! decided (ISO/IEC 17025 clauses 7.8.2, 7.8.3, 7.8.6).

mod made;

pub use files::DecisionRule;
use files::Instrument;
use serde::{Deserialize, Serialize};

pub use made::is_day_up_to;
pub(crate) use made::made;

/// Where the order of a certification is kept in its run folder, below `inputs/`.
pub const ORDER: &str = "order.json";
/// Name and version of its format.
pub const SCHEMA: &str = "busbar-order/1";

/// What was asked for, by whom.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Order {
    /// name and version of the format
    pub schema: String,
    /// who wants to know
    pub customer: Option<String>,
    /// who ran it and answers for it
    pub operator: Option<String>,
    /// what was handed in, as its label says: maker, type, serial number
    pub item: Option<String>,
    /// the day it was handed in
    pub received: Option<String>,
    /// random text that whoever ordered gave before the run, 64 hexadecimal digits
    #[serde(skip_serializing_if = "Option::is_none")]
    pub challenge: Option<String>,
    /// when it was given (RFC 3339)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given: Option<String>,
}

impl Order {
    /// The file, with its line break.
    #[must_use]
    pub fn text(&self) -> String {
        serde_json::to_string_pretty(self).expect("a plain struct serialises") + "\n"
    }

    /// Reads the file.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn read(text: &str) -> Result<Self, String> {
        let order: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if order.schema != SCHEMA {
            return Err(format!("its schema is `{}`, expected `{SCHEMA}`", order.schema));
        }
        let is_one = |text: &String| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
        match order.challenge.as_ref().filter(|challenge| !is_one(challenge)) {
            Some(_) => Err("its challenge is no 64 hexadecimal digits".to_owned()),
            None => Ok(order),
        }
    }
}

/// A challenge that nobody has seen.
///
/// # Errors
/// When the system gives no random numbers.
pub fn challenge() -> Result<String, crate::bundle::key::KeyError> {
    let random = crate::bundle::key::random()?;
    Ok(random.to_bytes().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// What the certificate says.
#[derive(Debug, Clone, Default)]
pub struct Certificate {
    /// who, what and when, in the order in which it is shown
    pub facts: Vec<Fact>,
    /// what was measured with, as the rig file says
    pub instruments: Vec<Instrument>,
    /// how measured figures are held against their limits
    pub rule: DecisionRule,
    /// how uncertain they are
    pub uncertainty: Vec<Uncertainty>,
    /// what the run folder lacks for a run on real instruments, and days that do not fit, in words
    pub gaps: Vec<String>,
}

/// One thing that a certificate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// what it is, in words
    pub what: &'static str,
    /// the fact; empty where nobody said
    pub value: String,
    /// the word for it in a bundle that is told, where it is told there
    pub told: Option<&'static str>,
}

/// The expanded uncertainty (k = 2) of a figure.
#[derive(Debug, Clone, Default)]
pub struct Uncertainty {
    /// the figure, by the name of its threshold
    pub figure: String,
    /// as the rig file says it, with its unit
    pub expanded: String,
    /// the same as a number in the unit of the threshold
    pub amount: f64,
    /// where it is from
    pub from: String,
}
