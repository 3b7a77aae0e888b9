//! What the guard says, taken off the socket by whoever waits for it.

use std::collections::VecDeque;
use std::io::{self, Read as _};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::words::{LONGEST, Tell};

/// The end of a socket at which words come in. Nobody ever waits for the rest of a line.
pub(super) struct Incoming {
    socket: UnixStream,
    bytes: VecDeque<u8>,
}

impl Incoming {
    pub(super) fn new(socket: UnixStream) -> Self {
        Self { socket, bytes: VecDeque::new() }
    }

    /// The words that come within a time: those of the first bytes, which may be none.
    ///
    /// # Errors
    /// When the socket is closed, or what comes is no word.
    pub(super) fn hear(&mut self, within: Duration) -> io::Result<Vec<Tell>> {
        if !ready(&self.socket, Some(within)) {
            return Ok(Vec::new());
        }
        let mut buffer = [0; 4096];
        let many = match self.socket.read(&mut buffer) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => 0,
            read => read?,
        };
        self.bytes.extend(&buffer[..many]);
        let mut words = Vec::new();
        while let Some(end) = self.bytes.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = self.bytes.drain(..=end).take(end).collect();
            let word = String::from_utf8(line).ok().and_then(|line| Tell::parse(&line));
            words.push(word.ok_or(io::ErrorKind::InvalidData)?);
        }
        if self.bytes.len() as u64 >= LONGEST {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(words)
    }

    /// The words that come first.
    ///
    /// # Errors
    /// As [`Incoming::hear`], and when nothing comes in time.
    pub(super) fn first(&mut self, within: Duration) -> io::Result<Vec<Tell>> {
        let until = Instant::now() + within;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let words = self.hear(left)?;
            if !words.is_empty() {
                return Ok(words);
            }
            if left.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
    }
}

/// Whether anything comes within a time, or ever; a closed socket counts.
pub(super) fn ready(socket: &UnixStream, within: Option<Duration>) -> bool {
    let within = within.map(|span| Timespec {
        tv_sec: i64::try_from(span.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(span.subsec_nanos()),
    });
    match poll(&mut [PollFd::new(socket, PollFlags::IN)], within.as_ref()) {
        Ok(many) => many > 0,
        Err(Errno::INTR) => false,
        // What cannot be waited for is told by reading.
        Err(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn words_come_whole_and_nobody_waits_for_half_of_one() {
        let (ours, mut theirs) = UnixStream::pair().expect("a socket");
        let mut incoming = Incoming::new(ours);
        assert_eq!(incoming.hear(Duration::ZERO).expect("open"), []);
        theirs.write_all(b"beat\nread 310a\nsa").expect("taken");
        let words = incoming.hear(Duration::from_secs(5)).expect("open");
        assert_eq!(words, [Tell::Beat, Tell::Read(b"1\n".to_vec())]);
        theirs.write_all(b"fe\n").expect("taken");
        assert_eq!(incoming.first(Duration::from_secs(5)).expect("open"), [Tell::Safe]);
        let late = incoming.first(Duration::from_millis(1)).expect_err("nothing comes");
        assert_eq!(late.kind(), io::ErrorKind::TimedOut);
        drop(theirs);
        assert!(incoming.hear(Duration::from_secs(5)).is_err());
    }

    #[test]
    fn what_is_no_word_and_what_never_ends_is_an_error() {
        for said in [b"shutdown\n".to_vec(), b"\xff\n".to_vec(), vec![b'x'; 1 << 15]] {
            let (ours, mut theirs) = UnixStream::pair().expect("a socket");
            theirs.write_all(&said).expect("taken");
            let mut incoming = Incoming::new(ours);
            assert!((0..9).any(|_| incoming.hear(Duration::ZERO).is_err()));
        }
    }
}
