//! A trace as the tube sees it: values that hold until the next.

use proto::quantity::Micros;

use crate::trace::Series;
use crate::window::Window;

/// A signal that holds each value until the next, from its first point to its end, in whole steps of the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Steps {
    /// (when, 0.1 V); never empty, in the order of time, neighbours differ
    pub(super) points: Vec<(Micros, i32)>,
    pub(super) end: Micros,
    pub(super) silences: Vec<Window>,
}

impl Steps {
    /// From points (when, 0.1 V) in the order of time, their end, and the spans in which nothing was heard. Nothing
    /// where there is no point, or times go backwards.
    #[must_use]
    pub fn new(points: Vec<(Micros, i32)>, end: Micros, silences: Vec<Window>) -> Option<Self> {
        let mut points = points;
        let forward = points.windows(2).all(|pair| pair[0].0 <= pair[1].0)
            && points.last().is_some_and(|last| last.0 <= end)
            && silences.windows(2).all(|pair| pair[0].to <= pair[1].from)
            && silences.last().is_none_or(|last| last.to <= end);
        points.dedup_by_key(|point| point.1);
        forward.then_some(Self { points, end, silences })
    }

    /// What a series of volts did in a window, its time counted from the beginning of the window. Nothing where it was
    /// never heard in it.
    #[must_use]
    pub fn of(series: &Series, window: Window) -> Option<Self> {
        let since = |at: Micros| at.max(window.from).since(window.from);
        let points = series.points();
        let first = points.partition_point(|&(at, _)| at <= window.from).saturating_sub(1);
        let points: Vec<(Micros, i32)> = points[first..]
            .iter()
            .take_while(|&&(at, _)| at < window.to)
            .map(|&(at, volts)| (since(at), (volts * 10.0).round() as i32))
            .collect();
        let last = series.last_seen().filter(|&last| last > window.from)?;
        let begin = Window::new(Micros::ZERO, points.first()?.0);
        let end = Window::new(since(last), window.length());
        let between = series.silences().iter().filter_map(|&(from, to)| {
            let heard = window.overlap(Window { from, to })?;
            Some(Window { from: since(heard.from), to: since(heard.to) })
        });
        let silences = core::iter::once(begin).chain(between).chain(core::iter::once(end));
        let silences = silences.filter(|silence| silence.length() > Series::SILENCE).collect();
        Self::new(points, window.length(), silences)
    }

    /// The points at which the value changed: (when, 0.1 V).
    #[must_use]
    pub fn points(&self) -> &[(Micros, i32)] {
        &self.points
    }

    /// The end.
    #[must_use]
    pub const fn end(&self) -> Micros {
        self.end
    }

    /// Spans in which nothing was heard.
    #[must_use]
    pub fn silences(&self) -> &[Window] {
        &self.silences
    }

    /// The value at a time in 0.1 V; nothing before the first and from the end on.
    #[must_use]
    pub fn at(&self, at: Micros) -> Option<i32> {
        let after = self.points.partition_point(|&(t, _)| t <= at);
        (at < self.end).then(|| after.checked_sub(1).map(|k| self.points[k].1))?
    }

    /// The lowest and the highest value, in 0.1 V.
    #[must_use]
    pub fn range(&self) -> (i32, i32) {
        self.points
            .iter()
            .fold((i32::MAX, i32::MIN), |(low, high), &(_, value)| (low.min(value), high.max(value)))
    }

    /// When the value of a place begins and ends.
    pub(super) fn span(&self, place: usize) -> (i64, i64) {
        let end = self.points.get(place + 1).map_or(self.end, |next| next.0);
        (signed(self.points[place].0), signed(end))
    }
}

/// Time with a sign. A run is shorter than 292 000 years.
pub(super) fn signed(at: Micros) -> i64 {
    i64::try_from(at.0).unwrap_or(i64::MAX)
}
