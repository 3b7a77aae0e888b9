//! python-can as the other end.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;

use lab::can::{CanPort, Kind, RunClock, Slcan};
use libtest_mimic::Failed;
use proto::quantity::Micros;
use proto::slcan::{Carried, Decoder, Piece, Request};
use serialport::TTYPort;

use super::simulated::{Event, Simulated, frame, pair, read, write};
use super::{MANY, RATE, next};

/// A Python that has it; the one that was named, whatever it has.
pub(crate) fn python() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("BUSBAR_PYTHON") {
        return Some(named.into());
    }
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/venv/bin/python");
    let has = Command::new(&beside)
        .args(["-c", "import can, serial"])
        .output()
        .is_ok_and(|done| done.status.success());
    has.then_some(beside)
}

/// python-can on a port: it sends every frame that it is told to, then hears as many, and says what it heard.
fn start_python(python: &Path, port: &str) -> Result<Child, Failed> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/slcan/peer.py");
    let mut command = Command::new(python);
    command.arg(script).arg(port).arg(MANY.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn()?;
    let mut stdin = child.stdin.take().ok_or("piped")?;
    for number in 0..MANY {
        writeln!(stdin, "{}", frame(number))?;
    }
    Ok(child)
}

/// It must have heard every frame, in order.
fn said(mut child: Child) -> Result<(), Failed> {
    let mut text = String::new();
    child.stdout.take().ok_or("piped")?.read_to_string(&mut text)?;
    let status = child.wait()?;
    let expected: Vec<String> = (0..MANY).map(|number| frame(number).to_string()).collect();
    if !status.success() || !text.lines().eq(expected.iter().map(String::as_str)) {
        return Err(
            format!("python-can ended with {status} and heard {} frames", text.lines().count()).into()
        );
    }
    Ok(())
}

/// The bytes of python-can's frames reach the driver as they are, and the driver's reach python-can. Only what a host
/// asks of an adapter is answered between.
pub(crate) fn python_and_driver(python: &Path) -> Result<(), Failed> {
    let (mut ours, our_path, _our_open) = pair();
    let (mut theirs, their_path, _their_open) = pair();
    let (end, ended) = channel::<()>();
    let wire = std::thread::spawn(move || {
        let (mut from_us, mut from_them) = (Decoder::default(), Decoder::default());
        while ended.try_recv().is_err() {
            forward(&mut ours, &mut theirs, &mut from_us);
            forward(&mut theirs, &mut ours, &mut from_them);
        }
    });
    let mut port = Slcan::open(&our_path, RATE, RunClock::start())?;
    let child = start_python(python, &their_path)?;
    for number in 0..MANY {
        assert_eq!(next(&mut port)?.kind, Kind::Data(frame(number)));
    }
    for number in 0..MANY {
        port.send(&frame(number))?;
    }
    let heard = said(child);
    drop(port);
    end.send(())?;
    wire.join().map_err(|_| "the wire panicked")?;
    heard
}

/// Passes frames on as they are, answers commands.
fn forward(from: &mut TTYPort, to: &mut TTYPort, decoder: &mut Decoder) {
    let mut buffer = [0; 4096];
    let count = read(from, &mut buffer);
    for byte in &buffer[..count] {
        let Some(piece) = decoder.push(*byte) else { continue };
        let Piece::Line(line) = piece else { panic!("{piece:?}") };
        match line.first() {
            Some(b't' | b'T') => write(to, &[line, b"\r"].concat()),
            Some(b'F') => write(from, b"F00\r"),
            // Neither puts times behind its frames, so there are none to be had.
            Some(b'Z') => write(from, b"\x07"),
            _ => write(from, b"\r"),
        }
    }
}

pub(crate) fn python_and_adapter(python: &Path) -> Result<(), Failed> {
    let adapter = Simulated::start();
    let child = start_python(python, &adapter.path)?;
    assert_eq!(adapter.request(), Request::Open { rate: RATE, listen_only: false });
    for number in 0..MANY {
        assert_eq!(adapter.request(), Request::Send(Carried::Data(frame(number))));
    }
    for number in 0..MANY {
        adapter.tell(Event::Bus(Micros::ZERO, Carried::Data(frame(number))));
    }
    said(child)
}
