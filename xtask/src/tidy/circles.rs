//! No file imports one that imports it, directly or through others: what stands below knows nothing of what stands above.
//! A module and those within it are one idea in several files, so arrows between them do not count.

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use super::tokens::{Contents, Kind};

/// A place in a crate: its folder, and the modules from its root down.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Module<'a> {
    source: &'a str,
    path: Vec<&'a str>,
}

impl<'a> Module<'a> {
    /// Of a file below the `src` of a crate.
    fn of(file: &'a str) -> Option<Self> {
        let (source, below) = file.split_once("/src/")?;
        let mut path: Vec<&str> = below.strip_suffix(".rs")?.split('/').collect();
        if matches!(path.last(), Some(&("mod" | "lib" | "main"))) {
            path.pop();
        }
        Some(Self { source, path })
    }

    /// Whether one stands within the other.
    fn is_beside(&self, other: &Self) -> bool {
        !self.path.starts_with(&other.path) && !other.path.starts_with(&self.path)
    }
}

/// What is named in a file, as the module that it stands in: the longest beginning that is one.
fn target<'a>(modules: &BTreeMap<Module<'a>, &str>, from: &Module<'a>, named: &'a str) -> Option<Module<'a>> {
    let mut words: Vec<&str> = named.split("::").collect();
    let mut path = match words[0] {
        "crate" => Vec::new(),
        _ => from.path.clone(),
    };
    let up = words.iter().take_while(|word| **word == "super").count();
    path.truncate(path.len().saturating_sub(up));
    words.drain(..up.max(usize::from(matches!(words[0], "crate" | "self"))));
    path.extend(words);
    (0..=path.len())
        .rev()
        .map(|end| Module { source: from.source, path: path[..end].to_vec() })
        .find(|module| modules.contains_key(module))
}

/// Every circle of files, told once: `files` without those that only tests see.
pub(super) fn check(files: &[(&str, &Contents)]) -> Vec<Finding> {
    let modules: BTreeMap<Module<'_>, &str> =
        files.iter().filter_map(|&(file, _)| Some((Module::of(file)?, file))).collect();
    let mut arrows: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for &(file, contents) in files {
        let Some(from) = Module::of(file) else { continue };
        let paths = contents.named.iter().filter(|named| !named.test).filter_map(|named| match &named.kind {
            Kind::Path(path) => Some(path.as_str()),
            _ => None,
        });
        let to = paths.filter_map(|path| target(&modules, &from, path)).filter(|to| from.is_beside(to));
        arrows.insert(file, to.map(|to| modules[&to]).collect());
    }
    let mut told = BTreeSet::new();
    arrows
        .keys()
        .filter_map(|file| circle(&arrows, file))
        .filter(|circle| told.insert(sorted(circle)))
        .map(finding)
        .collect()
}

/// The shortest way from a file back to itself.
fn circle<'a>(arrows: &BTreeMap<&'a str, BTreeSet<&'a str>>, start: &'a str) -> Option<Vec<&'a str>> {
    let mut seen = BTreeSet::new();
    let mut ways = vec![vec![start]];
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            for next in &arrows[way[way.len() - 1]] {
                if *next == start {
                    return Some(way);
                }
                if seen.insert(*next) {
                    longer.push([way.as_slice(), &[*next]].concat());
                }
            }
        }
        ways = longer;
    }
    None
}

fn sorted<'a>(circle: &[&'a str]) -> Vec<&'a str> {
    let mut circle = circle.to_vec();
    circle.sort_unstable();
    circle
}

fn finding(circle: Vec<&str>) -> Finding {
    let what = format!(
        "imports itself through {}: move what both need into a file below them, or make one a part of the other",
        circle[1..].join(" and ")
    );
    Finding::new(circle[0], 0, what)
}

#[cfg(test)]
mod tests {
    use super::super::tokens;
    use super::*;
    use rstest::rstest;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let read: Vec<_> =
            files.iter().map(|(file, text)| (*file, tokens::read(text).expect("Rust"))).collect();
        let read: Vec<_> = read.iter().map(|(file, contents)| (*file, contents)).collect();
        check(&read).iter().map(ToString::to_string).collect()
    }

    #[rstest]
    #[case::two("use crate::b::X;", "use crate::a::Y;", "")]
    #[case::by_path("fn f() { super::b::g() }", "fn g() { crate::a::f() }", "")]
    #[case::in_a_tree("use crate::{b::{self, X}, c};", "use super::{a::{Y, Z}};", "")]
    #[case::three("use crate::b::X;", "use crate::c::d::Y;", "use crate::a::Z;")]
    fn circles_are_found(#[case] a: &str, #[case] b: &str, #[case] d: &str) {
        let found = found(&[
            ("x/src/lib.rs", "mod a; mod b; mod c;"),
            ("x/src/a.rs", a),
            ("x/src/b.rs", b),
            ("x/src/c/mod.rs", ""),
            ("x/src/c/d.rs", d),
        ]);
        assert!(
            found.len() == 1 && found[0].starts_with("x/src/a.rs: imports itself through x/src/b.rs"),
            "{found:?}"
        );
    }

    #[rstest]
    #[case::one_way("use crate::b::X;", "use crate::c::Y;", "")]
    #[case::within_a_module("use crate::c::d::X;", "", "use super::Y; use crate::c::Z;")]
    #[case::in_tests("use crate::b::X;", "#[cfg(test)] mod tests { use crate::a::Y; }", "")]
    #[case::in_words("use crate::b::X;", "/// See crate::a.\nconst X: &str = \"crate::a::Y\";", "")]
    fn what_is_none_is_left_alone(#[case] a: &str, #[case] b: &str, #[case] d: &str) {
        let files =
            [("x/src/a.rs", a), ("x/src/b.rs", b), ("x/src/c.rs", "mod d; use d::Z;"), ("x/src/c/d.rs", d)];
        assert_eq!(found(&files), [""; 0]);
        // Another crate has modules of the same names.
        assert_eq!(found(&[("x/src/a.rs", "use crate::b::X;"), ("y/src/b.rs", "use crate::a::X;")]), [""; 0]);
    }
}
