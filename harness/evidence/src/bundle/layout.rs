//! How the files of a run folder lie in a bundle: raw evidence compressed, everything else as it is.

use std::fs::OpenOptions;
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;

use super::archive::Files;
use super::open::Bundle;
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
fn is_packed(name: &str) -> bool {
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

/// Lays the run folder of a bundle out in a folder that is empty. Of each file no more is written than the manifest says.
///
/// # Errors
/// When a file is damaged, or not as long as the manifest says; and [`BundleError::File`] when one cannot be written, which
/// says nothing of the bundle.
pub fn lay_out(bundle: &Bundle, folder: &Path) -> Result<(), BundleError> {
    for (packed, content) in &bundle.files {
        let Some(name) = unpacked(packed) else { continue };
        let path = folder.join(name);
        let failed = |source| BundleError::File { path: path.display().to_string(), source };
        path.parent().map_or(Ok(()), std::fs::create_dir_all).map_err(failed)?;
        let mut file = OpenOptions::new().write(true).create_new(true).open(&path).map_err(failed)?;
        let said = bundle.kept.files.iter().find(|entry| entry.name == name).map(|entry| entry.bytes);
        // The manifest itself is in none.
        let said = said.unwrap_or(content.len() as u64);
        let changed = |why: &str| BundleError::Changed {
            name: packed.clone(),
            why: format!("it unpacks to {why} than the {said} bytes that manifest.json says"),
        };
        let mut room = said;
        let mut put = |part: &[u8]| {
            room = room.checked_sub(part.len() as u64).ok_or_else(|| changed("more"))?;
            file.write_all(part).map_err(failed)
        };
        if packed.ends_with(".gz") && is_packed(name) {
            unpack(packed, content, &mut put)?;
        } else {
            put(content)?;
        }
        if room > 0 {
            return Err(changed("less"));
        }
    }
    Ok(())
}

/// Unpacks a file part by part. Nothing may stand behind its end: no reader would look at it.
fn unpack(
    name: &str,
    content: &[u8],
    mut put: impl FnMut(&[u8]) -> Result<(), BundleError>,
) -> Result<(), BundleError> {
    let changed = |why| BundleError::Changed { name: name.to_owned(), why };
    let mut plain = GzDecoder::new(content);
    let mut part = vec![0; 1 << 16];
    loop {
        match plain.read(&mut part).map_err(|error| changed(format!("it cannot be unpacked: {error}")))? {
            0 => break,
            n => put(&part[..n])?,
        }
    }
    match plain.into_inner().len() {
        0 => Ok(()),
        n => Err(changed(format!("{n} bytes stand behind its end"))),
    }
}
