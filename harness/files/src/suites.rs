//! The suites of a project, read whole, and which of their cases somebody means.

use std::path::{Path, PathBuf};

use engine::suite::{Case, Suite};
use engine::yaml::{YamlError, refuse};

use crate::library::{is_path, is_same};
use crate::{InputError, Library, nearest};

/// Every suite of a project, in the order of their files.
#[derive(Debug, Clone, Default)]
pub struct Suites {
    /// the suites
    pub all: Vec<Suite>,
    /// the text of each
    pub texts: Vec<String>,
    /// files that are no suite, each with what is wrong: their cases are in nobody's way
    pub broken: Vec<Broken>,
    /// where each suite lies
    paths: Vec<PathBuf>,
}

/// A suite file that is none.
#[derive(Debug, Clone)]
pub struct Broken {
    /// the name that its suite would have: that of its folder
    pub suite: String,
    /// what is wrong, with file, line and column
    pub error: YamlError,
    /// where it lies
    path: PathBuf,
}

impl Library {
    /// Reads every suite. A file that is none is kept apart, with what is wrong: file, line, column and what was expected;
    /// so is one whose suite has the name of another.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn read_suites(&self) -> Result<Suites, InputError> {
        let mut suites = Suites::default();
        for path in self.suites()? {
            let (shown, text) = (self.shown(&path), self.text(&path)?);
            let parsed = Suite::parse(&shown, &text).and_then(|suite| {
                match suites.all.iter().find(|other| other.name == suite.name) {
                    None => Ok(suite),
                    Some(other) => {
                        let message = format!("{} is called `{}` already", other.file, suite.name);
                        Err(refuse(&shown, &text, "suite", message, "a name of its own"))
                    }
                }
            });
            match parsed {
                Ok(mut suite) => {
                    // What a folder is judged again from says the same of it.
                    suite.file = self.place_beside(&path).unwrap_or(suite.file);
                    suites.all.push(suite);
                    suites.texts.push(text);
                    suites.paths.push(path);
                }
                Err(error) => {
                    let folder = path.parent().and_then(Path::file_name).unwrap_or_default();
                    let suite = folder.to_string_lossy().into_owned();
                    suites.broken.push(Broken { suite, error, path });
                }
            }
        }
        Ok(suites)
    }
}

impl Suites {
    /// The same, where every file is a suite.
    ///
    /// # Errors
    /// What is wrong with the first that is none.
    pub fn whole(self) -> Result<Self, InputError> {
        match self.broken.first() {
            None => Ok(self),
            Some(broken) => Err(broken.error.clone().into()),
        }
    }

    /// Every case with its suite.
    pub fn cases(&self) -> impl Iterator<Item = (&Suite, &Case)> {
        self.all.iter().flat_map(|suite| suite.cases.iter().map(move |case| (suite, case)))
    }

    /// Every case as it is named everywhere.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.cases().map(|(suite, case)| full_name(suite, case)).collect()
    }

    /// The case of that suite.
    #[must_use]
    pub fn case(&self, suite: &str, case: &str) -> Option<(&Suite, &Case)> {
        self.cases().find(|(s, c)| s.name == suite && c.name == case)
    }

    /// The cases that the words select: `suite`, `suite/case`, `case`, or the path of a suite; all where there are none.
    ///
    /// # Errors
    /// When a word selects nothing; the error carries the nearest names, or says what is wrong with the suite that it names.
    pub fn select(&self, words: &[String]) -> Result<Vec<(&Suite, &Case)>, InputError> {
        let means = |word: &String, (suite, case): &(&Suite, &Case)| {
            if is_path(word) { self.lies_at(suite, word) } else { means(word, &full_name(suite, case)) }
        };
        for word in words {
            if !self.cases().any(|case| means(word, &case)) {
                let suite = word.split('/').next().unwrap_or(word);
                let lies_there = |broken: &Broken| is_path(word) && is_same(&broken.path, Path::new(word));
                let broken = self.broken.iter().find(|broken| broken.suite == suite || lies_there(broken));
                if let Some(broken) = broken {
                    return Err(broken.error.clone().into());
                }
                let known = self.all.iter().flat_map(|suite| {
                    let cases = suite.cases.iter().map(move |case| full_name(suite, case));
                    core::iter::once(suite.name.clone()).chain(cases)
                });
                let nearest = nearest(word, &known.collect::<Vec<_>>());
                return Err(InputError::Unknown { kind: "suite or case", name: word.clone(), nearest });
            }
        }
        if let (None, Some(broken)) = (self.cases().next(), self.broken.first()) {
            return Err(broken.error.clone().into());
        }
        let selected =
            |case: &(&Suite, &Case)| words.is_empty() || words.iter().any(|word| means(word, case));
        Ok(self.cases().filter(selected).collect())
    }

    fn lies_at(&self, suite: &Suite, path: &str) -> bool {
        let own = self.all.iter().zip(&self.paths).find(|(other, _)| other.name == suite.name);
        own.is_some_and(|(_, own)| is_same(own, Path::new(path)))
    }
}

/// Whether some of the words select the case of this name, `suite/case`; every one is selected where there are no words.
#[must_use]
pub fn selected(words: &[String], name: &str) -> bool {
    words.is_empty() || words.iter().any(|word| means(word, name))
}

fn means(word: &str, name: &str) -> bool {
    word == name || name.split_once('/').is_some_and(|(suite, case)| word == suite || word == case)
}

/// `suite/case`, how a case is named everywhere.
#[must_use]
pub fn full_name(suite: &Suite, case: &Case) -> String {
    format!("{}/{}", suite.name, case.name)
}
