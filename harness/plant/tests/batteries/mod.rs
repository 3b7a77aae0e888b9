//! The battery files of the project, each with what it is like: plant must not know who reads them elsewhere.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

/// Those that the tests of the simulated world look at, by name.
pub(crate) const FILES: [(&str, &str); 10] = [
    ("reference", include_str!("../../../../rigs/batteries/reference.yaml")),
    ("lower-when-full", include_str!("../../../../rigs/batteries/lower-when-full.yaml")),
    ("ccl-zero-when-full", include_str!("../../../../rigs/batteries/ccl-zero-when-full.yaml")),
    ("tracks-voltage", include_str!("../../../../rigs/batteries/tracks-voltage.yaml")),
    ("oscillating", include_str!("../../../../rigs/batteries/oscillating.yaml")),
    ("penalty-sum", include_str!("../../../../rigs/batteries/penalty-sum.yaml")),
    ("clipped-sum", include_str!("../../../../rigs/batteries/clipped-sum.yaml")),
    ("cell-pi", include_str!("../../../../rigs/batteries/cell-pi.yaml")),
    ("float-after-absorption", include_str!("../../../../rigs/batteries/float-after-absorption.yaml")),
    ("blackout-deadlock", include_str!("../../../../rigs/batteries/blackout-deadlock.yaml")),
];

/// The file of that name with all that it inherits, as text.
pub(crate) fn whole(name: &str) -> String {
    tree(name).to_string()
}

fn tree(name: &str) -> Tree {
    let text = FILES.iter().find(|(n, _)| *n == name).expect("a battery file").1;
    let top: Tree = serde_yaml::from_str(text).unwrap_or_else(|e| panic!("{name}: {e}"));
    match &top {
        Tree::Map(entries) => match entries.get("like") {
            Some(Tree::Text(base)) => top.clone().over(tree(base), ""),
            _ => top,
        },
        _ => panic!("{name} is no map"),
    }
}

/// A file as it stands.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Tree {
    Map(BTreeMap<String, Tree>),
    List(Vec<Tree>),
    Integer(i64),
    Number(f64),
    Text(String),
    Nothing(()),
}

impl Tree {
    /// Key by key; another strategy replaces the one below.
    fn over(self, below: Self, key: &str) -> Self {
        let (Self::Map(above), Self::Map(mut merged)) = (self.clone(), below) else { return self };
        if key == "strategy" && above.keys().ne(merged.keys()) {
            return self;
        }
        for (key, value) in above {
            let value = match merged.remove(&key) {
                Some(old) => value.over(old, &key),
                None => value,
            };
            merged.insert(key, value);
        }
        Self::Map(merged)
    }
}

/// As JSON, which YAML reads.
impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Map(entries) => {
                f.write_str("{ ")?;
                entries.iter().try_for_each(|(key, value)| write!(f, "{key:?}: {value}, "))?;
                f.write_str("}")
            }
            Self::List(items) => {
                f.write_str("[ ")?;
                items.iter().try_for_each(|value| write!(f, "{value}, "))?;
                f.write_str("]")
            }
            Self::Integer(value) => write!(f, "{value}"),
            Self::Number(value) => write!(f, "{value}"),
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Nothing(()) => f.write_str("null"),
        }
    }
}
