//! How fast: printed with `--nocapture`, and held against bounds that a busy machine keeps too.

use super::*;

/// How often heartbeats are lost; more by hand, for the figures.
const LOSSES: &str = "BUSBAR_LOSSES";

/// Heartbeats that stop at any moment between two of them, with the shortest time that a rig file may set.
#[test]
fn no_heartbeat_for_a_quarter_of_a_second_is_noticed_within_a_third() {
    let count: u64 = std::env::var(LOSSES).ok().and_then(|count| count.parse().ok()).unwrap_or(3);
    let mut took: Vec<Duration> = (0..count)
        .map(|k| {
            let mut scene = scene();
            scene.live.psu.as_mut().expect("it has one").heartbeat_within = Micros::from_millis(250);
            let (guard, standing) = scene.guard();
            let _supply = scene.shine(guard.link(scene.profile.serial).expect("it opens"));
            // Thirteen and a hundred have no divisor in common: every moment of a beat is met.
            std::thread::sleep(Duration::from_millis(100 + k * 13 % 100));
            guard.shared.mute();
            let took = scene.off_within(SOON);
            guard.hang_up();
            standing.join().expect("it does not panic");
            took
        })
        .collect();
    took.sort();
    let at = |share: usize| took[(took.len() * share / 100).min(took.len() - 1)];
    println!(
        "no heartbeat, 250 ms: off after {:?} (median), {:?} (p99), {:?} (last) of {count}",
        at(50),
        at(99),
        at(100)
    );
    // The bound is generous: the machine of a test is busy.
    assert!(at(100) < Duration::from_secs(1), "{took:?}");
}

/// What the guard adds to a setpoint with all that is read back of it, against the same port without it.
#[test]
fn the_guard_is_no_burden() {
    const SETPOINTS: u32 = 200;
    // Other work of the machine lengthens a round; it shortens none.
    const ROUNDS: usize = 5;
    let scene = scene();
    let port = scene.live.psu.clone().expect("it has one").port;
    let least_median = |link: Box<dyn Link>| {
        let mut supply = scene.shine(link);
        let mut setpoint = |k: u32| {
            let current = Amps(f64::from(k % 50) + 1.0);
            let target = Target::new((Volts(120.0), current), (Volts(132.0), Amps(60.0)));
            let began = Instant::now();
            supply.apply(target).expect("accepted");
            began.elapsed()
        };
        let medians = (0..ROUNDS).map(|_| {
            let mut took: Vec<Duration> = (0..SETPOINTS).map(&mut setpoint).collect();
            took.sort();
            took[took.len() / 2]
        });
        let least = medians.min().expect("some rounds");
        assert!(supply.shut_down().is_safe());
        least
    };
    let direct = least_median(connect(&port, scene.profile.serial).expect("it opens"));
    let (guard, standing) = scene.guard();
    let guarded = least_median(guard.link(scene.profile.serial).expect("it opens"));
    guard.end(|why| panic!("{why}"), |_| panic!("the guard is there")).expect("confirmed");
    standing.join().expect("it does not panic");
    println!(
        "a setpoint: {direct:?} without a guard, {guarded:?} with it (medians of {SETPOINTS}, the least of {ROUNDS})"
    );
    // The bound is generous: the machine of a test is busy.
    assert!(guarded < direct + Duration::from_millis(2), "{direct:?}, {guarded:?}");
}
