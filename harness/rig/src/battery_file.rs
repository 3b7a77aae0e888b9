//! Battery files, `rigs/batteries/*.yaml`: what is declared about a battery and how the simulated rig plays it.

use judge::battery::Battery;
use plant::bms::BmsParams;
use proto::quantity::{AmpHours, Amps, Celsius, Volts};
use schemars::JsonSchema;
use serde::Deserialize;

/// One battery.
#[derive(Debug, Clone)]
pub struct BatteryFile {
    /// what the file says of it in a line
    pub title: String,
    /// what certification must find
    pub expect: Expectation,
    /// the data sheet
    pub declared: Battery,
    /// how the simulated rig plays it; absent for a battery that exists only as hardware
    pub simulated: Option<BmsParams>,
}

/// What the harness must say of a battery: how the judge itself is tested.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Expectation {
    /// every must passes
    Pass,
    /// at least these requirements fail
    Fail(Vec<String>),
}

impl BatteryFile {
    /// Reads and validates the text of a battery file.
    ///
    /// # Errors
    /// With file, line, column and what was expected.
    pub fn parse(file: &str, text: &str) -> Result<Self, engine::yaml::YamlError> {
        let raw: Raw = engine::yaml::parse(file, text)?;
        let d = raw.declared;
        Ok(Self {
            title: raw.title,
            expect: raw.expect,
            simulated: raw.simulated,
            declared: Battery {
                name: raw.battery,
                cells: d.cells,
                capacity: d.capacity,
                max_charge_voltage: d.max_charge_voltage,
                min_voltage: d.min_voltage,
                cell_over_voltage: d.cell_over_voltage,
                cell_under_voltage: d.cell_under_voltage,
                max_charge_current: d.max_charge_current,
                max_discharge_current: d.max_discharge_current,
                max_temperature: d.max_temperature,
            },
        })
    }

    /// JSON schema of a battery file, for editors.
    #[must_use]
    pub fn schema() -> schemars::Schema {
        schemars::schema_for!(Raw)
    }
}

/// The file as it stands.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "Busbar battery")]
struct Raw {
    /// name, as given to `--battery`
    battery: String,
    /// one line for lists and reports
    title: String,
    /// what certification must find: `pass`, or `fail: [ids]`
    expect: Expectation,
    /// the data sheet
    declared: Declared,
    /// how the simulated rig plays it
    simulated: Option<BmsParams>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Declared {
    /// cells in series
    #[schemars(range(min = 1, max = 256))]
    cells: u16,
    /// installed capacity
    capacity: AmpHours,
    /// highest charge voltage limit it may ever send
    max_charge_voltage: Volts,
    /// lowest pack voltage it may reach
    min_voltage: Volts,
    /// cell voltage at which it disconnects
    cell_over_voltage: Volts,
    /// cell voltage at which it forbids discharge
    cell_under_voltage: Volts,
    /// largest charge current it declares
    max_charge_current: Amps,
    /// largest discharge current it declares
    max_discharge_current: Amps,
    /// highest cell temperature
    max_temperature: Celsius,
}
