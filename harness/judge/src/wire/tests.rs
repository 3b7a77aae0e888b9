//! A good log passes, each fault is found by its requirement, and silence passes nothing.

use super::*;
use crate::catalogue::row;
use crate::verdict::Outcome::{self, Fail, Inconclusive, NotApplicable, Pass};
use crate::verdict::Verdict;
use crate::verdicts::{in_log, of_log};
use proptest::prelude::*;
use proto::fault::{Fault, FaultKind, Id};
use proto::frame::CanId;
use proto::message::Limits;
use proto::quantity::{Amps, Volts};
use rstest::rstest;

mod course;
mod faults;
mod field;
mod layouts;

/// A cycle of frames once a second for a while.
fn log(seconds: u64, cycle: &[&str]) -> Wire {
    log_with(seconds, |_| cycle.iter().map(|f| (*f).to_owned()).collect())
}
fn log_with(seconds: u64, cycle: impl Fn(u64) -> Vec<String>) -> Wire {
    let mut wire = Wire::default();
    let mut line = 0;
    for s in 0..seconds {
        for (k, text) in cycle(s).iter().enumerate() {
            line += 1;
            let at = Micros::from_secs(s) + Micros::from_millis(10 * k as u64);
            let frame = parse(text);
            wire.frame(Spot::new(at, Some(line)), &frame, Message::decode(&frame).as_ref());
        }
    }
    wire
}
fn parse(text: &str) -> Frame {
    let (id, data) = text.split_once('#').expect("id#data");
    let bytes: Vec<u8> = (0..data.len() / 2)
        .map(|k| u8::from_str_radix(&data[2 * k..2 * k + 2], 16).expect("hexadecimal"))
        .collect();
    let number = u32::from_str_radix(id, 16).expect("hexadecimal");
    let id = if id.len() > 3 { CanId::Extended(number) } else { CanId::Standard(number as u16) };
    Frame::new(id, &bytes).expect("a frame")
}
fn judged(wire: &Wire, id: &str) -> Verdict {
    on(id, wire, &Terms::of_a_log())
}
fn on(id: &str, wire: &Wire, terms: &Terms<'_>) -> Verdict {
    let row = row(id).expect("a row of the catalogue");
    in_log(row, wire, terms).expect("judged by logs")
}
fn check(wire: &Wire, id: &str, expected: Outcome) -> Verdict {
    let verdict = judged(wire, id);
    assert_eq!(verdict.outcome, expected, "{id}: {} {:#?}", verdict.reason, verdict.evidence);
    verdict
}

/// BYD Battery-Box Premium LVS (dfch/BydCanProtocol), once a second, with the frames of the GX.
const BYD: [&str; 17] = [
    "305#0000000000000000",
    "307#1234567856494300",
    "35E#4259440000000000",
    "382#5052454D49554D00",
    "35F#4C69011769000000",
    "35A#AAAAAAAAAAAAAAAA",
    "351#480200050005AE01",
    "355#4300640000000000",
    "356#BE14F9FF8C000000",
    "360#0000000000000000",
    "372#0200020001000000",
    "373#EA0C010D1F012201",
    "374#3200000000000000",
    "375#3200000000000000",
    "376#3200000000000000",
    "377#3100000000000000",
    "379#9C00000000000000",
];

#[rstest]
#[case("BUS-01", Pass)]
#[case("BUS-04", Pass)]
#[case("BUS-05", Pass)]
#[case("BUS-06", Pass)]
#[case("BUS-07", Pass)]
#[case("MSG-01", Pass)]
#[case("MSG-02", Pass)]
#[case("MSG-03", Pass)]
#[case("MSG-04", Pass)]
#[case("TIM-01", Pass)]
#[case("TIM-02", Pass)]
#[case("TIM-05", Pass)]
#[case("CVL-01", Pass)]
#[case("CVL-03", Inconclusive)]
#[case("CVL-05", NotApplicable)]
#[case("CVL-06", NotApplicable)]
#[case("CCL-01", Pass)]
#[case("CCL-02", Inconclusive)]
#[case("CCL-03", Pass)]
#[case("CCL-04", Pass)]
#[case("DCL-01", Pass)]
#[case("DVL-01", Pass)]
#[case("SOC-01", Pass)]
#[case("SOC-02", NotApplicable)]
#[case("SOC-04", Pass)]
#[case("MEA-02", Pass)]
#[case("ALM-01", Pass)]
#[case("ALM-02", Pass)]
#[case("ALM-03", Pass)]
#[case("ALM-04", NotApplicable)]
#[case("ALM-06", Inconclusive)]
#[case("ALM-07", Pass)]
#[case("IDN-01", Pass)]
#[case("IDN-02", NotApplicable)]
#[case("IDN-03", Pass)]
#[case("IDN-04", Pass)]
#[case("IDN-05", NotApplicable)]
#[case("IDN-06", Pass)]
#[case("FRC-01", Pass)]
#[case("MOD-01", Pass)]
#[case("CEL-01", Pass)]
#[case("CEL-02", Pass)]
#[case("CEL-03", Pass)]
#[case("ENE-01", NotApplicable)]
fn a_good_log(#[case] id: &str, #[case] expected: Outcome) {
    check(&log(90, &BYD), id, expected);
}

#[test]
fn an_empty_log_passes_nothing() {
    for verdict in of_log(&Wire::default(), &Terms::of_a_log()) {
        assert!(matches!(verdict.outcome, Inconclusive | NotApplicable), "{verdict:?}");
    }
}

/// Each fault by frames that replace those of the good log.
#[rstest]
#[case::no_alarms("MSG-01", "35A#AAAAAAAAAAAAAAAA", "359#0000000000000000")]
#[case::old_alarms("ALM-04", "35A#AAAAAAAAAAAAAAAA", "359#0000000000000000")]
#[case::no_maker("MSG-02", "35E#4259440000000000", "35B#00")]
#[case::long_ids("BUS-01", "360#0000000000000000", "1510A8A0#0000000010050701")]
#[case::second_gx("BUS-04", "360#0000000000000000", "305#0000000000000000")]
#[case::foreign_keep_alive("BUS-04", "305#0000000000000000", "305#0100000000000000")]
#[case::short_limits("MSG-04", "351#480200050005AE01", "351#48020005")]
#[case::cvl_zero("CVL-01", "351#480200050005AE01", "351#000000050005AE01")]
#[case::cvl_ten_times("CVL-01", "351#480200050005AE01", "351#D01600050005AE01")]
#[case::negative_ccl("CCL-01", "351#480200050005AE01", "351#480200FF0005AE01")]
#[case::negative_dcl("DCL-01", "351#480200050005AE01", "351#480200059CFFAE01")]
#[case::soc_ten_times("SOC-01", "355#4300640000000000", "355#9E02640000000000")]
#[case::high_resolution_ten_times("SOC-02", "355#4300640000000000", "355#430064009E020000")]
#[case::kelvin("MEA-02", "356#BE14F9FF8C000000", "356#BE14F9FF880B0000")]
#[case::absolute_zero("MEA-02", "356#BE14F9FF8C000000", "356#BE14F9FF55F50000")]
#[case::no_voltage("MEA-02", "356#BE14F9FF8C000000", "356#0000F9FF8C000000")]
#[case::all_zero("ALM-02", "35A#AAAAAAAAAAAAAAAA", "35A#0000000000000000")]
#[case::spaces("IDN-01", "35E#4259440000000000", "35E#50594C4F4E202020")]
#[case::binary_tail("IDN-01", "35E#4259440000000000", "35E#44593030311CFC08")]
#[case::two_names("IDN-02", "374#3200000000000000", "370#43414E2D534D4152")]
#[case::small_installed("IDN-04", "379#9C00000000000000", "379#3200000000000000")]
#[case::half_a_serial("IDN-05", "374#3200000000000000", "380#3132333435363738")]
#[case::family_binary("IDN-06", "382#5052454D49554D00", "382#50521C4D49554D00")]
#[case::forced_at_67_percent("FRC-01", "360#0000000000000000", "360#FF")]
#[case::more_blocking_than_there_are("MOD-01", "372#0200020001000000", "372#0200050001000000")]
#[case::cells_crossed("CEL-01", "373#EA0C010D1F012201", "373#010DEA0C1F012201")]
#[case::cell_celsius("CEL-01", "373#EA0C010D1F012201", "373#EA0C010D12001400")]
#[case::cells_elsewhere("CEL-02", "373#EA0C010D1F012201", "373#100E270E1F012201")]
#[case::cell_id_binary("CEL-03", "374#3200000000000000", "374#0200000000000000")]
fn a_fault_is_found(#[case] id: &str, #[case] good: &str, #[case] bad: &str) {
    let cycle: Vec<&str> = BYD.iter().map(|&f| if f == good { bad } else { f }).collect();
    assert_ne!(cycle, BYD, "the good frame is in the log");
    let verdict = check(&log(90, &cycle), id, Fail);
    assert!(verdict.reason.len() > 20, "{}", verdict.reason);
}

/// The first bad text is the proof, whatever is sent later.
#[test]
fn the_bad_text_is_quoted() {
    let maker = |bad: &'static str| {
        log_with(90, |s| {
            BYD.iter()
                .map(|f| if s == 20 { f.replace("35E#4259440000000000", bad) } else { (*f).to_owned() })
                .collect()
        })
    };
    let binary = check(&maker("35E#44593030311CFC08"), "IDN-01", Fail);
    assert!(binary.reason.contains(r"\x1c\xfc\x08"), "{}", binary.reason);
    let spaces = check(&maker("35E#50594C4F4E202020"), "IDN-01", Fail);
    assert!(spaces.reason.contains("PYLON"), "{}", spaces.reason);
}

/// A period longer than the bins reach is no stall, and a stall of it is found.
#[rstest]
#[case(20, 0, Pass)]
#[case(20, 100, Fail)]
#[case(6, 0, Pass)]
#[case(6, 40, Fail)]
fn a_slow_period_is_steady(#[case] period: u64, #[case] stall: u64, #[case] expected: Outcome) {
    let sent = |s: u64| s.is_multiple_of(period) && !(300..300 + stall).contains(&s);
    let wire = log_with(600, |s| {
        BYD.iter().filter(|f| !f.starts_with("355") || sent(s)).map(|f| (*f).to_owned()).collect()
    });
    check(&wire, "TIM-05", expected);
}

#[test]
fn the_line_of_the_log_is_the_proof() {
    let wire = log_with(90, |s| {
        BYD.iter()
            .map(|f| if s == 60 { f.replace("351#4802", "351#0000") } else { (*f).to_owned() })
            .collect()
    });
    let verdict = check(&wire, "CVL-01", Fail);
    let lines: Vec<_> = verdict.evidence.iter().filter_map(|e| e.line).collect();
    assert!(lines.contains(&(60 * BYD.len() as u64 + 7)), "{lines:?}");
}

#[test]
fn a_pause_of_three_seconds_stops_the_system() {
    let pausing = |pause: u64| {
        log_with(120, move |s| {
            let silent = (60..60 + pause).contains(&s);
            BYD.iter().filter(|f| !(silent && f.starts_with("351"))).map(|f| (*f).to_owned()).collect()
        })
    };
    check(&pausing(1), "TIM-01", Pass);
    check(&pausing(3), "TIM-01", Fail);
    assert!(check(&pausing(2), "TIM-01", Inconclusive).reason.contains("± 0.01 s: too near to decide"));
}

/// What a suite keeps away on purpose is not held against the battery, what it keeps away besides is.
#[rstest]
#[case(60, 60..70, Some(0x351), Pass)]
#[case(60, 60..70, None, Pass)]
#[case(60, 60..70, Some(0x355), Fail)]
#[case(60, 50..70, Some(0x351), Fail)]
#[case(60, 60..90, Some(0x351), Fail)]
fn frames_kept_away_on_purpose_are_no_gap(
    #[case] from: u64,
    #[case] missing: core::ops::Range<u64>,
    #[case] id: Option<u16>,
    #[case] expected: Outcome,
) {
    let mut wire = Wire::default();
    for second in 0..180 {
        let at = Micros::from_secs(second);
        if second == from {
            let span = Micros::from_secs(10);
            let kind = FaultKind::FrameLoss { share: Percent(100.0), id: id.map(Id) };
            wire.note(at, &Stimulus::Inject(Fault { kind, span }));
        }
        let limits = Message::from(Limits::new(Volts(56.0), Amps(100.0), Amps(100.0), Volts(44.0))).encode();
        if !missing.contains(&second) {
            wire.frame(Spot::new(at, None), &limits, Message::decode(&limits).as_ref());
        }
        let other = Frame::standard(0x355, &[50, 0, 100, 0]);
        wire.frame(Spot::new(at, None), &other, Message::decode(&other).as_ref());
    }
    let verdict = judged(&wire, "TIM-01");
    assert_eq!(verdict.outcome, expected, "{}", verdict.reason);
}

/// Pylontech US5000, protocol 1.3 (setfirelabs.com): one cycle, 0x351 before 0x356, name padded with spaces.
#[test]
fn one_cycle_decides_what_it_can() {
    let wire = log(
        1,
        &[
            "351#1002C012C012C201",
            "355#540060000000",
            "356#7B13E9FE6B01",
            "35A#0000000000000000",
            "35E#50594C4F4E202020",
        ],
    );
    check(&wire, "CVL-01", Pass);
    check(&wire, "MSG-01", Pass);
    check(&wire, "MSG-02", Inconclusive);
    check(&wire, "ALM-01", Inconclusive);
    check(&wire, "ALM-02", Fail);
    check(&wire, "IDN-01", Fail);
}

/// Times that were made up judge no period; all else is judged, missing messages by counted cycles.
#[test]
fn without_real_times_the_rest_is_judged() {
    let terms = Terms { untimed: Some("the times were not measured".to_owned()), ..Terms::of_a_log() };
    let verdicts = of_log(&log(90, &BYD), &terms);
    let of = |id: &str| verdicts.iter().find(|v| v.requirement.id == id).expect("judged");
    for id in ["TIM-01", "TIM-02", "TIM-05", "BUS-05", "CVL-03"] {
        assert_eq!(of(id).outcome, Inconclusive, "{id}");
        assert!(of(id).reason.contains("not measured"), "{}", of(id).reason);
    }
    for id in ["MSG-01", "MSG-02", "CVL-01", "ALM-01", "BUS-04"] {
        assert_eq!(of(id).outcome, Pass, "{id}");
    }
    let without: Vec<&str> = BYD.iter().copied().filter(|f| !f.starts_with("35A")).collect();
    for (cycles, expected) in [(3, Inconclusive), (10, Fail)] {
        let verdicts = of_log(&log(cycles, &without), &terms);
        let found = verdicts.iter().find(|v| v.requirement.id == "MSG-01").expect("judged");
        assert_eq!(found.outcome, expected, "{}", found.reason);
    }
}

/// Without a GX on the bus, 0x305 may be that of an inverter of another make.
#[test]
fn a_keep_alive_of_another_make_is_not_the_batterys_fault() {
    let others: Vec<&str> =
        BYD.iter().copied().filter(|f| !f.starts_with("30")).chain(["305#1502640000000000"]).collect();
    check(&log(20, &others), "BUS-04", Inconclusive);
}

/// P 5.1: 29-bit identifiers are wrong, but VE.Can may share the wires (P 5.1, the profile of 250 kbit/s).
#[test]
fn ve_can_beside_the_battery_is_not_the_batterys_fault() {
    let with = |frame: &'static str| log(20, &[BYD.as_slice(), &[frame]].concat());
    check(&with("19F21403#00FF7FFF7F000000"), "BUS-01", Pass);
    check(&log(20, &["19F21403#00FF7FFF7F000000"]), "BUS-01", Inconclusive);
    let widened = check(&with("00000356#1479016200F00240"), "BUS-01", Fail);
    assert!(widened.reason.contains("0x356"), "{}", widened.reason);
}

/// A battery that repeats all it sends every second needs no minute to show that 0x35F is missing; one that sends
/// something rarely does, and so does a certificate.
#[test]
fn how_long_a_missing_identity_is_waited_for() {
    let cycle: Vec<&str> = BYD.iter().copied().filter(|f| !f.starts_with("35F")).collect();
    check(&log(18, &cycle), "MSG-02", Fail);
    let rarely = log_with(18, |s| {
        cycle.iter().filter(|f| s == 0 || !f.starts_with("382")).map(|f| (*f).to_owned()).collect()
    });
    check(&rarely, "MSG-02", Inconclusive);
    let terms = Terms { certifying: true, ..Terms::of_a_log() };
    let verdicts = of_log(&log(18, &cycle), &terms);
    assert!(verdicts.iter().any(|v| v.requirement.id == "MSG-02" && v.outcome == Inconclusive));
}

#[test]
fn the_frame_is_the_proof() {
    let bad: Vec<&str> =
        BYD.iter().map(|&f| if f.starts_with("351") { "351#000000050005AE01" } else { f }).collect();
    let verdict = check(&log(20, &bad), "CVL-01", Fail);
    let shown: Vec<String> = verdict.evidence.iter().filter_map(|e| Some(e.frame?.to_string())).collect();
    assert!(shown.contains(&"351#000000050005AE01".to_owned()), "{shown:?}");
}

#[test]
fn slow_cycles_and_stalls() {
    let slow = log_with(120, |s| if s % 2 == 0 { BYD.map(str::to_owned).to_vec() } else { Vec::new() });
    check(&slow, "TIM-01", Pass);
    check(&slow, "TIM-02", Fail);
    let stalled = log_with(120, |s| {
        BYD.iter().filter(|f| !(s > 60 && f.starts_with("356"))).map(|f| (*f).to_owned()).collect()
    });
    check(&stalled, "TIM-05", Fail);
    check(&log(5, &BYD), "TIM-01", Inconclusive);
    check(&log(5, &BYD), "TIM-02", Inconclusive);
}

#[test]
fn alarms_must_clear_to_10() {
    let raised = |after: &'static str| {
        log_with(90, move |s| {
            let alarms = if s == 30 {
                "35A#A6AAAAAAAAAAAAAA"
            } else if s > 30 {
                after
            } else {
                "35A#AAAAAAAAAAAAAAAA"
            };
            BYD.iter()
                .map(|f| if f.starts_with("35A") { alarms.to_owned() } else { (*f).to_owned() })
                .collect()
        })
    };
    check(&raised("35A#AAAAAAAAAAAAAAAA"), "ALM-01", Pass);
    check(&raised("35A#A2AAAAAAAAAAAAAA"), "ALM-01", Fail);
    let flags = log_with(90, |s| {
        let alarms = if s < 30 { "35A#AAAAAA02AAAAAA0A" } else { "35A#AAAAAA06AAAAAA0A" };
        BYD.iter().map(|f| if f.starts_with("35A") { alarms.to_owned() } else { (*f).to_owned() }).collect()
    });
    check(&flags, "ALM-03", Fail);
}

#[test]
fn offline_carries_no_current() {
    let with = |status: &str, current: &str| {
        let (alarms, measured) =
            (format!("35A#AAAAAA02AAAAAA{status}"), format!("356#BE14{current}8C000000"));
        log_with(90, move |_| vec![alarms.clone(), measured.clone()])
    };
    check(&with("0A", "6400"), "ALM-06", Pass);
    check(&with("06", "0000"), "ALM-06", Pass);
    check(&with("06", "6400"), "ALM-06", Fail);
    check(&with("02", "6400"), "ALM-06", NotApplicable);
}

#[test]
fn a_swapped_firmware_is_suspected_not_convicted() {
    let cycle: Vec<&str> =
        BYD.iter().map(|&f| if f.starts_with("35F") { "35F#01006E013200" } else { f }).collect();
    let verdict = check(&log(90, &cycle), "IDN-03", Inconclusive);
    assert!(verdict.reason.contains("110.1"), "{}", verdict.reason);
}

/// 53.2 V and 94 A for an hour are 5 kWh, 50 counts of 0x378.
#[test]
fn energy_counters() {
    let counting = |count: fn(u64) -> u32| {
        log_with(3600, move |s| {
            let n = count(s).to_le_bytes();
            let hex: String = n.iter().map(|b| format!("{b:02X}")).collect();
            vec!["356#C814AC038C000000".to_owned(), format!("378#{hex}2B070000")]
        })
    };
    check(&counting(|s| 2112 + (s / 72) as u32), "ENE-01", Pass);
    check(&counting(|s| (s / 72) as u32), "ENE-01", Pass);
    check(&counting(|s| ((s / 72) as u32).wrapping_add(u32::MAX - 20)), "ENE-01", Pass);
    check(&counting(|_| 2112), "ENE-01", Fail);
    check(&counting(|s| 3000 - (s / 72) as u32), "ENE-01", Fail);
    check(&log(90, &["356#C814AC038C000000", "378#400800002B070000"]), "ENE-01", Inconclusive);
}

#[test]
fn a_maker_that_changes_is_two_nodes_or_a_profile_that_switches() {
    let wire = log_with(90, |s| {
        let maker = if s % 2 == 0 { "35E#4259440000000000" } else { "35E#50594C4F4E000000" };
        vec![maker.to_owned(), "351#480200050005AE01".to_owned()]
    });
    check(&wire, "BUS-06", Fail);
    let maker = check(&wire, "IDN-01", Inconclusive);
    assert!(maker.reason.contains("BUS-06"), "two senders are one cause: {}", maker.reason);
    let switching = log_with(900, |s| {
        let maker = if s / 100 % 2 == 0 { "35E#4259440000000000" } else { "35E#50594C4F4E000000" };
        vec![maker.to_owned(), "351#480200050005AE01".to_owned()]
    });
    check(&switching, "BUS-06", Fail);
    check(&switching, "IDN-01", Fail);
}

#[test]
fn certification_needs_the_identity() {
    let cycle: Vec<&str> = BYD.iter().copied().filter(|f| !f.starts_with("35F")).collect();
    let severity = |certifying| {
        let terms = Terms { certifying, ..Terms::of_a_log() };
        let verdict = of_log(&log(90, &cycle), &terms).into_iter().find(|v| v.requirement.id == "MSG-02");
        let verdict = verdict.expect("judged");
        assert_eq!(verdict.outcome, Fail);
        verdict.requirement.severity
    };
    assert_eq!(severity(true), crate::requirement::Severity::Must);
    assert_eq!(severity(false), crate::requirement::Severity::Should);
}

proptest! {
    #[test]
    fn no_frames_make_it_panic(frames in proptest::collection::vec((0x300u16..0x390, proptest::collection::vec(any::<u8>(), 0..9), 0u64..5_000_000), 0..300)) {
        let mut wire = Wire::default();
        let mut at = Micros::ZERO;
        for (id, data, later) in frames {
            at += Micros(later);
            let frame = Frame::standard(id, &data);
            wire.frame(Spot::new(at, None), &frame, Message::decode(&frame).as_ref());
        }
        for verdict in of_log(&wire, &Terms::of_a_log()) {
            prop_assert!(!verdict.reason.is_empty());
        }
    }
}

/// A minute, a silence of the whole bus or of the battery alone, and another minute.
fn interrupted(gx_goes_on: bool) -> Wire {
    log_with(130, |s| {
        let cycle = BYD.iter().map(|f| (*f).to_owned());
        match (60..70).contains(&s) {
            false => cycle.collect(),
            true if gx_goes_on => cycle.take(2).collect(),
            true => Vec::new(),
        }
    })
}

#[test]
fn a_silence_that_the_gx_shares_decides_nothing() {
    // The battery may have gone away and left nobody to acknowledge: nothing is held against it, nothing passes.
    let shared = check(&interrupted(false), "TIM-01", Inconclusive);
    assert!(
        shared.evidence.iter().any(|e| e.what.contains("pauses") && e.value.starts_with("1,")),
        "{shared:?}"
    );
    check(&interrupted(false), "TIM-05", Pass);
    check(&interrupted(true), "TIM-01", Fail);
}

#[test]
fn a_battery_that_does_not_come_back_after_a_pause_is_found_out() {
    let gone = log_with(130, |s| {
        let cycle = BYD.iter().map(|f| (*f).to_owned());
        match s {
            0..60 => cycle.collect(),
            60..70 => Vec::new(),
            _ => cycle.take(2).collect(),
        }
    });
    check(&gone, "TIM-01", Fail);
}

#[test]
fn without_a_gx_on_the_bus_a_silence_is_the_batterys() {
    let alone = log_with(130, |s| {
        let cycle = BYD[2..].iter().map(|f| (*f).to_owned());
        if (60..70).contains(&s) { Vec::new() } else { cycle.collect() }
    });
    check(&alone, "TIM-01", Fail);
}

fn at(seconds: u64, odd: u64, then: &str) -> Wire {
    log_with(seconds, |s| {
        BYD.iter()
            .map(|f| if s == odd && f[..3] == then[..3] { then.to_owned() } else { (*f).to_owned() })
            .collect()
    })
}

#[test]
fn a_garbled_voltage_is_found_in_its_own_frame_and_blames_no_cvl() {
    // 46.00 V once among 53.10 V, the current as before.
    let glitch = at(60, 30, "356#F811F9FF8C000000");
    let verdict = check(&glitch, "MEA-02", Fail);
    assert!(
        verdict.evidence.iter().any(|e| e.line == Some(30 * BYD.len() as u64 + 9)),
        "{:?}",
        verdict.evidence
    );
    check(&at(60, 30, "356#FF7FF9FF8C000000"), "CVL-01", Pass);
}

#[test]
fn a_load_that_pulls_the_voltage_down_for_a_second_is_no_glitch() {
    // 48.00 V at −200 A once.
    check(&at(60, 30, "356#C01230F88C000000"), "MEA-02", Pass);
}

#[test]
fn a_current_that_no_battery_carries_is_found_without_a_battery_file() {
    check(&at(60, 30, "356#BE14F87F8C000000"), "MEA-02", Fail);
}

/// The most that a pack may measure follows from where its cells are disconnected, whatever they are made of; without a
/// battery file any of these voltages is one that a battery may have.
#[rstest]
#[case::fourteen_of_nmc(14, 4.25, 5880, Pass)]
#[case::thirteen_of_nmc(13, 4.20, 5460, Pass)]
#[case::garbage_of_nmc(14, 4.25, 6600, Fail)]
#[case::twenty_of_lto(20, 2.80, 5400, Pass)]
#[case::garbage_of_lto(20, 2.80, 6400, Fail)]
#[case::sixteen_of_lfp(16, 3.65, 5840, Pass)]
#[case::garbage_of_lfp(16, 3.65, 6500, Fail)]
#[case::fifteen_of_lfp(15, 3.65, 5475, Pass)]
#[case::eight_of_lfp(8, 3.65, 2920, Pass)]
#[case::four_of_lfp(4, 3.65, 1460, Pass)]
fn the_declared_cells_bound_the_voltage(
    #[case] cells: u16,
    #[case] disconnect: f64,
    #[case] centivolts: u16,
    #[case] expected: Outcome,
) {
    let battery = Battery { cells, cell_over_voltage: Volts(disconnect), ..crate::behaviour::declared() };
    let [low, high] = centivolts.to_le_bytes();
    let wire = log_with(60, |_| {
        let measured = format!("356#{low:02X}{high:02X}F9FF8C000000");
        BYD.iter().map(|f| if f.starts_with("356") { measured.clone() } else { (*f).to_owned() }).collect()
    });
    let verdict = |battery| {
        let terms = Terms { battery, ..Terms::of_a_log() };
        of_log(&wire, &terms).into_iter().find(|v| v.requirement.id == "MEA-02").expect("a row")
    };
    let found = verdict(Some(&battery));
    assert_eq!(found.outcome, expected, "{}", found.reason);
    assert_eq!(verdict(None).outcome, Pass);
    if expected == Fail {
        assert_eq!(found.evidence[0].what, "highest battery voltage", "{:#?}", found.evidence);
    }
}

#[test]
fn a_high_cvl_over_an_empty_battery_is_undecided_and_a_jump_to_it_fails() {
    // 34.00 V measured throughout, CVL 58.4 V: 1.7 times.
    let empty = log_with(60, |_| {
        BYD.iter()
            .map(|f| if f.starts_with("356") { "356#480DF9FF8C000000".to_owned() } else { (*f).to_owned() })
            .collect()
    });
    check(&empty, "CVL-01", Inconclusive);
    check(&at(60, 30, "351#E80300050005AE01"), "CVL-01", Fail); // 100.0 V once
}

#[test]
fn cvl_must_be_right_before_the_first_voltage_too() {
    // 655.35 V in the first frame, before any 0x356.
    check(&at(60, 0, "351#FFFF00050005AE01"), "CVL-01", Fail);
}
