//! What a search may vary, and the files of a point: a rig like the one that was asked for, a battery like the one that was asked
//! for, and suites with other numbers. A cell is played from these texts and from nothing else, so that whoever runs them has the
//! same world to the bit.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use files::sweep::RangeError;
use files::{BatteryFile, Expectation, Kind, Library, Range, RigFile, Sweep};

use super::case::{Numbers, Template, WORST, file_of};
use crate::Error;

/// A number that a search varies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// `rig`, `battery` or `case`, then its keys, such as `rig.pack.r0`
    pub name: String,
    of: Of,
    /// one end of its range, as the file has it
    pub low: String,
    /// the other
    pub high: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Of {
    Rig(String),
    Battery(String),
    Case(Numbers),
}

/// A number of the battery, by its path under `simulated`, and what it is set to.
pub type Setting = (String, String);

/// Everything that a point is made of.
#[derive(Debug)]
pub(super) struct Space {
    pub(super) library: Library,
    pub(super) rig: RigFile,
    pub(super) battery: BatteryFile,
    rig_path: PathBuf,
    battery_path: PathBuf,
    pub(super) suites: Vec<Template>,
    pub(super) parameters: Vec<Parameter>,
}

/// The files of a point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Texts {
    /// nothing where it is the rig itself
    pub(super) rig: Option<String>,
    /// nothing where it is the battery itself
    pub(super) battery: Option<String>,
    /// text of each suite by the name of the one that it is like; those that are not there are as they are
    pub(super) suites: BTreeMap<String, String>,
}

/// What the battery of the worst point is called, and its rig.
const BATTERY: &str = "worst-battery";
const RIG: &str = WORST;
/// What a battery with other numbers is called.
pub(super) const TUNED: &str = "tuned";

impl Space {
    /// # Errors
    /// When a range has no values, or nothing has a range.
    pub(super) fn new(
        library: &Library,
        (rig, rig_path): (RigFile, PathBuf),
        (battery, battery_path): (BatteryFile, PathBuf),
        suites: Vec<Template>,
    ) -> Result<Self, Error> {
        let mut parameters = Vec::new();
        for (sweep, of) in [(&rig.sweep, true), (&battery.sweep, false)] {
            parameters.extend(ranges(sweep, of).map_err(|(path, error)| {
                // A battery file is refused when it is read.
                let error = rig.refuse(&format!("sweep.{path}"), error.to_string(), RangeError::EXPECTED);
                Error::Refused(error.to_string())
            })?);
        }
        let is_program = battery.simulated.as_ref().is_some_and(|section| section.has("program"));
        if is_program && !battery.sweep.is_empty() {
            return Err(Error::Refused(format!(
                "{}: `sweep` is for a model: what a program decides by, busbar cannot set",
                library.shown(&battery_path)
            )));
        }
        let numbers = Numbers::ALL.into_iter().filter_map(|numbers| {
            let (low, high) = numbers.range(&suites)?;
            Some(Parameter { name: format!("case.{}", numbers.name()), of: Of::Case(numbers), low, high })
        });
        parameters.extend(numbers);
        if parameters.is_empty() {
            return Err(Error::Usage(format!(
                "nothing has a range to search in: neither the rig `{}` nor the battery `{}` has a `sweep:`",
                rig.rig, battery.declared.name
            )));
        }
        for (name, path) in [(RIG, &rig_path), (BATTERY, &battery_path)] {
            if stem(path) == name {
                let path = library.shown(path);
                return Err(Error::Usage(format!(
                    "{path} is called as what is found will be: give it another name"
                )));
            }
        }
        Ok(Self { library: library.clone(), rig, battery, rig_path, battery_path, suites, parameters })
    }

    /// The value of each parameter at a point, as files have it.
    pub(super) fn values(&self, at: &[f64]) -> Vec<String> {
        let value = |(parameter, share): (&Parameter, &f64)| {
            parameter.range().at(*share).unwrap_or_else(|_| parameter.low.clone())
        };
        self.parameters.iter().zip(at).map(value).collect()
    }

    /// What a number of the battery is in its files, by its path under `simulated`; nothing where they leave it out.
    pub(super) fn now(&self, path: &str) -> Option<String> {
        match self.battery.simulated.as_ref()?.value(path)? {
            serde_json::Value::String(text) => Some(text),
            serde_json::Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// The battery with other numbers, and what it is like: a folder of them needs nothing else.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub(super) fn tuned(&self, settings: &[Setting]) -> Result<BTreeMap<String, String>, Error> {
        let mut battery = Branch::default();
        settings.iter().for_each(|(path, value)| battery.put(path, value.clone()));
        let mut all = self.below::<BatteryFile>(&self.battery_path)?;
        all.insert(
            format!("{TUNED}.yaml"),
            self.battery_like(TUNED, ("tuned", &Expectation::Pass), &battery),
        );
        Ok(all)
    }

    /// The files of a point, or as they are, where there is none.
    pub(super) fn texts(&self, at: Option<&[f64]>) -> Texts {
        self.texts_with(at, &[])
    }

    /// The same with other numbers of the battery.
    pub(super) fn texts_with(&self, at: Option<&[f64]>, settings: &[Setting]) -> Texts {
        let values = at.map(|at| self.values(at)).unwrap_or_default();
        let (mut rig, mut battery) = (Branch::default(), Branch::default());
        let mut numbers = Vec::new();
        for (parameter, value) in self.parameters.iter().zip(values) {
            match &parameter.of {
                Of::Rig(path) => rig.put(path, value),
                Of::Battery(path) => battery.put(path, value),
                Of::Case(what) => numbers.push((*what, value)),
            }
        }
        settings.iter().for_each(|(path, value)| battery.put(path, value.clone()));
        let rig = (!rig.0.is_empty()).then(|| {
            let title = titled(&self.rig.title, THE_WORST);
            let like = stem(&self.rig_path);
            format!("{HEAD}rig: {RIG}\ntitle: {title}\nlike: {like}\nplant:\n{}", rig.text(1))
        });
        let battery = (!battery.0.is_empty())
            .then(|| self.battery_like(BATTERY, (THE_WORST, &self.battery.expect), &battery));
        let suites = self.suites.iter().filter(|suite| at.is_some() && suite.varies());
        Texts {
            rig,
            battery,
            suites: suites.map(|suite| (suite.name().to_owned(), suite.with(&numbers))).collect(),
        }
    }

    /// A battery file of this name `like` the one that was asked for, with these numbers under `simulated`.
    fn battery_like(&self, name: &str, (what, expect): (&str, &Expectation), numbers: &Branch) -> String {
        let (title, like) = (titled(&self.battery.title, what), stem(&self.battery_path));
        let expect = match expect {
            Expectation::Pass => "pass".to_owned(),
            Expectation::Fail(ids) => format!("{{ fail: [{}] }}", ids.join(", ")),
        };
        format!(
            "{HEAD}battery: {name}\ntitle: {title}\nlike: {like}\nexpect: {expect}\nsimulated:\n{}",
            numbers.text(1)
        )
    }

    /// Rig and battery of a point, read as anybody reads them.
    ///
    /// # Errors
    /// When there can be no such world.
    pub(super) fn read(&self, texts: &Texts) -> Result<(RigFile, BatteryFile), files::InputError> {
        let rig = match &texts.rig {
            Some(text) => {
                let path = self.rig_path.with_file_name(format!("{RIG}.yaml"));
                self.library.with_text(&path, text.clone()).read_rig(&path)?
            }
            None => self.rig.clone(),
        };
        let battery = match &texts.battery {
            Some(text) => {
                let path = self.battery_path.with_file_name(format!("{BATTERY}.yaml"));
                self.library.with_text(&path, text.clone()).read_battery(&path)?
            }
            None => self.battery.clone(),
        };
        Ok((rig, battery))
    }

    /// The files of a point with those that they are like, by their names: a folder of them needs nothing else.
    ///
    /// # Errors
    /// When one cannot be read.
    pub(super) fn folder(&self, texts: Texts) -> Result<BTreeMap<String, String>, Error> {
        let mut all = BTreeMap::new();
        if let Some(rig) = texts.rig {
            all.extend(self.below::<RigFile>(&self.rig_path)?);
            all.insert(format!("{RIG}.yaml"), rig);
        }
        if let Some(battery) = texts.battery {
            all.extend(self.below::<BatteryFile>(&self.battery_path)?);
            all.insert(format!("{BATTERY}.yaml"), battery);
        }
        all.extend(texts.suites.into_iter().map(|(suite, text)| (file_of(&suite), text)));
        Ok(all)
    }

    /// A file and those that it is like, by their names.
    fn below<K: Kind>(&self, path: &Path) -> Result<BTreeMap<String, String>, Error> {
        let name = |path: PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let layers = self.library.layers_of::<K>(path)?;
        Ok(layers.into_iter().map(|(path, text)| (name(path), text)).collect())
    }

    /// Every file that a search is made from, with the place it has in a project.
    ///
    /// # Errors
    /// When one cannot be read.
    pub(super) fn made_from(&self) -> Result<Vec<(String, String)>, Error> {
        Ok(self.library.inputs(&self.rig_path, None, &self.battery_path)?)
    }
}

/// What stands at the top of a file that was found.
const HEAD: &str = "# Found by busbar search: only what differs is here.\n";

/// What a title ends with.
const THE_WORST: &str = "the worst of a search";

fn titled(title: &str, what: &str) -> serde_json::Value {
    serde_json::Value::from(format!("{title}, {what}"))
}

impl Parameter {
    fn range(&self) -> Range<'_> {
        Range { path: self.name.clone(), low: &self.low, high: &self.high }
    }
}

fn ranges(sweep: &Sweep, of_rig: bool) -> Result<Vec<Parameter>, (String, RangeError)> {
    let parameter = |range: Range<'_>| {
        range.at(0.0).map_err(|error| (range.path.clone(), error))?;
        let path = range.path.clone();
        let (of, whose) = if of_rig { (Of::Rig(path), "rig") } else { (Of::Battery(path), "battery") };
        let name = format!("{whose}.{}", range.path);
        Ok(Parameter { name, of, low: range.low.to_owned(), high: range.high.to_owned() })
    };
    sweep.ranges().into_iter().map(parameter).collect()
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// Keys and values as a file nests them.
#[derive(Debug, Default)]
struct Branch(BTreeMap<String, Leaf>);

#[derive(Debug)]
enum Leaf {
    Value(String),
    Branch(Branch),
}

impl Branch {
    fn put(&mut self, path: &str, value: String) {
        match path.split_once('.') {
            None => {
                self.0.insert(path.to_owned(), Leaf::Value(value));
            }
            Some((first, rest)) => {
                let below = self.0.entry(first.to_owned()).or_insert_with(|| Leaf::Branch(Self::default()));
                if let Leaf::Branch(below) = below {
                    below.put(rest, value);
                }
            }
        }
    }

    fn text(&self, depth: usize) -> String {
        let indent = "  ".repeat(depth);
        let line = |(key, leaf): (&String, &Leaf)| match leaf {
            Leaf::Value(value) => format!("{indent}{key}: {value}\n"),
            Leaf::Branch(below) => format!("{indent}{key}:\n{}", below.text(depth + 1)),
        };
        self.0.iter().map(line).collect()
    }
}
