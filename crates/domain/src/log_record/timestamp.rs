//! When a line happened: RFC 3339 or a number since 1970, within what is kept.

use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

use super::fields::Scalar;
use super::{LineError, LineRules};

pub(super) fn read(value: Scalar<'_>, rules: &LineRules) -> Result<OffsetDateTime, LineError> {
    let refuse = |reason: String| Err(LineError::new("timestamp", reason));
    let ts = match value {
        Scalar::Absent => rules.now,
        Scalar::Text(text) => match OffsetDateTime::parse(&text, &Rfc3339) {
            Ok(ts) => ts,
            Err(_) => return refuse("must be RFC 3339, such as 2026-01-31T12:00:00.123Z".into()),
        },
        Scalar::Number(number) => match epoch(&number) {
            Some(ts) => ts,
            None => {
                return refuse(
                    "as a number must be seconds, milli-, micro- or nanoseconds since 1970".into(),
                );
            }
        },
        Scalar::Other => return refuse("must be an RFC 3339 text or a number since 1970".into()),
    };
    // PostgreSQL keeps microseconds; cutting here keeps what we answer equal to what we store.
    let ts = ts.truncate_to_microsecond();
    let age = rules.now - ts;
    if age < -LineRules::MAX_FUTURE {
        return refuse("is more than 10 minutes in the future; check the sender's clock".into());
    }
    if age > rules.retention {
        let days = rules.retention.whole_days();
        return refuse(format!("is older than the {days} days that this service keeps"));
    }
    // Only now: there are times at the end of the year 9999 that UTC could not tell.
    Ok(ts.to_offset(UtcOffset::UTC))
}

/// A number since 1970 in the unit that its size implies: below 10^11 seconds, then milli-, micro-, nanoseconds.
/// (10^11 seconds is the year 5138, 10^11 milliseconds is 1973.)
fn epoch(number: &serde_json::Number) -> Option<OffsetDateTime> {
    if let Some(whole) = number.as_i64() {
        let whole = i128::from(whole);
        let nanos = match whole.unsigned_abs() {
            0..100_000_000_000 => whole * 1_000_000_000,
            100_000_000_000..100_000_000_000_000 => whole * 1_000_000,
            100_000_000_000_000..100_000_000_000_000_000 => whole * 1_000,
            _ => whole,
        };
        return OffsetDateTime::from_unix_timestamp_nanos(nanos).ok();
    }
    let seconds = number.as_f64().filter(|s| s.abs() < 1e11)?;
    OffsetDateTime::from_unix_timestamp_nanos((seconds * 1e9) as i128).ok()
}
