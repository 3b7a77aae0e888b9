//! The worst rig: where inside of the ranges of a rig and a battery a requirement is closest to its limit, or furthest beyond it.
//!
//! Points are chosen by `strategy`, played by `cell` from the files that `space` writes, and kept one by one, so that what
//! was stopped goes on where it was: the same seed asks for the same points again, and those that are kept are not played.

mod case;
mod cell;
mod cma;
mod model;
mod several;
mod space;
mod strategy;
mod symmetric;
mod tuning;

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use engine::suite::{Case, Suite};
use evidence::manifest::sha256;
use files::{Library, Suites};
use judge::catalogue;
use judge::requirement::{Requirement, Severity};
use serde::{Deserialize, Serialize};
#[cfg(unix)]
use sim::Simulated;

pub use cell::{Figure, Found, Worst};
pub use space::{Parameter, Setting};
pub use strategy::How;
pub use tuning::{ENOUGH, Elsewhere, Tunable, Tuning, Turned};

use crate::matrix::MadeBy;
use crate::results::{self, Results};
use crate::{Error, Setup};
use case::Template;
use model::Model;
use several::several;
use space::Space;
use strategy::Strategy;

/// What to search for, where.
#[derive(Debug, Clone)]
pub struct Asked {
    /// the rig, by name or file
    pub rig: String,
    /// the battery, by name or file
    pub battery: String,
    /// suites or cases; all that judge the requirements without one
    pub cases: Vec<String>,
    /// requirements by their ids; every must that the cases judge without one
    pub requirements: Vec<String>,
    /// of the points and of all that is random in a cell
    pub seed: u64,
    /// how points are chosen
    pub how: How,
    /// the numbers of the cases stay as they are written
    pub as_written: bool,
}

/// A search that is read and validated whole.
#[derive(Debug)]
pub struct Search {
    space: Space,
    rows: Vec<&'static Requirement>,
    head: Head,
}

/// The first line of a file of points: what they are of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Head {
    busbar_search: u32,
    made_by: MadeBy,
    rig: String,
    battery: String,
    cases: Vec<String>,
    requirements: Vec<String>,
    /// name, low and high of each
    parameters: Vec<(String, String, String)>,
    seed: u64,
    evenly: bool,
}

impl results::Head for Head {
    const VERB: &'static str = "busbar search";
    const VERSION: u32 = 1;

    fn version(&self) -> u32 {
        self.busbar_search
    }
}

/// A point, and what was found there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Point {
    /// from 1, in the order in which points were chosen; 0 is everything as the files have it
    pub number: usize,
    /// how far into each range it lies, 0 to 1; nothing of point 0
    #[serde(with = "crate::results::exact_all")]
    pub at: Vec<f64>,
    /// what was found
    #[serde(flatten)]
    pub found: Found,
}

/// How long a search goes on.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// so many points
    pub points: usize,
    /// so many at once
    pub jobs: usize,
    /// no further than the first failure
    pub fail_fast: bool,
}

/// What a search has come to.
#[derive(Debug)]
pub struct Answer {
    /// everything as the files have it
    pub as_it_is: Option<Point>,
    /// the points, in their order
    pub points: Vec<Point>,
    /// how often the adaptation began anew
    pub restarts: usize,
    /// how the rank of the room moves with each parameter, -1 to 1, the strongest first
    pub moves: Vec<(String, f64)>,
    /// somebody wanted it to end
    pub stopped: bool,
}

impl Answer {
    /// The worst point that decided anything.
    #[must_use]
    pub fn worst(&self) -> Option<&Point> {
        let decided = self.points.iter().filter_map(|point| Some((point, point.found.room()?)));
        decided.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(point, _)| point)
    }

    /// The first point at which something failed.
    #[must_use]
    pub fn first_failure(&self) -> Option<&Point> {
        self.points.iter().find(|point| point.found.outcome == "fail")
    }
}

/// The requirements that are meant: those that were asked for, or every must that the cases judge.
fn rows_of(
    asked: &Asked,
    suites: &Suites,
    selected: &[(&Suite, &Case)],
) -> Result<Vec<&'static Requirement>, Error> {
    let judges = |case: &Case, id: &str| case.requirements.iter().any(|row| row.id == id);
    let is_judged = |id: &str| selected.iter().any(|(_, case)| judges(case, id));
    if asked.requirements.is_empty() {
        let musts = catalogue::requirements().filter(|row| row.severity == Severity::Must);
        return Ok(musts.filter(|row| is_judged(row.id)).collect());
    }
    let found = asked.requirements.iter().map(|id| {
        let row = catalogue::find(id).ok_or_else(|| {
            let near = proto::text::similar(id, catalogue::requirements().map(|row| row.id)).join(", ");
            Error::Usage(format!("there is no requirement `{id}`; the nearest are: {near}"))
        })?;
        if is_judged(row.id) {
            return Ok(row);
        }
        let others = suites.cases().filter(|(_, case)| judges(case, row.id));
        let others: Vec<String> = others.map(|(suite, case)| files::full_name(suite, case)).collect();
        let others = match others.is_empty() {
            true => "no case of this project does".to_owned(),
            false => format!("these do: {}", others.join(", ")),
        };
        Err(Error::Usage(format!("no case that was asked for judges {}; {others}", row.id)))
    });
    found.collect()
}

impl Search {
    /// Reads and validates everything that a search is made of.
    ///
    /// # Errors
    /// When a file is not there or not what it must be, when no case judges what was asked for, when nothing has a range.
    pub fn read(library: &Library, asked: &Asked) -> Result<Self, Error> {
        let library = &library.with_suites(&asked.cases);
        let setup = Setup::read(library, &asked.rig, &asked.battery)?;
        let Setup { rig, battery, .. } = setup;
        if rig.live.is_some() {
            return Err(Error::Usage(format!("`{}` is a real rig: a search needs a simulated one", rig.rig)));
        }
        if battery.simulated.is_none() {
            let name = &battery.declared.name;
            return Err(Error::Usage(format!(
                "`{name}` exists as hardware alone: a search needs a simulated battery"
            )));
        }
        let suites = library.read_suites()?;
        let selected = suites.select(&asked.cases)?;
        let rows = rows_of(asked, &suites, &selected)?;
        let mut templates = Vec::new();
        for (suite, text) in suites.all.iter().zip(&suites.texts) {
            let cases: Vec<_> = selected
                .iter()
                .filter(|(of, case)| {
                    of.name == suite.name
                        && case.requirements.iter().any(|r| rows.iter().any(|row| row.id == r.id))
                })
                .map(|(_, case)| *case)
                .collect();
            if !cases.is_empty() {
                templates.push(Template::new(suite, text, &cases, !asked.as_written)?);
            }
        }
        if templates.is_empty() {
            return Err(Error::Usage(
                "no case that was asked for judges a requirement that must hold".to_owned(),
            ));
        }
        let cases = templates.iter().flat_map(|template| {
            let suite = template.name().to_owned();
            template.cases.iter().map(move |case| format!("{suite}/{case}"))
        });
        let cases = cases.collect();
        let paths = (library.rig(&asked.rig)?, library.battery(&asked.battery)?);
        let space = Space::new(library, (rig, paths.0), (battery, paths.1), templates)?;
        let mut text = String::new();
        for (path, content) in space.made_from()? {
            text += &format!("{path} {}\n", sha256(content.as_bytes()));
        }
        #[cfg(unix)]
        if let Some(Simulated::Program(program)) =
            Simulated::read(&space.battery).map_err(files::InputError::from)?
        {
            text += &program.made_of();
        }
        let head = Head {
            busbar_search: <Head as results::Head>::VERSION,
            made_by: MadeBy::of_files(&text)?,
            rig: space.rig.rig.clone(),
            battery: space.battery.declared.name.clone(),
            cases,
            requirements: rows.iter().map(|row| row.id.to_owned()).collect(),
            parameters: space
                .parameters
                .iter()
                .map(|p| (p.name.clone(), p.low.clone(), p.high.clone()))
                .collect(),
            seed: asked.seed,
            evenly: asked.how == How::Evenly,
        };
        Ok(Self { space, rows, head })
    }

    /// For the name of a folder: another search has another.
    #[must_use]
    pub fn short(&self) -> String {
        let head = serde_json::to_string(&self.head).expect("a plain struct serialises");
        sha256(head.as_bytes()).chars().take(8).collect()
    }

    /// The cases that a point plays, `suite/case`.
    #[must_use]
    pub fn cases(&self) -> &[String] {
        &self.head.cases
    }

    /// The requirements whose room is made less.
    #[must_use]
    pub fn requirements(&self) -> &[String] {
        &self.head.requirements
    }

    /// What is varied.
    #[must_use]
    pub fn parameters(&self) -> &[Parameter] {
        &self.space.parameters
    }

    /// The value of each parameter at a point, as files have it.
    #[must_use]
    pub fn values(&self, point: &Point) -> Vec<String> {
        self.space.values(&point.at)
    }

    /// The files of a point by their names: a folder of them needs nothing else to be run.
    ///
    /// # Errors
    /// When one that they are like cannot be read.
    pub fn files(&self, point: &Point) -> Result<BTreeMap<String, String>, Error> {
        self.space.folder(self.space.texts(Some(&point.at)))
    }

    /// Goes on until the budget is spent or somebody wants it to end. `told` hears of each point that is played.
    ///
    /// # Errors
    /// When the folder holds what is of another search, or cannot be written.
    pub fn run(
        &self,
        folder: &Path,
        budget: Budget,
        stop: &AtomicBool,
        mut told: impl FnMut(&Point),
    ) -> Result<Answer, Error> {
        let path = folder.join("points.jsonl");
        let (mut store, found) = Results::open::<Head, Point>(&path, &self.head)?;
        if found.head.is_some_and(|head| head != self.head) {
            return Err(Error::Refused(format!(
                "{} holds points of another search, program or files, and they are not mixed; choose another --out, or delete \
                 the file",
                path.display()
            )));
        }
        let mut known: BTreeMap<usize, Point> =
            found.results.into_iter().map(|point: Point| (point.number, point)).collect();
        let mut strategy = Strategy::new(
            if self.head.evenly { How::Evenly } else { How::Learning },
            self.space.parameters.len(),
            self.head.seed,
        );
        let mut points: Vec<Point> = Vec::new();
        let mut played =
            self.play(vec![(0, Vec::new())], &mut known, (budget.jobs, stop), &mut store, &mut told)?;
        let as_it_is = played.pop_front();
        while points.len() < budget.points && !stop.load(Ordering::Relaxed) {
            let asked = strategy.ask();
            let batch: Vec<_> = (points.len() + 1..).zip(asked).take(budget.points - points.len()).collect();
            let asked = batch.len();
            let batch = self.play(batch, &mut known, (budget.jobs, stop), &mut store, &mut told)?;
            let whole = batch.len() == asked;
            let failed = batch.iter().any(|point| point.found.outcome == "fail");
            // A part of a generation is told to nobody: it is asked for again.
            if whole {
                strategy.tell(batch.iter().map(|point| (point.at.clone(), point.found.room())).collect());
            }
            points.extend(batch);
            if !whole || failed && budget.fail_fast {
                break;
            }
        }
        let told: Vec<_> = points.iter().map(|point| (point.at.clone(), point.found.room())).collect();
        let model = Model::of(&told, self.space.parameters.len());
        let names = self.space.parameters.iter().map(|parameter| parameter.name.clone());
        let mut moves: Vec<(String, f64)> = names.zip(model.weights().iter().copied()).collect();
        moves.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
        let stopped = stop.load(Ordering::Relaxed);
        Ok(Answer { as_it_is, points, restarts: strategy.restarts(), moves, stopped })
    }

    /// Plays those of a batch that are not known, several at once, and keeps each. What was stopped ends a batch early: what comes
    /// back are the points before it, in their order.
    fn play(
        &self,
        batch: Vec<(usize, Vec<f64>)>,
        known: &mut BTreeMap<usize, Point>,
        (jobs, stop): (usize, &AtomicBool),
        store: &mut Results,
        told: &mut impl FnMut(&Point),
    ) -> Result<VecDeque<Point>, Error> {
        let numbers: Vec<usize> = batch.iter().map(|(number, _)| *number).collect();
        let new: Vec<_> = batch.into_iter().filter(|(number, _)| !known.contains_key(number)).collect();
        let play = |place: usize| {
            let (number, at): &(usize, Vec<f64>) = &new[place];
            let texts = self.space.texts(Some(at.as_slice()).filter(|at| !at.is_empty()));
            let found = cell::play(&self.space, &texts, (&self.rows, self.head.seed), stop);
            Point { number: *number, at: at.clone(), found }
        };
        several(new.len(), (jobs, stop), play, |_, point| {
            store.keep(&point)?;
            told(&point);
            known.insert(point.number, point);
            Ok(())
        })?;
        Ok(numbers.iter().map_while(|number| known.get(number).cloned()).collect())
    }
}
