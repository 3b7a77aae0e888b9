//! Traces with a known law: what is identified, and that nothing else is.

use proto::quantity::{Micros, Volts, Watts};
use proto::stimulus::Stimulus;

use super::*;
use crate::behaviour::declared;
use crate::trace::{Channel, EventKind};

/// The battery is full from here on, s.
const FULL: u64 = 600;
const END: u64 = 4 * 3600;

/// `[CVL, voltage, current, highest cell]` in each second, as the wire carries them.
fn made(mut at: impl FnMut(u64) -> [f64; 4]) -> Trace {
    let mut trace = Trace::default();
    trace.note(Micros::from_secs(FULL), EventKind::Mark("full".to_owned()));
    for t in 0..END {
        let [cvl, pack, current, cell] = at(t);
        let now = Micros::from_secs(t);
        trace.push(Channel::Cvl, now, (cvl * 10.0).round() / 10.0);
        trace.push(Channel::PackVoltage, now, (pack * 100.0).round() / 100.0);
        trace.push(Channel::PackCurrent, now, (current * 10.0).round() / 10.0 + (t % 2) as f64 * 0.1);
        trace.push(Channel::MaxCell, now, (cell * 1000.0).round() / 1000.0);
        trace.push(Channel::Online, now, 1.0);
    }
    trace
}

/// The same with a load that comes and goes each ten minutes.
fn loaded(at: impl FnMut(u64) -> [f64; 4]) -> Trace {
    let mut trace = made(at);
    for t in (2400..END - 600).step_by(600) {
        let load = if pulled(t) { 3000.0 } else { 0.0 };
        trace.note(Micros::from_secs(t), EventKind::Stimulus(Stimulus::AcLoad(Watts(load))));
    }
    trace
}

fn pulled(t: u64) -> bool {
    t >= 2400 && (t / 600).is_multiple_of(2)
}

/// A fixed sequence between 0 and 1: the same each time.
fn noise(k: u64) -> f64 {
    let mixed = (k + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (((mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 40) as f64) / f64::from(1 << 24)
}

fn law(traces: &[Trace]) -> Law {
    identify(traces, &declared())
}

fn near(found: f64, expected: f64) -> bool {
    (found / expected - 1.0).abs() <= 0.1
}

/// Slow waves that repeat no beat: what the cell does by itself, V.
fn wandering(t: u64) -> f64 {
    let wave = |period: f64| libm::sin(core::f64::consts::TAU * t as f64 / period);
    3.45 + 0.008 * wave(311.0) + 0.006 * wave(743.0) + 0.004 * wave(127.0)
}

#[test]
fn nothing_is_told_of_nothing() {
    let never_full = Trace::default();
    assert_eq!(law(&[never_full]), Law::default());
    assert_eq!(Law::default().sentences(), Vec::<String>::new());
    let still = law(&[made(|t| [55.2, 55.2, 0.0, wandering(t)])]);
    assert!(still.constant && still.clock.is_none() && still.answer.is_none(), "{still:?}");
    assert_eq!(still.sentences(), ["CVL stands in all 1 cases: a constant, which cannot swing"]);
}

/// Steps at random multiples of 45 s; and steps at any time.
#[test]
fn a_clock_is_told_from_chance() {
    let beat = |length: fn(u64) -> u64| {
        let (mut next, mut cvl, mut k) = (1000, 55.2, 0);
        made(move |t| {
            if t == next {
                k += 1;
                (next, cvl) = (t + length(k), if cvl > 55.15 { 55.1 } else { 55.2 });
            }
            [cvl, 55.2, 0.0, wandering(t)]
        })
    };
    let found = law(&[beat(|k| 45 * (1 + (noise(k) * 4.0) as u64))]).clock.expect("a clock");
    assert!(near(found.period.secs(), 45.0) && found.fits == found.of, "{found:?}");
    assert_eq!(law(&[beat(|k| 40 + (noise(k) * 200.0) as u64)]).clock, None);
}

#[test]
fn a_relay_on_a_clock_and_one_at_a_level() {
    let clocked = law(&[made(|t| [if t / 45 % 2 == 0 { 55.2 } else { 55.6 }, 55.2, 0.0, wandering(t)])]);
    let cycle = clocked.cycle.expect("it goes to and fro");
    assert!(cycle.relay && cycle.by == Some(Cause::Clock), "{cycle:?}");
    assert!(near(cycle.period.secs(), 90.0) && near(cycle.height.0, 0.4), "{cycle:?}");
    assert!(
        clocked.sentences()[0].starts_with("edges of 0.4 V at fixed 90 s, not at a cell level"),
        "{clocked:?}"
    );

    // The cell rises and falls at a pace of its own each time, and CVL turns as it leaves 3.44 to 3.46 V.
    let (mut cell, mut high, mut turns) = (3.45, true, 0);
    let levels = law(&[made(move |t| {
        cell += if high { 1.0 } else { -1.0 } * (0.0005 + 0.0005 * noise(turns));
        let turned = if high { cell >= 3.46 } else { cell <= 3.44 };
        (high, turns) = (high != turned, turns + u64::from(turned));
        [if high { 55.6 } else { 55.2 }, 55.2, (t % 3) as f64, cell]
    })]);
    let cycle = levels.cycle.expect("it goes to and fro");
    assert_eq!(cycle.by, Some(Cause::Level), "{cycle:?}");
    assert!((cycle.turns[0].0 - 3.46).abs() < 0.002 && (cycle.turns[1].0 - 3.44).abs() < 0.002, "{cycle:?}");
}

/// Voltage minus 0.2 V as it was at the last look, each 20 s.
#[test]
fn a_copy_of_the_voltage_is_told_from_a_copy_of_the_current() {
    let pack =
        |t: u64| if pulled(t) { 53.6 - (t % 600) as f64 * 0.001 } else { 55.2 - (t % 600) as f64 * 0.0003 };
    let amps = |t: u64| if pulled(t) { -60.0 } else { 0.0 };
    let copies = law(&[loaded(|t| [pack(t / 20 * 20) - 0.2, pack(t), amps(t), wandering(t)])]);
    match copies.follows {
        Some(Follows::Voltage { slope, .. }) => assert!(near(slope, 1.0), "{slope}"),
        other => panic!("{other:?}"),
    }
    let sags = law(&[loaded(|t| [55.2 + 0.014 * amps(t), pack(t), amps(t), wandering(t)])]);
    match sags.follows {
        Some(Follows::Current { slope, .. }) => assert!(near(slope.0, 0.014), "{slope}"),
        other => panic!("{other:?}"),
    }
    let stands = law(&[loaded(|t| [55.2 + 0.1 * (t / 1800 % 2) as f64, pack(t), amps(t), wandering(t)])]);
    assert_eq!(stands.follows, None);
}

#[test]
fn a_straight_fall_while_nothing_flows() {
    let fall = |t: u64| 55.2 - 0.3 * t.saturating_sub(FULL) as f64 / 3600.0;
    let found = law(&[made(|t| [fall(t), fall(t), 0.3, fall(t) / 16.0])]).drift.expect("it falls");
    assert!(near(-found.slope.0, 0.3), "{found:?}");
    // A ramp that ends, and one that is paid for by current.
    let ends = |t: u64| fall(t).max(54.9);
    assert_eq!(law(&[made(|t| [ends(t), ends(t), 0.3, ends(t) / 16.0])]).drift, None);
    assert_eq!(law(&[made(|t| [fall(t), fall(t), -20.0, fall(t) / 16.0])]).drift, None);
}

/// Each 20 s by 25 V for a volt that the cell, filtered by 10 s, is off 3.45 V.
#[test]
fn the_gain_of_an_integrator_is_found() {
    let (mut wanted, mut cvl, mut filtered) = (55.0, 55.0, 3.45);
    let found = law(&[made(move |t| {
        let cell = wandering(t);
        filtered += (1.0 - libm::exp(-0.1)) * (cell - filtered);
        if t % 20 == 0 {
            wanted -= 25.0 * (filtered - 3.45);
            if f64::abs(wanted - cvl) >= 0.075 {
                cvl = (wanted * 10.0).round() / 10.0;
            }
        }
        [cvl, 55.0, 0.0, cell]
    })]);
    assert!(near(found.clock.expect("a clock").period.secs(), 20.0), "{found:?}");
    let answer = found.answer.expect("a gain");
    match answer.law {
        CellLaw::Integral { gain, level, .. } => {
            assert!(near(gain, 25.0) && (level.0 - 3.45).abs() < 0.002, "{answer:?}");
        }
        other @ CellLaw::Proportional { .. } => panic!("{other:?}"),
    }
}

/// 40 V down for a volt of the cell.
#[test]
fn the_gain_of_a_straight_line_is_found() {
    let found = law(&[made(|t| [55.0 - 40.0 * (wandering(t / 5 * 5) - 3.45), 55.0, 0.0, wandering(t)])]);
    let answer = found.answer.expect("a gain");
    match answer.law {
        CellLaw::Proportional { gain, .. } => assert!(near(gain, 40.0), "{answer:?}"),
        other @ CellLaw::Integral { .. } => panic!("{other:?}"),
    }
}

/// Steps of 0.1 V each 24 s from a high cell on, whatever it does, to one value: no gain is made of it.
#[test]
fn a_ramp_by_the_clock_is_no_answer_to_the_cell() {
    let cvl = |t: u64| if t < 900 { 55.6 } else { (55.6 - 0.1 * ((t - 900) / 24 + 1) as f64).max(54.4) };
    let case = || made(|t| [cvl(t), cvl(t) + 0.01, 0.0, (cvl(t.saturating_sub(4)) + 0.01) / 16.0]);
    let found = law(&[case(), case(), case()]);
    let ramp = found.ramp.expect("a ramp");
    assert!(near(ramp.every.secs(), 24.0) && near(ramp.step.0, 0.1), "{found:?}");
    assert_eq!(found.rest.map(|rest| (rest.cases, rest.of)), Some((3, 3)), "{found:?}");
    assert!((found.onset.expect("where it begins").cell - Volts(3.476)).0.abs() < 0.002, "{found:?}");
    assert!(found.answer.is_none() && found.cycle.is_none() && found.drift.is_none(), "{found:?}");
}
