//! What was measured last, as the recording has it, and whether a condition holds on it.
//!
//! There is one reading of a frame: the judge's. What the rig garbled, forged, delayed or kept away is no evidence in the
//! recording, and so holds no condition; what was heard before it is not known any more while it lasts. What the battery
//! was made to sense wrongly holds none either, but everything that it does about it may.

use judge::behaviour::fullness::{SCANNED, trickles};
use judge::recording::Recording;
use judge::tampering::Sense;
use judge::thresholds::Thresholds;
use judge::trace::Series;
use proto::channel::{Channel, Source};
use proto::message::id;
use proto::quantity::{AmpHours, Amps, Micros, Volts, Watts};

use crate::suite::{Bounds, Condition, Test, words};

/// Older than this a value is history: some batteries send a message once a minute.
const FRESH: Micros = Micros::from_secs(65);
/// A battery that sent no 0x351 for this long is not called online, whatever it said before (P 1.4: the system
/// has stopped charging and discharging after 3 s).
const ALIVE: Micros = Micros::from_secs(10);
/// How far CVL must be below its highest to count as lowered, in volts: two steps of the wire, so that the last
/// digit may move.
const LOWERED: f64 = 0.2;
/// A current is not over because a tracker scans for some seconds, or a cloud passes (assumption).
const ENDED: Micros = Micros::from_secs(60);
/// State of charge of a full battery, %: counters stop a percent short until they are sure.
const FULL: f64 = 99.0;
/// One that reads low, but still is of a nearly full battery, %.
const NEARLY: f64 = 90.0;
/// A CVL that is no further above the battery voltage limits it, V: two steps of the wire, and the calibration of the
/// chargers (assumption).
const AT_CVL: f64 = 0.25;
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
        if points.len() == self.looked {
            return;
        }
        let new = points.iter().skip(self.looked).map(|&(_, cvl)| cvl);
        self.cvl = new.filter(|&cvl| Channel::Cvl.can_be(cvl)).chain(self.cvl).reduce(f64::max);
        self.looked = points.len();
    }
}

/// Whether the current is one with which the charge of a battery ends, and since when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taper {
    /// what the battery declares
    capacity: Option<AmpHours>,
    since: Option<Micros>,
    /// when it was last seen to be one
    last: Option<Micros>,
    /// when the current was heard that was looked at last
    looked: Option<Micros>,
}

impl Taper {
    /// Nothing yet, of a battery that declares this capacity.
    pub(super) const fn of(capacity: Option<AmpHours>) -> Self {
        Self { capacity, since: None, last: None, looked: None }
    }

    /// With what is known now, while so much PV power is asked for.
    pub(super) fn looked_at(self, seen: &Seen<'_>, sun: Watts) -> Self {
        let heard = seen.series(Channel::PackCurrent).last_seen();
        if heard == self.looked {
            return self;
        }
        let tail = Thresholds::DEFAULT.tail.limit.0 / 100.0;
        let measured = seen.value(Channel::PackCurrent).ok().zip(seen.value(Channel::PackVoltage).ok());
        let ends = measured.zip(self.capacity).is_some_and(|((current, pack), capacity)| {
            trickles(Amps(current), Amps(tail * capacity.0), sun, Volts(pack))
        });
        // What a scan of the tracker took is charged again within seconds, and each minute anew.
        let holds = ends || self.last.is_some_and(|last| seen.now.since(last) <= SCANNED);
        let since = self.since.filter(|_| holds).or_else(|| ends.then_some(seen.now));
        Self { since, last: if ends { Some(seen.now) } else { self.last }, looked: heard, ..self }
    }
}

/// What is known at a time of everything that a condition can ask about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) recording: &'a Recording,
    pub(super) highest_cvl: Highest,
    pub(super) taper: Taper,
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
            Test::CvlLowered => self.lowered(),
            Test::Full => (self.lowered() && !self.is_misled_by_cells()) || self.charged(),
            &Test::Within(which, Bounds { at_least, at_most }) => {
                self.value(which).is_ok_and(|value| (at_least - SLACK..=at_most + SLACK).contains(&value))
            }
            &Test::Is(channel, on) => self.is(channel) == Some(on),
            Test::Battery(online) => self.battery() == Some(*online),
            Test::Any(items) => items.iter().any(|item| self.holds(item)),
            Test::All(items) => items.iter().all(|item| self.holds(item)),
        }
    }

    /// Whether it cannot be known that a condition does not hold, because of what the rig itself did.
    pub(super) fn is_hidden(&self, condition: &Condition) -> bool {
        let account = self.recording.account();
        if account.is_blank() {
            return false;
        }
        let by_rig =
            |which| matches!(self.value(which), Err(Unknown::Tampered(_) | Unknown::Misled | Unknown::Away));
        match &condition.0 {
            Test::CvlLowered => by_rig(Channel::Cvl),
            Test::Full => {
                let asked = [Channel::Cvl, Channel::Soc, Channel::PackCurrent, Channel::PackVoltage];
                !self.holds(condition) && asked.into_iter().any(by_rig)
            }
            &Test::Within(which, _) => by_rig(which),
            &Test::Is(channel, _) => self.is_away(channel),
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
                let cvl = self.told_value(Channel::Cvl);
                self.highest_cvl
                    .cvl
                    .map_or(cvl.clone(), |highest| format!("{cvl}, its highest {highest:.1} V"))
            }
            &Test::Within(which, _) => self.told_value(which),
            &Test::Is(channel, _) => word(words(channel), self.is(channel), ["on", "off"]),
            Test::Battery(_) => word("battery", self.battery(), ["online", "offline"]),
            Test::Full => [Channel::Soc, Channel::PackCurrent, Channel::PackVoltage, Channel::Cvl]
                .map(|which| self.told_value(which))
                .join(", "),
            Test::Any(items) | Test::All(items) => {
                let told: Vec<String> = items.iter().map(|item| self.told(item)).collect();
                told.join(", ")
            }
        }
    }

    fn told_value(&self, channel: Channel) -> String {
        let what = words(channel);
        match self.value(channel) {
            Ok(value) => {
                // Three decimals show a cell's millivolts; what the wire does not carry is not shown.
                let text = format!("{value:.3}");
                let text = text.trim_end_matches('0').trim_end_matches('.');
                format!("{what} {text} {}", channel.unit())
            }
            Err(Unknown::Unheard) => format!("{what} unknown"),
            Err(Unknown::Tampered(id)) => {
                format!("{what} unknown (the rig itself alters 0x{id:03X} or keeps it away)")
            }
            Err(Unknown::Away) => format!("{what} unknown (the rig itself made the GX reboot)"),
            Err(Unknown::Misled) => {
                format!("{what} unknown (the rig itself makes the battery sense it wrongly)")
            }
        }
    }

    fn value(&self, channel: Channel) -> Result<f64, Unknown> {
        let row = channel.row();
        let account = self.recording.account();
        let Some((heard, value)) = self.fresh(channel, |value| channel.can_be(value)) else {
            return Err(match row.frame() {
                Some(id) if !account.vouches(id, self.now, self.now) => Unknown::Tampered(id),
                _ if self.is_away(channel) => Unknown::Away,
                _ => Unknown::Unheard,
            });
        };
        match (row.frame(), row.sense) {
            (Some(id), _) if !account.vouches(id, heard, self.now) => Err(Unknown::Tampered(id)),
            (_, Some(sense)) if account.misleads(sense, heard) => Err(Unknown::Misled),
            _ => Ok(value),
        }
    }

    /// Whether something of the GX is not known because the suite made it reboot.
    fn is_away(&self, channel: Channel) -> bool {
        let on_gx = matches!(channel.row().source, Source::Gx(_));
        on_gx && self.fresh(channel, |_| true).is_none() && self.recording.account().is_gx_away(self.now)
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

    /// Whether a CVL that is lowered may be an answer to cells that the rig made look high.
    fn is_misled_by_cells(&self) -> bool {
        let account = self.recording.account();
        [Sense::Cells, Sense::Voltage].into_iter().any(|sense| account.misleads(sense, self.now))
    }

    fn lowered(&self) -> bool {
        match (self.value(Channel::Cvl), self.highest_cvl.cvl) {
            (Ok(cvl), Some(highest)) => cvl <= highest - LOWERED + SLACK,
            _ => false,
        }
    }

    /// Whether charge has ended in a battery that says it is full, or that stands at its CVL: state of charge alone is a
    /// count, and may be wrong while it is charged on.
    fn charged(&self) -> bool {
        let value = |which| self.value(which).ok();
        let ended = self.taper.since.is_some_and(|since| self.now.since(since) >= ENDED);
        let at_cvl = value(Channel::Cvl)
            .zip(value(Channel::PackVoltage))
            .is_some_and(|(cvl, pack)| cvl - pack <= AT_CVL);
        let full = |soc: f64| soc >= FULL || (soc >= NEARLY && at_cvl);
        ended && value(Channel::PackCurrent).is_some() && value(Channel::Soc).is_some_and(full)
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
        // A GX that has not found the battery yet has not lost it.
        let found = self.series(Channel::GxBattery).points().iter().any(|&(_, shown)| shown > 0.5);
        let on_gx = on_gx.filter(|&shown| shown || found);
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

#[cfg(test)]
mod tests {
    use super::*;
    use proto::message::{Limits, Measurements, Message, StateOfCharge};
    use proto::quantity::{Celsius, Percent};
    use rstest::rstest;

    const FULL: Condition = Condition(Test::Full);

    /// A battery under 3 kW of sun: SoC, pack voltage and current, as they stand for so many seconds.
    struct Standing {
        recording: Recording,
        highest_cvl: Highest,
        taper: Taper,
        now: Micros,
    }

    impl Standing {
        fn of(capacity: Option<AmpHours>, (soc, volts, amps): (f64, f64, f64), seconds: u64) -> Self {
            let mut standing = Self {
                recording: Recording::new(),
                highest_cvl: Highest::default(),
                taper: Taper::of(capacity),
                now: Micros::ZERO,
            };
            for at in 0..=seconds {
                standing.now = Micros::from_secs(at);
                standing.send(Limits::new(Volts(55.2), Amps(140.0), Amps(200.0), Volts(44.8)));
                standing.send(StateOfCharge::new(Percent(soc), Percent(100.0), Percent(soc)));
                standing.send(Measurements::new(Volts(volts), Amps(amps), Celsius(25.0)));
            }
            standing
        }

        fn send(&mut self, message: impl Into<Message>) {
            self.recording.can(self.now, &message.into().encode());
            self.highest_cvl.take(&self.recording);
            self.taper = self.taper.looked_at(&self.seen(), Watts(3000.0));
        }

        fn seen(&self) -> Seen<'_> {
            let Self { recording, highest_cvl, taper, now } = self;
            Seen { recording, highest_cvl: *highest_cvl, taper: *taper, now: *now }
        }
    }

    /// A count that says 100 % while it is charged with 55 A is no full battery (P 1.5.3.1), and neither is a scan of
    /// the tracker, or a battery that nobody charges.
    #[rstest]
    #[case::charged_on(100.0, 54.6, 55.0, 600, false)]
    #[case::tapered(100.0, 55.2, 8.0, 600, true)]
    #[case::reads_low(96.0, 55.2, 8.0, 600, true)]
    #[case::below_cvl(96.0, 54.0, 8.0, 600, false)]
    #[case::half_way(60.0, 55.2, 8.0, 600, false)]
    #[case::for_a_moment(100.0, 55.2, 8.0, 5, false)]
    fn full_is_a_battery_whose_charge_has_ended(
        #[case] soc: f64,
        #[case] volts: f64,
        #[case] amps: f64,
        #[case] seconds: u64,
        #[case] expected: bool,
    ) {
        let standing = Standing::of(Some(AmpHours(280.0)), (soc, volts, amps), seconds);
        let seen = standing.seen();
        assert_eq!(seen.holds(&FULL), expected, "{}", seen.told(&FULL));
    }

    /// Each minute a scan of the tracker takes charge, which is charged again within `seconds`.
    #[rstest]
    #[case::within_seconds(8, true)]
    #[case::for_half_of_the_time(30, false)]
    fn what_a_scan_took_is_no_charge(#[case] seconds: u64, #[case] expected: bool) {
        let mut standing = Standing::of(Some(AmpHours(280.0)), (96.0, 55.2, 1.0), 0);
        for at in 1..300 {
            standing.now = Micros::from_secs(at);
            standing.send(Limits::new(Volts(55.2), Amps(140.0), Amps(200.0), Volts(44.8)));
            standing.send(StateOfCharge::new(Percent(96.0), Percent(100.0), Percent(96.0)));
            let amps = if at % 60 < seconds { 20.0 } else { 1.0 };
            standing.send(Measurements::new(Volts(55.2), Amps(amps), Celsius(25.0)));
        }
        assert_eq!(standing.seen().holds(&FULL), expected, "{}", standing.seen().told(&FULL));
    }

    /// What is unknown holds nothing: the capacity of the battery says what a small current is.
    #[test]
    fn without_a_capacity_no_current_has_ended() {
        let standing = |capacity| Standing::of(capacity, (100.0, 55.2, 0.1), 600);
        assert!(standing(Some(AmpHours(280.0))).seen().holds(&FULL));
        let mut unknown = standing(None);
        assert!(!unknown.seen().holds(&FULL));
        unknown.now += Micros::from_secs(1);
        unknown.send(Limits::new(Volts(55.0), Amps(140.0), Amps(200.0), Volts(44.8)));
        assert!(unknown.seen().holds(&FULL), "CVL is lowered");
    }
}
