//! The verdict table on the terminal.

use std::fmt::{self, Write};

use judge::verdict::Outcome;
use proto::quantity::Micros;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use evidence::mark::Mark;
use evidence::run::{CaseResult, Run, severity};
use evidence::text::plain;
use evidence::words;

/// How the table is set.
#[derive(Debug, Clone, Copy)]
pub struct Style<'a> {
    /// columns of the terminal; lines are wrapped or cut to it, but never below 60
    pub width: usize,
    /// whether ANSI colours may be used
    pub colour: bool,
    /// path of the report, to end with
    pub report: Option<&'a str>,
}

/// Columns before the text of a finding.
const INDENT: usize = 8;

/// Cases that are told in full for one requirement; the others are named.
const TOLD: usize = 2;

/// The table: a line for each case, the requirements that do not hold with their first evidence, totals.
#[must_use]
pub fn table(run: &Run, style: &Style<'_>) -> String {
    let mut out = String::new();
    let mut table =
        Table { out: &mut out, width: style.width.max(60), colour: style.colour, marks: marks(run) };
    table.all(run, style.report).expect("a String takes every write");
    out
}

struct Table<'o> {
    out: &'o mut String,
    width: usize,
    colour: bool,
    /// columns of the outcomes
    marks: usize,
}

impl Table<'_> {
    fn all(&mut self, run: &Run, report: Option<&str>) -> fmt::Result {
        // Neither wrapped nor cut: what was not tried comes first, and whole.
        for line in run.gaps().lines() {
            self.coloured(Mark::Inconclusive, &plain(&line))?;
            writeln!(self.out)?;
        }
        let meta = &run.meta;
        let simulated = if meta.rig.simulated { " (simulated)" } else { "" };
        let head = format!("{} on {}{simulated}, seed {}", meta.battery.title, meta.rig.title, meta.seed);
        self.wrapped(&head, 0)?;
        writeln!(self.out)?;
        let cut = self.cases(run)?;
        for mark in [Mark::Fail, Mark::Warning, Mark::Inconclusive] {
            self.findings(run, mark)?;
        }
        if cut {
            self.left_out(run)?;
        }
        self.matrix(run)?;
        self.totals(run)?;
        if let Some(path) = report {
            // Not cut: a path is there to be copied.
            writeln!(self.out, "Report: {}", plain(path))?;
        }
        Ok(())
    }

    /// A line for each case; says whether the reason of one that was not tried or did not apply was cut.
    fn cases(&mut self, run: &Run) -> Result<bool, fmt::Error> {
        let mut any_cut = false;
        let names: Vec<String> = run.cases.iter().map(|c| plain(&c.name()).into_owned()).collect();
        // A name is cut only where the line is too short for it: two names may differ at their ends.
        let room = self.width.saturating_sub(self.marks + 12);
        let longest = names.iter().map(|n| n.width()).max().unwrap_or(0).min(room);
        for (case, name) in run.cases.iter().zip(&names) {
            self.mark(case.mark())?;
            let time = if case.length == Micros::ZERO { String::new() } else { words::clock(case.length) };
            let name = cut(name, longest);
            let mut line = format!("  {name}{:pad$}  {time:>8}", "", pad = longest - name.width());
            let remark = remark(case);
            let room = self.width.saturating_sub(self.marks + line.width() + 2);
            // Why a case was not decided is what a person at the bench must know, whole.
            let told = case.tried && case.outcome == Outcome::Inconclusive && remark.width() > room;
            let beside = room >= 24 && !told;
            if beside {
                any_cut |= (!case.tried || case.outcome == Outcome::NotApplicable) && remark.width() > room;
                write!(line, "  {}", cut(&remark, room))?;
            }
            writeln!(self.out, "{}", line.trim_end())?;
            if !beside && !remark.is_empty() {
                self.wrapped(&remark, INDENT)?;
            }
        }
        writeln!(self.out)?;
        Ok(any_cut)
    }

    fn findings(&mut self, run: &Run, mark: Mark) -> fmt::Result {
        for requirement in run.requirements(mark) {
            self.coloured(mark, mark.short())?;
            writeln!(
                self.out,
                "  {}  {}  {}",
                requirement.id,
                severity(requirement.severity),
                requirement.section
            )?;
            let found: Vec<_> = run.verdicts_on(requirement).filter(|(_, v)| Mark::of(v) == mark).collect();
            let (told, others) = found.split_at(found.len().min(TOLD));
            for (case, verdict) in told {
                self.wrapped(&format!("{}: {}", case.name(), verdict.reason), INDENT)?;
                if let Some(e) = verdict.evidence.first() {
                    self.wrapped(&words::evidence(e), INDENT + 2)?;
                }
            }
            if !others.is_empty() {
                let names: Vec<String> = others.iter().map(|(case, _)| case.name()).collect();
                self.wrapped(&format!("and in {}", names.join(", ")), INDENT)?;
            }
            writeln!(self.out)?;
        }
        Ok(())
    }

    /// Why cases were not tried or did not apply, each reason once and whole.
    fn left_out(&mut self, run: &Run) -> fmt::Result {
        let mut reasons: Vec<(Mark, &str, usize)> = Vec::new();
        for case in run.cases.iter().filter(|c| !c.tried || c.outcome == Outcome::NotApplicable) {
            match reasons.iter_mut().find(|(_, reason, _)| *reason == case.reason) {
                Some((_, _, count)) => *count += 1,
                None => reasons.push((case.mark(), &case.reason, 1)),
            }
        }
        for (mark, reason, count) in reasons {
            self.coloured(mark, mark.short())?;
            writeln!(self.out, "  {count} {}", if count == 1 { "case" } else { "cases" })?;
            self.wrapped(reason, INDENT)?;
            writeln!(self.out)?;
        }
        Ok(())
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
        self.wrapped(&format!("{cases}{warned}; {} {kind}{took}", words::span(run.simulated())), 0)?;
        for why in run.meta.cut_off.iter().chain(&run.meta.doubts).chain(&run.meta.outside) {
            self.wrapped(why, 0)?;
        }
        let mark = Mark::of_whole(run.outcome());
        write!(self.out, "Verdict: ")?;
        let word = mark.word().to_uppercase();
        self.coloured(mark, &word)?;
        writeln!(self.out)
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
        let room = self.width - indent;
        let mut column = 0;
        for word in plain(text).split_whitespace() {
            let word = cut(word, room);
            if column > 0 && column + 1 + word.width() > room {
                writeln!(self.out)?;
                column = 0;
            }
            if column == 0 {
                write!(self.out, "{:indent$}{word}", "")?;
                column = word.width();
            } else {
                write!(self.out, " {word}")?;
                column += 1 + word.width();
            }
        }
        writeln!(self.out)
    }
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
