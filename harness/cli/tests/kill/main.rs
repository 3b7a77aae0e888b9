//! Nothing stays switched on: runs on a served rig are killed in every way, at random moments, and the supply is watched.
//!
//! One of each kind here; `cargo xtask kill --count 1000` asks for more. Time counts from the blow to output off as the
//! instrument itself knows it.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a table for whoever asked for it")]

#[cfg(unix)]
mod harness;
#[cfg(unix)]
mod scene;

/// How many blows in all; set by `cargo xtask kill`.
const COUNT: &str = "BUSBAR_KILLS";
/// How often a run is begun that ends by itself.
#[cfg(unix)]
const TRIES: usize = 3;

#[cfg(not(unix))]
fn main() {
    eprintln!("kill: left out: {COUNT} counts signals, which this system does not have");
}

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    if let Some(rig) = std::env::var_os(harness::RIG) {
        harness::run(&rig);
        return std::process::ExitCode::SUCCESS;
    }
    // Asked for its tests, as by a test runner, it has none of its own.
    if std::env::args().any(|word| word == "--list") {
        return std::process::ExitCode::SUCCESS;
    }
    let kinds = scene::Kind::ALL;
    let count = std::env::var(COUNT).ok().and_then(|count| count.parse().ok()).unwrap_or(kinds.len());
    let scene = scene::Scene::new("generic");
    let mut took: Vec<Vec<std::time::Duration>> = vec![Vec::new(); kinds.len()];
    let mut wrong = Vec::new();
    for blow in 0..count {
        let (index, kind) = (blow % kinds.len(), kinds[blow % kinds.len()]);
        // Only where harness and guard both die is it for the watchdog of the instrument, whose trip stays until somebody
        // has looked at it.
        let watched = (kind == scene::Kind::Both).then(|| scene::Scene::new("keysight"));
        let scene = watched.as_ref().unwrap_or(&scene);
        // On a busy machine a run may end before it is struck, which says nothing.
        let struck =
            (0..TRIES).map(|_| scene.strike(kind, blow)).find(|struck| *struck != Err(scene::EARLY.into()));
        match struck.unwrap_or_else(|| Err(scene::EARLY.to_owned())) {
            Ok(span) => took[index].push(span),
            Err(what) => wrong.push(format!("blow {blow}, {kind:?}: {what}")),
        }
    }
    println!(
        "{:<34} {:>5} {:>9} {:>9} {:>9} {:>9}",
        "what was done", "times", "stayed on", "median", "p99", "max"
    );
    for (kind, mut took) in kinds.iter().zip(took) {
        took.sort();
        let stayed = wrong.iter().filter(|what| what.contains(&format!("{kind:?}: stayed on"))).count();
        let at = |rank: usize| {
            took.get(rank).map_or("-".to_owned(), |t| format!("{:.0} ms", t.as_secs_f64() * 1e3))
        };
        let last = took.len().saturating_sub(1);
        let (middle, late) = (at(took.len() / 2), at(took.len() * 99 / 100));
        println!("{:<34} {:>5} {stayed:>9} {middle:>9} {late:>9} {:>9}", kind.words(), took.len(), at(last));
    }
    for what in &wrong {
        eprintln!("{what}");
    }
    std::process::ExitCode::from(u8::from(!wrong.is_empty()))
}
