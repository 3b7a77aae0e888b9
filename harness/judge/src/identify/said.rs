//! The law in sentences that a developer of a battery can use. Each figure says how it was found; `docs/diagnosis.md` says what
//! each sentence means.

use proto::quantity::{Micros, Volts};

use super::{Answer, Cause, CellLaw, Cycle, Drift, Follows, Law, Margin};

/// A scatter of a cell that says that no level of it counts.
const TOLD: Volts = Volts(0.003);

impl Law {
    /// What is known, a sentence each: first what goes wrong, then how the law works, then how much room it has. Empty where
    /// the evidence tells nothing.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        let mut all = Vec::new();
        all.extend(self.follows.map(follows));
        all.extend(self.drift.map(drift));
        all.extend(self.cycle.map(cycle));
        all.extend(self.works());
        // Of a CVL that copies something else no answer to the cell is told.
        if self.follows.is_none() {
            all.extend(self.answer.map(answer));
            all.extend(self.margin.filter(|_| self.cycle.is_none()).map(margin));
        }
        all
    }

    /// When it changes, where it begins, how it goes on and where it rests.
    fn works(&self) -> Option<String> {
        if self.constant {
            return Some(format!("CVL stands in all {} cases: a constant, which cannot swing", self.cases));
        }
        let mut parts = Vec::new();
        if let Some(clock) = self.clock {
            parts.push(format!(
                "changes at multiples of {} ({} of {})",
                secs(clock.period),
                clock.fits,
                clock.of
            ));
        } else if self.each_frame {
            parts.push("changes from one frame to the next".to_owned());
        }
        if let Some(onset) = self.onset {
            let scatter = millivolts(onset.scatter);
            let about = if scatter == "0 mV" { String::new() } else { format!(" ± {scatter}") };
            parts.push(format!(
                "first falls with the highest cell at {:.3} V{about} ({} cases)",
                onset.cell.0, onset.cases
            ));
        }
        if let Some(ramp) = self.ramp {
            parts.push(format!("goes down by {:.1} V each {}", ramp.step.0, secs(ramp.every)));
        }
        if let Some(rest) = self.rest {
            parts.push(format!("rests at {:.1} V in {} of {} cases", rest.cvl.0, rest.cases, rest.of));
        }
        (!parts.is_empty()).then(|| format!("CVL {}", parts.join(", ")))
    }
}

fn follows(found: Follows) -> String {
    match found {
        Follows::Voltage { slope, delay, .. } => format!(
            "CVL follows the battery voltage where loads move it: {slope:.2} V for a volt, {}a copy of what is \
             measured, not a limit that the cells set",
            if delay == Micros::ZERO { String::new() } else { format!("within {}: ", secs(delay)) }
        ),
        Follows::Current { slope, discharge, .. } => format!(
            "CVL follows the {} by {:.1} mΩ, at once where loads move it: derive it from cells at rest, without what the current drops",
            if discharge { "discharge" } else { "current" },
            slope.0 * 1e3
        ),
    }
}

fn cycle(found: Cycle) -> String {
    let Cycle { period, height, turns, cell, scatter_of_cell, .. } = found;
    let (height, period) = (format!("{:.1} V", height.0), secs(period));
    let pulse = found.shorter.secs() <= 0.1 * found.period.secs();
    match (found.by, found.relay) {
        (Some(Cause::Clock), true) if pulse => format!(
            "CVL jumps by {height} for {} at fixed {period}, whatever the cells do: a clock sets it anew; let it go on from where it is",
            secs(found.shorter)
        ),
        (Some(Cause::Clock), true) if scatter_of_cell >= TOLD => format!(
            "edges of {height} at fixed {period}, not at a cell level (the highest cell at an edge scatters by ± {}): a relay on a clock, \
             without hysteresis; hold CVL until the wanted value has left it by 0.15 V",
            millivolts(scatter_of_cell)
        ),
        (Some(Cause::Clock), _) => {
            format!("CVL goes to and fro by {height} at fixed {period}: a clock moves it, not the cells")
        }
        (Some(Cause::Level), _) => format!(
            "CVL swings by {height} with a period of {period} and turns by the highest cell: down at {:.3} V, up at {:.3} V, of {} that \
             the cell moves: a loop without margin; less gain, or updates further apart",
            turns[0].0,
            turns[1].0,
            millivolts(cell)
        ),
        (None, _) => format!(
            "CVL goes to and fro by {height} with a period of about {period} while nothing is switched"
        ),
    }
}

fn drift(found: Drift) -> String {
    let falls = found.slope.0 < 0.0;
    format!(
        "CVL {} by {:.2} V/h on a straight line while nothing flows ({:.1} A on average over {}): {}",
        if falls { "falls" } else { "rises" },
        found.slope.0.abs(),
        found.current.0,
        secs(found.length),
        if falls {
            "an integrator without anti-windup, or a floor that is a float target"
        } else {
            "an integrator that nothing stops"
        }
    )
}

fn answer(found: Answer) -> String {
    let lag = if found.lag == Micros::ZERO {
        String::new()
    } else {
        format!(", filtered by about {}", secs(found.lag))
    };
    match found.law {
        CellLaw::Proportional { gain, .. } => {
            format!(
                "CVL is a straight line of the highest cell: {gain:.1} V down for a volt of the cell{lag}"
            )
        }
        CellLaw::Integral { gain, level, .. } => {
            format!(
                "CVL integrates the highest cell: {gain:.1} V for a volt above {:.3} V each {}{lag}",
                level.0,
                secs(found.every)
            )
        }
    }
}

fn margin(found: Margin) -> String {
    let decibels = 20.0 * libm::log10(found.gain.max(1e-3));
    let (period, room) = (secs(found.period), decibels.abs());
    if found.gain <= 1.0 {
        return format!(
            "the loop with the highest cell has no margin: it swings at a period of about {period}, by {room:.0} dB"
        );
    }
    let phase = found.phase.map_or(String::new(), |phase| format!(", {phase:.0}° of phase"));
    format!("the loop with the highest cell has {room:.0} dB left at a period of {period}{phase}")
}

/// A time as people say it: to a second below two minutes, else to a tenth of a minute.
fn secs(time: Micros) -> String {
    match time.secs() {
        s if s < 9.95 && (s - s.round()).abs() > 0.05 => format!("{s:.1} s"),
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7200.0 => format!("{} min", (s / 6.0).round() / 10.0),
        s => format!("{} h", (s / 360.0).round() / 10.0),
    }
}

fn millivolts(volts: Volts) -> String {
    format!("{:.0} mV", volts.0 * 1e3)
}
