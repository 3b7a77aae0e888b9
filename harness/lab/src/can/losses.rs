//! How many frames were lost on this side of the bus.

/// Frames that the kernel has dropped because the queue was full, and those that the controller lost before it.
#[derive(Debug, Default)]
pub(super) struct Losses {
    /// its count, as far as it has been reported
    reported: u32,
    total: u64,
}

impl Losses {
    /// How many more than reported there are by a count of the kernel's, which may be older than the one before.
    pub(super) fn more(&mut self, count: u32) -> Option<u32> {
        let new = count.wrapping_sub(self.reported);
        if new == 0 || new > u32::MAX / 2 {
            return None;
        }
        self.reported = count;
        self.total += u64::from(new);
        Some(new)
    }

    /// The controller says that it lost some, and not how many: at least one.
    pub(super) const fn of_the_controller(&mut self) {
        self.total += 1;
    }

    /// All of them, at least.
    pub(super) const fn total(&self) -> u64 {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_is_reported_once_whatever_count_comes_first() {
        let mut losses = Losses { reported: u32::MAX - 1, total: 7 };
        let counts = [u32::MAX - 1, u32::MAX, 2, 1, 2, 3];
        assert_eq!(counts.map(|count| losses.more(count)), [None, Some(1), Some(3), None, None, Some(1)]);
        assert_eq!(losses.total, 12);
        losses.of_the_controller();
        assert_eq!(losses.total(), 13);
    }
}
