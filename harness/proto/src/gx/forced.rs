//! What a GX sets by itself for some products, whatever its menu says (`batterysettings.py` of dbus-systemcalc-py 2.256):
//! DVCC on for all of these, shared temperature sense off, and shared voltage sense (SVS) as the row says. Whether a product id
//! is given to a battery shows on D-Bus and MQTT only, not on Modbus; with any other id, all three are free.

/// What is done to SVS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forced {
    /// off
    Off,
    /// as the menu says
    Free,
    /// on: to find it on is right, and voltages are compared with that in mind
    On,
}

/// Product id, product, SVS.
pub static FORCED: &[(u16, &str, Forced)] = &[
    (0xA3E3, "Lynx Smart BMS", Forced::On),
    (0xA3E4, "Lynx Smart BMS", Forced::On),
    (0xA3E5, "Lynx Smart BMS", Forced::On),
    (0xA3E6, "Lynx Smart BMS", Forced::On),
    (0xA3E7, "Lynx Smart BMS", Forced::On),
    (0xB005, "BMZ", Forced::Off),
    (0xB009, "Pylontech", Forced::Off),
    (0xB00A, "BYD", Forced::Off),
    (0xB014, "Freedomwon", Forced::Free),
    (0xB015, "BYD", Forced::Off),
    (0xB016, "Discover AES", Forced::Off),
    (0xB019, "BYD", Forced::Off),
    (0xB01A, "ZYC", Forced::Off),
    (0xB01B, "Pytes", Forced::Off),
    (0xB01D, "Leoch", Forced::Off),
    (0xB01F, "Sunwoda", Forced::Off),
    (0xB020, "BlueNova", Forced::Free),
    (0xB021, "BSLBATT", Forced::Off),
    (0xB024, "eTower", Forced::Free),
    (0xB028, "Cegasa", Forced::Off),
    (0xB029, "Pelio-L", Forced::Off),
    (0xB02A, "WeCo", Forced::Free),
    (0xB02B, "Findreams", Forced::Free),
    (0xB02E, "Meterboost", Forced::On),
    (0xB02F, "Soluna", Forced::On),
    (0xB038, "Batrium", Forced::On),
    (0xB051, "Hubble", Forced::Free),
    (0xB052, "TAB", Forced::Off),
    (0xB054, "SSS", Forced::On),
    (0xB055, "Voltsmile", Forced::On),
];

impl Forced {
    /// The product of an id and what is done for it.
    #[must_use]
    pub fn of(id: u16) -> Option<(&'static str, Self)> {
        FORCED.iter().find(|row| row.0 == id).map(|row| (row.1, row.2))
    }
}
