//! `manifest.json`: which files a run folder holds, with their hashes, and what made them.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::folder::INPUTS;
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

/// Reads a file as it lies on the disk and hashes it.
///
/// # Errors
/// When it cannot be read.
pub fn entry(folder: &Path, name: &str) -> io::Result<Entry> {
    let mut file = File::open(folder.join(name))?;
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
            // Nothing lies deeper; a link is not followed.
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
        let text = match std::fs::read(folder.join("manifest.json")) {
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
        let listed = |name: &str| crate::folder::RAW.contains(&name) || name.starts_with("inputs/");
        let mut names = inputs(folder)?;
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

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_hash_is_the_standard_one() {
        // FIPS 180-2, appendix B.1
        assert_eq!(super::sha256(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
