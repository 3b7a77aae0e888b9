//! What a battery file says of a simulated management system: small parts, put together.

use schemars::JsonSchema;
use serde::Deserialize;

use super::balancing::BalancingParams;
use super::defect::Defect;
use super::gauge::GaugeParams;
use super::identity::Identity;
use super::limits::LimitParams;
use super::params::ParamsError;
use super::protection::ProtectionParams;
use super::strategy::StrategyParams;
use super::wire::WireParams;
use crate::sensors::SensorParams;

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
        if let Some((key, value)) = raw.sensors.nonsense() {
            return Err(ParamsError::Range { key, found: value.to_string(), expected: "zero or more" });
        }
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
