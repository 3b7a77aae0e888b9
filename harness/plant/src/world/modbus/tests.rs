//! A client against the simulated GX: what it decodes is what a poll says, and its writes come late.

use crate::bus::Heard;
use proto::channel::{Block, Source};
use proto::gx::{Answers, BLOCKS, Product};
use proto::quantity::Micros;
use proto::samples::Samples;
use proto::stimulus::Stimulus;
use rstest::rstest;

use super::*;
use crate::world::tests::{start, world};
use proto::fault::{Fault, FaultKind};
use proto::quantity::{Volts, Watts};

const UNITS: [(Product, u8); 6] = [
    (Product::Battery, 225),
    (Product::System, 100),
    (Product::Inverter, 227),
    (Product::Solar, 229),
    (Product::Grid, 30),
    (Product::Ess, 100),
];

/// First address and cells of each block.
type Blocks = Vec<(u16, Vec<u16>)>;

fn run(world: &mut World, until: Micros) {
    world.pass(until).expect("a model goes on");
}

/// The cells of every block of a product, asked again where it is missed at first.
fn blocks(world: &mut World, product: Product) -> Option<Blocks> {
    let unit = UNITS.iter().find(|(p, _)| *p == product).expect("a unit for each").1;
    let mut ask = |first, count| {
        let ask = |w: &mut World| w.modbus_read(unit, 3, first, count).and_then(Result::ok);
        ask(world).or_else(|| ask(world)).or_else(|| ask(world))
    };
    BLOCKS.iter().filter(|b| b.product == product).map(|b| Some((b.first, ask(b.first, b.count)?))).collect()
}

fn polled(world: &mut World) -> Samples {
    let all: Blocks = UNITS.iter().filter_map(|&(product, _)| blocks(world, product)).flatten().collect();
    let lent: Vec<(u16, &[u16])> = all.iter().map(|(at, cells)| (*at, cells.as_slice())).collect();
    Answers::of(&lent).samples()
}

/// Over an hour with loads, a trip, a loss of the battery and of the GX: what a client decodes is what a poll says.
#[test]
fn the_image_is_the_reading() {
    let mut w = world(&start(), 1);
    let apply = |w: &mut World, stimulus| w.apply(&stimulus).expect("possible");
    let (mut there, mut gone, mut silent) = (0, 0, 0);
    for second in 1..3600 {
        run(&mut w, Micros::from_secs(second));
        match second {
            300 => apply(&mut w, Stimulus::AcLoad(Watts(3500.0))),
            600 => apply(&mut w, Stimulus::Grid(false)),
            900 => apply(&mut w, Stimulus::Grid(true)),
            1200 => apply(&mut w, Stimulus::Silence { id: 0x351, span: Micros::from_secs(60) }),
            1500 => apply(
                &mut w,
                Stimulus::Inject(Fault {
                    kind: FaultKind::CellVoltage { by: Volts(0.5) },
                    span: Micros::from_secs(20),
                }),
            ),
            2400 => apply(
                &mut w,
                Stimulus::Inject(Fault { kind: FaultKind::GxReboot {}, span: Micros::from_secs(60) }),
            ),
            3000 => apply(&mut w, Stimulus::Pv(Watts(7000.0))),
            _ => {}
        }
        let expected = w.gx();
        assert_eq!(polled(&mut w), expected, "second {second}");
        match [Block::Battery, Block::System].map(|block| expected.tells(Source::Gx(block))) {
            [true, _] => there += 1,
            [_, true] => gone += 1,
            _ => silent += 1,
        }
    }
    assert!(there > 3000 && gone > 30 && silent == 60, "{there} {gone} {silent}");
}

/// Registers that a reading does not carry.
#[test]
fn what_else_there_is() {
    let mut w = world(&start(), 1);
    run(&mut w, Micros::from_secs(600));
    let mut value = |unit, address| {
        let ask = |w: &mut World| w.modbus_read(unit, 4, address, 1).expect("it answers");
        let answer = ask(&mut w).or_else(|_| ask(&mut w)).or_else(|_| ask(&mut w));
        answer.expect("mapped")[0]
    };
    for (unit, address, expected) in [
        (225, 306, 448),
        (225, 327, 0),
        (225, 303, 0),
        (100, 826, 1),
        (100, 844, 1),
        (100, 2704, 65_535),
        (100, 2705, 65_535),
        (100, 2706, 65_535),
        (100, 2707, 1),
        (100, 2710, 0),
        (100, 2901, 100),
        (227, 3, 2300),
        (227, 31, 252),
        (227, 33, 3),
        (227, 57, 1),
        (229, 775, 252),
        (30, 2616, 2300),
    ] {
        assert_eq!(value(unit, address), expected, "register {address}");
    }
    let volts = f64::from(value(225, 259)) / 100.0;
    assert!((f64::from(value(100, 840)) / 10.0 - volts).abs() < 0.06);
}

#[rstest]
#[case::taken(2705, 40, 40)]
#[case::refused(2707, 7, 1)]
#[case::not_acted_on(2708, 1, 0)]
fn a_write_is_acknowledged_before_it_is_applied(
    #[case] register: u16,
    #[case] value: u16,
    #[case] then: u16,
) {
    let mut w = world(&start(), 1);
    let mut now = Micros::from_secs(60);
    run(&mut w, now);
    let read = |w: &mut World| w.modbus_read(100, 3, register, 1).expect("answers").expect("mapped")[0];
    let before = read(&mut w);
    assert_eq!(w.modbus_write(100, 6, register, &[value]), Some(Ok(())));
    assert_eq!(read(&mut w), before);
    now += Micros::from_millis(6);
    run(&mut w, now);
    assert_eq!(read(&mut w), before);
    now += Micros::from_millis(2);
    run(&mut w, now);
    assert_eq!(read(&mut w), then);
}

#[test]
fn a_rebooting_gx_neither_answers_nor_takes_settings() {
    let mut w = world(&start(), 1);
    run(&mut w, Micros::from_secs(60));
    let fault = Fault { kind: FaultKind::GxReboot {}, span: Micros::from_secs(30) };
    w.apply(&Stimulus::Inject(fault)).expect("possible");
    assert_eq!(w.modbus_read(225, 3, 259, 1), None);
    assert_eq!(w.modbus_write(100, 6, 2707, &[0]), None);
    let error = w.apply(&Stimulus::GxWrite { register: 2707, value: 0 }).expect_err("refused");
    assert_eq!(error, StimulusError::Rebooting);
    assert!(w.gx().is_empty());
    let sent = |w: &mut World, until: u64| {
        let mut owned = 0;
        while let Some(frame) = w.advance(Micros::from_secs(until)).expect("a model goes on") {
            let Heard::Frame(frame) = frame else { continue };
            owned += u32::from(crate::gx::Gx::owns(&frame));
        }
        owned
    };
    assert_eq!(sent(&mut w, 89), 0);
    assert!(sent(&mut w, 100) >= 18);
    assert!(w.gx().tells(Source::Gx(Block::Battery)));
}
