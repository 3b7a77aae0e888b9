//! Lines to a program and from it, in lockstep: one answer for each line, within a time of the wall's clock.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, ioctl_fionbio};

use super::tail::Tail;

/// The longest line that a program may write, in bytes.
pub(super) const LONGEST: usize = 1 << 20;

/// Both ends of the conversation. What comes on standard error is taken whenever something is waited for, so that a
/// program that writes much of it does not stand still.
#[derive(Debug)]
pub(super) struct Link {
    /// nothing once all is said
    to: Option<File>,
    from: File,
    errors: Option<File>,
    /// what came on standard error
    pub(super) tail: Tail,
    /// the last line, and what came after it
    buffer: Vec<u8>,
    filled: usize,
    /// how much of it the line takes
    line: usize,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Broken {
    /// it did not take the line in time
    Unread,
    /// it did not answer in time
    Late,
    /// it closed its end
    Ended,
    /// its line does not end
    TooLong,
    /// something came that nobody asked for
    Unasked,
    /// the system does not carry it
    Io(io::Error),
}

impl Link {
    /// A conversation over these ends.
    pub(super) fn new(to: OwnedFd, from: OwnedFd, errors: Option<OwnedFd>) -> io::Result<Self> {
        for end in [Some(&to), Some(&from), errors.as_ref()].into_iter().flatten() {
            ioctl_fionbio(end, true)?;
        }
        let (to, from) = (File::from(to), File::from(from));
        let (errors, tail, buffer) = (errors.map(File::from), Tail::default(), vec![0; 4096]);
        Ok(Self { to: Some(to), from, errors, tail, buffer, filled: 0, line: 0 })
    }

    /// Says a line, which brings its line break along, and waits for the answer: [`Self::line`].
    pub(super) fn ask(&mut self, line: &[u8], within: Duration) -> Result<(), Broken> {
        (self.filled, self.line) = (0, 0);
        // What is there already answers nothing.
        if self.fill()? {
            return Err(Broken::Unasked);
        }
        let deadline = Instant::now() + within;
        self.say(line, deadline)?;
        self.listen(deadline)
    }

    /// The last answer; of a line that is wrong in itself as much as came.
    pub(super) fn line(&self) -> &[u8] {
        &self.buffer[..self.line]
    }

    /// Whatever came since the last question.
    pub(super) fn heard(&self) -> &[u8] {
        &self.buffer[..self.filled]
    }

    /// Says a line to which no answer is waited for.
    pub(super) fn tell(&mut self, line: &[u8], within: Duration) -> Result<(), Broken> {
        self.say(line, Instant::now() + within)
    }

    /// Closes its end, waits until the other side has closed its own, and takes what came on standard error until then.
    pub(super) fn hang_up(&mut self, within: Duration) {
        let deadline = Instant::now() + within;
        if let Some(to) = self.to.take() {
            // A connection has one descriptor more, from which is read; a pipe is closed by being dropped.
            let _ = TcpStream::from(OwnedFd::from(to)).shutdown(Shutdown::Write);
        }
        // Nobody reads it any more: what comes now is thrown away.
        while Instant::now() < deadline {
            self.filled = 0;
            match self.fill() {
                Ok(true) => {}
                Ok(false) if self.wait(Awaited::Line, deadline).is_ok() => {}
                Ok(false) | Err(_) => break,
            }
        }
        while self.errors.is_some() && Instant::now() < deadline {
            if !self.drain() {
                let _ = self.wait(Awaited::Errors, deadline);
            }
        }
    }

    fn say(&mut self, mut line: &[u8], deadline: Instant) -> Result<(), Broken> {
        while !line.is_empty() {
            let Some(mut to) = self.to.as_ref() else { return Err(Broken::Ended) };
            match to.write(line) {
                Ok(taken) => line = &line[taken..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.wait(Awaited::Room, deadline)?;
                }
                Err(error) if is_end(&error) => return Err(Broken::Ended),
                Err(error) => return Err(Broken::Io(error)),
            }
        }
        Ok(())
    }

    fn listen(&mut self, deadline: Instant) -> Result<(), Broken> {
        let mut searched = 0;
        loop {
            if let Some(at) = self.buffer[searched..self.filled].iter().position(|&byte| byte == b'\n') {
                self.line = searched + at;
                let all = self.line + 1 == self.filled;
                return if all { Ok(()) } else { Err(Broken::Unasked) };
            }
            searched = self.filled;
            if searched > LONGEST {
                return Err(Broken::TooLong);
            }
            self.wait(Awaited::Line, deadline)?;
            self.fill()?;
        }
    }

    /// Takes what is there; whether something was.
    fn fill(&mut self) -> Result<bool, Broken> {
        if self.filled == self.buffer.len() {
            self.buffer.resize(2 * self.filled, 0);
        }
        match self.from.read(&mut self.buffer[self.filled..]) {
            Ok(0) => Err(Broken::Ended),
            Ok(count) => {
                self.filled += count;
                Ok(true)
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(false),
            Err(error) if is_end(&error) => Err(Broken::Ended),
            Err(error) => Err(Broken::Io(error)),
        }
    }

    /// Takes what is there of standard error; whether something was.
    fn drain(&mut self) -> bool {
        let Some(errors) = &mut self.errors else { return false };
        let mut block = [0; 1 << 14];
        match errors.read(&mut block) {
            Ok(count) if count > 0 => {
                self.tail.take(&block[..count]);
                true
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => false,
            _ => {
                self.errors = None;
                false
            }
        }
    }

    /// Waits for one thing, and takes what comes on standard error meanwhile.
    fn wait(&mut self, awaited: Awaited, deadline: Instant) -> Result<(), Broken> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(if awaited == Awaited::Room { Broken::Unread } else { Broken::Late });
            }
            let (end, flags) = match awaited {
                Awaited::Room => (self.to.as_ref(), PollFlags::OUT),
                Awaited::Line => (Some(&self.from), PollFlags::IN),
                Awaited::Errors => (None, PollFlags::IN),
            };
            let ends = [end.map(|end| (end, flags)), self.errors.as_ref().map(|end| (end, PollFlags::IN))];
            let mut fds = core::array::from_fn::<_, 2, _>(|_| PollFd::new(&self.from, PollFlags::empty()));
            let mut count = 0;
            for (end, flags) in ends.into_iter().flatten() {
                fds[count] = PollFd::new(end, flags);
                count += 1;
            }
            let timeout = Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: left.subsec_nanos().into(),
            };
            match poll(&mut fds[..count], Some(&timeout)) {
                Ok(_) => {}
                Err(Errno::INTR) => continue,
                Err(error) => return Err(Broken::Io(error.into())),
            }
            let ready = !fds[0].revents().is_empty();
            if awaited == Awaited::Errors {
                return Ok(());
            }
            if count > 1 && !fds[1].revents().is_empty() {
                self.drain();
            }
            if ready {
                return Ok(());
            }
        }
    }
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Awaited {
    /// that the other side takes more
    Room,
    /// something of its answer
    Line,
    /// something on standard error
    Errors,
}

/// Whether it is the other side that has gone.
fn is_end(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    const SOON: Duration = Duration::from_millis(100);

    /// A link, what it writes to, and what it reads from.
    fn link() -> (Link, io::PipeReader, io::PipeWriter) {
        let (read, to) = io::pipe().expect("a pipe");
        let (from, write) = io::pipe().expect("a pipe");
        (Link::new(to.into(), from.into(), None).expect("open ends"), read, write)
    }

    /// A pipe holds 64 KiB; the time for an answer counts for writing too.
    #[test]
    fn a_line_that_nobody_reads_is_given_up() {
        let (mut link, _read, _write) = link();
        let line = vec![b' '; 1 << 20];
        assert!(matches!(link.ask(&line, SOON), Err(Broken::Unread)));
    }

    #[test]
    fn an_end_that_is_closed_is_told_from_one_that_is_late() {
        let (mut link, _read, write) = link();
        assert!(matches!(link.ask(b"?\n", SOON), Err(Broken::Late)));
        drop(write);
        assert!(matches!(link.ask(b"?\n", SOON), Err(Broken::Ended)));
    }

    #[test]
    fn what_comes_before_it_is_asked_for_is_no_answer() {
        let (mut link, _read, mut write) = link();
        write.write_all(b"too early\n").expect("taken");
        assert!(matches!(link.ask(b"?\n", SOON), Err(Broken::Unasked)));
        assert_eq!(link.heard(), b"too early\n");
    }
}
