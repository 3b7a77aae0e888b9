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

    /// The voltage that a seed draws, where it has a range.
    pub(crate) fn volts(&self, path: &str, seed: u64) -> Option<Volts> {
        let (low, high): (Volts, Volts) = self.bounds(path)?;
        Some(low + (high - low) * share(seed, path))
    }

    /// The time that a seed draws, where it has a range.
    pub(crate) fn time(&self, path: &str, seed: u64) -> Option<Micros> {
        let (low, high): (Micros, Micros) = self.bounds(path)?;
        Some(low + Micros((high.since(low).0 as f64 * share(seed, path)).round() as u64))
    }

    fn bounds<Q: FromStr>(&self, path: &str) -> Option<(Q, Q)> {
        let (section, key) = path.split_once('.')?;
        let (low, high) = self.0.get(section)?.get(key)?;
        Some((low.parse().ok()?, high.parse().ok()?))
    }
}

/// Even in [0, 1): SplitMix64 over the seed and the name (FNV-1a), the same on every machine.
#[must_use]
pub fn share(seed: u64, name: &str) -> f64 {
    let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let name = name.bytes().fold(0xcbf2_9ce4_8422_2325, fold);
    let mut z = (name ^ seed.wrapping_mul(0x9E37_79B9_7F4A_7C15)).wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}
