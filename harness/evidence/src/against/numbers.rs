//! How many readings there are in how long: an instrument is read as often as the rig file says, and a bus carries no more
//! than its bit rate.

use std::fs::File;
use std::io::{BufRead as _, BufReader};

use judge::verdict::Outcome;
use proto::candump::{self, Content, Line};
use proto::channel::Instrument;
use proto::quantity::Micros;

use super::{Evidence, Held, is_disturbed};
use crate::manifest::plain;

/// The shortest frame with 11 bits, without stuff bits, and the gap before the next (ISO 11898-1); each byte has 8 more.
const FRAME: f64 = 47.0;
/// Over so long the bus is measured: times of an adapter come in bunches.
const OVER: Micros = Micros::from_secs(1);
/// Times of an adapter on a serial port.
const ROOM: f64 = 1.2;

pub(super) fn held(evidence: Evidence<'_>, held: &mut Held) {
    let polling = &evidence.rig.polling;
    for (instrument, period) in [(Instrument::Supply, polling.psu), (Instrument::Gx, polling.gx)] {
        let times = times(evidence, instrument);
        for case in evidence.cases() {
            let (from, to) = (case.began, case.began + case.length);
            let begin = times.partition_point(|at| *at < from);
            let many = times[begin..].iter().take_while(|at| **at <= to).count();
            let most = case.length.secs() / period.secs().max(1e-3) + 3.0;
            held.compared("rates of readings", 1);
            // A reading may be asked for out of turn, while the supply is switched on.
            let too_many = many as f64 > 1.5 * most + 10.0;
            // It is read until the case ends, or a fault ends it.
            let whole = case.outcome == Outcome::Pass && !is_disturbed(&case.trace);
            let too_few = whole && many > 0 && (many as f64) < most / 3.0 - 3.0;
            if too_many || too_few {
                held.contradiction(format!(
                    "{}: {many} rows in {} within {:.0} s, of an instrument that is read every {} s",
                    case.name(),
                    instrument.file(),
                    case.length.secs(),
                    period.secs()
                ));
            }
        }
    }
    bus(evidence, held);
}

fn times(evidence: Evidence<'_>, instrument: Instrument) -> Vec<Micros> {
    let text = plain(evidence.folder, instrument.file()).and_then(std::fs::read_to_string);
    let at = |line: &str| crate::stamp::read(line.split(',').next()?);
    text.unwrap_or_default().lines().skip(1).filter_map(at).collect()
}

/// No more bits than the bus carries.
fn bus(evidence: Evidence<'_>, held: &mut Held) {
    let Ok(file) = plain(evidence.folder, "can.log").and_then(File::open) else { return };
    let rate = evidence.rig.can.bit_rate.0 * 1e3 * evidence.speed();
    let (mut since, mut bits, mut frames) = (Micros::ZERO, 0.0, 0);
    let (mut file, mut line) = (BufReader::new(file), Vec::new());
    loop {
        line.clear();
        if !file.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            break;
        }
        let Ok(Line::Record(record)) = candump::parse(&line) else { continue };
        let Content::Data(frame) = &record.content else { continue };
        frames += 1;
        if record.at.since(since) >= OVER {
            (since, bits) = (record.at, 0.0);
        }
        bits += FRAME + 8.0 * frame.data().len() as f64;
        if bits > ROOM * rate * OVER.secs() {
            held.contradiction(format!(
                "can.log has more frames at {:.0} s than a bus of {} carries",
                record.at.secs(),
                evidence.rig.can.bit_rate
            ));
            break;
        }
    }
    held.compared("frames, by the bit rate", frames);
}
