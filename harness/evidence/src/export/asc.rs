//! ASC of Vector.

use std::io::{self, Write};

use proto::frame::CanId;
use proto::quantity::Micros;

use super::Log;
use super::calendar::Date;
use crate::can_log::Heard;
use crate::stamp;

pub(super) struct Asc(Micros);

impl Asc {
    pub(super) const fn new(began: Micros) -> Self {
        Self(began)
    }
}

impl Log for Asc {
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let date = Date::of(self.0).of_asc();
        write!(
            out,
            "date {date}\nbase hex  timestamps absolute\ninternal events logged\nBegin Triggerblock {date}\n   \
             0.000000 Start of measurement\n"
        )
    }

    fn heard(&mut self, at: Micros, heard: &Heard, out: &mut dyn Write) -> io::Result<()> {
        let at = stamp::write(at);
        let frame = match heard {
            Heard::Frame(frame) => frame,
            Heard::Error(_) => return writeln!(out, "{at:>11} 1  ErrorFrame"),
            Heard::Bus(_) => return Ok(()),
        };
        let id = match frame.id() {
            CanId::Standard(id) => format!("{id:X}"),
            CanId::Extended(id) => format!("{id:X}x"),
        };
        write!(out, "{at:>11} 1  {id:<15} Rx   d {}", frame.dlc())?;
        frame.data().iter().try_for_each(|byte| write!(out, " {byte:02X}"))?;
        writeln!(out)
    }

    fn end(self: Box<Self>, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "End TriggerBlock")
    }
}
