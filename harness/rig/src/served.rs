//! Simulated instruments on real wires, for whatever wants to talk to one.

pub mod psu;
