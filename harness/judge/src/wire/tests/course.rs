//! What shows only over time: a CVL that goes to and fro, current against what is forbidden, alarms that vanish or flicker,
//! gaps that come again. Beside each what is right and looks alike.

use super::field::{blamed, cells, limits, measured, seconds, state, with};
use super::*;

/// A battery that follows CVL as one of so many mΩ does: it takes a current that dies away over the time constant.
struct Follows {
    milliohms: f64,
    constant: f64,
}

/// So many seconds of a CVL that follows a function, with the current that it moves, on top of a steady 5 A.
fn swung(count: u64, cvl: impl Fn(u64) -> f64, plant: &Follows) -> Wire {
    let mut voltage = cvl(0);
    let amps: Vec<f64> = (0..count)
        .map(|s| {
            let amps = 1000.0 * (cvl(s) - voltage) / plant.milliohms;
            voltage += (cvl(s) - voltage) / plant.constant;
            5.0 + amps
        })
        .collect();
    seconds(count, |s| vec![limits(cvl(s), 100.0, 100.0), measured(54.8, amps[s as usize], 20.0), state(99)])
}

fn by_steps(volts: f64) -> f64 {
    (volts * 10.0).round() / 10.0
}

/// One step each 45 s on a pack of 8 mΩ moves 12 A; a swing of 0.6 V in 40 min is an oscillation too, and so is one whose
/// steps are no larger than the wire.
#[rstest]
#[case::one_step_on_a_low_resistance(3600, |s: u64| if (s / 45).is_multiple_of(2) { 55.0 } else { 55.1 }, 4.0, 120.0, "every 0:01:30")]
#[case::a_slow_swing(5 * 3600, |s: u64| by_steps(55.0 + 0.3 * (s as f64 / 2400.0 * core::f64::consts::TAU).sin()), 8.0, 900.0, "every 0:40:00")]
#[case::a_relay(3600, |s: u64| if (s / 20).is_multiple_of(2) { 54.6 } else { 55.1 }, 20.0, 60.0, "every 0:00:40")]
fn a_cvl_that_goes_to_and_fro_and_moves_current(
    #[case] count: u64,
    #[case] cvl: fn(u64) -> f64,
    #[case] milliohms: f64,
    #[case] constant: f64,
    #[case] says: &str,
) {
    let wire = swung(count, cvl, &Follows { milliohms, constant });
    let verdict = check(&wire, "CVL-04", Inconclusive);
    assert!(verdict.reason.contains("suspicion") && verdict.reason.contains(says), "{}", verdict.reason);
}

/// What no current follows, what goes to and fro once or twice, or at no time that is like another, is no oscillation.
#[rstest]
#[case::dither_of_an_integrator(3600, |s: u64| if s.is_multiple_of(2) { 55.0 } else { 55.1 }, 200.0, 3.0, "harmless")]
#[case::steady(3600, |_| 55.2, 8.0, 60.0, "does not go to and fro")]
#[case::lowered_once(3600, |s: u64| if s < 1800 { 56.0 } else { 54.4 }, 8.0, 60.0, "does not go to and fro")]
#[case::days(86_400, |s: u64| if s % 43_200 < 20_000 { 56.0 } else { 54.4 }, 8.0, 60.0, "does not go to and fro")]
#[case::with_the_weather(20_000, |s: u64| by_steps(55.0 + 0.2 * ((s / 60 * (s / 60) * 7919 % 101) as f64 / 50.0 - 1.0)), 20.0, 60.0, "")]
fn a_cvl_that_does_not(
    #[case] count: u64,
    #[case] cvl: fn(u64) -> f64,
    #[case] milliohms: f64,
    #[case] constant: f64,
    #[case] says: &str,
) {
    let wire = swung(count, cvl, &Follows { milliohms, constant });
    let verdict = check(&wire, "CVL-04", NotApplicable);
    assert!(verdict.reason.contains(says), "{}", verdict.reason);
}

/// A loop that hunts where it limits the battery is suspected though nothing was there to be moved; far above it is not.
#[rstest]
#[case::where_it_limits(55.0, Inconclusive)]
#[case::far_above(51.0, NotApplicable)]
fn hunting_without_sun(#[case] voltage: f64, #[case] expected: Outcome) {
    let wire = seconds(3600, |s| {
        let cvl = if (s / 20).is_multiple_of(2) { 55.0 } else { 55.5 };
        vec![limits(cvl, 100.0, 100.0), measured(voltage, 0.1 * (s % 3) as f64, 20.0)]
    });
    check(&wire, "CVL-04", expected);
}

/// What moves the current to another beat is no doing of CVL.
#[test]
fn loads_that_come_and_go_are_no_oscillation_of_cvl() {
    let wire = seconds(7200, |s| {
        let cvl = if (s / 45).is_multiple_of(2) { 55.0 } else { 55.1 };
        let load = if (s / 137).is_multiple_of(2) { -30.0 } else { 12.0 };
        vec![limits(cvl, 100.0, 100.0), measured(54.9, load, 20.0)]
    });
    check(&wire, "CVL-04", NotApplicable);
}

/// Current flows though the battery forbids it: nobody heeds CCL or DCL.
#[rstest]
#[case::charge("CVL-02", 0.0, 100.0, 35.0, 120, Inconclusive)]
#[case::a_moment("CVL-02", 0.0, 100.0, 35.0, 30, NotApplicable)]
#[case::nothing_flows("CVL-02", 0.0, 100.0, 0.6, 120, NotApplicable)]
#[case::discharge_is_allowed("CVL-02", 0.0, 100.0, -35.0, 120, NotApplicable)]
#[case::discharge("DCL-02", 100.0, 0.0, -12.0, 120, Inconclusive)]
#[case::own_consumption("DCL-02", 100.0, 0.0, -1.2, 120, NotApplicable)]
#[case::charge_is_allowed("DCL-02", 100.0, 0.0, 12.0, 120, NotApplicable)]
fn current_against_what_is_forbidden(
    #[case] row: &str,
    #[case] ccl: f64,
    #[case] dcl: f64,
    #[case] amps: f64,
    #[case] lasts: u64,
    #[case] expected: Outcome,
) {
    let wire = seconds(400, |s| {
        let here = (100..100 + lasts).contains(&s);
        let (ccl, dcl) = if here { (ccl, dcl) } else { (100.0, 100.0) };
        vec![limits(55.2, ccl, dcl), measured(54.0, if here { amps } else { 0.0 }, 20.0)]
    });
    let verdict = check(&wire, row, expected);
    if expected == Inconclusive {
        let size = format!("{:.1} A", amps.abs());
        assert!(verdict.reason.contains(&size) && verdict.reason.contains("0:01:40"), "{}", verdict.reason);
    }
}

/// 0x35A ends, or pauses for as long as ten of its periods, while all else goes on.
#[rstest]
#[case::ends(1, |s: u64| s < 100, Fail)]
#[case::pauses(1, |s: u64| !(100..130).contains(&s), Fail)]
#[case::a_short_pause(1, |s: u64| !(100..105).contains(&s), Pass)]
#[case::seldom(10, |_| true, Pass)]
#[case::seldom_and_ends(10, |s: u64| s < 300, Fail)]
fn alarms_that_are_no_longer_sent(
    #[case] every: u64,
    #[case] sent: fn(u64) -> bool,
    #[case] expected: Outcome,
) {
    let wire = log_with(600, |s| {
        let mut cycle = with(&[]);
        cycle.retain(|f| !f.starts_with("35A") || (s.is_multiple_of(every) && sent(s)));
        cycle
    });
    let verdict = check(&wire, "ALM-07", expected);
    assert!(expected == Pass || verdict.reason.contains("vanishes"), "{}", verdict.reason);
}

#[test]
fn alarms_that_were_never_sent_did_not_vanish() {
    let wire = log_with(60, |_| with(&[]).into_iter().filter(|f| !f.starts_with("35A")).collect());
    check(&wire, "ALM-07", Inconclusive);
    check(&wire, "MSG-01", Fail);
}

const OK: &str = "35A#AAAAAAAAAAAAAA0A";
/// High voltage; BMS internal.
const HIGH: &str = "35A#A6AAAAAAAAAAAA0A";
const INTERNAL: &str = "35A#AAAA6AAAAAAAAA0A";

/// An alarm whose cause lasts goes and comes; one that follows a value across its threshold does not flicker, whichever
/// message comes first.
#[rstest]
#[case::its_cause_lasts(HIGH, |s: u64| s % 10 < 2, |_| 3.66, Fail)]
#[case::two_seconds_in_sixty(HIGH, |s: u64| s % 40 < 2, |_| 3.66, Fail)]
#[case::nothing_measures_it(INTERNAL, |s: u64| s % 10 < 5, |_| 3.40, Fail)]
#[case::it_follows_the_cell(HIGH, |s: u64| s % 10 < 5, |s: u64| if s % 10 < 5 { 3.66 } else { 3.60 }, Pass)]
#[case::it_chatters_at_its_threshold(HIGH, |s: u64| s * s % 7 < 3, |s: u64| if s * s % 7 < 3 { 3.651 } else { 3.649 }, Pass)]
#[case::once(HIGH, |s: u64| (100..160).contains(&s), |_| 3.66, Pass)]
#[case::each_hour(INTERNAL, |s: u64| s % 200 < 10, |_| 3.40, Pass)]
fn alarms_that_flicker(
    #[case] raised: &str,
    #[case] on: fn(u64) -> bool,
    #[case] cell: fn(u64) -> f64,
    #[case] expected: Outcome,
    #[values(false, true)] alarms_first: bool,
) {
    let wire = log_with(1000, |s| {
        let alarms = if on(s) { raised } else { OK };
        let pack = 16.0 * cell(s);
        let own = [measured(pack, 0.0, 20.0), cells(3.33, cell(s)), alarms.to_owned()];
        let mut cycle = with(&own.iter().map(String::as_str).collect::<Vec<_>>());
        cycle.sort_by_key(|f| f.starts_with("35A") != alarms_first);
        cycle
    });
    let verdict = check(&wire, "ALM-07", expected);
    assert!(expected == Pass || verdict.reason.contains("flickers"), "{}", verdict.reason);
}

/// A sender that is blocked for 3.4 s each 23 s (a scan for Bluetooth): how often is said, and how long.
#[test]
fn gaps_that_come_again_are_counted() {
    let wire = log_with(220, |s| if s % 23 < 3 { Vec::new() } else { with(&[]) });
    let verdict = check(&wire, "TIM-01", Fail);
    assert!(verdict.reason.contains("the longest of 9 such gaps"), "{}", verdict.reason);
    let once = log_with(220, |s| if (100..104).contains(&s) { Vec::new() } else { with(&[]) });
    let verdict = check(&once, "TIM-01", Fail);
    assert!(!verdict.reason.contains("such gaps"), "{}", verdict.reason);
}

/// F150 is −376.0 A (ai-republic/bms-to-inverter, issue 46).
#[rstest]
#[case("351#4502B00E50F1C001", "DCL-01", "−376.0 A read as 6177.6 A")]
#[case("351#4502F6FFB00EC001", "CCL-01", "−1.0 A read as 6552.6 A")]
fn a_negative_limit_is_named_with_both_readings(#[case] frame: &str, #[case] row: &str, #[case] says: &str) {
    let verdict = check(&log(20, &[frame]), row, Fail);
    assert!(verdict.reason.contains(says), "{}", verdict.reason);
}

/// What a log alone never decides is no verdict of a log.
#[rstest]
fn a_good_log_is_not_suspected(#[values("CVL-02", "CVL-04", "CVL-05", "CVL-06", "DCL-02")] row: &str) {
    check(&log(90, &BYD), row, NotApplicable);
}

/// None of what is looked for over time blames a battery that does right.
#[test]
fn a_full_battery_that_regulates_slowly_is_not_suspected() {
    // Down by 0.1 V each minute while the highest cell is high, up again as it falls: six hours of sun with clouds.
    let wire = seconds(6 * 3600, |s| {
        let cloud = (s / 300 * 7919 % 13) < 4;
        let wave = ((s / 600 * 31 + s / 6000 * 17) % 7) as f64 - 3.0;
        vec![
            limits(by_steps(55.0 + 0.1 * wave), 100.0, 100.0),
            measured(54.9, if cloud { -20.0 } else { 2.0 }, 20.0),
            state(100),
            cells(3.42, 3.45),
        ]
    });
    assert_eq!(blamed(&wire), [""; 0]);
    check(&wire, "CVL-04", NotApplicable);
}

/// Without times a single frame that its neighbours contradict is wrong all the same.
#[rstest]
#[case::glitch(|s: u64| if s == 7 { 100 } else { 55 }, Fail)]
#[case::drift(|s: u64| 40 + s as u16, Inconclusive)]
#[case::step(|s: u64| if s < 7 { 55 } else { 70 }, Inconclusive)]
fn a_state_of_charge_without_times(#[case] soc: fn(u64) -> u16, #[case] expected: Outcome) {
    let wire = seconds(20, |s| vec![state(soc(s))]);
    let untimed = Terms { untimed: Some("the times were not measured".to_owned()), ..Terms::of_a_log() };
    let verdict = on("SOC-04", &wire, &untimed);
    assert_eq!(verdict.outcome, expected, "{}", verdict.reason);
    assert!(expected != Fail || verdict.reason.contains("55-100-55"), "{}", verdict.reason);
}
