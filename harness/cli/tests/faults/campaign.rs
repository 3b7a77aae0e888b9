//! Faults at random moments on several rigs at a time, and the table of what came of them.

use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::scene::{Came, Scene};
use super::table::{At, FAULTS, Fault};

/// So many rigs are served at a time: a run mostly waits.
const RIGS: usize = 4;
/// How often a run is begun on a machine that was too slow for it.
const TRIES: usize = 3;
/// What a run says then.
const SLOW: &str = "this machine is too slow";
/// A fault comes within this of the sun.
const LATEST: Duration = Duration::from_millis(2500);

/// A fault at a moment, and what came of it.
pub(crate) struct Done {
    pub(crate) fault: &'static Fault,
    pub(crate) moment: usize,
    pub(crate) came: Result<Came, String>,
}

impl Done {
    /// What is not as it has to be.
    pub(crate) fn wrong(&self) -> Option<String> {
        let came = match &self.came {
            Ok(came) => came,
            Err(what) => return Some(what.clone()),
        };
        // A rig may bear it, and a run that came to its end switches off by itself.
        if self.fault.says.is_empty() {
            return (!matches!(came.code, Some(0..=2))).then(|| format!("it ended with {:?}", came.code));
        }
        if came.code == Some(0) {
            return Some(format!("PASSED: {}", came.why));
        }
        if came.off.0 > self.fault.within * 1000 {
            return Some(format!("OFF TOO LATE, after {}: {}", came.off, came.why));
        }
        let named = self.fault.says.iter().any(|word| came.why.contains(word));
        (!named).then(|| format!("the cause is not named: {}", came.why))
    }
}

/// Faults of each place, for every change: not all, and not the same as a neighbour.
pub(crate) fn cut() -> Vec<&'static Fault> {
    FAULTS.iter().step_by(4).collect()
}

/// Each fault at so many moments.
pub(crate) fn strike(faults: &[&'static Fault], moments: usize) -> Vec<Done> {
    let (next, done, began) = (AtomicUsize::new(0), Mutex::new(Vec::new()), Instant::now());
    let count = faults.len() * moments;
    std::thread::scope(|scope| {
        for _ in 0..RIGS.min(count) {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return;
                    }
                    let (fault, moment) = (faults[number % faults.len()], number / faults.len());
                    let came = one(fault, hash(number));
                    let mut done = done.lock().expect("no worker panics with it");
                    done.push(Done { fault, moment, came });
                    if done.len() % 20 == 0 {
                        eprintln!("{} of {count} after {:.0} s", done.len(), began.elapsed().as_secs_f64());
                    }
                }
            });
        }
    });
    done.into_inner().expect("no worker panics with it")
}

fn one(fault: &'static Fault, dice: f64) -> Result<Came, String> {
    let mut came = Err("not tried".to_owned());
    for _ in 0..TRIES {
        // A rig for each: an adapter that was unplugged does not come back.
        came = Scene::new().strike(fault, LATEST.mul_f64(dice));
        let slow = match &came {
            Ok(came) => came.why.contains(SLOW) && !fault.says.iter().any(|word| SLOW.contains(word)),
            Err(what) => what.contains(SLOW),
        };
        if !slow {
            break;
        }
    }
    came
}

/// From 0 to 1, the same for the same number (SplitMix64).
fn hash(number: usize) -> f64 {
    let mut z = (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// What came of them: by fault, then by place.
pub(crate) fn table(done: &[Done]) -> String {
    let mut text = format!(
        "{:<44} {:>5} {:>8} {:>8} {:>9} {:>8} {:>12} {:>6}\n",
        "fault", "times", "stated", "median", "worst", "passed", "quarantined", "wrong"
    );
    let mut row = |name: &str, stated: Option<u64>, of: &dyn Fn(&Done) -> bool| {
        let of: Vec<&Done> = done.iter().filter(|done| of(done)).collect();
        if of.is_empty() {
            return;
        }
        let came = || of.iter().filter_map(|done| done.came.as_ref().ok());
        let mut off: Vec<f64> = came().map(|came| came.off.secs()).collect();
        off.sort_by(f64::total_cmp);
        let at = |rank: usize| off.get(rank).map_or("-".to_owned(), |secs| format!("{secs:.2} s"));
        let _ = writeln!(
            text,
            "{name:<44} {:>5} {:>8} {:>8} {:>9} {:>8} {:>12} {:>6}",
            of.len(),
            stated.map_or("bears".to_owned(), |ms| format!("{:.1} s", ms as f64 / 1000.0)),
            at(off.len() / 2),
            at(off.len().saturating_sub(1)),
            came().filter(|came| came.code == Some(0)).count(),
            came().filter(|came| came.quarantined).count(),
            of.iter().filter(|done| done.wrong().is_some()).count(),
        );
    };
    for fault in FAULTS {
        let name = format!("{}: {}", fault.at.words(), fault.name);
        let stated = (!fault.says.is_empty()).then_some(fault.within);
        row(&name, stated, &|done| std::ptr::eq(done.fault, fault));
    }
    for at in At::ALL {
        row(&format!("all of {}", at.words()), None, &|done| done.fault.at == at);
    }
    row("all", None, &|_| true);
    let _ = writeln!(
        text,
        "off: from the fault, or from the return of a wire that carried nothing, to output off by the supply's own clock; \
         what a rig bears goes off with the end of its case"
    );
    text
}
