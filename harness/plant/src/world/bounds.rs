//! How far the simulated rig can go: what a change of the world may ask for.

use proto::quantity::Watts;
use proto::stimulus::Stimulus;

use crate::gx::writes;
use crate::params::Params;

/// The most that a rig can do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    sun: Watts,
    ac_sun: Watts,
}

impl Bounds {
    /// Those of a rig.
    #[must_use]
    pub const fn of(params: &Params) -> Self {
        Self { sun: params.psu.maximum, ac_sun: params.ac_pv.maximum }
    }

    /// Whether a change asks for no more than there is.
    ///
    /// # Errors
    /// With what would be possible.
    pub fn check(&self, stimulus: &Stimulus) -> Result<(), StimulusError> {
        let Self { sun, ac_sun } = self;
        match *stimulus {
            Stimulus::Pv(watts) => in_range("a PV power", watts.0, sun.0, watts, || {
                format!("0 W to {sun} (psu.maximum of the rig)")
            }),
            Stimulus::AcPv(watts) => in_range("a PV power on the AC side", watts.0, ac_sun.0, watts, || {
                format!("0 W to {ac_sun} (ac-pv.maximum of the rig)")
            }),
            Stimulus::AcLoad(watts) => {
                in_range("an AC load", watts.0, 1e5, watts, || "0 W to 100 kW".to_owned())
            }
            Stimulus::InputCurrentLimit(amps) => {
                in_range("an input current limit", amps.0, 1e3, amps, || "0 A to 1000 A".to_owned())
            }
            Stimulus::Imbalance(above) => {
                in_range("an imbalance", above.0, 100.0, above, || "0 % to 100 %".to_owned())
            }
            _ => Ok(()),
        }
    }
}

/// Why a change of the world is not possible.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum StimulusError {
    /// A register that the simulated GX does not act on.
    #[error("the simulated GX does not act on register {register}; it knows {}", writes::known())]
    UnknownRegister {
        /// its address
        register: u16,
    },
    /// The GX does not answer now.
    #[error("the simulated GX reboots and takes no settings; write after it is back")]
    Rebooting,
    /// Something that the simulated rig does not have.
    #[error("the simulated rig cannot do this: {what}")]
    NotModelled {
        /// what was asked for
        what: &'static str,
    },
    /// A number that is not finite, below zero, or above what the simulated instrument can do.
    #[error("{what} of {found} is not possible on the simulated rig, expected {expected}")]
    OutOfRange {
        /// which quantity
        what: &'static str,
        /// as it was asked for
        found: String,
        /// what would have been right
        expected: String,
    },
}

fn in_range(
    what: &'static str,
    value: f64,
    most: f64,
    shown: impl ToString,
    expected: impl FnOnce() -> String,
) -> Result<(), StimulusError> {
    if (0.0..=most).contains(&value) {
        Ok(())
    } else {
        Err(StimulusError::OutOfRange { what, found: shown.to_string(), expected: expected() })
    }
}
