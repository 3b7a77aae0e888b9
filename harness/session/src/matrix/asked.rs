//! Which cells are asked for: names, seeds, shards.

use std::str::FromStr;

/// Names with commas between them, or all there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Names {
    /// all there are
    All,
    /// these, in order
    These(Vec<String>),
}

impl Names {
    /// Whether a name is among them.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::These(names) => names.iter().any(|n| n == name),
        }
    }
}

impl FromStr for Names {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "all" {
            return Ok(Self::All);
        }
        let mut names: Vec<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
        if names.iter().any(String::is_empty) {
            return Err("expected names with commas between them, such as `reference,oscillating`, or `all`"
                .to_owned());
        }
        names.sort();
        names.dedup();
        Ok(Self::These(names))
    }
}

/// From the first to the last, both of them included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seeds {
    /// the first
    pub first: u64,
    /// the last
    pub last: u64,
}

/// Most seeds of one matrix: a year of one core.
const MOST: u64 = 1_000_000;

impl FromStr for Seeds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |t: &str| t.trim().parse::<u64>().ok();
        let seeds = match text.split_once("..") {
            Some((first, last)) => number(first).zip(number(last)),
            None => number(text).map(|last| (1, last)),
        };
        match seeds {
            Some((first, last)) if first >= 1 && first <= last && last - first < MOST => {
                Ok(Self { first, last })
            }
            _ => Err(format!(
                "expected a number of seeds such as `50`, or the first and the last such as `51..100`; at most {MOST}"
            )),
        }
    }
}

/// One of several equal parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// which, from 1
    pub index: u64,
    /// of how many
    pub count: u64,
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/').and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
        match parts {
            Some((index, count)) if (1..=count).contains(&index) => Ok(Self { index, count }),
            _ => Err("expected the shard and how many there are, such as `1/4` to `4/4`".to_owned()),
        }
    }
}

impl Shard {
    /// Whether a cell belongs to it, by its name alone: whatever else was asked for, and on every machine.
    #[must_use]
    pub fn has(self, cell: &str) -> bool {
        let hash = cell.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        // The low bits of FNV-1a are the weak ones.
        (hash ^ (hash >> 32)) % self.count == self.index - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("50", 1, 50)]
    #[case("1", 1, 1)]
    #[case("51..100", 51, 100)]
    #[case("7..7", 7, 7)]
    fn seeds_are_counted_or_named(#[case] text: &str, #[case] first: u64, #[case] last: u64) {
        assert_eq!(text.parse(), Ok(Seeds { first, last }));
    }

    #[rstest]
    #[case("0")]
    #[case("0..3")]
    #[case("5..4")]
    #[case("-1")]
    #[case("many")]
    #[case("1..99999999999")]
    fn other_seeds_are_refused(#[case] text: &str) {
        assert!(text.parse::<Seeds>().is_err());
    }

    #[rstest]
    #[case("0/4")]
    #[case("5/4")]
    #[case("1/0")]
    #[case("1")]
    #[case("a/b")]
    fn other_shards_are_refused(#[case] text: &str) {
        assert!(text.parse::<Shard>().is_err());
    }

    #[rstest]
    #[case(1)]
    #[case(2)]
    #[case(3)]
    #[case(8)]
    fn every_cell_belongs_to_one_shard_and_shards_are_about_equal(#[case] count: u64) {
        let names: Vec<String> = (1..=1000).map(|seed| report::matrix::cell::name("b", "r", seed)).collect();
        let mut total = 0;
        for index in 1..=count {
            let own = names.iter().filter(|name| Shard { index, count }.has(name)).count();
            assert!(own as f64 > 0.7 * 1000.0 / count as f64, "{own} in {index}/{count}");
            total += own;
        }
        assert_eq!(total, 1000);
    }

    #[test]
    fn names_come_with_commas() {
        assert_eq!("b,a, b".parse(), Ok(Names::These(vec!["a".to_owned(), "b".to_owned()])));
        assert_eq!("all".parse(), Ok(Names::All));
        assert!("a,,b".parse::<Names>().is_err());
    }
}
