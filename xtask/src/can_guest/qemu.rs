//! Runs the guest within a time, shows its console, and finds out there how the test ended.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use crate::process::{Failure, Workspace};

/// How the guest says that the test ended; its exit code follows.
pub(super) const ENDED: &str = "busbar can-guest: test ended with ";

/// The guest is powered off when it takes longer: assumption, it takes two minutes of one processor, and gets a third of
/// one on a machine with other work.
const WITHIN: Duration = Duration::from_secs(600);

/// Software emulation on purpose: hardware acceleration is not to be had in most containers, and where its device
/// exists all the same QEMU may hang.
///
/// The guest's clock counts its instructions, 2 ns each, and skips ahead while it sleeps: a host that is busy makes the
/// guest take longer, never late. By the host's clock a busy machine silenced the bus for 200 ms, which is 4 s of a rig at
/// 20 times the speed of the clock, and no verdict on a battery that must speak every 3 s (P 1.4).
const MACHINE: &[&str] = &[
    "-accel",
    "tcg",
    "-icount",
    "shift=1,sleep=off",
    "-rtc",
    "clock=vm",
    "-m",
    "512",
    "-nic",
    "none",
    "-display",
    "none",
    "-monitor",
    "none",
    "-serial",
    "stdio",
    "-no-reboot",
    "-object",
    "can-bus,id=bus",
    "-device",
    "kvaser_pci,canbus=bus",
    "-device",
    "kvaser_pci,canbus=bus",
    "-append",
    "console=ttyS0 quiet loglevel=3 panic=-1",
];

/// Runs the guest to its end.
pub(super) fn run(workspace: &Workspace, kernel: &Path, initramfs: &Path) -> Result<(), Failure> {
    let qemu = workspace.program("qemu-system-x86_64").args(MACHINE);
    let qemu = qemu.arg("-kernel").arg(kernel).arg("-initrd").arg(initramfs);
    let (child, command) = qemu.spawn(Stdio::null(), Stdio::piped())?;
    let mut guest = Guest(child);
    let console = guest.0.stdout.take().ok_or_else(|| Failure::Found("QEMU has no console".to_owned()))?;
    let (line, lines) = channel();
    std::thread::spawn(move || {
        for said in BufReader::new(console).split(b'\n').map_while(Result::ok) {
            // Whoever gave up on the guest hears no more.
            let _ = line.send(String::from_utf8_lossy(&said).trim_end().to_owned());
        }
    });
    let give_up = Instant::now() + WITHIN;
    let mut ended = None;
    loop {
        match lines.recv_timeout(give_up.saturating_duration_since(Instant::now())) {
            Ok(said) => {
                println!("{said}");
                ended = ended.or(exit_code(&said));
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                return Err(Failure::Found(format!("the guest had not ended after {} s", WITHIN.as_secs())));
            }
        }
    }
    match ended {
        Some(0) => Ok(()),
        Some(code) => Err(Failure::Found(format!("the test in the guest ended with {code}"))),
        None => Err(Failure::Found(format!("the guest ended before the test did; `{command}`"))),
    }
}

/// The exit code in a line of the console.
fn exit_code(line: &str) -> Option<u8> {
    line.split_once(ENDED)?.1.trim().parse().ok()
}

/// Ends the guest with whoever started it.
struct Guest(Child);

impl Drop for Guest {
    fn drop(&mut self) {
        // It may have ended by itself, which is the usual way.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("busbar can-guest: test ended with 0", Some(0))]
    #[case("[ 3.2] x busbar can-guest: test ended with 101\r", Some(101))]
    #[case("busbar can-guest: test ended with ", None)]
    #[case("test result: ok. 12 passed", None)]
    fn the_console_tells_how_the_test_ended(#[case] line: &str, #[case] code: Option<u8>) {
        assert_eq!(exit_code(line), code);
    }
}
