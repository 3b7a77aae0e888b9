//! `busbar golden`: the CVL of a battery kept, and later runs held against it.

mod compare;

use std::path::PathBuf;

use clap::Subcommand;
use judge::tube::Tolerance;
use proto::quantity::{Micros, Volts};

pub(crate) use compare::after_run;

use crate::{Exit, Failure};

/// Golden traces: keep them, compare with them.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Keep the CVL of a battery in its cases as golden; several runs of it tell the tolerance
    Accept(Accept),
    /// Hold a run against the golden traces of its battery
    Compare(Compare),
}

#[derive(Debug, clap::Args)]
struct Accept {
    /// Folders of runs of one battery; the first gives the traces
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<PathBuf>,
    /// Why this is how the battery should behave
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Who says so
    #[arg(long, value_name = "NAME")]
    by: String,
    /// Only this case, such as `feed-in/load-steps`; may be given several times
    #[arg(long = "case", value_name = "SUITE/CASE")]
    cases: Vec<String>,
    /// A wider tolerance of CVL than the runs are apart, such as `0.3 V`
    #[arg(long, value_name = "VOLTAGE")]
    cvl: Option<Volts>,
    /// A longer lead or lag than the runs have, such as `20 s`
    #[arg(long, value_name = "TIME")]
    lag: Option<Micros>,
    /// Take the place of golden traces that are there
    #[arg(long)]
    replace: bool,
}

#[derive(Debug, clap::Args)]
struct Compare {
    /// Folder of a run, such as `reports/latest`
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// The page with the traces and their tubes; without it `reports/golden/<run>.html`
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

pub(crate) fn golden(args: &Args) -> Result<Exit, Failure> {
    match &args.verb {
        Verb::Accept(args) => accept(args),
        Verb::Compare(args) => compare::compare(&args.run, args.html.as_deref()),
    }
}

fn accept(args: &Accept) -> Result<Exit, Failure> {
    let library = crate::library()?;
    let asked = session::golden::Accept {
        runs: args.runs.clone(),
        reason: args.reason.clone(),
        by: args.by.clone(),
        cases: args.cases.clone(),
        cvl: args.cvl,
        lag: args.lag,
        replace: args.replace,
    };
    let mut told = String::new();
    for (path, file) in session::golden::accept(&library, &asked)? {
        let (runs, enough) = (file.info.runs.len(), Tolerance::ENOUGH);
        let few = match runs < enough {
            true => format!("so few widen it, {enough} are enough"),
            false => "enough".to_owned(),
        };
        let spread = match file.info.spread {
            Some(spread) => format!("rests on {runs} runs that are {spread} apart: {few}"),
            None => format!("rests on one run, which tells no spread: {enough} would be enough"),
        };
        told += &format!("{}: within {}; {spread}\n", crate::from_here(&path), file.info.tolerance);
    }
    crate::answer(&told)?;
    Ok(Exit::Pass)
}
