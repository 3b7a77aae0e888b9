//! The CAN bus between battery and GX, and what can go wrong on it. The harness listens on the battery's side, so that
//! a cut wire leaves it with the battery whose frames nobody acknowledges.

use proto::bus::{BusState, ErrorFrame};
use proto::fault::{Fault, FaultKind, Id};
use proto::frame::{CanId, Frame};
use proto::quantity::{BitRate, Micros};

use crate::rng::Rng;
use crate::wire::{Put, Sender, Sent, Wire};

/// What the harness hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// a frame, from whomever
    Frame(Frame),
    /// an error frame of its own controller
    Error(ErrorFrame),
}

/// What becomes of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// everybody hears it, as it is now
    Arrives(Frame),
    /// it is on the bus, but the other side does not listen
    Unheard(Frame),
    /// nobody hears it, or not yet
    Gone,
}

/// What the battery's CAN controller knows of the bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Controller {
    pub(crate) state: BusState,
    /// frames that nobody acknowledged since this was asked last
    pub(crate) lost: u32,
}

/// What is due by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// a frame, and what becomes of it
    Frame(Sender, Fate),
    /// an error frame
    Error(ErrorFrame),
}

/// What comes by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coming {
    /// a frame that was late, or that a stranger sends
    Frame(Sender, Frame),
    /// an error frame
    Error(ErrorFrame),
}

/// A fault while it lasts.
#[derive(Debug, Clone)]
struct Running {
    kind: FaultKind,
    until: Micros,
    /// whether frames are being lost: they are lost in bursts
    losing: bool,
    /// identifiers whose gap has begun, with their last frame before it
    gaps: Vec<(CanId, Micros)>,
}

impl Running {
    /// When the last frame before a gap came; the first one of the fault begins it, and passes.
    fn gap(&mut self, id: CanId, now: Micros) -> Option<Micros> {
        let began = self.gaps.iter().find(|(own, _)| *own == id).map(|(_, began)| *began);
        if began.is_none() {
            self.gaps.push((id, now));
        }
        began
    }
}

/// The bus.
#[derive(Debug, Clone)]
pub(crate) struct Bus {
    rng: Rng,
    wire: Wire,
    faults: Vec<Running>,
    /// ids whose frames do not reach anybody, and until when
    silenced: Vec<(u16, Micros)>,
    /// in the order of time
    coming: Vec<(Micros, Coming)>,
    state: BusState,
    /// frames of the battery that nobody acknowledged since it asked last
    lost: u32,
}

/// Keeps its draws apart from those of others with the same seed.
const STREAM: u64 = 0xB05;
/// Frames that are lost in a row, on average (assumption: a loose contact, not single bits).
const BURST: f64 = 3.0;
/// While nobody acknowledges, the sender repeats at once: from the first error to error-warning and error-passive it
/// takes 12 and 16 repetitions of about 250 µs (ISO 11898-1, at 500 kbit/s). Then drivers tell one error a second.
const TO_WARNING: Micros = Micros(3_000);
const TO_PASSIVE: Micros = Micros(4_000);
const TELL: Micros = Micros::from_secs(1);

impl Bus {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            rng: Rng::new(seed, STREAM),
            wire: Wire::new(),
            faults: Vec::new(),
            silenced: Vec::new(),
            coming: Vec::new(),
            state: BusState::ErrorActive,
            lost: 0,
        }
    }

    /// The same at another bit rate than 500 kbit/s.
    pub(crate) const fn at(&mut self, rate: BitRate) {
        self.wire.at(rate);
    }

    /// The state of the harness's own controller.
    pub(crate) const fn state(&self) -> BusState {
        self.state
    }

    /// What the battery's own controller tells it. It sits on the same wire as the harness; bus-off is its own.
    pub(crate) fn controller_of_battery(&mut self, now: Micros) -> Controller {
        let bus_off = |f: &Running| matches!(f.kind, FaultKind::BusOff {}) && now < f.until;
        let state = if self.faults.iter().any(bus_off) { BusState::BusOff } else { self.state };
        Controller { state, lost: core::mem::take(&mut self.lost) }
    }

    /// Frames of an id reach nobody for a time.
    pub(crate) fn silence(&mut self, now: Micros, id: u16, span: Micros) {
        self.silenced.retain(|&(_, until)| until > now);
        self.silenced.push((id, now + span));
    }

    /// Takes a fault that is one of the bus; others are not taken.
    pub(crate) fn inject(&mut self, now: Micros, fault: Fault) -> bool {
        let until = now + fault.span;
        match fault.kind {
            FaultKind::WireCut {} => self.cut(now, until),
            FaultKind::BusOff {} => self.come(now, Coming::Error(ErrorFrame::DISTURBED)),
            FaultKind::Babble { id: Id(id), every } => {
                let frame = Coming::Frame(Sender::Stranger, Frame::standard(id, &[]));
                self.come((now + every).min(until), frame);
            }
            FaultKind::FrameLoss { .. }
            | FaultKind::FrameDelay { .. }
            | FaultKind::FrameJitter { .. }
            | FaultKind::FrameGap { .. }
            | FaultKind::Garble { .. } => {}
            _ => return false,
        }
        self.faults.push(Running { kind: fault.kind, until, losing: false, gaps: Vec::new() });
        true
    }

    /// The harness sees the battery's attempts fail, and its controller lose its good opinion of the bus.
    fn cut(&mut self, now: Micros, until: Micros) {
        let controller = |state| Coming::Error(ErrorFrame::controller(state));
        let first = [
            (now, Coming::Error(ErrorFrame::UNHEARD)),
            (now + TO_WARNING, controller(BusState::ErrorWarning)),
            (now + TO_PASSIVE, controller(BusState::ErrorPassive)),
        ];
        first.into_iter().filter(|&(at, _)| at < until).for_each(|(at, what)| self.come(at, what));
        let mut again = now + TELL;
        while again < until {
            self.come(again, Coming::Error(ErrorFrame::UNHEARD));
            again += TELL;
        }
        self.come(until, controller(BusState::ErrorActive));
    }

    fn come(&mut self, at: Micros, what: Coming) {
        let place = self.coming.partition_point(|&(t, _)| t <= at);
        self.coming.insert(place, (at, what));
    }

    /// When something comes by itself.
    #[inline]
    pub(crate) fn next_at(&self) -> Micros {
        self.coming.first().map_or(Micros::NEVER, |&(at, _)| at).min(self.wire.next_at())
    }

    /// What is due; nothing where a frame has to wait for the wire.
    pub(crate) fn due(&mut self) -> Option<Due> {
        let first = self.coming.first().map_or(Micros::NEVER, |&(at, _)| at);
        if self.wire.next_at() <= first {
            let Sent { sender, frame, heard } = self.wire.next()?;
            return Some(Due::Frame(sender, if heard { Fate::Arrives(frame) } else { Fate::Unheard(frame) }));
        }
        let (at, what) = self.coming.remove(0);
        match what {
            Coming::Error(error) => {
                self.controller(error);
                Some(Due::Error(error))
            }
            Coming::Frame(sender, frame) => {
                if sender == Sender::Stranger {
                    self.babble_on(at, frame);
                }
                Some(Due::Frame(sender, self.put(at, sender, Fate::Arrives(frame))))
            }
        }
    }

    fn controller(&mut self, error: ErrorFrame) {
        let told = BusState::ALL.into_iter().find(|&state| ErrorFrame::controller(state) == error);
        self.state = told.unwrap_or(self.state);
    }

    fn babble_on(&mut self, at: Micros, frame: Frame) {
        let next = self.faults.iter().find_map(|fault| match fault.kind {
            FaultKind::Babble { id: Id(id), every }
                if frame.id() == CanId::Standard(id) && at + every < fault.until =>
            {
                Some(at + every)
            }
            _ => None,
        });
        if let Some(next) = next {
            self.come(next, Coming::Frame(Sender::Stranger, frame));
        }
    }

    /// What becomes of a frame that is sent now.
    #[inline]
    pub(crate) fn carry(&mut self, now: Micros, sender: Sender, frame: Frame) -> Fate {
        let fate = self.fate(now, sender, frame);
        self.put(now, sender, fate)
    }

    /// What becomes of a frame that is on the wire already.
    #[inline]
    pub(crate) fn fate(&mut self, now: Micros, sender: Sender, frame: Frame) -> Fate {
        if self.faults.is_empty() && self.silenced.is_empty() {
            return Fate::Arrives(frame);
        }
        self.disturbed(now, sender, frame)
    }

    /// Puts a frame on the wire: it waits where another is on it.
    #[inline]
    fn put(&mut self, now: Micros, sender: Sender, fate: Fate) -> Fate {
        let (frame, heard) = match fate {
            Fate::Arrives(frame) => (frame, true),
            Fate::Unheard(frame) => (frame, false),
            Fate::Gone => return Fate::Gone,
        };
        match self.wire.put(now, Sent { sender, frame, heard }) {
            Put::Goes => fate,
            Put::Waits => Fate::Gone,
            Put::Lost => {
                self.lost += u32::from(sender == Sender::Battery);
                Fate::Gone
            }
        }
    }

    fn disturbed(&mut self, now: Micros, sender: Sender, mut frame: Frame) -> Fate {
        self.silenced.retain(|&(_, until)| now < until);
        self.faults.retain(|fault| now < fault.until);
        if self.silenced.iter().any(|&(id, _)| frame.id() == CanId::Standard(id)) {
            return Fate::Gone;
        }
        let is = |id: Option<Id>| id.is_none_or(|Id(id)| frame.id() == CanId::Standard(id));
        let from_battery = sender == Sender::Battery;
        let (mut lost, mut deaf, mut garbled, mut late) = (false, false, false, Micros::ZERO);
        let (mut held_until, mut gap_until) = (now, now);
        for fault in &mut self.faults {
            match fault.kind {
                FaultKind::WireCut {} => lost = true,
                FaultKind::BusOff {} if from_battery => lost = true,
                FaultKind::BusOff {} => deaf = true,
                FaultKind::FrameLoss { share, id } if is(id) => {
                    fault.losing = loses(share.0 / 100.0, fault.losing, self.rng.unit());
                    lost |= fault.losing;
                }
                FaultKind::FrameDelay { by, id } if from_battery && is(id) => {
                    (late, held_until) = (late + by, held_until.max(fault.until));
                }
                FaultKind::FrameJitter { by, id } if from_battery && is(id) => {
                    late += Micros((self.rng.unit() * by.0 as f64) as u64);
                    held_until = held_until.max(fault.until);
                }
                FaultKind::FrameGap { of, id } if from_battery && is(id) => {
                    let over = fault.gap(frame.id(), now).map_or(now, |began| (began + of).min(fault.until));
                    gap_until = gap_until.max(over);
                }
                FaultKind::Garble { id } if is(Some(id)) => garbled = true,
                _ => {}
            }
        }
        if lost {
            self.lost += u32::from(from_battery);
            return Fate::Gone;
        }
        if garbled {
            frame = self.garble(&frame);
        }
        if gap_until > now + late {
            self.keep_newest(sender, frame, gap_until);
            return Fate::Gone;
        }
        if late > Micros::ZERO {
            self.hold(now, sender, frame, (now + late).min(held_until));
            return Fate::Gone;
        }
        if deaf { Fate::Unheard(frame) } else { Fate::Arrives(frame) }
    }

    /// What holds frames up lets go of them in their order, and of all when it ends.
    fn hold(&mut self, now: Micros, sender: Sender, frame: Frame, until: Micros) {
        let before = self.coming.iter().rev().find_map(|&(at, what)| match what {
            Coming::Frame(_, other) if other.id() == frame.id() => Some(at),
            _ => None,
        });
        let at = until.max(before.unwrap_or(now));
        self.come(at, Coming::Frame(sender, frame));
    }

    /// Until a gap is over only the last frame of an identifier waits: what it replaces is out of date.
    fn keep_newest(&mut self, sender: Sender, frame: Frame, until: Micros) {
        let same = |what: &Coming| matches!(what, Coming::Frame(_, other) if other.id() == frame.id());
        self.coming.retain(|(_, what)| !same(what));
        self.come(until, Coming::Frame(sender, frame));
    }

    /// Bytes missing and bits turned over.
    fn garble(&mut self, frame: &Frame) -> Frame {
        let len = (self.rng.bits() % 9).min(u64::from(frame.dlc())) as usize;
        let turned = self.rng.bits().to_le_bytes();
        let mut data = frame.padded();
        data.iter_mut().zip(turned).for_each(|(byte, turn)| *byte ^= turn);
        Frame::new(frame.id(), &data[..len]).unwrap_or(*frame)
    }
}

/// Whether a frame is lost: in bursts of [`BURST`] on average, and this share over all (a chain of two states).
fn loses(share: f64, losing: bool, draw: f64) -> bool {
    if share >= 1.0 {
        return true;
    }
    // Where so much is lost that good frames would have to come in less than ones, bursts are longer.
    let burst = BURST.max(share / (1.0 - share));
    let begins = share / (burst * (1.0 - share));
    draw < if losing { 1.0 - 1.0 / burst } else { begins }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::quantity::Percent;
    use rstest::rstest;

    fn limits(t: u64) -> Frame {
        Frame::standard(0x351, &[t as u8; 8])
    }

    /// Sends 0x351 every second; when what arrived.
    fn sent(bus: &mut Bus, seconds: u64) -> Vec<(Micros, Frame)> {
        let mut out = Vec::new();
        for t in 0..seconds {
            let now = Micros::from_secs(t);
            arrived(bus, now, &mut out);
            if let Fate::Arrives(frame) = bus.carry(now, Sender::Battery, limits(t)) {
                out.push((now, frame));
            }
        }
        arrived(bus, Micros::from_secs(seconds + 100), &mut out);
        out
    }

    fn arrived(bus: &mut Bus, until: Micros, out: &mut Vec<(Micros, Frame)>) {
        while bus.next_at() <= until {
            let at = bus.next_at();
            if let Some(Due::Frame(_, Fate::Arrives(frame))) = bus.due() {
                out.push((at, frame));
            }
        }
    }

    fn faulty(kind: FaultKind, seconds: u64) -> Bus {
        let mut bus = Bus::new(7);
        assert!(bus.inject(Micros::ZERO, Fault { kind, span: Micros::from_secs(seconds) }));
        bus
    }

    #[rstest]
    #[case(5.0)]
    #[case(30.0)]
    #[case(90.0)]
    #[case(100.0)]
    #[case(0.0)]
    fn the_share_of_lost_frames_is_kept_and_they_go_in_bursts(#[case] share: f64) {
        let kind = FaultKind::FrameLoss { share: Percent(share), id: None };
        let arrived = sent(&mut faulty(kind, 100_000), 100_000);
        let lost = 100.0 - arrived.len() as f64 / 1000.0;
        assert!((lost - share).abs() < 1.0, "{lost}");
        let bursts = arrived.windows(2).filter(|w| w[1].0.since(w[0].0) > Micros::from_secs(1)).count();
        if (1.0..99.0).contains(&share) {
            let mean = 1000.0 * lost / bursts as f64;
            assert!(mean > 2.5, "{mean} in a row");
        }
    }

    /// P 1.4: frames that come 2.1 s later leave one gap of 3.1 s, and the order stays.
    #[test]
    fn late_frames_keep_their_order_and_are_let_go_at_the_end() {
        let kind = FaultKind::FrameDelay { by: Micros::from_millis(2_100), id: Some(Id(0x351)) };
        let mut bus = Bus::new(7);
        let mut out = sent(&mut bus, 2);
        bus.inject(Micros::from_secs(1), Fault { kind, span: Micros::from_secs(10) });
        for t in 2..20 {
            let now = Micros::from_secs(t);
            arrived(&mut bus, now, &mut out);
            if let Fate::Arrives(frame) = bus.carry(now, Sender::Battery, limits(t)) {
                out.push((now, frame));
            }
        }
        assert_eq!(out.iter().map(|(_, f)| f.data()[0]).collect::<Vec<_>>(), (0..20).collect::<Vec<_>>());
        assert_eq!(out[2].0, Micros::from_millis(4_100), "3.1 s after the one before");
        assert_eq!(out[3].0, Micros::from_millis(5_100));
        let let_go = |at: Micros| at.since(Micros::from_secs(11)) < Micros::from_millis(1);
        assert!(out[9..11].iter().all(|(at, _)| let_go(*at)), "one after another: {out:?}");
    }

    /// Whatever the period, one gap between two frames is as long as was asked for; where frames come more seldom than
    /// that, there is nothing to hold.
    #[rstest]
    #[case(100, 2_900, 2_900)]
    #[case(200, 2_900, 2_900)]
    #[case(1_000, 2_900, 2_900)]
    #[case(2_000, 2_900, 2_900)]
    #[case(200, 3_200, 3_200)]
    #[case(1_000, 3_200, 3_200)]
    #[case(2_000, 3_200, 3_200)]
    #[case(10_000, 3_200, 10_000)]
    fn a_gap_is_as_long_as_asked_for(#[case] period: u64, #[case] asked: u64, #[case] longest: u64) {
        let kind = FaultKind::FrameGap { of: Micros::from_millis(asked), id: Some(Id(0x351)) };
        let mut bus = Bus::new(7);
        let mut out = Vec::new();
        for k in 0..60_000 / period {
            let now = Micros::from_millis(k * period + 37);
            if k == 3 {
                bus.inject(now, Fault { kind, span: Micros::from_secs(15) });
            }
            for (now, frame) in
                [(now, limits(k)), (now + Micros::from_millis(1), Frame::standard(0x355, &[1; 8]))]
            {
                arrived(&mut bus, now, &mut out);
                if let Fate::Arrives(frame) = bus.carry(now, Sender::Battery, frame) {
                    out.push((now, frame));
                }
            }
        }
        let gaps = |id: u16| {
            let own: Vec<Micros> =
                out.iter().filter(|(_, f)| f.id() == CanId::Standard(id)).map(|(at, _)| *at).collect();
            own.windows(2).map(|w| w[1].since(w[0]).0 / 1000).collect::<Vec<_>>()
        };
        let long = gaps(0x351).into_iter().filter(|&gap| gap > period).collect::<Vec<_>>();
        assert_eq!(gaps(0x351).into_iter().max(), Some(longest));
        assert_eq!(long.len(), usize::from(longest > period), "once: {long:?}");
        assert!(gaps(0x355).iter().all(|&gap| gap == period), "another identifier comes as before");
    }

    #[test]
    fn jitter_keeps_order() {
        let kind = FaultKind::FrameJitter { by: Micros::from_secs(5), id: None };
        let out = sent(&mut faulty(kind, 50), 50);
        assert_eq!(out.iter().map(|(_, f)| f.data()[0]).collect::<Vec<_>>(), (0..50).collect::<Vec<_>>());
        let gaps: Vec<u64> = out.windows(2).map(|w| w[1].0.since(w[0].0).0).collect();
        assert!(gaps.iter().max() > Some(&1_500_000), "{gaps:?}");
    }

    #[test]
    fn a_garbled_frame_differs_and_others_do_not() {
        let mut bus = faulty(FaultKind::Garble { id: Id(0x351) }, 100);
        let fate = bus.carry(Micros(1), Sender::Battery, limits(1));
        assert!(matches!(fate, Fate::Arrives(frame) if frame != limits(1)), "{fate:?}");
        let other = Frame::standard(0x355, &[1; 8]);
        assert_eq!(bus.carry(Micros(1000), Sender::Battery, other), Fate::Arrives(other));
    }

    #[test]
    fn a_cut_wire_passes_nothing_and_the_controller_tells() {
        let mut bus = faulty(FaultKind::WireCut {}, 30);
        let (mut states, mut unheard) = (Vec::new(), 0);
        while bus.next_at() < Micros::from_secs(40) {
            assert!(bus.next_at() <= Micros::from_secs(30));
            if bus.due() == Some(Due::Error(ErrorFrame::UNHEARD)) {
                unheard += 1;
            }
            if states.last() != Some(&bus.state()) {
                states.push(bus.state());
            }
        }
        assert_eq!(unheard, 30);
        use BusState::{ErrorActive, ErrorPassive, ErrorWarning};
        assert_eq!(states, [ErrorActive, ErrorWarning, ErrorPassive, ErrorActive]);
        for sender in [Sender::Battery, Sender::Gx] {
            assert_eq!(bus.carry(Micros::from_secs(29), sender, limits(0)), Fate::Gone);
        }
        assert_eq!(bus.carry(Micros::from_secs(30), Sender::Gx, limits(0)), Fate::Arrives(limits(0)));
    }

    #[test]
    fn a_battery_that_is_bus_off_neither_sends_nor_hears() {
        let mut bus = faulty(FaultKind::BusOff {}, 30);
        assert_eq!(bus.carry(Micros(1), Sender::Battery, limits(0)), Fate::Gone);
        assert_eq!(bus.carry(Micros(1), Sender::Gx, limits(0)), Fate::Unheard(limits(0)));
        assert_eq!(bus.carry(Micros::from_secs(30), Sender::Battery, limits(0)), Fate::Arrives(limits(0)));
    }

    #[test]
    fn a_stranger_babbles_until_the_end() {
        let kind = FaultKind::Babble { id: Id(0x100), every: Micros::from_millis(100) };
        let mut bus = faulty(kind, 10);
        let mut out = Vec::new();
        arrived(&mut bus, Micros::from_secs(60), &mut out);
        assert_eq!(out.len(), 99);
        assert!(out.iter().all(|(at, frame)| *at < Micros::from_secs(10) && frame.dlc() == 0));
    }

    #[test]
    fn what_is_no_fault_of_the_bus_is_not_taken() {
        let fault = Fault { kind: FaultKind::Internal {}, span: Micros::from_secs(1) };
        assert!(!Bus::new(1).inject(Micros::ZERO, fault));
    }
}
