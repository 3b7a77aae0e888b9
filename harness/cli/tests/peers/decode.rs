//! `busbar decode` against an independent program: cantools decodes every frame of the logs here, and frames of random
//! bytes, with the database of `busbar dbc`; every field must agree.

use std::fs;
use std::path::Path;
use std::process::Command;

use libtest_mimic::Failed;
use proto::candump::write_line;
use proto::frame::Frame;
use proto::message::TABLE;
use proto::quantity::Micros;

use crate::{busbar, output};

/// Decodes a log with both and compares. `least` is how many fields there must be at least.
pub(crate) fn compare(python: &Path, log: &Path, least: u64) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let (database, decoded) = (folder.path().join("bms.dbc"), folder.path().join("decoded.jsonl"));
    fs::write(&database, output(busbar().arg("dbc"))?)?;
    fs::write(&decoded, output(busbar().args(["decode", "--format", "jsonl"]).arg(log))?)?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/cantools_compare.py");
    let said = output(Command::new(python).arg(script).arg(database).arg(decoded))?;
    let said = String::from_utf8_lossy(&said).into_owned();
    let fields = said.split(' ').nth(2).and_then(|count| count.parse::<u64>().ok());
    if fields.is_some_and(|fields| fields >= least) {
        Ok(())
    } else {
        Err(format!("too little: {said}").into())
    }
}

/// Every message in every length, with bytes that include what means "not supported".
pub(crate) fn random_bytes(python: &Path) -> Result<(), Failed> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut next = || {
        // xorshift64
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut log = Vec::new();
    for message in TABLE {
        for len in 0..=8 {
            for round in 0..25 {
                let bytes = match round {
                    0 => [0; 8],
                    1 => [0xFF; 8],
                    _ => next().to_le_bytes(),
                };
                write_line(&mut log, Micros(0), "can0", &Frame::standard(message.id, &bytes[..len]));
            }
        }
    }
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("random.log");
    fs::write(&path, log)?;
    compare(python, &path, 9_000)
}
