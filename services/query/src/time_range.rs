//! Moments and spans as people type them.

use domain::query::moment::Relative;
use service_kit::ApiError;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime, UtcOffset};

/// From `from`, before `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeRange {
    pub(crate) from: OffsetDateTime,
    pub(crate) to: OffsetDateTime,
}

impl TimeRange {
    const DEFAULT_LENGTH: Duration = Duration::DAY;
    /// Senders' clocks may run ahead of ours by this much, so the newest lines may lie there.
    const DEFAULT_END: Duration = domain::log_record::LineRules::MAX_FUTURE;

    /// The last 24 hours where nothing is said.
    pub(crate) fn parse(from: Option<&str>, to: Option<&str>, now: OffsetDateTime) -> Result<Self, ApiError> {
        let range = Self {
            from: read("from", from, now)?.unwrap_or(now - Self::DEFAULT_LENGTH),
            to: read("to", to, now)?.unwrap_or(now + Self::DEFAULT_END),
        };
        if range.from >= range.to {
            return Err(ApiError::invalid("from", "must be before to"));
        }
        Ok(range)
    }

    pub(crate) fn length(&self) -> Duration {
        self.to - self.from
    }
}

/// Reads the parameter of this name; absent or blank means that nothing is said.
pub(crate) fn read(
    name: &'static str,
    text: Option<&str>,
    now: OffsetDateTime,
) -> Result<Option<OffsetDateTime>, ApiError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    moment(text, now).map(Some).ok_or_else(|| {
        let message = "must be RFC 3339, such as 2026-01-31T12:00:00Z, or relative, such as now or -15m";
        ApiError::invalid(name, message)
    })
}

/// Reads `2026-01-31T12:00:00Z`, `now`, a span before now (`-15m`), or as in queries: `now-15m`.
fn moment(text: &str, now: OffsetDateTime) -> Option<OffsetDateTime> {
    // A plus sign that was not escaped in the URL arrives as a space.
    let text = text.trim().replace(' ', "+");
    if let Some(relative) = Relative::parse(&text) {
        return Some(up_to_micros(relative.at(now)));
    }
    if let Some(ago) = text.strip_prefix('-') {
        return now.checked_sub(span(ago)?).map(up_to_micros);
    }
    let parsed = OffsetDateTime::parse(&text, &Rfc3339).ok()?;
    Some(up_to_micros(parsed))
}

/// Stored times have microseconds: a bound between two of them means the later one, for `from` and `to` alike.
pub(crate) fn up_to_micros(at: OffsetDateTime) -> OffsetDateTime {
    let excess = at.nanosecond() % 1_000;
    let missing = if excess == 0 { 0 } else { 1_000 - excess };
    at.saturating_add(Duration::nanoseconds(i64::from(missing)))
        .checked_to_offset(UtcOffset::UTC)
        .unwrap_or(at)
}

/// Reads a whole number of seconds, minutes, hours, days or weeks: `90s`, `15m`, `1h`, `7d`, `2w`.
pub(crate) fn span(text: &str) -> Option<Duration> {
    let unit = text.chars().last()?;
    let seconds: i64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return None,
    };
    let count: u32 = text.strip_suffix(unit)?.parse().ok()?;
    Some(Duration::seconds(i64::from(count).checked_mul(seconds)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-22 12:00 UTC);

    #[rstest::rstest]
    #[case("2026-11-22T10:00:00Z", Some(datetime!(2026-11-22 10:00 UTC)))]
    #[case("2026-11-22T11:00:00+01:00", Some(datetime!(2026-11-22 10:00 UTC)))]
    #[case("2026-11-22T11:00:00 01:00", Some(datetime!(2026-11-22 10:00 UTC)))]
    #[case("2026-11-22T10:00:00.0000001Z", Some(datetime!(2026-11-22 10:00:00.000001 UTC)))]
    #[case("now", Some(NOW))]
    #[case("now-15m", Some(datetime!(2026-11-22 11:45 UTC)))]
    #[case("now+5m", Some(datetime!(2026-11-22 12:05 UTC)))]
    #[case("now-15", None)]
    #[case("-15m", Some(datetime!(2026-11-22 11:45 UTC)))]
    #[case("-2w", Some(datetime!(2026-11-08 12:00 UTC)))]
    #[case("-4294967295w", None)]
    #[case("15m", None)]
    #[case("yesterday", None)]
    #[case("2026-11-22", None)]
    #[case("-", None)]
    #[case("-m", None)]
    #[case("--1m", None)]
    #[case("-1\u{fc}", None)]
    fn a_moment_is_absolute_or_relative(#[case] text: &str, #[case] expected: Option<OffsetDateTime>) {
        assert_eq!(moment(text, NOW), expected);
    }

    #[test]
    fn the_default_is_the_last_day_and_what_clocks_may_be_ahead() {
        let range = TimeRange::parse(None, Some(""), NOW).unwrap();
        assert_eq!(range.from, datetime!(2026-11-21 12:00 UTC));
        assert_eq!(range.to, datetime!(2026-11-22 12:10 UTC));
        assert_eq!(range.length(), Duration::minutes(24 * 60 + 10));
    }

    #[rstest::rstest]
    #[case(Some("now"), Some("now"))]
    #[case(Some("-1h"), Some("-2h"))]
    #[case(Some("x"), None)]
    #[case(None, Some("x"))]
    fn a_range_that_makes_no_sense_is_refused(#[case] from: Option<&str>, #[case] to: Option<&str>) {
        assert!(matches!(
            TimeRange::parse(from, to, NOW),
            Err(ApiError::Validation { .. })
        ));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in any::<String>()) {
            let _ = moment(&text, NOW);
        }

        #[test]
        fn the_ends_of_time_are_read(year in prop::sample::select(vec!["0000", "0001", "9999"])) {
            let text = format!("{year}-12-31T23:59:59.999999999-23:59");
            let _ = moment(&text, NOW);
        }
    }
}
