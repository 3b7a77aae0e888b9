//! Stable names: pseudo-terminals have another number every time, the links to them do not.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, symlink};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::error::ServeError;

/// The file beside the links that says how to reach everything.
const ADDRESSES: &str = "addresses.json";

/// A folder with links in it; they are removed when this is dropped.
#[derive(Debug)]
pub(crate) struct Folder {
    /// locked as long as this lives, and by the system no longer than this process
    _lock: File,
    links: Vec<(PathBuf, PathBuf)>,
    addresses: PathBuf,
}

impl Folder {
    /// Makes the folder where it is missing, the links and the file. Those of a rig that is no longer served are
    /// replaced; nothing else is.
    pub(crate) fn make(at: &Path, links: &[(String, PathBuf)], addresses: &str) -> Result<Self, ServeError> {
        let failed = |path: &Path| {
            let what = path.display().to_string();
            move |source| ServeError::System { what, source }
        };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(at).map_err(failed(at))?;
        let lock = File::open(at).map_err(failed(at))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => ServeError::InUse(at.to_owned()),
            TryLockError::Error(source) => failed(at)(source),
        })?;
        let mut folder = Self { _lock: lock, links: Vec::new(), addresses: at.join(ADDRESSES) };
        if !is_ours(&folder.addresses) {
            return Err(ServeError::Occupied(folder.addresses.clone()));
        }
        for (name, device) in links {
            let link = at.join(name);
            match fs::symlink_metadata(&link) {
                Ok(there) if there.file_type().is_symlink() => {
                    fs::remove_file(&link).map_err(failed(&link))?
                }
                Ok(_) => return Err(ServeError::Occupied(link)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(failed(&link)(error)),
            }
            symlink(device, &link).map_err(failed(&link))?;
            folder.links.push((link, device.clone()));
        }
        // Whole or not at all, for whoever waits for it.
        let aside = at.join(format!(".{ADDRESSES}"));
        // What a rig that was killed has left; a new file, so that no link leads it elsewhere.
        let _ = fs::remove_file(&aside);
        let written = File::create_new(&aside).and_then(|mut file| file.write_all(addresses.as_bytes()));
        written.map_err(failed(&aside))?;
        fs::rename(&aside, &folder.addresses).map_err(failed(&folder.addresses))?;
        Ok(folder)
    }
}

/// Whether a file with addresses may be put there: nothing is, or such a file of an earlier time.
fn is_ours(path: &Path) -> bool {
    match fs::symlink_metadata(path) {
        Ok(there) if there.is_file() => fs::read_to_string(path).is_ok_and(|text| {
            serde_json::from_str::<Value>(&text).is_ok_and(|json| json["process"].is_u64())
        }),
        Ok(_) => false,
        // What else it may be is told when it is written.
        Err(_) => true,
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What somebody put in their place stays; what cannot be removed does no harm.
        let ours =
            self.links.iter().filter(|(link, device)| fs::read_link(link).is_ok_and(|to| to == *device));
        for (link, _) in ours {
            let _ = fs::remove_file(link);
        }
        if is_ours(&self.addresses) {
            let _ = fs::remove_file(&self.addresses);
        }
    }
}
