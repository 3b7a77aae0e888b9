//! Takes a bundle apart and says whether it is what was signed. What was signed may still be untrue: that is for
//! whoever judges it again.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Seek};

use ed25519_dalek::Signature;
use ed25519_dalek::pkcs8::DecodePublicKey as _;
use serde_json::Value;

use super::archive::{self, Files};
use super::key::{VerifyingKey, fingerprint, pem};
use super::{ATTESTATION, BundleError, KEY, MANIFEST, SIGNATURE, SUMS, VOUCHING, envelope, layout};
use crate::manifest::{Kept, sha256};

/// A bundle that is whole: every byte as it was when it was signed.
#[derive(Debug)]
pub struct Bundle {
    /// its folder: the id of the run
    pub run: String,
    /// all files, raw evidence compressed
    pub files: Files,
    /// the key that it was signed with
    pub key: VerifyingKey,
    /// what it says to programs, an in-toto statement
    pub statement: Value,
    /// its sums, as signed
    pub sums: String,
    /// what the manifest of the run says
    pub kept: Kept,
}

/// Opens a bundle. `trusted` is the key that it must be signed with, where that is known.
///
/// # Errors
/// What differs from what was signed, with its name or place; or that somebody else signed it.
pub fn open(archive: impl Read + Seek, trusted: Option<&VerifyingKey>) -> Result<Bundle, BundleError> {
    let (run, files) = archive::read(archive)?;
    let missing: Vec<String> = VOUCHING
        .iter()
        .chain([&KEY])
        .filter(|name| !files.contains_key(**name))
        .map(|n| format!("{n} is missing"))
        .collect();
    if !missing.is_empty() {
        return Err(BundleError::Files(missing));
    }
    let text = |name: &str| {
        let bytes = files.get(name).map(Vec::as_slice).unwrap_or_default();
        core::str::from_utf8(bytes).map_err(|_| changed(name, "it is no text"))
    };
    let key = VerifyingKey::from_public_key_pem(text(KEY)?)
        .ok()
        .filter(|key| Ok(pem(key)) == text(KEY).map(str::to_owned).map_err(drop));
    let key = key.ok_or_else(|| changed(KEY, "it is no public key as `busbar sign` writes it"))?;
    let sums = text(SUMS)?.to_owned();
    let statement = vouched(&files, &sums, &key)?;
    listed(&files, &sums)?;
    let kept = of_the_run(&files, &run)?;
    layout::fits(&files, &kept)?;
    match trusted {
        Some(trusted) if *trusted != key => {
            Err(BundleError::Foreign { found: fingerprint(&key), expected: fingerprint(trusted) })
        }
        _ => Ok(Bundle { run, files, key, statement, sums, kept }),
    }
}

fn changed(name: &str, why: &str) -> BundleError {
    BundleError::Changed { name: name.to_owned(), why: why.to_owned() }
}

/// The statement, where sums and statement are both signed with the key. Two signatures tell what was changed where one
/// of them does not fit.
fn vouched(files: &Files, sums: &str, key: &VerifyingKey) -> Result<Value, BundleError> {
    let signature = files.get(SIGNATURE).and_then(|bytes| Signature::from_slice(bytes).ok());
    let signed = signature.is_some_and(|signature| key.verify_strict(sums.as_bytes(), &signature).is_ok());
    let attested = envelope::open(files.get(ATTESTATION).map(Vec::as_slice).unwrap_or_default(), key)
        .and_then(|said| serde_json::from_str::<Value>(&said).map_err(|error| error.to_string()));
    let fits = |said: &Value| said["subject"][0]["digest"]["sha256"] == *sha256(sums.as_bytes());
    match (signed, attested) {
        (true, Ok(said)) if fits(&said) => Ok(said),
        (true, Ok(_)) => Err(changed(ATTESTATION, "it speaks of other files than SHA256SUMS lists")),
        (true, Err(why)) => Err(changed(ATTESTATION, &why)),
        (false, Ok(said)) if fits(&said) => {
            Err(changed(SIGNATURE, "it is no signature of key.pub over SHA256SUMS"))
        }
        (false, Ok(_)) => {
            Err(changed(SUMS, "its signature does not fit, and attestation.dsse.json has another sum of it"))
        }
        (false, Err(_)) => Err(changed(KEY, "nothing here is signed with it")),
    }
}

/// Every file is listed with its sum, and every one that is listed is there.
fn listed(files: &Files, sums: &str) -> Result<(), BundleError> {
    let mut expected = BTreeMap::new();
    for line in sums.lines() {
        let (sum, name) = line.split_once("  ").ok_or_else(|| changed(SUMS, "a line is no sum and name"))?;
        expected.insert(name, sum);
    }
    let mut wrong = Vec::new();
    for (name, content) in files.iter().filter(|(name, _)| !VOUCHING.contains(&name.as_str())) {
        match expected.remove(name.as_str()) {
            None => wrong.push(format!("{name} was added")),
            Some(sum) if sum != sha256(content) => wrong.push(format!("{name} was changed")),
            Some(_) => {}
        }
    }
    wrong.extend(expected.keys().map(|name| format!("{name} is missing")));
    if wrong.is_empty() && sums.lines().count() != files.len() - VOUCHING.len() {
        return Err(changed(SUMS, "it lists a file twice"));
    }
    if wrong.is_empty() { Ok(()) } else { Err(BundleError::Files(wrong)) }
}

/// What lies in the folder of the run is what its own manifest lists, no more and no less.
fn of_the_run(files: &Files, run: &str) -> Result<Kept, BundleError> {
    let name = layout::packed(MANIFEST);
    let manifest = files.get(&name).ok_or_else(|| BundleError::Files(vec![format!("{name} is missing")]))?;
    let kept: Kept = serde_json::from_slice(manifest).map_err(|error| changed(&name, &error.to_string()))?;
    if kept.run != run {
        return Err(changed(&name, &format!("it is that of {}, the folder is called {run}", kept.run)));
    }
    let listed: BTreeSet<String> =
        kept.files.iter().map(|entry| layout::packed(&entry.name)).chain([name]).collect();
    let own = |name: &&String| !VOUCHING.contains(&name.as_str()) && *name != KEY;
    let there: BTreeSet<String> = files.keys().filter(own).cloned().collect();
    let more = there.difference(&listed).map(|name| format!("{name} is not of the run"));
    let less = listed.difference(&there).map(|name| format!("{name} is missing"));
    let wrong: Vec<String> = more.chain(less).collect();
    if wrong.is_empty() { Ok(kept) } else { Err(BundleError::Files(wrong)) }
}
