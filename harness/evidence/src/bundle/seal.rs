//! Makes a bundle of a run folder.

use std::path::Path;

use ed25519_dalek::Signer as _;
use serde_json::Value;

use super::archive::{self, Files};
use super::key::{SigningKey, pem};
use super::{ATTESTATION, BundleError, KEY, MANIFEST, SIGNATURE, SUMS, envelope, layout, statement};
use crate::manifest::{Kept, plain, sha256};
use crate::names::INPUTS;
use crate::run::Run;

/// Packs and signs a run folder as its manifest lists it; `run` is what it was judged to be.
///
/// # Errors
/// When the run did not come to its end, when a file is not what the manifest says, or when it is too large.
pub fn seal(folder: &Path, run: &Run, key: &SigningKey) -> Result<Vec<u8>, BundleError> {
    let failed = |name: &str| {
        let path = folder.join(name).display().to_string();
        move |source| BundleError::File { path, source }
    };
    let kept = Kept::read(folder).map_err(failed(MANIFEST))?.ok_or_else(|| {
        BundleError::Unfit(format!(
            "{} has no manifest.json: the run did not come to its end",
            folder.display()
        ))
    })?;
    let mut files = Files::new();
    for entry in &kept.files {
        let content = plain(folder, &entry.name).and_then(std::fs::read).map_err(failed(&entry.name))?;
        if sha256(&content) != entry.sha256 {
            let why = "manifest.json has another sum".to_owned();
            return Err(BundleError::Changed { name: entry.name.clone(), why });
        }
        let packed = layout::pack(&entry.name, content).map_err(failed(&entry.name))?;
        files.insert(layout::packed(&entry.name), packed);
    }
    let manifest = plain(folder, MANIFEST).and_then(std::fs::read).map_err(failed(MANIFEST))?;
    files.insert(layout::packed(MANIFEST), manifest);
    layout::fits(&files, &kept)?;
    let inputs: Vec<_> = kept.files.iter().filter(|entry| entry.name.starts_with(INPUTS)).cloned().collect();
    archive::write(&kept.run, &vouched(files, key, |sums| statement::statement(run, sums, &inputs)))
}

/// Files with what vouches for them: the key, their sums, what `say` makes of these, and the signatures of both. Whether
/// any of it is true is not looked at.
#[must_use]
pub fn vouched(mut files: Files, key: &SigningKey, say: impl FnOnce(&str) -> Value) -> Files {
    files.insert(KEY.to_owned(), pem(&key.verifying_key()).into_bytes());
    let sums = sums(&files);
    files.insert(ATTESTATION.to_owned(), envelope::seal(&say(&sums).to_string(), key).into_bytes());
    files.insert(SIGNATURE.to_owned(), key.sign(sums.as_bytes()).to_bytes().to_vec());
    files.insert(SUMS.to_owned(), sums.into_bytes());
    files
}

/// `SHA256SUMS` of files.
fn sums(files: &Files) -> String {
    files.iter().map(|(name, content)| format!("{}  {name}\n", sha256(content))).collect()
}
