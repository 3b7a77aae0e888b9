//! The machine on a scripted bench: every verb, every condition, every way to end.

use judge::trace::{Channel, Event};
use proptest::prelude::*;
use proto::bus::ErrorFrame;
use proto::channel::Instrument;
use proto::fault::{Fault, FaultKind};
use proto::frame::Frame;
use proto::message::{Alarms, Cells, Limits, Measurements, Message, Pair, StateOfCharge};
use proto::quantity::{Amps, Celsius, Percent, Volts};
use proto::samples::{Samples, Value};
use rstest::rstest;

use super::*;
use crate::bench::{Bench, BenchError, Capability, Witness};
use crate::interlock::tests::{bare, limits};
use crate::run::{Record, run};
use crate::suite::Suite;

mod tampered;

const RIG: [Capability; 8] = [
    Capability::Pv,
    Capability::Gx,
    Capability::Grid,
    Capability::AcLoad,
    Capability::Silence,
    Capability::Inject,
    Capability::Imbalance,
    Capability::Operator,
];

/// A case around steps; they begin on line 8.
fn bound(steps: &str) -> Runnable {
    let text = format!(
        "suite: s\ntitle: t\nspec: P 1.5\nneeds: [pv, gx, grid, ac-load, silence, inject, imbalance, operator]\ncases:\n  \
         - {{ case: c, title: t, requirements: [BEH-BO], start: {{ soc: 50 %, grid: on, feed-in: on, pv: off, ac-load: off }},\n    steps: [\n      {steps}\n    ] }}\n"
    );
    let suite = Suite::parse("s.yaml", &text).unwrap_or_else(|e| panic!("{e}"));
    suite.cases[0].bind_on(&limits(), bare(true), &RIG).unwrap_or_else(|e| panic!("{e}"))
}

/// Plays a script of inputs, and every second a frame of each kind and a poll; keeps what it was asked for.
#[derive(Default)]
struct Scripted {
    now: Micros,
    script: Vec<(u64, Input)>,
    background: bool,
    queue: VecDeque<Input>,
    asked: Vec<(Micros, Action)>,
    answers: VecDeque<Answer>,
    refuses: Option<Action>,
    /// and takes it when it is asked again
    once: bool,
    lost_at: Option<Micros>,
}

impl Scripted {
    fn background() -> Self {
        Self { background: true, ..Self::default() }
    }

    fn with(mut self, at: u64, input: Input) -> Self {
        self.script.push((at, input));
        self
    }

    fn applied(&self) -> Vec<(u64, Stimulus)> {
        let apply = |(at, action): &(Micros, Action)| match action {
            Action::Apply(stimulus) => Some((at.0 / 1_000_000, *stimulus)),
            _ => None,
        };
        self.asked.iter().filter_map(apply).collect()
    }
}

impl Bench for Scripted {
    fn capabilities(&self) -> &[Capability] {
        &RIG
    }

    fn now(&self) -> Micros {
        self.now
    }

    fn next(&mut self, until: Option<Micros>) -> Result<(Micros, Input), BenchError> {
        if self.lost_at.is_some_and(|lost| self.now >= lost) {
            return Err(BenchError::of("GX", "no answer"));
        }
        if let Some(input) = self.queue.pop_front() {
            return Ok((self.now, input));
        }
        let until = until.expect("a case that goes on has a deadline");
        let second = Micros((self.now.0 / 1_000_000 + 1) * 1_000_000);
        if until < second {
            self.now = self.now.max(until);
            return Ok((self.now, Input::Tick));
        }
        self.now = second;
        let due = |&(at, _): &(u64, Input)| Micros::from_secs(at) == second;
        self.queue.extend(self.script.iter().filter(|s| due(s)).map(|(_, input)| input.clone()));
        if self.background {
            self.queue.extend([cvl(56.0), status(Pair::Ok), gx(true)]);
        }
        Ok((self.now, self.queue.pop_front().unwrap_or(Input::Tick)))
    }

    fn act(&mut self, action: &Action) -> Result<(), BenchError> {
        self.asked.push((self.now, action.clone()));
        if self.refuses.as_ref() == Some(action) {
            if self.once {
                self.refuses = None;
            }
            return Err(BenchError::of("supply", "does not take it"));
        }
        if let Action::Ask(_) = action {
            self.queue.extend(self.answers.pop_front().map(Input::Operator));
        }
        Ok(())
    }
}

struct Told(Vec<Event>, usize);

impl Witness for Told {
    fn input(&mut self, _: Micros, _: &Input) {
        self.1 += 1;
    }
    fn event(&mut self, event: &Event) {
        self.0.push(event.clone());
    }
}

fn play(steps: &str, bench: &mut Scripted) -> Record {
    let mut told = Told(Vec::new(), 0);
    let record = run(bound(steps), bench, &mut told);
    assert_eq!(told.0, record.recording.trace().events, "the witness sees every event");
    assert!(
        matches!(bench.asked.first(), Some((_, Action::Prepare(_)))),
        "the first thing asked is to prepare"
    );
    assert!(
        matches!(bench.asked.last(), Some((_, Action::Finish))),
        "the last thing asked is everything off"
    );
    record
}

fn can(message: impl Into<Message>) -> Input {
    Input::Can(message.into().encode())
}
fn cvl(volts: f64) -> Input {
    can(Limits::new(Volts(volts), Amps(100.0), Amps(120.0), Volts(44.0)))
}
fn currents(charge: f64, discharge: f64) -> Input {
    can(Limits::new(Volts(56.0), Amps(charge), Amps(discharge), Volts(44.0)))
}
fn soc(percent: f64) -> Input {
    can(StateOfCharge::new(Percent(percent), Percent(100.0), Percent(percent)))
}
fn measured(volts: f64, amps: f64) -> Input {
    can(Measurements::new(Volts(volts), Amps(amps), Celsius(25.0)))
}
fn cells(min: f64, max: f64) -> Input {
    can(Cells::new(Volts(min), Volts(max), Celsius(25.0), Celsius(25.0)))
}
fn status(pair: Pair) -> Input {
    can(Message::Alarms(Alarms::ALL_OK.with_system_status(pair)))
}
fn poll(battery: bool, running: bool, grid: f64, pv: f64, dc: f64, connected: bool) -> Input {
    let mut said = Samples::new(Instrument::Gx)
        .with(Channel::InverterRunning, f64::from(u8::from(running)))
        .with(Channel::BusVoltage, dc)
        .with(Channel::PvPower, pv)
        .with(Channel::GridPower, grid)
        .with(Channel::GridConnected, f64::from(u8::from(connected)));
    if battery {
        said.put(Channel::GxCvl, Value::Number(0.0));
    }
    Input::Samples(said)
}
fn gx(battery: bool) -> Input {
    poll(battery, true, 0.0, 0.0, 52.0, true)
}

fn events(record: &Record) -> Vec<String> {
    let words = |event: &Event| {
        let what = match &event.kind {
            EventKind::Step { line, text } => format!("step {line} {text}"),
            EventKind::Mark(name) => format!("mark {name}"),
            EventKind::Stimulus(stimulus) => format!("{stimulus:?}"),
            EventKind::Wait(w) => format!("wait {} met {} since {}", w.until, w.met, w.began),
            EventKind::Interlock { what, value, limit } => format!("interlock {what} {value} {limit}"),
            EventKind::DriverFault(failure) => format!("fault {failure}"),
            EventKind::Completed => "completed".to_owned(),
            EventKind::Aborted(reason) => format!("aborted {reason}"),
            EventKind::Instrument { what, says } => format!("{what} says {says}"),
            EventKind::NotBegun(failure) => failure.what.clone(),
            EventKind::Trouble(what) | EventKind::NotOff(what) => what.clone(),
        };
        format!("{} {what}", event.at)
    };
    record.recording.trace().events.iter().map(words).collect()
}

#[test]
fn verbs_become_actions_at_their_time() {
    let steps = "{ pv: 4 kW }, { hold: 10 s }, { ac-load: 3 kW }, { grid: off }, { hold: 2 s }, { grid: on }, { feed-in: off },
      { input-current-limit: 4 A }, { mark: x }, { silence: { id: 0x351, for: 3 s } }, { inject: { cell-voltage: { by: 300 mV, for: 10 s } } },
      { inject: { current: { by: 400 A, for: 5 s } } }, { imbalance: 5 % }, { gx-write: { register: 2705, value: 40 } }, { ac-load: off }";
    let mut bench = Scripted::background();
    let record = play(steps, &mut bench);
    assert_eq!(record.end, End::Completed);
    let (ten, span) = (Micros::from_secs(10), Micros::from_secs(5));
    assert_eq!(
        bench.applied(),
        [
            (0, Stimulus::Pv(Watts(4000.0))),
            (10, Stimulus::AcLoad(Watts(3000.0))),
            (10, Stimulus::Grid(false)),
            (12, Stimulus::Grid(true)),
            (12, Stimulus::FeedIn(false)),
            (12, Stimulus::InputCurrentLimit(Amps(4.0))),
            (12, Stimulus::Silence { id: 0x351, span: Micros::from_secs(3) }),
            (12, Stimulus::Inject(Fault { kind: FaultKind::CellVoltage { by: Volts(0.3) }, span: ten })),
            (12, Stimulus::Inject(Fault { kind: FaultKind::Current { by: Amps(400.0) }, span })),
            (12, Stimulus::Imbalance(Percent(5.0))),
            (12, Stimulus::GxWrite { register: 2705, value: 40 }),
            (12, Stimulus::AcLoad(Watts::ZERO)),
        ]
    );
    let words = events(&record);
    assert_eq!(words[0], "0:00:00 step 8 pv 4 kW");
    assert_eq!(words[1], "0:00:00 Pv(Watts(4000.0))");
    assert_eq!(words[2], "0:00:00 step 8 hold 10 s");
    assert!(words.contains(&"0:00:12 mark x".to_owned()), "{words:?}");
    assert_eq!(words.last().map(String::as_str), Some("0:00:12 completed"));
}

/// From where PV stands, evenly, ending at the power to the watt and at the time to the microsecond.
#[test]
fn a_ramp_is_even_and_ends_where_it_should() {
    let mut bench = Scripted::background();
    let record = play(
        "{ pv: 1 kW }, { pv: { power: 4 kW, over: 5 min } }, { pv: { power: 100 W, over: 2 s } }, { mark: end }",
        &mut bench,
    );
    let steps = bench.applied();
    let up: Vec<_> = steps[1..61].iter().map(|&(at, s)| (at, s)).collect();
    assert_eq!(up[0], (5, Stimulus::Pv(Watts(1050.0))));
    assert_eq!(up[29], (150, Stimulus::Pv(Watts(2500.0))));
    assert_eq!(up[59], (300, Stimulus::Pv(Watts(4000.0))));
    assert_eq!(
        steps[61..].iter().map(|&(_, s)| s).collect::<Vec<_>>(),
        [3025.0, 2050.0, 1075.0, 100.0].map(|w| Stimulus::Pv(Watts(w)))
    );
    assert!(events(&record).contains(&"0:05:02 mark end".to_owned()));
}

#[test]
fn a_repeat_does_its_steps_in_order_each_round() {
    let mut bench = Scripted::background();
    let record = play(
        "{ repeat: { times: 3, steps: [ { ac-load: 1 kW }, { hold: 2 s }, { ac-load: off }, { mark: m }, { hold: 1 s } ] } }",
        &mut bench,
    );
    let at: Vec<_> = bench.applied().iter().map(|&(at, _)| at).collect();
    assert_eq!(at, [0, 2, 3, 5, 6, 8]);
    let marks: Vec<_> = events(&record).into_iter().filter(|e| e.contains("mark m-")).collect();
    assert_eq!(marks, ["0:00:02 mark m-1", "0:00:05 mark m-2", "0:00:08 mark m-3"]);
}

/// Each condition: false on the first input, true on the second.
#[rstest]
#[case("cvl: lowered", cvl(55.9), cvl(55.8))]
#[case("cvl: { at-most: 55 V }", cvl(55.1), cvl(55.0))]
#[case("ccl: { at-least: 101 A }", currents(100.9, 120.0), currents(101.0, 120.0))]
#[case("dcl: { at-most: 119 A }", currents(100.0, 119.1), currents(100.0, 119.0))]
#[case("soc: { at-least: 100 % }", soc(99.99), soc(100.0))]
#[case("voltage: { at-least: 52.3 V }", measured(52.29, 0.0), measured(52.3, 0.0))]
#[case("current: { at-least: 5 A, at-most: 6 A }", measured(52.0, 6.1), measured(52.0, 5.0))]
#[case("cell-max: { at-least: 3.45 V }", cells(3.3, 3.449), cells(3.3, 3.45))]
#[case("cell-min: { at-most: 2.8 V }", cells(2.801, 3.3), cells(2.8, 3.3))]
#[case(
    "bus: { at-least: 56.4 V }",
    poll(true, true, 0.0, 0.0, 56.39, true),
    poll(true, true, 0.0, 0.0, 56.4, true)
)]
#[case("grid-power: { at-most: -2 kW }", poll(true, true, -1999.0, 0.0, 52.0, true), poll(true, true, -2000.0, 0.0, 52.0, true))]
#[case("inverter: off", poll(true, true, 0.0, 0.0, 52.0, true), poll(true, false, 0.0, 0.0, 52.0, true))]
#[case("inverter: on", poll(true, false, 0.0, 0.0, 52.0, true), poll(true, true, 0.0, 0.0, 52.0, true))]
#[case("grid: on", poll(true, true, 0.0, 0.0, 52.0, false), poll(true, true, 0.0, 0.0, 52.0, true))]
#[case("battery: offline", status(Pair::Ok), status(Pair::Active))]
#[case("battery: offline", gx(true), gx(false))]
#[case("any: [ { soc: { at-least: 90 % } }, { inverter: off } ]", soc(10.0), soc(90.0))]
#[case("all: [ { soc: { at-least: 90 % } }, { soc: { at-most: 92 % } } ]", soc(93.0), soc(91.0))]
fn conditions(#[case] condition: &str, #[case] not_yet: Input, #[case] now: Input) {
    // What is unknown holds nothing: the wait begins before anything was heard.
    let mut bench = Scripted::default().with(1, cvl(56.0)).with(2, not_yet).with(4, now);
    let record = play(&format!("{{ wait: {{ until: {{ {condition} }}, timeout: 8 s }} }}"), &mut bench);
    let waits: Vec<_> = events(&record).into_iter().filter(|e| e.contains("met true")).collect();
    assert_eq!(waits.len(), 1, "{:?}", events(&record));
    assert!(waits[0].starts_with("0:00:04 "), "{waits:?}");
}

#[test]
fn pv_power_is_read_from_the_solar_charger() {
    let mut bench = Scripted::default().with(1, cvl(56.0)).with(3, poll(true, true, 0.0, 500.0, 52.0, true));
    let record = play(
        "{ pv: 1 kW }, { wait: { until: { pv-power: { at-least: 500 W } }, timeout: 8 s } }",
        &mut bench,
    );
    assert_eq!(record.end, End::Completed);
}

/// An interface that says itself that it lost frames ended in PASS; it ends the case, on every bench. A queue of frames
/// to be sent does not.
#[rstest]
#[case(0x01, Some("it lost at least 1 frame (receive overflow)"))]
#[case(0x11, Some("it lost at least 1 frame (receive overflow)"))]
#[case(0x02, None)]
fn a_receive_overflow_ends_the_case(#[case] detail: u8, #[case] says: Option<&str>) {
    let error = ErrorFrame { class: 0x004, data: [0, detail, 0, 0, 0, 0, 0, 0] };
    let record = play("{ hold: 9 s }", &mut Scripted::background().with(5, Input::CanError(error)));
    match says {
        None => assert_eq!(record.end, End::Completed),
        Some(says) => {
            let End::Aborted(Abort::Fault(what)) = &record.end else { panic!("{:?}", record.end) };
            assert!(what.what.contains(says), "{what}");
            assert_eq!(record.recording.wire().errors().count(), 1, "it is in the evidence");
        }
    }
}

/// Online is said by 0x35A or the GX, and believed only of a battery that is alive.
#[test]
fn a_battery_is_online_only_while_it_sends_limits() {
    let online = "{ wait: { until: { battery: online }, timeout: 9 s } }";
    let silent = play(online, &mut Scripted::default().with(1, status(Pair::Ok)));
    assert!(matches!(silent.end, End::Aborted(Abort::NotMet { .. })), "{:?}", silent.end);
    let alive = play(online, &mut Scripted::default().with(1, status(Pair::Ok)).with(2, cvl(56.0)));
    assert_eq!(alive.end, End::Completed);
}

/// 6553.5 V is a start-up frame, not the highest CVL ever sent.
#[test]
fn an_impossible_cvl_is_not_the_highest() {
    let mut bench = Scripted::default().with(1, cvl(6553.5)).with(2, cvl(56.0)).with(4, cvl(55.7));
    let record = play("{ wait: { until: { cvl: lowered }, timeout: 8 s } }", &mut bench);
    assert!(events(&record).iter().any(|e| e.starts_with("0:00:04 wait CVL lowered met true")));
}

#[test]
fn old_values_hold_nothing() {
    let mut bench = Scripted::background().with(1, soc(100.0));
    let record =
        play("{ hold: 67 s }, { wait: { until: { soc: { at-least: 100 % } }, timeout: 5 s } }", &mut bench);
    assert!(matches!(record.end, End::Aborted(Abort::NotMet { .. })));
}

#[test]
fn for_counts_without_a_break() {
    let mut bench = Scripted::background().with(2, soc(100.0)).with(5, soc(99.0)).with(7, soc(100.0));
    let record =
        play("{ wait: { until: { soc: { at-least: 100 % } }, for: 4 s, timeout: 30 s } }", &mut bench);
    assert!(
        events(&record).iter().any(|e| e == "0:00:11 wait SoC ≥ 100 % met true since 0:00:00"),
        "{:?}",
        events(&record)
    );
}

/// Met in the same instant in which the time is up is met.
#[test]
fn the_last_instant_counts() {
    let mut bench = Scripted::background().with(5, soc(100.0));
    let record = play("{ wait: { until: { soc: { at-least: 100 % } }, timeout: 5 s } }", &mut bench);
    assert_eq!(record.end, End::Completed);
}

#[test]
fn a_wait_in_vain_ends_the_case_without_blaming_a_requirement() {
    let record = play(
        "{ mark: a }, { wait: { until: { soc: { at-least: 60 % } }, timeout: 20 min } }, { ac-load: 1 kW }",
        &mut Scripted::background(),
    );
    let expected = Abort::NotMet {
        line: 8,
        until: "SoC ≥ 60 %".to_owned(),
        seen: "SoC unknown".to_owned(),
        allowed: Micros::from_secs(1200),
        requirement: None,
    };
    assert_eq!(record.end, End::Aborted(expected));
    assert_eq!(
        record.end.to_string(),
        "ended early: SoC ≥ 60 % did not come within 0:20:00, last seen: SoC unknown (line 8)"
    );
    let words = events(&record);
    assert_eq!(
        words.last().map(String::as_str),
        Some("0:20:00 aborted SoC ≥ 60 % did not come within 0:20:00, last seen: SoC unknown (line 8)")
    );
}

#[test]
fn an_expectation_in_vain_fails_its_requirement() {
    let record = play(
        "{ expect: { that: { inverter: off }, within: 10 s, requirement: BEH-BO } }",
        &mut Scripted::background(),
    );
    let End::Aborted(Abort::NotMet { requirement, .. }) = record.end else { panic!("{:?}", record.end) };
    assert_eq!(requirement, Some("BEH-BO"));
    let wait = record.recording.trace().events.iter().find_map(|e| match &e.kind {
        EventKind::Wait(wait) => Some(wait),
        _ => None,
    });
    assert_eq!(wait.and_then(|w| w.requirement), Some("BEH-BO"));
    assert!(wait.is_some_and(|w| !w.met));
}

#[test]
fn a_discharge_takes_its_load_off_again() {
    let mut bench = Scripted::background().with(7, soc(20.0));
    play(
        "{ discharge: { power: 3 kW, until: { soc: { at-most: 20 % } }, timeout: 1 h } }, { hold: 1 s }",
        &mut bench,
    );
    assert_eq!(bench.applied(), [(0, Stimulus::AcLoad(Watts(3000.0))), (7, Stimulus::AcLoad(Watts::ZERO))]);
}

#[rstest]
#[case(Some(Answer::Done), "completed")]
#[case(Some(Answer::Refused), "ended early: the operator cannot do it: look (line 8)")]
#[case(None, "ended early: the operator did not answer in time: look (line 8)")]
fn prompts(#[case] answer: Option<Answer>, #[case] end: &str) {
    let mut bench = Scripted { answers: answer.into_iter().collect(), ..Scripted::background() };
    let record = play("{ prompt: { text: look, timeout: 1 min } }", &mut bench);
    assert_eq!(record.end.to_string(), end);
    assert!(bench.asked.contains(&(Micros::ZERO, Action::Ask("look".to_owned()))));
}

#[test]
fn an_interlock_ends_the_case_at_once() {
    let mut bench = Scripted::background().with(5, measured(58.5, 10.0));
    let record = play("{ hold: 1 h }, { ac-load: 3 kW }", &mut bench);
    let words = events(&record);
    let tail: Vec<_> = words[words.len() - 2..].to_vec();
    assert_eq!(
        tail,
        [
            "0:00:05 interlock pack voltage 58.500 V (battery, 0x356) 58.400 V",
            "0:00:05 aborted interlock: pack voltage 58.500 V (battery, 0x356), the rig's limit is 58.400 V",
        ]
    );
    assert_eq!(bench.asked.last(), Some(&(Micros::from_secs(5), Action::Finish)));
    assert_eq!(bench.applied(), [], "what was still to be done is not done");
}

#[test]
fn silence_on_the_bus_trips_in_the_middle_of_a_hold() {
    let record = play("{ hold: 1 h }", &mut Scripted::default().with(5, cvl(56.0)));
    let last = record.recording.trace().events.last().map(|e| e.at);
    assert_eq!(last, Some(Micros(15_000_001)));
}

/// The battery switches off altogether, as the suite expects; it is watched again when it is back.
#[test]
fn a_battery_may_vanish_when_it_is_expected_to() {
    let mut bench = Scripted::default()
        .with(1, cvl(56.0))
        .with(3, status(Pair::Active))
        .with(3, gx(false))
        .with(40, gx(false));
    let steps =
        "{ expect: { that: { battery: offline }, within: 1 min, requirement: BEH-BO } }, { hold: 30 s }";
    assert_eq!(play(steps, &mut bench).end, End::Completed);
    let mut bench = Scripted::default().with(1, cvl(56.0)).with(3, status(Pair::Ok)).with(3, gx(true));
    assert!(matches!(play("{ hold: 30 s }", &mut bench).end, End::Aborted(Abort::Interlock(_))));
}

#[rstest]
#[case(Action::Apply(Stimulus::Grid(false)), "ended early: the bench failed: supply: does not take it")]
#[case(Action::Ask("look".to_owned()), "ended early: the bench failed: supply: does not take it")]
fn a_bench_that_refuses_ends_the_case(#[case] refuses: Action, #[case] end: &str) {
    let mut bench = Scripted { refuses: Some(refuses), ..Scripted::background() };
    let record = play("{ grid: off }, { hold: 1 s }, { prompt: look }", &mut bench);
    assert_eq!(record.end.to_string(), end);
}

#[test]
fn a_bench_that_cannot_prepare_ends_the_case_before_its_first_step() {
    let runnable = bound("{ hold: 1 s }");
    let mut bench = Scripted { refuses: Some(Action::Prepare(runnable.start)), ..Scripted::background() };
    let record = play("{ hold: 1 s }", &mut bench);
    assert!(matches!(record.end, End::Aborted(Abort::Fault(_))));
    assert_eq!(events(&record).len(), 2, "the fault and the end");
}

#[test]
fn a_lost_bench_ends_the_case() {
    let mut bench = Scripted { lost_at: Some(Micros::from_secs(3)), ..Scripted::background() };
    let record = play("{ hold: 1 h }", &mut bench);
    assert_eq!(record.end.to_string(), "ended early: the bench failed: GX: no answer");
}

#[test]
fn a_fault_of_an_instrument_ends_the_case() {
    let mut bench = Scripted::background().with(3, Input::Fault(Failure::of_rig("supply: tripped")));
    assert_eq!(
        play("{ hold: 1 h }", &mut bench).end,
        End::Aborted(Abort::Fault(Failure::of_rig("supply: tripped")))
    );
}

#[test]
fn a_bench_that_does_not_switch_off_is_asked_again_and_named() {
    let mut bench = Scripted { refuses: Some(Action::Finish), ..Scripted::background() };
    let record = play("{ hold: 1 s }", &mut bench);
    let said = "supply: does not take it".to_owned();
    assert_eq!(record.recording.trace().events.last().map(|e| &e.kind), Some(&EventKind::NotOff(said)));
    assert_eq!(bench.asked.iter().filter(|(_, a)| *a == Action::Finish).count(), 3);
}

/// What was not confirmed off when it was asked for first is a fault of an instrument: what it said before is in doubt too.
#[test]
fn a_bench_that_switches_off_only_when_it_is_asked_again_is_named() {
    let mut bench = Scripted { refuses: Some(Action::Finish), once: true, ..Scripted::background() };
    let record = play("{ hold: 1 s }", &mut bench);
    let last = record.recording.trace().events.last().map(|e| &e.kind);
    let Some(EventKind::DriverFault(said)) = last else { panic!("{last:?}") };
    assert!(said.what.starts_with("supply: does not take it; "), "{said}");
    assert_eq!(bench.asked.iter().filter(|(_, a)| *a == Action::Finish).count(), 2);
}

#[test]
fn a_panic_switches_everything_off() {
    struct Clumsy;
    impl Witness for Clumsy {
        fn input(&mut self, at: Micros, _: &Input) {
            assert!(at < Micros::from_secs(3), "a bug in a report");
        }
        fn event(&mut self, _: &Event) {}
    }
    let mut bench = Scripted::background();
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        run(bound("{ hold: 1 h }"), &mut bench, &mut Clumsy)
    }));
    assert!(caught.is_err());
    assert!(matches!(bench.asked.last(), Some((_, Action::Finish))));
}

#[test]
fn everything_that_comes_in_is_recorded() {
    let record = play("{ hold: 5 s }", &mut Scripted::background().with(2, soc(42.0)));
    let trace = record.recording.trace();
    assert_eq!(trace.series(Channel::Soc).at(Micros::from_secs(5)), Some(42.0));
    assert_eq!(trace.series(Channel::Cvl).at(Micros::from_secs(5)), Some(56.0));
}

proptest! {
    /// The same inputs give the same actions and events, and whatever comes in, the last action is everything off.
    #[test]
    fn deterministic_and_always_switched_off(
        frames in prop::collection::vec((0_u64..30_000_000, 0x350_u16..0x380, prop::collection::vec(any::<u8>(), 0..=8)), 0..60)
    ) {
        let mut frames = frames;
        frames.sort();
        let steps = "{ pv: { power: 2 kW, over: 5 s } }, { wait: { until: { any: [ { cvl: lowered }, { soc: { at-least: 60 % } } ] }, for: 1 s, timeout: 20 s } }, { hold: 5 s }";
        let play = || {
            let mut engine = Engine::new(bound(steps));
            let mut actions = Vec::new();
            for (at, id, data) in &frames {
                while let Some(deadline) = engine.deadline().filter(|d| d.0 <= *at) {
                    engine.handle(deadline, &Input::Tick);
                }
                engine.handle(Micros(*at), &Input::Can(Frame::standard(*id, data)));
            }
            while let Some(deadline) = engine.deadline() {
                engine.handle(deadline, &Input::Tick);
            }
            while let Some(action) = engine.next_action() {
                actions.push(action);
            }
            let (recording, end) = engine.into_parts();
            (actions, recording.trace().events.clone(), end)
        };
        let (actions, events, end) = play();
        prop_assert_eq!(actions.iter().filter(|a| **a == Action::Finish).count(), 1);
        prop_assert_eq!(actions.last(), Some(&Action::Finish));
        prop_assert_eq!((actions, events, end), play());
    }
}
