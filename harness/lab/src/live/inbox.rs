//! One queue for everything that instruments say, in the order in which it happened.
//!
//! Every instrument has a thread and stamps what it says. A frame stamped by the kernel may come in after a reading of
//! the supply that is younger: what is no frame is therefore held back until the bus was looked at [`WINDOW`] later, or
//! a younger frame has come. Frames never wait.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};

use engine::bench::{Answer, Input};
use judge::failure::Failure;
use proto::bus::{BusReading, ErrorFrame};
use proto::channel::{self, Block, Instrument};
use proto::chunk::Chunk;
use proto::frame::Frame;
use proto::gx::Product;
use proto::quantity::Micros;
use proto::samples::Samples;

use crate::can::RunClock;
use crate::gx::{GxEvent, Timed};

/// How long a frame may take from the bus to the thread that hears it. Assumption: a driver that is awake is faster.
const WINDOW: Micros = Micros::from_millis(2);
/// What is no frame waits no longer than this for a look at the bus, whatever its thread does.
const MOST: Micros = Micros::from_millis(100);
/// From one look at what waits to the next, at the soonest.
const SOON: Micros = Micros::from_millis(1);
/// What is older than this when it is handled was handled too late: interlocks would have acted too late as well.
/// Assumption: far above what a machine that does its work needs, far below what a battery survives.
pub(super) const LATE: Micros = Micros::from_millis(500);
/// Inputs that may wait: four seconds of a bus at 500 kbit/s that is full.
const QUEUE: usize = 16_384;

/// Who says it; what happens at the same time is handled in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Source {
    Can,
    Bus,
    Samples(Instrument),
    Operator,
}

/// What comes through the queue.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "moved, not allocated, as `Input` is")]
pub(super) enum Message {
    /// an input
    Input { at: Micros, source: Source, input: Input },
    /// what the driver of the GX tells
    Gx(Timed),
}

impl From<Timed> for Message {
    fn from(timed: Timed) -> Self {
        Self::Gx(timed)
    }
}

/// Where an instrument puts what it says. Times are those of the clock, not of a case.
#[derive(Debug, Clone)]
pub(super) struct Outbox {
    sender: SyncSender<Message>,
    lost: Arc<AtomicBool>,
    looked: Arc<AtomicU64>,
}

impl Outbox {
    /// Every frame that was there at this time has been put here.
    pub(super) fn looked(&self, at: Micros) {
        self.looked.store(at.0, Ordering::Release);
    }

    pub(super) fn frame(&self, at: Micros, frame: Frame) {
        self.put(at, Source::Can, Input::Can(frame));
    }

    pub(super) fn error_frame(&self, at: Micros, error: ErrorFrame) {
        self.put(at, Source::Can, Input::CanError(error));
    }

    pub(super) fn bus(&self, at: Micros, reading: BusReading) {
        self.put(at, Source::Bus, Input::Bus(reading));
    }

    pub(super) fn samples(&self, at: Micros, said: Samples) {
        self.put(at, Source::Samples(said.from()), Input::Samples(said));
    }

    pub(super) fn bytes(&self, at: Micros, chunk: Chunk) {
        self.put(at, Source::Samples(chunk.from()), Input::Bytes(chunk));
    }

    /// Where the driver of the GX puts what it tells.
    pub(super) fn of_gx(&self) -> SyncSender<Message> {
        self.sender.clone()
    }

    pub(super) fn answer(&self, at: Micros, answer: Answer) {
        self.put(at, Source::Operator, Input::Operator(answer));
    }

    /// An instrument failed. Before everything that waits: the case is over.
    pub(super) fn fault(&self, what: String) {
        self.put(Micros::ZERO, Source::Can, Input::Fault(Failure::of_rig(what)));
    }

    /// Nobody waits for a place: a thread that waited would no longer hear its instrument.
    fn put(&self, at: Micros, source: Source, input: Input) {
        if self.sender.try_send(Message::Input { at, source, input }).is_err() {
            self.lost.store(true, Ordering::Relaxed);
        }
    }
}

/// Where everything comes together.
#[derive(Debug)]
pub(super) struct Inbox {
    clock: RunClock,
    receiver: Receiver<Message>,
    lost: Arc<AtomicBool>,
    /// by time, source and order of arrival
    waiting: BTreeMap<(Micros, Source, u64), Input>,
    arrived: u64,
    /// frames among those that wait
    frames: usize,
    /// when the latest frame was on the bus, and when it was looked for the next one
    heard: Micros,
    looked: Arc<AtomicU64>,
    /// why the GX is not polled now
    gx_trouble: Option<String>,
    /// what the GX says of itself
    gx_identity: Option<String>,
    /// how it says that it has no battery, as long as it has shown none
    gx_battery: Battery,
}

/// Whether the GX has shown a battery.
#[derive(Debug, Default)]
enum Battery {
    #[default]
    NotAsked,
    Missing(String),
    Shown,
}

/// What comes next.
#[derive(Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "moved, not allocated, as `Input` is")]
pub(super) enum Next {
    /// an input with its time
    Input(Micros, Input),
    /// the deadline has come, and everything before it was handled
    Due,
    /// nothing yet
    Nothing,
}

impl Inbox {
    pub(super) fn new(clock: RunClock) -> (Self, Outbox) {
        let (sender, receiver) = sync_channel(QUEUE);
        let lost = Arc::new(AtomicBool::new(false));
        let looked = Arc::new(AtomicU64::new(0));
        let outbox = Outbox { sender, lost: lost.clone(), looked: looked.clone() };
        let inbox = Self {
            clock,
            receiver,
            lost,
            waiting: BTreeMap::new(),
            arrived: 0,
            frames: 0,
            heard: Micros::ZERO,
            looked,
            gx_trouble: None,
            gx_identity: None,
            gx_battery: Battery::NotAsked,
        };
        (inbox, outbox)
    }

    /// Why the GX is not polled now, where it is not.
    pub(super) fn gx_trouble(&self) -> Option<&str> {
        self.gx_trouble.as_deref()
    }

    /// What the GX said of itself, once it was read.
    pub(super) fn gx_identity(&self) -> Option<&str> {
        self.gx_identity.as_deref()
    }

    /// That the GX was read and has shown no battery since the bench was opened, and why.
    pub(super) fn no_battery(&self) -> Option<String> {
        let Battery::Missing(why) = &self.gx_battery else { return None };
        Some(format!("{why} It had none for the whole case: nothing that it shows of the battery was seen"))
    }

    /// Forgets everything that came in until now, but tells of a fault.
    pub(super) fn forget(&mut self) -> Option<String> {
        self.take_in();
        self.frames = 0;
        let gone = std::mem::take(&mut self.waiting);
        gone.into_values()
            .find_map(|input| if let Input::Fault(failure) = input { Some(failure.what) } else { None })
    }

    /// The next input, waiting for it until `patience`, or the deadline `until`, whichever comes first.
    pub(super) fn next(&mut self, until: Option<Micros>, patience: Micros) -> Next {
        loop {
            let now = self.clock.now();
            // Before what it tells of is taken in.
            let looked = Micros(self.looked.load(Ordering::Acquire));
            self.take_in();
            if let Some(next) = self.ready(now, looked, until) {
                return next;
            }
            if now >= patience {
                return Next::Nothing;
            }
            // The bus is looked at again and again: something may settle soon.
            let soon = self.waiting.keys().next().map(|&(at, ..)| at).into_iter().chain(until);
            let wake = soon.map(|at| (at + WINDOW).max(now + SOON)).fold(patience, Micros::min);
            match self.receiver.recv_timeout(self.clock.until(wake)) {
                Ok(message) => self.keep(message),
                Err(RecvTimeoutError::Timeout) => {}
                // Every thread has ended, each with a fault that was taken in.
                Err(RecvTimeoutError::Disconnected) => std::thread::sleep(self.clock.until(wake)),
            }
        }
    }

    /// What is next now, if anything is.
    fn ready(&mut self, now: Micros, looked: Micros, until: Option<Micros>) -> Option<Next> {
        if self.lost.swap(false, Ordering::Relaxed) {
            let what = format!(
                "more than {QUEUE} inputs waited and some were lost: this machine is too slow, or busy with something else"
            );
            return Some(Next::Input(now, Input::Fault(Failure::of_rig(what))));
        }
        if let Some((at, input)) = self.earliest(now, looked, until) {
            let age = now.since(at);
            if age > LATE && !matches!(input, Input::Fault(_)) {
                let what = format!(
                    "an input was handled {} ms after it came in, later than the {} ms allowed: this machine is too slow, or busy with something else",
                    age.0 / 1000,
                    LATE.0 / 1000
                );
                // When it came in: what was not handled since then is no silence.
                return Some(Next::Input(at, Input::Fault(Failure::of_rig(what))));
            }
            return Some(Next::Input(at, input));
        }
        let earlier = self.waiting.first_key_value().is_some_and(|(&(at, ..), _)| Some(at) <= until);
        until.filter(|&until| !earlier && self.is_settled(until, now, looked)).map(|_| Next::Due)
    }

    /// Whether nothing earlier than this can come any more.
    fn is_settled(&self, at: Micros, now: Micros, looked: Micros) -> bool {
        // Frames come in order: a later one says that no earlier one will come.
        self.heard > at || looked >= at + WINDOW || now >= at + MOST
    }

    fn take_in(&mut self) {
        while let Ok(message) = self.receiver.try_recv() {
            self.keep(message);
        }
    }

    fn keep(&mut self, message: Message) {
        match message {
            Message::Input { at, source, input } => self.insert(at, source, input),
            Message::Gx(Timed { at, event, dropped }) => {
                if dropped > 0 {
                    self.lost.store(true, Ordering::Relaxed);
                }
                match event {
                    GxEvent::Poll(poll) => {
                        if self.gx_identity.is_none() {
                            self.gx_identity = poll.identity();
                        }
                        if poll.said.tells(channel::Source::Gx(Block::Battery)) {
                            self.gx_battery = Battery::Shown;
                        }
                        self.insert(at, Source::Samples(Instrument::Gx), Input::Samples(poll.said));
                    }
                    // No fault by itself: a suite may have it rebooted. The interlock knows how long is too long.
                    lost @ GxEvent::Lost(_) => self.gx_trouble = Some(lost.to_string()),
                    GxEvent::Back { .. } => self.gx_trouble = None,
                    ref absent @ GxEvent::Absent { product: Product::Battery, .. }
                        if matches!(self.gx_battery, Battery::NotAsked) =>
                    {
                        self.gx_battery = Battery::Missing(absent.to_string());
                    }
                    // Seen in the reading, by what it lacks; and a slow one by its age.
                    GxEvent::Absent { .. } | GxEvent::Present { .. } | GxEvent::Slow { .. } => {}
                }
            }
        }
    }

    fn insert(&mut self, at: Micros, source: Source, input: Input) {
        self.arrived += 1;
        if source == Source::Can {
            self.frames += 1;
            self.heard = self.heard.max(at);
        }
        self.waiting.insert((at, source, self.arrived), input);
    }

    /// The earliest input, once nothing earlier can come any more, and if it is due.
    fn earliest(&mut self, now: Micros, looked: Micros, until: Option<Micros>) -> Option<(Micros, Input)> {
        let (&(at, source, _), _) = self.waiting.first_key_value()?;
        // One that waits is later than this one, or this one.
        let settled = self.frames > 0 || self.is_settled(at, now, looked);
        if !settled || until.is_some_and(|until| at > until) {
            return None;
        }
        self.frames -= usize::from(source == Source::Can);
        self.waiting.pop_first().map(|((at, ..), input)| (at, input))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::frame::CanId;

    const PATIENCE: Micros = Micros::from_secs(1);
    const GX: Samples = Samples::new(Instrument::Gx);
    const SUPPLY: Samples = Samples::new(Instrument::Supply);

    fn frame(n: u8) -> Frame {
        Frame::new(CanId::Standard(0x351), &[n]).expect("a frame")
    }

    /// What comes out until there is nothing more.
    fn order(inbox: &mut Inbox) -> Vec<Input> {
        let mut inputs = Vec::new();
        loop {
            let patience = inbox.clock.now() + Micros::from_millis(20) + MOST;
            match inbox.next(None, patience) {
                Next::Input(_, input) => inputs.push(input),
                Next::Due | Next::Nothing => return inputs,
            }
        }
    }

    #[test]
    fn what_happened_first_comes_first_and_ties_have_an_order() {
        let (mut inbox, outbox) = Inbox::new(RunClock::start());
        let at = inbox.clock.now();
        outbox.samples(at, GX);
        outbox.samples(at, SUPPLY);
        outbox.frame(at, frame(1));
        outbox.frame(at, frame(2));
        outbox.answer(Micros(at.0.saturating_sub(1)), Answer::Done);
        let expected = [
            Input::Operator(Answer::Done),
            Input::Can(frame(1)),
            Input::Can(frame(2)),
            Input::Samples(SUPPLY),
            Input::Samples(GX),
        ];
        assert_eq!(order(&mut inbox), expected);
    }

    #[test]
    fn a_deadline_comes_after_what_was_before_it_and_before_what_is_after() {
        let (mut inbox, outbox) = Inbox::new(RunClock::start());
        let at = inbox.clock.now();
        outbox.frame(at, frame(1));
        outbox.frame(at + Micros(2), frame(2));
        let until = Some(at + Micros(1));
        assert_eq!(inbox.next(until, PATIENCE), Next::Input(at, Input::Can(frame(1))));
        assert_eq!(inbox.next(until, PATIENCE), Next::Due);
        assert_eq!(inbox.next(None, PATIENCE), Next::Input(at + Micros(2), Input::Can(frame(2))));
    }

    /// A thread that stood still: the GX is read before the frames of that time come in.
    #[test]
    fn what_is_no_frame_waits_until_the_bus_was_looked_at() {
        let (mut inbox, outbox) = Inbox::new(RunClock::start());
        let at = inbox.clock.now() + Micros::from_millis(5);
        outbox.samples(at, GX);
        assert_eq!(inbox.next(None, at + Micros::from_millis(20)), Next::Nothing, "it waits");
        outbox.frame(Micros(at.0 - 5_000), frame(1));
        outbox.frame(Micros(at.0 - 4_000), frame(2));
        outbox.looked(at + WINDOW);
        let expected = [Input::Can(frame(1)), Input::Can(frame(2)), Input::Samples(GX)];
        assert_eq!(order(&mut inbox), expected);
    }

    #[test]
    fn it_does_not_wait_for_ever() {
        let (mut inbox, outbox) = Inbox::new(RunClock::start());
        let at = inbox.clock.now();
        outbox.samples(at, GX);
        let next = inbox.next(None, at + MOST + Micros::from_secs(1));
        assert_eq!(next, Next::Input(at, Input::Samples(GX)));
    }

    #[test]
    fn what_is_handled_late_is_a_fault() {
        let (mut inbox, outbox) = Inbox::new(RunClock::start());
        outbox.frame(inbox.clock.now(), frame(1));
        std::thread::sleep(std::time::Duration::from_micros(LATE.0 + 50_000));
        let Next::Input(_, Input::Fault(Failure { what, .. })) = inbox.next(None, PATIENCE) else {
            panic!("no fault")
        };
        assert!(what.contains("this machine is too slow"), "{what}");
    }

    #[test]
    fn what_finds_no_place_is_a_fault() {
        let (mut inbox, outbox) = Inbox::new(RunClock::start());
        (0..=QUEUE).for_each(|_| outbox.frame(Micros::ZERO, frame(1)));
        let Next::Input(_, Input::Fault(Failure { what, .. })) = inbox.next(None, PATIENCE) else {
            panic!("no fault")
        };
        assert!(what.contains("some were lost"), "{what}");
    }

    #[test]
    fn a_fault_comes_before_everything() {
        let (mut inbox, outbox) = Inbox::new(RunClock::start());
        outbox.frame(inbox.clock.now(), frame(1));
        outbox.fault("the cable is out".to_owned());
        let next = inbox.next(None, PATIENCE);
        assert_eq!(next, Next::Input(Micros::ZERO, Input::Fault(Failure::of_rig("the cable is out"))));
    }
}
