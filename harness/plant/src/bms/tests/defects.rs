//! Defects: each does what its name says, and nothing else.

use proto::fault::{Fault, FaultKind};
use proto::frame::{CanId, Frame};
use proto::message::Message;
use proto::quantity::{Micros, Volts};
use rstest::rstest;

use super::batteries::FILES;
use super::bench::{Bench, File};

/// The reference with these defects.
fn with(faults: &str, soc: f64) -> Bench {
    let text = format!("{}  faults: [ {faults} ]\n", FILES[0].1);
    let file = serde_yaml::from_str::<File>(&text).unwrap_or_else(|e| panic!("{faults}: {e}"));
    Bench::new(&file.simulated, soc, 0.0)
}

/// What was sent of one identifier.
fn sent(bench: &Bench, id: u16) -> Vec<(Micros, Frame)> {
    bench.frames.iter().filter(|(_, f)| f.id() == CanId::Standard(id)).copied().collect()
}

/// The 16-bit field at a byte, little-endian.
fn field(frame: &Frame, byte: usize) -> u16 {
    u16::from_le_bytes([frame.data()[byte], frame.data()[byte + 1]])
}

fn off_grid(mut bench: Bench) -> Bench {
    (bench.grid, bench.sun, bench.load) = (false, 10.0, 30.0);
    bench.run(60);
    bench
}

#[rstest]
#[case("cvl-times-ten", 0x351, 0, |raw: u16| raw * 10)]
#[case("cvl-by-ten", 0x351, 0, |raw: u16| raw / 10)]
#[case("soc-by-ten", 0x355, 4, |raw: u16| raw / 10)]
#[case("soc-times-ten", 0x355, 0, |raw: u16| raw * 10)]
#[case("big-endian-limits", 0x351, 2, u16::swap_bytes)]
#[case("negative-limits", 0x351, 4, u16::wrapping_neg)]
#[case("no-discharge-voltage", 0x351, 6, |_| 0xFFFF)]
#[case("unsigned-current", 0x356, 2, u16::wrapping_neg)]
#[case("inverted-current", 0x356, 2, u16::wrapping_neg)]
#[case("kelvin-temperature", 0x356, 4, |raw: u16| raw + 2731)]
#[case("celsius-cells", 0x373, 6, |raw: u16| raw - 273)]
#[case("small-cells", 0x373, 2, |raw: u16| raw / 10 * 9)]
#[case("negative-charge", 0x351, 2, u16::wrapping_neg)]
#[case("big-endian-capacity", 0x35F, 4, u16::swap_bytes)]
#[case("half-installed", 0x379, 0, |raw: u16| raw / 2)]
#[case("ok-as-zero", 0x35A, 0, |_| 0)]
fn a_miscoded_field_is_what_it_should_be_in_another_form(
    #[case] miscoding: &str,
    #[case] id: u16,
    #[case] byte: usize,
    #[case] form: fn(u16) -> u16,
) {
    let sound = off_grid(with("", 80.0));
    let wrong = off_grid(with(&format!("miscoded: {miscoding}"), 80.0));
    // A battery that scales its limits or turns them over changes what flows: its first frames are compared.
    for ((_, right), (_, wrong)) in sent(&sound, id).iter().zip(sent(&wrong, id)).take(3) {
        assert_eq!(field(&wrong, byte), form(field(right, byte)), "{right:?} {wrong:?}");
    }
    assert_eq!(sound.frames[0].0, wrong.frames[0].0, "at the same time");
}

/// 20 A discharge the battery.
#[rstest]
#[case::smaller_ones_have_none("25 A", 1)]
#[case::it_is_large_enough("15 A", -1)]
fn a_small_current_has_no_sign(#[case] below: &str, #[case] sign: i16) {
    let bench = off_grid(with(&format!("unsigned-below: {{ current: {below} }}"), 80.0));
    let last = sent(&bench, 0x356).pop().map(|(_, frame)| field(&frame, 2).cast_signed());
    assert!(last.is_some_and(|current| (180..220).contains(&(current * sign))), "{last:?}");
}

#[test]
fn bytes_are_cut_off_and_written_over_at_their_times() {
    let faults = "cut-short: { id: 0x355, length: 2 }, overwritten: { id: 0x35A, from: 3, bytes: [0x06], every: 20 s, span: 5 s }";
    let mut bench = with(faults, 80.0);
    bench.run(60);
    assert!(sent(&bench, 0x355).iter().all(|(_, frame)| frame.data().len() == 2));
    let sound = off_grid(with("", 80.0));
    for ((at, frame), (_, right)) in sent(&bench, 0x35A).iter().zip(sent(&sound, 0x35A)) {
        let now = at.0 % 20_000_000 >= 15_000_000;
        assert_eq!(frame.data()[3], if now { 0x06 } else { right.data()[3] }, "{at}");
        assert_eq!(frame.data()[..3], right.data()[..3]);
    }
}

#[test]
fn a_frame_of_another_node_comes_at_its_own_pace_and_a_late_message_late() {
    let faults = "sends-also: { id: 0x1806E5F4, extended: true, bytes: [1, 2], every: 2 s }, sent-late: { id: 0x35A, after: 30 s }";
    let mut bench = with(faults, 80.0);
    bench.run(61);
    let others: Vec<_> =
        bench.frames.iter().filter(|(_, f)| f.id() == CanId::Extended(0x1806_E5F4)).collect();
    assert!((29..=31).contains(&others.len()) && others.iter().all(|(_, f)| f.data() == [1, 2]));
    let alarms = sent(&bench, 0x35A);
    assert!(alarms[0].0 >= Micros::from_secs(30) && alarms.len() > 28);
}

#[rstest]
#[case::bytes("overwritten: { id: 0x351, from: 6, bytes: [1, 2, 3] }")]
#[case::length("cut-short: { id: 0x351, length: 9 }")]
#[case::identifier("sends-also: { id: 0x800, bytes: [], every: 1 s }")]
#[case::span("overwritten: { id: 0x351, from: 6, bytes: [1], span: 2 s }")]
fn what_no_frame_has_room_for_is_refused(#[case] faults: &str) {
    let text = format!("{}  faults: [ {{ {faults} }} ]\n", FILES[0].1);
    assert!(serde_yaml::from_str::<File>(&text).is_err());
}

#[rstest]
#[case::sound("", true)]
#[case::latched("open-after-silence: { after: 30 s }", false)]
fn who_needs_a_reset_stays_open(#[case] faults: &str, #[case] closed: bool) {
    let mut bench = with(faults, 80.0);
    bench.run(10);
    bench.keep_alive = false;
    bench.run(40);
    bench.keep_alive = true;
    bench.run(30);
    assert_eq!(bench.trace.last().expect("a second of it").closed, closed);
}

/// The longest time between two frames of 0x351 after the first, s.
fn longest_gap(bench: &Bench) -> f64 {
    let limits = sent(bench, 0x351);
    let end = Micros::from_secs(bench.now);
    let times = limits.iter().map(|(at, _)| *at).chain([end]);
    let times: Vec<_> = times.collect();
    times.windows(2).map(|w| w[1].since(w[0]).secs()).fold(0.0, f64::max)
}

#[rstest]
#[case::while_ccl_is_zero("silent-without-charge", 15.0..30.0)]
#[case::never("", 0.0..1.1)]
fn a_battery_is_silent_while_it_takes_no_charge(#[case] faults: &str, #[case] gap: core::ops::Range<f64>) {
    let mut bench = with(faults, 80.0);
    bench.run(60);
    let fault = Fault { kind: FaultKind::CellVoltage { by: Volts(0.5) }, span: Micros::from_secs(20) };
    bench.bms.inject(Micros::from_secs(60), fault);
    bench.run(240);
    assert!(gap.contains(&longest_gap(&bench)), "{}", longest_gap(&bench));
}

#[rstest]
#[case::sound("", 1.1, 1.1)]
#[case::waits_for_the_gx("silent-without-keep-alive: { after: 5 s }", 55.0, 58.0)]
#[case::lost("never-back-on-bus: { after: 5 s }", 175.0, 178.0)]
fn a_silent_gx_silences(#[case] faults: &str, #[case] least: f64, #[case] most: f64) {
    let mut bench = with(faults, 80.0);
    bench.run(60);
    bench.keep_alive = false;
    bench.run(60);
    bench.keep_alive = true;
    bench.run(120);
    let gap = longest_gap(&bench);
    assert!((least - 0.2..=most).contains(&gap), "{gap}");
}

#[test]
fn every_message_stops_in_a_stall_without_an_identifier() {
    let mut bench = with("stall: { every: 60 s, span: 20 s }", 80.0);
    bench.run(120);
    let within = |at: &Micros| (40_000_000..59_900_000).contains(&(at.0 % 60_000_000));
    assert!(bench.frames.len() > 300 && !bench.frames.iter().any(|(at, _)| within(at)));
}

#[test]
fn frozen_values_go_on_being_sent() {
    let mut bench = off_grid(with("frozen: { after: 60 s }", 80.0));
    bench.load = 60.0;
    bench.run(60);
    let after: Vec<_> = sent(&bench, 0x356).into_iter().filter(|(at, _)| at.0 > 61_000_000).collect();
    assert!(after.len() > 55 && after.iter().all(|(_, f)| *f == after[0].1));
}

#[test]
fn garbage_is_said_at_the_start_only() {
    let mut bench = with("boot-garbage: { span: 15 s }", 80.0);
    bench.run(60);
    for (at, frame) in bench.frames.clone() {
        let early = at < Micros::from_secs(15);
        match Message::decode(&frame) {
            Some(Message::Limits(m)) => assert_eq!((m.ccl == Some(0), m.dcl == Some(0)), (early, early)),
            Some(Message::Measurements(m)) => assert_eq!(m.temperature == Some(-1500), early),
            _ => {}
        }
    }
}

#[test]
fn a_glitch_is_one_frame() {
    let mut bench = with("glitch-frames: { every: 60 s }", 80.0);
    bench.run(200);
    let glitches = sent(&bench, 0x356).iter().filter(|(_, f)| field(f, 0) == 4600).count();
    assert_eq!(glitches, 3);
}

#[test]
fn identity_and_byte_order_switch_together() {
    let mut bench = with("identity-switches: { every: 60 s, manufacturer: PYLON }", 80.0);
    bench.run(240);
    let names: Vec<_> =
        sent(&bench, 0x35E).iter().map(|(at, f)| (at.0 / 60_000_000 % 2, f.data()[0])).collect();
    assert!(names.len() > 20 && names.iter().all(|(odd, c)| *c == if *odd == 1 { b'P' } else { b'B' }));
    let cvl = |f: &Frame| field(f, 0);
    assert!(sent(&bench, 0x351).iter().all(|(at, f)| (cvl(f) == 560) == (at.0 / 60_000_000 % 2 == 0)));
}

#[test]
fn force_charge_is_sent_by_none_but_the_one_that_forces() {
    let forced = |faults: &str| {
        let mut bench = with(faults, 80.0);
        bench.run(30);
        sent(&bench, 0x360)
    };
    assert!(forced("").is_empty());
    assert!(
        forced("force-charge").len() > 25 && forced("force-charge").iter().all(|(_, f)| f.data() == [0xFF])
    );
}

/// A trip by one high cell for 20 s, and two hours after it: the loop of the reference comes back slowly.
fn after_a_trip(faults: &str) -> Bench {
    let mut bench = off_grid(with(faults, 80.0));
    let fault = Fault { kind: FaultKind::CellVoltage { by: Volts(0.5) }, span: Micros::from_secs(20) };
    bench.bms.inject(Micros::from_secs(bench.now), fault);
    bench.run(7200);
    bench
}

#[rstest]
#[case("", 56.0)]
#[case("zero-cvl-after-trip", 0.0)]
#[case("low-cvl-after-trip: { cvl: 51.2 V }", 51.2)]
fn cvl_after_a_trip(#[case] faults: &str, #[case] cvl: f64) {
    let bench = after_a_trip(faults);
    assert!((bench.trace[50].cvl - 56.0).abs() < 0.01, "sound before");
    assert!(bench.last(60).iter().all(|p| (p.cvl - cvl).abs() < 0.01 && p.ccl > 0.0), "{:?}", bench.last(1));
}

#[rstest]
#[case("", 56.0, 140.0, 200.0)]
#[case("derated-cvl: { cvl: 53 V }", 53.0, 140.0, 200.0)]
#[case("swinging-limits: { by: 1 V }", 55.0, 70.0, 100.0)]
#[case("no-discharge-when-full: { soc: 80 % }", 56.0, 140.0, 0.0)]
#[case("no-discharge-when-full: { soc: 90 % }", 56.0, 140.0, 200.0)]
fn the_least_that_is_sent(#[case] faults: &str, #[case] cvl: f64, #[case] ccl: f64, #[case] dcl: f64) {
    let mut bench = with(faults, 81.0);
    bench.run(60);
    let least = |of: fn(&super::bench::Point) -> f64| bench.last(50).iter().map(of).fold(f64::MAX, f64::min);
    let found = (least(|p| p.cvl), least(|p| p.ccl), least(|p| p.dcl));
    assert_eq!(found, (cvl, ccl, dcl));
}

#[rstest]
#[case("", true, true)]
#[case("deadlock-after-undervoltage", true, false)]
#[case("no-charge-after-undervoltage", true, false)]
#[case("open-after-undervoltage", false, true)]
fn the_morning_after_an_empty_night(#[case] faults: &str, #[case] closed: bool, #[case] charges: bool) {
    let mut bench = with(faults, 5.0);
    (bench.grid, bench.load) = (false, 40.0);
    bench.run(3 * 3600);
    (bench.sun, bench.load) = (30.0, 0.0);
    bench.run(3600);
    let last = bench.last(1)[0];
    assert_eq!((last.closed, last.ccl > 0.0), (closed, charges), "{last:?}");
    assert_eq!(last.closed && last.ccl > 0.0, last.current > 1.0, "{last:?}");
}
