//! `busbar search`: the worst rig for a battery, inside of the ranges of its files, and a file of it that anybody runs.

mod progress;
mod told;

use std::cell::RefCell;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use session::search::{Answer, Asked, Budget, How, Search, Tunable, Tuning};

use crate::console::{ENDS, stopped_by, threads};
use crate::progress::Counted;
use crate::{Exit, Failure};
use progress::Progress;

/// What to search for, where.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The battery, by name or file; its own ranges (`sweep:`) are searched too
    #[arg(long, default_value = "reference")]
    battery: String,
    /// The rig whose ranges (`sweep:`) are searched, by name or file; the simulated one of the battery's system voltage without it
    #[arg(long)]
    rig: Option<String>,
    /// The requirements whose margin is made least, with commas between them; every must that the cases judge without it
    #[arg(long, value_name = "IDS", value_delimiter = ',')]
    requirement: Vec<String>,
    /// Only cases of this suite, by name or file
    #[arg(long, value_name = "SUITE|FILE")]
    suite: Vec<String>,
    /// Only this case, such as `feed-in/load-steps`
    #[arg(long, value_name = "CASE")]
    case: Vec<String>,
    /// How many points are tried
    #[arg(long, value_name = "N", default_value = "500")]
    budget: NonZeroUsize,
    /// Seed of the points, and of everything random in each of them
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Leave start state, sun and loads of the cases as their files have them
    #[arg(long)]
    as_written: bool,
    /// Stop at the first failure
    #[arg(long)]
    fail_fast: bool,
    /// A number of a modelled battery that may be turned, and how far, such as `strategy.cell-loop.target=3.40V..3.47V`: tells
    /// which setting leaves 20 % of room at the worst points, and writes it as `tuned.yaml`
    #[arg(long, value_name = "PATH=LOW..HIGH")]
    tune: Vec<Tunable>,
    /// Choose each point evenly by itself and learn nothing: what a search is held against
    #[arg(long)]
    evenly: bool,
    /// Folder of the points and of what is found; by default one below `reports` for this search. The same command goes on there
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Threads; one for each core by default
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// No progress
    #[arg(long, short)]
    quiet: bool,
}

pub(crate) fn search(args: &Args) -> Result<Exit, Failure> {
    let library = crate::library()?;
    let asked = Asked {
        rig: crate::rig_of(&library, args.rig.as_deref(), &args.battery)?,
        battery: args.battery.clone(),
        cases: args.suite.iter().chain(&args.case).cloned().collect(),
        requirements: args.requirement.iter().map(|id| id.trim().to_owned()).collect(),
        seed: args.seed,
        how: if args.evenly { How::Evenly } else { How::Learning },
        as_written: args.as_written,
    };
    let search = Search::read(&library, &asked)?;
    search.can_tune(&args.tune)?;
    let reports = || library.root().join("reports").join(format!("search-{}", search.short()));
    let folder = args.out.clone().unwrap_or_else(reports);
    let budget = Budget { points: args.budget.get(), jobs: threads(args.jobs), fail_fast: args.fail_fast };
    let stop =
        stopped_by(&ENDS).map_err(|error| Failure::open(format!("cannot listen for signals: {error}")))?;
    let mut progress = Progress::new(budget.points, args.quiet);
    let answer = search.run(&folder, budget, &stop, |point| progress.done(point));
    progress.finish();
    let answer = answer?;
    let tuning = tuned(args, &search, &answer, &stop)?;
    write(&folder, &search, (&answer, tuning.as_ref()), args.seed)?;
    let told = told::Told {
        search: &search,
        answer: &answer,
        tuning: tuning.as_ref(),
        asked: &asked,
        folder: &folder,
    };
    crate::answer(&told.text())?;
    if !answer.stopped && tuning.is_none() && !args.tune.is_empty() {
        crate::warn(
            "somebody ended the tuning, or the search decided nothing that could be turned; the points of the search are kept",
        );
    }
    if answer.stopped {
        let (done, folder) = (answer.points.len(), crate::from_here(&folder));
        crate::warn(&format!(
            "somebody ended the search after {done} of {} points; they are in {folder}, and the same command goes on there",
            budget.points
        ));
    }
    Ok(exit(&answer))
}

/// A point that failed fails the search, however it ended.
fn exit(answer: &Answer) -> Exit {
    let mut points = answer.points.iter().chain(&answer.as_it_is);
    if points.any(|point| point.found.outcome == "fail") {
        return Exit::Fail;
    }
    let all_passed = answer.points.iter().all(|point| point.found.outcome == "pass");
    if all_passed && !answer.stopped && !answer.points.is_empty() { Exit::Pass } else { Exit::Inconclusive }
}

/// Turns what may be turned, once the worst points are known.
fn tuned(
    args: &Args,
    search: &Search,
    answer: &Answer,
    stop: &AtomicBool,
) -> Result<Option<Tuning>, Failure> {
    if args.tune.is_empty() || answer.stopped {
        return Ok(None);
    }
    let progress = RefCell::new(Counted::new(search.cells_to_tune(args.tune.len()), "cells", args.quiet));
    let told = || progress.borrow_mut().done(true, "turning", || "turning".to_owned());
    let tuning = search.tune(answer, &args.tune, (threads(args.jobs), stop), told);
    progress.borrow().finish("turned");
    Ok(tuning?)
}

/// Writes the files of the worst point and of the battery with other numbers, and what a script reads.
fn write(
    folder: &Path,
    search: &Search,
    (answer, tuning): (&Answer, Option<&Tuning>),
    seed: u64,
) -> Result<(), Failure> {
    let mut files = match answer.worst() {
        Some(worst) => search.files(worst)?,
        None => Default::default(),
    };
    if let Some(tuning) = tuning.filter(|tuning| !tuning.settings.is_empty()) {
        files.extend(search.tuned(&tuning.settings)?);
    }
    files.insert("search.json".to_owned(), told::json(search, (answer, tuning), seed));
    for (name, text) in files {
        let path = folder.join(name);
        std::fs::write(&path, text).map_err(crate::unwritable(&path))?;
    }
    Ok(())
}
