//! The state of a CAN bus as a controller on it knows it, and error frames as SocketCAN makes them
//! (`linux/can/error.h`): BUS-02 and BUS-03 are judged from them (P 1.2).

use core::fmt;

use crate::candump::Content;
use crate::channel::{Channel, Instrument};
use crate::message::Payload;
use crate::quantity::BitRate;
use crate::samples::Samples;

/// How a controller takes part in the bus (ISO 11898-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(u8)]
pub enum BusState {
    /// it takes part, few errors are counted
    #[default]
    ErrorActive,
    /// 96 errors are counted: the bus is disturbed
    ErrorWarning,
    /// 128 errors: it may no longer disturb the frames of others
    ErrorPassive,
    /// 256 errors while sending: it takes no part any more
    BusOff,
}

impl BusState {
    /// Every state, the best first.
    pub const ALL: [Self; 4] = [Self::ErrorActive, Self::ErrorWarning, Self::ErrorPassive, Self::BusOff];

    /// Its name, as `ip -details link show` prints it, in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ErrorActive => "error-active",
            Self::ErrorWarning => "error-warning",
            Self::ErrorPassive => "error-passive",
            Self::BusOff => "bus-off",
        }
    }
}

/// What the harness's own CAN interface says of the bus.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BusReading {
    /// the bit rate it is set to
    pub bit_rate: BitRate,
    /// the state of its controller
    pub state: BusState,
}

/// As values of the quantities that the interface tells.
impl From<BusReading> for Samples {
    fn from(reading: BusReading) -> Self {
        Self::new(Instrument::Interface)
            .with(Channel::BitRate, reading.bit_rate.0)
            .with(Channel::BusState, f64::from(reading.state as u8))
    }
}

/// An error frame: not a frame of the bus, but what a driver tells of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorFrame {
    /// error classes, bits without the flag 0x20000000; 0 where the writer of a log says no more
    pub class: u32,
    /// details, with zeros up to 8 bytes
    pub data: [u8; 8],
}

macro_rules! kinds {
    ($( $(#[doc = $doc:literal])+ $Kind:ident $words:literal: $class:literal $([$byte:literal] & $mask:literal)? )+) => {
        /// What an error frame may say.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum ErrorKind {
            $( $(#[doc = $doc])+ $Kind, )+
            /// an error frame, of which the log tells no more
            Unspecified,
        }

        impl ErrorKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[ $( Self::$Kind, )+ Self::Unspecified ];

            /// In words.
            #[must_use]
            pub const fn words(self) -> &'static str {
                match self { $( Self::$Kind => $words, )+ Self::Unspecified => "error without details" }
            }

            /// Whether a frame says this.
            fn is_in(self, frame: &ErrorFrame) -> bool {
                match self {
                    $( Self::$Kind => frame.class & $class != 0 $( && frame.data[$byte] & $mask != 0 )?, )+
                    Self::Unspecified => frame.class == 0,
                }
            }
        }
    };
}

kinds! {
    /// the driver gave up on a frame
    TxTimeout "transmission timed out": 0x001
    /// another node had the right of way
    ArbitrationLost "arbitration lost": 0x002
    /// the queue of received frames was full, or a frame came before the one ahead was taken: frames were lost
    Overflow "receive overflow": 0x004 [1] & 0x01
    /// the queue of frames to be sent was full
    SendOverflow "send overflow": 0x004 [1] & 0x02
    /// 96 errors were counted
    Warning "error warning": 0x004 [1] & 0x0C
    /// 128 errors were counted
    Passive "error passive": 0x004 [1] & 0x30
    /// errors became few again
    Active "error active again": 0x004 [1] & 0x40
    /// bits that break the rules of the bus
    Protocol "protocol violation": 0x008
    /// the wires are open, shorted, or not there
    Transceiver "transceiver fault": 0x010
    /// nobody acknowledged a frame
    Ack "no acknowledgement": 0x020
    /// the controller has left the bus
    BusOff "bus-off": 0x040
    /// an error flag was seen on the bus
    BusError "bus error": 0x080
    /// the controller took part again after bus-off
    Restarted "controller restarted": 0x100
}

impl ErrorKind {
    /// How many there are.
    pub const COUNT: usize = Self::Unspecified as usize + 1;

    /// Whether a sound bus never shows it (BUS-03): error-passive, bus-off, a missing acknowledgement. Others come
    /// and go where a plug is moved.
    #[must_use]
    pub const fn is_episode(self) -> bool {
        matches!(self, Self::Passive | Self::BusOff | Self::Ack)
    }
}

impl ErrorKind {
    /// Whether it says that frames of the bus were lost on their way to whoever records them. That is no fault of the bus
    /// or of anybody on it.
    #[must_use]
    pub const fn is_loss(self) -> bool {
        matches!(self, Self::Overflow)
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

impl ErrorFrame {
    /// Where `linux/can/error.h` keeps the place of a protocol violation, and that of the acknowledge slot.
    const LOCATION: usize = 3;
    const ACK_SLOT: u8 = 0x19;
    const RX_WARNING: u8 = 0x04;
    const RX_PASSIVE: u8 = 0x10;
    const ACTIVE: u8 = 0x40;

    /// A bus error: an error flag was seen, where somebody's frame broke off.
    pub const DISTURBED: Self = Self { class: 0x088, data: [0; 8] };
    /// The same at the acknowledge slot: somebody sends and nobody hears.
    pub const UNHEARD: Self = {
        let mut data = [0; 8];
        data[Self::LOCATION] = Self::ACK_SLOT;
        Self { class: 0x0A8, data }
    };

    /// A bus error at this place of a frame, by the numbers of SJA1000 and `linux/can/error.h`.
    #[must_use]
    pub const fn broken(place: u8) -> Self {
        let mut error = if place == Self::ACK_SLOT { Self::UNHEARD } else { Self::DISTURBED };
        error.data[Self::LOCATION] = place;
        error
    }

    /// The controller that hears has changed its state.
    #[must_use]
    pub const fn controller(state: BusState) -> Self {
        let mut data = [0; 8];
        data[1] = match state {
            BusState::ErrorActive => Self::ACTIVE,
            BusState::ErrorWarning => Self::RX_WARNING,
            BusState::ErrorPassive => Self::RX_PASSIVE,
            BusState::BusOff => return Self { class: 0x040, data },
        };
        Self { class: 0x004, data }
    }

    /// Whether it says that frames were lost on their way here: how many, nobody counts.
    #[must_use]
    pub fn tells_loss(&self) -> bool {
        self.kinds().any(ErrorKind::is_loss)
    }

    /// From what a log holds; nothing for frames of other kinds.
    #[must_use]
    pub fn of(content: &Content) -> Option<Self> {
        let Content::Error { class, data } = content else { return None };
        let mut bytes = [0; 8];
        bytes.iter_mut().zip(data.as_bytes()).for_each(|(to, &from)| *to = from);
        Some(Self { class: *class, data: bytes })
    }

    /// As a log holds it.
    #[must_use]
    pub fn content(&self) -> Content {
        Content::Error { class: self.class, data: Payload::new(self.data) }
    }

    /// Everything that it says.
    pub fn kinds(&self) -> impl Iterator<Item = ErrorKind> + use<'_> {
        ErrorKind::ALL.iter().copied().filter(|kind| kind.is_in(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::candump::{self, Line};
    use crate::quantity::Micros;
    use rstest::rstest;

    /// Lines as `candump -L -e` writes them, against `linux/can/error.h`.
    #[rstest]
    #[case("20000004#0008000000006000", &[ErrorKind::Warning])]
    #[case("20000004#0020000000008000", &[ErrorKind::Passive])]
    #[case("20000004#0040000000000000", &[ErrorKind::Active])]
    #[case("20000004#0001000000000000", &[ErrorKind::Overflow])]
    #[case("20000004#0002000000000000", &[ErrorKind::SendOverflow])]
    #[case("20000004#0011000000008000", &[ErrorKind::Overflow, ErrorKind::Passive])]
    #[case("20000040#0000000000000000", &[ErrorKind::BusOff])]
    #[case("20000100#0000000000000000", &[ErrorKind::Restarted])]
    #[case("200000A8#0000001900000000", &[ErrorKind::Protocol, ErrorKind::Ack, ErrorKind::BusError])]
    #[case("20000002#0500000000000000", &[ErrorKind::ArbitrationLost])]
    #[case("20000001#", &[ErrorKind::TxTimeout])]
    #[case("20000010#0000000004000000", &[ErrorKind::Transceiver])]
    fn error_frames_of_a_log(#[case] text: &str, #[case] kinds: &[ErrorKind]) {
        let line = format!("(1436509052.249713) can0 {text}");
        let Ok(Line::Record(record)) = candump::parse(line.as_bytes()) else { panic!("{line}") };
        let frame = ErrorFrame::of(&record.content).expect("an error frame");
        assert_eq!(frame.kinds().collect::<Vec<_>>(), kinds, "{text}");
        assert_eq!(frame.tells_loss(), kinds.contains(&ErrorKind::Overflow), "{text}");
    }

    #[test]
    fn what_is_made_is_read_back() {
        let states = BusState::ALL.map(ErrorFrame::controller);
        for frame in states.into_iter().chain([ErrorFrame::DISTURBED, ErrorFrame::UNHEARD]) {
            let mut line = Vec::new();
            let record = candump::Record {
                at: Micros::ZERO,
                interface: "can0",
                direction: None,
                content: frame.content(),
            };
            candump::write_record(&mut line, &record);
            let Ok(Line::Record(read)) = candump::parse(&line) else { panic!("{line:?}") };
            assert_eq!(ErrorFrame::of(&read.content), Some(frame));
        }
        let episodes: Vec<_> =
            states.iter().flat_map(ErrorFrame::kinds).filter(|kind| kind.is_episode()).collect();
        assert_eq!(episodes, [ErrorKind::Passive, ErrorKind::BusOff]);
        assert!(ErrorFrame::UNHEARD.kinds().any(ErrorKind::is_episode));
    }

    #[test]
    fn a_log_without_details_is_an_error_all_the_same() {
        let frame = ErrorFrame { class: 0, data: [0; 8] };
        assert_eq!(frame.kinds().collect::<Vec<_>>(), [ErrorKind::Unspecified]);
    }
}
