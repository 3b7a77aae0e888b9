//! Wires between a run and the instruments of a served rig, which fail in a chosen way from a chosen moment on.

use std::collections::HashMap;
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sim::served::pty::Pty;

/// What a wire does, or what is done to the run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Does {
    /// nothing comes back
    Silent,
    /// everything comes back, so many ms late
    Late(u64),
    /// as many bytes of nobody
    Garbage,
    /// half of it
    Half,
    /// these before it
    Insert(&'static [u8]),
    /// what is asked comes back too
    Echo,
    /// it comes twice
    Twice,
    /// a byte each so many ms
    Bytewise(u64),
    /// what came before for the same question, or in the same frame
    Frozen,
    /// the same of what begins so
    FrozenWhere(&'static [u8]),
    /// nothing but zeros
    Zero,
    /// these bits of every byte of data the other way, or set where all are
    Flip(u8),
    /// numbers, or voltages, so many times as high
    Scale(f64),
    /// this in place of it
    Replace(&'static [u8]),
    /// it is gone for ever
    Cut,
    /// it is gone for so many ms
    CutFor(u64),
    /// it is cut, and may be connected again at once
    CutOnce,
    /// what connects is closed at once, for so many ms
    Closed(u64),
    /// nothing gets there, for so many ms
    Deaf(u64),
    /// nothing passes, either way, for so many ms
    Hang(u64),
    /// the run may open no more files
    Files,
    /// the run may write no more
    FileSize,
    /// the run is stopped for a while
    Stopped,
    /// its folder is removed
    Removed,
}

impl Does {
    /// How long no command gets there.
    pub(crate) const fn gone(self) -> Option<u64> {
        match self {
            Self::CutFor(ms) | Self::Closed(ms) | Self::Deaf(ms) | Self::Hang(ms) => Some(ms),
            _ => None,
        }
    }

    const fn cuts(self) -> bool {
        matches!(self, Self::Cut | Self::CutFor(_) | Self::CutOnce | Self::Closed(_))
    }
}

/// What lines look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Modbus,
    Slcan,
}

/// What a wire does, and since when.
pub(crate) struct Wire {
    kind: Kind,
    ends: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    does: Option<(Does, Instant)>,
    /// the last question, and what came for each
    asked: Vec<u8>,
    before: HashMap<Vec<u8>, Vec<u8>>,
}

impl Wire {
    fn new(kind: Kind) -> Arc<Self> {
        Arc::new(Self { kind, ends: AtomicBool::new(false), state: Mutex::default() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set(&self, does: Option<Does>) {
        self.state().does = does.map(|does| (does, Instant::now()));
    }

    pub(crate) fn end(&self) {
        self.ends.store(true, Ordering::Relaxed);
    }

    /// What it does now; one that was gone is back after its time.
    fn now(&self) -> Option<(Does, Instant)> {
        let is_over = |(does, since): &(Does, Instant)| {
            does.gone().is_some_and(|ms| since.elapsed() >= Duration::from_millis(ms))
        };
        self.state().does.filter(|does| !is_over(does))
    }

    fn takes_connections(&self) -> bool {
        self.now().is_none_or(|(does, _)| !matches!(does, Does::Cut | Does::CutFor(_) | Does::Closed(_)))
    }

    /// Carries bytes towards the instrument, and what it does with them back.
    fn ask(&self, bytes: &[u8], there: &mut impl Write, back: &mut impl Write) -> std::io::Result<()> {
        self.state().asked = bytes.to_vec();
        match self.now() {
            Some((Does::Deaf(_) | Does::Hang(_), _)) => Ok(()),
            Some((Does::Echo, _)) => {
                let _ = back.write_all(bytes);
                there.write_all(bytes)
            }
            _ => there.write_all(bytes),
        }
    }

    /// Carries bytes back from the instrument.
    fn answer(&self, bytes: &[u8], back: &mut impl Write) -> std::io::Result<()> {
        let end = if self.kind == Kind::Slcan { b'\r' } else { b'\n' };
        if self.kind == Kind::Modbus {
            return self.message(bytes, back);
        }
        bytes.split_inclusive(|&byte| byte == end).try_for_each(|line| self.message(line, back))
    }

    fn message(&self, bytes: &[u8], back: &mut impl Write) -> std::io::Result<()> {
        let Some((does, _)) = self.now() else {
            let mut state = self.state();
            let key = state.key(self.kind, bytes);
            state.before.insert(key, bytes.to_vec());
            drop(state);
            return back.write_all(bytes);
        };
        match does {
            Does::Silent | Does::Hang(_) => Ok(()),
            Does::Late(ms) => {
                std::thread::sleep(Duration::from_millis(ms));
                back.write_all(bytes)
            }
            Does::Garbage => {
                let garbage: Vec<u8> = bytes
                    .iter()
                    .enumerate()
                    .map(|(k, byte)| byte.wrapping_mul(31) ^ k as u8 | 0x80)
                    .collect();
                back.write_all(&garbage)
            }
            Does::Half => back.write_all(&bytes[..bytes.len() / 2]),
            Does::Insert(more) => back.write_all(&[more, bytes].concat()),
            Does::Twice => back.write_all(&[bytes, bytes].concat()),
            Does::Bytewise(ms) => bytes.iter().try_for_each(|byte| {
                std::thread::sleep(Duration::from_millis(ms));
                back.write_all(&[*byte])
            }),
            Does::Replace(other) => back.write_all(&self.addressed(other)),
            Does::FrozenWhere(begins) if !self.state().asked.starts_with(begins) => back.write_all(bytes),
            Does::Frozen | Does::FrozenWhere(_) => {
                let mut state = self.state();
                let key = state.key(self.kind, bytes);
                let before = state.before.get(&key).cloned();
                drop(state);
                let mut frozen = before.unwrap_or_else(|| bytes.to_vec());
                if self.kind == Kind::Modbus {
                    // The number of the question is that of this one.
                    frozen[..2].copy_from_slice(&bytes[..2]);
                }
                back.write_all(&frozen)
            }
            Does::Zero => back.write_all(&self.changed(bytes, |_| 0)),
            Does::Flip(0xFF) => back.write_all(&self.changed(bytes, |_| 0xFF)),
            Does::Flip(bits) => back.write_all(&self.changed(bytes, |byte| byte ^ bits)),
            Does::Scale(by) => back.write_all(&self.scaled(bytes, by)),
            _ => back.write_all(bytes),
        }
    }

    /// An answer of Modbus that names the question which was asked last, where it names none.
    fn addressed(&self, other: &[u8]) -> Vec<u8> {
        let (mut other, asked) = (other.to_vec(), self.state().asked.clone());
        if self.kind == Kind::Modbus && other.starts_with(&[0, 0]) && asked.len() > 7 {
            other[..2].copy_from_slice(&asked[..2]);
            other[6] = asked[6];
            other[7] = asked[7] | 0x80;
        }
        other
    }

    /// The same with each byte of data changed.
    fn changed(&self, bytes: &[u8], change: impl Fn(u8) -> u8) -> Vec<u8> {
        match self.kind {
            Kind::Text => bytes
                .iter()
                .map(|&byte| if byte.is_ascii_digit() { b'0' + change(byte - b'0') % 10 } else { byte })
                .collect(),
            Kind::Modbus => {
                bytes.iter().enumerate().map(|(k, &byte)| if k < 9 { byte } else { change(byte) }).collect()
            }
            Kind::Slcan => of_frame(bytes, |_, data| data.iter_mut().for_each(|byte| *byte = change(*byte))),
        }
    }

    /// The same with numbers, or voltages, so many times as high.
    fn scaled(&self, bytes: &[u8], by: f64) -> Vec<u8> {
        match self.kind {
            Kind::Text => {
                let text = String::from_utf8_lossy(bytes);
                match text.trim().parse::<f64>() {
                    Ok(number) if number.abs() > 1.5 => format!("{}\n", number * by).into_bytes(),
                    _ => bytes.to_vec(),
                }
            }
            Kind::Modbus => {
                // Registers whose values are voltages of a system, in hundredths: 40 to 60 V.
                let mut bytes = bytes.to_vec();
                for cell in bytes.get_mut(9..).into_iter().flat_map(|data| data.chunks_exact_mut(2)) {
                    let value = u16::from_be_bytes([cell[0], cell[1]]);
                    if (4000..6000).contains(&value) {
                        let value = (f64::from(value) * by) as u16;
                        cell.copy_from_slice(&value.to_be_bytes());
                    }
                }
                bytes
            }
            Kind::Slcan => of_frame(bytes, |id, data| {
                let mut scale = |at: usize| {
                    if let Some(cell) = data.get_mut(at..at + 2) {
                        let value = f64::from(u16::from_le_bytes([cell[0], cell[1]])) * by;
                        cell.copy_from_slice(&(value as u16).to_le_bytes());
                    }
                };
                match id {
                    b"356" => scale(0),
                    b"373" if by > 1.0 => [0, 2].into_iter().for_each(&mut scale),
                    _ => {}
                }
            }),
        }
    }
}

impl State {
    /// What an answer is one to: a question, or an identifier.
    fn key(&mut self, kind: Kind, bytes: &[u8]) -> Vec<u8> {
        match kind {
            Kind::Text => self.asked.clone(),
            Kind::Modbus => self.asked.get(6..).unwrap_or_default().to_vec(),
            Kind::Slcan => bytes.get(..5).unwrap_or(bytes).to_vec(),
        }
    }
}

/// A frame of SLCAN with other data: `t356 8 …`.
fn of_frame(bytes: &[u8], change: impl FnOnce(&[u8], &mut [u8])) -> Vec<u8> {
    let (Some(b't'), Some(id), Some(rest)) = (bytes.first(), bytes.get(1..4), bytes.get(5..)) else {
        return bytes.to_vec();
    };
    let digits = rest.iter().take_while(|byte| byte.is_ascii_hexdigit()).count() / 2 * 2;
    let hex = String::from_utf8_lossy(&rest[..digits]).into_owned();
    let length = usize::from(bytes[4] - b'0').min(digits / 2);
    let pair = |k: usize| u8::from_str_radix(&hex[2 * k..2 * k + 2], 16).unwrap_or_default();
    let mut data: Vec<u8> = (0..length).map(pair).collect();
    change(id, &mut data);
    let data: String = data.iter().map(|byte| format!("{byte:02X}")).collect();
    [&bytes[..5], data.as_bytes(), &rest[2 * length..]].concat()
}

/// A wire of TCP to an instrument.
pub(crate) fn tcp(kind: Kind, peer: SocketAddr) -> (Arc<Wire>, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let (address, wire) = (listener.local_addr().expect("its address"), Wire::new(kind));
    let shared = wire.clone();
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            if shared.ends.load(Ordering::Relaxed) {
                return;
            }
            if !shared.takes_connections() {
                continue;
            }
            let Ok(server) = TcpStream::connect(peer) else { continue };
            let began = Instant::now();
            let back = (server.try_clone().expect("a handle"), client.try_clone().expect("a handle"));
            let (there, here) = (shared.clone(), shared.clone());
            std::thread::spawn(move || {
                pass(client, server, &there, began, |bytes, from, to, wire| wire.ask(bytes, to, from));
            });
            std::thread::spawn(move || {
                pass(back.0, back.1, &here, began, |bytes, _, to, wire| wire.answer(bytes, to));
            });
        }
    });
    (wire, address)
}

const STEP: Duration = Duration::from_millis(5);

type Carry = fn(&[u8], &mut TcpStream, &mut TcpStream, &Wire) -> std::io::Result<()>;

fn pass(mut from: TcpStream, mut to: TcpStream, wire: &Wire, began: Instant, carry: Carry) {
    let _ = from.set_read_timeout(Some(STEP));
    let _ = to.set_nodelay(true);
    let mut buffer = [0; 1024];
    // One that was connected before it was cut is cut.
    while !wire.now().is_some_and(|(does, since)| does.cuts() && began < since) {
        match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(many) => {
                if carry(&buffer[..many], &mut from, &mut to, wire).is_err() {
                    break;
                }
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => break,
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

/// A serial line to an adapter.
pub(crate) fn serial(kind: Kind, peer: &str) -> (Arc<Wire>, PathBuf) {
    let Pty { master, held, path } = Pty::open().expect("a terminal");
    let mut far = File::options().read(true).write(true).open(peer).expect("it opens");
    let (mut near, wire) = (master, Wire::new(kind));
    rustix::io::ioctl_fionbio(&near, true).expect("it does not block");
    rustix::io::ioctl_fionbio(&far, true).expect("it does not block");
    let shared = wire.clone();
    std::thread::spawn(move || {
        let mut half = Vec::new();
        while !shared.ends.load(Ordering::Relaxed) {
            if shared.now().is_some_and(|(does, _)| does.cuts()) {
                // Unplugged.
                drop((near, held));
                return;
            }
            let mut buffer = [0; 1024];
            let mut idle = true;
            if let Ok(many @ 1..) = near.read(&mut buffer) {
                idle = false;
                let mut back = near.try_clone().expect("a handle");
                let _ = shared.ask(&buffer[..many], &mut far, &mut back);
            }
            if let Ok(many @ 1..) = far.read(&mut buffer) {
                idle = false;
                half.extend(&buffer[..many]);
                // Whole lines only.
                if let Some(end) = half.iter().rposition(|byte| *byte == b'\r' || *byte == 7) {
                    let whole: Vec<u8> = half.drain(..=end).collect();
                    let _ = shared.answer(&whole, &mut near);
                }
            }
            if idle {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    });
    (wire, path)
}
