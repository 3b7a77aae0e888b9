//! A witness beside the battery: what it confirms, what it finds by itself on a bench without a GX that is asked, and how one
//! that lies is named instead of the battery.

use std::path::Path;

use engine::suite::{Case, Suite};
use evidence::conclusion::Attempt;
use evidence::plan::plan;
use files::{BatteryFile, Library, RigFile};
use judge::requirement::Severity;
use judge::trace::Channel;
use judge::verdict::{Outcome, Verdict};
use rstest::rstest;
use session::attempt::{Unseen, attempt};
use sim::Simulation;

const RIG: &str = include_str!("../../../rigs/simulated.yaml");
const SUITE: &str = include_str!("../../../docs/measurements.yaml");
const WITH_GX: &str = "[pv, ac-pv, gx, grid, ac-load, silence, inject, imbalance]";
const WITHOUT_GX: &str = "[pv, grid, ac-load]\nunwatched: [inverter.dc-voltage]";
const SHUNT: &str = "  - { name: Shunt, measures: battery, calibration: { date: 2026-03-01, voltage: 0.3 %, current: 0.4 %, zero: 0.1 A } }\n";
const LYNX: &str = "  - { name: Shunt, measures: battery, protocol: nmea2000, calibration: { date: 2026-03-01, voltage: 0.3 %, current: 0.4 %, zero: 0.1 A } }\n";
const UNKNOWN: &str = "  - { name: Shunt, measures: battery }\n";
const CHARGER: &str = "  - { name: MPPT, measures: charger, calibration: { date: 2026-03-01, voltage: 0.5 %, current: 1 %, zero: 0.2 A } }\n";
const INVERTER: &str = "  - { name: Phoenix, measures: inverter, calibration: { date: 2026-03-01, voltage: 0.5 %, current: 1 %, zero: 0.2 A } }\n";
const UNKNOWN_CHARGER: &str = "  - { name: MPPT, measures: charger }\n";

fn case() -> Case {
    Suite::parse("measurements", SUITE).expect("it is shipped").cases.remove(0)
}

/// The case on a rig with these witnesses, of which this is wrong.
fn run(battery: &str, capabilities: &str, witnesses: &str, wrong: &str) -> Attempt {
    let text = RIG.replacen(WITH_GX, capabilities, 1);
    let text = text.replacen(
        "\n  solar:\n    maximum-current",
        &format!("\n  witnesses: {{ {wrong} }}\n  solar:\n    maximum-current"),
        1,
    );
    let rig = RigFile::parse("rig.yaml", &format!("{text}\nwitnesses:\n{witnesses}"))
        .unwrap_or_else(|e| panic!("{e}"));
    let library = Library::find(Path::new(env!("CARGO_MANIFEST_DIR"))).expect("the project");
    let battery = session::battery(&library, battery).expect("a battery of the project");
    let planned = plan(&case(), &rig, &battery).expect("the limits of the rig make sense");
    let simulation = Simulation::of(&rig, &battery).unwrap_or_else(|e| panic!("{e}"));
    attempt(planned, simulation.as_ref(), ("rest-charge-discharge", 1), &mut Unseen)
}

fn verdict<'a>(attempt: &'a Attempt, id: &str) -> &'a Verdict {
    let found = attempt.verdicts.iter().find(|verdict| verdict.requirement.id == id);
    found.unwrap_or_else(|| panic!("{id} is judged: {}", attempt.reason))
}

/// The outcomes of some requirements, with everything that was found where they are others.
#[track_caller]
fn comes_to(attempt: &Attempt, expected: &[(&str, Outcome)]) {
    for &(id, outcome) in expected {
        let found = verdict(attempt, id);
        assert_eq!(found.outcome, outcome, "{id}: {} {:#?}", found.reason, found.evidence);
    }
}

use Outcome::{Fail, Inconclusive, Pass};

const ALL_RIGHT: [(&str, Outcome); 5] =
    [("MEA-01", Pass), ("MEA-03", Pass), ("MEA-04", Pass), ("SOC-03", Pass), ("D-VD", Pass)];

#[rstest]
#[case::with_a_gx(WITH_GX)]
#[case::without_one(WITHOUT_GX)]
fn a_good_battery_is_confirmed(#[case] capabilities: &str) {
    let attempt = run("reference", capabilities, SHUNT, "");
    comes_to(&attempt, &ALL_RIGHT);
    assert_eq!(attempt.outcome, Pass, "{}", attempt.reason);
    let soc = verdict(&attempt, "SOC-03");
    assert!(soc.evidence.iter().any(|e| e.what == "by the readings of `Shunt`"), "{:#?}", soc.evidence);
}

/// Without a second meter nothing tells; with a shunt of which nobody knows how good it is, nothing is decided.
#[rstest]
#[case::nobody("  []\n")]
#[case::not_calibrated(UNKNOWN)]
fn without_a_meter_that_is_known_nothing_is_decided(#[case] witnesses: &str) {
    let witnesses = if witnesses.trim() == "[]" { UNKNOWN_CHARGER } else { witnesses };
    let attempt = run("current-reads-low", WITHOUT_GX, witnesses, "");
    comes_to(&attempt, &[("MEA-04", Inconclusive)]);
}

/// What the shunt finds by itself, on a bench without a GX.
#[test]
fn an_ammeter_that_reads_a_tenth_low_is_found_by_the_shunt_alone() {
    let attempt = run("current-reads-low", WITHOUT_GX, SHUNT, "");
    comes_to(&attempt, &[("MEA-04", Fail), ("MEA-03", Pass), ("MEA-01", Pass)]);
    assert_eq!(attempt.outcome, Fail);
    assert!(attempt.reason.contains("`Shunt` shows"), "{}", attempt.reason);
}

#[test]
fn a_voltmeter_that_reads_a_volt_high_is_found_by_the_shunt_alone() {
    let attempt = run("voltmeter-high", WITHOUT_GX, SHUNT, "");
    comes_to(&attempt, &[("MEA-03", Fail), ("MEA-04", Fail), ("MEA-01", Pass)]);
    let said = &verdict(&attempt, "MEA-03").reason;
    assert!(said.contains("the battery says") && said.contains("`Shunt` at its terminals"), "{said}");
}

#[rstest]
#[case::inverted("current-inverted")]
#[case::unsigned("current-unsigned")]
fn a_wrong_sign_is_found_by_the_shunt_alone(#[case] battery: &str) {
    comes_to(&run(battery, WITHOUT_GX, SHUNT, ""), &[("MEA-01", Fail)]);
}

/// The same shunt on a VE.Can bus finds the same, though it tells tenths of an ampere.
#[rstest]
#[case::good("reference", Pass, Pass, Pass)]
#[case::low_amps("current-reads-low", Pass, Pass, Fail)]
#[case::high_volts("voltmeter-high", Pass, Fail, Fail)]
#[case::inverted("current-inverted", Fail, Pass, Pass)]
fn a_shunt_on_a_bus_finds_the_same(
    #[case] battery: &str,
    #[case] sign: Outcome,
    #[case] volts: Outcome,
    #[case] against: Outcome,
) {
    let attempt = run(battery, WITHOUT_GX, LYNX, "");
    comes_to(&attempt, &[("MEA-01", sign), ("MEA-03", volts), ("D-N2K", Pass)]);
    if sign == Pass {
        comes_to(&attempt, &[("MEA-04", against)]);
    }
    let link = verdict(&attempt, "D-N2K");
    assert!(link.evidence.iter().any(|e| e.value.contains("Lynx Shunt VE.Can")), "{:#?}", link.evidence);
}

/// What is wrong on a bus is told as what it is.
#[rstest]
#[case::lies("battery: { current-gain: -10 % }", "it is `Shunt` that is wrong")]
#[case::swapped("battery: { reversed: true }", "it is `Shunt` that is wrong")]
#[case::silent("battery: { silent-after: 600 s }", "fell silent")]
#[case::counter("battery: { counter-stands: true }", "it stands still")]
fn a_bus_that_is_bad_is_told(#[case] wrong: &str, #[case] says: &str) {
    let attempt = run("reference", WITH_GX, LYNX, wrong);
    let link = verdict(&attempt, "D-N2K");
    assert!(link.outcome == Fail && link.reason.contains(says), "{} {}", link.outcome.name(), link.reason);
    assert_eq!(attempt.outcome, Pass, "{}", attempt.reason);
}

/// A witness that is wrong is named, and a battery that does right has not failed for it.
#[rstest]
#[case::low("battery: { current-gain: -10 % }")]
#[case::high_volts("battery: { voltage-offset: 1 V }")]
#[case::swapped("battery: { reversed: true }")]
#[case::offset("battery: { current-offset: 8 A }")]
#[case::stale("battery: { frozen: true }")]
fn a_witness_that_lies_is_named(#[case] wrong: &str) {
    let attempt = run("reference", WITH_GX, SHUNT, wrong);
    comes_to(
        &attempt,
        &[("MEA-01", Pass), ("MEA-03", Pass), ("MEA-04", Pass), ("SOC-03", Pass), ("D-VD", Fail)],
    );
    assert_eq!(attempt.outcome, Pass, "{}", attempt.reason);
    let link = verdict(&attempt, "D-VD");
    assert!(link.reason.contains("it is `Shunt` that is wrong"), "{}", link.reason);
}

/// One that is connected the other way round, or stands still, gives itself away: nobody else measures a current on this bench,
/// and the battery has not failed for it.
#[rstest]
#[case::swapped(SHUNT, "D-VD", "reversed: true", "it is connected the other way round")]
#[case::stale(SHUNT, "D-VD", "frozen: true", "the same to the last digit")]
#[case::swapped_on_a_bus(LYNX, "D-N2K", "reversed: true", "it is connected the other way round")]
#[case::stale_on_a_bus(LYNX, "D-N2K", "frozen: true", "the same to the last digit")]
#[case::beside_the_current(SHUNT, "D-VD", "current-gain: -100 %", "does not flow through it")]
#[case::beside_the_current_with_an_offset(
    SHUNT,
    "D-VD",
    "current-gain: -100 %, current-offset: -5 A",
    "does not flow through it"
)]
#[case::no_voltage(SHUNT, "D-VD", "voltage-gain: -100 %", "a voltage from which it could not run")]
#[case::beside_the_current_on_a_bus(
    LYNX,
    "D-N2K",
    "current-gain: -100 %, current-offset: 0.2 A",
    "does not flow through it"
)]
fn a_witness_that_gives_itself_away_blames_nobody(
    #[case] witness: &str,
    #[case] row: &str,
    #[case] wrong: &str,
    #[case] says: &str,
) {
    let attempt = run("reference", WITHOUT_GX, witness, &format!("battery: {{ {wrong} }}"));
    comes_to(&attempt, &[(row, Fail)]);
    let link = &verdict(&attempt, row).reason;
    assert!(link.contains(says), "{link}");
    for id in ["MEA-01", "MEA-03", "MEA-04", "SOC-03"] {
        let own = verdict(&attempt, id);
        assert_ne!(own.outcome, Fail, "{id}: {} {:#?}", own.reason, own.evidence);
    }
    // Nothing else measures a current here, nor is anything held against one that gives itself away.
    comes_to(&attempt, &[("MEA-01", Inconclusive), ("MEA-04", Inconclusive)]);
}

/// Nearly an hour of text once a second and a HEX frame each 100 ms between and inside its blocks: each is read.
#[test]
fn nothing_is_lost_with_hex_between() {
    let attempt = run("reference", WITHOUT_GX, SHUNT, "battery: { hex: 10 }");
    comes_to(&attempt, &ALL_RIGHT);
    let link = verdict(&attempt, "D-VD");
    let told = |what: &str| {
        let found = link.evidence.iter().find(|evidence| evidence.what == what);
        found.map_or("", |evidence| evidence.value.split(' ').next().unwrap_or(""))
    };
    let seconds = attempt.length.secs() as u64;
    let whole: [u64; 3] =
        ["blocks", "HEX frames", "blocks with a wrong sum"].map(|what| told(what).parse().expect("a number"));
    assert!(
        seconds > 3000 && whole[0] >= 2 * (seconds - 2) && whole[1] >= 10 * (seconds - 2),
        "{seconds} s, {whole:?}"
    );
    assert_eq!(whole[2], 0);
    assert!(link.evidence.iter().any(|evidence| evidence.value.ends_with("(0 bad)")), "{:#?}", link.evidence);
}

/// One that starts anew within a pause that is usual is seen by its counter, and on a bus by its claim.
#[rstest]
#[case(SHUNT, "D-VD")]
#[case(LYNX, "D-N2K")]
fn a_short_restart_is_seen(#[case] witness: &str, #[case] row: &str) {
    let attempt = run("reference", WITH_GX, witness, "battery: { resets: 2500 s, starts-in: 1 s }");
    comes_to(&attempt, &[(row, Pass)]);
    let link = verdict(&attempt, row);
    let restarts = link.evidence.iter().find(|evidence| evidence.what == "restarts of the instrument");
    let many: u32 = restarts.and_then(|evidence| evidence.value.parse().ok()).expect("a number");
    assert!((1..=4).contains(&many), "{many} {:#?}", link.evidence);
    let whole = run("reference", WITH_GX, witness, "");
    let link = verdict(&whole, row);
    assert!(link.evidence.iter().any(|e| e.what == "restarts of the instrument" && e.value == "0"));
}

/// A monitor whose auxiliary input is a temperature sensor says so, and is a witness all the same.
#[test]
fn an_auxiliary_input_is_named() {
    let attempt = run("reference", WITHOUT_GX, SHUNT, "battery: { auxiliary: temperature }");
    comes_to(&attempt, &ALL_RIGHT);
    let link = verdict(&attempt, "D-VD");
    let is = link.evidence.iter().any(|e| e.value.contains("auxiliary input: a temperature sensor"));
    assert!(is, "{:#?}", link.evidence);
    assert_eq!(attempt.trace.series(Channel::ShuntTemperature).last(), Some(23.0));
}

/// The voltage of a charger's own port is enough to tell who lies, without a GX.
#[test]
fn a_charger_tells_which_of_two_voltages_is_wrong() {
    let both = format!("{SHUNT}{CHARGER}");
    let lies = run("reference", WITHOUT_GX, &both, "battery: { voltage-offset: 1 V }");
    comes_to(&lies, &[("MEA-03", Pass), ("D-VD", Fail)]);
    let wrong = run("voltmeter-high", WITHOUT_GX, &both, "");
    comes_to(&wrong, &[("MEA-03", Fail), ("D-VD", Pass)]);
}

/// A charger's or an inverter's own port that lies, stands still or tells nothing is named, and nobody else is blamed for it.
#[rstest]
#[case::high("charger: { voltage-gain: 3 % }", "it is `MPPT` that is wrong")]
#[case::stale("charger: { frozen: true }", "the same to the last digit")]
#[case::blank("charger: { blank: true }", "never tells its current")]
#[case::an_inverter("inverter: { voltage-offset: -2 V }", "it is `Phoenix` that is wrong")]
#[case::a_stale_inverter("inverter: { frozen: true }", "the same to the last digit")]
fn a_port_that_lies_is_named(
    #[case] wrong: &str,
    #[case] says: &str,
    #[values(WITH_GX, WITHOUT_GX)] capabilities: &str,
    #[values(SHUNT, "")] shunt: &str,
) {
    let attempt = run("reference", capabilities, &format!("{shunt}{CHARGER}{INVERTER}"), wrong);
    comes_to(&attempt, &[("MEA-03", Pass), ("D-VD", Fail)]);
    let link = &verdict(&attempt, "D-VD").reason;
    assert!(link.contains(says), "{link}");
    // Without a GX and without a shunt nobody measures what the battery's current is.
    if capabilities == WITH_GX || shunt == SHUNT {
        comes_to(&attempt, &[("MEA-01", Pass), ("MEA-04", Pass)]);
        assert_eq!(attempt.outcome, Pass, "{}", attempt.reason);
    }
    // Nor does it excuse a battery. Without a shunt what is left may say three things.
    let battery = run("voltmeter-high", capabilities, &format!("{shunt}{CHARGER}{INVERTER}"), wrong);
    let against = verdict(&battery, "MEA-03");
    assert!(
        against.outcome == Fail || shunt.is_empty() && against.outcome == Inconclusive,
        "{}",
        against.reason
    );
}

/// Who has more on its side is right, however many lie; where as many say each, nobody knows. A meter that may be off by so much
/// that it contradicts neither says nothing.
#[rstest]
#[case::one_that_may_be_either(WITHOUT_GX, "1.2 %", "", "", Fail, Pass)]
#[case::one_that_may_be_anything(WITHOUT_GX, "2 %", "", "", Fail, Pass)]
#[case::beside_one_that_agrees(WITHOUT_GX, "1.2 %", INVERTER, "", Fail, Pass)]
#[case::three_against_two(WITH_GX, "0.5 %", INVERTER, "charger: { voltage-offset: 0.9 V }", Fail, Fail)]
#[case::two_against_two(
    WITHOUT_GX,
    "0.5 %",
    INVERTER,
    "charger: { voltage-offset: 0.9 V }",
    Inconclusive,
    Pass
)]
fn a_battery_is_outvoted_by_more_than_take_its_side(
    #[case] capabilities: &str,
    #[case] known_to: &str,
    #[case] inverter: &str,
    #[case] wrong: &str,
    #[case] volts: Outcome,
    #[case] link: Outcome,
) {
    let charger = CHARGER.replace("voltage: 0.5 %", &format!("voltage: {known_to}"));
    let attempt = run("voltmeter-high", capabilities, &format!("{SHUNT}{charger}{inverter}"), wrong);
    comes_to(&attempt, &[("MEA-03", volts), ("MEA-04", volts), ("D-VD", link)]);
    assert_eq!(attempt.outcome, volts, "{}", attempt.reason);
    let said = &verdict(&attempt, "D-VD").reason;
    assert!(!said.contains("it is `Shunt`") && !said.contains("it is `Phoenix`"), "{said}");
}

/// A line that loses bytes, an instrument that starts anew, one that falls silent: told as what they are, and the battery
/// is judged by what was heard.
#[rstest]
#[case::lost("battery: { lost: 0.02 % }", "came with a wrong sum")]
#[case::resets("battery: { resets: 300 s, hex: 10 }", "said nothing for up to")]
#[case::silent("battery: { silent-after: 600 s }", "fell silent")]
#[case::another("battery: { product: 0xA057 }", "is no shunt")]
#[case::not_a_battery("battery: { monitors: -9 }", "")]
#[case::half_the_rate("battery: { baud: 9600 }", "another bit rate")]
#[case::twice_the_rate("battery: { baud: 38400 }", "another bit rate")]
#[case::inverted("battery: { inverted: true }", "an inverted line")]
#[case::half("battery: { half: true }", "no block becomes whole")]
#[case::counter("battery: { counter-stands: true }", "it stands still")]
fn a_line_that_is_bad_is_told(#[case] wrong: &str, #[case] says: &str) {
    let attempt = run("reference", WITH_GX, SHUNT, &wrong.replace("0xA057", "41047"));
    let link = verdict(&attempt, "D-VD");
    assert!(link.outcome == Fail && link.reason.contains(says), "{} {}", link.outcome.name(), link.reason);
    assert_eq!(attempt.outcome, Pass, "{}", attempt.reason);
}

/// The rigs that come with the project.
#[rstest]
#[case("simulated-shunt", "D-VD")]
#[case("simulated-witnessed", "D-VD")]
#[case("simulated-vecan", "D-N2K")]
fn a_shipped_rig_confirms_the_reference(#[case] name: &str, #[case] link: &str) {
    let library = Library::find(Path::new(env!("CARGO_MANIFEST_DIR"))).expect("the project");
    let path = format!("{}/rigs/witnessed/{name}.yaml", library.root().display());
    let rig = session::rig(&library, &path).unwrap_or_else(|e| panic!("{e}"));
    let battery = session::battery(&library, "reference").expect("a battery of the project");
    let planned = plan(&case(), &rig, &battery).expect("the limits of the rig make sense");
    let simulation = Simulation::of(&rig, &battery).unwrap_or_else(|e| panic!("{e}"));
    let attempt = attempt(planned, simulation.as_ref(), ("rest-charge-discharge", 1), &mut Unseen);
    comes_to(&attempt, &ALL_RIGHT[..4]);
    comes_to(&attempt, &[(link, Pass)]);
}

/// A case of a shipped suite with a battery on the bench whose witnesses are all right.
fn shipped(suite: &str, case: &str, battery: &BatteryFile) -> Attempt {
    let library = Library::find(Path::new(env!("CARGO_MANIFEST_DIR"))).expect("the project");
    let path = format!("{}/rigs/witnessed/simulated-witnessed.yaml", library.root().display());
    let rig = session::rig(&library, &path).unwrap_or_else(|e| panic!("{e}"));
    let text = std::fs::read_to_string(library.root().join(format!("suites/{suite}/{suite}.yaml")));
    let suite = Suite::parse(suite, &text.expect("it is shipped")).expect("a good suite");
    let case = suite.cases.into_iter().find(|known| known.name == case).expect("a case of the suite");
    let planned = plan(&case, &rig, battery).expect("the limits of the rig make sense");
    let simulation = Simulation::of(&rig, battery).unwrap_or_else(|e| panic!("{e}"));
    attempt(planned, simulation.as_ref(), (&case.name, 1), &mut Unseen)
}

/// What the shunt makes of a row.
fn opinion(verdict: &Verdict) -> &str {
    let found = verdict.evidence.iter().find(|evidence| evidence.what == "by the readings of `SmartShunt`");
    found.map_or("none", |evidence| evidence.value.as_str())
}

/// Each row that rests on voltage or current is judged a second time.
#[rstest]
#[case("feed-in", "load-steps", &["BEH-FI", "CVL-06", "CVL-07"])]
#[case("excess-pv", "low-input-current-limit", &["BEH-XP", "CVL-07"])]
#[case("grid-loss", "empty-on-the-grid", &["BEH-GR"])]
#[case("load-dump", "full", &["BEH-AC"])]
#[case::while_the_bus_is_up("blackout-recovery", "overnight-shutdown", &["SOC-03"])]
fn a_shunt_has_a_second_opinion(#[case] suite: &str, #[case] case: &str, #[case] rows: &[&str]) {
    let library = Library::find(Path::new(env!("CARGO_MANIFEST_DIR"))).expect("the project");
    let reference = session::battery(&library, "reference").expect("a battery of the project");
    let attempt = shipped(suite, case, &reference);
    for row in rows {
        let own = verdict(&attempt, row);
        assert!(opinion(own).starts_with("it holds: "), "{row}: {} {}", own.reason, opinion(own));
        comes_to(&attempt, &[(row, Pass)]);
    }
    // What the DC bus feeds is silent while it is dead: nothing is wrong with its line.
    comes_to(&attempt, &[("D-VD", Pass)]);
}

/// One that shows `---` in place of its current decides nothing by a current, and says so.
#[test]
fn a_shunt_without_a_current_is_told() {
    let attempt = run("current-reads-low", WITHOUT_GX, SHUNT, "battery: { blank: true }");
    comes_to(&attempt, &[("MEA-04", Inconclusive)]);
    let link = verdict(&attempt, "D-VD");
    assert!(link.outcome == Fail && link.reason.contains("never tells its current"), "{}", link.reason);
}

/// A meter that lies beside a battery that does leaves the row undecided. It must hold: a run with it has not passed.
#[rstest]
#[case::current("current-reads-low", WITH_GX, SHUNT, "battery: { current-gain: 10 % }")]
#[case::offset("current-reads-low", WITH_GX, SHUNT, "battery: { current-offset: 4 A }")]
#[case::voltage("voltmeter-high", WITH_GX, SHUNT, "battery: { voltage-gain: -3 % }")]
#[case::not_calibrated("current-reads-low", WITHOUT_GX, UNKNOWN, "")]
fn what_nobody_knows_is_no_pass(
    #[case] battery: &str,
    #[case] capabilities: &str,
    #[case] witnesses: &str,
    #[case] wrong: &str,
) {
    let attempt = run(battery, capabilities, witnesses, wrong);
    comes_to(&attempt, &[("MEA-04", Inconclusive)]);
    assert_eq!(verdict(&attempt, "MEA-04").requirement.severity, Severity::Must);
    assert_eq!(attempt.outcome, Inconclusive, "{}", attempt.reason);
}

/// A charger of which nobody says how far it may be off accuses no battery, and takes no word from a shunt that is calibrated.
#[test]
fn a_charger_that_nobody_calibrated_decides_nothing() {
    let off = "charger: { voltage-gain: 3 % }";
    comes_to(
        &run("reference", WITHOUT_GX, UNKNOWN_CHARGER, off),
        &[("MEA-03", Inconclusive), ("MEA-04", Inconclusive)],
    );
    let both = format!("{SHUNT}{UNKNOWN_CHARGER}");
    comes_to(&run("voltmeter-high", WITHOUT_GX, &both, off), &[("MEA-03", Fail), ("MEA-04", Fail)]);
    comes_to(&run("reference", WITHOUT_GX, &both, off), &[("MEA-03", Pass), ("MEA-04", Pass)]);
    // A charger that may be off by as much is no contradiction.
    let wide = CHARGER.replace("voltage: 0.5 %", "voltage: 4 %");
    comes_to(&run("reference", WITHOUT_GX, &wide, off), &[("MEA-03", Pass), ("MEA-04", Inconclusive)]);
}

/// A shunt the other way round is named beside others too, and the battery fails by what is wrong with it and by nothing else.
#[test]
fn a_turned_shunt_accuses_nobody_of_its_own_fault() {
    let turned = "battery: { reversed: true }";
    let attempt = run("current-reads-low", WITH_GX, SHUNT, turned);
    comes_to(&attempt, &[("MEA-01", Pass), ("MEA-04", Fail), ("D-VD", Fail)]);
    let attempt = run("reference", WITHOUT_GX, SHUNT, "battery: { reversed: true, voltage-offset: 1 V }");
    comes_to(&attempt, &[("MEA-03", Inconclusive), ("MEA-04", Inconclusive), ("D-VD", Fail)]);
}

/// Of so many damaged blocks some have a right sum by chance: the wiring is named, and no second instrument.
#[test]
fn a_line_that_loses_bytes_is_no_line_of_two() {
    let attempt = run("reference", WITHOUT_GX, SHUNT, "battery: { lost: 1 % }");
    let link = verdict(&attempt, "D-VD");
    assert!(link.reason.contains("came with a wrong sum"), "{}", link.reason);
}
