//! A fault of the catalogue, carried from the battery that it was written for into another one.
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
    let scale = Scale::between(reference, faulty, other);
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

/// The highest charge voltage that a battery with this fault declares, V, where that belongs to the fault.
pub(super) fn declares(faulty: &BatteryFile, reference: &BatteryFile, other: &BatteryFile) -> Option<f64> {
    let most = faulty.declared.max_charge_voltage;
    let scale = Scale::between(reference, faulty, other);
    let [written, cells] = scale.cells;
    (most != reference.declared.max_charge_voltage)
        .then(|| (scale.cell(most.0 / written) * cells * 10.0).round() / 10.0)
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

/// State of charge that no battery is full at, %.
const NOT_FULL: f64 = 80.0;
/// Differences of CVL: of more cells they are larger, and a step of the wire at least.
const OF_CVL: [&str; 6] = ["by", "minus", "step", "margin", "max-rise", "max-fall"];
/// Which of [`sim::levels`] is clear of full, and at which a full cell is held.
const CLEAR: usize = 3;
const HELD: usize = 4;

/// On the straight line between two points of a curve that rises, and on along the ends.
fn along(curve: &[(f64, f64)], x: f64) -> f64 {
    let after = curve.partition_point(|&(at, _)| at <= x).clamp(1, curve.len() - 1);
    let ((x0, y0), (x1, y1)) = (curve[after - 1], curve[after]);
    y0 + (x - x0) / (x1 - x0) * (y1 - y0)
}

/// The same curve the other way round.
fn turned(curve: &[(f64, f64)]) -> Vec<(f64, f64)> {
    curve.iter().map(|&(x, y)| (y, x)).collect()
}

/// Ω times Ah: a cell of LFP of 280 Ah has 0.72 mΩ, as slowly as a wave goes (the `plant` of `rigs/simulated.yaml`).
const RESISTANCE: f64 = 0.72e-3 * 280.0;
/// h: a wave of 40 minutes takes its charge in the half of that.
const WAVE: f64 = 1.0 / 3.0;

struct Scale {
    /// cells of both, and how many times the ampere hours
    cells: [f64; 2],
    in_parallel: f64,
    /// of one cell of both: see [`sim::levels`]
    levels: [[f64; 7]; 2],
    /// of one cell of both at rest: state of charge, and voltage
    rest: [Vec<(f64, f64)>; 2],
}

impl Scale {
    /// Levels mean what they mean in the reference battery, whatever a faulty one declares; sizes are written for that one's.
    fn between(reference: &BatteryFile, written: &BatteryFile, other: &BatteryFile) -> Self {
        let kind = |file: &BatteryFile| file.chemistry.unwrap_or(Chemistry::Lfp);
        let both = [reference, other];
        Self {
            cells: both.map(|file| f64::from(file.declared.cells)),
            in_parallel: other.declared.capacity / written.declared.capacity,
            levels: both.map(|file| sim::levels(&file.declared, kind(file))),
            rest: both.map(|file| sim::at_rest(&file.declared, kind(file))),
        }
    }

    fn value(&self, key: &str, value: Value) -> Value {
        match value {
            Value::Object(map) => Value::Object(
                map.into_iter()
                    .map(|(inner, value)| (inner.clone(), self.within(key, &inner, value)))
                    .collect(),
            ),
            Value::Array(items) => {
                Value::Array(items.into_iter().map(|item| self.value(key, item)).collect())
            }
            Value::String(text) => Value::String(self.quantity(key, &text).unwrap_or(text)),
            other => other,
        }
    }

    /// A wave of CVL is as large as what it moves in the battery; all else knows no more than its own key.
    fn within(&self, outer: &str, key: &str, value: Value) -> Value {
        match (outer, key, value.as_str().map(str::parse)) {
            ("waving-cvl", "by", Some(Ok(Volts(by)))) => Value::String(format!("{:.1} V", self.wave(by))),
            _ => self.value(key, value),
        }
    }

    /// V: the fall of CVL that takes as much energy from this full battery as `by` takes from the one it was written for. What it
    /// does to the system is what makes it a fault, and for that a small battery must be moved further: by its charge, and by
    /// what its resistance keeps.
    fn wave(&self, by: f64) -> f64 {
        // V for each Wh of one ampere hour of cells; how many share the volt and the energy does not matter.
        let [from, to] = [0, 1].map(|of| {
            let ([low, high], curve) =
                ([CLEAR, HELD].map(|level| self.levels[of][level]), turned(&self.rest[of]));
            let charge = 100.0 * (high - low) / (high * (along(&curve, high) - along(&curve, low)));
            charge + RESISTANCE / (high * WAVE)
        });
        (by * to / from / self.in_parallel).max(0.1)
    }

    fn quantity(&self, key: &str, text: &str) -> Option<String> {
        let [written, cells] = self.cells;
        let (in_series, in_parallel) = (cells / written, self.in_parallel);
        if let Ok(Volts(volts)) = text.parse() {
            let scaled = match volts {
                _ if OF_CVL.contains(&key) => ((volts * in_series * 10.0).round() / 10.0).max(0.1),
                // A CVL below full is that of a battery at some state of charge; others hang together with the levels.
                10.0.. if key == "cvl" && volts / written < self.levels[0][CLEAR] => {
                    (self.at_same_charge(volts / written) * cells * 10.0).floor() / 10.0
                }
                10.0.. => (self.cell(volts / written) * cells * 10.0).round() / 10.0,
                1.9.. => self.cell(volts),
                // A difference between cells.
                _ => return None,
            };
            return Some(format!("{scaled:.3} V"));
        }
        if let Ok(Amps(amps)) = text.parse() {
            // A surge is one of the system: no larger for a larger battery.
            let share = if key == "current" { in_parallel.min(1.0) } else { in_parallel };
            return Some(format!("{:.1} A", amps * share));
        }
        let Ohms(ohms) = text.parse().ok()?;
        Some(format!("{:.4} mΩ", ohms * 1e3 * in_series / in_parallel))
    }

    /// The voltage at rest of a cell that is as full as one of the reference with this voltage, and surely not full: of a flat
    /// curve some millivolts are the half of all charge.
    fn at_same_charge(&self, volts: f64) -> f64 {
        let [from, to] = &self.rest;
        along(to, along(&turned(from), volts).min(NOT_FULL))
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

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn battery(declared: &str) -> BatteryFile {
        BatteryFile::parse(
            "a battery",
            &format!("battery: one\ntitle: \"One\"\nexpect: pass\ndeclared: {{ {declared} }}\n"),
        )
        .expect("a battery file")
    }

    const LFP: &str = "chemistry: lfp, cells: 16, capacity: 280 Ah, max-charge-voltage: 56.8 V, min-voltage: 44.8 V, \
        cell-over-voltage: 3.65 V, cell-under-voltage: 2.5 V, max-charge-current: 140 A, max-discharge-current: 200 A, max-temperature: 55 °C";
    const NMC: &str = "chemistry: nmc, cells: 14, capacity: 1000 Ah, max-charge-voltage: 58.8 V, min-voltage: 42.0 V, \
        cell-over-voltage: 4.25 V, cell-under-voltage: 2.8 V, max-charge-current: 300 A, max-discharge-current: 500 A, max-temperature: 55 °C";
    const LTO: &str = "chemistry: lto, cells: 24, capacity: 50 Ah, max-charge-voltage: 62.4 V, min-voltage: 43.2 V, \
        cell-over-voltage: 2.85 V, cell-under-voltage: 1.5 V, max-charge-current: 15 A, max-discharge-current: 25 A, max-temperature: 55 °C";

    /// A CVL below full leaves every chemistry about as empty as it leaves LFP, 3.20 V and 3.31 V a cell.
    #[rstest]
    #[case::nmc_after_a_trip(NMC, "51.2 V", 0.0..20.0)]
    #[case::nmc_derated(NMC, "53.0 V", 30.0..80.1)]
    #[case::lto_after_a_trip(LTO, "51.2 V", 0.0..20.0)]
    #[case::lto_derated(LTO, "53.0 V", 30.0..80.1)]
    fn a_cvl_below_full_is_carried_by_state_of_charge(
        #[case] to: &str,
        #[case] cvl: &str,
        #[case] soc: core::ops::Range<f64>,
    ) {
        let (from, to) = (battery(LFP), battery(to));
        let scale = Scale::between(&from, &from, &to);
        let Some(Ok(Volts(carried))) = scale.quantity("cvl", cvl).map(|text| text.parse()) else {
            panic!("no voltage")
        };
        let full = along(&turned(&scale.rest[1]), carried / scale.cells[1]);
        assert!(soc.contains(&full), "{carried} V is {full} %");
    }

    /// A small battery is moved further, a steep one too; how many cells share the volt does not matter.
    #[rstest]
    #[case(LFP, 0.6, 0.6)]
    #[case(NMC, 0.1, 0.1)]
    #[case(LTO, 1.4, 1.6)]
    fn a_wave_moves_as_much_energy(#[case] to: &str, #[case] least: f64, #[case] most: f64) {
        let by = Scale::between(&battery(LFP), &battery(LFP), &battery(to)).wave(0.6);
        assert!((least - 1e-9..=most + 1e-9).contains(&by), "{by} V");
    }

    /// Ampere grow with a battery, but for a surge, which the system makes.
    #[rstest]
    #[case("charge", NMC, "1000.0 A")]
    #[case("current", NMC, "280.0 A")]
    #[case("current", LTO, "50.0 A")]
    fn currents_by_capacity(#[case] key: &str, #[case] to: &str, #[case] expected: &str) {
        let scale = Scale::between(&battery(LFP), &battery(LFP), &battery(to));
        assert_eq!(scale.quantity(key, "280 A").as_deref(), Some(expected));
    }
}
