//! The step machine: timed inputs go in, actions come out. It never waits and knows no clock.

mod seen;

use std::collections::VecDeque;

use judge::failure::Failure;
use judge::recording::Recording;
use judge::trace::{EventKind, WaitResult};
use proto::frame::CanId;
use proto::message::id;
use proto::quantity::{Micros, Watts};
use proto::stimulus::Stimulus;

use crate::bench::{Action, Answer, Input, Status};
use crate::end::{Abort, End};
use crate::interlock::{Interlocks, Trip};
use crate::suite::{Op, Operation, Runnable};
use seen::{Highest, Seen, Taper};

/// What a CAN interface says that was too slow for its bus.
const LOST: &str = "CAN: the interface says that it lost at least 1 frame (receive overflow); the adapter or this machine \
                    is too slow for the bus, or busy with something else";

/// Runs one case.
///
/// The first action is [`Action::Prepare`], the first input after it starts the first step, and
/// [`Action::Finish`] is the last action on every path: completed, a `wait` that took too long, an interlock, a fault.
#[derive(Debug)]
pub struct Engine {
    program: Vec<Operation>,
    /// the operation that is being done
    at: usize,
    state: State,
    now: Micros,
    highest_cvl: Highest,
    taper: Taper,
    interlocks: Interlocks,
    recording: Recording,
    actions: VecDeque<Action>,
    /// PV power asked for last: where a ramp begins
    pv: Watts,
    end: Option<End>,
}

/// What the machine waits for.
#[derive(Debug, Clone, Copy)]
enum State {
    /// the first input
    Start,
    /// nothing: the operation at hand begins
    Begin,
    /// a time
    Hold { until: Micros },
    /// the next stage of a ramp
    Ramp { from: Watts, began: Micros, next: Micros },
    /// a condition; and when the rig itself last hid whether it holds
    Until { began: Micros, holds_since: Option<Micros>, hidden: Option<Micros> },
    /// an answer
    Ask { until: Micros },
    /// nothing any more
    Over,
}

impl Engine {
    /// A machine for a case that is bound to a rig.
    #[must_use]
    pub fn new(runnable: Runnable) -> Self {
        let Runnable { start, program, limits, instruments, bus_polling, witnesses, capacity, .. } = runnable;
        Self {
            program,
            at: 0,
            state: State::Start,
            now: Micros::ZERO,
            highest_cvl: Highest::default(),
            taper: Taper::of(capacity),
            interlocks: Interlocks::new(limits, instruments, Micros::ZERO),
            recording: Recording::polled(bus_polling).with(witnesses),
            actions: VecDeque::from([Action::Prepare(start)]),
            pv: start.pv,
            end: None,
        }
    }

    /// Takes an input. Inputs come in the order of time; one from the past counts as now.
    pub fn handle(&mut self, at: Micros, input: &Input) {
        self.now = self.now.max(at);
        if matches!(self.state, State::Over) {
            return;
        }
        if matches!(self.state, State::Start) {
            // Preparation may have taken hours: silence counts from here.
            self.interlocks.start(self.now);
            self.state = State::Begin;
        }
        match input {
            Input::Can(frame) => {
                self.recording.can(self.now, frame);
                match frame.id() {
                    CanId::Standard(id::LIMITS) => self.highest_cvl.take(&self.recording),
                    CanId::Standard(id::MEASUREMENTS) => {
                        self.taper = self.taper.looked_at(&self.seen(), self.pv);
                    }
                    _ => {}
                }
            }
            Input::CanError(error) => {
                self.recording.can_error(self.now, error);
                // What was not heard may have been anything.
                if error.tells_loss() {
                    return self.abort(Abort::Fault(Failure::of_rig(LOST)));
                }
            }
            Input::Bus(reading) => self.recording.bus(self.now, reading),
            Input::Samples(said) => self.recording.samples(self.now, said),
            Input::Bytes(chunk) => {
                let mut trip = None;
                let (now, interlocks) = (self.now, &mut self.interlocks);
                self.recording.bytes(now, chunk, |said| {
                    trip = trip.take().or_else(|| interlocks.check(now, &Input::Samples(*said)));
                });
                if let Some(trip) = trip {
                    return self.abort(Abort::Interlock(trip));
                }
            }
            Input::Fault(failure) => return self.abort(Abort::Fault(failure.clone())),
            Input::Operator(_) | Input::Tick => {}
        }
        if let Some(trip) = self.interlocks.check(self.now, input) {
            return self.abort(Abort::Interlock(trip));
        }
        let answer = if let Input::Operator(answer) = input { Some(*answer) } else { None };
        self.go_on(answer);
    }

    /// What is to be done next, if anything.
    pub fn next_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When the machine wants to be called even if nothing happens; nothing when the case is over.
    #[must_use]
    pub fn deadline(&self) -> Option<Micros> {
        let step = match self.state {
            State::Over => return None,
            State::Start | State::Begin => return Some(self.now),
            State::Hold { until } | State::Ask { until } => until,
            State::Ramp { next, .. } => next,
            State::Until { began, holds_since, .. } => match &self.program[self.at].op {
                Op::Until { hold, timeout, .. } => {
                    let late = began + timeout.least;
                    holds_since.map_or(late, |since| late.min(since + *hold))
                }
                _ => self.now,
            },
        };
        Some(self.interlocks.deadline().map_or(step, |silence| step.min(silence)))
    }

    /// Where the case stands.
    #[must_use]
    pub fn status(&self) -> Status<'_> {
        let op = self.program.get(self.at).map(|operation| &operation.op);
        let (until, waits) = match (self.state, op) {
            (State::Hold { until }, _) => (Some(until), false),
            (State::Ramp { began, .. }, Some(&Op::Ramp { over, .. })) => (Some(began + over), false),
            (State::Until { began, .. }, Some(Op::Until { timeout, .. })) => {
                (Some(began + timeout.least), true)
            }
            (State::Ask { until }, _) => (Some(until), true),
            _ => (None, false),
        };
        Status { at: self.now, until, waits, trace: self.recording.trace() }
    }

    /// The time of the latest input.
    #[must_use]
    pub const fn now(&self) -> Micros {
        self.now
    }

    /// How the case ended, once it has.
    #[must_use]
    pub fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    /// Everything that came in and happened so far.
    #[must_use]
    pub fn recording(&self) -> &Recording {
        &self.recording
    }

    /// Gives up the recording with how the case ended. A case that is given up before its end is aborted.
    #[must_use]
    pub fn into_parts(self) -> (Recording, End) {
        let end =
            self.end.unwrap_or_else(|| End::Aborted(Abort::Fault(Failure::of_rig("the run was cut off"))));
        (self.recording, end)
    }

    /// Does what can be done now: operations take no time until one of them has to wait.
    fn go_on(&mut self, mut answer: Option<Answer>) {
        loop {
            let done = match self.state {
                State::Begin => {
                    if self.at == self.program.len() {
                        return self.complete();
                    }
                    if !self.begin() {
                        // What it waits for may be there already.
                        continue;
                    }
                    true
                }
                State::Hold { until } => self.now >= until,
                State::Ramp { from, began, next } => self.now >= next && self.ramp(from, began),
                State::Until { began, holds_since, hidden } => match self.until(began, holds_since, hidden) {
                    Ok(met) => met,
                    Err(abort) => return self.abort(abort),
                },
                State::Ask { until } => match (answer.take(), &self.program[self.at].op) {
                    (Some(Answer::Done), _) => true,
                    (Some(Answer::Refused), Op::Ask { text, .. }) => {
                        let (line, text) = (self.program[self.at].line, text.clone());
                        return self.abort(Abort::Operator { line, text, what: "cannot do it" });
                    }
                    (None, Op::Ask { text, .. }) if self.now >= until => {
                        let (line, text) = (self.program[self.at].line, text.clone());
                        return self.abort(Abort::Operator { line, text, what: "did not answer in time" });
                    }
                    _ => false,
                },
                State::Start | State::Over => return,
            };
            if !done {
                return;
            }
            self.at += 1;
            self.state = State::Begin;
        }
    }

    /// Begins the operation at hand; true when it is done already.
    fn begin(&mut self) -> bool {
        let Operation { line, begins, op } = &self.program[self.at];
        if let Some(text) = begins {
            self.recording.note(self.now, EventKind::Step { line: *line, text: text.clone() });
        }
        match op {
            &Op::Apply(stimulus) => {
                self.apply(stimulus);
                return true;
            }
            &Op::Ramp { over, .. } => {
                let next = self.now + stage(over);
                self.state = State::Ramp { from: self.pv, began: self.now, next };
            }
            &Op::Hold(span) => self.state = State::Hold { until: self.now + span },
            Op::Until { condition, .. } => {
                self.interlocks.expect_offline(condition.expects_offline());
                self.state = State::Until { began: self.now, holds_since: None, hidden: None };
            }
            Op::Mark(name) => {
                self.recording.note(self.now, EventKind::Mark(name.clone()));
                return true;
            }
            Op::Ask { text, timeout } => {
                self.actions.push_back(Action::Ask(text.clone()));
                self.state = State::Ask { until: self.now + *timeout };
            }
        }
        false
    }

    fn apply(&mut self, stimulus: Stimulus) {
        if let Stimulus::Pv(power) = stimulus {
            self.pv = power;
        }
        self.interlocks.stimulus(self.now, &stimulus);
        self.recording.note(self.now, EventKind::Stimulus(stimulus));
        self.actions.push_back(Action::Apply(stimulus));
    }

    /// The stage of a ramp that is due; true when it was the last.
    fn ramp(&mut self, from: Watts, began: Micros) -> bool {
        let Op::Ramp { to, over } = self.program[self.at].op else { return true };
        let elapsed = self.now.since(began);
        let done = elapsed >= over;
        let power = if done {
            to
        } else {
            // Whole watts: finer than any supply, and the same on every machine.
            Watts((from.0 + (to.0 - from.0) * (elapsed.0 as f64 / over.0 as f64)).round())
        };
        self.apply(Stimulus::Pv(power));
        let next = (self.now + stage(over)).min(began + over);
        self.state = State::Ramp { from, began, next };
        done
    }

    fn seen(&self) -> Seen<'_> {
        Seen { recording: &self.recording, highest_cvl: self.highest_cvl, taper: self.taper, now: self.now }
    }

    /// Looks at the condition that is waited for.
    fn until(
        &mut self,
        began: Micros,
        holds_since: Option<Micros>,
        hidden: Option<Micros>,
    ) -> Result<bool, Abort> {
        let operation = &self.program[self.at];
        let Op::Until { condition, hold, timeout, requirement } = &operation.op else { return Ok(true) };
        let holds = self.seen().holds(condition);
        let since = holds.then(|| holds_since.unwrap_or(self.now));
        let met = since.is_some_and(|since| self.now.since(since) >= *hold);
        let late = self.now.since(began) >= timeout.least;
        let hidden = if self.seen().is_hidden(condition) { Some(self.now) } else { hidden };
        self.state = State::Until { began, holds_since: since, hidden };
        if !met && !late {
            return Ok(false);
        }
        // What the rig hid is not held against the battery, unless it could be seen for long enough after that.
        let unseen = hidden.is_some_and(|last| self.now.since(last) <= *hold);
        let requirement = requirement.filter(|_| met || !unseen);
        let result = WaitResult {
            line: operation.line,
            until: condition.to_string(),
            began,
            met,
            seen: self.seen().told(condition),
            allowed: timeout.least,
            requirement: requirement.map(|r| r.id),
        };
        let abort = (!met).then(|| Abort::NotMet {
            line: result.line,
            until: result.until.clone(),
            seen: result.seen.clone(),
            allowed: result.allowed,
            requirement: result.requirement,
        });
        self.interlocks.expect_offline(false);
        self.recording.note(self.now, EventKind::Wait(result));
        abort.map_or(Ok(true), Err)
    }

    fn complete(&mut self) {
        self.recording.note(self.now, EventKind::Completed);
        self.finish(End::Completed);
    }

    /// Ends the case at once: what was still to be done is not done.
    fn abort(&mut self, abort: Abort) {
        match &abort {
            Abort::Interlock(Trip { what, value, limit, by }) => {
                let (what, value, limit) = ((*what).to_owned(), format!("{value} ({by})"), limit.clone());
                self.recording.note(self.now, EventKind::Interlock { what, value, limit });
            }
            Abort::Fault(failure) => self.recording.note(self.now, EventKind::DriverFault(failure.clone())),
            Abort::NotMet { .. } | Abort::Operator { .. } => {}
        }
        self.recording.note(self.now, EventKind::Aborted(abort.to_string()));
        self.actions.clear();
        self.finish(End::Aborted(abort));
    }

    fn finish(&mut self, end: End) {
        self.state = State::Over;
        self.end = Some(end);
        self.actions.push_back(Action::Finish);
    }
}

/// Time between two stages of a ramp: sixty of them, no faster than a supply follows, no slower than a cloud.
fn stage(over: Micros) -> Micros {
    Micros((over.0 / 60).clamp(500_000, 10_000_000)).min(over)
}

#[cfg(test)]
mod tests;
