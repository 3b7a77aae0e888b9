//! Meters beside the battery as they speak over their own lines: a shunt in the battery's minus, the solar charger, the
//! inverter. Each says a block of VE.Direct text a second, or messages on a VE.Can bus; what is wrong with it stands in the rig
//! file.

mod bus;
mod line;
mod params;
mod text;

pub use params::{MeterParams, MetersParams};

use proto::channel::Instrument;
use proto::quantity::Micros;
use proto::vedirect::{Auxiliary, BAUD, Hex};

use crate::rng::Rng;
use bus::Device;
use text::Text;

/// What the meters measure.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Measured {
    /// at the terminals of the battery, V
    pub(crate) volts: f64,
    /// of the battery, the mean of the last second, positive when it charges, A
    pub(crate) amps: f64,
    /// at the battery side of the solar charger, V
    pub(crate) charger_volts: f64,
    /// into the bus, A
    pub(crate) charger_amps: f64,
    pub(crate) pv_volts: f64,
    pub(crate) pv_watts: f64,
    /// 0 off, 1 held back, 2 tracking
    pub(crate) tracker: u8,
    /// whether the GX lets it charge
    pub(crate) enabled: bool,
    /// what the GX set, V and A
    pub(crate) set: (f64, f64),
    /// at the DC input of the inverter, V
    pub(crate) inverter_volts: f64,
    pub(crate) running: bool,
    /// what it supplies on its AC output, V and W
    pub(crate) ac: (f64, f64),
}

/// All of them.
#[derive(Debug, Clone)]
pub(crate) struct Meters([Meter; Instrument::WITNESSES.len()]);

impl Meters {
    pub(crate) fn new(p: &MetersParams, seed: u64) -> Self {
        let params = [&p.battery, &p.charger, &p.inverter];
        let all = Instrument::WITNESSES;
        Self(core::array::from_fn(|k| Meter::new(all[k], params[k], Rng::new(seed, 0x4D45_5400 + k as u64))))
    }

    /// A second has passed.
    pub(crate) fn second(&mut self, at: Micros, measured: &Measured) {
        self.0.iter_mut().for_each(|meter| meter.second(at, measured));
    }

    /// What one of them says of the second that has passed; nothing where it is none.
    pub(crate) fn say(&mut self, which: Instrument, at: Micros) -> Vec<u8> {
        let meter = self.0.iter_mut().find(|meter| meter.which == which);
        meter.map_or_else(Vec::new, |meter| meter.say(at))
    }

    /// Bytes from whoever listens: questions in HEX, or frames of a bus, which are answered with what is said next.
    pub(crate) fn ask(&mut self, which: Instrument, bytes: &[u8]) {
        let meter = self.0.iter_mut().find(|meter| meter.which == which);
        meter.into_iter().for_each(|meter| meter.ask(bytes));
    }
}

/// One of them.
#[derive(Debug, Clone)]
struct Meter {
    which: Instrument,
    p: MeterParams,
    rng: Rng,
    measured: Measured,
    /// charge since the start, Ah, and energies drawn and charged, Wh
    counted: f64,
    drawn: f64,
    charged: f64,
    /// when it started
    since: Micros,
    /// a question that is not whole yet
    asked: Vec<u8>,
    /// answers that are not said yet
    answers: Vec<Hex>,
    /// what it is on a bus, where it is on one
    device: Option<Device>,
}

/// What a meter runs from at least, V.
const SUPPLIED: f64 = 6.4;
/// So long it says nothing after it started, where the rig file does not say.
const STARTS: Micros = Micros::from_secs(4);
/// What its temperature sensor shows, °C.
const ROOM: i16 = 23;
/// The label that ends a block.
const SUM: &[u8] = b"Checksum";
/// A question is no longer than this.
const QUESTION: usize = 160;

const UPTIME: u16 = 0x0120;
const VOLTAGE: u16 = 0xED8D;
const OUTPUT: u16 = 0xEDD5;
const SET_VOLTAGE: u16 = 0x2001;
const SET_CURRENT: u16 = 0x2015;
const NETWORK: u16 = 0x200E;

impl Meter {
    fn new(which: Instrument, p: &MeterParams, rng: Rng) -> Self {
        Self {
            which,
            p: p.clone(),
            rng,
            measured: Measured::default(),
            counted: 0.0,
            drawn: 0.0,
            charged: 0.0,
            since: Micros::ZERO,
            asked: Vec::new(),
            answers: Vec::new(),
            device: p.speaks.is_bus().then(|| Device::new(which)),
        }
    }

    fn second(&mut self, at: Micros, measured: &Measured) {
        let hours = 1.0 / 3600.0;
        let (amps, watts) = (self.amps(measured.amps), self.amps(measured.amps) * self.volts(measured.volts));
        if !self.p.counter_stands {
            self.counted += amps * hours;
            *if watts < 0.0 { &mut self.drawn } else { &mut self.charged } += watts.abs() * hours;
        }
        if !self.p.frozen || self.measured.volts <= 0.0 {
            self.measured = *measured;
        }
        if self.p.resets > Micros::ZERO && at.since(self.since) >= self.p.resets {
            (self.since, self.counted) = (at, 0.0);
            self.device.iter_mut().for_each(Device::restart);
        }
    }

    /// As it shows it.
    fn volts(&self, volts: f64) -> f64 {
        volts * (1.0 + self.p.voltage_gain.0 / 100.0) + self.p.voltage_offset.0
    }

    fn amps(&self, amps: f64) -> f64 {
        let shown = amps * (1.0 + self.p.current_gain.0 / 100.0) + self.p.current_offset.0;
        if self.p.reversed { -shown } else { shown }
    }

    fn say(&mut self, at: Micros) -> Vec<u8> {
        let m = self.measured;
        let volts = match self.which {
            Instrument::Charger => m.charger_volts,
            Instrument::Converter => m.inverter_volts,
            _ => m.volts,
        };
        let starts = if self.p.starts_in > Micros::ZERO { self.p.starts_in } else { STARTS };
        let restarted = self.since > Micros::ZERO && at.since(self.since) < starts;
        let gone = self.p.silent_after > Micros::ZERO && at >= self.p.silent_after;
        if volts < SUPPLIED || restarted || gone {
            return Vec::new();
        }
        if let Some(mut device) = self.device.take() {
            let bytes = device.say(self, at);
            self.device = Some(device);
            return bytes;
        }
        let mut text = Text::default();
        match self.which {
            Instrument::Charger => self.charger(&mut text, &m),
            Instrument::Converter => self.inverter(&mut text, &m),
            _ => self.shunt(&mut text, &m),
        }
        let mut frames = core::mem::take(&mut self.answers);
        // What products of today say unasked after each block.
        let unasked: Vec<Hex> = [VOLTAGE, UPTIME, OUTPUT]
            .into_iter()
            .filter_map(|register| self.register(0xA, register, at))
            .collect();
        frames.extend(unasked.iter().cycle().take(self.p.hex as usize).copied());
        let mut bytes = text.with(&frames, &mut self.rng);
        if self.p.half {
            let end = bytes.windows(SUM.len()).position(|window| window == SUM).unwrap_or(bytes.len());
            bytes.truncate(end / 2);
        }
        bytes.retain(|_| !self.loses());
        if self.p.baud == 0 && !self.p.inverted {
            return bytes;
        }
        let rate = if self.p.baud == 0 { BAUD } else { self.p.baud };
        line::heard(&bytes, rate, BAUD, self.p.inverted)
    }

    /// The current of a record, in mA.
    fn current(&self, text: &mut Text, amps: f64) {
        if self.p.blank {
            text.put("I", "---");
        } else {
            text.put("I", milli(self.amps(amps)));
        }
    }

    fn product(&self, text: &mut Text, own: u16) {
        let id = if self.p.product == 0 { own } else { self.p.product };
        text.put("PID", format_args!("0x{id:04X}"));
    }

    /// A SmartShunt 500 A: a main block, and one of its history.
    fn shunt(&self, text: &mut Text, m: &Measured) {
        let volts = self.volts(m.volts);
        self.product(text, 0xA389);
        text.put("V", milli(volts));
        match self.p.auxiliary {
            Some(Auxiliary::Starter) => text.put("VS", 12_800),
            Some(Auxiliary::Midpoint) => text.put("VM", milli(volts / 2.0)),
            Some(Auxiliary::Temperature) => text.put("T", ROOM),
            None => {}
        }
        self.current(text, m.amps);
        text.put("P", (volts * self.amps(m.amps)).round());
        text.put("CE", milli(self.counted));
        text.put("SOC", "---");
        text.put("TTG", "-1");
        text.put("Alarm", "OFF");
        text.put("AR", "0");
        text.put("BMV", "SmartShunt 500A/50mV");
        text.put("FW", "0414");
        text.put("MON", self.p.monitors);
        text.end();
        for (label, value) in [("H1", 0.0), ("H2", 0.0), ("H3", 0.0), ("H4", 0.0), ("H5", 0.0), ("H6", 0.0)] {
            text.put(label, value);
        }
        text.put("H7", milli(volts));
        text.put("H8", milli(volts));
        text.put("H9", "0");
        text.put("H17", (self.drawn / 10.0).floor());
        text.put("H18", (self.charged / 10.0).floor());
        text.end();
    }

    /// A SmartSolar 250/100.
    fn charger(&self, text: &mut Text, m: &Measured) {
        self.product(text, 0xA057);
        text.put("FW", "164");
        text.put("SER#", "HQSIMULATED");
        text.put("V", milli(self.volts(m.charger_volts)));
        self.current(text, m.charger_amps);
        text.put("VPV", milli(m.pv_volts));
        text.put("PPV", m.pv_watts.round());
        // Controlled by the GX; what it would do by itself is not asked for in this world.
        text.put("CS", if m.tracker == 0 { 0 } else { 252 });
        text.put("MPPT", m.tracker);
        let no_input = m.pv_volts <= m.charger_volts;
        let reasons = u32::from(m.tracker == 0 && no_input) | u32::from(m.tracker == 0 && !m.enabled) << 6;
        text.put("OR", format_args!("0x{reasons:08X}"));
        text.put("ERR", "0");
        text.put("H19", "0");
        text.put("HSDS", "0");
        text.end();
    }

    /// A Phoenix inverter 48/3000.
    fn inverter(&self, text: &mut Text, m: &Measured) {
        let (volts, watts) = m.ac;
        self.product(text, 0xA2A4);
        text.put("FW", "0126");
        text.put("SER#", "HQSIMULATED");
        text.put("MODE", "3");
        text.put("CS", if m.running { 9 } else { 0 });
        text.put("AC_OUT_V", (volts * 100.0).round());
        text.put("AC_OUT_I", if volts > 0.0 { (watts / volts * 10.0).round() } else { 0.0 });
        text.put("AC_OUT_S", watts.round());
        text.put("V", milli(self.volts(m.inverter_volts)));
        text.put("AR", "0");
        text.put("WARN", "0");
        text.put("OR", "0x00000000");
        text.end();
    }

    /// Whether it is lost on the way.
    fn loses(&mut self) -> bool {
        self.p.lost.0 > 0.0 && self.rng.unit() < self.p.lost.0 / 100.0
    }

    /// Bytes of a question.
    fn ask(&mut self, bytes: &[u8]) {
        if let Some(device) = &mut self.device {
            bytes.iter().for_each(|&byte| device.hear(byte));
            return;
        }
        for &byte in bytes {
            match byte {
                b':' => self.asked = vec![byte],
                b'\n' => {
                    let question = core::mem::take(&mut self.asked);
                    let hex = question.strip_prefix(b":").and_then(|digits| Hex::parse(digits).ok());
                    if let Some(answer) = hex.and_then(|hex| self.answer(&hex)) {
                        self.answers.push(answer);
                    }
                }
                _ if self.asked.len() < QUESTION => self.asked.push(byte),
                _ => self.asked.clear(),
            }
        }
    }

    fn answer(&self, question: &Hex) -> Option<Hex> {
        let &[low, high, ..] = question.data() else { return None };
        let register = u16::from_le_bytes([low, high]);
        // Nothing is set at a meter.
        match question.command() {
            7 => self.register(7, register, self.since).or_else(|| Hex::new(7, &[low, high, 1])),
            8 => Hex::new(8, &[low, high, 2]),
            _ => Hex::new(3, &[question.command()]),
        }
    }

    /// A register as it says it at a time.
    fn register(&self, command: u8, register: u16, at: Micros) -> Option<Hex> {
        let m = &self.measured;
        let hundredths = |value: f64| ((value * 100.0).round() as i16).to_le_bytes().to_vec();
        let value = match (register, self.which) {
            (UPTIME, _) => (at.since(self.since).secs() as u32).to_le_bytes().to_vec(),
            (VOLTAGE, Instrument::Shunt) => hundredths(self.volts(m.volts)),
            (VOLTAGE, Instrument::Converter) => hundredths(self.volts(m.inverter_volts)),
            (VOLTAGE | OUTPUT, Instrument::Charger) => hundredths(self.volts(m.charger_volts)),
            (SET_VOLTAGE, Instrument::Charger) => hundredths(m.set.0),
            (SET_CURRENT, Instrument::Charger) => {
                ((m.set.1.min(6553.0) * 10.0).round() as u16).to_le_bytes().to_vec()
            }
            // Networked, external control, BMS.
            (NETWORK, Instrument::Charger) => vec![if m.enabled { 0b1101 } else { 0 }],
            _ => return None,
        };
        let mut data = register.to_le_bytes().to_vec();
        data.push(0);
        data.extend(value);
        Hex::new(command, &data)
    }
}

/// In thousandths, as labels have it.
fn milli(value: f64) -> i64 {
    (value * 1000.0).round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::channel::Channel;
    use proto::quantity::{Amps, Percent, Volts};
    use proto::samples::Samples;
    use proto::vedirect::{Decoder, Device, Piece};

    pub(super) const NOW: Measured = Measured {
        volts: 53.2,
        amps: -20.0,
        charger_volts: 53.3,
        charger_amps: 10.0,
        pv_volts: 120.0,
        pv_watts: 540.0,
        tracker: 1,
        enabled: true,
        set: (56.8, 100.0),
        inverter_volts: 53.1,
        running: true,
        ac: (230.0, 1500.0),
    };

    /// What is read of so many seconds, and how many blocks were none.
    fn heard(which: Instrument, p: &MeterParams, seconds: u64) -> (Vec<Samples>, u64, Device) {
        let mut meter = Meter::new(which, p, Rng::new(1, 1));
        let (mut decoder, mut device, mut said) = (Decoder::default(), Device::default(), Vec::new());
        for second in 1..=seconds {
            meter.second(Micros::from_secs(second), &NOW);
            for byte in meter.say(Micros::from_secs(second)) {
                match decoder.push(byte) {
                    Some(Piece::Block(block)) => said.extend(device.take(block)),
                    Some(Piece::Hex(hex)) => {
                        let _ = device.take_hex(&hex);
                    }
                    _ => {}
                }
            }
        }
        (said, decoder.counters().bad_blocks, device)
    }

    #[test]
    fn each_says_what_it_measures() {
        for (which, told) in [
            (Instrument::Shunt, [(Channel::ShuntVoltage, 53.2), (Channel::ShuntCurrent, -20.0)]),
            (Instrument::Charger, [(Channel::ChargerVoltage, 53.3), (Channel::ChargerPvPower, 540.0)]),
            (Instrument::Converter, [(Channel::ConverterVoltage, 53.1), (Channel::ConverterState, 9.0)]),
        ] {
            for hex in [0, 10, 50] {
                let (said, bad, device) = heard(which, &MeterParams { hex, ..MeterParams::default() }, 30);
                assert_eq!((bad, device.instrument()), (0, Some(which)), "{hex} frames a second");
                for (channel, value) in told {
                    assert!(said.iter().any(|said| said.number(channel) == Some(value)), "{channel:?}");
                }
            }
        }
    }

    #[test]
    fn what_is_wrong_with_it_shows() {
        let shunt = |p: MeterParams| heard(Instrument::Shunt, &p, 60);
        let first = |p| shunt(p).0[0];
        let good = MeterParams::default;
        let low = first(MeterParams { current_gain: Percent(-10.0), voltage_offset: Volts(1.0), ..good() });
        assert_eq!(
            (low.number(Channel::ShuntCurrent), low.number(Channel::ShuntVoltage)),
            (Some(-18.0), Some(54.2))
        );
        let turned = first(MeterParams { reversed: true, current_offset: Amps(0.5), ..good() });
        assert_eq!(turned.number(Channel::ShuntCurrent), Some(19.5));
        assert_eq!(first(MeterParams { blank: true, ..good() }).number(Channel::ShuntCurrent), None);
        assert_eq!(shunt(MeterParams { monitors: -9, ..good() }).0.len(), 0, "a DC meter of something else");
        assert_eq!(shunt(MeterParams { silent_after: Micros::from_secs(10), ..good() }).0.len(), 9);
        let (said, bad, _) = shunt(MeterParams { lost: Percent(0.2), ..good() });
        assert!(bad > 5 && said.len() > 20 && said.len() < 60, "{bad} {}", said.len());
        let (said, _, device) = shunt(MeterParams { resets: Micros::from_secs(20), hex: 3, ..good() });
        assert!(device.resets >= 2 && said.len() < 60, "{device:?}");
    }

    #[test]
    fn a_charger_answers_what_it_was_set_to() {
        let mut meter = Meter::new(Instrument::Charger, &MeterParams::default(), Rng::new(1, 1));
        meter.second(Micros::from_secs(1), &NOW);
        for register in [0x2001, 0x9999] {
            meter.ask(format!("{}\n", Hex::get(register)).as_bytes());
        }
        meter.ask(b":80\n::8F7ED00\n");
        let said = meter.say(Micros::from_secs(1));
        let text = String::from_utf8_lossy(&said);
        let answer = Hex::new(7, &[0x01, 0x20, 0x00, 0x30, 0x16]).expect("a frame").to_string();
        let refusal = Hex::new(7, &[0x99, 0x99, 0x01]).expect("a frame").to_string();
        assert!(text.contains(&answer) && text.contains(&refusal), "{text}");
    }
}
