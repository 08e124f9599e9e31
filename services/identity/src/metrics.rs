//! Every metric of identity: name, labels, help.

use std::time::Duration;

use metrics::{counter, describe_counter, describe_histogram, histogram};
use service_kit::ApiError;

const LOGINS: &str = "identity_logins_total";
const SIGNUPS: &str = "identity_signups_total";
const HASH_SECONDS: &str = "identity_password_hash_seconds";
const SWEPT: &str = "identity_swept_rows_total";

pub(crate) fn describe() {
    describe_counter!(LOGINS, "login attempts by outcome: ok, wrong, throttled");
    describe_counter!(SIGNUPS, "signup attempts by outcome: ok, taken, throttled");
    describe_histogram!(
        HASH_SECONDS,
        "time to hash or verify one password, without the wait for a core"
    );
    describe_counter!(SWEPT, "rows deleted because they ran out, by table");
}

/// How an attempt to come in ended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Outcome {
    Ok,
    /// The e-mail or the password was wrong.
    Wrong,
    /// The e-mail has an account already.
    Taken,
    Throttled,
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Wrong => "wrong",
            Self::Taken => "taken",
            Self::Throttled => "throttled",
        }
    }
}

pub(crate) fn login(outcome: Outcome) {
    counter!(LOGINS, "outcome" => outcome.as_str()).increment(1);
}

/// Counts an attempt that the throttle refused; a failure of ours is counted by its status.
pub(crate) fn login_refused(error: &ApiError) {
    if matches!(error, ApiError::RateLimited { .. }) {
        login(Outcome::Throttled);
    }
}

pub(crate) fn signup_refused(error: &ApiError) {
    if matches!(error, ApiError::RateLimited { .. }) {
        signup(Outcome::Throttled);
    } else if matches!(error, ApiError::Conflict(_)) {
        signup(Outcome::Taken);
    }
}

pub(crate) fn signup(outcome: Outcome) {
    counter!(SIGNUPS, "outcome" => outcome.as_str()).increment(1);
}

pub(crate) fn hashed(took: Duration) {
    histogram!(HASH_SECONDS).record(took.as_secs_f64());
}

pub(crate) fn swept(table: &'static str, rows: u64) {
    counter!(SWEPT, "table" => table).increment(rows);
}
