//! What was measured last, as the recording has it, and whether a condition holds on it.
//!
//! There is one reading of a frame: the judge's. What the rig garbled, forged, delayed or kept away is no evidence in the
//! recording, and so holds no condition; what was heard before it is not known any more while it lasts. What the battery
//! was made to sense wrongly holds none either, but everything that it does about it may.

use judge::recording::Recording;
use judge::trace::{Channel, Series};
use proto::message::id;
use proto::quantity::Micros;

use crate::suite::{Bounds, Condition, Observable, Test};

/// Older than this a value is history: some batteries send a message once a minute.
const FRESH: Micros = Micros::from_secs(65);
/// A battery that sent no 0x351 for this long is not called online, whatever it said before (P 1.4: the system
/// has stopped charging and discharging after 3 s).
const ALIVE: Micros = Micros::from_secs(10);
/// How far CVL must be below its highest to count as lowered, in volts: two steps of the wire, so that the last
/// digit may move.
const LOWERED: f64 = 0.2;
/// Wire values are binary fractions of decimals: 3450 × 0.001 is 3.45 give or take 1e-16.
const SLACK: f64 = 1e-6;

/// The highest CVL since the start of the case.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Highest {
    cvl: Option<f64>,
    /// how many points of CVL have been looked at
    looked: usize,
}

impl Highest {
    /// Looks at what is new. What cannot be is not taken: a start-up frame must not become the highest CVL.
    pub(super) fn take(&mut self, recording: &Recording) {
        let points = recording.trace().series(Channel::Cvl).points();
        let new = points.iter().skip(self.looked).map(|&(_, cvl)| cvl);
        self.cvl = new.filter(|&cvl| Observable::Cvl.can_be(cvl)).chain(self.cvl).reduce(f64::max);
        self.looked = points.len();
    }
}

/// What is known at a time of everything that a condition can ask about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) recording: &'a Recording,
    pub(super) highest_cvl: Highest,
    pub(super) now: Micros,
}

/// Why a value is not known.
enum Unknown {
    /// it was not heard for too long
    Unheard,
    /// the rig itself altered the frames that carry it, or kept them away
    Tampered(u16),
    /// the rig itself made the battery sense it wrongly
    Misled,
    /// the rig itself made the GX reboot
    Away,
}

impl Seen<'_> {
    /// Whether a condition holds. What is unknown, or too old, holds nothing.
    pub(super) fn holds(&self, condition: &Condition) -> bool {
        match &condition.0 {
            Test::CvlLowered => match (self.value(Observable::Cvl), self.highest_cvl.cvl) {
                (Ok(cvl), Some(highest)) => cvl <= highest - LOWERED + SLACK,
                _ => false,
            },
            &Test::Within(which, Bounds { at_least, at_most }) => {
                self.value(which).is_ok_and(|value| (at_least - SLACK..=at_most + SLACK).contains(&value))
            }
            Test::Inverter(on) => self.is(Channel::InverterRunning) == Some(*on),
            Test::Grid(on) => self.is(Channel::GridConnected) == Some(*on),
            Test::Battery(online) => self.battery() == Some(*online),
            Test::Any(items) => items.iter().any(|item| self.holds(item)),
            Test::All(items) => items.iter().all(|item| self.holds(item)),
        }
    }

    /// Whether it cannot be known that a condition does not hold, because of what the rig itself did.
    pub(super) fn is_hidden(&self, condition: &Condition) -> bool {
        let account = self.recording.account();
        let by_rig =
            |which| matches!(self.value(which), Err(Unknown::Tampered(_) | Unknown::Misled | Unknown::Away));
        match &condition.0 {
            Test::CvlLowered => by_rig(Observable::Cvl),
            &Test::Within(which, _) => by_rig(which),
            Test::Inverter(_) => self.is_away(Channel::InverterRunning),
            Test::Grid(_) => self.is_away(Channel::GridConnected),
            Test::Battery(_) => {
                let hidden = |id| !account.vouches(id, self.now, self.now);
                let gx = self.is_alive() && !account.vouches_for_gx(self.now);
                self.battery().is_none() && (hidden(id::LIMITS) || hidden(id::ALARMS) || gx)
            }
            Test::Any(items) => !self.holds(condition) && items.iter().any(|item| self.is_hidden(item)),
            Test::All(items) => {
                items.iter().any(|item| self.is_hidden(item))
                    && items.iter().all(|item| self.holds(item) || self.is_hidden(item))
            }
        }
    }

    /// What is known of everything that a condition asks about, in words.
    pub(super) fn told(&self, condition: &Condition) -> String {
        let word = |what: &str, value: Option<bool>, words: [&str; 2]| match value {
            Some(true) => format!("{what} {}", words[0]),
            Some(false) => format!("{what} {}", words[1]),
            None => format!("{what} unknown"),
        };
        match &condition.0 {
            Test::CvlLowered => {
                let cvl = self.told_value(Observable::Cvl);
                self.highest_cvl
                    .cvl
                    .map_or(cvl.clone(), |highest| format!("{cvl}, its highest {highest:.1} V"))
            }
            &Test::Within(which, _) => self.told_value(which),
            Test::Inverter(_) => word("inverter", self.is(Channel::InverterRunning), ["on", "off"]),
            Test::Grid(_) => word("grid", self.is(Channel::GridConnected), ["on", "off"]),
            Test::Battery(_) => word("battery", self.battery(), ["online", "offline"]),
            Test::Any(items) | Test::All(items) => {
                let told: Vec<String> = items.iter().map(|item| self.told(item)).collect();
                told.join(", ")
            }
        }
    }

    fn told_value(&self, which: Observable) -> String {
        let observed = which.observed();
        match self.value(which) {
            Ok(value) => {
                // Three decimals show a cell's millivolts; what the wire does not carry is not shown.
                let text = format!("{value:.3}");
                let text = text.trim_end_matches('0').trim_end_matches('.');
                format!("{} {text} {}", observed.words, observed.kind.unit())
            }
            Err(Unknown::Unheard) => format!("{} unknown", observed.words),
            Err(Unknown::Tampered(id)) => {
                format!("{} unknown (the rig itself alters 0x{id:03X} or keeps it away)", observed.words)
            }
            Err(Unknown::Away) => format!("{} unknown (the rig itself made the GX reboot)", observed.words),
            Err(Unknown::Misled) => {
                format!("{} unknown (the rig itself makes the battery sense it wrongly)", observed.words)
            }
        }
    }

    fn value(&self, which: Observable) -> Result<f64, Unknown> {
        let observed = which.observed();
        let account = self.recording.account();
        let Some((heard, value)) = self.fresh(observed.channel, |value| which.can_be(value)) else {
            return Err(match observed.id {
                Some(id) if !account.vouches(id, self.now, self.now) => Unknown::Tampered(id),
                None if self.is_away(observed.channel) => Unknown::Away,
                _ => Unknown::Unheard,
            });
        };
        match (observed.id, observed.sense) {
            (Some(id), _) if !account.vouches(id, heard, self.now) => Err(Unknown::Tampered(id)),
            (_, Some(sense)) if account.misleads(sense, heard) => Err(Unknown::Misled),
            _ => Ok(value),
        }
    }

    /// Whether something of the GX is not known because the suite made it reboot.
    fn is_away(&self, channel: Channel) -> bool {
        self.fresh(channel, |_| true).is_none() && self.recording.account().is_gx_away(self.now)
    }

    /// The last value that can be, and when it was heard last; nothing where that is too long ago.
    fn fresh(&self, channel: Channel, can_be: impl Fn(f64) -> bool) -> Option<(Micros, f64)> {
        let series = self.series(channel);
        let mut heard = series.last_seen()?;
        for &(at, value) in series.points().iter().rev() {
            if self.now.since(heard) > FRESH {
                return None;
            }
            if can_be(value) {
                return Some((heard, value));
            }
            // What was said before holds until then at the latest.
            heard = at;
        }
        None
    }

    fn is(&self, channel: Channel) -> Option<bool> {
        self.fresh(channel, |_| true).map(|(_, value)| value > 0.5)
    }

    fn series(&self, channel: Channel) -> &Series {
        self.recording.trace().series(channel)
    }

    /// Whether the battery is online: its own word (P 2 §0x35A, pair 1 offline, 2 online), the GX, and life.
    fn battery(&self) -> Option<bool> {
        let account = self.recording.account();
        let status = self.heard(Channel::Alarms, id::ALARMS, FRESH);
        // A battery may stop to support the pair.
        let says = self.series(Channel::Online).last_seen() == status;
        let says = status.filter(|_| says).and_then(|_| self.is(Channel::Online));
        let on_gx = self.fresh(Channel::GxBattery, |_| true);
        let on_gx = on_gx.filter(|&(polled, _)| account.vouches_for_gx(polled)).map(|(_, shown)| shown > 0.5);
        if says == Some(false) || on_gx == Some(false) {
            return Some(false);
        }
        let known = status.is_some() || on_gx.is_some();
        (self.is_alive() && known).then_some(true)
    }

    fn is_alive(&self) -> bool {
        self.heard(Channel::Cvl, id::LIMITS, ALIVE).is_some()
    }

    /// When a channel was heard last, where that is within so long and nothing was done to its frames since.
    fn heard(&self, channel: Channel, id: u16, within: Micros) -> Option<Micros> {
        let heard = self.series(channel).last_seen()?;
        let known = self.recording.account().vouches(id, heard, self.now);
        (self.now.since(heard) <= within && known).then_some(heard)
    }
}
