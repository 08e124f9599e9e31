//! When stored lines may be dropped: on the day after the last of them is past its service's retention.

use time::Duration;

const DAY: i64 = 86_400_000_000;

/// The first day, counted from 1970 in UTC, on which nothing of this time is kept any more. `ts` is in microseconds since
/// 1970.
pub(crate) fn day_of(ts: i64, retention: Duration) -> i32 {
    let kept_until = ts.saturating_add(retention.whole_microseconds() as i64);
    (kept_until.div_euclid(DAY) + 1).clamp(i32::MIN.into(), i32::MAX.into()) as i32
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_line_is_kept_through_the_day_on_which_it_expires() {
        let ts = |at: OffsetDateTime| (at.unix_timestamp_nanos() / 1_000) as i64;
        let day = |at: OffsetDateTime| (at.unix_timestamp() / 86_400) as i32;
        let kept = Duration::days(30);
        let expected = day(datetime!(2026-12-23 0:00 UTC));
        assert_eq!(day_of(ts(datetime!(2026-11-22 0:00 UTC)), kept), expected);
        assert_eq!(
            day_of(ts(datetime!(2026-11-22 23:59:59.999999 UTC)), kept),
            expected
        );
        assert_eq!(day_of(-1, Duration::ZERO), 0);
    }
}
