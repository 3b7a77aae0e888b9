//! A run in one signed file, that whoever gets it can check without trusting anybody.
//!
//! A plain tar archive, written in one way only, so that no byte of it can be another: the run folder under `run/` (raw
//! evidence compressed), `SHA256SUMS` of it, a signature over those sums, and the same said once more as an in-toto
//! statement. [`seal::seal`] makes it, [`open::open`] takes it apart; `docs/certificate.md` describes it for people.

pub mod archive;
pub mod envelope;
pub mod key;
pub mod lay_out;
pub mod layout;
pub mod open;
pub mod seal;
pub mod statement;
pub mod trust;

#[cfg(test)]
mod tests;

use std::io;

/// The manifest of a run folder.
pub(crate) const MANIFEST: &str = "manifest.json";
/// Sums of all files but those that vouch for it, as `sha256sum -c` reads them.
pub const SUMS: &str = "SHA256SUMS";
/// The signature over [`SUMS`], 64 bytes.
pub const SIGNATURE: &str = "SHA256SUMS.sig";
/// The in-toto statement about [`SUMS`] in its DSSE envelope.
pub const ATTESTATION: &str = "attestation.dsse.json";
/// The key that it was signed with: whose it is must be known from elsewhere.
pub const KEY: &str = "key.pub";
/// The folder of the run.
pub const RUN: &str = "run";
/// What vouches for the others and cannot be listed among them.
const VOUCHING: [&str; 3] = [SUMS, SIGNATURE, ATTESTATION];

/// Why a bundle cannot be made, or is not what was signed.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The archive is damaged or was not written by Busbar.
    #[error("damaged at byte {at}, {place}: found {found}, expected {expected}")]
    Damaged {
        /// offset in the archive
        at: u64,
        /// what stands there
        place: String,
        /// what was found
        found: String,
        /// what would have been right
        expected: String,
    },
    /// A file is not as it was when it was signed.
    #[error("{name} was changed: {why}")]
    Changed {
        /// the file
        name: String,
        /// how that is known
        why: String,
    },
    /// Files are missing that were signed, or are there that were not.
    #[error("not the files that were signed: {}", .0.join(", "))]
    Files(Vec<String>),
    /// The signature is good, and of somebody else.
    #[error("signed by another key: {found}, expected {expected}; it was not signed by the one you trust")]
    Foreign {
        /// the key of the bundle
        found: String,
        /// the key that was asked for
        expected: String,
    },
    /// It is larger than any honest one.
    #[error("{what} is larger than the {limit} {unit} that a bundle may have")]
    TooLarge {
        /// which part
        what: String,
        /// the most
        limit: u64,
        /// of what
        unit: &'static str,
    },
    /// The run is not one that could be vouched for.
    #[error("{0}")]
    Unfit(String),
    /// A file of the run cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// which
        path: String,
        /// what the system says
        source: io::Error,
    },
}
