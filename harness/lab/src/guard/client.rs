//! The harness's end: starts the guard, beats, and speaks to the supply through it.

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::error::GuardError;
use super::lease::{Holder, Lease};
use super::link::Guarded;
use super::patience;
use super::pen::{Pen, Penned, RunTime};
use super::shared::{Shared, State, beat, listen};
use super::words::Ask;
use crate::lease::Engine;
use crate::live::connect;
use crate::psu::{Link, LinkError};
use files::Profile;
use files::live::Live;
use files::profile::SerialPort;
use proto::quantity::Micros;

/// How long a guard may take to start.
const START_WITHIN: Duration = Duration::from_secs(20);
/// How long a guard that is ending may hold on to the port.
const TAKE_OVER: Duration = Duration::from_secs(5);
/// How often it is looked whether it has let go.
const LET_GO: Duration = Duration::from_millis(2);
/// How long the line may take to take output off.
const SEIZED_WITHIN: Micros = Micros::from_millis(100);
/// How long a word to the guard may take to be taken.
const SAY_WITHIN: Duration = Duration::from_millis(500);

/// The guard of a rig, which has its lease and the port of its supply. When this is dropped, it switches off.
pub struct Guard {
    pub(super) shared: Arc<Shared>,
    live: Live,
    holder: Holder,
    /// what the harness took over from a guard that died
    own: Mutex<Option<Lease>>,
    book: Mutex<Book>,
    /// how the harness switches off when its guard dies
    seizure: Mutex<Seizure>,
    seized: Condvar,
}

/// How a supply is switched off before anything is known of it.
#[derive(Clone)]
struct SwitchOff {
    line: Vec<u8>,
    /// least time between two lines
    gap: Micros,
    settings: SerialPort,
}

/// The port of a supply whose guard has died.
#[derive(Default)]
struct Seizure {
    /// what switches off, and over what port
    off: Option<SwitchOff>,
    /// it is being opened
    busy: bool,
    /// it is open, and output off was sent
    link: Option<Box<dyn Link>>,
}

/// Where the harness goes on writing once the guard is no more.
struct Book {
    file: Option<PathBuf>,
    time: RunTime,
    pen: Option<Pen>,
}

impl Guard {
    /// Starts a guard: `program` with `arguments`, the socket on its standard input.
    ///
    /// # Errors
    /// When somebody else has the rig, or it is quarantined, or nothing starts.
    pub fn start(
        program: &Path,
        arguments: &[OsString],
        live: &Live,
        holder: Holder,
    ) -> Result<Arc<Self>, GuardError> {
        let (ours, theirs) = UnixStream::pair()?;
        // It starts the guard and ends: nobody can end the guard by ending what the harness has started.
        let mut starter = {
            let mut command = Command::new(program);
            command.args(arguments).stdin(OwnedFd::from(theirs)).stdout(Stdio::null()).stderr(Stdio::null());
            command.spawn()?
        };
        starter.wait()?;
        Self::on(ours, live, holder)
    }

    /// A guard at the other end of a socket.
    ///
    /// # Errors
    /// As [`Guard::start`].
    pub(crate) fn on(socket: UnixStream, live: &Live, holder: Holder) -> Result<Arc<Self>, GuardError> {
        socket.set_write_timeout(Some(SAY_WITHIN))?;
        let listening = socket.try_clone()?;
        let shared = Arc::new(Shared::new(socket)?);
        shared.say(&Ask::Hello(Box::new(holder.clone())))?;
        let pid = shared.ready(START_WITHIN)?;
        let (theirs, beating) = (Arc::downgrade(&shared), Arc::downgrade(&shared));
        std::thread::Builder::new().name("guard".to_owned()).spawn(move || listen(&listening, &theirs))?;
        std::thread::Builder::new().name("heartbeat".to_owned()).spawn(move || beat(&beating, pid))?;
        let book = Mutex::new(Book { file: None, time: RunTime::zero(), pen: None });
        let (seizure, seized) = (Mutex::default(), Condvar::new());
        Ok(Arc::new(Self {
            shared,
            live: live.clone(),
            holder,
            own: Mutex::default(),
            book,
            seizure,
            seized,
        }))
    }

    /// Switches a supply of this profile off in the moment in which the guard dies, before anything is asked or locked.
    pub(crate) fn switches_off(self: &Arc<Self>, profile: &Profile) {
        let Ok(line) = profile.off_line(None) else { return };
        self.seizure().off = Some(SwitchOff { line, gap: profile.line.gap, settings: profile.serial });
        let this = Arc::downgrade(self);
        self.shared.state().on_death = Some(Box::new(move || {
            let Some(this) = this.upgrade() else { return };
            this.seizure().busy = true;
            let seize = this.clone();
            let started =
                std::thread::Builder::new().name("take-over".to_owned()).spawn(move || seize.seize());
            if started.is_err() {
                this.seizure().busy = false;
            }
        }));
    }

    fn seizure(&self) -> MutexGuard<'_, Seizure> {
        self.seizure.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens the port that the guard held, and sends output off.
    fn seize(&self) {
        let (off, place) = (self.seizure().off.clone(), self.live.psu.as_ref());
        let mut link = None;
        if let Some((SwitchOff { line, gap, settings }, place)) = off.zip(place) {
            let until = Instant::now() + TAKE_OVER;
            loop {
                match connect(&place.port, settings) {
                    Ok(opened) => {
                        let mut opened = self.penned(opened);
                        let soon = opened.now() + SEIZED_WITHIN;
                        // The orderly way follows and tells what is wrong.
                        let _ = opened.write(&line, soon);
                        // The guard may have died in the middle of a line, which swallowed this one.
                        let again = opened.now() + gap;
                        opened.wait(again);
                        let _ = opened.write(&line, again + SEIZED_WITHIN);
                        link = Some(opened);
                        break;
                    }
                    Err(_) if Instant::now() < until => std::thread::sleep(LET_GO),
                    Err(_) => break,
                }
            }
        }
        let mut seizure = self.seizure();
        (seizure.busy, seizure.link) = (false, link);
        drop(seizure);
        self.seized.notify_all();
    }

    /// What the guard found when it took the rig over from a dead holder, for whoever watches: that the output was on.
    #[must_use]
    pub fn found(&self) -> Option<String> {
        self.shared.state().found.clone()
    }

    /// Why a rig that several people share is not ours any more.
    pub(crate) fn lost(&self) -> Option<String> {
        self.shared.state().lost.clone()
    }

    /// Calls `tell` once the rig is lost, or at once if it is lost already. It replaces the function of an earlier call.
    pub(crate) fn on_lost(&self, tell: impl Fn(String) + Send + 'static) {
        let mut state = self.shared.state();
        match state.lost.clone() {
            Some(why) => tell(why),
            None => state.on_lost = Some(Box::new(tell)),
        }
    }

    /// Why a rig that several people share was not given back, once this guard has ended.
    #[must_use]
    pub fn not_returned(&self) -> Option<String> {
        self.shared.state().not_returned.clone()
    }

    /// Where the guard writes down every line to and from the supply, and what it had to do.
    pub fn record_in(&self, file: &Path) {
        // The guard is at home in another folder. Nothing to write in has no name.
        let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
        self.book().file = Some(file.clone());
        // A guard that is gone is told of where it matters.
        let _ = self.shared.say(&Ask::Record(file));
        self.found().iter().for_each(|found| self.note(&format!("guard: {found}")));
    }

    /// Writes a comment where what goes over the wire is written down.
    pub(crate) fn note(&self, what: &str) {
        // As above.
        let _ = self.shared.say(&Ask::Note(what.to_owned()));
    }

    /// A register of the GX is about to be written: what it holds where it is left alone.
    ///
    /// Returns once that is on the disk: whoever comes after both are dead writes it back.
    pub(crate) fn keeps(&self, unit: u8, first: u16, cells: &[u16]) {
        let known = self.shared.state().kept;
        // As above.
        if self.shared.say(&Ask::Keep(unit, first, cells.to_vec())).is_ok() {
            drop(self.shared.wait(SAY_WITHIN, |state| state.kept != known || state.loss().is_some()));
        }
    }

    /// Every register of the GX holds that again.
    pub(crate) fn has_put_back(&self) {
        // As above.
        let _ = self.shared.say(&Ask::PutBack);
        if self.shared.state().loss().is_some() && self.take_over().is_ok() {
            let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
            // The next one writes back what is there already.
            let _ = own.as_mut().map(|lease| lease.leaves(&[]));
        }
    }

    /// The time of the run begins now.
    pub fn begins(&self) {
        let (at, speed) = (Micros::ZERO, self.live.speed);
        self.book().time = RunTime { since: Instant::now(), at, speed };
        // As above.
        let _ = self.shared.say(&Ask::Time(at, speed));
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A way to the supply past a guard that is no more: the harness now writes down what it wrote.
    fn penned(&self, link: Box<dyn Link>) -> Box<dyn Link> {
        let mut book = self.book();
        let Book { file, time, pen } = &mut *book;
        let pen = pen.get_or_insert_with(|| {
            let pen = Pen::new();
            pen.time(*time);
            file.iter().for_each(|file| pen.to(file.clone()));
            pen.note("harness: the guard is no more, the harness holds the port");
            pen
        });
        Box::new(Penned(link, pen.clone()))
    }

    /// Calls this when the guard is no more, or has switched off by itself.
    pub(crate) fn on_loss(&self, tell: impl Fn(String) + Send + 'static) {
        let mut state = self.shared.state();
        match state.loss() {
            Some(why) => tell(why),
            None => state.on_loss = Some(Box::new(tell)),
        }
    }

    /// The main loop is alive. From the first call on it must be called again and again, until [`Guard::rest`].
    pub(crate) fn pulse(&self) {
        self.shared.state().pulse = Some(Instant::now());
    }

    /// The main loop has nothing switched on any more.
    pub(crate) fn rest(&self) {
        self.shared.state().pulse = None;
    }

    /// The way to the supply: through the guard, or, where it is no more, directly.
    ///
    /// # Errors
    /// When the port does not open, or the guard has switched off already.
    pub(crate) fn link(&self, settings: SerialPort) -> Result<Box<dyn Link>, LinkError> {
        let Some(place) = &self.live.psu else {
            return Err(LinkError::Guard("the rig has no supply".to_owned()));
        };
        let within = patience(Some(place));
        let mut state = self.shared.state();
        if state.loss().is_none() {
            state.generation += 1;
            (state.opened, state.gone) = (None, None);
            state.input.clear();
            let generation = state.generation;
            drop(state);
            // Where it cannot be said, the socket closes.
            let _ = self.shared.say(&Ask::Open);
            state = self.shared.wait(within, |state| state.opened.is_some() || state.loss().is_some());
            match state.opened.take() {
                Some(Ok(())) => {
                    state.input.clear();
                    return Ok(Box::new(Guarded::new(self.shared.clone(), place, generation)));
                }
                Some(Err(why)) => return Err(LinkError::Guard(why)),
                None if state.loss().is_none() => {
                    return Err(LinkError::Guard("the guard does not open the port".to_owned()));
                }
                None => {}
            }
        }
        let off = state.off.clone();
        drop(state);
        if let Some(why) = off {
            let state = self.shared.wait(within, |state| state.end.is_some() || state.closed);
            match &state.end {
                Some(Ok(())) => return Err(LinkError::OffAlready(why)),
                Some(Err(what)) => return Err(LinkError::Guard(what.clone())),
                None => {}
            }
        }
        drop(self.shared.wait(within, |state| state.closed));
        let seized = self.seized.wait_while(self.seizure(), |seizure| seizure.busy);
        let mut seized = seized.unwrap_or_else(PoisonError::into_inner).link.take();
        let until = Instant::now() + TAKE_OVER;
        loop {
            let opened = self.take_over().and_then(|()| match seized.take() {
                Some(link) => Ok(link),
                None => connect(&place.port, settings).map(|link| self.penned(link)),
            });
            match opened {
                // A process that is ending lets go of its files one after the other.
                Err(_) if Instant::now() < until => std::thread::sleep(LET_GO),
                opened => return opened,
            }
        }
    }

    /// The lease of a guard that is no more.
    fn take_over(&self) -> Result<(), LinkError> {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        if own.is_none() {
            let lease = Lease::take(&self.live, self.holder.clone());
            *own = Some(lease.map_err(|error| LinkError::Guard(error.to_string()))?);
        }
        Ok(())
    }

    /// Ends the guard: it makes sure that everything is off, and gives the rig back.
    ///
    /// # Errors
    /// When it could not confirm that: it then goes on alone. While the harness waits with it, `tell` is given what is wrong,
    /// for a person. Where the guard was no more, `confirm_off` is asked to confirm, over a link that it shows first.
    pub(crate) fn end(
        &self,
        tell: impl FnOnce(&str),
        confirm_off: impl FnOnce(&dyn Fn(Box<dyn Link>) -> Box<dyn Link>) -> Result<(), String>,
    ) -> Result<(), String> {
        self.rest();
        let _ = self.shared.say(&Ask::End);
        let over = |state: &State| state.end.is_some() || state.closed;
        let lease = self.live.lease.as_ref();
        let within = patience(self.live.psu.as_ref()) + lease.map_or(Duration::ZERO, Engine::patience);
        let mut state = self.shared.wait(within, |state| over(state) || state.trying.is_some());
        if let (false, Some(why)) = (over(&state), state.trying.clone()) {
            drop(state);
            tell(&why);
            state = self.shared.wait(within, over);
        }
        if let Some(end) = state.end.clone() {
            return end;
        }
        drop(state);
        if lease.is_some() {
            // What it was given is given back from here.
            let _ = self.take_over();
        }
        let confirmed = confirm_off(&|link| self.penned(link));
        if let Some(pen) = &self.book().pen {
            pen.done();
        }
        let own = self.own.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (own, &confirmed) {
            (Some(mut lease), Ok(())) => {
                if let Some(Err(why)) = lease.give_back() {
                    self.shared.state().not_returned = Some(why);
                }
                lease.free(Some("the guard died, the harness switched off".to_owned()))
            }
            (Some(mut lease), Err(why)) => lease.quarantine(why),
            (None, _) => Ok(()),
        }
        .map_err(|error| error.to_string())?;
        confirmed
    }

    /// From now on a panic of any thread closes the socket before anything else is done about it: to tell where it
    /// happened may take seconds.
    pub fn hang_up_on_panic(&self) {
        let (shared, told) = (Arc::downgrade(&self.shared), std::panic::take_hook());
        std::panic::set_hook(Box::new(move |panic| {
            if let Some(shared) = shared.upgrade() {
                shared.hang_up();
            }
            told(panic);
        }));
    }

    /// Closes the socket without a word, as a harness does that dies.
    pub fn hang_up(&self) {
        self.shared.hang_up();
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.shared.hang_up();
    }
}
