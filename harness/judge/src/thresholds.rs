//! Every number a verdict is held against, in one table: its metric, its unit and the sentence of the
//! specification it serves.
//!
//! The specification gives few numbers (20 s, 0.4 V, 3 s, 10 minutes). The others follow from a 51.2 V, 280 Ah
//! pack of about 8.7 mΩ, on which 0.1 V of CVL is about 11 A: they are starting points, and a case may narrow them.

mod borders;
pub(crate) mod fixed;

use core::fmt::Display;
use core::str::FromStr;

use proto::quantity::{Micros, PerHour, Percent, PercentPerHour, QuantityError, Volts, VoltsPerHour, Watts};

pub use borders::Thresholds;

/// A threshold with two borders: up to `good` nothing is said, beyond `limit` the requirement fails.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Graded<T> {
    /// what it is called in [`Thresholds::NAMES`]
    pub name: &'static str,
    /// on which side of it a battery does right
    pub sense: Sense,
    /// what a good battery reaches
    pub good: T,
    /// what fails when exceeded (or not reached, for a threshold that is a minimum)
    pub limit: T,
    /// expanded uncertainty (k = 2) of a figure that stands at the limit
    pub uncertainty: T,
}

/// The widest band, as a share of the limit: a wider one would let a rig that measures badly refuse to decide.
const WIDEST_BAND: f64 = 0.1;

/// How a figure stands to its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stands {
    /// on the right side, by more than it is uncertain
    Within,
    /// so near that its uncertainty may have put it on either side
    Near,
    /// beyond it, by more than it is uncertain
    Beyond,
}

impl Stands {
    /// Of a margin, negative beyond the limit, and the half of a band, in one unit. A figure at the edge of the band, and one at
    /// its limit where nothing is uncertain, is not in it.
    #[must_use]
    pub fn of(margin: f64, band: f64) -> Self {
        // What is computed from whole steps of the wire is off by the last digits.
        let within = band - f64::EPSILON.sqrt() * band.abs();
        match margin {
            m if m.abs() < within => Self::Near,
            m if m >= 0.0 => Self::Within,
            _ => Self::Beyond,
        }
    }
}

#[allow(private_bounds, reason = "quantities are named here alone")]
impl<T: Bound> Graded<T> {
    /// Half of the band around the limit in which a figure decides nothing, in the unit of its [`Row`].
    #[must_use]
    pub(crate) fn band(&self) -> f64 {
        self.uncertainty.number().min(WIDEST_BAND * self.limit.number().abs())
    }

    /// How a value stands to the limit.
    pub(crate) fn stands(&self, value: T) -> Stands {
        Stands::of(self.sense.margin(value.number(), self.limit.number()), self.band())
    }
}

/// What measures the figure that a threshold is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MeasuredBy {
    /// Nothing of the rig: the figure is computed from what the battery sends. The number on the bus is what is judged,
    /// it is read without error, and its resolution is in the limit.
    Battery,
    /// nothing: the number decides what counts, and no figure is held against it
    Counts,
    /// the grid meter behind the GX
    GridPower,
    /// the same, at the times of its polls
    GridPowerAtPolls,
    /// the solar charger behind the GX, beside the supply
    PvPower,
    /// the inverter/charger behind the GX
    BusVoltage,
    /// the CAN interface
    FrameTimes,
    /// the polls of the GX
    PollTimes,
}

impl MeasuredBy {
    /// In a few words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Battery => "what the battery sends",
            Self::Counts => "decides what counts",
            _ => self.instruments().unwrap_or_default(),
        }
    }

    /// What instruments of the rig have a part in the figure, in words.
    #[must_use]
    pub const fn instruments(self) -> Option<&'static str> {
        match self {
            Self::Battery | Self::Counts => None,
            Self::GridPower => Some("grid power, as the GX shows it"),
            Self::GridPowerAtPolls => Some("grid power, as the GX shows it, at the times of its polls"),
            Self::PvPower => Some("PV power, as the GX shows it, and what the supply would give"),
            Self::BusVoltage => Some("DC bus voltage, as the GX shows it"),
            Self::FrameTimes => Some("times of frames, by the CAN interface"),
            Self::PollTimes => Some("times of polls of the GX"),
        }
    }
}

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// kebab-case name, such as `settling`
    pub name: &'static str,
    /// the metric it belongs to, such as `M8`, or the requirement
    pub metric: &'static str,
    /// what its value looks like, such as "a time such as `20 s`"; empty for a number that no case changes
    pub expected: &'static str,
    /// unit of its value, such as `%`
    pub unit: &'static str,
    /// on which side of it a battery does right
    pub sense: Sense,
    /// whether the specification fixes its limit, so that no reason makes it milder
    pub firm: bool,
    /// what measures its figure
    pub measured_by: MeasuredBy,
    /// where the number is from: the section, or why it was assumed
    pub source: &'static str,
    /// what a good battery reaches, and the limit, in its unit
    pub borders: fn() -> [f64; 2],
    /// expanded uncertainty (k = 2) of a figure at its limit, in its unit: the default where the rig file states none; 0 for a figure
    /// that is counted
    pub uncertainty: fn() -> f64,
}

/// Every number that decides, those that a case may narrow first.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    Thresholds::NAMES.iter().chain(fixed::ROWS)
}

/// The rows whose figures instruments of the rig have a part in, and which.
pub fn measured() -> impl Iterator<Item = (&'static Row, &'static str)> {
    Thresholds::NAMES.iter().filter_map(|row| Some((row, row.measured_by.instruments()?)))
}

/// The row of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Row> {
    rows().find(|row| row.name == name)
}

/// Why a threshold was not set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ThresholdError {
    /// No threshold has this name.
    #[error("no threshold is called `{name}`, the nearest is `{nearest}`")]
    Unknown {
        /// the name as it stood
        name: String,
        /// the name most like it
        nearest: &'static str,
    },
    /// The value is no quantity of the right kind.
    #[error("`{name}`: {error}")]
    Quantity {
        /// the threshold
        name: &'static str,
        /// what is wrong with the value
        error: QuantityError,
    },
    /// The value would make the judgement milder.
    #[error("`{name}: {value}` is milder than the default {limit}; only a stricter value needs no reason")]
    Milder {
        /// the threshold
        name: &'static str,
        /// the value as it stood
        value: String,
        /// the value in force
        limit: String,
    },
    /// The value would be milder than the specification itself.
    #[error("`{name}: {value}` is milder than the {limit} of the specification, which no reason changes")]
    Firm {
        /// the threshold
        name: &'static str,
        /// the value as it stood
        value: String,
        /// the limit of the specification
        limit: String,
    },
    /// The value is negative, which no threshold can be.
    #[error("`{name}: {value}` is negative, expected {expected}")]
    Negative {
        /// the threshold
        name: &'static str,
        /// the value as it stood
        value: String,
        /// what would have been right
        expected: &'static str,
    },
}

/// On which side of a threshold a battery does right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sense {
    /// the measured value may not exceed it
    AtMost,
    /// the measured value must reach it
    AtLeast,
}

impl Sense {
    /// How far a value lies on the right side of a limit, in their unit; negative beyond it.
    #[must_use]
    pub fn margin(self, value: f64, limit: f64) -> f64 {
        match self {
            Self::AtMost => limit - value,
            Self::AtLeast => value - limit,
        }
    }

    /// The same as a share of the limit.
    #[must_use]
    pub fn room(self, value: f64, limit: f64) -> f64 {
        self.margin(value, limit) / limit.abs().max(f64::MIN_POSITIVE)
    }

    /// As the files of a run write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AtMost => "at-most",
            Self::AtLeast => "at-least",
        }
    }

    /// The sign of a limit: `≤` or `≥`.
    #[must_use]
    pub const fn sign(self) -> &'static str {
        match self {
            Self::AtMost => "≤",
            Self::AtLeast => "≥",
        }
    }
}

/// What the macro needs of a quantity.
pub(crate) trait Bound: Copy + PartialOrd + FromStr<Err = QuantityError> + Display + Default {
    const EXPECTED: &'static str;
    const UNIT: &'static str;
    /// The number in front of [`Self::UNIT`].
    fn number(self) -> f64;
}
macro_rules! bound { ($($t:ty),+) => { $(impl Bound for $t {
    const EXPECTED: &'static str = <$t>::EXPECTED;
    const UNIT: &'static str = <$t>::UNIT;
    fn number(self) -> f64 { self.0 }
})+ } }
bound!(Percent, PerHour, PercentPerHour, Volts, VoltsPerHour, Watts);
impl Bound for Micros {
    const EXPECTED: &'static str = Micros::EXPECTED;
    const UNIT: &'static str = "s";
    fn number(self) -> f64 {
        self.secs()
    }
}

impl Default for Thresholds {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl Thresholds {
    /// Makes a threshold stricter, as the `limits:` of a case may.
    ///
    /// # Errors
    /// When the name is unknown, the value is no such quantity, or it would be milder than the one in force.
    pub fn narrow(&mut self, name: &str, value: &str) -> Result<(), ThresholdError> {
        self.put(name, value, Leave::Stricter)
    }

    /// An amount of what a threshold limits, as a number in the unit of its [`Row`].
    ///
    /// # Errors
    /// When the name is unknown or the value is no such quantity.
    pub fn amount(name: &str, value: &str) -> Result<f64, ThresholdError> {
        let mut taken = Self::default();
        taken.put(name, value, Leave::Any)?;
        Ok(taken.limit(name).unwrap_or_default())
    }

    /// Sets a threshold to any value: only for a case that says why, with `because:`.
    ///
    /// # Errors
    /// When the name is unknown, the value is no such quantity, or it is milder than what the specification fixes.
    pub fn justify(&mut self, name: &str, value: &str) -> Result<(), ThresholdError> {
        self.put(name, value, Leave::Reasoned)
    }
}

/// What may be set.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Leave {
    Stricter,
    /// a milder value, but for what the specification fixes
    Reasoned,
    Any,
}

fn set<T: Bound>(
    graded: &mut Graded<T>,
    name: &'static str,
    sense: Sense,
    value: &str,
    leave: Leave,
) -> Result<(), ThresholdError> {
    let new: T = amount_of(name, value)?;
    let milder = match sense {
        Sense::AtMost => new > graded.limit,
        Sense::AtLeast => new < graded.limit,
    };
    if milder && leave != Leave::Any && find(name).is_some_and(|row| row.firm) {
        return Err(ThresholdError::Firm { name, value: value.to_owned(), limit: graded.limit.to_string() });
    }
    if milder && leave == Leave::Stricter {
        return Err(ThresholdError::Milder {
            name,
            value: value.to_owned(),
            limit: graded.limit.to_string(),
        });
    }
    graded.limit = new;
    let good_is_milder = match sense {
        Sense::AtMost => graded.good > new,
        Sense::AtLeast => graded.good < new,
    };
    if good_is_milder {
        graded.good = new;
    }
    Ok(())
}

fn set_uncertainty<T: Bound>(
    graded: &mut Graded<T>,
    name: &'static str,
    value: &str,
) -> Result<(), ThresholdError> {
    graded.uncertainty = amount_of(name, value)?;
    Ok(())
}

/// A value that is not negative.
fn amount_of<T: Bound>(name: &'static str, value: &str) -> Result<T, ThresholdError> {
    let amount: T = value.parse().map_err(|error| ThresholdError::Quantity { name, error })?;
    if amount < T::default() {
        return Err(ThresholdError::Negative { name, value: value.to_owned(), expected: T::EXPECTED });
    }
    Ok(amount)
}

fn nearest(name: &str) -> &'static str {
    let names = Thresholds::NAMES.iter().map(|row| row.name);
    proto::text::similar(name, names).first().copied().unwrap_or("settling")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("settling", "20 s")]
    #[case("settling", "1 min")]
    #[case("export-ripple", "5 %")]
    #[case("reversals", "4 /h")]
    #[case("travel", "1 V/h")]
    #[case("discharge", "0.5 %/h")]
    #[case("excess-time", "20 min")]
    fn a_case_may_narrow(#[case] name: &str, #[case] value: &str) {
        let mut t = Thresholds::default();
        t.narrow(name, value).expect("stricter than the default");
    }

    #[test]
    fn the_good_border_follows_the_limit() {
        let mut t = Thresholds::default();
        t.narrow("settling", "20 s").expect("stricter");
        assert_eq!((t.settling.good, t.settling.limit), (Micros::from_secs(20), Micros::from_secs(20)));
        t.narrow("excess-time", "20 min").expect("stricter");
        assert_eq!(t.excess_time.good, Micros::from_secs(1200));
    }

    #[rstest]
    #[case("settling", "3 min", "milder than the default 0:02:00")]
    #[case("excess-time", "5 min", "milder than the default 0:10:00")]
    #[case("settling", "20", "no unit")]
    #[case("settling", "20 V", "does not fit")]
    #[case("reversals", "-1 /h", "negative")]
    #[case("setling", "20 s", "the nearest is `settling`")]
    #[case("export-riple", "5 %", "the nearest is `export-ripple`")]
    #[case("", "5 %", "no threshold is called ``")]
    fn refused(#[case] name: &str, #[case] value: &str, #[case] why: &str) {
        let mut t = Thresholds::default();
        let error = t.narrow(name, value).expect_err("refused").to_string();
        assert!(error.contains(why), "{error}");
        assert_eq!(t, Thresholds::default(), "a refused value changes nothing");
    }

    #[test]
    fn a_reason_lets_a_milder_value_in() {
        let mut t = Thresholds::default();
        t.justify("settling", "2 min").expect("justified");
        assert_eq!(t.settling.limit, Micros::from_secs(120));
        assert_eq!(t.text("settling").as_deref(), Some("0:02:00"));
    }

    #[rstest]
    #[case::well_within(0.6, 0.5, Stands::Within)]
    #[case::at_the_edge(0.5, 0.5, Stands::Within)]
    #[case::in_the_band(0.4, 0.5, Stands::Near)]
    #[case::at_the_limit(0.0, 0.5, Stands::Near)]
    #[case::beyond_in_the_band(-0.4, 0.5, Stands::Near)]
    #[case::at_the_far_edge(-0.5, 0.5, Stands::Beyond)]
    #[case::without_a_band(0.0, 0.0, Stands::Within)]
    #[case::without_a_band(-0.001, 0.0, Stands::Beyond)]
    // 3.630 and 3.629 of 3.650 V, each in steps of 1 mV.
    #[case::a_step_of_the_wire((3.650 - 3.629) - 0.020, 0.000_5, Stands::Within)]
    #[case::at_the_limit_in_steps((3.650 - 3.630) - 0.020, 0.000_5, Stands::Near)]
    fn how_a_figure_stands(#[case] margin: f64, #[case] band: f64, #[case] expected: Stands) {
        assert_eq!(Stands::of(margin, band), expected);
    }

    #[test]
    fn the_band_is_what_a_rig_knows_and_at_most_a_tenth() {
        let mut t = Thresholds::default();
        let is =
            |band: f64, expected: f64| assert!((band - expected).abs() < 1e-12, "{band}, not {expected}");
        t.state_uncertainty("curtailment", "0.2 %").expect("an uncertainty");
        is(t.curtailment.band(), 0.2);
        t.state_uncertainty("curtailment", "3 %").expect("an uncertainty");
        is(t.curtailment.band(), 0.5);
        t.narrow("curtailment", "3 %").expect("stricter");
        is(t.curtailment.band(), 0.3);
        assert!(
            t.state_uncertainty("curtailment", "-1 %").is_err()
                && t.state_uncertainty("settling", "1 V").is_err()
        );
        assert!(t.state_uncertainty("settlin", "1 s").is_err());
        t.take_as_measured();
        is(t.curtailment.band(), 0.0);
        is(t.discharge.band(), 0.1);
        for row in Thresholds::NAMES {
            let [_, limit] = (row.borders)();
            assert!((row.uncertainty)() <= WIDEST_BAND * limit + 1e-12, "{}: more than a tenth", row.name);
        }
    }

    /// Each number has a home, says where it is from, and belongs to a metric or a requirement.
    #[test]
    fn every_row_says_where_its_number_is_from() {
        let names: std::collections::BTreeSet<_> = rows().map(|row| row.name).collect();
        assert_eq!(names.len(), rows().count());
        for row in rows() {
            let said = ["P 1", "P 2", "P 3", "P 5", "assumption", "ata sheets"];
            assert!(said.iter().any(|said| row.source.contains(said)), "{}: {}", row.name, row.source);
            let [good, limit] = (row.borders)();
            assert!(row.sense == Sense::AtLeast && good >= limit || good <= limit, "{}", row.name);
        }
        let known = |name: &&str| find(name).is_some();
        for requirement in crate::catalogue::requirements() {
            assert!(requirement.thresholds.iter().all(&known), "{}", requirement.id);
        }
    }

    #[test]
    fn no_reason_makes_what_the_specification_fixes_milder() {
        let mut t = Thresholds::default();
        let error = t.justify("gap", "5 s").expect_err("P 1.4 says 3 s").to_string();
        assert!(error.contains("the 0:00:03 of the specification"), "{error}");
        t.justify("gap", "2 s").expect("stricter");
        assert_eq!(Thresholds::amount("gap", "5 s"), Ok(5.0), "an uncertainty is no limit");
    }

    #[test]
    fn every_name_takes_its_own_limit_back() {
        let defaults = Thresholds::default();
        for n in Thresholds::NAMES.iter().filter(|n| n.unit != "s") {
            let text = defaults.text(n.name).expect("a name of the table");
            Thresholds::default().narrow(n.name, &text).expect("not milder than itself");
            assert!(text.ends_with(n.unit), "{text}");
        }
    }
}
