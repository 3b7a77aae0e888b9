//! How far two signals can be walked through together.
//!
//! Draw the time of one to the right and that of the other upwards. Where both hold their values is a rectangle; it is
//! free where the values are close enough. A walk is a path from the lower left to the upper right corner that never goes
//! left or down, through free rectangles and within the band around the diagonal that the lag allows. Within one rectangle
//! the band leaves a convex shape, so whatever lies right of and above where it is entered can be reached on a straight
//! line: of each edge only its lowest point that can be reached needs to be known. That is exact, takes a time that is
//! linear in the rectangles of the band, and the memory of one column of them.

use proto::quantity::Micros;

use super::steps::signed;
use super::{Steps, Tolerance};

/// How far a walk came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reached {
    /// to the end of both
    pub(super) whole: bool,
    /// the furthest moment of the golden trace
    pub(super) golden: Micros,
    /// the furthest moment of the new one
    pub(super) new: Micros,
}

/// An edge that no path reaches.
const NEVER: i64 = i64::MAX;

/// Walks through both as far as it goes.
pub(super) fn walk(golden: &Steps, new: &Steps, within: Tolerance) -> Reached {
    let lag = signed(within.lag);
    let (columns, rows) = (golden.points().len(), new.points().len());
    let mut furthest = (0, 0);
    let mut whole = false;
    // Of the left edge of each rectangle in a column, the lowest point that is reached; the first is that of row `base`.
    let (mut left, mut right, mut base) = (Vec::new(), Vec::new(), 0);
    if (golden.span(0).0 - new.span(0).0).abs() <= lag {
        left.push(new.span(0).0);
    }
    for column in 0..columns {
        let (from, to) = golden.span(column);
        let mut row = base;
        while row < rows && new.span(row).1 < from - lag {
            row += 1;
        }
        let first = row;
        // Of the lower edge, the leftmost point that is reached; and whether the lower left corner is, from before.
        let mut below = NEVER;
        let mut corner = false;
        let mut any = false;
        right.clear();
        while row < rows {
            let (low, high) = new.span(row);
            if low > to.saturating_add(lag) {
                break;
            }
            let entry = left.get(row - base).copied().unwrap_or(NEVER);
            let close = golden.points()[column].1.abs_diff(new.points()[row].1)
                <= u32::try_from(within.decivolts).unwrap_or(0);
            // The upper right corner of the rectangle to the lower left of the next one in the next column.
            let (mut out, mut above, mut next_corner) = (NEVER, NEVER, false);
            if close && (entry != NEVER || below != NEVER) {
                any = true;
                let up = if below == NEVER { entry } else { low };
                let (reach_up, reach_right) =
                    (high.min(to.saturating_add(lag)), to.min(high.saturating_add(lag)));
                let lowest = up.max(to - lag);
                let leftmost = if entry == NEVER { below } else { from }.max(high - lag);
                if lowest <= reach_up {
                    out = lowest;
                }
                if leftmost <= reach_right {
                    above = leftmost;
                }
                next_corner = (to - high).abs() <= lag;
                furthest = (furthest.0.max(reach_right), furthest.1.max(reach_up));
                whole |= next_corner && column + 1 == columns && row + 1 == rows;
            }
            right.push(if corner { low } else { out });
            (below, corner) = (above, next_corner);
            row += 1;
        }
        if !any || whole {
            break;
        }
        core::mem::swap(&mut left, &mut right);
        base = first;
    }
    let time = |at: i64| Micros(at.max(0).unsigned_abs());
    Reached { whole, golden: time(furthest.0), new: time(furthest.1) }
}
