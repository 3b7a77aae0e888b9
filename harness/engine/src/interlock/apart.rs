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
        let closed = self.is_closed(at);
        for (k, (one, other)) in PAIRS.into_iter().enumerate() {
            let volts = self.true_now(at, one).zip(self.true_now(at, other));
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

    /// Whether a current shows that the contactor is closed, whatever the battery says of it.
    pub(super) fn is_closed(&self, at: Micros) -> bool {
        let flows = |channel| self.true_now(at, channel).is_some_and(|amps| amps.abs() > CLOSED);
        flows(Channel::PackCurrent) || flows(Channel::BusCurrent)
    }

    /// What a quantity is, where it was told lately and nothing makes it untrue.
    fn true_now(&self, at: Micros, channel: Channel) -> Option<f64> {
        let told: &Told = &self.told[channel as usize];
        // Each is told at least as often as the GX answers, or the battery sends 0x356.
        let age = self.limits.age(Channel::PackVoltage).min(self.limits.age(Channel::GxAnswers));
        (told.is_true(at) && at >= told.hidden && at.since(told.heard) <= age).then_some(told.said?)
    }
}
