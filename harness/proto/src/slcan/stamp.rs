//! Times of an adapter's own clock, brought onto the axis of a run.

use crate::quantity::Micros;

/// Milliseconds within a minute, as an adapter with `Z1` puts them behind a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp(u16);

impl Stamp {
    /// After so many milliseconds the count begins again.
    pub const PERIOD: u16 = 60_000;

    /// From a count; nothing where it is a minute or more.
    #[must_use]
    pub const fn new(millis: u16) -> Option<Self> {
        if millis < Self::PERIOD { Some(Self(millis)) } else { None }
    }

    /// Of a time, for an adapter.
    #[must_use]
    pub const fn of(at: Micros) -> Self {
        Self((at.0 / 1000 % Self::PERIOD as u64) as u16)
    }

    /// The count, 0 to 59,999.
    #[must_use]
    pub const fn millis(self) -> u16 {
        self.0
    }
}

const MINUTE: i64 = 60_000_000;

/// An adapter's clock may run this much slower than the host's and is still followed: assumption, twice the tolerance
/// of a common crystal on either side. One part in so many.
const SLOWER: i64 = 5_000;

/// Brings stamps onto the axis of a run.
///
/// A stamp is early or late by nothing but the clock, an arrival is late by the adapter's queue, the wire and the
/// host. So the arrival that came the soonest after its stamp says how the clocks stand; those before it and after it
/// are placed by their stamps. Times never run back and never lie behind the arrival.
#[derive(Debug, Clone, Default)]
pub struct StampClock {
    last: Option<Last>,
}

#[derive(Debug, Clone, Copy)]
struct Last {
    stamp: Stamp,
    arrived: Micros,
    /// the adapter's time, minutes counted
    device: i64,
    /// host's time less adapter's time
    offset: i64,
    /// what was answered
    at: Micros,
}

impl StampClock {
    /// When a frame was on the bus, of its stamp and of when it arrived here.
    pub fn at(&mut self, stamp: Stamp, arrived: Micros) -> Micros {
        let now = i64::try_from(arrived.0).unwrap_or(i64::MAX);
        let (device, offset, earliest) = match self.last {
            None => (0, now, Micros::ZERO),
            Some(last) => {
                let elapsed = elapsed(&last, stamp, arrived);
                let device = last.device.saturating_add(elapsed);
                // The clock may have become slower since: the next soonest arrival says by how much.
                let offset = last.offset.saturating_add(elapsed / SLOWER);
                (device, offset.min(now.saturating_sub(device)), last.at)
            }
        };
        let at = u64::try_from(device.saturating_add(offset)).unwrap_or(0);
        let at = Micros(at).clamp(earliest.min(arrived), arrived);
        self.last = Some(Last { stamp, arrived, device, offset, at });
        at
    }
}

/// How much the adapter's clock went on: the stamp says it within a minute, the host which minute.
fn elapsed(last: &Last, stamp: Stamp, arrived: Micros) -> i64 {
    let millis =
        (u32::from(stamp.0) + u32::from(Stamp::PERIOD) - u32::from(last.stamp.0)) % u32::from(Stamp::PERIOD);
    let within = i64::from(millis) * 1000;
    let host = i64::try_from(arrived.since(last.arrived).0).unwrap_or(i64::MAX);
    let minutes = host.saturating_sub(within).saturating_add(MINUTE / 2).max(0) / MINUTE;
    within.saturating_add(minutes.saturating_mul(MINUTE))
}
