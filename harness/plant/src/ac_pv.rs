//! A PV inverter on the AC output. On the mains it gives what the sun gives; in an island the inverter/charger holds
//! it back by raising the frequency, and it follows late: what it still gives goes into the battery (P 1.5.4).

use proto::quantity::{Micros, Watts};

use crate::params::AcPvParams;

/// The PV inverter, and the frequency that rules it.
#[derive(Debug, Clone)]
pub(crate) struct AcPv {
    p: AcPvParams,
    available: f64,
    watts: f64,
    /// power that the frequency lets through
    allowed: f64,
    /// W per V of error per second
    gain: f64,
    off_until: Micros,
}

/// What its AC side is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Line {
    /// nothing to feed into
    Dead,
    /// the mains take all it gives
    Mains,
    /// the inverter makes the frequency
    Island(Island),
}

/// What an island asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Island {
    /// AC load, W
    pub(crate) load: f64,
    /// DC voltage as the inverter measures it, and its setpoint
    pub(crate) volts: f64,
    pub(crate) setpoint: f64,
    /// rated charge current of the inverter, and what the battery allows, A
    pub(crate) rating: f64,
    pub(crate) charge: f64,
    /// the most that the inverter can turn from AC to DC, W
    pub(crate) most: f64,
}

impl AcPv {
    /// `watts_per_volt`: what the inverter/charger takes it for that moves the bus by one volt, W.
    pub(crate) fn new(p: &AcPvParams, watts_per_volt: f64) -> Self {
        Self {
            p: p.clone(),
            available: 0.0,
            watts: 0.0,
            allowed: 0.0,
            gain: watts_per_volt / p.shift_loop.secs(),
            off_until: Micros::ZERO,
        }
    }

    /// The sun on it.
    pub(crate) fn shine(&mut self, watts: Watts) {
        self.available = watts.0;
    }

    /// The sun at the start of a run: it has been at work.
    pub(crate) fn begin(&mut self, watts: Watts) {
        self.shine(watts);
        (self.watts, self.allowed) = (watts.0, watts.0);
    }

    /// Without sun, and giving nothing: it stays so, whatever its AC side is.
    #[inline]
    pub(crate) const fn is_dark(&self) -> bool {
        self.available <= 0.0 && self.watts <= 0.0
    }

    /// A slice that ends at `at`; returns the power that it gives, W.
    pub(crate) fn step(&mut self, at: Micros, secs: f64, line: &Line) -> f64 {
        if self.is_dark() {
            return 0.0;
        }
        let target = match line {
            Line::Dead => return self.trip(at),
            Line::Mains => {
                self.allowed = self.watts;
                self.available
            }
            Line::Island(island) => {
                if self.watts - island.load > island.most {
                    // More than the inverter can take raises the voltage until the PV inverter disconnects.
                    return self.trip(at);
                }
                let amps = (island.rating * self.share(island.volts)).min(island.charge);
                let most = island.load + amps * island.volts;
                let error = island.setpoint - island.volts;
                self.allowed = (self.allowed + error * self.gain * secs).clamp(0.0, most);
                self.available.min(self.allowed)
            }
        };
        if at < self.off_until {
            return 0.0;
        }
        self.watts += (target - self.watts) * secs / (self.p.response.secs() + secs);
        self.watts
    }

    fn trip(&mut self, at: Micros) -> f64 {
        (self.watts, self.allowed) = (0.0, 0.0);
        self.off_until = at + self.p.reconnect;
        0.0
    }

    /// Share of the rated charge current by battery voltage.
    fn share(&self, volts: f64) -> f64 {
        let (from, to, least) = (self.p.shift_from.0, self.p.shift_to.0, self.p.least.0 / 100.0);
        (1.0 - (1.0 - least) * (volts - from) / (to - from)).clamp(least, 1.0)
    }

    /// Power at the last step, W.
    pub(crate) fn watts(&self) -> f64 {
        self.watts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const ISLAND: Island =
        Island { load: 500.0, volts: 52.0, setpoint: 56.0, rating: 70.0, charge: 100.0, most: 5000.0 };

    fn run(pv: &mut AcPv, line: &Line, from: u64, seconds: u64) -> f64 {
        (from * 10 + 1..=(from + seconds) * 10)
            .fold(0.0, |_, i| pv.step(Micros::from_millis(100 * i), 0.1, line))
    }

    fn pv(watts: f64) -> AcPv {
        let mut pv = AcPv::new(&AcPvParams::default(), 5000.0);
        pv.begin(Watts(watts));
        pv
    }

    /// V: charge current 100 % at 54 V, 10 % at 57.6 V, a straight line between.
    #[rstest]
    #[case(50.0, 1.0)]
    #[case(54.0, 1.0)]
    #[case(55.8, 0.55)]
    #[case(57.6, 0.1)]
    #[case(60.0, 0.1)]
    fn the_frequency_follows_the_battery(#[case] volts: f64, #[case] share: f64) {
        assert!((pv(0.0).share(volts) - share).abs() < 1e-9);
    }

    /// P 1.5.4: a dropped load leaves the power for a while, then it is gone.
    #[test]
    fn a_full_battery_gets_power_until_the_pv_inverter_has_answered() {
        let mut pv = pv(3500.0);
        let full = Island { load: 3500.0, volts: 56.0, setpoint: 56.0, ..ISLAND };
        assert!(run(&mut pv, &Line::Island(full), 0, 20) > 3490.0);
        let dropped = Line::Island(Island { load: 0.0, volts: 56.3, charge: 20.0, ..full });
        let (soon, later) = (run(&mut pv, &dropped, 20, 1), run(&mut pv, &dropped, 21, 20));
        assert!((1500.0..2800.0).contains(&soon), "{soon}");
        assert!(later < 20.0 * 56.3 + 1.0, "{later}");
    }

    #[test]
    fn without_a_line_it_stops_and_waits_a_minute() {
        let mut pv = pv(2000.0);
        assert!(run(&mut pv, &Line::Dead, 0, 1) < 1e-9);
        assert!(run(&mut pv, &Line::Mains, 1, 59) < 1e-9);
        assert!(run(&mut pv, &Line::Mains, 60, 20) > 1990.0);
    }

    #[test]
    fn more_than_the_inverter_can_take_throws_it_off() {
        let mut pv = pv(4000.0);
        let weak = Line::Island(Island { most: 3000.0, ..ISLAND });
        assert!(run(&mut pv, &weak, 0, 1) < 1e-9);
    }
}
