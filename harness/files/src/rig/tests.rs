use super::*;
use rstest::rstest;

const FILE: &str = include_str!("../../../../rigs/simulated.yaml");

#[rstest]
#[case::unknown("BEH-ZZ: no sun", "there is no requirement `BEH-ZZ`")]
#[case::a_should("CVL-10: no sun", "`CVL-10` does not have to hold")]
#[case::judged_by_any_log("TIM-01: no sun", "`TIM-01` is judged by any log")]
#[case::no_reason("BEH-IM: ' '", "nobody says why `BEH-IM`")]
fn what_is_not_tried_here_is_a_must_of_behaviour_with_a_reason(#[case] row: &str, #[case] says: &str) {
    let at = |row: &str| FILE.replacen("\ncan:\n", &format!("\nnot-here:\n  {row}\ncan:\n"), 1);
    let good = RigFile::parse("rig", &at("BEH-IM: cells cannot be charged singly")).expect("a good rig");
    assert_eq!(good.not_here["BEH-IM"], "cells cannot be charged singly");
    let text = at(row);
    let line = 1 + text.lines().position(|line| line.contains(row)).expect("the bad line");
    let error = RigFile::parse("rigs/bad.yaml", &text).expect_err(row).to_string();
    assert!(error.contains(says) && error.starts_with(&format!("rigs/bad.yaml:{line}:")), "{error}");
}

/// A rig that says only what differs, and a mistake in it.
#[test]
fn a_rig_may_be_like_another() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).expect("written");
    };
    let load = || {
        let shown = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        RigFile::load(&folder.path().join("tight.yaml"), &shown).map_err(|e| e.to_string())
    };
    write("simulated.yaml", FILE);
    let tight = "rig: tight\ntitle: t\nlike: simulated\nplant: { inverter: { input-current-limit: 10 A } }\n";
    write("tight.yaml", tight);
    let rig = load().expect("a good rig");
    assert_eq!((rig.rig.as_str(), rig.house().input_current_limit), ("tight", Amps(10.0)));
    write("tight.yaml", &tight.replace("10 A", "10 V"));
    let error = load().expect_err("refused");
    assert!(error.starts_with("tight.yaml:4:"), "{error}");
    write("tight.yaml", &tight.replace("like: simulated", "like: simulatd"));
    assert!(load().expect_err("refused").contains("there is no rig `simulatd` to be like"));
}

#[rstest]
#[case(FILE, true)]
#[case(include_str!("../../../../rigs/served.yaml"), true)]
#[case(LAB, false)]
fn what_has_no_hardware_is_known_by_its_file(#[case] file: &str, #[case] simulated: bool) {
    assert_eq!(RigFile::parse("rig", file).expect("it is shipped").is_simulated(), simulated);
}

#[test]
fn a_rig_is_simulated_or_real() {
    let neither: String = LAB.split("\nlive:").next().unwrap_or_default().to_owned();
    let error = RigFile::parse("rigs/bad.yaml", &neither).expect_err("nothing there").to_string();
    assert!(error.contains("either simulated or real"), "{error}");
}

#[rstest]
#[case::as_it_should_be("dvcc: on", "dvcc: on", None)]
#[case::dvcc_off("dvcc: on", "dvcc: off", Some("DVCC is off"))]
#[case::svs_on("svs: off", "svs: on", Some("shared voltage sense is on"))]
fn how_the_gx_is_set(#[case] good: &str, #[case] other: &str, #[case] fault: Option<&str>) {
    assert!(FILE.contains(good), "{good} stands in the file");
    let rig = RigFile::parse("rig", &FILE.replacen(good, other, 1)).expect("readable");
    assert_eq!(rig.site().gx.expect("stated").fault(), fault);
    let unstated: String = FILE.lines().filter(|l| !l.starts_with("gx:")).map(|l| format!("{l}\n")).collect();
    assert_eq!(RigFile::parse("rig", &unstated).expect("readable").site().gx, None);
}

/// A GX forces shared voltage sense on for some products: that is right then, and what nobody names is refused.
#[rstest]
#[case::named("svs: forced-on, product-id: 0xB038", None)]
#[case::another(
    "svs: forced-on, product-id: 0xB009",
    Some("does not force shared voltage sense on for product id 0xB009")
)]
#[case::nobody("svs: forced-on", Some("none is named"))]
fn what_a_gx_forces(#[case] svs: &str, #[case] refused: Option<&str>) {
    let file = FILE.replacen("svs: off", svs, 1);
    match (RigFile::parse("rig", &file), refused) {
        (Ok(rig), None) => {
            let setup = rig.site().gx.expect("stated");
            assert_eq!((setup.svs, setup.forced_for, setup.fault()), (true, Some("Batrium"), None));
        }
        (Err(error), Some(refused)) => assert!(error.to_string().contains(refused), "{error}"),
        (read, _) => panic!("{read:?}"),
    }
}

const LAB: &str = include_str!("../../../../rigs/lab-example.yaml");

#[test]
fn the_example_of_a_lab_reads_well_and_its_loads_add_up() {
    let rig = RigFile::parse("rigs/lab-example.yaml", LAB).expect("it is shipped");
    let live = rig.live.as_ref().expect("it is real");
    let on = |power| live.load(Watts(power)).map(|on| on.len());
    assert_eq!([0.0, 500.0, 3000.0, 3500.0, 4000.0].map(on), [Some(0), Some(1), Some(2), Some(3), None]);
    assert_eq!(rig.site().inverter_power, Watts(4000.0));
    assert_eq!(rig.site().gx, None, "who copies the file has not looked at the GX yet");
    let looked = LAB.replacen("\"name, date\"", "\"A. Ampere, 2026-03-01\"", 1);
    assert!(RigFile::parse("lab", &looked).expect("the same").site().gx.is_some());
}

#[rstest]
#[case("speed: 1 ", "speed: 0 ", "cannot run 0 times faster")]
#[case("ac-load, operator]", "ac-load, inject]", "claims `inject` and has nothing that does it")]
#[case("over-voltage: 132 V", "over-voltage: 110 V", "120 V leaves no room below 110 V")]
#[case("over-current: 60 A", "over-current: 40 A", "40 A would trip before")]
#[case("interlock: emergency", "interlock: \" \" #", "nothing switches the supply off")]
#[case("heartbeat-within: 1 s", "heartbeat-within: 1 min", "cannot wait 0:01:00")]
#[case("power: 500 W", "power: 0 W", "no bench has 0 W there")]
#[case("gx-relay: 2", "gx-relay: 3", "a GX has two relays")]
#[case("interface: can0", "interfac: can0", "interfac")]
#[case("over-voltage: 132 V", "over-voltage: 300 V", "300 V protects nothing")]
#[case("over-current: 60 A", "over-current: 600 A", "would hardly ever trip")]
#[case("over-current: 60 A", "over-current: 60 A\n    over-power: 6 kW", "6000 W would trip before")]
#[case("over-current: 60 A", "over-current: 60 A\n    over-power: 60 kW", "would hardly ever trip")]
#[case("safe-within: 20 s", "safe-within: 0 s", "no bench has 0 s there")]
#[case("battery.cvl: { silence: 15 s", "battery.cvl: { silence: 10 h", "no bench has 10 h there")]
#[case("3.80 V, silence: 70 s", "3.80 V, silence: 1 h", "kept by readings of long ago")]
#[case("250 V, silence: 10 s", "250 V, silence: 1 s", "give the supply up between two readings")]
#[case("cell-voltage: 1 V,", "cell-voltage: -2 V,", "no bench has -2 V there")]
#[case("cell-voltage: 1 V,", "cells: 1 V,", "`cells`")]
#[case(
    "# unwatched: [battery.highest-cell,",
    "unwatched: [battery.cvl,",
    "`battery.cvl` is no limit that can be given up"
)]
#[case("gx.answer: { silence: 10 s", "gx.answer: { silence: 1 s", "between two polls")]
#[case("mains-voltage: 230 V", "mains-voltage: -230 V", "no bench has -230 V there")]
#[case("timeout: 8 h", "timeout: 0 s", "nobody answers")]
#[case("gx-relay: 2", "gx-relay: 1", "the same relay or coil")]
#[case("number: 1", "number: 0", "the same relay or coil")]
#[case("solar: 229", "solar: 227", "two devices have the unit id 227")]
#[case("confirmed-by: \"name, date\"", "confirmed-by: \" \"", "nobody has confirmed it")]
#[case("  psu: 1 s", "  psu: 100000 h", "polled too seldom")]
#[case("  bus: 5 s", "  bus: 10 s", "expected at most 5 s")]
#[case("live:\n", "plant: {}\nlive:\n", "either simulated or real")]
fn a_lab_that_cannot_be_is_refused_with_its_line(#[case] good: &str, #[case] bad: &str, #[case] says: &str) {
    assert!(LAB.contains(good), "{good} stands in the file");
    let error = RigFile::parse("rigs/bad.yaml", &LAB.replacen(good, bad, 1)).expect_err(bad).to_string();
    assert!(error.contains(says), "{error}");
    assert!(error.starts_with("rigs/bad.yaml:"), "{error}");
}

/// A bus that nothing measures: named, and let through only where the file says the same.
#[test]
fn a_limit_that_nothing_tells_is_named_and_needs_a_word() {
    let bare = LAB.replacen("      inverter: 227\n      solar: 229\n", "", 1);
    assert_ne!(bare, LAB);
    let error = RigFile::parse("rigs/bad.yaml", &bare).expect_err("refused").to_string();
    assert!(
        error.contains("kept: inverter.dc-voltage") && error.contains("`unwatched: [inverter.dc-voltage]`"),
        "{error}"
    );
    let given_up =
        bare.replacen("# unwatched: [battery.highest-cell,", "unwatched: [inverter.dc-voltage,", 1);
    RigFile::parse("rigs/good.yaml", &given_up).expect("it says so");
}

/// Limits as files had them before the table of quantities.
const BEFORE: &str = "limits:
  pack-voltage-max: 60 V
  pack-voltage-min: 36 V
  cell-voltage-max: 3.80 V
  cell-voltage-min: 2.00 V
  temperature-max: 60 °C
  temperature-min: -20 °C
  charge-current-max: 200 A
  discharge-current-max: 250 A
  bus-voltage-max: 64 V
  psu-voltage-max: 250 V
  psu-current-max: 60 A
  pv-power-max: 6 kW
  ac-load-max: 6 kW
  input-current-limit-max: 32 A
  can-silence: 15 s
  gx-silence: 10 s
";

fn before() -> String {
    let (head, rest) = FILE.split_once("limits:\n").expect("limits");
    let (_, tail) = rest.split_once("\n\n").expect("an empty line after them");
    format!("{head}{BEFORE}\n{tail}")
}

/// Files in folders of runs, and of laboratories, say limits by the names they had: they mean the same, also over a
/// file that says them by quantity.
#[test]
fn limits_by_their_names_of_before_mean_the_same() {
    let now = RigFile::parse("rig.yaml", FILE).expect("a good file").limits;
    assert_eq!(RigFile::parse("rig.yaml", &before()).expect("read").limits, now);
    let silences =
        "  gx-silence: 10 s\n  measurements-silence: 41 s\n  cells-silence: 42 s\n  psu-silence: 43 s\n";
    let all = before().replacen("  gx-silence: 10 s\n", silences, 1);
    let limits = RigFile::parse("rig.yaml", &all).expect("read").limits;
    let ages = [Channel::PackVoltage, Channel::PackCurrent, Channel::Temperature].map(|c| limits.age(c));
    assert_eq!(ages, [Micros::from_secs(41); 3]);
    let ages = [Channel::MaxCell, Channel::MinCell, Channel::SupplyVoltage, Channel::SupplyCurrent];
    assert_eq!(ages.map(|c| limits.age(c).0 / 1_000_000), [42, 42, 43, 43]);
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("base.yaml"), FILE).expect("written");
    let top = "rig: top\ntitle: narrower\nlike: base\nlimits: { discharge-current-max: 90 A, cell-voltage-max: 3.7 V }\n";
    let path = folder.path().join("top.yaml");
    std::fs::write(&path, top).expect("written");
    let limits = RigFile::load(&path, &|path| path.display().to_string()).expect("read").limits;
    assert!((limits.at_least(Channel::PackCurrent) + 90.0).abs() < 1e-9);
    assert!((limits.at_most(Channel::PackCurrent) - 200.0).abs() < 1e-9, "as its base says");
    assert!((limits.at_most(Channel::MaxCell) - 3.7).abs() < 1e-9);
}

/// What is wrong with a limit is shown where it stands, whatever it is called there.
#[rstest]
#[case("discharge-current-max: 250 A", "discharge-current-max: 250", "has no unit")]
#[case("cell-voltage-max: 3.80 V", "cell-voltage-max: 1 V", "leaves no room")]
#[case("pack-voltage-max: 60 V", "pack-voltage-mox: 60 V", "unknown key `pack-voltage-mox`")]
fn a_wrong_limit_of_before_is_refused_with_its_line(
    #[case] good: &str,
    #[case] bad: &str,
    #[case] says: &str,
) {
    let text = before().replacen(good, bad, 1);
    let line = 1 + text.lines().position(|l| l.contains(bad)).expect("the bad line");
    let error = RigFile::parse("rigs/bad.yaml", &text).expect_err(bad).to_string();
    assert!(error.contains(says) && error.starts_with(&format!("rigs/bad.yaml:{line}:")), "{error}");
}

#[rstest]
#[case("dvcc: on", "dvcc: maybe", "`maybe` is not known here")]
#[case("at-most: 3.80 V", "at-most: 1 V", "`battery.highest-cell.at-most` leaves no room")]
#[case("{ at-most: 3.80 V", "{ silence: 1 s", "`battery.highest-cell.at-most` is missing")]
#[case("at-least: -250 A", "at-least: 250 A", "`battery.current.at-least` leaves no room")]
#[case("gx: 1 s ", "gx: 0 s ", "polled too often")]
#[case("bit-rate: 500 kbit/s", "bit-rate: 125 kbit/s", "no profile with 125 kbit/s")]
#[case("supply.current: { at-most: 60 A", "supply.current: { at-most: 60", "has no unit")]
#[case("supply.current: { at-most: 60 A", "supply.current: { at-most: 60 V", "`V` does not fit")]
#[case("supply.current: {", "supply.curent: {", "expected `supply.current`")]
#[case("supply.current: { at-most", "supply.current: { at-mots", "expected `at-most`")]
#[case("capabilities: [pv,", "capabilities: [sun,", "`sun` is not known here")]
fn a_wrong_number_is_refused_with_its_line(#[case] good: &str, #[case] bad: &str, #[case] says: &str) {
    assert!(FILE.contains(good), "{good} stands in the file");
    let text = FILE.replacen(good, bad, 1);
    let line = 1 + text.lines().position(|l| l.contains(bad.trim_end())).expect("the bad line");
    let error = RigFile::parse("rigs/bad.yaml", &text).expect_err(bad).to_string();
    assert!(error.contains(says), "{error}");
    assert!(error.starts_with(&format!("rigs/bad.yaml:{line}:")), "line {line}: {error}");
}
