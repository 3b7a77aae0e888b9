//! Whether CVL goes to and fro by itself, in what shape, and what makes it turn.

use proto::quantity::{Micros, Volts};

use super::fit::{quantile, spread};
use super::samples::{Part, Seen};
use crate::thresholds::fixed::CVL_STEP;

/// A CVL that goes to and fro while nothing outside is switched.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cycle {
    /// median time from one turn upwards to the next
    pub period: Micros,
    /// half of the distance between the quartiles of those times
    pub scatter: Micros,
    /// median height from turn to turn
    pub height: Volts,
    /// periods that were seen
    pub periods: usize,
    /// each half is one step: a relay
    pub relay: bool,
    /// median of the shorter half
    pub shorter: Micros,
    /// what makes it turn, where the evidence tells
    pub by: Option<Cause>,
    /// highest cell as CVL turns down, and as it turns up: medians
    pub turns: [Volts; 2],
    /// the wider of the two spreads of the highest cell at a turn
    pub scatter_of_cell: Volts,
    /// median of what the highest cell moves in a period
    pub cell: Volts,
}

/// What makes CVL turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// a clock: the period is constant, and the cells differ
    Clock,
    /// the highest cell, as it leaves a level
    Level,
}

/// A turn of CVL.
#[derive(Debug, Clone, Copy)]
struct Turn {
    /// s since the part began
    at: f64,
    up: bool,
    /// V, from the turn before
    height: f64,
    /// row before it
    row: usize,
}

/// A swing up to one step and a half of the wire is what a good integrator looks like.
const BAND: f64 = 1.5 * CVL_STEP;
/// One step of the wire counts where nothing larger turns.
const ONE_STEP: f64 = 0.5 * CVL_STEP;
/// So many periods make a cycle.
const FEWEST: usize = 6;

/// The cycle of these cases; nothing where CVL turns too seldom or at no steady pace.
pub(super) fn cycle(cases: &[Seen]) -> Option<Cycle> {
    beyond(cases, BAND).or_else(|| beyond(cases, ONE_STEP))
}

/// The cycle whose turns go beyond this band.
fn beyond(cases: &[Seen], band: f64) -> Option<Cycle> {
    let frame = cases.iter().map(|seen| seen.frame).fold(0.0, f64::max);
    let turned: Vec<(&Part, Vec<Turn>)> = cases
        .iter()
        .flat_map(|seen| &seen.quiet)
        .map(|part| (part, turns(part, band)))
        .filter(|(_, turns)| turns.len() >= 3)
        .collect();
    let mut periods: Vec<f64> = turned.iter().flat_map(|(_, turns)| periods(turns)).collect();
    let mut heights: Vec<f64> = turned.iter().flat_map(|(_, t)| t[1..].iter().map(|t| t.height)).collect();
    let (period, scatter) = (quantile(&mut periods, 0.5)?, spread(&mut periods)?);
    // What turns at no steady pace is driven by something else.
    if periods.len() < FEWEST || scatter > 0.25 * period {
        return None;
    }
    let cells = |up: bool| -> Vec<f64> {
        let of = |part: &Part, turn: &Turn| (turn.up == up).then(|| part.rows[turn.row].cell);
        turned.iter().flat_map(|(part, turns)| turns.iter().filter_map(move |turn| of(part, turn))).collect()
    };
    let (mut down, mut up) = (cells(false), cells(true));
    let mut ranges: Vec<f64> = turned.iter().flat_map(|(part, turns)| ranges(part, turns)).collect();
    let cell = quantile(&mut ranges, 0.5)?;
    let scatter_of_cell = spread(&mut down)?.max(spread(&mut up)?);
    let steady = scatter <= frame.max(0.002 * period);
    let height = quantile(&mut heights, 0.5)?;
    // One step to and fro is what any integrator before a quantiser does. A level is left by the same cell voltage each time; a cell that answers a clock may seem to do so too.
    let level = height > BAND && !steady && scatter_of_cell <= 0.15 * cell && scatter >= 0.05 * period;
    let several = turned.len() >= 2 || periods.len() >= 2 * FEWEST;
    Some(Cycle {
        period: micros(period),
        scatter: micros(scatter),
        height: Volts(height),
        periods: periods.len(),
        relay: is_relay(&turned),
        shorter: micros(shorter(&turned)?),
        by: if steady && several { Some(Cause::Clock) } else { level.then_some(Cause::Level) },
        turns: [Volts(quantile(&mut down, 0.5)?), Volts(quantile(&mut up, 0.5)?)],
        scatter_of_cell: Volts(scatter_of_cell),
        cell: Volts(cell),
    })
}

/// The median of the halves upwards or downwards, whichever are shorter, s.
fn shorter(turned: &[(&Part, Vec<Turn>)]) -> Option<f64> {
    let halves = |up: bool| -> Option<f64> {
        let pairs = turned.iter().flat_map(|(_, turns)| turns.windows(2)).filter(|pair| pair[0].up == up);
        quantile(&mut pairs.map(|pair| pair[1].at - pair[0].at).collect::<Vec<_>>(), 0.5)
    };
    Some(halves(true)?.min(halves(false)?))
}

fn micros(secs: f64) -> Micros {
    Micros((secs * 1e6).round() as u64)
}

/// Where CVL leaves its highest or lowest value to come back by more than the band.
fn turns(part: &Part, band: f64) -> Vec<Turn> {
    let mut turns: Vec<Turn> = Vec::new();
    let (mut value, mut extreme, mut leaves): (f64, f64, Option<(f64, usize)>) = (0.0, 0.0, None);
    let mut rising: Option<bool> = None;
    let mut last = 0.0;
    for edge in &part.edges {
        let before = value;
        value += edge.by;
        let up = rising.unwrap_or(edge.by > 0.0);
        rising.get_or_insert(up);
        let beyond = if up { value > extreme + 1e-6 } else { value < extreme - 1e-6 };
        if beyond {
            (extreme, leaves) = (value, None);
            continue;
        }
        if (before - extreme).abs() < 1e-6 || leaves.is_none() {
            leaves = Some((edge.at, edge.row));
        }
        if (value - extreme).abs() > band
            && let Some((at, row)) = leaves
        {
            turns.push(Turn { at, up: !up, height: (extreme - last).abs(), row });
            (last, extreme, rising, leaves) = (extreme, value, Some(!up), None);
        }
    }
    turns
}

fn periods(turns: &[Turn]) -> impl Iterator<Item = f64> {
    turns.windows(3).filter(|three| three[0].up).map(|three| three[2].at - three[0].at)
}

/// What the highest cell moves in each period.
fn ranges<'a>(part: &'a Part, turns: &'a [Turn]) -> impl Iterator<Item = f64> + 'a {
    turns.windows(3).map(|three| {
        let rows = &part.rows[three[0].row..=three[2].row];
        let fold = |(low, high): (f64, f64), cell: f64| (low.min(cell), high.max(cell));
        let (low, high) = rows.iter().map(|row| row.cell).fold((f64::INFINITY, f64::NEG_INFINITY), fold);
        high - low
    })
}

/// Whether most halves are one step that is nearly all of the height.
fn is_relay(turned: &[(&Part, Vec<Turn>)]) -> bool {
    let (mut halves, mut single) = (0, 0);
    for (part, turns) in turned {
        for pair in turns.windows(2) {
            halves += 1;
            let from = part.edges.partition_point(|edge| edge.at < pair[0].at);
            let within = part.edges[from..].iter().take_while(|edge| edge.at < pair[1].at);
            let largest = within.map(|e| e.by.abs()).fold(0.0, f64::max);
            single += usize::from(largest >= 0.8 * pair[1].height);
        }
    }
    halves > 0 && 4 * single >= 3 * halves
}
