//! The page of the morning: what changed overnight comes first.

mod lists;

use std::collections::BTreeSet;
use std::fmt::{self, Write};

use super::escape::{Esc, unbroken};
use super::{STYLE, count, open, shape};
use crate::history::changes::{Change, Past, Turn, changes, firmware_before, latest};
use crate::history::drift::{Drift, by_figure, drifts, drifts_from};
use crate::history::night::{NightCase, Standing};
use crate::history::shift::{Shift, shifts};
use evidence::run::gaps_of;
use evidence::run::{Run, RunMeta};

const OWN: &str = include_str!("morning.css");

/// A night and what is known of the nights before.
#[derive(Debug, Clone, Copy)]
pub struct Morning<'a> {
    /// name of its folder
    pub name: &'a str,
    /// its tries, each with the way from the page to its folder, such as `../../all-reference-seed1-001`
    pub runs: &'a [(&'a Run, String)],
    /// its cases, of [`crate::history::night::cases`]
    pub cases: &'a [NightCase<'a>],
    /// the nights before on the same rig with the same battery, the oldest first
    pub before: &'a [Past],
    /// this night, as history keeps it
    pub now: &'a Past,
    /// only some cases were asked for: that the others were not tried is no news
    pub partial: bool,
    /// the input files that changed since the last night, of [`evidence::inputs::changed`]
    pub inputs: &'a [(String, String, String)],
}

/// Tonight against the last firmware that was another one: what the last nights do not tell already.
#[derive(Debug, Clone)]
pub struct Against {
    /// that firmware
    pub firmware: String,
    /// when it was tried last (RFC 3339)
    pub started: String,
    /// cases that changed; none are told where that firmware was tried in the last night
    pub changes: Option<Vec<(Change, String)>>,
    /// figures that moved
    pub drifts: Vec<Drift>,
}

impl Morning<'_> {
    pub(crate) fn meta(&self) -> Option<&RunMeta> {
        self.runs.first().map(|(run, _)| &run.meta)
    }

    /// What changed since each case was last tried.
    #[must_use]
    pub fn changes(&self) -> Vec<(Change, String)> {
        let mut changed = latest(self.before).map_or_else(Vec::new, |before| changes(&before, self.now));
        changed.retain(|(change, _)| !(self.partial && *change == Change::Gone));
        changed
    }

    /// The figures that moved.
    #[must_use]
    pub fn drifts(&self) -> Vec<Drift> {
        drifts(self.before, self.now)
    }

    /// Cases that pass as they did when they were last tried, with the figures that lost a third of their room or have it again.
    #[must_use]
    pub fn shifts(&self) -> Vec<(String, Shift)> {
        latest(self.before).map_or_else(Vec::new, |before| shifts(&before, self.now))
    }

    /// What changed since the battery last said another firmware. Nothing where it never did, or where what changed since
    /// the last nights is all there is.
    #[must_use]
    pub fn against_firmware(&self) -> Option<Against> {
        let other = firmware_before(self.before, self.now)?;
        let told = self.drifts();
        let mut drifts = drifts_from(self.before, self.now, &other.firmware);
        drifts.retain(|new| !told.iter().any(|old| (&old.case, &old.name) == (&new.case, &new.name)));
        let last_night = self.before.last().is_some_and(|before| before.firmware == other.firmware);
        let changes = (!last_night).then(|| {
            let mut changed = changes(&other, self.now);
            changed.retain(|(change, _)| !(self.partial && *change == Change::Gone));
            changed
        });
        if last_night && drifts.is_empty() {
            return None;
        }
        Some(Against { firmware: other.firmware, started: other.started, changes, drifts })
    }

    /// What was demanded of the night and not tried, in at most three lines.
    #[must_use]
    pub fn gaps(&self) -> Vec<String> {
        let demand = self.meta().map(|meta| meta.demand).unwrap_or_default();
        gaps_of(self.runs.iter().map(|(run, _)| *run), demand).lines()
    }

    /// The verdict in a sentence.
    #[must_use]
    pub fn lead(&self) -> String {
        let of = |standing| self.cases.iter().filter(|case| case.standing == standing).count();
        let ran = self.cases.len() - of(Standing::NotApplicable) - of(Standing::NotTried);
        let mut text = format!("{} of {} passed", of(Standing::Pass), count(ran, "case", "cases"));
        for (standing, words) in [
            (Standing::Fail, "failed"),
            (Standing::Inconclusive, "undecided after two tries"),
            (Standing::Flaky, "flaky: passed only when repeated"),
        ] {
            match of(standing) {
                0 => {}
                n => write!(text, ", {n} {words}").expect("a String takes every write"),
            }
        }
        text.push('.');
        match self.before.last() {
            None => text.push_str(" The first night of this battery on this rig: nothing to compare with."),
            Some(before) => {
                let changes = self.changes();
                let mut told: Vec<String> = Change::ALL
                    .into_iter()
                    .map(|(change, words)| {
                        (changes.iter().filter(|(other, _)| *other == change).count(), words)
                    })
                    .filter(|(many, _)| *many > 0)
                    .map(|(many, words)| format!("{many} {}", words.to_lowercase()))
                    .collect();
                let drifts = self.drifts();
                if !drifts.is_empty() {
                    let cases: BTreeSet<&String> = drifts.iter().map(|drift| &drift.case).collect();
                    let figures = count(by_figure(&drifts).len(), "figure", "figures");
                    told.push(format!("{figures} moved in {}", count(cases.len(), "case", "cases")));
                }
                let less = self.shifts().iter().filter(|(_, shift)| shift.turn() == Turn::Worse).count();
                if less > 0 {
                    told.push(format!(
                        "{} lost a third of the room to the limit",
                        count(less, "figure", "figures")
                    ));
                }
                let since = since(&before.started, &self.now.started);
                let told = match told.is_empty() {
                    true => format!(" Nothing changed since the night of {since}."),
                    false => format!(" Since the night of {since}: {}.", told.join(", ")),
                };
                text.push_str(&told);
            }
        }
        text
    }

    /// What is otherwise than in the last night before any case was run, as (what, before, tonight): the battery's firmware,
    /// and what its file and that of the rig say.
    #[must_use]
    pub fn changed_before(&self) -> Vec<(String, String, String)> {
        let shown = |text: &str| if text.is_empty() { "not said".to_owned() } else { text.to_owned() };
        let firmware = self.before.last().filter(|before| before.firmware != self.now.firmware);
        let firmware = firmware
            .map(|before| ("Firmware".to_owned(), shown(&before.firmware), shown(&self.now.firmware)));
        firmware.into_iter().chain(self.inputs.iter().cloned()).collect()
    }

    /// The cases that are told as changed; in a first night all that are not right. Each with how it stood.
    #[must_use]
    pub fn told(&self) -> Vec<Told> {
        let before = latest(self.before);
        let changes = match &before {
            Some(_) => self.changes(),
            None => self.cases.iter().filter_map(|case| Some((first(case.standing)?, case.name()))).collect(),
        };
        let told = |(change, case): (Change, String)| {
            let standing = |past: &Past| past.cases.get(&case).map(|known| known.0);
            let (then, now) = (before.as_ref().and_then(standing), standing(self.now));
            Told { change, turn: Turn::of(then, now), then, now, case }
        };
        changes.into_iter().map(told).collect()
    }
}

/// A case that is told as changed.
#[derive(Debug, Clone)]
pub struct Told {
    /// how it changed
    pub change: Change,
    /// for better or worse
    pub turn: Turn,
    /// how it stood when it was last tried
    pub then: Option<Standing>,
    /// how it stands
    pub now: Option<Standing>,
    /// `suite/case`
    pub case: String,
}

impl Told {
    /// `pass → fail`
    #[must_use]
    pub fn step(&self) -> String {
        let word = |standing: Option<Standing>| standing.map_or("not tried", Standing::word);
        format!("{} → {}", word(self.then), word(self.now))
    }
}

/// What a standing is in a first night, where it is told.
fn first(standing: Standing) -> Option<Change> {
    match standing {
        Standing::Fail => Some(Change::NewlyFailing),
        Standing::Inconclusive => Some(Change::NewlyUndecided),
        Standing::Flaky => Some(Change::Flaky),
        Standing::Pass | Standing::NotApplicable | Standing::NotTried => None,
    }
}

/// The whole page.
#[must_use]
pub fn morning(night: &Morning<'_>) -> String {
    let mut out = String::with_capacity(1 << 17);
    page(&mut out, night).expect("a String takes every write");
    out
}

fn page(out: &mut String, night: &Morning<'_>) -> fmt::Result {
    let Some(meta) = night.meta() else { return Ok(()) };
    let style = format!("{STYLE}{OWN}");
    let title = format!("Night of {}: {}", day(&night.now.started), meta.title);
    open(out, &style, &format!("{}: {title}", night.now.standing))?;
    write!(
        out,
        "<a class=skip href=\"#verdict\">Skip to the verdict</a><main><header><p class=kicker><span>Busbar morning report</span>\
         <span>{}</span></p><h1>{}</h1>",
        Esc(night.name),
        unbroken(&title)
    )?;
    if meta.rig.simulated {
        out.push_str("<p class=simulated><strong>Simulated rig</strong> No hardware was involved.</p>");
    }
    let standing = night.now.standing;
    write!(
        out,
        "</header><section id=verdict class=\"verdict {}\" aria-label=Verdict>{}<div><p class=big>{}</p><p class=lead>{}</p></div></section>",
        standing.mark().class(),
        shape(standing.mark()),
        title_case(standing),
        Esc(night.lead())
    )?;
    for line in night.gaps() {
        write!(out, "<p class=simulated>{}</p>", Esc(line))?;
    }
    lists::changed_before(out, night)?;
    lists::changed(out, night)?;
    lists::moved(out, night)?;
    lists::rooms(out, night)?;
    lists::against_firmware(out, night)?;
    lists::all(out, night)?;
    lists::runs(out, night)?;
    writeln!(out, "<p class=end>End of report {}</p></main></body></html>", Esc(night.name))
}

fn title_case(standing: Standing) -> &'static str {
    match standing {
        Standing::Flaky => "Flaky",
        Standing::NotTried => "Not tried",
        other => other.mark().word(),
    }
}

/// The date of a moment before another, with its time where both are of one day.
fn since(started: &str, now: &str) -> String {
    match started.get(11..16) {
        Some(time) if day(started) == day(now) => format!("{} {time}", day(started)),
        _ => day(started).to_owned(),
    }
}

/// The date of a moment.
pub(crate) fn day(started: &str) -> &str {
    started.get(..10).unwrap_or(started)
}
