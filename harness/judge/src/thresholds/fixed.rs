//! The numbers that no case changes: what the document fixes, and what says which frames, times and currents count.

use proto::quantity::{Micros, Percent, Volts, Watts};

use super::{Bound, MeasuredBy, Row, Sense};

/// What stands before the unit of a number.
trait Number {
    fn amount(self) -> f64;
}
impl<T: Bound> Number for T {
    fn amount(self) -> f64 {
        self.number()
    }
}
macro_rules! plain { ($($t:ty),+) => { $(impl Number for $t {
    fn amount(self) -> f64 { self as f64 }
})+ } }
plain!(f64, u16, u32, u64, usize);

macro_rules! fixed {
    ($( $(#[doc = $source:literal])+ $ident:ident ($name:literal, $metric:literal, $unit:literal, $by:ident): $t:ty = $value:expr; )+) => {
        $( $(#[doc = $source])+ pub(crate) const $ident: $t = $value; )+

        /// All of them.
        pub(super) const ROWS: &[Row] = &[ $( Row {
            name: $name, metric: $metric, expected: "", unit: $unit, sense: Sense::AtMost, firm: true,
            measured_by: MeasuredBy::$by, source: concat!($($source),+),
            borders: || [Number::amount($ident); 2],
            uncertainty: || 0.0,
        }, )+ ];
    };
}

#[rustfmt::skip]
fixed! {
    // What the document itself says
    /// *"When the inverter does not receive the 0x351 message from the battery every 3 seconds, the system will stop
    /// charging and discharging"* (P 1.4): what comes later is the battery's doing.
    SYSTEM_STOPS ("system-stops", "M14", "s", Counts): Micros = Micros::from_secs(3);
    /// *"It is probably not helpful to update the parameters more than once every 20 seconds"* (P 1.5.3).
    ADVISED ("advised", "M2", "s", Battery): Micros = Micros::from_secs(20);
    /// A change of CVL that comes sooner after the one before is hasty: the 20 s of P 1.5.3, counted by the clock of
    /// the battery and sent once a second.
    HASTY ("hasty", "M2", "s", Battery): Micros = Micros(ADVISED.0 - 1_500_000);
    /// By how much solar chargers may lift the DC bus above CVL on a 48 V system (P 1.5.3.3).
    EXCESS ("excess", "M11", "V", BusVoltage): Volts = Volts(0.4);
    /// One step of CVL on the wire (P 2 §0x351). A good controller takes one now and then, or goes to and fro between
    /// two, and moves 11 A of a 280 Ah battery each time, which die away over minutes.
    CVL_STEP ("cvl-step", "M2", "V", Counts): f64 = 0.1;
    /// *"The minimum advised time out is 10 minutes"* (P 1.4).
    BORNE ("borne", "TIM-03", "s", FrameTimes): Micros = Micros::from_secs(600);
    /// Messages of a cycle come within this time of each other (P 1.4).
    CYCLE ("cycle", "CVL-05", "s", FrameTimes): Micros = Micros::from_secs(1);
    /// So many frames of 0x351 are a minute where times were not measured, for one comes every second (P 1.4).
    OUTAGE_FRAMES ("outage-frames", "CCL-03", "frames", Counts): u64 = 60;
    /// Half of all gaps of a message that is sent every second (P 1.4) are no longer: a tenth for the clock of the
    /// battery (assumption).
    EACH_SECOND ("each-second", "TIM-02", "s", FrameTimes): Micros = Micros::from_millis(1_100);
    /// 99 % of all gaps of a message that is sent every second (P 1.4) are no longer: half a second for what else the
    /// battery does (assumption).
    EACH_SECOND_LATE ("each-second-late", "TIM-02", "s", FrameTimes): Micros = Micros::from_millis(1_500);
    // Whose silence it is, and how much of a log says something
    /// Fewer frames say nothing: ten are ten seconds of a message that is sent every second (assumption).
    ENOUGH_FRAMES ("enough-frames", "MSG-01", "frames", Counts): u64 = 10;
    /// After this long a message of the minimum that comes at all has come: ten of its periods (P 1.4).
    CORE_TIME ("core-time", "MSG-01", "s", FrameTimes): Micros = Micros::from_secs(10);
    /// After this long a message of the identity that comes at all has come; some batteries send it once a minute
    /// (assumption).
    IDENTITY_TIME ("identity-time", "MSG-02", "s", FrameTimes): Micros = Micros::from_secs(60);
    /// The same in a log without times, in cycles of a second (assumption).
    IDENTITY_CYCLES ("identity-cycles", "MSG-02", "frames", Counts): u64 = 60;
    /// A GX sends 0x305 and 0x307 every second (P 3): a silence of this length is none of its own.
    GX_PAUSE ("gx-pause", "TIM-01", "s", FrameTimes): Micros = Micros::from_secs(3);
    /// Products on VE.Can send within this time (assumption).
    SECOND_BUS ("second-bus", "BUS-07", "s", FrameTimes): Micros = Micros::from_secs(10);
    /// A core message that pauses for longer than this and a second stalls: two were lost (assumption).
    STALL_PERIODS ("stall-periods", "TIM-05", "periods", FrameTimes): u64 = 3;
    /// What a stall lasts beyond its periods, for what is sent many times a second (assumption).
    STALL_MORE ("stall-more", "TIM-05", "s", FrameTimes): Micros = Micros::from_secs(1);
    /// An identity that comes back so often is that of a second node (assumption).
    IDENTITY_RETURNS ("identity-returns", "BUS-06", "times", Battery): u64 = 3;
    /// As many frames that say two things by turns are two streams (assumption).
    TURNS_OF_TWO ("turns-of-two", "BUS-06", "frames", Battery): u32 = 10;
    /// A pause before one of two streams that is longer than before the other by this part of both: they keep a
    /// rhythm each (assumption).
    UNEVEN ("uneven", "BUS-06", "share", FrameTimes): f64 = 0.15;
    /// A frame after one of another sender that comes within so many of its own pauses is in time: one that took the place of
    /// a frame makes it two (assumption).
    IN_TIME ("in-time", "BUS-06", "periods", FrameTimes): f64 = 1.5;
    /// A channel that was heard for less of the time was not heard (assumption).
    HEARD ("heard", "M15", "share", Counts): f64 = 0.95;
    // CVL, as a log alone tells it
    /// What a 0x351 says holds for no longer without another: a log with a hole in it says nothing of the hole
    /// (assumption).
    HOLDS ("holds", "CVL-01", "s", Counts): Micros = Micros::from_secs(10);
    /// CVL below this part of the battery's own voltage is no charge voltage of this pack (assumption).
    FAR_BELOW ("far-below", "CVL-01", "share", Battery): f64 = 0.90;
    /// CVL below this part of the battery's own voltage discharges it, if not for a moment only: from the end of
    /// charge of LFP (3.60 V a cell) down to a float of 3.42 V (data sheets).
    BELOW ("below", "CVL-01", "share", Battery): f64 = 0.95;
    /// A mean current below this is a discharge: less is the offset of a shunt (assumption).
    DISCHARGE ("discharge-current", "CVL-06", "A", Battery): f64 = -1.0;
    /// As many changes of CVL say something of how it is controlled (assumption).
    ENOUGH_CHANGES ("enough-changes", "CVL-03", "changes", Counts): u64 = 10;
    /// A hasty step down after this much quiet protects the cells (assumption).
    QUIET ("quiet", "CVL-03", "s", Battery): Micros = Micros::from_secs(60);
    /// Steps of CVL count as at most so high, so that one large one does not outweigh the rest (assumption).
    LARGE_STEP ("large-step", "CVL-05", "V", Counts): f64 = 3.0 * CVL_STEP;
    /// The least CVL over the battery voltage that fits: a full battery with a reduced CVL (assumption).
    CVL_FITS_LEAST ("cvl-fits-least", "CVL-01", "share", Counts): f64 = 0.8;
    /// The most CVL over the battery voltage that fits: an empty battery (assumption).
    CVL_FITS_MOST ("cvl-fits-most", "CVL-01", "share", Counts): f64 = 1.5;
    /// The least voltage of a pack that a GX is connected to: an empty one of 12 V (assumption).
    PACK_LEAST ("pack-least", "MEA-02", "V", Counts): f64 = 8.0;
    /// The most voltage of a pack that a GX is connected to: more than a full one of 48 V (assumption).
    PACK_MOST ("pack-most", "MEA-02", "V", Counts): f64 = 70.0;
    // Which battery is full, empty, cold or hot
    /// The highest charge voltage of batteries for 12 V systems: what their inverters stand (data sheets).
    UP_TO_12_V ("up-to-12-v", "CVL-01", "V", Counts): Volts = Volts(18.0);
    /// The highest charge voltage of batteries for 24 V systems: what their inverters stand (data sheets).
    UP_TO_24_V ("up-to-24-v", "CVL-01", "V", Counts): Volts = Volts(36.0);
    /// From this state of charge on a battery is full, in a log alone (assumption).
    FULL_SOC ("full-soc", "CCL-02", "%", Battery): f64 = 99.0;
    /// A reduced CVL is that of a full battery from here on: one that is far from full reduces it for another reason
    /// (assumption).
    NEARLY_FULL ("nearly-full", "CCL-02", "%", Battery): f64 = 80.0;
    /// From this state of charge on nothing forbids a battery to be discharged (assumption).
    AT_FULL ("at-full", "DCL-02", "%", Battery): f64 = 90.0;
    /// A battery that says so much of itself is full (assumption).
    FULL_CHARGE ("full-charge", "CVL-10", "%", Battery): Percent = Percent(98.0);
    /// A cell that comes so close to its share of the declared maximum ends charge for all, as one high cell must.
    /// The curve of a LFP cell is flat until there: below 3.40 V it holds a few percent less than full (data sheets).
    SHORT_OF_MAXIMUM ("short-of-maximum", "CVL-10", "V", Battery): Volts = Volts(0.15);
    /// Where the curve is no cliff, such a cell must hold all but so much of what it holds at its share of the maximum: NMC
    /// that is charged to 4.20 V holds 15 % less at 4.05 V. One that is charged to 4.15 V day by day, as is common, lacks 4 %,
    /// and the steps and zones of a controller 2 % more (assumption).
    SHORT_OF_CHARGE ("short-of-charge", "CVL-10", "%", Battery): Percent = Percent(7.0);
    /// A CVL that is no further above the battery voltage limits it: two steps of the wire, and the calibration of
    /// the chargers (assumption).
    /// On a 24 V system half of it, on a 12 V one a quarter, and a step and a half of the wire at least.
    LIMITING ("limiting", "CVL-10", "V", Battery): Volts = Volts(0.25);
    /// A current is not over because a tracker scans for some seconds, or a cloud passes (assumption).
    ENDED ("ended", "CVL-02", "s", Battery): Micros = Micros::from_secs(60);
    /// A CVL beyond this is no voltage of a 48 V system but a garbled frame (assumption).
    POSSIBLE ("possible", "CVL-02", "V", Counts): f64 = 100.0;
    /// A current that takes no more than this share of the sun leaves the rest to others: it has tapered. All of a
    /// weak sun is little for a large battery, and no taper (assumption).
    TAPERED ("tapered", "CVL-02", "share", Battery): f64 = 0.25;
    /// A voltage stands at CVL when it does so for this share of the time: the rest is what scans and polls take
    /// (assumption).
    STANDS ("stands", "CVL-02", "share", Battery): f64 = 0.9;
    /// A current of this or less is none: the resolution of a shunt (assumption).
    NO_CURRENT ("no-current", "CCL-02", "A", Battery): f64 = 1.0;
    /// So is one of this share of the largest CCL (assumption).
    NO_CURRENT_SHARE ("no-current-share", "CCL-02", "share", Battery): f64 = 0.02;
    /// The least CVL per cell that is one of LFP: a low float (data sheets).
    LFP_LEAST ("lfp-least", "CCL-02", "V", Battery): f64 = 3.3;
    /// The most CVL per cell that is one of LFP: a full charge (data sheets).
    LFP_MOST ("lfp-most", "CCL-02", "V", Battery): f64 = 3.75;
    /// Where the charge knee of a LFP cell begins: on the plateau no cell gets there, whatever the current (data
    /// sheets).
    KNEE ("knee", "CCL-02", "V", Battery): f64 = 3.45;
    /// On the plateau of a LFP cell: a charge voltage below it empties the battery (data sheets).
    PLATEAU ("plateau", "CVL-01", "V", Battery): f64 = 3.2;
    /// Down from here cold explains that charge is forbidden: LFP must not be charged at 0 °C or below, and makers
    /// stop a few degrees before (data sheets).
    COLD_CHARGE ("cold-charge", "CCL-03", "°C", Battery): f64 = 5.0;
    /// Up from here heat explains that charge is forbidden: data sheets end at 45 to 60 °C.
    HOT_CHARGE ("hot-charge", "CCL-03", "°C", Battery): f64 = 45.0;
    /// Down from here cold explains that discharge is forbidden: data sheets end at -20 to -10 °C.
    COLD_DISCHARGE ("cold-discharge", "CCL-03", "°C", Battery): f64 = -10.0;
    /// Up from here heat explains that discharge is forbidden: data sheets end at 50 to 65 °C.
    HOT_DISCHARGE ("hot-discharge", "CCL-03", "°C", Battery): f64 = 50.0;
    /// Down from here the state of charge explains that discharge is forbidden: the reserves that makers and users
    /// set end at 20 % (assumption).
    LOW_SOC ("low-soc", "CCL-03", "%", Battery): f64 = 20.0;
    /// From this state of charge on no battery is low: half of the charge, give or take the tenth by which a gauge
    /// may be wrong (SOC-03). A charge may be forced *"if the battery has been at a low state of charge for a long
    /// time"* (P 2 §0x360).
    FORCED_HIGH ("forced-high", "FRC-01", "%", Battery): u16 = 60;
    /// Below this state of charge each battery is low, by the same tenth (P 2 §0x360).
    FORCED_LOW ("forced-low", "FRC-01", "%", Battery): u16 = 40;
    // CVL that goes to and fro in a log, which does not show what the plant did
    /// So few cycles are no chance where they are slow and as long as each other (assumption).
    FEW_CYCLES ("few-cycles", "CVL-04", "cycles", Battery): u64 = 4;
    /// They are where the longest is no longer than the shortest times this (assumption).
    STEADY_CYCLES ("steady-cycles", "CVL-04", "ratio", Battery): f64 = 1.3;
    /// Clouds come and go faster than this (assumption).
    SLOW_CYCLE ("slow-cycle", "CVL-04", "s", Battery): Micros = Micros::from_secs(1_200);
    /// What takes longer is the course of a day (assumption).
    LONGEST_SWING ("longest-swing", "CVL-04", "s", Battery): Micros = Micros::from_secs(3 * 3_600);
    /// What an inverter draws from the bus at its power, where a log does not name it: those of 12, 24 and 48 V systems
    /// do not differ much in it (data sheets: 1 kW at 12 V, 2 kW at 24 V, 4 kW at 48 V).
    INVERTER_CURRENT ("inverter-current", "CVL-04", "A", Battery): f64 = 83.0;
    /// CVL that is higher than the battery voltage times this limits nothing: 1.5 V at 48 V, as M3
    /// has it (assumption).
    FROM_CVL ("from-cvl", "CVL-04", "ratio", Battery): f64 = 1.0 + CONTROLS / 48.0;
    // CCL and DCL
    /// CCL below this part of its own largest value is as good as 0 (assumption).
    NO_CCL ("no-ccl", "CCL-02", "%", Battery): u32 = 2;
    /// A swing by more than this part of the largest value is one that an inverter throttles with (assumption).
    SWING ("swing", "CCL-04", "%", Battery): u32 = 10;
    /// So many cycles of one length in a row are regular, and no answer to the weather (assumption).
    CYCLES ("cycles", "CCL-04", "cycles", Battery): u64 = 10;
    /// A cycle is as long as those before it to this factor: a message a second cannot place a change better
    /// (assumption).
    ALIKE ("alike", "CCL-04", "ratio", FrameTimes): f64 = 1.5;
    /// What takes longer is the course of a day (assumption).
    LONGEST_CYCLE ("longest-cycle", "CCL-04", "s", FrameTimes): Micros = Micros::from_secs(3600);
    /// A CCL or DCL below this is 0: half a step of the wire (P 2 §0x351).
    ZERO_LIMIT ("zero-limit", "DCL-02", "A", Battery): f64 = 0.05;
    /// DCL may be 0 for so long with CCL, or in a full battery: a minute covers the moments in which a battery starts
    /// or closes its switch (assumption).
    DCL_ZERO ("dcl-zero", "DCL-02", "s", Battery): Micros = Micros::from_secs(60);
    // Currents, and the sun
    /// A current that shows the main switch closed: offsets of shunts lie below (assumption).
    CLOSED_CURRENT ("closed-current", "M1", "A", Battery): f64 = 1.0;
    /// Below this no current flows: half a step of 0x356 (P 2 §0x356).
    CURRENT_ZERO ("current-zero", "M1", "A", Battery): f64 = 0.05;
    /// A current that certainly is a charge or a discharge (assumption).
    SURE_CURRENT ("sure-current", "BEH-GR", "A", Battery): f64 = 2.0;
    /// A current up to this is rest, and no discharge: what instruments are wrong by, and what the devices themselves
    /// draw (assumption).
    IDLE_CURRENT ("idle-current", "BEH-GR", "A", Battery): f64 = 2.0;
    /// A current from this on is work that can be seen to stop (assumption).
    WORK_CURRENT ("work-current", "TIM-06", "A", Battery): f64 = 5.0;
    /// A current that is large enough to have a sign on every instrument (assumption).
    SIGNED_CURRENT ("signed-current", "MEA-01", "A", Battery): f64 = 5.0;
    /// Of a small battery so much has a sign: 2.5 A of 50 Ah are more than meters are off by (assumption).
    SIGNED_RATE ("signed-rate", "MEA-01", "C", Battery): f64 = 0.05;
    /// Currents from the so-many-th part of the least that has a sign to so many times it are small: one that is cut off, averaged or
    /// measured by another range may lose its sign there alone (assumption).
    SMALL_SIGNED ("small-signed", "MEA-01", "ratio", Battery): f64 = 4.0;
    /// A current that has flowed one way for so long is told so by every meter: filters of a battery, its slowest frames and the
    /// polling of a GX (assumption).
    SIGN_TOLD ("sign-told", "MEA-01", "s", Battery): Micros = Micros::from_secs(30);
    /// What a meter of the current may be off by, whatever flows (assumption: ten steps of 0x356).
    CURRENT_OFFSET ("current-offset", "MEA-04", "A", Battery): f64 = 1.0;
    /// Energy that must have flowed one way before a counter of 100 Wh can be held against it (P 2 §0x378): two steps, which
    /// a counter of kilowatt hours misses both.
    ENERGY_SEEN ("energy-seen", "ENE-01", "Wh", Battery): f64 = 200.0;
    /// What a counter and a meter may differ by: one step (P 2 §0x378).
    ENERGY_STEP ("energy-step", "ENE-01", "Wh", Battery): f64 = 100.0;
    /// And this share: two meters of current and of voltage (assumption).
    ENERGY_SHARE ("energy-share", "ENE-01", "%", Battery): f64 = 15.0;
    /// A smaller charge or discharge says nothing of a gain: its hundredth is what 0x356 resolves (P 2 §0x356).
    GAIN_CURRENT ("gain-current", "MEA-04", "A", Battery): f64 = 10.0;
    /// So long must it flow: the GX is polled each second, CAN is not (assumption).
    GAIN_TIME ("gain-time", "MEA-04", "s", PollTimes): f64 = 300.0;
    // Witnesses: meters beside the battery
    /// Voltages are held against each other below this current: cables drop little then (assumption).
    METER_SMALL ("meter-small", "MEA-03", "A", Battery): f64 = 20.0;
    /// Two meters must have been seen together for so long, and one that shows the same for so long may stand still (assumption).
    METER_TOGETHER ("meter-together", "MEA-03", "s", Counts): Micros = Micros::from_secs(600);
    /// What is told for less than this share of the time in which a case gives it power is no second opinion on it (assumption).
    METER_HEARD ("meter-heard", "MEA-03", "share", Counts): f64 = 0.9;
    /// A meter tells a step within this time, with all delays between it and this machine (assumption).
    METER_FOLLOWS ("meter-follows", "MEA-04", "s", Counts): Micros = Micros::from_secs(60);
    /// A step of the current that the voltage of a meter follows (assumption).
    METER_STEP ("meter-step", "MEA-04", "A", Battery): f64 = 10.0;
    /// The time in which such a step comes; slower ones a charger regulates away (assumption).
    METER_STEP_TIME ("meter-step-time", "MEA-04", "s", Counts): Micros = Micros::from_secs(20);
    /// Steps of voltage × current that say how a shunt is connected: 50 A through 1.2 mΩ, of which a VE.Can shunt tells six digits
    /// (assumption).
    METER_STEPS ("meter-steps", "MEA-04", "W", Battery): f64 = 3.0;
    /// From less than this no instrument runs: the least of VE.Direct monitors is 6.5 V (data sheets).
    METER_RUNS ("meter-runs", "MEA-03", "V", Battery): f64 = 6.0;
    /// A shunt through which nothing flows shows no more than this: its zero is off by less (assumption).
    METER_BLIND ("meter-blind", "MEA-04", "A", Battery): f64 = 0.5;
    /// A voltmeter on the DC bus shows another digit once the battery's voltage has moved by this and its current by a step: ten of
    /// the steps in which it tells it (assumption). On a 24 V system half of it.
    METER_MOVED ("meter-moved", "MEA-03", "V", Battery): Volts = Volts(0.1);
    /// On a good line of VE.Direct 7 blocks of 100 000 have a wrong sum by public reports; this share is a fault of the wiring
    /// (assumption).
    BAD_BLOCKS ("bad-blocks", "D-VD", "share", Counts): f64 = 0.001;
    /// Fewer blocks say nothing of such a share (assumption).
    MANY_BLOCKS ("many-blocks", "D-VD", "blocks", Counts): u64 = 1000;
    /// So much is drawn before a counter of charge says something: ten steps of one that is told on a bus
    /// (PGN 127506; assumption).
    COUNTER_DRAWN ("counter-drawn", "D-VD", "Ah", Battery): f64 = 1.0;
    /// A counter that moves by less than this share of what was drawn stands still (assumption).
    COUNTER_MOVES ("counter-moves", "D-VD", "share", Battery): f64 = 0.5;
    /// What a counter of charge holds at least whose fall to zero is seen (assumption).
    COUNTER_HELD ("counter-held", "D-VD", "Ah", Battery): f64 = 0.5;
    /// A counter that holds less is at zero: a tenth is what a bus tells (PGN 127506; assumption).
    COUNTER_EMPTY ("counter-empty", "D-VD", "Ah", Battery): f64 = 0.1;
    // What no battery measures
    /// No battery of this protocol carries so much: 0x356 ends at 3276.7 A, and garbage lies near its ends (P 2
    /// §0x356).
    LARGEST_CURRENT ("largest-current", "MEA-02", "A", Battery): f64 = 2500.0;
    /// Cells do not come this far above where the battery disconnects them: 4.0 V of a LFP cell that is disconnected
    /// at 3.65 V (assumption: a tenth, for both calibrations and for what a charger lifts the voltage by until it
    /// stops).
    ABOVE_DISCONNECT ("above-disconnect", "MEA-02", "ratio", Battery): f64 = 1.1;
    /// Less sun than this excites nothing, and its shares say nothing (assumption).
    SUN ("least-sun", "M9", "W", PvPower): f64 = 200.0;
    /// Sun that must show in the battery (assumption).
    SUN_OF_CHARGE ("sun-of-charge", "BEH-GR", "W", PvPower): Watts = Watts(500.0);
    /// *"PV is fully producing"* (P 1.5.4): this much says that the sun was there (assumption).
    PRODUCING ("producing", "BEH-AC", "W", PvPower): Watts = Watts(500.0);
    /// What a small battery is tried with is small too: of the power that it is charged with, this share says as much as
    /// the watts of "sun-of-charge", "producing" and "export" do of a large one (assumption).
    TELLING ("telling", "BEH-GR", "ratio", PvPower): f64 = 0.25;
    /// Less than this is no sun: steps of settings, and what a meter shows of nothing (assumption: a quarter of what
    /// M9 looks at).
    NO_SUN ("no-sun", "M15", "W", PvPower): Watts = Watts(50.0);
    /// Loads that show whether the grid carries them (assumption).
    LOADS ("loads", "BEH-GR", "W", GridPower): f64 = 100.0;
    /// A supply may take so long until it offers what it was asked for: settings one after the other over a slow
    /// line, and a relay (assumption).
    SUPPLY_FOLLOWS ("supply-follows", "M15", "s", PollTimes): Micros = Micros::from_secs(60);
    // When a run is judged
    /// After the mark full a battery may take this long to come to rest before it is judged (assumption).
    TO_REST ("to-rest", "CVL-04", "s", Counts): Micros = Micros::from_secs(600);
    /// What a step of load, sun or grid stirs up in the plant is over by then: the reconnection to the grid takes 60
    /// s (assumption).
    STIRRED ("stirred", "CVL-04", "s", Counts): Micros = Micros::from_secs(120);
    /// Changes closer together than this are one disturbance: a ramp, or several switches thrown at once
    /// (assumption).
    ONE_DISTURBANCE ("one-disturbance", "CVL-04", "s", Counts): Micros = Micros::from_secs(30);
    /// A system that stands still for more of the time than this was not in operation (assumption).
    STANDSTILL ("standstill", "CVL-04", "%", Counts): Percent = Percent(50.0);
    /// A CVL further above the battery voltage than this controls nothing: its changes are harmless (assumption).
    /// On a 24 V system half of it, on a 12 V one a quarter.
    CONTROLS ("controls", "M3", "V", Battery): f64 = 1.5;
    /// A CVL that leaves the battery voltage for less than this was not released: slower than any control loop that
    /// is to be found out, shorter than a battery needs until it takes charge again (assumption).
    AWAY ("away", "M3", "s", Counts): Micros = Micros::from_secs(600);
    /// Fewer turns are no cycle, however short the time they were counted in (assumption).
    CYCLE_TURNS ("cycle-turns", "M16", "turns", Counts): usize = 4;
    /// What turns for less of the time swings in, and is no cycle that goes on (assumption).
    CYCLE_SHARE ("cycle-share", "M16", "share", Counts): f64 = 0.5;
    /// One step of the wire to and fro is no cycle where CVL turns no sooner than this: a voltage between two steps is held by going
    /// to and fro, six turns an hour are as still as M3 calls good, and M8 looks at the export in stretches of this length (P 1.5.3: "very stable and slow").
    /// On a 24 V system twice as long, on a 12 V one four times: there a step is so much larger a share of the voltage.
    SLOW_STEP ("slow-step", "M16", "s", Battery): Micros = Micros::from_secs(600);
    /// A fall of CVL at rest is looked at over so long at least, in two halves: a ramp down to float may take an hour
    /// (P 1.5.3: slow), and ends within the first.
    SINK_TIME ("sink-time", "M17", "s", Counts): Micros = Micros::from_secs(6_000);
    /// A slope of less in a half of it may be one step alone: one in its middle makes 1.5 of the least-squares line, two
    /// that are spread evenly 2.7 (assumption: half a step from the one, more from the other).
    SINK_STEPS ("sink-steps", "M17", "steps", Counts): f64 = 2.0;
    /// The highest cell comes down with a CVL that sinks by this share of it at least. Where it stands, CVL is what a
    /// control of that cell makes of it (P 1.5.3).
    SINK_FOLLOWED ("sink-followed", "M17", "share", Battery): f64 = 0.5;
    // M1: trips
    /// A battery has parted from the bus where the voltages differ by this much beyond their usual difference: a
    /// voltmeter that is off, and the drop of the cables, are less (assumption).
    /// On a 24 V system half of it, on a 12 V one a quarter.
    PARTED ("parted", "M1", "V", BusVoltage): Volts = Volts(1.0);
    /// So long: the GX is polled and CAN is not, so after a fast change the two voltages differ for a poll or two
    /// (assumption).
    PARTED_FOR ("parted-for", "M1", "s", PollTimes): Micros = Micros::from_secs(5);
    /// So long must current flow before its time alone says what the usual difference is (assumption).
    USUAL_TIME ("usual-time", "M1", "s", Counts): f64 = 60.0;
    /// A battery trips some seconds after the voltage that made it trip (assumption).
    TRIP_LAG ("trip-lag", "CVL-08", "s", Counts): Micros = Micros::from_secs(30);
    /// Meters of battery and inverter may differ by so much (assumption: 0.5 % of 57 V, twice).
    /// On a 24 V system half of it, on a 12 V one a quarter.
    METERS ("meters", "CVL-01", "V", BusVoltage): Volts = Volts(0.6);
    // M8, M9: the export, and the scans of the tracker
    /// A tracker scans its whole range every some minutes and gives less than this for a moment: no fault of the
    /// battery. A poll may catch only the edge of it (assumption).
    SCAN ("scan", "M8", "share", PvPower): f64 = 0.98;
    /// A GX is polled every second or two: a dip begins up to a poll before it is seen (assumption).
    BEFORE_SCAN ("before-scan", "M8", "s", PollTimes): Micros = Micros::from_millis(2_500);
    /// After a scan the inverter takes this long to follow, and the GX is polled about once a second (assumption).
    AFTER_SCAN ("after-scan", "M8", "s", PollTimes): Micros = Micros::from_secs(8);
    /// Trackers scan every 60 s to 600 s (field: solar chargers of several makers), less what two polls may blur. A
    /// dip that comes again sooner is no scan but ripple (assumption).
    BETWEEN_SCANS ("between-scans", "M8", "s", PollTimes): Micros = Micros::from_millis(57_500);
    /// Within this the parts of one scan, caught by several polls, are one dip (assumption).
    ONE_SCAN ("one-scan", "M8", "s", PollTimes): Micros = Micros::from_secs(3);
    /// Longer than a scan takes, it is a fall of PV power and counts (assumption).
    LONGEST_SCAN ("longest-scan", "M8", "s", PollTimes): Micros = Micros::from_secs(10);
    /// Power is seen to fall up to a poll after it did: a GX is polled every second or two (assumption).
    POLL ("poll", "M9", "s", PollTimes): Micros = Micros::from_secs(2);
    /// The export ripples about a straight line through so much. What falls or rises steadily is no ripple, and after a step
    /// of CVL a battery relaxes over many minutes; what swings slower moves the power of CVL-04 (assumption).
    RIPPLES ("ripples", "M8", "s", PollTimes): Micros = Micros::from_secs(600);
    /// In its band for this long, the power has settled, and where it has is the mean over as long; what disturbs it
    /// later is ripple (assumption).
    STEADY ("steady", "M8", "s", PollTimes): Micros = Micros::from_secs(60);
    /// A scan takes charge from the battery for a moment, which then is given back: what stands so near the end of a
    /// window says nothing of where the power has settled, nor does a shorter window (assumption).
    AFTERMATH ("aftermath", "M8", "s", PollTimes): Micros = Micros::from_secs(120);
    /// A shift of CVL within one window after a step, and within none of so many others, is no answer to steps (assumption).
    ONCE_AMONG ("once-among", "M8", "steps", Counts): usize = 3;
    /// A battery that has lost so much since it was full may raise CVL to be charged anew: more than one that stays full loses
    /// (assumption: the limit of M7).
    RECHARGE ("recharge", "M8", "%", Battery): Percent = Percent(2.0);
    /// A lowering of CVL by this share of the change of voltage that the pulls make may be a copy of a pulled voltage: happening once
    /// excuses it no more (assumption: a copy is as deep as the pull).
    ONCE_DEPTH ("once-depth", "M12", "share", Counts): f64 = 0.7;
    /// The export has settled within this share of its final value (assumption: what M8 calls steady).
    SETTLED_SHARE ("settled-share", "M8", "share", GridPower): f64 = 0.05;
    /// The export has settled within this of its final value, whatever its share (assumption: 3 kW at 5 %).
    SETTLED_LEAST ("settled-least", "M8", "W", GridPower): f64 = 150.0;
    /// The power follows a step of CVL within this: 3 s of the GX, its loop and the ramps of the devices
    /// (assumption).
    EXPORT_FOLLOWS ("export-follows", "M8", "s", PollTimes): Micros = Micros::from_secs(30);
    /// The state before a step is the mean over this: longer than a scan of the tracker takes (assumption).
    BEFORE_STEP ("before-step", "M8", "s", PollTimes): Micros = Micros::from_secs(30);
    /// So much of the sun reaches the loads: losses of charger and inverter are below 15 % (assumption).
    LOSSES ("losses", "M7", "share", Counts): f64 = 0.85;
    /// Closer to the limit of the inverter than this, curtailment is nobody's fault (assumption).
    ROOM ("room", "M9", "W", PvPower): f64 = 200.0;
    /// A shorter time with room for all of the sun says nothing of curtailment (assumption).
    CURTAILED_TIME ("curtailed-time", "M9", "s", Counts): Micros = Micros::from_secs(600);
    // CVL and the cells at the end of charge
    /// A step is judged where nothing disturbs CVL for so long after it (assumption).
    STEP_SEEN ("step-seen", "M10", "s", Counts): Micros = Micros::from_secs(90);
    /// Where CVL has settled is its mean over the last of that (assumption).
    STEP_END ("step-end", "M10", "s", Counts): Micros = Micros::from_secs(30);
    /// More turns of CVL than these after one step are hunting (assumption).
    HUNTING ("hunting", "CVL-09", "turns", Battery): usize = 3;
    /// A full LFP cell rests at 3.45 V, this far below its usual disconnect voltage: one that comes up from below to
    /// there recovers from a load and stops by itself (P 1.5.3).
    RECOVERS ("recovers", "CVL-07", "V", Battery): Volts = Volts(0.2);
    /// The rise is that of the last undisturbed hour: of steps of 1 mV it resolves a thirtieth of its limit
    /// (assumption).
    RISE_TIME ("rise-time", "CVL-07", "s", Counts): Micros = Micros::from_secs(3600);
    /// An undisturbed end of a hold that is shorter says nothing of a trend (assumption).
    END_LEAST ("end-least", "CVL-07", "s", Counts): Micros = Micros::from_secs(1200);
    /// Whether CVL converges is looked at over the last of this (assumption).
    CONVERGE_TIME ("converge-time", "CVL-10", "s", Counts): Micros = Micros::from_secs(1800);
    /// CVL that moves less than this over that time has converged (assumption).
    /// On a 24 V system half of it, on a 12 V one a quarter, and one step of the wire at least.
    CONVERGED ("converged", "CVL-10", "V", Battery): Volts = Volts(0.3);
    /// CVL that turns more often in that time does not converge (assumption).
    CONVERGE_TURNS ("converge-turns", "CVL-10", "turns", Battery): usize = 2;
    /// CVL that has not converged and falls faster than this does not recover (assumption).
    /// On a 24 V system half of it, on a 12 V one a quarter.
    FALLING ("falling", "CVL-10", "V/h", Battery): f64 = -0.1;
    /// Cells that differ by less charge than this are balanced: spread of capacity and of resistance make up to 0.3 %
    /// of it (assumption), the suites ask for 1 % and 5 %.
    BALANCED ("balanced", "CVL-10", "%", Battery): Percent = Percent(0.5);
    /// So much may go from a battery that brings a high cell down out of its knee: 5 % that it was charged above the others, and
    /// what a controller overshoots by (P 1.5.3.2).
    RESCUE ("rescue", "CVL-06", "%", Battery): Percent = Percent(6.0);
    /// Cells that differ by this share of what they differed at most are balanced again (assumption).
    AGAIN ("again", "CVL-10", "share", Battery): f64 = 0.25;
    /// A CVL that comes so near to the most that is declared lets all cells get full again (assumption).
    /// On a 24 V system half of it, on a 12 V one a quarter.
    BACK_AT_MOST ("back-at-most", "CVL-10", "V", Battery): Volts = Volts(1.0);
    /// An imbalance falls when it has lost this share of its most (assumption).
    FALLS_SHARE ("falls-share", "CVL-10", "share", Battery): f64 = 0.05;
    /// It has lost at least this: two steps of 0x373, which carries 1 mV (P 2 §0x373).
    FALLS_LEAST ("falls-least", "CVL-10", "V", Battery): f64 = 0.002;
    /// A smaller charge tells nothing of the curve: voltages then move by relaxation, not by charge (assumption).
    CHARGING ("charging", "BEH-IM", "C", Battery): f64 = 0.05;
    /// A current below this is none (assumption).
    RESTING ("resting", "BEH-IM", "C", Battery): f64 = 0.01;
    /// So long after charge began the resistances of the cells have told how they differ, and charge has not yet
    /// (assumption).
    BEGINNING ("beginning", "BEH-IM", "h", Battery): f64 = 1.0 / 6.0;
    // M12: tracking
    /// One step of CVL on the wire, to and fro, is no movement (P 2 §0x351).
    FLICKER ("flicker", "M12", "V", Battery): Volts = Volts(1.25 * CVL_STEP);
    /// A CVL that moves by no more than this share of what the voltage moved stands still (assumption).
    STILL ("still", "M12", "share", Battery): f64 = 0.2;
    /// What CVL moves in all may exceed what the slope explains by its last bit and the noise of both (assumption).
    SCATTER ("scatter", "M12", "ratio", Battery): f64 = 1.25;
    /// So many pulls decide: fewer points make no correlation (assumption).
    PULLS ("pulls", "M12", "pulls", Counts): usize = 6;
    /// Of these so many must answer: the others may have caught CVL on its way down (assumption).
    FEWEST_PULLS ("fewest-pulls", "M12", "pulls", Counts): usize = 4;
    /// The pace of a CVL that is on its way is what it falls in this time: some steps of the 20 s of P 1.5.3 (assumption).
    ON_ITS_WAY ("on-its-way", "M12", "s", Battery): Micros = Micros::from_secs(120);
    /// The voltage is compared with what it was in this time before the pull (assumption).
    BEFORE_PULL ("before-pull", "M12", "s", Counts): Micros = Micros::from_secs(30);
    /// Shorter pulls end before a CVL that is refreshed every 20 s (P 1.5.3) has answered.
    SHORTEST_PULL ("shortest-pull", "M12", "s", Counts): Micros = Micros::from_secs(90);
    /// The end of a pull that counts: a tenth of the slowest refresh that is looked for (assumption).
    END_OF_PULL ("end-of-pull", "M12", "s", Counts): Micros = Micros::from_secs(60);
    /// So many changes of CVL tell whether it copies the voltage (assumption).
    COPIED_CHANGES ("copied-changes", "M12", "changes", Counts): usize = 30;
    /// The voltage must have moved by this meanwhile (assumption).
    COPIED_MOVED ("copied-moved", "M12", "V", Battery): f64 = 0.3;
    /// So near to one constant each copy lands: a step of CVL on the wire, for it is rounded and may be a second
    /// older than the voltage beside it, and some noise (assumption).
    COPIED_NEAR ("copied-near", "M12", "V", Battery): f64 = 0.12;
    /// The share of changes from which CVL is said to copy the voltage (assumption).
    COPIES ("copies", "M12", "%", Battery): Percent = Percent(80.0);
    /// A copy is refreshed often: changes that come later than this after the one before are decisions of their own,
    /// for 20 s are advised (P 1.5.3).
    COPY_REFRESH ("copy-refresh", "M12", "s", Battery): Micros = Micros::from_secs(10);
    // State of charge, alarms, what the GX shows
    /// Within this time no current moves the state of charge of a battery by more than 2.8 %, which is ten times the
    /// capacity an hour (assumption).
    SOON ("soon", "SOC-04", "s", Battery): Micros = Micros::from_secs(10);
    /// Charge that must have moved one way before state of charge can be held against it. A state of charge that
    /// stands still is then off by nine tenths of it, more than is allowed (assumption).
    SOC_SWING ("soc-swing", "SOC-03", "%", Battery): f64 = 4.5;
    /// The switch of 0x35A and the current are sent at different moments of a cycle: so long after a change they must
    /// agree (assumption).
    SWITCH_TOLD ("switch-told", "ALM-06", "s", Battery): Micros = Micros::from_secs(3);
    /// 0x35A has vanished after so many of its usual periods without it, while 0x351 goes on (assumption).
    GONE_PERIODS ("gone-periods", "ALM-07", "periods", FrameTimes): u64 = 10;
    /// An alarm that comes back within this time of going may never have had a reason to go (assumption).
    RETURNS ("returns", "ALM-07", "s", Battery): Micros = Micros::from_secs(60);
    /// As often it flickers (assumption).
    FLICKERS ("flickers", "ALM-07", "times", Battery): u64 = 3;
    /// An alarm is gone so long after its cause at the latest: releases and retries take their time (assumption).
    CLEARS ("clears", "ALM-05", "s", PollTimes): Micros = Micros::from_secs(1800);
    /// A limit that is lowered for an alarm is lowered so far at least, of the most that it was before (assumption).
    MOVED ("moved", "ALM-08", "share", Battery): f64 = 0.9;
    /// It is lowered no longer than this before the alarm, or after it: a battery looks once a second, its messages may be 10 s
    /// apart (assumption).
    MOVED_SOON ("moved-soon", "ALM-08", "s", FrameTimes): Micros = Micros::from_secs(15);
    /// What is sent seldom is sent once a minute at least. A GX that just found the battery shows 0 until then
    /// (assumption).
    SELDOM ("seldom", "GXD-04", "s", PollTimes): Micros = Micros::from_secs(60);
    /// An inverter that starts again above this share of where the battery is empty may wait for a battery that rests below it: cells of
    /// LFP rest 14 % above it at a tenth of their charge (assumption).
    RESTART_ABOVE ("restart-above", "GXD-08", "ratio", Counts): f64 = 1.1;
    // Keep-alive, blackout, dropped loads, grid loss
    /// The last 0x305 before the loss was up to a second earlier, and a battery looks at its clock once a second
    /// (assumption).
    KEEP_ALIVE_CLOCK ("keep-alive-clock", "TIM-03", "s", FrameTimes): Micros = Micros::from_secs(2);
    /// From the return of the keep-alive a battery may take so long to be back at work: an opened contactor closes
    /// again, the GX takes up control (assumption).
    BACK_AT_WORK ("back-at-work", "TIM-04", "s", PollTimes): Micros = Micros::from_secs(120);
    /// So long must it be seen at work (assumption).
    AT_WORK ("at-work", "TIM-04", "s", Counts): Micros = Micros::from_secs(60);
    /// What was going on is looked at for so long before the silence (assumption).
    BEFORE_SILENCE ("before-silence", "TIM-06", "s", Counts): Micros = Micros::from_secs(10);
    /// A load of half the power of the inverter is a big one, or of half of what charges a battery that takes less; the load that was really on may miss it a little
    /// (assumption).
    BIG_LOAD ("big-load", "BEH-AC", "share", GridPower): f64 = 0.5 * 0.95;
    /// What a drop stirs up shows within this time: the charge goes on for seconds, a battery that tripped stays off
    /// for longer (assumption).
    AFTER_DROP ("after-drop", "BEH-AC", "s", Counts): Micros = Micros::from_secs(600);
    /// So long must be seen after a drop (assumption).
    DROP_SEEN ("drop-seen", "BEH-AC", "s", Counts): Micros = Micros::from_secs(120);
    /// The highest cell and the state of charge count from so long before: the load pulls the cells down
    /// (assumption).
    BEFORE_DROP ("before-drop", "BEH-AC", "s", Counts): Micros = Micros::from_secs(600);
    /// The GX takes up to 3 s to pass a limit on, devices ramp, and a charger needs up to 30 s to start (assumption).
    GRID_SETTLED ("grid-settled", "BEH-GR", "s", Counts): Micros = Micros::from_secs(60);
    /// Each part of the case must be seen for so long (assumption).
    PART_SEEN ("part-seen", "BEH-GR", "h", Counts): f64 = 60.0 / 3600.0;
    /// How long a state must have lasted before the end of a wait to be what decided it: restart of an inverter, its
    /// rest after an overload, and a control action of the GX are over by then (assumption).
    LASTED ("lasted", "BEH-BO", "s", Counts): Micros = Micros::from_secs(60);
    /// So long before the end charge or discharge must have gone on (assumption).
    GOES_ON ("goes-on", "BEH-BO", "s", Counts): Micros = Micros::from_secs(600);
    /// Battery and bus are connected where their voltages differ by less (assumption).
    /// On a 24 V system half of it, on a 12 V one a quarter.
    CONNECTED ("connected", "BEH-BO", "V", BusVoltage): Volts = Volts(1.0);
    /// A battery that took so much of its capacity from empty has had what it needs to come back: the suites expect
    /// 10 % of charge after a blackout (assumption).
    RECOVERED ("recovered", "BEH-BO", "%", Battery): Percent = Percent(10.0);
    /// A battery that says it holds more than this is not on its way up from empty (assumption).
    NOT_FROM_EMPTY ("not-from-empty", "BEH-BO", "%", Battery): Percent = Percent(25.0);
    /// A battery that says it holds more than this is not empty: it stops by itself at some percent (assumption).
    NOT_EMPTY ("not-empty", "BEH-BO", "%", Battery): Percent = Percent(5.0);
    /// Batteries disconnect somewhat above the current that they declare: 1.3 times is usual (assumption).
    ABOVE_DECLARED ("above-declared", "BEH-BO", "ratio", Battery): f64 = 1.3;
    /// Charge in the battery that is less than this share below what all of the sun gives is all of it (assumption).
    ALL_OF_IT ("all-of-it", "BEH-BO", "share", PvPower): f64 = 0.9;
}
