//! Rig files, `rigs/*.yaml`: what a bench has, its limits, and for the simulated one every number of its world.

use engine::bench::Capability;
use engine::interlock::RigLimits;
use judge::site::Site;
use plant::params::Params;
use proto::quantity::Micros;
use schemars::JsonSchema;
use serde::Deserialize;

/// A rig.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "Busbar rig")]
pub struct RigFile {
    /// name, as given to `--rig`
    pub rig: String,
    /// one line for reports
    pub title: String,
    /// what it has and can do by itself; a case that needs more is not applicable
    pub capabilities: Vec<Capability>,
    /// how often the instruments are read
    pub polling: Polling,
    /// never-exceed limits and clamps, whatever a suite says
    pub limits: RigLimits,
    /// the simulated world
    pub plant: Params,
}

/// How often the instruments are read.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Polling {
    /// the supply
    pub psu: Micros,
    /// the GX over Modbus-TCP: a real one bears one or two polls a second
    pub gx: Micros,
}

impl RigFile {
    /// Reads and validates the text of a rig file.
    ///
    /// # Errors
    /// With file, line, column and what was expected.
    pub fn parse(file: &str, text: &str) -> Result<Self, engine::yaml::YamlError> {
        engine::yaml::parse(file, text)
    }

    /// What the judge must know of the plant around the battery.
    #[must_use]
    pub fn site(&self) -> Site {
        let inverter = &self.plant.inverter;
        Site { ac_voltage: inverter.mains_voltage, inverter_power: inverter.maximum_power }
    }

    /// JSON schema of a rig file, for editors.
    #[must_use]
    pub fn schema() -> schemars::Schema {
        schemars::schema_for!(Self)
    }
}
