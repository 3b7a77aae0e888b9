//! How a battery of which only the data sheet is known is played: slow control of the highest cell, as the reference
//! battery does it, with every level per cell and every size per ampere hour.

mod strategy;

use files::BatteryFile;
use judge::battery::Battery;
use proto::chemistry::Chemistry;
use proto::quantity::Volts;

use self::strategy::Anchors;

/// Levels of one cell at the top, V, for what a battery declares.
#[derive(Debug, Clone, Copy)]
struct Top {
    /// charged to
    bulk: f64,
    /// what keeps levels apart: the reference battery's stand apart by as much charge
    end: f64,
    /// the lowest that CVL ever is, for one cell
    floor: f64,
    /// where the step that protects is due
    step: f64,
}

impl Top {
    fn of(battery: &Battery, chemistry: Chemistry) -> Self {
        let full = chemistry.cell().full;
        let declared = battery.max_charge_voltage.0 / f64::from(battery.cells);
        let bulk = full.bulk.min(declared).min(battery.cell_over_voltage.0 - full.below_over);
        // What is charged to less stands closer above the plateau.
        let share = ((bulk - full.plateau) / (full.bulk - full.plateau)).clamp(0.1, 1.0);
        let share = if full.plateau > 0.0 { share } else { 1.0 };
        let step = if full.step < 0.0 { full.step * share } else { full.step };
        Self { bulk, end: full.end * share, floor: bulk - full.depth * share, step: bulk + step }
    }

    /// So many ends below `bulk`.
    fn below(&self, ends: f64) -> f64 {
        self.bulk - ends * self.end
    }
}

/// The voltage to which a battery of this make charges a cell.
pub(crate) fn bulk(battery: &Battery, chemistry: Chemistry) -> Volts {
    Volts(Top::of(battery, chemistry).bulk)
}

/// Levels of one cell of a battery, V: where it trips below, stops, holds at the least, is clear of full, is held, is full, and
/// trips above. What is made for one battery means the same in another one at the same place between them.
#[must_use]
pub fn levels(battery: &Battery, chemistry: Chemistry) -> [f64; 7] {
    let (top, cells) = (Top::of(battery, chemistry), f64::from(battery.cells));
    [
        battery.cell_under_voltage.0,
        battery.min_voltage.0 / cells,
        top.floor,
        top.below(CLEAR),
        top.below(TARGET),
        battery.max_charge_voltage.0 / cells,
        battery.cell_over_voltage.0,
    ]
}

/// Voltage at rest of one cell of a battery, V, at each state of charge, %, of a few that rise in both.
#[must_use]
pub fn at_rest(battery: &Battery, chemistry: Chemistry) -> Vec<(f64, f64)> {
    let curve =
        chemistry.ocv(bulk(battery, chemistry)).unwrap_or_else(|| plant::params::PackParams::default().ocv);
    curve.into_iter().map(|(soc, volts)| (soc.0, volts.0)).collect()
}

/// Ends below `bulk`: where the reference battery holds its highest cell, and where it is clear of full.
const TARGET: f64 = 1.0;
const CLEAR: f64 = 2.8;

/// Of one chemistry, V: the release and the warning below the over-voltage that is declared, the release above the under-voltage,
/// and where discharge is allowed again above the lowest (LFP as `rigs/batteries/reference.yaml`; assumptions).
const fn protection(chemistry: Chemistry) -> [f64; 4] {
    match chemistry {
        Chemistry::Lfp => [0.20, 0.05, 0.40, 0.30],
        Chemistry::Nmc | Chemistry::Nca => [0.10, 0.03, 0.40, 0.30],
        Chemistry::Lto => [0.15, 0.05, 0.20, 0.08],
    }
}

/// The battery whose numbers of the loop and of the electronics are scaled: cells, and ampere hours.
const REFERENCE: (f64, f64) = (16.0, 280.0);

/// `simulated:` of a battery file that would say nothing but what is declared, and the name of its strategy.
pub(crate) fn text(battery: &BatteryFile, chemistry: Chemistry) -> String {
    let declared = &battery.declared;
    let family = chemistry.name().to_uppercase();
    let cells = f64::from(declared.cells);
    let (in_series, in_parallel) = (cells / REFERENCE.0, declared.capacity.0 / REFERENCE.1);
    let over = declared.cell_over_voltage.0;
    let top = Top::of(declared, chemistry);
    let [below_over, warns, above_under, above_stop] = protection(chemistry);
    let v = |ends: f64| format!("{:.4} V", top.below(ends));
    // Discharge is forbidden before the cells trip, as far below as the battery may go.
    let stop = (declared.min_voltage.0 / cells).max(declared.cell_under_voltage.0 + above_under / 4.0);
    let (charge, discharge) = (declared.max_charge_current.0, declared.max_discharge_current.0);
    let hottest = declared.max_temperature.0;
    // Of 16 characters; its first 8 are the manufacturer (P 2 §0x370).
    let name: String = declared.name.chars().filter(char::is_ascii_graphic).take(6).collect();
    let volts = |level: f64| format!("{level:.3} V");
    let anchors = Anchors { top: &top, cells, resistance: 3.5 * in_series / in_parallel };
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
        taper_from = v(1.0),
        taper_to = v(-1.0),
        stop_cell = volts(stop),
        resume = volts(stop + above_stop),
        over_release = volts(over - below_over),
        under = declared.cell_under_voltage.0,
        under_release = volts(declared.cell_under_voltage.0 + above_under),
        most_charge = 1.3 * charge,
        most_discharge = 1.3 * discharge,
        over_temperature = hottest + 5.0,
        release = hottest - 5.0,
        high = volts(over - warns),
        balance = v(2.6),
        balancing = 0.150 * in_parallel,
        full = v(2.4),
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
