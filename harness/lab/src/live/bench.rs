//! The bench of real instruments. Each has a thread; this one only waits for what they say.
//!
//! Nothing that an action asks for is waited for while a case runs, so that interlocks are looked at meanwhile: what
//! goes wrong comes back as a fault. Only the beginning and the end of a case are waited for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use engine::bench::{Action, Answer, Bench, BenchError, Capability, Input};
use judge::failure::Failure;
use proto::channel::Instrument;
use proto::gx::{ess, inverter};
use proto::quantity::{Amps, Micros, Watts};
use proto::stimulus::{Start, Stimulus};

use super::hands::{Hands, Move};
use super::hearing::Hearing;
use super::inbox::{Inbox, Next, Outbox};
use super::listener::Listener;
use super::pace::Pace;
use super::sun::Sun;
use super::worker::Worker;
use crate::can::RunClock;
use crate::operator::{Operator, Reply, Request};
use crate::witness::Trouble;
use files::live::Live;

/// How long nothing may be looked at: a signal to stop is seen after this at the latest, and a machine that stood still.
const STEP: Micros = Micros::from_millis(20);
/// What switching and reading back may take in all; each step has its own, shorter time.
const HANDS_WITHIN: Duration = Duration::from_secs(60);

/// How long an operator may take at the end, who may still be busy with what was asked before.
const OPERATOR_WITHIN: Duration = Duration::from_secs(120);

/// What a bench is put together of.
pub(super) struct Parts {
    pub(super) sun: Option<Sun>,
    pub(super) hands: Option<Worker<Hands>>,
    pub(super) operator: Option<Worker<Box<dyn Operator>>>,
    #[expect(dead_code, reason = "held, so that instruments are heard")]
    pub(super) listeners: Vec<Listener>,
    /// why each witness is not heard, by its name
    pub(super) witnesses: Vec<(String, Trouble)>,
}

/// A bench of real instruments.
pub struct LiveBench {
    live: Live,
    capabilities: Vec<Capability>,
    stop: Arc<AtomicBool>,
    clock: RunClock,
    inbox: Inbox,
    outbox: Outbox,
    parts: Parts,
    /// when the case began, on the clock
    began: Option<Micros>,
    /// time of the last input, and of the end once there is one
    last: Micros,
    /// whether the rig is as fast as its file says
    pace: Pace,
    /// what the bus said of itself
    hearing: Hearing,
    /// what must be put back before the bench may be left alone
    changed: Changed,
    /// what could not be put back
    left: Option<String>,
    /// is told what a person should know
    tell: Box<dyn Fn(&str) + Send>,
    #[cfg(unix)]
    guard: Option<Arc<crate::guard::Guard>>,
}

/// What a case has changed.
#[derive(Debug, Default)]
struct Changed {
    sun: bool,
    switches: bool,
    operator: bool,
}

impl LiveBench {
    pub(super) fn new(
        live: Live,
        capabilities: Vec<Capability>,
        stop: Arc<AtomicBool>,
        clock: RunClock,
        (inbox, outbox): (Inbox, Outbox),
        parts: Parts,
    ) -> Self {
        let changed = Changed::default();
        let pace = Pace::new(live.speed);
        Self {
            live,
            capabilities,
            stop,
            clock,
            inbox,
            outbox,
            parts,
            began: None,
            last: Micros::ZERO,
            pace,
            hearing: Hearing::default(),
            changed,
            left: None,
            tell: Box::new(|_| {}),
            #[cfg(unix)]
            guard: None,
        }
    }

    pub(super) fn told_by(mut self, tell: impl Fn(&str) + Send + 'static) -> Self {
        self.tell = Box::new(tell);
        self
    }

    #[cfg(unix)]
    pub(super) fn guarded(mut self, guard: Option<Arc<crate::guard::Guard>>) -> Self {
        self.guard = guard;
        self
    }

    /// Shows the guard that inputs are looked at, or that none need be any more.
    fn alive(&self, alive: bool) {
        #[cfg(unix)]
        if let Some(guard) = &self.guard {
            if alive { guard.pulse() } else { guard.rest() }
        }
        #[cfg(not(unix))]
        let _ = alive;
    }

    fn stopped(&self) -> Result<(), BenchError> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(BenchError::stopped(&format!("at {}", self.now().whole())));
        }
        Ok(())
    }

    /// From the clock to the time of the case.
    fn in_case(&self, began: Micros, at: Micros) -> Micros {
        Micros(at.since(began).0.saturating_mul(u64::from(self.live.speed)))
    }

    fn prepare(&mut self, start: &Start) -> Result<(), BenchError> {
        self.began = None;
        self.last = Micros::ZERO;
        self.hearing = Hearing::default();
        self.changed.sun = self.parts.sun.is_some();
        let mut moves = self.moves_of(&Stimulus::AcLoad(start.ac_load)).unwrap_or_default();
        moves.extend(self.moves_of(&Stimulus::Grid(start.grid)).unwrap_or_default());
        moves.extend(self.moves_of(&Stimulus::FeedIn(start.feed_in)).unwrap_or_default());
        let limit = start.input_current_limit.unwrap_or(self.live.site.input_current_limit);
        moves.extend(self.moves_of(&Stimulus::InputCurrentLimit(limit)).unwrap_or_default());
        self.changed.switches |= start.ac_load > Watts::ZERO || !start.grid;
        if let Some(hands) = &self.parts.hands {
            let done = hands.ask(move |hands| hands.do_all(&moves));
            self.awaited(&done)?.map_err(|what| BenchError::of("GX", what))?;
        }
        if let Some(operator) = &self.parts.operator {
            let request = Request::Prepare(*start);
            self.changed.operator = true;
            let answer = operator.ask(move |operator| operator.ask(&request));
            match self.awaited(&answer)?.map_err(|error| BenchError::of("operator", error))? {
                Reply::Done => {}
                Reply::Refused(why) => {
                    return Err(BenchError::of("operator", format!("the case is not prepared: {why}")));
                }
            }
        }
        if let Some(fault) = self.inbox.forget() {
            return Err(BenchError::of("bench", fault));
        }
        self.began = Some(self.clock.now());
        if start.pv > Watts::ZERO {
            self.sun()?.give(start.pv);
        }
        Ok(())
    }

    /// An answer that may take long; what instruments say meanwhile belongs to no case.
    fn awaited<R>(&mut self, answer: &Receiver<R>) -> Result<R, BenchError> {
        loop {
            match answer.recv_timeout(Duration::from_micros(STEP.0)) {
                Ok(answer) => return Ok(answer),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(BenchError::of("bench", "a thread of it has ended"));
                }
                Err(RecvTimeoutError::Timeout) => {
                    self.stopped()?;
                    if let Some(fault) = self.inbox.forget() {
                        return Err(BenchError::of("bench", fault));
                    }
                }
            }
        }
    }

    fn apply(&mut self, stimulus: &Stimulus) -> Result<(), BenchError> {
        if let Stimulus::Pv(power) = stimulus {
            self.sun()?.give(*power);
            return Ok(());
        }
        self.changed.switches |= matches!(stimulus, Stimulus::AcLoad(_) | Stimulus::Grid(_));
        if let (Some(moves), Some(hands)) = (self.moves_of(stimulus), &self.parts.hands) {
            let outbox = self.outbox.clone();
            hands.tell(move |hands| {
                if let Err(what) = hands.do_all(&moves) {
                    outbox.fault(format!("GX: {what}"));
                }
            });
            return Ok(());
        }
        let request = Request::Apply(*stimulus);
        let Some(operator) = &self.parts.operator else {
            let what =
                format!("nothing on this rig does it, and nobody is there to do it (`operator:`): {request}");
            return Err(BenchError::of("bench", what));
        };
        self.changed.operator = true;
        let outbox = self.outbox.clone();
        operator.tell(move |operator| match operator.ask(&request) {
            Ok(Reply::Done) => {}
            Ok(Reply::Refused(why)) => outbox.fault(format!("operator: refused: {why} ({request})")),
            Err(error) => outbox.fault(format!("operator: {error}")),
        });
        Ok(())
    }

    fn ask(&self, text: &str) -> Result<(), BenchError> {
        let Some(operator) = &self.parts.operator else {
            return Err(BenchError::of(
                "operator",
                format!("nobody is there (`operator:`) to answer: {text}"),
            ));
        };
        let (request, outbox, clock) = (Request::Ask(text.to_owned()), self.outbox.clone(), self.clock);
        operator.tell(move |operator| match operator.ask(&request) {
            Ok(Reply::Done) => outbox.answer(clock.now(), Answer::Done),
            Ok(Reply::Refused(_)) => outbox.answer(clock.now(), Answer::Refused),
            Err(error) => outbox.fault(format!("operator: {error}")),
        });
        Ok(())
    }

    /// What the rig itself does for a change of the world; nothing where it cannot.
    fn moves_of(&self, stimulus: &Stimulus) -> Option<Vec<Move>> {
        self.parts.hands.as_ref()?;
        let switches = &self.live.switches;
        match *stimulus {
            Stimulus::AcLoad(power) if !switches.ac_load.is_empty() => {
                let on = self.live.load(power)?;
                let all = switches.ac_load.iter().map(|load| &load.by);
                // Loads that go off go first: less than asked for never trips a fuse.
                let mut moves: Vec<Move> = all.map(|by| Move::Switch(by.clone(), on.contains(&by))).collect();
                moves.sort_by_key(|step| matches!(step, Move::Switch(_, true)));
                Some(moves)
            }
            Stimulus::Grid(on) => Some(vec![Move::Switch(switches.grid_cut.clone()?, !on)]),
            Stimulus::FeedIn(on) => Some(vec![Move::Set(ess::FEED_IN_EXCESS, f64::from(u8::from(on)))]),
            Stimulus::InputCurrentLimit(Amps(limit)) => {
                Some(vec![Move::Set(inverter::INPUT_CURRENT_LIMIT, limit)])
            }
            Stimulus::GxWrite { register, value } => Some(vec![Move::Write(register, value)]),
            _ => None,
        }
    }

    fn sun(&self) -> Result<&Sun, BenchError> {
        self.parts.sun.as_ref().ok_or_else(|| BenchError::of("supply", "this rig has none (`live.psu`)"))
    }

    /// Everything off, then loads, mains and operator back to where they may be left alone, and the GX as it was found.
    /// What was done is not done again when this is tried again.
    fn finish(&mut self) -> Result<(), BenchError> {
        if let Some(began) = self.began.take() {
            self.last = self.last.max(self.in_case(began, self.clock.now()));
        }
        self.alive(false);
        let mut wrong = Vec::new();
        if self.changed.sun {
            match self.parts.sun.as_ref().map_or(Ok(()), Sun::off) {
                Ok(()) => self.changed.sun = false,
                Err(what) => wrong.push(what),
            }
        }
        let mut moves = Vec::new();
        if self.changed.switches {
            moves.extend(self.moves_of(&Stimulus::AcLoad(Watts::ZERO)).unwrap_or_default());
            moves.extend(self.moves_of(&Stimulus::Grid(true)).unwrap_or_default());
        }
        if let Some(hands) = &self.parts.hands {
            let late = || Err("it was not done in time".to_owned());
            let done = hands.ask(move |hands| (hands.do_all(&moves), hands.put_back()));
            let (switched, put_back) = done.recv_timeout(HANDS_WITHIN).unwrap_or_else(|_| (late(), late()));
            #[cfg(unix)]
            if switched.is_ok() && put_back.is_ok() {
                self.guard.iter().for_each(|guard| guard.has_put_back());
            }
            match switched {
                Ok(()) => self.changed.switches = false,
                Err(what) => wrong.push(format!("GX: loads or mains are not as they were: {what}")),
            }
            // Nothing is energised by that, and the end of the next case and the guard try it again.
            self.left = put_back.err().map(|what| format!("the GX is not as it was found: {what}"));
            self.left.iter().for_each(|what| (self.tell)(&format!("harness: {what}")));
        }
        if let Some(what) = self.inbox.no_battery() {
            (self.tell)(&format!("harness: {what}"));
        }
        if let (Some(operator), true) = (&self.parts.operator, self.changed.operator) {
            // Asked once: a person who does not answer now does not answer in ten minutes either.
            self.changed.operator = false;
            match operator.ask(|operator| operator.ask(&Request::Finish)).recv_timeout(OPERATOR_WITHIN) {
                Ok(Ok(Reply::Done)) => {}
                Ok(Ok(Reply::Refused(why))) => wrong.push(format!("operator: refused to finish: {why}")),
                Ok(Err(error)) => wrong.push(format!("operator: {error}")),
                Err(_) => wrong.push(format!("operator: no answer to: {}", Request::Finish)),
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(BenchError::of("bench", wrong.join("; "))) }
    }
}

impl Drop for LiveBench {
    fn drop(&mut self) {
        // A person may still be at it: nobody waits for that.
        if let Some(operator) = self.parts.operator.take() {
            operator.leave();
        }
    }
}

impl Bench for LiveBench {
    fn capabilities(&self) -> &[Capability] {
        &self.capabilities
    }

    fn now(&self) -> Micros {
        self.began.map_or(self.last, |began| self.in_case(began, self.clock.now()).max(self.last))
    }

    fn next(&mut self, until: Option<Micros>) -> Result<(Micros, Input), BenchError> {
        let began =
            self.began.ok_or_else(|| BenchError::of("bench", "asked for inputs before a case began"))?;
        let speed = u64::from(self.live.speed);
        let deadline = until.map(|until| began + Micros(until.0.div_ceil(speed)));
        loop {
            self.stopped()?;
            self.alive(true);
            let (at, input) = match self.inbox.next(deadline, self.clock.now() + STEP) {
                Next::Input(at, input) => (self.in_case(began, at), input),
                Next::Due => (until.unwrap_or(self.last), Input::Tick),
                Next::Nothing => continue,
            };
            self.last = self.last.max(at);
            self.hearing.note(at, &input);
            if let Input::Can(frame) = &input
                && let Some(wrong) = self.pace.frame(at, frame)
            {
                return Ok((self.last, Input::Fault(Failure::of_rig(wrong))));
            }
            return Ok((self.last, input));
        }
    }

    fn act(&mut self, action: &Action) -> Result<(), BenchError> {
        match action {
            Action::Prepare(start) => self.prepare(start),
            Action::Apply(stimulus) => self.apply(stimulus),
            Action::Ask(text) => self.ask(text),
            Action::Finish => self.finish(),
        }
    }

    fn identities(&self) -> Vec<(&'static str, String)> {
        let supply =
            self.parts.sun.as_ref().map(|sun| (Instrument::Supply.words(), sun.identity().to_owned()));
        let gx = self.inbox.gx_identity().map(|says| (Instrument::Gx.words(), says.to_owned()));
        supply.into_iter().chain(gx).collect()
    }

    fn trouble(&self) -> Option<String> {
        let said: Vec<String> = self
            .inbox
            .gx_trouble()
            .map(str::to_owned)
            .into_iter()
            .chain(self.inbox.no_battery())
            .chain(self.left.clone())
            .chain(self.hearing.trouble(self.last))
            .chain(
                self.parts
                    .witnesses
                    .iter()
                    .filter_map(|(name, trouble)| Some(format!("witness `{name}`: {}", trouble.told()?))),
            )
            .collect();
        (!said.is_empty()).then(|| said.join("; "))
    }
}
