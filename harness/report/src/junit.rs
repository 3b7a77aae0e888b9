//! `junit.xml` for CI: one test case per case, one test suite per suite.
//!
//! A failed case is a failure, an inconclusive one an error (nothing was decided, somebody has to look), one that was not
//! tried or does not apply is skipped with its reason. What must hold and was not tried stands before all of them, each
//! requirement an error, or skipped where the rig file names it. Times are those of the rig, so that a recorded run gives the
//! same bytes again; a file that is asked for while the run goes on ([`timed`]) has those of the wall, and the rig's beside them.

use std::collections::BTreeMap;
use std::time::Duration;

use judge::verdict::{Outcome, Verdict};
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use evidence::gaps::Gaps;
use evidence::mark::Mark;
use evidence::run::{CaseResult, Run};
use evidence::text::plain;
use evidence::words::{amount, evidence, room};

use crate::causes::told_first;

/// The whole file.
#[must_use]
pub fn junit(run: &Run) -> String {
    file(run, &Took::new())
}

/// What each case took on the clock of the wall, by its suite and its name.
pub type Took = BTreeMap<(String, String), Duration>;

/// The whole file with the times of the wall; each case has that of the rig as its property `simulated-time`.
#[must_use]
pub fn timed(run: &Run, took: &Took) -> String {
    file(run, took)
}

fn file(run: &Run, took: &Took) -> String {
    let mut w = Writer::new_with_indent(Vec::new(), b' ', 2);
    write(&mut w, run, took).expect("a Vec takes every write");
    let mut text = String::from_utf8(w.into_inner()).expect("only text was written");
    text.push('\n');
    text
}

type Out = Writer<Vec<u8>>;

fn write(w: &mut Out, run: &Run, took: &Took) -> std::io::Result<()> {
    w.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let mut root = BytesStart::new("testsuites");
    let all: Vec<&CaseResult> = run.cases.iter().collect();
    attribute(&mut root, "name", &run.meta.title);
    let gaps = run.gaps();
    counts(&mut root, &all, &gaps, took);
    w.write_event(Event::Start(root))?;
    open(w, &gaps)?;
    let mut names: Vec<&str> = Vec::new();
    for case in &run.cases {
        if !names.contains(&case.suite.as_str()) {
            names.push(&case.suite);
        }
    }
    for name in names {
        let cases: Vec<&CaseResult> = run.cases.iter().filter(|c| c.suite == name).collect();
        suite(w, run, name, &cases, took)?;
    }
    w.write_event(Event::End(BytesEnd::new("testsuites")))
}

fn suite(w: &mut Out, run: &Run, name: &str, cases: &[&CaseResult], took: &Took) -> std::io::Result<()> {
    let mut start = BytesStart::new("testsuite");
    attribute(&mut start, "name", name);
    counts(&mut start, cases, &Gaps::default(), took);
    w.write_event(Event::Start(start))?;
    w.write_event(Event::Start(BytesStart::new("properties")))?;
    let seed = run.meta.seed.to_string();
    let facts: [(&str, &str); 4] = [
        ("battery", &run.meta.battery.name),
        ("rig", &run.meta.rig.name),
        ("seed", &seed),
        ("harness", &run.meta.harness),
    ];
    for (name, value) in facts {
        property(w, name, value)?;
    }
    if let Some(root) = told_first(run) {
        property(w, "cause", &root.told())?;
    }
    w.write_event(Event::End(BytesEnd::new("properties")))?;
    for case in cases {
        testcase(w, case, took)?;
    }
    w.write_event(Event::End(BytesEnd::new("testsuite")))
}

fn property(w: &mut Out, name: &str, value: &str) -> std::io::Result<()> {
    let mut p = BytesStart::new("property");
    attribute(&mut p, "name", name);
    attribute(&mut p, "value", value);
    w.write_event(Event::Empty(p))
}

/// What a case took on the clock of the wall, where it is known.
fn wall(case: &CaseResult, took: &Took) -> Option<u64> {
    let took = took.get(&(case.suite.clone(), case.attempted()))?;
    u64::try_from(took.as_micros()).ok()
}

/// What must hold and was not tried, as a suite of its own.
fn open(w: &mut Out, gaps: &Gaps) -> std::io::Result<()> {
    let lines = gaps.lines();
    if lines.is_empty() {
        return Ok(());
    }
    let mut start = BytesStart::new("testsuite");
    attribute(&mut start, "name", "not tried");
    counts(&mut start, &[], gaps, &Took::new());
    w.write_event(Event::Start(start))?;
    let open = gaps.open.iter().map(|row| ("error", row));
    for (tag, (requirement, why)) in open.chain(gaps.not_here.iter().map(|row| ("skipped", row))) {
        let mut start = BytesStart::new("testcase");
        attribute(&mut start, "classname", "not tried");
        attribute(&mut start, "name", requirement.id);
        attribute(&mut start, "time", &seconds(0));
        w.write_event(Event::Start(start))?;
        let mut problem = BytesStart::new(tag);
        attribute(&mut problem, "message", why);
        w.write_event(Event::Empty(problem))?;
        w.write_event(Event::End(BytesEnd::new("testcase")))?;
    }
    w.write_event(Event::Start(BytesStart::new("system-out")))?;
    text(w, &lines.join("\n"))?;
    w.write_event(Event::End(BytesEnd::new("system-out")))?;
    w.write_event(Event::End(BytesEnd::new("testsuite")))
}

fn testcase(w: &mut Out, case: &CaseResult, took: &Took) -> std::io::Result<()> {
    let mut start = BytesStart::new("testcase");
    attribute(&mut start, "classname", &case.suite);
    attribute(&mut start, "name", &case.attempted());
    attribute(&mut start, "file", &case.file);
    attribute(&mut start, "line", &case.line.to_string());
    let wall = wall(case, took);
    attribute(&mut start, "time", &seconds(wall.unwrap_or(case.length.0)));
    w.write_event(Event::Start(start))?;
    let margins: Vec<(String, String)> = case.verdicts.iter().filter_map(margin).collect();
    if wall.is_some() || !margins.is_empty() {
        w.write_event(Event::Start(BytesStart::new("properties")))?;
        if wall.is_some() {
            property(w, "simulated-time", &seconds(case.length.0))?;
        }
        for (name, value) in &margins {
            property(w, name, value)?;
        }
        w.write_event(Event::End(BytesEnd::new("properties")))?;
    }
    let (tag, marks): (_, &[Mark]) = match case.outcome {
        Outcome::Pass => (None, &[]),
        Outcome::Fail => (Some("failure"), &[Mark::Fail]),
        Outcome::Inconclusive if !case.tried => (Some("skipped"), &[]),
        Outcome::Inconclusive => (Some("error"), &[Mark::Fail, Mark::Inconclusive]),
        Outcome::NotApplicable => (Some("skipped"), &[]),
    };
    if let Some(tag) = tag {
        let mut problem = BytesStart::new(tag);
        attribute(&mut problem, "message", &case.reason);
        if tag != "skipped" {
            attribute(&mut problem, "type", case.outcome.name());
        }
        w.write_event(Event::Start(problem))?;
        text(w, &findings(case, marks))?;
        w.write_event(Event::End(BytesEnd::new(tag)))?;
    }
    let warnings = findings(case, &[Mark::Warning]);
    if !warnings.is_empty() {
        w.write_event(Event::Start(BytesStart::new("system-out")))?;
        text(w, &warnings)?;
        w.write_event(Event::End(BytesEnd::new("system-out")))?;
    }
    w.write_event(Event::End(BytesEnd::new("testcase")))
}

/// How close a verdict was, as a property of its case: `margin:CVL-04` with the signed margin and its share of the limit.
fn margin(verdict: &Verdict) -> Option<(String, String)> {
    let (_, measure) = verdict.closest()?;
    let margin = amount(measure.margin(), measure.row()?.unit);
    Some((format!("margin:{}", verdict.requirement.id), format!("{margin}, {}", room(&measure))))
}

/// One line per requirement with one of these marks, its evidence indented below.
fn findings(case: &CaseResult, marks: &[Mark]) -> String {
    let mut out = String::new();
    for v in case.verdicts.iter().filter(|v| marks.contains(&Mark::of(v))) {
        out.push_str(&format!(
            "{} {} ({}): {}\n",
            Mark::of(v).short(),
            v.requirement.id,
            v.requirement.section,
            plain(&v.reason)
        ));
        for e in &v.evidence {
            out.push_str(&format!("    {}\n", plain(&evidence(e))));
        }
    }
    out
}

fn counts(tag: &mut BytesStart<'_>, cases: &[&CaseResult], gaps: &Gaps, took: &Took) {
    let n = |outcome| cases.iter().filter(|c| c.tried && c.outcome == outcome).count();
    let skipped = n(Outcome::NotApplicable) + cases.iter().filter(|c| !c.tried).count();
    let (open, not_here) = (gaps.open.len(), gaps.not_here.len());
    attribute(tag, "tests", &(cases.len() + open + not_here).to_string());
    attribute(tag, "failures", &n(Outcome::Fail).to_string());
    attribute(tag, "errors", &(n(Outcome::Inconclusive) + open).to_string());
    attribute(tag, "skipped", &(skipped + not_here).to_string());
    let times = cases.iter().map(|case| wall(case, took).unwrap_or(case.length.0));
    attribute(tag, "time", &seconds(times.fold(0, u64::saturating_add)));
}

fn seconds(us: u64) -> String {
    format!("{}.{:06}", us / 1_000_000, us % 1_000_000)
}

fn attribute(tag: &mut BytesStart<'_>, name: &str, value: &str) {
    tag.push_attribute((name, plain(value).as_ref()));
}

fn text(w: &mut Out, text: &str) -> std::io::Result<()> {
    if text.is_empty() { Ok(()) } else { w.write_event(Event::Text(BytesText::new(text))) }
}
