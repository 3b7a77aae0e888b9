//! The supply that plays the sun: a rectangle of constant voltage and constant current, or the curve of a solar array.

use proto::channel::{Channel, Instrument};
use proto::quantity::{Amps, Volts, Watts};
use proto::samples::{Samples, Value};

use crate::display::round;
use crate::inverter::within;
use crate::params::{PsuParams, PsuSource};

/// A programmable supply. Its power is asked for as that at the corner of the rectangle or the maximum of the curve.
#[derive(Debug, Clone)]
pub(crate) struct Supply {
    p: PsuParams,
    asked: f64,
    /// its protection tripped, or a fault keeps it off
    off: bool,
    failed: bool,
    silent: bool,
    curve: Curve,
    /// at the output without load, rising with the slew rate
    volts: f64,
    /// taken at the last step
    watts: f64,
}

/// `I = short·(1 − e^((V − open)/knee))`: one diode without resistances. A rectangle is the same with no knee.
#[derive(Debug, Clone, Copy, Default)]
struct Curve {
    open: f64,
    short: f64,
    knee: f64,
    /// voltage of maximum power
    best: f64,
}

impl Curve {
    fn new(p: &PsuParams, watts: f64) -> Self {
        let PsuSource::Curve { open_circuit, knee } = p.source else {
            return Self { open: p.voltage.0, short: watts / p.voltage.0, knee: 0.0, best: p.voltage.0 };
        };
        if watts <= 0.0 {
            return Self { knee: knee.0, ..Self::default() };
        }
        // Less light lowers the open-circuit voltage by the logarithm of its share.
        let open = (open_circuit.0 + knee.0 * libm::log(watts / p.maximum.0)).max(knee.0);
        // Where V·I is largest: V + knee·ln(1 + V/knee) = open. The iteration contracts by 1/(1 + V/knee).
        let best = (0..40).fold(open, |v, _| (open - knee.0 * libm::log(1.0 + v / knee.0)).max(0.0));
        let share = 1.0 - libm::exp((best - open) / knee.0);
        Self { open, short: watts / (best * share), knee: knee.0, best }
    }

    /// Voltage at which this power is taken, on the side of the open circuit.
    fn volts(&self, watts: f64) -> f64 {
        if self.knee <= 0.0 {
            return self.open;
        }
        let (mut low, mut high) = (self.best, self.open);
        for _ in 0..24 {
            let v = 0.5 * (low + high);
            let power = v * self.short * (1.0 - libm::exp((v - self.open) / self.knee));
            if power >= watts { low = v } else { high = v }
        }
        0.5 * (low + high)
    }
}

impl Supply {
    pub(crate) fn new(p: &PsuParams) -> Self {
        Self {
            p: p.clone(),
            asked: 0.0,
            off: false,
            failed: false,
            silent: false,
            curve: Curve::default(),
            volts: 0.0,
            watts: 0.0,
        }
    }

    /// Sets the power. A current beyond the over-current protection trips the output until the next setting.
    pub(crate) fn set(&mut self, watts: Watts) {
        self.asked = watts.0;
        self.curve = Curve::new(&self.p, watts.0);
        self.off = self.curve.short > self.p.over_current.0;
    }

    /// Takes voltage setting and current limit of a supply outside of this world, which guards itself. Zero is off.
    pub(crate) fn drive(&mut self, volts: Volts, amps: Amps) {
        self.asked = (volts * amps).0;
        self.curve = Curve { open: volts.0, short: amps.0, knee: 0.0, best: volts.0 };
        self.off = false;
    }

    /// Faults: the output is off; it does not answer.
    pub(crate) fn fail(&mut self, failed: bool, silent: bool) {
        (self.failed, self.silent) = (failed, silent);
    }

    /// Time passes: the voltage goes towards its setting.
    pub(crate) fn step(&mut self, secs: f64) {
        if self.gives() <= 0.0 {
            self.volts = 0.0;
        } else {
            let slew = self.p.slew.0 * secs;
            self.volts += within(self.curve.open - self.volts, -slew, slew);
        }
    }

    /// Power that it would give, W.
    pub(crate) fn gives(&self) -> f64 {
        if self.off || self.failed { 0.0 } else { self.asked }
    }

    /// Voltage without load, V.
    pub(crate) fn volts(&self) -> f64 {
        self.volts
    }

    /// Power taken, W.
    pub(crate) fn take(&mut self, watts: f64) {
        self.watts = watts;
    }

    /// What it shows, in steps of 10 mV and 10 mA; nothing when it does not answer.
    pub(crate) fn samples(&self) -> Option<Samples> {
        if self.silent {
            return None;
        }
        let available = self.gives();
        let output = available > 0.0;
        let voltage = if output { self.curve.volts(self.watts).min(self.volts) } else { 0.0 };
        let current = if voltage > 0.0 { self.watts / voltage } else { 0.0 };
        let mut said = Samples::new(Instrument::Supply);
        said.put(Channel::SupplyOutput, Value::Flag(output));
        said.tell(Channel::SupplyVoltage, round(voltage, 100.0));
        said.tell(Channel::SupplyCurrent, round(current, 100.0));
        said.tell(Channel::PvAvailable, available);
        Some(said)
    }

    /// Voltage at the charger's input, as the charger shows it.
    pub(crate) fn input(&self) -> Volts {
        let volts = if self.gives() > 0.0 { self.curve.volts(self.watts).min(self.volts) } else { 0.0 };
        Volts(round(volts, 100.0))
    }

    /// Current into the charger, as the charger shows it.
    pub(crate) fn input_current(&self) -> Amps {
        let volts = self.input();
        Amps(round(if volts > Volts::ZERO { self.watts / volts.0 } else { 0.0 }, 100.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array() -> PsuParams {
        PsuParams {
            source: PsuSource::Curve { open_circuit: Volts(150.0), knee: Volts(8.0) },
            ..PsuParams::default()
        }
    }

    /// The maximum of the curve is the power asked for, found here by walking along it.
    #[test]
    fn the_curve_has_its_maximum_where_it_was_asked_for() {
        for watts in [100.0, 2000.0, 7200.0] {
            let c = Curve::new(&array(), watts);
            let power = |v: f64| v * c.short * (1.0 - libm::exp((v - c.open) / c.knee));
            let most = (0..=15_000).map(|i| power(f64::from(i) * 0.01)).fold(0.0, f64::max);
            assert!((most - watts).abs() < 1e-4 * watts, "{most} for {watts}");
            assert!((power(c.volts(watts / 2.0)) - watts / 2.0).abs() < 1e-3 * watts);
        }
    }

    #[test]
    fn less_light_lowers_the_open_circuit_voltage_and_a_rectangle_knows_none_of_this() {
        let open = |p: &PsuParams, watts| Curve::new(p, watts).open;
        let lost = open(&array(), 7200.0) - open(&array(), 720.0);
        assert!((lost - 8.0 * libm::log(10.0)).abs() < 1e-9, "{lost}");
        assert!((open(&PsuParams::default(), 720.0) - 120.0).abs() < 1e-12);
    }

    #[test]
    fn too_much_current_trips_the_output_until_it_is_set_again() {
        let mut supply = Supply::new(&PsuParams { over_current: Amps(30.0), ..PsuParams::default() });
        let mut gives = |watts| {
            supply.set(Watts(watts));
            supply.step(1.0);
            supply.samples().expect("it answers").is(Channel::SupplyOutput)
        };
        assert!(gives(3500.0));
        assert!(!gives(3700.0), "30.8 A at 120 V");
        assert!(gives(3500.0));
    }

    #[test]
    fn a_supply_outside_gives_what_it_is_set_to() {
        let mut supply = Supply::new(&PsuParams::default());
        supply.drive(Volts(80.0), Amps(70.0));
        supply.step(1.0);
        supply.take(4000.0);
        let said = supply.samples().expect("it answers");
        assert!(said.is(Channel::SupplyOutput), "no over-current protection: {said:?}");
        let shown = [Channel::PvAvailable, Channel::SupplyVoltage, Channel::SupplyCurrent];
        assert_eq!(shown.map(|channel| said.number(channel)), [Some(5600.0), Some(80.0), Some(50.0)]);
        supply.drive(Volts(80.0), Amps::ZERO);
        assert!(!supply.samples().expect("it answers").is(Channel::SupplyOutput));
    }

    /// 2 V/ms: 120 V take 60 ms.
    #[test]
    fn the_voltage_rises_with_the_slew_rate() {
        let mut supply = Supply::new(&PsuParams::default());
        supply.set(Watts(3000.0));
        supply.step(0.03);
        assert!((supply.volts() - 60.0).abs() < 1e-9);
        supply.step(0.07);
        assert!((supply.volts() - 120.0).abs() < 1e-9);
    }
}
