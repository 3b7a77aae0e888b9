//! Runs of several nights as one: a folder that holds the raw evidence of all of them, one behind the other on one time
//! axis, so that it is judged, signed and verified like any other. Nothing of it is read but its times: every line stands
//! there as it was written, but for the time that it begins with.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use files::Library;
use proto::quantity::Micros;

use crate::certificate::{ORDER, Order};
use crate::conclusions::FolderError;
use crate::events::{self, Begun, What};
use crate::folder::{InputFile, Place, RunFolder};
use crate::manifest::{self, Kept};
use crate::names::{CAN, EVENTS, INPUTS, PROGRAM, RAW, WIRE};
use crate::stamp;

/// Why runs are not put together. Nothing of them was changed.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// They are not runs of one battery on one rig with one program.
    #[error("{} and {}: {what}; they cannot be put together", one.display(), other.display())]
    Apart {
        /// the first run
        one: PathBuf,
        /// the one that does not go with it
        other: PathBuf,
        /// what is otherwise
        what: String,
    },
    /// A folder does not hold what a run leaves.
    #[error("{}: {what}", folder.display())]
    Folder {
        /// the folder
        folder: PathBuf,
        /// what is wrong
        what: String,
    },
    /// The new folder could not be made.
    #[error(transparent)]
    Made(#[from] FolderError),
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// which
        path: PathBuf,
        /// what the system says
        source: io::Error,
    },
}

/// What was put together.
#[derive(Debug)]
pub struct Merged {
    /// the new folder
    pub folder: PathBuf,
    /// when the first of the runs began, as text (RFC 3339)
    pub started: Option<String>,
    /// how long they took together on the clock of the wall, in milliseconds
    pub took_ms: u64,
    /// cases that had not come to their end when their run was cut off, `suite/case of run`: they are left out
    pub left_out: Vec<String>,
}

/// A run that is put together with others.
struct Part {
    folder: PathBuf,
    begun: Begun,
    kept: Option<Kept>,
    /// its cases that came to their end
    cases: Vec<String>,
    /// when the last of them ended
    ended: Micros,
    /// when the case began in which it was cut off, with its name
    cut: Option<(Micros, String)>,
}

/// Puts runs together, in the order of their names here, in a new folder below `parent`; with an order it can be certified.
///
/// # Errors
/// When they are not of one battery, rig, program and seed, or made from other files, or changed; when a file cannot be read or
/// written.
pub fn merge(folders: &[PathBuf], parent: &Path, order: Option<&Order>) -> Result<Merged, MergeError> {
    let parts: Vec<Part> = folders.iter().map(|folder| Part::read(folder)).collect::<Result<_, _>>()?;
    let Some((first, others)) = parts.split_first() else {
        return Err(MergeError::Folder { folder: parent.to_owned(), what: "no run was named".to_owned() });
    };
    for other in others {
        let apart =
            |what: String| MergeError::Apart { one: first.folder.clone(), other: other.folder.clone(), what };
        if let Some(what) = first.differs_from(other) {
            return Err(apart(what.to_owned()));
        }
        let named = |part: &Part| manifest::inputs(&part.folder).map_err(file(&part.folder));
        if named(first)? != named(other)? {
            return Err(apart("made from other files".to_owned()));
        }
        for name in named(first)? {
            let of =
                |part: &Part| manifest::entry(&part.folder, &name).map_err(file(&part.folder.join(&name)));
            if of(first)? != of(other)? {
                return Err(apart(format!("{name} is otherwise")));
            }
        }
    }
    if order.is_some_and(|order| order.challenge.is_some()) {
        return Err(MergeError::Folder {
            folder: first.folder.clone(),
            what: "it was made without the challenge of the order, which asks for a run that began after it"
                .to_owned(),
        });
    }
    let shifts = shifts(&parts)?;
    let distinct: BTreeSet<&String> = parts.iter().flat_map(|part| &part.cases).collect();
    let library = Library::at(&first.folder.join(INPUTS));
    let every = library
        .and_then(|library| library.read_suites())
        .map_err(|error| MergeError::Folder { folder: first.folder.clone(), what: error.to_string() })?;
    let begun = Begun {
        cases: distinct.len(),
        whole: every.names().iter().all(|name| distinct.contains(name)),
        merged: parts.iter().flat_map(Part::named).collect(),
        ..first.begun.clone()
    };
    let mut inputs = Vec::new();
    for name in manifest::inputs(&first.folder).map_err(file(&first.folder))? {
        let path = first.folder.join(&name);
        let content = std::fs::read(&path).map_err(file(&path))?;
        let path = name.trim_start_matches(&format!("{INPUTS}/")).to_owned();
        inputs.push(InputFile { path, content });
    }
    let order = order.map(|order| InputFile { path: ORDER.to_owned(), content: order.text().into_bytes() });
    inputs.extend(order);
    let made = RunFolder::create(&Place { parent, scope: Some("merged"), begun: &begun, inputs: &inputs })?;
    let folder = made.path().to_owned();
    drop(made);
    for (part, shift) in parts.iter().zip(&shifts) {
        part.copy(*shift, &folder)?;
    }
    let end = parts.last().zip(shifts.last()).map_or(Micros::ZERO, |(part, shift)| part.ended + *shift);
    let path = folder.join(RAW[EVENTS]);
    let last = OpenOptions::new().append(true).open(&path);
    last.and_then(|mut out| out.write_all(events::run_end(end).as_bytes())).map_err(file(&path))?;
    let took = |part: &Part| part.kept.as_ref().and_then(|kept| kept.took_ms).unwrap_or(0);
    Ok(Merged {
        folder,
        started: first.kept.as_ref().and_then(|kept| kept.started.clone()),
        took_ms: parts.iter().map(took).sum(),
        left_out: parts.iter().filter_map(Part::left_out).collect(),
    })
}

/// By how much the times of each run are later in the whole. Where they are those of the calendar, they stay that.
fn shifts(parts: &[Part]) -> Result<Vec<Micros>, MergeError> {
    /// In simulated time there is nothing between two runs: as much as between two cases.
    const PAUSE: Micros = Micros::from_secs(60);
    let (mut shifts, mut ended) = (Vec::new(), Micros::ZERO);
    for (at, part) in parts.iter().enumerate() {
        let shift = match (part.begun.epoch, parts[0].begun.epoch) {
            _ if at == 0 => Micros::ZERO,
            (Micros::ZERO, _) => Micros(ended.0.next_multiple_of(1_000_000)) + PAUSE,
            (own, first) if own >= first + ended => own.since(first),
            _ => {
                return Err(MergeError::Folder {
                    folder: part.folder.clone(),
                    what: "it began before the run named before it had ended: name them in their order"
                        .to_owned(),
                });
            }
        };
        ended = part.ended + shift;
        shifts.push(shift);
    }
    Ok(shifts)
}

impl Part {
    fn read(folder: &Path) -> Result<Self, MergeError> {
        let wrong = |what: String| MergeError::Folder { folder: folder.to_owned(), what };
        let kept = Kept::read(folder).map_err(file(&folder.join("manifest.json")))?;
        let changed =
            kept.as_ref().map_or(Ok(Vec::new()), |kept| kept.changed(folder)).map_err(file(folder))?;
        if !changed.is_empty() {
            return Err(wrong(format!("changed since manifest.json was written: {}", changed.join(", "))));
        }
        let path = manifest::plain(folder, RAW[EVENTS]).map_err(file(&folder.join(RAW[EVENTS])))?;
        let lines = BufReader::new(File::open(&path).map_err(file(&path))?).lines();
        let mut begun = None;
        let (mut cases, mut ended, mut open) = (Vec::new(), Micros::ZERO, None::<(Micros, String)>);
        for line in lines {
            let line = line.map_err(file(&path))?;
            // A last line that was cut off belongs to a case that was.
            let Ok(line) = events::parse(line.as_bytes(), Micros::ZERO) else { break };
            match line.what {
                What::Run(run) => begun = Some(run),
                What::CaseStart { suite, case } => open = Some((line.at, format!("{suite}/{case}"))),
                What::CaseEnd(_) => {
                    cases.extend(open.take().map(|(_, name)| name));
                    ended = line.at;
                }
                What::Event(_) | What::RunEnd => {}
            }
        }
        let begun = begun.ok_or_else(|| wrong("events.jsonl does not say what was run".to_owned()))?;
        if begun.challenge.is_some() {
            return Err(wrong("it was made to certify by itself".to_owned()));
        }
        Ok(Self { folder: folder.to_owned(), begun, kept, cases, ended, cut: open })
    }

    fn differs_from(&self, other: &Self) -> Option<&'static str> {
        let (a, b) = (&self.begun, &other.begun);
        [
            (a.harness == b.harness && a.commit == b.commit, "made by different programs"),
            (a.rig == b.rig, "on different rigs"),
            (a.battery == b.battery, "with different batteries"),
            (a.seed == b.seed && a.sweep == b.sweep, "with different seeds"),
            (a.interface == b.interface, "on different interfaces"),
            ((a.epoch == Micros::ZERO) == (b.epoch == Micros::ZERO), "on different clocks"),
        ]
        .into_iter()
        .find_map(|(same, what)| (!same).then_some(what))
    }

    /// Its name, and what of it is left out.
    fn named(&self) -> impl Iterator<Item = String> {
        let name = self.folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let left_out = self.left_out().map(|case| format!("without {case}, in which it was cut off"));
        core::iter::once(name).chain(left_out)
    }

    fn left_out(&self) -> Option<String> {
        let (_, case) = self.cut.as_ref()?;
        let run = self.folder.file_name().unwrap_or_default().to_string_lossy();
        Some(format!("{case} of {run}"))
    }

    /// Appends its raw files to those of the whole, later by this much.
    fn copy(&self, shift: Micros, to: &Path) -> Result<(), MergeError> {
        for (number, name) in RAW.into_iter().enumerate() {
            // On the bus times are those of the calendar, where there is one.
            let (epoch, shift) = match number {
                CAN if self.begun.epoch > Micros::ZERO => (self.begun.epoch, Micros::ZERO),
                _ => (Micros::ZERO, shift),
            };
            self.lines(name, to, |line, is_first| match number {
                CAN => timed(line, b"(", shift).map(|(at, line)| (at.since(epoch), line)),
                EVENTS => self.event(line, shift),
                _ if line.starts_with(b"time_s,") => is_first.then(|| (Micros::ZERO, line.to_vec())),
                _ => timed(line, b"", shift),
            })?;
        }
        // What a program told stands behind the line that names its case.
        let of_case = Cell::new(Micros::ZERO);
        self.lines(PROGRAM, to, |line, _| {
            let told = self.told(line, shift).map(|(at, line)| (at.unwrap_or(of_case.get()), line));
            of_case.set(told.as_ref().map_or(of_case.get(), |(at, _)| *at));
            told
        })?;
        self.lines(WIRE, to, |line, _| Some((Micros::ZERO, line.to_vec())))
    }

    /// Appends the lines of a file as they become, each with its time before it was shifted; what was recorded in the case
    /// that was cut off, and a last line that was, stay away.
    fn lines(
        &self,
        name: &str,
        to: &Path,
        later: impl Fn(&[u8], bool) -> Option<(Micros, Vec<u8>)>,
    ) -> Result<(), MergeError> {
        let from = match manifest::plain(&self.folder, name).and_then(File::open) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            from => from.map_err(file(&self.folder.join(name)))?,
        };
        let path = to.join(name);
        let is_first = !path.exists();
        let opened = OpenOptions::new().append(true).create(true).open(&path);
        let mut out = BufWriter::with_capacity(1 << 16, opened.map_err(file(&path))?);
        let (mut from, mut line) = (BufReader::with_capacity(1 << 16, from), Vec::new());
        let end = self.cut.as_ref().map(|(at, _)| *at);
        loop {
            line.clear();
            from.read_until(b'\n', &mut line).map_err(file(&self.folder.join(name)))?;
            if line.last() != Some(&b'\n') {
                break;
            }
            match later(&line, is_first) {
                Some((at, _)) if end.is_some_and(|end| at >= end) => {}
                Some((_, line)) => out.write_all(&line).map_err(file(&path))?,
                None => {}
            }
        }
        out.flush().map_err(file(&path))
    }

    /// A line of events, later; the first and the last of a run are the whole's.
    fn event(&self, line: &[u8], shift: Micros) -> Option<(Micros, Vec<u8>)> {
        let mut event: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(line).ok()?;
        if event.get("kind").is_some_and(|kind| kind == "run" || kind == "run-end") {
            return None;
        }
        let at = Micros(event.get("at")?.as_u64()?);
        for time in ["at", "began"] {
            if let Some(value) = event.get_mut(time) {
                *value = (value.as_u64()? + shift.0).into();
            }
        }
        Some((at, proto::text::json(serde_json::to_string(&event).ok()? + "\n").into_bytes()))
    }

    /// A line of what a program told of itself: that which names its case has a time of the run.
    fn told(&self, line: &[u8], shift: Micros) -> Option<(Option<Micros>, Vec<u8>)> {
        if !line.starts_with(b"{\"case\":") {
            return Some((None, line.to_vec()));
        }
        let mut case: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(line).ok()?;
        let at = Micros(case.get("began")?.as_u64()?);
        case.insert("began".to_owned(), (at.0 + shift.0).into());
        Some((Some(at), (serde_json::to_string(&case).ok()? + "\n").into_bytes()))
    }
}

/// A line that begins with a time behind this, later.
fn timed(line: &[u8], opens: &[u8], shift: Micros) -> Option<(Micros, Vec<u8>)> {
    let rest = line.strip_prefix(opens)?;
    let digits = rest.iter().position(|b| !b.is_ascii_digit() && *b != b'.')?;
    let time = core::str::from_utf8(&rest[..digits]).ok()?;
    let at = stamp::read(time)?;
    let later = stamp::write(at + shift);
    let wide = time.len();
    let mut out = opens.to_vec();
    // As many digits as there were: `candump` fills with zeros.
    out.extend(format!("{later:0>wide$}").bytes());
    out.extend_from_slice(&rest[digits..]);
    Some((at, out))
}

fn file(path: &Path) -> impl Fn(io::Error) -> MergeError + use<> {
    let path = path.to_owned();
    move |source| MergeError::File { path: path.clone(), source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("(0000000001.543901) can0 305#00\n", "(", 60_000_000, "(0000000061.543901) can0 305#00\n")]
    #[case("9.000000,1,120\n", "", 1_500_000, "10.500000,1,120\n")]
    fn a_line_is_what_it_was_but_for_its_time(
        #[case] line: &str,
        #[case] opens: &str,
        #[case] shift: u64,
        #[case] later: &str,
    ) {
        let (_, found) = timed(line.as_bytes(), opens.as_bytes(), Micros(shift)).expect("a time");
        assert_eq!(String::from_utf8_lossy(&found), later);
    }

    #[test]
    fn a_line_without_a_time_is_none() {
        assert_eq!(timed(b"# comment\n", b"(", Micros::ZERO), None);
    }
}
