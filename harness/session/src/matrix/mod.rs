//! Batteries × rigs × seeds, every suite in each cell. It proves the judge: batteries that do right are certified, batteries
//! that do wrong are caught, on every seed.
//!
//! Every cell is kept as a line in the folder of results the moment it is done ([`Store`]). What was stopped goes on where it
//! was; shards run apart and are put together by [`merged`] or by lying in one folder.

mod asked;
mod inputs;
mod play;
mod store;
mod zoo;

pub use asked::{Names, Seeds, Shard};
pub use inputs::{Inputs, Key, MadeBy};
pub use play::play;
pub use store::{Store, merged};
pub use zoo::{EACH_FAULT, Zoo};
