//! `busbar dbc`: the protocol as a DBC database.

use std::io::Write as _;

use crate::{Exit, Failure};

pub(crate) fn print() -> Result<Exit, Failure> {
    // A closed pipe (`| head`) ends the output and is no failure.
    let _ = std::io::stdout().write_all(proto::dbc::dbc().as_bytes());
    Ok(Exit::Pass)
}
