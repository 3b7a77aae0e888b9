//! Programmable supplies on a serial line: the driver. The profiles that teach it a supply's words are files.
//!
//! [`Supply`] is blocking, and every wait in it has a deadline. It asks its [`Link`] what time it is, so that over a link
//! in memory a test of minutes takes none.

mod dialogue;
mod error;
mod link;
mod supply;
mod wire;

pub use dialogue::{Dialogue, DialogueError, Heard, Registers, Tape};
pub use error::{SupplyError, Trips};
pub(crate) use link::Brake;
#[cfg(test)]
pub(crate) use link::InMemory;
pub use link::{Link, LinkError, Serial, Tcp};
pub use supply::{Accepted, Found, Limits, Rated, Settings, ShutDown, Status, Supply, Target};
pub use wire::{Direction, Witness};

#[cfg(test)]
mod tests;
