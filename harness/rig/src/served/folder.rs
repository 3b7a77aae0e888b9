//! Stable names: pseudo-terminals have another number every time, the links to them do not.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, symlink};
use std::path::{Path, PathBuf};

use super::start::ServeError;

/// The file beside the links that says how to reach everything.
const ADDRESSES: &str = "addresses.json";

/// A folder with links in it; they are removed when this is dropped.
#[derive(Debug)]
pub(crate) struct Folder {
    links: Vec<(PathBuf, PathBuf)>,
    addresses: PathBuf,
}

impl Folder {
    /// Makes the folder where it is missing, the links and the file. Links of an earlier time are replaced.
    pub(crate) fn make(at: &Path, links: &[(&str, PathBuf)], addresses: &str) -> Result<Self, ServeError> {
        let failed = |path: &Path| {
            let what = path.display().to_string();
            move |source| ServeError::System { what, source }
        };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(at).map_err(failed(at))?;
        let mut folder = Self { links: Vec::new(), addresses: at.join(ADDRESSES) };
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
        fs::write(&folder.addresses, addresses).map_err(failed(&folder.addresses))?;
        Ok(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A rig that was started later may have taken the names over; what cannot be removed does no harm.
        let ours =
            self.links.iter().filter(|(link, device)| fs::read_link(link).is_ok_and(|to| to == *device));
        let mut left = 0;
        for (link, _) in ours {
            let _ = fs::remove_file(link);
            left += 1;
        }
        if left == self.links.len() {
            let _ = fs::remove_file(&self.addresses);
        }
    }
}
