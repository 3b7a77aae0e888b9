//! `gx.csv`: every poll of the GX, one row each, in the units of [`proto::reading`].
//!
//! A cell is empty where the unit of that block did not answer. Numbers are written with as many digits
//! as it takes to read back the very same value, so a recording judges like the run it came from.

use proto::quantity::{AmpHours, Amps, Celsius, Micros, Percent, Volts, Watts};
use proto::reading::{GxBattery, GxInverter, GxReading, GxSolar, GxSystem};

/// One column: its name with the unit, how it is read from a poll and put back into one.
struct Column {
    name: &'static str,
    get: fn(&GxReading) -> Option<f64>,
    set: fn(&mut GxReading, f64),
}

macro_rules! columns {
    ($( $block:ident: $kind:ident { $( $name:literal $field:ident $make:ident ),+ $(,)? } )+) => {
        /// In the order of the file, after `time_s`.
        const COLUMNS: &[Column] = &[ $( $( Column {
            name: $name,
            get: |r| r.$block.as_ref().map(|b| columns!(@get $make b.$field)),
            set: |r, v| r.$block.get_or_insert_with($kind::default).$field = columns!(@set $make v),
        } ),+ ),+ ];
    };
    (@get bool $e:expr) => { f64::from(u8::from($e)) };
    (@get u16 $e:expr) => { f64::from($e) };
    (@get $unit:ident $e:expr) => { $e.0 };
    (@set bool $v:expr) => { $v > 0.5 };
    (@set u16 $v:expr) => { $v as u16 };
    (@set $unit:ident $v:expr) => { $unit($v) };
}

columns! {
    battery: GxBattery {
        "battery_voltage_V" voltage Volts,
        "battery_current_A" current Amps,
        "battery_temperature_C" temperature Celsius,
        "battery_soc_pct" soc Percent,
        "battery_soh_pct" soh Percent,
        "battery_cvl_V" cvl Volts,
        "battery_ccl_A" ccl Amps,
        "battery_dcl_A" dcl Amps,
        "battery_capacity_Ah" capacity AmpHours,
        "battery_min_cell_V" min_cell Volts,
        "battery_max_cell_V" max_cell Volts,
        "battery_alarms" alarms u16,
    }
    inverter: GxInverter {
        "inverter_dc_voltage_V" dc_voltage Volts,
        "inverter_dc_current_A" dc_current Amps,
        "inverter_input_limit_A" input_current_limit Amps,
        "inverter_running" running bool,
        "inverter_ac_out_W" ac_out Watts,
        "inverter_ac_in_W" ac_in Watts,
    }
    solar: GxSolar {
        "solar_battery_voltage_V" battery_voltage Volts,
        "solar_battery_current_A" battery_current Amps,
        "solar_pv_power_W" pv_power Watts,
        "solar_pv_voltage_V" pv_voltage Volts,
        "solar_tracker" tracker u16,
    }
    system: GxSystem {
        "grid_W" grid Watts,
        "grid_connected" grid_connected bool,
        "ac_loads_W" ac_loads Watts,
        "feed_in" feed_in bool,
    }
}

/// Why a row cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: found `{found}`, expected {expected}")]
pub struct RowError {
    /// counted from 1
    pub column: usize,
    /// the cell as it stands
    pub found: String,
    /// what would have been right
    pub expected: &'static str,
}

/// The first line, with its line break.
#[must_use]
pub fn header() -> String {
    let names: Vec<&str> = COLUMNS.iter().map(|c| c.name).collect();
    format!("time_s,{}\n", names.join(","))
}

/// One poll as a row, with its line break. `at` is since the start of the run.
#[must_use]
pub fn row(at: Micros, reading: &GxReading) -> String {
    let mut out = format!("{}.{:06}", at.0 / 1_000_000, at.0 % 1_000_000);
    for column in COLUMNS {
        out.push(',');
        if let Some(v) = (column.get)(reading) {
            out.push_str(&v.to_string());
        }
    }
    out.push('\n');
    out
}

/// A row read back.
///
/// # Errors
/// When a cell is no number or the row is too short or too long, as the last row of a run that was cut off.
pub fn parse(row: &str) -> Result<(Micros, GxReading), RowError> {
    let cells: Vec<&str> = row.trim_end_matches(['\r', '\n']).split(',').collect();
    if cells.len() != COLUMNS.len() + 1 {
        let expected = "a time and one cell for each column of the header";
        return Err(RowError { column: cells.len(), found: row.trim_end().to_owned(), expected });
    }
    let wrong = |column: usize, expected| RowError { column, found: cells[column - 1].to_owned(), expected };
    let at = seconds(cells[0]).ok_or_else(|| wrong(1, "seconds with six decimals"))?;
    let mut reading = GxReading::default();
    for (i, column) in COLUMNS.iter().enumerate() {
        if !cells[i + 1].is_empty() {
            let value = cells[i + 1].parse().ok().filter(|v: &f64| v.is_finite());
            (column.set)(&mut reading, value.ok_or_else(|| wrong(i + 2, "a number, or nothing"))?);
        }
    }
    Ok((at, reading))
}

fn seconds(text: &str) -> Option<Micros> {
    let (s, us) = text.split_once('.')?;
    if us.len() != 6 || !us.bytes().chain(s.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let s: u64 = s.parse().ok()?;
    Some(Micros(s.checked_mul(1_000_000)?.checked_add(us.parse().ok()?)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn absent_blocks_are_empty_cells() {
        let reading = GxReading {
            system: Some(GxSystem { grid: Watts(-3512.0), grid_connected: true, ..GxSystem::default() }),
            ..GxReading::default()
        };
        let line = row(Micros(12_000_250), &reading);
        assert!(line.starts_with("12.000250,,,"), "{line}");
        assert!(line.ends_with(",-3512,1,0,0\n"), "{line}");
        assert_eq!(parse(&line), Ok((Micros(12_000_250), reading)));
        assert_eq!(header().split(',').count(), line.split(',').count());
    }

    #[test]
    fn a_row_cut_off_is_refused_with_its_place() {
        let line = row(Micros(5), &GxReading::default());
        assert!(parse(&line[..line.len() - 3]).is_err());
        let error = parse(&line.replacen(",,", ",x,", 1)).expect_err("no number");
        assert_eq!((error.column, error.found.as_str()), (2, "x"));
    }

    proptest! {
        #[test]
        fn reads_back_the_same(at in 0..u64::MAX, volts in any::<f64>().prop_filter("finite", |v| v.is_finite()),
                               alarms: u16, running: bool) {
            let reading = GxReading {
                battery: Some(GxBattery { voltage: Volts(volts), alarms, ..GxBattery::default() }),
                inverter: Some(GxInverter { running, ..GxInverter::default() }),
                ..GxReading::default()
            };
            prop_assert_eq!(parse(&row(Micros(at), &reading)), Ok((Micros(at), reading)));
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = parse(&text);
        }
    }
}
