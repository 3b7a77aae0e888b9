//! What a matrix leaves behind for readers: `matrix.html`, `matrix.json`, the table of a document.

use std::path::Path;

use report::matrix::tally::Tally;
use report::matrix::thresholds::{BEGIN, END, rewritten};

use crate::{Exit, Failure};

/// Writes both files into the folder of the results.
pub(super) fn write(folder: &Path, tally: &Tally) -> Result<(), Failure> {
    std::fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
    for (name, text) in [("matrix.json", tally.json()), ("matrix.html", report::html::proof::page(tally))] {
        let path = folder.join(name);
        std::fs::write(&path, text).map_err(|error| unwritable(&path, &error))?;
    }
    Ok(())
}

/// Writes the measured margins into a document, between the marks it has for them.
pub(super) fn write_thresholds(path: &Path, tally: &Tally) -> Result<(), Failure> {
    let refused = |message: String| Failure { exit: Exit::Input, message };
    let document = files::read_text(path).map_err(|error| refused(error.to_string()))?;
    let new = rewritten(&document, tally).ok_or_else(|| {
        refused(format!(
            "{}: the table is written between `{BEGIN}` and `{END}`, and they are not there",
            path.display()
        ))
    })?;
    std::fs::write(path, new).map_err(|error| unwritable(path, &error))
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure { exit: Exit::Inconclusive, message: format!("cannot write {}: {error}", path.display()) }
}
