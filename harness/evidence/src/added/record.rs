//! How an export was laid beside a run: which file, and what its times are on the run's clock.

use serde::{Deserialize, Serialize};

use crate::vrm::Local;

/// Name and version of the format.
pub const SCHEMA: &str = "busbar-added/1";

/// What `vrm-1.json` says of `vrm-1.csv`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// [`SCHEMA`]
    pub schema: String,
    /// the run that it lies beside, by its id
    pub run: String,
    /// SHA-256 of the `manifest.json` of that run; none where it has none
    pub manifest_sha256: Option<String>,
    /// name of the file in the run folder: a copy, to the byte
    pub file: String,
    /// name of the file that was given
    pub given_as: String,
    /// its length
    pub bytes: u64,
    /// its SHA-256, hexadecimal
    pub sha256: String,
    /// the time zone that its head names, such as `Europe/Berlin`
    pub zone: String,
    /// seconds east of UTC that its times were taken to be
    pub zone_offset_s: i32,
    /// who says so
    pub zone_offset_by: Says,
    /// microseconds by which its clock is ahead of the run's, as stated; 0 if none was stated
    pub offset_us: i64,
    /// whether that was stated
    pub offset_stated: bool,
    /// microseconds since 1970 at the start of the run
    pub run_began_us: u64,
    /// where that stands
    pub run_began_by: Start,
}

/// Who says which offset from UTC the times of an export have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Says {
    /// the person who added it, by `--zone`
    Stated,
    /// its head: that is the offset at the moment of export
    Head,
    /// the name of its zone, which is UTC
    Name,
}

/// Where it stands when a run began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// `epoch` of `events.jsonl`, to the microsecond
    Events,
    /// `started` of `manifest.json`, to the second: a simulated run, or one that was faster than the clock
    Manifest,
}

const MICRO: i64 = 1_000_000;

impl Record {
    /// A time of the export in microseconds since the start of the run; negative before it.
    #[must_use]
    pub fn in_run(&self, at: Local) -> i64 {
        let began = i64::try_from(self.run_began_us).unwrap_or(i64::MAX);
        at.utc(self.zone_offset_s).saturating_mul(MICRO).saturating_sub(self.offset_us).saturating_sub(began)
    }

    /// What the clock of the export said at so many microseconds since the start of the run.
    #[must_use]
    pub fn on_export(&self, in_run: i64) -> Local {
        let began = i64::try_from(self.run_began_us).unwrap_or(i64::MAX);
        let utc = began.saturating_add(in_run).saturating_add(self.offset_us).div_euclid(MICRO);
        Local(utc + i64::from(self.zone_offset_s))
    }
}
