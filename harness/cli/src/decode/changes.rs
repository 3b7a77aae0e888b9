//! Which bytes of a frame differ from the one before it.

use std::collections::HashMap;

use proto::frame::{CanId, Frame};

/// The latest frame of each identifier on each interface.
#[derive(Debug, Default)]
pub(super) struct Changes(HashMap<(usize, CanId), Frame>);

impl Changes {
    /// A bit for each byte that differs from the same byte of the frame before, the first byte the lowest; all of a first
    /// frame are as they are.
    pub(super) fn of(&mut self, interface: usize, frame: &Frame) -> u8 {
        let Some(before) = self.0.insert((interface, frame.id()), *frame) else { return 0 };
        let differs = |place: usize| frame.data().get(place) != before.data().get(place);
        (0..8).fold(0, |changed, place| changed | u8::from(differs(place)) << place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_held_against_the_frame_before_of_the_same_identifier() {
        let mut changes = Changes::default();
        let frame = |id, data: &[u8]| Frame::standard(id, data);
        assert_eq!(changes.of(0, &frame(0x351, &[1, 2, 3])), 0);
        assert_eq!(changes.of(0, &frame(0x355, &[9, 9, 9])), 0);
        assert_eq!(changes.of(1, &frame(0x351, &[9, 9, 9])), 0, "another bus");
        assert_eq!(changes.of(0, &frame(0x351, &[1, 7, 3])), 0b010);
        assert_eq!(changes.of(0, &frame(0x351, &[1, 7])), 0b100, "it became shorter");
        assert_eq!(changes.of(0, &frame(0x351, &[1, 7])), 0);
    }
}
