//! The other end of the line: an adapter, for a simulated rig that offers a serial port where the kernel has no CAN.

use super::{BEL, CR, Carried, Command, Decoder, Flags, Piece, RATES, Stamp, command, digits, write};
use crate::frame::CanId;
use crate::quantity::{BitRate, Micros};

/// What a host wants of the bus.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Request {
    /// take part in it, or only listen
    Open {
        /// with this bit rate
        rate: BitRate,
        /// acknowledge and send nothing
        listen_only: bool,
    },
    /// send a frame
    Send(Carried),
    /// leave it
    Close,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Channel {
    Closed,
    Listening,
    Open,
}

/// An adapter as LAWICEL's manual describes it. It holds no clock and no port: bytes of the host and frames of the bus
/// come in, bytes for the host come out.
#[derive(Debug, Clone)]
pub struct Adapter {
    decoder: Decoder,
    channel: Channel,
    rate: Option<BitRate>,
    stamps: bool,
    flags: Flags,
    mute: bool,
}

impl Default for Adapter {
    fn default() -> Self {
        Self {
            decoder: Decoder::default(),
            channel: Channel::Closed,
            rate: None,
            stamps: false,
            flags: Flags::NONE,
            mute: false,
        }
    }
}

impl Adapter {
    /// One that acknowledges nothing and knows no flags, as a CANable with the firmware that it comes with: `V` alone is
    /// answered (normaldotcom/canable-fw, `slcan.c`).
    #[must_use]
    pub fn mute() -> Self {
        Self { mute: true, ..Self::default() }
    }

    /// Takes a byte of the host; writes the answer that it completes, if it does, and says what the bus has to do.
    pub fn host(&mut self, byte: u8, answer: &mut Vec<u8>) -> Option<Request> {
        let command = match self.decoder.push(byte)? {
            Piece::Line(line) => command(line).ok(),
            Piece::Refused | Piece::Noise(_) => None,
        };
        let (before, is_heard) = (answer.len(), !self.mute || command == Some(Command::Version));
        let request = command.and_then(|command| self.obey(command, answer));
        if request.is_none() {
            answer.push(BEL);
        }
        if !is_heard {
            answer.truncate(before);
        }
        request.flatten()
    }

    /// Nothing where the command makes no sense now.
    fn obey(&mut self, command: Command, answer: &mut Vec<u8>) -> Option<Option<Request>> {
        let closed = self.channel == Channel::Closed;
        match command {
            Command::Send(carried) => {
                if self.channel != Channel::Open {
                    return None;
                }
                let standard = matches!(carried.id(), CanId::Standard(_));
                answer.extend([if standard { b'z' } else { b'Z' }, CR]);
                return Some(Some(Request::Send(carried)));
            }
            Command::Rate(number) if closed => self.rate = RATES.get(usize::from(number)).copied(),
            Command::Stamps(on) if closed => self.stamps = on,
            Command::Open | Command::Listen if closed => {
                let rate = self.rate?;
                let listen_only = command == Command::Listen;
                self.channel = if listen_only { Channel::Listening } else { Channel::Open };
                answer.push(CR);
                return Some(Some(Request::Open { rate, listen_only }));
            }
            Command::Close if !closed => {
                self.channel = Channel::Closed;
                answer.push(CR);
                return Some(Some(Request::Close));
            }
            Command::Flags if !closed => {
                answer.push(b'F');
                digits(answer, u32::from(self.flags.0), 2);
                self.flags = Flags::NONE;
            }
            Command::Version => answer.extend(b"V1013"),
            Command::Serial => answer.extend(b"NBUSB"),
            Command::Empty => {}
            _ => return None,
        }
        answer.push(CR);
        Some(None)
    }

    /// Takes a frame of the bus; writes it for the host, where the channel is open.
    pub fn bus(&mut self, at: Micros, carried: &Carried, out: &mut Vec<u8>) {
        if self.channel != Channel::Closed {
            write(out, carried, self.stamps.then(|| Stamp::of(at)));
        }
    }

    /// Raises status flags, until the host asks for them.
    pub fn raise(&mut self, flags: Flags) {
        self.flags.0 |= flags.0;
    }
}
