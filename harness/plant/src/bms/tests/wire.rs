//! What is on the wire: timing, content, and the variants that a file can ask for.

use std::collections::BTreeMap;

use proto::frame::CanId;
use proto::message::{Firmware, Message, Pair};
use proto::quantity::Micros;
use rstest::rstest;

use super::batteries::FILES;
use super::bench::{Bench, File, battery};

fn reference_with(wire: &str) -> Bench {
    let text = FILES[0].1.replace("    frames: full\n", &format!("    {wire}\n"));
    assert_ne!(text, FILES[0].1);
    let params = serde_yaml::from_str::<File>(&text).unwrap_or_else(|e| panic!("{e}")).simulated;
    Bench::new(&params, 60.0, 0.0)
}

fn times(bench: &Bench) -> BTreeMap<CanId, Vec<Micros>> {
    let mut times: BTreeMap<CanId, Vec<Micros>> = BTreeMap::new();
    for (at, frame) in &bench.frames {
        times.entry(frame.id()).or_default().push(*at);
    }
    times
}

#[test]
fn every_message_keeps_its_period_within_the_jitter() {
    let mut bench = Bench::new(&battery("reference"), 60.0, 0.0);
    bench.run(120);
    let fast = [0x351, 0x355, 0x356, 0x35A, 0x373];
    let times = times(&bench);
    assert_eq!(times.len(), 19);
    for (id, times) in times {
        let period = if fast.map(CanId::Standard).contains(&id) { 1_000_000 } else { 10_000_000 };
        assert!(times.len() as u64 >= 118_000_000 / period, "{id}");
        for pair in times.windows(2) {
            assert!((pair[1].0 - pair[0].0).abs_diff(period) <= 2_000, "{id}: {pair:?}");
        }
    }
    assert!(bench.frames.windows(2).all(|w| w[0].0 <= w[1].0), "in the order of time");
}

#[test]
fn frames_say_what_was_sensed() {
    let mut bench = Bench::new(&battery("reference"), 60.0, 20.0);
    (bench.grid, bench.sun, bench.load) = (false, 50.0, 10.0);
    bench.run(300);
    let mut seen = 0;
    let point = bench.last(1)[0];
    for (_, frame) in bench.frames.iter().rev().take(60) {
        match Message::decode(frame).expect("a message of the document") {
            Message::Limits(m) => {
                assert_eq!(m.to_owned().cvl().map(|v| v.to_string()), Some("56 V".to_owned()));
                assert!((m.discharge_voltage().unwrap().0 - 44.8).abs() < 1e-9);
            }
            Message::StateOfCharge(m) => {
                let fine = m.finest_soc().unwrap().0;
                assert!((fine - m.soc().unwrap().0).abs() <= 0.5, "SOC-02");
                assert!((60.0..62.0).contains(&fine));
                assert_eq!(m.soh, Some(100));
            }
            Message::Measurements(m) => {
                assert!((m.voltage().unwrap().0 - point.pack).abs() < 0.05);
                assert!((m.current().unwrap().0 - point.current).abs() < 0.4, "positive when charging");
                assert!((m.temperature().unwrap().0 - 25.0).abs() < 1e-9);
            }
            Message::Cells(m) => {
                assert!(m.min_cell() <= m.max_cell());
                assert!((m.max_cell().unwrap().0 - point.highest).abs() < 0.004);
                assert_eq!((m.min_temperature, m.max_temperature), (Some(297), Some(299)), "kelvin");
            }
            Message::MaxCellVoltageId(text) => {
                assert_eq!(text.as_ascii(), Some("7"), "cell 7 was charged more")
            }
            Message::Alarms(a) => {
                assert!(a.any_supported() && !a.any_alarm() && !a.any_warning());
                assert_eq!((a.system_status(), a.reserved()), (Pair::Ok, 0));
            }
            Message::BatteryIdentity(m) => {
                assert_eq!(m.firmware(), Some(Firmware { major: 1, minor: 0 }));
                assert_eq!(m.online_capacity, Some(280));
            }
            Message::Modules(m) => {
                assert_eq!((m.ok, m.offline, m.blocking_charge()), (Some(1), Some(0), None));
            }
            Message::Energy(m) => assert!(m.energy_in().is_some() && m.energy_out().is_some()),
            _ => {}
        }
        seen += 1;
    }
    assert_eq!(seen, 60);
}

#[test]
fn a_name_is_cut_in_two_and_padded_with_zeros() {
    let mut bench = Bench::new(&battery("reference"), 60.0, 0.0);
    bench.run(15);
    let text = |id| {
        let frame = bench.frames.iter().find(|(_, f)| f.id() == CanId::Standard(id)).expect("sent").1;
        frame.data().to_vec()
    };
    assert_eq!(text(0x35E), b"BusbarLF");
    assert_eq!([text(0x370), text(0x371)].concat(), b"BusbarLFP Ref\0\0\0");
    assert_eq!([text(0x380), text(0x381)].concat(), b"BB0001\0\0\0\0\0\0\0\0\0\0");
    assert_eq!(text(0x382), b"LFP16\0\0\0");
}

/// CVL, CCL and DCL of a battery that was just switched on, as they stand in its file.
fn expected(name: &str) -> (Option<u16>, Option<u16>, Option<u16>) {
    match name {
        "clipped-sum" => (Some(560), Some(1570), Some(2200)),
        "float-after-absorption" => (Some(552), Some(1400), Some(2000)),
        _ => (Some(560), Some(1400), Some(2000)),
    }
}

#[test]
fn limits_are_right_from_the_first_frame_on() {
    for (name, _) in FILES {
        let mut bench = Bench::new(&battery(name), 60.0, 0.0);
        bench.run(3);
        let first = bench.frames.iter().find_map(|(_, f)| match Message::decode(f) {
            Some(Message::Limits(m)) => Some(m),
            _ => None,
        });
        let limits = first.expect("0x351 within 3 s (P 1.4)");
        assert_eq!((limits.cvl, limits.ccl, limits.dcl), expected(name), "{name}");
    }
}

#[rstest]
#[case("frames: short", 0x351, Some(6))]
#[case("frames: short", 0x355, Some(4))]
#[case("frames: short", 0x373, Some(4))]
#[case("frames: full", 0x351, Some(8))]
#[case("frames: full\n    omit: [0x35E]", 0x35E, None)]
fn frames_come_short_or_not_at_all_where_a_file_says_so(
    #[case] wire: &str,
    #[case] id: u16,
    #[case] length: Option<usize>,
) {
    let mut bench = if wire == "frames: full" {
        Bench::new(&battery("reference"), 60.0, 0.0)
    } else {
        reference_with(wire)
    };
    bench.run(15);
    let found = bench.frames.iter().find(|(_, f)| f.id() == CanId::Standard(id)).map(|(_, f)| f.data().len());
    assert_eq!(found, length);
}

#[test]
fn alarms_that_mean_ok_by_zero_can_be_had() {
    let text = FILES[0].1.replace("alarms: pairs", "alarms: all-zero");
    let mut bench = Bench::new(&serde_yaml::from_str::<File>(&text).unwrap().simulated, 60.0, 0.0);
    bench.run(5);
    let alarms = bench.frames.iter().filter(|(_, f)| f.id() == CanId::Standard(0x35A));
    assert!(alarms.clone().count() > 2 && alarms.clone().all(|(_, f)| f.data() == [0; 8]));
}

#[test]
fn a_stalled_message_stops_while_the_others_go_on() {
    let stall = "  faults: [ { stall: { id: 0x351, every: 60 s, span: 5 s } } ]\n";
    let text = format!("{}{stall}", FILES[0].1);
    let mut bench = Bench::new(&serde_yaml::from_str::<File>(&text).unwrap().simulated, 60.0, 0.0);
    bench.run(300);
    let times = times(&bench);
    let longest = |id| {
        let times = &times[&CanId::Standard(id)];
        times.windows(2).map(|w| w[1].0 - w[0].0).max().unwrap()
    };
    assert!(longest(0x351).abs_diff(6_000_000) < 3_000, "{}", longest(0x351));
    assert!(longest(0x355).abs_diff(1_000_000) < 3_000);
}
