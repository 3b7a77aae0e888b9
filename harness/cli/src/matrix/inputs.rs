//! Everything a matrix needs, read and validated whole before anything starts, and what its results depend on.

use std::fmt;

use engine::suite::Suite;
use evidence::manifest::sha256;
use files::{BatteryFile, Expectation, InputError, Library, RigFile, read_text};
use serde::{Deserialize, Serialize};

use super::asked::{Names, Seeds, Shard};
use crate::{Exit, Failure, load};

/// The suites, the batteries and the rigs.
pub(super) struct Inputs {
    pub(super) suites: Vec<Suite>,
    pub(super) batteries: Vec<Subject>,
    pub(super) rigs: Vec<RigFile>,
    pub(super) made_by: MadeBy,
}

/// A battery and what must be found in it.
pub(super) struct Subject {
    pub(super) file: BatteryFile,
    pub(super) expect: Vec<String>,
}

/// One cell: indices into the inputs, and the seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) battery: usize,
    pub(super) rig: usize,
    pub(super) seed: u64,
}

/// What results depend on: those of another program or of other files are never mixed with them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct MadeBy {
    /// version of the harness
    pub(super) harness: String,
    /// hash of the program itself: the judge and the simulated world are in it
    pub(super) program: String,
    /// hash of all suites, rigs and batteries of the project, of others that were asked for, and of what batteries that are
    /// programs are made of
    pub(super) files: String,
}

impl MadeBy {
    /// For the name of a folder.
    pub(super) fn short(&self) -> String {
        sha256(self.to_string().as_bytes()).chars().take(8).collect()
    }
}

impl fmt::Display for MadeBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "busbar {}, program {}, files {}", self.harness, self.program, self.files)
    }
}

impl Inputs {
    pub(super) fn read(library: &Library, batteries: &Names, rigs: &Names) -> Result<Self, Failure> {
        let (suites, _) = load::suites(library)?;
        let mut paths = [library.suites()?, library.batteries()?, library.rigs()?].concat();
        let mut played = Vec::new();
        for path in chosen(batteries, library.batteries()?, |name| library.battery(name))? {
            let file = load::battery(library, &path.to_string_lossy())?;
            let expect = match &file.expect {
                Expectation::Pass => Vec::new(),
                Expectation::Fail(ids) => ids.clone(),
            };
            // A battery that exists as hardware alone is not for a simulated rig.
            if file.simulated.is_some() || *batteries != Names::All {
                played.push(Subject { file, expect });
            }
            paths.push(path);
        }
        let mut programs = String::new();
        #[cfg(unix)]
        for Subject { file, .. } in &played {
            if let Some(sim::Simulated::Program(program)) =
                sim::Simulated::read(file).map_err(InputError::from)?
            {
                programs += &program.made_of();
            }
        }
        let mut on = Vec::new();
        for path in chosen(rigs, library.rigs()?, |name| library.rig(name))? {
            let rig = load::rig(library, &path.to_string_lossy())?;
            paths.push(path);
            if rig.live.is_none() {
                on.push(rig);
            } else if *rigs != Names::All {
                let message = format!("`{}` is a real rig: seeds need a simulated one", rig.rig);
                return Err(Failure { exit: Exit::Usage, message });
            }
        }
        paths.sort();
        paths.dedup();
        let mut text = programs;
        for path in paths {
            text += &format!("{} {}\n", library.shown(&path), sha256(read_text(&path)?.as_bytes()));
        }
        let made_by = MadeBy {
            harness: env!("CARGO_PKG_VERSION").to_owned(),
            program: short(&sha256(&program()?)),
            files: short(&sha256(text.as_bytes())),
        };
        Ok(Self { suites, batteries: played, rigs: on, made_by })
    }

    /// The cells of a shard, seed by seed: what is stopped early has looked at every battery.
    pub(super) fn cells(&self, seeds: Seeds, shard: Option<Shard>) -> Vec<Key> {
        let mut keys = Vec::new();
        for seed in seeds.first..=seeds.last {
            for battery in 0..self.batteries.len() {
                keys.extend((0..self.rigs.len()).map(|rig| Key { battery, rig, seed }));
            }
        }
        keys.retain(|key| shard.is_none_or(|shard| shard.has(&self.name(key))));
        keys
    }

    /// How a cell is named.
    pub(super) fn name(&self, key: &Key) -> String {
        let battery = &self.batteries[key.battery].file.declared.name;
        report::matrix::cell::name(battery, &self.rigs[key.rig].rig, key.seed)
    }
}

/// The files of all, or of those that were named.
fn chosen<P>(
    names: &Names,
    all: Vec<P>,
    find: impl Fn(&str) -> Result<P, InputError>,
) -> Result<Vec<P>, InputError> {
    match names {
        Names::All => Ok(all),
        Names::These(names) => names.iter().map(|name| find(name)).collect(),
    }
}

fn short(hash: &str) -> String {
    hash.chars().take(16).collect()
}

/// The bytes of the program that runs.
fn program() -> Result<Vec<u8>, Failure> {
    std::env::current_exe().and_then(std::fs::read).map_err(|error| Failure {
        exit: Exit::Inconclusive,
        message: format!("cannot read the program itself: {error}; results must say what made them"),
    })
}
