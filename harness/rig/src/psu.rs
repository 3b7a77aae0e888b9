//! Programmable supplies on a serial line: the driver, the profiles that teach it a supply's words, and an instrument
//! that answers like one.
//!
//! [`Supply`] is blocking, and every wait in it has a deadline. It asks its [`Link`] what time it is, so that over
//! [`InMemory`] a test of minutes takes none.

mod error;
pub mod instrument;
mod link;
pub mod profile;
mod supply;
mod wire;

pub use error::SupplyError;
pub(crate) use link::Brake;
pub use link::{InMemory, Link, LinkError, Serial, Tcp};
pub use profile::Profile;
pub(crate) use supply::silence;
pub use supply::{Accepted, Found, Limits, Settings, ShutDown, Status, Supply, Target};
pub use wire::{Direction, Witness};

#[cfg(test)]
mod tests;
