//! A case as the judges see it: its windows, its disturbances and how it ended.

use core::cell::OnceCell;
use core::fmt::Display;

use proto::channel::Instrument;
use proto::quantity::{Micros, Percent, Volts};
use proto::stimulus::Stimulus;

use super::Subject;
use super::fullness::takes_no_more;
use super::standing::Meters;
use crate::metrics::{Shift, Trip, headroom, imbalance, lowered_once, raised_once, trips};
use crate::recording::Recording;
use crate::thresholds::fixed::{
    AWAY, CONTROLS, CVL_STEP, HEARD, LIMITING, ONE_DISTURBANCE, PARTED, STANDSTILL, STIRRED, TO_REST,
};
use crate::thresholds::{Bound, Graded, Stands};
use crate::trace::{Channel, EventKind, Series, Trace, WaitResult};
use crate::verdict::{Evidence, Opinion};
use crate::window::{Window, about, bridged, common, heard, hours, mean, times, without};
use crate::wire::Terms;

/// A change of the world made by the suite.
#[derive(Debug, Clone)]
pub(super) struct Disturbance {
    /// first and last change of it
    pub(super) window: Window,
    /// what was changed
    pub(super) stimuli: Vec<Stimulus>,
}

/// The case.
pub(crate) struct Scene<'a> {
    pub(super) subject: &'a Subject<'a>,
    pub(super) trace: &'a Trace,
    pub(super) recording: &'a Recording,
    /// from the first to the last moment
    pub(super) whole: Window,
    /// when a suite marked it `full`
    marked: Option<Micros>,
    /// from the mark `full`, and from when on it takes no more charge, to the end
    pub(super) since_full: Option<Window>,
    /// the same after the battery came to rest
    pub(super) full: Option<Window>,
    pub(super) disturbances: Vec<Disturbance>,
    /// who is right of those who measure the battery, once that was asked
    pub(super) meters: OnceCell<Meters>,
}

impl<'a> Scene<'a> {
    pub(crate) fn new(subject: &'a Subject<'a>, recording: &'a Recording) -> Self {
        let trace = recording.trace();
        let whole = Window::new(Micros::ZERO, end(trace));
        let marked = trace.events.iter().find_map(|e| match &e.kind {
            EventKind::Mark(name) if name == "full" => Some(e.at),
            _ => None,
        });
        let since_full = marked
            .and_then(|at| takes_no_more(subject, trace, at, whole.to))
            .map(|at| Window::new(at, whole.to));
        let full =
            since_full.map(|w| Window::new(w.from + TO_REST, w.to)).filter(|w| w.length() > Micros::ZERO);
        let disturbances = disturbances(trace);
        let meters = OnceCell::new();
        Self { subject, trace, recording, whole, marked, since_full, full, disturbances, meters }
    }

    pub(super) fn series(&self, channel: Channel) -> &'a Series {
        self.trace.series(channel)
    }

    /// What of a case can be held against each other: nothing while a witness was silent.
    pub(super) fn known(&self, channels: &[Channel]) -> Vec<Window> {
        let witness =
            |channel: &&Channel| channel.row().source.instrument().is_some_and(Instrument::is_witness);
        let mut cuts = Vec::new();
        for series in channels.iter().filter(witness).map(|&channel| self.series(channel)) {
            cuts.extend(series.silences().iter().map(|&(from, to)| Window::new(from, to)));
            cuts.extend(series.last_seen().map(|last| Window::new(last + Series::SILENCE, self.whole.to)));
        }
        cuts.sort_unstable();
        without(self.whole, &cuts)
    }

    /// The time at full, or what is missing.
    pub(super) fn at_full(&self, opinion: &mut Opinion) -> Option<Window> {
        if self.full.is_none()
            && let Some(held) = self.held_down()
        {
            opinion.unclear(format!("the battery never gets full: {held}"));
        } else if self.since_full.is_none()
            && let Some(marked) = self.marked
        {
            let series = self.series(Channel::PackCurrent);
            let current = mean(series, &[Window::new(marked, self.whole.to)])
                .map_or_else(|| "an unknown current".to_owned(), |amps| format!("{amps:.0} A on average"));
            opinion.unclear(format!(
                "the battery was marked full at {}, but charge went on with {current} and CVL was not lowered: it was not full",
                about(marked)
            ));
        } else if self.full.is_none() {
            let why = self.cut_short().map_or_else(String::new, |why| format!(": {why}"));
            opinion.unclear(format!("the battery was not seen full for longer than 10 minutes{why}"));
        } else if let Some(short) = self.never_full() {
            opinion.unclear(format!("charge was stopped, but the battery never was full: {short}"));
            return None;
        }
        if let Some(still) = self.full.and_then(|full| self.stood_still(full)) {
            opinion.unclear(still);
        }
        self.full
    }

    /// That most of the time the inverter did not run, in words: then nothing was sold, charged or drawn, and no limit
    /// of the battery was put to the test. What is wrong all the same is wrong.
    fn stood_still(&self, full: Window) -> Option<String> {
        let still = times([self.series(Channel::InverterRunning)], full, |[runs]| runs < 0.5);
        let share = Percent(100.0 * hours(&still) / hours(&[full]));
        (share > STANDSTILL).then(|| {
            format!(
                "the inverter stood still for {share:.0} of the time at full: no limit was put to the test"
            )
        })
    }

    /// The parts of a window without what a disturbance stirs up.
    pub(super) fn quiet(&self, window: Window) -> Vec<Window> {
        let cuts: Vec<Window> =
            self.disturbances.iter().map(|d| Window::new(d.window.from, d.window.to + STIRRED)).collect();
        without(window, &cuts)
    }

    /// The parts in which CVL is near the battery voltage and so controls something. A CVL that jumps far above it
    /// and soon comes back controls all the same, or no swing would be seen that is wider than what counts as near.
    pub(super) fn near(&self, windows: &[Window]) -> Vec<Window> {
        let pair = [self.series(Channel::Cvl), self.series(Channel::PackVoltage)];
        let controls = self.subject.battery.of_system(Volts(CONTROLS)).0;
        let near = times(pair, self.whole, |[cvl, pack]| cvl - pack < controls);
        common(windows, &bridged(near, AWAY))
    }

    /// From the end of each disturbance to the beginning of the next, within a window.
    pub(super) fn after_disturbances(&self, within: Window) -> Vec<(&Disturbance, Window)> {
        let begins = self.disturbances.iter().skip(1).map(|d| d.window.from).chain([self.whole.to]);
        self.disturbances
            .iter()
            .zip(begins)
            .map(|(d, next)| (d, Window::new(d.window.to, next)))
            .filter(|(_, w)| within.contains(w.from) && w.to <= within.to)
            .collect()
    }

    /// The lowering of CVL and the rise of it that happen once among all steps of load and sun, and are no answer to any.
    pub(super) fn shifted_once(&self, within: Window) -> Vec<Shift> {
        let steps = self.after_disturbances(within).into_iter().filter(|(d, _)| d.is_step());
        let after_steps: Vec<Window> = steps.map(|(_, w)| w).collect();
        let (cvl, soc) = (self.series(Channel::Cvl), self.series(Channel::Soc));
        let lowered = lowered_once(cvl, within, &after_steps);
        lowered.into_iter().chain(raised_once(cvl, soc, within, &after_steps)).collect()
    }

    /// The windows in which the suite took the grid away, so that the loads pull the battery down. What comes after
    /// them does not count: a battery that was pulled down may well raise CVL to be charged again.
    pub(super) fn pulls(&self, within: Window) -> Vec<Window> {
        let grid = self.series(Channel::GridConnected);
        let lost = |w: &Window| grid.at(Micros(w.to.0.saturating_sub(1))).is_some_and(|on| on < 0.5);
        self.after_disturbances(within).into_iter().map(|(_, w)| w).filter(lost).collect()
    }

    /// Whether the channels were heard for 95 % of the windows; if not, that is a finding.
    pub(super) fn hears(&self, opinion: &mut Opinion, channels: &[Channel], windows: &[Window]) -> bool {
        let mut all = true;
        for &channel in channels {
            let share = heard(self.series(channel), windows);
            if share < HEARD {
                all = false;
                let heard = format!("{:.0} %", 100.0 * share);
                opinion.unclear(format!("{} was heard for only {heard} of the time", channel.words()));
                opinion.show(Evidence::fact(format!("time in which {} was heard", channel.words()), heard));
            }
        }
        all
    }

    /// A slow fault takes its time to show: less than 90 minutes of a full battery is a finding, whatever was
    /// switched meanwhile.
    pub(super) fn watched(&self, opinion: &mut Opinion, full: Window) {
        let needed = self.subject.thresholds.full_time.limit;
        if full.length() < needed {
            opinion.unclear(format!(
                "the full battery was seen for {} only, {needed} is needed",
                about(full.length())
            ));
        }
    }

    /// That the undisturbed part of the time at full is too short, in words.
    pub(super) fn too_short(&self, observed: Micros) -> String {
        let needed = self.subject.thresholds.observation.limit;
        format!("seen undisturbed for {} only, {needed} is needed", about(observed))
    }

    /// How far apart the cells were, in charge, when the battery was charged full.
    pub(super) fn imbalance(&self) -> Option<Percent> {
        let to = self.since_full.map_or(self.whole.to, |full| full.from + STIRRED);
        imbalance(self.trace, Window::new(self.whole.from, to), self.subject.battery.capacity)
    }

    /// What the frames of this case are held against.
    pub(super) fn terms(&self) -> Terms<'a> {
        Terms {
            battery: Some(self.subject.battery),
            cells: None,
            thresholds: self.subject.thresholds,
            certifying: true,
            untimed: None,
            alone: false,
        }
    }

    pub(super) fn waits(&self) -> impl Iterator<Item = (Micros, &'a WaitResult)> {
        self.trace.events.iter().filter_map(|e| match &e.kind {
            EventKind::Wait(wait) => Some((e.at, wait)),
            _ => None,
        })
    }

    /// M1: every trip in a window.
    pub(super) fn trips(&self, window: Window) -> Vec<Trip> {
        trips(self.trace, window, self.subject.battery.of_system(PARTED))
    }

    /// A threshold that is written for 48 V, as it is on the system of the battery.
    pub(super) fn of_system(&self, graded: Graded<Volts>) -> Graded<Volts> {
        let own = |volts| self.subject.battery.of_system(volts);
        // What a voltmeter is known to does not depend on the system.
        Graded { good: own(graded.good), limit: own(graded.limit), ..graded }
    }

    /// How far above the battery voltage a CVL still limits it: on every system what rounding may make of both.
    pub(super) fn limiting(&self) -> Volts {
        self.subject.battery.of_system(LIMITING).max(Volts(1.5 * CVL_STEP))
    }

    /// Why the case did not run to its end, if it did not.
    pub(super) fn cut_short(&self) -> Option<String> {
        let mut completed = false;
        for event in &self.trace.events {
            match &event.kind {
                EventKind::Completed => completed = true,
                EventKind::Aborted(why) => return Some(why.clone()),
                EventKind::DriverFault(failure) => return Some(failure.behind("instrument fault")),
                EventKind::Interlock { what, value, limit } => {
                    return Some(format!("{what} reached {value}, the rig allows {limit}"));
                }
                EventKind::Wait(w) if !w.met && w.requirement.is_none() => {
                    return Some(format!(
                        "{} did not come true within {} (line {}){}",
                        w.until,
                        w.allowed,
                        w.line,
                        self.obstructed(event.at, w)
                    ));
                }
                EventKind::Wait(w) if !w.met => {
                    return Some(format!(
                        "{} was expected within {} and did not come (line {})",
                        w.until, w.allowed, w.line
                    ));
                }
                _ => {}
            }
        }
        (!completed).then(|| "the recording breaks off".to_owned())
    }

    /// Holds a measured value, where less is better, against its threshold.
    pub(super) fn at_most<T: Bound>(
        opinion: &mut Opinion,
        what: &str,
        value: T,
        graded: Graded<T>,
        window: Window,
        complaint: &str,
    ) -> bool {
        let (shown, limit) = (shown(value), shortest::<LIMIT_DECIMALS>(graded.limit));
        let stands = graded.stands(value);
        let evidence = Evidence::fact(what, shown.clone()).against(format!("≤ {limit}")).within(window);
        let evidence = evidence.measured(value, graded);
        match stands {
            Stands::Within => {
                opinion.show(evidence);
                let remark = if value > graded.good {
                    format!(" (a good battery stays below {})", graded.good)
                } else {
                    String::new()
                };
                opinion.pass(format!("{what}: {shown}{remark}"));
            }
            Stands::Near => {
                opinion.prove(evidence);
                opinion.unclear(format!("{what}: {}", too_near(value, graded)));
            }
            Stands::Beyond => {
                opinion.prove(evidence);
                let shown = beyond(value, graded.limit);
                opinion.fail(format!("{complaint}: {shown}, at most {limit} is allowed"));
            }
        }
        stands == Stands::Within
    }

    /// M10: holds the highest cell of some windows against the declared voltage at which the battery disconnects; nothing where no
    /// cell was told.
    pub(super) fn keeps_cells_below(&self, opinion: &mut Opinion, windows: &[Window], over: Window) {
        let disconnects = self.subject.battery.cell_over_voltage;
        let graded = self.subject.thresholds.cell_margin;
        let Some(margin) = headroom(self.trace, windows, disconnects) else { return };
        let highest = disconnects - margin;
        let evidence = Evidence::fact("M10 highest cell", format!("{:.3} V", highest.0))
            .against(format!("≤ {:.3} V", (disconnects - graded.limit).0))
            .within(over)
            .measured(margin, graded);
        let below = format!(
            "the highest cell reached {:.3} V, {} below the {:.3} V at which the battery disconnects",
            highest.0,
            millivolts(margin),
            disconnects.0
        );
        match graded.stands(margin) {
            Stands::Within => {
                opinion.show(evidence);
            }
            Stands::Near => {
                opinion.prove(evidence);
                opinion.unclear(format!("{below}: {}", too_near(margin, graded)));
            }
            Stands::Beyond => {
                opinion.prove(evidence);
                opinion.fail(format!("{below}: at least {} are required", millivolts(graded.limit)));
            }
        }
    }
}

/// Why a figure so near to its limit decides nothing.
pub(super) fn too_near<T: Bound>(value: T, graded: Graded<T>) -> String {
    format!(
        "{}, where {} {} is asked for and the figure is known to ± {} {}: too near to decide",
        beyond(value, graded.limit),
        graded.sense.sign(),
        shortest::<LIMIT_DECIMALS>(graded.limit),
        shortest::<LIMIT_DECIMALS>(graded.band()),
        T::UNIT
    )
}

fn millivolts(volts: Volts) -> String {
    format!("{:.0} mV", volts.0 * 1000.0)
}

/// More than any table of limits has: a limit that is computed, such as one step of CVL over the cells, has many more.
const LIMIT_DECIMALS: usize = 5;

/// Two decimals are enough for a reader of a value.
pub(super) fn shown(value: impl Display) -> String {
    shortest::<2>(value)
}

/// A value with its own decimals, or with so many where it has more.
fn shortest<const DECIMALS: usize>(value: impl Display) -> String {
    let (plain, short) = (value.to_string(), format!("{value:.DECIMALS$}"));
    if plain.len() <= short.len() { plain } else { short }
}

/// A value as short as it still is told from the limit that it does not keep.
fn beyond<T: Display + Copy>(value: T, limit: T) -> String {
    let differ = (2..=9).find(|&digits| format!("{value:.digits$}") != format!("{limit:.digits$}"));
    match differ {
        Some(digits @ 3..) => format!("{value:.digits$}"),
        _ => shown(value),
    }
}

fn end(trace: &Trace) -> Micros {
    let last_event = trace.events.iter().map(|e| e.at).max();
    let last_sample = Channel::ALL.iter().filter_map(|&c| trace.series(c).last_seen()).max();
    last_event.max(last_sample).unwrap_or_default()
}

fn disturbances(trace: &Trace) -> Vec<Disturbance> {
    let mut out: Vec<Disturbance> = Vec::new();
    for event in &trace.events {
        let EventKind::Stimulus(stimulus) = &event.kind else { continue };
        match out.last_mut() {
            Some(last) if event.at.since(last.window.to) <= ONE_DISTURBANCE => {
                last.window.to = event.at;
                last.stimuli.push(*stimulus);
            }
            _ => out.push(Disturbance { window: Window::new(event.at, event.at), stimuli: vec![*stimulus] }),
        }
    }
    out
}

impl Disturbance {
    /// Whether loads or sun were switched.
    pub(super) fn is_step(&self) -> bool {
        self.stimuli.iter().any(|s| matches!(s, Stimulus::AcLoad(_) | Stimulus::Pv(_) | Stimulus::AcPv(_)))
    }
    /// Whether a load was switched.
    pub(super) fn is_load(&self) -> bool {
        self.stimuli.iter().any(|s| matches!(s, Stimulus::AcLoad(_)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_is_computed_is_told_in_few_digits() {
        assert_eq!(shortest::<LIMIT_DECIMALS>(0.011_250_000_000_000_001), "0.01125");
        assert_eq!(shortest::<LIMIT_DECIMALS>(0.03), "0.03");
    }
}
