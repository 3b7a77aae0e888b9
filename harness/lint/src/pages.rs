//! What a log tells of the battery: the pages of the GX (P 6), the alarms it supports, the messages it sends.

use std::fmt::Write as _;

use evidence::text::plain;
use judge::portrait::{Kind, MessageRow, Page, Support, sparkline};

use crate::judged::Judged;
use crate::wrap::wrapped;

pub(crate) fn pages(out: &mut String, judged: &Judged, width: usize) {
    let portrait = &judged.portrait;
    title(out, "What the GX shows (P 6)");
    portrait.pages.iter().for_each(|page| gx_page(out, page));
    alarms(out, judged);
    messages(out, judged, width);
    if let Some((least, most)) = portrait.load {
        let _ = writeln!(
            out,
            "  The bus is loaded by {:.1} to {:.1} % at 500 kbit/s, by stuffed bits.",
            least.0, most.0
        );
    }
    title(out, "Identity");
    let identity = portrait.identity();
    let widest = identity.iter().map(|(what, _)| what.chars().count()).max().unwrap_or(0);
    for (what, value) in identity {
        let _ = writeln!(out, "  {what:widest$}  {}", plain(&value));
    }
}

fn title(out: &mut String, title: &str) {
    let _ = writeln!(out, "\n{title}");
}

/// Columns of the labels of the GX; the longest is "Nr. of modules blocking charge / discharge".
const LABEL: usize = 42;
/// Columns of each value.
const VALUE: usize = 12;

fn gx_page(out: &mut String, page: &Page) {
    let _ = writeln!(out, "  ┌ {}", plain(&page.title));
    for row in &page.rows {
        let values: Vec<String> = row.values.iter().map(|v| format!("{:<VALUE$}", plain(v))).collect();
        let _ = writeln!(out, "{}", format!("  │ {:LABEL$} {}", row.label, values.join(" ")).trim_end());
    }
}

fn alarms(out: &mut String, judged: &Judged) {
    let rows = &judged.portrait.alarms;
    if rows.iter().all(|row| row.alarm == Support::Unknown) {
        title(out, "Alarms of 0x35A: it is not sent");
        return;
    }
    if rows.iter().all(|row| row.alarm == Support::No && row.warning == Support::No) {
        title(out, "Alarms of 0x35A: none is supported (all pairs are 00 or 11)");
        return;
    }
    title(out, "Alarms of 0x35A (-- is not supported)");
    let _ = writeln!(out, "  {:<24} {:<16} Warning", "", "Alarm");
    for row in rows {
        let _ = writeln!(out, "  {:<24} {:<16} {}", row.kind.words(), row.alarm.word(), row.warning.word());
    }
}

/// Messages of the battery that were sent, then the ones that were not in one line.
fn messages(out: &mut String, judged: &Judged, width: usize) {
    title(out, "Messages");
    let period = if judged.is_timed() { "period" } else { "" };
    let _ = writeln!(out, "  {:<5} {:<9} {:>8} {period:>8}  {:<8}  last", "id", "", "frames", "");
    for row in judged.portrait.messages.iter().filter(|row| row.count > 0) {
        message(out, row, width);
    }
    let silent: Vec<String> = judged
        .portrait
        .messages
        .iter()
        .filter(|row| row.count == 0 && row.kind != Kind::Gx)
        .map(|row| format!("0x{:03X}", row.id))
        .collect();
    if !silent.is_empty() {
        wrapped(out, &format!("not sent: {}", silent.join(" ")), 2, width);
    }
}

fn message(out: &mut String, row: &MessageRow, width: usize) {
    let period = row.period.map_or_else(String::new, |p| format!("{:.3} s", p.secs()));
    let drawn = sparkline(&row.histogram);
    let head =
        format!("  0x{:03X} {:<9} {:>8} {period:>8}  {drawn:<8}  ", row.id, row.kind.word(), row.count);
    let room = width.saturating_sub(head.chars().count());
    let last = plain(&row.last);
    let shown: String = if last.chars().count() > room {
        last.chars().take(room.saturating_sub(1)).chain(['…']).collect()
    } else {
        last.into_owned()
    };
    let _ = writeln!(out, "{}", format!("{head}{shown}").trim_end());
}
