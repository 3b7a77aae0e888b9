//! Cases through a real Linux CAN stack: the served rig on one controller, the harness on the other, beside
//! them SCPI on a pseudo-terminal, Modbus-TCP and the operator. The commands are those that a user types.

use std::fs;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use libtest_mimic::Failed;

use super::Test;
use super::guest::Outcome;

pub(crate) const TESTS: &[Test] =
    &[("the doctor finds a served rig fit, and its bus", doctor), ("cases end on wires as they must", cases)];

/// Emulated processors are slow: at more, a moment of the guest is a minute of the rig.
const SPEED: u32 = 20;
/// One that reads, and one that drives the supply and breaks cells.
const CASES: &[&str] = &["gx/start-up", "blackout-recovery/after-over-voltage"];
/// A machine that stands still for 150 ms makes the battery pause for 3 s, which fails it (P 1.4).
const TRIES: u32 = 3;

struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The rig on can0, and the file that drives it from can1.
fn serve(name: &str) -> Result<(Serving, String), Failed> {
    let at = format!("/tmp/{name}");
    // One that was ended by force leaves its names.
    let _ = fs::remove_dir_all(&at);
    let speed = SPEED.to_string();
    let words = ["serve", "--can", "can0", "--at", &at, "--speed", &speed];
    let serving = Serving(Command::new("busbar").args(words).spawn()?);
    let end = Instant::now() + Duration::from_secs(60);
    while !Path::new(&at).join("addresses.json").is_file() {
        if Instant::now() > end {
            return Err("the rig did not begin".into());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let text = fs::read_to_string("/busbar/rigs/served.yaml")?;
    let text = text
        .replace("slcan: /tmp/busbar/can", "interface: can1")
        .replace("/tmp/busbar/psu", &format!("{at}/psu"))
        .replace("speed: 60", &format!("speed: {SPEED}"));
    let file = format!("{at}/served.yaml");
    fs::write(&file, text)?;
    Ok((serving, file))
}

fn doctor() -> Outcome {
    let (_serving, rig) = serve("doctor")?;
    let done = Command::new("busbar").args(["doctor", "--rig", &rig]).output()?;
    let said = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    println!("{said}");
    for part in ["can1: 500 kbit/s, error-active", "error counters 0", "a GX: 0x305", "fit to run"] {
        if !said.contains(part) {
            return Err(format!("{part} is missing").into());
        }
    }
    Ok(())
}

fn cases() -> Outcome {
    CASES.iter().try_for_each(|case| {
        let mut tries = 1;
        loop {
            match passes(case) {
                Err(error) if tries == TRIES => return Err(error),
                Err(_) => tries += 1,
                Ok(()) => return Ok(()),
            }
        }
    })
}

fn passes(case: &str) -> Outcome {
    let (_serving, rig) = serve("case")?;
    let began = Instant::now();
    let words = ["run", case, "--quiet", "--out", "/tmp/reports", "--rig", &rig];
    let done = Command::new("busbar").args(words).output()?;
    println!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    println!("  {case} in {:.0} s", began.elapsed().as_secs_f64());
    if done.status.success() { Ok(()) } else { Err(format!("busbar run {case}: {}", done.status).into()) }
}
