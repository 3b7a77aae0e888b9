//! How far a search is, on standard error, with the worst so far.

use session::search::{Point, Worst};

use crate::progress::Counted;

/// How far it is, and the worst point so far.
pub(super) struct Progress {
    points: Counted,
    worst: Option<(usize, Worst)>,
}

impl Progress {
    pub(super) fn new(points: usize, quiet: bool) -> Self {
        Self { points: Counted::new(points, "points", quiet), worst: None }
    }

    /// A point was played. Point 0, everything as the files have it, is none of the budget.
    pub(super) fn done(&mut self, point: &Point) {
        if let Some(new) = &point.found.worst
            && self.worst.as_ref().is_none_or(|(_, worst)| new.room() < worst.room())
        {
            self.worst = Some((point.number, new.clone()));
        }
        let best = self.best();
        self.points.done(point.number > 0, &best, || best.clone());
    }

    fn best(&self) -> String {
        let Some((number, worst)) = &self.worst else { return "nothing decided yet".to_owned() };
        let room = super::told::room(worst);
        format!("worst so far: {} {room} at point {number}", worst.requirement)
    }

    pub(super) fn finish(&self) {
        self.points.finish(&self.best());
    }
}
