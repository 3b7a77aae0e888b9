//! What the GX corrects of some makes before it acts on 0x351 (Venus OS dbus-systemcalc-py v2.256, by product).

use proto::quantity::{AmpHours, Amps, Percent, Volts};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Limits;

/// A make whose limits are corrected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Quirk {
    /// LG: room for 0.4 V above
    Lg,
    /// Pylontech of 15 cells (48 V) or 8 cells (24 V)
    Pylontech,
    /// BYD: charge goes on at CCL = 0
    Byd,
    /// Pylontech Pelio, 16 cells
    Pelio,
    /// Lynx Smart BMS: CCL = 0 stops every charger, a new CVL goes out at once
    Lynx,
}

/// Makes by what they send as manufacturer (0x35E) and as name (0x370), first match counts. The driver that knows the
/// product from these texts is not public: the texts are assumptions.
pub const MAKES: &[(&str, &str, Quirk)] = &[
    ("PYLON", "PELIO", Quirk::Pelio),
    ("PYLON", "", Quirk::Pylontech),
    ("BYD", "", Quirk::Byd),
    ("LG", "", Quirk::Lg),
    ("LYNX", "", Quirk::Lynx),
];

/// What the corrections look at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reported {
    /// 0x351
    pub limits: Limits,
    /// 0x35F, absent when not sent
    pub capacity: Option<AmpHours>,
    /// 0x356
    pub voltage: Option<Volts>,
    /// 0x373
    pub min_cell: Option<Volts>,
    /// see there
    pub max_cell: Option<Volts>,
}

impl Quirk {
    /// The make of a battery that calls itself so; capitals or not are the same.
    #[must_use]
    pub fn of(manufacturer: &[u8], name: &[u8]) -> Option<Self> {
        let begins = |text: &[u8], with: &str| {
            text.get(..with.len()).is_some_and(|head| head.eq_ignore_ascii_case(with.as_bytes()))
        };
        MAKES
            .iter()
            .find(|(maker, product, _)| begins(manufacturer, maker) && begins(name, product))
            .map(|m| m.2)
    }

    /// CCL = 0 stops every charger, whatever the inverter draws.
    #[must_use]
    pub fn stops_at_zero(self) -> bool {
        self == Self::Lynx
    }

    /// A new CVL goes out at once, not with the next control action.
    #[must_use]
    pub fn is_quick(self) -> bool {
        self == Self::Lynx
    }
}

/// Corrects limits, with the memory that a filter needs.
#[derive(Debug, Clone, Copy)]
pub struct Corrector {
    filtered: Volts,
}

impl Default for Corrector {
    /// The filter begins at 52.5 V.
    fn default() -> Self {
        Self { filtered: Volts(52.5) }
    }
}

/// CCL below this counts as 0.
const NO_CHARGE: Amps = Amps(0.1);
/// Share of a new voltage that the filter takes in with each control action.
const TAKEN_IN: Percent = Percent(5.0);

impl Corrector {
    /// The limits that a control action works with; called once for each.
    pub fn correct(&mut self, quirk: Option<Quirk>, reported: &Reported) -> Limits {
        let Limits { cvl, ccl, dcl } = reported.limits;
        let (cvl, ccl) = match quirk {
            None | Some(Quirk::Lynx) => (cvl, ccl),
            Some(Quirk::Lg) => (cvl.min(Volts(57.3)), ccl),
            Some(Quirk::Byd) if ccl <= Amps::ZERO => (cvl.min(Volts(55.0)), Amps(40.0)),
            Some(Quirk::Byd) => (cvl, ccl),
            Some(Quirk::Pelio) => {
                let most = if ccl < NO_CHARGE { Volts(55.2) } else { Volts(56.0) };
                (cvl.min(most), ccl.max(share(reported.capacity, AmpHours(100.0), 5.0)))
            }
            Some(Quirk::Pylontech) => (self.pylontech(reported), pylontech_current(reported)),
        };
        Limits { cvl, ccl, dcl }
    }

    /// Above 54 V it has 16 cells and is left alone, at 20 V and below it is not known.
    fn pylontech(&mut self, reported: &Reported) -> Volts {
        let Limits { cvl, ccl, .. } = reported.limits;
        if cvl > Volts(54.0) || cvl <= Volts(20.0) {
            return cvl;
        }
        if cvl < Volts(30.0) {
            return cvl.min(if ccl < NO_CHARGE { Volts(27.6) } else { Volts(27.8) });
        }
        let (Some(voltage), Some(low), Some(high)) = (reported.voltage, reported.min_cell, reported.max_cell)
        else {
            return cvl.min(Volts(52.4));
        };
        let aim = aim(voltage.0, low.0, high.0).clamp(47.0, 52.8);
        self.filtered = self.filtered + Volts(aim - self.filtered.0) * (TAKEN_IN.0 / 100.0);
        Volts((self.filtered.0 * 100.0).round() / 100.0)
    }
}

/// The voltage at which the highest of 15 cells is at 3.52 V, if all move together; less where cells are skewed high.
fn aim(voltage: f64, low: f64, high: f64) -> f64 {
    let spread = (high - low).max(0.0);
    let skew = if spread > 0.0 { ((voltage / 15.0 - spread / 2.0) / spread).clamp(-0.5, 0.5) } else { 0.0 };
    voltage + 16.0 * (3.52 - high) - skew * spread
}

/// A quarter of the capacity at least; one module where the capacity is not known.
fn pylontech_current(reported: &Reported) -> Amps {
    let Limits { cvl, ccl, .. } = reported.limits;
    if cvl > Volts(55.0) || cvl <= Volts(20.0) {
        return ccl;
    }
    let module = if cvl < Volts(30.0) { AmpHours(55.0) } else { AmpHours(25.0) };
    ccl.max(share(reported.capacity, module, 4.0))
}

/// The current that takes so many hours for the capacity, in whole amperes, halves to the even one as Python rounds.
fn share(capacity: Option<AmpHours>, otherwise: AmpHours, hours: f64) -> Amps {
    let capacity = capacity.filter(|c| *c > AmpHours::ZERO).unwrap_or(otherwise);
    Amps((capacity.0 / hours).round_ties_even())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn reported(cvl: f64, ccl: f64, capacity: Option<f64>) -> Reported {
        Reported {
            limits: Limits { cvl: Volts(cvl), ccl: Amps(ccl), dcl: Amps(90.0) },
            capacity: capacity.map(AmpHours),
            voltage: None,
            min_cell: None,
            max_cell: None,
        }
    }

    #[rstest]
    #[case::others_are_left_alone(None, 58.4, 0.0, None, 58.4, 0.0)]
    #[case::lg_at_most(Some(Quirk::Lg), 57.7, 50.0, None, 57.3, 50.0)]
    #[case::lg_below(Some(Quirk::Lg), 56.0, 50.0, None, 56.0, 50.0)]
    #[case::byd(Some(Quirk::Byd), 58.4, 25.0, None, 58.4, 25.0)]
    #[case::byd_without_charge(Some(Quirk::Byd), 58.4, 0.0, None, 55.0, 40.0)]
    #[case::byd_without_charge_and_low(Some(Quirk::Byd), 54.0, 0.0, None, 54.0, 40.0)]
    #[case::pelio(Some(Quirk::Pelio), 57.6, 50.0, Some(100.0), 56.0, 50.0)]
    #[case::pelio_without_charge(Some(Quirk::Pelio), 57.6, 0.0, Some(200.0), 55.2, 40.0)]
    #[case::pelio_of_unknown_size(Some(Quirk::Pelio), 57.6, 0.0, None, 55.2, 20.0)]
    #[case::pylontech_24(Some(Quirk::Pylontech), 28.4, 10.0, Some(110.0), 27.8, 28.0)]
    #[case::pylontech_24_without_charge(Some(Quirk::Pylontech), 28.4, 0.0, None, 27.6, 14.0)]
    #[case::pylontech_48_without_cells(Some(Quirk::Pylontech), 53.2, 0.0, Some(50.0), 52.4, 12.0)]
    #[case::pylontech_48_of_unknown_size(Some(Quirk::Pylontech), 52.0, 0.0, Some(0.0), 52.0, 6.0)]
    #[case::pylontech_of_16_cells(Some(Quirk::Pylontech), 56.5, 0.0, Some(50.0), 56.5, 0.0)]
    #[case::pylontech_between_the_borders(Some(Quirk::Pylontech), 54.5, 0.0, Some(50.0), 54.5, 12.0)]
    #[case::pylontech_of_12_volts(Some(Quirk::Pylontech), 14.2, 0.0, Some(50.0), 14.2, 0.0)]
    #[case::lynx(Some(Quirk::Lynx), 56.8, 0.0, None, 56.8, 0.0)]
    fn limits(
        #[case] quirk: Option<Quirk>,
        #[case] cvl: f64,
        #[case] ccl: f64,
        #[case] capacity: Option<f64>,
        #[case] used_cvl: f64,
        #[case] used_ccl: f64,
    ) {
        let used = Corrector::default().correct(quirk, &reported(cvl, ccl, capacity));
        assert_eq!(used, Limits { cvl: Volts(used_cvl), ccl: Amps(used_ccl), dcl: Amps(90.0) });
    }

    /// 15 cells at rest, the highest at 3.52 V: the filter goes from 52.5 V towards the voltage there is.
    #[rstest]
    #[case::even_cells(52.8, 3.52, 3.52, 52.8)]
    #[case::never_above_52_8(52.0, 3.40, 3.40, 52.8)]
    #[case::one_high_cell(52.0, 3.46, 3.58, 50.98)]
    #[case::never_below_47(46.0, 3.0, 3.9, 47.0)]
    fn the_filter_of_15_cells(#[case] pack: f64, #[case] low: f64, #[case] high: f64, #[case] aim: f64) {
        let seen = Reported {
            voltage: Some(Volts(pack)),
            min_cell: Some(Volts(low)),
            max_cell: Some(Volts(high)),
            ..reported(53.2, 37.0, Some(50.0))
        };
        let mut corrector = Corrector::default();
        let first = corrector.correct(Some(Quirk::Pylontech), &seen).cvl;
        assert!((first.0 - (52.5 + 0.05 * (aim - 52.5))).abs() < 0.006, "{first}");
        for _ in 0..300 {
            corrector.correct(Some(Quirk::Pylontech), &seen);
        }
        let last = corrector.correct(Some(Quirk::Pylontech), &seen).cvl;
        assert!((last.0 - aim).abs() < 0.011, "{last} for {aim}");
    }

    #[rstest]
    #[case("PYLON   ", "", Some(Quirk::Pylontech))]
    #[case("PYLON", "Pelio-L", Some(Quirk::Pelio))]
    #[case("BYD", "", Some(Quirk::Byd))]
    #[case("LGC", "", Some(Quirk::Lg))]
    #[case("Lynx", "", Some(Quirk::Lynx))]
    #[case("BusbarLF", "BusbarLF", None)]
    #[case("", "BYD", None)]
    #[case("PY", "", None)]
    fn known_by_their_names(#[case] maker: &str, #[case] name: &str, #[case] quirk: Option<Quirk>) {
        assert_eq!(Quirk::of(maker.as_bytes(), name.as_bytes()), quirk);
        assert_eq!(quirk.is_some_and(Quirk::is_quick), quirk.is_some_and(Quirk::stops_at_zero));
    }
}
