//! GXD-01 to GXD-08: the battery as the GX shows it, how the GX and the inverter are set (P 5.1 to 5.6, P 6), and what a GX sends
//! (P 3).

use proto::quantity::Micros;

use super::reach::Obstacle;
use super::scene::Scene;
use crate::site::CutOff;
use crate::thresholds::fixed::{RESTART_ABOVE, SELDOM};
use crate::trace::{Channel, EventKind, Series};
use crate::verdict::{Evidence, Opinion};
use crate::window::{Window, about, extremes, heard, without};

/// GXD-01: *"Next, the battery should show up in the Device list"*.
pub(crate) fn appears(scene: &Scene<'_>, opinion: &mut Opinion) {
    let present = scene.series(Channel::GxBattery);
    let limit = scene.subject.thresholds.start_up;
    // The time starts when the battery is first heard on CAN.
    let begin = scene.series(Channel::Cvl).points().first().map(|p| p.0);
    let shown = present.points().iter().find(|p| p.1 > 0.5).map(|p| p.0);
    match (begin, shown) {
        (Some(begin), Some(shown)) => {
            let complaint = "the battery takes too long to appear on the GX";
            let window = Window::new(begin, shown);
            Scene::at_most(
                opinion,
                "time until the battery is on the GX",
                window.about(),
                limit,
                window,
                complaint,
            );
        }
        (Some(begin), None) if present.last_seen().is_some_and(|seen| seen.since(begin) > limit.limit) => {
            opinion.fail("the battery is heard on CAN and never appears on the GX");
        }
        _ => {
            opinion.unclear("the GX was not polled, or the battery not heard, for long enough");
        }
    }
}

/// GXD-07: 0x305 and 0x307 on this bench are as the document lays them out, whether a real GX sends them or Busbar plays it.
pub(crate) fn sends(scene: &Scene<'_>, opinion: &mut Opinion) {
    let is_there = !scene.series(Channel::GxBattery).points().is_empty();
    scene.recording.wire().bus.speaks_as_a_gx(is_there, opinion);
}

/// GXD-08: the inverter's own low cut-off and restart leave the battery its range, and it connects to the grid in time.
pub(crate) fn inverter_fits(scene: &Scene<'_>, opinion: &mut Opinion) {
    let lowest = scene.subject.battery.min_voltage;
    for event in &scene.trace.events {
        let EventKind::Wait(wait) = &event.kind else { continue };
        if let Some(own @ (Obstacle::CutOff { .. } | Obstacle::Reconnect { .. })) =
            scene.obstacle(event.at, wait).filter(|_| !wait.met)
        {
            opinion.fail(format!("{own}: that is up to the settings of the inverter"));
        }
    }
    let Some(CutOff { off, on }) = scene.subject.site.cut_off else {
        opinion.absent("the rig file does not say at which DC voltages its inverter switches off and on");
        return;
    };
    let restart = lowest * RESTART_ABOVE;
    opinion
        .show(
            Evidence::fact("DC voltage below which the inverter switches off", off.to_string())
                .against(format!("≤ {lowest}")),
        )
        .show(
            Evidence::fact("DC voltage from which it starts again", on.to_string())
                .against(format!("≤ {restart:.1}")),
        );
    if off > lowest {
        opinion.fail(format!(
            "the inverter switches off below {off}, and the battery may be discharged to {lowest}: lower its cut-off"
        ));
    }
    if on > restart {
        opinion.fail(format!(
            "the inverter starts again from {on}, and a battery that was empty at {lowest} may rest below that: lower its restart"
        ));
    }
    opinion.pass(format!(
        "the inverter switches off below {off} and on from {on}, the battery is empty at {lowest}"
    ));
}

struct Pair {
    can: Channel,
    gx: Channel,
    /// one step of the coarser of the two, and a half for rounding
    step: f64,
    /// sent now and then: it holds until it is sent again, as long as the battery is heard at all
    seldom: bool,
}

impl Pair {
    /// A value as a person reads it.
    fn shown(&self, scene: &Scene<'_>, value: f64) -> String {
        use Channel::{ColdestCellId, HottestCellId, MaxCellId, MinCellId};
        match (self.can, scene.recording.text(value)) {
            (MinCellId | MaxCellId | ColdestCellId | HottestCellId, Some(name)) => format!("`{name}`"),
            _ => format!("{value:.2} {}", self.gx.unit()).trim_end().to_owned(),
        }
    }
}

const LIMITS: [Pair; 3] = [
    Pair { can: Channel::Cvl, gx: Channel::GxCvl, step: 0.15, seldom: false },
    Pair { can: Channel::Ccl, gx: Channel::GxCcl, step: 0.15, seldom: false },
    Pair { can: Channel::Dcl, gx: Channel::GxDcl, step: 0.15, seldom: false },
];

const STATE: [Pair; 3] = [
    // Some GX show the whole per cent of 0x355, some the high resolution.
    Pair { can: Channel::Soc, gx: Channel::GxSoc, step: 1.05, seldom: false },
    Pair { can: Channel::PackVoltage, gx: Channel::GxPackVoltage, step: 0.02, seldom: false },
    Pair { can: Channel::PackCurrent, gx: Channel::GxPackCurrent, step: 0.15, seldom: false },
];

/// What P 5.4 shows of cells and modules. Capacity is that of 0x35F: 0x379 is not on Modbus. The GX shows hundredths of a
/// volt, and whole degrees of a battery that counts in kelvin.
const DETAILS: [Pair; 13] = [
    Pair { can: Channel::MinCell, gx: Channel::GxMinCell, step: 0.015, seldom: true },
    Pair { can: Channel::MaxCell, gx: Channel::GxMaxCell, step: 0.015, seldom: true },
    Pair { can: Channel::MinCellTemperature, gx: Channel::GxMinCellTemperature, step: 1.05, seldom: true },
    Pair { can: Channel::MaxCellTemperature, gx: Channel::GxMaxCellTemperature, step: 1.05, seldom: true },
    Pair { can: Channel::Capacity, gx: Channel::GxCapacity, step: 0.15, seldom: true },
    Pair { can: Channel::ModulesOnline, gx: Channel::GxModulesOnline, step: 0.5, seldom: true },
    Pair { can: Channel::ModulesOffline, gx: Channel::GxModulesOffline, step: 0.5, seldom: true },
    Pair {
        can: Channel::ModulesBlockingCharge,
        gx: Channel::GxModulesBlockingCharge,
        step: 0.5,
        seldom: true,
    },
    Pair {
        can: Channel::ModulesBlockingDischarge,
        gx: Channel::GxModulesBlockingDischarge,
        step: 0.5,
        seldom: true,
    },
    Pair { can: Channel::MinCellId, gx: Channel::GxMinCellId, step: 0.5, seldom: true },
    Pair { can: Channel::MaxCellId, gx: Channel::GxMaxCellId, step: 0.5, seldom: true },
    Pair { can: Channel::ColdestCellId, gx: Channel::GxColdestCellId, step: 0.5, seldom: true },
    Pair { can: Channel::HottestCellId, gx: Channel::GxHottestCellId, step: 0.5, seldom: true },
];

/// GXD-02: *"check that the four dynamic limits are received correctly"*.
pub(crate) fn limits_agree(scene: &Scene<'_>, opinion: &mut Opinion) {
    compare(scene, opinion, &LIMITS);
}

/// GXD-03: the state as the device list shows it.
pub(crate) fn state_agrees(scene: &Scene<'_>, opinion: &mut Opinion) {
    compare(scene, opinion, &STATE);
}

/// GXD-04: *"check that this information is correctly reflected"* (P 5.4). What the battery does not send shows as two
/// dashes and is nothing to compare.
pub(crate) fn details_agree(scene: &Scene<'_>, opinion: &mut Opinion) {
    if scene.series(Channel::Cvl).points().is_empty() {
        opinion.unclear("the battery was not heard");
        return;
    }
    let sent: Vec<&Pair> = DETAILS.iter().filter(|p| !scene.series(p.can).points().is_empty()).collect();
    if sent.is_empty() {
        opinion.absent("the battery sends nothing of cells and modules (0x372 to 0x377), nor its capacity");
    }
    compare(scene, opinion, sent);
}

/// GXD-05: *"Before doing that, enable DVCC and disable the SVS setting"* (P 5.5). No register tells, so it counts what the
/// rig states.
pub(crate) fn is_set_up(scene: &Scene<'_>, opinion: &mut Opinion) {
    let Some(setup) = &scene.subject.site.gx else {
        opinion.unclear(
            "the rig does not say how its GX is set: look into Settings, DVCC, and state it in the rig file (`gx:`)",
        );
        return;
    };
    let on = |on: bool| if on { "on" } else { "off" };
    opinion
        .show(Evidence::fact("DVCC", on(setup.dvcc)).against("on"))
        .show(Evidence::fact("shared voltage sense", on(setup.svs)).against(if setup.forced_for.is_some() {
            "on, forced by the GX"
        } else {
            "off"
        }))
        .show(Evidence::fact("confirmed by", setup.confirmed_by.clone()));
    match (setup.fault(), setup.forced_for) {
        (None, Some(product)) => opinion.pass(format!(
            "DVCC is on and shared voltage sense is forced on by the GX, as it does for {product}, confirmed by {}",
            setup.confirmed_by
        )),
        (None, None) => opinion
            .pass(format!("DVCC is on and shared voltage sense is off, confirmed by {}", setup.confirmed_by)),
        (Some(fault), _) => opinion.fail(format!("{fault}: a control test says nothing about the battery")),
    };
}

/// GXD-06: the pages of P 6 as the report draws them from CAN, and whether the GX showed the same figures.
pub(crate) fn pages(scene: &Scene<'_>, opinion: &mut Opinion) {
    if !scene.recording.wire().has_battery() {
        opinion.unclear("the battery was not heard: its pages are empty");
        return;
    }
    for page in scene.recording.portrait().pages {
        let told = page.rows.iter().filter(|row| row.values.iter().any(|v| v != "--")).count();
        let rows = page.rows.len();
        opinion.show(Evidence::fact(
            format!("page `{}`", page.title),
            format!("{told} of {rows} rows have a value"),
        ));
    }
    let all = LIMITS.iter().chain(&STATE).chain(&DETAILS);
    compare(scene, opinion, all.filter(|p| !scene.series(p.can).points().is_empty()));
}

fn compare<'p>(scene: &Scene<'_>, opinion: &mut Opinion, pairs: impl IntoIterator<Item = &'p Pair>) {
    let delay = scene.subject.thresholds.gx_delay.limit;
    for pair in pairs {
        let (can, gx) = (scene.series(pair.can), scene.series(pair.gx));
        let both = both_alive(scene, pair);
        let name = pair.gx.words();
        if both.iter().map(|w| w.secs()).sum::<f64>() < 60.0 {
            opinion.unclear(format!("{name} was not seen beside CAN for a minute"));
            continue;
        }
        opinion.part(|opinion| {
            let (checked, worst) = disagreements(can, gx, pair.step, delay, &both);
            opinion.show(
                Evidence::fact(
                    format!("{name} differs from CAN for longer than {delay}"),
                    format!("{} of {checked} looks", worst.len()),
                )
                .against("never"),
            );
            match worst.first() {
                None => {
                    opinion.pass(format!("{name} is what the battery sends"));
                }
                Some(&(at, shown, low, high)) => {
                    let value = |value| pair.shown(scene, value);
                    let sent = if high - low < 1e-9 {
                        value(low)
                    } else {
                        format!("{} to {}", value(low), value(high))
                    };
                    opinion.fail(format!(
                        "{name} is {} at {}, the battery sends {sent}",
                        value(shown),
                        about(at)
                    ));
                }
            }
        });
    }
}

/// What the GX shows must have been sent within the delay before; looked at once a delay.
fn disagreements(
    can: &Series,
    gx: &Series,
    step: f64,
    delay: Micros,
    windows: &[Window],
) -> (usize, Vec<(Micros, f64, f64, f64)>) {
    let (mut checked, mut out) = (0, Vec::new());
    for window in windows {
        let mut at = window.from + delay;
        while at < window.to {
            let sent = extremes(can, &[Window::new(Micros(at.0 - delay.0), at + Micros(1))]);
            if let (Some(shown), Some((low, high))) = (gx.at(at), sent) {
                checked += 1;
                if shown < low - step || shown > high + step {
                    out.push((at, shown, low, high));
                }
            }
            at += delay;
        }
    }
    (checked, out)
}

/// When both are heard and the GX has the battery.
fn both_alive(scene: &Scene<'_>, pair: &Pair) -> Vec<Window> {
    let there = crate::window::times([scene.series(Channel::GxBattery)], scene.whole, |[v]| v > 0.5);
    let (own, gx) = (scene.series(pair.can), scene.series(pair.gx));
    // CVL comes every second: it tells whether the battery is heard at all.
    let can = if pair.seldom { scene.series(Channel::Cvl) } else { own };
    let first = own.points().first().map_or(Micros::ZERO, |p| p.0);
    let last = can.last_seen().min(gx.last_seen()).unwrap_or_default();
    let settled = if pair.seldom { SELDOM } else { Micros::ZERO };
    // A GX that restarts may show the battery with its first answer: it was not there all the time.
    let away: Vec<Window> = gx.silences().iter().map(|&(from, to)| Window::new(from, to)).collect();
    there
        .into_iter()
        .flat_map(|w| without(w, &away))
        .map(|w| Window::new(w.from + settled, w.to))
        .filter_map(|w| w.overlap(Window::new(first, last)))
        .filter(|w| heard(can, &[*w]) > 0.9 && heard(gx, &[*w]) > 0.9)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::staged::judged;
    use super::super::staged::{Stage, good};
    use super::DETAILS;
    use crate::recording::Recording;
    use crate::trace::{Channel, EventKind};
    use crate::verdict::Outcome::{self, Fail, Inconclusive, NotApplicable, Pass};
    use proto::channel::Instrument;
    use proto::message::{Limits, Message};
    use proto::quantity::{Amps, Micros, Volts};
    use proto::samples::Samples;
    use rstest::rstest;

    #[rstest]
    #[case("GXD-01", good(), Pass)]
    #[case("GXD-01", good().shaped(Channel::GxBattery, |t, _| f64::from(u8::from(t > 40))), Pass)]
    #[case("GXD-01", good().shaped(Channel::GxBattery, |t, _| f64::from(u8::from(t > 90))), Fail)]
    #[case("GXD-01", good().shaped(Channel::GxBattery, |_, _| 0.0), Fail)]
    #[case("GXD-01", good().deaf(Channel::GxBattery), Inconclusive)]
    #[case("GXD-02", good(), Pass)]
    #[case("GXD-02", good().shaped(Channel::GxCvl, |_, v| v + 0.1), Pass)]
    #[case("GXD-02", good().shaped(Channel::GxCvl, |_, v| v + 0.3), Fail)]
    #[case("GXD-02", good().shaped(Channel::GxDcl, |t, v| if t > 5000 { 0.0 } else { v }), Fail)]
    #[case("GXD-02", good().deaf(Channel::GxCcl), Inconclusive)]
    #[case("GXD-03", good(), Pass)]
    #[case("GXD-03", good().shaped(Channel::GxPackCurrent, |_, v| -v), Fail)]
    #[case("GXD-03", good().shaped(Channel::GxSoc, |_, v| v / 10.0), Fail)]
    #[case("GXD-03", good().deaf(Channel::GxPackVoltage), Inconclusive)]
    #[case("GXD-04", good(), Pass)]
    #[case("GXD-04", good().shaped(Channel::GxMaxCell, |_, v| v + 0.01), Pass)]
    #[case("GXD-04", good().shaped(Channel::GxMaxCell, |_, v| v + 0.05), Fail)]
    #[case("GXD-04", good().shaped(Channel::GxMinCellTemperature, |_, v| v + 273.0), Fail)]
    #[case("GXD-04", good().shaped(Channel::GxModulesOnline, |t, v| if t > 5000 { 0.0 } else { v }), Fail)]
    #[case("GXD-04", good().shaped(Channel::GxMaxCellId, |_, v| v + 1.0), Fail)]
    #[case("GXD-04", good().deaf(Channel::GxMinCell), Inconclusive)]
    #[case::seldom_sent("GXD-04", good().every(Channel::Capacity, 45), Pass)]
    #[case::shown_late("GXD-04", good().shaped(Channel::GxCapacity, |t, v| if t < 60 { 0.0 } else { v }), Pass)]
    #[case::never_shown("GXD-04", good().shaped(Channel::GxCapacity, |_, _| 0.0), Fail)]
    #[case("GXD-04", DETAILS.iter().fold(good(), |stage, pair| stage.deaf(pair.can)), NotApplicable)]
    #[case("GXD-05", good(), Inconclusive)]
    #[case("GXD-05", good().set_up(true, false), Pass)]
    #[case("GXD-05", good().set_up(false, false), Fail)]
    #[case("GXD-05", good().set_up(true, true), Fail)]
    #[case("GXD-06", good(), Inconclusive)]
    fn on_the_gx(#[case] id: &str, #[case] stage: Stage, #[case] expected: Outcome) {
        let verdict = stage.verdict(id);
        assert_eq!(verdict.outcome, expected, "{id}: {}", verdict.reason);
    }

    /// GXD-06 needs frames: the pages come from them.
    #[rstest]
    #[case::the_same_figures(56.8, Pass)]
    #[case::another_limit(50.0, Fail)]
    fn pages(#[case] shown: f64, #[case] expected: Outcome) {
        let limits = Limits::new(Volts(56.8), Amps(140.0), Amps(200.0), Volts(44.8));
        let said = Samples::new(Instrument::Gx)
            .with(Channel::GxCvl, shown)
            .with(Channel::GxCcl, 140.0)
            .with(Channel::GxDcl, 200.0);
        let mut r = Recording::new();
        for at in (0..200).map(Micros::from_secs) {
            r.can(at, &Message::from(limits).encode());
            r.samples(at, &said);
        }
        r.note(Micros::from_secs(200), EventKind::Completed);
        let verdict = judged("GXD-06", &r);
        assert_eq!(verdict.outcome, expected, "{}", verdict.reason);
        assert!(
            verdict.evidence.iter().any(|e| e.what.contains("Parameters") && e.value.starts_with("4 of 4"))
        );
    }
}
