//! The limits of a rig as rows: where a bound stands, who tells it, and how old that may be.

use judge::tampering::ECHO;
use proto::channel::{Block, Channel, Source};
use proto::message::id;
use proto::quantity::{Micros, Volts};

use super::limits::{RigLimits, limited};
use super::rules::{RULES, Rule};
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
            let before = RULES.iter().find(|rule| rule.names().any(|(_, before)| before == name));
            let key = before.map_or(name, |rule| rule.channel.key());
            let known = Self::names().find(|known| *known == key).and_then(Channel::of_key);
            known.map(|channel| Self(set | 1 << channel as usize)).ok_or(name)
        })
    }

    const fn has(self, channel: Channel) -> bool {
        self.0 >> channel as usize & 1 == 1
    }
}

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
}

impl Row {
    /// What exceeds it.
    pub(super) const fn what(&self) -> &'static str {
        match self.bound {
            Bound::AtLeast(_) => self.rule.below,
            Bound::Heard | Bound::AtMost(_) => self.rule.above,
        }
    }

    /// Says when it is due, from what is known; a suite may keep everyone from it for no longer than `faking`.
    pub(super) fn plan(&mut self, faking: Micros) {
        let due = |told: Micros| {
            let most = told + self.age + faking + ECHO;
            (told.max(self.excused) + self.age).min(Micros(most.0.saturating_sub(self.dark.0)))
        };
        self.due = self.told.filter(|_| self.watched).map_or(Micros::NEVER, due);
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
                watched: !on.unwatched.has(rule.channel),
                dark: Micros::ZERO,
                told: None,
                excused: Micros::ZERO,
                due: Micros::NEVER,
                since: None,
            }));
        }
        rows
    }
}
