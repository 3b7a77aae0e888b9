//! Known answers: noise with a fixed seed, and what an independent computation finds in it (numpy and other
//! algorithms; M8 by projection on Legendre polynomials with Gauss quadrature, in plain Python).

use proto::quantity::{AmpHours, Micros, Volts, Watts};
use rstest::rstest;

use super::{
    Lift, covered, curtailed, discharge, excess, pace, regularity, ripple, settling, swings, tracking,
};
use crate::site::Site;
use crate::thresholds::fixed::EXCESS;
use crate::trace::{Channel, Trace};
use crate::window::{Window, deviation};

/// A linear congruential sequence between 0 and 1.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as f64 / (1u64 << 31) as f64
    }
}

/// Channel, seconds between samples, lowest value, span, step.
const CHANNELS: [(Channel, usize, f64, f64, f64); 9] = [
    (Channel::Cvl, 11, 55.0, 1.0, 0.1),
    (Channel::PackVoltage, 1, 54.5, 1.5, 0.01),
    (Channel::PackCurrent, 1, -10.0, 20.0, 0.1),
    (Channel::MaxCell, 1, 3.40, 0.1, 0.001),
    (Channel::PvAvailable, 60, 1000.0, 3000.0, 1.0),
    (Channel::PvPower, 7, 500.0, 3000.0, 1.0),
    (Channel::AcLoads, 300, 0.0, 2000.0, 1.0),
    (Channel::GridConnected, 400, 0.0, 1.6, 1.0),
    (Channel::BusVoltage, 1, 55.0, 1.5, 0.01),
];

/// Two hours of everything.
fn world(seed: u64) -> Trace {
    let (mut trace, mut noise) = (Trace::default(), Noise(seed));
    for (channel, step, lowest, span, lsb) in CHANNELS {
        for at in (0..7200u64).step_by(step) {
            let value = ((lowest + span * noise.next()) / lsb).round() * lsb;
            trace.push(channel, Micros::from_secs(at), value);
        }
    }
    trace.push(Channel::InputCurrentLimit, Micros::ZERO, 10.0);
    // Held back all the time: none of the dips of this noise is a scan.
    trace.push(Channel::Tracker, Micros::ZERO, 1.0);
    trace
}

/// Two hours of export, which halves some time after the first.
fn exported(seed: u64) -> Trace {
    let (mut trace, mut noise) = (Trace::default(), Noise(1000 + seed));
    let level = 400.0 + 100.0 * seed as f64;
    for at in 0..7200 {
        let power = if at < 3600 + 13 * seed { -2.0 * level } else { -level };
        trace.push(Channel::GridPower, Micros::from_secs(at), (power - 120.0 * noise.next()).round());
    }
    trace
}

fn w(from: u64, to: u64) -> Window {
    Window::new(Micros::from_secs(from), Micros::from_secs(to))
}

/// The figures of one seed, in the order of the table.
fn figures(seed: u64) -> [f64; 13] {
    let (t, grid, both) = (world(seed), exported(seed), [w(600, 3000), w(3600, 7100)]);
    let cvl = t.series(Channel::Cvl);
    let disturbed = [2000, 5000].map(Micros::from_secs);
    let swung = swings(cvl, &both, Volts(0.15));
    let taken =
        discharge(&t, &covered(&t, w(0, 7200)), AmpHours(280.0)).expect("the sun covers the loads at times");
    let steady = ripple(&grid, &[w(0, 3600), w(4000, 7200)], Watts(300.0)).expect("it exports");
    let pulls: Vec<Window> = (0..7).map(|k| w(600 + 900 * k, 1260 + 900 * k)).collect();
    let followed = tracking(&t, &pulls);
    [
        pace(cvl, &both, &disturbed).share.0,
        swung.rate.0,
        swung.travel.0,
        regularity(cvl, w(600, 7100)).map_or(f64::NAN, |m| m.r),
        taken.rate.0,
        taken.mean.0,
        steady.share.0,
        settling(&grid, w(3600, 7200)).map_or(f64::NAN, |s| s.time.secs()),
        curtailed(&t, &both, &Site::default()).map_or(f64::NAN, |(share, _)| share.0),
        excess(&t, w(600, 7100), Lift { offset: EXCESS, band: Volts(0.15) }).time.secs(),
        followed.slope.0,
        followed.correlation.0,
        deviation(t.series(Channel::PackVoltage), both[0]).unwrap_or(f64::NAN),
    ]
}

const NAMES: [&str; 13] = [
    "M2 share",
    "M3 rate",
    "M5 travel",
    "M4 r",
    "M7 rate",
    "M7 mean",
    "M8 spread",
    "M8 settling",
    "M9 share",
    "M11 time",
    "M12 slope",
    "M12 correlation",
    "deviation",
];

/// Seed, and the figures found elsewhere.
#[rstest]
#[case(1, [91.2065439673, 205.627118644, 114.955932203, 0.605465089779, 0.883545918367, 0.010619047619, 4.16739069389633, 13.0, 22.1456698728, 3262.0, -56.199853937, -26.4353551701, 0.430544295997])]
#[case(2, [90.1052631579, 178.169491525, 103.545762712, 0.342531671593, 0.851389866291, 0.168251231527, 3.55323492337786, 26.0, 21.3063593775, 3204.0, -135.661644533, -55.0413265046, 0.432715162922])]
#[case(13, [91.0229645094, 187.93220339, 106.474576271, 0.461766300484, 0.893004658385, 0.0156086956522, 1.28536599912142, 169.0, 23.5113185361, 3204.0, 17.9891420954, 14.1215898323, 0.433731379684])]
fn an_independent_computation_finds_the_same(#[case] seed: u64, #[case] expected: [f64; 13]) {
    for ((name, found), expected) in NAMES.iter().zip(figures(seed)).zip(expected) {
        assert!((found - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{name}: {found} {expected}");
    }
}
