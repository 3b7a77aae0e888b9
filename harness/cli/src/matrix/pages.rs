//! What a matrix leaves behind for readers: `matrix.html`, `matrix.json`, `cells.csv`, the table of a document.

use std::path::Path;

use report::matrix::cell::Cell;
use report::matrix::tally::Tally;
use report::matrix::thresholds::{BEGIN, END, rewritten};

use crate::{Failure, unwritable};

/// Writes them into the folder of the results.
pub(super) fn write(folder: &Path, tally: &Tally, cells: &[Cell]) -> Result<(), Failure> {
    std::fs::create_dir_all(folder).map_err(unwritable(folder))?;
    let files = [
        ("matrix.json", tally.json()),
        ("matrix.html", report::html::proof::page(tally)),
        ("cells.csv", report::matrix::table::csv(cells)),
    ];
    for (name, text) in files {
        let path = folder.join(name);
        std::fs::write(&path, text).map_err(unwritable(&path))?;
    }
    Ok(())
}

/// Writes battery files that exist nowhere else, so that each can be run alone.
pub(super) fn write_batteries(folder: &Path, made: &[(String, String)]) -> Result<(), Failure> {
    if made.is_empty() {
        return Ok(());
    }
    let folder = folder.join("batteries");
    std::fs::create_dir_all(&folder).map_err(unwritable(&folder))?;
    for (name, text) in made {
        let path = folder.join(format!("{name}.yaml"));
        std::fs::write(&path, text).map_err(unwritable(&path))?;
    }
    Ok(())
}

/// Writes the measured margins into a document, between the marks it has for them.
pub(super) fn write_thresholds(path: &Path, tally: &Tally) -> Result<(), Failure> {
    let document = files::read_text(path).map_err(Failure::input)?;
    let new = rewritten(&document, tally).ok_or_else(|| {
        Failure::input(format!(
            "{}: the table is written between `{BEGIN}` and `{END}`, and they are not there",
            path.display()
        ))
    })?;
    std::fs::write(path, new).map_err(unwritable(path))
}
