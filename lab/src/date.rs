//! Now, as reports say it.

use std::time::{SystemTime, UNIX_EPOCH};

/// `2026-11-26T04:05:06Z`: UTC, RFC 3339.
pub(crate) fn now() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    of_second(since.map_or(0, |since| since.as_secs()))
}

/// So many seconds after 1970 began.
fn of_second(second: u64) -> String {
    let (day, second) = (second / 86_400, second % 86_400);
    let (hour, minute) = (second / 3_600, second / 60 % 60);
    format!("{}T{hour:02}:{minute:02}:{:02}Z", of_day(day), second % 60)
}

/// The date so many days after 1970-01-01. Counts years from March, so that a leap day is a year's last.
fn of_day(day: u64) -> String {
    let day = day + 719_468; // since 0000-03-01
    let (era, in_era) = (day / 146_097, day % 146_097);
    let year = (in_era - in_era / 1_460 + in_era / 36_524 - in_era / 146_096) / 365;
    let in_year = in_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * in_year + 2) / 153;
    let day_of_month = in_year - (153 * from_march + 2) / 5 + 1;
    let month = (from_march + 2) % 12 + 1;
    let year = era * 400 + year + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day_of_month:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_dates() {
        assert_eq!(of_second(0), "1970-01-01T00:00:00Z");
        assert_eq!(of_second(951_782_400 + 86_399), "2000-02-29T23:59:59Z");
        assert_eq!(of_second(1_795_666_305), "2026-11-26T04:11:45Z");
    }
}
