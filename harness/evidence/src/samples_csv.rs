//! The raw file of an instrument, such as `gx.csv`: a row for each time that it said something, a column for each quantity
//! that it tells, by the table of [`proto::channel`].
//!
//! A cell is empty where nothing was told. Numbers are written with as many digits as it takes to read back the very same
//! value, so a recording judges like the run it came from. The last column, `input`, counts what was recorded in the case
//! before this row, on any wire: it keeps the order of what came at the same time.

use std::io::Write as _;

use proto::channel::{Channel, Instrument, Kind};
use proto::digits;
use proto::message::Text8;
use proto::quantity::Micros;
use proto::samples::{Samples, Value};

use crate::raw::Fault;
use crate::stamp;

/// Each column of an instrument's file, after `time_s` and before `input`.
fn columns(instrument: Instrument) -> impl Iterator<Item = (Channel, &'static str)> {
    instrument.channels().iter().filter_map(|&channel| Some((channel, channel.row().column?)))
}

/// The first line, with its line break.
#[must_use]
pub fn header(instrument: Instrument) -> String {
    let names: Vec<&str> = columns(instrument).map(|(_, name)| name).collect();
    format!("time_s,{},input\n", names.join(","))
}

/// Appends what was said as a row, with its line break. `at` is since the start of the run, `input` what was recorded in
/// the case before it.
pub fn row(out: &mut Vec<u8>, at: Micros, input: u64, said: &Samples) {
    stamp::put(out, at);
    for (channel, _) in columns(said.from()) {
        out.push(b',');
        match said.get(channel) {
            None => {}
            Some(Value::Number(value)) => digits::number(out, value),
            Some(Value::Flag(on)) => out.push(if on { b'1' } else { b'0' }),
            Some(Value::Word(word)) => digits::whole(out, u64::from(word)),
            Some(Value::Text(text)) => escape(out, &text),
        }
    }
    out.push(b',');
    digits::whole(out, input);
    out.push(b'\n');
}

/// A row read back: when, what was recorded before it, what was said.
///
/// # Errors
/// When a cell is not what its column holds, or the row is too short or too long.
pub fn parse(from: Instrument, row: &str) -> Result<(Micros, u64, Samples), Fault> {
    let short = || Fault::new(row, Fault::A_ROW);
    let mut cells = row.trim_end_matches(['\r', '\n']).split(',');
    let at = cells.next().ok_or_else(short)?;
    let mut said = Samples::new(from);
    for (channel, name) in columns(from) {
        let cell = cells.next().ok_or_else(short)?;
        if !cell.is_empty() {
            said.put(channel, value(channel, cell).map_err(|expected| Fault::cell(name, cell, expected))?);
        }
    }
    let input = cells.next().filter(|_| cells.next().is_none()).ok_or_else(short)?;
    let (at, input) = stamp::place(at, input)?;
    Ok((at, input, said))
}

/// A cell that is not empty.
fn value(channel: Channel, cell: &str) -> Result<Value, &'static str> {
    let (value, expected) = match channel.row().kind {
        Kind::Number { .. } => {
            let number = cell.parse().ok().filter(|v: &f64| v.is_finite());
            (number.map(Value::Number), "a number, or nothing")
        }
        Kind::Flag => {
            let on = ["0", "1"].iter().position(|word| *word == cell).map(|on| on == 1);
            (on.map(Value::Flag), "1, 0 or nothing")
        }
        Kind::Mask | Kind::Count | Kind::State => {
            (cell.parse().ok().map(Value::Word), "a whole number up to 65535, or nothing")
        }
        Kind::Text => (unescaped(cell).map(Value::Text), "up to 8 characters, others as `\\x2c`, or nothing"),
    };
    value.ok_or(expected)
}

/// A text without a character: the zero that ends every one.
const NO_TEXT: &str = "\\x00";

/// Appends a text; what would end a cell or a line, begin a formula, and `\` itself, as `\x2c`.
fn escape(out: &mut Vec<u8>, text: &Text8) {
    let plain = |b: u8| matches!(b, b' '..=b'~') && !matches!(b, b'\\' | b',' | b'"');
    // What a spreadsheet would take for the beginning of a formula.
    let begins = |b: u8| matches!(b, b'=' | b'+' | b'-' | b'@' | b' ');
    let text = text.text();
    if text.is_empty() {
        out.extend_from_slice(NO_TEXT.as_bytes());
    }
    for (i, &b) in text.iter().enumerate() {
        if plain(b) && !(i == 0 && begins(b)) {
            out.push(b);
        } else {
            // A vector takes everything.
            let _ = write!(out, "\\x{b:02x}");
        }
    }
}

fn unescaped(cell: &str) -> Option<Text8> {
    if cell == NO_TEXT {
        return Some(Text8::default());
    }
    let mut bytes = Vec::new();
    let mut rest = cell.as_bytes();
    while let Some((&b, after)) = rest.split_first() {
        let (byte, after) = match (b, after) {
            (b'\\', [b'x', high, low, after @ ..]) => (digits::byte(*high, *low)?, after),
            (b'\\', _) => return None,
            _ => (b, after),
        };
        bytes.push(byte);
        rest = after;
    }
    // A zero ends a name and is never part of one.
    (bytes.len() <= 8 && !bytes.contains(&0)).then(|| Text8::padded(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn written(at: Micros, input: u64, said: &Samples) -> String {
        let mut out = Vec::new();
        row(&mut out, at, input, said);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn what_was_not_told_is_an_empty_cell() {
        let said =
            Samples::new(Instrument::Gx).with(Channel::GridPower, -3512.0).with(Channel::GridConnected, 1.0);
        let line = written(Micros(12_000_250), 7, &said);
        assert!(line.starts_with("12.000250,,,"), "{line}");
        assert!(line.contains(",-3512,1,,,") && line.ends_with(",7\n"), "{line}");
        assert_eq!(parse(Instrument::Gx, &line), Ok((Micros(12_000_250), 7, said)));
        assert_eq!(header(Instrument::Gx).split(',').count(), line.split(',').count());
    }

    #[test]
    fn a_supply_is_read_by_eye() {
        assert_eq!(header(Instrument::Supply), "time_s,output,voltage_V,current_A,available_W,input\n");
        let said = Samples::new(Instrument::Supply)
            .with(Channel::SupplyOutput, 1.0)
            .with(Channel::SupplyVoltage, 120.0)
            .with(Channel::SupplyCurrent, 7.5)
            .with(Channel::PvAvailable, 4000.0);
        assert_eq!(written(Micros::from_secs(12), 310, &said), "12.000000,1,120,7.5,4000,310\n");
    }

    /// The lists of columns of docs/run-folder.md are made of the table.
    #[test]
    fn the_document_has_every_column() {
        let page = include_str!("../../../docs/run-folder.md");
        for instrument in Instrument::ALL.into_iter().filter(|instrument| !instrument.is_witness()) {
            let rows: Vec<String> = columns(instrument)
                .map(|(channel, name)| {
                    format!("| `{name}` | `{}` |{} |\n", channel.key(), channel.row().meaning)
                })
                .collect();
            let list = format!(
                "| column of `{}` | quantity | |\n|---|---|---|\n{}",
                instrument.file(),
                rows.concat()
            );
            assert!(page.contains(&list), "docs/run-folder.md lacks, or has otherwise:\n\n{list}");
        }
    }

    #[rstest]
    #[case::cut("12.000000,1,120,7.5", "a time and one cell for each column of the header")]
    #[case::more("12.000000,1,120,7.5,0,1,x", "a time and one cell for each column of the header")]
    #[case::nothing("", "a time and one cell for each column of the header")]
    #[case::no_flag("12.000000,on,120,7.5,0,1", "found `output: on`, expected 1, 0 or nothing")]
    #[case::no_number("12.000000,1,x,7.5,0,1", "found `voltage_V: x`, expected a number")]
    #[case::no_end("12.000000,1,1e999,7.5,0,1", "found `voltage_V: 1e999`")]
    #[case::no_time("12,1,120,7.5,0,1", "found `time_s: 12`")]
    #[case::no_count("12.000000,1,120,7.5,0,-1", "found `input: -1`, expected a whole number")]
    fn what_is_no_row_is_refused_with_its_column(#[case] line: &str, #[case] says: &str) {
        let error = parse(Instrument::Supply, line).expect_err("refused").to_string();
        assert!(error.contains(says), "{error}");
    }

    fn told(channel: Channel) -> BoxedStrategy<Option<Value>> {
        let value = match channel.row().kind {
            Kind::Number { .. } => {
                any::<f64>().prop_filter("finite", |v| v.is_finite()).prop_map(Value::Number).boxed()
            }
            Kind::Flag => any::<bool>().prop_map(Value::Flag).boxed(),
            Kind::Mask | Kind::Count | Kind::State => any::<u16>().prop_map(Value::Word).boxed(),
            Kind::Text => prop::collection::vec(1..=255_u8, 0..=8)
                .prop_map(|bytes| Value::Text(Text8::padded(&bytes)))
                .boxed(),
        };
        prop::option::weighted(0.8, value).boxed()
    }

    fn anything(from: Instrument) -> impl Strategy<Value = Samples> {
        let all: Vec<_> = columns(from).map(|(channel, _)| told(channel)).collect();
        all.prop_map(move |values| {
            let mut said = Samples::new(from);
            for ((channel, _), value) in columns(from).zip(values) {
                value.iter().for_each(|&value| said.put(channel, value));
            }
            said
        })
    }

    proptest! {
        /// Whatever an instrument of the table says.
        #[test]
        fn reads_back_the_same(at: u64, input: u64, said in prop::sample::select(&Instrument::ALL).prop_flat_map(anything)) {
            let text = written(Micros(at), input, &said);
            prop_assert_eq!(text.matches('\n').count(), 1);
            prop_assert!(text.split(',').all(|cell| !cell.starts_with(['=', '@', '+'])), "no formula: {}", text);
            prop_assert_eq!(parse(said.from(), &text), Ok((Micros(at), input, said)));
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            for from in Instrument::ALL {
                let _ = parse(from, &text);
            }
        }
    }
}
