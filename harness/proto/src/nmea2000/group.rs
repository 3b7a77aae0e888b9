//! What is asked of other devices. A witness only listens; asking takes that a rig file wants it.

use super::{Id, NO_ADDRESS, TO_ALL};
use crate::frame::Frame;

/// A request for a message.
const REQUEST: u32 = 59_904;
/// A claim of an address.
pub const CLAIM: u32 = 60_928;

/// Asks for a message (59904), such as product information; the destination 255 asks everybody.
#[must_use]
pub fn request(source: u8, destination: u8, pgn: u32) -> Option<Frame> {
    let [low, middle, high, _] = pgn.to_le_bytes();
    Frame::new(Id { priority: 6, pgn: REQUEST, source, destination }.bits(), &[low, middle, high])
}

/// The message that this one asks for; nothing where it is no request.
#[must_use]
pub fn requested(id: &Id, data: &[u8]) -> Option<u32> {
    match *data {
        [low, middle, high, ..] if id.pgn == REQUEST => Some(u32::from_le_bytes([low, middle, high, 0])),
        _ => None,
    }
}

/// Asks everybody on a bus who it is: for its claim of an address (60928) and for its product information (126996). Who asks
/// has no address, as a listener may have none (D Q21).
pub fn who_is_there() -> impl Iterator<Item = Frame> {
    [CLAIM, 126_996].into_iter().filter_map(|pgn| request(NO_ADDRESS, TO_ALL, pgn))
}

/// The data of a group function (126208) that asks for a message at an interval. So a VE.Bus interface is made to send
/// its state of charge, 127506, which it does not by itself (D Q25).
#[must_use]
pub fn enable(pgn: u32, milliseconds: u32) -> Vec<u8> {
    const REQUEST: u8 = 0;
    let mut data = vec![REQUEST];
    data.extend(&pgn.to_le_bytes()[..3]);
    data.extend(milliseconds.to_le_bytes());
    // No offset is asked for, and no field has to have a value.
    data.extend([0xFF, 0xFF, 0]);
    data
}

/// The data of a group function that writes fields (126208, function 5), of a message of this PGN in which the `select`ed
/// fields have these values: so data instances of Victron products are changed (D Q23). Each field has one byte.
#[must_use]
pub fn write(pgn: u32, select: &[(u8, u8)], set: &[(u8, u8)]) -> Vec<u8> {
    const WRITE: u8 = 5;
    let mut data = vec![WRITE];
    data.extend(&pgn.to_le_bytes()[..3]);
    let unique = 0xFF;
    data.extend([unique, select.len() as u8, set.len() as u8]);
    data.extend(select.iter().chain(set).flat_map(|&(field, value)| [field, value]));
    data
}
