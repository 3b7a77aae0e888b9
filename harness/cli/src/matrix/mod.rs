//! `busbar matrix`: batteries × rigs × seeds, every suite in each cell. It proves the judge: batteries that do right
//! are certified, batteries that do wrong are caught, on every seed.
//!
//! Every cell is kept as a line in the folder of results the moment it is done. The same command goes on where it was
//! stopped; shards run apart and are put together by `--merge` or by lying in one folder.

mod pages;
mod progress;

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use report::matrix::cell::Cell;
use report::matrix::tally::Tally;
use session::matrix::{Inputs, Names, Seeds, Shard, Store, Zoo, merged, play};

use crate::{Exit, Failure};
use progress::Progress;

/// What to run.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Batteries by name, with commas between them, or `all`
    #[arg(long, default_value = "all", value_name = "NAMES")]
    batteries: Names,
    /// Rigs by name, with commas between them, or `all`
    #[arg(long, default_value = "all", value_name = "NAMES")]
    rigs: Names,
    /// Batteries of every make in place of those of the project: each two values of cells, chemistry, capacity, periods,
    /// strategy and rates in one of them, and each fault of the project in five
    #[arg(long)]
    zoo: bool,
    /// A cut of the zoo that takes minutes: each battery on one rig, each fault in one, and one draw where no seeds are asked for
    #[arg(long, requires = "zoo")]
    cut: bool,
    /// How many seeds from 1 on, or from which to which: `50`, `51..100`. Seed 1 is the rig as its file says; every
    /// other seed also draws the numbers of its `sweep:`. Without it 50, and seed 2 of a cut
    #[arg(long, value_name = "SEEDS")]
    seeds: Option<Seeds>,
    /// Only the cells of one of several shards, such as `2/4`
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
    /// Folder of the results; by default one below `reports` for this program and these files
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Threads; one for each core by default
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Stop at the first cell that is not as it must be
    #[arg(long)]
    fail_fast: bool,
    /// Fail where the cause of a fault is told first in fewer of the cells that found it, in per cent
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    causes: Option<u8>,
    /// Let compliant batteries stay undecided
    #[arg(long)]
    allow_undecided: bool,
    /// Run nothing, put the results of these folders together in the one that `--out` names; they stay as they are
    #[arg(long, value_name = "FOLDER", num_args = 1.., conflicts_with_all = ["shard", "jobs", "fail_fast"])]
    merge: Vec<PathBuf>,
    /// Write the table of margins into this document
    #[arg(long, value_name = "FILE")]
    write_thresholds: Option<PathBuf>,
    /// No progress
    #[arg(long, short)]
    quiet: bool,
}

/// The seed of the cut: draws of the plant, one for each battery, and none of them as the rig's file says.
const ONE_DRAW: Seeds = Seeds { first: 2, last: 2 };
/// The seeds of all else.
const FIFTY: Seeds = Seeds { first: 1, last: 50 };

pub(crate) fn matrix(args: &Args) -> Result<Exit, Failure> {
    let (cells, made_by, folder) = if args.merge.is_empty() { run(args)? } else { merge(args)? };
    if cells.is_empty() {
        return Err(match args.merge.is_empty() {
            true => Failure::usage("no cell belongs to this shard: use fewer shards, or more seeds"),
            false => {
                Failure::input("nothing to put together holds a result of these batteries on these rigs")
            }
        });
    }
    let tally = Tally::of(&cells, &made_by);
    pages::write(&folder, &tally, &cells)?;
    if let Some(document) = &args.write_thresholds {
        pages::write_thresholds(document, &tally)?;
    }
    let mut text = report::matrix::terminal::table(&tally, crate::console::shown_on().0);
    text += &format!("Report: {}\n", folder.join("matrix.html").display());
    crate::answer(&text)?;
    let mut outcome = exit(&tally, args.allow_undecided);
    let share = tally.causes.share();
    if let Some(least) = args.causes.filter(|least| share < f64::from(*least)) {
        crate::warn(&format!(
            "the cause is told first in {share:.1} % of the cells, {least} % were asked for"
        ));
        outcome = Exit::Fail;
    }
    let missing = missing(&cells);
    if args.merge.is_empty() || missing.is_empty() {
        return Ok(outcome);
    }
    let first = missing.iter().take(3).cloned().collect::<Vec<_>>().join("; ");
    let many = missing.len();
    crate::warn(&format!("{many} cells are missing, such as {first}: merge every shard, or run the rest"));
    Ok(if outcome == Exit::Pass { Exit::Inconclusive } else { outcome })
}

/// The cells that nobody ran: every battery on every rig with every seed, of those that are there.
fn missing(cells: &[Cell]) -> Vec<String> {
    let seen: BTreeSet<_> = cells.iter().map(|c| (c.battery.as_str(), c.rig.as_str(), c.seed)).collect();
    let batteries: BTreeSet<_> = seen.iter().map(|cell| cell.0).collect();
    let runs: BTreeSet<_> = seen.iter().map(|cell| (cell.1, cell.2)).collect();
    let all = batteries.iter().flat_map(|&battery| runs.iter().map(move |&(rig, seed)| (battery, rig, seed)));
    all.filter(|cell| !seen.contains(cell)).map(|(b, r, s)| format!("{b} on {r}, seed {s}")).collect()
}

fn exit(tally: &Tally, allow_undecided: bool) -> Exit {
    if tally.wrong().any(|w| !(w.undecided && allow_undecided)) { Exit::Fail } else { Exit::Pass }
}

/// Runs what is not done yet. The answer is about what was asked for, not about all that lies in the folder.
fn run(args: &Args) -> Result<(Vec<Cell>, String, PathBuf), Failure> {
    let library = crate::library()?;
    let zoo = args.zoo.then_some(if args.cut { Zoo::Cut } else { Zoo::Whole });
    let inputs = Inputs::read(&library, &args.batteries, &args.rigs, zoo)?;
    let folder = args
        .out
        .clone()
        .unwrap_or_else(|| library.root().join("reports").join(format!("matrix-{}", inputs.made_by.short())));
    let asked = inputs.cells(args.seeds.unwrap_or(if args.cut { ONE_DRAW } else { FIFTY }), args.shard);
    pages::write_batteries(&folder, &inputs.made)?;
    let mut store = Store::open(&folder, args.shard, &inputs.made_by)?;
    let done = store.cells()?;
    let left: Vec<_> = asked.iter().filter(|key| !done.contains_key(&inputs.name(key))).copied().collect();
    let jobs = crate::console::threads(args.jobs);
    let mut progress = Progress::new(left.len(), args.quiet);
    let played = play(&inputs, &left, (jobs, args.fail_fast), &mut store, |cell| progress.done(cell));
    progress.finish();
    played?;
    // Read back, so that the answer is made of what is kept, and the same for a run that was stopped in between.
    let mut all = store.cells()?;
    let cells = asked.iter().filter_map(|key| all.remove(&inputs.name(key))).collect();
    Ok((cells, inputs.made_by.to_string(), folder))
}

/// Reads what was run before, here or elsewhere.
fn merge(args: &Args) -> Result<(Vec<Cell>, String, PathBuf), Failure> {
    let Some(folder) = args.out.clone() else {
        return Err(Failure::usage(
            "--merge: where shall the report go? Name a folder with --out, such as --out merged; those that are \
             put together stay as they are",
        ));
    };
    let (cells, made_by) = merged(&args.merge)?;
    let wanted = |cell: &Cell| args.batteries.has(&cell.battery) && args.rigs.has(&cell.rig);
    Ok((cells.into_values().filter(wanted).collect(), made_by, folder))
}
