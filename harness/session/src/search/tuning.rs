//! What to turn: which number of a battery, set to what, leaves room at the worst points of a search, and elsewhere too.
//!
//! Each number is first turned by itself, as somebody at a bench would; only where none of them is enough are all turned together,
//! by the same adaptation that finds the worst point.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use files::Range;

use super::cell::{self, Found};
use super::several::several;
use super::space::Setting;
use super::strategy::{How, Strategy};
use super::{Answer, Search};
use crate::{Error, Setup};

/// A number of the battery that may be turned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tunable {
    /// its keys under `simulated`, such as `strategy.cell-loop.target`
    pub path: String,
    /// the lowest that it may be, with its unit
    pub low: String,
    /// the highest, with the same unit
    pub high: String,
}

impl std::str::FromStr for Tunable {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = || {
            format!(
                "`{text}` is no number to turn: expected PATH=LOW..HIGH, such as strategy.cell-loop.target=3.40V..3.47V"
            )
        };
        let (path, range) = text.split_once('=').ok_or_else(expected)?;
        let (low, high) = range.split_once("..").ok_or_else(expected)?;
        let [path, low, high] = [path, low, high].map(|part| part.trim().to_owned());
        if path.is_empty() || path.split('.').any(str::is_empty) {
            return Err(expected());
        }
        let tunable = Self { path, low, high };
        tunable.range().at(0.5).map_err(|error| format!("{}: {error}", tunable.path))?;
        Ok(tunable)
    }
}

impl Tunable {
    fn range(&self) -> Range<'_> {
        Range { path: self.path.clone(), low: &self.low, high: &self.high }
    }

    /// Its values from one end to the other: in equal steps, or in equal ratios where the ends are far apart.
    fn values(&self) -> Vec<String> {
        let number = |text: &str| files::sweep::amount(text).map_or(0.0, |(number, _)| number);
        let (low, high) = (number(&self.low), number(&self.high));
        let share = |i: usize| {
            let even = i as f64 / (VALUES - 1) as f64;
            if low > 0.0 && high > FAR * low {
                (low * (high / low).powf(even) - low) / (high - low)
            } else {
                even
            }
        };
        (0..VALUES).map(|i| self.at(share(i))).collect()
    }

    /// The value so far into its range, as a file has it.
    fn at(&self, share: f64) -> String {
        self.range().at(share).unwrap_or_else(|_| self.low.clone())
    }
}

/// One number that was turned by itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Turned {
    /// its path
    pub path: String,
    /// what the files of the battery say; nothing where they leave it out
    pub now: Option<String>,
    /// what it is best set to: the value nearest to the one it has that leaves room enough, or the one that leaves most
    pub to: String,
    /// the least room at the points that were held, then
    pub room: f64,
}

/// What came of turning.
#[derive(Debug, Clone, PartialEq)]
pub struct Tuning {
    /// the points that were held, as they are now: how many, and the least room of them
    pub held: usize,
    /// the least room at those points as the battery is
    pub now: f64,
    /// each number by itself, the one that leaves most room first
    pub alone: Vec<Turned>,
    /// what to set: one number where one is enough, all where only that is better; nothing where nothing is
    pub settings: Vec<Setting>,
    /// the least room at those points with it
    pub room: f64,
    /// how it does at other points of the ranges, chosen evenly: how many, how many failed, and the least room of them
    pub elsewhere: Option<Elsewhere>,
}

/// How a battery does at points that nobody chose for it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Elsewhere {
    /// how many points
    pub points: usize,
    /// at how many of them something failed
    pub failed: usize,
    /// the least room of those that decided anything
    pub room: f64,
}

/// Room that is enough, as a share of a limit.
pub const ENOUGH: f64 = 0.2;
/// So many of the worst points are held, beside the files as they are: one alone may be one of a kind.
const HELD: usize = 5;
/// So many values of each number.
const VALUES: usize = 9;
/// A range whose ends are so many times apart is of orders of magnitude.
const FAR: f64 = 10.0;
/// So many settings of all numbers together.
const TOGETHER: usize = 60;
/// So many points elsewhere.
const ELSEWHERE: usize = 24;

impl Search {
    /// Turns these numbers of the battery, after a search has found its worst points. Nothing where that decided nothing, and
    /// where somebody wants it to end. `told` hears of each cell that is played.
    ///
    /// # Errors
    /// When a number cannot be turned: the search varies it already, or the battery is none with it.
    pub fn tune(
        &self,
        answer: &Answer,
        tunables: &[Tunable],
        (jobs, stop): (usize, &AtomicBool),
        told: impl Fn(),
    ) -> Result<Option<Tuning>, Error> {
        self.can_tune(tunables)?;
        let held = held(answer);
        let least = |points: &[Option<f64>]| points.iter().flatten().copied().reduce(f64::min);
        let now: Vec<Option<f64>> = held.iter().map(|(_, room)| Some(*room)).collect();
        let Some(now) = least(&now) else { return Ok(None) };
        let points: Vec<&[f64]> = held.iter().map(|(at, _)| at.as_slice()).collect();
        let rooms = |settings: &[Vec<Setting>]| self.rooms(settings, &points, (jobs, stop), &told);

        let mut alone = Vec::with_capacity(tunables.len());
        for tunable in tunables {
            let values = tunable.values();
            let settings: Vec<Vec<Setting>> =
                values.iter().map(|value| vec![(tunable.path.clone(), value.clone())]).collect();
            let Some(rooms) = rooms(&settings) else { return Ok(None) };
            alone.extend(self.turned(tunable, values.into_iter().zip(rooms).collect()));
        }
        alone.sort_by(|a, b| b.room.total_cmp(&a.room));
        let best = alone.first().filter(|best| best.room > now);
        let (mut settings, mut room) =
            best.map_or((Vec::new(), now), |best| (vec![(best.path.clone(), best.to.clone())], best.room));
        if room < ENOUGH && tunables.len() > 1 {
            let Some(together) = self.together(tunables, rooms) else { return Ok(None) };
            if let Some((all, better)) = together.filter(|(_, better)| *better > room) {
                (settings, room) = (all, better);
            }
        }
        let elsewhere = if settings.is_empty() {
            None
        } else {
            let Some(elsewhere) = self.elsewhere(&settings, (jobs, stop), &told) else { return Ok(None) };
            Some(elsewhere)
        };
        Ok(Some(Tuning { held: held.len(), now, alone, settings, room, elsewhere }))
    }

    /// How many cells turning so many numbers plays, where one of them is enough.
    #[must_use]
    pub const fn cells_to_tune(&self, numbers: usize) -> usize {
        numbers * VALUES * (HELD + 1) + ELSEWHERE
    }

    /// `tuned.yaml`, the battery with other numbers, and the files that it is like, by their names.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn tuned(&self, settings: &[Setting]) -> Result<BTreeMap<String, String>, Error> {
        self.space.tuned(settings)
    }

    /// Whether these numbers of the battery can be turned.
    ///
    /// # Errors
    /// When the search varies one already, or the battery is none with it.
    pub fn can_tune(&self, tunables: &[Tunable]) -> Result<(), Error> {
        for tunable in tunables {
            let path = &tunable.path;
            if self.space.parameters.iter().any(|varied| varied.name == format!("battery.{path}")) {
                return Err(Error::Usage(format!(
                    "`{path}` is varied by `sweep:` of the battery: what nobody knows exactly, nobody can turn"
                )));
            }
            let unit = |text: &str| files::sweep::amount(text).map(|(_, unit)| unit.to_owned()).ok();
            if let Some(now) = self.space.now(path)
                && unit(&now) != unit(&tunable.low)
            {
                return Err(Error::Usage(format!(
                    "`{path}` is {now} in the files of the battery: give its range in the same unit"
                )));
            }
            for share in [0.0, 1.0] {
                let settings = [(path.clone(), tunable.at(share))];
                let texts = self.space.texts_with(None, &settings);
                let read = self.space.read(&texts).and_then(|(rig, battery)| Setup::of(rig, battery));
                read.map_err(|error| {
                    let name = &self.space.battery.declared.name;
                    Error::Usage(format!("`{name}` is no battery with `{path}: {}`: {error}", settings[0].1))
                })?;
            }
        }
        Ok(())
    }

    /// The value of a number that is taken, of those that were tried.
    fn turned(&self, tunable: &Tunable, tried: Vec<(String, Option<f64>)>) -> Option<Turned> {
        let now = self.space.now(&tunable.path);
        let number = |text: &str| files::sweep::amount(text).ok().map(|(number, _)| number);
        let from = now.as_deref().and_then(number);
        let decided: Vec<(String, f64)> =
            tried.into_iter().filter_map(|(value, room)| Some((value, room?))).collect();
        let away = |value: &str| match (from, number(value)) {
            (Some(from), Some(to)) => (to - from).abs(),
            _ => 0.0,
        };
        let nearer = |a: &&(String, f64), b: &&(String, f64)| away(&a.0).total_cmp(&away(&b.0));
        let near = decided.iter().filter(|(_, room)| *room >= ENOUGH).min_by(nearer);
        let most = || decided.iter().min_by(|a, b| b.1.total_cmp(&a.1).then_with(|| nearer(a, b)));
        let (to, room) = near.or_else(most)?.clone();
        Some(Turned { path: tunable.path.clone(), now, to, room })
    }

    /// All numbers at once, until there is room enough. Nothing inside where nothing was decided, nothing at all where it was ended.
    #[expect(clippy::option_option, reason = "ended is something else than undecided")]
    fn together(
        &self,
        tunables: &[Tunable],
        rooms: impl Fn(&[Vec<Setting>]) -> Option<Vec<Option<f64>>>,
    ) -> Option<Option<(Vec<Setting>, f64)>> {
        let mut strategy = Strategy::new(How::Learning, tunables.len(), self.head.seed);
        let mut best: Option<(Vec<Setting>, f64)> = None;
        let mut tried = 0;
        while tried < TOGETHER && best.as_ref().is_none_or(|(_, room)| *room < ENOUGH) {
            let asked = strategy.ask();
            tried += asked.len();
            let set = |at: &Vec<f64>| {
                tunables.iter().zip(at).map(|(t, share)| (t.path.clone(), t.at(*share))).collect()
            };
            let settings: Vec<Vec<Setting>> = asked.iter().map(set).collect();
            let found = rooms(&settings)?;
            for (setting, room) in settings.iter().zip(&found) {
                if let Some(room) = room
                    && best.as_ref().is_none_or(|(_, best)| room > best)
                {
                    best = Some((setting.clone(), *room));
                }
            }
            // It looks for the least.
            strategy.tell(asked.into_iter().zip(found.into_iter().map(|room| room.map(|r| -r))).collect());
        }
        Some(best)
    }

    /// How the battery does at points that were chosen evenly, others than those of the search.
    fn elsewhere(
        &self,
        settings: &[Setting],
        (jobs, stop): (usize, &AtomicBool),
        told: &impl Fn(),
    ) -> Option<Elsewhere> {
        let mut evenly = Strategy::new(How::Evenly, self.space.parameters.len(), self.head.seed ^ OTHERS);
        let points: Vec<Vec<f64>> =
            std::iter::repeat_with(|| evenly.ask()).flatten().take(ELSEWHERE).collect();
        let cells: Vec<_> = points.iter().map(|at| (Some(at.as_slice()), settings)).collect();
        let found = self.cells(&cells, (jobs, stop), told)?;
        let room = found.iter().filter_map(Found::room).reduce(f64::min)?;
        let failed = found.iter().filter(|found| found.outcome == "fail").count();
        Some(Elsewhere { points: found.len(), failed, room })
    }

    /// The least room of each setting at these points; nothing of one that decided nothing at one of them.
    fn rooms(
        &self,
        settings: &[Vec<Setting>],
        points: &[&[f64]],
        run: (usize, &AtomicBool),
        told: &impl Fn(),
    ) -> Option<Vec<Option<f64>>> {
        let mut cells = Vec::with_capacity(settings.len() * points.len());
        for setting in settings {
            for &point in points {
                cells.push((Some(point).filter(|point| !point.is_empty()), setting.as_slice()));
            }
        }
        let found = self.cells(&cells, run, told)?;
        let least = |found: &[Found]| {
            found.iter().map(Found::room).try_fold(f64::INFINITY, |least, room| Some(least.min(room?)))
        };
        Some(found.chunks(points.len()).map(least).collect())
    }

    /// Plays cells, several at once; nothing where somebody wants it to end.
    fn cells(
        &self,
        cells: &[(Option<&[f64]>, &[Setting])],
        (jobs, stop): (usize, &AtomicBool),
        told: &impl Fn(),
    ) -> Option<Vec<Found>> {
        let play = |number: usize| {
            let (at, settings) = cells[number];
            let texts = self.space.texts_with(at, settings);
            cell::play(&self.space, &texts, (&self.rows, self.head.seed), stop)
        };
        let mut all = Vec::with_capacity(cells.len());
        several(cells.len(), (jobs, stop), play, |number, found| {
            all.push((number, found));
            told();
            Ok(())
        })
        .expect("nothing that is done with a cell fails");
        if stop.load(Ordering::Relaxed) {
            return None;
        }
        all.sort_by_key(|(number, _)| *number);
        Some(all.into_iter().map(|(_, found)| found).collect())
    }
}

/// Keeps the points elsewhere apart from those of the search.
const OTHERS: u64 = 0x7A11;

/// The points that are held, with the room that each has: the files as they are, and the worst that decided anything.
fn held(answer: &Answer) -> Vec<(Vec<f64>, f64)> {
    let known = |point: &super::Point| Some((point.at.clone(), point.found.room()?));
    let mut worst: Vec<_> = answer.points.iter().filter_map(known).collect();
    worst.sort_by(|a, b| a.1.total_cmp(&b.1));
    worst.dedup_by(|a, b| a.0 == b.0);
    worst.truncate(HELD);
    answer.as_it_is.iter().filter_map(known).chain(worst).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("strategy.cell-loop.target=3.40V..3.47V", "3.435 V")]
    #[case("strategy.cell-loop.integral = 0.1 .. 0.5", "0.3")]
    fn a_range_is_read(#[case] text: &str, #[case] middle: &str) {
        let tunable: Tunable = text.parse().expect("good");
        assert_eq!(tunable.at(0.5), middle);
    }

    #[test]
    fn far_ends_have_values_in_equal_ratios() {
        let values = |text: &str| text.parse::<Tunable>().expect("good").values();
        assert_eq!(values("a.b=0.1..10")[4], "1");
        assert_eq!(values("a.b=1 V..9 V")[4], "5 V");
        assert_eq!(values("a.b=0 mV..60 mV")[8], "60 mV");
    }

    #[rstest]
    #[case::no_range("strategy.x")]
    #[case::no_end("strategy.x=3 V")]
    #[case::no_path("=1..2")]
    #[case::empty_key("a..b=1..2")]
    #[case::units("strategy.x=1 V..2 A")]
    #[case::order("strategy.x=2 V..1 V")]
    #[case::no_number("strategy.x=low..high")]
    fn what_is_no_range_is_refused(#[case] text: &str) {
        text.parse::<Tunable>().expect_err("refused");
    }
}
