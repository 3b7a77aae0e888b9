//! Everything a run needs, read and validated whole before anything starts.

use std::path::{Path, PathBuf};

use engine::suite::{Case, Reason, Suite};
use engine::yaml::refuse;
use evidence::conclusion::Attempt;
use evidence::folder::InputFile;
use evidence::run::{CaseResult, PROGRAM, SuiteFile};
use files::{BatteryFile, InputError, Library, RigFile, nearest, read_text};
use judge::portrait::SeenPage;
use judge::thresholds::Thresholds;
use judge::trace::EventKind;
use proto::quantity::Micros;

use crate::{Exit, Failure};

/// The project's folders, from `BUSBAR_HOME` or the current folder upwards.
pub(crate) fn library() -> Result<Library, Failure> {
    let from = match std::env::var_os("BUSBAR_HOME") {
        Some(home) => PathBuf::from(home),
        None => std::env::current_dir().map_err(|error| Failure {
            exit: Exit::Usage,
            message: format!("the current folder cannot be read: {error}"),
        })?,
    };
    Ok(Library::find(&from)?)
}

/// All suites, with the hash of each file.
pub(crate) fn suites(library: &Library) -> Result<(Vec<Suite>, Vec<SuiteFile>), InputError> {
    let mut suites = Vec::new();
    let mut hashes = Vec::new();
    for path in library.suites()? {
        let shown = library.shown(&path);
        let text = read_text(&path)?;
        let suite = Suite::parse(&shown, &text)?;
        if let Some(other) = suites.iter().find(|s: &&Suite| s.name == suite.name) {
            let message = format!("{} is called `{}` already", other.file, suite.name);
            return Err(refuse(&shown, &text, "suite", message, "a name of its own").into());
        }
        suites.push(suite);
        hashes.push(SuiteFile::new(&shown, text.as_bytes()));
    }
    Ok((suites, hashes))
}

/// Copies of all files that a run is made from.
pub(crate) fn inputs(
    library: &Library,
    (rig_name, rig): (&str, &RigFile),
    battery: &str,
) -> Result<Vec<InputFile>, InputError> {
    let profile = rig.live.as_ref().and_then(|live| live.psu.as_ref()).map(|psu| psu.profile.as_str());
    let files = library.inputs(&library.rig(rig_name)?, profile, &library.battery(battery)?)?;
    Ok(files.into_iter().map(|(path, text)| InputFile { path, content: text.into_bytes() }).collect())
}

/// A battery by name or path.
pub(crate) fn battery(library: &Library, name: &str) -> Result<BatteryFile, InputError> {
    let path = library.battery(name)?;
    let battery = library.read_battery(&path)?;
    let (shown, text) = (library.shown(&path), read_text(&path)?);
    called_as_its_file(&path, &shown, &text, "battery", &battery.declared.name)?;
    sim::check_battery(&battery)?;
    Ok(battery)
}

/// A rig by name or path.
pub(crate) fn rig(library: &Library, name: &str) -> Result<RigFile, InputError> {
    let path = library.rig(name)?;
    let rig = library.read_rig(&path)?;
    let (shown, text) = (library.shown(&path), read_text(&path)?);
    called_as_its_file(&path, &shown, &text, "rig", &rig.rig)?;
    sim::check_rig(&rig)?;
    Ok(rig)
}

/// A copied file that keeps the name of its model would file its runs under the name of the other.
fn called_as_its_file(path: &Path, shown: &str, text: &str, key: &str, name: &str) -> Result<(), InputError> {
    match path.file_stem().and_then(|stem| stem.to_str()) {
        Some(stem) if stem != name => {
            let message = format!("the {key} is called `{name}`, its file `{stem}.yaml`");
            Err(refuse(shown, text, key, message, format!("`{stem}`")).into())
        }
        _ => Ok(()),
    }
}

/// The cases that the words select: `suite`, `suite/case` or `case`; all where there are none.
pub(crate) fn select<'a>(
    suites: &'a [Suite],
    words: &[String],
) -> Result<Vec<(&'a Suite, &'a Case)>, InputError> {
    let all: Vec<_> =
        suites.iter().flat_map(|suite| suite.cases.iter().map(move |case| (suite, case))).collect();
    let means = |word: &str, suite: &Suite, case: &Case| {
        word == suite.name || word == case.name || word == full_name(suite, case)
    };
    for word in words {
        if !all.iter().any(|(suite, case)| means(word, suite, case)) {
            let names: Vec<String> = suites
                .iter()
                .flat_map(|s| core::iter::once(s.name.clone()).chain(s.cases.iter().map(|c| full_name(s, c))))
                .collect();
            let nearest = nearest(word, &names);
            return Err(InputError::Unknown { kind: "suite or case", name: word.clone(), nearest });
        }
    }
    Ok(all
        .into_iter()
        .filter(|(suite, case)| words.is_empty() || words.iter().any(|word| means(word, suite, case)))
        .collect())
}

/// What a run keeps of an attempt at a case that began at this time, after what it keeps already.
pub(crate) fn result(
    suite: &Suite,
    case: &Case,
    attempt: Attempt,
    began: Micros,
    before: &[CaseResult],
) -> CaseResult {
    let Attempt { outcome, tried, reason, verdicts, trace, length, .. } = attempt;
    CaseResult {
        suite: suite.name.clone(),
        case: case.name.clone(),
        attempt: 1 + before
            .iter()
            .filter(|other| other.suite == suite.name && other.case == case.name)
            .count(),
        title: case.title.clone(),
        section: case.spec.clone(),
        outcome,
        tried,
        reason,
        file: suite.file.clone(),
        line: case.line,
        began,
        length,
        verdicts,
        trace,
    }
}

/// What one battery may say differently from case to case: a module that is taken out, a name that came too late.
const VARIES: [&str; 2] = ["Name on the GX", "Online capacity, 0x35F"];

/// What a battery said of itself.
#[derive(Debug, Default)]
pub(crate) struct Said {
    pub(crate) identity: Vec<(String, String)>,
    pub(crate) pages: Vec<SeenPage>,
    /// the case of the pages
    pub(crate) case: String,
    /// what instruments said of themselves, each thing once
    pub(crate) instruments: Vec<(String, String)>,
    /// what whoever relies on the run must know
    pub(crate) doubts: Vec<String>,
    /// what the battery first said of itself: what, value, the case
    first: Vec<(String, String, String)>,
}

impl Said {
    /// Keeps the longest account of any case, and its pages; and what is doubtful in the case, which is called `name`.
    pub(crate) fn keep(&mut self, attempt: &Attempt, case: &Case, name: &str) {
        self.milder(case, name);
        self.another(attempt, name);
        if attempt.identity.len() > self.identity.len() {
            self.identity.clone_from(&attempt.identity);
            self.pages.clone_from(&attempt.pages);
            name.clone_into(&mut self.case);
        }
        for event in &attempt.trace.events {
            if let EventKind::Instrument { what, says } = &event.kind {
                let said = (what.clone(), says.clone());
                if !self.instruments.contains(&said) {
                    if *what == PROGRAM && self.instruments.iter().any(|(other, _)| other == what) {
                        self.doubt(format!("not one program: in {name} it is {}", said.1));
                    }
                    self.instruments.push(said);
                }
            }
        }
    }

    /// Limits that the suite makes milder than they are everywhere else.
    fn milder(&mut self, case: &Case, name: &str) {
        for Reason { threshold, value, because } in &case.reasons {
            if Thresholds::default().narrow(threshold, value).is_err() {
                self.doubt(format!("{name} has a milder limit: {threshold} is {value}, because: {because}"));
            }
        }
    }

    /// What stays the same in one battery, and is not what it said before: of each thing the first time.
    fn another(&mut self, attempt: &Attempt, name: &str) {
        for (what, value) in attempt.identity.iter().filter(|(what, _)| !VARIES.contains(&what.as_str())) {
            let other = format!("not one battery, or not one firmware: {what} is ");
            match self.first.iter().find(|(known, ..)| known == what) {
                None => self.first.push((what.clone(), value.clone(), name.to_owned())),
                Some((_, before, case))
                    if before != value && !self.doubts.iter().any(|doubt| doubt.starts_with(&other)) =>
                {
                    self.doubt(format!("{other}{before} in {case}, {value} in {name}"));
                }
                Some(_) => {}
            }
        }
    }

    fn doubt(&mut self, doubt: String) {
        if !self.doubts.contains(&doubt) {
            self.doubts.push(doubt);
        }
    }
}

/// Every case of every suite, as it is named everywhere.
pub(crate) fn every(suites: &[Suite]) -> Vec<String> {
    suites.iter().flat_map(|suite| suite.cases.iter().map(|case| full_name(suite, case))).collect()
}

/// `suite/case`, how a case is named everywhere.
pub(crate) fn full_name(suite: &Suite, case: &Case) -> String {
    format!("{}/{}", suite.name, case.name)
}
