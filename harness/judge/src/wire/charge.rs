//! SOC-01, SOC-02, MEA-02, FRC-01 and ENE-01: state of charge, measurements, forced charge and energy (P 2 §0x355,
//! §0x356, §0x360, §0x378).

use proto::message::{Energy, ForceCharge, Measurements, StateOfCharge};
use proto::quantity::Micros;

use super::Terms;
use super::seen::{Range, Spot, Tally};
use crate::thresholds::fixed::{
    ABOVE_DISCONNECT, ENERGY_SEEN, ENERGY_SHARE, ENERGY_STEP, FORCED_HIGH, FORCED_LOW, LARGEST_CURRENT,
};
use crate::verdict::{Evidence, Opinion};

#[derive(Debug, Clone, Default)]
pub(crate) struct Charge {
    soc: Range,
    soh: Range,
    out_of_range: Tally,
    fine: Tally,
    fine_differs: Tally,
    last_soc: Option<u16>,
    voltage: Range,
    current: Range,
    temperature: Range,
    no_voltage: Tally,
    glitches: Tally,
    /// the last two voltages
    recent: (Option<Sample>, Option<Sample>),
    kelvin: Tally,
    odd_temperature: Tally,
    force: Tally,
    forced: Tally,
    forced_high: Tally,
    forced_middle: Tally,
    energy: Tally,
    counters: [Counter; 2],
    last_measured: Option<(Micros, f64)>,
}

/// One energy counter of 0x378, and the energy that was measured since its first frame.
#[derive(Debug, Clone, Copy, Default)]
struct Counter {
    last: Option<u32>,
    counted: u64,
    fell: Tally,
    restarted: Tally,
    measured_wh: f64,
}

impl Counter {
    #[inline]
    fn take(&mut self, raw: Option<u32>, spot: Spot) {
        let Some(now) = raw else { return };
        if let Some(before) = self.last {
            let step = now.wrapping_sub(before);
            if step < 0x8000_0000 {
                self.counted += u64::from(step);
            } else if now < 10 {
                // *"An acceptable compromise is to restart at zero."*
                self.restarted.hit(spot);
            } else {
                self.fell.hit(spot);
            }
            // *"The counter should roll over to zero"*, not beyond: a jump of this size is neither.
            self.fell.hit_if((1 << 20..0x8000_0000).contains(&step), spot);
        }
        self.last = Some(now);
    }
}

/// One 0x356.
#[derive(Debug, Clone, Copy)]
struct Sample {
    voltage: f64,
    current: f64,
    spot: Spot,
}

impl Sample {
    /// Whether it differs by 5 % from both its neighbours, which agree, and no step of current explains it: a load
    /// pulls the voltage down, a charge lifts it.
    fn is_glitch(&self, before: &Self, after: &Self) -> bool {
        let odd = |x: f64, y: f64| (x - y).abs() > 0.05 * y.abs();
        let step = self.current - (before.current + after.current) / 2.0;
        let explained = step.abs() > 5.0 && step * (self.voltage - before.voltage) > 0.0;
        odd(self.voltage, before.voltage)
            && odd(self.voltage, after.voltage)
            && !odd(before.voltage, after.voltage)
            && !explained
    }
}

impl Charge {
    #[inline]
    pub(super) fn state(&mut self, spot: Spot, m: &StateOfCharge) {
        if let Some(soc) = m.soc {
            self.soc.take(f64::from(soc), spot);
            self.out_of_range.hit_if(soc > 100, spot);
            self.last_soc = Some(soc);
        }
        if let Some(soh) = m.soh {
            self.soh.take(f64::from(soh), spot);
            self.out_of_range.hit_if(soh > 100, spot);
        }
        // Zero beside a state of charge that is not means that the field is not used.
        if let (Some(soc), Some(fine)) = (m.soc, m.high_res_soc)
            && (fine != 0 || soc == 0)
        {
            self.fine.hit(spot);
            self.fine_differs.hit_if((f64::from(fine) / 100.0 - f64::from(soc)).abs() > 1.0, spot);
        }
    }

    #[inline]
    pub(super) fn measured(&mut self, spot: Spot, m: &Measurements) {
        if let Some(voltage) = m.voltage().map(|v| v.0) {
            self.voltage.take(voltage, spot);
            self.no_voltage.hit_if(voltage < 5.0, spot);
            let now = Sample { voltage, current: m.current().map_or(0.0, |i| i.0), spot };
            if let (Some(before), Some(middle)) = self.recent
                && middle.is_glitch(&before, &now)
            {
                self.glitches.hit(middle.spot);
            }
            self.recent = (self.recent.1, Some(now));
            if let Some(current) = m.current().map(|i| i.0) {
                self.current.take(current, spot);
                self.integrate(spot.at, voltage * current);
            }
        }
        if let Some(t) = m.temperature().map(|t| t.0) {
            self.temperature.take(t, spot);
            self.kelvin.hit_if((233.0..=363.0).contains(&t), spot);
            self.odd_temperature.hit_if(!(-40.0..=90.0).contains(&t), spot);
        }
    }

    #[inline]
    fn integrate(&mut self, at: Micros, watts: f64) {
        if let Some((since, before)) = self.last_measured.replace((at, watts)) {
            let hours = at.since(since).secs() / 3600.0;
            // Across a hole in the log nothing is known.
            if hours < 10.0 / 3600.0 && self.energy.any() {
                let wh = before * hours;
                self.counters[usize::from(wh < 0.0)].measured_wh += wh.abs();
            }
        }
    }

    #[inline]
    pub(super) fn force(&mut self, spot: Spot, m: &ForceCharge) {
        self.force.hit(spot);
        if m.forced == Some(0xFF) {
            self.forced.hit(spot);
            let soc = self.last_soc.unwrap_or(0);
            self.forced_high.hit_if(soc >= FORCED_HIGH, spot);
            self.forced_middle.hit_if((FORCED_LOW..FORCED_HIGH).contains(&soc), spot);
        }
    }

    #[inline]
    pub(super) fn energy(&mut self, spot: Spot, m: &Energy) {
        self.energy.hit(spot);
        self.counters[0].take(m.energy_in, spot);
        self.counters[1].take(m.energy_out, spot);
    }

    /// SOC-01.
    pub(crate) fn is_within_range(&self, opinion: &mut Opinion) {
        opinion
            .show_all([self.soc.evidence("state of charge", "%"), self.soh.evidence("state of health", "%")]);
        if self.out_of_range.any() {
            opinion.show(self.out_of_range.evidence("values above 100 %").against("none"));
            opinion.fail(format!(
                "state of charge or health is above 100 %, {}: wrong scale?",
                self.out_of_range.place()
            ));
        } else if let Some((low, high)) = self.soc.bounds() {
            opinion.pass(format!("state of charge is {low} to {high} %"));
        } else {
            opinion.unclear("0x355 was not seen");
        }
    }

    /// SOC-02.
    pub(crate) fn resolutions_agree(&self, opinion: &mut Opinion) {
        if !self.fine.any() {
            opinion.absent("the high-resolution state of charge is not used");
        } else if self.fine_differs.any() {
            opinion
                .show(self.fine_differs.evidence("high resolution differs by more than 1 %").against("none"));
            opinion.fail(format!(
                "the high-resolution state of charge differs from the whole per cent by more than 1 %, {}: its step is 0.01 %",
                self.fine_differs.place()
            ));
        } else {
            opinion.pass(format!("both agree within 1 % in {} frames", self.fine.count));
        }
    }

    /// MEA-02.
    pub(crate) fn measures_plausibly(&self, terms: &Terms<'_>, opinion: &mut Opinion) {
        opinion.show_all([
            self.voltage.evidence("battery voltage", "V"),
            self.current.evidence("battery current", "A"),
            self.temperature.evidence("battery temperature", "°C"),
        ]);
        let Some((low, high)) = self.voltage.bounds() else {
            opinion.unclear("0x356 was not seen");
            return;
        };
        if self.no_voltage.any() {
            opinion.show(self.no_voltage.evidence("battery voltage below 5 V").against("none"));
            opinion.fail(format!("the battery voltage is {low} V, {}", self.no_voltage.place()));
        }
        if self.glitches.any() {
            opinion.show(self.glitches.evidence("single frames off by more than 5 %").against("none"));
            opinion.fail(format!(
                "single frames jump by more than 5 % and back, with no step of current to explain it, {}",
                self.glitches.place()
            ));
        }
        let bounds = terms.bounds();
        let declared = bounds.as_ref().and_then(|bounds| bounds.max_current);
        if declared.is_none()
            && let Some((least, greatest)) = self.current.bounds()
            && least.abs().max(greatest.abs()) > LARGEST_CURRENT
        {
            let spot = if greatest > -least { self.current.highest() } else { self.current.lowest() };
            opinion.show(
                Evidence::fact("battery current", format!("{least} to {greatest} A"))
                    .against(format!("≤ {LARGEST_CURRENT} A"))
                    .in_frame(spot),
            );
            opinion.fail(format!(
                "the battery current is {least} to {greatest} A: garbage, or a sign that was taken for a number?"
            ));
        }
        if let Some(bounds) = bounds {
            let most = ABOVE_DISCONNECT * f64::from(bounds.cells) * bounds.cell_over_voltage.0;
            if high > most {
                opinion.prove(
                    Evidence::fact("highest battery voltage", format!("{high} V"))
                        .against(format!("≤ {most:.1} V"))
                        .in_frame(self.voltage.highest()),
                );
                opinion.fail(format!(
                    "the battery voltage reaches {high} V, {} cells that are disconnected at {} cannot",
                    bounds.cells, bounds.cell_over_voltage
                ));
            }
        }
        if let Some(declared) = declared {
            let largest = 5.0 * declared.0;
            if let Some((least, greatest)) = self.current.bounds()
                && least.abs().max(greatest.abs()) > largest.max(1000.0)
            {
                let spot = if greatest > -least { self.current.highest() } else { self.current.lowest() };
                opinion.show(
                    Evidence::fact("battery current", format!("{least} to {greatest} A"))
                        .against(format!("≤ {} A", largest.max(1000.0)))
                        .in_frame(spot),
                );
                opinion.fail(format!(
                    "the battery current is {least} to {greatest} A, far beyond what it declares"
                ));
            }
        }
        if self.kelvin.any() {
            opinion.show(self.kelvin.evidence("temperatures that look like kelvin").against("none"));
            opinion.fail(format!("the temperature is in kelvin, not in °C, {}", self.kelvin.place()));
        } else if self.odd_temperature.any() {
            let (cold, hot) = self.temperature.bounds().unwrap_or_default();
            opinion.show(self.odd_temperature.evidence("temperatures outside −40 to 90 °C").against("none"));
            opinion.fail(format!(
                "the temperature is {cold} to {hot} °C, {}: garbage at start-up, or kelvin converted twice?",
                self.odd_temperature.place()
            ));
        }
        opinion.pass(format!("voltage is {low} to {high} V; current and temperature are plausible"));
    }

    /// FRC-01: *"To force charging of the battery, send 0xFF in the first byte. Any other value indicates that battery
    /// charging should not be forced"*.
    pub(crate) fn forces_charge_rightly(&self, opinion: &mut Opinion) {
        if !self.force.any() {
            opinion.absent("0x360 is not sent");
            return;
        }
        opinion.show(Evidence::fact(
            "frames that force charge",
            format!("{} of {}", self.forced.count, self.force.count),
        ));
        if self.forced_high.any() {
            let what = format!("forced at {FORCED_HIGH} % charge or more");
            opinion.show(self.forced_high.evidence(&what).against("none"));
            opinion.fail(format!("charge is {what}, {}", self.forced_high.place()));
        } else if self.forced_middle.any() {
            opinion.unclear(format!(
                "charge is forced between {FORCED_LOW} and {FORCED_HIGH} % charge: whether after a long low period does not show"
            ));
        } else if self.forced.any() {
            opinion.pass("charge is forced at low charge only");
        } else {
            opinion.pass("charge is not forced");
        }
    }

    /// What the counters counted since they were first heard, charged and discharged, Wh; nothing where they are not sent.
    pub(crate) fn energies(&self) -> Option<[f64; 2]> {
        self.energy.any().then(|| self.counters.each_ref().map(|counter| counter.counted as f64 * 100.0))
    }

    /// ENE-01: counters of 100 Wh that only rise, and agree with what was measured.
    pub(crate) fn counts_energy(&self, terms: &Terms<'_>, opinion: &mut Opinion) {
        if !self.energy.any() {
            opinion.absent("0x378 is not sent");
            return;
        }
        let mut compared = false;
        for (counter, name) in self.counters.iter().zip(["energy in", "energy out"]) {
            let counted = counter.counted as f64 * 100.0;
            opinion.show(
                Evidence::fact(format!("{name}: counted"), format!("{:.1} kWh", counted / 1000.0))
                    .against(format!("{:.1} kWh measured", counter.measured_wh / 1000.0)),
            );
            if counter.fell.any() {
                opinion.show(counter.fell.evidence(&format!("{name} falls or jumps")).against("none"));
                opinion.fail(format!(
                    "{name} falls or jumps, {}: it may only rise, and roll over to zero",
                    counter.fell.place()
                ));
            }
            if counter.restarted.any() {
                opinion.show(counter.restarted.evidence(&format!("{name} restarts at zero")));
                continue;
            }
            if counter.measured_wh >= ENERGY_SEEN && terms.is_timed() {
                compared = true;
                if (counted - counter.measured_wh).abs()
                    > ENERGY_STEP + ENERGY_SHARE / 100.0 * counter.measured_wh
                {
                    opinion.fail(format!(
                        "{name} counted {:.1} kWh while {:.1} kWh were measured",
                        counted / 1000.0,
                        counter.measured_wh / 1000.0
                    ));
                }
            }
        }
        if compared {
            opinion.pass("the energy counters rise as the measured energy does");
        } else if let Some(why) = &terms.untimed {
            opinion.unclear(format!("{why}: no energy can be measured"));
        } else {
            opinion.unclear(format!(
                "less than {:.1} kWh flowed: whether the counters count it was not seen",
                ENERGY_SEEN / 1000.0
            ));
        }
    }
}
