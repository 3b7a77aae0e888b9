//! `events.jsonl`: what the harness did and noted, one JSON object a line, in the order it happened.
//!
//! Every line has `at` (microseconds since the start of the run) and `kind`. Between `case-start` and
//! `case-end` the lines belong to that case; a case without its `case-end` was cut off.

use judge::trace::{Event, EventKind};
use proto::fault::Fault;
use proto::quantity::Micros;
use proto::stimulus::Stimulus;
use serde_json::{Map, Value, json};

use crate::run::CaseResult;

/// The line of an event, with its line break. `began` is when its case began, since the start of the run.
#[must_use]
pub fn line(began: Micros, event: &Event) -> String {
    let mut fields = match &event.kind {
        EventKind::Step { line, text } => json!({ "kind": "step", "line": line, "text": text }),
        EventKind::Mark(name) => json!({ "kind": "mark", "name": name }),
        EventKind::Stimulus(s) => stimulus(s),
        EventKind::Wait(w) => json!({
            "kind": "wait", "line": w.line, "until": w.until, "began": absolute(began, w.began),
            "met": w.met, "seen": w.seen, "allowed": w.allowed, "requirement": w.requirement,
        }),
        EventKind::Interlock { what, value, limit } => {
            json!({ "kind": "interlock", "what": what, "value": value, "limit": limit })
        }
        EventKind::DriverFault(what) => json!({ "kind": "driver-fault", "what": what }),
        EventKind::Completed => json!({ "kind": "completed" }),
        EventKind::Aborted(why) => json!({ "kind": "aborted", "reason": why }),
    };
    timed(absolute(began, event.at), &mut fields)
}

/// The line that opens a case.
#[must_use]
pub fn case_start(began: Micros, suite: &str, case: &str) -> String {
    timed(began, &mut json!({ "kind": "case-start", "suite": suite, "case": case }))
}

/// The line that closes a case.
#[must_use]
pub fn case_end(case: &CaseResult) -> String {
    let outcome = crate::json::outcome(case.outcome);
    let mut fields = json!({ "kind": "case-end", "suite": case.suite, "case": case.case,
        "outcome": outcome, "reason": case.reason });
    timed(absolute(case.began, case.length), &mut fields)
}

fn absolute(began: Micros, at: Micros) -> Micros {
    Micros(began.0.saturating_add(at.0))
}

fn timed(at: Micros, fields: &mut Value) -> String {
    let mut object = Map::new();
    object.insert("at".to_owned(), at.0.into());
    if let Some(fields) = fields.as_object_mut() {
        object.append(fields);
    }
    format!("{}\n", Value::Object(object))
}

fn stimulus(s: &Stimulus) -> Value {
    let mut v = match *s {
        Stimulus::Pv(w) => json!({ "change": "pv", "watts": w.0 }),
        Stimulus::AcPv(w) => json!({ "change": "ac-pv", "watts": w.0 }),
        Stimulus::AcLoad(w) => json!({ "change": "ac-load", "watts": w.0 }),
        Stimulus::Grid(on) => json!({ "change": "grid", "on": on }),
        Stimulus::InputCurrentLimit(a) => json!({ "change": "input-current-limit", "amps": a.0 }),
        Stimulus::FeedIn(on) => json!({ "change": "feed-in", "on": on }),
        Stimulus::Silence { id, span } => json!({ "change": "silence", "id": id, "for": span }),
        Stimulus::Inject(Fault { kind, span }) => {
            let mut fault = json!({ "change": "fault", "fault": kind.name(), "for": span });
            for (name, value) in kind.arguments() {
                fault[name] = value.into();
            }
            fault
        }
        Stimulus::Imbalance(p) => json!({ "change": "imbalance", "percent": p.0 }),
        Stimulus::GxWrite { register, value } => {
            json!({ "change": "gx-write", "register": register, "value": value })
        }
    };
    v["kind"] = "stimulus".into();
    v
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::quantity::Watts;

    #[test]
    fn a_line_is_one_object_with_run_time() {
        let event = Event { at: Micros(250), kind: EventKind::Stimulus(Stimulus::Pv(Watts(4000.0))) };
        let text = line(Micros(1_000_000), &event);
        let back: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(back, json!({"at": 1_000_250, "kind": "stimulus", "change": "pv", "watts": 4000.0}));
        assert_eq!(text.matches('\n').count(), 1);
    }

    #[test]
    fn line_breaks_in_texts_stay_inside_the_line() {
        let event = Event { at: Micros(0), kind: EventKind::DriverFault("psu:\n\u{1b}[31m\0".to_owned()) };
        let text = line(Micros(0), &event);
        assert_eq!(text.matches('\n').count(), 1);
        assert!(!text.contains('\u{1b}'));
    }
}
