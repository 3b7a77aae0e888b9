//! Battery files, `rigs/batteries/*.yaml`: what is declared about a battery and how the simulated rig plays it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::yaml::{Layers, YamlError};
use judge::battery::Battery;
use proto::chemistry::Chemistry;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::Section;
use crate::Sweep;
use crate::declared::{Declared, Nonsense, Optional};
use crate::like::{self, Home, Kind, Like};
use crate::section::{relaxed, with_sections};
use crate::sweep::RangeError;
use crate::{InputError, read_text};

/// One battery.
#[derive(Debug, Clone)]
pub struct BatteryFile {
    /// what the file says of it in a line
    pub title: String,
    /// what certification must find
    pub expect: Expectation,
    /// the symptom of the field that it plays, if any
    pub catalogue: Option<String>,
    /// the data sheet
    pub declared: Battery,
    /// whether it sends 0x373, on which limits of a rig rest
    pub sends_cells: bool,
    /// what its cells are made of; where it is said, what is declared is enough to simulate the battery
    pub chemistry: Option<Chemistry>,
    /// how the simulated rig plays it; absent for a battery that exists only as hardware
    pub simulated: Option<Section>,
    /// ranges of numbers under `simulated` that its maker may set otherwise: where a search looks for the worst
    pub sweep: Sweep,
    /// where it lies; what it names is relative to it
    pub folder: PathBuf,
}

/// What the harness must say of a battery: how the judge itself is tested.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Expectation {
    /// every must passes
    Pass,
    /// at least these requirements fail, the first of them for the fault itself
    Fail(Vec<String>),
}

impl Expectation {
    /// The requirement that is meant for the fault itself: the first that is named.
    #[must_use]
    pub fn root_cause(&self) -> Option<&str> {
        match self {
            Self::Pass => None,
            Self::Fail(ids) => ids.first().map(String::as_str),
        }
    }
}

/// Refuses what is expected of no requirement, or of one that is not there.
pub(crate) fn known(expect: Option<&Expectation>, layers: &Layers) -> Result<(), YamlError> {
    let Some(Expectation::Fail(ids)) = expect else { return Ok(()) };
    let refuse =
        |message: String| Err(layers.refuse("expect.fail", message, "an id of `busbar list requirements`"));
    match ids.iter().find(|id| judge::catalogue::find(id).is_none()) {
        Some(unknown) => refuse(format!("unknown requirement `{unknown}`")),
        None if ids.is_empty() => refuse("no requirement is named".to_owned()),
        None => Ok(()),
    }
}

impl BatteryFile {
    /// Reads and validates a file, with those beside it that it is `like`. `shown` is the path as the user knows it.
    ///
    /// # Errors
    /// With file, line, column and what was expected.
    pub fn load(path: &Path, shown: &dyn Fn(&Path) -> String) -> Result<Self, InputError> {
        like::load(path, Home { root: None, shown, read: &read_text })
    }

    /// Reads and validates the text of a battery file that stands alone.
    ///
    /// # Errors
    /// With file, line, column and what was expected.
    pub fn parse(file: &str, text: &str) -> Result<Self, YamlError> {
        like::parse(file, text)
    }
}

impl Kind for BatteryFile {
    /// What a battery is called and how it must be judged is its own; one strategy replaces another, and a program a model.
    const LIKE: Like = Like {
        kind: "battery",
        folder: "rigs/batteries",
        example: "reference",
        own: &["battery", "title", "expect", "like", "catalogue", "sweep"],
        choices: &["simulated.strategy"],
        kinds: &["simulated.strategy", "simulated.program"],
    };

    fn name(&self) -> &str {
        &self.declared.name
    }

    fn of(layers: &Arc<Layers>, folder: &Path) -> Result<Self, YamlError> {
        let raw: Raw = layers.read()?;
        let d = raw.declared;
        if let Some(Nonsense { key, found, expected }) = d.nonsense() {
            let message = format!("`{key}` makes no sense: {found}");
            return Err(layers.refuse(&format!("declared.{key}"), message, expected));
        }
        known(Some(&raw.expect), layers)?;
        for range in raw.sweep.ranges() {
            if !layers.has(&format!("simulated.{}", range.path)) {
                let message = format!("`simulated.{}` is no number of this file", range.path);
                let expected = "the keys of a number under `simulated`, such as `strategy: { cell-loop.target: [3.43 V, 3.47 V] }`";
                return Err(layers.refuse(&format!("sweep.{}", range.path), message, expected));
            }
            if let Err(error) = range.at(0.0) {
                return Err(layers.refuse(
                    &format!("sweep.{}", range.path),
                    error.to_string(),
                    RangeError::EXPECTED,
                ));
            }
        }
        Ok(Self {
            title: raw.title,
            expect: raw.expect,
            catalogue: raw.catalogue,
            chemistry: d.chemistry,
            sends_cells: !d.never_sends.contains(&Optional::Cells),
            simulated: (raw.simulated.is_some() || d.chemistry.is_some())
                .then(|| Section::of(layers, "simulated")),
            sweep: raw.sweep,
            folder: folder.to_owned(),
            declared: d.battery(raw.battery),
        })
    }
}

impl BatteryFile {
    /// JSON schema of a battery file, for editors; `simulated` is that of its section.
    #[must_use]
    pub fn schema(simulated: schemars::Schema) -> schemars::Schema {
        let whole = with_sections(schemars::schema_for!(Raw), [("simulated", simulated)]);
        relaxed(whole, &["battery", "title", "expect"])
    }
}

/// The file as it stands.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "Busbar battery")]
struct Raw {
    /// name, as given to `--battery`
    battery: String,
    /// one line for lists and reports
    title: String,
    /// what certification must find: `pass`, or `fail: [ids]`, first the one that is meant for the fault
    expect: Expectation,
    /// name of the battery beside this one that it is like: only what differs is said here; `~` takes a value away
    #[allow(dead_code, reason = "taken out of the tree before, and known here so that it is no unknown key")]
    like: Option<String>,
    /// what was seen in the field and is played here, in a few words
    catalogue: Option<String>,
    /// the data sheet
    declared: Declared,
    /// how the simulated rig plays it
    simulated: Option<Section>,
    /// ranges of numbers under `simulated` that its maker may set otherwise, each `[low, high]` by the first key and the rest
    /// of its keys with dots between them; only `busbar search` looks at them
    #[serde(default)]
    sweep: Sweep,
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const FILE: &str = include_str!("../../../rigs/batteries/reference.yaml");

    #[rstest]
    #[case("capacity: 280 Ah", "capacity: 0 Ah", "`capacity` makes no sense")]
    #[case("cells: 16", "cells: 0", "`cells` makes no sense")]
    #[case("cells: 16", "cells: 16 V", "")]
    #[case("expect: pass", "expect: { fail: [CVL-99] }", "unknown requirement `CVL-99`")]
    #[case("expect: pass", "expekt: pass", "expected `expect`")]
    #[case(
        "expect: pass",
        "expect: pass\nsweep: { strategy: { cell-loop.aim: [3.4 V, 3.5 V] } }",
        "`simulated.strategy.cell-loop.aim` is no"
    )]
    #[case(
        "expect: pass",
        "expect: pass\nsweep: { strategy: { cell-loop.target: [3.5 V, 3.4 V] } }",
        "the first of `3.5 V` and `3.4 V` is the higher"
    )]
    #[case(
        "expect: pass",
        "expect: pass\nsweep: { strategy: { cell-loop.target: [3.4 V, 3500 mV] } }",
        "are not in one unit"
    )]
    #[case(
        "expect: pass",
        "expect: pass\nsweep: { strategy: { cell-loop.target: [low, high] } }",
        "`low` is no number"
    )]
    fn what_no_battery_is_is_refused(#[case] good: &str, #[case] bad: &str, #[case] says: &str) {
        assert!(FILE.contains(good), "{good} stands in the file");
        let error = BatteryFile::parse("b.yaml", &FILE.replacen(good, bad, 1)).expect_err(bad).to_string();
        assert!(error.starts_with("b.yaml:") && error.contains(says), "{error}");
    }

    /// Reads `a.yaml` of a folder with these files.
    fn load(files: &[(&str, &str)]) -> Result<BatteryFile, String> {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in files.iter().chain(&[("reference.yaml", FILE)]) {
            std::fs::write(folder.path().join(name), text).expect("writable");
        }
        let shown = |path: &Path| path.file_name().expect("a name").to_string_lossy().into_owned();
        BatteryFile::load(&folder.path().join("a.yaml"), &shown).map_err(|error| error.to_string())
    }

    const HEAD: &str = "battery: a\ntitle: t\nexpect: { fail: [CVL-04] }\n";

    #[test]
    fn a_file_says_only_what_differs_and_never_inherits_what_it_is() {
        let a = format!("{HEAD}like: b\nsimulated: {{ identity: {{ name: BusbarLFP B }} }}\n");
        let b = "like: reference\ndeclared: { capacity: 100 Ah }\nbattery: b\ntitle: t\nexpect: pass\ncatalogue: x\n";
        let file = load(&[("a.yaml", &a), ("b.yaml", b)]).expect("reads");
        assert_eq!((file.declared.name.as_str(), file.declared.cells), ("a", 16));
        assert!((file.declared.capacity.0 - 100.0).abs() < 1e-9);
        assert_eq!((file.expect, file.catalogue), (Expectation::Fail(vec!["CVL-04".to_owned()]), None));
        let simulated: serde_json::Value = file.simulated.expect("inherited").read().expect("a map");
        assert_eq!(simulated["identity"]["name"], "BusbarLFP B");
    }

    #[rstest]
    #[case("like: b\n", "a.yaml:4:7: there is no battery `b` to be like: b.yaml is missing")]
    #[case("like: a\n", "a.yaml:4:7: `like` goes round in a circle: a.yaml, then a.yaml")]
    #[case("like: c\n", "c.yaml:1:7: `like` goes round in a circle: a.yaml, then c.yaml, then a.yaml")]
    #[case("like: ../b\n", "a.yaml:4:7: `like` is no name")]
    #[case("like: reference\ndeclared: { cells: 0 }\n", "a.yaml:5:20: `cells` makes no sense")]
    fn what_is_wrong_is_shown_in_the_file_where_it_stands(#[case] rest: &str, #[case] says: &str) {
        let a = format!("{HEAD}{rest}");
        let error = load(&[("a.yaml", &a), ("c.yaml", "like: a\n")]).expect_err("refused");
        assert!(error.starts_with(says), "{error}");
    }

    #[test]
    fn what_a_file_never_inherits_is_missing_in_itself() {
        let error = load(&[("a.yaml", "battery: a\nexpect: pass\nlike: reference\n")]).expect_err("refused");
        assert!(error.starts_with("a.yaml:1:1: `title` is missing"), "{error}");
    }
}
