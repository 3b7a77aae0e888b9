//! What a certificate carries beside the results: who tested what for whom, with which instruments, and how it was
//! decided (ISO/IEC 17025 clauses 7.8.2, 7.8.3, 7.8.6). And why a run is none.

use judge::verdict::Outcome;
use serde::{Deserialize, Serialize};

use crate::mark::Mark;
use crate::run::{Run, RunMeta};

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
    /// what was measured with, as the rig file says
    pub instruments: Vec<Instrument>,
    /// (quantity, expanded uncertainty, where that is from)
    pub uncertainty: Vec<[String; 3]>,
}

/// An instrument, as ISO/IEC 17025 6.4.13 has it.
#[derive(Debug, Clone, Default)]
pub struct Instrument {
    /// what it does here, such as `supply`
    pub what: String,
    /// who made it, and its type
    pub maker: String,
    /// its serial number
    pub serial: String,
    /// its firmware; empty where it has none
    pub firmware: String,
    /// where it stands
    pub location: String,
    /// the day it was calibrated
    pub calibrated: String,
    /// the day until which that holds
    pub due: String,
    /// the number of its certificate of calibration
    pub certificate: String,
}

impl Instrument {
    /// What it said of itself in a run, where it was asked.
    pub fn said<'r>(&self, meta: &'r RunMeta) -> impl Iterator<Item = &'r str> {
        let what = self.what.clone();
        meta.instruments.iter().filter(move |(name, _)| *name == what).map(|(_, says)| says.as_str())
    }
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
        for instrument in &certificate.instruments {
            for says in instrument.said(meta).filter(|says| !says.contains(&instrument.serial)) {
                found.push(format!(
                    "the {} of the rig file has the serial number {}; the one that was there said: {says}",
                    instrument.what, instrument.serial
                ));
            }
        }
        if meta.commit.ends_with("-dirty") {
            found.push(format!("the harness was built from files that differ from commit {}", meta.commit));
        }
    }
    for case in &run.cases {
        // Whatever another attempt at it came to: the certificate never shows only the last.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::CaseResult;
    use judge::trace::Trace;
    use judge::verdict::Verdict;
    use proto::quantity::Micros;
    use rstest::rstest;

    fn attempt(n: usize, outcome: Outcome) -> CaseResult {
        let requirement = judge::catalogue::find("CVL-04").expect("a must of the catalogue");
        CaseResult {
            suite: "feed-in".to_owned(),
            case: "load-steps".to_owned(),
            attempt: n,
            title: String::new(),
            section: String::new(),
            outcome,
            reason: "the GX was away".to_owned(),
            file: String::new(),
            line: 1,
            began: Micros::ZERO,
            length: Micros::ZERO,
            verdicts: vec![Verdict { requirement, outcome, reason: "seen".to_owned(), evidence: Vec::new() }],
            trace: Trace::default(),
        }
    }

    fn run(cases: Vec<CaseResult>) -> Run {
        let instrument =
            Instrument { what: "supply".to_owned(), serial: "42".to_owned(), ..Instrument::default() };
        let certificate = Certificate {
            facts: vec![("Customer".to_owned(), "ACME".to_owned())],
            instruments: vec![instrument],
            uncertainty: vec![[const { String::new() }; 3]],
        };
        Run { meta: RunMeta { certificate: Some(certificate), ..RunMeta::default() }, cases }
    }

    /// Passing at the second attempt is no pass, and no attempt is left out of anything.
    #[rstest]
    #[case(&[Outcome::Pass], 0)]
    #[case(&[Outcome::Inconclusive, Outcome::Pass], 2)]
    #[case(&[Outcome::Inconclusive, Outcome::Fail], 2)]
    #[case(&[Outcome::Inconclusive, Outcome::Inconclusive], 3)]
    fn every_attempt_counts(#[case] outcomes: &[Outcome], #[case] against: usize) {
        let cases = outcomes.iter().enumerate().map(|(n, &outcome)| attempt(n + 1, outcome));
        let run = run(cases.collect());
        let found = obstacles(&run);
        assert_eq!(found.len(), against, "{found:?}");
        let said = crate::bundle::statement::statement(&run, "", &[]).to_string();
        let shown = [crate::html::report(&run), crate::json::verdicts(&run), crate::junit::junit(&run), said];
        if outcomes.len() > 1 {
            assert!(found[0].starts_with("feed-in/load-steps is undecided: the GX was away"), "{found:?}");
            let [page, json, junit, said] = shown;
            assert!(page.contains("feed-in/load-steps (attempt 2)"));
            assert!(json.contains("\"attempt\": 2") && !json.contains("\"attempt\": 1"));
            assert!(junit.contains("name=\"load-steps (attempt 2)\""));
            assert!(said.contains("\"undecided\":[\"feed-in/load-steps\""), "{said}");
        }
    }

    #[rstest]
    #[case::itself("EA PSI 9200-70, serial number 42, V3.02", "", 0)]
    #[case::another("EA PSI 9200-70, serial number 17, V3.02", "", 1)]
    #[case::built_from_no_commit("serial number 42", "0123-dirty", 1)]
    fn what_took_part_is_what_the_rig_file_says(
        #[case] says: &str,
        #[case] commit: &str,
        #[case] against: usize,
    ) {
        let mut run = run(vec![attempt(1, Outcome::Pass)]);
        run.meta.instruments = vec![("supply".to_owned(), says.to_owned())];
        run.meta.commit = commit.to_owned();
        assert_eq!(obstacles(&run).len(), against, "{:?}", obstacles(&run));
    }
}
