//! The parameters of Loki's HTTP API that are times.

use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::units::parse_duration;

/// How far back a query looks that says neither `start` nor `since`.
const DEFAULT_SINCE: Duration = Duration::hours(1);
/// Of a query that says no `step`, as in Loki.
const DEFAULT_POINTS: i64 = 250;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid {field} `{text}`: {wanted}")]
pub struct InvalidTime {
    pub field: &'static str,
    pub text: String,
    pub wanted: &'static str,
}

impl InvalidTime {
    fn new(field: &'static str, text: &str, wanted: &'static str) -> Self {
        Self {
            field,
            // Enough to recognise it.
            text: text.chars().take(64).collect(),
            wanted,
        }
    }
}

/// A moment: nanoseconds since the epoch, seconds if it has a fraction or at most ten digits, or RFC 3339.
pub fn parse_time(field: &'static str, text: &str) -> Result<OffsetDateTime, InvalidTime> {
    let moment = if text.contains('.') && !text.contains(':') {
        text.parse().ok().and_then(from_seconds)
    } else if let Ok(number) = text.parse::<i64>() {
        if text.len() <= 10 {
            OffsetDateTime::from_unix_timestamp(number).ok()
        } else {
            OffsetDateTime::from_unix_timestamp_nanos(number.into()).ok()
        }
    } else {
        OffsetDateTime::parse(text, &Rfc3339).ok()
    };
    let wanted = "send Unix time in seconds or nanoseconds, or RFC 3339 such as 2026-01-31T12:00:00Z";
    moment.ok_or_else(|| InvalidTime::new(field, text, wanted))
}

/// To the microsecond, which is what a float holds of such a time.
fn from_seconds(seconds: f64) -> Option<OffsetDateTime> {
    let microseconds = (seconds * 1e6).round();
    if !microseconds.is_finite() {
        return None;
    }
    OffsetDateTime::from_unix_timestamp_nanos(microseconds as i128 * 1000).ok()
}

/// A length of time: `1h30m`, `1d`, or seconds such as `15` or `0.5`; more than 0.
pub fn parse_length(field: &'static str, text: &str) -> Result<Duration, InvalidTime> {
    let nanoseconds = match text.parse::<f64>() {
        Ok(seconds) => Some(seconds * 1e9)
            .filter(|nanoseconds| nanoseconds.abs() < i64::MAX as f64)
            .map(|nanoseconds| nanoseconds.round() as i64),
        Err(_) => parse_duration(text),
    };
    let wanted = "send a duration such as 5m or 1h30m, or seconds, more than 0";
    nanoseconds
        .filter(|nanoseconds| *nanoseconds > 0)
        .map(Duration::nanoseconds)
        .ok_or_else(|| InvalidTime::new(field, text, wanted))
}

/// From when to when a query looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeRange {
    pub start: OffsetDateTime,
    pub end: OffsetDateTime,
}

impl TimeRange {
    /// As in Loki: `end` is now, `start` is `since` before `end`, which is an hour, each unless it is given. A `since`
    /// before an `end` that lies ahead counts from now.
    pub fn parse(
        start: Option<&str>,
        end: Option<&str>,
        since: Option<&str>,
        now: OffsetDateTime,
    ) -> Result<Self, InvalidTime> {
        let end = end.map_or(Ok(now), |text| parse_time("end", text))?;
        let since = since.map_or(Ok(DEFAULT_SINCE), |text| parse_length("since", text))?;
        let Some(text) = start else {
            let from = end.min(now);
            let start = from.checked_sub(since).unwrap_or(OffsetDateTime::UNIX_EPOCH);
            return Ok(Self { start, end });
        };
        let start = parse_time("start", text)?;
        if start > end {
            return Err(InvalidTime::new("start", text, "start must not be after end"));
        }
        Ok(Self { start, end })
    }

    /// The step of a query that says none: about 250 points, whole seconds.
    pub fn default_step(&self) -> Duration {
        let seconds = (self.end - self.start).whole_seconds() / DEFAULT_POINTS;
        Duration::seconds(seconds.max(1))
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[rstest::rstest]
    #[case("1588889221", Some(datetime!(2020-05-07 22:07:01 UTC)))]
    #[case("1588889221.5", Some(datetime!(2020-05-07 22:07:01.5 UTC)))]
    #[case("1588889221.123456", Some(datetime!(2020-05-07 22:07:01.123456 UTC)))]
    #[case("1588889221000000001", Some(datetime!(2020-05-07 22:07:01.000000001 UTC)))]
    #[case("2020-05-07T22:07:01Z", Some(datetime!(2020-05-07 22:07:01 UTC)))]
    #[case("2020-05-08T00:07:01.25+02:00", Some(datetime!(2020-05-07 22:07:01.25 UTC)))]
    #[case("0", Some(OffsetDateTime::UNIX_EPOCH))]
    #[case("yesterday", None)]
    #[case("", None)]
    #[case("1e400.", None)]
    #[case("inf.", None)]
    #[case("99999999999999999999", None)]
    fn moments(#[case] text: &str, #[case] moment: Option<OffsetDateTime>) {
        assert_eq!(parse_time("start", text).ok(), moment);
    }

    #[rstest::rstest]
    #[case("15", Some(Duration::seconds(15)))]
    #[case("0.5", Some(Duration::milliseconds(500)))]
    #[case("1h30m", Some(Duration::minutes(90)))]
    #[case("1w", Some(Duration::weeks(1)))]
    #[case("0", None)]
    #[case("-5s", None)]
    #[case("nan", None)]
    #[case("1e300", None)]
    #[case("soon", None)]
    fn lengths(#[case] text: &str, #[case] length: Option<Duration>) {
        assert_eq!(parse_length("step", text).ok(), length);
    }

    #[test]
    fn a_range_has_defaults_and_an_order() {
        let now = datetime!(2026-01-31 12:00 UTC);
        let range = |start, end, since| TimeRange::parse(start, end, since, now);
        let hour = TimeRange {
            start: now - Duration::HOUR,
            end: now,
        };
        assert_eq!(range(None, None, None), Ok(hour));
        assert_eq!(hour.default_step(), Duration::seconds(14));
        assert_eq!(
            range(None, None, Some("2h")).unwrap().start,
            now - Duration::hours(2)
        );
        assert_eq!(
            range(Some("2026-02-01T00:00:00Z"), None, None)
                .unwrap_err()
                .to_string(),
            "invalid start `2026-02-01T00:00:00Z`: start must not be after end"
        );
    }
}
