//! The section `lease:` of a rig file: who hands out a rig that several people share, and how it is asked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use engine::yaml::{Layers, YamlError};
use proto::quantity::Micros;
use schemars::JsonSchema;
use serde::Deserialize;

/// Who hands out a rig that several people share: three commands of any engine, or labgrid.
///
/// A command is a program with its arguments, without a shell, run in the folder of the rig file; what it is told, and what its
/// answers mean, says `docs/leases.md`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Lease {
    /// asks for the rig; exit code 0 says that it is ours. Run before anything is opened
    pub acquire: Option<Vec<String>>,
    /// asks whether the rig is still ours: exit code 0 says so, 3 says that it is not, anything else that nobody knows
    pub check: Option<Vec<String>>,
    /// gives the rig back; run after the output was read back as off, and only while `check` says that it is ours
    pub release: Option<Vec<String>>,
    /// labgrid, in place of the three commands
    pub labgrid: Option<Labgrid>,
    /// from one `check` to the next while a run goes on; two that fail in a row end the run
    #[serde(default = "every")]
    pub every: Micros,
    /// how long a command may take before it is ended with all that it has started
    #[serde(default = "within")]
    pub within: Micros,
    /// the folder of the rig file
    #[serde(skip)]
    pub folder: PathBuf,
}

/// A place of a labgrid coordinator, asked for with the program `labgrid-client`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Labgrid {
    /// host and port of the coordinator, such as `lab.example:20408`
    pub coordinator: String,
    /// the place, by its name or an alias
    pub place: Option<String>,
    /// or the one place that has all these tags
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// the client program, where it is not on the path
    #[serde(default = "client")]
    pub client: String,
}

const fn every() -> Micros {
    Micros::from_secs(10)
}

const fn within() -> Micros {
    Micros::from_secs(30)
}

fn client() -> String {
    "labgrid-client".to_owned()
}

/// How often a lease may be looked at, and how seldom: until then a rig may be somebody else's.
const EVERY: (Micros, Micros) = (Micros::from_secs(1), Micros::from_secs(300));
/// How long a command may take.
const WITHIN: (Micros, Micros) = (Micros::from_secs(1), Micros::from_secs(600));

impl Lease {
    /// A program of a command, which a path that is not absolute names from the folder of the rig file.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        if name.contains('/') { self.folder.join(name) } else { PathBuf::from(name) }
    }

    /// The same lease of a rig file in this folder.
    pub(crate) fn read_in(self, folder: &Path) -> Self {
        // The guard is at home in another folder.
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        Self { folder: std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned()), ..self }
    }

    /// Checks what serde cannot.
    pub(crate) fn check(&self, layers: &Layers) -> Result<(), YamlError> {
        let refuse = |path: &str, message: &str, expected: &str| {
            Err(layers.refuse(path, message.to_owned(), expected.to_owned()))
        };
        let commands = [("acquire", &self.acquire), ("check", &self.check), ("release", &self.release)];
        for (name, command) in commands {
            let path = format!("lease.{name}");
            match (command, &self.labgrid) {
                (Some(_), Some(_)) => {
                    return refuse(
                        &path,
                        "labgrid has commands of its own",
                        "`labgrid:` or the three commands",
                    );
                }
                (None, None) => {
                    let message = format!("the lease has no `{name}`");
                    return refuse("lease", &message, "`acquire`, `check` and `release`, or `labgrid`");
                }
                (Some(words), None) if words.first().is_none_or(|program| program.trim().is_empty()) => {
                    return refuse(
                        &path,
                        "it names no program",
                        "a program with its arguments: `[./lease, check]`",
                    );
                }
                _ => {}
            }
        }
        if !(EVERY.0..=EVERY.1).contains(&self.every) {
            return refuse("lease.every", "a lease cannot be looked at so", "1 s to 5 min");
        }
        if !(WITHIN.0..=WITHIN.1).contains(&self.within) {
            return refuse("lease.within", "no command can be waited for so", "1 s to 10 min");
        }
        match &self.labgrid {
            Some(labgrid) if labgrid.place.is_some() != labgrid.tags.is_empty() => refuse(
                "lease.labgrid",
                "a rig is one place",
                "`place: NAME`, or `tags: { KEY: VALUE }` that one place has",
            ),
            Some(labgrid) if labgrid.coordinator.trim().is_empty() => {
                refuse("lease.labgrid.coordinator", "it names no coordinator", "`host:20408`")
            }
            _ => Ok(()),
        }
    }
}
