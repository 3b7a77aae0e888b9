//! Why a run is no certificate.

use files::{DecisionRule, Instrument};
use judge::requirement::Severity;
use judge::verdict::Outcome;
use proto::channel::Instrument as Meter;

use crate::certificate::Certificate;
use crate::finding::Weight;
use crate::gaps::Demand;
use crate::guard;
use crate::mark::Mark;
use crate::run::{Run, RunMeta, gaps_of};
use crate::words::amount;

/// What an instrument of the rig file said of itself in a run, where it was asked.
pub fn said<'r>(instrument: &Instrument, meta: &'r RunMeta) -> impl Iterator<Item = &'r str> {
    let what = instrument.what.clone();
    meta.instruments.iter().filter(move |(name, _)| *name == what).map(|(_, says)| says.as_str())
}

/// Why a run is no certificate, in words; nothing where it is one.
#[must_use]
pub fn obstacles(run: &Run) -> Vec<String> {
    let mut found = Vec::new();
    let meta = &run.meta;
    if meta.rig.simulated {
        let program =
            meta.program().map_or(String::new(), |says| format!("; the vendor's own program, {says}"));
        found.push(format!("the rig is simulated: no hardware was involved{program}"));
    }
    found.extend(meta.cut_off.iter().chain(&meta.doubts).cloned());
    let apart = meta.held.findings.iter().filter(|finding| finding.weight == Weight::Contradiction);
    found.extend(apart.map(|finding| format!("the evidence contradicts itself: {}", finding.what)));
    let Some(certificate) = &meta.certificate else {
        found.push("the run was not made to certify".to_owned());
        return found;
    };
    if !meta.rig.simulated {
        let unknown = certificate.facts.iter().filter(|fact| fact.value.is_empty());
        found.extend(unknown.map(|fact| format!("not said: {}", fact.what)));
        for (what, none) in [
            ("no instrument and its calibration", certificate.instruments.is_empty()),
            ("no uncertainty of what is measured", certificate.uncertainty.is_empty()),
        ] {
            if none {
                found.push(format!("the rig file says {what}"));
            }
        }
        found.extend(certificate.gaps.iter().cloned());
        // Silence is no proof: without them a simulated run would only have to be called another.
        for what in [Meter::Supply, Meter::Gx].map(Meter::words) {
            match meta.instruments.iter().filter(|(name, _)| name == what).count() {
                0 => found.push(format!("no {what} said in this run who it is")),
                1 => {}
                n => found.push(format!("{n} different answers to who the {what} is in this run")),
            }
        }
        for instrument in &certificate.instruments {
            for says in said(instrument, meta).filter(|says| !instrument.is(says)) {
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
    found.extend(guarded(run, certificate));
    found.extend(left_out(run));
    for case in &run.cases {
        // Whatever another attempt at it came to: the certificate never shows only the last.
        let word = match case.outcome {
            Outcome::Pass => continue,
            Outcome::Inconclusive if !case.tried => "was",
            Outcome::Fail => "failed:",
            Outcome::Inconclusive => "is undecided:",
            Outcome::NotApplicable => "judged nothing that must hold:",
        };
        found.push(format!("{} {word} {}", case.name(), case.reason));
    }
    let untried = gaps_of([run], Demand::Certificate).open;
    for requirement in run.requirements(Mark::Inconclusive) {
        let told = untried.iter().any(|(open, _)| open.id == requirement.id);
        if requirement.severity == Severity::Must && !told {
            found.push(format!("{} is undecided", requirement.id));
        }
    }
    found
}

/// What nobody looked at: cases that have no result, and what certification demands and no case tried.
fn left_out(run: &Run) -> Vec<String> {
    let gaps = gaps_of([run], Demand::Certificate);
    let cases: Vec<&str> = gaps.left_out.iter().map(String::as_str).collect();
    let musts: Vec<&str> = gaps.open.iter().map(|(requirement, _)| requirement.id).collect();
    let altered = gaps.altered.iter().map(|(name, what)| format!("{name} is not as in this version: {what}"));
    [("not among the results", cases), ("judged by no case", musts)]
        .into_iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(what, names)| format!("{what}: {}", names.join(", ")))
        .chain(altered)
        .collect()
}

/// What the guard band asks for: a stated uncertainty of each figure, which is not more than the widest band. A figure
/// that is too near to its limit, or beyond it, is told with its case.
fn guarded(run: &Run, certificate: &Certificate) -> Vec<String> {
    if certificate.rule != DecisionRule::GuardBand {
        return Vec::new();
    }
    let mut found = Vec::new();
    for figure in guard::figures(run, certificate) {
        let name = figure.threshold.name;
        let said = match figure.stated {
            None => format!("the rule has a guard band, and the rig file no uncertainty of {name}"),
            Some(stated) if figure.is_too_uncertain() => format!(
                "{name} is known to {} only, which is more than a tenth of its limit of {} in {}: measure it better",
                stated.expanded,
                amount(figure.measure.limit, figure.threshold.unit),
                figure.case.name()
            ),
            Some(_) => continue,
        };
        if !found.contains(&said) {
            found.push(said);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::{Fact, Uncertainty};
    use crate::run::CaseResult;
    use judge::verdict::Verdict;
    use rstest::rstest;

    fn attempt(n: usize, outcome: Outcome) -> CaseResult {
        let requirement = judge::catalogue::find("CVL-04").expect("a must of the catalogue");
        CaseResult {
            attempt: n,
            outcome,
            reason: "the GX was away".to_owned(),
            verdicts: vec![Verdict { requirement, outcome, reason: "seen".to_owned(), evidence: Vec::new() }],
            ..CaseResult::named("feed-in", "load-steps")
        }
    }

    fn run(cases: Vec<CaseResult>) -> Run {
        let instrument =
            Instrument { what: "supply".to_owned(), serial: "42".to_owned(), ..Instrument::default() };
        let certificate = Certificate {
            facts: vec![Fact { what: "Customer", value: "ACME".to_owned(), told: None }],
            instruments: vec![instrument],
            uncertainty: vec![Uncertainty {
                figure: "export-ripple".to_owned(),
                amount: 0.5,
                ..Uncertainty::default()
            }],
            ..Certificate::default()
        };
        let instruments = [("supply", "serial number 42"), ("GX", "serial number HQ1")];
        let instruments = instruments.map(|(what, says)| (what.to_owned(), says.to_owned())).to_vec();
        Run { meta: RunMeta { certificate: Some(certificate), instruments, ..RunMeta::default() }, cases }
    }

    /// Without what no case of these few decides.
    fn of_the_cases(run: &Run) -> Vec<String> {
        obstacles(run).into_iter().filter(|why| !why.starts_with("judged by no case")).collect()
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
        let found = of_the_cases(&run);
        assert_eq!(found.len(), against, "{found:?}");
        let said = crate::bundle::statement::statement(&run, "", &[]).to_string();
        if outcomes.len() > 1 {
            assert!(found[0].starts_with("feed-in/load-steps is undecided: the GX was away"), "{found:?}");
            assert!(said.contains("\"undecided\":[\"feed-in/load-steps\""), "{said}");
        }
    }

    #[rstest]
    #[case::itself("EA PSI 9200-70, serial number 42, V3.02", "", 0)]
    #[case::another("EA PSI 9200-70, serial number 17, V3.02", "", 1)]
    #[case::one_of_more_digits("EA PSI 9200-70, serial number 4217, V3.02", "", 1)]
    #[case::built_from_no_commit("serial number 42", "0123-dirty", 1)]
    fn what_took_part_is_what_the_rig_file_says(
        #[case] says: &str,
        #[case] commit: &str,
        #[case] against: usize,
    ) {
        let mut run = run(vec![attempt(1, Outcome::Pass)]);
        run.meta.instruments[0].1 = says.to_owned();
        run.meta.commit = commit.to_owned();
        assert_eq!(of_the_cases(&run).len(), against, "{:?}", obstacles(&run));
    }

    #[test]
    fn who_says_nothing_is_not_there() {
        let mut run = run(vec![attempt(1, Outcome::Pass)]);
        run.meta.instruments.clear();
        assert_eq!(
            of_the_cases(&run),
            ["no supply said in this run who it is", "no GX said in this run who it is"]
        );
        assert!(
            !Instrument::default().is("serial number 77"),
            "an empty serial number is that of no instrument"
        );
    }

    /// A figure against a limit of 10 %, with the band that its uncertainty makes.
    #[rstest]
    #[case::as_measured(DecisionRule::SimpleAcceptance, "BEH-FI", 9.8, 0.0, Outcome::Pass, "pass", 0)]
    #[case::within_the_band(
        DecisionRule::GuardBand,
        "BEH-FI",
        9.8,
        0.5,
        Outcome::Inconclusive,
        "undecided",
        2
    )]
    #[case::outside(DecisionRule::GuardBand, "BEH-FI", 9.4, 0.5, Outcome::Pass, "pass", 0)]
    #[case::what_only_should_hold(
        DecisionRule::GuardBand,
        "CVL-09",
        9.8,
        0.5,
        Outcome::Inconclusive,
        "undecided",
        1
    )]
    #[case::beyond_within_the_band(
        DecisionRule::GuardBand,
        "BEH-FI",
        10.2,
        0.5,
        Outcome::Inconclusive,
        "undecided",
        2
    )]
    #[case::failed(DecisionRule::GuardBand, "BEH-FI", 12.0, 0.5, Outcome::Fail, "fail", 1)]
    #[case::measured_too_badly(DecisionRule::GuardBand, "BEH-FI", 9.4, 0.2, Outcome::Pass, "pass", 1)]
    fn a_figure_near_its_limit_refuses_a_certificate(
        #[case] rule: DecisionRule,
        #[case] id: &str,
        #[case] value: f64,
        #[case] band: f64,
        #[case] outcome: Outcome,
        #[case] statement: &str,
        #[case] against: usize,
    ) {
        let mut case = attempt(1, outcome);
        let mut evidence = judge::verdict::Evidence::fact("M8 spread of the export", "");
        evidence.measure =
            Some(judge::verdict::Measure { threshold: "export-ripple", value, limit: 10.0, band });
        case.verdicts[0].requirement = judge::catalogue::find(id).expect("of the catalogue");
        case.verdicts[0].evidence = vec![evidence];
        let mut run = run(vec![case]);
        let certificate = run.meta.certificate.as_mut().expect("there");
        certificate.rule = rule;
        let certificate = certificate.clone();
        let said: Vec<&str> = guard::figures(&run, &certificate).iter().map(|f| f.statement()).collect();
        assert_eq!(said, [statement]);
        assert_eq!(of_the_cases(&run).len(), against, "{:?}", obstacles(&run));

        // Without an uncertainty there is no guard band, and so no certificate under that rule.
        run.meta.certificate.as_mut().expect("there").uncertainty[0].figure = "gap".to_owned();
        let missing = obstacles(&run).iter().any(|why| why.contains("no uncertainty of export-ripple"));
        assert_eq!(missing, rule == DecisionRule::GuardBand);
    }
}
