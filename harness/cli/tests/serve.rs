//! `busbar serve` as a process: what it prints, what it leaves, how it ends.

#![cfg(unix)]

use std::io::Read as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A process that ends with its test.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn busbar(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_busbar"));
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    command.args(args).env("BUSBAR_HOME", home).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn within(span: Duration, mut is: impl FnMut() -> bool, what: &str) {
    let end = Instant::now() + span;
    while !is() {
        assert!(Instant::now() < end, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_signal_ends_it_cleanly() {
    for signal in ["-TERM", "-INT"] {
        let folder = tempfile::tempdir().expect("a folder");
        let at = folder.path().to_str().expect("a plain path");
        let args = [
            "serve",
            "--speed",
            "10",
            "--at",
            at,
            "--gx-port",
            "0",
            "--operator-port",
            "0",
            "--psu-port",
            "0",
        ];
        let mut serving = Serving(busbar(&args).spawn().expect("it starts"));
        let addresses = folder.path().join("addresses.json");
        within(
            Duration::from_secs(20),
            || addresses.is_file() && folder.path().join("can").exists(),
            "the names",
        );
        // The file is there before the last words are.
        std::thread::sleep(Duration::from_millis(200));
        let id = serving.0.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().expect("a kill command").success());
        let mut ended = None;
        within(
            Duration::from_secs(10),
            || {
                ended = serving.0.try_wait().expect("it is ours");
                ended.is_some()
            },
            "its end",
        );
        assert_eq!(ended.and_then(|status| status.code()), Some(0), "{signal}");
        let mut said = String::new();
        serving.0.stdout.take().expect("piped").read_to_string(&mut said).expect("text");
        assert!(said.contains("10 times as fast") && said.contains("(Modbus-TCP)"), "{said}");
        assert!(said.contains("127.0.0.1:") && said.contains(at), "{said}");
        assert_eq!(std::fs::read_dir(folder.path()).expect("it is there").count(), 0, "nothing is left");
    }
}

#[test]
fn what_cannot_be_served_is_refused() {
    let refused = |args: &[&str], code: i32, says: &str| {
        let done = busbar(args).output().expect("it runs");
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.code(), Some(code), "{said}");
        assert!(said.contains(says), "{said}");
    };
    refused(&["serve", "--battery", "none"], 64, "could not measure them");
    refused(&["serve", "--speed", "0"], 64, "--speed");
    refused(&["serve", "--psu-profile", "no-such"], 64, "known are: ea");
    refused(&["serve", "--can", "busbar9", "--at", "/nonexistent/x", "--gx-port", "0"], 2, "busbar9");
}
