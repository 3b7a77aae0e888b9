//! A run folder read while it grows: what is known of the run, and of the case that it is in.
//!
//! Events tell the case; of the raw files only what belongs to that case is kept, in a recording as the judge has it. Between
//! two looks lines of several files are put in the order of their times, which is near enough for a view: the order to the
//! input is for [`evidence::replay`].

use core::mem::discriminant;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::time::Duration;

use engine::suite::{Lasts, Runnable};
use evidence::again::Made;
use evidence::can_log::{self, Heard};
use evidence::events::{self, Begun, Told, What};
use evidence::names::{CAN_FILE, EVENTS_FILE};
use evidence::plan::{Planned, plan};
use evidence::raw::Fault;
use evidence::{bytes_csv, samples_csv};
use judge::recording::Recording;
use judge::trace::{Event, EventKind};
use proto::channel::Instrument;
use proto::chunk::Chunk;
use proto::quantity::Micros;
use proto::samples::Samples;

use crate::grows::{Growing, Stop};
use crate::now::Now;

/// A run that is followed.
#[derive(Debug)]
pub(crate) struct Station {
    folder: PathBuf,
    events: Growing,
    can: Growing,
    instruments: Vec<(Instrument, Growing)>,
    pub(crate) known: Option<Known>,
    pub(crate) case: Option<Current>,
    /// cases that have ended, in their order
    pub(crate) done: Vec<Done>,
    /// the latest time of anything that was recorded, since the start of the run
    pub(crate) at: Micros,
    /// for how long nothing was written
    pub(crate) quiet: Duration,
    /// when something was last written; nothing before the first look
    grew: Option<Grew>,
    /// how much was read
    read: u64,
    /// the run could not confirm that its output is off
    pub(crate) not_off: bool,
    /// the last case that was asked for has ended
    pub(crate) ended: bool,
    /// why it is read no further
    pub(crate) wrong: Option<String>,
    /// why some of it is not read now
    pub(crate) lacks: Option<String>,
}

/// When something was last written.
#[derive(Debug, Clone, Copy)]
struct Grew {
    /// by the time since the watching began
    at: Duration,
    /// for how long nothing had been written by then
    before: Duration,
}

/// What was run on what.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) begun: Begun,
    /// or why the folder does not tell
    pub(crate) made: Result<Made, String>,
}

/// The case that has begun last.
#[derive(Debug)]
pub(crate) struct Current {
    pub(crate) suite: String,
    pub(crate) case: String,
    pub(crate) title: String,
    pub(crate) began: Micros,
    pub(crate) recording: Recording,
    /// nothing where its suite or its rig is not known
    runnable: Option<Box<Runnable>>,
    /// the step that it is in
    pub(crate) step: Option<Step>,
    /// what happened, the latest last
    pub(crate) notes: VecDeque<Event>,
    /// it has ended
    pub(crate) over: bool,
}

/// A step of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) text: String,
    /// when it is over by itself, in the time of the case; nothing where that is not known
    pub(crate) until: Option<Micros>,
    /// it is over earlier where what it waits for comes
    pub(crate) waits: bool,
    /// what an operator is asked meanwhile
    pub(crate) asks: Option<String>,
}

/// A case that has ended.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) name: String,
    pub(crate) told: Told,
}

/// So many events are shown.
const NOTES: usize = 12;
/// A run on a real rig writes something every second; one that wrote nothing for so long is told as silent.
pub(crate) const QUIET: Duration = Duration::from_secs(10);

/// A line of a file of the run.
enum Came {
    Event(EventKind),
    End,
    Heard(Heard),
    // Apart: a log of hours is mostly frames.
    Samples(Box<Samples>),
    Bytes(Box<Chunk>),
}

impl Station {
    /// Follows the run of a folder from its beginning.
    pub(crate) fn new(folder: &Path) -> Self {
        let growing = |name| Growing::new(folder, name);
        Self {
            folder: folder.to_owned(),
            events: growing(EVENTS_FILE),
            can: growing(CAN_FILE),
            instruments: Instrument::ALL.map(|of| (of, growing(of.file()))).into(),
            known: None,
            case: None,
            done: Vec::new(),
            at: Micros::ZERO,
            quiet: Duration::ZERO,
            grew: None,
            read: 0,
            not_off: false,
            ended: false,
            wrong: None,
            lacks: None,
        }
    }

    /// The folder of the run.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether the files that were read are still those of the folder.
    pub(crate) fn is_there(&self) -> bool {
        self.files().all(Growing::is_same)
    }

    fn files(&self) -> impl Iterator<Item = &Growing> {
        [&self.events, &self.can].into_iter().chain(self.instruments.iter().map(|(_, file)| file))
    }

    /// Whether it goes on: it has not ended, and something was written lately.
    pub(crate) fn goes_on(&self) -> bool {
        !self.ended && self.wrong.is_none() && self.grew.is_some() && self.quiet < QUIET
    }

    /// Reads what was written since the last look.
    pub(crate) fn look(&mut self, now: Now) {
        if self.wrong.is_none() {
            let mut came = Vec::new();
            let read = self.read_events(&mut came).and_then(|()| self.read_wires(&mut came));
            came.sort_by_key(|(at, _)| *at);
            for (at, came) in came {
                self.at = self.at.max(at);
                if let Some(case) = &mut self.case {
                    case.take(at, came);
                }
            }
            self.lacks = None;
            match read {
                Ok(()) => {}
                Err(Stop::Line(wrong)) => self.wrong = Some(wrong),
                Err(Stop::System(lacks)) => self.lacks = Some(lacks),
            }
        }
        let read = self.files().map(Growing::read).sum();
        if self.read != 0 && read != self.read {
            self.grew = Some(Grew { at: now.passed, before: Duration::ZERO });
        }
        self.read = read;
        let grew = self.grew.unwrap_or_else(|| self.grew_before(now));
        self.grew = Some(grew);
        self.quiet = grew.before + now.passed.saturating_sub(grew.at);
    }

    /// What was written before the first look is as old as its disk says; a time that is still to come says nothing.
    fn grew_before(&self, now: Now) -> Grew {
        let written = self.files().filter_map(Growing::written).max();
        let age = written.and_then(|written| now.since(written));
        Grew { at: now.passed, before: age.unwrap_or(QUIET) }
    }

    fn read_events(&mut self, came: &mut Vec<(Micros, Came)>) -> Result<(), Stop> {
        let Self { folder, events, known, case, done, at, ended, not_off, .. } = self;
        events.lines(|_, line| {
            let began = case.as_ref().map_or(Micros::ZERO, |case| case.began);
            let line = events::parse(line, began)?;
            *at = (*at).max(line.at);
            match line.what {
                What::Run(begun) => {
                    let made = Made::of(folder, &begun).map_err(|error| error.to_string());
                    *known = Some(Known { begun, made });
                }
                What::CaseStart { suite, case: name } => {
                    came.clear();
                    let made = known.as_ref().and_then(|known| known.made.as_ref().ok());
                    *case = Some(Current::new(suite, name, line.at, made));
                }
                What::Event(kind) => {
                    *not_off |= matches!(kind, EventKind::NotOff(_));
                    came.push((line.at, Came::Event(kind)));
                }
                What::CaseEnd(told) => {
                    came.push((line.at, Came::End));
                    if let Some(case) = case {
                        done.push(Done { name: format!("{}/{}", case.suite, case.case), told });
                    }
                }
                What::RunEnd => *ended = true,
            }
            Ok(())
        })
    }

    /// What instruments said in the case that has begun last.
    fn read_wires(&mut self, came: &mut Vec<(Micros, Came)>) -> Result<(), Stop> {
        let began = self.case.as_ref().map_or(Micros::NEVER, |case| case.began);
        let epoch = self.known.as_ref().map_or(Micros::ZERO, |known| known.begun.epoch);
        let mut take = |at: Micros, what: Came| {
            if at >= began {
                came.push((at, what));
            }
        };
        self.can.lines(|_, line| {
            if let Some((at, heard)) = can_log::parse(line)? {
                take(at.since(epoch), Came::Heard(heard));
            }
            Ok(())
        })?;
        for (of, file) in &mut self.instruments {
            file.lines(|number, line| {
                // The first line has the columns.
                if number == 1 {
                    return Ok(());
                }
                let text = String::from_utf8_lossy(line);
                let (at, what) = said(*of, &text)?;
                take(at, what);
                Ok(())
            })?;
        }
        Ok(())
    }
}

fn said(of: Instrument, line: &str) -> Result<(Micros, Came), Fault> {
    Ok(if of.is_witness() {
        let (at, _, chunk) = bytes_csv::parse(of, line)?;
        (at, Came::Bytes(Box::new(chunk)))
    } else {
        let (at, _, said) = samples_csv::parse(of, line)?;
        (at, Came::Samples(Box::new(said)))
    })
}

impl Current {
    fn new(suite: String, case: String, began: Micros, made: Option<&Made>) -> Self {
        let found = made.and_then(|made| Some((made, made.suites.case(&suite, &case)?.1)));
        let runnable = found.and_then(|(made, case)| match plan(case, &made.rig, &made.battery) {
            Ok(Planned::Ready(ready)) => Some(Box::new(ready.runnable)),
            _ => None,
        });
        let title = found.map_or_else(String::new, |(_, case)| case.title.clone());
        let recording = made.map_or_else(Recording::new, |made| {
            Recording::polled(made.rig.bus_polling()).with(made.rig.witnesses())
        });
        Self {
            suite,
            case,
            title,
            began,
            recording,
            runnable,
            step: None,
            notes: VecDeque::new(),
            over: false,
        }
    }

    fn take(&mut self, at: Micros, came: Came) {
        let at = at.since(self.began);
        match came {
            Came::Heard(Heard::Frame(frame)) => self.recording.can(at, &frame),
            Came::Heard(Heard::Error(error)) => self.recording.can_error(at, &error),
            Came::Heard(Heard::Bus(reading)) => self.recording.bus(at, &reading),
            Came::Samples(said) => self.recording.samples(at, &said),
            Came::Bytes(chunk) => self.recording.bytes(at, &chunk, |_| {}),
            Came::End => (self.over, self.step) = (true, None),
            Came::Event(kind) => {
                if let EventKind::Step { line, text } = &kind {
                    self.step = Some(self.step(at, *line, text));
                }
                // Of a ramp the stage that it has reached is enough.
                let before = self.notes.back().map(|note| &note.kind);
                if matches!((before, &kind), (Some(EventKind::Stimulus(a)), EventKind::Stimulus(b)) if discriminant(a) == discriminant(b))
                {
                    self.notes.pop_back();
                }
                if self.notes.len() == NOTES {
                    self.notes.pop_front();
                }
                self.notes.push_back(Event { at, kind: kind.clone() });
                self.recording.note(at, kind);
            }
        }
    }

    fn step(&self, at: Micros, line: u32, text: &str) -> Step {
        let lasts = self.runnable.as_ref().and_then(|runnable| runnable.lasts(line, text));
        let (waits, asks) = match lasts {
            Some(Lasts::For(_)) | None => (false, None),
            Some(Lasts::AtMost(_)) => (true, None),
            Some(Lasts::Asks { text, .. }) => (true, Some(text.to_owned())),
        };
        Step { text: text.to_owned(), until: lasts.map(|lasts| at + lasts.span()), waits, asks }
    }
}
