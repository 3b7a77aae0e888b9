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
enum Kind {
    Suite,
    Rig,
    Battery,
    PsuProfile,
    /// the suite language in Markdown
    SuitePage,
}

pub(crate) fn print(args: &Args) -> Result<Exit, Failure> {
    let schema = match args.kind {
        Kind::Suite => engine::suite::schema(),
        Kind::Rig => sim::schema::rig().to_value(),
        Kind::Battery => sim::schema::battery().to_value(),
        Kind::PsuProfile => files::Profile::schema().to_value(),
        Kind::SuitePage => {
            crate::answer(&engine::suite::page())?;
            return Ok(Exit::Pass);
        }
    };
    crate::answer(&format!("{schema:#}\n"))?;
    Ok(Exit::Pass)
}
