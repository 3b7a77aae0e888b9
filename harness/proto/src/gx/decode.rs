//! From the cells of the gateway to a reading of the GX.

use super::{ALARMS, Register, battery, ess, inverter, solar, system};
use crate::message::Text8;
use crate::quantity::{AmpHours, Amps, Celsius, Percent, Volts, Watts};
use crate::reading::{GxBattery, GxInverter, GxModules, GxSolar, GxSystem};

/// What requests for blocks of one product were answered with: first address and cells of each.
#[derive(Debug, Clone, Copy)]
pub struct Answers<'a>(pub &'a [(u16, &'a [u16])]);

/// PV power up to here is in register 789, in tenths; above it wraps, and 792 has it in watts.
pub const MOST_PV_TENTHS: Watts = Watts(6553.0);

impl Answers<'_> {
    fn value(&self, register: Register) -> Option<f64> {
        self.0.iter().find_map(|&(first, cells)| register.read(first, cells))
    }

    fn text(&self, register: Register) -> Option<Text8> {
        self.0.iter().find_map(|&(first, cells)| register.read_bytes(first, cells)).map(|b| Text8::padded(&b))
    }

    fn count(&self, register: Register) -> Option<u16> {
        self.value(register).map(|v| v as u16)
    }

    /// What the GX says of itself: serial number and firmware, as far as it says. Its model is not among its registers.
    #[must_use]
    pub fn identity(&self) -> Option<String> {
        let serial = self.0.iter().find_map(|&(first, cells)| system::SERIAL.read_text(first, cells));
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

    /// The battery's own unit; nothing where a block is missing.
    #[must_use]
    pub fn battery(&self) -> Option<GxBattery> {
        use battery as b;
        let (alarms, warnings) = self.alarms()?;
        Some(GxBattery {
            voltage: Volts(self.value(b::VOLTAGE)?),
            current: Amps(self.value(b::CURRENT)?),
            temperature: Celsius(self.value(b::TEMPERATURE)?),
            soc: Percent(self.value(b::SOC)?),
            soh: Percent(self.value(b::SOH)?),
            cvl: Volts(self.value(b::CVL)?),
            ccl: Amps(self.value(b::CCL)?),
            dcl: Amps(self.value(b::DCL)?),
            capacity: AmpHours(self.value(b::CAPACITY)?),
            min_cell: Volts(self.value(b::MIN_CELL_VOLTAGE)?),
            max_cell: Volts(self.value(b::MAX_CELL_VOLTAGE)?),
            min_cell_temperature: Celsius(self.value(b::MIN_CELL_TEMPERATURE)?),
            max_cell_temperature: Celsius(self.value(b::MAX_CELL_TEMPERATURE)?),
            cell_ids: [
                self.text(b::MIN_VOLTAGE_CELL_ID)?,
                self.text(b::MAX_VOLTAGE_CELL_ID)?,
                self.text(b::MIN_TEMPERATURE_CELL_ID)?,
                self.text(b::MAX_TEMPERATURE_CELL_ID)?,
            ],
            modules: GxModules {
                offline: self.count(b::MODULES_OFFLINE)?,
                online: self.count(b::MODULES_ONLINE)?,
                blocking_charge: self.count(b::MODULES_BLOCKING_CHARGE)?,
                blocking_discharge: self.count(b::MODULES_BLOCKING_DISCHARGE)?,
            },
            alarms,
            warnings,
        })
    }

    /// Alarms and warnings, one bit each in the order of 0x35A.
    fn alarms(&self) -> Option<(u16, u16)> {
        let (mut alarms, mut warnings) = (0, 0);
        for &(kind, register) in ALARMS {
            let bit = 1 << kind as u16;
            match self.count(register)? {
                2 => alarms |= bit,
                1 if register.warns() => warnings |= bit,
                _ => {}
            }
        }
        Some((alarms, warnings))
    }

    /// The inverter/charger; nothing where a block is missing.
    #[must_use]
    pub fn inverter(&self) -> Option<GxInverter> {
        // Off, low power, fault and passthru neither invert nor charge.
        let idle = [0, 1, 2, 8];
        Some(GxInverter {
            dc_voltage: Volts(self.value(inverter::DC_VOLTAGE)?),
            dc_current: Amps(self.value(inverter::DC_CURRENT)?),
            input_current_limit: Amps(self.value(inverter::INPUT_CURRENT_LIMIT)?),
            running: !idle.contains(&self.count(inverter::STATE)?),
            ac_out: Watts(self.value(inverter::AC_OUT_POWER)?),
            ac_in: Watts(self.value(inverter::AC_IN_POWER)?),
        })
    }

    /// The solar charger; nothing where a block is missing.
    #[must_use]
    pub fn solar(&self) -> Option<GxSolar> {
        let whole = Watts(self.value(solar::PV_POWER_32)?);
        let fine = Watts(self.value(solar::PV_POWER)?);
        Some(GxSolar {
            battery_voltage: Volts(self.value(solar::BATTERY_VOLTAGE)?),
            battery_current: Amps(self.value(solar::BATTERY_CURRENT)?),
            pv_power: if whole > MOST_PV_TENTHS { whole } else { fine },
            pv_voltage: Volts(self.value(solar::PV_VOLTAGE)?),
            tracker: self.count(solar::TRACKER)?,
        })
    }

    /// The system and its setting for feed-in, of blocks of system and ESS; nothing where one is missing.
    #[must_use]
    pub fn system(&self) -> Option<GxSystem> {
        Some(GxSystem {
            grid: Watts(self.value(system::GRID_L1_32)?),
            // Grid, generator or shore.
            grid_connected: (1..=3).contains(&self.count(system::ACTIVE_INPUT)?),
            ac_loads: Watts(self.value(system::AC_LOADS_L1_32)?),
            feed_in: self.count(ess::FEED_IN_EXCESS)? == 1,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
        assert_eq!(Answers(&[(800, &cells)]).identity().as_deref(), says);
    }

    #[test]
    fn a_missing_block_gives_no_reading_instead_of_zeros() {
        let first = [0; 74];
        assert_eq!(Answers(&[(256, &first)]).battery(), None);
        let second = [0; 32];
        let empty = GxBattery { cell_ids: [Text8::padded(b""); 4], ..GxBattery::default() };
        assert_eq!(Answers(&[(256, &first), (1290, &second)]).battery(), Some(empty));
        assert_eq!(Answers(&[]).inverter(), None);
    }

    #[rstest]
    #[case::alarm(328, 2, (1 << 9, 0))]
    #[case::warning(328, 1, (0, 1 << 9))]
    #[case::a_register_without_warnings(268, 1, (0, 0))]
    #[case::low_voltage(268, 2, (1 << 2, 0))]
    fn alarms(#[case] register: u16, #[case] value: u16, #[case] bits: (u16, u16)) {
        let (mut first, second) = ([0; 74], [0; 32]);
        first[usize::from(register - 256)] = value;
        let b = Answers(&[(256, &first), (1290, &second)]).battery().expect("both blocks");
        assert_eq!((b.alarms, b.warnings), bits);
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
        assert_eq!(Answers(&[(3, &cells)]).inverter().map(|i| i.running), Some(running));
    }

    /// Register 789 wraps above 6553 W: 7000 W read 4464 tenths there.
    #[test]
    fn pv_power_above_what_tenths_can_hold() {
        let mut cells = [0; 23];
        (cells[18], cells[22]) = (4464, 7000);
        assert_eq!(Answers(&[(771, &cells)]).solar().map(|s| s.pv_power), Some(Watts(7000.0)));
        (cells[18], cells[22]) = (4464, 446);
        assert_eq!(Answers(&[(771, &cells)]).solar().map(|s| s.pv_power), Some(Watts(446.4)));
    }
}
