//! `busbar run`: suites on a rig, a verdict for each requirement, a folder of evidence.

use std::collections::VecDeque;
use std::io::{BufReader, IsTerminal as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use ::judge::verdict::Outcome;
use clap::ValueEnum;
use engine::suite::{Case, Suite};
use evidence::certificate::{ORDER, Order};
use evidence::events::Begun;
use evidence::folder::{InputFile, Place, RunFolder, WIRE};
use evidence::gaps::Demand;
use evidence::plan::plan;
use evidence::run::{Run, RunMeta};
use files::live::{CanPlace, OperatorPlace};
use files::{InputError, Library, RigFile};
use lab::live::Lab;
use lab::operator::Terminal;
use proto::quantity::Micros;
use report::terminal::{Style, table};
use session::attempt::{attempt, attempt_in};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use sim::Simulation;

use crate::evidence::{Evidence, To, Writer};
use crate::progress::Progress;
use crate::{Exit, Failure, certify, load, recorded};

/// What to run, on what.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Suites or cases, such as `feed-in` or `feed-in/load-steps`; all without one
    #[arg(value_name = "SUITE|CASE")]
    pub(crate) cases: Vec<String>,
    /// The rig, by name or file
    #[arg(long, default_value = "simulated")]
    pub(crate) rig: String,
    /// The battery, by name or file
    #[arg(long, default_value = "reference")]
    pub(crate) battery: String,
    /// Seed of everything random on a simulated rig
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// The seed also draws the numbers that the rig file has ranges for under `sweep:`, as `matrix` does
    #[arg(long)]
    pub(crate) sweep: bool,
    /// Where run folders go
    #[arg(long, value_name = "FOLDER")]
    pub(crate) out: Option<PathBuf>,
    /// What to print on standard output
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: Format,
    /// How long to wait for a rig that somebody else uses, such as `10m`
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = humantime::parse_duration)]
    pub(crate) wait: Duration,
    /// No progress
    #[arg(long, short)]
    pub(crate) quiet: bool,
    /// What the folder is called after instead of the cases
    #[arg(skip)]
    pub(crate) scope: Option<String>,
    /// what is to be certified for whom; what is undecided is then tried a second time, in the same run
    #[arg(skip)]
    pub(crate) order: Option<Order>,
}

/// What goes to standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// the table
    Text,
    /// the bytes of `verdicts.json`
    Json,
}

/// Cases of one run follow each other on its time axis with this much between them.
const PAUSE: Micros = Micros::from_secs(60);

/// What came of a run.
pub(crate) struct Played {
    pub(crate) run: Run,
    /// its folder
    pub(crate) folder: PathBuf,
    /// somebody wanted it to end
    pub(crate) stopped: bool,
    /// whether the rig is known to be off
    pub(crate) off: Result<(), String>,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let library = load::library()?;
    let Played { run, folder, off, .. } = play(&library, args)?;
    crate::answer(&shown(&run, args.format, Some(&library.shown(&folder.join("report.html")))))?;
    crate::golden::after_run(&library, &run, &library.shown(&folder));
    off.map_err(|message| Failure { exit: Exit::Inconclusive, message })?;
    Ok(recorded::exit(&run))
}

/// Runs the cases and leaves a folder of evidence.
pub(crate) fn play(library: &Library, args: &Args) -> Result<Played, Failure> {
    let rig = load::rig(library, &args.rig)?;
    let rig = if args.sweep { rig.swept(args.seed) } else { rig };
    let battery = load::battery(library, &args.battery)?;
    let simulation = Simulation::of(&rig, &battery).map_err(InputError::from)?;
    let simulation = simulation.map(|file| if args.sweep { file.swept(args.seed) } else { file });
    let mut lab = lab(&rig, library)?;
    let (suites, hashes) = load::suites(library)?;
    let cases = load::select(&suites, &args.cases)?;
    let planned = |suite: &Suite, case: &Case| {
        plan(case, &rig, &battery)
            .map_err(|error| Failure { exit: Exit::Input, message: error.told(&suite.file) })
    };
    let mut plan = VecDeque::new();
    for (suite, case) in cases {
        plan.push_back((suite, case, planned(suite, case)?));
    }

    #[cfg(unix)]
    let guard = match &mut lab {
        Some(lab) => Some(crate::guard::put_before(lab, &rig, &args.rig, args.wait)?),
        None => None,
    };
    let silent = rig.live.as_ref().and_then(|live| live.psu.as_ref()?.silent_for());
    if let (Some(span), false) = (silent, args.quiet) {
        crate::warn(&format!(
            "the supply is first kept silent for {}, its output off, to see its watchdog trip",
            span.span()
        ));
    }

    if !rig.unwatched.is_empty() && !args.quiet {
        let names = rig.unwatched.join(", ");
        crate::warn(&format!(
            "nothing tells whether these limits of the rig are kept (`unwatched:`): {names}"
        ));
    }

    let failed = |error: evidence::folder::FolderError| Failure {
        exit: Exit::Inconclusive,
        message: error.to_string(),
    };
    let out = args.out.clone().unwrap_or_else(|| library.root().join("reports"));
    let scope = args.scope.clone().unwrap_or_else(|| args.cases.join("+").replace('/', "-"));
    let begun = Begun {
        harness: env!("CARGO_PKG_VERSION").to_owned(),
        commit: env!("BUSBAR_COMMIT").to_owned(),
        rig: rig.rig.clone(),
        battery: battery.declared.name.clone(),
        seed: args.seed,
        sweep: args.sweep,
        interface: interface(&rig),
        epoch: Micros::ZERO,
        cases: plan.len(),
        whole: args.cases.is_empty(),
    };
    let mut inputs = load::inputs(library, (&args.rig, &rig), &args.battery)?;
    inputs.extend(args.order.as_ref().map(order_file));
    let mut folder = RunFolder::create(&Place {
        parent: &out,
        scope: Some(scope.as_str()).filter(|s| !s.is_empty()),
        begun: &begun,
        inputs: &inputs,
    })
    .map_err(failed)?;

    #[cfg(unix)]
    if let Some(guard) = &guard {
        guard.record_in(&folder.path().join(WIRE));
    }
    let (clock, started) = (Instant::now(), SystemTime::now());
    let progress = Progress::new(plan.len(), args.quiet);
    let mut results = Vec::with_capacity(plan.len());
    let mut began = Micros::ZERO;
    let mut said = load::Said::default();
    let mut undecided = Vec::new();
    let mut seed = args.seed;
    loop {
        let Some((suite, case, planned)) = plan.pop_front() else {
            // What was undecided is tried once more, as long as nobody wants it to end.
            let stopped = lab.as_ref().is_some_and(|lab| lab.stop().load(Ordering::Relaxed));
            if undecided.is_empty() || stopped {
                break;
            }
            for (suite, case) in std::mem::take(&mut undecided) {
                crate::warn(&format!("undecided, once more: {}", load::full_name(suite, case)));
                plan.push_back((suite, case, planned(suite, case)?));
            }
            // A simulated rig repeats itself to the bit with the seed of the first try.
            seed = seed.wrapping_add(1);
            continue;
        };
        let name = load::full_name(suite, case);
        folder.begin_case(&suite.name, &case.name, began);
        #[cfg(unix)]
        if let Some(guard) = &guard {
            guard.opens(began);
        }
        let progress = &progress;
        let attempt = match &lab {
            Some(lab) => {
                let mut writer = Writer::start(folder, lab.stop().clone()).map_err(|error| Failure {
                    exit: Exit::Inconclusive,
                    message: format!("cannot start the thread that writes evidence: {error}"),
                })?;
                let to = To::Writer(&mut writer);
                let attempt = attempt_in(lab, planned, &mut Evidence { to, progress, case: &name });
                folder = writer.end().map_err(failed)?;
                attempt
            }
            None => {
                let mut evidence = Evidence { to: To::Folder(&mut folder), progress, case: &name };
                attempt(planned, simulation.as_ref(), (&name, seed), &mut evidence)
            }
        };
        said.keep(&attempt, case, &name);
        let length = attempt.length;
        let result = load::result(suite, case, attempt, began, &results);
        folder.end_case(&result).map_err(failed)?;
        progress.done(&result);
        let open = result.tried && result.outcome == Outcome::Inconclusive;
        if args.order.is_some() && result.attempt == 1 && open {
            undecided.push((suite, case));
        }
        began = Micros((began + length).0.next_multiple_of(1_000_000)) + PAUSE;
        results.push(result);
    }
    progress.finish();
    // Before the evidence is sealed: what the guard had to do belongs to it.
    let off = lab.as_ref().map_or(Ok(()), Lab::close);
    if off.is_ok() && !args.quiet && rig.live.as_ref().is_some_and(|live| live.psu.is_some()) {
        crate::warn("the supply is off, as it was read back");
    }

    let mut meta = recorded::meta(&begun, &rig, &battery, (&suites, hashes), said);
    meta.rig.last_resort = recorded::last_resort(&rig, folder.path());
    let started = humantime::format_rfc3339_seconds(started).to_string();
    let of = (folder.path(), Some(started.as_str()));
    let certificate = args.order.as_ref().map(|order| certify::certificate(order, &rig, &battery.title, of));
    if certificate.is_some() {
        meta.demand = Demand::Certificate;
    }
    let run = Run {
        meta: RunMeta {
            id: folder.id(),
            started: Some(started),
            // As the manifest keeps it, so that it is rendered again the same.
            took: Some(Duration::from_millis(u64::try_from(clock.elapsed().as_millis()).unwrap_or(u64::MAX))),
            certificate,
            ..meta
        },
        cases: results,
    };
    let folder = folder.finish(&run.meta, &report::conclusions(&run)).map_err(|error| {
        let mut failure = failed(error);
        // Whatever else is wrong: this comes first.
        if let Err(why) = &off {
            failure.message = format!("{why}\n{}", failure.message);
        }
        failure
    })?;
    let stopped = lab.is_some_and(|lab| lab.stop().load(Ordering::Relaxed));
    Ok(Played { run, folder, stopped, off })
}

/// The CAN interface as `can.log` names it: that of the kernel, or the first where it has none of a name.
fn interface(rig: &RigFile) -> String {
    match rig.live.as_ref().map(|live| &live.can) {
        Some(CanPlace::Interface(name)) => name.clone(),
        Some(CanPlace::Slcan(_)) | None => "can0".to_owned(),
    }
}

/// The order of a certification as the run folder keeps it.
fn order_file(order: &Order) -> InputFile {
    let text = serde_json::to_string_pretty(order).expect("a plain struct serialises") + "\n";
    InputFile { path: ORDER.to_owned(), content: text.into_bytes() }
}

/// What a run prints.
pub(crate) fn shown(run: &Run, format: Format, report: Option<&str>) -> String {
    match format {
        Format::Json => report::json::verdicts(run),
        Format::Text => table(run, &style(report)),
    }
}

/// The real rig, where it is one. Signals to end then end the case that runs, which switches everything off.
fn lab(rig: &RigFile, library: &Library) -> Result<Option<Lab>, Failure> {
    let Some(live) = &rig.live else { return Ok(None) };
    let failed = |what: &str, error: std::io::Error| Failure {
        exit: Exit::Inconclusive,
        message: format!("cannot {what}: {error}"),
    };
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, stop.clone())
            .map_err(|error| failed("listen for signals", error))?;
    }
    let terminal = match live.operator {
        OperatorPlace::Terminal { timeout } => {
            let typed = Box::new(BufReader::new(std::io::stdin()));
            let terminal = Terminal::new(Box::new(std::io::stderr()), typed, timeout);
            Some(terminal.map_err(|error| failed("listen to the terminal", error))?)
        }
        OperatorPlace::None | OperatorPlace::Tcp { .. } => None,
    };
    Ok(Lab::new(rig, library, terminal, stop)?)
}

/// Colour and width of the terminal; neither where there is none.
fn style(report: Option<&str>) -> Style<'_> {
    let terminal = std::io::stdout().is_terminal();
    let colour = terminal && std::env::var_os("NO_COLOR").is_none();
    let width = terminal_size::terminal_size().map_or(100, |(columns, _)| usize::from(columns.0));
    Style { width, colour, report }
}
