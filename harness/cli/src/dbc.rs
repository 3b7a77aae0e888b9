//! `busbar dbc`: the protocol as a DBC database.

use crate::{Exit, Failure, answer};

pub(crate) fn print() -> Result<Exit, Failure> {
    answer(&proto::dbc::dbc())?;
    Ok(Exit::Pass)
}
