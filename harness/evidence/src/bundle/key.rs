//! Keys: ed25519, as PKCS#8 and SubjectPublicKeyInfo in PEM, which OpenSSL, Python and ssh-keygen read.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey as _, DecodePublicKey as _, EncodePrivateKey as _};
use ed25519_dalek::pkcs8::{EncodePublicKey as _, KeypairBytes};
pub use ed25519_dalek::{SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};

/// A key file is a few lines.
const LARGEST: u64 = 16 << 10;

/// Why a key cannot be made or read.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// There is something already.
    #[error("{} is there already; nothing was written, for a key that is overwritten is lost", .0.display())]
    There(PathBuf),
    /// The file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// the file
        path: PathBuf,
        /// what the system says
        source: io::Error,
    },
    /// It is no key of this kind.
    #[error("{} is no {kind} as `busbar keygen` writes it (ed25519, PEM): {why}", path.display())]
    NoKey {
        /// the file
        path: PathBuf,
        /// private key or public key
        kind: &'static str,
        /// what the reader says
        why: String,
    },
    /// Others can read it.
    #[error(
        "{} can be read by others (mode {mode:04o}): it may be theirs by now; make a new key, or `chmod 600` it if you are sure",
        path.display()
    )]
    Open {
        /// the file
        path: PathBuf,
        /// its permissions
        mode: u32,
    },
    /// The system has no randomness.
    #[error("the system gives no random numbers: {0}")]
    Random(getrandom::Error),
}

/// A key that nobody has seen.
///
/// # Errors
/// When the system gives no random numbers.
pub fn random() -> Result<SigningKey, KeyError> {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).map_err(KeyError::Random)?;
    Ok(SigningKey::from_bytes(&secret))
}

/// Makes a pair of keys: the private one in `path`, readable by its owner alone, the public one beside it in `path.pub`.
///
/// # Errors
/// When one of them is there already or cannot be written.
pub fn generate(path: &Path) -> Result<(VerifyingKey, PathBuf), KeyError> {
    let key = random()?;
    let no_key = |why: String| KeyError::NoKey { path: path.to_owned(), kind: "private key", why };
    // Without the public half: OpenSSL reads no other version of the format.
    let private = KeypairBytes { secret_key: key.to_bytes(), public_key: None }.to_pkcs8_pem(LineEnding::LF);
    let private = private.map_err(|error| no_key(error.to_string()))?;
    let mut name = path.as_os_str().to_owned();
    name.push(".pub");
    let public = PathBuf::from(name);
    if public.exists() {
        return Err(KeyError::There(public));
    }
    create(path, private.as_bytes(), 0o600)?;
    create(&public, pem(&key.verifying_key()).as_bytes(), 0o644)?;
    Ok((key.verifying_key(), public))
}

fn create(path: &Path, content: &[u8], mode: u32) -> Result<(), KeyError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let written =
        options.open(path).and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()));
    written.map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => KeyError::There(path.to_owned()),
        _ => KeyError::File { path: path.to_owned(), source },
    })
}

/// Reads a private key that nobody else can read.
///
/// # Errors
/// When there is none, when it is none, or when others can read it.
pub fn private(path: &Path) -> Result<SigningKey, KeyError> {
    let text = read(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let failed = |source| KeyError::File { path: path.to_owned(), source };
        let mode = fs::metadata(path).map_err(failed)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(KeyError::Open { path: path.to_owned(), mode });
        }
    }
    SigningKey::from_pkcs8_pem(&text).map_err(|error| KeyError::NoKey {
        path: path.to_owned(),
        kind: "private key",
        why: error.to_string(),
    })
}

/// Reads a public key.
///
/// # Errors
/// When there is none, or when it is none.
pub fn public(path: &Path) -> Result<VerifyingKey, KeyError> {
    public_in(&read(path)?, path)
}

/// The public key of a text, which stands in this file.
pub(crate) fn public_in(text: &str, path: &Path) -> Result<VerifyingKey, KeyError> {
    VerifyingKey::from_public_key_pem(text).map_err(|error| KeyError::NoKey {
        path: path.to_owned(),
        kind: "public key",
        why: error.to_string(),
    })
}

pub(crate) fn read(path: &Path) -> Result<String, KeyError> {
    let failed = |source| KeyError::File { path: path.to_owned(), source };
    let no_key = |what: &str| failed(io::Error::new(io::ErrorKind::InvalidData, what.to_owned()));
    // A device or a pipe may never end.
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(no_key("it is no file"));
    }
    let mut text = String::new();
    fs::File::open(path).map_err(failed)?.take(LARGEST + 1).read_to_string(&mut text).map_err(failed)?;
    if text.len() as u64 > LARGEST {
        return Err(no_key("it is too long for a key"));
    }
    Ok(text)
}

/// A public key as it lies in a bundle.
#[must_use]
pub fn pem(key: &VerifyingKey) -> String {
    key.to_public_key_pem(LineEnding::LF).expect("32 bytes fit into a PEM")
}

/// What a public key is called: `SHA256:` and the hash of its DER, as OpenSSL gives it in base64.
#[must_use]
pub fn fingerprint(key: &VerifyingKey) -> String {
    let der = key.to_public_key_der().expect("32 bytes fit into DER");
    format!(
        "SHA256:{}",
        base64::engine::general_purpose::STANDARD_NO_PAD.encode(Sha256::digest(der.as_bytes()))
    )
}
