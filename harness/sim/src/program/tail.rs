//! The first and the last of what a program writes on standard error.

use std::collections::VecDeque;

/// So much is kept of the beginning, and so much of the end.
const KEPT: usize = 16 << 10;

/// What came, as much of it as is kept.
#[derive(Debug, Default)]
pub(super) struct Tail {
    first: Vec<u8>,
    last: VecDeque<u8>,
    /// bytes between the two that are not kept
    dropped: u64,
}

impl Tail {
    /// More came.
    pub(super) fn take(&mut self, mut bytes: &[u8]) {
        let (first, rest) = bytes.split_at(bytes.len().min(KEPT - self.first.len()));
        self.first.extend_from_slice(first);
        bytes = rest;
        self.last.extend(bytes);
        let over = self.last.len().saturating_sub(KEPT);
        self.last.drain(..over);
        self.dropped += over as u64;
    }

    /// Beginning, bytes that are left out, end.
    pub(super) fn parts(&mut self) -> (String, u64, String) {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (text(&self.first), self.dropped, text(self.last.make_contiguous()))
    }

    /// Its last line that says something.
    pub(super) fn last_line(&mut self) -> Option<String> {
        let last = if self.last.is_empty() { self.first.as_slice() } else { self.last.make_contiguous() };
        let text = String::from_utf8_lossy(last);
        text.lines().map(str::trim).rfind(|line| !line.is_empty()).map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_leaves_its_beginning_its_end_and_a_count() {
        let mut tail = Tail::default();
        let line = [b'x'; 999];
        tail.take(b"first\n");
        for _ in 0..1000 {
            tail.take(&line);
        }
        tail.take(b"\nlast words\n\n");
        let (first, dropped, last) = tail.parts();
        assert!(first.starts_with("first\nxxx") && last.ends_with("xxx\nlast words\n\n"));
        assert_eq!(first.len() as u64 + dropped + last.len() as u64, 999_000 + 6 + 13);
        assert_eq!((first.len(), last.len()), (KEPT, KEPT));
        assert_eq!(tail.last_line().as_deref(), Some("last words"));
    }
}
