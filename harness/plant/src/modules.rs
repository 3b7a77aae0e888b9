//! The modules of a battery: strings of cells side by side on one bus, each behind a contactor of its own. Most batteries
//! have one.
//!
//! What is broken or out of balance is so in the first module, as a laboratory would do it to one; what sensors are made to
//! read they read in each.

use proto::quantity::{Amps, Micros};

use crate::contactor::Contactor;
use crate::inverter::larger;
use crate::pack::{Account, Pack, Slice, Source};
use crate::params::CableParams;

/// A string of cells behind its contactor.
#[derive(Debug, Clone)]
pub(crate) struct Module {
    pub(crate) pack: Pack,
    pub(crate) contactor: Contactor,
    /// positive when it charges
    amps: f64,
    /// the most of it since it was counted last
    most: f64,
    /// when its charge was counted last, and what it was then, C
    counted: (Micros, f64),
}

impl Module {
    /// Current through its cells, positive when it charges, A.
    pub(crate) fn amps(&self) -> f64 {
        self.amps
    }

    /// The mean of the current since it was asked for last, and the most of it, A; `stepped` is the end of the last slice. A count of
    /// single moments would see a tracker that scans once a minute always, or never.
    pub(crate) fn mean_and_most(&mut self, stepped: Micros) -> (f64, f64) {
        let (since, before) = self.counted;
        let passed = self.pack.account().passed;
        let span = stepped.since(since).secs();
        self.counted = (stepped, passed);
        let mean = if span > 0.0 { (passed - before) / span } else { self.amps };
        (mean, core::mem::replace(&mut self.most, self.amps))
    }

    fn pass(&mut self, amps: f64, slice: &Slice) {
        self.amps = amps;
        self.most = larger(self.most, amps);
        self.pack.step(amps, slice);
    }

    /// Voltage on the cells' side of its contactor, V.
    pub(crate) fn terminals(&self) -> f64 {
        self.pack.emf() + self.amps * self.pack.ohms()
    }
}

/// All of them, one at least.
#[derive(Debug, Clone)]
pub(crate) struct Modules(Vec<Module>);

impl Modules {
    pub(crate) fn new(packs: impl IntoIterator<Item = Pack>, cables: &CableParams) -> Self {
        let module = |pack| Module {
            pack,
            contactor: Contactor::new(cables),
            amps: 0.0,
            most: 0.0,
            counted: (Micros::ZERO, 0.0),
        };
        Self(packs.into_iter().map(module).collect())
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Module> {
        self.0.iter_mut()
    }

    /// The one with the odd cell, whose parts break.
    pub(crate) fn first(&mut self) -> &mut Module {
        &mut self.0[0]
    }

    fn on_the_bus(&self) -> impl Iterator<Item = &Module> {
        self.0.iter().filter(|module| module.contactor.closed())
    }

    /// Whether one of them is on the bus.
    pub(crate) fn closed(&self) -> bool {
        self.on_the_bus().next().is_some()
    }

    /// When the next contactor changes; never, while all stay.
    #[inline]
    pub(crate) fn due(&self) -> Micros {
        self.0.iter().fold(Micros::NEVER, |first, module| first.min(module.contactor.due()))
    }

    /// Those contactors change that are due at this time; whether the bus was left alone by that.
    pub(crate) fn switch(&mut self, due: Micros) -> bool {
        let before = self.closed();
        for module in self.0.iter_mut().filter(|module| module.contactor.due() <= due) {
            if !module.contactor.switch() {
                module.amps = 0.0;
            }
        }
        before && !self.closed()
    }

    /// What a time does to the filters of the cells.
    pub(crate) fn slice(&self, span: Micros) -> Slice {
        self.0[0].pack.slice(span)
    }

    /// What those on the bus are together, as the mean over a slice with constant currents; nothing where none is.
    #[inline]
    pub(crate) fn source(&self, slice: &Slice) -> Option<Source> {
        // One has nobody beside it.
        if let [module] = &self.0[..] {
            return module.contactor.closed().then(|| module.pack.source(slice));
        }
        self.on_the_bus().map(|module| module.pack.source(slice)).reduce(Source::beside)
    }

    /// A slice with a current of all together, which they share as their voltages and resistances have it.
    #[inline]
    pub(crate) fn step(&mut self, amps: f64, slice: &Slice) {
        // One has nobody to share with.
        if let [module] = &mut self.0[..] {
            let amps = if module.contactor.closed() { amps } else { 0.0 };
            return module.pass(amps, slice);
        }
        let several = self.on_the_bus().nth(1).is_some();
        let joined = several.then(|| self.source(slice)).flatten().map(|all| all.volts + amps * all.ohms);
        for module in &mut self.0 {
            let amps = match (module.contactor.closed(), joined) {
                (false, _) => 0.0,
                (true, None) => amps,
                (true, Some(volts)) => {
                    let own = module.pack.source(slice);
                    (volts - own.volts) / own.ohms
                }
            };
            module.pass(amps, slice);
        }
    }

    /// Brings all cells up to now; `drains` of one after another.
    pub(crate) fn look(&mut self, seconds: f64, drains: &[Amps]) {
        let mut left = drains;
        for module in &mut self.0 {
            let (own, rest) = left.split_at(module.pack.volts().len().min(left.len()));
            module.pack.look(module.amps, seconds, own);
            left = rest;
        }
    }

    /// Room and cells get this temperature, °C.
    pub(crate) fn acclimatise(&mut self, celsius: f64) {
        self.0.iter_mut().for_each(|module| module.pack.acclimatise(celsius));
    }

    /// Mean state of charge, 1 being full.
    pub(crate) fn soc(&self) -> f64 {
        self.0.iter().map(|module| module.pack.soc()).sum::<f64>() / self.0.len() as f64
    }

    /// Voltage on the cells' side of a contactor that is closed, of any where none is, V.
    pub(crate) fn terminals(&self) -> f64 {
        self.on_the_bus().next().unwrap_or(&self.0[0]).terminals()
    }

    /// Charge in all cells, C, summed.
    pub(crate) fn held(&self) -> f64 {
        self.0.iter().map(|module| module.pack.held()).sum()
    }

    /// Energy in all cells, J.
    pub(crate) fn stored(&self) -> f64 {
        self.0.iter().map(|module| module.pack.stored()).sum()
    }

    /// Sums of all until now.
    pub(crate) fn account(&self) -> Account {
        self.0.iter().map(|module| module.pack.account()).fold(Account::default(), Account::and)
    }
}

#[cfg(test)]
mod tests {
    use proto::quantity::{AmpHours, Percent};

    use super::*;
    use crate::pack::STEP;
    use crate::params::Params;
    use crate::rng::Rng;

    fn modules(socs: &[f64], capacity: f64) -> Modules {
        let p = Params::default();
        let mut rng = Rng::new(1, 0);
        let pack = |&soc: &f64| Pack::new(&p.pack, 16, AmpHours(capacity), Percent(soc), &mut rng);
        Modules::new(socs.iter().map(pack).collect::<Vec<_>>(), &p.cables)
    }

    fn run(modules: &mut Modules, amps: f64, seconds: u32) {
        let slice = modules.slice(STEP);
        for _ in 0..seconds {
            (0..10).for_each(|_| modules.step(amps, &slice));
            modules.look(1.0, &[]);
        }
    }

    /// Kirchhoff: the currents of all are the current, and all have one voltage.
    #[test]
    fn modules_share_a_current() {
        let mut two = modules(&[60.0, 40.0], 140.0);
        run(&mut two, 50.0, 600);
        let amps: Vec<f64> = two.0.iter().map(Module::amps).collect();
        assert!((amps.iter().sum::<f64>() - 50.0).abs() < 1e-9, "{amps:?}");
        assert!(amps[1] > amps[0], "the emptier takes more: {amps:?}");
        let volts: Vec<f64> = two.0.iter().map(Module::terminals).collect();
        assert!((volts[0] - volts[1]).abs() < 1e-3, "{volts:?}");
        let passed: f64 = two.0.iter().map(|module| module.pack.account().passed).sum();
        assert!((passed - 50.0 * 600.0).abs() < 1e-6, "{passed}");
    }

    /// A current that is there for a tenth of each second, always between two looks, is counted all the same.
    #[test]
    fn charge_is_counted_between_two_looks() {
        let mut one = modules(&[50.0], 280.0);
        let slice = one.slice(STEP);
        let module = |one: &mut Modules, at| one.0[0].mean_and_most(Micros::from_secs(at));
        assert!(module(&mut one, 0).0.abs() < 1e-9);
        for second in 1..=3 {
            (0..10).for_each(|step| one.step(if step == 4 { 30.0 } else { 0.0 }, &slice));
            assert!(one.0[0].amps().abs() < 1e-9);
            let (mean, most) = module(&mut one, second);
            assert!((most - 30.0).abs() < 1e-9, "a comparator sees it");
            assert!((mean - 3.0).abs() < 1e-9, "{mean} A");
        }
        let (mean, most) = module(&mut one, 3);
        assert!(mean.abs() < 1e-9 && most.abs() < 1e-9, "no time passed: what flows now");
    }

    /// Two of half the size are what one of the whole size is, but for the scatter of its cells.
    #[test]
    fn two_halves_are_a_whole() {
        let (mut two, mut one) = (modules(&[50.0, 50.0], 140.0), modules(&[50.0], 280.0));
        run(&mut two, 100.0, 1800);
        run(&mut one, 100.0, 1800);
        assert!((two.soc() - one.soc()).abs() < 0.003, "{} {}", two.soc(), one.soc());
        assert!((two.terminals() - one.terminals()).abs() < 0.05, "{} {}", two.terminals(), one.terminals());
    }

    /// The bus is alone once the last has opened; until then the others carry all of it.
    #[test]
    fn each_opens_by_itself() {
        let mut two = modules(&[50.0, 50.0], 140.0);
        two.first().contactor.command(Micros::ZERO, false);
        let due = two.due();
        assert!(due < Micros::from_secs(1) && !two.switch(due) && two.closed());
        run(&mut two, 30.0, 10);
        let amps: Vec<f64> = two.0.iter().map(Module::amps).collect();
        assert_eq!(amps, [0.0, 30.0]);
        two.iter_mut().for_each(|module| module.contactor.command(Micros::from_secs(9), false));
        let due = two.due();
        assert!(
            due < Micros::from_secs(10)
                && two.switch(due)
                && !two.closed()
                && two.source(&two.slice(STEP)).is_none()
        );
    }
}
