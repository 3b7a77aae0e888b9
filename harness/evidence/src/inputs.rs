//! What two runs were made from, held against each other: the rig and battery files that their folders keep.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use crate::manifest::{self, entry};

/// So many keys of a file are told.
const TOLD: usize = 3;

/// The largest file that is looked into; of what is larger only its sum is told to differ.
const LARGEST: u64 = 1 << 20;

/// The input files that changed from run folder A to B, as (name, in A, in B), suites left out: of each the first keys that
/// stand otherwise, line by line.
///
/// # Errors
/// When a file of a folder cannot be read.
pub fn changed(a: &Path, b: &Path) -> io::Result<Vec<(String, String, String)>> {
    let names = |folder: &Path| -> io::Result<BTreeSet<String>> {
        let mut names = manifest::inputs(folder)?;
        names.retain(|name| name.starts_with("inputs/rigs/"));
        Ok(names.into_iter().collect())
    };
    let (of_a, of_b) = (names(a)?, names(b)?);
    let mut changed = Vec::new();
    for name in of_a.union(&of_b) {
        let shown = name.trim_start_matches("inputs/").to_owned();
        let there = |is: bool| if is { "there" } else { "not there" }.to_owned();
        let (in_a, in_b) = (of_a.contains(name), of_b.contains(name));
        if !(in_a && in_b) {
            changed.push((shown, there(in_a), there(in_b)));
            continue;
        }
        let (one, other) = (entry(a, name)?, entry(b, name)?);
        if one == other {
            continue;
        }
        if one.bytes.max(other.bytes) > LARGEST {
            changed.push((shown, short(&one.sha256), short(&other.sha256)));
            continue;
        }
        let text = |folder: &Path| std::fs::read(folder.join(name));
        let (before, now) = (text(a)?, text(b)?);
        let keys = keys(&String::from_utf8_lossy(&before), &String::from_utf8_lossy(&now));
        if keys.is_empty() {
            changed.push((shown, short(&one.sha256), short(&other.sha256)));
            continue;
        }
        changed.extend(keys.into_iter().map(|(key, old, new)| (format!("{shown}, {key}"), old, new)));
    }
    Ok(changed)
}

/// The start of a sum: enough to tell two files apart by eye.
fn short(sha256: &str) -> String {
    format!("SHA-256 {}…", sha256.get(..8).unwrap_or(sha256))
}

/// A value without the comment behind it: a `#` after a space, outside of quotes.
fn uncommented(value: &str) -> &str {
    let is_comment = |&(at, _): &(usize, &str)| {
        let before = &value[..at];
        ['"', '\''].into_iter().all(|quote| before.matches(quote).count().is_multiple_of(2))
    };
    let comment = value.match_indices(" #").find(is_comment);
    comment.map_or(value, |(at, _)| &value[..at])
}

/// The first keys whose lines stand otherwise: key, old, new. What only one has is `-` in the other.
pub(crate) fn keys(a: &str, b: &str) -> Vec<(String, String, String)> {
    let lines = |text: &str| -> Vec<(String, String)> {
        let line = |line: &str| {
            let (key, value) = line.split_once(':')?;
            let key = key.trim().trim_start_matches("- ");
            (!key.starts_with('#')).then(|| (key.to_owned(), uncommented(value).trim().to_owned()))
        };
        text.lines().filter_map(line).collect()
    };
    let (mut gone, mut come) = (lines(a), lines(b));
    // A line that both have is the same wherever it stands.
    gone.retain(|line| match come.iter().position(|other| other == line) {
        Some(k) => {
            come.remove(k);
            false
        }
        None => true,
    });
    let mut changed = Vec::new();
    for (key, old) in gone {
        let new = come.iter().position(|(other, _)| *other == key).map(|k| come.remove(k).1);
        changed.push((key, old, new.unwrap_or_else(|| "-".to_owned())));
    }
    changed.extend(come.into_iter().map(|(key, new)| (key, "-".to_owned(), new)));
    changed.truncate(TOLD);
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_changed_is_told_with_its_keys() {
        let folders = [(), ()].map(|()| tempfile::TempDir::new().expect("a folder"));
        let [a, b] = folders.each_ref().map(tempfile::TempDir::path);
        let write = |folder: &Path, name: &str, text: &str| {
            let path = folder.join("inputs").join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            std::fs::write(path, text).expect("written");
        };
        let sheet = "name: Acme\nlimits:\n  max-charge-voltage: 56.8 V\n  cells: 16\n";
        for folder in [a, b] {
            write(folder, "rigs/lab.yaml", "rig: lab\n");
            write(folder, "rigs/batteries/acme.yaml", sheet);
        }
        assert_eq!(changed(a, b).expect("read"), []);
        write(b, "rigs/batteries/acme.yaml", &sheet.replace("56.8 V", "55.2 V"));
        write(b, "rigs/psu/x.yaml", "psu: x\n");
        write(b, "rigs/lab.yaml", "# moved\nrig: lab\n");
        write(a, "rigs/batteries/commented.yaml", "cells: 16   # of LFP\nlabel: 'a # b'\n");
        write(b, "rigs/batteries/commented.yaml", "cells: 15   # of NMC\nlabel: 'a # b'\n");
        write(b, "suites/s/s.yaml", "suites are refused elsewhere\n");
        let told = changed(a, b).expect("read");
        let told: Vec<[&str; 3]> = told.iter().map(|(what, a, b)| [what.as_str(), a, b]).collect();
        assert_eq!(told[0], ["rigs/batteries/acme.yaml, max-charge-voltage", "56.8 V", "55.2 V"]);
        assert_eq!(told[1], ["rigs/batteries/commented.yaml, cells", "16", "15"]);
        assert_eq!(told[2][0], "rigs/lab.yaml");
        assert!(told[2][1].starts_with("SHA-256 ") && told[2][1] != told[2][2], "{told:?}");
        assert_eq!(told[3], ["rigs/psu/x.yaml", "not there", "there"]);
        assert_eq!(told.len(), 4);
    }
}
