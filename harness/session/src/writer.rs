//! Everything that passes between engine and bench goes into the run folder, and the steps to the progress bar.
//!
//! On a real rig a thread of its own writes: a disk that hangs keeps nobody from looking at interlocks. What is lost to
//! whatever kills this process is what still waits for that thread, which is a line or none while the disk takes lines.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use engine::bench::{Input, Status, Witness};
use evidence::conclusions::FolderError;
use evidence::folder::RunFolder;
use judge::trace::{Event, EventKind};
use proto::quantity::Micros;

use crate::Progress;

/// Has what comes in written down, before anything is concluded from it.
pub(crate) struct Evidence<'a> {
    pub(crate) to: To<'a>,
    pub(crate) progress: &'a dyn Progress,
    pub(crate) case: &'a str,
    pub(crate) begins: Begins<'a>,
}

/// When a case begins in the time of the run.
#[derive(Clone, Copy)]
pub(crate) enum Begins<'a> {
    /// it has begun, the folder knows
    At(Micros),
    /// on a real rig with its first evidence: before, instruments are opened and the case is prepared, for as long as that
    /// takes
    WithEvidence {
        /// when the run began
        run: Instant,
        /// how many times faster than the clock the rig is
        speed: u32,
        /// no earlier than this
        after: Micros,
        suite: &'a str,
        case: &'a str,
    },
}

/// Who writes it down.
pub(crate) enum To<'a> {
    /// whoever saw it: in the box nothing waits
    Folder(&'a mut RunFolder),
    /// a thread
    Writer(&'a mut Writer),
}

impl Evidence<'_> {
    /// When the case began in the time of the run, where it is so old now.
    pub(crate) fn began(&mut self, at: Micros) -> Micros {
        let (run, speed, after, suite, case) = match self.begins {
            Begins::At(began) => return began,
            Begins::WithEvidence { run, speed, after, suite, case } => (run, speed, after, suite, case),
        };
        let past = u64::try_from(run.elapsed().as_micros()).unwrap_or(u64::MAX);
        let now = Micros(past.saturating_mul(u64::from(speed)));
        let began = now.since(at).max(after);
        self.begins = Begins::At(began);
        match &mut self.to {
            To::Folder(folder) => folder.begin_case(suite, case, began),
            To::Writer(writer) => {
                let (suite, case) = (suite.to_owned(), case.to_owned());
                writer.put(move |folder| folder.begin_case(&suite, &case, began));
            }
        }
        began
    }
}

impl Witness for Evidence<'_> {
    fn input(&mut self, at: Micros, input: &Input) {
        self.began(at);
        match &mut self.to {
            To::Folder(folder) => write(folder, at, input),
            To::Writer(writer) => {
                let input = input.clone();
                writer.put(move |folder| {
                    write(folder, at, &input);
                    if matches!(input, Input::Samples(_)) {
                        // Once a reading: whether the folder is still there.
                        folder.flush();
                    }
                });
            }
        }
    }

    fn event(&mut self, event: &Event) {
        self.began(event.at);
        match &mut self.to {
            To::Folder(folder) => folder.event(event),
            To::Writer(writer) => {
                let event = event.clone();
                writer.put(move |folder| folder.event(&event));
            }
        }
        if let EventKind::Step { text, .. } = &event.kind {
            self.progress.step(self.case, event.at, text);
        }
    }

    fn stands(&mut self, status: &Status<'_>) {
        self.progress.stands(self.case, status);
    }

    fn told(&mut self, lines: &str) {
        match &mut self.to {
            To::Folder(folder) => folder.told(lines),
            To::Writer(writer) => {
                let lines = lines.to_owned();
                writer.put(move |folder| folder.told(&lines));
            }
        }
    }
}

fn write(folder: &mut RunFolder, at: Micros, input: &Input) {
    match input {
        Input::Can(frame) => folder.can(at, frame),
        Input::CanError(error) => folder.can_error(at, error),
        Input::Bus(reading) => folder.bus(at, reading),
        Input::Samples(said) => folder.samples(at, said),
        Input::Bytes(chunk) => folder.bytes(at, chunk),
        // The engine notes these as events.
        Input::Operator(_) | Input::Fault(_) | Input::Tick => {}
    }
}

/// What may wait for the disk: four seconds of a bus at 500 kbit/s that is full, minutes of one as it usually is.
const WAITING: usize = 16_384;
/// A disk that does not take a line for so long takes none. Assumption: one that writes back what it holds, or wakes up,
/// is quicker.
const PATIENCE: Duration = Duration::from_secs(10);

type Job = Box<dyn FnOnce(&mut RunFolder) + Send>;

/// The thread that writes down what happens on a real rig while a case runs. What it is given goes to the system one by
/// one, in order. Where that fails, or takes too long, the case is ended: without evidence it would prove nothing, and
/// only wear the battery.
pub(crate) struct Writer {
    jobs: SyncSender<Job>,
    done: Receiver<RunFolder>,
    path: PathBuf,
    patience: Duration,
    /// when the thread began with what it is doing
    since: Arc<Mutex<Option<Instant>>>,
    /// ends the case
    stop: Arc<AtomicBool>,
    /// why what was written is not all; nothing more is written then
    wrong: Option<String>,
}

impl Writer {
    /// Writes into a folder until [`Writer::end`], and sets `stop` where it cannot.
    pub(crate) fn start(folder: RunFolder, stop: Arc<AtomicBool>) -> io::Result<Self> {
        Self::patient(folder, stop, PATIENCE)
    }

    fn patient(mut folder: RunFolder, stop: Arc<AtomicBool>, patience: Duration) -> io::Result<Self> {
        let (jobs, taken) = sync_channel::<Job>(WAITING);
        let (end, done) = sync_channel(1);
        let since = Arc::new(Mutex::new(None));
        let (path, busy, stops) = (folder.path().to_owned(), since.clone(), stop.clone());
        std::thread::Builder::new().name("evidence".to_owned()).spawn(move || {
            for job in taken {
                *locked(&busy) = Some(Instant::now());
                job(&mut folder);
                // Nobody can run a real rig again as it was: not a frame is lost to whatever kills this process.
                folder.hand_over();
                if folder.health().is_err() {
                    // What is wrong is told when the case is closed.
                    stops.store(true, Ordering::Relaxed);
                }
                *locked(&busy) = None;
            }
            // Whoever gave it up does not want it back.
            let _ = end.send(folder);
        })?;
        Ok(Self { jobs, done, path, patience, since, stop, wrong: None })
    }

    /// Has something written; never waits.
    fn put(&mut self, job: impl FnOnce(&mut RunFolder) + Send + 'static) {
        if self.wrong.is_some() {
            return;
        }
        let full = match self.jobs.try_send(Box::new(job)) {
            Ok(()) => None,
            Err(TrySendError::Full(_)) => Some(format!("{WAITING} lines waited for the disk, and more came")),
            Err(TrySendError::Disconnected(_)) => Some("the thread that writes has ended".to_owned()),
        };
        let stuck = locked(&self.since).is_some_and(|since| since.elapsed() > self.patience);
        self.wrong = full.or_else(|| stuck.then(|| self.hangs()));
        if self.wrong.is_some() {
            self.stop.store(true, Ordering::Relaxed);
        }
    }

    fn hangs(&self) -> String {
        format!("the disk has not taken a line for {:.0?}", self.patience)
    }

    /// Waits until everything is written, and gives the folder back.
    ///
    /// # Errors
    /// When not everything could be handed to it, or the disk hangs.
    pub(crate) fn end(self) -> Result<RunFolder, FolderError> {
        let hangs = self.hangs();
        drop(self.jobs);
        let mut wrong = self.wrong;
        let mut folder = None;
        while wrong.is_none() && folder.is_none() {
            match self.done.recv_timeout(self.patience / 10) {
                Ok(whole) => folder = Some(whole),
                Err(RecvTimeoutError::Disconnected) => {
                    wrong = Some("the thread that writes has ended".to_owned())
                }
                Err(RecvTimeoutError::Timeout) => {
                    let stuck = locked(&self.since).is_some_and(|since| since.elapsed() > self.patience);
                    wrong = stuck.then(|| hangs.clone());
                }
            }
        }
        folder.ok_or_else(|| FolderError::Write {
            path: self.path,
            source: io::Error::new(io::ErrorKind::TimedOut, wrong.unwrap_or_default()),
        })
    }
}

fn locked(since: &Mutex<Option<Instant>>) -> MutexGuard<'_, Option<Instant>> {
    since.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(all(test, unix))]
mod tests;
