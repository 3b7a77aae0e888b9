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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RigFile;
    use rstest::rstest;

    const LAB: &str = include_str!("../../../rigs/lab-example.yaml");

    /// The example with this lease.
    fn with(lease: &str) -> Result<RigFile, String> {
        let text = LAB.replacen("\nlive:", &format!("\nlease: {lease}\nlive:"), 1);
        RigFile::parse("rigs/lab.yaml", &text).map_err(|error| error.to_string())
    }

    #[test]
    fn three_commands_or_labgrid() {
        let rig = with("{ acquire: [./a, x], check: [b], release: [/c], every: 5 s }").expect("a good lease");
        let lease = rig.lease.expect("it is there");
        assert_eq!((lease.every, lease.within), (Micros::from_secs(5), Micros::from_secs(30)));
        assert_eq!(rig.live.and_then(|live| live.lease), Some(lease.clone()), "the guard has it");
        assert!(lease.folder.is_absolute());
        assert_eq!(lease.program("./a"), lease.folder.join("./a"));
        assert_eq!((lease.program("b"), lease.program("/c")), ("b".into(), "/c".into()));

        let lease =
            with("{ labgrid: { coordinator: \"lab:20408\", place: bench } }").expect("a good lease").lease;
        let labgrid = lease.and_then(|lease| lease.labgrid).expect("it is there");
        assert_eq!((labgrid.place.as_deref(), labgrid.client.as_str()), (Some("bench"), "labgrid-client"));
        with("{ labgrid: { coordinator: \"lab:20408\", tags: { battery: \"1\" } } }").expect("a good lease");
        assert!(RigFile::parse("rigs/lab.yaml", LAB).expect("it is shipped").lease.is_none());
    }

    #[rstest]
    #[case("{ acquire: [a], check: [b] }", "the lease has no `release`")]
    #[case("{ acquire: [a], check: [], release: [c] }", "it names no program")]
    #[case("{ acquire: [a], check: [b], release: [c], every: 100 ms }", "a lease cannot be looked at so")]
    #[case("{ acquire: [a], check: [b], release: [c], within: 1 h }", "no command can be waited for so")]
    #[case(
        "{ acquire: [a], labgrid: { coordinator: \"l:1\", place: p } }",
        "labgrid has commands of its own"
    )]
    #[case("{ labgrid: { coordinator: \"l:1\" } }", "a rig is one place")]
    #[case("{ labgrid: { coordinator: \"l:1\", place: p, tags: { a: b } } }", "a rig is one place")]
    #[case("{ labgrid: { coordinator: \" \", place: p } }", "it names no coordinator")]
    #[case("{ lock: [a] }", "lock")]
    fn what_cannot_be_asked_is_refused(#[case] lease: &str, #[case] says: &str) {
        let error = with(lease).expect_err("refused");
        assert!(error.starts_with("rigs/lab.yaml:") && error.contains(says), "{error}");
    }

    #[test]
    fn nobody_takes_a_simulated_rig_away() {
        let text = include_str!("../../../rigs/simulated.yaml");
        let lease = "lease: { acquire: [a], check: [b], release: [c] }";
        let error = RigFile::parse("rig", &text.replacen("\ncan:", &format!("\n{lease}\ncan:"), 1));
        assert!(error.expect_err("refused").to_string().contains("nobody takes a simulated rig away"));
    }

    /// A rig that is like another one may be handed out by another engine.
    #[test]
    fn labgrid_takes_the_place_of_the_commands_of_the_rig_that_it_is_like() {
        let folder = tempfile::tempdir().expect("a folder");
        let commands = "\nlease: { acquire: [a], check: [b], release: [c] }\nlive:";
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("written");
        write("lab-example.yaml", &LAB.replacen("\nlive:", commands, 1));
        let labgrid = "lease: { labgrid: { coordinator: \"l:1\", place: p } }";
        write("other.yaml", &format!("rig: other\ntitle: t\nlike: lab-example\n{labgrid}\n"));
        let shown = |path: &Path| path.display().to_string();
        let rig = RigFile::load(&folder.path().join("other.yaml"), &shown).map_err(|error| error.to_string());
        let lease = rig.expect("a good rig").lease.expect("it is there");
        assert!(lease.labgrid.is_some() && lease.acquire.is_none());
        assert_eq!(lease.folder, folder.path());
    }
}
