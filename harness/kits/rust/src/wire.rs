//! What a battery says (P 2). Numbers are rounded to the step of the wire and held within its range.

use crate::Answer;

/// What an alarm or a warning of 0x35A is about, by the place of its two bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alarm {
    /// battery high voltage
    HighVoltage = 1,
    /// battery low voltage
    LowVoltage,
    /// battery high temperature
    HighTemperature,
    /// battery low temperature
    LowTemperature,
    /// battery high temperature charge
    HighTemperatureCharge,
    /// battery low temperature charge
    LowTemperatureCharge,
    /// battery high current
    HighCurrent,
    /// battery high charge current
    HighChargeCurrent,
    /// contactor
    Contactor,
    /// short circuit
    ShortCircuit,
    /// BMS internal
    Internal,
    /// cell imbalance
    Imbalance,
}

impl Alarm {
    /// Every one that the document has, but the general alarm.
    pub const ALL: [Self; 12] = {
        use Alarm::*;
        [
            HighVoltage,
            LowVoltage,
            HighTemperature,
            LowTemperature,
            HighTemperatureCharge,
            LowTemperatureCharge,
            HighCurrent,
            HighChargeCurrent,
            Contactor,
            ShortCircuit,
            Internal,
            Imbalance,
        ]
    };
}

/// The pairs of four bytes: 01 active, 10 inactive, 00 not supported.
fn pairs(listed: &[(Alarm, bool)]) -> u32 {
    let has =
        |alarm: Alarm, wanted: bool| listed.iter().any(|&(other, on)| other == alarm && (on || !wanted));
    let pair = |alarm: Alarm| match (has(alarm, false), has(alarm, true)) {
        (false, _) => 0,
        (true, true) => 1,
        (true, false) => 2,
    };
    Alarm::ALL.iter().fold(0, |bits, &alarm| bits | pair(alarm) << (2 * alarm as u32))
}

fn un16(value: f64) -> [u8; 2] {
    (value.round() as u16).to_le_bytes()
}

fn sn16(value: f64) -> [u8; 2] {
    (value.round() as i16).to_le_bytes()
}

impl Answer {
    /// 0x351: charge voltage limit, charge and discharge current limit, discharge voltage; V and A.
    pub fn limits(&mut self, cvl: f64, ccl: f64, dcl: f64, discharge: f64) {
        self.send(
            0x351,
            &[un16(cvl * 10.0), un16(ccl * 10.0), un16(dcl * 10.0), un16(discharge * 10.0)].concat(),
        );
    }

    /// 0x355: state of charge, also in steps of 0.01 %, and state of health; %.
    pub fn state_of_charge(&mut self, soc: f64, soh: f64) {
        self.send(0x355, &[un16(soc), un16(soh), un16(soc * 100.0)].concat());
    }

    /// 0x356: voltage, current (positive charges), temperature; V, A and °C.
    pub fn measurements(&mut self, pack: f64, current: f64, temperature: f64) {
        self.send(0x356, &[sn16(pack * 100.0), sn16(current * 10.0), sn16(temperature * 10.0)].concat());
    }

    /// 0x35A: the alarms and the warnings that are supported, each with whether it is active (one that is listed twice is where
    /// either is), and whether the main switch is closed.
    pub fn alarms(&mut self, alarms: &[(Alarm, bool)], warnings: &[(Alarm, bool)], online: bool) {
        let status = if online { 2 } else { 1 } << 26;
        self.send(0x35A, &[pairs(alarms), pairs(warnings) | status].map(u32::to_le_bytes).concat());
    }

    /// 0x35E manufacturer, 0x374 to 0x377 names of cells and sensors, 0x382 family: up to 8 characters.
    pub fn text(&mut self, id: u32, text: &str) {
        let mut data = [0; 8];
        data.iter_mut().zip(text.bytes()).for_each(|(to, from)| *to = from);
        self.send(id, &data);
    }

    /// 0x370 and 0x371 name, 0x380 and 0x381 serial number: two frames, up to 16 characters.
    pub fn long_text(&mut self, first_id: u32, text: &str) {
        self.text(first_id, text);
        self.text(first_id + 1, text.get(8..).unwrap_or_default());
    }

    /// 0x35F: model, firmware version, capacity that is online, Ah.
    pub fn identity(&mut self, model: u16, (major, minor): (u8, u8), online: f64) {
        self.send(0x35F, &[model.to_le_bytes(), [major, minor], un16(online)].concat());
    }

    /// 0x360: asks for charge.
    pub fn force_charge(&mut self, on: bool) {
        self.send(0x360, &[if on { 0xFF } else { 0 }]);
    }

    /// 0x372: modules that are online, block charge, block discharge, are offline; 0xFFFF where a battery cannot say.
    pub fn modules(&mut self, online: u16, no_charge: u16, no_discharge: u16, offline: u16) {
        self.send(0x372, &[online, no_charge, no_discharge, offline].map(u16::to_le_bytes).concat());
    }

    /// 0x373: lowest and highest cell, V; coldest and warmest, °C.
    pub fn cells(&mut self, volts: (f64, f64), celsius: (f64, f64)) {
        let volts = [volts.0, volts.1].map(|value| un16(value * 1000.0));
        let kelvin = [celsius.0, celsius.1].map(|value| un16(value + 273.15));
        self.send(0x373, &[volts.concat(), kelvin.concat()].concat());
    }

    /// 0x378: energy charged and discharged since ever, Wh.
    pub fn energy(&mut self, charged: f64, discharged: f64) {
        let counted = |energy: f64| ((energy / 100.0) as u32).to_le_bytes();
        self.send(0x378, &[counted(charged), counted(discharged)].concat());
    }

    /// 0x379: capacity of all modules, online or not, Ah.
    pub fn installed_capacity(&mut self, capacity: f64) {
        self.send(0x379, &un16(capacity));
    }
}
