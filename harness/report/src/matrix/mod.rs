//! The proof of the judge: batteries × rigs × seeds, each cell every suite once. Batteries that do right must be
//! certified in every cell, batteries that do wrong must be caught in every cell.
//!
//! Start at [`cell::Cell`], what is kept of one cell, and [`tally::Tally`], what all of them come to.

pub mod bounds;
pub mod cell;
pub mod margin;
pub mod table;
pub mod tally;
pub mod terminal;
pub mod thresholds;
