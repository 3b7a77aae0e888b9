//! A reading that never comes, or comes no more, ends the case: for every limit, within its age.

use super::fake::{first, injected, well, whole};
use super::*;

fn without(gone: usize) -> Vec<Input> {
    let mut inputs = well();
    inputs.remove(gone);
    inputs
}

fn with(place: usize, other: Input) -> Vec<Input> {
    let mut inputs = well();
    inputs[place] = other;
    inputs
}

/// What comes each second instead of what is well, and which limit trips when.
#[rstest]
#[case::limits(without(0), 10, "time without 0x351", "battery, 0x351")]
#[case::cells(without(2), 70, "time without a highest cell", "battery, 0x373")]
#[case::cells_say_nothing(with(2, Input::Can(Frame::standard(id::CELLS, &[0xFF; 8]))), 70, "time without a highest cell", "battery, 0x373")]
#[case::no_lowest_cell(with(2, Input::Can(Frame::standard(id::CELLS, &[0, 0, 0xE4, 0x0C]))), 70, "time without a lowest cell", "battery, 0x373")]
#[case::gx(without(3), 30, "time without an answer of the GX", "GX")]
#[case::gx_without_units(
    with(3, gx(&[(Channel::GridPower, 0.0)])),
    30, "time without a DC voltage at the inverter", "inverter"
)]
#[case::supply(without(4), 30, "time without a voltage of the supply", "supply")]
fn what_comes_no_more_trips(
    #[case] inputs: Vec<Input>,
    #[case] age: u64,
    #[case] what: &str,
    #[case] by: &str,
) {
    for before in [0, 600] {
        let mut interlocks = Interlocks::new(limits(), whole(), Micros::ZERO);
        assert_eq!(first(&mut interlocks, 1..=before, |_| well()), None);
        let (second, trip) =
            first(&mut interlocks, before + 1..=before + 200, |_| inputs.clone()).expect("trips");
        assert_eq!((second, trip.what, trip.by.as_str()), (before + age + 1, what, by));
    }
}

/// Without 0x356 inverter and solar charger tell voltage and current, 0x373 temperatures; alone it is missed.
#[rstest]
#[case::temperature(&[1, 2], "time without a temperature")]
#[case::voltage(&[1, 3], "time without a pack voltage")]
fn one_instrument_at_least_is_fresh(#[case] gone: &[usize], #[case] what: &str) {
    let mut interlocks = Interlocks::new(limits(), whole(), Micros::ZERO);
    assert_eq!(first(&mut interlocks, 1..=600, |_| without(1)), None);
    // The GX itself still answers, with nothing that is of use here.
    let mut inputs: Vec<Input> =
        well().into_iter().enumerate().filter(|(n, _)| !gone.contains(n)).map(|(_, input)| input).collect();
    if gone.contains(&3) {
        inputs.push(gx(&[(Channel::GridPower, 0.0)]));
    }
    let mut interlocks = Interlocks::new(
        with_limit(Channel::GxAnswers, |l| l.silence = Some(Micros::from_secs(50))),
        whole(),
        Micros::ZERO,
    );
    let (second, trip) = first(&mut interlocks, 1..=100, |_| inputs.clone()).expect("trips");
    assert_eq!((second, trip.what), (31, what));
}

/// The machine asks to be called just when a limit is due.
#[test]
fn the_deadline_is_that_of_the_next_limit() {
    let mut interlocks = Interlocks::new(limits(), whole(), Micros::ZERO);
    assert_eq!(first(&mut interlocks, 1..=5, |_| well()), None);
    assert_eq!(interlocks.deadline(), Some(Micros(15_000_001)));
    assert_eq!(first(&mut interlocks, 6..=28, |_| vec![limits_frame()]), None);
    assert_eq!(interlocks.deadline(), Some(Micros(35_000_001)), "GX, voltage, current, temperature");
    assert!(interlocks.check(Micros(35_000_001), &Input::Tick).is_some());
}

/// What nothing can tell is listed; what is given up is not waited for, and still held against its limit when it comes.
#[test]
fn what_cannot_be_told_is_listed_and_may_be_given_up() {
    assert_eq!(whole().untold(&limits()), Vec::<&str>::new());
    let no_gx = Instruments { gx: false, inverter: false, solar: false, ..whole() };
    assert_eq!(no_gx.untold(&limits()), ["inverter.dc-voltage"]);
    assert_eq!(
        Instruments { inverter: false, ..whole() }.untold(&limits()),
        Vec::<&str>::new(),
        "the solar charger tells it"
    );
    let no_cells = Instruments { cells: false, ..whole() };
    assert_eq!(no_cells.untold(&limits()), ["battery.highest-cell", "battery.lowest-cell"]);
    assert_eq!(Unwatched::read(["cell-voltage"]), Err("cell-voltage"));
    assert_eq!(Unwatched::read(["cell-voltage-max"]), Unwatched::read(["battery.highest-cell"]), "as before");
    assert!(Unwatched::read(["battery.cvl"]).is_err());
    assert_eq!(
        Unwatched::read(["can-silence"]),
        Err("can-silence"),
        "a battery that is not heard is never driven"
    );
    let unwatched = Unwatched::read(no_cells.untold(&limits())).expect("their names");
    let given_up = Instruments { unwatched, ..whole() };
    assert_eq!(Instruments { unwatched, ..no_cells }.untold(&limits()), Vec::<&str>::new());
    let mut interlocks = Interlocks::new(limits(), given_up, Micros::ZERO);
    assert_eq!(first(&mut interlocks, 1..=600, |_| without(2)), None);
    let trip = interlocks.check(Micros::from_secs(600), &cells(3.3, 3.8, 20.0, 25.0)).expect("trips");
    assert_eq!((trip.what, trip.by.as_str()), ("highest cell", "battery, 0x373"));
}

/// Set to 120 V and 25 A: what it gives, and when it trips.
#[rstest]
#[case::collapsed(24.0 - 0.1, 5.0, Some((11, "output voltage of the supply below its setting", "23.900 V", "24.000 V")))]
#[case::nothing(0.0, 0.0, Some((11, "output voltage of the supply below its setting", "0.000 V", "24.000 V")))]
#[case::in_current_limit(20.0, 24.9, None)]
#[case::takes_little(119.0, 0.1, None)]
#[case::a_third(40.0, 10.0, None)]
fn a_supply_that_does_not_give_its_voltage(
    #[case] voltage: f64,
    #[case] current: f64,
    #[case] trips: Option<(u64, &str, &str, &str)>,
) {
    let mut interlocks = Interlocks::new(limits(), whole(), Micros::ZERO);
    let inputs = with(4, supply(true, voltage, current, 3000.0));
    let tripped = first(&mut interlocks, 0..=60, |_| inputs.clone());
    let tripped = tripped.as_ref().map(|(s, t)| (*s, t.what, t.value.as_str(), t.limit.as_str()));
    assert_eq!(tripped, trips);
}

proptest::proptest! {
    /// Whatever is heard, and whatever a suite does, each limit is due as it is when everything is asked for anew.
    #[test]
    fn a_limit_is_due_as_if_everything_were_asked(
        acts in proptest::collection::vec((0..9usize, 0..40_000_000u64, 1..90u64), 1..200),
        cells in proptest::bool::ANY,
        inverter in proptest::bool::ANY,
    ) {
        let instruments = Instruments { cells, inverter, ..whole() };
        let mut interlocks = Interlocks::new(limits(), instruments, Micros::ZERO);
        let mut at = Micros::ZERO;
        for (act, later, secs) in acts {
            at += Micros(later / 8);
            match act {
                0..5 => drop(interlocks.check(at, &well()[act])),
                5 => interlocks.stimulus(at, &Stimulus::Silence { id: id::MEASUREMENTS, span: Micros::from_secs(secs) }),
                6 => interlocks.stimulus(at, &injected(FaultKind::GxReboot {}, secs)),
                7 => interlocks.stimulus(at, &injected(FaultKind::PackVoltage { by: Volts(-5.0) }, secs)),
                _ => interlocks.expect_offline(secs % 2 == 0),
            }
            let mut anew = interlocks.clone();
            anew.plan();
            let due = |interlocks: &Interlocks| interlocks.rows.iter().map(|row| row.due).collect::<Vec<_>>();
            proptest::prop_assert_eq!(due(&interlocks), due(&anew));
            proptest::prop_assert_eq!(interlocks.deadline(), anew.deadline());
        }
    }
}
