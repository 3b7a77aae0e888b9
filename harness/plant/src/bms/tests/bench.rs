//! A pack and a GX just large enough to close the loop around a management system.

use std::sync::LazyLock;

use proto::frame::Frame;
use proto::message::{Limits, Message};
use proto::quantity::{AmpHours, Amps, Celsius, Micros, Percent, Volts};
use serde::Deserialize;

use super::batteries;
use crate::battery::Battery;
use crate::bms::BmsParams;
use crate::bus::Controller;
use crate::management::Installed;
use crate::params::PackParams;
use crate::sensors::Exposed;

/// Rest voltage of a cell of the simulated world, straight between the points of its table and on above.
fn ocv(soc: f64) -> f64 {
    static CURVE: LazyLock<Vec<(Percent, Volts)>> = LazyLock::new(|| PackParams::default().ocv);
    let after = CURVE.partition_point(|&(s, _)| s.0 <= soc).clamp(1, CURVE.len() - 1);
    let ((s0, v0), (s1, v1)) = (CURVE[after - 1], CURVE[after]);
    v0.0 + (v1.0 - v0.0) * (soc - s0.0) / (s1.0 - s0.0)
}

const R0: f64 = 0.22e-3;
/// Resistance and time constant of the two slow parts of a 280 Ah cell.
const RC: [(f64, f64); 2] = [(0.20e-3, 40.0), (0.30e-3, 1500.0)];
const CAPACITY: f64 = 280.0;
const CELLS: usize = 16;

/// Sixteen cells, a GX that holds the bus at CVL every 3 s, and the battery under test.
pub(super) struct Bench {
    pub(super) bms: Battery,
    pub(super) now: u64,
    soc: [f64; CELLS],
    rc: [f64; 2],
    current: f64,
    /// charge current that the sun can give at most, A
    pub(super) sun: f64,
    /// the inverter can take no more: the bus stands at CVL + 0.4 V (P 1.5.3)
    pub(super) excess: bool,
    /// feed-in with the grid there; without, `load` is all that the sun does not cover
    pub(super) grid: bool,
    /// load on the battery without grid, A
    pub(super) load: f64,
    /// a charger holds the bus while the contactor is open
    pub(super) charger_outside: bool,
    /// the GX sends 0x305
    pub(super) keep_alive: bool,
    bus_setting: f64,
    pub(super) limits: Limits,
    pub(super) frames: Vec<(Micros, Frame)>,
    pub(super) trace: Vec<Point>,
}

/// One second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    pub(super) at: u64,
    pub(super) cvl: f64,
    pub(super) ccl: f64,
    pub(super) dcl: f64,
    pub(super) pack: f64,
    pub(super) current: f64,
    pub(super) highest: f64,
    pub(super) closed: bool,
}

impl Bench {
    /// A bench with one cell `imbalance` above the others.
    pub(super) fn new(params: &BmsParams, soc: f64, imbalance: f64) -> Self {
        Self::with_seed(params, soc, imbalance, 1)
    }

    /// The same with another seed for sensors and wire.
    pub(super) fn with_seed(params: &BmsParams, soc: f64, imbalance: f64, seed: u64) -> Self {
        let mut cells = [soc; CELLS];
        cells[6] += imbalance;
        let installed =
            Installed { cells: CELLS, modules: 1, capacity: AmpHours(CAPACITY), soc: Percent(soc), seed };
        Self {
            bms: Battery::new(params, &installed).expect("a model starts"),
            now: 0,
            soc: cells,
            rc: [0.0; 2],
            current: 0.0,
            sun: 0.0,
            excess: false,
            grid: true,
            load: 0.0,
            charger_outside: false,
            keep_alive: true,
            bus_setting: 52.0,
            limits: Limits::default(),
            frames: Vec::new(),
            trace: Vec::new(),
        }
    }

    fn cell(&self, i: usize, current: f64) -> f64 {
        ocv(self.soc[i]) + self.rc[0] + self.rc[1] + R0 * current
    }

    fn pack_at(&self, current: f64) -> f64 {
        (0..CELLS).map(|i| self.cell(i, current)).sum()
    }

    pub(super) fn run(&mut self, seconds: u64) -> &mut Self {
        for _ in 0..seconds {
            self.second();
        }
        self
    }

    fn second(&mut self) {
        let at = Micros::from_secs(self.now);
        if self.keep_alive {
            self.bms.hear(at, &Frame::standard(0x305, &[0; 8]));
        }
        let closed = self.bms.closes(0);
        let cvl = self.limits.cvl().unwrap_or(Volts(52.0)).0;
        if self.now.is_multiple_of(3) {
            self.bus_setting = cvl + if self.excess { 0.4 } else { 0.0 };
        }
        let held = (self.bus_setting - self.pack_at(0.0)) / (R0 * CELLS as f64 + 0.002);
        let wanted = if !closed {
            0.0
        } else if self.grid {
            held.clamp(-70.0, self.sun)
        } else {
            let dcl = self.limits.dcl().unwrap_or(Amps(0.0)).0;
            let ccl = self.limits.ccl().unwrap_or(Amps(0.0)).0;
            let load = if dcl > 0.0 { self.load } else { 0.0 };
            (self.sun.min(ccl + load) - load).min(held)
        };
        // The chargers reach a new current within some seconds; an open contactor ends it at once.
        self.current = if closed { self.current + (wanted - self.current) * 0.5 } else { 0.0 };
        for (v, (r, tau)) in self.rc.iter_mut().zip(RC) {
            *v += (r * self.current - *v) / tau;
        }
        for (i, soc) in self.soc.iter_mut().enumerate() {
            *soc +=
                (self.current - self.bms.balance().get(i).map_or(0.0, |drain| drain.0)) / 3600.0 / CAPACITY
                    * 100.0;
        }
        let cells: Vec<f64> = (0..CELLS).map(|i| self.cell(i, self.current)).collect();
        let pack: f64 = cells.iter().sum();
        let outside = if self.charger_outside { 54.0 } else { 0.0 };
        let exposed = Exposed {
            cells: &cells,
            pack: Volts(pack),
            bus: Volts(if closed { pack } else { outside }),
            current: Amps(self.current),
            mean_current: Amps(self.current),
            most_current: Amps(self.current),
            coldest: Celsius(24.0),
            warmest: Celsius(26.0),
            closed,
        };
        self.bms.turn(at, [exposed], Controller::default()).expect("a model goes on");
        self.now += 1;
        while self.bms.frame_at() < Micros::from_secs(self.now) {
            let left = self.bms.frame_at();
            let Some(frame) = self.bms.send() else { continue };
            if let Some(Message::Limits(limits)) = Message::decode(&frame) {
                self.limits = limits;
            }
            self.frames.push((left, frame));
        }
        self.trace.push(Point {
            at: self.now,
            cvl: self.limits.cvl().map_or(0.0, |v| v.0),
            ccl: self.limits.ccl().map_or(0.0, |a| a.0),
            dcl: self.limits.dcl().map_or(0.0, |a| a.0),
            pack,
            current: self.current,
            highest: cells.iter().copied().fold(f64::MIN, f64::max),
            closed: self.bms.closes(0),
        });
    }

    /// The last so many seconds.
    pub(super) fn last(&self, seconds: usize) -> &[Point] {
        &self.trace[self.trace.len() - seconds..]
    }

    /// Times and values at which CVL changed, once it was heard.
    pub(super) fn cvl_changes(&self) -> Vec<(u64, f64)> {
        let moved = |pair: &[Point]| pair[0].cvl > 0.0 && (pair[1].cvl - pair[0].cvl).abs() > 0.01;
        self.trace.windows(2).filter(|p| moved(p)).map(|p| (p[1].at, p[1].cvl)).collect()
    }
}

/// Mean of a channel.
pub(super) fn mean(points: &[Point], of: fn(&Point) -> f64) -> f64 {
    points.iter().map(of).sum::<f64>() / points.len() as f64
}

/// Lowest and highest value of a channel.
pub(super) fn range(points: &[Point], of: fn(&Point) -> f64) -> (f64, f64) {
    points.iter().map(of).fold((f64::MAX, f64::MIN), |(lo, hi), v| (lo.min(v), hi.max(v)))
}

/// A battery file, its outer part as far as a test of the management system wants it.
#[derive(Debug, Deserialize)]
pub(super) struct File {
    pub(super) battery: String,
    pub(super) title: String,
    pub(super) simulated: BmsParams,
}

/// One of the battery files, parsed.
pub(super) fn battery(name: &str) -> BmsParams {
    file(name).simulated
}

/// The same with its outer part.
pub(super) fn file(name: &str) -> File {
    serde_yaml::from_str(&batteries::whole(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}
