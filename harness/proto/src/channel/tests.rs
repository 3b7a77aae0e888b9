use super::*;
use crate::quantity::{AmpHours, Amps, BitRate, Celsius, Percent, Volts, Watts};

fn rows() -> impl Iterator<Item = &'static Row> {
    Channel::ALL.into_iter().map(Channel::row)
}

#[test]
fn every_channel_has_its_row_in_order() {
    for (k, channel) in Channel::ALL.into_iter().enumerate() {
        assert_eq!(channel as usize, k);
        assert_eq!(channel.row().channel, channel);
        assert!(!channel.row().meaning.trim().is_empty() && !channel.words().is_empty(), "{channel:?}");
        assert_eq!(Channel::of_key(channel.key()), Some(channel), "no two rows have the same key");
    }
}

/// `battery.voltage`: parts with dots between, each a word in kebab case.
#[test]
fn keys_are_dotted_and_in_kebab_case() {
    for key in rows().map(|row| row.key) {
        let is_word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase());
        assert!(key.contains('.') && key.split(['.', '-']).all(is_word), "{key}");
    }
}

#[test]
fn names_and_columns_stand_once() {
    let mut columns: Vec<_> = rows().filter_map(|row| Some((row.source.instrument(), row.column?))).collect();
    let mut names: Vec<_> = rows().filter_map(|row| Some(row.asked?.name)).collect();
    let counts = (columns.len(), names.len());
    columns.sort_unstable();
    columns.dedup();
    names.sort_unstable();
    names.dedup();
    assert_eq!((columns.len(), names.len()), counts);
}

/// A column says its unit at its end, in letters that a spreadsheet's formula takes.
#[test]
fn columns_say_their_unit() {
    for row in rows().filter(|row| matches!(row.kind, Kind::Number { .. })) {
        let unit = match row.unit() {
            "%" => "pct",
            "°C" => "C",
            "kbit/s" => "kbit_s",
            unit => unit,
        };
        assert!(row.column.is_none_or(|name| name.ends_with(&format!("_{unit}"))), "{row:?}");
    }
}

#[test]
fn units_are_those_of_quantities() {
    let known =
        [AmpHours::UNIT, Amps::UNIT, BitRate::UNIT, Celsius::UNIT, Percent::UNIT, Volts::UNIT, Watts::UNIT];
    for row in rows() {
        let Kind::Number { dimension, low, high } = row.kind else { continue };
        assert!(known.contains(&dimension.unit) && low < high, "{row:?}");
        let read = (dimension.read)(&format!("{high} {}", dimension.unit)).expect("its own unit");
        assert!((read - high).abs() < 1e-9, "{row:?}");
    }
}

/// What the GX repeats of the battery is of the same kind, and from the battery.
#[test]
fn what_repeats_is_like_what_it_repeats() {
    for row in rows() {
        let Some(of) = row.repeats.map(Channel::row) else { continue };
        assert!(matches!((row.source, of.source), (Source::Gx(Block::Battery), Source::Battery(_))));
        assert_eq!(row.key, format!("gx.{}", of.key));
        assert_eq!(core::mem::discriminant(&row.kind), core::mem::discriminant(&of.kind), "{}", row.key);
        assert_eq!(row.unit(), of.unit(), "{}", row.key);
    }
}
