//! Checks of the wire: what any CAN log alone decides. Each is a fold over frames in constant memory, so a case is
//! checked while it runs and a log of any length is checked as it is read, with the line of the log as evidence.

mod alarms;
mod alternation;
mod below;
mod beside;
mod bus;
mod cause;
mod cells;
mod charge;
mod errors;
mod flicker;
mod forbidden;
mod full;
mod held;
mod identity;
mod jumps;
mod layout;
mod limits;
mod moment;
mod oscillation;
mod presence;
mod regulation;
mod seen;
mod senders;
mod sent;
mod spell;
mod timing;
mod unheeded;

use proto::bus::ErrorFrame;
use proto::frame::{CanId, Frame};
use proto::message::{AlarmKind, Message};
use proto::quantity::{Micros, Percent};
use proto::stimulus::Stimulus;

use crate::battery::{Battery, Bounds, Cells};
use crate::tampering::Account;
use crate::thresholds::Thresholds;
use crate::verdict::Opinion;
use crate::window::Window;
use senders::Watched;

pub use errors::Errors;
pub(crate) use presence::CORE;
pub use seen::Spot;
pub use sent::{Gaps, Sent};

/// What the checks hold the frames against.
#[derive(Debug, Clone)]
pub struct Terms<'a> {
    /// what is declared about the battery; without it only what frames say of each other is checked
    pub battery: Option<&'a Battery>,
    /// its cells, where that is all that is known
    pub cells: Option<Cells>,
    /// the thresholds in force
    pub thresholds: Thresholds,
    /// whether the battery is to be officially supported, which needs 0x35E and 0x35F (P 2)
    pub certifying: bool,
    /// Why the times of the frames judge no period, where they do not: a log whose times were made up, such as "the
    /// times of this log were not measured".
    pub untimed: Option<String>,
    /// whether nothing but the frames is judged; beside a run, what only a run decides is left to it
    pub alone: bool,
}

/// The facts of all checks. Feed it every frame in the order of time, from whomever on the bus.
#[derive(Debug, Clone, Default)]
pub struct Wire {
    pub(crate) bus: bus::Bus,
    pub(crate) beside: beside::Beside,
    pub(crate) presence: presence::Presence,
    pub(crate) timing: timing::Timing,
    pub(crate) limits: limits::LimitFacts,
    pub(crate) charge: charge::Charge,
    pub(crate) alarms: alarms::AlarmFacts,
    pub(crate) identity: identity::Identity,
    pub(crate) cells: cells::CellFacts,
    pub(crate) regulation: regulation::Regulation,
    pub(crate) held: held::Held,
    pub(crate) alternation: alternation::Alternation,
    pub(crate) jumps: jumps::Jumps,
    pub(crate) oscillation: oscillation::Oscillation,
    pub(crate) flicker: flicker::Flicker,
    pub(crate) senders: senders::Senders,
    pub(crate) errors: Errors,
    pub(crate) account: Account,
}

/// Judges the frames of a log.
pub(crate) type Judge = fn(&Wire, &Terms<'_>, &mut Opinion);

impl Wire {
    /// Takes a frame, and what it says, if the document knows it: when, and in which line of a log.
    #[inline(always)]
    pub fn take(&mut self, at: Micros, line: Option<u64>, frame: &Frame) {
        let spot = self.on_the_bus(Spot::new(at, line), frame);
        if let Some(message) = Message::decode(frame) {
            self.says(spot, frame, &message);
        }
    }

    /// The same with what it says, where that is known.
    pub fn frame(&mut self, spot: Spot, frame: &Frame, message: Option<&Message>) {
        let spot = self.on_the_bus(spot, frame);
        if let Some(message) = message {
            self.says(spot, frame, message);
        }
    }

    #[inline(always)]
    fn on_the_bus(&mut self, spot: Spot, frame: &Frame) -> Spot {
        let spot = Spot { frame: Some(*frame), ..spot };
        if let Some(pause) = self.bus.pause(spot).filter(|&pause| !self.is_cut_off(spot.at, pause)) {
            self.timing.pause(pause, spot.at);
        }
        self.bus.frame(spot, frame);
        if let CanId::Extended(_) = frame.id() {
            self.beside.frame(spot, frame);
        }
        spot
    }

    #[inline(always)]
    fn says(&mut self, spot: Spot, frame: &Frame, message: &Message) {
        self.presence.frame(spot, frame, message);
        match message {
            Message::Limits(m) => {
                self.timing.core(0, spot);
                self.limits.limits(spot, m);
                self.regulation.limits(spot, m);
                self.held.limits(spot, m);
                self.alternation.limits(spot, m);
                self.oscillation.limits(spot, m);
                self.flicker.limits(spot);
                self.senders.frame(Watched::Limits, spot, frame);
            }
            Message::StateOfCharge(m) => {
                self.timing.core(1, spot);
                self.charge.state(spot, m);
                self.held.now.state(m);
                self.jumps.state(spot, m);
                self.senders.frame(Watched::State, spot, frame);
            }
            Message::Measurements(m) => {
                self.timing.core(2, spot);
                self.limits.measured(m);
                self.alarms.measured(spot, m);
                self.cells.measured(m);
                self.charge.measured(spot, m);
                self.beside.measured(spot, m);
                self.regulation.measured(spot, m);
                self.oscillation.measured(spot, m);
                self.flicker.measured(spot.at, m);
                self.held.now.measured(m);
                self.senders.frame(Watched::Measurements, spot, frame);
            }
            Message::Alarms(m) => {
                self.timing.core(3, spot);
                self.alarms.alarms(spot, m);
                self.flicker.alarms(spot, m);
                self.held.now.alarms(m);
            }
            Message::ForceCharge(m) => self.charge.force(spot, m),
            Message::Energy(m) => self.charge.energy(spot, m),
            Message::Cells(m) => {
                self.cells.cells(spot, m);
                self.flicker.cells(spot.at, m);
                self.held.now.cells(m);
                self.senders.frame(Watched::Cells, spot, frame);
            }
            Message::Modules(m) => self.cells.modules(spot, m),
            Message::BatteryIdentity(m) => self.identity.battery(spot, m),
            Message::InstalledCapacity(m) => self.identity.installed(m),
            _ => self.identity.text(spot, message),
        }
    }

    /// The facts of a bus of which the rig reads the state of its interface so often.
    #[must_use]
    pub fn polled(bus: Micros) -> Self {
        Self { account: Account::polled(bus), ..Self::default() }
    }

    /// The suite does something. Where it disturbs frames on purpose, what is missing or late from now on is not held
    /// against the battery.
    pub fn note(&mut self, at: Micros, stimulus: &Stimulus) {
        if let Some((tampering, window)) = self.account.note(at, stimulus) {
            self.timing.tamper(&tampering, window);
            self.flicker.tamper();
        }
    }

    /// What the rig itself did, and until when.
    #[must_use]
    pub const fn account(&self) -> &Account {
        &self.account
    }

    /// Whether a frame that comes now says what its sender says now.
    #[inline]
    #[must_use]
    pub fn is_evidence(&self, at: Micros, id: CanId) -> bool {
        let CanId::Standard(id) = id else { return true };
        self.account.is_evidence(at, id)
    }

    /// Takes an error frame.
    pub fn error(&mut self, spot: Spot, error: &ErrorFrame) {
        self.errors.frame(spot, error, self.account.disturbs(spot.at));
    }

    /// The error frames.
    #[must_use]
    pub fn errors(&self) -> &Errors {
        &self.errors
    }

    /// Whether nothing could be heard, on purpose, at the end of a pause.
    #[inline(never)]
    fn is_cut_off(&self, at: Micros, pause: Micros) -> bool {
        let began = Micros(at.0.saturating_sub(pause.0));
        self.account.cuts(Window::new(began, at))
    }

    /// Lets a judge look at the facts, and what explains most faults explain what it found.
    pub(crate) fn judge(&self, judge: Judge, terms: &Terms<'_>, opinion: &mut Opinion) {
        judge(self, terms, opinion);
        for cause in self.causes(terms) {
            cause.apply(&self.bus, terms, opinion);
        }
    }

    /// What is sent as another protocol lays it out, such as `0x355 as LuxPower and EG4 inverters read it`, in the order
    /// of identifiers.
    #[must_use]
    pub fn layouts(&self) -> Vec<String> {
        layout::found(&self.bus).iter().map(|found| found.words()).collect()
    }

    /// What every 0x351 meant beside the others, the last one included.
    pub(crate) fn closed(&self) -> held::Held {
        self.held.closed(self.bus.window().to)
    }

    /// What was sent, by identifier.
    #[must_use]
    pub fn sent(&self) -> Vec<&Sent> {
        self.bus.sent()
    }

    /// What was sent with one identifier.
    #[must_use]
    pub fn of(&self, id: u16) -> Option<&Sent> {
        self.bus.of(id)
    }

    /// Whether anything was sent that the document has a battery send.
    #[must_use]
    pub fn has_battery(&self) -> bool {
        self.bus.of_battery().next().is_some()
    }

    /// How many data frames were seen.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.bus.count()
    }

    /// How many 29-bit frames, with their first few different identifiers: of VE.Can, and others.
    #[must_use]
    pub fn extended(&self) -> [(u64, &[u32]); 2] {
        self.bus.extended()
    }

    /// Load of the bus at 500 kbit/s in per cent, without and with as many stuffed bits as there can be; nothing for
    /// less than a second.
    #[must_use]
    pub fn load(&self) -> Option<(Percent, Percent)> {
        self.bus.percent().map(|(least, most)| (Percent(least), Percent(most)))
    }

    /// Whether an alarm (or a warning) was ever seen as each of the four numbers that a pair can be.
    #[must_use]
    pub fn alarm_seen(&self, kind: AlarmKind, warning: bool) -> [bool; 4] {
        self.alarms.seen(kind, warning)
    }

    /// From the first to the last frame.
    #[must_use]
    pub fn window(&self) -> Window {
        self.bus.window()
    }
}

impl Terms<'_> {
    /// A log and nothing else: no battery file, default thresholds.
    #[must_use]
    pub fn of_a_log() -> Self {
        Self {
            battery: None,
            cells: None,
            thresholds: Thresholds::default(),
            certifying: false,
            untimed: None,
            alone: true,
        }
    }

    /// What values are held against, where anything is known of the battery.
    #[must_use]
    pub fn bounds(&self) -> Option<Bounds> {
        self.battery.map(Bounds::from).or_else(|| self.cells.map(Bounds::from))
    }

    /// Whether periods and gaps may be judged.
    fn is_timed(&self) -> bool {
        self.untimed.is_none()
    }
}

#[cfg(test)]
mod tests;
