//! A battery monitor on VE.Can in a log that holds the battery, too: what it says takes nothing from the battery, and is told
//! beside what the battery says. It decides nothing here: how far it may be off, a log does not know.

use proto::channel::Channel;
use proto::frame::Frame;
use proto::log::{Foreign, foreign};
use proto::message::Measurements;
use proto::nmea2000::{Message, NO_ADDRESS, Network, Role, Witness};
use proto::quantity::Micros;

use super::seen::Spot;
use crate::verdict::{Evidence, Opinion};

/// The meters on the bus, and what the battery said last.
#[derive(Debug, Clone, Default)]
pub(crate) struct Beside {
    network: Option<Box<Network>>,
    meters: Vec<Meter>,
    battery: Option<(Micros, f64, f64)>,
}

#[derive(Debug, Clone)]
struct Meter {
    source: u8,
    witness: Witness,
    volts: Difference,
    amps: Difference,
    /// readings in which both currents flow for certain, and those in which they have the other sign
    flowing: u64,
    opposed: u64,
}

/// What a meter reads above what the battery says.
#[derive(Debug, Clone, Copy, Default)]
struct Difference {
    sum: f64,
    count: u64,
}

/// More battery monitors beside one battery are followed no more.
const MOST: usize = 4;
/// What the battery said longer ago is nothing to compare with.
const FRESH: Micros = Micros::from_secs(2);
/// Less may be the zero of either.
const FLOWS: f64 = 2.0;

impl Difference {
    fn add(&mut self, difference: f64) {
        self.sum += difference;
        self.count += 1;
    }

    fn mean(self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }
}

impl Beside {
    pub(super) fn measured(&mut self, spot: Spot, measured: &Measurements) {
        let both = measured.voltage().zip(measured.current());
        self.battery = both.map(|(volts, amps)| (spot.at, volts.0, amps.0));
    }

    pub(super) fn frame(&mut self, spot: Spot, frame: &Frame) {
        if !matches!(foreign(frame.id()), Some(Foreign::VeCan { .. })) {
            return;
        }
        let network = self.network.get_or_insert_default();
        let Some(message) = network.take(spot.at, frame) else { return };
        let source = message.id.source;
        if source == NO_ADDRESS {
            return;
        }
        let node = network.node(source);
        let is_monitor = match Role::of(node) {
            _ if node.is_gx() => false,
            Some(role) => matches!(role, Role::Monitor | Role::LynxShunt),
            // It did not say what it is; who tells the state of charge of a battery counts its current.
            None => counts_charge(&message),
        };
        let known = self.meters.iter().position(|meter| meter.source == source);
        let at = match known {
            Some(at) => at,
            None if is_monitor && self.meters.len() < MOST => {
                let witness = Witness::new(Role::Monitor, None);
                let (volts, amps) = (Difference::default(), Difference::default());
                self.meters.push(Meter { source, witness, volts, amps, flowing: 0, opposed: 0 });
                self.meters.len() - 1
            }
            None => return,
        };
        let meter = &mut self.meters[at];
        let Some(said) = meter.witness.take(spot.at, &message) else { return };
        let Some((_, volts, amps)) = self.battery.filter(|(then, ..)| spot.at.since(*then) <= FRESH) else {
            return;
        };
        if let Some(reads) = said.number(Channel::ShuntVoltage) {
            meter.volts.add(reads - volts);
        }
        if let Some(reads) = said.number(Channel::ShuntCurrent) {
            meter.amps.add(reads - amps);
            if reads.abs().min(amps.abs()) >= FLOWS {
                meter.flowing += 1;
                meter.opposed += u64::from(reads * amps < 0.0);
            }
        }
    }

    /// Tells what the meters read beside the battery.
    pub(crate) fn show(&self, opinion: &mut Opinion) {
        for meter in &self.meters {
            let told =
                [(meter.volts, "V"), (meter.amps, "A")].into_iter().filter_map(|(difference, unit)| {
                    let mean = difference.mean()?;
                    Some(format!("{mean:+.2} {unit} on average in {} readings", difference.count))
                });
            let mut told: Vec<String> = told.collect();
            if meter.opposed > 0 {
                told.push(format!(
                    "its current has the other sign in {} of {} readings above {FLOWS} A",
                    meter.opposed, meter.flowing
                ));
            }
            if !told.is_empty() {
                let what = format!(
                    "battery monitor at address {} of VE.Can, above what the battery says",
                    meter.source
                );
                opinion.show(Evidence::fact(what, told.join(", ")));
            }
        }
    }
}

fn counts_charge(message: &Message) -> bool {
    message.id.pgn == 127_506
        && message.number("dc type").is_none_or(|kind| kind < 0.5)
        && message.number("state of charge").is_some()
}
