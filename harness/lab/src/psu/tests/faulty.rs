//! A line between driver and instrument that fails on demand.

use std::collections::BTreeMap;

use super::super::{Link, LinkError};
use super::scripted::Coming;
use super::*;

/// What the line does to the next replies.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Fault {
    /// nothing
    None,
    /// the next reply comes later by this
    Late(Micros),
    /// the next reply does not come
    Lost,
    /// everything that is sent comes back
    Echo,
    /// the next reply has noise in front, on a line of its own
    Noise,
    /// a byte of the next reply is another one
    Garbled,
    /// each byte comes by itself, so much after the one before
    Split(Micros),
    /// the number that answers this question is so many times as high
    Times(String, f64),
    /// until then each question is answered with what came for it before
    Repeats(Micros),
    /// until then nothing that is sent is heard
    Deaf(Micros),
    /// the supply restarts after it has heard so many more
    Restarts(u32),
    /// every reply comes later by this
    Slow(Micros),
    /// what is sent sooner than this after the last reply or command is not heard
    Busy(Micros),
    /// nothing is taken and nothing comes
    Frozen,
    /// the port is gone
    Gone,
}

pub(super) struct Faulty {
    instrument: Shared,
    fault: Arc<Mutex<Fault>>,
    coming: Coming,
    /// what came for each question
    before: BTreeMap<Vec<u8>, Vec<u8>>,
    /// when it was done with what came last
    done: Option<Micros>,
}

impl Faulty {
    pub(super) fn new(instrument: Shared) -> (Self, Arc<Mutex<Fault>>) {
        let fault = Arc::new(Mutex::new(Fault::None));
        let this = Self {
            instrument,
            fault: fault.clone(),
            coming: Coming::default(),
            before: BTreeMap::new(),
            done: None,
        };
        (this, fault)
    }

    fn fault(&self) -> Fault {
        self.fault.lock().expect("one thread").clone()
    }

    fn set(&self, fault: Fault) {
        *self.fault.lock().expect("one thread") = fault;
    }

    fn gone() -> LinkError {
        LinkError::Gone { link: "test".to_owned(), source: std::io::ErrorKind::BrokenPipe.into() }
    }

    /// Puts bytes on their way.
    fn deliver(&mut self, from: Micros, step: Micros, bytes: &[u8]) {
        let mut at = from;
        for &byte in bytes {
            at += step;
            self.coming.bytes.push_back((at, byte));
        }
    }
}

/// A reply whose first number is another: `48.00 V` becomes `24.000 V`.
fn times(reply: &[u8], factor: f64) -> Vec<u8> {
    let text = String::from_utf8_lossy(reply);
    let number = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'E');
    let from = text.find(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-')).unwrap_or(text.len());
    let (before, rest) = text.split_at(from);
    let (digits, after) = rest.split_at(rest.find(|c| !number(c)).unwrap_or(rest.len()));
    match digits.parse::<f64>() {
        Ok(value) => format!("{before}{:.3}{after}", factor * value).into_bytes(),
        Err(_) => reply.to_vec(),
    }
}

impl Link for Faulty {
    fn name(&self) -> &str {
        "test"
    }

    fn now(&self) -> Micros {
        self.coming.now
    }

    fn write(&mut self, bytes: &[u8], until: Micros) -> Result<(), LinkError> {
        match self.fault() {
            Fault::Gone => return Err(Self::gone()),
            Fault::Frozen => {
                self.coming.wait(until);
                return Err(LinkError::Stuck { link: "test".to_owned() });
            }
            Fault::Deaf(until) if self.coming.now < until => return Ok(()),
            Fault::Busy(rest) if self.done.is_some_and(|done| self.coming.now < done + rest) => return Ok(()),
            Fault::Echo => self.deliver(self.coming.now, Micros::ZERO, bytes),
            Fault::Restarts(0) => {
                at(&self.instrument).restart();
                self.set(Fault::None);
            }
            Fault::Restarts(more) => self.set(Fault::Restarts(more - 1)),
            _ => {}
        }
        let instrument = self.instrument.clone();
        at(&instrument).receive(self.coming.now, bytes);
        let mut reply = Vec::new();
        let mut ready = self.coming.now;
        let mut supply = at(&instrument);
        while let Some(next) = supply.ready_at() {
            ready = next;
            reply.extend(supply.answers(ready));
        }
        drop(supply);
        self.done = Some(ready);
        if reply.is_empty() {
            return Ok(());
        }
        if !matches!(self.fault(), Fault::Repeats(until) if self.coming.now < until) {
            self.before.insert(bytes.to_vec(), reply.clone());
        }
        let mut spent = true;
        match self.fault() {
            Fault::Late(by) => self.deliver(ready + by, Micros::ZERO, &reply),
            Fault::Lost => {}
            Fault::Noise => {
                self.deliver(ready, Micros::ZERO, b"\xFF\x00#\xA5\n");
                self.deliver(ready, Micros::ZERO, &reply);
            }
            Fault::Garbled => {
                reply[0] = b'~';
                self.deliver(ready, Micros::ZERO, &reply);
            }
            Fault::Split(step) => {
                self.deliver(ready, step, &reply);
                spent = false;
            }
            Fault::Times(question, factor) => {
                let asked = bytes.windows(question.len()).any(|part| part == question.as_bytes());
                let reply = if asked { times(&reply, factor) } else { reply };
                self.deliver(ready, Micros::ZERO, &reply);
                spent = false;
            }
            Fault::Slow(by) => {
                self.deliver(ready + by, Micros::ZERO, &reply);
                spent = false;
            }
            Fault::Repeats(_) => {
                let reply = self.before.get(bytes).unwrap_or(&reply).clone();
                self.deliver(ready, Micros::ZERO, &reply);
                spent = false;
            }
            _ => {
                self.deliver(ready, Micros::ZERO, &reply);
                spent = false;
            }
        }
        if spent {
            self.set(Fault::None);
        }
        Ok(())
    }

    fn read(&mut self, buffer: &mut [u8], until: Micros) -> Result<usize, LinkError> {
        if self.fault() == Fault::Gone {
            return Err(Self::gone());
        }
        if self.fault() == Fault::Frozen {
            self.coming.wait(until);
            return Ok(0);
        }
        Ok(self.coming.read(buffer, until))
    }

    fn wait(&mut self, until: Micros) {
        self.coming.wait(until);
    }
}
