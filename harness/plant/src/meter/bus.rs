//! A meter on VE.Can: what it sends there, as the lines of an SLCAN adapter that hears the bus. Message by message the
//! layouts are those of *Data communication with Victron Energy products*, "Canbus PGN overview per product".

use proto::channel::Instrument;
use proto::frame::Frame;
use proto::nmea2000::{CLAIM, Id, Name, TO_ALL, frames, pgn, requested};
use proto::quantity::Micros;
use proto::slcan::{self, Carried, Decoder, Piece, Reply};
use proto::vedirect::Auxiliary;

use super::{Meter, ROOM, SET_CURRENT, SET_VOLTAGE};

/// How often a device sends what it measures.
const PERIOD: Micros = Micros::from_millis(1500);
const REGISTER: u32 = 61_184;
const PRODUCT: u32 = 126_996;
const DETAILS: u32 = 127_506;
const CHARGER: u32 = 127_507;
const BATTERY: u32 = 127_508;
const INVERTER: u32 = 127_509;
const AC_POWER: u32 = 65_013;
const AC_BASICS: u32 = 65_014;

const CONSUMED: u16 = 0xEEFF;
/// A byte, or a field of several, that the device does not have.
const UNKNOWN: u8 = 0xFF;
/// The same of a signed field of two bytes.
const UNKNOWN_SIGNED: i16 = i16::MAX;

/// A device of a bus.
#[derive(Debug, Clone)]
pub(super) struct Device {
    address: u8,
    name: Name,
    product: (u16, &'static str),
    /// of fast packets, 0 to 7
    sequence: u8,
    asked: Decoder,
    /// messages that somebody asked for
    owed: Vec<u32>,
    /// when it measured last
    sent: Option<Micros>,
}

impl Device {
    pub(super) fn new(which: Instrument) -> Self {
        let (address, function, product) = match which {
            Instrument::Charger => (38, 142, (0xA102, "SmartSolar MPPT VE.Can 250/100")),
            Instrument::Converter => (40, 153, (0xA2F0, "VE.Bus to VE.Can interface")),
            _ => (36, 170, (0x0142, "Lynx Shunt VE.Can 1000A")),
        };
        Self {
            address,
            name: Name::victron(0x00_1000 + u32::from(address), function),
            product,
            sequence: 0,
            asked: Decoder::default(),
            owed: vec![CLAIM],
            sent: None,
        }
    }

    /// It starts anew: it claims its address again, unasked.
    pub(super) fn restart(&mut self) {
        (self.owed, self.sequence, self.sent) = (vec![CLAIM], 0, None);
    }

    /// Takes a byte of the line of whoever is on the bus too: a frame is a question or nothing.
    pub(super) fn hear(&mut self, byte: u8) {
        let Some(Piece::Line(line)) = self.asked.push(byte) else { return };
        let Ok(Reply::Frame(Carried::Data(frame), _)) = slcan::reply(line) else { return };
        let Some(id) = Id::of(frame.id()) else { return };
        if [self.address, TO_ALL].contains(&id.destination) {
            self.owed.extend(requested(&id, frame.data()));
        }
    }

    /// What it sends in the second that has passed.
    pub(super) fn say(&mut self, meter: &mut Meter, at: Micros) -> Vec<u8> {
        let mut out = Vec::new();
        for pgn in core::mem::take(&mut self.owed) {
            match pgn {
                CLAIM => self.send(&mut out, CLAIM, &self.name.0.to_le_bytes()),
                PRODUCT => self.send(&mut out, PRODUCT, &self.information(meter)),
                _ => {}
            }
        }
        let periods = |at: Micros| at.0 / PERIOD.0;
        if self.sent.is_some_and(|sent| periods(sent) == periods(at)) {
            return out;
        }
        self.sent = Some(at);
        match meter.which {
            Instrument::Charger => self.charger(&mut out, meter),
            Instrument::Converter => self.inverter(&mut out, meter),
            _ => self.shunt(&mut out, meter),
        }
        out.split_inclusive(|&byte| byte == slcan::CR).filter(|_| !meter.loses()).flatten().copied().collect()
    }

    fn information(&self, meter: &Meter) -> Vec<u8> {
        let (own, model) = self.product;
        let code = if meter.p.product == 0 { own } else { meter.p.product };
        let mut data = [2100_u16.to_le_bytes(), code.to_le_bytes()].concat();
        for text in [model, "v1.09", "1", "HQSIMULATED"] {
            let mut field = [UNKNOWN; 32];
            field[..text.len()].copy_from_slice(text.as_bytes());
            data.extend(field);
        }
        data.extend([1, 1]);
        data
    }

    fn shunt(&mut self, out: &mut Vec<u8>, meter: &Meter) {
        let m = meter.measured;
        // In hundredths of a kelvin.
        let warmth = ((f64::from(ROOM) + 273.15) * 100.0).round() as u16;
        let warmth = if meter.p.auxiliary == Some(Auxiliary::Temperature) { warmth } else { u16::MAX };
        self.battery(out, 0, meter.volts(m.volts), (!meter.p.blank).then(|| meter.amps(m.amps)), warmth);
        // A battery; nothing of it is reckoned.
        self.send(
            out,
            DETAILS,
            &[0, 0, 0, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN],
        );
        self.register(out, CONSUMED, ((meter.counted * 10.0).round() as i32).to_le_bytes());
    }

    fn charger(&mut self, out: &mut Vec<u8>, meter: &Meter) {
        let m = meter.measured;
        self.battery(
            out,
            0,
            meter.volts(m.charger_volts),
            (!meter.p.blank).then(|| meter.amps(m.charger_amps)),
            u16::MAX,
        );
        let pv = if m.pv_volts > 0.0 { m.pv_watts / m.pv_volts } else { 0.0 };
        self.battery(out, 1, m.pv_volts, Some(pv), u16::MAX);
        let (off, constant) = (0, 7);
        let state = if m.tracker == 0 { off } else { constant };
        self.send(out, CHARGER, &[0, 0, state | 0xF0, 0xF0 | u8::from(m.enabled), UNKNOWN, UNKNOWN]);
        let hundredths = ((m.set.0 * 100.0).round() as u16).to_le_bytes();
        self.register(out, SET_VOLTAGE, [hundredths[0], hundredths[1], UNKNOWN, UNKNOWN]);
        let tenths = ((m.set.1.min(6553.0) * 10.0).round() as u16).to_le_bytes();
        self.register(out, SET_CURRENT, [tenths[0], tenths[1], UNKNOWN, UNKNOWN]);
    }

    fn inverter(&mut self, out: &mut Vec<u8>, meter: &Meter) {
        let m = meter.measured;
        self.battery(out, 0, meter.volts(m.inverter_volts), None, u16::MAX);
        let (inverts, disabled) = (0, 4);
        self.send(out, INVERTER, &[0, 0, 0, 0xF0 | if m.running { inverts } else { disabled }]);
        let (volts, watts) = m.ac;
        // 0 W is 2 000 000 000 (J1939-75).
        let power = ((watts.round() + 2e9) as u32).to_le_bytes();
        self.send(out, AC_POWER, &[power, power].concat());
        let ([v0, v1], amps) =
            ((volts.round() as u16).to_le_bytes(), if volts > 0.0 { watts / volts } else { 0.0 });
        let ([f0, f1], [a0, a1]) = ((50_u16 * 128).to_le_bytes(), (amps.abs().round() as u16).to_le_bytes());
        self.send(out, AC_BASICS, &[UNKNOWN, UNKNOWN, v0, v1, f0, f1, a0, a1]);
    }

    /// 127508, the same for every device.
    fn battery(&mut self, out: &mut Vec<u8>, instance: u8, volts: f64, amps: Option<f64>, warmth: u16) {
        let [v0, v1] = ((volts * 100.0).round() as i16).to_le_bytes();
        let [a0, a1] = amps.map_or(UNKNOWN_SIGNED, |amps| (amps * 10.0).round() as i16).to_le_bytes();
        let [t0, t1] = warmth.to_le_bytes();
        self.send(out, BATTERY, &[instance, v0, v1, a0, a1, t0, t1, 0]);
    }

    /// A register of Victron in the proprietary PGN.
    fn register(&mut self, out: &mut Vec<u8>, number: u16, value: [u8; 4]) {
        let ([low, high], [a, b, c, d]) = (number.to_le_bytes(), value);
        // Manufacturer 358, two reserved bits, industry 4 (marine).
        self.send(out, REGISTER, &[0x66, 0x99, low, high, a, b, c, d]);
    }

    /// A message in as many frames as it takes. A PGN that is sent as a fast packet is one at any length.
    fn send(&mut self, out: &mut Vec<u8>, number: u32, data: &[u8]) {
        let id = Id { priority: 6, pgn: number, source: self.address, destination: TO_ALL };
        let mut put = |frame: Frame| slcan::write(out, &Carried::Data(frame), None);
        if pgn(number).is_some_and(|row| row.is_fast) {
            self.sequence = (self.sequence + 1) % 8;
            frames(id, self.sequence, data).into_iter().flatten().for_each(put);
        } else if let Some(frame) = Frame::new(id.bits(), data) {
            put(frame);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::NOW;
    use super::super::{Meter, MeterParams};
    use super::*;
    use crate::rng::Rng;
    use proto::channel::Channel;
    use proto::nmea2000::{AcSide, Network, Role, Witness, who_is_there};
    use proto::samples::Samples;
    use proto::spoken::Protocol;

    /// What whoever asks who is there learns of so many seconds.
    fn heard(which: Instrument, p: MeterParams, seconds: u64) -> (Vec<Samples>, Network) {
        let mut meter = Meter::new(which, &MeterParams { speaks: Protocol::Nmea2000, ..p }, Rng::new(1, 1));
        let (mut network, mut decoder, mut said) = (Network::default(), Decoder::default(), Vec::new());
        let mut witness: Option<Witness> = None;
        let mut question = Vec::new();
        who_is_there().for_each(|frame| slcan::write(&mut question, &Carried::Data(frame), None));
        for second in 1..=seconds {
            let at = Micros::from_secs(second);
            // Its answer takes twenty frames, of which a bad bus loses one.
            if second % 10 == 1 {
                meter.ask(&question);
            }
            meter.second(at, &NOW);
            for byte in meter.say(at) {
                let Some(Piece::Line(line)) = decoder.push(byte) else { continue };
                let Ok(Reply::Frame(Carried::Data(frame), None)) = slcan::reply(line) else {
                    panic!("{line:?}")
                };
                let Some(message) = network.take(at, &frame) else { continue };
                let role = Role::of(network.node(message.id.source));
                let witness = match (&mut witness, role) {
                    (Some(witness), _) => witness,
                    (none, Some(role)) => none.insert(Witness::new(role, Some(AcSide::Output))),
                    _ => continue,
                };
                said.extend(witness.take(at, &message));
            }
        }
        (said, network)
    }

    #[test]
    fn each_says_what_it_measures() {
        for (which, address, told) in [
            (Instrument::Shunt, 36, vec![(Channel::ShuntVoltage, 53.2), (Channel::ShuntCurrent, -20.0)]),
            (
                Instrument::Charger,
                38,
                vec![
                    (Channel::ChargerVoltage, 53.3),
                    (Channel::ChargerCurrent, 10.0),
                    (Channel::ChargerPvVoltage, 120.0),
                    (Channel::ChargerPvPower, 540.0),
                    (Channel::ChargerVoltageLimit, 56.8),
                ],
            ),
            (
                Instrument::Converter,
                40,
                vec![
                    (Channel::ConverterVoltage, 53.1),
                    (Channel::ConverterState, 9.0),
                    (Channel::ConverterAcOut, 1500.0),
                    (Channel::ConverterAcOutVoltage, 230.0),
                ],
            ),
        ] {
            let (said, network) = heard(which, MeterParams::default(), 30);
            for (channel, value) in told {
                assert!(said.iter().any(|said| said.number(channel) == Some(value)), "{channel:?} {said:?}");
            }
            assert_eq!(network.node(address).serial.as_deref(), Some("HQSIMULATED"));
            assert_eq!(network.lost(), 0);
        }
    }

    #[test]
    fn what_is_wrong_with_it_shows() {
        let good = MeterParams::default;
        let (all, _) = heard(Instrument::Shunt, good(), 60);
        let (lossy, _) =
            heard(Instrument::Shunt, MeterParams { lost: proto::quantity::Percent(5.0), ..good() }, 60);
        assert!(lossy.len() < all.len() && lossy.len() > all.len() / 3, "{} of {}", lossy.len(), all.len());
        let (silent, _) =
            heard(Instrument::Shunt, MeterParams { silent_after: Micros::from_secs(10), ..good() }, 60);
        assert!(silent.len() < all.len() / 4);
        let (turned, _) = heard(Instrument::Shunt, MeterParams { reversed: true, ..good() }, 3);
        assert!(turned.iter().any(|said| said.number(Channel::ShuntCurrent) == Some(20.0)));
        let (blank, _) = heard(Instrument::Shunt, MeterParams { blank: true, ..good() }, 9);
        assert!(blank.iter().all(|said| said.number(Channel::ShuntCurrent).is_none()));
    }
}
