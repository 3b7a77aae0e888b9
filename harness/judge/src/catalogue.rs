//! The requirement catalogue: every normative statement of the specification as data, with what judges it.
//!
//! `P` is the *CAN-bus BMS Protocol*, `D` is *Data communication with Victron Energy products*.

use proto::message::id;

use crate::behaviour::{
    self, alarms, bus, charge_voltage, current_limits, discharging, feed_in, following, grid_loss, gx,
    imbalance, keep_alive, links, load_dump, silence, state, steps,
};
use crate::metrics::Metric;
use crate::requirement::{Requirement, Severity, Sun};
use crate::thresholds;
use crate::wire;

/// A document of the specification.
#[derive(Debug, PartialEq, Eq)]
pub struct Document {
    /// its letter in sections, such as the `P` of `P 1.5.3`
    pub letter: &'static str,
    /// its title
    pub title: &'static str,
    /// the revision that the catalogue was written from, as the document dates itself
    pub revision: &'static str,
}

/// Both documents, and the revisions that the catalogue holds the battery to.
pub static DOCUMENTS: [Document; 2] = [
    Document { letter: "P", title: "CAN-bus BMS Protocol", revision: "changes up to 2022-03-08 (P 7)" },
    Document {
        letter: "D",
        title: "Data communication with Victron Energy products",
        revision: "revision 23 of 2016-04-13",
    },
];

/// A row of [`CATALOGUE`]: a requirement, and what judges it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    /// what is demanded
    pub(crate) requirement: Requirement,
    /// what judges the frames of any log
    pub(crate) log: Option<wire::Judge>,
    /// what judges a run; without it a run is judged by its frames
    pub(crate) run: Option<behaviour::Judge>,
    /// whether a witness has a second opinion on it: it rests on the battery's own voltage or current
    pub(crate) witnessed: bool,
}

impl Row {
    const fn of(severity: Severity, [id, section, judged, title]: [&'static str; 4]) -> Self {
        let requirement = Requirement {
            id,
            section,
            severity,
            title,
            judged,
            remedy: None,
            thresholds: &[],
            no_fault_alone: None,
            answers: false,
            reads: &[],
            compares: false,
            sun: Sun::Apart,
            advice: None,
        };
        Self { requirement, log: None, run: None, witnessed: false }
    }

    const fn in_log(self, judge: wire::Judge) -> Self {
        Self { log: Some(judge), ..self }
    }
    const fn in_run(self, judge: behaviour::Judge) -> Self {
        Self { run: Some(judge), ..self }
    }
    const fn witnessed(self) -> Self {
        Self { witnessed: true, ..self }
    }
    const fn reads(mut self, reads: &'static [u16]) -> Self {
        self.requirement.reads = reads;
        self
    }
    const fn compares(mut self) -> Self {
        self.requirement.compares = true;
        self
    }
    const fn sun(mut self, sun: Sun) -> Self {
        self.requirement.sun = sun;
        self
    }
    const fn answers(mut self) -> Self {
        self.requirement.answers = true;
        self
    }
    const fn mended_by(mut self, remedy: &'static str) -> Self {
        self.requirement.remedy = Some(remedy);
        self
    }
    const fn held_to(mut self, thresholds: &'static [&'static str]) -> Self {
        self.requirement.thresholds = thresholds;
        self
    }
    const fn no_fault_alone(mut self, why: &'static str) -> Self {
        self.requirement.no_fault_alone = Some(why);
        self
    }
    const fn or_advises(mut self, advice: &'static Requirement) -> Self {
        self.requirement.advice = Some(advice);
        self
    }
}

/// The requirement with this id.
#[must_use]
pub fn find(id: &str) -> Option<&'static Requirement> {
    row(id).map(|row| &row.requirement)
}

/// What a test of one's own is judged as: a requirement that must hold, has this name, and is in no catalogue. Only what a case
/// expects decides it. Verdicts are about rows that are there for good, so it stays: some bytes each time that a suite is read.
#[must_use]
pub fn own(name: &str) -> &'static Requirement {
    let id: &'static str = name.to_owned().leak();
    let row = Row::of(Severity::Must, [id, OWN_SECTION, "B", "What a test of one's own expects"]);
    Box::leak(Box::new(row.requirement))
}

/// Stands where a row of the catalogue has its section.
const OWN_SECTION: &str = "–";

/// Every requirement, in the order of the report.
pub fn requirements() -> impl Iterator<Item = &'static Requirement> {
    CATALOGUE.iter().map(|row| &row.requirement)
}

/// The requirements that the thresholds of a metric decide, in the order of the report.
pub fn of_metric(metric: &Metric) -> impl Iterator<Item = &'static Requirement> {
    let own = |name: &&str| thresholds::find(name).is_some_and(|row| row.metric == metric.id);
    requirements().filter(move |requirement| requirement.thresholds.iter().any(&own))
}

pub(crate) fn row(id: &str) -> Option<&'static Row> {
    CATALOGUE.iter().find(|row| row.requirement.id == id)
}

#[rustfmt::skip]
const MSG_02: Row =
    must("MSG-02", "P 2", "L", "0x35E and 0x35F are present, as required of an officially supported battery")
        .mended_by("send 0x35E with the maker's name and 0x35F with firmware version and capacity")
        .in_log(|w, t, o| w.presence.has_identity(&w.bus, t, o));
#[rustfmt::skip]
const CVL_01: Row =
    must("CVL-01", "P 2 §0x351", "L", "CVL is always present, non-zero and plausible for the pack, boot included")
        .mended_by("send a CVL of the pack in 0.1 V, least significant byte first, from the first frame on and never 0")
        .in_log(|w, t, o| w.limits.cvl_is_plausible(&w.closed().below, t, o)).reads(&[id::LIMITS]).compares()
        .held_to(&["outage"]);
/// CVL-01 where it only warns: what a CVL somewhat below the voltage does is decided by CVL-06.
static CVL_01_ADVICE: Requirement = advice(CVL_01);
#[rustfmt::skip]
const MEA_04: Row =
    must("MEA-04", "P 1.5.3", "B/X", "Current and voltage that the battery reports agree in magnitude with independent meters")
        .mended_by("calibrate offset and gain of the sensors of current and voltage, small currents included")
        .in_run(state::has_the_size).held_to(&["current-difference", "voltage-difference"]);
/// MEA-04 where it only warns: what differs by no more than 5 % and 1 A, or 1 % of the voltage, may be a matter of calibration.
static MEA_04_ADVICE: Requirement = advice(MEA_04);
/// MSG-02 for a battery that does not ask for official support.
static MSG_02_ADVICE: Requirement = advice(MSG_02);

/// All requirements, in the order of the report.
#[rustfmt::skip]
pub(crate) static CATALOGUE: &[Row] = &[
    // Bus
    must("BUS-01", "P 1.2", "L", "Every data frame of the battery uses an 11-bit identifier")
        .mended_by("send every frame with an 11-bit identifier (IDE = 0); this port has no room for 29-bit protocols")
        .in_log(|w, _, o| w.bus.has_short_ids(o)),
    should("BUS-02", "P 1.2", "B", "The bus runs at 500 kbit/s, or at 250 kbit/s where the GX profile is set to it")
        .mended_by("set the controller to 500 kbit/s, or the CAN profile of the GX to 250 kbit/s")
        .in_run(bus::runs_at_the_right_rate),
    must("BUS-03", "P 1.2", "B", "No error-passive, bus-off or acknowledge-error episode")
        .mended_by("look at termination (60 Ω across the pair), wiring and sample point, and let the controller come back from bus-off by itself")
        .in_log(|w, _, o| w.errors.in_a_log(o)).in_run(bus::is_sound),
    must("BUS-04", "P 3", "L", "The battery does not send 0x305 or 0x307, which belong to the GX")
        .mended_by("never send 0x305 or 0x307: they are the GX's, and the battery only listens to them")
        .in_log(|w, t, o| w.bus.leaves_the_gx_alone(t, o)),
    information("BUS-05", "P 1.2", "L", "Bus load and frames per second")
        .in_log(|w, t, o| w.bus.load(t, o)),
    should("BUS-06", "P 1.2", "L", "No identifier is sent by more than one node")
        .mended_by("let one unit of a bank speak for all, or give each a bus of its own")
        .in_log(|w, _, o| { w.senders.are_one(o); w.identity.has_one_sender(o); }),
    should("BUS-07", "P 1.3", "L", "VE.Can and the battery do not share a bus")
        .mended_by("connect the battery to the BMS-Can port; VE.Can devices belong on the other one")
        .in_log(|w, t, o| {
            w.bus.is_the_batterys_own(t, o);
            w.beside.show(o);
        }),
    // Which messages, how often
    must("MSG-01", "P 2", "L", "0x351, 0x355, 0x356 and 0x35A are all present")
        .mended_by("send 0x351, 0x355, 0x356 and 0x35A each second from the start on")
        .in_log(|w, t, o| w.presence.has_the_core(&w.bus, t, o)),
    MSG_02.or_advises(&MSG_02_ADVICE),
    information("MSG-03", "P 2", "L", "The optional messages 0x360 and 0x370 to 0x382 that are present")
        .in_log(|w, t, o| w.presence.optional(&w.bus, t, o)),
    must("MSG-04", "P 2", "L", "Each message is long enough for every field it must carry")
        .mended_by("send each message with all the bytes that the protocol gives it (8 for 0x351, at least 6 for 0x356)")
        .in_log(|w, _, o| w.presence.is_long_enough(o)),
    must("TIM-01", "P 1.4", "L", "The gap between two 0x351 never reaches 3 s")
        .mended_by("send 0x351 each second whatever else goes on: while balancing, storing, charging, and without 0x305")
        .in_log(|w, t, o| w.timing.never_pauses(&w.bus, t, o)).compares().held_to(&["gap"]),
    should("TIM-02", "P 1.4", "L", "0x351 is sent every second")
        .mended_by("send 0x351 from a timer of 1 s, not when another task is done")
        .in_log(|w, t, o| w.timing.sends_every_second(t, o)).compares(),
    must("TIM-03", "P 1.4", "B", "Without 0x305 the pack stays connected for at least 10 minutes")
        .mended_by("wait at least 10 minutes without 0x305 before the contactor opens")
        .in_run(keep_alive::stays_connected),
    must("TIM-04", "P 1.4", "B", "After the keep-alive returns the pack works on without a manual reset")
        .mended_by("close the contactor and send usual limits as soon as 0x305 is back, without a button")
        .in_run(keep_alive::works_on),
    should("TIM-05", "P 1.4", "L", "The other core messages keep a steady period")
        .mended_by("send each core message from a timer, and let no slower task keep it back")
        .in_log(|w, t, o| w.timing.keeps_steady(&w.bus, t, o)).compares(),
    must("TIM-06", "P 1.4", "B/X", "Without 0x351 for 3 s the system stops charging and discharging")
        .mended_by("the GX stops by itself when 0x351 is missing: check its DVCC setting and that nothing else sends 0x351")
        .in_run(silence::stops_the_system).held_to(&["stopping"]),
    // CVL, CCL, DCL
    CVL_01.or_advises(&CVL_01_ADVICE),
    must("CVL-02", "P 1.5.3", "B", "A full battery stops charge by a reduced CVL, not by CCL at or near 0")
        .mended_by("hold a full battery by a CVL at its own full voltage; leave CCL at what the cells still bear")
        .in_log(|w, t, o| w.closed().unheeded.may_charge_on(t, o)).reads(&[id::LIMITS, id::MEASUREMENTS]).compares()
        .in_run(charge_voltage::stops_charge_by_cvl).sun(Sun::Decides)
        .held_to(&["reduction", "usable-ccl", "tail", "ccl-outage", "outage", "full-time"]),
    should("CVL-03", "P 1.5.3", "L", "In regulation CVL does not change more often than once every 20 s")
        .mended_by("change CVL at most once in 20 s while it regulates: filter the cell voltages, or make the loop slower")
        .in_log(|w, t, o| w.regulation.is_not_hasty(t, o)).in_run(charge_voltage::is_not_hasty)
        .reads(&[id::LIMITS]).compares().sun(Sun::Decides)
        .held_to(&["hasty-changes", "full-time", "observation"]),
    must("CVL-04", "P 1.5.3", "B", "CVL does not oscillate")
        .mended_by("damp the control of CVL: a smaller gain, a dead band of one step of 0.1 V, smaller steps further apart")
        .in_log(|w, t, o| w.oscillation.may_oscillate(t, o)).reads(&[id::LIMITS, id::MEASUREMENTS]).compares()
        .in_run(charge_voltage::does_not_oscillate)
        .held_to(&["reversals", "dead-band", "travel", "cycle-power", "observation", "full-time"]),
    must("CVL-05", "P 1.5.3", "B", "CVL is not the measured voltage minus a constant")
        .mended_by("derive CVL from cell voltages against their limit, not from the measured voltage")
        .in_log(|w, t, o| w.regulation.is_no_copy_of_the_voltage(t, o)).in_run(following::does_not_track)
        .reads(&[id::LIMITS, id::MEASUREMENTS]).compares().held_to(&["tracking", "correlation", "excitation"]),
    must("CVL-06", "P 1.5.3", "B", "The reduced CVL does not discharge the battery")
        .mended_by("let CVL stop where the current is zero; do not lower it below the voltage at which the battery rests")
        .in_log(|w, t, o| w.closed().below.may_discharge(t, o)).in_run(discharging::does_not_discharge)
        .reads(&[id::LIMITS, id::MEASUREMENTS]).compares().held_to(&["discharge", "soc-fall", "sink", "observation"]).witnessed(),
    must("CVL-07", "P 1.5.3", "B", "The reduced CVL is enough: pack and highest cell voltage stop rising")
        .mended_by("lower CVL earlier, while the highest cell is still below its limit, and far enough that it stops rising")
        .in_run(charge_voltage::is_low_enough).held_to(&["rise", "cell-margin"]).witnessed(),
    must("CVL-08", "P 1.5.3.3", "B", "A DC bus at CVL + 0.4 V trips nothing")
        .mended_by("let protection trip no lower than CVL + 0.4 V, with some seconds of delay")
        .in_run(steps::survives_a_high_bus).sun(Sun::DecidesWhileOn)
        .held_to(&["parted", "excess-band", "excess-time"]),
    should("CVL-09", "P 1.5.3", "B", "After a load or PV step CVL settles")
        .mended_by("let CVL return to one value after a step: no reset of the control when the current changes")
        .in_run(steps::settles).sun(Sun::Decides).held_to(&["cvl-settling", "dead-band", "step"]),
    should("CVL-10", "P 1.5.3", "B", "With high cell imbalance CVL converges, and rises again as imbalance falls")
        .mended_by("with a high cell hold CVL at what that cell bears, and raise it slowly as balancing takes the difference away")
        .in_run(imbalance::converges_under_imbalance).sun(Sun::Decides).held_to(&["dead-band", "observation"]),
    must("CCL-01", "P 2 §0x351", "L", "CCL is a non-negative magnitude")
        .mended_by("send CCL as a magnitude in 0.1 A, without a sign")
        .in_log(|w, _, o| w.limits.ccl_is_positive(o)).reads(&[id::LIMITS]),
    should("CCL-02", "P 1.5.2", "L", "CCL is not at or near 0 while the battery is full and no protection is active")
        .mended_by("leave CCL above what the full battery needs, and lower CVL instead")
        .in_log(|w, t, o| w.closed().leaves_ccl_to_a_full_battery(t, o))
        .in_run(current_limits::ccl_stays_while_full).reads(&[id::LIMITS, id::STATE_OF_CHARGE]).compares()
        .sun(Sun::Decides).held_to(&["ccl-outage", "outage", "full-time"]),
    should("CCL-03", "P 1.5.2", "L", "What the battery sends explains CCL = 0 or DCL = 0 for more than a minute")
        .mended_by("set CCL or DCL to 0 only with a cause that the battery also sends: temperature, state of charge, an alarm")
        .in_log(|w, t, o| w.closed().forbidden.judge(t, o)).reads(&[id::LIMITS, id::STATE_OF_CHARGE]).compares()
        .held_to(&["outage"]),
    should("CCL-04", "P 1.5.2", "L", "CCL and DCL do not alternate regularly")
        .mended_by("give CCL and DCL a hysteresis, so that they do not swing by themselves")
        .in_log(|w, t, o| w.alternation.judge(t, o)).reads(&[id::LIMITS]).compares(),
    must("DCL-01", "P 2 §0x351", "L", "DCL is a non-negative magnitude")
        .mended_by("send DCL as a magnitude in 0.1 A, without a sign")
        .in_log(|w, _, o| w.limits.dcl_is_positive(o)).reads(&[id::LIMITS]),
    should("DCL-02", "P 2 §0x351", "B", "DCL = 0 only forbids discharge; charge is still accepted")
        .mended_by("with DCL = 0 leave CCL and CVL as they are: charge must still come in")
        .in_log(|w, t, o| w.closed().unheeded.may_discharge_on(t, o)).reads(&[id::LIMITS, id::MEASUREMENTS]).compares()
        .in_run(current_limits::dcl_zero_leaves_charge).sun(Sun::Decides).held_to(&["full-time"]),
    information("DVL-01", "P 2 §0x351", "L", "The discharge voltage, which the GX does not use")
        .in_log(|w, _, o| w.limits.discharge_voltage(o)).reads(&[id::LIMITS]),
    // State
    must("SOC-01", "P 2 §0x355", "L", "State of charge and state of health are within 0 to 100 %")
        .mended_by("send state of charge and state of health in whole percent, 0 to 100")
        .in_log(|w, _, o| w.charge.is_within_range(o)).reads(&[id::STATE_OF_CHARGE]),
    should("SOC-02", "P 2 §0x355", "L", "High-resolution state of charge agrees with state of charge within 1 %")
        .mended_by("send the high-resolution state of charge in 0.01 %, of the same counter")
        .in_log(|w, _, o| w.charge.resolutions_agree(o)).reads(&[id::STATE_OF_CHARGE]),
    should("SOC-03", "P 2 §0x355", "B", "State of charge moves with the integral of current")
        .mended_by("count the current all the time; do not hold or reset the state of charge")
        .in_run(state::counts_charge).held_to(&["coulomb-error"]).witnessed(),
    should("SOC-04", "P 2 §0x355", "L", "State of charge makes no jump that current cannot explain")
        .mended_by("correct the state of charge by a slope, not by a jump")
        .in_log(|w, t, o| w.jumps.judge(t, o)).reads(&[id::STATE_OF_CHARGE]).compares().held_to(&["soc-jump"]),
    must("MEA-01", "P 2 §0x356", "B", "Current is negative when discharging and positive when charging")
        .mended_by("send current in 0.1 A with its sign: negative when it discharges")
        .in_run(state::has_the_sign),
    must("MEA-02", "P 2 §0x356", "L", "Voltage, current and temperature are plausible")
        .mended_by("send no value before it was measured, and hold the last one where a sensor fails")
        .in_log(|w, t, o| w.charge.measures_plausibly(t, o)).reads(&[id::MEASUREMENTS]).compares(),
    should("MEA-03", "P 1.5.3", "X", "Battery voltage agrees with the DC voltage of the inverter")
        .mended_by("calibrate the voltage of the pack, or measure it behind the contactor")
        .in_run(state::agrees_with_the_bus).held_to(&["bus-difference"]),
    MEA_04.or_advises(&MEA_04_ADVICE),
    // Warnings and alarms
    must("ALM-01", "P 2 §0x35A", "L", "An alarm or warning that is ever raised shows OK as 10, never as 00 or 11")
        .mended_by("send 10 (OK) for each alarm and warning that is supported, and 01 while it is active; 00 is not supported")
        .in_log(|w, _, o| w.alarms.says_ok(o)).compares(),
    should("ALM-02", "P 2 §0x35A", "L", "0x35A says which alarms and warnings are supported")
        .mended_by("say in 0x35A which alarms and warnings are supported: 10 instead of 00")
        .in_log(|w, _, o| w.alarms.says_what_it_supports(o)),
    should("ALM-03", "P 2 §0x35A", "L", "Reserved bits are steady and not used as flags")
        .mended_by("leave the reserved bits of 0x35A as they are")
        .in_log(|w, _, o| w.alarms.leaves_reserved_bits(o)).compares(),
    information("ALM-04", "P 4 Q1", "L", "0x359 alone does not take the place of 0x35A")
        .in_log(|w, _, o| w.alarms.uses_the_right_message(&w.bus, o)),
    must("ALM-05", "P 5.3", "B/X", "Each alarm appears on the GX and clears there again")
        .mended_by("raise the alarm of the protection that acts, keep it while its cause lasts, and clear it then")
        .in_run(alarms::reach_the_gx).answers().held_to(&["gx-delay"]),
    should("ALM-06", "P 2 §0x35A", "L", "System status says whether the main switch is closed, and agrees with the current")
        .mended_by("send system status as 10 while the main switch is closed and 01 while it is open")
        .in_log(|w, _, o| w.alarms.says_whether_it_is_online(o)).reads(&[id::MEASUREMENTS]).compares(),
    should("ALM-07", "P 2 §0x35A", "L", "0x35A does not vanish, and an alarm whose cause lasts does not flicker")
        .mended_by("send 0x35A each second and keep an alarm as long as its cause; give it a hysteresis")
        .in_log(|w, t, o| w.flicker.is_steady(t, o)).compares()
        .no_fault_alone("in logs; of a battery in a case MSG-01 and ALM-05 tell"),
    should("ALM-08", "P 2 §0x35A", "B", "What raises an alarm of a protection also moves CCL, DCL or CVL")
        .mended_by("lower CCL, DCL or CVL in 0x351 with each alarm of a protection: the GX acts on nothing else")
        .in_run(alarms::moves_a_limit),
    // Identity and diagnostics
    should("IDN-01", "P 2 §0x35E", "L", "The manufacturer name is 7-bit ASCII, padded with zeros")
        .mended_by("send the maker's name in 0x35E as ASCII, the same always, padded with zeros")
        .in_log(|w, _, o| w.identity.names_its_maker(o)).compares(),
    should("IDN-02", "P 2 §0x370", "L", "The battery name is ASCII, complete, and 0x370 matches 0x35E")
        .mended_by("send the whole battery name in 0x370 and 0x371, with the maker of 0x35E")
        .in_log(|w, _, o| w.identity.names_itself(o)).compares(),
    should("IDN-03", "P 2 §0x35F", "L", "Firmware version is big-endian, online capacity little-endian")
        .mended_by("send the firmware version most significant byte first, the capacity least significant byte first")
        .in_log(|w, t, o| w.identity.orders_its_bytes(t, o)).compares(),
    should("IDN-04", "P 2 §0x379", "L", "Installed capacity is at least the online capacity")
        .mended_by("send the installed capacity of the whole bank in 0x379")
        .in_log(|w, _, o| w.identity.has_capacity(o)).reads(&[id::INSTALLED_CAPACITY]).compares(),
    should("IDN-05", "P 2 §0x380", "L", "Both halves of the serial number are sent, padded with zeros")
        .mended_by("send both 0x380 and 0x381, padded with zeros")
        .in_log(|w, _, o| w.identity.has_a_whole_serial(o)).compares(),
    information("IDN-06", "P 2 §0x382", "L", "The family name is ASCII")
        .in_log(|w, _, o| w.identity.names_its_family(o)),
    should("FRC-01", "P 2 §0x360", "L", "Force charge is 0xFF or not asserted, and asserted only at low state of charge")
        .mended_by("ask for charge (0x360) only while the state of charge is low, and stop when it is not")
        .in_log(|w, _, o| w.charge.forces_charge_rightly(o)).reads(&[id::STATE_OF_CHARGE]),
    should("MOD-01", "P 2 §0x372", "L", "Module counts add up; unsupported fields are 0xFFFF")
        .mended_by("count each module once in 0x372, and send 0xFFFF for what is not counted")
        .in_log(|w, _, o| w.cells.counts_modules(o)).reads(&[id::MODULES]),
    must("CEL-01", "P 2 §0x373", "L", "Lowest cell values do not exceed highest ones; temperatures are in kelvin")
        .mended_by("send lowest before highest in 0x373, cell voltages in mV and temperatures in kelvin")
        .in_log(|w, _, o| w.cells.are_in_order(o)).reads(&[id::CELLS]),
    should("CEL-02", "P 2 §0x373", "L", "Pack voltage agrees with the number of cells times their voltages")
        .mended_by("send cell voltages in mV of the pack whose voltage 0x356 has")
        .in_log(|w, t, o| w.cells.agree_with_the_pack(t, o)).reads(&[id::CELLS, id::MEASUREMENTS]).compares(),
    should("CEL-03", "P 2 §0x374", "L", "Cell identifiers are ASCII text, padded with zeros")
        .mended_by("send the names of cells in 0x374 to 0x377 as ASCII text, padded with zeros")
        .in_log(|w, _, o| w.identity.names_cells_in_text(o)),
    should("ENE-01", "P 2 §0x378", "L/B", "Energy counters only rise, and roll over to zero")
        .mended_by("count energy in 100 Wh, and keep the counters when the battery restarts")
        .in_log(|w, t, o| w.charge.counts_energy(t, o)).in_run(state::counts_energy).reads(&[id::MEASUREMENTS]).compares(),
    // What the GX shows
    must("GXD-01", "P 5.1", "X", "The battery appears on the GX within the start-up time")
        .mended_by("start to send all core messages within seconds, and keep the CAN profile of the GX at CAN-bus BMS")
        .in_run(gx::appears).held_to(&["start-up"]),
    must("GXD-02", "P 5.2", "X", "CVL, CCL and DCL on the GX equal those on CAN")
        .mended_by("look for a second sender of 0x351, a controlled user limit in DVCC, or another battery chosen as monitor")
        .in_run(gx::limits_agree).held_to(&["gx-delay"]),
    should("GXD-03", "P 5.1", "X", "State of charge, voltage and current on the GX equal those on CAN")
        .mended_by("choose this battery as battery monitor on the GX, and look for a second sender of 0x355 and 0x356")
        .in_run(gx::state_agrees).held_to(&["gx-delay"]),
    should("GXD-04", "P 5.4", "X", "Cell and module details on the GX equal those on CAN")
        .mended_by("send the details in each cycle, and look for a second sender of them")
        .in_run(gx::details_agree).held_to(&["gx-delay"]),
    must("GXD-05", "P 5.5", "X", "DVCC is on and shared voltage sense is off before a control test starts")
        .mended_by("switch DVCC on and shared voltage sense off on the GX before a test")
        .in_run(gx::is_set_up).no_fault_alone("a precondition: without it no case with a GX begins"),
    information("GXD-06", "P 6", "X", "The pages an end customer would see")
        .in_run(gx::pages),
    must("GXD-07", "P 3", "rig", "What speaks as a GX sends 0x305 and 0x307 as the document lays them out, once a second")
        .mended_by("let what plays the GX send 0x305 (eight zero bytes) and 0x307 (`VIC`) each second, and look at the cable to the GX")
        .in_run(gx::sends),
    should("GXD-08", "P 5.6", "rig", "The inverter's own low cut-off and restart leave the battery its range")
        .mended_by("set the inverter's low cut-off and restart to what the battery allows")
        .in_run(gx::inverter_fits),
    // Behaviour tests
    must("BEH-FI", "P 1.5.3.1", "B", "Full battery, more sun than any load: no over-voltage, stable feed-in, loads switch freely")
        .mended_by("lower CVL until the charge current of the full battery is near zero and keep it there: see CVL-02 to CVL-09")
        .in_run(feed_in::feeds_in).sun(Sun::DecidesWhileOn)
        .held_to(&["parted", "observation", "full-time", "export", "export-ripple", "settling", "curtailment", "cell-margin"]).witnessed(),
    must("BEH-IM", "P 1.5.3.2", "B", "The feed-in test with one cell charged above the others")
        .mended_by("lower CVL by the highest cell, not by the pack, and keep CCL up so that loads and feed-in go on")
        .in_run(feed_in::feeds_in_with_imbalance).sun(Sun::DecidesWhileOn)
        .held_to(&["parted", "observation", "full-time", "export", "export-ripple", "settling", "curtailment", "cell-margin"]),
    must("BEH-XP", "P 1.5.3.3", "B", "More sun than the inverter may feed back: the battery copes with CVL + 0.4 V")
        .mended_by("leave room above CVL: the DC bus rises by 0.4 V when the inverter may not feed back all of it")
        .in_run(feed_in::copes_with_excess).sun(Sun::DecidesWhileOn)
        .held_to(&["parted", "excess-band", "excess-time", "cell-margin"]).witnessed(),
    must("BEH-BO", "P 5.6", "B", "The system restarts by itself after a blackout, an over-voltage and an over-current")
        .mended_by("after a trip or when empty, wake by the voltage at the terminals, close, and send limits that let charge in")
        .answers(),
    must("BEH-AC", "P 1.5.4", "B", "A dropped load with a full battery off-grid does not switch the battery off too fast")
        .mended_by("let over-voltage protection wait for seconds: a dropped load lifts the DC bus for some of them")
        .in_run(load_dump::bears_a_dropped_load).sun(Sun::Decides).held_to(&["bus-rise"]).witnessed(),
    must("BEH-KA", "P 1.4", "B", "The pack outlives a loss of the keep-alive of 10 minutes and works on after it")
        .mended_by("stay connected for 10 minutes without 0x305, and go on by itself when it is back")
        .in_run(keep_alive::outlives_the_gx).no_fault_alone("TIM-03 and TIM-04 together"),
    must("BEH-GR", "P 2 §0x351", "B", "DCL = 0 with and without grid: discharge stops, charge goes on, and back")
        .mended_by("when empty, set DCL to 0, keep CCL, and give DCL back once it was charged")
        .in_run(grid_loss::keeps_its_last_charge).sun(Sun::Decides).witnessed(),
    must("BEH-AL", "P 5.3", "B", "Each alarm and each detail value is seen on the GX")
        .mended_by("raise each alarm in 0x35A with its cause, and send the details 0x373 to 0x377")
        .in_run(alarms::answers_every_fault).answers().held_to(&["gx-delay"])
        .no_fault_alone("ALM-05 over all faults together, and GXD-04"),
    // Instruments and links of the second document
    information("D-MB", "D Modbus-TCP", "X", "The GX is read and written over Modbus-TCP")
        .in_run(|_, o| { o.absent("the case does not tell how the GX was read: Modbus-TCP comes with a bench that has a real GX"); }),
    information("D-VD", "D VE.Direct", "X", "VE.Direct text mode serves as a witness")
        .in_run(links::ve_direct),
    information("D-BT", "D BMV-600", "X", "The BMV-600 text protocol serves as a witness")
        .in_run(links::bmv),
    information("D-N2K", "D NMEA 2000", "X", "VE.Can / NMEA 2000 serves as a witness on a second CAN interface")
        .in_run(links::nmea2000),
    information("D-VRM", "D VRM", "X", "Data exported from VRM stands beside a run as evidence")
        .in_run(|_, o| { o.absent("an export of VRM (CSV; JSON is not offered) is laid beside a run once it has ended, and nothing is judged by it"); }),
    information("D-ALL", "D interfaces", "X", "Each link stands alone: it is decoded, looked at and played without a run")
        .in_run(|_, o| { o.absent("`busbar decode` reads what is recorded of a link, `busbar doctor` looks at it, `busbar serve` plays it; nothing of a run is judged by it"); }),
    information("D-JSON", "D VRM", "X", "VRM's JSON interface is not offered; its CSV holds the same")
        .in_run(|_, o| { o.absent("JSON of VRM is not offered: its CSV holds the same, and the host that the document names is gone"); }),
    information("D-MK2", "D MK2", "X", "MK2 is not offered; VE.Bus is controlled through Modbus-TCP")
        .in_run(|_, o| { o.absent("MK2 is not offered: VE.Bus is controlled through Modbus-TCP, which the document prefers"); }),
];

const fn advice(row: Row) -> Requirement {
    Requirement { severity: Severity::Should, ..row.requirement }
}

const fn must(id: &'static str, section: &'static str, judged: &'static str, title: &'static str) -> Row {
    Row::of(Severity::Must, [id, section, judged, title])
}

const fn should(id: &'static str, section: &'static str, judged: &'static str, title: &'static str) -> Row {
    Row::of(Severity::Should, [id, section, judged, title])
}

const fn information(
    id: &'static str,
    section: &'static str,
    judged: &'static str,
    title: &'static str,
) -> Row {
    Row::of(Severity::Information, [id, section, judged, title])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn what_must_or_should_hold_has_a_remedy_and_nothing_else_has() {
        for requirement in requirements() {
            assert_eq!(
                requirement.remedy.is_some(),
                requirement.severity != Severity::Information,
                "{}",
                requirement.id
            );
        }
    }

    #[test]
    fn ids_are_unique_and_titles_are_sentences() {
        let ids: BTreeSet<_> = requirements().map(|r| r.id).collect();
        assert_eq!(ids.len(), CATALOGUE.len());
        for r in requirements() {
            assert!(r.section.starts_with("P ") || r.section.starts_with("D "), "{}", r.id);
            assert!(r.title.starts_with(|c: char| c.is_uppercase() || c.is_numeric()), "{}", r.id);
            assert!(!r.title.ends_with('.'), "{}", r.id);
            assert!(["L", "B", "X", "B/X", "L/B", "rig"].contains(&r.judged), "{}", r.id);
        }
    }

    /// A row that nothing judges is decided by what a case expects, and none that any log decides is among them.
    #[test]
    fn every_row_has_who_judges_it() {
        for Row { requirement: r, log, run, .. } in CATALOGUE {
            assert!(log.is_some() || !r.by_log(), "{}", r.id);
            assert!(log.is_some() || run.is_some() || r.id == "BEH-BO", "{}", r.id);
            assert!(log.is_some() || r.reads.is_empty() && !r.compares, "{}", r.id);
        }
    }

    #[test]
    fn every_row_is_found_by_its_id() {
        for r in requirements() {
            assert_eq!(find(r.id), Some(r));
        }
        assert_eq!(find("CVL-99"), None);
        assert!(own("stays-cool") == own("stays-cool") && own("stays-cool") != own("is-quick"));
        assert_eq!(find("stays-cool"), None, "the catalogue is that of the specification");
        assert!(find("CVL-01").is_some_and(Requirement::by_log));
        assert!(!find("CVL-05").is_some_and(Requirement::by_log));
    }

    /// The core of the certification fails; advice only warns.
    #[test]
    fn severities_as_the_specification_words_them() {
        let severity = |id| find(id).map(|r| r.severity);
        for id in ["MSG-01", "TIM-01", "CVL-02", "CVL-05", "BEH-FI", "BEH-BO"] {
            assert_eq!(severity(id), Some(Severity::Must), "{id}");
        }
        for id in ["TIM-02", "CVL-03", "CCL-02", "DCL-02"] {
            assert_eq!(severity(id), Some(Severity::Should), "{id}");
        }
    }
}
