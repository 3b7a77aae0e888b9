//! From the cells of the gateway to what a poll of the GX told.

use super::{ALARMS, Block, Register, TOLD, ess, inverter, solar, system};
use crate::channel::{self, Channel, Instrument, Source};
use crate::message::Text8;
use crate::quantity::Watts;
use crate::samples::{Samples, Value};

/// What requests for blocks were answered with.
#[derive(Debug, Clone, Copy)]
pub struct Answers<'a> {
    /// first address and cells of each that was answered
    pub cells: &'a [(u16, &'a [u16])],
    /// what this GX does not have: its firmware is older than the registers (exception 2)
    pub lacks: &'a [Block],
}

/// PV power up to here is in register 789, in tenths; above it wraps, and 792 has it in watts.
pub const MOST_PV_TENTHS: Watts = Watts(6553.0);

impl<'a> Answers<'a> {
    /// The answers of a GX that has every register.
    #[must_use]
    pub const fn of(cells: &'a [(u16, &'a [u16])]) -> Self {
        Self { cells, lacks: &[] }
    }

    fn value(&self, register: Register) -> Option<f64> {
        self.cells.iter().find_map(|&(first, cells)| register.read(first, cells))
    }

    fn text(&self, register: Register) -> Option<Text8> {
        self.cells
            .iter()
            .find_map(|&(first, cells)| register.read_bytes(first, cells))
            .map(|b| Text8::padded(&b))
    }

    fn count(&self, register: Register) -> Option<u16> {
        self.value(register).map(|v| v as u16)
    }

    /// What the GX says of itself: serial number and firmware, as far as it says. Its model is not among its registers.
    #[must_use]
    pub fn identity(&self) -> Option<String> {
        let serial = self.cells.iter().find_map(|&(first, cells)| system::SERIAL.read_text(first, cells));
        let serial = serial.filter(|serial| !serial.is_empty());
        let firmware = self.value(system::FIRMWARE).map(|raw| raw as u32).filter(|&raw| raw != 0);
        let version = firmware.map(|raw| {
            let (major, minor, beta) = (raw >> 24, raw >> 16 & 0xFF, raw & 0xFFFF);
            let beta = if beta == 0 { String::new() } else { format!("~{beta:x}") };
            format!("firmware v{major:x}.{minor:02x}{beta}")
        });
        let said: Vec<String> =
            serial.map(|serial| format!("serial number {serial}")).into_iter().chain(version).collect();
        (!said.is_empty()).then(|| said.join(", "))
    }

    /// What a poll told. Of a block of the table of quantities everything is there that this GX has, or nothing: a product
    /// of which one request was not answered did not answer.
    #[must_use]
    pub fn samples(&self) -> Samples {
        let mut all = Samples::new(Instrument::Gx);
        use channel::Block::{Battery, Inverter, Solar, System};
        for block in [Battery, Inverter, Solar, System] {
            let mut told = all;
            let of_block = |channel: &&Channel| {
                channel.row().source == Source::Gx(block) && channel.row().column.is_some()
            };
            let is_whole = Instrument::Gx.channels().iter().filter(of_block).all(|&channel| {
                let value = self.told(channel);
                value.iter().for_each(|&value| told.put(channel, value));
                value.is_some() || self.lacks_what_tells(channel)
            });
            if is_whole {
                all = told;
            }
        }
        all
    }

    fn told(&self, channel: Channel) -> Option<Value> {
        match channel {
            Channel::GxAlarms => return Some(Value::Word(self.alarms()?.0)),
            Channel::GxWarnings => return Some(Value::Word(self.alarms()?.1)),
            _ => {}
        }
        let register = self.read_from(channel)?;
        Some(match channel {
            // Off, low power, fault and passthru neither invert nor charge.
            Channel::InverterRunning => Value::Flag(![0, 1, 2, 8].contains(&self.count(register)?)),
            Channel::PvPower => {
                let fine = self.value(register)?;
                // An older GX has the tenths only.
                let whole =
                    if self.lacks(solar::PV_POWER_32) { fine } else { self.value(solar::PV_POWER_32)? };
                Value::Number(if whole > MOST_PV_TENTHS.0 { whole } else { fine })
            }
            // Grid, generator or shore.
            Channel::GridConnected => Value::Flag((1..=3).contains(&self.count(register)?)),
            Channel::FeedIn => Value::Flag(self.count(register)? == 1),
            _ => match register.kind {
                super::Kind::Text4 | super::Kind::Text6 => Value::Text(self.text(register)?),
                _ => Value::of(channel, self.value(register)?),
            },
        })
    }

    /// The register that tells a quantity, of this GX; alarms have many.
    fn read_from(&self, channel: Channel) -> Option<Register> {
        Some(match channel {
            Channel::InverterRunning => inverter::STATE,
            Channel::PvPower => solar::PV_POWER,
            // What an older GX has in 16 bits only.
            Channel::GridPower if self.lacks(system::GRID_L1_32) => system::GRID_L1,
            Channel::AcLoads if self.lacks(system::AC_LOADS_L1_32) => system::AC_LOADS_L1,
            Channel::GridConnected => system::ACTIVE_INPUT,
            Channel::FeedIn => ess::FEED_IN_EXCESS,
            _ => TOLD.iter().find(|(told, _)| *told == channel)?.1,
        })
    }

    fn lacks(&self, register: Register) -> bool {
        self.lacks.iter().any(|block| block.registers().any(|lacked| *lacked == register))
    }

    /// Whether this GX does not have what a quantity is read from.
    fn lacks_what_tells(&self, channel: Channel) -> bool {
        match channel {
            Channel::GxAlarms | Channel::GxWarnings => {
                ALARMS.iter().any(|(_, register)| !register.is_newer() && self.lacks(*register))
            }
            _ => self.read_from(channel).is_some_and(|register| self.lacks(register)),
        }
    }

    /// Alarms and warnings, one bit each in the order of 0x35A.
    fn alarms(&self) -> Option<(u16, u16)> {
        let (mut alarms, mut warnings) = (0, 0);
        for &(kind, register) in ALARMS {
            let bit = 1 << kind as u16;
            let shown = match self.count(register) {
                // An older GX does not have it, and shows it nowhere.
                None if register.is_newer() => continue,
                shown => shown?,
            };
            match shown {
                2 => alarms |= bit,
                1 if register.warns() => warnings |= bit,
                _ => {}
            }
        }
        Some((alarms, warnings))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gx::{BLOCKS, Product};
    use rstest::rstest;

    /// As `Mappings::FirmwareOperation` of dbus_modbustcp 1.0.101 puts it: 0x036033 is a beta of v3.60.
    #[rstest]
    #[case::beta("c0619ab12345", 0x0360_0033, Some("serial number c0619ab12345, firmware v3.60~33"))]
    #[case::release("c0619ab12345", 0x0372_0000, Some("serial number c0619ab12345, firmware v3.72"))]
    #[case::firmware_before_it_had_the_register("c0619ab12345", 0, Some("serial number c0619ab12345"))]
    #[case::only_firmware("", 0x0360_0000, Some("firmware v3.60"))]
    #[case::nothing("", 0, None)]
    fn who_it_is(#[case] serial: &str, #[case] firmware: u32, #[case] says: Option<&str>) {
        let mut cells = [0; 114];
        assert!(system::SERIAL.write_text(serial, 800, &mut cells));
        assert!(system::FIRMWARE.write(f64::from(firmware), 800, &mut cells));
        assert_eq!(Answers::of(&[(800, &cells)]).identity().as_deref(), says);
    }

    #[test]
    fn a_missing_block_tells_nothing_instead_of_zeros() {
        let first = [0; 74];
        assert!(Answers::of(&[(256, &first)]).samples().is_empty());
        let second = [0; 32];
        let whole = Answers::of(&[(256, &first), (1290, &second)]).samples();
        let of_battery = |channel: &&Channel| channel.row().source == Source::Gx(channel::Block::Battery);
        let battery = Instrument::Gx.channels().iter().filter(of_battery);
        // All but whether it is there at all, which follows.
        assert_eq!(whole.values().count(), battery.count() - 1);
        assert_eq!(whole.get(Channel::GxMinCellId), Some(Value::Text(Text8::default())));
        assert!(Answers::of(&[]).samples().is_empty());
    }

    /// Firmware of before some registers: what it has is told, and what has 32 bits now is read from 16.
    #[test]
    fn an_older_gx_tells_what_it_has() {
        let zeros = [0; 114];
        let lacks = [
            Block { product: Product::Battery, first: 1290, count: 32 },
            Block { product: Product::System, first: 902, count: 12 },
            Block { product: Product::Solar, first: 792, count: 2 },
        ];
        let mut solar = [0; 21];
        solar[18] = 4464;
        let mut system = [0; 90];
        (system[20], system[17]) = (100, 200);
        let answers: &[(u16, &[u16])] =
            &[(256, &zeros[..74]), (800, &system), (771, &solar), (2700, &zeros[..11])];
        let told = Answers { cells: answers, lacks: &lacks }.samples();
        let number = |channel| told.number(channel);
        assert_eq!(number(Channel::GxSoc), Some(0.0));
        assert_eq!(number(Channel::GxMinCell), None, "it has no such register");
        assert_eq!(number(Channel::PvPower), Some(446.4));
        assert_eq!((number(Channel::GridPower), number(Channel::AcLoads)), (Some(100.0), Some(200.0)));
        assert!(Answers::of(answers).samples().is_empty(), "what is not answered is another matter");
    }

    #[rstest]
    #[case::alarm(328, 2, (1 << 9, 0))]
    #[case::warning(328, 1, (0, 1 << 9))]
    #[case::a_register_without_warnings(268, 1, (0, 0))]
    #[case::low_voltage(268, 2, (1 << 2, 0))]
    fn alarms(#[case] register: u16, #[case] value: u16, #[case] bits: (u16, u16)) {
        let (mut first, second) = ([0; 74], [0; 32]);
        first[usize::from(register - 256)] = value;
        let told = Answers::of(&[(256, &first), (1290, &second)]).samples();
        let (alarms, warnings) = bits;
        assert_eq!(told.get(Channel::GxAlarms), Some(Value::Word(alarms)));
        assert_eq!(told.get(Channel::GxWarnings), Some(Value::Word(warnings)));
    }

    #[rstest]
    #[case::off(0, false)]
    #[case::passthru(8, false)]
    #[case::inverting(9, true)]
    #[case::bulk(3, true)]
    #[case::external(252, true)]
    fn states(#[case] state: u16, #[case] running: bool) {
        let mut cells = [0; 95];
        cells[28] = state;
        let told = Answers::of(&[(3, &cells)]).samples();
        assert_eq!(told.get(Channel::InverterRunning), Some(Value::Flag(running)));
    }

    /// Register 789 wraps above 6553 W: 7000 W read 4464 tenths there.
    #[test]
    fn pv_power_above_what_tenths_can_hold() {
        let mut cells = [0; 23];
        (cells[18], cells[22]) = (4464, 7000);
        assert_eq!(Answers::of(&[(771, &cells)]).samples().number(Channel::PvPower), Some(7000.0));
        (cells[18], cells[22]) = (4464, 446);
        assert_eq!(Answers::of(&[(771, &cells)]).samples().number(Channel::PvPower), Some(446.4));
    }

    /// Every quantity of the GX that is kept can be read from a whole poll.
    #[test]
    fn every_quantity_has_its_registers() {
        let cells: Vec<_> = BLOCKS.iter().map(|block| (block.first, vec![0; block.count.into()])).collect();
        let answers: Vec<(u16, &[u16])> = cells.iter().map(|(first, cells)| (*first, &cells[..])).collect();
        let told = Answers::of(&answers).samples();
        for &channel in Instrument::Gx.channels().iter().filter(|channel| channel.row().column.is_some()) {
            let value = told.get(channel).expect("a whole poll");
            assert!(value.number().is_none_or(|number| number.abs() < 1e-9), "{channel:?}");
        }
    }
}
