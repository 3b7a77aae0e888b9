//! Everything that was measured in a run on one axis of time, for a spreadsheet or pandas.

use core::fmt::Write as _;
use std::io::{self, Write};

use proto::channel::{Channel, Kind};
use proto::quantity::Micros;

use judge::trace::{Series, Trace};

use crate::replay::Recorded;
use crate::text::csv_cell;
use crate::{stamp, words};

/// More digits than any instrument has.
const DECIMALS: usize = 6;

/// `time_s,case,battery.voltage [V],…,event`
pub(super) fn header() -> String {
    let mut out = "time_s,case".to_owned();
    for channel in Channel::ALL {
        // A string takes everything.
        let _ = match channel.unit() {
            "" => write!(out, ",{}", channel.key()),
            unit => write!(out, ",{} [{unit}]", channel.key()),
        };
    }
    out + ",event\n"
}

/// The rows of a case: one each `every`, and one for each event.
pub(super) fn rows(recorded: &Recorded, epoch: Micros, every: Micros, out: &mut dyn Write) -> io::Result<()> {
    let case = csv_cell(&format!("{}/{}", recorded.suite, recorded.case));
    let zero = Micros(epoch.0.saturating_add(recorded.began.0));
    let trace = recorded.recording.trace();
    let mut row = |at: Micros, event: &str| {
        let mut line = format!("{},{case}", stamp::write(zero + at));
        Channel::ALL.iter().for_each(|&channel| cell(&mut line, recorded, trace, channel, at));
        writeln!(out, "{line},{event}")
    };
    let mut events = trace.events.iter().peekable();
    let mut next = Micros::ZERO;
    while next <= recorded.length || events.peek().is_some() {
        if let Some(event) = events.next_if(|event| event.at < next || next > recorded.length) {
            let (kind, what) = words::event(event);
            row(event.at, &csv_cell(&format!("{kind}: {what}")))?;
        } else {
            row(next, "")?;
            next += every;
        }
    }
    Ok(())
}

/// The value that holds at a time, as the judge has it: none before the first, and where it was silent for too long.
pub(crate) fn told(series: &Series, at: Micros) -> Option<f64> {
    series.at(at).filter(|_| !is_silent(series, at))
}

fn cell(line: &mut String, recorded: &Recorded, trace: &Trace, channel: Channel, at: Micros) {
    line.push(',');
    let Some(value) = told(trace.series(channel), at) else { return };
    match channel.row().kind {
        Kind::Text => {
            let text = recorded.recording.text(value).unwrap_or_default();
            line.push_str(&csv_cell(&String::from_utf8_lossy(text.text())));
        }
        _ => line.push_str(&words::trim(value, DECIMALS)),
    }
}

fn is_silent(series: &Series, at: Micros) -> bool {
    let old = |last: Micros| at.since(last) > Series::SILENCE;
    let after = series.silences().partition_point(|(_, heard)| *heard <= at);
    series.silences().get(after).is_some_and(|(last, _)| old(*last)) || series.last_seen().is_some_and(old)
}
