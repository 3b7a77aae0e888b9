//! What CVL answers: battery voltage and current where they are moved from outside, and the highest cell.

use proto::quantity::{Amps, Micros, Ohms, Volts};

use super::clock::Clock;
use super::fit::{Fit, Sums, filtered, quantile};
use super::samples::{Part, STEP, Seen};
use crate::battery::Battery;
use crate::thresholds::fixed::CVL_STEP;

/// An answer of CVL to what moves the whole battery.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Follows {
    /// to the battery voltage: volts of CVL for a volt
    Voltage {
        /// V/V
        slope: f64,
        /// its standard error, V/V
        error: f64,
        /// until 63 % of the answer is there
        delay: Micros,
    },
    /// to the current, or to its discharge alone: volts of CVL for an ampere
    Current {
        /// as a resistance
        slope: Ohms,
        /// its standard error
        error: Ohms,
        /// only discharge counts
        discharge: bool,
    },
}

/// How CVL answers the highest cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Answer {
    /// the law
    pub law: CellLaw,
    /// time between updates that it was fitted with
    pub every: Micros,
    /// time constant of the filter on the cell that fits best; coarse: one of a few
    pub lag: Micros,
    /// share of what CVL does that it explains, 0 to 1
    pub explained: f64,
    /// updates it was fitted to
    pub updates: usize,
}

/// The kinds of answer to the highest cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum CellLaw {
    /// `CVL = a − K·cell`
    Proportional {
        /// K, V of CVL for a volt of the cell
        gain: f64,
        /// its standard error
        error: f64,
    },
    /// each update `ΔCVL = −Ki·(cell − level)`
    Integral {
        /// Ki, V of CVL for a volt of the cell, each update
        gain: f64,
        /// its standard error
        error: f64,
        /// where the cell is held
        level: Volts,
    },
}

/// Means are taken over so many rows before and after a step.
const BEFORE: usize = 30;
const AFTER: usize = 10;
/// When an answer is looked at, s after a step.
const LAGS: [usize; 8] = [0, 2, 5, 10, 20, 40, 60, 100];
/// The lag by which an answer is complete.
const COMPLETE: usize = 60;
/// The voltage must have been moved by so much on a 48 V system, as M12 asks.
const MOVED: f64 = 0.15;
/// So many steps say something.
const STEPS: usize = 4;

/// What one step did: [CVL, voltage, current, discharge] after each lag.
type Step = Vec<[f64; 4]>;

/// Whether CVL follows battery voltage or current where the suite moves them; nothing where it does not, or where voltage
/// and current explain it alike.
pub(super) fn follows(cases: &[Seen], battery: &Battery, clock: Option<Clock>) -> Option<Follows> {
    let least = battery.of_system(Volts(MOVED)).0;
    // What is looked at on a clock is half of its period old on average.
    let old = clock.map_or(0, |clock| (clock.period.secs() / 2.0 / STEP) as usize).min(LAGS[LAGS.len() - 4]);
    let steps: Vec<Step> = cases.iter().flat_map(|seen| steps(seen, least, old)).collect();
    if steps.len() < STEPS {
        return None;
    }
    let copied = copied(cases, least);
    let complete = LAGS.iter().position(|lag| *lag == COMPLETE)?;
    // Current stands while the voltage goes on sinking: together the last lags tell the two apart.
    let on = |what: usize| {
        zero(steps.iter().flat_map(|step| &step[complete - 1..]).map(|after| (after[what], after[0])))
    };
    let moved = (steps.iter().map(|step| step[complete][0].powi(2)).sum::<f64>() / steps.len() as f64).sqrt();
    let fits = [on(1), on(2), on(3)];
    let best = (0..3).max_by(|a, b| fits[*a].2.total_cmp(&fits[*b].2))?;
    let (slope, error, explained) = fits[best];
    let sure = slope > 0.0 && explained >= 0.85 && moved >= 2.0 * CVL_STEP && error <= 0.1 * slope;
    let rival =
        (0..3).filter(|other| (*other == 0) != (best == 0)).map(|other| fits[other].2).fold(0.0, f64::max);
    if let Some((slope, error)) = copied {
        let delay = clock.map_or(Micros::ZERO, |clock| clock.period);
        return Some(Follows::Voltage { slope, error, delay });
    }
    if !sure || explained - rival < 0.02 {
        return None;
    }
    if best > 0 {
        return Some(Follows::Current { slope: Ohms(slope), error: Ohms(error), discharge: best == 2 });
    }
    let reached = |lag: usize| zero(steps.iter().map(|step| (step[complete][1], step[lag][0]))).0;
    let later = (0..LAGS.len()).find(|lag| reached(*lag) >= 0.63 * slope)?;
    (slope >= 0.2).then(|| Follows::Voltage {
        slope,
        error,
        delay: Micros::from_secs(LAGS[later] as u64 + AFTER as u64 / 2),
    })
}

/// Where a step has moved the voltage: the line of each new CVL over the voltage just before it, if each lands on it to a step of
/// the wire. A limit of the cells rises there while the voltage sinks, or stands.
fn copied(cases: &[Seen], least: f64) -> Option<(f64, f64)> {
    const WITHIN: usize = 600;
    const LANDINGS: usize = 12;
    let (mut sums, mut count) = (Sums::default(), 0);
    for seen in cases {
        let mut landings: Vec<[f64; 3]> = Vec::new();
        for (k, &(place, row)) in seen.switched.iter().enumerate() {
            let Some(part) = seen.near.get(place) else { continue };
            let next =
                seen.switched.get(k + 1).filter(|next| next.0 == place).map_or(usize::MAX, |next| next.1);
            let until = next.min(row + WITHIN).min(part.rows.len().saturating_sub(1));
            if row == 0
                || until < row + BEFORE
                || (part.rows[row + BEFORE].pack - part.rows[row - 1].pack).abs() < least
            {
                continue;
            }
            let from = part.edges.partition_point(|edge| edge.row <= row);
            let edges = part.edges[from..].iter().take_while(|edge| edge.row < until);
            landings.extend(edges.map(|edge| [part.rows[edge.row].pack, 0.0, part.rows[edge.row + 1].cvl]));
        }
        count += landings.len();
        sums.group(landings.into_iter());
    }
    let fit = sums.one()?;
    let near = (fit.slope[0] - 1.0).abs() <= 0.1 && fit.explained >= 0.9;
    (count >= LANDINGS && near).then_some((fit.slope[0], fit.error[0]))
}

/// Slope of a line through zero, its standard error, and the share that it explains.
fn zero(points: impl Iterator<Item = (f64, f64)>) -> (f64, f64, f64) {
    let (n, xx, xy, yy) = points
        .fold((0.0, 0.0, 0.0, 0.0), |(n, xx, xy, yy), (x, y)| (n + 1.0, xx + x * x, xy + x * y, yy + y * y));
    if xx <= 1e-12 || yy <= 1e-12 {
        return (0.0, 0.0, 0.0);
    }
    let left: f64 = (yy - xy * xy / xx).max(0.0);
    let error = (left / f64::max(n - 1.0, 1.0) / xx).sqrt();
    (xy / xx, error, 1.0 - left / yy)
}

/// What each step of load, sun or grid did that moved the voltage; CVL answers what is so many rows `old`.
fn steps(seen: &Seen, least: f64, old: usize) -> Vec<Step> {
    let mut steps = Vec::new();
    for (k, &(place, row)) in seen.switched.iter().enumerate() {
        let Some(part) = seen.near.get(place) else { continue };
        let next =
            seen.switched.get(k + 1).filter(|next| next.0 == place).map_or(part.rows.len(), |next| next.1);
        // Of several at once the last one counts.
        let last = LAGS[LAGS.len() - 1] + AFTER;
        if next < row + last || row < BEFORE || part.rows.len() < row + last {
            continue;
        }
        let mean = |from: usize, count: usize| -> [f64; 4] {
            let rows = &part.rows[from..from + count];
            let sum = rows.iter().fold([0.0; 4], |s, r| {
                [s[0] + r.cvl, s[1] + r.pack, s[2] + r.current, s[3] + r.current.min(0.0)]
            });
            sum.map(|s| s / count as f64)
        };
        let first = seen.switched[..k].iter().rev().take_while(|b| b.0 == place && b.1 + BEFORE > row);
        let first = first.map(|before| before.1).min().unwrap_or(row).min(row);
        if first < BEFORE {
            continue;
        }
        let rest = mean(first - BEFORE, BEFORE);
        let step: Step = LAGS
            .iter()
            .map(|lag| {
                let (after, what) = (mean(row + lag, AFTER), mean(row + lag.saturating_sub(old), AFTER));
                core::array::from_fn(|k| if k == 0 { after[0] } else { what[k] } - rest[k])
            })
            .collect();
        let complete = step[LAGS.len() - 2];
        if complete[1].abs() >= least {
            steps.push(step);
        }
    }
    steps
}

/// Time constants that are tried, s.
const FILTERS: [f64; 12] = [0.0, 2.0, 5.0, 7.0, 10.0, 12.0, 15.0, 20.0, 25.0, 30.0, 45.0, 60.0];
/// Without a clock an update is looked at so often, s.
const UNCLOCKED: f64 = 10.0;
/// Bounds the work.
const UPDATES: usize = 40_000;

/// One update: the filtered cell with it, CVL before and after it.
#[derive(Debug, Clone, Copy)]
struct Update {
    cell: f64,
    before: f64,
    after: f64,
}

/// A law, the share that it explains, and the updates it was fitted to.
type Fitted = (CellLaw, f64, usize);

/// How CVL answers the highest cell, if a line explains it.
pub(super) fn answer(cases: &[Seen], clock: Option<Clock>) -> Option<Answer> {
    let every = clock.map_or(UNCLOCKED, |clock| clock.period.secs().max(STEP)).round();
    let bounds = bounds(cases)?;
    let tried = FILTERS.map(|lag| {
        let updates: Vec<Vec<Update>> = cases.iter().map(|seen| updates(seen, every, lag)).collect();
        (lag, updates)
    });
    let of = |(lag, law, explained, count): (f64, CellLaw, f64, usize)| Answer {
        law,
        every: Micros::from_secs(every as u64),
        lag: Micros::from_secs(lag as u64),
        explained,
        updates: count,
    };
    let best = |fits: &dyn Fn(&[Vec<Update>]) -> Option<Fitted>| {
        let all = tried.iter().filter_map(|(lag, updates)| {
            let (law, explained, count) = fits(updates)?;
            Some((*lag, law, explained, count))
        });
        all.max_by(|a, b| a.2.total_cmp(&b.2))
    };
    best(&|updates| proportional(updates, bounds))
        .or_else(|| best(&|updates| integral(updates, bounds)))
        .map(of)
}

/// The lowest and the highest CVL: at them it cannot answer.
fn bounds(cases: &[Seen]) -> Option<[f64; 2]> {
    let rows = cases.iter().flat_map(|seen| &seen.near).flat_map(|part| &part.rows);
    let (low, high) =
        rows.map(|row| row.cvl).fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    (high - low >= 3.0 * CVL_STEP).then_some([low, high])
}

/// The updates of a case.
fn updates(seen: &Seen, every: f64, lag: f64) -> Vec<Update> {
    let mut all = Vec::new();
    for part in &seen.near {
        let cells = filtered(part.rows.iter().map(|row| row.cell), STEP, lag);
        let rows = instants(part, ((every / STEP) as usize).max(1));
        all.extend(rows.windows(2).map(|pair| Update {
            // What is sent in the second of the change is what it was made of.
            cell: cells[pair[0] + 1],
            before: part.rows[pair[0]].cvl,
            after: part.rows[pair[1]].cvl,
        }));
    }
    let skip = all.len().saturating_sub(UPDATES);
    all.split_off(skip)
}

/// The rows before each update: where CVL changed, and else an update after the one before.
fn instants(part: &Part, stride: usize) -> Vec<usize> {
    let Some(first) = part.edges.first() else { return Vec::new() };
    let (mut edges, mut rows, mut row) = (part.edges.iter().peekable(), Vec::new(), first.row);
    while row + 1 < part.rows.len() {
        rows.push(row);
        while edges.next_if(|edge| edge.row <= row).is_some() {}
        // A frame carries a change a second late at most.
        let next = edges.peek().map(|edge| edge.row).filter(|edge| *edge <= row + stride + 1);
        row = next.unwrap_or(row + stride);
    }
    rows
}

/// `CVL = a − K·cell`, each case with an `a` of its own.
fn proportional(cases: &[Vec<Update>], [low, high]: [f64; 2]) -> Option<Fitted> {
    let free = |update: &&Update| update.after > low + 0.5 * CVL_STEP && update.after < high - 0.5 * CVL_STEP;
    let (mut own, mut shared, mut count) = (Sums::default(), Sums::default(), 0);
    for updates in cases {
        let rows = updates.iter().filter(free).map(|update| [update.cell, 0.0, update.after]);
        count += rows.clone().count();
        own.group(rows);
    }
    let all = cases.iter().flatten().filter(free).map(|update| [update.cell, 0.0, update.after]);
    let mut levels: Vec<i64> = all.clone().map(|row| (row[2] / CVL_STEP).round() as i64).collect();
    levels.sort_unstable();
    levels.dedup();
    shared.group(all);
    let (own, shared) = (own.one()?, shared.one()?);
    let gain = -own.slope[0];
    let agree = (shared.slope[0] / own.slope[0] - 1.0).abs() < 0.1;
    let sure =
        gain > 0.0 && own.error[0] <= 0.03 * gain && own.explained >= 0.9 && agree && levels.len() >= 5;
    (sure && count >= 30).then_some((
        CellLaw::Proportional { gain, error: own.error[0] },
        own.explained,
        count,
    ))
}

/// `ΔCVL = −Ki·(cell − level)`, on the side of the level on which it is more of a line: what protects acts downwards.
fn integral(cases: &[Vec<Update>], bounds: [f64; 2]) -> Option<Fitted> {
    let free: Vec<[f64; 3]> = cases
        .iter()
        .flatten()
        .filter(|update| !pinned(update, bounds))
        .map(|update| [update.cell, 0.0, update.after - update.before])
        .collect();
    let level = level(&free)?;
    let sides = [1.0, -1.0].map(|side| {
        let rows = free.iter().copied().filter(|row| (level - row[0]) * side > 0.0);
        one_sided(rows.collect())
    });
    sides.into_iter().flatten().max_by(|a, b| a.1.total_cmp(&b.1))
}

/// Whether CVL stood or came to stand at a bound.
fn pinned(update: &Update, bounds: [f64; 2]) -> bool {
    let at = |cvl: f64| bounds.iter().any(|bound| (cvl - bound).abs() < 0.5 * CVL_STEP);
    at(update.before) || at(update.after)
}

/// The cell voltage at which CVL neither rises nor falls on average.
fn level(rows: &[[f64; 3]]) -> Option<f64> {
    const BINS: usize = 20;
    let mut sorted: Vec<&[f64; 3]> = rows.iter().collect();
    sorted.sort_by(|a, b| a[0].total_cmp(&b[0]));
    let size = (sorted.len() / BINS).max(5);
    let means: Vec<[f64; 2]> = sorted
        .chunks_exact(size)
        .map(|bin| [0, 2].map(|k| bin.iter().map(|row| row[k]).sum::<f64>() / size as f64))
        .collect();
    let crossing = means.windows(2).find(|pair| pair[0][1] > 0.0 && pair[1][1] <= 0.0)?;
    let [a, b] = [crossing[0], crossing[1]];
    Some(a[0] + (b[0] - a[0]) * a[1] / (a[1] - b[1]))
}

/// The law on one side of the level.
fn one_sided(all: Vec<[f64; 3]>) -> Option<Fitted> {
    let mut sizes: Vec<f64> = all.iter().map(|row| row[2].abs()).collect();
    let most = quantile(&mut sizes, 0.95)?;
    // What moves by one step at most shows a clock and no gain.
    if most < 2.5 * CVL_STEP {
        return None;
    }
    let mut kept = all.clone();
    let mut last: Option<(Fit, [f64; 3])> = None;
    // Where it is held back by its largest step it is no line: what would be beyond is left out.
    for _ in 0..6 {
        if let Some((fit, mean)) = last {
            kept.clear();
            // Below half a step of the wire the first updates after a turn are lost in it.
            let told =
                |row: &&[f64; 3]| (0.5 * CVL_STEP..=0.8 * most).contains(&predicted(&fit, &mean, row).abs());
            kept.extend(all.iter().filter(told));
        }
        let mut sums = Sums::default();
        let mean = sums.group(kept.iter().copied())?;
        last = Some((sums.one()?, mean));
    }
    let (fit, mean) = last?;
    let gain = -fit.slope[0];
    // Where most updates are held back the rest is what noise let through.
    let enough = kept.len() >= 40 && 5 * kept.len() >= 2 * all.len();
    let sure = gain > 0.0 && fit.error[0] <= 0.1 * gain && enough && straight(&kept, &fit, &mean);
    let explained = explained(&all, |row| predicted(&fit, &mean, row).clamp(-most, most));
    (sure && explained >= EXPLAINED).then(|| {
        let level = Volts(mean[0] + mean[2] / gain);
        (CellLaw::Integral { gain, error: fit.error[0], level }, explained, kept.len())
    })
}

/// What a law of the cell alone must explain of the updates: with less there is more in it.
const EXPLAINED: f64 = 0.85;

/// The share of the variance of the updates that a law explains.
fn explained(rows: &[[f64; 3]], law: impl Fn(&[f64; 3]) -> f64) -> f64 {
    let mean = rows.iter().map(|row| row[2]).sum::<f64>() / rows.len().max(1) as f64;
    let whole: f64 = rows.iter().map(|row| (row[2] - mean).powi(2)).sum();
    let left: f64 = rows.iter().map(|row| (row[2] - law(row)).powi(2)).sum();
    1.0 - left / whole.max(1e-12)
}

fn predicted(fit: &Fit, mean: &[f64; 3], row: &[f64; 3]) -> f64 {
    mean[2] + fit.slope[0] * (row[0] - mean[0])
}

/// Whether the mean update over parts of the cell's range lies on the line: a ramp that runs by the clock and ends does not.
fn straight(rows: &[[f64; 3]], fit: &Fit, mean: &[f64; 3]) -> bool {
    const BINS: usize = 6;
    let mut sorted: Vec<&[f64; 3]> = rows.iter().collect();
    sorted.sort_by(|a, b| a[0].total_cmp(&b[0]));
    let size = sorted.len().div_ceil(BINS).max(1);
    let means: Vec<[f64; 2]> = sorted
        .chunks(size)
        .map(|bin| {
            let n = bin.len() as f64;
            let told = bin.iter().map(|row| predicted(fit, mean, row)).sum::<f64>() / n;
            [told, bin.iter().map(|row| row[2]).sum::<f64>() / n]
        })
        .collect();
    let middle = means.iter().map(|m| m[1]).sum::<f64>() / means.len() as f64;
    let left: f64 = means.iter().map(|m| (m[1] - m[0]).powi(2)).sum();
    let whole: f64 = means.iter().map(|m| (m[1] - middle).powi(2)).sum();
    means.len() >= BINS - 1 && whole > 0.0 && left <= 0.05 * whole
}

/// Ohmic part of the battery as the trace has it: what a step of current does to its voltage within seconds.
pub(super) fn resistance(cases: &[Seen], battery: &Battery) -> Option<Ohms> {
    let least = Amps(battery.capacity.0 * 0.05);
    let mut found: Vec<f64> = Vec::new();
    for part in cases.iter().flat_map(|seen| &seen.near) {
        found.extend(jumps(part, least));
    }
    (found.len() >= STEPS).then(|| quantile(&mut found, 0.5)).flatten().map(Ohms)
}

/// Each change of current within some seconds, as a resistance.
fn jumps(part: &Part, least: Amps) -> Vec<f64> {
    const WITHIN: usize = 6;
    const MOST: usize = 2000;
    let mut found = Vec::new();
    let mut row = 3;
    while row + WITHIN + 3 < part.rows.len() && found.len() < MOST {
        let mean = |from: usize, of: fn(&super::samples::Row) -> f64| {
            part.rows[from..from + 3].iter().map(of).sum::<f64>() / 3.0
        };
        let amps = mean(row + WITHIN, |r| r.current) - mean(row - 3, |r| r.current);
        if amps.abs() < least.0 {
            row += 1;
            continue;
        }
        found.push((mean(row + WITHIN, |r| r.pack) - mean(row - 3, |r| r.pack)) / amps);
        row += 4 * WITHIN;
    }
    found
}
