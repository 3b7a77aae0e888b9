//! How fast a CAN log is read, decoded and judged, beside python-can and cantools where they are installed.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::process::{Failure, Workspace};

/// A minute of a battery that passes, which is repeated.
const MINUTE: &str = include_str!("../../../harness/cli/tests/logs/simulated-reference-full.log");
const SECONDS: u64 = 60;
/// Half a gigabyte would say no more.
const FRAMES: usize = 5_000_000;
/// Enough for a second or so of Python.
const FRAMES_OF_PYTHON: usize = 200_000;
const RUNS: usize = 3;

/// Reads and decodes, judges nothing, and prints frames per second.
const PYTHON: &str = "
import sys, time, can, cantools
database = cantools.database.load_file(sys.argv[1])
began, frames = time.perf_counter(), 0
for message in can.LogReader(sys.argv[2]):
    try:
        database.decode_message(message.arbitration_id, message.data, decode_choices=False, allow_truncated=True)
    except KeyError:
        pass
    frames += 1
print(frames / (time.perf_counter() - began))
";

/// `busbar lint`, and how many times as fast it is as python-can with cantools.
pub(super) fn speed(workspace: &Workspace) -> Result<String, Failure> {
    let folder = workspace.path("target/bench");
    let (long, short, database) = (folder.join("long.log"), folder.join("short.log"), folder.join("bms.dbc"));
    workspace.write("target/bench/README", "Made by `cargo xtask bench`, and may be deleted.\n")?;
    write(&long, FRAMES)?;
    write(&short, FRAMES_OF_PYTHON)?;
    // What the process needs to start does not count: it is in both.
    let own = (FRAMES - FRAMES_OF_PYTHON) as f64
        / (lint(workspace, &long)?.saturating_sub(lint(workspace, &short)?)).as_secs_f64();
    let own_text = format!("{:.1} million/s", own / 1e6);
    let text = match python(workspace)? {
        None => format!("{own_text} (python-can and cantools are not in target/venv to compare with)"),
        Some(python) => {
            let dbc = workspace.busbar().arg("dbc").output()?;
            std::fs::write(&database, dbc).map_err(|source| file(&database, source))?;
            let program = workspace.program(&python).args(["-c", PYTHON]).arg(&database).arg(&short);
            let printed = String::from_utf8_lossy(&program.output()?).trim().to_owned();
            match printed.parse::<f64>() {
                Ok(theirs) => format!(
                    "{own_text}, {:.0} times as fast as python-can with cantools, which judge nothing ({:.2} million/s)",
                    own / theirs,
                    theirs / 1e6
                ),
                Err(_) => format!("{own_text} (python-can and cantools said `{printed}`)"),
            }
        }
    };
    for path in [&long, &short] {
        std::fs::remove_file(path).map_err(|source| file(path, source))?;
    }
    Ok(text)
}

/// The fastest of some runs: what else the machine did only made it slower.
fn lint(workspace: &Workspace, log: &Path) -> Result<Duration, Failure> {
    let mut fastest = Duration::MAX;
    for _ in 0..RUNS {
        let began = Instant::now();
        workspace.busbar().args(["lint", "--format", "json"]).arg(log).output()?;
        fastest = fastest.min(began.elapsed());
    }
    Ok(fastest)
}

/// A Python that has both, if there is one.
fn python(workspace: &Workspace) -> Result<Option<PathBuf>, Failure> {
    const BOTH: &str = "from importlib.util import find_spec as f; print(bool(f('can') and f('cantools')))";
    let named = std::env::var_os("BUSBAR_PYTHON").map(PathBuf::from);
    let path = named.unwrap_or_else(|| workspace.path("target/venv/bin/python"));
    if !path.is_file() {
        return Ok(None);
    }
    let said = workspace.program(&path).args(["-c", BOTH]).output()?;
    Ok(said.starts_with(b"True").then_some(path))
}

/// The minute over and over, until there are so many frames.
fn write(path: &Path, frames: usize) -> Result<(), Failure> {
    let write = || {
        let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
        lines(frames).try_for_each(|line| out.write_all(line.as_bytes()))?;
        out.flush()
    };
    write().map_err(|source| file(path, source))
}

fn lines(frames: usize) -> impl Iterator<Item = String> {
    (0u64..)
        .flat_map(|minute| {
            MINUTE.lines().filter_map(move |line| {
                let (seconds, rest) = line.strip_prefix('(')?.split_once('.')?;
                let seconds: u64 = seconds.parse().ok()?;
                Some(format!("({:010}.{rest}\n", seconds + minute * SECONDS))
            })
        })
        .take(frames)
}

fn file(path: &Path, source: std::io::Error) -> Failure {
    Failure::File { path: path.display().to_string(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_minutes_follow_each_other() {
        let times: Vec<String> = lines(3000).map(|line| line[..19].to_owned()).collect();
        assert_eq!(times.len(), 3000);
        assert!(times.windows(2).all(|w| w[0] <= w[1]), "time never goes backwards");
        assert_eq!(lines(1).next().map(|line| line.ends_with('\n')), Some(true));
    }
}
