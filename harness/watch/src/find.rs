//! Which run is meant where a folder of runs is named: the one that was written to last.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use evidence::names::EVENTS_FILE;

/// A night keeps its runs in a folder of its own below that of all nights.
const DEEPEST: usize = 3;

/// Whether a folder is a run.
#[must_use]
pub fn is_run(folder: &Path) -> bool {
    folder.join(EVENTS_FILE).is_file()
}

/// The run below a folder that was written to last; nothing where there is none. Links such as `latest` are passed over: what
/// they lead to is found where it lies.
#[must_use]
pub fn latest(folder: &Path) -> Option<PathBuf> {
    let mut found = None;
    look(folder, DEEPEST, &mut found);
    found.map(|(_, run)| run)
}

fn look(folder: &Path, deeper: usize, found: &mut Option<(SystemTime, PathBuf)>) {
    if let Ok(written) = fs::metadata(folder.join(EVENTS_FILE)).and_then(|file| file.modified()) {
        if found.as_ref().is_none_or(|(before, _)| written > *before) {
            *found = Some((written, folder.to_owned()));
        }
        return;
    }
    if deeper == 0 {
        return;
    }
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            look(&entry.path(), deeper - 1, found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::time::Duration;

    #[test]
    fn the_run_that_was_written_to_last_is_found() {
        let all = tempfile::tempdir().expect("a folder");
        assert_eq!(latest(all.path()), None);
        let run = |name: &str, age: u64| {
            let folder = all.path().join(name);
            fs::create_dir_all(&folder).expect("a folder");
            let file = File::create(folder.join(EVENTS_FILE)).expect("a file");
            let written = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 - age);
            file.set_modified(written).expect("a time");
            folder
        };
        run("a-001", 30);
        let last = run("nights/2026-03-01/all-001", 10);
        run("nights/2026-02-28/all-001", 20);
        assert_eq!(latest(all.path()), Some(last.clone()));
        assert!(is_run(&last) && !is_run(all.path()));
    }
}
