//! An adapter at the far end of a pseudo-terminal.

use std::fs::File;
use std::io::{ErrorKind, Read as _, Write as _};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use lab::can::{RunClock, Slcan};
use proto::frame::{CanId, Frame};
use proto::quantity::Micros;
use proto::slcan::{Adapter, Carried, Flags, Request};
use serialport::{SerialPort, TTYPort};

use super::RATE;

/// An adapter in a thread of its own, at the far end of a pseudo-terminal.
pub(crate) struct Simulated {
    pub(crate) path: String,
    to_host: Sender<Event>,
    requests: Receiver<Request>,
    thread: Option<JoinHandle<()>>,
    _open: File,
}

pub(crate) enum Event {
    Bus(Micros, Carried),
    Raise(Flags),
    Bytes(Vec<u8>),
    /// no more answers; only [`Event::Bytes`] are passed on
    Hang,
    End,
}

/// A pseudo-terminal: the device's end, the path by which a host opens the other one, and that other end held open,
/// so that the device does not see hosts come and go.
pub(crate) fn pair() -> (TTYPort, String, File) {
    let (mut device, mut host) = TTYPort::pair().expect("a pseudo-terminal");
    device.set_timeout(Duration::from_millis(2)).expect("a time-out");
    host.set_exclusive(false).expect("others may open it");
    let path = host.name().expect("it has a path");
    let open = File::open(&path).expect("it is there");
    (device, path, open)
}

impl Simulated {
    pub(crate) fn start() -> Self {
        let (device, path, open) = pair();
        let (to_host, events) = channel();
        let (wanted, requests) = channel();
        let thread = std::thread::spawn(move || play(device, &events, &wanted));
        Self { path, to_host, requests, thread: Some(thread), _open: open }
    }

    pub(crate) fn tell(&self, event: Event) {
        self.to_host.send(event).expect("the adapter runs");
    }

    pub(crate) fn open(&self) -> Slcan {
        let port = Slcan::open(&self.path, RATE, RunClock::start()).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(self.request(), Request::Open { rate: RATE, listen_only: false });
        port
    }

    pub(crate) fn request(&self) -> Request {
        self.requests.recv_timeout(Duration::from_secs(10)).expect("the host wants something of the bus")
    }
}

pub(crate) fn play(mut device: TTYPort, events: &Receiver<Event>, wanted: &Sender<Request>) {
    let (mut adapter, mut hung) = (Adapter::default(), false);
    let mut buffer = [0; 4096];
    loop {
        let mut out = Vec::new();
        let count = read(&mut device, &mut buffer);
        for byte in &buffer[..count] {
            if let Some(request) = adapter.host(*byte, &mut out) {
                // A test that has seen enough hears no more.
                let _ = wanted.send(request);
            }
        }
        for event in events.try_iter() {
            match event {
                Event::Bus(at, carried) => adapter.bus(at, &carried, &mut out),
                Event::Raise(flags) => adapter.raise(flags),
                Event::Bytes(bytes) if hung => write(&mut device, &bytes),
                Event::Bytes(bytes) => out.extend(bytes),
                Event::Hang => hung = true,
                Event::End => return,
            }
        }
        if !hung {
            write(&mut device, &out);
        }
    }
}

impl Drop for Simulated {
    fn drop(&mut self) {
        // It may have ended by a panic, which the join tells of.
        let _ = self.to_host.send(Event::End);
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(matches!(ended, Some(Ok(()))) || std::thread::panicking(), "the adapter panicked");
    }
}

pub(crate) fn read(device: &mut TTYPort, buffer: &mut [u8]) -> usize {
    match device.read(buffer) {
        Ok(count) => count,
        Err(error) if error.kind() == ErrorKind::TimedOut => 0,
        Err(error) => panic!("{error}"),
    }
}

/// Writes all, however slowly it is read.
pub(crate) fn write(device: &mut TTYPort, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        match device.write(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == ErrorKind::TimedOut => {}
            Err(error) => panic!("{error}"),
        }
    }
}

/// Frames that differ in everything: identifier, width, length, bytes.
pub(crate) fn frame(number: u32) -> Frame {
    let bytes = u64::from(number).wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes();
    let id = if number.is_multiple_of(5) {
        CanId::Extended(number.wrapping_mul(2_654_435_761) & 0x1FFF_FFFF)
    } else {
        CanId::Standard((number % 0x800) as u16)
    };
    Frame::new(id, &bytes[..(number % 9) as usize]).expect("in range")
}
