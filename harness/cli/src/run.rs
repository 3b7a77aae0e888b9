//! `busbar run`: suites on a rig, a verdict for each requirement, a folder of evidence.

use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::time::Duration;

use clap::ValueEnum;
use evidence::run::Run;
use judge::failure;
use report::terminal::{Style, table};
use session::{Asked, Played};

use crate::console::{shown_on, timed};
use crate::{Exit, Failure};

/// What to run, on what.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Suites or cases, such as `feed-in` or `feed-in/load-steps`, or the path of a suite, such as `my-suite.yaml`; all without one
    #[arg(value_name = "SUITE|CASE|FILE")]
    cases: Vec<String>,
    /// The rig, by name or file; the simulated one of the battery's system voltage without it
    #[arg(long)]
    rig: Option<String>,
    /// The battery, by name or file
    #[arg(long, default_value = "reference")]
    battery: String,
    /// Seed of everything random on a simulated rig
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The seed also draws the numbers that the rig file has ranges for under `sweep:`, as `matrix` does
    #[arg(long)]
    sweep: bool,
    /// Where run folders go
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// What to print on standard output
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Write JUnit for CI to this file too, with the times of the wall; `junit.xml` of the run folder has those of the rig
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// How long to wait for a rig that somebody else uses, such as `10m`
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = humantime::parse_duration)]
    wait: Duration,
    /// No progress
    #[arg(long, short)]
    quiet: bool,
}

/// What goes to standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// the table
    Text,
    /// the bytes of `verdicts.json`
    Json,
}

/// The commit that this program was built from.
pub(crate) const COMMIT: &str = env!("BUSBAR_COMMIT");

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let library = crate::library()?;
    let rig = crate::rig_of(&library, args.rig.as_deref(), &args.battery)?;
    let asked = Asked {
        cases: args.cases.clone(),
        rig,
        battery: args.battery.clone(),
        seed: args.seed,
        sweep: args.sweep,
        out: args.out.clone(),
        wait: args.wait,
        commit: COMMIT,
        ..Asked::default()
    };
    let (console, watch) = timed(args.quiet);
    let Played { run, folder, off, stopped } = session::run(&library, &asked, &console)?.played;
    if stopped {
        told_stopped(&folder);
    }
    if let Some(file) = &args.junit {
        let took = watch.lock().unwrap_or_else(PoisonError::into_inner);
        std::fs::write(file, report::junit::timed(&run, &took)).map_err(crate::unwritable(file))?;
    }
    let page = crate::from_here(&folder.join("report.html"));
    crate::answer(&shown(&run, args.format, Some(&page), args.again(&run).as_deref()))?;
    crate::golden::after_run(&library, &run, &crate::from_here(&folder));
    off.map_err(Failure::open)?;
    Ok(run.outcome().into())
}

/// That somebody wanted the run to end, and where what there is of it lies.
pub(crate) fn told_stopped(folder: &Path) {
    let folder = crate::from_here(folder);
    crate::warn(&format!(
        "{}; what was measured until then, and what was decided by it, is in {folder}",
        failure::Failure::STOPPED
    ));
}

impl Args {
    /// What runs a case of this run again, but for its name; nothing where a suite was named that lies elsewhere, for then the
    /// name alone says nothing.
    fn again(&self, run: &Run) -> Option<String> {
        let elsewhere = |word: &String| word.ends_with(".yaml") || word.ends_with(".yml");
        let out = self.out.as_ref().map(|out| out.display().to_string());
        let more = Again { sweep: self.sweep, out: out.as_deref() };
        let again = again(run, self.rig.as_deref(), &self.battery, more);
        (!self.cases.iter().any(elsewhere)).then_some(again)
    }
}

/// What a run was told beside rig, battery and seed.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Again<'a> {
    pub(crate) sweep: bool,
    pub(crate) out: Option<&'a str>,
}

/// The command that runs a case of a run again, but for its name. On a real rig a seed means nothing.
pub(crate) fn again(run: &Run, rig: Option<&str>, battery: &str, more: Again<'_>) -> String {
    let option = |name: &str, value: &str| format!(" {name} {}", crate::quoted(value));
    let mut command = "busbar run".to_owned();
    command += &rig.map_or(String::new(), |rig| option("--rig", rig));
    command += &option("--battery", battery);
    if run.meta.rig.simulated {
        command += &format!(" --seed {}", run.meta.seed);
    }
    if more.sweep {
        command += " --sweep";
    }
    command + &more.out.map_or(String::new(), |out| option("--out", out))
}

/// What a run prints.
pub(crate) fn shown(run: &Run, format: Format, report: Option<&str>, again: Option<&str>) -> String {
    match format {
        Format::Json => report::json::verdicts(run),
        Format::Text => {
            let (colour, width) = shown_on();
            table(run, &Style { width, colour, report, again })
        }
    }
}
