//! BLF of Vector, laid out as python-can and Vector's own library write it: a header that counts what follows, then
//! containers of compressed objects.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use proto::frame::CanId;
use proto::quantity::Micros;

use super::Log;
use super::calendar::Date;
use crate::can_log::Heard;

/// The header, and what a container holds at most before it is compressed.
const HEADER: usize = 144;
const CONTAINER: usize = 128 << 10;
/// Kinds of objects.
const MESSAGE: u32 = 1;
const PACKED: u32 = 10;
const ERROR: u32 = 73;

pub(super) struct Blf {
    began: Micros,
    last: Micros,
    objects: u32,
    /// bytes with nothing compressed
    size: u64,
    /// objects that wait for a container
    open: Vec<u8>,
    /// containers: the header in front of them is known at the end
    body: Vec<u8>,
}

impl Blf {
    pub(super) const fn new(began: Micros) -> Self {
        Self { began, last: began, objects: 0, size: HEADER as u64, open: Vec::new(), body: Vec::new() }
    }

    fn object(&mut self, kind: u32, at: Micros, body: &[u8]) {
        const LENGTH: u16 = 32;
        /// the unit of times
        const NANOSECONDS: u32 = 2;
        let begin = self.open.len();
        base(&mut self.open, LENGTH, usize::from(LENGTH) + body.len(), kind);
        self.open.extend(NANOSECONDS.to_le_bytes());
        self.open.extend([0; 4]);
        self.open.extend(at.0.saturating_mul(1000).to_le_bytes());
        self.open.extend(body);
        self.objects = self.objects.saturating_add(1);
        self.size += (self.open.len() - begin) as u64;
    }

    fn close(&mut self, length: usize) -> io::Result<()> {
        /// how it is compressed: zlib
        const ZLIB: u16 = 2;
        const LENGTH: u16 = 16;
        let mut packed = ZlibEncoder::new(Vec::new(), Compression::default());
        packed.write_all(&self.open[..length])?;
        let packed = packed.finish()?;
        let size = usize::from(LENGTH) + 16 + packed.len();
        base(&mut self.body, LENGTH, size, PACKED);
        self.body.extend(ZLIB.to_le_bytes());
        self.body.extend([0; 6]);
        self.body.extend((length as u32).to_le_bytes());
        self.body.extend([0; 4]);
        self.body.extend(packed);
        self.body.resize(self.body.len() + size % 4, 0);
        self.open.drain(..length);
        self.size += 32;
        Ok(())
    }

    fn header(&self) -> Vec<u8> {
        let mut header = b"LOGG".to_vec();
        header.extend((HEADER as u32).to_le_bytes());
        // No application of Vector; the version of the form that is written here.
        header.extend([5, 0, 0, 0, 2, 6, 8, 1]);
        header.extend(((HEADER + self.body.len()) as u64).to_le_bytes());
        header.extend(self.size.to_le_bytes());
        header.extend(self.objects.to_le_bytes());
        header.extend([0; 4]);
        for at in [self.began, self.last] {
            // A log that does not know when it began has no date.
            let parts = match self.began {
                Micros::ZERO => [0; 8],
                _ => {
                    let Date { year, month, day, weekday, hour, minute, second, millisecond } = Date::of(at);
                    [year, month, weekday, day, hour, minute, second, millisecond]
                }
            };
            parts.iter().for_each(|&part| header.extend((part as u16).to_le_bytes()));
        }
        header.resize(HEADER, 0);
        header
    }
}

/// What every object begins with.
fn base(out: &mut Vec<u8>, header: u16, size: usize, kind: u32) {
    out.extend(b"LOBJ");
    out.extend(header.to_le_bytes());
    out.extend(1_u16.to_le_bytes());
    out.extend((size as u32).to_le_bytes());
    out.extend(kind.to_le_bytes());
}

impl Log for Blf {
    fn begin(&mut self, _: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    fn heard(&mut self, at: Micros, heard: &Heard, _: &mut dyn Write) -> io::Result<()> {
        const CHANNEL: [u8; 2] = [1, 0];
        let mut body = CHANNEL.to_vec();
        match heard {
            Heard::Frame(frame) => {
                let id = match frame.id() {
                    CanId::Standard(id) => u32::from(id),
                    CanId::Extended(id) => id | 1 << 31,
                };
                body.extend([0, frame.dlc()]);
                body.extend(id.to_le_bytes());
                body.extend(frame.data());
                body.resize(16, 0);
                self.object(MESSAGE, at, &body);
            }
            Heard::Error(_) => {
                body.resize(32, 0);
                self.object(ERROR, at, &body);
            }
            Heard::Bus(_) => return Ok(()),
        }
        self.last = self.began + at;
        if self.open.len() >= CONTAINER { self.close(CONTAINER) } else { Ok(()) }
    }

    fn end(mut self: Box<Self>, out: &mut dyn Write) -> io::Result<()> {
        if !self.open.is_empty() {
            self.close(self.open.len())?;
        }
        out.write_all(&self.header())?;
        out.write_all(&self.body)
    }
}
