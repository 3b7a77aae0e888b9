//! What this version holds a battery to, and how a run was made otherwise: suites, limits of the rig, files that come with
//! Busbar. Requirements and thresholds are those of this version for whoever judges with it.
//!
//! Suites of a laboratory's own may stand beside those that are built in. A case that is missing or altered leaves the run
//! incomplete; everything else is told.

use std::io;
use std::path::Path;

use files::{Library, RigFile, Suites, built_in, full_name};

use crate::inputs;
use crate::manifest;
use crate::names::{INPUTS, named};

/// How a run was made otherwise than this version would.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standard {
    /// every case of this version, `suite/case`
    pub cases: Vec<String>,
    /// those of them that the run has under their names and otherwise, each with what is otherwise
    pub altered: Vec<(String, String)>,
    /// what else is otherwise, in words: it refuses nothing by itself
    pub differs: Vec<String>,
}

/// The largest file that is looked into.
const LARGEST: u64 = 4 << 20;

impl Standard {
    /// Holds what a run was made from against what this version has. Files are those of `inputs/` in its folder.
    #[must_use]
    pub fn of(suites: &Suites, rig: &RigFile, folder: &Path) -> Self {
        let mut standard = Self::default();
        // What is built in was read by the tests of this version.
        let Ok(own) = Library::shipped().read_suites().and_then(Suites::whole) else { return standard };
        standard.cases = own.names();
        for (suite, case) in own.cases() {
            if let Some((_, ran)) = suites.case(&suite.name, &case.name) {
                let otherwise = ran.otherwise(case);
                if !otherwise.is_empty() {
                    standard.altered.push((full_name(suite, case), otherwise.join(", ")));
                }
            }
        }
        let beside: Vec<String> =
            suites.names().into_iter().filter(|name| !standard.cases.contains(name)).collect();
        if !beside.is_empty() {
            standard
                .differs
                .push(format!("cases of its own beside those of this version: {}", named(&beside)));
        }
        standard.differs.extend(
            rig.limits.milder_than_usual().into_iter().map(|what| format!("limits of the rig: {what}")),
        );
        if !rig.unwatched.is_empty() {
            let names = rig.unwatched.join(", ");
            standard.differs.push(format!("limits of the rig that nothing tells (`unwatched:`): {names}"));
        }
        // What cannot be read was refused before.
        standard.differs.extend(files_otherwise(folder).unwrap_or_default());
        standard
    }
}

/// Rig, battery and profile files that are built in under this name and stand otherwise in the run, with what is otherwise.
fn files_otherwise(folder: &Path) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    for name in manifest::inputs(folder)? {
        let place = name.trim_start_matches(INPUTS).trim_start_matches('/');
        let Some(ours) = built_in::at(place).filter(|_| !place.starts_with("suites/")) else { continue };
        let path = manifest::plain(folder, &name)?;
        let theirs = match path.metadata()?.len() > LARGEST {
            true => String::new(),
            false => String::from_utf8_lossy(&std::fs::read(path)?).into_owned(),
        };
        if theirs != ours {
            let keys: Vec<String> = inputs::keys(ours, &theirs)
                .into_iter()
                .map(|(key, ours, theirs)| format!("{key} is {} (here {})", shown(&theirs), shown(&ours)))
                .collect();
            let what = if keys.is_empty() { "other words".to_owned() } else { keys.join("; ") };
            found.push(format!("{place} is not that of this version: {what}"));
        }
    }
    Ok(found)
}

/// A value of a file, its beginning where it is long.
fn shown(value: &str) -> String {
    let short: String = value.chars().take(40).collect();
    let cut = if short.len() < value.len() { "…" } else { "" };
    format!("`{short}{cut}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    const RIG: &str = include_str!("../../../rigs/simulated.yaml");

    fn rig(text: &str) -> RigFile {
        RigFile::parse("simulated.yaml", text).expect("a good rig")
    }

    fn folder(name: &str, text: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("inputs").join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, text).expect("written");
        folder
    }

    #[test]
    fn what_this_version_has_differs_in_nothing() {
        let suites = Library::shipped().read_suites().expect("built in");
        let folder = folder("rigs/simulated.yaml", RIG);
        let standard = Standard::of(&suites, &rig(RIG), folder.path());
        assert_eq!((standard.altered, standard.differs), (Vec::new(), Vec::new()));
        assert_eq!(standard.cases, suites.names());
    }

    #[test]
    fn every_difference_is_told() {
        let mut suites = Library::shipped().read_suites().expect("built in");
        let case = &mut suites.all[0].cases[0];
        case.requirements.truncate(1);
        let (name, lost) =
            (format!("{}/{}", suites.all[0].name, suites.all[0].cases[0].name), "does not judge ");
        suites.all[1].name = "own".to_owned();
        let text =
            RIG.replace("psu: 1 s", "psu: 2 s").replace("limits:\n", "limits:\n  psu-deviation-max: 2 kW\n");
        let folder = folder("rigs/simulated.yaml", &text);
        let Standard { altered, differs, .. } = Standard::of(&suites, &rig(&text), folder.path());
        assert_eq!(altered.len(), 1, "{altered:?}");
        assert!(altered[0].0 == name && altered[0].1.starts_with(lost), "{altered:?}");
        for words in [
            "cases of its own beside those of this version: own/",
            "`psu-deviation-max` is 2000 W, usual is 300 W",
            "rigs/simulated.yaml is not that of this version: psu is `2 s` (here `1 s`)",
        ] {
            assert!(differs.iter().any(|what| what.contains(words)), "{words}: {differs:?}");
        }
    }
}
