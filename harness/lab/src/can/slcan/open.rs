//! Opening an adapter: some reset when their port is opened, some acknowledge nothing, some take one command a packet.

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use proto::slcan::{self, Flags, Reply};

use super::{BAUD, Said, Slcan};
use crate::can::CanError;

/// How long an adapter may take to answer a command: assumption, USB adapters take a few milliseconds.
const ANSWER_WITHIN: Duration = Duration::from_millis(500);
/// How long it is tried to open one: boards that reset when their port is opened take up to 3 s.
const OPEN_WITHIN: Duration = Duration::from_secs(3);
/// How long one that acknowledges nothing is heard for a first frame: a battery sends at least one a second (P 1.4).
const FRAME_WITHIN: Duration = Duration::from_secs(2);
/// What is not answered for so long is over: a USB packet is, and the next command goes into another.
const QUIET: Duration = Duration::from_millis(20);
/// Tells its versions and leaves commands unanswered so often: it acknowledges nothing. (Once, and it may have been busy.)
const UNANSWERED: u32 = 2;

/// What an adapter answers to a command.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Answer {
    Yes,
    No,
    Flags(Flags),
}

/// How an attempt ended.
enum Attempt {
    Open,
    Refused(&'static str),
    Unanswered(&'static str),
}

impl Slcan {
    /// Sets the bit rate and takes part in the bus, however often that takes.
    pub(super) fn take_part(&mut self, rate: u8) -> Result<(), CanError> {
        let give_up = Instant::now() + OPEN_WITHIN;
        let mut unanswered = 0;
        loop {
            self.leave()?;
            let over = Instant::now() >= give_up;
            match self.attempt(rate)? {
                Attempt::Open => break,
                // Its channel may be open still, or it is starting.
                Attempt::Refused(_) if !over => {}
                Attempt::Refused("the bit rate") => {
                    return Err(CanError::NoSuchBitRate { port: self.name.clone(), rate: self.rate });
                }
                Attempt::Refused(what) => {
                    return Err(CanError::Refused { port: self.name.clone(), what });
                }
                Attempt::Unanswered(what) => {
                    let speaks = self.tells_versions()?;
                    unanswered += u32::from(speaks);
                    if unanswered >= UNANSWERED || over {
                        return self.take_part_unheard(rate, what, speaks);
                    }
                }
            }
        }
        if let Some(Answer::Flags(flags)) = self.ask(b"F")? {
            self.has_flags = true;
            // What was lost before this opening is nobody's evidence.
            self.flagged(flags.without_losses());
            self.next_question = self.run.now() + self.ask_every;
        }
        Ok(())
    }

    fn attempt(&mut self, rate: u8) -> Result<Attempt, CanError> {
        for (command, what) in
            [([b'S', b'0' + rate].as_slice(), "the bit rate"), (b"O", "to open the channel")]
        {
            match self.ask(command)? {
                Some(Answer::Yes) => {}
                Some(_) => return Ok(Attempt::Refused(what)),
                None => return Ok(Attempt::Unanswered(what)),
            }
            if command[0] == b'S' {
                // Whether it does is seen of its frames: some agree to whatever they are asked.
                self.ask(b"Z1")?;
            }
        }
        Ok(Attempt::Open)
    }

    /// An adapter that acknowledges nothing, such as a CANable with the firmware it comes with: told all the same, and
    /// believed where it tells of its versions or a frame comes.
    fn take_part_unheard(&mut self, rate: u8, what: &'static str, speaks: bool) -> Result<(), CanError> {
        self.leave()?;
        for command in [[b'S', b'0' + rate].as_slice(), b"O"] {
            self.say(command)?;
            self.hear_out()?;
        }
        let give_up = Instant::now() + FRAME_WITHIN;
        let mut buffer = [0; 4096];
        while !speaks && self.received.is_empty() {
            if Instant::now() >= give_up {
                return Err(CanError::NoAdapter { port: self.name.clone(), what, baud: BAUD });
            }
            let count = self.read(&mut buffer, Duration::from_millis(10))?;
            self.take_in(&buffer[..count]);
        }
        self.acknowledges = false;
        Ok(())
    }

    /// Ends whatever was begun: a half command, an open channel. Each goes alone: some firmware takes the first command of
    /// a packet only.
    fn leave(&mut self) -> Result<(), CanError> {
        for command in [b"".as_slice(), b"C"] {
            self.say(command)?;
            self.hear_out()?;
        }
        self.decoder = slcan::Decoder::default();
        Ok(())
    }

    /// Hears what it still has to say, and forgets it.
    fn hear_out(&mut self) -> Result<(), CanError> {
        let (give_up, mut buffer) = (Instant::now() + ANSWER_WITHIN, [0; 4096]);
        while self.read(&mut buffer, QUIET)? > 0 && Instant::now() < give_up {}
        Ok(())
    }

    fn say(&mut self, command: &[u8]) -> Result<(), CanError> {
        let mut line = std::mem::take(&mut self.line);
        line.clear();
        line.extend_from_slice(command);
        line.push(slcan::CR);
        let written = self.write(&line);
        self.line = line;
        written
    }

    /// Asks; nothing when it does not answer, as old firmware does to what it does not know. What is received between is
    /// kept.
    fn ask(&mut self, command: &[u8]) -> Result<Option<Answer>, CanError> {
        self.say(command)?;
        let give_up = Instant::now() + ANSWER_WITHIN;
        while let Some(said) = self.next_said(give_up)? {
            match said {
                Said::Refused => return Ok(Some(Answer::No)),
                Said::Reply(Reply::Done | Reply::Taken) => return Ok(Some(Answer::Yes)),
                Said::Reply(Reply::Flags(flags)) => return Ok(Some(Answer::Flags(flags))),
                Said::Reply(Reply::Frame(carried, stamp)) => self.keep(carried, stamp),
                Said::Reply(Reply::Version(_) | Reply::Serial(_)) | Said::Text(_) | Said::Broken => {}
            }
        }
        Ok(None)
    }

    /// Whether the device on a serial port answers a question of SLCAN as an adapter does: with its versions, or with BEL, which
    /// no supply sends. The device is only asked, so its settings stay.
    pub(crate) fn is_on(path: &str) -> bool {
        let Ok(mut port) = serialport::new(path, BAUD).timeout(QUIET).open() else { return false };
        if port.write_all(b"\rV\r").is_err() {
            return false;
        }
        let (give_up, mut decoder, mut byte) =
            (Instant::now() + ANSWER_WITHIN, slcan::Decoder::default(), [0]);
        while Instant::now() < give_up {
            if !matches!(port.read(&mut byte), Ok(1)) {
                continue;
            }
            match decoder.push(byte[0]).map(Said::from) {
                Some(Said::Refused | Said::Reply(Reply::Version(_))) => return true,
                Some(Said::Text(text)) if is_version(&text) => return true,
                _ => {}
            }
        }
        false
    }

    /// Whether it tells its versions (`V`): four digits, or a text of its maker.
    fn tells_versions(&mut self) -> Result<bool, CanError> {
        self.say(b"V")?;
        let give_up = Instant::now() + ANSWER_WITHIN;
        while let Some(said) = self.next_said(give_up)? {
            if matches!(said, Said::Reply(Reply::Version(_)) | Said::Text(_)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What it says next; nothing when `give_up` comes first.
    fn next_said(&mut self, give_up: Instant) -> Result<Option<Said>, CanError> {
        let mut byte = [0; 1];
        while Instant::now() < give_up {
            if self.read(&mut byte, Duration::from_millis(10))? == 1
                && let Some(piece) = self.decoder.push(byte[0])
            {
                return Ok(Some(Said::from(piece)));
            }
        }
        Ok(None)
    }
}

/// Whether a text is the version of a firmware, as makers of adapters write it: `v1.2-3-gabcdef0`.
fn is_version(text: &str) -> bool {
    text.strip_prefix(['v', 'V']).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}
