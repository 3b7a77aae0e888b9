//! A supply is held to what it is set to: over moments its readings may differ, not for longer.

use proto::channel::Channel;
use proto::quantity::{Amps, Micros, Volts, Watts};
use proto::samples::Samples;

use super::limits::RigLimits;
use super::{Trip, exceeds};

/// How long a supply may take to follow its setting, and a charger to empty what it holds.
const FOLLOWS: Micros = Micros::from_secs(10);
/// A supply that gives less than this share of the voltage it is set to does not regulate.
const COLLAPSED: f64 = 0.2;
/// At this share of its current limit it regulates the current instead. Assumption: both meters are within 2 %.
const AT_LIMIT: f64 = 0.95;

/// What the output did until now.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Output {
    /// since when it is on
    energised: Option<Micros>,
    /// since when it gives more than it is set to
    deviates: Option<Micros>,
    /// since when it gives far less voltage than it is set to, without a current that explains it
    collapsed: Option<Micros>,
}

impl Output {
    /// Looks at a reading of a supply that is set to this voltage; zero where that is not known.
    pub(super) fn check(
        &mut self,
        at: Micros,
        said: &Samples,
        limits: &RigLimits,
        set: Option<Volts>,
    ) -> Option<Trip> {
        let lasting = |holds: bool, since: &mut Option<Micros>| {
            *since = holds.then(|| since.unwrap_or(at));
            at.since(since.unwrap_or(at))
        };
        let output = said.is(Channel::SupplyOutput);
        let energised = lasting(output, &mut self.energised);
        let available = Watts(said.number(Channel::PvAvailable).filter(|_| output).unwrap_or_default());
        let voltage = Volts(said.number(Channel::SupplyVoltage)?);
        let current = Amps(said.number(Channel::SupplyCurrent)?);
        let beyond = voltage * current - available;
        let deviates = lasting(exceeds(beyond, limits.psu_deviation_max), &mut self.deviates);
        let set = set.unwrap_or(Volts::ZERO);
        let low = set * COLLAPSED;
        // The current limit follows from what is available.
        let limited = current.0 * set.0 >= available.0 * AT_LIMIT;
        let collapsed = lasting(available > Watts::ZERO && voltage < low && !limited, &mut self.collapsed);
        let trip = |what, value, limit| Some(Trip { what, value, limit, by: "supply".to_owned() });
        if deviates > FOLLOWS {
            let (value, limit) = (format!("{beyond:.3}"), format!("{:.3}", limits.psu_deviation_max));
            return trip("power of the supply beyond its setting", value, limit);
        }
        if collapsed > FOLLOWS {
            let (value, limit) = (format!("{voltage:.3}"), format!("{low:.3}"));
            return trip("output voltage of the supply below its setting", value, limit);
        }
        if energised > limits.energised_max {
            let (value, limit) = (format!("{energised:.3}"), format!("{:.3}", limits.energised_max));
            return trip("time with the output on", value, limit);
        }
        None
    }
}
