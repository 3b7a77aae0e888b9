//! The run folder: raw evidence as it comes in, conclusions at the end.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use judge::trace::Event;
use proto::bus::{BusReading, ErrorFrame};
use proto::channel::Instrument;
use proto::chunk::Chunk;
use proto::frame::Frame;
use proto::quantity::Micros;
use proto::samples::Samples;

use crate::conclusions::{FolderError, conclude};
use crate::events::Begun;
use crate::names::{CAN, EVENTS, INPUTS, INSTRUMENTS, PROGRAM, RAW};
use crate::run::{CaseResult, RunMeta};
use crate::text::slug;
use crate::{bytes_csv, can_log, events, samples_csv};

/// Where and under which name a run is kept.
#[derive(Debug, Clone)]
pub struct Place<'a> {
    /// folder that holds the runs
    pub parent: &'a Path,
    /// suite or case that was asked for; nothing for all
    pub scope: Option<&'a str>,
    /// what is run on what
    pub begun: &'a Begun,
    /// the files that the run is made from, kept in `inputs/`
    pub inputs: &'a [InputFile],
}

/// A file that a run is made from: a suite, the rig, the battery, and what they are like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputFile {
    /// where it stands in a project, with `/` between the parts
    pub path: String,
    /// its bytes
    pub content: Vec<u8>,
}

/// An open run folder. Raw evidence is appended and never rewritten.
///
/// Taking evidence never fails in the middle of a test: the first failure is kept, nothing more is written
/// to that file, and [`RunFolder::health`], [`RunFolder::end_case`] and [`RunFolder::finish`] report it.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    interface: String,
    epoch: Micros,
    began: Micros,
    /// recorded in this case so far, on any wire
    inputs: u64,
    /// end of the last case
    ended: Micros,
    /// nothing where an instrument has said nothing yet
    raw: [Option<BufWriter<File>>; RAW.len()],
    /// the case, and what a program told of itself in it; nothing where no program did
    case: String,
    program: Option<BufWriter<File>>,
    line: Vec<u8>,
    failed: Option<(&'static str, io::Error)>,
}

impl RunFolder {
    /// Makes `<scope>-<battery>-seed<N>-<nnn>` with the first free number; never touches an older run.
    ///
    /// # Errors
    /// When the folder or its first files cannot be made.
    pub fn create(place: &Place<'_>) -> Result<Self, FolderError> {
        let failed = |path: &Path| {
            let path = path.to_path_buf();
            move |source| FolderError::Create { path, source }
        };
        fs::create_dir_all(place.parent).map_err(failed(place.parent))?;
        let path = claim(place).map_err(failed(place.parent))?;
        for input in place.inputs {
            let file = path.join(INPUTS).join(&input.path);
            let written = file.parent().map_or(Ok(()), fs::create_dir_all);
            written.and_then(|()| fs::write(&file, &input.content)).map_err(failed(&file))?;
        }
        let mut folder = Self {
            interface: interface(&place.begun.interface),
            epoch: place.begun.epoch,
            began: Micros::ZERO,
            inputs: 0,
            ended: Micros::ZERO,
            raw: [const { None }; RAW.len()],
            case: String::new(),
            program: None,
            line: Vec::with_capacity(256),
            failed: None,
            path,
        };
        for file in [CAN, EVENTS] {
            let opened = folder.open(file);
            opened.map_err(failed(&folder.path.join(RAW[file])))?;
        }
        folder.append(EVENTS, events::run(place.begun).as_bytes());
        folder.flush();
        Ok(folder)
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its name, the id of the run.
    #[must_use]
    pub fn id(&self) -> String {
        self.path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned())
    }

    /// Opens a case. Times of what follows are since its start; `began` is since the start of the run.
    pub fn begin_case(&mut self, suite: &str, case: &str, began: Micros) {
        (self.began, self.inputs) = (began, 0);
        self.case = format!("{suite}/{case}");
        self.append(EVENTS, events::case_start(began, suite, case).as_bytes());
        self.flush();
    }

    /// A frame on the bus.
    pub fn can(&mut self, at: Micros, frame: &Frame) {
        self.heard(at, |out, at, interface| can_log::frame(out, at, interface, frame));
    }

    /// An error frame of the CAN interface.
    pub fn can_error(&mut self, at: Micros, error: &ErrorFrame) {
        self.heard(at, |out, at, interface| can_log::error(out, at, interface, error));
    }

    /// The state of the CAN interface.
    pub fn bus(&mut self, at: Micros, reading: &BusReading) {
        self.samples(at, &(*reading).into());
    }

    fn heard(&mut self, at: Micros, write: impl FnOnce(&mut Vec<u8>, Micros, &str)) {
        let at = Micros(self.epoch.0.saturating_add(self.in_run(at).0));
        self.record(CAN, |out, interface| write(out, at, interface));
    }

    /// Appends a line of an input, as it is written for the interface.
    fn record(&mut self, file: usize, write: impl FnOnce(&mut Vec<u8>, &str)) {
        let mut line = core::mem::take(&mut self.line);
        line.clear();
        write(&mut line, &self.interface);
        self.append(file, &line);
        self.line = line;
        self.inputs += 1;
    }

    /// A moment of this case since the start of the run.
    fn in_run(&self, at: Micros) -> Micros {
        Micros(self.began.0.saturating_add(at.0))
    }

    /// What an instrument said.
    pub fn samples(&mut self, at: Micros, said: &Samples) {
        let file = self.file_of(said.from(), || samples_csv::header(said.from()));
        let (at, input) = (self.in_run(at), self.inputs);
        self.record(file, |out, _| samples_csv::row(out, at, input, said));
    }

    /// Bytes of a witness.
    pub fn bytes(&mut self, at: Micros, chunk: &Chunk) {
        let file = self.file_of(chunk.from(), || bytes_csv::HEADER.to_owned());
        let (at, input) = (self.in_run(at), self.inputs);
        self.record(file, |out, _| bytes_csv::row(out, at, input, chunk));
    }

    /// The file of an instrument, which begins when it says something for the first time.
    fn file_of(&mut self, instrument: Instrument, header: impl FnOnce() -> String) -> usize {
        let file = INSTRUMENTS + instrument as usize;
        if self.raw[file].is_none() && self.failed.is_none() {
            match self.open(file) {
                Ok(()) => self.append(file, header().as_bytes()),
                Err(error) => self.failed = Some((RAW[file], error)),
            }
        }
        file
    }

    /// What a program behind the battery told of itself. Each case begins with a line that names it.
    pub fn told(&mut self, lines: &str) {
        if self.failed.is_some() {
            return;
        }
        if let Err(error) = self.keep(lines) {
            self.failed = Some((PROGRAM, error));
        }
    }

    fn keep(&mut self, lines: &str) -> io::Result<()> {
        let file = match &mut self.program {
            Some(file) => file,
            none => {
                let opened =
                    OpenOptions::new().append(true).create_new(true).open(self.path.join(PROGRAM))?;
                none.insert(BufWriter::with_capacity(1 << 16, opened))
            }
        };
        let case = core::mem::take(&mut self.case);
        if !case.is_empty() {
            writeln!(file, "{{\"case\":{},\"began\":{}}}", serde_json::Value::from(case), self.began.0)?;
        }
        file.write_all(lines.as_bytes())
    }

    /// What the engine noted. All evidence up to here is handed to the system.
    pub fn event(&mut self, event: &Event) {
        self.append(EVENTS, events::line(self.began, self.inputs, event).as_bytes());
        self.flush();
    }

    /// Closes a case.
    ///
    /// # Errors
    /// When any evidence since the start of the run could not be written.
    pub fn end_case(&mut self, case: &CaseResult) -> Result<(), FolderError> {
        self.ended = self.in_run(case.length);
        self.append(EVENTS, events::case_end(case, self.inputs).as_bytes());
        self.flush();
        self.health()
    }

    /// Hands everything to the operating system; from there it survives the end of this process. What it costs where
    /// nothing waits is not worth counting.
    pub fn hand_over(&mut self) {
        for (file, name) in self.raw.iter_mut().zip(RAW) {
            if self.failed.is_none()
                && let Some(Err(error)) = file.as_mut().map(Write::flush)
            {
                self.failed = Some((name, error));
            }
        }
        if self.failed.is_none()
            && let Some(Err(error)) = self.program.as_mut().map(Write::flush)
        {
            self.failed = Some((PROGRAM, error));
        }
    }

    /// Whether what is written still is the file in the folder: while it is open, no other can have its number.
    fn is_there(&self) -> bool {
        let Some(events) = &self.raw[EVENTS] else { return false };
        let (ours, there) = (events.get_ref().metadata(), self.path.join(RAW[EVENTS]).symlink_metadata());
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            let number = |of: io::Result<fs::Metadata>| of.ok().map(|of| (of.dev(), of.ino()));
            number(ours) == number(there)
        }
        #[cfg(not(unix))]
        {
            ours.is_ok() && there.is_ok()
        }
    }

    /// The same, and looks whether the folder is still there: the files of one that somebody removed can be written, but
    /// nobody will read them, and another run may have taken its name.
    pub fn flush(&mut self) {
        self.hand_over();
        if self.failed.is_none() && !self.is_there() {
            let gone = io::Error::new(io::ErrorKind::NotFound, "somebody removed the run folder");
            self.failed = Some((RAW[EVENTS], gone));
        }
    }

    /// Whether all evidence could be written so far.
    ///
    /// # Errors
    /// The first failure.
    pub fn health(&self) -> Result<(), FolderError> {
        self.failed.as_ref().map_or(Ok(()), |(name, error)| {
            let source = io::Error::new(error.kind(), error.to_string());
            Err(FolderError::Write { path: self.path.join(name), source })
        })
    }

    /// Writes the conclusions (`verdicts.json`, `junit.xml`, `report.html`) and last `manifest.json` with
    /// the hash of every file, then points `latest` to this run. Returns the folder.
    ///
    /// # Errors
    /// When evidence or a conclusion could not be written.
    pub fn finish(mut self, meta: &RunMeta, conclusions: &[(&str, String)]) -> Result<PathBuf, FolderError> {
        self.append(EVENTS, events::run_end(self.ended).as_bytes());
        self.flush();
        self.health()?;
        for (file, name) in self.raw.iter().zip(RAW) {
            let Some(file) = file else { continue };
            // What the disk refuses now would otherwise be found missing only by the reader.
            let path = self.path.join(name);
            file.get_ref().sync_all().map_err(|source| FolderError::Write { path, source })?;
        }
        conclude(&self.path, meta, conclusions)?;
        latest(&self.path)?;
        Ok(self.path)
    }

    fn open(&mut self, file: usize) -> io::Result<()> {
        let opened = OpenOptions::new().append(true).create_new(true).open(self.path.join(RAW[file]))?;
        self.raw[file] = Some(BufWriter::with_capacity(1 << 16, opened));
        Ok(())
    }

    fn append(&mut self, file: usize, line: &[u8]) {
        if self.failed.is_none()
            && let Some(Err(error)) = self.raw[file].as_mut().map(|file| file.write_all(line))
        {
            self.failed = Some((RAW[file], error));
        }
    }
}

/// Makes the folder with the first free number. Two runs that start together get two numbers.
fn claim(place: &Place<'_>) -> io::Result<PathBuf> {
    let scope = place.scope.map_or_else(|| "all".to_owned(), slug);
    let stem = format!("{scope}-{}-seed{}", slug(&place.begun.battery), place.begun.seed);
    for n in 1..1_000_000 {
        let path = place.parent.join(format!("{stem}-{n:03}"));
        match fs::create_dir(&path) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            other => return other.map(|()| path),
        }
    }
    Err(io::Error::new(
        io::ErrorKind::AlreadyExists,
        format!("a million runs named {stem} are there already"),
    ))
}

/// `latest` beside the run points to it. What stands there and is no link is left alone.
fn latest(run: &Path) -> Result<(), FolderError> {
    let Some((parent, name)) = run.parent().zip(run.file_name()) else { return Ok(()) };
    let path = parent.join("latest");
    let failed = |source| FolderError::Latest { path: path.clone(), run: run.to_path_buf(), source };
    match fs::symlink_metadata(&path) {
        Ok(there) if !there.file_type().is_symlink() => {
            let source = io::Error::new(io::ErrorKind::AlreadyExists, "something else has that name");
            return Err(failed(source));
        }
        _ => {}
    }
    #[cfg(unix)]
    {
        // Made aside and renamed: there is no moment without a `latest`, and no race over it.
        let aside = parent.join(format!(".latest-{}", name.to_string_lossy()));
        std::os::unix::fs::symlink(name, &aside).and_then(|()| fs::rename(&aside, &path)).map_err(failed)?;
    }
    #[cfg(not(unix))]
    let _ = (name, failed);
    Ok(())
}

/// An interface name as `can-utils` reads it: no spaces, at least one character.
fn interface(name: &str) -> String {
    let kept: String = name.chars().filter(char::is_ascii_graphic).collect();
    if kept.is_empty() { "can0".to_owned() } else { kept }
}
