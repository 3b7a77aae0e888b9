//! `busbar schema`: the JSON schema of a file kind, and the tables of `docs/suites.md`.

use clap::ValueEnum;

use crate::{Exit, Failure};

/// What to print.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The kind of file
    kind: Kind,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Kind {
    Suite,
    Rig,
    Battery,
    PsuProfile,
    /// the suite language in Markdown
    SuitePage,
}

pub(crate) fn print(args: &Args) -> Result<Exit, Failure> {
    crate::answer(&text(args.kind))?;
    Ok(Exit::Pass)
}

/// What is printed for a kind.
pub(crate) fn text(kind: Kind) -> String {
    let schema = match kind {
        Kind::Suite => engine::suite::schema(),
        Kind::Rig => sim::schema::rig().to_value(),
        Kind::Battery => sim::schema::battery().to_value(),
        Kind::PsuProfile => files::Profile::schema().to_value(),
        Kind::SuitePage => return engine::suite::page(),
    };
    format!("{schema:#}\n")
}
