//! A wire that spoils answers, and a relay board, each in threads that end with their connections.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What happens to an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Swallow,
    SwallowWrites,
    Slow(Duration),
    Reset,
    Close,
    MidAnswer,
    Doubled,
    Bytewise,
    UnitZero,
    OtherUnit,
    OtherTransaction,
    OtherFunction,
    Fewer,
    Words,
    /// this exception in place of the answer
    Exception(u8),
}

/// Between a driver and a GX.
#[derive(Debug)]
pub(super) struct Faulty {
    listener: TcpListener,
    /// what happens, and to how many answers
    mode: Arc<Mutex<(Mode, u32)>>,
}

impl Faulty {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        Self { listener, mode: Arc::new(Mutex::new((Mode::Swallow, 0))) }
    }

    /// Where to connect instead of to the GX.
    pub(super) fn to(&self, gx: SocketAddr) -> String {
        let (listener, mode) = (self.listener.try_clone().expect("a socket"), self.mode.clone());
        // It waits for the next connection until the process ends.
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let mode = mode.clone();
                std::thread::spawn(move || pass(near, gx, &mode));
            }
        });
        self.listener.local_addr().expect("bound").to_string()
    }

    pub(super) fn spoil(&self, mode: Mode, times: u32) {
        *self.mode.lock().expect("nobody panicked") = (mode, times);
    }

    /// How many answers are still to be spoiled.
    pub(super) fn left(&self) -> u32 {
        self.mode.lock().expect("nobody panicked").1
    }
}

/// One message of Modbus-TCP.
fn message(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; 6];
    stream.read_exact(&mut bytes)?;
    let length = usize::from(u16::from_be_bytes([bytes[4], bytes[5]]));
    bytes.resize(6 + length, 0);
    stream.read_exact(&mut bytes[6..])?;
    Ok(bytes)
}

fn take(mode: &Mutex<(Mode, u32)>, function: u8) -> Option<Mode> {
    let mut mode = mode.lock().expect("nobody panicked");
    let (what, times) = *mode;
    if times == 0 || (what == Mode::SwallowWrites && function < 6) {
        return None;
    }
    mode.1 -= 1;
    Some(what)
}

fn pass(mut near: TcpStream, gx: SocketAddr, mode: &Mutex<(Mode, u32)>) -> io::Result<()> {
    let mut far = TcpStream::connect(gx)?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    loop {
        let mut seen = [0; 8];
        // Bytes that nobody has read make a closed connection a reset one.
        while near.peek(&mut seen)? < seen.len() {
            std::thread::sleep(Duration::from_millis(1));
        }
        let spoiled = take(mode, seen[7]);
        if spoiled == Some(Mode::Reset) {
            return Ok(());
        }
        far.write_all(&message(&mut near)?)?;
        let mut answer = message(&mut far)?;
        match spoiled {
            None | Some(Mode::Reset) => {}
            Some(Mode::Swallow | Mode::SwallowWrites) => continue,
            Some(Mode::Slow(by)) => std::thread::sleep(by),
            Some(Mode::Close) => return Ok(()),
            Some(Mode::MidAnswer) => return near.write_all(&answer[..answer.len() / 2]),
            Some(Mode::Doubled) => answer.extend_from_within(..),
            Some(Mode::Bytewise) => {
                for byte in &answer {
                    near.write_all(&[*byte])?;
                    std::thread::sleep(Duration::from_millis(1));
                }
                continue;
            }
            Some(Mode::UnitZero) => answer[6] = 0,
            Some(Mode::OtherUnit) => answer[6] ^= 1,
            Some(Mode::OtherTransaction) => answer[1] ^= 0x40,
            Some(Mode::OtherFunction) => answer[7] = 4,
            Some(Mode::Fewer) => {
                answer.truncate(answer.len() - 2);
                answer[5] -= 2;
                answer[8] -= 2;
            }
            Some(Mode::Exception(code)) => {
                answer.truncate(8);
                answer[5] = 3;
                answer[7] |= 0x80;
                answer.push(code);
            }
            Some(Mode::Words) => answer = b"HTTP/1.1 400 Bad Request\r\n\r\n".repeat(999),
        }
        near.write_all(&answer)?;
    }
}

/// Eight coils behind functions 1 and 5; coil 7 acknowledges and stays as it is.
pub(super) fn relay_board() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("bound");
    std::thread::spawn(move || {
        let mut coils = [false; 8];
        for mut stream in listener.incoming().flatten() {
            while let Ok(mut bytes) = message(&mut stream) {
                let coil = usize::from(bytes[9]);
                if bytes[7] == 5 {
                    coils[coil] = coil != 7 && bytes[10] == 0xFF;
                } else {
                    bytes[5] = 4;
                    bytes.truncate(8);
                    bytes.extend([1, u8::from(coils[coil])]);
                }
                let _ = stream.write_all(&bytes);
            }
        }
    });
    address
}
