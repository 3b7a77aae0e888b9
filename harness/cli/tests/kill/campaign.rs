//! Many blows on several rigs at a time, and the table of what came of them.

use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use proto::quantity::Micros;

use super::blow::{Kind, Phase};
use super::evidence::Left;
use super::scene::{EARLY, OFF_WITHIN, Scene, Survived};

/// So many rigs are served at a time: a run mostly waits.
const RIGS: usize = 4;
/// How often a run is begun that ends by itself before it is struck, as on a busy machine.
const TRIES: usize = 3;

/// A blow and what came of it.
pub(crate) struct Blow {
    pub(crate) number: usize,
    pub(crate) kind: Kind,
    pub(crate) phase: Phase,
    pub(crate) came: Result<Survived, String>,
}

impl Blow {
    /// Kinds one after the other, and each through all phases.
    fn plan(number: usize) -> (Kind, Phase) {
        let kind = Kind::ALL[number % Kind::ALL.len()];
        let phase = Phase::ALL[(number + number / Kind::ALL.len()) % Phase::ALL.len()];
        match (kind, phase) {
            // It can be told to panic only once it looks at inputs.
            (Kind::Panic | Kind::CloseSocket, Phase::Start) => (kind, Phase::Ramp),
            // The last step is over, and so is what is told.
            (Kind::Panic | Kind::CloseSocket, Phase::ShutDown) => (kind, Phase::Switch),
            planned => planned,
        }
    }
}

/// So many blows, in the order of their numbers.
pub(crate) fn strike(count: usize) -> Vec<Blow> {
    let (next, blows, began) = (AtomicUsize::new(0), Mutex::new(Vec::new()), Instant::now());
    std::thread::scope(|scope| {
        for _ in 0..RIGS.min(count) {
            scope.spawn(|| {
                let scene = Scene::new("generic");
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return;
                    }
                    let blow = one(&scene, number);
                    let mut blows = blows.lock().expect("no worker panics with it");
                    blows.push(blow);
                    if blows.len() % 50 == 0 {
                        eprintln!("{} of {count} after {:.0} s", blows.len(), began.elapsed().as_secs_f64());
                    }
                }
            });
        }
    });
    let mut blows = blows.into_inner().expect("no worker panics with it");
    blows.sort_by_key(|blow| blow.number);
    blows
}

fn one(scene: &Scene, number: usize) -> Blow {
    let (kind, phase) = Blow::plan(number);
    // Only where harness and guard both die is it for the watchdog of the instrument, whose trip stays until somebody
    // has looked at it.
    let watched = (kind == Kind::Both).then(|| Scene::new("keysight"));
    let scene = watched.as_ref().unwrap_or(scene);
    let dice = |which: usize| hash(number * 2 + which);
    let early = Err(EARLY.to_owned());
    let mut came = early.clone();
    for again in 0..TRIES {
        came = scene.strike(kind, phase, (dice(0) / (1 << again) as f64, dice(1)));
        if !matches!(&came, Err(what) if *what == EARLY) {
            break;
        }
    }
    Blow { number, kind, phase, came }
}

/// From 0 to 1, the same for the same number (SplitMix64).
fn hash(number: usize) -> f64 {
    let mut z = (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// What came of them: by kind, then by phase, then in all.
pub(crate) fn table(blows: &[Blow]) -> String {
    let mut text = format!(
        "{:<32} {:>5} {:>6} {:>11} {:>8} {:>8} {:>8} {:>10} {:>6}\n",
        "blow", "times", "was on", "off in time", "median", "p99", "worst", "evidence", "wrong"
    );
    let mut row = |name: &str, of: &dyn Fn(&Blow) -> bool| {
        let of: Vec<&Blow> = blows.iter().filter(|blow| of(blow)).collect();
        if of.is_empty() {
            return;
        }
        let is = |word: &str| {
            of.iter().filter(|blow| matches!(&blow.came, Err(what) if what.contains(word))).count()
        };
        let survived = || of.iter().filter_map(|blow| blow.came.as_ref().ok());
        let mut off: Vec<Micros> = survived().filter_map(|came| came.off).collect();
        off.sort();
        let at = |rank: usize| off.get(rank).map_or("-".to_owned(), |t| format!("{:.0} ms", t.secs() * 1e3));
        let late = is("STAYED ON") + is("OFF TOO LATE");
        let readable = survived().filter(|came| came.left == Left::Readable).count();
        let unreadable = is("READABLE");
        let _ = writeln!(
            text,
            "{name:<32} {:>5} {:>6} {:>11} {:>8} {:>8} {:>8} {:>10} {:>6}",
            of.len(),
            off.len() + late,
            format!("{}/{}", of.len() - late, of.len()),
            at(off.len() / 2),
            at((off.len() * 99).div_ceil(100).saturating_sub(1)),
            at(off.len().saturating_sub(1)),
            format!("{readable}/{}", readable + unreadable),
            is("WRONG VERDICT"),
        );
    };
    for kind in Kind::ALL {
        row(kind.words(), &|blow| blow.kind == kind);
    }
    for phase in Phase::ALL {
        row(&format!("in the phase: {}", phase.words()), &|blow| blow.phase == phase);
    }
    row("all", &|_| true);
    let _ = writeln!(
        text,
        "in time: output off within {OFF_WITHIN} by the supply's clock, and still off when the rig is free; evidence: of \
         those that had begun to write it"
    );
    text
}
