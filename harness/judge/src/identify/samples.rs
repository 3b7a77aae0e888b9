//! The trace as the identification sees it: the parts of a case in which CVL is near the battery voltage and nothing is
//! faked, once a second, with each change of CVL at its own time.

use proto::quantity::{Micros, Volts};
use proto::stimulus::Stimulus;

use crate::battery::Battery;
use crate::tampering::ECHO;
use crate::thresholds::fixed::{AWAY, CONTROLS, STIRRED};
use crate::trace::{Channel, EventKind, Trace};
use crate::window::{Window, bridged, common, stretches, times, without};

/// What holds over one second: CVL and battery voltage in V, current in A, highest cell in V.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) cvl: f64,
    pub(super) pack: f64,
    pub(super) current: f64,
    pub(super) cell: f64,
}

/// A change of CVL.
#[derive(Debug, Clone, Copy)]
pub(super) struct Edge {
    /// s since the part began
    pub(super) at: f64,
    /// V
    pub(super) by: f64,
    /// the last row before it
    pub(super) row: usize,
}

/// A stretch of a case without a gap.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) rows: Vec<Row>,
    pub(super) edges: Vec<Edge>,
}

/// What of one case is used.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    /// time between two frames, s
    pub(super) frame: f64,
    /// near the battery voltage, from the first mark `full` on or 10 minutes before, whatever the suite switches
    pub(super) near: Vec<Part>,
    /// of that what nothing stirs up
    pub(super) quiet: Vec<Part>,
    /// when the suite switched loads, sun or grid: place in `near`, row
    pub(super) switched: Vec<(usize, usize)>,
}

/// Rows of a part are so far apart, s.
pub(super) const STEP: f64 = 1.0;
/// Bounds the work on cases of days.
const LONGEST: Micros = Micros::from_secs(12 * 3600);
/// The approach to full counts from so long before it.
const APPROACH: Micros = Micros::from_secs(600);
/// A part of less says nothing.
const SHORTEST: Micros = Micros::from_secs(30);

impl Seen {
    /// Nothing where the battery was never full, or CVL, voltage, current or cells were not heard.
    pub(super) fn of(trace: &Trace, battery: &Battery) -> Option<Self> {
        let full = trace.events.iter().find_map(|event| match &event.kind {
            EventKind::Mark(name) if name == "full" => Some(event.at),
            _ => None,
        })?;
        let end = CHANNELS.iter().filter_map(|&channel| trace.series(channel).last_seen()).min()?;
        let from = Micros(full.0.saturating_sub(APPROACH.0));
        let whole = Window::new(from, end).last(LONGEST);
        let windows = near(trace, battery, whole);
        let quiet = windows.iter().flat_map(|&window| without(window, &stirred(trace))).collect::<Vec<_>>();
        let parts = |windows: &[Window]| -> Vec<Part> {
            let long = windows.iter().filter(|window| window.length() >= SHORTEST);
            long.filter_map(|&window| Part::of(trace, window)).collect()
        };
        let long: Vec<Window> = windows.into_iter().filter(|w| w.length() >= SHORTEST).collect();
        let switched = switches(trace)
            .filter_map(|at| {
                let place = long.iter().position(|window| window.contains(at))?;
                Some((place, (at.since(long[place].from).secs() / STEP) as usize))
            })
            .collect();
        Some(Self { frame: frame(trace), near: parts(&long), quiet: parts(&quiet), switched })
    }
}

impl Part {
    fn of(trace: &Trace, window: Window) -> Option<Self> {
        let series = CHANNELS.map(|channel| trace.series(channel));
        let mut rows = Vec::with_capacity((window.secs() / STEP) as usize + 1);
        let mut at = window.from;
        let mut first = None;
        for stretch in stretches(series, window) {
            first.get_or_insert(stretch.window.from);
            at = at.max(stretch.window.from);
            let [cvl, pack, current, cell] = stretch.values;
            while at < stretch.window.to {
                rows.push(Row { cvl, pack, current, cell });
                at += Micros::from_secs(STEP as u64);
            }
        }
        let first = first?;
        let points = series[0].points();
        let inside = points.windows(2).filter(|pair| pair[1].0 > first && pair[1].0 < window.to);
        let edges = inside.map(|pair| {
            let at = pair[1].0.since(first).secs();
            Edge { at, by: pair[1].1 - pair[0].1, row: ((at / STEP).ceil() as usize).saturating_sub(1) }
        });
        let edges = edges.filter(|edge| edge.row + 1 < rows.len()).collect();
        Some(Self { rows, edges })
    }

    /// Its length in hours.
    pub(super) fn hours(&self) -> f64 {
        self.rows.len() as f64 * STEP / 3600.0
    }
}

const CHANNELS: [Channel; 4] = [Channel::Cvl, Channel::PackVoltage, Channel::PackCurrent, Channel::MaxCell];

/// Where CVL is near the battery voltage or soon comes back there, the main switch is closed, and nothing is faked.
fn near(trace: &Trace, battery: &Battery, whole: Window) -> Vec<Window> {
    let pair = [trace.series(Channel::Cvl), trace.series(Channel::PackVoltage)];
    let controls = battery.of_system(Volts(CONTROLS)).0;
    let near = bridged(times(pair, whole, |[cvl, pack]| cvl - pack < controls), AWAY);
    let open = times([trace.series(Channel::Online)], whole, |[online]| online < 0.5);
    let mut cuts: Vec<Window> = trace
        .events
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::Stimulus(Stimulus::Silence { span, .. }) => {
                Some(Window::new(event.at, event.at + *span))
            }
            EventKind::Stimulus(Stimulus::Inject(fault)) => {
                Some(Window::new(event.at, event.at + fault.span))
            }
            _ => None,
        })
        .map(|cut| Window::new(cut.from, cut.to + ECHO))
        .chain(open)
        .chain(pair.iter().flat_map(|series| series.silences()).map(|&(from, to)| Window::new(from, to)))
        .collect();
    cuts.sort();
    common(&near, &without(whole, &cuts))
}

/// When the suite switched loads, sun or grid.
fn switches(trace: &Trace) -> impl Iterator<Item = Micros> {
    trace.events.iter().filter_map(|event| match &event.kind {
        EventKind::Stimulus(
            Stimulus::Pv(_)
            | Stimulus::AcPv(_)
            | Stimulus::AcLoad(_)
            | Stimulus::Grid(_)
            | Stimulus::GxWrite { .. },
        ) => Some(event.at),
        _ => None,
    })
}

/// What each stimulus stirs up.
fn stirred(trace: &Trace) -> Vec<Window> {
    let stimuli = trace.events.iter().filter(|event| matches!(event.kind, EventKind::Stimulus(_)));
    stimuli.map(|event| Window::new(event.at, event.at + STIRRED)).collect()
}

/// Time between two frames, s: the median between two changes of a current that is noisy as all are.
fn frame(trace: &Trace) -> f64 {
    const LOOKED_AT: usize = 2000;
    let of = |channel: Channel| {
        let points = trace.series(channel).points();
        let last = &points[points.len().saturating_sub(LOOKED_AT)..];
        let mut gaps: Vec<f64> = last.windows(2).map(|pair| pair[1].0.since(pair[0].0).secs()).collect();
        gaps.sort_by(f64::total_cmp);
        (gaps.len() >= 20).then(|| gaps[gaps.len() / 4])
    };
    let gaps = [Channel::PackCurrent, Channel::PackVoltage].into_iter().filter_map(of);
    gaps.fold(f64::INFINITY, f64::min).clamp(0.05, 10.0)
}
