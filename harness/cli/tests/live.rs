//! `busbar run` on a rig of real wires, which `busbar serve` is here: what a signal ends.

#![cfg(unix)]

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A process that ends with its test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn home() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn busbar(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_busbar"));
    command.args(args).env("BUSBAR_HOME", home()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn within<T>(span: Duration, what: &str, mut is: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + span;
    loop {
        if let Some(there) = is() {
            return there;
        }
        assert!(Instant::now() < end, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The only file below a folder with this name, once it holds this text.
fn holds(folder: &Path, name: &str, text: &str) -> Option<()> {
    let runs = std::fs::read_dir(folder).ok()?;
    let files = runs.filter_map(|run| std::fs::read_to_string(run.ok()?.path().join(name)).ok());
    files.into_iter().any(|file| file.contains(text)).then_some(())
}

#[test]
fn a_signal_ends_the_case_switches_off_and_keeps_the_evidence() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("a plain path").to_owned();
    let at = path("at");
    let served = ["serve", "--speed", "20", "--at", &at, "--gx-port", "0", "--operator-port", "0"];
    let _serving = Process(busbar(&served).spawn().expect("it starts"));
    let addresses = folder.path().join("at/addresses.json");
    let addresses: serde_json::Value = within(Duration::from_secs(20), "the names", || {
        serde_json::from_str(&std::fs::read_to_string(&addresses).ok()?).ok()
    });
    let address = |what: &str| addresses[what].as_str().expect("an address").to_owned();
    let simulated = std::fs::read_to_string(home().join("rigs/simulated.yaml")).expect("it is shipped");
    let (head, _) = simulated.split_once("\n# The world around").expect("it has a world");
    let live = format!(
        "live:\n  speed: 20\n  can: {{ slcan: {at}/can }}\n  psu: {{ profile: generic, port: {{ serial: {at}/psu }}, \
         voltage: 120 V, over-voltage: 200 V, over-current: 65 A, safe-voltage: 30 V, safe-within: 5 s, accepted-risk: nothing of it is real }}\n  \
         gx: {{ address: \"{}\", units: {{ inverter: 227, solar: 229, grid: 30 }} }}\n  site: {{ mains-voltage: 230 V, \
         inverter-power: 4 kW, input-current-limit: 32 A, solar-power: 5.8 kW, solar-current: 100 A }}\n  \
         operator: {{ tcp: {{ address: \"{}\", timeout: 5 s }} }}\n",
        address("gx"),
        address("operator")
    );
    let rig = head.replacen("rig: simulated", "rig: lab", 1);
    std::fs::write(folder.path().join("lab.yaml"), format!("{rig}\n{live}")).expect("written");
    let (lab, out) = (path("lab.yaml"), path("out"));
    let mut running = busbar(&[
        "run",
        "feed-in/load-steps",
        "feed-in/setpoint-change",
        "--rig",
        &lab,
        "--out",
        &out,
        "--format",
        "json",
    ]);
    let mut running = Process(running.spawn().expect("it starts"));
    within(Duration::from_secs(30), "the sun", || holds(Path::new(&out), "events.jsonl", "\"pv\""));
    std::thread::sleep(Duration::from_secs(1));
    let id = running.0.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().expect("a kill command").success());
    let status = within(Duration::from_secs(30), "its end", || running.0.try_wait().expect("it is ours"));
    assert_eq!(status.code(), Some(2));
    holds(Path::new(&out), "verdicts.json", "stopped by you at 0:").expect("the reason is in the report");
    holds(Path::new(&out), "verdicts.json", "stopped by you before this case began")
        .expect("the next one does not begin");
    holds(Path::new(&out), "verdicts.json", "\"simulated\": true")
        .expect("the report says that it was served");
    holds(Path::new(&out), "events.jsonl", "\"what\":\"GX\",\"says\":\"serial number SIMULATED GX\"")
        .expect("the GX was asked who it is");
    holds(Path::new(&out), "can.log", "351#").expect("the evidence is kept");
    // On wires inputs come late and at odd times: what was judged is read back all the same.
    let again = busbar(&["judge", &path("out/latest")]).output().expect("it starts");
    let said = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(again.status.code() == Some(2) && said.contains("same verdicts"), "{said}");
}
