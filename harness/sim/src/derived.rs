//! How a battery of which only the data sheet is known is played: slow control of the highest cell, as the reference
//! battery does it, with every level per cell and every size per ampere hour.

mod strategy;

use files::BatteryFile;
use proto::chemistry::Chemistry;

use self::strategy::{Anchors, Top};

/// Levels of one cell, V. Those at the top belong to `bulk`, and move down with it where less is declared.
struct Levels {
    top: Top,
    taper: [f64; 2],
    balance: f64,
    full: f64,
    /// below the over-voltage that is declared: its release, its warning
    below_over: [f64; 2],
    /// above the under-voltage that is declared: its release
    above_under: f64,
    /// above the lowest voltage that is declared: where discharge is allowed again
    above_stop: f64,
}

/// As `rigs/batteries/reference.yaml`, which says where each comes from.
const LFP: Levels = Levels {
    top: Top {
        bulk: 3.50,
        floor: 3.25,
        target: 3.45,
        clear: 3.36,
        step: 3.49,
        rearm: 3.45,
        slower: 0.05,
        charge: 3.50,
        absorption: 3.45,
        float: 3.40,
        ramp_end: 3.60,
    },
    taper: [3.45, 3.55],
    balance: 3.37,
    full: 3.38,
    below_over: [0.20, 0.05],
    above_under: 0.40,
    above_stop: 0.30,
};
/// Charged to 4.20 V (data sheets); held 60 mV below, at 95 %; the rest follows LFP (assumption).
const NMC: Levels = Levels {
    top: Top {
        bulk: 4.20,
        floor: 4.05,
        target: 4.14,
        clear: 4.05,
        step: 4.20,
        rearm: 4.15,
        slower: 0.02,
        charge: 4.18,
        absorption: 4.17,
        float: 4.16,
        ramp_end: 4.22,
    },
    taper: [4.15, 4.20],
    balance: 4.05,
    full: 4.12,
    below_over: [0.15, 0.03],
    above_under: 0.40,
    above_stop: 0.30,
};
/// The curve of NCA ends so much below that of NMC, V.
const NCA_BELOW_NMC: f64 = 0.03;
/// Charged to 2.70 V (data sheets); held at 2.64 V, at 97 % (assumption).
const LTO: Levels = Levels {
    top: Top {
        bulk: 2.70,
        floor: 2.50,
        target: 2.64,
        clear: 2.50,
        step: 2.72,
        rearm: 2.66,
        slower: 0.04,
        charge: 2.70,
        absorption: 2.66,
        float: 2.62,
        ramp_end: 2.78,
    },
    taper: [2.66, 2.74],
    balance: 2.50,
    full: 2.60,
    below_over: [0.15, 0.05],
    above_under: 0.20,
    above_stop: 0.08,
};

/// The battery whose numbers of the loop and of the electronics are scaled: cells, and ampere hours.
const REFERENCE: (f64, f64) = (16.0, 280.0);

/// `simulated:` of a battery file that would say nothing but what is declared, and the name of its strategy.
pub(crate) fn text(battery: &BatteryFile, chemistry: Chemistry) -> String {
    let declared = &battery.declared;
    let (levels, below, family) = match chemistry {
        Chemistry::Lfp => (LFP, 0.0, "LFP"),
        Chemistry::Nmc => (NMC, 0.0, "NMC"),
        Chemistry::Nca => (NMC, NCA_BELOW_NMC, "NCA"),
        Chemistry::Lto => (LTO, 0.0, "LTO"),
    };
    let cells = f64::from(declared.cells);
    let (in_series, in_parallel) = (cells / REFERENCE.0, declared.capacity.0 / REFERENCE.1);
    let over = declared.cell_over_voltage.0;
    let bulk = (levels.top.bulk - below).min(declared.max_charge_voltage.0 / cells);
    // Whatever is declared lower takes the top of everything with it; below the trip there is room as with LFP.
    let shift = (bulk - levels.top.bulk).min(over - levels.below_over[0] - levels.top.rearm).min(0.0);
    let shift = (shift * 1e3).round() / 1e3;
    let v = |level: f64| format!("{:.3} V", level + shift);
    let pack = |level: f64| format!("{:.1} V", (cells * (level + shift) * 10.0).floor() / 10.0);
    // Discharge is forbidden before the cells trip, as far below as the battery may go.
    let stop = (declared.min_voltage.0 / cells).max(declared.cell_under_voltage.0 + levels.above_under / 4.0);
    let (charge, discharge) = (declared.max_charge_current.0, declared.max_discharge_current.0);
    let hottest = declared.max_temperature.0;
    // Of 16 characters; its first 8 are the manufacturer (P 2 §0x370).
    let name: String = declared.name.chars().filter(char::is_ascii_graphic).take(6).collect();
    let volts = |level: f64| format!("{level:.3} V");
    let anchors = Anchors {
        cell: &v,
        pack: &pack,
        levels: &levels.top,
        in_series,
        resistance: 3.5 * in_series / in_parallel,
    };
    let strategy = strategy(battery, &anchors);
    format!(
        "simulated:
  identity: {{ manufacturer: BusbarSi, name: \"BusbarSim {name}\", firmware: \"1.0\", serial: \"SIMULATED\", family: {family}{cells} }}
  strategy: {{ {strategy} }}
  limits:
    {{ charge: {charge} A, charge-while-full: 0.1 C, taper-from: {taper_from}, taper-to: {taper_to}, discharge: {discharge} A,
      stop-cell: {stop_cell}, resume-cell: {resume}, resume-soc: 3 % }}
  protection:
    {{ over-voltage: {over} V, over-voltage-release: {over_release}, under-voltage: {under} V,
      under-voltage-release: {under_release}, charge-current: {most_charge:.1} A, discharge-current: {most_discharge:.1} A,
      over-temperature: {over_temperature} °C, over-temperature-release: {release} °C,
      high-cell-warning: {high}, low-cell-warning: {stop_cell}, high-temperature-warning: {hottest} °C }}
  balancing: {{ start: {balance}, current: {balancing:.4} A }}
  gauge: {{ full-cell: {full}, empty-cell: {stop_cell} }}
  sensors: {{ pack-noise: {pack_noise:.5} V, current-noise: {current_noise:.5} A }}
  wire: {{ alarms: pairs }}
",
        taper_from = v(levels.taper[0]),
        taper_to = v(levels.taper[1]),
        stop_cell = volts(stop),
        resume = volts(stop + levels.above_stop),
        over_release = volts(over - levels.below_over[0]),
        under = declared.cell_under_voltage.0,
        under_release = volts(declared.cell_under_voltage.0 + levels.above_under),
        most_charge = 1.3 * charge,
        most_discharge = 1.3 * discharge,
        over_temperature = hottest + 5.0,
        release = hottest - 5.0,
        high = volts(over - levels.below_over[1]),
        balance = v(levels.balance),
        balancing = 0.150 * in_parallel,
        full = v(levels.full),
        pack_noise = 0.005 * in_series,
        current_noise = 0.050 * in_parallel,
    )
}

/// The strategy that the file names, or slow control of the highest cell.
fn strategy(battery: &BatteryFile, anchors: &Anchors<'_>) -> String {
    let keys = |path| battery.simulated.iter().flat_map(move |section| section.keys_of(path)).next();
    let name = keys("strategy").unwrap_or_else(|| "cell-loop".to_owned());
    let law = keys("strategy.cell-sum.law");
    strategy::text(&name, law.as_deref(), anchors)
        .map_or_else(String::new, |numbers| format!("{name}: {numbers}"))
}

#[cfg(test)]
mod tests {
    use files::BatteryFile;
    use rstest::rstest;

    #[test]
    fn what_is_declared_of_the_reference_makes_the_reference() {
        let file = include_str!("../../../rigs/batteries/reference.yaml");
        let told = BatteryFile::parse("reference.yaml", file).expect("a good battery");
        let alone = file
            .split("\nsimulated:")
            .next()
            .expect("a head")
            .replace("declared:", "declared:\n  chemistry: lfp");
        let alone = BatteryFile::parse("alone.yaml", &alone).expect("a good battery");
        let [told, alone] = [told, alone].map(|battery| {
            let simulated =
                crate::Simulated::read(&battery).expect("a good battery").expect("it is simulated");
            format!("{simulated:?}")
        });
        // Who it is, and what a current trips at: the reference rounds.
        let cut = |text: &str| {
            let strategy = text.find("strategy").expect("a strategy");
            text[strategy..].replace("Amps(182.0)", "Amps(180.0)")
        };
        assert_eq!(cut(&told), cut(&alone));
    }

    fn battery(head: &str) -> BatteryFile {
        let rest = "battery: b\ntitle: t\nexpect: pass\n";
        BatteryFile::parse("b.yaml", &format!("{rest}declared: {{ {head} }}\n")).expect("a good battery")
    }

    #[rstest]
    #[case(
        "chemistry: lfp, cells: 4, capacity: 100 Ah, max-charge-voltage: 14.2 V, min-voltage: 11.2 V, \
            cell-over-voltage: 3.65 V, cell-under-voltage: 2.5 V, max-charge-current: 50 A, max-discharge-current: 100 A, \
            max-temperature: 55 °C"
    )]
    #[case(
        "chemistry: nmc, cells: 14, capacity: 280 Ah, max-charge-voltage: 58.8 V, min-voltage: 42 V, \
            cell-over-voltage: 4.25 V, cell-under-voltage: 2.8 V, max-charge-current: 140 A, max-discharge-current: 200 A, \
            max-temperature: 55 °C"
    )]
    #[case(
        "chemistry: nca, cells: 14, capacity: 100 Ah, max-charge-voltage: 57.4 V, min-voltage: 42 V, \
            cell-over-voltage: 4.20 V, cell-under-voltage: 2.7 V, max-charge-current: 50 A, max-discharge-current: 100 A, \
            max-temperature: 55 °C"
    )]
    #[case(
        "chemistry: lto, cells: 22, capacity: 50 Ah, max-charge-voltage: 59.4 V, min-voltage: 46.2 V, \
            cell-over-voltage: 2.85 V, cell-under-voltage: 1.8 V, max-charge-current: 100 A, max-discharge-current: 100 A, \
            max-temperature: 55 °C"
    )]
    fn what_is_declared_is_enough(#[case] declared: &str) {
        let battery = battery(declared);
        crate::check_battery(&battery).unwrap_or_else(|error| panic!("{error}"));
    }
}
