//! `busbar serve` in a process of its own, and the rig file that drives it.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use files::RigFile;
use lab::guard::lease;
use tempfile::TempDir;

pub(crate) const PROJECT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

pub(crate) fn busbar(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_busbar"));
    command.args(args).env("BUSBAR_HOME", PROJECT).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

pub(crate) fn output(args: &[&str]) -> Output {
    busbar(args).output().expect("the binary was built for this test")
}

pub(crate) fn within(span: Duration, mut is: impl FnMut() -> bool, what: &str) {
    let end = Instant::now() + span;
    while !is() {
        assert!(Instant::now() < end, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A process of a test, ended with it by its id.
pub(crate) struct Owned(pub(crate) Child);

impl Owned {
    pub(crate) fn kill(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }

    /// Waits for its end; its exit code, and what it said on standard error.
    pub(crate) fn ended(&mut self, span: Duration) -> (Option<i32>, String) {
        within(span, || self.0.try_wait().expect("it is ours").is_some(), "its end");
        let mut said = String::new();
        if let Some(mut errors) = self.0.stderr.take() {
            errors.read_to_string(&mut said).expect("text");
        }
        (self.0.wait().expect("it is ours").code(), said)
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A register of the GX: read, or written first.
pub(crate) fn register(gx: &str, unit: u8, register: u16, value: Option<u16>) -> u16 {
    let mut stream = TcpStream::connect(gx).expect("it listens");
    let mut ask = |function: u8, last: u16| {
        let [high, low] = register.to_be_bytes();
        let [last_high, last_low] = last.to_be_bytes();
        let asked = [0, 1, 0, 0, 0, 6, unit, function, high, low, last_high, last_low];
        stream.write_all(&asked).expect("sent");
        let mut head = [0; 6];
        stream.read_exact(&mut head).expect("an answer");
        let mut rest = vec![0; usize::from(head[5])];
        stream.read_exact(&mut rest).expect("an answer");
        assert_eq!(rest[1], function, "no exception");
        u16::from_be_bytes([rest[rest.len() - 2], rest[rest.len() - 1]])
    };
    if let Some(value) = value {
        ask(6, value);
        // A write is acknowledged before it is applied.
        std::thread::sleep(Duration::from_millis(100));
    }
    ask(3, 1)
}

/// A served rig, which ends with its test.
pub(crate) struct Serving {
    child: Child,
    folder: TempDir,
}

impl Serving {
    /// Serves on free ports, in a folder of its own.
    pub(crate) fn start(args: &[&str]) -> Self {
        let folder = TempDir::new().expect("a folder");
        let at = folder.path().join("at");
        let own =
            ["serve", "--gx-port", "0", "--operator-port", "0", "--at", at.to_str().expect("a plain path")];
        let child = busbar(&[&own, args].concat()).spawn().expect("it starts");
        let serving = Self { child, folder };
        let file = serving.at().join("addresses.json");
        let whole = || fs::read_to_string(&file).is_ok_and(|text| text.ends_with("}\n"));
        within(Duration::from_secs(20), whole, "the addresses");
        serving
    }

    pub(crate) fn at(&self) -> PathBuf {
        self.folder.path().join("at")
    }

    /// One of its addresses.
    pub(crate) fn address(&self, of: &str) -> String {
        let text = fs::read_to_string(self.at().join("addresses.json")).expect("it is there");
        let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        json[of].as_str().expect("an address").to_owned()
    }

    /// The serial ports of the meters beside its battery: shunt, charger, inverter.
    pub(crate) fn witnesses(&self) -> Vec<String> {
        let text = fs::read_to_string(self.at().join("addresses.json")).expect("it is there");
        let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        serde_json::from_value(json["witnesses"].clone()).expect("paths")
    }

    /// `rigs/served.yaml` with the addresses of this one, and something else in it replaced.
    pub(crate) fn rig(&self, good: &str, other: &str) -> String {
        let text = fs::read_to_string(Path::new(PROJECT).join("rigs/served.yaml")).expect("it is shipped");
        assert!(text.contains(good), "{good} stands in the file");
        let text = text
            .replace(good, other)
            .replace("/tmp/busbar/can", &self.address("can"))
            .replace("/tmp/busbar/psu", &self.address("psu"))
            .replace("127.0.0.1:1502", &self.address("gx"))
            .replace("127.0.0.1:1503", &self.address("operator"));
        free(&text);
        let path = self.folder.path().join("served.yaml");
        fs::write(&path, text).expect("a file");
        path.to_str().expect("a plain path").to_owned()
    }

    /// Sends a signal; its exit code, and what it printed.
    pub(crate) fn end(mut self, signal: &str) -> (Option<i32>, String, TempDir) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().expect("a kill command").success());
        let mut ended = None;
        let is = || {
            ended = self.child.try_wait().expect("it is ours");
            ended.is_some()
        };
        within(Duration::from_secs(10), is, "its end");
        let mut said = String::new();
        self.child.stdout.take().expect("piped").read_to_string(&mut said).expect("text");
        let folder = std::mem::replace(&mut self.folder, TempDir::new().expect("a folder"));
        (ended.and_then(|status| status.code()), said, folder)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Lifts a quarantine of the instruments of a rig file: ports come again, and with them what somebody else's rig has left.
pub(crate) fn free(text: &str) {
    let rig = RigFile::parse("served.yaml", text);
    if let Some(live) = rig.ok().and_then(|rig| rig.live) {
        let _ = lease::clear(&live);
    }
}
