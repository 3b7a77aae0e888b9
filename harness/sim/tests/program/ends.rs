//! Nothing of a program is left behind, whatever it does.

use std::time::{Duration, Instant};

use engine::bench::{Action, Bench as _};
use proto::quantity::Micros;
use rstest::rstest;

use super::play::{Folder, START, is_alive};

fn gone(pid: &str) -> bool {
    let until = Instant::now() + Duration::from_secs(5);
    while is_alive(pid) && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(10));
    }
    !is_alive(pid)
}

/// It forks, and its child sleeps on: at the end of the case, after a wrong answer, and when the bench is dropped.
#[rstest]
#[case::end("whole()")]
#[case::wrong("'nonsense\\n'")]
#[case::hangs("(time.sleep(100), '')[1]")]
fn what_it_forked_ends_with_the_case(#[case] third: &str) {
    let code = format!(
        "
pid = os.fork()
if pid == 0:
    time.sleep(100)
    sys.exit()
open('pids', 'w').write('%d %d' % (os.getpid(), pid))
main(lambda m, n: whole() if n < 3 else {third})"
    );
    let folder = Folder::python(&code);
    folder.says("command: [python3, bms.py], within: 500 ms");
    let began = Instant::now();
    folder.play(Micros::from_secs(10));
    let pids = folder.read("pids");
    assert_eq!(pids.split(' ').count(), 2);
    assert!(pids.split(' ').all(gone), "{pids}");
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
}

/// What leaves its process group is found too: a session of its own, a daemon that has forked twice, one without the
/// environment of its parent.
#[cfg(target_os = "linux")]
#[rstest]
#[case::session("subprocess.Popen(['setsid', 'sleep', '100'])", "whole()")]
#[case::bare("subprocess.Popen(['setsid', 'sleep', '100'], env={})", "whole()")]
#[case::daemon("daemon()", "whole()")]
#[case::daemon_of_one_that_exits("daemon()", "sys.exit(3)")]
#[case::daemon_of_one_that_hangs("daemon()", "(time.sleep(100), '')[1]")]
fn what_leaves_its_group_ends_with_the_case(#[case] starts: &str, #[case] third: &str) {
    let code = format!(
        "
import subprocess
def note(pid):
    with open('pids', 'a') as out: out.write('%d ' % pid)
def daemon():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            note(os.getpid())
            for end in range(3): os.close(end)
            time.sleep(100)
        os._exit(0)
    os.wait()
note(os.getpid())
started = {starts}
if started: note(started.pid)
main(lambda m, n: whole() if n < 3 else {third})"
    );
    let folder = Folder::python(&code);
    folder.says("command: [python3, bms.py], within: 500 ms");
    folder.play(Micros::from_secs(10));
    let pids = folder.read("pids");
    assert_eq!(pids.trim().split(' ').count(), 2, "{pids}");
    assert!(pids.trim().split(' ').all(gone), "{pids}");
}

/// A disk is not filled by a program either.
#[cfg(target_os = "linux")]
#[test]
fn a_file_of_a_program_has_a_bound() {
    let folder =
        Folder::python("main(lambda m, n: whole() if n < 3 else open('big', 'w').truncate(2 * 10 ** 9))");
    let said = folder.play(Micros::from_secs(10)).error.expect("undecided");
    assert!(
        said.contains("it exited with 1; last on standard error: `OSError: [Errno 27] File too large`"),
        "{said}"
    );
}

/// A bench that is dropped in the middle of a case, as by a panic.
#[test]
fn a_bench_that_is_dropped_takes_its_program_along() {
    let folder = Folder::python("open('pid', 'w').write(str(os.getpid()))\nmain(lambda m, n: whole())");
    let mut bench = folder.bench();
    bench.act(&Action::Prepare(START)).expect("it starts");
    assert!(is_alive(&folder.read("pid")));
    drop(bench);
    assert!(gone(&folder.read("pid")));
}

/// A flood on standard error is taken, and its beginning and its end are kept.
#[test]
fn a_flood_on_standard_error_is_taken_and_bounded() {
    let code = "
def turn(m, n):
    if n == 3:
        for k in range(640): sys.stderr.write('x' * 99999 + '\\n')
        sys.stderr.write('the last words\\n')
    return whole()
sys.stderr.write('the first words\\n')
main(turn)";
    let folder = Folder::python(code);
    folder.says("command: [python3, bms.py], within: 60 s");
    let played = folder.play(Micros::from_secs(10));
    assert_eq!(played.error, None);
    let last = played.told.lines().last().expect("how it ended");
    let ended: serde_json::Value = serde_json::from_str(last).expect("JSON");
    let text = |key: &str| ended["stderr"][key].as_str().unwrap_or_default().to_owned();
    assert!(text("first").starts_with("the first words\n") && text("last").ends_with("the last words\n"));
    assert_eq!(ended["stderr"]["dropped_bytes"], 64_000_000 + 31 - 2 * (16 << 10));
    assert_eq!(ended["ended"], "it exited with 0");
    assert!(played.told.len() < 50_000);
}

/// What it logs is bounded too.
#[test]
fn a_flood_of_log_is_bounded() {
    let folder = Folder::python("main(lambda m, n: whole(log=['y' * 900000]))");
    let played = folder.play(Micros::from_secs(40));
    assert_eq!(played.error, None);
    assert!(played.told.len() < (16 << 20) + 50_000, "{}", played.told.len());
    assert!(played.told.contains("\"left_out\":"), "it says that it is not all");
}

/// More memory than it may have is refused to it, not to the machine.
#[cfg(target_os = "linux")]
#[test]
fn a_program_that_takes_too_much_memory_ends_alone() {
    let folder = Folder::python("main(lambda m, n: whole() if n < 3 else len(bytearray(10 ** 10)))");
    let said = folder.play(Micros::from_secs(10)).error.expect("undecided");
    assert!(said.contains("it exited with 1; last on standard error: `MemoryError`"), "{said}");
    let folder = Folder::python("main(lambda m, n: whole(log=[str(len(bytearray(6 * 10 ** 8)))]))");
    folder.says("command: [python3, bms.py], memory: 300 MB, within: 60 s");
    assert!(folder.play(Micros::from_secs(3)).error.is_some_and(|said| said.contains("MemoryError")));
    folder.says("command: [python3, bms.py], memory: unlimited, within: 60 s");
    assert_eq!(folder.play(Micros::from_secs(3)).error, None);
}

/// A program that does not end by itself after `bye` has the time of an answer, and is ended then.
#[test]
fn a_program_that_stays_is_ended() {
    let code = "open('pid', 'w').write(str(os.getpid()))\nmain(lambda m, n: whole(), bye=lambda: {'memory': 1})\ntime.sleep(100)";
    let folder = Folder::python(code);
    folder.says("command: [python3, bms.py], within: 500 ms");
    let played = folder.play(Micros::from_secs(3));
    assert_eq!(played.error, None);
    assert!(gone(&folder.read("pid")));
    assert!(played.told.contains("it was ended by signal 9"), "{}", played.told);
}
