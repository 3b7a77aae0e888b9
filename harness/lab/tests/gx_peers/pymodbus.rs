//! pymodbus as the client.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use libtest_mimic::Failed;
use proto::gx::{BLOCKS, Block, Kind, REGISTERS, Register};

use super::{Desk, same, unit};

/// pymodbus in a process of its own.
struct Peer {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Peer {
    fn start(python: &Path, port: u16) -> Result<Self, Failed> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gx_peers/peer.py");
        let mut command = Command::new(python);
        command.arg(script).arg(port.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let to = child.stdin.take().ok_or("no input")?;
        let from = BufReader::new(child.stdout.take().ok_or("no output")?);
        Ok(Self { child, to, from })
    }

    fn ask(&mut self, question: &str) -> Result<String, Failed> {
        writeln!(self.to, "{question}")?;
        let mut said = String::new();
        self.from.read_line(&mut said)?;
        Ok(said.trim_end_matches('\n').to_owned())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What pymodbus decodes is what the table decodes.
pub(crate) fn every_register(python: &Path) -> Result<(), Failed> {
    let desk = Desk::serve()?;
    let mut peer = Peer::start(python, desk.port())?;
    let mut other_than_zero = 0;
    for register in REGISTERS {
        let &Register { product, address, kind, label, .. } = register;
        let said = peer.ask(&format!("value {} {address} {kind:?}", unit(product)))?;
        let block = Block { product, first: address, count: kind.cells() };
        let cells = desk.cells(&block)?;
        let expected = if matches!(kind, Kind::Text4 | Kind::Text6) {
            register.read_text(address, &cells).ok_or("no text")?
        } else {
            let value = register.read(address, &cells).ok_or("no number")?;
            register.scale.raw(value).to_string()
        };
        other_than_zero += u32::from(expected != "0" && !expected.is_empty());
        same(said, expected, label)?;
    }
    if other_than_zero < 40 { Err(format!("only {other_than_zero} say anything").into()) } else { Ok(()) }
}

pub(crate) fn every_exception(python: &Path) -> Result<(), Failed> {
    let desk = Desk::serve()?;
    let mut peer = Peer::start(python, desk.port())?;
    for (question, exception) in [
        ("coils 100", 1),
        ("identity 100", 1),
        ("mask 100", 1),
        ("read 3 225 250 1", 2),
        ("read 4 225 1281 2", 2),
        ("write 6 225 305 560", 2),
        ("write 16 100 2708 0 0 0", 2),
        ("read 3 225 256 0", 3),
        ("read 4 225 256 126", 3),
        ("read 3 224 256 1", 10),
        ("read 3 100 256 1", 10),
        ("write 6 225 2707 1", 10),
    ] {
        same(peer.ask(question)?, format!("exception {exception}"), question)?;
    }
    for block in BLOCKS {
        let cells: Vec<String> = desk.cells(block)?.iter().map(u16::to_string).collect();
        for function in [3, 4] {
            let question = format!("read {function} {} {} {}", unit(block.product), block.first, block.count);
            same(peer.ask(&question)?, cells.join(" "), &question)?;
        }
    }
    Ok(())
}

pub(crate) fn writes(python: &Path) -> Result<(), Failed> {
    let desk = Desk::serve()?;
    let mut peer = Peer::start(python, desk.port())?;
    for (write, read, held) in [
        ("write 6 100 2705 40", "value 100 2705 I16", "40"),
        ("write 16 100 2705 65535", "value 100 2705 I16", "-1"),
        ("write 6 100 2707 7", "value 100 2707 U16", "1"),
        ("write 6 227 22 105", "value 227 22 I16", "105"),
    ] {
        same(peer.ask(write)?, "done".to_owned(), write)?;
        same(peer.ask(read)?, held.to_owned(), read)?;
    }
    Ok(())
}
