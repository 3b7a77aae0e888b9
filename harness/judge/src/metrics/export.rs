//! M8: how steadily PV is fed into the grid, and how soon again after a step.

use proto::quantity::{Micros, Percent, Watts};

use crate::thresholds::fixed::{
    AFTER_SCAN, AFTERMATH, BEFORE_SCAN, BETWEEN_SCANS, CVL_STEP, EXPORT_FOLLOWS, LONGEST_SCAN, ONE_SCAN,
    RIPPLES, SCAN, SETTLED_LEAST, SETTLED_SHARE, STEADY,
};
use crate::trace::{Channel, Trace};
use crate::window::{Stretch, Trend, Window, bridged, common, extremes, mean, stretches, times, without};

/// How steady the export is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ripple {
    /// spread of the exported power over its mean
    pub share: Percent,
    /// mean exported power
    pub exported: Watts,
    /// tracker scans that were left out
    pub scans: usize,
}

/// M8: spread of the exported power over its mean, pooled over windows without steps: each stretch of 10 minutes about a line
/// of its own. Nothing where less than `least` is exported on average. *"Solar power is fed back into the grid, in a
/// stable manner"* (P 1.5.3.1).
#[must_use]
pub fn ripple(trace: &Trace, windows: &[Window], least: Watts) -> Option<Ripple> {
    let grid = trace.series(Channel::GridPower);
    let (mut variance, mut sum, mut secs, mut scans) = (0.0, 0.0, 0.0, 0);
    for &window in windows {
        let (steady, left_out) = without_scans(trace, window);
        scans += left_out;
        for part in window.parts(RIPPLES) {
            let levels = levels(trace, part, &common(&steady, &[part]));
            for line in levels.iter().filter_map(|level| Trend::of(grid, level)) {
                variance += line.spread * line.secs;
                sum -= line.mean * line.secs;
                secs += line.secs;
            }
        }
    }
    let exported = sum / secs;
    let share = Percent(100.0 * (variance / secs).sqrt() / exported);
    (secs > 0.0 && exported >= least.0).then_some(Ripple { share, exported: Watts(exported), scans })
}

/// How the export settled after one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settling {
    /// from the step to the next one, or until CVL falls by itself
    pub window: Window,
    /// from the step until the power stays near its final value
    pub time: Micros,
    /// mean power towards its end, positive from the grid
    pub settled: Watts,
    /// tracker scans that were left out
    pub scans: usize,
}

/// M8, M10: time from the start of `window` until grid power stays, for 60 s, within ±5 % (at least ±150 W) of its
/// mean over the last 60 s of the window, which ends where CVL begins a course of its own. Nothing where the window is
/// shorter than 2 min, CVL was on that course before it, or the grid power is unknown.
#[must_use]
pub fn settling(trace: &Trace, window: Window) -> Option<Settling> {
    if window.length() < AFTERMATH {
        return None;
    }
    let window = Window::new(window.from, own_course(trace, window));
    if window.length() == Micros::ZERO {
        return None;
    }
    let grid = trace.series(Channel::GridPower);
    let (mut calm, scans) = without_scans(trace, window);
    let late =
        |pair: &[Window]| pair[0].to + AFTERMATH > window.to && pair[0].to.since(window.from) >= AFTERMATH;
    if let Some(scan) = calm.windows(2).position(late) {
        calm.truncate(scan + 1);
    }
    let to = calm.last().map_or(window.to, |w| w.to);
    let end = Window::new(window.from, to).last(STEADY);
    let tail: Vec<Window> = calm.iter().filter_map(|w| w.overlap(end)).collect();
    let settled = mean(grid, &tail)?;
    let band = (settled.abs() * SETTLED_SHARE).max(SETTLED_LEAST);
    let at_most = one_step(trace, window).map_or(window.to, |since| since + EXPORT_FOLLOWS);
    let mut since = window.from;
    for outside in calm
        .iter()
        .flat_map(|&w| stretches([grid], w))
        .filter(|s| (s.values[0] - settled).abs() > band && s.window.from < at_most)
    {
        if outside.window.from.since(since) >= STEADY {
            break;
        }
        since = outside.window.to.min(at_most);
    }
    let time = since.since(window.from);
    Some(Settling { window, time, settled: Watts(settled), scans })
}

/// When CVL begins a course of its own, or the end of the window: it stood still for two minutes after the step, and then does
/// nothing but fall, as from absorption to float. What follows is no answer to the step. Where it fell before the step too,
/// at that pace or faster, it was on that course all the time.
fn own_course(trace: &Trace, window: Window) -> Micros {
    let cvl = trace.series(Channel::Cvl);
    let before = Window::new(Micros(window.from.0.saturating_sub(AFTERMATH.0)), window.from);
    let falls = |parts: &[Stretch<1>]| {
        parts.windows(2).all(|pair| pair[1].values[0] - pair[0].values[0] < CVL_STEP / 2.0)
    };
    let parts: Vec<_> = stretches([cvl], window).collect();
    if !falls(&parts) {
        return window.to;
    }
    let fallen = |within: Window| {
        let parts: Vec<_> = stretches([cvl], within).collect();
        let volts =
            parts.first().zip(parts.last()).map_or(0.0, |(first, last)| first.values[0] - last.values[0]);
        falls(&parts).then_some(volts)
    };
    let after = Window::new(window.from, window.from + AFTERMATH);
    if let Some((before, after)) = fallen(before).zip(fallen(after))
        && before > CVL_STEP / 2.0
        && after < before + 1.5 * CVL_STEP
    {
        return window.from;
    }
    let first = parts.windows(2).find(|pair| (pair[1].values[0] - pair[0].values[0]).abs() > CVL_STEP / 2.0);
    first.map(|pair| pair[1].window.from).filter(|at| at.since(window.from) >= AFTERMATH).unwrap_or(window.to)
}

/// Since when CVL stands still or moves by one step at most, until the end of the window; nothing where it is unknown.
fn one_step(trace: &Trace, window: Window) -> Option<Micros> {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    let mut since = None;
    let parts: Vec<_> = stretches([trace.series(Channel::Cvl)], window).collect();
    for part in parts.iter().rev() {
        (low, high) = (low.min(part.values[0]), high.max(part.values[0]));
        // Decimals of the wire are binary fractions.
        if high - low > CVL_STEP * 1.001 {
            break;
        }
        since = Some(part.window.from);
    }
    since
}

/// The parts of a window that have a line of their own: one for each of the two values of CVL, where it moves by one
/// step of the wire, and else all of it.
fn levels(trace: &Trace, window: Window, steady: &[Window]) -> Vec<Vec<Window>> {
    let cvl = trace.series(Channel::Cvl);
    if one_step(trace, window) != Some(window.from) {
        return vec![steady.to_vec()];
    }
    let Some((low, high)) = extremes(cvl, &[window]) else { return vec![steady.to_vec()] };
    let middle = (low + high) / 2.0;
    let at = |upper: bool| common(steady, &times([cvl], window, |[v]| (v > middle) == upper));
    vec![at(true), at(false)]
}

/// A window without the scans of the tracker, and how many they were.
fn without_scans(trace: &Trace, window: Window) -> (Vec<Window>, usize) {
    let scans: Vec<Window> = dips(trace, window)
        .into_iter()
        .map(|w| Window::new(Micros(w.from.0.saturating_sub(BEFORE_SCAN.0)), w.to + AFTER_SCAN))
        .collect();
    (without(window, &scans), scans.len())
}

/// The dips of PV power within a window that are as short and as rare as the scans of a tracker.
pub(super) fn dips(trace: &Trace, window: Window) -> Vec<Window> {
    let pv = trace.series(Channel::PvPower);
    let Some(usual) = mean(pv, &[window]) else { return Vec::new() };
    let dips = bridged(times([pv], window, |[p]| p < usual * SCAN), ONE_SCAN);
    let alone = |k: usize| {
        let soon = |a: usize, b: usize| match (dips.get(a), dips.get(b)) {
            // What the step at the start of the window stirs up says nothing of the scan that happens to follow.
            (Some(a), _) if a.from.since(window.from) < LONGEST_SCAN => false,
            (Some(a), Some(b)) => b.from.since(a.from) < BETWEEN_SCANS,
            _ => false,
        };
        !soon(k.wrapping_sub(1), k) && !soon(k, k + 1)
    };
    let brief = |&(k, w): &(usize, &Window)| w.length() <= LONGEST_SCAN && alone(k);
    dips.iter().enumerate().filter(brief).map(|(_, w)| *w).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn s(t: u64) -> Micros {
        Micros::from_secs(t)
    }
    fn w(from: u64, to: u64) -> Window {
        Window::new(s(from), s(to))
    }
    fn exporting(f: impl Fn(u64) -> f64) -> Trace {
        let mut t = Trace::default();
        for at in 0..3600 {
            t.push(Channel::GridPower, s(at), -f(at));
            t.push(Channel::PvPower, s(at), 3000.0);
        }
        t
    }

    /// ±300 W on 3 kW is 10 %, of which a line through ten minutes takes the 2400th part: by hand.
    #[test]
    fn a_known_ripple() {
        let t = exporting(|at| if at / 10 % 2 == 0 { 3300.0 } else { 2700.0 });
        let found = ripple(&t, &[w(0, 3600)], Watts(300.0)).expect("it exports");
        assert!((found.share.0 - 10.0 * (1.0f64 - 1.0 / 1200.0).sqrt()).abs() < 1e-9, "{found:?}");
        assert!((found.exported.0 - 3000.0).abs() < 1e-6);
        assert_eq!(found.scans, 0);
    }

    #[test]
    fn different_levels_are_no_ripple() {
        let t = exporting(|at| if at < 1800 { 3000.0 } else { 500.0 });
        let found = ripple(&t, &[w(0, 1800), w(1800, 3600)], Watts(300.0)).expect("it exports");
        assert!(found.share.0 < 1e-6, "{found:?}");
    }

    /// A taper, a step, and what relaxes after it are no ripple, however large; nor is what swings in hours, which CVL-04 finds.
    #[rstest]
    #[case::a_taper(|at| 3000.0 - at as f64 / 3.0, 1.0)]
    #[case::one_step(|at| if at < 1600 { 3000.0 } else { 2000.0 }, 5.0)]
    #[case::what_relaxes(|at| 2000.0 + 1000.0 * (-(at as f64) / 1200.0).exp(), 1.0)]
    #[case::in_an_hour(|at| 3000.0 + 500.0 * (at as f64 * core::f64::consts::TAU / 3600.0).sin(), 1.0)]
    fn slow_changes_are_no_ripple(#[case] power: fn(u64) -> f64, #[case] most: f64) {
        let found = ripple(&exporting(power), &[w(0, 3600)], Watts(300.0)).expect("it exports");
        assert!(found.share.0 < most, "{found:?}");
    }

    /// ±500 W on 3 kW.
    #[rstest]
    #[case(20.0)]
    #[case(60.0)]
    #[case(200.0)]
    #[case(400.0)]
    fn what_swings_in_minutes_is_ripple(#[case] period: f64) {
        let power = |at: u64| 3000.0 + 500.0 * (at as f64 * core::f64::consts::TAU / period).sin();
        let found = ripple(&exporting(power), &[w(0, 3600)], Watts(300.0)).expect("it exports");
        assert!((10.0..12.0).contains(&found.share.0), "{found:?}");
    }

    #[test]
    fn no_export_says_nothing() {
        assert_eq!(ripple(&exporting(|_| 50.0), &[w(0, 3600)], Watts(300.0)), None);
        assert_eq!(ripple(&Trace::default(), &[w(0, 3600)], Watts(300.0)), None);
    }

    /// PV dips for 4 s again and again, and the inverter follows for another 5 s.
    fn dipping(every: impl Fn(u64) -> u64) -> Trace {
        let (mut t, mut next) = (Trace::default(), 20);
        for at in 0..3600 {
            if at == next + 9 {
                next += every(at);
            }
            let dip = if (next..next + 4).contains(&at) { 0.1 } else { 1.0 };
            t.push(Channel::PvPower, s(at), 3000.0 * dip);
            t.push(Channel::GridPower, s(at), if (next..next + 9).contains(&at) { -1500.0 } else { -3000.0 });
        }
        t
    }

    /// A tracker scan every 10 minutes, every minute, and every minute as polls blur it.
    #[rstest]
    #[case(|_| 600, 6)]
    #[case(|_| 60, 60)]
    #[case(|at| 58 + at / 7 % 4, 60)]
    fn scans_of_the_tracker_are_left_out(#[case] every: fn(u64) -> u64, #[case] scans: usize) {
        let found = ripple(&dipping(every), &[w(0, 3600)], Watts(300.0)).expect("it exports");
        assert!(found.share.0 < 1.0, "{found:?}");
        assert!(found.scans.abs_diff(scans) <= 2, "{found:?}");
    }

    /// A battery whose CVL rings makes PV dip as deep and as short as a scan does, only more often.
    #[rstest]
    #[case(20)]
    #[case(40)]
    #[case(55)]
    fn dips_that_come_too_soon_are_ripple(#[case] every: u64) {
        let t = dipping(|_| every);
        let found = ripple(&t, &[w(0, 3600)], Watts(300.0)).expect("it exports");
        assert!(found.share.0 > 10.0, "{found:?}");
        assert_eq!(found.scans, 0);
        assert!(settling(&t, w(0, 300)).expect("long enough").time > s(200));
    }

    /// The step itself makes PV dip, and half a minute later the tracker happens to scan.
    #[test]
    fn a_scan_soon_after_a_step_is_left_out() {
        let with = |more: &[u64]| {
            let mut t = Trace::default();
            for at in 0..300u64 {
                let low = at < 4 || more.iter().any(|&m| (m..m + 3).contains(&at));
                t.push(Channel::PvPower, s(at), if low { 1000.0 } else { 3000.0 });
                t.push(Channel::GridPower, s(at), if low { -1000.0 } else { -3000.0 });
            }
            settling(&t, w(0, 300)).expect("long enough").time
        };
        assert!(with(&[50]) < s(20));
        assert!(with(&[30, 50, 70, 90, 110]) > s(100), "what goes on is ringing");
    }

    /// The export settles at once; 80 s before the end the tracker scans, and for a minute the battery takes back what
    /// it gave.
    #[test]
    fn what_a_late_scan_leaves_behind_is_not_the_final_value() {
        let mut t = Trace::default();
        for at in 0..300u64 {
            t.push(Channel::PvPower, s(at), if (220..223).contains(&at) { 1000.0 } else { 3000.0 });
            t.push(Channel::GridPower, s(at), if at < 220 { -3000.0 } else { -2600.0 });
        }
        let found = settling(&t, w(0, 300)).expect("long enough");
        assert_eq!((found.time, found.settled), (Micros::ZERO, Watts(-3000.0)));
    }

    /// One scan that two polls saw as two dips is one.
    #[test]
    fn a_scan_in_two_parts_is_one() {
        let mut t = Trace::default();
        for at in 0..600 {
            let low = at == 300 || at == 302;
            t.push(Channel::PvPower, s(at), if low { 1000.0 } else { 3000.0 });
            t.push(Channel::GridPower, s(at), if low { -1000.0 } else { -3000.0 });
        }
        let found = ripple(&t, &[w(0, 600)], Watts(300.0)).expect("it exports");
        assert!(found.scans == 1 && found.share.0 < 1e-6, "{found:?}");
    }

    #[test]
    fn a_known_settling_time() {
        let t = exporting(|at| if at < 45 { 3000.0 } else { 500.0 });
        let found = settling(&t, w(0, 300)).expect("long enough");
        assert_eq!(found.time, s(45));
        assert!((found.settled.0 + 500.0).abs() < 1e-6);
        assert_eq!(settling(&t, w(0, 60)), None, "too short to say");
    }

    /// CVL goes to and fro by `step` every 40 s, and 600 W with it.
    fn to_and_fro(step: f64) -> Trace {
        let mut t = Trace::default();
        for at in 0..3600 {
            let up = at / 40 % 2 == 0;
            t.push(Channel::Cvl, s(at), if up { 55.0 + step } else { 55.0 });
            t.push(Channel::GridPower, s(at), if up { -2700.0 } else { -3300.0 });
            t.push(Channel::PvPower, s(at), 3500.0);
        }
        t
    }

    /// One step of the wire is no swing of the battery; two are.
    #[test]
    fn one_step_of_cvl_to_and_fro_is_no_ripple() {
        let share =
            |step| ripple(&to_and_fro(step), &[w(0, 3600)], Watts(300.0)).expect("it exports").share.0;
        assert!(share(0.1) < 1e-6 && share(0.2) > 9.9, "{} {}", share(0.1), share(0.2));
        let time = |step| settling(&to_and_fro(step), w(0, 300)).expect("long enough").time;
        assert!(time(0.1) <= s(40) && time(0.2) > s(200), "{} {}", time(0.1), time(0.2));
    }

    /// Long after a step of load CVL moves once by `step`, and 600 W with it: where it stood still until then, the step of load is
    /// answered; where it rises, or moved `before`, it is an answer.
    #[rstest]
    #[case::one_step_of_the_wire(0.1, 0.0, s(20))]
    #[case::a_fall(0.8, 0.0, s(20))]
    #[case::a_rise_of_one_step(-0.1, 0.0, EXPORT_FOLLOWS)]
    #[case::a_rise(-0.2, 0.0, s(240))]
    #[case::again(0.2, 0.1, s(240))]
    fn a_late_step_of_cvl(#[case] step: f64, #[case] before: f64, #[case] settled: Micros) {
        let mut t = exporting(|at| if at < 20 { 900.0 } else { 3000.0 - if at < 240 { 600.0 } else { 0.0 } });
        let first = |at| 55.0 - if at < 60 { 0.0 } else { before };
        (0..3600).for_each(|at| t.push(Channel::Cvl, s(at), first(at) - if at < 240 { 0.0 } else { step }));
        assert_eq!(settling(&t, w(0, 300)).expect("long enough").time, settled);
    }

    /// CVL is on its way down by 0.1 V a minute, and the export with it, when the load steps: its fall does not answer the step. Where it
    /// stood still before, or goes faster from then on, it is.
    #[rstest]
    #[case::on_its_way(600, 0.1, None)]
    #[case::it_begins_with_the_step(300, 0.1, Some(true))]
    #[case::faster_from_the_step(600, 0.3, Some(true))]
    fn a_way_down_that_began_before_the_step(
        #[case] since: u64,
        #[case] then: f64,
        #[case] expected: Option<bool>,
    ) {
        let minutes = |from: u64, to: u64| (to.saturating_sub(from) / 60) as f64;
        let cvl = |at: u64| 0.1 * minutes(900 - since, at.min(600)) + then * minutes(600, at);
        let mut t = exporting(|at| 1500.0 + 3000.0 * cvl(at));
        (0..3600).for_each(|at| t.push(Channel::Cvl, s(at), 56.0 - cvl(at)));
        let found = settling(&t, w(600, 900));
        assert_eq!(found.map(|found| found.time > s(120)), expected, "{found:?}");
    }

    /// What swings at a constant CVL is not the battery's step.
    #[test]
    fn ripple_without_steps_of_cvl_counts() {
        let mut t = exporting(|at| if at / 10 % 2 == 0 { 3300.0 } else { 2700.0 });
        (0..3600).for_each(|at| t.push(Channel::Cvl, s(at), 55.0));
        assert!(ripple(&t, &[w(0, 3600)], Watts(300.0)).expect("it exports").share.0 > 9.9);
    }

    /// The edge of a tracker scan, caught by one poll, long after the export settled.
    #[test]
    fn a_blip_after_settling_is_not_settling() {
        let t = exporting(|at| if at < 20 || at == 290 { 3000.0 } else { 500.0 });
        assert_eq!(settling(&t, w(0, 300)).expect("long enough").time, s(20));
    }

    #[test]
    fn what_never_settles_takes_all_the_time() {
        let t = exporting(|at| if at / 20 % 2 == 0 { 3300.0 } else { 2700.0 });
        let found = settling(&t, w(0, 300)).expect("long enough");
        assert!(found.time >= s(280), "{found:?}");
    }
}
