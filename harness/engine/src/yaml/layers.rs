//! Files that say only how they differ from another: maps merge key by key, anything else is replaced.
//!
//! Each value keeps the file and place where it stands, so that what is wrong is shown there.

use serde::de::DeserializeOwned;

use super::node::{Key, Kind};
use super::{Node, Position, Problem, YamlError};

/// A file with those it is laid over.
#[derive(Debug, Clone)]
pub struct Layers {
    /// name and text of each, the top one first
    files: Vec<(String, String)>,
    tree: Tree,
    /// whether the tree is no longer what the text says
    moved: bool,
}

/// A value and the file it stands in.
#[derive(Debug, Clone)]
struct Tree {
    file: usize,
    at: Position,
    kind: Branch,
}

#[derive(Debug, Clone)]
enum Branch {
    /// as it is written
    Value(String),
    List(Vec<Tree>),
    Map(Vec<(Place, String, Tree)>),
}

/// Where something stands.
#[derive(Debug, Clone, Copy)]
struct Place {
    file: usize,
    at: Position,
}

impl Layers {
    /// A file that stands alone.
    ///
    /// # Errors
    /// When it is no YAML, or beyond the bounds of [`super::parse`].
    pub fn new(file: &str, text: &str) -> Result<Self, YamlError> {
        let node = Node::read(file, text)?;
        Ok(Self { files: vec![(file.to_owned(), text.to_owned())], tree: Tree::of(node, text), moved: false })
    }

    /// The text of a key of the top level, where there is one.
    #[must_use]
    pub fn word(&self, key: &str) -> Option<String> {
        let Branch::Map(entries) = &self.tree.kind else { return None };
        let value = entries.iter().find(|(_, name, _)| name == key)?;
        match &value.2.kind {
            Branch::Value(written) => Some(written.trim_matches(['"', '\'']).to_owned()),
            _ => None,
        }
    }

    /// The keys of the top level.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.tree.keys()
    }

    /// The keys of the map at `path`, in dotted keys; none where no map stands there.
    pub fn keys_of(&self, path: &str) -> impl Iterator<Item = &str> {
        let (tree, there) = self.find(path);
        tree.keys().filter(move |_| there)
    }

    /// Lays this file over `base`, of which only the keys `inherited` count. Of a map named in `choices` (dotted
    /// keys), which holds one thing under its name, another name replaces all of it.
    #[must_use]
    pub fn over(mut self, base: Self, inherited: &[&str], choices: &[&str]) -> Self {
        let shift = self.files.len();
        self.files.extend(base.files);
        let mut lower = base.tree;
        lower.shift(shift);
        if let Branch::Map(entries) = &mut lower.kind {
            entries.retain(|(_, name, _)| inherited.contains(&name.as_str()));
        }
        self.tree = merge(lower, self.tree, "", choices);
        self
    }

    /// Fills in what this file leaves out from `text`, which was made of what stands at `from`: where it makes no sense, that
    /// is shown there. Otherwise as [`Self::over`].
    ///
    /// # Errors
    /// When the text is no YAML.
    pub fn filled(
        mut self,
        text: &str,
        from: &str,
        inherited: &[&str],
        choices: &[&str],
    ) -> Result<Self, YamlError> {
        let place = self.find(from).0.place();
        let mut lower = Self::new(&self.files[place.file].0, text)?.tree;
        lower.stand(place);
        if let Branch::Map(entries) = &mut lower.kind {
            entries.retain(|(_, name, _)| inherited.contains(&name.as_str()));
        }
        self.tree = merge(lower, self.tree, "", choices);
        self.moved = true;
        Ok(self)
    }

    /// File and line of the value at `path`, in dotted keys, or of the deepest above it.
    #[must_use]
    pub fn line_of(&self, path: &str) -> String {
        let Place { file, at } = self.find(path).0.place();
        format!("{}:{}", self.files[file].0, at.line)
    }

    /// Puts values that stand directly under a key of the top level where they belong: `to` says for a name and the
    /// text of its value to which keys of maps beside it, and as what. Each keeps its place in the file.
    #[must_use]
    pub fn moved(
        mut self,
        top: &str,
        to: impl Fn(&str, &str) -> Vec<(&'static str, &'static str, String)>,
    ) -> Self {
        let Branch::Map(entries) = &mut self.tree.kind else { return self };
        let Some((.., tree)) = entries.iter_mut().find(|(_, name, _)| name == top) else { return self };
        let Branch::Map(entries) = &mut tree.kind else { return self };
        for (place, name, value) in core::mem::take(entries) {
            let homes = match &value.kind {
                Branch::Value(text) => to(&name, text),
                _ => Vec::new(),
            };
            for (key, field, text) in &homes {
                let moved = Tree { kind: Branch::Value(text.clone()), ..value };
                let entry = (place, (*field).to_owned(), moved);
                match entries.iter_mut().find(|(_, other, _)| other == key) {
                    Some((.., Tree { kind: Branch::Map(fields), .. })) => fields.push(entry),
                    _ => entries.push((
                        place,
                        (*key).to_owned(),
                        Tree { kind: Branch::Map(vec![entry]), ..value },
                    )),
                }
            }
            self.moved |= !homes.is_empty();
            if homes.is_empty() {
                entries.push((place, name, value));
            }
        }
        self
    }

    /// Reads what came out, as [`super::parse`] does.
    ///
    /// # Errors
    /// The first thing that is wrong, with file and line where it stands.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, YamlError> {
        if let ([(file, text)], false) = (self.files.as_slice(), self.moved) {
            return super::parse(file, text);
        }
        self.read_tree(&self.tree)
    }

    /// Reads what stands at `path`, in dotted keys, as [`Self::read`] reads the whole.
    ///
    /// # Errors
    /// The first thing that is wrong, with file and line where it stands.
    pub fn read_at<T: DeserializeOwned>(&self, path: &str) -> Result<T, YamlError> {
        self.read_tree(self.find(path).0)
    }

    fn read_tree<T: DeserializeOwned>(&self, tree: &Tree) -> Result<T, YamlError> {
        let mut page = Page::default();
        page.write(tree, 0);
        super::parse(&self.files[0].0, &page.text).map_err(|error| {
            let problem = &error.problems()[0];
            // What the top level lacks is missing in the tree itself, wherever the merged text ends.
            let missing = problem.at.column == 1 && problem.message.ends_with("is missing");
            let place = if missing { tree.place() } else { page.place(problem.at) };
            self.at(place, problem.message.clone(), problem.expected.clone())
        })
    }

    /// Whether something stands at `path`, in dotted keys.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        self.find(path).1
    }

    /// Refuses a value that reads well and still cannot be: `path` says where it stands, in dotted keys.
    #[must_use]
    pub fn refuse(&self, path: &str, message: impl Into<String>, expected: impl Into<String>) -> YamlError {
        self.at(self.find(path).0.place(), message.into(), expected.into())
    }

    /// The value at `path` or the deepest above it, and whether it is the one that was asked for.
    fn find(&self, path: &str) -> (&Tree, bool) {
        let mut tree = &self.tree;
        let mut rest = Some(path);
        while let Some(path) = rest {
            let Branch::Map(entries) = &tree.kind else { return (tree, false) };
            // A key may hold dots itself, as `battery.voltage` does.
            let under = |key: &str| path.strip_prefix(key).filter(|r| r.is_empty() || r.starts_with('.'));
            let found = entries.iter().filter_map(|(_, key, value)| Some((under(key)?, value)));
            let Some((deeper, value)) = found.min_by_key(|(deeper, _)| deeper.len()) else {
                return (tree, false);
            };
            tree = value;
            rest = deeper.strip_prefix('.');
        }
        (tree, true)
    }

    fn at(&self, place: Place, message: String, expected: String) -> YamlError {
        let (file, text) = &self.files[place.file];
        YamlError::new(file, text, vec![Problem::new(place.at, message, expected)])
    }
}

/// What `upper` says, and what `lower` says where it says nothing.
fn merge(lower: Tree, upper: Tree, path: &str, choices: &[&str]) -> Tree {
    let Tree { file, at, kind } = upper;
    let kind = match (lower.kind, kind) {
        (Branch::Map(below), Branch::Map(above)) => {
            let another = |(_, name, _): &(Place, String, Tree)| below.iter().all(|(_, n, _)| n != name);
            if choices.contains(&path) && above.iter().any(another) {
                Branch::Map(above)
            } else {
                Branch::Map(merge_maps(below, above, path, choices))
            }
        }
        (_, kind) => kind,
    };
    Tree { file, at, kind }
}

/// The keys of the upper map in their order, then those that only the lower one has.
fn merge_maps(
    mut below: Vec<(Place, String, Tree)>,
    above: Vec<(Place, String, Tree)>,
    path: &str,
    choices: &[&str],
) -> Vec<(Place, String, Tree)> {
    let mut merged = Vec::with_capacity(below.len() + above.len());
    for (place, name, value) in above {
        let value = match below.iter().position(|(_, n, _)| *n == name) {
            Some(i) => {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                merge(below.remove(i).2, value, &path, choices)
            }
            None => value,
        };
        merged.push((place, name, value));
    }
    merged.extend(below);
    merged
}

impl Tree {
    fn of(node: Node, text: &str) -> Self {
        let kind = match node.kind {
            Kind::Empty => Branch::Value("null".to_owned()),
            Kind::Text(value) if stands_as_it_is(node.at, &value, text) => Branch::Value(value),
            Kind::Text(value) => Branch::Value(quoted(&value)),
            Kind::List(items) => Branch::List(items.into_iter().map(|item| Self::of(item, text)).collect()),
            Kind::Map(entries) => Branch::Map(
                entries
                    .into_iter()
                    .map(|(Key { at, name }, value)| (Place { file: 0, at }, name, Self::of(value, text)))
                    .collect(),
            ),
        };
        Self { file: 0, at: node.at, kind }
    }

    const fn place(&self) -> Place {
        Place { file: self.file, at: self.at }
    }

    fn keys(&self) -> impl Iterator<Item = &str> {
        let entries = match &self.kind {
            Branch::Map(entries) => entries.as_slice(),
            _ => &[],
        };
        entries.iter().map(|(_, name, _)| name.as_str())
    }

    /// All of it stands at one place.
    fn stand(&mut self, Place { file, at }: Place) {
        (self.file, self.at) = (file, at);
        match &mut self.kind {
            Branch::Value(_) => {}
            Branch::List(items) => items.iter_mut().for_each(|item| item.stand(Place { file, at })),
            Branch::Map(entries) => entries.iter_mut().for_each(|(place, _, value)| {
                *place = Place { file, at };
                value.stand(*place);
            }),
        }
    }

    /// Depth is bounded by [`super::MAX_DEPTH`] when the tree is read, so the recursion is.
    fn shift(&mut self, by: usize) {
        self.file += by;
        match &mut self.kind {
            Branch::Value(_) => {}
            Branch::List(items) => items.iter_mut().for_each(|item| item.shift(by)),
            Branch::Map(entries) => entries.iter_mut().for_each(|(place, _, value)| {
                place.file += by;
                value.shift(by);
            }),
        }
    }
}

/// Whether a value was written plainly, without quotes and on one line. An empty text is always in quotes: nothing at all is null.
fn stands_as_it_is(at: Position, value: &str, text: &str) -> bool {
    let line = text.lines().nth(at.line as usize - 1).unwrap_or_default();
    let written = line.chars().skip(at.column as usize - 1);
    !value.is_empty()
        && !value.starts_with(['"', '\''])
        && value.chars().eq(written.take(value.chars().count()))
}

/// The value in double quotes, as both YAML and JSON read it.
fn quoted(value: &str) -> String {
    serde_json::Value::from(value).to_string()
}

/// The merged tree as text, one value on a line, and where each line comes from.
#[derive(Debug, Default)]
struct Page {
    text: String,
    lines: Vec<Line>,
}

/// One line: what stands at its first column and what behind the key.
#[derive(Debug)]
struct Line {
    key: Place,
    value: Place,
    /// first column of the value, from 1
    value_column: u32,
}

impl Page {
    fn write(&mut self, tree: &Tree, depth: usize) {
        match &tree.kind {
            Branch::Value(written) => self.line(depth, written, 1, tree.place(), tree.place()),
            Branch::List(items) if items.is_empty() => self.line(depth, "[]", 1, tree.place(), tree.place()),
            Branch::Map(entries) if entries.is_empty() => {
                self.line(depth, "{}", 1, tree.place(), tree.place());
            }
            Branch::List(items) => items.iter().for_each(|item| {
                self.line(depth, "-", 1, item.place(), item.place());
                self.write(item, depth + 1);
            }),
            Branch::Map(entries) => entries.iter().for_each(|(place, name, value)| {
                let key = format!("{}:", quoted(name));
                match &value.kind {
                    Branch::Value(written) => {
                        let column = u32::try_from(key.chars().count()).unwrap_or(u32::MAX) + 2;
                        self.line(depth, &format!("{key} {written}"), column, *place, value.place());
                    }
                    _ => {
                        self.line(depth, &key, u32::MAX, *place, value.place());
                        self.write(value, depth + 1);
                    }
                }
            }),
        }
    }

    fn line(&mut self, depth: usize, text: &str, value_column: u32, key: Place, value: Place) {
        let indent = 2 * depth;
        self.text.extend(core::iter::repeat_n(' ', indent));
        self.text.push_str(text);
        self.text.push('\n');
        let value_column = value_column.saturating_add(u32::try_from(indent).unwrap_or(u32::MAX));
        self.lines.push(Line { key, value, value_column });
    }

    /// Where the value stands that a place of the text shows.
    fn place(&self, at: Position) -> Place {
        match self.lines.get(at.line as usize - 1).or(self.lines.last()) {
            Some(line) if at.column >= line.value_column => line.value,
            Some(line) => line.key,
            None => Place { file: 0, at: Position::START },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proto::quantity::Volts;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        name: String,
        volts: BTreeMap<String, Volts>,
        law: Option<BTreeMap<String, f64>>,
        list: Option<Vec<BTreeMap<String, u16>>>,
    }

    const BASE: &str =
        "name: base\nvolts: { low: 1 V, high: 2 V }\nlaw: { slow: 3 }\nlist: [ { id: 0x351 } ]\n";

    fn laid(top: &str) -> Layers {
        let base = Layers::new("base.yaml", BASE).expect("a good base");
        Layers::new("top.yaml", top).expect("good YAML").over(base, &["volts", "law", "list"], &["law"])
    }

    fn read(top: &str) -> Result<Sample, String> {
        laid(top).read().map_err(|e| e.to_string())
    }

    #[test]
    fn an_empty_text_is_a_text() {
        for top in ["name: \"\"\nvolts: {}\n", "name: ''\nvolts: {}\n"] {
            assert_eq!(read(top).expect("a text").name, "", "{top}");
        }
        assert!(read("name:\nvolts: {}\n").is_err(), "nothing is no text");
    }

    #[test]
    fn maps_merge_key_by_key_and_the_rest_is_replaced() {
        let found = read("name: \"1.0\"\nvolts:\n  high: 4 V   # more\nlist: []\n").expect("reads");
        assert_eq!(found.name, "1.0", "what was quoted stays a text");
        assert_eq!(found.volts["low"], Volts(1.0));
        assert_eq!(found.volts["high"], Volts(4.0));
        assert_eq!(found.law.expect("inherited")["slow"].to_bits(), 3_f64.to_bits());
        assert_eq!(found.list, Some(Vec::new()));
        let found = read("name: it's \"so\"\nvolts: {}\n").expect("reads");
        assert_eq!((found.name.as_str(), found.volts.len()), ("it's \"so\"", 2));
        assert_eq!(found.list.expect("inherited")[0]["id"], 0x351);
    }

    #[test]
    fn another_choice_replaces_the_one_below_and_nothing_takes_away() {
        let law = |top| read(top).expect("reads").law;
        assert_eq!(law("name: n\nlaw: { fast: 1 }\n").expect("another").len(), 1);
        assert_eq!(law("name: n\nlaw: { slow: 1 }\n").expect("the same")["slow"].to_bits(), 1_f64.to_bits());
        assert_eq!(law("name: n\nlaw: ~\n"), None);
    }

    #[test]
    fn what_is_wrong_is_shown_where_it_stands() {
        let error = |top| read(top).expect_err("refused");
        assert!(error("name: n\nvolts: { high: 4 }\n").starts_with("top.yaml:2:16: `4` has no unit"));
        assert!(error("name: n\nvolt: { high: 4 V }\n").starts_with("top.yaml:2:1: unknown key `volt`"));
        assert!(error("volts: { high: 4 V }\n").contains("`name` is missing"), "it is not inherited");
        let base = Layers::new("base.yaml", "volts:\n  low: 1 A\n").expect("YAML");
        let top = Layers::new("top.yaml", "name: n\n").expect("YAML").over(base, &["volts"], &[]);
        let error = top.read::<Sample>().expect_err("refused").to_string();
        assert!(error.starts_with("base.yaml:2:8: "), "{error}");
        let refused = laid("name: n\n").refuse("volts.high", "too high", "less").to_string();
        assert!(refused.starts_with("base.yaml:2:26: too high"), "{refused}");
    }
}
