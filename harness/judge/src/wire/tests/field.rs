//! Kinds of faults that batteries in the field show, each by the fewest frames that show it, and beside each what is right
//! and looks alike.

use super::*;
use crate::requirement::Severity;

/// A healthy pack of 16 LFP cells, 0x351 first: CVL 55.2 V, CCL and DCL 100 A, 60 %, 53.12 V, 5.0 A.
pub(super) const PACK: [&str; 7] = [
    "351#2802E803E803C001",
    "355#3C00640070170000",
    "356#C0143200F000",
    "35A#AAAAAAAAAAAAAA0A",
    "35E#4143455041434B00",
    "35F#000001026400",
    "373#EE0C020D24012601",
];

/// Its cycle with other frames in place of those with the same identifier, the others as they are.
pub(super) fn with(frames: &[&str]) -> Vec<String> {
    let other = |f: &&str| frames.iter().find(|other| other[..3] == f[..3]).unwrap_or(f).to_string();
    PACK.iter().map(other).collect()
}

/// The same with 0x351 as the last message of a cycle.
fn limits_last(mut cycle: Vec<String>) -> Vec<String> {
    cycle.rotate_left(1);
    cycle
}

pub(super) fn limits(cvl: f64, ccl: f64, dcl: f64) -> String {
    let raw = |value: f64| ((value * 10.0).round() as u16).swap_bytes();
    format!("351#{:04X}{:04X}{:04X}C001", raw(cvl), raw(ccl), raw(dcl))
}

pub(super) fn state(soc: u16) -> String {
    format!("355#{:04X}6400", soc.swap_bytes())
}

pub(super) fn measured(voltage: f64, current: f64, celsius: f64) -> String {
    let raw = |value: f64| (value.round() as i16).cast_unsigned().swap_bytes();
    format!("356#{:04X}{:04X}{:04X}", raw(voltage * 100.0), raw(current * 10.0), raw(celsius * 10.0))
}

pub(super) fn cells(low: f64, high: f64) -> String {
    let raw = |volts: f64| ((volts * 1000.0).round() as u16).swap_bytes();
    format!("373#{:04X}{:04X}24012601", raw(low), raw(high))
}

/// So many seconds, each with some frames of its own.
pub(super) fn seconds(count: u64, frames: impl Fn(u64) -> Vec<String>) -> Wire {
    log_with(count, |s| {
        let own = frames(s);
        with(&own.iter().map(String::as_str).collect::<Vec<_>>())
    })
}

/// What fails or warns.
pub(super) fn blamed(wire: &Wire) -> Vec<&'static str> {
    let verdicts = of_log(wire, &Terms::of_a_log());
    verdicts.iter().filter(|v| v.outcome == Fail).map(|v| v.requirement.id).collect()
}

#[test]
fn the_healthy_pack_breaks_nothing() {
    let wire = seconds(120, |_| Vec::new());
    assert_eq!(blamed(&wire), [""; 0]);
}

/// P 2: *"All other fields are optional"*. Public firmware sends only the first counter of 0x372.
#[rstest]
#[case("372#0200", Pass)]
#[case("372#02000000", Pass)]
#[case("372#020000000000", Pass)]
#[case("373#EE0C020D", Pass)]
#[case("378#01000000", Pass)]
#[case("360#00", Pass)]
#[case("379#6400", Pass)]
#[case("35F#00000102", Pass)]
#[case("355#3C006400", Pass)]
#[case("355#3C0064007017", Pass)]
#[case("35B#", Pass)]
#[case("351#2802E803", Fail)]
#[case("355#3C00", Fail)]
#[case("35A#AAAA", Fail)]
fn short_frames_of_optional_messages_fail_nothing(#[case] frame: &str, #[case] expected: Outcome) {
    let wire = log_with(60, |_| {
        let cycle = PACK.iter().filter(|f| f[..3] != frame[..3]).map(|f| (*f).to_owned());
        cycle.chain([frame.to_owned()]).collect()
    });
    check(&wire, "MSG-04", expected);
    if frame.starts_with("372") {
        check(&wire, "MOD-01", Pass);
    }
}

/// CVL 49.2 V beside 58.43 V: 12 cells configured for a pack of 16 (a handoff note of OutlanderPHEVBMS).
const TOO_LOW: [&str; 5] = [
    "351#EC012C012C018001",
    "355#6000640080250000",
    "356#D316000000000000",
    "35A#AAAAAA02AAAAAA02",
    "35E#53494D5020424D53",
];

#[test]
fn a_cvl_far_below_the_own_voltage_for_a_minute_fails() {
    let long = log(90, &TOO_LOW);
    let verdict = check(&long, "CVL-01", Fail);
    assert_eq!(verdict.requirement.severity, Severity::Must);
    assert!(
        verdict.reason.contains("15.8 % below") && verdict.reason.contains("full power"),
        "{}",
        verdict.reason
    );
    check(&long, "CVL-06", Inconclusive);
    // Half a minute warns, and leaves the must undecided.
    let short = log(30, &TOO_LOW);
    assert_eq!(check(&short, "CVL-01", Fail).requirement.severity, Severity::Should);
    check(&short, "CVL-06", Inconclusive);
    // Cycles are counted where times were not measured.
    let untimed = Terms { untimed: Some("the times were not measured".to_owned()), ..Terms::of_a_log() };
    let of = |wire: &Wire| of_log(wire, &untimed).into_iter().find(|v| v.requirement.id == "CVL-01");
    assert_eq!(of(&long).map(|v| v.requirement.severity), Some(Severity::Must));
}

#[rstest]
#[case::somewhat(52.0, -20.0, 120, Some(Severity::Should), Inconclusive)]
#[case::somewhat_at_rest(52.0, 0.0, 120, Some(Severity::Should), NotApplicable)]
#[case::a_float(54.4, 0.0, 120, None, NotApplicable)]
#[case::a_moment(46.0, 0.0, 40, None, NotApplicable)]
fn a_cvl_below_the_voltage(
    #[case] cvl: f64,
    #[case] current: f64,
    #[case] until: u64,
    #[case] blamed: Option<Severity>,
    #[case] suspected: Outcome,
) {
    let wire = seconds(180, |s| {
        let low = (20..20 + until).contains(&s);
        vec![
            limits(if low { cvl } else { 56.8 }, 100.0, 100.0),
            // One garbled voltage in between does not end it.
            measured(if s == 50 { 40.0 } else { 56.0 }, current, 20.0),
            cells(3.49, 3.51),
        ]
    });
    let found = judged(&wire, "CVL-01");
    assert_eq!((found.outcome == Fail).then_some(found.requirement.severity), blamed, "{}", found.reason);
    check(&wire, "CVL-06", suspected);
    // Beside a run, CVL-06 decides what happens.
    let beside = Terms { alone: false, ..Terms::of_a_log() };
    assert_eq!(on("CVL-01", &wire, &beside).outcome, Pass);
}

/// 3.15 V for each of 16 LFP cells at 3.30 V: 4.5 % below, and the cells would be emptied.
#[rstest]
#[case::below_the_plateau(50.4, cells(3.29, 3.31), Fail)]
#[case::on_it(52.0, cells(3.29, 3.31), Pass)]
#[case::other_cells(50.4, cells(2.19, 2.21), Pass)]
fn a_cvl_below_the_plateau_of_its_cells_fails(
    #[case] cvl: f64,
    #[case] cell: String,
    #[case] expected: Outcome,
) {
    let wire = seconds(120, |_| vec![limits(cvl, 100.0, 100.0), measured(52.8, 0.0, 20.0), cell.clone()]);
    check(&wire, "CVL-01", expected);
}

/// Whatever makes a battery full, CCL = 0 is found in it, whichever message comes first in the cycle.
#[rstest]
#[case::charge(99, 55.2, 53.1, (3.31, 3.33), 0.0, Fail)]
#[case::reduced(93, 53.6, 53.1, (3.31, 3.33), 0.0, Fail)]
#[case::knee(97, 55.2, 54.9, (3.41, 3.46), 5.0, Fail)]
#[case::at_limit(96, 55.2, 55.1, (3.41, 3.42), 0.5, Fail)]
#[case::on_the_plateau(97, 55.2, 53.1, (3.31, 3.33), 0.0, Inconclusive)]
fn ccl_zero_is_found_however_the_battery_is_full(
    #[case] soc: u16,
    #[case] cvl: f64,
    #[case] voltage: f64,
    #[case] cell: (f64, f64),
    #[case] current: f64,
    #[case] expected: Outcome,
    #[values(false, true)] last: bool,
) {
    let wire = log_with(200, |s| {
        let full = s >= 100;
        let own = if full {
            vec![limits(cvl, 0.0, 100.0), state(soc), measured(voltage, current, 20.0), cells(cell.0, cell.1)]
        } else {
            Vec::new()
        };
        let cycle = with(&own.iter().map(String::as_str).collect::<Vec<_>>());
        if last { limits_last(cycle) } else { cycle }
    });
    let verdict = check(&wire, "CCL-02", expected);
    // What is no fault of a full battery is named as what nothing explains.
    check(&wire, "CCL-03", if expected == Fail { Pass } else { Fail });
    assert!(expected != Fail || verdict.reason.contains("curtailed"), "{}", verdict.reason);
}

/// Near zero is below 2 % of the largest CCL; a minute at a stretch is an outage, however rare.
#[rstest]
#[case::near_zero(1.5, 600, 600, Fail)]
#[case::enough(3.0, 600, 600, Pass)]
#[case::a_rare_minute(0.0, 3000, 62, Fail)]
#[case::a_moment(0.0, 3000, 30, Pass)]
fn how_little_ccl_is_too_little(
    #[case] ccl: f64,
    #[case] full: u64,
    #[case] zero: u64,
    #[case] expected: Outcome,
    #[values(false, true)] full_first: bool,
) {
    let wire = seconds(full + 60, |s| {
        let at = if full_first { s } else { s.wrapping_sub(60) };
        let ccl = if at < zero { ccl } else { 100.0 };
        let soc = if at < full { 100 } else { 60 };
        vec![limits(55.2, ccl, 100.0), state(soc)]
    });
    check(&wire, "CCL-02", expected);
}

/// CCL = 0 and DCL = 0 for more than a minute, and what explains them.
#[rstest]
#[case::no_reason(0.0, 100.0, 60, 20.0, false, Fail)]
#[case::no_reason_to_forbid_discharge(100.0, 0.0, 60, 20.0, false, Fail)]
#[case::cold(0.0, 100.0, 60, -3.0, false, Pass)]
#[case::hot(0.0, 0.0, 60, 55.0, false, Pass)]
#[case::alarm(0.0, 0.0, 60, 20.0, true, Pass)]
#[case::empty(100.0, 0.0, 9, 20.0, false, Pass)]
#[case::empty_but_no_charge(0.0, 0.0, 9, 20.0, false, Fail)]
#[case::never(100.0, 100.0, 60, 20.0, false, Pass)]
fn what_forbids_charge_or_discharge_is_explained(
    #[case] ccl: f64,
    #[case] dcl: f64,
    #[case] soc: u16,
    #[case] celsius: f64,
    #[case] alarm: bool,
    #[case] expected: Outcome,
) {
    let wire = seconds(300, |s| {
        let here = (100..200).contains(&s);
        let (ccl, dcl) = if here { (ccl, dcl) } else { (100.0, 100.0) };
        let alarms = if alarm && here { "35A#A6AAAAAAAAAAAA0A" } else { "35A#AAAAAAAAAAAAAA0A" };
        vec![limits(55.2, ccl, dcl), state(soc), measured(53.1, 0.0, celsius), alarms.to_owned()]
    });
    let verdict = check(&wire, "CCL-03", expected);
    if expected == Fail {
        assert!(verdict.reason.contains("for 0:01:40 from 0:01:40 on"), "{}", verdict.reason);
        assert!(
            verdict.evidence.iter().any(|e| e.value.contains("from 0:01:40 to 0:03:20")),
            "{:?}",
            verdict.evidence
        );
    }
}

#[test]
fn what_is_forbidden_for_less_than_a_minute_is_no_fault() {
    let short =
        seconds(300, |s| vec![limits(55.2, if (100..140).contains(&s) { 0.0 } else { 100.0 }, 100.0)]);
    check(&short, "CCL-03", Pass);
    let open = seconds(130, |s| vec![limits(55.2, if s >= 100 { 0.0 } else { 100.0 }, 100.0)]);
    check(&open, "CCL-03", Inconclusive);
}

/// DCL between 15 and 30 A every three seconds, 47 % (dbus-serialbattery, issue 187).
#[rstest]
#[case::every_3_seconds(|s: u64| if (s / 3).is_multiple_of(2) { 15.0 } else { 30.0 }, Fail)]
#[case::every_second(|s: u64| if s.is_multiple_of(2) { 15.0 } else { 30.0 }, Fail)]
#[case::a_little(|s: u64| if (s / 3).is_multiple_of(2) { 28.0 } else { 30.0 }, Pass)]
#[case::derated_once(|s: u64| if s < 300 { 30.0 } else { 15.0 }, Pass)]
#[case::with_the_weather(|s: u64| if (s * s / 97).is_multiple_of(7) { 15.0 } else { 30.0 }, Pass)]
fn a_limit_that_goes_to_and_fro_is_named(#[case] dcl: fn(u64) -> f64, #[case] expected: Outcome) {
    let wire = seconds(900, |s| vec![limits(55.2, 50.0, dcl(s)), state(47)]);
    let verdict = check(&wire, "CCL-04", expected);
    assert!(expected != Fail || verdict.reason.contains("15.0 and 30.0 A"), "{}", verdict.reason);
    check(&wire, "BUS-06", Pass);
}

/// SoC 100 % for a second in the middle of 55 % (threads about jumps of the state of charge).
#[rstest]
#[case::glitch(|s: u64| if s == 77 || s == 150 { 100 } else { 55 }, Fail, "55-100-55")]
#[case::jump(|s: u64| if s < 100 { 40 } else { 55 }, Fail, "from 40 to 55 %")]
#[case::in_steps(|s: u64| 40 + 2 * (s.clamp(100, 110) - 100) as u16, Fail, "no current explains")]
#[case::charge(|s: u64| 40 + (s / 30) as u16, Pass, "")]
fn jumps_of_the_state_of_charge(#[case] soc: fn(u64) -> u16, #[case] expected: Outcome, #[case] says: &str) {
    let verdict = check(&seconds(300, |s| vec![state(soc(s))]), "SOC-04", expected);
    assert!(verdict.reason.contains(says), "{}", verdict.reason);
}

/// Two packs, each with its own numbers once a second, one a while after the other.
fn two_packs(after: u64, count: u64, other: &[String]) -> Wire {
    let mut wire = Wire::default();
    let one = with(&[]);
    let two = with(&other.iter().map(String::as_str).collect::<Vec<_>>());
    for s in 0..count {
        for (cycle, late) in [(&one, 0), (&two, after)] {
            for (k, text) in cycle.iter().enumerate() {
                let at = Micros::from_secs(s) + Micros::from_millis(late + 10 * k as u64);
                let frame = parse(text);
                wire.frame(Spot::new(at, None), &frame, Message::decode(&frame).as_ref());
            }
        }
    }
    wire
}

/// The same maker, the same firmware: only their numbers and their rhythm tell two packs apart.
#[rstest]
#[case::all_numbers(300, vec![limits(54.0, 60.0, 60.0), state(85), measured(53.1, -2.0, 24.0)], "CVL-03")]
#[case::in_even_turns(500, vec![limits(54.0, 60.0, 60.0), state(85)], "CVL-03")]
#[case::limits_alone(300, vec![limits(54.0, 100.0, 100.0)], "CVL-03")]
#[case::cells_and_state(400, vec![state(70), cells(3.20, 3.42)], "SOC-04")]
fn two_packs_on_one_bus_are_one_cause(
    #[case] after: u64,
    #[case] other: Vec<String>,
    #[case] undecided: &str,
) {
    let wire = two_packs(after, 120, &other);
    let verdict = check(&wire, "BUS-06", Fail);
    assert!(verdict.reason.contains("two nodes send it"), "{}", verdict.reason);
    assert_eq!(blamed(&wire), ["BUS-06"], "no other row blames one battery");
    let open = check(&wire, undecided, Inconclusive);
    assert!(open.reason.contains("BUS-06"), "{}", open.reason);
}

/// Two packs of which one is faster, ms: the rows that such a log blames a battery for are undecided by the cause.
#[rstest]
fn two_packs_of_two_rhythms_are_one_cause(#[values(300, 500, 1300, 2000, 5000)] period: u64) {
    let streams = [(1000, with(&[])), (period, with(&[&limits(54.0, 60.0, 60.0), &state(40)]))];
    let mut frames: Vec<(u64, String)> = streams
        .into_iter()
        .enumerate()
        .flat_map(|(k, (period, cycle))| {
            let times = (0..300_000 / period).map(move |n| 370 * k as u64 + n * period);
            times.flat_map(move |at| {
                let cycle = cycle.clone();
                cycle.into_iter().enumerate().map(move |(k, text)| (at + 10 * k as u64, text))
            })
        })
        .collect();
    frames.sort();
    let mut wire = Wire::default();
    for (at, text) in frames {
        let frame = parse(&text);
        wire.frame(Spot::new(Micros::from_millis(at), None), &frame, Message::decode(&frame).as_ref());
    }
    check(&wire, "BUS-06", Fail);
    assert_eq!(blamed(&wire), ["BUS-06"], "no other row blames one battery");
}

/// A battery that says something else in every third, fourth or tenth of its frames is one battery.
#[rstest]
fn one_battery_whose_frames_are_wrong_now_and_then_is_no_two(#[values(3, 4, 10)] each: u64) {
    let wire = seconds(300, |s| {
        let wrong = s % each == 0;
        vec![state(if wrong { 100 } else { 55 }), limits(if wrong { 54.4 } else { 55.2 }, 100.0, 100.0)]
    });
    check(&wire, "BUS-06", Pass);
    check(&wire, "SOC-04", Fail);
}

/// One battery that moves its CVL every second is one battery.
#[test]
fn one_battery_that_flips_its_cvl_is_no_two() {
    let wire = seconds(120, |s| vec![limits(if s % 2 == 0 { 55.2 } else { 54.4 }, 100.0, 100.0)]);
    check(&wire, "BUS-06", Pass);
    check(&wire, "CVL-03", Fail);
}

/// Voltage and CVL contradict each other: the one that nothing agrees with is wrong.
#[rstest]
#[case::tenths("356#1302320014000000", "MEA-02", "0.1 V", true)]
#[case::tenths_without_cells("356#1302320014000000", "MEA-02", "0.1 V", false)]
#[case::millivolts("356#80CF320014000000", "MEA-02", "0.001 V", true)]
#[case::volts("356#3500320014000000", "MEA-02", "whole volts", true)]
#[case::cvl_ten_times("351#9015E803E803C001", "CVL-01", "0.01 V", true)]
#[case::cvl_ten_times_without_cells("351#9015E803E803C001", "CVL-01", "0.01 V", false)]
#[case::cvl_in_volts("351#3700E803E803C001", "CVL-01", "whole volts", true)]
fn a_wrong_scale_is_named_where_it_is(
    #[case] frame: &str,
    #[case] row: &str,
    #[case] says: &str,
    #[case] with_cells: bool,
) {
    let wire = log_with(90, |_| {
        with(&[frame]).into_iter().filter(|f| with_cells || !f.starts_with("373")).collect()
    });
    let verdict = check(&wire, row, Fail);
    assert!(verdict.reason.contains(says), "{}", verdict.reason);
    assert_eq!(blamed(&wire), [row], "one cause");
}

/// 350.00 V in a signed field of 0.01 V (a thread of the Victron community, 286179).
#[test]
fn a_high_voltage_pack_is_called_so() {
    let wire = log_with(60, |_| with(&["351#3C0FFA002C01F00A", "356#B8882000EB00"])[..6].to_vec());
    let verdict = check(&wire, "MEA-02", Fail);
    assert!(
        verdict.reason.contains("high-voltage") && verdict.reason.contains("350.00 V"),
        "{}",
        verdict.reason
    );
    assert_eq!(blamed(&wire), ["MEA-02"]);
}

fn swapped(frame: &str) -> String {
    let (id, data) = frame.split_once('#').expect("id#data");
    let pairs: Vec<&str> = (0..data.len() / 2).map(|k| &data[2 * k..2 * k + 2]).collect();
    let words = pairs.chunks(2).map(|pair| pair.iter().rev().copied().collect::<String>());
    format!("{id}#{}", words.collect::<String>())
}

/// All numbers with the high byte first, or those of some messages: the byte order is the one thing that is named.
#[rstest]
#[case::all(&["351", "355", "356", "373"], "CVL-01")]
#[case::limits_and_state(&["351", "355"], "CVL-01")]
#[case::state(&["355"], "SOC-01")]
#[case::measured(&["356"], "MEA-02")]
#[case::cells(&["373"], "CEL-01")]
fn a_byte_order_is_named_once(#[case] ids: &[&str], #[case] row: &str) {
    let cycle: Vec<String> =
        PACK.iter().map(|&f| if ids.contains(&&f[..3]) { swapped(f) } else { f.to_owned() }).collect();
    let wire = log_with(90, |_| cycle.clone());
    assert_eq!(blamed(&wire), [row]);
    let verdicts = of_log(&wire, &Terms::of_a_log());
    let named: Vec<_> = verdicts.iter().filter(|v| v.reason.contains("byte order")).collect();
    assert_eq!(named.len(), 1, "{named:?}");
    assert_eq!(named[0].requirement.id, row);
    assert!(ids.iter().all(|id| named[0].reason.contains(id)), "{}", named[0].reason);
}

/// P 1.3: allowed by the software, not for new integrations.
#[test]
fn ve_can_on_the_same_bus_is_named() {
    let wire = log_with(60, |_| {
        let mut cycle = with(&[]);
        cycle.push("09F2145C#0147140000FFFFFF".to_owned());
        cycle
    });
    let verdict = check(&wire, "BUS-07", Fail);
    assert!(
        verdict.reason.contains("NMEA 2000") && verdict.reason.contains("new integrations"),
        "{}",
        verdict.reason
    );
    check(&wire, "BUS-01", Pass);
}

/// A battery monitor on the same bus says what the battery does not know of itself: 10 A more than nothing, the other way round.
#[test]
fn a_battery_monitor_on_the_bus_is_told_beside_the_battery() {
    let wire = log_with(60, |_| {
        let mut cycle = with(&["356#BE149CFF8C000000"]);
        // 127508 of 53.20 V and +10.0 A, 127506 of a battery at 88 %, from address 0x5C.
        cycle.extend(
            ["19F2145C#00C8146400FFFFFF", "19F2125C#0009FF000058FFFF", "19F2125C#01FFFFFFFFFFFFFF"]
                .map(str::to_owned),
        );
        cycle
    });
    let verdict = check(&wire, "BUS-07", Fail);
    let told = verdict.evidence.iter().find(|evidence| evidence.what.contains("address 92")).expect("told");
    assert_eq!(
        told.value,
        "+0.10 V on average in 59 readings, +20.00 A on average in 59 readings, its current has the other sign in 59 of 59 readings above 2 A"
    );
}
