//! How the lanes of the table of quantities are drawn, each in a panel, and below the first of them what a program told of
//! its inner state.

use std::borrow::Cow;

use evidence::run::Inner;
use proto::channel::{Channel, Lane, Row};

/// One panel of a figure; all panels share the time axis.
#[derive(Clone)]
pub(crate) struct Panel {
    /// what is drawn in it, by the table of quantities; nothing for the state of a program
    lane: Option<Lane>,
    /// in words
    pub(crate) title: Cow<'static, str>,
    /// unit of the axis and of the values
    pub(crate) unit: &'static str,
    /// what a value of the trace is divided by to get that unit
    pub(crate) per: f64,
    /// decimals that a value deserves
    pub(crate) decimals: usize,
    /// height in the figure
    pub(crate) height: f64,
    /// smallest span of the axis, so that noise does not fill the panel
    pub(crate) least: f64,
    /// whether zero belongs on the axis
    pub(crate) zero: bool,
    /// Whether values below half of the highest are of something that is off, such as a DC bus without a source: they
    /// are drawn at the foot of the panel and take no room from the others.
    pub(crate) off: bool,
}

impl Panel {
    /// Its lines by the table of quantities, the most important last, so that it is drawn on top: limits and offers
    /// first, then the others from the bottom of the table to its top.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &'static Row> {
        let of = |limit| {
            let rows = Channel::ALL.into_iter().rev().map(Channel::row);
            rows.filter(move |row| {
                row.lane.is_some_and(|(lane, _)| Some(lane) == self.lane) && row.is_limit == limit
            })
        };
        of(true).chain(of(false))
    }
}

/// What a line is called beside its panel.
pub(crate) fn name(line: &Row) -> &'static str {
    line.lane.map_or(line.words, |(_, name)| name)
}

/// The panel of one key of a program's state: as many decimals as its span deserves, texts as whole numbers.
pub(crate) fn of_state(inner: &Inner) -> Panel {
    let values = || inner.points.iter().map(|point| point.1);
    let (lowest, highest) =
        (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
    let whole = values().all(|value| value.fract().abs() <= 0.0);
    let decimals = match highest - lowest {
        _ if whole => 0,
        span if span < 1.0 => 3,
        span if span < 10.0 => 2,
        _ => 1,
    };
    let named = |(place, text): (usize, &String)| format!("{place} {text}");
    let texts: Vec<String> = inner.texts.iter().enumerate().map(named).collect();
    let texts = if texts.is_empty() { String::new() } else { format!(" ({})", texts.join(", ")) };
    Panel {
        lane: None,
        title: Cow::Owned(format!("State of the program: {}{texts}", inner.name)),
        unit: "",
        per: 1.0,
        decimals,
        height: 44.0,
        least: if whole { 1.0 } else { 10.0 * 10_f64.powi(-(decimals as i32)) },
        zero: false,
        off: false,
    }
}

/// From top to bottom.
pub(crate) const PANELS: &[Panel] = &[
    Panel {
        lane: Some(Lane::Voltage),
        title: Cow::Borrowed("Voltage"),
        unit: "V",
        per: 1.0,
        decimals: 2,
        height: 150.0,
        least: 0.8,
        zero: false,
        off: true,
    },
    Panel {
        lane: Some(Lane::Cells),
        title: Cow::Borrowed("Cell voltage"),
        unit: "V",
        per: 1.0,
        decimals: 3,
        height: 84.0,
        least: 0.05,
        zero: false,
        off: true,
    },
    Panel {
        lane: Some(Lane::Current),
        title: Cow::Borrowed("Battery current, charging is positive"),
        unit: "A",
        per: 1.0,
        decimals: 1,
        height: 96.0,
        least: 10.0,
        zero: true,
        off: false,
    },
    Panel {
        lane: Some(Lane::Power),
        title: Cow::Borrowed("Power, export is negative"),
        unit: "kW",
        per: 1000.0,
        decimals: 2,
        height: 112.0,
        least: 1.0,
        zero: true,
        off: false,
    },
    Panel {
        lane: Some(Lane::Charge),
        title: Cow::Borrowed("State of charge"),
        unit: "%",
        per: 1.0,
        decimals: 1,
        height: 52.0,
        least: 2.0,
        zero: false,
        off: false,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lane_has_a_panel_and_every_line_a_style() {
        let style = include_str!("report.css");
        for row in Channel::ALL.into_iter().map(Channel::row).filter(|row| row.lane.is_some()) {
            assert_eq!(PANELS.iter().flat_map(Panel::lines).filter(|l| l.channel == row.channel).count(), 1);
            assert!(style.contains(&format!(".l-{} ", row.class())), "{}", row.key);
        }
        let of_power: Vec<_> = PANELS[3].lines().map(name).collect();
        assert_eq!(of_power, ["PV available", "AC load", "Grid", "PV"]);
    }
}
