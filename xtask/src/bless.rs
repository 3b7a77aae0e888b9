//! Accepting changed snapshots: never without a reason, and the reason stays in the tree beside them.

use std::collections::BTreeMap;
use std::path::Path;

use crate::process::{Failure, Workspace};

/// Where reasons are kept, oldest first.
const LIST: &str = "suites/BLESSED.md";

const HEADING: &str = "# Why snapshots changed\n\n\
    Written by `cargo xtask bless`, oldest first: which snapshots of the simulated rig changed, and why.\n\n";

/// Runs the suites so that every snapshot takes what they do now. When the run fails for another reason
/// than a changed snapshot, the old snapshots are put back and nothing is noted.
pub(crate) fn bless(workspace: &Workspace, reason: &str, cases: &[String]) -> Result<(), Failure> {
    let reason = one_line(reason)?;
    let before = snapshots(workspace)?;
    let run = workspace.cargo("test").args(["--package", "suites", "--test", "run", "--"]).args(cases);
    let result = run.env("INSTA_UPDATE", "always").run();
    let after = snapshots(workspace)?;
    let changed = changed(&before, &after);
    if let Err(failure) = result {
        put_back(workspace, &before, &after)?;
        eprintln!("the suites failed by themselves: nothing was accepted, the snapshots are as before");
        return Err(failure);
    }
    if changed.is_empty() {
        println!("no snapshot changed; nothing to note");
        return Ok(());
    }
    let list = workspace.read(LIST).unwrap_or_else(|_| HEADING.to_owned());
    workspace.write(LIST, &noted(&list, &changed, &reason))?;
    for snapshot in &changed {
        println!("accepted {snapshot}");
    }
    println!("noted in {LIST}: {reason}");
    Ok(())
}

/// A reason on one line, or a refusal.
fn one_line(reason: &str) -> Result<String, Failure> {
    let words: Vec<&str> = reason.split_whitespace().collect();
    if words.is_empty() {
        return Err(Failure::Usage(
            "a snapshot is not accepted without a reason; say why the behaviour changed: \
             cargo xtask bless --reason \"CVL settles one step lower since the balancing current is modelled\""
                .to_owned(),
        ));
    }
    Ok(words.join(" "))
}

type Snapshots = BTreeMap<String, Vec<u8>>;

/// Every snapshot of the suites, by its path from the root.
fn snapshots(workspace: &Workspace) -> Result<Snapshots, Failure> {
    let mut found = Snapshots::new();
    let root = workspace.path("");
    collect(&workspace.path("suites"), &root, &mut found)
        .map_err(|source| Failure::File { path: "suites".to_owned(), source })?;
    Ok(found)
}

fn collect(folder: &Path, root: &Path, found: &mut Snapshots) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, root, found)?;
        } else if path.extension().is_some_and(|ending| ending == "snap") {
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
            found.insert(name, std::fs::read(&path)?);
        }
    }
    Ok(())
}

/// Snapshots that are new, gone or different, in the order of their names.
fn changed(before: &Snapshots, after: &Snapshots) -> Vec<String> {
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort();
    names.dedup();
    names.into_iter().filter(|name| before.get(*name) != after.get(*name)).cloned().collect()
}

fn put_back(workspace: &Workspace, before: &Snapshots, after: &Snapshots) -> Result<(), Failure> {
    for name in changed(before, after) {
        let path = workspace.path(&name);
        let result = match before.get(&name) {
            Some(bytes) => std::fs::write(&path, bytes),
            None => std::fs::remove_file(&path),
        };
        result.map_err(|source| Failure::File { path: name, source })?;
    }
    Ok(())
}

/// The list with one more entry: the reason, and below it every snapshot it stands for.
fn noted(list: &str, changed: &[String], reason: &str) -> String {
    let mut text = format!("{}\n", list.trim_end());
    // A list item ends a paragraph only after a blank line in strict Markdown.
    if !text.lines().last().is_some_and(|line| line.trim_start().starts_with("- ")) {
        text.push('\n');
    }
    text += &format!("- {reason}\n");
    for name in changed {
        text += &format!("  - `{name}`\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("")]
    #[case("  \n\t")]
    fn an_empty_reason_is_refused(#[case] reason: &str) {
        assert_eq!(one_line(reason).expect_err("refused").exit_code(), 64);
    }

    #[test]
    fn a_reason_is_kept_on_one_line() {
        assert_eq!(one_line(" slower\n balancing ").expect("a reason"), "slower balancing");
    }

    fn set(files: &[(&str, &str)]) -> Snapshots {
        files.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect()
    }

    #[test]
    fn new_gone_and_different_snapshots_are_named() {
        let before = set(&[("a.snap", "1"), ("b.snap", "1"), ("c.snap", "1")]);
        let after = set(&[("a.snap", "1"), ("b.snap", "2"), ("d.snap", "1")]);
        assert_eq!(changed(&before, &after), ["b.snap", "c.snap", "d.snap"]);
        assert!(changed(&before, &before).is_empty());
    }

    #[test]
    fn entries_follow_one_another() {
        let once = noted(HEADING, &["a.snap".into()], "first");
        let twice = noted(&once, &["b.snap".into(), "c.snap".into()], "second");
        assert!(
            twice.ends_with("why.\n\n- first\n  - `a.snap`\n- second\n  - `b.snap`\n  - `c.snap`\n"),
            "{twice}"
        );
    }

    #[test]
    fn put_back_restores_every_snapshot() {
        let root = std::env::temp_dir().join(format!("busbar-bless-{}", std::process::id()));
        let workspace = Workspace::at(&root);
        workspace.write("suites/feed-in/snapshots/kept.snap", "old").expect("a folder to write to");
        let before = snapshots(&workspace).expect("snapshots");
        workspace.write("suites/feed-in/snapshots/kept.snap", "changed").expect("written");
        workspace.write("suites/feed-in/snapshots/added.snap", "new").expect("written");
        let after = snapshots(&workspace).expect("snapshots");
        put_back(&workspace, &before, &after).expect("put back");
        assert_eq!(snapshots(&workspace).expect("snapshots"), before);
        std::fs::remove_dir_all(&root).expect("its own folder");
    }
}
