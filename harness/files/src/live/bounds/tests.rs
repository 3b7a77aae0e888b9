use rstest::rstest;

use crate::RigFile;

const LAB: &str = include_str!("../../../../../rigs/lab-example.yaml");

/// The line of what is refused, and what is said.
fn refused(text: &str) -> Option<(usize, String)> {
    let said = RigFile::parse("rig.yaml", text).err()?.to_string();
    let line =
        said.strip_prefix("rig.yaml:").and_then(|rest| rest.split(':').next()).and_then(|n| n.parse().ok());
    Some((line.unwrap_or_else(|| panic!("no line: {said}")), said))
}

fn with(changes: &[(&str, &str)]) -> String {
    changes.iter().fold(LAB.to_owned(), |text, (good, other)| {
        assert!(text.contains(good), "{good} stands in the file");
        text.replacen(good, other, 1)
    })
}

/// What was accepted once, with a word of what is usual.
#[rstest]
#[case::a_slip_of_a_unit(
    "battery.voltage: { at-most: 60 V",
    "battery.voltage: { at-most: 60 kV",
    "36 V to 60 V"
)]
#[case::a_cell_of_a_kilovolt(
    "highest-cell: { at-most: 3.80 V",
    "highest-cell: { at-most: 1 kV",
    "3.8 V and 2.0 V for LFP"
)]
#[case::no_cell("lowest-cell: { at-least: 2.00 V", "lowest-cell: { at-least: 0 V", "for LFP")]
#[case::a_pack_of_nothing("at-least: 36 V", "at-least: 0 V", "36 V to 60 V")]
#[case::a_bus_of_another_system("dc-voltage: { at-most: 64 V", "dc-voltage: { at-most: 95 V", "36 V to 60 V")]
#[case::a_dark_sun("pv-power-max: 6 kW", "pv-power-max: -6 kW", "what the supply gives")]
#[case::a_sun_of_megawatts("pv-power-max: 6 kW", "pv-power-max: 6000 kW", "6600 W")]
#[case::a_dark_sun_on_site("solar-power: 5.8 kW", "solar-power: -5.8 kW", "500 W to 12 kW")]
#[case::not_safe("safe-voltage: 30 V", "safe-voltage: 119 V", "above 60 V nobody may touch it")]
#[case::never_safe("safe-voltage: 30 V", "safe-voltage: 30 mV", "30 V")]
#[case::a_gx_that_need_not_answer(
    "gx.answer: { silence: 10 s",
    "gx.answer: { silence: 1000 h",
    "10 s to 30 s"
)]
#[case::no_interlock(
    "interlock: emergency stop relay K1 cuts the mains of the supply, tested monthly",
    "interlock: \"no\"",
    "emergency stop relay K1"
)]
#[case::no_interlock_in_words("interlock: emergency", "interlock: none yet, #", "names no interlock")]
#[case::no_reason("interlock: emergency", "accepted-risk: x #", "the reason why nothing else")]
#[case::no_reason_at_length(
    "interlock: emergency",
    "accepted-risk: x x x x x x x x x x x x #",
    "the reason why"
)]
#[case::hot("temperature: { at-most: 60 °C", "temperature: { at-most: 600 °C", "60 °C")]
#[case::a_watchdog_of_an_hour("interlock: emergency", "watchdog: 1 h #", "10 s")]
#[case::on_for_ever("energised-max: 24 h", "energised-max: 100000 h", "24 h")]
#[case::blind_for_ever("span: 5 min", "span: 500 h", "5 min")]
#[case::anything_may_be_faked("cell-voltage: 1 V", "cell-voltage: 1 kV", "1 V")]
#[case::a_sun_below_the_battery("voltage: 120 V  ", "voltage: 12 V  ", "above the battery")]
#[case::deaf_to_the_supply(
    "# unwatched: [battery.highest-cell, battery.lowest-cell]",
    "unwatched: [supply.voltage]",
    "no instrument of this rig"
)]
fn what_no_bench_can_be_is_refused_with_its_line_and_what_is_usual(
    #[case] good: &str,
    #[case] bad: &str,
    #[case] usual: &str,
) {
    let text = with(&[(good, bad)]);
    let line = 1 + text.lines().position(|line| line.contains(bad.trim_end())).expect("the bad line");
    let (at, said) = refused(&text).expect(bad);
    assert_eq!(at, line, "{said}");
    assert!(said.contains(usual), "{said}");
}

/// A quantity as it stands in the file: line, text, number, unit.
fn quantities() -> Vec<(usize, String, f64, String)> {
    let mut found = Vec::new();
    let lines = LAB.lines().enumerate().skip_while(|(_, line)| *line != "limits:");
    for (index, line) in lines {
        let code = line.split(" #").next().unwrap_or_default();
        if code.trim_start().starts_with('#') {
            continue;
        }
        for part in code.split([',', '{', '}']) {
            let value = part.rsplit(": ").next().unwrap_or_default().trim();
            let Some((number, unit)) = value.split_once(' ') else { continue };
            if let Ok(number) = number.parse() {
                found.push((index, value.to_owned(), number, unit.to_owned()));
            }
        }
    }
    found
}

/// Every quantity that a real rig states, a thousand times as much (a slip of its unit) and with the other sign: the
/// line that is refused is the one that is wrong, whatever stands beside it.
#[test]
fn a_slip_of_a_unit_or_a_sign_is_refused_wherever_it_is() {
    let all = quantities();
    assert!(all.len() > 40, "{all:?}");
    for (index, text, number, unit) in all {
        for other in [number * 1000.0, -number] {
            // A limit of cold may be above freezing.
            if number < 0.0 && other > 0.0 && unit == "°C" {
                continue;
            }
            let bad: Vec<String> = LAB
                .lines()
                .enumerate()
                .map(|(k, line)| {
                    if k == index {
                        line.replacen(&text, &format!("{other} {unit}"), 1)
                    } else {
                        line.to_owned()
                    }
                })
                .collect();
            let Some((at, said)) = refused(&bad.join("\n")) else { panic!("{}: accepted", bad[index]) };
            // A list is shown where it begins.
            let listed =
                bad[index].trim_start().starts_with("- ") && bad[at - 1].trim_start().starts_with("- ");
            assert!(at == index + 1 || listed, "{}: {said}", bad[index]);
        }
    }
}

/// Benches that are rare, and are benches.
#[rstest]
#[case::lfp_of_12_volts(&[("at-most: 60 V, at-least: 36 V", "at-most: 15 V, at-least: 9 V"), ("dc-voltage: { at-most: 64 V", "dc-voltage: { at-most: 17 V"),
    ("voltage: 120 V  ", "voltage: 40 V  "), ("over-voltage: 132 V", "over-voltage: 50 V"), ("safe-voltage: 30 V", "safe-voltage: 25 V")])]
#[case::titanate(&[("at-most: 60 V, at-least: 36 V", "at-most: 70.8 V, at-least: 27 V"), ("at-most: 3.80 V", "at-most: 2.95 V"),
    ("at-least: 2.00 V", "at-least: 1.5 V"), ("dc-voltage: { at-most: 64 V", "dc-voltage: { at-most: 72 V")])]
#[case::cobalt(&[("at-most: 60 V, at-least: 36 V", "at-most: 61 V, at-least: 35 V"), ("at-most: 3.80 V", "at-most: 4.45 V"), ("at-least: 2.00 V", "at-least: 3.0 V")])]
#[case::a_charger_of_450_volts(&[("supply.voltage: { at-most: 250 V", "supply.voltage: { at-most: 450 V"), ("voltage: 120 V  ", "voltage: 380 V  "),
    ("over-voltage: 132 V", "over-voltage: 440 V"), ("safe-voltage: 30 V", "safe-voltage: 60 V"), ("pv-power-max: 6 kW", "pv-power-max: 20 kW")])]
#[case::a_small_one(&[("supply.current: { at-most: 55 A", "supply.current: { at-most: 3 A"), ("over-current: 60 A", "over-current: 5 A"), ("pv-power-max: 6 kW", "pv-power-max: 300 W"),
    ("inverter-power: 4 kW", "inverter-power: 200 W"), ("solar-power: 5.8 kW", "solar-power: 400 W"), ("solar-current: 100 A", "solar-current: 10 A")])]
#[case::a_large_one(&[("at-most: 200 A, at-least: -250 A", "at-most: 1200 A, at-least: -2000 A"), ("inverter-power: 4 kW", "inverter-power: 90 kW"), ("ac-load-max: 6 kW", "ac-load-max: 100 kW"),
    ("solar-power: 5.8 kW", "solar-power: 100 kW"), ("solar-current: 100 A", "solar-current: 1800 A"), ("input-current-limit-max: 32 A", "input-current-limit-max: 600 A")])]
#[case::of_another_grid(&[("mains-voltage: 230 V", "mains-voltage: 100 V"), ("input-current-limit: 32 A ", "input-current-limit: 50 A ")])]
#[case::a_slow_gx(&[("gx.answer: { silence: 10 s", "gx.answer: { silence: 2 min"), ("dc-voltage: { at-most: 64 V }", "dc-voltage: { at-most: 66 V, silence: 2 min }")])]
#[case::in_the_cold(&[("at-most: 60 °C, at-least: -20 °C", "at-most: 80 °C, at-least: -40 °C")])]
#[case::nobody_else_fakes(&[("span: 5 min, cell-voltage: 1 V, pack-voltage: 10 V, current: 1000 A, temperature: 100 °C", "span: 0 s, cell-voltage: 0 V, pack-voltage: 0 V, current: 0 A, temperature: 0 °C")])]
#[case::a_relay(&[("emergency stop relay K1 cuts the mains of the supply, tested monthly", "relay K1")])]
#[case::a_german_relay(&[("emergency stop relay K1 cuts the mains of the supply, tested monthly", "NOT-AUS trennt das Netzteil")])]
#[case::only_its_watchdog(&[("interlock: emergency", "watchdog: 60 s #")])]
#[case::somebody_is_there(&[("interlock: emergency", "accepted-risk: somebody stands beside it #")])]
#[case::a_long_test(&[("energised-max: 24 h", "energised-max: 168 h")])]
#[case::no_load_and_no_limit(&[("ac-load-max: 6 kW", "ac-load-max: 0 W")])]
fn a_rare_bench_is_still_a_bench(#[case] changes: &[(&str, &str)]) {
    let said = refused(&with(changes));
    assert_eq!(said, None);
}
