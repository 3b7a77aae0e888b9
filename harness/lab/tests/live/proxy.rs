//! Wires that fail: between driver and peer, over TCP and over a serial port.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::fs::{Mode as Permissions, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

/// What a wire does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Mode {
    /// as it should
    Whole,
    /// it was cut once: what is connected now is lost, what connects later is not
    Cut,
    /// what is connected now ends with a reset (RST), what connects later is whole
    Reset,
    /// it is cut
    Dead,
    /// nothing comes back
    Mute,
}

const STEP: Duration = Duration::from_millis(5);

/// A TCP connection that fails on demand.
pub(crate) struct Tcp {
    address: SocketAddr,
    mode: Arc<AtomicU8>,
}

impl Tcp {
    pub(crate) fn to(peer: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("its address");
        let mode = Arc::new(AtomicU8::new(Mode::Whole as u8));
        let shared = mode.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if shared.load(Ordering::SeqCst) == Mode::Dead as u8 {
                    continue;
                }
                let Ok(server) = TcpStream::connect(peer) else { continue };
                // It was cut before this one came.
                for cut in [Mode::Cut as u8, Mode::Reset as u8] {
                    let whole = Mode::Whole as u8;
                    let _ = shared.compare_exchange(cut, whole, Ordering::SeqCst, Ordering::SeqCst);
                }
                let back = (server.try_clone().expect("a handle"), client.try_clone().expect("a handle"));
                let (one, other) = (shared.clone(), shared.clone());
                std::thread::spawn(move || pass(client, server, &one, false));
                std::thread::spawn(move || pass(back.0, back.1, &other, true));
            }
        });
        Self { address, mode }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn set(&self, mode: Mode) {
        self.mode.store(mode as u8, Ordering::SeqCst);
    }

    /// Whether somebody has connected since it was cut or reset.
    pub(crate) fn was_made_again(&self) -> bool {
        self.mode.load(Ordering::SeqCst) == Mode::Whole as u8
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, mode: &AtomicU8, is_answer: bool) {
    let _ = from.set_read_timeout(Some(STEP));
    let _ = to.set_nodelay(true);
    let mut buffer = [0; 1024];
    loop {
        let is = mode.load(Ordering::SeqCst);
        if is == Mode::Cut as u8 || is == Mode::Dead as u8 {
            break;
        }
        if is == Mode::Reset as u8 {
            // A socket that is closed with bytes that nobody has read is a reset one, once both threads have let go of it.
            let ends = Instant::now() + Duration::from_secs(20);
            while !is_answer && Instant::now() < ends {
                std::thread::sleep(STEP * 4);
                if from.peek(&mut buffer).is_ok_and(|many| many > 0) {
                    break;
                }
            }
            return;
        }
        match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(_) if is_answer && is == Mode::Mute as u8 => {}
            Ok(many) if to.write_all(&buffer[..many]).is_err() => break,
            Ok(_) => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => break,
        }
    }
    let _ = from.shutdown(std::net::Shutdown::Both);
    let _ = to.shutdown(std::net::Shutdown::Both);
}

/// A serial port that can be unplugged.
pub(crate) struct SerialPort {
    path: PathBuf,
    unplugged: Arc<AtomicBool>,
    master: Arc<Mutex<Option<File>>>,
}

impl SerialPort {
    pub(crate) fn to(peer: &str) -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = openpt(flags).expect("a terminal");
        grantpt(&master).expect("granted");
        unlockpt(&master).expect("unlocked");
        let path =
            PathBuf::from(ptsname(&master, Vec::new()).expect("a name").to_string_lossy().into_owned());
        let held =
            rustix::fs::open(&path, OFlags::RDWR | OFlags::NOCTTY, Permissions::empty()).expect("open");
        let mut settings = tcgetattr(&held).expect("its settings");
        settings.make_raw();
        tcsetattr(&held, OptionalActions::Now, &settings).expect("raw");
        rustix::io::ioctl_fionbio(&master, true).expect("does not block");
        let port = serialport::new(peer, 115_200).timeout(STEP).open().expect("the peer");
        let unplugged = Arc::new(AtomicBool::new(false));
        let master = Arc::new(Mutex::new(Some(File::from(master))));
        let (stop, wire) = (unplugged.clone(), master.clone());
        std::thread::spawn(move || {
            let (mut port, _held) = (port, held);
            let mut buffer = [0; 1024];
            while !stop.load(Ordering::SeqCst) {
                let mut wire = wire.lock().expect("alive");
                let Some(wire) = wire.as_mut() else { return };
                if let Ok(many) = port.read(&mut buffer) {
                    let _ = wire.write_all(&buffer[..many]);
                }
                if let Ok(many) = wire.read(&mut buffer) {
                    let _ = port.write_all(&buffer[..many]);
                }
            }
        });
        Self { path, unplugged, master }
    }

    pub(crate) fn path(&self) -> String {
        self.path.to_string_lossy().into_owned()
    }

    pub(crate) fn unplug(&self) {
        self.unplugged.store(true, Ordering::SeqCst);
        drop(self.master.lock().expect("alive").take());
    }
}

impl Drop for SerialPort {
    fn drop(&mut self) {
        self.unplug();
    }
}
