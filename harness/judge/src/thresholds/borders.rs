//! The thresholds with two borders, which a case may narrow.

use proto::quantity::{Micros, PerHour, Percent, PercentPerHour, Volts, VoltsPerHour, Watts};

use super::fixed::{ADVISED, SYSTEM_STOPS};
use super::{Bound, Graded, Leave, MeasuredBy, Row, Sense, ThresholdError, nearest, set, set_uncertainty};

macro_rules! uncertainty {
    ($t:ident) => {
        $t::ZERO
    };
    ($t:ident, $uncertainty:expr) => {
        $uncertainty
    };
}

macro_rules! thresholds {
    ($( $(#[doc = $source:literal])+ $field:ident ($name:literal, $metric:literal, $sense:ident, $by:ident $(, $firm:ident)?): $t:ident = $good:expr, $limit:expr $(, $uncertainty:expr)?; )+) => {
        /// The thresholds in force, at first those of the table.
        #[derive(Debug, Clone, Copy, PartialEq)]
        pub struct Thresholds { $( $(#[doc = $source])+ pub $field: Graded<$t>, )+ }

        impl Thresholds {
            /// As the table has them.
            pub const DEFAULT: Self = Self { $( $field: Graded {
                name: $name, sense: Sense::$sense, good: $good, limit: $limit, uncertainty: uncertainty!($t $(, $uncertainty)?),
            }, )+ };

            /// The names a case may use in its `limits:`.
            pub const NAMES: &'static [Row] = &[ $( Row {
                name: $name, metric: $metric, expected: <$t as Bound>::EXPECTED, unit: <$t as Bound>::UNIT,
                sense: Sense::$sense, firm: !stringify!($($firm)?).is_empty(), measured_by: MeasuredBy::$by, source: concat!($($source),+),
                borders: || [Bound::number(Self::DEFAULT.$field.good), Bound::number(Self::DEFAULT.$field.limit)],
                uncertainty: || Bound::number(Self::DEFAULT.$field.uncertainty),
            }, )+ ];

            pub(super) fn put(&mut self, name: &str, value: &str, leave: Leave) -> Result<(), ThresholdError> {
                match name {
                    $( $name => set(&mut self.$field, $name, Sense::$sense, value, leave), )+
                    _ => Err(ThresholdError::Unknown { name: name.to_owned(), nearest: nearest(name) }),
                }
            }

            /// Takes figures that instruments have a part in as they show them.
            pub fn take_as_measured(&mut self) {
                $( if MeasuredBy::$by.instruments().is_some() { self.$field.uncertainty = $t::ZERO; } )+
            }

            /// Takes the expanded uncertainty (k = 2) that a rig file states for a figure.
            ///
            /// # Errors
            /// When the name is unknown, or the value is no such quantity or negative.
            pub fn state_uncertainty(&mut self, name: &str, value: &str) -> Result<(), ThresholdError> {
                match name {
                    $( $name => set_uncertainty(&mut self.$field, $name, value), )+
                    _ => Err(ThresholdError::Unknown { name: name.to_owned(), nearest: nearest(name) }),
                }
            }

            /// The limit in force, as a number in the unit of its [`Row`].
            #[must_use]
            pub fn limit(&self, name: &str) -> Option<f64> {
                match name { $( $name => Some(Bound::number(self.$field.limit)), )+ _ => None }
            }

            /// What a good battery reaches, as a number in the unit of its [`Row`].
            #[must_use]
            pub fn good(&self, name: &str) -> Option<f64> {
                match name { $( $name => Some(Bound::number(self.$field.good)), )+ _ => None }
            }

            /// The limit in force, as text with its unit.
            #[must_use]
            pub fn text(&self, name: &str) -> Option<String> {
                match name { $( $name => Some(self.$field.limit.to_string()), )+ _ => None }
            }
        }
    };
}

// The value after the limit is the expanded uncertainty (k = 2) of a figure at that limit: the default where the rig file states
// none. Rows without one are counted, or have their steps in the limit.
thresholds! {
    /// M2: share of CVL changes that follow the one before in less than 20 s. *"It is probably not helpful to update
    /// the parameters more than once every 20 seconds"* (P 1.5.3).
    hasty_changes ("hasty-changes", "M2", AtMost, Battery): Percent = Percent(5.0), Percent(20.0);
    /// M3: reversals of CVL beyond the dead band. *"It needs to be very stable and slow to prevent oscillations"* (P
    /// 1.5.3).
    reversals ("reversals", "M3", AtMost, Battery): PerHour = PerHour(6.0), PerHour(20.0);
    /// M3: a swing up to this is what a good integrator looks like after quantisation to 0.1 V, not an oscillation
    /// (assumption).
    dead_band ("dead-band", "M3", AtMost, Counts): Volts = Volts(0.15), Volts(0.15);
    /// M5: total travel of CVL up and down. *"Very stable and slow"* (P 1.5.3).
    /// On a 24 V system half of it, on a 12 V one a quarter.
    travel ("travel", "M5", AtMost, Battery): VoltsPerHour = VoltsPerHour(1.5), VoltsPerHour(5.0);
    /// M16: power that a cycle of CVL moves to and fro in the battery, as a share of the power of the inverter. *"It needs
    /// to be very stable and slow to prevent oscillations"* (P 1.5.3). Volts alone do not tell: one step of 0.1 V each 90
    /// s moves nothing where the battery hardly answers and 600 W where its resistance is low; 0.6 V in 40 minutes moves 8
    /// %. 5 % is half of the ripple that M8 allows the export, which a cycle makes alone.
    /// How the battery answers is known to a tenth.
    cycle_power ("cycle-power", "M16", AtMost, Battery): Percent = Percent(2.5), Percent(5.0), Percent(0.5);
    /// M17: fall of CVL at rest, for each cell. *"A setpoint that is too low will cause the Victron system to discharge
    /// the battery"* (P 1.5.3). Full LFP cells lose 40 mV with their first 1 % of charge (data sheets): what falls by more
    /// than that in the 8 h of a day's sun does not rest.
    /// A step of 0x351 over the cells of 48 V is 6 mV: in the hours that a slope needs it is known to 0.5 mV/h.
    sink ("sink", "M17", AtMost, Battery): VoltsPerHour = VoltsPerHour(0.0025), VoltsPerHour(0.005), VoltsPerHour(0.0005);
    /// M6: largest single step of CVL that protects nothing (P 1.5.3).
    /// On a 24 V system half of it, on a 12 V one a quarter. 1 V up on 8.7 mΩ asks for 115 A at once; half a volt does where half of the cells have half of the resistance.
    step ("step", "M6", AtMost, Battery): Volts = Volts(0.5), Volts(1.0);
    /// M7: charge taken from the battery while PV covers the load and the grid is there. *"A setpoint that is too low
    /// will cause the Victron system to discharge the battery"* (P 1.5.3).
    /// Half a step of 0x356 is 50 mA, 0.1 % an hour of 50 Ah.
    discharge ("discharge", "M7", AtMost, Battery): PercentPerHour = PercentPerHour(0.5), PercentPerHour(1.5), PercentPerHour(0.1);
    /// M7: fall of the state of charge over the hold; 1 % is one step of 0x355 (P 1.5.3).
    soc_fall ("soc-fall", "M7", AtMost, Battery): Percent = Percent(1.0), Percent(2.0);
    /// M8: spread of the exported power over its mean. *"Solar power is fed back into the grid, in a stable manner"*
    /// (P 1.5.3.1).
    /// A grid meter of class 0.5.
    export_ripple ("export-ripple", "M8", AtMost, GridPower): Percent = Percent(5.0), Percent(10.0), Percent(0.5);
    /// M8: time until the export is steady again after a step. *"System can handle switching on and off of sizeable
    /// AC loads"* (P 1.5.3.1). A good battery with a slow inverter (400 W/s) and a tracker that scans each minute was
    /// seen to take 101 s; a battery that dumps its charge takes half an hour.
    /// Two polls of the GX.
    settling ("settling", "M8", AtMost, GridPowerAtPolls): Micros = Micros::from_secs(30), Micros::from_secs(120), Micros::from_secs(2);
    /// M10: time until CVL is steady again after a step of load or sun (P 1.5.3). It only warns: a good CVL that
    /// moves 0.1 V each minute takes minutes.
    cvl_settling ("cvl-settling", "M10", AtMost, Battery): Micros = Micros::from_secs(30), Micros::from_secs(60);
    /// M9: share of the available PV that is not used while the inverter has room. *"Will result in the solar
    /// chargers being curtailed"* (P 1.5.3).
    /// Supply and solar charger know the power to half a percent.
    curtailment ("curtailment", "M9", AtMost, PvPower): Percent = Percent(2.0), Percent(5.0), Percent(0.5);
    /// M10: how far the highest cell stays below the declared disconnect voltage (P 1.5.3.1).
    /// Half a step of 0x373.
    cell_margin ("cell-margin", "M10", AtLeast, Battery): Volts = Volts(0.020), Volts(0.020), Volts(0.000_5);
    /// M11: how long the DC bus must stand at CVL + 0.4 V before the battery is said to cope (P 1.5.3.3).
    excess_time ("excess-time", "M11", AtLeast, BusVoltage): Micros = Micros::from_secs(600), Micros::from_secs(600);
    /// M11: how near the bus must come to CVL + 0.4 V to count. *"Expected to rise to CVL + 0.4V"* (P 1.5.3.3). The
    /// charger's and the inverter's voltmeter may each be wrong by 50 mV, and 100 A drop 0.1 V on 1 mΩ of cable.
    excess_band ("excess-band", "M11", AtMost, Counts): Volts = Volts(0.2), Volts(0.2);
    /// M12: share of a change of battery voltage that CVL follows. *"Implementations that set the CVL to the
    /// currently measured battery voltages minus some constant should be avoided"* (P 1.5.3). A decision follows nothing:
    /// where a pull moves the voltage by 1 V, one step of CVL to and fro is a tenth of it, and the sag of half of the
    /// battery's resistance a fifth.
    /// What moves the voltage is known to a tenth, for a step of CVL is.
    tracking ("tracking", "M12", AtMost, Battery): Percent = Percent(10.0), Percent(20.0), Percent(2.0);
    /// M12: correlation from which a slope counts as tracking (P 1.5.3).
    correlation ("correlation", "M12", AtMost, Counts): Percent = Percent(80.0), Percent(80.0);
    /// M12: how much the voltage must have been moved for the tracking test to say anything (assumption).
    excitation ("excitation", "M12", AtLeast, Counts): Volts = Volts(0.15), Volts(0.15);
    /// M14: gap between two 0x351. *"When the inverter does not receive the 0x351 message from the battery every 3
    /// seconds, the system will stop charging and discharging"* (P 1.4).
    /// Times of frames are known to 10 ms.
    gap ("gap", "M14", AtMost, FrameTimes, Firm): Micros = Micros::from_millis(1_500), SYSTEM_STOPS, Micros::from_millis(10);
    /// M15: how far the PV power that the supply offers may lie from what the suite asked for. *"Make more power
    /// available on the solar charger than the inverter/charger can feed-back"* (P 1.5.3.3): without it nothing is
    /// seen. Steps and accuracy of a programmable supply are half a percent; what M9 allows to stay unused changes
    /// nothing (assumption).
    sun ("sun", "M15", AtMost, Counts): Percent = Percent(2.0), Percent(5.0);
    /// How far the current that the battery reports may lie from what solar chargers and inverter show, beside 1 A (P
    /// 1.5.3 expects differences of calibration). Meters of 2 % (assumption) differ by 4 % at most.
    current_difference ("current-difference", "MEA-04", AtMost, Counts): Percent = Percent(2.5), Percent(5.0);
    /// How far the voltage that the battery reports may lie from what other meters show while the current is small (P 1.5.3
    /// expects differences of calibration). Voltmeters of half a percent (assumption) differ by 1 % at most.
    voltage_difference ("voltage-difference", "MEA-04", AtMost, BusVoltage): Percent = Percent(0.5), Percent(1.0);
    /// How far CVL must fall below the bulk CVL to be a reduced one (P 1.5.3). Two steps of 0x351 are no rounding,
    /// and on a pack of 8.7 mΩ they take off 23 A.
    /// On a 24 V system half of it, on a 12 V one a quarter. One step of the wire at least.
    reduction ("reduction", "CVL-02", AtLeast, Battery): Volts = Volts(0.2), Volts(0.2);
    /// CCL in percent of capacity per hour that is still usable (P 1.5.3). 2 % is 5.6 A on 280 Ah: the GX leaves the
    /// solar chargers 300 W of it, less is curtailed to nothing that a house would notice.
    usable_ccl ("usable-ccl", "CVL-02", AtLeast, Counts): PercentPerHour = PercentPerHour(2.0), PercentPerHour(2.0);
    /// Current in percent of capacity per hour at which charge has ended (P 1.5.3.1: *"wait for the battery to fully
    /// charge"*). Data sheets of LFP cells end charge at 0.05 C.
    tail ("tail", "CVL-02", AtMost, Counts): PercentPerHour = PercentPerHour(3.0), PercentPerHour(5.0);
    /// Share of the time in which CCL may be unusable in a full battery (P 1.5.3). 5 % is what M9 allows to be
    /// curtailed, and an unusable CCL curtails all.
    /// Limits come once a second: 3 s of three quarters of an hour.
    ccl_outage ("ccl-outage", "CVL-02", AtMost, Battery): Percent = Percent(1.0), Percent(5.0), Percent(0.1);
    /// How long at a stretch CCL or DCL may be 0 without a cause, CCL near 0 in a full battery, or CVL far below the
    /// battery's own voltage. Whatever starts or switches takes seconds (P 1.4 gives 3 s, a control action 20 s); a
    /// minute is seen in the house as an outage.
    outage ("outage", "CCL-03", AtMost, Battery): Micros = ADVISED, Micros::from_secs(60);
    /// Change of the state of charge within 10 s. At ten times the capacity an hour a battery moves by 2.8 %; the
    /// rest is the rounding of two whole per cents (P 2 §0x355).
    soc_jump ("soc-jump", "SOC-04", AtMost, Battery): Percent = Percent(1.0), Percent(5.0);
    /// Rise of the highest cell at the end of the hold. *"Must be enough to stop the battery voltage rising"* (P
    /// 1.5.3). A full LFP cell rests near 3.45 V and may reach 20 mV below 3.65 V: at 30 mV an hour that takes 6
    /// hours, about as long as the sun of one day exceeds the loads. 0x373 shows 1 mV, so an hour of it resolves a
    /// thirtieth.
    /// 1 mV in the 20 minutes that are the least.
    rise ("rise", "CVL-07", AtMost, Battery): VoltsPerHour = VoltsPerHour(0.010), VoltsPerHour(0.030), VoltsPerHour(0.003);
    /// Undisturbed time with a full battery that a verdict on stability needs: ten reversals at the rate at which M3
    /// fails (assumption).
    observation ("observation", "CVL-04", AtLeast, Counts): Micros = Micros::from_secs(1_800), Micros::from_secs(1_800);
    /// Time with a full battery, disturbed or not, that a verdict on it needs. At the rate at which M7 fails 2 % of
    /// charge are gone after 80 minutes: two steps of 0x355 (assumption).
    full_time ("full-time", "CVL-04", AtLeast, Counts): Micros = Micros::from_secs(5_400), Micros::from_secs(5_400);
    /// Power exported on average before its ripple says anything: 5 % of it is 15 W, what a grid meter resolves
    /// (assumption).
    export ("export", "M8", AtLeast, Counts): Watts = Watts(300.0), Watts(300.0);
    /// Difference between the counted charge and the reported state of charge (P 2 §0x355). Both ends are whole
    /// percents, which is 1 %; the current is sent in 0.1 A, which is 0.2 % of 280 Ah in ten hours; the rest of 2 %
    /// is a correction by the battery (assumption). Two corrections are too many.
    coulomb_error ("coulomb-error", "SOC-03", AtMost, Battery): Percent = Percent(2.0), Percent(4.0);
    /// Time for the battery to appear on the GX (P 5.1). A GX looks for devices every few seconds and waits for the
    /// identity, which may be sent every 10 s (assumption); twice the good value is a minute.
    /// Two polls of the GX.
    start_up ("start-up", "GXD-01", AtMost, PollTimes): Micros = Micros::from_secs(30), Micros::from_secs(60), Micros::from_secs(2);
    /// Time without 0x351 until solar charger and inverter/charger are at rest (P 1.4). 3 s and a frame, a ramp of 4
    /// kW and a poll of a second each are 6 s; a control action of 3 s and a lost poll more are 10 s.
    /// A poll of the GX.
    stopping ("stopping", "TIM-06", AtMost, PollTimes): Micros = Micros::from_secs(6), Micros::from_secs(10), Micros::from_secs(1);
    /// Delay of a value between CAN and the GX (P 5.2). A frame each second, a GX that acts within 3 s and a poll
    /// each second are 5 s; frames 3 s apart (P 1.4) and polls 2 s apart, one of them lost, are 10 s.
    gx_delay ("gx-delay", "GXD-02", AtMost, Counts): Micros = Micros::from_secs(5), Micros::from_secs(10);
    /// How far the DC bus may rise above the declared charge voltage when a load is dropped off-grid (P 1.5.4). 4 V
    /// were seen where a 48 V battery opened under charge; the borders are an assumption.
    /// On a 24 V system half of it, on a 12 V one a quarter.
    /// What voltmeters of inverters are calibrated to.
    bus_rise ("bus-rise", "BEH-AC", AtMost, BusVoltage): Volts = Volts(1.0), Volts(3.0), Volts(0.050);
    /// Difference between battery voltage and the inverter's DC voltage: *"voltage drops and calibration
    /// differences"* (P 1.5.3). Two voltmeters of 0.5 % at 55 V (assumption) may differ by 0.55 V, and 3 mΩ of cables
    /// drop 0.06 V at 20 A: together 0.6 V. One voltmeter alone makes half of it.
    /// On a 24 V system half of it, on a 12 V one a quarter.
    /// What voltmeters of inverters are calibrated to.
    bus_difference ("bus-difference", "MEA-03", AtMost, BusVoltage): Volts = Volts(0.3), Volts(0.6), Volts(0.050);
}
