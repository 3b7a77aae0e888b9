//! The folder map: what stands at the root, and nothing else.

use std::collections::BTreeSet;

use super::{File, Finding};

/// Everything at the root, with whether the project is whole without it.
const ROOT: &[(&str, Presence)] = &[
    (".cargo/config.toml", Presence::Needed),
    (".ci/run", Presence::Needed),
    (".dockerignore", Presence::Optional),
    (".gitattributes", Presence::Optional),
    (".github/", Presence::Optional),
    (".gitignore", Presence::Needed),
    ("ARCHITECTURE.md", Presence::Needed),
    ("CHANGELOG.md", Presence::Optional),
    ("CONTRIBUTING.md", Presence::Optional),
    ("Cargo.lock", Presence::Needed),
    ("Cargo.toml", Presence::Needed),
    ("Dockerfile", Presence::Optional),
    ("LICENSE-APACHE", Presence::Needed),
    ("LICENSE-MIT", Presence::Needed),
    ("README.md", Presence::Needed),
    ("SECURITY.md", Presence::Needed),
    ("action.yml", Presence::Needed),
    ("clippy.toml", Presence::Needed),
    ("deny.toml", Presence::Needed),
    ("docs/", Presence::Optional),
    ("fuzz/", Presence::Optional),
    ("harness/cli/", Presence::Needed),
    ("harness/engine/", Presence::Needed),
    ("harness/evidence/", Presence::Needed),
    ("harness/files/", Presence::Needed),
    ("harness/judge/", Presence::Needed),
    ("harness/kits/", Presence::Needed),
    ("harness/lab/", Presence::Needed),
    ("harness/lint/", Presence::Needed),
    ("harness/page/", Presence::Needed),
    ("harness/watch/", Presence::Needed),
    ("harness/plant/", Presence::Needed),
    ("harness/proto/", Presence::Needed),
    ("harness/report/", Presence::Needed),
    ("harness/session/", Presence::Needed),
    ("harness/sim/", Presence::Needed),
    ("pyproject.toml", Presence::Needed),
    ("reports/README.md", Presence::Needed),
    ("reports/sample/", Presence::Optional),
    ("rigs/", Presence::Needed),
    ("rust-toolchain.toml", Presence::Optional),
    ("rustfmt.toml", Presence::Needed),
    ("suites/", Presence::Needed),
    ("xtask/", Presence::Needed),
];

#[derive(PartialEq)]
enum Presence {
    Needed,
    Optional,
}

/// Names that say nothing of what is in them; a stranger looks there last.
const NAMELESS: &[&str] = &["utils", "util", "common", "helpers", "helper", "manager", "misc"];

/// Holds the map over the tree.
pub(crate) fn check(files: &[File]) -> Vec<Finding> {
    let covers = |place: &str, path: &str| path == place || place.ends_with('/') && path.starts_with(place);
    let mut findings = Vec::new();
    for (place, presence) in ROOT {
        if *presence == Presence::Needed && !files.iter().any(|file| covers(place, &file.path)) {
            findings.push(Finding::new(place, 0, "missing: the folder map of ARCHITECTURE.md has it"));
        }
    }
    let mut strangers = BTreeSet::new();
    for file in files {
        if !ROOT.iter().any(|(place, _)| covers(place, &file.path)) {
            strangers.insert(file.path.as_str());
        }
        let mut parts = file.path.split('/').map(|part| part.trim_end_matches(".rs"));
        if let Some(part) = parts.find(|part| NAMELESS.contains(part)) {
            let what = format!("`{part}` says nothing of what is in it: name the idea");
            findings.push(Finding::new(&file.path, 0, what));
        }
    }
    findings.extend(strangers.into_iter().map(|path| {
        let what = "not in the folder map: move it, or draw its place in ARCHITECTURE.md and in \
                    xtask/src/tidy/layout.rs";
        Finding::new(path, 0, what)
    }));
    findings
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;
    use rstest::rstest;

    fn whole() -> Vec<File> {
        let place = |(place, _): &(&str, Presence)| {
            let path = if place.ends_with('/') { format!("{place}x") } else { (*place).to_owned() };
            file(&path, "")
        };
        ROOT.iter().filter(|(_, presence)| *presence == Presence::Needed).map(place).collect()
    }

    #[test]
    fn the_map_itself_passes() {
        assert_eq!(check(&whole()), []);
    }

    #[rstest]
    #[case("README.md")]
    #[case("harness/judge/x")]
    #[case(".ci/run")]
    fn what_is_missing_is_found(#[case] path: &str) {
        let found = check(&whole().into_iter().filter(|file| file.path != path).collect::<Vec<_>>());
        assert!(found.len() == 1 && found[0].what.contains("missing"), "{found:?}");
    }

    #[rstest]
    #[case("notes.txt", "not in the folder map")]
    #[case("harness/extra/Cargo.toml", "not in the folder map")]
    #[case("reports/2026/run.json", "not in the folder map")]
    #[case("harness/lab/src/utils.rs", "says nothing")]
    #[case("harness/lab/src/common/mod.rs", "says nothing")]
    fn what_does_not_belong_is_found(#[case] path: &str, #[case] what: &str) {
        let mut files = whole();
        files.push(file(path, ""));
        let found = check(&files);
        assert!(found.len() == 1 && found[0].what.contains(what) && found[0].file == path, "{found:?}");
    }
}
