//! Bulk until the charge voltage is reached, absorption until the cells have been even for a while, then float: drivers
//! that read a management system over its service port and make CVL themselves do so. What cells are above the charge
//! voltage is taken off CVL at each update, so that absorption ends well for a cell that stands high for days.

use proto::quantity::{CRate, Micros, Percent, Volts};
use schemars::JsonSchema;
use serde::Deserialize;

use super::step_down::{StepDown, StepDownParams};
use super::{LSB, followed, to_wire};
use crate::bms::params::{ParamsError, positive, positive_time};
use crate::bms::view::{LowPass, View};

/// Numbers of the strategy.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ThreeModesParams {
    /// CVL in bulk and absorption
    pub absorption: Volts,
    /// CVL in float
    pub float: Volts,
    /// the lowest it ever is, reached only where one cell stands high above the others
    pub floor: Volts,
    /// the most that a cell may have: what it is above is taken off CVL again and again
    pub limit: Volts,
    /// with the highest cell below this CVL rises again
    pub rise_below: Volts,
    /// a pack this near to absorption is in it
    pub margin: Volts,
    /// highest and lowest cell no further apart than this are even
    pub even: Volts,
    /// how long they must be even before float
    pub span: Micros,
    /// how long CVL takes from absorption to float
    pub way_down: Micros,
    /// once so much charge has been taken out bulk begins again
    pub rebulk: Percent,
    /// time between updates
    pub period: Micros,
    /// a discharge stronger than this says nothing of how full a cell is: CVL does not rise meanwhile
    pub hold_when_discharging: CRate,
    /// the step that protects where an update is too late
    pub step_down: StepDownParams,
}

impl ThreeModesParams {
    pub(in crate::bms) fn check(&self) -> Result<(), ParamsError> {
        ParamsError::order("three-modes.float", self.float, "three-modes.absorption", self.absorption)?;
        ParamsError::order("three-modes.floor", self.floor, "three-modes.float", self.float)?;
        ParamsError::order("three-modes.rise-below", self.rise_below, "three-modes.limit", self.limit)?;
        positive("three-modes.floor", self.floor.0)?;
        positive("three-modes.limit", self.limit.0)?;
        positive_time("three-modes.way-down", self.way_down)?;
        positive_time("three-modes.period", self.period)?;
        self.step_down.check()
    }
}

/// Where the battery is between empty and full.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Mode {
    Bulk,
    /// since when the cells are even
    Absorption(Option<Micros>),
    /// since when, and the highest state of charge since
    Float(Micros, f64),
}

/// The strategy at work.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::bms) struct ThreeModes {
    params: ThreeModesParams,
    mode: Mode,
    /// what is wanted, finer than the wire
    wanted: f64,
    /// what the wire carries
    cvl: f64,
    pack: LowPass,
    highest: LowPass,
    next_update: Micros,
    step_down: StepDown,
}

/// Cells and pack are judged on their mean over this time, s (assumption: longer than the edge of a load step).
const FILTER: f64 = 10.0;

impl ThreeModes {
    pub(super) fn new(params: ThreeModesParams) -> Self {
        Self {
            mode: Mode::Bulk,
            wanted: params.absorption.0,
            cvl: to_wire(params.absorption.0),
            pack: LowPass::default(),
            highest: LowPass::default(),
            next_update: Micros::ZERO,
            step_down: StepDown::new(params.step_down.clone()),
            params,
        }
    }

    pub(super) const fn cvl(&self) -> f64 {
        self.cvl
    }

    pub(super) fn sample(&mut self, view: &View, cells: &[Volts]) -> f64 {
        let pack = self.pack.push(view.pack, view.dt, FILTER);
        let highest = self.highest.push(view.highest, view.dt, FILTER);
        if let Some(stop) = self.step_down.due(view).filter(|stop| *stop < self.cvl) {
            self.wanted = stop;
        } else if view.at >= self.next_update && view.connected {
            self.mode = self.next_mode(view, pack);
            self.wanted = self.goal(view, cells, highest);
        } else {
            return self.cvl;
        }
        self.wanted = self.wanted.clamp(self.params.floor.0, self.params.absorption.0);
        self.cvl = followed(self.cvl, self.wanted);
        self.next_update = view.at + self.params.period;
        self.cvl
    }

    fn next_mode(&self, view: &View, pack: f64) -> Mode {
        let p = &self.params;
        match self.mode {
            Mode::Bulk if pack >= p.absorption.0 - p.margin.0 => Mode::Absorption(None),
            Mode::Bulk => Mode::Bulk,
            Mode::Absorption(_) if view.highest - view.lowest > p.even.0 => Mode::Absorption(None),
            Mode::Absorption(Some(since)) if view.at.since(since) >= p.span => Mode::Float(view.at, view.soc),
            Mode::Absorption(since) => Mode::Absorption(since.or(Some(view.at))),
            Mode::Float(_, top) if view.soc <= top - p.rebulk.0 => Mode::Bulk,
            Mode::Float(since, top) => Mode::Float(since, top.max(view.soc)),
        }
    }

    /// Where CVL should be.
    fn goal(&self, view: &View, cells: &[Volts], highest: f64) -> f64 {
        let p = &self.params;
        let above: f64 = cells.iter().map(|v| (v.0 - p.limit.0).max(0.0)).sum();
        let discharging = -view.current > p.hold_when_discharging.0 * view.capacity;
        let most = match self.mode {
            Mode::Bulk | Mode::Absorption(_) => p.absorption.0,
            Mode::Float(since, _) => {
                let passed = (view.at.since(since).secs() / p.way_down.secs()).min(1.0);
                p.absorption.0 - (p.absorption.0 - p.float.0) * passed
            }
        };
        if above > 0.0 {
            self.wanted.min(view.pack) - above
        } else if highest < p.rise_below.0 && !discharging {
            most.min(self.wanted + LSB)
        } else {
            most.min(self.wanted)
        }
    }
}
