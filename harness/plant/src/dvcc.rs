//! What the GX makes of the battery's limits: distributed voltage and current control, as `dbus-systemcalc-py` of
//! Venus OS (v2.256) does it, as one pure function.

mod quirk;
mod share;

use proto::quantity::{Amps, Volts};

pub use quirk::{Corrector, MAKES, Quirk, Reported};
pub use share::{Charger, SolarLimit, share};

/// What the battery says in 0x351, after the corrections for its make ([`Corrector`]).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// charge voltage limit
    pub cvl: Volts,
    /// charge current limit
    pub ccl: Amps,
    /// discharge current limit; 0 forbids discharge
    pub dcl: Amps,
}

/// What the installer set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// register 2705, absent when −1
    pub charge_current: Option<Amps>,
    /// register 2710, absent when 0
    pub charge_voltage: Option<Volts>,
    /// register 2707: feed in excess DC-coupled PV
    pub feed_in: bool,
    /// CCL = 0 stops every charger, whatever the inverter draws ([`Quirk::stops_at_zero`])
    pub stops_at_zero: bool,
}

/// The most that solar chargers may exceed CVL by, and what the GX adds of its own in a charge stage: constants of the
/// real code, the same at 12, 24 and 48 V. What the inverter adds to its hub voltage is another matter.
pub const MOST_OFFSET: Volts = Volts(0.4);
const FIRST_OFFSET: Volts = Volts(0.1);

/// What the devices report.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Devices {
    /// the AC input is connected, and to no generator, under ESS
    pub mains: bool,
    /// the inverter's voltage setpoint for the DC bus, with the solar offset while it may export; absent without ESS
    pub hub: Option<Volts>,
    /// the charge voltage that the inverter works with, as read back
    pub readback: Volts,
    /// the inverter reports bulk, absorption or float; under the external control of ESS it reports none of them
    pub charge_stage: bool,
    /// its DC current, smoothed; negative when it draws from the bus
    pub inverter_current: Amps,
    /// of all solar chargers, smoothed
    pub solar_current: Amps,
}

/// What goes out to inverter and chargers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Setpoints {
    /// the inverter holds the bus at this
    pub inverter_voltage: Volts,
    /// the most that the inverter may charge with
    pub inverter_charge: Amps,
    /// passed on as it is; only 0 matters off grid (P 2 §0x351)
    pub discharge: Amps,
    /// setpoint of the solar chargers
    pub solar_voltage: Volts,
    /// limit of all solar chargers together, to be shared with [`share()`]
    pub solar_limit: SolarLimit,
    /// whether excess solar goes to the grid
    pub feed_in: bool,
}

/// The GX's rules, applied every 3 s.
#[must_use]
pub fn setpoints(limits: &Limits, settings: &Settings, devices: &Devices) -> Setpoints {
    let ccl = settings.charge_current.map_or(limits.ccl, |user| limits.ccl.min(user)).max(Amps::ZERO);
    let feed_in = settings.feed_in && devices.mains;
    Setpoints {
        inverter_voltage: settings.bounded(limits.cvl),
        inverter_charge: Amps((ccl - devices.solar_current).0.round_ties_even().max(0.0)),
        discharge: limits.dcl,
        solar_voltage: solar_voltage(limits.cvl, settings, devices),
        solar_limit: solar_limit(ccl, feed_in, settings.stops_at_zero, devices),
        feed_in,
    }
}

impl Settings {
    /// CVL and the user's charge voltage limit, whichever is lower.
    #[must_use]
    pub fn bounded(&self, cvl: Volts) -> Volts {
        self.charge_voltage.map_or(cvl, |user| cvl.min(user))
    }
}

fn solar_limit(ccl: Amps, feed_in: bool, stops_at_zero: bool, devices: &Devices) -> SolarLimit {
    let drawn = (-devices.inverter_current).max(Amps::ZERO);
    if stops_at_zero && ccl <= Amps::ZERO {
        SolarLimit::Stop
    } else if feed_in {
        // Nobody can tell whether more sun would go to the battery or to the grid, so voltage alone decides.
        SolarLimit::Rating
    } else if drawn > Amps::ZERO {
        SolarLimit::Total(Amps((ccl + drawn).0.ceil()))
    } else {
        SolarLimit::Total(ccl)
    }
}

/// The setpoint of solar chargers, which may exceed CVL by as much as the hub voltage does.
#[must_use]
pub fn solar_voltage(cvl: Volts, settings: &Settings, devices: &Devices) -> Volts {
    let cvl = settings.bounded(cvl);
    let Some(hub) = devices.hub else { return cvl };
    let offset = Volts((hub - devices.readback).0.clamp(0.0, MOST_OFFSET.0));
    if settings.feed_in && devices.mains && devices.charge_stage {
        // Without a first step the bus would never rise above CVL, and the inverter never begin to export.
        (cvl + offset.max(FIRST_OFFSET)).min(hub + FIRST_OFFSET)
    } else {
        (cvl + offset).min(hub)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const LIMITS: Limits = Limits { cvl: Volts(56.0), ccl: Amps(140.0), dcl: Amps(200.0) };
    const SETTINGS: Settings =
        Settings { charge_current: None, charge_voltage: None, feed_in: true, stops_at_zero: false };
    const DEVICES: Devices = Devices {
        mains: true,
        hub: Some(Volts(56.4)),
        readback: Volts(56.0),
        charge_stage: false,
        inverter_current: Amps(-40.0),
        solar_current: Amps(50.0),
    };
    /// What one charger of 100 A gets.
    fn alone(limit: SolarLimit) -> f64 {
        let mut of_each = [Amps::ZERO];
        share(limit, &[Charger { rating: Amps(100.0), current: Amps(50.0) }], &mut of_each);
        of_each[0].0
    }

    fn with<T: Copy>(base: T, change: impl FnOnce(&mut T)) -> T {
        let mut t = base;
        change(&mut t);
        t
    }

    /// Rules of Venus OS dbus-systemcalc-py v2.256, one row each:
    /// inverter voltage, inverter charge current, discharge, solar voltage, solar current, feed-in.
    #[rstest]
    #[case::feeding_in_is_unrestricted(LIMITS, SETTINGS, DEVICES, [56.0, 90.0, 200.0, 56.4, 100.0], true)]
    #[case::user_voltage_wins_when_lower(
        LIMITS, with(SETTINGS, |s| s.charge_voltage = Some(Volts(55.0))), DEVICES, [55.0, 90.0, 200.0, 55.4, 100.0], true)]
    #[case::user_voltage_loses_when_higher(
        LIMITS, with(SETTINGS, |s| s.charge_voltage = Some(Volts(57.0))), DEVICES, [56.0, 90.0, 200.0, 56.4, 100.0], true)]
    #[case::user_current_wins_when_lower(
        LIMITS, with(SETTINGS, |s| s.charge_current = Some(Amps(60.0))), DEVICES, [56.0, 10.0, 200.0, 56.4, 100.0], true)]
    #[case::solar_is_taken_from_the_inverters_share(
        with(LIMITS, |l| l.ccl = Amps(30.0)), SETTINGS, DEVICES, [56.0, 0.0, 200.0, 56.4, 100.0], true)]
    #[case::no_charge_current_does_not_stop_solar_while_feeding_in(
        with(LIMITS, |l| l.ccl = Amps(0.0)), SETTINGS, DEVICES, [56.0, 0.0, 200.0, 56.4, 100.0], true)]
    #[case::no_charge_current_without_feed_in_leaves_what_the_inverter_draws(
        with(LIMITS, |l| l.ccl = Amps(0.0)), with(SETTINGS, |s| s.feed_in = false),
        with(DEVICES, |d| { d.hub = Some(Volts(56.0)); d.inverter_current = Amps(-8.0); }),
        [56.0, 0.0, 200.0, 56.0, 8.0], false)]
    #[case::solar_limit_is_rounded_up(
        with(LIMITS, |l| l.ccl = Amps(20.2)), with(SETTINGS, |s| s.feed_in = false),
        with(DEVICES, |d| { d.hub = Some(Volts(56.0)); d.inverter_current = Amps(-8.1); d.solar_current = Amps(10.0); }),
        [56.0, 10.0, 200.0, 56.0, 29.0], false)]
    #[case::a_charging_inverter_adds_nothing(
        with(LIMITS, |l| l.ccl = Amps(20.0)), with(SETTINGS, |s| s.feed_in = false),
        with(DEVICES, |d| { d.hub = Some(Volts(56.0)); d.inverter_current = Amps(15.0); d.solar_current = Amps(0.0); }),
        [56.0, 20.0, 200.0, 56.0, 20.0], false)]
    #[case::no_feed_in_without_mains(
        LIMITS, SETTINGS, with(DEVICES, |d| { d.mains = false; d.hub = Some(Volts(56.0)); }),
        [56.0, 90.0, 200.0, 56.0, 100.0], false)]
    #[case::in_a_charge_stage_the_offset_is_at_least_0_1_v(
        LIMITS, SETTINGS, with(DEVICES, |d| { d.hub = Some(Volts(56.0)); d.charge_stage = true; }), [56.0, 90.0, 200.0, 56.1, 100.0], true)]
    #[case::offset_never_exceeds_its_cap(
        LIMITS, SETTINGS, with(DEVICES, |d| d.hub = Some(Volts(58.0))), [56.0, 90.0, 200.0, 56.4, 100.0], true)]
    #[case::the_hub_bounds_it(
        with(LIMITS, |l| l.cvl = Volts(57.0)), SETTINGS, DEVICES, [57.0, 90.0, 200.0, 56.4, 100.0], true)]
    #[case::in_a_charge_stage_the_hub_counts_0_1_v_more(
        with(LIMITS, |l| l.cvl = Volts(57.0)), SETTINGS, with(DEVICES, |d| d.charge_stage = true),
        [57.0, 90.0, 200.0, 56.5, 100.0], true)]
    #[case::after_a_step_down_the_first_tick_goes_without_offset(
        with(LIMITS, |l| l.cvl = Volts(55.0)), SETTINGS,
        with(DEVICES, |d| { d.hub = Some(Volts(55.4)); }), [55.0, 90.0, 200.0, 55.0, 100.0], true)]
    #[case::after_a_step_down_the_next_tick_has_it(
        with(LIMITS, |l| l.cvl = Volts(55.0)), SETTINGS,
        with(DEVICES, |d| { d.hub = Some(Volts(55.4)); d.readback = Volts(55.0); }), [55.0, 90.0, 200.0, 55.4, 100.0], true)]
    #[case::without_a_hub_voltage_solar_gets_cvl(
        LIMITS, SETTINGS, with(DEVICES, |d| d.hub = None), [56.0, 90.0, 200.0, 56.0, 100.0], true)]
    #[case::the_cap_is_the_same_at_24_volts(
        with(LIMITS, |l| l.cvl = Volts(28.0)), SETTINGS,
        with(DEVICES, |d| { d.hub = Some(Volts(28.6)); d.readback = Volts(28.0); }), [28.0, 90.0, 200.0, 28.4, 100.0], true)]
    #[case::at_24_volts_the_inverter_decides_below_it(
        with(LIMITS, |l| l.cvl = Volts(28.0)), SETTINGS,
        with(DEVICES, |d| { d.hub = Some(Volts(28.2)); d.readback = Volts(28.0); }), [28.0, 90.0, 200.0, 28.2, 100.0], true)]
    #[case::the_first_step_is_the_same_at_24_volts(
        with(LIMITS, |l| l.cvl = Volts(28.0)), SETTINGS,
        with(DEVICES, |d| { d.hub = Some(Volts(28.0)); d.readback = Volts(28.0); d.charge_stage = true; }),
        [28.0, 90.0, 200.0, 28.1, 100.0], true)]
    #[case::zero_volts_are_passed_on(
        with(LIMITS, |l| l.cvl = Volts(0.0)), SETTINGS,
        with(DEVICES, |d| { d.hub = Some(Volts(0.4)); }), [0.0, 90.0, 200.0, 0.0, 100.0], true)]
    #[case::the_cap_is_the_same_at_12_volts(
        with(LIMITS, |l| l.cvl = Volts(14.2)), SETTINGS,
        with(DEVICES, |d| { d.hub = Some(Volts(14.7)); d.readback = Volts(14.2); }), [14.2, 90.0, 200.0, 14.6, 100.0], true)]
    #[case::the_first_step_is_the_same_at_12_volts(
        with(LIMITS, |l| l.cvl = Volts(14.2)), SETTINGS,
        with(DEVICES, |d| { d.hub = Some(Volts(14.2)); d.readback = Volts(14.2); d.charge_stage = true; }),
        [14.2, 90.0, 200.0, 14.3, 100.0], true)]
    #[case::where_no_charge_stops_all_chargers_it_does_so_while_feeding_in(
        with(LIMITS, |l| l.ccl = Amps(0.0)), with(SETTINGS, |s| s.stops_at_zero = true), DEVICES,
        [56.0, 0.0, 200.0, 56.4, 0.0], true)]
    #[case::and_a_little_charge_does_not_stop_them(
        with(LIMITS, |l| l.ccl = Amps(1.0)), with(SETTINGS, |s| s.stops_at_zero = true), DEVICES,
        [56.0, 0.0, 200.0, 56.4, 100.0], true)]
    #[case::no_discharge_is_passed_on(
        with(LIMITS, |l| l.dcl = Amps(0.0)), SETTINGS, DEVICES, [56.0, 90.0, 0.0, 56.4, 100.0], true)]
    fn the_rules(
        #[case] limits: Limits,
        #[case] settings: Settings,
        #[case] devices: Devices,
        #[case] expected: [f64; 5],
        #[case] feed_in: bool,
    ) {
        let s = setpoints(&limits, &settings, &devices);
        let found = [
            s.inverter_voltage.0,
            s.inverter_charge.0,
            s.discharge.0,
            s.solar_voltage.0,
            alone(s.solar_limit),
        ];
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-9, "{s:?}");
        }
        assert_eq!(s.feed_in, feed_in);
    }

    /// Line 1274: rounding up happens only where the inverter draws. One charger is rounded up in any case, of several
    /// none is.
    #[rstest]
    #[case::it_draws(-8.1, SolarLimit::Total(Amps(29.0)))]
    #[case::it_rests(0.0, SolarLimit::Total(Amps(20.2)))]
    #[case::it_charges(15.0, SolarLimit::Total(Amps(20.2)))]
    fn the_limit_is_rounded_up_while_the_inverter_draws(#[case] inverter: f64, #[case] expected: SolarLimit) {
        let limits = with(LIMITS, |l| l.ccl = Amps(20.2));
        let settings = with(SETTINGS, |s| s.feed_in = false);
        let found = setpoints(&limits, &settings, &with(DEVICES, |d| d.inverter_current = Amps(inverter)));
        assert_eq!(found.solar_limit, expected);
    }

    /// Line 650: CCL = 0 of a Lynx stops each of several chargers, whatever they give.
    #[test]
    fn where_no_charge_stops_all_chargers_each_is_stopped() {
        let limits = with(LIMITS, |l| l.ccl = Amps(0.0));
        let chargers = [60.0, 20.0].map(|a| Charger { rating: Amps(100.0), current: Amps(a) });
        for (stops_at_zero, expected) in [(true, ["0 A", "0 A"]), (false, ["33.3 A", "0 A"])] {
            let settings = with(SETTINGS, |s| (s.feed_in, s.stops_at_zero) = (false, stops_at_zero));
            let devices = with(DEVICES, |d| d.inverter_current = Amps(0.0));
            let mut of_each = [Amps(60.0), Amps(20.0)];
            share(setpoints(&limits, &settings, &devices).solar_limit, &chargers, &mut of_each);
            assert_eq!(of_each.map(|a| a.to_string()), expected);
        }
    }
}
