//! The files of the project that are part of the binary: suites, rigs, batteries, profiles of supplies. They have a path as
//! others have, below a folder that is nowhere.

use std::path::{Path, PathBuf};

/// Stands where a folder of the disk would.
pub(crate) const ROOT: &str = "busbar:";

/// Each with its place in the project, in the order of their places.
static FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/built_in.rs"));

/// The text of a file that is built in; nothing of one of the disk.
pub(crate) fn text(path: &Path) -> Option<&'static str> {
    let place = place(path)?;
    FILES.iter().find(|(name, _)| Path::new(name) == place).map(|(_, text)| *text)
}

/// The text of the file that has this place in the project, such as `rigs/simulated.yaml`; nothing where none is built in.
#[must_use]
pub fn at(place: &str) -> Option<&'static str> {
    FILES.iter().find(|(name, _)| *name == place).map(|(_, text)| *text)
}

/// Its place in the project.
pub(crate) fn place(path: &Path) -> Option<&Path> {
    path.strip_prefix(ROOT).ok()
}

/// The path of a file of this place, whether there is one or not.
pub(crate) fn path(place: impl AsRef<Path>) -> PathBuf {
    Path::new(ROOT).join(place)
}

/// The files in a folder of the project, `rigs/psu`; those of folders in it are not among them.
pub(crate) fn in_folder(folder: &str) -> impl Iterator<Item = PathBuf> {
    all().filter(move |path| path.parent().and_then(place) == Some(Path::new(folder)))
}

/// Every suite file.
pub(crate) fn suites() -> impl Iterator<Item = PathBuf> {
    all().filter(|path| place(path).is_some_and(|place| place.starts_with("suites")))
}

fn all() -> impl Iterator<Item = PathBuf> {
    FILES.iter().map(|(name, _)| path(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table is the project's own files.
    #[test]
    fn every_file_is_that_of_the_project() {
        let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        assert!(FILES.len() > 80, "{}", FILES.len());
        for (name, text) in FILES {
            assert_eq!(std::fs::read_to_string(project.join(name)).ok().as_deref(), Some(*text), "{name}");
        }
        assert!(suites().count() > 5 && in_folder("rigs").any(|path| path.ends_with("simulated.yaml")));
        assert_eq!(text(Path::new("suites/gx/gx.yaml")), None, "a path of the disk");
    }
}
