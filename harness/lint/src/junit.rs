//! `--format junit`: one test suite per log, one test case per requirement. A must that fails (with `--strict` a
//! warning too) is a failure, a must that stays undecided an error, because somebody has to look; what does not apply
//! and what is undecided without weight is skipped with its reason.

use evidence::mark::Mark;
use evidence::text::plain;
use evidence::words::evidence;
use judge::requirement::Severity;
use judge::verdict::{Outcome, Verdict};
use proto::quantity::Micros;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use crate::judged::{Conditions, Judged};
use crate::text::{name, proofs};

/// How a verdict counts for CI.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Case {
    Passed,
    Failure,
    Error,
    Skipped,
}

impl Case {
    fn of(verdict: &Verdict, strict: bool) -> Self {
        match (Mark::of(verdict), verdict.requirement.severity) {
            (Mark::Fail, _) => Self::Failure,
            (Mark::Warning, _) if strict => Self::Failure,
            (Mark::Inconclusive, Severity::Must) => Self::Error,
            (Mark::Inconclusive | Mark::NotApplicable, _) => Self::Skipped,
            // A warning without --strict and a note pass, with their reason beside them.
            _ => Self::Passed,
        }
    }
}

/// The whole file.
pub fn file(all: &[Judged], unread: &[(String, String)], conditions: &Conditions<'_>) -> String {
    let mut w = Writer::new_with_indent(Vec::new(), b' ', 2);
    write(&mut w, all, unread, conditions.strict).expect("a Vec takes every write");
    let mut text = String::from_utf8(w.into_inner()).expect("only text was written");
    text.push('\n');
    text
}

type Out = Writer<Vec<u8>>;

fn write(w: &mut Out, all: &[Judged], unread: &[(String, String)], strict: bool) -> std::io::Result<()> {
    w.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let mut root = BytesStart::new("testsuites");
    attribute(&mut root, "name", "busbar lint");
    w.write_event(Event::Start(root))?;
    for judged in all {
        suite(w, judged, strict)?;
    }
    for (log, message) in unread {
        let mut start = BytesStart::new("testsuite");
        attribute(&mut start, "name", log);
        for (key, value) in [("tests", "1"), ("failures", "0"), ("errors", "1"), ("skipped", "0")] {
            attribute(&mut start, key, value);
        }
        w.write_event(Event::Start(start))?;
        case(w, log, "the log can be read", None, &[("error", message.as_str(), "unreadable")], "")?;
        w.write_event(Event::End(BytesEnd::new("testsuite")))?;
    }
    w.write_event(Event::End(BytesEnd::new("testsuites")))
}

fn suite(w: &mut Out, judged: &Judged, strict: bool) -> std::io::Result<()> {
    let name = name(judged);
    let count = |case| judged.verdicts.iter().filter(|v| Case::of(v, strict) == case).count();
    let nobody = judged.verdicts.is_empty();
    let mut start = BytesStart::new("testsuite");
    attribute(&mut start, "name", &name);
    attribute(&mut start, "tests", &(judged.verdicts.len() + usize::from(nobody)).to_string());
    attribute(&mut start, "failures", &count(Case::Failure).to_string());
    attribute(&mut start, "errors", &(count(Case::Error) + usize::from(nobody)).to_string());
    attribute(&mut start, "skipped", &count(Case::Skipped).to_string());
    let length = if judged.is_timed() { judged.length } else { Micros::ZERO };
    attribute(&mut start, "time", &format!("{:.6}", length.secs()));
    w.write_event(Event::Start(start))?;
    if nobody {
        case(w, &name, "a battery is heard", None, &[("error", &judged.headline, "inconclusive")], "")?;
    }
    for verdict in &judged.verdicts {
        let row = verdict.requirement;
        let found: Vec<(&str, &str, &str)> = match Case::of(verdict, strict) {
            Case::Passed => Vec::new(),
            Case::Failure => vec![("failure", &verdict.reason, "fail")],
            Case::Error => vec![("error", &verdict.reason, "inconclusive")],
            Case::Skipped => vec![("skipped", &verdict.reason, "")],
        };
        let mut shown = String::new();
        if verdict.outcome == Outcome::Fail {
            let lines = core::iter::once(format!("{} ({}): {}", row.id, row.section, verdict.reason));
            let proofs = proofs(verdict).into_iter().map(|e| match e.frame {
                Some(frame) => format!("    {}: {frame}", evidence(e)),
                None => format!("    {}", evidence(e)),
            });
            shown = lines.chain(proofs).map(|line| plain(&line).into_owned()).collect::<Vec<_>>().join("\n");
        }
        let line = proofs(verdict).first().and_then(|e| e.line);
        case(w, &name, &format!("{} {}", row.id, row.title), line, &found, &shown)?;
    }
    w.write_event(Event::End(BytesEnd::new("testsuite")))
}

/// One test case; `found` is a tag, its message and its type.
fn case(
    w: &mut Out,
    log: &str,
    name: &str,
    line: Option<u64>,
    found: &[(&str, &str, &str)],
    shown: &str,
) -> std::io::Result<()> {
    let mut start = BytesStart::new("testcase");
    attribute(&mut start, "classname", log);
    attribute(&mut start, "name", name);
    attribute(&mut start, "file", log);
    if let Some(line) = line {
        attribute(&mut start, "line", &line.to_string());
    }
    w.write_event(Event::Start(start))?;
    for (tag, message, kind) in found {
        let mut problem = BytesStart::new(*tag);
        attribute(&mut problem, "message", message);
        if !kind.is_empty() {
            attribute(&mut problem, "type", kind);
        }
        w.write_event(Event::Start(problem))?;
        if *tag == "failure" {
            w.write_event(Event::Text(BytesText::new(shown)))?;
        }
        w.write_event(Event::End(BytesEnd::new(*tag)))?;
    }
    if found.is_empty() && !shown.is_empty() {
        w.write_event(Event::Start(BytesStart::new("system-out")))?;
        w.write_event(Event::Text(BytesText::new(shown)))?;
        w.write_event(Event::End(BytesEnd::new("system-out")))?;
    }
    w.write_event(Event::End(BytesEnd::new("testcase")))
}

fn attribute(tag: &mut BytesStart<'_>, name: &str, value: &str) {
    tag.push_attribute((name, plain(value).as_ref()));
}
