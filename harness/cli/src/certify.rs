//! `busbar certify`: what certification needs is looked at first, then every case is run, and what came of it is signed.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use ::judge::thresholds::measured;
use evidence::again::again;
use evidence::bundle::key::{self, SigningKey};
use evidence::certificate::{Order, SCHEMA, is_day_up_to};
use evidence::conclusions::conclude;
use evidence::merged::{MergeError, Merged, merge};
use evidence::obstacles::obstacles;
use evidence::run::Run;
use files::RigFile;
use session::{Asked, Played, Retry};

use crate::console::console;
use crate::run::{Again, COMMIT, Format, again as command, shown};
use crate::{Exit, Failure, bundle};

/// What to certify, for whom.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The rig, by name or file; without it the simulated one of the battery's system voltage, for a rehearsal that says so
    #[arg(long)]
    rig: Option<String>,
    /// The battery, by name or file
    #[arg(long, default_value = "reference")]
    battery: String,
    /// The private key of the laboratory, as `busbar keygen` writes it; a rehearsal makes one and throws it away
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Who runs it and answers for it
    #[arg(long, value_name = "NAME")]
    operator: Option<String>,
    /// Who wants to know, and how they are reached
    #[arg(long, value_name = "NAME")]
    customer: Option<String>,
    /// What was handed in, as its label says: maker, type, serial number
    #[arg(long, value_name = "TEXT")]
    item: Option<String>,
    /// The day it was handed in, such as 2026-03-01
    #[arg(long, value_name = "DAY")]
    received: Option<String>,
    /// What `busbar challenge` printed for the customer: its challenge stands in the first event of the run, and whatever
    /// else it says where no option does
    #[arg(long, value_name = "FILE")]
    order: Option<PathBuf>,
    /// Run nothing: put these run folders of several nights together, in their order, and certify what came of them
    #[arg(long, value_name = "RUN", num_args = 1.., conflicts_with = "seed")]
    runs: Vec<PathBuf>,
    /// Seed of everything random on a simulated rig
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where the run folder and the bundle go
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// No progress
    #[arg(long, short)]
    quiet: bool,
}

pub(crate) fn certify(args: &Args) -> Result<Exit, Failure> {
    let library = crate::library()?;
    let rig_name = crate::rig_of(&library, args.rig.as_deref(), &args.battery)?;
    let rig = session::rig(&library, &rig_name)?;
    library.read_suites()?.whole()?;
    let order = ordered(args)?;
    let missing = missing(args, &order, &rig);
    if !missing.is_empty() {
        return Err(Failure::input(format!(
            "nothing was run, for it could not be certified:\n  {}",
            missing.join("\n  ")
        )));
    }
    let key = args.key.as_deref().map_or_else(key::random, key::private).map_err(bundle::of_key)?;
    if !args.runs.is_empty() {
        let (run, folder) = merged(args, &library, &order)?;
        return concluded(args, &run, &folder, &key);
    }
    #[cfg(unix)]
    healthy(args, &library, &rig)?;

    let asked = Asked {
        rig: rig_name,
        battery: args.battery.clone(),
        seed: args.seed,
        out: args.out.clone(),
        scope: Some("certify".to_owned()),
        retry: Retry::SameRun,
        order: Some(order),
        commit: COMMIT,
        ..Asked::default()
    };
    let Played { run, folder, off, stopped } = session::run(&library, &asked, &console(args.quiet))?.played;
    if stopped {
        crate::run::told_stopped(&folder);
    }
    off.map_err(Failure::open)?;
    concluded(args, &run, &folder, &key)
}

/// Runs of several nights as one, concluded.
fn merged(args: &Args, library: &files::Library, order: &Order) -> Result<(Run, PathBuf), Failure> {
    let out = args.out.clone().unwrap_or_else(|| library.root().join("reports"));
    let Merged { folder, started, took_ms, left_out } =
        merge(&args.runs, &out, Some(order)).map_err(|error| match error {
            MergeError::Made(_) | MergeError::File { .. } => Failure::open(error),
            MergeError::Apart { .. } | MergeError::Folder { .. } => Failure::input(error),
        })?;
    for case in left_out {
        crate::warn(&format!("left out, for its run was cut off in it: {case}"));
    }
    let conclude = |run: &Run| conclude(&folder, &run.meta, &report::conclusions(run)).map_err(Failure::open);
    // First the manifest, which alone says when and how long: what is concluded rests on that.
    let mut run = again(&folder)?.run;
    run.meta.started = started;
    run.meta.took = Some(Duration::from_millis(took_ms));
    conclude(&run)?;
    let run = again(&folder)?.run;
    conclude(&run)?;
    Ok((run, folder))
}

/// Prints what came of it and signs it.
fn concluded(args: &Args, run: &Run, folder: &Path, key: &SigningKey) -> Result<Exit, Failure> {
    let page = crate::from_here(&folder.join("report.html"));
    let out = args.out.as_ref().map(|out| out.display().to_string());
    let more = Again { out: out.as_deref(), ..Again::default() };
    let again = command(run, args.rig.as_deref(), &args.battery, more);
    crate::answer(&shown(run, Format::Text, Some(&page), Some(&again)))?;
    let signed = bundle::signed(folder, run, key, None)?;
    let obstacles = obstacles(run);
    let word = match obstacles.as_slice() {
        [] => "Certified".to_owned(),
        obstacles => format!("Not certifiable:\n  {}", obstacles.join("\n  ")),
    };
    crate::answer(&format!("Bundle: {}\n{word}\n", crate::from_here(&signed)))?;
    Ok(match run.outcome().into() {
        // A rehearsal that passed has done what it is for.
        Exit::Pass if !obstacles.is_empty() && !run.meta.rig.simulated => Exit::Inconclusive,
        exit => exit,
    })
}

/// What is to be certified for whom: what the options say, else what the customer's order says.
fn ordered(args: &Args) -> Result<Order, Failure> {
    let given = match &args.order {
        None => Order::default(),
        Some(path) => {
            let text = files::read_text(path)?;
            Order::read(&text).map_err(|why| Failure::input(format!("{}: {why}", path.display())))?
        }
    };
    let said = |option: &Option<String>, given: Option<String>| option.clone().or(given);
    Ok(Order {
        schema: SCHEMA.to_owned(),
        customer: said(&args.customer, given.customer),
        operator: said(&args.operator, given.operator),
        item: said(&args.item, given.item),
        received: said(&args.received, given.received),
        challenge: given.challenge,
        given: given.given,
    })
}

/// What must be known before anything is switched on; a rehearsal needs none of it.
fn missing(args: &Args, order: &Order, rig: &RigFile) -> Vec<String> {
    if rig.is_simulated() {
        return Vec::new();
    }
    let mut missing = Vec::new();
    if args.key.is_none() {
        missing.push("--key: the private key to sign with".to_owned());
    }
    for (option, value, what) in [
        ("--operator", &order.operator, "who runs it"),
        ("--customer", &order.customer, "who wants to know"),
        ("--item", &order.item, "what was handed in"),
        ("--received", &order.received, "when it was handed in"),
    ] {
        if value.as_deref().is_none_or(|text| text.trim().is_empty()) {
            missing.push(format!("{option}: {what}"));
        }
    }
    let today = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let today = today.get(..10).unwrap_or(&today);
    if let Some(day) =
        order.received.as_deref().filter(|day| !day.trim().is_empty() && !is_day_up_to(day, today))
    {
        missing.push(format!("--received: a day up to today, such as {today}; `{day}` is none"));
    }
    match &rig.laboratory {
        None => {
            missing.push("`laboratory:` in the rig file: its name, instruments, uncertainties".to_owned())
        }
        Some(laboratory) => {
            if laboratory.instruments.is_empty() || laboratory.uncertainty.is_empty() {
                missing.push("instruments and uncertainties under `laboratory:` in the rig file".to_owned());
            }
            let stated = |figure: &str| laboratory.uncertainty.iter().any(|stated| stated.figure == figure);
            let guarded = laboratory.decision_rule == files::DecisionRule::GuardBand;
            for (row, with) in measured().filter(|(row, _)| guarded && !stated(row.name)) {
                missing.push(format!(
                    "the uncertainty of {} under `laboratory:`, for the guard band: it rests on {with}",
                    row.name
                ));
            }
            let supply = rig.live.as_ref().is_some_and(|live| live.psu.is_some());
            if supply
                && laboratory
                    .instruments
                    .iter()
                    .all(|instrument| instrument.what != proto::channel::Instrument::Supply.words())
            {
                missing
                    .push("the supply among the instruments under `laboratory:` (`what: supply`)".to_owned());
            }
            missing.extend(laboratory.out_of_calibration(today));
        }
    }
    match rig.site().gx {
        None => missing.push("`gx:` in the rig file: DVCC on, SVS off, and who looked (P 5.5)".to_owned()),
        Some(gx) => missing.extend(gx.fault().map(|fault| format!("the rig file says that {fault} (P 5.5)"))),
    }
    missing
}

/// The doctor finds nothing. What is not well must be put right before a battery is certified on it.
#[cfg(unix)]
fn healthy(args: &Args, library: &files::Library, rig: &RigFile) -> Result<(), Failure> {
    use lab::doctor::{Level, examine};
    use proto::quantity::Micros;
    let battery = session::battery(library, &args.battery)?;
    let findings = examine(rig, &battery, library, Micros::from_secs(3), None)?.unwrap_or_default();
    let unwell: Vec<String> = findings
        .iter()
        .filter(|finding| finding.level != Level::Ok)
        .map(|finding| format!("{}: {}", finding.about.name(), finding.what))
        .collect();
    if unwell.is_empty() {
        return Ok(());
    }
    let message = format!("nothing was run: `busbar doctor` is not content:\n  {}", unwell.join("\n  "));
    Err(Failure::open(message))
}
