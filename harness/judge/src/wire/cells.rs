//! CEL-01, CEL-02 and MOD-01: cells and modules (P 2 §0x372, §0x373).

use proto::message::{Cells, Measurements, Modules};

use super::Terms;
use super::seen::{Range, Spot, Tally};
use crate::verdict::{Evidence, Opinion};

#[derive(Debug, Clone, Default)]
pub(crate) struct CellFacts {
    frames: Tally,
    with_voltage: u64,
    crossed: Tally,
    crossed_temperature: Tally,
    odd_voltage: Tally,
    odd_temperature: Tally,
    voltages: Range,
    /// raw, in what should be kelvin
    temperatures: Range,
    pack: Option<f64>,
    last: Option<(f64, f64)>,
    /// pack voltage over lowest and over highest cell: the number of cells lies between
    most_cells: Range,
    least_cells: Range,
    compared: u64,
    sums: (f64, f64, f64),
    modules: Tally,
    bad_modules: Tally,
    offline: Range,
    total: Range,
}

impl CellFacts {
    #[inline]
    pub(super) fn cells(&mut self, spot: Spot, m: &Cells) {
        self.frames.hit(spot);
        if let (Some(low), Some(high)) = (m.min_cell(), m.max_cell()) {
            self.with_voltage += 1;
            self.crossed.hit_if(low > high, spot);
            // Lithium cells of any chemistry, empty to abused.
            self.odd_voltage.hit_if(low.0 < 1.0 || high.0 > 5.0, spot);
            self.voltages.take(low.0, spot);
            self.voltages.take(high.0, spot);
            self.last = Some((low.0, high.0));
            self.compare(spot);
        }
        let present = |raw: Option<u16>| raw.filter(|&r| r != 0 && r != 0xFFFF);
        let temperatures = (present(m.min_temperature), present(m.max_temperature));
        for raw in [temperatures.0, temperatures.1].into_iter().flatten() {
            self.temperatures.take(f64::from(raw), spot);
            // −50 to 90 °C.
            self.odd_temperature.hit_if(!(223..=363).contains(&raw), spot);
        }
        if let (Some(low), Some(high)) = temperatures {
            self.crossed_temperature.hit_if(low > high, spot);
        }
    }

    #[inline]
    pub(super) fn measured(&mut self, m: &Measurements) {
        self.pack = m.voltage().map(|v| v.0).filter(|&v| v > 5.0);
    }

    #[inline]
    fn compare(&mut self, spot: Spot) {
        let (Some((low, high)), Some(pack)) = (self.last, self.pack) else { return };
        if low < 1.0 || high < low {
            return;
        }
        self.compared += 1;
        self.sums = (self.sums.0 + pack, self.sums.1 + low, self.sums.2 + high);
        self.most_cells.take(pack / low, spot);
        self.least_cells.take(pack / high, spot);
    }

    #[inline]
    pub(super) fn modules(&mut self, spot: Spot, m: &Modules) {
        self.modules.hit(spot);
        let (ok, offline) = (m.ok(), m.offline());
        let total = ok.map(|ok| u32::from(ok) + u32::from(offline.unwrap_or(0)));
        let blocking = [m.blocking_charge(), m.blocking_discharge()];
        let too_many = total.is_some_and(|total| blocking.iter().flatten().any(|&b| u32::from(b) > total));
        self.bad_modules.hit_if(too_many || total == Some(0), spot);
        if let Some(total) = total {
            self.total.take(f64::from(total), spot);
        }
        if let Some(offline) = offline {
            self.offline.take(f64::from(offline), spot);
        }
    }

    /// CEL-01.
    pub(crate) fn are_in_order(&self, opinion: &mut Opinion) {
        if !self.frames.any() {
            opinion.absent("0x373 is not sent");
            return;
        }
        opinion.show_all([
            self.voltages.evidence("cell voltages", "V"),
            self.temperatures.evidence("cell temperatures, raw", ""),
        ]);
        if self.crossed.any() {
            opinion.show(self.crossed.evidence("lowest cell voltage above the highest").against("none"));
            opinion.fail(format!("the lowest cell voltage is above the highest, {}", self.crossed.place()));
        }
        if self.crossed_temperature.any() {
            opinion.show(
                self.crossed_temperature
                    .evidence("lowest cell temperature above the highest")
                    .against("none"),
            );
            opinion.fail(format!(
                "the lowest cell temperature is above the highest, {}",
                self.crossed_temperature.place()
            ));
        }
        if self.odd_voltage.any() {
            opinion.show(self.odd_voltage.evidence("cell voltages outside 1 to 5 V").against("none"));
            opinion
                .fail(format!("cell voltages are no voltages of a cell in mV, {}", self.odd_voltage.place()));
        }
        if self.odd_temperature.any() {
            let (low, high) = self.temperatures.bounds().unwrap_or_default();
            let guess = match () {
                () if high < 120.0 => "they look like degrees Celsius",
                () if low > 2230.0 && high < 3640.0 => "they look like tenths of a kelvin",
                () => "they are no temperature of a battery",
            };
            opinion.show(
                self.odd_temperature.evidence("cell temperatures outside 223 to 363 K").against("none"),
            );
            opinion.fail(format!(
                "cell temperatures must be in kelvin, but are {low} to {high}: {guess}, {}",
                self.odd_temperature.place()
            ));
        }
        if self.voltages.bounds().is_some() || self.temperatures.bounds().is_some() {
            opinion.pass("lowest and highest cell values are in order");
        } else {
            opinion.absent("0x373 carries no supported field");
        }
    }

    /// CEL-02: pack voltage ≈ cells × the voltage between lowest and highest cell.
    pub(crate) fn agree_with_the_pack(&self, terms: &Terms<'_>, opinion: &mut Opinion) {
        if self.with_voltage == 0 {
            opinion.absent("0x373 carries no cell voltages");
            return;
        }
        if self.compared < 10 {
            opinion.unclear("cell voltages and pack voltage were not seen together ten times");
            return;
        }
        let n = self.compared as f64;
        let (pack, low, high) = (self.sums.0 / n, self.sums.1 / n, self.sums.2 / n);
        // 0.5 % for the calibration of both.
        let (least, most) = (pack / high * 0.995, pack / low * 1.005);
        let cells = terms.bounds().map(|bounds| f64::from(bounds.cells));
        let fits = match cells {
            Some(cells) => (least..=most).contains(&cells),
            None => least.ceil() <= most,
        };
        opinion.show(
            Evidence::fact(
                "mean pack voltage over highest and lowest cell",
                format!("{:.2} to {:.2} cells", pack / high, pack / low),
            )
            .against(cells.map_or_else(|| "a whole number".to_owned(), |c| format!("{c} cells"))),
        );
        if fits {
            let number = cells.unwrap_or_else(|| least.ceil());
            opinion.pass(format!("{pack:.2} V fit {number} cells of {low:.3} to {high:.3} V"));
        } else {
            opinion.fail(format!(
                "a pack of {pack:.2} V does not consist of {} cells between {low:.3} and {high:.3} V",
                cells.map_or_else(|| "any whole number of".to_owned(), |c| c.to_string())
            ));
        }
    }

    /// MOD-01.
    pub(crate) fn counts_modules(&self, opinion: &mut Opinion) {
        if !self.modules.any() {
            opinion.absent("0x372 is not sent");
            return;
        }
        opinion.show_all([
            self.total.evidence("modules OK and offline", ""),
            self.offline.evidence("modules offline", ""),
        ]);
        if self.bad_modules.any() {
            opinion.show(self.bad_modules.evidence("counts that do not add up").against("none"));
            opinion.fail(format!(
                "0x372: more modules block than there are, or there are none, {}; an unsupported field is 0xFFFF",
                self.bad_modules.place()
            ));
        } else if self.total.bounds().is_some() {
            opinion.pass("the module counts add up");
        } else {
            opinion.absent("0x372 supports no count of modules");
        }
    }
}
