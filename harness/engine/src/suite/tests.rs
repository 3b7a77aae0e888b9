//! Suites that are read, and suites that are refused: message and place to the letter.

use judge::trace::Channel;
use proptest::prelude::*;
use proto::quantity::{Micros, Percent};
use rstest::rstest;

use super::*;
use crate::interlock::RigLimits;
use crate::interlock::tests::with_limit;

use page::EVERYTHING;

fn limits() -> RigLimits {
    crate::interlock::tests::limits()
}

const ALL: [Capability; 8] = [
    Capability::Pv,
    Capability::Gx,
    Capability::Grid,
    Capability::AcLoad,
    Capability::Silence,
    Capability::Inject,
    Capability::Imbalance,
    Capability::Operator,
];

#[test]
fn every_verb_is_read() {
    let suite = Suite::parse("every-verb.yaml", EVERYTHING).unwrap_or_else(|e| panic!("{e}"));
    let case = &suite.cases[0];
    let mut words = Vec::new();
    each(&case.steps, &mut |step| words.push(step.verb));
    for verb in verb::VERBS {
        assert!(words.contains(&verb.name), "the example shows `{}`", verb.name);
    }
    for condition in condition::short_names() {
        assert!(EVERYTHING.contains(&format!("{{ {condition}: ")), "the example shows `{condition}`");
    }
    let text: Vec<_> = case.steps.iter().map(ToString::to_string).collect();
    assert_eq!(
        text,
        [
            "pv 4 kW",
            "pv 800 W over 30 min",
            "ac-pv 2 kW",
            "ac-load 3 kW",
            "grid off",
            "grid on",
            "feed-in off",
            "input-current-limit 4 A",
            "hold 1 h",
            "wait until CVL lowered or battery full or SoC ≥ 100 % for 1 min, within 3 h",
            "expect (battery online and inverter on) or grid on, within 2 h",
            "expect CVL ≤ 55 V or CCL ≤ 10 A or DCL ≤ 0 A or pack voltage within 50 … 57 V or battery current ≤ 2 A \
             or highest cell ≥ 3.4 V or DC bus ≥ 50 V or PV power ≥ 1000 W or grid power ≤ -1000 W \
             or shunt voltage ≤ 57 V or shunt current ≥ -100 A or charger voltage ≥ 50 V or charger current ≤ 60 A, within 3 h per 280 Ah",
            "expect inverter on, within 5 min",
            "mark full",
            "repeat 2 times",
            "silence 0x351 for 3 s",
            "inject cell-voltage by 0.3 V for 10 s",
            "inject current by 400 A for 5 s",
            "imbalance 5 %",
            "ac-load 3 kW, then wait until SoC within 10 … 20 % or lowest cell ≤ 2.8 V, within 12 h, then ac-load off",
            "gx-write 2705 = 40",
            "prompt: Press the button of the battery.",
            "prompt: Read the display.",
        ]
    );
    assert_eq!(case.spec, "P 1.5.3.1");
    assert_eq!(
        case.snapshot,
        Some(Snapshot {
            channels: vec![Channel::Cvl, Channel::PackVoltage],
            from: Some("loaded-2".to_owned())
        })
    );
    assert_eq!(case.reasons.len(), 1);
}

/// A suite around one list of steps; line 8 is the first of them.
fn around(steps: &str) -> String {
    format!(
        "suite: s\ntitle: t\nspec: P 1.5\nneeds: [pv, gx, grid, ac-load, silence, inject, imbalance, operator]\ncases:\n  \
         - {{ case: c, title: t, requirements: [BEH-BO], start: {{ soc: 50 %, grid: off, feed-in: off, pv: off, ac-load: off }},\n    steps: [\n      {steps}\n    ] }}\n"
    )
}

#[rstest]
#[case("{ hold: 3 }", "8:15: `hold` has no unit", "a time such as `20 s`, `90 min` or `3 h`")]
#[case("{ hold: 3 V }", "8:15: the unit `V` does not fit `hold`", "a time such as `20 s`, `90 min` or `3 h`")]
#[case(
    "{ hold: soon }",
    "8:15: `soon` is not a quantity for `hold`",
    "a time such as `20 s`, `90 min` or `3 h`"
)]
#[case("{ hold: 0 s }", "8:15: `hold` is nothing", "a time such as `20 s`, `90 min` or `3 h`")]
#[case("{ hold: 31 d }", "8:15: `hold` is longer than a month", "at most 720 h")]
#[case("{ holt: 3 s }", "8:9: unknown step `holt`", "`hold`")]
#[case("hold", "8:7: `hold` is not a step", "a step such as `hold: …`")]
#[case(
    "{ hold: 3 s, mark: x }",
    "8:20: a step has one key, `mark` is a second",
    "a step of its own, or `{ … }` around what belongs to the first"
)]
#[case("{ pv: on }", "8:13: `pv: on` does not say how much", "`off` or a power such as `4 kW`")]
#[case("{ pv: -4 kW }", "8:13: `pv` cannot be -4000 W", "0 W to 100000 W")]
#[case("{ pv: { powr: 4 kW } }", "8:15: unknown key `powr`", "`power`")]
#[case(
    "{ pv: { power: 4 kW, over: 0 s } }",
    "8:34: `over` is nothing",
    "a time such as `20 s`, `90 min` or `3 h`"
)]
#[case("{ grid: maybe }", "8:15: `grid` cannot be `maybe`", "one of `on`, `off`")]
#[case(
    "{ mark: Full }",
    "8:15: `Full` is no name",
    "small letters, digits and single dashes, such as `load-steps`"
)]
#[case(
    "{ repeat: { times: 0, steps: [ { hold: 1 s } ] } }",
    "8:26: `times` is not such a number",
    "a whole number from 1 to 1000"
)]
#[case("{ repeat: { times: 2, steps: [] } }", "8:36: `steps` is empty", "at least one step")]
#[case(
    "{ silence: { id: 0x800, for: 3 s } }",
    "8:24: `id` is not such a number",
    "a whole number from 0 to 2047"
)]
#[case(
    "{ inject: { cell-voltag: { by: 1 V, for: 3 s } } }",
    "8:19: unknown fault `cell-voltag`",
    "`cell-voltage`"
)]
#[case(
    "{ gx-write: { register: 2705, value: 70000 } }",
    "8:44: `value` is not such a number",
    "a whole number from 0 to 65535"
)]
#[case("{ imbalance: 0 % }", "8:20: `imbalance` cannot be 0 %", "0.1 % to 50 %")]
#[case(
    "{ wait: { until: { soc: { at-least: 101 % } }, timeout: 1 h } }",
    "8:43: SoC is never 101 %",
    "0 to 100 %"
)]
#[case(
    "{ wait: { until: { soc: { at-least: 60 % } }, timeout: 0 s } }",
    "8:62: `timeout` is nothing",
    "a time such as `20 s`, `90 min` or `3 h`"
)]
#[case(
    "{ wait: { until: { soc: 60 % }, timeout: 1 h } }",
    "8:31: `soc` cannot be `60 %`",
    "bounds such as `{ at-least: … }`"
)]
#[case(
    "{ wait: { until: { soc: {} }, timeout: 1 h } }",
    "8:31: `soc` has no bounds",
    "`at-least`, `at-most` or both"
)]
#[case(
    "{ wait: { until: { cvl: raised }, timeout: 1 h } }",
    "8:31: `cvl` cannot be `raised`",
    "`lowered` or bounds such as `{ at-least: … }`"
)]
#[case(
    "{ wait: { until: { soc: { at-least: 60 %, at-most: 50 % } }, timeout: 1 h } }",
    "8:31: nothing lies within these bounds of `soc`",
    "`at-least` below `at-most`"
)]
#[case("{ wait: { until: { any: [] }, timeout: 1 h } }", "8:26: `any` has no conditions", "at least one")]
#[case(
    "{ wait: { until: { inverter: on }, for: 2 h, timeout: 1 h } }",
    "8:61: `timeout` is over before `for` is",
    "a longer time than 2 h"
)]
#[case(
    "{ expect: { that: { inverter: on }, within: 1 h, requirement: BEH-BX } }",
    "8:69: no requirement has the id `BEH-BX`",
    "`BEH-BO`"
)]
#[case(
    "{ expect: { that: { inverter: on }, within: 1 h, requirement: CVL-02 } }",
    "8:9: `CVL-02` is expected here but not among the case's requirements",
    "`CVL-02` in `requirements`"
)]
#[case(
    "{ expect: { that: { inverter: on }, within: 1 h } }",
    "8:25: it is not said what is judged by this",
    "either `requirement: CVL-02`, a row of the catalogue, or `as: my-name`, a test of one's own"
)]
#[case(
    "{ expect: { that: { inverter: on }, within: 1 h, requirement: BEH-BO, as: restarts } }",
    "8:25: it is not said what is judged by this",
    "either `requirement: CVL-02`, a row of the catalogue, or `as: my-name`, a test of one's own"
)]
#[case(
    "{ expect: { that: { inverter: on }, within: 1 h, as: BEH-BO } }",
    "8:60: `BEH-BO` is no name",
    "small letters, digits and single dashes, such as `load-steps`"
)]
#[case(
    "{ wait: { until: { all: [ { inverter: on }, { inverter: off } ] }, timeout: 1 h } }",
    "8:9: `inverter on and inverter off` contradicts itself",
    "conditions of `all` that can hold together"
)]
#[case(
    "{ wait: { until: { all: [ { soc: { at-least: 60 % } }, { all: [ { soc: { at-most: 50 % } } ] } ] }, timeout: 1 h } }",
    "8:9: `SoC ≥ 60 % and (SoC ≤ 50 %)` contradicts itself",
    "conditions of `all` that can hold together"
)]
#[case(
    "{ wait: { until: { soc: { at-least: 60 % } }, timeout: 1 h } }",
    "8:9: `SoC ≥ 60 %` is never reached: PV is off and the grid is cut",
    "`pv` or `grid: on` before it"
)]
#[case(
    "{ wait: { until: { soc: { at-most: 40 % } }, timeout: 1 h } }",
    "8:9: `SoC ≤ 40 %` is never reached: there is no load and no grid",
    "`ac-load` or `grid: on` before it"
)]
#[case(
    "{ wait: { until: { any: [ { pv-power: { at-least: 1 W } }, { grid: on } ] }, timeout: 1 h } }",
    "8:9: `PV power ≥ 1 W or grid on` is never reached: PV is off",
    "`pv` before it"
)]
#[case(
    "{ wait: { until: { grid-power: { at-most: -1 kW } }, timeout: 1 h } }",
    "8:9: `grid power ≤ -1000 W` is never reached: the grid is cut",
    "`grid: on` before it"
)]
#[case("{ mark: a }, { mark: a }", "8:22: `mark: a` is set a second time", "a name of its own")]
#[case(
    "{ repeat: { times: 1000, steps: [ { repeat: { times: 1000, steps: [ { hold: 1 s } ] } } ] } }",
    "8:9: the case has too many steps",
    "at most 10000 with every `repeat` written out"
)]
fn refused_steps(#[case] steps: &str, #[case] message: &str, #[case] expected: &str) {
    let text = around(steps);
    let error = Suite::parse("s.yaml", &text).expect_err("refused");
    let problems = error.problems();
    let shown: Vec<_> =
        problems.iter().map(|p| format!("{}:{}: {}", p.at.line, p.at.column, p.message)).collect();
    let found =
        shown.iter().position(|m| m == message).unwrap_or_else(|| panic!("{message}\nnot in\n{error}"));
    assert_eq!(problems[found].expected, expected);
}

#[rstest]
#[case("suite: s", "suite: S", "1:8: `S` is no name")]
#[case("spec: P 1.5", "spec: 1.5", "3:7: `1.5` is no section")]
#[case("operator]", "operater]", "4:60: `needs` cannot be `operater`")]
#[case("needs: [pv, gx, grid, ac-load, ", "needs: [gx, grid, ac-load, ", "8:9: `pv` needs `pv`")]
#[case("needs: [pv, gx, ", "needs: [pv, ", "9:9: the condition `inverter on` needs `gx`")]
#[case("title: t\n", "titel: t\n", "2:1: unknown key `titel`")]
#[case("BEH-BO", "BEH-BU", "6:41: no requirement has the id `BEH-BU`")]
#[case("[BEH-BO]", "[]", "6:40: `requirements` is empty")]
#[case("[BEH-BO]", "[BEH-BO, BEH-BO]", "6:49: `BEH-BO` stands here a second time")]
#[case("soc: 50 %", "soc: 101 %", "6:64: `soc` cannot be 101 %")]
#[case("grid: off, ", "", "6:57: `grid` is missing")]
#[case(
    "] }\n",
    "], trace: { snapshot: [cvl], from: ful } }\n",
    "11:15: `from: ful` names a mark that no step sets"
)]
#[case("] }\n", "], trace: { snapshot: [clv] } }\n", "11:28: `snapshot` cannot be `clv`")]
#[case("] }\n", "], limits: { settlin: 60 s } }\n", "11:18: unknown key `settlin`")]
#[case("] }\n", "], limits: { settling: 3 } }\n", "11:28: `settling` has no unit")]
#[case(
    "] }\n",
    "], limits: { settling: 2 h } }\n",
    "11:28: `settling: 2 h` is milder than the 0:02:00 in force"
)]
#[case("] }\n", "], limits: { settling: { value: 2 h } } }\n", "11:28: `because` is missing")]
fn refused_heads(#[case] right: &str, #[case] wrong: &str, #[case] message: &str) {
    let text = around(
        "{ pv: 4 kW },\n      { wait: { until: { inverter: on }, timeout: 1 h } },\n      { mark: full }",
    );
    Suite::parse("s.yaml", &text).unwrap_or_else(|e| panic!("{e}"));
    assert!(text.contains(right));
    let error = Suite::parse("s.yaml", &text.replacen(right, wrong, 1)).expect_err("refused");
    let shown: Vec<_> =
        error.problems().iter().map(|p| format!("{}:{}: {}", p.at.line, p.at.column, p.message)).collect();
    assert!(shown.iter().any(|m| m == message), "{message}\nnot in\n{error}");
}

/// A test of one's own is judged beside what the case decides, or alone.
#[test]
fn what_is_expected_under_a_name_of_its_own_is_judged_by_itself() {
    let step = "{ expect: { that: { inverter: on }, within: 1 h, as: restarts-soon } }";
    let ids = |text: &str| {
        let suite = Suite::parse("s.yaml", text).unwrap_or_else(|e| panic!("{e}"));
        suite.cases[0].requirements.iter().map(|row| row.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(&around(&format!("{step}, {step}"))), ["BEH-BO", "restarts-soon"]);
    assert_eq!(ids(&around(step).replace("requirements: [BEH-BO], ", "")), ["restarts-soon"]);
    let nothing = around("{ hold: 1 s }").replace("requirements: [BEH-BO], ", "");
    let error = Suite::parse("s.yaml", &nothing).expect_err("it decides nothing").to_string();
    assert!(error.contains("the case decides nothing"), "{error}");
}

#[test]
fn one_look_shows_everything_that_is_wrong() {
    let text = around("{ hold: 3 }, { holt: 3 s }, { grid: 5 }")
        .replace("soc: 50 %", "soc: 50")
        .replace("spec: P 1.5", "spec: x");
    let error = Suite::parse("suites/s/s.yaml", &text).expect_err("refused");
    assert_eq!(error.problems().len(), 5, "{error}");
    let shown = error.to_string();
    let first = "suites/s/s.yaml:3:7: `x` is no section\n    3 | spec: x\n      |       ^ expected a section such as `P 1.5.3.1`\n\n";
    assert!(shown.starts_with(first), "{shown}");
}

/// One typing error is one problem: the key that was meant is not also called missing.
#[test]
fn a_mistyped_key_is_one_problem() {
    let error = Suite::parse("s.yaml", &around("{ pv: { powr: 4 kW } }")).expect_err("refused");
    assert_eq!(error.problems().len(), 1, "{error}");
    let error = Suite::parse("s.yaml", &around("{ pv: { over: 4 s } }")).expect_err("refused");
    assert_eq!(error.problems()[0].message, "`power` is missing");
}

#[test]
fn a_repeated_name_of_a_case_is_refused() {
    let one = around("{ hold: 1 s }");
    let second = one.split("cases:\n").nth(1).expect("the cases");
    let error = Suite::parse("s.yaml", &format!("{one}{second}")).expect_err("refused");
    assert_eq!(error.problems()[0].message, "a second case is called `c`");
}

/// What was charged before may be waited for without a source; the second round of a repeat knows the first.
#[rstest]
#[case(
    "{ grid: on }, { hold: 1 h }, { grid: off }, { wait: { until: { soc: { at-least: 60 % } }, timeout: 1 h } }"
)]
#[case("{ wait: { until: { soc: { at-least: 50 % } }, timeout: 1 h } }")]
#[case("{ ac-load: 1 kW }, { wait: { until: { soc: { at-most: 40 % } }, timeout: 1 h } }")]
#[case("{ discharge: { power: 1 kW, until: { current: { at-most: -1 A } }, timeout: 1 h } }")]
#[case("{ prompt: charge it }, { wait: { until: { soc: { at-least: 60 % } }, timeout: 1 h } }")]
#[case("{ wait: { until: { any: [ { inverter: off }, { grid: on } ] }, timeout: 1 h } }")]
fn reachable(#[case] steps: &str) {
    Suite::parse("s.yaml", &around(steps)).unwrap_or_else(|e| panic!("{e}"));
}

#[test]
fn the_second_round_of_a_repeat_is_checked_too() {
    let steps = "{ grid: on }, { repeat: { times: 2, steps: [ { wait: { until: { grid: on }, timeout: 1 h } }, { grid: off } ] } }";
    let error = Suite::parse("s.yaml", &around(steps)).expect_err("refused");
    assert_eq!(error.problems()[0].message, "`grid on` is never reached: the grid is cut");
}

fn case(text: &str) -> Case {
    Suite::parse("s.yaml", text).unwrap_or_else(|e| panic!("{e}")).cases.remove(0)
}

#[rstest]
#[case("{ pv: 4 kW }", Capability::Pv, "the rig has no `pv` (`capabilities`): a supply that plays the sun")]
#[case(
    "{ prompt: look }",
    Capability::Operator,
    "the rig has no `operator` (`capabilities`): an operator who answers prompts"
)]
fn a_rig_without_it_does_not_try_the_case(
    #[case] steps: &str,
    #[case] without: Capability,
    #[case] reason: &str,
) {
    let rig: Vec<_> = ALL.into_iter().filter(|&c| c != without).collect();
    let error = case(&around(steps)).bind(&limits(), &rig).expect_err("not tried");
    assert_eq!(error, BindError::NotTried { reason: reason.to_owned() });
}

#[rstest]
#[case("{ pv: 50 kW }", "line 8: `pv` of 50000 W is above the rig's limit of 6000 W (`limits`)")]
#[case(
    "{ repeat: { times: 2, steps: [ { ac-load: 5 kW } ] } }",
    "line 8: `ac-load` of 5000 W is above the rig's limit of 4000 W (`limits`)"
)]
#[case(
    "{ input-current-limit: 100 A }",
    "line 8: `input-current-limit` of 100 A is above the rig's limit of 32 A (`limits`)"
)]
#[case(
    "{ gx-write: { register: 22, value: 1000 } }",
    "line 8: `input-current-limit` of 100 A is above the rig's limit of 32 A (`limits`)"
)]
fn a_setpoint_above_the_limits_of_the_rig(#[case] steps: &str, #[case] reason: &str) {
    let error = case(&around(steps)).bind(&limits(), &ALL).expect_err("not tried");
    assert_eq!(error.to_string(), reason);
}

/// What would leave a limit without any true reading for longer than the rig allows, or move a reading further, does not
/// begin; what another instrument of the rig tells meanwhile does.
#[rstest]
#[case::cell(
    "{ inject: { cell-voltage: { by: 5 V, for: 700 h } } }",
    Some(
        "`inject cell-voltage by 5 V` makes a reading wrong by 5 V, the rig allows 1 V (`limits.faking.cell-voltage`"
    )
)]
#[case::cell_long(
    "{ inject: { cell-voltage: { by: 500 mV, for: 301 s } } }",
    Some("`battery.highest-cell` without any true reading for 5 min 1 s, the rig allows 5 min")
)]
#[case::cell_just("{ inject: { cell-voltage: { by: 1 V, for: 5 min } } }", None)]
#[case::stuck("{ inject: { cell-stuck: { for: 6 min } } }", Some("`battery.highest-cell`"))]
#[case::current(
    "{ inject: { current: { by: 3000 A, for: 700 h } } }",
    Some("wrong by 3000 A, the rig allows 1000 A")
)]
#[case::current_is_told_elsewhere("{ inject: { current: { by: 400 A, for: 700 h } } }", None)]
#[case::gain_is_told_elsewhere("{ inject: { current-gain: { by: 50 %, for: 700 h } } }", None)]
#[case::pack_is_told_elsewhere("{ inject: { pack-voltage: { by: -5 V, for: 700 h } } }", None)]
#[case::both_ways_at_once(
    "{ inject: { current: { by: 400 A, for: 1 h } } }, { inject: { gx-reboot: { for: 6 min } } }",
    Some("gx-reboot for 6 min`")
)]
#[case::open(
    "{ inject: { temperature-open: { for: 700 h } } }",
    Some("`battery.temperature` without any true reading for 700 h")
)]
#[case::hot("{ inject: { temperature: { by: 150 °C, for: 1 min } } }", Some("wrong by 150 °C"))]
#[case::silence(
    "{ silence: { id: 0x351, for: 700 h } }",
    Some("`silence 0x351 for 700 h` would leave the rig's limit `battery.cvl`")
)]
#[case::keep_alive("{ silence: { id: 0x305, for: 20 min } }", None)]
#[case::cells_silenced("{ silence: { id: 0x373, for: 6 min } }", Some("`battery.highest-cell`"))]
#[case::measurements_silenced("{ silence: { id: 0x356, for: 6 h } }", None)]
#[case::garbled("{ inject: { garble: { id: 0x373, for: 6 min } } }", Some("`battery.highest-cell`"))]
#[case::forged("{ inject: { babble: { id: 0x351, every: 1 s, for: 6 min } } }", Some("`battery.cvl`"))]
#[case::late(
    "{ inject: { frame-delay: { by: 10 s, id: 0x373, for: 295 s } } }",
    Some("`battery.highest-cell`")
)]
#[case::jitter("{ inject: { frame-jitter: { by: 10 s, for: 6 min } } }", Some("`battery.cvl`"))]
#[case::lost("{ inject: { frame-loss: { share: 100 %, for: 6 min } } }", Some("`battery.cvl`"))]
#[case::loose("{ inject: { frame-loss: { share: 20 %, for: 10 min } } }", None)]
#[case::cut("{ inject: { wire-cut: { for: 6 min } } }", Some("`battery.cvl`"))]
#[case::off("{ inject: { bus-off: { for: 6 min } } }", Some("`battery.cvl`"))]
#[case::reboot("{ inject: { gx-reboot: { for: 6 min } } }", Some("`gx.answer`"))]
#[case::supply("{ inject: { psu-silent: { for: 6 min } } }", Some("`supply.voltage`"))]
#[case::piece_by_piece(
    "{ repeat: { times: 3, steps: [ { inject: { temperature-open: { for: 2 min } } }, { hold: 2 min } ] } }",
    Some("for 6 min, the rig")
)]
#[case::with_pauses(
    "{ repeat: { times: 9, steps: [ { inject: { temperature-open: { for: 1 min } } }, { hold: 15 min } ] } }",
    None
)]
fn a_case_that_would_lift_a_limit_is_refused_with_its_line(#[case] steps: &str, #[case] says: Option<&str>) {
    let bound = case(&around(steps)).bind(&limits(), &ALL).map(drop);
    match says {
        None => assert_eq!(bound, Ok(())),
        Some(says) => {
            let error = bound.expect_err("refused");
            assert!(matches!(error, BindError::Lifts { line: 8, .. }), "{error:?}");
            assert!(error.to_string().contains(says), "{error}");
        }
    }
}

#[test]
fn a_silence_after_steps_of_many_years_is_seen() {
    let steps =
        "{ repeat: { times: 1000, steps: [ { hold: 720 h } ] } }, { silence: { id: 0x351, for: 720 h } }";
    let error = case(&around(steps)).bind(&limits(), &ALL).map(drop);
    assert!(matches!(error, Err(BindError::Lifts { .. })), "{error:?}");
}

#[test]
fn limits_that_leave_no_room_are_refused() {
    let upside_down = with_limit(Channel::PackVoltage, |limit| limit.at_most = Some(10.0));
    let error = case(&around("{ hold: 1 s }")).bind(&upside_down, &ALL).expect_err("refused");
    assert!(
        error.to_string().contains("`battery.voltage.at-most` must be more than `battery.voltage.at-least`"),
        "{error}"
    );
}

#[test]
fn where_nothing_charges_one_cell_the_operator_does() {
    let text = around("{ imbalance: 2 % }").replace("ac-load: off }", "ac-load: off, imbalance: 5 % }");
    let rig: Vec<_> = ALL.into_iter().filter(|&c| c != Capability::Imbalance).collect();
    let asked = case(&text).bind(&limits(), &rig).expect("an operator is there");
    assert_eq!(asked.start.imbalance, Percent::ZERO);
    let prompts = asked.program.iter().filter(|o| matches!(o.op, Op::Ask { .. })).count();
    assert_eq!(prompts, 2);
    let by_itself = case(&text).bind(&limits(), &ALL).expect("the rig can");
    assert_eq!(by_itself.start.imbalance, Percent(5.0));
    assert_eq!(by_itself.program.len(), 1);
}

#[test]
fn repeats_are_written_out_and_their_marks_numbered() {
    let steps = "{ repeat: { times: 2, steps: [ { mark: a }, { repeat: { times: 2, steps: [ { mark: b }, { hold: 1 s } ] } } ] } }";
    let bound = case(&around(steps)).bind(&limits(), &ALL).expect("binds");
    let ops: Vec<_> = bound
        .program
        .iter()
        .map(|o| match &o.op {
            Op::Mark(name) => name.clone(),
            Op::Hold(Micros(us)) => us.to_string(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        ops,
        ["a-1", "b-1-1", "1000000", "b-1-2", "1000000", "a-2", "b-2-1", "1000000", "b-2-2", "1000000"]
    );
}

proptest! {
    /// Pieces of real suites in any order: nothing panics, and whoever refuses says why.
    #[test]
    fn no_suite_panics(lines in prop::collection::vec(0..EVERYTHING.lines().count(), 0..40), cut in 0..4000_usize) {
        let mixed: String = lines.iter().filter_map(|&i| EVERYTHING.lines().nth(i)).flat_map(|l| [l, "\n"]).collect();
        let short: String = EVERYTHING.chars().take(cut).collect();
        for text in [mixed, short] {
            if let Err(error) = Suite::parse("s.yaml", &text) {
                prop_assert!(!error.problems().is_empty());
                prop_assert!(!error.to_string().is_empty());
            }
        }
    }

    #[test]
    fn no_text_in_a_value_panics(value in "\\PC{0,30}") {
        let _ = Suite::parse("s.yaml", &around(&format!("{{ hold: {value} }}, {{ wait: {{ until: {{ {value} }}, timeout: {value} }} }}")));
    }
}
