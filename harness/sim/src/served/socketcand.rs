//! The served bus over TCP, in the protocol of socketcand (its raw mode): python-can joins it with its interface
//! `socketcand`, whatever the name of the channel.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::time::{Duration, Instant, SystemTime};

use plant::bus::Heard;
use proto::frame::{CanId, Frame};
use proto::quantity::Micros;

use super::again;
use super::pace::OnBus;

/// Clients beyond this displace the eldest.
const MOST_CLIENTS: usize = 16;
/// The longest message of a client: one that is longer speaks something else.
const LONGEST: usize = 256;
/// python-can takes all that one read brings for the answer to `rawmode`: so long nothing follows it.
const HUSH: Duration = Duration::from_millis(250);

/// Where clients join.
pub(crate) struct Gateway {
    listener: TcpListener,
    /// time since 1970 when the clock of the rig began, with which frames are stamped
    epoch: Micros,
    clients: Vec<Client>,
    /// of the next client
    number: u64,
}

impl Gateway {
    /// Listens; port 0 takes a free one. `now` is the time on the clock of the rig.
    ///
    /// # Errors
    /// When the address is taken.
    pub(crate) fn listen(address: SocketAddr, now: Micros) -> io::Result<(Self, SocketAddr)> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let since_1970 =
            SystemTime::UNIX_EPOCH.elapsed().map_or(Micros::ZERO, |since| Micros(since.as_micros() as u64));
        Ok((Self { listener, epoch: since_1970.since(now), clients: Vec::new(), number: 0 }, address))
    }

    /// What is readable when somebody says something.
    pub(super) fn ends(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.clients.iter().map(|client| client.stream.as_fd()).chain([self.listener.as_fd()])
    }

    /// Everyone who has joined.
    pub(super) fn clients(&mut self) -> impl Iterator<Item = &mut Client> {
        self.clients.iter_mut()
    }

    /// What they send, each with the number of its client. Who is gone, does not read or speaks something else is let go.
    pub(super) fn read(&mut self) -> Vec<(u64, Frame)> {
        if let Ok((stream, _)) = self.listener.accept()
            && let Ok(client) = Client::new(stream, self.number, self.epoch)
        {
            self.number += 1;
            if self.clients.len() == MOST_CLIENTS {
                self.clients.remove(0);
            }
            self.clients.push(client);
        }
        let mut said = Vec::new();
        self.clients.retain_mut(|client| client.read(&mut said).is_ok());
        said
    }

    /// Hands over what they heard.
    pub(super) fn flush(&mut self) {
        self.clients.retain_mut(|client| client.flush().is_ok());
    }
}

/// One connection, a node of its own.
pub(super) struct Client {
    stream: TcpStream,
    number: u64,
    epoch: Micros,
    /// what it said and has not ended
    said: Vec<u8>,
    /// what it is told next
    out: String,
    /// it asked for frames
    raw: Option<Instant>,
}

impl Client {
    fn new(mut stream: TcpStream, number: u64, epoch: Micros) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        stream.write_all(b"< hi >")?;
        Ok(Self { stream, number, epoch, said: Vec::new(), out: String::new(), raw: None })
    }

    /// By which it is known.
    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    /// Something was on the bus.
    pub(super) fn hear(&mut self, (at, heard): &OnBus) {
        if self.raw.is_some_and(|since| since.elapsed() > HUSH) {
            self.out += &told(self.epoch + *at, heard);
        }
    }

    /// One that does not read is let go as soon as the system holds no more for it.
    fn flush(&mut self) -> io::Result<()> {
        self.stream.write_all(self.out.as_bytes())?;
        self.out.clear();
        Ok(())
    }

    fn read(&mut self, frames: &mut Vec<(u64, Frame)>) -> io::Result<()> {
        let mut block = [0; 4096];
        match self.stream.read(&mut block) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => self.said.extend_from_slice(&block[..count]),
            Err(error) if again(&error) => return Ok(()),
            Err(error) => return Err(error),
        }
        while let Some(end) = self.said.iter().position(|&byte| byte == b'>') {
            let message: Vec<u8> = self.said.drain(..=end).collect();
            let message = String::from_utf8_lossy(&message);
            let message = message.trim_matches(|c: char| c.is_whitespace() || "<>".contains(c));
            let words: Vec<&str> = message.split_whitespace().collect();
            match words.as_slice() {
                ["open", _] => self.out += "< ok >",
                ["echo"] => self.out += "< echo >",
                ["rawmode"] => {
                    self.raw = Some(Instant::now());
                    self.out += "< ok >";
                }
                ["send", id, length, bytes @ ..] => match frame(id, length, bytes) {
                    Some(frame) => frames.push((self.number, frame)),
                    None => self.out += "< error could not parse send command >",
                },
                _ => self.out += "< error unknown command >",
            }
        }
        if self.said.len() > LONGEST {
            return Err(io::ErrorKind::InvalidData.into());
        }
        self.flush()
    }
}

/// What was on the bus as a client is told it, with its time since 1970.
fn told(at: Micros, heard: &Heard) -> String {
    let (seconds, micros) = (at.0 / 1_000_000, at.0 % 1_000_000);
    match heard {
        Heard::Frame(frame) => {
            let id = match frame.id() {
                CanId::Standard(id) => format!("{id:03X}"),
                CanId::Extended(id) => format!("{id:08X}"),
            };
            let data: String = frame.data().iter().map(|byte| format!("{byte:02X}")).collect();
            format!("< frame {id} {seconds}.{micros:06} {data} >")
        }
        // The bit that marks an error frame in SocketCAN.
        Heard::Error(error) => format!("< error {:08X} {seconds}.{micros:06} >", error.class | 0x2000_0000),
    }
}

/// `send 351 8 30 02 …`: three digits are an identifier of 11 bits, more are one of 29.
fn frame(id: &str, length: &str, bytes: &[&str]) -> Option<Frame> {
    let number = u32::from_str_radix(id, 16).ok()?;
    let id =
        if id.len() > 3 { CanId::Extended(number) } else { CanId::Standard(u16::try_from(number).ok()?) };
    let bytes: Option<Vec<u8>> = bytes.iter().map(|byte| u8::from_str_radix(byte, 16).ok()).collect();
    let bytes =
        bytes.filter(|bytes| usize::from_str_radix(length, 16).is_ok_and(|length| length == bytes.len()))?;
    Frame::new(id, &bytes)
}

#[cfg(test)]
mod tests {
    use proto::bus::ErrorFrame;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("351", "3", &["30", "2", "ff"], Some("351#3002FF"))]
    #[case("305", "0", &[], Some("305#"))]
    #[case("18FF50E5", "1", &["0"], Some("18FF50E5#00"))]
    #[case("00000305", "1", &["0"], Some("00000305#00"))]
    #[case("351", "2", &["30"], None)]
    #[case("FFF", "1", &["30"], None)]
    #[case("351", "1", &["100"], None)]
    #[case("351", "9", &["0", "0", "0", "0", "0", "0", "0", "0", "0"], None)]
    fn what_is_sent(
        #[case] id: &str,
        #[case] length: &str,
        #[case] bytes: &[&str],
        #[case] is: Option<&str>,
    ) {
        assert_eq!(frame(id, length, bytes).map(|frame| frame.to_string()).as_deref(), is);
    }

    #[test]
    fn what_is_told() {
        let at = Micros(1_000_023);
        let frame = |id, data: &[u8]| told(at, &Heard::Frame(Frame::new(id, data).expect("a frame")));
        assert_eq!(frame(CanId::Standard(0x305), &[]), "< frame 305 1.000023  >");
        assert_eq!(frame(CanId::Extended(0x305), &[1, 255]), "< frame 00000305 1.000023 01FF >");
        assert_eq!(told(at, &Heard::Error(ErrorFrame::DISTURBED)), "< error 20000088 1.000023 >");
    }
}
