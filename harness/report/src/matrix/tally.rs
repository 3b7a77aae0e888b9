//! What the cells come to: who was certified, who was caught and by what, how often the judge was wrong.

use std::collections::{BTreeMap, BTreeSet};

use judge::catalogue::requirements;
use judge::requirement::Requirement;
use serde::Serialize;

use super::bounds::Rates;
use super::cell::Cell;
use super::margin::{self, Margin};
use evidence::mark::Mark;

/// Name and version of `matrix.json`; within a version fields are only ever added.
pub const SCHEMA: &str = "busbar-matrix/1";

/// All cells together.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Tally {
    /// name and version of this format
    pub schema: &'static str,
    /// what was run: version of the harness, hashes of the program and of its files
    pub made_by: String,
    /// the rigs, in the order of their names
    pub rigs: Vec<String>,
    /// how many different seeds
    pub seeds: usize,
    /// cells that were run
    pub cells: usize,
    /// hours in the time of the rig
    pub simulated_hours: f64,
    /// batteries, those that must be certified first
    pub batteries: Vec<Battery>,
    /// faulty batteries that were not caught
    pub false_pass: Rates,
    /// compliant batteries that were refused
    pub false_fail: Rates,
    /// compliant batteries that were neither certified nor refused
    pub undecided: Rates,
    /// in how many cells the cause of a fault is told first
    pub causes: Causes,
    /// how far both kinds of battery stay from each threshold
    pub margins: Vec<Margin>,
}

/// How often the cause is told first, over the cells of faulty batteries that were found.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Causes {
    /// cells that were found
    pub of: usize,
    /// those in which what is told first is a requirement that the battery's file expects
    pub told: usize,
    /// those in which it is the one that the file names first
    pub first: usize,
    /// batteries in which another is told, with how often and which
    pub others: Vec<Other>,
}

/// A battery of which something else is told first than what its file expects.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Other {
    /// name of its file
    pub battery: String,
    /// what is told
    pub cause: String,
    /// in so many cells
    pub cells: usize,
}

impl Causes {
    fn of(cells: &[Cell]) -> Self {
        let mut sum = Self::default();
        let mut others: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for cell in cells.iter().filter(|cell| cell.is_faulty() && cell.found()) {
            sum.of += 1;
            sum.told += usize::from(cell.names_the_cause());
            sum.first += usize::from(cell.cause.as_ref() == cell.expected().first());
            if !cell.names_the_cause() {
                *others.entry((&cell.battery, cell.cause.as_deref().unwrap_or("nothing"))).or_default() += 1;
            }
        }
        let other = |((battery, cause), cells): ((&str, &str), usize)| Other {
            battery: battery.to_owned(),
            cause: cause.to_owned(),
            cells,
        };
        sum.others = others.into_iter().map(other).collect();
        sum
    }

    /// In how many of the cells, in per cent; all of none.
    #[must_use]
    pub fn share(&self) -> f64 {
        if self.of == 0 { 100.0 } else { 100.0 * self.told as f64 / self.of as f64 }
    }

    /// In words.
    #[must_use]
    pub fn words(&self) -> String {
        if self.of == 0 {
            return "no such cell".to_owned();
        }
        format!(
            "{} of {}: {:.1} %, {} of them by what the battery's file names first",
            self.told,
            counted(self.of, "cell"),
            self.share(),
            self.first
        )
    }
}

/// One battery over all rigs and seeds.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Battery {
    /// name of its file
    pub battery: String,
    /// requirements by which it must be found; an empty list where it must be certified, and nothing where no file of the
    /// project says what must become of it: it counts in no rate
    pub expect: Option<Vec<String>>,
    /// how it stands on each rig
    pub rigs: Vec<OnRig>,
    /// in how many cells each requirement passed, failed, or stayed open
    pub requirements: BTreeMap<String, Count>,
    /// cells that are not as they must be, with the reason
    pub wrong: Vec<Wrong>,
}

/// One battery on one rig.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct OnRig {
    /// name of the rig
    pub rig: String,
    /// seeds that were run
    pub seeds: usize,
    /// seeds on which all is as it must be: certified, or caught; where nothing must be, those on which it passed
    pub right: usize,
    /// seeds on which every expected requirement found it
    pub by_all: usize,
    /// seeds on which nothing failed, but something stayed open
    pub undecided: usize,
    /// by which expected requirement it was found on how many seeds
    pub found: BTreeMap<String, usize>,
}

/// In how many cells a requirement came out how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Count {
    /// held
    pub passed: usize,
    /// did not hold
    pub failed: usize,
    /// was not decided
    pub open: usize,
}

/// A cell that is not as it must be.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Wrong {
    /// which
    pub cell: String,
    /// what happened instead
    pub what: String,
    /// whether it is only undecided: a compliant battery that was neither certified nor refused
    pub undecided: bool,
}

impl Tally {
    /// Counts cells. Their order does not matter, and no cell may be there twice.
    #[must_use]
    pub fn of(cells: &[Cell], made_by: &str) -> Self {
        let names: BTreeSet<(bool, &str)> =
            cells.iter().map(|c| (!c.is_compliant(), c.battery.as_str())).collect();
        let rigs: BTreeSet<&str> = cells.iter().map(|c| c.rig.as_str()).collect();
        let seeds: BTreeSet<u64> = cells.iter().map(|c| c.seed).collect();
        let faulty = cells.iter().filter(|c| c.is_faulty()).map(|c| (c, !c.caught()));
        let compliant = |outcome: Mark| {
            Rates::of(cells.iter().filter(|c| c.is_compliant()).map(move |c| (c, c.outcome == outcome)))
        };
        Self {
            schema: SCHEMA,
            made_by: made_by.to_owned(),
            rigs: rigs.iter().map(|&rig| rig.to_owned()).collect(),
            seeds: seeds.len(),
            cells: cells.len(),
            // Whole seconds, so that the order of the cells cannot show in the last digit.
            simulated_hours: cells.iter().map(|c| c.simulated as u64).sum::<u64>() as f64 / 3600.0,
            batteries: names.iter().map(|(_, name)| battery(cells, name, &rigs)).collect(),
            false_pass: Rates::of(faulty),
            false_fail: compliant(Mark::Fail),
            undecided: compliant(Mark::Inconclusive),
            causes: Causes::of(cells),
            margins: margin::margins(cells),
        }
    }

    /// Batteries that must be certified, or those that must be caught.
    pub fn batteries(&self, compliant: bool) -> impl Iterator<Item = &Battery> {
        self.batteries
            .iter()
            .filter(move |b| b.expect.as_ref().is_some_and(|expect| expect.is_empty() == compliant))
    }

    /// Every cell that is not as it must be.
    pub fn wrong(&self) -> impl Iterator<Item = &Wrong> {
        self.batteries.iter().flat_map(|b| &b.wrong)
    }

    /// Requirements that some cell judged, in the order of the catalogue.
    pub fn requirements(&self) -> impl Iterator<Item = &'static Requirement> + '_ {
        requirements().filter(|r| self.batteries.iter().any(|b| b.requirements.contains_key(r.id)))
    }

    /// `failures caught 5/5, compliant certified 6/6, over 50 seeds x 2 rigs`: batteries count where all their cells do.
    #[must_use]
    pub fn summary(&self) -> String {
        let faulty: Vec<_> = self.batteries(false).collect();
        let compliant: Vec<_> = self.batteries(true).collect();
        let caught = faulty.iter().filter(|b| b.wrong.is_empty()).count();
        let refused = compliant.iter().filter(|b| b.wrong.iter().any(|w| !w.undecided)).count();
        let open = compliant.iter().filter(|b| b.wrong.iter().any(|w| w.undecided)).count();
        let open = if open == 0 { String::new() } else { format!(" (and {open} left undecided)") };
        format!(
            "failures caught {caught}/{}, compliant refused {refused}/{}{open} over {} x {}",
            faulty.len(),
            compliant.len(),
            counted(self.seeds, "seed"),
            counted(self.rigs.len(), "rig"),
        )
    }

    /// `matrix.json`, ending in a line break.
    #[must_use]
    pub fn json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("plain structs with text keys serialise");
        text.push('\n');
        proto::text::json(text)
    }
}

impl Battery {
    /// Whether it must be certified.
    #[must_use]
    pub fn is_compliant(&self) -> bool {
        self.expect.as_ref().is_some_and(Vec::is_empty)
    }

    /// The requirements by which it must be found.
    #[must_use]
    pub fn expected(&self) -> &[String] {
        self.expect.as_deref().unwrap_or_default()
    }
}

/// `1 seed`, `2 seeds`.
pub(crate) fn counted(n: usize, one: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") }
}

fn battery(cells: &[Cell], name: &str, rigs: &BTreeSet<&str>) -> Battery {
    let mut own: Vec<&Cell> = cells.iter().filter(|c| c.battery == name).collect();
    own.sort_by(|a, b| (&a.rig, a.seed).cmp(&(&b.rig, b.seed)));
    let mut requirements: BTreeMap<String, Count> = BTreeMap::new();
    for cell in &own {
        for id in &cell.passed {
            requirements.entry(id.clone()).or_default().passed += 1;
        }
        for id in &cell.failed {
            requirements.entry(id.clone()).or_default().failed += 1;
        }
        for id in &cell.open {
            requirements.entry(id.clone()).or_default().open += 1;
        }
    }
    Battery {
        battery: name.to_owned(),
        expect: own.first().and_then(|c| c.expect.clone()),
        rigs: rigs.iter().map(|rig| on_rig(rig, &own)).filter(|r| r.seeds > 0).collect(),
        requirements,
        wrong: own.iter().filter(|c| !c.is_right()).map(|c| wrong(c)).collect(),
    }
}

fn on_rig(rig: &str, cells: &[&Cell]) -> OnRig {
    let mut sum = OnRig { rig: rig.to_owned(), ..OnRig::default() };
    for cell in cells.iter().filter(|c| c.rig == rig) {
        sum.seeds += 1;
        // Of a battery of which nothing is expected, those that passed are told.
        let passed = cell.outcome == Mark::Pass;
        sum.right += usize::from(if cell.expect.is_some() { cell.is_right() } else { passed });
        sum.by_all += usize::from(cell.found_by_all());
        sum.undecided += usize::from(cell.outcome == Mark::Inconclusive);
        for id in cell.expected().iter().filter(|id| cell.failed.contains(id)) {
            *sum.found.entry(id.clone()).or_default() += 1;
        }
    }
    sum
}

/// What a cell is that it must not be, and why.
fn wrong(cell: &Cell) -> Wrong {
    let why = |ids: &[String]| {
        ids.iter().find_map(|id| Some(format!("{id} {}", cell.why.get(id)?))).unwrap_or_default()
    };
    let undecided = cell.is_compliant() && cell.outcome != Mark::Fail;
    let what = match (cell.is_compliant(), cell.outcome) {
        (true, Mark::Fail) => format!("refused: {}", why(&cell.failed)),
        (true, _) => match why(&cell.open) {
            why if why.is_empty() => "undecided: no case judged it".to_owned(),
            why => format!("undecided: {why}"),
        },
        (false, _) if cell.found() => {
            format!("found by a warning alone ({}), and certified", cell.failed.join(", "))
        }
        (false, _) => {
            let also = if cell.failed.is_empty() { "nothing".to_owned() } else { cell.failed.join(", ") };
            let open: Vec<&str> =
                cell.expected().iter().filter(|id| cell.open.contains(id)).map(String::as_str).collect();
            let open =
                if open.is_empty() { String::new() } else { format!("; {} stayed open", open.join(", ")) };
            format!("not found by {}; what failed: {also}{open}", cell.expected().join(" or "))
        }
    };
    Wrong { cell: cell.name(), what, undecided }
}

#[cfg(test)]
mod tests {
    use super::super::cell::tests::cell;
    use super::*;

    fn cells() -> Vec<Cell> {
        vec![
            cell("good", "a", 1, &[], &[]),
            cell("good", "a", 2, &[], &["CVL-04"]),
            cell("good", "b", 1, &[], &[]),
            cell("bad", "a", 1, &["CVL-04", "CVL-03"], &["CVL-04", "CVL-03"]),
            cell("bad", "a", 2, &["CVL-04", "CVL-03"], &["CVL-04"]),
            cell("bad", "b", 1, &["CVL-04", "CVL-03"], &["CVL-06"]),
        ]
    }

    #[test]
    fn cells_are_counted_by_battery_and_rig() {
        let tally = Tally::of(&cells(), "x");
        let bad = &tally.batteries[1];
        assert_eq!((tally.batteries[0].battery.as_str(), bad.battery.as_str()), ("good", "bad"));
        assert_eq!((bad.rigs[0].seeds, bad.rigs[0].right, bad.rigs[0].by_all), (2, 2, 1));
        assert_eq!((bad.rigs[1].seeds, bad.rigs[1].right), (1, 0));
        assert_eq!(bad.rigs[0].found["CVL-03"], 1);
        assert_eq!(bad.requirements["CVL-04"], Count { passed: 0, failed: 2, open: 0 });
        let counts =
            |rates: Rates| [rates.by_batteries, rates.by_draws].map(|rate| (rate.events, rate.trials));
        assert_eq!(counts(tally.false_pass), [(1, 1), (1, 2)], "one battery, whatever its cells");
        assert_eq!(counts(tally.false_fail), [(1, 1), (1, 2)], "seed 1 is one draw, on whichever rig");
        assert_eq!(tally.false_fail.wide, tally.false_fail.by_batteries);
        assert_eq!(
            tally.summary(),
            "failures caught 0/1, compliant refused 1/1 over 2 seeds x 2 rigs",
            "a battery counts where all its cells do"
        );
        let wrong: Vec<_> = tally.wrong().map(|w| (w.cell.as_str(), w.what.as_str())).collect();
        assert_eq!(
            wrong,
            [
                ("good on a, seed 2", "refused: CVL-04 s/c: because"),
                ("bad on b, seed 1", "not found by CVL-04 or CVL-03; what failed: CVL-06"),
            ]
        );
    }

    /// A cell that was not found by what is expected has another fault than that of its battery.
    #[test]
    fn causes_are_counted_over_the_cells_that_were_found() {
        let cells = [
            cell("a", "r", 1, &["CVL-04", "CVL-03"], &["CVL-04", "CVL-03"]),
            cell("a", "r", 2, &["CVL-03", "CVL-04"], &["CVL-04", "CVL-03"]),
            cell("b", "r", 1, &["BEH-FI"], &["CVL-08", "BEH-FI"]),
            cell("c", "r", 1, &["BEH-FI"], &["CVL-08"]),
            cell("good", "r", 1, &[], &["CVL-08"]),
        ];
        let causes = Tally::of(&cells, "x").causes;
        assert_eq!((causes.of, causes.told, causes.first), (3, 2, 1));
        let others: Vec<_> = causes
            .others
            .iter()
            .map(|other| (other.battery.as_str(), other.cause.as_str(), other.cells))
            .collect();
        assert_eq!(others, [("b", "CVL-08", 1)]);
        assert!(Causes::default().share() > 99.0, "nothing was to be told");
    }

    #[test]
    fn the_order_of_the_cells_does_not_matter() {
        let mut turned = cells();
        turned.reverse();
        assert_eq!(Tally::of(&turned, "x").json(), Tally::of(&cells(), "x").json());
    }
}
