//! The GX with the battery's words in the hands of the test: when it acts, what it forgets, whom it corrects.

use proto::channel::Channel;
use proto::message::{Alarms, Limits, Message, StateOfCharge, Text8};
use proto::samples::Samples;
use rstest::rstest;

use super::*;
use crate::params::Correction;

const SEEN: Seen = Seen { mains: true, volts: 54.0, inverter: -40.0, solar: 50.0, solar_rating: Amps(100.0) };

struct Bench {
    gx: Gx,
    secs: u64,
    cvl: f64,
    ccl: f64,
    speaks: bool,
}

impl Bench {
    fn new(change: impl FnOnce(&mut GxParams)) -> Self {
        let mut p = GxParams::default();
        change(&mut p);
        Self { gx: Gx::new(&p, true, Micros::ZERO, 0), secs: 0, cvl: 56.0, ccl: 140.0, speaks: true }
    }

    fn battery(&self) -> Samples {
        self.gx.battery(self.at())
    }

    fn at(&self) -> Micros {
        Micros::from_secs(self.secs)
    }

    fn says(&mut self, message: impl Into<Message>) {
        let at = self.at();
        self.gx.hear(at, &message.into().encode());
    }

    fn limits(&mut self) {
        self.says(Limits::new(Volts(self.cvl), Amps(self.ccl), Amps(200.0), Volts(44.8)));
    }

    fn run(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.secs += 1;
            if self.speaks {
                self.limits();
                self.says(Message::Alarms(Alarms::ALL_OK));
                self.says(StateOfCharge::new(Percent(50.0), Percent(100.0), Percent(50.0)));
            }
            let at = self.at();
            self.gx.tick(at, &SEEN);
        }
    }

    fn inverter_volts(&self) -> f64 {
        self.gx.inverter(self.at(), true).volts
    }

    fn charges(&self) -> bool {
        self.gx.solar(self.at(), true).enabled
    }
}

/// Rule 1 of Venus OS v2.256: outputs go out every 3 s, so a new CVL waits 0 to 3 s.
#[test]
fn a_new_cvl_waits_for_the_control_action() {
    let mut b = Bench::new(|_| {});
    b.run(3);
    assert_eq!(b.inverter_volts().to_bits(), 56.0_f64.to_bits());
    b.cvl = 55.0;
    b.run(2);
    assert_eq!(b.inverter_volts().to_bits(), 56.0_f64.to_bits());
    b.run(1);
    assert_eq!(b.inverter_volts().to_bits(), 55.0_f64.to_bits());
}

/// Rules 1 and 10: for a Lynx the voltage goes out at once, the currents with the control action.
#[test]
fn a_quick_make_does_not_wait_with_its_voltage() {
    let mut b = Bench::new(|p| p.quirk = Correction::Lynx);
    b.run(3);
    (b.cvl, b.ccl) = (55.0, 0.0);
    b.limits();
    assert_eq!(b.inverter_volts().to_bits(), 55.0_f64.to_bits());
    assert!(b.gx.solar(b.at(), true).volts < 55.5);
    assert!(b.gx.solar(b.at(), true).amps > 0.0);
    b.run(3);
    assert!(b.gx.solar(b.at(), true).amps <= 0.0, "CCL = 0 stops every charger");
}

/// Rule 10: a make is known by what it sends, or set by the rig.
#[rstest]
#[case::by_name(Correction::ByName, "LG", 57.3)]
#[case::another(Correction::ByName, "Busbar", 57.7)]
#[case::switched_off(Correction::None, "LG", 57.7)]
#[case::set(Correction::Lg, "Busbar", 57.3)]
fn makes(#[case] correction: Correction, #[case] maker: &str, #[case] volts: f64) {
    let mut b = Bench::new(|p| p.quirk = correction);
    b.cvl = 57.7;
    b.says(Message::Manufacturer(Text8::new(maker).expect("short")));
    b.run(3);
    assert!((b.inverter_volts() - volts).abs() < 1e-9, "{}", b.inverter_volts());
}

/// P 5.1: 0x35A makes the GX recognise a battery; 0x351 keeps it there.
#[test]
fn the_battery_appears_with_0x35a_and_is_lost_without_0x351() {
    let mut b = Bench::new(|_| {});
    b.limits();
    assert!(b.battery().is_empty());
    b.says(Message::Alarms(Alarms::ALL_OK));
    assert!(!b.battery().is_empty());
    b.run(5);
    b.speaks = false;
    for _ in 0..11 {
        b.secs += 1;
        b.says(Message::Alarms(Alarms::ALL_OK));
    }
    assert!(b.battery().is_empty(), "other messages do not keep it");
    b.limits();
    assert!(b.battery().is_empty(), "a new product, to be recognised again");
    b.says(Message::Alarms(Alarms::ALL_OK));
    let back = [Channel::GxCvl, Channel::GxSoc].map(|channel| b.battery().number(channel));
    assert_eq!(back, [Some(56.0), Some(0.0)], "what was not sent since reads 0");
}

/// Rule 9: without a BMS chargers that expect one stop; others go on at the inverter's voltage.
#[rstest]
#[case(true)]
#[case(false)]
fn without_a_bms(#[case] expects: bool) {
    let mut b = Bench::new(|p| p.chargers_expect_bms = expects);
    b.run(6);
    assert!(b.charges());
    b.speaks = false;
    b.run(3);
    assert!(b.charges(), "3 s are borne");
    b.run(1);
    assert_eq!(b.charges(), !expects);
    assert!(!b.gx.inverter(b.at(), true).enabled);
    assert!((b.gx.solar(b.at(), true).volts - 56.0).abs() < 1e-9, "no offset: nothing is exported");
}

/// Rule 5: the stages that the inverter reports add a first step of 0.1 V; without ESS there is no offset at all.
#[rstest]
#[case::external(Ess::ExternalControl, 0.4, true)]
#[case::stages(Ess::ChargeStages, 0.4, true)]
#[case::none(Ess::None, 0.0, false)]
fn ways_of_control(#[case] ess: Ess, #[case] offset: f64, #[case] feed_in: bool) {
    let mut b = Bench::new(|p| p.ess = ess);
    b.run(3);
    assert!((b.gx.solar(b.at(), true).volts - 56.0 - offset).abs() < 1e-9);
    b.run(3);
    assert!((b.gx.solar(b.at(), true).volts - 56.0 - offset).abs() < 1e-9);
    assert_eq!(b.gx.inverter(b.at(), true).feed_in, feed_in);
}

#[rstest]
#[case::external(Ess::ExternalControl, 55.0)]
#[case::stages(Ess::ChargeStages, 55.1)]
fn a_step_down_in_a_charge_stage_leaves_a_first_step(#[case] ess: Ess, #[case] volts: f64) {
    let mut b = Bench::new(|p| p.ess = ess);
    b.run(6);
    b.cvl = 55.0;
    b.run(3);
    assert!((b.gx.solar(b.at(), true).volts - volts).abs() < 1e-9);
}

/// It says and hears nothing; the devices stop after 3 s; then all begins anew, the timer too.
#[test]
fn a_reboot() {
    let mut b = Bench::new(|_| {});
    b.run(4);
    let at = b.at();
    b.gx.reboot(at, Micros::from_secs(60));
    assert_eq!(b.gx.next_frame_at(), at + Micros::from_secs(60));
    assert!(b.charges(), "the devices go on at first");
    b.run(4);
    assert!(!b.charges() && !b.gx.inverter(b.at(), true).enabled);
    b.run(55);
    assert!(b.battery().is_empty() && b.gx.is_down(b.at()));
    b.run(1);
    assert!(!b.gx.is_down(b.at()) && !b.battery().is_empty());
    assert!(!b.charges(), "nothing is told before the first control action");
    b.run(1);
    assert!(!b.charges());
    b.run(1);
    assert!(b.charges(), "three seconds after its start");
}

/// A user's limits survive a reboot.
#[test]
fn settings_are_kept() {
    let mut b = Bench::new(|_| {});
    b.gx.set_charge_voltage(Some(Volts(54.0)));
    b.gx.reboot(Micros::ZERO, Micros::from_secs(5));
    b.run(12);
    assert!((b.inverter_volts() - 54.0).abs() < 1e-9);
}
