//! What stands still while others say that it moves is no reading; what stands still in calm weather is one.

use super::fake::{first, injected, whole};
use super::*;

/// What each instrument says of a world of these numbers: battery current, current of the charger, power of the sun, and what
/// the DC bus has more than when it is calm.
#[derive(Clone, Copy)]
struct World {
    pack: f64,
    solar: f64,
    sun: f64,
    lift: f64,
}

const CALM: World = World { pack: 40.0, solar: 50.0, sun: 2600.0, lift: 0.0 };

impl World {
    fn can(self) -> Input {
        measured(52.0 + self.lift, self.pack, 25.0)
    }
    fn gx(self) -> Input {
        self.gx_beside(self)
    }
    /// An inverter that says what it said in another world.
    fn gx_beside(self, inverter: Self) -> Input {
        gx(&[
            (Channel::GxPackVoltage, 52.0 + self.lift),
            (Channel::GxPackCurrent, self.pack),
            (Channel::BusVoltage, 52.2 + inverter.lift),
            (Channel::InverterCurrent, inverter.pack - inverter.solar),
            (Channel::SolarVoltage, 52.3 + self.lift),
            (Channel::SolarCurrent, self.solar),
            (Channel::PvPower, self.sun),
        ])
    }
    fn supply(self) -> Input {
        supply(true, 120.0, self.sun / 120.0, 3000.0)
    }
}

/// The instruments that repeat their last reading.
#[derive(Clone, Copy, PartialEq)]
enum Frozen {
    Nobody,
    Battery,
    Gx,
    Supply,
    Inverter,
}

/// The first trip of an hour in which the world is another from the 60th second on.
fn trips(frozen: Frozen, then: fn(u64) -> World, interlocks: &mut Interlocks) -> Option<(u64, Trip)> {
    first(interlocks, 1..=3600, |second| {
        let now = if second < 60 { CALM } else { then(second) };
        let by = |who| if frozen == who { CALM } else { now };
        vec![
            limits_frame(),
            by(Frozen::Battery).can(),
            cells(3.2, 3.3, 20.0, 25.0),
            by(Frozen::Gx).gx_beside(if frozen == Frozen::Gx { CALM } else { by(Frozen::Inverter) }),
            by(Frozen::Supply).supply(),
        ]
    })
}

/// A load takes 30 A more, for good; the sun goes, in part, and what the charger gives with it.
#[rstest]
#[case::battery(Frozen::Battery, |_| World { pack: 10.0, ..CALM }, Some("battery on CAN stands still at 52 V, 40 A"))]
#[case::gx(Frozen::Gx, |_| World { pack: 10.0, ..CALM }, Some("battery on the GX stands still at 52 V, 40 A"))]
#[case::supply(
    Frozen::Supply,
    |_| World { pack: 20.0, solar: 30.0, sun: 1600.0, ..CALM },
    Some("supply stands still at 120 V, 21.666666666666668 A, while the others moved by 1000.0 W")
)]
#[case::inverter(
    Frozen::Inverter,
    |_| World { pack: 10.0, lift: -0.8, ..CALM },
    Some("inverter on the GX stands still at 52.2 V, -10 A, while the others moved by 0.8 V")
)]
#[case::inverter_and_cables(Frozen::Inverter, |_| World { lift: 0.4, ..CALM }, None)]
#[case::a_ramp(
    Frozen::Battery,
    |t| World { pack: 40.0 - 0.05 * (t - 60) as f64, ..CALM },
    Some("battery on CAN stands still")
)]
#[case::little(Frozen::Battery, |_| World { pack: 35.0, ..CALM }, None)]
#[case::nothing(Frozen::Supply, |_| CALM, None)]
#[case::of_the_others(Frozen::Supply, |_| World { pack: 10.0, ..CALM }, None)]
#[case::for_a_moment(Frozen::Gx, |t| if t % 60 < 9 { World { pack: 10.0, ..CALM } } else { CALM }, None)]
#[case::nobody(Frozen::Nobody, |t| World { pack: if t / 30 % 2 == 0 { -100.0 } else { 100.0 }, ..CALM }, None)]
#[case::calm(Frozen::Nobody, |_| CALM, None)]
fn readings_that_cannot_move(
    #[case] frozen: Frozen,
    #[case] then: fn(u64) -> World,
    #[case] by: Option<&str>,
) {
    let trip = trips(frozen, then, &mut Interlocks::new(limits(), whole(), Micros::ZERO));
    assert_eq!(trip.is_some(), by.is_some(), "{trip:?}");
    if let (Some((_, trip)), Some(by)) = (trip, by) {
        assert!(trip.what == "readings that stand still for" && trip.by.starts_with(by), "{trip:?}");
    }
}

/// A battery whose ammeter says anything is judged, and blames nobody of the rig whose reading is steady.
#[test]
fn a_battery_that_lies_freezes_nobody() {
    let mut interlocks = Interlocks::new(limits(), whole(), Micros::ZERO);
    let trip = first(&mut interlocks, 1..=3600, |second| {
        let says = World { pack: 40.0 * f64::from(u8::from(second / 60 % 2 == 0)) - 20.0, ..CALM };
        let shown = World { pack: CALM.pack, ..CALM };
        let mut poll = shown.gx();
        if let Input::Samples(said) = &mut poll {
            said.tell(Channel::GxPackCurrent, says.pack);
        }
        vec![limits_frame(), says.can(), cells(3.2, 3.3, 20.0, 25.0), poll, CALM.supply()]
    });
    assert_eq!(trip, None);
}

/// A while after the others moved, and not before.
#[test]
fn it_takes_fifteen_seconds() {
    let mut interlocks = Interlocks::new(limits(), whole(), Micros::ZERO);
    let (at, trip) =
        trips(Frozen::Battery, |_| World { pack: 10.0, ..CALM }, &mut interlocks).expect("it trips");
    assert_eq!((at, trip.value.as_str(), trip.limit.as_str()), (76, "75 s", "15 s"));
}

/// The supply moved last, and the registers of the GX show it a while later: that is no fault of the supply.
#[test]
fn who_follows_late_is_not_blamed_for_it() {
    for late in [1, 5, 12] {
        let mut interlocks = Interlocks::new(limits(), whole(), Micros::ZERO);
        let trip = first(&mut interlocks, 1..=600, |second| {
            let of = |second: u64| match second / 60 % 2 {
                0 => CALM,
                _ => World { pack: 0.0, solar: 10.0, sun: 520.0, ..CALM },
            };
            let (now, shown) = (of(second), of(second.saturating_sub(late)));
            vec![limits_frame(), now.can(), cells(3.2, 3.3, 20.0, 25.0), shown.gx(), now.supply()]
        });
        assert_eq!(trip, None, "{late} s");
    }
}

/// What a suite makes untrue, or keeps from coming, blames nobody.
#[test]
fn what_a_suite_does_is_no_frozen_reading() {
    for kind in [FaultKind::Current { by: Amps(30.0) }, FaultKind::GxReboot {}] {
        let mut interlocks = Interlocks::new(limits(), whole(), Micros::ZERO);
        interlocks.stimulus(Micros::ZERO, &injected(kind, 200));
        let trip = first(&mut interlocks, 1..=190, |second| {
            let now = World { pack: if second < 60 { 40.0 } else { 10.0 }, ..CALM };
            vec![limits_frame(), CALM.can(), cells(3.2, 3.3, 20.0, 25.0), now.gx(), CALM.supply()]
        });
        assert_eq!(trip, None, "{kind:?}");
    }
}
