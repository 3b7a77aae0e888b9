//! The invariants of ARCHITECTURE.md that a machine can hold. Each rule reads what is in the tree, says
//! file and line, what is wrong and what to do; each is proven in its tests to fail on a bad sample.

mod circles;
mod crates;
mod documents;
mod layout;
mod purity;
mod rust;
mod text;
mod tokens;

use std::collections::BTreeSet;
use std::fmt;

use crate::process::{Failure, Workspace};

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// path from the root
    file: String,
    /// counted from 1; 0 where the whole file is meant
    line: usize,
    /// what is wrong and what to do
    what: String,
}

impl Finding {
    fn new(file: &str, line: usize, what: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, what: what.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 {
            write!(f, "{}: {}", self.file, self.what)
        } else {
            write!(f, "{}:{}: {}", self.file, self.line, self.what)
        }
    }
}

/// A file of the tree.
pub(crate) struct File {
    /// path from the root, with `/`
    path: String,
    /// as it is on the disk
    bytes: Vec<u8>,
}

impl File {
    /// The text, where it is text.
    fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.bytes).ok().filter(|text| !text.contains('\0'))
    }
}

/// Reads the tree, holds every rule, prints what is wrong.
pub(crate) fn tidy(workspace: &Workspace) -> Result<(), Failure> {
    let files = files(workspace)?;
    let metadata = crates::Metadata::read(workspace)?;
    let mut findings = BTreeSet::new();
    findings.extend(crates::check(&metadata, &files));
    findings.extend(rust::check(&files));
    findings.extend(rust::outdated(&files));
    findings.extend(text::check(&files));
    findings.extend(layout::check(&files));
    findings.extend(documents::check(&files, &crate::subcommands()));
    for finding in &findings {
        println!("{finding}");
    }
    if findings.is_empty() {
        println!("tidy: {} files, nothing to mend", files.len());
        return Ok(());
    }
    match findings.len() {
        1 => Err(Failure::Found("tidy: 1 thing to mend".to_owned())),
        many => Err(Failure::Found(format!("tidy: {many} things to mend"))),
    }
}

/// What git holds or would hold if it were added now, so that a finding comes before the commit.
fn files(workspace: &Workspace) -> Result<Vec<File>, Failure> {
    // A clone that belongs to somebody else is common in containers; only names are read from it.
    let git = workspace.program("git").args(["-c", "safe.directory=*", "ls-files", "-z"]);
    let listed = git.args(["--cached", "--others", "--exclude-standard"]).output()?;
    let names: BTreeSet<String> = listed
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
        .map(|name| String::from_utf8_lossy(name).into_owned())
        .collect();
    let mut files = Vec::new();
    for path in names {
        match std::fs::read(workspace.path(&path)) {
            Ok(bytes) => files.push(File { path, bytes }),
            // Deleted, and the deletion not yet committed.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(source) => return Err(Failure::File { path, source }),
        }
    }
    Ok(files)
}

#[cfg(test)]
fn file(path: &str, text: &str) -> File {
    File { path: path.to_owned(), bytes: text.as_bytes().to_vec() }
}
