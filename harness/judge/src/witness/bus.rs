//! A witness on an NMEA 2000 bus: frames, as SLCAN writes them, become messages, and those of one device are told.

use proto::channel::Instrument;
use proto::nmea2000::{self, CLAIM, Id, Message, NO_ADDRESS, Name, Network, Node, Role, TO_ALL, requested};
use proto::quantity::Micros;
use proto::samples::Samples;
use proto::slcan::{self, Carried, Decoder, Piece, Reply};
use proto::vedirect::{Counters, Device};

use super::{Source, Witness};

/// What a byte completed.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// a good block, or a message of this witness
    pub(super) is_whole: bool,
    /// somebody else than before speaks
    pub(super) is_another: bool,
    /// what it tells of quantities
    pub(super) said: Option<Samples>,
}

/// The bus of a witness.
#[derive(Debug, Clone)]
pub(super) struct Bus {
    source: Source,
    measures: Instrument,
    decoder: Decoder,
    network: Network,
    /// whose messages are told, once that is known
    chosen: Option<Chosen>,
    /// the first other device that could be it
    second: Option<u8>,
    /// somebody asked who has which address, and this witness has not answered since
    is_asked: bool,
    restarts: u32,
    counters: Counters,
    /// bytes of the line at hand
    of_line: u64,
}

/// The device whose messages are told.
#[derive(Debug, Clone)]
struct Chosen {
    address: u8,
    /// by which it is known again at another address
    name: Option<Name>,
    witness: nmea2000::Witness,
}

impl Bus {
    pub(super) fn new(witness: &Witness) -> Self {
        Self {
            source: witness.source,
            measures: witness.instrument,
            decoder: Decoder::default(),
            network: Network::default(),
            chosen: None,
            second: None,
            is_asked: false,
            restarts: 0,
            counters: Counters::default(),
            of_line: 0,
        }
    }

    pub(super) fn restart(&mut self) {
        self.decoder = Decoder::default();
    }

    pub(super) fn counters(&self) -> Counters {
        Counters { bad_blocks: self.network.lost(), ..self.counters }
    }

    pub(super) fn push(&mut self, at: Micros, byte: u8, device: &mut Device) -> Option<Heard> {
        self.of_line += 1;
        let piece = self.decoder.push(byte)?;
        let length = core::mem::take(&mut self.of_line);
        let frame = match piece {
            Piece::Line(line) => match slcan::reply(line) {
                Ok(Reply::Frame(Carried::Data(frame), _)) => Some(frame),
                _ if line.is_empty() => None,
                _ => return self.noise(length),
            },
            Piece::Refused | Piece::Noise(_) => return self.noise(length),
        };
        let own = frame.filter(|frame| Id::of(frame.id()).is_some_and(|id| id.source == NO_ADDRESS));
        if let Some(own) = own {
            // What whoever listens asks: of the bus nothing was heard by that.
            self.asked(&Id::of(own.id())?, own.data());
            return None;
        }
        self.counters.bytes += length;
        let message = self.network.take(at, &frame?)?;
        self.message(at, &message, device)
    }

    /// Takes note of a question of who has which address.
    fn asked(&mut self, id: &Id, data: &[u8]) {
        let own = self.chosen.as_ref().is_some_and(|chosen| id.destination == chosen.address);
        self.is_asked |= requested(id, data) == Some(CLAIM) && (own || id.destination == TO_ALL);
    }

    fn noise(&mut self, length: u64) -> Option<Heard> {
        self.counters.bytes += length;
        self.counters.noise += 1;
        None
    }

    fn message(&mut self, at: Micros, message: &Message, device: &mut Device) -> Option<Heard> {
        let from = message.id.source;
        self.asked(&message.id, message.data());
        let node = self.network.node(from);
        if message.id.pgn == CLAIM
            && let Some(chosen) = &self.chosen
            && (from, node.name) == (chosen.address, chosen.name)
        {
            // One that was asked answers; one that claims by itself what it has starts anew.
            self.restarts += u32::from(!core::mem::take(&mut self.is_asked));
        }
        if let Some(chosen) = &mut self.chosen {
            if node.name.is_some() && node.name == chosen.name {
                // The same device, wherever it is now.
                chosen.address = from;
            }
            if from == chosen.address {
                chosen.name = node.name;
            } else {
                let is_another = self.second.is_none() && self.role(from).is_some();
                self.second = self.second.or(is_another.then_some(from));
                return is_another.then(|| Heard { is_another, ..Heard::default() });
            }
        } else {
            let mut witness = nmea2000::Witness::new(self.role(from)?, self.source.ac);
            witness.instance = self.source.instance;
            self.chosen = Some(Chosen { address: from, name: node.name, witness });
        }
        let node = self.network.node(from);
        introduce(device, node);
        let said = self.chosen.as_mut()?.witness.take(at, message)?;
        self.counters.blocks += 1;
        Some(Heard { is_whole: true, is_another: false, said: Some(said) })
    }

    /// What a device is, where it may be this witness. A GX repeats what the battery says, and a battery with a shunt of its own
    /// takes its figures from nobody else: neither is one by itself.
    fn role(&self, address: u8) -> Option<Role> {
        let node = self.network.node(address);
        let said = Role::of(node);
        if let Some(source) = self.source.address {
            let usual = match self.measures {
                Instrument::Charger => Role::Solar,
                Instrument::Converter => Role::VeBus,
                _ => Role::Monitor,
            };
            return (source == address).then(|| self.source.device.or(said).unwrap_or(usual));
        }
        let fits = |role: &Role| role.instrument() == self.measures && *role != Role::LynxIon;
        let role = said.filter(fits).filter(|_| !node.is_gx())?;
        // Another device of the same kind is not the one that the rig file means.
        self.source.device.is_none_or(|device| device == role).then_some(role)
    }

    pub(super) const fn restarts(&self) -> u32 {
        self.restarts
    }

    pub(super) fn others(&self) -> Vec<String> {
        let own = self.chosen.as_ref().map(|chosen| chosen.address);
        let others = self.network.nodes().filter(|(address, _)| Some(*address) != own);
        others.map(|(address, node)| format!("{address} ({})", called(node))).collect()
    }
}

/// What a device calls itself.
fn called(node: &Node) -> String {
    let model = node.model.clone().or_else(|| node.product.map(|product| product.to_string()));
    model
        .or_else(|| Role::of(node).map(|role| role.words().to_owned()))
        .unwrap_or_else(|| "it does not say what it is".to_owned())
}

/// What a node says of itself, as an instrument does.
fn introduce(device: &mut Device, node: &Node) {
    if (&device.model, &device.firmware, &device.serial) != (&node.model, &node.firmware, &node.serial) {
        device.model.clone_from(&node.model);
        device.firmware.clone_from(&node.firmware);
        device.serial.clone_from(&node.serial);
    }
    device.product = node.product.or(device.product);
}

#[cfg(test)]
mod tests {
    use super::super::{Protocol, Reader};
    use super::*;
    use proto::channel::Channel;
    use proto::chunk::Chunk;
    use proto::frame::Frame;
    use proto::nmea2000::{frames, who_is_there};
    use proto::quantity::Ohms;

    const SHUNT: Instrument = Instrument::Shunt;

    fn reader(source: Source) -> Reader {
        Reader::new(Witness {
            name: "Lynx".to_owned(),
            instrument: SHUNT,
            protocol: Protocol::Nmea2000,
            source,
            is_reversed: false,
            cable: Ohms::ZERO,
            calibration: None,
        })
    }

    fn id(pgn: u32, source: u8) -> Id {
        Id { priority: 6, pgn, source, destination: 255 }
    }

    /// Volts and amperes of instance 0.
    fn status(source: u8, hundredths: i16, tenths: i16) -> Vec<Frame> {
        let ([a, b], [c, d]) = (hundredths.to_le_bytes(), tenths.to_le_bytes());
        Frame::new(id(127_508, source).bits(), &[0, a, b, c, d, 0xFF, 0xFF, 0]).into_iter().collect()
    }

    fn product(source: u8, model: &str) -> Vec<Frame> {
        let mut data = vec![0xFF; 134];
        data[4..4 + model.len()].copy_from_slice(model.as_bytes());
        frames(id(126_996, source), 1, &data).expect("short enough").collect()
    }

    fn claim(source: u8, unique: u32) -> Vec<Frame> {
        let name = Name::victron(unique, 170).0.to_le_bytes();
        Frame::new(id(60_928, source).bits(), &name).into_iter().collect()
    }

    fn heard(reader: &mut Reader, at: u64, sent: &[Vec<Frame>]) -> Vec<Samples> {
        let (mut bytes, mut said) = (Vec::new(), Vec::new());
        for frame in sent.iter().flatten() {
            slcan::write(&mut bytes, &Carried::Data(*frame), None);
        }
        for chunk in Chunk::all(SHUNT, &bytes) {
            reader.hear(Micros::from_secs(at), &chunk, |samples| said.push(*samples));
        }
        said
    }

    #[test]
    fn a_shunt_that_says_what_it_is_is_found_among_others() {
        let mut reader = reader(Source::default());
        assert_eq!(heard(&mut reader, 0, &[status(36, 5320, -200)]), [], "nobody knows yet who 36 is");
        let who = [product(1, "Cerbo GX"), product(36, "Lynx Shunt VE.Can 1000A")];
        assert_eq!(heard(&mut reader, 1, &who), []);
        let said = heard(&mut reader, 2, &[status(1, 9999, 999), status(36, 5320, -200)]);
        let [said] = said.try_into().expect("the GX witnesses nothing");
        assert_eq!(
            (said.number(Channel::ShuntVoltage), said.number(Channel::ShuntCurrent)),
            (Some(53.2), Some(-20.0))
        );
        assert!(reader.identity().expect("it told").contains("Lynx Shunt"), "{:?}", reader.identity());
        assert_eq!(reader.others(), ["1 (Cerbo GX)"]);
        assert_eq!((reader.counters().blocks, reader.health().changes), (1, 0));
    }

    #[test]
    fn two_that_could_be_it_are_counted_and_the_rig_file_decides() {
        let both = [
            product(36, "SmartShunt 500A"),
            product(40, "BMV-712"),
            status(36, 5320, 10),
            status(40, 2660, 10),
        ];
        let mut unsaid = reader(Source::default());
        assert_eq!(heard(&mut unsaid, 1, &both).len(), 1, "the first one is told");
        assert_eq!(unsaid.health().changes, 1);
        let mut said = reader(Source { address: Some(40), ..Source::default() });
        let told = heard(&mut said, 1, &both);
        assert_eq!(told[0].number(Channel::ShuntVoltage), Some(26.6));
        assert_eq!((told.len(), said.health().changes), (1, 0));
    }

    #[test]
    fn a_device_that_moves_to_another_address_stays_itself() {
        let mut reader = reader(Source::default());
        heard(&mut reader, 1, &[claim(36, 5), product(36, "SmartShunt"), status(36, 5320, 10)]);
        let moved = heard(&mut reader, 2, &[claim(37, 5), product(37, "SmartShunt"), status(37, 5310, 10)]);
        assert_eq!(moved.len(), 1, "{:?}", reader.others());
        assert_eq!(reader.health().changes, 0);
    }

    /// A claim that answers a question is none of a restart, whoever asked; one that nobody asked for is.
    #[test]
    fn a_claim_that_nobody_asked_for_is_a_restart() {
        let mut reader = reader(Source::default());
        let again = |reader: &mut Reader, at, asked: Vec<Frame>| {
            heard(reader, at, &[asked, claim(36, 5), product(36, "SmartShunt"), status(36, 5320, 10)]);
            reader.restarts()
        };
        assert_eq!(again(&mut reader, 1, who_is_there().collect()), 0);
        assert_eq!(again(&mut reader, 61, who_is_there().collect()), 0);
        let by_another = nmea2000::request(1, 36, 60_928).into_iter().collect();
        assert_eq!(again(&mut reader, 70, by_another), 0);
        assert_eq!(again(&mut reader, 80, Vec::new()), 1);
        let other = nmea2000::request(1, 37, 60_928).into_iter().collect();
        assert_eq!(again(&mut reader, 90, other), 2, "another was asked");
    }

    #[test]
    fn what_the_listener_asks_is_nothing_that_was_heard() {
        let mut reader = reader(Source::default());
        heard(&mut reader, 1, &[who_is_there().collect()]);
        assert_eq!((reader.counters().bytes, reader.others().len()), (0, 0));
    }

    #[test]
    fn an_instance_that_was_changed_is_the_rig_files() {
        let mut reader = reader(Source { address: Some(3), instance: 4, ..Source::default() });
        let moved: Vec<Frame> = status(3, 5320, 10)
            .iter()
            .filter_map(|frame| {
                let mut data = frame.data().to_vec();
                data[0] = 4;
                Frame::new(frame.id(), &data)
            })
            .collect();
        assert_eq!(heard(&mut reader, 1, &[status(3, 1200, 0), moved]).len(), 1);
    }

    #[test]
    fn gaps_and_lines_that_are_no_frames_are_counted() {
        let mut reader = reader(Source { address: Some(3), ..Source::default() });
        for second in [0, 2, 4, 10] {
            heard(&mut reader, second, &[status(3, 5320, 10)]);
        }
        assert_eq!((reader.health().gaps, reader.health().longest), (1, Micros::from_secs(6)));
        for chunk in Chunk::all(SHUNT, b"\r\x07boot v1\rT19F21403800\r") {
            reader.hear(Micros::from_secs(11), &chunk, |_| panic!("nothing is told"));
        }
        assert_eq!(reader.counters().noise, 3);
    }
}
