//! A fault of the catalogue, carried from the reference battery into another one.
//!
//! What a faulty battery does differs from the reference in some keys of `simulated:`. Those keys are laid over the other
//! battery, with voltages, currents and resistances as they are there.

use files::BatteryFile;
use proto::quantity::{Amps, Ohms, Volts};
use serde_json::{Map, Value};

use super::{Build, Member};

/// Cells and ampere hours of the battery that the catalogue's faults are written for.
const REFERENCE: (f64, f64) = (16.0, 280.0);
/// Levels of one of its cells, V: where it trips below, stops, holds at the least, is clear of full, is full, and trips above.
const LEVELS: [f64; 7] = [2.50, 2.80, 3.25, 3.36, 3.45, 3.55, 3.65];

/// What is different in `faulty`, for a battery of this make; nothing where a program manages it.
pub(super) fn over(
    faulty: &BatteryFile,
    reference: &BatteryFile,
    member: &Member,
) -> Option<Map<String, Value>> {
    let read = |battery: &BatteryFile| battery.simulated.as_ref()?.read::<Map<String, Value>>().ok();
    let (faulty, reference) = (read(faulty)?, read(reference)?);
    if faulty.contains_key("program") {
        return None;
    }
    let scale = Scale { build: member.build(), capacity: member.capacity() };
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
    Some(over)
}

struct Scale {
    build: Build,
    capacity: f64,
}

impl Scale {
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
        let cells = f64::from(self.build.cells);
        let (in_series, in_parallel) = (cells / REFERENCE.0, self.capacity / REFERENCE.1);
        if let Ok(Volts(volts)) = text.parse() {
            // Of a pack, of a cell, or a difference: of those only what is taken off CVL is one of the pack.
            let scaled = match volts {
                10.0.. => (self.cell(volts / REFERENCE.0) * cells * 10.0).round() / 10.0,
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
        let own = self.build.levels();
        let after = LEVELS.partition_point(|&level| level <= volts);
        match after {
            0 => own[0] + (volts - LEVELS[0]),
            after if after == LEVELS.len() => own[after - 1] + (volts - LEVELS[after - 1]),
            after => {
                let share = (volts - LEVELS[after - 1]) / (LEVELS[after] - LEVELS[after - 1]);
                own[after - 1] + (own[after] - own[after - 1]) * share
            }
        }
    }
}
