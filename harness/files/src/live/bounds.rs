//! What no bench can be, whatever else its file says: numbers that would switch a protection off, or make a verdict
//! mean nothing.
//!
//! Each number that protects has a row in [`numbers`], bounded by the voltage of the system, by what cells of any
//! chemistry bear, and by what supply and installation can give. Bounds are wide: a slip of a unit is a factor of a
//! thousand, and a rare bench is still a bench.

mod words;

use engine::interlock::Unwatched;
use engine::yaml::{Layers, YamlError};
use proto::channel::{Channel, Kind, Source};
use proto::gx::Product;
use proto::quantity::{Amps, Celsius, Micros, Volts, Watts};

use super::{Live, MOST_LOADS, OperatorPlace, PsuPort};
use crate::RigFile;

/// What Victron systems are made for, V.
const SYSTEMS: [f64; 3] = [12.0, 24.0, 48.0];
/// Where packs and the bus of such a system stay, as a share of its voltage. Inverters end at 17, 34 and 66 V (data
/// sheets); 24 cells of titanate trip at 70 V, 18 of them are empty at 27 V.
const SHARES: (f64, f64) = (0.4, 1.5);
/// Where a limit of cells of any chemistry lies, V: titanate trips at 2.9 V, cobalt for high voltage at 4.5 V; titanate and
/// sodium are empty at 1.5 V (data sheets).
const HIGHEST_CELL: (f64, f64) = (2.5, 4.6);
const LOWEST_CELL: (f64, f64) = (1.0, 3.6);
/// Cells charge and discharge between -40 and 80 °C at the very ends (data sheets).
const HOTTEST: (f64, f64) = (20.0, 90.0);
const COLDEST: (f64, f64) = (-60.0, 20.0);
/// Six of the largest inverters on one bus draw 1900 A at 48 V.
const CURRENT: f64 = 3000.0;
/// The largest solar chargers bear 450 V (data sheet of the MPPT RS), supplies of that size give 600 V.
const SUPPLY: f64 = 600.0;
/// Voltage of DC that may be touched (IEC 61140: extra-low voltage, without ripple) …
const TOUCHED: f64 = 60.0;
/// … and the share of its setting below which a supply has fallen, and has not only sagged (assumption).
const FALLEN: f64 = 0.75;
/// Twelve inverters of 15 kVA, and what they are fed with.
const POWER: f64 = 200_000.0;
/// A slip of a unit is a thousand; this much more than the bench can give is no limit to it.
const SLIP: f64 = 10.0;
/// How many times the largest current the protection against more of it may allow. Assumption: it is there for what a
/// controller overshoots.
const OVER_CURRENT: f64 = 2.0;
/// Longest time for terminals to fall. Assumption: a discharged capacitor takes seconds; longer, and nobody waits.
const SAFE_WITHIN: f64 = 600.0;
/// A battery that is not heard for so long, on the clock, is not driven any more: far above the 3 s of P 1.4.
const UNHEARD: f64 = 60.0;
/// The same for a single reading: some batteries send their cells once a minute, and a GX restarts in two.
const UNREAD: f64 = 150.0;
/// A reading comes ten times a second at most.
const SOONEST: f64 = 0.1;
/// What a supply that nobody speaks to may go on giving (assumption: longer, and it is no protection).
const WATCHDOG: f64 = 300.0;
/// Longer than any test.
const ENERGISED: f64 = 14.0 * 86_400.0;
/// Longest time in which a suite may leave a limit blind: what the largest battery needs (assumption).
const FAKED: f64 = 3600.0;

/// Nobody waits longer than a week-end for an answer.
const ANSWER: Micros = Micros::from_secs(3 * 86_400);

/// A number of a rig file: where it stands, and what it may be, both ends included.
struct Number {
    at: String,
    value: f64,
    unit: &'static str,
    range: (f64, f64),
    /// what is usual, for whoever corrects it
    usual: String,
}

impl Number {
    fn new(
        at: impl Into<String>,
        (value, unit): (f64, &'static str),
        range: (f64, f64),
        usual: &str,
    ) -> Self {
        Self { at: at.into(), value, unit, range, usual: usual.to_owned() }
    }

    fn time(at: impl Into<String>, value: Micros, range: (f64, f64), usual: &str) -> Self {
        Self::new(at, (value.secs(), "s"), range, usual)
    }

    fn shown(&self, value: f64) -> String {
        match self.unit {
            "s" => {
                let text = format!("{value} s");
                text.parse::<Micros>().map_or(text, |span| span.span().to_string())
            }
            unit => format!("{value} {unit}"),
        }
    }

    fn is_possible(&self) -> bool {
        // What is not a number lies nowhere.
        (self.range.0..=self.range.1).contains(&self.value)
    }
}

/// The voltage that the system of a rig is made for, by the most that its pack may have.
fn system(rig: &RigFile) -> f64 {
    let most = rig.limits.at_most(Channel::PackVoltage);
    SYSTEMS.into_iter().find(|volts| most <= volts * SHARES.1).unwrap_or(SYSTEMS[2])
}

/// Refuses a number beyond its bounds, with its place in the file, before any is held against another.
pub(super) fn numbers(live: &Live, rig: &RigFile, layers: &Layers) -> Result<(), YamlError> {
    // What rests on other numbers comes after them.
    let mut all = rows(rig, live);
    all.extend(supply(rig, live));
    all.extend(settings(rig, live));
    all.extend(site(live));
    all.iter().find(|number| !number.is_possible()).map_or(Ok(()), |number| {
        let message = format!("no bench has {} there", number.shown(number.value));
        let (least, most) = number.range;
        let expected = format!("{} to {}; usual: {}", number.shown(least), number.shown(most), number.usual);
        Err(layers.refuse(&number.at, message, &expected))
    })
}

fn rows(rig: &RigFile, live: &Live) -> Vec<Number> {
    let (limits, system, speed) = (&rig.limits, system(rig), f64::from(live.speed));
    let mut all = Vec::new();
    for (&channel, limit) in &limits.rows {
        let at = |side: &str| format!("limits.{}.{side}", channel.key());
        if let Kind::Number { dimension, low, high } = channel.row().kind {
            let (least, most, usual) = between(channel, (low, high), system);
            let unit = dimension.unit;
            if let Some(value) = limit.at_most {
                all.push(Number::new(at("at-most"), (value, unit), most, &usual));
            }
            if let Some(value) = limit.at_least {
                all.push(Number::new(at("at-least"), (value, unit), least, &usual));
            }
        }
        if let Some(silence) = limit.silence {
            let most = if channel == Channel::Cvl { UNHEARD } else { UNREAD };
            let usual = "10 s to 30 s, 70 s for cells; longer, and a limit is kept by readings of long ago";
            all.push(Number::time(at("silence"), silence, (SOONEST, most * speed), usual));
        }
    }
    all
}

fn settings(rig: &RigFile, live: &Live) -> Vec<Number> {
    let (limits, system) = (&rig.limits, system(rig));
    let mut all = Vec::new();
    let (pv, psu) = (limits.pv_power_max.0, live.psu.as_ref());
    let gives = psu.map_or(POWER, |psu| psu.voltage.0 * limits.at_most(Channel::SupplyCurrent));
    let usual = format!("what the supply gives, {gives} W");
    all.push(Number::new("limits.pv-power-max", (pv, Watts::UNIT), (0.0, (gives * SLIP).min(POWER)), &usual));
    let usual = "a few kilowatts: what inverter and mains bear";
    all.push(Number::new("limits.ac-load-max", (limits.ac_load_max.0, Watts::UNIT), (0.0, POWER), usual));
    let (at, most) = ("limits.input-current-limit-max", limits.input_current_limit_max.0);
    all.push(Number::new(at, (most, Amps::UNIT), (0.0, 1000.0), "16 A to 100 A"));
    let deviation = limits.psu_deviation_max.0;
    let range = (0.001, (gives / 2.0).clamp(500.0, POWER));
    all.push(Number::new("limits.psu-deviation-max", (deviation, Watts::UNIT), range, "300 W on 6 kW"));
    all.push(Number::time("limits.energised-max", limits.energised_max, (SOONEST, ENERGISED), "24 h"));
    let faking = &limits.faking;
    all.push(Number::time("limits.faking.span", faking.span, (0.0, FAKED), "5 min"));
    let faked = [
        ("cell-voltage", faking.cell_voltage.0, Volts::UNIT, 2.0, "1 V"),
        ("pack-voltage", faking.pack_voltage.0, Volts::UNIT, system, "a fifth of the voltage of the system"),
        ("current", faking.current.0, Amps::UNIT, CURRENT, "1000 A"),
        ("temperature", faking.temperature.0, Celsius::UNIT, 150.0, "100 °C"),
    ];
    all.extend(faked.map(|(key, value, unit, most, usual)| {
        Number::new(format!("limits.faking.{key}"), (value, unit), (0.0, most), usual)
    }));
    all
}

/// Where a bound of a quantity may lie: the least, the most, and what is usual.
fn between(channel: Channel, known: (f64, f64), system: f64) -> ((f64, f64), (f64, f64), String) {
    let same = |range: (f64, f64), usual: String| (range, range, usual);
    match (channel, channel.unit()) {
        (Channel::MaxCell | Channel::MinCell, _) => (
            LOWEST_CELL,
            HIGHEST_CELL,
            "3.8 V and 2.0 V for LFP, 4.35 V and 2.5 V for NMC, 2.95 V and 1.5 V for LTO".into(),
        ),
        (Channel::SupplyVoltage, _) => {
            same((1.0, SUPPLY), "the input of the solar charger, 100 V to 450 V".into())
        }
        (Channel::SupplyCurrent, _) => same((0.1, CURRENT), "what the supply gives, 10 A to 200 A".into()),
        (_, Volts::UNIT) if known.1 <= 100.0 => {
            let (low, high) = (SHARES.0 * system, SHARES.1 * system);
            let usual = format!("{} V to {} V in a system of {system} V", 0.75 * system, 1.25 * system);
            ((low, high), (SYSTEMS[0] * 0.8, high), usual)
        }
        (_, Amps::UNIT) if known.0 < 0.0 => {
            ((-CURRENT, -0.1), (0.1, CURRENT), "what battery and cables bear, 50 A to 500 A each way".into())
        }
        (_, Celsius::UNIT) => (COLDEST, HOTTEST, "-20 °C and 60 °C".into()),
        _ => same(known, "less than what it can be at all".into()),
    }
}

fn supply(rig: &RigFile, live: &Live) -> Vec<Number> {
    let Some(psu) = &live.psu else { return Vec::new() };
    let pack = rig.limits.at_least(Channel::PackVoltage).max(0.0);
    let most = rig.limits.at_most(Channel::SupplyVoltage).min(SUPPLY);
    let of = |key: &str| format!("live.psu.{key}");
    let safe = (0.5, TOUCHED.min(psu.voltage.0 * FALLEN));
    let mut all = vec![
        Number::new(
            of("voltage"),
            (psu.voltage.0, Volts::UNIT),
            (pack, most),
            "that of the panels it stands for, above the battery",
        ),
        Number::new(
            of("over-voltage"),
            (psu.over_voltage.0, Volts::UNIT),
            (1.0, SUPPLY),
            "a tenth above `voltage`",
        ),
        Number::new(
            of("over-current"),
            (psu.over_current.0, Amps::UNIT),
            (0.1, CURRENT),
            "a tenth above the limit of the supply",
        ),
        Number::new(
            of("safe-voltage"),
            (psu.safe_voltage.0, Volts::UNIT),
            safe,
            "30 V; above 60 V nobody may touch it, and a supply that has hardly fallen is not off",
        ),
        Number::time(
            of("safe-within"),
            psu.safe_within,
            (SOONEST, SAFE_WITHIN),
            "5 s to 60 s: so long the terminals of supplies take to fall",
        ),
    ];
    if let PsuPort::Serial { baud: Some(baud), .. } = psu.port {
        all.push(Number::new(
            "live.psu.port",
            (f64::from(baud), "bit/s"),
            (300.0, 4e6),
            "9600 to 115 200 bit/s",
        ));
    }
    all.extend(psu.watchdog.map(|span| Number::time(of("watchdog"), span, (SOONEST, WATCHDOG), "10 s")));
    all
}

fn site(live: &Live) -> Vec<Number> {
    let site = &live.site;
    let of = |key: &str| format!("live.site.{key}");
    let (power, amps) = ((1.0, POWER), |most| (0.1, most));
    let mut all = vec![
        Number::new(of("mains-voltage"), (site.mains_voltage.0, Volts::UNIT), (80.0, 480.0), "120 V, 230 V"),
        Number::new(of("inverter-power"), (site.inverter_power.0, Watts::UNIT), power, "500 W to 15 kW"),
        Number::new(
            of("input-current-limit"),
            (site.input_current_limit.0, Amps::UNIT),
            amps(1000.0),
            "16 A to 100 A",
        ),
        Number::new(of("solar-power"), (site.solar_power.0, Watts::UNIT), power, "500 W to 12 kW"),
        Number::new(of("solar-current"), (site.solar_current.0, Amps::UNIT), amps(CURRENT), "15 A to 200 A"),
    ];
    let volts = [("inverter-off", site.inverter_off), ("inverter-on", site.inverter_on)];
    all.extend(volts.into_iter().filter_map(|(key, volts)| {
        let usual = "a little above where the battery is empty";
        Some(Number::new(
            of(key),
            (volts?.0, Volts::UNIT),
            (SYSTEMS[0] * SHARES.0, SYSTEMS[2] * SHARES.1),
            usual,
        ))
    }));
    all.extend(site.inverter_reconnect.map(|span| {
        Number::time(of("inverter-reconnect"), span, (0.0, 7200.0), "10 s to 15 min, by the grid code")
    }));
    all.extend(live.switches.ac_load.iter().map(|load| {
        Number::new("live.switches.ac-load", (load.power.0, Watts::UNIT), power, "500 W to 3 kW each")
    }));
    all
}

/// Refuses numbers of which one leaves the other no meaning, and words that say nothing.
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
        let most = limits.pv_power_max * OVER_CURRENT;
        if let Some(watts) = psu.over_power.filter(|watts| *watts > most) {
            let message = format!("{watts} would hardly ever trip");
            let expected = format!("at most twice `limits.pv-power-max`, {most}");
            return refuse("live.psu.over-power", message, expected);
        }
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
    if let OperatorPlace::Terminal { timeout } | OperatorPlace::Tcp { timeout, .. } = live.operator
        && !(Micros(1)..=ANSWER).contains(&timeout)
    {
        let message = format!("nobody answers within {}", timeout.span());
        return refuse("live.operator", message, "a `timeout` such as `60 s` or `8 h`".to_owned());
    }
    let of_supply = |channel: Channel| channel.row().source == Source::Supply;
    let given_up = rig.unwatched.iter().find(|name| Unwatched::named(name).is_some_and(of_supply));
    if let (Some(name), true) = (given_up, live.psu.is_some()) {
        let message = format!("`{name}` is given up, and the supply tells it");
        return refuse("unwatched", message, "what no instrument of this rig tells".to_owned());
    }
    words::check(live, layers)?;
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

#[cfg(test)]
mod tests;
