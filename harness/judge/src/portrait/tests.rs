//! The pages of P 6 from frames of batteries in the field, and the order of names of P 4 Q2.

use proto::quantity::Micros;
use rstest::rstest;

use super::*;
use crate::wire::Spot;

/// Frames as candump writes them, a second between cycles.
fn wire(cycles: u64, frames: &[&str]) -> Wire {
    let mut wire = Wire::default();
    for cycle in 0..cycles {
        for (k, text) in frames.iter().enumerate() {
            let (id, data) = text.split_once('#').expect("id#data");
            let byte = |k: usize| u8::from_str_radix(&data[2 * k..2 * k + 2], 16).expect("hexadecimal");
            let data: Vec<u8> = (0..data.len() / 2).map(byte).collect();
            let frame = Frame::standard(u16::from_str_radix(id, 16).expect("hexadecimal"), &data);
            let at = Micros::from_secs(cycle) + Micros::from_millis(10 * k as u64);
            wire.frame(Spot::new(at, None), &frame, Message::decode(&frame).as_ref());
        }
    }
    wire
}

fn portrait(frames: &[&str]) -> Portrait {
    Portrait::of(&wire(5, frames), true)
}

/// A page as text: label and values of each row.
fn page(portrait: &Portrait, which: usize) -> Vec<String> {
    portrait.pages[which].rows.iter().map(|r| format!("{}: {}", r.label, r.values.join(" "))).collect()
}

/// P 4 Q2: 0x370 and 0x371, then 0x35E, then a name for all.
#[rstest]
#[case::seplos(&["370#43414E2D534D4152", "371#54424D532D424154", "35E#5348456E65726779"], "CAN-SMARTBMS-BAT", "named by 0x370 and 0x371")]
#[case::byd(&["35E#4259440000000000"], "BYD", "named by 0x35E")]
#[case::padded_with_spaces(&["35E#50594C4F4E202020"], "PYLON", "named by 0x35E")]
#[case::half_a_name(&["370#43414E2D534D4152", "35E#4259440000000000"], "BYD", "named by 0x35E")]
#[case::deye(&["35E#44593030311CFC08"], "CAN-bus BMS battery", "0x35E is no text")]
#[case::nameless(&["351#480200050005AE01"], "CAN-bus BMS battery", "it names itself neither")]
#[case::nothing(&[], "CAN-bus BMS battery", "it names itself neither")]
fn named_as_on_the_gx(#[case] frames: &[&str], #[case] name: &str, #[case] by: &str) {
    let portrait = portrait(frames);
    assert_eq!(portrait.name, name);
    assert!(portrait.named_by.starts_with(by), "{}", portrait.named_by);
    let identity = portrait.identity();
    assert!(identity[0].0 == "Name on the GX" && identity[0].1 == name, "{identity:?}");
}

/// BYD Battery-Box Premium LVS (dfch/BydCanProtocol): CVL 58.4, 53.10 V, −0.7 A, 14 °C, cells 3.306 to 3.329 V.
#[test]
fn the_pages_of_a_battery_in_the_field() {
    let portrait = portrait(&[
        "35E#4259440000000000",
        "35F#4C69011769000000",
        "35A#AAAAAAAAAAAAAAAA",
        "351#480200050005AE01",
        "355#4300640000000000",
        "356#BE14F9FF8C000000",
        "372#0200000000000000",
        "373#EA0C010D1F012201",
        "374#3200000000000000",
        "379#9C00000000000000",
        "382#5052454D49554D00",
    ]);
    assert_eq!(page(&portrait, 0)[0], "Battery: 53.10V -0.7A -37W");
    assert_eq!(page(&portrait, 0)[3], "Battery temperature: 14°C");
    assert_eq!(page(&portrait, 1)[0], "Lowest cell voltage: 2 3.306V");
    assert_eq!(page(&portrait, 1)[1], "Highest cell voltage: -- 3.329V");
    assert_eq!(page(&portrait, 1)[6], "Installed / Available capacity: 156Ah 105Ah");
    assert!(page(&portrait, 2).iter().all(|row| row.ends_with(": Ok")));
    assert_eq!(page(&portrait, 3)[3], "Firmware version: v1.23");
    assert_eq!(page(&portrait, 4)[0], "Charge Voltage Limit (CVL): 58.4V");
    assert_eq!(page(&portrait, 4)[3], "Low Voltage Disconnect (always ignored): 43.0V");
    let identity = portrait.identity();
    assert!(identity.contains(&("Family, 0x382".to_owned(), "PREMIUM".to_owned())), "{identity:?}");
    let limits = portrait.messages.iter().find(|m| m.id == 0x351).expect("a row for each message");
    assert_eq!((limits.count, limits.period, limits.kind), (5, Some(Micros::from_secs(1)), Kind::Core));
    assert_eq!(limits.last, "cvl 58.4 V, ccl 128.0 A, dcl 128.0 A, discharge voltage 43.0 V");
    assert!(portrait.load.is_some());
}

#[test]
fn what_is_not_sent_shows_as_two_dashes() {
    let portrait = portrait(&["305#0000000000000000"]);
    for which in [1, 2, 4] {
        assert!(page(&portrait, which).iter().all(|row| row.ends_with("--")), "{:?}", page(&portrait, which));
    }
    assert!(page(&portrait, 3)[0].ends_with("--"), "0x35A is what a GX recognises a battery by (P 5.1)");
    assert!(portrait.alarms.iter().all(|row| row.alarm == Support::Unknown));
}

#[test]
fn alarms_are_what_they_were() {
    let mut all = wire(2, &["35A#A6AAAAAAAAAAAA02"]);
    let cleared = Frame::standard(0x35A, &[0xAA, 0xAA, 0xAA, 0x02, 0x06, 0, 0, 0]);
    all.frame(Spot::new(Micros::from_secs(9), None), &cleared, Message::decode(&cleared).as_ref());
    let portrait = Portrait::of(&all, true);
    let row = |kind: AlarmKind| portrait.alarms[kind as usize];
    assert_eq!(row(AlarmKind::HighVoltage).alarm, Support::WasActive);
    assert_eq!(row(AlarmKind::HighVoltage).warning, Support::Active);
    assert_eq!(row(AlarmKind::LowVoltage).alarm, Support::Ok);
    assert_eq!(page(&portrait, 2)[1], "High battery voltage: Warning");
}

#[rstest]
#[case::vendor("35B#0000000000000000", "not in the document, ignored: 0x35B")]
#[case::known_vendor("359#0000000000000000", "0x359 (Pylontech low voltage")]
#[case::undefined_bytes(
    "356#6114D3FEEB001A00",
    "0x356 uses bytes from 6 on that the document does not define (last 1A 00)"
)]
#[case::undefined_bytes_of_identity("35F#4C4901033C02AA00", "(last AA 00)")]
#[case::reserved_bits("35A#AAAAAAAAAAAAAAAA", "reserved")]
#[case::short("355#33006400", "shorter than 8 bytes, which is legal: 0x355 (4, without High res SOC)")]
#[case::short_text("35E#5059544553", "0x35E (5, text not padded with zeros)")]
#[case::active("35A#A6AAAAAAAAAAAA0A", "0x35A at the end: active: high voltage alarm")]
#[case::no_voltage("351#480200050005FFFF", "discharge voltage of 6553.5 V is no voltage of this battery")]
#[case::no_health("355#43000000", "state of health is 0 %")]
#[case::force("360#00", "force charge is not asked for")]
fn remarks_name_what_is_harmless(#[case] frame: &str, #[case] says: &str) {
    let remarks = portrait(&[frame]).remarks;
    assert!(remarks.iter().any(|r| r.contains(says)), "{remarks:?}");
}

#[test]
fn a_plain_battery_needs_no_remark() {
    let plain =
        ["351#480200050005AE01", "355#4300640084170000", "356#BE14F9FF8C000000", "35A#AAAAAA02AAAAAA0A"];
    assert_eq!(portrait(&plain).remarks, [""; 0]);
}

#[test]
fn without_real_times_no_period_is_told() {
    let portrait = Portrait::of(&wire(5, &["351#480200050005AE01"]), false);
    assert!(portrait.messages.iter().all(|m| m.period.is_none() && m.histogram.is_empty()));
    assert_eq!(portrait.load, None);
}

#[rstest]
#[case(&[], "")]
#[case(&[17], "█")]
#[case(&[1, 0, 100], "▁·█")]
#[case(&[50, 100, 25], "▄█▂")]
#[case(&[u64::MAX, 1], "█▁")]
fn sparklines(#[case] histogram: &[u64], #[case] drawn: &str) {
    assert_eq!(sparkline(histogram), drawn);
}
