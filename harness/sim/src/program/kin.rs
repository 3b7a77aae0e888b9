//! Everything that a program has started, wherever it went: `setsid` and a double fork leave its process group, and still
//! bear its mark. It is a number that stands in the environment from the first instruction on, and soon in a limit, which
//! nobody without privileges takes off.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use rustix::process::Pid;

/// The variable of the environment that holds the mark; what a program starts inherits it.
pub(super) const VARIABLE: &str = "BUSBAR_PROGRAM";

/// A mark that no other program bears, of this process or of another: the nanosecond in which it was made.
pub(super) fn mark() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_nanos() as u64);
    let last = LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(now.max(last + 1)));
    now.max(last.unwrap_or(0) + 1)
}

/// Sets the limit that bears the mark: how long a task of real-time priority may run, in microseconds. It bounds nothing,
/// because the mark is thousands of years.
#[cfg(target_os = "linux")]
pub(super) fn set(of: Pid, mark: u64) -> std::io::Result<()> {
    use rustix::process::{Resource, Rlimit, prlimit};
    prlimit(Some(of), Resource::Rttime, Rlimit { current: Some(mark), maximum: Some(mark) })?;
    Ok(())
}

/// Kills every process that bears the mark, every one that descends from those or from `first`, until there is none.
#[cfg(target_os = "linux")]
pub(super) fn end(mark: u64, first: Pid) {
    use rustix::process::{Signal, kill_process};
    use std::time::Duration;

    // One that forks meanwhile is found with its next scan; one that forks faster than it is killed is given up.
    for _ in 0..100 {
        let found = find(&mark.to_string(), first);
        if found.is_empty() {
            return;
        }
        for pid in found {
            // It may have ended by itself.
            let _ = kill_process(pid, Signal::KILL);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Other systems show no environment of another process: there it is the group that ends.
#[cfg(not(target_os = "linux"))]
pub(super) fn end(_: u64, _: Pid) {}

/// Those that live: with this mark, or a parent who is one of them.
#[cfg(target_os = "linux")]
pub(super) fn find(mark: &str, first: Pid) -> Vec<Pid> {
    let all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let all = all.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok().and_then(Pid::from_raw));
    // Without what has ended already, and with their parents.
    let alive: Vec<(Pid, Option<Pid>)> = all.filter_map(|pid| Some((pid, parent(pid)?))).collect();
    let own = rustix::process::getpid();
    let marked = |pid: Pid| {
        let holds = |file: &str| {
            let text = std::fs::read(format!("/proc/{}/{file}", pid.as_raw_nonzero())).unwrap_or_default();
            text.windows(mark.len()).any(|part| part == mark.as_bytes())
        };
        holds("limits") || holds("environ")
    };
    let mut kin: Vec<Pid> =
        alive.iter().map(|(pid, _)| *pid).filter(|&pid| pid != own && marked(pid)).collect();
    let mut parents = kin.clone();
    parents.push(first);
    while !parents.is_empty() {
        let children = alive.iter().filter(|(pid, parent)| {
            parent.is_some_and(|parent| parents.contains(&parent)) && *pid != own && !kin.contains(pid)
        });
        parents = children.map(|(pid, _)| *pid).collect();
        kin.extend(&parents);
    }
    kin
}

/// The parent of a process that lives; nothing of one that has ended.
#[cfg(target_os = "linux")]
fn parent(pid: Pid) -> Option<Option<Pid>> {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    // Its name stands in brackets and may hold anything.
    let mut words = stat.rsplit_once(") ")?.1.split(' ');
    let state = words.next()?;
    let parent = words.next()?.parse().ok()?;
    (!matches!(state, "Z" | "X")).then(|| Pid::from_raw(parent))
}
