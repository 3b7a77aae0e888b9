//! Wires that fail on demand, between busbar and the instruments of a served rig.

use std::fs::File;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

/// What a wire does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Mode {
    /// as it should
    Whole,
    /// it was cut once: what connects later is whole
    Cut,
    /// every connection is closed as soon as it is made
    Closed,
    /// nothing comes back
    Silent,
    /// everything comes back, but three seconds later than it should
    Late,
    /// bytes of nobody are among those that come back
    Noisy,
    /// what is sent comes back as well
    Echo,
    /// the instrument behind was off and on again, and says so
    Restarted,
}

const STEP: Duration = Duration::from_millis(5);
const LATE: Duration = Duration::from_secs(3);

/// A TCP connection.
pub(crate) struct Tcp {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    mode: AtomicU8,
    /// the next answer is that of a supply which was off and on again (`*ESR?`, IEEE 488.2)
    power_on: AtomicBool,
}

impl State {
    fn is(&self, mode: Mode) -> bool {
        self.mode.load(Ordering::SeqCst) == mode as u8
    }
}

impl Tcp {
    pub(crate) fn to(peer: &str) -> Self {
        let peer: SocketAddr = peer.parse().expect("an address");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("its address");
        let mode = AtomicU8::new(Mode::Whole as u8);
        let state = Arc::new(State { mode, power_on: AtomicBool::new(false) });
        let shared = state.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if shared.is(Mode::Closed) {
                    continue;
                }
                if shared.is(Mode::Cut) {
                    shared.mode.store(Mode::Whole as u8, Ordering::SeqCst);
                }
                let Ok(server) = TcpStream::connect(peer) else { continue };
                let back = (server.try_clone().expect("a handle"), client.try_clone().expect("a handle"));
                let (there, here) = (shared.clone(), shared.clone());
                std::thread::spawn(move || pass(client, server, &there, asked));
                std::thread::spawn(move || pass(back.0, back.1, &here, answered));
            }
        });
        Self { address, state }
    }

    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    pub(crate) fn set(&self, mode: Mode) {
        self.state.mode.store(mode as u8, Ordering::SeqCst);
    }
}

/// What is done with bytes that came: first where they came from, then where they go.
type Carry = fn(&[u8], &mut TcpStream, &mut TcpStream, &State) -> std::io::Result<()>;

fn pass(mut from: TcpStream, mut to: TcpStream, state: &State, carry: Carry) {
    let _ = from.set_read_timeout(Some(STEP));
    let _ = to.set_nodelay(true);
    let mut buffer = [0; 1024];
    while !state.is(Mode::Cut) && !state.is(Mode::Closed) {
        match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(many) => {
                if carry(&buffer[..many], &mut from, &mut to, state).is_err() {
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

fn asked(bytes: &[u8], from: &mut TcpStream, to: &mut TcpStream, state: &State) -> std::io::Result<()> {
    if state.is(Mode::Restarted) && bytes.windows(5).any(|word| word == b"*ESR?") {
        state.set_once();
        to.write_all(b"OUTP OFF\n")?;
    }
    to.write_all(bytes)?;
    if state.is(Mode::Echo) {
        // Whoever sent it may not wait for it.
        let _ = from.write_all(bytes);
    }
    Ok(())
}

impl State {
    fn set_once(&self) {
        self.power_on.store(true, Ordering::SeqCst);
        self.mode.store(Mode::Whole as u8, Ordering::SeqCst);
    }
}

fn answered(bytes: &[u8], _: &mut TcpStream, to: &mut TcpStream, state: &State) -> std::io::Result<()> {
    if state.power_on.swap(false, Ordering::SeqCst) {
        return to.write_all(b"128\n");
    }
    if state.is(Mode::Silent) {
        return Ok(());
    }
    if state.is(Mode::Late) {
        std::thread::sleep(LATE);
    }
    if state.is(Mode::Noisy) {
        to.write_all(b"\xF0#7\0")?;
    }
    to.write_all(bytes)
}

/// A serial port that can be unplugged.
pub(crate) struct Serial {
    path: String,
    unplugged: Arc<AtomicBool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Serial {
    pub(crate) fn to(peer: &str) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a pty");
        grantpt(&master).expect("granted");
        unlockpt(&master).expect("unlocked");
        let path = ptsname(&master, Vec::new()).expect("a name").to_string_lossy().into_owned();
        let open = |path: &str| File::options().read(true).write(true).open(path).expect("it opens");
        let (held, mut far) = (open(&path), open(peer));
        let mut settings = tcgetattr(&held).expect("its settings");
        settings.make_raw();
        tcsetattr(&held, OptionalActions::Now, &settings).expect("raw");
        let mut near = File::from(master);
        rustix::io::ioctl_fionbio(&near, true).expect("it does not block");
        rustix::io::ioctl_fionbio(&far, true).expect("it does not block");
        let unplugged = Arc::new(AtomicBool::new(false));
        let stop = unplugged.clone();
        let thread = std::thread::spawn(move || {
            let _held = held;
            while !stop.load(Ordering::SeqCst) {
                if !(carry(&mut near, &mut far) | carry(&mut far, &mut near)) {
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
        });
        Self { path, unplugged, thread: Mutex::new(Some(thread)) }
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn unplug(&self) {
        self.unplugged.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.lock().expect("nobody panicked").take() {
            thread.join().expect("it ends");
        }
    }
}

/// Carries what is there; whether anything was. What a full terminal does not take is lost, as on a wire.
fn carry(from: &mut File, to: &mut File) -> bool {
    let mut buffer = [0; 1024];
    let Ok(many @ 1..) = from.read(&mut buffer) else { return false };
    let _ = to.write_all(&buffer[..many]);
    true
}

impl Drop for Serial {
    fn drop(&mut self) {
        self.unplugged.store(true, Ordering::SeqCst);
    }
}
