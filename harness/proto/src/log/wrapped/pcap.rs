//! Captures of Wireshark, tcpdump and dumpcap, pcap and pcapng, of a SocketCAN interface or of all interfaces of Linux. Laid out as
//! the drafts of the IETF (opsawg-pcap, pcapng) and the link types 227, 113 and 276 of tcpdump.org have it.

use super::WrappedError;
use crate::candump::{Content, Direction, FdFrame, Record, write_record};
use crate::frame::Frame;
use crate::log::Reader;
use crate::log::columns::is_name;
use crate::log::cursor::identifier;
use crate::message::Payload;
use crate::quantity::Micros;

/// No record or block of a CAN bus is larger.
const LARGEST: usize = 1 << 20;
/// Interfaces that a capture may have.
const MOST: usize = 64;

/// Link types that carry frames of SocketCAN: bare, and behind what Linux puts before a packet of any interface.
const SOCKETCAN: u16 = 227;
const COOKED: u16 = 113;
const COOKED_2: u16 = 276;

/// What a capture made of its bytes so far.
#[derive(Debug)]
pub(super) struct Pcap {
    /// bytes that are no whole record yet
    bytes: Vec<u8>,
    /// how many bytes were used up
    at: u64,
    big_endian: bool,
    kind: Kind,
    interfaces: Vec<Interface>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// before its header was read
    Unknown,
    /// records, with so many parts of a second
    Records(u64),
    Blocks,
}

#[derive(Debug)]
struct Interface {
    link: u16,
    name: String,
    /// parts of a second that its times count
    parts: u64,
    /// seconds to be added to them
    offset: u64,
}

impl Pcap {
    pub(super) fn of(head: &[u8]) -> Option<Self> {
        let new = |big_endian| {
            Some(Self { bytes: Vec::new(), at: 0, big_endian, kind: Kind::Unknown, interfaces: Vec::new() })
        };
        match head {
            [0xD4, 0xC3, 0xB2, 0xA1, ..] | [0x4D, 0x3C, 0xB2, 0xA1, ..] | [0x0A, 0x0D, 0x0D, 0x0A, ..] => {
                new(false)
            }
            [0xA1, 0xB2, 0xC3, 0xD4, ..] | [0xA1, 0xB2, 0x3C, 0x4D, ..] => new(true),
            _ => None,
        }
    }

    pub(super) fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), WrappedError> {
        self.bytes.extend_from_slice(bytes);
        let mut used = 0;
        while let Some(length) = self.step(used, out)? {
            used += length;
        }
        self.bytes.drain(..used);
        self.at += used as u64;
        Ok(())
    }

    /// Reads the header, record or block that stands there; how long it is, once it is whole.
    fn step(&mut self, from: usize, out: &mut Vec<u8>) -> Result<Option<usize>, WrappedError> {
        match self.kind {
            Kind::Unknown if self.bytes.starts_with(&[0x0A, 0x0D, 0x0D, 0x0A]) => {
                self.kind = Kind::Blocks;
                self.block(from, out)
            }
            Kind::Unknown => {
                let (Some(magic), Some(link)) = (self.u32(from), self.u32(from + 20)) else {
                    return Ok(None);
                };
                let parts = if magic & 0xFF == 0x4D { 1_000_000_000 } else { 1_000_000 };
                self.kind = Kind::Records(parts);
                self.interface(link as u16, Reader::UNNAMED.to_owned(), parts, 0)?;
                Ok(Some(24))
            }
            Kind::Records(parts) => {
                let Some(length) = self.u32(from + 8).map(|length| length as usize) else { return Ok(None) };
                if length > LARGEST {
                    return self.damaged(from, "a record has no length that it can have");
                }
                if self.bytes.len() < from + 16 + length {
                    return Ok(None);
                }
                let part = |n: usize| u64::from(self.u32(from + n).unwrap_or_default());
                let at = part(0) * parts + part(4);
                self.packet(0, at, from + 16, length, out);
                Ok(Some(16 + length))
            }
            Kind::Blocks => self.block(from, out),
        }
    }

    fn block(&mut self, from: usize, out: &mut Vec<u8>) -> Result<Option<usize>, WrappedError> {
        const SECTION: u32 = 0x0A0D_0D0A;
        const INTERFACE: u32 = 1;
        const PACKET: u32 = 6;
        if self.u32(from) == Some(SECTION) {
            // The order of its bytes is told behind its length.
            match self.bytes.get(from + 8..from + 12) {
                Some([0x4D, 0x3C, 0x2B, 0x1A]) => self.big_endian = false,
                Some([0x1A, 0x2B, 0x3C, 0x4D]) => self.big_endian = true,
                Some(_) => return self.damaged(from, "a section has no order of bytes"),
                None => return Ok(None),
            }
            self.interfaces.clear();
        }
        let (Some(kind), Some(length)) = (self.u32(from), self.u32(from + 4)) else { return Ok(None) };
        let length = length as usize;
        if !(12..=LARGEST).contains(&length) || !length.is_multiple_of(4) {
            return self.damaged(from, "a block has no length that it can have");
        }
        if self.bytes.len() < from + length {
            return Ok(None);
        }
        let end = from + length - 4;
        match kind {
            INTERFACE => {
                let Some(link) = self.u16(from + 8) else { return Ok(Some(length)) };
                let (mut name, mut parts, mut offset) = (Reader::UNNAMED.to_owned(), 1_000_000, 0);
                let mut option = from + 16;
                while option + 4 <= end {
                    let (code, size) = (self.u16(option), usize::from(self.u16(option + 2).unwrap_or(0)));
                    let value = self.bytes.get(option + 4..(option + 4 + size).min(end)).unwrap_or_default();
                    match (code, value) {
                        (Some(2), name_of) => {
                            let text = String::from_utf8_lossy(name_of);
                            if is_name(&text) {
                                name = text.into_owned();
                            }
                        }
                        (Some(9), &[resolution, ..]) => {
                            let power = u32::from(resolution & 0x7F);
                            let base: u64 = if resolution & 0x80 == 0 { 10 } else { 2 };
                            parts = base.checked_pow(power).unwrap_or(parts);
                        }
                        (Some(14), seconds) if seconds.len() == 8 => {
                            let low = self.u32(option + if self.big_endian { 8 } else { 4 });
                            offset = u64::from(low.unwrap_or_default());
                        }
                        (Some(0) | None, _) => break,
                        _ => {}
                    }
                    option += 4 + size.next_multiple_of(4);
                }
                self.interface(link, name, parts, offset)?;
            }
            PACKET => {
                let part = |n: usize| u64::from(self.u32(from + n).unwrap_or_default());
                let (interface, at, size) = (part(8) as usize, part(12) << 32 | part(16), part(20) as usize);
                self.packet(interface, at, from + 28, size.min(end.saturating_sub(from + 28)), out);
            }
            // Names, statistics, keys: no frames.
            _ => {}
        }
        Ok(Some(length))
    }

    fn interface(&mut self, link: u16, name: String, parts: u64, offset: u64) -> Result<(), WrappedError> {
        if ![SOCKETCAN, COOKED, COOKED_2].contains(&link) {
            return Err(WrappedError::NotCan { link });
        }
        if self.interfaces.len() < MOST {
            self.interfaces.push(Interface { link, name, parts, offset });
        }
        Ok(())
    }

    /// Appends the frame in a packet as a line of candump; what is none is passed over.
    fn packet(&self, interface: usize, at: u64, from: usize, length: usize, out: &mut Vec<u8>) {
        let read = || -> Option<(&Interface, Option<Direction>, Content)> {
            let (interface, packet) = (self.interfaces.get(interface)?, self.bytes.get(from..from + length)?);
            let big = |at: usize| Some(u16::from_be_bytes(packet.get(at..at + 2)?.try_into().ok()?));
            let sent = |kind: u16| Some(if kind == 4 { Direction::Sent } else { Direction::Received });
            let (protocol, direction, frame) = match interface.link {
                COOKED => (big(14)?, sent(big(0)?), packet.get(16..)?),
                COOKED_2 => (big(0)?, sent(u16::from(*packet.get(10)?)), packet.get(20..)?),
                _ => (0x0C, None, packet),
            };
            if !matches!(protocol, 0x0C | 0x0D) {
                return None;
            }
            let word: [u8; 4] = frame.get(..4)?.try_into().ok()?;
            // Behind what Linux puts before a packet the identifier is in the order of the machine. 11 bits tell in any case.
            let orders = [u32::from_be_bytes(word), u32::from_le_bytes(word)];
            let own = usize::from(interface.link != SOCKETCAN && !self.big_endian);
            let raw = orders.into_iter().find(|id| *id <= 0x7FF).unwrap_or(orders[own]);
            content(raw, frame).map(|content| {
                let direction = direction.filter(|_| matches!(content, Content::Data(_)));
                (interface, direction, content)
            })
        };
        let Some((interface, direction, content)) = read() else { return };
        let micros = u128::from(at) * 1_000_000 / u128::from(interface.parts.max(1));
        let at = u64::try_from(micros).unwrap_or(u64::MAX).saturating_add(interface.offset * 1_000_000);
        let record = Record { at: Micros(at.min(LAST)), interface: &interface.name, direction, content };
        write_record(out, &record);
    }

    fn u16(&self, at: usize) -> Option<u16> {
        let bytes: [u8; 2] = self.bytes.get(at..at + 2)?.try_into().ok()?;
        Some(if self.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    fn u32(&self, at: usize) -> Option<u32> {
        let bytes: [u8; 4] = self.bytes.get(at..at + 4)?.try_into().ok()?;
        Some(if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    fn damaged<T>(&self, from: usize, what: &'static str) -> Result<T, WrappedError> {
        Err(WrappedError::Damaged { form: "capture", at: self.at + from as u64, what })
    }
}

/// What a time of a log can be at most, with ten digits of seconds.
const LAST: u64 = 9_999_999_999_999_999;

/// The frame behind an identifier with flags: length, flags of CAN FD, two more bytes, data.
fn content(raw: u32, frame: &[u8]) -> Option<Content> {
    const FLEXIBLE: u8 = 4;
    let (length, flags) = (usize::from(*frame.get(4)?), *frame.get(5)?);
    let id = raw & 0x1FFF_FFFF;
    if raw >> 29 & 1 == 1 {
        let data = Payload::from_slice(frame.get(8..8 + length)?)?;
        return Some(Content::Error { class: id, data });
    }
    let id = identifier(id, raw >> 31 & 1 == 1)?;
    if raw >> 30 & 1 == 1 {
        return Some(Content::Remote { id, dlc: length.min(8) as u8 });
    }
    let data = frame.get(8..8 + length)?;
    if length > 8 || flags & FLEXIBLE != 0 {
        return FdFrame::new(id, flags & 3, data).map(Content::Fd);
    }
    Frame::new(id, data).map(Content::Data)
}
