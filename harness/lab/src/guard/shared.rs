//! What the threads of the harness share about their guard: its socket, and what it has said.

use std::collections::VecDeque;
use std::io::{self, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, TryLockError, Weak};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::BEAT;
use super::error::GuardError;
use super::incoming::{Incoming, ready};
use super::words::{Ask, Tell};

/// A harness whose main loop stands still for so long is as good as dead: it looks at no interlock.
const STILL: Duration = Duration::from_secs(5);
/// A guard that is silent for so long is as good as dead.
pub(super) const SILENT: Duration = Duration::from_secs(1);

/// How long the listener leaves the socket to a thread that waits for an answer and listens by itself.
const STAND_BACK: Duration = Duration::from_millis(5);

pub(super) struct Shared {
    socket: Mutex<UnixStream>,
    incoming: Mutex<Incoming>,
    /// closes it, whoever is writing
    plug: UnixStream,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
pub(super) struct State {
    /// bytes of the supply that nobody has taken yet
    pub(super) input: VecDeque<u8>,
    /// which link is the one that counts
    pub(super) generation: u64,
    pub(super) opened: Option<Result<(), String>>,
    /// why the port is gone
    pub(super) gone: Option<String>,
    /// why it has switched off by itself
    pub(super) off: Option<String>,
    /// how many registers of the GX it has noted
    pub(super) kept: u32,
    /// what the guard found before it was ready, for a person
    pub(super) found: Option<String>,
    /// why a rig that is handed out is not ours any more
    pub(super) lost: Option<String>,
    /// told when that happens
    pub(super) on_lost: Option<Box<dyn Fn(String) + Send>>,
    /// why it was not given back
    pub(super) not_returned: Option<String>,
    /// why it is not known to be off, while that is tried
    pub(super) trying: Option<String>,
    /// why the guard is no more, as far as it said or was seen
    why: Option<String>,
    /// done at once when the guard is no more
    pub(super) on_death: Option<Box<dyn FnOnce() + Send>>,
    /// the end: whether off was confirmed
    pub(super) end: Option<Result<(), String>>,
    /// the socket is closed
    pub(super) closed: bool,
    /// told when the guard is no more or has switched off
    pub(super) on_loss: Option<Box<dyn Fn(String) + Send>>,
    heard: Option<Instant>,
    /// the main loop was here, while it must come by
    pub(super) pulse: Option<Instant>,
}

impl Shared {
    pub(super) fn new(socket: UnixStream) -> io::Result<Self> {
        let (plug, incoming) = (socket.try_clone()?, Mutex::new(Incoming::new(socket.try_clone()?)));
        let (socket, state, changed) = (Mutex::new(socket), Mutex::default(), Condvar::new());
        Ok(Self { socket, incoming, plug, state, changed })
    }
}

impl State {
    /// The rig is not ours any more: whoever runs is told, once.
    fn lose(&mut self, why: String) {
        self.lost = Some(why.clone());
        if let Some(tell) = self.on_lost.take() {
            tell(why);
        }
    }

    /// Why there is no guard any more.
    pub(super) fn loss(&self) -> Option<String> {
        match &self.off {
            Some(why) => Some(format!("guard: it has switched the supply off: {why}")),
            None => self.closed.then(|| {
                let why = self.why.as_deref().unwrap_or(
                    "its process ended without a word: somebody killed it, or the system did (out of memory?)",
                );
                format!("guard: it is gone: {why}")
            }),
        }
    }
}

impl Shared {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for something, at most so long. The thread that waits listens by itself where no other does: so an answer
    /// of the supply wakes one thread on its way and not two.
    pub(super) fn wait(&self, within: Duration, met: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let Some(mut incoming) = self.incoming() else {
            let waited = self.changed.wait_timeout_while(self.state(), within, |state| !met(state));
            return waited.unwrap_or_else(PoisonError::into_inner).0;
        };
        let began = Instant::now();
        loop {
            let state = self.state();
            if met(&state) || state.closed {
                return state;
            }
            drop(state);
            let left = within.saturating_sub(began.elapsed());
            self.hear(&mut incoming, left);
            if left.is_zero() {
                return self.state();
            }
        }
    }

    /// Waits until the guard, which may take so long to start, has the rig; gives its process.
    pub(super) fn ready(&self, within: Duration) -> Result<u32, GuardError> {
        let (mut here, mut within) = (None, within);
        // Nobody else listens yet.
        while let Some(words) = self.incoming().and_then(|mut incoming| incoming.first(within).ok()) {
            let mut words = words.into_iter();
            while let Some(word) = words.next() {
                match word {
                    // It may have to switch off what a dead harness left, and beats meanwhile.
                    Tell::Here(pid) => (here, within) = (Some(pid), SILENT * 2),
                    Tell::Beat => {}
                    Tell::Found(_) | Tell::Lost(_) => self.heard(word),
                    Tell::Ready(pid) => {
                        words.for_each(|word| self.heard(word));
                        return Ok(pid);
                    }
                    Tell::Busy(who) => return Err(GuardError::Busy(who)),
                    Tell::NotGiven(why) => return Err(GuardError::NotGiven(why)),
                    Tell::Refused(why) => return Err(GuardError::Refused(why)),
                    _ => self.hang_up(),
                }
            }
        }
        here.into_iter().for_each(kill);
        Err(GuardError::Silent)
    }

    /// The socket to listen at, where nobody does.
    fn incoming(&self) -> Option<MutexGuard<'_, Incoming>> {
        match self.incoming.try_lock() {
            Ok(incoming) => Some(incoming),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Takes in what the guard says within a time.
    fn hear(&self, incoming: &mut Incoming, within: Duration) {
        match incoming.hear(within) {
            Ok(words) => words.into_iter().for_each(|word| self.heard(word)),
            Err(error) => {
                self.hang_up();
                self.take_in(|state| {
                    state.closed = true;
                    if error.kind() == io::ErrorKind::InvalidData {
                        state.why.get_or_insert_with(|| "it said what no guard says".to_owned());
                    }
                });
            }
        }
    }

    fn heard(&self, word: Tell) {
        self.take_in(|state| {
            state.heard = Some(Instant::now());
            match word {
                Tell::Opened => state.opened = Some(Ok(())),
                Tell::Closed(why) => state.opened = Some(Err(why)),
                Tell::Read(bytes) => state.input.extend(bytes),
                Tell::Gone(why) => state.gone = Some(why),
                Tell::Off(why) => state.off = Some(why),
                Tell::Found(what) => state.found = Some(what),
                Tell::Lost(why) => state.lose(why),
                Tell::NotReturned(why) => state.not_returned = Some(why),
                Tell::Kept => state.kept = state.kept.wrapping_add(1),
                Tell::Trying(why) => state.trying = Some(why),
                Tell::Fails(why) => state.why = Some(format!("it failed: {why}")),
                Tell::Safe => state.end = Some(Ok(())),
                Tell::Unsafe(what) => state.end = Some(Err(what)),
                Tell::Beat
                | Tell::Here(_)
                | Tell::Ready(_)
                | Tell::Busy(_)
                | Tell::NotGiven(_)
                | Tell::Refused(_) => {}
            }
        });
    }

    pub(super) fn say(&self, ask: &Ask) -> io::Result<()> {
        let mut socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        let said = socket.write_all(ask.line().as_bytes());
        if said.is_err() {
            // Half a line makes no sense any more.
            let _ = socket.shutdown(Shutdown::Both);
        }
        said
    }

    /// Stops beating, as a process does that is stopped.
    #[cfg(test)]
    pub(super) fn mute(&self) {
        self.state().pulse = Instant::now().checked_sub(STILL * 2);
    }

    pub(super) fn hang_up(&self) {
        // It may be closed already.
        let _ = self.plug.shutdown(Shutdown::Both);
    }

    /// Takes in what changes, and tells the loss of the guard.
    fn take_in(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state();
        let before = state.loss().is_some();
        change(&mut state);
        // One that has done its work has given the rig back: it may be somebody else's by now.
        if state.closed
            && state.off.is_none()
            && state.end != Some(Ok(()))
            && let Some(act) = state.on_death.take()
        {
            act();
        }
        if let (false, Some(why)) = (before, state.loss())
            && let Some(tell) = state.on_loss.take()
        {
            tell(why);
        }
        drop(state);
        self.changed.notify_all();
    }
}

/// Listens when no other thread does: what the guard says is also heard while nobody waits for it.
pub(super) fn listen(socket: &UnixStream, shared: &Weak<Shared>) {
    loop {
        let anything = ready(socket, None);
        let Some(shared) = shared.upgrade() else { return };
        if shared.state().closed {
            return;
        }
        if !anything {
            continue;
        }
        let free = shared.incoming().map(|mut incoming| shared.hear(&mut incoming, Duration::ZERO));
        drop(shared);
        if free.is_none() {
            std::thread::sleep(STAND_BACK);
        }
    }
}

/// Ends a guard that stands still, in whatever state it is.
pub(super) fn kill(guard: u32) {
    if let Some(pid) = i32::try_from(guard).ok().and_then(Pid::from_raw) {
        // It may have ended by itself.
        let _ = kill_process(pid, Signal::KILL);
    }
}

/// Beats while the harness lives, and ends a guard that does not.
pub(super) fn beat(shared: &Weak<Shared>, guard: u32) {
    let mut last = Instant::now();
    while let Some(shared) = shared.upgrade() {
        let mut state = shared.state();
        if state.closed {
            return;
        }
        // Who was stopped or had no processor has heard nothing, and that says nothing of the guard.
        let slept = last.elapsed() > BEAT * 5;
        last = Instant::now();
        let heard = *state.heard.get_or_insert(last);
        if slept {
            state.heard = Some(last);
        }
        let silent = !slept && heard.elapsed() > SILENT;
        let still = state.pulse.is_some_and(|pulse| pulse.elapsed() > STILL);
        drop(state);
        if silent {
            let why = format!("it stood still for more than {} s, and was ended", SILENT.as_secs());
            shared.state().why = Some(why);
            // It holds the port, so that nobody else can switch off. Its end closes the socket.
            kill(guard);
            shared.hang_up();
        } else if !still {
            let _ = shared.say(&Ask::Beat);
        }
        drop(shared);
        std::thread::sleep(BEAT);
    }
}
