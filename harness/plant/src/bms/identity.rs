//! Who a battery says it is.

use proto::message::{Firmware, Text8};
use schemars::JsonSchema;
use serde::Deserialize;

use super::params::ParamsError;

/// Who the battery says it is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Identity {
    /// 0x35E, up to 8 characters
    pub manufacturer: String,
    /// 0x370 and 0x371, up to 16 characters; one of 8 or fewer belongs in 0x35E alone and may be left out
    pub name: Option<String>,
    /// 0x35F, such as `1.23`
    pub firmware: String,
    /// 0x380 and 0x381, up to 16 characters
    pub serial: Option<String>,
    /// 0x382, up to 8 characters
    pub family: Option<String>,
}

impl Identity {
    pub(super) fn check(&self) -> Result<(), ParamsError> {
        let refuse =
            |key, found: &str, expected| ParamsError::Range { key, found: found.to_owned(), expected };
        let short = "up to 8 printable ASCII characters";
        let long = "up to 16 printable ASCII characters";
        for (key, text) in
            [("identity.manufacturer", Some(&self.manufacturer)), ("identity.family", self.family.as_ref())]
        {
            if let Some(text) = text
                && Text8::new(text).is_none()
            {
                return Err(refuse(key, text, short));
            }
        }
        for (key, text) in [("identity.name", &self.name), ("identity.serial", &self.serial)] {
            if let Some(text) = text
                && Text8::pair(text).is_none()
            {
                return Err(refuse(key, text, long));
            }
        }
        if self.version().is_none() {
            return Err(refuse(
                "identity.firmware",
                &self.firmware,
                "a version such as `1.23`, each part 0–255",
            ));
        }
        Ok(())
    }

    /// The version, as 0x35F carries it.
    pub(super) fn version(&self) -> Option<Firmware> {
        let (major, minor) = self.firmware.split_once('.')?;
        Some(Firmware { major: major.parse().ok()?, minor: minor.parse().ok()? })
    }
}
