//! A program in a folder, and a bench that plays it.

use std::path::{Path, PathBuf};

use engine::bench::{Action, Bench, Input};
use files::{BatteryFile, RigFile};
use proto::frame::Frame;
use proto::quantity::{Micros, Percent, Watts};
use proto::stimulus::{Start, Stimulus};
use sim::{SimBench, Simulation};

const RIG: &str = include_str!("../../../../rigs/simulated.yaml");

const DECLARED: &str = "declared: { cells: 16, capacity: 280 Ah, max-charge-voltage: 56.8 V, min-voltage: 44.8 V, \
    cell-over-voltage: 3.65 V, cell-under-voltage: 2.5 V, max-charge-current: 140 A, max-discharge-current: 200 A, \
    max-temperature: 55 °C }";

/// A small battery in Python. A test puts its own `turn` behind it: what it answers to a turn, `n` from 0 on. A text goes
/// out as it is.
const KIT: &str = r#"
import json, os, sys, time
def say(text):
    sys.stdout.write(text); sys.stdout.flush()
def frame(id, data, after):
    return {"id": id, "data": data, "after_us": after}
def limits(after=10000):
    return frame("0x351", "3002780500D0C001".replace("00D0", "D007"), after)
def whole(**more):
    answer = {"frames": [limits()], "contactor": True, "next_us": 1000000}
    answer.update(more)
    return answer
def main(turn, hello={"hello": "busbar-bms/1", "name": "tiny 1", "can_set_soc": True}, bye=lambda: {"memory": None}):
    told = json.loads(sys.stdin.readline())
    say((hello if isinstance(hello, str) else json.dumps(hello)) + "\n")
    n = 0
    for line in sys.stdin:
        m = json.loads(line)
        if "bye" in m:
            say(json.dumps(bye()) + "\n")
            return
        if "error" in m:
            open("error.txt", "w").write(m["error"])
            return
        if "power" in m:
            say("{}\n")
            continue
        m["hello"] = told
        answer = turn(m, n)
        n += 1
        say(answer if isinstance(answer, str) else json.dumps(answer) + "\n")
"#;

/// A folder with a program in it and the battery file that names it.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    /// One with `bms.py`: the small battery and this code.
    pub(crate) fn python(code: &str) -> Self {
        Self::with("command: [python3, bms.py], within: 2 s", &[("bms.py", &format!("{KIT}\n{code}\n"))])
    }

    /// One with these files, and what the battery file says of its program.
    pub(crate) fn with(program: &str, files: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().expect("a folder"));
        for (name, text) in files {
            folder.write(name, text);
        }
        folder.says(program);
        folder
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).expect("written");
    }

    /// Makes the battery file say this of its program.
    pub(crate) fn says(&self, program: &str) {
        self.is(&format!("program: {{ {program} }}"));
    }

    /// Makes the battery file say this of how it is simulated.
    pub(crate) fn is(&self, simulated: &str) {
        let head = format!("battery: acme\ntitle: t\nexpect: pass\n{DECLARED}\n");
        self.write("acme.yaml", &format!("{head}simulated: {{ {simulated} }}\n"));
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path().join(name)).unwrap_or_default()
    }

    pub(crate) fn simulation(&self) -> Simulation {
        let shown = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let battery = BatteryFile::load(&self.path().join("acme.yaml"), &shown).expect("a good battery");
        let rig = RigFile::parse("simulated.yaml", RIG).expect("a good rig");
        Simulation::of(&rig, &battery).expect("sound").expect("simulated")
    }

    pub(crate) fn bench(&self) -> SimBench {
        self.simulation().bench(7)
    }

    /// What the battery file is refused with.
    pub(crate) fn refusal(&self) -> String {
        let shown = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let battery = BatteryFile::load(&self.path().join("acme.yaml"), &shown).expect("the rest is right");
        sim::check_battery(&battery).expect_err("refused").to_string()
    }

    /// Plays a case of this length: what was seen, and why it ended early.
    pub(crate) fn play(&self, length: Micros) -> Played {
        play(&mut self.bench(), length, &[])
    }
}

/// What came of a case.
#[derive(Debug, PartialEq)]
pub(crate) struct Played {
    pub(crate) frames: Vec<(Micros, Frame)>,
    /// what the program told of itself
    pub(crate) told: String,
    pub(crate) error: Option<String>,
    pub(crate) trouble: Option<String>,
    pub(crate) identity: Option<String>,
}

impl Played {
    /// The sentence with which it ended early.
    pub(crate) fn said(&self) -> &str {
        self.error.as_deref().expect("it ended early")
    }
}

pub(crate) const START: Start = Start { soc: Percent(60.0), pv: Watts(2000.0), ..Start::AT_REST };

/// Plays a case from its beginning to its end, and changes the world at these times.
pub(crate) fn play(bench: &mut SimBench, length: Micros, changes: &[(Micros, Stimulus)]) -> Played {
    let mut played =
        Played { frames: Vec::new(), told: String::new(), error: None, trouble: None, identity: None };
    let mut changes = changes.iter();
    let mut change = changes.next();
    if let Err(error) = bench.act(&Action::Prepare(START)) {
        played.error = Some(error.to_string());
    }
    while played.error.is_none() && bench.now() < length {
        let until = change.map_or(length, |(at, _)| *at);
        match bench.next(Some(until)) {
            Ok((at, Input::Can(frame))) => played.frames.push((at, frame)),
            Ok((at, _)) => {
                if let Some((_, stimulus)) = change.filter(|(due, _)| at >= *due) {
                    bench.act(&Action::Apply(*stimulus)).expect("possible");
                    change = changes.next();
                }
            }
            Err(error) => played.error = Some(error.to_string()),
        }
        played.told += &bench.told().unwrap_or_default();
    }
    bench.act(&Action::Finish).expect("a simulated rig is always off");
    played.told += &bench.told().unwrap_or_default();
    played.trouble = bench.trouble();
    played.identity = bench.identities().pop().map(|(_, says)| says);
    played
}

/// Whether a process still runs, or is still there and not buried.
pub(crate) fn is_alive(pid: &str) -> bool {
    let stat = std::fs::read_to_string(PathBuf::from("/proc").join(pid.trim()).join("stat"));
    stat.is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or_default().trim_start().starts_with('Z'))
}
