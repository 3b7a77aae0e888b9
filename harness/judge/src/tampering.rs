//! What the rig itself did to frames, to the bus and to the senses of the battery, and until when: one account, fed with
//! what the suite does. Whoever reads evidence asks it, so that the same frame is evidence for everybody or for nobody.
//!
//! Its answers are about time alone. A disturbance lasts for its span; then comes what the matter at hand needs to be
//! the battery's own again: a message its next period, the bus one poll of the interface and the return of the battery,
//! a sense the filters of the battery.

pub use proto::channel::Sense;
use proto::fault::{Fault, FaultKind};
use proto::message::id;
use proto::quantity::Micros;
use proto::stimulus::{Stimulus, Tampering};

use crate::window::Window;

/// What was kept away or delayed comes with the next frame of its period: a second (P 1.4), and one to spare.
pub const PERIOD: Micros = Micros::from_secs(2);

/// A sound controller is back on the bus so long after it could be at the latest: recovery from bus-off takes 128 × 11
/// bits, which is 3 ms, and a battery that restarts for it some seconds (assumption). Nobody acknowledges until then.
pub const BACK: Micros = Micros::from_secs(10);

/// After an injected fault the battery may so long report what it was made to see: its own filters and the slowest
/// frame periods lie within (assumption).
pub const ECHO: Micros = Micros::from_secs(10);

/// How often the state of a CAN interface is read where a rig does not say otherwise.
const POLL: Micros = Micros::from_secs(1);

/// The account of one case.
#[derive(Debug, Clone)]
pub struct Account {
    acts: Vec<Act>,
    /// how often the state of the CAN interface is read
    poll: Micros,
    /// when the last of the acts on frames is over for every message
    over: Micros,
}

/// One thing that the rig did, without any grace.
#[derive(Debug, Clone, Copy)]
struct Act {
    window: Window,
    what: What,
}

#[derive(Debug, Clone, Copy)]
enum What {
    Frames(Tampering),
    Senses(Faked),
    /// the GX knows no battery
    Gx,
}

impl Default for Account {
    fn default() -> Self {
        Self::polled(POLL)
    }
}

impl Account {
    /// Of a rig that reads the state of its CAN interface so often: what that says happened within this time before.
    #[must_use]
    pub const fn polled(poll: Micros) -> Self {
        Self { acts: Vec::new(), poll, over: Micros::ZERO }
    }

    /// Whether the rig did nothing of this kind at all.
    #[must_use]
    pub const fn is_blank(&self) -> bool {
        self.acts.is_empty()
    }

    /// Takes what the suite does; for frames, what it is and for how long they are late or missing by it.
    pub fn note(&mut self, at: Micros, stimulus: &Stimulus) -> Option<(Tampering, Window)> {
        if let Some(tampering) = stimulus.tampering() {
            let window = Window::new(at, at + tampering.span);
            self.acts.push(Act { window, what: What::Frames(tampering) });
            let missing = Window::new(at, window.to + PERIOD);
            self.over = self.over.max(missing.to);
            return Some((tampering, missing));
        }
        if let Stimulus::Inject(Fault { kind, span }) = *stimulus
            && let Some(what) = misled(kind)
        {
            self.acts.push(Act { window: Window::new(at, at + span), what });
        }
        None
    }

    /// Whether a frame with this identifier that comes now says what its sender says now. What comes garbled, from
    /// another node, or late does not, nor does one that slips through while its like is kept away.
    #[inline]
    #[must_use]
    pub fn is_evidence(&self, at: Micros, id: u16) -> bool {
        at > self.over || !self.frames().any(|(w, t)| t.is_of(id) && spoils(t) && reaches(w, PERIOD, at, at))
    }

    /// Whether what frames with this identifier said last is still known: the rig has done nothing since they were
    /// `heard` that would have hidden a change.
    #[must_use]
    pub fn vouches(&self, id: u16, heard: Micros, now: Micros) -> bool {
        let hides = |t: &Tampering| t.is_of(id) && (t.withheld || spoils(t));
        heard > self.over || !self.frames().any(|(w, t)| hides(t) && reaches(w, PERIOD, heard, now))
    }

    /// Whether what the GX shows of frames with this identifier is what the battery sent: it holds a garbled or an old
    /// one until it is read after the next.
    #[must_use]
    pub fn is_shown(&self, at: Micros, id: u16) -> bool {
        self.is_all_shown(at)
            || !self.frames().any(|(w, t)| t.is_of(id) && spoils(t) && reaches(w, BACK, at, at))
    }

    /// Whether nothing was done to frames for so long that the GX shows all of them as they were sent.
    #[must_use]
    pub fn is_all_shown(&self, at: Micros) -> bool {
        at > self.over + BACK
    }

    /// When frames with this identifier may be missing, late or spoiled, all of them or some, in order.
    #[must_use]
    pub fn missing(&self, id: u16) -> Vec<Window> {
        let own = self.frames().filter(|(_, tampering)| tampering.is_of(id));
        let mut windows: Vec<Window> = own.map(|(w, _)| Window::new(w.from, w.to + PERIOD)).collect();
        windows.sort();
        windows
    }

    /// Whether it is the battery's doing if the GX shows it, or does not: the rig kept nothing of it from the GX.
    #[must_use]
    pub fn vouches_for_gx(&self, at: Micros) -> bool {
        let hides = |what: &What| match what {
            What::Frames(tampering) => tampering.is_of(id::LIMITS),
            What::Gx => true,
            What::Senses(_) => false,
        };
        !self.acts.iter().any(|act| hides(&act.what) && reaches(act.window, BACK, at, at))
    }

    /// Whether the GX says nothing, because the suite made it reboot.
    #[must_use]
    pub fn is_gx_away(&self, at: Micros) -> bool {
        self.acts.iter().any(|act| matches!(act.what, What::Gx) && reaches(act.window, BACK, at, at))
    }

    /// Whether what the CAN interface says of the bus may tell of what the rig did to it.
    #[must_use]
    pub fn disturbs(&self, at: Micros) -> bool {
        self.frames().any(|(w, _)| reaches(w, self.back(), at, at))
    }

    /// When what the CAN interface says of the bus may tell of what the rig did to it, in order.
    #[must_use]
    pub fn disturbed(&self) -> Vec<Window> {
        let mut windows: Vec<Window> =
            self.frames().map(|(w, _)| Window::new(w.from, w.to + self.back())).collect();
        windows.sort();
        windows
    }

    /// When frames were disturbed, without any grace, in the order of the suite.
    pub fn disturbances(&self) -> impl Iterator<Item = Window> + '_ {
        self.frames().map(|(window, _)| window)
    }

    /// Whether frames of everybody were missing or late for some part of a window.
    #[must_use]
    pub fn cuts(&self, window: Window) -> bool {
        self.frames().any(|(w, t)| t.id.is_none() && reaches(w, PERIOD, window.from, window.to))
    }

    /// Whether the rig makes the battery sense this wrongly at a time, or did so shortly before.
    #[must_use]
    pub fn misleads(&self, sense: Sense, at: Micros) -> bool {
        let lasts = if sense == Sense::Charge { Micros(u64::MAX / 2) } else { ECHO };
        self.acts.iter().any(|act| {
            matches!(act.what, What::Senses(Faked { moved, concluded }) if moved.contains(&sense) || concluded.contains(&sense))
                && reaches(act.window, lasts, at, at)
        })
    }

    fn frames(&self) -> impl Iterator<Item = (Window, &Tampering)> {
        self.acts.iter().filter_map(|act| match &act.what {
            What::Frames(tampering) => Some((act.window, tampering)),
            What::Senses(_) | What::Gx => None,
        })
    }

    /// Until the interface has been read, and the battery is back on the bus.
    fn back(&self) -> Micros {
        self.poll + BACK
    }
}

/// Whether frames that arrive under it are not what their sender says, or not now. A cut wire or a share of losses
/// leaves those that come through as they are.
const fn spoils(tampering: &Tampering) -> bool {
    tampering.forged || tampering.late || (tampering.withheld && tampering.id.is_some())
}

/// Whether an act with its grace lies within some part of a span of time, ends included.
fn reaches(window: Window, grace: Micros, from: Micros, to: Micros) -> bool {
    window.from <= to && from <= window.to + grace
}

/// What a fault fakes of what a battery senses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Faked {
    /// what reads wrong by the size of the fault
    pub moved: &'static [Sense],
    /// what the battery may conclude wrongly from that
    pub concluded: &'static [Sense],
}

/// What a fault fakes, if anything. A battery may add up its cells, or share out its voltage, and a gauge takes a full
/// and an empty cell for what they are.
#[must_use]
pub const fn faked(kind: FaultKind) -> Option<Faked> {
    let (moved, concluded): (&[_], &[_]) = match kind {
        FaultKind::CellVoltage { .. } | FaultKind::CellStuck {} => {
            (&[Sense::Cells, Sense::Voltage], &[Sense::Charge])
        }
        FaultKind::PackVoltage { .. } => (&[Sense::Voltage], &[Sense::Cells, Sense::Charge]),
        FaultKind::Current { .. } | FaultKind::CurrentGain { .. } | FaultKind::ShuntReversed {} => {
            (&[Sense::Current], &[Sense::Charge])
        }
        FaultKind::Temperature { .. } | FaultKind::TemperatureOpen {} | FaultKind::TemperatureShort {} => {
            (&[Sense::Temperature], &[])
        }
        _ => return None,
    };
    Some(Faked { moved, concluded })
}

/// What a fault makes the battery or the GX believe.
fn misled(kind: FaultKind) -> Option<What> {
    match kind {
        FaultKind::GxReboot {} => Some(What::Gx),
        _ => faked(kind).map(What::Senses),
    }
}

#[cfg(test)]
mod tests;
