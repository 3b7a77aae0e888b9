//! Nothing stays switched on: runs on served rigs are killed in every way, in every phase, at random moments. The clock
//! of the simulated supply says when its output went off, `busbar judge` whether what was measured is still there.
//!
//! One of each kind here; `cargo xtask kill-campaign --kills 1000` asks for more.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a table for whoever asked for it")]

#[cfg(unix)]
mod blow;
#[cfg(unix)]
mod campaign;
#[cfg(unix)]
mod evidence;
#[cfg(unix)]
mod harness;
#[cfg(unix)]
mod scene;

/// How many blows in all; set by `cargo xtask kill-campaign`.
const KILLS: &str = "BUSBAR_KILLS";

#[cfg(not(unix))]
fn main() {
    eprintln!("kill: left out: {KILLS} counts signals, which this system does not have");
}

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    if let Some(rig) = std::env::var_os(harness::RIG) {
        harness::run(&rig);
        return std::process::ExitCode::SUCCESS;
    }
    if let Some(terminal) = std::env::var_os(harness::TERMINAL) {
        eprintln!("{}", harness::in_terminal(&terminal));
        return std::process::ExitCode::FAILURE;
    }
    // Asked for its tests, as by a test runner, it has none of its own.
    if std::env::args().any(|word| word == "--list") {
        return std::process::ExitCode::SUCCESS;
    }
    let kills = std::env::var(KILLS).ok().and_then(|kills| kills.parse().ok());
    let blows = campaign::strike(kills.unwrap_or(blow::Kind::ALL.len()));
    print!("{}", campaign::table(&blows));
    let unsure =
        blows.iter().filter(|blow| matches!(&blow.came, Ok(survived) if survived.quarantined)).count();
    if unsure > 0 {
        println!(
            "{unsure} left the rig quarantined: the supply was off, but did not answer in time to confirm it"
        );
    }
    let wrong: Vec<_> =
        blows.iter().filter_map(|blow| blow.came.as_ref().err().map(|what| (blow, what))).collect();
    for (blow, what) in &wrong {
        eprintln!("blow {}, {:?} in {:?}: {what}", blow.number, blow.kind, blow.phase);
    }
    std::process::ExitCode::from(u8::from(!wrong.is_empty()))
}
