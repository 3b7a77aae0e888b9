//! What a battery raised over time: a lane for each alarm and warning that it ever raised (P 2 §0x35A).

use std::fmt::{self, Write};

use judge::trace::Series;
use proto::channel::Channel;
use proto::message::AlarmKind;
use proto::quantity::Micros;
use serde_json::{Value, json};

use super::geometry::{EVIDENCE, LEFT, RIGHT};
use super::overlay::bar;
use evidence::run::CaseResult;

/// An alarm or a warning with the spans in which it was active.
pub(crate) struct Raised {
    kind: AlarmKind,
    /// name in the style sheet, `alarm` or `warning`
    class: &'static str,
    spans: Vec<(Micros, Micros)>,
}

/// Spans of one lane; where there are more, those that are close together are drawn as one.
const SPANS: u64 = 400;

/// Alarms before warnings, each in the order of the document.
pub(crate) fn raised(case: &CaseResult) -> Vec<Raised> {
    let of = |channel, class| {
        let series = case.trace.series(channel);
        AlarmKind::ALL.into_iter().filter_map(move |kind| {
            let spans = spans(series, kind.bit(), case.length);
            (!spans.is_empty()).then_some(Raised { kind, class, spans })
        })
    };
    of(Channel::Alarms, "alarm").chain(of(Channel::Warnings, "warning")).collect()
}

fn spans(series: &Series, bit: u16, length: Micros) -> Vec<(Micros, Micros)> {
    let end = series.last_seen().unwrap_or(length).min(length);
    let near = Micros(length.0 / SPANS);
    let mut spans: Vec<(Micros, Micros)> = Vec::new();
    let points = series.points();
    for (at, &(from, mask)) in points.iter().enumerate() {
        if mask as u16 & bit == 0 {
            continue;
        }
        let to = points.get(at + 1).map_or(end, |next| next.0);
        match spans.last_mut() {
            Some(last) if from.since(last.1) <= near => last.1 = to,
            _ => spans.push((from, to)),
        }
    }
    spans
}

pub(crate) fn draw(out: &mut String, raised: &[Raised], length: Micros, top: f64) -> fmt::Result {
    for (row, Raised { kind, class, spans }) in raised.iter().enumerate() {
        let y = top + row as f64 * EVIDENCE;
        for &(from, to) in spans {
            let (a, b) = bar(from, to, length);
            write!(
                out,
                "<rect class=\"raised {class}\" x={a:.1} y={:.1} width={:.1} height={}><title>{class}: {kind}, {}</title></rect>",
                y + 3.0,
                b - a,
                EVIDENCE - 6.0,
                evidence::words::window(from, to)
            )?;
        }
    }
    Ok(())
}

/// What each lane is of, beside it.
pub(crate) fn names(out: &mut String, raised: &[Raised], top: f64) -> fmt::Result {
    if !raised.is_empty() {
        write!(out, "<text class=lane x={} y={:.1}>Alarms</text>", LEFT - 7.0, top + 10.0)?;
    }
    for (row, Raised { kind, class, .. }) in raised.iter().enumerate() {
        let y = top + row as f64 * EVIDENCE + 10.0;
        write!(out, "<text class=name x={} y={y:.1}>{kind} ({class})</text>", RIGHT + 14.0)?;
    }
    Ok(())
}

/// The lanes for `report.js`.
pub(crate) fn data(raised: &[Raised]) -> Value {
    let ms = |t: Micros| t.0 / 1000;
    let one = |r: &Raised| {
        let spans: Vec<_> = r.spans.iter().map(|&(from, to)| [ms(from), ms(to)]).collect();
        json!([r.kind.words(), r.class, spans])
    };
    raised.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_lasts_until_it_is_gone_or_nothing_is_heard() {
        let second = Micros::from_secs;
        let mut series = Series::default();
        let (high, low) = (1 << AlarmKind::HighVoltage as u16, 1 << AlarmKind::LowVoltage as u16);
        for (at, mask) in [(0, 0), (10, high), (20, high | low), (30, low), (90, low)] {
            series.push(second(at), f64::from(mask));
        }
        let of = |mask, length| spans(&series, mask, second(length));
        assert_eq!(of(high, 100), [(second(10), second(30))]);
        assert_eq!(of(low, 100), [(second(20), second(90))]);
        assert_eq!(of(1 << AlarmKind::General as u16, 100), []);
    }

    #[test]
    fn what_flickers_is_a_bounded_number_of_spans() {
        let mut series = Series::default();
        for at in 0..10_000 {
            series.push(Micros::from_secs(at), f64::from(u8::from(at % 2 == 0)));
        }
        let spans = spans(&series, 1, Micros::from_secs(10_000));
        assert!(spans.len() <= SPANS as usize, "{}", spans.len());
    }
}
