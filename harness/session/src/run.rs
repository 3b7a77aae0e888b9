//! Cases on a rig, with what was undecided tried once more; each run leaves a folder of evidence.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use engine::suite::{Case, Suite};
use evidence::against;
use evidence::certificate::{ORDER, Order};
use evidence::events::Begun;
use evidence::folder::{InputFile, Place, RunFolder};
use evidence::meta::{Kept, MadeFrom};
use evidence::names::WIRE;
use evidence::run::{CaseResult, Run};
use evidence::said::Said;
use files::live::{CanPlace, OperatorPlace};
use files::{Library, RigFile, Suites, full_name};
use judge::identify::identify;
use judge::verdict;
use lab::live::Lab;
use proto::quantity::Micros;

use crate::attempt::attempt_in;
use crate::writer::{Begins, Evidence, To, Writer};
use crate::{Console, Entry, Error, Progress, Setup};

/// What to run, on what.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// suites or cases, such as `feed-in` or `feed-in/load-steps`, or paths of suites; all without one
    pub cases: Vec<String>,
    /// the rig, by name or file
    pub rig: String,
    /// the battery, by name or file
    pub battery: String,
    /// seed of everything random on a simulated rig
    pub seed: u64,
    /// the seed also draws the numbers that the rig file has ranges for under `sweep:`
    pub sweep: bool,
    /// where run folders go; `reports` of the project without it
    pub out: Option<PathBuf>,
    /// what the folder is called after; the cases that were named without it
    pub scope: Option<String>,
    /// how long to wait for a rig that somebody else uses
    pub wait: Duration,
    /// what is done about cases that stayed undecided
    pub retry: Retry,
    /// what is to be certified for whom, where it is
    pub order: Option<Order>,
    /// commit that this program was built from; empty where it does not know
    pub commit: &'static str,
}

/// What is done about cases that were tried and stayed undecided. They are tried once more, and no more often: a simulated
/// rig with the next seed, for it repeats itself to the bit with the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Retry {
    /// nothing
    #[default]
    Never,
    /// they are tried again in the same run: its one folder holds every attempt
    SameRun,
    /// they are tried again in a run of their own, with everything switched off and opened anew
    NextRun,
}

/// What came of what was asked for.
#[derive(Debug)]
pub struct Outcome {
    /// the run
    pub played: Played,
    /// the next one, of what had stayed undecided, where it was to be repeated so; what ends it is told with what came of
    /// the first
    pub again: Option<Result<Played, Error>>,
}

/// A run that came to its end.
#[derive(Debug)]
pub struct Played {
    /// what came out
    pub run: Run,
    /// its folder
    pub folder: PathBuf,
    /// whether the rig is known to be off
    pub off: Result<(), String>,
    /// somebody wanted it to end
    pub stopped: bool,
}

/// Cases, each with its suite.
type Cases<'a> = Vec<(&'a Suite, &'a Case)>;

/// Simulated cases of one run follow each other on its time axis with this much between them.
const PAUSE: Micros = Micros::from_secs(60);

/// Runs the cases. Everything is read, validated and planned before anything is switched on.
///
/// # Errors
/// When nothing could be run, or evidence could not be written.
pub fn run(library: &Library, asked: &Asked, console: &Arc<dyn Console>) -> Result<Outcome, Error> {
    let library = &library.with_suites(&asked.cases);
    let setup = Setup::read(library, &asked.rig, &asked.battery)?;
    let setup = if asked.sweep { setup.swept(asked.seed) } else { setup };
    let suites = library.read_suites()?;
    let ready = Ready { library, asked, console, setup: &setup, suites: &suites };
    let mut left = suites.select(&asked.cases)?;
    for broken in &suites.broken {
        console.warn(&format!("a suite file cannot be read, its cases are left out: {}", broken.error));
    }
    let mut recorder = ready.play(None, &mut left, true)?;
    if asked.retry == Retry::SameRun && !left.is_empty() && !recorder.is_stopped() {
        ready.told_again("", &left);
        recorder = ready.play(Some(recorder), &mut left, false)?;
    }
    let played = recorder.finish()?;
    // Told to end, or a rig that is not known to be off: nothing is switched on again.
    let next = asked.retry == Retry::NextRun && !left.is_empty() && !played.stopped && played.off.is_ok();
    let again = next.then(|| {
        let real = setup.rig.live.is_some();
        let how = if real { " with everything switched off and opened anew" } else { " with the next seed" };
        ready.told_again(how, &left);
        ready.play(None, &mut left, false)?.finish()
    });
    Ok(Outcome { played, again })
}

/// What was asked for, and everything that it takes.
#[derive(Clone, Copy)]
struct Ready<'a> {
    library: &'a Library,
    asked: &'a Asked,
    console: &'a Arc<dyn Console>,
    setup: &'a Setup,
    suites: &'a Suites,
}

impl<'a> Ready<'a> {
    fn told_again(&self, how: &str, cases: &[(&Suite, &Case)]) {
        let names: Vec<String> = cases.iter().map(|(suite, case)| full_name(suite, case)).collect();
        self.console.warn(&format!("undecided, once more{how}: {}", names.join(", ")));
    }

    /// Plays the cases that are left in the run that is open, or in a new one. What stays undecided is left then.
    fn play(
        &self,
        open: Option<Recorder<'a>>,
        left: &mut Cases<'a>,
        first: bool,
    ) -> Result<Recorder<'a>, Error> {
        let asked = self.asked;
        let seed = if first { asked.seed } else { asked.seed.wrapping_add(1) };
        let entries = self.setup.plan(core::mem::take(left))?;
        self.setup.anew();
        let recorder = match open {
            Some(recorder) => recorder,
            None => {
                // Of a path what the file is called.
                let word = |word: &String| {
                    word.strip_suffix(".yaml").map_or_else(
                        || word.replace('/', "-"),
                        |path| path.rsplit('/').next().unwrap_or(path).to_owned(),
                    )
                };
                let named = || asked.cases.iter().map(word).collect::<Vec<_>>().join("+");
                let scope = asked.scope.clone().unwrap_or_else(named);
                let (scope, whole) = match first {
                    true => (scope, asked.cases.is_empty()),
                    false => (format!("{scope}-again"), false),
                };
                Recorder::open(*self, (&scope, whole, seed), entries.len())?
            }
        };
        let (recorder, undecided) = recorder.play(entries, seed)?;
        *left = undecided;
        Ok(recorder)
    }

    /// The real rig, where it is one.
    fn lab(&self, stop: Arc<AtomicBool>) -> Result<Option<Lab>, Error> {
        let Some(live) = &self.setup.rig.live else { return Ok(None) };
        let terminal = match live.operator {
            OperatorPlace::Terminal { timeout } => {
                let terminal = self.console.operator(timeout);
                Some(terminal.map_err(Error::system("listen to the terminal"))?)
            }
            OperatorPlace::None | OperatorPlace::Tcp { .. } => None,
        };
        Ok(Lab::new(&self.setup.rig, self.library, terminal, stop)?)
    }

    /// Copies of all files that the run is made from.
    fn inputs(&self) -> Result<Vec<InputFile>, Error> {
        let (library, asked) = (self.library, self.asked);
        let supply = self.setup.rig.live.as_ref().and_then(|live| live.psu.as_ref());
        let profile = supply.map(|psu| psu.profile.as_str());
        let files = library.inputs(&library.rig(&asked.rig)?, profile, &library.battery(&asked.battery)?)?;
        let order = asked.order.as_ref().map(|order| (ORDER.to_owned(), order.text()));
        let input = |(path, text): (String, String)| InputFile { path, content: text.into_bytes() };
        Ok(files.into_iter().chain(order).map(input).collect())
    }
}

/// A run that is being recorded.
struct Recorder<'a> {
    ready: Ready<'a>,
    begun: Begun,
    lab: Option<Lab>,
    /// somebody wants it to end
    stop: Arc<AtomicBool>,
    folder: RunFolder,
    progress: Box<dyn Progress>,
    clock: Instant,
    started: SystemTime,
    results: Vec<CaseResult>,
    said: Said,
    /// when the next case begins, on a real rig at the earliest
    began: Micros,
}

impl<'a> Recorder<'a> {
    /// Takes the rig, and opens a folder. So many cases are known.
    fn open(ready: Ready<'a>, (scope, whole, seed): (&str, bool, u64), cases: usize) -> Result<Self, Error> {
        let Ready { library, asked, console, setup: Setup { rig, battery, .. }, .. } = ready;
        let stop = console.stop().map_err(Error::system("listen for signals"))?;
        let mut lab = ready.lab(stop.clone())?;
        #[cfg(unix)]
        let guard = match &mut lab {
            Some(lab) => crate::guarded::put_before(lab, rig, (&asked.rig, asked.wait), console)?,
            None => None,
        };
        if let Some(span) = rig.live.as_ref().and_then(|live| live.psu.as_ref()?.silent_for()) {
            console.tell(&format!(
                "the supply is first kept silent for {}, its output off, to see its watchdog trip",
                span.span()
            ));
        }
        if !rig.unwatched.is_empty() {
            let names = rig.unwatched.join(", ");
            console.tell(&format!(
                "nothing tells whether these limits of the rig are kept (`unwatched:`): {names}"
            ));
        }
        let (clock, started) = (Instant::now(), SystemTime::now());
        // Where the rig is as fast as the clock, its times are those of the calendar.
        let is_of_the_day = rig.live.as_ref().is_some_and(|live| live.speed == 1);
        let since_1970 = started.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_micros();
        let begun = Begun {
            harness: env!("CARGO_PKG_VERSION").to_owned(),
            commit: asked.commit.to_owned(),
            rig: rig.rig.clone(),
            battery: battery.declared.name.clone(),
            seed,
            sweep: asked.sweep,
            interface: interface(rig),
            epoch: if is_of_the_day { Micros(u64::try_from(since_1970).unwrap_or(0)) } else { Micros::ZERO },
            cases,
            whole,
            challenge: asked.order.as_ref().and_then(|order| order.challenge.clone()),
            merged: Vec::new(),
        };
        let out = asked.out.clone().unwrap_or_else(|| library.root().join("reports"));
        let folder = RunFolder::create(&Place {
            parent: &out,
            scope: Some(scope).filter(|scope| !scope.is_empty()),
            begun: &begun,
            inputs: &ready.inputs()?,
        })?;
        #[cfg(unix)]
        if let Some(guard) = &guard {
            guard.record_in(&folder.path().join(WIRE));
            guard.begins();
        }
        Ok(Self {
            begun,
            lab,
            stop,
            folder,
            clock,
            started,
            progress: console.progress(cases),
            results: Vec::with_capacity(cases),
            said: Said::default(),
            began: Micros::ZERO,
            ready,
        })
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Plays cases, and says which of them were tried and stayed undecided.
    fn play(mut self, entries: Vec<Entry<'a>>, seed: u64) -> Result<(Self, Cases<'a>), Error> {
        let mut undecided = Vec::new();
        let speed = self.ready.setup.rig.live.as_ref().map_or(1, |live| live.speed);
        for entry in entries {
            let (name, Entry { suite, case, planned }) = (entry.name(), entry);
            let progress = self.progress.as_ref();
            let attempt = match &self.lab {
                Some(lab) => {
                    let mut writer = Writer::start(self.folder, lab.stop().clone())
                        .map_err(Error::system("start the thread that writes evidence"))?;
                    let begins = Begins::WithEvidence {
                        run: self.clock,
                        speed,
                        after: self.began,
                        suite: &suite.name,
                        case: &case.name,
                    };
                    let to = To::Writer(&mut writer);
                    let mut evidence = Evidence { to, progress, case: &name, begins };
                    let attempt = attempt_in(lab, planned, &mut evidence);
                    self.began = evidence.began(Micros::ZERO);
                    self.folder = writer.end()?;
                    attempt
                }
                None => {
                    self.folder.begin_case(&suite.name, &case.name, self.began);
                    let to = To::Folder(&mut self.folder);
                    let mut evidence = Evidence { to, progress, case: &name, begins: Begins::At(self.began) };
                    self.ready.setup.attempt_until(&self.stop, planned, &name, seed, &mut evidence)
                }
            };
            self.said.keep(&attempt, case, &name);
            let result = attempt.into_result((suite, case), self.began, &self.results);
            self.folder.end_case(&result)?;
            self.progress.done(&result);
            if result.tried && result.outcome == verdict::Outcome::Inconclusive {
                undecided.push((suite, case));
            }
            let ended = self.began + result.length;
            self.began = match self.lab {
                Some(_) => ended + Micros(1),
                None => Micros(ended.0.next_multiple_of(1_000_000)) + PAUSE,
            };
            self.results.push(result);
        }
        Ok((self, undecided))
    }

    /// Gives the rig back, and concludes.
    fn finish(self) -> Result<Played, Error> {
        let Ready { asked, console, setup: Setup { rig, battery, .. }, suites, .. } = self.ready;
        self.progress.finish();
        // Before the evidence is sealed: what the guard had to do belongs to it.
        let off = self.lab.as_ref().map_or(Ok(()), Lab::close);
        // Where no word went to it, nothing was read back.
        let spoken = std::fs::metadata(self.folder.path().join(WIRE)).is_ok_and(|wire| wire.len() > 0);
        if off.is_ok() && spoken && rig.live.as_ref().is_some_and(|live| live.psu.is_some()) {
            console.tell("the supply is off: its own reading says so");
        }
        // As the manifest keeps it, so that it is rendered again the same.
        let took = u64::try_from(self.clock.elapsed().as_millis()).unwrap_or(u64::MAX);
        let kept = Kept {
            folder: self.folder.path(),
            id: self.folder.id(),
            started: Some(humantime::format_rfc3339_seconds(self.started).to_string()),
            took: Some(Duration::from_millis(took)),
        };
        let from = MadeFrom { begun: &self.begun, rig, battery, suites, order: asked.order.as_ref() };
        let mut run = Run { meta: from.meta(self.said, kept), cases: self.results };
        evidence::inner::read(self.folder.path(), &mut run.cases);
        run.meta.law = identify(run.cases.iter().map(|case| &case.trace), &battery.declared);
        run.meta.held =
            against::held(against::Evidence { folder: self.folder.path(), rig, battery, run: &run });
        let folder = self.folder.finish(&run.meta, &report::conclusions(&run));
        let folder = folder.map_err(|error| match &off {
            Ok(()) => Error::from(error),
            // Whatever else is wrong: this comes first.
            Err(why) => Error::NotOff { why: why.clone(), then: Box::new(error.into()) },
        })?;
        let stopped = self.stop.load(Ordering::Relaxed);
        Ok(Played { run, folder, off, stopped })
    }
}

/// The CAN interface as `can.log` names it: that of the kernel, or the first where it has none of a name.
fn interface(rig: &RigFile) -> String {
    match rig.live.as_ref().map(|live| &live.can) {
        Some(CanPlace::Interface(name)) => name.clone(),
        Some(CanPlace::Slcan(_)) | None => "can0".to_owned(),
    }
}
