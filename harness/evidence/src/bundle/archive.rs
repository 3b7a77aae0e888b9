//! The archive: a tar of plain files in the order of their names, below one folder, every other field a constant.
//!
//! There is one way to write given files. A reader writes them again and compares, so that no byte can differ unseen:
//! neither one of the padding nor one after the end.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};

use tar::{Archive, Builder, EntryType, Header};

use super::BundleError;

/// Files by their names below the folder, with `/` between the parts.
pub type Files = BTreeMap<String, Vec<u8>>;

/// The largest archive that is read, and what reading one may take of memory: a day of a busy bus takes a tenth.
pub const LARGEST: u64 = 256 << 20;
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

/// Reads an archive back: the name of its folder, and the files. Its size is looked at first; its files are in memory
/// once, the archive is not.
///
/// # Errors
/// When it is too large; with the position of the first byte that is not as [`write()`] would have set it.
pub fn read(mut archive: impl Read + Seek) -> Result<(String, Files), BundleError> {
    let unreadable = |source| BundleError::File { path: "the bundle".to_owned(), source };
    let length = archive.seek(SeekFrom::End(0)).map_err(unreadable)?;
    if length > LARGEST {
        return Err(BundleError::TooLarge { what: "it".to_owned(), limit: LARGEST, unit: "bytes" });
    }
    archive.rewind().map_err(unreadable)?;
    let (folder, files) = taken_apart(BufReader::new(&mut archive).take(length), length)?;
    archive.rewind().map_err(unreadable)?;
    let mut twin = Twin { archive: BufReader::new(archive), at: 0, differs: None };
    // The twin takes every write, and the names are those that were just read.
    set(&mut twin, &folder, &files).map_err(unreadable)?;
    twin.ends().map_err(unreadable)?;
    match twin.differs {
        None => Ok((folder, files)),
        Some((at, found)) => {
            let found = found.map_or("the end".to_owned(), |byte| format!("0x{byte:02x}"));
            let expected = "the byte that `busbar sign` writes there".to_owned();
            Err(BundleError::Damaged { at: at as u64, place: place(at, &folder, &files), found, expected })
        }
    }
}

/// The files of an archive of this length, as its headers have them.
fn taken_apart(archive: impl Read, length: u64) -> Result<(String, Files), BundleError> {
    let (mut files, mut folder) = (Files::new(), None::<String>);
    // Where the last whole file ended, and which it was.
    let (mut at, mut after) = (0, "in the first header".to_owned());
    let damaged = |at: u64, place: &str, found: String, expected: &str| BundleError::Damaged {
        at,
        place: place.to_owned(),
        found,
        expected: expected.to_owned(),
    };
    let packed = "a file as `busbar sign` packs it";
    // What reads headers tells their bytes, which are anybody's.
    let no_header = |at, after: &str| damaged(at, after, "no header of an archive".to_owned(), packed);
    let mut source = Archive::new(archive);
    for entry in source.entries().map_err(|_| no_header(0, &after))? {
        let mut entry = entry.map_err(|_| no_header(at, &after))?;
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
        entry
            .read_to_end(&mut content)
            .map_err(|error| damaged(begin, &format!("in {shown}"), error.to_string(), packed))?;
        if content.len() as u64 != entry.size() {
            return Err(damaged(
                length,
                &format!("in {shown}"),
                "the end".to_owned(),
                "the rest of the file",
            ));
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
    let folder = folder
        .ok_or_else(|| damaged(0, "at the beginning", "no file".to_owned(), "a bundle of `busbar sign`"))?;
    Ok((folder, files))
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

/// Compares what is written with what is there, part by part.
struct Twin<R> {
    archive: R,
    at: usize,
    /// the first place where they differ, and what is there: nothing behind the end
    differs: Option<(usize, Option<u8>)>,
}

impl<R: Read> Twin<R> {
    /// What is there and was not written.
    fn ends(&mut self) -> io::Result<()> {
        let mut more = [0];
        if self.differs.is_none() && self.archive.read(&mut more)? == 1 {
            self.differs = Some((self.at, Some(more[0])));
        }
        Ok(())
    }
}

impl<R: Read> Write for Twin<R> {
    fn write(&mut self, written: &[u8]) -> io::Result<usize> {
        let mut there = Vec::with_capacity(written.len());
        self.archive.by_ref().take(written.len() as u64).read_to_end(&mut there)?;
        let same = written.iter().zip(&there).take_while(|(a, b)| a == b).count();
        if same < written.len() && self.differs.is_none() {
            self.differs = Some((self.at + same, there.get(same).copied()));
        }
        self.at += written.len();
        Ok(written.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
