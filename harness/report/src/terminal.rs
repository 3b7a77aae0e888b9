//! The verdict table on the terminal.

use std::fmt::{self, Write};

use judge::requirement::Requirement;
use judge::verdict::{Outcome, Verdict};
use proto::quantity::Micros;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use evidence::mark::Mark;
use evidence::run::{CaseResult, Closest, Run, severity};
use evidence::text::plain;
use evidence::words;

use crate::causes::{Cause, Early, all_tried, by_it, causes, counted, early, told_first};

/// How the table is set.
#[derive(Debug, Clone, Copy)]
pub struct Style<'a> {
    /// columns of the terminal; lines are wrapped or cut to it, but never below 60
    pub width: usize,
    /// whether ANSI colours may be used
    pub colour: bool,
    /// path of the report, to link and to end with
    pub report: Option<&'a str>,
    /// the command that runs a case of this run again, but for the name of the case
    pub again: Option<&'a str>,
}

/// Reasons for which cases ended early that are told in full; those of the others stand with their cases.
const REASONS: usize = 3;

/// Columns before the text of a finding.
const INDENT: usize = 8;

/// Requirements that hold, but are told with how close they came to their limits.
pub(crate) const CLOSEST: usize = 3;

/// Lines in which the law of CVL is told.
const LINES: usize = 3;

/// Cases that are told in full for one requirement; the others are named.
const TOLD: usize = 2;

/// The table. What decides comes first: the verdict, what does not hold with its cause, what was not tried; then a line for
/// each case, how every requirement stands, and the verdict once more, where a terminal ends.
#[must_use]
pub fn table(run: &Run, style: &Style<'_>) -> String {
    let mut out = String::new();
    let (report, again) = (style.report, style.again);
    let mut table = Table {
        out: &mut out,
        width: style.width.max(60),
        colour: style.colour,
        marks: marks(run),
        report,
        again,
    };
    table.all(run).expect("a String takes every write");
    out
}

struct Table<'o> {
    out: &'o mut String,
    width: usize,
    colour: bool,
    /// columns of the outcomes
    marks: usize,
    report: Option<&'o str>,
    again: Option<&'o str>,
}

impl Table<'_> {
    fn all(&mut self, run: &Run) -> fmt::Result {
        // Where nothing failed, what was not tried decides.
        let failed = !run.requirements(Mark::Fail).is_empty();
        self.head(run, !failed)?;
        if failed {
            self.root(run)?;
        }
        self.findings(run, Mark::Fail)?;
        if failed && self.not_tried(run)? {
            writeln!(self.out)?;
        }
        self.early(run)?;
        self.findings(run, Mark::Inconclusive)?;
        if !failed {
            self.root(run)?;
        }
        self.findings(run, Mark::Warning)?;
        self.closest(run)?;
        if !law_failed(run) && !run.meta.law.sentences().is_empty() {
            self.law(run, 0)?;
            writeln!(self.out)?;
        }
        self.cases(run)?;
        self.matrix(run)?;
        self.totals(run)?;
        write!(self.out, "Verdict: ")?;
        let mark = Mark::of_whole(run.outcome());
        self.coloured(mark, &mark.word().to_uppercase())?;
        writeln!(self.out)?;
        if let Some(path) = self.report {
            // Not cut: a path is there to be copied.
            writeln!(self.out, "Report: {}", plain(path))?;
        }
        Ok(())
    }

    /// The verdict, of what on what, and what whoever relies on it must know.
    fn head(&mut self, run: &Run, with_gaps: bool) -> fmt::Result {
        let meta = &run.meta;
        let mark = Mark::of_whole(run.outcome());
        self.coloured(mark, &mark.word().to_uppercase())?;
        let simulated = if meta.rig.simulated { " (simulated)" } else { "" };
        let seed = if meta.rig.simulated { format!(", seed {}", meta.seed) } else { String::new() };
        let head = format!("{} on {}{simulated}{seed}", meta.battery.title, meta.rig.title);
        writeln!(self.out)?;
        // Of a run that did not fail it is one of the warnings.
        if let Some(root) = told_first(run).filter(|_| mark == Mark::Fail) {
            self.wrapped(&format!("Cause: {}", root.told()), 0)?;
        }
        if with_gaps {
            self.not_tried(run)?;
        }
        self.wrapped(&head, 0)?;
        self.totals(run)?;
        if !meta.merged.is_empty() {
            self.wrapped(&format!("Put together from {}", meta.merged.join(", ")), 0)?;
        }
        for why in meta.cut_off.iter().chain(&meta.doubts).chain(&meta.outside) {
            self.wrapped(why, 0)?;
        }
        writeln!(self.out)
    }

    /// What was not tried, neither wrapped nor cut; says whether there was anything.
    fn not_tried(&mut self, run: &Run) -> Result<bool, fmt::Error> {
        let lines = run.gaps().lines();
        for line in &lines {
            self.coloured(Mark::Inconclusive, &plain(line))?;
            writeln!(self.out)?;
        }
        Ok(!lines.is_empty())
    }

    /// Why cases ended early, each reason once, with what nothing decides for it.
    fn early(&mut self, run: &Run) -> fmt::Result {
        let mark = Mark::Inconclusive;
        let all = early(run);
        let (told, more) = all.split_at(all.len().min(REASONS));
        for Early { reason, cases, whole, undecided } in told {
            self.marked(mark, reason)?;
            let none = if *whole { ", of which nothing is decided" } else { "" };
            self.wrapped(&(among(run, cases) + none), INDENT)?;
            if !undecided.is_empty() {
                let ids: Vec<&str> = undecided.iter().map(|r| r.id).collect();
                self.wrapped(&format!("{}: {}", by_it(mark), ids.join(", ")), INDENT)?;
            }
            self.again(cases[0])?;
            writeln!(self.out)?;
        }
        if !more.is_empty() {
            let names: Vec<String> =
                more.iter().flat_map(|early| &early.cases).map(|case| case.name()).collect();
            self.marked(mark, &format!("ended early too, each with its reason below: {}", names.join(", ")))?;
            writeln!(self.out)?;
        }
        Ok(())
    }

    /// Words behind a mark.
    fn marked(&mut self, mark: Mark, text: &str) -> fmt::Result {
        self.coloured(mark, mark.short())?;
        write!(self.out, "  ")?;
        self.wrapped_from(text, mark.short().width() + 2, INDENT)
    }

    /// The command that repeats a case. Not cut: it is there to be copied.
    fn again(&mut self, case: &CaseResult) -> fmt::Result {
        let Some(again) = self.again else { return Ok(()) };
        let name = format!("{}/{}", case.suite, case.case);
        writeln!(self.out, "{:INDENT$}again: {} {}", "", plain(again), plain(&name))
    }

    /// A line for each case; cases that were not tried, did not begin or did not apply for one reason are one line.
    fn cases(&mut self, run: &Run) -> fmt::Result {
        // A name is cut only where the line is too short for it: two names may differ at their ends.
        let room = self.width.saturating_sub(self.marks + 12);
        let names = run.cases.iter().map(|case| plain(&case.name()).width());
        let longest = names.max().unwrap_or(0).min(room);
        for (at, case) in run.cases.iter().enumerate() {
            if !is_left_out(case) {
                self.case(case, longest)?;
                continue;
            }
            let alike = |other: &&CaseResult| is_left_out(other) && other.reason == case.reason;
            if !run.cases[..at].iter().any(|before| alike(&before)) {
                let all: Vec<String> = run.cases.iter().filter(alike).map(CaseResult::name).collect();
                self.mark(case.mark())?;
                write!(self.out, "  ")?;
                let text = format!("{}: {}", all.join(", "), case.reason);
                self.wrapped_from(&text, self.marks + 2, INDENT)?;
            }
        }
        writeln!(self.out)
    }

    fn case(&mut self, case: &CaseResult, longest: usize) -> fmt::Result {
        self.mark(case.mark())?;
        let time = if case.length == Micros::ZERO { String::new() } else { words::clock(case.length) };
        let name = cut(&plain(&case.name()), longest);
        let mut line = format!("  {name}{:pad$}  {time:>8}", "", pad = longest - name.width());
        let remark = remark(case);
        let room = self.width.saturating_sub(self.marks + line.width() + 2);
        // Why a case was not decided is what a person at the bench must know, whole.
        let told = case.outcome == Outcome::Inconclusive && remark.width() > room;
        let beside = room >= 24 && !told;
        if beside {
            write!(line, "  {}", cut(&remark, room))?;
        }
        writeln!(self.out, "{}", line.trim_end())?;
        if !beside && !remark.is_empty() {
            self.wrapped(&remark, INDENT)?;
        }
        Ok(())
    }

    /// The cause that is told first, with what follows from it and why.
    fn root(&mut self, run: &Run) -> fmt::Result {
        let Some(root) = told_first(run) else { return Ok(()) };
        let mark = run.standing(root.requirement);
        let seen: Vec<_> = root.seen.iter().map(|(at, verdict)| (&run.cases[*at], *verdict)).collect();
        self.named(mark, root.requirement)?;
        self.seen(&seen)?;
        for (why, rows) in root.reasons() {
            self.wrapped(&format!("follows: {}: {why}", counted(&rows)), INDENT)?;
        }
        if law_failed(run) {
            self.law(run, INDENT)?;
        }
        self.what_to_do(mark, root.requirement, &seen)
    }

    /// How CVL is set, as far as the traces tell, in at most three lines: sentences that still fit, and always one.
    fn law(&mut self, run: &Run, indent: usize) -> fmt::Result {
        let mut left = LINES;
        for (n, sentence) in run.meta.law.sentences().iter().enumerate() {
            let mut text = String::new();
            let mut lines = Table { out: &mut text, report: None, again: None, ..*self };
            lines.wrapped(&format!("law: {sentence}"), indent)?;
            let needed = text.lines().count();
            if needed <= left || n == 0 {
                self.out.push_str(&text);
                left = left.saturating_sub(needed);
            }
        }
        Ok(())
    }

    /// What else stands so, each cause once, with what to change and how to see it again.
    fn findings(&mut self, run: &Run, mark: Mark) -> fmt::Result {
        for Cause { first, seen, others } in causes(run, mark) {
            self.named(mark, first)?;
            self.seen(&seen)?;
            if !others.is_empty() {
                let ids: Vec<&str> = others.iter().map(|r| r.id).collect();
                self.wrapped(&format!("also {}: {}", by_it(mark), ids.join(", ")), INDENT)?;
            }
            self.what_to_do(mark, first, &seen)?;
        }
        Ok(())
    }

    /// A requirement, by how it stands.
    fn named(&mut self, mark: Mark, requirement: &Requirement) -> fmt::Result {
        self.coloured(mark, mark.short())?;
        let Requirement { id, section, .. } = requirement;
        writeln!(self.out, "  {id}  {}  {section}", severity(requirement.severity))
    }

    /// Where it is so and why: the first cases in full, the others by name.
    fn seen(&mut self, seen: &[(&CaseResult, &Verdict)]) -> fmt::Result {
        let (told, more) = seen.split_at(seen.len().min(TOLD));
        for (case, verdict) in told {
            self.wrapped(&format!("{}: {}", case.name(), verdict.reason), INDENT)?;
            if let Some(e) = verdict.evidence.first() {
                self.wrapped(&words::evidence(e), INDENT + 2)?;
            }
        }
        if !more.is_empty() {
            let names: Vec<String> = more.iter().map(|(case, _)| case.name()).collect();
            self.wrapped(&format!("and in {}", names.join(", ")), INDENT)?;
        }
        Ok(())
    }

    /// What to change, how to see it again, where more stands.
    fn what_to_do(
        &mut self,
        mark: Mark,
        requirement: &Requirement,
        seen: &[(&CaseResult, &Verdict)],
    ) -> fmt::Result {
        if let Some(remedy) = requirement.remedy.filter(|_| mark != Mark::Inconclusive) {
            self.wrapped(&format!("change: {remedy}"), INDENT)?;
        }
        if let Some((case, _)) = seen.iter().find(|(case, _)| case.tried && mark != Mark::Warning) {
            self.again(case)?;
        }
        if let Some(path) = self.report.filter(|_| mark == Mark::Fail) {
            writeln!(self.out, "{:INDENT$}see: {}#r-{}", "", plain(path), requirement.id)?;
        }
        writeln!(self.out)
    }

    /// Of what holds, what came closest to its limit.
    fn closest(&mut self, run: &Run) -> fmt::Result {
        let closest = run.closest_passes();
        if closest.is_empty() {
            return Ok(());
        }
        writeln!(self.out, "Closest to its limit, of what holds:")?;
        for Closest { requirement, case, evidence, .. } in closest.iter().take(CLOSEST) {
            write!(self.out, "  {}  ", requirement.id)?;
            let text = format!("{}: {}", case.name(), words::evidence(evidence));
            self.wrapped_from(&text, requirement.id.width() + 4, INDENT)?;
        }
        writeln!(self.out)
    }

    /// Every requirement of the catalogue with its standing, a line for each family.
    fn matrix(&mut self, run: &Run) -> fmt::Result {
        let shown: Vec<_> = run.matrix().collect();
        let seen = |mark: &Mark| shown.iter().any(|(_, m)| m == mark);
        let legend = Mark::ALL.into_iter().filter(seen);
        let legend = legend.map(|mark| (mark, format!("{} {}", mark.symbol(), mark.word().to_lowercase())));
        self.listed("Requirements:", 15, legend)?;
        for family in shown.chunk_by(|(a, _), (b, _)| split(a.id).0 == split(b.id).0) {
            let Some((first, _)) = family.first() else { continue };
            let standing =
                family.iter().map(|(r, mark)| (*mark, format!("{}{}", mark.symbol(), split(r.id).1)));
            self.listed(&format!("  {}", split(first.id).0), 7, standing)?;
        }
        writeln!(self.out)
    }

    /// Coloured items behind a heading, set line by line, each line indented.
    fn listed(
        &mut self,
        heading: &str,
        indent: usize,
        items: impl Iterator<Item = (Mark, String)>,
    ) -> fmt::Result {
        write!(self.out, "{heading:<indent$}")?;
        let mut column = indent;
        for (mark, item) in items {
            let gap = usize::from(column > indent);
            if column + gap + item.width() > self.width {
                write!(self.out, "\n{:indent$}", "")?;
                column = indent;
            } else {
                write!(self.out, "{:gap$}", "")?;
                column += gap;
            }
            self.coloured(mark, &item)?;
            column += item.width();
        }
        writeln!(self.out)
    }

    fn totals(&mut self, run: &Run) -> fmt::Result {
        let counts = [
            (Outcome::Pass, "passed"),
            (Outcome::Fail, "failed"),
            (Outcome::Inconclusive, "inconclusive"),
            (Outcome::NotApplicable, "not applicable"),
        ];
        let counted: Vec<String> = counts
            .iter()
            .filter(|(o, _)| run.count(*o) > 0)
            .map(|(o, word)| format!("{} {word}", run.count(*o)))
            .collect();
        let counted = match run.not_tried() {
            0 => counted,
            n => [counted, vec![format!("{n} not tried")]].concat(),
        };
        let cases = match run.cases.len() {
            0 => "no case ran".to_owned(),
            1 => format!("1 case: {}", counted.join(", ")),
            n => format!("{n} cases: {}", counted.join(", ")),
        };
        let warnings = run.requirements(Mark::Warning).len();
        let warned = match warnings {
            0 => String::new(),
            1 => "; 1 warning".to_owned(),
            n => format!("; {n} warnings"),
        };
        let kind = if run.meta.rig.simulated { "simulated" } else { "on the rig" };
        let took = run.meta.took.map_or(String::new(), |t| format!(" in {}", words::wall(t)));
        self.wrapped(&format!("{cases}{warned}; {} {kind}{took}", words::span(run.simulated())), 0)
    }

    /// In colour where allowed: the word carries the meaning.
    fn mark(&mut self, mark: Mark) -> fmt::Result {
        self.coloured(mark, &format!("{:<1$}", mark.short(), self.marks))
    }

    fn coloured(&mut self, mark: Mark, text: &str) -> fmt::Result {
        self.out.write_str(&mark.paint(text, self.colour))
    }

    /// Words set line by line, each line indented.
    fn wrapped(&mut self, text: &str, indent: usize) -> fmt::Result {
        write!(self.out, "{:indent$}", "")?;
        self.wrapped_from(text, indent, indent)
    }

    /// The same behind what stands on the first line already, to this column.
    fn wrapped_from(&mut self, text: &str, used: usize, indent: usize) -> fmt::Result {
        let (mut column, mut begins) = (used, true);
        for word in plain(text).split_whitespace() {
            let word = cut(word, self.width - indent);
            if !begins && column + 1 + word.width() > self.width {
                write!(self.out, "\n{:indent$}", "")?;
                (column, begins) = (indent, true);
            }
            let gap = usize::from(!begins);
            write!(self.out, "{:gap$}{word}", "")?;
            column += gap + word.width();
            begins = false;
        }
        writeln!(self.out)
    }
}

/// Whether the law of CVL stands behind what failed.
fn law_failed(run: &Run) -> bool {
    let failed = |mark: Mark| run.requirements(mark).iter().any(|row| row.id.starts_with("CVL-"));
    told_first(run).is_some() && (failed(Mark::Fail) || failed(Mark::Warning))
}

/// `CVL-05` as its family and its number.
fn split(id: &str) -> (&str, &str) {
    id.split_once('-').unwrap_or((id, ""))
}

/// Width of the widest outcome that is shown.
fn marks(run: &Run) -> usize {
    let verdicts = run.cases.iter().flat_map(|c| c.verdicts.iter().map(Mark::of));
    run.cases
        .iter()
        .map(CaseResult::mark)
        .chain(verdicts)
        .map(|m| m.short().width())
        .max()
        .unwrap_or(4)
        .max(4)
}

/// Whether there is nothing to tell of a case but why.
fn is_left_out(case: &CaseResult) -> bool {
    let begun = case.length > Micros::ZERO || case.ended_early().is_none();
    !case.tried || !begun || case.outcome == Outcome::NotApplicable
}

/// Which cases these are of those that were tried.
fn among(run: &Run, cases: &[&CaseResult]) -> String {
    if all_tried(run, cases) {
        return format!("in all {} cases", cases.len());
    }
    let names: Vec<String> = cases.iter().map(|case| case.name()).collect();
    format!("in {}", names.join(", "))
}

/// What stands beside a case: why it is not a pass, or that it warns.
fn remark(case: &CaseResult) -> String {
    match (case.outcome, case.warnings().count()) {
        (Outcome::Pass, 0) => String::new(),
        (Outcome::Pass, 1) => "1 warning".to_owned(),
        (Outcome::Pass, n) => format!("{n} warnings"),
        _ => plain(&case.reason).into_owned(),
    }
}

/// The text in at most so many columns, with an ellipsis where something was left out.
fn cut(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let (mut out, mut used) = (String::new(), 0);
    for c in text.chars() {
        let width = c.width().unwrap_or(0);
        if used + width + 1 > columns {
            break;
        }
        used += width;
        out.push(c);
    }
    out.push('…');
    out
}
