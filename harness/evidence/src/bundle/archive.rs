//! The archive: a tar of plain files in the order of their names, below one folder, every other field a constant.
//!
//! There is one way to write given files. A reader writes them again and compares, so that no byte can differ unseen:
//! neither one of the padding nor one after the end.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write};

use tar::{Archive, Builder, EntryType, Header};

use super::BundleError;

/// Files by their names below the folder, with `/` between the parts.
pub type Files = BTreeMap<String, Vec<u8>>;

/// The largest archive that is read: days of a busy bus take a tenth.
pub const LARGEST: u64 = 1 << 30;
/// More files than that no run has.
const MOST: usize = 4096;

/// Writes the archive.
///
/// # Errors
/// When a name is too long for a tar archive or would not be read back.
pub fn write(folder: &str, files: &Files) -> Result<Vec<u8>, BundleError> {
    let mut archive = Vec::new();
    set(&mut archive, folder, files).map_err(|error| BundleError::Unfit(error.to_string()))?;
    let size = archive.len() as u64;
    if size > LARGEST || files.len() > MOST {
        let (limit, unit) = if size > LARGEST { (LARGEST, "bytes") } else { (MOST as u64, "files") };
        return Err(BundleError::TooLarge { what: "the run".to_owned(), limit, unit });
    }
    Ok(archive)
}

fn set(out: impl Write, folder: &str, files: &Files) -> io::Result<()> {
    let mut archive = Builder::new(out);
    for (name, content) in files {
        let name = format!("{folder}/{name}");
        if !is_plain(&name) {
            let message = format!("a file cannot be called {name:?} in a bundle; rename it and run again");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let mut header = Header::new_ustar();
        header.set_path(&name)?;
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_entry_type(EntryType::Regular);
        header.set_cksum();
        archive.append(&header, content.as_slice())?;
    }
    archive.finish()
}

/// Reads an archive back: the name of its folder, and the files.
///
/// # Errors
/// With the position of the first byte that is not as [`write()`] would have set it.
pub fn read(archive: &[u8]) -> Result<(String, Files), BundleError> {
    let (mut files, mut folder) = (Files::new(), None::<String>);
    // Where the last whole file ended, and which it was.
    let (mut at, mut after) = (0, "in the first header".to_owned());
    let damaged = |at: u64, place: &str, found: String, expected: &str| BundleError::Damaged {
        at,
        place: place.to_owned(),
        found,
        expected: expected.to_owned(),
    };
    let broken = |at, after: &str, error: io::Error| {
        damaged(at, after, error.to_string(), "a file as `busbar sign` packs it")
    };
    let mut source = Archive::new(archive);
    for entry in source.entries().map_err(|error| broken(0, &after, error))? {
        let mut entry = entry.map_err(|error| broken(at, &after, error))?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let shown = crate::text::plain(&name).into_owned();
        let place = format!("in the header of {shown}");
        if entry.header().entry_type() != EntryType::Regular {
            let found = format!("an entry of the kind {:?}", entry.header().entry_type());
            return Err(damaged(at, &place, found, "a plain file: no links, no folders, no devices"));
        }
        let Some((top, below)) = name.split_once('/').filter(|_| is_plain(&name)) else {
            return Err(damaged(
                at,
                &place,
                format!("the name `{shown}`"),
                "a name below one folder, without `..`",
            ));
        };
        if *folder.get_or_insert_with(|| top.to_owned()) != top {
            return Err(damaged(at, &place, format!("the folder `{top}`"), "all files in one folder"));
        }
        if files.len() == MOST {
            return Err(damaged(at, &place, "one more file".to_owned(), "at most 4096 files"));
        }
        let begin = entry.raw_file_position();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).map_err(|error| broken(begin, &format!("in {shown}"), error))?;
        if content.len() as u64 != entry.size() {
            let end = archive.len() as u64;
            return Err(damaged(end, &format!("in {shown}"), "the end".to_owned(), "the rest of the file"));
        }
        if files.last_key_value().is_some_and(|(last, _)| last.as_str() >= below) {
            return Err(damaged(
                at,
                &place,
                format!("`{shown}` twice or out of order"),
                "files sorted by name",
            ));
        }
        after = format!("after {shown}");
        at = (begin + content.len() as u64).next_multiple_of(512);
        files.insert(below.to_owned(), content);
    }
    let Some(folder) = folder else {
        return Err(damaged(0, "at the beginning", "no file".to_owned(), "a bundle of `busbar sign`"));
    };
    let mut twin = Twin { archive, at: 0, differs: None };
    // The twin takes every write, and the names are those that were just read.
    set(&mut twin, &folder, &files).map_err(|error| broken(at, &after, error))?;
    match twin.differs.or((twin.at != archive.len()).then_some(twin.at)) {
        None => Ok((folder, files)),
        Some(at) => {
            let found = archive.get(at).map_or("the end".to_owned(), |byte| format!("0x{byte:02x}"));
            let expected = "the byte that `busbar sign` writes there";
            Err(damaged(at as u64, &place(at, &folder, &files), found, expected))
        }
    }
}

/// In or behind which file an offset lies.
fn place(at: usize, folder: &str, files: &Files) -> String {
    let mut end = 0;
    for (name, content) in files {
        end += 512;
        if at < end {
            return format!("in the header of {folder}/{name}");
        }
        end += content.len().next_multiple_of(512);
        if at < end {
            return format!("in the padding of {folder}/{name}");
        }
    }
    "after the last file".to_owned()
}

/// Whether a name is made of parts that mean nothing but themselves, on any system.
fn is_plain(name: &str) -> bool {
    let part = |part: &str| !matches!(part, "" | "." | "..");
    name.split('/').all(part) && !name.contains(|c: char| c.is_control() || matches!(c, '\\' | ':'))
}

/// Compares what is written with what is there.
struct Twin<'a> {
    archive: &'a [u8],
    at: usize,
    differs: Option<usize>,
}

impl Write for Twin<'_> {
    fn write(&mut self, written: &[u8]) -> io::Result<usize> {
        let there = self.archive.get(self.at..).unwrap_or_default();
        let same = written.iter().zip(there).take_while(|(a, b)| a == b).count();
        if same < written.len() && self.differs.is_none() {
            self.differs = Some(self.at + same);
        }
        self.at += written.len();
        Ok(written.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
