//! A moment as the date and time of day that logs write.

use proto::quantity::Micros;

/// A moment in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Date {
    pub(super) year: u64,
    /// 1 to 12
    pub(super) month: u64,
    /// 1 to 31
    pub(super) day: u64,
    /// 0 is Sunday
    pub(super) weekday: u64,
    pub(super) hour: u64,
    pub(super) minute: u64,
    pub(super) second: u64,
    pub(super) millisecond: u64,
}

impl Date {
    /// Of a moment since 1970.
    pub(super) fn of(at: Micros) -> Self {
        let (millis, days) = (at.0 / 1000 % 86_400_000, at.0 / 86_400_000_000);
        // Years begin in March, so that the leap day is the last one; from the first of March of year 0 to 1970.
        let march = days + 719_468;
        let (era, of_era) = (march / 146_097, march % 146_097);
        let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let month = (5 * of_year + 2) / 153;
        Self {
            year: era * 400 + year + u64::from(month >= 10),
            month: if month < 10 { month + 3 } else { month - 9 },
            day: of_year - (153 * month + 2) / 5 + 1,
            // 1970 began with a Thursday.
            weekday: (days + 4) % 7,
            hour: millis / 3_600_000,
            minute: millis / 60_000 % 60,
            second: millis / 1000 % 60,
            millisecond: millis % 1000,
        }
    }

    /// `Sat Jan 31 12:00:00.123 2026`
    pub(super) fn of_asc(self) -> String {
        const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
        const MONTHS: [&str; 12] =
            ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let Self { year, month, day, weekday, hour, minute, second, millisecond } = self;
        let (weekday, month) = (DAYS[weekday as usize], MONTHS[month as usize - 1]);
        format!("{weekday} {month} {day:02} {hour:02}:{minute:02}:{second:02}.{millisecond:03} {year}")
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// As `date -u -d @…` says.
    #[rstest]
    #[case(0, "Thu Jan 01 00:00:00.000 1970")]
    #[case(951_782_400_000, "Tue Feb 29 00:00:00.000 2000")]
    #[case(1_772_323_199_999, "Sat Feb 28 23:59:59.999 2026")]
    #[case(4_107_542_400_000, "Mon Mar 01 00:00:00.000 2100")]
    fn dates(#[case] millis: u64, #[case] text: &str) {
        assert_eq!(Date::of(Micros::from_millis(millis)).of_asc(), text);
    }
}
