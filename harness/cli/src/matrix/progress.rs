//! How far a matrix is, on standard error.

use report::matrix::cell::Cell;

use crate::progress::Counted;

/// How far it is, and how many cells are not as they must be.
pub(super) struct Progress {
    cells: Counted,
    wrong: usize,
}

impl Progress {
    pub(super) fn new(cells: usize, quiet: bool) -> Self {
        Self { cells: Counted::new(cells, "cells", quiet), wrong: 0 }
    }

    /// A cell is done.
    pub(super) fn done(&mut self, cell: &Cell) {
        if !cell.is_right() {
            self.wrong += 1;
            self.cells.note(&format!("not as it must be: {}", cell.name()));
        }
        self.cells.done(true, &cell.name(), || so_far(self.wrong));
    }

    pub(super) fn finish(&self) {
        self.cells.finish(&so_far(self.wrong));
    }
}

fn so_far(wrong: usize) -> String {
    format!("{wrong} not as they must be")
}
