//! What the rig itself made of frames and senses holds no condition, and is remembered by none.

use super::*;
use crate::suite::{Bounds, Condition, Test};
use proto::fault::Id;
use proto::message::id;

/// Inputs of a battery at rest, once a second from one second up to another.
fn each_second(mut bench: Scripted, seconds: core::ops::Range<u64>, inputs: &[Input]) -> Scripted {
    for second in seconds {
        bench.script.extend(inputs.iter().map(|input| (second, input.clone())));
    }
    bench
}

fn met(record: &Record) -> bool {
    record.recording.trace().events.iter().any(|e| matches!(&e.kind, EventKind::Wait(wait) if wait.met))
}

/// A battery at 50 % of which every garbled 0x355 says 5 %: `soc ≤ 20 %` was met with every seed.
#[test]
fn a_garbled_state_of_charge_of_5_percent_was_20_percent_or_less_and_is_unknown() {
    let rest = each_second(Scripted::background(), 1..10, &[soc(50.0)]);
    let bench = each_second(rest, 10..70, &[soc(5.0)]);
    let mut bench = each_second(bench, 70..200, &[soc(50.0)]);
    let record = play(
        "{ hold: 9500 ms }, { inject: { garble: { id: 0x355, for: 60 s } } },
         { expect: { that: { soc: { at-most: 20 % } }, within: 50 s, requirement: BEH-BO } }",
        &mut bench,
    );
    assert!(!met(&record), "{:?}", events(&record));
    let wait = record.recording.trace().events.iter().find_map(|e| match &e.kind {
        EventKind::Wait(wait) => Some(wait.seen.clone()),
        _ => None,
    });
    assert_eq!(wait.as_deref(), Some("SoC unknown (the rig itself alters 0x355 or keeps it away)"));
}

/// An `expect` that is not met because the rig hid what it asks about fails no requirement; one that could be seen in
/// time for as long as it asks does.
#[rstest]
#[case::hidden_to_the_end(60, "", None)]
#[case::seen_at_the_end(30, "", Some("BEH-BO"))]
#[case::seen_for_8_s_at_the_end(40, ", for: 10 s", None)]
#[case::seen_for_18_s_at_the_end(30, ", for: 10 s", Some("BEH-BO"))]
fn what_the_rig_hid_is_not_held_against_the_battery(
    #[case] garbled: u64,
    #[case] hold: &str,
    #[case] fails: Option<&str>,
) {
    let mut bench = each_second(Scripted::background(), 1..70, &[soc(50.0)]);
    let record = play(
        &format!(
            "{{ inject: {{ garble: {{ id: 0x355, for: {garbled} s }} }} }},
             {{ expect: {{ that: {{ soc: {{ at-most: 20 % }} }}{hold}, within: 50 s, requirement: BEH-BO }} }}"
        ),
        &mut bench,
    );
    let End::Aborted(Abort::NotMet { requirement, .. }) = record.end else { panic!("{:?}", record.end) };
    assert_eq!(requirement, fails);
}

/// A battery that falls silent while the GX reboots is not hidden by that; one that never says whether it is online is.
#[rstest]
#[case::silent(&[], Some("BEH-BO"))]
#[case::says_nothing_of_it(&[Input::Can(Frame::standard(0x351, &[0x30, 2, 0, 4, 0, 4, 0xB8, 1]))], None)]
fn a_gx_that_reboots_hides_what_only_it_tells(#[case] inputs: &[Input], #[case] fails: Option<&str>) {
    let mut bench = each_second(Scripted::default(), 1..60, inputs);
    let record = play(
        "{ inject: { gx-reboot: { for: 60 s } } },
         { expect: { that: { battery: online }, within: 5 s, requirement: BEH-BO } }",
        &mut bench,
    );
    let End::Aborted(Abort::NotMet { requirement, .. }) = record.end else { panic!("{:?}", record.end) };
    assert_eq!(requirement, fails);
}

/// CVL stands at 56.0 V; one garbled 0x351 in the first minute says 57.6 V. An hour later it counted as lowered.
#[test]
fn a_garbled_cvl_of_57_6_v_was_the_highest_an_hour_later_and_is_forgotten() {
    let mut bench = Scripted::background().with(20, cvl(57.6));
    let record = play(
        "{ hold: 10 s }, { inject: { garble: { id: 0x351, for: 60 s } } }, { hold: 1 h },
         { wait: { until: { cvl: lowered }, timeout: 1 min } }",
        &mut bench,
    );
    assert!(!met(&record), "{:?}", events(&record));
}

/// What the battery does about what it was made to sense is its own: offline by a cell that it reads 0.5 V too high.
/// The cell itself is the rig's.
#[test]
fn a_misled_battery_is_believed_what_it_does_but_not_what_it_senses() {
    let inputs = [cells(3.3, 3.6), status(Pair::Active)];
    let mut bench = each_second(Scripted::default(), 5..60, &inputs);
    let steps = |condition: &str| {
        format!(
            "{{ inject: {{ cell-voltage: {{ by: 500 mV, for: 20 s }} }} }}, {{ wait: {{ until: {{ {condition} }}, timeout: 9 s }} }}"
        )
    };
    assert!(met(&play(&steps("battery: offline"), &mut bench)));
    let mut bench = each_second(Scripted::default(), 5..60, &inputs);
    assert!(!met(&play(&steps("cell-max: { at-least: 3.55 V }"), &mut bench)));
    let mut bench = each_second(Scripted::default(), 5..60, &[cells(3.3, 3.6), cvl(56.0)]);
    assert!(met(&play("{ wait: { until: { cell-max: { at-least: 3.55 V } }, timeout: 9 s } }", &mut bench)));
}

/// The GX loses the battery because its cable is cut, or because it reboots: that is no battery that went offline.
#[rstest]
#[case("inject: { wire-cut: { for: 20 s } }", false)]
#[case("inject: { gx-reboot: { for: 20 s } }", false)]
#[case("silence: { id: 0x351, for: 20 s }", false)]
#[case("mark: x", true)]
fn a_gx_that_the_rig_cut_off_says_nothing_of_the_battery(#[case] step: &str, #[case] believed: bool) {
    let mut bench =
        each_second(Scripted::default(), 2..40, &[gx(false)]).with(1, cvl(56.0)).with(1, gx(true));
    let record = play(
        &format!("{{ {step} }}, {{ wait: {{ until: {{ battery: offline }}, timeout: 9 s }} }}"),
        &mut bench,
    );
    assert_eq!(met(&record), believed, "{:?}", events(&record));
}

/// A GX that has not found the battery yet has not lost it, and a CVL that is lowered for a cell that the rig made look
/// high makes no full battery; nor is a count of charge believed that such cells may have moved.
#[rstest]
#[case("hold: 1 s", "battery: offline", false)]
#[case("inject: { cell-voltage: { by: 250 mV, for: 20 s } }", "battery: full", false)]
#[case("inject: { cell-voltage: { by: 250 mV, for: 2 s } }", "soc: { at-least: 95 % }", false)]
#[case("hold: 1 s", "battery: full", true)]
#[case("hold: 1 s", "soc: { at-least: 95 % }", true)]
fn what_the_rig_brought_about_is_no_state_of_the_battery(
    #[case] step: &str,
    #[case] condition: &str,
    #[case] expected: bool,
) {
    let inputs = [gx(false), cells(3.3, 3.6), cvl(55.0), soc(100.0)];
    let mut bench = each_second(Scripted::default(), 3..60, &inputs).with(1, cvl(56.0));
    let record =
        play(&format!("{{ {step} }}, {{ wait: {{ until: {{ {condition} }}, timeout: 15 s }} }}"), &mut bench);
    assert_eq!(met(&record), expected, "{:?}", events(&record));
}

/// One thing that a rig may do, and the channels whose frames or senses are not the battery's own then.
fn act(kind: usize, which: usize, span: Micros) -> (Stimulus, &'static [Channel], Micros) {
    const GROUPS: [(u16, &[Channel]); 4] = [
        (id::LIMITS, &[Channel::Cvl, Channel::Ccl, Channel::Dcl]),
        (id::STATE_OF_CHARGE, &[Channel::Soc]),
        (id::MEASUREMENTS, &[Channel::PackVoltage, Channel::PackCurrent]),
        (id::CELLS, &[Channel::MaxCell, Channel::MinCell]),
    ];
    const CELLS: &[Channel] = &[Channel::PackVoltage, Channel::MaxCell, Channel::MinCell];
    let (id, group) = GROUPS[which];
    let by = Micros::from_secs(3);
    let fault = |kind| Stimulus::Inject(Fault { kind, span });
    match kind {
        0 => (fault(FaultKind::Garble { id: Id(id) }), group, span),
        1 => (fault(FaultKind::Babble { id: Id(id), every: Micros::from_millis(10) }), group, span),
        2 => (fault(FaultKind::FrameDelay { by, id: Some(Id(id)) }), group, span + by),
        3 => (fault(FaultKind::FrameJitter { by, id: Some(Id(id)) }), group, span + by),
        4 => (Stimulus::Silence { id, span }, group, span),
        5 => (fault(FaultKind::CellVoltage { by: Volts(0.5) }), CELLS, span),
        6 => (fault(FaultKind::PackVoltage { by: Volts(5.0) }), CELLS, span),
        _ => (fault(FaultKind::Current { by: Amps(300.0) }), &[Channel::PackCurrent], span),
    }
}

const ASKED: [Channel; 8] = [
    Channel::Cvl,
    Channel::Ccl,
    Channel::Dcl,
    Channel::PackVoltage,
    Channel::PackCurrent,
    Channel::Soc,
    Channel::MaxCell,
    Channel::MinCell,
];

/// What a battery truly says, and what it says where the rig has its hand in it.
fn said(which: Channel, tampered: bool) -> f64 {
    let (own, made) = match which {
        Channel::Cvl => (56.0, 58.0),
        Channel::Ccl => (100.0, 10.0),
        Channel::Dcl => (120.0, 5.0),
        Channel::PackVoltage => (52.0, 57.0),
        Channel::PackCurrent => (10.0, 310.0),
        Channel::Soc => (50.0, 5.0),
        Channel::MaxCell => (3.3, 3.8),
        _ => (3.2, 3.75),
    };
    if tampered { made } else { own }
}

/// Any condition on what is asked about, as suites put them together.
fn condition() -> impl Strategy<Value = Condition> {
    let bounds = (0..ASKED.len(), 0.0..1.0_f64, 0.0..1.0_f64).prop_map(|(k, one, other)| {
        let (own, made) = (said(ASKED[k], false), said(ASKED[k], true));
        let at = |share: f64| own + (made - own) * (1.5 * share - 0.25);
        let bounds = Bounds { at_least: at(one.min(other)), at_most: at(one.max(other)) };
        let turned = Bounds { at_least: bounds.at_most, at_most: bounds.at_least };
        Condition(Test::Within(ASKED[k], if made < own { turned } else { bounds }))
    });
    let others = prop_oneof![Just(Test::CvlLowered), Just(Test::Full)].prop_map(Condition);
    prop_oneof![8 => bounds, 1 => others].prop_recursive(3, 12, 3, |part| {
        let parts = proptest::collection::vec(part, 1..4);
        (parts, any::<bool>())
            .prop_map(|(parts, all)| Condition(if all { Test::All(parts) } else { Test::Any(parts) }))
    })
}

/// Whether a condition holds on what is the battery's own and the rig has no hand in. Its CVL is never lowered, and it is
/// charged all the time.
fn may_hold(condition: &Condition, tampered: &impl Fn(Channel) -> bool) -> bool {
    match &condition.0 {
        &Test::Within(which, Bounds { at_least, at_most }) => {
            !tampered(which) && (at_least - 1e-6..=at_most + 1e-6).contains(&said(which, false))
        }
        Test::Any(parts) => parts.iter().any(|part| may_hold(part, tampered)),
        Test::All(parts) => parts.iter().all(|part| may_hold(part, tampered)),
        _ => false,
    }
}

proptest! {
    /// Whatever a rig does and when, and whatever is asked: a value that it made is never seen by a condition, nor
    /// remembered. And what is the battery's own is seen again when all of it is over.
    #[test]
    fn no_tampered_value_is_ever_seen(
        acts in proptest::collection::vec((1_u64..200, 0_usize..8, 0_usize..4, 1_u64..60), 1..8),
        around in 0.0..1.0_f64,
        conditions in proptest::collection::vec(condition(), 1..6),
    ) {
        let (mut recording, mut highest) = (Recording::new(), Highest::default());
        let acts: Vec<_> = acts
            .into_iter()
            .map(|(at, kind, which, span)| (Micros::from_secs(at), act(kind, which, Micros::from_secs(span))))
            .collect();
        // A current or cells that are faked move the count of charge, which never learns of it.
        let moves = |group: &[Channel]| group == [Channel::PackCurrent] || group.contains(&Channel::MaxCell) && group.contains(&Channel::PackVoltage);
        let counted_wrongly = acts.iter().filter(|(_, (_, group, _))| moves(group));
        let counted_wrongly = counted_wrongly.map(|(at, _)| *at).min();
        for second in 0..300 {
            let now = Micros::from_secs(second);
            for (_, (stimulus, ..)) in acts.iter().filter(|(at, _)| *at == now) {
                recording.note(now, EventKind::Stimulus(*stimulus));
            }
            let tampered = |which: Channel| {
                acts.iter().any(|(at, (_, group, span))| group.contains(&which) && *at <= now && now <= *at + *span)
                    || (which == Channel::Soc && counted_wrongly.is_some_and(|at| at <= now))
            };
            let value = |which| said(which, tampered(which));
            let [c, ccl, dcl, volts, amps, charge, max, min] = ASKED.map(value);
            let limits = Limits::new(Volts(c), Amps(ccl), Amps(dcl), Volts(44.0));
            let charge = StateOfCharge::new(Percent(charge), Percent(100.0), Percent(charge));
            let measured = Measurements::new(Volts(volts), Amps(amps), Celsius(25.0));
            let cells = Cells::new(Volts(min), Volts(max), Celsius(25.0), Celsius(25.0));
            for frame in [limits.into(), charge.into(), measured.into(), cells.into()].map(|m: Message| m.encode()) {
                recording.can(now, &frame);
                highest.take(&recording);
            }
            let seen = Seen { recording: &recording, highest_cvl: highest, taper: Taper::of(None), now };
            for which in ASKED {
                let room = around * (said(which, true) - said(which, false)).abs() / 2.0;
                let about = |value: f64| {
                    let bounds = Bounds { at_least: value - room - 0.01, at_most: value + room + 0.01 };
                    Condition(Test::Within(which, bounds))
                };
                let made = about(said(which, true));
                prop_assert!(!seen.holds(&made), "{which:?} at {now}: {}", seen.told(&made));
                let forever = which == Channel::Soc && counted_wrongly.is_some();
                if second == 0 || (second > 280 && !forever) {
                    prop_assert!(seen.holds(&about(said(which, false))), "{which:?} at {now}");
                }
            }
            prop_assert!(!seen.holds(&Condition(Test::CvlLowered)), "at {now}");
            for asked in &conditions {
                let (holds, may) = (seen.holds(asked), may_hold(asked, &tampered));
                let told = || format!("{asked:?} at {now}: {}", seen.told(asked));
                prop_assert!(may || !holds, "{}", told());
                prop_assert!(holds || !may || (1..=280).contains(&second), "{}", told());
            }
        }
    }
}
