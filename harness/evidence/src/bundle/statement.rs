//! What is said of a run to programs that know nothing of batteries: an in-toto statement of the type *test result*.

use judge::verdict::Outcome;
use serde_json::{Value, json};

use super::SUMS;
use crate::gaps::Demand;
use crate::manifest::Entry;
use crate::mark::Mark;
use crate::run::{Run, gaps_of};

/// The type of what is said, <https://github.com/in-toto/attestation/blob/main/spec/predicates/test-result.md>.
pub const PREDICATE: &str = "https://in-toto.io/attestation/test-result/v0.1";

/// The statement: whoever holds files with these sums holds a run that came out so. `inputs` are the files that the
/// run was made from. A case that is undecided is among those that failed, for it did not pass. What is signed is held to
/// what a certificate needs, whatever was asked of the run: every case, and every requirement that must hold.
#[must_use]
pub fn statement(run: &Run, sums: &str, inputs: &[Entry]) -> Value {
    let warned = |case: &crate::run::CaseResult| case.warnings().next().is_some();
    let names = |wanted: &dyn Fn(&crate::run::CaseResult) -> bool| -> Vec<String> {
        run.cases.iter().filter(|case| wanted(case)).map(crate::run::CaseResult::name).collect()
    };
    let (gaps, outcome) = (gaps_of([run], Demand::Certificate), run.held_to(Demand::Certificate));
    let result = match outcome {
        Outcome::Pass if run.requirements(Mark::Warning).is_empty() => "PASSED",
        Outcome::Pass => "WARNED",
        _ => "FAILED",
    };
    let meta = &run.meta;
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{
            "name": SUMS,
            "digest": { "sha256": crate::manifest::sha256(sums.as_bytes()) },
            "annotations": {
                "run": meta.id,
                "battery": meta.battery.name,
                "identity": meta.battery.identity,
                "rig": meta.rig.name,
                "simulated": meta.rig.simulated,
                "harness": meta.harness,
                "outcome": outcome.name(),
                "undecided": names(&|case| case.outcome == Outcome::Inconclusive),
                "notTried": gaps.not_tried.iter().map(|(name, _)| name).chain(&gaps.left_out).collect::<Vec<_>>(),
                "altered": gaps.altered.iter().map(|(name, _)| name).collect::<Vec<_>>(),
                "open": gaps.open.iter().map(|(requirement, _)| requirement.id).collect::<Vec<_>>(),
                "notApplicable": names(&|case| case.outcome == Outcome::NotApplicable),
            },
        }],
        "predicateType": PREDICATE,
        "predicate": {
            "result": result,
            "configuration": inputs.iter().map(|input| json!({
                "name": input.name, "digest": { "sha256": input.sha256 },
            })).collect::<Vec<_>>(),
            "passedTests": names(&|case| case.outcome == Outcome::Pass && !warned(case)),
            "warnedTests": names(&|case| case.outcome == Outcome::Pass && warned(case)),
            "failedTests": names(&|case| matches!(case.outcome, Outcome::Fail | Outcome::Inconclusive)),
        },
    })
}
