//! GXD-01 to GXD-03: the battery as the GX shows it (P 5.1, 5.2).

use proto::quantity::Micros;

use super::scene::Scene;
use crate::trace::{Channel, Series};
use crate::verdict::{Evidence, Opinion};
use crate::window::{Window, about, extremes, heard};

/// GXD-01: *"Next, the battery should show up in the Device list"*.
pub(super) fn appears(scene: &Scene<'_>, opinion: &mut Opinion) {
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

struct Pair {
    can: Channel,
    gx: Channel,
    /// one step of the coarser of the two, and a half for rounding
    step: f64,
}

const LIMITS: [Pair; 3] = [
    Pair { can: Channel::Cvl, gx: Channel::GxCvl, step: 0.15 },
    Pair { can: Channel::Ccl, gx: Channel::GxCcl, step: 0.15 },
    Pair { can: Channel::Dcl, gx: Channel::GxDcl, step: 0.15 },
];

const STATE: [Pair; 3] = [
    // Some GX show the whole per cent of 0x355, some the high resolution.
    Pair { can: Channel::Soc, gx: Channel::GxSoc, step: 1.05 },
    Pair { can: Channel::PackVoltage, gx: Channel::GxPackVoltage, step: 0.02 },
    Pair { can: Channel::PackCurrent, gx: Channel::GxPackCurrent, step: 0.15 },
];

/// GXD-02: *"check that the four dynamic limits are received correctly"*.
pub(super) fn limits_agree(scene: &Scene<'_>, opinion: &mut Opinion) {
    compare(scene, opinion, &LIMITS);
}

/// GXD-03: the state as the device list shows it.
pub(super) fn state_agrees(scene: &Scene<'_>, opinion: &mut Opinion) {
    compare(scene, opinion, &STATE);
}

fn compare(scene: &Scene<'_>, opinion: &mut Opinion, pairs: &[Pair]) {
    let delay = scene.subject.thresholds.gx_delay.limit;
    for pair in pairs {
        let (can, gx) = (scene.series(pair.can), scene.series(pair.gx));
        let both = both_alive(scene, can, gx);
        let name = pair.gx.words();
        if both.iter().map(|w| w.secs()).sum::<f64>() < 60.0 {
            opinion.unclear(format!("{name} was not seen beside CAN for a minute"));
            continue;
        }
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
                let unit = pair.gx.unit();
                let sent =
                    if high - low < 1e-9 { format!("{low:.2}") } else { format!("{low:.2} to {high:.2}") };
                opinion.fail(format!(
                    "{name} is {shown:.2} {unit} at {}, the battery sends {sent} {unit}",
                    about(at)
                ));
            }
        }
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
fn both_alive(scene: &Scene<'_>, can: &Series, gx: &Series) -> Vec<Window> {
    let there = crate::window::times([scene.series(Channel::GxBattery)], scene.whole, |[v]| v > 0.5);
    let last = can.last_seen().min(gx.last_seen()).unwrap_or_default();
    there
        .into_iter()
        .filter_map(|w| w.overlap(Window::new(Micros::ZERO, last)))
        .filter(|w| heard(can, &[*w]) > 0.9 && heard(gx, &[*w]) > 0.9)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::staged::{Stage, good};
    use crate::trace::Channel;
    use crate::verdict::Outcome::{self, Fail, Inconclusive, Pass};
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
    fn on_the_gx(#[case] id: &str, #[case] stage: Stage, #[case] expected: Outcome) {
        let verdict = stage.verdict(id);
        assert_eq!(verdict.outcome, expected, "{id}: {}", verdict.reason);
    }
}
