//! How a run stands, as a value: everything that a terminal, a page or a program is shown.

use std::collections::BTreeMap;
use std::path::Path;

use engine::interlock::RigLimits;
use evidence::again::Made;
use evidence::thin::thin;
use evidence::words::{amount, event};
use files::live::OperatorPlace;
use judge::recording::Recording;
use judge::trace::Channel;
use proto::channel::{Kind, Lane};
use proto::message::AlarmKind;
use proto::quantity::{Micros, Volts};
use proto::text::plain;
use serde::Serialize;

use crate::station::{Current, QUIET, Station};

/// Version of what [`View`] is as JSON: within it keys come, and none goes or changes what it means.
pub const SCHEMA: &str = "busbar-watch/1";

/// So many cases that have ended are shown, the latest.
const DONE: usize = 100;
/// What is older is told as old where no rig file says: some batteries send a message once a minute.
const OLD: Micros = Micros::from_secs(70);
/// A limit with less room than this share of it is told apart.
const NEAR: f64 = 0.05;
/// Stretches of the time of a case of which a curve has the extremes.
const STRETCHES: usize = 120;

/// How a run stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct View {
    /// version of this form
    pub schema: &'static str,
    /// the folder of the run; where there is none yet, the one that is searched
    pub folder: String,
    /// name of that folder
    pub run: String,
    /// the rig, by its name; empty before anything is known
    pub rig: String,
    /// the battery, by its name
    pub battery: String,
    /// the version of the harness that runs it
    pub harness: String,
    /// whether it goes on
    pub state: State,
    /// the same in words
    pub state_words: &'static str,
    /// for how long nothing was written, by the clock, s; nothing where it has ended
    pub quiet_s: Option<f64>,
    /// time of the run that was recorded last, s
    pub at_s: f64,
    /// how many cases were asked for
    pub cases: usize,
    /// the case that has begun last
    pub case: Option<CaseView>,
    /// the output of the supply
    pub output: Output,
    /// the same in words
    pub output_words: &'static str,
    /// what was measured in this case, in the order of the table of quantities
    pub readings: Vec<Reading>,
    /// limits of the rig on what is measured, in the order of the table
    pub limits: Vec<LimitView>,
    /// curves of this case, by lane
    pub curves: Vec<Curve>,
    /// how many cases have ended, by outcome
    pub ended: BTreeMap<String, usize>,
    /// cases that have ended, in their order, at most the last 100
    pub done: Vec<DoneView>,
    /// what happened in this case, the latest last
    pub notes: Vec<Note>,
    /// why the folder is read no further; what is shown is from before
    pub wrong: Option<String>,
    /// what cannot be read, and so is not shown: limits and times where the files that the run was made from are not there
    pub lacks: Option<String>,
}

/// Whether a run goes on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// no run has begun in the folder
    #[default]
    Waiting,
    /// it writes
    Running,
    /// it writes nothing, and has not ended: it hangs, was cut off, or the next case is being prepared
    Quiet,
    /// its last case has ended
    Ended,
    /// its files are not what a run writes: nothing is known of it from there on
    Unread,
}

impl State {
    /// In words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Waiting => "waiting for a run",
            Self::Running => "running",
            Self::Quiet => "nothing written",
            Self::Ended => "ended",
            Self::Unread => "read no further",
        }
    }
}

/// Where a case stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct CaseView {
    /// `suite/case`
    pub name: String,
    /// in words
    pub title: String,
    /// its place among the cases of the run, from 1
    pub number: usize,
    /// time of the case, s
    pub at_s: f64,
    /// what it does, or that it has ended
    pub step: String,
    /// how long that goes on, s; nothing where it takes no time or that is not known
    pub to_go_s: Option<f64>,
    /// it is over earlier where what it waits for comes
    pub waits: bool,
    /// what an operator is asked
    pub asks: Option<String>,
    /// where the answer is given
    pub answered_at: Option<String>,
    /// it has ended, and the next has not begun
    pub over: bool,
}

/// The output of the supply.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Output {
    /// it was read back as on
    On,
    /// it was read back as off
    Off,
    /// nobody has told it lately: treat it as on
    #[default]
    Unknown,
    /// the run could not confirm that it is off
    NotConfirmedOff,
    /// the rig has no supply that tells
    None,
}

impl Output {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
            Self::Unknown => "unknown",
            Self::NotConfirmedOff => "not-confirmed-off",
            Self::None => "none",
        }
    }

    /// In words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::On => "OUTPUT ON",
            Self::Off => "OUTPUT OFF",
            Self::Unknown => "OUTPUT NOT KNOWN",
            Self::NotConfirmedOff => "NOT CONFIRMED OFF",
            Self::None => "NO SUPPLY",
        }
    }
}

/// A quantity that was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reading {
    /// its key, such as `battery.voltage`
    pub key: &'static str,
    /// in words, such as `the battery voltage`
    pub words: &'static str,
    /// who tells it
    pub source: String,
    /// its unit; empty where it has none
    pub unit: &'static str,
    /// its value in that unit; of a flag 1 or 0
    pub value: f64,
    /// its value in words
    pub text: String,
    /// how old it is, in the time of the rig, s
    pub age_s: f64,
    /// it is older than the rig allows
    pub stale: bool,
}

/// A limit of the rig.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LimitView {
    /// key of the quantity
    pub key: &'static str,
    /// in words, such as `the battery voltage ≤ 60 V`
    pub words: String,
    /// the limit, in the unit of the quantity
    pub limit: f64,
    /// `at-most` or `at-least`
    pub sense: &'static str,
    /// how far the reading is from it, in its unit, negative beyond it; nothing where there is no reading
    pub room: Option<f64>,
    /// the same as a share of the limit
    pub share: Option<f64>,
    /// the same in words
    pub text: String,
    /// how it stands to the limit
    pub standing: Standing,
    /// it is older than the rig allows
    pub stale: bool,
}

/// How a reading stands to a limit of the rig.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// within it, or not told
    #[default]
    Within,
    /// within it, with less room than a twentieth of it
    Near,
    /// at it or beyond
    Beyond,
}

/// A quantity over the time of the case.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Curve {
    /// its key
    pub key: &'static str,
    /// what it is called in a figure
    pub name: &'static str,
    /// what is drawn over one axis with it
    pub lane: &'static str,
    /// the unit of that axis
    pub unit: &'static str,
    /// a limit or an offer: it may lie far off
    pub is_limit: bool,
    /// (time of the case in s, value) wherever it changed; it holds in between
    pub points: Vec<(f64, f64)>,
}

/// A case that has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DoneView {
    /// `suite/case`
    pub name: String,
    /// by its name, such as `pass`
    pub outcome: String,
    /// why, in one sentence; empty where it passed
    pub reason: String,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Note {
    /// time of the case, s
    pub at_s: f64,
    /// the kind in a word, such as `step`
    pub kind: &'static str,
    /// what it says
    pub text: String,
}

impl View {
    /// A folder in which no run has begun.
    #[must_use]
    pub(crate) fn waiting(folder: &Path) -> Self {
        let folder = shown(&folder.display().to_string());
        Self { schema: SCHEMA, folder, ..Self::default() }.in_words()
    }

    /// How a run stands, as it was looked at last.
    #[must_use]
    pub(crate) fn of(station: &Station) -> Self {
        let name = station.folder().file_name();
        let mut view = Self {
            schema: SCHEMA,
            folder: shown(&station.folder().display().to_string()),
            run: name.map_or_else(String::new, |name| shown(&name.to_string_lossy())),
            at_s: station.at.secs(),
            done: station.done.iter().skip(station.done.len().saturating_sub(DONE)).map(done).collect(),
            wrong: station.wrong.as_deref().map(shown),
            lacks: station.lacks.as_deref().map(shown),
            ..Self::default()
        };
        for done in &station.done {
            *view.ended.entry(shown(&done.told.outcome)).or_default() += 1;
        }
        view.state = match station.ended {
            _ if station.wrong.is_some() => State::Unread,
            _ if station.known.is_none() => State::Waiting,
            true => State::Ended,
            false if station.quiet >= QUIET => State::Quiet,
            false => State::Running,
        };
        let Some(known) = &station.known else { return view.in_words() };
        (view.rig, view.battery) = (shown(&known.begun.rig), shown(&known.begun.battery));
        view.harness = shown(&known.begun.harness);
        view.cases = known.begun.cases;
        view.quiet_s = (!station.ended).then_some(station.quiet.as_secs_f64());
        let made = known.made.as_ref().ok();
        if let Err(why) = &known.made {
            let why = format!("the limits of the rig and the times of the suite are not known: {why}");
            view.lacks.get_or_insert(shown(&why));
        }
        if let Some(case) = &station.case {
            let now = now_of(station, case, made);
            view.case = Some(CaseView {
                number: station.done.len() + usize::from(!case.over),
                ..in_case(case, made, now)
            });
            if let (Some(shown), true) = (&mut view.case, case.over) {
                shown.step =
                    if station.ended { "the last case has ended" } else { "between two cases" }.to_owned();
            }
            let limits = made.map(|made| &made.rig.limits);
            view.readings = readings(&case.recording, limits, now);
            view.limits = limits.map_or_else(Vec::new, |limits| bounds(limits, &view.readings));
            view.curves = curves(&case.recording, now);
            view.notes = case.notes.iter().map(note).collect();
            view.output = output(case, &view, made);
        }
        if station.not_off {
            view.output = Output::NotConfirmedOff;
        }
        view.in_words()
    }

    fn in_words(self) -> Self {
        Self { state_words: self.state.words(), output_words: self.output.words(), ..self }
    }
}

fn shown(text: &str) -> String {
    plain(text).into_owned()
}

fn done(done: &crate::station::Done) -> DoneView {
    DoneView { name: shown(&done.name), outcome: shown(&done.told.outcome), reason: shown(&done.told.reason) }
}

fn note(happened: &judge::trace::Event) -> Note {
    let (kind, text) = event(happened);
    Note { at_s: happened.at.secs(), kind, text: shown(&text) }
}

/// The time of the case now: on a rig whose time goes on by itself, later than what was written last.
fn now_of(station: &Station, case: &Current, made: Option<&Made>) -> Micros {
    // One that is not known may be real.
    let speed = made.map_or(1, |made| made.rig.live.as_ref().map_or(0, |live| u64::from(live.speed)));
    let goes_on = if station.ended || case.over { 0 } else { speed };
    let since = u64::try_from(station.quiet.as_micros()).unwrap_or(u64::MAX).saturating_mul(goes_on);
    Micros(station.at.since(case.began).0.saturating_add(since))
}

fn in_case(case: &Current, made: Option<&Made>, now: Micros) -> CaseView {
    let step = case.step.as_ref();
    let asks = step.and_then(|step| step.asks.as_deref()).map(shown);
    let operator = made.and_then(|made| made.rig.live.as_ref()).map(|live| &live.operator);
    let answered_at = asks.as_ref().and(operator).and_then(|operator| match operator {
        OperatorPlace::None => None,
        OperatorPlace::Terminal { .. } => Some("the terminal that the run was started on".to_owned()),
        OperatorPlace::Tcp { address, .. } => Some(format!("the program that listens at {address}")),
    });
    CaseView {
        name: shown(&format!("{}/{}", case.suite, case.case)),
        title: shown(&case.title),
        number: 0,
        at_s: now.secs(),
        step: step.map_or_else(String::new, |step| shown(&step.text)),
        to_go_s: step.and_then(|step| step.until).map(|until| until.since(now).secs()),
        waits: step.is_some_and(|step| step.waits),
        asks,
        answered_at,
        over: case.over,
    }
}

fn readings(recording: &Recording, limits: Option<&RigLimits>, now: Micros) -> Vec<Reading> {
    let told = |channel: Channel| {
        let series = recording.trace().series(channel);
        let (value, seen) = (series.last()?, series.last_seen()?);
        let row = channel.row();
        let age = now.since(seen);
        Some(Reading {
            key: row.key,
            words: row.words,
            source: row.source.to_string(),
            unit: row.unit(),
            value,
            text: text(recording, channel, value),
            age_s: age.secs(),
            stale: age > limits.map_or(OLD, |limits| limits.age(channel)),
        })
    };
    Channel::ALL.into_iter().filter_map(told).collect()
}

/// A value in words.
fn text(recording: &Recording, channel: Channel, value: f64) -> String {
    match channel.row().kind {
        // A cell is told in millivolts, and CVL in steps that three digits would hide.
        Kind::Number { dimension, .. } if dimension.unit == Volts::UNIT => {
            let decimals = if value.abs() < 10.0 { 3 } else { 2 };
            format!("{value:.decimals$} {}", dimension.unit)
        }
        Kind::Number { dimension, .. } => amount(value, dimension.unit),
        Kind::Flag if channel == Channel::SupplyOutput => if value > 0.0 { "on" } else { "off" }.to_owned(),
        Kind::Flag => if value > 0.0 { "yes" } else { "no" }.to_owned(),
        Kind::Mask => {
            let names: Vec<&str> = AlarmKind::of_mask(value as u16).map(AlarmKind::words).collect();
            if names.is_empty() { "none".to_owned() } else { names.join(", ") }
        }
        Kind::Count | Kind::State => format!("{value:.0}"),
        Kind::Text => recording.text(value).map_or_else(String::new, |text| shown(&text.to_string())),
    }
}

fn bounds(limits: &RigLimits, readings: &[Reading]) -> Vec<LimitView> {
    let of = |(channel, limit): (&Channel, &engine::interlock::Limit)| {
        let both = [(limit.at_most, "at-most", "≤", 1.0), (limit.at_least, "at-least", "≥", -1.0)];
        let (row, reading) = (channel.row(), readings.iter().find(|reading| reading.key == channel.key()));
        both.map(|(bound, sense, sign, side)| {
            let bound = bound?;
            let room = reading.map(|reading| side * (bound - reading.value));
            let share = room.filter(|_| bound != 0.0).map(|room| room / bound.abs());
            Some(LimitView {
                key: row.key,
                words: format!("{} {sign} {}", row.words, amount(bound, row.unit())),
                limit: bound,
                sense,
                room,
                share,
                standing: share.map_or(Standing::Within, Standing::of),
                text: room.map_or_else(|| "not told".to_owned(), |room| amount(room, row.unit())),
                stale: reading.is_none_or(|reading| reading.stale),
            })
        })
    };
    limits.rows.iter().flat_map(of).flatten().collect()
}

impl Standing {
    /// With room that is this share of the limit.
    fn of(share: f64) -> Self {
        match share {
            ..=0.0 => Self::Beyond,
            share if share < NEAR => Self::Near,
            _ => Self::Within,
        }
    }
}

fn curves(recording: &Recording, now: Micros) -> Vec<Curve> {
    let drawn = |channel: Channel| {
        let (row, series) = (channel.row(), recording.trace().series(channel));
        let (lane, name) = row.lane?;
        let few = thin(series.points(), Micros::ZERO, now, STRETCHES);
        let points: Vec<(f64, f64)> = few.into_iter().map(|(at, value)| (at.secs(), value)).collect();
        let (lane, unit, is_limit) = (lane_name(lane), row.unit(), row.is_limit);
        (!points.is_empty()).then_some(Curve { key: row.key, name, lane, unit, is_limit, points })
    };
    Channel::ALL.into_iter().filter_map(drawn).collect()
}

const fn lane_name(lane: Lane) -> &'static str {
    match lane {
        Lane::Voltage => "voltage",
        Lane::Cells => "cells",
        Lane::Current => "current",
        Lane::Power => "power",
        Lane::Charge => "charge",
    }
}

/// What is known of the output. Where that is nothing sure, it is not known: somebody may reach into the rig.
fn output(case: &Current, view: &View, made: Option<&Made>) -> Output {
    let has_supply = made.is_none_or(|made| made.rig.instruments().supply.is_some());
    let reading = view.readings.iter().find(|reading| reading.key == Channel::SupplyOutput.key());
    match (view.state, reading) {
        (_, None) if !has_supply => Output::None,
        // A case that ended without saying otherwise has read it back as off, after its last reading.
        (State::Ended, _) => Output::Off,
        // The next case is prepared before anything of it is written.
        (State::Running, Some(_)) if case.over => Output::Off,
        (State::Running, Some(reading)) if !reading.stale && reading.value > 0.0 => Output::On,
        (State::Running, Some(reading)) if !reading.stale => Output::Off,
        _ => Output::Unknown,
    }
}
