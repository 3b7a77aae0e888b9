//! A program at work as a process of its own, and nothing of it left behind: its process group and all that bears its mark
//! is killed at the end, and by a warden where this process dies before.

use std::io::{self, ErrorKind, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::kin;

/// The largest file that a program may write, in bytes.
const LARGEST_FILE: u64 = 1_000_000_000;

/// A program at work, the first of a process group.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    group: Pid,
    /// what it and everything that it starts bears
    mark: u64,
    status: Option<ExitStatus>,
}

/// Its three ends: standard input, output and error.
pub(super) type Ends = (OwnedFd, OwnedFd, OwnedFd);

impl Process {
    /// Starts it in a folder, without a shell; `memory` bounds its address space, in bytes.
    pub(super) fn start(
        program: &Path,
        arguments: &[String],
        folder: &Path,
        memory: Option<u64>,
    ) -> io::Result<(Self, Ends)> {
        let mark = kin::mark();
        let mut child = Command::new(program)
            .args(arguments)
            .current_dir(folder)
            .env("LC_ALL", "C")
            .env(kin::VARIABLE, mark.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()?;
        let group = Pid::from_child(&child);
        warden(&format!("+ {},{mark}\n", group.as_raw_nonzero()));
        let ends = child.stdin.take().zip(child.stdout.take()).zip(child.stderr.take());
        let process = Self { child, group, mark, status: None };
        limit(group, mark, memory)?;
        let ((to, from), errors) = ends.ok_or_else(|| io::Error::other("it has no standard streams"))?;
        Ok((process, (to.into(), from.into(), errors.into())))
    }

    /// Waits so long for it to exit by itself, then kills it with all that it started.
    pub(super) fn end(&mut self, within: Duration) -> io::Result<ExitStatus> {
        if let Some(status) = self.status {
            return Ok(status);
        }
        let deadline = Instant::now() + within;
        let mut pause = Duration::from_micros(200);
        // It stays a zombie until the group is gone, so that nobody else can have its number meanwhile.
        while !self.has_exited() && Instant::now() < deadline {
            std::thread::sleep(pause);
            pause = (2 * pause).min(Duration::from_millis(10));
        }
        let _ = kill_process_group(self.group, Signal::KILL);
        kin::end(self.mark, self.group);
        let status = self.child.wait()?;
        warden(&format!("- {},{}\n", self.group.as_raw_nonzero(), self.mark));
        self.status = Some(status);
        Ok(status)
    }

    /// It and everything that it has started, as far as it lives.
    #[cfg(target_os = "linux")]
    pub(super) fn all(&self) -> Vec<Pid> {
        kin::find(&self.mark.to_string(), self.group)
    }

    fn has_exited(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        waitid(WaitId::Pid(self.group), options).is_ok_and(|status| status.is_some())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.end(Duration::ZERO);
    }
}

/// How a process ended, in words.
pub(super) fn told(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(69), _) => "it exited with 69: it does not speak busbar-bms/1".to_owned(),
        (Some(code), _) => format!("it exited with {code}"),
        (None, Some(signal)) if signal == Signal::XFSZ.as_raw() => {
            format!("it was ended by signal {signal}: it wrote a file of more than {LARGEST_FILE} bytes")
        }
        (None, Some(signal)) => format!("it was ended by signal {signal}"),
        (None, None) => "it ended".to_owned(),
    }
}

/// Why a program did not start, in words, and what to do.
pub(super) fn not_started(program: &Path, error: &io::Error) -> String {
    /// `ENOEXEC`
    const NO_PROGRAM: i32 = 8;
    let name = program.display();
    match (error.kind(), error.raw_os_error()) {
        (ErrorKind::NotFound, _) if program.is_file() => {
            format!("{name} cannot start: the interpreter that its first line names is not there")
        }
        (ErrorKind::NotFound, _) => {
            format!("{name} is not there: build it, or correct `command` (relative to the battery file)")
        }
        (ErrorKind::PermissionDenied, _) if program.is_dir() => {
            format!("{name} is a folder: `command` begins with the program itself")
        }
        (ErrorKind::PermissionDenied, _) => {
            format!(
                "{name} may not be executed: `chmod +x {name}`, or name its interpreter first in `command`"
            )
        }
        (_, Some(NO_PROGRAM)) => format!(
            "{name} is no program of this machine: build it for this host, or begin a script with `#!` and its interpreter"
        ),
        _ => format!("{name} cannot start: {error}"),
    }
}

#[cfg(target_os = "linux")]
fn limit(group: Pid, mark: u64, memory: Option<u64>) -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, prlimit};
    kin::set(group, mark)?;
    let most = |most: u64| Rlimit { current: Some(most), maximum: Some(most) };
    prlimit(Some(group), Resource::Core, most(0))?;
    prlimit(Some(group), Resource::Fsize, most(LARGEST_FILE))?;
    if let Some(memory) = memory {
        prlimit(Some(group), Resource::As, most(memory))?;
    }
    Ok(())
}

/// Other systems set no limit of another process.
#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "as on Linux")]
fn limit(_: Pid, _: u64, _: Option<u64>) -> io::Result<()> {
    Ok(())
}

/// Keeps the programs that are told to it, each with its group and its mark, and kills them when whoever told is gone: a
/// process that is killed itself runs no code. It ends with its standard input, and no signal of a terminal reaches it.
const WARDEN: &str = r#"trap '' HUP INT QUIT TERM
programs=" "
while read -r op one; do
  case $op in
    +) programs="$programs$one " ;;
    -) programs="${programs%% "$one" *} ${programs#* "$one" }" ;;
  esac
done
for one in $programs; do kill -s KILL -- "-${one%%,*}"; done
for again in 1 2 3; do
  for process in /proc/[0-9]*; do
    for one in $programs; do
      grep -qs "${one#*,}" "$process/limits" "$process/environ" && kill -s KILL "${process#/proc/}"
    done
  done
done"#;

/// Tells the warden, which is started with the first word. Without one a program still ends with its case.
fn warden(word: &str) {
    static AT_WORK: Mutex<Option<ChildStdin>> = Mutex::new(None);
    let mut at_work = AT_WORK.lock().unwrap_or_else(PoisonError::into_inner);
    for _ in 0..2 {
        if at_work.is_none() {
            let started = Command::new("/bin/sh")
                .args(["-c", WARDEN])
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .process_group(0)
                .spawn();
            *at_work = started.ok().and_then(|mut child| child.stdin.take());
        }
        match at_work.as_mut().map(|stdin| stdin.write_all(word.as_bytes())) {
            Some(Err(_)) => *at_work = None,
            _ => return,
        }
    }
}
