//! What follows from what: the one table of it. Each row is physics or a rule of the specification, never the name of a fault.

use super::found::Found;
use crate::verdict::Sign;

/// From a requirement that does not hold follow others, for one reason.
#[derive(Debug, Clone, Copy)]
pub struct Law {
    /// the requirement that does not hold
    pub cause: &'static str,
    /// what fails with it, in groups
    pub(super) follow: &'static [&'static [&'static str]],
    /// why it does, in words that go on behind a colon
    pub why: &'static str,
    /// what must be so of the cause and of the consequence; without it, nothing
    pub(super) when: Option<fn(&Found<'_>, &Found<'_>) -> bool>,
}

impl Law {
    /// What fails with it.
    pub fn follow(&self) -> impl Iterator<Item = &'static str> {
        self.follow.iter().flat_map(|group| group.iter().copied())
    }

    const fn when(self, when: fn(&Found<'_>, &Found<'_>) -> bool) -> Self {
        Self { when: Some(when), ..self }
    }
}

const fn law(cause: &'static str, follow: &'static [&'static [&'static str]], why: &'static str) -> Law {
    Law { cause, follow, why, when: None }
}

/// Who sends, and how often.
const WIRE: &[&str] = &["BUS-03", "MSG-01", "MSG-02", "MSG-04", "TIM-01", "TIM-02", "TIM-05"];
/// Who the battery says it is.
const NAMES: &[&str] = &["IDN-01", "IDN-02", "IDN-03", "IDN-04", "IDN-05", "CEL-03"];
/// What it says it measures.
const SAID: &[&str] = &[
    "SOC-01", "SOC-02", "SOC-03", "SOC-04", "MEA-01", "MEA-02", "MEA-03", "MEA-04", "ALM-01", "ALM-02",
    "ALM-03", "ALM-06", "CEL-01", "CEL-02", "ENE-01", "FRC-01", "MOD-01",
];
/// What is counted from its current and its voltage.
const COUNTED: &[&str] = &["SOC-03", "ENE-01"];
/// Which limits it sends.
const LIMITS: &[&str] = &["CVL-01", "CCL-01", "DCL-01", "CCL-02", "CCL-03", "CCL-04", "DCL-02"];
/// The law by which CVL is set, but for how it answers the voltage.
const LAW: &[&str] = &["CVL-02", "CVL-03", "CVL-04", "CVL-06", "CVL-07", "CVL-08", "CVL-09", "CVL-10"];
/// How CVL moves once it stands at its full voltage.
const COURSE: &[&str] = &["CVL-03", "CVL-04", "CVL-06", "CVL-07", "CVL-09", "CVL-10"];
/// What feeds in and what charges.
const FEEDING: &[&str] = &["BEH-FI", "BEH-IM"];
/// What ends when the battery switches off.
const RUNNING: &[&str] = &["BEH-FI", "BEH-IM", "BEH-XP", "BEH-AC", "BEH-BO"];
/// How the whole system behaves.
const SYSTEM: &[&str] = &[
    "BEH-FI", "BEH-IM", "BEH-XP", "BEH-BO", "BEH-AC", "BEH-GR", "BEH-KA", "BEH-AL", "ALM-05", "TIM-03",
    "TIM-04", "TIM-06",
];
/// What the GX shows.
const SHOWN: &[&str] = &["GXD-01", "GXD-02", "GXD-03", "GXD-04"];

/// CVL jumps: its step is beyond the limit, and it does not turn as often as a loop that hunts.
fn jumps(step: &Found<'_>, swing: &Found<'_>) -> bool {
    step.by(&["step"]) && !hunts(swing)
}

/// CVL turns more often than allowed: what it takes out of the battery it puts back at once.
fn hunts(swing: &Found<'_>) -> bool {
    swing.by(&["reversals"])
}

/// CVL takes charge out of the battery for good: it sinks, or the state of charge falls with it.
fn drains(sink: &Found<'_>) -> bool {
    sink.by(&["sink", "soc-fall"])
}

/// What follows from what, from the wire to how the system behaves.
pub static LAWS: &[Law] = &[
    // Wire
    law(
        "BUS-02",
        &[WIRE, NAMES, SAID, LIMITS, LAW, &["CVL-05"], SYSTEM, SHOWN],
        "at another bit rate every frame is an error, and little arrives as it was sent",
    ),
    law(
        "GXD-07",
        &[&["BUS-04", "TIM-03", "TIM-04", "TIM-06", "BEH-KA"]],
        "what the bench itself sends as a GX is no fault of the battery, which acts on it",
    ),
    law(
        "BUS-06",
        &[WIRE, NAMES, SAID, LIMITS, LAW, &["CVL-05"], SYSTEM, SHOWN],
        "what two senders say under one identifier belongs to no one battery",
    ),
    law(
        "BUS-03",
        &[&["MSG-01", "TIM-01", "TIM-02", "TIM-05", "TIM-03", "TIM-04", "BEH-KA"], SHOWN],
        "who is off the bus sends nothing",
    )
    .when(|bus, _| !bus.is_unmet()),
    law(
        "MSG-01",
        &[&["TIM-01", "TIM-02"], SHOWN],
        "a message that is never sent has no period, and the GX cannot show it",
    )
    .when(|message, _| message.hears_others()),
    law("TIM-01", &[&["MSG-01"]], "what pauses for so long is not seen in a case that ends by it")
        .when(|_, message| !message.hears_others()),
    law(
        "MSG-04",
        &[&["CEL-02", "SOC-02", "MEA-02"], SHOWN],
        "a field that is not sent cannot agree with another",
    ),
    law(
        "TIM-01",
        &[
            &[
                "TIM-02", "TIM-05", "MEA-04", "SOC-03", "CVL-05", "BEH-FI", "BEH-IM", "BEH-XP", "BEH-BO",
                "BEH-AC",
            ],
            &["BEH-GR", "BEH-KA", "BEH-AL", "ALM-05", "TIM-03", "TIM-04", "TIM-06"],
            LAW,
            SHOWN,
        ],
        "3 s without 0x351 and the GX stops charging and discharging (P 1.4)",
    ),
    law(
        "TIM-01",
        &[&["BUS-03", "MEA-01"]],
        "3 s without 0x351 and the GX stops charging and discharging (P 1.4)",
    )
    .when(|_, other| other.is_unmet()),
    law("TIM-02", &[&["TIM-05"]], "one timer sends them"),
    // Who it says it is
    law("IDN-01", &[&["IDN-02"]], "both spell the name of the battery"),
    law(
        "IDN-02",
        &[COURSE, &["CVL-02"], FEEDING],
        "a GX knows some makers by their name, and changes what it asks of their batteries",
    ),
    law("IDN-03", &[&["IDN-04"]], "the online capacity of 0x35F is read with the wrong byte first"),
    // What it says it measures
    law(
        "SOC-01",
        &[&["SOC-02", "SOC-03", "SOC-04", "BEH-BO", "BEH-GR"], SHOWN],
        "each of them reads that state of charge",
    ),
    law(
        "SOC-02",
        &[&["SOC-03", "SOC-04", "BEH-BO", "BEH-GR", "BEH-IM"]],
        "the GX takes the high-resolution state of charge before the whole per cent",
    ),
    law(
        "SOC-04",
        &[&["SOC-03", "BEH-BO", "BEH-GR"]],
        "a state of charge that jumps is not the sum of what flowed",
    ),
    law("MEA-01", &[COUNTED, &["MEA-04", "ALM-06"]], "they are counted or judged from that current"),
    law(
        "MEA-01",
        &[&["CVL-06", "BEH-GR", "BEH-BO", "BEH-AC", "TIM-04", "TIM-06", "BEH-KA", "BEH-AL", "ALM-05"]],
        "with the wrong sign charge reads as discharge",
    ),
    law("MEA-01", &[&["BUS-03"]], "with the wrong sign charge reads as discharge")
        .when(|_, other| other.is_unmet()),
    law(
        "MEA-02",
        &[COUNTED, &["MEA-03", "MEA-04", "CEL-02", "CVL-05", "CVL-06"]],
        "each of them reads 0x356",
    ),
    law(
        "MEA-03",
        &[COUNTED, &["MEA-04", "CEL-02", "ALM-05", "BEH-AL", "CVL-07", "CVL-09"], FEEDING],
        "a battery that reads another voltage than its bus has regulates, warns and counts by a wrong one",
    ),
    law(
        "MEA-04",
        &[COUNTED, &["MEA-03", "CEL-02", "CVL-07", "CVL-09"], FEEDING],
        "a meter that is off by a share is off in all that is counted or regulated by it",
    ),
    law("CEL-01", &[&["CEL-02"], SHOWN], "both read 0x373"),
    law("ALM-01", &[&["ALM-02", "ALM-05", "BEH-AL"]], "a pair that never says OK is read as not supported"),
    law(
        "ALM-02",
        &[&["ALM-05", "BEH-AL", "BEH-BO"]],
        "an alarm that is not supported tells nobody what happened",
    ),
    law(
        "ALM-06",
        &[&["CVL-07", "CVL-08"], SYSTEM],
        "a main switch that says it is open is a battery that has switched off",
    ),
    law(
        "ALM-06",
        &[&["MEA-01", "BUS-03"]],
        "a main switch that says it is open is a battery that has switched off",
    )
    .when(|_, other| other.is_unmet()),
    // Limits
    law(
        "CVL-01",
        &[LAW, &["CCL-01", "DCL-01", "CCL-02", "CCL-03", "CCL-04", "DCL-02"], SHOWN],
        "whatever regulates by a CVL that no pack can have goes wrong with it",
    ),
    law(
        "CVL-01",
        &[RUNNING, &["BEH-GR", "BEH-KA", "BEH-AL", "ALM-05", "TIM-04", "TIM-06"]],
        "the system charges or discharges to whatever CVL asks for",
    ),
    law("CVL-01", &[&["BUS-03"]], "the system charges or discharges to whatever CVL asks for")
        .when(|_, other| other.is_unmet()),
    law(
        "CVL-01",
        &[&["CVL-05"]],
        "a CVL that is 0 now and then moves as the voltage does, which it pulls down",
    )
    .when(|limit, _| limit.shows(Sign::ZeroCvl)),
    law("DCL-01", &[&["CCL-01", "CCL-03", "DCL-02"]], "both limits of 0x351 are written by one routine"),
    law("CCL-01", &[&["CVL-02", "CCL-02", "CCL-03"]], "a negative limit is no limit"),
    // The law by which CVL is set
    law(
        "CVL-05",
        &[LAW],
        "a CVL that follows the voltage holds nothing: it moves with every load and every sun",
    ),
    law(
        "CVL-05",
        &[RUNNING],
        "a CVL that follows the voltage goes down with a load and up with the sun, without an end",
    ),
    law("CVL-05", &[&["CVL-01"]], "a CVL that follows the voltage up goes beyond what the battery declares")
        .when(|_, limit| !limit.shows(Sign::ZeroCvl)),
    law(
        "CVL-09",
        &[&["CVL-03", "CVL-04", "CVL-06", "CVL-07", "CVL-10"], FEEDING],
        "a CVL that jumps in one step starts anew from there, and the system with it",
    )
    .when(jumps),
    law(
        "CVL-06",
        &[&["CVL-03", "CVL-04", "CVL-07", "CVL-09", "CVL-10"], FEEDING, &["BEH-BO"]],
        "a CVL that empties the battery is raised again some time, and charge begins anew",
    )
    .when(|sink, other| drains(sink) && !(other.is("CVL-04") && hunts(other))),
    law(
        "CVL-06",
        &[&["CVL-01"]],
        "a CVL that sinks with the battery which it empties ends below what its cells stand at",
    )
    .when(|sink, limit| sink.first() < limit.first()),
    law("CVL-04", &[&["CVL-03", "CVL-10"]], "a CVL that swings changes often and comes to no rest"),
    law("CVL-04", &[&["CVL-07"]], "each swing takes charge out of the battery and puts it back"),
    law("CVL-04", &[&["CVL-06"]], "each swing takes charge out of the battery and puts it back")
        .when(|swing, sink| hunts(swing) || !drains(sink)),
    law("CVL-04", &[FEEDING], "each swing moves power between battery and grid"),
    law("CVL-04", &[&["CVL-09"]], "a CVL that swings does not settle after a step either")
        .when(|swing, step| !jumps(step, swing)),
    law("CVL-03", &[&["CVL-09"]], "a CVL that changes all the time does not settle")
        .when(|_, step| !step.by(&["step"])),
    law(
        "CVL-08",
        &[RUNNING],
        "what a bus at CVL + 0.4 V trips is off whenever the inverter cannot take all of the sun (P 1.5.3.3)",
    ),
    law("CVL-08", &[&["CVL-07"]], "a warning at CVL + 0.4 V is room that is missing above CVL"),
    law(
        "CVL-07",
        &[&["BEH-FI", "BEH-IM", "BEH-XP", "BEH-AC"]],
        "cells that go on rising come to where they switch the battery off",
    ),
    law("CVL-06", &[FEEDING], "what the battery gives back is fed in, and charged anew"),
    law("CVL-10", &[&["BEH-IM"]], "a battery that does not converge is not balanced"),
    law("CVL-10", &[&["CVL-06"]], "a CVL that is held down takes out what the battery holds above it")
        .when(|_, sink| !drains(sink)),
    // Current limits
    law("CVL-02", &[&["CCL-02", "CCL-03", "DCL-02"]], "they see the same CCL at or near 0"),
    law(
        "CVL-02",
        &[FEEDING, &["CVL-07"]],
        "with feed-in the GX ignores CCL (P 1.5.2): the cells go on to where they switch the battery off",
    ),
    law("CCL-02", &[&["CVL-02", "CCL-03", "DCL-02"]], "they see the same CCL at or near 0"),
    law("DCL-02", &[&["CCL-03"]], "a DCL of 0 that nothing explains"),
    law(
        "DCL-02",
        &[RUNNING, &["BEH-GR"]],
        "a battery that forbids discharge, or charge with it, keeps the inverter from its loads and from starting",
    ),
    law(
        "CCL-04",
        &[&["CVL-03"]],
        "charge that is throttled and let go moves the voltage by which CVL is set",
    ),
    law("CCL-03", &[FEEDING], "a limit of 0 stops what runs by it"),
    // How the system behaves
    law("ALM-05", &[&["BEH-AL"]], "BEH-AL asks it of every fault"),
    law("TIM-03", &[&["BEH-KA"]], "BEH-KA asks for both"),
    law("TIM-04", &[&["BEH-KA"]], "BEH-KA asks for both"),
    law(
        "BEH-BO",
        &[&["BEH-GR", "BEH-KA", "ALM-05", "BEH-AL"]],
        "a battery that does not come back from one event is still in it at the next",
    ),
    law(
        "BEH-GR",
        &[&["BEH-BO"]],
        "it takes charge and its DCL stays 0: the inverter has nothing to start from",
    )
    .when(|grid, _| grid.is_unmet_alone()),
];
