//! What is declared about a battery, `declared:` of its file, and whether there can be such a battery.

use judge::battery::Battery;
use proto::chemistry::Chemistry;
use proto::quantity::{AmpHours, Amps, Celsius, Volts};
use schemars::JsonSchema;
use serde::Deserialize;

/// A message that limits of a rig rest on and that a battery may leave out. All others of them it must send (MSG-01).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub(crate) enum Optional {
    /// voltages and temperatures of cells
    #[serde(rename = "0x373")]
    Cells,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Declared {
    /// what its cells are made of; with it everything under `simulated` follows from what is declared here, per cell and
    /// per ampere hour, where it is not said there. Left out, the cells have the curve of the rig (`plant.pack.ocv`, LFP)
    pub(crate) chemistry: Option<Chemistry>,
    /// cells in series
    #[schemars(range(min = 1, max = 256))]
    pub(crate) cells: u16,
    /// installed capacity
    pub(crate) capacity: AmpHours,
    /// highest charge voltage limit it may ever send
    pub(crate) max_charge_voltage: Volts,
    /// lowest pack voltage it may reach
    pub(crate) min_voltage: Volts,
    /// cell voltage at which it disconnects
    pub(crate) cell_over_voltage: Volts,
    /// cell voltage at which it forbids discharge
    pub(crate) cell_under_voltage: Volts,
    /// largest charge current it declares
    pub(crate) max_charge_current: Amps,
    /// largest discharge current it declares
    pub(crate) max_discharge_current: Amps,
    /// highest cell temperature
    pub(crate) max_temperature: Celsius,
    /// optional messages that it never sends; limits of the rig that rest on them alone must then be given up in the rig
    /// file (`unwatched:`)
    #[serde(default)]
    pub(crate) never_sends: Vec<Optional>,
}

/// A value that no battery has.
pub(crate) struct Nonsense {
    /// its key
    pub(crate) key: &'static str,
    /// what it is, in words
    pub(crate) found: String,
    /// what would do
    pub(crate) expected: String,
}

/// Capacity of what stands in homes and on boats, Ah: smaller and larger ones are a slip of the unit (assumption).
const CAPACITY: [f64; 2] = [5.0, 20_000.0];
/// Hottest that cells of any kind may be, °C (data sheets: 45 to 65).
const HOTTEST: [f64; 2] = [30.0, 90.0];
/// Least current that a battery of use takes and gives, in C (assumption).
const LEAST_CURRENT: f64 = 0.02;
/// What the protocol can carry: 0x356 is a signed 16-bit count of 0.01 V (P 2 §0x356).
const CARRIED: Volts = Volts(327.67);
/// What inverters of 48 V stand, from empty to full (data sheets); those of 24 and 12 V a half and a quarter of it.
const SYSTEM: [f64; 2] = [44.0, 66.0];

impl Declared {
    /// The first value that no battery has.
    pub(crate) fn nonsense(&self) -> Option<Nonsense> {
        if !(1..=256).contains(&self.cells) {
            let found = format!("{} cells", self.cells);
            return Some(Nonsense { key: "cells", found, expected: "1 to 256 cells in series".to_owned() });
        }
        self.sizes().or_else(|| self.voltages()).or_else(|| self.system())
    }

    /// Capacity, currents and temperature.
    fn sizes(&self) -> Option<Nonsense> {
        let (capacity, most) = (self.capacity.0, Chemistry::usual(self.chemistry).c_rate);
        if !within(capacity, CAPACITY) {
            let expected = format!("{} to {} Ah", CAPACITY[0], CAPACITY[1]);
            return Some(Nonsense { key: "capacity", found: self.capacity.to_string(), expected });
        }
        let currents = [
            ("max-charge-current", self.max_charge_current),
            ("max-discharge-current", self.max_discharge_current),
        ];
        for (key, current) in currents {
            let rate = current.0 / capacity;
            if !within(rate, [LEAST_CURRENT, most]) {
                let found = format!("{current} is {rate:.3} C of {}", self.capacity);
                let [low, high] = [LEAST_CURRENT * capacity, most * capacity];
                let expected =
                    format!("{low:.1} to {high:.0} A ({LEAST_CURRENT} to {most} C{})", self.of_cells());
                return Some(Nonsense { key, found, expected });
            }
        }
        (!within(self.max_temperature.0, HOTTEST)).then(|| Nonsense {
            key: "max-temperature",
            found: self.max_temperature.to_string(),
            expected: format!("{} to {} °C; usual are 45 to 60 °C", HOTTEST[0], HOTTEST[1]),
        })
    }

    /// Voltages of pack and cells, per cell of its chemistry, and in their order.
    fn voltages(&self) -> Option<Nonsense> {
        let (usual, cells) = (Chemistry::usual(self.chemistry), f64::from(self.cells));
        let checks = [
            ("max-charge-voltage", self.max_charge_voltage, cells, usual.charged),
            ("min-voltage", self.min_voltage, cells, usual.empty),
            ("cell-over-voltage", self.cell_over_voltage, 1.0, usual.over),
            ("cell-under-voltage", self.cell_under_voltage, 1.0, usual.under),
        ];
        for (key, volts, of, [low, high]) in checks {
            let each = volts.0 / of;
            if within(each, [low, high]) {
                continue;
            }
            let mut found = volts.to_string();
            let mut expected = format!("{low:.2} to {high:.2} V a cell{}", self.of_cells());
            if of > 1.0 {
                found = format!("{volts} is {each:.2} V for each of {} cells", self.cells);
                expected =
                    format!("{:.1} to {:.1} V for {} cells: {expected}", low * of, high * of, self.cells);
            }
            return Some(Nonsense { key, found, expected });
        }
        let charged = self.max_charge_voltage.0 / cells;
        (self.cell_over_voltage.0 < charged).then(|| Nonsense {
            key: "cell-over-voltage",
            found: format!(
                "{} is below the {charged:.3} V that a cell is charged to",
                self.cell_over_voltage
            ),
            expected: "more than `max-charge-voltage` over `cells`".to_owned(),
        })
    }

    /// Whether there is a system that it could be part of.
    fn system(&self) -> Option<Nonsense> {
        let (key, volts) = ("max-charge-voltage", self.max_charge_voltage);
        if volts > CARRIED {
            let found = format!(
                "{volts} is more than the protocol can carry: 0x356 is a signed count of 0.01 V, up to {CARRIED}"
            );
            return Some(Nonsense {
                key,
                found,
                expected: "a pack for a system of 12, 24 or 48 V".to_owned(),
            });
        }
        let share = Battery { max_charge_voltage: volts, ..self.battery(String::new()) }.share_of_48_v();
        let [low, high] = SYSTEM.map(|bound| bound * share);
        (!within(volts.0, [low, high])).then(|| Nonsense {
            key,
            found: format!("{} cells that are charged to {volts} fit no system", self.cells),
            expected: "11 to 16.5 V for a system of 12 V, 22 to 33 V for 24 V, 44 to 66 V for 48 V"
                .to_owned(),
        })
    }

    fn of_cells(&self) -> String {
        self.chemistry
            .map_or_else(|| " of any chemistry".to_owned(), |chemistry| format!(", {}", chemistry.name()))
    }

    /// As the judge holds it.
    pub(crate) fn battery(&self, name: String) -> Battery {
        Battery {
            name,
            cells: self.cells,
            capacity: self.capacity,
            max_charge_voltage: self.max_charge_voltage,
            min_voltage: self.min_voltage,
            cell_over_voltage: self.cell_over_voltage,
            cell_under_voltage: self.cell_under_voltage,
            max_charge_current: self.max_charge_current,
            max_discharge_current: self.max_discharge_current,
            max_temperature: self.max_temperature,
        }
    }
}

fn within(value: f64, [low, high]: [f64; 2]) -> bool {
    // Decimals of a file: a bound itself is within.
    (low - 1e-6..=high + 1e-6).contains(&value)
}
