//! How a battery makes its charge voltage limit: the heart of the protocol (P 1.5).
//!
//! Each strategy is one file, compliant or not. A strategy sees every sample and answers with the limit that
//! goes on the wire; what all batteries share (current limits, protection) is elsewhere.

mod cell_loop;
mod fixed_ccl_zero;
mod lower_when_full;
mod step_down;
mod track_minus;

use schemars::JsonSchema;
use serde::Deserialize;

use self::cell_loop::CellLoop;
use self::fixed_ccl_zero::FixedCclZero;
use self::lower_when_full::LowerWhenFull;
use self::track_minus::TrackMinus;
use super::params::ParamsError;
use super::view::View;

pub use self::cell_loop::CellLoopParams;
pub use self::fixed_ccl_zero::FixedCclZeroParams;
pub use self::lower_when_full::LowerWhenFullParams;
pub use self::step_down::StepDownParams;
pub use self::track_minus::TrackMinusParams;

/// The strategy of a battery and its numbers.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum StrategyParams {
    /// slow control of the highest cell (P 1.5.3: "a control loop … works even better")
    CellLoop(CellLoopParams),
    /// a fixed lower CVL once full (P 1.5.3: "for most batteries a hardcoded lower CVL works sufficiently")
    LowerWhenFull(LowerWhenFullParams),
    /// constant CVL, CCL = 0 when full (P 1.5.2: "that strategy does not work with a Victron system")
    FixedCclZero(FixedCclZeroParams),
    /// measured voltage minus a constant (P 1.5.3: "should be avoided")
    TrackMinus(TrackMinusParams),
}

impl StrategyParams {
    pub(super) fn check(&self) -> Result<(), ParamsError> {
        match self {
            Self::CellLoop(p) => p.check(),
            Self::LowerWhenFull(p) => p.check(),
            Self::FixedCclZero(p) => p.check(),
            Self::TrackMinus(p) => p.check(),
        }
    }

    pub(super) fn start(&self) -> Strategy {
        match self {
            Self::CellLoop(p) => Strategy::CellLoop(CellLoop::new(p.clone())),
            Self::LowerWhenFull(p) => Strategy::LowerWhenFull(LowerWhenFull::new(p.clone())),
            Self::FixedCclZero(p) => Strategy::FixedCclZero(FixedCclZero::new(p.clone())),
            Self::TrackMinus(p) => Strategy::TrackMinus(TrackMinus::new(p.clone())),
        }
    }
}

/// What a strategy asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Demand {
    /// charge voltage limit, V
    pub(super) cvl: f64,
    /// charge is stopped by CCL = 0, which a compliant battery does not do (P 2 §0x351)
    pub(super) block_charge: bool,
}

/// A strategy at work.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Strategy {
    CellLoop(CellLoop),
    LowerWhenFull(LowerWhenFull),
    FixedCclZero(FixedCclZero),
    TrackMinus(TrackMinus),
}

impl Strategy {
    /// Takes the sample of this second.
    pub(super) fn sample(&mut self, view: &View) -> Demand {
        match self {
            Self::CellLoop(s) => Demand { cvl: s.sample(view), block_charge: false },
            Self::LowerWhenFull(s) => Demand { cvl: s.sample(view), block_charge: false },
            Self::FixedCclZero(s) => s.sample(view),
            Self::TrackMinus(s) => Demand { cvl: s.sample(view), block_charge: false },
        }
    }

    /// The limit before the first sample: CVL is right from the first frame on.
    pub(super) fn initial(&self) -> Demand {
        let cvl = match self {
            Self::CellLoop(s) => s.cvl(),
            Self::LowerWhenFull(s) => s.cvl(),
            Self::FixedCclZero(s) => s.cvl(),
            Self::TrackMinus(s) => s.cvl(),
        };
        Demand { cvl, block_charge: false }
    }
}

/// The least step that CVL can make on the wire, V (P 2: 0x351 carries 0.1 V).
const LSB: f64 = 0.1;

/// Rounds to what the wire carries.
fn to_wire(volts: f64) -> f64 {
    (volts / LSB).round() * LSB
}

/// Rounds down to what the wire carries; a voltage that stands on a step stays there.
fn down_to_wire(volts: f64) -> f64 {
    (volts / LSB + 1e-6).floor() * LSB
}
