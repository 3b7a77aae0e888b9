//! What a program is made of, by its hashes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use evidence::manifest::sha256;

use super::Place;

/// The files of a program: its executable, arguments that are files, and those that the battery file names.
#[derive(Debug, Clone)]
pub(super) struct MadeOf {
    /// as the battery file names it, and where it is
    files: Vec<(String, PathBuf)>,
    hashes: Arc<Mutex<BTreeMap<PathBuf, (Stamp, String)>>>,
}

/// By what a file is known to be the same as before: length and time of its last change.
type Stamp = (u64, Option<SystemTime>);

impl MadeOf {
    pub(super) fn new(folder: &Path, place: &Place, named: &[String]) -> Self {
        let mut files: Vec<(String, PathBuf)> = Vec::new();
        let mut add = |name: &str, path: PathBuf| {
            if files.iter().all(|(_, there)| *there != path) {
                files.push((name.to_owned(), path));
            }
        };
        if let Place::Command(words) = place
            && let Some((first, arguments)) = words.split_first()
        {
            let path = program(folder, first);
            let name = if first.contains('/') { first.clone() } else { path.display().to_string() };
            add(&name, path);
            for argument in arguments {
                // `--config=./a.json` names a file too.
                let value = argument.split_once('=').map_or(argument.as_str(), |(_, value)| value);
                for name in [argument, value] {
                    let path = folder.join(name);
                    if path.is_file() {
                        add(name, path);
                    }
                }
            }
        }
        named.iter().for_each(|name| add(name, folder.join(name)));
        Self { files, hashes: Arc::default() }
    }

    /// Each file as it is now, as `sha256sum` writes it.
    pub(super) fn sums(&self) -> String {
        let mut known = self.hashes.lock().unwrap_or_else(PoisonError::into_inner);
        let mut hash = |path: &Path| {
            let about = path.metadata().ok()?;
            let stamp = (about.len(), about.modified().ok());
            if let Some((before, hash)) = known.get(path)
                && *before == stamp
            {
                return Some(hash.clone());
            }
            let hash = sha256(&std::fs::read(path).ok()?);
            known.insert(path.to_owned(), (stamp, hash.clone()));
            Some(hash)
        };
        let line = |(name, path): &(String, PathBuf)| {
            format!("{}  {name}\n", hash(path).unwrap_or_else(|| "not there".to_owned()))
        };
        self.files.iter().map(line).collect()
    }
}

/// Where a program is: relative to a folder, or in PATH where its name has no `/`.
pub(super) fn program(folder: &Path, name: &str) -> PathBuf {
    if name.contains('/') {
        // Without `./` in its middle, for people.
        return folder.join(name).components().collect();
    }
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&paths).map(|place| place.join(name)).find(|path| path.is_file());
    found.unwrap_or_else(|| PathBuf::from(name))
}
