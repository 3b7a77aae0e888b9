//! An operator that is a person.

use std::fmt;
use std::io::{BufRead, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use proto::quantity::Micros;

use super::{Operator, OperatorError, Reply, Request};

/// A person who reads requests and answers `y` or `n`. Where they are shown and read is given by the caller.
pub struct Terminal {
    shown: Box<dyn Write + Send>,
    typed: Receiver<std::io::Result<String>>,
    within: Micros,
}

impl fmt::Debug for Terminal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Terminal").field("within", &self.within).finish_non_exhaustive()
    }
}

impl Terminal {
    /// Asks on `shown`, reads answers from `typed`, and waits so long for each.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn new(
        shown: Box<dyn Write + Send>,
        typed: Box<dyn BufRead + Send>,
        within: Micros,
    ) -> std::io::Result<Self> {
        // What is typed comes when it comes: a thread of its own waits for it, and ends with its input or with this.
        let (sender, receiver) = sync_channel(1);
        std::thread::Builder::new().name("operator".to_owned()).spawn(move || {
            for line in typed.lines() {
                if sender.send(line).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { shown, typed: receiver, within })
    }
}

impl Operator for Terminal {
    fn ask(&mut self, request: &Request) -> Result<Reply, OperatorError> {
        let who = || "at the terminal".to_owned();
        let gone = |source| OperatorError::Gone { who: who(), source };
        let until = Instant::now() + Duration::from_micros(self.within.0);
        // Typed before it was asked for, it is no answer.
        while self.typed.try_recv().is_ok() {}
        let asked = proto::text::lines(&request.to_string()).into_owned();
        let mut question = format!("\n{asked}\nDone? y or n, within {}: ", self.within.span());
        loop {
            let shown = self.shown.write_all(question.as_bytes()).and_then(|()| self.shown.flush());
            shown.map_err(gone)?;
            let left = until.saturating_duration_since(Instant::now());
            match self.typed.recv_timeout(left) {
                Ok(Ok(answer)) => match answer.trim().to_lowercase().as_str() {
                    "y" | "yes" => return Ok(Reply::Done),
                    "n" | "no" => return Ok(Reply::Refused("the operator cannot do it".to_owned())),
                    _ => "Please answer y or n: ".clone_into(&mut question),
                },
                Ok(Err(error)) => return Err(gone(error)),
                Err(RecvTimeoutError::Timeout) => {
                    let (asked, within) = (request.to_string(), self.within);
                    return Err(OperatorError::Late { who: who(), asked, within });
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(gone(std::io::ErrorKind::UnexpectedEof.into()));
                }
            }
        }
    }
}
