//! Where the words of a profile were found, word by word.

use super::Profile;

/// Where a word was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source<'p> {
    /// a manual with its section, a driver
    Named(&'p str),
    /// nowhere: the profile says that it assumes it
    Assumed,
    /// the profile does not say
    Untold,
}

impl Source<'_> {
    /// In words.
    #[must_use]
    pub const fn name(&self) -> &str {
        match self {
            Self::Named(source) => source,
            Self::Assumed => "assumed",
            Self::Untold => "not told",
        }
    }
}

/// A word or a number of a profile, and how far it is to be believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backed<'p> {
    /// the path of its key
    pub key: String,
    /// the word as it is sent; nothing where the key holds a number
    pub word: Option<&'p str>,
    /// where it was found
    pub source: Source<'p>,
}

impl Profile {
    /// Where what stands under a key was found. What is said of a key holds for those below it, until something else is
    /// said of one of them.
    #[must_use]
    pub fn source_of(&self, key: &str) -> Source<'_> {
        let named = self
            .sources
            .iter()
            .flat_map(|(source, keys)| keys.iter().map(|key| (key, Source::Named(source))));
        let assumed = self.assumed.iter().map(|key| (key, Source::Assumed));
        let above = named.chain(assumed).filter(|(above, _)| is_under(key, above));
        above.max_by_key(|(above, _)| above.len()).map_or(Source::Untold, |(_, source)| source)
    }

    /// Every word that is sent, in the order of the file, and every number that is assumed.
    #[must_use]
    pub fn backed(&self) -> Vec<Backed<'_>> {
        let words = self.words();
        let numbers = self.assumed.iter().filter(|key| words.iter().all(|(word, _)| !is_under(word, key)));
        let numbers = numbers.map(|key| Backed { key: key.clone(), word: None, source: Source::Assumed });
        let told = words.iter().map(|(key, word)| (key.clone(), word.text()));
        told.map(|(key, word)| Backed { source: self.source_of(&key), key, word: Some(word) })
            .chain(numbers)
            .collect()
    }

    /// What has no manual and no driver behind it: the keys, and the words that are sent.
    #[must_use]
    pub fn guesses(&self) -> Vec<String> {
        let guessed = self.backed().into_iter().filter(|backed| !matches!(backed.source, Source::Named(_)));
        guessed
            .map(|Backed { key, word, .. }| match word {
                Some(word) => format!("{key} (`{word}`)"),
                None => key,
            })
            .collect()
    }

    /// How far a word is proven: from its source, on a fake, by a real supply.
    #[must_use]
    pub fn proof_of(&self, source: Source<'_>) -> String {
        match source {
            Source::Named(_) => self.proof(),
            source if self.simulated.is_some() && self.dialogue.is_none() => {
                format!("{}, tried on a fake", source.name())
            }
            source => source.name().to_owned(),
        }
    }
}

/// Whether a key is another one, or below it.
fn is_under(key: &str, above: &str) -> bool {
    key.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = include_str!("../../../../rigs/psu/generic.yaml");

    #[test]
    fn the_nearest_key_counts() {
        let file = FILE.replacen("assumed: [", "assumed: [voltage.ask, ", 1);
        let profile = Profile::parse("p.yaml", &file).expect("a profile");
        assert_eq!(profile.source_of("voltage.ask"), Source::Assumed);
        assert!(matches!(profile.source_of("voltage.set"), Source::Named(_)));
        assert_eq!(profile.source_of("volt"), Source::Untold);
        assert!(profile.guesses().contains(&"voltage.ask (`VOLT?`)".to_owned()), "{:?}", profile.guesses());
        assert!(profile.guesses().contains(&"line.gap".to_owned()), "{:?}", profile.guesses());
        assert_eq!(profile.proof_of(Source::Assumed), "assumed, tried on a fake");
    }

    #[test]
    fn a_key_has_one_source_and_is_there() {
        for (bad, says) in [("SCPI-99: [voltage]", "has two"), ("a manual: [power]", "there is no `power`")] {
            let file = FILE.replacen("sources:\n", &format!("sources:\n  {bad}\n"), 1);
            let error = Profile::parse("p.yaml", &file).expect_err(bad).to_string();
            assert!(error.starts_with("p.yaml:") && error.contains(says), "{error}");
        }
    }
}
