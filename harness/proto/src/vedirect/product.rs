//! Product ids: `PID` of a block, and the product of NMEA 2000.

use core::fmt;

/// A product by its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Product(pub u16);

/// What an instrument is, as far as a reader has to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// battery monitor: a shunt
    Monitor,
    /// solar charger
    Solar,
    /// charger on AC or DC
    Charger,
    /// inverter
    Inverter,
}

impl Family {
    /// In words, such as `solar charger`.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Monitor => "battery monitor",
            Self::Solar => "solar charger",
            Self::Charger => "charger",
            Self::Inverter => "inverter",
        }
    }

    /// The column of the tables of labels and registers that says which quantities it tells.
    pub(super) const fn column(self) -> usize {
        match self {
            Self::Monitor => 0,
            Self::Solar | Self::Charger => 1,
            Self::Inverter => 2,
        }
    }
}

impl Product {
    /// What it is; nothing of an id that is not known, which is no error: there are newer products than this table.
    #[must_use]
    pub fn family(self) -> Option<Family> {
        match self.row() {
            Some((_, _, family)) => Some(*family),
            None if matches!(self.0, 0xA200..=0xA2FF) => Some(Inverter),
            None => None,
        }
    }

    fn row(self) -> Option<&'static (u16, &'static str, Family)> {
        PRODUCTS.binary_search_by_key(&self.0, |row| row.0).ok().map(|found| &PRODUCTS[found])
    }
}

/// Its name; of one that is not known, its id.
impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((_, name, _)) = self.row() {
            return f.write_str(name);
        }
        let found = |table: &[(u16, &'static str)], digit: u16| {
            table.iter().find(|row| row.0 == digit).map(|row| row.1)
        };
        let phoenix = (self.0 >> 8 == 0xA2).then(|| {
            Some((found(PHOENIX_VOLTAGES, self.0 & 0xF)?, found(PHOENIX_POWERS, self.0 >> 4 & 0xF)?))
        });
        match phoenix.flatten() {
            Some((volts, power)) => {
                let ac = if self.0 & 0x8 == 0 { "230V" } else { "120V" };
                write!(f, "Phoenix Inverter {volts} {power} {ac}")
            }
            None => write!(f, "product 0x{:04X}", self.0),
        }
    }
}

/// Of a Phoenix inverter 0xA2xy: y, by the voltage of its battery; from 8 on for 120 V AC.
const PHOENIX_VOLTAGES: &[(u16, &str)] =
    &[(0x1, "12V"), (0x2, "24V"), (0x4, "48V"), (0x9, "12V"), (0xA, "24V"), (0xC, "48V")];
/// And x, by its power.
const PHOENIX_POWERS: &[(u16, &str)] = &[
    (0x0, "250VA"),
    (0x1, "375VA"),
    (0x2, "500VA"),
    (0x3, "250VA"),
    (0x4, "375VA"),
    (0x5, "500VA"),
    (0x6, "800VA"),
    (0x7, "1200VA"),
    (0x8, "1600VA"),
    (0x9, "2000VA"),
    (0xA, "3000VA"),
    (0xB, "5000VA"),
    (0xE, "800VA"),
    (0xF, "1200VA"),
];

use Family::{Charger, Inverter, Monitor, Solar};

/// In the order of their ids.
static PRODUCTS: &[(u16, &str, Family)] = &[
    (0x0200, "BMV-600S", Monitor),
    (0x0201, "BMV-602S", Monitor),
    (0x0202, "BMV-600HS", Monitor),
    (0x0203, "BMV-700", Monitor),
    (0x0204, "BMV-702", Monitor),
    (0x0205, "BMV-700H", Monitor),
    (0x0300, "BlueSolar MPPT 70/15", Solar),
    (0xA040, "BlueSolar MPPT 75/50", Solar),
    (0xA041, "BlueSolar MPPT 150/35", Solar),
    (0xA042, "BlueSolar MPPT 75/15", Solar),
    (0xA043, "BlueSolar MPPT 100/15", Solar),
    (0xA044, "BlueSolar MPPT 100/30", Solar),
    (0xA045, "BlueSolar MPPT 100/50", Solar),
    (0xA046, "BlueSolar MPPT 150/70", Solar),
    (0xA047, "BlueSolar MPPT 150/100", Solar),
    (0xA048, "BlueSolar MPPT 75/50 rev2", Solar),
    (0xA049, "BlueSolar MPPT 100/50 rev2", Solar),
    (0xA04A, "BlueSolar MPPT 100/30 rev2", Solar),
    (0xA04B, "BlueSolar MPPT 150/35 rev2", Solar),
    (0xA04C, "BlueSolar MPPT 75/10", Solar),
    (0xA04D, "BlueSolar MPPT 150/45", Solar),
    (0xA04E, "BlueSolar MPPT 150/60", Solar),
    (0xA04F, "BlueSolar MPPT 150/85", Solar),
    (0xA050, "SmartSolar MPPT 250/100", Solar),
    (0xA051, "SmartSolar MPPT 150/100", Solar),
    (0xA052, "SmartSolar MPPT 150/85", Solar),
    (0xA053, "SmartSolar MPPT 75/15", Solar),
    (0xA054, "SmartSolar MPPT 75/10", Solar),
    (0xA055, "SmartSolar MPPT 100/15", Solar),
    (0xA056, "SmartSolar MPPT 100/30", Solar),
    (0xA057, "SmartSolar MPPT 100/50", Solar),
    (0xA058, "SmartSolar MPPT 150/35", Solar),
    (0xA059, "SmartSolar MPPT 150/100 rev2", Solar),
    (0xA05A, "SmartSolar MPPT 150/85 rev2", Solar),
    (0xA05B, "SmartSolar MPPT 250/70", Solar),
    (0xA05C, "SmartSolar MPPT 250/85", Solar),
    (0xA05D, "SmartSolar MPPT 250/60", Solar),
    (0xA05E, "SmartSolar MPPT 250/45", Solar),
    (0xA05F, "SmartSolar MPPT 100/20", Solar),
    (0xA060, "SmartSolar MPPT 100/20 48V", Solar),
    (0xA061, "SmartSolar MPPT 150/45", Solar),
    (0xA062, "SmartSolar MPPT 150/60", Solar),
    (0xA063, "SmartSolar MPPT 150/70", Solar),
    (0xA064, "SmartSolar MPPT 250/85 rev2", Solar),
    (0xA065, "SmartSolar MPPT 250/100 rev2", Solar),
    (0xA066, "BlueSolar MPPT 100/20", Solar),
    (0xA067, "BlueSolar MPPT 100/20 48V", Solar),
    (0xA068, "SmartSolar MPPT 250/60 rev2", Solar),
    (0xA069, "SmartSolar MPPT 250/70 rev2", Solar),
    (0xA06A, "SmartSolar MPPT 150/45 rev2", Solar),
    (0xA06B, "SmartSolar MPPT 150/60 rev2", Solar),
    (0xA06C, "SmartSolar MPPT 150/70 rev2", Solar),
    (0xA06D, "SmartSolar MPPT 150/85 rev3", Solar),
    (0xA06E, "SmartSolar MPPT 150/100 rev3", Solar),
    (0xA06F, "BlueSolar MPPT 150/45 rev2", Solar),
    (0xA070, "BlueSolar MPPT 150/60 rev2", Solar),
    (0xA071, "BlueSolar MPPT 150/70 rev2", Solar),
    (0xA072, "BlueSolar MPPT 150/45 rev3", Solar),
    (0xA073, "SmartSolar MPPT 150/45 rev3", Solar),
    (0xA074, "SmartSolar MPPT 75/10 rev2", Solar),
    (0xA075, "SmartSolar MPPT 75/15 rev2", Solar),
    (0xA076, "BlueSolar MPPT 100/30 rev3", Solar),
    (0xA077, "BlueSolar MPPT 100/50 rev3", Solar),
    (0xA078, "BlueSolar MPPT 150/35 rev3", Solar),
    (0xA079, "BlueSolar MPPT 75/10 rev2", Solar),
    (0xA07A, "BlueSolar MPPT 75/15 rev2", Solar),
    (0xA07B, "BlueSolar MPPT 100/15 rev2", Solar),
    (0xA07C, "BlueSolar MPPT 75/10 rev3", Solar),
    (0xA07D, "BlueSolar MPPT 75/15 rev3", Solar),
    (0xA07E, "SmartSolar MPPT 100/30 12V", Solar),
    (0xA07F, "SmartSolar MPPT all-in-1 75/15", Solar),
    (0xA102, "SmartSolar MPPT VE.Can 150/70", Solar),
    (0xA103, "SmartSolar MPPT VE.Can 150/45", Solar),
    (0xA104, "SmartSolar MPPT VE.Can 150/60", Solar),
    (0xA105, "SmartSolar MPPT VE.Can 150/85", Solar),
    (0xA106, "SmartSolar MPPT VE.Can 150/100", Solar),
    (0xA107, "SmartSolar MPPT VE.Can 250/45", Solar),
    (0xA108, "SmartSolar MPPT VE.Can 250/60", Solar),
    (0xA109, "SmartSolar MPPT VE.Can 250/70", Solar),
    (0xA10A, "SmartSolar MPPT VE.Can 250/85", Solar),
    (0xA10B, "SmartSolar MPPT VE.Can 250/100", Solar),
    (0xA10C, "SmartSolar MPPT VE.Can 150/70 rev2", Solar),
    (0xA10D, "SmartSolar MPPT VE.Can 150/85 rev2", Solar),
    (0xA10E, "SmartSolar MPPT VE.Can 150/100 rev2", Solar),
    (0xA10F, "BlueSolar MPPT VE.Can 150/100", Solar),
    (0xA110, "SmartSolar MPPT RS 450/100", Solar),
    (0xA111, "SmartSolar MPPT RS 450/200", Solar),
    (0xA112, "SmartSolar MPPT VE.Can 250", Solar),
    (0xA113, "SmartSolar MPPT VE.Can 250", Solar),
    (0xA114, "SmartSolar MPPT VE.Can 250", Solar),
    (0xA115, "SmartSolar MPPT VE.Can 250", Solar),
    (0xA116, "SmartSolar MPPT VE.Can 250", Solar),
    (0xA117, "SmartSolar MPPT VE.Can 250", Solar),
    (0xA30A, "Blue Smart IP65 Charger 12/25", Charger),
    (0xA340, "Phoenix Smart IP43 Charger 12/50 (1+1)", Charger),
    (0xA341, "Phoenix Smart IP43 Charger 12/50 (3)", Charger),
    (0xA342, "Phoenix Smart IP43 Charger 24/25 (1+1)", Charger),
    (0xA343, "Phoenix Smart IP43 Charger 24/25 (3)", Charger),
    (0xA344, "Phoenix Smart IP43 Charger 12/30 (1+1)", Charger),
    (0xA345, "Phoenix Smart IP43 Charger 12/30 (3)", Charger),
    (0xA346, "Phoenix Smart IP43 Charger 24/16 (1+1)", Charger),
    (0xA347, "Phoenix Smart IP43 Charger 24/16 (3)", Charger),
    (0xA381, "BMV-712 Smart", Monitor),
    (0xA382, "BMV-710H Smart", Monitor),
    (0xA383, "BMV-712 Smart rev2", Monitor),
    (0xA389, "SmartShunt 500A", Monitor),
    (0xA38A, "SmartShunt 1000A", Monitor),
    (0xA38B, "SmartShunt 2000A", Monitor),
    (0xA442, "Multi RS Solar 48V/6000VA 230V", Inverter),
    (0xC038, "SmartShunt 300A", Monitor),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_in_order_and_named() {
        assert!(PRODUCTS.windows(2).all(|pair| pair[0].0 < pair[1].0));
        let named = |id| Product(id).to_string();
        assert_eq!(named(0x203), "BMV-700");
        assert_eq!(named(0xA06C), "SmartSolar MPPT 150/70 rev2");
        assert_eq!(named(0xA279), "Phoenix Inverter 12V 1200VA 120V");
        assert_eq!(named(0xA241), "Phoenix Inverter 12V 375VA 230V");
        assert_eq!(named(0xBEEF), "product 0xBEEF");
        assert_eq!(Product(0xA2B1).family(), Some(Inverter));
        assert_eq!(Product(0xA389).family(), Some(Monitor));
        assert_eq!(Product(0xBEEF).family(), None);
    }
}
