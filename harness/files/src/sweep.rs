//! Numbers of the simulated world that nobody knows exactly: ranges in the rig file, drawn anew for each seed.

use std::collections::BTreeMap;
use std::str::FromStr;

use proto::quantity::{Micros, Volts};
use schemars::JsonSchema;
use serde::Deserialize;

/// Ranges by section and key of `plant`, each `[low, high]` with units.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Sweep(BTreeMap<String, BTreeMap<String, (String, String)>>);

/// One range.
#[derive(Debug)]
pub struct Range<'a> {
    /// section and key of `plant`, such as `inverter.shutdown`
    pub path: String,
    /// its lower end, with its unit
    pub low: &'a str,
    /// its upper end, with its unit
    pub high: &'a str,
}

/// Why a range has no values between its ends.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// An end is no number.
    #[error("`{0}` is no number with a unit")]
    NoNumber(String),
    /// Both ends are numbers of different units.
    #[error("`{0}` and `{1}` are not in one unit")]
    Units(String, String),
    /// The ends stand in the wrong order.
    #[error("the first of `{0}` and `{1}` is the higher one")]
    Order(String, String),
}

impl RangeError {
    /// What a range is.
    pub const EXPECTED: &str = "`[low, high]`, both in the same unit";
}

/// Digits of a value inside of a range: more than any part is known to.
const DIGITS: usize = 6;

impl Range<'_> {
    /// The value so far into it, 0 to 1, as a file says it. Both ends are as they are written.
    ///
    /// # Errors
    /// When the ends are no range.
    pub fn at(&self, share: f64) -> Result<String, RangeError> {
        let [(low, unit), (high, other)] = [amount(self.low)?, amount(self.high)?];
        let both = || (self.low.to_owned(), self.high.to_owned());
        if unit != other {
            let (low, high) = both();
            return Err(RangeError::Units(low, high));
        }
        if low > high {
            let (low, high) = both();
            return Err(RangeError::Order(low, high));
        }
        let value = rounded(low + share * (high - low));
        Ok(match value {
            _ if share <= 0.0 || value <= low => self.low.to_owned(),
            _ if share >= 1.0 || value >= high => self.high.to_owned(),
            value => format!("{value} {unit}").trim_end().to_owned(),
        })
    }
}

/// The number and the unit of a text.
///
/// # Errors
/// When it begins with no number.
pub fn amount(text: &str) -> Result<(f64, &str), RangeError> {
    let text = text.trim();
    let number = |end: usize| text[..end].trim_end().parse::<f64>().ok().filter(|number| number.is_finite());
    let ends = text.char_indices().map(|(i, c)| i + c.len_utf8()).rev();
    let found = ends.filter_map(|end| Some((number(end)?, text[end..].trim_start()))).next();
    found.ok_or_else(|| RangeError::NoNumber(text.to_owned()))
}

/// To so many digits as a value of a range has.
#[must_use]
pub fn rounded(value: f64) -> f64 {
    format!("{value:.*e}", DIGITS - 1).parse().unwrap_or(value)
}

impl Sweep {
    /// Whether nothing has a range.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every range, in the order of the names.
    #[must_use]
    pub fn ranges(&self) -> Vec<Range<'_>> {
        let mut all = Vec::new();
        for (section, keys) in &self.0 {
            for (key, (low, high)) in keys {
                all.push(Range { path: format!("{section}.{key}"), low, high });
            }
        }
        all
    }

    /// Every range with how far into it a draw lies, 0 to 1.
    pub fn drawn(&self, draw: Draw) -> impl Iterator<Item = (Range<'_>, f64)> {
        self.ranges().into_iter().enumerate().map(move |(place, range)| {
            let share = draw.share(place, &range.path);
            (range, share)
        })
    }

    /// The voltage of a draw, where it has a range.
    pub(crate) fn volts(&self, path: &str, draw: Draw) -> Option<Volts> {
        let (low, high): (Volts, Volts) = self.bounds(path)?;
        Some(low + (high - low) * self.share(path, draw)?)
    }

    /// The time of a draw, where it has a range.
    pub(crate) fn time(&self, path: &str, draw: Draw) -> Option<Micros> {
        let (low, high): (Micros, Micros) = self.bounds(path)?;
        Some(low + Micros((high.since(low).0 as f64 * self.share(path, draw)?).round() as u64))
    }

    fn share(&self, path: &str, draw: Draw) -> Option<f64> {
        self.drawn(draw).find(|(range, _)| range.path == path).map(|(_, share)| share)
    }

    fn bounds<Q: FromStr>(&self, path: &str) -> Option<(Q, Q)> {
        let (section, key) = path.split_once('.')?;
        let (low, high) = self.0.get(section)?.get(key)?;
        Some((low.parse().ok()?, high.parse().ok()?))
    }
}

/// One of the worlds in which a battery is tried on a rig. Each battery on each rig has a row of worlds of its own, and a seed
/// is a place in it: what one of them meets says nothing of what another does.
///
/// Along a row each number fills its range evenly (Richtmyer's sequence: steps by the square root of a prime, one for each range,
/// from a start that is the row's own), so that few draws leave no part of it out. Every fourth world is a corner instead, where
/// each number is at one of its ends: what fails only with all of them at their worst lies there, and even draws hardly come near.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Draw {
    row: u64,
    seed: u64,
}

/// So many worlds, one of them a corner.
const CORNERS: u64 = 4;

impl Draw {
    /// The world of this battery on this rig and this seed.
    #[must_use]
    pub fn new(battery: &str, rig: &str, seed: u64) -> Self {
        Self { row: bits(fnv(rig), battery), seed }
    }

    /// What makes all else that is random in a row its own, whatever the seed.
    #[must_use]
    pub fn noise(self) -> u64 {
        bits(self.row, "noise")
    }

    /// How far into the range at this place, which has this name, it lies.
    fn share(self, place: usize, path: &str) -> f64 {
        if self.seed.is_multiple_of(CORNERS) {
            return (bits(self.row ^ self.seed.wrapping_mul(GOLDEN), path) >> 63) as f64;
        }
        let start = (bits(self.row, path) >> 11) as f64 / (1u64 << 53) as f64;
        (start + (self.seed as f64 * (prime(place) as f64).sqrt()).fract()).fract()
    }
}

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// FNV-1a, the same on every machine.
fn fnv(name: &str) -> u64 {
    let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    name.bytes().fold(0xcbf2_9ce4_8422_2325, fold)
}

/// Even bits of a number and a name: SplitMix64.
fn bits(of: u64, name: &str) -> u64 {
    let mut z = (fnv(name) ^ of.wrapping_mul(GOLDEN)).wrapping_add(GOLDEN);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The prime at this place, 2 at 0.
fn prime(place: usize) -> u64 {
    let is_prime = |n: &u64| (2..*n).take_while(|d| d * d <= *n).all(|d| !n.is_multiple_of(d));
    (2..).filter(is_prime).nth(place).unwrap_or(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_fills_each_range_and_goes_to_its_ends() {
        let at = |seed| Draw::new("reference", "simulated", seed).share(7, "solar.rise");
        let inside: Vec<f64> = (1..=40).filter(|seed| seed % CORNERS != 0).map(at).collect();
        for tenth in 0..10 {
            let own = inside.iter().filter(|share| (**share * 10.0) as u32 == tenth).count();
            assert!((1..=6).contains(&own), "{own} of {} in tenth {tenth}", inside.len());
        }
        let corners: Vec<f64> = (1..=40).filter(|seed| seed % CORNERS == 0).map(at).collect();
        let [low, high] =
            [0.0, 1.0].map(|end| corners.iter().filter(|share| (**share - end).abs() < 1e-9).count());
        assert!(low > 0 && high > 0 && low + high == corners.len());
    }

    #[test]
    fn each_battery_on_each_rig_has_worlds_of_its_own() {
        let shares = |battery, rig, seed| {
            let draw = Draw::new(battery, rig, seed);
            ["pack.r0", "solar.rise"].map(|path| draw.share(3, path))
        };
        let one = shares("reference", "simulated", 7);
        let differ = |other: [f64; 2]| one.iter().zip(other).all(|(a, b)| (a - b).abs() > 1e-9);
        assert!(!differ(shares("reference", "simulated", 7)));
        for other in [
            shares("cell-pi", "simulated", 7),
            shares("reference", "simulated-tight", 7),
            shares("reference", "simulated", 6),
        ] {
            assert!(differ(other), "{one:?} {other:?}");
        }
        assert_ne!(Draw::new("a", "r", 2).noise(), Draw::new("b", "r", 2).noise());
    }

    #[test]
    fn a_value_of_a_range_is_a_text_as_files_have_it() {
        let at = |low, high, share| Range { path: "p".to_owned(), low, high }.at(share).expect("a range");
        assert_eq!(at("0.154 mΩ", "0.286 mΩ", 0.25), "0.187 mΩ");
        assert_eq!(at("-50 mV", "50 mV", 1.0 / 3.0), "-16.6667 mV");
        assert_eq!(at("2 %/month", "3 %/month", 1.0), "3 %/month");
        assert_eq!(at("1e-3 V", "2e-3 V", 0.0), "1e-3 V");
        assert_eq!(at("4", "40", 0.5), "22");
    }

    #[test]
    fn primes_in_order() {
        assert_eq!([0, 1, 2, 3, 4, 44].map(prime), [2, 3, 5, 7, 11, 197]);
    }
}
