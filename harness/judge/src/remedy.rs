//! What to change where a requirement does not hold: the next thing to look at in the battery, its wiring or the GX. One
//! sentence for each requirement that must or should hold; where several causes are known, the most usual one.

use crate::requirement::{Requirement, Severity};

/// What to change so that the requirement holds; nothing for what is reported only and for tests of one's own.
#[must_use]
pub fn remedy(requirement: &Requirement) -> Option<&'static str> {
    let own = REMEDIES.iter().find(|(id, _)| *id == requirement.id);
    own.filter(|_| requirement.severity != Severity::Information).map(|(_, text)| *text)
}

/// By requirement, in the order of the catalogue.
const REMEDIES: &[(&str, &str)] = &[
    (
        "BUS-01",
        "send every frame with an 11-bit identifier (IDE = 0); this port has no room for 29-bit protocols",
    ),
    ("BUS-02", "set the controller to 500 kbit/s, or the CAN profile of the GX to 250 kbit/s"),
    (
        "BUS-03",
        "look at termination (60 Ω across the pair), wiring and sample point, and let the controller come back from bus-off by itself",
    ),
    ("BUS-04", "never send 0x305 or 0x307: they are the GX's, and the battery only listens to them"),
    ("BUS-06", "let one unit of a bank speak for all, or give each a bus of its own"),
    ("BUS-07", "connect the battery to the BMS-Can port; VE.Can devices belong on the other one"),
    ("MSG-01", "send 0x351, 0x355, 0x356 and 0x35A each second from the start on"),
    ("MSG-02", "send 0x35E with the maker's name and 0x35F with firmware version and capacity"),
    (
        "MSG-04",
        "send each message with all the bytes that the protocol gives it (8 for 0x351, at least 6 for 0x356)",
    ),
    (
        "TIM-01",
        "send 0x351 each second whatever else goes on: while balancing, storing, charging, and without 0x305",
    ),
    ("TIM-02", "send 0x351 from a timer of 1 s, not when another task is done"),
    ("TIM-03", "wait at least 10 minutes without 0x305 before the contactor opens"),
    ("TIM-04", "close the contactor and send usual limits as soon as 0x305 is back, without a button"),
    ("TIM-05", "send each core message from a timer, and let no slower task keep it back"),
    (
        "TIM-06",
        "the GX stops by itself when 0x351 is missing: check its DVCC setting and that nothing else sends 0x351",
    ),
    (
        "CVL-01",
        "send a CVL of the pack in 0.1 V, least significant byte first, from the first frame on and never 0",
    ),
    (
        "CVL-02",
        "hold a full battery by a CVL at its own full voltage; leave CCL at what the cells still bear",
    ),
    (
        "CVL-03",
        "change CVL at most once in 20 s while it regulates: filter the cell voltages, or make the loop slower",
    ),
    (
        "CVL-04",
        "damp the control of CVL: a smaller gain, a dead band of one step of 0.1 V, smaller steps further apart",
    ),
    ("CVL-05", "derive CVL from cell voltages against their limit, not from the measured voltage"),
    (
        "CVL-06",
        "let CVL stop where the current is zero; do not lower it below the voltage at which the battery rests",
    ),
    (
        "CVL-07",
        "lower CVL earlier, while the highest cell is still below its limit, and far enough that it stops rising",
    ),
    ("CVL-08", "let protection trip no lower than CVL + 0.4 V, with some seconds of delay"),
    ("CVL-09", "let CVL return to one value after a step: no reset of the control when the current changes"),
    (
        "CVL-10",
        "with a high cell hold CVL at what that cell bears, and raise it slowly as balancing takes the difference away",
    ),
    ("CCL-01", "send CCL as a magnitude in 0.1 A, without a sign"),
    ("CCL-02", "leave CCL above what the full battery needs, and lower CVL instead"),
    (
        "CCL-03",
        "set CCL or DCL to 0 only with a cause that the battery also sends: temperature, state of charge, an alarm",
    ),
    ("CCL-04", "give CCL and DCL a hysteresis, so that they do not swing by themselves"),
    ("DCL-01", "send DCL as a magnitude in 0.1 A, without a sign"),
    ("DCL-02", "with DCL = 0 leave CCL and CVL as they are: charge must still come in"),
    ("SOC-01", "send state of charge and state of health in whole percent, 0 to 100"),
    ("SOC-02", "send the high-resolution state of charge in 0.01 %, of the same counter"),
    ("SOC-03", "count the current all the time; do not hold or reset the state of charge"),
    ("SOC-04", "correct the state of charge by a slope, not by a jump"),
    ("MEA-01", "send current in 0.1 A with its sign: negative when it discharges"),
    ("MEA-02", "send no value before it was measured, and hold the last one where a sensor fails"),
    ("MEA-03", "calibrate the voltage of the pack, or measure it behind the contactor"),
    ("MEA-04", "calibrate offset and gain of the sensors of current and voltage, small currents included"),
    (
        "ALM-01",
        "send 10 (OK) for each alarm and warning that is supported, and 01 while it is active; 00 is not supported",
    ),
    ("ALM-02", "say in 0x35A which alarms and warnings are supported: 10 instead of 00"),
    ("ALM-03", "leave the reserved bits of 0x35A as they are"),
    (
        "ALM-05",
        "raise the alarm of the protection that acts, keep it while its cause lasts, and clear it then",
    ),
    ("ALM-06", "send system status as 10 while the main switch is closed and 01 while it is open"),
    ("ALM-07", "send 0x35A each second and keep an alarm as long as its cause; give it a hysteresis"),
    ("ALM-08", "lower CCL, DCL or CVL in 0x351 with each alarm of a protection: the GX acts on nothing else"),
    ("IDN-01", "send the maker's name in 0x35E as ASCII, the same always, padded with zeros"),
    ("IDN-02", "send the whole battery name in 0x370 and 0x371, with the maker of 0x35E"),
    (
        "IDN-03",
        "send the firmware version most significant byte first, the capacity least significant byte first",
    ),
    ("IDN-04", "send the installed capacity of the whole bank in 0x379"),
    ("IDN-05", "send both 0x380 and 0x381, padded with zeros"),
    ("FRC-01", "ask for charge (0x360) only while the state of charge is low, and stop when it is not"),
    ("MOD-01", "count each module once in 0x372, and send 0xFFFF for what is not counted"),
    ("CEL-01", "send lowest before highest in 0x373, cell voltages in mV and temperatures in kelvin"),
    ("CEL-02", "send cell voltages in mV of the pack whose voltage 0x356 has"),
    ("CEL-03", "send the names of cells in 0x374 to 0x377 as ASCII text, padded with zeros"),
    ("ENE-01", "count energy in 100 Wh, and keep the counters when the battery restarts"),
    (
        "GXD-01",
        "start to send all core messages within seconds, and keep the CAN profile of the GX at CAN-bus BMS",
    ),
    (
        "GXD-02",
        "look for a second sender of 0x351, a controlled user limit in DVCC, or another battery chosen as monitor",
    ),
    (
        "GXD-03",
        "choose this battery as battery monitor on the GX, and look for a second sender of 0x355 and 0x356",
    ),
    ("GXD-04", "send the details in each cycle, and look for a second sender of them"),
    (
        "GXD-07",
        "let what plays the GX send 0x305 (eight zero bytes) and 0x307 (`VIC`) each second, and look at the cable to the GX",
    ),
    ("GXD-08", "set the inverter's low cut-off and restart to what the battery allows"),
    ("GXD-05", "switch DVCC on and shared voltage sense off on the GX before a test"),
    (
        "BEH-FI",
        "lower CVL until the charge current of the full battery is near zero and keep it there: see CVL-02 to CVL-09",
    ),
    (
        "BEH-IM",
        "lower CVL by the highest cell, not by the pack, and keep CCL up so that loads and feed-in go on",
    ),
    (
        "BEH-XP",
        "leave room above CVL: the DC bus rises by 0.4 V when the inverter may not feed back all of it",
    ),
    (
        "BEH-BO",
        "after a trip or when empty, wake by the voltage at the terminals, close, and send limits that let charge in",
    ),
    (
        "BEH-AC",
        "let over-voltage protection wait for seconds: a dropped load lifts the DC bus for some of them",
    ),
    ("BEH-KA", "stay connected for 10 minutes without 0x305, and go on by itself when it is back"),
    ("BEH-GR", "when empty, set DCL to 0, keep CCL, and give DCL back once it was charged"),
    ("BEH-AL", "raise each alarm in 0x35A with its cause, and send the details 0x373 to 0x377"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::requirements;

    #[test]
    fn what_must_or_should_hold_has_a_remedy_and_nothing_else_has() {
        let needed: Vec<_> =
            requirements().filter(|r| r.severity != Severity::Information).map(|r| r.id).collect();
        let there: Vec<_> = REMEDIES.iter().map(|(id, _)| *id).collect();
        assert_eq!(there, needed);
    }
}
