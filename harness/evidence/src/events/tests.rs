use super::*;
use proptest::prelude::*;
use proto::fault::{Fault as Broken, FaultKind};
use proto::quantity::{Amps, Ohms, Percent, Volts, Watts};
use rstest::rstest;

const BEGAN: Micros = Micros::from_secs(13_260);

#[test]
fn a_line_is_one_object_with_run_time() {
    let event = Event { at: Micros(250), kind: EventKind::Stimulus(Stimulus::Pv(Watts(4000.0))) };
    assert_eq!(
        line(Micros(1_000_000), 12, &event),
        "{\"at\":1000250,\"inputs\":12,\"kind\":\"stimulus\",\"change\":{\"pv\":\"4000 W\"}}\n"
    );
}

#[test]
fn line_breaks_in_texts_stay_inside_the_line() {
    let event = Event { at: Micros(0), kind: EventKind::DriverFault(Failure::of_rig("psu:\n\u{1b}[31m\0")) };
    let text = line(Micros(0), 0, &event);
    assert_eq!(text.matches('\n').count(), 1);
    assert!(!text.contains('\u{1b}'));
}

fn read(text: &str) -> Result<Line, Fault> {
    parse(text.strip_suffix('\n').expect("a line break").as_bytes(), BEGAN)
}

fn reads_back(kind: EventKind) {
    let event = Event { at: Micros(1_234_567), kind };
    let back = read(&line(BEGAN, 99, &event)).expect("it was written here");
    assert_eq!((back.at, back.inputs), (BEGAN + event.at, 99));
    assert_eq!(back.what, What::Event(event.kind));
}

fn wait(requirement: Option<&'static str>) -> EventKind {
    let (until, seen) = ("CVL lowered".to_owned(), "CVL 56.8 V".to_owned());
    let (began, allowed) = (Micros(17), Micros::from_secs(3600));
    EventKind::Wait(WaitResult { line: 12, until, began, met: false, seen, allowed, requirement })
}

#[rstest]
#[case(EventKind::Step { line: 7, text: "hold 60 min ≥ \"x\"".to_owned() })]
#[case(EventKind::Mark("full".to_owned()))]
#[case(wait(None))]
#[case(wait(Some("BEH-BO")))]
#[case(EventKind::Interlock { what: "pack voltage".to_owned(), value: "61 V".to_owned(), limit: "60 V".to_owned() })]
#[case(EventKind::DriverFault(Failure::of_rig("GX: no answer")))]
#[case(EventKind::DriverFault(Failure::of_rig("the battery is not on this bus")))]
#[case(EventKind::DriverFault(Failure::of_battery("its program ended")))]
#[case(EventKind::DriverFault(Failure::stopped("at 3 s")))]
#[case(EventKind::Completed)]
#[case(EventKind::Aborted("interlock".to_owned()))]
#[case(EventKind::NotBegun(Failure::of_rig("the supply is not there")))]
#[case(EventKind::Instrument { what: "supply".to_owned(), says: "EA, PSI 9200-70, 42, V3.02".to_owned() })]
#[case(EventKind::Trouble("GX: no answer".to_owned()))]
#[case(EventKind::NotOff("supply: on".to_owned()))]
fn every_kind_reads_back(#[case] kind: EventKind) {
    reads_back(kind);
}

/// Folders of before name nobody: their sentences begin with whose doing it was.
#[rstest]
#[case("the battery's program ended", Whose::Battery)]
#[case("stopped by you at 3 s", Whose::Person)]
#[case("GX: no answer", Whose::Rig)]
fn a_failure_that_names_nobody_is_read_from_its_sentence(#[case] what: &str, #[case] whose: Whose) {
    let failure = Failure { whose, what: what.to_owned() };
    let lines = [
        (format!("\"driver-fault\",\"what\":\"{what}\""), EventKind::DriverFault(failure.clone())),
        (format!("\"not-begun\",\"reason\":\"{what}\""), EventKind::NotBegun(failure)),
    ];
    for (says, kind) in lines {
        let line = format!("{{\"at\":1,\"kind\":{says}}}");
        let line = parse(line.as_bytes(), Micros::ZERO).expect("a line of before");
        assert_eq!(line.what, What::Event(kind));
    }
}

#[rstest]
#[case(Stimulus::Pv(Watts(1.0 / 3.0)))]
#[case(Stimulus::AcPv(Watts(0.0)))]
#[case(Stimulus::AcLoad(Watts(3000.0)))]
#[case(Stimulus::Grid(false))]
#[case(Stimulus::InputCurrentLimit(Amps(4.2)))]
#[case(Stimulus::FeedIn(true))]
#[case(Stimulus::Silence { id: 0x305, span: Micros(600_000_001) })]
#[case(Stimulus::Imbalance(Percent(5.0)))]
#[case(Stimulus::GxWrite { register: 2705, value: 65535 })]
fn every_change_of_the_world_reads_back(#[case] change: Stimulus) {
    reads_back(EventKind::Stimulus(change));
}

#[test]
fn every_fault_reads_back() {
    let span = Micros(12_345_678);
    for entry in FaultKind::ALL {
        for low in [true, false] {
            let bound = |(from, to)| if low { from } else { to };
            let arguments: Vec<_> = entry.arguments.iter().map(|a| (a.name, bound(a.bounds))).collect();
            let kind = FaultKind::read(entry.name, &arguments).expect(entry.name);
            reads_back(EventKind::Stimulus(Stimulus::Inject(Broken { kind, span })));
        }
    }
}

#[test]
fn the_frame_around_the_cases_reads_back() {
    let begun = Begun {
        commit: "0123456789ab".to_owned(),
        harness: "0.1.0".to_owned(),
        rig: "simulated".to_owned(),
        battery: "reference".to_owned(),
        seed: u64::MAX,
        sweep: true,
        interface: "can0".to_owned(),
        epoch: Micros(1_700_000_000_000_001),
        cases: 12,
        whole: true,
        challenge: None,
        merged: Vec::new(),
    };
    assert_eq!(read(&run(&begun)).expect("written here").what, What::Run(begun));
    let (suite, case) = ("feed-in".to_owned(), "load-steps".to_owned());
    let start = read(&case_start(BEGAN, &suite, &case)).expect("written here");
    assert_eq!((start.at, start.what), (BEGAN, What::CaseStart { suite, case }));
    assert_eq!(read(&run_end(BEGAN)).expect("written here").what, What::RunEnd);
}

#[rstest]
#[case("{}", "expected an event")]
#[case("not JSON", "expected an event")]
#[case("{\"at\":1,\"kind\":\"dance\"}", "unknown variant `dance`")]
#[case("{\"at\":-1,\"kind\":\"completed\"}", "expected an event")]
#[case("{\"at\":1,\"kind\":\"stimulus\",\"change\":{\"pv\":\"4 V\"}}", "does not fit")]
#[case(
    "{\"at\":1,\"kind\":\"wait\",\"line\":1,\"until\":\"\",\"began\":0,\"met\":true,\"seen\":\"\",\"allowed\":0,\"requirement\":\"XXX-01\"}",
    "which has no XXX-01"
)]
#[case(
    "{\"at\":1,\"kind\":\"run\",\"schema\":\"busbar-events/9\",\"harness\":\"\",\"rig\":\"\",\"battery\":\"\",\"seed\":1,\"sweep\":false,\"interface\":\"\",\"epoch\":0,\"cases\":1}",
    "busbar-events/1"
)]
#[case("{\"at\":1,\"kind\":\"driver-fault\",\"whose\":\"nobody\",\"what\":\"\"}", "rig, battery or person")]
fn what_is_no_event_is_refused_with_the_reason(#[case] text: &str, #[case] says: &str) {
    let error = parse(text.as_bytes(), Micros::ZERO).expect_err("refused").to_string();
    assert!(error.contains(says), "{error}");
}

proptest! {
    #[test]
    fn any_numbers_and_texts_read_back(power in 0.0..1e6, volts in -5.0..5.0, ohms in 0.0..0.001, text: String) {
        reads_back(EventKind::Stimulus(Stimulus::Pv(Watts(power))));
        let span = Micros(1);
        let kind = FaultKind::CellVoltage { by: Volts(volts) };
        reads_back(EventKind::Stimulus(Stimulus::Inject(Broken { kind, span })));
        prop_assert_eq!(Ohms(ohms).to_string().parse(), Ok(Ohms(ohms)));
        reads_back(EventKind::Aborted(text));
    }

    #[test]
    fn no_bytes_panic(line in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&line, BEGAN);
    }
}
