//! The page of the suite language, from the same tables as the reader.

use proto::fault::FaultKind;

use super::read::{CASE, START, SUITE};
use super::value::Key;
use super::verb::VERBS;

/// The example of every verb and every condition, which tests read.
pub(super) const EVERYTHING: &str = include_str!("every-verb.yaml");

/// The tables of `docs/suites.md`, in Markdown.
#[must_use]
pub fn page() -> String {
    let mut out = String::new();
    for (title, keys) in [("A suite", SUITE), ("A case", CASE), ("Initial conditions: `start`", START.keys)] {
        out += &format!("## {title}\n\n| key | what it is | value |\n|---|---|---|\n");
        for key in keys {
            out += &format!("| {}", row(key));
        }
        out.push('\n');
    }
    out += "## Steps\n\nA step is one verb. One that is written with a value alone has no key in its row.\n\n\
            | verb | needs | key | what it is | value |\n|---|---|---|---|---|\n";
    for verb in VERBS {
        let needs = verb.needs.map_or_else(String::new, |needs| format!("`{}`", needs.name()));
        let looks = verb.value.as_ref().map_or("", |value| value.looks);
        out += &format!("| `{}` | {needs} | | {} | {looks} |\n", verb.name, verb.meaning);
        for key in verb.arguments.iter().flat_map(|arguments| arguments.keys) {
            out += &format!("| | | {}", row(key));
        }
    }
    out += "\n## Faults\n\nEach takes `for`, how long it lasts, besides.\n\n| fault | what it does | takes |\n|---|---|---|\n";
    for fault in FaultKind::ALL {
        let takes = fault.arguments.iter().map(|argument| {
            let (low, high) = argument.bounds;
            format!(
                "`{}`: {low} to {high}{}",
                argument.name,
                if argument.optional { ", or nothing" } else { "" }
            )
        });
        let takes: Vec<_> = takes.collect();
        out += &format!("| `{}` | {} | {} |\n", fault.name, fault.meaning.trim(), takes.join("; "));
    }
    out + "\n## Every verb and every condition\n\n```yaml\n" + EVERYTHING + "```\n"
}

fn row(key: &Key) -> String {
    let given = if key.optional { ", may be left out" } else { "" };
    format!("`{}`{given} | {} | {} |\n", key.name, key.meaning.trim(), key.looks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_says_what_the_tables_say() {
        let document = include_str!("../../../../docs/suites.md");
        let (_, rest) = document
            .split_once("<!-- begin: written by cargo xtask schema, not by hand -->\n")
            .expect("a mark");
        let (kept, _) = rest.split_once("<!-- end -->").expect("a mark");
        assert!(kept == page(), "docs/suites.md is stale; write it again with `cargo xtask schema`");
    }
}
