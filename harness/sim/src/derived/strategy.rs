//! Each compliant strategy with its numbers where a battery file says its name and no more: levels as the reference battery has
//! them, and in proportion to cells and ampere hours.

use super::{CLEAR, TARGET, Top};

/// What the numbers of a strategy are made of.
pub(super) struct Anchors<'a> {
    /// levels of one cell at the top
    pub(super) top: &'a Top,
    /// in series
    pub(super) cells: f64,
    /// the ohmic resistance of the pack, mΩ
    pub(super) resistance: f64,
}

/// The least step that CVL can make on the wire, V (P 2 §0x351).
const LSB: f64 = 0.1;
/// Cells of the battery whose gains are scaled.
const REFERENCE: f64 = 16.0;

impl Anchors<'_> {
    /// A voltage of one cell, so many ends below `bulk`.
    fn cell(&self, ends: f64) -> String {
        format!("{:.4} V", self.top.below(ends))
    }

    /// CVL in bulk: no higher than what the cells are charged to.
    fn bulk(&self) -> f64 {
        (self.cells * self.top.bulk / LSB + 1e-6).floor() * LSB
    }

    /// CVL lower by so much for each cell, on a step of the wire and one step lower at least: what rounds away on a pack of few
    /// cells is much of a cell that is steep. So are two such falls one below the other.
    fn lower(&self, by: f64, falls: f64) -> String {
        let steps = (self.cells * by / LSB).round().max(1.0);
        format!("{:.1} V", self.bulk() - falls * steps * LSB)
    }

    fn floor(&self) -> String {
        self.lower(self.top.bulk - self.top.floor, 1.0)
    }

    /// A zone, so many ends wide, in which nothing is done, mV. One step of CVL moves a lone cell of LFP by 90 mV, and each of
    /// a steep kind by its share: a zone that is narrower leaves a controller between two steps for ever. A second step is for what
    /// the wire rounds at both ends and for noise.
    fn zone(&self, ends: f64) -> f64 {
        1e3 * (ends * self.top.end).max(2.0 * LSB / self.cells)
    }

    /// The step that protects, where it is due and where it may come again: so many ends below where the loop has it.
    fn protect(&self, due: f64, again: f64) -> String {
        let at = |ends: f64| self.top.step - ends * self.top.end;
        format!(
            "step-down: {{ cell: {:.4} V, rearm: {:.4} V, resistance: {:.4} mΩ }}",
            at(due),
            at(again),
            self.resistance
        )
    }
}

/// The numbers of a strategy of this name; nothing where they cannot be known (a defect is told in full). `law` is that of a
/// sum over the cells.
pub(super) fn text(name: &str, law: Option<&str>, anchors: &Anchors<'_>) -> Option<String> {
    let a = anchors;
    let in_series = a.cells / REFERENCE;
    let (bulk, floor) = (format!("{:.1} V", a.bulk()), a.floor());
    let fall = (4.0 * in_series).floor().max(1.0) / 10.0;
    let margin = (0.2 * in_series).max(0.1);
    Some(match name {
        "cell-loop" => format!(
            "{{ bulk: {bulk}, floor: {floor}, target: {}, band-above: {:.3} mV, band-below: {:.3} mV, period: 24 s, filter: 10 s, \
             proportional: {}, integral: {}, max-rise: 100 mV, max-fall: {fall:.1} V, hold-when-discharging: 0.1 C, \
             clear: {}, {} }}",
            a.cell(TARGET),
            a.zone(1.6) / 4.0,
            a.zone(1.6) * 3.0 / 4.0,
            4.0 * in_series,
            0.3 * in_series,
            a.cell(CLEAR),
            a.protect(0.0, 0.8)
        ),
        "cell-pi" => format!(
            "{{ bulk: {bulk}, floor: {floor}, target: {}, filter: 10 s, proportional: {}, reset: 300 s, dead-zone: {:.3} mV, \
             most-error: 200 mV, hold-when-discharging: 0.1 C, {} }}",
            a.cell(2.0),
            3.0 * in_series,
            a.zone(1.6) / 2.0,
            a.protect(1.4, 2.2)
        ),
        "cell-sum" => {
            let law = match law {
                Some("clipped") => format!("clipped: {{ resistance: {:.4} mΩ }}", a.resistance),
                _ => "penalty: { gain: 0.5 }".to_owned(),
            };
            format!(
                "{{ law: {{ {law} }}, bulk: {bulk}, floor: {floor}, limit: {}, rise-below: {:.4} V, period: 60 s, \
                 max-rise: 100 mV, max-fall: {fall:.1} V, hold-when-discharging: 0.03 C, {} }}",
                a.cell(2.0),
                a.top.below(2.0) - 1e-3 * a.zone(0.7),
                a.protect(1.4, 2.2)
            )
        }
        "lower-when-full" => format!(
            "{{ bulk: {bulk}, full: {}, floor: {floor}, full-cell: {}, tail: 0.05 C, high-cell: {}, step: 0.1 V, period: 24 s, \
             release: 5 %, {} }}",
            a.lower(2.0 * a.top.end, 1.0),
            a.cell(0.6),
            a.cell(0.0),
            a.protect(0.0, 0.8)
        ),
        "float" => format!(
            "{{ absorption: {}, float: {}, floor: {floor}, margin: {margin:.2} V, span: 20 min, high-cell: {}, step: 0.1 V, \
             period: 24 s, rebulk: 5 %, {} }}",
            a.lower(a.top.end, 1.0),
            a.lower(a.top.end, 2.0),
            a.cell(0.6),
            a.protect(0.6, 1.4)
        ),
        "ramp" => format!(
            "{{ bulk: {bulk}, floor: {floor}, start: {}, end: {:.4} V, filter: 10 s, period: 20 s, hysteresis: {:.3} mV }}",
            a.cell(TARGET),
            a.top.below(TARGET) + 0.6 * (a.top.bulk - a.top.floor),
            a.zone(1.8)
        ),
        "three-modes" => format!(
            "{{ absorption: {}, float: {}, floor: {floor}, limit: {}, rise-below: {:.4} V, margin: {margin:.2} V, even: 10 mV, \
             span: 15 min, way-down: 5 min, rebulk: 10 %, period: 60 s, hold-when-discharging: 0.03 C, {} }}",
            a.lower(a.top.end, 1.0),
            a.lower(a.top.end, 2.0),
            a.cell(0.8),
            a.top.below(0.8) - 1e-3 * a.zone(1.8),
            a.protect(-0.2, 0.8)
        ),
        "series-packs" => format!(
            "{{ bulk: {}, floor: {:.4} V, limit: {}, rise-below: {:.4} V, gain: {}, rise: {:.4} V, period: 5 s }}",
            a.cell(0.4),
            a.top.floor,
            a.cell(0.4),
            a.top.below(0.4) - 1e-3 * a.zone(1.8),
            2.0 * in_series,
            // A pack of few cells rises by its share: what it is asked for stands for one cell.
            0.05 * in_series
        ),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proto::chemistry::Chemistry;
    use rstest::rstest;

    use super::*;

    /// One step of CVL moves a lone cell of LFP by 90 mV: packs that are asked in turn neither lower nor raise CVL within that, and
    /// raise it for one cell as fast as the packs of 16 cells do.
    #[rstest]
    #[case::twelve_volts(4, 14.2)]
    #[case::twenty_four(8, 28.4)]
    #[case::forty_eight(16, 56.8)]
    fn packs_in_series_do_not_hunt_between_two_steps(#[case] cells: u16, #[case] most: f64) {
        let file = format!(
            "battery: b\ntitle: t\nexpect: pass\ndeclared: {{ chemistry: lfp, cells: {cells}, capacity: 280 Ah, \
             max-charge-voltage: {most} V, min-voltage: {} V, cell-over-voltage: 3.65 V, cell-under-voltage: 2.5 V, \
             max-charge-current: 140 A, max-discharge-current: 200 A, max-temperature: 55 °C }}\n",
            2.8 * f64::from(cells)
        );
        let battery = files::BatteryFile::parse("b.yaml", &file).expect("a good battery");
        let top = Top::of(&battery.declared, Chemistry::Lfp);
        let anchors = Anchors { top: &top, cells: f64::from(cells), resistance: 3.5 };
        let numbers = text("series-packs", None, &anchors).expect("a strategy");
        let volts = |key: &str| -> f64 {
            let (_, rest) = numbers.split_once(&format!(" {key}: ")).expect("a key");
            rest.split_once(" V").expect("volts").0.parse().expect("a number")
        };
        let zone = volts("limit") - volts("rise-below");
        assert!(zone >= 0.09 - 1e-6, "{zone} V");
        let rise = volts("rise") / f64::from(cells);
        assert!((rise - 0.05 / 16.0).abs() < 1e-6, "{rise} V");
    }
}
