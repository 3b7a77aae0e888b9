//! Programs that do wrong: each ends its case with a sentence that shows what it did.

use proto::quantity::Micros;
use rstest::rstest;

use super::play::{Folder, is_alive, play};

const MINUTE: Micros = Micros::from_secs(60);

/// What a program answers to its fourth turn, and what is said of it.
#[rstest]
#[case::debug_line(
    "'DEBUG: cell 3 low\\n'",
    "`DEBUG: cell 3 low`: expected one JSON object; what is for people belongs into `log`"
)]
#[case::number("'17\\n'", "`17`: expected one JSON object")]
#[case::not_a_number("whole(balance_A=[float('nan')] + [0] * 15)", ", where `NaN, 0, 0, 0")]
#[case::null("whole(balance_A=[None] * 16)", "invalid type: null, expected f64")]
#[case::fewer("whole(balance_A=[0] * 15)", "balance_A has 15 entries, cells 16")]
#[case::charges("whole(balance_A=[0, -0.1] + [0] * 14)", "balance_A[1] is -0.1; expected 0 to 50")]
#[case::now("whole(next_us=0)", "next_us is 0; expected 1000 (1 ms) to 60000000 (60 s)")]
#[case::never("whole(next_us=60000001)", "next_us is 60000001; expected 1000")]
#[case::nothing("{'contactor': True}", "`next_us` is missing; expected 1000")]
#[case::fraction("whole(next_us=1e6)", "invalid type: floating point `1000000.0`, expected u64")]
#[case::id(
    "whole(frames=[limits(), frame('0x9999', '00', 20000)])",
    "frames[1] has id 0x9999, which is no identifier of 11 bits"
)]
#[case::wide(
    "whole(frames=[dict(frame('0xFFFFFFFF', '00', 0), ext=True)])",
    "frames[0] has id 0xFFFFFFFF, which is no identifier of 29 bits"
)]
#[case::word(
    "whole(frames=[frame('limits', '00', 0)])",
    "invalid value: string \"limits\", expected an identifier such as 849"
)]
#[case::nine_bytes(
    "whole(frames=[frame('0x351', '001122334455667788', 0)])",
    "expected at most 8 bytes of two hexadecimal digits each"
)]
#[case::odd("whole(frames=[frame('0x351', '001', 0)])", "expected at most 8 bytes")]
#[case::no_hex("whole(frames=[frame('0x351', '00zz', 0)])", "expected at most 8 bytes")]
#[case::beyond(
    "whole(frames=[frame('0x351', '00', 1000000)])",
    "frames[0] has after_us 1000000; expected 0 to 999999"
)]
#[case::disorder(
    "whole(frames=[limits(500), limits(400)])",
    "frames[1] has after_us 400; expected 500 to 999999, in order"
)]
#[case::before("whole(frames=[limits(-1)])", "invalid value: integer `-1`, expected u64")]
#[case::no_utf8(
    "(sys.stdout.buffer.write(b'{\"log\":[\"\\xff\\xfe\"],\"next_us\":1000}\\n'), '')[1]",
    "invalid unicode code point"
)]
#[case::twice(
    "json.dumps(whole()) + '\\n' + json.dumps(whole()) + '\\n'",
    "wrote more than one line to its turn at 0:00:03"
)]
#[case::endless("'x' * 3000000", "with a line of more than 1048576 bytes: `xxxx")]
fn an_answer_that_cannot_be_is_shown(#[case] answer: &str, #[case] says: &str) {
    let folder = Folder::python(&format!("main(lambda m, n: whole() if n != 3 else {answer})"));
    let played = folder.play(MINUTE);
    let said = played.said();
    assert!(said.starts_with("the battery's program "), "{said}");
    assert!(said.contains(says), "{said}");
    assert!(said.contains("turn at 0:00:03"), "{said}");
    assert!(said.chars().count() < 600, "a sentence, not a page: {}", said.len());
    assert_eq!(played.frames.iter().filter(|(_, frame)| frame.to_string().starts_with("351#")).count(), 3);
    // It is told before the case ends, where it still listens.
    if !says.contains("line of more") {
        let told = folder.read("error.txt");
        assert!(!told.is_empty() && said.contains(told.trim_end()), "{told} / {said}");
    }
}

/// What a program of two modules answers to its fourth turn.
#[rstest]
#[case::one("contactor=True", "contactor says something of 1 modules, there are 2")]
#[case::three("contactor=[True] * 3", "contactor says something of 3 modules, there are 2")]
#[case::word("contactor=[True, 'open']", "invalid type: string \"open\", expected a boolean")]
#[case::whole("balance_A=[0] * 16", "balance_A says something of 1 modules, there are 2")]
#[case::fewer("balance_A=[[0] * 16, [0] * 15]", "balance_A[1] has 15 entries, cells 16")]
#[case::charges("balance_A=[[0] * 16, [0, 0, -1] + [0] * 13]", "balance_A[1][2] is -1; expected 0 to 50")]
#[case::mixed("balance_A=[[0] * 16, 0]", "balance_A has numbers beside lists")]
fn an_answer_for_modules_that_cannot_be_is_shown(#[case] answer: &str, #[case] says: &str) {
    let both = "balance_A=[[0] * 16, [0.1] * 16]";
    let code = format!(
        "main(lambda m, n: dict(whole({both}), contactor=[True, True]) if n != 3 else dict(dict(whole(), contactor=[True, True]), \
         **dict({answer})))"
    );
    let folder = Folder::python(&code);
    folder.is("modules: 2, program: { command: [python3, bms.py] }");
    let played = folder.play(MINUTE);
    assert!(played.said().contains(says) && played.said().contains("turn at 0:00:03"), "{}", played.said());
}

/// A program that answers late, never, only half, or not in time to hello.
#[rstest]
#[case(
    "main(lambda m, n: whole() if n < 3 else (time.sleep(60), '')[1])",
    "did not answer to its turn at 0:00:03 within 0.3 s (`within` of the battery file)"
)]
#[case(
    "main(lambda m, n: whole() if n < 3 else '{\"next_us\":' + str((time.sleep(0.01), 5)[1]))",
    "did not end its answer to its turn at 0:00:03 with a line break within 0.3 s (`within` of the battery file): `{\"next_us\":5`"
)]
#[case("time.sleep(60)", "did not answer to hello within 3 s")]
fn an_answer_that_does_not_come_in_time_is_not_waited_for(#[case] code: &str, #[case] says: &str) {
    let folder = Folder::python(&format!("open('pid', 'w').write(str(os.getpid()))\n{code}"));
    folder.says("command: [python3, bms.py], within: 300 ms");
    let began = std::time::Instant::now();
    let said = folder.play(MINUTE).error.expect("undecided");
    assert!(said.contains(says), "{said}");
    assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
    assert!(!is_alive(&folder.read("pid")));
}

/// One that never reads: frames of the bus fill the pipe, and the time for an answer counts for writing too.
#[test]
fn a_program_that_does_not_read_is_not_waited_for() {
    let code = "
sys.stdin.readline(); say('{\"hello\":\"busbar-bms/1\",\"can_set_soc\":true}\\n')
for k in range(1000000): say('{\"next_us\":60000000}\\n'); time.sleep(0.05)";
    let folder = Folder::python(code);
    folder.says("command: [python3, bms.py], within: 500 ms");
    let said = folder.play(Micros::from_secs(100_000)).error.expect("undecided");
    assert!(
        said.contains("wrote more than one line") || said.contains("did not read its standard input"),
        "{said}"
    );
}

/// A loop that sends for ever, in one answer or in many: it is named before it has cost much.
#[rstest]
#[case("whole(frames=[frame(256, '00', 0)] * 10, next_us=1000)", "0:00:0")]
#[case("whole(frames=[frame(256, '0011223344556677', k) for k in range(10000)])", "to its turn at 0:00:01")]
fn a_flood_of_frames_is_named(#[case] answer: &str, #[case] when: &str) {
    let folder = Folder::python(&format!("main(lambda m, n: {answer})"));
    let began = std::time::Instant::now();
    let played = folder.play(Micros::from_secs(3600));
    let said = played.said();
    assert!(said.contains("it floods the bus: ") && said.contains(" of a wire of 500 kbit/s;"), "{said}");
    assert!(said.contains(when), "{said}");
    assert!(played.frames.len() < 40_000 && began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
}

/// One that exits: with what code, by what signal, and its last words.
#[rstest]
#[case(
    "sys.exit(3)",
    "ended before it answered to its turn at 0:00:03; it exited with 3; last on standard error: `worse`"
)]
#[case("os.kill(os.getpid(), 11)", "it was ended by signal 11; last on standard error: `worse`")]
#[case(
    "(say('{\"nex'), sys.exit(0))",
    "ended in the middle of its answer to its turn at 0:00:03: `{\"nex`; it exited with 0"
)]
#[case("1 / 0", "it exited with 1; last on standard error: `ZeroDivisionError: division by zero`")]
fn a_program_that_exits_is_told_with_its_code(#[case] code: &str, #[case] says: &str) {
    let turn = format!(
        "sys.stderr.write('bad\\nworse\\n'); sys.stderr.flush()\nmain(lambda m, n: whole() if n < 3 else {code})"
    );
    let said = Folder::python(&turn).play(MINUTE).error.expect("undecided");
    assert!(said.contains(says), "{said}");
}

/// What it says to hello.
#[rstest]
#[case(
    "main(None, hello={'hello': 'busbar-bms/2'})",
    "`{\"hello\": \"busbar-bms/2\"}`: it speaks `busbar-bms/2`; this Busbar speaks busbar-bms/1"
)]
#[case(
    "main(None, hello='Acme BMS 2.1 starting')",
    "answered to hello with `Acme BMS 2.1 starting`: expected value"
)]
#[case("main(None, hello={'name': 'acme'})", "missing field `hello`")]
#[case(
    "sys.exit(69)",
    "ended before it answered to hello; it exited with 69: it does not speak busbar-bms/1"
)]
fn a_wrong_hello_is_told(#[case] code: &str, #[case] says: &str) {
    let played = Folder::python(code).play(MINUTE);
    assert!(played.said().contains(says), "{}", played.said());
    assert_eq!(played.identity, None);
}

/// One that never said hello is waited for once, not by every case; asked anew, it is started again.
#[test]
fn a_program_that_never_said_hello_is_started_once() {
    let folder = Folder::python("open('starts', 'a').write('.')\ntime.sleep(60)");
    folder.says("command: [python3, bms.py], within: 300 ms");
    let simulation = folder.simulation();
    let said = |seed| play(&mut simulation.bench(seed), MINUTE, &[]).error.expect("undecided");
    let first = said(1);
    assert!(first.contains("did not answer to hello within 3 s (`within` of the battery file); "), "{first}");
    assert!(first.ends_with("; it is not started again in this run"), "{first}");
    assert_eq!((said(2), said(3)), (first.clone(), first.clone()));
    assert_eq!(folder.read("starts"), ".");
    simulation.anew();
    assert_eq!((said(4), folder.read("starts").as_str()), (first, ".."));
}

/// Where it has said it once, what goes wrong later is of one case.
#[test]
fn a_program_that_said_hello_once_is_started_for_every_case() {
    let code = "open('starts', 'a').write('.')\nif len(open('starts').read()) == 2: sys.exit(3)\nmain(lambda m, n: whole())";
    let folder = Folder::python(code);
    let simulation = folder.simulation();
    let said = |seed| play(&mut simulation.bench(seed), Micros::from_secs(3), &[]).error;
    assert_eq!(said(1), None);
    assert!(
        said(2).is_some_and(|said| said.ends_with("ended before it answered to hello; it exited with 3"))
    );
    assert_eq!(said(3), None);
}

/// A program that cannot start, and what to do.
#[rstest]
#[case("./gone", "", "gone is not there: build it, or correct `command`")]
#[case("no-such-program-anywhere", "", "no-such-program-anywhere is not there")]
#[case("./text", "#!/bin/sh\n", "text may not be executed: `chmod +x ")]
#[case("./.", "", "is a folder: `command` begins with the program itself")]
fn a_program_that_cannot_start_says_what_to_do(
    #[case] command: &str,
    #[case] text: &str,
    #[case] says: &str,
) {
    let folder = Folder::with(&format!("command: [{command}]"), &[("text", text)]);
    let played = folder.play(MINUTE);
    assert!(played.said().contains(says), "{}", played.said());
    assert!(played.told.contains("\"ended\":"), "{}", played.told);
}

#[rstest]
#[case("\u{7f}ELF nonsense", "is no program of this machine: build it for this host")]
#[case("#!/no/such/interpreter\n", "cannot start: the interpreter that its first line names is not there")]
fn a_file_that_is_no_program_says_so(#[case] text: &str, #[case] says: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::with("command: [./text]", &[("text", text)]);
    std::fs::set_permissions(folder.path().join("text"), std::fs::Permissions::from_mode(0o755))
        .expect("set");
    let played = folder.play(MINUTE);
    assert!(played.said().contains(says), "{}", played.said());
}

/// What a battery file says of its program, and how it is refused.
#[rstest]
#[case("within: 2 s", "acme.yaml:5:23: the program is nowhere")]
#[case("command: [./bms], connect: \"h:1\"", "the program is in two places")]
#[case("command: []", "`command` names no program")]
#[case("connect: localhost", "`localhost` is no address")]
#[case("command: [./bms], within: 0 s", "`within` is 0 s")]
#[case("command: [./bms], memory: 4 apples", "`4 apples` is no amount of memory")]
#[case("command: [./bms], comand: x", "unknown key `comand`")]
#[case("command: [./bms] }, strategy: { fixed: {}", "unknown key `strategy`")]
#[case("command: [./bms] }, modules: 33, sensors: {", "`modules` is 33")]
#[case("command: [./bms] }, modules: 0, sensors: {", "`modules` is 0")]
fn a_battery_file_is_refused_with_its_line(#[case] program: &str, #[case] says: &str) {
    let error = Folder::with(program, &[]).refusal();
    assert!(error.starts_with("acme.yaml:5:") && error.contains(says), "{error}");
}
