//! A GX is left as it was found, and one that shows no battery is named.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::thread::sleep;
use std::time::Duration;

use judge::trace::EventKind;
use judge::verdict::Outcome;
use lab::gx::Link;
use proto::quantity::Micros;
use rstest::rstest;

use super::bench::Bench;
use super::hands::overridden;
use super::proxy::Tcp;

/// What somebody had set before the laboratory came: unit, register, value.
const SET: [(u8, u16, u16); 3] = [(100, 2700, 123), (100, 2707, 0), (227, 22, 200)];

fn ask<T>(at: SocketAddr, what: impl AsyncFnOnce(&mut Link) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a socket");
    runtime.block_on(async {
        let mut link = Link::open(&at.to_string(), Micros::from_secs(5)).await.expect("it listens");
        what(&mut link).await
    })
}

fn held(at: SocketAddr) -> Vec<(u8, u16, u16)> {
    let read = async |link: &mut Link| {
        let mut all = Vec::new();
        for (unit, register, _) in SET {
            all.push((unit, register, link.read(unit, register, 1).await.expect("it answers")[0]));
        }
        all
    };
    ask(at, read)
}

/// A whole case and one that is told to stop: each register that was
/// written holds what it held before.
#[rstest]
#[case::to_its_end(false)]
#[case::told_to_stop(true)]
fn the_gx_is_left_as_it_was_found(#[case] stops: bool) {
    let bench = Bench::new();
    let at = bench.served.addresses().gx;
    ask(at, async |link: &mut Link| {
        for (unit, register, value) in SET {
            link.write(unit, register, &[value]).await.expect("it takes it");
        }
    });
    sleep(Duration::from_secs(1));
    assert_eq!(held(at), SET);
    let steps = "- gx-write: { register: 2700, value: 2500 }\n      - input-current-limit: 16 A\n      - hold: 30 s\n      \
                 - feed-in: off\n      - hold: 20 s\n      - feed-in: on\n      - hold: 10 s";
    let mut changed = false;
    let (attempt, _) = bench.run(steps, |bench, seen| {
        if seen.readings_of_gx == 20 && !changed {
            changed = held(at)[0].2 == 2500 && held(at)[2].2 == 160;
            bench.stop.store(stops, Ordering::Relaxed);
        }
    });
    assert!(changed, "the case writes: {}", attempt.reason);
    assert_eq!(attempt.reason.contains("stopped by you"), stops, "{}", attempt.reason);
    sleep(Duration::from_secs(1));
    assert_eq!(held(at), SET, "{}", attempt.reason);
}

/// The unit id of the battery in the rig file is another one (it changes with the port that it is plugged into): the case
/// goes on, and what nobody saw is said.
#[test]
fn a_gx_without_the_battery_is_told() {
    let mut bench = Bench::new();
    bench.units = "{ battery: 226, inverter: 227, solar: 229, grid: 30 }";
    let (attempt, _) = bench.run("- hold: 20 s", |_, _| {});
    let told = attempt.trace.events.iter().find_map(|event| match &event.kind {
        EventKind::Trouble(what) => Some(what.clone()),
        _ => None,
    });
    let told = told.expect("it is told");
    assert!(told.contains("has no battery: reading registers 256 to 326 of unit 226"), "{told}");
    assert!(told.contains("none for the whole case"), "{told}");
    assert_ne!(attempt.outcome, Outcome::Fail, "{}", attempt.reason);
}

/// Something outside holds a set-point over that of the GX (2716): a suite that writes 2700 ends with that, and before
/// anything is written.
#[test]
fn a_set_point_that_counts_for_nothing_is_not_written() {
    let mut bench = Bench::new();
    let gx = bench.gx.address();
    bench.gx = Tcp::to(overridden(gx, 800));
    let before = held(gx);
    let (attempt, _) =
        bench.run("- gx-write: { register: 2700, value: 2500 }\n      - hold: 20 s", |_, _| {});
    assert_eq!(attempt.outcome, Outcome::Inconclusive, "{}", attempt.reason);
    let says = "holds 800 W: the GX takes no notice of register 2700";
    assert!(attempt.reason.contains("register 2716") && attempt.reason.contains(says), "{}", attempt.reason);
    assert_eq!(held(gx)[0], before[0]);
}
