//! Runs a test: the suite language, the step machine and the interlocks. Never waits, reads a clock or
//! touches a socket: timed inputs go in, actions come out.

pub mod bench;
pub mod end;
pub mod interlock;
pub mod machine;
pub mod run;
pub mod suite;
pub mod yaml;
