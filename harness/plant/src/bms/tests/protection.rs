//! Trips and the way back (P 5.6), and keep-alive (P 1.4).

use proto::fault::{Fault, FaultKind};
use proto::message::{AlarmKind, Alarms, Message, Pair};
use proto::quantity::{Amps, Micros, Volts};
use rstest::rstest;

use super::batteries::FILES;
use super::bench::{Bench, File, battery};

/// Off-grid by day at 80 %: 2 kW of sun, 1 kW of load.
fn off_grid() -> Bench {
    let mut bench = Bench::new(&battery("reference"), 80.0, 0.0);
    (bench.grid, bench.sun, bench.load) = (false, 40.0, 20.0);
    bench.run(300);
    assert!(bench.trace.iter().all(|p| p.closed));
    bench
}

/// Seconds for which the contactor was open.
fn open_for(bench: &Bench) -> usize {
    bench.trace.iter().filter(|p| !p.closed).count()
}

fn alarms(bench: &Bench, from: u64, to: u64) -> Vec<Alarms> {
    let within = Micros::from_secs(from)..Micros::from_secs(to);
    let said = bench.frames.iter().filter(|(at, _)| within.contains(at));
    said.filter_map(|(_, f)| match Message::decode(f) {
        Some(Message::Alarms(a)) => Some(a),
        _ => None,
    })
    .collect()
}

const SPAN: Micros = Micros::from_secs(20);

#[rstest]
#[case::over_voltage(Fault { kind: FaultKind::CellVoltage { by: Volts(0.5) }, span: SPAN }, 3, 10..=25, AlarmKind::HighVoltage)]
#[case::over_current_in(Fault { kind: FaultKind::Current { by: Amps(400.0) }, span: SPAN }, 5, 60..=65, AlarmKind::HighChargeCurrent)]
#[case::over_current_out(Fault { kind: FaultKind::Current { by: Amps(-400.0) }, span: SPAN }, 5, 60..=65, AlarmKind::HighCurrent)]
fn it_disconnects_and_comes_back_by_itself(
    #[case] fault: Fault,
    #[case] samples: u64,
    #[case] open: core::ops::RangeInclusive<usize>,
    #[case] kind: AlarmKind,
) {
    let mut bench = off_grid();
    let at = bench.now;
    bench.bms.inject(Micros::from_secs(at), fault);
    bench.run(600);
    let tripped = bench.trace.iter().find(|p| !p.closed).expect("a trip").at;
    assert_eq!(tripped - at, samples, "after so many samples of one second");
    assert!(open.contains(&open_for(&bench)), "{}", open_for(&bench));
    let while_open = alarms(&bench, tripped, tripped + 5);
    assert!(!while_open.is_empty(), "it goes on sending while the contactor is open");
    assert!(while_open.iter().all(|a| a.alarm(kind) == Pair::Active && a.system_status() == Pair::Active));
    let after = alarms(&bench, tripped + 120, tripped + 130);
    assert!(
        after.iter().all(|a| !a.any_alarm() && a.alarm(kind) == Pair::Ok && a.system_status() == Pair::Ok)
    );
    let last = bench.last(1)[0];
    assert!(last.ccl > 0.0 && last.dcl > 0.0 && last.current > 0.0, "{last:?}");
}

#[test]
fn two_samples_of_over_voltage_are_ridden_through() {
    let mut bench = off_grid();
    let fault = Fault { kind: FaultKind::CellVoltage { by: Volts(0.5) }, span: Micros::from_secs(2) };
    bench.bms.inject(Micros::from_secs(bench.now), fault);
    bench.run(60);
    assert_eq!(open_for(&bench), 0, "P 1.5.4: not too quickly");
}

/// Discharged to DCL = 0 at night, then the sun.
fn night_and_morning(name: &str) -> Bench {
    let mut bench = Bench::new(&battery(name), 5.0, 0.0);
    (bench.grid, bench.load) = (false, 40.0);
    bench.run(3 * 3600);
    assert!(bench.last(3600).iter().all(|p| p.dcl == 0.0), "empty: discharge is forbidden");
    bench.sun = 30.0;
    bench.run(3600);
    bench
}

#[test]
fn an_empty_reference_takes_charge_and_starts_again_in_the_morning() {
    let bench = night_and_morning("reference");
    let dark = bench.trace.iter().filter(|p| p.dcl == 0.0 && p.at > 1);
    assert!(
        dark.clone().count() > 0 && dark.clone().all(|p| p.ccl > 0.0),
        "CCL > 0 while DCL = 0 (P 2 §0x351)"
    );
    assert!(dark.clone().all(|p| p.cvl > 50.0));
    assert!(bench.last(60).iter().all(|p| p.dcl > 0.0), "it runs again");
    let restarts = bench.trace[10..].windows(2).filter(|w| w[0].dcl == 0.0 && w[1].dcl > 0.0).count();
    assert_eq!(restarts, 1, "no chatter");
}

#[test]
fn a_deadlocked_battery_never_comes_back() {
    let bench = night_and_morning("blackout-deadlock");
    assert!(bench.last(2 * 3600).iter().all(|p| p.ccl == 0.0 && p.dcl == 0.0));
}

#[test]
fn under_voltage_opens_the_contactor_and_a_charger_outside_closes_it() {
    // A load that does not heed DCL, such as one wired to the bus bar.
    let text =
        FILES[0].1.replace("stop-cell: 2.80 V", "stop-cell: 2.00 V").replace("retry: 10 min", "retry: 1 d");
    let params = serde_yaml::from_str::<File>(&text).unwrap().simulated;
    let mut bench = Bench::new(&params, 2.0, 0.0);
    bench.grid = false;
    bench.load = 150.0;
    bench.run(3600);
    assert!(!bench.last(1)[0].closed && bench.last(1)[0].dcl == 0.0 && bench.last(1)[0].ccl > 0.0);
    bench.charger_outside = true;
    (bench.sun, bench.load) = (30.0, 0.0);
    bench.run(1200);
    assert!(bench.last(1)[0].closed && bench.last(1)[0].current > 10.0, "{:?}", bench.last(1));
}

#[rstest]
#[case::silent_for_10_minutes("", 600, 0)]
#[case::silent_for_20_minutes("", 1200, 300)]
#[case::defective("  faults: [ { keep-alive-trip: { after: 60 s } } ]\n", 600, 540)]
fn a_missing_keep_alive_opens_the_contactor_in_time_and_its_return_closes_it(
    #[case] faults: &str,
    #[case] silence: u64,
    #[case] open: usize,
) {
    let text = format!("{}{faults}", FILES[0].1);
    let params = serde_yaml::from_str::<File>(&text).unwrap().simulated;
    let mut bench = Bench::new(&params, 50.0, 0.0);
    bench.run(120);
    bench.keep_alive = false;
    bench.run(silence);
    let found = open_for(&bench);
    assert!(found.abs_diff(open) <= 2, "open for {found} s, expected {open} s");
    bench.keep_alive = true;
    bench.run(30);
    assert!(bench.last(10).iter().all(|p| p.closed), "P 1.4: no manual reset");
}
