//! An aggregator of two packs in series, each with a management system of its own that it asks in turn: what it knows of
//! one is older than what it knows of the other, and CVL is that of the pack that wants less, for both.

use proto::quantity::{Micros, Volts};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{followed, to_wire};
use crate::bms::params::{ParamsError, positive, positive_time};
use crate::bms::view::{LowPass, View};

/// Numbers of the strategy.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SeriesPacksParams {
    /// CVL of a pack while charging, for one cell
    pub bulk: Volts,
    /// the lowest it ever is, for one cell
    pub floor: Volts,
    /// the most that a cell may have
    pub limit: Volts,
    /// with the highest cell of a pack below this its CVL rises again
    pub rise_below: Volts,
    /// volts of a pack's CVL for a volt that its highest cell is above the limit, each time it is asked
    pub gain: f64,
    /// by how much its CVL rises, each time it is asked
    pub rise: Volts,
    /// time between two questions; each pack is asked every other time
    pub period: Micros,
}

impl SeriesPacksParams {
    pub(in crate::bms) fn check(&self) -> Result<(), ParamsError> {
        ParamsError::order("series-packs.floor", self.floor, "series-packs.bulk", self.bulk)?;
        ParamsError::order("series-packs.rise-below", self.rise_below, "series-packs.limit", self.limit)?;
        positive("series-packs.floor", self.floor.0)?;
        positive("series-packs.gain", self.gain)?;
        positive("series-packs.rise", self.rise.0)?;
        positive_time("series-packs.period", self.period)
    }
}

/// The strategy at work.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::bms) struct SeriesPacks {
    params: SeriesPacksParams,
    /// what each pack wants, V per cell
    wanted: [f64; 2],
    /// the highest cell of each pack
    highest: [LowPass; 2],
    asked: usize,
    cvl: Option<f64>,
    next_question: Micros,
}

/// A pack has room by the mean of its highest cell over this time, s (assumption: longer than a tracker's scan, whose dip says
/// nothing of how full a cell is).
const FILTER: f64 = 20.0;

impl SeriesPacks {
    pub(super) fn new(params: SeriesPacksParams) -> Self {
        let wanted = [params.bulk.0; 2];
        Self {
            params,
            wanted,
            highest: [LowPass::default(); 2],
            asked: 0,
            cvl: None,
            next_question: Micros::ZERO,
        }
    }

    /// CVL before the first sample is that of so many cells.
    pub(super) fn initial(&self, cells: usize) -> f64 {
        to_wire(self.params.bulk.0 * cells as f64)
    }

    pub(super) fn sample(&mut self, view: &View, cells: &[Volts]) -> f64 {
        let cvl = self.cvl.unwrap_or_else(|| self.initial(cells.len()));
        self.cvl = Some(cvl);
        let (one, other) = cells.split_at(cells.len() / 2);
        let packs = [one, other];
        let now = packs.map(highest);
        let settled = [0, 1].map(|n| self.highest[n].push(now[n], view.dt, FILTER));
        if view.at < self.next_question || !view.connected {
            return cvl;
        }
        self.next_question = view.at + self.params.period;
        let n = self.asked;
        if !packs[n].is_empty() {
            self.wanted[n] = self.answer(packs[n], now[n], settled[n], self.wanted[n]);
        }
        self.asked = 1 - n;
        let wanted = self.wanted[0].min(self.wanted[1]) * cells.len() as f64;
        let cvl = followed(cvl, wanted);
        self.cvl = Some(cvl);
        cvl
    }

    /// What a pack wants now, V per cell, with its highest cell, and the mean of that.
    fn answer(&self, pack: &[Volts], highest: f64, settled: f64, wanted: f64) -> f64 {
        let p = &self.params;
        let cells = pack.len() as f64;
        let mean = pack.iter().map(|v| v.0).sum::<f64>() / cells;
        let above = highest - p.limit.0;
        let wanted = if above > 0.0 {
            wanted.min(mean) - p.gain * above / cells
        } else if settled < p.rise_below.0 {
            wanted + p.rise.0 / cells
        } else {
            wanted
        };
        wanted.clamp(p.floor.0, p.bulk.0)
    }
}

/// The highest cell of a pack, V.
fn highest(pack: &[Volts]) -> f64 {
    pack.iter().fold(f64::NEG_INFINITY, |most, v| most.max(v.0))
}
