//! Which channels are drawn, in which panel and how: one table.

use judge::trace::Channel;

/// One panel of a figure; all panels share the time axis.
pub(crate) struct Panel {
    /// in words
    pub(crate) title: &'static str,
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
    /// lines, the most important last, so that it is drawn on top
    pub(crate) lines: &'static [Line],
}

/// One line of a panel.
pub(crate) struct Line {
    pub(crate) channel: Channel,
    pub(crate) name: &'static str,
    /// name in the style sheet
    pub(crate) class: &'static str,
    /// A limit or an offer, far off at times: it does not stretch the axis and is clipped.
    pub(crate) limit: bool,
}

const fn line(channel: Channel, name: &'static str, class: &'static str) -> Line {
    Line { channel, name, class, limit: false }
}

const fn limit(channel: Channel, name: &'static str, class: &'static str) -> Line {
    Line { channel, name, class, limit: true }
}

/// From top to bottom.
pub(crate) const PANELS: &[Panel] = &[
    Panel {
        title: "Voltage",
        unit: "V",
        per: 1.0,
        decimals: 2,
        height: 150.0,
        least: 0.8,
        zero: false,
        lines: &[
            line(Channel::BusVoltage, "DC bus", "bus"),
            line(Channel::PackVoltage, "Battery", "pack"),
            line(Channel::Cvl, "CVL", "cvl"),
        ],
    },
    Panel {
        title: "Cell voltage",
        unit: "V",
        per: 1.0,
        decimals: 3,
        height: 84.0,
        least: 0.05,
        zero: false,
        lines: &[
            line(Channel::MinCell, "Lowest cell", "low"),
            line(Channel::MaxCell, "Highest cell", "high"),
        ],
    },
    Panel {
        title: "Battery current, charging is positive",
        unit: "A",
        per: 1.0,
        decimals: 1,
        height: 96.0,
        least: 10.0,
        zero: true,
        lines: &[limit(Channel::Ccl, "CCL", "ccl"), line(Channel::PackCurrent, "Current", "current")],
    },
    Panel {
        title: "Power, export is negative",
        unit: "kW",
        per: 1000.0,
        decimals: 2,
        height: 112.0,
        least: 1.0,
        zero: true,
        lines: &[
            limit(Channel::PvAvailable, "PV available", "available"),
            line(Channel::AcLoads, "AC load", "load"),
            line(Channel::GridPower, "Grid", "grid"),
            line(Channel::PvPower, "PV", "pv"),
        ],
    },
    Panel {
        title: "State of charge",
        unit: "%",
        per: 1.0,
        decimals: 1,
        height: 52.0,
        least: 2.0,
        zero: false,
        lines: &[line(Channel::Soc, "SoC", "soc")],
    },
];
