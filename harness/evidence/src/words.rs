//! Times, powers and changes of the world in the words of a lab log.

use judge::trace::{Event, EventKind};
use judge::verdict::{Evidence, Measure};
use proto::digits;
use proto::quantity::Micros;
use proto::rounding::round;

/// A time of a case: `1:02:03`, rounded to seconds.
#[must_use]
pub fn clock(at: Micros) -> String {
    Micros::from_secs((at.0.saturating_add(500_000)) / 1_000_000).to_string()
}

/// A window of a case: `1:02:03–1:12:03`, a moment as one time. Below ten seconds milliseconds are shown.
#[must_use]
pub fn window(from: Micros, to: Micros) -> String {
    let short = to.since(from) < Micros::from_secs(10);
    let show = |t: Micros| {
        if short { Micros(t.0 / 1000 * 1000).to_string() } else { clock(t) }
    };
    if from == to { show(from) } else { format!("{}–{}", show(from), show(to)) }
}

/// A span that was measured, as precise as a person wants it: `2.9 s`, `90 s`, `3 h 20 min`.
#[must_use]
pub fn span(span: Micros) -> String {
    let step = match span.0 {
        0..1_000_000 => 1_000,
        1_000_000..60_000_000 => 100_000,
        60_000_000..3_600_000_000 => 1_000_000,
        _ => 60_000_000,
    };
    Micros(span.0 / step * step).span().to_string()
}

/// Wall-clock time to a tenth of a second where it is short.
#[must_use]
pub fn wall(took: core::time::Duration) -> String {
    if took.as_secs() < 60 {
        format!("{:.1} s", took.as_secs_f64())
    } else {
        span(Micros::from_secs(took.as_secs()))
    }
}

/// A number with at most so many decimals, without trailing zeros.
#[must_use]
pub fn trim(value: f64, decimals: usize) -> String {
    let factor = 10_f64.powi(decimals as i32);
    let (scaled, parts) = (value * factor, round(value * factor));
    // Figures are thousands of these. Where the last bit of the product decides nothing, this is the number that is meant.
    if decimals <= 6 && parts.abs() < 1e9 && (scaled - parts).abs() < 0.4999 {
        let mut text = Vec::new();
        // Without the sign of a zero.
        digits::number(&mut text, parts / factor + 0.0);
        return String::from_utf8_lossy(&text).into_owned();
    }
    let text = format!("{value:.decimals$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// What an event says, with the word that names its kind.
#[must_use]
pub fn event(event: &Event) -> (&'static str, String) {
    match &event.kind {
        EventKind::Step { text, .. } => ("step", text.clone()),
        EventKind::Mark(name) => ("mark", name.clone()),
        EventKind::Stimulus(s) => ("change", s.to_string()),
        EventKind::Wait(w) if w.met => {
            ("wait", format!("{} after {}", w.until, span(event.at.since(w.began))))
        }
        EventKind::Wait(w) => {
            let who = w.requirement.map_or(String::new(), |id| format!(", fails {id}"));
            ("wait", format!("{} not within {}{who}; last seen: {}", w.until, span(w.allowed), w.seen))
        }
        EventKind::Interlock { what, value, limit } => {
            ("interlock", format!("{what} {value}, limit {limit}: everything off"))
        }
        EventKind::DriverFault(failure) => ("fault", failure.what.clone()),
        EventKind::Completed => ("end", "last step done".to_owned()),
        EventKind::Aborted(why) => ("aborted", why.clone()),
        EventKind::NotBegun(failure) => ("not begun", failure.what.clone()),
        EventKind::Instrument { what, says } => ("instrument", format!("{what}: {says}")),
        EventKind::Trouble(what) => ("trouble", what.clone()),
        EventKind::NotOff(what) => ("not confirmed off", what.clone()),
    }
}

/// Evidence in one line: what, value, limit, when.
#[must_use]
pub fn evidence(evidence: &Evidence) -> String {
    let mut out = evidence.what.clone();
    if !evidence.value.is_empty() {
        out.push_str(": ");
        out.push_str(&evidence.value);
    }
    if !evidence.limit.is_empty() {
        out.push_str(&format!(" ({})", limit(evidence)));
    }
    if let Some((from, to)) = evidence.at {
        out.push_str(&format!(" at {}", window(from, to)));
    }
    if let Some(line) = evidence.line {
        out.push_str(&format!(", log line {line}"));
    }
    out
}

/// The limit of a fact, and how close it came where that was measured: `limit ≤ 1.5 %/h, 11 % left`.
#[must_use]
pub fn limit(evidence: &Evidence) -> String {
    let room = evidence.measure.map_or(String::new(), |measure| format!(", {}", room(&measure)));
    format!("limit {}{room}", evidence.limit)
}

/// How much of a limit is left, or how far a figure lies beyond it, as a share of the limit: `11 % left`, `34 % beyond`.
#[must_use]
pub fn room(measure: &Measure) -> String {
    let room = measure.room() * 100.0;
    let (share, side) = (room.abs(), if room < 0.0 { "beyond" } else { "left" });
    match share {
        _ if room == 0.0 => "at it".to_owned(),
        share if share < 0.1 => format!("< 0.1 % {side}"),
        share if share < 9.95 => format!("{} % {side}", trim(share, 1)),
        share if share < 1000.0 => format!("{share:.0} % {side}"),
        _ => format!("> 1000 % {side}"),
    }
}

/// A number with three digits that count, and its unit.
#[must_use]
pub fn amount(value: f64, unit: &str) -> String {
    let decimals = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        _ => 3,
    };
    // A small negative number rounds to zero, not to minus zero.
    let text = format!("{value:.decimals$}");
    let text = if text.parse() == Ok(0.0) { "0".to_owned() } else { text };
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    proptest! {
        /// As many decimals as the standard library rounds to, half-way ones included.
        #[test]
        fn trimmed_numbers_are_rounded_as_the_standard_library_does(
            bits: u64, near in -2_000_000_i64..2_000_000, decimals in 0_usize..8,
        ) {
            let half = near as f64 / 2.0 / 10_f64.powi(decimals as i32);
            for value in [f64::from_bits(bits), near as f64 / 997.0, half, half.next_up(), half.next_down(), -0.0] {
                let text = format!("{value:.decimals$}");
                let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
                prop_assert_eq!(trim(value, decimals), if text == "-0" { "0" } else { text });
            }
        }
    }

    /// Settling within 120 s, and at least 20 mV for the cells.
    #[rstest]
    #[case::with_room("settling", 60.0, 120.0, "50 % left")]
    #[case::little("settling", 117.6, 120.0, "2 % left")]
    #[case::hardly_any("settling", 119.99, 120.0, "< 0.1 % left")]
    #[case::none("settling", 120.0, 120.0, "at it")]
    #[case::beyond("settling", 150.0, 120.0, "25 % beyond")]
    #[case::far_beyond("settling", 5400.0, 120.0, "> 1000 % beyond")]
    #[case::at_least("cell-margin", 0.025, 0.02, "25 % left")]
    #[case::too_little("cell-margin", -0.01, 0.02, "150 % beyond")]
    fn how_close(
        #[case] threshold: &'static str,
        #[case] value: f64,
        #[case] limit: f64,
        #[case] says: &str,
    ) {
        assert_eq!(room(&Measure { threshold, value, limit, band: 0.0 }), says);
    }

    #[rstest]
    #[case(Micros::from_millis(250), "250 ms")]
    #[case(Micros::from_millis(2_900), "2.9 s")]
    #[case(Micros::from_secs(20), "20 s")]
    #[case(Micros::from_secs(90), "90 s")]
    #[case(Micros::from_secs(150), "2 min 30 s")]
    #[case(Micros::from_secs(3600), "1 h")]
    #[case(Micros::from_secs(12_000), "3 h 20 min")]
    #[case(Micros(45_296_123_456), "12 h 34 min")]
    fn spans(#[case] t: Micros, #[case] shown: &str) {
        assert_eq!(span(t), shown);
    }

    #[rstest]
    #[case(0, 0, "0:00:00")]
    #[case(3_723_000_000, 4_323_000_000, "1:02:03–1:12:03")]
    #[case(1_000_000, 3_900_000, "0:00:01–0:00:03.9")]
    fn windows(#[case] from: u64, #[case] to: u64, #[case] shown: &str) {
        assert_eq!(window(Micros(from), Micros(to)), shown);
    }
}
