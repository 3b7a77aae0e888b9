//! A fault of the catalogue, carried from the reference battery into another one.
//!
//! What a faulty battery does differs from the reference in some keys of `simulated:`. Those keys are laid over the other
//! battery, with voltages, currents and resistances as they are there.

use files::BatteryFile;
use proto::chemistry::Chemistry;
use proto::quantity::{Amps, Ohms, Volts};
use serde_json::{Map, Value};

/// What is different in `faulty`, for this battery; nothing where a program manages it.
pub(super) fn over(
    faulty: &BatteryFile,
    reference: &BatteryFile,
    other: &BatteryFile,
) -> Option<Map<String, Value>> {
    let scale = Scale::between(reference, other);
    let read = |battery: &BatteryFile| battery.simulated.as_ref()?.read::<Map<String, Value>>().ok();
    let (faulty, reference) = (read(faulty)?, read(reference)?);
    if faulty.contains_key("program") {
        return None;
    }
    let mut over = Map::new();
    for (key, value) in faulty {
        let was = reference.get(&key);
        let differs = match (value, was) {
            (value, Some(was)) if value == *was => continue,
            // Periods are those of the other battery; all else hangs together, levels of the protection for one.
            (Value::Object(map), Some(Value::Object(was))) if key == "wire" => {
                Value::Object(map.into_iter().filter(|(key, value)| was.get(key) != Some(value)).collect())
            }
            (value, _) => value,
        };
        over.insert(key.clone(), scale.value(&key, differs));
    }
    over.values_mut().for_each(apart);
    Some(over)
}

/// What CVL falls to when the battery is full stays below where it comes from, by a step of the wire at least: of few cells
/// both may be rounded to one.
fn apart(value: &mut Value) {
    let Value::Object(map) = value else { return };
    map.values_mut().for_each(apart);
    let volts = |key: &str| map.get(key)?.as_str()?.parse().ok().map(|Volts(volts)| volts);
    if let (Some(bulk), Some(full)) = (volts("bulk"), volts("full"))
        && full >= bulk
    {
        map.insert("full".to_owned(), Value::String(format!("{:.3} V", bulk - 0.1)));
    }
}

struct Scale {
    /// cells of both, and how many times the ampere hours
    cells: [f64; 2],
    in_parallel: f64,
    /// of one cell of both: see [`sim::levels`]
    levels: [[f64; 7]; 2],
}

impl Scale {
    fn between(reference: &BatteryFile, other: &BatteryFile) -> Self {
        let [from, to] = [reference, other].map(|file| &file.declared);
        Self {
            cells: [from, to].map(|battery| f64::from(battery.cells)),
            in_parallel: to.capacity / from.capacity,
            levels: [reference, other]
                .map(|file| sim::levels(&file.declared, file.chemistry.unwrap_or(Chemistry::Lfp))),
        }
    }

    fn value(&self, key: &str, value: Value) -> Value {
        match value {
            Value::Object(map) => Value::Object(
                map.into_iter().map(|(key, value)| (key.clone(), self.value(&key, value))).collect(),
            ),
            Value::Array(items) => {
                Value::Array(items.into_iter().map(|item| self.value(key, item)).collect())
            }
            Value::String(text) => Value::String(self.quantity(key, &text).unwrap_or(text)),
            other => other,
        }
    }

    fn quantity(&self, key: &str, text: &str) -> Option<String> {
        let [written, cells] = self.cells;
        let (in_series, in_parallel) = (cells / written, self.in_parallel);
        if let Ok(Volts(volts)) = text.parse() {
            // Of a pack, of a cell, or a difference: of those only what is taken off CVL is one of the pack.
            let scaled = match volts {
                10.0.. => (self.cell(volts / written) * cells * 10.0).round() / 10.0,
                1.9.. => self.cell(volts),
                _ if ["by", "minus"].contains(&key) => ((volts * in_series * 10.0).round() / 10.0).max(0.1),
                _ => return None,
            };
            return Some(format!("{scaled:.3} V"));
        }
        if let Ok(Amps(amps)) = text.parse() {
            return Some(format!("{:.1} A", amps * in_parallel));
        }
        let Ohms(ohms) = text.parse().ok()?;
        Some(format!("{:.4} mΩ", ohms * 1e3 * in_series / in_parallel))
    }

    /// The voltage of a cell that means here what this one means for the reference.
    fn cell(&self, volts: f64) -> f64 {
        let [from, to] = self.levels;
        let after = from.partition_point(|&level| level <= volts);
        match after {
            0 => to[0] + (volts - from[0]),
            after if after == from.len() => to[after - 1] + (volts - from[after - 1]),
            after => {
                let share = (volts - from[after - 1]) / (from[after] - from[after - 1]);
                to[after - 1] + (to[after] - to[after - 1]) * share
            }
        }
    }
}
