//! Adapters as they are sold: what their firmware does otherwise than the manual, each from the source that is named.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use lab::can::{CanError, CanPort, Kind, RunClock, Slcan};
use libtest_mimic::Failed;
use proto::bus::ErrorKind;
use proto::slcan::{BEL, CR, Carried, Command, Decoder, Piece, command, write};
use serialport::TTYPort;

use super::simulated::{Event, Simulated, frame, pair, read, write as send};
use super::{RATE, next};

/// How a firmware differs.
#[derive(Clone, Copy)]
struct Firmware {
    /// deaf for so long after the port is opened, and then this is said
    starts: (Duration, &'static str),
    /// what acknowledges; nothing where it does not
    acknowledges: &'static str,
    /// what `V` is answered with
    version: &'static str,
    /// what `F` is answered with; nothing where it is refused
    status: &'static str,
    /// whether NUL bytes stand before and behind each end of line
    pads: bool,
    /// of the commands of one packet only the first is seen
    one_a_packet: bool,
    /// whether a program before has left the channel open
    is_open: bool,
    /// whether a frame comes each 50 ms while the channel is open
    is_heard: bool,
}

const MANUAL: Firmware = Firmware {
    starts: (Duration::ZERO, ""),
    acknowledges: "\r",
    version: "V1013\r",
    status: "",
    pads: false,
    one_a_packet: false,
    is_open: false,
    is_heard: true,
};
/// normaldotcom/canable-fw, `slcan.c`: no command is answered but `V`, with the state of its repository.
const CANABLE: Firmware = Firmware {
    acknowledges: "",
    version: "v1.2-3-gabcdef0 github.com/normaldotcom/canable-fw.git\r",
    is_heard: false,
    ..MANUAL
};

/// An adapter in a thread.
struct Board {
    path: String,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    _open: File,
}

impl Board {
    fn of(firmware: Firmware) -> Self {
        let (device, path, open) = pair();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || play(device, firmware, &stopped));
        Self { path, stop, thread: Some(thread), _open: open }
    }

    fn open(&self) -> Result<Slcan, CanError> {
        Slcan::open(&self.path, RATE, RunClock::start())
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(matches!(ended, Some(Ok(()))) || std::thread::panicking(), "the board panicked");
    }
}

fn play(mut device: TTYPort, firmware: Firmware, stop: &AtomicBool) {
    let (mut decoder, mut is_open, mut has_rate) = (Decoder::default(), firmware.is_open, false);
    let (mut buffer, mut spoken_to, mut started) = ([0; 4096], None, false);
    let mut last = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        let count = read(&mut device, &mut buffer);
        if count > 0 {
            spoken_to.get_or_insert_with(Instant::now);
        }
        if spoken_to.is_none_or(|since| since.elapsed() < firmware.starts.0) {
            continue;
        }
        let mut out = Vec::new();
        if !started {
            started = true;
            out.extend(firmware.starts.1.as_bytes());
        }
        for byte in &buffer[..count] {
            let Some(Piece::Line(line)) = decoder.push(*byte) else { continue };
            let done = match command(line) {
                Ok(Command::Version) => {
                    out.extend(firmware.version.as_bytes());
                    continue;
                }
                Ok(Command::Flags) if !firmware.status.is_empty() => {
                    out.extend(firmware.status.as_bytes());
                    continue;
                }
                Ok(Command::Rate(6)) => {
                    has_rate |= !is_open;
                    !is_open
                }
                Ok(Command::Open) => {
                    let may = has_rate && !is_open;
                    is_open |= may;
                    may
                }
                Ok(Command::Close) => std::mem::take(&mut is_open),
                Ok(Command::Empty | Command::Send(_)) => true,
                _ => false,
            };
            match firmware.acknowledges {
                "" => {}
                word if done => out.extend(word.as_bytes()),
                _ => out.push(BEL),
            }
            if firmware.one_a_packet {
                decoder = Decoder::default();
                break;
            }
        }
        if is_open && firmware.is_heard && last.elapsed() > Duration::from_millis(50) {
            last = Instant::now();
            write(&mut out, &Carried::Data(frame(1)), None);
        }
        if firmware.pads {
            out = out.split_inclusive(|byte| *byte == CR).collect::<Vec<_>>().join(&[0, 0][..]);
            out.insert(0, 0);
        }
        send(&mut device, &out);
    }
}

pub(crate) fn every_kind_is_opened() -> Result<(), Failed> {
    let boot = "ets Jun  8 2016 00:22:57\r\n\r\nrst:0x1 (POWERON_RESET)\r\nload:0x3fff0030,len:1184\r\n";
    let kinds = [
        ("as the manual says", MANUAL),
        (
            "it resets when its port is opened",
            Firmware { starts: (Duration::from_millis(1500), boot), ..MANUAL },
        ),
        ("it answers with line feeds (normaldotcom/canable-fw#8)", Firmware { acknowledges: "\n", ..MANUAL }),
        ("it answers with CR LF (linux-can/can-utils#324)", Firmware { acknowledges: "\r\n", ..MANUAL }),
        ("one command a packet (UCCBEmbedded#3)", Firmware { one_a_packet: true, ..MANUAL }),
        ("NUL bytes between its lines", Firmware { pads: true, ..MANUAL }),
        // The register of its controller, whose bits mean something else than the flags of the manual.
        ("its status has no F (EasySYNC USB2-F-7x01, p. 27)", Firmware { status: "20\r", ..MANUAL }),
        ("its channel is open still", Firmware { is_open: true, ..MANUAL }),
        ("nothing is acknowledged, with frames", Firmware { version: "", is_heard: true, ..CANABLE }),
    ];
    for (kind, firmware) in kinds {
        let board = Board::of(firmware);
        let mut port = board.open().map_err(|error| format!("{kind}: {error}"))?;
        assert_eq!(next(&mut port)?.kind, Kind::Data(frame(1)), "{kind}");
        let info = port.info()?;
        assert_eq!(
            (info.lost, info.state, info.notes.len()),
            (0, None, usize::from(!port_answers(kind))),
            "{kind}"
        );
    }
    Ok(())
}

/// Whether a kind acknowledges: of one that does not the port says so.
fn port_answers(kind: &str) -> bool {
    !kind.starts_with("nothing is acknowledged")
}

/// Flags that nobody asked for, of an adapter that refuses the question: an error frame with what they say, no loss, and no
/// state, since nothing tells when it changes.
pub(crate) fn flags_unasked() -> Result<(), Failed> {
    let adapter = Simulated::start();
    let mut port = adapter.open();
    adapter.tell(Event::Bytes(b"F20\r".to_vec()));
    let Kind::Error(error) = next(&mut port)?.kind else { return Err("no error frame".into()) };
    assert!(error.kinds().any(|kind| kind == ErrorKind::Passive), "{error:?}");
    adapter.tell(Event::Bus(proto::quantity::Micros::ZERO, Carried::Data(frame(1))));
    assert_eq!(next(&mut port)?.kind, Kind::Data(frame(1)));
    assert_eq!((port.info()?.lost, port.info()?.notes.len()), (0, 0));
    Ok(())
}

pub(crate) fn mute_but_heard() -> Result<(), Failed> {
    let board = Board::of(CANABLE);
    let mut port = board.open()?;
    let notes = port.info()?.notes;
    assert!(notes[0].starts_with("it acknowledges nothing"), "{notes:?}");
    assert_eq!(port.info()?.state, None);
    let board = Board::of(Firmware { version: "", ..CANABLE });
    let error = board.open().expect_err("it neither answers nor passes a frame");
    assert!(error.to_string().contains("no frame was heard either"), "{error}");
    Ok(())
}

pub(crate) fn log_between_frames() -> Result<(), Failed> {
    let adapter = Simulated::start();
    let mut port = adapter.open();
    for line in [
        "I (1203) twai: alerts 0x20\r\n",
        "E (99) feed me\r",
        "a very long line of somebody's log, longer than a frame\n",
    ] {
        adapter.tell(Event::Bytes(line.as_bytes().to_vec()));
    }
    adapter.tell(Event::Bytes(b"t10Z21133\r".to_vec()));
    assert_eq!(next(&mut port)?.kind, Kind::Overflow(1), "a damaged frame is one");
    let info = port.info()?;
    assert_eq!(info.lost, 1);
    assert!(info.notes[0].contains("`I (1203) twai: alerts 0x20` first, 3 times"), "{:?}", info.notes);
    Ok(())
}

pub(crate) fn bell() -> Result<(), Failed> {
    let adapter = Simulated::start();
    let mut port = adapter.open();
    adapter.tell(Event::Bytes(vec![BEL, BEL, CR]));
    adapter.tell(Event::Bus(proto::quantity::Micros::ZERO, Carried::Data(frame(1))));
    assert_eq!(next(&mut port)?.kind, Kind::Data(frame(1)));
    assert!(port.info()?.notes[0].contains("`BEL` first, 2 times"));
    Ok(())
}
