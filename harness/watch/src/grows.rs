//! A file that somebody else appends to.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use evidence::manifest::plain;
use evidence::raw::Fault;
use memchr::memchr_iter;

/// Read at a time.
const CHUNK: usize = 1 << 16;
/// Longer than any line that a run writes: what goes on beyond it is no evidence.
const LONGEST: usize = 32 << 20;

/// Why a file is read no further.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stop {
    /// a line is not what belongs there: what comes after it means nothing
    Line(String),
    /// the system refuses; it may not the next time
    System(String),
}

/// The lines of a file of a folder, each once, as soon as it is whole.
#[derive(Debug)]
pub(crate) struct Growing {
    folder: PathBuf,
    name: &'static str,
    /// nothing before it is there
    file: Option<File>,
    /// a line that is not whole yet
    begun: Vec<u8>,
    chunk: Vec<u8>,
    /// of the line given last, counted from 1
    number: u64,
    /// bytes that were read
    read: u64,
}

impl Growing {
    pub(crate) fn new(folder: &Path, name: &'static str) -> Self {
        Self {
            folder: folder.to_owned(),
            name,
            file: None,
            begun: Vec::new(),
            chunk: Vec::new(),
            number: 0,
            read: 0,
        }
    }

    /// How much was read so far, in bytes.
    pub(crate) const fn read(&self) -> u64 {
        self.read
    }

    /// Whether the file of that name is the one that was read, and not shorter than that: one that was removed, replaced or written
    /// anew is another.
    pub(crate) fn is_same(&self) -> bool {
        let Some(file) = &self.file else { return true };
        let (ours, there) = (file.metadata(), self.folder.join(self.name).symlink_metadata());
        matches!((ours, there), (Ok(ours), Ok(there)) if number(&ours) == number(&there) && there.len() >= self.read)
    }

    /// Gives every line that became whole since the last time, with its number. A file that is not there has none.
    pub(crate) fn lines(
        &mut self,
        mut each: impl FnMut(u64, &[u8]) -> Result<(), Fault>,
    ) -> Result<(), Stop> {
        let failed = |error: &io::Error| Stop::System(format!("{}: {error}", self.name));
        let file = match &mut self.file {
            Some(file) => file,
            none => match plain(&self.folder, self.name).and_then(File::open) {
                Ok(file) => none.insert(file),
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
                Err(error) => return Err(failed(&error)),
            },
        };
        self.chunk.resize(CHUNK, 0);
        loop {
            let read = file.read(&mut self.chunk).map_err(|error| failed(&error))?;
            if read == 0 {
                return Ok(());
            }
            self.read += read as u64;
            let mut rest = 0;
            for end in memchr_iter(b'\n', &self.chunk[..read]) {
                self.number += 1;
                let own = &self.chunk[rest..end];
                let given = if self.begun.is_empty() {
                    each(self.number, own)
                } else {
                    self.begun.extend_from_slice(own);
                    let given = each(self.number, &self.begun);
                    self.begun.clear();
                    given
                };
                given.map_err(|fault| Stop::Line(format!("{}:{}: {fault}", self.name, self.number)))?;
                rest = end + 1;
            }
            self.begun.extend_from_slice(&self.chunk[rest..read]);
            if self.begun.len() > LONGEST {
                return Err(Stop::Line(format!("{}: a line does not end within 32 MiB", self.name)));
            }
        }
    }

    /// When it was last written to, by the clock of its disk.
    pub(crate) fn written(&self) -> Option<SystemTime> {
        self.file.as_ref()?.metadata().ok()?.modified().ok()
    }
}

/// What tells a file from another, whatever it is called.
#[cfg(unix)]
fn number(file: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt as _;
    (file.dev(), file.ino())
}
#[cfg(not(unix))]
fn number(file: &Metadata) -> Option<SystemTime> {
    file.created().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn a_line_is_given_once_and_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut growing = Growing::new(folder.path(), "a.log");
        let mut seen = Vec::new();
        let mut look = |growing: &mut Growing| {
            growing
                .lines(|number, line| {
                    seen.push((number, String::from_utf8_lossy(line).into_owned()));
                    Ok(())
                })
                .expect("readable");
            core::mem::take(&mut seen)
        };
        assert!(look(&mut growing).is_empty(), "it is not there yet");
        let mut file = File::create(folder.path().join("a.log")).expect("a file");
        let mut write = |text: &str| file.write_all(text.as_bytes()).expect("written");
        write("one\ntw");
        assert_eq!(look(&mut growing), [(1, "one".to_owned())]);
        assert!(look(&mut growing).is_empty());
        write("o\n");
        assert_eq!(look(&mut growing), [(2, "two".to_owned())]);
        write(&format!("{}\nend\n", "x".repeat(3 * CHUNK)));
        let lines = look(&mut growing);
        assert_eq!((lines[0].1.len(), lines[1].1.as_str()), (3 * CHUNK, "end"));
        assert!(growing.is_same());
        std::fs::remove_file(folder.path().join("a.log")).expect("removed");
        assert!(!growing.is_same());
        File::create(folder.path().join("a.log")).expect("another one");
        assert!(!growing.is_same());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_no_evidence() {
        let folder = tempfile::tempdir().expect("a folder");
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("a.log")).expect("a link");
        let error = Growing::new(folder.path(), "a.log").lines(|_, _| Ok(())).expect_err("refused");
        assert_eq!(error, Stop::System("a.log: `a.log` is no plain file of this folder".to_owned()));
    }
}
