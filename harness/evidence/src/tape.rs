//! One raw file as a stream of timed inputs, with a look at the next one.

use std::io::BufRead;

use proto::quantity::Micros;

use crate::raw::{Fault, Lines, RawError};

/// How a line is read: when it was, and what; nothing where it is no input.
type Read<T> = Box<dyn FnMut(&[u8]) -> Result<Option<(Micros, T)>, Fault>>;

/// Timed inputs of one file.
pub(crate) struct Tape<R, T> {
    lines: Lines<R>,
    read: Read<T>,
    next: Option<(Micros, T)>,
    last: Micros,
    ended: bool,
}

impl<R: BufRead, T> Tape<R, T> {
    pub(crate) fn new(
        lines: Lines<R>,
        read: impl FnMut(&[u8]) -> Result<Option<(Micros, T)>, Fault> + 'static,
    ) -> Self {
        Self { lines, read: Box::new(read), next: None, last: Micros::ZERO, ended: false }
    }

    /// The next input where it is earlier than `bound` and wanted.
    pub(crate) fn next_if(
        &mut self,
        bound: Micros,
        wanted: impl FnOnce(&T) -> bool,
    ) -> Result<Option<(Micros, T)>, RawError> {
        self.look()?;
        Ok(self.next.take_if(|(at, what)| *at < bound && wanted(what)))
    }

    /// Where the next input stands, if it is earlier than `bound`. It is named as in its folder, wherever that lies: this
    /// becomes a part of a verdict.
    pub(crate) fn waiting(&mut self, bound: Micros) -> Result<Option<String>, RawError> {
        self.look()?;
        let is_there = self.next.as_ref().is_some_and(|(at, _)| *at < bound);
        let file = self.lines.file();
        let name = file.rsplit('/').next().unwrap_or(file);
        Ok(is_there.then(|| format!("{name}:{}", self.lines.number())))
    }

    /// Passes over everything that is earlier than `bound`.
    pub(crate) fn pass(&mut self, bound: Micros) -> Result<(), RawError> {
        while self.next_if(bound, |_| true)?.is_some() {}
        Ok(())
    }

    /// The file and the number of its last line, where that was cut off.
    pub(crate) fn cut(&self) -> Option<(String, u64)> {
        self.lines.is_cut().then(|| (self.lines.file().to_owned(), self.lines.number()))
    }

    fn look(&mut self) -> Result<(), RawError> {
        while self.next.is_none() && !self.ended {
            let Some(line) = self.lines.next()? else {
                self.ended = true;
                break;
            };
            let read = (self.read)(line);
            self.next = read.map_err(|fault| self.lines.wrong(fault))?;
            if let Some((at, _)) = &self.next {
                if *at < self.last {
                    let found = format!("{:.6} s since the start of the run", at.0 as f64 / 1e6);
                    return Err(self
                        .lines
                        .wrong(Fault::new(&found, "a time not before that of the line above")));
                }
                self.last = *at;
            }
        }
        Ok(())
    }
}

impl<R, T> core::fmt::Debug for Tape<R, T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Tape").field("last", &self.last).field("ended", &self.ended).finish_non_exhaustive()
    }
}
