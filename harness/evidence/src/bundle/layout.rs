//! How the files of a run folder lie in a bundle: raw evidence compressed, everything else as it is.

use std::fs::OpenOptions;
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;

use super::archive::Files;
use super::{BundleError, RUN};
use crate::names::{PROGRAM, RAW, WIRE};

/// The most that a bundle may hold when unpacked: a bomb ends here.
const LARGEST: u64 = 8 << 30;

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

/// Lays the run folder of a bundle out in a folder that is empty.
///
/// # Errors
/// When a file is damaged, or all together are too large; and [`BundleError::File`] when one cannot be written, which
/// says nothing of the bundle.
pub fn lay_out(files: &Files, folder: &Path) -> Result<(), BundleError> {
    let mut room = LARGEST;
    for (packed, content) in files {
        let Some(name) = unpacked(packed) else { continue };
        let path = folder.join(name);
        let failed = |source| BundleError::File { path: path.display().to_string(), source };
        path.parent().map_or(Ok(()), std::fs::create_dir_all).map_err(failed)?;
        let mut file = OpenOptions::new().write(true).create_new(true).open(&path).map_err(failed)?;
        let mut put = |part: &[u8]| {
            room = room.checked_sub(part.len() as u64).ok_or_else(too_large)?;
            file.write_all(part).map_err(failed)
        };
        if packed.ends_with(".gz") && is_packed(name) {
            unpack(packed, content, put)?;
        } else {
            put(content)?;
        }
    }
    Ok(())
}

fn too_large() -> BundleError {
    BundleError::TooLarge { what: "what it unpacks to".to_owned(), limit: LARGEST, unit: "bytes" }
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
