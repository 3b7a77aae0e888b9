//! What a harness that died has written to the GX, its guard puts back.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use proto::gx::Exception;
use rstest::rstest;
use sim::served::gx::{Registers, on_tcp};

use super::*;

/// A GX of settings that takes every value but one.
#[derive(Default)]
struct Settings {
    cells: BTreeMap<u16, u16>,
    refuses: Option<u16>,
    writes: usize,
}

impl Registers for Settings {
    fn read(&mut self, unit: u8, _: u8, first: u16, count: u16) -> Option<Result<Vec<u16>, Exception>> {
        if unit != 100 {
            return Some(Err(Exception::NoProduct));
        }
        let cells = (first..first + count).map(|at| self.cells.get(&at).copied().unwrap_or(0));
        Some(Ok(cells.collect()))
    }

    fn write(&mut self, _: u8, _: u8, first: u16, values: &[u16]) -> Option<Result<(), Exception>> {
        self.writes += 1;
        let taken = (first..).zip(values).filter(|(at, _)| self.refuses != Some(*at));
        self.cells.extend(taken.map(|(at, value)| (at, *value)));
        Some(Ok(()))
    }
}

/// How it ends, whether the harness has put back itself, and whether the GX takes everything.
#[rstest]
#[case::the_harness_dies(true, false, true)]
#[case::it_ends_and_could_not(false, false, true)]
#[case::it_has_done_so_itself(false, true, true)]
#[case::the_gx_refuses(true, false, false)]
fn the_gx_is_as_it_was_found(#[case] dies: bool, #[case] done: bool, #[case] takes: bool) {
    let mut scene = scene();
    let settings =
        Settings { cells: [(2700, 2500), (2707, 0), (96, 65_535), (97, 1)].into(), ..Settings::default() };
    let settings = Arc::new(Mutex::new(settings));
    let served = on_tcp(settings.clone(), (Ipv4Addr::LOCALHOST, 0).into()).expect("a free port");
    scene.live.gx.as_mut().expect("it has one").address = served.address().to_string();
    let (guard, standing) = scene.guard();
    let _supply = scene.shine(guard.link(scene.profile.serial).expect("it opens"));
    guard.keeps(100, 2700, &[50]);
    guard.keeps(100, 2707, &[1]);
    guard.keeps(100, 96, &[0, 7]);
    // What a second case found was not put back by the first.
    guard.keeps(100, 2700, &[2500]);
    if done {
        guard.has_put_back();
    }
    settings.lock().expect("alive").refuses = (!takes).then_some(2700);
    if dies {
        guard.hang_up();
        scene.off_within(SOON);
    } else {
        guard.end(|why| panic!("{why}"), |_| panic!("the guard is there")).expect("confirmed");
    }
    drop(guard);
    standing.join().expect("it does not panic");
    assert!(!scene.is_on());
    let settings = settings.lock().expect("alive");
    let held = [2700, 2707, 96, 97].map(|at| settings.cells[&at]);
    match (done, takes) {
        (true, _) => {
            assert_eq!((held, settings.writes), ([2500, 0, 65_535, 1], 0), "the harness knows better")
        }
        (_, true) => assert_eq!(held, [50, 1, 0, 7]),
        (_, false) => {
            assert_eq!(held, [2500, 1, 0, 7]);
            let says = "write back by hand: register 2700 (grid setpoint) of unit 100 to 50: it reads back another value";
            assert!(scene.log().contains(says), "{}", scene.log());
        }
    }
}
