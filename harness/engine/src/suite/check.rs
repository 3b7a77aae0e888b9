//! What can be known to be wrong with a case before anything is energised.

use judge::catalogue;
use judge::requirement::Requirement;
use proto::channel::Channel;
use proto::quantity::Watts;
use proto::stimulus::Stimulus;

use super::condition::{Bounds, Condition, Test};
use super::step::{Does, Op, Step, each, marks};
use super::{Case, bind};
use crate::bench::Capability;
use crate::yaml::{Position, Reader, nearest};

/// Deepest nesting of `repeat`.
const NESTING: usize = 4;

/// Notes everything that cannot work in a case whose every line was read. `start` and `trace` are where those
/// parts of the case begin.
pub(super) fn case(case: &Case, start: Position, trace: Position, reader: &mut Reader) {
    if bind::operations(&case.steps) > bind::MOST_OPERATIONS {
        let at = case.steps.first().map_or(start, |step| step.at);
        let expected = format!("at most {} with every `repeat` written out", bind::MOST_OPERATIONS);
        reader.refuse(at, "the case has too many steps", expected);
        return;
    }
    nesting(&case.steps, 0, reader);
    needs(case, start, reader);
    expectations(&case.steps, case, reader);
    named_marks(case, trace, reader);
    let mut world = World::new(case);
    world.walk(&case.steps, reader);
}

fn needs(case: &Case, start: Position, reader: &mut Reader) {
    let need = |what: &str, capability: Capability, at: Position, reader: &mut Reader| {
        if !case.needs.contains(&capability) {
            let name = capability.name();
            reader.refuse(
                at,
                format!("{what} needs `{name}`"),
                format!("`{name}` in `needs` of the suite or the case"),
            );
        }
    };
    let begin = &case.start;
    let at_start = [
        ("`pv` in `start`", begin.pv > Watts::ZERO, Capability::Pv),
        ("`grid: on` in `start`", begin.grid, Capability::Grid),
        ("`feed-in: on` in `start`", begin.feed_in, Capability::Gx),
        ("`ac-load` in `start`", begin.ac_load > Watts::ZERO, Capability::AcLoad),
        ("`imbalance` in `start`", begin.imbalance.0 > 0.0, Capability::Imbalance),
        ("`input-current-limit` in `start`", begin.input_current_limit.is_some(), Capability::Gx),
    ];
    for (what, asked, capability) in at_start {
        if asked {
            need(what, capability, start, reader);
        }
    }
    each(&case.steps, &mut |step| {
        if let Some(capability) = step.needs {
            need(&format!("`{}`", step.verb), capability, step.at, reader);
        }
        for op in step.ops() {
            if let Op::Until { condition, .. } = op
                && let Some(capability) = condition.needs()
            {
                need(&format!("the condition `{condition}`"), capability, step.at, reader);
            }
        }
    });
}

fn nesting(steps: &[Step], depth: usize, reader: &mut Reader) {
    for step in steps {
        let Does::Repeat { steps, .. } = &step.does else { continue };
        if depth < NESTING {
            nesting(steps, depth + 1, reader);
        } else {
            let expected = format!("at most {NESTING} inside each other");
            reader.refuse(step.at, "`repeat` inside too many others", expected);
        }
    }
}

/// What a test of one's own is judged as, each once.
pub(super) fn own(steps: &[Step]) -> Vec<&'static Requirement> {
    let mut own = Vec::new();
    each(steps, &mut |step| {
        if let [Op::Until { requirement: Some(requirement), .. }] = step.ops()
            && catalogue::find(requirement.id).is_none()
            && !own.contains(requirement)
        {
            own.push(*requirement);
        }
    });
    own
}

fn expectations(steps: &[Step], case: &Case, reader: &mut Reader) {
    each(steps, &mut |step| {
        if let [Op::Until { requirement: Some(requirement), .. }] = step.ops()
            && !case.requirements.contains(requirement)
        {
            reader.refuse(
                step.at,
                format!("`{}` is expected here but not among the case's requirements", requirement.id),
                format!("`{}` in `requirements`", requirement.id),
            );
        }
    });
}

fn named_marks(case: &Case, trace: Position, reader: &mut Reader) {
    let marks = marks(&case.steps);
    let mut seen: Vec<String> = Vec::new();
    each(&case.steps, &mut |step| {
        if let [Op::Mark(name)] = step.ops() {
            if seen.contains(name) {
                reader.refuse(step.at, format!("`mark: {name}` is set a second time"), "a name of its own");
            }
            seen.push(name.clone());
        }
    });
    let Some(from) = case.snapshot.as_ref().and_then(|s| s.from.as_ref()) else { return };
    if !marks.contains(from) {
        let expected = match (nearest(from, marks.iter().map(String::as_str)), marks.first()) {
            (Some(near), _) => format!("`{near}`"),
            (None, Some(first)) => format!("a mark such as `{first}`"),
            (None, None) => format!("a step `mark: {from}`"),
        };
        reader.refuse(trace, format!("`from: {from}` names a mark that no step sets"), expected);
    }
}

/// What is known of the world from the steps alone.
#[derive(Debug, Clone, Copy)]
struct World {
    pv: bool,
    ac_pv: bool,
    ac_load: bool,
    grid: bool,
    /// state of charge lies within, in percent
    soc: (f64, f64),
}

impl World {
    fn new(case: &Case) -> Self {
        let start = &case.start;
        Self {
            pv: start.pv > Watts::ZERO,
            ac_pv: start.ac_pv > Watts::ZERO,
            ac_load: start.ac_load > Watts::ZERO,
            grid: start.grid,
            soc: (start.soc.0, start.soc.0),
        }
    }

    fn walk(&mut self, steps: &[Step], reader: &mut Reader) {
        for step in steps {
            self.step(step, reader);
        }
    }

    fn step(&mut self, step: &Step, reader: &mut Reader) {
        if let Does::Repeat { times, steps } = &step.does {
            // The second round begins where the first ended; a third begins no other way.
            (0..(*times).min(2)).for_each(|_| self.walk(steps, reader));
        }
        for op in step.ops() {
            match op {
                &Op::Apply(stimulus) => self.change(stimulus),
                Op::Ramp { to, .. } => {
                    self.pv = *to > Watts::ZERO;
                    self.time_passes();
                }
                Op::Hold(_) => self.time_passes(),
                Op::Until { condition, .. } => self.wait(step, condition, reader),
                // Whoever is asked may do anything.
                Op::Ask { .. } => self.soc = (0.0, 100.0),
                Op::Mark(_) => {}
            }
        }
    }

    fn change(&mut self, stimulus: Stimulus) {
        match stimulus {
            Stimulus::Pv(power) => self.pv = power > Watts::ZERO,
            Stimulus::AcPv(power) => self.ac_pv = power > Watts::ZERO,
            Stimulus::AcLoad(power) => self.ac_load = power > Watts::ZERO,
            Stimulus::Grid(on) => self.grid = on,
            _ => {}
        }
    }

    fn time_passes(&mut self) {
        if self.pv || self.ac_pv || self.grid {
            self.soc.1 = 100.0;
        }
        if self.ac_load || self.grid {
            self.soc.0 = 0.0;
        }
    }

    fn wait(&mut self, step: &Step, condition: &Condition, reader: &mut Reader) {
        if contradicts(condition) {
            reader.refuse(
                step.at,
                format!("`{condition}` contradicts itself"),
                "conditions of `all` that can hold together",
            );
        } else if let Some((why, expected)) = self.unreachable(condition) {
            reader.refuse(step.at, format!("`{condition}` is never reached: {why}"), expected);
        }
        self.time_passes();
    }

    /// Why a condition cannot come true here, and what would let it.
    fn unreachable(&self, condition: &Condition) -> Option<(&'static str, &'static str)> {
        const NO_SOURCE: (&str, &str) = ("PV is off and the grid is cut", "`pv` or `grid: on` before it");
        const NO_SINK: (&str, &str) = ("there is no load and no grid", "`ac-load` or `grid: on` before it");
        let (source, sink) = (self.pv || self.ac_pv || self.grid, self.ac_load || self.grid);
        match &condition.0 {
            Test::All(items) => items.iter().find_map(|item| self.unreachable(item)),
            Test::Any(items) => {
                let mut reasons = items.iter().map(|item| self.unreachable(item));
                let first = reasons.next()??;
                reasons.all(|r| r.is_some()).then_some(first)
            }
            Test::Full if !source && self.soc.1 < 90.0 => Some(NO_SOURCE),
            Test::Is(Channel::GridConnected, true) if !self.grid => {
                Some(("the grid is cut", "`grid: on` before it"))
            }
            Test::Is(Channel::GridConnected, false) if self.grid => {
                Some(("the grid is on", "`grid: off` before it"))
            }
            &Test::Within(which, Bounds { at_least, at_most }) => match which {
                Channel::Soc if at_least > self.soc.1 && !source => Some(NO_SOURCE),
                Channel::Soc if at_most < self.soc.0 && !sink => Some(NO_SINK),
                Channel::PackCurrent if at_least > 0.0 && !source => Some(NO_SOURCE),
                Channel::PackCurrent if at_most < 0.0 && !sink => Some(NO_SINK),
                Channel::PvPower if at_least > 0.0 && !self.pv => Some(("PV is off", "`pv` before it")),
                Channel::GridPower if (at_least > 0.0 || at_most < 0.0) && !self.grid => {
                    Some(("the grid is cut", "`grid: on` before it"))
                }
                _ => None,
            },
            _ => None,
        }
    }
}

/// Whether some `all` asks for what cannot hold together.
fn contradicts(condition: &Condition) -> bool {
    match &condition.0 {
        Test::Any(items) => items.iter().any(contradicts),
        Test::All(items) => {
            let mut parts = Vec::new();
            flatten(items, &mut parts);
            items.iter().any(contradicts)
                || parts.iter().enumerate().any(|(i, a)| parts[..i].iter().any(|b| excludes(a, b)))
        }
        _ => false,
    }
}

fn flatten<'c>(items: &'c [Condition], parts: &mut Vec<&'c Test>) {
    for item in items {
        match &item.0 {
            Test::All(inner) => flatten(inner, parts),
            other => parts.push(other),
        }
    }
}

fn excludes(a: &Test, b: &Test) -> bool {
    match (a, b) {
        (Test::Is(x, a), Test::Is(y, b)) => x == y && a != b,
        (Test::Battery(a), Test::Battery(b)) => a != b,
        (Test::Within(x, a), Test::Within(y, b)) => {
            x == y && a.at_least.max(b.at_least) > a.at_most.min(b.at_most)
        }
        // Export is nothing that a cut grid takes, and import nothing that it gives.
        (Test::Within(Channel::GridPower, bounds), Test::Is(Channel::GridConnected, false))
        | (Test::Is(Channel::GridConnected, false), Test::Within(Channel::GridPower, bounds)) => {
            bounds.at_least > 0.0 || bounds.at_most < 0.0
        }
        _ => false,
    }
}
