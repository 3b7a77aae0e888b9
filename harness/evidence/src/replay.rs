//! A run read back from its folder: case by case the recording that the judge saw, in the same order.
//!
//! Everything that an instrument said, and every event, says how much was recorded in its case before it; what lies between is
//! on the CAN bus. So the order is known to the input, also where times are equal. A run may have been cut off at any
//! byte: a last line without its end is left out, and a case of which anything is missing is known to be broken.

use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind};
use std::path::Path;

use judge::recording::Recording;
use judge::trace::EventKind;
use judge::witness::Witness;
use proto::channel::Instrument;
use proto::chunk::Chunk;
use proto::quantity::Micros;
use proto::samples::Samples;

use crate::bytes_csv;
use crate::can_log::{self, Heard};
use crate::events::{self, Begun, What};
use crate::raw::{Fault, Lines, RawError};
use crate::samples_csv;
use crate::tape::Tape;

/// A case as it was recorded.
#[derive(Debug)]
pub struct Recorded {
    /// its suite
    pub suite: String,
    /// its name in the suite
    pub case: String,
    /// when it began, since the start of the run
    pub began: Micros,
    /// how long it took; where it was cut off, until what is known last
    pub length: Micros,
    /// everything that came in and happened
    pub recording: Recording,
    /// why the recording is not whole
    pub broken: Option<String>,
}

/// The raw evidence of a run, read once from its beginning.
#[derive(Debug)]
pub struct Replay<R> {
    begun: Begun,
    can: Tape<R, Heard>,
    /// of each instrument that said something, in the order of the table
    instruments: Vec<Tape<R, (u64, Said)>>,
    events: Lines<R>,
    /// the line of `events.jsonl` that is next
    ahead: Option<events::Line>,
    whole: bool,
    /// how often the rig read the state of its CAN interface
    bus_polling: Option<Micros>,
    /// what the rig file says of its witnesses
    witnesses: Vec<Witness>,
}

/// What a line of an instrument's file holds.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "one a file is held, moved and not allocated")]
enum Said {
    Samples(Samples),
    Bytes(Chunk),
}

/// The raw files of a run folder.
#[derive(Debug)]
pub struct Sources<R> {
    /// `can.log`
    pub can: R,
    /// `events.jsonl`
    pub events: R,
    /// those of the instruments that said something
    pub instruments: Vec<(Instrument, R)>,
}

/// Where readings of the supply stood before each instrument had a file with columns.
const BEFORE: &str = "psu.log";

/// What happened in a case: what was recorded before it, when, what.
type Noted = (u64, Micros, EventKind);
/// What was recorded in a case, and when it ended; nothing where it was cut off.
type Ended = Option<(u64, Micros)>;

impl Replay<BufReader<File>> {
    /// Opens a run folder.
    ///
    /// # Errors
    /// When a file is missing or nothing at all is known of the run.
    pub fn open(folder: &Path) -> Result<Self, RawError> {
        let open = |name: &str| {
            let path = folder.join(name);
            let failed = |source| RawError::Unreadable { file: path.display().to_string(), source };
            crate::manifest::plain(folder, name).and_then(File::open).map(BufReader::new).map_err(failed)
        };
        // The file that says most comes first: it is the one to miss in a folder that is no run.
        let events = open("events.jsonl")?;
        let mut instruments = Vec::new();
        for instrument in Instrument::ALL {
            match open(instrument.file()) {
                Err(RawError::Unreadable { source, .. }) if source.kind() == ErrorKind::NotFound => {}
                source => instruments.push((instrument, source?)),
            }
        }
        let sources = Sources { can: open("can.log")?, events, instruments };
        let replay = Self::new(&format!("{}/", folder.display()), sources)?;
        match folder.join(BEFORE).symlink_metadata() {
            Ok(_) => Err(RawError::Before {
                file: folder.join(BEFORE).display().to_string(),
                harness: crate::text::plain(&replay.begun.harness).into_owned(),
            }),
            Err(_) => Ok(replay),
        }
    }
}

impl<R: BufRead> Replay<R> {
    /// Begins to read; `folder` stands in messages before the name of a file.
    ///
    /// # Errors
    /// When nothing at all is known of the run.
    pub fn new(folder: &str, sources: Sources<R>) -> Result<Self, RawError> {
        let lines = |name: &str, source| Lines::new(format!("{folder}{name}"), source);
        let mut events = lines("events.jsonl", sources.events);
        let first = match events.next()? {
            Some(line) => events::parse(line, Micros::ZERO),
            None => return Err(RawError::Nothing { file: events.file().to_owned() }),
        };
        let begun = match first.map_err(|fault| events.wrong(fault))?.what {
            What::Run(begun) => begun,
            other => {
                return Err(events.wrong(Fault::new(&format!("{other:?}"), "the line of kind `run`")));
            }
        };
        let mut instruments = Vec::new();
        for (instrument, source) in sources.instruments {
            let mut lines = lines(instrument.file(), source);
            if let Some(line) = lines.next()?
                && line != header(instrument).trim_end().as_bytes()
            {
                let found = String::from_utf8_lossy(line).into_owned();
                return Err(lines.wrong(Fault::new(&found, "the columns that this version writes")));
            }
            instruments.push(Tape::new(lines, move |line| {
                let line = text(line)?;
                Ok(Some(if instrument.is_witness() {
                    let (at, input, chunk) = bytes_csv::parse(instrument, line)?;
                    (at, (input, Said::Bytes(chunk)))
                } else {
                    let (at, input, said) = samples_csv::parse(instrument, line)?;
                    (at, (input, Said::Samples(said)))
                }))
            }));
        }
        let epoch = begun.epoch;
        let on_bus = move |line: &[u8]| {
            let Some((at, heard)) = can_log::parse(line)? else { return Ok(None) };
            // Times of the interface's state are those of its frames.
            match at.0.checked_sub(epoch.0) {
                Some(at) => Ok(Some((Micros(at), heard))),
                None => {
                    Err(Fault::new(&String::from_utf8_lossy(line), "a time after the beginning of the run"))
                }
            }
        };
        let mut replay = Self {
            begun,
            can: Tape::new(lines("can.log", sources.can), on_bus),
            instruments,
            events,
            ahead: None,
            whole: false,
            bus_polling: None,
            witnesses: Vec::new(),
        };
        replay.advance(Micros::ZERO)?;
        Ok(replay)
    }

    /// What was run on what.
    #[must_use]
    pub const fn begun(&self) -> &Begun {
        &self.begun
    }

    /// Takes from the rig file of the run how often the state of the CAN interface was read: how late it tells of what the
    /// suite did depends on it.
    pub const fn polled(&mut self, bus: Micros) {
        self.bus_polling = Some(bus);
    }

    /// Takes from the rig file of the run how the bytes of its witnesses are read.
    pub fn with(&mut self, witnesses: Vec<Witness>) {
        self.witnesses = witnesses;
    }

    /// The next case; nothing after the last one that had begun.
    ///
    /// # Errors
    /// When a whole line is not what belongs there, with its file and number.
    pub fn next_case(&mut self) -> Result<Option<Recorded>, RawError> {
        let (suite, case, began) = match self.ahead.take() {
            None => return Ok(None),
            Some(events::Line { what: What::RunEnd, .. }) => {
                self.whole = true;
                self.advance(Micros::ZERO)?;
                return if self.ahead.is_some() {
                    Err(self.misplaced("the end of the file"))
                } else {
                    Ok(None)
                };
            }
            Some(events::Line { what: What::CaseStart { suite, case }, at, .. }) => (suite, case, at),
            Some(_) => return Err(self.misplaced("`case-start` or `run-end`")),
        };
        self.advance(began)?;
        let (noted, end) = self.happened(began)?;
        let next = self.ahead.as_ref().map(|line| match line.what {
            What::RunEnd => Micros(u64::MAX),
            _ => line.at,
        });
        let recording = self.bus_polling.map_or_else(Recording::new, Recording::polled);
        let recording = recording.with(self.witnesses.clone());
        let mut recorded = Recorded { suite, case, began, length: Micros::ZERO, recording, broken: None };
        recorded.broken = match end {
            Some((inputs, at)) => {
                recorded.length = at.since(began);
                let bound = next.unwrap_or(Micros(u64::MAX));
                match self.play(&mut recorded, noted, inputs, bound)? {
                    Some(missing) => Some(missing),
                    // Where the next case is not known, what follows may belong to it.
                    None => next.map_or(Ok(None), |bound| self.left_over(bound))?,
                }
            }
            None => {
                let known = noted.last().map_or(0, |(inputs, ..)| *inputs);
                let missing = self.play(&mut recorded, noted, known, Micros(u64::MAX))?;
                Some(missing.unwrap_or_else(|| "the run was cut off in this case".to_owned()))
            }
        };
        // What is left of this case is passed over.
        if let Some(bound) = next {
            self.can.pass(bound)?;
            self.instruments.iter_mut().try_for_each(|tape| tape.pass(bound))?;
        }
        Ok(Some(recorded))
    }

    /// Whether the last case that was asked for had ended; known after [`Replay::next_case`] said that there is no more.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.whole
    }

    /// Files whose last line was cut off and is left out, with the number of that line.
    #[must_use]
    pub fn cuts(&self) -> Vec<(String, u64)> {
        let instruments = self.instruments.iter().map(Tape::cut);
        let mut cuts: Vec<_> = [self.can.cut()].into_iter().chain(instruments).flatten().collect();
        if self.events.is_cut() {
            cuts.push((self.events.file().to_owned(), self.events.number()));
        }
        cuts
    }

    /// Takes the next line of `events.jsonl`.
    fn advance(&mut self, began: Micros) -> Result<(), RawError> {
        let Some(line) = self.events.next()? else {
            self.ahead = None;
            return Ok(());
        };
        let line = events::parse(line, began);
        self.ahead = Some(line.map_err(|fault| self.events.wrong(fault))?);
        Ok(())
    }

    /// The events of the case that has begun, and how much was recorded and when at its end, if that is known.
    fn happened(&mut self, began: Micros) -> Result<(Vec<Noted>, Ended), RawError> {
        let mut noted: Vec<Noted> = Vec::new();
        while let Some(events::Line { at, inputs, what }) = self.ahead.take() {
            if inputs < noted.last().map_or(0, |(before, ..)| *before) || at < began {
                return Err(self.misplaced("a line that is not earlier than the one before it"));
            }
            match what {
                What::Event(kind) => noted.push((inputs, at.since(began), kind)),
                What::CaseEnd(_) => {
                    self.advance(began)?;
                    return Ok((noted, Some((inputs, at))));
                }
                What::Run(_) | What::CaseStart { .. } | What::RunEnd => {
                    return Err(self.misplaced("an event or `case-end`"));
                }
            }
            self.advance(began)?;
        }
        Ok((noted, None))
    }

    fn misplaced(&self, expected: &str) -> RawError {
        self.events.wrong(Fault::new("a line of another kind or time", expected))
    }

    /// Feeds the recording as the engine did. Says what is missing where the files hold less than the events count.
    fn play(
        &mut self,
        recorded: &mut Recorded,
        noted: Vec<Noted>,
        inputs: u64,
        bound: Micros,
    ) -> Result<Option<String>, RawError> {
        let (mut count, mut now) = (0, Micros::ZERO);
        let (began, recording) = (recorded.began, &mut recorded.recording);
        let mut all = noted.into_iter().peekable();
        loop {
            while let Some((_, at, kind)) = all.next_if(|(before, ..)| *before == count) {
                now = now.max(at);
                recording.note(now, kind);
            }
            recorded.length = recorded.length.max(now);
            if count == inputs {
                return Ok(None);
            }
            let time = |now: Micros, at: Micros| now.max(at.since(began));
            let said = self
                .instruments
                .iter_mut()
                .find_map(|tape| tape.next_if(bound, |&(input, _)| input == count).transpose());
            if let Some((at, (_, said))) = said.transpose()? {
                now = time(now, at);
                match said {
                    Said::Samples(said) => recording.samples(now, &said),
                    Said::Bytes(chunk) => recording.bytes(now, &chunk, |_| {}),
                }
            } else if let Some((at, heard)) = self.can.next_if(bound, |_| true)? {
                now = time(now, at);
                match heard {
                    Heard::Frame(frame) => recording.can(now, &frame),
                    Heard::Error(error) => recording.can_error(now, &error),
                    Heard::Bus(reading) => recording.bus(now, &reading),
                }
            } else {
                return Ok(Some(format!(
                    "raw evidence is missing: events.jsonl counts {inputs} inputs in this case, \
                     can.log and the files of the instruments hold {count} of them in their order"
                )));
            }
            count += 1;
        }
    }

    /// What the files hold of a case beyond what its events count.
    fn left_over(&mut self, bound: Micros) -> Result<Option<String>, RawError> {
        let instruments = self.instruments.iter_mut().map(|tape| tape.waiting(bound));
        let places = [self.can.waiting(bound)].into_iter().chain(instruments).filter_map(Result::transpose);
        Ok(places.into_iter().next().transpose()?.map(|place| {
            format!("raw evidence does not fit: {place} is not among the inputs that events.jsonl counts")
        }))
    }
}

/// The first line of an instrument's file.
fn header(instrument: Instrument) -> String {
    if instrument.is_witness() { bytes_csv::HEADER.to_owned() } else { samples_csv::header(instrument) }
}

fn text(line: &[u8]) -> Result<&str, Fault> {
    core::str::from_utf8(line).map_err(|_| Fault::new(&String::from_utf8_lossy(line), "text in UTF-8"))
}

#[cfg(test)]
mod tests;
