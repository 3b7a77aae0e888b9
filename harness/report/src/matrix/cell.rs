//! One cell: every suite once, with one battery on one rig with one seed. A line of JSON, small enough to keep.

use std::collections::BTreeMap;

use judge::catalogue::requirements;
use judge::requirement::Severity;
use judge::thresholds::{Sense, Thresholds};
use judge::verdict::{Outcome, over_cases};
use serde::{Deserialize, Serialize};

use evidence::mark::Mark;
use evidence::run::{CaseResult, Run};

/// What is kept of a cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Cell {
    /// battery, by the name of its file
    pub battery: String,
    /// rig, by the name of its file
    pub rig: String,
    /// seed of everything random
    pub seed: u64,
    /// requirements by which the battery must be found; an empty list where it must be certified, and nothing where no file
    /// of the project says what must become of it
    pub expect: Option<Vec<String>>,
    /// outcome of the whole run: what `busbar run` ends with
    pub outcome: Mark,
    /// requirements that did not hold in some case, in the order of the catalogue
    pub failed: Vec<String>,
    /// the requirement that is told first as the cause of what failed; nothing where nothing did, and in results of before
    #[serde(default)]
    pub cause: Option<String>,
    /// requirements that some case left open and none failed, and those that must hold and no case tried
    pub open: Vec<String>,
    /// requirements that held
    pub passed: Vec<String>,
    /// cases that were not tried on this rig with this battery, or did not apply to it
    pub left_out: Vec<String>,
    /// the first reason for each requirement that must hold and failed or stayed open
    pub why: BTreeMap<String, String>,
    /// worst value of each threshold that a requirement was held against
    pub measures: Vec<Worst>,
    /// seconds in the time of the rig
    pub simulated: f64,
    /// numbers of the rig as the seed drew them, by section and key of `plant`; none where they are as its file says, and in
    /// results of before
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub drawn: BTreeMap<String, String>,
}

/// The worst value of one threshold in a cell, for one requirement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Worst {
    /// id of the requirement
    pub requirement: String,
    /// name of the threshold, whose unit the value has
    pub threshold: String,
    /// measured value; where a case narrowed the threshold, scaled to the default
    pub value: f64,
}

/// Longest reason that is kept, in characters.
const REASON: usize = 240;

impl Cell {
    /// What is kept of a run. Its traces are not looked at.
    #[must_use]
    pub fn of(run: &Run, expect: Option<&[String]>) -> Self {
        let mut cell = Self {
            battery: run.meta.battery.name.clone(),
            rig: run.meta.rig.name.clone(),
            seed: run.meta.seed,
            expect: expect.map(<[String]>::to_vec),
            outcome: Mark::of_whole(run.outcome()),
            failed: Vec::new(),
            cause: run.root().map(|root| root.requirement.id.to_owned()),
            open: Vec::new(),
            passed: Vec::new(),
            left_out: run
                .cases
                .iter()
                .filter(|c| !c.tried || c.outcome == Outcome::NotApplicable)
                .map(CaseResult::name)
                .collect(),
            why: BTreeMap::new(),
            measures: worst(run),
            simulated: run.simulated().secs(),
            drawn: BTreeMap::new(),
        };
        for requirement in requirements() {
            let own: Vec<_> = run.verdicts_on(requirement).filter(|(case, _)| case.tried).collect();
            if own.is_empty() {
                continue;
            }
            let outcome = over_cases(own.iter().map(|(_, v)| v.outcome));
            match outcome {
                Outcome::Pass => cell.passed.push(requirement.id.to_owned()),
                Outcome::Fail => cell.failed.push(requirement.id.to_owned()),
                Outcome::Inconclusive => cell.open.push(requirement.id.to_owned()),
                Outcome::NotApplicable => continue,
            }
            if matches!(outcome, Outcome::Fail | Outcome::Inconclusive)
                && requirement.severity == Severity::Must
                && let Some((case, verdict)) = own.iter().find(|(_, v)| v.outcome == outcome)
            {
                let reason: String = verdict.reason.chars().take(REASON).collect();
                cell.why.insert(requirement.id.to_owned(), format!("{}: {reason}", case.name()));
            }
        }
        for (requirement, why) in run.gaps().open {
            cell.open.push(requirement.id.to_owned());
            cell.why.insert(requirement.id.to_owned(), why.chars().take(REASON).collect());
        }
        cell
    }

    /// `battery on rig, seed 7`: how a cell is named.
    #[must_use]
    pub fn name(&self) -> String {
        name(&self.battery, &self.rig, self.seed)
    }

    /// Whether the battery must be certified.
    #[must_use]
    pub fn is_compliant(&self) -> bool {
        self.expect.as_ref().is_some_and(Vec::is_empty)
    }

    /// Whether it must be found.
    #[must_use]
    pub fn is_faulty(&self) -> bool {
        self.expect.is_some() && !self.is_compliant()
    }

    /// The requirements by which it must be found.
    #[must_use]
    pub fn expected(&self) -> &[String] {
        self.expect.as_deref().unwrap_or_default()
    }

    /// Whether it was found by a requirement that the battery file names.
    #[must_use]
    pub fn found(&self) -> bool {
        self.expected().iter().any(|id| self.failed.contains(id))
    }

    /// Whether it was found by all of them.
    #[must_use]
    pub fn found_by_all(&self) -> bool {
        self.expected().iter().all(|id| self.failed.contains(id))
    }

    /// Found, and not certified either where one of the requirements must hold: what only should hold warns.
    #[must_use]
    pub fn caught(&self) -> bool {
        let must = self.expected().iter().any(|id| {
            judge::catalogue::find(id).is_some_and(|requirement| requirement.severity == Severity::Must)
        });
        self.is_faulty() && self.found() && !(must && self.outcome == Mark::Pass)
    }

    /// Whether the cause that is told first is one by which the battery must be found.
    #[must_use]
    pub fn names_the_cause(&self) -> bool {
        self.cause.as_ref().is_some_and(|cause| self.expected().contains(cause))
    }

    /// Whether the cell is as it must be; one that is undecided is not, one of which nothing is expected always.
    #[must_use]
    pub fn is_right(&self) -> bool {
        match &self.expect {
            Some(expect) if expect.is_empty() => self.outcome == Mark::Pass,
            Some(_) => self.caught(),
            None => true,
        }
    }
}

/// `battery on rig, seed 7`.
#[must_use]
pub fn name(battery: &str, rig: &str, seed: u64) -> String {
    format!("{battery} on {rig}, seed {seed}")
}

/// Of every requirement and threshold the worst value of all cases. What did not apply measured nothing.
fn worst(run: &Run) -> Vec<Worst> {
    let defaults = Thresholds::default();
    let mut all: BTreeMap<(&str, &str), f64> = BTreeMap::new();
    let verdicts = run.cases.iter().flat_map(|c| &c.verdicts);
    for verdict in verdicts.filter(|v| v.outcome != Outcome::NotApplicable) {
        for measure in verdict.evidence.iter().filter_map(|e| e.measure) {
            let Some(row) = Thresholds::NAMES.iter().find(|n| n.name == measure.threshold) else { continue };
            let scale = defaults.limit(row.name).unwrap_or(measure.limit) / measure.limit;
            let value = if scale.is_finite() { measure.value * scale } else { measure.value };
            if !value.is_finite() {
                continue;
            }
            let slot = all.entry((verdict.requirement.id, row.name)).or_insert(value);
            *slot = match row.sense {
                Sense::AtMost => slot.max(value),
                Sense::AtLeast => slot.min(value),
            };
        }
    }
    let keep = |((requirement, threshold), value): ((&str, &str), f64)| Worst {
        requirement: requirement.to_owned(),
        threshold: threshold.to_owned(),
        value,
    };
    all.into_iter().map(keep).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use evidence::run::{BatteryUnderTest, CaseResult, Rig, RunMeta};
    use judge::verdict::{Evidence, Measure, Verdict, outcome_of_case};
    use proto::quantity::Micros;
    use rstest::rstest;

    /// A cell with these requirements failed.
    pub(crate) fn cell(battery: &str, rig: &str, seed: u64, expect: &[&str], failed: &[&str]) -> Cell {
        let verdicts: Vec<_> = failed.iter().map(|id| verdict(id, Outcome::Fail, None)).collect();
        let verdicts = [verdicts, vec![verdict("CVL-01", Outcome::Pass, None)]].concat();
        let expect: Vec<String> = expect.iter().map(|&id| id.to_owned()).collect();
        Cell {
            battery: battery.to_owned(),
            rig: rig.to_owned(),
            seed,
            ..Cell::of(&run(verdicts), Some(&expect))
        }
    }

    fn verdict(id: &str, outcome: Outcome, measure: Option<Measure>) -> Verdict {
        let evidence = Evidence { measure, ..Evidence::fact("what", "value") };
        let requirement = judge::catalogue::find(id).expect("a row of the catalogue");
        Verdict { requirement, outcome, reason: "because".to_owned(), evidence: vec![evidence] }
    }

    fn run(verdicts: Vec<Verdict>) -> Run {
        let (outcome, length) = (outcome_of_case(&verdicts), Micros::from_secs(60));
        let case = CaseResult { outcome, length, verdicts, ..CaseResult::named("s", "c") };
        let battery = BatteryUnderTest { name: "b".to_owned(), ..BatteryUnderTest::default() };
        let rig = Rig { name: "r".to_owned(), ..Rig::default() };
        Run { meta: RunMeta { battery, rig, seed: 1, ..RunMeta::default() }, cases: vec![case] }
    }

    #[rstest]
    #[case(&[], &[], true, "a compliant battery that passes")]
    #[case(&[], &["CVL-04"], false, "a compliant battery that is refused")]
    #[case(&[], &["CVL-03"], true, "a warning refuses nobody")]
    #[case(&["CVL-04"], &["CVL-04"], true, "a fault that is found")]
    #[case(&["CVL-04"], &[], false, "a fault that passes")]
    #[case(&["CVL-04"], &["CVL-05"], false, "a fault that is refused for something else")]
    #[case(&["CVL-04", "CVL-05"], &["CVL-05"], true, "one of them is enough")]
    #[case(&["CVL-03"], &["CVL-03"], true, "what should hold warns, and that is all")]
    #[case(&["CVL-03", "CVL-04"], &["CVL-03"], false, "a warning alone, where a must was to be found")]
    fn what_a_cell_must_be(
        #[case] expect: &[&str],
        #[case] failed: &[&str],
        #[case] right: bool,
        #[case] why: &str,
    ) {
        assert_eq!(cell("b", "r", 1, expect, failed).is_right(), right, "{why}");
    }

    #[test]
    fn an_open_must_is_kept_with_its_reason_and_is_not_right() {
        let cell = Cell::of(&run(vec![verdict("CVL-06", Outcome::Inconclusive, None)]), Some(&[]));
        assert_eq!((cell.open.as_slice(), cell.is_right()), (&["CVL-06".to_owned()][..], false));
        assert_eq!(cell.why["CVL-06"], "s/c: because");
    }

    #[test]
    fn the_worst_value_is_kept_on_the_scale_of_the_default() {
        let measure = |threshold, value, limit| Some(Measure { threshold, value, limit, band: 0.0 });
        let verdicts = vec![
            verdict("CVL-04", Outcome::Pass, measure("reversals", 3.0, 20.0)),
            // Narrowed to half: 4 of 10 is 8 of 20.
            verdict("CVL-04", Outcome::Pass, measure("reversals", 4.0, 10.0)),
            verdict("CVL-04", Outcome::Pass, measure("travel", f64::NAN, 5.0)),
            verdict("CVL-07", Outcome::Pass, measure("cell-margin", 0.2, 0.02)),
            verdict("CVL-07", Outcome::Pass, measure("cell-margin", 0.1, 0.02)),
            verdict("CVL-06", Outcome::NotApplicable, measure("discharge", 9.0, 1.5)),
        ];
        let kept = Cell::of(&run(verdicts), Some(&[])).measures;
        let kept: Vec<_> = kept.iter().map(|w| (w.threshold.as_str(), w.value)).collect();
        assert_eq!(kept, [("reversals", 8.0), ("cell-margin", 0.1)]);
    }

    #[test]
    fn a_cell_comes_back_from_its_line() {
        let kept = cell("b", "r", 7, &["CVL-04"], &["CVL-04"]);
        let line = serde_json::to_string(&kept).expect("a line");
        assert!(!line.contains('\n'));
        assert_eq!(serde_json::from_str::<Cell>(&line).expect("the same"), kept);
    }
}
