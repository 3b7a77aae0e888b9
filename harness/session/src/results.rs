//! Results on the disk, of work that takes long: a file of lines, the first says what made them, each other one is a result,
//! written the moment it is there. A line that was cut off when the program was stopped is no result.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};

use files::InputError;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Error;

/// No honest line is longer.
const LONGEST_LINE: u64 = 1 << 20;

/// What the first line of a file of results says.
pub(crate) trait Head: Serialize + DeserializeOwned {
    /// the command that writes such files
    const VERB: &'static str;
    /// the version of its format that is known
    const VERSION: u32;

    /// The version that a file has.
    fn version(&self) -> u32;
}

/// A file of results that is written here, and by nobody else meanwhile.
#[derive(Debug)]
pub(crate) struct Results {
    path: PathBuf,
    file: File,
}

/// What a file of results holds.
pub(crate) struct Found<H, T> {
    /// nothing where the file has no whole line yet
    pub(crate) head: Option<H>,
    pub(crate) results: Vec<T>,
    /// bytes up to the end of the last whole line
    whole: u64,
}

impl Results {
    /// Opens the file, makes it and its folder where they are missing, cuts off what was not written whole, and says what else is
    /// there. A new one begins with `head`.
    ///
    /// # Errors
    /// When it cannot be written, another program writes there, or it holds what is no result.
    pub(crate) fn open<H: Head, T: DeserializeOwned>(
        path: &Path,
        head: &H,
    ) -> Result<(Self, Found<H, T>), Error> {
        let folder = path.parent().unwrap_or(Path::new(""));
        std::fs::create_dir_all(folder).map_err(|error| unwritable(folder, error))?;
        let mut options = OpenOptions::new();
        let file = options.read(true).append(true).create(true).open(path);
        let file = file.map_err(|error| unwritable(path, error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let message = format!(
                    "{}: another busbar writes here; wait for it, or choose another --out",
                    path.display()
                );
                return Err(Error::Usage(message));
            }
            Err(TryLockError::Error(error)) => return Err(unwritable(path, error)),
        }
        let found = read::<H, T>(path)?;
        file.set_len(found.whole).map_err(|error| unwritable(path, error))?;
        let mut results = Self { path: path.to_owned(), file };
        if found.head.is_none() {
            results.keep(head)?;
        }
        Ok((results, found))
    }

    /// Keeps a result: a plain struct with finite numbers.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn keep(&mut self, result: &impl Serialize) -> Result<(), Error> {
        let text = serde_json::to_string(result).expect("a plain struct with finite numbers serialises");
        let written = self
            .file
            .write_all(proto::text::json(format!("{text}\n")).as_bytes())
            .and_then(|()| self.file.flush());
        written.map_err(|error| unwritable(&self.path, error))
    }
}

/// Reads a file of results.
///
/// # Errors
/// When it cannot be read or holds what is no result of its command, with the line.
pub(crate) fn read<H: Head, T: DeserializeOwned>(path: &Path) -> Result<Found<H, T>, Error> {
    let unreadable = |source| InputError::Unreadable { path: path.to_owned(), source };
    let refused = |line: usize, why: String| {
        Error::Refused(format!(
            "{}:{line}: no result of {}: {why}; choose another folder, or delete the file",
            path.display(),
            H::VERB
        ))
    };
    let mut reader = BufReader::new(File::open(path).map_err(unreadable)?);
    let (mut found, mut line) = (Found { head: None, results: Vec::new(), whole: 0 }, Vec::new());
    for number in 1.. {
        line.clear();
        let length = reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line).map_err(unreadable)?;
        if line.last() != Some(&b'\n') {
            if length as u64 == LONGEST_LINE {
                return Err(refused(number, format!("the line is longer than {LONGEST_LINE} bytes")));
            }
            // The end, or a line that was cut off there.
            break;
        }
        if number == 1 {
            let head: H = serde_json::from_slice(&line).map_err(|e| refused(number, e.to_string()))?;
            if head.version() != H::VERSION {
                let why = format!("version {} of the format, {} is known", head.version(), H::VERSION);
                return Err(refused(number, why));
            }
            found.head = Some(head);
        } else {
            found.results.push(serde_json::from_slice(&line).map_err(|e| refused(number, e.to_string()))?);
        }
        found.whole += length as u64;
    }
    Ok(found)
}

/// A number as text: one that is read from JSON as a number may come back with another last bit.
pub(crate) mod exact {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(number: &f64, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(number)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The same of several numbers.
pub(crate) mod exact_all {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(numbers: &[f64], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(numbers.iter().map(f64::to_string))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<f64>, D::Error> {
        let texts = Vec::<String>::deserialize(from)?;
        texts.iter().map(|text| text.parse().map_err(serde::de::Error::custom)).collect()
    }
}

pub(crate) fn unwritable(path: &Path, source: std::io::Error) -> Error {
    let path = path.display();
    let why = format!("{source}; what is done so far is kept");
    Error::System { what: format!("write {path}"), source: std::io::Error::new(source.kind(), why) }
}
