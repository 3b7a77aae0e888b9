//! Files that are `like` another beside them and say only what differs.

use std::path::{Path, PathBuf};

use engine::interlock::respelled;
use engine::yaml::{Layers, YamlError};

use crate::{InputError, read_text};

/// How files of a kind are like each other.
pub(crate) struct Like {
    /// what such a file is called in messages
    pub(crate) kind: &'static str,
    /// a name that is there
    pub(crate) example: &'static str,
    /// keys that a file never takes over: what it is called, how it must be judged
    pub(crate) own: &'static [&'static str],
    /// maps, in dotted keys, that hold one thing under its name: another name replaces all of it
    pub(crate) choices: &'static [&'static str],
}

impl Like {
    /// The file at `path` over all that it is like. `shown` is a path as the user knows it.
    pub(crate) fn layers(&self, path: &Path, shown: &dyn Fn(&Path) -> String) -> Result<Layers, InputError> {
        self.above(path, shown, &mut Vec::new())
    }

    /// `above` are the files that are like it.
    fn above(
        &self,
        path: &Path,
        shown: &dyn Fn(&Path) -> String,
        above: &mut Vec<PathBuf>,
    ) -> Result<Layers, InputError> {
        let file = open(&shown(path), &read_text(path)?)?;
        if !file.has("like") {
            return Ok(file);
        }
        let Self { kind, example, .. } = self;
        let wrong = |message: String, expected: String| file.refuse("like", message, expected);
        let a_name = format!("the name of a {kind} file beside this one, such as `{example}`");
        let name = file.word("like").filter(|name| !name.contains(['/', '\\', '.']));
        let name = name.ok_or_else(|| wrong("`like` is no name".to_owned(), a_name.clone()))?;
        above.push(path.to_owned());
        let base = path.with_file_name(format!("{name}.yaml"));
        if above.contains(&base) {
            let circle: Vec<String> = above.iter().chain([&base]).map(|path| shown(path)).collect();
            let message = format!("`like` goes round in a circle: {}", circle.join(", then "));
            return Err(wrong(message, format!("a {kind} that is not like this one")).into());
        }
        if !base.is_file() {
            let message = format!("there is no {kind} `{name}` to be like: {} is missing", shown(&base));
            return Err(wrong(message, a_name).into());
        }
        let base = self.above(&base, shown, above)?;
        let inherited: Vec<String> =
            base.keys().filter(|key| !self.own.contains(key)).map(str::to_owned).collect();
        let inherited: Vec<&str> = inherited.iter().map(String::as_str).collect();
        Ok(file.over(base, &inherited, self.choices))
    }
}

/// The file at `path` and all that it is like, each with its text.
pub(crate) fn files(path: &Path) -> Result<Vec<(PathBuf, String)>, InputError> {
    let mut files: Vec<(PathBuf, String)> = Vec::new();
    let mut next = Some(path.to_owned());
    // A circle is refused where the file is read for good.
    while let Some(path) = next.take_if(|path| files.iter().all(|(there, _)| there != path)) {
        let text = read_text(&path)?;
        let like = Layers::new(&path.display().to_string(), &text)?.word("like");
        next = like.map(|name| path.with_file_name(format!("{name}.yaml")));
        files.push((path, text));
    }
    Ok(files)
}

/// A file alone, with the limits of a rig where they belong.
fn open(file: &str, text: &str) -> Result<Layers, YamlError> {
    Ok(Layers::new(file, text)?.moved("limits", respelled))
}

/// A text that has no file beside it to be like.
pub(crate) fn alone(file: &str, text: &str) -> Result<Layers, YamlError> {
    let layers = open(file, text)?;
    if layers.has("like") {
        return Err(layers.refuse("like", "a text alone has no file beside it", "all keys written out"));
    }
    Ok(layers)
}
