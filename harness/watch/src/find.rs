//! Which run is meant where a folder of runs is named: the one that was written to last.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use evidence::names::{EVENTS_FILE, RAW};

use crate::now::Now;

/// A night keeps its runs in a folder of its own below that of all nights.
const DEEPEST: usize = 3;

/// Whether a folder is a run.
pub(crate) fn is_run(folder: &Path) -> bool {
    folder.join(EVENTS_FILE).symlink_metadata().is_ok_and(|file| file.is_file() && file.len() > 0)
}

/// When a raw file of a run was last written to. A time that is still to come says nothing.
fn written(run: &Path, now: Now) -> Option<SystemTime> {
    let of = |name: &str| {
        let file = run.join(name).symlink_metadata().ok().filter(fs::Metadata::is_file)?;
        file.modified().ok().filter(|at| now.since(*at).is_some())
    };
    RAW.iter().filter_map(|name| of(name)).max()
}

/// The run below a folder that was written to last; nothing where there is none. Links such as `latest` are passed over: what
/// they lead to is found where it lies.
pub(crate) fn latest(folder: &Path, now: Now) -> Option<PathBuf> {
    let mut found = None;
    look(folder, DEEPEST, now, &mut found);
    found.map(|(_, run)| run)
}

fn look(folder: &Path, deeper: usize, now: Now, found: &mut Option<(Option<SystemTime>, PathBuf)>) {
    if is_run(folder) {
        let written = written(folder, now);
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
            look(&entry.path(), deeper - 1, now, found);
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
        let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let now = Now { wall, passed: Duration::ZERO };
        assert_eq!(latest(all.path(), now), None);
        let run = |name: &str, age: i64| {
            let folder = all.path().join(name);
            fs::create_dir_all(&folder).expect("a folder");
            touch(&folder.join(EVENTS_FILE), age);
            folder
        };
        fn touch(path: &Path, age: i64) {
            fs::write(path, "{}\n").expect("written");
            let written =
                SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_u64.saturating_add_signed(-age));
            File::options()
                .append(true)
                .open(path)
                .and_then(|file| file.set_modified(written))
                .expect("a time");
        }
        run("a-001", 30);
        let last = run("nights/2026-03-01/all-001", 10);
        let held = run("nights/2026-02-28/all-001", 20);
        assert_eq!(latest(all.path(), now), Some(last.clone()));
        // Nothing happens in a step that holds for long, and instruments go on.
        touch(&held.join("supply.csv"), 5);
        assert_eq!(latest(all.path(), now), Some(held));
        // The clock of another machine, and a file that was only made.
        run("future", -3600);
        File::create(all.path().join("a-001").join(EVENTS_FILE)).expect("emptied");
        assert!(!is_run(&all.path().join("a-001")));
        assert_ne!(latest(all.path(), now), Some(all.path().join("future")));
        assert!(is_run(&last) && !is_run(all.path()));
    }
}
