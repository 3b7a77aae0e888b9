use judge::trace::Trace;
use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::added::record::{SCHEMA, Says, Start};

/// 2026-01-05 11:00:00 UTC, when the run began.
const BEGAN: i64 = 1_767_610_800;

fn record(offset_us: i64) -> Record {
    Record {
        schema: SCHEMA.to_owned(),
        run: String::new(),
        manifest_sha256: None,
        file: "vrm-1.csv".to_owned(),
        given_as: String::new(),
        bytes: 0,
        sha256: String::new(),
        zone: "Europe/Berlin".to_owned(),
        zone_offset_s: 3600,
        zone_offset_by: Says::Head,
        offset_us,
        offset_stated: offset_us != 0,
        run_began_us: BEGAN as u64 * 1_000_000,
        run_began_by: Start::Events,
    }
}

/// A case from 60 s on, for 600 s, in which the battery told its voltage each second: 50 V, and 1 V more every minute.
fn case() -> CaseResult {
    let mut trace = Trace::default();
    for second in 0..=600_u64 {
        trace.push(Channel::PackVoltage, Micros::from_secs(second), 50.0 + (second / 60) as f64);
    }
    let (began, length) = (Micros::from_secs(60), Micros::from_secs(600));
    CaseResult { trace, began, length, ..CaseResult::named("feed-in", "a") }
}

fn laid(offset_us: i64, rows: &str) -> Beside {
    let head = "timestamp,Battery Monitor [288],Battery Monitor [288]\nEurope/Berlin (+01:00),Voltage,Alarm\n,V DC,\n";
    let text = format!("{head}{rows}");
    let export = Export::new(text.as_bytes()).expect("an export");
    beside(record(offset_us), export, &[case()]).expect("readable")
}

/// The export says 12:02:00 in Berlin, which is 11:02:00 UTC, 120 s into the run, 60 s into the case.
#[test]
fn a_row_is_held_against_what_held_at_its_time() {
    let found =
        laid(0, "2026-01-05 12:02:00,51.25,Ok\n2026-01-05 12:03:00,,Ok\n2026-01-05 12:04:00,53.1,Ok\n");
    let [voltage, alarm] = &found.lanes[..] else { panic!("two columns") };
    assert_eq!((voltage.numbers, voltage.missing, alarm.texts), (2, 1, 3));
    let [against] = &voltage.against[..] else { panic!("the battery told it, nobody else") };
    assert_eq!((against.channel, against.samples), (Channel::PackVoltage, 2));
    let largest = &against.largest;
    assert_eq!((largest.export, largest.run, largest.at), (51.25, 51.0, Micros::from_secs(120)));
    assert_eq!((largest.case.as_str(), largest.local.shown().as_str()), ("feed-in/a", "2026-01-05 12:02:00"));
    assert!(alarm.channels.is_empty() && alarm.against.is_empty());
}

/// Its clock is ahead by 90 s: what it calls 12:03:30 is 12:02:00.
#[rstest]
#[case::ahead(90_000_000, "2026-01-05 12:03:30")]
#[case::behind(-45_000_000, "2026-01-05 12:01:15")]
fn an_offset_shifts_its_times(#[case] offset: i64, #[case] at: &str) {
    let found = laid(offset, &format!("{at},51,\n"));
    assert_eq!(found.lanes[0].against[0].largest.size().to_bits(), 0.0_f64.to_bits());
    assert_eq!(found.lanes[0].against[0].largest.at, Micros::from_secs(120));
    assert_eq!(found.record.on_export(120_000_000).shown(), at);
}

#[test]
fn what_lies_in_no_case_is_held_against_nothing() {
    let found = laid(0, "2026-01-05 11:59:59,51,\n2026-01-05 12:00:30,51,\n2026-01-05 12:11:01,51,\n");
    assert_eq!((found.rows, found.within), (3, 0));
    assert!(found.lanes[0].against.is_empty());
}

/// Of two equal times nobody knows which they are: neither is compared, nor what lies between.
#[test]
fn times_that_come_twice_are_held_against_nothing() {
    let found = laid(
        0,
        "2026-01-05 12:02:00,51,\n2026-01-05 12:05:00,99,\n2026-01-05 12:04:00,99,\n2026-01-05 12:06:00,55,\n",
    );
    assert_eq!((found.doubtful, found.remarks.len()), (2, 1));
    let against = &found.lanes[0].against[0];
    assert_eq!((against.samples, against.largest.size().to_bits()), (2, 0.0_f64.to_bits()));
}

proptest! {
    /// Whatever a stranger's record says, times have an answer; and both ways of reading them agree.
    #[test]
    fn clocks_agree(began: u64, offset: i64, zone: i32, seconds in 0_i64..250_000_000_000) {
        let any = Record { run_began_us: began, zone_offset_s: zone, ..record(offset) };
        let _ = any.on_export(any.in_run(Local(seconds))).shown();
        let record = Record { zone_offset_s: zone % 50_000, ..record(offset % 10_000_000_000) };
        let at = Local(BEGAN + seconds % 1_000_000_000);
        prop_assert_eq!(record.on_export(record.in_run(at)), at);
    }
}
