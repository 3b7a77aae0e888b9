//! Where suites, rigs and batteries are found: the folders `suites/`, `rigs/` and `rigs/batteries/` of the
//! project that the current folder lies in, and those that are built in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use engine::yaml::Layers;

use crate::like::{Home, load, load_by_name};
use crate::{BatteryFile, Expectation, InputError, Kind, Profile, RigFile, built_in, read_text};

/// A battery, or a rig, that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// its name
    pub name: String,
    /// the requirement that is meant for its fault
    pub root_cause: String,
}

impl Fault {
    fn of(name: &str, expect: Option<&Expectation>) -> Option<Self> {
        Some(Self { name: name.to_owned(), root_cause: expect?.root_cause()?.to_owned() })
    }
}

/// The project's folders. What was read of a file once stays what it is, so that a run keeps the bytes that it was made from
/// whoever edits files meanwhile.
#[derive(Debug, Clone)]
pub struct Library {
    root: PathBuf,
    /// what its folders do not hold is there all the same
    built_in: bool,
    /// texts that were read
    read: Arc<Mutex<BTreeMap<PathBuf, String>>>,
    /// suites that lie elsewhere
    beside: Vec<PathBuf>,
}

impl Library {
    fn new(root: PathBuf, built_in: bool) -> Self {
        Self { root, built_in, read: Arc::default(), beside: Vec::new() }
    }

    /// Looks for the project upwards from `from`: the first folder that holds both `suites/` and `rigs/`.
    ///
    /// # Errors
    /// When there is none up to the root of the file system.
    pub fn find(from: &Path) -> Result<Self, InputError> {
        from.ancestors()
            .find(|folder| folder.join("suites").is_dir() && folder.join("rigs").is_dir())
            .map(|root| Self::new(root.to_owned(), false))
            .ok_or_else(|| InputError::NoProject { from: from.to_owned() })
    }

    /// The project that a folder lies in, or the folder itself, with all that is built in: a file of its own of the same place
    /// goes first, and a suite of its own of the same name.
    #[must_use]
    pub fn around(folder: &Path) -> Self {
        let root = Self::find(folder).map_or_else(|_| folder.to_owned(), |project| project.root);
        Self::new(root, true)
    }

    /// What is built in, and nothing of the disk: what this version comes with.
    #[must_use]
    pub fn shipped() -> Self {
        Self::new(PathBuf::from(built_in::ROOT), true)
    }

    /// The project in this very folder.
    ///
    /// # Errors
    /// When it does not hold both `suites/` and `rigs/`.
    pub fn at(root: &Path) -> Result<Self, InputError> {
        Self::find(root).and_then(|found| {
            let is_here = found.root == root;
            is_here.then_some(found).ok_or_else(|| InputError::NoProject { from: root.to_owned() })
        })
    }

    /// The text of a file, as it was when it was first read.
    ///
    /// # Errors
    /// As [`read_text`].
    pub fn text(&self, path: &Path) -> Result<String, InputError> {
        // Who panicked while he held it has put a whole text in, or none.
        let read = || self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(text) = read().get(path) {
            return Ok(text.clone());
        }
        let text = read_text(path)?;
        Ok(read().entry(path.to_owned()).or_insert(text).clone())
    }

    /// A copy of this library in which the file at this path has this text. Every other file is as it was read.
    #[must_use]
    pub fn with_text(&self, path: &Path, text: String) -> Self {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner).clone();
        read.insert(path.to_owned(), text);
        Self { read: Arc::new(Mutex::new(read)), ..self.clone() }
    }

    /// The file of a rig or a battery and all that it is like, each with its text.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn layers_of<K: Kind>(&self, path: &Path) -> Result<Vec<(PathBuf, String)>, InputError> {
        let (shown, read) = (|path: &Path| self.shown(path), |path: &Path| self.text(path));
        crate::like::files(&K::LIKE, path, self.home(&shown, &read))
    }

    fn home<'a>(
        &'a self,
        shown: &'a dyn Fn(&Path) -> String,
        read: &'a dyn Fn(&Path) -> Result<String, InputError>,
    ) -> Home<'a> {
        Home { root: Some(&self.root), shown, read }
    }

    /// Every file that a run with this rig and this battery is made from, with the place it has in a project: all
    /// suites, rig and battery with those that they are like, and the profile of the supply.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn inputs(
        &self,
        rig: &Path,
        profile: Option<&str>,
        battery: &Path,
    ) -> Result<Vec<(String, String)>, InputError> {
        let mut files = Vec::new();
        let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for path in self.suites()? {
            let folder = path.parent().map(name).unwrap_or_default();
            let place =
                self.place_beside(&path).unwrap_or_else(|| format!("suites/{folder}/{}", name(&path)));
            files.push((place, self.text(&path)?));
        }
        for (folder, layers) in [
            (RigFile::LIKE.folder, self.layers_of::<RigFile>(rig)?),
            (BatteryFile::LIKE.folder, self.layers_of::<BatteryFile>(battery)?),
        ] {
            let placed = layers.into_iter().map(|(path, text)| (format!("{folder}/{}", name(&path)), text));
            files.extend(placed);
        }
        if let Some(profile) = profile {
            let path = pick("PSU profile", profile, self.psu_profiles()?)?;
            files.push((format!("rigs/psu/{}", name(&path)), self.text(&path)?));
        }
        Ok(files)
    }

    /// The folder that holds `suites/` and `rigs/`.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Every suite file, `suites/<name>.yaml` or `suites/<suite>/<name>.yaml`, in the order of their names.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub fn suites(&self) -> Result<Vec<PathBuf>, InputError> {
        let mut files = Vec::new();
        for folder in self.entries("suites")? {
            if folder.is_dir() {
                files.extend(entries(&folder)?.into_iter().filter(|file| is_yaml(file)));
            } else if is_yaml(&folder) {
                files.push(folder);
            }
        }
        let places: Vec<String> = files.iter().map(|path| self.shown(path)).collect();
        let mut others: Vec<PathBuf> =
            built_in::suites().filter(|path| !places.contains(&self.shown(path))).collect();
        // Names are read only where there may be two of one: that takes longer than all else here.
        if !files.is_empty() && !others.is_empty() {
            // The name of a suite; none where its file cannot be read. Who needs the suite tells what is wrong with it.
            let name = |path: &Path| Layers::new("", &self.text(path).ok()?).ok()?.word("suite");
            let own: Vec<String> = files.iter().filter_map(|path| name(path)).collect();
            others.retain(|path| name(path).is_none_or(|name| !own.contains(&name)));
        }
        let mut files = self.and(files, others.into_iter());
        for path in &self.beside {
            if !files.iter().any(|file| is_same(file, path)) {
                files.push(path.clone());
            }
        }
        if !self.beside.is_empty() {
            // In the order that a folder of the run has them.
            files.sort_by_key(|path| {
                PathBuf::from(self.place_beside(path).unwrap_or_else(|| self.shown(path)))
            });
        }
        Ok(files)
    }

    /// The place that a suite which lies elsewhere has among what a run was made from.
    pub(crate) fn place_beside(&self, path: &Path) -> Option<String> {
        let [stem, name] = [path.file_stem()?, path.file_name()?].map(|name| name.to_string_lossy());
        self.beside.iter().any(|beside| beside == path).then(|| format!("suites/{stem}/{name}"))
    }

    /// The same with those suites that words name by their paths, such as `tests/my-suite.yaml`, wherever they lie.
    #[must_use]
    pub fn with_suites(&self, words: &[String]) -> Self {
        let beside = words.iter().filter(|word| is_path(word)).map(PathBuf::from).collect();
        Self { beside, ..self.clone() }
    }

    /// Every battery file, `rigs/batteries/*.yaml`.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn batteries(&self) -> Result<Vec<PathBuf>, InputError> {
        self.yaml_in("rigs/batteries")
    }

    /// Every profile of a programmable supply, `rigs/psu/*.yaml`.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn psu_profiles(&self) -> Result<Vec<PathBuf>, InputError> {
        self.yaml_in("rigs/psu")
    }

    /// The profile of a programmable supply, by its name.
    ///
    /// # Errors
    /// When no file has that name; with file, line, column and what was expected where it makes no sense.
    pub fn psu_profile(&self, name: &str) -> Result<Profile, InputError> {
        let path = pick("PSU profile", name, self.psu_profiles()?)?;
        Ok(Profile::parse(&self.shown(&path), &self.text(&path)?)?)
    }

    /// The profile of the supply of a rig; nothing where it has none.
    ///
    /// # Errors
    /// As [`Library::psu_profile`]; the file of the rig is to be corrected then.
    pub fn profile_of(&self, rig: &RigFile) -> Result<Option<Profile>, InputError> {
        let Some(psu) = rig.live.as_ref().and_then(|live| live.psu.as_ref()) else { return Ok(None) };
        let profile = self.psu_profile(&psu.profile).map_err(|error| match error {
            InputError::Unknown { name, nearest, .. } => {
                InputError::NoProfile { rig: rig.rig.clone(), name, nearest }
            }
            other => other,
        })?;
        if psu.watchdog.is_some() && profile.watchdog.is_none() {
            return Err(InputError::NoWatchdog { rig: rig.rig.clone(), profile: profile.psu_profile });
        }
        Ok(Some(psu.applied_to(profile)))
    }

    /// Every rig file, `rigs/*.yaml`.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn rigs(&self) -> Result<Vec<PathBuf>, InputError> {
        self.yaml_in("rigs")
    }

    /// Every rig that is wrong in itself, `rigs/faults/*.yaml`: what finds one is tested with them, and nothing else is.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn rig_faults(&self) -> Result<Vec<PathBuf>, InputError> {
        let folder = "rigs/faults";
        // A project of one's own has none.
        if self.root.join(folder).is_dir() || self.built_in { self.yaml_in(folder) } else { Ok(Vec::new()) }
    }

    fn yaml_in(&self, folder: &str) -> Result<Vec<PathBuf>, InputError> {
        let own = self.entries(folder)?.into_iter().filter(|file| is_yaml(file)).collect();
        Ok(self.and(own, built_in::in_folder(folder)))
    }

    /// What is in one of its folders.
    fn entries(&self, folder: &str) -> Result<Vec<PathBuf>, InputError> {
        let folder = self.root.join(folder);
        if self.built_in && !folder.exists() { Ok(Vec::new()) } else { entries(&folder) }
    }

    /// Its own files and those that are built in and have none of its own in their place, in the order of their places.
    fn and(&self, own: Vec<PathBuf>, built_in: impl Iterator<Item = PathBuf>) -> Vec<PathBuf> {
        let mut files = own;
        if self.built_in {
            let own: Vec<String> = files.iter().map(|path| self.shown(path)).collect();
            files.extend(built_in.filter(|path| !own.contains(&self.shown(path))));
            files.sort_by_key(|path| self.shown(path));
        }
        files
    }

    /// A battery by name (`reference`) or by path.
    ///
    /// # Errors
    /// When no file has that name; the error carries the nearest names.
    pub fn battery(&self, name: &str) -> Result<PathBuf, InputError> {
        pick("battery", name, self.batteries()?)
    }

    /// Reads the battery file at `path`, with those that it is like.
    ///
    /// # Errors
    /// With file, line, column and what was expected.
    pub fn read_battery(&self, path: &Path) -> Result<BatteryFile, InputError> {
        load(path, self.home(&|path| self.shown(path), &|path| self.text(path)))
    }

    /// Reads and validates a rig file, with those beside it that it is like.
    ///
    /// # Errors
    /// With file, line, column and what was expected.
    pub fn read_rig(&self, path: &Path) -> Result<RigFile, InputError> {
        load(path, self.home(&|path| self.shown(path), &|path| self.text(path)))
    }

    /// Every battery and every rig that is wrong, by the requirement that is meant for it: the one place that says which fault
    /// stands behind a requirement is what those files expect.
    ///
    /// # Errors
    /// When a folder cannot be read; with file, line, column and what was expected.
    pub fn faults(&self) -> Result<Vec<Fault>, InputError> {
        let mut faults = Vec::new();
        for path in self.batteries()? {
            let battery = self.read_battery(&path)?;
            faults.extend(Fault::of(&battery.declared.name, Some(&battery.expect)));
        }
        for path in self.rig_faults()? {
            let rig = self.read_rig(&path)?;
            faults.extend(Fault::of(&rig.rig, rig.expect.as_ref()));
        }
        Ok(faults)
    }

    /// A rig by name (`simulated`) or by path.
    ///
    /// # Errors
    /// When no file has that name; the error carries the nearest names.
    pub fn rig(&self, name: &str) -> Result<PathBuf, InputError> {
        pick("rig", name, self.rigs()?)
    }

    /// A rig or a battery by name or by path, read and validated, and called as its file is.
    ///
    /// # Errors
    /// When no file has that name; with file, line, column and what was expected where it makes no sense.
    pub fn get<K: Kind>(&self, name: &str) -> Result<K, InputError> {
        let path = pick(K::LIKE.kind, name, self.yaml_in(K::LIKE.folder)?)?;
        load_by_name(&path, self.home(&|path| self.shown(path), &|path| self.text(path)))
    }

    /// A path as the user knows it: relative to the project where it lies inside.
    #[must_use]
    pub fn shown(&self, path: &Path) -> String {
        let place = path.strip_prefix(&self.root).ok().or_else(|| built_in::place(path));
        place.unwrap_or(path).display().to_string()
    }

    /// Where a file of this place comes from, in words: its path, or that it is built in.
    #[must_use]
    pub fn origin(&self, shown: &str) -> String {
        let is_own = !self.built_in || self.root.join(shown).exists();
        if is_own { shown.to_owned() } else { "built in".to_owned() }
    }
}

fn is_yaml(path: &Path) -> bool {
    path.is_file() && path.extension().is_some_and(|e| e == "yaml")
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, InputError> {
    let unreadable = |source| InputError::Unreadable { path: folder.to_owned(), source };
    let mut paths = std::fs::read_dir(folder)
        .map_err(unreadable)?
        .map(|entry| entry.map(|e| e.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(unreadable)?;
    paths.sort();
    Ok(paths)
}

/// Whether a word is a path and no name.
pub(crate) fn is_path(word: &str) -> bool {
    Path::new(word).extension().is_some_and(|end| end == "yaml" || end == "yml")
}

/// Whether both lead to one file.
pub(crate) fn is_same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    one == other || real(one).is_some_and(|one| Some(one) == real(other))
}

/// The file of that name, or the path itself where it looks like one.
fn pick(kind: &'static str, name: &str, files: Vec<PathBuf>) -> Result<PathBuf, InputError> {
    if name.contains('/') || Path::new(name).extension().is_some_and(|e| e == "yaml") {
        return Ok(PathBuf::from(name));
    }
    let stem =
        |file: &PathBuf| file.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    files.iter().find(|file| stem(file) == name).cloned().ok_or_else(|| {
        let names: Vec<String> = files.iter().map(stem).collect();
        InputError::Unknown { kind, name: name.to_owned(), nearest: nearest(name, &names) }
    })
}

/// Up to three names that a typing error may have meant, the nearest first; all where there are few.
#[must_use]
pub fn nearest(name: &str, names: &[String]) -> Vec<String> {
    proto::text::similar(name, names.iter().map(String::as_str)).into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_finds_its_name() {
        let names = ["reference", "oscillating", "tracks-voltage"].map(String::from);
        assert_eq!(nearest("referense", &names)[0], "reference");
        assert_eq!(nearest("tracks", &names)[0], "tracks-voltage");
    }

    /// A folder without a project has everything, and its own files go first.
    #[test]
    fn outside_a_project_there_is_what_is_built_in() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            std::fs::write(path, text).expect("written");
        };
        let all = Library::around(folder.path()).suites().expect("built in").len();
        let library = Library::around(Path::new(env!("CARGO_MANIFEST_DIR")));
        assert_eq!(all, library.suites().expect("those of the project").len());
        write("rigs/batteries/own.yaml", "battery: own\ntitle: t\nexpect: pass\nlike: reference\n");
        let reference = include_str!("../../../rigs/batteries/reference.yaml");
        write("rigs/batteries/reference.yaml", &reference.replacen("title: ", "title: own ", 1));
        let library = Library::around(folder.path());
        let title = |name| library.get::<BatteryFile>(name).expect("a battery").title;
        assert_eq!(title("own"), "t");
        assert_ne!(library.get::<BatteryFile>("oscillating").expect("built in").title, "");
        let batteries = library.batteries().expect("listed");
        assert_eq!(batteries.iter().filter(|path| path.ends_with("reference.yaml")).count(), 1);
        let origin = |name: &str| library.origin(&library.shown(&library.battery(name).expect("there")));
        assert_eq!(origin("reference"), "rigs/batteries/reference.yaml");
        assert_eq!(origin("oscillating"), "built in");
        // With suites beside them it is a project, which adds to what is built in: names of its own go first.
        write("suites/mine/mine.yaml", "suite: mine");
        write("suites/ours/start.yaml", "suite: gx");
        write("suites/plain.yaml", "suite: plain");
        let library = Library::around(&folder.path().join("suites"));
        let suites = library.suites().expect("listed");
        assert_eq!(suites.len(), all + 2, "two more, and one in place of another");
        assert!(!suites.iter().any(|path| path.ends_with("gx/gx.yaml")));
        assert_eq!(origin("oscillating"), "built in");
        // One that is named holds all that it uses.
        let library = Library::find(folder.path()).expect("a project");
        assert_eq!(library.suites().expect("its own").len(), 3);
        assert!(library.battery("oscillating").is_err());
    }

    /// Somebody edits files while a run begins.
    #[test]
    fn a_run_keeps_the_bytes_that_it_was_made_from() {
        let folder = tempfile::tempdir().expect("a folder");
        let [rig, battery] = ["rigs/simulated.yaml", "rigs/batteries/reference.yaml"].map(|place| {
            let path = folder.path().join(place);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            std::fs::write(&path, built_in::at(place).expect("it is shipped")).expect("written");
            path
        });
        let library = Library::around(folder.path());
        library.get::<RigFile>("simulated").expect("a good rig");
        library.get::<BatteryFile>("reference").expect("a good battery");
        library.read_suites().expect("good suites");
        for path in [&rig, &battery] {
            std::fs::write(path, "rig: ").expect("written");
        }
        for (place, text) in library.inputs(&rig, None, &battery).expect("read before") {
            assert_eq!(Some(text.as_str()), built_in::at(&place), "{place}");
        }
    }

    /// What is built in can be built upon from anywhere.
    #[test]
    fn files_are_like_what_is_built_in() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("mine.yaml");
        std::fs::write(&path, "battery: mine\ntitle: t\nexpect: pass\nlike: reference\n").expect("written");
        let library = Library::around(Path::new("/"));
        assert_eq!(library.read_battery(&path).expect("a battery").declared.cells, 16);
        let rig = folder.path().join("ours.yaml");
        std::fs::write(&rig, "rig: ours\ntitle: t\nlike: simulated\n").expect("written");
        assert!(library.read_rig(&rig).expect("a rig").plant.is_some());
        let inputs = library.inputs(&rig, None, &path).expect("all of them");
        let has = |place: &str| inputs.iter().any(|(name, _)| name == place);
        assert!(has("rigs/simulated.yaml") && has("rigs/batteries/reference.yaml") && has("rigs/ours.yaml"));
    }

    #[test]
    fn outside_a_project_the_message_says_what_is_missing() {
        let error = Library::find(Path::new("/")).expect_err("no project at the root").to_string();
        assert!(error.contains("suites/"), "{error}");
    }
}
