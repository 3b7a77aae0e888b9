//! What can go wrong between the harness and a bus.

use std::io;

use proto::quantity::BitRate;

use super::SEND_WITHIN;

/// Why a port cannot be opened or used.
#[derive(Debug, thiserror::Error)]
pub enum CanError {
    /// The kernel has no CAN, so no interface either.
    #[error(
        "{port}: this kernel has no CAN sockets; load them with `modprobe can-raw`, or connect an SLCAN adapter and name \
         its serial port"
    )]
    NoKernelCan {
        /// which
        port: String,
    },
    /// No interface of that name.
    #[error("{port}: no such CAN interface; there is: {}", if there.is_empty() { "none".to_owned() } else { there.join(", ") })]
    Missing {
        /// which
        port: String,
        /// the CAN interfaces that exist
        there: Vec<String>,
    },
    /// An interface, but not of CAN.
    #[error("{port} is no CAN interface; there is: {}", if there.is_empty() { "none".to_owned() } else { there.join(", ") })]
    NotCan {
        /// which
        port: String,
        /// the CAN interfaces that exist
        there: Vec<String>,
    },
    /// The interface is not switched on.
    #[error("{port} is down; set it up with `ip link set {port} up type can bitrate {}`", bits(*expected))]
    Down {
        /// which
        port: String,
        /// the bit rate it should have
        expected: BitRate,
    },
    /// The interface was switched off while it was used.
    #[error("{port} went down during the run; what was on the bus since then was not seen")]
    WentDown {
        /// which
        port: String,
    },
    /// The port is set to another bit rate than the battery speaks.
    #[error(
        "{port} is set to {found}, expected {expected}; set it with `ip link set {port} down` and \
         `ip link set {port} up type can bitrate {}`",
        bits(*expected)
    )]
    BitRate {
        /// which
        port: String,
        /// what it is set to
        found: BitRate,
        /// what the rig says
        expected: BitRate,
    },
    /// SLCAN has no command for this bit rate, or the adapter refuses it.
    #[error(
        "{port}: the adapter cannot be set to {rate}; SLCAN knows 10, 20, 50, 100, 125, 250, 500, 800 and 1000 kbit/s"
    )]
    NoSuchBitRate {
        /// which
        port: String,
        /// what was asked for
        rate: BitRate,
    },
    /// Nobody sent what had been handed over before.
    #[error(
        "{port}: the queue was full for {} ms, a frame was not sent; is anybody else on the bus to acknowledge, is it \
         terminated at both ends, is it bus-off (`ip -details link show {port}`)? On a busy bus \
         `ip link set {port} txqueuelen 1000` makes the queue longer",
        SEND_WITHIN.0 / 1000
    )]
    QueueFull {
        /// which
        port: String,
    },
    /// An adapter did not take a command.
    #[error("{port}: the adapter refused {what}")]
    Refused {
        /// which
        port: String,
        /// the command in words
        what: &'static str,
    },
    /// Nobody answers in SLCAN, and nothing is heard.
    #[error(
        "{port}: no answer to {what}, and no frame was heard either; is it an SLCAN adapter, does it speak at {baud} baud, does \
         another program hold it? One that acknowledges nothing is known by its frames: switch the battery or the GX on"
    )]
    NoAdapter {
        /// which
        port: String,
        /// the command in words
        what: &'static str,
        /// the speed of the serial line
        baud: u32,
    },
    /// It answers no more.
    #[error("{port}: no answer to {what}; was the adapter pulled out, does another program hold it?")]
    Silent {
        /// which
        port: String,
        /// the command in words
        what: &'static str,
    },
    /// The user may not.
    #[error("{port}: permission denied; {remedy}")]
    Permission {
        /// which
        port: String,
        /// what to do
        remedy: &'static str,
    },
    /// Anything else that the system says.
    #[error("{port}: failed to {what}: {source}")]
    System {
        /// which
        port: String,
        /// what was tried
        what: &'static str,
        /// what the system says
        source: io::Error,
    },
}

/// As `ip` wants it.
fn bits(rate: BitRate) -> u64 {
    (rate.0 * 1000.0).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(CanError::Down { port: "can0".into(), expected: BitRate(500.0) },
        "can0 is down; set it up with `ip link set can0 up type can bitrate 500000`")]
    #[case(CanError::Missing { port: "can7".into(), there: vec!["can0".into(), "can1".into()] },
        "can7: no such CAN interface; there is: can0, can1")]
    #[case(CanError::Missing { port: "can7".into(), there: vec![] }, "can7: no such CAN interface; there is: none")]
    fn an_error_says_what_to_do(#[case] error: CanError, #[case] text: &str) {
        assert_eq!(error.to_string(), text);
    }
}
