//! Tries each mutant against what comes by it, until something notices.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::switch::Mutant;

/// Who noticed a mutant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// a unit test of the judge
    UnitTest,
    /// a verdict on a recorded run or log
    Verdict,
}

/// Something that may notice a mutant.
pub(super) struct Trial {
    program: PathBuf,
    args: Vec<String>,
    /// whether what it prints is told apart by its verdicts, and not by how it ends
    verdicts: bool,
}

/// What came of one without mutants.
struct Known {
    reached: BTreeSet<u32>,
    answer: Option<String>,
    took: Duration,
}

/// How many tests are tried in one process: few at first, for most mutants are noticed by the first that come by.
const FIRST: usize = 8;
const AT_ONCE: usize = 64;

/// The least that a trial is given, and how many times its own time: a mutant may never end.
const PATIENCE: (Duration, u32) = (Duration::from_secs(10), 20);

impl Trial {
    pub(super) fn test(binary: &Path, name: &str) -> Self {
        Self {
            program: binary.to_owned(),
            args: vec!["--exact".to_owned(), name.to_owned()],
            verdicts: false,
        }
    }

    pub(super) fn verdicts(binary: &Path, verb: &str, of: &Path) -> Self {
        let args = [verb, "--format", "json", &of.to_string_lossy()].map(str::to_owned).to_vec();
        Self { program: binary.to_owned(), args, verdicts: true }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args).stdin(Stdio::null()).stderr(Stdio::null());
        // What fails with a mutant is no example to keep.
        command.env("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "true");
        command
    }

    /// What it says, in so far as a mutant is told by it; nothing where it did not end in time.
    fn answer(&self, mut command: Command, patience: Duration) -> Option<String> {
        command.stdout(if self.verdicts { Stdio::piped() } else { Stdio::null() });
        let mut child = command.spawn().ok()?;
        let out = child.stdout.take();
        let reader = thread::spawn(move || {
            let mut text = String::new();
            if let Some(mut out) = out {
                let _ = std::io::Read::read_to_string(&mut out, &mut text);
            }
            text
        });
        let code = ended(&mut child, patience);
        let text = reader.join().ok()?;
        let code = code?;
        Some(if self.verdicts { format!("{code} {}", outcomes(&text)) } else { code.to_string() })
    }
}

/// The exit code, where it ends in time; it is ended otherwise.
fn ended(child: &mut Child, patience: Duration) -> Option<i32> {
    let begun = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status.code().unwrap_or(-1)),
            Ok(None) if begun.elapsed() < patience => thread::sleep(Duration::from_millis(1)),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
    }
}

/// Every outcome of a requirement that a file of verdicts has, in order.
fn outcomes(text: &str) -> String {
    fn walk(value: &Value, into: &mut String) {
        match value {
            Value::Object(map) => {
                if let (Some(Value::String(id)), Some(Value::String(outcome))) =
                    (map.get("requirement").or(map.get("id")), map.get("outcome"))
                {
                    into.push_str(&format!("{id}={outcome} "));
                }
                map.values().for_each(|value| walk(value, into));
            }
            Value::Array(all) => all.iter().for_each(|value| walk(value, into)),
            _ => {}
        }
    }
    let mut found = String::new();
    let whole = serde_json::from_str::<Value>(text).ok();
    let lines = || text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).collect();
    let values: Vec<Value> = whole.map_or_else(lines, |value| vec![value]);
    values.iter().for_each(|value| walk(value, &mut found));
    found
}

/// The fate of each mutant that some trial noticed.
pub(super) fn all(mutants: &[Mutant], trials: &[Trial], fate: Fate) -> BTreeMap<u32, Fate> {
    let known = on_all_cores(trials.len(), |at| know(&trials[at]));
    let noticed = on_all_cores(mutants.len(), |at| {
        let id = mutants[at].id;
        let mut coming: Vec<(&Trial, &Known)> =
            trials.iter().zip(&known).filter(|(_, known)| known.reached.contains(&id)).collect();
        coming.sort_by_key(|(_, known)| known.took);
        let tests: Vec<_> = coming.iter().filter(|(trial, _)| !trial.verdicts).collect();
        let (first, rest) = tests.split_at(tests.len().min(FIRST));
        let by_test = first.chunks(FIRST).chain(rest.chunks(AT_ONCE)).any(|few| {
            let mut together = few[0].0.command();
            together.args(few[1..].iter().map(|(trial, _)| &trial.args[1]));
            together.env("BUSBAR_MUTANT", id.to_string());
            let took: Duration = few.iter().map(|(_, known)| known.took).sum();
            few[0].0.answer(together, patience(took)).as_deref() != Some("0")
        });
        by_test
            || coming.iter().filter(|(trial, _)| trial.verdicts).any(|(trial, known)| {
                let mut command = trial.command();
                command.env("BUSBAR_MUTANT", id.to_string());
                trial.answer(command, patience(known.took)) != known.answer
            })
    });
    let noticed = mutants.iter().zip(noticed).filter(|(_, noticed)| *noticed);
    noticed.map(|(mutant, _)| (mutant.id, fate)).collect()
}

fn patience(took: Duration) -> Duration {
    PATIENCE.0.max(took * PATIENCE.1)
}

/// What a trial comes by and says without a mutant.
fn know(trial: &Trial) -> Known {
    let file = std::env::temp_dir().join(format!(
        "busbar-reached-{}-{:?}",
        std::process::id(),
        thread::current().id()
    ));
    let mut command = trial.command();
    command.env("BUSBAR_REACHED", &file);
    let begun = Instant::now();
    let answer = trial.answer(command, Duration::from_secs(600));
    let took = begun.elapsed();
    let reached = std::fs::read_to_string(&file).unwrap_or_default();
    let _ = std::fs::remove_file(&file);
    Known { reached: reached.lines().filter_map(|id| id.parse().ok()).collect(), answer, took }
}

/// Does so many things on all cores, and tells how far it came.
fn on_all_cores<T: Send>(count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(count));
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= count {
                        return;
                    }
                    let result = work(at);
                    if let Ok(mut done) = done.lock() {
                        done.push((at, result));
                        if done.len() % 100 == 0 {
                            eprintln!("{} of {count}", done.len());
                        }
                    }
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_default();
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_outcomes_tell() {
        let text =
            r#"{"cases": [{"verdicts": [{"requirement": "CVL-04", "outcome": "pass", "reason": "a"}]}]}"#;
        assert_eq!(outcomes(text), "CVL-04=pass ");
        assert_eq!(outcomes(&text.replace("\"a\"", "\"b\"")), outcomes(text));
    }

    #[test]
    fn everything_is_done_once_and_in_order() {
        assert_eq!(on_all_cores(300, |at| at * 2), (0..300).map(|at| at * 2).collect::<Vec<_>>());
    }
}
