//! The faults that batteries of the field have shown, each played by a battery of `rigs/batteries/`.

use std::collections::BTreeSet;
use std::path::Path;

use files::{BatteryFile, Expectation, Library};
use judge::catalogue::{find, requirements};
use judge::envelope::PROVEN;
use judge::requirement::Severity;
use proto::quantity::{AmpHours, Volts};
use rstest::rstest;

/// What was seen, and the requirements that must find it out.
#[rustfmt::skip]
const SYMPTOMS: &[(&str, &[&str])] = &[
    ("CVL = 0 sent to stop charge: full-power discharge", &["CVL-01"]),
    ("CVL stuck at 0 after the fault cleared", &["CVL-01", "BEH-BO"]),
    ("CVL spikes, CCL/DCL swing every second at mid SoC", &["CVL-03", "CVL-04"]),
    ("CVL = 0 for 10 s, then = pack voltage", &["CVL-01", "CVL-05"]),
    ("CVL = pack voltage while charge is blocked", &["CVL-05", "CVL-06"]),
    ("CVL = V - const, each second / every 20 s", &["CVL-05", "CVL-06"]),
    ("CCL = 0 before CVL is reached: solar collapses", &["CVL-02", "CCL-02"]),
    ("CCL = 0 with constant CVL at full: solar curtailed", &["CVL-02", "CCL-02"]),
    ("charge stays at 0 A after CCL returns", &["CVL-10", "BEH-BO"]),
    ("CCL relied on in feed-in (the GX ignores it there): cell over-voltage", &["BEH-IM", "CVL-07"]),
    ("bulk -> float step of 1 V dumps the battery into the grid", &["CVL-06", "CVL-09"]),
    ("CVL ringing, P/I fighting, ±300 W hunting", &["CVL-04"]),
    ("CVL above the declared maximum", &["CVL-01"]),
    ("CVL derated without cause: never full", &["CVL-10"]),
    ("restart: no CAN at all while CCL = 0", &["TIM-01"]),
    ("low-voltage error blocks charge too: blackout deadlock", &["BEH-BO", "DCL-02"]),
    ("contactor stays open at 0 %, \"inverter missing\" never clears", &["BEH-BO"]),
    ("no restart of charge after DCL = 0", &["BEH-BO"]),
    ("bus-off or full queue never recovers", &["BUS-03"]),
    ("periods of 2 s / 10 s / 60 s", &["TIM-01", "TIM-02", "TIM-05"]),
    ("contactor opens 60 s after keep-alive is lost", &["TIM-03"]),
    ("silent during reboot, update, or until 0x305 is seen", &["TIM-01"]),
    ("high and low voltage alarms swapped; alarm and warning swapped", &["ALM-05"]),
    ("alarms never set", &["ALM-05"]),
    ("over-current direction inverted", &["ALM-05"]),
    ("current unsigned (6550 A), sign inverted", &["MEA-01", "MEA-02"]),
    ("DCL or CCL negative (6543.6 A)", &["DCL-01", "CCL-01"]),
    ("discharge voltage 655.35 V", &["DVL-01"]),
    ("boot: -150 °C, CCL = DCL = 0", &["MEA-02", "CCL-02"]),
    ("DCL = 0 at full", &["DCL-02"]),
    ("-273 °C, kelvin/Celsius confusion", &["MEA-02", "CEL-01"]),
    ("CVL x10, SoC x10, big-endian limits", &["CVL-01", "SOC-02"]),
    ("0x360 = 0xFF for ever", &["FRC-01"]),
    ("one high cell -> CCL = 0 -> inverter trips", &["BEH-IM"]),
    ("60.8 V spike when the switch opens on a load dump", &["BEH-AC"]),
    ("sporadic glitch frames (46 V)", &["MEA-02"]),
    ("values frozen while frames go on", &["MEA-03", "SOC-03"]),
    ("limits never sent (inverted flag)", &["MSG-01"]),
    ("over-charge when the feed-in setpoint changes", &["BEH-FI"]),
    ("identity or protocol profile switches while running", &["IDN-01", "BUS-06"]),
    ("serial number half sent (0x380 without 0x381)", &["IDN-05"]),
    ("0x35E and 0x370 disagree", &["IDN-02"]),
    ("CVL sinks slowly while full: a slow discharge", &["CVL-06"]),
    ("CVL swings slowly: 0.6 V in 40 minutes", &["CVL-04"]),
    ("CVL ringing of one step on a low-resistance pack: kilowatts", &["CVL-04"]),
    ("CVL lowered only by a high-voltage warning", &["CVL-07"]),
    ("CVL sags with load: it follows a third of the voltage", &["CVL-05"]),
    ("CCL = 0 now and then while full", &["CVL-02", "CCL-02"]),
    ("an ammeter 10 % low", &["MEA-04"]),
    ("an alarm of 2 s for a cause of 60 s", &["ALM-05"]),
    ("counters that wrap after 9 h", &["TIM-01"]),
    ("trips and DCL = 0 that only heat shows", &["BEH-FI"]),
];

fn batteries() -> Vec<BatteryFile> {
    let library = Library::find(Path::new(env!("CARGO_MANIFEST_DIR"))).expect("inside the project");
    let files = library.batteries().expect("readable");
    files.iter().map(|file| library.read_battery(file).unwrap_or_else(|error| panic!("{error}"))).collect()
}

/// What is said to be proven is what the batteries that must be certified are, no less and no more.
#[test]
fn the_envelope_is_that_of_the_batteries_that_must_be_certified() {
    let good: Vec<_> = batteries().into_iter().filter(|b| b.expect == Expectation::Pass).collect();
    for battery in &good {
        assert_eq!(PROVEN.outside(&battery.declared), None);
    }
    let capacities = || good.iter().map(|battery| battery.declared.capacity.0);
    let ends = (capacities().fold(f64::MAX, f64::min), capacities().fold(0.0, f64::max));
    assert_eq!(ends, (PROVEN.capacity.0.0, PROVEN.capacity.1.0));
}

#[rstest]
#[case::fifteen_cells(15, 280.0, 3.65, "15 cells")]
#[case::small(16, 100.0, 3.65, "100 Ah")]
#[case::large(16, 1000.0, 3.65, "1000 Ah")]
#[case::another_chemistry(14, 200.0, 4.25, "14 cells, cells that are no LFP, up to 4.25 V")]
fn what_of_a_battery_lies_outside_of_the_envelope_is_named(
    #[case] cells: u16,
    #[case] capacity: f64,
    #[case] over: f64,
    #[case] outside: &str,
) {
    let reference = batteries().into_iter().find(|battery| battery.declared.name == "reference");
    let mut battery = reference.expect("it is shipped").declared;
    battery.cells = cells;
    battery.capacity = AmpHours(capacity);
    battery.cell_over_voltage = Volts(over);
    let said = PROVEN.outside(&battery).expect("outside");
    assert!(said.ends_with(&format!(": {outside}")) && said.contains(&PROVEN.to_string()), "{said}");
}

/// Each must and each should has a fault that is its own: a battery, or for what rig and GX do a rig.
#[test]
fn every_requirement_has_a_fault_that_is_its_own() {
    let library = Library::find(Path::new(env!("CARGO_MANIFEST_DIR"))).expect("inside the project");
    let faults = library.faults().unwrap_or_else(|error| panic!("{error}"));
    for row in requirements().filter(|row| row.severity != Severity::Information) {
        let own = faults.iter().any(|fault| fault.root_cause == row.id);
        assert_ne!(own, row.no_fault_alone.is_some(), "{}: a fault of its own, or why there is none", row.id);
    }
}

#[test]
fn every_symptom_is_played_and_no_other() {
    let played: BTreeSet<String> = batteries().into_iter().filter_map(|b| b.catalogue).collect();
    let seen: BTreeSet<String> = SYMPTOMS.iter().map(|(symptom, _)| (*symptom).to_owned()).collect();
    assert_eq!(played, seen);
}

#[test]
fn a_battery_is_expected_to_be_found_out_by_what_finds_its_symptom() {
    for battery in batteries() {
        let name = &battery.declared.name;
        // One that was seen nowhere yet stands for a requirement alone.
        let Some(symptom) = &battery.catalogue else { continue };
        let (_, ids) = SYMPTOMS.iter().find(|(s, _)| s == symptom).expect("a symptom of the table");
        // What is only reported decides nothing.
        let deciding = |id: &&&str| find(id).is_some_and(|r| r.severity != Severity::Information);
        match &battery.expect {
            Expectation::Pass => assert_eq!(ids.iter().filter(deciding).count(), 0, "{name}"),
            Expectation::Fail(expected) => {
                assert!(ids.iter().any(|id| expected.iter().any(|e| e == id)), "{name}: one of {ids:?}");
            }
        }
    }
}

#[test]
fn a_title_says_what_is_wrong_and_never_that_all_is_well() {
    for battery in batteries() {
        let kind = match (&battery.expect, &battery.catalogue) {
            (Expectation::Fail(_), _) => Some("Faulty"),
            // Whoever copies the file copies the title, and it stands above the verdict.
            (Expectation::Pass, None) => None,
            (Expectation::Pass, Some(_)) => Some("Odd"),
        };
        let said = battery.title.split_once(": ").map(|(kind, _)| kind);
        assert_eq!(
            said.filter(|said| ["Faulty", "Odd", "Compliant"].contains(said)),
            kind,
            "{}",
            battery.title
        );
    }
}
