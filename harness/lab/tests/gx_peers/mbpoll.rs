//! `mbpoll` as the client, and libmodbus under it.

use std::process::Command;

use libtest_mimic::Failed;
use proto::gx::BLOCKS;

use super::{Desk, same, unit};

/// Addresses as the protocol counts them, once, and what it says.
fn mbpoll(desk: &Desk, args: &[&str], values: &[&str]) -> Result<String, Failed> {
    let mut command = Command::new("mbpoll");
    command.args(["-m", "tcp", "-0", "-1", "-o", "10", "-p", &desk.port().to_string()]);
    let done = command.args(args).arg("127.0.0.1").args(values).output()?;
    Ok(format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr)))
}

pub(crate) fn every_block() -> Result<(), Failed> {
    let desk = Desk::serve()?;
    for block in BLOCKS {
        let numbers = [unit(block.product).into(), block.first, block.count].map(|n: u16| n.to_string());
        let [unit, first, count] = [&numbers[0], &numbers[1], &numbers[2]];
        for table in ["3:hex", "4:hex"] {
            let said = mbpoll(&desk, &["-a", unit, "-r", first, "-c", count, "-t", table], &[])?;
            let found: Vec<u16> = said
                .lines()
                .filter_map(|line| line.split_once("0x"))
                .filter_map(|(_, hex)| u16::from_str_radix(hex.trim(), 16).ok())
                .collect();
            same(found, desk.cells(block)?, &said)?;
        }
    }
    Ok(())
}

pub(crate) fn every_exception() -> Result<(), Failed> {
    let desk = Desk::serve()?;
    for (args, says) in [
        (&["-a", "100", "-t", "0", "-r", "0"][..], "Illegal function"),
        (&["-a", "100", "-t", "1", "-r", "0"], "Illegal function"),
        (&["-a", "225", "-r", "250"], "Illegal data address"),
        (&["-a", "225", "-r", "1281", "-c", "2"], "Illegal data address"),
        (&["-a", "224", "-r", "256"], "Gateway path unavailable"),
        (&["-a", "100", "-r", "256"], "Gateway path unavailable"),
    ] {
        let said = mbpoll(&desk, args, &[])?;
        same(said.contains(says), true, &said)?;
    }
    let said = mbpoll(&desk, &["-a", "225", "-r", "305"], &["560"])?;
    same(said.contains("Illegal data address"), true, &said)
}

pub(crate) fn writes() -> Result<(), Failed> {
    let desk = Desk::serve()?;
    for (address, value, held) in [("2705", "40", "40"), ("2707", "7", "1"), ("2710", "552", "552")] {
        let said = mbpoll(&desk, &["-a", "100", "-r", address], &[value])?;
        same(said.contains("Written 1 references"), true, &said)?;
        let said = mbpoll(&desk, &["-a", "100", "-r", address], &[])?;
        let found = said.lines().find_map(|line| line.strip_prefix(&format!("[{address}]:")));
        same(found.map(str::trim), Some(held), &said)?;
    }
    Ok(())
}
