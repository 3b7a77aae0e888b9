//! What no bench can be, whatever else its file says: numbers that would switch a protection off, or make a verdict
//! mean nothing.

use engine::yaml::{Layers, YamlError};
use proto::channel::Channel;
use proto::gx::Product;
use proto::quantity::{Amps, Micros, Volts, Watts};

use super::{Live, MOST_LOADS, OperatorPlace};
use crate::RigFile;

/// How many times the largest current the protection against more of it may allow. Assumption: it is there for what a
/// controller overshoots.
const OVER_CURRENT: f64 = 2.0;
/// Longest time for terminals to fall. Assumption: a discharged capacitor takes seconds; longer, and nobody waits.
const SAFE_WITHIN: Micros = Micros::from_secs(600);
/// A battery that is not heard for so long, on the clock, is not driven any more: far above the 3 s of P 1.4.
const UNHEARD: Micros = Micros::from_secs(60);
/// The same for a single reading: some batteries send their cells once a minute.
const UNREAD: Micros = Micros::from_secs(150);

/// Refuses what is beyond them, with its place in the file.
pub(super) fn check(live: &Live, rig: &RigFile, layers: &Layers) -> Result<(), YamlError> {
    let refuse = |path: &str, message: String, expected: String| Err(layers.refuse(path, message, &expected));
    let limits = &rig.limits;
    if let Some(psu) = &live.psu {
        let most = Volts(limits.at_most(Channel::SupplyVoltage));
        if psu.over_voltage > most {
            let message = format!("{} protects nothing behind a supply that may give it", psu.over_voltage);
            let expected = format!("no more than `at-most` of `limits.supply.voltage`, {most}");
            return refuse("live.psu.over-voltage", message, expected);
        }
        let most = Amps(limits.at_most(Channel::SupplyCurrent) * OVER_CURRENT);
        if psu.over_current > most {
            let message = format!("{} would hardly ever trip", psu.over_current);
            let expected = format!("at most twice `at-most` of `limits.supply.current`, {most}");
            return refuse("live.psu.over-current", message, expected);
        }
        if psu.safe_within == Micros::ZERO || psu.safe_within > SAFE_WITHIN {
            let message = "the terminals of no supply fall like that".to_owned();
            return refuse(
                "live.psu.safe-within",
                message,
                format!("more than 0 s, at most {}", SAFE_WITHIN.span()),
            );
        }
    }
    let silence = |channel: Channel| format!("limits.{}.silence", channel.key());
    if limits.age(Channel::Cvl).0 / u64::from(live.speed) > UNHEARD.0 {
        let message = "a battery would be driven that is not heard".to_owned();
        let most = Micros(UNHEARD.0 * u64::from(live.speed));
        return refuse(&silence(Channel::Cvl), message, format!("at most {}", most.span()));
    }
    let most = Micros(UNREAD.0 * u64::from(live.speed));
    let mut limited = limits.rows.keys().copied().filter(|channel| *channel != Channel::GxAnswers);
    if let Some(unread) = limited.find(|channel| limits.age(*channel) > most) {
        let message = "a limit would be kept by readings of long ago".to_owned();
        return refuse(&silence(unread), message, format!("at most {}", most.span()));
    }
    let supply = limits.age(Channel::SupplyVoltage).min(limits.age(Channel::SupplyCurrent));
    let gx = limits.age(Channel::GxAnswers);
    if live.psu.is_some() && rig.polling.psu >= supply {
        let message = "the rig would give the supply up between two readings".to_owned();
        let expected = format!("less than `silence` of `limits.supply.voltage`, {}", supply.span());
        return refuse("polling.psu", message, expected);
    }
    if live.gx.is_some() && rig.polling.gx >= gx {
        let message = "the rig would give the GX up between two polls".to_owned();
        let expected = format!("less than `silence` of `limits.gx.answer`, {}", gx.span());
        return refuse("polling.gx", message, expected);
    }
    let site = &live.site;
    let positive = [
        ("live.site.mains-voltage", site.mains_voltage > Volts::ZERO),
        ("live.site.inverter-power", site.inverter_power > Watts::ZERO),
        ("live.site.input-current-limit", site.input_current_limit > Amps::ZERO),
        ("live.site.solar-power", site.solar_power > Watts::ZERO),
        ("live.site.solar-current", site.solar_current > Amps::ZERO),
    ];
    if let Some((path, _)) = positive.iter().find(|(_, good)| !good) {
        return refuse(path, "there is no such installation".to_owned(), "more than 0".to_owned());
    }
    if let OperatorPlace::Terminal { timeout } | OperatorPlace::Tcp { timeout, .. } = live.operator
        && timeout == Micros::ZERO
    {
        let message = "nobody answers in no time".to_owned();
        return refuse("live.operator", message, "a `timeout` such as `60 s`".to_owned());
    }
    switches(live, &refuse)?;
    units(live, &refuse)
}

type Refuse<'a> = &'a dyn Fn(&str, String, String) -> Result<(), YamlError>;

/// Each load and the mains have a switch of their own: a load that is switched on would otherwise cut the mains.
fn switches(live: &Live, refuse: Refuse<'_>) -> Result<(), YamlError> {
    let many = live.switches.ac_load.len();
    if many > MOST_LOADS {
        let message = format!("{many} loads cannot be combined");
        return refuse("live.switches.ac-load", message, format!("at most {MOST_LOADS}"));
    }
    let all: Vec<_> = live.switches.all().collect();
    if all.iter().enumerate().any(|(index, switch)| all[..index].contains(switch)) {
        let message = "two of them are switched by the same relay or coil".to_owned();
        return refuse("live.switches", message, "a switch for each load, and one for `grid-cut`".to_owned());
    }
    Ok(())
}

/// Each device of the GX has a unit id of its own: the voltage of one would be taken for that of another.
fn units(live: &Live, refuse: Refuse<'_>) -> Result<(), YamlError> {
    let Some(gx) = &live.gx else { return Ok(()) };
    let products = [Product::Battery, Product::System, Product::Inverter, Product::Solar, Product::Grid];
    let ids: Vec<u8> = products.into_iter().filter_map(|product| gx.units.of(product)).collect();
    match ids.iter().enumerate().find(|&(index, id)| ids[..index].contains(id)) {
        None => Ok(()),
        Some((_, id)) => refuse(
            "live.gx.units",
            format!("two devices have the unit id {id}"),
            "one for each, as the GX lists them: Settings, Integrations, Modbus TCP server, Available services"
                .to_owned(),
        ),
    }
}
