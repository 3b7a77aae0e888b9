//! DSSE, the envelope that in-toto's tools read: a payload, its type, and a signature over both.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _};
use serde::{Deserialize, Serialize};

use super::key::{SigningKey, VerifyingKey, fingerprint};

/// The type of an in-toto statement.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    #[serde(rename = "payloadType")]
    payload_type: String,
    payload: String,
    signatures: Vec<Signed>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signed {
    keyid: String,
    sig: String,
}

/// A payload in its envelope.
#[must_use]
pub fn seal(payload: &str, key: &SigningKey) -> String {
    set(payload, &key.sign(&encoded(payload)), &key.verifying_key())
}

fn set(payload: &str, signature: &Signature, key: &VerifyingKey) -> String {
    let envelope = Envelope {
        payload_type: PAYLOAD_TYPE.to_owned(),
        payload: STANDARD.encode(payload),
        signatures: vec![Signed { keyid: fingerprint(key), sig: STANDARD.encode(signature.to_bytes()) }],
    };
    let text = serde_json::to_string(&envelope).expect("plain structs serialise");
    text + "\n"
}

/// The payload, where the envelope is as [`seal`] sets it and signed with this key.
///
/// # Errors
/// What is wrong, in words.
pub fn open(envelope: &[u8], key: &VerifyingKey) -> Result<String, String> {
    let read: Envelope =
        serde_json::from_slice(envelope).map_err(|error| format!("no DSSE envelope: {error}"))?;
    let [signed] = read.signatures.as_slice() else { return Err("not one signature".to_owned()) };
    let payload = STANDARD.decode(&read.payload).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let payload = payload.ok_or("the payload is no text in base64")?;
    let signature = STANDARD.decode(&signed.sig).ok().and_then(|bytes| Signature::from_slice(&bytes).ok());
    let signature = signature.ok_or("it holds no signature of 64 bytes")?;
    key.verify_strict(&encoded(&payload), &signature)
        .map_err(|_| format!("its signature is not that of the key {}", fingerprint(key)))?;
    // What is not signed, the spaces and the name of the key, has one form only.
    if set(&payload, &signature, key).as_bytes() != envelope {
        return Err("the payload is signed, the envelope around it is not as it was set".to_owned());
    }
    Ok(payload)
}

/// What is signed: type and payload with their lengths, DSSE 1.0.
fn encoded(payload: &str) -> Vec<u8> {
    format!("DSSEv1 {} {PAYLOAD_TYPE} {} {payload}", PAYLOAD_TYPE.len(), payload.len()).into_bytes()
}
