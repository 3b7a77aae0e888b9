//! A harness that panics, or closes its socket, when it is told to: this program once more, which does what `busbar run`
//! does with rig, guard and run folder.

use std::ffi::OsStr;
use std::io::BufRead as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use engine::bench::{Input, Witness};
use engine::suite::Suite;
use evidence::events::Begun;
use evidence::folder::{InputFile, Place, RunFolder};
use evidence::plan::plan;
use files::Library;
use judge::trace::Event;
use lab::guard::Guard;
use lab::guard::lease::Holder;
use lab::live::Lab;
use proto::quantity::Micros;
use session::attempt::attempt_in;

/// The rig file of the one that is this.
pub(crate) const RIG: &str = "BUSBAR_KILL_HARNESS";
/// Where its run folder goes.
pub(crate) const OUT: &str = "BUSBAR_KILL_OUT";
/// The terminal in which it starts the rest of its command line.
pub(crate) const TERMINAL: &str = "BUSBAR_KILL_TERMINAL";

/// Becomes a program that was started from a terminal.
pub(crate) fn in_terminal(path: &OsStr) -> std::io::Error {
    let mut words = std::env::args_os().skip(1);
    let program = words.next().expect("a program");
    // The first terminal that the leader of a session opens is the one of that session.
    rustix::process::setsid().expect("it leads no group yet");
    let open = || std::fs::OpenOptions::new().read(true).write(true).open(path).expect("a terminal");
    let (input, output, errors): (Stdio, Stdio, Stdio) = (open().into(), open().into(), open().into());
    Command::new(program).args(words).stdin(input).stdout(output).stderr(errors).exec()
}

struct Told<'a>(Receiver<String>, Arc<Guard>, &'a mut RunFolder);

impl Witness for Told<'_> {
    fn input(&mut self, at: Micros, input: &Input) {
        match input {
            Input::Can(frame) => self.2.can(at, frame),
            Input::CanError(error) => self.2.can_error(at, error),
            Input::Bus(reading) => self.2.bus(at, reading),
            Input::Samples(said) => self.2.samples(at, said),
            Input::Bytes(chunk) => self.2.bytes(at, chunk),
            Input::Operator(_) | Input::Fault(_) | Input::Tick => {}
        }
        match self.0.try_recv().as_deref() {
            Ok("panic") => panic!("told to"),
            Ok("hang-up") => self.1.hang_up(),
            _ => {}
        }
    }

    fn event(&mut self, event: &Event) {
        self.2.event(event);
    }
}

/// Runs the case until it ends, one way or the other.
pub(crate) fn run(file: &OsStr) {
    let variable = |name: &str| std::env::var_os(name).expect("it is set by the scene");
    let (home, out) = (variable("BUSBAR_HOME"), variable(OUT));
    let library = Library::find(Path::new(&home)).expect("a project");
    let rig = library.read_rig(Path::new(file)).expect("a good rig");
    let battery_file = library.battery("reference").expect("there");
    let battery = library.read_battery(&battery_file).expect("a good battery");
    let suite = Path::new(&home).join("suites/kill/kill.yaml");
    let suite = Suite::parse("kill", &std::fs::read_to_string(suite).expect("there")).expect("a good suite");
    let planned = plan(&suite.cases[0], &rig, &battery).expect("limits with room");
    let live = rig.live.as_ref().expect("it is real");
    let program = Path::new(env!("CARGO_BIN_EXE_busbar"));
    let arguments = ["guard".into(), "--rig".into(), file.to_owned()];
    let guard = Guard::start(program, &arguments, live, Holder::this(&rig.rig)).expect("a guard");
    let mut lab =
        Lab::new(&rig, &library, None, Arc::default()).expect("a good profile").expect("it is real");
    guard.hang_up_on_panic();
    lab.guarded_by(guard.clone());
    let profile = live.psu.as_ref().map(|psu| psu.profile.as_str());
    let files = library.inputs(Path::new(file), profile, &battery_file).expect("readable");
    let inputs: Vec<_> =
        files.into_iter().map(|(path, text)| InputFile { path, content: text.into_bytes() }).collect();
    let begun = Begun {
        harness: env!("CARGO_PKG_VERSION").to_owned(),
        commit: String::new(),
        rig: rig.rig.clone(),
        battery: battery.declared.name.clone(),
        seed: 1,
        sweep: false,
        interface: "can0".to_owned(),
        epoch: Micros::ZERO,
        cases: 1,
        whole: false,
        challenge: None,
        merged: Vec::new(),
    };
    let place = Place { parent: Path::new(&out), scope: Some("kill"), begun: &begun, inputs: &inputs };
    let mut folder = RunFolder::create(&place).expect("a folder");
    guard.record_in(&folder.path().join(evidence::names::WIRE));
    folder.begin_case("kill", &suite.cases[0].name, Micros::ZERO);
    let (sender, told) = channel();
    std::thread::spawn(move || {
        std::io::stdin().lock().lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
    });
    attempt_in(&lab, planned, &mut Told(told, guard, &mut folder));
    // What went wrong is seen at the supply.
    let _ = lab.close();
}
