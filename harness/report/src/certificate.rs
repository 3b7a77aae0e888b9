//! What a certificate carries beside the results: who tested what for whom, with which instruments, and how it was
//! decided (ISO/IEC 17025 clauses 7.8.2, 7.8.3, 7.8.6). And why a run is none.

use judge::verdict::Outcome;
use serde::{Deserialize, Serialize};

use crate::mark::Mark;
use crate::run::Run;

/// Where the order of a certification is kept in its run folder, below `inputs/`.
pub const ORDER: &str = "order.json";
/// Name and version of its format.
pub const SCHEMA: &str = "busbar-order/1";

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
    /// instruments: what, maker and type, serial number, firmware, calibrated, due, certificate
    pub instruments: Vec<[String; 7]>,
    /// (quantity, expanded uncertainty, where that is from)
    pub uncertainty: Vec<[String; 3]>,
}

/// Why a run is no certificate, in words; nothing where it is one.
#[must_use]
pub fn obstacles(run: &Run) -> Vec<String> {
    let mut found = Vec::new();
    let meta = &run.meta;
    if meta.rig.simulated {
        found.push("the rig is simulated: no hardware was involved".to_owned());
    }
    if let Some(why) = &meta.cut_off {
        found.push(why.clone());
    }
    let Some(certificate) = &meta.certificate else {
        found.push("the run was not made to certify".to_owned());
        return found;
    };
    if !meta.rig.simulated {
        let unknown = certificate.facts.iter().filter(|(_, value)| value.is_empty());
        found.extend(unknown.map(|(what, _)| format!("not said: {what}")));
        for (what, none) in [
            ("no instrument and its calibration", certificate.instruments.is_empty()),
            ("no uncertainty of what is measured", certificate.uncertainty.is_empty()),
        ] {
            if none {
                found.push(format!("the rig file says {what}"));
            }
        }
    }
    for case in &run.cases {
        let word = match case.outcome {
            Outcome::Pass => continue,
            Outcome::Fail => "failed",
            Outcome::Inconclusive => "is undecided",
            Outcome::NotApplicable => "could not run",
        };
        found.push(format!("{} {word}: {}", case.name(), case.reason));
    }
    for requirement in run.requirements(Mark::Inconclusive) {
        if requirement.severity == judge::catalogue::Severity::Must {
            found.push(format!("{} is undecided", requirement.id));
        }
    }
    found
}
