//! What no number of a battery file may be, and how it is said.

use proto::quantity::{Micros, Volts};

/// Numbers that each have the right unit and together make no battery.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ParamsError {
    /// Two levels stand in the wrong order, which would make a limit that never releases, or always.
    #[error("`{lower}` is {lower_value}, which must be below `{upper}`, here {upper_value}")]
    Order {
        /// key of the level that must be lower
        lower: &'static str,
        /// its value with unit
        lower_value: String,
        /// key of the level that must be higher
        upper: &'static str,
        /// its value with unit
        upper_value: String,
    },
    /// Zero or negative where only more than zero makes sense.
    #[error("`{key}` must be more than zero")]
    NotPositive {
        /// key in the file
        key: &'static str,
    },
    /// Outside what the protocol can carry.
    #[error("`{key}` is {found}, expected {expected}")]
    Range {
        /// key in the file
        key: &'static str,
        /// the value as it stood
        found: String,
        /// what would have been right
        expected: &'static str,
    },
}

impl ParamsError {
    /// The key that is wrong, such as `limits.charge`; those of strategies and faults begin with their name.
    #[must_use]
    pub const fn key(&self) -> &'static str {
        match self {
            Self::Order { lower: key, .. } | Self::NotPositive { key } | Self::Range { key, .. } => key,
        }
    }

    /// Refuses two levels unless the first is the lower one.
    pub(super) fn order(
        lower: &'static str,
        low: Volts,
        upper: &'static str,
        high: Volts,
    ) -> Result<(), Self> {
        if low < high {
            return Ok(());
        }
        Err(Self::Order { lower, lower_value: low.to_string(), upper, upper_value: high.to_string() })
    }
}

/// Refuses zero, negative numbers, what is infinite and what is not a number.
pub(super) fn positive(key: &'static str, value: f64) -> Result<(), ParamsError> {
    if value == 0.0 { Err(ParamsError::NotPositive { key }) } else { zero_or_more(key, value) }
}

/// Refuses negative numbers, what is infinite and what is not a number.
pub(super) fn zero_or_more(key: &'static str, value: f64) -> Result<(), ParamsError> {
    if value.is_finite() && value >= 0.0 {
        return Ok(());
    }
    Err(ParamsError::Range { key, found: value.to_string(), expected: "a finite number, not below zero" })
}

/// Refuses an empty span.
pub(super) fn positive_time(key: &'static str, span: Micros) -> Result<(), ParamsError> {
    if span > Micros::ZERO { Ok(()) } else { Err(ParamsError::NotPositive { key }) }
}
