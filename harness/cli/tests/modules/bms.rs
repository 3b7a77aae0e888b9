//! Modules side by side: a hot one is opened, the highest cell of each is drained, their currents are one.

use std::process::ExitCode;

use busbar_bms::{Answer, Bms, Hello, Turn, run};

struct Modules;

impl Bms for Modules {
    const MODULES: usize = 3;

    fn start(_: &Hello) -> Self {
        Self
    }

    fn turn(&mut self, seen: &Turn, answer: &mut Answer) {
        for (module, switches) in seen.modules.iter().zip(&mut answer.modules) {
            let (_, (highest, _)) = module.extremes();
            switches.balance = (1..=module.cells.len()).map(|cell| if cell == highest { 0.1 } else { 0.0 }).collect();
            switches.contactor = module.temperatures[0] < 60.0;
        }
        answer.measurements(seen.terminals, seen.modules.iter().map(|module| module.current).sum(), 20.0);
        answer.state("modules", seen.modules.len());
    }
}

fn main() -> ExitCode {
    run::<Modules>("modules", true)
}
