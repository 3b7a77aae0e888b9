//! `manifest.json`: which files a run folder holds, with their hashes, and what made them.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::names::{INPUTS, PROGRAM, RAW, WIRE};
use crate::run::RunMeta;

/// Name and version of the format.
pub const SCHEMA: &str = "busbar-manifest/1";

/// One file of the folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// name within the folder
    pub name: String,
    /// length in bytes
    pub bytes: u64,
    /// SHA-256, hexadecimal
    pub sha256: String,
}

/// SHA-256 of bytes, hexadecimal.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Where a file of the folder lies. What a stranger's folder holds may be a link to a file that is nobody's business, or a
/// pipe that never ends: only plain files in real folders are evidence.
///
/// # Errors
/// When it is not there, or something else: that is of the kind [`io::ErrorKind::InvalidInput`].
pub fn plain(folder: &Path, name: &str) -> io::Result<PathBuf> {
    let mut path = folder.to_path_buf();
    let mut parts = Path::new(name).components().peekable();
    while let Some(part) = parts.next() {
        let is_plain = matches!(part, Component::Normal(_)) && {
            path.push(part);
            let there = path.symlink_metadata()?;
            if parts.peek().is_some() { there.is_dir() } else { there.is_file() }
        };
        if !is_plain {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("`{}` is no plain file of this folder", crate::text::plain(name)),
            ));
        }
    }
    Ok(path)
}

/// Reads a file as it lies on the disk and hashes it.
///
/// # Errors
/// When it cannot be read or is no plain file.
pub fn entry(folder: &Path, name: &str) -> io::Result<Entry> {
    let mut file = File::open(plain(folder, name)?)?;
    let (mut hash, mut bytes, mut buffer) = (Sha256::new(), 0, vec![0; 1 << 16]);
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            n => {
                hash.update(&buffer[..n]);
                bytes += n as u64;
            }
        }
    }
    Ok(Entry { name: name.to_owned(), bytes, sha256: hex(&hash.finalize()) })
}

/// The files of `inputs/`, by their names within the run folder, in their order.
///
/// # Errors
/// When a folder cannot be read.
pub fn inputs(folder: &Path) -> io::Result<Vec<String>> {
    fn walk(folder: &Path, name: &str, depth: usize, names: &mut Vec<String>) -> io::Result<()> {
        let mut entries = std::fs::read_dir(folder.join(name))?.collect::<io::Result<Vec<_>>>()?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let name = format!("{name}/{}", entry.file_name().to_string_lossy());
            // Nothing lies deeper. A link is not followed, and refused by whoever reads it.
            match entry.file_type()?.is_dir() {
                true if depth > 0 => walk(folder, &name, depth - 1, names)?,
                true => {}
                false => names.push(name),
            }
        }
        Ok(())
    }
    let mut names = Vec::new();
    if folder.join(INPUTS).is_dir() {
        walk(folder, INPUTS, 4, &mut names)?;
    }
    Ok(names)
}

/// What a manifest says that nothing else in its folder does.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Kept {
    /// unique id of the run
    pub run: String,
    /// time of day at which it began
    pub started: Option<String>,
    /// how long it took on the wall clock, in milliseconds
    pub took_ms: Option<u64>,
    /// every file
    pub files: Vec<Entry>,
}

impl Kept {
    /// Reads `manifest.json` of a folder; nothing where it has none, as a run that was cut off.
    ///
    /// # Errors
    /// When it cannot be read or is no manifest.
    pub fn read(folder: &Path) -> io::Result<Option<Self>> {
        let text = match plain(folder, "manifest.json").and_then(std::fs::read) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        Ok(Some(serde_json::from_slice(&text)?))
    }

    /// Raw evidence and inputs that are not what they were when this was written: changed, missing or new.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn changed(&self, folder: &Path) -> io::Result<Vec<String>> {
        let listed = |name: &str| raw().any(|raw| raw == name) || name.starts_with("inputs/");
        let mut names = inputs(folder)?;
        names.extend(raw().filter(|name| is_there(folder, name)).map(str::to_owned));
        names.retain(|name| self.files.iter().all(|kept| kept.name != *name));
        for kept in self.files.iter().filter(|kept| listed(&kept.name)) {
            match entry(folder, &kept.name) {
                Ok(now) if now == *kept => {}
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => names.push(kept.name.clone()),
            }
        }
        Ok(names)
    }
}

/// The whole file, ending in a line break.
#[must_use]
pub fn manifest(meta: &RunMeta, files: &[Entry]) -> String {
    #[derive(Serialize)]
    struct Manifest<'a> {
        schema: &'static str,
        run: &'a str,
        title: &'a str,
        started: Option<&'a str>,
        took_ms: Option<u64>,
        seed: u64,
        harness: &'a str,
        #[serde(skip_serializing_if = "str::is_empty")]
        commit: &'a str,
        rig: Named<'a>,
        simulated: bool,
        #[serde(skip_serializing_if = "str::is_empty")]
        last_resort: &'a str,
        battery: Named<'a>,
        identity: Vec<[&'a str; 2]>,
        suites: Vec<Suite<'a>>,
        files: &'a [Entry],
    }
    #[derive(Serialize)]
    struct Named<'a> {
        name: &'a str,
        title: &'a str,
    }
    #[derive(Serialize)]
    struct Suite<'a> {
        path: &'a str,
        sha256: &'a str,
    }
    let content = Manifest {
        schema: SCHEMA,
        run: &meta.id,
        title: &meta.title,
        started: meta.started.as_deref(),
        took_ms: meta.took.map(|t| u64::try_from(t.as_millis()).unwrap_or(u64::MAX)),
        seed: meta.seed,
        harness: &meta.harness,
        commit: &meta.commit,
        rig: Named { name: &meta.rig.name, title: &meta.rig.title },
        simulated: meta.rig.simulated,
        last_resort: &meta.rig.last_resort,
        battery: Named { name: &meta.battery.name, title: &meta.battery.title },
        identity: meta.battery.identity.iter().map(|(what, value)| [what.as_str(), value]).collect(),
        suites: meta.suites.iter().map(|s| Suite { path: &s.path, sha256: &s.sha256 }).collect(),
        files,
    };
    let mut text = serde_json::to_string_pretty(&content).expect("plain structs with text keys serialise");
    text.push('\n');
    proto::text::json(text)
}

/// Everything that is evidence: the raw files, what went to and from the supply, and what a program told of itself.
pub(crate) fn raw() -> impl Iterator<Item = &'static str> {
    RAW.into_iter().chain([WIRE, PROGRAM])
}

/// Whether something has that name, whatever it is.
pub(crate) fn is_there(folder: &Path, name: &str) -> bool {
    folder.join(name).symlink_metadata().is_ok()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Kept, entry, manifest};

    /// A folder with its manifest.
    fn run() -> (tempfile::TempDir, Kept) {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(folder.path().join("inputs/rigs")).expect("made");
        let names = ["can.log", "psu-wire.log", "inputs/rigs/lab.yaml"];
        let files = names.map(|name| {
            fs::write(folder.path().join(name), name).expect("written");
            entry(folder.path(), name).expect("a plain file")
        });
        let text = manifest(&crate::run::RunMeta::default(), &files);
        fs::write(folder.path().join("manifest.json"), text).expect("written");
        let kept = Kept::read(folder.path()).expect("readable").expect("there");
        (folder, kept)
    }

    #[test]
    fn what_went_over_the_wire_of_the_supply_is_evidence_too() {
        let (folder, kept) = run();
        let none: [&str; 0] = [];
        assert_eq!(kept.changed(folder.path()).expect("readable"), none);
        fs::write(folder.path().join("psu-wire.log"), "# 1.0 watchdog proven").expect("written");
        fs::write(folder.path().join("gx.csv"), "").expect("written");
        assert_eq!(kept.changed(folder.path()).expect("readable"), ["gx.csv", "psu-wire.log"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_no_file_of_the_folder() {
        let (folder, _) = run();
        let other = tempfile::tempdir().expect("a folder");
        fs::write(other.path().join("lab.pem"), "a secret").expect("written");
        let link = |to: &std::path::Path, name: &str| {
            std::os::unix::fs::symlink(to, folder.path().join(name)).expect("a link");
        };
        link(&other.path().join("lab.pem"), "inputs/rigs/notes.txt");
        link(other.path(), "inputs/batteries");
        for name in ["inputs/rigs/notes.txt", "inputs/batteries/lab.pem", "../lab.pem", "/etc/passwd"] {
            let error = entry(folder.path(), name).expect_err("refused");
            assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput, "{name}");
            assert!(error.to_string().contains(name), "{error}");
        }
    }

    #[test]
    fn the_hash_is_the_standard_one() {
        // FIPS 180-2, appendix B.1
        assert_eq!(super::sha256(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
