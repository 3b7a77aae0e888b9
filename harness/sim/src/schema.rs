//! JSON schemas of the files that have a simulated part.

use files::{BatteryFile, RigFile};
use plant::params::Params;
use schemars::{Schema, schema_for};

use crate::simulated::Sheet;

/// JSON schema of a rig file, for editors.
#[must_use]
pub fn rig() -> Schema {
    RigFile::schema(schema_for!(Params))
}

/// JSON schema of a battery file, for editors.
#[must_use]
pub fn battery() -> Schema {
    BatteryFile::schema(schema_for!(Sheet))
}
