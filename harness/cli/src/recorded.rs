//! A run folder judged again: from its raw evidence and the inputs it keeps, nothing else.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::time::Duration;

use engine::suite::Suite;
use evidence::certificate::{ORDER, Order};
use evidence::conclusion;
use evidence::events::Begun;
use evidence::folder::{INPUTS, WIRE};
use evidence::gaps::Demand;
use evidence::manifest::{Kept, plain};
use evidence::replay::Replay;
use evidence::run::{BatteryUnderTest, Rig, Run, RunMeta, SuiteFile};
use files::{BatteryFile, Library, RigFile};
use judge::envelope::PROVEN;
use judge::verdict::Outcome;
use lab::live::WATCHDOG_PROVEN;

use crate::{Exit, Failure, certify, load};

/// A run as it is judged now, and what a person must know of its folder.
pub(crate) struct Again {
    pub(crate) run: Run,
    pub(crate) notes: Vec<String>,
}

/// Judges a run folder again. Nothing in it is written.
pub(crate) fn again(folder: &Path) -> Result<Again, Failure> {
    let wrong = |message: String| Failure { exit: Exit::Input, message };
    let mut replay = Replay::open(folder).map_err(|error| wrong(error.to_string()))?;
    let begun = replay.begun().clone();
    let library = Library::at(&folder.join(INPUTS)).map_err(|_| {
        wrong(format!(
            "{}/{INPUTS} does not hold the suites and rigs that the run was made from: it cannot be judged again",
            folder.display()
        ))
    })?;
    for name in [&begun.rig, &begun.battery] {
        // A path would lead out of the folder, to what the run was not made from.
        if name.is_empty() || name.contains(['/', '\\', '.']) {
            return Err(wrong(format!(
                "{}/events.jsonl: rig and battery are names of files of {INPUTS}, such as `simulated`; `{}` is none",
                folder.display(),
                evidence::text::plain(name)
            )));
        }
    }
    // A name that is missing in the folder is no bad usage.
    let bad = |error: files::InputError| wrong(format!("{}/{INPUTS}: {error}", folder.display()));
    let rig = load::rig(&library, &begun.rig).map_err(bad)?;
    let rig = if begun.sweep { rig.swept(begun.seed) } else { rig };
    replay.polled(rig.bus_polling());
    let battery = load::battery(&library, &begun.battery).map_err(bad)?;
    let (suites, hashes) = load::suites(&library).map_err(bad)?;

    let (mut results, mut said) = (Vec::new(), load::Said::default());
    while let Some(recorded) = replay.next_case().map_err(|error| wrong(error.to_string()))? {
        let name = format!("{}/{}", recorded.suite, recorded.case);
        let found = suites.iter().filter(|suite| suite.name == recorded.suite).find_map(|suite| {
            suite.cases.iter().find(|case| case.name == recorded.case).map(|case| (suite, case))
        });
        let (suite, case) = found.ok_or_else(|| {
            wrong(format!(
                "{0}/events.jsonl tells of {name}, {0}/{INPUTS} holds no such case",
                folder.display()
            ))
        })?;
        let (began, length) = (recorded.began, recorded.length);
        let attempt = conclusion::again(case, &rig, &battery, recorded.recording, length, recorded.broken)
            .map_err(|error| wrong(format!("{}: {error}", rig.rig)))?;
        said.keep(&attempt, case, &name);
        let result = load::result(suite, case, attempt, began, &results);
        results.push(result);
    }
    let kept = Kept::read(folder)
        .map_err(|error| wrong(format!("{}/manifest.json cannot be read: {error}", folder.display())))?;
    let mut notes = notes(folder, &replay, kept.as_ref())?;
    if begun.harness != env!("CARGO_PKG_VERSION") {
        notes.push(format!(
            "the run was made by busbar {}, this is {}: they may judge differently",
            begun.harness,
            env!("CARGO_PKG_VERSION")
        ));
    }
    let mut meta = meta(&begun, &rig, &battery, (&suites, hashes), said);
    meta.rig.last_resort = last_resort(&rig, folder);
    meta.id = folder
        .canonicalize()
        .ok()
        .and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
        .unwrap_or_default();
    if let Some(kept) = kept {
        meta.id = kept.run;
        meta.started = kept.started;
        meta.took = kept.took_ms.map(Duration::from_millis);
    }
    let of = (folder, meta.started.as_deref());
    let certificate = order(folder)?.map(|order| certify::certificate(&order, &rig, &battery.title, of));
    if certificate.is_some() {
        meta.demand = Demand::Certificate;
    }
    meta.certificate = certificate;
    let distinct = results.iter().filter(|result| result.attempt == 1).count();
    if !replay.is_whole() {
        meta.cut_off = Some(format!(
            "the run was cut off: {} of its {} cases had begun",
            results.len(),
            begun.cases.max(results.len())
        ));
    } else if distinct != begun.cases {
        meta.cut_off = Some(format!(
            "the evidence is not whole: events.jsonl began with {} cases and holds {distinct}",
            begun.cases
        ));
    }
    Ok(Again { run: Run { meta, cases: results }, notes })
}

/// What switches the supply off when all else is dead, and whether its watchdog was seen to trip: the folder says.
pub(crate) fn last_resort(rig: &RigFile, folder: &Path) -> String {
    /// The trial stands before the first case.
    const LINES: usize = 10_000;
    let wire = plain(folder, WIRE).and_then(std::fs::File::open).ok();
    let lines =
        wire.into_iter().flat_map(|wire| BufReader::new(wire).lines().take(LINES).map_while(Result::ok));
    let proven = lines.filter_map(|line| {
        let (at, what) = line.strip_prefix("# ")?.split_once(' ')?;
        what.starts_with(WATCHDOG_PROVEN).then(|| at.to_owned())
    });
    rig.last_resort(proven.last().as_deref())
}

/// What was to be certified for whom, where the run was made to certify.
fn order(folder: &Path) -> Result<Option<Order>, Failure> {
    let path = folder.join(INPUTS).join(ORDER);
    if path.symlink_metadata().is_err() {
        return Ok(None);
    }
    let wrong = |why: String| Failure { exit: Exit::Input, message: format!("{}: {why}", path.display()) };
    plain(folder, &format!("{INPUTS}/{ORDER}")).map_err(|error| wrong(error.to_string()))?;
    let text = files::read_text(&path).map_err(|error| wrong(error.to_string()))?;
    serde_json::from_str(&text).map(Some).map_err(|error| wrong(error.to_string()))
}

fn notes<R: std::io::BufRead>(
    folder: &Path,
    replay: &Replay<R>,
    kept: Option<&Kept>,
) -> Result<Vec<String>, Failure> {
    let mut notes: Vec<String> = replay
        .cuts()
        .into_iter()
        .map(|(file, line)| format!("{file}:{line}: the last line was cut off and is left out"))
        .collect();
    let changed = kept.map_or(Ok(Vec::new()), |kept| kept.changed(folder)).map_err(|error| Failure {
        exit: Exit::Input,
        message: format!("{} cannot be read: {error}", folder.display()),
    })?;
    if !changed.is_empty() {
        notes.push(format!("changed since manifest.json was written: {}", changed.join(", ")));
    }
    Ok(notes)
}

/// What a report says of a run beside its cases.
pub(crate) fn meta(
    begun: &Begun,
    rig: &RigFile,
    battery: &BatteryFile,
    (suites, hashes): (&[Suite], Vec<SuiteFile>),
    said: load::Said,
) -> RunMeta {
    let name = battery.declared.name.clone();
    RunMeta {
        title: format!("{name} on {}", rig.title),
        seed: begun.seed,
        rig: Rig {
            name: rig.rig.clone(),
            title: rig.title.clone(),
            simulated: rig.is_simulated()
                || said.instruments.iter().any(|(_, says)| files::is_simulated(says)),
            live: rig.live.is_some(),
            last_resort: rig.last_resort(None),
        },
        battery: BatteryUnderTest {
            name,
            title: battery.title.clone(),
            identity: said.identity,
            pages: said.pages,
            pages_of: said.case,
        },
        harness: begun.harness.clone(),
        commit: begun.commit.clone(),
        instruments: said.instruments,
        doubts: said.doubts,
        suites: hashes,
        demand: if begun.whole { Demand::Whole } else { Demand::Named },
        not_here: rig.not_here.clone().into_iter().collect(),
        every: load::every(suites),
        outside: PROVEN.outside(&battery.declared),
        ..RunMeta::default()
    }
}

/// What a run means for whoever called.
pub(crate) fn exit(run: &Run) -> Exit {
    match run.outcome() {
        Outcome::Pass => Exit::Pass,
        Outcome::Fail => Exit::Fail,
        Outcome::Inconclusive | Outcome::NotApplicable => Exit::Inconclusive,
    }
}
