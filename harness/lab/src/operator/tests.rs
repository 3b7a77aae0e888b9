use std::io::{BufRead as _, BufReader, Cursor, Write as _};
use std::net::TcpListener;

use proto::fault::{Fault, FaultKind};
use proto::quantity::{Amps, Percent, Watts};
use rstest::rstest;

use super::*;

const START: Start = Start {
    soc: Percent(97.0),
    pv: Watts(0.1 + 0.2),
    ac_load: Watts(3000.0),
    input_current_limit: Some(Amps(16.0)),
    ..Start::AT_REST
};
const SPAN: Micros = Micros(1_500);

#[rstest]
#[case(Request::Prepare(START), r#"{"prepare":{"soc":"97 %","grid":true,"feed-in":true,"pv":"0.30000000000000004 W","ac-pv":"0 W","ac-load":"3000 W","imbalance":"0 %","input-current-limit":"16 A"}}"#)]
#[case(Request::Prepare(Start { input_current_limit: None, pv: Watts::ZERO, ..START }), r#"{"prepare":{"soc":"97 %","grid":true,"feed-in":true,"pv":"0 W","ac-pv":"0 W","ac-load":"3000 W","imbalance":"0 %","input-current-limit":null}}"#)]
#[case(Request::Apply(Stimulus::AcLoad(Watts(3000.0))), r#"{"apply":{"ac-load":"3000 W"}}"#)]
#[case(Request::Apply(Stimulus::Grid(false)), r#"{"apply":{"grid":false}}"#)]
#[case(Request::Apply(Stimulus::Silence { id: 0x351, span: SPAN }), r#"{"apply":{"silence":{"id":"0x351","for":"1.5 ms"}}}"#)]
#[case(Request::Apply(Stimulus::Inject(Fault { kind: FaultKind::Current { by: Amps(5.0) }, span: SPAN })), r#"{"apply":{"inject":{"current":{"by":"5 A","for":"1.5 ms"}}}}"#)]
#[case(Request::Apply(Stimulus::GxWrite { register: 2706, value: 10 }), r#"{"apply":{"gx-write":{"register":2706,"value":10}}}"#)]
#[case(Request::Ask("Ready?\n".to_owned()), r#"{"ask":"Ready?\n"}"#)]
#[case(Request::Finish, r#""finish""#)]
fn requests_are_lines(#[case] request: Request, #[case] text: &str) {
    assert_eq!(line(&request), format!("{text}\n"));
    let mut lines = Lines::default();
    for byte in line(&request).bytes() {
        assert_eq!(lines.take::<Request>().expect("no line yet"), None);
        lines.push(&[byte]);
    }
    assert_eq!(lines.take().expect("a request"), Some(request));
}

#[rstest]
#[case(b"{\"apply\":{\"pv\":\"4000\"}}\n".to_vec(), "no unit")]
#[case(b"{\"apply\":{\"sun\":\"4000 W\"}}\n".to_vec(), "unknown variant")]
#[case(b"{\"apply\":{\"inject\":{\"curent\":{\"for\":\"1 s\"}}}}\n".to_vec(), "is no fault")]
#[case(b"{\"apply\":{\"silence\":{\"id\":\"0x800\",\"for\":\"1 s\"}}}\n".to_vec(), "11-bit identifier")]
#[case(b"GET / HTTP/1.1\r\n".to_vec(), "makes no sense")]
#[case(vec![b'x'; LONGEST + 1], "more than 4096")]
fn what_is_no_request_is_told(#[case] bytes: Vec<u8>, #[case] says: &str) {
    let mut lines = Lines::default();
    lines.push(&bytes);
    let error = lines.take::<Request>().expect_err("refused").to_string();
    assert!(error.contains(says), "{error}");
}

/// What a program answers to one request, and what the client makes of it.
#[rstest]
#[case("\"done\"\n", Ok(Reply::Done))]
#[case("{\"refused\":\"no load bank\"}\n", Ok(Reply::Refused("no load bank".to_owned())))]
#[case("yes\n", Err("makes no sense"))]
#[case("", Err("is gone"))]
#[case(
    "wait",
    Err("did not answer within 200 ms: Do by hand: ac-load 3 kW (switches the AC load to this power).")
)]
fn a_program_may_be_the_operator(#[case] answer: &str, #[case] expected: Result<Reply, &str>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("its address");
    let request = Request::Apply(Stimulus::AcLoad(Watts(3000.0)));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (mut stream, _) = listener.accept().expect("a client");
            let mut got = String::new();
            BufReader::new(&stream).read_line(&mut got).expect("a request");
            assert_eq!(got, line(&request));
            if answer == "wait" {
                std::thread::sleep(std::time::Duration::from_millis(500));
            }
            stream.write_all(answer.as_bytes()).expect("sent");
        });
        let mut client = Client::connect(address, Micros::from_millis(200)).expect("it listens");
        match (client.ask(&request), expected) {
            (Ok(reply), expected) => assert_eq!(Ok(reply), expected),
            (Err(error), Err(says)) => assert!(error.to_string().contains(says), "{error}"),
            (Err(error), Ok(_)) => panic!("{error}"),
        }
    });
}

#[test]
fn nobody_there() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("its address");
    drop(listener);
    let error = Client::connect(address, SPAN).expect_err("nobody listens").to_string();
    assert!(error.contains("no operator at 127.0.0.1:") && error.contains("`operator:`"), "{error}");
}

/// A keyboard on which a person types once asked.
struct Keys(std::sync::mpsc::Receiver<&'static str>);

impl std::io::Read for Keys {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let Ok(text) = self.0.recv() else { return Ok(0) };
        buffer[..text.len()].copy_from_slice(text.as_bytes());
        Ok(text.len())
    }
}

/// A screen in front of which a person answers every question with the next line.
struct Screen(std::sync::mpsc::Sender<&'static str>, Vec<&'static str>);

impl std::io::Write for Screen {
    fn write(&mut self, shown: &[u8]) -> std::io::Result<usize> {
        if !self.1.is_empty() {
            let _ = self.0.send(self.1.remove(0));
        }
        Ok(shown.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[rstest]
#[case(&["y\n"], Ok(Reply::Done))]
#[case(&["perhaps\n", "YES\n"], Ok(Reply::Done))]
#[case(&["n\n"], Ok(Reply::Refused("the operator cannot do it".to_owned())))]
#[case(&[], Err("did not answer within 200 ms: Do by hand: grid on (connects or cuts mains)."))]
fn a_person_may_be_the_operator(#[case] types: &[&'static str], #[case] expected: Result<Reply, &str>) {
    let (sender, keys) = std::sync::mpsc::channel();
    let screen = Screen(sender, types.to_vec());
    let keys = Box::new(BufReader::new(Keys(keys)));
    let mut terminal = Terminal::new(Box::new(screen), keys, Micros::from_millis(200)).expect("a thread");
    match (terminal.ask(&Request::Apply(Stimulus::Grid(true))), expected) {
        (Ok(reply), expected) => assert_eq!(Ok(reply), expected),
        (Err(error), Err(says)) => assert!(error.to_string().contains(says), "{error}"),
        (Err(error), Ok(_)) => panic!("{error}"),
    }
}

#[test]
fn a_terminal_without_a_person() {
    let mut terminal =
        Terminal::new(Box::new(std::io::sink()), Box::new(Cursor::new("")), Micros::from_secs(5))
            .expect("a thread");
    let error = terminal.ask(&Request::Finish).expect_err("nobody types").to_string();
    assert!(error.contains("at the terminal is gone"), "{error}");
}
