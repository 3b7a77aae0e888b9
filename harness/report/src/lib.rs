//! Renderers of what a run leaves: `verdicts.json`, JUnit, the HTML report and the table on the terminal; the history of
//! nights; and [`matrix`], what many runs say of the judge.

pub mod added;
mod causes;
pub mod compare;
pub mod golden;
pub mod history;
pub mod html;
pub mod json;
pub mod junit;
pub mod matrix;
pub mod snapshot;
pub mod summary_md;
pub mod terminal;

use evidence::run::Run;

/// The conclusions of a run that stand in its folder, each file with its name.
#[must_use]
pub fn conclusions(run: &Run) -> [(&'static str, String); 3] {
    [
        ("verdicts.json", json::verdicts(run)),
        ("junit.xml", junit::junit(run)),
        ("report.html", html::report(run)),
    ]
}
