//! What the tests do to the guest, and how they hear of it.

use std::process::{Child, Command, Stdio};

use lab::can::{CanPort, Received, RunClock, SocketCan};
use libtest_mimic::Failed;
use proto::frame::{CanId, Frame};
use proto::quantity::{BitRate, Micros};

pub(crate) type Outcome = Result<(), Failed>;

/// What the interfaces of the guest are set to.
pub(crate) const RATE: BitRate = BitRate(500.0);

/// Opens an interface at its usual bit rate.
pub(crate) fn open(name: &str) -> Result<SocketCan, Failed> {
    Ok(SocketCan::open(name, RATE, RunClock::start())?)
}

/// Runs `ip` with words.
pub(crate) fn ip(words: &str) -> Outcome {
    let done = Command::new("ip").args(words.split(' ')).output()?;
    if done.status.success() {
        return Ok(());
    }
    Err(format!("ip {words}: {}", String::from_utf8_lossy(&done.stderr)).into())
}

/// Runs `cansend`.
pub(crate) fn cansend(interface: &str, frame: &str) -> Outcome {
    let status = Command::new("cansend").args([interface, frame]).status()?;
    if status.success() { Ok(()) } else { Err(format!("cansend {interface} {frame}: {status}").into()) }
}

/// A program of can-utils that runs beside the test, and ends with it.
pub(crate) struct Beside(pub(crate) Child);

impl Beside {
    pub(crate) fn start(program: &str, words: &str) -> Result<Self, Failed> {
        let mut command = Command::new(program);
        command.args(words.split(' ')).stdin(Stdio::piped()).stdout(Stdio::piped());
        let child = command.spawn().map_err(|error| format!("{program}: {error}"))?;
        Ok(Self(child))
    }

    pub(crate) fn ended(&mut self) -> Result<bool, Failed> {
        Ok(self.0.try_wait()?.is_some())
    }

    pub(crate) fn end(&mut self) -> Outcome {
        // It may have ended by itself.
        let _ = self.0.kill();
        self.0.wait()?;
        Ok(())
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        let _ = self.end();
    }
}

/// Frames that differ in everything: identifier, width, length, bytes.
pub(crate) fn numbered(number: u32) -> Frame {
    let id = if number.is_multiple_of(2) { CanId::Standard(0x351) } else { CanId::Extended(0x1806_E5F4) };
    let bytes = u64::from(number).to_le_bytes();
    Frame::new(id, &bytes[..4 + (number % 5) as usize]).expect("in range")
}

/// What is received next, within so many milliseconds from now.
pub(crate) fn soon(port: &mut SocketCan, run: RunClock, millis: u64) -> Result<Option<Received>, Failed> {
    Ok(port.next(run.now() + Micros::from_millis(millis))?)
}

/// The same, where it must come.
pub(crate) fn next(port: &mut SocketCan, run: RunClock) -> Result<Received, Failed> {
    soon(port, run, 5_000)?.ok_or_else(|| "nothing was received".into())
}
