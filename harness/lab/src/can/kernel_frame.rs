//! `struct can_frame` of `linux/can.h`, as it passes through a socket: identifier with flags in the machine's order of
//! bytes, length, three bytes of padding, eight of data.

use proto::bus::ErrorFrame;
use proto::frame::{CanId, Frame};

use super::Kind;

/// Its size: `CAN_MTU`.
pub(super) const SIZE: usize = 16;

/// `CAN_EFF_FLAG`: 29 bits of identifier.
const EXTENDED: u32 = 0x8000_0000;
/// `CAN_RTR_FLAG`.
const REMOTE: u32 = 0x4000_0000;
/// `CAN_ERR_FLAG`.
const ERROR: u32 = 0x2000_0000;
const STANDARD_MASK: u32 = 0x7FF;
const EXTENDED_MASK: u32 = 0x1FFF_FFFF;

/// For the kernel.
pub(super) fn write(frame: &Frame) -> [u8; SIZE] {
    let mut bytes = [0; SIZE];
    let word = id_word(frame.id());
    bytes[..4].copy_from_slice(&word.to_ne_bytes());
    bytes[4] = frame.dlc();
    bytes[8..].copy_from_slice(&frame.padded());
    bytes
}

/// An identifier with its flag, for a filter too.
pub(super) fn id_word(id: CanId) -> u32 {
    match id {
        CanId::Standard(id) => u32::from(id),
        CanId::Extended(id) => id | EXTENDED,
    }
}

/// The mask of a filter that lets one data frame through.
pub(super) fn filter_mask(id: CanId) -> u32 {
    let digits = match id {
        CanId::Standard(_) => STANDARD_MASK,
        CanId::Extended(_) => EXTENDED_MASK,
    };
    digits | EXTENDED | REMOTE
}

/// From the kernel; nothing where the length is none of CAN.
pub(super) fn read(bytes: &[u8; SIZE]) -> Option<Kind> {
    let [a, b, c, d, dlc, _, _, _, data @ ..] = bytes;
    let word = u32::from_ne_bytes([*a, *b, *c, *d]);
    if word & ERROR != 0 {
        return Some(Kind::Error(ErrorFrame { class: word & EXTENDED_MASK, data: *data }));
    }
    let id = if word & EXTENDED == 0 {
        CanId::Standard((word & STANDARD_MASK) as u16)
    } else {
        CanId::Extended(word & EXTENDED_MASK)
    };
    if word & REMOTE != 0 {
        return (*dlc <= 8).then_some(Kind::Remote { id, dlc: *dlc });
    }
    Frame::new(id, data.get(..usize::from(*dlc))?).map(Kind::Data)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::bus::ErrorKind;
    use rstest::rstest;

    #[rstest]
    #[case(CanId::Standard(0x351), &[0x48, 0x02])]
    #[case(CanId::Standard(0x7FF), &[])]
    #[case(CanId::Extended(0x1234_5678), &[1, 2, 3, 4, 5, 6, 7, 8])]
    fn frames_pass_through(#[case] id: CanId, #[case] data: &[u8]) {
        let frame = Frame::new(id, data).expect("in range");
        assert_eq!(read(&write(&frame)), Some(Kind::Data(frame)));
    }

    fn bytes(word: u32, dlc: u8, data: [u8; 8]) -> [u8; SIZE] {
        let mut bytes = [0; SIZE];
        bytes[..4].copy_from_slice(&word.to_ne_bytes());
        bytes[4] = dlc;
        bytes[8..].copy_from_slice(&data);
        bytes
    }

    #[test]
    fn remote_and_error_frames_are_told_apart() {
        let remote = Kind::Remote { id: CanId::Standard(0x305), dlc: 8 };
        assert_eq!(read(&bytes(0x4000_0305, 8, [0; 8])), Some(remote));
        let Some(Kind::Error(error)) = read(&bytes(0x2000_0004, 8, [0, 0x20, 0, 0, 0, 0, 0x80, 0])) else {
            panic!("an error frame")
        };
        assert_eq!(error.kinds().collect::<Vec<_>>(), [ErrorKind::Passive]);
    }

    #[test]
    fn a_length_beyond_eight_is_no_frame() {
        assert_eq!(read(&bytes(0x351, 9, [0; 8])), None);
        assert_eq!(read(&bytes(0x4000_0351, 9, [0; 8])), None);
    }
}
