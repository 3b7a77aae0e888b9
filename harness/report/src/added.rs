//! What was added beside a run, in words: which columns an export has, how its times lie on the run's clock, and how far it is
//! from what the run recorded. No verdict stands here.

use core::fmt::Write as _;

use evidence::added::{Against, Beside, Lane, Says, Start, east};
use evidence::vrm::Remark;
use evidence::words::{amount, clock, span};
use proto::quantity::Micros;

/// What must be known before anything is read out of it.
pub const WORTH: &str = "Added after the run: no verdict rests on it, no manifest lists it, and no bundle holds it. VRM logs \
                         every 1 to 15 minutes: that confirms energy, drift and slow steps, and says nothing of reactions.";

/// How one export lies beside a run: what, how.
#[must_use]
pub fn facts(beside: &Beside) -> Vec<(&'static str, String)> {
    let record = &beside.record;
    let by = match record.zone_offset_by {
        Says::Stated => "as it was stated".to_owned(),
        Says::Head => "as its head says, which is the offset at the moment of export: rows of another season have another, \
                       and `--zone` states it"
            .to_owned(),
        Says::Name => "by its name".to_owned(),
    };
    let clock = match record.offset_us {
        _ if !record.offset_stated => {
            "taken to be the run's own; `--offset` states by how much it is ahead".to_owned()
        }
        0 => "stated to be the run's own".to_owned(),
        offset => {
            let side = if offset < 0 { "behind" } else { "ahead of" };
            format!("stated to be {} {side} the run's", span(Micros(offset.unsigned_abs())))
        }
    };
    let began = match record.run_began_by {
        Start::Events => "by events.jsonl",
        Start::Manifest => "by manifest.json, to the second",
    };
    let mut rows = vec![
        ("file", format!("{}, {} bytes, sha256 {}", record.given_as, record.bytes, record.sha256)),
        ("time zone", format!("{}, its rows at {}, {by}", record.zone, east(record.zone_offset_s))),
        ("its clock", clock),
        ("the run", format!("began {} on that clock, {began}", record.on_export(0).shown())),
        (
            "span",
            format!(
                "{} to {}, {} rows, {} of them in a case of the run",
                beside.span.0.shown(),
                beside.span.1.shown(),
                beside.rows,
                beside.within
            ),
        ),
    ];
    rows.extend(
        beside.remarks.iter().take(REMARKS).map(|(line, remark)| ("times", remarked(*line, *remark))),
    );
    let more = beside.remarks.len().saturating_sub(REMARKS);
    if more > 0 {
        rows.push(("times", format!("and {more} more gaps and steps back")));
    }
    if beside.doubtful > 0 {
        let n = beside.doubtful;
        rows.push(("times", format!("{n} rows whose time comes twice are held against nothing")));
    }
    rows
}

/// So many gaps are told one by one.
const REMARKS: usize = 8;

fn remarked(line: u64, remark: Remark) -> String {
    let long = |seconds: u64| span(Micros::from_secs(seconds));
    match remark {
        Remark::Gap(step) => format!(
            "line {line} is {} after the row before it: a gap, or the hour that clocks leave out in spring, after which \
             another offset holds",
            long(step)
        ),
        Remark::Backwards(step) => format!(
            "line {line} is {} before the row above it: the hour that comes twice in autumn, or files that were joined",
            long(step)
        ),
    }
}

/// What a column holds.
#[must_use]
pub fn holds(lane: &Lane) -> String {
    let counted = [(lane.numbers, "numbers"), (lane.texts, "texts"), (lane.missing, "missing")];
    let told: Vec<String> =
        counted.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    told.join(", ")
}

/// What a column says against the run, a line for each of those that told the same.
#[must_use]
pub fn says(lane: &Lane) -> Vec<String> {
    let mut lines: Vec<String> = lane.against.iter().map(differs).collect();
    if lane.channels.is_empty() {
        lines.push("matches no quantity of the run".to_owned());
    } else if lane.against.is_empty() {
        lines.push("nothing of the run tells the same at its times".to_owned());
    }
    if lane.column.repeats_battery() && !lane.channels.is_empty() {
        lines.push("repeats what the battery says on CAN, so it witnesses nothing".to_owned());
    }
    lines
}

fn differs(against: &Against) -> String {
    let (row, largest) = (against.channel.row(), &against.largest);
    let value = |value: f64| amount(value, row.unit());
    format!(
        "{} apart from {} ({}) in the median (n = {}), {} at most: {} in the export, {} in the run, at {}, {} of the run ({})",
        value(against.usual),
        row.words,
        against.channel.key(),
        against.samples,
        value(largest.size()),
        value(largest.export),
        value(largest.run),
        largest.local.shown(),
        clock(largest.at),
        largest.case
    )
}

/// All of it for a terminal.
#[must_use]
pub fn text(all: &[Beside]) -> String {
    let mut out = String::new();
    for beside in all {
        // A string takes everything.
        let _ = writeln!(out, "added/{}", beside.record.file);
        for (what, how) in facts(beside) {
            let _ = writeln!(out, "  {what:<10} {how}");
        }
        for lane in &beside.lanes {
            let unit =
                if lane.column.unit.is_empty() { String::new() } else { format!(" [{}]", lane.column.unit) };
            let _ =
                writeln!(out, "  {} {}{unit}: {}", lane.column.source(), lane.column.parameter, holds(lane));
            for line in says(lane) {
                let _ = writeln!(out, "      {line}");
            }
        }
    }
    out + WORTH + "\n"
}
