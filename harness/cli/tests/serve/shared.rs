//! Several on one bus without CAN in the kernel: a harness that runs a case, a doctor, python-can and the battery's own
//! firmware, over SLCAN and in socketcand's protocol.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::process::{PROJECT, Serving, busbar, output};

const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/serve");

/// A process that ends with its test: asked first, so that a run leaves no guard behind that holds its instruments.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already, and its number be another's.
        if self.0.try_wait().is_ok_and(|ended| ended.is_some()) {
            return;
        }
        let _ = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).stderr(Stdio::null()).status();
        let until = Instant::now() + Duration::from_secs(10);
        while self.0.try_wait().is_ok_and(|ended| ended.is_none()) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A client of socketcand's protocol, in its raw mode.
struct Client(TcpStream);

impl Client {
    fn join(address: &str) -> Self {
        let stream = TcpStream::connect(address).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a deadline");
        let mut client = Self(stream);
        assert_eq!(client.hear(), "< hi >");
        assert_eq!(client.ask("< open can >"), "< ok >");
        assert_eq!(client.ask("< echo >"), "< echo >");
        assert_eq!(client.ask("< rawmode >"), "< ok >");
        client
    }

    fn say(&mut self, message: &str) {
        self.0.write_all(message.as_bytes()).expect("taken");
    }

    fn ask(&mut self, message: &str) -> String {
        self.say(message);
        self.hear()
    }

    /// The next message.
    fn hear(&mut self) -> String {
        let mut message = String::new();
        let mut byte = [0];
        while !message.ends_with('>') {
            self.0.read_exact(&mut byte).expect("it goes on");
            message.push(char::from(byte[0]));
        }
        message
    }

    /// The frame with this identifier that comes next, without its time.
    fn frame(&mut self, id: &str) -> String {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            assert!(Instant::now() < end, "no {id}");
            let message = self.hear();
            let words: Vec<&str> = message.split(' ').collect();
            if words[1] == "frame" && words[2] == id {
                return words[4].to_owned();
            }
        }
    }
}

/// A case runs on one adapter; meanwhile a doctor looks at the bus from another, and python-can, or where there is none a
/// client of the same protocol, hears the battery and is heard by all.
#[test]
fn a_case_a_doctor_and_python_can_share_a_bus() {
    let ended = (0..TRIES).map(|_| share()).find_map(|(code, said)| (code == Some(0)).then_some(said));
    assert!(ended.is_some(), "the case passes");
}

/// A busy machine that stands still for a moment is late by minutes of the rig; that happens, but not so often.
const TRIES: usize = 3;

/// How the case ended, and what was said.
fn share() -> (Option<i32>, String) {
    let serving = Serving::start(&["--speed", "20", "--adapters", "3", "--socketcand", "0"]);
    let rig = serving.rig("speed: 60", "speed: 20");
    let out = TempDir::new().expect("a folder");
    let out_path = out.path().to_str().expect("a plain path");
    let mut running = Process(
        busbar(&["run", "--quiet", "--out", out_path, "--rig", &rig, "gx/start-up"])
            .spawn()
            .expect("it starts"),
    );

    // The peer joins once the case is under way.
    let can_log =
        || fs::read_dir(out.path()).into_iter().flatten().flatten().map(|run| run.path().join("can.log"));
    let begun = || can_log().any(|log| fs::read_to_string(log).is_ok_and(|text| text.lines().count() > 50));
    super::process::within(Duration::from_secs(30), begun, "the case begins");

    let address = serving.address("socketcand");
    let python = std::env::var_os("BUSBAR_PYTHON")
        .map_or_else(|| Path::new(PROJECT).join("target/venv/bin/python"), PathBuf::from);
    if python.is_file() {
        let (host, port) = address.rsplit_once(':').expect("an address");
        let peer = Path::new(HERE).join("peer.py");
        let done = Command::new(python).arg(peer).args([host, port, "5"]).output().expect("it starts");
        let said = String::from_utf8_lossy(&[&done.stdout[..], &done.stderr].concat()).into_owned();
        assert!(done.status.success(), "{said}");
        for id in ["305", "351", "355", "356", "35A"] {
            assert!(said.contains(id), "python-can heard {id}: {said}");
        }
    } else {
        // python-can is not in target/venv: the same is tried without it.
        let mut client = Client::join(&address);
        for number in 0..5 {
            client.frame("351");
            client.say(&format!("< send 7A5 2 {number:x} c0 >"));
        }
        client.frame("305");
    }

    // A doctor of a rig that is nothing but the bus.
    let bus_only = Path::new(&rig).with_file_name("bus.yaml");
    let whole = fs::read_to_string(&rig).expect("it was written");
    let part = |from: &str, to: &str| {
        whole.split(from).nth(1).and_then(|rest| rest.split(to).next()).expect("there")
    };
    let text = whole
        .replace(part("    slcan: ", "  site:"), &format!("{}\n", serving.at().join("can1").display()))
        .replace(part("32 A\n    solar-power", "never"), ": 5.8 kW\n    solar-current: 100 A\n")
        .replace("rig: served", "rig: bus")
        .replace("[pv, ac-pv, gx, grid, ac-load, silence, inject, imbalance]", "[]")
        .replace("\nlive:", "\nunwatched: [inverter.dc-voltage]\nlive:");
    fs::write(&bus_only, text).expect("written");
    let done = output(&["doctor", "--listen", "2", "--rig", bus_only.to_str().expect("a plain path")]);
    let said = String::from_utf8_lossy(&[&done.stdout[..], &done.stderr].concat()).into_owned();
    for part in ["error-active", "0x351 (", "a GX: 0x305"] {
        assert!(said.contains(part), "{part} is missing in\n{said}");
    }

    let status = running.0.wait().expect("it ends");
    let mut said = String::new();
    running.0.stdout.take().expect("piped").read_to_string(&mut said).expect("text");
    let log = can_log().find_map(|log| fs::read_to_string(log).ok()).expect("a run");
    for number in 0..5 {
        assert!(log.contains(&format!("7A5#0{number}C0")), "the harness heard the peer");
    }
    (status.code(), said)
}

/// What nodes say reaches each other and not themselves; who speaks something else is let go, and the others stay.
#[test]
fn nodes_of_all_kinds_hear_each_other() {
    let serving = Serving::start(&["--adapters", "2", "--socketcand", "0"]);
    let address = serving.address("socketcand");
    let (mut one, mut other) = (Client::join(&address), Client::join(&address));
    std::thread::sleep(Duration::from_millis(400));
    one.say("< send 7A5 3 1 2 3 >");
    assert_eq!(other.frame("7A5"), "010203");
    other.say("< send 18FF50E5 0  >");
    assert_eq!(one.frame("18FF50E5"), "", "and not its own 7A5 before");
    assert!(one.ask("< send 7A5 9 0 >").starts_with('<'), "an answer of whatever kind comes");

    let mut adapter =
        fs::OpenOptions::new().read(true).write(true).open(serving.at().join("can1")).expect("a terminal");
    adapter.write_all(b"C\rS6\rO\rt7A61FF\r").expect("taken");
    assert_eq!(one.frame("7A6"), "FF");

    let mut stranger = TcpStream::connect(&address).expect("it listens");
    stranger.write_all(&[b'x'; 1000]).expect("taken");
    let mut rest = Vec::new();
    stranger.set_read_timeout(Some(Duration::from_secs(10))).expect("a deadline");
    let end = stranger.read_to_end(&mut rest);
    assert!(end.is_ok() || rest == b"< hi >", "it was let go: {end:?}");
    one.say("< send 7A7 1 5 >");
    assert_eq!(other.frame("7A7"), "05");
}

/// A battery file `acme` that names its program so.
fn battery(folder: &Path, program: &str) -> String {
    let reference =
        fs::read_to_string(Path::new(PROJECT).join("harness/kits/battery.yaml")).expect("it is shipped");
    let (sheet, _) = reference
        .replace("NAME", "acme")
        .split_once("simulated:")
        .map(|(sheet, rest)| (sheet.to_owned(), rest.to_owned()))
        .expect("a sheet");
    let path = folder.join("acme.yaml");
    fs::write(&path, format!("{sheet}simulated: {{ program: {{ {program} }} }}\n")).expect("written");
    path.to_str().expect("a plain path").to_owned()
}

/// Runs the first case of the GX on a served rig with this battery; the exit code and what was said.
fn run(serving: &Serving, speed: u32, battery: &str) -> (Option<i32>, String) {
    let rig = serving.rig("speed: 60", &format!("speed: {speed}"));
    let out = TempDir::new().expect("a folder");
    let out = out.path().to_str().expect("a plain path");
    let done = output(&["run", "--quiet", "--out", out, "--rig", &rig, "--battery", battery, "gx/start-up"]);
    (done.status.code(), String::from_utf8_lossy(&[&done.stdout[..], &done.stderr].concat()).into_owned())
}

/// It passes.
fn passes(serving: &Serving, speed: u32, battery: &str) {
    let mut last = run(serving, speed, battery);
    for _ in 1..TRIES {
        if last.0 != Some(0) {
            last = run(serving, speed, battery);
        }
    }
    assert_eq!(last.0, Some(0), "{}", last.1);
}

/// The same program as in lockstep, at the pace of the clock.
#[test]
fn a_program_runs_at_the_pace_of_the_clock() {
    let folder = TempDir::new().expect("a folder");
    let program = Path::new(PROJECT).join("harness/kits/python/bms.py");
    let battery = battery(folder.path(), &format!("command: [python3, -B, \"{}\"]", program.display()));
    let serving = Serving::start(&["--speed", "30", "--battery", &battery]);
    passes(&serving, 30, &battery);
}

/// A firmware that is a node of the bus by itself is told its cells over TCP, one conversation after the other.
#[test]
fn a_firmware_on_the_bus_is_told_its_cells_over_tcp() {
    let folder = TempDir::new().expect("a folder");
    let kit = Path::new(PROJECT).join("harness/kits/python");
    let addresses = folder.path().join("addresses.json");
    let mut firmware = Command::new("python3");
    let firmware = firmware.arg("-B").arg(Path::new(HERE).join("firmware.py")).arg(kit);
    let mut firmware =
        Process(firmware.arg(&addresses).stdout(Stdio::piped()).spawn().expect("python3 is there"));
    let mut port = String::new();
    BufReader::new(firmware.0.stdout.take().expect("piped")).read_line(&mut port).expect("a port");
    let battery = battery(folder.path(), &format!("connect: \"127.0.0.1:{}\"", port.trim()));
    let serving = Serving::start(&["--speed", "20", "--battery", &battery, "--socketcand", "0"]);
    fs::copy(serving.at().join("addresses.json"), addresses).expect("a copy");
    passes(&serving, 20, &battery);

    // It dies: the rig stands still, and nothing passes.
    drop(firmware);
    let (code, said) = run(&serving, 20, &battery);
    assert_eq!(code, Some(2), "{said}");
}
