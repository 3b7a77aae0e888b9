//! The SocketCAN driver against a real Linux CAN stack: two emulated controllers on one bus, a virtual bus, and the
//! kernel's own SLCAN. candump, cansend, cangen and slcan_attach of can-utils are the foreign parts.
//!
//! It runs in the guest that `cargo xtask can-guest` starts, where it may set interfaces up and down. Elsewhere its tests
//! are listed as ignored.
#![cfg_attr(
    target_os = "linux",
    expect(clippy::print_stdout, reason = "the guest's console shows the figures")
)]

#[cfg(target_os = "linux")]
mod flood;
#[cfg(target_os = "linux")]
mod frames;
#[cfg(target_os = "linux")]
mod guest;
#[cfg(target_os = "linux")]
mod interface;
#[cfg(target_os = "linux")]
mod kernel_slcan;
#[cfg(target_os = "linux")]
mod served;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

/// A test, with its name.
type Test = (&'static str, fn() -> Result<(), Failed>);

#[cfg(target_os = "linux")]
const TESTS: &[&[Test]] =
    &[frames::TESTS, flood::TESTS, interface::TESTS, kernel_slcan::TESTS, served::TESTS];
/// No other system has SocketCAN.
#[cfg(not(target_os = "linux"))]
const TESTS: &[&[Test]] = &[];

fn main() -> ExitCode {
    let inside = std::env::var_os("BUSBAR_CAN_GUEST").is_some();
    let kind = if inside { "" } else { "not run: only in the guest of `cargo xtask can-guest`" };
    let trial = |(name, test): &Test| Trial::test(*name, *test).with_kind(kind).with_ignored_flag(!inside);
    let mut arguments = Arguments::from_args();
    // They share the interfaces.
    arguments.test_threads = Some(1);
    libtest_mimic::run(&arguments, TESTS.concat().iter().map(trial).collect()).exit_code()
}
