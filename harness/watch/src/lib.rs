//! A run as it goes on, or as it went: read from the files that it leaves, shown on a terminal and on a page.
//!
//! [`follow::Follow`] finds a run and reads it; [`view::View`] is how it stands; [`terminal`], [`page`] and [`metrics`] show
//! that. Nothing is written and nobody is asked, so a run does not know that it is watched.

mod find;
pub mod follow;
mod grows;
pub mod metrics;
pub mod now;
pub mod page;
mod patience;
mod station;
pub mod terminal;
pub mod view;
