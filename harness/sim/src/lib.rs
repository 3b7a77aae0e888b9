//! The simulated world as a bench: in a box ([`SimBench`]), or served on real wires ([`served`]).
//!
//! [`Simulation`] is what the files of a rig and a battery say of it, read and checked.

mod bench;
mod derived;
mod prepare;
#[cfg(unix)]
mod program;
pub mod schema;
#[cfg(unix)]
pub mod served;
mod simulated;
mod simulation;
mod sweep;

pub use bench::SimBench;
pub use derived::{at_rest, levels};
pub use plant::rng::Rng;
#[cfg(unix)]
pub use program::Program;
pub use simulated::Simulated;
pub use simulation::{Simulation, check_battery, check_rig};
