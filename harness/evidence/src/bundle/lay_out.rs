//! A run folder again, out of a bundle.

use std::fs::OpenOptions;
use std::io::{Read as _, Write as _};
use std::path::Path;

use flate2::bufread::GzDecoder;

use super::BundleError;
use super::layout::{is_packed, unpacked};
use super::open::Bundle;

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
