//! The run folder: raw evidence as it comes in, conclusions at the end.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use judge::trace::Event;
use proto::bus::{BusReading, ErrorFrame};
use proto::candump::{Record, write_line, write_record};
use proto::frame::Frame;
use proto::quantity::Micros;
use proto::reading::{GxReading, PsuReading};

use crate::run::{CaseResult, Run};
use crate::text::{plain, slug};
use crate::{events, gx_csv, html, json, junit, manifest};

/// The raw evidence, before any conclusion.
const RAW: [&str; 4] = ["can.log", "gx.csv", "psu.log", "events.jsonl"];
const CAN: usize = 0;
const GX: usize = 1;
const PSU: usize = 2;
const EVENTS: usize = 3;

/// Where and under which name a run is kept.
#[derive(Debug, Clone)]
pub struct Place<'a> {
    /// folder that holds the runs
    pub parent: &'a Path,
    /// suite or case that was asked for; nothing for all
    pub scope: Option<&'a str>,
    /// name of the battery
    pub battery: &'a str,
    /// seed of the run
    pub seed: u64,
    /// CAN interface as the log names it
    pub interface: &'a str,
    /// time of day at which the run began, since 1970, for the time stamps of `can.log`; zero on the
    /// simulated rig
    pub epoch: Micros,
}

/// Why evidence could not be kept. Says what is safe.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The folder could not be made.
    #[error("cannot make the run folder {}: {source}; nothing was run and nothing was written", path.display())]
    Create {
        /// the folder
        path: PathBuf,
        /// what the system says
        source: io::Error,
    },
    /// A file could not be written.
    #[error(
        "cannot write {}: {source}; what was written before stays readable, the run has to be repeated",
        path.display()
    )]
    Write {
        /// the file
        path: PathBuf,
        /// what the system says
        source: io::Error,
    },
    /// The link to the newest run could not be set.
    #[error("cannot point {} to the newest run: {source}; the run itself is complete in {}", path.display(), run.display())]
    Latest {
        /// the link
        path: PathBuf,
        /// the run
        run: PathBuf,
        /// what the system says
        source: io::Error,
    },
}

/// Which way a line went to or from the supply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// to the supply
    Sent,
    /// from the supply
    Received,
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
    raw: [BufWriter<File>; RAW.len()],
    line: Vec<u8>,
    failed: Option<(usize, io::Error)>,
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
        let open = |name: &str| -> Result<BufWriter<File>, FolderError> {
            let file = path.join(name);
            let opened = OpenOptions::new().append(true).create_new(true).open(&file);
            Ok(BufWriter::with_capacity(1 << 16, opened.map_err(failed(&file))?))
        };
        let raw = [open(RAW[CAN])?, open(RAW[GX])?, open(RAW[PSU])?, open(RAW[EVENTS])?];
        let mut folder = Self {
            interface: interface(place.interface),
            epoch: place.epoch,
            began: Micros::ZERO,
            raw,
            line: Vec::with_capacity(256),
            failed: None,
            path,
        };
        folder.append(GX, gx_csv::header().as_bytes());
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
        self.began = began;
        self.append(EVENTS, events::case_start(began, suite, case).as_bytes());
        self.flush();
    }

    /// A frame on the bus.
    pub fn can(&mut self, at: Micros, frame: &Frame) {
        let t = self.clock(at);
        let mut line = core::mem::take(&mut self.line);
        line.clear();
        write_line(&mut line, t, &self.interface, frame);
        self.append(CAN, &line);
        self.line = line;
    }

    /// An error frame of the CAN interface, as `candump -e` logs it.
    pub fn can_error(&mut self, at: Micros, error: &ErrorFrame) {
        let mut line = Vec::new();
        let (at, content) = (self.clock(at), error.content());
        write_record(&mut line, &Record { at, interface: &self.interface, direction: None, content });
        self.append(CAN, &line);
    }

    /// The state of the CAN interface, as a comment between the frames.
    pub fn bus(&mut self, at: Micros, reading: &BusReading) {
        let t = self.clock(at).0;
        let line = format!("# ({}.{:06}) {} {reading}\n", t / 1_000_000, t % 1_000_000, self.interface);
        self.append(CAN, line.as_bytes());
    }

    /// A moment of this case as the time stamps of `can.log` have it.
    fn clock(&self, at: Micros) -> Micros {
        Micros(self.epoch.0.saturating_add(self.began.0).saturating_add(at.0))
    }

    /// A poll of the GX.
    pub fn gx(&mut self, at: Micros, reading: &GxReading) {
        self.append(GX, gx_csv::row(Micros(self.began.0.saturating_add(at.0)), reading).as_bytes());
    }

    /// A reading of the supply.
    pub fn psu(&mut self, at: Micros, reading: &PsuReading) {
        let text = format!(
            "output={} voltage={} current={} available={}",
            if reading.output { "on" } else { "off" },
            reading.voltage.0,
            reading.current.0,
            reading.available.0
        );
        self.psu_text(at, '=', &text);
    }

    /// A line to or from the supply, as it went over the wire.
    pub fn psu_line(&mut self, at: Micros, direction: Direction, text: &str) {
        let sign = if direction == Direction::Sent { '>' } else { '<' };
        self.psu_text(at, sign, text);
    }

    fn psu_text(&mut self, at: Micros, sign: char, text: &str) {
        let t = self.began.0.saturating_add(at.0);
        let line = format!("({}.{:06}) {sign} {}\n", t / 1_000_000, t % 1_000_000, plain(text));
        self.append(PSU, line.as_bytes());
    }

    /// What the engine noted. All evidence up to here is handed to the system.
    pub fn event(&mut self, event: &Event) {
        self.append(EVENTS, events::line(self.began, event).as_bytes());
        self.flush();
    }

    /// Closes a case.
    ///
    /// # Errors
    /// When any evidence since the start of the run could not be written.
    pub fn end_case(&mut self, case: &CaseResult) -> Result<(), FolderError> {
        self.append(EVENTS, events::case_end(case).as_bytes());
        self.flush();
        self.health()
    }

    /// Hands everything to the operating system; from there it survives the end of this process.
    pub fn flush(&mut self) {
        for i in 0..RAW.len() {
            if self.failed.is_none()
                && let Err(error) = self.raw[i].flush()
            {
                self.failed = Some((i, error));
            }
        }
    }

    /// Whether all evidence could be written so far.
    ///
    /// # Errors
    /// The first failure.
    pub fn health(&self) -> Result<(), FolderError> {
        self.failed.as_ref().map_or(Ok(()), |(i, error)| {
            let source = io::Error::new(error.kind(), error.to_string());
            Err(FolderError::Write { path: self.path.join(RAW[*i]), source })
        })
    }

    /// Writes the conclusions (`verdicts.json`, `junit.xml`, `report.html`) and last `manifest.json` with
    /// the hash of every file, then points `latest` to this run. Returns the folder.
    ///
    /// # Errors
    /// When evidence or a conclusion could not be written.
    pub fn finish(mut self, run: &Run) -> Result<PathBuf, FolderError> {
        self.flush();
        self.health()?;
        for (file, name) in self.raw.iter().zip(RAW) {
            // What the disk refuses now would otherwise be found missing only by the reader.
            let path = self.path.join(name);
            file.get_ref().sync_all().map_err(|source| FolderError::Write { path, source })?;
        }
        conclude(&self.path, run)?;
        latest(&self.path)?;
        Ok(self.path)
    }

    fn append(&mut self, file: usize, line: &[u8]) {
        if self.failed.is_none()
            && let Err(error) = self.raw[file].write_all(line)
        {
            self.failed = Some((file, error));
        }
    }
}

/// Writes the conclusions of a run and the manifest into its folder, replacing those that are there; raw
/// evidence is only read.
///
/// # Errors
/// When a file cannot be written or raw evidence cannot be read.
pub fn conclude(folder: &Path, run: &Run) -> Result<(), FolderError> {
    let failed = |name: &str, source| FolderError::Write { path: folder.join(name), source };
    let conclusions = [
        ("verdicts.json", json::verdicts(run)),
        ("junit.xml", junit::junit(run)),
        ("report.html", html::report(run)),
    ];
    for (name, content) in &conclusions {
        replace(&folder.join(name), content.as_bytes()).map_err(|e| failed(name, e))?;
    }
    let mut entries = Vec::new();
    for name in RAW.into_iter().chain(conclusions.iter().map(|c| c.0)) {
        if folder.join(name).exists() {
            entries.push(manifest::entry(folder, name).map_err(|e| failed(name, e))?);
        }
    }
    let name = "manifest.json";
    replace(&folder.join(name), manifest::manifest(&run.meta, &entries).as_bytes())
        .map_err(|e| failed(name, e))
}

/// A file appears whole or not at all.
fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let part = path.with_extension("part");
    let mut file = File::create(&part)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&part, path)
}

/// Makes the folder with the first free number. Two runs that start together get two numbers.
fn claim(place: &Place<'_>) -> io::Result<PathBuf> {
    let scope = place.scope.map_or_else(|| "all".to_owned(), slug);
    let stem = format!("{scope}-{}-seed{}", slug(place.battery), place.seed);
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
