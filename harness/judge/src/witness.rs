//! Witnesses: meters beside the battery that take nothing from it. What a rig file says of each, and how the bytes of one
//! become readings.

mod bus;
mod line;

use proto::channel::{Channel, Instrument};
use proto::chunk::Chunk;
use proto::nmea2000::{AcSide, Role};
use proto::quantity::{Amps, Micros, Ohms, Percent};
use proto::samples::Samples;
pub use proto::spoken::Protocol;
use proto::vedirect::{Counters, Device};

use crate::thresholds::fixed::{COUNTER_EMPTY, COUNTER_HELD};
use line::Line;

/// What a rig file says of a witness.
#[derive(Debug, Clone, PartialEq)]
pub struct Witness {
    /// what the lab calls it
    pub name: String,
    /// which instrument it is, by what it measures
    pub instrument: Instrument,
    /// what it speaks
    pub protocol: Protocol,
    /// which device of a bus it is; of a line of its own there is nothing to say
    pub source: Source,
    /// it is connected the other way round: what charges the battery reads negative
    pub is_reversed: bool,
    /// both conductors between where it measures the voltage and the terminals of the battery
    pub cable: Ohms,
    /// how far it may be off; without it its differences are told and decide nothing
    pub calibration: Option<Calibration>,
}

/// Which device of a bus a witness is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Source {
    /// its address; left out, the one device that says it is of the right kind
    pub address: Option<u8>,
    /// what it is; left out, what it says of itself
    pub device: Option<Role>,
    /// what is added to the instances of its messages, where they were changed
    pub instance: u8,
    /// the side of a VE.Bus product that its AC messages tell of
    pub ac: Option<AcSide>,
}

/// How far the readings of a witness may be off, by whoever calibrated it.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    /// the day, such as `2026-03-01`
    pub on: String,
    /// of a voltage, as a share of it
    pub voltage: Percent,
    /// of a current, as a share of it
    pub current: Percent,
    /// of a current, whatever its size
    pub zero: Amps,
}

impl Calibration {
    /// How far a voltage may be off.
    #[must_use]
    pub fn of_volts(&self, volts: f64) -> f64 {
        self.voltage.0 / 100.0 * volts.abs()
    }

    /// How far a current may be off.
    #[must_use]
    pub fn of_amps(&self, amps: f64) -> f64 {
        self.current.0 / 100.0 * amps.abs() + self.zero.0
    }
}

/// How the line of a witness did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Health {
    /// how often its port was opened
    pub opened: u32,
    /// when bytes were heard first
    pub first: Option<Micros>,
    /// when a good block or message was heard last
    pub last: Option<Micros>,
    /// times without one that were longer than [`Spoken::fresh`](proto::spoken::Spoken::fresh)
    pub gaps: u32,
    /// the longest time without one
    pub longest: Micros,
    /// how often another product spoke than before, or another device that could be it
    pub changes: u32,
    /// blocks or messages of another kind of instrument than the rig file says
    pub strange: u64,
    /// times that its charge counter was at zero after a pause and not before: it started anew
    pub emptied: u32,
}

/// Reads a witness: the one reading of its bytes, for whoever judges, watches limits or looks at a rig.
#[derive(Debug, Clone)]
pub struct Reader {
    witness: Witness,
    line: Line,
    device: Device,
    health: Health,
    /// when its charge counter was told last, and what it held, Ah
    counted: Option<(Micros, f64)>,
}

impl Reader {
    /// Nothing heard yet.
    #[must_use]
    pub fn new(witness: Witness) -> Self {
        let line = Line::of(&witness);
        Self { witness, line, device: Device::default(), health: Health::default(), counted: None }
    }

    /// Which witness.
    #[must_use]
    pub const fn witness(&self) -> &Witness {
        &self.witness
    }

    /// What it says of itself.
    #[must_use]
    pub const fn device(&self) -> &Device {
        &self.device
    }

    /// How its line did.
    #[must_use]
    pub const fn health(&self) -> &Health {
        &self.health
    }

    /// How often the instrument started anew while it was heard, as far as its protocol shows that: by the time since it
    /// started, where that is told; by a claim of its address that nobody had asked for; by a charge counter at zero after a
    /// pause. A restart that is shorter than a pause between blocks shows in none of them but the first two.
    #[must_use]
    pub fn restarts(&self) -> u32 {
        self.device.resets.max(self.health.emptied).max(self.line.restarts())
    }

    /// What bytes look like that hold no block of a line, and why that may be.
    #[must_use]
    pub fn unread(&self) -> String {
        let (counters, spoken) = (self.counters(), self.witness.protocol.row());
        if counters.noise > counters.bytes / 2 {
            let rate = spoken.baud.unwrap_or_default();
            format!(
                "another instrument, another bit rate than {rate} bit/s, or an inverted line (RS-232 in place of TTL)"
            )
        } else {
            format!(
                "records, of which no {} becomes whole: the instrument, its cable or an adapter ends each in its middle",
                spoken.unit
            )
        }
    }

    /// What was heard, good and bad. Of a bus blocks are messages of this witness, and noise is lines that hold no frame.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.line.counters()
    }

    /// Who else is heard beside it, each with its address and what it says of itself; nobody on a line of its own.
    #[must_use]
    pub fn others(&self) -> Vec<String> {
        self.line.others()
    }

    /// The same in words: each with commas between, or `nobody`.
    #[must_use]
    pub fn heard_beside(&self) -> String {
        let others = self.others();
        if others.is_empty() { "nobody".to_owned() } else { others.join(", ") }
    }

    /// What it says of itself: product, model, firmware, serial number, auxiliary input; nothing where it said nothing.
    #[must_use]
    pub fn identity(&self) -> Option<String> {
        let device = &self.device;
        let said = [
            device.product.map(|product| product.to_string()),
            device.model.clone(),
            device.firmware.as_ref().map(|firmware| format!("firmware {firmware}")),
            device.serial.as_ref().map(|serial| format!("serial number {serial}")),
            device.auxiliary.map(|auxiliary| format!("auxiliary input: {}", auxiliary.words())),
        ];
        let said: Vec<String> = said.into_iter().flatten().collect();
        (!said.is_empty()).then(|| said.join(", "))
    }

    /// Takes bytes; gives each reading that they complete. A reading is of the moment at which its block was whole.
    pub fn hear(&mut self, at: Micros, chunk: &Chunk, mut each: impl FnMut(&Samples)) {
        if chunk.bytes().is_empty() {
            self.health.opened += 1;
            // What comes next may begin anywhere, and continues nothing.
            self.line.restart();
            return;
        }
        let began = *self.health.first.get_or_insert(at);
        for &byte in chunk.bytes() {
            let Some(heard) = self.line.push(at, byte, &mut self.device) else { continue };
            if heard.is_whole {
                let silent = at.since(self.health.last.unwrap_or(began));
                self.health.gaps += u32::from(silent > self.witness.protocol.row().fresh);
                self.health.longest = self.health.longest.max(silent);
                self.health.last = Some(at);
            }
            self.health.changes += u32::from(heard.is_another);
            if let Some(charge) = heard.said.as_ref().and_then(|said| said.number(Channel::ShuntConsumed)) {
                let pause = Micros(self.witness.protocol.row().fresh.0 / 2);
                let fell = self.counted.is_some_and(|(when, held)| {
                    held.abs() >= COUNTER_HELD && charge.abs() <= COUNTER_EMPTY && at.since(when) > pause
                });
                self.health.emptied += u32::from(fell);
                self.counted = Some((at, charge));
            }
            match heard.said {
                Some(said) if said.from() == self.witness.instrument => each(&turned(&self.witness, said)),
                Some(_) => self.health.strange += 1,
                None => {}
            }
        }
    }
}

/// Where a witness tells its DC voltage, and its current where it has one.
pub(crate) const fn told_by(which: Instrument) -> (Channel, Option<Channel>) {
    match which {
        Instrument::Charger => (Channel::ChargerVoltage, Some(Channel::ChargerCurrent)),
        // The text of a Phoenix inverter has no DC current.
        Instrument::Converter => (Channel::ConverterVoltage, None),
        _ => (Channel::ShuntVoltage, Some(Channel::ShuntCurrent)),
    }
}

/// What an instrument says, as the battery's own meters would have it: charging is positive, and the voltage is that of
/// the terminals.
fn turned(witness: &Witness, mut said: Samples) -> Samples {
    let signed = [Channel::ShuntCurrent, Channel::ShuntPower, Channel::ShuntConsumed];
    if witness.is_reversed {
        for channel in signed {
            if let Some(value) = said.number(channel) {
                said.tell(channel, -value);
            }
        }
    }
    if let (volts, Some(amps)) = told_by(witness.instrument)
        && let Some((v, a)) = said.number(volts).zip(said.number(amps))
    {
        said.tell(volts, v - a * witness.cable.0);
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn witness(is_reversed: bool, cable: f64) -> Witness {
        Witness {
            name: "shunt".to_owned(),
            instrument: Instrument::Shunt,
            protocol: Protocol::VeDirect,
            source: Source::default(),
            is_reversed,
            cable: Ohms(cable),
            calibration: None,
        }
    }

    /// A block of a SmartShunt.
    fn block(volts: i32, amps: i32) -> Vec<u8> {
        let mut text =
            format!("\r\nPID\t0xA389\r\nV\t{volts}\r\nI\t{amps}\r\nCE\t-1500\r\nSOC\t876\r\nChecksum\t")
                .into_bytes();
        let sum = text.iter().fold(0_u8, |sum, &b| sum.wrapping_add(b));
        text.push(0_u8.wrapping_sub(sum));
        text
    }

    fn heard(reader: &mut Reader, at: Micros, bytes: &[u8]) -> Vec<Samples> {
        let mut said = Vec::new();
        for chunk in Chunk::all(Instrument::Shunt, bytes) {
            reader.hear(at, &chunk, |samples| said.push(*samples));
        }
        said
    }

    #[test]
    fn polarity_and_cable_are_those_of_the_rig() {
        let told = |reversed, cable| {
            heard(&mut Reader::new(witness(reversed, cable)), Micros(1), &block(53_000, -20_000))[0]
        };
        let plain = told(false, 0.0);
        assert_eq!(plain.number(Channel::ShuntCurrent), Some(-20.0));
        assert_eq!(plain.number(Channel::ShuntVoltage), Some(53.0));
        let turned = told(true, 0.002);
        assert_eq!(turned.number(Channel::ShuntCurrent), Some(20.0));
        assert_eq!(turned.number(Channel::ShuntConsumed), Some(1.5));
        let volts = turned.number(Channel::ShuntVoltage).expect("told");
        assert!((volts - 52.96).abs() < 1e-9, "20 A into the battery drop 40 mV on the way there: {volts}");
    }

    #[test]
    fn gaps_are_counted_and_a_port_that_was_opened_again_is_no_bad_block() {
        let mut reader = Reader::new(witness(false, 0.0));
        let whole = block(53_000, 1000);
        for second in [0, 1, 2, 10, 11] {
            heard(&mut reader, Micros::from_secs(second), &whole);
        }
        assert_eq!((reader.health().gaps, reader.health().longest), (1, Micros::from_secs(8)));
        heard(&mut reader, Micros::from_secs(12), &whole[..20]);
        reader.hear(Micros::from_secs(13), &Chunk::opened(Instrument::Shunt), |_| unreachable!("no bytes"));
        assert_eq!(heard(&mut reader, Micros::from_secs(13), &whole).len(), 1);
        assert_eq!((reader.counters().blocks, reader.counters().bad_blocks), (6, 0));
        assert_eq!(reader.health().opened, 1);
    }

    /// A charger behind the cable that the rig file calls the shunt: nothing of it becomes a reading of the shunt.
    #[test]
    fn another_instrument_tells_nothing() {
        let mut reader = Reader::new(Witness { instrument: Instrument::Charger, ..witness(false, 0.0) });
        assert_eq!(heard(&mut reader, Micros(1), &block(53_000, 1000)), []);
        assert_eq!(reader.health().strange, 1);
    }

    proptest! {
        /// However the bytes come in, the same is read.
        #[test]
        fn pieces_make_no_difference(cuts in prop::collection::vec(1..40_usize, 0..40)) {
            let bytes: Vec<u8> = (0..4).flat_map(|k| block(53_000 + k, k * 1000)).collect();
            let whole = heard(&mut Reader::new(witness(false, 0.0)), Micros(1), &bytes);
            let (mut reader, mut rest, mut said) = (Reader::new(witness(false, 0.0)), &bytes[..], Vec::new());
            for cut in cuts {
                let (now, later) = rest.split_at(cut.min(rest.len()));
                said.extend(heard(&mut reader, Micros(1), now));
                rest = later;
            }
            said.extend(heard(&mut reader, Micros(1), rest));
            prop_assert_eq!(said, whole);
        }
    }
}
