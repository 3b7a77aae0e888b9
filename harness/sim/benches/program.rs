//! What a turn of a battery that is a program costs, beside the floor of two pipes: the same process that reads a line and
//! writes one, asked by whoever does nothing else. `cargo bench -p sim --bench program` runs it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::time::Instant;

use engine::bench::{Action, Bench as _, Input};
use files::{BatteryFile, RigFile};
use proto::quantity::{Micros, Percent, Watts};
use proto::stimulus::Start;
use sim::Simulation;

/// Turns of one take, one a simulated second.
const TURNS: u64 = 20_000;
/// Has the program ask for its next turn a minute later.
const SELDOM: &str = "--seldom";
/// How often each figure is taken; the middle one counts.
const TAKES: usize = 5;

const RIG: &str = include_str!("../../../rigs/simulated.yaml");
const REFERENCE: &str = include_str!("../../../rigs/batteries/reference.yaml");

/// What the program answers to every turn.
const ANSWER: &str = r#"{"frames":[{"id":"0x351","data":"3002780500D0C001","after_us":10000},{"id":"0x355","data":"3C006400","after_us":20000},{"id":"0x356","data":"A414000000F0","after_us":30000},{"id":"0x35A","data":"AAAAAAAAAAAAAAAA","after_us":40000},{"id":"0x373","data":"E40CE40C22012601","after_us":50000}],"contactor":true,"next_us":1000000}"#;
/// A turn of 16 cells.
const TURN: &str = r#"{"t":1000000,"cells_V":[3.3021,3.3021,3.3021,3.3021,3.3021,3.3021,3.3021,3.3021,3.3021,3.3021,3.3021,3.3021,3.3021,3.3021,3.3021,3.3021],"temperatures_C":[24.1,24.3],"current_A":-3.20,"pack_V":52.83,"terminal_V":52.83,"closed":true,"bus":"ok","lost":0,"frames":[{"t":953000,"id":"0x305","data":"0000000000000000"},{"t":963000,"id":"0x307","data":"1234560000000000"}]}"#;

fn main() {
    if std::env::args().any(|word| word == "--program") {
        return program();
    }
    one_cpu();
    let second = |battery: &str| median(|| seconds(battery, TURNS).0);
    let (floor, turn, world) = (median(floor), second(&with_program("")), second(REFERENCE));
    let seldom = second(&with_program(SELDOM));
    say("a line and its answer over two pipes (the floor)", floor, "µs");
    say("a turn of a program, one a second, the second of the world with it", turn, "µs");
    say("the same second with a model", world, "µs");
    say("the same second with a program that is asked once a minute", seldom, "µs");
    say("turn over floor", turn / floor, "times");
    let memory = |turns| seconds(&with_program(""), turns).1;
    let (short, long) = (memory(TURNS), memory(10 * TURNS));
    if let Some((short, long)) = short.zip(long) {
        say(&format!("memory after {TURNS} turns"), short, "MB");
        say(&format!("memory after {} turns", 10 * TURNS), long, "MB");
    }
}

/// Everything stays on one CPU, the floor too: there harness and program are where a case is played.
fn one_cpu() {
    #[cfg(target_os = "linux")]
    {
        use rustix::thread::{CpuSet, sched_getcpu, sched_setaffinity};
        let mut only = CpuSet::new();
        only.set(sched_getcpu());
        sched_setaffinity(None, &only).expect("this thread may stay where it is");
    }
}

/// A battery of few words.
fn program() {
    let (mut input, mut out) = (std::io::stdin().lock(), std::io::stdout().lock());
    let mut line = String::new();
    let answer_of_a_turn = if std::env::args().any(|word| word == SELDOM) {
        ANSWER.replace("1000000}", "60000000,\"wake\":false}")
    } else {
        ANSWER.to_owned()
    };
    while input.read_line(&mut line).is_ok_and(|count| count > 0) {
        let answer = match line.as_bytes()[2] {
            b'h' => r#"{"hello":"busbar-bms/1","name":"few words","can_set_soc":true}"#,
            b'b' => return,
            _ => &answer_of_a_turn,
        };
        out.write_all(answer.as_bytes())
            .and_then(|()| out.write_all(b"\n"))
            .and_then(|()| out.flush())
            .expect("taken");
        line.clear();
    }
}

/// µs for a line and its answer.
fn floor() -> f64 {
    let program = std::env::current_exe().expect("this program");
    let mut child = Command::new(program)
        .arg("--program")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let (mut to, from) = (child.stdin.take().expect("piped"), child.stdout.take().expect("piped"));
    let mut from = BufReader::new(from);
    let (asked, mut answer) = (format!("{TURN}\n"), String::new());
    let began = Instant::now();
    for _ in 0..TURNS {
        to.write_all(asked.as_bytes()).expect("taken");
        answer.clear();
        from.read_line(&mut answer).expect("answered");
    }
    let took = began.elapsed();
    drop(to);
    child.wait().expect("it ends with its input");
    took.as_secs_f64() * 1e6 / TURNS as f64
}

fn with_program(flag: &str) -> String {
    let this = std::env::current_exe().expect("this program");
    let declared = REFERENCE.split("\nsimulated:").next().expect("the part before");
    format!(
        "{declared}\nsimulated: {{ program: {{ command: [\"{}\", --program, \"{flag}\"] }} }}\n",
        this.display()
    )
}

/// µs for a simulated second, of so many, and the memory that is taken at their end, MB, where the system tells.
fn seconds(battery: &str, count: u64) -> (f64, Option<f64>) {
    let rig = RigFile::parse("simulated.yaml", RIG).expect("a good rig");
    let battery = BatteryFile::parse("battery.yaml", battery).expect("a good battery");
    let mut bench = Simulation::of(&rig, &battery).expect("sound").expect("simulated").bench(1);
    let start = Start {
        soc: Percent(50.0),
        grid: true,
        feed_in: true,
        pv: Watts(1000.0),
        ac_pv: Watts::ZERO,
        ac_load: Watts::ZERO,
        imbalance: Percent::ZERO,
        input_current_limit: None,
    };
    bench.act(&Action::Prepare(start)).expect("it starts");
    let began = Instant::now();
    let until = Micros::from_secs(count);
    while !matches!(bench.next(Some(until)).expect("it goes on"), (_, Input::Tick)) {}
    let (took, memory) = (began.elapsed(), resident());
    bench.act(&Action::Finish).expect("off");
    (took.as_secs_f64() * 1e6 / count as f64, memory)
}

/// What this process holds of memory now, MB.
fn resident() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(kilobytes.trim().trim_end_matches(" kB").parse::<f64>().ok()? / 1024.0)
}

fn median(figure: impl Fn() -> f64) -> f64 {
    let mut takes: Vec<f64> = (0..TAKES).map(|_| figure()).collect();
    takes.sort_by(f64::total_cmp);
    takes[TAKES / 2]
}

fn say(what: &str, figure: f64, unit: &str) {
    writeln!(std::io::stdout(), "{what:<70} {figure:>8.2} {unit}").expect("standard output takes a line");
}
