//! What a battery file says of a simulated management system: small parts, put together.

use proto::quantity::{Micros, Volts};
use schemars::JsonSchema;
use serde::Deserialize;

use super::balancing::BalancingParams;
use super::defect::Defect;
use super::gauge::GaugeParams;
use super::identity::Identity;
use super::limits::LimitParams;
use super::protection::ProtectionParams;
use super::sensors::SensorParams;
use super::strategy::StrategyParams;
use super::wire::WireParams;

/// What the management system of a simulated battery is and does.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(try_from = "BmsSheet")]
#[schemars(with = "BmsSheet")]
pub struct BmsParams {
    pub(super) identity: Identity,
    pub(super) strategy: StrategyParams,
    pub(super) limits: LimitParams,
    pub(super) protection: ProtectionParams,
    pub(super) balancing: BalancingParams,
    pub(super) gauge: GaugeParams,
    pub(super) sensors: SensorParams,
    pub(super) wire: WireParams,
    pub(super) faults: Vec<Defect>,
}

/// The same as it stands in a file, not yet held against what a battery can be.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "Bms")]
pub struct BmsSheet {
    /// who it says it is
    identity: Identity,
    /// how it makes its charge voltage limit
    strategy: StrategyParams,
    /// how it makes its current limits
    #[serde(default)]
    limits: LimitParams,
    /// when it disconnects and when it comes back
    #[serde(default)]
    protection: ProtectionParams,
    /// how it evens out its cells
    #[serde(default)]
    balancing: BalancingParams,
    /// how it counts its state of charge
    #[serde(default)]
    gauge: GaugeParams,
    /// how well it measures
    #[serde(default)]
    sensors: SensorParams,
    /// what it sends, and when
    #[serde(default)]
    wire: WireParams,
    /// what is wrong with it
    #[serde(default)]
    faults: Vec<Defect>,
}

impl TryFrom<BmsSheet> for BmsParams {
    type Error = ParamsError;

    fn try_from(raw: BmsSheet) -> Result<Self, ParamsError> {
        raw.identity.check()?;
        raw.strategy.check()?;
        raw.limits.check()?;
        raw.protection.check()?;
        raw.balancing.check()?;
        raw.gauge.check()?;
        raw.sensors.check()?;
        raw.wire.check()?;
        raw.faults.iter().try_for_each(Defect::check)?;
        Ok(Self {
            identity: raw.identity,
            strategy: raw.strategy,
            limits: raw.limits,
            protection: raw.protection,
            balancing: raw.balancing,
            gauge: raw.gauge,
            sensors: raw.sensors,
            wire: raw.wire,
            faults: raw.faults,
        })
    }
}

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
