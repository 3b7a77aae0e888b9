//! D-VD, D-BT and D-N2K: whether the lines of the witnesses work, and what each says of itself.

use proto::channel::Instrument;
use proto::quantity::Micros;

use super::beside::{self, Shunt};
use super::scene::Scene;
use super::standing::{Fault, Standing};
use crate::thresholds::fixed::{BAD_BLOCKS, COUNTER_DRAWN, COUNTER_MOVES, MANY_BLOCKS};
use crate::verdict::{Evidence, Opinion};
use crate::window::{Window, about};
use crate::witness::{Protocol, Reader, told_by};

/// D-VD: VE.Direct text.
pub(crate) fn ve_direct(scene: &Scene<'_>, opinion: &mut Opinion) {
    look(scene, opinion, Protocol::VeDirect);
}

/// D-BT: the text of a BMV-600.
pub(crate) fn bmv(scene: &Scene<'_>, opinion: &mut Opinion) {
    look(scene, opinion, Protocol::Bmv);
}

/// D-N2K: NMEA 2000, which is VE.Can.
pub(crate) fn nmea2000(scene: &Scene<'_>, opinion: &mut Opinion) {
    look(scene, opinion, Protocol::Nmea2000);
}

fn look(scene: &Scene<'_>, opinion: &mut Opinion, protocol: Protocol) {
    let mut any = false;
    for reader in scene.recording.witnesses().iter().filter(|reader| reader.witness().protocol == protocol) {
        any = true;
        opinion.part(|opinion| line(scene, opinion, reader));
    }
    if !any {
        opinion.absent(format!(
            "no witness of this rig speaks {} (`witnesses:` of its file)",
            protocol.row().words
        ));
    }
}

/// The line of one witness.
fn line(scene: &Scene<'_>, opinion: &mut Opinion, reader: &Reader) {
    let (name, counters, health) = (&reader.witness().name, reader.counters(), reader.health());
    let length = scene.whole.secs();
    let protocol = reader.witness().protocol;
    let (unit, fresh) = (protocol.row().unit, protocol.row().fresh);
    if counters.blocks == 0 {
        opinion.fail(match (protocol.is_bus(), counters.bytes) {
            (true, 0) => format!(
                "nothing was heard of the bus of `{name}`: is it powered, at 250 kbit/s, and terminated at both ends?"
            ),
            (true, _) => format!(
                "`{name}` is not on its bus, on which there was heard: {}; its address is `source`",
                reader.heard_beside()
            ),
            (false, 0) => {
                format!("nothing was heard of `{name}`: is it on, its cable in, its TX port set to communication?")
            }
            (false, bytes) => format!("{bytes} bytes of `{name}` hold no {unit}: {}", reader.unread()),
        });
        return;
    }
    let dead = beside::unpowered(scene);
    let (gaps, longest) = gaps(scene, reader, &dead);
    let is = reader.identity().unwrap_or_else(|| "it does not say what it is".to_owned());
    let per_second = counters.blocks as f64 / length.max(1.0);
    let bad = counters.bad_blocks as f64 / (counters.blocks + counters.bad_blocks) as f64;
    opinion
        .show(Evidence::fact(format!("`{name}`"), is))
        .show(Evidence::fact(format!("{unit}s"), format!("{} ({per_second:.2} a second)", counters.blocks)))
        .show(
            Evidence::fact(format!("{unit}s {}", protocol.row().broken), format!("{}", counters.bad_blocks))
                .against(format!("≤ {} in 1000", BAD_BLOCKS * 1000.0)),
        );
    if protocol == Protocol::VeDirect {
        opinion.show(Evidence::fact("HEX frames", format!("{} ({} bad)", counters.hex, counters.bad_hex)));
    }
    opinion
        .show(
            Evidence::fact(format!("times of more than {fresh} without a {unit}"), gaps.to_string())
                .against("none"),
        )
        .show(Evidence::fact("restarts of the instrument", reader.restarts().to_string()));
    let monitors = reader.device().measures.unwrap_or(0);
    let until = dead.last().filter(|dead| dead.to >= scene.whole.to).map_or(scene.whole.to, |dead| dead.from);
    let silent = until.since(health.last.unwrap_or(Micros::ZERO));
    // Of damaged blocks one in 256 has a right sum, and may name any product: its own change, and the one back.
    let by_chance = if protocol.is_bus() { 0 } else { counters.bad_blocks.div_ceil(64) };
    if u64::from(health.changes) > by_chance {
        opinion.fail(if protocol.is_bus() {
            let beside = reader.heard_beside();
            format!("another device of the bus could be `{name}` as well ({beside}): its address is `source`")
        } else {
            format!("two instruments speak on the line of `{name}`")
        });
    } else if monitors != 0 {
        opinion.fail(format!(
            "`{name}` is set to meter something else than a battery (MON {monitors}): it told nothing"
        ));
    } else if health.strange > by_chance {
        opinion.fail(format!(
            "`{name}` is no {}: {} {unit}s are of another kind of instrument, and told nothing",
            reader.witness().instrument.words(),
            health.strange
        ));
    } else if let Some(what) = untold(scene, reader) {
        opinion.fail(format!(
            "`{name}` speaks, and never tells its {what}: nothing that needs it is judged by this witness"
        ));
    } else if silent > fresh {
        opinion.fail(format!("`{name}` fell silent {} before the end", about(silent)));
    } else if bad > BAD_BLOCKS && counters.blocks + counters.bad_blocks >= MANY_BLOCKS
        || bad > 10.0 * BAD_BLOCKS
    {
        opinion.fail(format!(
            "{:.2} % of the {unit}s of `{name}` came {}: look at its wiring",
            100.0 * bad,
            protocol.row().broken
        ));
    } else if gaps > 0 {
        opinion.fail(format!(
            "`{name}` said nothing for up to {}, {gaps} times for more than {fresh}",
            about(longest),
        ));
    } else if let Some(why) = wrong(scene, reader) {
        opinion.fail(why);
    } else {
        opinion.pass(format!("`{name}` was heard {per_second:.1} times a second without a gap"));
    }
}

/// What of that which a witness measures it never told, as one that shows `---` does.
fn untold(scene: &Scene<'_>, reader: &Reader) -> Option<&'static str> {
    let (volts, amps) = told_by(reader.witness().instrument);
    let all = [(Some(volts), "voltage"), (amps, "current")];
    let told = |channel| !scene.series(channel).points().is_empty();
    all.into_iter().find(|(channel, _)| channel.is_some_and(|channel| !told(channel))).map(|(_, what)| what)
}

/// How often nothing was heard of a witness while the DC bus was up, and for how long at most. One that the bus feeds falls
/// silent with it.
fn gaps(scene: &Scene<'_>, reader: &Reader, dead: &[Window]) -> (u32, Micros) {
    let health = reader.health();
    if dead.is_empty() {
        return (health.gaps, health.longest);
    }
    let (volts, _) = told_by(reader.witness().instrument);
    let silences = scene.series(volts).silences().iter().map(|&(from, to)| Window::new(from, to));
    let (with_it, apart): (Vec<_>, Vec<_>) =
        silences.partition(|gap| dead.iter().any(|dead| dead.overlap(*gap).is_some()));
    let longest = apart.into_iter().map(Window::length).max();
    let excused = u32::try_from(with_it.len()).unwrap_or(u32::MAX);
    (health.gaps.saturating_sub(excused), longest.unwrap_or(Micros::ZERO))
}

/// What is wrong with what a witness says; nothing where nothing shows it.
fn wrong(scene: &Scene<'_>, reader: &Reader) -> Option<String> {
    let (name, which, meters) = (&reader.witness().name, reader.witness().instrument, beside::meters(scene));
    let gives_itself_away = meters.fault(which).map(|fault| match fault {
        Fault::Frozen => format!(
            "`{name}` shows the same to the last digit while the battery's current moves: it is `{name}` that is wrong"
        ),
        Fault::Turned => format!(
            "the voltage of `{name}` falls as it shows more charge: it is `{name}` that is wrong, it is connected the \
             other way round (`polarity` of the rig file)"
        ),
        Fault::Flat => format!(
            "`{name}` shows a voltage from which it could not run while the battery is connected: it is `{name}` that is wrong"
        ),
        Fault::Blind => format!(
            "the voltage of `{name}` follows a current that the battery tells, and its own current does not: it is `{name}` that is \
             wrong, that current does not flow through it (is it in the battery's minus with everything behind it, is the cable to \
             the shunt plugged in?)"
        ),
    });
    let is_alone = match which {
        Instrument::Shunt => [meters.voltage, meters.current].contains(&Standing::WitnessAlone),
        _ => meters.is_alone(told_by(which).0),
    };
    gives_itself_away
        .or_else(|| {
            is_alone.then(|| {
                format!(
                    "`{name}` contradicts others that measure the same, of which more agree with each other than with it: it is `{name}` that is wrong"
                )
            })
        })
        .or_else(|| stands(scene, reader))
}

/// That the charge counter of a shunt stands still.
fn stands(scene: &Scene<'_>, reader: &Reader) -> Option<String> {
    let shunt = Shunt::of(scene).filter(|_| reader.witness().instrument == Instrument::Shunt)?;
    let (drawn, counted) = shunt.counted(scene)?;
    (drawn >= COUNTER_DRAWN && counted < COUNTER_MOVES * drawn).then(|| {
        format!(
            "the charge counter of `{}` moved by {counted:.1} Ah while {drawn:.1} Ah were drawn by its own current: it stands still",
            shunt.name()
        )
    })
}
