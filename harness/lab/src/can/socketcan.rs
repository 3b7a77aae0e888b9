//! An interface of the Linux kernel.
//!
//! The socket blocks in `ppoll` with a deadline. One thread per bus is enough for any bus there is, and a runtime
//! would only put its own wake-ups between the kernel's time of reception and the reader.

use std::fs;
use std::io::{self, IoSliceMut};
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::time::{Duration, Instant, SystemTime};

use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, send};
use nix::sys::time::TimeSpec;
use proto::bus::BusState;
use proto::frame::{CanId, Frame};
use proto::quantity::{BitRate, Micros};
use socketcan::nl::CanState;
use socketcan::{CanAddr, CanFilter, CanInterface, CanSocket, Socket as _, SocketOptions as _};

use super::kernel_clock::KernelClock;
use super::losses::Losses;
use super::{CanError, CanPort, Counters, Kind, PortInfo, Received, RunClock, SEND_WITHIN, kernel_frame};

/// Bytes of the receive queue that are asked for, as the kernel counts them; a frame counts for some 800. It gives what
/// `net.core.rmem_max` allows, with the default of 208 KiB some 500 frames: 120 ms of a bus that is full.
const RECEIVE_QUEUE: i32 = 4 << 20;

/// How long to wait before a frame is handed over again to a full queue: half of the shortest frame at 500 kbit/s.
const RETRY: Duration = Duration::from_micros(50);

/// `SK_MEMINFO_DROPS` of `linux/sock_diag.h`: where `SO_MEMINFO` has the number of frames dropped.
const DROPS: usize = 8;

/// A CAN interface, open.
#[derive(Debug)]
pub struct SocketCan {
    name: String,
    socket: CanSocket,
    interface: CanInterface,
    expected: BitRate,
    clock: KernelClock,
    run: RunClock,
    control: Vec<u8>,
    losses: Losses,
    /// what was read behind a loss that is reported first
    held: Option<Received>,
}

impl SocketCan {
    /// Opens an interface, for all frames and all error frames.
    ///
    /// # Errors
    /// When it is missing, down, none of CAN, or set to another bit rate than `expected`. A virtual one has no bit rate
    /// and is taken as it is.
    pub fn open(name: &str, expected: BitRate, run: RunClock) -> Result<Self, CanError> {
        let failed = |what| move |source| system(name, what, source);
        let interface = match CanInterface::open(name) {
            Ok(interface) => interface,
            Err(_) => return Err(CanError::Missing { port: name.to_owned(), there: interfaces() }),
        };
        if !is_can(name) {
            return Err(CanError::NotCan { port: name.to_owned(), there: interfaces() });
        }
        let details = interface.details().map_err(io::Error::other).map_err(failed("ask for its state"))?;
        if !details.is_up {
            return Err(CanError::Down { port: name.to_owned(), expected });
        }
        let found = details.can.bit_timing.map(|timing| bit_rate(timing.bitrate));
        if let Some(found) = found.filter(|found| *found != expected) {
            return Err(CanError::BitRate { port: name.to_owned(), found, expected });
        }
        let clock = KernelClock::open(run);
        let socket = CanSocket::open_addr(&CanAddr::new(details.index)).map_err(failed("open a socket"))?;
        configure(&socket).map_err(failed("set up the socket"))?;
        Ok(Self {
            name: name.to_owned(),
            socket,
            interface,
            expected,
            clock,
            run,
            control: nix::cmsg_space!(TimeSpec, u32),
            losses: Losses::default(),
            held: None,
        })
    }

    /// Hears only these identifiers from now on; error frames always.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn hear_only(&self, ids: &[CanId]) -> Result<(), CanError> {
        let filter = |id: &CanId| CanFilter::new(kernel_frame::id_word(*id), kernel_frame::filter_mask(*id));
        let filters: Vec<CanFilter> = ids.iter().map(filter).collect();
        self.socket.set_filters(&filters).map_err(|source| system(&self.name, "set filters", source))
    }

    /// Waits until something can be read, or the deadline has passed.
    fn wait(&self, deadline: Micros) -> Result<bool, CanError> {
        let mut polled = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
        match ppoll(&mut polled, Some(TimeSpec::from_duration(self.run.until(deadline))), None) {
            Ok(ready) => Ok(ready > 0),
            // A signal: whoever calls looks at the clock again.
            Err(Errno::EINTR) => Ok(false),
            Err(errno) => Err(system(&self.name, "wait for frames", errno.into())),
        }
    }

    /// Reads one frame, where there is one.
    fn read(&mut self) -> Result<Option<Received>, CanError> {
        let mut frame = [0; kernel_frame::SIZE];
        let mut dropped = None;
        let mut stamp = None;
        let mut parts = [IoSliceMut::new(&mut frame)];
        let fd = self.socket.as_raw_fd();
        let got = match recvmsg::<()>(fd, &mut parts, Some(&mut self.control), MsgFlags::MSG_DONTWAIT) {
            Ok(message) => {
                for control in message.cmsgs().into_iter().flatten() {
                    match control {
                        ControlMessageOwned::ScmTimestampns(at) => stamp = Some(at),
                        ControlMessageOwned::RxqOvfl(count) => dropped = Some(count),
                        _ => {}
                    }
                }
                message.bytes
            }
            Err(Errno::EAGAIN | Errno::EINTR) => return Ok(None),
            Err(Errno::ENETDOWN) => return Err(CanError::WentDown { port: self.name.clone() }),
            Err(errno) => return Err(system(&self.name, "read a frame", errno.into())),
        };
        let kind = if got == kernel_frame::SIZE { kernel_frame::read(&frame) } else { None };
        let Some(kind) = kind else {
            let source = io::Error::new(io::ErrorKind::InvalidData, format!("{got} bytes are no CAN frame"));
            return Err(system(&self.name, "read a frame", source));
        };
        let at = match stamp {
            Some(at) => self.clock.at(SystemTime::UNIX_EPOCH + Duration::from(at)),
            None => self.clock.now(),
        };
        if matches!(kind, Kind::Error(error) if error.tells_loss()) {
            self.losses.of_the_controller();
        }
        let received = Received { at, kind };
        let Some(lost) = dropped.and_then(|count| self.losses.more(count)) else { return Ok(Some(received)) };
        self.held = Some(received);
        Ok(Some(Received { at, kind: Kind::Overflow(lost) }))
    }

    /// The kernel's count now: a frame carries it only when it comes behind the loss, and none may come.
    fn drops(&self) -> Option<u32> {
        let mut words = [0; 4 * (DROPS + 1)];
        let read = self.socket.get_socket_option_bytes(libc::SOL_SOCKET, libc::SO_MEMINFO, &mut words);
        // Kernels before 4.12 do not tell; the next frame will.
        let told = read.is_ok_and(|bytes| bytes == words.len());
        let word = words.last_chunk::<4>().filter(|_| told)?;
        Some(u32::from_ne_bytes(*word))
    }
}

impl CanPort for SocketCan {
    fn next(&mut self, deadline: Micros) -> Result<Option<Received>, CanError> {
        if let Some(held) = self.held.take() {
            return Ok(Some(held));
        }
        loop {
            if let Some(received) = self.read()? {
                return Ok(Some(received));
            }
            if !self.wait(deadline)? && self.run.now() >= deadline {
                let lost = self.drops().and_then(|count| self.losses.more(count));
                return Ok(lost.map(|lost| Received { at: self.clock.now(), kind: Kind::Overflow(lost) }));
            }
        }
    }

    fn send(&mut self, frame: &Frame) -> Result<(), CanError> {
        let bytes = kernel_frame::write(frame);
        let give_up = Instant::now() + Duration::from_micros(SEND_WITHIN.0);
        loop {
            match send(self.socket.as_raw_fd(), &bytes, MsgFlags::MSG_DONTWAIT) {
                Ok(_) => return Ok(()),
                Err(Errno::ENOBUFS | Errno::EAGAIN | Errno::EINTR) if Instant::now() < give_up => {
                    std::thread::sleep(RETRY);
                }
                Err(Errno::ENOBUFS | Errno::EAGAIN | Errno::EINTR) => {
                    return Err(CanError::QueueFull { port: self.name.clone() });
                }
                Err(Errno::ENETDOWN) => return Err(CanError::WentDown { port: self.name.clone() }),
                Err(errno) => return Err(system(&self.name, "send a frame", errno.into())),
            }
        }
    }

    fn info(&mut self) -> Result<PortInfo, CanError> {
        let told = self.interface.details().map_err(io::Error::other);
        let told = told.map_err(|source| system(&self.name, "ask for its state", source))?;
        if !told.is_up {
            return Err(CanError::Down { port: self.name.clone(), expected: self.expected });
        }
        Ok(PortInfo {
            name: self.name.clone(),
            bit_rate: told.can.bit_timing.map(|timing| bit_rate(timing.bitrate)),
            state: told.can.state.and_then(state),
            counters: told.can.berr_counter.map(|count| Counters { tx: count.txerr, rx: count.rxerr }),
            lost: self.losses.total(),
            notes: Vec::new(),
        })
    }
}

fn configure(socket: &CanSocket) -> io::Result<()> {
    socket.set_error_filter_accept_all()?;
    socket.set_recv_timestamp(true)?;
    socket.set_socket_option_int(libc::SOL_SOCKET, libc::SO_RXQ_OVFL, 1)?;
    // Only an administrator may have more than `rmem_max`; others get that.
    if socket.set_socket_option_int(libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, RECEIVE_QUEUE).is_err() {
        socket.set_socket_option_int(libc::SOL_SOCKET, libc::SO_RCVBUF, RECEIVE_QUEUE)?;
    }
    Ok(())
}

fn bit_rate(bits_per_second: u32) -> BitRate {
    BitRate(f64::from(bits_per_second) / 1000.0)
}

/// Nothing where the controller takes no part in a bus at all.
fn state(state: CanState) -> Option<BusState> {
    match state {
        CanState::ErrorActive => Some(BusState::ErrorActive),
        CanState::ErrorWarning => Some(BusState::ErrorWarning),
        CanState::ErrorPassive => Some(BusState::ErrorPassive),
        CanState::BusOff => Some(BusState::BusOff),
        CanState::Stopped | CanState::Sleeping => None,
    }
}

/// `ARPHRD_CAN` of `linux/if_arp.h`, as sysfs prints the type of an interface.
const CAN_TYPE: &str = "280";

fn is_can(name: &str) -> bool {
    fs::read_to_string(format!("/sys/class/net/{name}/type")).is_ok_and(|kind| kind.trim() == CAN_TYPE)
}

/// The CAN interfaces of this machine.
fn interfaces() -> Vec<String> {
    let entries = fs::read_dir("/sys/class/net").into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| is_can(name))
        .collect();
    names.sort();
    names
}

/// The error of what the system said.
fn system(port: &str, what: &'static str, source: io::Error) -> CanError {
    let port = port.to_owned();
    match source.raw_os_error() {
        Some(libc::EAFNOSUPPORT | libc::EPROTONOSUPPORT | libc::ESOCKTNOSUPPORT) => {
            CanError::NoKernelCan { port }
        }
        Some(libc::EPERM | libc::EACCES) => CanError::Permission {
            port,
            remedy: "a container needs the capability NET_RAW and the host's network",
        },
        _ => CanError::System { port, what, source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: BitRate = BitRate(500.0);

    #[test]
    fn an_interface_that_is_missing_is_named() {
        let error = SocketCan::open("busbar9", RATE, RunClock::start()).expect_err("no such interface");
        assert!(matches!(&error, CanError::Missing { port, .. } if port == "busbar9"), "{error}");
    }

    #[test]
    fn an_interface_of_another_kind_is_refused() {
        let error = SocketCan::open("lo", RATE, RunClock::start()).expect_err("no CAN");
        assert!(matches!(error, CanError::NotCan { .. }), "{error}");
    }

    #[test]
    fn what_the_system_says_is_explained() {
        let error = |errno| system("can0", "open a socket", io::Error::from_raw_os_error(errno));
        assert!(matches!(error(libc::EAFNOSUPPORT), CanError::NoKernelCan { .. }));
        assert!(matches!(error(libc::EPERM), CanError::Permission { .. }));
        assert!(matches!(error(libc::ENOMEM), CanError::System { .. }));
    }
}
