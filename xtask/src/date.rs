//! Today, for tables that say when they were made.

use std::time::{SystemTime, UNIX_EPOCH};

/// `2026-11-23`, in UTC.
pub(crate) fn today() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    of_day(since.map_or(0, |since| since.as_secs() / 86_400))
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
    fn days_are_dates() {
        assert_eq!(of_day(0), "1970-01-01");
        assert_eq!(of_day(59), "1970-03-01");
        assert_eq!(of_day(11_016), "2000-02-29");
        assert_eq!(of_day(20_780), "2026-11-23");
        assert_eq!(of_day(20_818), "2026-12-31");
    }
}
