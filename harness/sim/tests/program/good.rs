//! Programs that do right.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;

use proto::fault::{Fault, FaultKind};
use proto::frame::{CanId, Frame};
use proto::quantity::{Micros, Volts};
use proto::stimulus::Stimulus;

use super::play::{Folder, Played, play};

fn secs(s: u64) -> Micros {
    Micros::from_secs(s)
}

fn of(played: &Played, id: u16) -> Vec<(Micros, Frame)> {
    played.frames.iter().filter(|(_, frame)| frame.id() == CanId::Standard(id)).copied().collect()
}

/// It is fed and heard: its frames are on the bus when it said, those of the GX reach it, and current flows.
#[test]
fn a_program_charges_a_battery() {
    let folder = Folder::python(
        "main(lambda m, n: whole(log=[json.dumps([m['closed'], m['current_A'], [f['id'] for f in m['frames']]])]))",
    );
    let played = folder.play(secs(60));
    assert_eq!(played.error, None);
    let limits = of(&played, 0x351);
    assert_eq!(limits.len(), 60);
    assert!(
        limits.iter().zip(0..).all(|((at, _), s)| at.since(secs(s)) < Micros::from_millis(12)),
        "{limits:?}"
    );
    let last = played.told.lines().rfind(|line| line.contains("\"log\"")).expect("it logs");
    assert!(last.contains(r#"[true, "#) && last.contains("0x305"), "{last}");
    assert!(!last.contains("[true, 0.0,") && !last.contains("[true, -"), "it charges: {last}");
    assert_eq!(played.trouble, None);
}

/// Harness and program are kept on one CPU of those that there are, for as long as the case runs.
#[cfg(target_os = "linux")]
#[test]
fn harness_and_program_share_a_cpu_while_a_case_runs() {
    use engine::bench::{Action, Bench as _};
    use rustix::thread::sched_getaffinity;

    use super::play::START;

    let folder = Folder::python(
        "open('cpus', 'w').write(str(sorted(os.sched_getaffinity(0))))\nmain(lambda m, n: whole())",
    );
    let own = || sched_getaffinity(None).expect("of this thread");
    let before = own();
    let mut bench = folder.bench();
    bench.act(&Action::Prepare(START)).expect("it starts");
    let during = own();
    bench.act(&Action::Finish).expect("off");
    assert!(during.count() == 1 && own() == before);
    let cpu = (0..).find(|&cpu| during.is_set(cpu)).expect("one");
    assert!(before.is_set(cpu));
    assert_eq!(folder.read("cpus"), format!("[{cpu}]"));
}

/// One that works for long in its turns may do so on every CPU: it is let go, with its threads and what it has started,
/// and is not kept in the cases after.
#[cfg(target_os = "linux")]
#[test]
fn a_program_that_works_for_long_in_its_turns_is_let_go() {
    let folder = Folder::python(
        "
import subprocess, threading
child = subprocess.Popen(['sleep', '100'])
def cpus():
    ids = [int(id) for id in os.listdir('/proc/self/task')] + [child.pid]
    return sorted({len(os.sched_getaffinity(id)) for id in ids})
threading.Thread(target=time.sleep, args=(100,), daemon=True).start()
main(lambda m, n: whole(log=[str(cpus()), str(time.sleep(0.003))[4:]]))",
    );
    let all = rustix::thread::sched_getaffinity(None).expect("of this thread").count();
    let simulation = folder.simulation();
    for first in [1, all] {
        let played = play(&mut simulation.bench(1), secs(40), &[]);
        assert_eq!(played.error, None);
        let mut said = played.told.lines().filter(|line| line.contains("\"log\":\"[")).map(|line| {
            line.rsplit_once("\"log\":").map(|(_, log)| log.trim_end_matches('}').to_owned()).expect("a log")
        });
        assert_eq!(said.next(), Some(format!("\"[{first}]\"")));
        assert_eq!(said.next_back(), Some(format!("\"[{all}]\"")));
    }
}

/// Some runtimes begin what they write with a byte order mark.
#[test]
fn a_byte_order_mark_before_hello_is_read_over() {
    let hello = r#"'\ufeff{"hello":"busbar-bms/1","name":"tiny","can_set_soc":true}'"#;
    let code = format!("sys.stdout.reconfigure(encoding='utf-8')\nmain(lambda m, n: whole(), hello={hello})");
    let played = Folder::python(&code).play(secs(3));
    assert_eq!(played.error, None);
    assert_eq!(of(&played, 0x351).len(), 3);
}

/// Hello says what there is, and readings have the resolution of its sensors.
#[test]
fn it_is_told_what_it_is_built_into() {
    let folder =
        Folder::python("main(lambda m, n: (open('turn.json', 'w').write(json.dumps(m)), whole())[1])");
    folder.play(secs(3));
    let turn: serde_json::Value = serde_json::from_str(&folder.read("turn.json")).expect("a turn");
    let hello = &turn["hello"];
    assert_eq!(hello["hello"], "busbar-bms/1");
    assert_eq!(
        (&hello["cells"], &hello["modules"], &hello["bitrate"]),
        (&16.into(), &1.into(), &500_000.into())
    );
    assert_eq!(
        (&hello["declared"]["capacity_Ah"], &hello["declared"]["chemistry"]),
        (&280.0.into(), &"lfp".into())
    );
    assert_eq!((&hello["soc_pct"], &hello["memory"]), (&60.0.into(), &serde_json::Value::Null));
    assert_eq!(turn["cells_V"].as_array().map(Vec::len), Some(16));
    assert_eq!(turn["temperatures_C"].as_array().map(Vec::len), Some(2));
    assert_eq!((&turn["bus"], &turn["lost"], &turn["closed"]), (&"ok".into(), &0.into(), &true.into()));
    let steps = |value: &serde_json::Value, step: f64| {
        value.as_f64().map_or(9.9, |v| (v / step - (v / step).round()).abs())
    };
    assert!(steps(&turn["current_A"], 0.01) < 1e-6 && steps(&turn["cells_V"][3], 1e-4) < 1e-6, "{turn}");
    assert!(
        turn["cells_V"].as_array().is_some_and(|cells| cells.iter().any(|cell| steps(cell, 1e-3) > 1e-6))
    );
}

/// Modules side by side: lists of each, and one that is off leaves the others all the current.
#[test]
fn modules_are_told_and_switched_one_by_one() {
    let code = "
def turn(m, n):
    shown = [m['closed'], m['current_A'], [len(cells) for cells in m['cells_V']], len(m['temperatures_C'][1]), m['pack_V'], m['terminal_V']]
    return whole(contactor=[True, n < 20] if n < 30 else [False] * 2, balance_A=[[0.1] * 16, [0] * 16], log=[json.dumps(shown)])
main(turn)";
    let folder = Folder::python(code);
    folder.is("modules: 2, program: { command: [python3, bms.py], within: 2 s }");
    let played = folder.play(secs(40));
    assert_eq!(played.error, None);
    let turns: Vec<serde_json::Value> = played
        .told
        .lines()
        .filter_map(|line| {
            serde_json::from_str::<serde_json::Value>(line).ok()?["log"].as_str()?.parse().ok()
        })
        .collect();
    let at = |turn: usize| {
        let amps = |module: usize| turns[turn][1][module].as_f64().expect("a number");
        (turns[turn][0].to_string(), amps(0), amps(1))
    };
    assert_eq!((turns[5][2].to_string(), turns[5][3].to_string()), ("[16,16]".to_owned(), "2".to_owned()));
    let (closed, first, second) = at(15);
    assert!(
        closed == "[true,true]" && first > 5.0 && (first - second).abs() < 0.3 * first,
        "{first} {second}"
    );
    let (closed, alone, none) = at(28);
    assert!(closed == "[true,false]" && none.abs() < 0.5, "{closed} {none}");
    assert!((alone - first - second).abs() < 0.1 * alone, "{alone} for {first} and {second}");
    assert!(turns[28][4][1].as_f64() < turns[28][4][0].as_f64(), "no current lifts the other any more");
    let (closed, ..) = at(39);
    assert!(
        closed == "[false,false]" && turns[39][5].as_f64().is_some_and(|volts| volts < 10.0),
        "{:?}",
        turns[39]
    );
}

/// A fault of a sensor, of the bus and of the electronics acts on what it is told.
#[test]
fn what_is_injected_acts_on_a_program() {
    let code = "main(lambda m, n: whole(next_us=1000000, log=['%d %s %s %d %s' % (n, m['bus'], m['cells_V'][0] - m['cells_V'][1] > 0.4, m['lost'], m.get('self_test'))]))";
    let folder = Folder::python(code);
    let fault = |kind| Stimulus::Inject(Fault { kind, span: secs(5) });
    let changes = [
        (secs(10), fault(FaultKind::CellVoltage { by: Volts(0.5) })),
        (secs(20), fault(FaultKind::WireCut {})),
        (secs(30), fault(FaultKind::Internal {})),
    ];
    let played = play(&mut folder.bench(), secs(40), &changes);
    for says in [
        "9 ok False 0 None",
        "12 ok True 0 None",
        "23 passive False 1 None",
        "33 ok False 0 failed",
        "39 ok False 0 None",
    ] {
        assert!(played.told.contains(says), "{says} in {}", played.told);
    }
}

/// P 1.4: 0x305 comes every second; with `wake` the program has its turn when it comes, and answers at once.
#[test]
fn frames_wake_it_at_most_once_a_millisecond() {
    let folder =
        Folder::python("main(lambda m, n: whole(frames=[], next_us=60000000, wake=True, log=[str(m['t'])]))");
    let played = folder.play(secs(10));
    let turns = played.told.matches("\"log\"").count();
    let heard = played.frames.len();
    assert!((10..=heard + 1).contains(&turns), "{turns} turns for {heard} frames");
    let folder = Folder::python("main(lambda m, n: whole(frames=[], next_us=60000000, log=[str(m['t'])]))");
    assert_eq!(folder.play(secs(10)).told.matches("\"log\"").count(), 1, "it sleeps");
}

/// 29 bits, numbers as identifiers, and what waits when a turn comes early.
#[test]
fn frames_leave_in_the_order_of_their_times() {
    let code = "main(lambda m, n: {'contactor': True, 'next_us': 60000000 if n else 500000, 'frames': [\
        {'id': 0x123, 'data': '0102', 'after_us': 100000}, {'id': '0x18FF50E5', 'ext': True, 'data': 'aAbB', 'after_us': 400000}]})";
    let played = Folder::python(code).play(secs(2));
    let own: Vec<_> = played
        .frames
        .iter()
        .filter(|(_, frame)| frame.dlc() == 2)
        .map(|(at, frame)| (at.0 / 1000, frame.to_string()))
        .collect();
    let said: Vec<_> = own.iter().map(|(at, frame)| (*at, frame.as_str())).collect();
    assert_eq!(said, [(100, "123#0102"), (400, "18FF50E5#AABB"), (600, "123#0102"), (900, "18FF50E5#AABB")]);
}

/// Same program, same seed: the same to the byte, frames and account.
#[test]
fn the_same_seed_gives_the_same_bytes() {
    let code = "main(lambda m, n: whole(frames=[limits(), frame(0x373, '%04x%04x00000000' % (int(min(m['cells_V']) * 1e4), \
        int(max(m['cells_V']) * 1e4)), 20000)], state={'u': m['cells_V'], 'seed': m['hello']['seed']}))";
    let folder = Folder::python(code);
    let (one, other) = (folder.play(secs(600)), folder.play(secs(600)));
    assert_eq!(one, other);
    assert!(one.frames.len() > 1200 && one.told.len() > 10_000);
    let another = play(&mut folder.bench(), secs(599), &[]);
    assert_ne!(one, another);
}

/// Cases on one bench follow each other: what it stored is there again. Another bench begins anew.
#[test]
fn what_it_stored_is_there_in_the_next_case() {
    let folder = Folder::python(
        "main(lambda m, n: whole(log=['memory %s' % m['hello']['memory']]), bye=lambda: {'memory': {'cycles': 12}})",
    );
    let mut bench = folder.bench();
    assert!(play(&mut bench, secs(2), &[]).told.contains("memory None"));
    assert!(play(&mut bench, secs(2), &[]).told.contains("memory {'cycles': 12}"));
    assert!(folder.play(secs(2)).told.contains("memory None"));
}

/// What it is made of is hashed: the executable, arguments that are files, and what the battery file names.
#[test]
fn what_it_is_made_of_is_hashed() {
    let folder = Folder::python("main(lambda m, n: whole())");
    folder.write("a.json", "abc");
    folder.says("command: [python3, bms.py, --config=a.json, 12], files: [a.json, gone.bin]");
    let played = folder.play(secs(2));
    let says = played.identity.expect("it says who it is");
    // FIPS 180-2, appendix B.1
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  a.json";
    assert!(
        says.starts_with("tiny 1, sha256 ") && says.contains("/python3, ") && says.contains("  bms.py, "),
        "{says}"
    );
    assert!(says.contains(abc) && says.contains("not there  gone.bin"), "{says}");
    assert_eq!(says.matches("a.json").count(), 1, "{says}");
    folder.write("a.json", "abcd");
    assert_ne!(folder.play(secs(2)).identity, Some(says));
}

/// A program that counts from what it believes itself is charged until it says that it is full, then discharged.
#[test]
fn a_program_that_cannot_set_its_state_of_charge_is_brought_there() {
    let code = "
soc = [20.0]
def turn(m, n):
    soc[0] += m['current_A'] * 10 / 3600 / 280 * 100
    if max(m['cells_V']) > 3.45: soc[0] = 100.0
    ccl = 0 if soc[0] >= 100 else 1400
    return whole(next_us=10000000, frames=[frame('0x351', '3002%sD007C001' % ccl.to_bytes(2, 'little').hex(), s * 1000000 + 5000 + k * 10000)
        if k == 0 else frame('0x355', int(soc[0]).to_bytes(2, 'little').hex() + '6400', s * 1000000 + 5000 + k * 10000)
        for s in range(10) for k in range(2)], state={'soc': round(soc[0])})
main(turn, hello={'hello': 'busbar-bms/1', 'name': 'counter'})";
    let folder = Folder::python(code);
    let played = folder.play(secs(120));
    assert_eq!(played.error, None);
    let note = played.trouble.as_deref().unwrap_or_default();
    assert!(
        note.starts_with("the battery cannot be told its state of charge: before the case it was charged"),
        "{note}"
    );
    let soc = of(&played, 0x355)[0].1.data()[0];
    assert!((58..=62).contains(&soc), "the case begins at 60 %, it says {soc} %");
    assert!(played.frames[0].0 < secs(2), "times count from the start of the case: {:?}", played.frames[0]);
    assert!(played.told.contains("\"case\":\"begins\""));
    // One that never says that it is full is told so.
    let folder =
        Folder::python("main(lambda m, n: whole(next_us=60000000), hello={'hello': 'busbar-bms/1'})");
    let said = folder.play(secs(120)).error.expect("undecided");
    assert!(said.contains("did not say in 0x355 that it was full within 24:00:00 of sun"), "{said}");
}

/// A program that listens: one connection for each case, and nothing is started.
#[test]
fn a_program_may_listen_on_tcp() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    let program = std::thread::spawn(move || {
        for _ in 0..2 {
            let (stream, _) = listener.accept().expect("a connection");
            let mut out = stream.try_clone().expect("a second end");
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                let answer = match line.as_bytes().get(2) {
                    Some(b'h') => r#"{"hello":"busbar-bms/1","name":"listener","can_set_soc":true}"#,
                    Some(b'b') => "{}",
                    _ => {
                        r#"{"frames":[{"id":849,"data":"3002780500D00F00"}],"contactor":true,"next_us":1000000}"#
                    }
                };
                out.write_all(format!("{answer}\n").as_bytes()).expect("taken");
                if answer == "{}" {
                    break;
                }
            }
        }
    });
    let folder = Folder::with(&format!("connect: \"{address}\""), &[]);
    let played = [folder.play(secs(30)), folder.play(secs(30))];
    for played in &played {
        assert_eq!((played.error.as_ref(), of(played, 0x351).len()), (None, 31));
        let says = played.identity.as_deref().unwrap_or_default();
        assert_eq!(says, format!("listener, reached at {address}: its executable is not known"));
    }
    program.join().expect("it answered");
    let said = folder.play(secs(30)).error.expect("nobody listens");
    assert!(said.contains("no connection to") && said.contains("start the program first"), "{said}");
}

/// Cases that run at once have a process each.
#[test]
fn cases_run_side_by_side() {
    let folder = Folder::python("main(lambda m, n: whole(log=['pid %d' % os.getpid()] if n == 0 else []))");
    let pids: Vec<String> = std::thread::scope(|scope| {
        let cases: Vec<_> = (0..4).map(|_| scope.spawn(|| folder.play(secs(60)))).collect();
        cases
            .into_iter()
            .map(|case| case.join().expect("played").told.lines().next().unwrap_or_default().to_owned())
            .collect()
    });
    assert!(pids.iter().all(|pid| pid.contains("pid ")), "{pids:?}");
    assert!(pids.iter().enumerate().all(|(k, pid)| !pids[..k].contains(pid)), "{pids:?}");
}

/// A bus of 500 kbit/s carries one frame at a time: 2 µs a bit, and of those that wait the lowest identifier first.
#[test]
fn frames_at_once_take_the_wire_one_after_another() {
    let code = "main(lambda m, n: whole(next_us=60000000, frames=[\
        frame('0x356', '0102030405060708', 500), frame('0x355', '', 500), frame('0x351', '01', 500), frame('0x35A', '01', 600)]))";
    let played = Folder::python(code).play(secs(1));
    let own: Vec<_> = played.frames.iter().filter(|(at, _)| at.0 < 2000).collect();
    let times: Vec<_> = own.iter().map(|(at, frame)| (at.0, frame.to_string())).collect();
    let said: Vec<_> = times.iter().map(|(at, frame)| (*at, frame.as_str())).collect();
    let first = 500 + 2 * (47 + 64);
    let (second, third) = (first + 2 * (47 + 8), first + 2 * (47 + 8) + 2 * 47);
    assert_eq!(said, [(500, "356#0102030405060708"), (first, "351#01"), (second, "355#"), (third, "35A#01")]);
}
