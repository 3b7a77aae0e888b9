//! The limits of a rig as rows: where a bound stands, who tells it, and how old that may be.

use judge::tampering::ECHO;
use proto::channel::{Block, Channel, Source};
use proto::message::id;
use proto::quantity::{Micros, Volts};

use super::limits::{RigLimits, limited};
use super::rules::{RULES, Rule};
use super::{SLACK, Told};
use crate::bench::Capability;

/// What there is to measure with, and what of the limits nothing has to tell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Instruments {
    /// a GX that is polled
    pub gx: bool,
    /// an inverter that the GX knows
    pub inverter: bool,
    /// a solar charger that the GX knows
    pub solar: bool,
    /// a supply, with the voltage that it is set to
    pub supply: Option<Volts>,
    /// the battery sends 0x373, as far as its file says
    pub cells: bool,
    /// limits that the rig file gives up, `unwatched:`
    pub unwatched: Unwatched,
}

impl Instruments {
    /// Those of a rig that can do this, with a battery that sends everything. The voltage of its supply is not known.
    #[must_use]
    pub fn of(capabilities: &[Capability]) -> Self {
        let has = |capability| capabilities.contains(&capability);
        let gx = has(Capability::Gx);
        Self {
            gx,
            inverter: gx,
            solar: gx,
            supply: has(Capability::Pv).then_some(Volts::ZERO),
            cells: true,
            unwatched: Unwatched::default(),
        }
    }

    /// Whether a quantity must be heard where these instruments are.
    pub(super) const fn tell(&self, channel: Channel) -> bool {
        match channel.row().source {
            Source::Battery(id::CELLS) => self.cells,
            // Whose reading a rig file limits is connected there.
            Source::Battery(_) | Source::Interface | Source::Witness(_) => true,
            Source::Gx(Block::Battery | Block::System) => self.gx,
            Source::Gx(Block::Inverter) => self.inverter,
            Source::Gx(Block::Solar) => self.solar,
            Source::Supply => self.supply.is_some(),
        }
    }

    /// The quantities that are limited, that none of them can tell and that the rig file does not give up, by their keys.
    #[must_use]
    pub fn untold(&self, limits: &RigLimits) -> Vec<&'static str> {
        let rows = Row::all(limits, self).into_iter().filter(|row| {
            // What is not there exceeds nothing.
            let about = match row.rule.channel.row().source {
                Source::Supply => self.supply.is_some(),
                _ => !matches!(row.bound, Bound::Heard),
            };
            about && row.watched && !row.rule.everyone().any(|channel| self.tell(channel))
        });
        let mut keys: Vec<_> = rows.map(|row| row.rule.channel.key()).collect();
        keys.dedup();
        keys
    }
}

/// Limits for which no instrument has to be fresh: `unwatched:` of a rig file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Unwatched(u128);

const _: () = assert!(Channel::COUNT <= 128, "a bit for each");

impl Unwatched {
    /// The keys that may be given up.
    pub fn names() -> impl Iterator<Item = &'static str> {
        limited().filter(|channel| ![Channel::Cvl, Channel::GxAnswers].contains(channel)).map(Channel::key)
    }

    /// From the keys of quantities, or names that their limits had before.
    ///
    /// # Errors
    /// The name that is none.
    pub fn read<'n>(names: impl IntoIterator<Item = &'n str>) -> Result<Self, &'n str> {
        names.into_iter().try_fold(Self::default(), |Self(set), name| {
            Self::named(name).map(|channel| Self(set | 1 << channel as usize)).ok_or(name)
        })
    }

    /// The quantity that is given up under this name; nothing where none can be.
    #[must_use]
    pub fn named(name: &str) -> Option<Channel> {
        let before = RULES.iter().find(|rule| rule.names().any(|(_, before)| before == name));
        let key = before.map_or(name, |rule| rule.channel.key());
        Self::names().find(|known| *known == key).and_then(Channel::of_key)
    }

    const fn has(self, channel: Channel) -> bool {
        self.0 >> channel as usize & 1 == 1
    }
}

/// For how long somebody else may say worse than who tells it: polls come at different times.
const WORSE: Micros = Micros::from_secs(10);
/// By how much, as a share of the limit: what cables and two calibrations explain (assumption).
const EXPLAINED: f64 = 0.02;
/// For how long what stands in may be below a limit: a bus that a battery has left falls within that.
const FALLS: Micros = Micros::from_secs(10);

/// Where a value must stay.
#[derive(Debug, Clone, Copy)]
pub(super) enum Bound {
    /// it only has to come
    Heard,
    /// at or below this
    AtMost(f64),
    /// at or above this
    AtLeast(f64),
}

/// One limit of a rig.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) rule: Rule,
    pub(super) bound: Bound,
    /// how long nobody may tell it
    pub(super) age: Micros,
    /// the same with all that a suite may keep it from everyone
    longest: Micros,
    /// whether somebody has to tell it
    pub(super) watched: bool,
    /// how long nobody told it truly, less how long somebody did since
    pub(super) dark: Micros,
    /// when it was last told truly; nothing where nobody can tell it
    pub(super) told: Option<Micros>,
    /// until when it is not waited for
    pub(super) excused: Micros,
    /// until when it has to be told; never, where nobody can or has to
    pub(super) due: Micros,
    /// since when what stands in is below it
    pub(super) since: Option<Micros>,
    /// who says worse than who tells it, and since when
    pub(super) worse: Option<(Channel, Micros)>,
}

impl Row {
    /// What exceeds it.
    pub(super) const fn what(&self) -> &'static str {
        match self.bound {
            Bound::AtLeast(_) => self.rule.below,
            Bound::Heard | Bound::AtMost(_) => self.rule.above,
        }
    }

    /// The limit that a value exceeds, with what a suite may take off and add to it.
    #[inline]
    pub(super) fn exceeded(&self, value: f64, (low, high): (f64, f64)) -> Option<f64> {
        let (limit, beyond) = match self.bound {
            Bound::Heard => return None,
            Bound::AtMost(limit) => (limit + high, value - (limit + high)),
            Bound::AtLeast(limit) => (limit + low, limit + low - value),
        };
        // What is not a number is not known to be safe.
        (beyond > SLACK || beyond.is_nan()).then_some(limit)
    }

    /// Whether nothing that stands in has exceeded it: as long as nothing does, there is nothing to hold against those who
    /// tell it.
    #[inline]
    pub(super) const fn is_calm(&self) -> bool {
        self.since.is_none() && self.worse.is_none()
    }

    /// Whether none of those who tell it told the truth in time.
    pub(super) fn is_untold(&self, at: Micros, told: &[Told]) -> bool {
        let tells = |first: Channel| {
            let told = &told[first as usize];
            told.is_true(at) && at >= told.hidden && at.since(told.heard) <= self.age
        };
        !self.rule.tellers().any(tells)
    }

    /// Who tells it says that it is kept, and another one says worse: that counts where both are connected (`closed`), where
    /// cables and calibration do not explain it, and where it lasts.
    pub(super) fn worse(
        &mut self,
        channel: Channel,
        value: f64,
        shift: (f64, f64),
        at: Micros,
        closed: impl FnOnce() -> bool,
    ) -> Option<f64> {
        let milder = match self.bound {
            Bound::AtMost(limit) => value - EXPLAINED * limit.abs(),
            Bound::AtLeast(limit) => value + EXPLAINED * limit.abs(),
            Bound::Heard => value,
        };
        let exceeded = self.exceeded(milder, shift).filter(|_| closed());
        let before = self.worse.filter(|(by, _)| *by == channel).map(|(_, since)| since);
        if exceeded.is_none() {
            // Another one may still say so.
            self.worse = self.worse.filter(|_| before.is_none());
            return None;
        }
        let since = before.unwrap_or(at);
        self.worse = Some((channel, since));
        exceeded.filter(|_| at.since(since) > WORSE)
    }

    /// The limit that is exceeded by what stands in: too little counts where it lasts, and where there is a pack at all.
    pub(super) fn falls(&mut self, exceeded: Option<f64>, at: Micros, is_pack: bool) -> Option<f64> {
        // A current that flows is no bus that falls.
        let is_low = matches!(self.bound, Bound::AtLeast(_)) && !self.rule.reversed;
        // A bus that the battery has left is no pack.
        let below = exceeded.is_some() && is_low && is_pack;
        self.since = below.then(|| self.since.unwrap_or(at));
        exceeded.filter(|_| !is_low || self.since.is_some_and(|since| at.since(since) > FALLS))
    }

    /// Says when it is due, from what is known.
    #[inline]
    pub(super) fn plan(&mut self) {
        let due = |told: Micros| {
            let most = told + self.longest;
            (told.max(self.excused) + self.age).min(Micros(most.0.saturating_sub(self.dark.0)))
        };
        self.due = self.told.filter(|_| self.watched).map_or(Micros::NEVER, due);
    }

    /// It was told truly, by somebody who is expected to or not. Whether that may move the `first` time at which any row is
    /// due.
    #[inline]
    pub(super) fn heard(&mut self, at: Micros, is_expected: bool, first: Micros) -> bool {
        let Some(told) = &mut self.told else { return false };
        let gap = at.since(*told);
        self.dark = if gap > self.age { self.dark + gap.since(self.age) } else { self.dark.since(gap) };
        if is_expected {
            *told = (*told).max(at);
        }
        let before = self.due;
        self.plan();
        before == first || self.due < first
    }

    /// The limits of a rig, those with a rule first.
    pub(super) fn all(limits: &RigLimits, on: &Instruments) -> Vec<Self> {
        let ruled = |channel: &Channel| RULES.iter().any(|rule| rule.channel == *channel);
        let others = limits.rows.keys().copied().filter(|channel| !ruled(channel)).map(Rule::of);
        let mut rows = Vec::new();
        for rule in RULES.into_iter().chain(others) {
            let Some(limit) = limits.rows.get(&rule.channel) else { continue };
            let bounds = [limit.at_most.map(Bound::AtMost), limit.at_least.map(Bound::AtLeast)];
            let heard = bounds.iter().all(Option::is_none).then_some(Bound::Heard);
            rows.extend(bounds.into_iter().chain([heard]).flatten().map(|bound| Self {
                rule,
                bound,
                age: limits.age(rule.channel),
                longest: limits.age(rule.channel) + limits.faking.span + ECHO,
                watched: !on.unwatched.has(rule.channel),
                dark: Micros::ZERO,
                told: None,
                excused: Micros::ZERO,
                due: Micros::NEVER,
                since: None,
                worse: None,
            }));
        }
        rows
    }
}
