//! A real GX over Modbus-TCP: polled at a steady rate, written to, and lost and found again without an end of the run.
//!
//! [`GxPort`] has a thread of its own. What it sees goes into a channel as [`Timed`] events; it never waits for whoever
//! reads them. Its methods may be called from any thread that may wait.
//!
//! ```no_run
//! use std::sync::mpsc::sync_channel;
//! use proto::gx::system;
//! use proto::quantity::Micros;
//! use lab::can::RunClock;
//! use files::live::UnitIds;
//! use lab::gx::{GxEvent, GxPort, GxSettings, Timed};
//!
//! let settings = GxSettings {
//!     address: "192.168.1.20".to_owned(),
//!     units: UnitIds { inverter: Some(227), solar: Some(229), ..UnitIds::default() },
//!     period: Micros::from_secs(1),
//!     within: Micros::from_secs(1),
//! };
//! let (sender, events) = sync_channel::<Timed>(1024);
//! let port = GxPort::open(&settings, RunClock::start(), sender)?;
//! let relay = port.write(system::RELAY_1, 1.0)?; // what the GX holds now, accepted or not
//! for Timed { at, event, .. } in events {
//!     match event {
//!         GxEvent::Poll(poll) => { /* poll.said */ }
//!         told => eprintln!("{at} {told}"),
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod driver;
mod error;
mod link;
mod poll;
mod port;

pub use driver::Coil;
pub use error::GxError;
pub(crate) use error::refusal;
pub use link::Link;
pub(crate) use link::with_port;
pub use poll::{Answer, Poll};
pub use port::GxPort;
pub(crate) use port::writable;

use std::fmt;

use files::live::UnitIds;
use proto::gx::Product;
use proto::quantity::Micros;

/// How a GX is reached and read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GxSettings {
    /// host or host:port; port 502 where none is named
    pub address: String,
    /// unit ids of what is read
    pub units: UnitIds,
    /// from one poll to the next; a real GX bears one or two a second
    pub period: Micros,
    /// how long an answer or a connection may take
    pub within: Micros,
}

/// Something seen of the GX.
#[derive(Debug)]
pub struct Timed {
    /// when, on the axis of the run
    pub at: Micros,
    /// what
    pub event: GxEvent,
    /// how many events before it found no room in the channel and were dropped
    pub dropped: u32,
}

/// What is seen of the GX.
#[derive(Debug)]
pub enum GxEvent {
    /// every block was asked for, and the GX answered
    Poll(Box<Poll>),
    /// the GX answers, but a product of it is not there; a battery that is absent was lost by the GX, or never found
    Absent {
        /// which
        product: Product,
        /// how the GX says so
        why: GxError,
    },
    /// a product that was absent is there again
    Present {
        /// which
        product: Product,
    },
    /// the GX itself does not answer; it is tried again and again, and until [`GxEvent::Back`] there is no poll
    Lost(GxError),
    /// the GX answers again
    Back {
        /// how long it did not
        after: Micros,
    },
    /// a poll took longer than its period, so the next one was left out
    Slow {
        /// how long it took
        took: Micros,
    },
}

impl fmt::Display for GxEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Poll(poll) => write!(f, "the GX was read: {} blocks", poll.answers.len()),
            Self::Absent { product: Product::Battery, why } => {
                write!(f, "the GX is there, but has no battery: {why}")
            }
            Self::Absent { product, why } => {
                write!(f, "the GX is there, but not its {}: {why}", name(*product))
            }
            Self::Present { product } => write!(f, "the GX has its {} again", name(*product)),
            Self::Lost(why) => write!(f, "the GX is lost: {why}"),
            Self::Back { after } => write!(f, "the GX is back after {:.1} s", after.secs()),
            Self::Slow { took } => write!(f, "the GX is slow: a poll took {:.2} s", took.secs()),
        }
    }
}

/// A product in the words of a bench.
pub(crate) const fn name(product: Product) -> &'static str {
    match product {
        Product::Battery => "battery",
        Product::System => "system",
        Product::Inverter => "inverter/charger",
        Product::Solar => "solar charger",
        Product::Grid => "grid meter",
        Product::Ess => "ESS settings",
    }
}

#[cfg(all(test, unix))]
pub(crate) mod tests;
