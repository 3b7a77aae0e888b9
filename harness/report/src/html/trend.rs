//! A figure over the nights, as a small picture that needs no script.

use std::fmt::{self, Write};

use super::escape::Esc;
use super::scale;
use crate::history::changes::Past;
use crate::history::drift::Drift;
use evidence::words::trim;

const WIDTH: f64 = 300.0;
const HEIGHT: f64 = 64.0;
/// Room for the names of the lowest and the highest value.
const LEFT: f64 = 44.0;
const RIGHT: f64 = 10.0;

/// The nights of a drift: its band of usual values, a line where the firmware changed, tonight as a filled point.
pub(crate) fn trend(out: &mut String, drift: &Drift, nights: &[Past], now: &Past) -> fmt::Result {
    let values = || {
        drift
            .trend
            .iter()
            .map(|point| point.1)
            .chain([drift.usual - drift.spread, drift.usual + drift.spread])
    };
    let (lowest, highest) = (values().fold(f64::MAX, f64::min), values().fold(f64::MIN, f64::max));
    let (lo, hi) = scale::range(lowest, highest, 1e-9, false);
    let last = nights.len().max(1) as f64;
    let x = |night: usize| LEFT + (night as f64 / last) * (WIDTH - LEFT - RIGHT);
    let y = |value: f64| HEIGHT - 6.0 - (value - lo) / (hi - lo) * (HEIGHT - 12.0);
    write!(
        out,
        "<svg class=trend viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=img><title>{} over {} nights, from {} to {} {}</title>",
        Esc(&drift.name),
        drift.trend.len(),
        decimals(drift.trend[0].1),
        decimals(drift.now),
        Esc(&drift.unit)
    )?;
    let band = (y(drift.usual + drift.spread), y(drift.usual - drift.spread));
    write!(
        out,
        "<rect class=usual x={LEFT} y={:.1} width={:.1} height={:.1} />",
        band.0,
        WIDTH - LEFT - RIGHT,
        band.1 - band.0
    )?;
    let mut firmware = None;
    for (k, night) in nights.iter().chain([now]).enumerate() {
        if firmware.is_some_and(|before| before != &night.firmware) {
            let at = (x(k) + x(k - 1)) / 2.0;
            write!(
                out,
                "<path class=firmware d=\"M{at:.1} 2V{:.1}\"><title>firmware {}</title></path>",
                HEIGHT - 2.0,
                Esc(&night.firmware)
            )?;
        }
        firmware = Some(&night.firmware);
    }
    let path: String = drift
        .trend
        .iter()
        .enumerate()
        .map(|(k, &(night, value))| {
            format!("{}{:.1} {:.1}", if k == 0 { 'M' } else { 'L' }, x(night), y(value))
        })
        .collect();
    write!(out, "<path class=\"l-battery-cvl\" d=\"{path}\"/>")?;
    for &(night, value) in &drift.trend {
        let tonight = night == nights.len();
        let (class, radius) = if tonight { ("point tonight", 4.0) } else { ("point", 2.0) };
        write!(out, "<circle class=\"{class}\" cx={:.1} cy={:.1} r={radius} />", x(night), y(value))?;
    }
    let seen = |best: fn(f64, f64) -> f64| drift.trend.iter().map(|point| point.1).reduce(best);
    for value in [seen(f64::max), seen(f64::min)].into_iter().flatten() {
        write!(out, "<text class=tick x={} y={:.1}>{}</text>", LEFT - 6.0, y(value) + 4.0, decimals(value))?;
    }
    out.push_str("</svg>");
    Ok(())
}

/// As many digits as a reader compares.
pub(crate) fn decimals(value: f64) -> String {
    let digits = match value.abs() {
        v if v >= 1000.0 => 0,
        v if v >= 100.0 => 1,
        v if v >= 10.0 => 2,
        _ => 3,
    };
    trim(value, digits)
}
