//! Reads a tree of nodes into a stricter type and notes everything that is wrong on the way.

use core::str::FromStr;

use proto::quantity::{Dimension, QuantityError};
pub use proto::text::nearest;

use super::node::{Key, Kind};
use super::{Node, Position, Problem, quoted};

/// Collects the problems of a file. A method that returns nothing has noted why.
#[derive(Debug, Default)]
pub struct Reader {
    problems: Vec<Problem>,
}

impl Reader {
    /// Notes a problem.
    pub fn refuse(&mut self, at: Position, message: impl Into<String>, expected: impl Into<String>) {
        self.problems.push(Problem::new(at, message, expected));
    }

    /// Notes a name that is not known, with the nearest one that is.
    pub fn unknown(&mut self, at: Position, what: &str, name: &str, names: &[&str]) {
        let expected = nearest(name, names.iter().copied())
            .map_or_else(|| format!("one of {}", quoted(names)), |near| format!("`{near}`"));
        self.refuse(at, format!("unknown {what} `{name}`"), expected);
    }

    /// Whether anything was wrong so far.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }

    /// Everything that was wrong.
    #[must_use]
    pub fn into_problems(self) -> Vec<Problem> {
        self.problems
    }

    /// The value as text. `name` is what the messages call it.
    pub fn text<'n>(&mut self, name: &str, node: &'n Node) -> Option<&'n str> {
        match &node.kind {
            Kind::Text(text) if !text.trim().is_empty() => Some(text),
            Kind::Text(_) | Kind::Empty => {
                self.refuse(node.at, format!("`{name}` is empty"), "a text");
                None
            }
            Kind::List(_) | Kind::Map(_) => {
                self.refuse(node.at, format!("`{name}` is a list or a map"), "a text");
                None
            }
        }
    }

    /// The value as a quantity with its unit.
    pub fn quantity<T: FromStr<Err = QuantityError>>(
        &mut self,
        name: &str,
        expected: &'static str,
        node: &Node,
    ) -> Option<T> {
        self.parsed(name, expected, node, str::parse)
    }

    /// The value as a number with a unit of a dimension, in its base unit.
    pub fn measured(&mut self, name: &str, dimension: &Dimension, node: &Node) -> Option<f64> {
        self.parsed(name, dimension.expected, node, dimension.read)
    }

    fn parsed<T>(
        &mut self,
        name: &str,
        expected: &'static str,
        node: &Node,
        read: impl FnOnce(&str) -> Result<T, QuantityError>,
    ) -> Option<T> {
        let Kind::Text(text) = &node.kind else {
            self.refuse(node.at, format!("`{name}` is not a quantity"), expected);
            return None;
        };
        match read(text) {
            Ok(value) => Some(value),
            Err(QuantityError::NoUnit { expected, .. }) => {
                self.refuse(node.at, format!("`{name}` has no unit"), expected);
                None
            }
            Err(QuantityError::WrongUnit { unit, expected }) => {
                self.refuse(node.at, format!("the unit `{unit}` does not fit `{name}`"), expected);
                None
            }
            Err(QuantityError::NotANumber { found, expected }) => {
                self.refuse(node.at, format!("`{found}` is not a quantity for `{name}`"), expected);
                None
            }
        }
    }

    /// The value as a whole number, decimal or `0x` hexadecimal.
    pub fn integer(&mut self, name: &str, range: core::ops::RangeInclusive<u32>, node: &Node) -> Option<u32> {
        let number = match &node.kind {
            Kind::Text(text) => match text.strip_prefix("0x") {
                Some(hex) => u32::from_str_radix(hex, 16).ok(),
                None => text.parse().ok(),
            },
            _ => None,
        };
        let found = number.filter(|n| range.contains(n));
        if found.is_none() {
            self.refuse(
                node.at,
                format!("`{name}` is not such a number"),
                format!("a whole number from {} to {}", range.start(), range.end()),
            );
        }
        found
    }

    /// The value as one of a few words.
    pub fn word<T: Copy>(&mut self, name: &str, words: &[(&str, T)], node: &Node) -> Option<T> {
        let found = match &node.kind {
            Kind::Text(text) => words.iter().find(|(word, _)| word == text).map(|&(_, value)| value),
            _ => None,
        };
        if found.is_none() {
            let names: Vec<_> = words.iter().map(|&(word, _)| word).collect();
            let expected = format!("one of {}", quoted(&names));
            match &node.kind {
                Kind::Text(text) => self.refuse(node.at, format!("`{name}` cannot be `{text}`"), expected),
                _ => self.refuse(node.at, format!("`{name}` is not a word"), expected),
            }
        }
        found
    }

    /// The value as a list.
    pub fn list<'n>(&mut self, name: &str, node: &'n Node) -> Option<&'n [Node]> {
        if let Kind::List(items) = &node.kind {
            return Some(items);
        }
        self.refuse(node.at, format!("`{name}` is not a list"), "a list");
        None
    }

    /// The value as a map whose keys are known.
    pub fn fields<'n>(&mut self, name: &str, node: &'n Node, known: &[&str]) -> Option<Fields<'n>> {
        let Kind::Map(entries) = &node.kind else {
            self.refuse(node.at, format!("`{name}` is not a map"), format!("the keys {}", quoted(known)));
            return None;
        };
        let mut meant = Vec::new();
        for (key, _) in entries {
            if !known.contains(&key.name.as_str()) {
                self.unknown(key.at, "key", &key.name, known);
                meant.extend(nearest(&key.name, known.iter().copied()).map(str::to_owned));
            }
        }
        Some(Fields { at: node.at, entries, meant })
    }

    /// The value as a map with exactly one key: `hold: 60 min`.
    pub fn single<'n>(
        &mut self,
        name: &str,
        node: &'n Node,
        known: &[&str],
    ) -> Option<(&'n str, Position, &'n Node)> {
        match &node.kind {
            Kind::Map(entries) if entries.len() == 1 => {
                let (key, value) = &entries[0];
                if known.contains(&key.name.as_str()) {
                    return Some((&key.name, key.at, value));
                }
                self.unknown(key.at, name, &key.name, known);
            }
            Kind::Map(entries) if entries.len() > 1 => {
                let (second, _) = &entries[1];
                self.refuse(
                    second.at,
                    format!("a {name} has one key, `{}` is a second", second.name),
                    format!("a {name} of its own, or `{{ … }}` around what belongs to the first"),
                );
            }
            Kind::Text(text) => self.refuse(
                node.at,
                format!("`{text}` is not a {name}"),
                format!("a {name} such as `{}: …`", nearest(text, known.iter().copied()).unwrap_or(known[0])),
            ),
            _ => self.refuse(node.at, format!("this is not a {name}"), format!("one of {}", quoted(known))),
        }
        None
    }
}

impl Node {
    /// The text, where it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        if let Kind::Text(text) = &self.kind { Some(text) } else { None }
    }

    /// The keys of a map with their places and values, where it is one.
    pub fn entries(&self) -> Option<impl Iterator<Item = (&str, Position, &Self)>> {
        let Kind::Map(entries) = &self.kind else { return None };
        Some(entries.iter().map(|(key, value)| (key.name.as_str(), key.at, value)))
    }
}

/// The values of a map.
#[derive(Debug, Clone)]
pub struct Fields<'n> {
    at: Position,
    entries: &'n [(Key, Node)],
    /// Names that keys which are not known were taken for: one typing error is one problem, not also a missing key.
    meant: Vec<String>,
}

impl<'n> Fields<'n> {
    /// The value of a key that may be absent.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'n Node> {
        self.entries.iter().find(|(key, _)| key.name == name).map(|(_, value)| value)
    }

    /// The value of a key that must be there.
    pub fn require(&self, name: &str, reader: &mut Reader) -> Option<&'n Node> {
        let found = self.get(name);
        if found.is_none() && !self.meant.iter().any(|meant| meant == name) {
            reader.refuse(self.at, format!("`{name}` is missing"), format!("`{name}: …`"));
        }
        found
    }
}
