//! A battery that is a program, `busbar-bms/1`: what it is told and what is done with its answers, and every way in which
//! a program may go wrong.
#![cfg(unix)]

mod bad;
mod ends;
mod good;
mod play;
