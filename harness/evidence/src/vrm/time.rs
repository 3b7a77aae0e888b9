//! Local times without an offset, and the zone that they are of.

/// Seconds since 1970-01-01 00:00:00 as a clock on the wall counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Local(pub i64);

/// A time zone as the head names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    /// such as `Europe/Berlin`
    pub name: String,
    /// seconds east of UTC at the moment of export. A row of another season has another: who aligns an export states the
    /// offset of its rows
    pub offset: Option<i32>,
}

impl Local {
    /// `2026-01-05 12:00:00`, perhaps with a fraction, which is left out.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (date, clock) = text.trim().split_once([' ', 'T'])?;
        let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
        let [year, month, day] = numbers(date, '-')?;
        let [hour, minute, second] = numbers(clock, ':')?;
        let is_time =
            hour < 24 && minute < 60 && second < 60 && fraction.bytes().all(|digit| digit.is_ascii_digit());
        let is_date = (1970..10_000).contains(&year)
            && (1..=12).contains(&month)
            && (1..=days(year, month)).contains(&day);
        (is_time && is_date)
            .then(|| Self(((day_number(year, month, day) * 24 + hour) * 60 + minute) * 60 + second))
    }

    /// As it is written in an export; beyond the years 1970 to 9999, the end of those.
    #[must_use]
    pub fn shown(self) -> String {
        /// 9999-12-31 23:59:59
        const LAST: u64 = 253_402_300_799;
        let since = core::time::Duration::from_secs(u64::try_from(self.0).unwrap_or(0).min(LAST));
        let text = humantime::format_rfc3339_seconds(std::time::UNIX_EPOCH + since).to_string();
        text.trim_end_matches('Z').replace('T', " ")
    }

    /// Seconds since 1970 in UTC, where clocks are `offset` seconds east of it.
    #[must_use]
    pub const fn utc(self, offset: i32) -> i64 {
        self.0 - offset as i64
    }
}

impl Zone {
    /// `Europe/Berlin (+01:00)`, or a name alone.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (name, offset) = match text.strip_suffix(')').and_then(|rest| rest.rsplit_once('(')) {
            Some((name, offset)) => (name.trim(), Some(seconds(offset)?)),
            None => (text, None),
        };
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_' | b'-' | b'+');
        (!name.is_empty() && name.bytes().all(is_name)).then(|| Self { name: name.to_owned(), offset })
    }
}

/// `+01:00`, in seconds east of UTC.
#[must_use]
pub fn seconds(offset: &str) -> Option<i32> {
    let (sign, rest) = match offset.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-" | "−", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    let digits = |text: &str, most: i32| -> Option<i32> {
        let is_number = text.len() == 2 && text.bytes().all(|digit| digit.is_ascii_digit());
        text.parse().ok().filter(|&number| is_number && number <= most)
    };
    Some(sign * (digits(hours, 14)? * 3600 + digits(minutes, 59)? * 60))
}

/// Three numbers of digits only.
fn numbers(text: &str, between: char) -> Option<[i64; 3]> {
    let mut parts = text.split(between).map(|part| {
        let is_number = (1..=4).contains(&part.len()) && part.bytes().all(|digit| digit.is_ascii_digit());
        is_number.then(|| part.parse().ok()).flatten()
    });
    let found = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(found)
}

const fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

const fn days(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01, of a year from then on.
fn day_number(year: i64, month: i64, day: i64) -> i64 {
    let leaps = |year: i64| year / 4 - year / 100 + year / 400;
    let before = (year - 1970) * 365 + leaps(year - 1) - leaps(1969);
    before + (1..month).map(|month| days(year, month)).sum::<i64>() + day - 1
}
