//! Battery files: each is what its name says, and nonsense is refused with words that help.

use proptest::prelude::*;
use proto::quantity::{AmpHours, Amps, Celsius, Micros, Percent, Volts};
use rstest::rstest;

use super::batteries::FILES;
use super::bench::{File, battery, file};
use crate::battery::Battery;
use crate::bms::{BmsParams, StrategyParams};
use crate::bus::Controller;
use crate::management::Installed;
use crate::sensors::Exposed;

#[test]
fn every_file_is_read_and_bears_its_own_name() {
    for (name, _) in FILES {
        let file = file(name);
        assert_eq!(file.battery, name);
        assert!(!file.title.is_empty(), "{name}");
    }
}

/// The reference writes every number out, with its source; those are also what the others get by leaving them out.
#[test]
fn the_defaults_are_the_numbers_of_the_reference() {
    let (reference, other) = (battery("reference"), battery("tracks-voltage"));
    let same =
        BmsParams { identity: reference.identity.clone(), strategy: reference.strategy.clone(), ..other };
    assert_eq!(same, reference);
}

#[test]
fn the_deadlocked_battery_is_the_reference_but_for_its_defect() {
    let (reference, deadlock) = (battery("reference"), battery("blackout-deadlock"));
    assert_eq!(deadlock.faults.len(), 1);
    let mended = BmsParams { identity: reference.identity.clone(), faults: Vec::new(), ..deadlock };
    assert_eq!(mended, reference);
}

#[test]
fn the_oscillating_battery_differs_from_the_reference_in_numbers_only() {
    assert!(matches!(battery("oscillating").strategy, StrategyParams::CellLoop(_)));
    assert!(matches!(battery("reference").strategy, StrategyParams::CellLoop(_)));
}

/// Editors complete battery files from the schema: it must know the keys as they are written.
#[test]
fn the_schema_knows_strategies_parts_and_defects() {
    let schema = format!("{:?}", schemars::schema_for!(BmsParams));
    for key in
        ["cell-loop", "lower-when-full", "fixed", "cell-sum", "cell-pi", "float", "track-minus", "stall"]
    {
        assert!(schema.contains(key), "{key}");
    }
}

#[rstest]
#[case("bulk: 56.0 V", "bulk: 56.0", "no unit")]
#[case("bulk: 56.0 V", "bulk: 56.0 A", "does not fit")]
#[case("floor: 52.0 V", "floor: 57 V", "must be below `cell-loop.bulk`")]
#[case("period: 24 s", "period: 0 s", "`cell-loop.period` must be more than zero")]
#[case(
    "over-voltage-release: 3.45 V",
    "over-voltage-release: 3.70 V",
    "must be below `protection.over-voltage`"
)]
#[case("resume-cell: 3.10 V", "resume-cell: 2.70 V", "`limits.stop-cell`")]
#[case("manufacturer: BusbarLF", "manufacturer: A very long name", "up to 8 printable ASCII characters")]
#[case("serial: \"BB0001\"", "serial: Bücher", "up to 16 printable ASCII characters")]
#[case("firmware: \"1.0\"", "firmware: \"v1\"", "a version such as `1.23`")]
#[case("period: 1 s ", "period: 1 us", "10 ms or more")]
#[case("proportional: 4 ", "proportional: .nan", "a finite number")]
#[case("integral: 0.3 ", "integral: .inf", "a finite number")]
#[case("integral: 0.3 ", "integral: -0.3", "not below zero")]
#[case("jitter: 2 ms", "jitter: 20 ms", "no more than `wire.spacing`")]
#[case("frames: full", "frames: long", "long")]
#[case("    frames: full", "    frame: full", "frame")]
fn nonsense_is_refused_with_words_that_help(#[case] right: &str, #[case] wrong: &str, #[case] why: &str) {
    let text = FILES[0].1.replacen(right, wrong, 1);
    assert_ne!(text, FILES[0].1, "`{right}` stands in the file");
    let error = serde_yaml::from_str::<File>(&text).expect_err("refused").to_string();
    assert!(error.contains(why), "{error}");
}

proptest! {
    /// No input of the bus, however odd, stops the battery or makes it say what cannot be.
    #[test]
    fn whatever_is_sensed_the_limits_stay_within_bounds(
        cells in prop::collection::vec(0.0_f64..5.0, 16),
        current in -500.0_f64..500.0,
        temperature in -40.0_f64..90.0,
        seed: u64,
    ) {
        let installed = Installed { cells: 16, modules: 1, capacity: AmpHours(280.0), soc: Percent(50.0), seed };
        let exposed = Exposed {
            cells: &cells,
            pack: Volts(cells.iter().sum()),
            bus: Volts(52.0),
            current: Amps(current),
            mean_current: Amps(current),
            most_current: Amps(current),
            coldest: Celsius(temperature),
            warmest: Celsius(temperature + 2.0),
            closed: true,
        };
        for (name, _) in FILES {
            let mut bms = Battery::new(&battery(name), &installed).expect("a model starts");
            for s in 1..=90 {
                bms.turn(Micros::from_secs(s), [exposed], Controller::default()).expect("a model goes on");
            }
            for _ in 0..40 {
                let Some(frame) = bms.send() else { continue };
                if let Some(proto::message::Message::Limits(m)) = proto::message::Message::decode(&frame) {
                    let cvl = m.cvl().unwrap().0;
                    // The one that tracks follows its voltage down to nothing: that is its defect.
                    prop_assert!(cvl <= 56.0 && (cvl >= 52.0 || name == "tracks-voltage"), "{}: {}", name, cvl);
                    prop_assert!((0.0..=157.0).contains(&m.ccl().unwrap().0));
                    prop_assert!((0.0..=220.0).contains(&m.dcl().unwrap().0));
                }
            }
        }
    }
}
