//! A harness that panics, or closes its socket, when it is told to: this program once more.

use std::ffi::OsStr;
use std::io::BufRead as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use engine::bench::{Input, Witness};
use engine::suite::Suite;
use judge::trace::Event;
use proto::quantity::Micros;
use rig::Library;
use rig::attempt::{attempt_in, plan};
use rig::guard::Guard;
use rig::guard::lease::Holder;
use rig::live::Lab;

/// The rig file of the one that is this.
pub(crate) const RIG: &str = "BUSBAR_KILL_HARNESS";

struct Told(Receiver<String>, Arc<Guard>);

impl Witness for Told {
    fn input(&mut self, _: Micros, _: &Input) {
        match self.0.try_recv().as_deref() {
            Ok("panic") => panic!("told to"),
            Ok("hang-up") => self.1.hang_up(),
            _ => {}
        }
    }

    fn event(&mut self, _: &Event) {}
}

/// Runs the case until it ends, one way or the other.
pub(crate) fn run(file: &OsStr) {
    let home = std::env::var_os("BUSBAR_HOME").expect("a project");
    let library = Library::find(Path::new(&home)).expect("a project");
    let rig = library.read_rig(Path::new(file)).expect("a good rig");
    let battery =
        library.read_battery(&library.battery("reference").expect("there")).expect("a good battery");
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
    let (sender, told) = channel();
    std::thread::spawn(move || {
        std::io::stdin().lock().lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
    });
    attempt_in(&lab, planned, &mut Told(told, guard));
    // What went wrong is seen at the supply.
    let _ = lab.close();
}
