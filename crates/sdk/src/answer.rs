//! What an answer of ingest means for the batch. Pure: status, `Retry-After` and body in, a verdict out.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use crate::stats::{DropReason, shortened};

/// Lines by the reason for which ingest rejected them.
pub(crate) type Rejected = BTreeMap<String, u64>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Ingest has dealt with every line: these were rejected, all others are stored.
    Answered(Rejected),
    /// The same batch again, with the same key.
    Retry {
        after: Option<Duration>,
        /// The lines may have been stored all the same.
        may_be_stored: bool,
        /// It is this batch that the server fails on.
        server_error: bool,
        why: String,
    },
    /// In smaller parts; the reason is that of a line that is left alone.
    Split(DropReason, String),
    /// Trying again does not help.
    Refused(DropReason, String),
}

impl Verdict {
    pub(crate) fn unanswered(may_be_stored: bool, why: impl Into<String>) -> Self {
        Self::Retry {
            after: None,
            may_be_stored,
            server_error: false,
            why: why.into(),
        }
    }
}

#[derive(Deserialize)]
struct Success {
    data: Outcome,
}

#[derive(Deserialize)]
struct Outcome {
    rejected: Vec<RejectedLine>,
}

#[derive(Deserialize)]
struct RejectedLine {
    field: String,
    reason: String,
}

#[derive(Deserialize)]
struct Failure {
    error: ErrorBody,
}

#[derive(Deserialize)]
struct ErrorBody {
    message: String,
    #[serde(default)]
    details: Vec<Detail>,
}

#[derive(Deserialize)]
struct Detail {
    path: String,
    message: String,
}

/// The verdict over a batch of this many lines. An answer that is not ingest's is a fault of whatever stands between.
pub(crate) fn judge(status: u16, retry_after: Option<&str>, body: &[u8], lines: u64) -> Verdict {
    let why = || describe(status, body);
    let retry = |may_be_stored, server_error| Verdict::Retry {
        after: retry_after.and_then(seconds),
        may_be_stored,
        server_error,
        why: why(),
    };
    match status {
        200..=299 => match serde_json::from_slice::<Success>(body) {
            Ok(Success { data }) => Verdict::Answered(by_reason(&data.rejected)),
            Err(_) => Verdict::unanswered(true, format!("{status} without an answer of ingest's")),
        },
        400 => bad_request(body, lines),
        401 => Verdict::Refused(DropReason::Unauthorized, why()),
        403 => Verdict::Refused(DropReason::Forbidden, why()),
        413 => Verdict::Split(DropReason::TooLarge, why()),
        408 | 425 | 429 => retry(false, false),
        500 => retry(true, true),
        502..=599 => retry(true, false),
        _ => Verdict::Refused(DropReason::Refused, why()),
    }
}

/// A date, the other form of `Retry-After`, is nothing that ingest sends.
fn seconds(retry_after: &str) -> Option<Duration> {
    retry_after.trim().parse().ok().map(Duration::from_secs)
}

/// Ingest names the lines if it was they that were wrong. It names the request as a whole if that is too much for the
/// API key's limit, or if one line, it cannot say which, was refused by the database; it then asks for smaller parts.
fn bad_request(body: &[u8], lines: u64) -> Verdict {
    let why = describe(400, body);
    let Ok(Failure { error }) = serde_json::from_slice::<Failure>(body) else {
        return Verdict::Refused(DropReason::BadRequest, why);
    };
    let mut rejected = Rejected::new();
    for detail in &error.details {
        if let Some(place) = detail.path.strip_prefix("logs[") {
            let field = place.split_once("].").map_or("", |(_index, field)| field);
            *rejected.entry(reason(field, &detail.message)).or_default() += 1;
        }
    }
    let named: u64 = rejected.values().sum();
    if named > 0 {
        // The list is cut off at some length, and stands for all of them.
        let unnamed = lines.saturating_sub(named);
        if unnamed > 0 {
            *rejected.entry(shortened(error.message)).or_default() += unnamed;
        }
        Verdict::Answered(rejected)
    } else if error.details.iter().any(|detail| detail.path.is_empty()) {
        Verdict::Split(DropReason::BadRequest, why)
    } else {
        Verdict::Refused(DropReason::BadRequest, why)
    }
}

fn by_reason(lines: &[RejectedLine]) -> Rejected {
    let mut rejected = Rejected::new();
    for line in lines {
        *rejected.entry(reason(&line.field, &line.reason)).or_default() += 1;
    }
    rejected
}

fn reason(field: &str, reason: &str) -> String {
    match field {
        "" => reason.to_owned(),
        field => format!("{field} {reason}"),
    }
}

/// For people: what the server said, if it is ours.
fn describe(status: u16, body: &[u8]) -> String {
    match serde_json::from_slice::<Failure>(body) {
        Ok(Failure { error }) => shortened(format!("{status}: {}", error.message)),
        Err(_) => format!("the server answered {status}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(message: &str, details: &str) -> Vec<u8> {
        let json = format!(
            r#"{{"error":{{"code":"X","message":"{message}","details":{details}}},"correlation_id":"c"}}"#
        );
        json.into_bytes()
    }

    fn verdict(status: u16) -> Verdict {
        judge(status, None, &error("no", "[]"), 3)
    }

    #[test]
    fn a_success_says_which_lines_were_rejected() {
        let body = br#"{"data":{"accepted":1,"rejected":[
            {"index":0,"field":"level","reason":"is unknown"},
            {"index":2,"field":"level","reason":"is unknown"},
            {"index":3,"field":"","reason":"is not valid JSON"}],"receipt_id":"r"}}"#;
        let expected = [("level is unknown", 2), ("is not valid JSON", 1)];
        let expected = expected.map(|(reason, lines)| (reason.to_owned(), lines));
        assert_eq!(
            judge(200, None, body, 4),
            Verdict::Answered(Rejected::from(expected))
        );
    }

    #[test]
    fn a_success_of_a_stranger_is_no_success() {
        for body in ["", "<html>welcome</html>", "{}", r#"{"data":{}}"#] {
            let verdict = judge(200, None, body.as_bytes(), 1);
            assert!(
                matches!(
                    verdict,
                    Verdict::Retry {
                        may_be_stored: true,
                        ..
                    }
                ),
                "{body}: {verdict:?}"
            );
        }
    }

    #[rstest::rstest]
    #[case(429, false, false)]
    #[case(408, false, false)]
    #[case(500, true, true)]
    #[case(502, true, false)]
    #[case(503, true, false)]
    #[case(504, true, false)]
    fn what_may_pass_is_tried_again(#[case] status: u16, #[case] stored: bool, #[case] failed: bool) {
        let expected = Verdict::Retry {
            after: None,
            may_be_stored: stored,
            server_error: failed,
            why: format!("{status}: no"),
        };
        assert_eq!(verdict(status), expected);
    }

    #[rstest::rstest]
    #[case(400, DropReason::BadRequest)]
    #[case(401, DropReason::Unauthorized)]
    #[case(403, DropReason::Forbidden)]
    #[case(404, DropReason::Refused)]
    #[case(409, DropReason::Refused)]
    #[case(415, DropReason::Refused)]
    #[case(307, DropReason::Refused)]
    #[case(501, DropReason::Refused)]
    fn what_cannot_pass_is_not(#[case] status: u16, #[case] reason: DropReason) {
        assert_eq!(verdict(status), Verdict::Refused(reason, format!("{status}: no")));
    }

    #[rstest::rstest]
    #[case("3", Some(3))]
    #[case(" 60 ", Some(60))]
    #[case("Wed, 21 Oct 2026 07:28:00 GMT", None)]
    #[case("-1", None)]
    #[case("", None)]
    fn retry_after_is_in_seconds(#[case] header: &str, #[case] expected: Option<u64>) {
        let Verdict::Retry { after, .. } = judge(503, Some(header), b"", 1) else {
            panic!("503 is tried again");
        };
        assert_eq!(after, expected.map(Duration::from_secs));
    }

    #[test]
    fn too_large_and_requests_that_ask_for_smaller_parts_are_split() {
        assert_eq!(
            verdict(413),
            Verdict::Split(DropReason::TooLarge, "413: no".to_owned())
        );
        let whole = error("too many", r#"[{"path":"","message":"too many"}]"#);
        assert_eq!(
            judge(400, None, &whole, 3),
            Verdict::Split(DropReason::BadRequest, "400: too many".to_owned())
        );
    }

    #[test]
    fn a_request_without_a_good_line_is_answered_line_by_line() {
        let details = r#"[{"path":"logs[0].message","message":"must not be blank"},
            {"path":"logs[1]","message":"is not valid JSON"}]"#;
        let body = error("none of the 5 lines was stored", details);
        let expected = [
            ("message must not be blank", 1),
            ("is not valid JSON", 1),
            ("none of the 5 lines was stored", 3),
        ];
        let expected = expected.map(|(reason, lines)| (reason.to_owned(), lines));
        assert_eq!(
            judge(400, None, &body, 5),
            Verdict::Answered(Rejected::from(expected))
        );
    }
}
