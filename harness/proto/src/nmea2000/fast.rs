//! Fast packets: messages of up to 223 bytes in up to 32 frames. The first byte of a frame is a sequence (3 bits) and a
//! counter of frames (5 bits); the first frame says the length and carries 6 bytes, the others 7.

use super::Id;
use super::message::{LONGEST, Message};
use crate::frame::Frame;
use crate::quantity::Micros;

/// What is being put together, by PGN, source and destination. However many there are on a bus, no more than so many are held.
#[derive(Debug, Clone)]
pub struct FastPackets {
    parts: Vec<Part>,
    /// messages that were not finished: frames were lost, or came too late
    pub lost: u64,
}

#[derive(Debug, Clone)]
struct Part {
    message: Message,
    /// bytes that came
    have: usize,
    sequence: u8,
    /// the frame that must come next
    next: u8,
    latest: Micros,
}

/// More sources that send at the same time are not on a bus of 250 kbit/s.
const MOST: usize = 64;
/// No frame follows the one before so late. Of the order of the time-outs of J1939; neither document says one.
const TIME_OUT: Micros = Micros(750_000);

impl Default for FastPackets {
    fn default() -> Self {
        Self { parts: Vec::with_capacity(MOST), lost: 0 }
    }
}

impl FastPackets {
    /// Takes a frame of a PGN that is sent so; says which message it completed.
    pub fn take(&mut self, at: Micros, id: Id, data: &[u8]) -> Option<Message> {
        let (&head, data) = data.split_first()?;
        let (sequence, counter) = (head >> 5, head & 0x1F);
        let is_same = |part: &Part| {
            let other = part.message.id;
            (other.pgn, other.source, other.destination) == (id.pgn, id.source, id.destination)
        };
        let known = self.parts.iter().position(is_same);
        if counter == 0 {
            if let Some(k) = known {
                self.drop_at(k);
            }
            let (&length, data) = data.split_first()?;
            if length == 0 || usize::from(length) > LONGEST {
                return None;
            }
            if self.parts.len() == MOST {
                let oldest = (0..MOST).min_by_key(|&k| self.parts[k].latest)?;
                self.drop_at(oldest);
            }
            let message = Message::empty(id, length);
            self.parts.push(Part { message, have: 0, sequence, next: 0, latest: at });
            return self.add(self.parts.len() - 1, at, data, 6);
        }
        let k = known?;
        let part = &self.parts[k];
        if part.sequence != sequence
            || part.next != counter
            || at.0.saturating_sub(part.latest.0) > TIME_OUT.0
        {
            self.drop_at(k);
            return None;
        }
        self.add(k, at, data, 7)
    }

    fn add(&mut self, k: usize, at: Micros, data: &[u8], room: usize) -> Option<Message> {
        let part = &mut self.parts[k];
        let wanted = (part.message.data().len() - part.have).min(room);
        let Some(data) = data.get(..wanted) else {
            self.drop_at(k);
            return None;
        };
        part.message.fill(part.have, data);
        part.have += wanted;
        part.next += 1;
        part.latest = at;
        (part.have == part.message.data().len()).then(|| self.parts.swap_remove(k).message)
    }

    fn drop_at(&mut self, k: usize) {
        self.parts.swap_remove(k);
        self.lost += 1;
    }
}

/// The frames of a message that is sent as a fast packet, the last one padded. Nothing of more than 223 bytes.
pub fn frames(id: Id, sequence: u8, data: &[u8]) -> Option<impl Iterator<Item = Frame>> {
    let length = u8::try_from(data.len()).ok().filter(|&length| usize::from(length) <= LONGEST)?;
    let first = data.len().min(6);
    let parts = core::iter::once(&data[..first]).chain(data[first..].chunks(7));
    Some(parts.zip(0_u8..).filter_map(move |(part, counter)| {
        let mut bytes = [0xFF; 8];
        bytes[0] = sequence << 5 | counter;
        let start = if counter == 0 { 2 } else { 1 };
        if counter == 0 {
            bytes[1] = length;
        }
        bytes[start..start + part.len()].copy_from_slice(part);
        Frame::new(id.bits(), &bytes)
    }))
}
