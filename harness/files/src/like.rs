//! Files that are `like` another beside them and say only what differs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::interlock::respelled;
use engine::yaml::{Layers, YamlError};

use crate::{InputError, built_in, is_there};

/// A kind of file that a project holds: how it is read.
pub trait Kind: Sized {
    /// What such a file is called, how one is like another, and where they are.
    const LIKE: Like;

    /// Validates the file with those that it is like. What it names is relative to the folder.
    ///
    /// # Errors
    /// With file, line, column and what was expected.
    fn of(layers: &Arc<Layers>, folder: &Path) -> Result<Self, YamlError>;

    /// The name that it has.
    fn name(&self) -> &str;
}

/// Where files that are like others are read from.
#[derive(Clone, Copy)]
pub(crate) struct Home<'a> {
    /// the root of the project that holds what does not stand beside a file
    pub(crate) root: Option<&'a Path>,
    /// a path as the user knows it
    pub(crate) shown: &'a dyn Fn(&Path) -> String,
    /// reads a file
    pub(crate) read: &'a dyn Fn(&Path) -> Result<String, InputError>,
}

/// Reads and validates a file, with those that it is `like`, which stand beside it or else in the project.
pub(crate) fn load<K: Kind>(path: &Path, home: Home<'_>) -> Result<K, InputError> {
    Ok(K::of(&Arc::new(K::LIKE.layers(path, home)?), folder(path))?)
}

/// The same, of a file that is called as it says: a copy that keeps the name of its model would file its runs under the
/// name of the other.
pub(crate) fn load_by_name<K: Kind>(path: &Path, home: Home<'_>) -> Result<K, InputError> {
    let layers = Arc::new(K::LIKE.layers(path, home)?);
    let file = K::of(&layers, folder(path))?;
    match path.file_stem().and_then(|stem| stem.to_str()) {
        Some(stem) if stem != file.name() => {
            let (key, name) = (K::LIKE.kind, file.name());
            let message = format!("the {key} is called `{name}`, its file `{stem}.yaml`");
            Err(layers.refuse(key, message, format!("`{stem}`")).into())
        }
        _ => Ok(file),
    }
}

fn folder(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

/// How files of a kind are like each other.
#[derive(Debug)]
pub struct Like {
    /// what such a file is called in messages, and the key of its name
    pub(crate) kind: &'static str,
    /// the folder of a project that holds them
    pub(crate) folder: &'static str,
    /// a name that is there
    pub(crate) example: &'static str,
    /// keys that a file never takes over: what it is called, how it must be judged
    pub(crate) own: &'static [&'static str],
    /// maps, in dotted keys, that hold one thing under its name: another name replaces all of it
    pub(crate) choices: &'static [&'static str],
    /// keys, in dotted form, of which a file has one and its map is of that kind: where the file has another one than what it is
    /// like, it takes over nothing of that map
    pub(crate) kinds: &'static [&'static str],
}

impl Like {
    /// The file of that name beside another, or else in the project, or else built in; the one beside it where there is
    /// none.
    fn base(&self, path: &Path, home: Option<&Path>, name: &str) -> PathBuf {
        let file = format!("{name}.yaml");
        let beside = path.with_file_name(&file);
        let in_project = home.map(|home| home.join(self.folder).join(&file));
        let built_in = built_in::path(Path::new(self.folder).join(&file));
        let all = [Some(beside.clone()), in_project, Some(built_in)];
        all.into_iter().flatten().find(|path| is_there(path)).unwrap_or(beside)
    }

    /// The file at `path` over all that it is like.
    pub(crate) fn layers(&self, path: &Path, home: Home<'_>) -> Result<Layers, InputError> {
        self.above(path, home, &mut Vec::new())
    }

    /// `above` are the files that are like it.
    fn above(&self, path: &Path, home: Home<'_>, above: &mut Vec<PathBuf>) -> Result<Layers, InputError> {
        let Home { root, shown, read } = home;
        let file = open(&shown(path), &read(path)?)?;
        if !file.has("like") {
            return Ok(file);
        }
        let Self { kind, example, .. } = self;
        let wrong = |message: String, expected: String| file.refuse("like", message, expected);
        let a_name =
            format!("the name of a {kind} file beside this one or of the project, such as `{example}`");
        let name = file.word("like").filter(|name| !name.contains(['/', '\\', '.']));
        let name = name.ok_or_else(|| wrong("`like` is no name".to_owned(), a_name.clone()))?;
        above.push(path.to_owned());
        let base = self.base(path, root, &name);
        if above.contains(&base) {
            let circle: Vec<String> = above.iter().chain([&base]).map(|path| shown(path)).collect();
            let message = format!("`like` goes round in a circle: {}", circle.join(", then "));
            return Err(wrong(message, format!("a {kind} that is not like this one")).into());
        }
        if !is_there(&base) {
            let message = format!("there is no {kind} `{name}` to be like: {} is missing", shown(&base));
            return Err(wrong(message, a_name).into());
        }
        let base = self.above(&base, home, above)?;
        let kind = |of: &Layers| self.kinds.iter().find(|kind| of.has(kind));
        let replaced = match (kind(&file), kind(&base)) {
            (Some(new), Some(old)) if new != old => old.split('.').next(),
            _ => None,
        };
        let inherits = |key: &&str| !self.own.contains(key) && replaced != Some(*key);
        let inherited: Vec<String> = base.keys().filter(inherits).map(str::to_owned).collect();
        let inherited: Vec<&str> = inherited.iter().map(String::as_str).collect();
        Ok(file.over(base, &inherited, self.choices))
    }
}

/// The file at `path` and all that it is like, each with its text.
pub(crate) fn files(of: &Like, path: &Path, home: Home<'_>) -> Result<Vec<(PathBuf, String)>, InputError> {
    let mut files: Vec<(PathBuf, String)> = Vec::new();
    let mut next = Some(path.to_owned());
    // A circle is refused where the file is read for good.
    while let Some(path) = next.take_if(|path| files.iter().all(|(there, _)| there != path)) {
        let text = (home.read)(&path)?;
        let like = Layers::new(&path.display().to_string(), &text)?.word("like");
        next = like.map(|name| of.base(&path, home.root, &name));
        files.push((path, text));
    }
    Ok(files)
}

/// A file alone, with the limits of a rig where they belong.
fn open(file: &str, text: &str) -> Result<Layers, YamlError> {
    Ok(Layers::new(file, text)?.moved("limits", respelled))
}

/// Reads and validates a text that has no file beside it to be like.
pub(crate) fn parse<K: Kind>(file: &str, text: &str) -> Result<K, YamlError> {
    let layers = open(file, text)?;
    if layers.has("like") {
        return Err(layers.refuse("like", "a text alone has no file beside it", "all keys written out"));
    }
    K::of(&Arc::new(layers), Path::new(""))
}
