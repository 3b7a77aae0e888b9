//! Two instruments that contradict each other about one thing: which of them is wrong nobody knows, so no limit that
//! rests on either holds.

use judge::behaviour::tripped::{CLOSED, CONTRADICTION};
use proto::channel::Channel;
use proto::quantity::Micros;

use super::{Interlocks, Told, Trip, teller};

/// Share of the nominal voltage that cables and calibration never explain.
const SHARE: f64 = 0.05;
/// How long two of them may differ: polls come at different times, and a step takes some of them.
const LASTS: Micros = Micros::from_secs(10);

/// Who measures the same while the contactor is closed. The first is the battery where it is one of them.
const PAIRS: [(Channel, Channel); 3] = [
    (Channel::PackVoltage, Channel::BusVoltage),
    (Channel::PackVoltage, Channel::SolarVoltage),
    (Channel::BusVoltage, Channel::SolarVoltage),
];

/// Since when the two of each pair differ by too much.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Apart([Option<Micros>; PAIRS.len()]);

impl Interlocks {
    /// Looks at each pair once the GX was polled.
    pub(super) fn contradicted(&mut self, at: Micros) -> Option<Trip> {
        let most = SHARE * self.nominal;
        let closed = is_closed(&self.told, at, self.fresh);
        for (k, (one, other)) in PAIRS.into_iter().enumerate() {
            let volts = self.told[one as usize]
                .lately(at, self.fresh)
                .zip(self.told[other as usize].lately(at, self.fresh));
            let beyond = volts.filter(|(a, b)| closed && (a - b).abs() > most);
            let Some((a, b)) = beyond else {
                self.apart.0[k] = None;
                continue;
            };
            let since = *self.apart.0[k].get_or_insert(at);
            if at.since(since) > LASTS {
                return Some(Trip {
                    what: CONTRADICTION,
                    value: format!("{:.3} V", (a - b).abs()),
                    limit: format!("{most:.3} V for {}", LASTS.span()),
                    by: format!("{} {a:.3} V, {} {b:.3} V", teller(one), teller(other)),
                });
            }
        }
        None
    }
}

/// Whether a current shows that the contactor is closed, whatever the battery says of it.
pub(super) fn is_closed(told: &[Told], at: Micros, age: Micros) -> bool {
    let flows =
        |channel: Channel| told[channel as usize].lately(at, age).is_some_and(|amps| amps.abs() > CLOSED);
    flows(Channel::PackCurrent) || flows(Channel::BusCurrent)
}

impl Told {
    /// What a quantity is, where it was told within this age and nothing makes it untrue.
    pub(super) fn lately(&self, at: Micros, age: Micros) -> Option<f64> {
        (self.is_true(at) && at >= self.hidden && at.since(self.heard) <= age).then_some(self.said?)
    }
}
