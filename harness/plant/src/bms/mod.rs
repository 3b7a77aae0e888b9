//! Models of a battery's management system: they decide from what their sensors read, close the contactor and send frames.
//!
//! A model is put together from small parts, each a file with its parameters and its state: a strategy that makes CVL,
//! current limits, protection, balancing, the gauge, the wire, and defects over it all.

mod alarms;
mod balancing;
mod defect;
mod diagnosis;
mod gauge;
mod identity;
mod limits;
mod model;
mod params;
mod protection;
mod sheet;
mod status;
mod strategy;
mod view;
mod wire;

#[cfg(test)]
mod tests;

use proto::frame::Frame;
use proto::quantity::{Amps, Micros, Percent};

pub use self::balancing::BalancingParams;
pub use self::defect::{AlarmMixUp, Defect, Miscoding};
pub use self::gauge::GaugeParams;
pub use self::identity::Identity;
pub use self::limits::LimitParams;
pub use self::params::ParamsError;
pub use self::protection::ProtectionParams;
pub use self::sheet::{BmsParams, BmsSheet};
pub use self::strategy::{
    BlocksBy, CellLoopParams, CellPiParams, CellSumParams, FixedParams, FloatParams, LowerWhenFullParams,
    RampParams, SeriesPacksParams, StepDownParams, StrategyParams, SumLaw, ThreeModesParams,
    TrackMinusParams,
};
pub use self::wire::{AlarmStyle, FrameLength, WireParams};

use self::model::Model;
use crate::management::{Design, Installed, Management, ManagementError, Readings};
use crate::sensors::SensorParams;

/// A model with its supply: its clock begins when that is switched on.
#[derive(Debug)]
struct Bms {
    params: BmsParams,
    installed: Installed,
    model: Model,
    /// when it was switched on
    since: Micros,
    next_turn: Micros,
}

/// A model looks at its sensors this often.
const PERIOD: Micros = Micros::from_secs(1);

impl Design for BmsParams {
    fn sensors(&self) -> &SensorParams {
        &self.sensors
    }

    fn start(&self, battery: &Installed) -> Result<Box<dyn Management>, ManagementError> {
        Ok(Box::new(Bms {
            params: self.clone(),
            installed: *battery,
            model: Model::new(self, battery),
            since: Micros::ZERO,
            next_turn: Micros::ZERO,
        }))
    }
}

impl Management for Bms {
    fn turn(&mut self, at: Micros, seen: &Readings<'_>) -> Result<(), ManagementError> {
        self.next_turn = at + PERIOD;
        self.model.sample(at.since(self.since), seen);
        Ok(())
    }

    fn hear(&mut self, at: Micros, frame: &Frame) {
        self.model.hear(at.since(self.since), frame);
    }

    fn next_turn(&self) -> Micros {
        self.next_turn
    }

    fn next_frame_at(&self) -> Micros {
        let own = self.model.next_frame_at();
        if own == Micros::NEVER { own } else { self.since + own }
    }

    fn send(&mut self) -> Option<Frame> {
        self.model.send()
    }

    fn closes(&self, _: usize) -> bool {
        self.model.contactor_closed()
    }

    fn balance(&self) -> &[Amps] {
        self.model.balance()
    }

    /// What it counted survives in its storage; everything else begins anew.
    fn power(&mut self, at: Micros, on: bool) -> Result<(), ManagementError> {
        if on {
            self.installed.soc = Percent(self.model.soc());
            self.model = Model::new(&self.params, &self.installed);
            (self.since, self.next_turn) = (at, at);
        }
        Ok(())
    }
}
