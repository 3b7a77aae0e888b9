//! How the files of a run folder lie in a bundle: raw evidence compressed, everything else as it is.

use std::io::{self, Write as _};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::archive::Files;
use super::{BundleError, RUN};
use crate::manifest::Kept;
use crate::names::{PROGRAM, RAW, WIRE};

/// The most that a bundle may hold when unpacked.
const LARGEST: u64 = 4 << 30;
/// So much may any bundle unpack to; beyond it, no more than so many times its own size. Logs of a run pack to a tenth or
/// twentieth: what packs to less than a hundredth was made to fill a disk.
const FREE: u64 = 256 << 20;
const TIMES: u64 = 100;

/// Whether a file of the run lies compressed in the bundle.
pub(super) fn is_packed(name: &str) -> bool {
    RAW.contains(&name) || [WIRE, PROGRAM].contains(&name)
}

/// The name of a file of the run in the bundle.
pub(crate) fn packed(name: &str) -> String {
    let ending = if is_packed(name) { ".gz" } else { "" };
    format!("{RUN}/{name}{ending}")
}

/// The name in the run folder of a file of the bundle; nothing where it is none of the run.
pub(crate) fn unpacked(name: &str) -> Option<&str> {
    let name = name.strip_prefix(RUN)?.strip_prefix('/')?;
    Some(name.strip_suffix(".gz").filter(|raw| is_packed(raw)).unwrap_or(name))
}

/// The bytes of a file of the run as they lie in the bundle.
pub(crate) fn pack(name: &str, content: Vec<u8>) -> io::Result<Vec<u8>> {
    if !is_packed(name) {
        return Ok(content);
    }
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(&content)?;
    packed.finish()
}

/// Whether what a bundle unpacks to, as its manifest says, is what a run of its size may be: known before anything is
/// written.
///
/// # Errors
/// When it is too large.
pub(crate) fn fits(files: &Files, kept: &Kept) -> Result<(), BundleError> {
    let sum = |sizes: &mut dyn Iterator<Item = u64>| sizes.fold(0_u64, u64::saturating_add);
    let packed = sum(&mut files.values().map(|content| content.len() as u64));
    let unpacked = sum(&mut kept.files.iter().map(|entry| entry.bytes));
    let limit = packed.saturating_mul(TIMES).saturating_add(FREE).min(LARGEST);
    if unpacked > limit {
        let what = format!("what it unpacks to, {unpacked} bytes,");
        return Err(BundleError::TooLarge { what, limit, unit: "bytes" });
    }
    Ok(())
}
