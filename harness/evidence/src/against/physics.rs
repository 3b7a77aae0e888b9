//! What instruments say of the same thing: the battery on CAN and on the GX, the supply and the solar charger, what goes in
//! and what the battery says that it got. Limits are wide: meters of a rig are within a few per cent, a lie that pays is not.

use judge::trace::{Channel, Series};
use proto::quantity::Micros;

use super::{Evidence, Held, is_disturbed};
use crate::run::CaseResult;

/// A value on the GX, the same on CAN, one step of the coarser of the two and a half.
const SHOWN: [(Channel, Channel, f64); 9] = [
    (Channel::GxPackVoltage, Channel::PackVoltage, 0.03),
    (Channel::GxPackCurrent, Channel::PackCurrent, 0.2),
    (Channel::GxSoc, Channel::Soc, 1.1),
    (Channel::GxTemperature, Channel::Temperature, 1.1),
    (Channel::GxCvl, Channel::Cvl, 0.2),
    (Channel::GxCcl, Channel::Ccl, 0.2),
    (Channel::GxDcl, Channel::Dcl, 0.2),
    (Channel::GxMinCell, Channel::MinCell, 0.02),
    (Channel::GxMaxCell, Channel::MaxCell, 0.02),
];
/// How old a value may be that the GX shows, by the clock of the battery.
const SHOWN_WITHIN: Micros = Micros::from_secs(15);
/// So many of a hundred may be otherwise: the GX has rounding and averages of its own.
const OTHERWISE: f64 = 0.05;
/// What is compared is enough to say something.
const ENOUGH: usize = 20;
/// What the supply gave and the solar charger took may differ by this share: a cable, two meters of 2 %, edges of a case.
const POWER_APART: f64 = 0.12;
/// What two chargers gave and the battery says that it got: three meters, and loads on the DC bus that nobody measures.
const CHARGE_APART: f64 = 0.25;

/// Two meters on one wire: the charger's input and the supply, the DC bus at inverter and solar charger. How far they may be
/// apart, as a share and in volts; what flows makes the rest.
const ONE_WIRE: [(Channel, Channel, f64, f64); 2] = [
    (Channel::PvVoltage, Channel::SupplyVoltage, 0.05, 2.0),
    (Channel::SolarVoltage, Channel::BusVoltage, 0.02, 0.5),
];
/// So often they are looked at.
const LOOK: Micros = Micros::from_secs(10);

/// Two meters on one wire show one voltage, while the supply gives current.
fn one_wire(case: &CaseResult, held: &mut Held) {
    let given = case.trace.series(Channel::SupplyCurrent);
    for (one, other, share, volts) in ONE_WIRE {
        let (a, b) = (case.trace.series(one), case.trace.series(other));
        let looks = (0..case.length.0).step_by(LOOK.0 as usize).map(Micros);
        let pairs: Vec<(f64, f64)> = looks
            .filter(|at| given.at(*at).is_some_and(|amps| amps > 1.0))
            .filter_map(|at| Some((a.at(at)?, b.at(at)?)))
            .collect();
        held.compared("voltages of two meters on one wire", pairs.len());
        let apart = pairs.iter().filter(|(a, b)| (a - b).abs() > share * b.abs() + volts).count();
        // A charger that starts or scans takes its input down for seconds.
        if pairs.len() >= ENOUGH && apart * 5 > pairs.len() {
            held.contradiction(format!(
                "{}: {} and {} are apart in {apart} of {} looks",
                case.name(),
                one.words(),
                other.words(),
                pairs.len()
            ));
        }
    }
}

pub(super) fn held(evidence: Evidence<'_>, held: &mut Held) {
    for case in evidence.cases() {
        one_wire(case, held);
        if !is_disturbed(&case.trace) {
            shown(case, held);
        }
        let energy = |channel| sum(case.trace.series(channel), case.length, 3.6e9);
        if let (Some(given), Some(taken)) = (energy(Channel::PsuPower), energy(Channel::PvPower)) {
            held.compared("energy of the supply, at the solar charger", 1);
            if given.max(taken) > 200.0 && (given - taken).abs() > POWER_APART * given.max(taken) {
                held.contradiction(format!(
                    "{}: the supply gave {:.2} kWh, the solar charger took {:.2} kWh",
                    case.name(),
                    given / 1e3,
                    taken / 1e3
                ));
            }
        }
        let chargers = [Channel::InverterCurrent, Channel::SolarCurrent].map(energy);
        if let ([Some(inverter), Some(solar)], Some(got)) = (chargers, energy(Channel::PackCurrent)) {
            let given = inverter + solar;
            held.compared("charge of inverter and solar charger, at the battery", 1);
            let moved = given.abs().max(got.abs());
            let declared = evidence.battery.declared.capacity.0;
            if !is_disturbed(&case.trace)
                && moved > 0.02 * declared
                && (given - got).abs() > CHARGE_APART * moved
            {
                held.contradiction(format!(
                    "{}: inverter and solar charger gave {given:.1} Ah, the battery says that it got {got:.1} Ah",
                    case.name()
                ));
            }
        }
    }
}

/// What the GX shows of the battery was on CAN just before.
fn shown(case: &CaseResult, held: &mut Held) {
    for (gx, can, step) in SHOWN {
        let (shown, sent) = (case.trace.series(gx), case.trace.series(can));
        let points: Vec<_> = shown.points().iter().filter(|(at, _)| sent.at(*at).is_some()).collect();
        let fits = |at: Micros, value: f64| {
            let from = Micros(at.0.saturating_sub(SHOWN_WITHIN.0));
            let since = sent.points().partition_point(|(sent, _)| *sent <= from).saturating_sub(1);
            let near = sent.points()[since..].iter().take_while(|(sent, _)| *sent <= at);
            // A value between two that were sent may be one that the GX averaged.
            let (low, high) = near.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), (_, sent)| {
                (low.min(*sent), high.max(*sent))
            });
            (low - step..=high + step).contains(&value)
        };
        let wrong: Vec<_> = points.iter().filter(|(at, value)| !fits(*at, *value)).collect();
        held.compared("values of the battery on the GX, on CAN", points.len());
        if points.len() >= ENOUGH && wrong.len() as f64 > OTHERWISE * points.len() as f64 {
            let (at, value) = wrong[0];
            held.contradiction(format!(
                "{}: {} of {} values of {} are not what was on CAN: at {:.0} s {value} {} and {:.2}",
                case.name(),
                wrong.len(),
                points.len(),
                gx.words(),
                at.secs(),
                gx.unit(),
                sent.at(*at).unwrap_or_default()
            ));
        }
    }
}

/// A value summed over a case, in its unit times `per` microseconds; nothing where it was never told.
fn sum(series: &Series, length: Micros, per: f64) -> Option<f64> {
    let points = series.points();
    points.first()?;
    let ends = points.iter().skip(1).map(|(at, _)| *at).chain([series.last_seen()?.min(length)]);
    Some(points.iter().zip(ends).map(|((at, value), end)| value * end.since(*at).0 as f64 / per).sum())
}
