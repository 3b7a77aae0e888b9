//! `verdicts.json`: the conclusions of a run for other programs, schema `busbar-verdicts/1`.
//!
//! The file is the same to the byte for every run of the same seed, suites, battery and harness: it holds
//! no time of day, no folder and no duration of the wall clock. Times are whole microseconds, `began`
//! since the start of the run, those of evidence since the start of their case. Within a schema version
//! fields are only ever added.
//!
//! ```json
//! { "schema": "busbar-verdicts/1", "outcome": "fail",
//!   "cases": [ { "suite": "feed-in", "case": "load-steps", "outcome": "fail", "began": 0, "length": 13281000000,
//!     "verdicts": [ { "requirement": "CVL-04", "severity": "must", "outcome": "fail", "reason": "…",
//!       "evidence": [ { "what": "M3 reversals", "from": 0, "to": 5400000000, "value": "31 /h", "limit": "≤ 20 /h" } ] } ] } ],
//!   "requirements": [ { "id": "CVL-04", "standing": "fail" } ] }
//! ```
//!
//! A run that did not try everything says so before its cases: `not_tried` has requirements that must hold and are `open`,
//! those that the rig file names (`not_here`), and `cases`, each with the reason. Such a case has `"tried": false`.
//!
//! `cause` is there where something failed: the requirement that is told first, `follows` what failed because of it and why,
//! `apart` what did not.
//!
//! `law` says how CVL is set, as far as the traces tell: a diagnosis that decides nothing (`docs/diagnosis.md`).
//!
//! `outside` says what of the battery lies outside of what the verdicts were proven on.
//!
//! `outcome` is one of `pass`, `fail`, `inconclusive`, `not-applicable`; `severity` one of `must`, `should`,
//! `information`; `standing` of a requirement over all cases one of `pass`, `fail`, `warning`, `inconclusive`,
//! `note`, `not-applicable`, `not-judged`.

mod law;

use judge::requirement::Requirement;
use judge::root::{Consequence, Root};
use judge::verdict::{Evidence, Measure, Verdict};
use proto::quantity::Micros;
use serde::Serialize;

use evidence::gaps::Gaps;
use evidence::mark::Mark;
use evidence::run::{CaseResult, Run, severity};

/// Name and version of the format.
pub const SCHEMA: &str = "busbar-verdicts/1";

/// The whole file, ending in a line break.
#[must_use]
pub fn verdicts(run: &Run) -> String {
    let gaps = run.gaps();
    let mut text =
        serde_json::to_string_pretty(&file(run, &gaps)).expect("plain structs with text keys serialise");
    text.push('\n');
    proto::text::json(text)
}

#[derive(Serialize)]
struct File<'a> {
    schema: &'static str,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_tried: Option<NotTriedDto<'a>>,
    title: &'a str,
    seed: u64,
    harness: &'a str,
    rig: RigDto<'a>,
    battery: BatteryDto<'a>,
    suites: Vec<SuiteDto<'a>>,
    simulated: Micros,
    #[serde(skip_serializing_if = "Option::is_none")]
    cut_off: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outside: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    doubts: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<CauseDto>,
    #[serde(skip_serializing_if = "Option::is_none")]
    law: Option<law::LawDto>,
    cases: Vec<CaseDto<'a>>,
    requirements: Vec<RequirementDto>,
}

#[derive(Serialize)]
struct CauseDto {
    requirement: &'static str,
    severity: &'static str,
    sentence: String,
    cases: Vec<String>,
    follows: Vec<FollowsDto>,
    apart: Vec<&'static str>,
}

#[derive(Serialize)]
struct FollowsDto {
    requirement: &'static str,
    cases: usize,
    why: &'static str,
}

#[derive(Serialize)]
struct NotTriedDto<'a> {
    open: Vec<OpenDto<'a>>,
    not_here: Vec<OpenDto<'a>>,
    cases: Vec<UntriedDto<'a>>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    left_out: &'a [String],
}

#[derive(Serialize)]
struct OpenDto<'a> {
    requirement: &'static str,
    reason: &'a str,
}

#[derive(Serialize)]
struct UntriedDto<'a> {
    case: &'a str,
    reason: &'a str,
}

#[derive(Serialize)]
struct RigDto<'a> {
    name: &'a str,
    title: &'a str,
    simulated: bool,
    #[serde(skip_serializing_if = "str::is_empty")]
    last_resort: &'a str,
}

#[derive(Serialize)]
struct BatteryDto<'a> {
    name: &'a str,
    title: &'a str,
    identity: Vec<IdentityDto<'a>>,
}

#[derive(Serialize)]
struct IdentityDto<'a> {
    what: &'a str,
    value: &'a str,
}

#[derive(Serialize)]
struct SuiteDto<'a> {
    path: &'a str,
    sha256: &'a str,
}

#[derive(Serialize)]
struct CaseDto<'a> {
    suite: &'a str,
    case: &'a str,
    #[serde(skip_serializing_if = "is_first")]
    attempt: usize,
    #[serde(skip_serializing_if = "is_true")]
    tried: bool,
    title: &'a str,
    section: &'a str,
    outcome: &'static str,
    reason: &'a str,
    file: &'a str,
    line: u32,
    began: Micros,
    length: Micros,
    verdicts: Vec<VerdictDto<'a>>,
}

#[derive(Serialize)]
struct VerdictDto<'a> {
    requirement: &'static str,
    section: &'static str,
    severity: &'static str,
    outcome: &'static str,
    reason: &'a str,
    margin: Option<MarginDto>,
    evidence: Vec<EvidenceDto<'a>>,
}

#[derive(Serialize)]
struct MarginDto {
    threshold: &'static str,
    unit: &'static str,
    sense: &'static str,
    value: f64,
    limit: f64,
    margin: f64,
    room: f64,
    band: f64,
}

#[derive(Serialize)]
struct EvidenceDto<'a> {
    what: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Micros>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<Micros>,
    value: &'a str,
    limit: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
}

#[derive(Serialize)]
struct RequirementDto {
    id: &'static str,
    section: &'static str,
    severity: &'static str,
    standing: Mark,
}

fn file<'a>(run: &'a Run, gaps: &'a Gaps) -> File<'a> {
    let m = &run.meta;
    let open = |rows: &'a [(&'static Requirement, String)]| {
        rows.iter().map(|(requirement, reason)| OpenDto { requirement: requirement.id, reason }).collect()
    };
    File {
        schema: SCHEMA,
        outcome: run.outcome().name(),
        not_tried: (!gaps.lines().is_empty()).then(|| NotTriedDto {
            open: open(&gaps.open),
            not_here: open(&gaps.not_here),
            cases: gaps.not_tried.iter().map(|(case, reason)| UntriedDto { case, reason }).collect(),
            left_out: &gaps.left_out,
        }),
        title: &m.title,
        seed: m.seed,
        harness: &m.harness,
        rig: RigDto {
            name: &m.rig.name,
            title: &m.rig.title,
            simulated: m.rig.simulated,
            last_resort: &m.rig.last_resort,
        },
        battery: BatteryDto {
            name: &m.battery.name,
            title: &m.battery.title,
            identity: m.battery.identity.iter().map(|(what, value)| IdentityDto { what, value }).collect(),
        },
        suites: m.suites.iter().map(|s| SuiteDto { path: &s.path, sha256: &s.sha256 }).collect(),
        simulated: run.simulated(),
        cut_off: m.cut_off.as_deref(),
        outside: m.outside.as_deref(),
        doubts: &m.doubts,
        cause: run.root().map(|root| cause(run, &root)),
        law: law::law(&m.law),
        cases: run.cases.iter().map(case).collect(),
        requirements: run
            .matrix()
            .map(|(r, mark)| RequirementDto {
                id: r.id,
                section: r.section,
                severity: severity(r.severity),
                standing: mark,
            })
            .collect(),
    }
}

fn cause(run: &Run, root: &Root<'_>) -> CauseDto {
    let follows =
        |one: &Consequence| FollowsDto { requirement: one.requirement.id, cases: one.cases, why: one.why };
    CauseDto {
        requirement: root.requirement.id,
        severity: severity(root.requirement.severity),
        sentence: root.sentence().to_owned(),
        cases: root.seen.iter().map(|(at, _)| run.cases[*at].name()).collect(),
        follows: root.follows.iter().map(follows).collect(),
        apart: root.apart.iter().map(|row| row.id).collect(),
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_first(attempt: &usize) -> bool {
    *attempt <= 1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_true(tried: &bool) -> bool {
    *tried
}

fn case(c: &CaseResult) -> CaseDto<'_> {
    CaseDto {
        suite: &c.suite,
        case: &c.case,
        attempt: c.attempt,
        tried: c.tried,
        title: &c.title,
        section: &c.section,
        outcome: c.outcome.name(),
        reason: &c.reason,
        file: &c.file,
        line: c.line,
        began: c.began,
        length: c.length,
        verdicts: c.verdicts.iter().map(verdict).collect(),
    }
}

fn verdict(v: &Verdict) -> VerdictDto<'_> {
    VerdictDto {
        requirement: v.requirement.id,
        section: v.requirement.section,
        severity: severity(v.requirement.severity),
        outcome: v.outcome.name(),
        reason: &v.reason,
        margin: v.closest().and_then(|(_, measure)| margin(&measure)),
        evidence: v.evidence.iter().map(evidence).collect(),
    }
}

fn margin(measure: &Measure) -> Option<MarginDto> {
    let row = measure.row()?;
    Some(MarginDto {
        threshold: row.name,
        unit: row.unit,
        sense: row.sense.name(),
        value: measure.value,
        limit: measure.limit,
        margin: measure.margin(),
        room: measure.room(),
        band: measure.band,
    })
}

fn evidence(e: &Evidence) -> EvidenceDto<'_> {
    EvidenceDto {
        what: &e.what,
        from: e.at.map(|w| w.0),
        to: e.at.map(|w| w.1),
        value: &e.value,
        limit: &e.limit,
        line: e.line,
    }
}
