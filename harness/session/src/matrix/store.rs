//! Where the cells of a matrix are kept: files of results in a folder, one for each shard.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use files::InputError;
use report::matrix::cell::Cell;
use serde::{Deserialize, Serialize};

use super::asked::Shard;
use super::inputs::MadeBy;
use crate::Error;
use crate::results::{self, Results};

/// The first line of a file of results.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Head {
    busbar_matrix: u32,
    made_by: MadeBy,
}

impl results::Head for Head {
    const VERB: &'static str = "busbar matrix";
    const VERSION: u32 = 1;

    fn version(&self) -> u32 {
        self.busbar_matrix
    }
}

/// The folder of results, and the file of this run in it.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    file: Results,
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
        let head = Head { busbar_matrix: <Head as results::Head>::VERSION, made_by: made_by.clone() };
        let (file, _) = Results::open::<Head, Cell>(&folder.join(name), &head)?;
        Ok(Self { folder: folder.to_owned(), file, made_by: made_by.clone() })
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
        self.file.keep(cell)
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
        let found = results::read::<Head, Cell>(path)?;
        let Some(Head { made_by, .. }) = found.head else { return Ok(()) };
        match &self.made_by {
            Some((ours, from)) if *ours != made_by => {
                return Err(mixed(path, &made_by, ours, from.as_deref()));
            }
            Some(_) => {}
            None => self.made_by = Some((made_by, Some(path.to_owned()))),
        }
        for cell in found.results {
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
