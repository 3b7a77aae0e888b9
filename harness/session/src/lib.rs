//! A run: planned, guarded, recorded, judged and concluded.

pub mod attempt;
