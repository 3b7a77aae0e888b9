//! `gx.csv`: every poll of the GX, one row each, in the units of [`proto::reading`].
//!
//! A cell is empty where the unit of that block did not answer. Numbers are written with as many digits
//! as it takes to read back the very same value, so a recording judges like the run it came from. The last column,
//! `input`, counts what was recorded in the case before this poll, on any wire: it keeps the order of what came at
//! the same time.

use proto::message::Text8;
use proto::quantity::{AmpHours, Amps, Celsius, Micros, Percent, Volts, Watts};
use proto::reading::{GxBattery, GxInverter, GxReading, GxSolar, GxSystem};

use crate::raw::Fault;
use crate::stamp;

/// One column: its name with the unit, how it is read from a poll and put back into one.
struct Column {
    name: &'static str,
    get: fn(&GxReading) -> Option<String>,
    set: fn(&mut GxReading, &str) -> Result<(), &'static str>,
}

/// What a cell holds, as text and back, to the bit.
trait Cell: Sized {
    const EXPECTED: &'static str;
    fn write(&self) -> String;
    fn read(text: &str) -> Option<Self>;
}

macro_rules! quantities { ($($unit:ident)+) => { $(impl Cell for $unit {
    const EXPECTED: &'static str = "a number, or nothing";
    fn write(&self) -> String {
        self.0.to_string()
    }
    fn read(text: &str) -> Option<Self> {
        text.parse().ok().filter(|v: &f64| v.is_finite()).map(Self)
    }
})+ } }
quantities!(AmpHours Amps Celsius Percent Volts Watts);

impl Cell for u16 {
    const EXPECTED: &'static str = "a whole number up to 65535, or nothing";
    fn write(&self) -> String {
        self.to_string()
    }
    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Cell for bool {
    const EXPECTED: &'static str = "1, 0 or nothing";
    fn write(&self) -> String {
        u8::from(*self).to_string()
    }
    fn read(text: &str) -> Option<Self> {
        ["0", "1"].iter().position(|word| *word == text).map(|on| on == 1)
    }
}

/// Up to eight bytes; what would end a cell or a line, begin a formula, and `\` itself, as `\x2c`.
impl Cell for Text8 {
    const EXPECTED: &'static str = "up to 8 characters, others as `\\x2c`, or nothing";
    fn write(&self) -> String {
        let plain = |b: u8| matches!(b, b' '..=b'~') && !matches!(b, b'\\' | b',' | b'"');
        // What a spreadsheet would take for the beginning of a formula.
        let begins = |b: u8| matches!(b, b'=' | b'+' | b'-' | b'@' | b' ');
        let text = self.text().iter().enumerate();
        text.map(|(i, &b)| match plain(b) && !(i == 0 && begins(b)) {
            true => char::from(b).to_string(),
            false => format!("\\x{b:02x}"),
        })
        .collect()
    }
    fn read(text: &str) -> Option<Self> {
        let mut bytes = Vec::new();
        let mut rest = text.as_bytes();
        while let Some((&b, after)) = rest.split_first() {
            let (byte, after) = match (b, after) {
                (b'\\', [b'x', high, low, after @ ..]) => {
                    let digit = |b: u8| char::from(b).to_digit(16);
                    (u8::try_from(digit(*high)? << 4 | digit(*low)?).ok()?, after)
                }
                (b'\\', _) => return None,
                _ => (b, after),
            };
            bytes.push(byte);
            rest = after;
        }
        // A zero ends a name and is never part of one.
        (bytes.len() <= 8 && !bytes.contains(&0)).then(|| Self::padded(&bytes))
    }
}

macro_rules! columns {
    ($( $block:ident: $kind:ident { $( $name:literal $($field:ident).+ $([$k:literal])? ),+ $(,)? } )+) => {
        /// In the order of the file, after `time_s` and before `input`.
        const COLUMNS: &[Column] = &[ $( $( Column {
            name: $name,
            get: |r| r.$block.as_ref().map(|b| b.$($field).+ $([$k])?.write()),
            set: |r, text| {
                let block = r.$block.get_or_insert_with($kind::default);
                put(&mut block.$($field).+ $([$k])?, text)
            },
        } ),+ ),+ ];
    };
}

fn put<T: Cell>(place: &mut T, text: &str) -> Result<(), &'static str> {
    *place = T::read(text).ok_or(T::EXPECTED)?;
    Ok(())
}

columns! {
    battery: GxBattery {
        "battery_voltage_V" voltage,
        "battery_current_A" current,
        "battery_temperature_C" temperature,
        "battery_soc_pct" soc,
        "battery_soh_pct" soh,
        "battery_cvl_V" cvl,
        "battery_ccl_A" ccl,
        "battery_dcl_A" dcl,
        "battery_capacity_Ah" capacity,
        "battery_min_cell_V" min_cell,
        "battery_max_cell_V" max_cell,
        "battery_alarms" alarms,
    }
    inverter: GxInverter {
        "inverter_dc_voltage_V" dc_voltage,
        "inverter_dc_current_A" dc_current,
        "inverter_input_limit_A" input_current_limit,
        "inverter_running" running,
        "inverter_ac_out_W" ac_out,
        "inverter_ac_in_W" ac_in,
    }
    solar: GxSolar {
        "solar_battery_voltage_V" battery_voltage,
        "solar_battery_current_A" battery_current,
        "solar_pv_power_W" pv_power,
        "solar_pv_voltage_V" pv_voltage,
        "solar_tracker" tracker,
    }
    system: GxSystem {
        "grid_W" grid,
        "grid_connected" grid_connected,
        "ac_loads_W" ac_loads,
        "feed_in" feed_in,
    }
    battery: GxBattery {
        "battery_min_cell_temperature_C" min_cell_temperature,
        "battery_max_cell_temperature_C" max_cell_temperature,
        "battery_min_cell_id" cell_ids[0],
        "battery_max_cell_id" cell_ids[1],
        "battery_coldest_cell_id" cell_ids[2],
        "battery_hottest_cell_id" cell_ids[3],
        "battery_modules_offline" modules.offline,
        "battery_modules_online" modules.online,
        "battery_modules_blocking_charge" modules.blocking_charge,
        "battery_modules_blocking_discharge" modules.blocking_discharge,
        "battery_warnings" warnings,
    }
}

/// The first line, with its line break.
#[must_use]
pub fn header() -> String {
    let names: Vec<&str> = COLUMNS.iter().map(|c| c.name).collect();
    format!("time_s,{},input\n", names.join(","))
}

/// One poll as a row, with its line break. `at` is since the start of the run, `input` what was recorded in the case
/// before it.
#[must_use]
pub fn row(at: Micros, input: u64, reading: &GxReading) -> String {
    let mut out = stamp::write(at);
    for column in COLUMNS {
        out.push(',');
        out.push_str(&(column.get)(reading).unwrap_or_default());
    }
    out + &format!(",{input}\n")
}

/// A row read back: when, what was recorded before it, the poll.
///
/// # Errors
/// When a cell is not what its column holds, or the row is too short or too long.
pub fn parse(row: &str) -> Result<(Micros, u64, GxReading), Fault> {
    let cells: Vec<&str> = row.trim_end_matches(['\r', '\n']).split(',').collect();
    let [at, values @ .., input] = cells.as_slice() else { return Err(Fault::new(row, Fault::A_ROW)) };
    if values.len() != COLUMNS.len() {
        return Err(Fault::new(row, Fault::A_ROW));
    }
    let wrong = |name: &str, cell: &str, expected: &str| Fault {
        found: format!("{name}: {cell}"),
        expected: expected.to_owned(),
    };
    let mut reading = GxReading::default();
    for (column, cell) in COLUMNS.iter().zip(values).filter(|(_, cell)| !cell.is_empty()) {
        (column.set)(&mut reading, cell).map_err(|expected| wrong(column.name, cell, expected))?;
    }
    Ok((
        stamp::read(at).ok_or_else(|| wrong("time_s", at, stamp::EXPECTED))?,
        input.parse().map_err(|_| wrong("input", input, "a whole number"))?,
        reading,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proto::reading::GxModules;

    #[test]
    fn absent_blocks_are_empty_cells() {
        let reading = GxReading {
            system: Some(GxSystem { grid: Watts(-3512.0), grid_connected: true, ..GxSystem::default() }),
            ..GxReading::default()
        };
        let line = row(Micros(12_000_250), 7, &reading);
        assert!(line.starts_with("12.000250,,,"), "{line}");
        assert!(line.contains(",-3512,1,0,0,") && line.ends_with(",7\n"), "{line}");
        assert_eq!(parse(&line), Ok((Micros(12_000_250), 7, reading)));
        assert_eq!(header().split(',').count(), line.split(',').count());
    }

    #[test]
    fn what_is_no_row_is_refused_with_its_column() {
        let line = row(Micros(5), 0, &GxReading::default());
        assert!(parse(&line[..line.len() - 5]).is_err());
        let error = parse(&line.replacen(",,", ",x,", 1)).expect_err("no number");
        assert_eq!(error.found, "battery_voltage_V: x");
        let battery = GxReading { battery: Some(GxBattery::default()), ..GxReading::default() };
        let error =
            parse(&row(Micros(5), 0, &battery).replace(",0,0\n", ",65536,0\n")).expect_err("too large");
        assert_eq!(error.found, "battery_warnings: 65536");
    }

    fn number() -> impl Strategy<Value = f64> {
        any::<f64>().prop_filter("finite", |v| v.is_finite())
    }

    proptest! {
        #[test]
        fn reads_back_the_same(
            at: u64, input: u64, numbers in prop::collection::vec(number(), 17), words: [u16; 7], flags: [bool; 3],
            names in prop::array::uniform4(prop::collection::vec(1..=255_u8, 0..=8)), absent in 0..16_u8,
        ) {
            let n = |k: usize| numbers[k];
            // A name without a character is an empty cell, as one that never came.
            let name = |n: Vec<u8>| Text8::padded(&n);
            let battery = GxBattery {
                voltage: Volts(n(0)), current: Amps(n(1)), temperature: Celsius(n(2)), soc: Percent(n(3)),
                soh: Percent(n(4)), cvl: Volts(n(5)), ccl: Amps(n(6)), dcl: Amps(n(7)), capacity: AmpHours(n(8)),
                min_cell: Volts(n(9)), max_cell: Volts(n(10)), min_cell_temperature: Celsius(n(11)),
                max_cell_temperature: Celsius(n(12)), cell_ids: names.map(name),
                modules: GxModules {
                    offline: words[0], online: words[1], blocking_charge: words[2], blocking_discharge: words[3],
                },
                alarms: words[4], warnings: words[5],
            };
            let inverter = GxInverter {
                dc_voltage: Volts(n(13)), running: flags[0], ac_in: Watts(n(14)), ..GxInverter::default()
            };
            let solar = GxSolar { pv_power: Watts(n(15)), tracker: words[6], ..GxSolar::default() };
            let system =
                GxSystem { grid: Watts(n(16)), grid_connected: flags[1], feed_in: flags[2], ..GxSystem::default() };
            let is = |bit: u8| absent & 1 << bit == 0;
            let reading = GxReading {
                battery: is(0).then_some(battery), inverter: is(1).then_some(inverter),
                solar: is(2).then_some(solar), system: is(3).then_some(system),
            };
            let text = row(Micros(at), input, &reading);
            prop_assert_eq!(text.matches('\n').count(), 1);
            prop_assert_eq!(parse(&text), Ok((Micros(at), input, reading)));
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = parse(&text);
        }
    }
}
