//! How long a `wait` or an `expect` may take.

use core::fmt;

use proto::quantity::{AmpHours, Micros};

use super::value::{LONGEST, span};
use crate::yaml::{Node, Reader};

/// A time, which a battery may stretch: `3 h per 280 Ah` are 3 hours, and more in proportion where more capacity is
/// declared. What is filled or emptied with a power that the rig has takes so much longer. None is given less.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Patience {
    /// for a battery of at most that capacity
    pub least: Micros,
    /// the capacity it is meant for; nothing where it is the same for all
    pub per: Option<AmpHours>,
}

/// What stands between the time and the capacity.
const PER: &str = " per ";

impl Patience {
    /// Reads `3 h` or `3 h per 280 Ah`.
    pub(super) fn read(name: &str, node: &Node, reader: &mut Reader) -> Option<Self> {
        let Some((time, capacity)) = node.as_text().and_then(|text| text.split_once(PER)) else {
            return Some(Self { least: span(name, node, reader)?, per: None });
        };
        let least = span(name, &node.part(time), reader);
        let per: AmpHours = reader.quantity(name, AmpHours::EXPECTED, &node.part(capacity))?;
        if per <= AmpHours(0.0) {
            reader.refuse(node.at, format!("`{name}` is given per no capacity"), AmpHours::EXPECTED);
            return None;
        }
        Some(Self { least: least?, per: Some(per) })
    }

    /// The time that a battery of this capacity is given: a month at most, as any span.
    #[must_use]
    pub fn given(&self, capacity: AmpHours) -> Micros {
        let times = self.per.map_or(1.0, |per| (capacity.0 / per.0).max(1.0));
        Micros((self.least.0 as f64 * times) as u64).min(LONGEST)
    }

    /// The same for all batteries from now on.
    pub(super) fn settled(self, capacity: AmpHours) -> Self {
        Self { least: self.given(capacity), per: None }
    }
}

impl fmt::Display for Patience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.least.span())?;
        self.per.map_or(Ok(()), |per| write!(f, "{PER}{per}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::as_meant(280.0, 3.0)]
    #[case::smaller_is_given_no_less(50.0, 3.0)]
    #[case::larger(560.0, 6.0)]
    #[case::much_larger(1000.0, 3.0 * 1000.0 / 280.0)]
    #[case::never_longer_than_a_month(1e9, 720.0)]
    fn a_larger_battery_is_given_more(#[case] capacity: f64, #[case] hours: f64) {
        let patience = Patience { least: Micros::from_secs(3 * 3600), per: Some(AmpHours(280.0)) };
        assert!((patience.given(AmpHours(capacity)).secs() / 3600.0 - hours).abs() < 1e-3);
        assert_eq!(patience.to_string(), "3 h per 280 Ah");
        let same = Patience { per: None, ..patience };
        assert_eq!(same.given(AmpHours(capacity)), Micros::from_secs(3 * 3600));
    }
}
