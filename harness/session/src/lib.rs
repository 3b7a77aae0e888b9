//! A run: planned, guarded, recorded, judged and concluded; and many of them, a matrix or a search for the worst.
//!
//! Start at [`Asked`], what somebody wants to have run, and [`run`](run::run()), which does it. [`Setup`] is a rig with a
//! battery, on which cases are planned and attempted one by one.

pub mod attempt;
mod console;
mod error;
pub mod golden;
#[cfg(unix)]
mod guarded;
pub mod matrix;
pub mod nights;
mod results;
pub mod run;
pub mod search;
mod setup;
mod writer;

pub use console::{Console, Progress};
pub use error::Error;
pub use run::{Asked, Outcome, Played, Retry, run};
pub use setup::{Entry, Setup, battery, rig, rig_for};
