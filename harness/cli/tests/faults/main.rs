//! Everything that goes wrong on a wire of a rig, or with its machine, in the middle of a run with the sun on: the output
//! goes off in time by the supply's own clock, the evidence stays readable, nothing passes, and the cause is named.
//!
//! Some of the table here, one moment each; `cargo xtask fault-campaign` asks for all of it, at several moments.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a table for whoever asked for it")]

#[cfg(unix)]
mod campaign;
#[cfg(unix)]
#[path = "../kill/evidence.rs"]
mod evidence;
#[cfg(unix)]
mod scene;
#[cfg(unix)]
mod table;
#[cfg(unix)]
mod wire;

/// How many moments for each fault; set by `cargo xtask fault-campaign`.
const MOMENTS: &str = "BUSBAR_FAULTS";

#[cfg(not(unix))]
fn main() {
    eprintln!(
        "faults: left out: {MOMENTS} counts faults of pseudo-terminals, which this system does not have"
    );
}

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    use campaign::{cut, strike};
    // Asked for its tests, as by a test runner, it has none of its own.
    if std::env::args().any(|word| word == "--list") {
        return std::process::ExitCode::SUCCESS;
    }
    let moments: Option<usize> = std::env::var(MOMENTS).ok().and_then(|moments| moments.parse().ok());
    // Named faults only, for whoever looks for a cause.
    let named: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let faults: Vec<_> = match moments {
        Some(_) => table::FAULTS.iter().collect(),
        None if !named.is_empty() => table::FAULTS.iter().collect(),
        None => cut(),
    };
    let faults: Vec<_> = faults
        .into_iter()
        .filter(|fault| {
            let name = format!("{}: {}", fault.at.words(), fault.name);
            named.is_empty() || named.iter().any(|word| name.contains(word.as_str()))
        })
        .collect();
    let done = strike(&faults, moments.unwrap_or(1));
    print!("{}", campaign::table(&done));
    let wrong: Vec<_> = done.iter().filter_map(|done| done.wrong().map(|what| (done, what))).collect();
    for (done, what) in &wrong {
        eprintln!("{}: {}, moment {}: {what}", done.fault.at.words(), done.fault.name, done.moment);
    }
    std::process::ExitCode::from(u8::from(!wrong.is_empty()))
}
