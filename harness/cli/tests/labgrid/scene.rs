//! A coordinator, a place of it, and runs on rigs that are that place.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use files::RigFile;
use lab::guard::lease::{LeaseError, look};

use crate::process::{Owned, Serving, busbar, within};

/// The folder of the programs of labgrid; nothing where they are not there and nobody asked for them.
pub(crate) fn programs() -> Option<PathBuf> {
    let folder = |python: &Path| python.parent().map(Path::to_owned);
    if let Some(named) = std::env::var_os("BUSBAR_PYTHON") {
        return folder(Path::new(&named));
    }
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/venv/bin/python");
    let has =
        Command::new(&beside).args(["-c", "import labgrid"]).output().is_ok_and(|done| done.status.success());
    has.then(|| folder(&beside)).flatten()
}

/// A coordinator on a free port of loopback, with one place.
struct Coordinator {
    programs: PathBuf,
    folder: tempfile::TempDir,
    address: String,
    process: Option<Owned>,
}

impl Coordinator {
    fn start(programs: &Path) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|port| port.local_addr()).expect("a free port");
        let folder = tempfile::tempdir().expect("a folder");
        let mut this =
            Self { programs: programs.to_owned(), folder, address: free.to_string(), process: None };
        this.begin();
        assert!(this.client(&["-p", "bench", "create"]).status.success());
        assert!(this.client(&["-p", "bench", "set-tags", "battery=1"]).status.success());
        this
    }

    fn begin(&mut self) {
        let log =
            File::options().create(true).append(true).open(self.folder.path().join("log")).expect("a file");
        let mut command = Command::new(self.programs.join("labgrid-coordinator"));
        command.args(["-l", &self.address]).current_dir(self.folder.path()).env("PYTHONUNBUFFERED", "1");
        let errors = log.try_clone().expect("a file");
        command.stdin(Stdio::null()).stdout(log).stderr(errors);
        self.process = Some(Owned(command.spawn().expect("labgrid-coordinator starts")));
        within(Duration::from_secs(30), || self.client(&["places"]).status.success(), "the coordinator");
    }

    /// What it says each time somebody gets or gives the place.
    fn log(&self) -> Vec<String> {
        let text = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        let ours = |line: &&str| line.starts_with("bench: place ");
        text.lines().filter(ours).map(str::to_owned).collect()
    }

    fn client(&self, words: &[&str]) -> Output {
        let mut command = Command::new(self.programs.join("labgrid-client"));
        command.args(["-x", &self.address]).args(words).output().expect("labgrid-client starts")
    }

    fn says(&self, part: &str) -> bool {
        String::from_utf8_lossy(&self.client(&["-v", "places"]).stdout).contains(part)
    }
}

/// A served rig that is the place of a coordinator, as one of several machines has it.
struct Bench {
    serving: Serving,
    folder: tempfile::TempDir,
    rig: PathBuf,
}

impl Bench {
    /// The place is named, or found by its tags.
    fn new(coordinator: &Coordinator, which: &str) -> Self {
        let serving = Serving::start(&["--speed", "20", "--psu-port", "0"]);
        let supply = format!("{{ tcp: \"{}\" }}", serving.address("psu"));
        let text = serving.rig("{ serial: /tmp/busbar/psu }", &supply);
        let text = fs::read_to_string(text).expect("it was written");
        let folder = tempfile::tempdir().expect("a folder");
        let lease = format!(
            "\nlease:\n  labgrid: {{ coordinator: \"{}\", {which}, client: {} }}\n  every: 2 s\n  within: 20 s\n\nlive:",
            coordinator.address,
            coordinator.programs.join("labgrid-client").display()
        );
        let rig = folder.path().join("served.yaml");
        let text = text.replacen("\nlive:", &lease, 1).replace("speed: 60 ", "speed: 20 ");
        fs::write(&rig, text).expect("written");
        Self { serving, folder, rig }
    }

    fn run(&self, out: &str, words: &[&str]) -> Owned {
        let mut command = busbar(&["run", "feed-in/load-steps", "--quiet", "--out"]);
        command
            .arg(self.folder.path().join(out))
            .arg("--rig")
            .arg(&self.rig)
            .args(words)
            .stdout(Stdio::null());
        let errors = File::create(self.folder.path().join(format!("{out}.said"))).expect("a file");
        Owned(command.stderr(errors).spawn().expect("it starts"))
    }

    /// What a run said.
    fn said(&self, out: &str) -> String {
        fs::read_to_string(self.folder.path().join(format!("{out}.said"))).unwrap_or_default()
    }

    fn of_run(&self, out: &str, name: &str) -> String {
        let runs =
            fs::read_dir(self.folder.path().join(out)).into_iter().flatten().flatten().map(|run| run.path());
        let mut runs = runs.filter(|path| path.is_dir() && !path.is_symlink());
        runs.find_map(|run| fs::read_to_string(run.join(name)).ok()).unwrap_or_default()
    }

    /// Whether the supply was switched on in that run, and has not been off since.
    fn is_on(&self, out: &str) -> bool {
        let wire = self.of_run(out, "psu-wire.log");
        wire.rsplit_once("> OUTP ON")
            .is_some_and(|(_, then)| then.contains(") < 1\n") && !then.contains("> OUTP OFF"))
    }
}

/// The exit code of a run that ends by itself.
fn code(run: &mut Owned) -> Option<i32> {
    run.ended(Duration::from_secs(120)).0
}

const SUN: Duration = Duration::from_secs(120);

/// Two runs on two rigs, as on two machines, that are one place: by what their supplies are told and by what the coordinator
/// says, never both at once. One is killed: the other has the place soon after its output was read back as off.
pub(crate) fn one_of_two_runs_has_the_place(programs: &Path) {
    let coordinator = Coordinator::start(programs);
    let (one, other) =
        (Bench::new(&coordinator, "place: bench"), Bench::new(&coordinator, "tags: { battery: \"1\" }"));
    let mut first = one.run("out", &[]);
    within(SUN, || one.is_on("out"), "the first run");
    let mut refused = other.run("refused", &[]);
    assert_eq!(code(&mut refused), Some(2));
    let said = other.said("refused");
    assert!(said.contains("Place bench is already acquired by"), "{said}");

    let mut second = other.run("out", &["--wait", "3m"]);
    within(SUN, || other.said("out").contains("waiting up to 3m"), "the second run waits");
    let mut both = 0;
    let mut look = || both += usize::from(one.is_on("out") && other.is_on("out"));
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(5) {
        look();
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(one.is_on("out"));
    first.kill();
    let killed = Instant::now();
    let until = |is: &dyn Fn() -> bool, look: &mut dyn FnMut(), what: &str| {
        within(
            SUN,
            || {
                look();
                is()
            },
            what,
        );
        killed.elapsed()
    };
    let off = until(&|| one.of_run("out", "psu-wire.log").contains("output off read back"), &mut look, "off");
    let released = until(&|| coordinator.log().len() >= 2, &mut look, "the place is given back");
    let on = until(&|| other.is_on("out"), &mut look, "the second run");
    println!(
        "killed: off read back after {off:.1?}, given back after {released:.1?}, the second is on after {on:.1?}"
    );
    assert!(off < released && released - off < Duration::from_secs(30), "{off:?} {released:?}");
    assert_eq!(both, 0, "never both at once");
    let id = second.0.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().expect("a kill command").success());
    code(&mut second);
    let log = coordinator.log();
    let kinds: Vec<bool> = log.iter().map(|line| line.contains("acquired")).collect();
    assert_eq!(kinds, [true, false, true, false], "{log:?}");
}

/// Somebody kicks the run out, or the coordinator is restarted and has forgotten it: its output goes off, nothing is decided.
pub(crate) fn a_place_that_is_taken_away_is_found(programs: &Path) {
    let mut coordinator = Coordinator::start(programs);
    for kicked in [true, false] {
        let bench = Bench::new(&coordinator, "place: bench");
        let mut run = bench.run("out", &[]);
        within(SUN, || bench.is_on("out"), "the sun");
        let began = Instant::now();
        if kicked {
            assert!(coordinator.client(&["-p", "bench", "release", "--kick"]).status.success());
        } else {
            // It saves what it knows now and then, but for who has a place.
            coordinator.process.as_mut().expect("it runs").kill();
            coordinator.begin();
        }
        within(Duration::from_secs(60), || !bench.is_on("out"), "its output goes off");
        println!("kicked {kicked}: off after {:.1?}", began.elapsed());
        assert_eq!(code(&mut run), Some(2), "{}", bench.said("out"));
        let verdicts = bench.of_run("out", "verdicts.json");
        assert!(verdicts.contains("the rig is not ours any more"), "{verdicts}");
        assert!(!kicked || verdicts.contains("nobody has the place `bench`"), "{verdicts}");
        // A coordinator that was killed may have forgotten the place as well.
        assert!(coordinator.says("acquired: None") || !coordinator.says("Place 'bench'"), "it is free");
    }
}

/// The supply is gone while it is on: the place stays acquired, and bears the tag, until somebody has looked.
pub(crate) fn a_quarantined_place_is_kept_from_all(programs: &Path) {
    let coordinator = Coordinator::start(programs);
    let bench = Bench::new(&coordinator, "place: bench");
    let mut run = bench.run("out", &[]);
    within(SUN, || bench.is_on("out"), "the sun");
    let Bench { serving, folder: _folder, rig } = bench;
    let (.., _gone) = serving.end("-KILL");
    run.kill();
    // The terminal of its adapter may be another's by now: the supply alone says what became of it.
    let text = fs::read_to_string(&rig).expect("it was written");
    let can = text.lines().find(|line| line.trim_start().starts_with("slcan:")).expect("an adapter");
    let text = text.replace(can, "    interface: busbar-none");
    fs::write(&rig, &text).expect("written");
    let mut live = RigFile::parse("served.yaml", &text).expect("a rig").live.expect("it is real");
    live.gx = None;
    let mut guard = None;
    let tries = || match look(&live) {
        Err(LeaseError::Trying { guard: who, .. }) => {
            guard = who.split([' ', ',']).nth(1).map(str::to_owned);
            true
        }
        _ => false,
    };
    within(Duration::from_secs(60), tries, "it is quarantined");
    within(Duration::from_secs(30), || coordinator.says("busbar=quarantined"), "the tag");
    assert!(!coordinator.says("acquired: None"), "it is not given back");
    let guard = guard.expect("its process");
    assert!(Command::new("kill").args(["-KILL", &guard]).status().expect("a kill command").success());
    within(Duration::from_secs(10), || matches!(look(&live), Err(LeaseError::Quarantined(_))), "its lock");
    assert!(!coordinator.says("acquired: None"), "it is not given back");

    let mut doctor = busbar(&["doctor", "--clear", "--listen", "1", "--rig"]);
    let done = doctor.arg(&rig).output().expect("it starts");
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(said.contains("the lease of the rig was given back"), "{said}");
    assert!(coordinator.says("acquired: None") && !coordinator.says("busbar="), "it is free");

    // A coordinator that was restarted meanwhile has forgotten who has the place, and not the tag.
    assert!(coordinator.client(&["-p", "bench", "set-tags", "busbar=quarantined"]).status.success());
    let mut refused = busbar(&["run", "feed-in/load-steps", "--quiet", "--rig"]);
    let done = refused.arg(&rig).output().expect("it starts");
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.code() == Some(2) && said.contains("the place `bench` is quarantined"), "{said}");
}
