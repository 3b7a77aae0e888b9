//! `--format json`, schema `busbar-lint/1`; documented in docs/lint-json.md. Keys are only ever added.

use evidence::mark::Mark;
use evidence::run::severity;
use judge::portrait::{Portrait, Support, says};
use judge::verdict::{Evidence, Outcome, Verdict};
use proto::chemistry::Chemistry;
use proto::log::TimeKind;
use serde_json::{Value, json};

use crate::Whole;
use crate::judged::{Conditions, Judged};

/// Name and version of the format.
const SCHEMA: &str = "busbar-lint/1";

/// The whole file, ending in a line break.
pub fn file(
    all: &[Judged],
    unread: &[(String, String)],
    conditions: &Conditions<'_>,
    whole: Whole,
) -> String {
    let value = json!({
        "schema": SCHEMA,
        "harness": env!("CARGO_PKG_VERSION"),
        "outcome": whole.word(),
        "exit": whole.code(),
        "strict": conditions.strict,
        "for_certification": conditions.certifying,
        "battery_file": conditions.battery.map(|b| &b.name),
        "cells": conditions.cells.map(|cells| json!({ "count": cells.count, "chemistry": cells.chemistry.map(Chemistry::name) })),
        "logs": all.iter().map(log).collect::<Vec<_>>(),
        "unreadable": unread.iter().map(|(log, message)| json!({ "log": log, "message": message })).collect::<Vec<_>>(),
    });
    proto::text::json(format!("{value:#}\n"))
}

fn log(judged: &Judged) -> Value {
    let report = &judged.report;
    json!({
        "log": judged.log,
        "interface": judged.interface,
        "outcome": judged.outcome.name(),
        "headline": judged.headline,
        "source": {
            "format": judged.format,
            "times": times(judged.times),
            "began": judged.is_timed().then_some(judged.began),
            "length": judged.is_timed().then_some(judged.length),
            "frames": judged.frames,
            "data": report.data,
            "remote": report.remote,
            "error": report.error,
            "fd": report.fd,
            "lost": report.lost,
            "problems": report.problems,
            "first_problem": judged.problem.as_ref().map(|(line, error)| json!({ "line": line, "message": error.to_string() })),
        },
        "verdicts": judged.verdicts.iter().map(|v| verdict(v, judged)).collect::<Vec<_>>(),
        "battery": battery(&judged.portrait),
        "next": { "command": judged.next.command, "why": judged.next.why },
        "remarks": judged.remarks.iter().chain(&judged.portrait.remarks).collect::<Vec<_>>(),
    })
}

const fn times(kind: TimeKind) -> &'static str {
    match kind {
        TimeKind::Absolute => "absolute",
        TimeKind::SinceStart => "since-start",
        TimeKind::Differences => "differences",
        TimeKind::Synthetic => "synthetic",
    }
}

fn verdict(v: &Verdict, judged: &Judged) -> Value {
    json!({
        "requirement": v.requirement.id,
        "title": v.requirement.title,
        "section": v.requirement.section,
        "severity": severity(v.requirement.severity),
        "outcome": v.outcome.name(),
        "standing": standing(v),
        "reason": v.reason,
        "evidence": v.evidence.iter().map(|e| evidence(e, judged)).collect::<Vec<_>>(),
    })
}

/// What the outcome weighs.
fn standing(v: &Verdict) -> &'static str {
    match Mark::of(v) {
        Mark::Fail => "fail",
        Mark::Warning => "warning",
        Mark::Note => "note",
        Mark::Inconclusive => "inconclusive",
        Mark::NotApplicable => "not-applicable",
        Mark::Pass | Mark::NotJudged => Outcome::Pass.name(),
    }
}

fn evidence(e: &Evidence, judged: &Judged) -> Value {
    let at = e.at.filter(|_| judged.is_timed());
    json!({
        "what": e.what,
        "value": e.value,
        "limit": e.limit,
        "from": at.map(|at| at.0),
        "to": at.map(|at| at.1),
        "line": e.line,
        "id": e.frame.map(|f| f.id().to_string()),
        "data": e.frame.map(|f| f.data().iter().map(|b| format!("{b:02X}")).collect::<String>()),
        "decoded": e.frame.map(|f| says(&f)),
    })
}

fn battery(portrait: &Portrait) -> Value {
    let support = |s: Support| match s {
        Support::Active => "active",
        Support::WasActive => "was-active",
        Support::Ok => "ok",
        Support::No => "not-supported",
        Support::Unknown => "not-sent",
    };
    json!({
        "name": portrait.name,
        "named_by": portrait.named_by,
        "identity": portrait.identity().iter().map(|(what, value)| json!({ "what": what, "value": value })).collect::<Vec<_>>(),
        "pages": portrait.pages.iter().map(|page| json!({
            "title": page.title,
            "rows": page.rows.iter().map(|row| json!({ "label": row.label, "values": row.values })).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "alarms": portrait.alarms.iter().map(|row| json!({
            "kind": row.kind.words(), "alarm": support(row.alarm), "warning": support(row.warning),
        })).collect::<Vec<_>>(),
        "messages": portrait.messages.iter().map(|row| json!({
            "id": format!("{:03X}", row.id),
            "title": row.title,
            "kind": row.kind.word(),
            "count": row.count,
            "period": row.period,
            "shortest_gap": row.gaps.map(|g| g.0),
            "longest_gap": row.gaps.map(|g| g.1),
            "histogram": row.histogram,
            "last": row.last,
        })).collect::<Vec<_>>(),
        "bus_load": portrait.load.map(|(least, most)| json!({ "least": least.0, "most": most.0 })),
    })
}
