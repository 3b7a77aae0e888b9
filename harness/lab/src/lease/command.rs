//! A command that may fail, hang or talk without end: it is given a time, and nothing of it outlives that.

use std::io::{self, Read};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use files::lease::Lease;
use proto::text::plain;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

/// Nobody reads more of what a command says.
const MOST: u64 = 1 << 20;
/// How long what a command has said may take to come, once it has ended. What it left running may hold the pipe.
const SAID_WITHIN: Duration = Duration::from_millis(500);
/// How often it is looked whether it has ended: at first, and then ever more seldom up to this.
const LOOK: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(20));

/// What came of a command.
#[derive(Debug)]
pub(super) struct Done {
    /// what it exited with; none where it was ended
    pub(super) code: Option<i32>,
    /// the signal that ended it
    signal: Option<i32>,
    /// it was ended because it took longer than this
    late: Option<Duration>,
    /// standard output
    pub(super) out: String,
    /// the last line of standard error
    said: String,
}

impl Done {
    pub(super) fn is_good(&self) -> bool {
        self.code == Some(0)
    }

    /// How it ended, in words, with the last that it said.
    pub(super) fn told(&self, what: &str, words: &[String]) -> String {
        let how = match (self.late, self.code, self.signal) {
            (Some(within), ..) => {
                format!("did not end within {} and was ended", humantime::format_duration(within))
            }
            (None, Some(code), _) => format!("exited with {code}"),
            (None, None, Some(signal)) => format!("was ended by signal {signal}"),
            (None, None, None) => "ended".to_owned(),
        };
        let said = if self.said.is_empty() { String::new() } else { format!(": {}", self.said) };
        let program = words.first().map_or("", String::as_str);
        format!("`{what}` ({program}) {how}{said}")
    }
}

/// Runs a command of a lease, and ends it with all of its process group where it takes longer than that, or once `stop` is set. What a command that
/// ended by itself has left running stays: that may be what holds the lease.
pub(super) fn run(
    lease: &Lease,
    words: &[String],
    variables: &[(&str, &str)],
    (within, stop): (Duration, &AtomicBool),
) -> io::Result<Done> {
    let (program, arguments) = words.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut command = Command::new(lease.program(program));
    command.args(arguments).envs(variables.iter().copied()).current_dir(&lease.folder);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let mut child = command.spawn()?;
    let (out, errors) = (child.stdout.take().map(reader), child.stderr.take().map(reader));
    let (status, late) = ended(&mut child, (within, stop))?;
    let until = Instant::now() + SAID_WITHIN;
    let [out, errors] =
        [out, errors].map(|pipe| pipe.map_or_else(String::new, |pipe| gathered(&pipe, until)));
    let said = errors.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let late = late.then_some(within);
    let code = if late.is_some() { None } else { status.code() };
    Ok(Done { code, signal: status.signal(), late, out, said: plain(said).to_string() })
}

/// Waits for the end of a child, until it is late or to be stopped; whether it had to be ended.
fn ended(child: &mut Child, (within, stop): (Duration, &AtomicBool)) -> io::Result<(ExitStatus, bool)> {
    let group = Pid::from_child(child);
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    // It stays a zombie until it is waited for, so that nobody else can have its number meanwhile.
    let has_exited = || waitid(WaitId::Pid(group), options).is_ok_and(|status| status.is_some());
    let (deadline, mut pause) = (Instant::now() + within, LOOK.0);
    while !has_exited() {
        if Instant::now() >= deadline || stop.load(Ordering::Relaxed) {
            let _ = kill_process_group(group, Signal::KILL);
            return Ok((child.wait()?, true));
        }
        std::thread::sleep(pause);
        pause = (2 * pause).min(LOOK.1);
    }
    Ok((child.wait()?, false))
}

/// Reads a pipe in a thread of its own; one that is full would hold the command up.
fn reader(pipe: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, pieces) = channel();
    let read = move || {
        let (mut pipe, mut buffer) = (pipe.take(MOST), [0; 4096]);
        while let Ok(many @ 1..) = pipe.read(&mut buffer) {
            // Nobody may listen any more.
            let _ = sender.send(buffer[..many].to_vec());
        }
        // What comes after is taken and forgotten.
        let _ = io::copy(&mut pipe.into_inner(), &mut io::sink());
    };
    // Without a thread nothing is known of what it says.
    let _ = std::thread::Builder::new().name("command".to_owned()).spawn(read);
    pieces
}

/// What came until then, or until the end.
fn gathered(pieces: &Receiver<Vec<u8>>, until: Instant) -> String {
    let mut all = Vec::new();
    while let Ok(piece) = pieces.recv_timeout(until.saturating_duration_since(Instant::now())) {
        all.extend(piece);
    }
    String::from_utf8_lossy(&all).into_owned()
}
