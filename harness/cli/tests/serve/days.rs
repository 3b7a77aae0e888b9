//! Bad days: an instrument is not there, is another one, or fails in the middle of a case. Whatever it is, `busbar run`
//! says what happened, the supply is off afterwards, what came in before can be judged, and the exit code says that
//! nothing was decided.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use rstest::rstest;
use tempfile::TempDir;

use crate::disk::output_of;
use crate::process::{Serving, busbar, free, output, within};
use crate::wire::{Mode, Serial, Tcp};

/// What is wrong.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Day {
    /// from the start: this of the rig file stands for that
    File(&'static str, &'static str),
    Supply(Mode),
    Gx(Mode),
    CanUnplugged,
    /// the world does this to the instrument, as an operator would ask for it
    World(&'static str),
}

/// A served rig with wires that fail, and the file of the rig behind them.
pub(crate) struct Bench {
    pub(crate) serving: Serving,
    supply: Tcp,
    gx: Tcp,
    can: Serial,
    pub(crate) rig: String,
}

impl Bench {
    pub(crate) fn new(good: &str, other: &str) -> Self {
        let serving = Serving::start(&["--speed", "20", "--psu-port", "0"]);
        let supply = Tcp::to(&serving.address("psu"));
        let gx = Tcp::to(&serving.address("gx"));
        let can = Serial::to(&serving.address("can"));
        let rig = serving.rig(good, other);
        let text = fs::read_to_string(&rig)
            .expect("written a moment ago")
            .replace(
                &format!("{{ serial: {} }}", serving.address("psu")),
                &format!("{{ tcp: \"{}\" }}", supply.address()),
            )
            .replace(&serving.address("gx"), &gx.address())
            .replace(&serving.address("can"), can.path())
            .replace("speed: 60 ", "speed: 20 ")
            // A machine that is busy with other tests is no dead harness.
            .replace("    accepted-risk:", "    heartbeat-within: 10 s\n    accepted-risk:");
        free(&text);
        fs::write(&rig, text).expect("a file");
        Self { serving, supply, gx, can, rig }
    }

    pub(crate) fn strike(&self, day: Day) {
        match day {
            Day::File(..) => {}
            Day::Supply(mode) => self.supply.set(mode),
            Day::Gx(mode) => self.gx.set(mode),
            Day::CanUnplugged => self.can.unplug(),
            Day::World(what) => {
                let mut operator = TcpStream::connect(self.serving.address("operator")).expect("it listens");
                operator
                    .write_all(format!("{{\"apply\":{{\"inject\":{what}}}}}\n").as_bytes())
                    .expect("sent");
                let mut answer = String::new();
                BufReader::new(operator).read_line(&mut answer).expect("an answer");
                assert_eq!(answer.trim(), "\"done\"");
            }
        }
    }
}

/// A run, ended with its test.
pub(crate) struct Run(pub(crate) Child);

impl Drop for Run {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether the supply was on in a run.
pub(crate) fn was_on(run: &Path) -> bool {
    let rows = fs::read_to_string(run.join("supply.csv")).unwrap_or_default();
    rows.lines().any(|row| row.split(',').nth(1) == Some("1"))
}

/// Whether it was in any run.
pub(crate) fn shines(out: &Path) -> bool {
    fs::read_dir(out).into_iter().flatten().flatten().any(|run| was_on(&run.path()))
}

/// Whether a file of the run holds this.
pub(crate) fn holds(out: &Path, name: &str, text: &str) -> bool {
    let runs = fs::read_dir(out).into_iter().flatten().flatten();
    runs.into_iter()
        .any(|run| fs::read_to_string(run.path().join(name)).is_ok_and(|file| file.contains(text)))
}

fn conclusions(out: &Path) -> String {
    let text = fs::read_to_string(out.join("latest/verdicts.json")).expect("conclusions");
    let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let cases = json["cases"].as_array().expect("cases");
    cases.iter().map(|case| case["reason"].to_string() + "\n").collect()
}

#[rstest]
#[case::can_is_not_there(Day::File("/tmp/busbar/can", "/nonexistent/can"), "/nonexistent/can")]
#[case::can_has_no_such_interface(Day::File("slcan: /tmp/busbar/can", "interface: busbar9"), "busbar9")]
#[case::can_has_another_bit_rate(
    Day::File("bit-rate: 500 kbit/s", "bit-rate: 250 kbit/s"),
    "this end is set to 250 kbit/s (`can.bit-rate`)"
)]
#[case::can_is_unplugged(Day::CanUnplugged, "CAN: ")]
#[case::supply_is_not_there(
    Day::File("{ serial: /tmp/busbar/psu }", "{ serial: /nonexistent/psu }"),
    "/nonexistent/psu"
)]
#[case::supply_is_another(
    Day::File("profile: generic", "profile: rigol"),
    "expected a supply of the profile"
)]
#[case::supply_is_unplugged_and_plugged_in(Day::Supply(Mode::Cut), "is gone")]
#[case::supply_is_silent(Day::Supply(Mode::Silent), "no reply to")]
#[case::supply_is_late(Day::Supply(Mode::Late), "no reply to")]
#[case::supply_is_noisy(Day::Supply(Mode::Noisy), "was answered with")]
#[case::supply_echoes(Day::Supply(Mode::Echo), "echoes")]
#[case::supply_restarts(Day::Supply(Mode::Restarted), "the supply has restarted")]
#[case::supply_trips(
    Day::World("{\"psu-trip\":{\"for\":\"1 h\"}}"),
    "the output of the supply went off by itself"
)]
#[case::gx_is_not_there(Day::File("127.0.0.1:1502", "127.0.0.1:1"), "127.0.0.1:1: no connection")]
#[case::gx_has_other_units(Day::File("inverter: 227", "inverter: 228"), "does the rig file name the unit id")]
#[case::gx_is_silent(Day::Gx(Mode::Silent), "the GX is lost")]
#[case::gx_is_slow(Day::Gx(Mode::Late), "was not answered within")]
#[case::gx_resets_every_connection(Day::Gx(Mode::Closed), "the connection was")]
#[case::gx_restarts(Day::World("{\"gx-reboot\":{\"for\":\"30 min\"}}"), "time without an answer of the GX")]
fn a_bad_day_ends_safely(#[case] day: Day, #[case] says: &str) {
    let (good, other) =
        if let Day::File(good, other) = day { (good, other) } else { ("speed: 60", "speed: 60") };
    let bench = Bench::new(good, other);
    let out = TempDir::new().expect("a folder");
    let path = out.path().to_str().expect("a plain path");
    let run = ["run", "--quiet", "--out", path, "--rig", &bench.rig, "feed-in/load-steps"];
    let mut run = Run(busbar(&run).stdout(Stdio::null()).spawn().expect("it starts"));
    if !matches!(day, Day::File(..)) {
        let mut early = false;
        let over = || {
            early = run.0.try_wait().expect("it is ours").is_some();
            early || shines(out.path())
        };
        within(Duration::from_secs(60), over, "the sun");
        assert!(!early, "{}", conclusions(out.path()));
        bench.strike(day);
    }
    let mut code = None;
    let ended = || {
        code = run.0.try_wait().expect("it is ours");
        code.is_some()
    };
    within(Duration::from_secs(90), ended, "its end");
    let mut said = String::new();
    run.0.stderr.take().expect("piped").read_to_string(&mut said).expect("text");
    assert_eq!(code.and_then(|status| status.code()), Some(2), "{said}");
    let verdicts = conclusions(out.path());
    assert!(verdicts.contains(says), "{says} is missing in\n{said}\n{verdicts}");
    // What it was asked before the wire was given up may come first.
    let supply = bench.serving.address("psu");
    within(Duration::from_secs(5), || output_of(&supply) == "0", &format!("the supply is off: {said}"));
    let again = output(&["judge", out.path().join("latest").to_str().expect("a plain path")]);
    let judged = String::from_utf8_lossy(&again.stderr);
    assert!(again.status.code() == Some(2) && judged.contains("same verdicts"), "{judged}");
}
