//! Readings that stand still to the digit while others show that what they measure moves. An instrument that hangs, or a
//! line that repeats itself, says what is well for ever: nothing that it says is a reading.
//!
//! In calm weather everything stands still, in a simulation for hours, and nobody is blamed for it: what counts is a sum
//! that instruments keep between them (`BALANCES`), and that leaves what it was while one of them stands still.

use judge::behaviour::tripped::STILL;
use proto::channel::{Channel, Source};
use proto::quantity::Micros;
use proto::samples::Samples;

use super::limits::RigLimits;
use super::{Interlocks, Trip};

/// How long registers, filters and polls take until everybody has seen what one has: from the last reading that moved until
/// the others count, and from their first until it counts against who stands still (assumption: three times what a GX takes).
const FOLLOWS: Micros = Micros::from_secs(15);
/// So many readings at least before and after the others move: a machine that stood still for a moment has heard nobody.
const READINGS: u32 = 3;
/// Share of the largest of the currents or powers that meters explain (assumption: each within 5 %).
const METERS: f64 = 0.10;
/// Share of the voltage of the DC bus that meters and the cables between them explain (assumption: each within 0.5 %).
const BUS: f64 = 0.01;
/// Share of the rig's limit of the current that always explains a difference.
const CURRENT: f64 = 0.05;

/// The most quantities of one group.
const MOST: usize = 5;

/// What one instrument, or one unit behind a GX, measures by itself: it stands still where all of it does.
struct Group {
    name: &'static str,
    of: &'static [Channel],
}

const BATTERY: usize = 0;
const SHOWN: usize = 1;
const SOLAR: usize = 2;
const SUPPLY: usize = 3;
const INVERTER: usize = 4;

const GROUPS: [Group; 5] = [
    Group {
        name: "battery on CAN",
        of: &[
            Channel::PackVoltage,
            Channel::PackCurrent,
            Channel::Temperature,
            Channel::MinCell,
            Channel::MaxCell,
        ],
    },
    Group {
        name: "battery on the GX",
        of: &[Channel::GxPackVoltage, Channel::GxPackCurrent, Channel::GxSoc],
    },
    Group {
        name: "solar charger on the GX",
        of: &[Channel::SolarVoltage, Channel::SolarCurrent, Channel::PvPower, Channel::PvVoltage],
    },
    Group { name: "supply", of: &[Channel::SupplyVoltage, Channel::SupplyCurrent] },
    Group {
        name: "inverter on the GX",
        of: &[Channel::BusVoltage, Channel::InverterCurrent, Channel::AcOut, Channel::AcIn],
    },
];

/// A sum that stays the same while the instruments in it agree, and the groups that a change of it can blame. The battery under
/// test may report its current wrongly, so its report blames no instrument of the rig: an instrument is blamed where another one
/// of the rig measures the same, or where the GX repeats the battery.
struct Balance {
    terms: &'static [(f64, Channel)],
    /// share of the largest term that meters explain
    meters: f64,
    groups: &'static [usize],
}

const BALANCES: [Balance; 4] = [
    Balance {
        terms: &[
            (1.0, Channel::PackCurrent),
            (-1.0, Channel::InverterCurrent),
            (-1.0, Channel::SolarCurrent),
        ],
        meters: METERS,
        groups: &[BATTERY],
    },
    Balance {
        terms: &[(1.0, Channel::PackCurrent), (-1.0, Channel::GxPackCurrent)],
        meters: METERS,
        groups: &[BATTERY, SHOWN],
    },
    Balance {
        terms: &[(1.0, Channel::PsuPower), (-1.0, Channel::PvPower)],
        meters: METERS,
        groups: &[SUPPLY, SOLAR],
    },
    Balance {
        terms: &[(1.0, Channel::BusVoltage), (-1.0, Channel::SolarVoltage)],
        meters: BUS,
        groups: &[INVERTER],
    },
];

/// How long a group has stood still.
#[derive(Debug, Clone, Copy, Default)]
struct Stands {
    values: [Option<f64>; MOST],
    /// since when they are these, and how often they were told since
    since: Micros,
    readings: u32,
    /// when they were told last
    told: Micros,
}

impl Stands {
    /// Whether it tells something, and has told the same for so long and so often that the others have had their time.
    fn is_still(&self, at: Micros) -> bool {
        at.since(self.since) >= FOLLOWS
            && self.readings >= READINGS
            && self.values.iter().any(Option::is_some)
    }
}

/// What a balance was while a group stood still.
#[derive(Debug, Clone, Copy, Default)]
struct Watch {
    /// once the others had their time
    was: Option<f64>,
    /// since when it is another, and how often the group had been read by then
    other: Option<(Micros, u32)>,
}

/// Who stands still, and what the others say meanwhile.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Still {
    groups: [Stands; GROUPS.len()],
    watches: [[Watch; 2]; BALANCES.len()],
}

impl Interlocks {
    /// Looks at everybody once the GX was polled.
    pub(super) fn stands_still(&mut self, at: Micros, said: &Samples) -> Option<Trip> {
        let Self { still, told: all, .. } = self;
        for (group, stands) in GROUPS.iter().zip(&mut still.groups) {
            let (mut told, mut moved) = (Micros::ZERO, false);
            for (value, &channel) in stands.values.iter_mut().zip(group.of) {
                let (seen, last) = all[channel as usize].last;
                let now;
                (now, told) = match channel.row().source {
                    Source::Gx(_) => {
                        let polled = said.number(channel);
                        (polled, if polled.is_some() { at } else { told })
                    }
                    _ if seen == Micros::ZERO => (None, told),
                    _ => (Some(last), told.max(seen)),
                };
                moved |= *value != now;
                *value = now;
            }
            let is_told = told > stands.told;
            stands.told = told;
            if moved {
                (stands.since, stands.readings) = (at, 0);
            } else if is_told {
                stands.readings += 1;
            }
        }
        let mut trip = None;
        for (which, balance) in BALANCES.iter().enumerate() {
            // Where nobody stands still, which is nearly always, there is nothing to add up.
            let suspected = balance.groups.iter().any(|&group| self.still.groups[group].is_still(at));
            let sum = if suspected { self.balance(at, balance, said) } else { None };
            let Still { groups, watches } = &mut self.still;
            for (&group, watch) in balance.groups.iter().zip(&mut watches[which]) {
                let stands = &groups[group];
                let Some((sum, explained)) = sum.filter(|_| stands.is_still(at)) else {
                    *watch = Watch::default();
                    continue;
                };
                let moved = (sum - *watch.was.get_or_insert(sum)).abs();
                if moved.is_nan() || moved <= explained {
                    watch.other = None;
                    continue;
                }
                let (since, readings) = *watch.other.get_or_insert((at, stands.readings));
                if at.since(since) > FOLLOWS && stands.readings >= readings + READINGS {
                    trip = trip.or(Some((group, moved, balance.terms[0].1)));
                }
            }
        }
        let (group, moved, of) = trip?;
        let stands = &self.still.groups[group];
        let told = GROUPS[group].of.iter().zip(stands.values);
        let told: Vec<String> =
            told.filter_map(|(channel, value)| Some(format!("{} {}", value?, channel.unit()))).collect();
        let others = format!("while the others moved by {moved:.1} {}", of.unit());
        Some(Trip {
            what: STILL,
            value: at.since(stands.since).span().to_string(),
            limit: FOLLOWS.span().to_string(),
            by: format!("{} stands still at {}, {others}", GROUPS[group].name, told.join(", ")),
        })
    }

    /// What a balance is, and how much of it meters explain; nothing where somebody does not tell, or tells what a suite
    /// makes untrue.
    fn balance(&self, at: Micros, balance: &Balance, said: &Samples) -> Option<(f64, f64)> {
        let (mut sum, mut largest) = (0.0_f64, 0.0_f64);
        for &(sign, channel) in balance.terms {
            let told = &self.told[channel as usize];
            let value = match channel.row().source {
                _ if !self.instruments.solar && channel == Channel::SolarCurrent => 0.0,
                Source::Gx(_) => said.number(channel).filter(|_| told.is_true(at) && at >= told.hidden)?,
                _ => told.lately(at, self.fresh)?,
            };
            sum += sign * value;
            largest = largest.max(value.abs());
        }
        Some((sum, explained(&self.limits, balance.terms[0].1) + balance.meters * largest))
    }
}

/// What always explains a difference: of powers what a supply may be off by, of currents a share of the rig's limit, of
/// voltages nothing.
fn explained(limits: &RigLimits, of: Channel) -> f64 {
    match of {
        Channel::PsuPower => limits.psu_deviation_max.0,
        Channel::BusVoltage => 0.0,
        _ => CURRENT * limits.at_most(Channel::PackCurrent),
    }
}
