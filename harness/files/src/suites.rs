//! The suites of a project, read whole, and which of their cases somebody means.

use engine::suite::{Case, Suite};
use engine::yaml::refuse;

use crate::{InputError, Library, nearest, read_text};

/// Every suite of a project, in the order of their files.
#[derive(Debug, Clone, Default)]
pub struct Suites {
    /// the suites
    pub all: Vec<Suite>,
    /// the text of each
    pub texts: Vec<String>,
}

impl Library {
    /// Reads every suite.
    ///
    /// # Errors
    /// With file, line, column and what was expected; also where two suites have one name.
    pub fn read_suites(&self) -> Result<Suites, InputError> {
        let mut suites = Suites::default();
        for path in self.suites()? {
            let (shown, text) = (self.shown(&path), read_text(&path)?);
            let suite = Suite::parse(&shown, &text)?;
            if let Some(other) = suites.all.iter().find(|other| other.name == suite.name) {
                let message = format!("{} is called `{}` already", other.file, suite.name);
                return Err(refuse(&shown, &text, "suite", message, "a name of its own").into());
            }
            suites.all.push(suite);
            suites.texts.push(text);
        }
        Ok(suites)
    }
}

impl Suites {
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

    /// The cases that the words select: `suite`, `suite/case` or `case`; all where there are none.
    ///
    /// # Errors
    /// When a word selects nothing; the error carries the nearest names.
    pub fn select(&self, words: &[String]) -> Result<Vec<(&Suite, &Case)>, InputError> {
        let names = |(suite, case): &(&Suite, &Case)| full_name(suite, case);
        for word in words {
            if !self.cases().any(|case| means(word, &names(&case))) {
                let known = self.all.iter().flat_map(|suite| {
                    let cases = suite.cases.iter().map(move |case| full_name(suite, case));
                    core::iter::once(suite.name.clone()).chain(cases)
                });
                let nearest = nearest(word, &known.collect::<Vec<_>>());
                return Err(InputError::Unknown { kind: "suite or case", name: word.clone(), nearest });
            }
        }
        Ok(self.cases().filter(|case| selected(words, &names(case))).collect())
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
