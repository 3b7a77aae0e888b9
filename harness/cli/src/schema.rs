//! `busbar schema`: the JSON schema of a file kind.

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
}

pub(crate) fn print(args: &Args) -> Result<Exit, Failure> {
    let schema = match args.kind {
        Kind::Suite => engine::suite::schema(),
        Kind::Rig => sim::schema::rig().to_value(),
        Kind::Battery => sim::schema::battery().to_value(),
        Kind::PsuProfile => files::Profile::schema().to_value(),
    };
    crate::answer(&format!("{schema:#}\n"))?;
    Ok(Exit::Pass)
}
