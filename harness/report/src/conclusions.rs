//! What is concluded from a run, beside its raw evidence: `verdicts.json`, `junit.xml`, `report.html`, and last the
//! `manifest.json` that lists every file with its hash.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::folder::{RAW, WIRE};
use crate::run::Run;
use crate::{html, json, junit, manifest};

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
    let names = RAW.into_iter().chain([WIRE]).chain(conclusions.iter().map(|c| c.0)).map(str::to_owned);
    let inputs = manifest::inputs(folder).map_err(|e| failed("inputs", e))?;
    for name in names.filter(|name| folder.join(name).exists()).chain(inputs) {
        entries.push(manifest::entry(folder, &name).map_err(|e| failed(&name, e))?);
    }
    let name = "manifest.json";
    replace(&folder.join(name), manifest::manifest(&run.meta, &entries).as_bytes())
        .map_err(|e| failed(name, e))
}

/// A file appears whole or not at all.
fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let part = path.with_extension("part");
    let write = || {
        let mut file = File::create(&part)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&part, path)
    };
    write().inspect_err(|_| {
        // On a full disk even half a file is in the way; where it cannot be removed, the failure is told anyway.
        let _ = fs::remove_file(&part);
    })
}
