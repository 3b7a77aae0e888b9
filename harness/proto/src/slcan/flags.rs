//! What an adapter tells of its controller.

use crate::bus::{BusState, ErrorFrame};

/// The status flags of `F` (CANUSB manual): raised since they were asked for last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flags(pub u8);

/// Each flag, with the class and detail byte 1 of an error frame that says the same (`linux/can/error.h`).
const TABLE: [(Flags, u32, u8); 7] = [
    (Flags::RECEIVE_FULL, 0x004, 0x01),
    (Flags::SEND_FULL, 0x004, 0x02),
    (Flags::WARNING, 0x004, 0x0C),
    (Flags::OVERRUN, 0x004, 0x01),
    (Flags::PASSIVE, 0x004, 0x30),
    (Flags::ARBITRATION_LOST, 0x002, 0x00),
    (Flags::BUS_ERROR, 0x088, 0x00),
];

impl Flags {
    /// Nothing to tell.
    pub const NONE: Self = Self(0);
    /// The queue of received frames is full: frames were lost.
    pub const RECEIVE_FULL: Self = Self(0x01);
    /// The queue of frames to be sent is full.
    pub const SEND_FULL: Self = Self(0x02);
    /// 96 errors were counted.
    pub const WARNING: Self = Self(0x04);
    /// The controller lost a frame.
    pub const OVERRUN: Self = Self(0x08);
    /// 128 errors were counted.
    pub const PASSIVE: Self = Self(0x20);
    /// Another node had the right of way.
    pub const ARBITRATION_LOST: Self = Self(0x40);
    /// An error flag was seen on the bus.
    pub const BUS_ERROR: Self = Self(0x80);

    /// Whether all of `other` are raised.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The same, but for those that say that frames were lost.
    #[must_use]
    pub const fn without_losses(self) -> Self {
        Self(self.0 & !(Self::RECEIVE_FULL.0 | Self::OVERRUN.0))
    }

    /// The state of the controller, as far as the flags tell it: they have none for bus-off.
    #[must_use]
    pub const fn state(self) -> BusState {
        if self.has(Self::PASSIVE) {
            BusState::ErrorPassive
        } else if self.has(Self::WARNING) {
            BusState::ErrorWarning
        } else {
            BusState::ErrorActive
        }
    }

    /// The same as an error frame of SocketCAN; nothing where no flag is raised.
    #[must_use]
    pub fn error_frame(self) -> Option<ErrorFrame> {
        let mut frame = ErrorFrame { class: 0, data: [0; 8] };
        for (flag, class, detail) in TABLE {
            if self.has(flag) {
                frame.class |= class;
                frame.data[1] |= detail;
            }
        }
        (frame.class != 0).then_some(frame)
    }
}
