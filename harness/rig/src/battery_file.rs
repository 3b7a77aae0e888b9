//! Battery files, `rigs/batteries/*.yaml`: what is declared about a battery and how the simulated rig plays it.

use engine::yaml::refuse;
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
        if let Some((key, expected)) = d.nonsense() {
            let path = format!("declared.{key}");
            return Err(refuse(file, text, &path, format!("`{key}` makes no sense"), expected));
        }
        if let Expectation::Fail(ids) = &raw.expect
            && let Some(unknown) = ids.iter().find(|id| judge::catalogue::find(id).is_none())
        {
            let message = format!("unknown requirement `{unknown}`");
            return Err(refuse(file, text, "expect.fail", message, "an id of `busbar list requirements`"));
        }
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

impl Declared {
    /// The first key whose value no battery has, with what would do.
    fn nonsense(&self) -> Option<(&'static str, &'static str)> {
        let checks = [
            ("cells", (1..=256).contains(&self.cells), "1 to 256 cells in series"),
            ("capacity", self.capacity > AmpHours::ZERO, "more than 0 Ah"),
            ("min-voltage", self.min_voltage > Volts::ZERO, "more than 0 V"),
            ("max-charge-voltage", self.max_charge_voltage > self.min_voltage, "more than `min-voltage`"),
            ("cell-under-voltage", self.cell_under_voltage > Volts::ZERO, "more than 0 V"),
            (
                "cell-over-voltage",
                self.cell_over_voltage > self.cell_under_voltage,
                "more than `cell-under-voltage`",
            ),
            ("max-charge-current", self.max_charge_current > Amps::ZERO, "more than 0 A"),
            ("max-discharge-current", self.max_discharge_current > Amps::ZERO, "more than 0 A"),
        ];
        checks.into_iter().find(|(_, holds, _)| !holds).map(|(key, _, expected)| (key, expected))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const FILE: &str = include_str!("../../../rigs/batteries/reference.yaml");

    #[rstest]
    #[case("capacity: 280 Ah", "capacity: 0 Ah", "`capacity` makes no sense")]
    #[case("cells: 16", "cells: 0", "`cells` makes no sense")]
    #[case("cells: 16", "cells: 16 V", "")]
    #[case("expect: pass", "expect: { fail: [CVL-99] }", "unknown requirement `CVL-99`")]
    #[case("expect: pass", "expekt: pass", "expected `expect`")]
    fn what_no_battery_is_is_refused(#[case] good: &str, #[case] bad: &str, #[case] says: &str) {
        assert!(FILE.contains(good), "{good} stands in the file");
        let error = BatteryFile::parse("b.yaml", &FILE.replacen(good, bad, 1)).expect_err(bad).to_string();
        assert!(error.starts_with("b.yaml:") && error.contains(says), "{error}");
    }
}
