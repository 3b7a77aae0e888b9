//! What a suite makes untrue moves a limit to another instrument, or lifts it no further than the rig allows.

use proto::message::Alarms;

use super::*;

/// A rig with everything.
pub(super) fn whole() -> Instruments {
    let supply = Some(Volts(120.0));
    Instruments {
        gx: true,
        inverter: true,
        solar: true,
        supply,
        cells: true,
        unwatched: Unwatched::default(),
    }
}

/// A poll of inverter and solar charger: voltages and currents of both.
pub(super) fn polled(inverter: (f64, f64), solar: (f64, f64)) -> Input {
    gx(&[
        (Channel::BusVoltage, inverter.0),
        (Channel::InverterCurrent, inverter.1),
        (Channel::SolarVoltage, solar.0),
        (Channel::SolarCurrent, solar.1),
    ])
}

pub(super) fn status(system: Pair) -> Input {
    Input::Can(Message::Alarms(Alarms::NONE_SUPPORTED.with_system_status(system)).encode())
}

/// One second of a rig on which all is well.
pub(super) fn well() -> Vec<Input> {
    vec![
        limits_frame(),
        measured(52.0, 40.0, 25.0),
        cells(3.2, 3.3, 20.0, 25.0),
        polled((52.2, -10.0), (52.3, 50.0)),
        supply(true, 120.0, 10.0, 3000.0),
    ]
}

pub(super) fn injected(kind: FaultKind, secs: u64) -> Stimulus {
    Stimulus::Inject(Fault { kind, span: Micros::from_secs(secs) })
}

/// The first trip of so many seconds, each with these inputs.
pub(super) fn first(
    interlocks: &mut Interlocks,
    seconds: core::ops::RangeInclusive<u64>,
    mut inputs: impl FnMut(u64) -> Vec<Input>,
) -> Option<(u64, Trip)> {
    for second in seconds {
        for input in inputs(second) {
            if let Some(trip) = interlocks.check(Micros::from_secs(second), &input) {
                return Some((second, trip));
            }
        }
    }
    None
}

/// What stood a live supply on: a cell at 8.7 V, 3100 A and 120 °C, each while a suite fakes the reading as far as it may.
#[rstest]
#[case::cell(FaultKind::CellVoltage { by: Volts(5.0) }, cells(3.2, 8.7, 20.0, 25.0), "highest cell", "4.700 V")]
#[case::cell_low(FaultKind::CellVoltage { by: Volts(-5.0) }, cells(0.5, 3.3, 20.0, 25.0), "lowest cell", "1.400 V")]
#[case::stuck(FaultKind::CellStuck {}, cells(3.2, 3.71, 20.0, 25.0), "highest cell", "3.700 V")]
#[case::pack(FaultKind::PackVoltage { by: Volts(20.0) }, measured(70.0, 0.0, 25.0), "pack voltage", "68.400 V")]
#[case::current(FaultKind::Current { by: Amps(3000.0) }, measured(52.0, 3100.0, 25.0), "charge current", "1150.000 A")]
#[case::open(FaultKind::TemperatureOpen {}, measured(52.0, 0.0, 120.0), "temperature", "55.000 °C")]
#[case::open_cells(FaultKind::TemperatureOpen {}, cells(3.2, 3.3, 20.0, 120.0), "temperature", "55.000 °C")]
#[case::shorted(FaultKind::TemperatureShort {}, measured(52.0, 0.0, 156.0), "temperature", "155.000 °C")]
#[case::hot(FaultKind::Temperature { by: Celsius(150.0) }, measured(52.0, 0.0, 156.0), "temperature", "155.000 °C")]
fn a_faked_reading_has_a_limit_of_its_own(
    #[case] kind: FaultKind,
    #[case] reading: Input,
    #[case] what: &str,
    #[case] limit: &str,
) {
    let mut interlocks = Interlocks::new(limits(), whole(), Micros::ZERO);
    interlocks.stimulus(Micros::ZERO, &injected(kind, 700 * 3600));
    let trip = interlocks.check(Micros(1), &reading).expect("trips");
    assert_eq!((trip.what, trip.limit.as_str()), (what, limit));
}

/// While the reading of the battery is faked, or kept away, the limit is held against what others measure.
#[rstest]
#[case::pack(injected(FaultKind::PackVoltage { by: Volts(-5.0) }, 60), polled((58.5, 0.0), (58.3, 0.0)), "pack voltage", "inverter")]
#[case::cell(injected(FaultKind::CellVoltage { by: Volts(-0.5) }, 60), polled((58.3, 0.0), (58.5, 0.0)), "pack voltage", "solar charger")]
#[case::charge(injected(FaultKind::Current { by: Amps(-100.0) }, 60), polled((52.0, 80.0), (52.0, 71.0)), "charge current", "inverter and solar charger")]
#[case::discharge(injected(FaultKind::ShuntReversed {}, 60), polled((52.0, -201.0), (52.0, 0.0)), "discharge current", "inverter and solar charger")]
#[case::gain(injected(FaultKind::CurrentGain { by: Percent(-50.0) }, 60), polled((52.0, 80.0), (52.0, 71.0)), "charge current", "inverter and solar charger")]
#[case::silent(Stimulus::Silence { id: id::MEASUREMENTS, span: Micros::from_secs(60) }, polled((58.5, 0.0), (58.3, 0.0)), "pack voltage", "inverter")]
#[case::garbled(injected(FaultKind::Garble { id: Id(0x356) }, 60), polled((52.0, 80.0), (52.0, 71.0)), "charge current", "inverter and solar charger")]
#[case::late(injected(FaultKind::FrameDelay { by: Micros::from_secs(60), id: None }, 60), polled((58.5, 0.0), (58.3, 0.0)), "pack voltage", "inverter")]
#[case::cut(injected(FaultKind::WireCut {}, 60), polled((58.5, 0.0), (58.3, 0.0)), "pack voltage", "inverter")]
fn a_limit_moves_to_an_instrument_that_is_not_faked(
    #[case] stimulus: Stimulus,
    #[case] poll: Input,
    #[case] what: &str,
    #[case] by: &str,
) {
    let mut interlocks = Interlocks::new(limits(), whole(), Micros::ZERO);
    assert_eq!(first(&mut interlocks, 1..=5, |_| well()), None);
    assert_eq!(interlocks.check(Micros::from_secs(6), &poll), None, "the battery itself tells it");
    interlocks.stimulus(Micros::from_secs(6), &stimulus);
    let trip = interlocks.check(Micros::from_secs(7), &poll).expect("trips");
    assert_eq!((trip.what, trip.by.as_str()), (what, by));
}

/// A bus that falls because the battery left it is no empty pack; one that stays low is.
#[test]
fn what_stands_in_for_a_low_pack_must_stay_low() {
    let mut interlocks = Interlocks::new(limits(), whole(), Micros::ZERO);
    interlocks.stimulus(Micros::ZERO, &injected(FaultKind::PackVoltage { by: Volts(5.0) }, 200));
    let bus = |volts: f64| {
        move |_| {
            let mut inputs = well();
            inputs[3] = polled((volts, 0.0), (volts, 0.0));
            inputs
        }
    };
    assert_eq!(first(&mut interlocks, 1..=2, bus(39.0)), None);
    assert_eq!(first(&mut interlocks, 3..=20, bus(0.2)), None);
    let (second, trip) = first(&mut interlocks, 21..=60, bus(39.0)).expect("trips");
    assert_eq!((second, trip.what, trip.value.as_str()), (32, "pack voltage", "39.000 V"));
}

/// While one fakes, the other has to be there: nobody is excused for two.
#[test]
fn what_stands_in_must_be_fresh() {
    let mut interlocks = Interlocks::new(limits(), whole(), Micros::ZERO);
    assert_eq!(first(&mut interlocks, 1..=5, |_| well()), None);
    interlocks.stimulus(Micros::from_secs(5), &injected(FaultKind::Current { by: Amps(10.0) }, 3000));
    let no_inverter = |_: u64| {
        let mut inputs = well();
        inputs[3] = gx(&[(Channel::SolarVoltage, 52.0), (Channel::SolarCurrent, 0.0)]);
        inputs
    };
    let (second, trip) = first(&mut interlocks, 6..=100, no_inverter).expect("trips");
    assert_eq!((second, trip.what), (36, "time without a current"));
}

/// Where nobody else tells it, a limit is left without a reading for what the rig allows, however often a suite begins anew.
#[rstest]
#[case::once(FaultKind::CellVoltage { by: Volts(0.5) }, 700 * 3600, 0)]
#[case::stuck(FaultKind::CellStuck {}, 700 * 3600, 0)]
#[case::open(FaultKind::TemperatureOpen {}, 700 * 3600, 0)]
#[case::again_and_again(FaultKind::CellVoltage { by: Volts(0.5) }, 200, 5)]
#[case::garbled(FaultKind::Garble { id: Id(0x373) }, 250, 20)]
#[case::late(FaultKind::FrameDelay { by: Micros::from_secs(60), id: Some(Id(0x373)) }, 180, 5)]
fn a_limit_that_nobody_tells_truly_ends_the_case(
    #[case] kind: FaultKind,
    #[case] span: u64,
    #[case] pause: u64,
) {
    let mut interlocks = Interlocks::new(limits(), whole(), Micros::ZERO);
    let mut next = 0;
    let tripped = (0..=7200).find_map(|second| {
        if second >= next {
            interlocks.stimulus(Micros::from_secs(second), &injected(kind, span));
            next = second + span + ECHO.0 / 1_000_000 + pause;
        }
        first(&mut interlocks, second..=second, |_| well())
    });
    let (second, trip) = tripped.expect("trips");
    assert!(trip.what.starts_with("time without a"), "{trip:?}");
    // The age of a reading, five minutes, and what echoes; longer where true readings came between.
    let once = 300 + 10 + if trip.what.contains("temperature") { 30 } else { 70 };
    assert!(if pause == 0 { second == once + 1 } else { second < 4 * once }, "{second}");
}

/// A minute in which one sensor is open, once in a quarter of an hour, is what the suites do.
#[test]
fn what_a_suite_may_do_trips_nothing() {
    let mut interlocks = Interlocks::new(limits(), whole(), Micros::ZERO);
    for second in 0..3600 {
        if second % 900 == 0 {
            interlocks.stimulus(Micros::from_secs(second), &injected(FaultKind::TemperatureOpen {}, 60));
        }
        assert_eq!(first(&mut interlocks, second..=second, |_| well()), None);
    }
}

/// An inverter that says 0.00 V: whether that is a reading, by what others say.
#[rstest]
#[case::solar_says_otherwise(Pair::Active, 52.0, 52.0, false)]
#[case::battery_says_otherwise(Pair::Ok, 0.0, 52.0, false)]
#[case::battery_says_nothing_of_its_contactor(Pair::NotSupported0, 0.0, 52.0, false)]
#[case::contactor_open(Pair::Active, 0.0, 52.0, true)]
fn an_inverter_at_nothing(
    #[case] system: Pair,
    #[case] solar: f64,
    #[case] pack: f64,
    #[case] is_reading: bool,
) {
    let mut interlocks = Interlocks::new(limits(), whole(), Micros::ZERO);
    let inputs = |_| {
        let mut inputs = well();
        inputs[1] = measured(pack, 0.0, 25.0);
        inputs[3] = polled((0.0, 0.0), (solar, 0.0));
        inputs.insert(0, status(system));
        inputs
    };
    // What the solar charger says stands in for it.
    let told = is_reading || solar > 1.0;
    let tripped = first(&mut interlocks, 1..=200, inputs).map(|(second, trip)| (second, trip.what));
    assert_eq!(tripped, (!told).then_some((31, "time without a DC voltage at the inverter")));
}
