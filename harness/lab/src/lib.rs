//! Real instruments: the battery on CAN, the supply, the GX and whoever does what no wire carries; the guard that
//! switches the supply off when the harness is gone; and the doctor that looks at all of them before a run.

pub mod can;
#[cfg(unix)]
pub mod doctor;
#[cfg(unix)]
pub mod guard;
pub mod gx;
#[cfg(unix)]
mod lease;
pub mod live;
pub mod operator;
pub mod psu;
#[cfg(unix)]
mod same;
mod swapped;
mod witness;
