//! Everything a matrix needs, read and validated whole before anything starts, and what its results depend on.

use std::fmt;
use std::path::{Path, PathBuf};

use evidence::manifest::sha256;
use files::{BatteryFile, Expectation, InputError, Library, Suites, read_text};
use serde::{Deserialize, Serialize};
use sim::Simulated;

use super::asked::{Names, Seeds, Shard};
use super::zoo::Zoo;
use crate::{Error, Setup};

/// The suites, every battery on every rig, and what their results depend on.
#[derive(Debug)]
pub struct Inputs {
    pub(super) suites: Suites,
    pub(super) subjects: Vec<Subject>,
    /// battery files of the zoo that are played, each by its name
    pub made: Vec<(String, String)>,
    /// what results depend on
    pub made_by: MadeBy,
}

/// A battery on a rig, and what must be found in it.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) setup: Setup,
    /// none where nobody here answers for what its file expects
    pub(super) expect: Option<Vec<String>>,
}

/// One cell: which of the subjects, and the seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    pub(super) subject: usize,
    pub(super) seed: u64,
}

/// What results depend on: those of another program or of other files are never mixed with them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct MadeBy {
    /// version of the harness
    pub harness: String,
    /// hash of the program itself: the judge and the simulated world are in it
    pub program: String,
    /// hash of all suites, rigs and batteries of the project, of others that were asked for, and of what batteries that are
    /// programs are made of
    pub files: String,
}

impl MadeBy {
    /// This program with files that a text tells apart.
    pub(crate) fn of_files(text: &str) -> Result<Self, Error> {
        Ok(Self {
            harness: env!("CARGO_PKG_VERSION").to_owned(),
            program: short(&sha256(&program()?)),
            files: short(&sha256(text.as_bytes())),
        })
    }

    /// For the name of a folder.
    #[must_use]
    pub fn short(&self) -> String {
        sha256(self.to_string().as_bytes()).chars().take(8).collect()
    }
}

impl fmt::Display for MadeBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "busbar {}, program {}, files {}", self.harness, self.program, self.files)
    }
}

impl Inputs {
    /// Reads and validates everything. With a zoo its batteries are played in place of those of the catalogue.
    ///
    /// # Errors
    /// With file, line, column and what was expected; when no rig or battery has a name; when a rig is real.
    pub fn read(library: &Library, batteries: &Names, rigs: &Names, zoo: Option<Zoo>) -> Result<Self, Error> {
        let suites = library.read_suites()?.whole()?;
        let catalogue = library.batteries()?;
        let mut paths = [library.suites()?, catalogue.clone(), library.rigs()?].concat();
        let mut played = Vec::new();
        let mut made = Vec::new();
        match zoo {
            Some(zoo) => {
                let read = catalogue.iter().map(|path| library.read_battery(path));
                for text in zoo.files(&read.collect::<Result<Vec<_>, _>>()?) {
                    let battery =
                        BatteryFile::parse("a battery of the zoo", &text).map_err(InputError::from)?;
                    let name = battery.declared.name.clone();
                    if batteries.has(&name) {
                        let expect = expected(&battery);
                        played.push((battery, Some(expect)));
                        made.push((name, text));
                    }
                }
            }
            None => {
                for path in chosen(batteries, catalogue.clone(), |name| library.battery(name))? {
                    let battery = crate::battery(library, &path.to_string_lossy())?;
                    // What the file of a stranger expects of his own battery proves nothing of the judge.
                    let expect = is_one_of(&path, &catalogue).then(|| expected(&battery));
                    // A battery that exists as hardware alone is not for a simulated rig.
                    if battery.simulated.is_some() || *batteries != Names::All {
                        played.push((battery, expect));
                    }
                    paths.push(path);
                }
            }
        }
        let mut on = Vec::new();
        for path in chosen(rigs, library.rigs()?, |name| library.rig(name))? {
            let rig = crate::rig(library, &path.to_string_lossy())?;
            paths.push(path);
            if rig.live.is_none() {
                on.push(rig);
            } else if *rigs != Names::All {
                return Err(Error::Usage(format!("`{}` is a real rig: seeds need a simulated one", rig.rig)));
            }
        }
        paths.sort();
        paths.dedup();
        let mut text = String::new();
        #[cfg(unix)]
        for (battery, _) in &played {
            if let Some(Simulated::Program(program)) = Simulated::read(battery).map_err(InputError::from)? {
                text += &program.made_of();
            }
        }
        for path in paths {
            text += &format!("{} {}\n", library.shown(&path), sha256(read_text(&path)?.as_bytes()));
        }
        let made_by = MadeBy::of_files(&text)?;
        let mut subjects = Vec::new();
        for (battery, expect) in played {
            for rig in &on {
                let setup = Setup::of(rig.clone(), battery.clone())?;
                // One for 24 V is no battery for a system of 48 V, unless somebody asks for it.
                let asked = *rigs != Names::All && zoo.is_none();
                let cut = zoo == Some(Zoo::Cut) && !crate::setup::is_plain(&rig.rig);
                if asked || setup.fits() && !cut {
                    subjects.push(Subject { setup, expect: expect.clone() });
                }
            }
        }
        Ok(Self { suites, subjects, made, made_by })
    }

    /// The cells of a shard, seed by seed: what is stopped early has looked at every battery.
    #[must_use]
    pub fn cells(&self, seeds: Seeds, shard: Option<Shard>) -> Vec<Key> {
        let all = (seeds.first..=seeds.last)
            .flat_map(|seed| (0..self.subjects.len()).map(move |subject| Key { subject, seed }));
        all.filter(|key| shard.is_none_or(|shard| shard.has(&self.name(key)))).collect()
    }

    /// How a cell is named.
    #[must_use]
    pub fn name(&self, key: &Key) -> String {
        let Setup { rig, battery, .. } = &self.subjects[key.subject].setup;
        report::matrix::cell::name(&battery.declared.name, &rig.rig, key.seed)
    }
}

/// The requirements by which a battery must be found.
fn expected(battery: &BatteryFile) -> Vec<String> {
    match &battery.expect {
        Expectation::Pass => Vec::new(),
        Expectation::Fail(ids) => ids.clone(),
    }
}

/// Whether a path leads to one of the files.
fn is_one_of(path: &Path, files: &[PathBuf]) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    files.iter().any(|file| file == path || real(file).is_some_and(|file| Some(file) == real(path)))
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
fn program() -> Result<Vec<u8>, Error> {
    let read = std::env::current_exe().and_then(std::fs::read);
    read.map_err(Error::system("read the program itself, without which results cannot say what made them"))
}
