//! BLF, Vector's binary log: a header, then objects, most of them in compressed containers. Laid out as python-can and
//! Vector's own library read it. What is no frame is passed over.

use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;

use super::WrappedError;
use crate::candump::{Content, Direction, FdFrame, Record, write_record};
use crate::frame::{CanId, Frame};
use crate::log::cursor::{DAY, date_of};
use crate::message::Payload;
use crate::quantity::Micros;

/// The header, as long as it says; that of an object before its own fields.
const LEAST_HEADER: usize = 72;
const BASE: usize = 16;
/// What stands before the bytes of a container.
const CONTAINER: usize = BASE + 16;
/// No object is larger: containers hold some hundred kilobytes.
const LARGEST: usize = 32 << 20;
/// Objects stand at most so far behind each other.
const PADDING: usize = 8;

/// What a BLF log made of its bytes so far.
#[derive(Debug, Default)]
pub(super) struct Blf {
    /// bytes of the log that are no whole object yet, and of containers
    outer: Vec<u8>,
    inner: Vec<u8>,
    /// how many bytes of the log were used up
    at: u64,
    /// when the measurement began, of the clock of its computer
    start: Option<Micros>,
}

impl Blf {
    pub(super) fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), WrappedError> {
        self.outer.extend_from_slice(bytes);
        if self.start.is_none() {
            let Some(length) = u32_at(&self.outer, 4).map(|length| length as usize) else { return Ok(()) };
            if !(LEAST_HEADER..=4096).contains(&length) {
                return self.damaged("its header has no length that it can have");
            }
            if self.outer.len() < length {
                return Ok(());
            }
            self.start = Some(began(&self.outer).unwrap_or(Micros::ZERO));
            self.outer.drain(..length);
            self.at += length as u64;
        }
        loop {
            let (used, object) = match next(&self.outer) {
                Next::More => return Ok(()),
                Next::Wrong(what) => return self.damaged(what),
                Next::Object { from, to } => (to, from..to),
            };
            if u32_at(&self.outer[object.clone()], 12) == Some(10) {
                self.container(object)?;
                self.objects(out)?;
            } else {
                frame(&self.outer[object], self.start.unwrap_or(Micros::ZERO), out);
            }
            self.outer.drain(..used);
            self.at += used as u64;
        }
    }

    /// Unpacks a container behind what is left of the one before.
    fn container(&mut self, object: core::ops::Range<usize>) -> Result<(), WrappedError> {
        let container = &self.outer[object];
        let packed = container.get(CONTAINER..).unwrap_or_default();
        match u16_at(container, BASE) {
            Some(0) => self.inner.extend_from_slice(packed),
            Some(2) => match decompress_to_vec_zlib_with_limit(packed, LARGEST) {
                Ok(bytes) => self.inner.extend(bytes),
                Err(_) => return self.damaged("a container cannot be unpacked"),
            },
            _ => return self.damaged("a container is packed in a way that is not known"),
        }
        Ok(())
    }

    fn objects(&mut self, out: &mut Vec<u8>) -> Result<(), WrappedError> {
        let mut used = 0;
        loop {
            match next(&self.inner[used..]) {
                Next::More => break,
                Next::Wrong(what) => return self.damaged(what),
                Next::Object { from, to } => {
                    frame(&self.inner[used + from..used + to], self.start.unwrap_or(Micros::ZERO), out);
                    used += to;
                }
            }
        }
        self.inner.drain(..used);
        Ok(())
    }

    fn damaged(&self, what: &'static str) -> Result<(), WrappedError> {
        Err(WrappedError::Damaged { form: "BLF log", at: self.at, what })
    }
}

enum Next {
    More,
    Wrong(&'static str),
    Object { from: usize, to: usize },
}

/// The next object, behind its padding.
fn next(bytes: &[u8]) -> Next {
    let window = &bytes[..bytes.len().min(PADDING + 4)];
    let Some(from) = window.windows(4).position(|four| four == b"LOBJ") else {
        return if bytes.len() < PADDING + 4 { Next::More } else { Next::Wrong("no object begins there") };
    };
    let Some(length) = u32_at(bytes, from + 8).map(|length| length as usize) else { return Next::More };
    if !(BASE..=LARGEST).contains(&length) {
        return Next::Wrong("an object has no length that it can have");
    }
    if bytes.len() < from + length { Next::More } else { Next::Object { from, to: from + length } }
}

/// Kinds of objects that are frames.
const MESSAGE: u32 = 1;
const ERROR: u32 = 2;
const ERROR_EXTENDED: u32 = 73;
const MESSAGE_2: u32 = 86;
const FD_MESSAGE: u32 = 100;
const FD_MESSAGE_64: u32 = 101;

/// Appends the frame that an object is, as a line of candump.
fn frame(object: &[u8], start: Micros, out: &mut Vec<u8>) {
    let mut read = || -> Option<()> {
        let (header, kind) = (usize::from(u16_at(object, 4)?), u32_at(object, 12)?);
        let stamp = u64::from_le_bytes(object.get(24..32)?.try_into().ok()?);
        // Of ten microseconds, or of nanoseconds.
        let since = if u32_at(object, BASE)? == 1 { stamp.saturating_mul(10) } else { stamp / 1000 };
        let body = object.get(header.max(32)..)?;
        let (channel, direction, content) = match kind {
            MESSAGE | MESSAGE_2 => {
                let flags = *body.get(2)?;
                let (id, dlc) = (id(u32_at(body, 4)?)?, (*body.get(3)?).min(8));
                let content = if flags & 0x80 != 0 {
                    Content::Remote { id, dlc }
                } else {
                    Content::Data(Frame::new(id, body.get(8..8 + usize::from(dlc))?)?)
                };
                (u16_at(body, 0)?, flags & 1 != 0, content)
            }
            ERROR | ERROR_EXTENDED => {
                (u16_at(body, 0)?, false, Content::Error { class: 0, data: Payload::EMPTY })
            }
            FD_MESSAGE => {
                let (flags, dlc, bits) = (*body.get(2)?, *body.get(3)?, *body.get(13)?);
                let data = body.get(20..20 + usize::from(*body.get(14)?).min(64))?;
                (
                    u16_at(body, 0)?,
                    flags & 1 != 0,
                    of_fd_channel(id(u32_at(body, 4)?)?, bits, flags & 0x80 != 0, dlc, data)?,
                )
            }
            FD_MESSAGE_64 => {
                let (channel, dlc, flags) = (u16::from(*body.first()?), *body.get(1)?, u32_at(body, 12)?);
                let data = body.get(40..40 + usize::from(*body.get(2)?).min(64))?;
                let sent = *body.get(34)? == 1;
                (
                    channel,
                    sent,
                    of_fd_channel(
                        id(u32_at(body, 4)?)?,
                        (flags >> 12) as u8 & 7,
                        flags & 0x10 != 0,
                        dlc,
                        data,
                    )?,
                )
            }
            _ => return None,
        };
        let direction = Some(if direction { Direction::Sent } else { Direction::Received });
        let direction = direction.filter(|_| matches!(content, Content::Data(_)));
        let interface = format!("{channel}");
        let at = Micros(start.0.saturating_add(since));
        write_record(out, &Record { at, interface: &interface, direction, content });
        Some(())
    };
    // What is cut off or has an identifier that is none is no frame.
    let _ = read();
}

/// Bit 0 of the flags is the format of CAN FD, 1 the bit rate switch, 2 the error state.
fn of_fd_channel(id: CanId, flags: u8, remote: bool, dlc: u8, data: &[u8]) -> Option<Content> {
    if remote {
        return Some(Content::Remote { id, dlc: dlc.min(8) });
    }
    if flags & 1 == 0 {
        return Some(Content::Data(Frame::new(id, data.get(..data.len().min(8))?)?));
    }
    FdFrame::new(id, flags >> 1, data).map(Content::Fd)
}

fn id(raw: u32) -> Option<CanId> {
    let extended = raw >> 31 == 1;
    crate::log::cursor::identifier(raw & 0x7FFF_FFFF, extended)
}

/// Year, month, day of the week, day, hour, minute, second, millisecond of the beginning.
fn began(header: &[u8]) -> Option<Micros> {
    let part = |n: usize| u16_at(header, 40 + 2 * n).map(u64::from);
    let days = date_of(part(0)?, part(1)?, part(3)?)?;
    let (hour, minute, second, millis) = (part(4)?, part(5)?, part(6)?, part(7)?);
    Some(Micros(days * DAY.0 + (((hour * 60 + minute) * 60 + second) * 1000 + millis) * 1000))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}
