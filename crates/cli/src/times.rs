//! Times as people type them, for the server to read, and times of the server, for people to read.

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};

/// `1h` or `-1h`, as the server wants it: `-1h`.
pub(crate) fn span(text: &str) -> Result<String, String> {
    let length = text.strip_prefix('-').unwrap_or(text);
    seconds(length).map(|_| format!("-{length}"))
}

/// A span that something may take at most.
pub(crate) fn patience(text: &str) -> Result<Duration, String> {
    let span = Duration::from_secs(seconds(text)?);
    if span > Duration::from_hours(12) {
        return Err("must be at most 12h".to_owned());
    }
    Ok(span)
}

fn seconds(text: &str) -> Result<u64, String> {
    let wrong = || "must be a number and s, m, h, d or w: 90s, 15m, 1h, 7d, 2w".to_owned();
    let unit = match text.chars().last() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 3_600,
        Some('d') => 86_400,
        Some('w') => 604_800,
        Some(_) | None => return Err(wrong()),
    };
    let digits = &text.as_bytes()[..text.len() - 1];
    let count: u32 = std::str::from_utf8(digits)
        .ok()
        .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(wrong)?;
    Ok(u64::from(count) * unit)
}

/// RFC 3339, `now`, `-1h`, or a local date with or without a time, as the server wants it.
pub(crate) fn moment(text: &str) -> Result<String, String> {
    moment_in(text.trim(), &TimeZone::system())
}

fn moment_in(text: &str, zone: &TimeZone) -> Result<String, String> {
    if text == "now" {
        return Ok(text.to_owned());
    }
    if text.starts_with('-') {
        return span(text);
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at.to_string());
    }
    let local = text
        .parse::<civil::DateTime>()
        .ok()
        .and_then(|local| zone.to_timestamp(local).ok());
    local.map(|at| at.to_string()).ok_or_else(|| {
        "must be a time such as 2026-01-31T12:00:00Z, '2026-01-31 13:00' in local time, -1h or now".to_owned()
    })
}

/// Shows times of the server in one zone.
#[derive(Clone, Debug)]
pub(crate) struct Clockface(TimeZone);

impl Clockface {
    pub(crate) fn new(utc: bool) -> Self {
        Self(if utc { TimeZone::UTC } else { TimeZone::system() })
    }

    #[cfg(test)]
    pub(crate) fn utc() -> Self {
        Self::new(true)
    }

    /// `2026-01-31 12:59:58.123`; what is no time stays as it is.
    pub(crate) fn show(&self, rfc3339: &str) -> String {
        self.format(rfc3339, "%Y-%m-%d %H:%M:%S.%3f")
    }

    /// To the second.
    pub(crate) fn show_seconds(&self, rfc3339: &str) -> String {
        self.format(rfc3339, "%Y-%m-%d %H:%M:%S")
    }

    fn format(&self, rfc3339: &str, format: &str) -> String {
        match rfc3339.parse::<Timestamp>() {
            Ok(at) => at.to_zoned_datetime(self.0.clone()).strftime(format).to_string(),
            Err(_) => rfc3339.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("1h", Some("-1h"))]
    #[case("-90s", Some("-90s"))]
    #[case("1", None)]
    #[case("h", None)]
    #[case("--1h", None)]
    #[case("+1h", None)]
    #[case("1\u{fc}", None)]
    #[case("", None)]
    fn a_span_is_a_number_and_a_unit(#[case] text: &str, #[case] expected: Option<&str>) {
        assert_eq!(span(text).ok().as_deref(), expected);
    }

    #[rstest::rstest]
    #[case("2026-01-31T12:00:00+01:00", Some("2026-01-31T11:00:00Z"))]
    #[case("2026-01-31 12:00", Some("2026-01-31T10:00:00Z"))]
    #[case("2026-01-31", Some("2026-01-30T22:00:00Z"))]
    #[case("now", Some("now"))]
    #[case("-2w", Some("-2w"))]
    #[case("yesterday", None)]
    fn a_moment_without_a_zone_is_local(#[case] text: &str, #[case] expected: Option<&str>) {
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        assert_eq!(moment_in(text, &zone).ok().as_deref(), expected);
    }

    #[test]
    fn times_are_shown_in_the_zone() {
        let zone = Clockface(TimeZone::fixed(jiff::tz::offset(-3)));
        assert_eq!(
            zone.show("2026-01-31T11:59:58.123456Z"),
            "2026-01-31 08:59:58.123"
        );
        assert_eq!(
            Clockface::utc().show_seconds("2026-01-31T11:59:58.9Z"),
            "2026-01-31 11:59:58"
        );
        assert_eq!(zone.show("soon"), "soon");
    }
}
