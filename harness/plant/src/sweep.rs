//! The numbers of the world that may be swept, by the path under which a rig file has them.

use proto::quantity::{
    Amps, Celsius, Farads, JoulesPerKelvin, Micros, Ohms, Percent, PercentPerMonth, QuantityError, Volts,
    VoltsPerSecond, Watts, WattsPerKelvin, WattsPerSecond,
};

use crate::params::Params;

/// Why a number cannot be swept so.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SweepError {
    /// No number has this path, or none that may be swept.
    #[error("`{0}` is no number of the plant that can be swept")]
    Unknown(String),
    /// A bound is no such quantity.
    #[error("{0}")]
    Quantity(#[from] QuantityError),
    /// The bounds stand in the wrong order.
    #[error("the first of `{low}` and `{high}` is the higher one")]
    Order {
        /// as it stood
        low: String,
        /// as it stood
        high: String,
    },
}

/// A quantity that can be set somewhere between two others.
trait Knob {
    /// Sets it to `low + share·(high − low)`.
    fn turn(&mut self, low: &str, high: &str, share: f64) -> Result<(), SweepError>;
}

fn ordered(good: bool, low: &str, high: &str) -> Result<(), SweepError> {
    if good { Ok(()) } else { Err(SweepError::Order { low: low.to_owned(), high: high.to_owned() }) }
}

macro_rules! quantities { ($($t:ty),+ $(,)?) => { $(impl Knob for $t {
    fn turn(&mut self, low: &str, high: &str, share: f64) -> Result<(), SweepError> {
        let (from, to): (Self, Self) = (low.parse()?, high.parse()?);
        ordered(from <= to, low, high)?;
        *self = from + (to - from) * share;
        Ok(())
    }
})+ } }
quantities!(
    Amps,
    Celsius,
    Farads,
    JoulesPerKelvin,
    Ohms,
    Percent,
    PercentPerMonth,
    Volts,
    VoltsPerSecond,
    Watts,
    WattsPerKelvin,
    WattsPerSecond,
);

impl Knob for Micros {
    fn turn(&mut self, low: &str, high: &str, share: f64) -> Result<(), SweepError> {
        let (from, to): (Self, Self) = (low.parse()?, high.parse()?);
        ordered(from <= to, low, high)?;
        *self = from + Self((to.since(from).0 as f64 * share).round() as u64);
        Ok(())
    }
}

macro_rules! knobs { ($($path:literal $section:ident $field:ident),+ $(,)?) => {
    /// Every path that can be swept.
    pub const PATHS: &[&str] = &[$($path),+];

    fn knob<'a>(params: &'a mut Params, path: &str) -> Option<&'a mut dyn Knob> {
        match path { $($path => Some(&mut params.$section.$field),)+ _ => None }
    }
} }

knobs! {
    "pack.r0" pack r0,
    "pack.r1" pack r1,
    "pack.tau1" pack tau1,
    "pack.r2" pack r2,
    "pack.tau2" pack tau2,
    "pack.hysteresis" pack hysteresis,
    "pack.hysteresis-span" pack hysteresis_span,
    "pack.capacity-spread" pack capacity_spread,
    "pack.resistance-spread" pack resistance_spread,
    "pack.self-discharge" pack self_discharge,
    "pack.heat-capacity" pack heat_capacity,
    "pack.cooling" pack cooling,
    "pack.ambient" pack ambient,
    "pack.temperature-spread" pack temperature_spread,
    "cables.battery" cables battery,
    "cables.inverter" cables inverter,
    "cables.solar" cables solar,
    "cables.capacitance" cables capacitance,
    "cables.contactor-opens" cables contactor_opens,
    "cables.contactor-closes" cables contactor_closes,
    "cables.stop-time" cables stop_time,
    "cables.bus-decay" cables bus_decay,
    "psu.slew" psu slew,
    "solar.start-delay" solar start_delay,
    "solar.rise" solar rise,
    "solar.fall" solar fall,
    "solar.voltage-loop" solar voltage_loop,
    "solar.efficiency" solar efficiency,
    "solar.tracking" solar tracking,
    "solar.scan-period" solar scan_period,
    "solar.scan-time" solar scan_time,
    "solar.scan-level" solar scan_level,
    "solar.calibration" solar calibration,
    "inverter.maximum-charge" inverter maximum_charge,
    "inverter.efficiency" inverter efficiency,
    "inverter.standby" inverter standby,
    "inverter.transfer" inverter transfer,
    "inverter.reconnect" inverter reconnect,
    "inverter.ramp" inverter ramp,
    "inverter.voltage-loop" inverter voltage_loop,
    "inverter.shutdown" inverter shutdown,
    "inverter.shutdown-delay" inverter shutdown_delay,
    "inverter.restart" inverter restart,
    "inverter.restart-delay" inverter restart_delay,
    "inverter.calibration" inverter calibration,
    "ac-pv.response" ac_pv response,
    "ac-pv.shift-loop" ac_pv shift_loop,
    "ac-pv.reconnect" ac_pv reconnect,
}

impl Params {
    /// Sets the number at a path such as `pack.r0` to `low + share·(high − low)`, `share` being 0 to 1.
    ///
    /// # Errors
    /// When there is no such number, a bound is of another kind, or the bounds stand in the wrong order.
    pub fn sweep(&mut self, path: &str, low: &str, high: &str, share: f64) -> Result<(), SweepError> {
        knob(self, path).ok_or_else(|| SweepError::Unknown(path.to_owned()))?.turn(low, high, share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn a_share_lies_between_the_bounds() {
        let mut p = Params::default();
        p.sweep("pack.r0", "0.1 mΩ", "0.3 mΩ", 0.25).expect("a resistance");
        assert!((p.pack.r0 - Ohms(0.15e-3)).abs() < Ohms(1e-12));
        p.sweep("solar.voltage-loop", "100 ms", "0.5 s", 0.5).expect("a time");
        assert_eq!(p.solar.voltage_loop, Micros::from_millis(300));
    }

    #[rstest]
    #[case("pack.r9", "1 mΩ", "2 mΩ", "`pack.r9` is no number of the plant")]
    #[case("pack.r0", "1 mV", "2 mV", "expected a resistance")]
    #[case("pack.r0", "2 mΩ", "1 mΩ", "is the higher one")]
    #[case("solar.scan-period", "2 s", "1 s", "is the higher one")]
    fn what_makes_no_sense_is_refused(
        #[case] path: &str,
        #[case] low: &str,
        #[case] high: &str,
        #[case] says: &str,
    ) {
        let error = Params::default().sweep(path, low, high, 0.5).expect_err("refused").to_string();
        assert!(error.contains(says), "{error}");
    }

    #[test]
    fn every_path_leads_to_a_number() {
        let mut params = Params::default();
        for path in PATHS {
            assert!(knob(&mut params, path).is_some(), "{path}");
        }
    }
}
