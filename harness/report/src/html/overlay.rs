//! Draws what happened over and above the panels of a figure: steps, marks, changes, evidence.

use std::fmt::{self, Write};

use proto::quantity::Micros;

use super::escape::Esc;
use super::geometry::{EVIDENCE, GAP, LABEL, LABEL_ROWS, LEFT, LETTER, Lanes, RIGHT, STEP, WIDTH, x_of};
use super::lanes::{Finding, Moment, Shade, Step};

pub(crate) fn shade(
    out: &mut String,
    shades: &[Shade],
    length: Micros,
    top: f64,
    bottom: f64,
) -> fmt::Result {
    for s in shades {
        let (a, b) = bar(s.from, s.to, length);
        // A window that is nearly the whole case would tint everything and say nothing.
        if b - a < 0.8 * (RIGHT - LEFT) {
            write!(
                out,
                "<rect class=\"shade {}\" x={a:.1} y={top:.1} width={:.1} height={:.1} />",
                s.mark.class(),
                b - a,
                bottom - top
            )?;
        }
    }
    Ok(())
}

pub(crate) fn draw_steps(out: &mut String, steps: &[Step], length: Micros, top: Option<f64>) -> fmt::Result {
    let Some(top) = top else { return Ok(()) };
    write!(out, "<text class=lane x={} y={:.1}>Steps</text>", LEFT - 7.0, top + 12.5)?;
    for (i, s) in steps.iter().enumerate() {
        let (a, b) = (x_of(s.from, length), x_of(s.to, length));
        if b - a < 0.3 {
            continue;
        }
        let class = if i % 2 == 0 { "step" } else { "step odd" };
        write!(
            out,
            "<g class=\"{class}\"><title>{} {}, line {}</title><rect x={a:.1} y={top:.1} width={:.1} height={STEP} />",
            evidence::words::clock(s.from),
            Esc(&s.text),
            s.line,
            b - a
        )?;
        let room = ((b - a - 8.0) / LETTER).max(0.0) as usize;
        if room >= s.text.chars().count().min(9) {
            let text = shortened(&s.text, room);
            write!(out, "<text x={:.1} y={:.1}>{}</text>", a + 4.0, top + 12.5, Esc(text))?;
        }
        out.push_str("</g>");
    }
    Ok(())
}

pub(crate) fn draw_evidence(out: &mut String, findings: &[Finding], length: Micros, top: f64) -> fmt::Result {
    for (row, f) in findings.iter().enumerate() {
        let y = top + row as f64 * EVIDENCE;
        write!(
            out,
            "<text class=\"lane {class}\" x={} y={:.1}>{}</text>",
            LEFT - 7.0,
            y + 10.0,
            Esc(f.id),
            class = f.mark.class()
        )?;
        for &(from, to) in &f.windows {
            let (a, b) = bar(from, to, length);
            write!(
                out,
                "<rect class=\"proof {}\" x={a:.1} y={:.1} width={:.1} height={} />",
                f.mark.class(),
                y + 3.0,
                b - a,
                EVIDENCE - 6.0
            )?;
        }
    }
    Ok(())
}

pub(crate) fn draw_moments(
    out: &mut String,
    moments: &[Moment],
    labelled: &[Option<(usize, bool)>],
    length: Micros,
    lanes: &Lanes,
    bottom: f64,
) -> fmt::Result {
    for (m, label) in moments.iter().zip(labelled) {
        let x = x_of(m.at, length);
        let top = label.map_or(lanes.bottom + GAP, |(row, _)| (lanes.labels - 1 - row) as f64 * LABEL + 2.0);
        write!(
            out,
            "<g class=\"moment {}\"><title>{} {}</title><path d=\"M{x:.1} {top:.1}V{bottom:.1}\"/>",
            m.class,
            evidence::words::clock(m.at),
            Esc(&m.text)
        )?;
        if let Some((_, left)) = label {
            let (x, end) = if *left { (x - 3.0, " text-anchor=end") } else { (x + 3.0, "") };
            write!(out, "<text x={x:.1} y={:.1}{end}>{}</text>", top + 9.0, Esc(&m.text))?;
        }
        out.push_str("</g>");
    }
    Ok(())
}

/// Which row each label stands in: the first with room, marks before changes. Nothing where none has.
pub(crate) fn label_rows(moments: &[Moment], length: Micros) -> (usize, Vec<Option<(usize, bool)>>) {
    let mut rows: Vec<Vec<(f64, f64)>> = vec![Vec::new(); LABEL_ROWS];
    let mut placed = vec![None; moments.len()];
    for class in ["alert", "mark", "change"] {
        for (i, m) in moments.iter().enumerate().filter(|(_, m)| m.class == class) {
            let (x, width) = (x_of(m.at, length), m.text.chars().count() as f64 * LETTER + 8.0);
            let left = x + width > WIDTH;
            let span = if left { (x - width, x) } else { (x, x + width) };
            let free = rows.iter().position(|row| row.iter().all(|r| span.1 <= r.0 || r.1 <= span.0));
            if let Some(row) = free {
                rows[row].push(span);
                placed[i] = Some((row, left));
            }
        }
    }
    (rows.iter().filter(|r| !r.is_empty()).count(), placed)
}

/// Ends of a window on the drawing, never thinner than what the eye finds.
pub(super) fn bar(from: Micros, to: Micros, length: Micros) -> (f64, f64) {
    let (a, b) = (x_of(from, length), x_of(to, length));
    if b - a < 3.0 { ((a + b) / 2.0 - 1.5, (a + b) / 2.0 + 1.5) } else { (a, b) }
}

fn shortened(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        text.to_owned()
    } else {
        let kept: String = text.chars().take(room - 1).collect();
        format!("{}…", kept.trim_end())
    }
}
