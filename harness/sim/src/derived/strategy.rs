//! Each compliant strategy with its numbers where a battery file says its name and no more: per cell, and in proportion to
//! cells and ampere hours.

/// Levels of one cell that a strategy is made of, V, and the sizes of the pack.
pub(super) struct Anchors<'a> {
    /// a voltage of a cell as text, moved down with the top of the battery
    pub(super) cell: &'a dyn Fn(f64) -> String,
    /// the same for the pack, on a step of the wire
    pub(super) pack: &'a dyn Fn(f64) -> String,
    pub(super) levels: &'a Top,
    /// cells as a share of those of the reference battery
    pub(super) in_series: f64,
    /// the ohmic resistance of the pack, mΩ
    pub(super) resistance: f64,
}

/// Levels at the top of one cell, V.
pub(super) struct Top {
    pub(super) bulk: f64,
    pub(super) floor: f64,
    pub(super) target: f64,
    pub(super) clear: f64,
    pub(super) step: f64,
    pub(super) rearm: f64,
    /// the target of what is slower than the loop is so much lower
    pub(super) slower: f64,
    /// charge ends here where a lower CVL is fixed
    pub(super) charge: f64,
    /// … and absorption, which is held for a while
    pub(super) absorption: f64,
    /// the fixed lower CVL: it takes out no more than 2 % of capacity
    pub(super) float: f64,
    /// where a ramp by the highest cell ends
    pub(super) ramp_end: f64,
}

/// The numbers of a strategy of this name; nothing where they cannot be known (a defect is told in full). `law` is that of a
/// sum over the cells.
pub(super) fn text(name: &str, law: Option<&str>, anchors: &Anchors<'_>) -> Option<String> {
    let Anchors { cell, pack, levels, in_series, resistance } = anchors;
    let &Top { bulk, floor, target, clear, step, rearm, slower, charge, absorption, float, ramp_end } =
        *levels;
    let protect = |cell_at: f64, rearm: f64| {
        format!(
            "step-down: {{ cell: {}, rearm: {}, resistance: {resistance:.4} mΩ }}",
            cell(cell_at),
            cell(rearm)
        )
    };
    let (top, bottom) = (pack(bulk), pack(floor));
    let fall = (4.0 * in_series).floor().max(1.0) / 10.0;
    Some(match name {
        "cell-loop" => format!(
            "{{ bulk: {top}, floor: {bottom}, target: {}, band-above: 20 mV, band-below: 60 mV, period: 24 s, filter: 10 s, \
             proportional: {}, integral: {}, max-rise: 100 mV, max-fall: {fall:.1} V, hold-when-discharging: 0.1 C, \
             clear: {}, {} }}",
            cell(target),
            4.0 * in_series,
            0.3 * in_series,
            cell(clear),
            protect(step, rearm)
        ),
        "cell-pi" => format!(
            "{{ bulk: {top}, floor: {bottom}, target: {}, filter: 10 s, proportional: {}, reset: 300 s, dead-zone: 40 mV, \
             most-error: 200 mV, hold-when-discharging: 0.1 C, {} }}",
            cell(target - slower),
            3.0 * in_series,
            protect(step - 1.4 * slower, rearm - 1.4 * slower)
        ),
        "cell-sum" => {
            let law = match law {
                Some("clipped") => format!("clipped: {{ resistance: {resistance:.4} mΩ }}"),
                _ => "penalty: { gain: 0.5 }".to_owned(),
            };
            format!(
                "{{ law: {{ {law} }}, bulk: {top}, floor: {bottom}, limit: {}, rise-below: {}, period: 60 s, \
                 max-rise: 100 mV, max-fall: {fall:.1} V, hold-when-discharging: 0.03 C, {} }}",
                cell(target - slower),
                cell(target - 1.7 * slower),
                protect(target - 0.4 * slower, target - 1.4 * slower)
            )
        }
        "lower-when-full" => format!(
            "{{ bulk: {}, full: {}, floor: {bottom}, full-cell: {}, tail: 0.05 C, high-cell: {}, step: 0.1 V, period: 24 s, \
             release: 5 %, {} }}",
            pack(charge),
            pack(float),
            cell(charge - 0.03),
            cell(charge),
            protect(charge - 0.01, charge - 0.05)
        ),
        "float" => format!(
            "{{ absorption: {}, float: {}, floor: {bottom}, margin: {:.2} V, span: 20 min, high-cell: {}, step: 0.1 V, \
             period: 24 s, rebulk: 5 %, {} }}",
            pack(absorption),
            pack(float),
            (0.2 * in_series).max(0.1),
            cell(absorption + 0.02),
            protect(absorption + 0.01, absorption - 0.03)
        ),
        "ramp" => format!(
            "{{ bulk: {top}, floor: {bottom}, start: {}, end: {}, filter: 30 s, period: 20 s }}",
            cell(target),
            cell(ramp_end)
        ),
        "three-modes" => format!(
            "{{ absorption: {}, float: {}, floor: {bottom}, limit: {}, margin: {:.2} V, even: 10 mV, span: 15 min, \
             way-down: 5 min, rebulk: 10 %, period: 60 s, hold-when-discharging: 0.03 C, {} }}",
            pack(absorption),
            pack(float),
            cell(absorption + 0.01),
            (0.2 * in_series).max(0.1),
            protect(absorption + 0.05, absorption)
        ),
        "series-packs" => format!(
            "{{ bulk: {}, floor: {}, limit: {}, rise-below: {}, gain: {}, rise: 0.05 V, period: 5 s }}",
            cell(charge - 0.02),
            cell(floor),
            cell(charge - 0.02),
            cell(charge - 0.08),
            2.0 * in_series
        ),
        _ => return None,
    })
}
