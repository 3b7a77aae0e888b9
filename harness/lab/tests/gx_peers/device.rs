//! pymodbus as the device, and the driver as its client.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use files::live::UnitIds;
use lab::can::RunClock;
use lab::gx::{Coil, GxEvent, GxPort, GxSettings, Timed};
use libtest_mimic::Failed;
use proto::channel::{Block, Source};
use proto::gx::{BLOCKS, system};
use proto::quantity::Micros;

use super::{Desk, same, unit};

/// pymodbus in a process of its own.
struct Device {
    child: Child,
    /// closed to end it
    _lines: ChildStdin,
    port: u16,
}

impl Device {
    /// With the registers of a served world.
    fn like(desk: &Desk, python: &Path) -> Result<Self, Failed> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gx_peers/device.py");
        let mut command = Command::new(python);
        let mut child = command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut lines = child.stdin.take().ok_or("no input")?;
        for block in BLOCKS {
            let cells: Vec<String> = desk.cells(block)?.iter().map(u16::to_string).collect();
            writeln!(lines, "{} {} {}", unit(block.product), block.first, cells.join(" "))?;
        }
        writeln!(lines)?;
        let mut said = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut said)?;
        Ok(Self { child, _lines: lines, port: said.trim().parse()? })
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// It polls every block, writes, switches a coil, and survives the end of the device.
pub(crate) fn driven(python: &Path) -> Result<(), Failed> {
    let desk = Desk::serve()?;
    let device = Device::like(&desk, python)?;
    let settings = GxSettings {
        address: format!("127.0.0.1:{}", device.port),
        units: UnitIds { inverter: Some(227), solar: Some(229), grid: Some(30), ..UnitIds::default() },
        period: Micros::from_millis(100),
        within: Micros::from_secs(5),
    };
    let (sender, events) = sync_channel::<Timed>(1024);
    let next = || events.recv_timeout(Duration::from_secs(20)).map(|timed| timed.event);
    let port = GxPort::open(&settings, RunClock::start(), sender)?;
    let GxEvent::Poll(poll) = next()? else { return Err("no poll".into()) };
    for (answer, block) in poll.answers.iter().zip(BLOCKS) {
        same(answer.cells.clone(), Ok(desk.cells(block)?), &format!("{block:?}"))?;
    }
    let tells = |block| poll.said.tells(Source::Gx(block));
    same(tells(Block::Battery) && tells(Block::System), true, "a reading")?;
    same(port.write(system::RELAY_2, 1.0)?.to_bits(), 1.0_f64.to_bits(), "relay 2")?;
    let coil = Coil { address: settings.address.clone(), unit: 1, coil: 5 };
    same(port.switch(&coil, true)?, true, "the coil is on")?;
    same(port.switch(&coil, false)?, false, "the coil is off")?;
    drop(device);
    loop {
        match next()? {
            GxEvent::Lost(_) => return Ok(()),
            GxEvent::Poll(_) | GxEvent::Slow { .. } => {}
            other => return Err(other.to_string().into()),
        }
    }
}
