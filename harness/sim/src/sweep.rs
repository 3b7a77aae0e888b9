//! The ranges of a rig file in the simulated world: whether each has a number behind it, and the world of a draw.

use engine::yaml::YamlError;
use files::RigFile;
use files::sweep::{Draw, Range, Sweep};
use plant::params::Params;
use plant::sweep::SweepError;

fn set(range: &Range<'_>, params: &mut Params, share: f64) -> Result<(), SweepError> {
    params.sweep(&range.path, range.low, range.high, share)
}

/// Refuses a range without a number behind it, of another unit or upside down, and ranges that can meet in a world that
/// cannot be: all conditions of [`Params::check`] join at most two numbers, so the corners of each two ranges tell.
pub(crate) fn check(rig: &RigFile, params: &Params) -> Result<(), YamlError> {
    let wrong = |range: &Range<'_>, message: String, expected: &str| {
        rig.refuse(&format!("sweep.{}", range.path), message, expected)
    };
    let ranges = rig.sweep.ranges();
    let mut world = params.clone();
    for range in &ranges {
        set(range, &mut world, 0.0).map_err(|error| {
            wrong(range, error.to_string(), "`[low, high]` in the unit of the number under `plant`")
        })?;
    }
    for (i, one) in ranges.iter().enumerate() {
        for other in &ranges[..=i] {
            for (a, b) in [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)] {
                // The bounds were read above.
                let corner = set(other, &mut world, a).and_then(|()| set(one, &mut world, b));
                corner.map_err(|error| wrong(one, error.to_string(), ""))?;
                world.check().map_err(|error| {
                    let message = format!("with this range {} can become {}", error.field, error.found);
                    wrong(one, message, error.expected)
                })?;
            }
            set(other, &mut world, 0.0).map_err(|error| wrong(other, error.to_string(), ""))?;
        }
        set(one, &mut world, 0.0).map_err(|error| wrong(one, error.to_string(), ""))?;
    }
    Ok(())
}

/// The world of a draw: each number somewhere in its range.
pub(crate) fn world(sweep: &Sweep, params: &Params, draw: Draw) -> Params {
    let mut world = params.clone();
    for (range, share) in sweep.drawn(draw) {
        set(&range, &mut world, share).expect("the ranges were checked when the file was read");
    }
    world
}

#[cfg(test)]
mod tests {
    use files::{BatteryFile, Draw, RigFile};
    use rstest::rstest;

    use super::set;
    use crate::{Simulation, check_rig};

    const FILE: &str = include_str!("../../../rigs/simulated.yaml");

    fn draw(seed: u64) -> Draw {
        Draw::new("reference", "simulated", seed)
    }

    fn simulation(rig: &str) -> Simulation {
        let rig = RigFile::parse("rigs/simulated.yaml", rig).expect("it is shipped");
        let battery = include_str!("../../../rigs/batteries/reference.yaml");
        let battery = BatteryFile::parse("reference.yaml", battery).expect("it is shipped");
        Simulation::of(&rig, &battery).expect("sound").expect("simulated")
    }

    #[test]
    fn a_seed_draws_the_same_world_again_and_another_seed_another() {
        let rig = simulation(FILE);
        let drawn = rig.swept(draw(7)).plant;
        assert_eq!(drawn, rig.swept(draw(7)).plant);
        assert_ne!(drawn, rig.swept(draw(8)).plant);
        assert_ne!(drawn, rig.plant);
    }

    #[test]
    fn every_world_is_sound_and_the_draws_fill_the_range() {
        let rig = simulation(FILE);
        let loops: Vec<f64> = (0..500)
            .map(|seed| {
                let world = rig.swept(draw(seed)).plant;
                world.check().expect("a sound world");
                world.solar.voltage_loop.secs()
            })
            .collect();
        let mean = loops.iter().sum::<f64>() / 500.0;
        assert!((mean - 0.3).abs() < 0.02, "{mean}");
        assert!(loops.iter().all(|t| (0.0999..=0.5001).contains(t)));
        assert!(loops.iter().any(|t| *t < 0.12) && loops.iter().any(|t| *t > 0.48));
    }

    #[test]
    fn every_shipped_range_moves_its_number() {
        let rig = simulation(FILE);
        assert!(rig.sweep.ranges().len() >= 30);
        for range in rig.sweep.ranges() {
            let plant = rig.plant.clone();
            let (mut low, mut high) = (plant.clone(), plant.clone());
            set(&range, &mut low, 0.0).expect("checked");
            set(&range, &mut high, 1.0).expect("checked");
            assert!(low != plant || high != plant, "{} moves nothing", range.path);
        }
    }

    #[test]
    fn without_ranges_nothing_changes() {
        let bare = FILE.split("\nsweep:").next().expect("the part before");
        let rig = simulation(bare);
        assert_eq!(rig.swept(draw(3)).plant, rig.plant);
    }

    #[rstest]
    #[case("scan-period: [60 s, 600 s]", "scan-perod: [60 s, 600 s]", "`solar.scan-perod` is no number")]
    #[case("scan-period: [60 s, 600 s]", "scan-period: [60 V, 600 V]", "expected a time")]
    #[case("scan-period: [60 s, 600 s]", "scan-period: [600 s, 60 s]", "is the higher one")]
    #[case("scan-period: [60 s, 600 s]", "scan-period: [0 s, 600 s]", "solar.scan-period can become 0")]
    #[case("restart: [46 V, 48 V]", "restart: [40 V, 48 V]", "inverter.restart can become 40 V")]
    fn a_wrong_range_is_refused_with_its_line(#[case] good: &str, #[case] bad: &str, #[case] says: &str) {
        assert!(FILE.contains(good), "{good} stands in the file");
        let text = FILE.replacen(good, bad, 1);
        let rig = RigFile::parse("rigs/bad.yaml", &text).expect("the rest is right");
        let error = check_rig(&rig).expect_err(bad).to_string();
        assert!(error.contains(says), "{error}");
        assert!(!error.starts_with("rigs/bad.yaml:1:"), "{error}");
    }
}
