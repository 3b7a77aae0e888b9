//! What is concluded from a run, beside its raw evidence: `verdicts.json`, `junit.xml`, `report.html`, and last the
//! `manifest.json` that lists every file with its hash.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::manifest;
use crate::run::RunMeta;

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
    /// What lies there is none of Busbar's files: it is neither followed nor vouched for.
    #[error("{}: {what}: a link, a pipe or the like is not followed; nothing was written", folder.display())]
    NotPlain {
        /// the folder
        folder: PathBuf,
        /// which file
        what: String,
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

/// Writes the conclusions of a run, each a file with its name, and the manifest into its folder, replacing those that are there; raw
/// evidence is only read.
///
/// # Errors
/// When a file cannot be written, raw evidence cannot be read, or something in the folder is no plain file.
pub fn conclude(folder: &Path, meta: &RunMeta, conclusions: &[(&str, String)]) -> Result<(), FolderError> {
    let failed = |name: &str, source: io::Error| match source.kind() {
        io::ErrorKind::InvalidInput => {
            FolderError::NotPlain { folder: folder.to_path_buf(), what: source.to_string() }
        }
        _ => FolderError::Write { path: folder.join(name), source },
    };
    let inputs = manifest::inputs(folder).map_err(|e| failed("inputs", e))?;
    let raw: Vec<&str> = manifest::raw().filter(|name| manifest::is_there(folder, name)).collect();
    for name in raw.iter().copied().chain(inputs.iter().map(String::as_str)) {
        manifest::plain(folder, name).map_err(|e| failed(name, e))?;
    }
    for (name, content) in conclusions {
        replace(&folder.join(name), content.as_bytes()).map_err(|e| failed(name, e))?;
    }
    let mut entries = Vec::new();
    let concluded = conclusions.iter().map(|(name, _)| *name);
    for name in raw.into_iter().chain(concluded).chain(inputs.iter().map(String::as_str)) {
        entries.push(manifest::entry(folder, name).map_err(|e| failed(name, e))?);
    }
    let name = "manifest.json";
    replace(&folder.join(name), manifest::manifest(meta, &entries).as_bytes()).map_err(|e| failed(name, e))
}

/// A file appears whole or not at all.
fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let part = path.with_extension("part");
    let write = || {
        // What is left of a process that was killed goes; where it is a link, what it points to stays.
        match fs::remove_file(&part) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = File::create_new(&part)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&part, path)
    };
    write().inspect_err(|_| {
        // On a full disk even half a file is in the way; where it cannot be removed, the failure is told anyway.
        let _ = fs::remove_file(&part);
    })
}
