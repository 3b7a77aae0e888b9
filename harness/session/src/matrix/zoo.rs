//! The zoo: batteries of every make, from one small table of axes. Each pair of values of two axes stands in one of them, so that
//! nothing is right for the reference battery alone; and each fault of the catalogue is put into several of them.
//!
//! A battery of the zoo is a battery file like any other: what is declared, and the name of its strategy. Its numbers follow
//! from what is declared. They are meant to be good, and the strategies as published: one that is refused shows an error of the
//! judge, of a suite, or of those numbers, and somebody looks which.

mod carried;

use std::collections::BTreeSet;

use files::{BatteryFile, Expectation};
use proto::chemistry::{Cell, Chemistry};

/// Cells in series of one chemistry, as they are sold for 12, 24 and 48 V.
type Build = (Chemistry, u16);

/// Strategies of published designs, as a battery file names them, and how they are called here. Those of dbus-serialbattery are
/// the sums, the three modes and the float; YamBMS has the controllers of the highest cell and the fixed lower CVL; ready-made
/// packs are constant until a cell is high; aggregators ask packs in turn.
const STRATEGIES: [(&str, &str); 11] = [
    ("cell-loop", "cell-loop: {}"),
    ("cell-pi", "cell-pi: {}"),
    ("penalty-sum", "cell-sum: { law: { penalty: { gain: 0.5 } } }"),
    ("clipped-sum", "cell-sum: { law: { clipped: {} } }"),
    ("lower-when-full", "lower-when-full: {}"),
    ("float", "float: { span: 20 min }"),
    ("ramp", "ramp: {}"),
    ("high-cell", "lower-when-full: { tail: 10 C }"),
    ("half-volts", "lower-when-full: { step: 0.5 V, period: 2 min }"),
    ("three-modes", "three-modes: {}"),
    ("two-packs", "series-packs: {}"),
];
const BUILDS: [Build; 10] = [
    (Chemistry::Lfp, 4),
    (Chemistry::Lfp, 8),
    (Chemistry::Lfp, 15),
    (Chemistry::Lfp, 16),
    (Chemistry::Nmc, 7),
    (Chemistry::Nmc, 14),
    (Chemistry::Lto, 6),
    (Chemistry::Lto, 12),
    (Chemistry::Lto, 22),
    (Chemistry::Lto, 24),
];
/// Ah
const CAPACITIES: [u32; 5] = [50, 100, 280, 560, 1000];
/// How long absorption lasts where it ends by the clock, of each capacity: a moment in which nothing else happens is none of them.
const ABSORPTION: [&str; CAPACITIES.len()] = ["20 min", "60 min", "75 min", "90 min", "45 min"];
/// Time between two 0x351, and between two of the messages that seldom change, s. No 0x351 may be missing for 3 s (P 1.4), so
/// that 10 s is for those others.
const PERIODS: [(&str, &str, &str); 4] =
    [("200ms", "200 ms", "1 s"), ("1s", "1 s", "1 s"), ("2s", "2 s", "10 s"), ("slow", "1 s", "10 s")];
/// Charge and discharge that are declared, C.
const RATES: [(f64, f64); 3] = [(0.3, 0.5), (0.5, 0.7), (1.0, 1.0)];

/// How much of the zoo is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zoo {
    /// each battery on each rig of its system voltage, and each fault in [`EACH_FAULT`] of them
    Whole,
    /// each battery on one rig, and each fault in one of them
    Cut,
}

/// So many batteries of the zoo have a fault put into them, each of another make.
pub const EACH_FAULT: usize = 5;

impl Zoo {
    /// The texts of the battery files: good ones, then each fault of the catalogue in some of them.
    pub(super) fn files(self, catalogue: &[BatteryFile]) -> Vec<String> {
        let members = members();
        let mut texts: Vec<String> = members.iter().map(Member::file).collect();
        let Some(reference) = catalogue.iter().find(|battery| battery.declared.name == "reference") else {
            return texts;
        };
        let each = match self {
            Self::Whole => EACH_FAULT,
            Self::Cut => 1,
        };
        let faulty = catalogue.iter().filter(|battery| matches!(battery.expect, Expectation::Fail(_)));
        for (i, fault) in faulty.enumerate() {
            // Every other make, and another strategy in each.
            let places = (0..members.len())
                .map(|k| (i + 3 * k) % STRATEGIES.len() * BUILDS.len() + (i + 2 * k) % BUILDS.len());
            texts.extend(places.filter_map(|place| members[place].with(fault, reference)).take(each));
        }
        texts
    }
}

/// How many values each axis has: strategy, build, capacity, period, rate.
const AXES: [usize; 5] = [STRATEGIES.len(), BUILDS.len(), CAPACITIES.len(), PERIODS.len(), RATES.len()];

/// One battery of the zoo: a value of each axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Member([usize; AXES.len()]);

/// All of them: every strategy in every build, with the other axes chosen so that each two values meet.
pub(super) fn members() -> Vec<Member> {
    let mut met = BTreeSet::new();
    let mut all = Vec::new();
    for strategy in 0..AXES[0] {
        for build in 0..AXES[1] {
            let rest = |at: usize| {
                // Ties are broken by another value each time, or the first of each axis would stand everywhere.
                let turn = at + 7 * strategy + 3 * build;
                let capacity = turn % AXES[2];
                let period = turn / AXES[2] % AXES[3];
                Member([strategy, build, capacity, period, turn / (AXES[2] * AXES[3]) % AXES[4]])
            };
            let choices = (0..AXES[2] * AXES[3] * AXES[4]).map(rest);
            let best = choices.max_by_key(|member| member.pairs().filter(|pair| !met.contains(pair)).count());
            all.extend(best);
            met.extend(best.iter().flat_map(Member::pairs));
        }
    }
    all
}

impl Member {
    /// Each two of its values: axis and value of both.
    fn pairs(&self) -> impl Iterator<Item = [(usize, usize); 2]> + use<> {
        let values = self.0;
        let axes = 0..values.len();
        axes.flat_map(move |i| (0..i).map(move |j| [(j, values[j]), (i, values[i])]))
    }

    fn build(&self) -> Build {
        BUILDS[self.0[1]]
    }

    fn capacity(&self) -> f64 {
        f64::from(CAPACITIES[self.0[2]])
    }

    /// Such as `16s-lfp-280ah-slow-cell-loop`; the rate follows from the others.
    pub(super) fn name(&self) -> String {
        let (chemistry, cells) = self.build();
        let [strategy, _, capacity, period, _] = self.0;
        let (strategy, period) = (STRATEGIES[strategy].0, PERIODS[period].0);
        format!("{cells}s-{}-{}ah-{period}-{strategy}", chemistry.name(), CAPACITIES[capacity])
    }

    /// The most that its cells are charged to, V, and that inverters bear: 1.3 times their voltage (data sheets).
    fn most(&self) -> [f64; 2] {
        let (chemistry, cells) = self.build();
        [f64::from(cells) * chemistry.cell().charged, 1.3 * self.system()]
    }

    /// What its file declares, with this charge voltage as the highest.
    fn declared(&self, most: f64) -> String {
        let (chemistry, cells) = self.build();
        let Cell { empty, over, under, .. } = chemistry.cell();
        let (ah, n, (charge, discharge)) = (self.capacity(), f64::from(cells), RATES[self.0[4]]);
        format!(
            "declared:\n  {{ chemistry: {}, cells: {cells}, capacity: {ah} Ah, max-charge-voltage: {most:.1} V, min-voltage: {:.1} V,\n    \
             cell-over-voltage: {over} V, cell-under-voltage: {under} V, max-charge-current: {:.0} A,\n    \
             max-discharge-current: {:.0} A, max-temperature: 55 °C }}\n",
            chemistry.name(),
            n * empty,
            charge * ah,
            discharge * ah
        )
    }

    /// V: that for which it has cells enough.
    fn system(&self) -> f64 {
        let (chemistry, cells) = self.build();
        let charged = f64::from(cells) * chemistry.cell().charged;
        [12.0, 24.0].into_iter().find(|volts| charged <= 1.4 * volts).unwrap_or(48.0)
    }

    /// Half a volt is one of 48 V, and 20 minutes are those of the smallest.
    fn strategy(&self) -> String {
        let half = (0.5 * self.system() / 48.0 * 10.0).floor() / 10.0;
        STRATEGIES[self.0[0]]
            .1
            .replace("0.5 V", &format!("{half} V"))
            .replace("20 min", ABSORPTION[self.0[2]])
    }

    fn wire(&self) -> String {
        let (_, period, slow) = PERIODS[self.0[3]];
        format!("{{ period: {period}, slow-period: {slow} }}")
    }

    /// What is said of it in a line.
    fn title(&self) -> String {
        let ((chemistry, cells), strategy) = (self.build(), STRATEGIES[self.0[0]].0);
        format!("{cells} cells of {}, {} Ah, {strategy}", chemistry.name().to_uppercase(), self.capacity())
    }

    /// Its battery file.
    pub(super) fn file(&self) -> String {
        let [charged, borne] = self.most();
        format!(
            "battery: {}\ntitle: \"{}\"\nexpect: pass\n{}simulated:\n  strategy: {{ {} }}\n  wire: {}\n",
            self.name(),
            self.title(),
            self.declared(charged.min(borne)),
            self.strategy(),
            self.wire(),
        )
    }

    /// The file of one like it, with this fault of the catalogue; nothing where the fault is not one of a model, or where no
    /// inverter bears it.
    fn with(&self, fault: &BatteryFile, reference: &BatteryFile) -> Option<String> {
        let Expectation::Fail(expect) = &fault.expect else { return None };
        let own = BatteryFile::parse("a battery of the zoo", &self.file()).ok()?;
        let mut over = carried::over(fault, reference, &own)?;
        let [charged, borne] = self.most();
        let most = match carried::declares(fault, reference, &own) {
            Some(most) if most > borne => return None,
            Some(most) => most,
            None => charged.min(borne),
        };
        let strategy = over
            .remove("strategy")
            .map_or_else(|| format!("{{ {} }}", self.strategy()), |new| new.to_string());
        let mut text = format!(
            "battery: {fault}-{}\ntitle: \"{}, with the fault of {fault}\"\nexpect: {{ fail: [{}] }}\n{}simulated:\n  \
             strategy: {strategy}\n",
            self.name(),
            self.title(),
            expect.join(", "),
            self.declared(most),
            fault = fault.declared.name,
        );
        // What the fault says of the wire goes before what the make says.
        let wire = over.remove("wire").and_then(|wire| wire.as_object().cloned()).unwrap_or_default();
        let (_, period, slow) = PERIODS[self.0[3]];
        let own =
            [("period", period), ("slow-period", slow)].map(|(key, value)| (key.to_owned(), value.into()));
        let wire: serde_json::Map<_, _> = own.into_iter().chain(wire).collect();
        over.insert("wire".to_owned(), wire.into());
        for (key, value) in over {
            text += &format!("  {key}: {value}\n");
        }
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_two_values_of_two_axes_meet_in_at_most_120_batteries() {
        let members = members();
        assert!(members.len() <= 120, "{}", members.len());
        let met: BTreeSet<_> = members.iter().flat_map(Member::pairs).collect();
        for (i, &ni) in AXES.iter().enumerate() {
            for (j, &nj) in AXES.iter().enumerate().take(i) {
                for pair in (0..ni).flat_map(|a| (0..nj).map(move |b| [(j, b), (i, a)])) {
                    assert!(met.contains(&pair), "{pair:?}");
                }
            }
        }
        let names: BTreeSet<_> = members.iter().map(Member::name).collect();
        assert_eq!(names.len(), members.len(), "each has a name of its own");
    }

    #[test]
    fn each_is_a_battery_that_can_be_simulated_and_so_is_each_with_a_fault() {
        let library =
            files::Library::find(std::path::Path::new(env!("CARGO_MANIFEST_DIR"))).expect("the project");
        let catalogue = library.batteries().expect("a folder");
        let catalogue: Vec<_> =
            catalogue.iter().map(|path| library.read_battery(path).expect("a battery")).collect();
        let faulty = catalogue.iter().filter(|battery| battery.expect != Expectation::Pass).count();
        let texts = Zoo::Whole.files(&catalogue);
        assert_eq!(texts.len(), members().len() + EACH_FAULT * faulty);
        for file in texts {
            let battery = BatteryFile::parse("zoo.yaml", &file);
            let battery = battery.unwrap_or_else(|error| panic!("{error}\n{file}"));
            sim::check_battery(&battery).unwrap_or_else(|error| panic!("{error}\n{file}"));
        }
    }
}
