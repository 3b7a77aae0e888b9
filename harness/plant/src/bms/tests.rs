//! The management systems against a tiny pack of their own, so that a fault of the world is not mistaken for theirs.

mod alarms;
#[path = "../../tests/batteries/mod.rs"]
mod batteries;
mod bench;
mod defects;
mod files;
mod protection;
mod strategies;
mod wire;
