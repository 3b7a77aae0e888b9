//! Keys of laboratories that somebody trusts: a folder of files, each a public key with who signs with it and when.
//!
//! ```text
//! laboratory: Example laboratory, 1 Bench Street
//! from: 2026-01-01
//! until: 2027-12-31
//! -----BEGIN PUBLIC KEY-----
//! …
//! -----END PUBLIC KEY-----
//! ```
//!
//! OpenSSL reads such a file as a key: what stands before it is passed over there.

use std::path::{Path, PathBuf};

use ed25519_dalek::VerifyingKey;
use files::is_day;

use super::key::{self, KeyError};

/// A laboratory that is trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Laboratory {
    /// who signs with the key
    pub name: String,
    /// its first day, where it has one
    pub from: Option<String>,
    /// its last day, where it has one
    pub until: Option<String>,
    /// the key
    pub key: VerifyingKey,
}

/// Why a folder tells no keys.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The folder or a file of it cannot be read.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A file does not say whose key it is, or a day is none.
    #[error("{}: {what}", path.display())]
    Nameless {
        /// the file
        path: PathBuf,
        /// what is missing or wrong
        what: String,
    },
    /// No file ends with `.pub`.
    #[error("{} holds no key: a file of a laboratory ends with `.pub`", .0.display())]
    None(PathBuf),
}

/// Every `*.pub` of a folder, in the order of their names.
///
/// # Errors
/// When a file is no key, does not name its laboratory, or has a day that is none.
pub fn laboratories(folder: &Path) -> Result<Vec<Laboratory>, TrustError> {
    let unreadable = |source| KeyError::File { path: folder.to_owned(), source };
    let entries = std::fs::read_dir(folder).map_err(unreadable)?;
    let mut paths =
        entries.map(|entry| Ok(entry.map_err(unreadable)?.path())).collect::<Result<Vec<_>, KeyError>>()?;
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "pub"));
    paths.sort();
    if paths.is_empty() {
        return Err(TrustError::None(folder.to_owned()));
    }
    paths.iter().map(|path| laboratory(path)).collect()
}

fn laboratory(path: &Path) -> Result<Laboratory, TrustError> {
    let nameless = |what: String| TrustError::Nameless { path: path.to_owned(), what };
    let text = key::read(path)?;
    let head = text.find("-----BEGIN").map_or("", |begin| &text[..begin]);
    let (mut name, mut from, mut until) = (None, None, None);
    for line in head.lines().filter(|line| !line.trim().is_empty()) {
        let said = line.split_once(':').map(|(word, value)| (word.trim(), value.trim().to_owned()));
        match said {
            Some(("laboratory", value)) if !value.is_empty() => name = Some(value),
            Some((word @ ("from" | "until"), day)) => {
                if !is_day(&day) {
                    return Err(nameless(format!("`{word}: {day}` is no day such as 2026-03-01")));
                }
                *(if word == "from" { &mut from } else { &mut until }) = Some(day);
            }
            _ => return Err(nameless(format!("`{line}`: expected `laboratory:`, `from:` or `until:`"))),
        }
    }
    let name =
        name.ok_or_else(|| nameless("it does not say whose key it is: `laboratory: NAME`".to_owned()))?;
    let key = key::public_in(&text[head.len()..], path)?;
    Ok(Laboratory { name, from, until, key })
}

impl Laboratory {
    /// Why the key is none of a run of that day; nothing where it is.
    #[must_use]
    pub fn refuses(&self, started: Option<&str>) -> Option<String> {
        if self.from.is_none() && self.until.is_none() {
            return None;
        }
        let valid = format!(
            "the key of {} is good from {} until {}",
            self.name,
            self.from.as_deref().unwrap_or("ever"),
            self.until.as_deref().unwrap_or("further notice")
        );
        let Some(day) = started.and_then(|time| time.get(..10)).filter(|day| is_day(day)) else {
            return Some(format!("{valid}, and the run does not say when it was performed"));
        };
        // The texts order as the days do.
        let early = self.from.as_deref().is_some_and(|from| day < from);
        let late = self.until.as_deref().is_some_and(|until| day > until);
        (early || late).then(|| format!("{valid}, and the run is said to be of {day}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::key::{SigningKey, pem};
    use rstest::rstest;

    fn folder(head: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        let key = pem(&SigningKey::from_bytes(&[1; 32]).verifying_key());
        std::fs::write(folder.path().join("lab.pub"), format!("{head}{key}")).expect("written");
        std::fs::write(folder.path().join("notes.txt"), "no key").expect("written");
        folder
    }

    #[rstest]
    #[case::a_day_of_it(Some("2026-03-01T10:00:00Z"), true)]
    #[case::its_first(Some("2026-01-01T00:00:00Z"), true)]
    #[case::before(Some("2025-12-31T23:59:59Z"), false)]
    #[case::after(Some("2028-01-01T00:00:00Z"), false)]
    #[case::no_day(None, false)]
    fn a_key_is_good_for_its_days(#[case] started: Option<&str>, #[case] good: bool) {
        let folder = folder("laboratory: Example\nfrom: 2026-01-01\nuntil: 2027-12-31\n");
        let known = laboratories(folder.path()).expect("a key");
        assert_eq!((known.len(), known[0].name.as_str()), (1, "Example"));
        assert_eq!(known[0].key, SigningKey::from_bytes(&[1; 32]).verifying_key());
        assert_eq!(known[0].refuses(started).is_none(), good, "{:?}", known[0].refuses(started));
    }

    #[rstest]
    #[case::nobody("", "does not say whose key it is")]
    #[case::no_name("laboratory:\n", "expected `laboratory:`")]
    #[case::no_day("laboratory: a\nuntil: 2026-02-31\n", "is no day")]
    #[case::other_words("owner: a\n", "`owner: a`: expected `laboratory:`")]
    fn a_key_of_nobody_is_none(#[case] head: &str, #[case] says: &str) {
        let error = laboratories(folder(head).path()).expect_err("refused").to_string();
        assert!(error.contains(says), "{error}");
    }

    #[test]
    fn a_folder_without_a_key_trusts_nobody() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(matches!(laboratories(folder.path()), Err(TrustError::None(_))));
    }
}
