//! The wire of the bus: it carries one frame at a time, and of those that wait the one with the lowest identifier goes
//! first (ISO 11898-1).

use proto::frame::{CanId, Frame};
use proto::quantity::{BitRate, Micros};

/// Who sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sender {
    Battery,
    Gx,
    /// a node that does not belong there
    Stranger,
}

/// A frame that is to go over the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) sender: Sender,
    pub(crate) frame: Frame,
    /// whether the other side listens
    pub(crate) heard: bool,
}

/// Frames that wait at most; beyond them one is lost, as with the buffers of a controller.
const ROOM: usize = 1024;

/// One wire.
#[derive(Debug, Clone)]
pub(crate) struct Wire {
    rate: BitRate,
    /// until then a frame is on it
    free: Micros,
    /// in the order in which they came
    waiting: Vec<Sent>,
}

impl Wire {
    /// A wire of 500 kbit/s (P 1.2).
    pub(crate) const fn new() -> Self {
        Self { rate: BitRate(500.0), free: Micros::ZERO, waiting: Vec::new() }
    }

    /// The same at another bit rate.
    pub(crate) const fn at(&mut self, rate: BitRate) {
        self.rate = rate;
    }

    /// Puts a frame on the wire now, or lets it wait; whether it goes now.
    #[inline]
    pub(crate) fn put(&mut self, now: Micros, sent: Sent) -> Put {
        if now >= self.free && self.waiting.is_empty() {
            self.free = now + self.takes(&sent.frame);
            return Put::Goes;
        }
        if self.waiting.len() == ROOM {
            return Put::Lost;
        }
        self.waiting.push(sent);
        Put::Waits
    }

    /// When the next that waits may go; never, where none does.
    #[inline]
    pub(crate) const fn next_at(&self) -> Micros {
        if self.waiting.is_empty() { Micros::NEVER } else { self.free }
    }

    /// The one of those that wait which wins the wire.
    pub(crate) fn next(&mut self) -> Option<Sent> {
        let (place, _) = self.waiting.iter().enumerate().min_by_key(|(_, sent)| priority(sent.frame.id()))?;
        let sent = self.waiting.remove(place);
        self.free += self.takes(&sent.frame);
        Some(sent)
    }

    /// How long a frame is on the wire, stuffed bits not counted.
    fn takes(&self, frame: &Frame) -> Micros {
        Micros((f64::from(frame.bits()) * 1000.0 / self.rate.0) as u64)
    }
}

/// What becomes of a frame that is put on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Put {
    Goes,
    Waits,
    Lost,
}

/// The lower goes first: identifiers bit by bit as they stand on the wire, of two that begin alike the one of 11 bits.
const fn priority(id: CanId) -> u32 {
    match id {
        CanId::Standard(id) => (id as u32) << 19,
        CanId::Extended(id) => id << 1 | 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(id: u16) -> Sent {
        Sent { sender: Sender::Battery, frame: Frame::standard(id, &[0; 8]), heard: true }
    }

    /// 111 bits of 2 µs each.
    #[test]
    fn a_frame_of_eight_bytes_takes_222_us() {
        let mut wire = Wire::new();
        assert_eq!(wire.put(Micros(1000), sent(0x351)), Put::Goes);
        assert_eq!(wire.next_at(), Micros::NEVER);
        assert_eq!(wire.put(Micros(1221), sent(0x355)), Put::Waits);
        assert_eq!(wire.next_at(), Micros(1222));
        assert_eq!(wire.next(), Some(sent(0x355)));
        assert_eq!(wire.put(Micros(1444), sent(0x356)), Put::Goes);
    }

    #[test]
    fn the_lowest_identifier_goes_first_and_the_older_of_two_that_are_alike() {
        let mut wire = Wire::new();
        wire.at(BitRate(250.0));
        let mut strange = sent(0x305);
        strange.sender = Sender::Gx;
        let wide = Frame::new(CanId::Extended(0x305 << 18), &[]).expect("29 bits");
        let all = [sent(0x000), sent(0x356), Sent { frame: wide, ..sent(0) }, sent(0x305), strange];
        for frame in all {
            wire.put(Micros::ZERO, frame);
        }
        assert_eq!(wire.next_at(), Micros(444));
        let order: Vec<_> = core::iter::from_fn(|| wire.next()).collect();
        assert_eq!(order, [all[3], all[4], all[2], all[1]]);
    }

    #[test]
    fn more_than_a_controller_holds_is_lost() {
        let mut wire = Wire::new();
        let count =
            |wire: &mut Wire, what| (0..1500).filter(|_| wire.put(Micros::ZERO, sent(0x351)) == what).count();
        assert_eq!(count(&mut wire.clone(), Put::Waits), ROOM);
        assert_eq!(count(&mut wire, Put::Lost), 1500 - ROOM - 1);
    }
}
