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

/// What the item that was handed in is called among the facts.
pub const ITEM: &str = "Item, as its label says";

/// What was asked for, by whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
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
}

/// What the certificate says.
#[derive(Debug, Clone, Default)]
pub struct Certificate {
    /// (what, who or when), in the order in which it is shown; what is not known is empty
    pub facts: Vec<(String, String)>,
    /// what was measured with, as the rig file says
    pub instruments: Vec<Instrument>,
    /// how measured figures are held against their limits
    pub rule: DecisionRule,
    /// how uncertain they are
    pub uncertainty: Vec<Uncertainty>,
    /// what the run folder lacks for a run on real instruments, and days that do not fit, in words
    pub gaps: Vec<String>,
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
