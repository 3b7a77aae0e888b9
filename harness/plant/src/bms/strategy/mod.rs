//! How a battery makes its charge voltage limit: the heart of the protocol (P 1.5).
//!
//! Each strategy is one file, compliant or not. A strategy sees every sample and answers with the limit that
//! goes on the wire; what all batteries share (current limits, protection) is elsewhere.

mod cell_loop;
mod cell_pi;
mod cell_sum;
mod fixed;
mod float;
mod lower_when_full;
mod ramp;
mod series_packs;
mod step_down;
mod three_modes;
mod track_minus;

use proto::quantity::Volts;
use proto::rounding::round;
use schemars::JsonSchema;
use serde::Deserialize;

use self::cell_loop::CellLoop;
use self::cell_pi::CellPi;
use self::cell_sum::CellSum;
use self::fixed::Fixed;
use self::float::Float;
use self::lower_when_full::LowerWhenFull;
use self::ramp::Ramp;
use self::series_packs::SeriesPacks;
use self::three_modes::ThreeModes;
use self::track_minus::TrackMinus;
use super::params::ParamsError;
use super::view::View;

pub use self::cell_loop::CellLoopParams;
pub use self::cell_pi::CellPiParams;
pub use self::cell_sum::{CellSumParams, SumLaw};
pub use self::fixed::{BlocksBy, FixedParams};
pub use self::float::FloatParams;
pub use self::lower_when_full::LowerWhenFullParams;
pub use self::ramp::RampParams;
pub use self::series_packs::SeriesPacksParams;
pub use self::step_down::StepDownParams;
pub use self::three_modes::ThreeModesParams;
pub use self::track_minus::TrackMinusParams;

/// The strategy of a battery and its numbers.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum StrategyParams {
    /// slow control of the highest cell (P 1.5.3: "a control loop … works even better")
    CellLoop(CellLoopParams),
    /// control of the highest cell each second, without a band
    CellPi(CellPiParams),
    /// a sum over all cells, each minute
    CellSum(CellSumParams),
    /// a fixed lower CVL once full (P 1.5.3: "for most batteries a hardcoded lower CVL works sufficiently")
    LowerWhenFull(LowerWhenFullParams),
    /// absorption for a while, then float by a slow ramp
    Float(FloatParams),
    /// a straight line of the highest cell
    Ramp(RampParams),
    /// bulk, absorption until the cells are even, float
    ThreeModes(ThreeModesParams),
    /// the lower wish of two packs in series that are asked in turn
    SeriesPacks(SeriesPacksParams),
    /// constant CVL, charge blocked when full (P 1.5.2: "that strategy does not work with a Victron system")
    Fixed(FixedParams),
    /// measured voltage minus a constant (P 1.5.3: "should be avoided")
    TrackMinus(TrackMinusParams),
}

impl StrategyParams {
    pub(super) fn check(&self) -> Result<(), ParamsError> {
        match self {
            Self::CellLoop(p) => p.check(),
            Self::CellPi(p) => p.check(),
            Self::CellSum(p) => p.check(),
            Self::LowerWhenFull(p) => p.check(),
            Self::Float(p) => p.check(),
            Self::Ramp(p) => p.check(),
            Self::ThreeModes(p) => p.check(),
            Self::SeriesPacks(p) => p.check(),
            Self::Fixed(p) => p.check(),
            Self::TrackMinus(p) => p.check(),
        }
    }

    pub(super) fn start(&self) -> Strategy {
        match self {
            Self::CellLoop(p) => Strategy::CellLoop(CellLoop::new(p.clone())),
            Self::CellPi(p) => Strategy::CellPi(CellPi::new(p.clone())),
            Self::CellSum(p) => Strategy::CellSum(CellSum::new(p.clone())),
            Self::LowerWhenFull(p) => Strategy::LowerWhenFull(LowerWhenFull::new(p.clone())),
            Self::Float(p) => Strategy::Float(Float::new(p.clone())),
            Self::Ramp(p) => Strategy::Ramp(Ramp::new(p.clone())),
            Self::ThreeModes(p) => Strategy::ThreeModes(ThreeModes::new(p.clone())),
            Self::SeriesPacks(p) => Strategy::SeriesPacks(SeriesPacks::new(p.clone())),
            Self::Fixed(p) => Strategy::Fixed(Fixed::new(p.clone())),
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

impl Demand {
    const fn volts(cvl: f64) -> Self {
        Self { cvl, block_charge: false }
    }
}

/// A strategy at work.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Strategy {
    CellLoop(CellLoop),
    CellPi(CellPi),
    CellSum(CellSum),
    LowerWhenFull(LowerWhenFull),
    Float(Float),
    Ramp(Ramp),
    ThreeModes(ThreeModes),
    SeriesPacks(SeriesPacks),
    Fixed(Fixed),
    TrackMinus(TrackMinus),
}

impl Strategy {
    /// Takes the sample of this second; `cells` are what the view is drawn from.
    pub(super) fn sample(&mut self, view: &View, cells: &[Volts]) -> Demand {
        match self {
            Self::CellLoop(s) => Demand::volts(s.sample(view)),
            Self::CellPi(s) => Demand::volts(s.sample(view)),
            Self::CellSum(s) => Demand::volts(s.sample(view, cells)),
            Self::LowerWhenFull(s) => Demand::volts(s.sample(view)),
            Self::Float(s) => Demand::volts(s.sample(view)),
            Self::Ramp(s) => Demand::volts(s.sample(view)),
            Self::ThreeModes(s) => Demand::volts(s.sample(view, cells)),
            Self::SeriesPacks(s) => Demand::volts(s.sample(view, cells)),
            Self::Fixed(s) => s.sample(view),
            Self::TrackMinus(s) => Demand::volts(s.sample(view)),
        }
    }

    /// The limit before the first sample: CVL is right from the first frame on.
    pub(super) fn initial(&self, cells: usize) -> Demand {
        Demand::volts(match self {
            Self::CellLoop(s) => s.cvl(),
            Self::CellPi(s) => s.cvl(),
            Self::CellSum(s) => s.cvl(),
            Self::LowerWhenFull(s) => s.cvl(),
            Self::Float(s) => s.cvl(),
            Self::Ramp(s) => s.cvl(),
            Self::ThreeModes(s) => s.cvl(),
            Self::SeriesPacks(s) => s.initial(cells),
            Self::Fixed(s) => s.cvl(),
            Self::TrackMinus(s) => s.cvl(),
        })
    }
}

/// The least step that CVL can make on the wire, V (P 2: 0x351 carries 0.1 V).
const LSB: f64 = 0.1;

/// Rounds to what the wire carries.
fn to_wire(volts: f64) -> f64 {
    round(volts / LSB) * LSB
}

/// What the wire carries after `cvl`, where `wanted` is asked for: it follows once three quarters of a step are, so that a
/// value between two steps does not flicker.
fn followed(cvl: f64, wanted: f64) -> f64 {
    if (wanted - cvl).abs() >= 0.75 * LSB { to_wire(wanted) } else { cvl }
}

/// Rounds down to what the wire carries; a voltage that stands on a step stays there.
fn down_to_wire(volts: f64) -> f64 {
    (volts / LSB + 1e-6).floor() * LSB
}
