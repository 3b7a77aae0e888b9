use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use rstest::rstest;

use super::*;
use crate::view::State as Standing;

const TOKEN: &str = "0123456789abcdef";

/// A page that is served on loopback until the test ends.
struct Here {
    address: SocketAddr,
    tell: watch::Sender<Arc<Shown>>,
    _runtime: tokio::runtime::Runtime,
}

fn here(page: Page) -> Here {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
    let address = listener.local_addr().expect("an address");
    let (tell, shown) = watch::channel(Arc::new(Shown::new(vec![run("first")])));
    runtime.spawn(serve(listener, page, shown));
    Here { address, tell, _runtime: runtime }
}

fn run(name: &str) -> View {
    View { run: name.to_owned(), state: Standing::Running, ..View::default() }
}

impl Here {
    fn ask(&self, what: &str, headers: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a time");
        write!(stream, "GET {what} HTTP/1.1\r\nConnection: close\r\n{headers}\r\n").expect("asked");
        stream
    }

    /// The whole answer: its head and its body.
    fn get(&self, what: &str, headers: &str) -> String {
        let mut answer = String::new();
        self.ask(what, headers).read_to_string(&mut answer).expect("an answer");
        answer
    }
}

/// Reads until this was sent.
fn reads(stream: &mut TcpStream, wanted: &str) -> String {
    let (mut seen, mut some) = (String::new(), [0; 4096]);
    let end = Instant::now() + Duration::from_secs(5);
    while !seen.contains(wanted) {
        assert!(Instant::now() < end, "`{wanted}` does not come: {seen}");
        let read = stream.read(&mut some).expect("something comes");
        assert!(read > 0, "it ended: {seen}");
        seen += &String::from_utf8_lossy(&some[..read]);
    }
    seen
}

const LOCAL: &str = "Host: localhost:8080\r\n";

#[rstest]
#[case::page("/", "text/html", "<script src=\"page.js\"")]
#[case::style("/page.css", "text/css", ".output.on")]
#[case::script("/page.js", "text/javascript", "EventSource")]
#[case::view("/view.json", "application/json", "\"run\":\"first\"")]
#[case::metrics("/metrics", "application/openmetrics-text", "run=\"first\"")]
fn what_is_there(#[case] path: &str, #[case] kind: &str, #[case] holds: &str) {
    let answer = here(Page { metrics: true, ..Page::default() }).get(path, LOCAL);
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains(&format!("content-type: {kind}")), "{answer}");
    assert!(answer.contains("content-security-policy: default-src 'none'; script-src 'self'"), "{answer}");
    assert!(answer.contains(holds), "{answer}");
}

#[rstest]
#[case::no_metrics("/metrics", LOCAL, "404")]
#[case::nothing_else("/../etc/passwd", LOCAL, "404")]
#[case::another_name("/view.json", "Host: rebound.example\r\n", "421")]
#[case::no_name("/view.json", "", "421")]
fn what_is_refused(#[case] path: &str, #[case] headers: &str, #[case] status: &str) {
    let answer = here(Page::default()).get(path, headers);
    // HTTP itself wants a host.
    let is_refused =
        answer.starts_with(&format!("HTTP/1.1 {status} ")) || answer.starts_with("HTTP/1.1 400 ");
    assert!(is_refused && !answer.contains("first"), "{answer}");
}

#[rstest]
#[case::none("/view.json", "Host: lab:8080\r\n", false)]
#[case::wrong("/view.json?token=0123456789abcdeF", "Host: lab:8080\r\n", false)]
#[case::short("/view.json?token=0123", "Host: lab:8080\r\n", false)]
#[case::in_the_address("/view.json?token=0123456789abcdef", "Host: lab:8080\r\n", true)]
#[case::in_the_head("/view.json", "Host: lab:8080\r\nAuthorization: Bearer 0123456789abcdef\r\n", true)]
#[case::events_too("/views", "Host: lab:8080\r\n", false)]
fn a_token_is_wanted_where_one_is_set(#[case] path: &str, #[case] headers: &str, #[case] shows: bool) {
    let answer = here(Page { token: Some(TOKEN.to_owned()), metrics: true }).get(path, headers);
    let status = if shows { "HTTP/1.1 200 " } else { "HTTP/1.1 401 " };
    assert!(answer.starts_with(status) && answer.contains("first") == shows, "{answer}");
}

#[test]
fn nothing_can_be_asked_of_it_but_to_show() {
    let here = here(Page::default());
    let mut stream = TcpStream::connect(here.address).expect("it listens");
    stream
        .write_all(
            b"POST /view.json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        )
        .expect("asked");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
}

/// One that has stopped reading, with more sent than a connection holds, keeps nobody from hearing the latest.
#[test]
fn a_viewer_who_stops_reading_holds_up_nobody() {
    let here = here(Page::default());
    let stopped = here.ask("/views", LOCAL);
    let mut reading = here.ask("/views", LOCAL);
    reads(&mut reading, "\"run\":\"first\"");
    let long = "x".repeat(100_000);
    for n in 0..100 {
        let name = format!("run-{n}-{long}");
        here.tell.send_replace(Arc::new(Shown::new(vec![run(&name)])));
        std::thread::sleep(Duration::from_millis(5));
    }
    here.tell.send_replace(Arc::new(Shown::new(vec![run("the last one")])));
    reads(&mut reading, "\"run\":\"the last one\"");
    drop(stopped);
}

#[test]
fn so_many_viewers_and_no_more() {
    let here = here(Page::default());
    let mut viewers: Vec<TcpStream> = (0..VIEWERS).map(|_| here.ask("/views", LOCAL)).collect();
    for viewer in &mut viewers {
        reads(viewer, "\"run\":\"first\"");
    }
    assert!(here.get("/views", LOCAL).starts_with("HTTP/1.1 503 "));
    drop(viewers.pop());
    let end = Instant::now() + Duration::from_secs(5);
    loop {
        // Who is gone is missed with the next view.
        here.tell.send_replace(Arc::new(Shown::new(vec![run("first")])));
        let mut viewer = here.ask("/views", LOCAL);
        let mut status = [0; 12];
        viewer.read_exact(&mut status).expect("an answer");
        if status.ends_with(b"200") {
            break;
        }
        assert!(Instant::now() < end, "the place stays taken");
    }
}
