//! Results on the disk: a file of lines, the first says what made them, each other one is a cell. A line that was cut
//! off when the program was stopped is no result.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};

use files::InputError;
use report::matrix::cell::Cell;
use serde::{Deserialize, Serialize};

use super::asked::Shard;
use super::inputs::MadeBy;
use crate::Error;

/// Version of the format.
const VERSION: u32 = 1;
/// No honest line is longer.
const LONGEST_LINE: u64 = 1 << 20;

/// The first line of a file of results.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Head {
    busbar_matrix: u32,
    made_by: MadeBy,
}

/// The folder of results, and the file of this run in it.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    path: PathBuf,
    file: File,
    made_by: MadeBy,
}

impl Store {
    /// Opens the folder, makes it where it is missing, and cuts off what was not written whole.
    ///
    /// # Errors
    /// When it cannot be written, another program writes there, or it holds what is no result.
    pub fn open(folder: &Path, shard: Option<Shard>, made_by: &MadeBy) -> Result<Self, Error> {
        let name = shard.map_or_else(
            || "cells.jsonl".to_owned(),
            |Shard { index, count }| format!("cells-{index}of{count}.jsonl"),
        );
        let path = folder.join(name);
        std::fs::create_dir_all(folder).map_err(|error| unwritable(folder, error))?;
        let mut options = OpenOptions::new();
        let file = options.read(true).append(true).create(true).open(&path);
        let file = file.map_err(|error| unwritable(&path, error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let message = format!(
                    "{}: another busbar writes here; wait for it, or choose another --out",
                    path.display()
                );
                return Err(Error::Usage(message));
            }
            Err(TryLockError::Error(error)) => return Err(unwritable(&path, error)),
        }
        let found = read(&path)?;
        file.set_len(found.whole).map_err(|error| unwritable(&path, error))?;
        let mut store = Self { folder: folder.to_owned(), path, file, made_by: made_by.clone() };
        if found.made_by.is_none() {
            let head = Head { busbar_matrix: VERSION, made_by: made_by.clone() };
            store.line(&serde_json::to_string(&head).expect("a plain struct serialises"))?;
        }
        Ok(store)
    }

    /// Every cell in the folder, by its name: those of other shards too.
    ///
    /// # Errors
    /// When one of another program or of other files is among them.
    pub fn cells(&self) -> Result<BTreeMap<String, Cell>, Error> {
        let mut all = Collected { made_by: Some((self.made_by.clone(), None)), cells: BTreeMap::new() };
        for path in result_files(&self.folder)? {
            all.take(&path)?;
        }
        Ok(all.cells)
    }

    /// Keeps a cell.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep(&mut self, cell: &Cell) -> Result<(), Error> {
        self.line(&serde_json::to_string(cell).expect("a plain struct with finite numbers serialises"))
    }

    fn line(&mut self, text: &str) -> Result<(), Error> {
        let written = self
            .file
            .write_all(proto::text::json(format!("{text}\n")).as_bytes())
            .and_then(|()| self.file.flush());
        written.map_err(|error| unwritable(&self.path, error))
    }
}

/// The cells of several folders or files, and what made all of them.
///
/// # Errors
/// When they were not made by one program from one set of files, or are no results.
pub fn merged(places: &[PathBuf]) -> Result<(BTreeMap<String, Cell>, String), Error> {
    let mut all = Collected { made_by: None, cells: BTreeMap::new() };
    for place in places {
        let files = if place.is_dir() { result_files(place)? } else { vec![place.clone()] };
        if files.is_empty() {
            let message = format!("{} holds no results: no file there ends in .jsonl", place.display());
            return Err(Error::Usage(message));
        }
        for path in files {
            all.take(&path)?;
        }
    }
    let made_by = all.made_by.map(|(made_by, _)| made_by.to_string()).unwrap_or_default();
    Ok((all.cells, made_by))
}

/// Cells of one program and one set of files.
struct Collected {
    /// what made them, and the file that says so; none where it is this program
    made_by: Option<(MadeBy, Option<PathBuf>)>,
    cells: BTreeMap<String, Cell>,
}

impl Collected {
    fn take(&mut self, path: &Path) -> Result<(), Error> {
        let found = read(path)?;
        let Some(made_by) = found.made_by else { return Ok(()) };
        match &self.made_by {
            Some((ours, from)) if *ours != made_by => {
                return Err(mixed(path, &made_by, ours, from.as_deref()));
            }
            Some(_) => {}
            None => self.made_by = Some((made_by, Some(path.to_owned()))),
        }
        for cell in found.cells {
            let name = cell.name();
            let twice = self.cells.get(&name).is_some_and(|other| *other != cell);
            if twice {
                let message = format!(
                    "{}: {name} is there twice with different results, although the same program and files made both; \
                     a run must repeat itself: please report this with both folders",
                    path.display()
                );
                return Err(Error::Refused(message));
            }
            self.cells.insert(name, cell);
        }
        Ok(())
    }
}

fn mixed(path: &Path, theirs: &MadeBy, ours: &MadeBy, from: Option<&Path>) -> Error {
    let who = from.map_or_else(|| "this run".to_owned(), |from| from.display().to_string());
    let what =
        if theirs.program == ours.program { "other suites, rigs or batteries" } else { "another program" };
    let message = format!(
        "{} holds results of {what} and they are not mixed: it is of {theirs}; {who} is of {ours}. Choose another \
         --out, or delete the file",
        path.display()
    );
    Error::Refused(message)
}

/// What a file of results holds.
#[derive(Default)]
struct Found {
    /// nothing where the file has no whole line yet
    made_by: Option<MadeBy>,
    cells: Vec<Cell>,
    /// bytes up to the end of the last whole line
    whole: u64,
}

fn read(path: &Path) -> Result<Found, Error> {
    let unreadable = |source| InputError::Unreadable { path: path.to_owned(), source };
    let refused = |line: usize, why: String| {
        Error::Refused(format!(
            "{}:{line}: no result of busbar matrix: {why}; choose another folder, or delete the file",
            path.display()
        ))
    };
    let mut reader = BufReader::new(File::open(path).map_err(unreadable)?);
    let (mut found, mut line) = (Found::default(), Vec::new());
    for number in 1.. {
        line.clear();
        let length = reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line).map_err(unreadable)?;
        if line.last() != Some(&b'\n') {
            if length as u64 == LONGEST_LINE {
                return Err(refused(number, format!("the line is longer than {LONGEST_LINE} bytes")));
            }
            // The end, or a line that was cut off there.
            break;
        }
        if number == 1 {
            let head: Head = serde_json::from_slice(&line).map_err(|e| refused(number, e.to_string()))?;
            if head.busbar_matrix != VERSION {
                let why = format!("version {} of the format, {VERSION} is known", head.busbar_matrix);
                return Err(refused(number, why));
            }
            found.made_by = Some(head.made_by);
        } else {
            found.cells.push(serde_json::from_slice(&line).map_err(|e| refused(number, e.to_string()))?);
        }
        found.whole += length as u64;
    }
    Ok(found)
}

/// Files of results in a folder, in the order of their names.
fn result_files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let unreadable = |source| InputError::Unreadable { path: folder.to_owned(), source };
    let entries = std::fs::read_dir(folder).map_err(unreadable)?;
    let paths = entries.map(|entry| entry.map(|e| e.path())).collect::<Result<Vec<_>, _>>();
    let mut paths = paths.map_err(unreadable)?;
    paths.retain(|path| path.extension().is_some_and(|e| e == "jsonl"));
    paths.sort();
    Ok(paths)
}

fn unwritable(path: &Path, source: std::io::Error) -> Error {
    let path = path.display();
    let why = format!("{source}; what is done so far is kept");
    Error::System { what: format!("write {path}"), source: std::io::Error::new(source.kind(), why) }
}
